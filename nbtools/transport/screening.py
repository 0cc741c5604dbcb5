"""Screening and Meissner effect: m(T) in one field, and what a susceptibility of −1.1 means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import mu_0
from scipy.optimize import brentq

from nbtools.physics import demagnetisation
from nbtools.physics.ac_response import eddy_susceptibility
from nbtools.physics.domain import require_within
from nbtools.results import NotPossible
from nbtools.statistics.arrays import check_points, real_array
from nbtools.statistics.choice import largest_first
from nbtools.statistics.noise import noise_of
from nbtools.study import Row, StudyResult
from nbtools.transport.model_gradiometer import sample_length_factor
from nbtools.transport.transition import Transition, estimate_transition
from nbtools.units import Quantity

Array = NDArray[np.float64]
# Relative: what parts Brandt's formula from the solution of `models.finite_cylinder`.
CYLINDER_ERROR = 3e-3
# The palladium cylinder that magnetometers are calibrated on is about this long; whether the maker corrects
# for it is not published, so half its effect counts as error.
CALIBRATION_LENGTH = 3.8e-3
PLATEAU = 0.25  # of the transition's temperature: below, screening no longer changes with it


@dataclass(frozen=True)
class Shielding:
    """External susceptibility 4πχ (SI) of a screened sample, against that of full screening.

    Attributes
    ----------
    susceptibility : m/(V H), with every relative error below
    fully_screened : what the instrument reads for a perfectly shielded body of this shape and length
    screened_fraction : their ratio; 1 is full screening
    budget : relative standard deviation that each input contributes, largest first
    """

    susceptibility: Quantity
    fully_screened: Quantity
    screened_fraction: Quantity
    budget: dict[str, float]

    @property
    def most_useful(self) -> str:
        """The input that, halved, would help most."""
        return next(iter(self.budget))


def full_screening_susceptibility(
    across: float, through: float, along: float, *, shape: str = "prism"
) -> dict[str, Quantity]:
    """χ0 of a fully screened body in a field along `along`, by the methods in use (edges in m).

    Only "shielded prism" (or Brandt's cylinder) solves the screened body, and its σ is that of the solution; the
    others take the demagnetising factor of a uniformly magnetised one, or of the spheroid of the same
    proportions, and are off by what parts them from the solved one: that is their σ.
    """
    factors = {
        "Aharoni": demagnetisation.aharoni_factor(across, through, along),
        "Prozorov-Kogan": demagnetisation.prozorov_kogan_factor(across, through, along),
        "spheroid": demagnetisation.spheroid_factor(along / np.sqrt(across * through)),
    }
    by_factor = {name: float(demagnetisation.susceptibility_from_factor(n)) for name, n in factors.items()}
    diameter = 0.5 * (across + through)
    cylinder = float(demagnetisation.cylinder_susceptibility(along / diameter))
    flatness = max(across, through) / along
    if shape == "prism":
        solved = float(demagnetisation.shielded_prism_susceptibility(across, through, along))
        first = {"shielded prism": Quantity(solved, abs(solved) * _prism_error(flatness))}
        others = {"Brandt cylinder": cylinder, **by_factor}
    else:
        solved, others = cylinder, by_factor
        first = {"Brandt cylinder": Quantity(solved, abs(solved) * CYLINDER_ERROR)}
    return first | {name: Quantity(chi, abs(chi - solved)) for name, chi in others.items()}


def _prism_error(flatness: float) -> float:
    """Relative error of `shielded_prism_susceptibility`: as it states for 1:10, 1:20 and 1:100."""
    return float(np.exp(np.interp(np.log(flatness), np.log([10, 20, 100]), np.log([1e-4, 3e-4, 2e-2]))))


def estimate_eddy_resistivity(radius: float, frequency: float, *, screened: ArrayLike = 0.5) -> Array:
    """Resistivity (Ω m) at which eddy currents alone screen a cylinder to χ′ = −`screened`.

    The largest that an ac susceptibility so deep allows: a critical state screens at no resistivity.

    Parameters
    ----------
    radius, frequency : m and Hz
    screened : above 0 and below 1, any shape
    """

    def ratio_at(screened: float) -> float:
        def excess(log_ratio: float) -> float:
            return float(eddy_susceptibility(np.exp(log_ratio), "cylinder")[0]) + screened

        return float(np.exp(brentq(excess, np.log(1e-2), np.log(1e3))))

    require_within(1e-6, 0.99, screened=screened)
    ratio = np.vectorize(ratio_at, otypes=[float])(screened)
    return np.asarray(np.pi * frequency * mu_0 * (radius / ratio) ** 2)


def subtract_background(
    along: ArrayLike, moment: ArrayLike, *, background_along: ArrayLike, background: ArrayLike
) -> Array:
    """The moment without that of the empty holder, measured alike and interpolated to the same places.

    Parameters
    ----------
    along, moment : shape (n,), temperature or field of each point, and A m²
    background_along, background : shape (k,), the same of the holder, any order

    Raises
    ------
    ValueError
        A holder that was not measured over the whole range of the sample.
    """
    holder = check_points(along=background_along, background=background).sorted_by(0)
    known, level = holder.columns
    x, measured = real_array(along, "along"), real_array(moment, "moment")
    lowest, highest = float(np.nanmin(x)), float(np.nanmax(x))
    reach = 0.01 * (highest - lowest)
    if lowest < known.min() - reach or highest > known.max() + reach:
        raise ValueError(
            f"the holder was measured from {known.min():.4g} to {known.max():.4g}, the sample from {lowest:.4g} to "
            f"{highest:.4g}; measure the holder over the same range, or take background_file off the card"
        )
    return measured - np.interp(x, known, level)


def estimate_plateau(temperature: ArrayLike, moment: ArrayLike, *, midpoint: float) -> Quantity:
    """Moment at low temperature: the mean below a quarter of the transition, with its standard error.

    Where fewer than three points lie there, the coldest three below the transition; their spread, if it is
    more than the noise of the curve, is then error too. NaN without any.

    Parameters
    ----------
    temperature, moment : shape (n,), K and A m² (or any unit)
    midpoint : K, of the transition
    """
    t, m = check_points(temperature=temperature, moment=moment).sorted_by(0).columns
    unit = "A m^2"
    below = t < PLATEAU * midpoint
    if below.sum() >= 3:
        scatter = float(np.std(m[below], ddof=1))
        return Quantity(float(np.mean(m[below])), scatter / np.sqrt(below.sum()), unit)
    cold = m[t < midpoint][:3]
    if not cold.size:
        return Quantity(np.nan, unit=unit)
    noise = noise_of(t, m) / np.sqrt(cold.size)
    return Quantity(float(np.mean(cold)), float(np.hypot(noise, np.ptp(cold) / 2)), unit)


def estimate_meissner_fraction(zero_field_cooled: Quantity, field_cooled: Quantity) -> Quantity:
    """Field-cooled plateau over the zero-field-cooled one; NaN where the latter does not screen.

    Parameters
    ----------
    zero_field_cooled, field_cooled : `estimate_plateau` of either branch, one unit
    """
    if not zero_field_cooled < -2 * zero_field_cooled.uncertainty:
        return Quantity(np.nan)
    return Quantity.of(field_cooled / zero_field_cooled)


def estimate_shielding(
    moment: Quantity,
    *,
    field: float,
    volume: Quantity,
    remanence: Quantity,
    full_screening: Mapping[str, float],
    method: str,
    length_factor: Quantity,
) -> Shielding:
    """Screened fraction of a zero-field-cooled sample, with one budget for everything that moves it.

    Parameters
    ----------
    moment : A m², the low-temperature plateau with its noise
    field : A/m, the nominal applied field
    volume : m³ ± σ
    remanence : A/m ± σ, the magnet's field at nominal zero (its value is added to `field`)
    full_screening : χ0 < 0 of the perfectly shielded body by demagnetisation method, as
        `full_screening_susceptibility` gives it: each with its own error
    method : the one of them to use; its error enters the budget, the others are shown as alternatives
    length_factor : what the instrument's point-dipole fit reads of an extended sample's moment

    Raises
    ------
    ValueError
        An unknown method, a volume that is not positive or a true field of zero.
    """
    true_field = field + remanence
    if method not in full_screening or not volume > 0 or true_field == 0:
        raise ValueError(
            f"method {method!r}, volume {volume} and field {true_field:.3g} A/m came; the method must be one of "
            f"{', '.join(full_screening)}, volume and field must not be zero"
        )
    susceptibility = moment / (volume * true_field)
    expected = full_screening[method] * length_factor
    solved = Quantity.of(full_screening[method])
    parts = {
        "volume": volume.uncertainty / volume,
        "field": remanence.uncertainty / abs(true_field),
        "moment noise": moment.uncertainty / abs(moment) if moment else np.nan,
        "sample length": length_factor.uncertainty / length_factor,
        "demagnetisation": solved.uncertainty / abs(solved),
    }
    parts = {name: float(np.nan_to_num(part)) for name, part in parts.items()}
    measured = float(np.hypot(np.hypot(parts["volume"], parts["field"]), parts["moment noise"]))
    modelled = float(np.hypot(parts["sample length"], parts["demagnetisation"]))
    fraction = float(susceptibility / expected)
    return Shielding(
        Quantity(susceptibility, abs(susceptibility) * measured),
        Quantity(expected, abs(expected) * modelled),
        Quantity(fraction, abs(fraction) * float(np.hypot(measured, modelled))),
        largest_first(parts),
    )


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
    try:
        length_factor = _length_factor(sides[-1], instrument, scan_length)
    except ValueError as reason:
        return ScreeningStudy(
            transitions, measured, None, fraction, {}, **common, missing={"4πχ": str(reason)}
        )
    full = full_screening_susceptibility(*sides, shape=shape)
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
    coils: dict[str, Any] = {"mode": instrument, "scan_length": scan_length}
    point = sample_length_factor(length, **coils)
    calibrated = sample_length_factor(length, reference_length=CALIBRATION_LENGTH, **coils)
    return Quantity(point, abs(calibrated - point) / 2)
