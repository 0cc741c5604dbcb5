"""Civale's rectangles as a statistic: their mismatch between curves of three amplitudes, and what it can exclude."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import gamma

from nbtools.ac_susceptibility.curves import (
    WINDOW,
    AcCurve,
    Smooth,
    grain_share,
    log_full_field,
    response_table,
    sort_curves,
)
from nbtools.ac_susceptibility.model_worlds import AcWorld, rival_worlds
from nbtools.cache import cached
from nbtools.results import NotPossible
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
SIGNIFICANCE = 0.05
DISCRIMINATING = 0.8
EQUAL_RATIOS = 0.03
STARTS = 15  # temperatures of corner A; fewer where many triples share the curves and their errors
MOST_RECTANGLES = 300
WANDER_LENGTH = 0.1  # K
COINCIDE = (
    "the curves coincide: the amplitude does not matter, as in a linear conductor or a sharper transition"
)
APART = "no level is passed by all curves at temperatures where they overlap"


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


@dataclass(frozen=True, repr=False)
class CivaleTest(StudyResult):
    """Do the rectangles close? And which worlds would have closed them just as well?

    Attributes
    ----------
    closure_error : mean T_B − T_D, weighted (K)
    largest : the worst rectangle's (K)
    p_value : how often Bean's state, at this temperature error, gives mismatches as large; NaN without rectangles
    valid_range : coldest and warmest corner (K)
    power : for each wrong world the probability that its curves give no rectangle or one that this test rejects, by
        simulation at the data's own errors
    degenerate : the worlds with a power under 0.8: a rectangle that closes does not speak against them. The test only
        asks whether χ = F(h/J*(T)); creep of constant n obeys that exactly, Kim's state under a bias nearly
    rectangles : all of them
    temperature_uncertainty : of a curve's thermometer against the others' (K)
    reason : why there is no rectangle; empty if there are
    """

    closure_error: Quantity
    largest: Quantity
    p_value: float
    valid_range: tuple[float, float]
    power: Mapping[str, float]
    degenerate: tuple[str, ...]
    rectangles: tuple[Rectangle, ...] = field(repr=False)
    temperature_uncertainty: float
    reason: str = ""

    @property
    def found(self) -> bool:
        return bool(self.rectangles)

    @property
    def closes(self) -> bool:
        """Not rejected at 5 %."""
        return self.p_value >= SIGNIFICANCE

    @property
    def central(self) -> Rectangle:
        """The rectangle in χ' whose level A lies nearest to half screening."""
        return min(self.rectangles, key=lambda one: (one.part != "χ'", abs(one.levels[0] + 0.5)))

    @property
    def verdict(self) -> str:
        """What may be said of the critical state on these rectangles alone."""
        if self.found and not self.closes:
            return "rejected"
        return "critical state" if self.power and not self.degenerate else "not discriminating"

    def rows(self) -> list[Row]:
        if not self.found:
            return []
        low, high = self.valid_range
        how = f"{len(self.rectangles)} rectangles, {low:.2f} to {high:.2f} K"
        rows = [
            Row("T_B − T_D, mean", self.closure_error, how, "closure_error", "mK"),
            Row("T_B − T_D, worst", self.largest, how, "largest_mismatch", "mK"),
        ]
        at = f"simulated, thermometers {1e3 * self.temperature_uncertainty:.3g} mK"
        return rows + [
            Row(f"power against {name}", Quantity(value), at, f"power_{name}")
            for name, value in self.power.items()
        ]

    def notes(self) -> list[str]:
        if not self.found:
            return [f"no rectangle: {self.reason}"]
        p = "p < 0.001" if self.p_value < 1e-3 else f"p = {self.p_value:.2g}"
        said = [
            f"{p} of Bean's state, by replicas with the data's errors; on the rectangles alone: {self.verdict}"
        ]
        if self.degenerate:
            said.append(
                f"power under {DISCRIMINATING:g}, so that closing would not exclude: {', '.join(self.degenerate)}"
            )
        return said


