"""Gaussian bands in spectra: of one spectrum, of every pixel of a map, how many, and which the data tell apart."""

import itertools
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.stats import chi2

from nbtools.cathodoluminescence.model_centres import (
    FWHM,
    LITERATURE_CENTRES,
    PAPER_CENTRES,
    Centre,
    gaussian_band,
)
from nbtools.cathodoluminescence.solver import (
    Bands,
    Equations,
    Spectra,
    equations_at,
    last_step,
    minimise,
    normal_matrix,
)
from nbtools.cathodoluminescence.spectra import (
    HIGHEST_ENERGY,
    EnergySpectra,
    Index,
    energy_spectra,
)
from nbtools.results import NotPossible
from nbtools.statistics.information import aicc
from nbtools.statistics.least_squares import invert, solve
from nbtools.study import Row, StudyResult
from nbtools.units import HC, Quantity, format_value

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Background = Literal["none", "constant", "linear"]
BACKGROUNDS = {"none": 0, "constant": 1, "linear": 2}
START_WIDTHS = (0.25, 0.5, 1.0, 1.8)  # of the guessed width
SHAPE_LIMIT = 0.3
# Pixels that are searched side by side, with channels averaged and with all of them: their columns fit a cache.
CHUNK, FINE_CHUNK = 512, 64
# Of χ²: a last step that lowers it by less lands so near the minimum that it is not looked at once more.
SMALL_FALL = 0.5
LAST_STEPS = 4
# Groups of joined channels to a band's standard deviation.
GROUPS = 4
# Of χ²: a search ends where a step would lower it by less, with channels averaged and with all of them. The second
# leaves a centre within 0.03 σ.
NEIGHBOURHOOD, NEAR = 0.005, 1e-3
STATUS = (
    "fitted",
    "no finite counts",
    "no counts",
    "saturated",
    "search did not end",
    "band left the axis",
    "no band stands out of the noise",
)
ENDED, DARK, NOT_ENDED, OFF_AXIS, DIM = 0, 2, 4, 5, 6
# Of χ², which the bands of the mean spectrum must explain of a pixel's; so much by chance is rare among 10⁴ pixels.
LEAST_LIGHT = 40.0
# A misfit that noise alone gives so rarely widens σ.
MISFIT = 1e-3
# One more band has to lower AICc by more than this: it is put where noise is largest, which AICc does not know.
BEATEN_BY = 10.0


# What may be asked for -------------------------------------------------------------------------


@dataclass(frozen=True)
class BandStart:
    """A band to be fitted: its name, where it is looked for (eV) and its width (standard deviation, eV; NaN: guess)."""

    name: str
    centre: float
    width: float


def as_bands(bands: Any, energy: Array) -> tuple[BandStart, ...]:
    """Bands from centres (eV), (centre, width) pairs, names of centres in MgO, `Centre`s, or a dict name → these.

    Raises
    ------
    NotPossible
        No band, one off the axis or in nm, a width that is not positive, a name or a place that comes twice.
    """
    if isinstance(bands, (str, int, float)) or not isinstance(bands, Iterable):
        raise NotPossible(f"bands is {bands!r}; give a list with the centre of each band in eV")
    pairs = list(bands.items()) if isinstance(bands, Mapping) else [("", band) for band in bands]
    if not pairs:
        raise NotPossible("no band came; give a list with the centre of each band in eV")
    found = [_band(name or f"band {number}", band) for number, (name, band) in enumerate(pairs, 1)]
    for band in found:
        _check_band(band, energy)
    names = [band.name for band in found]
    if len(set(names)) < len(names):
        raise NotPossible(f"two bands have the same name: {', '.join(names)}")
    centres = [band.centre for band in found]
    if len(set(centres)) < len(centres):
        raise NotPossible("two bands start at the same energy; one of them is enough")
    return tuple(_with_width(band, centres, energy) for band in found)


