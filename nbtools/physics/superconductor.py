"""Type-II superconductors: lengths and fields, the shape of transitions, the magnetisation of a bar."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import Boltzmann, hbar, mu_0, physical_constants
from scipy.special import ndtr, ndtri

from nbtools.physics.domain import require_not_negative, require_one_of, require_positive

Array = NDArray[np.float64]
FLUX_QUANTUM: float = physical_constants["mag. flux quantum"][0]  # Wb


def upper_critical_field(coherence_length: ArrayLike) -> Array:
    """H_c2 = Φ0/(2πμ0ξ²) in A/m, from ξ in m (any shape, positive). See Tinkham, ch. 4."""
    require_positive(coherence_length=coherence_length)
    return FLUX_QUANTUM / (2 * np.pi * mu_0 * np.asarray(coherence_length, float) ** 2)


def coherence_length(upper_critical_field: ArrayLike) -> Array:
    """ξ = √(Φ0/(2πμ0H_c2)) in m, from H_c2 in A/m (any shape, positive)."""
    require_positive(upper_critical_field=upper_critical_field)
    return np.asarray(np.sqrt(FLUX_QUANTUM / (2 * np.pi * mu_0 * np.asarray(upper_critical_field, float))))


def lower_critical_field(
    penetration_depth: ArrayLike, coherence_length: ArrayLike, *, core_term: float = 0.0
) -> Array:
    """H_c1 = Φ0/(4πμ0λ²)(ln κ + core_term), κ = λ/ξ, in A/m.

    Parameters
    ----------
    penetration_depth, coherence_length : m, shapes that broadcast
    core_term : 0 leaves the vortex core out; 0.497 counts it at large κ (Hu, PRB 6, 1756 (1972); Brandt,
        PRB 68, 054506 (2003))

    Raises
    ------
    ValueError
        Lengths that are not positive, or κ below 1/√2: a type-I superconductor has no H_c1.
    """
    depth, kappa = _depth_and_kappa(penetration_depth, coherence_length)
    if np.any(kappa < 1 / np.sqrt(2)):
        raise ValueError(
            f"penetration_depth/coherence_length is {np.min(kappa):.3g}; a type-II superconductor has more than "
            "0.707: check that the two are not exchanged"
        )
    return np.asarray(FLUX_QUANTUM / (4 * np.pi * mu_0 * depth**2) * (np.log(kappa) + core_term))


def thermodynamic_field(penetration_depth: ArrayLike, coherence_length: ArrayLike) -> Array:
    """H_c = Φ0/(2√2 πμ0λξ) in A/m, from lengths in m (positive, shapes that broadcast). Tinkham, ch. 4."""
    depth, kappa = _depth_and_kappa(penetration_depth, coherence_length)
    return np.asarray(FLUX_QUANTUM * kappa / (2**1.5 * np.pi * mu_0 * depth**2))


def depairing_current(penetration_depth: ArrayLike, coherence_length: ArrayLike) -> Array:
    """J_d = Φ0/(3√3 πμ0λ²ξ) of Ginzburg and Landau in A/m², from lengths in m. Tinkham, ch. 4."""
    depth, kappa = _depth_and_kappa(penetration_depth, coherence_length)
    return np.asarray(FLUX_QUANTUM * kappa / (3**1.5 * np.pi * mu_0 * depth**3))


def dirty_penetration_depth(resistivity: ArrayLike, gap: ArrayLike) -> Array:
    """λ(0) = √(ħρ/(πμ0Δ)) in m of the dirty limit, from ρ in Ω m and the gap Δ(0) in J. Tinkham, ch. 3."""
    require_positive(resistivity=resistivity, gap=gap)
    ratio = np.asarray(resistivity, float) / np.asarray(gap, float)
    return np.asarray(np.sqrt(hbar * ratio / (np.pi * mu_0)))


def weak_coupling_gap(critical_temperature: ArrayLike) -> Array:
    """Δ(0) = 1.764 k_B T_c (J) of the weak-coupling theory; `critical_temperature` in K."""
    require_not_negative(critical_temperature=critical_temperature)
    return np.asarray(1.764 * Boltzmann * np.asarray(critical_temperature, float))


def edge_barrier_factor(
    length_over_diameter: ArrayLike, *, shape: Literal["cylinder", "bar"] = "cylinder"
) -> Array:
    """First-penetration field over H_c1 of a pin-free body with rectangular edges, field along its length.

    tanh √(0.67 b/a) for a cylinder of height 2b and radius a; tanh √(0.36 b/a) for a long bar of
    thickness 2b along the field and width 2a across it. No dimension, any shape.

    Source: Brandt, Phys. Rev. B 60, 11939 (1999). It replaces 1 − N; the two are never multiplied.

    Raises
    ------
    ValueError
        A ratio that is not positive, or an unknown shape.
    """
    require_one_of(("cylinder", "bar"), shape=shape)
    require_positive(length_over_diameter=length_over_diameter)
    strength = 0.67 if shape == "cylinder" else 0.36
    return np.asarray(np.tanh(np.sqrt(strength * np.asarray(length_over_diameter, float))))


def transition_fraction(temperature: ArrayLike, *, midpoint: float, width: float) -> Array:
    """½ erfc(−(T − T_m)/(√2 w)): the share of a sample that is normal where T_c is normally distributed.

    0 below, 1 above, ½ at the midpoint. Temperatures (any shape), `midpoint` and `width` in K; the width is
    a standard deviation, and must be positive (ValueError).
    """
    require_positive(width=width)
    return np.asarray(ndtr((np.asarray(temperature, float) - midpoint) / width))


def resistive_surface(
    temperature: ArrayLike,
    field: ArrayLike,
    *,
    zero_temperature_field: float,
    critical_temperature: float,
    exponent: float,
    width: float,
    broadening_field: float,
) -> Array:
    """R/R_n over temperature and field, crossing 10 % exactly on `power_law_field`.

    R/R_n = Φ((T − T₁₀(H))/w(H) + Φ⁻¹(0.1)), with T₁₀(H) = T_c (1 − (H/H(0))^(1/exponent)) the inverse of that
    law and w(H) = w₀ (1 + H/H_w); Φ is the normal distribution.

    Parameters
    ----------
    temperature, field : K and A/m, shapes that broadcast; the field's sign does not matter
    zero_temperature_field : A/m, H_c2(0)
    critical_temperature : K, where R is 10 % in no field
    exponent : 1 + α of the law
    width : K, standard deviation w₀ in no field
    broadening_field : A/m, H_w, where the width has doubled

    Raises
    ------
    ValueError
        A parameter that is not positive.
    """
    require_positive(
        zero_temperature_field=zero_temperature_field,
        critical_temperature=critical_temperature,
        exponent=exponent,
        width=width,
        broadening_field=broadening_field,
    )
    strength = np.abs(np.asarray(field, float))
    crossing = critical_temperature * (1 - (strength / zero_temperature_field) ** (1 / exponent))
    spread = width * (1 + strength / broadening_field)
    return np.asarray(ndtr((np.asarray(temperature, float) - crossing) / spread + ndtri(0.1)))


def virgin_magnetisation(
    field: ArrayLike, *, susceptibility: float, entry_field: float, full_field: float
) -> Array:
    """M(H) in A/m after cooling in no field: screened, then entered by flux as in Bean's slab.

    M = χ0 H up to the entry field H_p, χ0 H + |χ0| (H − H_p)²/H_f beyond, flat once its slope has come to
    zero at H_p + H_f/2: the shielding currents then fill the sample. With H_p = 0 and χ0 = −1 this is the
    virgin curve −x + x²/2 of a slab that is full at H = H_f/2 (Bean, RMP 36, 31 (1964)). Odd in H.

    Parameters
    ----------
    field : any shape, A/m
    susceptibility : χ0 < 0, external (with its demagnetisation)
    entry_field, full_field : A/m, H_p ≥ 0 and H_f > 0

    Raises
    ------
    ValueError
        A susceptibility that does not screen, or fields of the wrong sign.
    """
    require_positive(full_field=full_field)
    require_not_negative(entry_field=entry_field)
    if not susceptibility < 0:
        raise ValueError(f"susceptibility is {susceptibility:g}; that of a screening sample is negative")
    applied = np.asarray(field, float)
    reached = np.minimum(np.abs(applied), entry_field + full_field / 2)
    entered = np.clip(reached - entry_field, 0, None)
    return np.asarray(np.sign(applied) * susceptibility * (reached - entered**2 / full_field))


def screening_fraction(temperature: ArrayLike, *, critical_temperature: float, width: float) -> Array:
    """1 − exp(−(T_c − T)/width) below T_c, 0 from there up: a phenomenological χ(T)/χ(0).

    Temperatures (any shape), `critical_temperature` and `width` in K; both must be positive (ValueError).
    """
    require_positive(critical_temperature=critical_temperature, width=width)
    below = np.clip(critical_temperature - np.asarray(temperature, float), 0, None)
    return np.asarray(-np.expm1(-below / width))


def _depth_and_kappa(penetration_depth: ArrayLike, coherence_length: ArrayLike) -> tuple[Array, Array]:
    require_positive(penetration_depth=penetration_depth, coherence_length=coherence_length)
    depth = np.asarray(penetration_depth, float)
    return depth, np.asarray(depth / np.asarray(coherence_length, float))
