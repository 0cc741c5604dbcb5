"""What the paper states on its STEM images, each statement judged by a function.

Statements that rest on data take `results`, as `study_figures` gives them: ``planes_5``, ``layer_8``, ``terraces_7`` …
Their wrong worlds are `context.rivals`, the same studies by the name of the world: ``random`` (grains turned at
random), ``amorphous`` (a film of 1 nm at every interface) and ``straight`` (boundaries without steps). Statements on
indices read them from the printed words.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nbtools.paper import Context, Paper, Verdict, statement
from nbtools.paper.verdict import chance
from nbtools.physics.crystal_lattice import (
    Structure,
    bravais_zone,
    equivalent_planes,
    equivalent_zones,
    family_name,
    is_extinct,
    plane_angle,
    plane_spacing,
    zone_axis,
    zone_indices,
    zone_product,
)
from nbtools.results import NotPossible
from nbtools.stem.boundary import DisorderedWidth
from nbtools.stem.interface import PlanesStudy, coincidence, misfit
from nbtools.stem.study import crystals_named
from nbtools.units import Quantity

Results = Mapping[str, Any]
FILM, RANDOM, STRAIGHT = "1 nm film", "random orientation", "straight boundary"
# m: a film that is missed by less than this is still called found.
HALF_A_FILM = 0.5e-9
HIGHEST_ORDER = 4  # of a set of planes, up to which its first spot is looked for
RESOLVED = 0.1e-9  # m: what an aberration-corrected STEM shows; the paper does not print its own
CONFIDENCE = 0.95


def _crystal(name: str) -> Structure:
    return crystals_named((name,))[name]


def _indices(words: str) -> list[tuple[str, tuple[int, ...]]]:
    """Every bracket of indices in printed words with its kind, as ("[", (1, 0, -1, -1))."""
    return [
        (group[0], tuple(int(index) for index in re.findall(r"-?\d", group)))
        for group in re.findall(r"[\[({][-\d]+[\])}]", words)
    ]


def _listed(indices: Any) -> str:
    return "[" + " ".join(str(int(index)) for index in indices) + "]"


# Which planes run along each other ------------------------------------------------------------


def _angle(study: PlanesStudy, families: str) -> Quantity:
    for interface in study.interfaces:
        for pair in interface.parallel_planes:
            if pair.families == families:
                return pair.angle
    raise NotPossible(f"no {families} are parallel within 2° in {study.image.name}")


def _aligned(
    families: str, key: str, results: Results, context: Context, planted: str, more: str = ""
) -> Verdict:
    """The angle of two families, against random grains: those of a wrong world, and those of all low-index zones."""
    study = results[key]
    angle = _angle(study, families)

    def without(world: Results) -> bool:
        found = world[key]
        return not found or all(p.families != families for i in found.interfaces for p in i.parallel_planes)

    worlds = context.wrong_worlds(random=(RANDOM, without))
    worlds["chance"] = study.interfaces[0].chance_probability
    return context.number(angle, f"indexing finds {families}{more}", planted=planted, excluded=worlds)


@statement("STM-01", rests_on="data")
def first_interface(paper: Paper, results: Results, context: Context) -> Verdict:
    """{10-10} of MgB2 along {200} of MgO."""
    return _aligned("MgO {200} ∥ MgB2 {10-10}", "planes_5", results, context, "first_angle")


@statement("STM-02", rests_on="data")
def second_interface(paper: Paper, results: Results, context: Context) -> Verdict:
    """{11-22} of MgB2 along {220} of MgO, and how they fit: one on one, and in the best small multiples."""
    oxide, boride = (
        float(plane_spacing(_crystal(name), hkl))
        for name, hkl in (("MgO", (2, 2, 0)), ("MgB2", (1, 1, -2, 2)))
    )
    m, n = coincidence(oxide, boride)
    single, best = 100 * misfit(oxide, boride), 100 * misfit(oxide, boride, m, n)
    fit = f", one on one with {single:.1f} % misfit, {m}:{n} with {best:.1f} %"
    return _aligned("MgO {220} ∥ MgB2 {11-22}", "planes_6", results, context, "second_angle", fit)


@statement("STM-03")
def oxide_planes(paper: Paper, results: None, context: Context) -> Verdict:
    """Whether planes of the printed types give spots: the first order that the structure allows, if it is resolved."""
    oxide = _crystal("MgO")
    seen = []
    for hkl in (indices for kind, indices in _indices(paper["STM-03"].words) if kind == "{"):
        orders = [tuple(n * i for i in hkl) for n in range(1, HIGHEST_ORDER + 1)]
        first = next((order for order in orders if not is_extinct(oxide, [order])[0]), orders[-1])
        seen.append((_joined(hkl), _joined(first), float(plane_spacing(oxide, first))))
    shown = ", ".join(f"{named} as {spot} ({1e9 * d:.3f} nm)" for named, spot, d in seen)
    basis = f"a type of planes is an orientation; rock salt shows {shown}, and images resolve {1e9 * RESOLVED:g} nm"
    return context.proposition(bool(seen) and all(d > RESOLVED for *_, d in seen), basis)


def _joined(indices: tuple[int, ...]) -> str:
    return "".join(map(str, indices))


# Step planes and zones ------------------------------------------------------------------------


def _zone_of(words: str) -> Any:
    """The one direction along which the two printed planes are both edge-on."""
    planes = [hkl for kind, hkl in _indices(words) if kind == "("]
    return zone_axis(*planes[:2])


@statement("STM-04")
def step_planes_edge_on(paper: Paper, results: None, context: Context) -> Verdict:
    """The product of each step plane of Fig. 7 with the printed zone, which vanishes for a plane that is edge-on."""
    words = paper["STM-04"].words
    zones = [uvtw for kind, uvtw in _indices(words) if kind == "["]
    planes = [hkl for kind, hkl in _indices(words) if kind == "("]
    products = [int(zone_product(hkl, zone_indices(zones[0]))) for hkl in planes]
    ours, theirs = _zone_of(words), _zone_of(paper["STM-06"].words)
    basis = f"hu + kv + lw is {' and '.join(map(str, products))}, and 0 for a plane seen edge-on"
    if any(products):
        basis += f"; both are edge-on along {_listed(bravais_zone(ours))} only"
        if _same_family(ours, theirs):
            basis += ", of the family in which those of Fig. 8 are, too: a slip of the printed zone would explain it"
    return context.proposition(not any(products), basis)


@statement("STM-05")
def step_plane_family(paper: Paper, results: None, context: Context) -> Verdict:
    """Whether both step planes of Fig. 7 are of the printed family; their angle beside it."""
    boride = _crystal("MgB2")
    found = _indices(paper["STM-05"].words)
    family = next(hkl for kind, hkl in found if kind == "{")
    planes = [hkl for kind, hkl in found if kind == "("]
    members = equivalent_planes(boride, family).tolist()
    inside = [_three(hkl) in members for hkl in planes]
    angle = Quantity(float(np.degrees(plane_angle(boride, *planes[:2]))), 0.0, "deg")
    basis = (
        f"symmetry makes {'both' if all(inside) else 'not both'} of one family, {family_name(boride, family)}; they "
        f"meet at {float(angle):.2f}° or {180 - float(angle):.2f}°"
    )
    return context.proposition(all(inside), basis, shown=angle)


def _three(hkl: tuple[int, ...]) -> list[int]:
    """Without Bravais's third index."""
    return [hkl[0], hkl[1], hkl[-1]]


