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
