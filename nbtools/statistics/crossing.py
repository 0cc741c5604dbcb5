"""Where a noisy curve crosses a level: a cubic over the stretch in which the curve is one."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from nbtools.units import Quantity

Array = NDArray[np.float64]
# A cubic needs four points; two more let the scatter about it be seen.
FEWEST_POINTS = 6
# χ² over its degrees of freedom from which on the points are too coarse for a cubic.
COARSE = 20.0
KNOWN = 4.0  # degrees of freedom that the σ that came is worth, against the scatter of a few points
GROWTH = 1.2  # of the window, from one trial to the next
# χ² of the fourth and fifth power (2 degrees of freedom) that chance exceeds in 1 % and in 0.1 % of windows: the
# first counts when two windows running exceed it.
BEND, PLAIN_BEND = chi2.isf([0.01, 0.001], df=2)
SHRINK = 0.5  # of the widest window without a visible bend


@dataclass(frozen=True)
class LocalFit:
    """A cubic c0 + c1 d + c2 d² + c3 d³ in the distance d from `place`, with its covariance.

    `excess` is χ² over its degrees of freedom; where it exceeds 1, the covariance is scaled up.
    `reach` is how far from `place` points were used.
    """

    place: float
    coefficients: Array
    covariance: Array
    points: int
    excess: float = 0.0
    reach: float = np.nan

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


def fit_locally(
    x: ArrayLike, y: ArrayLike, *, sigma: ArrayLike, place: float, smallest: float = 0.0
) -> LocalFit:
    """Weighted cubic around `place`, in a window well inside the widest one in which no bend beyond it shows.

    The window grows by a fifth at a time until a fourth or fifth power is significant, and is then shrunk to a half.
    A bend that is just seen moves the value by one or two of its σ; it falls with the 4.5th power of
    the window against σ, so that in half of it 0.1 σ at most is left, at any noise and density of points.
    (The χ² of all residuals cannot do this: it misses a bend that is small against one point's noise,
    however many points show it.)

    Parameters
    ----------
    x, y : shape (n,), any order, n ≥ 4
    sigma : shape (n,) or a number, one standard deviation of y
    smallest : half the width of a stretch that the curve is known to cross smoothly; dense points need it lest
        some narrow window's noise pass for a bend
    """
    curve = _Curve.of(x, y, sigma)
    return curve.cubic(place, *curve.window(place, smallest))


def find_crossing(
    x: ArrayLike,
    y: ArrayLike,
    level: float,
    *,
    sigma: ArrayLike,
    start: float | None = None,
    smallest: float = 0.0,
) -> Quantity:
    """Where the curve crosses `level`, near `start`; NaN where it does not.

    The uncertainty is that of the local fit's value divided by its slope. Where even the fewest points
    are too many for a cubic (a kink, or a step between two points), the crossing lies on the line
    between the two points about it, with the standard deviation of a uniform distribution over them.

    Parameters
    ----------
    x, y : shape (n,), any order
    sigma : shape (n,) or a number, one standard deviation of y
    start : by default `rough_crossing`
    smallest : as in `fit_locally`
    """
    return crossing_and_fit(x, y, level, sigma=sigma, start=start, smallest=smallest)[0]


def crossing_and_fit(
    x: ArrayLike,
    y: ArrayLike,
    level: float,
    *,
    sigma: ArrayLike,
    start: float | None = None,
    smallest: float = 0.0,
) -> tuple[Quantity, LocalFit]:
    """As `find_crossing`, and the local fit there."""
    curve = _Curve.of(x, y, sigma)
    span = float(np.ptp(curve.x))
    place = rough_crossing(curve.x, curve.y, level) if start is None else start
    for _ in range(6):
        local = curve.cubic(place, *curve.window(place, smallest))
        step = _to_level(local, level)
        if not abs(step) < span:
            return Quantity(np.nan), local
        place += step
        if abs(step) < 0.02 * local.reach:
            break
    local = local.moved_to(place)
    if local.excess > COARSE:
        return _between_points(curve.x, curve.y, level, place), local
    if not local.slope:
        return Quantity(np.nan), local
    # To second order the slope's own error counts: a steep place among few points may be chance.
    of_slope = local.covariance[1, 1] / local.slope**2
    return Quantity(place, np.sqrt(local.covariance[0, 0] * (1 + 2 * of_slope)) / abs(local.slope)), local


def rough_crossing(x: ArrayLike, y: ArrayLike, level: float) -> float:
    """The place that best parts what lies below `level` from what lies above: no noise moves it far.

    Parameters
    ----------
    x, y : shape (n,), x in order
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    balance = np.concatenate([[0], np.cumsum(np.where(y < level, 1, -1))])
    # Rising curves have their low points first: the balance peaks at the crossing; falling ones dip there.
    rises = balance.max() + balance.min() >= balance[-1]
    best = int(balance.argmax() if rises else balance.argmin())
    return float(np.mean(x[np.clip([best - 1, best], 0, len(x) - 1)]))


