"""What the paper states on cathodoluminescence, each statement judged by a function.

Statements that rest on data take `results`, by name: ``spectra``, ``field``, ``second_order`` and ``maps`` as the
studies of this room give them. Their wrong worlds are `context.rivals`: the field study of the same section with a
rim of vacancies but no channels (``rim``), with even emitters (``uniform``), with light that leaves more easily at
edges (``out-coupling``), and with each value at a place of its own (``shuffled``).
Statements that rest on printed numbers take these from `paper` and carry their rounding along.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from scipy.constants import elementary_charge, hbar

from nbtools.cathodoluminescence.field import CERTAIN, FieldStudy
from nbtools.cathodoluminescence.model_centres import LITERATURE_CENTRES
from nbtools.cathodoluminescence.model_vacancies import (
    LATTICE_CONSTANT,
    Threshold,
    density_of_mean_distance,
    threshold_of,
)
from nbtools.paper import Context, Paper, Verdict, statement
from nbtools.paper.verdict import chance
from nbtools.results import NotPossible
from nbtools.units import HC, Quantity

Results = Mapping[str, Any]

WORLDS = {
    "rim": "a rim, no channels",
    "uniform": "even emitters",
    "out-coupling": "bright edges",
    "shuffled": "shuffled places",
}
# Of the largest light in a spectrum on a linear scale: what is seen beside a line's thickness, and what is not.
SEEN, UNSEEN = 0.1, 1e-3
NEAREST_OXYGEN = LATTICE_CONSTANT / math.sqrt(2)  # m


# The bands -------------------------------------------------------------------------------------


@statement("CL-01", rests_on="data")
def ultraviolet_peak(paper: Paper, results: Results, context: Context) -> Verdict:
    """The band of spot B nearest to 350 nm, against the two centres that it is put to."""
    found = _band(results, "B", paper["CL-01"].quantities[0])
    excluded = {
        f"a band at {float(nm):g} nm": chance(found - nm)
        for nm in (paper["CL-02"].quantities[0], paper["CL-03"].quantities[0])
    }
    return context.number(
        found, "band fit in energy, spot B", planted="ultraviolet_wavelength", excluded=excluded
    )


@statement("CL-02")
def f2_emission(paper: Paper, results: None, context: Context) -> Verdict:
    """Cited."""
    return context.only_stated()


@statement("CL-03")
def f_plus_emission(paper: Paper, results: None, context: Context) -> Verdict:
    """Cited."""
    return context.only_stated()


@statement("CL-04")
def doubly_charged_f2_emission(paper: Paper, results: None, context: Context) -> Verdict:
    """Cited."""
    return context.only_stated()


@statement("CL-05")
def f_emission(paper: Paper, results: None, context: Context) -> Verdict:
    """Cited."""
    return context.only_stated()


@statement("CL-06")
def singly_charged_f2_emission(paper: Paper, results: None, context: Context) -> Verdict:
    """Cited."""
    return context.only_stated()


@statement("CL-07", rests_on="data")
def green_band(paper: Paper, results: Results, context: Context) -> Verdict:
    """The band of spot C nearest to 500 nm, against F as the paper lists it and as others place it."""
    found = _band(results, "C", paper["CL-07"].quantities[0])
    listed = paper["CL-05"].quantities[0]
    elsewhere = LITERATURE_CENTRES[0].wavelength
    excluded = {
        f"F at {float(listed):g} nm": chance(found - listed),
        f"F at {elsewhere:.0f} nm": chance(found - elsewhere),
    }
    return context.number(found, "band fit in energy, spot C", planted="green_wavelength", excluded=excluded)


@statement("CL-08")
def second_map(paper: Paper, results: None, context: Context) -> Verdict:
    """Only the map's own file has its window."""
    return context.only_stated()


@statement("CL-09", rests_on="data")
def red_band(paper: Paper, results: Results, context: Context) -> Verdict:
    """The band of spot C nearest to 700 nm, against a second order of the ultraviolet one."""
    found = _band(results, "C", paper["CL-09"].quantities[0])
    ghost = {"second order of the ultraviolet band": results["second_order"].p_value}
    basis = "band fit in energy, spot C; one ratio to the ultraviolet band everywhere?"
    return context.number(found, basis, planted="red_wavelength", excluded=ghost)


