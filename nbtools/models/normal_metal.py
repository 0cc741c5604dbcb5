"""The resistivity of a normal metal."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import roots_legendre

from nbtools.models.domain import require_not_negative, require_positive

Array = NDArray[np.float64]
# e^−80 of the largest power in use is below rounding; 64 points then integrate it to 1e-12.
CUTOFF = 80.0
NODES, WEIGHTS = roots_legendre(64)


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

    Source: Ziman, Electrons and Phonons (1960), ch. 9; m = 3 is usual for MgB2 (Putti et al.), m = 5 simple metals.

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
    """J_m by Gauss–Legendre; x² taken into the denominator, so that nothing is small over small."""
    x = np.asarray(upper)[..., None] * (1 + NODES) / 2
    integrand = x ** (exponent - 2) * (x / 2 / np.sinh(x / 2)) ** 2
    return np.asarray(upper / 2 * (integrand @ WEIGHTS))
