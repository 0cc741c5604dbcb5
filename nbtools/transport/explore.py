"""Transport and magnetisation under the hand: what each choice of criterion, law and shape does to the answer."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import lmfit
import numpy as np

from nbtools.display.widget import use_value, widget
from nbtools.explore.sliders import Explorer
from nbtools.fitting.engine import neighbour_scatter
from nbtools.fitting.widget import FitWidget
from nbtools.physics.demagnetisation import susceptibility_from_factor
from nbtools.physics.normal_metal import bloch_gruneisen
from nbtools.results import NotPossible
from nbtools.statistics.noise import noise_of
from nbtools.transport.lower_field import FluxEntryStudy, LowerCriticalField, estimate_lower_critical_field
from nbtools.transport.model_gradiometer import sample_length_factor
from nbtools.transport.resistance import ResistanceStudy
from nbtools.transport.transition import combine_branches, estimate_transition
from nbtools.transport.upper_field import (
    UpperFieldStudy,
    collect_upper_critical_fields,
    fit_upper_critical_law,
)
from nbtools.units import Quantity, convert

Array = np.ndarray[Any, np.dtype[np.float64]]


def transition_at(
    curves: Mapping[str, tuple[Array, Array]], *, criterion: float = 0.5, thermometer_offset: float = 0.0
) -> dict[str, Any]:
    """Temperature at which a share `criterion` of the step is left, over all branches, as the study has it.

    Parameters
    ----------
    curves : by branch, shape (n,) each, K and any unit
    criterion : share of the step between low state (0) and normal state (1)
    thermometer_offset : K, standard deviation of what all temperatures may be off together
    """
    options: dict[str, Any] = {"criterion": criterion, "thermometer_offset": thermometer_offset}
    branches = [estimate_transition(t, y, kind="resistive", **options) for t, y in curves.values()]
    found = combine_branches(branches)
    level = found.low_level + criterion * (found.normal_level - found.low_level)
    half, width = float(found.midpoint), float(found.width)
    reach = 4 * width if np.isfinite(width) else 0.4 * half
    shown: dict[str, Any] = {
        label: (t[near], y[near])
        for label, (t, y) in curves.items()
        if np.any(near := np.abs(t - half) < reach)
    }
    here = (np.array([float(found.critical_temperature)]), np.array([level]))
    return {**shown, "criterion": here, "Tc": found.critical_temperature}


@widget
def transition(study: ResistanceStudy) -> Explorer:
    """Transition criterion against T_c; *use this value* keeps T_c by the criterion as it stands.

    Parameters
    ----------
    study : from `study_resistance`

    Raises
    ------
    NotPossible
        A curve without a transition.
    """
    if not study.transition.found:
        raise NotPossible(f"there is no transition to explore: {study.transition.reason}")
    return Explorer(
        transition_at,
        fixed={"curves": study.curves, "thermometer_offset": study.transition.thermometer_offset},
        ranges={"criterion": (0.02, 0.98)},
        values={"criterion": study.criterion if isinstance(study.criterion, float) else 0.5},
        against="criterion",
        sweep_points=25,
        use=use_value(study, "criterion", "TC_CRITERION"),
        labels={"criterion": "criterion (share of the step)"},
        x_label="temperature",
        x_unit="K",
        y_label="ρ" if study.unit == "ohm m" else "R",
        y_unit=study.unit,
    )


def entry_field_at(
    field: Array,
    moment: Array,
    entry: LowerCriticalField,
    *,
    deviation: float = 3.0,
    demagnetisation: float = 0.0,
) -> dict[str, Any]:
    """First field at which the moment leaves the Meissner line by `deviation` standard deviations, over 1 − N.

    Parameters
    ----------
    field, moment : shape (n,), A/m and A m²; a virgin branch
    entry : what `estimate_lower_critical_field` found in them
    deviation : in σ of the moment
    demagnetisation : N
    """
    h, departure, sigma = _departure(field, moment, entry)
    over = np.abs(departure) > deviation * sigma
    pairs = np.flatnonzero(over[:-1] & over[1:])
    first = float(h[pairs[0]]) if pairs.size else np.nan
    shape = 1 - demagnetisation
    spacing = float(np.median(np.diff(h)))
    kink = entry.entry_field
    return {
        "departure": (h, departure, "o"),
        "threshold": (h[[0, -1]], np.sign(np.nansum(departure)) * deviation * sigma * np.ones(2)),
        "first deviation": Quantity(first / shape, spacing / 2 / shape, "A/m"),
        "kink": Quantity(float(kink) / shape, kink.uncertainty / shape, "A/m"),
    }


def _departure(field: Array, moment: Array, entry: LowerCriticalField) -> tuple[Array, Array, float]:
    order = np.argsort(field, kind="stable")
    h, m = np.asarray(field, float)[order], np.asarray(moment, float)[order]
    below = h < 0.7 * float(entry.entry_field)
    line = np.polyval(np.polyfit(h[below], m[below], 1), h)
    return h, m - line, neighbour_scatter(m)


@widget
def lower_critical_field(study: FluxEntryStudy) -> Explorer:
    """H_c1 criterion against H_c1, on the coldest virgin curve: how many σ count as a departure, and N.

    Parameters
    ----------
    study : from `study_flux_entry`

    Raises
    ------
    NotPossible
        A branch in which no flux enters.
    """
    _, field, moment = study.curves[0]
    entry = estimate_lower_critical_field(field, moment, correction="none")
    if not entry.found:
        raise NotPossible(f"there is no entry field to explore: {entry.reason}")
    return Explorer(
        entry_field_at,
        fixed={"field": field, "moment": moment, "entry": entry},
        ranges={"deviation": (1.0, 30.0), "demagnetisation": (0.0, 0.5)},
        values={"deviation": 3.0, "demagnetisation": 0.0},
        against="deviation",
        labels={"deviation": "criterion (σ)", "demagnetisation": "N"},
        x_label="field",
        x_unit="A/m",
        y_label="moment − Meissner line",
        y_unit="A m^2",
    )


def coherence_length_at(
    curves: Sequence[tuple[float, Array, Array]],
    in_fields: Sequence[tuple[float, Array, Array]] = (),
    *,
    criterion: float = 0.1,
    law: Literal["power", "orbital", "two-band"] = "power",
) -> dict[str, Any]:
    """ξ(0) from R(H)/R_n curves, by a criterion and a law.

    Parameters
    ----------
    curves : (temperature in K, fields in A/m, R/R_n) of each sweep
    in_fields : (field in A/m, temperatures in K, R/R_n) of each sweep
    criterion : share of the normal resistance
    law : as `fit_upper_critical_law` has them
    """
    temperature, field, sigma = collect_upper_critical_fields(curves, in_fields, criterion=criterion)
    fitted = fit_upper_critical_law(temperature, field, law=law, uncertainty=sigma)
    grid = np.linspace(0, float(fitted.critical_temperature), 60)
    return {
        "points": (temperature, field, "o"),
        law: (grid, fitted.predict(grid)),
        "ξ(0)": fitted.coherence_length,
    }


@widget
def upper_critical_field(study: UpperFieldStudy) -> Explorer:
    """H_c2 law and criterion against ξ(0); *use this value* keeps H_c2 by the criterion as it stands.

    Parameters
    ----------
    study : from `study_upper_field`
    """
    return Explorer(
        coherence_length_at,
        fixed={"curves": list(study.curves), "in_fields": list(study.in_fields)},
        ranges={"criterion": (0.05, 0.95)},
        values={"criterion": study.criterion},
        against="criterion",
        sweep_points=13,
        use=use_value(study, "criterion", "CRITERION"),
        labels={"criterion": "criterion (share of R_n)"},
        x_label="temperature",
        x_unit="K",
        y_label="upper critical field",
        y_unit="A/m",
    )


@widget
def resistivity(study: ResistanceStudy, *, units: str = "paper") -> FitWidget:
    """Bloch–Grüneisen under the hand: the normal state, from 3 K above the onset.

    Parameters
    ----------
    study : from `study_resistance`
    units : "paper" or "SI"

    Raises
    ------
    NotPossible
        A study without a normal state.
    """
    if study.normal is None:
        raise NotPossible(f"there is no normal state to fit: {study.missing.get('normal state', 'no curve')}")
    order = np.argsort(study.temperature, kind="stable")
    inside = order[study.temperature[order] >= study.normal.window[0]]
    x, y = study.temperature[inside], study.signal[inside]
    start = {
        name: float(getattr(study.normal, name)) for name in ("residual", "amplitude", "debye_temperature")
    }
    fit = FitWidget(
        lmfit.Model(bloch_gruneisen, independent_vars=["temperature"]),
        x,
        y,
        sigma=noise_of(x, y) or None,
        params=start | {"exponent": study.normal.exponent},
        units={"residual": study.unit, "amplitude": study.unit, "debye_temperature": "K"},
        x_label="temperature",
        x_unit="K",
        y_label="ρ" if study.unit == "ohm m" else "R",
        y_unit=study.unit,
        system=units,
        name="03_resistivity",
        notes=_geometry_note(study.normal),
    )
    fit.set("exponent", vary=False, min=1.5, max=6.0)
    fit.set("debye_temperature", min=50.0, max=3000.0)
    # As the study counts: the scatter of neighbours is a lower bound of what separates model and data.
    fit.change(weighting="scaled sigma")
    fit.fit()
    return fit


def _geometry_note(normal: Any) -> list[str]:
    """What the study's σ hold beside those of the fit."""
    fitted = normal.fit.params["residual"].stderr or 0.0
    share = max(normal.residual.uncertainty**2 - fitted**2, 0.0) ** 0.5 / float(normal.residual)
    if share < 1e-4:
        return []
    return [
        f"All resistivities share {100 * share:.2g} % from the geometry, which the study adds and a fit cannot know."
    ]


