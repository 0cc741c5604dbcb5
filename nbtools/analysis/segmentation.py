"""From grey values to phases: take stripes out, denoise, threshold; each step alone and optional."""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from nbtools.analysis.grey_levels import GreyClasses, checked_grey, grey_classes, own_levels

Array = NDArray[np.float32]
Labels = NDArray[np.uint8]
Method = Literal["midpoint", "otsu", "fraction", "two-threshold"]
BRIGHT, DARK, BLACK = 0, 1, 2  # labels: MgO, MgB2, pore

RIM = 5  # pixels a side of the box round a black voxel in which a blurred edge lies


@dataclass(frozen=True)
class Segmentation:
    """Phases by grey level, the darkest class being pores where there are three.

    Attributes
    ----------
    labels : 0 bright, 1 dark (the phase), 2 black (pores)
    thresholds : grey levels between the classes, from the brightest down
    levels : mean grey of each class, from the brightest down
    contrast_to_noise : step between bright and dark over the scatter inside them, after denoising
    fraction, pore_fraction : share of the voxels
    moves : how far `fraction` moves if the threshold moves by a tenth of the step either way
    """

    labels: Labels
    thresholds: tuple[float, ...]
    levels: tuple[float, ...]
    contrast_to_noise: float
    fraction: float
    pore_fraction: float
    moves: float
    method: str
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def phase(self) -> NDArray[np.bool_]:
        """Where the dark phase is."""
        return self.labels == DARK

    def __str__(self) -> str:
        cuts = ", ".join(f"{cut:.0f}" for cut in self.thresholds)
        return (
            f"{self.method}: thresholds {cuts}; dark phase {100 * self.fraction:.1f} % (± {100 * self.moves:.1f} for a "
            f"tenth of the step), pores {100 * self.pore_fraction:.1f} %"
        )


def remove_stripes(image: Any, *, rounds: int = 2) -> Array:
    """Take out what is the same along a whole column (curtains) or a whole line (charging) of a slice.

    The phases are told apart roughly first, and only what is left beside their mean greys is averaged:
    a column that holds much of one phase is no stripe.

    Parameters
    ----------
    image : (y, x), or (z, y, x) slice by slice
    """
    grey = checked_grey(image)
    for _ in range(rounds):
        smooth = ndimage.gaussian_filter(grey, (*[0] * (grey.ndim - 2), 2, 2))
        fitted = grey_classes(smooth, count=2)
        rough = smooth < fitted.threshold(0)
        means = np.where(rough, grey[rough].mean(), grey[~rough].mean()) if 0 < rough.mean() < 1 else smooth
        # At a blurred edge the rest is large and of no stripe's making: medians pass over it.
        rest = (grey - means) / means
        for axis in (-2, -1):
            rest -= (stripe := np.median(rest, axis=axis, keepdims=True))
            grey = grey / (1 + stripe)
    return np.asarray(grey, np.float32)


def denoise(
    image: Any,
    *,
    method: Literal["none", "gaussian", "median", "nlm"] = "gaussian",
    size: float = 1.0,
) -> Array:
    """Take noise away: a Gaussian or a median over `size` pixels, or non-local means.

    Parameters
    ----------
    image : (y, x) or (z, y, x)
    size : pixels, of "gaussian" and "median"; strength of "nlm", slice by slice
    """
    grey = checked_grey(image)
    if method == "none":
        return grey
    if method == "gaussian":
        return np.asarray(ndimage.gaussian_filter(grey, size), np.float32)
    if method == "median":
        return np.asarray(ndimage.median_filter(grey, 2 * max(1, round(size)) + 1), np.float32)
    if method != "nlm":
        raise ValueError(f"method is {method!r}; it is none, gaussian, median or nlm")
    from skimage.restoration import denoise_nl_means, estimate_sigma

    noise = float(np.mean(estimate_sigma(grey)))
    planes = grey if grey.ndim == 3 else grey[None]
    done = [denoise_nl_means(one, 5, 6, h=0.8 * size * noise, sigma=noise, fast_mode=True) for one in planes]
    return np.asarray(done, np.float32).reshape(grey.shape)