def _band(name: str, band: Any) -> BandStart:
    if isinstance(band, str):
        known = {centre.name: centre for centre in (*LITERATURE_CENTRES, *PAPER_CENTRES)}
        if band not in known:
            raise NotPossible(f"no centre {band!r} is known; known are {', '.join(known)}, or give eV")
        return BandStart(band, known[band].energy, np.nan)
    if hasattr(band, "energy") and hasattr(band, "name"):
        return BandStart(str(band.name), float(band.energy), np.nan)
    if hasattr(band, "centre"):
        return BandStart(str(getattr(band, "name", name)), float(band.centre), float(band.width))
    numbers = np.atleast_1d(np.asarray(band, float))
    if numbers.shape not in ((1,), (2,)):
        raise NotPossible(f"{name} is {band!r}; expected a centre in eV, or (centre, width) in eV")
    if numbers.size == 2 and not numbers[1] > 0:
        raise NotPossible(
            f"{name} has the width {numbers[1]:g}; a positive standard deviation in eV was expected"
        )
    return BandStart(name, float(numbers[0]), float(numbers[1]) if numbers.size == 2 else np.nan)


def _check_band(band: BandStart, energy: Array) -> None:
    if not np.isfinite(band.centre):
        raise NotPossible(f"the centre of {band.name} is {band.centre}; give an energy in eV")
    if not energy[0] <= band.centre <= energy[-1]:
        hint = (
            f"; as a wavelength in nm it would be {HC / band.centre:.3f} eV"
            if band.centre > HIGHEST_ENERGY
            else ""
        )
        raise NotPossible(
            f"{band.name} is looked for at {band.centre:g}, but the axis runs from {energy[0]:.4g} to "
            f"{energy[-1]:.4g} eV{hint}"
        )


def _with_width(band: BandStart, centres: list[float], energy: Array) -> BandStart:
    if np.isfinite(band.width):
        return band
    others = [abs(band.centre - other) for other in centres if other != band.centre]
    span = float(np.ptp(energy))
    width = min([0.1 * span, *(max(0.4 * gap, 0.04 * span) for gap in others)])
    return BandStart(band.name, band.centre, max(width, 3 * span / energy.size))


def background_powers(energy: Array, count: int) -> Array:
    """1 and a line that is 0 in the middle and 1 at the upper end, shape (count, n)."""
    middle, half = 0.5 * (energy[0] + energy[-1]), 0.5 * (energy[-1] - energy[0])
    return np.stack([np.ones_like(energy), (energy - middle) / half])[:count].reshape(count, energy.size)


# One spectrum ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class BandFit:
    """Bands of one spectrum, in the order in which they were given.

    Attributes
    ----------
    names : of the bands
    energy : eV, shape (n,)
    intensity, model : the counts and what was fitted to them, shape (n,)
    heights : counts a channel
    background : counts a channel, as many as it has parameters
    centres, widths : eV (standard deviation of the Gaussian)
    areas : counts a channel × eV
    shape_covariance : eV², of all centres and then all widths, shape (2k, 2k)
    chi_square, freedom : χ² and its degrees of freedom
    widened : factor by which σ was widened because the bands do not follow the spectrum; 1 where they do
    success : whether the search ended; reason : if not, why
    separable : for each pair of neighbours whether the spectrum tells them apart
    missing : what the spectrum cannot determine, and why
    """

    names: tuple[str, ...]
    energy: Array
    intensity: Array
    model: Array
    heights: tuple[Quantity, ...]
    background: tuple[Quantity, ...]
    centres: tuple[Quantity, ...]
    widths: tuple[Quantity, ...]
    areas: tuple[Quantity, ...]
    shape_covariance: Array = field(repr=False)
    chi_square: float
    freedom: int
    widened: float
    aicc: float
    success: bool
    reason: str
    separable: dict[tuple[str, str], bool]
    missing: dict[str, str]

    @property
    def fwhm(self) -> tuple[Quantity, ...]:
        """Full widths at half maximum (eV)."""
        return tuple(FWHM * width for width in self.widths)

    @property
    def wavelengths(self) -> tuple[Quantity, ...]:
        """hc over the centres (nm)."""
        return tuple(Quantity(HC / c, HC * c.uncertainty / c**2, "nm") for c in self.centres)

    def predict(self, energy: ArrayLike | None = None, *, band: str | None = None) -> Array:
        """All bands with their background, or one band alone, at other energies (eV)."""
        axis = self.energy if energy is None else np.asarray(energy, float)
        chosen = range(len(self.names)) if band is None else [self.names.index(band)]
        parts = [
            gaussian_band(axis, float(self.heights[i]), float(self.centres[i]), float(self.widths[i]))
            for i in chosen
        ]
        if band is None:
            middle, half = 0.5 * (self.energy[0] + self.energy[-1]), 0.5 * float(np.ptp(self.energy))
            parts += [float(value) * ((axis - middle) / half) ** i for i, value in enumerate(self.background)]
        return np.asarray(np.sum(parts, axis=0))

    def notes(self) -> list[str]:
        """The misfit, and what the spectrum does not determine."""
        said = []
        if self.widened > 1:
            said.append(
                f"χ² is {self.chi_square:.4g} for {self.freedom}: these bands do not follow the spectrum to its noise, "
                f"and σ is widened {self.widened:.3g} times"
            )
        return said + [f"{what}: {why}" for what, why in self.missing.items()]

    def __bool__(self) -> bool:
        return self.success

    def __str__(self) -> str:
        if not self.success:
            return f"no fit: {self.reason}"
        lines = [
            f"{name:<10} {c}, {HC / float(c):.0f} nm, FWHM {w}, area {a}"
            for name, c, w, a in zip(self.names, self.centres, self.fwhm, self.areas, strict=True)
        ]
        lines.append(f"χ² {self.chi_square:.0f} for {self.freedom}, AICc {self.aicc:.1f}")
        return "\n".join(lines + self.notes())


