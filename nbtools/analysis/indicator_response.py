"""What an indicator makes of a field, fitted to calibration frames and inverted: a polynomial, or Malus' law."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

Array = NDArray[np.float64]
HIGHEST_DEGREE = 6
FURTHEST, TABLE_STEP = 1.4, 0.1  # half ranges of the calibration from its middle


def choose_degree(known: Array, field: Array, noise: float) -> int:
    """Two, or as many more as AIC over all pixels asks for; never so many that nothing is left to judge by."""
    flat = known.reshape(field.size, -1)
    scores = {}
    for degree in range(2, max(2, min(HIGHEST_DEGREE, np.unique(field).size - 2)) + 1):
        design = _design(field, field, degree)
        rest = flat - design @ (np.linalg.pinv(design) @ flat)
        scores[degree] = float(np.mean(rest**2)) * field.size / max(noise, 1e-12) ** 2 + 2 * (degree + 1)
    return min(scores, key=lambda degree: scores[degree])


def _design(values: Array, field: Array, degree: int) -> Array:
    """Powers of B in units of the calibrated range, which keeps them of one size."""
    middle, half = (field.max() + field.min()) / 2, np.ptp(field) / 2
    return np.vander((values - middle) / half, degree + 1, increasing=True)


def invert_polynomial(
    stack: Array, known: Array, field: Array, degree: int
) -> tuple[Array, Array, float, float]:
    """Invert each pixel's polynomial by Newton, from the nearest place of a table."""
    middle, half = (field.max() + field.min()) / 2, np.ptp(field) / 2
    design = _design(field, field, degree)
    solver = np.linalg.pinv(design)
    coefficients = np.tensordot(solver, known, axes=(1, 0))
    freedom = max(field.size - degree - 1, 1)
    rest = known - np.tensordot(design, coefficients, axes=(1, 0))
    # A median, since walls of the film that wander from frame to frame are no fault of the polynomial.
    misfit = float(np.median(np.sqrt((rest**2).sum(axis=0) / freedom)))
    u = _nearest(coefficients, stack)
    for _ in range(6):
        value, slope = _evaluate(coefficients, u)
        with np.errstate(divide="ignore", invalid="ignore"):
            move = np.nan_to_num((stack - value) / slope, nan=0.0, posinf=0.0, neginf=0.0)
        u = np.clip(u + np.clip(move, -TABLE_STEP, TABLE_STEP), -FURTHEST, FURTHEST)
    leverage = float(np.mean(np.sum((design @ solver) ** 2, axis=1)))
    return middle + half * u, _evaluate(coefficients, u)[1] / half, misfit, leverage


def _nearest(coefficients: Array, stack: Array) -> Array:
    """Where each pixel's polynomial comes nearest to the image, on the branch through the middle of the calibration.

    Light near its minimum is the same on both sides of it; the branch is the one that the middle is on.
    """
    best, found = np.full(stack.shape, np.inf), np.zeros(stack.shape)
    sense = np.sign(_evaluate(coefficients, np.zeros(stack.shape[-2:]))[1])
    for side in (1.0, -1.0):
        whole = np.ones(stack.shape[-2:], bool)
        for step in np.arange(0, FURTHEST + TABLE_STEP / 2, TABLE_STEP):
            value, slope = _evaluate(coefficients, np.full(stack.shape[-2:], side * step))
            whole &= slope * sense > 0
            distance = np.where(whole, np.abs(stack - value), np.inf)
            found, best = np.where(distance < best, side * step, found), np.minimum(distance, best)
    return found


def _evaluate(coefficients: Array, u: Array) -> tuple[Array, Array]:
    """Value and slope of each pixel's polynomial (Horner)."""
    value, slope = np.zeros_like(u), np.zeros_like(u)
    for c in coefficients[::-1]:
        slope = slope * u + value
        value = value * u + c
    return value, slope


# ---- Malus' law


def invert_malus(
    stack: Array, known: Array, field: Array, analyser: float | None
) -> tuple[Array, Array, float]:
    """dark and I₀ of each pixel, c of each block of pixels, for the rotation of the film changes slowly."""
    if analyser is None:
        raise ValueError(
            'response="malus" needs analyser=, the angle (rad) between the polarisers and crossed ones'
        )
    theta = float(analyser)
    c = _rotation(known, field, theta)
    bright = np.sin(c * field[:, None, None] + theta) ** 2
    centred, level = bright - bright.mean(axis=0), known.mean(axis=0)
    amplitude = (centred * known).sum(axis=0) / (centred**2).sum(axis=0)
    dark = level - bright.mean(axis=0) * amplitude
    misfit = float(np.sqrt(np.mean((known - dark - amplitude * bright) ** 2)))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.nan_to_num(np.clip((stack - dark) / amplitude, 0.0, 1.0), nan=0.0)
    angle = np.arcsin(np.sqrt(share))
    return (angle - theta) / c, amplitude * c * np.sin(2 * angle), misfit


def _rotation(known: Array, field: Array, theta: float) -> Array:
    """c (rad/T) by the least misfit of dark and I₀, on a grid of values and of blocks."""
    rows, columns = known.shape[1:]
    size = 8 if min(rows, columns) >= 64 else 1
    tall, wide = rows // size, columns // size
    blocks = known[:, : tall * size, : wide * size].reshape(-1, tall, size, wide, size).mean(axis=(2, 4))
    flat, best, c = blocks - blocks.mean(axis=0), np.full((tall, wide), np.inf), np.ones((tall, wide))
    # Up to where the strongest field would turn the light to its maximum.
    for trial in np.linspace(0.02, 0.98, 193) * (np.pi / 2 - theta) / np.abs(field).max():
        bright = np.sin(trial * field + theta) ** 2
        centred = bright - bright.mean()
        amplitude = np.tensordot(centred, flat, axes=(0, 0)) / (centred @ centred)
        rest = ((flat - centred[:, None, None] * amplitude) ** 2).sum(axis=0)
        c, best = np.where(rest < best, trial, c), np.minimum(rest, best)
    return zoom(c, (rows / tall, columns / wide), order=1, mode="nearest", grid_mode=True)
