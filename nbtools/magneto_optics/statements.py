"""What the paper states on magneto-optical imaging, each statement judged by a function.

Statements that rest on data take `results`, by name: ``critical``, ``homogeneity`` and ``remanent`` as the studies of
this room give them. Their wrong worlds are `context.rivals`: the same results, by the name of the world, ``granular``
(grains with weaker joints) and ``two-to-one`` (a right half that carries twice the current of the left).
Statements that rest on printed numbers take these from `paper` and carry their rounding along.
"""

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from scipy.constants import physical_constants

from nbtools.magneto_optics.inversion import invert_current
from nbtools.paper import Context, Paper, Verdict, statement
from nbtools.paper.verdict import chance
from nbtools.physics.bean_state import half_screening_field
from nbtools.physics.current_sheet import (
    current_of,
    plate_field,
    plate_penetration_field,
    share_of_sense,
    signal_depth,
    strip_field,
    uniform_rectangle,
)
from nbtools.physics.superconductor import edge_barrier_factor
from nbtools.results import NotPossible
from nbtools.units import Quantity, convert, propagate

Results = Mapping[str, Any]

FLUX_QUANTUM = physical_constants["mag. flux quantum"][0]
# Pixels of the plate on which senses of currents are computed, and the pixels a side of a large camera.
PIXELS, CAMERA = 64, 4096
# Share of the half width that is taken for "just along the edge".
ALONG_THE_EDGE = 0.05
# Where the slope of a profile is compared, as a share of the half width, and at which fields (share of the largest).
SLOPE_AT, SLOPE_FIELDS = (0.8, 0.9), (0.5, 1.0)
# Half of the signal from less than this share of the thickness is near the surface.
NEAR = 0.25
GRANULAR, LOPSIDED = "weak joints", "a stronger half"


# Flux entry and critical current ---------------------------------------------------------------


@statement("MO-01")
def the_plate(paper: Paper, results: None, context: Context) -> Verdict:
    """Only stated."""
    return context.only_stated()


@statement("MO-02")
def entry_at_ten_kelvin(paper: Paper, results: None, context: Context) -> Verdict:
    """Whether H_c1 keeps flux out of this plate, or pinning keeps it at the edge."""
    width, thickness = _shorter(paper), paper["MO-01"].quantities[2].to("m")
    lower, largest = paper["MAG-08"].quantities[0], paper["MO-01"].quantities[3]
    factor = propagate(lambda ratio: float(edge_barrier_factor(ratio, shape="bar")), thickness / width)
    entry = factor * lower
    depth = ALONG_THE_EDGE
    reduced = math.acosh(1 / (1 - depth))
    held = convert(math.pi * float(largest.to("A/m")) / (float(thickness) * reduced), "A/m^2", "A/cm^2")
    basis = (
        f"an edge lets flux in from H_c1 tanh √(0.36 d/w) on, {entry} for the printed H_c1: in {float(largest):g} Oe "
        f"it is inside, as is said of the edge; that it stays within {100 * depth:.0f} % of the half width takes "
        f"J_c over {held:.2g} A cm⁻² (thin strip), which is not printed for 10 K"
    )
    apart = entry - largest
    holds = True if float(apart) > 2 * apart.uncertainty else None
    return context.proposition(holds, basis, shown=entry)


@statement("MO-03", rests_on="data")
def constant_gradient(paper: Paper, results: Results, context: Context) -> Verdict:
    """Up to which temperature J_c does not hang on the field; the gradient of a plate does in any case."""
    critical = results["critical"]
    basis = f"J_c of single frames against their field, 3 σ; {_slope_change(paper, critical)}"
    return context.number(
        critical.steady, basis, planted="constant_up_to", excluded=_field_worlds(critical.found)
    )


@statement("MO-04", rests_on="data")
def falling_gradient(paper: Paper, results: Results, context: Context) -> Verdict:
    """From which temperature J_c falls with field."""
    critical = results["critical"]
    basis = "J_c of single frames against their field, 3 σ"
    return context.number(
        critical.falling, basis, planted="falls_from", excluded=_field_worlds(critical.found)
    )


