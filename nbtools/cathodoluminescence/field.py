"""One field: its emitter, its light in two windows, and what chance says; the ends of a tail and second orders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import median_filter
from scipy.signal import savgol_filter

from nbtools.cache import cached
from nbtools.cathodoluminescence.chance import (
    SMALLEST,
    ChanceTest,
    assess_boundary_profile,
    assess_channels,
    assess_overlap,
)
from nbtools.cathodoluminescence.model_emission import boundary_distance
from nbtools.cathodoluminescence.spectra import find_spikes
from nbtools.results import NotPossible
from nbtools.statistics.nulls import all_shifts
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
CERTAIN = 0.01  # p below which a finding is called one
MOSTLY = 0.5  # correlation from which two maps mostly overlap
CLEAR = 2.0  # pixels from the boundary: farther than a beam's blur
WINDOW = 41  # channels
PHASES = ("bright phase", "dark phase")


@dataclass(frozen=True, repr=False)
class FieldStudy(StudyResult):
    """One field: where the emitter is, its light in wavelength windows, and what chance says of it.

    Attributes
    ----------
    title : of the map
    emitter : True where the emitting phase is, shape (y, x)
    phases : names of the emitting and of the dark phase
    shift : of the image onto the map, pixels (y, x)
    image : the SEM image on the map's pixels; None without one
    windows : counts above the dark level in each wavelength window, shape (y, x)
    spans : the windows' ends, nm
    pixel : m; NaN where the file does not say
    overlap, profile, channels : tests against chance; None where the data do not allow one
    dark_share : light from the dark phase, clear of the boundary, over that from the emitter
    missing : what could not be asked, and why
    label : before the names under which the ledger keeps its numbers
    """

    title: str
    emitter: Mask
    phases: tuple[str, str]
    shift: tuple[int, int]
    image: Array | None
    windows: dict[str, Array]
    spans: dict[str, tuple[float, float]]
    pixel: float
    overlap: ChanceTest | None
    profile: ChanceTest | None
    channels: ChanceTest | None
    dark_share: Quantity
    missing: dict[str, str]
    label: str = field(default="", kw_only=True)

    @property
    def findings(self) -> dict[str, bool]:
        """Which of the three stand out from chance at p < 0.01; maps that overlap also have r > 0.5.

        With many photons a correlation of 0.1, from specks that no mask resolves, is certain and says little.
        """
        asked = {"overlap": self.overlap, "gathering": self.profile, "channels": self.channels}
        found = {name: test is not None and test.p_value < CERTAIN for name, test in asked.items()}
        overlaps = self.overlap is not None and self.overlap.effect_size > MOSTLY
        return found | {"overlap": found["overlap"] and overlaps}

    def rows(self) -> list[Row]:
        bright, dark = self.phases
        names = list(self.windows)
        rows = [Row(f"{bright}, share of the field", Quantity(float(self.emitter.mean())), shown="%")]
        if np.isfinite(self.dark_share):
            how = f"{CLEAR:g} pixels and more from the boundary"
            rows.append(
                Row(f"light of {dark} over {bright}", self.dark_share, how, f"{self.label}dark_share")
            )
        if self.overlap is not None:
            how = f"correlation of {names[0]} and {names[1]} beyond the shape of {bright}"
            rows += self._test("overlap", self.overlap, how)
        if self.profile is not None:
            light = f"{names[1]} over {names[0]}" if len(names) > 1 else names[0]
            how = f"excess of {light} near {dark}"
            rows += self._test("gathering", self.profile, how)
        if self.channels is not None:
            how = "length of bright lines over chance's median"
            rows += self._test("channels", self.channels, how)
        return rows

    def _test(self, name: str, test: ChanceTest, how: str) -> list[Row]:
        odds = f"how often chance gives as much, {test.null.size} draws"
        return [
            Row(f"{name}, effect", Quantity(test.effect_size), how, f"{self.label}{name}_effect"),
            Row(f"{name}, p", Quantity(test.p_value), odds, f"{self.label}{name}_p"),
        ]

    def notes(self) -> list[str]:
        tests = [test for test in (self.overlap, self.profile, self.channels) if test is not None]
        said = [f"{test.name}: {what}: {why}" for test in tests for what, why in test.missing.items()]
        return [*said, *(f"{what}: {why}" for what, why in self.missing.items())]


@cached
def estimate_field(
    *,
    wavelength_nm: Array,
    counts: NDArray[np.generic],
    windows: Mapping[str, tuple[float, float]],
    dark: Array | None = None,
    image: Array | None = None,
    pixel: float = float("nan"),
    phases: tuple[str, str] = PHASES,
    title: str = "map",
    draws: int = 199,
    seed: int = 0,
) -> FieldStudy:
    """Put three questions to one map: overlap, gathering at the boundary, lines.

    Parameters
    ----------
    wavelength_nm : shape (n,)
    counts : shape (y, x, n), photons
    windows : name → (shortest, longest) in nm. The first two are compared, and the second over the first is the ratio
        that is asked whether it gathers; a single one is asked by itself
    dark : counts of a pixel without the beam, shape (n,)
    image : SEM image of the same field, bright in the emitter; its grey also says how much of a pixel is emitter.
        Without one the light itself tells the phases apart, and then cannot be asked whether one is dark
    pixel : m; without, lengths are in pixels
    phases : names of the emitting and of the dark phase
    title : of the map
    draws : how often chance is asked for lines
    seed : of chance

    Raises
    ------
    NotPossible
        A window in which there is no channel; an image of other pixels.
    """
    maps, total = window_maps(wavelength_nm, counts, windows, dark=dark)
    names = list(windows)
    last = maps[names[min(1, len(names) - 1)]]
    missing: dict[str, str] = {}
    shift, grey = (0, 0), None
    if min(total.shape) == 1:
        emitter = np.ones(total.shape, bool)
        reason = "a line of pixels has neither area nor texture; a map of at least "
        missing["the tests against chance"] = f"{reason}{SMALLEST} × {SMALLEST} pixels is needed"
        found: dict[str, ChanceTest | None] = dict.fromkeys(("overlap", "profile", "channels"))
        share = Quantity(np.nan)
    else:
        if image is None:
            emitter = find_emitter(total)
            missing["phases from an image of its own"] = (
                "no SEM image came, so the light itself drew the mask"
            )
        else:
            emitter, shift = aligned_emitter(image, total)
            grey = np.roll(image, shift, (0, 1))
        given = [] if grey is None else [grey]
        size = pixel if np.isfinite(pixel) else None
        reference = maps[names[0]] if len(names) > 1 else None
        asks = {
            "overlap": lambda: _overlap(maps, names, emitter, given, seed),
            "profile": lambda: assess_boundary_profile(
                last, emitter, reference=reference, pixel=size, seed=seed
            ),
            "channels": lambda: assess_channels(last, emitter, pixel=size, draws=draws, seed=seed),
        }
        found = {}
        for name, ask in asks.items():
            try:
                found[name] = ask()
            except NotPossible as reason:
                found[name], missing[name] = None, str(reason)
        share = dark_share(np.sum(list(maps.values()), axis=0), emitter)
        if image is None:
            share = Quantity(np.nan)
    return FieldStudy(
        title,
        emitter,
        phases,
        shift,
        grey,
        maps,
        {name: (float(low), float(high)) for name, (low, high) in windows.items()},
        pixel,
        found["overlap"],
        found["profile"],
        found["channels"],
        share,
        missing,
    )


def _overlap(
    maps: Mapping[str, Array], names: Sequence[str], emitter: Mask, given: Sequence[Array], seed: int
) -> ChanceTest:
    if len(names) < 2:
        raise NotPossible("an overlap takes two windows; one was given")
    return assess_overlap(maps[names[0]], maps[names[1]], emitter, given=given, seed=seed)


def window_maps(
    wavelength_nm: Array,
    counts: NDArray[np.generic],
    windows: Mapping[str, tuple[float, float]],
    *,
    dark: Array | None = None,
) -> tuple[dict[str, Array], Array]:
    """Counts above the dark level between two wavelengths (nm) for each window, and all counts, shape (y, x) each.

    Cosmic rays are left out.

    Raises
    ------
    NotPossible
        A window in which there is no channel.
    """
    recorded = np.asarray(counts)
    pixels, channels, replaced = find_spikes(recorded)
    flat = recorded.reshape(-1, recorded.shape[-1])
    excess = flat[pixels, channels] - replaced
    shape = recorded.shape[:-1]

    def light(chosen: Mask) -> Array:
        whole = recorded[..., chosen].sum(-1, dtype=float).ravel()
        struck = chosen[channels]
        np.subtract.at(whole, pixels[struck], excess[struck])
        return np.asarray(whole.reshape(shape))

    found = {}
    for name, (low, high) in windows.items():
        chosen = (wavelength_nm >= low) & (wavelength_nm <= high)
        if not chosen.any():
            raise NotPossible(
                f"no channel lies between {low:g} and {high:g} nm ({name}); the spectra run from "
                f"{wavelength_nm.min():.0f} to {wavelength_nm.max():.0f} nm: give other WINDOWS"
            )
        floor = 0.0 if dark is None else float(np.asarray(dark)[chosen].sum())
        found[name] = light(chosen) - floor
    return found, light(np.ones(wavelength_nm.size, bool))


def find_emitter(image: ArrayLike) -> Mask:
    """The brighter phase of an image, by Otsu's threshold after a median over 3 × 3 pixels.

    Raises
    ------
    NotPossible
        An image that is the same everywhere.
    """
    from skimage.filters import threshold_otsu

    values = median_filter(np.asarray(image, float), 3)
    if np.ptp(values) == 0:
        raise NotPossible("the image is the same everywhere; no phases can be told apart")
    return np.asarray(values > threshold_otsu(values))


def aligned_emitter(image: ArrayLike, light: ArrayLike) -> tuple[Mask, tuple[int, int]]:
    """The emitter in an SEM image, moved onto the map of its light; and by how many whole pixels (y, x).

    The move is where mask and light correlate best; up to a tenth of the field is looked at.

    Raises
    ------
    NotPossible
        An image of other pixels than the map's.
    """
    mask, bright = find_emitter(image), np.asarray(light, float)
    if mask.shape != bright.shape:
        raise NotPossible(
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
    dark = ~emitter & (boundary_distance(~emitter) > CLEAR)
    bright = emitter & (boundary_distance(emitter) > CLEAR)
    if dark.sum() < 5 or bright.sum() < 5:
        return Quantity(np.nan)
    level = Quantity(float(np.mean(light[bright])), float(np.std(light[bright])) / np.sqrt(bright.sum()))
    left = Quantity(float(np.mean(light[dark])), float(np.std(light[dark])) / np.sqrt(dark.sum()))
    return left / level


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


@dataclass(frozen=True, repr=False)
class SecondOrder(StudyResult):
    """Whether the reddest band can be the grating's second order of the bluest one.

    Attributes
    ----------
    share : red over blue that fits best if it is
    misfit, freedom : χ² of that, and its degrees of freedom
    p_value : of the claim
    """

    share: Quantity
    misfit: float
    freedom: int
    p_value: float

    def rows(self) -> list[Row]:
        how = f"one ratio in {self.freedom + 1} blocks of the field leaves χ² {self.misfit:.0f}"
        return [
            Row("reddest over bluest band", self.share, how),
            Row("second order, p", Quantity(self.p_value), "of one ratio everywhere"),
        ]

    def notes(self) -> list[str]:
        verdict = "excluded" if self.p_value < CERTAIN else "not excluded"
        return [f"that the red band is the second order of the bluest one is {verdict}"]


def assess_second_order(ultraviolet: Sequence[Quantity], red: Sequence[Quantity]) -> SecondOrder:
    """Second order follows the first everywhere: one ratio for all places. Areas with σ at several places come.

    Raises
    ------
    NotPossible
        Fewer than two places.
    """
    from scipy.stats import chi2

    x, y = (np.array([float(q) for q in band]) for band in (ultraviolet, red))
    dx, dy = (np.array([q.uncertainty for q in band]) for band in (ultraviolet, red))
    if x.size < 2 or x.size != y.size:
        raise NotPossible(f"{x.size} and {y.size} areas came; the same two or more places are needed")
    share = float(y.sum() / x.sum())
    for _ in range(20):
        weight = 1 / (dy**2 + share**2 * dx**2)
        share = float((weight * x * y).sum() / (weight * x * x).sum())
    misfit = float((weight * (y - share * x) ** 2).sum())
    freedom = x.size - 1
    error = float(1 / np.sqrt((weight * x * x).sum()))
    return SecondOrder(Quantity(share, error), misfit, freedom, float(chi2.sf(misfit, freedom)))


def areas_by_region(areas: Array, uncertainties: Array, usable: Mask, *, regions: int = 6) -> list[Quantity]:
    """A band's mean area in blocks of the field (regions × regions), usable pixels alone, with σ of the mean."""
    rows, columns = (np.arange(n) * regions // n for n in usable.shape)
    block = rows[:, None] * regions + columns[None]
    found = []
    for number in range(regions**2):
        here = usable & (block == number)
        if here.sum() >= 10:
            sigma = np.sqrt((uncertainties[here] ** 2).sum()) / here.sum()
            found.append(Quantity(float(areas[here].mean()), float(sigma), "eV"))
    return found
