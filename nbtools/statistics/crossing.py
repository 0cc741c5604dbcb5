"""Where a noisy curve crosses a level: a cubic over the widest stretch that the noise allows."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.units import Quantity

Array = NDArray[np.float64]
# A cubic needs four points; two more let the scatter about it be seen.
FEWEST_POINTS = 6
# χ² over its degrees of freedom from which on the points are too coarse for a cubic.
COARSE = 20.0


@dataclass(frozen=True)
class LocalFit:
    """A cubic c0 + c1 d + c2 d² + c3 d³ in the distance d from `place`, with its covariance.

    `excess` is χ² over its degrees of freedom; the covariance is scaled by it where it exceeds 1.
    """

    place: float
    coefficients: Array
    covariance: Array
    points: int
    excess: float = 0.0

    @property
    def value(self) -> float:
        return float(self.coefficients[0])

    @property
    def slope(self) -> float:
        return float(self.coefficients[1])

    @property
    def inflection(self) -> float:
        """Where the slope is extreme."""
        c2, c3 = self.coefficients[2:]
        return float(self.place - c2 / (3 * c3)) if c3 else np.nan

    def moved_to(self, place: float) -> "LocalFit":
        """The same cubic, expanded about another place."""
        d = place - self.place
        shift = np.array([[1, d, d**2, d**3], [0, 1, 2 * d, 3 * d**2], [0, 0, 1, 3 * d], [0, 0, 0, 1]])
        return replace(
            self,
            place=place,
            coefficients=shift @ self.coefficients,
            covariance=shift @ self.covariance @ shift.T,
        )


def fit_locally(x: ArrayLike, y: ArrayLike, *, sigma: ArrayLike, place: float) -> LocalFit:
    """Weighted cubic around `place` over the widest window in which it still describes the curve.

    The window grows point by point, nearest first, until χ² exceeds its expectation by 1.5 of its
    standard deviations; too narrow a window wastes data, too wide a one bends the answer. Three
    quarters of the widest adequate window keep the bias well under the noise (Lepski's idea).

    Parameters
    ----------
    x, y : shape (n,), any order, n ≥ 4
    sigma : shape (n,) or a number, one standard deviation of y
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    weight = 1 / np.broadcast_to(np.asarray(sigma, float), x.shape)
    nearest = np.argsort(np.abs(x - place), kind="stable")
    best = fewest = min(FEWEST_POINTS, len(x))
    for count in range(fewest, len(x) + 1):
        freedom = count - 4
        if _cubic(x, y, weight, place, nearest[:count])[2] > freedom + 1.5 * np.sqrt(2 * freedom):
            break
        best = count
    chosen = nearest[: max(fewest, int(0.75 * best))]
    return fit_cubic(x[chosen], y[chosen], sigma=1 / weight[chosen], place=place)


def fit_cubic(x: ArrayLike, y: ArrayLike, *, sigma: ArrayLike, place: float) -> LocalFit:
    """Weighted cubic through all points; the covariance is scaled up where they scatter more than sigma."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    weight = 1 / np.broadcast_to(np.asarray(sigma, float), x.shape)
    coefficients, covariance, chi_square = _cubic(x, y, weight, place, np.arange(len(x)))
    excess = chi_square / max(len(x) - 4, 1)
    return LocalFit(place, coefficients, covariance * max(1.0, excess), len(x), excess)


def find_crossing(x: ArrayLike, y: ArrayLike, level: float, *, sigma: ArrayLike, start: float) -> Quantity:
    """Where the curve crosses `level`, near `start`; NaN where it does not.

    The uncertainty is that of the local fit's value divided by its slope. Where even the fewest points
    are too many for a cubic (a kink, or a step between two points), the crossing lies on the line
    between the two points about it, with the standard deviation of a uniform distribution over them.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    place, span = start, float(np.ptp(x))
    for _ in range(6):
        local = fit_locally(x, y, sigma=sigma, place=place)
        step = (level - local.value) / local.slope if local.slope else np.nan
        if not abs(step) < span:
            return Quantity(np.nan)
        place += step
        if abs(step) < 1e-6 * span:
            break
    if local.excess > COARSE:
        return _between_points(x, y, level, place)
    return Quantity(place, np.sqrt(local.covariance[0, 0]) / abs(local.slope))


def _between_points(x: Array, y: Array, level: float, near: float) -> Quantity:
    order = np.argsort(x, kind="stable")
    x, above = x[order], y[order] - level
    changes = np.flatnonzero(above[:-1] * above[1:] <= 0)
    if not len(changes):
        return Quantity(np.nan)
    left = min(changes, key=lambda i: abs(0.5 * (x[i] + x[i + 1]) - near))
    gap, rise = x[left + 1] - x[left], above[left + 1] - above[left]
    return Quantity(x[left] - (gap * above[left] / rise if rise else -0.5 * gap), gap / np.sqrt(12))


def noise_of(x: ArrayLike, y: ArrayLike, *, where: ArrayLike | None = None) -> float:
    """Standard deviation of y, from how far each point lies off the cubic through its four neighbours.

    Robust (median), so that a step or a few outliers do not count as noise.

    Parameters
    ----------
    x, y : shape (n,), x in order; 0 is returned for n < 5
    where : shape (n,), bool; only these points are judged
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(x) < 5:
        return 0.0
    middle = np.arange(2, len(x) - 2)
    neighbours = middle[:, None] + np.array([-2, -1, 1, 2])
    distance = x[neighbours] - x[middle][:, None]
    weights = np.ones_like(distance)
    for i in range(4):
        for j in set(range(4)) - {i}:
            gap = distance[:, i] - distance[:, j]
            weights[:, i] *= np.divide(-distance[:, j], gap, out=np.full_like(gap, np.nan), where=gap != 0)
    residual = (y[middle] - np.sum(weights * y[neighbours], axis=1)) / np.sqrt(1 + np.sum(weights**2, axis=1))
    judged = np.isfinite(residual) & (True if where is None else np.asarray(where, bool)[middle])
    return float(1.4826 * np.median(np.abs(residual[judged]))) if judged.any() else 0.0


def _cubic(
    x: Array, y: Array, weight: Array, place: float, chosen: NDArray[np.intp]
) -> tuple[Array, Array, float]:
    distance, weight = x[chosen] - place, weight[chosen]
    scale = float(np.max(np.abs(distance))) or 1.0
    design = np.vander(distance / scale, 4, increasing=True) * weight[:, None]
    inverse = np.linalg.pinv(design)
    coefficients = inverse @ (y[chosen] * weight)
    chi_square = float(np.sum((y[chosen] * weight - design @ coefficients) ** 2))
    units = scale ** -np.arange(4.0)
    return coefficients * units, (inverse @ inverse.T) * np.outer(units, units), chi_square
