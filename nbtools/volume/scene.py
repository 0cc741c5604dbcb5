"""What is drawn: grey values, masks, points and lines, and the size of a voxel; coarser where there is too much."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbtools.statistics.arrays import refuse_masked

Array = NDArray[Any]
# Okabe and Ito's colours, in the order in which masks take them.
MASK_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#D55E00", "#0072B2")
IN_A_METRE = {"um": 1e6, "nm": 1e9}
READ_TOGETHER = 1 << 24  # voxels


@dataclass(frozen=True)
class Scene:
    """Grey values, masks, points and lines of one field, as every screen draws them.

    Attributes
    ----------
    images : by name, (z, y, x) or (y, x) grey values, float32; the first is the one that was recorded
    voxel : edges of a measured voxel along each axis, m
    masks : by name, share of each drawn voxel that is of the mask, 0 … 1, float32
    points : by name, (n, d), in `unit`
    lines : by name, several (n, d) each, in the same unit
    colours : of points and lines, by name; masks have those of `MASK_COLOURS` in their order
    views : for each picture of a section, the layers that are seen besides the first image; a volume has views of
        its own
    unit : in which places are given to a screen, "um" or "nm"
    factor : how many voxels along each axis are merged to one
    shape : of the field as it came
    """

    images: dict[str, Array]
    voxel: tuple[float, ...]
    masks: dict[str, Array] = field(default_factory=dict)
    points: dict[str, Array] = field(default_factory=dict)
    lines: dict[str, tuple[Array, ...]] = field(default_factory=dict)
    colours: dict[str, str] = field(default_factory=dict)
    views: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unit: str = "um"
    factor: int = 1
    shape: tuple[int, ...] = ()

    @property
    def raw(self) -> Array:
        """The recorded grey values."""
        return next(iter(self.images.values()))

    @property
    def edges(self) -> tuple[float, ...]:
        """Of a drawn voxel along each axis, in `unit`."""
        return tuple(IN_A_METRE[self.unit] * side * self.factor for side in self.voxel)

    @property
    def range(self) -> tuple[float, float]:
        """Grey values drawn black and white: 0.5 and 99.5 % of the voxels lie below."""
        return grey_range(self.raw)

    @property
    def resolution(self) -> str:
        """What is drawn, in one line."""
        drawn = " × ".join(str(n) for n in self.raw.shape)
        size = " × ".join(f"{1e9 * side * self.factor:.3g}" for side in dict.fromkeys(self.voxel))
        full = " × ".join(str(n) for n in self.shape)
        merged = f", averaged over {self.factor}³ of {full}" if self.factor > 1 else ""
        return f"{drawn} voxels of {size} nm{merged}"

    def opacity(self, name: str) -> float:
        """Of a mask: one larger than the first, as a cover of boxes is, lets that be seen."""
        first = next(iter(self.masks.values()))
        return 0.25 if self.masks[name].sum() > 1.001 * first.sum() else 1.0

    def coarser(self, factor: int) -> "Scene":
        """With `factor` voxels along each axis merged to one."""
        if factor == 1:
            return self
        images = {name: averaged(image, factor) for name, image in self.images.items()}
        masks = {name: averaged(mask, factor) for name, mask in self.masks.items()}
        return replace(self, images=images, masks=masks, factor=self.factor * factor)

    def save(self, path: Path) -> None:
        """Into one file, which `load` reads back."""
        kept: dict[str, Any] = {}
        for kind in ("images", "masks", "points"):
            kept |= {f"{kind} {name}": array for name, array in getattr(self, kind).items()}
        kept |= {
            f"lines {name} {n}": line for name, lines in self.lines.items() for n, line in enumerate(lines)
        }
        plain = {
            name: getattr(self, name) for name in ("voxel", "colours", "views", "unit", "factor", "shape")
        }
        np.savez(path, allow_pickle=False, plain=np.array(json.dumps(plain)), **kept)

    @classmethod
    def load(cls, path: Path) -> "Scene":
        """The scene that `save` wrote."""
        parts: dict[str, dict[str, Any]] = {"images": {}, "masks": {}, "points": {}, "lines": {}}
        with np.load(path) as kept:
            plain: dict[str, Any] = json.loads(str(kept["plain"]))
            for key in (key for key in kept if key != "plain"):
                kind, name = key.split(" ", 1)
                if kind == "lines":
                    name = name.rpartition(" ")[0]
                    parts[kind][name] = (*parts[kind].get(name, ()), kept[key])
                else:
                    parts[kind][name] = kept[key]
        voxel, shape = (tuple(plain.pop(name)) for name in ("voxel", "shape"))
        views = {name: tuple(seen) for name, seen in plain.pop("views").items()}
        return cls(**{**parts, **plain, "voxel": voxel, "shape": shape, "views": views})


def grey_range(image: Array) -> tuple[float, float]:
    """0.5 and 99.5 % of the grey values lie below; never one value twice."""
    low, high = (float(v) for v in np.percentile(image, (0.5, 99.5)))
    return (low, high) if high > low else (low, low + 1.0)


def read_scene(volume: Any, labels: Mapping[str, Any] | None, voxel_size: Any, *, most: int) -> Scene:
    """The scene with at most `most` voxels each, read slab by slab (NumPy, Zarr, Dask, xarray).

    `labels` are masks by name. `voxel_size` is in metres, one number or (z, y, x).

    Raises
    ------
    ValueError
        No volume, masks of another shape, a voxel size that is missing or impossible.
    """
    raw, masks = _array(volume), _masks(labels)
    if len(raw.shape) != 3 or 0 in raw.shape or np.dtype(raw.dtype).kind not in "buif":
        raise ValueError(
            f"a volume of shape {tuple(raw.shape)} and type {raw.dtype} came; real numbers (z, y, x) are expected"
        )
    for name, mask in masks.items():
        if tuple(mask.shape) != tuple(raw.shape):
            raise ValueError(
                f"the mask {name!r} has the shape {tuple(mask.shape)} and the volume {tuple(raw.shape)}; "
                "both must be of the same voxels"
            )
    factor = 1
    while np.prod([-(-n // factor) for n in raw.shape]) > most:
        factor += 1
    drawn = {name: averaged(mask, factor) for name, mask in masks.items()}
    return Scene(
        {"raw": averaged(raw, factor)}, _voxel(voxel_size), drawn, factor=factor, shape=tuple(raw.shape)
    )


def averaged(array: Any, factor: int) -> np.ndarray:
    """Mean over boxes of `factor` voxels a side, float32; what is not finite counts as 0."""
    planes = max(1, READ_TOGETHER // int(np.prod(array.shape[1:])) // factor) * factor
    slabs = [np.asarray(array[z : z + planes]) for z in range(0, array.shape[0], planes)]
    return np.concatenate([_means(slab, factor) for slab in slabs])


def _means(slab: np.ndarray, factor: int) -> np.ndarray:
    summed: Array = np.nan_to_num(slab.astype(np.float32), posinf=0, neginf=0)
    for axis, side in enumerate(slab.shape if factor > 1 else ()):
        starts = np.arange(0, side, factor)
        share = np.diff(np.append(starts, side)).astype(np.float32)
        along = [1, 1, 1]
        along[axis] = -1
        summed = np.add.reduceat(summed, starts, axis=axis) / share.reshape(along)
    return summed


def _array(given: Any) -> Any:
    refuse_masked(given, "the volume or its mask")
    given = given.data if hasattr(given, "dims") else given
    return given if hasattr(given, "dtype") and hasattr(given, "shape") else np.asarray(given)


def _masks(labels: Mapping[str, Any] | None) -> dict[str, Any]:
    if len(labels or {}) > len(MASK_COLOURS):
        raise ValueError(
            f"{len(labels or {})} masks came; at most {len(MASK_COLOURS)} are told apart in one view"
        )
    return {str(name): _array(mask) for name, mask in (labels or {}).items()}


def _voxel(size: Any) -> tuple[float, float, float]:
    sides = [float(side) for side in np.ravel(np.nan if size is None else size)]
    if len(sides) not in (1, 3) or not all(np.isfinite(side) and side > 0 for side in sides):
        raise ValueError(
            f"voxel_size is {size!r}; the edge of a voxel in metres is expected, one number or (z, y, x): "
            "where the file does not say it, the microscope's record does"
        )
    z, y, x = sides * (3 // len(sides))
    return z, y, x