@statement("CL-10", rests_on="data")
def end_of_the_tail(paper: Paper, results: Results, context: Context) -> Verdict:
    """Where spectrum B meets three times its dark noise, against a tail that ends at the reddest centre named."""
    end = results["spectra"].tails.get("B")
    if end is None or not math.isfinite(end):
        raise NotPossible("spectrum B, with a dark level, is not among these files")
    reddest = _reddest(paper)
    excluded = {f"nothing beyond {float(reddest):g} nm": chance(end - reddest)}
    return context.number(end, "three times the dark noise, spot B", planted="tail_end", excluded=excluded)


@statement("CL-11")
def assignment_of_the_peak(paper: Paper, results: None, context: Context) -> Verdict:
    """The peak against the nearer of the two centres that it is put to."""
    peak = paper["CL-01"].quantities[0]
    centres = [paper[name].quantities[0] for name in ("CL-02", "CL-03")]
    nearest = min(centres, key=lambda nm: abs(float(nm - peak)))
    apart = peak - nearest
    energies = ", ".join(f"{HC / float(peak) - HC / float(nm):.2f} eV" for nm in centres)
    basis = (
        f"{float(centres[0]):g} and {float(centres[1]):g} nm lie {energies} below the peak at {float(peak):g} nm; "
        "light that is absorbed on its way would move a peak to the red, not to the blue"
    )
    return context.coincide(apart, basis, shown=apart)


@statement("CL-12")
def map_of_the_f_centre(paper: Paper, results: None, context: Context) -> Verdict:
    """Which of the listed centres is nearest, in energy, to where the map was taken."""
    window = _energy(paper["CL-08"].quantities[0])
    listed = {
        "F2(2+)": paper["CL-04"].quantities[0],
        "F": paper["CL-05"].quantities[0],
        "F2(+)": paper["CL-06"].quantities[0],
        "the red band": paper["CL-09"].quantities[0],
    }
    away = {name: _distance(_energy(nm), window) for name, nm in listed.items()}
    others = {name: distance for name, distance in away.items() if name != "F"}
    rival = min(others, key=lambda name: float(others[name]))
    low, high = HC / 2.4, HC / 2.3
    basis = (
        f"the window lies {away['F']} from F and {others[rival]} from {rival}, the next of the list; F itself is "
        f"placed at {low:.0f} to {high:.0f} nm by others (Rosenblatt et al. 1989)"
    )
    return context.proposition(others[rival] - away["F"], basis, shown=away["F"])


@statement("CL-13")
def order_of_the_list(paper: Paper, results: None, context: Context) -> Verdict:
    """Whether the list runs by wavelength, as it would if each number stood beside its own centre."""
    order = [float(paper[name].quantities[0]) for name in ("CL-04", "CL-05", "CL-06")]
    rising = order == sorted(order)
    listed = ", ".join(f"{nm:g}" for nm in order)
    basis = f"the list runs {listed} nm, {'by wavelength' if rising else 'not by wavelength'}"
    if not rising:
        basis += ": F and F2(+) may have changed places, or the list has no order; the cited works would tell"
    return context.proposition(True if rising else None, basis, shown=listed)


@statement("CL-14")
def band_gap(paper: Paper, results: None, context: Context) -> Verdict:
    """Cited."""
    return context.only_stated()


@statement("CL-22")
def reach_of_the_tail(paper: Paper, results: None, context: Context) -> Verdict:
    """What the reddest centre of the list can send to the end of the tail.

    Two equal Gaussians show two peaks only if they lie more than two standard deviations apart, as the bands of
    position C do: their standard deviation is at most half their distance.
    """
    centre, end = _energy(_reddest(paper)), _energy(paper["CL-10"].quantities[0])
    green, red = (_energy(paper[name].quantities[0]) for name in ("CL-07", "CL-09"))
    widest = _distance(green, red) / 2
    away = _distance(centre, end)
    low, middle, high = (
        math.exp(-0.5 * max(float(away) + s * away.uncertainty, 0.0) ** 2 / float(widest) ** 2)
        for s in (1.0, 0.0, -1.0)
    )
    blue_of_end = float(centre) > float(end)
    margin = True if low > SEEN or not blue_of_end else (False if high < UNSEEN else None)
    basis = (
        f"{away} beyond the reddest of these centres a band that is no wider than {widest} (else C would not show two) "
        f"has {100 * middle:.2g} % of its peak, {100 * low:.2g} to {100 * high:.2g} % within the rounding of the end"
    )
    return context.proposition(margin, basis, shown=f"at most {100 * middle:.2g} % of the peak")


