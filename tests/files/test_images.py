"""Images and stacks: pixel sizes as each maker writes them, never guessed; broken files named, not loaded."""

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from nbtools.files.images import ImageError, pixel_sizes, read_image, read_stack
from nbtools.files.registry import open_file
from nbtools.manifest import open_data

GREY = np.arange(48, dtype=np.uint16).reshape(6, 8)
STACK = np.arange(240, dtype=np.uint8).reshape(5, 6, 8)


def write(path: Path, data: np.ndarray, **options: object) -> Path:
    tifffile.imwrite(path, data, **options)
    return path


def test_imagej_stack(tmp_path: Path) -> None:
    """Pixels per unit across, spacing down: both in the unit it names."""
    options = {"imagej": True, "resolution": (20.0, 20.0), "metadata": {"spacing": 0.1, "unit": "um"}}
    stack = read_stack(write(tmp_path / "a.tif", STACK, **options))
    assert pixel_sizes(stack) == pytest.approx((1e-7, 5e-8, 5e-8), rel=1e-6)
    np.testing.assert_array_equal(stack, STACK)


def test_ome(tmp_path: Path) -> None:
    """Micrometres unless it says otherwise."""
    options = {
        "metadata": {"axes": "ZYX", "PhysicalSizeX": 0.02, "PhysicalSizeY": 0.02, "PhysicalSizeZ": 50.0}
    }
    options["metadata"] |= {"PhysicalSizeZUnit": "nm"}
    stack = read_stack(write(tmp_path / "a.ome.tif", STACK, ome=True, **options))
    assert pixel_sizes(stack) == pytest.approx((5e-8, 2e-8, 2e-8))


def test_dots_per_inch_are_no_pixel_size(tmp_path: Path) -> None:
    """A printer's resolution; asking for the pixel size says that it is missing."""
    image = read_image(write(tmp_path / "a.tif", GREY, resolution=(72, 72), resolutionunit="INCH"))
    assert not image.coords
    with pytest.raises(ImageError, match="it is not guessed: give it in metres"):
        pixel_sizes(image)
    assert pixel_sizes(read_image(tmp_path / "a.tif", pixel_size=2e-9)) == (2e-9, 2e-9)


def test_makers_tags(realdata: Path, tmp_path: Path) -> None:
    """FEI's private tag, ImageJ's spacing, and a file with broken numbers, which is read without a size."""
    assert pixel_sizes(read_image(realdata / "em3d/EBSD-Correction/BSE.tif")) == pytest.approx(
        (1.00911e-6,) * 2
    )
    tube = read_stack(realdata / "em3d/cylindra/13pf_MT.tif")
    assert tube.shape == (36, 206, 94)
    assert pixel_sizes(tube) == pytest.approx((1.052e-9,) * 3)
    zipfile.ZipFile(realdata / "em3d/rosettasciio/tiff_FEI_Helios.zip").extractall(tmp_path)
    sizes = {path.name: read_image(path).attrs["scale"] for path in tmp_path.glob("*.tif")}
    assert sizes["FEI-Helios-Ebeam-16bits.tif"] == "fei"
    assert sizes["FEI-Helios-navcam-with-no-IRBeam-bad-floats.tif"] == "not stated"


def test_a_hitachi_sidecar(tmp_path: Path) -> None:
    """The text file that lies beside the picture, in nm."""
    Image.fromarray(GREY.astype(np.uint8)).save(tmp_path / "a.tif")
    (tmp_path / "a.txt").write_text("[SemImageFile]\nPixelSize=4.96\n")
    assert pixel_sizes(read_image(tmp_path / "a.tif")) == pytest.approx((4.96e-9, 4.96e-9))


def test_grey_pictures(realdata: Path) -> None:
    """A bitmap has no size of its own."""
    image = read_image(realdata / "em3d/3D-SEM-Segmentation/sample_001_sem.bmp")
    assert (image.shape, image.attrs["bits"], image.attrs["scale"]) == ((256, 256), 8, "not stated")


def test_a_colour_image_is_refused_unless_it_is_grey(tmp_path: Path) -> None:
    """Equal channels are a grey image; others have no grey value of their own."""
    grey = np.repeat(STACK[0][..., None], 3, axis=2)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_image(tmp_path / "grey.png"), STACK[0])
    grey[0, 0, 1] += 1
    Image.fromarray(grey).save(tmp_path / "colour.png")
    with pytest.raises(ImageError, match="colour image of 3 channels"):
        read_image(tmp_path / "colour.png")


