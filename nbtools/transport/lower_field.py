"""Where flux first enters: the kink of a virgin magnetisation curve, and its extrapolation to zero temperature."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.statistics.arrays import check_points
from nbtools.statistics.noise import averaged, noise_of, relative_error_of_noise
from nbtools.units import Quantity

Array = NDArray[np.float64]
Correction = Literal["none", "1-N", "brandt"]
Law = Literal["parabolic", "linear"]
FEWEST_POINTS = 8
MOST_POINTS = 400  # neighbours beyond are averaged: a kink's parabola is much wider than a 400th of the range
PROFILE = 160  # trial entry fields
# χ² of a fourth and fifth power above the kink that chance exceeds in 1 % of windows (2 degrees of freedom).
BEND = 9.2
SHRINK, INSIDE = 0.8, 0.7  # of the part of the window above the kink: at each trial, and in the end


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
    curve = _virgin(field, moment, uncertainty)
    fit = _widest_kink(curve)
    deviation = _first_deviation(curve)
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


@dataclass(frozen=True)
class _Virgin:
    """A virgin branch in order of field, scaled to a largest field of 1; at most `MOST_POINTS` points."""

    h: Array
    m: Array
    sigma: Array
    largest: float

    def up_to(self, field: float) -> "_Virgin":
        count = int(np.searchsorted(self.h, field, "right"))
        return _Virgin(self.h[:count], self.m[:count], self.sigma[:count], self.largest)


def _virgin(field: ArrayLike, moment: ArrayLike, uncertainty: ArrayLike | None) -> _Virgin:
    points = check_points(field=field, moment=moment, uncertainty=uncertainty)
    if len(points.kept) < FEWEST_POINTS:
        raise ValueError(
            f"{np.size(field)} fields and {np.size(moment)} moments came; a virgin curve needs at least "
            f"{FEWEST_POINTS} finite pairs"
        )
    h, m, *given = points.sorted_by(0).columns
    largest = float(h[-1])
    if not largest > 0:
        raise ValueError(f"the largest field is {largest:.4g} A/m; a virgin branch goes up from zero field")
    if uncertainty is None:
        noise = noise_of(h, m) or 1e-9 * float(np.max(np.abs(m)))
        sigma = np.full(len(h), noise * (1 + relative_error_of_noise(len(h))))
    else:
        sigma = given[0]
        if not np.all(sigma > 0):
            raise ValueError(
                "an uncertainty of the moment is not positive; leave it out to take it from the scatter"
            )
    return _Virgin(*averaged(h / largest, m, sigma, most=MOST_POINTS), largest)


@dataclass(frozen=True)
class _Kink:
    entry: float
    error: float
    slope: float
    slope_error: float
    window: float
    improvement: float


def _widest_kink(curve: _Virgin) -> _Kink:
    """The kinked curve over the widest window from zero field in which no fourth power shows, made narrower.

    As in `fit_locally`: a fourth power that is just seen moves the kink by one or two of its σ; with the part
    above the kink at 0.7 of the widest window, what is left of that is small against a σ that has grown.
    """
    window, suspected, kink = float(curve.h[-1]), True, None
    while suspected:
        part = curve.up_to(window)
        kink = _fit_kink(part)
        smaller = kink.entry + SHRINK * (window - kink.entry)
        suspected = (
            _shows_more(part, kink.entry)
            and np.sum(curve.h <= smaller) >= 2 * FEWEST_POINTS
            and np.sum((curve.h > kink.entry) & (curve.h <= smaller)) >= FEWEST_POINTS
        )
        if suspected:
            window = smaller
    assert kink is not None
    if window < curve.h[-1]:
        smaller = kink.entry + INSIDE * (window - kink.entry)
        part = curve.up_to(smaller)
        if np.sum(part.h > kink.entry) >= FEWEST_POINTS:
            kink = _fit_kink(part)
    scale = curve.largest
    return _Kink(
        kink.entry * scale,
        kink.error * scale,
        kink.slope / scale,
        kink.slope_error / scale,
        kink.window * scale,
        kink.improvement,
    )


def _fit_kink(part: _Virgin) -> _Kink:
    """The entry field by its whole profile likelihood: its mean and standard deviation, wherever they reach."""
    trial = np.linspace(part.h[1], part.h[-3], PROFILE)
    best = 0
    for _ in range(3):  # again where the likelihood lies, until its peak is resolved
        chi_square = _profile(part, trial)
        scale = max(1.0, float(np.min(chi_square)) / max(len(part.h) - 5, 1))
        likelihood = np.exp(-0.5 * (chi_square - np.min(chi_square)) / scale)
        best = int(np.argmin(chi_square))
        reached = np.flatnonzero(likelihood > 1e-6)
        if len(reached) > PROFILE / 4:
            break
        trial = np.linspace(
            trial[max(reached[0] - 1, 0)], trial[min(reached[-1] + 1, len(trial) - 1)], PROFILE
        )
    weight = likelihood / np.sum(likelihood)
    entry = float(np.sum(weight * trial))
    error = float(np.sqrt(np.sum(weight * (trial - entry) ** 2)))
    slopes, slope_variance = _slopes(part, trial[likelihood > 1e-3])
    weight = weight[likelihood > 1e-3]
    slope = float(np.sum(weight * slopes) / np.sum(weight))
    between = float(np.sum(weight * (slopes - slope) ** 2) / np.sum(weight))
    within = float(np.sum(weight * slope_variance) / np.sum(weight)) * scale
    straight = _line_chi_square(part)
    improvement = (straight - float(chi_square[best])) / scale
    return _Kink(entry, error, slope, float(np.sqrt(between + within)), float(part.h[-1]), improvement)


def _designs(part: _Virgin, entries: Array, powers: Sequence[int] = (2, 3)) -> Array:
    """Columns 1, H, (H − H_p)₊² and (H − H_p)₊³ over σ for each trial entry, shape (trial, point, column)."""
    past = np.clip(part.h - entries[:, None], 0, None)
    columns = [np.ones_like(past), np.broadcast_to(part.h, past.shape), *(past**power for power in powers)]
    return np.stack(columns, axis=-1) / part.sigma[:, None]


def _profile(part: _Virgin, entries: Array) -> Array:
    """χ² at each trial entry field, everything else at its best."""
    return np.concatenate([_chi_squares(part, some) for some in np.array_split(entries, 8)])


def _chi_squares(part: _Virgin, entries: Array, powers: Sequence[int] = (2, 3)) -> Array:
    q, _ = np.linalg.qr(_designs(part, entries, powers))
    values = part.m / part.sigma
    explained = np.einsum("tpc,p->tc", q, values)
    return np.sum((values - np.einsum("tpc,tc->tp", q, explained)) ** 2, axis=1)


def _slopes(part: _Virgin, entries: Array) -> tuple[Array, Array]:
    """dm/dH of the Meissner line at each trial entry field, and its variance."""
    inverse = np.linalg.pinv(_designs(part, entries))
    values = part.m / part.sigma
    return np.einsum("tp,p->t", inverse[:, 1], values), np.sum(inverse[:, 1] ** 2, axis=1)


def _line_chi_square(part: _Virgin) -> float:
    design = np.stack([np.ones_like(part.h), part.h], axis=1) / part.sigma[:, None]
    values = part.m / part.sigma
    q, _ = np.linalg.qr(design)
    return float(np.sum((values - q @ (q.T @ values)) ** 2))


def _shows_more(part: _Virgin, entry: float) -> bool:
    """Whether a fourth and fifth power above the kink improve χ² by more than chance does, the kink free to move."""
    near = np.linspace(part.h[1], part.h[-3], 41)
    without = float(np.min(_chi_squares(part, np.append(near, entry))))
    more = float(np.min(_chi_squares(part, np.append(near, entry), (2, 3, 4, 5))))
    freedom = len(part.h) - 7
    noise = max(1.0, more / max(freedom, 1))
    return (without - more) / noise > BEND


def _first_deviation(curve: _Virgin) -> Quantity:
    """Grow the Meissner line point by point; stop where two points in a row lie 3σ off it."""
    h, m, weight = curve.h, curve.m, curve.sigma**-2.0
    # Running sums of a weighted line through the first points; each line predicts the next two points.
    s0, s1, s2 = np.cumsum(weight), np.cumsum(weight * h), np.cumsum(weight * h**2)
    t0, t1 = np.cumsum(weight * m), np.cumsum(weight * h * m)
    determinant = s0 * s2 - s1**2
    count = np.arange(5, len(h) - 1)
    k = count - 1
    slope = (s0 * t1 - s1 * t0)[k] / determinant[k]
    offset = (s2 * t0 - s1 * t1)[k] / determinant[k]
    off = []
    for ahead in (0, 1):
        x = h[count + ahead]
        variance = (s2[k] - 2 * s1[k] * x + s0[k] * x**2) / determinant[k] + curve.sigma[count + ahead] ** 2
        off.append(np.abs(m[count + ahead] - offset - slope * x) > 3 * np.sqrt(variance))
    first = np.flatnonzero(off[0] & off[1])
    if not len(first):
        return Quantity(np.nan, unit="A/m")
    here = int(count[first[0]])
    return Quantity(
        0.5 * (h[here - 1] + h[here]) * curve.largest, 0.5 * (h[here] - h[here - 1]) * curve.largest, "A/m"
    )
