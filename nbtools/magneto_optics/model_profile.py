"""B_z across a plate that fills with flux, after Bean and Kim, from the states of its critical state."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import mu_0

Array = NDArray[np.float64]


def plate_profile(
    distance: ArrayLike,
    critical_current: float,
    kim: float = 0.0,
    offset: float = 0.0,
    applied: float = 0.0,
    *,
    grid: ArrayLike,
    reduced: ArrayLike,
    states: ArrayLike,
    filled: ArrayLike,
) -> Array:
    """B_z (T) along a line over a plate on a ramp after zero-field cooling.

    The current density is J_c/(1 + kim B) of the applied field B: Bean's model for kim = 0, Kim's of the mean field
    otherwise. The field of the currents is interpolated between states of the plate at H/J; beyond the last the
    plate is full.

    Parameters
    ----------
    distance : shape (n,), from the middle of the plate, in any unit of length
    critical_current : in no field, A/m² (of a sheet A/m)
    kim : 1/T; its inverse is the field that halves J_c
    offset : T, of the calibration
    applied : T, µ0 H of the frame, not zero
    grid : shape (m,), in the unit of `distance`; where the states are known
    reduced : shape (s,), m; H/J of each state
    states : shape (s, m), T per A/m²; the field of the currents of each
    filled : shape (m,), T per A/m²; of the full plate's rooftop, for a hill of current (anticlockwise)
    """
    current = critical_current / (1 + kim * abs(applied))
    sign, place = np.sign(applied), abs(applied) / mu_0 / current
    known, own = np.asarray(reduced, float), np.asarray(states, float)
    if place >= known[-1]:
        shape = -np.asarray(filled, float)
    else:
        number = np.interp(place, known, np.arange(known.size))
        weights = np.maximum(1 - np.abs(number - np.arange(known.size)), 0.0)
        shape = weights @ own
    heights = np.asarray(sign * current * shape, float)
    return np.interp(np.asarray(distance, float), np.asarray(grid, float), heights) + applied + offset


def front(critical_current: float, *, applied: float, half_width: float, thickness: float) -> float:
    """Where the flux of a thin strip ends, m from its middle: a/cosh(πH/J_c d) (Brandt and Indenbom 1993)."""
    return float(half_width / np.cosh(np.pi * abs(applied) / mu_0 / (critical_current * thickness)))
