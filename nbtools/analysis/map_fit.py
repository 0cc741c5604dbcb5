"""Bands fitted to every pixel of a map at once, each with uncertainties and a flag where the fit failed."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.analysis.band_input import (
    SpectrumError,
    as_bands,
    check_axis,
    check_counts,
    refuse_saturated,
)
from nbtools.analysis.band_results import (
    background_powers,
    parameter_names,
    separable_pairs,
)
from nbtools.analysis.band_search import fit_shared, start_from
from nbtools.analysis.map_chunks import CHUNK, SHARED_CHUNK, STATUS, MapJob, chunks_of, fit_chunk
from nbtools.units import format_value

Array = NDArray[np.float64]
Likelihood = Literal["chi-square", "poisson"]
BACKGROUNDS = {"none": 0, "constant": 1, "linear": 2}
CLIPPED_TOLERATED = 0.05
FEW_COUNTS = 25.0


@dataclass(frozen=True)
class MapFit:
    """Bands of every pixel; arrays of shape (y, x, …), NaN where a pixel could not be fitted.

    bands : names, k of them; energy : eV, shape (n,)
    parameters, uncertainties : shape (y, x, p) in the order of `names`: heights, background (counts a
        channel), centres, widths (eV, standard deviation of the Gaussian)
    areas, area_uncertainties : counts a channel × eV, shape (y, x, k)
    chi_square : shape (y, x), for `freedom` degrees of freedom
    success : shape (y, x), bool; status : why not, an index into `STATUS`
    shared : which of "centres" and "widths" are the same in all pixels
    missing : what the map cannot determine, and why
    """

    energy: Array
    bands: tuple[str, ...]
    names: tuple[str, ...]
    parameters: Array
    uncertainties: Array
    areas: Array
    area_uncertainties: Array
    chi_square: Array
    freedom: int
    success: NDArray[np.bool_]
    status: NDArray[np.int8]
    shared: tuple[str, ...]
    likelihood: Likelihood
    missing: dict[str, str]

    @property
    def heights(self) -> Array:
        return self.parameters[..., : len(self.bands)]

    @property
    def background(self) -> Array:
        return self.parameters[..., len(self.bands) : -2 * len(self.bands)]

    @property
    def centres(self) -> Array:
        return self.parameters[..., -2 * len(self.bands) : -len(self.bands)]

    @property
    def widths(self) -> Array:
        return self.parameters[..., -len(self.bands) :]

    @property
    def height_uncertainties(self) -> Array:
        return self.uncertainties[..., : len(self.bands)]

    @property
    def centre_uncertainties(self) -> Array:
        return self.uncertainties[..., -2 * len(self.bands) : -len(self.bands)]

    @property
    def width_uncertainties(self) -> Array:
        return self.uncertainties[..., -len(self.bands) :]

    @property
    def failures(self) -> dict[str, int]:
        """How many pixels failed, by reason."""
        return {why: int(n) for i, why in enumerate(STATUS) if i and (n := np.sum(self.status == i))}

    @property
    def separable(self) -> dict[tuple[str, str], bool]:
        """For each pair of neighbouring bands whether a typical pixel can tell them apart."""
        return {
            pair: not why for pair, why in _pairs(self.bands, self.parameters, self.uncertainties).items()
        }

    def predict(self, y: int, x: int) -> Array:
        """The fitted spectrum of a pixel, shape (n,)."""
        u = (self.energy[:, None] - self.centres[y, x]) / self.widths[y, x]
        powers = background_powers(self.energy, self.background.shape[-1])
        return np.asarray(np.exp(-0.5 * u**2) @ self.heights[y, x] + self.background[y, x] @ powers)

    def __str__(self) -> str:
        done, total = int(self.success.sum()), self.success.size
        lines = [
            f"{done} of {total} pixels fitted, χ² {np.nanmedian(self.chi_square):.0f} for {self.freedom} (median)"
        ]
        centres, sigmas = (
            _median(self.centres, self.success),
            _median(self.centre_uncertainties, self.success),
        )
        widths = _median(self.widths, self.success)
        lines += [
            f"  {name:<10} {format_value(c, s)} eV, width {w:.3f} eV (medians, σ of one pixel)"
            for name, c, s, w in zip(self.bands, centres, sigmas, widths, strict=True)
        ]
        lines += [f"  {n} pixels: {why}" for why, n in self.failures.items()]
        return "\n".join(lines + [f"  {what}: {why}" for what, why in self.missing.items()])


def fit_map(
    energy: ArrayLike,
    counts: ArrayLike,
    bands: Any,
    *,
    shared: Sequence[str] = (),
    background: Literal["none", "constant", "linear"] = "constant",
    variance: ArrayLike | None = None,
    gain: ArrayLike = 1.0,
    likelihood: Likelihood = "chi-square",
    workers: int | None = None,
) -> MapFit:
    """Fit Gaussian bands on a background to every pixel.

    Parameters
    ----------
    energy : eV, shape (n,), ascending or descending
    counts : shape (y, x, n)
    bands : the centre of each in eV, or (centre, width), names of centres, or a dict by name
    shared : "centres", "widths" or both: the same in all pixels, and found from all of them
    variance : of the counts, same shape; without it they are photons, and negative ones are refused
    gain : variance over mean of a channel, a number or shape (n,): what a photon counts after division by
        the response or multiplication by a Jacobian
    likelihood : "chi-square" weighs each channel by its count (at least 1), as lmfit and HyperSpy are used;
        that reads some 1 count a channel low. "poisson" weighs by the model until it stays, which is the
        maximum of the Poisson likelihood; χ² is then Pearson's
    workers : threads; by default one for each core, up to four

    Raises
    ------
    SpectrumError
        No axis, another shape, negative counts, bands off the axis or in nm, saturation, a single pixel
        with something shared.
    """
    values = check_counts(counts, 3, negative=variance is not None)
    axis, turned = check_axis(energy, values.shape[-1])
    starts = as_bands(bands, axis)
    free = _free(shared, len(starts), values.shape[0] * values.shape[1])
    flat = values.reshape(-1, axis.size)
    clipped = refuse_saturated(values, tolerated=CLIPPED_TOLERATED).ravel()
    status = np.select([~np.isfinite(flat).all(1), ~(flat != 0).any(1), clipped], [1, 2, 3], 0).astype(
        np.int8
    )
    if not np.any(status == 0):
        raise SpectrumError(f"no pixel can be fitted: {', '.join({STATUS[s] for s in status})}")
    job = MapJob(
        flat[:, ::-1] if turned else flat,
        None if variance is None else _spread(variance, values.shape, turned),
        _along(gain, axis.size, turned),
        axis,
        starts,
        background_powers(axis, BACKGROUNDS[background]),
        likelihood == "poisson" and variance is None,
        min(os.cpu_count() or 1, 4) if workers is None else max(workers, 1),
    )
    return _collect(job, status, values.shape[:2], free, tuple(shared), likelihood)


def _collect(
    job: MapJob,
    status: NDArray[np.int8],
    shape: tuple[int, ...],
    free: NDArray[np.bool_],
    shared: tuple[str, ...],
    likelihood: Likelihood,
) -> MapFit:
    good = np.flatnonzero(status == 0)
    k, b = len(job.starts), len(job.powers)
    start = start_from(job.mean(good), job.starts)
    shared_cov = np.zeros((2 * k, 2 * k))
    if not free.all():
        start, shared_cov = fit_shared(lambda: map(job.coarse, chunks_of(good, SHARED_CHUNK)), start, free)
        start, shared_cov = fit_shared(lambda: map(job.spectra, chunks_of(good, SHARED_CHUNK)), start, free)
    found = np.full((status.size, 2 * (3 * k + b) + 2 * k + 1), np.nan)

    def work(chosen: NDArray[np.intp]) -> None:
        found[chosen], ended = fit_chunk(job, chosen, start, free, shared_cov)
        status[chosen] = ended

    with ThreadPoolExecutor(job.workers) as pool:
        list(pool.map(work, chunks_of(good, CHUNK)))
    found = found.reshape(*shape, -1)
    parameters, sigmas, areas, area_sigmas, chi_square = np.split(
        found, np.cumsum([3 * k + b, 3 * k + b, k, k]), axis=-1
    )
    bands = tuple(band.name for band in job.starts)
    success = (status == 0).reshape(shape)
    pairs = _pairs(bands, parameters, sigmas)
    return MapFit(
        energy=job.energy,
        bands=bands,
        names=parameter_names(bands, b),
        parameters=parameters,
        uncertainties=sigmas,
        areas=areas,
        area_uncertainties=area_sigmas,
        chi_square=chi_square[..., 0],
        freedom=job.energy.size - k - b - int(free.sum()),
        success=success,
        status=status.reshape(shape),
        shared=shared,
        likelihood=likelihood,
        missing={f"{one} from {other}": why for (one, other), why in pairs.items() if why}
        | _few_counts(job, good),
    )


def _few_counts(job: MapJob, good: NDArray[np.intp]) -> dict[str, str]:
    mean = float(np.quantile(job.mean(good).counts, 0.25))
    if job.poisson or job.variance is not None or mean >= FEW_COUNTS:
        return {}
    return {
        "heights without bias": f"the channels hold {mean:.2g} counts (lower quarter), and weights from the counts "
        'themselves read some 1 count low; use likelihood="poisson"'
    }


def _free(shared: Sequence[str] | str, bands: int, pixels: int) -> NDArray[np.bool_]:
    """Which of the centres and widths, shape (2k,), each pixel has for itself."""
    asked = {shared} if isinstance(shared, str) else set(shared)
    if unknown := asked - {"centres", "widths"}:
        raise SpectrumError(f'shared names {sorted(unknown)}; it can hold "centres" and "widths"')
    if asked and pixels == 1:
        raise SpectrumError("a map of one pixel shares nothing; leave shared empty, or use fit_bands")
    return np.repeat(["centres" not in asked, "widths" not in asked], bands)


def _along(values: ArrayLike, channels: int, turned: bool) -> Array:
    gain = np.broadcast_to(np.asarray(values, float), (channels,))
    if not np.all(gain > 0):
        raise SpectrumError(
            "gain must be positive: the variance that one unit of signal brings, for each channel"
        )
    return gain[::-1] if turned else gain


def _spread(variance: ArrayLike, shape: tuple[int, ...], turned: bool) -> Array:
    """The variance of every pixel and channel, shape (pixels, n)."""
    try:
        full = np.broadcast_to(np.asarray(variance, float), shape)
    except ValueError:
        raise SpectrumError(f"the variance has shape {np.shape(variance)}, the counts {shape}") from None
    if not np.all(full > 0):
        raise SpectrumError(
            "the variance must be positive in every channel; an empty channel has at least that of 1"
        )
    return np.asarray(full.reshape(-1, shape[-1])[:, :: -1 if turned else 1])


def _median(values: Array, success: NDArray[np.bool_]) -> Array:
    return np.median(values[success], axis=0) if success.any() else np.full(values.shape[-1], np.nan)


def _pairs(bands: tuple[str, ...], parameters: Array, sigmas: Array) -> dict[tuple[str, str], str]:
    """`separable_pairs` of the median pixel; empty where none was fitted."""
    k = len(bands)
    done = np.isfinite(parameters).all(-1)
    if not done.any():
        return {}
    centres, spread, widths = (
        np.median(values[done], axis=0)
        for values in (parameters[..., -2 * k : -k], sigmas[..., -2 * k : -k], parameters[..., -k:])
    )
    return separable_pairs(bands, centres, spread, widths)