def segment(
    image: Any, *, method: Method = "midpoint", classes: int = 2, fraction: float | None = None
) -> Segmentation:
    """Give every voxel a phase by its grey level; the dark one is the phase, black ones are pores.

    ``"midpoint"`` cuts half-way between the mean greys of the classes, where a blurred edge keeps its place
    (the means from a mixture of normal distributions); ``"otsu"`` between the classes of least variance;
    ``"fraction"`` so that `fraction` is dark or black; ``"two-threshold"`` takes what is surely dark, and
    what hangs on it.

    Parameters
    ----------
    image : (y, x) or (z, y, x), grey
    classes : 2, or 3 with pores

    Raises
    ------
    ValueError
        An image without two grey levels, NaN, an unknown method, a fraction missing or out of range.
    """
    grey = checked_grey(image)
    if classes not in (2, 3):
        raise ValueError(f"classes is {classes!r}; 2, or 3 with pores")
    fitted = own_levels(grey, grey_classes(grey, count=classes))
    upper = _upper_threshold(grey, fitted, method, fraction)
    dark = grey < upper
    step = fitted.means[0] - fitted.means[1]
    if method == "two-threshold":
        from skimage.filters import apply_hysteresis_threshold

        dark = apply_hysteresis_threshold(-grey, -(upper + 0.15 * step), -(upper - 0.15 * step))
    labels = dark.astype(np.uint8)
    thresholds = [upper]
    if classes == 3:
        thresholds.append(fitted.threshold(1))
        labels = _with_pores(grey, labels, fitted)
    moved = [np.mean(grey < upper + way * 0.1 * step) for way in (-1, 1)]
    return Segmentation(
        labels=labels,
        thresholds=tuple(map(float, thresholds)),
        levels=fitted.means,
        contrast_to_noise=float(step / max(fitted.spreads[0], 1e-9)),
        fraction=float(np.mean(labels == DARK)),
        pore_fraction=float(np.mean(labels == BLACK)),
        moves=float(moved[1] - moved[0]) / 2,
        method=method,
    )


def _with_pores(grey: Array, labels: Labels, fitted: GreyClasses) -> Labels:
    """Black cores with their rims: an edge from bright to black passes through the grey of the dark phase."""
    black = grey < fitted.threshold(1)
    # A rim is dark only between the two; what hangs on dark voxels beyond it is the phase.
    rim = ndimage.maximum_filter(black, RIM) & (labels == DARK) & ~black
    beyond = (labels == DARK) & ~black & ~rim
    lone = rim & ~ndimage.maximum_filter(beyond, RIM)
    middle = (fitted.means[0] + fitted.means[2]) / 2
    result = np.where(lone, np.where(grey < middle, BLACK, BRIGHT), labels)
    result[black] = BLACK
    return result.astype(np.uint8)


def _upper_threshold(grey: Array, fitted: GreyClasses, method: str, fraction: float | None) -> float:
    if method in ("midpoint", "two-threshold"):
        return fitted.threshold(0)
    if method == "otsu":
        from skimage.filters import threshold_otsu

        return float(threshold_otsu(grey))
    if method != "fraction":
        raise ValueError(f"method is {method!r}; it is midpoint, otsu, fraction or two-threshold")
    if fraction is None or not 0 < fraction < 1:
        raise ValueError(f"fraction is {fraction!r}; the share that is to be dark is expected, as 0.265")
    return float(np.quantile(grey, fraction))


def overlap(first: Any, second: Any) -> dict[str, float]:
    """Dice's coefficient and Matthews' correlation of two masks of the same shape."""
    a, b = np.asarray(first, bool), np.asarray(second, bool)
    if a.shape != b.shape:
        raise ValueError(f"masks of shape {a.shape} and {b.shape} came; they must cover the same field")
    both, either = float(np.sum(a & b)), float(a.sum() + b.sum())
    p, q, pq = a.mean(), b.mean(), (a & b).mean()
    spread = math.sqrt(max(p * (1 - p) * q * (1 - q), 0.0))
    return {
        "dice": 2 * both / either if either else math.nan,
        "mcc": float((pq - p * q) / spread) if spread else math.nan,
    }
