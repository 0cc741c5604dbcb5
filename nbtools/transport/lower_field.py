"""Where flux first enters: the kink of a virgin magnetisation curve, and its extrapolation to zero temperature."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.cache import cached
from nbtools.physics import superconductor
from nbtools.physics.domain import require_one_of
from nbtools.results import NotPossible
from nbtools.statistics.arrays import check_points
from nbtools.statistics.noise import averaged, noise_of, relative_error_of_noise
from nbtools.study import Row, StudyResult
from nbtools.transport.screening import full_screening_susceptibility
from nbtools.units import Quantity

Array = NDArray[np.float64]
Correction = Literal["none", "1-N", "brandt"]
Law = Literal["parabolic", "linear"]
FEWEST_POINTS = 8
MOST_POINTS = 400  # neighbours beyond are averaged: a kink's parabola is much wider than a 400th of the range
PROFILE = 160  # trial entry fields
# What the third, fourth and fifth power of the field past entry may contribute at the largest field, as shares of
# all that the moment has departed by (one standard deviation). Bean's slab has none, his cylinder a third power of
# −1/3; a critical current that falls with field adds more. Without them a kink looks surer, and lower, than it is.
# The third power is measured; where it turns out small, so are those after it, as in any smooth series.
SERIES = (1.0, 0.5, 0.25)
RATIO = 2.0  # of one term to the one before it, in those of the third to the second as measured


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
    square root turns noise into bias; the same kink is therefore fitted in m itself, m = b + s H + a power
    series in (H − H_p)₊ that starts with the square (`SERIES` says how large its further terms may be), with
    H_p and its σ by profile likelihood, over the widest window from zero field that this describes.

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
    points = check_points(temperature=temperature, field=field, uncertainty=uncertainty)
    t, h, sigma = points.columns
    shape = _shape(t, law, critical_temperature)
    usable = (sigma > 0) & (shape > 0)
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
    require_one_of(("parabolic", "linear"), law=law)
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
    if np.ptp(m) == 0:
        raise ValueError(f"all {len(m)} moments are {m[0]:g}: this curve shows nothing")
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
    """The kinked curve over the widest window from zero field that it describes."""
    kink = None
    for share in np.geomspace(1.0, 0.1, 15):
        part = curve.up_to(share * float(curve.h[-1]))
        if kink is not None and len(part.h) < 2 * FEWEST_POINTS:
            break
        kink, chi_square = _fit_kink(part)
        freedom = len(part.h) - 5
        if chi_square < freedom + 3 * np.sqrt(2 * freedom):
            break
    assert kink is not None
    entry, error, slope, slope_error, window, improvement = astuple(kink)
    scale = curve.largest
    return _Kink(
        entry * scale, error * scale, slope / scale, slope_error / scale, window * scale, improvement
    )


def _fit_kink(part: _Virgin) -> tuple[_Kink, float]:
    """The best entry field and the half width of Δχ² = 1 about it, wherever that reaches; and χ²."""
    trial = np.linspace(part.h[1], part.h[-3], PROFILE)
    departure, series = _departure(part, trial)
    low, high = float(trial[0]), float(trial[-1])
    for _ in range(4):  # again where the interval lies, until it is resolved
        trial = np.linspace(low, high, PROFILE)
        chi_square = _profile(part, trial, departure, series)
        best = int(np.argmin(chi_square))
        scale = max(1.0, float(chi_square[best]) / max(len(part.h) - 5, 1))
        inside = np.flatnonzero(chi_square <= chi_square[best] + 4 * scale)
        if len(inside) > PROFILE / 4:
            break
        low, high = trial[max(inside[0] - 1, 0)], trial[min(inside[-1] + 1, PROFILE - 1)]
    entry = float(trial[best])
    left, right = _interval(trial, chi_square, best, scale)
    slopes, variance = _slopes(part, np.array([left, entry, right]), departure, series)
    # The slope is correlated with the entry field: what it does at either end of the interval counts too.
    slope_error = float(np.hypot(np.sqrt(variance[1] * scale), np.ptp(slopes) / 2))
    improvement = (_line_chi_square(part) - float(chi_square[best])) / scale
    kink = _Kink(entry, (right - left) / 2, float(slopes[1]), slope_error, float(part.h[-1]), improvement)
    return kink, float(chi_square[best])


def _interval(trial: Array, chi_square: Array, best: int, scale: float) -> tuple[float, float]:
    """Where Δχ² = 1 is first met on either side of the best, or the end of the fields."""
    level = chi_square[best] + scale
    ends = []
    for step, last in ((-1, 0), (1, len(trial) - 1)):
        i = best
        while i != last and chi_square[i + step] < level:
            i += step
        if i == last:
            ends.append(float(trial[last]))
            continue
        share = (level - chi_square[i]) / (chi_square[i + step] - chi_square[i])
        ends.append(float(trial[i] + share * (trial[i + step] - trial[i])))
    return ends[0], ends[1]


def _departure(part: _Virgin, trial: Array) -> tuple[float, Array]:
    """|ΔM| at the largest field, from a parabola and cube above the kink; and what a series may add to it."""
    plain = np.array([1e6, 1e-9, 1e-9]) * float(np.max(np.abs(part.m)))
    best = trial[int(np.argmin(_profile(part, trial, 1.0, plain)))]
    inverse = np.linalg.pinv(_designs(part, np.array([best]))[0, :, :4])
    coefficients = inverse @ (part.m / part.sigma)
    departure = max(abs(float(np.sum(coefficients[2:]))), float(np.median(part.sigma)))
    cube = (abs(float(coefficients[3])) + float(np.linalg.norm(inverse[3]))) / departure
    ratio = RATIO * cube
    return departure, np.minimum(SERIES, [SERIES[0], ratio**2, ratio**3])


def _designs(part: _Virgin, entries: Array) -> Array:
    """Columns 1, H, u², u³, … over σ, u = (H − H_p)₊ over its largest, shape (trial, point, column)."""
    past = np.clip(part.h - entries[:, None], 0, None) / (part.h[-1] - entries[:, None])
    powers = [past**power for power in range(2, 3 + len(SERIES))]
    columns = [np.ones_like(past), np.broadcast_to(part.h, past.shape), *powers]
    return np.stack(columns, axis=-1) / part.sigma[:, None]


def _with_prior(part: _Virgin, entries: Array, departure: float, series: Array) -> tuple[Array, Array]:
    """Design and values, with one more row for each term of the series: zero within what it may be."""
    design, values = _designs(part, entries), part.m / part.sigma
    rows = np.zeros((len(entries), len(SERIES), design.shape[2]))
    for k, allowed in enumerate(series):
        rows[:, k, 3 + k] = 1 / (allowed * departure)
    return np.concatenate([design, rows], axis=1), np.concatenate([values, np.zeros(len(SERIES))])


def _profile(part: _Virgin, entries: Array, departure: float, series: Array) -> Array:
    """χ² at each trial entry field, everything else at its best."""
    chi_squares = []
    for some in np.array_split(entries, 8):
        design, values = _with_prior(part, some, departure, series)
        q, _ = np.linalg.qr(design)
        explained = np.einsum("tpc,p->tc", q, values)
        chi_squares.append(np.sum((values - np.einsum("tpc,tc->tp", q, explained)) ** 2, axis=1))
    return np.concatenate(chi_squares)


def _slopes(part: _Virgin, entries: Array, departure: float, series: Array) -> tuple[Array, Array]:
    """dm/dH of the Meissner line at each trial entry field, and its variance."""
    design, values = _with_prior(part, entries, departure, series)
    inverse = np.linalg.pinv(design)
    return np.einsum("tp,p->t", inverse[:, 1], values), np.sum(inverse[:, 1] ** 2, axis=1)


def _line_chi_square(part: _Virgin) -> float:
    design = np.stack([np.ones_like(part.h), part.h], axis=1) / part.sigma[:, None]
    values = part.m / part.sigma
    q, _ = np.linalg.qr(design)
    return float(np.sum((values - q @ (q.T @ values)) ** 2))


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


@dataclass(frozen=True, repr=False)
class FluxEntryStudy(StudyResult):
    """H_c1 of every virgin curve, coldest first, and both extrapolations to zero temperature.

    Attributes
    ----------
    temperature : of the curves with an entry field, K, shape (n,)
    fields : what was found in each
    laws : both extrapolations; empty where fewer than two curves have an entry field
    correction : for the shape
    curves : of (K, fields in A/m, moments in A m²), every virgin curve, coldest first
    missing : curves without an entry field, a sentence each
    """

    temperature: Array
    fields: tuple[LowerCriticalField, ...]
    laws: dict[str, ZeroTemperatureField]
    correction: str
    curves: tuple[tuple[float, Array, Array], ...]
    missing: dict[str, str]

    def rows(self) -> list[Row]:
        rows = [
            Row(f"entry field at {kelvin:.4g} K", found.entry_field, "√ΔM kink", shown="Oe")
            for kelvin, found in zip(self.temperature, self.fields, strict=True)
        ]
        how = f"shape correction {self.correction}"
        rows += [
            Row(f"H_c1(0), {name} law", law.zero_temperature_field, f"χ² = {law.chi_square:.1f}", shown="Oe")
            for name, law in self.laws.items()
        ]
        if self.laws:
            how = f"√ΔM kink, shape correction {self.correction}, {self.best.law} law"
            rows.append(Row("H_c1(0)", self.zero_temperature_field, how, "lower_critical_field", "Oe"))
        return rows

    def notes(self) -> list[str]:
        said = [f"{kelvin}: {reason}" for kelvin, reason in self.missing.items()]
        if self.laws:
            said.append(
                f"criterion, shape and law together: ± {Quantity(self.systematic, unit='A/m').to('Oe'):.0f} Oe, in σ"
            )
        return said

    @property
    def zero_temperature_field(self) -> Quantity:
        """H_c1(0) by the better law, `systematic` included, A/m; NaN where fewer than two curves have a kink."""
        if not self.laws:
            return Quantity(np.nan, unit="A/m")
        return self.best.zero_temperature_field.widened(self.systematic)

    @property
    def best(self) -> ZeroTemperatureField:
        """The law of lower χ²."""
        return min(self.laws.values(), key=lambda law: law.chi_square)

    @property
    def systematic(self) -> float:
        best = self.best
        zero = [
            float(law.zero_temperature_field)
            for law in self.laws.values()
            if law.chi_square < best.chi_square + 10
        ]
        coldest = self.fields[0]
        relative = coldest.systematic / float(coldest.lower_critical_field)
        return float(np.hypot(np.ptp(zero) / 2, relative * float(self.best.zero_temperature_field)))


@cached
def estimate_flux_entry(
    curves: Sequence[tuple[float, ArrayLike, ArrayLike, ArrayLike | None]],
    *,
    critical_temperature: float,
    correction: Correction = "none",
    sides: Sequence[float] | None = None,
    field_uncertainty: float = 0.0,
    temperature_uncertainty: float = 0.0,
) -> FluxEntryStudy:
    """H_c1(T) from virgin curves and its value at zero temperature.

    Parameters
    ----------
    curves : of (K, fields in A/m, moments, σ of the moments or None)
    critical_temperature : K
    correction : "none", "1-N" or "brandt"; the last two need `sides`
    sides : the three edges in m, the last along the field
    field_uncertainty, temperature_uncertainty : of the calibrations, A/m and K; for the extrapolation

    Raises
    ------
    NotPossible
        A shape correction without the shape; no virgin curve with an entry field.
    """
    if correction != "none" and sides is None:
        raise NotPossible(
            f'correction {correction!r} needs the sample\'s dimensions; give them or take "none"'
        )
    factors = _shape_factors(sides) if sides is not None else {}
    missing, found = {}, []
    for kelvin, h, m, sigma in sorted(curves, key=lambda curve: curve[0]):
        try:
            estimate = estimate_lower_critical_field(
                h, m, uncertainty=sigma, correction=correction, **factors
            )
        except ValueError as reason:
            missing[f"{kelvin:.4g} K"] = str(reason)
            continue
        if estimate.found:
            found.append((kelvin, estimate))
        else:
            missing[f"{kelvin:.4g} K"] = estimate.reason
    temperature = np.array([kelvin for kelvin, _ in found])
    fields = tuple(estimate for _, estimate in found)
    if not np.isfinite(critical_temperature):
        missing["H_c1(0)"] = "it needs the critical temperature, which m(T) does not determine here"
    laws = (
        {}
        if len(fields) < 2 or not np.isfinite(critical_temperature)
        else _both_laws(temperature, fields, critical_temperature, field_uncertainty, temperature_uncertainty)
    )
    if not fields:
        raise NotPossible("; ".join(f"{kelvin}: {reason}" for kelvin, reason in missing.items()))
    kept = tuple(
        (t, np.asarray(h), np.asarray(m)) for t, h, m, _ in sorted(curves, key=lambda curve: curve[0])
    )
    return FluxEntryStudy(temperature, fields, laws, correction, kept, missing)


def _shape_factors(sides: Sequence[float]) -> dict[str, float]:
    screened = next(iter(full_screening_susceptibility(*sides).values()))
    ratio = sides[2] / np.sqrt(sides[0] * sides[1])
    edge = superconductor.edge_barrier_factor(ratio, shape="cylinder" if ratio > 1 else "bar")
    return {"demagnetisation": 1 + 1 / screened, "edge_factor": float(edge)}


def _both_laws(
    temperature: Array,
    fields: tuple[LowerCriticalField, ...],
    critical_temperature: float,
    field_uncertainty: float,
    temperature_uncertainty: float,
) -> dict[str, ZeroTemperatureField]:
    values = np.array([float(f.lower_critical_field) for f in fields])
    noise = np.array([f.lower_critical_field.uncertainty for f in fields])
    through_slope = np.gradient(values, temperature) * temperature_uncertainty
    sigma = np.sqrt(noise**2 + field_uncertainty**2 + through_slope**2)
    return {
        law: extrapolate_lower_critical_field(
            temperature, values, uncertainty=sigma, critical_temperature=critical_temperature, law=law
        )
        for law in ("parabolic", "linear")
    }
