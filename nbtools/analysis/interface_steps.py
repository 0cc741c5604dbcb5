"""Terraces and steps of a boundary: a piecewise-constant line, the number of steps by a penalised likelihood."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import ndtr

from nbtools.analysis.stairs import MOST_STEPS, PENALTY, Fit, Stairs, Steps, best_cuts
from nbtools.statistics.choice import first_best

Array = NDArray[np.float64]
MOST_POINTS = 600
SMALLEST = 8  # points
# Where a terrace ends in an image hangs on where both lattices happen to end there: m, one terrace.
TERMINATION = 0.06e-9


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
    boundary : a `LastPlanes`, whose steps are whole planes; a `Boundary`; heights at even places; or (n, 2) of
        (along, height); m
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
    if hasattr(boundary, "stairs") and height is None:
        return boundary.stairs(most).priced(penalty)
    termination = 0.0
    if hasattr(boundary, "correlation"):
        termination = TERMINATION
        correlation = boundary.correlation if correlation is None else correlation
        resolution = resolution or boundary.resolution
    x, z = _line(boundary, height)
    x, z = _thinned(x, z)
    most = min(most, (len(x) - 2) // 3)
    share = min((x[-1] - x[0]) / (correlation * len(x)), 1.0) if correlation else 1.0
    independent = _independent(x, z, correlation)
    found = _fits(x, z, most, resolution, tilt, share)
    fits = [fit.priced(len(x), independent, termination) for fit in found]
    return Stairs(fits, x, spacing, max(independent, len(x) ** 0.5)).priced(penalty)


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
class _LineFit:
    """Stairs through a line of heights: their sum of squares, and what each parameter is known to."""

    edges: Array
    levels: Array
    slope: float
    squares: float
    covariance: Array
    fitted: Array

    def priced(self, n: int, independent: float, termination: float) -> Fit:
        """What the squares of `n` heights mean where only some are independent."""
        steps, beside = len(self.edges), 1 + (self.slope != 0.0)
        variance = self.squares / max(n - 2 * steps - beside, 1)
        known = np.diag(self.covariance)[1 : steps + 1] * variance * n / independent
        floor = 1e-24 * max(float(np.ptp(self.fitted)) ** 2, 1e-30) * n
        badness = float(independent * np.log(max(self.squares, floor) / n))
        sigmas, scatter = np.sqrt(known + 2 * termination**2), float(np.sqrt(variance))
        return Fit(self.edges, self.levels, self.slope, self.fitted, beside, badness, sigmas, scatter)


def _fits(x: Array, z: Array, most: int, resolution: float, tilt: bool, share: float) -> list[_LineFit]:
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
        number = first_best([fit.squares for fit in sloped], scale=flat.squares)
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
    return best_cuts(cost, most, scale=float(squares[-1] - sums[-1] ** 2 / n))


def _refined(x: Array, z: Array, cuts: NDArray[np.int64], slope: float, resolution: float) -> _LineFit:
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
    return _LineFit(edges, levels, tilt, squares, covariance, fitted)


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
