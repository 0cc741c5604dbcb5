"""How far superconductivity reaches into a normal metal."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import hbar, k

from nbtools.physics.domain import require_positive


def clean_normal_length(temperature: ArrayLike, *, velocity: float) -> NDArray[np.float64]:
    """ξ_N = ħv/2πk_BT, the decay length of pairs in a normal metal without scattering, m.

    Parameters
    ----------
    temperature : K, any shape
    velocity : Fermi velocity, m/s

    Source: Deutscher and de Gennes, in Superconductivity, ed. Parks (1969), ch. 17.
    """
    require_positive(temperature=temperature, velocity=velocity)
    return np.asarray(hbar * velocity / (2 * np.pi * k * np.asarray(temperature, float)))


def dirty_normal_length(temperature: ArrayLike, *, diffusivity: float) -> NDArray[np.float64]:
    """ξ_N = √(ħD/2πk_BT), the same where scattering makes electrons diffuse, m.

    Parameters
    ----------
    temperature : K, any shape
    diffusivity : D, m²/s

    Source: as `clean_normal_length`.
    """
    require_positive(temperature=temperature, diffusivity=diffusivity)
    return np.asarray(np.sqrt(hbar * diffusivity / (2 * np.pi * k * np.asarray(temperature, float))))


def largest_barrier(
    temperature: ArrayLike,
    critical_current: ArrayLike,
    *,
    critical_temperature: float,
    depairing_current: float,
) -> NDArray[np.float64]:
    """The longest barrier, in units of ξ_N(T_c), through which a junction may carry each current.

    J_c = J_0 (1 − t)² exp(−(L/ξ_N)√t) with J_0 no larger than the depairing current of the electrodes gives
    L/ξ_N ≤ [ln(J_d/J_c) + 2 ln(1 − t)]/√t. Below zero, no junction carries so much.

    Parameters
    ----------
    temperature, critical_current : of the points, shape (n,), K and A/m²
    critical_temperature : K, above the temperatures
    depairing_current : at absolute zero, A/m²

    Raises
    ------
    ValueError
        A temperature from T_c up, currents that are not positive.

    Source: de Gennes, Rev. Mod. Phys. 36, 225 (1964); dirty barrier.
    """
    t = np.asarray(temperature, float) / critical_temperature
    require_positive(
        temperature=temperature,
        critical_current=critical_current,
        depairing_current=depairing_current,
        distance_from_critical_temperature=1 - t,
    )
    room = np.log(depairing_current / np.asarray(critical_current, float)) + 2 * np.log1p(-t)
    return np.asarray(room / np.sqrt(t))
