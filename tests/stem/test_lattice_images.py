"""What files of images give: every signal, frames of one place averaged, saturation and scale bars told apart."""

import numpy as np
import pytest
import stem_worlds as worlds
import tifffile

from nbtools import stem
from nbtools.files.images import ImageError, read_images
from nbtools.notebook.sample import open_sample
from nbtools.stem.image import check_lattice_image


@pytest.fixture(scope="module")
def picture():
    places, weights = worlds.projected(worlds.CRYSTALS["MgO"], (0, 1, 1), 0.3, 6e-9)
    return 5 + worlds.drawn(places, weights, 300)


def test_frames_of_one_place_are_averaged_after_alignment(picture, tmp_path):
    """Five frames that drift by up to 2.4 pixels: the mean is as sharp as one of them, and less noisy."""
    from scipy import ndimage

    rng = np.random.default_rng(1)
    shifts = [(0, 0), (0.6, -0.4), (1.2, -0.8), (1.8, -1.2), (2.1, -1.2)]
    frames = [rng.poisson(np.maximum(ndimage.shift(0.3 * picture, s, mode="nearest"), 0)) for s in shifts]
    file = tmp_path / "series.tif"
    options = {"imagej": True, "resolution": (1 / 0.02, 1 / 0.02), "metadata": {"unit": "nm", "axes": "TYX"}}
    tifffile.imwrite(file, np.array(frames, np.uint16), **options)
    (mean,) = read_images(file)
    assert "5 frames" in mean.attrs["remark"] and mean.dims == ("y", "x")
    inner = (slice(20, -20),) * 2
    truth = 0.3 * picture[inner]
    left = [np.std(plane[inner] - truth) for plane in (mean.values, np.mean(frames, axis=0), frames[0])]
    assert left[0] < 0.6 * left[1] and left[0] < 0.6 * left[2]


def test_slices_of_a_volume_are_no_image(tmp_path):
    """With pixels of 5 nm: sent elsewhere, by name."""
    file = tmp_path / "volume.tif"
    options = {
        "imagej": True,
        "resolution": (1 / 5, 1 / 5),
        "metadata": {"unit": "nm", "spacing": 5, "axes": "ZYX"},
    }
    tifffile.imwrite(file, np.random.default_rng(0).integers(0, 9, (6, 64, 64)).astype(np.uint16), **options)
    with pytest.raises(ImageError, match="6 slices of a volume, which 01 takes"):
        read_images(file)


def test_saturated_columns_stay_and_are_said(picture):
    """Clipped at a third of its range: the zone still comes back, the share is told, no pixel is replaced."""
    clipped = np.minimum(picture, np.quantile(picture, 0.6))
    checked = check_lattice_image(clipped, worlds.PIXEL, name="a_haadf")
    assert np.array_equal(checked.plane, clipped)
    assert checked.saturated == pytest.approx(0.4, abs=0.01)
    assert any("saturated" in note for note in checked.notes)
    assert stem.index_pattern(clipped, worlds.PIXEL, worlds.CRYSTALS).best.crystal == "MgO"


def test_a_scale_bar_is_filled(picture):
    """With its caption, and it counts as no saturation."""
    barred = picture.copy()
    barred[270:278, 20:120] = 255.0
    barred[255:265, 60:64] = 255.0
    checked = check_lattice_image(barred, worlds.PIXEL)
    assert checked.plane.max() < 255 and checked.saturated == 0.0


@pytest.mark.parametrize("dark", [False, True])
def test_dark_columns_are_seen_without_a_name(picture, dark):
    """By the tail of the grey values."""
    image = picture.max() - picture if dark else picture
    assert check_lattice_image(image, worlds.PIXEL).dark is dark


def test_a_signal_of_several_is_chosen(picture, tmp_path):
    """Two detectors in one file: both are listed, one may be asked for, and an unknown title names those there are."""
    h5py = pytest.importorskip("h5py")
    pytest.importorskip("rsciio")
    from rsciio.hspy import file_writer

    axes = [
        {
            "name": n,
            "units": "nm",
            "scale": 0.02,
            "offset": 0.0,
            "size": 300,
            "navigate": False,
            "index_in_array": i,
        }
        for i, n in enumerate(("y", "x"))
    ]
    names = {"HAADF": picture, "BF": picture.max() - picture}
    for name, data in names.items():
        signal = {
            "data": data,
            "axes": axes,
            "metadata": {"General": {"title": name}},
            "original_metadata": {},
        }
        signal |= {
            "learning_results": {},
            "package": "test",
            "package_version": "0",
            "attributes": {},
            "tmp_parameters": {},
        }
        file_writer(str(tmp_path / f"{name}.hspy"), signal)
    both = tmp_path / "both"
    both.mkdir()
    with h5py.File(tmp_path / "HAADF.hspy", "a") as first, h5py.File(tmp_path / "BF.hspy") as second:
        second.copy("Experiments/BF", first["Experiments"])
    (tmp_path / "HAADF.hspy").rename(both / "scan.hspy")
    sample = open_sample(both)
    assert set(stem.study_images(sample).images) == {"scan HAADF", "scan BF"}
    assert set(stem.study_images(sample, signal="BF").images) == {"scan BF"}
    assert stem.study_images(sample, signal="BF").images["scan BF"].dark
    assert "HAADF, BF" in stem.study_images(sample, signal="EDX").reason