def civale_test(
    curves: Any,
    *,
    temperature_uncertainty: float = 0.003,
    geometry: str = "square_bar",
    replicas: int = 100,
    with_power: bool = True,
    seed: int = 5,
) -> CivaleTest:
    """Every rectangle of every three curves whose amplitudes stand in one ratio, in χ' and in χ''.

    A and C lie at one temperature on the middle and the low curve; B has A's level on the high curve, D has C's on the
    middle one. If χ = F(h/J(T)), both stand at the temperature where J is one ratio larger: T_B = T_D.
    The mismatches are weighed with the error of each curve's thermometer and the noise of the curves; how large
    they come out in Bean's state and in the wrong worlds is simulated at the data's own temperatures, noise and J_c(T).

    Source: Civale et al. in Magnetic Susceptibility of Superconductors and Other Spin Systems (1991), p. 313.

    Parameters
    ----------
    curves : `AcCurve`s; χ' over full screening
    temperature_uncertainty : standard deviation of a curve's thermometer as a whole against the others' (K)
    geometry : for J_c(T) of the simulated worlds only
    replicas : simulations of Bean's state; half as many of each wrong world
    with_power : whether the wrong worlds are simulated; without, nothing is said of what the test excludes
    seed : of the simulations

    Raises
    ------
    NotPossible
        No three amplitudes in one ratio.
    ValueError
        A negative uncertainty, too few points in the transition.
    """
    ordered = sort_curves(curves)
    if not temperature_uncertainty >= 0:
        raise ValueError(f"temperature_uncertainty is {temperature_uncertainty:g}; it cannot be negative (K)")
    if not equal_ratios([curve.amplitude for curve in ordered]):
        given = " : ".join(f"{curve.amplitude / ordered[0].amplitude:.3g}" for curve in ordered)
        raise NotPossible(
            f"the amplitudes stand as {given}; a rectangle needs three in one ratio, such as 0.1, 1 and 10 Oe. The "
            "collapse of the curves takes any amplitudes"
        )
    smooth = [curve.smooth for curve in _on_one_range(ordered)]
    seen = measure_closure(smooth, error=temperature_uncertainty, floor=inverse_error(smooth))
    if seen is None:
        return _no_rectangle(curves_coincide(smooth, temperature_uncertainty), temperature_uncertainty)
    null, power = simulate_closure(
        [one.curve for one in smooth], temperature_uncertainty, geometry, replicas, seed, with_power
    )
    corners = [corner for r in seen.rectangles for corner in r.corners]
    return CivaleTest(
        seen.mean,
        max((r.closure for r in seen.rectangles), key=abs),
        float(null_distribution(null).sf(seen.statistic)),
        (min(corners), max(corners)),
        power,
        tuple(name for name, value in power.items() if value < DISCRIMINATING),
        seen.rectangles,
        temperature_uncertainty,
    )


def power_curves(
    curves: Any, errors: Any, *, geometry: str = "square_bar", replicas: int = 100, seed: int = 5
) -> dict[str, Any]:
    """Power against each wrong world, by name, for several errors of the thermometer (K)."""
    cut = _on_one_range(sort_curves(curves))
    found = [simulate_closure(cut, float(error), geometry, replicas, seed)[1] for error in errors]
    return {name: np.array([powers[name] for powers in found]) for name in found[0]}


@dataclass(frozen=True, repr=False)
class PowerStudy(StudyResult):
    """Power of the rectangles against each wrong world, by name, at several errors of the thermometer (K)."""

    errors: Array
    powers: Mapping[str, Array]

    def rows(self) -> list[Row]:
        at = ", ".join(f"{1e3 * error:.3g}" for error in self.errors)
        return [
            Row(f"power against {name}, lowest", Quantity(float(np.min(values))), f"simulated at {at} mK")
            for name, values in self.powers.items()
        ]


def estimate_current_ratio(
    rectangles: Sequence[Rectangle], *, geometry: str = "square_bar", temperature_uncertainty: float = 0.003
) -> Quantity:
    """Amplitude ratio that Bean's F reads off the rectangles: x(A)/x(C), since A and C share one J_c.

    The median over the rectangles in χ'; its error is that of two thermometers at the curves' slope.
    """
    log_field, real, _ = response_table(geometry)
    logs, slopes = [], []
    for one in rectangles:
        if one.part == "χ'":
            x = np.interp(one.levels, real, log_field)
            logs.append(x[0] - x[1])
            decade = np.log(one.amplitudes[2] / one.amplitudes[1])
            slopes.append(abs(decade / (one.corners[0] - one.corners[1])))
    if not logs:
        return Quantity(float("nan"))
    sigma = float(np.median(slopes)) * temperature_uncertainty * np.sqrt(2)
    ratio = float(np.exp(np.median(logs)))
    return Quantity(ratio, ratio * sigma)