def _same_family(one: Any, other: Any) -> bool:
    return list(map(int, other)) in equivalent_zones(_crystal("MgB2"), one).tolist()


@statement("STM-06")
def junction_planes(paper: Paper, results: None, context: Context) -> Verdict:
    """Whether the step planes of Fig. 8 can be seen edge-on together as those of Fig. 7 can."""
    zone, other = _zone_of(paper["STM-06"].words), _zone_of(paper["STM-04"].words)
    same = _same_family(zone, other)
    basis = (
        f"both are edge-on along {_listed(bravais_zone(zone))} only, "
        f"{'of the same' if same else 'not of the'} family of directions as for Fig. 7's; the direction of view is not "
        "printed"
    )
    return context.proposition(same, basis)


# What lies between ----------------------------------------------------------------------------


def _film_found(width: DisorderedWidth) -> bool:
    return width.disordered and width.width > HALF_A_FILM


def _with_film(key: str, families: int) -> Callable[[Results], bool]:
    """Whether the film of the wrong world is found at every boundary with so many crystals."""

    def test(world: Results) -> bool:
        found = _of_crystals(world[key].widths, families) if world[key] else []
        return bool(found) and all(map(_film_found, found))

    return test


def _of_crystals(widths: Mapping[str, DisorderedWidth], count: int) -> list[DisorderedWidth]:
    """Those between so many different crystals, 1 or 2."""
    return [
        w for name, w in widths.items() if len({side.split(" [")[0] for side in name.split(" | ")}) == count
    ]