def fit_bands(
    energy: ArrayLike,
    counts: ArrayLike,
    bands: Any,
    *,
    background: Background = "constant",
    variance: ArrayLike | None = None,
) -> BandFit:
    """Fit Gaussian bands on a background to one spectrum; all centres, widths and heights are free.

    Where the bands do not follow the spectrum to its noise, σ is widened by √(χ²/ν) and by the number of channels
    over which neighbouring residuals go together.

    Parameters
    ----------
    energy : eV, shape (n,)
    counts : shape (n,)
    bands : the centre of each in eV, (centre, width) pairs, names of centres in MgO, a dict by name;
        or how many to look for
    background : "none", "constant" or "linear"
    variance : of the counts, shape (n,); without it they are photons

    Raises
    ------
    NotPossible
        No axis, negative counts without a variance, NaN, bands off the axis or in nm, saturation.

    Examples
    --------
    >>> axis = np.linspace(1.5, 4.0, 200)
    >>> fit = fit_bands(axis, 300 * np.exp(-0.5 * ((axis - 2.5) / 0.2) ** 2) + 20, [2.4])
    >>> round(float(fit.centres[0]), 3)
    2.5
    """
    values = np.asarray(counts)
    if values.ndim != 1:
        raise NotPossible(
            f"counts of shape {values.shape} came; expected a spectrum, shape (energy,). A map goes to fit_map"
        )
    spectrum = energy_spectra(energy, counts, variance=variance)
    if not spectrum.finite.size:
        bad = int((~np.isfinite(np.asarray(counts, float))).sum())
        raise NotPossible(f"{bad} channels are NaN or infinite; leave them out, with their energies")
    return fit_spectrum(spectrum, bands, background=background)


def fit_spectrum(spectrum: EnergySpectra, bands: Any, *, background: Background = "constant") -> BandFit:
    """`fit_bands` of a single prepared spectrum."""
    if len(spectrum) != 1:
        raise NotPossible(f"{len(spectrum)} spectra came; one was expected: take their mean(), or fit_map")
    light, variance = (rows[0] for rows in spectrum.rows(slice(None)))
    if isinstance(bands, (int, np.integer)) and not isinstance(bands, bool):
        bands = place_bands(spectrum.energy, light, int(bands))
    fit = fit_map(spectrum, bands, background=background, workers=1)
    starts = np.array([band.centre for band in as_bands(bands, spectrum.energy)])
    k = len(fit.bands)
    values, sigmas = fit.parameters.ravel(), fit.uncertainties.ravel()
    success = bool(fit.success.all())
    model = fit.predict()
    area_sigmas = fit.area_uncertainties.ravel()
    widened = 1.0
    if success:
        widened = float(fit.widened.ravel()[0])
        if widened > 1:
            more = float(np.sqrt(_correlated_channels((light - model) / np.sqrt(variance))))
            sigmas, area_sigmas, widened = sigmas * more, area_sigmas * more, widened * more
    pairs, missing = dict(fit.separable), {**fit.missing}
    if success:
        known = {frozenset(pair) for pair, apart in pairs.items() if not apart}
        for pair, why in _assumed_pairs(fit, starts).items():
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
    covariance = np.full((2 * k, 2 * k), np.nan)
    if success:
        powers = background_powers(fit.energy, BACKGROUNDS[background])
        alone = Spectra.on_axis(fit.energy, light[None], 1 / variance[None], powers)
        shape = Bands(values[None, -2 * k : -k], values[None, -k:])
        scale = widened * np.tile(values[-k:], 2)
        covariance = covariance_of(equations_at(alone, shape), k)[0][-2 * k :, -2 * k :] * np.outer(
            scale, scale
        )
    chi_square = float(fit.chi_square.ravel()[0])
    return BandFit(
        names=fit.bands,
        energy=fit.energy,
        intensity=light,
        model=model,
        heights=heights,
        background=floor,
        centres=centres,
        widths=widths,
        areas=tuple(Quantity(v, s, "eV") for v, s in zip(fit.areas.ravel(), area_sigmas, strict=True)),
        shape_covariance=covariance,
        chi_square=chi_square,
        freedom=fit.freedom,
        widened=widened,
        aicc=aicc(chi_square, light.size, len(values)) if success else np.nan,
        success=success,
        reason="" if success else STATUS[int(fit.status.ravel()[0])],
        separable=pairs,
        missing=missing,
    )


