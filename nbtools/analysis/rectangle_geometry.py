"""Civale's rectangles between curves of three amplitudes: their corners, their mismatch and how errors enter it."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from nbtools.analysis.ac_curves import Smooth
from nbtools.units import Quantity

Array = NDArray[np.float64]
EQUAL_RATIOS = 0.03
STARTS = 15  # temperatures of corner A
WANDER_LENGTH = 0.1  # K


@dataclass(frozen=True)
class Rectangle:
    """One rectangle: A and C at one temperature on the middle and the low curve, B and D where their levels recur.

    part : "χ'" or "χ''"; corners : temperatures of A = C, B, D (K); levels : of A = B and C = D; closure : T_B − T_D
    """

    part: str
    amplitudes: tuple[float, float, float]
    corners: tuple[float, float, float]
    levels: tuple[float, float]
    closure: Quantity


@dataclass(frozen=True)
class Track:
    """A smoothed curve on its grid; the noise of each part and of its temperatures, and what smoothing leaves."""

    amplitude: float
    grid: Array
    real: Array
    loss: Array | None
    noise: list[tuple[float, float]]
    gain: Array

    @cached_property
    def sigma(self) -> list[Array]:
        """Standard deviation of χ' and χ'' on the grid."""
        return [
            self.gain * np.hypot(value, kelvin * slope)
            for (value, kelvin), (_, slope) in zip(self.noise, self.parts, strict=False)
        ]

    @cached_property
    def parts(self) -> list[tuple[Array, Array]]:
        """χ' and χ'', each with its slope."""
        step = self.grid[1] - self.grid[0]
        return [
            (values, np.gradient(values, step)) for values in (self.real, self.loss) if values is not None
        ]

    def share(self, fraction: float) -> Array:
        """The level of χ' at this share of its range."""
        low, high = float(self.real.min()), float(self.real.max())
        return np.array([low + fraction * (high - low)])

    @cached_property
    def peak(self) -> int:
        """Where most is lost."""
        return 0 if self.loss is None else int(np.argmax(self.loss))


@dataclass(frozen=True)
class Closure:
    """All rectangles of a set of curves, the statistic of their mismatches per rectangle, and the mean mismatch."""

    rectangles: tuple[Rectangle, ...]
    statistic: float
    mean: Quantity


def _in_ratio(low: float, middle: float, high: float) -> bool:
    return low < middle < high and abs(middle**2 / (low * high) - 1) < EQUAL_RATIOS


def measure_closure(tracks: list[Track], *, error: float, floor: float) -> Closure | None:
    """All rectangles, and the generalised least squares statistic of their mismatches."""
    if curves_coincide(tracks, error):
        return None
    triples = equal_ratios([track.amplitude for track in tracks])
    blocks = [
        (part, triple, row)
        for triple in triples
        for part in (0, 1)
        if part == 0 or all(tracks[i].loss is not None for i in triple)
        for row in _rectangles([tracks[i] for i in triple], part)
    ]
    if len(blocks) < 4:
        return None
    rows = np.array([row for *_, row in blocks])
    closure, noise = rows[:, 5], np.hypot(rows[:, 9], floor)
    # The corners A, D on the middle curve, C on the low one, B on the high one, and how each one's error counts.
    curve = np.array([(j, i, k, j) for _, (i, j, k), _ in blocks]).ravel()
    place = rows[:, [0, 0, 1, 2]].ravel()
    share = np.stack([rows[:, 7] + 1, rows[:, 6], np.ones(len(rows)), -np.ones(len(rows))], axis=1)
    same = curve[:, None] == curve
    shared = np.where(same, wander(place[:, None] - place), 0.0)
    spread = np.zeros((len(rows), curve.size))
    spread[np.repeat(np.arange(len(rows)), 4), np.arange(curve.size)] = share.ravel()
    covariance = np.diag(noise**2) + error**2 * spread @ shared @ spread.T
    sigmas = np.sqrt(np.diag(covariance))
    weight = sigmas**-2 / np.sum(sigmas**-2)
    mean = Quantity(float(weight @ closure), float(np.sqrt(weight @ covariance @ weight)), "K")
    rectangles = tuple(
        Rectangle(
            ("χ'", "χ''")[part],
            (tracks[i].amplitude, tracks[j].amplitude, tracks[k].amplitude),
            (float(row[0]), float(row[1]), float(row[2])),
            (float(row[3]), float(row[4])),
            Quantity(float(row[5]), float(sigma), "K"),
        )
        for (part, (i, j, k), row), sigma in zip(blocks, sigmas, strict=True)
    )
    return Closure(rectangles, float(closure @ np.linalg.solve(covariance, closure)) / len(rows), mean)


