"""Where a sample's files meet the estimators of ac susceptibility and loops."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from nbtools.ac_susceptibility.collapse import FREE, CollapseStudy, fit_collapse
from nbtools.ac_susceptibility.critical_state import (
    CreepStudy,
    CriticalStateTest,
    check_critical_state,
    estimate_creep_exponents,
    estimate_creep_onset,
)
from nbtools.ac_susceptibility.current import (
    CurrentStudy,
    LoopsStudy,
    estimate_half_screening,
    estimate_loop_current,
    estimate_loss_peak,
    pair_branches,
)
from nbtools.ac_susceptibility.current_law import LawStudy, estimate_current_law
from nbtools.ac_susceptibility.curves import (
    AcCurve,
    collect_curves,
    group_curves,
    log_full_field,
    name_of_drive,
    normalise_curve,
)
from nbtools.ac_susceptibility.grains import (
    IndependentRange,
    bound_cluster_radius,
    estimate_independent_range,
)
from nbtools.ac_susceptibility.rectangles import CivaleTest, PowerStudy, civale_test, power_curves
from nbtools.files.local_susceptibility import LocalSusceptibilityError, read_local_susceptibility
from nbtools.physics.bean_state import half_screening_field
from nbtools.physics.finite_cylinder import finite_half_screening_field
from nbtools.results import NotPossible
from nbtools.study import Missing, Row, StudyResult, study
from nbtools.units import Quantity

if TYPE_CHECKING:
    from nbtools.notebook.sample import Sample

Geometry = Literal["square_bar", "cylinder", "slab", "strip", "disk"]
Kelvin = Annotated[float, Field(ge=0, lt=10)]
UNKNOWN = Quantity(np.nan)
NO_CURRENT = (
    "neither curves nor loops give a current density: the card does not give the edges across the field"
)
LOOP_TEMPERATURE = 0.005  # K, of one loop against the next
RELATIVE = 0.03  # of one J_c against the next: shape of the response, background


@dataclass(frozen=True, repr=False)
class CurvesStudy(StudyResult):
    """χ′ and χ″ over full screening against temperature, one curve for each drive.

    Attributes
    ----------
    curves : all, by dc field, amplitude and frequency
    by_amplitude : those of several amplitudes at one frequency and dc field, the largest such set; empty without one
    by_frequency : those of one amplitude at several frequencies
    left_out : the reason for each branch that made no curve, by its drive
    unit : of the amplitudes: "A/m", or "A" of a field coil whose field is not known
    """

    curves: tuple[AcCurve, ...]
    by_amplitude: tuple[AcCurve, ...]
    by_frequency: tuple[AcCurve, ...]
    left_out: dict[str, str]
    unit: str = "A/m"

    def drive(self, curve: AcCurve) -> str:
        """``1 Oe, 10 Hz, 10 Oe dc``, or ``5 mA, 500 Hz``."""
        if self.unit == "A":
            hertz = f", {curve.frequency:.4g} Hz" if np.isfinite(curve.frequency) else ""
            return f"{1e3 * curve.amplitude:.3g} mA{hertz}"
        return name_of_drive(curve.amplitude, curve.frequency, curve.bias)

    def rows(self) -> list[Row]:
        rows = []
        for i, curve in enumerate(self.curves):
            half = curve.smooth.crossing(-0.5)
            how = f"{curve.temperature.size} points"
            if np.isfinite(curve.lag):
                how += f", cooling and warming {1e3 * curve.lag:.1f} mK apart"
            rows.append(
                Row(
                    f"half of full screening, {self.drive(curve)}",
                    half,
                    how,
                    f"half_{i}" if self.unit == "A" else "",
                )
            )
        return rows

    def notes(self) -> list[str]:
        return [f"left out: {name}: {reason}" for name, reason in self.left_out.items()]

    def of_amplitudes(self) -> list[AcCurve]:
        """The curves that carry the currents: of several amplitudes, or the one there is."""
        return list(self.by_amplitude or self.curves[:1])


@study("χ′ and χ″ over full screening")
def study_curves(sample: "Sample") -> CurvesStudy | Missing:
    """One curve for each drive, warming and cooling brought onto their mean.

    Parameters
    ----------
    sample : from `open_sample`

    Returns
    -------
    The curves, or `Missing` where the files hold no ac moment against temperature, or nothing is screened.
    """
    left_out: dict[str, str] = {}
    unit = "A/m"
    if _is_local(sample):
        curves, unit = _local_curves(sample, left_out), "A"
    else:
        sweeps = sample.sweeps(axis="temperature", needs="ac_in_phase")
        curves = collect_curves(sweeps, left_out=left_out)
    by_amplitude, by_frequency = group_curves(curves)
    return CurvesStudy(tuple(curves), tuple(by_amplitude), tuple(by_frequency), left_out, unit)


def _is_local(sample: "Sample") -> bool:
    """Whether the files are those of a scanning SQUID."""
    return any(file.suffix.lower() == ".mat" for file in sample.files)


def _local_curves(sample: "Sample", left_out: dict[str, str]) -> list[AcCurve]:
    """Temperature sweeps of a scanning SQUID; the field coil's current in A stands for the amplitude."""
    curves = []
    for file in sample.files:
        try:
            data = read_local_susceptibility(file)
            if "temperature" not in data:
                raise NotPossible(
                    "a sweep of the drive at one temperature; curves against temperature are needed"
                )
            columns = (data[name].values for name in ("temperature", "in_phase"))
            drive = {"amplitude": data.attrs["drive"], "frequency": data.attrs["frequency"]}
            curves.append(normalise_curve(*columns, -data["out_of_phase"].values, **drive))
            sample.used.append(file.name)
        except (LocalSusceptibilityError, ValueError) as reason:
            left_out[file.name] = str(reason)
    if not curves:
        raise NotPossible("; ".join(f"{name}: {reason}" for name, reason in left_out.items()))
    return sorted(curves, key=lambda curve: curve.amplitude)


