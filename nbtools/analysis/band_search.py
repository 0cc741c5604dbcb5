"""Where a band search begins, how it is weighed by its own model, and what all pixels of a map share."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from nbtools.analysis.band_input import BandStart
from nbtools.analysis.band_solver import Bands, Equations, Spectra, minimise, moved, normal_matrix
from nbtools.statistics.least_squares import invert

Array = NDArray[np.float64]
START_WIDTHS = (0.25, 0.5, 1.0, 1.8)  # of the guessed width
SHARED_STEPS = 25
SHARED_ENOUGH = 1e-6  # of χ²


def start_from(mean: Spectra, starts: Sequence[BandStart]) -> Bands:
    """Bands fitted to one spectrum, from the guessed centres and several widths; the best counts."""
    centres = np.array([band.centre for band in starts])
    widths = np.array([band.width for band in starts])
    trials = len(START_WIDTHS)
    many = Spectra(
        mean.energy,
        np.repeat(mean.counts, trials, axis=0),
        np.repeat(mean.weights, trials, axis=0),
        mean.powers,
    )
    guess = Bands(np.tile(centres, (trials, 1)), np.outer(START_WIDTHS, widths))
    bands, equations, _ = minimise(many, guess, np.ones(2 * len(starts), bool))
    # A wanderer that left its neighbourhood may fit as well; the nearest of the good ones is meant.
    far = np.abs(bands.centres - centres).max(1)
    chi = equations.chi_square
    fair = np.flatnonzero(chi <= chi.min() * 1.02 + 1e-12 * mean.counts.max() ** 2)
    best = fair[np.argmin(far[fair])]
    return Bands(bands.centres[[best]], bands.widths[[best]])


def coarse_size(energy: Array, bands: Bands) -> int:
    """How many channels may be averaged to find the neighbourhood of a minimum: 8 bins to the narrowest width."""
    narrowest = float(bands.widths.min())
    channel = float(np.max(np.abs(np.diff(energy))))
    return int(np.clip(narrowest / (6 * channel), 1, 4))


def reweighted(spectra: Spectra, bands: Bands, equations: Equations, gain: Array) -> Spectra:
    """The same spectra, weighed by the variance that the model implies."""
    u = (spectra.energy - bands.centres[..., None]) / bands.widths[..., None]
    linear, k = equations.linear, len(bands)
    model = np.einsum(
        "pk,pkn->pn", linear[:, :k], np.broadcast_to(np.exp(-0.5 * u * u), (len(linear), *u.shape[1:]))
    )
    model += linear[:, k:] @ spectra.powers
    # A model near zero would make an empty channel count for more than the photon it can hold.
    floor = np.maximum(0.02 * np.mean(spectra.counts, axis=1, keepdims=True), 1e-6 * gain)
    return Spectra(spectra.energy, spectra.counts, 1 / (gain * np.maximum(model, floor)), spectra.powers)


def fit_shared(
    chunks: Callable[[], Iterator[Spectra]], start: Bands, free: NDArray[np.bool_]
) -> tuple[Bands, Array]:
    """What all spectra share, from all of them; and its covariance, shape (2k, 2k), centres in widths and ln widths.

    Each step lets every spectrum settle its own parameters and adds up what it says of the shared ones
    (Schur's complement), so that only one chunk is in memory.

    Parameters
    ----------
    chunks : gives the spectra anew at each call, in chunks
    start : of all, shape (1, k)
    free : shape (2k,), False where shared
    """
    bands, damping, best = start, 1e-3, np.inf
    kept: tuple[Bands, Array, Array] | None = None
    for _ in range(SHARED_STEPS):
        matrix, gradient, chi_square = _shared_equations(chunks(), bands, free)
        if chi_square < best:
            fell = best - chi_square
            best, damping, kept = chi_square, 0.1 * damping, (bands, matrix, gradient)
            if fell < SHARED_ENOUGH * chi_square:
                break
        else:
            damping *= 10
        assert kept is not None
        step = np.zeros((1, free.size))
        damped = kept[1] + damping * np.diag(np.diag(kept[1]))
        step[0, ~free] = np.linalg.solve(damped, kept[2])
        if damping > 1e3:
            break
        bands = moved(kept[0], step, next(chunks()).energy)
    assert kept is not None
    covariance = np.zeros((free.size, free.size))
    covariance[np.ix_(~free, ~free)] = invert(kept[1][None])[0]
    return kept[0], covariance


def _shared_equations(
    chunks: Iterator[Spectra], bands: Bands, free: NDArray[np.bool_]
) -> tuple[Array, Array, float]:
    """Normal matrix and gradient of the shared parameters, all others settled, and the χ² of all spectra."""
    matrix, gradient, chi_square = 0.0, 0.0, 0.0
    for spectra in chunks:
        count = len(spectra.counts)
        own = bands
        if free.any():
            own = Bands(np.tile(bands.centres, (count, 1)), np.tile(bands.widths, (count, 1)))
        _, equations, _ = minimise(spectra, own, free)
        full, right = normal_matrix(equations, len(bands))
        size = equations.linear.shape[1]
        local = np.concatenate([np.arange(size), size + np.flatnonzero(free)])
        shared = size + np.flatnonzero(~free)
        pull = invert(full[:, local[:, None], local]) @ full[:, local[:, None], shared]
        matrix = matrix + (full[:, shared[:, None], shared] - full[:, shared[:, None], local] @ pull).sum(0)
        gradient = gradient + (right[:, shared] - np.einsum("pl,pls->ps", right[:, local], pull)).sum(0)
        chi_square += float(equations.chi_square.sum())
    return np.asarray(matrix), np.asarray(gradient), chi_square
