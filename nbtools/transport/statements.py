"""What the paper states on transport and dc magnetisation, each statement judged by a function.

Statements that rest on data take `results`, by name: ``resistance``, ``screening``, ``entry`` and ``upper`` as the
studies of this room give them. Their wrong worlds are `context.rivals`: the same results, by the name of the world,
``two-step`` (links that become superconducting 1.8 K below the grains) and ``normal`` (a metal that never does).
Statements that rest on printed numbers take these from `paper` and carry their rounding along.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from nbtools.paper import Context, Paper, Verdict, statement
from nbtools.paper.verdict import chance, digits
from nbtools.physics import superconductor, two_phase_medium
from nbtools.physics.bean_state import half_screening_field
from nbtools.physics.normal_metal import bloch_gruneisen
from nbtools.results import NotPossible
from nbtools.transport.lengths import CORE_TERM_HU, GinzburgLandau, estimate_ginzburg_landau
from nbtools.transport.model_gradiometer import sample_length_factor
from nbtools.transport.normal_state import IDEAL_RESISTIVITY_RISE
from nbtools.transport.screening import full_screening_susceptibility
from nbtools.transport.transition import Transition
from nbtools.units import Quantity, convert, propagate

Results = Mapping[str, Any]

# The bar of III.B, field along its length (m), and the temperature up to which MAG-08 speaks of H_c1.
BAR = (1e-3, 1e-3, 5e-3)
LOWER_FIELD_UP_TO = Quantity(10.0, 0.0, "K")
# Relative error of χ0 of the shielded bar, as `shielded_prism_susceptibility` states it.
SHIELDED_ERROR = 1e-4
# T_c of clean MgB2, K (Nagamatsu et al., Nature 410, 63 (2001)).
CLEAN_CRITICAL_TEMPERATURE = 39.0
# Debye temperatures reported for MgB2, K (Bud'ko et al., PRL 86, 1877 (2001); Gasparov et al., JETP Lett. 73,
# 532 (2001)).
DEBYE_TEMPERATURES = (750.0, 1050.0)
# Share of the volume from which a random mixture conducts through: the lowest in use (Scher and Zallen,
# J. Chem. Phys. 53, 3759 (1970)) and the highest (Bruggeman's effective medium).
PERCOLATION_THRESHOLDS = (0.16, 1 / 3)
# g/mol
MOLAR_MASSES = {"MgO": 40.304, "MgB2": 45.926}
STEPS = {1: "one step", 2: "two steps"}
# A law is beaten where its χ² (or AICc) is larger by more than this.
BEATEN_BY = 10.0

CORRECTIONS = {"none": "no shape correction", "1-N": "shape by 1 − N", "brandt": "Brandt's edge barrier"}
METAL, GRANULAR, EARLIER = "normal metal", "granular with two steps", "composite of ref. 20"


# Resistivity ----------------------------------------------------------------------------------


@statement("RES-01", rests_on="data")
def resistive_onset(paper: Paper, results: Results, context: Context) -> Verdict:
    """The onset, against a metal that never superconducts and the composite of ref. 20."""
    found = results["resistance"].transition
    onset, earlier = found.onset, paper["RES-05"].quantities[0]
    worlds = context.wrong_worlds(normal=(METAL, _stays_normal(found)))
    worlds[EARLIER] = chance(onset - earlier)
    return context.number(onset, "steepest tangent", planted="resistive_onset", excluded=worlds)


@statement("RES-02", rests_on="data")
def zero_resistance(paper: Paper, results: Results, context: Context) -> Verdict:
    """The end of the transition, against a metal, links that follow later, and the composite of ref. 20."""
    found = results["resistance"].transition
    zero, earlier = found.zero, paper["RES-05"].quantities[1]

    def ends_elsewhere(world: Results) -> float:
        return chance(zero - world["resistance"].transition.zero)

    worlds = context.wrong_worlds(normal=(METAL, _stays_normal(found)), two_step=(GRANULAR, ends_elsewhere))
    worlds[EARLIER] = chance(zero - earlier)
    return context.number(zero, "R under 3 σ of its noise", planted="resistive_zero", excluded=worlds)


@statement("RES-03")
def carriers_in_the_oxide(paper: Paper, results: None, context: Context) -> Verdict:
    """What MgB2 would have to conduct if MgO insulates, against what phonons alone leave of it at 100 K."""
    resistivity = paper["RES-03"].quantities[0].to("uohm cm")
    fraction = paper["CMP-02"].quantities[1].to("")
    needed = propagate(_least_conduction, resistivity, fraction, unit="uohm cm")
    floor = _phonon_resistivity(100.0).to("uohm cm")
    margin = floor - needed
    basis = (
        f"if MgO insulates, {_percent(fraction)} of MgB2 at {needed} would do (Hashin-Shtrikman); phonons alone leave "
        f"MgB2 at {floor}"
    )
    basis += ": carriers in MgO are not needed, and not excluded" if margin < 0 else ""
    return context.proposition(margin if margin > 0 else None, basis, shown=needed)


@statement("RES-04", rests_on="data")
def one_transition(paper: Paper, results: Results, context: Context) -> Verdict:
    """One step or two, as AICc counts them, against worlds with two and with none."""
    steps, transition = results["resistance"].steps, results["resistance"].transition
    if steps is None:
        raise NotPossible("too few points lie in the transition to count its steps")

    def counts_otherwise(world: Results) -> bool:
        found = world["resistance"].steps
        return found is not None and found.steps != steps.steps

    worlds = context.wrong_worlds(
        two_step=(GRANULAR, counts_otherwise), normal=(METAL, _stays_normal(transition))
    )
    planted = STEPS.get(context.planted.get("resistive_steps", math.nan), "no step")
    gain = steps.aicc_difference
    basis = f"AICc {'falls' if gain > 0 else 'rises'} by {abs(gain):.1f} from one error function to two"
    return context.world(STEPS[steps.steps], basis, planted=planted, excluded=worlds)


@statement("RES-05")
def earlier_transition(paper: Paper, results: None, context: Context) -> Verdict:
    """Cited."""
    return context.only_stated()


@statement("RES-06")
def composite_that_fails(paper: Paper, results: None, context: Context) -> Verdict:
    """Whether the share of MgO can be what decides: this sample's, against that of the one said to fail."""
    ours, theirs = paper["CMP-01"].quantities[0], paper["RES-06"].quantities[0]
    margin = theirs - ours
    basis = f"{float(ours):.3g} wt% MgO superconducts here, {float(theirs):.3g} wt% did not there"
    basis += (
        "" if margin > 0 else ": the share of MgO alone does not decide, and what else does is not printed"
    )
    return context.proposition(margin if margin > 0 else None, basis, shown=ours)


