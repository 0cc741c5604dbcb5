"""From the scales of phases to weight, volume and mole fractions, with the whole covariance carried along."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from nbtools.models.powder_pattern import PowderPhase
from nbtools.units import Quantity

Array = NDArray[np.float64]
Densities = Literal["x-ray", "handbook"] | Mapping[str, float]
# kg/m³, by formula with the elements in alphabetical order. The handbook's MgB2 is of powder and 2 % below the
# X-ray density of its cell (2624): with it the paper's weights give its 26.5 vol%, with the cell's they give 26.1.
HANDBOOK_DENSITIES = {"MgO": 3580.0, "B2Mg": 2570.0, "Mg": 1740.0}
# kg/mol, by formula.
MOLAR_MASSES = {"MgO": 40.304e-3, "B2Mg": 45.927e-3, "Mg": 24.305e-3}


@dataclass(frozen=True)
class Shares:
    """Parts of a whole: values that sum to one, shape (n,), and their covariance, shape (n, n)."""

    values: Array
    covariance: Array

    @property
    def uncertainties(self) -> Array:
        return np.asarray(np.sqrt(np.clip(np.diag(self.covariance), 0, None)))

    def named(self, names: Sequence[str]) -> dict[str, Quantity]:
        """As quantities without unit, by phase."""
        return {
            name: Quantity(float(value), float(error))
            for name, value, error in zip(names, self.values, self.uncertainties, strict=True)
        }

    def ratio(self, one: int, other: int, factor: float = 1.0) -> Quantity:
        """factor × part `one` over part `other`; NaN where the other is not above zero."""
        above, below = float(self.values[one]), float(self.values[other])
        if below <= 0:
            return Quantity(np.nan)
        gradient = np.zeros(len(self.values))
        gradient[one], gradient[other] = 1 / below, -above / below**2
        error = float(np.sqrt(max(float(gradient @ self.covariance @ gradient), 0.0)))
        return Quantity(factor * above / below, factor * error)


def shares(amounts: ArrayLike, covariance: ArrayLike, factors: ArrayLike) -> Shares:
    """a_i f_i/Σ a f of amounts a with their covariance: scale × ZMV is weight, over density volume, ZV moles.

    Raises
    ------
    ValueError
        Nothing above zero to share.
    """
    parts = np.asarray(amounts, float) * np.asarray(factors, float)
    whole = float(np.sum(parts))
    if not whole > 0:
        raise ValueError(
            "no phase is above zero, so there are no fractions: is this the right set of phases?"
        )
    values = parts / whole
    jacobian = (np.eye(len(values)) - values[:, None]) * np.asarray(factors, float) / whole
    return Shares(values, jacobian @ np.asarray(covariance, float) @ jacobian.T)


def convert_fractions(fractions: Mapping[str, float], factors: Mapping[str, float]) -> dict[str, Quantity]:
    """Fractions of one kind into another: weight × 1/density gives volume, weight × 1/molar mass gives moles.

    Parameters
    ----------
    fractions : by phase, in any one unit; a `Quantity` brings its σ, taken as independent of the others
    factors : by phase

    Returns
    -------
    by phase, without unit, summing to one
    """
    errors = [getattr(value, "uncertainty", 0.0) for value in fractions.values()]
    covariance = np.diag(np.nan_to_num(errors) ** 2)
    values = [float(value) for value in fractions.values()]
    found = shares(values, covariance, [factors[name] for name in fractions])
    return found.named(list(fractions))


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


def upper_limit(value: float, uncertainty: float, level: float = 0.95) -> float:
    """What a fraction stays below: the upper end of the unified interval, max(value, 0) + z σ, at most 1.

    z is two-sided, as in Feldman and Cousins (Phys. Rev. D 57, 3873 (1998)), because whether a value or a limit is
    quoted is decided after seeing the data; a downward fluctuation does not tighten it. It holds at least as often as
    `level` says.
    """
    return float(min(max(value, 0.0) + norm.ppf((1 + level) / 2) * uncertainty, 1.0))


def estimate_amorphous_fraction(
    weight_fractions: Mapping[str, Quantity], *, standard: str, weighed: float
) -> Quantity:
    """Amorphous share of the original sample, from an internal standard that was weighed in.

    A refinement sees only crystals and makes them one; a standard weighed in as `weighed` of the whole that the
    refinement finds as R leaves (1 − weighed/R)/(1 − weighed) of the sample unseen.

    Raises
    ------
    ValueError
        No such phase, or a weighed share that is not between 0 and 1.
    """
    if standard not in weight_fractions or not 0 < weighed < 1:
        raise ValueError(
            f"standard {standard!r} with a weighed share of {weighed!r} came; one of "
            f"{', '.join(weight_fractions)} and a share between 0 and 1 were expected"
        )
    found = weight_fractions[standard]
    unseen = (1 - weighed / found) / (1 - weighed)
    return Quantity(unseen, weighed / found**2 * found.uncertainty / (1 - weighed))
