"""Grains that screen by themselves: London spheres smaller or larger than the penetration depth."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.physics.domain import require_not_negative

Array = NDArray[np.float64]


def sphere_screening(radius_over_depth: ArrayLike) -> Array:
    """Moment of a superconducting sphere over that of a perfectly shielded one: 1 − 3 coth(r)/r + 3/r², r = R/λ.

    r²/15 for small spheres, 1 − 3/r for large ones. A dilute suspension of volume share f has χ = −(3/2) f μ(r).

    Source: London, Superfluids I (1950), §4; Clem and Kogan, Jpn. J. Appl. Phys. 26, 1161 (1987).
    """
    require_not_negative(radius_over_depth=radius_over_depth)
    r = np.asarray(radius_over_depth, float)
    large = np.maximum(r, 0.05)
    exact = 1 - 3 / (large * np.tanh(large)) + 3 / large**2
    return np.where(r < 0.05, r**2 / 15 - 2 * r**4 / 315, exact)
