"""How curves move with frequency: the creep exponent n(T), and the temperature at which creep sets in."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from nbtools.analysis.ac_curves import as_curves
from nbtools.units import Quantity

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CreepExponent:
    """n at one level from its shift per decade of frequency (K); where none is resolved `lower_bound`, at 95 %."""

    temperature: float
    shift: Quantity
    exponent: Quantity
    lower_bound: float

    def __str__(self) -> str:
        n = f"n > {self.lower_bound:.0f}" if not np.isfinite(self.exponent) else f"n = {self.exponent}"
        return f"{self.temperature:.2f} K: {in_millikelvin(self.shift)} per decade, {n}"


def estimate_creep_exponents(
    frequency_curves: Any,
    log_slope: Any,
    *,
    levels: Any = (0.97, 0.94, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1),
    temperature_uncertainty: float = 0.003,
) -> list[CreepExponent]:
    """n(T) from curves at several frequencies: a level moves by ΔT = 1/(n |d log₁₀ J_c/dT|) per decade.

    Parameters
    ----------
    frequency_curves : `AcCurve`s of one amplitude
    log_slope : function of temperature giving ln J_c, or a number, |d log₁₀ J_c/dT| (1/K)
    levels : shares of the full screening
    """
    ordered = sorted(as_curves(frequency_curves), key=lambda curve: curve.frequency)
    if len({curve.frequency for curve in ordered}) < 2:
        raise ValueError("the curves have one frequency; a shift needs two or more")
    smooth = [curve.smooth for curve in ordered]
    found = []
    for level in levels:
        places = [one.crossing(-level, temperature_error=temperature_uncertainty) for one in smooth]
        shift = weighted_slope(places, np.log10([curve.frequency for curve in ordered]))
        if not np.isfinite(shift):
            continue  # a level that one of the curves does not pass
        centre = float(np.mean(places))
        if callable(log_slope):
            ends = np.asarray(log_slope(np.array([centre - 0.08, centre + 0.08])))
            steep = abs(float(ends[1] - ends[0])) / 0.16 / np.log(10)
        else:
            steep = float(log_slope)
        if not steep > 0:
            continue
        bound = 1 / (steep * max(float(shift) + 1.645 * shift.uncertainty, 1e-9))
        resolved = shift > 2 * shift.uncertainty
        n = 1 / (steep * float(shift)) if resolved else float("nan")
        sigma = n * shift.uncertainty / float(shift) if resolved else float("nan")
        found.append(CreepExponent(centre, shift, Quantity(n, sigma), bound))
    return sorted(found, key=lambda one: one.temperature)


def estimate_creep_onset(exponents: list[CreepExponent]) -> Quantity:
    """Where the shift per decade leaves zero: the kink of max(0, s(T − T₀)) through the levels (K).

    The levels share the thermometers of the curves, so their common error is put on the answer, not averaged away. NaN
    where no shift is seen, or one at every level.
    """
    t = np.array([one.temperature for one in exponents])
    shift = np.array([float(one.shift) for one in exponents])
    sigma = np.array([one.shift.uncertainty for one in exponents])
    if t.size < 5 or shift[-3:].mean() < 2 * sigma.mean():
        return Quantity(float("nan"), float("nan"), "K")
    if shift[0] > 2 * sigma.mean():
        return Quantity(float("nan"), float("nan"), "K")
    rise = (shift[-1] - shift[0]) / (t[-1] - t[0])
    start = (max(rise, 1e-3), float(t[0]))
    (slope, onset), covariance = curve_fit(
        lambda x, s, t0: s * np.maximum(x - t0, 0.0),
        t,
        shift,
        p0=start,
        sigma=sigma,
        absolute_sigma=True,
        bounds=([1e-4, t[0] - 1.0], [10.0, t[-1]]),
    )
    return Quantity(float(onset), float(np.hypot(covariance[1, 1] ** 0.5, sigma.mean() / slope)), "K")


def weighted_slope(values: list[Quantity], at: Array) -> Quantity:
    """Weighted straight line: its slope."""
    y, sigma = np.array([float(v) for v in values]), np.array([v.uncertainty for v in values])
    weight = sigma**-2.0
    centre = np.sum(weight * at) / weight.sum()
    spread = np.sum(weight * (at - centre) ** 2)
    return Quantity(float(np.sum(weight * (at - centre) * y) / spread), float(spread**-0.5), values[0].unit)


def in_millikelvin(kelvin: Quantity) -> str:
    return str(Quantity(1e3 * kelvin, 1e3 * kelvin.uncertainty, "mK")) if np.isfinite(kelvin) else "unknown"