def _correlated_channels(residual: Array) -> float:
    """Over how many channels residuals go together: 1 + 2 Σ ρ up to where the correlation has gone."""
    power = np.abs(np.fft.rfft(residual - residual.mean(), 2 * residual.size)) ** 2
    correlation = np.fft.irfft(power)[: residual.size]
    if correlation[0] <= 0:
        return 1.0
    correlation = correlation / correlation[0]
    gone = np.flatnonzero(correlation <= 0)
    return float(max(1.0, 1 + 2 * correlation[1 : gone[0] if gone.size else None].sum()))


def _assumed_pairs(fit: "MapFit", starts: Array) -> dict[tuple[str, str], str]:
    """Neighbours that were assumed so close that the spectrum could not tell them apart where they were assumed.

    A fit may drive such a pair apart and report small σ there; what counts is what the light of both
    could say of two bands at the energies that were asked about.
    """
    order, found = np.argsort(starts, kind="stable"), {}
    widths, areas = fit.widths.ravel(), fit.areas.ravel()
    for i, j in itertools.pairwise(order):
        width = float(np.max(widths[[i, j]]))
        if starts[j] - starts[i] > 2 * width:
            continue
        light = float(np.sum(areas[[i, j]])) / (2 * np.sqrt(2 * np.pi) * width)
        pair = [(starts[i], width), (starts[j], width)]
        level = max(float(fit.predict().min()), 1e-3 * abs(light))
        sigmas = centre_limits(fit.energy, pair, heights=[max(light, 1e-9)] * 2, background=level)
        names = (fit.bands[i], fit.bands[j])
        why = separable_pairs(names, starts[[i, j]], sigmas, np.array([width, width]))[names]
        if why:
            found[names] = why
    return found


def centre_limits(energy: ArrayLike, bands: Any, *, heights: ArrayLike, background: float = 0.0) -> Array:
    """The least σ of each centre (eV) that any fit with free heights, widths and background can have: Cramér and Rao's.

    Parameters
    ----------
    energy : eV, shape (n,)
    bands : (centre, width) pairs in eV
    heights : photons a channel, one a band
    background : photons a channel
    """
    axis = np.asarray(energy, float)
    starts = as_bands(bands, axis)
    places = Bands(np.array([[b.centre for b in starts]]), np.array([[b.width for b in starts]]))
    parts = [
        gaussian_band(axis, h, b.centre, b.width)
        for h, b in zip(np.atleast_1d(np.asarray(heights, float)), starts, strict=True)
    ]
    model = np.sum(parts, axis=0) + background
    weights = 1 / np.maximum(model, 1e-6 * model.max())
    spectra = Spectra.on_axis(axis, model[None], weights[None], background_powers(axis, 1))
    covariance = covariance_of(equations_at(spectra, places), len(starts))[0]
    first = len(starts) + 1
    return np.sqrt(np.diag(covariance)[first : first + len(starts)]) * places.widths[0]


