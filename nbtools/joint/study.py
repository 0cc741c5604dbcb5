"""Where the results of several techniques on one sample meet."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from nbtools.joint.critical_current import (
    CurrentPoints,
    JointCurrentStudy,
    PrintedCurrents,
    fit_joint_current,
    points_of,
)
from nbtools.joint.gaps import GapsStudy, estimate_gaps
from nbtools.joint.lengths import PenetrationDepths, depths_of, estimate_penetration_depths
from nbtools.joint.resistivity import ResistivityBound, estimate_resistivity_bound
from nbtools.physics.bean_state import half_screening_field
from nbtools.physics.current_sheet import plate_penetration_field
from nbtools.results import Ledger, NotPossible
from nbtools.study import Missing, study

if TYPE_CHECKING:
    from nbtools.ac_susceptibility.study import CurvesStudy
    from nbtools.notebook.sample import Sample
    from nbtools.structure.phases import PhasesStudy
    from nbtools.transport.resistance import ResistanceStudy

Positive = Annotated[float, Field(gt=0)]


@study("One critical current")
def study_critical_current(
    sample: "Sample",
    ledgers: Mapping[str, Ledger | Sequence[Ledger]],
    *,
    law: Literal["power", "linear", "three-halves", "square", "depairing"] = "power",
    probe: Positive = 0.05,
    cold_finger: Positive = 0.4,
) -> JointCurrentStudy | Missing:
    """One J_c(T) through loops, half screening and flux profiles, each thermometer but one free by its own error.

    Parameters
    ----------
    sample : whose results they are
    ledgers : of notebooks 04 and 05, by name; one, or that of every run
    law : of J_c(T)
    probe, cold_finger : K, how far the thermometers of half screening and of the flux profiles may be off
    """
    runs = [
        [known] if isinstance(known, Ledger) else known
        for known in (ledgers.get(name, ()) for name in ("05_ac_susceptibility", "04_magneto_optics"))
    ]
    points = points_of(*runs, probe=probe, cold_finger=cold_finger)
    try:
        return JointCurrentStudy(fit_joint_current(points, law=law), points)
    except ValueError as reason:
        raise NotPossible(str(reason)) from None


@study("The paper's own points")
def study_printed_current(
    sample: "Sample", printed: Mapping[str, Any], *, cold_finger: Positive = 0.4
) -> PrintedCurrents | Missing:
    """Whether one law passes the printed currents: three of half screening, and the field that fills the plate at 35 K.

    Parameters
    ----------
    sample : the paper itself
    printed : its statements by id, from `nbtools.paper.read_paper`
    cold_finger : K, how far the thermometer of the magneto-optic stage may be off
    """
    warm, currents = printed["AC-07"].quantities, printed["AC-08"].quantities
    bar = [float(current.to("A/m^2")) / half_screening_field("square_bar") for current in currents]
    width, length, thickness = (float(side.to("m")) for side in printed["MO-01"].quantities[:3])
    per_current = float(plate_penetration_field(1.0, sides=(width, length), thickness=thickness))
    place, field = printed["MO-04"].quantities[0], printed["MO-05"].quantities[0]
    full = float(field.to("A/m")) / per_current
    points = {
        "half screening": CurrentPoints(
            [float(kelvin) for kelvin in warm],
            bar,
            max(kelvin.uncertainty for kelvin in warm) / math.sqrt(3),
            max(current.uncertainty / float(current) for current in currents) / math.sqrt(3),
        ),
        "full plate": CurrentPoints(
            [float(place)],
            [full],
            place.uncertainty / math.sqrt(3),
            field.uncertainty / float(field) / math.sqrt(3),
            offset_uncertainty=cold_finger,
        ),
    }
    laws: tuple[Literal["power", "three-halves", "depairing"], ...] = ("power", "three-halves", "depairing")
    return PrintedCurrents({law: fit_joint_current(points, law=law) for law in laws}, points)


@study("Resistivity against screening")
def study_resistivity_bound(
    sample: "Sample", resistance: "ResistanceStudy", curves: "CurvesStudy"
) -> ResistivityBound | Missing:
    """The resistivity that R(T) gives against the one that χ′ allows.

    Parameters
    ----------
    sample : its card gives the edges across the field
    resistance : from `nbtools.transport.study_resistance`
    curves : from `nbtools.ac_susceptibility.study_curves`
    """
    if resistance.unit != "ohm m":
        raise NotPossible("the card of R(T) gives no cross-section and tap distance: there is no resistivity")
    (edges,) = sample.given("transverse_lengths")
    weak = curves.curves[0]
    return estimate_resistivity_bound(
        resistance.temperature,
        resistance.signal,
        weak.temperature,
        weak.in_phase,
        radius=float(min(edges)) / 2,
        frequency=weak.frequency,
        zero=resistance.transition.zero,
        temperature_error=float(np.nan_to_num(weak.lag, nan=0.005)),
    )


@study("One penetration depth by three routes")
def study_penetration_depths(sample: "Sample", printed: Mapping[str, Any]) -> PenetrationDepths | Missing:
    """λ by three routes from the paper's printed numbers.

    Parameters
    ----------
    sample : the paper itself
    printed : its statements by id, from `nbtools.paper.read_paper`
    """
    depth, lower, upper, resistivity = (
        printed[name].quantities[0] for name in ("GL-02", "MAG-07", "MAG-09", "RES-03")
    )
    return estimate_penetration_depths(
        depth.to("m"),
        lower.to("A/m"),
        upper.to("A/m"),
        resistivity.to("ohm m"),
        printed["CMP-02"].quantities[1] / 100,
        critical_temperature=float(printed["MAG-01"].quantities[0]),
    )


@study("One penetration depth by two routes")
def study_sample_depths(sample: "Sample", transport: Ledger) -> PenetrationDepths | Missing:
    """λ of a sample by its critical fields and by its resistivity.

    Parameters
    ----------
    sample : whose results they are
    transport : the results of notebook 03
    """
    names = ("penetration_depth", "resistivity_100", "critical_temperature")
    lacking = [name.replace("_", " ") for name in names if name not in transport.results]
    if lacking:
        raise NotPossible(f"Transport found no {', no '.join(lacking)}")
    return depths_of(*(transport.results[name].quantity for name in names))


@study("Gaps against reach")
def study_gaps(
    sample: "Sample",
    volume: "PhasesStudy",
    *,
    diffusivity: Positive = 1e-4,
    fermi_velocity: Positive = 5e5,
) -> GapsStudy | Missing:
    """Runs between pieces of the dark phase against the normal metal's coherence length at 5 and 37 K.

    Parameters
    ----------
    sample : of the volume
    volume : from `nbtools.structure.study_volume`
    diffusivity, fermi_velocity : m²/s and m/s, of electrons in a dirty and in a clean normal region
    """
    return estimate_gaps(
        volume.phase,
        volume.voxel_size,
        diffusivity=diffusivity,
        fermi_velocity=fermi_velocity,
        span=(5.0, 37.0),
    )
