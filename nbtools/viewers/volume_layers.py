"""What a volume is drawn from: grey values, named masks, the size of a voxel; coarser where there is too much."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

# Okabe and Ito's colours, in the order in which masks take them.
MASK_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#D55E00", "#0072B2")
READ_TOGETHER = 1 << 24  # voxels


@dataclass(frozen=True)
class Layers:
    """A volume and its masks as they are drawn.

    Attributes
    ----------
    raw : (z, y, x) grey values, float32
    masks : by name, (z, y, x) share of each drawn voxel that is of the mask, 0 … 1, float32
    voxel : edges of a measured voxel along z, y, x, m
    factor : how many voxels along each axis are merged to one
    shape : of the volume as it came
    """

    raw: np.ndarray
    masks: dict[str, np.ndarray]
    voxel: tuple[float, float, float]
    factor: int
    shape: tuple[int, ...]

    @property
    def micrometres(self) -> tuple[float, ...]:
        """Edges of a drawn voxel along z, y, x."""
        return tuple(1e6 * side * self.factor for side in self.voxel)

    @property
    def range(self) -> tuple[float, float]:
        """Grey values drawn black and white: 0.5 and 99.5 % of the voxels lie below."""
        low, high = (float(v) for v in np.percentile(self.raw, (0.5, 99.5)))
        return (low, high) if high > low else (low, low + 1.0)

    @property
    def resolution(self) -> str:
        """What is drawn, in one line."""
        drawn = " × ".join(str(n) for n in self.raw.shape)
        size = " × ".join(f"{1e3 * side:.3g}" for side in dict.fromkeys(self.micrometres))
        full = " × ".join(str(n) for n in self.shape)
        merged = f", averaged over {self.factor}³ of {full}" if self.factor > 1 else ""
        return f"{drawn} voxels of {size} nm{merged}"

    def opacity(self, name: str) -> float:
        """Of a mask: one larger than the first, as a cover of boxes is, lets that be seen."""
        first = next(iter(self.masks.values()))
        return 0.25 if self.masks[name].sum() > 1.001 * first.sum() else 1.0

    def coarser(self, factor: int) -> "Layers":
        """With `factor` voxels along each axis merged to one."""
        if factor == 1:
            return self
        masks = {name: averaged(mask, factor) for name, mask in self.masks.items()}
        return replace(self, raw=averaged(self.raw, factor), masks=masks, factor=self.factor * factor)


def read_layers(volume: Any, labels: Any, voxel_size: Any, *, most: int) -> Layers:
    """The layers with at most `most` voxels each, read slab by slab (NumPy, Zarr, Dask, xarray).

    `labels` is a mask, an array of whole numbers (each number a mask, or all together where there are
    more than six), or a dict of masks by name. `voxel_size` is in metres, one number or (z, y, x).

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
    return Layers(averaged(raw, factor), drawn, _voxel(voxel_size), factor, tuple(raw.shape))


def averaged(array: Any, factor: int) -> np.ndarray:
    """Mean over boxes of `factor` voxels a side, float32; what is not finite counts as 0."""
    planes = max(1, READ_TOGETHER // int(np.prod(array.shape[1:])) // factor) * factor
    slabs = [np.asarray(array[z : z + planes]) for z in range(0, array.shape[0], planes)]
    return np.concatenate([_means(slab, factor) for slab in slabs])


def _means(slab: np.ndarray, factor: int) -> np.ndarray:
    summed = np.nan_to_num(slab.astype(np.float32), posinf=0, neginf=0)
    for axis, side in enumerate(slab.shape if factor > 1 else ()):
        starts = np.arange(0, side, factor)
        share = np.diff(np.append(starts, side)).astype(np.float32)
        along = [1, 1, 1]
        along[axis] = -1
        summed = np.add.reduceat(summed, starts, axis=axis) / share.reshape(along)
    return summed


def _array(given: Any) -> Any:
    given = given.data if hasattr(given, "dims") else given
    return given if hasattr(given, "dtype") and hasattr(given, "shape") else np.asarray(given)


def _masks(labels: Any) -> dict[str, Any]:
    if labels is None:
        return {}
    if isinstance(labels, Mapping):
        if len(labels) > len(MASK_COLOURS):
            raise ValueError(
                f"{len(labels)} masks came; at most {len(MASK_COLOURS)} are told apart in one view"
            )
        return {str(name): _array(mask) for name, mask in labels.items()}
    array = _array(labels)
    if np.dtype(array.dtype).kind == "b":
        return {"segmentation": array}
    if np.dtype(array.dtype).kind not in "ui":
        raise ValueError(
            f"labels of {array.dtype} came; a mask, whole numbers or a dict of masks is expected"
        )
    array = np.asarray(array)
    numbers = [int(n) for n in np.unique(array) if n]
    if len(numbers) <= 1 or len(numbers) > len(MASK_COLOURS):
        return {"segmentation": array != 0}
    return {f"label {number}": array == number for number in numbers}


def _voxel(size: Any) -> tuple[float, float, float]:
    sides = [float(side) for side in np.ravel(np.nan if size is None else size)]
    if len(sides) not in (1, 3) or not all(np.isfinite(side) and side > 0 for side in sides):
        raise ValueError(
            f"voxel_size is {size!r}; the edge of a voxel in metres is expected, one number or (z, y, x): "
            "where the file does not say it, the microscope's record does"
        )
    z, y, x = sides * (3 // len(sides))
    return z, y, x