@statement("RES-07")
def hole_density(paper: Paper, results: None, context: Context) -> Verdict:
    """The factor of dilution, against "an order" as the nearest power of ten and as nearer to ten than to one."""
    factor = 1 / paper["CMP-02"].quantities[1].to("")
    order = float(paper["RES-07"].quantities[0])
    loose = (math.sqrt(order), order * math.sqrt(order))
    tight = ((1 + order) / 2, order + (order - 1) / 2)
    margins = [min(factor - low, high - factor) for low, high in (loose, tight)]
    if min(margins) > 0:
        margin = min(margins)
    else:
        margin = max(margins) if max(margins) < 0 else None
    basis = (
        f"dilution gives {factor}, one over the volume fraction; nearer to {order:g} than to 1 is a factor from "
        f"{loose[0]:.1f} on by ratio, from {tight[0]:.1f} on by difference"
    )
    return context.proposition(margin, basis, shown=factor)


@statement("RES-08")
def zero_resistance_and_half_screening(paper: Paper, results: None, context: Context) -> Verdict:
    """The current through the bar that brings zero resistance and half screening together.

    Half screening at the higher temperature means a critical current density there. With less than the current it
    carries through the bar, the resistance is zero from that temperature down; with more, only below.
    """
    zero, half = paper["RES-08"].quantities
    onset = paper["RES-01"].quantities[0]
    density = paper["AC-08"].quantities[0]
    thickness = 2 * paper["AC-09"].quantities[0].to("cm")
    # D_c at half screening is the half thickness for the paper; of Bean's square bar it is 0.62 of that.
    densities = (density, density / half_screening_field("square_bar"))
    least, most = (convert(float(j) * float(thickness) ** 2, "A", "mA") for j in densities)
    margin: Quantity | None = None
    if zero > half:
        margin = zero - half
    elif half > onset:
        margin = onset - half
    kelvin, current = f"{float(half):g} K", f"{least:.0f} to {most:.0f} mA"
    carried = " to ".join(f"{float(j):.1f}" for j in densities)
    basis = (
        f"half screening at {kelvin} takes J_c = {carried} A cm⁻²: with more than {current} through "
        f"{float(thickness.to('mm')) ** 2:.2g} mm² R > 0 there, and both are one transition; with less R = 0 from "
        f"{kelvin} down; no current is printed"
    )
    return context.proposition(margin, basis, shown=current)


