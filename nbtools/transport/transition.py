"""A superconducting transition in R(T) or m(T): its temperatures by the usual criteria, or why none."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import lmfit
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, least_squares

from nbtools.physics.superconductor import transition_fraction
from nbtools.statistics.arrays import check_points
from nbtools.statistics.crossing import KNOWN, LocalFit, crossing_and_fit, fit_locally, rough_crossing
from nbtools.statistics.information import aicc
from nbtools.statistics.noise import averaged, noise_of, relative_error_of_noise, running_median
from nbtools.units import Quantity

Array = NDArray[np.float64]
Kind = Literal["resistive", "diamagnetic"]
NOT_FOUND = Quantity(np.nan, unit="K")
CRITERIA = (
    "onset",
    "onset_tangent",
    "onset_deviation",
    "ninety",
    "midpoint",
    "ten",
    "zero",
    "critical_temperature",
)
# What the terms of a normal state's Taylor series in T/T_c − 1 may be, from the first on, as a share of the normal
# resistance (one standard deviation): wide for a metal, whose R − R_0 rises as T³ or T⁵ and is a small part of R at
# T_c; and all that keeps a noisy one from being extended on a wild parabola.
SMOOTHNESS = (3.0, 1.5, 0.5, 0.15, 0.05)
MOST_POINTS = 2000  # within six widths of the step; beyond, neighbours are averaged
SMOOTH = 0.15  # of the width of a step: what a local fit crosses at least, where the points are that dense
REACHED_ZERO = 0.02  # of the normal resistance
# Points of a local fit, and standard deviations of one point above the low state: below both, the foot of a step is
# fitted as a whole.
SPARSE, FOOT = 20, 5.0


@dataclass(frozen=True)
class Curve:
    """Finite points in order of temperature."""

    x: Array
    y: Array

    def where(self, chosen: NDArray[np.bool_]) -> "Curve":
        return Curve(self.x[chosen], self.y[chosen])


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
    critical_temperature : where the share `criterion` of the step is left
    width : ninety − ten
    normal_level, low_level : the signal extrapolated to the midpoint from above; that of the low state
    noise : standard deviation of the signal in the normal state and in the low state
    undetermined : by criterion, why it is NaN
    thermometer_offset : standard deviation of what all temperatures may be off together, in every σ but the width's
    left_out : how many points were masked or not finite, in words
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
    criterion: float = 0.5
    critical_temperature: Quantity = NOT_FOUND
    thermometer_offset: float = 0.0
    left_out: str = ""

    @property
    def width(self) -> Quantity:
        shared = 2 * self.thermometer_offset**2
        variance = self.ninety.uncertainty**2 + self.ten.uncertainty**2 - shared
        return Quantity(self.ninety - self.ten, float(np.sqrt(max(variance, 0.0))), "K")


def estimate_transition(
    temperature: ArrayLike,
    signal: ArrayLike,
    *,
    kind: Kind | None = None,
    criterion: float = 0.5,
    thermometer_offset: float = 0.0,
) -> Transition:
    """Transition temperatures of a resistance or magnetic moment against temperature.

    No shape is assumed: each criterion is a crossing of a local fit (`find_crossing`), so that the
    answer does not depend on a model of the transition. The σ of a crossing holds the noise there and that of
    the two levels between which shares are counted.

    Parameters
    ----------
    temperature : shape (n,), K, any order, n ≥ 8; one branch (of several that disagree, such as ZFC and FC
        in one record, the first is used and `reason` says so)
    signal : shape (n,), any unit: resistance, resistivity, moment or susceptibility
    kind : "resistive" or "diamagnetic"; by default told from the sign of the signal at low temperature
    criterion : share of the step left at `critical_temperature`, 0 < criterion < 1
    thermometer_offset : K, standard deviation of what all temperatures may be off together

    Raises
    ------
    ValueError
        Arrays of different or too small size, or temperatures that do not vary; an impossible criterion or kind.
    """
    if not 0 < criterion < 1:
        raise ValueError(f"criterion is {criterion:g}; a share of the step between 0 and 1 was expected")
    if not 0 <= thermometer_offset < np.inf:
        raise ValueError(f"thermometer_offset is {thermometer_offset:g} K; a standard deviation was expected")
    if kind not in (None, "resistive", "diamagnetic"):
        raise ValueError(f'kind is {kind!r}; it can be "resistive" or "diamagnetic"')
    points = check_points(temperature=temperature, signal=signal)
    used, several = first_branch(*points.columns)
    curve = order_curve(*(column[:used] for column in points.columns))
    kind = kind or kind_of(curve)
    step = find_diamagnetic_step(curve) if kind == "diamagnetic" else find_resistive_step(curve)
    if not isinstance(step, str) and np.sum(curve.x > step.ninety) < 3:
        step = (
            f"fewer than 3 points lie above {step.ninety:.4g} K: no normal state was measured above the step"
        )
    if isinstance(step, str):
        found = Transition(False, step, kind, criterion=criterion, thermometer_offset=thermometer_offset)
    else:
        found = _with_offset(_measure(curve, kind, step, criterion), thermometer_offset)
    reason = f"{found.reason}; {several}" if several else found.reason
    return replace(found, reason=reason, left_out=points.left_out)


def combine_branches(branches: Sequence[Transition]) -> Transition:
    """The mean of the branches with a transition, their half difference (the thermometer's lag) added to each error.

    An offset that all temperatures share does not average out: it is put into the mean as it was in each. A
    temperature that only some branches reach is the mean of those.

    Raises
    ------
    ValueError
        No branch at all; where none has a transition, the first is returned.
    """
    if not branches:
        raise ValueError("no branch came; give the transition of at least one cooling or warming curve")
    with_step = [branch for branch in branches if branch.found]
    if len(with_step) < 2:
        return (with_step or list(branches))[0]
    shared = max(branch.thermometer_offset for branch in with_step)
    means: dict[str, Any] = {name: _mean(with_step, name) for name in CRITERIA}
    missing = {
        name: reason
        for branch in reversed(with_step)
        for name, reason in branch.undetermined.items()
        if not np.isfinite(means[name])
    }
    mean = replace(with_step[0], **means, undetermined=missing, thermometer_offset=0.0)
    return _with_offset(mean, shared)


def _mean(branches: Sequence[Transition], name: str) -> Quantity:
    known = [branch for branch in branches if np.isfinite(getattr(branch, name))]
    if not known:
        return NOT_FOUND
    values = np.array([float(getattr(branch, name)) for branch in known])
    own = [
        max(getattr(branch, name).uncertainty ** 2 - branch.thermometer_offset**2, 0.0) for branch in known
    ]
    statistical = float(np.sqrt(np.mean(own) / len(known)))
    return Quantity(float(np.mean(values)), float(np.hypot(statistical, np.ptp(values) / 2)), "K")


def _with_offset(found: Transition, offset: float) -> Transition:
    if not offset:
        return found
    widened: dict[str, Any] = {name: getattr(found, name).widened(offset) for name in CRITERIA}
    return replace(found, **widened, thermometer_offset=offset)


def _measure(curve: Curve, kind: Kind, step: Step, criterion: float) -> Transition:
    """All criteria on the curve reduced to 1 in the normal state and 0 in the low state."""
    for _ in range(2):  # the second time with the levels, and so the step, that the first has found
        normal = _normal_state(curve, step)
        low = _low_state(curve, kind, step, normal)
        step = _refined(curve, step, normal, low)
    reduced = _Reduced.of(curve, step, normal, low)
    tangent = reduced.tangent_onset()
    threshold = 3 * normal.noise / reduced.height
    blurred = threshold * relative_error_of_noise(normal.points) if threshold > 0.01 else 0.0
    deviation = reduced.crossing(1 - max(0.01, threshold), level_error=blurred)
    zero, missing = _zero(reduced, kind)
    return Transition(
        True,
        f"the signal leaves the normal state within {step.spread:.3g} K of {step.half:.4g} K",
        kind,
        onset=tangent if kind == "resistive" else deviation,
        onset_tangent=tangent,
        onset_deviation=deviation,
        ninety=reduced.crossing(0.9),
        midpoint=reduced.crossing(0.5),
        ten=reduced.crossing(0.1),
        zero=zero,
        normal_level=reduced.height + low.level,
        low_level=low.level,
        noise=(normal.noise, low.noise),
        undetermined=missing,
        criterion=criterion,
        critical_temperature=reduced.crossing(criterion),
    )


@dataclass(frozen=True)
class _NormalState:
    """The normal state just above the transition, extended below it: a power series about `about`."""

    about: float
    coefficients: Array
    covariance: Array
    noise: float
    points: int
    highest: float

    def at(self, x: ArrayLike) -> Any:
        return self._powers(x) @ self.coefficients

    def error_at(self, x: float) -> float:
        powers = self._powers(x)
        return float(np.sqrt(powers @ self.covariance @ powers))

    def _powers(self, x: ArrayLike) -> Any:
        distance = np.asarray(x, float) / self.about - 1
        return distance[..., None] ** np.arange(len(self.coefficients))


def _normal_state(curve: Curve, step: Step) -> _NormalState:
    start = step.ninety + 1.5 * step.spread
    chosen = (curve.x > start) & (curve.x < start + max(6 * step.spread, 0.25 * step.half))
    if chosen.sum() < 6:
        # The next eight; where the curve ends before, its hottest eight, whose first may still be on the step.
        clear, above = np.flatnonzero(curve.x > start), np.flatnonzero(curve.x > step.ninety)
        chosen = np.isin(np.arange(len(curve.x)), clear[:8] if len(clear) >= 6 else above[-8:])
    x, y = curve.x[chosen], curve.y[chosen]
    noise = noise_of(x, y) or 1e-9 * float(np.ptp(curve.y))
    powers = np.arange(len(SMOOTHNESS) + 1)
    design = (x / step.half - 1)[:, None] ** powers
    allowed = np.array(SMOOTHNESS) * (float(np.median(np.abs(y))) + noise)
    prior = np.concatenate([[0.0], allowed**-2])
    covariance = np.linalg.pinv(design.T @ design / noise**2 + np.diag(prior), hermitian=True)
    coefficients = covariance @ (design.T @ y) / noise**2
    freedom = len(x) - float(np.sum((design @ covariance) * design)) / noise**2
    excess = float(np.sum((y - design @ coefficients) ** 2)) / noise**2 / max(freedom, 1.0)
    if excess > 1 + 2 * np.sqrt(2 / max(freedom, 1.0)):
        covariance = covariance * excess
    return _NormalState(step.half, coefficients, np.asarray(covariance, float), noise, len(x), float(x[-1]))


@dataclass(frozen=True)
class _LowState:
    """The signal below the transition: its level with its error, its noise, and whether a resistance is gone there."""

    level: float
    error: float
    noise: float
    points: int
    reached: bool
    left: float


def _low_state(curve: Curve, kind: Kind, step: Step, normal: _NormalState) -> _LowState:
    below = curve.where(curve.x < step.ten - 1.5 * step.spread)
    points = len(below.x)
    noise = noise_of(below.x, below.y) if points > 8 else normal.noise
    if points and np.sum(colder := below.x <= np.mean(below.x[[0, -1]])) > 8:
        below = below.where(colder)  # the warmer half may still hold the foot of a step
    if kind == "diamagnetic":
        return _coldest_level(curve, step, noise)
    height = float(normal.at(step.half))
    reached = _is_flat_and_small(below, height, noise)
    left = float(np.mean(curve.y[: max(1, min(len(curve.y) // 50, len(below.y)))])) / height
    if not reached:
        return _LowState(0.0, 0.0, noise, points, False, left)
    return _LowState(float(np.mean(below.y)), noise / np.sqrt(len(below.y)), noise, points, True, left)


def _coldest_level(curve: Curve, step: Step, noise: float) -> _LowState:
    """Screening at the lowest temperatures: the coldest tenth of the way to the step, never a point of the step."""
    coldest = float(curve.x[0])
    taken = (curve.x <= coldest + 0.1 * max(step.ten - coldest, 0.0)) & (curve.x <= step.ten)
    if taken.sum() < 3:
        taken = (curve.x < step.ten - 1.5 * step.spread) & (np.cumsum(curve.x < step.ten) <= 3)
    if not taken.any():
        taken = curve.x <= coldest
    y = curve.y[taken]
    return _LowState(float(np.mean(y)), noise / np.sqrt(len(y)), noise, len(y), True, 0.0)


def _is_flat_and_small(below: Curve, normal_level: float, noise: float) -> bool:
    """A resistance has reached zero when no more than 2 % of the normal value is left, all the way down."""
    if len(below.x) < 3:
        return False
    parts = np.array_split(running_median(below.y, 3), min(5, len(below.x) // 3))
    return all(
        abs(float(np.mean(part))) < REACHED_ZERO * normal_level + 3 * noise / np.sqrt(len(part))
        for part in parts
    )


def _refined(curve: Curve, step: Step, normal: _NormalState, low: _LowState) -> Step:
    """Where 10, 50 and 90 % are left between the levels as measured."""
    near = curve.x <= normal.highest
    x, height = curve.x[near], normal.at(curve.x[near]) - low.level
    share = np.where(height > 0, (curve.y[near] - low.level) / np.where(height > 0, height, 1.0), 0.0)
    ten, half, ninety = (rough_crossing(x, share, level) for level in (0.1, 0.5, 0.9))
    return Step(ten, half, ninety) if x[0] < ten <= half <= ninety else step


@dataclass(frozen=True)
class _Reduced:
    """The curve near the step, 0 in the low and 1 in the normal state, and what can be read off it."""

    x: Array
    fraction: Array
    sigma: Array
    step: Step
    height: float
    normal: _NormalState
    low: _LowState

    @classmethod
    def of(cls, curve: Curve, step: Step, normal: _NormalState, low: _LowState) -> "_Reduced":
        spacing = (
            float(np.median(np.diff(curve.x[np.abs(curve.x - step.half) < 10 * step.spread])))
            if (np.sum(np.abs(curve.x - step.half) < 10 * step.spread) > 2)
            else 0.0
        )
        reach = max(6 * step.spread, 4 * float(np.median(np.diff(curve.x))), 4 * spacing)
        near = np.abs(curve.x - step.half) < reach
        x, heights = curve.x[near], normal.at(curve.x[near]) - low.level
        fraction = (curve.y[near] - low.level) / heights
        height = float(normal.at(step.half)) - low.level
        share = np.clip(fraction, 0, 1)
        sigma = np.sqrt((1 - share) * low.noise**2 + share * normal.noise**2) / heights
        sigma = np.hypot(np.abs(sigma), _thermometer_jitter(x, fraction, np.abs(sigma)))
        points = averaged(x, fraction, np.maximum(sigma, 1e-7), most=MOST_POINTS)
        return cls(*points, step, height, normal, low)

    def crossing(self, level: float, *, level_error: float = 0.0) -> Quantity:
        """Where `level` is crossed, as far as the noise there and the two levels are known."""
        start = self._start(level)
        found, local = crossing_and_fit(
            self.x, self.fraction, level, sigma=self.sigma, start=start, smallest=SMOOTH * self.step.spread
        )
        if not (self.x[0] <= found <= self.x[-1]):
            return NOT_FOUND
        error = float(np.hypot(level_error, self.level_error(level, float(found))))
        slope = local.slope
        noise = self.low.noise if level < 0.5 else self.normal.noise
        if local.points < SPARSE and min(level, 1 - level) < FOOT * noise / self.height:
            found, slope = self._foot_crossing(level, start) or (found, slope)
        return Quantity(found, np.hypot(found.uncertainty, error / slope) if slope else np.nan, "K")

    def _foot_crossing(self, level: float, start: float) -> tuple[Quantity, float] | None:
        """Where the foot of the step is at `level`, or its shoulder, and the slope there.

        Six points about a crossing so low say little: the noise itself crosses, and where it does the slope is steep
        by chance. So the whole foot is fitted, from below the level to where the step is well above it, by the
        exponential of a cubic: it is positive, rises, and dies out below. The shoulder is a foot upside down.
        """
        if level > 0.5:
            turned = replace(self, x=-self.x[::-1], fraction=1 - self.fraction[::-1], sigma=self.sigma[::-1])
            found = turned._foot_crossing(1 - level, -start)
            return found and (-found[0], found[1])
        top = rough_crossing(self.x, self.fraction, min(0.7, 1.5 * np.sqrt(level)))
        chosen = (self.x >= start - (top - start)) & (self.x <= top)
        x, y, sigma = (column[chosen] for column in (self.x, self.fraction, self.sigma))
        above = y > 3 * sigma
        if np.sum(above) < 4:
            return None
        scale = top - start

        def powers(at: ArrayLike) -> Array:
            return np.vander((np.atleast_1d(at) - top) / scale, 4, increasing=True)

        def misfit(coefficients: Array) -> Array:
            return np.asarray((np.exp(np.clip(powers(x) @ coefficients, -60, 5)) - y) / sigma)

        first = np.polyfit((x[above] - top) / scale, np.log(y[above]), 2, w=y[above] / sigma[above])[::-1]
        fitted = least_squares(misfit, np.append(first, 0.0), method="lm", max_nfev=400)

        def over(at: ArrayLike) -> Array:
            return np.asarray(powers(at) @ fitted.x - np.log(level))

        grid = np.linspace(x[0], x[-1], 400)
        beneath = np.flatnonzero(over(grid) < 0)
        if not beneath.size or beneath[-1] == grid.size - 1:
            return None
        place = brentq(lambda t: float(over(t)[0]), *grid[beneath[-1] : beneath[-1] + 2])
        here = powers(place)[0]
        steepness = float(np.arange(1, 4) * here[:3] @ fitted.x[1:]) / scale  # d ln y / dT
        excess = (KNOWN + 2 * fitted.cost) / (KNOWN + x.size - 4)
        variance = here @ np.linalg.pinv(fitted.jac.T @ fitted.jac) @ here * max(1.0, excess)
        return Quantity(place, float(np.sqrt(variance)) / steepness, "K"), steepness * level

    def level_error(self, level: float, place: float) -> float:
        """Standard deviation of a share that comes from those of the two levels."""
        upper = level * self.normal.error_at(place)
        return float(np.hypot(upper, (1 - level) * self.low.error)) / self.height

    def _start(self, level: float) -> float:
        """Between the middle of the step and its proper side."""
        if level >= 0.5:
            side = self.x >= self.step.half if level > 0.5 else np.ones(len(self.x), bool)
        else:
            side = self.x <= self.step.half
        return rough_crossing(self.x[side], self.fraction[side], level)

    def tangent_onset(self) -> Quantity:
        """The steepest tangent of the step, extended to the normal state."""
        if np.sum((self.fraction > 0.05) & (self.fraction < 0.95)) < 3:
            return self.crossing(0.95)  # a step between two points has no tangent
        local = self._steepest()
        if local is None:
            return NOT_FOUND
        onset = local.place + (1 - local.value) / local.slope
        gradient = np.array([-1.0, local.place - onset]) / local.slope
        level_error = self.level_error(1.0, onset) / local.slope
        variance = gradient @ local.covariance[:2, :2] @ gradient + level_error**2
        return Quantity(onset, float(np.sqrt(variance)), "K")

    def _steepest(self) -> LocalFit | None:
        """The local cubic about its own inflection, where the step is steepest."""
        places = np.linspace(self.step.ten, self.step.ninety, 21)
        fits = [self._fit(place) for place in places]
        # By what the slope is at least, so that a narrow window's noise does not pass for steepness.
        local = max(fits, key=lambda fit: fit.slope - 2 * float(np.sqrt(fit.covariance[1, 1])))
        for _ in range(4):
            place = local.inflection
            if not (abs(place - local.place) < local.reach and self.step.ten < place < self.step.ninety):
                break
            moved = abs(place - local.place)
            local = self._fit(place)
            if moved < 0.05 * local.reach:
                break
        return local if local.slope > 0 else None

    def _fit(self, place: float) -> LocalFit:
        smallest = SMOOTH * self.step.spread
        return fit_locally(self.x, self.fraction, sigma=self.sigma, place=place, smallest=smallest)


def _thermometer_jitter(x: Array, reduced: Array, sigma: Array) -> Array:
    """Scatter on the steep part beyond the signal's own noise, spread over the step as its slope is."""
    steep = (reduced > 0.15) & (reduced < 0.85)
    if steep.sum() < 5:
        return np.zeros_like(x)
    # Only what exceeds the noise by more than the scatter itself is uncertain.
    known = float(np.median(sigma[steep])) ** 2 * (1 + 2 * relative_error_of_noise(int(steep.sum())))
    excess = noise_of(x, reduced, where=steep) ** 2 - known
    return np.sqrt(max(excess, 0.0)) * 4 * np.clip(reduced * (1 - reduced), 0, None)


def _zero(reduced: _Reduced, kind: Kind) -> tuple[Quantity, dict[str, str]]:
    if kind == "diamagnetic":
        return NOT_FOUND, {"zero": "a magnetic moment has no zero-resistance temperature"}
    if not reduced.low.reached:
        left = 100 * reduced.low.left
        return NOT_FOUND, {"zero": f"the resistance is still {left:.1f} % at the lowest temperature"}
    threshold = 3 * reduced.low.noise / reduced.height
    if threshold < 1e-9:
        return NOT_FOUND, {
            "zero": "the resistance below the step has no noise, and zero is where it falls under 3 σ of it"
        }
    error = threshold * relative_error_of_noise(reduced.low.points)
    return reduced.crossing(threshold, level_error=error), {}


def order_curve(temperature: Array, signal: Array) -> Curve:
    if signal.size < 8 or np.ptp(temperature) == 0:
        raise ValueError(
            f"{signal.size} finite points at {np.unique(temperature).size} temperatures came; "
            "a transition needs at least 8 points at different temperatures"
        )
    order = np.argsort(temperature, kind="stable")
    return Curve(temperature[order], signal[order])


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
    x, y = curve.x, calmed(curve)
    low, high = float(np.median(y[:3])), float(np.median(y[-max(4, len(y) // 10) :]))
    if low > -5 * noise_of(x, curve.y) or low > -0.02 * np.max(np.abs(y)):
        return (
            f"the moment does not become negative on cooling (it goes from {high:.3g} to {low:.3g}): "
            "no diamagnetic screening"
        )
    step = _rough_step(x, (y - low) / (high - low)) if high > low else None
    if step is None or step.half > x[-1] - 0.02 * np.ptp(x):
        return "the moment is negative over the whole range: no normal state was measured above a transition"
    # A paramagnet's 1/T is steepest where it is coldest; screening ends more steeply than it begins to fade.
    if step.half < 1.9 * step.spread and step.ninety - step.half > step.half - step.ten:
        return (
            f"the moment falls gradually between {step.ninety:.3g} and {step.ten:.3g} K, as a paramagnet's "
            "in a negative field does: no transition"
        )
    return step


def find_resistive_step(curve: Curve) -> Step | str:
    """A fall to half within a third of the temperature, and three times steeper than just above it.

    A clean metal falls so far by itself, near a third of its Debye temperature. Its transition is the fall to half
    within a tenth of the temperature, which no metal's T⁵ does.
    """
    x, y, noise = curve.x, calmed(curve), noise_of(curve.x, curve.y)
    largest = float(np.max(y))
    for reach in (1.5, 1.1):
        normal = _largest_above(x, y, reach)
        fallen = np.flatnonzero((y < 0.5 * largest) & (y < 0.5 * normal))
        if len(fallen) and normal[fallen[-1]] > 10 * noise:
            step = _rough_step(x, y / normal[fallen[-1]])
            # d ln y / d ln T of a straight fall; a metal's, Bloch and Grüneisen's, changes slowly with T.
            if step and 1.6 * step.half / step.spread > max(2.0, 3 * _log_slope(x, y, step)):
                return step
    left = 100 * float(np.median(y[:3])) / largest if largest > 0 else np.nan
    return (
        f"on cooling from {x[-1]:.4g} to {x[0]:.4g} K the signal goes to {left:.0f} % of its largest "
        "value, nowhere faster than a metal's resistance: no superconducting transition"
    )


def _largest_above(x: Array, y: Array, reach: float) -> Array:
    """Of each point the largest signal up to `reach` times its temperature; of coarse points, of the next three.

    NaN where fewer than three points follow within three times the temperature.
    """
    first = np.arange(1, len(x) + 1)
    last = np.searchsorted(x, reach * x, side="right")
    last = np.maximum(last, np.minimum(first + 3, np.searchsorted(x, 3 * x, side="right")))
    tables, width = [y], 1  # tables[k][i] is the largest of 2^k points from i on
    while 2 * width <= len(y):
        tables.append(np.maximum(tables[-1][:-width], tables[-1][width:]))
        width *= 2
    largest = np.full(len(x), np.nan)
    enough = last - first >= 3
    rank = np.zeros(len(x), int)
    rank[enough] = np.log2((last - first)[enough] + 0.5).astype(int)
    for k, table in enumerate(tables):
        here = np.flatnonzero(enough & (rank == k))
        largest[here] = np.maximum(table[first[here]], table[last[here] - 2**k])
    return largest


def _rough_step(x: Array, fraction: Array) -> Step | None:
    """Coming from high temperature: where the signal is last above half the step, and how steep it is there.

    10 and 90 % are taken 1.9 times as far off as 25 and 75 %, as for an error function: a metal's slope, seen
    from the step, reaches 90 % of its largest resistance much later than the transition does.
    """
    below = [np.flatnonzero(fraction < level) for level in (0.25, 0.5, 0.75)]
    if not len(below[1]):
        return None
    quarter, half, most = (float(x[b[-1]] if len(b) else x[0]) for b in below)
    return Step(half - 1.9 * (half - quarter), half, half + 1.9 * (most - half))


def _log_slope(x: Array, y: Array, step: Step) -> float:
    """d ln y / d ln T over ±8 % of the temperature above a step (a metal's never exceeds 5, Bloch–Grüneisen's)."""
    above = (x > step.ninety) & (y > 0)
    place = max(min(1.3 * step.ninety, 0.92 * x[-1]), step.ninety)
    near = above & (np.abs(x - place) < 0.08 * place)
    if near.sum() < 4:
        nearest = np.flatnonzero(above)
        near = np.isin(np.arange(len(x)), nearest[np.argsort(np.abs(x[nearest] - place), kind="stable")[:5]])
    if near.sum() < 2 or np.ptp(x[near]) == 0:
        return 0.0
    return float(np.polyfit(np.log(x[near]), np.log(y[near]), 1)[0])


def calmed(curve: Curve) -> Array:
    """Running median of three points, or of as many more as bring the noise to 1 % of the range.

    A median keeps a step as steep as it is, over however few points it goes.
    """
    y = running_median(curve.y, 3)
    share = noise_of(curve.x, curve.y) / (float(np.ptp(y)) or 1.0)
    size = int(np.clip(1.6 * (share / 0.01) ** 2, 3, max(3, len(y) // 10)))
    return running_median(curve.y, size | 1) if size > 3 else y


@dataclass(frozen=True)
class StepCount:
    """One resistive step or two.

    Attributes
    ----------
    steps : 1 or 2
    aicc_difference : AICc of one error function minus that of two
    second_share, separation : of the second of two steps: its share of the resistance and its distance, K
    reason : why that many
    """

    steps: int
    aicc_difference: float
    second_share: Quantity
    separation: Quantity
    reason: str = ""

    def __str__(self) -> str:
        if self.steps == 1:
            return f"one step: {self.reason}"
        return (
            f"two steps: {self.reason}; AICc falls by {self.aicc_difference:.0f} from one error function to two, and "
            f"the second lies {self.separation} lower"
        )


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
    x, y = check_points(temperature=temperature, fraction=fraction).sorted_by(0).columns
    tenth, middle, most = np.interp([0.1, 0.5, 0.9], np.maximum.accumulate(y), x)
    spread = max(0.05, 0.4 * float(most - tenth))
    one = lmfit.Model(_one_step).fit(y, temperature=x, midpoint=middle, width=spread, weights=1 / noise)
    two = _fit_two_steps(x, y, noise, middle, spread)
    difference = aicc(one.chisqr, len(x), 2) - aicc(two.chisqr, len(x), 5)
    share = Quantity(two.params["share"].value, two.params["share"].stderr or np.nan)
    gap = Quantity(two.params["gap"].value, two.params["gap"].stderr or np.nan, "K")
    wider = max(two.params["width"].value, two.params["width_low"].value)
    why_one = _why_one_step(difference, share, gap, wider)
    why = (
        why_one
        or f"a second error function is {gap / wider:.1f} of the wider one's σ away and carries "
        f"{100 * float(share):.0f} % of the resistance"
    )
    return StepCount(1 if why_one else 2, float(difference), share, gap, why)


def _why_one_step(difference: float, share: float, gap: float, wider: float) -> str:
    """In words, why a better fit by two error functions is no second step; empty where it is one."""
    if difference <= 10:
        return "one error function describes it as well as two"
    if not 0.05 <= share <= 0.95:
        return (
            "a second error function fits better, but carries "
            f"{min(share, 1 - share):.1%} of the step, less than 5 %: a tail, not a step"
        )
    if not gap > wider:
        return (
            f"a second error function fits better, but {gap:.2g} K away it lies within the wider one's σ, "
            f"{wider:.2g} K: one step that is not symmetric"
        )
    return ""


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
