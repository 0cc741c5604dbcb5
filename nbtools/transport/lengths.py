"""Coherence length and penetration depth from the two critical fields, with the convention as a switch."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.constants import mu_0
from scipy.optimize import brentq
from uncertainties import UFloat, nominal_value, wrap

from nbtools.physics import superconductor
from nbtools.results import NotPossible
from nbtools.statistics.choice import largest_first
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

# ln κ alone (the paper's), or Hu's 0.497 for the energy of the vortex core (PRB 6, 1756; Brandt PRB 68, 054506).
CORE_TERM_HU = 0.497
SMALLEST_KAPPA = float(1 / np.sqrt(2))


@dataclass(frozen=True)
class GinzburgLandau:
    """The Ginzburg–Landau lengths and what follows from them, each ± one standard deviation.

    Attributes
    ----------
    coherence_length, penetration_depth : m
    kappa : their ratio λ/ξ
    thermodynamic_field : A/m
    depairing_current : A/m²
    core_term : the convention used in H_c1 = Φ0/(4πμ0λ²)(ln κ + core_term)
    """

    coherence_length: Quantity
    penetration_depth: Quantity
    kappa: Quantity
    thermodynamic_field: Quantity
    depairing_current: Quantity
    core_term: float


def estimate_ginzburg_landau(
    hc1: float | Quantity | UFloat, hc2: float | Quantity | UFloat, *, core_term: float = 0.0
) -> GinzburgLandau:
    """Solve H_c2 = Φ0/(2πμ0ξ²) and H_c1 = Φ0/(4πμ0λ²)(ln κ + core_term) for ξ and λ.

    Parameters
    ----------
    hc1, hc2 : A/m, H_c1(0) and H_c2(0); a `Quantity` or ``uncertainties`` number passes its σ on
    core_term : 0 is the paper's convention; `CORE_TERM_HU` (0.497) counts the vortex core

    Raises
    ------
    ValueError
        Fields that are not positive, or of which no type-II superconductor can be made.
    """
    lower, upper = _as_ufloat(hc1), _as_ufloat(hc2)
    if not (nominal_value(lower) > 0 and nominal_value(upper) > 0):
        raise ValueError(
            f"H_c1 = {nominal_value(lower):.4g} and H_c2 = {nominal_value(upper):.4g} A/m came; "
            "both must be positive (in A/m: 1 Oe = 79.577 A/m)"
        )
    kappa = wrap(_solve_kappa)(lower / upper, core_term)
    coherence_length = (superconductor.FLUX_QUANTUM / (2 * np.pi * mu_0 * upper)) ** 0.5
    penetration_depth = kappa * coherence_length
    thermodynamic = upper / (2**0.5 * kappa)
    depairing = superconductor.FLUX_QUANTUM / (
        3**1.5 * np.pi * mu_0 * penetration_depth**2 * coherence_length
    )
    return GinzburgLandau(
        Quantity.of(coherence_length, "m"),
        Quantity.of(penetration_depth, "m"),
        Quantity.of(kappa),
        Quantity.of(thermodynamic, "A/m"),
        Quantity.of(depairing, "A/m^2"),
        core_term,
    )


def _as_ufloat(field: float | Quantity | UFloat) -> UFloat | float:
    return field if isinstance(field, UFloat) else Quantity.of(field).ufloat


def _solve_kappa(ratio: float, core_term: float) -> float:
    """κ from H_c1/H_c2 = (ln κ + core_term)/(2κ²), on the falling branch."""
    # The right side is largest at ln κ = 1/2 − core_term; below that κ two answers would exist.
    lowest = max(SMALLEST_KAPPA, float(np.exp(0.5 - core_term)))
    largest_ratio = (np.log(lowest) + core_term) / (2 * lowest**2)
    if ratio >= largest_ratio:
        raise ValueError(
            f"H_c1/H_c2 = {ratio:.3g} came; with core term {core_term:g} a type-II superconductor has at most "
            f"{largest_ratio:.3g}: check that both fields are in the same unit"
        )
    return float(brentq(lambda k: (np.log(k) + core_term) / (2 * k**2) - ratio, lowest, 1e8, xtol=1e-12))


@dataclass(frozen=True, repr=False)
class LengthsStudy(StudyResult):
    """ξ and λ of a sample under one convention, what the other gives, and what moves λ.

    Attributes
    ----------
    lengths : under the chosen core term
    other : under the other one
    budget : relative change of λ when one input moves by its σ or to an alternative, the largest first
    """

    lengths: GinzburgLandau
    other: GinzburgLandau
    budget: dict[str, float]

    def rows(self) -> list[Row]:
        how = f"core term {self.lengths.core_term:g}"
        found = self.lengths
        return [
            Row("coherence length ξ", found.coherence_length, how, "coherence_length", "nm"),
            Row("penetration depth λ", found.penetration_depth, how, "penetration_depth", "nm"),
            Row("κ = λ/ξ", found.kappa, how),
            Row("thermodynamic field H_c", found.thermodynamic_field, how, shown="Oe"),
            Row("depairing current J_d", found.depairing_current, how, shown="A/cm^2"),
            Row(
                "penetration depth λ",
                self.other.penetration_depth,
                f"core term {self.other.core_term:g}",
                shown="nm",
            ),
        ]


def estimate_lengths(
    hc1: Quantity,
    hc2: Quantity,
    *,
    core_term: float = 0.0,
    budget_from: Quantity | None = None,
    alternatives: Mapping[str, tuple[float, float]] | None = None,
) -> LengthsStudy:
    """ξ and λ with both core terms, and the budget of λ.

    Parameters
    ----------
    hc1, hc2 : A/m ± σ, at zero temperature
    core_term : 0 is the paper's; `CORE_TERM_HU` counts the vortex core
    budget_from : H_c1 without the systematic part that `alternatives` stand for; by default `hc1`
    alternatives : other (H_c1, H_c2) by name

    Raises
    ------
    NotPossible
        Fields of which no type-II superconductor can be made.
    """
    base, other_term = hc1 if budget_from is None else budget_from, CORE_TERM_HU if core_term == 0 else 0.0

    def depth(lower: float, upper: float, term: float = core_term) -> float:
        return float(estimate_ginzburg_landau(float(lower), float(upper), core_term=term).penetration_depth)

    try:
        lengths = estimate_ginzburg_landau(hc1, hc2, core_term=core_term)
        other = estimate_ginzburg_landau(hc1, hc2, core_term=other_term)
        moved = {
            "H_c1: noise": depth(base + base.uncertainty, hc2),
            "H_c2: noise": depth(base, hc2 + hc2.uncertainty),
            **{name: depth(*fields) for name, fields in (alternatives or {}).items()},
            "core term 0 or 0.497": depth(base, hc2, other_term),
        }
        changes = {name: abs(value / depth(base, hc2) - 1) for name, value in moved.items()}
    except ValueError as reason:
        raise NotPossible(str(reason)) from None
    return LengthsStudy(lengths, other, largest_first(changes))