@statement("RES-09")
def both_onsets(paper: Paper, results: None, context: Context) -> Verdict:
    """The onset of diamagnetism and that of the fall of resistance, within their rounding."""
    apart = paper["MAG-01"].quantities[0] - paper["RES-01"].quantities[0]
    basis = (
        f"diamagnetic minus resistive onset {apart}, by two criteria (first deviation, tangent) and two thermometers; "
        "a grain that screens also conducts, so that both should coincide"
    )
    return context.coincide(apart, basis, shown=apart)


@statement("RES-10")
def reproducibility(paper: Paper, results: None, context: Context) -> Verdict:
    """The other sample's curves are not printed."""
    return context.only_stated()


@statement("RES-11")
def percolation_of_the_earlier_composite(paper: Paper, results: None, context: Context) -> Verdict:
    """Whether the reaction product holds enough MgB2 to conduct from end to end by itself."""
    weights, volumes = paper["CMP-01"].quantities, paper["CMP-02"].quantities
    denser = (weights[0] / volumes[0]) / (weights[1] / volumes[1])  # MgO over MgB2
    molar_volume = MOLAR_MASSES["MgO"] / MOLAR_MASSES["MgB2"] / denser
    oxide = paper["CMP-04"].quantities[0].to("")
    fraction = (1 - oxide) / (1 - oxide + oxide * molar_volume)
    low, high = PERCOLATION_THRESHOLDS
    basis = (
        f"{_percent(oxide)} of the formula units leave MgB2 {fraction.to('%')} of the volume; random mixtures conduct "
        f"through from {_percent(low)} (Scher and Zallen) to {_percent(high)} (Bruggeman) on, and so this sample may, "
        f"with {float(volumes[1]):g} %"
    )
    return context.proposition(fraction - low, basis, shown=fraction.to("%"))


# dc magnetisation and critical fields ---------------------------------------------------------


@statement("MAG-01", rests_on="data")
def diamagnetic_onset(paper: Paper, results: Results, context: Context) -> Verdict:
    """The onset, against a metal that never superconducts, the composite of ref. 20, and clean MgB2."""
    onset = results["screening"].onset
    worlds = context.wrong_worlds(normal=(METAL, _does_not_screen(results)))
    worlds[EARLIER] = chance(onset - paper["RES-05"].quantities[0])
    worlds["clean MgB2"] = chance(onset - CLEAN_CRITICAL_TEMPERATURE)
    return context.number(onset, "first 1 % of the step", planted="magnetic_onset", excluded=worlds)


@statement("MAG-02", rests_on="data")
def plateau(paper: Paper, results: Results, context: Context) -> Verdict:
    """4πχ of the plateau, against a body without shape effects and a metal."""
    shielding = results["screening"].shielding
    if shielding is None:
        reason = results["screening"].missing.get(
            "4πχ", "no susceptibility follows from these files and card"
        )
        raise NotPossible(reason)
    chi = shielding.susceptibility
    worlds = context.wrong_worlds(normal=(METAL, _does_not_screen(results)))
    worlds["4πχ = −1 without effect of shape"] = chance(chi + 1)
    basis = f"m/(VH), most uncertain by the {shielding.most_useful}"
    return context.number(chi, basis, planted="apparent_susceptibility_5K", excluded=worlds)


@statement("MAG-03")
def demagnetising_factor(paper: Paper, results: None, context: Context) -> Verdict:
    """The factor of the fully shielded bar."""
    bodies = {name: 1 + 1 / chi for name, chi in _full_screening().items()}
    factor = Quantity(bodies["shielded prism"], SHIELDED_ERROR * (1 - bodies["shielded prism"]))
    basis = (
        f"fully shielded bar of 1 × 1 × 5; a cylinder of these proportions has {bodies['Brandt cylinder']:.3f}, a "
        f"spheroid {bodies['spheroid']:.3f}"
    )
    return context.number(factor, basis)


