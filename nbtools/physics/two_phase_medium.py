"""How well a mixture of two phases can conduct at most, from the share of the better conductor."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.physics.domain import require_within

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
    require_within(0, 1, fraction=fraction, contrast=contrast)
    f = np.asarray(fraction, float)
    return np.asarray(1 + 3 * (1 - f) * (contrast - 1) / (3 + f * (contrast - 1)))
