"""A whole field at once: emitter, bands of every pixel, window maps, and the three questions put to chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import savgol_filter

from nbtools.analysis.band_fit import BandFit, fit_bands
from nbtools.analysis.band_input import SpectrumError
from nbtools.analysis.boundary_profile import assess_boundary_profile
from nbtools.analysis.chance import ChanceTest, MapError, distance_inside
from nbtools.analysis.channels import assess_channels
from nbtools.analysis.map_fit import MapFit, fit_map
from nbtools.analysis.map_overlap import assess_overlap
from nbtools.analysis.spectrum import EnergySpectra, prepare_spectra, replace_spikes
from nbtools.cache import cached
from nbtools.units import Quantity

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
CERTAIN = 0.01  # p below which a finding is called one
MOSTLY = 0.5  # correlation from which two maps mostly overlap
CLEAR = 2.0  # pixels from the boundary: farther than a beam's blur
WINDOW = 41  # channels


@dataclass(frozen=True)
class FieldStudy:
    """One field: where the emitter is, its window maps (photons), and what chance says of them.

    emitter : True in MgO, shape (y, x); shift : of the image onto the map, pixels (y, x)
    windows : photons above the dark level in each wavelength window, shape (y, x)
    overlap, profile, channels : tests against chance, None where the data do not allow one
    dark_share : light from MgB2, clear of the boundary, over that from MgO
    missing : what could not be asked, and why
    """

    emitter: Mask
    shift: tuple[int, int]
    windows: dict[str, Array]
    pixel: float
    overlap: ChanceTest | None
    profile: ChanceTest | None
    channels: ChanceTest | None
    dark_share: Quantity
    missing: dict[str, str]

    @property
    def findings(self) -> dict[str, bool]:
        """Which of the three stand out from chance at p < 0.01; maps that overlap also have r > 0.5.

        With many photons a correlation of 0.1, from specks that no mask resolves, is certain and says little.
        """
        asked = {"overlap": self.overlap, "gathering": self.profile, "channels": self.channels}
        found = {name: test is not None and test.p_value < CERTAIN for name, test in asked.items()}
        overlaps = self.overlap is not None and self.overlap.effect_size > MOSTLY
        return found | {"overlap": found["overlap"] and overlaps}

    def __str__(self) -> str:
        lines = [
            f"MgO {100 * self.emitter.mean():.1f} % of the field; light of MgB2 over MgO {self.dark_share}"
        ]
        lines += [str(test) for test in (self.overlap, self.profile, self.channels) if test is not None]
        return "\n".join(lines + [f"{what}: {why}" for what, why in self.missing.items()])


@cached
def study_field(
    *,
    wavelength_nm: Array,
    counts: Array,
    dark: Array | None = None,
    image: Array | None = None,
    pixel: float = 1.0,
    windows: Mapping[str, tuple[float, float]],
    draws: int = 199,
    seed: int = 0,
) -> FieldStudy:
    """Put the three questions to one map: overlap, gathering at the boundary, channels.

    Parameters
    ----------
    wavelength_nm : shape (n,); counts : shape (y, x, n), photons
    dark : counts of a pixel without the beam, shape (n,)
    image : SEM image of the same field, bright in MgO; its grey also says how much of a pixel is MgO. Without one the
        light itself tells MgO from MgB2, which then cannot be asked whether it is dark
    windows : the first two are compared: name → (shortest, longest) in nm; the second over the first is the ratio
    """
    clean, _ = replace_spikes(counts)
    maps = window_maps(wavelength_nm, clean, windows, dark=dark)
    first, second = (maps[name] for name in list(windows)[:2])
    total = clean.sum(-1)
    missing: dict[str, str] = {}
    shift, grey = (0, 0), []
    if image is None:
        emitter = find_emitter(total)
        missing["emitter from an image of its own"] = "no SEM image came, so the light itself drew the mask"
    else:
        emitter, shift = aligned_emitter(image, total)
        grey = [np.roll(image, shift, (0, 1))]
    tests: dict[str, ChanceTest | None] = {}
    for name, ask in {
        "overlap": lambda: assess_overlap(first, second, emitter, given=grey, seed=seed),
        "profile": lambda: assess_boundary_profile(second, emitter, reference=first, pixel=pixel, seed=seed),
        "channels": lambda: assess_channels(second, emitter, pixel=pixel, draws=draws, seed=seed),
    }.items():
        try:
            tests[name] = ask()
        except MapError as reason:
            tests[name], missing[name] = None, str(reason)
    share = dark_share(sum_of(maps), emitter)
    return FieldStudy(emitter, shift, maps, pixel, **tests, dark_share=share, missing=missing)


def sum_of(maps: Mapping[str, Array]) -> Array:
    """All windows together."""
    return np.asarray(sum(maps.values()))


def window_maps(
    wavelength_nm: Array,
    counts: Array,
    windows: Mapping[str, tuple[float, float]],
    *,
    dark: Array | None = None,
) -> dict[str, Array]:
    """Counts above the dark level between two wavelengths (nm), shape (y, x), for each window.

    Raises
    ------
    SpectrumError
        A window in which there is no channel.
    """
    found = {}
    for name, (low, high) in windows.items():
        chosen = (wavelength_nm >= low) & (wavelength_nm <= high)
        if not chosen.any():
            raise SpectrumError(
                f"no channel lies between {low:g} and {high:g} nm ({name}); the spectra run from "
                f"{wavelength_nm.min():.0f} to {wavelength_nm.max():.0f} nm"
            )
        floor = 0.0 if dark is None else float(np.asarray(dark)[chosen].sum())
        found[name] = np.asarray(counts, float)[..., chosen].sum(-1) - floor
    return found


def find_emitter(image: ArrayLike) -> Mask:
    """The brighter phase of an image, by Otsu's threshold after a median over 3 × 3 pixels."""
    from scipy.ndimage import median_filter
    from skimage.filters import threshold_otsu

    values = median_filter(np.asarray(image, float), 3)
    if np.ptp(values) == 0:
        raise MapError("the image is the same everywhere; no phases can be told apart")
    return np.asarray(values > threshold_otsu(values))