@statement("MAG-04")
def demagnetisation_of_the_plateau(paper: Paper, results: None, context: Context) -> Verdict:
    """What the stated factor makes of −1."""
    stated = paper["MAG-03"].quantities[0]
    shape = _full_screening()["shielded prism"]
    read = shape * sample_length_factor(BAR[2], mode="MPMS")
    basis = (
        f"−1/(1 − N) of the stated N; the bar's own shape gives {shape:.2f}, of which a point-dipole fit of its "
        f"5 mm reads {read:.2f}"
    )
    return context.number(-1 / (1 - stated), basis)


@statement("MAG-05", rests_on="data")
def meissner_fraction(paper: Paper, results: Results, context: Context) -> Verdict:
    """Field-cooled over zero-field-cooled, against full expulsion, none, and a metal."""
    fraction = results["screening"].meissner_fraction
    worlds = context.wrong_worlds(normal=(METAL, _does_not_screen(results)))
    worlds["all flux expelled"] = chance(1 - fraction)
    worlds["no flux expelled"] = chance(fraction)
    return context.number(fraction, "FC over ZFC plateau", planted="field_cooled_fraction", excluded=worlds)


@statement("MAG-06")
def meaning_of_full_screening(paper: Paper, results: None, context: Context) -> Verdict:
    """How much MgB2 a closed skin takes that screens the bar as well as the printed −1.1 can tell.

    The field inside a long tube of radius R and wall d is H/[cosh(d/λ) + (R/2λ) sinh(d/λ)] (London).
    """
    plateau_chi = paper["MAG-02"].quantities[0]
    leak = plateau_chi.uncertainty / abs(float(plateau_chi))
    depth, radius = paper["GL-02"].quantities[0].to("m"), float(paper["AC-09"].quantities[0].to("m"))
    wall = propagate(lambda length: _screening_wall(length, radius, leak), depth, unit="m")
    share = propagate(lambda thick: 1 - max(0.0, 1 - thick / radius) ** 2, wall).to("%")
    fraction = paper["CMP-02"].quantities[1]
    margin, skin = share - fraction, f"{wall.to('nm'):.2g} nm"
    basis = (
        f"a closed skin of {skin}, {share:.1g} % of the cross-section, screens all but {100 * leak:.1g} % of the field "
        f"(London); MgB2 fills {float(fraction):.3g} %"
    )
    basis += ": a net of MgB2 around normal MgO reads the same" if margin < 0 else ""
    return context.proposition(margin if margin > 0 else None, basis, shown=skin)


@statement("MAG-07", rests_on="data")
def lower_critical_field(paper: Paper, results: Results, context: Context) -> Verdict:
    """H_c1(0), against the other law of extrapolation and a metal."""
    entry = results["entry"]
    if not entry.laws:
        raise NotPossible("H_c1(0) needs H_c1 at two temperatures or more")
    best = entry.best
    worlds = context.wrong_worlds(normal=(METAL, lambda world: not world["entry"]))
    for name, law in entry.laws.items():
        if law is not best:
            worlds[f"{name} law"] = law.chi_square > best.chi_square + BEATEN_BY
    basis = (
        f"√ΔM kink, {CORRECTIONS[entry.correction]}, {best.law} law; criterion, shape and law in the error"
    )
    return context.number(
        entry.zero_temperature_field, basis, planted="lower_critical_field", excluded=worlds
    )


@statement("MAG-08")
def lower_field_at_ten_kelvin(paper: Paper, results: None, context: Context) -> Verdict:
    """H_c1(0) carried to 10 K by the law that falls faster."""
    zero, critical = paper["MAG-07"].quantities[0], paper["MAG-01"].quantities[0]
    linear, parabolic = (zero * (1 - (LOWER_FIELD_UP_TO / critical) ** power) for power in (1, 2))
    kelvin = float(LOWER_FIELD_UP_TO)
    basis = f"{float(zero):g} Oe carried to {kelvin:g} K by the linear law; the parabola gives {parabolic}"
    return context.number(linear, basis)


