"""The files of one sample, sorted: a stack of slices, an image of a section, maps of elements."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
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
        return "\n".join(f"{name}: {described(data)}" for name, data in parts.items() if data is not None)


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
        As `read_image`; neither a stack nor an image, or two of them; a slice that is missing from a numbering.
    """
    paths: list[Path] = [Path(file) for file in files]
    maps = {e: read_image(p) for e in ELEMENTS for p in paths if p.stem.lower() == f"edx_{e}"}
    rest = [path for path in paths if path.stem.lower().removeprefix("edx_") not in maps]
    if len(rest) > 2 and all(path.suffix.lower() in (*TIFF, *PICTURES) for path in rest):
        ordered = list(sorted(rest, key=_number))
        _refuse_strangers(ordered)
        _refuse_gaps(ordered)
        return ImageSet(read_stack(ordered, voxel_size=voxel_size), None, maps)
    stack: xr.DataArray | None = None
    image: xr.DataArray | None = None
    for path in rest:
        try:
            found, kind = read_stack(path, voxel_size=voxel_size), "stack"
        except OneSlice:
            found, kind = read_image(path, pixel_size=voxel_size if _one(voxel_size) else None), "image"
        before = stack if kind == "stack" else image
        if before is not None:
            what = "a stack" if kind == "stack" else "an image"
            raise ImageError(
                f"{before.attrs['source']} and {path.name} are both {what}; one of a sample was expected: give the one "
                "that is meant, or three numbered slices or more"
            )
        stack, image = (found, image) if kind == "stack" else (stack, found)
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


def _refuse_strangers(ordered: list[Path]) -> None:
    """Slices of one stack have one name, but for their number."""
    names = {re.sub(r"\d+(?=\D*$)", "…", path.stem) for path in ordered}
    if len(names) > 1 or _number(ordered[0])[0] < 0:
        raise ImageError(
            f"{', '.join(path.name for path in ordered[:4])}{' …' if len(ordered) > 4 else ''}: {len(ordered)} images "
            "whose names are not one name with a number; one image of a section was expected, or numbered slices: give "
            "the one that is meant, or number them"
        )


def _refuse_gaps(ordered: list[Path]) -> None:
    """A numbering goes in equal steps; where one is twice as large a slice was lost."""
    numbers = [_number(path)[0] for path in ordered]
    steps = {after - before for before, after in pairwise(numbers)}
    if numbers[0] < 0 or len(steps) == 1:
        return
    usual = min(steps)
    lost = sorted(set(range(numbers[0], numbers[-1], max(usual, 1))) - set(numbers))
    raise ImageError(
        f"{ordered[0].name} … {ordered[-1].name}: "
        + (f"slices {lost[:5]} are missing" if usual > 0 else "a number occurs twice")
        + "; without them the stack would be too short: number the slices anew if that is meant"
    )


def _one(voxel_size: float | Sequence[float] | None) -> bool:
    return voxel_size is None or isinstance(voxel_size, (int, float))


def described(data: xr.DataArray) -> str:
    """Sides, size of a pixel and bits, in one line."""
    shape = " × ".join(map(str, data.shape))
    try:
        edges = sorted({f"{1e9 * size:.4g}" for size in pixel_sizes(data)})
    except ImageError:
        return f"{shape}, pixel size not stated"
    return f"{shape}, {' and '.join(edges)} nm, {data.attrs.get('bits', '?')} bits"