@statement("STM-07", rests_on="data")
def no_amorphous_film(paper: Paper, results: Results, context: Context) -> Verdict:
    """The interface of MgO and MgB2 where the limit on a film is weakest."""
    widths = [w for figure in "5678" for w in _of_crystals(results[f"layer_{figure}"].widths, 2)]
    if not widths:
        raise NotPossible("no boundary of MgO and MgB2 was found")
    widest = max(widths, key=lambda width: width.upper_limit_95)
    limit = Quantity(widest.upper_limit_95, 0.0, "m").to("nm")
    basis = f"half-way contours at {len(widths)} boundaries, each below {float(limit):.2f} nm (95 %)"
    worlds = context.wrong_worlds(amorphous=(FILM, _with_film("layer_5", 2)))
    return context.number(widest.width, basis, planted="disordered_width", excluded=worlds)


@statement("STM-08", rests_on="data")
def nanometre_steps(paper: Paper, results: Results, context: Context) -> Verdict:
    """The heights of the steps."""
    steps = results["terraces_7"].steps
    if not steps.count:
        raise NotPossible("the boundary has no step")
    worlds = context.wrong_worlds(
        straight=(STRAIGHT, lambda w: bool(w["terraces_7"]) and not w["terraces_7"].steps.count)
    )
    basis = f"stairs of {steps.count} steps, BIC"
    return context.number(steps.mean_height, basis, planted="step_height", excluded=worlds)


@statement("STM-09", rests_on="data")
def inclined_boundary(paper: Paper, results: Results, context: Context) -> Verdict:
    """The overlap at the boundary that fades most, against what an edge-on boundary of these lattices shows."""
    widths = _of_crystals(results["layer_8"].widths, 2)
    if not widths:
        raise NotPossible("no boundary of MgO and MgB2 was found at the junction")
    widest = max(widths, key=lambda width: width.overlap)
    worlds = {"edge-on": chance(widest.fading)}
    return context.number(widest.overlap, "fading of both lattices", planted="overlap", excluded=worlds)


@statement("STM-10", rests_on="data")
def oxide_boundary(paper: Paper, results: Results, context: Context) -> Verdict:
    """The boundary of two grains of MgO."""
    widths = _of_crystals(results["layer_8"].widths, 1)
    if not widths:
        raise NotPossible("no boundary between grains of one crystal was found at the junction")
    limit = Quantity(widths[0].upper_limit_95, 0.0, "m").to("nm")
    basis = f"MgO on both sides, below {float(limit):.2f} nm (95 %)"
    worlds = context.wrong_worlds(amorphous=(FILM, _with_film("layer_8", 1)))
    return context.number(widths[0].width, basis, planted="disordered_width", excluded=worlds)


@statement("STM-11", rests_on="data")
def boron_columns(paper: Paper, results: Results, context: Context) -> Verdict:
    """How strongly boron shows beside magnesium."""
    contrasts = results["columns_5"].contrasts
    if "MgB2: B over Mg" not in contrasts:
        raise NotPossible("the zone shows no separate columns of B and Mg")
    ratio = contrasts["MgB2: B over Mg"]
    worlds = {"as strong as Mg": chance(1 - ratio), "invisible": chance(ratio)}
    return context.number(ratio, "heights of columns, HAADF", planted="boron_contrast", excluded=worlds)


@statement("STM-12")
def no_voids_or_cracks(paper: Paper, results: None, context: Context) -> Verdict:
    """Only the images can say it."""
    return context.only_stated()


@statement("STM-13")
def interfaces_stand_for_all(paper: Paper, results: None, context: Context) -> Verdict:
    """How many of all interfaces could be otherwise where all that were looked at are clean (Clopper, Pearson)."""
    number = round(paper["STM-13"].value[0])
    otherwise = 1 - (1 - CONFIDENCE) ** (1 / number)
    basis = (
        f"{number} clean of {number} looked at: up to {100 * otherwise:.0f} % of all interfaces could be otherwise "
        f"({100 * CONFIDENCE:g} %), {'less' if otherwise < 0.5 else 'more'} than half"
    )
    return context.proposition(True if otherwise < 0.5 else None, basis)
