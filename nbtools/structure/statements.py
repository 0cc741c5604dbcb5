"""What the paper states on the structure, each statement judged by a function: fractal, isotropy, connectedness.

Statements that rest on data take `results`, by name: ``section``, ``registration``, ``fractal``, ``power``,
``sections``, ``isotropy`` and ``percolation`` as the studies of this room give them. Their wrong worlds are
`context.rivals`: what `study_all` gives of ``stretched`` (drawn out by a half along y) and ``isolated`` (grains that
never touch).
"""

import math
from collections.abc import Mapping
from typing import Any

from nbtools.paper import Context, Paper, Verdict, statement
from nbtools.paper.verdict import chance
from nbtools.structure.fractal import FRACTAL
from nbtools.structure.model_random_media import cutoff_ratio
from nbtools.units import Quantity, propagate

Results = Mapping[str, Any]
STRETCHED, ISOLATED = "drawn out by a half", "isolated grains"
FOLLOWS, DOES_NOT = "the boron map follows the image", "it does not"
SPANS = {True: "spans by itself", False: "does not span"}
TWO_DECADES = 2.0


@statement("FRA-01", rests_on="data")
def surface_dimension(paper: Paper, results: Results, context: Context) -> Verdict:
    """The slope with its spread; the verdict, not the slope, excludes the rivals, as often as the power study says."""
    fractal, power = results["fractal"], results["power"]
    worlds = {world: power.share(world, "scale-free") for world in power.excess if world not in FRACTAL}
    if fractal.verdict != "scale-free":
        worlds = dict.fromkeys(worlds, False)
    basis = (
        f"smallest cover on {' × '.join(map(str, results['section'].phase.shape))} pixels; verdict {fractal.verdict}; "
        f"one length alone gives {float(fractal.null_dimension):.2f}"
    )
    return context.number(fractal.dimension, basis, planted="section_dimension", excluded=worlds)


@statement("FRA-02")
def counted_image(paper: Paper, results: None, context: Context) -> Verdict:
    """Whether text and caption name one image."""
    named = dict(part.split(": ") for part in paper["FRA-02"].words.split("; "))
    one = len(set(named.values())) == 1
    basis = "; ".join(f"the {where} names the {image}" for where, image in named.items())
    return context.proposition(one, f"{basis}: {'one image' if one else 'two images'}")


@statement("FRA-03", rests_on="data")
def section_dimensions(paper: Paper, results: Results, context: Context) -> Verdict:
    """The usual slope across three axes."""
    cuts = results["sections"]
    worlds = {}
    for name, label in (("stretched", STRETCHED), ("isolated", ISOLATED)):
        if other := context.rivals.get(name, {}).get("sections"):
            mean = sum(cuts.dimensions.values()) / 3
            worlds[label] = chance(mean - sum(other.dimensions.values()) / 3)
    planted = ("section_dimension", "section_dimension")
    return context.number(
        cuts.extremes, "usual slope of every second section", planted=planted, excluded=worlds
    )


@statement("FRA-04", rests_on="data")
def isotropic_because(paper: Paper, results: Results, context: Context) -> Verdict:
    """The "because": a dimension that does not depend on the cut, which a stretched world shows as well."""
    apart = results["sections"].disagreement
    alike = "isotropic" if chance(apart) > 0.05 else "not isotropic"
    worlds: dict[str, bool | float] = {}
    basis = (
        f"D differs by {apart} between the directions of the cut; axes of the fabric tensor "
        f"{results['isotropy'].axis_ratio} : 1"
    )
    stretched = context.rivals.get("stretched", {})
    if cuts := stretched.get("sections"):
        worlds[STRETCHED] = chance(cuts.disagreement)
        ratio = stretched["isotropy"].axis_ratio
        basis += f"; where the axes are {ratio} : 1, D differs by {cuts.disagreement}"
    planted = "isotropic" if context.planted.get("axis_ratio", 1.0) == 1.0 else "not isotropic"
    return context.world(alike, basis, planted=planted, excluded=worlds)


@statement("FRA-05")
def volume_dimension(paper: Paper, results: None, context: Context) -> Verdict:
    """A generic section loses one."""
    surface = paper["FRA-01"].quantities[0]
    return context.number(surface + 1, "a generic section loses one: D + 1")


@statement("FRA-06")
def range_of_lengths(paper: Paper, results: None, context: Context) -> Verdict:
    """The ratio of the cut-offs that D and filling imply: whether it bounds the power law at all.

    Over two decades and more a picture of 25 µm in 50 nm steps would show no end of it.
    """
    fraction, surface = paper["CMP-02"].quantities[1].to(""), paper["FRA-01"].quantities[0]
    ratio = propagate(lambda f, d: cutoff_ratio(f, dimension=d), fraction, surface, unit="")
    decades = propagate(lambda f, d: -math.log10(f) / (2 - d), fraction, surface, unit="")
    margin = TWO_DECADES - decades
    basis = (
        f"L/l = f^(−1/(2−D)) = {ratio} with {fraction.to('%')} filled and D = {float(surface):g}: {decades} decades, "
        f"{'under' if margin > 0 else 'not under'} two"
    )
    return context.proposition(margin, basis, shown=ratio)


