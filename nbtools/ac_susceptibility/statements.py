"""What the paper states on ac susceptibility and the critical current, each statement judged by a function.

Statements that rest on data take `results`, by name: ``curves``, ``rectangles``, ``state``, ``creep``, ``grains``,
``currents``, ``loops`` and ``law`` as the studies of this room give them. Their wrong worlds are `context.rivals`: what
`study_all` gives of ``bean`` (the critical state without creep), ``creep`` (n = 5), ``linear`` (an ohmic conductor),
``kim`` (a current that falls with the field) and ``two-step`` (grains that screen by themselves).
Statements that rest on printed numbers take these from `paper` and carry their rounding along.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import brentq

from nbtools.ac_susceptibility.current_law import fit_critical_current_law, power_law_through
from nbtools.ac_susceptibility.rectangles import DISCRIMINATING, estimate_current_ratio
from nbtools.paper import Context, Paper, Verdict, statement
from nbtools.paper.printed import enumeration
from nbtools.paper.verdict import ROUNDING_SIGMAS, chance, digits, in_sigmas
from nbtools.physics import proximity, superconductor
from nbtools.physics.ac_response import eddy_susceptibility
from nbtools.physics.bean_state import bean_susceptibility, half_screening_field, loss_peak
from nbtools.physics.critical_current import log_current, reduced_critical_current
from nbtools.physics.current_sheet import plate_penetration_field
from nbtools.physics.demagnetisation import shielded_prism_susceptibility
from nbtools.results import NotPossible
from nbtools.units import Quantity, convert, propagate

Results = Mapping[str, Any]

# The bar of III.D, field along its length, and the plate of III.C (m).
BAR = (1e-3, 1e-3, 5e-3)
HALF_THICKNESS = Quantity(0.5, 0.0, "mm")
PLATE: dict[str, Any] = {"sides": (4.1e-3, 4.8e-3), "thickness": 0.5e-3}
# The highest frequency of a PPMS's ac magnetometer; the paper prints none of its three.
HIGHEST_FREQUENCY = 1e4  # Hz
# A loss is part of what is seen from a tenth of the loss peak on.
VISIBLE_SHARE = 0.1
# Within this factor a law is followed "reasonably", and two densities are of one order.
REASONABLE_DECADES = math.log10(2)
ONE_ORDER = 0.5
# Of a normal metal next to MgB2: D of a dirty one, the Fermi velocity of a clean one (the project's physics notes).
DIRTY_DIFFUSIVITY = 1e-4  # m²/s
CLEAN_VELOCITY = 5e5  # m/s
# Uniform error of a rounding, as a standard deviation.
UNIFORM = 1 / math.sqrt(3)
# Between these exponents the points are asked which they leave.
LEAST_EXPONENT, MOST_EXPONENT = 1.0, 15.0
LAWS = {1.0: "linear", 1.5: "three-halves", 2.0: "square"}


# Curves ---------------------------------------------------------------------------------------


@statement("AC-01", rests_on="data")
def drive(paper: Paper, results: Results, context: Context) -> Verdict:
    """Dc field, frequency and amplitudes as the file has them; another drive would be another measurement."""
    curves = _three(results)
    found = (
        Quantity(curves[0].bias, 1e-2 * abs(curves[0].bias), "A/m"),
        Quantity(curves[0].frequency, 1e-3 * curves[0].frequency, "Hz"),
        *(Quantity(curve.amplitude, 1e-3 * curve.amplitude, "A/m") for curve in curves),
    )
    planted = ("bias", "frequency", *(f"amplitude_{i}" for i in range(3)))
    worlds = {"the drive of Fig. 15, without a dc field": chance(found[0])}
    return context.number(found, "columns of the data file", planted=planted, excluded=worlds)


@statement("AC-02")
def in_phase_plateau(paper: Paper, results: None, context: Context) -> Verdict:
    """The printed dc plateau of the same bar, which the ac one is said to match; what the shape makes of it beside."""
    plateau = paper["MAG-02"].quantities[0]
    shape = float(shielded_prism_susceptibility(*BAR))
    basis = (
        f"the dc curve of this bar is printed as {float(plateau):g}; fully shielded it would have {shape:.2f}"
    )
    return context.number(plateau, basis)


@statement("AC-03", rests_on="data")
def independent_range(paper: Paper, results: Results, context: Context) -> Verdict:
    """Where the extreme amplitudes part and where χ′ leaves zero, against a world in which they never part."""
    grains = results["grains"]
    limits = tuple(limit.widened(_thermometer(results)) for limit in (grains.low, grains.high))
    basis = "curves of the extreme amplitudes part by 0.5 % of full screening; χ′ leaves zero by as much"

    def parts_elsewhere(world: Results) -> bool | float:
        return not world["grains"] or _differs(limits[0], world["grains"].low)

    worlds = context.wrong_worlds(linear=("linear conductor", parts_elsewhere))
    planted = ("independent_low", "independent_high")
    return context.number(limits, basis, planted=planted, excluded=worlds)


@statement("AC-04")
def penetration_length(paper: Paper, results: None, context: Context) -> Verdict:
    """(10/4π) h/J_c, in Oe, A/cm² and cm, of the printed amplitudes and currents, against the printed length."""
    amplitudes = paper["AC-01"].value[2:]
    lengths = [
        (10 / (4 * math.pi) * h / density) * Quantity(1.0, 0.0, "A/cm")
        for h, density in zip(amplitudes, paper["AC-08"].quantities, strict=True)
    ]
    apart = [length.to("mm") - paper["AC-09"].quantities[0] for length in lengths]
    worst = max(apart, key=in_sigmas)
    listed = enumeration(str(length.to("mm")) for length in lengths)
    basis = (
        f"10/4π of the printed amplitudes over the printed currents is {listed}, against "
        f"{float(paper['AC-09'].quantities[0]):g} mm stated"
    )
    return context.coincide(worst, basis, shown=lengths[0].to("mm"))


@statement("AC-05", rests_on="data")
def current_ratio(paper: Paper, results: Results, context: Context) -> Verdict:
    """Ratio of the currents at the corners; excluded are the worlds whose rectangles this test would have told."""
    test = _rectangles(results)
    error = {"temperature_uncertainty": test.temperature_uncertainty}
    ratio = estimate_current_ratio(test.rectangles, **error)
    basis = "Bean's F at the levels of A and C"
    return context.number(ratio, basis, planted="current_ratio", excluded=_told(test))


@statement("AC-06", rests_on="data")
def closing_rectangles(paper: Paper, results: Results, context: Context) -> Verdict:
    """Mismatch of the rectangle at half screening."""
    test = _rectangles(results)
    basis = "rectangle at half screening"
    return context.number(test.central.closure, basis, planted="closure", excluded=_told(test))


@statement("AC-07", rests_on="data")
def half_screening(paper: Paper, results: Results, context: Context) -> Verdict:
    """The half-screening temperatures, against a conductor whose amplitude does not matter."""
    points = results["currents"].halves
    if len(points) != 3:
        raise NotPossible(f"{len(points)} amplitudes came; the paper has three")
    places = tuple(point.temperature.widened(_thermometer(results)) for point in points)
    spread = points[0].temperature - points[2].temperature

    def half_elsewhere(world: Results) -> float:
        theirs = [c.smooth.crossing(-0.5) for c in world["curves"].by_amplitude]
        return chance(spread - (theirs[0] - theirs[-1]))

    worlds = context.wrong_worlds(linear=("linear conductor", half_elsewhere))
    planted = tuple(f"half_screening_{i}" for i in range(3))
    return context.number(places, "crossing of half screening", planted=planted, excluded=worlds)


@statement("AC-08")
def printed_currents(paper: Paper, results: None, context: Context) -> Verdict:
    """The amplitudes over the printed penetration length."""
    printed = paper["AC-09"].quantities[0]
    length = Quantity(float(printed), printed.uncertainty * UNIFORM, "mm").to("cm")
    fields = [convert(h, "Oe", "A/m") for h in paper["AC-01"].value[2:]]
    currents = tuple((Quantity(h, 0.0, "A/m").to("A/cm") / length).to("A/cm^2") for h in fields)
    listed = enumeration(f"{h:g}" for h in paper["AC-01"].value[2:])
    return context.number(
        currents, f"{listed} Oe over {float(printed):g} mm, which is printed to ± {printed.uncertainty:g} mm"
    )


@statement("AC-09")
def length_at_half_screening(paper: Paper, results: None, context: Context) -> Verdict:
    """How far the field reaches into Bean's square bar when half is screened; a slab's half thickness beside it."""
    reach = half_screening_field("square_bar") * HALF_THICKNESS
    basis = (
        f"χ′ = −1/2 of a long square bar of half thickness {HALF_THICKNESS}; a slab would have "
        f"{half_screening_field('slab') * HALF_THICKNESS}"
    )
    return context.number(reach, basis)


@statement("AC-10")
def loss_peak_of_the_fall(paper: Paper, results: None, context: Context) -> Verdict:
    """Where Bean's bar loses most, by the printed half-screening temperatures: within the fall, or beyond it."""
    place, height = loss_peak("square_bar")
    warm, next_warm, _ = paper["AC-07"].quantities
    amplitudes = paper["AC-01"].value[2:]
    decades = math.log10(amplitudes[1] / amplitudes[0])
    higher = math.log10(place / half_screening_field("square_bar")) / decades * (warm - next_warm)
    peak = warm + higher
    end = paper["AC-03"].quantities[0]
    at = float(bean_susceptibility(place, "square_bar")[0])
    basis = (
        f"Bean's bar loses most ({height:.3f}) at χ′ = {at:.3f}, by the printed temperatures at "
        f"{float(peak):.2f} K for the smallest amplitude; the curves fall from {float(end):g} K down"
    )
    return context.proposition(end - peak, basis, shown=peak)


