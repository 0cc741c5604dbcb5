"""What the paper states on the composition, each statement judged by a function.

CMP-01 takes `results["composition"]` as `study_composition` gives it; its wrong worlds are `context.rivals`:
``textured`` (plates of MgB2 that lie flat) and ``amorphous`` (a third of the boron phase gives no lines). All others
rest on printed numbers and carry their rounding along.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from nbtools.paper import Context, Paper, Verdict, statement
from nbtools.structure.phase_fractions import HANDBOOK_DENSITIES, convert_fractions
from nbtools.study import Missing
from nbtools.units import Quantity

Results = Mapping[str, Any]

NAMES = ("MgO", "MgB2", "Mg")
HANDBOOK = dict(zip(NAMES, (HANDBOOK_DENSITIES[formula] for formula in ("MgO", "B2Mg", "Mg")), strict=True))
# kg/m³, of the cells that come with the package.
X_RAY = {"MgO": 3582.5, "MgB2": 2623.9, "Mg": 1738.0}
MOLAR_MASSES = {"MgO": 40.304, "MgB2": 45.927, "Mg": 24.305}  # g/mol


def _weights(paper: Paper) -> dict[str, Quantity]:
    return dict(zip(NAMES, paper["CMP-01"].quantities, strict=True))


@statement("CMP-01", rests_on="data")
def weight_fractions(paper: Paper, results: Results, context: Context) -> Verdict:
    """The refined weights, against a texture, which the misfit excludes, and an amorphous part, which nothing does."""
    weights = results["composition"].weight_fractions
    found = tuple(weights[name].to("%") if name in weights else Quantity(np.nan, unit="%") for name in NAMES)
    planted = tuple(100 * context.planted.get(f"weight_fraction_{name}", np.nan) for name in NAMES)
    worlds: dict[str, bool | float] = {}
    for world, rival in context.rivals.items():
        other = rival["composition"]
        worlds[world] = isinstance(other, Missing) or other.misses
    basis = "whole-pattern refinement; a trace of Mg is a limit, and an amorphous part is not seen"
    return context.number(found, basis, planted=planted, excluded=worlds)


@statement("CMP-02")
def volume_fractions(paper: Paper, results: None, context: Context) -> Verdict:
    """The printed weights over handbook densities."""
    volumes = convert_fractions(_weights(paper), HANDBOOK)
    cells = convert_fractions(_weights(paper), X_RAY)["MgB2"].to("%")
    basis = f"printed weights, handbook densities; with the cells' X-ray densities MgB2 would be {float(cells):.1f} %"
    return context.number(tuple(volumes[name].to("%") for name in NAMES), basis)


@statement("CMP-03")
def about_thirty_percent(paper: Paper, results: None, context: Context) -> Verdict:
    """The refined volume fraction, rounded up; beside it that of the ideal product of the reaction."""
    oxide = _oxide(paper)
    weights = {"MgO": oxide * MOLAR_MASSES["MgO"], "MgB2": MOLAR_MASSES["MgB2"]}
    ideal = convert_fractions(weights, HANDBOOK)["MgB2"]
    basis = (
        f"the printed volume fraction, rounded up; the ideal {oxide:g} : 1 product would have "
        f"{100 * float(ideal):.1f} %"
    )
    return context.number(paper["CMP-02"].quantities[1], basis)


@statement("CMP-04")
def three_quarters(paper: Paper, results: None, context: Context) -> Verdict:
    """The share of the oxide among the formula units of the reaction's product."""
    oxide = _oxide(paper)
    share = Quantity(100 * oxide / (oxide + 1), 0.0, "%")
    return context.number(share, f"{oxide:g} of {oxide + 1:g} formula units of the product")


@statement("CMP-05")
def molar_ratio(paper: Paper, results: None, context: Context) -> Verdict:
    """The ratio of formula units that the printed weights give, against that of the reaction."""
    ratio = _moles(paper)["MgO"]
    basis = "printed weights over molar masses, MgO for each MgB2"
    if ratio > _oxide(paper):
        basis += "; oxygen came from elsewhere, or boron is missing among the crystals"
    return context.number(ratio, basis)


@statement("CMP-06")
def magnesium_excess(paper: Paper, results: None, context: Context) -> Verdict:
    """The magnesium of the printed weights for each B2, against the one of MgB2 and those of the oxide of B2O3."""
    moles = _moles(paper)
    needed = _oxide(paper) + 1
    excess = (moles["MgO"] + 1 + moles["Mg"]) / needed - 1
    if excess <= 0:
        basis = f"the printed weights hold {(-excess).to('%')} less Mg than the reaction needs per boron"
        return context.proposition(excess, basis, shown=excess.to("%"))
    lost = (excess / (1 + excess)).to("%")
    basis = (
        f"the printed weights hold {excess.to('%')} more Mg than the reaction needs per boron, or {lost} of the "
        "boron is in no crystal: the batch is not printed, and either fits"
    )
    return context.proposition(None, basis, shown=excess.to("%"))


def _oxide(paper: Paper) -> float:
    """Formula units of MgO for each MgB2 in the reaction, a whole number that has no error of rounding."""
    return float(paper["CMP-05"].quantities[0])


def _moles(paper: Paper) -> dict[str, Quantity]:
    """Formula units for each one of MgB2."""
    amounts = {name: weight / MOLAR_MASSES[name] for name, weight in _weights(paper).items()}
    return {name: amount / amounts["MgB2"] for name, amount in amounts.items()}


@statement("CMP-07")
def furnace(paper: Paper, results: None, context: Context) -> Verdict:
    """Stated."""
    return context.only_stated()
