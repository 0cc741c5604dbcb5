"""How a critical field falls with temperature: power laws, the orbital limit, and two dirty bands."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, zeta

from nbtools.physics.domain import require_not_negative, require_positive

Array = NDArray[np.float64]
# The orbital equations hold for T > 0; from here down they have reached their limit to rounding.
COLDEST = 1e-9


# Coupling constants λσσ, λππ, λσπ, λπσ of MgB2, Coulomb part taken off; the second index pairs. Golubov et al.,
# J. Phys.: Condens. Matter 14, 1353 (2002), as used by Gurevich, PRB 67, 184515 (2003).
MGB2_COUPLINGS = (0.81, 0.285, 0.119, 0.09)


def power_law_field(
    temperature: ArrayLike, *, zero_temperature_field: float, critical_temperature: float, exponent: float
) -> Array:
    """H(T) = H(0)(1 − T/T_c)^exponent, and 0 from T_c up.

    Source: an empirical law for H_c2 of MgB2, Müller et al., J. Alloys Compd. (2001), cond-mat/0102517.

    Parameters
    ----------
    temperature : any shape, K
    zero_temperature_field : A/m
    critical_temperature : K
    exponent : 1 + α; α > 0 leaves no slope at T_c

    Raises
    ------
    ValueError
        Negative temperatures, or a parameter that is not positive.
    """
    require_positive(exponent=exponent)
    t = _reduced(temperature, zero_temperature_field, critical_temperature)
    return np.asarray(zero_temperature_field * np.clip(1 - t, 0, None) ** exponent)


def parabolic_field(
    temperature: ArrayLike, *, zero_temperature_field: float, critical_temperature: float
) -> Array:
    """H(T) = H(0)(1 − (T/T_c)²), and 0 from T_c up: the empirical law of H_c and H_c1.

    Parameters, units and errors as in `power_law_field`.
    """
    t = _reduced(temperature, zero_temperature_field, critical_temperature)
    return np.asarray(zero_temperature_field * np.clip(1 - t**2, 0, None))


def orbital_field(
    temperature: ArrayLike, *, zero_temperature_field: float, critical_temperature: float
) -> Array:
    """H_c2(T) of a dirty one-band superconductor, no spin terms, normalised to its value at T = 0.

    Solves ln t + ψ(1/2 + ρ/t) − ψ(1/2) = 0 for the pair breaking ρ ∝ H_c2, with t = T/T_c. At T = 0 it is
    e^ψ(1/2) = e^−γ/4, at T_c its slope is −2/π²: H_c2(0) = 0.693 T_c |dH_c2/dT| there.

    Source: Werthamer, Helfand and Hohenberg, Phys. Rev. 147, 295 (1966); de Gennes (1964).
    Parameters, units and errors as in `power_law_field`.
    """
    t = _reduced(temperature, zero_temperature_field, critical_temperature)
    inside = np.clip(t, COLDEST, 1)
    shape = inside * _pair_breaking(inside) / np.exp(digamma(0.5))
    return np.asarray(zero_temperature_field * np.where(t < 1, shape, 0.0))


def two_band_field(
    temperature: ArrayLike,
    *,
    zero_temperature_field: float,
    critical_temperature: float,
    diffusivity_ratio: float,
) -> Array:
    """H_c2(T) of two dirty bands without interband scattering, normalised to its value at T = 0.

    Solves, for the pair breaking h in the first band (h ∝ D_σ H_c2) and η = D_π/D_σ,

        a0 X Y + a1 X + a2 Y = 0,   X = ln t + U(h/t),   Y = ln t + U(ηh/t),   U(u) = ψ(1/2 + u) − ψ(1/2),

    a0 = 2(λσσ λππ − λσπ λπσ)/λ0, a1 = 1 + λ₋/λ0, a2 = 1 − λ₋/λ0, λ₋ = λσσ − λππ, λ0 = √(λ₋² + 4 λσπ λπσ).
    η = 1 gives `orbital_field`; η ≪ 1 an upturn at low T, η ≫ 1 an upward curvature at T_c.

    Source: Gurevich, Phys. Rev. B 67, 184515 (2003), the field along the axis of both bands.

    Parameters
    ----------
    temperature : any shape, K
    zero_temperature_field : A/m
    critical_temperature : K
    diffusivity_ratio : η

    Raises
    ------
    ValueError
        Negative temperatures, or a parameter that is not positive.
    """
    require_positive(diffusivity_ratio=diffusivity_ratio)
    t = _reduced(temperature, zero_temperature_field, critical_temperature)
    inside = np.append(np.clip(t, COLDEST, 1).ravel(), COLDEST)
    root = _two_band_root(inside, diffusivity_ratio)
    shape = (root[:-1] / root[-1]).reshape(t.shape)
    return np.asarray(zero_temperature_field * np.where(t < 1, shape, 0.0))


def _two_band_root(t: Array, ratio: float) -> Array:
    """h by bisection. The root lies between those of either band alone, h₁ (X = 0) and h₁/η (Y = 0)."""
    sigma, pi, sigma_pi, pi_sigma = MGB2_COUPLINGS
    root = np.sqrt((sigma - pi) ** 2 + 4 * sigma_pi * pi_sigma)
    a0 = 2 * (sigma * pi - sigma_pi * pi_sigma) / root
    a1, a2 = 1 + (sigma - pi) / root, 1 - (sigma - pi) / root
    log_t, single = np.log(t), _pair_breaking(t)
    low, high = np.zeros_like(t), np.ones_like(t)
    # h = h₁ η^−s, with s between 0 and 1; the left side grows with h. 50 halvings reach rounding.
    for _ in range(50):
        s = (low + high) / 2
        x = log_t + _shift(single * ratio**-s)
        y = log_t + _shift(single * ratio ** (1 - s))
        beyond = (a0 * x * y + a1 * x + a2 * y > 0) == (ratio < 1)
        low, high = np.where(beyond, low, s), np.where(beyond, s, high)
    return t * single * ratio**-low


def _pair_breaking(t: Array) -> Array:
    """u = ρ/t with ln t + U(u) = 0: the digamma function inverted by Newton's method."""
    target = digamma(0.5) - np.log(t)
    argument = np.exp(target) + 0.5
    for _ in range(6):
        argument -= (digamma(argument) - target) / zeta(2, argument)
    return np.asarray(np.clip(argument - 0.5, 0, None))


def _shift(u: Array) -> Array:
    return np.asarray(digamma(0.5 + u) - digamma(0.5))


def _reduced(temperature: ArrayLike, zero_temperature_field: float, critical_temperature: float) -> Array:
    require_not_negative(temperature=temperature)
    require_positive(zero_temperature_field=zero_temperature_field, critical_temperature=critical_temperature)
    return np.asarray(temperature, float) / critical_temperature