@study("Fig. 13 · Rectangles")
def study_rectangles(
    sample: "Sample",
    curves: CurvesStudy,
    *,
    geometry: Geometry = "square_bar",
    temperature_error: Kelvin = 0.005,
    with_power: bool = True,
) -> CivaleTest | Missing:
    """Every rectangle between curves of three amplitudes, its mismatch, and what closing rectangles exclude.

    Parameters
    ----------
    sample : from `open_sample`
    curves : from `study_curves`
    geometry : across the field, for J_c(T) of the simulated worlds
    temperature_error : of one curve's thermometer against another's, K
    with_power : whether the wrong worlds are simulated

    Returns
    -------
    The test, or `Missing` where no three amplitudes stand in one ratio.
    """
    _same_files(sample, curves)
    options = {"temperature_uncertainty": temperature_error, "geometry": geometry, "with_power": with_power}
    return civale_test(_several(curves), **options)


@study("Power of the rectangles")
def study_power(
    sample: "Sample",
    curves: CurvesStudy,
    rectangles: CivaleTest,
    *,
    errors: tuple[float, ...] = (0.003, 0.01, 0.03),
    geometry: Geometry = "square_bar",
) -> PowerStudy | Missing:
    """The power of the rectangles against each wrong world, as the thermometer gets worse.

    Parameters
    ----------
    sample : from `open_sample`
    curves, rectangles : from the studies of these names
    errors : of the thermometer, K
    geometry : across the field
    """
    _same_files(sample, curves)
    if not rectangles.found:
        raise NotPossible(f"there is no rectangle: {rectangles.reason}")
    return PowerStudy(np.asarray(errors), power_curves(_several(curves), errors, geometry=geometry))


@study("The critical state")
def study_critical_state(
    sample: "Sample",
    curves: CurvesStudy,
    *,
    geometry: Geometry = "square_bar",
    temperature_error: Kelvin = 0.005,
    with_rivals: bool = True,
) -> CriticalStateTest | Missing:
    """Height of the loss peak, shift with frequency and dc field and the rectangles together, for each world.

    Parameters
    ----------
    sample : from `open_sample`
    curves : from `study_curves`
    geometry, temperature_error : as `study_rectangles` has them
    with_rivals : whether the wrong worlds are held against the observations, too
    """
    _same_files(sample, curves)
    options = {"temperature_uncertainty": temperature_error, "geometry": geometry}
    try:
        rectangles = civale_test(_several(curves), with_power=False, **options)
    except NotPossible:
        rectangles = None  # the other observations stand without
    both = curves.of_amplitudes(), list(curves.by_frequency)
    return check_critical_state(*both, rectangles=rectangles, with_rivals=with_rivals, **options)