def _no_rectangle(coincide: bool, error: float) -> CivaleTest:
    """Without rectangles nothing was tested: there is no p-value."""
    nothing, nowhere = Quantity(float("nan"), float("nan"), "K"), (float("nan"), float("nan"))
    return CivaleTest(
        nothing, nothing, float("nan"), nowhere, {}, (), (), error, COINCIDE if coincide else APART
    )


def _on_one_range(curves: list[AcCurve]) -> list[AcCurve]:
    """The curves cut to the range in which any of them moves, and a little more."""
    moving = [c.temperature[(c.in_phase > -0.98) & (c.in_phase < -0.02)] for c in curves]
    inside = np.concatenate(moving)
    if inside.size == 0:
        return curves
    low, high = inside.min() - 0.15, inside.max() + 0.15
    kept = [(c, (c.temperature > low) & (c.temperature < high)) for c in curves]
    return [c.where(rows) if rows.sum() > WINDOW else c for c, rows in kept]


# Corners and mismatch -------------------------------------------------------------------------


@dataclass(frozen=True)
class Closure:
    """All rectangles of a set of curves, the statistic of their mismatches per rectangle, and the mean mismatch."""

    rectangles: tuple[Rectangle, ...]
    statistic: float
    mean: Quantity


@dataclass(frozen=True)
class _Corners:
    """Rectangles of three curves in one part, shape (n,) each.

    a, b, d : temperatures of A = C, B and D (K)
    level_a, level_c : of A = B and C = D
    low_shift, middle_shift : ∂(T_B − T_D)/∂ of the error of the low and the middle curve's thermometer at A, before
        what B (+1, on the high curve) and D (−1, on the middle one) add
    noise : of T_B − T_D (K)
    """

    a: Array
    b: Array
    d: Array
    level_a: Array
    level_c: Array
    low_shift: Array
    middle_shift: Array
    noise: Array

    @property
    def closure(self) -> Array:
        return self.b - self.d