@statement("CL-23")
def green_band_is_f(paper: Paper, results: None, context: Context) -> Verdict:
    """The band of position C against where the paper lists F."""
    band, listed = paper["CL-07"].quantities[0], paper["CL-05"].quantities[0]
    apart = band - listed
    basis = f"the band lies at about {float(band):g} nm, F is listed at {float(listed):g} nm"
    return context.coincide(apart, basis, shown=apart)


# Where the light comes from --------------------------------------------------------------------


@statement("CL-15", rests_on="data")
def maps_overlap(paper: Paper, results: Results, context: Context) -> Verdict:
    """Correlation of both maps beyond the shape of MgO, against shifted maps."""
    return _against_chance(context, results["field"], "overlap", "overlap", ("uniform", "out-coupling"))


@statement("CL-16", rests_on="data")
def vacancies_gather(paper: Paper, results: Results, context: Context) -> Verdict:
    """The ratio of both maps against the distance from MgB2, against shifted maps."""
    worlds = ("uniform", "out-coupling", "shuffled")
    return _against_chance(context, results["field"], "gathering", "gathered", worlds)


@statement("CL-17", rests_on="data")
def long_channels(paper: Paper, results: Results, context: Context) -> Verdict:
    """The length of bright lines, against the same texture and the same pieces."""
    return _against_chance(context, results["field"], "channels", "channels", tuple(WORLDS))


@statement("CL-18")
def box_of_the_detail(paper: Paper, results: None, context: Context) -> Verdict:
    """How wide the box has to be; how wide it is has to be measured on the print."""
    wide, fine = paper["CL-18"].quantities
    share = wide / fine
    inside = float(wide) < float(fine)
    basis = f"the box must be {float(share):.3g} of the picture wide; how wide it is drawn is not printed as a number"
    if not inside:
        basis = f"at {float(fine):g} times the field is wider than at {float(wide):g} times: no box in it holds that"
    return context.proposition(None if inside else False, basis, shown=share)


@statement("CL-19", rests_on="data")
def light_of_mgb2(paper: Paper, results: Results, context: Context) -> Verdict:
    """Light of MgB2 over that of MgO, clear of the boundary, against MgB2 that shines like MgO."""
    share = results["field"].dark_share
    if not math.isfinite(share):
        raise NotPossible("no image tells MgB2 from MgO without the light itself")
    dark = float(share) + 3 * share.uncertainty < 0.1
    basis = f"light of MgB2 over MgO {share}, two pixels and more from the boundary"
    return context.world(
        "hardly any" if dark else "light",
        basis,
        planted="hardly any",
        excluded={"MgB2 shines like MgO": chance(share - 1)},
    )


# What vacancies would have to do ---------------------------------------------------------------


@statement("CL-20")
def hops_between_vacancies(paper: Paper, results: None, context: Context) -> Verdict:
    """The share of oxygen sites from which hops of that length span the crystal; no density is printed beside it."""
    printed = paper["CL-20"].quantities[0].to("m")
    reach, rounding = float(printed), printed.uncertainty
    if reach + rounding < NEAREST_OXYGEN:
        basis = f"the nearest oxygen sites are {1e9 * NEAREST_OXYGEN:.3f} nm apart: no hop is that short"
        return context.proposition(False, basis, shown=Quantity(NEAREST_OXYGEN, 0.0, "m").to("nm"))
    ends = [threshold_of(max(hop, NEAREST_OXYGEN)) for hop in (reach - rounding, reach, reach + rounding)]
    low, middle, high = (_in_percent(end) for end in ends)
    spread = 1e-6 * float(density_of_mean_distance(reach))
    basis = (
        f"hops of up to {1e9 * reach:g} nm span MgO from {middle} of the oxygen sites on ({low} to {high} within the "
        f"rounding), {1e-6 * ends[1].density():.2g} per cm³; a mean distance of {1e9 * reach:g} nm is "
        f"{spread:.2g} per cm³ and {'spans' if spread > 1e-6 * ends[1].density() else 'does not span'}; no density is "
        "printed"
    )
    return context.proposition(None, basis, shown=middle)


