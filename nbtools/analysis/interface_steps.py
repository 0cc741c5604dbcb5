"""Terraces and steps of a boundary: a piecewise-constant line, the number of steps by a penalised likelihood."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import ndtr

from nbtools.units import Quantity

Array = NDArray[np.float64]
# Of the logarithm of the number of independent places, for each step: where it is costs as much as how high.
PENALTY = 3.0
MOST_STEPS = 12
MOST_POINTS = 600
SMALLEST = 8  # points
# Where a terrace ends in an image hangs on where both lattices happen to end there: m, one terrace.
TERMINATION = 0.06e-9


@dataclass(frozen=True)
class Steps:
    """Terraces of a boundary, lengths in m (or in the unit that came).

    count : of steps; positions : along the boundary; heights : of each, up is positive
    in_spacings : heights over the plane spacing; is_multiple : whether all are whole numbers within 3 σ or 0.1
    terraces : height of each; tilt : slope common to all terraces
    scatter : r.m.s. about the fit; penalties : criterion for each number of steps tried, the least is best
    fitted : the stairs at `along`
    """

    count: int
    positions: tuple[Quantity, ...]
    heights: tuple[Quantity, ...]
    in_spacings: tuple[Quantity, ...]
    terraces: tuple[float, ...]
    tilt: float
    scatter: float
    penalties: tuple[float, ...]
    along: Array
    fitted: Array
    stairs: "_Stairs"

    def priced(self, penalty: float) -> "Steps":
        """The steps at another price."""
        return self.stairs.priced(penalty)

    @property
    def mean_height(self) -> Quantity:
        """Of all steps, up or down; with the error of the mean."""
        if not self.heights:
            return Quantity(np.nan, np.nan, "m")
        sizes = np.abs(np.array(self.heights))
        sigma = np.sqrt(sum(h.uncertainty**2 for h in self.heights)) / len(sizes)
        return Quantity(float(sizes.mean()), float(sigma), self.heights[0].unit)

    @property
    def is_multiple(self) -> bool | None:
        """Whether every height is a whole number of planes; None without steps or spacing."""
        if not self.in_spacings:
            return None
        return all(abs(h - round(h)) < max(0.1, 3 * h.uncertainty) for h in self.in_spacings)

    def __str__(self) -> str:
        lines = [f"{self.count} step(s), terraces level within {self.scatter * 1e9:.3f} nm"]
        for number, (place, height) in enumerate(zip(self.positions, self.heights, strict=True)):
            planes = f" = {self.in_spacings[number]} planes" if self.in_spacings else ""
            lines.append(f"  at {place.to('nm')}: {height.to('nm')}{planes}")
        return "\n".join(lines)


def find_steps(
    boundary: Any,
    height: Any = None,
    *,
    spacing: float | None = None,
    penalty: float = PENALTY,
    correlation: float | None = None,
    resolution: float = 0.0,
    tilt: bool = True,
    most: int = MOST_STEPS,
) -> Steps:
    """Steps of a boundary line.

    For each number of steps the best stairs are found exactly (dynamic programming), their risers smoothed
    by the resolution and refined; each step costs `penalty` logarithms of the independent places.

    Parameters
    ----------
    boundary : a `Boundary`; or heights at even places; or (n, 2) of (along, height); m
    height : the heights, where `boundary` is the places along; m
    spacing : of the planes that make the terraces, m
    penalty : larger finds fewer steps; most : the largest number tried
    correlation : length over which neighbouring heights are not independent, m; by default as the boundary
        says, else from the heights themselves
    resolution : r.m.s. blur of a riser, m; tilt : whether terraces may have a common slope

    Raises
    ------
    ValueError
        Not a line, too few points, heights that are no numbers.
    """
    termination = 0.0
    if hasattr(boundary, "correlation"):
        termination = TERMINATION
        correlation = boundary.correlation if correlation is None else correlation
        resolution = resolution or boundary.resolution
    x, z = _line(boundary, height)
    x, z = _thinned(x, z)
    most = min(most, (len(x) - 2) // 3)
    share = min((x[-1] - x[0]) / (correlation * len(x)), 1.0) if correlation else 1.0
    fits = _fits(x, z, most, resolution, tilt, share)
    independent = _independent(x, z, correlation)
    return _Stairs(fits, x, spacing, independent, termination).priced(penalty)


def _line(boundary: Any, height: Any) -> tuple[Array, Array]:
    if hasattr(boundary, "along") and height is None:
        x, z = boundary.along, boundary.height
    elif height is not None:
        x, z = np.asarray(boundary, float), np.asarray(height, float)
    else:
        points = np.asarray(boundary, float)
        if points.ndim == 2 and points.shape[1] == 2:
            x, z = points.T
        elif points.ndim == 1:
            x, z = np.arange(len(points), dtype=float), points
        else:
            raise ValueError(
                f"a boundary of shape {points.shape} came; heights (n,), or (along, height) in n rows, were expected"
            )
    if x.shape != z.shape or x.ndim != 1:
        raise ValueError(
            f"places of shape {x.shape} came with heights of shape {z.shape}; they belong in pairs"
        )
    known = np.isfinite(x) & np.isfinite(z)
    if known.sum() < SMALLEST:
        raise ValueError(
            f"the boundary has {known.sum()} known points; at least {SMALLEST} are needed for a step"
        )
    order = np.argsort(x[known], kind="stable")
    return x[known][order], z[known][order]


def _thinned(x: Array, z: Array) -> tuple[Array, Array]:
    """Means of neighbours, where there are more points than the search needs."""
    share = -(-len(x) // MOST_POINTS)
    if share < 2:
        return x, z
    whole = len(x) // share * share
    return x[:whole].reshape(-1, share).mean(axis=1), z[:whole].reshape(-1, share).mean(axis=1)


@dataclass(frozen=True)
class _Fit:
    """Stairs: edges and levels (one more), a slope, the sum of squares, and what each parameter is known to."""

    edges: Array
    levels: Array
    slope: float
    squares: float
    covariance: Array
    fitted: Array
    parameters: int


def _fits(x: Array, z: Array, most: int, resolution: float, tilt: bool, share: float) -> list[_Fit]:
    """For each number of steps the best stairs: level terraces, or with a common slope where that earns its keep."""
    level = [_refined(x, z, cuts, 0.0, resolution) for cuts in _cuts(z, most)]
    if not tilt:
        return level
    slopes = (float(np.polyfit(x, z, 1)[0]), float(np.median(_local_slopes(x, z))))
    tried = [_cuts(z - slope * x, most) for slope in slopes]
    places = max(share * len(x), 8.0)
    earned = 1 - 4 * np.log(places) / places
    found = []
    for flat, *ways in zip(level, *tried, strict=True):
        sloped = [_refined(x, z, cuts, slope, 0.0) for cuts, slope in zip(ways, slopes, strict=True)]
        number = int(np.argmin([fit.squares for fit in sloped]))
        best = _refined(x, z, ways[number], slopes[number], resolution)
        found.append(best if best.squares < flat.squares * earned else flat)
    return found


def _local_slopes(x: Array, z: Array) -> Array:
    span = max(3, len(x) // 12)
    return (z[span:] - z[:-span]) / (x[span:] - x[:-span])


def _cuts(z: Array, most: int, shortest: int = 3) -> list[NDArray[np.int64]]:
    """For 0 … `most` steps the first points of the terraces after the first, least squares of all ways (Bellman)."""
    n = len(z)
    sums, squares = np.append(0, np.cumsum(z)), np.append(0, np.cumsum(z * z))
    starts, ends = np.arange(n)[:, None], np.arange(1, n + 1)[None, :]
    size = ends - starts
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = squares[ends] - squares[starts] - (sums[ends] - sums[starts]) ** 2 / size
    cost[size < shortest] = np.inf
    best = cost[0]
    origins: list[NDArray[np.int64]] = []
    found = [np.zeros(0, np.int64)]
    for _ in range(most):
        # total[s, e]: the best line up to s, and one terrace from s to e.
        total = np.concatenate([[np.inf], best[:-1]])[:, None] + cost
        origins.append(total.argmin(axis=0))
        best = total.min(axis=0)
        found.append(_traced_back(origins))
    return found


def _traced_back(origins: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    cuts, end = [], len(origins[0]) - 1
    for origin in origins[::-1]:
        start = int(origin[end])
        cuts.append(start)
        end = start - 1
    return np.array(cuts[::-1], np.int64)


def _refined(x: Array, z: Array, cuts: NDArray[np.int64], slope: float, resolution: float) -> _Fit:
    """Levels and slope by linear least squares; edges too where the risers are smooth."""
    edges = (x[cuts] + x[cuts - 1]) / 2 if len(cuts) else np.zeros(0)
    sloped = slope != 0.0

    def design(at: Array) -> Array:
        rises = [ndtr((x - edge) / resolution) if resolution else (x > edge) * 1.0 for edge in at]
        return np.stack([np.ones_like(x), *rises, *([x] if sloped else [])], axis=1)

    def solved(at: Array) -> tuple[Array, Array]:
        columns = design(at)
        known = np.asarray(np.linalg.lstsq(columns, z, rcond=None)[0])
        return known, np.asarray(columns @ known)

    if resolution and len(edges):
        room = np.minimum(np.diff(np.r_[x[0], edges]), np.diff(np.r_[edges, x[-1]])) / 2
        bounds = (edges - np.maximum(room, 1e-15), edges + np.maximum(room, 1e-15))
        unit = np.std(z) or 1.0
        options = {"bounds": bounds, "x_scale": resolution, "ftol": 1e-5, "max_nfev": 12}
        edges = least_squares(lambda at: (solved(at)[1] - z) / unit, edges, **options).x
    known, fitted = solved(edges)
    columns = design(edges)
    covariance = np.asarray(np.linalg.pinv(columns.T @ columns))
    steps = known[1 : len(edges) + 1]
    levels = known[0] + np.append(0.0, np.cumsum(steps))
    squares = float(np.sum((z - fitted) ** 2))
    tilt = float(known[-1]) if sloped else 0.0
    return _Fit(edges, levels, tilt, squares, covariance, fitted, 2 * len(edges) + 1 + sloped)


def _independent(x: Array, z: Array, correlation: float | None) -> float:
    """How many heights are independent: the length over the stated correlation, else from how differences grow.

    The median square of z(x + m) − z(x) rises with m as far as neighbours know the same; a few steps do not
    move a median.
    """
    n = len(x)
    if correlation:
        return float(max(min((x[-1] - x[0]) / correlation, n), 4.0))
    lags = np.arange(1, max(6, n // 16) + 1)
    growth = np.array([np.median(np.abs(z[lag:] - z[:-lag])) ** 2 for lag in lags])
    plateau = float(np.median(growth[2 * len(lags) // 3 :]))
    if plateau <= 0:
        return float(n)
    memory = np.clip(1 - growth / plateau, 0, 1)
    ends = np.flatnonzero(memory < 0.15)
    last = int(ends[0]) if ends.size else len(memory)
    return float(max(n / (1 + 2 * memory[:last].sum()), 4.0))


def _criterion(fit: _Fit, n: int, independent: float, penalty: float) -> float:
    """Schwarz's, with the independent places for n and `penalty` logarithms a step."""
    floor = 1e-24 * max(float(np.ptp(fit.fitted)) ** 2, 1e-30) * n
    likelihood = independent * np.log(max(fit.squares, floor) / n)
    extra = fit.parameters - 2 * len(fit.edges)
    return float(likelihood + (penalty * len(fit.edges) + extra) * np.log(max(independent, n**0.5)))