@study("Fig. 15 · Frequency")
def study_creep(
    sample: "Sample",
    curves: CurvesStudy,
    *,
    geometry: Geometry = "square_bar",
    temperature_error: Kelvin = 0.005,
) -> CreepStudy | Missing:
    """The creep exponent at several levels, and the temperature from which frequency matters.

    Parameters
    ----------
    sample : from `open_sample`
    curves : from `study_curves`
    geometry, temperature_error : as `study_rectangles` has them

    Returns
    -------
    The result, or `Missing` where the files hold no two frequencies at one amplitude.
    """
    _same_files(sample, curves)
    if not curves.by_frequency:
        raise NotPossible("the files hold no two frequencies at one amplitude and dc field")
    current = log_full_field(curves.of_amplitudes(), geometry)
    error = {"temperature_uncertainty": temperature_error}
    exponents = estimate_creep_exponents(list(curves.by_frequency), current, **error)
    if not exponents:
        raise NotPossible("the curves of the several frequencies share no level of χ′")
    return CreepStudy(tuple(exponents), estimate_creep_onset(exponents), curves.by_frequency)


@study("Fig. 14 · J_c near T_c")
def study_current(
    sample: "Sample",
    curves: CurvesStudy,
    *,
    geometry: Geometry = "square_bar",
    temperature_error: Kelvin = 0.005,
) -> CurrentStudy | Missing:
    """J_c by half screening and by the loss peak, and what the ends of the bar do to it.

    Parameters
    ----------
    sample : from `open_sample`; its card gives the edges
    curves : from `study_curves`
    geometry, temperature_error : as `study_rectangles` has them

    Returns
    -------
    The result; without the edges the temperatures alone.
    """
    _same_files(sample, curves)
    if curves.unit == "A":
        raise NotPossible("the drive is the current of a field coil, whose field at the sample is not known")
    missing: dict[str, str] = {}
    half_width = _half_width(sample, missing)
    at = {"geometry": geometry, "temperature_uncertainty": temperature_error}
    width = half_width if half_width is not None else Quantity(np.nan, np.nan, "m")
    chosen = curves.of_amplitudes()
    halves, peaks = estimate_half_screening(chosen, half_width=width, **at), []
    try:
        peaks = estimate_loss_peak(chosen, half_width=width, **at)
    except NotPossible as reason:
        missing["loss peak"] = str(reason)
    return CurrentStudy(
        tuple(halves), tuple(peaks), half_width, geometry, _ends(sample, geometry, missing), missing
    )


def _half_width(sample: "Sample", missing: dict[str, str]) -> Quantity | None:
    if sentence := sample.card.require("transverse_lengths"):
        missing["J_c in A/cm²"] = sentence
        return None
    shorter: Quantity = min(sample.card.transverse_lengths, key=float)  # type: ignore[arg-type]
    return shorter / 2


def _ends(sample: "Sample", geometry: str, missing: dict[str, str]) -> Quantity:
    """What a cylinder of the same length over width, solved with its ends, makes of half screening."""
    if geometry not in ("square_bar", "cylinder") or sample.card.sides is None:
        return UNKNOWN
    one, two, along = sample.card.sides
    try:
        with_ends = finite_half_screening_field(float(along / np.sqrt(one * two)))
    except ValueError as reason:
        missing["the ends of the bar"] = str(reason)
        return UNKNOWN
    return Quantity(half_screening_field("cylinder") / with_ends - 1, 0.003)


@study("Collapse of the curves")
def study_collapse(
    sample: "Sample",
    curves: CurvesStudy,
    *,
    geometry: Geometry = "square_bar",
    temperature_error: Kelvin = 0.005,
) -> CollapseStudy | Missing:
    """One J_c(T) that brings all curves onto the geometry's F, onto a slab's, and onto any smooth F.

    Parameters
    ----------
    sample : from `open_sample`
    curves : from `study_curves`
    geometry, temperature_error : as `study_rectangles` has them

    Returns
    -------
    The result, or `Missing` where there are no two amplitudes.
    """
    _same_files(sample, curves)
    fits = {
        shape: fit_collapse(_several(curves), shape, temperature_uncertainty=temperature_error)
        for shape in dict.fromkeys((geometry, "slab", FREE))
    }
    return CollapseStudy(fits, tuple(_several(curves)))


