"""What files of images give: every signal, frames of one place averaged, saturation and scale bars told apart."""

import numpy as np
import pytest
import stem_worlds as worlds
import tifffile
import xarray as xr

from nbtools import stem
from nbtools.files.images import ImageError as FileError
from nbtools.files.images import read_images
from nbtools.notebook.sample import open_sample
from nbtools.stem.image import (
    ImageError,
    ImagesStudy,
    LatticeImage,
    check_image,
    check_lattice_image,
    check_plane,
    saturated_share,
)


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
    with pytest.raises(FileError, match="6 slices of a volume, which 01 takes"):
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


def test_a_signal_of_several_is_chosen(picture, tmp_path, monkeypatch):
    """Two detectors in one file: both are listed, one may be asked for, and an unknown title names those there are."""
    at = {axis: (axis, 2e-11 * np.arange(300), {"units": "m"}) for axis in ("y", "x")}
    named = {"HAADF": picture, "BF": picture.max() - picture}
    signals = [xr.DataArray(d, dims=("y", "x"), coords=at, attrs={"title": n}) for n, d in named.items()]
    monkeypatch.setattr("nbtools.files.images.read_signals", lambda path: signals)
    file = tmp_path / "scan.emd"
    file.write_bytes(b"")
    assert [one.attrs["title"] for one in read_images(file)] == ["HAADF", "BF"]
    sample = open_sample(file)
    assert set(stem.study_images(sample).images) == {"scan HAADF", "scan BF"}
    chosen = stem.study_images(sample, signal="BF")
    assert set(chosen.images) == {"scan BF"} and chosen.images["scan BF"].dark
    assert "HAADF, BF" in stem.study_images(sample, signal="EDX").reason


def test_x_before_y_is_turned(picture, monkeypatch, tmp_path):
    """As some files have it: (y, x) comes, whatever the order."""
    signal = xr.DataArray(picture.T, dims=("x", "y"), attrs={"title": "one"})
    monkeypatch.setattr("nbtools.files.images.read_signals", lambda path: [signal])
    (image,) = read_images(tmp_path / "one.emd")
    assert image.dims == ("y", "x") and np.array_equal(image.values, picture)


# ---- what is checked


@pytest.mark.parametrize(
    ("name", "dark"),
    [("a_haadf", False), ("x-ABF", True), ("BF 2", True), ("my_adf", False), ("MADF", False), ("DF", False)],
)
def test_the_detector_in_a_name_decides(name, dark):
    """Whatever the grey values say."""
    image = np.random.default_rng(0).normal(size=(64, 64)) ** 2 * (-1 if not dark else 1)
    assert check_lattice_image(image, worlds.PIXEL, name=name).dark is dark


def test_missing_pixels_and_scales_by_hand():
    """Up to 5 % are filled by their nearest neighbour; a scale comes from (y, x) in metres alike to a part in 1,000."""
    image = np.arange(1600.0).reshape(40, 40)
    holed = image.copy()
    holed[0, :] = np.nan
    assert check_plane(holed)[0].tolist() == image[1].tolist()
    holed[:3] = np.nan
    with pytest.raises(ImageError, match="8% of the image is not a number; up to 5% can be filled"):
        check_plane(holed)
    assert check_image(image, (2e-11, 2.001e-11))[1] == pytest.approx(2.0005e-11)
    with pytest.raises(ImageError, match="not square"):
        check_image(image, (2e-11, 2.005e-11))
    assert check_image(image, 1e-9)[1] == 1e-9
    with pytest.raises(ImageError, match="cannot show atoms"):
        check_image(image, 1.1e-9)
    at = {axis: (axis, -2e-11 * np.arange(40), {"units": "m"}) for axis in ("y", "x")}
    assert check_image(xr.DataArray(image, dims=("y", "x"), coords=at))[1] == pytest.approx(2e-11)
    for coords in ({"y": at["y"]}, {**at, "x": ("x", 2e-11 * np.arange(40), {"units": "px"})}):
        with pytest.raises(ImageError, match="no scale"):
            check_image(xr.DataArray(image, dims=("y", "x"), coords=coords))
    with pytest.raises(ImageError, match=r"\(31, 40\) pixels; at least 32"):
        check_plane(image[:31])
    assert check_plane(image[:32]).shape == (32, 40)
    with pytest.raises(ImageError, match="colours"):
        check_plane(np.zeros((40, 40, 4)))
    with pytest.raises(ImageError, match="an array of shape"):
        check_plane(np.zeros((40, 40, 5)))


def test_what_counts_as_a_scale_bar():
    """Full, three times as long as wide, a fortieth of the image, and captions within its length; else columns."""
    rng = np.random.default_rng(0)
    image = rng.uniform(10, 90, (120, 160))

    def filled(*boxes):
        drawn = image.copy()
        for rows, columns in boxes:
            drawn[rows, columns] = 255.0
        return saturated_share(drawn), check_image(drawn, worlds.PIXEL)[0].max()

    bar = (slice(100, 103), slice(20, 50))
    assert filled(bar) == (0.0, pytest.approx(90, abs=1))
    assert filled((slice(100, 130), slice(20, 23)))[0] == 0.0  # upright
    caption, far = (slice(80, 82), slice(30, 32)), (slice(10, 12), slice(140, 142))
    assert filled(bar, caption)[0] == 0.0
    assert filled(bar, far)[0] == pytest.approx(4 / image.size)
    for none in ((slice(100, 102), slice(20, 50)), (slice(100, 110), slice(20, 46))):
        share, top = filled(none)
        assert share == pytest.approx(
            (none[0].stop - none[0].start) * (none[1].stop - none[1].start) / image.size
        )
        assert top == 255
    one = image.copy()
    one[3, 3] = 255.0
    assert saturated_share(one) == 0.0
    low = image.copy()
    low[bar] = 0.0
    assert check_image(low, worlds.PIXEL)[0].min() >= 10


def test_the_table_of_images():
    """Sizes, what each is, what was left out, and the first as the one that is meant."""
    plane = np.random.default_rng(0).normal(size=(40, 50))
    few = LatticeImage("x y-haadf.1", plane, 2e-11, False, 1.1e-3, "2 frames")
    study = ImagesStudy(
        {"first": few, "second": LatticeImage("b", plane, 3e-11, True, 0.9e-3)},
        {"B": (plane, 2e-9)},
        {"field": (plane, 1e-9)},
        {"odd": "it is a line"},
        {"file": ["it holds spectra"]},
    )
    assert [(row.label, float(row.quantity), row.how) for row in study.rows()] == [
        ("first", 2e-11, "lattice image, 50 × 40 pixels"),
        ("second", 3e-11, "lattice image, 50 × 40 pixels"),
        ("B", 2e-9, "element map, 50 × 40 pixels"),
        ("field", 1e-9, "overview, 50 × 40 pixels"),
    ]
    notes = study.notes()
    assert notes[0] == "first: 2 frames" and notes[1].startswith(
        "first: 0.1% of the pixels are at the largest"
    )
    assert notes[2:] == ["odd is left out: it is a line", "file: it holds spectra"]
    assert few.key == "x_y_haadf_1" and study.choose() is few and study.choose("second").dark
    with pytest.raises(ValueError, match="no lattice image 'third', but first, second"):
        study.choose("third")
    with pytest.raises(ValueError, match=r"may show a lattice \(odd: it is a line\)"):
        ImagesStudy({}, {}, {}, {"odd": "it is a line"}).choose()
