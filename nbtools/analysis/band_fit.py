"""One spectrum as Gaussian bands: centres with uncertainties, how many there are, and which centres they may be."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d

from nbtools.analysis.band_input import SpectrumError, as_bands, check_axis, check_counts, refuse_saturated
from nbtools.analysis.band_results import background_powers, covariance_of, separable_pairs
from nbtools.analysis.band_solver import Bands, Spectra, equations_at
from nbtools.analysis.map_fit import STATUS, Likelihood, MapFit, fit_map
from nbtools.models.colour_centres import FWHM, PAPER_CENTRES, Centre, gaussian_band
from nbtools.statistics.information import aicc
from nbtools.units import HC, Quantity

Array = NDArray[np.float64]
Background = Literal["none", "constant", "linear"]


@dataclass(frozen=True)
class BandFit:
    """Bands of one spectrum, in the order in which they were given.

    names : of the bands; energy : eV, shape (n,); model : the fitted counts, shape (n,)
    heights : counts a channel; centres, widths : eV (standard deviation); areas : counts a channel × eV
    background : counts a channel, as many as it has parameters
    misfit : −2 ln likelihood of the counts up to a constant (Poisson), or χ² where a variance was given
    success : whether the search ended; reason : if not, why
    missing : what the spectrum cannot determine, and why
    """

    names: tuple[str, ...]
    energy: Array
    model: Array
    heights: tuple[Quantity, ...]
    background: tuple[Quantity, ...]
    centres: tuple[Quantity, ...]
    widths: tuple[Quantity, ...]
    areas: tuple[Quantity, ...]
    chi_square: float
    freedom: int
    misfit: float
    aicc: float
    success: bool
    reason: str
    separable: dict[tuple[str, str], bool]
    missing: dict[str, str]

    @property
    def fwhm(self) -> tuple[Quantity, ...]:
        """Full widths at half maximum (eV)."""
        return tuple(Quantity(FWHM * w, FWHM * w.uncertainty, "eV") for w in self.widths)

    def predict(self, energy: ArrayLike | None = None, *, band: str | None = None) -> Array:
        """All bands with their background, or one band alone, at other energies (eV)."""
        axis = self.energy if energy is None else np.asarray(energy, float)
        chosen = range(len(self.names)) if band is None else [self.names.index(band)]
        parts = [gaussian_band(axis, self.heights[i], self.centres[i], self.widths[i]) for i in chosen]
        if band is None:
            middle, half = 0.5 * (self.energy[0] + self.energy[-1]), 0.5 * float(np.ptp(self.energy))
            parts += [value * ((axis - middle) / half) ** i for i, value in enumerate(self.background)]
        return np.asarray(np.sum(parts, axis=0))

    def __bool__(self) -> bool:
        return self.success

    def __str__(self) -> str:
        if not self.success:
            return f"no fit: {self.reason}"
        lines = [
            f"{name:<10} {c}, {_nm(c)} nm, FWHM {w}, area {a}"
            for name, c, w, a in zip(self.names, self.centres, self.fwhm, self.areas, strict=True)
        ]
        lines.append(f"χ² {self.chi_square:.0f} for {self.freedom}, AICc {self.aicc:.1f}")
        return "\n".join(lines + [f"{what}: {why}" for what, why in self.missing.items()])


def _nm(centre: Quantity) -> str:
    return f"{HC / centre:.0f}"


def fit_bands(
    energy: ArrayLike,
    counts: ArrayLike,
    bands: Any,
    *,
    background: Background = "constant",
    variance: ArrayLike | None = None,
    gain: ArrayLike = 1.0,
    likelihood: Likelihood = "poisson",
) -> BandFit:
    """Fit Gaussian bands on a background to one spectrum; all centres, widths and heights are free.

    Parameters
    ----------
    energy : eV, shape (n,); counts : shape (n,)
    bands : the centre of each in eV, (centre, width) pairs, names of centres in MgO, a dict by name;
        or how many to look for
    background, variance, gain, likelihood : as `fit_map` has them

    Raises
    ------
    SpectrumError
        No axis, negative counts without a variance, NaN, bands off the axis or in nm, saturation.
    """
    values = check_counts(counts, 1, negative=variance is not None)
    axis, turned = check_axis(energy, values.size)
    if not np.all(np.isfinite(values)):
        raise SpectrumError(
            f"{int((~np.isfinite(values)).sum())} channels are NaN or infinite; leave them out, with their energies"
        )
    refuse_saturated(values, tolerated=0.0)
    if turned:
        values = values[::-1]
        variance = None if variance is None else np.broadcast_to(variance, values.shape)[::-1]
        gain = np.broadcast_to(gain, values.shape)[::-1]
    if isinstance(bands, (int, np.integer)) and not isinstance(bands, bool):
        bands = place_bands(axis, values, int(bands))
    one = None if variance is None else np.broadcast_to(np.asarray(variance, float), values.shape)[None, None]
    options: dict[str, Any] = {"background": background, "likelihood": likelihood, "workers": 1}
    fit = fit_map(axis, values[None, None], bands, variance=one, gain=gain, **options)
    starts = np.array([band.centre for band in as_bands(bands, axis)])
    return _band_fit(fit, values, one, np.broadcast_to(np.asarray(gain, float), values.shape), starts)


def _band_fit(fit: MapFit, counts: Array, variance: Array | None, gain: Array, starts: Array) -> BandFit:
    k = len(fit.bands)
    values, sigmas = fit.parameters[0, 0], fit.uncertainties[0, 0]
    success = bool(fit.success[0, 0])
    model = fit.predict(0, 0)
    if variance is None:
        safe = np.maximum(model, 1e-9)
        logs = np.where(counts > 0, counts * np.log(np.maximum(counts, 1e-300) / safe), 0.0)
        misfit = float(2 * np.sum((safe - counts + logs) / gain))
    else:
        misfit = float(np.sum((counts - model) ** 2 / variance[0, 0]))
    pairs = dict(fit.separable)
    missing = {**fit.missing}
    if success:
        known = {frozenset(pair) for pair, apart in pairs.items() if not apart}
        for pair, why in _assumed_pairs(fit, starts, gain).items():
            if frozenset(pair) not in known:
                pairs = {p: apart for p, apart in pairs.items() if set(p) != set(pair)} | {pair: False}
                missing[f"{pair[0]} from {pair[1]}"] = why
    split = [k, len(values) - 2 * k, len(values) - k]
    heights, floor, centres, widths = (
        tuple(Quantity(v, s, unit) for v, s in zip(a, b, strict=True))
        for a, b, unit in zip(
            np.split(values, split), np.split(sigmas, split), ("", "", "eV", "eV"), strict=True
        )
    )
    return BandFit(
        names=fit.bands,
        energy=fit.energy,
        model=model,
        heights=heights,
        background=floor,
        centres=centres,
        widths=widths,
        areas=tuple(
            Quantity(v, s, "eV") for v, s in zip(fit.areas[0, 0], fit.area_uncertainties[0, 0], strict=True)
        ),
        chi_square=float(fit.chi_square[0, 0]),
        freedom=fit.freedom,
        misfit=misfit,
        aicc=aicc(misfit, counts.size, len(values)) if success else np.nan,
        success=success,
        reason="" if success else STATUS[fit.status[0, 0]],
        separable=pairs,
        missing=missing,
    )


def _assumed_pairs(fit: MapFit, starts: Array, gain: Array) -> dict[tuple[str, str], str]:
    """Neighbours that were assumed so close that the spectrum could not tell them apart where they were assumed.

    A fit may drive such a pair apart and report small σ there; what counts is what the light of both
    could say of two bands at the energies that were asked about.
    """
    order, found = np.argsort(starts, kind="stable"), {}
    for i, j in itertools.pairwise(order):
        width = float(np.max(fit.widths[0, 0, [i, j]]))
        if starts[j] - starts[i] > 2 * width:
            continue
        light = float(np.sum(fit.areas[0, 0, [i, j]])) / (2 * np.sqrt(2 * np.pi) * width)
        pair = [(starts[i], width), (starts[j], width)]
        level = max(float(fit.predict(0, 0).min()), 1e-3 * abs(light))
        sigmas = centre_limits(fit.energy, pair, heights=[max(light, 1e-9)] * 2, background=level, gain=gain)
        names = (fit.bands[i], fit.bands[j])
        why = separable_pairs(names, starts[[i, j]], sigmas, np.array([width, width]))[names]
        if why:
            found[names] = why
    return found


def centre_limits(
    energy: ArrayLike,
    bands: Any,
    *,
    heights: ArrayLike,
    background: float = 0.0,
    gain: ArrayLike = 1.0,
) -> Array:
    """The least σ of each centre (eV) that any fit with free heights, widths and background can have: Cramér and Rao's.

    Parameters
    ----------
    energy : eV, shape (n,); bands : (centre, width) pairs in eV
    heights : counts a channel, one a band; background : counts a channel
    """
    axis = np.asarray(energy, float)
    starts = as_bands(bands, axis)
    places = Bands(np.array([[b.centre for b in starts]]), np.array([[b.width for b in starts]]))
    parts = [
        gaussian_band(axis, h, b.centre, b.width)
        for h, b in zip(np.atleast_1d(np.asarray(heights, float)), starts, strict=True)
    ]
    model = np.sum(parts, axis=0) + background
    weights = 1 / (
        np.broadcast_to(np.asarray(gain, float), axis.shape) * np.maximum(model, 1e-6 * model.max())
    )
    # A sample that is there twice keeps the solver on its general path; P = 1 would mean "shared by all".
    spectra = Spectra(axis, model[None], weights[None], background_powers(axis, 1))
    free = np.ones(2 * len(starts), bool)
    covariance = covariance_of(equations_at(spectra, places), len(starts), free, np.zeros((0, 0)))[0]
    first = len(starts) + 1
    return np.sqrt(np.diag(covariance)[first : first + len(starts)]) * places.widths[0]


def place_bands(energy: Array, counts: Array, count: int) -> list[tuple[float, float]]:
    """Starting (centre, width) of `count` bands: one after the other where most is left unexplained."""
    if count < 1:
        raise SpectrumError(f"{count} bands were asked for; expected at least one")
    width = 0.08 * float(np.ptp(energy))
    smooth = gaussian_filter1d(np.asarray(counts, float), max(1.0, energy.size / 80))
    left = smooth - np.quantile(smooth, 0.05)
    found: list[tuple[float, float]] = []
    free = np.ones(energy.size, bool)
    for _ in range(count):
        at = int(np.argmax(np.where(free, left, -np.inf)))
        found.append((float(energy[at]), width))
        left = left - gaussian_band(energy, left[at], energy[at], width)
        free &= np.abs(energy - energy[at]) > 0.25 * width
        if not free.any():
            raise SpectrumError(f"{count} bands do not fit onto the axis; ask for at most {len(found)}")
    return sorted(found)


def count_bands(
    energy: ArrayLike, counts: ArrayLike, *, most: int = 5, **options: Any
) -> tuple[BandFit, dict[int, float]]:
    """As many bands as AICc prefers, and AICc for each number; `options` as `fit_bands` has them."""
    fits: dict[int, BandFit] = {}
    for count in range(1, most + 1):
        tries = [fit_bands(energy, counts, count, **options)]
        if count > 1 and fits[count - 1]:
            # The fit before it and a band where that misses most: placing all anew may end in a worse valley.
            tries.append(fit_bands(energy, counts, _one_more(fits[count - 1], energy, counts), **options))
        fits[count] = min(tries, key=lambda fit: fit.aicc if fit.success else np.inf)
    # A band that cannot be told from its neighbour is none more.
    done = {n: fit.aicc for n, fit in fits.items() if fit.success and all(fit.separable.values())}
    if not done:
        raise SpectrumError(f"no number of bands from 1 to {most} could be fitted")
    return fits[min(done, key=lambda count: done[count])], done


def _one_more(fit: BandFit, energy: ArrayLike, counts: ArrayLike) -> list[tuple[float, float]]:
    """The bands of a fit and one where most is left unexplained."""
    places = [(float(c), float(w)) for c, w in zip(fit.centres, fit.widths, strict=True)]
    order = np.argsort(energy, kind="stable")
    left = np.asarray(counts, float)[order] - fit.model
    left = gaussian_filter1d(left, max(1.0, left.size / 80))
    at = float(fit.energy[int(np.argmax(left))])
    taken = any(abs(at - centre) < 1e-6 for centre, _ in places)
    return [*places, (at + 1e-3 * taken, 0.04 * float(np.ptp(fit.energy)))]


@dataclass(frozen=True)
class Assignment:
    """A band beside the centre nearest to it in energy; misfit (eV) is band minus centre."""

    band: str
    centre: Centre
    misfit: Quantity
    in_widths: float

    def __str__(self) -> str:
        return (
            f"{self.band}: nearest is {self.centre.name} ({self.centre.energy:.3f} eV), off by {self.misfit}, "
            f"{abs(self.in_widths):.2f} widths"
        )


def assign_centres(fit: BandFit, centres: Sequence[Centre] = PAPER_CENTRES) -> list[Assignment]:
    """The nearest centre of each band, with its distance; whether that is near enough is the reader's to judge."""
    found = []
    for name, place, width in zip(fit.names, fit.centres, fit.widths, strict=True):
        nearest = min(centres, key=lambda centre: abs(centre.energy - place))
        off = Quantity(place - nearest.energy, place.uncertainty, "eV")
        found.append(Assignment(name, nearest, off, float(off / width)))
    return found
