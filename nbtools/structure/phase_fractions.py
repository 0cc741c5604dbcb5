"""From the scales of phases to weight, volume and mole fractions, with the whole covariance carried along."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from nbtools.results import NotPossible
from nbtools.structure.model_powder_pattern import PowderPhase
from nbtools.units import Quantity

Densities = Literal["x-ray", "handbook"] | Mapping[str, float]
# kg/m³, by formula with the elements in alphabetical order. The handbook's MgB2 is of powder and 2 % below the
# X-ray density of its cell (2624): with it the paper's weights give its 26.5 vol%, with the cell's they give 26.1.
HANDBOOK_DENSITIES = {"MgO": 3580.0, "B2Mg": 2570.0, "Mg": 1740.0}


def shares(
    amounts: ArrayLike, covariance: ArrayLike, factors: ArrayLike, *, unlisted: float = 0.0
) -> list[Quantity]:
    """a_i f_i/Σ a f of amounts a with their covariance: scale × ZMV is weight, over density volume, ZV moles.

    Parameters
    ----------
    amounts : shape (n,); one below zero counts as zero, with its σ
    covariance : shape (n, n)
    factors : shape (n,)
    unlisted : σ of what is in the whole beside them, over their sum

    Returns
    -------
    Quantities that sum to one, correlated with each other.

    Raises
    ------
    NotPossible
        Nothing above zero to share.
    """
    from uncertainties import correlated_values, ufloat

    parts = np.maximum(np.asarray(amounts, float), 0.0) * np.asarray(factors, float)
    if not np.sum(parts) > 0:
        raise NotPossible(
            "no phase is above zero, so there are no fractions: is this the right set of phases?"
        )
    scale = np.asarray(factors, float) / np.sum(parts)
    numbers = correlated_values(parts / np.sum(parts), np.asarray(covariance, float) * np.outer(scale, scale))
    whole = sum(numbers) + (ufloat(0.0, unlisted) if unlisted else 0.0)
    return [Quantity.of(number / whole) for number in numbers]


def convert_fractions(fractions: Mapping[str, float], divisors: Mapping[str, float]) -> dict[str, Quantity]:
    """Fractions of one kind into another: weights over densities are volumes, weights over molar masses moles.

    Parameters
    ----------
    fractions : by phase, in any one unit; a `Quantity` brings its σ and its correlation with the others
    divisors : by phase

    Returns
    -------
    by phase, without unit, summing to one
    """
    parts = {name: Quantity.of(value) * (1 / divisors[name]) for name, value in fractions.items()}
    whole = sum(parts.values())
    return {name: part / whole for name, part in parts.items()}


def densities_of(
    phases: Mapping[str, PowderPhase], choice: Densities, *, expansion: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Density of each phase, kg/m³.

    Parameters
    ----------
    choice : "x-ray" (of the cell), "handbook" (`HANDBOOK_DENSITIES`, the cell's where it has none), or a dict by
        phase, which may leave phases to the cell
    expansion : V/V(CIF) of each phase, by which the cell's density is divided

    Raises
    ------
    ValueError
        Another word; a density for a phase that is not there, or one that is not positive.
    """
    larger = expansion or {}
    cell = {name: phase.density / larger.get(name, 1.0) for name, phase in phases.items()}
    if choice == "x-ray":
        return cell
    if choice == "handbook":
        return {name: HANDBOOK_DENSITIES.get(phase.formula, cell[name]) for name, phase in phases.items()}
    if isinstance(choice, str):
        raise ValueError(f'densities is {choice!r}; it can be "x-ray", "handbook" or a dict by phase, kg/m³')
    if strange := [name for name, value in choice.items() if name not in phases or not float(value) > 0]:
        raise ValueError(
            f"the density of {strange[0]!r} is {choice[strange[0]]!r}; positive densities (kg/m³) of "
            f"{', '.join(phases)} were expected"
        )
    return cell | {name: float(value) for name, value in choice.items()}


def upper_limit(value: float, uncertainty: float) -> float:
    """What a fraction stays below at 95 %: the upper end of the unified interval, max(value, 0) + z σ, at most 1.

    z is two-sided, as in Feldman and Cousins (Phys. Rev. D 57, 3873 (1998)), because whether a value or a limit is
    quoted is decided after seeing the data; a downward fluctuation does not tighten it. It holds in 95 % of
    cases or more.
    """
    return float(min(max(value, 0.0) + norm.ppf(0.975) * uncertainty, 1.0))
