"""The grey levels of the phases in an image, from its histogram and from what no edge has blurred."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from nbtools.statistics.arrays import real_array

Array = NDArray[np.float32]

EM_ROUNDS = 200
DEEP = 5  # pixels a side of a box that lies whole in one phase: there a grey value is the phase's own


def checked_grey(image: Any, *, dimensions: int | None = None) -> Array:
    """Grey values as 32-bit numbers; refuses what is no image."""
    masked = isinstance(image, np.ma.MaskedArray)
    grey: Any = real_array(image, "the image") if masked else np.asarray(image)
    allowed = (dimensions,) if dimensions else (2, 3)
    if grey.ndim not in allowed or grey.dtype.kind not in "uif":
        raise ValueError(
            f"an array of shape {grey.shape} and type {grey.dtype} came; grey values with "
            f"{' or '.join(map(str, allowed))} axes are expected"
        )
    grey = grey.astype(np.float32)
    if not np.all(np.isfinite(grey)):
        raise ValueError(
            f"{np.sum(~np.isfinite(grey))} grey values are NaN or infinite: cut or fill them first"
        )
    if np.ptp(grey) == 0:
        raise ValueError(f"every grey value is {grey.flat[0]:g}: there is nothing to tell apart")
    return np.asarray(grey, np.float32)


@dataclass(frozen=True)
class GreyClasses:
    """A mixture of normal distributions fitted to a histogram, from the brightest class down."""

    shares: tuple[float, ...]
    means: tuple[float, ...]
    spreads: tuple[float, ...]

    def threshold(self, between: int) -> float:
        """Half-way between class `between` and the next darker one."""
        return (self.means[between] + self.means[between + 1]) / 2


def grey_classes(grey: Array, *, count: int) -> GreyClasses:
    """Expectation and maximisation on a histogram of 512 bins, started from Otsu's thresholds.

    Source: Dempster, Laird and Rubin, J. R. Stat. Soc. B 39, 1 (1977).
    """
    from skimage.filters import threshold_multiotsu

    heights, edges = np.histogram(grey, 512)
    x, weights = (edges[1:] + edges[:-1]) / 2, heights / heights.sum()
    cuts = threshold_multiotsu(hist=(heights, x), classes=2)
    labels = np.digitize(x, cuts)
    if count == 3:  # pores are few: below the dark mean by as much as the bright one is above it
        low, high = (np.average(x[labels == k], weights=weights[labels == k]) for k in (0, 1))
        labels = np.digitize(x, [low - 0.55 * (high - low), *cuts])
    shares, means, spreads = (np.zeros(count) for _ in range(3))
    member = np.array([labels == k for k in range(count)], float)
    for _ in range(EM_ROUNDS):
        mass = member * weights
        shares = np.maximum(mass.sum(axis=1), 1e-9)
        means = mass @ x / shares
        spreads = np.sqrt(
            np.maximum((mass * (x - means[:, None]) ** 2).sum(axis=1) / shares, np.ptp(x) ** 2 * 1e-6)
        )
        density = (
            shares[:, None] / spreads[:, None] * np.exp(-(((x - means[:, None]) / spreads[:, None]) ** 2) / 2)
        )
        member = density / np.maximum(density.sum(axis=0), 1e-300)
    order = np.argsort(-means, kind="stable")
    return GreyClasses(*(tuple(map(float, values[order])) for values in (shares, means, spreads)))


def own_levels(grey: Array, fitted: GreyClasses) -> GreyClasses:
    """The classes with the median grey of what lies deep inside each phase, which no edge has blurred."""
    means = list(fitted.means)
    for _ in range(3):
        cut = (means[0] + means[1]) / 2
        low = (means[1] + means[2]) / 2 if len(means) == 3 else -math.inf
        for number, inside in enumerate((grey >= cut, (grey < cut) & (grey >= low))):
            deep = grey[ndimage.minimum_filter(inside, DEEP)]
            if deep.size >= 50:
                means[number] = float(np.median(deep))
    return GreyClasses(fitted.shares, tuple(means), fitted.spreads)