@statement("MAG-09", rests_on="data")
def upper_critical_field(paper: Paper, results: Results, context: Context) -> Verdict:
    """H_c2(0) and α of the power law, against other laws, later links and a metal."""
    upper = results["upper"]
    power, curvature = upper.laws["power"], upper.curvature

    def bends_otherwise(world: Results) -> bool | float:
        return not world["upper"] or chance(curvature - world["upper"].curvature)

    worlds: dict[str, bool | float] = {f"{name} law": beaten for name, beaten in upper.outdone.items()}
    worlds |= context.wrong_worlds(
        two_step=(GRANULAR, bends_otherwise), normal=(METAL, lambda world: not world["upper"])
    )
    planted = ("upper_critical_field", context.planted.get("upper_critical_exponent", math.nan) - 1)
    basis = f"R(H) at {_percent(upper.criterion)} of R_n, power law, T_c free"
    return context.number((power.zero_temperature_field, curvature), basis, planted=planted, excluded=worlds)


@statement("MAG-10")
def criterion_of_the_upper_field(paper: Paper, results: None, context: Context) -> Verdict:
    """A definition."""
    return context.only_stated()


@statement("MAG-11")
def pinning(paper: Paper, results: None, context: Context) -> Verdict:
    """The current density that holds the flux on field cooling, against the printed ones near T_c.

    Below T = T(H_c1 = H) the flux may leave. Bean's bar keeps all but x − x²/3 of it, x = H/(J_c R).
    """
    field = paper["MAG-11"].quantities[0].to("A/m")
    expelled = paper["MAG-05"].quantities[0].to("")
    radius = paper["AC-09"].quantities[0].to("m")
    reduced = 1.5 - (2.25 - 3 * expelled) ** 0.5
    needed = (field / (reduced * radius)).to("A/cm^2")
    coldest = paper["AC-07"].quantities[2]
    printed = paper["AC-08"].quantities[2]
    critical = paper["MAG-01"].quantities[0]
    leaves = paper["MAG-07"].quantities[0] * (1 - (coldest / critical) ** 2)
    margin = printed - needed
    basis = (
        f"to hold all but {_percent(expelled)} of {float(field.to('Oe')):g} Oe takes J_c = {digits(needed)} A cm⁻² "
        f"(Bean, bar); {float(printed):g} A cm⁻² are printed for {float(coldest):g} K, where H_c1 is already "
        f"{float(leaves):.0f} Oe"
    )
    basis += (
        ""
        if margin > 0
        else ": flux caught in the meshes of a net, or grains thinner than λ, would read the same"
    )
    return context.proposition(margin if margin > 0 else None, basis, shown=needed)


# Ginzburg-Landau lengths ----------------------------------------------------------------------


@statement("GL-01")
def coherence_length(paper: Paper, results: None, context: Context) -> Verdict:
    """ξ of the printed upper critical field."""
    field = paper["MAG-09"].quantities[0]
    return context.number(
        _of_printed_fields(paper).coherence_length, f"√(Φ0/2πμ0H_c2) of the printed {float(field):g} kOe"
    )


@statement("GL-02")
def penetration_depth(paper: Paper, results: None, context: Context) -> Verdict:
    """λ of the printed lower critical field and the printed ξ."""
    lower, length = paper["MAG-07"].quantities[0], paper["GL-01"].quantities[0]
    upper = propagate(lambda xi: float(superconductor.upper_critical_field(xi)), length.to("m"), unit="A/m")
    paper_way, with_core = (
        estimate_ginzburg_landau(lower.to("A/m"), upper, core_term=term).penetration_depth.to("nm")
        for term in (0.0, CORE_TERM_HU)
    )
    basis = (
        f"{float(lower):g} Oe and ξ = {float(length):g} nm, ln κ alone; with the core's {CORE_TERM_HU:g} λ would be "
        f"{float(with_core):.0f} nm"
    )
    return context.number(paper_way, basis)


@statement("GL-03")
def kappa(paper: Paper, results: None, context: Context) -> Verdict:
    """The ratio of the printed lengths; what the printed fields give stands beside it."""
    ratio = paper["GL-02"].quantities[0] / paper["GL-01"].quantities[0]
    fields = _of_printed_fields(paper)
    length = fields.coherence_length.to("nm")
    basis = f"λ/ξ of the printed lengths; the printed fields give {fields.kappa}, their ξ being {length}"
    return context.number(ratio, basis)


