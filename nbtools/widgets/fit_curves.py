"""The curves that are fitted: x, y and their uncertainty, read and checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]


class FitError(ValueError):
    """A fit that cannot be made or did not come about, and why."""


@dataclass(frozen=True)
class Curve:
    """One measured curve: x, y and, where known, one standard deviation of each y."""

    x: Array
    y: Array
    sigma: Array | None = None
    label: str = ""

    @property
    def usable(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which points are numbers throughout."""
        good = np.isfinite(self.x) & np.isfinite(self.y)
        return good if self.sigma is None else good & np.isfinite(self.sigma)


def read_curves(x: Any, y: Any, sigma: Any = None, labels: Sequence[str] | None = None) -> tuple[Curve, ...]:
    """One curve from three arrays, or several from three lists of arrays.

    Raises
    ------
    ValueError
        Arrays that are empty, not one-dimensional, or of different lengths.
    """
    several = isinstance(y, (list, tuple)) and len(y) > 0 and np.ndim(y[0]) == 1
    ys = list(y) if several else [y]
    xs = list(x) if several and np.ndim(x[0]) == 1 else [x] * len(ys)
    sigmas = list(sigma) if several and isinstance(sigma, (list, tuple)) else [sigma] * len(ys)
    names = list(labels or [f"curve {i + 1}" if several else "data" for i in range(len(ys))])
    if not len(xs) == len(ys) == len(sigmas) == len(names):
        raise ValueError(
            f"{len(xs)} x, {len(ys)} y, {len(sigmas)} sigma and {len(names)} labels came; "
            "give as many of each, one per curve"
        )
    if 0 < sum(one is None for one in sigmas) < len(sigmas):
        raise ValueError("sigma came for some curves only; give it for all of them or for none")
    return tuple(_read_curve(*parts) for parts in zip(xs, ys, sigmas, names, strict=True))


def _read_curve(x: Any, y: Any, sigma: Any, label: str) -> Curve:
    x, y = np.array(x, dtype=float), np.array(y, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or x.size == 0:
        raise ValueError(
            f"{label}: x has shape {x.shape} and y {y.shape}; two 1-D arrays of one length expected"
        )
    if sigma is not None:
        sigma = np.array(np.broadcast_to(np.asarray(sigma, dtype=float), y.shape))
    return Curve(x, y, sigma, label)


def neighbour_scatter(y: Array) -> float:
    """σ of the noise from second differences (median, so outliers and slow curves count little)."""
    if y.size < 3:
        return 1.0
    bends = np.abs(np.diff(y, 2))
    scatter = float(np.median(bends)) / 0.6745 / np.sqrt(6)
    return scatter or float(np.mean(bends)) or 1.0
