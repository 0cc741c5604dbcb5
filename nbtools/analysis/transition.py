"""A superconducting transition in R(T) or m(T): its temperatures by the usual criteria, or why none."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.analysis.local_fit import FEWEST_POINTS, find_crossing, fit_cubic, fit_locally, noise_of
from nbtools.analysis.transition_step import (
    Curve,
    Kind,
    Step,
    find_diamagnetic_step,
    find_resistive_step,
    first_branch,
    kind_of,
    low_level,
    order_curve,
    without_spikes,
)
from nbtools.units import Quantity

Array = NDArray[np.float64]
# χ² over its degrees of freedom from which on the middle of a step is not one cubic.
TWO_STEPS = 5.0
NOT_FOUND = Quantity(np.nan, unit="K")
CRITERIA = ("onset", "onset_tangent", "onset_deviation", "ninety", "midpoint", "ten", "zero")


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