def aligned_emitter(image: ArrayLike, light: ArrayLike) -> tuple[Mask, tuple[int, int]]:
    """The emitter in an SEM image, moved onto the map of its light; and by how many whole pixels (y, x).

    The move is where mask and light correlate best; up to a tenth of the field is looked at.
    """
    from nbtools.statistics.nulls import all_shifts

    mask, bright = find_emitter(image), np.asarray(light, float)
    if mask.shape != bright.shape:
        raise MapError(
            f"the image has {mask.shape} pixels, the map {bright.shape}; bring the image to the pixels of the map"
        )
    match = all_shifts(bright - bright.mean(), mask - mask.mean())
    rows, columns = (np.minimum(np.arange(n), n - np.arange(n)) for n in mask.shape)
    near = (rows[:, None] <= mask.shape[0] // 10) & (columns[None] <= mask.shape[1] // 10)
    y, x = np.unravel_index(int(np.argmax(np.where(near, match, -np.inf))), mask.shape)
    move = tuple(int(s - n if s > n // 2 else s) for s, n in zip((y, x), mask.shape, strict=True))
    return np.roll(mask, move, (0, 1)), (move[0], move[1])


def dark_share(light: Array, emitter: Mask) -> Quantity:
    """Light of the dark phase over that of the emitter, both clear of the boundary; NaN where none is that clear."""
    dark = distance_inside(~emitter) > CLEAR if not emitter.all() else np.zeros_like(emitter)
    bright = distance_inside(emitter) > CLEAR
    if dark.sum() < 5 or bright.sum() < 5:
        return Quantity(np.nan)
    level = float(np.mean(light[bright]))
    error = float(np.std(light[dark])) / np.sqrt(dark.sum())
    return Quantity(float(np.mean(light[dark])) / level, error / level)


@dataclass(frozen=True)
class PointStudy:
    """One spot: its spectrum over energy, its bands, and where its tail ends (nm)."""

    spectrum: EnergySpectra
    fit: BandFit
    tail_end: Quantity

    def __str__(self) -> str:
        return f"{self.fit}\ntail meets 3 σ of the dark level at {self.tail_end}"


def study_point(
    wavelength_nm: Array,
    counts: Array,
    bands: Any,
    *,
    dark: Array | None = None,
    response: Array | None = None,
) -> PointStudy:
    """A spot's spectrum in energy, its bands, and the wavelength where it falls to three times the dark noise.

    Parameters
    ----------
    dark, response : of the same channels; without a dark level the tail's end is not determined
    """
    spectrum = prepare_spectra(wavelength_nm, counts, dark=dark, response=response)
    fit = fit_bands(spectrum.energy, spectrum.intensity, bands, variance=spectrum.variance)
    end = Quantity(np.nan, unit="nm") if dark is None else tail_end(wavelength_nm, counts, dark)
    return PointStudy(spectrum, fit, end)


def tail_end(wavelength_nm: Array, counts: Array, dark: Array) -> Quantity:
    """Where a spectrum last falls through three times the noise of its dark level (nm); NaN where it does not.

    The spectrum is smoothed by parabolas over `WINDOW` channels; σ is what noise is left, over the slope.
    """
    level = float(np.mean(dark))
    light = np.asarray(counts, float) - level
    if light.size < 2 * WINDOW:
        return Quantity(np.nan, unit="nm")
    limit = 3 * float(np.sqrt(max(level, 1.0)))
    smooth, slope = (savgol_filter(light, WINDOW, 2, deriv=order) for order in (0, 1))
    above = np.flatnonzero(smooth > limit)
    if not above.size or above[-1] >= light.size - WINDOW // 2:
        return Quantity(np.nan, unit="nm")
    at = int(above[-1])
    # A parabola's middle over m points keeps 9/4m of the variance of one.
    noise = float(np.sqrt(max(float(counts[at - 5 : at + 5].mean()), 1.0) * 9 / (4 * WINDOW)))
    step = float(wavelength_nm[at + 1] - wavelength_nm[at])
    return Quantity(float(wavelength_nm[at]), step * float(np.hypot(0.5, noise / abs(slope[at]))), "nm")


@cached
def fit_field(
    *,
    wavelength_nm: Array,
    counts: Array,
    bands: Sequence[float],
    dark: Array | None = None,
    response: Array | None = None,
) -> tuple[EnergySpectra, MapFit]:
    """Every pixel's bands in energy; kept on disk."""
    spectra = prepare_spectra(wavelength_nm, counts, dark=dark, response=response)
    return spectra, fit_map(spectra.energy, spectra.intensity, bands, variance=spectra.variance)


@dataclass(frozen=True)
class SecondOrder:
    """Whether the red band can be the grating's second order of the ultraviolet one.

    share : red over ultraviolet that fits best if it is; misfit : χ² of that, for `freedom`; p_value : of the claim
    """

    share: Quantity
    misfit: float
    freedom: int
    p_value: float

    def __str__(self) -> str:
        verdict = "excluded" if self.p_value < CERTAIN else "not excluded"
        return (
            f"second order of the ultraviolet band {verdict}: red = {self.share} × ultraviolet leaves χ² "
            f"{self.misfit:.0f} for {self.freedom}"
        )


def assess_second_order(ultraviolet: Sequence[Quantity], red: Sequence[Quantity]) -> SecondOrder:
    """Second order follows the first everywhere: one ratio for all places. Areas with σ at several places come.

    Raises
    ------
    SpectrumError
        Fewer than two places.
    """
    from scipy.stats import chi2

    x, y = (np.array([float(q) for q in band]) for band in (ultraviolet, red))
    dx, dy = (np.array([q.uncertainty for q in band]) for band in (ultraviolet, red))
    if x.size < 2 or x.size != y.size:
        raise SpectrumError(f"{x.size} and {y.size} areas came; the same two or more places are needed")
    share = float(y.sum() / x.sum())
    for _ in range(20):
        weight = 1 / (dy**2 + share**2 * dx**2)
        share = float((weight * x * y).sum() / (weight * x * x).sum())
    misfit = float((weight * (y - share * x) ** 2).sum())
    freedom = x.size - 1
    error = float(1 / np.sqrt((weight * x * x).sum()))
    return SecondOrder(Quantity(share, error), misfit, freedom, float(chi2.sf(misfit, freedom)))


def areas_by_region(fit: MapFit, band: int, emitter: Mask, *, regions: int = 6) -> list[Quantity]:
    """A band's mean area in blocks of the field (regions × regions), MgO pixels alone, with σ of the mean."""
    rows = np.minimum(np.arange(emitter.shape[0]) * regions // emitter.shape[0], regions - 1)
    columns = np.minimum(np.arange(emitter.shape[1]) * regions // emitter.shape[1], regions - 1)
    block = rows[:, None] * regions + columns[None]
    usable = emitter & fit.success
    found = []
    for number in range(regions**2):
        here = usable & (block == number)
        if here.sum() >= 10:
            sigma = np.sqrt((fit.area_uncertainties[..., band][here] ** 2).sum()) / here.sum()
            found.append(Quantity(float(fit.areas[..., band][here].mean()), float(sigma), "eV"))
    return found