@statement("MO-05")
def full_penetration(paper: Paper, results: None, context: Context) -> Verdict:
    """The field that fills the plate at 35 K, against the rooftop that the ramp back leaves, and J_c known otherwise.

    A rooftop at zero field takes currents that have turned round all over: after Bean full penetration at half the
    largest field or less; with J_c falling as 1/B, the strongest fall of Kim's, at 1/√2 of it or less, since
    2 H_p² ≤ H_m² there.
    """
    printed = _uniform(context.about.quantities[0])
    largest = _uniform(paper["MO-01"].quantities[3])
    bean, kim = largest / 2, largest / math.sqrt(2)
    least, most = _filling_fields(paper, 35.0)
    basis = (
        f"a rooftop left after {float(largest):g} Oe needs {float(bean):.0f} Oe or less (Bean), {float(kim):.0f} Oe or "
        f"less (Kim, J_c ∝ 1/B); J_c of half screening carried to 35 K gives {_ends(least, most)}; "
        f"{float(printed):g} Oe are {float(printed / _filling_of(paper)):.0f} A cm⁻²"
    )
    if float(printed) < float(least) or float(printed) > float(most):
        margin = -abs(min(printed - least, most - printed))
    else:
        margin = bean - printed if bean > printed else kim - printed
    return context.proposition(margin, basis, shown=(bean, kim))


@statement("MO-06")
def partial_penetration(paper: Paper, results: None, context: Context) -> Verdict:
    """The field that fills the plate at 33 K, by both laws that carry J_c there."""
    bound = context.about.quantities[0]
    least, most = _filling_fields(paper, 33.0)
    basis = f"J_c of half screening carried to 33 K gives {_ends(least, most)}"
    margin = least - bound if least > bound else most - bound if most < bound else None
    return context.proposition(margin, basis, shown=_ends(least, most))


@statement("MO-07", rests_on="data")
def ridge(paper: Paper, results: Results, context: Context) -> Verdict:
    """How far the ridge of the remanent rooftop lies from the middle, against none."""
    found = results["remanent"].ridge
    if not np.isfinite(found):
        raise NotPossible("no ridge was found in a remanent frame")
    return context.number(
        found,
        "where the remanent current changes sign",
        planted="ridge_offset",
        excluded={"ridge in the middle": chance(found)},
    )


# Senses and depth ------------------------------------------------------------------------------


@statement("MO-08")
def sense_on_the_ramp(paper: Paper, results: None, context: Context) -> Verdict:
    """The sense found by inverting the field of a plate that shields a field towards the viewer."""
    share = _clockwise_share(_sides(paper), shields=True)
    return _sense(context, share, "inverting the field of a plate that shields a field towards the viewer")


@statement("MO-09")
def depth_of_the_signal(paper: Paper, results: None, context: Context) -> Verdict:
    """From which part of this plate half the signal comes, at its own scale and at that of fine patterns."""
    width, thickness = _shorter(paper), paper["MO-01"].quantities[2].to("m")

    def depth(length: float, d: float) -> float:
        return float(signal_depth(2 * np.pi / length, thickness=d))

    plate = propagate(depth, width, thickness, unit="m")
    share = plate / thickness
    fine = convert(depth(1e-4, float(thickness)), "m", "um")
    basis = (
        f"at the scale of the plate half the signal comes from the upper {plate.to('mm'):.2f} mm of "
        f"{float(thickness.to('mm')):g} mm, at 0.1 mm from {fine:.0f} µm: near the surface for fine patterns only"
    )
    margin = NEAR - share if share < NEAR else None
    return context.proposition(margin, basis, shown=share.to("%"))


@statement("MO-10", rests_on="data")
def trapped_field(paper: Paper, results: Results, context: Context) -> Verdict:
    """Mean and scatter of the plateau, against no flux and against a rooftop."""
    trapped = next(iter(results["remanent"].trapped.values()), None)
    if trapped is None:
        raise NotPossible("there are no frames of a sample that was cooled in a field")
    uneven = _rooftop_scatter(_sides(paper))
    worlds = {
        "no flux trapped": chance(trapped),
        "a rooftop": bool(trapped.uncertainty < 0.5 * uneven * float(trapped)),
    }
    return context.number(
        trapped, "mean and scatter of the inner half", planted="trapped_field", excluded=worlds
    )


