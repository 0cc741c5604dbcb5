"""Is there a superconducting transition in a curve, and roughly where: physics that no smooth metal imitates."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.analysis.local_fit import noise_of

Array = NDArray[np.float64]
Kind = Literal["resistive", "diamagnetic"]


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