def curves_coincide(tracks: list[Track], error: float) -> bool:
    """Half screening at one temperature whatever the amplitude, as far as the thermometer can tell."""
    halves = np.array([float(_inverse(track, track.share(0.5), 0, None)[0][0]) for track in tracks])
    return bool(np.isfinite(halves).all() and np.ptp(halves) < 4 * max(error, 1e-3))


def equal_ratios(amplitudes: list[float]) -> list[tuple[int, int, int]]:
    """Every three curves whose amplitudes stand in one ratio."""
    return [t for t in combinations(range(len(amplitudes)), 3) if _in_ratio(*(amplitudes[i] for i in t))]


def wander(distance: Array) -> Array:
    """Correlation of a thermometer's error along one curve: half of its variance is one offset, half wanders."""
    return 0.5 + 0.5 * np.exp(-0.5 * (distance / WANDER_LENGTH) ** 2)


def _rectangles(three: list[Track], part: int) -> Array:
    """Rows (T_A, T_B, T_D, level A, level C, closure, ∂/∂offset of the three curves, noise)."""
    low, middle, high = three
    start = _inverse(low, low.share(0.045), 0, None)[0]
    end = _inverse(middle, middle.share(0.94), 0, None)[0]
    if not np.isfinite(start + end):
        return np.empty((0, 10))
    a = np.linspace(float(start[0]), float(end[0]), STARTS)
    level_a, slope_a, noise_a = _value(middle, a, part)
    level_c, slope_c, noise_c = _value(low, a, part)
    b, slope_b, noise_b = _inverse(high, level_a, part, a < middle.grid[middle.peak])
    d, slope_d, noise_d = _inverse(middle, level_c, part, a < low.grid[low.peak])
    first, second = slope_c / slope_d, -slope_a / slope_b - 1
    noise = np.hypot(np.hypot(noise_a, noise_b) / slope_b, np.hypot(noise_c, noise_d) / slope_d)
    rows = np.array([a, b, d, level_a, level_c, b - d, first, second, np.ones(a.size), noise]).T
    # A rectangle without width is no rectangle: then the amplitude does not matter.
    wide = np.minimum(np.abs(a - b), np.abs(a - d)) > 4 * np.maximum(noise, 5e-4)
    steep = np.abs(first) + np.abs(second) < 8
    return rows[np.isfinite(rows).all(axis=1) & wide & steep]


def _value(track: Track, t: Array, part: int) -> tuple[Array, Array, Array]:
    inside = (t > track.grid[0]) & (t < track.grid[-1])
    columns = (*track.parts[part], track.sigma[part])
    value, slope, noise = (np.where(inside, np.interp(t, track.grid, c), np.nan) for c in columns)
    return value, slope, noise


def _inverse(track: Track, level: Array, part: int, cold: Array | None) -> tuple[Array, Array, Array]:
    """Where the curve passes the levels, with its slope and noise there; NaN near the ends of its range and outside.

    `cold` says which side of the loss peak is meant; χ' has only one.
    """
    values, slopes = track.parts[part]
    if part == 0 or cold is None:
        place = _on_branch(track.grid, values, level, 0.04)
    else:
        before = _on_branch(track.grid[: track.peak + 1], values[: track.peak + 1], level, 0.1)
        after = _on_branch(track.grid[track.peak :], values[track.peak :], level, 0.1)
        place = np.where(cold, before, after)
    known = np.where(np.isfinite(place), place, track.grid[0])
    slope, noise = (np.interp(known, track.grid, column) for column in (slopes, track.sigma[part]))
    return place, np.where(slope == 0, np.nan, slope), noise


def _on_branch(grid: Array, values: Array, level: Array, margin: float) -> Array:
    if values.size < 5:
        return np.full(level.shape, np.nan)
    if values[0] > values[-1]:
        grid, values = grid[::-1], values[::-1]
    rising = np.maximum.accumulate(values)
    margin = margin * (rising[-1] - rising[0])
    inside = (level > rising[0] + margin) & (level < rising[-1] - margin)
    return np.where(inside, np.interp(level, rising, grid), np.nan)


def inverse_error(smooth: list[Smooth]) -> float:
    """How uncertain the inverse of a smoothed curve is: a small share of the distance between its points (K)."""
    return 0.01 * float(np.median([np.median(np.diff(one.curve.temperature)) for one in smooth]))