@statement("MO-11")
def pinned_everywhere(paper: Paper, results: None, context: Context) -> Verdict:
    """What an average over many vortices can tell of where they sit."""
    field = paper["MO-10"].quantities[0].to("T")
    spacing = (2 / math.sqrt(3) * FLUX_QUANTUM / float(field)) ** 0.5
    pixel = float(_shorter(paper)) / CAMERA
    many = float(field) * pixel**2 / FLUX_QUANTUM
    one_by_one = many < 1
    basis = (
        f"vortices {1e6 * spacing:.2g} µm apart; of {CAMERA} pixels across the plate each would hold {many:.2g} of "
        f"them: {'each vortex has its place' if one_by_one else 'an average is the same wherever they sit'}"
    )
    return context.proposition(True if one_by_one else None, basis, shown=f"{1e6 * spacing:.2g} µm")


@statement("MO-12")
def sense_of_the_trapped_state(paper: Paper, results: None, context: Context) -> Verdict:
    """The sense of the currents that hold flux, and the sign of their field just outside."""
    share = _clockwise_share(_sides(paper), shields=False)
    inside, outside = _held_field(_sides(paper))
    basis = (
        f"inverting the field of a plate that holds flux towards the viewer, which outside has {outside:.0f} % of its "
        "middle"
    )
    if not outside < 0 < inside:
        return context.proposition(False, f"{basis}: no reversed flux outside")
    return _sense(context, share, basis)


# Evenness --------------------------------------------------------------------------------------


@statement("MO-13", rests_on="data")
def no_grains(paper: Paper, results: Results, context: Context) -> Verdict:
    """Whether the warmest map that is that of one J_c could be that of grains, or of unequal halves."""
    found = results["homogeneity"].found
    even = [kelvin for kelvin, one in found.items() if one.uniform]
    kelvin = max(even or found)
    ours = found[kelvin]
    worlds = context.wrong_worlds(granular=(GRANULAR, _none_uniform), two_to_one=(LOPSIDED, _none_uniform))
    words = {True: "even", False: "uneven"}
    planted = words.get(context.planted.get(f"even_at_{kelvin:g}K", math.nan) == 1.0, "")
    basis = (
        f"{kelvin:g} K, |J| against one J_c within {100 * ours.within:.0f} %, down to {1e6 * ours.length:.0f} µm: "
        f"scatter {ours.scatter.to('%')}, p = {ours.p_value:.2g}"
    )
    return context.world(words[ours.uniform], basis, planted=planted, excluded=worlds)


@statement("MO-14")
def uneven_or_homogeneous(paper: Paper, results: None, context: Context) -> Verdict:
    """The temperature at which pinning is found uneven, against that up to which the plate is called homogeneous."""
    # "About 36 K" leaves all of its tolerance open.
    uneven, homogeneous = _uniform(context.about.quantities[0]), context.about.quantities[1]
    basis = (
        f"an uneven pinning force at {float(uneven):g} K and good homogeneity up to about {float(homogeneous):g} K; "
        "how uneven is not printed, and 'good' is no number"
    )
    return context.proposition(uneven - homogeneous, basis)


@statement("MO-15", rests_on="data")
def ramp_down(paper: Paper, results: Results, context: Context) -> Verdict:
    """Up to which temperature what turns round on the way back has one J_c at all fields."""
    critical = results["critical"]
    if not critical.reversed:
        raise NotPossible("no frame was taken while the field fell")
    basis = "half of the change since the largest field, fitted as a ramp up: J_c against field, 3 σ"
    return context.number(
        critical.follows, basis, planted="constant_up_to", excluded=_field_worlds(critical.reversed)
    )