@statement("CL-21")
def carriers_from_vacancies(paper: Paper, results: None, context: Context) -> Verdict:
    """The mean free path that vacancies at their threshold need to conduct as the sample does, two electrons from each.

    ρ = 3π²ħ/(e² k_F² l) of free carriers of density n, k_F = (3π² n)^(1/3).
    """
    resistivity = float(paper["RES-03"].quantities[0].to("ohm m"))
    hop = float(paper["CL-20"].quantities[0].to("m"))
    oxide = float(paper["CMP-02"].quantities[0].to(""))
    threshold = threshold_of(max(hop, NEAREST_OXYGEN))
    wave = (3 * math.pi**2 * 2 * threshold.density()) ** (1 / 3)
    path = 3 * math.pi**2 * hbar / (elementary_charge**2 * wave**2 * resistivity * max(oxide, 1e-3))
    suffices = path <= hop
    basis = (
        f"two electrons from each vacancy at the threshold of {1e-6 * threshold.density():.2g} per cm³ conduct so in "
        f"{100 * oxide:.3g} % of the volume with a free path of {1e9 * path:.2g} nm, {path / hop:.2g} hops"
    )
    basis += "" if suffices else "; the MgB2 net alone can carry it (RES-03), and no density is printed"
    return context.proposition(True if suffices else None, basis, shown=f"{1e9 * path:.2g} nm")


# What several of them use ----------------------------------------------------------------------


def _band(results: Results, spot: str, near: Quantity) -> Quantity:
    found: Quantity = results["spectra"].near(spot, float(near))
    if not math.isfinite(found):
        raise NotPossible(f"spectrum {spot} is not among these files, or has no band")
    return found


def _energy(wavelength: Quantity) -> Quantity:
    """hc/λ (eV) of a printed wavelength (nm), its rounding carried."""
    return Quantity(HC / float(wavelength), HC * wavelength.uncertainty / float(wavelength) ** 2, "eV")


def _distance(one: Quantity, other: Quantity) -> Quantity:
    apart = one - other
    return apart if float(apart) >= 0 else -apart


def _reddest(paper: Paper) -> Quantity:
    """Of the centres that the tail is put to."""
    return max((paper[name].quantities[0] for name in ("CL-04", "CL-05", "CL-06")), key=float)


def _against_chance(
    context: Context, field: FieldStudy, finding: str, planted: str, worlds: Sequence[str]
) -> Verdict:
    """What a test finds; a wrong world is excluded where the same test, on its own twin, finds nothing."""
    test = {"overlap": field.overlap, "gathering": field.profile, "channels": field.channels}[finding]
    if test is None:
        attribute = {"gathering": "profile"}.get(finding, finding)
        raise NotPossible(field.missing.get(attribute, "the files do not allow this test"))
    excluded: dict[str, bool | float] = {
        WORLDS[name]: not context.rivals[name].findings[finding] for name in worlds if name in context.rivals
    }
    name = test.name.partition(" (")[0]
    basis = (
        f"{name} lies beyond all but {100 * CERTAIN:g} % of what chance gives"
        if field.findings[finding]
        else f"{name} is as chance gives it"
    )
    truth = "yes" if context.planted.get(planted) else "no"
    return context.world(
        "yes" if field.findings[finding] else "no",
        f"{basis} (p = {test.p_value:.3f})",
        planted=truth,
        excluded=excluded,
    )


def _in_percent(threshold: Threshold) -> Quantity:
    return Quantity(threshold.share, threshold.uncertainty).to("%")
