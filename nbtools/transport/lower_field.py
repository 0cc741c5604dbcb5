"""Where flux first enters: the kink of a virgin magnetisation curve, and its extrapolation to zero temperature."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.statistics.noise import noise_of
from nbtools.units import Quantity

Array = NDArray[np.float64]
Correction = Literal["none", "1-N", "brandt"]
Law = Literal["parabolic", "linear"]
FEWEST_POINTS = 8


@dataclass(frozen=True)
class LowerCriticalField:
    """The entry field of one M(H) curve and the H_c1 it stands for (A/m).

    Attributes
    ----------
    entry_field : the √ΔM criterion: kink between the Meissner line and its quadratic departure
    first_deviation : the first two points more than 3σ off the Meissner line (biased high by noise)
    lower_critical_field : entry_field with the chosen shape correction
    alternatives : the same with each correction: none, 1 − N, Brandt's edge barrier (never multiplied)
    systematic : half the spread of the alternatives and criteria
    meissner_slope : dm/dH of the virgin line, unit of moment per A/m
    window : largest field used by the √ΔM criterion
    found, reason : whether there is a kink, and in one sentence why (not)
    """

    found: bool
    reason: str
    entry_field: Quantity
    first_deviation: Quantity
    lower_critical_field: Quantity
    alternatives: dict[str, Quantity]
    systematic: float
    meissner_slope: Quantity
    window: float
    correction: Correction

    def __str__(self) -> str:
        if not self.found:
            return f"no entry field: {self.reason}"
        return f"H_c1 = {self.lower_critical_field.to('Oe')} (correction {self.correction})"


def estimate_lower_critical_field(
    field: ArrayLike,
    moment: ArrayLike,
    *,
    uncertainty: ArrayLike | None = None,
    correction: Correction = "brandt",
    demagnetisation: float = 0.0,
    edge_factor: float = 1.0,
) -> LowerCriticalField:
    """Field of first flux entry from a virgin m(H) branch, by √ΔM and by first deviation.

    √ΔM against H is linear above the entry field for any Bean-like entry (ΔM ∝ (H − H_p)²), but its
    square root turns noise into bias; the same kink is therefore fitted in m itself,
    m = b + s H + c (H − H_p)₊² + d (H − H_p)₊³ (Bean's slab has d = 0, his cylinder not), with H_p by
    profile likelihood, over the widest window from zero field that this describes.

    Parameters
    ----------
    field, moment : shape (n,), A/m and any unit of moment; the virgin branch from about zero field
    uncertainty : shape (n,) or a number, one standard deviation of the moment; else from the scatter
    correction : the *one* shape correction: "none", "1-N" (H_c1 = H_p/(1 − N)) or "brandt" (H_p/edge_factor)
    demagnetisation : N along the field, for "1-N"
    edge_factor : Brandt's tanh √(0.67 b/a) (cylinder) or tanh √(0.36 b/a) (bar), for "brandt"

    Raises
    ------
    ValueError
        Too few points, an unknown correction, or factors outside 0 < edge_factor ≤ 1, 0 ≤ N < 1.
    """
    divisors = _divisors(correction, demagnetisation, edge_factor)
    h, m, sigma = _virgin(field, moment, uncertainty)
    fit = _widest_kink(h, m, sigma)
    deviation = _first_deviation(h, m, sigma)
    alternatives = {k: Quantity(fit.entry / d, fit.error / d, "A/m") for k, d in divisors.items()}
    values = [float(a) for a in alternatives.values()] + [float(deviation) / divisors[correction]]
    found = fit.improvement > 9
    reason = (
        f"the kink improves χ² by {fit.improvement:.0f} over a straight line up to {fit.window:.4g} A/m"
        if found
        else "m(H) is a straight line within its noise: flux does not enter up to the largest field"
    )
    return LowerCriticalField(
        found,
        reason,
        alternatives["none"] if found else Quantity(np.nan, unit="A/m"),
        deviation,
        alternatives[correction] if found else Quantity(np.nan, unit="A/m"),
        alternatives if found else {},
        float(np.ptp([v for v in values if np.isfinite(v)]) / 2) if found else np.nan,
        Quantity(fit.slope, fit.slope_error),
        fit.window,
        correction,
    )


@dataclass(frozen=True)
class ZeroTemperatureField:
    """H_c1(0) by one law of temperature, A/m, with χ² and the points' number."""

    law: Law
    zero_temperature_field: Quantity
    critical_temperature: float
    chi_square: float
    points: int

    def predict(self, temperature: ArrayLike) -> Array:
        """H_c1 in A/m at `temperature` in K."""
        return float(self.zero_temperature_field) * _shape(temperature, self.law, self.critical_temperature)

    def __str__(self) -> str:
        field = self.zero_temperature_field.to("Oe")
        return f"{self.law}: H_c1(0) = {field}, χ² = {self.chi_square:.1f} for {self.points} points"


def extrapolate_lower_critical_field(
    temperature: ArrayLike,
    field: ArrayLike,
    *,
    uncertainty: ArrayLike,
    critical_temperature: float,
    law: Law = "parabolic",
) -> ZeroTemperatureField:
    """H_c1(0) from H_c1(T) = H_c1(0)(1 − t²) ("parabolic") or H_c1(0)(1 − t) ("linear"), t = T/T_c.

    Parameters
    ----------
    temperature, field, uncertainty : shape (n,), K and A/m
    critical_temperature : K
    """
    shape = _shape(temperature, law, critical_temperature)
    h, sigma = np.asarray(field, float), np.asarray(uncertainty, float)
    usable = np.isfinite(h) & np.isfinite(sigma) & (sigma > 0) & (shape > 0)
    if usable.sum() < 2:
        raise ValueError(
            f"{usable.sum()} usable fields came below {critical_temperature:.4g} K; at least 2 with uncertainties "
            "are needed to extrapolate"
        )
    shape, h, sigma = shape[usable], h[usable], sigma[usable]
    information = float(np.sum((shape / sigma) ** 2))
    zero = float(np.sum(shape * h / sigma**2)) / information
    chi_square = float(np.sum(((h - zero * shape) / sigma) ** 2))
    error = np.sqrt(max(1.0, chi_square / (len(h) - 1)) / information)
    return ZeroTemperatureField(law, Quantity(zero, error, "A/m"), critical_temperature, chi_square, len(h))


def _shape(temperature: ArrayLike, law: Law, critical_temperature: float) -> Array:
    if law not in ("parabolic", "linear"):
        raise ValueError(f'law is {law!r}; it can be "parabolic" or "linear"')
    t = np.asarray(temperature, float) / critical_temperature
    return np.clip(1 - t ** (2 if law == "parabolic" else 1), 0, None)


def _divisors(correction: str, demagnetisation: float, edge_factor: float) -> dict[str, float]:
    if not (0 <= demagnetisation < 1 and 0 < edge_factor <= 1):
        raise ValueError(
            f"N = {demagnetisation:g} and edge factor {edge_factor:g} came; 0 ≤ N < 1 and 0 < edge factor ≤ 1 "
            "are possible"
        )
    divisors = {"none": 1.0, "1-N": 1 - demagnetisation, "brandt": edge_factor}
    if correction not in divisors:
        raise ValueError(
            f"correction is {correction!r}; it can be one of {', '.join(divisors)}, never two at once"
        )
    return divisors


def _virgin(field: ArrayLike, moment: ArrayLike, uncertainty: ArrayLike | None) -> tuple[Array, Array, Array]:
    h, m = np.asarray(field, float).ravel(), np.asarray(moment, float).ravel()
    if h.shape != m.shape or np.isfinite(h * m).sum() < FEWEST_POINTS:
        raise ValueError(
            f"{h.size} fields and {m.size} moments came; a virgin curve needs at least {FEWEST_POINTS} finite pairs"
        )
    chosen = np.flatnonzero(np.isfinite(h * m))[np.argsort(h[np.isfinite(h * m)], kind="stable")]
    h, m = h[chosen], m[chosen]
    if uncertainty is None:
        # A scatter from n points is itself uncertain by about 1.5/√n; too small a one would reject good windows.
        noise = noise_of(h, m) * (1 + 1.5 / np.sqrt(len(h))) or 1e-9 * float(np.max(np.abs(m)))
        return h, m, np.full(len(h), noise)
    sigma = np.broadcast_to(np.asarray(uncertainty, float), np.shape(field)).ravel()[chosen]
    if not np.all(sigma > 0):
        raise ValueError(
            "an uncertainty of the moment is not positive; leave it out to take it from the scatter"
        )
    return h, m, sigma


@dataclass(frozen=True)
class _Kink:
    entry: float
    error: float
    slope: float
    slope_error: float
    window: float
    improvement: float


def _widest_kink(h: Array, m: Array, sigma: Array) -> _Kink:
    """Shrink the window from the top until the kinked curve describes all of it."""
    for count in range(len(h), FEWEST_POINTS - 1, -max(1, len(h) // 40)):
        kink, chi_square = _fit_kink(h[:count], m[:count], sigma[:count])
        freedom = count - 5
        if chi_square < freedom + 3 * np.sqrt(2 * freedom) or count - max(1, len(h) // 40) < FEWEST_POINTS:
            return kink
    return kink


def _fit_kink(h: Array, m: Array, sigma: Array) -> tuple[_Kink, float]:
    """Linear least squares at each trial entry field; the minimum and its Δχ² = 1 width."""
    coarse = np.linspace(h[2], h[-2], 121)
    best = int(np.argmin([_chi_square_at(p, h, m, sigma)[0] for p in coarse]))
    trial = np.linspace(coarse[max(best - 2, 0)], coarse[min(best + 2, 120)], 161)
    scan = np.array([_chi_square_at(p, h, m, sigma)[0] for p in trial])
    entry, lowest = float(trial[np.argmin(scan)]), float(np.min(scan))
    scale = max(1.0, lowest / max(len(h) - 5, 1))
    inside = trial[scan <= lowest + scale]
    low, high = float(inside[0]), float(inside[-1])
    _, coefficients, covariance = _chi_square_at(entry, h, m, sigma)
    # The slope is correlated with the entry field: what it does at either end of the interval counts too.
    ends = [_chi_square_at(p, h, m, sigma)[1][1] for p in (low, high)]
    slope_error = float(np.hypot(np.sqrt(covariance[1, 1] * scale), np.ptp(ends) / 2))
    straight = _chi_square_at(np.inf, h, m, sigma)[0]
    error = max((high - low) / 2, float(trial[1] - trial[0]))
    kink = _Kink(entry, error, float(coefficients[1]), slope_error, float(h[-1]), (straight - lowest) / scale)
    return kink, lowest


def _chi_square_at(entry: float, h: Array, m: Array, sigma: Array) -> tuple[float, Array, Array]:
    columns = [np.ones_like(h), h]
    if np.isfinite(entry):
        past = np.clip(h - entry, 0, None)
        columns += [past**2, past**3]
    scale = np.array([np.max(np.abs(c)) or 1.0 for c in columns])
    design = np.stack(columns, axis=1) / scale / sigma[:, None]
    inverse = np.linalg.pinv(design)
    coefficients = inverse @ (m / sigma)
    chi_square = float(np.sum((m / sigma - design @ coefficients) ** 2))
    return chi_square, coefficients / scale, (inverse @ inverse.T) / np.outer(scale, scale)


def _first_deviation(h: Array, m: Array, sigma: Array) -> Quantity:
    """Grow the Meissner line point by point; stop where two points in a row lie 3σ off it."""
    for count in range(5, len(h) - 1):
        line, covariance = np.polyfit(h[:count], m[:count], 1, w=1 / sigma[:count], cov="unscaled")
        design = np.stack([h[count : count + 2], np.ones(2)], axis=1)
        error = np.sqrt(np.einsum("ij,jk,ik->i", design, covariance, design) + sigma[count : count + 2] ** 2)
        if np.all(np.abs(m[count : count + 2] - design @ line) > 3 * error):
            return Quantity(0.5 * (h[count - 1] + h[count]), 0.5 * (h[count] - h[count - 1]), "A/m")
    return Quantity(np.nan, unit="A/m")
