"""A chunk of a map's pixels: their spectra with weights, and the search for their bands."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbtools.analysis.band_input import BandStart
from nbtools.analysis.band_results import table
from nbtools.analysis.band_search import coarse_size, reweighted
from nbtools.analysis.band_solver import Bands, Equations, Spectra, equations_at, minimise
from nbtools.statistics.least_squares import solve

Array = NDArray[np.float64]
CHUNK = 128  # pixels; some 15 MB of columns at 512 channels
SHARED_CHUNK = 512
STATUS = (
    "fitted",
    "no finite counts",
    "no counts",
    "saturated",
    "search did not end",
    "band left the axis",
    "no band stands out of the noise",
)
DIM = 6
# Of χ², which the bands of the mean spectrum must explain of a pixel's; so much by chance is rare among 10⁴ pixels.
LEAST_LIGHT = 40.0
REWEIGHTINGS = 3


@dataclass(frozen=True)
class MapJob:
    """Everything a chunk needs."""

    counts: NDArray[Any]
    variance: Array | None
    gain: Array
    energy: Array
    starts: tuple[BandStart, ...]
    powers: Array
    poisson: bool
    workers: int

    def spectra(self, chosen: NDArray[np.intp]) -> Spectra:
        counts = np.asarray(self.counts[chosen], float)
        if self.variance is not None:
            weights = 1 / self.variance[chosen]
        else:
            weights = 1 / (self.gain * np.maximum(counts, self.gain))
        return Spectra(self.energy, counts, weights, self.powers)

    def coarse(self, chosen: NDArray[np.intp]) -> Spectra:
        """The same with four channels in one."""
        return self.spectra(chosen).binned(4 if self.energy.size >= 128 else 1)

    def mean(self, good: NDArray[np.intp]) -> Spectra:
        """The mean spectrum of the good pixels, with the variance of a single one."""
        total = np.zeros(self.energy.size)
        for chosen in chunks_of(good, 4096):
            total += np.asarray(self.counts[chosen], float).sum(0)
        mean = total / good.size
        weights = 1 / (self.gain * np.maximum(mean, 1e-3 * np.abs(mean).max()))
        return Spectra(self.energy, mean[None], weights[None], self.powers)


def fit_chunk(
    job: MapJob, chosen: NDArray[np.intp], start: Bands, free: NDArray[np.bool_], shared_covariance: Array
) -> tuple[Array, NDArray[np.int8]]:
    """Rows as `band_results.table` has them, NaN where a pixel was not fitted, and each pixel's status."""
    spectra = job.spectra(chosen)
    if not free.any():
        return _settle(job, spectra, start, free, shared_covariance)
    at_start = equations_at(spectra, _repeated(start, len(chosen)))
    bright = explained(at_start, len(job.starts)) > LEAST_LIGHT
    width = 2 * (3 * len(start) + len(job.powers)) + 2 * len(start) + 1
    rows, status = np.full((len(chosen), width), np.nan), np.full(len(chosen), DIM, np.int8)
    if bright.any():
        lit = spectra.at(bright)
        bands = _repeated(start, int(bright.sum()))
        coarse = coarse_size(job.energy, start)
        if coarse > 1:
            bands, _, _ = minimise(lit.binned(coarse), bands, free)
        rows[bright], status[bright] = _settle(job, lit, bands, free, shared_covariance)
    return rows, status


def _settle(
    job: MapJob, spectra: Spectra, bands: Bands, free: NDArray[np.bool_], shared_covariance: Array
) -> tuple[Array, NDArray[np.int8]]:
    """The search at full resolution, and again with the model's own weights where the likelihood is Poisson's."""
    bands, equations, done = minimise(spectra, bands, free)
    for _ in range(REWEIGHTINGS if job.poisson else 0):
        spectra = reweighted(spectra, bands, equations, job.gain)
        bands, equations, done = minimise(spectra, bands, free)
    return table(bands, equations, done, free, shared_covariance, job.energy)


def explained(equations: Equations, count: int) -> Array:
    """By how much `count` bands lower χ² below what the background alone leaves, shape (P,)."""
    floor = slice(count, equations.linear.shape[1])
    matrix, right = equations.gram[:, floor, floor], equations.gram[:, floor, -1]
    level = solve(matrix, right) if floor.stop > floor.start else right
    return np.asarray(equations.gram[:, -1, -1] - np.einsum("pi,pi->p", level, right) - equations.chi_square)


def _repeated(bands: Bands, count: int) -> Bands:
    return Bands(np.tile(bands.centres, (count, 1)), np.tile(bands.widths, (count, 1)))


def chunks_of(good: NDArray[np.intp], size: int) -> Iterator[NDArray[np.intp]]:
    """Indices in runs of at most `size`."""
    return (good[first : first + size] for first in range(0, good.size, size))
