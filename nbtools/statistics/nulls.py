"""What chance alone gives: a p value that is never zero, and the shifts of a map against another."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def p_value(statistic: float, null: Array) -> float:
    """One-sided, with the observed arrangement counted as one of chance's (Phipson and Smyth 2010)."""
    return float((1 + np.sum(null >= statistic)) / (1 + null.size))


def all_shifts(fixed: Array, moved: Array) -> Array:
    """Σ fixed(x) moved(x − s) for every toroidal shift s, shape (y, x)."""
    product = np.fft.rfft2(fixed) * np.conj(np.fft.rfft2(moved))
    return np.asarray(np.fft.irfft2(product, s=fixed.shape))


def random_shifts(
    allowed: Mask, number: int, rng: Generator, *, error: type[ValueError] = ValueError
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """So many of the allowed shifts, each at most once."""
    places = np.flatnonzero(allowed)
    if places.size < 20:
        raise error(
            f"only {places.size} shifts leave enough of the emitter on itself; the map is too small, or its "
            "texture too coarse, to say what chance does"
        )
    chosen = rng.permutation(places)[:number]
    rows, columns = np.unravel_index(chosen, allowed.shape)
    return rows, columns


def correlation_length(field_map: Array) -> float:
    """How far (pixels) the autocorrelation of a map stays above 1/e, averaged over directions; at least 1."""
    power = all_shifts(field_map, field_map)
    radius = shift_radius(field_map.shape)
    ranks = np.round(radius).astype(int)
    profile = np.bincount(ranks.ravel(), power.ravel()) / np.bincount(ranks.ravel())
    below = np.flatnonzero(profile < profile[0] / np.e)
    return float(max(below[0] if below.size else ranks.max(), 1))


def shift_radius(shape: tuple[int, ...]) -> Array:
    """Length of every toroidal shift, in pixels, shape (y, x)."""
    rows, columns = (np.minimum(np.arange(n), n - np.arange(n)) for n in shape)
    return np.hypot(rows[:, None], columns[None])