def test_numbered_files(tmp_path: Path) -> None:
    """In the order given, which `read_image_set` takes from their numbers."""
    files = [write(tmp_path / f"slice_{number}.tif", STACK[number % 5]) for number in (1, 2, 10)]
    np.testing.assert_array_equal(read_stack(files), STACK[[1, 2, 0]])


def test_slices_of_several_shapes(tmp_path: Path) -> None:
    """Named, with their shapes."""
    write(tmp_path / "s1.tif", GREY), write(tmp_path / "s2.tif", GREY[:3])
    with pytest.raises(ImageError, match=r"differ in shape: s1.tif \(6, 8\), s2.tif \(3, 8\)"):
        read_stack([tmp_path / "s1.tif", tmp_path / "s2.tif"])
    write(tmp_path / "s2.tif", GREY.astype(np.uint8))
    with pytest.raises(ImageError, match=r"differ in type: s1.tif uint16, s2.tif uint8"):
        read_stack([tmp_path / "s1.tif", tmp_path / "s2.tif"])


def test_a_truncated_file(tmp_path: Path) -> None:
    """Said before pixels are invented."""
    whole = write(tmp_path / "a.tif", np.zeros((100, 100), np.uint16)).read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[:-5000])
    with pytest.raises(ImageError, match=r"cut short|no whole TIFF"):
        read_image(tmp_path / "a.tif")


def test_a_file_that_claims_a_trillion_pixels(tmp_path: Path) -> None:
    """A header of a hundred bytes does not make us allocate terabytes."""
    entries = [(256, 4, 1_000_000), (257, 4, 1_000_000), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8)]
    entries += [(277, 3, 1), (278, 4, 1_000_000), (279, 4, 4_000_000_000)]
    table = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    header = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + table + bytes(4)
    (tmp_path / "a.tif").write_bytes(header)
    with pytest.raises(ImageError, match="claims an image of shape"):
        read_image(tmp_path / "a.tif")


def test_one_slice_is_no_stack_and_a_stack_no_image(tmp_path: Path) -> None:
    """Each names the other."""
    with pytest.raises(ImageError, match="a stack was expected"):
        read_stack(write(tmp_path / "a.tif", GREY))
    with pytest.raises(ImageError, match="read_stack"):
        read_image(write(tmp_path / "b.tif", STACK))


@pytest.mark.parametrize("size", [0.0, -1e-9, float("nan")])
def test_a_pixel_size_is_positive(tmp_path: Path, size: float) -> None:
    with pytest.raises(ImageError, match="positive numbers in metres"):
        read_image(write(tmp_path / "a.tif", GREY), pixel_size=size)


def test_ome_zarr_stays_on_disk(tmp_path: Path) -> None:
    """A volume larger than memory is opened, not loaded."""
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(str(tmp_path / "v.zarr"), mode="w")
    group.create_array("0", data=STACK)
    axes = [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"]
    level = {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [50.0, 20.0, 20.0]}]}
    group.attrs["multiscales"] = [{"axes": axes, "datasets": [level]}]
    stack = read_stack(tmp_path / "v.zarr")
    assert hasattr(stack.data, "compute")
    assert pixel_sizes(stack) == pytest.approx((5e-8, 2e-8, 2e-8))
    np.testing.assert_array_equal(stack, STACK)


def test_an_imagej_stack_that_lost_its_end(realdata: Path, tmp_path: Path) -> None:
    """Its first slice is whole, and would pass for an image."""
    whole = (realdata / "em3d/cylindra/13pf_MT.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[: int(0.4 * len(whole))])
    for read in (read_image, read_stack):
        with pytest.raises(ImageError, match="cut short"):
            read(tmp_path / "a.tif")


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits"])
def test_compressions(tmp_path: Path, compression: str) -> None:
    """What tifffile alone does not undo Pillow does, 8 and 16 bits."""
    for data in (GREY, GREY.astype(np.uint8)):
        Image.fromarray(data).save(tmp_path / "a.tif", compression=compression)
        np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), data)


def test_a_compressed_stack(tmp_path: Path) -> None:
    """Every page of it."""
    first, *others = [Image.fromarray(page) for page in STACK]
    first.save(tmp_path / "a.tif", save_all=True, append_images=others, compression="tiff_lzw")
    np.testing.assert_array_equal(read_stack(tmp_path / "a.tif"), STACK)


