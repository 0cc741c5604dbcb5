"""Civale's geometric test as a statistic: rectangles between curves of three amplitudes, and what they can exclude."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nbtools.analysis.ac_curves import WINDOW, AcCurve, as_curves
from nbtools.analysis.closure_power import SIGNIFICANCE, null_distribution, simulate_closure
from nbtools.analysis.rectangle_geometry import (
    Rectangle,
    Track,
    curves_coincide,
    equal_ratios,
    inverse_error,
    measure_closure,
)
from nbtools.units import Quantity

DISCRIMINATING = 0.8


@dataclass(frozen=True)
class CivaleTest:
    """Do the rectangles close? And which worlds would have closed them just as well?

    closure_error : mean T_B − T_D, weighted, with its uncertainty (K); largest : the worst rectangle's
    p_value : how often Bean's state, at this temperature error, gives mismatches as large
    valid_range : coldest and warmest corner (K)
    power : for each wrong world the probability that this test rejects it, by simulation at the data's own errors
    degenerate : the worlds with a power under 0.8: a rectangle that closes does not speak against them. The test only
        asks whether χ = F(h/J*(T)); creep of constant n obeys that exactly, Kim's state under a bias nearly
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
        if not self.closes:
            return "rejected"
        return "critical state" if self.power and not self.degenerate else "not discriminating"

    def __str__(self) -> str:
        if not self.found:
            return f"no rectangle: {self.reason}"
        milli = Quantity(1e3 * self.closure_error, 1e3 * self.closure_error.uncertainty, "mK")
        worst = Quantity(1e3 * self.largest, 1e3 * self.largest.uncertainty, "mK")
        low, high = self.valid_range
        powers = ", ".join(f"{name} {value:.1f}" for name, value in self.power.items())
        return (
            f"{len(self.rectangles)} rectangles, {low:.2f} to {high:.2f} K: T_B − T_D = {milli} on average, worst "
            f"{worst}; p = {_rounded(self.p_value)}\n"
            f"power at {1e3 * self.temperature_uncertainty:.0f} mK: {powers}\n"
            f"verdict on the rectangles alone: {self.verdict}"
        )


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
    curves : `AcCurve`s, (amplitude, T, χ'[, χ'']) or {amplitude: (T, χ'[, χ''])}; χ' over full screening
    temperature_uncertainty : standard deviation of a curve's thermometer as a whole against the others' (K)
    geometry : for J_c(T) of the simulated worlds only
    replicas : simulations of Bean's state; half as many of each wrong world
    with_power : whether the wrong worlds are simulated; without, nothing is said of what the test excludes
    seed : of the simulations

    Raises
    ------
    ValueError
        No three amplitudes in one ratio, a negative uncertainty, too few points in the transition.
    """
    ordered = as_curves(curves)
    if not temperature_uncertainty >= 0:
        raise ValueError(f"temperature_uncertainty is {temperature_uncertainty:g}; it cannot be negative (K)")
    if not equal_ratios([curve.amplitude for curve in ordered]):
        given = ", ".join(f"{curve.amplitude:.4g}" for curve in ordered)
        raise ValueError(
            f"the amplitudes are {given} A/m; a rectangle needs three in one ratio, such as 0.1, 1 and 10 Oe. "
            "fit_collapse takes any amplitudes"
        )
    smooth = [curve.smooth for curve in _on_one_range(ordered)]
    tracks = [Track(one.curve.amplitude, one.grid, one.real, one.loss, one.noise, one.gain) for one in smooth]
    seen = measure_closure(tracks, error=temperature_uncertainty, floor=inverse_error(smooth))
    if seen is None:
        return _no_rectangle(curves_coincide(tracks, temperature_uncertainty), temperature_uncertainty)
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
    cut = _on_one_range(as_curves(curves))
    found = [simulate_closure(cut, float(error), geometry, replicas, seed)[1] for error in errors]
    return {name: np.array([powers[name] for powers in found]) for name in found[0]}


def _no_rectangle(coincide: bool, error: float) -> CivaleTest:
    """Curves that coincide speak against a critical state; curves that never overlap say nothing."""
    nothing, nowhere = Quantity(float("nan"), float("nan"), "K"), (float("nan"), float("nan"))
    reason = (
        "the curves coincide: the response does not depend on the amplitude, so it is linear"
        if coincide
        else "no level is passed by all curves at temperatures where they overlap"
    )
    p_value = 0.0 if coincide else float("nan")
    return CivaleTest(nothing, nothing, p_value, nowhere, {}, ("linear",), (), error, reason)


def _on_one_range(curves: list[AcCurve]) -> list[AcCurve]:
    """The curves cut to the range in which any of them moves, and a little more."""
    moving = [c.temperature[(c.in_phase > -0.98) & (c.in_phase < -0.02)] for c in curves]
    inside = np.concatenate(moving)
    if inside.size == 0:
        return curves
    low, high = inside.min() - 0.15, inside.max() + 0.15
    kept = [(c, (c.temperature > low) & (c.temperature < high)) for c in curves]
    return [c.where(rows) if rows.sum() > WINDOW else c for c, rows in kept]


def _rounded(p: float) -> str:
    return "< 0.001" if p < 1e-3 else f"{p:.2g}"
