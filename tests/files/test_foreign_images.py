"""Images as other programs write them, made byte by byte: orientation, scale, frames, tilts, detectors."""

import json
import struct

import h5py
import numpy as np
import pytest

from nbtools.files.images import ImageError, read_images
from nbtools.inspection import inspect_path

pytest.importorskip("rsciio")
PIXEL = 2e-11


@pytest.fixture
def picture():
    """Wider than high, and no two pixels of its corners alike."""
    return np.random.default_rng(0).integers(0, 60000, (70, 90)).astype(np.uint16)


def write_ncem(path, data, *axes):
    """openNCEM's EMD: data and one (name, values, unit) for each of its axes."""
    with h5py.File(path, "w") as file:
        file.attrs["version_major"], file.attrs["version_minor"] = 0, 2
        group = file.create_group("data/mine")
        group.attrs["emd_group_type"] = 1
        group.create_dataset("data", data=data)
        for number, (name, values, unit) in enumerate(axes, 1):
            axis = group.create_dataset(f"dim{number}", data=values)
            axis.attrs["name"], axis.attrs["units"] = name, unit


def write_velox(path, detectors):
    """Velox's EMD: (y, x, frames) of each detector by name."""
    with h5py.File(path, "w") as file:
        file.create_dataset("Version", data=np.array([b'{"format": "Velox", "version": "1.0.1"}']))
        file.create_group("Operations")
        for number, (name, data) in enumerate(detectors.items()):
            group = file.create_group(f"Data/Image/{number:032x}")
            group.create_dataset("Data", data=data)
            about = {
                "Core": {"MetadataDefinitionVersion": "7.9"},
                "Instrument": {"InstrumentClass": "Titan", "InstrumentId": "1"},
                "Acquisition": {"AcquisitionStartDatetime": {"DateTime": "1512488312"}, "BeamType": ""},
                "Optics": {"AccelerationVoltage": "300000", "CameraLength": "0.1"},
                "Stage": {"AlphaTilt": "0", "BetaTilt": "0", "Position": {"x": "0", "y": "0", "z": "0"}},
                "Scan": {"DwellTime": "1e-5", "FrameTime": "0.5"},
                "BinaryResult": {
                    "Detector": name,
                    "PixelSize": {"width": str(PIXEL), "height": str(PIXEL)},
                    "PixelUnitX": "m",
                    "PixelUnitY": "m",
                    "Offset": {"x": "0", "y": "0"},
                },
                "Detectors": {f"Detector-{number}": {"DetectorName": name, "DetectorType": "Scanning"}},
            }
            text = np.zeros((4096, data.shape[-1]), np.uint8)
            letters = np.frombuffer(json.dumps(about).encode(), np.uint8)
            text[: len(letters)] = letters[:, None]
            group.create_dataset("Metadata", data=text)
            group.create_dataset("FrameLookupTable", data=np.arange(data.shape[-1]))


def write_mrc(path, data, *, section=0.2, group=0, tilts=()):
    """MRC 2014, sizes in Å; FEI's extended header where there are tilts (deg)."""
    nz, ny, nx = data.shape
    header = bytearray(1024)
    struct.pack_into("<4i", header, 0, nx, ny, nz, 1)
    struct.pack_into("<3i", header, 28, nx, ny, nz)
    struct.pack_into("<6f", header, 40, 0.2 * nx, 0.2 * ny, section * nz, 90, 90, 90)
    struct.pack_into("<3i", header, 64, 1, 2, 3)
    struct.pack_into("<i", header, 88, group)
    header[208:216] = b"MAP \x44\x44\x00\x00"
    extended = b"".join(struct.pack("<32f", tilt, *[0.0] * 10, PIXEL, *[0.0] * 20) for tilt in tilts)
    extended += bytes(131072 - len(extended)) if tilts else b""
    struct.pack_into("<i", header, 92, len(extended))
    path.write_bytes(bytes(header) + extended + data.astype(np.int16).tobytes())


def length(count):
    return 0.02 * np.arange(count)