@pytest.mark.parametrize("data", [GREY, GREY.astype(np.uint8)])
def test_white_may_be_zero(tmp_path: Path, data: np.ndarray) -> None:
    """An image written with white as its smallest value is the same image."""
    largest = np.iinfo(data.dtype).max
    write(tmp_path / "white.tif", largest - data, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "white.tif"), data)


def test_of_two_ome_images_the_first(tmp_path: Path) -> None:
    """The size of the image that is read, not of the overview beside it."""
    with tifffile.TiffWriter(tmp_path / "two.ome.tif", ome=True) as file:
        for data, axes, step in ((STACK, "ZYX", 10.0), (GREY.astype(np.uint8), "YX", 640.0)):
            sizes = {f"PhysicalSize{a}": step for a in "YX"} | {f"PhysicalSize{a}Unit": "nm" for a in "ZYX"}
            file.write(
                data, metadata={"axes": axes, **sizes, **({"PhysicalSizeZ": 20.0} if axes == "ZYX" else {})}
            )
    assert pixel_sizes(read_stack(tmp_path / "two.ome.tif")) == pytest.approx((2e-8, 1e-8, 1e-8))


@pytest.mark.parametrize(
    ("unit", "zunit", "spacing"),
    [
        ("um", "nm", 20.0),
        ("\u00b5m", "", 0.02),
        ("\\u00B5m", "", 0.02),
        ("micron", "", 0.02),
        ("nm", "um", 0.02),
    ],
)
def test_units_of_imagej(tmp_path: Path, unit: str, zunit: str, spacing: float) -> None:
    """The unit of z may differ; a micro sign as Latin-1 writes it, or as its escape."""
    pixels = 100.0 if unit != "nm" else 0.1
    stand_in = "m" * len(unit.encode("latin-1"))
    metadata = {"spacing": spacing, "unit": stand_in, **({"zunit": zunit} if zunit else {})}
    path = write(tmp_path / "a.tif", STACK, imagej=True, resolution=(pixels, pixels), metadata=metadata)
    written = path.read_bytes().replace(
        f"unit={stand_in}\n".encode(), b"unit=" + unit.encode("latin-1") + b"\n"
    )
    path.write_bytes(written)
    assert pixel_sizes(read_stack(path)) == pytest.approx((2e-8, 1e-8, 1e-8), rel=1e-6)


def zarr_image(
    folder: Path, *, version: str, unit: str, level: list[float], whole: list[float] | None
) -> Path:
    """An OME-Zarr image of one level, in the layout of a version of the format."""
    zarr = pytest.importorskip("zarr")
    form = 3 if version == "0.5" else 2
    group = zarr.open_group(str(folder), mode="w", zarr_format=form)
    group.create_array("0", data=STACK)
    image: dict[str, object] = {
        "axes": [{"name": name, "type": "space", **({"unit": unit} if unit else {})} for name in "zyx"],
        "datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": level}]}],
    }
    if whole:
        image["coordinateTransformations"] = [{"type": "scale", "scale": whole}]
    group.attrs.update(
        {"ome": {"version": version, "multiscales": [image]}} if form == 3 else {"multiscales": [image]}
    )
    return folder


@pytest.mark.parametrize(
    ("version", "unit", "level", "whole"),
    [
        ("0.4", "nanometer", [20, 10, 10], None),
        ("0.5", "nanometer", [20, 10, 10], None),
        ("0.4", "nanometer", [1, 1, 1], [20, 10, 10]),
        ("0.4", "nanometer", [2, 2, 2], [10, 5, 5]),
        ("0.4", "um", [0.02, 0.01, 0.01], None),
        ("0.4", "\u00b5m", [0.02, 0.01, 0.01], None),
        ("0.4", "angstrom", [200, 100, 100], None),
    ],
)
def test_scales_of_ome_zarr(
    tmp_path: Path, version: str, unit: str, level: list[float], whole: list[float] | None
) -> None:
    """The scale of the whole times that of the level, in any unit of length; `inspect` sends it to 01."""
    path = zarr_image(tmp_path / "a.zarr", version=version, unit=unit, level=level, whole=whole)
    assert pixel_sizes(read_stack(path)) == pytest.approx((2e-8, 1e-8, 1e-8))
    contents = open_file(path)
    assert contents.what.startswith("stack of slices, z 5 × 20 nm, y 6 × 10 nm, x 8 × 10 nm")
    assert [route.technique for route in contents.ways] == ["structure"]


