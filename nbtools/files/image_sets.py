"""The files of one sample, sorted: a stack of slices, an image of a section, maps of elements."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import xarray as xr

from nbtools.files.images import PICTURES, TIFF, ImageError, OneSlice, pixel_sizes, read_image, read_stack

ELEMENTS = ("boron", "oxygen", "magnesium")


@dataclass(frozen=True)
class ImageSet:
    """What there is of one sample; None or empty where there is nothing.

    stack : (z, y, x); image : (y, x), of a section; maps : by element
    """

    stack: xr.DataArray | None = None
    image: xr.DataArray | None = None
    maps: dict[str, xr.DataArray] = field(default_factory=dict)

    @property
    def section(self) -> xr.DataArray | None:
        """The image of a section; without one the middle slice of the stack."""
        if self.image is None and self.stack is not None:
            return self.stack[self.stack.sizes["z"] // 2]
        return self.image

    def __str__(self) -> str:
        parts = {"stack": self.stack, "section": self.image, **{f"{n} map": m for n, m in self.maps.items()}}
        return "\n".join(f"{name}: {_described(data)}" for name, data in parts.items() if data is not None)


def read_image_set(
    files: Iterable[str | Path], *, voxel_size: float | Sequence[float] | None = None
) -> ImageSet:
    """Read the files of one sample by what they hold and by name.

    A file of many slices is the stack, and so are several numbered images; ``edx_boron``, ``edx_oxygen`` and
    ``edx_magnesium`` are maps; what is left is the image of a section.

    Parameters
    ----------
    files : images and stacks as `read_image` and `read_stack` take them
    voxel_size : m, of the stack and the image, where the files do not say it or say it wrongly

    Raises
    ------
    ImageError
        As `read_image`; a file with neither a stack nor an image.
    """
    paths: list[Path] = [Path(file) for file in files]
    maps = {e: read_image(p) for e in ELEMENTS for p in paths if p.stem.lower() == f"edx_{e}"}
    rest = [path for path in paths if path.stem.lower().removeprefix("edx_") not in maps]
    if len(rest) > 2 and all(path.suffix.lower() in (*TIFF, *PICTURES) for path in rest):
        ordered = list(sorted(rest, key=_number))
        return ImageSet(read_stack(ordered, voxel_size=voxel_size), None, maps)
    stack = image = None
    for path in rest:
        try:
            stack = read_stack(path, voxel_size=voxel_size)
        except OneSlice:
            image = read_image(path, pixel_size=voxel_size if _one(voxel_size) else None)
    if stack is None and image is None:
        raise ImageError("neither a stack nor an image of a section is among the files")
    return ImageSet(stack, image, maps)


def edge_of(image: xr.DataArray) -> float:
    """The edge of a square pixel or a cubic voxel, m.

    Raises
    ------
    ImageError
        A size that the file does not state, or edges that differ by more than a hundredth.
    """
    sizes = pixel_sizes(image)
    if max(sizes) - min(sizes) > 0.01 * min(sizes):
        named = ", ".join(f"{name} {size:.4g} m" for name, size in zip(image.dims, sizes, strict=True))
        raise ImageError(f"{image.attrs.get('source', 'the image')} has steps of {named}: resample it first")
    return sizes[0]


def _number(path: Path) -> tuple[int, str]:
    """The last number in a file's name: slice 9 lies before slice 10."""
    numbers = re.findall(r"\d+", path.stem)
    return (int(numbers[-1]) if numbers else -1, path.name)


def _one(voxel_size: float | Sequence[float] | None) -> bool:
    return voxel_size is None or isinstance(voxel_size, (int, float))


def _described(data: xr.DataArray) -> str:
    shape = " × ".join(map(str, data.shape))
    try:
        edges = sorted({f"{1e9 * size:.4g}" for size in pixel_sizes(data)})
    except ImageError:
        return f"{shape}, pixel size not stated"
    return f"{shape}, {' and '.join(edges)} nm, {data.attrs.get('bits', '?')} bits"