@statement("AC-11", rests_on="data")
def frequency_limits(paper: Paper, results: Results, context: Context) -> Verdict:
    """Where frequency begins to matter, against worlds in which it never does or everywhere. One kink serves twice."""
    onset = results["creep"].onset
    if not math.isfinite(onset):
        raise NotPossible("the shift with frequency has no kink in these curves")
    both = (onset.widened(_thermometer(results)),) * 2

    def has_no_kink(world: Results) -> bool | float:
        return not world["creep"] or _differs(onset, world["creep"].onset)

    worlds = context.wrong_worlds(
        bean=("no creep", has_no_kink),
        creep=("creep (n = 5)", has_no_kink),
        linear=("linear conductor", has_no_kink),
    )
    planted = ("creep_onset", "creep_onset")
    return context.number(both, "kink of the shift per decade", planted=planted, excluded=worlds)


@statement("AC-12")
def bean_where_frequency_matters(paper: Paper, results: None, context: Context) -> Verdict:
    """The two upper temperatures against that under which frequency no longer matters."""
    free = paper["AC-11"].quantities[1]
    warmest = max(paper["AC-12"].quantities, key=float)
    margin = free - warmest
    basis = f"frequency no longer matters below some {float(free):g} K; Bean's model is applied at {float(warmest):g} K"
    return context.proposition(margin, basis, shown=margin)