@dataclass(frozen=True, repr=False)
class CentreLimits(StudyResult):
    """The least σ that any fit of some bands can have of their centres; of the model, no data enter.

    Attributes
    ----------
    centres : by the band's name, eV, with that σ
    """

    centres: dict[str, Quantity]

    def rows(self) -> list[Row]:
        apart = self._distances()
        return [
            Row(name, c, "not told from its neighbour" if c.uncertainty > 0.5 * apart[name] else "")
            for name, c in self.centres.items()
            if c.uncertainty < float(c)
        ]

    def notes(self) -> list[str]:
        lost = [name for name, c in self.centres.items() if not c.uncertainty < float(c)]
        apart = self._distances()
        return [
            f"{name}: no fit tells it from its neighbour, {apart[name]:.2g} eV away: σ exceeds the energy itself"
            for name in lost
        ]

    def _distances(self) -> dict[str, float]:
        values = {name: float(c) for name, c in self.centres.items()}
        return {
            name: min((abs(value - other) for n, other in values.items() if n != name), default=math.inf)
            for name, value in values.items()
        }


def list_centre_limits(
    energy: ArrayLike,
    bands: Mapping[str, tuple[float, float]],
    *,
    heights: ArrayLike,
    background: float = 0.0,
) -> CentreLimits:
    """`centre_limits` as a table, of bands by name.

    Parameters
    ----------
    energy, heights, background : as `centre_limits` has them
    bands : name → (centre, width) in eV
    """
    sigmas = centre_limits(energy, bands, heights=heights, background=background)
    return CentreLimits(
        {n: Quantity(place[0], float(s), "eV") for (n, place), s in zip(bands.items(), sigmas, strict=True)}
    )


def place_bands(energy: Array, counts: Array, count: int) -> list[tuple[float, float]]:
    """Starting (centre, width) of `count` bands: one after the other where most is left unexplained."""
    if count < 1:
        raise NotPossible(f"{count} bands were asked for; expected at least one")
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
            raise NotPossible(f"{count} bands do not fit onto the axis; ask for at most {len(found)}")
    return sorted(found)


def count_bands(
    energy: ArrayLike,
    counts: ArrayLike,
    *,
    most: int = 5,
    variance: ArrayLike | None = None,
    background: Background = "constant",
) -> tuple[BandFit, dict[int, float]]:
    """As many bands as AICc prefers by more than 10, and AICc for each number.

    Where no number of bands follows the spectrum to its noise, χ² is counted in units of the best one's misfit:
    otherwise every further band would buy a little of what no Gaussian can follow.

    Parameters
    ----------
    energy, counts, variance, background : as `fit_bands` has them
    most : up to how many

    Raises
    ------
    NotPossible
        No number of bands could be fitted; what `fit_bands` refuses.
    """
    spectrum = energy_spectra(energy, counts, variance=variance)
    light, noise = (rows[0] for rows in spectrum.rows(slice(None)))
    fits: dict[int, BandFit] = {}
    for count in range(1, most + 1):
        try:
            tries = [fit_spectrum(spectrum, count, background=background)]
        except NotPossible:
            if count == 1:
                raise
            break
        if count > 1 and fits[count - 1]:
            # The fit before it and a band where that misses most: placing all anew may end in a worse valley.
            for scale in (np.ones_like(noise), np.sqrt(noise)):
                start = _one_more(fits[count - 1], light, scale)
                tries.append(fit_spectrum(spectrum, start, background=background))
        fits[count] = _best_of(spectrum, tries, background)
    # A band that cannot be told from its neighbour is none more, and light is not negative.
    done = {
        n: fit
        for n, fit in fits.items()
        if fit.success and all(fit.separable.values()) and min(fit.heights) > 0
    }
    if not done:
        raise NotPossible(f"no number of bands from 1 to {most} could be fitted")
    least = min(done.values(), key=lambda fit: fit.chi_square / fit.freedom)
    unit = max(least.chi_square / least.freedom, 1.0) if least.widened > 1 else 1.0
    values = {n: aicc(fit.chi_square / unit, light.size, light.size - fit.freedom) for n, fit in done.items()}
    best = next(iter(done))
    for count in done:
        if values[best] - values[count] > BEATEN_BY:
            best = count
    return done[best], values


def _best_of(spectrum: EnergySpectra, tries: list[BandFit], background: Background) -> BandFit:
    """The least χ² of several searches, its bands from low to high energy; and a word where another fits as well.

    It is fitted once more from where it ended, so that neither the search that came there first nor the place that it
    began at has a say.
    """
    done = [fit for fit in tries if fit]
    if not done:
        return tries[0]
    least = min(done, key=lambda fit: fit.chi_square)
    fit = fit_spectrum(spectrum, _places(least), background=background)
    for other in done:
        same_chi_square = other.chi_square - fit.chi_square < max(fit.chi_square / fit.freedom, 1.0)
        centres = sorted(float(c) for c in other.centres)
        moved = any(abs(c - place) > c.uncertainty for c, place in zip(fit.centres, centres, strict=True))
        if fit and same_chi_square and moved:
            at = ", ".join(f"{centre:.3f}" for centre in centres)
            why = f"bands at {at} eV fit as well: χ² {other.chi_square:.4g} and {fit.chi_square:.4g}"
            return replace(fit, missing={**fit.missing, "one solution": why})
    return fit


