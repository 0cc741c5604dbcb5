"""The resistivity of a normal metal."""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import roots_jacobi

from nbtools.physics.domain import require_not_negative, require_positive

Array = NDArray[np.float64]
# The integrand beyond is below rounding for every exponent in use; 64 points then reach 1e-12.
CUTOFF = 80.0
POINTS = 64


def bloch_gruneisen(
    temperature: ArrayLike,
    *,
    residual: float,
    amplitude: float,
    debye_temperature: float,
    exponent: float,
) -> Array:
    """ρ(T) = ρ₀ + A (T/Θ)^m J_m(Θ/T), J_m(z) = ∫₀^z x^m/((e^x − 1)(1 − e^−x)) dx.

    A/(m − 1) · T/Θ is reached at high temperature, A J_m(∞) (T/Θ)^m at low.

    Relative error under 1e-10 from T = Θ/1000 up. Source: Ziman, Electrons and Phonons (1960),
    ch. 9; m = 5 for simple metals, m = 3 is usual for MgB2.

    Parameters
    ----------
    temperature : any shape, K
    residual, amplitude : Ω m, ρ₀ and A (ρ takes their unit)
    debye_temperature : K, Θ
    exponent : m, above 1

    Raises
    ------
    ValueError
        Negative temperatures, a Debye temperature that is not positive, or an exponent of 1 or less.
    """
    require_not_negative(temperature=temperature)
    require_positive(debye_temperature=debye_temperature)
    if not exponent > 1:
        raise ValueError(
            f"exponent is {exponent:g}; the transport integral needs more than 1 (usual: 2, 3 or 5)"
        )
    reduced = np.asarray(temperature, float) / debye_temperature
    upper = 1 / np.maximum(reduced, 1 / CUTOFF)
    return np.asarray(residual + amplitude * reduced**exponent * _transport_integral(upper, exponent))


def _transport_integral(upper: Array, exponent: float) -> Array:
    """J_m by Gauss–Jacobi: the rule carries x^(m−2), what is left is smooth for every m."""
    nodes, weights = _rule(exponent)
    x = np.asarray(upper)[..., None] * (1 + nodes) / 2
    smooth = (x / 2 / np.sinh(x / 2)) ** 2
    return np.asarray((upper / 2) ** (exponent - 1) * np.sum(smooth * weights, axis=-1))


@lru_cache(maxsize=16)
def _rule(exponent: float) -> tuple[Array, Array]:
    """Nodes and weights of ∫ (1 + s)^(m−2) … ds over −1 … 1; Gauss–Legendre for m = 2."""
    nodes, weights = roots_jacobi(POINTS, 0, exponent - 2)
    return nodes, weights