@statement("FRA-07")
def place_of_the_sections(paper: Paper, results: None, context: Context) -> Verdict:
    """Stated."""
    return context.only_stated()


@statement("FRA-08", rests_on="data")
def mark_of_pressing(paper: Paper, results: Results, context: Context) -> Verdict:
    """Lengths along y over those along x: within a slice no alignment can make or hide a stretch."""
    worlds = {}
    if other := context.rivals.get("stretched", {}).get("isotropy"):
        worlds[STRETCHED] = chance(other.in_plane - 1)
    basis = "fabric tensor of the interfaces, pressing axis taken as y"
    return context.number(results["isotropy"].in_plane, basis, planted="axis_ratio", excluded=worlds)


@statement("FRA-09", rests_on="data")
def apart_in_a_section(paper: Paper, results: Results, context: Context) -> Verdict:
    """Whether sections look disconnected where the volume connects, and where it does not."""
    paths = results["percolation"]
    apart = paths.sections_spanning < 0.5
    basis = (
        f"{100 * paths.sections_spanning:.0f} % of the sections span, while the volume {SPANS[paths.spans]}"
    )
    worlds: dict[str, bool | float] = {}
    if other := context.rivals.get("isolated", {}).get("percolation"):
        worlds[ISOLATED] = (other.sections_spanning < 0.5) != apart
        basis += f"; of {ISOLATED} {100 * other.sections_spanning:.0f} % do: a section cannot say which it is"
    named = "regions lie apart" if apart else "regions hang together"
    return context.world(named, basis, planted="regions lie apart", excluded=worlds)


@statement("FRA-10", rests_on="data")
def maps_follow_the_image(paper: Paper, results: Results, context: Context) -> Verdict:
    """The boron map, by its best shift, against the best of as many shifts that mean nothing."""
    found = results["registration"].found["boron"]
    follows = found.p_value <= 0.05
    by_chance = {"maps that have nothing to do with it": found.p_value if follows else False}
    return context.world(FOLLOWS if follows else DOES_NOT, str(found), planted=FOLLOWS, excluded=by_chance)


@statement("FRA-11", rests_on="data")
def dark_area(paper: Paper, results: Results, context: Context) -> Verdict:
    """The share of the dark phase; σ of field, threshold and classes."""
    section = results["section"]
    basis = f"{section.found.method} threshold; σ of field, threshold and classes"
    planted = Quantity(100 * context.planted.get("mean_fraction", math.nan), 0.0, "%")
    worlds = {}
    for name, label in (("stretched", STRETCHED), ("isolated", ISOLATED)):
        if other := context.rivals.get(name, {}).get("section"):
            worlds[label] = chance(section.share - other.share)
    return context.number(section.share.to("%"), basis, planted=planted, excluded=worlds)


@statement("FRA-12", rests_on="data")
def negative_curvature(paper: Paper, results: Results, context: Context) -> Verdict:
    """How much of the interface is hollow, seen from MgB2, against grains that are round everywhere."""
    hollow = results["section"].hollow_share
    worlds = {}
    if other := context.rivals.get("isolated", {}).get("section"):
        worlds[ISOLATED] = chance(hollow - other.hollow_share)
    basis = (
        "share of the interface on a section that is hollow seen from MgB2; an outline that closes turns by 2π in all, "
        "so that none is hollow everywhere"
    )
    return context.number(hollow, basis, planted="hollow_share", excluded=worlds)


@statement("PRX-01", rests_on="data")
def long_range(paper: Paper, results: Results, context: Context) -> Verdict:
    """Whether the gap to be bridged is longer than a clean metal's reach."""
    paths = results["percolation"]
    reach = float(paths.reaches["clean"])
    basis = f"ξ_N = {1e9 * reach:.0f} nm at most; gaps are seen from {2e9 * paths.voxel_size:.0f} nm up"
    worlds = {}
    if other := context.rivals.get("isolated", {}).get("percolation"):
        worlds[ISOLATED] = other.gap_against(reach) == "longer"
    planted = "shorter" if context.planted.get("spans") else "longer"
    return context.world(paths.gap_against(reach), basis, planted=planted, excluded=worlds)


@statement("PRX-03", rests_on="data")
def connects_without_proximity(paper: Paper, results: Results, context: Context) -> Verdict:
    """Whether MgB2 spans by itself, beside what the paper says of a composite of the same composition."""
    paths = results["percolation"]
    oxide = paper["CMP-04"].quantities[0]
    basis = (
        f"{paths.sentence}, {100 * paths.cluster_fraction:.1f} % of the phase in the largest; of a composite with "
        f"{oxide} MgO, ref. 20, the paper itself lays zero resistance to percolation (RES-11)"
    )
    worlds = {}
    if other := context.rivals.get("isolated", {}).get("percolation"):
        worlds[ISOLATED] = not other.spans
    planted = SPANS[bool(context.planted.get("spans"))]
    return context.world(SPANS[paths.spans], basis, planted=planted, excluded=worlds)