def _places(fit: BandFit) -> list[tuple[float, float]]:
    """Centre and width (eV) of a fit's bands, from low to high energy."""
    return sorted((float(c), float(w)) for c, w in zip(fit.centres, fit.widths, strict=True))


def _one_more(fit: BandFit, counts: Array, scale: Array) -> list[tuple[float, float]]:
    """The bands of a fit and one where most is left unexplained, in counts or in σ, as `scale` has it."""
    places = _places(fit)
    left = gaussian_filter1d((counts - fit.model) / scale, max(1.0, counts.size / 80))
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
        found.append(Assignment(name, nearest, off, float(off) / float(width)))
    return found


# Every pixel -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class MapFit:
    """Bands of every pixel; arrays of shape (y, x, …), NaN where a pixel could not be fitted.

    Attributes
    ----------
    energy : eV, shape (n,)
    bands : names, k of them
    names : of all parameters, in the order of `parameters`: heights, background (counts a channel), centres, widths
        (eV, standard deviation of the Gaussian)
    parameters, uncertainties : shape (y, x, p)
    areas, area_uncertainties : counts a channel × eV, shape (y, x, k)
    chi_square : shape (y, x), for `freedom` degrees of freedom
    widened : factor by which σ was widened where the bands do not follow a spectrum, shape (y, x)
    success : shape (y, x), bool
    status : why not, an index into `STATUS`
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
    widened: Array
    success: Mask
    status: NDArray[np.int8]
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
    def failures(self) -> dict[str, int]:
        """How many pixels failed, by reason."""
        return {why: int(n) for i, why in enumerate(STATUS) if i and (n := np.sum(self.status == i))}

    @property
    def separable(self) -> dict[tuple[str, str], bool]:
        """For each pair of neighbouring bands whether a typical pixel can tell them apart."""
        return {
            pair: not why for pair, why in _pairs(self.bands, self.parameters, self.uncertainties).items()
        }

    def predict(self, *pixel: int) -> Array:
        """The fitted spectrum of a pixel (y, x), shape (n,); of a single spectrum without one."""
        at = pixel if pixel else (0,) * (self.success.ndim)
        u = (self.energy[:, None] - self.centres[at]) / self.widths[at]
        powers = background_powers(self.energy, self.background.shape[-1])
        return np.asarray(np.exp(-0.5 * u**2) @ self.heights[at] + self.background[at] @ powers)

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
    spectra: EnergySpectra,
    bands: Any,
    *,
    background: Background = "constant",
    workers: int | None = None,
) -> MapFit:
    """Fit Gaussian bands on a background to every pixel; all centres, widths and heights are free.

    Parameters
    ----------
    spectra : from `prepare_spectra`, or `energy_spectra` for arrays that are over energy already
    bands : the centre of each in eV, or (centre, width), names of centres, or a dict by name
    background : "none", "constant" or "linear"
    workers : threads; by default one for each core, up to four

    Raises
    ------
    NotPossible
        Bands off the axis or in nm; no pixel that can be fitted.
    """
    starts = as_bands(bands, spectra.energy)
    powers = background_powers(spectra.energy, BACKGROUNDS[background])
    status = pixel_status(spectra)
    good = np.flatnonzero(status == 0)
    if not good.size:
        raise NotPossible(f"no pixel can be fitted: {', '.join({STATUS[s] for s in status})}")
    k, b = len(starts), len(powers)
    start = start_from(_mean_of_one(spectra, good, powers), starts)
    found = np.full((len(spectra), 2 * (3 * k + b) + 2 * k + 1), np.nan)

    def work(chosen: Index) -> None:
        light, variance = spectra.rows(chosen)
        found[chosen], status[chosen] = _fit_chunk(
            Spectra.on_axis(spectra.energy, light, 1 / variance, powers), start
        )

    threads = min(os.cpu_count() or 1, 4) if workers is None else max(workers, 1)
    parts = list(good[first : first + CHUNK] for first in range(0, good.size, CHUNK))
    if threads == 1 or len(parts) == 1:
        for part in parts:
            work(part)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, parts))
    freedom = spectra.energy.size - 3 * k - b
    found = found.reshape(*spectra.shape, -1)
    parameters, sigmas, areas, area_sigmas, chi_square = np.split(
        found, np.cumsum([3 * k + b, 3 * k + b, k, k]), axis=-1
    )
    widened = misfit_factor(chi_square[..., 0], freedom)
    names = tuple(band.name for band in starts)
    sigmas, area_sigmas = sigmas * widened[..., None], area_sigmas * widened[..., None]
    pairs = _pairs(names, parameters, sigmas)
    columns = [f"{name} {what}" for what in ("centre", "width") for name in names]
    return MapFit(
        energy=spectra.energy,
        bands=names,
        names=(*(f"{n} height" for n in names), *["background", "background slope"][:b], *columns),
        parameters=parameters,
        uncertainties=sigmas,
        areas=areas,
        area_uncertainties=area_sigmas,
        chi_square=chi_square[..., 0],
        freedom=freedom,
        widened=widened,
        success=(status == 0).reshape(spectra.shape),
        status=status.reshape(spectra.shape),
        missing={f"{one} from {other}": why for (one, other), why in pairs.items() if why},
    )


def misfit_factor(chi_square: Array, freedom: int) -> Array:
    """√(χ²/ν) where χ² is larger than noise would make it in one of a thousand spectra, else 1."""
    freedom = max(freedom, 1)
    return np.sqrt(np.where(chi_square > chi2.isf(MISFIT, freedom), chi_square, freedom) / freedom)


def pixel_status(spectra: EnergySpectra) -> NDArray[np.int8]:
    """For each pixel 0 where it can be fitted, else an index into `STATUS`, shape (pixels,)."""
    status = np.ones(len(spectra), np.int8)
    status[spectra.finite] = 0
    if spectra.saturated.size:
        status[spectra.saturated] = 3
    status[spectra.dark] = DARK
    return status


def _mean_of_one(spectra: EnergySpectra, good: Index, powers: Array) -> Spectra:
    """The mean spectrum of the good pixels, weighed as a single one's."""
    light, variance = (rows[0] for rows in spectra.mean(good).rows(slice(None)))
    floor = 1e-3 * variance.max()
    return Spectra.on_axis(
        spectra.energy, light[None], 1 / np.maximum(variance, floor)[None] / good.size, powers
    )