@statement("GL-04")
def thermodynamic_field_and_depairing_current(paper: Paper, results: None, context: Context) -> Verdict:
    """H_c and J_d of the printed lengths, against those of the printed fields."""
    depth, length = (paper[name].quantities[0].to("m") for name in ("GL-02", "GL-01"))
    field = propagate(
        lambda *lengths: float(superconductor.thermodynamic_field(*lengths)), depth, length, unit="A/m"
    ).to("Oe")
    current = propagate(
        lambda *lengths: float(superconductor.depairing_current(*lengths)), depth, length, unit="A/m^2"
    ).to("A/cm^2")
    fields = _of_printed_fields(paper)
    apart = [field - fields.thermodynamic_field.to("Oe"), current - fields.depairing_current.to("A/cm^2")]
    worst = max(apart, key=lambda difference: abs(difference) / difference.uncertainty)
    basis = (
        f"Ginzburg-Landau relations on the printed lengths; the printed fields give H_c = "
        f"{fields.thermodynamic_field.to('Oe')} and J_d = {fields.depairing_current.to('A/cm^2')}"
    )
    return context.coincide(worst, basis, shown=(field, current))


@statement("GL-05")
def penetration_depth_of_a_dirty_metal(paper: Paper, results: None, context: Context) -> Verdict:
    """λ of the dirty limit for the printed resistivity."""
    resistivity, critical = paper["RES-03"].quantities[0], paper["MAG-01"].quantities[0]
    depth = propagate(
        lambda rho, kelvin: float(
            superconductor.dirty_penetration_depth(rho, superconductor.weak_coupling_gap(kelvin))
        ),
        resistivity.to("ohm m"),
        critical,
        unit="m",
    )
    return context.number(
        depth.to("nm"), "√(ħρ/πμ0Δ), weak-coupling gap of the printed T_c, ρ of the whole composite"
    )


@statement("GL-06")
def lengths_of_the_earlier_sample(paper: Paper, results: None, context: Context) -> Verdict:
    """They are not printed."""
    return context.only_stated()


# Shared ---------------------------------------------------------------------------------------


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _stays_normal(ours: Transition) -> Callable[[Results], bool]:
    """Whether a world shows no resistive transition where the sample does."""
    return lambda world: ours.found and not world["resistance"].transition.found


def _does_not_screen(results: Results) -> Callable[[Results], bool]:
    """Whether a world shows no diamagnetism where the sample does."""

    def screens(found: Results) -> bool:
        return bool(next(iter(found["screening"].transitions.values())).found)

    return lambda world: screens(results) and not screens(world)


def _of_printed_fields(paper: Paper) -> GinzburgLandau:
    lower, upper = (paper[name].quantities[0].to("A/m") for name in ("MAG-07", "MAG-09"))
    return estimate_ginzburg_landau(lower, upper)


@cache
def _full_screening() -> dict[str, Quantity]:
    return full_screening_susceptibility(*BAR)


def _least_conduction(resistivity: float, fraction: float) -> float:
    """The resistivity of MgB2 that still makes the composite's, if MgO insulates and all MgB2 is joined at best."""
    return resistivity * float(two_phase_medium.hashin_shtrikman_bound(min(max(fraction, 0.0), 1.0)))


def _phonon_resistivity(kelvin: float) -> Quantity:
    """Of clean, fully connected MgB2, for the Debye temperatures reported (Ω m)."""

    def share(debye: float) -> float:
        metal = {"residual": 0.0, "amplitude": 1.0, "debye_temperature": debye, "exponent": 3.0}
        here, cold, warm = bloch_gruneisen(np.array([kelvin, 40.0, 300.0]), **metal)
        return float(here / (warm - cold))

    ends = [IDEAL_RESISTIVITY_RISE[0] * share(debye) for debye in DEBYE_TEMPERATURES]
    return Quantity(sum(ends) / 2, abs(ends[0] - ends[1]) / 2, "ohm m")


def _screening_wall(depth: float, radius: float, leak: float) -> float:
    """The wall of a long tube that lets through this share of the field (m)."""
    slope, wanted = radius / (2 * depth), 1 / leak
    return depth * math.log((wanted + math.sqrt(wanted**2 - 1 + slope**2)) / (1 + slope))
