"""The response of a normal metal to an alternating field: eddy currents."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import jve

from nbtools.physics.domain import require_not_negative

Array = NDArray[np.float64]


def eddy_susceptibility(
    radius_over_skin_depth: ArrayLike, geometry: Literal["slab", "cylinder"]
) -> tuple[Array, Array]:
    """χ', χ'' of a normal conductor in an alternating field along its length; χ'' > 0 is loss.

    Slab of half thickness a: χ = tanh(u)/u − 1, u = (1 + i)a/δ. Cylinder of radius R:
    χ = 2J₁(kR)/(kR J₀(kR)) − 1, k = (1 − i)/δ. δ = √(2ρ/(μ0ω)); χ = χ' − iχ''.

    Source: Landau and Lifshitz, Electrodynamics of Continuous Media, §59.

    Parameters
    ----------
    radius_over_skin_depth : a/δ or R/δ, any shape, not negative
    geometry : "slab" or "cylinder"

    Returns
    -------
    χ', χ'' : external susceptibilities of the long body, the shape of the argument

    Raises
    ------
    ValueError
        An unknown geometry or a negative ratio.
    """
    require_not_negative(radius_over_skin_depth=radius_over_skin_depth)
    # The response goes with (a/δ)²: from here down it is zero to rounding, and nothing is divided by zero.
    size = np.maximum(np.asarray(radius_over_skin_depth, float), 1e-9)
    if geometry == "slab":
        response = np.tanh((1 + 1j) * size) / ((1 + 1j) * size) - 1
    elif geometry == "cylinder":
        argument = (1 - 1j) * size
        response = 2 * jve(1, argument) / (argument * jve(0, argument)) - 1
    else:
        raise ValueError(f'geometry is {geometry!r}; it can be "slab" or "cylinder"')
    return np.asarray(response.real), np.asarray(-response.imag)
