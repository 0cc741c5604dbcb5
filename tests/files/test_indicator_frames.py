"""Camera series with their fields: from the description, from YAML beside them, and what is refused."""

import json

import numpy as np
import pytest
import tifffile

from nbtools.files.indicator_frames import FramesError, read_all_frames, read_frames

ABOUT = {
    "applied_field_T": [0.0, 0.01],
    "temperature_K": 10,
    "history": "zero-field cooled",
    "pixel_size_m": 5e-6,
}


def write(path, frames, about=None):
    text = json.dumps(about) if about else "no metadata"
    tifffile.imwrite(path, frames, photometric="minisblack", description=text, metadata=None)
    return path


@pytest.fixture
def frames():
    return np.arange(24, dtype=np.uint16).reshape(2, 3, 4)


def test_a_series_with_its_description(tmp_path, frames) -> None:
    """Fields, temperature and pixel come with it; row 0 of the picture is the last row of the map."""
    found = read_frames(write(tmp_path / "a.tif", frames, ABOUT))
    np.testing.assert_array_equal(found.counts, frames[:, ::-1])
    assert (found.temperature, found.pixel_size, found.applied[1]) == (10.0, 5e-6, 0.01)
    assert np.isnan(found.height) and not found.is_calibration
    assert found.counts.dtype == np.uint16


def test_a_series_with_a_note_beside_it(tmp_path, frames) -> None:
    """Any camera's TIFF, with YAML of the same name."""
    path = write(tmp_path / "b.tif", frames)
    (tmp_path / "b.yaml").write_text("applied_field_T: [0, 0.02]\nhistory: calibration\n")
    assert read_frames(path).is_calibration


def test_single_frames_in_a_list(tmp_path, frames) -> None:
    """One file a frame, the note beside the first."""
    paths = [write(tmp_path / f"{i}.tif", one) for i, one in enumerate(frames)]
    (tmp_path / "0.yaml").write_text("applied_field_T: [0, 0.02]\n")
    assert read_frames(paths).counts.shape == (2, 3, 4)


def test_without_fields_it_says_what_to_write(tmp_path, frames) -> None:
    """The name of the note and its lines are in the sentence."""
    with pytest.raises(FramesError, match=r"write c.yaml beside it, with\s+applied_field_T"):
        read_frames(write(tmp_path / "c.tif", frames))


def test_other_things_are_refused(tmp_path, frames) -> None:
    """Frames of two sizes, a wrong number of fields, no TIFF, colour, no calibration."""
    small = write(tmp_path / "small.tif", frames[:, :2])
    with pytest.raises(FramesError, match="one size and bit depth"):
        read_frames([write(tmp_path / "d.tif", frames, ABOUT), small])
    with pytest.raises(FramesError, match="one each is expected"):
        read_frames(write(tmp_path / "e.tif", frames[:1], ABOUT))
    with pytest.raises(FramesError, match="TIFF frames are expected"):
        read_frames(tmp_path / "f.png")
    (tmp_path / "g.tif").write_bytes(b"II*\0 broken")
    with pytest.raises(FramesError, match=r"g.tif cannot be read"):
        read_frames(tmp_path / "g.tif")
    with pytest.raises(FramesError, match=r"no calibration series among d\.tif"):
        read_all_frames([tmp_path / "d.tif"])


def test_single_files_with_notes_form_series(tmp_path) -> None:
    """Calibration files and frames of one temperature become series in the order of their numbers."""
    frame = np.arange(12, dtype=np.uint16).reshape(3, 4)
    for step in (0, 2, 10):
        write(tmp_path / f"cal_{step}.tif", frame + step)
        (tmp_path / f"cal_{step}.yaml").write_text(f"applied_field_T: {step}e-3\nhistory: calibration\n")
        write(tmp_path / f"ramp_{step}.tif", frame + step)
        (tmp_path / f"ramp_{step}.yaml").write_text(f"applied_field_T: {step}e-3\ntemperature_K: 8\n")
    found = read_all_frames(sorted(tmp_path.iterdir()))
    np.testing.assert_allclose(found.calibration.applied, [0, 2e-3, 10e-3])
    assert [one.name for one in found.series] == ["ramp_0.tif and 2 more"]
    np.testing.assert_array_equal(found.series[0].counts[2], (frame + 10)[::-1])


def test_what_files_do_not_say_can_be_given(tmp_path, frames) -> None:
    """By name; a file that is then still without fields is left out, and named."""
    for name, one in zip("abcd", (*frames, *frames), strict=True):
        write(tmp_path / f"{name}.tif", one)
    said = {f"{name}.tif": {"applied_field_T": n, "history": "calibration"} for n, name in enumerate("ab")}
    said["c.tif"] = {"applied_field_T": 0.01, "temperature_K": 8}
    found = read_all_frames(sorted(tmp_path.iterdir()), about=said)
    assert found.calibration.counts.shape == (2, 3, 4) and len(found.series) == 1
    assert list(found.left_out) == ["d.tif"]


def test_one_series_has_one_pixel_size(tmp_path, frames) -> None:
    """Two of them are refused with both numbers."""
    for name, size in (("a", 5e-6), ("b", 6e-6)):
        write(tmp_path / f"{name}.tif", frames, {**ABOUT, "pixel_size_m": size})
    with pytest.raises(FramesError, match=r"pixel_size: 5e-06, 6e-06"):
        read_all_frames([tmp_path / "a.tif", tmp_path / "b.tif"])
