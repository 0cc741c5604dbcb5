"""How well a mixture of two phases can conduct at most, from the share of the better conductor."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.physics.domain import require_within

Array = NDArray[np.float64]


def hashin_shtrikman_bound(fraction: ArrayLike) -> Array:
    """Upper bound 2f/(3 − f) of σ_eff/σ_1 for an isotropic mixture, f of phase 1 in an insulator; any shape.

    Source: Hashin and Shtrikman, J. Appl. Phys. 33, 3125 (1962).

    Raises
    ------
    ValueError
        A fraction that is not from 0 to 1.
    """
    require_within(0, 1, fraction=fraction)
    f = np.asarray(fraction, float)
    return np.asarray(2 * f / (3 - f))
