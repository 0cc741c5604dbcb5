"""A superconducting transition in R(T) or m(T): its temperatures by the usual criteria, or why none."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.analysis.local_fit import find_crossing, fit_locally, noise_of
from nbtools.units import Quantity

Array = NDArray[np.float64]
Kind = Literal["resistive", "diamagnetic"]
NOT_FOUND = Quantity(np.nan, unit="K")


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
    temperature : shape (n,), K, any order, n ≥ 8; one branch (cooling and warming differ by the lag)
    signal : shape (n,), any unit: resistance, resistivity, moment or susceptibility
    uncertainty : shape (n,) or a number, one standard deviation; by default found from the scatter
    kind : "resistive" or "diamagnetic"; by default told from the sign of the signal at low temperature

    Raises
    ------
    ValueError
        Arrays of different or too small size, or temperatures that do not vary.
    """
    curve = _ordered(temperature, signal, uncertainty)
    kind = kind or _kind(curve)
    if kind not in ("resistive", "diamagnetic"):
        raise ValueError(f'kind is {kind!r}; it can be "resistive" or "diamagnetic"')
    step = _find_diamagnetic_step(curve) if kind == "diamagnetic" else _find_resistive_step(curve)
    if isinstance(step, str):
        return Transition(False, step, kind)
    return _measure(curve, kind, step)


@dataclass(frozen=True)
class _Curve:
    """Finite points in order of temperature; sigma is None where it is to be found from the scatter."""

    x: Array
    y: Array
    sigma: Array | None

    def where(self, chosen: NDArray[np.bool_]) -> "_Curve":
        return _Curve(self.x[chosen], self.y[chosen], None if self.sigma is None else self.sigma[chosen])


@dataclass(frozen=True)
class _Step:
    """Roughly where 10, 50 and 90 % of the step are left."""

    ten: float
    half: float
    ninety: float

    @property
    def spread(self) -> float:
        return max(self.ninety - self.ten, 1e-3 * self.half)


def _ordered(temperature: ArrayLike, signal: ArrayLike, uncertainty: ArrayLike | None) -> _Curve:
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
    return _Curve(x[chosen], y[chosen], None if sigma is None else sigma[chosen])