@statement("AC-13")
def eddy_currents(paper: Paper, results: None, context: Context) -> Verdict:
    """The eddy loss of the normal bar at 1 kHz and at the highest frequency of an ac magnetometer, over Bean's peak."""
    _, height = loss_peak("square_bar")
    resistivity, radius = paper["RES-03"].quantities[0].to("ohm m"), float(HALF_THICKNESS.to("m"))

    def share(rho: float, hertz: float) -> float:
        depth = math.sqrt(rho / (math.pi * 4e-7 * math.pi * hertz))
        return float(eddy_susceptibility(radius / depth, "cylinder")[1]) / height

    at_most = propagate(lambda rho: share(rho, HIGHEST_FREQUENCY), resistivity)
    kilohertz = propagate(lambda rho: share(rho, 1e3), resistivity)
    basis = (
        f"a normal bar of {resistivity.to('uohm m')} loses {kilohertz.to('%')} of Bean's peak at 1 kHz and "
        f"{at_most.to('%')} at {HIGHEST_FREQUENCY / 1e3:g} kHz, the most that an ac magnetometer has; part of what is "
        f"seen from {100 * VISIBLE_SHARE:g} % on; below T_c, where ρ falls, eddy currents grow"
    )
    return context.proposition(at_most - VISIBLE_SHARE, basis, shown=at_most.to("%"))


@statement("AC-14")
def change_of_regime(paper: Paper, results: None, context: Context) -> Verdict:
    """The onset minus the printed upper limit, against the printed distance; minus the change of regime beside it."""
    regime, limit, distance = paper["AC-14"].quantities
    onset = paper["MAG-01"].quantities[0]
    apart = (onset - limit) - distance
    basis = (
        f"{float(onset):g} K minus {float(limit):g} K is {float(onset - limit):.1f} K, printed as "
        f"{float(distance):g} K; "
        f"minus {float(regime):g} K it is {float(onset - regime):.1f} K"
    )
    return context.coincide(apart, basis, shown=onset - limit)


