"""How much a measured curve scatters, whatever its shape."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
# A standard deviation is this many median absolute deviations of a normal distribution.
NORMAL_MAD = 1.4826
# Rounding is looked for where no more than this share of the values are different ones.
ROUNDED = 0.75


CLIP = 3.5  # standard deviations beyond which a residual is no noise
KEPT_VARIANCE = 0.9939  # of a normal distribution without what lies beyond


def mad_sigma(values: ArrayLike) -> float:
    """Standard deviation about zero by the median of the absolute values; 0 for none."""
    sizes = np.abs(np.asarray(values, float))
    return float(NORMAL_MAD * np.median(sizes)) if sizes.size else 0.0


def robust_sigma(residuals: ArrayLike) -> float:
    """Standard deviation about zero of those residuals that are noise: within 3.5 of it, started from the median.

    Nearly as sharp as the plain one (the median alone wastes six points of ten); 0 for none.
    """
    sizes = np.abs(np.asarray(residuals, float))
    sigma = mad_sigma(sizes)
    if sizes.size < 12:
        return sigma
    for _ in range(3):
        kept = sizes[sizes <= CLIP * sigma]
        if not kept.size:
            break
        sigma = float(np.sqrt(np.mean(kept**2) / KEPT_VARIANCE))
    return sigma


def noise_of(x: ArrayLike, y: ArrayLike, *, where: ArrayLike | None = None) -> float:
    """Standard deviation of y, from how far each point lies off the cubic through its four neighbours.

    Robust, so that a step or a few outliers do not count as noise; never less than what the
    rounding of the values alone makes. From n points it is known to about `relative_error_of_noise`.

    Parameters
    ----------
    x, y : shape (n,), x in order; 0 is returned for n < 5
    where : shape (n,), bool; only these points are judged
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(x) < 5:
        return 0.0
    distance = np.stack([x[i : len(x) - 4 + i] - x[2:-2] for i in (0, 1, 3, 4)])
    neighbours = np.stack([y[i : len(x) - 4 + i] for i in (0, 1, 3, 4)])
    weights = np.ones_like(distance)
    for i in range(4):
        for j in set(range(4)) - {i}:
            gap = distance[i] - distance[j]
            weights[i] *= np.divide(-distance[j], gap, out=np.full_like(gap, np.nan), where=gap != 0)
    residual = (y[2:-2] - np.sum(weights * neighbours, axis=0)) / np.sqrt(1 + np.sum(weights**2, axis=0))
    judged = np.isfinite(residual) & (True if where is None else np.asarray(where, bool)[2:-2])
    return max(robust_sigma(residual[judged]), resolution_of(y) / np.sqrt(12))


def relative_error_of_noise(points: int) -> float:
    """Relative standard deviation of what `noise_of` finds: neighbouring residuals share points."""
    return 1.2 / np.sqrt(max(points, 1))


def resolution_of(values: ArrayLike) -> float:
    """The step of the grid that values were rounded to; 0 where none shows.

    Values count as rounded if many stand more than once and all differences are multiples of the smallest.
    """
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    levels = np.unique(known)
    if levels.size < 4 or levels.size > ROUNDED * known.size:
        return 0.0
    steps = np.diff(levels)
    step = float(np.min(steps))
    if step < 1e-9 * float(np.max(np.abs(levels))):
        return 0.0
    multiples = steps / step
    whole = np.abs(multiples - np.round(multiples)) < 0.05
    return step if np.mean(whole) > 0.95 else 0.0


def running_median(values: ArrayLike, size: int) -> Array:
    """Median of `size` (odd) neighbours; a monotonic curve stays as it is, single wild points go."""
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(np.asarray(values, float), size=size, mode="nearest"))


def averaged(x: ArrayLike, y: ArrayLike, sigma: ArrayLike, *, most: int) -> tuple[Array, Array, Array]:
    """At most `most` points: weighted means of neighbours, equally many each, with their standard errors.

    For curves whose features are much wider than range/`most`.

    Parameters
    ----------
    x, y, sigma : shape (n,), x in order
    """
    at, values = np.asarray(x, float), np.asarray(y, float)
    errors = np.broadcast_to(np.asarray(sigma, float), at.shape)
    if len(at) <= most:
        return at, values, errors
    starts = np.linspace(0, len(at), most + 1).astype(int)[:-1]
    weight = errors**-2.0
    total = np.add.reduceat(weight, starts)
    return (
        np.add.reduceat(weight * at, starts) / total,
        np.add.reduceat(weight * values, starts) / total,
        total**-0.5,
    )