@study("Fig. S4 · Loops")
def study_loops(sample: "Sample") -> LoopsStudy | Missing:
    """J_c at zero field from the opening of each loop, by Bean's formula for a bar.

    Parameters
    ----------
    sample : from `open_sample`; its card gives the edges and the direction of the field

    Returns
    -------
    The result, or `Missing` where the files hold no loop, or the card does not give the edges.
    """
    if _is_local(sample):
        raise NotPossible("the files hold the local susceptibility of a scanning SQUID, and no loop")
    loops = pair_branches(sample.sweeps(axis="field", needs="moment"))
    if not loops:
        raise NotPossible("the files hold no loop: a falling and a rising branch at one temperature")
    sides, volume = sample.given("transverse_lengths", "volume")
    currents, missing = [], {}
    for kelvin, falling, rising in loops:
        try:
            currents.append(
                estimate_loop_current(falling, rising, temperature=kelvin, sides=sides, volume=volume)
            )
        except NotPossible as reason:
            missing[f"loop at {kelvin:.4g} K"] = str(reason)
    return LoopsStudy(tuple(loops), tuple(currents), missing)


@study("Which law?")
def study_current_law(
    sample: "Sample",
    found: "list[CurrentStudy | LoopsStudy | Missing]",
    *,
    relative_error: Annotated[float, Field(gt=0, lt=1)] = RELATIVE,
) -> LawStudy | Missing:
    """The law of J_c(T) near T_c and over all temperatures.

    Parameters
    ----------
    sample : from `open_sample`
    found : what `study_current` and `study_loops` gave; one that is missing is left out
    relative_error : of one J_c against the next, beyond the edges and the volume that all share

    Returns
    -------
    The result, or `Missing` where J_c is known at fewer than two temperatures.
    """
    _same_files(sample, *found)
    near, cold = [], []
    for one in found:
        if isinstance(one, CurrentStudy):
            near += [
                (p.temperature, p.current)
                for p in one.halves
                if np.isfinite([p.temperature, p.current]).all()
            ]
        elif isinstance(one, LoopsStudy):
            cold += [(Quantity(p.temperature, LOOP_TEMPERATURE, "K"), p.current) for p in one.currents]
    if not near and not cold:
        raise NotPossible(
            "; ".join(dict.fromkeys(one.reason for one in found if isinstance(one, Missing))) or NO_CURRENT
        )
    return estimate_current_law(near, cold, relative_uncertainty=relative_error)


@study("The grains")
def study_grains(
    sample: "Sample",
    curves: CurvesStudy,
    *,
    fraction: Annotated[float, Field(gt=0, lt=1)] = 0.265,
    penetration_depth: Annotated[float, Field(gt=0)] = 77.7e-9,
    critical_temperature: Annotated[float, Field(gt=0)] = 38.5,
    temperature_error: Kelvin = 0.005,
) -> IndependentRange | Missing:
    """The range in which amplitude does not matter, and the radius of spheres that screen as much.

    Parameters
    ----------
    sample : from `open_sample`
    curves : from `study_curves`
    fraction, penetration_depth, critical_temperature : volume share, λ(0) in m and T_c in K of the superconductor;
        by default the paper's
    temperature_error : of one curve's thermometer against another's, K
    """
    _same_files(sample, curves)
    found = estimate_independent_range(_several(curves), temperature_uncertainty=temperature_error)
    if not (found.step > 0 and found.low < critical_temperature):
        return found
    medium = {"penetration_depth": penetration_depth, "critical_temperature": critical_temperature}
    radius = bound_cluster_radius(found.step, float(found.low), fraction=fraction, **medium)
    return replace(found, radius=radius)


def _same_files(sample: "Sample", *earlier: Any) -> None:
    """What rests on earlier results rests on their files."""
    for one in earlier:
        if isinstance(one, StudyResult) and one.stamp is not None:
            sample.used.extend(one.stamp.files)


def _several(curves: CurvesStudy) -> list[AcCurve]:
    if not curves.by_amplitude:
        raise NotPossible("the files hold no two amplitudes at one frequency and dc field")
    return list(curves.by_amplitude)


def study_all(sample: "Sample") -> dict[str, Any]:
    """What the statements ask of a rival world, nothing kept: the curves, the test and the shift with frequency."""
    curves = study_curves(sample, record=False)
    return {
        "curves": curves,
        "state": study_critical_state(sample, curves, with_rivals=False, record=False),
        "creep": study_creep(sample, curves, record=False),
        "grains": study_grains(sample, curves, record=False),
        "loops": study_loops(sample, record=False),
    }