@statement("AC-15", rests_on="data")
def one_step(paper: Paper, results: Results, context: Context) -> Verdict:
    """One step or two: whether more than a tenth is screened without loss, by two standard deviations."""
    state = results["state"]
    planted = "two steps" if context.planted.get("grain_share", 0.0) >= 0.1 else "one step"
    worlds = context.wrong_worlds(
        two_step=("two-step", lambda world: world["state"].granular != state.granular)
    )
    basis = f"{state.grain_share.to('%')} is screened where the loss has ended; two steps from 10 % on"
    name = "two steps" if state.granular else "one step"
    return context.world(name, basis, planted=planted, excluded=worlds)


@statement("AC-16")
def four_temperatures(paper: Paper, results: None, context: Context) -> Verdict:
    """Whether the four temperatures named for the passage are one within their rounding."""
    named = paper["AC-16"].quantities
    high, low = max(named, key=float), min(named, key=float)
    apart = high - low
    basis = (
        f"from {float(low):g} to {float(high):g} K by four criteria: amplitude, critical state, frequency, images; a "
        "smooth passage has no temperature of its own"
    )
    return context.coincide(apart, basis, shown=apart)


@statement("AC-17", rests_on="data")
def with_rising_frequency(paper: Paper, results: Results, context: Context) -> Verdict:
    """Shift, width and peak height per decade of frequency, each above zero by two standard deviations or not."""
    seen = _signs(results["state"])
    planted = ", ".join(
        says
        for says, name in (
            ("shifts up", "shift_per_decade"),
            ("broadens", "width_per_decade"),
            ("peak grows", "height_per_decade"),
        )
        if context.planted.get(name, 0.0) > 0
    )
    state = results["state"]
    basis = (
        f"per decade {state.shift_per_decade.to('mK')}, width {state.width_slope.to('mK')}, peak height "
        f"{state.height_slope}"
    )
    worlds = context.wrong_worlds(
        bean=("no creep", lambda world: _signs(world["state"]) != seen),
        creep=("creep (n = 5)", lambda world: _signs(world["state"]) != seen),
        linear=("linear conductor", lambda world: _signs(world["state"]) != seen),
    )
    return context.world(seen or "none of these", basis, planted=planted or "none of these", excluded=worlds)


# Critical current -----------------------------------------------------------------------------


@statement("JC-01")
def exponent_near_the_transition(paper: Paper, results: None, context: Context) -> Verdict:
    """A law of the printed exponent through the printed points, T_c free, against their rounding."""
    exponent = float(paper["JC-01"].quantities[0])
    fit = _printed_fit(paper, exponent)
    basis = f"(1 − T/T_c)^{exponent:g} through three printed points, T_c free: {_says(fit)}; {_exponents_left(paper)}"
    return context.within_rounding(_misfit(fit), basis, shown=f"χ² = {fit.chi_square:.1f}")


@statement("JC-02")
def end_of_the_law(paper: Paper, results: None, context: Context) -> Verdict:
    """T_c of the law with the printed exponent through the printed points."""
    exponent = float(paper["JC-01"].quantities[0])
    fit = _printed_fit(paper, exponent)
    basis = f"T_c of the law with exponent {exponent:g} through the three printed points, {_says(fit)}"
    return context.number(fit.critical_temperature, basis)


@statement("JC-03")
def concave(paper: Paper, results: None, context: Context) -> Verdict:
    """The second difference of the printed points: steeper towards lower temperature, as a power above one is."""
    (t1, t2, t3), (j1, j2, j3) = paper["AC-07"].quantities, paper["AC-08"].quantities
    warm, cold = (j2 - j1) / (t1 - t2), (j3 - j2) / (t2 - t3)
    basis = f"{float(cold):.0f} A cm⁻² K⁻¹ below, {float(warm):.0f} above: concave upwards, as a 3/2 power is"
    return context.proposition(cold - warm, basis, shown=f"{float(cold / warm):.2g} times as steep")


