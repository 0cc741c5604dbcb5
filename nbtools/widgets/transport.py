"""Transport and magnetisation under the hand: what each choice of criterion, law and shape does to the answer."""

from collections.abc import Sequence
from typing import Any, Literal

import lmfit
import numpy as np

from nbtools.analysis.local_fit import find_crossing, noise_of
from nbtools.analysis.lower_critical_field import LowerCriticalField
from nbtools.analysis.transport import (
    ResistanceStudy,
    Transition,
    estimate_lower_critical_field,
    estimate_transition,
    fit_upper_critical_law,
)
from nbtools.analysis.upper_critical_field import collect_upper_critical_fields
from nbtools.fitting import FitWidget
from nbtools.fitting.engine import neighbour_scatter
from nbtools.models.demagnetisation import susceptibility_from_factor
from nbtools.models.gradiometer import sample_length_factor
from nbtools.models.normal_metal import bloch_gruneisen
from nbtools.units import Quantity, convert
from nbtools.widgets.explore import Explorer

Array = np.ndarray[Any, np.dtype[np.float64]]


def transition_at(
    temperature: Array, signal: Array, transition: Transition, *, criterion: float = 0.5
) -> dict[str, Any]:
    """Temperature at which a share `criterion` of the step is left.

    Parameters
    ----------
    temperature, signal : shape (n,), K and any unit
    transition : what `estimate_transition` found in them
    criterion : share of the step between low state (0) and normal state (1)
    """
    order = np.argsort(temperature)
    t, y = np.asarray(temperature, float)[order], np.asarray(signal, float)[order]
    low, step = transition.low_level, transition.normal_level - transition.low_level
    share = (y - low) / step
    above = np.flatnonzero(share < criterion)
    start = t[min(above[-1] + 1, t.size - 1)] if above.size else t[0]
    sigma = np.full(
        t.size, abs(transition.noise[0] if np.ndim(transition.noise) else transition.noise) / abs(step)
    )
    found = find_crossing(t, share, criterion, sigma=sigma, start=float(start))
    here = (np.array([float(found)]), np.array([low + criterion * step]))
    return {"signal": (t, y), "criterion": here, "Tc": Quantity(found, found.uncertainty, "K")}


def explore_transition(
    temperature: Any, signal: Any, *, y_label: str = "signal", y_unit: str = ""
) -> Explorer:
    """Transition criterion against T_c.

    Raises
    ------
    ValueError
        A curve in which `estimate_transition` finds no transition; its reason is passed on.
    """
    transition = estimate_transition(temperature, signal)
    if not transition.found:
        raise ValueError(f"there is no transition to explore: {transition.reason}")
    temperature, signal = np.asarray(temperature, float), np.asarray(signal, float)
    reach = 4 * (
        float(transition.width) if np.isfinite(transition.width) else 0.1 * float(transition.midpoint)
    )
    near = np.abs(temperature - float(transition.midpoint)) < reach
    return Explorer(
        transition_at,
        fixed={"temperature": temperature[near], "signal": signal[near], "transition": transition},
        ranges={"criterion": (0.02, 0.98)},
        against="criterion",
        labels={"criterion": "criterion (share of the step)"},
        x_label="temperature",
        x_unit="K",
        y_label=y_label,
        y_unit=y_unit,
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
    order = np.argsort(field)
    h, m = np.asarray(field, float)[order], np.asarray(moment, float)[order]
    below = h < 0.7 * float(entry.entry_field)
    line = np.polyval(np.polyfit(h[below], m[below], 1), h)
    return h, m - line, neighbour_scatter(m)


def explore_lower_critical_field(field: Any, moment: Any) -> Explorer:
    """H_c1 criterion against H_c1: how many σ count as a departure, and N.

    Raises
    ------
    ValueError
        A branch in which no flux enters; the estimator's reason is passed on.
    """
    entry = estimate_lower_critical_field(field, moment, correction="none")
    if not entry.found:
        raise ValueError(f"there is no entry field to explore: {entry.reason}")
    return Explorer(
        entry_field_at,
        fixed={"field": np.asarray(field), "moment": np.asarray(moment), "entry": entry},
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
    *,
    criterion: float = 0.1,
    law: Literal["power", "orbital", "two-band"] = "power",
) -> dict[str, Any]:
    """ξ(0) from R(H)/R_n curves, by a criterion and a law.

    Parameters
    ----------
    curves : (temperature in K, fields in A/m, R/R_n) of each sweep
    criterion : share of the normal resistance
    law : as `fit_upper_critical_law` has them
    """
    temperature, field, sigma = collect_upper_critical_fields(curves, criterion=criterion)
    fitted = fit_upper_critical_law(temperature, field, law=law, uncertainty=sigma)
    grid = np.linspace(0, float(fitted.critical_temperature), 60)
    return {
        "points": (temperature, field, "o"),
        law: (grid, fitted.predict(grid)),
        "ξ(0)": fitted.coherence_length,
    }


def explore_upper_critical_field(curves: Sequence[tuple[float, Any, Any]], **options: Any) -> Explorer:
    """H_c2 law and criterion against ξ(0); `curves` as `coherence_length_at` takes them."""
    return Explorer(
        coherence_length_at,
        fixed={"curves": list(curves)},
        ranges={"criterion": (0.05, 0.95)},
        values={"criterion": 0.1},
        against="criterion",
        sweep_points=13,
        labels={"criterion": "criterion (share of R_n)"},
        x_label="temperature",
        x_unit="K",
        y_label="upper critical field",
        y_unit="A/m",
        **options,
    )


def fit_resistivity(study: ResistanceStudy, *, units: str = "paper") -> FitWidget:
    """Bloch–Grüneisen under the hand: the normal state of a `ResistanceStudy`, from 3 K above the onset.

    Raises
    ------
    ValueError
        A study without a normal state.
    """
    if study.normal is None:
        raise ValueError(f"there is no normal state to fit: {study.missing.get('normal state', 'no curve')}")
    order = np.argsort(study.temperature)
    inside = order[study.temperature[order] >= study.normal.window[0]]
    x, y = study.temperature[inside], study.signal[inside]
    start = {
        name: float(getattr(study.normal, name)) for name in ("residual", "amplitude", "debye_temperature")
    }
    widget = FitWidget(
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
    widget.set("exponent", vary=False, min=1.5, max=6.0)
    widget.set("debye_temperature", min=50.0, max=3000.0)
    # As the study counts: the scatter of neighbours is a lower bound of what separates model and data.
    widget.change(weighting="scaled sigma")
    widget.fit()
    return widget


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


def explore_screening() -> Explorer:
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
