"""Magnetisation: screening and Meissner effect in one field, flux entry and H_c1 at many temperatures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.cache import cached
from nbtools.physics import superconductor
from nbtools.results import NotPossible
from nbtools.study import Row, StudyResult
from nbtools.transport.lower_field import (
    Correction,
    LowerCriticalField,
    ZeroTemperatureField,
    estimate_lower_critical_field,
    extrapolate_lower_critical_field,
)
from nbtools.transport.model_gradiometer import sample_length_factor
from nbtools.transport.screening import (
    Shielding,
    estimate_meissner_fraction,
    estimate_plateau,
    estimate_shielding,
    full_screening_susceptibility,
)
from nbtools.transport.transition import Transition, estimate_transition
from nbtools.units import Quantity

Array = NDArray[np.float64]
# The palladium cylinder that magnetometers are calibrated on is about this long; whether the maker corrects
# for it is not published, so half its effect counts as error.
CALIBRATION_LENGTH = 3.8e-3


@dataclass(frozen=True, repr=False)
class ScreeningStudy(StudyResult):
    """χ(T) or m(T) of zero-field and field cooling, and what the plateau means.

    Attributes
    ----------
    transitions : of each curve, the zero-field-cooled first
    curves : by branch, K and the susceptibility where the volume is known, else the moment (A m²)
    shielding : the plateau as a susceptibility, None where the card does not give what that takes
    meissner_fraction : the field-cooled plateau over the zero-field-cooled one
    full_screening : what full screening reads, by way of reckoning the shape
    applied_field : of the first curve, as set, A/m
    field_cooled : the curve that the Meissner fraction is of
    missing : what could not be had, a sentence each
    """

    transitions: dict[str, Transition]
    curves: dict[str, tuple[Array, Array]]
    shielding: Shielding | None
    meissner_fraction: Quantity
    full_screening: Mapping[str, float]
    applied_field: float = np.nan
    field_cooled: str | None = None
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def onset(self) -> Quantity:
        """Of the first (zero-field-cooled) branch, K."""
        return next(iter(self.transitions.values())).onset

    def rows(self) -> list[Row]:
        first = next(iter(self.transitions.values()))
        rows = [
            Row("T_c onset, diamagnetic", first.onset, "first 1 % of the step", "magnetic_onset"),
            Row("T_c midpoint, diamagnetic", first.midpoint, "50 % of the step", "magnetic_midpoint"),
            Row(
                "field-cooled over zero-field-cooled",
                self.meissner_fraction,
                "plateaus below T_c/4",
                "meissner_fraction",
            ),
        ]
        if self.shielding:
            rows += [
                Row("4πχ of the plateau", self.shielding.susceptibility, "m/(VH)", "susceptibility"),
                Row(
                    "4πχ of full screening",
                    self.shielding.fully_screened,
                    "the shape, as the instrument reads it",
                ),
                Row("screened fraction", self.shielding.screened_fraction, "m/(VH)", "screened_fraction"),
            ]
        rows += [
            Row(f"T_c onset, {label}", other.onset, "first 1 % of the step")
            for label, other in list(self.transitions.items())[1:]
            if label not in ("fc", self.field_cooled)
        ]
        return [row for row in rows if np.isfinite(row.quantity)]

    def notes(self) -> list[str]:
        said = [
            f"{label} branch: no transition, {found.reason}"
            for label, found in self.transitions.items()
            if not found.found
        ]
        said += [f"{what}: {reason}" for what, reason in self.missing.items()]
        if self.shielding:
            said.append(f"halved, this input would help most: {self.shielding.most_useful}")
            said.append("χ0 by " + ", ".join(f"{n} {chi:.3f}" for n, chi in self.full_screening.items()))
        return said


def estimate_screening(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    field: float | Sequence[float] = np.nan,
    field_cooled: str | None = "fc",
    volume: Quantity | None = None,
    sides: Sequence[float] | None = None,
    shape: str = "prism",
    remanence: Quantity | None = None,
    instrument: str | None = None,
    scan_length: float = 0.04,
    temperature_uncertainty: float = 0.0,
) -> ScreeningStudy:
    """All that m(T) tells; a susceptibility only with volume, sides, remanence and instrument.

    Parameters
    ----------
    curves : by name, the zero-field-cooled first: K and A m², shape (n,) each
    field : A/m, as set, of all curves or of each; remanence : A/m ± σ, to be added to it
    field_cooled : name of the curve that was cooled in the field of the first; without it no Meissner fraction
    volume, sides : m³ ± σ; the three edges in m, the last along the field
    instrument, scan_length : mode of the magnetometer (`sample_length_factor`), and m
    temperature_uncertainty : of the thermometer's calibration, K; it is added to every transition temperature

    Raises
    ------
    NotPossible
        No curve.
    """
    if not curves:
        raise NotPossible("No m(T) curve came; give at least the zero-field-cooled branch")
    measured = {label: (np.asarray(t), np.asarray(m)) for label, (t, m) in curves.items()}
    fields = dict(zip(measured, np.broadcast_to(field, len(measured)).astype(float), strict=True))
    transitions = {
        label: estimate_transition(t, m, kind="diamagnetic", thermometer_offset=temperature_uncertainty)
        for label, (t, m) in measured.items()
    }
    plateaus = {
        label: estimate_plateau(t, m, midpoint=float(found.midpoint if found.found else np.max(t)))
        for (label, (t, m)), found in zip(measured.items(), transitions.values(), strict=True)
    }
    first = next(iter(measured))
    # A fraction without an onset would be one of something else than flux expelled below a transition.
    fraction = (
        estimate_meissner_fraction(plateaus[first], plateaus[field_cooled])
        if field_cooled in plateaus and field_cooled != first and transitions[first].found
        else Quantity(np.nan)
    )
    common: dict[str, Any] = {"applied_field": fields[first], "field_cooled": field_cooled}
    if volume is None or sides is None or remanence is None or instrument is None:
        return ScreeningStudy(transitions, measured, None, fraction, {}, **common)
    full = full_screening_susceptibility(*sides, shape=shape)
    length_factor = _length_factor(sides[-1], instrument, scan_length)
    shielding = estimate_shielding(
        plateaus[first],
        field=fields[first],
        volume=volume,
        remanence=remanence,
        full_screening=full,
        method=next(iter(full)),
        length_factor=length_factor,
    )
    susceptibility = {
        label: (t, m / (float(volume) * (fields[label] + float(remanence))))
        for label, (t, m) in measured.items()
    }
    return ScreeningStudy(transitions, susceptibility, shielding, fraction, full, **common)


def _length_factor(length: float, instrument: Any, scan_length: float) -> Quantity:
    point = float(sample_length_factor(length, mode=instrument, scan_length=scan_length))
    calibrated = float(
        sample_length_factor(
            length, mode=instrument, scan_length=scan_length, reference_length=CALIBRATION_LENGTH
        )
    )
    return Quantity(point, abs(calibrated - point) / 2)


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