def _to_level(local: LocalFit, level: float) -> float:
    """From the fit's place to the nearest place where its cubic has the value `level`: Newton's step, twice more."""
    step, (c0, c1, c2, c3) = 0.0, local.coefficients
    for _ in range(3):
        slope = c1 + 2 * c2 * step + 3 * c3 * step**2
        if not slope:
            return np.nan
        step -= (c0 + c1 * step + c2 * step**2 + c3 * step**3 - level) / slope
    if not abs(step) < 2 * local.reach:  # the cubic turns round before it gets there
        return (level - local.value) / local.slope if local.slope else np.nan
    return float(step)


@dataclass(frozen=True)
class _Curve:
    """Points in order, each with its weight 1/σ."""

    x: Array
    y: Array
    weight: Array

    @classmethod
    def of(cls, x: ArrayLike, y: ArrayLike, sigma: ArrayLike) -> "_Curve":
        x, y = np.asarray(x, float), np.asarray(y, float)
        weight = 1 / np.broadcast_to(np.asarray(sigma, float), x.shape)
        order = np.argsort(x, kind="stable")
        return cls(x[order], y[order], weight[order])

    def window(self, place: float, least: float = 0.0) -> tuple[float, float]:
        """How far from `place` points are used; where that is not well inside the first bend, the value with it too."""
        smallest = max(self._distance_of(place, FEWEST_POINTS), least)
        largest = max(abs(self.x[0] - place), abs(self.x[-1] - place))
        trial = best = smallest
        suspected, beyond = False, np.nan
        while trial < largest * GROWTH:
            bend, quintic = self._bend(place, trial)
            if bend > PLAIN_BEND or (suspected and bend > BEND):
                beyond = quintic if SHRINK * best < smallest else np.nan
                break
            suspected = bend > BEND
            if not suspected:
                best = trial
            trial *= GROWTH
        return max(smallest, SHRINK * best), beyond

    def cubic(self, place: float, reach: float, beyond: float = np.nan) -> LocalFit:
        """The cubic through the window; what it is off from a value `beyond` a cubic is error too."""
        design, values, scale = self._scaled(place, reach, 3)
        q, r = np.linalg.qr(design)
        inverse = np.linalg.pinv(r)
        coefficients = inverse @ (q.T @ values)
        chi_square = float(np.sum((values - design @ coefficients) ** 2))
        freedom = len(values) - 4
        excess = chi_square / max(freedom, 1)
        units = scale ** -np.arange(4.0)
        covariance = (inverse @ inverse.T) * np.outer(units, units)
        scale = max(1.0, (KNOWN + chi_square) / (KNOWN + freedom))
        covariance *= scale
        if np.isfinite(beyond):
            covariance[0, 0] += (beyond - coefficients[0]) ** 2
        return LocalFit(place, coefficients * units, covariance, len(values), excess, reach)

    def _distance_of(self, place: float, count: int) -> float:
        """Of the `count`-th nearest point, a hair more."""
        here = int(np.searchsorted(self.x, place))
        around = self.x[max(here - count, 0) : here + count]
        nearest = np.sort(np.abs(around - place))
        return float(nearest[min(count, len(nearest)) - 1]) * (1 + 1e-12) or 1e-12

    def _scaled(self, place: float, reach: float, degree: int) -> tuple[Array, Array, float]:
        low, high = np.searchsorted(self.x, place - reach), np.searchsorted(self.x, place + reach, "right")
        weight = self.weight[low:high]
        design = np.vander((self.x[low:high] - place) / reach, degree + 1, increasing=True)
        return design * weight[:, None], self.y[low:high] * weight, reach

    def _bend(self, place: float, reach: float) -> tuple[float, float]:
        """χ² of a fourth and fifth power, infinite where these leave more than noise; and the value with them."""
        low, high = np.searchsorted(self.x, place - reach), np.searchsorted(self.x, place + reach, "right")
        count = int(high - low)
        if count <= FEWEST_POINTS:
            return 0.0, np.nan
        design, values, _ = self._scaled(place, reach, 5)
        q, r = np.linalg.qr(design)
        parts = (q.T @ values) ** 2
        left = float(np.sum((values - q @ (q.T @ values)) ** 2))
        freedom = count - 4
        bend = float(np.sum(parts[4:]))
        if bend + left > freedom + 4 * np.sqrt(2 * freedom):
            bend = np.inf
        return bend, float((np.linalg.pinv(r) @ (q.T @ values))[0]) if bend > BEND else np.nan


def _between_points(x: Array, y: Array, level: float, near: float) -> Quantity:
    above = y - level
    changes = np.flatnonzero(above[:-1] * above[1:] <= 0)
    if not len(changes):
        return Quantity(np.nan)
    left = min(changes, key=lambda i: abs(0.5 * (x[i] + x[i + 1]) - near))
    gap, rise = x[left + 1] - x[left], above[left + 1] - above[left]
    return Quantity(x[left] - (gap * above[left] / rise if rise else -0.5 * gap), gap / np.sqrt(12))