@dataclass(frozen=True)
class _Stairs:
    """The fits for every number of steps, from which a price of a step chooses."""

    fits: list[_Fit]
    x: Array
    spacing: float | None
    independent: float
    termination: float

    def priced(self, penalty: float) -> Steps:
        scores = [_criterion(fit, len(self.x), self.independent, penalty) for fit in self.fits]
        fit = self.fits[int(np.argmin(scores))]
        heights, sigmas = np.diff(fit.levels), self._sigmas(fit)
        pitch = float(np.median(np.diff(self.x)))
        pairs = list(zip(map(float, heights), map(float, sigmas), strict=True))
        d = self.spacing
        return Steps(
            count=len(fit.edges),
            positions=tuple(Quantity(float(e), pitch, "m") for e in fit.edges),
            heights=tuple(Quantity(h, s, "m") for h, s in pairs),
            in_spacings=() if d is None else tuple(Quantity(h / d, s / d) for h, s in pairs),
            terraces=tuple(map(float, fit.levels)),
            tilt=fit.slope,
            scatter=float(np.sqrt(self._variance(fit))),
            penalties=tuple(scores),
            along=self.x,
            fitted=fit.fitted,
            stairs=self,
        )

    def _variance(self, fit: _Fit) -> float:
        return fit.squares / max(len(self.x) - fit.parameters, 1)

    def _sigmas(self, fit: _Fit) -> Array:
        """Of the heights; neighbours that know the same pixels count as fewer."""
        inflated = self._variance(fit) * len(self.x) / self.independent
        variances = np.diag(fit.covariance)[1 : len(fit.edges) + 1] * inflated
        return np.asarray(np.sqrt(variances + 2 * self.termination**2))
