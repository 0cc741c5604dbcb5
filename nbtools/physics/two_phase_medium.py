"""The conductivity of a mixture of two phases, from the share of the better conductor."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.physics.domain import require_positive, require_within

Array = NDArray[np.float64]


def hashin_shtrikman_bound(fraction: ArrayLike, *, contrast: float = 0.0) -> Array:
    """Upper bound of σ_eff/σ_1 for an isotropic mixture, f of phase 1, the rest with σ_2 = contrast σ_1.

    1 + 3(1 − f)(c − 1)/(3 + f(c − 1)); with an insulating second phase 2f/(3 − f). No dimension, any shape.

    Source: Hashin and Shtrikman, J. Appl. Phys. 33, 3125 (1962).

    Raises
    ------
    ValueError
        A fraction or a contrast that is not from 0 to 1: phase 1 is the better conductor.
    """
    f = _checked(fraction, contrast)
    return np.asarray(1 + 3 * (1 - f) * (contrast - 1) / (3 + f * (contrast - 1)))


def bruggeman_conductivity(fraction: ArrayLike, *, contrast: float = 0.0) -> Array:
    """σ_eff/σ_1 of a symmetric effective medium, f of phase 1, the rest with σ_2 = contrast σ_1.

    Solves f(1 − s)/(1 + 2s) + (1 − f)(c − s)/(c + 2s) = 0; an insulating second phase leaves nothing
    below its threshold f = 1/3. No dimension, any shape.

    Source: Bruggeman, Ann. Phys. 416, 636 (1935). Errors as in `hashin_shtrikman_bound`.
    """
    f = _checked(fraction, contrast)
    b = 3 * f - 1 + contrast * (2 - 3 * f)
    return np.asarray((b + np.sqrt(b**2 + 8 * contrast)) / 4)


def percolation_conductivity(fraction: ArrayLike, *, threshold: float, exponent: float) -> Array:
    """σ_eff/σ_1 = ((f − f_c)/(1 − f_c))^t, and 0 below the threshold: general effective medium, insulating rest.

    Source: McLachlan, J. Phys. C 20, 865 (1987). No dimension, any shape; t is about 2 in three dimensions.

    Raises
    ------
    ValueError
        A fraction not from 0 to 1, a threshold not from 0 to below 1, an exponent that is not positive.
    """
    require_within(0, 1, fraction=fraction)
    require_positive(exponent=exponent)
    if not 0 <= threshold < 1:
        raise ValueError(
            f"threshold is {threshold:g}; it must be from 0 to below 1 (spheres: 0.29, Bruggeman: 1/3)"
        )
    above = np.clip((np.asarray(fraction, float) - threshold) / (1 - threshold), 0, None)
    return np.asarray(above**exponent)


def _checked(fraction: ArrayLike, contrast: float) -> Array:
    require_within(0, 1, fraction=fraction, contrast=contrast)
    return np.asarray(fraction, float)