@statement("MO-16", rests_on="data")
def senses_of_the_remanent_state(paper: Paper, results: Results, context: Context) -> Verdict:
    """The clockwise share of the current in the warmest remanent state that has both senses."""
    shares = results["remanent"].clockwise
    mixed = [t for t, share in shares.items() if 3 * share.uncertainty < share < 1 - 3 * share.uncertainty]
    if not mixed:
        raise NotPossible("no remanent state has currents of both senses")
    kelvin = max(mixed)
    ours, warmest = shares[kelvin], shares[max(shares)]
    worlds = {"anticlockwise alone": chance(ours), "clockwise alone": chance(1 - ours)}
    said = "; ".join(f"{share.to('%')} at {t:g} K" for t, share in sorted(shares.items()))
    basis = f"clockwise share of the current around the plate: {said}"
    if max(shares) != kelvin:
        worlds["the same at all temperatures"] = chance(ours - warmest)
    return context.number(ours, basis, planted=f"clockwise_{kelvin:g}K", excluded=worlds)


# Shared ----------------------------------------------------------------------------------------


def _uniform(printed: Quantity) -> Quantity:
    """A printed number with the standard deviation of its rounding, r/√3."""
    return Quantity(float(printed), printed.uncertainty / math.sqrt(3), printed.unit)


def _shorter(paper: Paper) -> Quantity:
    """The shorter side of the plate (m)."""
    return min((one.to("m") for one in paper["MO-01"].quantities[:2]), key=float)


def _sides(paper: Paper) -> tuple[float, float, float]:
    """x, y and thickness of the plate (m)."""
    x, y, z = (float(one.to("m")) for one in paper["MO-01"].quantities[:3])
    return x, y, z


def _ends(least: Quantity, most: Quantity) -> str:
    return f"{float(least):.2g} Oe (three-halves law) to {float(most):.2g} Oe (the points' own law)"


def _filling_of(paper: Paper) -> Quantity:
    """Oe for each A/cm² that fill the plate."""
    x, y, z = _sides(paper)
    field = plate_penetration_field(convert(1.0, "A/cm^2", "A/m^2"), sides=(x, y), thickness=z)
    return Quantity(convert(field, "A/m", "Oe"), 0.0, "Oe")


def _filling_fields(paper: Paper, kelvin: float) -> tuple[Quantity, Quantity]:
    """The field that fills the plate: J_c of half screening carried by the three-halves law and by the points' own.

    Half screening of a square bar is at 0.620 of the half thickness, so J_c is 1.612 of the printed. The points' own
    law is J_c ∝ (T_c − T)ⁿ through all three: T_c = (T₂² − T₁T₃)/(2T₂ − T₁ − T₃). Its σ from the rounding of the
    temperatures is left out, being larger than itself.
    """
    temperatures = [float(one) for one in paper["AC-07"].quantities]
    densities = [one / half_screening_field("square_bar") for one in paper["AC-08"].quantities]
    (t1, t2, t3), coldest = temperatures, densities[2]
    end = (t2**2 - t1 * t3) / (2 * t2 - t1 - t3)
    known = float(paper["JC-02"].quantities[0])
    if not (min(known, end) > max(kelvin, t1, t2, t3) and all(one > 0 for one in densities)):
        raise NotPossible(
            f"no power law of T_c − T goes through J_c at {t1:g}, {t2:g} and {t3:g} K and on to {kelvin:g} K"
        )
    power = math.log(float(densities[2]) / float(densities[0])) / math.log((end - t3) / (end - t1))
    exponent = float(paper["JC-01"].quantities[0])
    scale = _filling_of(paper)
    gentle = scale * coldest * ((known - kelvin) / (known - t3)) ** exponent
    steep = scale * coldest * ((end - kelvin) / (end - t3)) ** power
    ends = sorted((gentle, steep), key=float)
    return Quantity.of(ends[0].ufloat, "Oe"), Quantity.of(ends[1].ufloat, "Oe")