def test_a_zarr_folder_is_one_data_set(tmp_path: Path) -> None:
    """As DATA, alone or among other files of a folder."""
    zarr_image(tmp_path / "a.zarr", version="0.5", unit="nanometer", level=[20, 10, 10], whole=None)
    for data in (tmp_path / "a.zarr", tmp_path):
        assert open_data(data, technique="structure").files == (tmp_path / "a.zarr",)


def hyperspy(folder: Path, data: np.ndarray, *axes: tuple[str, float, str], kind: str = "") -> Path:
    """An .hspy file; its axes as (name, step, unit)."""
    hspy = pytest.importorskip("rsciio.hspy")
    described = [
        {"name": name, "scale": step, "units": unit, "offset": 0.0, "size": size, "navigate": False}
        for (name, step, unit), size in zip(axes, data.shape, strict=True)
    ]
    signal = {
        "data": data,
        "axes": described,
        "metadata": {"General": {"title": "made"}, "Signal": {"signal_type": kind}},
        "original_metadata": {},
    }
    hspy.file_writer(
        str(folder / "a.hspy"),
        signal
        | {
            "learning_results": {},
            "package": "",
            "package_version": "",
            "package_info": {},
            "tmp_parameters": {},
            "attributes": {"_lazy": False, "ragged": False},
            "models": {},
        },
    )
    return folder / "a.hspy"


@pytest.mark.parametrize(
    ("data", "axes", "says"),
    [
        (np.ones((6, 8), np.complex64), (("y", 1, "nm"), ("x", 1, "nm")), "complex numbers"),
        (np.ones((6, 8), np.float32), (("y", 0.17, "1/nm"), ("x", 0.17, "1/nm")), "a diffraction pattern"),
        (
            np.ones((3, 6, 8), np.uint8),
            (("", 1, ""), ("y", 0.35, "mm"), ("x", 0.35, "mm")),
            "3 colour channels",
        ),
    ],
)
def test_what_is_no_image(
    tmp_path: Path, data: np.ndarray, axes: tuple[tuple[str, float, str], ...], says: str
) -> None:
    """Refused as an image with the reason, listed by `inspect` as what it is, for no notebook."""
    path = hyperspy(tmp_path, data, *axes)
    with pytest.raises(ImageError, match=says):
        read_image(path)
    contents = open_file(path)
    assert contents.ways == () and says in contents.facts[0]


def test_digital_micrographs_tags(tmp_path: Path) -> None:
    """Unit and step of x and y stand in tags of its own; without a unit nothing is guessed."""
    units = [(65003, "s", 3, "nm", True), (65004, "s", 3, "nm", True)]
    steps = [(65009, "d", 1, 0.25, True), (65010, "d", 1, 0.5, True)]
    image = read_image(write(tmp_path / "a.tif", GREY, extratags=units + steps, metadata=None))
    assert pixel_sizes(image) == pytest.approx((0.5e-9, 0.25e-9))
    assert image.attrs["scale"] == "gatan"
    with pytest.raises(ImageError, match="it is not guessed"):
        pixel_sizes(read_image(write(tmp_path / "b.tif", GREY, extratags=steps, metadata=None)))


@pytest.mark.parametrize(("axes", "words"), [("TYX", "time series of 5 frames"), ("CYX", "5 channels")])
def test_frames_and_channels_are_no_slices(axes: str, words: str, tmp_path: Path) -> None:
    """Where the file says that it holds them."""
    path = write(tmp_path / "a.tif", STACK, imagej=True, metadata={"axes": axes})
    with pytest.raises(ImageError, match=words):
        read_stack(path)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_large_plain_tiff_stays_on_disk(tmp_path, monkeypatch, order):
    """The same numbers, mapped; a compressed one is read."""
    from nbtools.files import tiff_scale

    grey = np.random.default_rng(0).integers(0, 60_000, (4, 30, 40), dtype="u2")
    monkeypatch.setattr(tiff_scale, "MAPPED", 100)
    for name, more in (("plain.tif", {}), ("packed.tif", {"compression": "zlib"})):
        tifffile.imwrite(tmp_path / name, grey, byteorder=order, photometric="minisblack", **more)
        read = read_stack(tmp_path / name)
        assert np.array_equal(read.values, grey)
        assert isinstance(read.values.base, np.memmap) == (name == "plain.tif")