def start_from(mean: Spectra, starts: Sequence[BandStart]) -> Bands:
    """Bands fitted to one spectrum, from the guessed centres and several widths; the best counts."""
    centres = np.array([band.centre for band in starts])
    widths = np.array([band.width for band in starts])
    trials = len(START_WIDTHS)
    many = mean.at(np.zeros(trials, int))
    guess = Bands(np.tile(centres, (trials, 1)), np.outer(START_WIDTHS, widths))
    bands, equations, _ = minimise(many, guess)
    # A wanderer that left its neighbourhood may fit as well; the nearest of the good ones is meant.
    far = np.abs(bands.centres - centres).max(1)
    chi = equations.chi_square
    fair = np.flatnonzero(chi <= chi.min() * 1.02 + 1e-12 * mean.counts.max() ** 2)
    best = fair[np.argmin(far[fair])]
    return Bands(bands.centres[[best]], bands.widths[[best]])


def _fit_chunk(spectra: Spectra, start: Bands) -> tuple[Array, NDArray[np.int8]]:
    """Rows of parameters, σ, areas, their σ and χ², NaN where a pixel was not fitted; and each pixel's status.

    The neighbourhood of the minimum is found with channels averaged, the minimum itself with all of them.
    """
    (count, points), k = spectra.counts.shape, len(start)
    rows = np.full((count, 2 * (3 * k + spectra.powers.shape[-2]) + 2 * k + 1), np.nan)
    status = np.full(count, DIM, np.int8)
    size = coarse_size(float(start.widths.min()), spectra.limits[2], GROUPS)
    coarse = spectra.binned(size)
    first = Bands(np.tile(start.centres, (count, 1)), np.tile(start.widths, (count, 1)))
    bright = np.flatnonzero(explained(equations_at(coarse, first), k) > LEAST_LIGHT)
    if not bright.size:
        return rows, status
    near, _, _ = minimise(coarse.at(bright), first.at(bright), enough=NEIGHBOURHOOD)
    # An average over a group widens a band as its square does: w² + Δ²/12.
    group = size * np.interp(near.centres, spectra.energy, np.gradient(spectra.energy)) * (size > 1)
    near = Bands(near.centres, np.sqrt(np.maximum(near.widths**2 - group**2 / 12, 0.25 * near.widths**2)))
    far = []
    for begin in range(0, bright.size, FINE_CHUNK):
        chosen = np.arange(begin, min(begin + FINE_CHUNK, bright.size))
        bands = near.at(chosen)
        for _ in range(LAST_STEPS):
            pixels = bright[chosen]
            bands, equations, fall = last_step(spectra.at(pixels), bands)
            done = _is_small(fall, equations, points)
            rows[pixels], status[pixels] = _table(bands, equations, done, spectra.energy)
            chosen, bands = chosen[~done], bands.at(~done)
            if not chosen.size:
                break
        far.append(chosen)
    chosen = np.concatenate(far)
    if chosen.size:
        pixels = bright[chosen]
        bands, equations, done = minimise(spectra.at(pixels), near.at(chosen), enough=NEAR)
        rows[pixels], status[pixels] = _table(bands, equations, done, spectra.energy)
    return rows, status


