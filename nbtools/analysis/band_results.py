"""What solved bands say: covariance, areas, and which neighbours the data cannot tell apart."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nbtools.analysis.band_solver import Bands, Equations, normal_matrix
from nbtools.statistics.least_squares import invert

Array = NDArray[np.float64]
ENDED, NOT_ENDED, OFF_AXIS = 0, 4, 5
SHAPE_LIMIT = 0.3


def parameter_names(bands: Sequence[str], background: int) -> tuple[str, ...]:
    """In the order in which fits return them."""
    powers = ["background", "background slope"][:background]
    columns = [f"{name} {what}" for what in ("centre", "width") for name in bands]
    return (*(f"{name} height" for name in bands), *powers, *columns)


def background_powers(energy: Array, count: int) -> Array:
    """1 and a line that is 0 in the middle and 1 at the upper end, shape (count, n)."""
    middle, half = 0.5 * (energy[0] + energy[-1]), 0.5 * (energy[-1] - energy[0])
    return np.stack([np.ones_like(energy), (energy - middle) / half])[:count].reshape(count, energy.size)


def separable_pairs(
    names: Sequence[str], centres: Array, sigmas: Array, widths: Array
) -> dict[tuple[str, str], str]:
    """For each pair of neighbours an empty text, or why the data cannot tell them apart.

    The Fisher σ of both centres must not exceed half their spacing; and two Gaussians closer than
    `SHAPE_LIMIT` widths differ from one by less than any band differs from a Gaussian.
    """
    found = {}
    for i, j in pairwise(np.argsort(centres, kind="stable")):
        gap, sigma = abs(centres[j] - centres[i]), max(sigmas[i], sigmas[j])
        why = ""
        if not sigma <= 0.5 * gap:
            why = (
                f"not separable: σ of the centres is {sigmas[i]:.2g} and {sigmas[j]:.2g} eV, more than half "
                f"their spacing of {gap:.2g} eV"
            )
        elif gap < SHAPE_LIMIT * min(widths[i], widths[j]):
            why = (
                f"not separable: they lie {gap:.2g} eV apart, {gap / min(widths[i], widths[j]):.2g} of a width; "
                "no real band is Gaussian enough for that"
            )
        found[names[i], names[j]] = why
    return found


def table(
    bands: Bands,
    equations: Equations,
    done: NDArray[np.bool_],
    free: NDArray[np.bool_],
    shared_covariance: Array,
    energy: Array,
) -> tuple[Array, NDArray[np.int8]]:
    """Parameters, σ, areas, their σ and χ², one row a spectrum; and how each search ended."""
    count, k = len(equations.chi_square), len(bands)
    size = equations.linear.shape[1]
    covariance = covariance_of(equations, k, free, shared_covariance)
    centres, widths = (np.broadcast_to(a, (count, k)) for a in (bands.centres, bands.widths))
    sigma = np.sqrt(np.maximum(np.einsum("pii->pi", covariance), 0.0))
    sigma[:, size:] *= np.concatenate([widths, widths], axis=1)
    heights, at, log = equations.linear[:, :k], np.arange(k), size + k + np.arange(k)
    variance = covariance[:, at, at] + heights**2 * covariance[:, log, log]
    variance += 2 * heights * covariance[:, at, log]
    unit = np.sqrt(2 * np.pi) * widths
    parts = [
        equations.linear,
        centres,
        widths,
        sigma,
        heights * unit,
        unit * np.sqrt(np.maximum(variance, 0.0)),
    ]
    rows = np.concatenate([*parts, equations.chi_square[:, None]], axis=1)
    off_axis = ((centres <= energy[0]) | (centres >= energy[-1])).any(1)
    broken = ~done | ~np.isfinite(rows).all(1)
    status = np.select([broken, off_axis], [NOT_ENDED, OFF_AXIS], ENDED).astype(np.int8)
    rows[status != ENDED] = np.nan
    return rows, status


def covariance_of(
    equations: Equations, count: int, free: NDArray[np.bool_], shared_covariance: Array
) -> Array:
    """Of heights, background, centres/width and ln width; what is shared brings its own, shape (2k, 2k)."""
    matrix, _ = normal_matrix(equations, count)
    size = equations.linear.shape[1]
    local = np.concatenate([np.arange(size), size + np.flatnonzero(free)])
    others = size + np.flatnonzero(~free)
    covariance = np.zeros_like(matrix)
    inverse = invert(matrix[:, local[:, None], local])
    covariance[:, local[:, None], local] = inverse
    if others.size:
        shared = shared_covariance[np.ix_(others - size, others - size)]
        pull = inverse @ matrix[:, local[:, None], others]
        covariance[:, local[:, None], local] += pull @ shared @ pull.transpose(0, 2, 1)
        covariance[:, local[:, None], others] = -pull @ shared
        covariance[:, others[:, None], local] = -(pull @ shared).transpose(0, 2, 1)
        covariance[:, others[:, None], others] = shared
    return covariance