@statement("JC-04")
def coupling_strength(paper: Paper, results: None, context: Context) -> Verdict:
    """Whether the printed points single out the three-halves law among those of junctions, T_c free in each."""
    printed = float(paper["JC-01"].quantities[0])
    fits = {law: _printed_fit(paper, exponent) for exponent, law in LAWS.items()}
    passing = [law for law, fit in fits.items() if _misfit(fit) < ROUNDING_SIGMAS]
    listed = ", ".join(f"{law} χ² = {fit.chi_square:.1f}" for law, fit in fits.items())
    ours = LAWS.get(printed)
    basis = f"of the laws of junctions with no or thin barriers ({listed}; one degree of freedom each) "
    basis += f"only {ours} passes" if passing == [ours] else f"{', '.join(passing) or 'none'} passes"
    return context.proposition(passing == [ours] or None, basis, shown=", ".join(passing) or "none")


@statement("JC-05")
def limit_of_equation_one(paper: Paper, results: None, context: Context) -> Verdict:
    """d ln J_c/d ln(1 − t) of Eq. (1) next to T_c, against the printed exponent."""
    law = log_current("depairing", 1.5)
    near = np.log([1e-6, 1.1e-6])
    slope = float(np.diff(law(near))[0] / np.diff(near)[0])
    printed = paper["JC-01"].quantities[0]
    prefactor = float(reduced_critical_current(1 - 1e-6, "depairing")) / 1e-9
    basis = f"d ln J_c/d ln(1 − t) of Eq. (1) is {slope:.4f} at T_c, its prefactor {prefactor:.3f}"
    return context.coincide(slope - printed, basis, shown=slope)


@statement("JC-06", rests_on="data")
def one_law_from_2_to_37(paper: Paper, results: Results, context: Context) -> Verdict:
    """Whether the coldest half-screening point lies within a factor of two of Eq. (1) through the loops."""
    off = results["law"].off
    if not math.isfinite(off):
        raise NotPossible("Eq. (1) through the loops and a half-screening point under its T_c are needed")
    follows, leaves = "follows Eq. (1)", "leaves Eq. (1)"

    def name(decades: float) -> str:
        return follows if abs(decades) < REASONABLE_DECADES else leaves

    clear = abs(abs(off) - REASONABLE_DECADES) > ROUNDING_SIGMAS * off.uncertainty
    basis = (
        f"the coldest half-screening point lies {off} decades off Eq. (1) fixed by the loops; reasonably is within "
        f"{REASONABLE_DECADES:.1f}"
    )
    one = chance(off) if name(off) == leaves else chance(abs(off) - REASONABLE_DECADES)
    other = "Eq. (1) throughout" if name(off) == leaves else "another law near T_c"
    planted = name(context.planted.get("off_eq_1", math.nan))
    said = name(off) if clear else "cannot tell"
    return context.world(said, basis, planted=planted, excluded={other: one})


@statement("JC-07")
def depairing_current(paper: Paper, results: None, context: Context) -> Verdict:
    """The depairing current of the printed lengths, against the prefactor of Eq. (1) at the coldest ac point."""
    depth, length = (paper[name].quantities[0].to("m") for name in ("GL-02", "GL-01"))
    depairing = propagate(
        lambda *lengths: float(superconductor.depairing_current(*lengths)), depth, length, unit="A/m^2"
    ).to("A/cm^2")
    coldest, density = paper["AC-07"].quantities[2], paper["AC-08"].quantities[2]
    critical = paper["MAG-01"].quantities[0]
    share = propagate(lambda t, end: float(reduced_critical_current(t / end, "depairing")), coldest, critical)
    prefactor = density / share
    decades = propagate(math.log10, depairing / prefactor)
    basis = (
        f"the printed lengths give {digits(depairing)} A cm⁻², Eq. (1) through {float(density):g} A cm⁻² at "
        f"{float(coldest):g} K and T_c = {float(critical):g} K {digits(prefactor)}: {float(decades):.1f} decades "
        f"apart (a square bar's factor makes it {float(decades) + math.log10(half_screening_field('square_bar')):.1f})"
    )
    return context.proposition(ONE_ORDER - abs(decades), basis, shown=depairing)


@statement("JC-08", rests_on="data")
def loops_up_to_30(paper: Paper, results: Results, context: Context) -> Verdict:
    """The warmest loop that is open."""
    loops = results["loops"]
    if not loops.currents:
        raise NotPossible("no loop gives a current density")
    warmest = max(loops.currents, key=lambda one: one.temperature)
    place = Quantity(warmest.temperature, 0.005, "K")
    worlds = {"a loop without opening": chance(warmest.width)}
    planted = Quantity(max(one.temperature for one in loops.currents), 0.0, "K")
    if "loop_temperature" in context.planted:
        planted = Quantity(context.planted["loop_temperature"], 0.0, "K")
    return context.number(place, "warmest loop of the file", planted=planted, excluded=worlds)


