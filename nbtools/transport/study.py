"""Where a sample's files meet the estimators of transport and dc magnetisation."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from nbtools.files.quantum_design import distinct_names, find_sweeps, read_dat
from nbtools.results import NotPossible
from nbtools.study import Missing, Row, StudyResult, study
from nbtools.transport.lengths import LengthsStudy, estimate_lengths
from nbtools.transport.lower_field import FluxEntryStudy, estimate_flux_entry
from nbtools.transport.resistance import ResistanceStudy, estimate_resistance
from nbtools.transport.screening import ScreeningStudy, estimate_screening, subtract_background
from nbtools.transport.upper_field import UpperFieldStudy, estimate_upper_field
from nbtools.units import Quantity

if TYPE_CHECKING:
    from nbtools.files.sweeps import Sweep
    from nbtools.notebook.sample import Sample

# One temperature of a PPMS against another, K.
RELATIVE_TEMPERATURE = 0.005
# A/m (100 Oe): what a magnet's remanence and a zero that was not set leave; no H_c2 of use lies below.
WEAK_FIELD = 8e3


@study("Fig. 9(a) · Resistivity")
def study_resistance(
    sample: "Sample",
    *,
    criterion: Literal["onset", "ninety", "midpoint", "ten", "zero"]
    | Annotated[float, Field(gt=0, lt=1)] = "onset",
    bridge: Annotated[int, Field(ge=1, le=4)] | None = None,
) -> ResistanceStudy | Missing:
    """R(T) in no field: transition, normal state, one step or two; ρ where the card gives the geometry.

    Parameters
    ----------
    sample : from `open_sample`
    criterion : by which T_c is read: "onset", "ninety", "midpoint", "ten", "zero", or a share of the step
        between 0 and 1
    bridge : of a file that measured several at once; by default the first

    Returns
    -------
    The result, or `Missing` where the files hold no R(T), or none of that bridge.
    """
    sweeps, others = _of_one_bridge(sample.sweeps(axis="temperature", needs="resistance", held=0.0), bridge)
    curves = {
        name: (sweep.along, sweep.signal) for name, sweep in zip(distinct_names(sweeps), sweeps, strict=True)
    }
    result = estimate_resistance(
        curves,
        geometry=sample.card.geometry_factor,
        temperature_uncertainty=sample.sigma("thermometer_offset"),
        criterion=criterion,
    )
    if sentence := sample.card.require("geometry_factor"):
        result.missing["ρ in Ω m"] = sentence
    if others:
        result.missing["the other bridges"] = f"{others}; give bridge=<number> for one of them"
    for sweep in sweeps:
        if sweep.note:
            result.missing.setdefault("R(T) exactly as measured in no field", sweep.title)
    return result


def _of_one_bridge(sweeps: "list[Sweep]", bridge: int | None) -> "tuple[list[Sweep], str]":
    """The sweeps of one bridge, by default the first, and the names of the others."""
    names = {int(sweep.variable[-1]): sweep.channel or f"bridge {sweep.variable[-1]}" for sweep in sweeps}
    chosen = min(names) if bridge is None else bridge
    if chosen not in names:
        raise NotPossible(
            f"The files hold no such sweep of bridge {chosen}, but of {', '.join(names.values())}."
        )
    others = ", ".join(name for number, name in sorted(names.items()) if number != chosen)
    return [sweep for sweep in sweeps if int(sweep.variable[-1]) == chosen], others


@study("Fig. 9(b) · Screening and Meissner effect")
def study_screening(sample: "Sample") -> ScreeningStudy | Missing:
    """m(T) or χ(T) of the zero-field-cooled and the field-cooled branch, and of every other curve in the files.

    What the ledger keeps is of the zero-field-cooled branch in the lowest field, and of the field-cooled one that goes
    with it; without one that is known to be zero-field-cooled, of the first curve.

    Parameters
    ----------
    sample : from `open_sample`

    Returns
    -------
    The result, with a susceptibility where the card gives volume, edges, remanence and instrument; or `Missing`
    where the files hold no m(T).
    """
    sweeps = sorted(
        sample.sweeps(axis="temperature", needs="moment"),
        key=lambda sweep: (sweep.label != "zfc", abs(sweep.held) if sweep.label == "zfc" else 0.0),
    )
    first, names = sweeps[0], distinct_names(sweeps)
    curves: dict[str, tuple[Any, Any]] = {
        name: (sweep.along, sweep.signal) for name, sweep in zip(names, sweeps, strict=True)
    }
    cooled = next(
        (
            name
            for name, sweep in zip(names, sweeps, strict=True)
            if first.label == "zfc" and sweep.label == "fc" and np.isclose(sweep.held, first.held, rtol=0.02)
        ),
        None,
    )
    if holder := sample.card.background_file:
        empty = find_sweeps(read_dat(holder), axis="temperature", needs="moment")[0]
        curves = {
            label: (t, subtract_background(t, m, background_along=empty.along, background=empty.signal))
            for label, (t, m) in curves.items()
        }
    lacking = sample.card.require("volume", "sides", "remanence", "instrument")
    result = estimate_screening(
        curves,
        field=[sweep.held for sweep in sweeps],
        field_cooled=cooled,
        temperature_uncertainty=sample.sigma("thermometer_offset"),
        **({} if lacking else sample.card.screening_inputs),
    )
    if lacking:
        result.missing["4πχ"] = lacking
    if len(sweeps) > 1 and first.label != "zfc":
        result.missing["field-cooled over zero-field-cooled"] = (
            "no file says which curve was cooled in no field; both branches in one file, "
            "zero-field-cooled and measured on warming first, do"
        )
    return result


@study("Fig. S1 · Lower critical field")
def study_flux_entry(
    sample: "Sample",
    screening: ScreeningStudy,
    *,
    correction: Literal["none", "1-N", "brandt"] = "brandt",
) -> FluxEntryStudy | Missing:
    """H_c1(T) from the virgin branches of M(H), and its value at zero temperature.

    Parameters
    ----------
    sample : from `open_sample`
    screening : gives the critical temperature of the extrapolation
    correction : for the shape: "none", "1-N" or "brandt", one at a time

    Returns
    -------
    The result, or `Missing` where no virgin branch leaves the Meissner line.
    """
    sweeps = sample.sweeps(axis="field", needs="moment", label="virgin")
    missing = sample.card.require("sides")
    result = estimate_flux_entry(
        [(sweep.held, sweep.along, sweep.signal, None) for sweep in sweeps],
        critical_temperature=float(screening.onset),
        correction="none" if missing else correction,
        sides=sample.card.sides,
        field_uncertainty=sample.sigma("remanence"),
        temperature_uncertainty=sample.sigma("thermometer_offset"),
    )
    if missing:
        result.missing["H_c1 corrected for the shape"] = missing
    return result


@study("Fig. S2 · Upper critical field")
def study_upper_field(
    sample: "Sample",
    resistance: ResistanceStudy,
    *,
    criterion: Annotated[float, Field(gt=0, lt=1)] = 0.1,
    bridge: Annotated[int, Field(ge=1, le=4)] | None = None,
) -> UpperFieldStudy | Missing:
    """H_c2(T) from R(H) at held temperatures and R(T) in held fields, with three laws.

    Parameters
    ----------
    sample : from `open_sample`
    resistance : gives the normal state
    criterion : share of the normal resistance that defines H_c2, between 0 and 1
    bridge : of a file that measured several at once, that of `resistance`; by default the first

    Returns
    -------
    The result, or `Missing` where the files hold neither, or the normal state is not known.
    """
    cooled = _in_fields(sample, bridge)
    try:
        sweeps, _ = _of_one_bridge(sample.sweeps(axis="field", needs="resistance"), bridge)
    except NotPossible:
        if not cooled:
            raise
        sweeps = []
    if resistance.normal is None:
        raise NotPossible(f"H_c2 needs the normal state: {resistance.missing['normal state']}")
    scale = float(sample.card.geometry_factor or 1.0)
    return estimate_upper_field(
        [(sweep.held, sweep.along, scale * sweep.signal) for sweep in sweeps],
        [(abs(sweep.held), sweep.along, scale * sweep.signal) for sweep in cooled],
        normal=resistance.normal.predict,
        criterion=criterion,
        temperature_uncertainty=RELATIVE_TEMPERATURE,
        calibration=sample.sigma("thermometer_offset"),
    )


def _in_fields(sample: "Sample", bridge: int | None) -> "list[Sweep]":
    """R(T) in higher fields than the one that is taken for none."""
    sweeps = _of_one_bridge(sample.sweeps(axis="temperature", needs="resistance"), bridge)[0]
    lowest = min(abs(sweep.held) for sweep in sweeps)
    return [sweep for sweep in sweeps if abs(sweep.held) > max(2 * lowest, WEAK_FIELD)]


@study("Ginzburg–Landau lengths")
def study_lengths(
    sample: "Sample",
    entry: FluxEntryStudy,
    upper: UpperFieldStudy,
    *,
    core_term: Annotated[float, Field(ge=0, le=1)] = 0.0,
) -> LengthsStudy | Missing:
    """ξ and λ from both critical fields at zero temperature, and what moves λ.

    Parameters
    ----------
    sample : from `open_sample`
    entry, upper : give H_c1(0) and H_c2(0)
    core_term : of H_c1; 0 is the paper's ln κ, 0.497 counts the vortex core

    Returns
    -------
    The result, or `Missing` where one of the fields is.
    """
    if not entry.laws:
        raise NotPossible("ξ and λ need H_c1 at two temperatures or more")
    best, power = entry.best.zero_temperature_field, upper.laws["power"].zero_temperature_field
    other = {"H_c1: criterion, shape, law": (best + entry.systematic, power)}
    if "orbital" in upper.laws:
        other["H_c2: orbital law"] = (best, upper.laws["orbital"].zero_temperature_field)
    return estimate_lengths(
        entry.zero_temperature_field, power, core_term=core_term, budget_from=best, alternatives=other
    )


@dataclass(frozen=True, repr=False)
class TemperatureGap(StudyResult):
    """How far half screening lies above zero resistance.

    Attributes
    ----------
    gap : K
    density : of the current with which R(T) was measured, A/m²; None where the card does not give it
    """

    gap: Quantity
    density: Quantity | None

    def rows(self) -> list[Row]:
        at = f" at {self.density.to('A/cm^2')}" if self.density is not None else ""
        how = f"dc midpoint against R = 0{at}"
        return [Row("half screening above zero resistance", self.gap, how, "screening_above_zero")]


@study("R(T) against χ(T)")
def study_temperature_gap(
    sample: "Sample", resistance: ResistanceStudy, screening: ScreeningStudy
) -> TemperatureGap | Missing:
    """Dc half screening against zero resistance.

    Parameters
    ----------
    sample : from `open_sample`
    resistance, screening : give the two temperatures, each with its thermometer's error

    Returns
    -------
    The result, or `Missing` where one of the two is not determined.
    """
    half, zero = next(iter(screening.transitions.values())).midpoint, resistance.transition.zero
    if not np.isfinite(half) or not np.isfinite(zero):
        lacking = "half screening" if not np.isfinite(half) else "zero resistance"
        raise NotPossible(f"{lacking} is not determined by these files")
    return TemperatureGap(half - zero, sample.card.current_density)


def study_all(sample: "Sample") -> dict[str, Any]:
    """Every study of a sample by its defaults, nothing kept: what a rival world or another sample gives.

    Parameters
    ----------
    sample : from `open_sample`

    Returns
    -------
    ``resistance``, ``screening``, ``entry``, ``upper`` and ``lengths``, each a result or `Missing`.
    """
    resistance = study_resistance(sample, record=False)
    screening = study_screening(sample, record=False)
    entry = study_flux_entry(sample, screening, record=False)
    upper = study_upper_field(sample, resistance, record=False)
    lengths = study_lengths(sample, entry, upper, record=False)
    return {
        "resistance": resistance,
        "screening": screening,
        "entry": entry,
        "upper": upper,
        "lengths": lengths,
    }