@pytest.mark.parametrize("unit", ["[n_m]", "[nm]", "nm"])
@pytest.mark.parametrize("order", ["yx", "xy"])
def test_openncem_in_either_order(tmp_path, picture, order, unit):
    """(y, x) comes, whichever the file has first, with the step in metres."""
    data = picture if order == "yx" else picture.T
    write_ncem(
        tmp_path / "a.emd", data, *((n, length(s), unit) for n, s in zip(order, data.shape, strict=True))
    )
    (image,) = read_images(tmp_path / "a.emd")
    assert image.dims == ("y", "x") and np.array_equal(image.values, picture)
    for axis in ("y", "x"):
        assert float(image[axis][1] - image[axis][0]) == pytest.approx(PIXEL)


def test_a_tilt_series_is_named_with_its_angles(tmp_path, picture):
    """In openNCEM's file and in an MRC file with FEI's header."""
    stack, angles = np.stack([picture] * 5), np.linspace(-60, 60, 5)
    axes = [
        ("angle", angles, "[deg]"),
        *((n, length(s), "[n_m]") for n, s in zip("yx", picture.shape, strict=True)),
    ]
    write_ncem(tmp_path / "a.emd", stack, *axes)
    write_mrc(tmp_path / "a.mrc", stack // 2, tilts=list(angles))
    for name in ("a.emd", "a.mrc"):
        with pytest.raises(ImageError, match="a tilt series of 5 projections from -60° to 60°; reconstruct"):
            read_images(tmp_path / name)
        said = inspect_path(tmp_path / name)[0]
        assert "from -60° to 60°" in said and "× 30 deg" in said and "run 02" not in said


@pytest.mark.parametrize(
    ("options", "slices"), [({"section": 200.0}, True), ({"group": 1}, True), ({}, False)]
)
def test_sections_of_an_mrc_file(tmp_path, picture, options, slices):
    """Farther apart than pixels, or a volume by the header's word: slices. Else frames of one place."""
    write_mrc(tmp_path / "a.mrc", np.stack([picture // 2] * 3), **options)
    if slices:
        with pytest.raises(ImageError, match="3 slices of a volume, which 01 takes"):
            read_images(tmp_path / "a.mrc")
    else:
        (image,) = read_images(tmp_path / "a.mrc")
        assert "the mean of 3 frames" in image.attrs["remark"] and np.allclose(image.values, picture // 2)


def test_every_detector_of_a_velox_file(tmp_path, picture):
    """Each by the name that the file gives it; frames of each are averaged; `inspect` lists them."""
    moved = [np.roll(picture, (n, -n), (0, 1)) for n in range(3)]
    write_velox(tmp_path / "a.emd", {"HAADF": np.stack(moved, -1), "DF4": picture[::-1, :, None]})
    images = {one.attrs["title"]: one for one in read_images(tmp_path / "a.emd")}
    assert set(images) == {"HAADF", "DF4"}
    assert np.array_equal(images["DF4"].values, picture[::-1])
    inner = images["HAADF"].values[5:-5, 5:-5]
    assert np.corrcoef(inner.ravel(), picture[5:-5, 5:-5].ravel())[0, 1] > 0.999
    said = inspect_path(tmp_path / "a.emd")[0]
    assert "2 images: HAADF, DF4" in said and "SIGNAL" in said and "the mean of 3 frames" in said


def test_what_else_is_in_a_file_is_said(tmp_path, picture):
    """An image beside a tilt series: the image is taken, the series named."""
    with h5py.File(tmp_path / "a.emd", "w") as file:
        file.attrs["version_major"], file.attrs["version_minor"] = 0, 2
    axes = [(n, length(s), "[n_m]") for n, s in zip("yx", picture.shape, strict=True)]
    write_ncem(tmp_path / "one.emd", picture, *axes)
    write_ncem(tmp_path / "two.emd", np.stack([picture] * 4), ("angle", 20.0 * np.arange(4), "[deg]"), *axes)
    with h5py.File(tmp_path / "one.emd", "r+") as file, h5py.File(tmp_path / "two.emd") as other:
        other.copy("data/mine", file["data"], name="series")
    (image,) = read_images(tmp_path / "one.emd")
    (beside,) = image.attrs["beside"]
    assert "series, in the same file" in beside and "from 0° to 60°" in beside
    assert beside in inspect_path(tmp_path / "one.emd")[0]