def _kind(curve: _Curve) -> Kind:
    """Diamagnetic when the signal ends well below zero on cooling."""
    low = np.median(curve.y[: max(3, len(curve.y) // 20)])
    negative = low < -5 * noise_of(curve.x, curve.y) and low < -0.02 * np.max(np.abs(curve.y))
    return "diamagnetic" if negative else "resistive"


def _find_diamagnetic_step(curve: _Curve) -> _Step | str:
    x, y = curve.x, _without_spikes(curve.y)
    low, high = _low_level(y), float(np.median(y[-max(4, len(y) // 10) :]))
    if low > -5 * noise_of(x, y) or low > -0.02 * np.max(np.abs(y)) or low >= high:
        return (
            f"the moment does not become negative on cooling (it goes from {high:.3g} to {low:.3g}): "
            "no diamagnetic screening"
        )
    step = _rough_step(x, (y - low) / (high - low))
    if step is None or step.half > x[-1] - 0.02 * np.ptp(x):
        return "the moment is negative over the whole range: no normal state was measured above a transition"
    if step.half < 1.9 * step.spread:
        return (
            f"the moment falls gradually between {step.ninety:.3g} and {step.ten:.3g} K, as a paramagnet's "
            "in a negative field does: no transition"
        )
    return step


def _find_resistive_step(curve: _Curve) -> _Step | str:
    """A fall to half within a third of the temperature, and three times steeper than just above it."""
    x, y = curve.x, _without_spikes(curve.y)
    largest = float(np.max(y))
    for index in np.flatnonzero(y < 0.5 * largest)[::-1]:
        above = (x > x[index]) & (x <= 1.5 * x[index])
        if above.sum() < 3 or y[index] > 0.5 * (normal := float(np.max(y[above]))):
            continue
        step = _rough_step(x, y / normal) if normal > 10 * noise_of(x, y) else None
        if step and _log_slope(x, y, step.half) > max(2.0, 3 * _log_slope(x, y, 1.3 * step.ninety)):
            return step
        break
    left = 100 * _low_level(y) / largest if largest > 0 else np.nan
    return (
        f"on cooling from {x[-1]:.4g} to {x[0]:.4g} K the resistance goes to {left:.0f} % of its largest "
        "value, nowhere faster than a metal's: no superconducting transition"
    )


def _rough_step(x: Array, fraction: Array) -> _Step | None:
    """Coming from high temperature: where the signal is last above 90, 50 and 10 % of the step."""
    below = [np.flatnonzero(fraction < level) for level in (0.1, 0.5, 0.9)]
    if not len(below[1]):
        return None
    ten, half, ninety = (x[b[-1]] if len(b) else x[0] for b in below)
    return _Step(float(ten), float(half), float(ninety))


def _log_slope(x: Array, y: Array, place: float) -> float:
    """d ln y / d ln T over ±8 % of the temperature (a metal's never exceeds 5, Bloch–Grüneisen's)."""
    near = (np.abs(x - place) < 0.08 * place) & (y > 0)
    if near.sum() < 4:
        near = np.isin(np.arange(len(x)), np.argsort(np.abs(x - place))[:5]) & (y > 0)
    if near.sum() < 2 or np.ptp(x[near]) == 0:
        return 0.0
    return float(np.polyfit(np.log(x[near]), np.log(y[near]), 1)[0])


def _without_spikes(y: Array) -> Array:
    """Running median of three: a single wild point does not make a step."""
    inner = np.median(np.stack([y[:-2], y[1:-1], y[2:]]), axis=0)
    return np.concatenate([y[:1], inner, y[-1:]])


def _low_level(y: Array) -> float:
    return float(np.median(y[: max(3, len(y) // 50)]))


def _measure(curve: _Curve, kind: Kind, step: _Step) -> Transition:
    """All criteria on the curve reduced to 1 in the normal state and 0 in the low state."""
    below = curve.where(curve.x < step.ten - 1.5 * step.spread)
    reached = kind == "diamagnetic" or _is_flat_and_small(below, curve)
    low = _low_level(curve.y) if kind == "diamagnetic" else float(np.mean(below.y)) if reached else 0.0
    normal = _normal_state(curve, step)
    low_noise = noise_of(below.x, below.y) if len(below.x) > 8 else normal.noise
    height = float(normal.at(step.half)) - low
    reduced = (curve.y - low) / (normal.at(curve.x) - low)
    if curve.sigma is None:
        sigma = np.hypot(low_noise, np.clip(reduced, 0, 1) * normal.noise) / height
    else:
        sigma = curve.sigma / height
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


def _is_flat_and_small(below: _Curve, curve: _Curve) -> bool:
    """A resistance has reached zero when what is left is constant and under 2 % of the normal value."""
    return len(below.x) >= 3 and float(np.max(np.abs(_without_spikes(below.y)))) < 0.02 * float(
        np.max(curve.y)
    )


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


def _normal_state(curve: _Curve, step: _Step) -> _NormalState:
    start = step.ninety + 1.5 * step.spread
    chosen = (curve.x > start) & (curve.x < start + max(6 * step.spread, 0.25 * step.half))
    if chosen.sum() < 6:
        chosen = np.isin(np.arange(len(curve.x)), np.flatnonzero(curve.x > step.ninety)[:8])
    x, y = curve.x[chosen], curve.y[chosen]
    noise = noise_of(x, y) or 1e-9 * float(np.max(np.abs(y)))
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
    # The noise that sets the threshold is itself known to about 1/√n.
    error = threshold / np.sqrt(points_below)
    return criteria.crossing(threshold, criteria.step.ten, level_error=error), {}


@dataclass(frozen=True)
class _Criteria:
    """The reduced curve near the step, and what can be read off it."""

    x: Array
    fraction: Array
    sigma: Array
    step: _Step
    height_error: float

    def crossing(self, level: float, start: float, *, level_error: float = 0.0) -> Quantity:
        """Where `level` is left, coming from the normal state."""
        beneath = np.flatnonzero(self.fraction < level)
        if not len(beneath) or beneath[-1] + 1 >= len(self.x):
            return NOT_FOUND
        outside = self.x[min(beneath[-1] + 1, len(self.x) - 1)]
        begin = start if abs(start - outside) < self.step.spread else 0.5 * (outside + self.x[beneath[-1]])
        found = find_crossing(self.x, self.fraction, level, sigma=self.sigma, start=begin)
        if not np.isfinite(found):
            return NOT_FOUND
        slope = fit_locally(self.x, self.fraction, sigma=self.sigma, place=float(found)).slope
        level_error = float(np.hypot(level_error, level * self.height_error))
        return Quantity(found, np.hypot(found.uncertainty, level_error / slope), "K")

    def tangent_onset(self) -> Quantity:
        """The steepest tangent, extended to the normal state."""
        local = fit_locally(self.x, self.fraction, sigma=self.sigma, place=self.step.half)
        if self.step.ten < local.inflection < self.step.ninety:
            local = local.moved_to(local.inflection)
        if local.slope <= 0:
            return NOT_FOUND
        onset = local.place + (1 - local.value) / local.slope
        gradient = np.array([-1.0, local.place - onset]) / local.slope
        variance = gradient @ local.covariance[:2, :2] @ gradient + (self.height_error / local.slope) ** 2
        return Quantity(onset, float(np.sqrt(variance)), "K")
