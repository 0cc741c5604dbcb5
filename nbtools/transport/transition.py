"""A superconducting transition in R(T) or m(T): its temperatures by the usual criteria, or why none."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import lmfit
import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.models.superconductor import transition_fraction
from nbtools.statistics.crossing import FEWEST_POINTS, find_crossing, fit_cubic, fit_locally, noise_of
from nbtools.statistics.information import aicc
from nbtools.units import Quantity

Array = NDArray[np.float64]
Kind = Literal["resistive", "diamagnetic"]
# χ² over its degrees of freedom from which on the middle of a step is not one cubic.
TWO_STEPS = 5.0
NOT_FOUND = Quantity(np.nan, unit="K")
CRITERIA = ("onset", "onset_tangent", "onset_deviation", "ninety", "midpoint", "ten", "zero")


@dataclass(frozen=True)
class Curve:
    """Finite points in order of temperature; sigma is None where it is to be found from the scatter."""

    x: Array
    y: Array
    sigma: Array | None

    def where(self, chosen: NDArray[np.bool_]) -> "Curve":
        return Curve(self.x[chosen], self.y[chosen], None if self.sigma is None else self.sigma[chosen])


@dataclass(frozen=True)
class Step:
    """Roughly where 10, 50 and 90 % of the step are left."""

    ten: float
    half: float
    ninety: float

    @property
    def spread(self) -> float:
        return max(self.ninety - self.ten, 1e-3 * self.half)


@dataclass(frozen=True)
class Transition:
    """The transition temperatures of one curve (all in K; NaN where not determined).

    Attributes
    ----------
    found, reason : whether there is a transition, and in one sentence why (not)
    onset : the tangent's for a resistance, the first 1 % (or 3σ) for a magnetic moment
    onset_tangent : steepest tangent extended to the normal state
    onset_deviation : where the curve has left the normal state by 1 % of the step, or by 3σ if that is more
    ninety, midpoint, ten : where 90, 50 and 10 % of the step are left
    zero : below which a resistance is under 3σ of its noise; NaN for a moment
    width : ninety − ten
    normal_level, low_level : the signal extrapolated to the midpoint from above; that of the low state
    noise : standard deviation of the signal in the normal state and in the low state
    """

    found: bool
    reason: str
    kind: Kind
    onset: Quantity = NOT_FOUND
    onset_tangent: Quantity = NOT_FOUND
    onset_deviation: Quantity = NOT_FOUND
    ninety: Quantity = NOT_FOUND
    midpoint: Quantity = NOT_FOUND
    ten: Quantity = NOT_FOUND
    zero: Quantity = NOT_FOUND
    normal_level: float = np.nan
    low_level: float = np.nan
    noise: tuple[float, float] = (np.nan, np.nan)
    undetermined: dict[str, str] = field(default_factory=dict)

    @property
    def width(self) -> Quantity:
        return Quantity(
            self.ninety - self.ten, float(np.hypot(self.ninety.uncertainty, self.ten.uncertainty)), "K"
        )

    def __str__(self) -> str:
        if not self.found:
            return f"no transition: {self.reason}"
        names = ("onset", "midpoint", "zero") if self.kind == "resistive" else ("onset", "midpoint")
        return ", ".join(f"{name} {getattr(self, name)}" for name in names)


def estimate_transition(
    temperature: ArrayLike,
    signal: ArrayLike,
    *,
    uncertainty: ArrayLike | None = None,
    kind: Kind | None = None,
) -> Transition:
    """Transition temperatures of a resistance or magnetic moment against temperature.

    No shape is assumed: each criterion is a crossing of a local fit (`find_crossing`), so that the
    answer does not depend on a model of the transition.

    Parameters
    ----------
    temperature : shape (n,), K, any order, n ≥ 8; one branch (of several that disagree, such as ZFC and FC
        in one record, the first is used and `reason` says so)
    signal : shape (n,), any unit: resistance, resistivity, moment or susceptibility
    uncertainty : shape (n,) or a number, one standard deviation; by default found from the scatter
    kind : "resistive" or "diamagnetic"; by default told from the sign of the signal at low temperature

    Raises
    ------
    ValueError
        Arrays of different or too small size, or temperatures that do not vary.
    """
    used, several = first_branch(temperature, signal)
    if several:
        first = (np.asarray(data)[:used] for data in (temperature, signal))
        sigma = None if uncertainty is None else np.broadcast_to(uncertainty, np.shape(signal))[:used]
        found = estimate_transition(*first, uncertainty=sigma, kind=kind)
        return replace(found, reason=f"{found.reason}; {several}")
    curve = order_curve(temperature, signal, uncertainty)
    kind = kind or kind_of(curve)
    if kind not in ("resistive", "diamagnetic"):
        raise ValueError(f'kind is {kind!r}; it can be "resistive" or "diamagnetic"')
    step = find_diamagnetic_step(curve) if kind == "diamagnetic" else find_resistive_step(curve)
    if not isinstance(step, str) and np.sum(curve.x > step.ninety) < 3:
        step = (
            f"fewer than 3 points lie above {step.ninety:.4g} K: no normal state was measured above the step"
        )
    if isinstance(step, str):
        return Transition(False, step, kind)
    return _measure(curve, kind, step)


def combine_branches(branches: Sequence[Transition]) -> Transition:
    """The mean of cooling and warming, their half difference (the thermometer's lag) added to each error.

    Raises
    ------
    ValueError
        No branch at all; where some branch has no transition, the first such one is returned.
    """
    if not branches:
        raise ValueError("no branch came; give the transition of at least one cooling or warming curve")
    without = [branch for branch in branches if not branch.found]
    if without or len(branches) == 1:
        return (without or list(branches))[0]
    means: dict[str, Any] = {name: _mean([getattr(b, name) for b in branches]) for name in CRITERIA}
    return replace(branches[0], **means)


def _mean(values: Sequence[Quantity]) -> Quantity:
    statistical = float(np.sqrt(np.mean([v.uncertainty**2 for v in values]) / len(values)))
    return Quantity(float(np.mean(values)), float(np.hypot(statistical, np.ptp(values) / 2)), "K")


def _measure(curve: Curve, kind: Kind, step: Step) -> Transition:
    """All criteria on the curve reduced to 1 in the normal state and 0 in the low state."""
    below = curve.where(curve.x < step.ten - 1.5 * step.spread)
    normal = _normal_state(curve, step)
    reached = kind == "diamagnetic" or _is_flat_and_small(below, float(normal.at(step.half)))
    low = low_level(curve.y) if kind == "diamagnetic" else float(np.mean(below.y)) if reached else 0.0
    low_noise = noise_of(below.x, below.y) if len(below.x) > 8 else normal.noise
    height = float(normal.at(step.half)) - low
    reduced = (curve.y - low) / (normal.at(curve.x) - low)
    if curve.sigma is None:
        sigma = np.hypot(low_noise, np.clip(reduced, 0, 1) * normal.noise) / height
    else:
        sigma = curve.sigma / height
    sigma = np.hypot(sigma, _thermometer_jitter(curve.x, reduced, sigma))
    near = np.abs(curve.x - step.half) < max(6 * step.spread, 4 * float(np.median(np.diff(curve.x))))
    criteria = _Criteria(
        curve.x[near], reduced[near], np.maximum(sigma[near], 1e-7), step, normal.error_at(step.half) / height
    )
    tangent = criteria.tangent_onset()
    deviation = criteria.crossing(1 - max(0.01, 3 * normal.noise / height), step.ninety)
    zero, missing = _zero(criteria, kind, reached, 3 * low_noise / height, len(below.x))
    return Transition(
        True,
        f"the signal leaves the normal state within {step.spread:.3g} K of {step.half:.4g} K",
        kind,
        onset=tangent if kind == "resistive" else deviation,
        onset_tangent=tangent,
        onset_deviation=deviation,
        ninety=criteria.crossing(0.9, step.ninety),
        midpoint=criteria.crossing(0.5, step.half),
        ten=criteria.crossing(0.1, step.ten),
        zero=zero,
        normal_level=height + low,
        low_level=low,
        noise=(normal.noise, low_noise),
        undetermined=missing,
    )


def _thermometer_jitter(x: Array, reduced: Array, sigma: Array) -> Array:
    """Scatter on the steep part beyond the signal's own noise, spread over the step as its slope is."""
    steep = (reduced > 0.15) & (reduced < 0.85)
    if steep.sum() < 5:
        return np.zeros_like(x)
    excess = noise_of(x, reduced, where=steep) ** 2 - float(np.median(sigma[steep])) ** 2
    return np.sqrt(max(excess, 0.0)) * 4 * np.clip(reduced * (1 - reduced), 0, None)


def _is_flat_and_small(below: Curve, normal_level: float) -> bool:
    """A resistance has reached zero when no more than 2 % of the normal value is left."""
    return len(below.x) >= 3 and bool(np.max(np.abs(without_spikes(below.y))) < 0.02 * normal_level)


@dataclass(frozen=True)
class _NormalState:
    """The normal state just above the transition, extended below it; a parabola where a line does not do."""

    polynomial: Any
    covariance: Any
    noise: float

    def at(self, x: ArrayLike) -> Any:
        return np.polyval(self.polynomial, np.asarray(x, float))

    def error_at(self, x: float) -> float:
        powers = x ** np.arange(len(self.polynomial) - 1, -1, -1.0)
        return float(np.sqrt(powers @ self.covariance @ powers))


def _normal_state(curve: Curve, step: Step) -> _NormalState:
    start = step.ninety + 1.5 * step.spread
    chosen = (curve.x > start) & (curve.x < start + max(6 * step.spread, 0.25 * step.half))
    if chosen.sum() < 6:
        chosen = np.isin(np.arange(len(curve.x)), np.flatnonzero(curve.x > step.ninety)[:8])
    x, y = curve.x[chosen], curve.y[chosen]
    noise = noise_of(x, y) or 1e-9 * float(np.ptp(curve.y))
    for degree in range(min(2, len(x) - 1) + 1):
        polynomial = np.polyfit(x, y, degree)
        freedom = len(x) - degree - 1
        excess = float(np.sum((y - np.polyval(polynomial, x)) ** 2)) / noise**2 - freedom
        if degree and excess < 2 * np.sqrt(2 * max(freedom, 1)):
            break
    design = np.vander(x, degree + 1) / noise
    scale = max(1.0, 1 + excess / max(freedom, 1))
    return _NormalState(polynomial, np.linalg.pinv(design.T @ design) * scale, noise)


def _zero(
    criteria: "_Criteria", kind: Kind, reached: bool, threshold: float, points_below: int
) -> tuple[Quantity, dict[str, str]]:
    if kind == "diamagnetic":
        return NOT_FOUND, {"zero": "a magnetic moment has no zero-resistance temperature"}
    if not reached:
        left = 100 * float(np.min(criteria.fraction))
        return NOT_FOUND, {"zero": f"the resistance is still {left:.1f} % at the lowest temperature"}
    # The noise that sets the threshold is itself a median of n residuals: known to about 1.5/√n.
    error = threshold * 1.5 / np.sqrt(points_below)
    return criteria.crossing(threshold, criteria.step.ten, level_error=error), {}


@dataclass(frozen=True)
class _Criteria:
    """The reduced curve near the step, and what can be read off it."""

    x: Array
    fraction: Array
    sigma: Array
    step: Step
    height_error: float

    def crossing(self, level: float, start: float, *, level_error: float = 0.0) -> Quantity:
        """Where `level` is crossed for good, going up or down from the middle of the step."""
        outside = self._outside(level)
        if outside is None:
            return NOT_FOUND
        edge = 0.5 * (self.x[outside] + self.x[outside - 1])
        begin = start if abs(start - edge) < self.step.spread else edge
        found = find_crossing(self.x, self.fraction, level, sigma=self.sigma, start=begin)
        if not np.isfinite(found):
            return NOT_FOUND
        slope = fit_locally(self.x, self.fraction, sigma=self.sigma, place=float(found)).slope
        level_error = float(np.hypot(level_error, level * self.height_error))
        return Quantity(found, np.hypot(found.uncertainty, level_error / slope), "K")

    def _outside(self, level: float) -> int | None:
        """The first point above the crossing: from there (or, below half, from the one before) two in a row agree."""
        above = self.fraction >= level
        half = int(np.searchsorted(self.x, self.step.half, side="right"))
        if level >= 0.5:
            settled = np.flatnonzero(above[:-1] & above[1:])
            settled = settled[settled >= max(half, 1)]
            return int(settled[0]) if len(settled) else None
        settled = np.flatnonzero(~above[1:] & ~above[:-1]) + 1
        settled = settled[settled < half]
        return int(settled[-1]) + 1 if len(settled) else None

    def tangent_onset(self) -> Quantity:
        """The steepest tangent of a cubic through the middle half of the step, extended to the normal state."""
        if np.sum((self.fraction > 0.05) & (self.fraction < 0.95)) < 3:
            return self.crossing(0.95, self.step.ninety)  # a step between two points has no tangent
        middle = (self.fraction > 0.25) & (self.fraction < 0.75)
        local = None
        if middle.sum() >= FEWEST_POINTS:
            local = fit_cubic(
                self.x[middle], self.fraction[middle], sigma=self.sigma[middle], place=self.step.half
            )
        # A cubic cannot follow two steps: then the steepest place of all is looked for.
        if local is None or local.excess > TWO_STEPS:
            places = np.linspace(self.step.ten, self.step.ninety, 21)
            fits = [fit_locally(self.x, self.fraction, sigma=self.sigma, place=place) for place in places]
            local = max(fits, key=lambda fit: fit.slope)
        if self.step.ten < local.inflection < self.step.ninety:
            local = local.moved_to(local.inflection)
        if local.slope <= 0:
            return NOT_FOUND
        onset = local.place + (1 - local.value) / local.slope
        gradient = np.array([-1.0, local.place - onset]) / local.slope
        variance = gradient @ local.covariance[:2, :2] @ gradient + (self.height_error / local.slope) ** 2
        return Quantity(onset, float(np.sqrt(variance)), "K")


def order_curve(temperature: ArrayLike, signal: ArrayLike, uncertainty: ArrayLike | None) -> Curve:
    x, y = np.asarray(temperature, float).ravel(), np.asarray(signal, float).ravel()
    if x.shape != y.shape:
        raise ValueError(
            f"{x.size} temperatures and {y.size} signal values came; give one of each for every point"
        )
    usable = np.isfinite(x) & np.isfinite(y)
    if usable.sum() < 8 or np.ptp(x[usable]) == 0:
        raise ValueError(
            f"{usable.sum()} finite points at {np.unique(x[usable]).size} temperatures came; "
            "a transition needs at least 8 points at different temperatures"
        )
    sigma = None if uncertainty is None else np.broadcast_to(np.asarray(uncertainty, float), x.shape)
    chosen = np.flatnonzero(usable)[np.argsort(x[usable], kind="stable")]
    return Curve(x[chosen], y[chosen], None if sigma is None else sigma[chosen])


def first_branch(temperature: ArrayLike, signal: ArrayLike) -> tuple[int, str]:
    """How many points, in the order of measurement, belong to the first branch, and a sentence if not all do.

    Cooling and warming that differ by a thermometer's lag stay together. Branches that differ by much more
    than each scatters, as after zero-field and field cooling, are no function of temperature.
    """
    x, y = np.asarray(temperature, float).ravel(), np.asarray(signal, float).ravel()
    finite = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    turns = _turning_points(x[finite])
    if not turns:
        return x.size, ""
    first, rest = finite[: turns[0]], finite[turns[0] :]
    low, high = max(x[first].min(), x[rest].min()), min(x[first].max(), x[rest].max())
    shared = first[(x[first] >= low) & (x[first] <= high)]
    if shared.size < 8 or rest.size < 8:
        return x.size, ""
    order = rest[np.argsort(x[rest], kind="stable")]
    apart = float(np.quantile(np.abs(y[shared] - np.interp(x[shared], x[order], y[order])), 0.8))
    if apart < 0.1 * float(np.ptp(y[finite])):
        return x.size, ""
    return int(rest[0]), (
        f"the {finite.size} points are several branches that lie {100 * apart / np.ptp(y[finite]):.0f} % of the signal "
        f"apart; only the first, {first.size} points, was used (split_sweeps gives each)"
    )


def _turning_points(x: Array) -> list[int]:
    """Where the temperature turns back by more than a fifth of its range."""
    turns, extreme, start, direction = [], 0, 0, 0.0
    enough = 0.2 * float(np.ptp(x)) if x.size else 0.0
    for i in range(1, x.size):
        if direction == 0.0:
            direction = np.sign(x[i] - x[start]) if abs(x[i] - x[start]) > enough else 0.0
            extreme = i
        elif direction * (x[i] - x[extreme]) >= 0:
            extreme = i
        elif direction * (x[extreme] - x[i]) > enough:
            turns.append(extreme + 1)
            direction, extreme = -direction, i
    return turns


def kind_of(curve: Curve) -> Kind:
    """Diamagnetic when the signal ends well below zero on cooling."""
    low = np.median(curve.y[: max(3, len(curve.y) // 20)])
    negative = low < -5 * noise_of(curve.x, curve.y) and low < -0.02 * np.max(np.abs(curve.y))
    return "diamagnetic" if negative else "resistive"


def find_diamagnetic_step(curve: Curve) -> Step | str:
    x, y = curve.x, without_spikes(curve.y)
    low, high = low_level(y), float(np.median(y[-max(4, len(y) // 10) :]))
    if low > -5 * noise_of(x, y) or low > -0.02 * np.max(np.abs(y)):
        return (
            f"the moment does not become negative on cooling (it goes from {high:.3g} to {low:.3g}): "
            "no diamagnetic screening"
        )
    step = _rough_step(x, (y - low) / (high - low)) if high > low else None
    if step is None or step.half > x[-1] - 0.02 * np.ptp(x):
        return "the moment is negative over the whole range: no normal state was measured above a transition"
    if step.half < 1.9 * step.spread:
        return (
            f"the moment falls gradually between {step.ninety:.3g} and {step.ten:.3g} K, as a paramagnet's "
            "in a negative field does: no transition"
        )
    return step


def find_resistive_step(curve: Curve) -> Step | str:
    """A fall to half within a third of the temperature, and three times steeper than just above it."""
    x, y = curve.x, without_spikes(curve.y)
    largest = float(np.max(y))
    for index in np.flatnonzero(y < 0.5 * largest)[::-1]:
        above = (x > x[index]) & (x <= 1.5 * x[index])
        if above.sum() < 3 or y[index] > 0.5 * (normal := float(np.max(y[above]))):
            continue
        step = _rough_step(x, y / normal) if normal > 10 * noise_of(x, y) else None
        # d ln y / d ln T of a straight fall; a metal's, Bloch and Grüneisen's, changes slowly with T.
        if step and 1.6 * step.half / step.spread > max(2.0, 3 * _log_slope(x, y, 1.3 * step.ninety)):
            return step
        break
    left = 100 * low_level(y) / largest if largest > 0 else np.nan
    return (
        f"on cooling from {x[-1]:.4g} to {x[0]:.4g} K the signal goes to {left:.0f} % of its largest "
        "value, nowhere faster than a metal's resistance: no superconducting transition"
    )


def _rough_step(x: Array, fraction: Array) -> Step | None:
    """Coming from high temperature: where the signal is last above 90, 50 and 10 % of the step."""
    below = [np.flatnonzero(fraction < level) for level in (0.1, 0.5, 0.9)]
    if not len(below[1]):
        return None
    ten, half, ninety = (x[b[-1]] if len(b) else x[0] for b in below)
    return Step(float(ten), float(half), float(ninety))


def _log_slope(x: Array, y: Array, place: float) -> float:
    """d ln y / d ln T over ±8 % of the temperature (a metal's never exceeds 5, Bloch–Grüneisen's)."""
    near = (np.abs(x - place) < 0.08 * place) & (y > 0)
    if near.sum() < 4:
        near = np.isin(np.arange(len(x)), np.argsort(np.abs(x - place), kind="stable")[:5]) & (y > 0)
    if near.sum() < 2 or np.ptp(x[near]) == 0:
        return 0.0
    return float(np.polyfit(np.log(x[near]), np.log(y[near]), 1)[0])


def without_spikes(y: Array) -> Array:
    """Running median of three: a single wild point does not make a step."""
    inner = np.median(np.stack([y[:-2], y[1:-1], y[2:]]), axis=0)
    return np.concatenate([y[:1], inner, y[-1:]])


def low_level(y: Array) -> float:
    return float(np.median(y[: max(3, len(y) // 50)]))


@dataclass(frozen=True)
class StepCount:
    """One resistive step or two: AICc(one) − AICc(two), and the second step's share and distance in K."""

    steps: int
    aicc_difference: float
    second_share: Quantity
    separation: Quantity

    def __str__(self) -> str:
        text = f"{self.steps} step(s), AICc(1) − AICc(2) = {self.aicc_difference:.1f}"
        if self.steps == 1:
            return text
        return f"{text}; the second carries {self.second_share} and lies {self.separation} lower"


def count_transition_steps(temperature: ArrayLike, fraction: ArrayLike, *, noise: float) -> StepCount:
    """Is R/R_n one smooth step or two: error functions compared by AICc.

    Two are claimed when AICc prefers them by more than 10, each carries 5 % or more of the resistance
    and they lie further apart than the wider one's σ; else a skewed single step would count as two.

    Parameters
    ----------
    temperature : shape (n,), K, a few widths either side of the transition
    fraction : shape (n,), R/R_n, 1 in the normal state
    noise : standard deviation of `fraction`
    """
    order = np.argsort(temperature, kind="stable")
    x, y = np.asarray(temperature, float)[order], np.asarray(fraction, float)[order]
    tenth, middle, most = np.interp([0.1, 0.5, 0.9], np.maximum.accumulate(y), x)
    spread = max(0.05, 0.4 * float(most - tenth))
    one = lmfit.Model(_one_step).fit(y, temperature=x, midpoint=middle, width=spread, weights=1 / noise)
    two = _fit_two_steps(x, y, noise, middle, spread)
    difference = aicc(one.chisqr, len(x), 2) - aicc(two.chisqr, len(x), 5)
    share = Quantity(two.params["share"].value, two.params["share"].stderr or np.nan)
    gap = Quantity(two.params["gap"].value, two.params["gap"].stderr or np.nan, "K")
    wider = max(two.params["width"].value, two.params["width_low"].value)
    split = difference > 10 and 0.05 <= share <= 0.95 and gap > wider
    return StepCount(2 if split else 1, float(difference), share, gap)


def _one_step(temperature: Array, midpoint: float, width: float) -> Array:
    return transition_fraction(temperature, midpoint=midpoint, width=width)


def _two_steps(
    temperature: Array, midpoint: float, width: float, share: float, gap: float, width_low: float
) -> Array:
    upper = transition_fraction(temperature, midpoint=midpoint, width=width)
    lower = transition_fraction(temperature, midpoint=midpoint - gap, width=width_low)
    return (1 - share) * upper + share * lower


def _fit_two_steps(x: Array, y: Array, noise: float, middle: float, spread: float) -> Any:
    """The best of a few starts: a small lower step, an equal one, a large one."""
    model = lmfit.Model(_two_steps)
    fits = []
    for share in (0.15, 0.5, 0.85):
        parameters = model.make_params(
            midpoint={"value": middle + share * spread},
            width={"value": spread / 2, "min": 1e-3 * spread},
            share={"value": share, "min": 0, "max": 1},
            gap={"value": 2 * spread, "min": 0},
            width_low={"value": spread / 2, "min": 1e-3 * spread},
        )
        fits.append(model.fit(y, parameters, temperature=x, weights=1 / noise))
    return min(fits, key=lambda fit: fit.chisqr)