def _field_worlds(found: Mapping[float, Any]) -> dict[str, bool | float]:
    """Whether J_c could be constant at the warmest temperature, and could fall at the next as it does there."""
    known = sorted(t for t, one in found.items() if np.isfinite(one.field_slope))
    if not known:
        raise NotPossible("J_c is known at fewer than three fields at every temperature")
    warmest = found[known[-1]].field_slope
    worlds: dict[str, bool | float] = {"J_c constant at all temperatures": chance(warmest)}
    if len(known) > 1:
        worlds["J_c falling at all temperatures"] = chance(found[known[-2]].field_slope - warmest)
    return worlds


def _slope_change(paper: Paper, critical: Any) -> str:
    """How dB_z/dx changes with field at constant J_c, in a thin strip of this plate."""
    if not np.isfinite(critical.steady):
        return "the gradient of a plate changes with field at constant J_c, too"
    current = critical.found[float(critical.steady)].critical_current
    half, thickness = float(_shorter(paper)) / 2, float(paper["MO-01"].quantities[2].to("m"))
    sheet = float(current) * (thickness if current.unit == "A/m^2" else 1.0)
    largest = float(paper["MO-01"].quantities[3].to("A/m"))
    x = half * np.array(SLOPE_AT)
    slopes = [
        float(np.diff(strip_field(x, half_width=half, applied=share * largest, sheet_current=sheet))[0])
        for share in SLOPE_FIELDS
    ]
    low, high = (f"{convert(share * largest, 'A/m', 'Oe'):.0f}" for share in SLOPE_FIELDS)
    return (
        f"at that constant J_c dB_z/dx of a thin strip still changes, by {100 * (slopes[1] / slopes[0] - 1):+.0f} % "
        f"from {low} to {high} Oe"
    )


def _sense(context: Context, clockwise: float, basis: str) -> Verdict:
    """Whether the sense that the paper names is the one that was found."""
    found = "clockwise" if clockwise > 0.5 else "anticlockwise"
    said = f"{basis}: {100 * clockwise:.0f} % of the current runs clockwise"
    return context.proposition(found == context.about.words, said, shown=found)


@cache
def _clockwise_share(sides: tuple[float, float, float], *, shields: bool) -> float:
    """Of the current that is found above a full plate whose field is against (shields) or along z."""
    step = 1.6 * max(sides[:2]) / PIXELS
    stream = uniform_rectangle((PIXELS, PIXELS), step, sides[:2])
    field = _plate_field(sides, step, stream)
    own = field * np.sign(field[PIXELS // 2, PIXELS // 2]) * (-1.0 if shields else 1.0)
    found = invert_current(own, pixel_size=step, height=0.0, thickness=sides[2])
    return share_of_sense(found.jx, found.jy, stream > 0)


@cache
def _held_field(sides: tuple[float, float, float]) -> tuple[float, float]:
    """B_z of a full plate in the middle, and the least of it outside in % of that."""
    step = 1.6 * max(sides[:2]) / PIXELS
    stream = uniform_rectangle((PIXELS, PIXELS), step, sides[:2])
    field = _plate_field(sides, step, stream)
    middle = float(field[PIXELS // 2, PIXELS // 2])
    return middle, 100 * float(field[stream == 0].min()) / middle


@cache
def _rooftop_scatter(sides: tuple[float, float, float]) -> float:
    """Scatter over mean of the inner half of a rooftop."""
    step = 1.6 * max(sides[:2]) / PIXELS
    field = _plate_field(sides, step, uniform_rectangle((PIXELS, PIXELS), step, sides[:2]))
    x = np.abs(step * (np.arange(PIXELS) - (PIXELS - 1) / 2))
    inner = field[np.ix_(x < sides[1] / 4, x < sides[0] / 4)]
    return float(inner.std() / inner.mean())


def _plate_field(sides: tuple[float, float, float], step: float, stream: Any) -> Any:
    return plate_field(*current_of(stream, step), pixel_size=step, thickness=sides[2], height=0.02 * sides[2])


def _none_uniform(world: Results) -> bool:
    """Whether no temperature of a wrong world passes for one J_c."""
    found = world["homogeneity"]
    return not found or not any(one.uniform for one in found.found.values())