def apparent_susceptibility(
    *,
    demagnetisation: float = 0.1,
    sample_length: float = 5.0,
    scan_length: float = 40.0,
    instrument: Literal["MPMS", "MPMS3 dc", "MPMS3 vsm"] = "MPMS",
) -> dict[str, Quantity]:
    """Volume susceptibility (SI) that a perfectly shielded sample has, and what the instrument reads of it.

    Parameters
    ----------
    demagnetisation : N along the field
    sample_length : mm, along the field
    scan_length : mm, whole range of the scan
    instrument : as `sample_length_factor` has them
    """
    external = float(susceptibility_from_factor(demagnetisation))
    read = sample_length_factor(
        convert(sample_length, "mm", "m"), mode=instrument, scan_length=convert(scan_length, "mm", "m")
    )
    return {"external": Quantity(external), "as read": Quantity(external * read)}


def full_screening() -> Explorer:
    """Demagnetisation and sample length against χ: what "−1.1" can mean."""
    return Explorer(
        apparent_susceptibility,
        ranges={"demagnetisation": (0.0, 0.5), "sample_length": (0.5, 12.0), "scan_length": (20.0, 80.0)},
        values={"demagnetisation": 0.12, "sample_length": 5.0, "scan_length": 40.0},
        against="sample_length",
        sweep_points=21,
        labels={"demagnetisation": "N"},
        y_label="4πχ of full screening",
    ).of("model")
