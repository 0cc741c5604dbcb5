"""Whole curves to whole answers: all of a figure's numbers from its curves, and why any of them is missing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.analysis.lower_critical_field import (
    Correction,
    LowerCriticalField,
    ZeroTemperatureField,
    estimate_lower_critical_field,
    extrapolate_lower_critical_field,
)
from nbtools.analysis.resistivity import NormalState, StepCount, count_transition_steps, fit_normal_state
from nbtools.analysis.shielding import Shielding, estimate_shielding, full_screening_susceptibility
from nbtools.analysis.transition import Transition, combine_branches, estimate_transition
from nbtools.analysis.upper_critical_field import (
    UpperCriticalLaw,
    collect_upper_critical_fields,
    compare_upper_critical_laws,
)
from nbtools.models import superconductor
from nbtools.models.gradiometer import sample_length_factor
from nbtools.units import Quantity

Array = NDArray[np.float64]
# The palladium cylinder that magnetometers are calibrated on is about this long; whether the maker corrects
# for it is not published, so half its effect counts as error.
CALIBRATION_LENGTH = 3.8e-3


@dataclass(frozen=True)
class ResistanceStudy:
    """R(T) or ρ(T): the transition of each branch, their mean, the normal state, one step or two.

    `temperature` and `signal` are the branch with the widest range, in `unit`; `missing` says in one
    sentence each what could not be had.
    """

    branches: dict[str, Transition]
    transition: Transition | None
    normal: NormalState | None
    steps: StepCount | None
    temperature: Array
    signal: Array
    unit: str
    missing: dict[str, str]

    def __bool__(self) -> bool:
        return bool(self.branches)

    def __str__(self) -> str:
        lines = [f"{label:8s} {branch}" for label, branch in self.branches.items()]
        return "\n".join(lines + [str(part) for part in (self.normal, self.steps) if part])


def study_resistance(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]], *, geometry: Quantity | None = None
) -> ResistanceStudy:
    """All that R(T) tells in no field.

    Parameters
    ----------
    curves : by branch ("cooling", "warming"): K and Ω, shape (n,) each
    geometry : cross-section over tap distance, m ± σ; without it the unit stays Ω
    """
    if not curves:
        return ResistanceStudy({}, None, None, None, np.array([]), np.array([]), "ohm", {})
    scale, unit = (float(geometry), "ohm m") if geometry else (1.0, "ohm")
    scaled = {label: (np.asarray(t), scale * np.asarray(r)) for label, (t, r) in curves.items()}
    branches = {label: estimate_transition(t, r, kind="resistive") for label, (t, r) in scaled.items()}
    transition = combine_branches(list(branches.values()))
    temperature, signal = max(scaled.values(), key=lambda curve: float(np.ptp(curve[0])))
    missing = dict(transition.undetermined)
    normal = steps = None
    try:
        error = geometry.uncertainty / geometry if geometry else 0.0
        above = float(transition.onset) if transition.found else float(np.min(temperature))
        normal = fit_normal_state(temperature, signal, onset=above, scale_uncertainty=error, unit=unit)
    except ValueError as reason:
        missing["normal state"] = str(reason)
    if normal and transition.found:
        steps = _count_steps(temperature, signal / normal.predict(temperature), transition)
    return ResistanceStudy(branches, transition, normal, steps, temperature, signal, unit, missing)


def _count_steps(temperature: Array, share: Array, transition: Transition) -> StepCount | None:
    reach = 8 * float(transition.width) if np.isfinite(transition.width) else 0.2 * float(transition.midpoint)
    near = np.abs(temperature - transition.midpoint) < reach
    if near.sum() < 15:
        return None
    noise = transition.noise[0] / transition.normal_level or 1e-6
    return count_transition_steps(temperature[near], share[near], noise=noise)


@dataclass(frozen=True)
class ScreeningStudy:
    """χ(T) or m(T) of zero-field and field cooling, and what the plateau means.

    `curves` hold the susceptibility where the volume is known, else the moment (A m²).
    """

    transitions: dict[str, Transition]
    curves: dict[str, tuple[Array, Array]]
    shielding: Shielding | None
    meissner_fraction: Quantity
    full_screening: dict[str, float]

    def __bool__(self) -> bool:
        return bool(self.transitions)

    @property
    def onset(self) -> Quantity:
        """Of the first (zero-field-cooled) branch, K."""
        return next(iter(self.transitions.values())).onset

    def __str__(self) -> str:
        lines = [f"{label:8s} {found}" for label, found in self.transitions.items()]
        return "\n".join(lines + [str(self.shielding)] * (self.shielding is not None))


def study_screening(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    field: float = np.nan,
    volume: Quantity | None = None,
    sides: Sequence[float] | None = None,
    shape: str = "prism",
    remanence: Quantity | None = None,
    instrument: str | None = None,
    scan_length: float = 0.04,
) -> ScreeningStudy:
    """All that m(T) tells at one field; a susceptibility only with volume, sides, remanence and instrument.

    Parameters
    ----------
    curves : by branch, the zero-field-cooled first: K and A m², shape (n,) each
    field : A/m, as set; remanence : A/m ± σ, to be added to it
    volume, sides : m³ ± σ; the three edges in m, the last along the field
    instrument, scan_length : mode of the magnetometer (`sample_length_factor`), and m
    """
    measured = {label: (np.asarray(t), np.asarray(m)) for label, (t, m) in curves.items()}
    transitions = {label: estimate_transition(t, m, kind="diamagnetic") for label, (t, m) in measured.items()}
    plateaus = [_plateau(*curve, transitions[label]) for label, curve in measured.items()]
    fraction = _ratio(plateaus[1], plateaus[0]) if len(plateaus) > 1 else Quantity(np.nan)
    if volume is None or sides is None or remanence is None or instrument is None or not measured:
        return ScreeningStudy(transitions, measured, None, fraction, {})
    full = full_screening_susceptibility(*sides, shape=shape)
    length_factor = _length_factor(sides[-1], instrument, scan_length)
    shielding = estimate_shielding(
        plateaus[0],
        field=field,
        volume=volume,
        remanence=remanence,
        full_screening=full,
        method=next(iter(full)),
        length_factor=length_factor,
    )
    scale = float(volume) * (field + float(remanence))
    susceptibility = {label: (t, m / scale) for label, (t, m) in measured.items()}
    return ScreeningStudy(transitions, susceptibility, shielding, fraction, full)


def _plateau(temperature: Array, moment: Array, transition: Transition) -> Quantity:
    """Mean moment below a quarter of the transition, with its standard error."""
    below = moment[temperature < 0.25 * (transition.midpoint if transition.found else np.max(temperature))]
    below = below if len(below) > 2 else np.sort(moment)[:3]
    return Quantity(float(np.mean(below)), float(np.std(below, ddof=1)) / np.sqrt(len(below)), "A m^2")


def _ratio(above: Quantity, below: Quantity) -> Quantity:
    relative = np.hypot(above.uncertainty / above, below.uncertainty / below)
    return Quantity(above / below, float(abs(above / below) * relative))


def _length_factor(length: float, instrument: Any, scan_length: float) -> Quantity:
    point = float(sample_length_factor(length, mode=instrument, scan_length=scan_length))
    calibrated = float(
        sample_length_factor(
            length, mode=instrument, scan_length=scan_length, reference_length=CALIBRATION_LENGTH
        )
    )
    return Quantity(point, abs(calibrated - point) / 2)


@dataclass(frozen=True)
class FluxEntryStudy:
    """H_c1 of every virgin curve, coldest first, and both extrapolations to zero temperature.

    `systematic` is what the criterion, the shape correction and, where χ² allows both, the law do to H_c1(0):
    half the spread, A/m.
    """

    temperature: Array
    fields: tuple[LowerCriticalField, ...]
    laws: dict[str, ZeroTemperatureField]
    missing: dict[str, str]

    def __bool__(self) -> bool:
        return bool(self.fields)

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


def study_flux_entry(
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
    ValueError
        A shape correction without the shape.
    """
    if correction != "none" and sides is None:
        raise ValueError(
            f'correction {correction!r} needs the sample\'s dimensions; give them or take "none"'
        )
    factors = _shape_factors(sides) if sides is not None else {}
    missing, found = {}, []
    for kelvin, field, moment, sigma in sorted(curves, key=lambda curve: curve[0]):
        try:
            estimate = estimate_lower_critical_field(
                field, moment, uncertainty=sigma, correction=correction, **factors
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
    laws = (
        {}
        if len(fields) < 2
        else _both_laws(temperature, fields, critical_temperature, field_uncertainty, temperature_uncertainty)
    )
    return FluxEntryStudy(temperature, fields, laws, missing)


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


@dataclass(frozen=True)
class ResistiveFieldStudy:
    """H_c2(T) by one criterion and the laws fitted to it, lowest AICc first."""

    criterion: float
    temperature: Array
    field: Array
    uncertainty: Array
    laws: dict[Any, UpperCriticalLaw]
    missing: dict[str, str]

    def __bool__(self) -> bool:
        return bool(self.laws)

    @property
    def best(self) -> UpperCriticalLaw:
        return next(iter(self.laws.values()))

    def __str__(self) -> str:
        return "\n".join(str(law) for law in self.laws.values())


def study_resistive_field(
    curves: Sequence[tuple[float, ArrayLike, ArrayLike]],
    *,
    normal: Callable[[float], float],
    criterion: float = 0.1,
    temperature_uncertainty: float = 0.0,
    calibration: float = 0.0,
) -> ResistiveFieldStudy:
    """H_c2(T) from field sweeps of the resistance, and its laws.

    Parameters
    ----------
    curves : of (K, fields in A/m, resistances)
    normal : the normal-state value at a temperature, in the unit of the resistances
    criterion : share of it
    temperature_uncertainty : K, of one temperature against another
    calibration : K, of all temperatures together; what it does to each law's parameters is added to their σ
    """
    shares = [(t, h, np.asarray(r) / float(normal(t))) for t, h, r in curves]
    t, h, sigma = collect_upper_critical_fields(shares, criterion=criterion)
    options: dict[str, Any] = {"uncertainty": sigma, "temperature_uncertainty": temperature_uncertainty}
    try:
        laws = compare_upper_critical_laws(t, h, **options)
    except ValueError as reason:
        return ResistiveFieldStudy(criterion, t, h, sigma, {}, {"H_c2(T)": str(reason)})
    if calibration:
        shifted = compare_upper_critical_laws(t + calibration, h, **options)
        laws = {name: _with_calibration(law, shifted[name]) for name, law in laws.items()}
    return ResistiveFieldStudy(criterion, t, h, sigma, laws, {})


def _with_calibration(law: UpperCriticalLaw, shifted: UpperCriticalLaw) -> UpperCriticalLaw:
    names = ("zero_temperature_field", "critical_temperature", "exponent", "coherence_length")
    widened: dict[str, Any] = {
        name: getattr(law, name).widened(abs(getattr(shifted, name) - getattr(law, name))) for name in names
    }
    return replace(law, **widened)