def test_a_file_of_single_pages_is_a_stack_and_an_icon_is_none(tmp_path: Path) -> None:
    """Pages of one kind that were written one by one are slices; of two sizes the larger is the image."""
    with tifffile.TiffWriter(tmp_path / "pages.tif") as tiff:
        for page in STACK:
            tiff.write(page, contiguous=False)
    np.testing.assert_array_equal(read_stack(tmp_path / "pages.tif"), STACK)
    with tifffile.TiffWriter(tmp_path / "icon.tif") as tiff:
        tiff.write(GREY[::2, ::2])
        tiff.write(GREY)
    np.testing.assert_array_equal(read_image(tmp_path / "icon.tif"), GREY)


def test_kinds_of_numbers(tmp_path: Path) -> None:
    """One bit a pixel, the other byte order, tiles; colours one plane after the other; complex ones are refused."""
    mask = GREY % 2 == 0
    np.testing.assert_array_equal(
        read_image(write(tmp_path / "mask.tif", mask, photometric="minisblack")), mask
    )
    wide = np.tile(GREY, (8, 8))
    swapped = write(tmp_path / "tiles.tif", wide, tile=(16, 16), byteorder=">", bigtiff=True)
    np.testing.assert_array_equal(read_image(swapped), wide)
    planes = write(tmp_path / "planes.tif", np.stack([GREY] * 3), photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_image(planes), GREY)
    with pytest.raises(ImageError, match="complex numbers"):
        read_image(write(tmp_path / "complex.tif", GREY.astype(np.complex64)))


@pytest.mark.parametrize("unit", ["1/nm", "nm^-1", "1/µm"])
def test_an_inverse_length_is_no_place(tmp_path: Path, unit: str) -> None:
    """DigitalMicrograph's tags of a diffraction pattern."""
    text = unit.encode("latin-1") + b"\0"
    tags = [(65003, 2, len(text), text, True), (65009, 12, 1, 0.1, True)]
    with pytest.raises(ImageError, match="a diffraction pattern, its pixels in"):
        read_image(write(tmp_path / "pattern.tif", GREY, extratags=tags))


def test_channels_of_slices_are_no_slices(tmp_path: Path) -> None:
    """ImageJ's hyperstack of two detectors, though it has a spacing."""
    both = np.stack([STACK, STACK], axis=1)
    options = {
        "imagej": True,
        "resolution": (100, 100),
        "metadata": {"axes": "ZCYX", "spacing": 0.02, "unit": "um"},
    }
    with pytest.raises(ImageError, match="holds 2 channels"):
        read_stack(write(tmp_path / "two.tif", both, **options))


def test_zarr_images_planes_and_orders(tmp_path: Path) -> None:
    """A plane is an image; axes stand in the order that the file gives them; an array alone states no size."""
    zarr = pytest.importorskip("zarr")

    def written(name: str, data: np.ndarray, axes: str, scale: list[float]) -> Path:
        group = zarr.open_group(str(tmp_path / name), mode="w", zarr_format=2)
        group.create_array("0", shape=data.shape, chunks=data.shape, dtype=data.dtype)[...] = data
        steps = [{"type": "scale", "scale": scale}]
        named = [{"name": axis, "type": "space", "unit": "nanometer"} for axis in axes]
        level = {"path": "0", "coordinateTransformations": steps}
        group.attrs["multiscales"] = [{"axes": named, "datasets": [level], "version": "0.4"}]
        return tmp_path / name

    plane = read_image(written("plane.zarr", GREY, "yx", [10, 5]))
    assert pixel_sizes(plane) == pytest.approx((1e-8, 5e-9))
    np.testing.assert_array_equal(plane, GREY)
    turned = read_stack(written("turned.zarr", STACK.T, "xyz", [5, 10, 20]))
    assert pixel_sizes(turned) == pytest.approx((2e-8, 1e-8, 5e-9))
    np.testing.assert_array_equal(turned, STACK)
    with pytest.raises(ImageError, match="the axes c 5, y 6, x 8"):
        read_image(written("channels.zarr", STACK, "cyx", [1, 10, 10]))
    zarr.open_array(str(tmp_path / "bare.zarr"), mode="w", shape=STACK.shape, dtype="u1")[...] = STACK
    bare = read_stack(tmp_path / "bare.zarr")
    np.testing.assert_array_equal(bare, STACK)
    assert not bare.coords