@statement("JC-09")
def plate_and_bar(paper: Paper, results: None, context: Context) -> Verdict:
    """The density that fills the plate at 35 K, against what the bar carries at 36.6 K and its own steep law."""
    field = paper["MO-05"].quantities[0].to("A/m")
    plate = (field / float(plate_penetration_field(1.0, **PLATE)) * Quantity(1.0, 0.0, "1/m")).to("A/cm^2")
    coldest = paper["AC-07"].quantities[2]
    bar = paper["AC-08"].quantities[2] / half_screening_field("square_bar")
    steepest = _steepest_at(paper, 35.0)
    rises = propagate(math.log, plate / bar)
    most = float(steepest) / half_screening_field("square_bar")
    basis = (
        f"at 35 K {digits(plate)} A cm⁻² of {float(field.to('Oe')):g} Oe, at {float(coldest):g} K {digits(bar)} of a "
        f"square bar: one curve takes more at 35 K, and the points' own power law gives {digits(most)} there"
    )
    return context.proposition(
        False if rises < -ROUNDING_SIGMAS * rises.uncertainty else None, basis, shown=plate
    )


@statement("JC-10")
def the_gap_in_the_range(paper: Paper, results: None, context: Context) -> Verdict:
    """How much of the fall of Eq. (1) lies where there is no current density to hold against it."""
    low, high = (q for q in paper["JC-10"].quantities)
    loops, ac = paper["JC-08"].quantities[0], min(paper["AC-07"].quantities, key=float)
    critical = paper["MAG-01"].quantities[0]
    share = (ac - loops) / (high - low)

    def fall(warm: float, cold: float, end: float) -> float:
        here, there = (float(reduced_critical_current(t / end, "depairing")) for t in (warm, cold))
        return math.log10(there / here)

    gap = propagate(fall, ac, loops, critical)
    basis = (
        f"the loops end at {float(loops):g} K, half screening begins at {float(ac):g} K: {share.to('%')} of the range "
        f"and {gap} decades of Eq. (1) without a current density"
    )
    tested = (ac - loops) < ROUNDING_SIGMAS * (ac - loops).uncertainty
    return context.proposition(True if tested else None, basis, shown=ac - loops)


# Proximity ------------------------------------------------------------------------------------


@statement("PRX-02")
def longest_barrier(paper: Paper, results: None, context: Context) -> Verdict:
    """The longest barrier that leaves J_c(0) under the depairing current of the printed lengths, for any T_c.

    Three points cannot fix the three parameters of a junction's law; they bound its barrier.
    """
    depth, length = (float(paper[name].quantities[0].to("m")) for name in ("GL-02", "GL-01"))
    depairing = float(superconductor.depairing_current(depth, length))
    warm = [float(q) for q in paper["AC-07"].quantities]
    currents = [float(q.to("A/m^2")) for q in paper["AC-08"].quantities]
    ends = (max(warm) + paper["AC-07"].rounding[0], float(paper["MAG-01"].quantities[0]))
    if ends[0] >= ends[1]:
        raise NotPossible(f"a half-screening temperature of {max(warm):g} K is not below T_c")
    most = [
        float(
            np.min(
                proximity.largest_barrier(
                    warm, currents, critical_temperature=end, depairing_current=depairing
                )
            )
        )
        for end in ends
    ]
    low, high = min(most), max(most)
    kelvin = min(warm)
    dirty = 1e9 * float(proximity.dirty_normal_length(kelvin, diffusivity=DIRTY_DIFFUSIVITY))
    clean = 1e9 * float(proximity.clean_normal_length(kelvin, velocity=CLEAN_VELOCITY))
    basis = (
        f"J_c(0) under the depairing current {digits(convert(depairing, 'A/m^2', 'A/cm^2'))} A cm⁻² allows L/ξ_N up "
        f"to {low:.1f} (T_c = {ends[0]:g} K) or {high:.1f} ({ends[1]:g} K): "
        f"{dirty * low:.0f} to {dirty * high:.0f} nm of a dirty metal, "
        f"{clean * low:.0f} to {clean * high:.0f} nm of a clean one; no barrier at all is allowed, too"
    )
    shown = f"L/ξ_N < {low:.1f} to {high:.1f}"
    return context.proposition(None if high > 1 else False, basis, shown=shown)


