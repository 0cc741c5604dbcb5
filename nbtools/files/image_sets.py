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
        return ImageSet(read_stack(_in_order(rest), voxel_size=voxel_size), None, maps)
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
    if stack is None and image is None and not maps:
        raise ImageError("neither a stack nor an image is among the files")
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


def _in_order(paths: list[Path]) -> list[Path]:
    """Slices by the one number in which their names differ: slice 9 lies before slice 10, and none is missing."""
    words = {tuple(re.split(r"\d+", path.stem)) for path in paths}
    numbers = [tuple(map(int, re.findall(r"\d+", path.stem))) for path in paths]
    differing = (
        [k for k in range(len(numbers[0])) if len({row[k] for row in numbers}) > 1] if len(words) == 1 else []
    )
    if len(words) > 1 or len(differing) > 1 or not numbers[0]:
        raise ImageError(
            f"{', '.join(path.name for path in paths[:4])}{' …' if len(paths) > 4 else ''}: {len(paths)} images whose "
            "names are not one name with a number; one image of a section was expected, or numbered slices: give the "
            "one that is meant, or number them"
        )
    which = differing[0] if differing else 0
    found = sorted(zip([row[which] for row in numbers], paths, strict=True))
    steps = {after - before for (before, _), (after, _) in pairwise(found)}
    if len(steps) == 1 and 0 not in steps:
        return [path for _, path in found]
    places = [number for number, _ in found]
    usual = min(steps)
    lost = sorted(set(range(places[0], places[-1], max(usual, 1))) - set(places))
    raise ImageError(
        f"{found[0][1].name} … {found[-1][1].name}: "
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
