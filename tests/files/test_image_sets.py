"""The files of one sample, sorted by what they hold."""

import numpy as np
import pytest
import tifffile

from nbtools.files.image_sets import edge_of, read_image_set
from nbtools.files.images import ImageError

GREY = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)


def write(path, data, **options):
    tifffile.imwrite(path, data, **options)
    return path


def test_a_stack_an_image_and_its_maps(tmp_path) -> None:
    """Whatever the order; the section is the image."""
    scaled = {"imagej": True, "resolution": (0.02, 0.02), "metadata": {"unit": "nm", "spacing": 50.0}}
    files = [
        write(tmp_path / "edx_boron.tif", GREY[::4, ::4]),
        write(tmp_path / "slices.tif", np.stack([GREY] * 5), **scaled),
        write(tmp_path / "sem.tif", GREY),
    ]
    found = read_image_set(files)
    assert found.stack.shape == (5, 64, 64)
    assert found.section is found.image
    assert list(found.maps) == ["boron"]
    assert edge_of(found.stack) == pytest.approx(50e-9)
    assert "section: 64 × 64, pixel size not stated" in str(found)


def test_a_single_stack_has_its_middle_as_section(tmp_path) -> None:
    """One file of one's own is enough."""
    stack = np.stack([GREY + n for n in range(5)])
    found = read_image_set([write(tmp_path / "mine.tif", stack)], voxel_size=20e-9)
    assert np.array_equal(found.section, stack[2])
    assert edge_of(found.section) == pytest.approx(20e-9)


def test_numbered_images_are_a_stack(tmp_path) -> None:
    """Slices in files of their own, in the order of their numbers."""
    files = [write(tmp_path / f"slice_{n}.tif", GREY + n) for n in (10, 8, 9)]
    assert read_image_set(files).stack[0, 0, 0] == 8


def test_what_is_missing_or_uneven_is_named(tmp_path) -> None:
    """No size is guessed, and no brick is called a cube."""
    image = read_image_set([write(tmp_path / "mine.tif", GREY)]).section
    with pytest.raises(ImageError, match="it is not guessed: give it in metres"):
        edge_of(image)
    stack = read_image_set([write(tmp_path / "s.tif", np.stack([GREY] * 5))], voxel_size=(3e-8, 1e-8, 1e-8))
    with pytest.raises(ImageError, match="resample it first"):
        edge_of(stack.stack)


def test_a_broken_stack_stays_an_error(tmp_path) -> None:
    """A file cut short is no single slice."""
    path = write(tmp_path / "cut.tif", np.stack([GREY] * 5))
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(ImageError):
        read_image_set([path])


def test_a_file_that_claims_a_million_million_pixels(tmp_path) -> None:
    """Refused by what it claims, before memory is asked for."""
    path = write(tmp_path / "huge.tif", GREY[:8, :8])
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        for name in ("ImageWidth", "ImageLength"):
            tiff.pages[0].tags[name].overwrite(1_000_000, dtype=4)
    with pytest.raises(ImageError, match=r"claims|cut short|no whole TIFF"):
        read_image_set([path])


def test_a_lost_slice_is_named(tmp_path):
    """Slices 1, 2, 4 are no stack of three; 10, 20, 30 are."""
    files = {n: tmp_path / f"s_{n}.tif" for n in (1, 2, 4, 10, 20, 30)}
    for file in files.values():
        tifffile.imwrite(file, np.zeros((8, 9), np.uint8))
    with pytest.raises(ImageError, match=r"s_1\.tif … s_4\.tif: slices \[3\] are missing"):
        read_image_set([files[n] for n in (1, 2, 4)])
    assert read_image_set([files[n] for n in (30, 10, 20)]).stack.shape == (3, 8, 9)


def test_two_images_are_one_too_many(tmp_path):
    """None of them is dropped in silence."""
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(tmp_path / name, np.zeros((8, 9), np.uint8))
    with pytest.raises(ImageError, match=r"a\.tif and b\.tif are both an image"):
        read_image_set([tmp_path / "a.tif", tmp_path / "b.tif"])


def test_images_that_are_not_numbered_are_no_stack(tmp_path):
    """Three images of three names, or with one stranger among slices, are asked about."""
    for name in ("a.tif", "b.tif", "c.tif", "s_1.tif", "s_2.tif", "s_3.tif"):
        tifffile.imwrite(tmp_path / name, np.zeros((8, 9), np.uint8))
    for names in (("a.tif", "b.tif", "c.tif"), ("s_1.tif", "s_2.tif", "s_3.tif", "a.tif")):
        with pytest.raises(ImageError, match="not one name with a number"):
            read_image_set([tmp_path / name for name in names])
    assert read_image_set([tmp_path / f"s_{n}.tif" for n in (1, 2, 3)]).stack.shape == (3, 8, 9)


def test_slices_are_ordered_by_the_number_that_differs(tmp_path) -> None:
    """Not by the field or the version that all of them have; two that differ leave it open which."""
    files = [write(tmp_path / f"s{n}_field2_v1.tif", GREY + n) for n in (10, 8, 9)]
    assert list(read_image_set(files).stack[:, 0, 0]) == [8, 9, 10]
    files = [write(tmp_path / f"row{n}_column{n}.tif", GREY) for n in (1, 2, 3)]
    with pytest.raises(ImageError, match="not one name with a number"):
        read_image_set(files)