def measure_closure(tracks: list[Smooth], *, error: float, floor: float) -> Closure | None:
    """All rectangles, and the generalised least squares statistic of their mismatches."""
    if curves_coincide(tracks, error):
        return None
    triples = equal_ratios([track.curve.amplitude for track in tracks])
    starts = max(5, min(STARTS, MOST_RECTANGLES // (2 * len(triples))))
    blocks = [
        (part, triple, _rectangles([tracks[i] for i in triple], part, starts))
        for triple in triples
        for part in (0, 1)
        if part == 0 or all(tracks[i].loss is not None for i in triple)
    ]
    sizes = [corners.a.size for *_, corners in blocks]
    total = sum(sizes)
    if total < 4:
        return None
    one = _Corners(
        *(np.concatenate([getattr(c, name) for *_, c in blocks]) for name in _Corners.__dataclass_fields__)
    )
    part = np.repeat([part for part, *_ in blocks], sizes)
    low, middle, high = np.repeat([triple for _, triple, _ in blocks], sizes, axis=0).T
    # A and D lie on the middle curve, C on the low one, B on the high one; each error counts by its share.
    curve = np.concatenate([middle, low, high, middle])
    place = np.concatenate([one.a, one.a, one.b, one.d])
    share = np.concatenate([one.middle_shift, one.low_shift, np.ones(total), -np.ones(total)])
    shared = _shared_errors(curve, place, share, total)
    covariance = np.diag(one.noise**2 + floor**2) + error**2 * shared
    sigmas = np.sqrt(np.diag(covariance))
    weight = sigmas**-2 / np.sum(sigmas**-2)
    mean = Quantity(float(weight @ one.closure), float(np.sqrt(weight @ covariance @ weight)), "K")
    amplitude = np.array([track.curve.amplitude for track in tracks])
    rectangles = tuple(
        Rectangle(
            ("χ'", "χ''")[part[i]],
            (float(amplitude[low[i]]), float(amplitude[middle[i]]), float(amplitude[high[i]])),
            (float(one.a[i]), float(one.b[i]), float(one.d[i])),
            (float(one.level_a[i]), float(one.level_c[i])),
            Quantity(float(one.closure[i]), float(sigmas[i]), "K"),
        )
        for i in range(total)
    )
    statistic = float(one.closure @ np.linalg.solve(covariance, one.closure)) / total
    return Closure(rectangles, statistic, mean)


def _shared_errors(curve: NDArray[np.int64], place: Array, share: Array, count: int) -> Array:
    """Covariance of the mismatches, shape (count, count), by thermometers of unit error: curve by curve, corner by
    corner; corners of different curves have nothing in common."""
    total = np.zeros(count * count)
    for one in np.unique(curve):
        at = np.flatnonzero(curve == one)
        row = at % count
        between = share[at, None] * share[at] * wander(place[at, None] - place[at])
        total += np.bincount((row[:, None] * count + row).ravel(), between.ravel(), count * count)
    return total.reshape(count, count)


def curves_coincide(tracks: list[Smooth], error: float) -> bool:
    """Half screening at one temperature whatever the amplitude, as far as the thermometer can tell."""
    halves = np.array([float(_inverse(track, _share(track, 0.5), 0, None)[0][0]) for track in tracks])
    return bool(np.isfinite(halves).all() and np.ptp(halves) < 4 * max(error, 1e-3))


def equal_ratios(amplitudes: list[float]) -> list[tuple[int, int, int]]:
    """Every three curves whose amplitudes stand in one ratio."""

    def in_ratio(low: float, middle: float, high: float) -> bool:
        return low < middle < high and abs(middle**2 / (low * high) - 1) < EQUAL_RATIOS

    return [t for t in combinations(range(len(amplitudes)), 3) if in_ratio(*(amplitudes[i] for i in t))]


def wander(distance: Array) -> Array:
    """Correlation of a thermometer's error along one curve: half of its variance is one offset, half wanders."""
    return 0.5 + 0.5 * np.exp(-0.5 * (distance / WANDER_LENGTH) ** 2)


def _rectangles(three: list[Smooth], part: int, starts: int) -> _Corners:
    low, middle, high = three
    start = _inverse(low, _share(low, 0.045), 0, None)[0]
    end = _inverse(middle, _share(middle, 0.94), 0, None)[0]
    if not np.isfinite(start + end):
        return _Corners(*(np.empty(0) for _ in _Corners.__dataclass_fields__))
    a = np.linspace(float(start[0]), float(end[0]), starts)
    level_a, slope_a, noise_a = _value(middle, a, part)
    level_c, slope_c, noise_c = _value(low, a, part)
    b, slope_b, noise_b = _inverse(high, level_a, part, a < middle.grid[middle.peak])
    d, slope_d, noise_d = _inverse(middle, level_c, part, a < low.grid[low.peak])
    low_shift, middle_shift = slope_c / slope_d, -slope_a / slope_b
    noise = np.hypot(np.hypot(noise_a, noise_b) / slope_b, np.hypot(noise_c, noise_d) / slope_d)
    columns = (a, b, d, level_a, level_c, low_shift, middle_shift, noise)
    # A rectangle without width is no rectangle: then the amplitude does not matter.
    wide = np.minimum(np.abs(a - b), np.abs(a - d)) > 4 * np.maximum(noise, 5e-4)
    steep = np.abs(low_shift) + np.abs(middle_shift - 1) < 8
    kept = np.isfinite(columns).all(axis=0) & wide & steep
    return _Corners(*(column[kept] for column in columns))


def _share(track: Smooth, fraction: float) -> Array:
    """The level of χ' at this share of its range."""
    low, high = float(track.real.min()), float(track.real.max())
    return np.array([low + fraction * (high - low)])


def _value(track: Smooth, t: Array, part: int) -> tuple[Array, Array, Array]:
    inside = (t > track.grid[0]) & (t < track.grid[-1])
    columns = (*track.parts[part], track.sigma[part])
    value, slope, noise = (np.where(inside, np.interp(t, track.grid, c), np.nan) for c in columns)
    return value, slope, noise


def _inverse(track: Smooth, level: Array, part: int, cold: Array | None) -> tuple[Array, Array, Array]:
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


# Replicas -------------------------------------------------------------------------------------


@cached
def simulate_closure(
    curves: list[AcCurve], error: float, geometry: str, replicas: int, seed: int, with_power: bool = True
) -> tuple[Array, dict[str, float]]:
    """The statistic in replicas of Bean's state, and the share of each wrong world's replicas beyond their 95 %."""
    smooth = [curve.smooth for curve in curves]
    reference = curves[len(curves) // 2].amplitude
    halves = [one.temperature_at(-0.5) for one in smooth]
    ends = float(np.nanmin(halves)), float(np.nanmax(halves)) + 0.3
    rivals = rival_worlds(*ends) if with_power else {}
    rng = np.random.default_rng(seed)
    measure = partial(measure_closure, error=error, floor=inverse_error(smooth))

    def statistics(world: AcWorld, count: int) -> Array:
        current = log_full_field(curves, geometry, exponent=world.exponent, reference=reference)
        seen = map(measure, replicate(smooth, world, current, error, geometry, count, rng))
        return np.array([np.inf if one is None else one.statistic for one in seen])

    share = float(np.median([grain_share(curve) for curve in curves]))
    null = statistics(AcWorld(grain_share=share), replicas)
    threshold = null_distribution(null).isf(SIGNIFICANCE)
    power = {
        name: float(np.mean(statistics(world, replicas // 2) > threshold)) for name, world in rivals.items()
    }
    return null, power


def null_distribution(null: Array) -> Any:
    """The gamma distribution with the mean and variance of the replicas."""
    known = null[np.isfinite(null)]
    if known.size < 10:
        raise NotPossible(
            f"only {known.size} of {null.size} simulated sets of curves have rectangles: the temperature error is "
            "as large as the distance between the curves"
        )
    shape = known.mean() ** 2 / max(known.var(), 1e-12)
    return gamma(shape, scale=known.mean() / shape)


def replicate(
    smooth: list[Smooth], world: AcWorld, current: Any, error: float, geometry: str, count: int, rng: Any
) -> Iterator[list[Smooth]]:
    """`count` times the curves that a world gives at the data's own temperatures, noise and thermometer errors."""
    reference = (smooth[len(smooth) // 2].curve.amplitude, 10.0)
    clean = [_clean(one.curve, world, current, reference, geometry) for one in smooth]
    for _ in range(count):
        tracks = []
        for one, (grid, *response) in zip(smooth, clean, strict=True):
            t = one.curve.temperature
            true = t - error * thermometer_error(t, rng) - one.noise[0][1] * rng.standard_normal(t.size)
            parts = [
                one.smoothed(np.interp(true, grid, part) + noise[0] * rng.standard_normal(t.size))
                for part, noise in zip(response, one.noise, strict=False)
            ]
            loss = parts[1] if len(parts) > 1 else None
            tracks.append(one.replica(parts[0], loss))
        yield tracks


def thermometer_error(temperature: Array, rng: Any, *, waves: int = 8) -> Array:
    """A draw along one curve, of standard deviation one and the correlation `wander`."""
    frequency, phase = rng.standard_normal(waves) / WANDER_LENGTH, rng.uniform(0, 2 * np.pi, waves)
    moving = np.cos(np.outer(temperature, frequency) + phase).sum(axis=1) * np.sqrt(2 / waves)
    return np.asarray((rng.standard_normal() + moving) / np.sqrt(2))


def _clean(
    curve: AcCurve, world: AcWorld, current: Any, reference: tuple[float, float], geometry: str
) -> tuple[Array, Array, Array]:
    grid = np.linspace(curve.temperature[0] - 0.2, curve.temperature[-1] + 0.2, 800)
    stronger = 1 + abs(curve.bias) / world.kim_field
    full = np.exp(np.clip(current(grid), -30, 40)) * stronger
    drive = {"bias": curve.bias, "reference": reference, "geometry": geometry}
    return grid, *world.susceptibility(grid, curve.amplitude, full, **drive)  # type: ignore[arg-type]