# Shared ---------------------------------------------------------------------------------------


def _differs(ours: Quantity, theirs: Quantity) -> bool | float:
    """Whether a world shows no such number, or how likely it would have shown ours."""
    return chance(ours - theirs) if math.isfinite(theirs) else True


def _three(results: Results) -> list[Any]:
    curves = list(results["curves"].by_amplitude)
    if len(curves) != 3:
        raise NotPossible(f"{len(curves)} amplitudes came; the paper has three")
    return curves


def _rectangles(results: Results) -> Any:
    test = results["rectangles"]
    if not test.found:
        raise NotPossible(f"there is no rectangle: {test.reason}")
    return test


def _told(test: Any) -> dict[str, bool | float]:
    """The worlds that the rectangles would have told with a power of 0.8."""
    return {
        f"{world} ({value})" if value else world: power >= DISCRIMINATING
        for name, power in test.power.items()
        for world, _, value in (name.partition(", "),)
    }


def _thermometer(results: Results) -> float:
    """σ of its calibration, as the card states it (K)."""
    return float(results.get("thermometer", 0.0))


def _signs(state: Any) -> str:
    """Which of shift, width and peak height rise with frequency by two standard deviations."""
    found = (
        ("shifts up", state.shift_per_decade),
        ("broadens", state.width_slope),
        ("peak grows", state.height_slope),
    )
    return ", ".join(says for says, slope in found if slope > ROUNDING_SIGMAS * slope.uncertainty)


def _printed_fit(paper: Paper, exponent: float) -> Any:
    """(1 − T/T_c)ⁿ of a given n through the printed points, T_c free."""
    warm, currents = paper["AC-07"].quantities, paper["AC-08"].quantities
    return fit_critical_current_law(
        [float(t) for t in warm],
        [float(j.to("A/m^2")) for j in currents],
        law="power",
        exponent=exponent,
        temperature_uncertainty=[t.uncertainty * UNIFORM for t in warm],
        relative_uncertainty=[j.uncertainty / float(j) * UNIFORM for j in currents],
    )


def _misfit(fit: Any) -> float:
    """In σ, of a fit with one degree of freedom."""
    return math.sqrt(fit.chi_square)


def _says(fit: Any) -> str:
    moved = 1e3 * float(np.max(np.abs(fit.temperature_shift)))
    return f"χ² = {fit.chi_square:.1f} for one degree of freedom, temperatures moved up to {moved:.0f} mK"


def _exponents_left(paper: Paper) -> str:
    """Which exponents the rounding of the printed points leaves, by 2 σ."""

    def excess(exponent: float) -> float:
        return _misfit(_printed_fit(paper, exponent)) - ROUNDING_SIGMAS

    try:
        law = _through(paper)
    except NotPossible as reason:
        return str(reason)
    best = min(max(float(law.exponent), LEAST_EXPONENT), MOST_EXPONENT)
    low = brentq(excess, LEAST_EXPONENT, best, xtol=0.02) if excess(LEAST_EXPONENT) > 0 else LEAST_EXPONENT
    high = brentq(excess, best, MOST_EXPONENT, xtol=0.02) if excess(MOST_EXPONENT) > 0 else MOST_EXPONENT
    beyond = " and beyond" if high == MOST_EXPONENT else ""
    return (
        f"rounding leaves n from {low:.1f} to {high:.1f}{beyond} (2 σ); n = {float(law.exponent):.1f} and T_c = "
        f"{float(law.critical_temperature):.2f} K go through all three"
    )


def _through(paper: Paper) -> Any:
    warm = [Quantity(t, t.uncertainty * UNIFORM, "K") for t in paper["AC-07"].quantities]
    return power_law_through(warm, [float(j.to("A/m^2")) for j in paper["AC-08"].quantities])


def _steepest_at(paper: Paper, kelvin: float) -> Quantity:
    """What the power law through the printed points gives at a lower temperature (A/cm²)."""
    try:
        law = _through(paper)
    except NotPossible:
        return Quantity(math.nan, math.nan, "A/cm^2")
    return Quantity(float(law.predict(kelvin)), math.nan, "A/m^2").to("A/cm^2")