def _is_small(fall: Array, equations: Equations, points: int) -> Mask:
    """Whether a step lowered χ² by little, beside what noise or misfit leaves of it."""
    return np.asarray(fall < SMALL_FALL * np.maximum(equations.chi_square / points, 1.0))


def coarse_size(width: float, channel: float, groups: int) -> int:
    """How many channels may be joined: so many groups to the standard deviation (eV) of the narrowest band."""
    return int(np.clip(width / (groups * channel), 1, 16))


def explained(equations: Equations, count: int) -> Array:
    """By how much `count` bands lower χ² below what the background alone leaves, shape (P,)."""
    floor = slice(count, equations.linear.shape[1])
    matrix, right = equations.gram[:, floor, floor], equations.gram[:, floor, -1]
    level = solve(matrix, right) if floor.stop > floor.start else right
    return np.asarray(equations.gram[:, -1, -1] - np.einsum("pi,pi->p", level, right) - equations.chi_square)


def _table(bands: Bands, equations: Equations, done: Mask, energy: Array) -> tuple[Array, NDArray[np.int8]]:
    """Parameters, σ, areas, their σ and χ², one row a spectrum; and how each search ended."""
    k, size = len(bands), equations.linear.shape[1]
    covariance = covariance_of(equations, k)
    sigma = np.sqrt(np.maximum(np.einsum("pii->pi", covariance), 0.0))
    sigma[:, size:] *= np.concatenate([bands.widths, bands.widths], axis=1)
    heights, at, log = equations.linear[:, :k], np.arange(k), size + k + np.arange(k)
    variance = covariance[:, at, at] + heights**2 * covariance[:, log, log]
    variance += 2 * heights * covariance[:, at, log]
    unit = np.sqrt(2 * np.pi) * bands.widths
    parts = [equations.linear, bands.centres, bands.widths, sigma, heights * unit]
    parts.append(unit * np.sqrt(np.maximum(variance, 0.0)))
    rows = np.concatenate([*parts, equations.chi_square[:, None]], axis=1)
    off_axis = ((bands.centres <= energy[0]) | (bands.centres >= energy[-1])).any(1)
    broken = ~done | ~np.isfinite(rows).all(1)
    status = np.select([broken, off_axis], [NOT_ENDED, OFF_AXIS], ENDED).astype(np.int8)
    rows[status != ENDED] = np.nan
    return rows, status


def covariance_of(equations: Equations, count: int) -> Array:
    """Of heights, background, centres/width and ln width, shape (P, m, m)."""
    matrix, _ = normal_matrix(equations, count)
    return invert(matrix)


def separable_pairs(
    names: Sequence[str], centres: Array, sigmas: Array, widths: Array
) -> dict[tuple[str, str], str]:
    """For each pair of neighbours an empty text, or why the data cannot tell them apart.

    The Fisher σ of both centres must not exceed half their spacing; and two Gaussians closer than
    `SHAPE_LIMIT` widths differ from one by less than any band differs from a Gaussian.
    """
    found = {}
    for i, j in itertools.pairwise(np.argsort(centres, kind="stable")):
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


def _median(values: Array, success: Mask) -> Array:
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
