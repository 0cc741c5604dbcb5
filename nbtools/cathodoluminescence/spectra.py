"""Spectra over photon energy: from counts over nm to a density over eV with its variance, made in rows of pixels.

A map of 256 × 256 pixels and 1,024 channels takes 134 MB as a detector writes it and 0.5 GB as floats. It is kept as
it came; a block of pixels is cleaned and converted when a fit asks for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import correlate1d, uniform_filter1d

from nbtools.cathodoluminescence.model_centres import energy_jacobian, photon_energy
from nbtools.results import NotPossible
from nbtools.statistics.arrays import real_array

Array = NDArray[np.float64]
Index = NDArray[np.intp]
SHORTEST, LONGEST = 50.0, 50_000.0  # nm: between soft X-rays and far infrared
HIGHEST_ENERGY = 20.0  # eV: no luminescence of a solid lies above; an axis that does is in nm
FEWEST_CHANNELS = 8
SPIKE = 8.0  # standard deviations above the neighbouring channels
SMOOTHING = 9  # channels over which a variance is averaged
SCATTER = 31
# Where the detector sees less than this share of its best, division by the response only multiplies noise.
LEAST_RESPONSE = 0.02
PLATEAU = 3  # neighbouring channels at the largest count
LEAST_FULL_SCALE = 50.0  # counts: below, equal neighbours are chance
BLOCK = 1 << 22  # numbers of a block of pixels


@overload
def to_energy(
    wavelength_nm: ArrayLike, intensity: ArrayLike, variance: None = None
) -> tuple[Array, Array]: ...
@overload
def to_energy(
    wavelength_nm: ArrayLike, intensity: ArrayLike, variance: ArrayLike
) -> tuple[Array, Array, Array]: ...
def to_energy(
    wavelength_nm: ArrayLike, intensity: ArrayLike, variance: ArrayLike | None = None
) -> tuple[Array, ...]:
    """A density over wavelength as one over energy: I(E) = I(λ) λ²/hc, its variance with the square.

    Without the factor a broad band keeps the wavelength of its peak and so gets a wrong energy.

    Parameters
    ----------
    wavelength_nm : nm, shape (n,), ascending or descending
    intensity : shape (…, n)
    variance : of the intensity, same shape

    Returns
    -------
    energy (eV, ascending), intensity, and the variance if one was given

    Raises
    ------
    NotPossible
        An axis that is missing, not monotonic, of another length, or not in nm; a negative variance.

    Examples
    --------
    >>> energy, density = to_energy([400.0, 500.0], [1.0, 1.0])
    >>> [round(float(e), 4) for e in energy]
    [2.4797, 3.0996]
    """
    nm = _checked_wavelength(wavelength_nm, np.shape(intensity))
    order = np.argsort(-nm, kind="stable")
    jacobian = energy_jacobian(nm)[order]
    converted = real_array(intensity, "the intensity", error=NotPossible)[..., order] * jacobian
    if variance is None:
        return photon_energy(nm[order]), converted
    if np.shape(variance) != np.shape(intensity):
        raise NotPossible(f"the variance has shape {np.shape(variance)}, the intensity {np.shape(intensity)}")
    squared = real_array(variance, "the variance", error=NotPossible)[..., order] * jacobian**2
    if np.any(squared < 0):
        raise NotPossible(f"a variance of {np.nanmin(variance):g} came; a variance is not negative")
    return photon_energy(nm[order]), converted, squared


def _checked_wavelength(wavelength: ArrayLike | None, shape: tuple[int, ...]) -> Array:
    if wavelength is None:
        raise NotPossible("no wavelength axis came; give the wavelength of every channel in nm")
    nm = real_array(wavelength, "the wavelength axis", error=NotPossible)
    if nm.ndim != 1 or not shape or nm.size != shape[-1]:
        raise NotPossible(
            f"the wavelength axis has shape {nm.shape}, the intensity {shape}; give one wavelength for each "
            "channel, the channels along the last axis of the intensity"
        )
    if not np.all(np.isfinite(nm)):
        raise NotPossible("the wavelength axis holds NaN or infinity")
    if nm.min() < SHORTEST or nm.max() > LONGEST:
        raise NotPossible(
            f"the axis runs from {nm.min():g} to {nm.max():g}; wavelengths in nm were expected. Convert metres or "
            "micrometres first; an axis in eV needs no conversion"
        )
    steps = np.diff(nm)
    if nm.size > 1 and not (np.all(steps > 0) or np.all(steps < 0)):
        raise NotPossible("the wavelength axis goes back and forth; sort the channels by wavelength")
    return nm


Spikes = tuple[Index, Index, Array]
NO_SPIKES: Spikes = np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0)


@dataclass(frozen=True, eq=False)
class EnergySpectra:
    """Spectra as a density over energy, one or many, converted when they are asked for.

    Attributes
    ----------
    energy : eV, ascending, shape (n,)
    shape : of the pixels: () of one spectrum, (y, x) of a map
    notes : what was done to them, in sentences
    recorded : as recorded, shape (pixels, m)
    channels : which recorded channels they are, shape (n,)
    scale : what one count stands for in each of these, shape (n,)
    level : dark level, shape (m,); level_variance : its variance
    photons : whether what was recorded are whole photon counts, whose variance is their mean
    stated : variance of `recorded`, where it was given
    spikes : cosmic rays: pixels, channels, and what stands in their place
    saturated : which pixels are cut off at the largest count, shape (pixels,)
    """

    energy: Array
    shape: tuple[int, ...]
    recorded: NDArray[Any]
    channels: Index
    scale: Array
    notes: tuple[str, ...] = ()
    level: Array | float = 0.0
    level_variance: Array | float = 0.0
    photons: bool = True
    stated: NDArray[Any] | None = None
    spikes: Spikes = NO_SPIKES
    saturated: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))

    def __len__(self) -> int:
        return len(self.recorded)

    def cleaned(self, chosen: Any) -> Array:
        """Counts of some pixels as recorded, spikes replaced, shape (p, m)."""
        values = np.array(self.recorded[chosen], float)
        pixels, channels, replaced = self.spikes
        if pixels.size:
            numbers = np.arange(len(self))[chosen]
            hit = np.flatnonzero(np.isin(pixels, numbers))
            place = {int(n): i for i, n in enumerate(numbers)} if hit.size else {}
            for i in hit:
                values[place[int(pixels[i])], channels[i]] = replaced[i]
        return values

    def rows(self, chosen: Any) -> tuple[Array, Array]:
        """Intensity and its variance of some pixels, each of shape (p, n).

        Parameters
        ----------
        chosen : flat numbers of pixels, or a slice of them
        """
        chosen, channels = as_slice(chosen), self._seen
        values = self.cleaned(chosen)
        if self.stated is not None:
            variance = np.array(self.stated[chosen], float)
        else:
            variance = noise_variance(values, photons=self.photons)
        if np.any(self.level_variance):
            variance += self.level_variance
        if np.any(self.level):
            values -= self.level
        values, variance = values[:, channels], variance[:, channels]
        if np.any(self.scale != 1):
            values, variance = values * self.scale, variance * self.scale**2
        return values, variance

    def grouped(self, chosen: Any, size: int) -> tuple[Array, Array]:
        """`rows` summed over groups of `size` neighbouring channels, the last one smaller, each of shape (p, groups).

        Photons of groups are expected as their neighbours have them, and each count is read once.
        """
        chosen = as_slice(chosen)
        if self.stated is None and not self.photons:
            light, variance = self.rows(chosen)
            each = np.ones(self.energy.size)
            return sum_groups(light, each, size), sum_groups(variance, each, size)
        channels, row = self._seen, self.recorded.shape[1:]
        recorded = self.cleaned(chosen) if self.spikes[0].size else self.recorded[chosen]
        light = sum_groups(recorded[:, channels], self.scale, size)
        if self.stated is not None:
            variance = sum_groups(self.stated[chosen][:, channels], self.scale**2, size)
        else:
            each = np.ones(self.scale.size)
            number, scale = sum_groups(each[None], each, size), sum_groups(self.scale[None], each, size)
            over = max(3, SMOOTHING // size // 2 * 2 + 1)
            variance = noise_variance(light * (1 / scale), photons=True, over=over)
            variance *= scale**2 / number
        if np.any(self.level_variance):
            level = np.broadcast_to(self.level_variance, row)[None, channels]
            variance += sum_groups(level, self.scale**2, size)
        if np.any(self.level):
            light -= sum_groups(np.broadcast_to(self.level, row)[None, channels], self.scale, size)
        return light, variance

    @cached_property
    def _seen(self) -> Any:
        """The channels, as a slice where they are in one run."""
        steps = np.diff(self.channels)
        if self.channels.size > 1 and np.all(steps == steps[0]) and abs(steps[0]) == 1:
            first, last, step = int(self.channels[0]), int(self.channels[-1]), int(steps[0])
            end = last + step
            return slice(first, end if end >= 0 else None, step)
        return self.channels

    @property
    def intensity(self) -> Array:
        """Of all pixels, shape (…, n)."""
        return self.rows(slice(None))[0].reshape(*self.shape, self.energy.size)

    @property
    def variance(self) -> Array:
        """Of the intensity of all pixels, shape (…, n)."""
        return self.rows(slice(None))[1].reshape(*self.shape, self.energy.size)

    def blocks(self, chosen: Index, numbers: int = BLOCK) -> Iterator[Index]:
        """Flat numbers of pixels in runs of so many numbers."""
        size = max(1, numbers // self.recorded.shape[1])
        return (chosen[first : first + size] for first in range(0, chosen.size, size))

    def mean(self, chosen: Index | None = None) -> "EnergySpectra":
        """The mean spectrum of some pixels, by default of all that are finite, with the variance of the mean."""
        pixels = self.finite if chosen is None else np.asarray(chosen, np.intp)
        if not pixels.size:
            raise NotPossible("no count is a finite number; all are NaN or infinity")
        count = pixels.size
        if self.stated is None and not self.photons:
            light, squared = np.zeros(self.energy.size), np.zeros(self.energy.size)
            for part in self.blocks(pixels):
                values, variance = self.rows(part)
                light += values.sum(0)
                squared += variance.sum(0)
            # The dark level is the same for all pixels: its error does not fall with their number.
            level = np.broadcast_to(self.level_variance, self.recorded.shape[1:])[self.channels]
            squared += level * self.scale**2 * (count**2 - count)
        else:
            stated = None
            if self.stated is not None:
                stated = sum(self.stated[as_slice(part)].sum(0) for part in self.blocks(pixels))[None]
            together = replace(
                self,
                recorded=sum(self.cleaned(part).sum(0) for part in self.blocks(pixels))[None],
                stated=stated,
                level=count * self.level,
                level_variance=count**2 * self.level_variance,
                spikes=NO_SPIKES,
            )
            light, squared = (rows[0] for rows in together.rows(slice(None)))
        return energy_spectra(self.energy, light / count, variance=squared / count**2)

    @cached_property
    def _total(self) -> NDArray[Any]:
        """The counts of every pixel, shape (pixels,)."""
        return np.asarray(self.recorded.sum(-1))

    @cached_property
    def finite(self) -> Index:
        """Flat numbers of the pixels in which every channel is a finite number."""
        return np.flatnonzero(np.isfinite(self._total))

    @cached_property
    def dark(self) -> Index:
        """Flat numbers of the pixels in which every channel is zero."""
        none = np.flatnonzero(self._total == 0)
        return none[~np.any(self.recorded[none], axis=-1)]

    def __str__(self) -> str:
        span = f"{self.energy[0]:.2f} to {self.energy[-1]:.2f} eV, {self.energy.size} channels"
        return "\n".join([span, *self.notes])


def energy_spectra(
    energy: ArrayLike, counts: ArrayLike, *, variance: ArrayLike | None = None
) -> EnergySpectra:
    """Spectra that are over energy already.

    Parameters
    ----------
    energy : eV, shape (n,), ascending or descending
    counts : shape (…, n); photons where no variance comes
    variance : of the counts, same shape; needed where a dark level was subtracted

    Raises
    ------
    NotPossible
        No axis, another shape, an axis in nm, no finite count; negative counts or a variance that is not positive.
    """
    values = np.asarray(counts)
    if values.dtype.kind not in "iuf" or isinstance(counts, np.ma.MaskedArray):
        values = real_array(counts, "the counts", error=NotPossible)
    if values.size == 0 or values.ndim == 0:
        raise NotPossible(f"counts of shape {values.shape} came: there is nothing in them")
    axis, turned = check_axis(energy, values.shape[-1])
    if not np.isfinite(values).any():
        raise NotPossible("no count is a finite number; all are NaN or infinity")
    lowest = np.nanmin(values)
    if variance is None and lowest < 0:
        raise NotPossible(
            f"a count of {lowest:g} came; photon counts are not negative. If the dark level was subtracted, give the "
            "variance of what is left (variance=counts before subtraction + that of the dark level)"
        )
    flat = values.reshape(-1, axis.size)
    stated = None
    if variance is not None:
        try:
            stated = np.broadcast_to(np.asarray(variance, float), values.shape).reshape(flat.shape)
        except ValueError:
            raise NotPossible(
                f"the variance has shape {np.shape(variance)}, the counts {values.shape}"
            ) from None
        if not np.all(stated[np.isfinite(flat)] > 0):
            raise NotPossible(
                "the variance must be positive in every channel; an empty channel has at least that of 1"
            )
    channels = np.arange(axis.size)[:: -1 if turned else 1]
    clipped = is_saturated(flat)
    if clipped.mean() > 0.05:
        raise NotPossible(_saturated(clipped, flat))
    return EnergySpectra(
        axis,
        values.shape[:-1],
        flat,
        channels,
        np.ones(axis.size),
        stated=stated,
        photons=_are_photons(flat),
        saturated=clipped,
    )


def sum_groups(values: NDArray[Any], weights: Array, size: int) -> Array:
    """Weighted sums of `size` neighbours along the last axis of (p, n), of what is left over at its end too."""
    whole = values.shape[-1] // size * size
    groups = values[:, :whole].reshape(len(values), whole // size, size)
    found = np.einsum("pgs,gs->pg", groups, weights[:whole].reshape(whole // size, size))
    if whole == values.shape[-1]:
        return np.asarray(found)
    return np.column_stack([found, values[:, whole:] @ weights[whole:]])


def as_slice(chosen: Any) -> Any:
    """Flat numbers in one run as a slice, so that nothing is copied; anything else as it is."""
    if isinstance(chosen, np.ndarray) and chosen.size and np.all(np.diff(chosen) == 1):
        return slice(int(chosen[0]), int(chosen[-1]) + 1)
    return chosen


def check_axis(energy: ArrayLike | None, channels: int) -> tuple[Array, bool]:
    """The energy axis ascending (eV), and whether it had to be turned round.

    Raises
    ------
    NotPossible
        No axis, one of another length, in nm, or that goes back and forth; too few channels.
    """
    if energy is None:
        raise NotPossible("no energy axis came; give the energy of every channel in eV (to_energy makes it)")
    axis = real_array(energy, "the energy axis", error=NotPossible)
    if axis.ndim != 1 or axis.size != channels:
        raise NotPossible(
            f"the energy axis has shape {axis.shape} and the counts have {channels} channels along their last axis; "
            "give one energy for each channel, and counts as (y, x, energy)"
        )
    if axis.size < FEWEST_CHANNELS:
        raise NotPossible(f"{axis.size} channels came; a band fit needs at least {FEWEST_CHANNELS}")
    if not np.all(np.isfinite(axis)):
        raise NotPossible("the energy axis holds NaN or infinity; give the energy of every channel in eV")
    if axis.max() > HIGHEST_ENERGY or axis.min() <= 0:
        raise NotPossible(
            f"the axis runs from {axis.min():g} to {axis.max():g}; photon energies in eV were expected. "
            "If these are wavelengths in nm, turn the spectrum into energy first: to_energy(wavelength, counts)"
        )
    steps = np.diff(axis)
    if not (np.all(steps > 0) or np.all(steps < 0)):
        raise NotPossible("the energy axis goes back and forth; sort the channels by energy")
    return (axis[::-1], True) if steps[0] < 0 else (axis, False)


def is_saturated(counts: NDArray[Any]) -> NDArray[np.bool_]:
    """For each spectrum, shape (p, m), whether it is cut off: three neighbours at the very largest count of all."""
    clipped = np.zeros(len(counts), bool)
    top = np.nanmax(counts)
    if top <= LEAST_FULL_SCALE:
        return clipped
    for first in range(0, len(counts), max(1, BLOCK // counts.shape[1])):
        part = slice(first, first + max(1, BLOCK // counts.shape[1]))
        at_top = counts[part] == top
        run = at_top[:, 2:] & at_top[:, 1:-1] & at_top[:, :-2]
        clipped[part] = run.any(-1) & ~at_top.all(-1)
    return clipped


def _saturated(clipped: NDArray[np.bool_], counts: NDArray[Any]) -> str:
    return (
        f"{int(clipped.sum())} of {clipped.size} spectra are saturated: {PLATEAU} or more neighbouring channels "
        f"stand at the largest count {np.nanmax(counts):g}. Record with a shorter dwell time or leave them out"
    )


def _are_photons(counts: NDArray[Any]) -> bool:
    """Whether these are whole counts from zero on."""
    if counts.dtype.kind == "u":
        return True
    size = max(1, BLOCK // counts.shape[1])
    parts = (counts[first : first + size] for first in range(0, len(counts), size))
    return all(np.nanmin(p, initial=0) >= 0 and np.array_equal(p, np.round(p), equal_nan=True) for p in parts)


def prepare_spectra(
    wavelength_nm: ArrayLike,
    counts: ArrayLike,
    *,
    dark: ArrayLike | None = None,
    response: ArrayLike | None = None,
    despike: bool = True,
    counted: bool = True,
    over: Literal["wavelength", "energy"] = "wavelength",
) -> EnergySpectra:
    """Photon counts → density over energy per nm channel, dark level off, response divided out, spikes replaced.

    The variance is that of the counts, averaged over neighbouring channels so that a channel's noise does not
    weigh the channel itself, and of the dark level, unless that is one number for all channels.

    Parameters
    ----------
    wavelength_nm : shape (n,)
    counts : shape (…, n), photons
    dark : counts without the beam, shape (n,) or a number
    response : photons counted per photon emitted, relative, shape (n,); channels under 2 % of its best are left out
    despike : whether cosmic rays are replaced
    counted : whether these may be counts; a rate is none, even where its numbers are whole
    over : what the counts are a density of; what is over energy already gets no Jacobian

    Raises
    ------
    NotPossible
        Wavelengths, counts or a response that cannot be used; saturated spectra.
    """
    recorded = np.asarray(counts)
    if recorded.dtype.kind not in "iuf" or isinstance(counts, np.ma.MaskedArray):
        recorded = real_array(counts, "the counts", error=NotPossible)
    nm = _checked_wavelength(wavelength_nm, recorded.shape)
    if not np.isfinite(recorded).any():
        raise NotPossible("no count is a finite number; all are NaN or infinity")
    flat = recorded.reshape(-1, nm.size)
    photons = counted and _are_photons(flat)
    clipped = is_saturated(flat) if photons else np.zeros(len(flat), bool)
    if clipped.mean() > 0.05:
        raise NotPossible(_saturated(clipped, flat))
    spikes = find_spikes(recorded, counted=counted) if despike else None
    level = np.broadcast_to(0.0 if dark is None else np.asarray(dark, float), nm.shape)
    eta = np.broadcast_to(1.0 if response is None else np.asarray(response, float), nm.shape)
    if not np.all(np.isfinite(eta)) or eta.max() <= 0:
        raise NotPossible(
            "the response must be finite and positive somewhere; give one number for each channel"
        )
    seen = np.flatnonzero(eta >= LEAST_RESPONSE * eta.max())
    channels = seen[np.argsort(-nm[seen], kind="stable")]
    jacobian = energy_jacobian(nm[channels])
    # One scale for all, so that numbers stay of the size of counts.
    density = jacobian / np.median(jacobian) if over == "wavelength" else np.ones(channels.size)
    notes = [f"{spikes[0].size} spikes replaced"] if spikes is not None else []
    notes.append(
        "no dark level given: it is part of the background" if dark is None else "dark level subtracted"
    )
    if not photons:
        notes.append("not whole photon counts: the noise is taken from how neighbouring channels scatter")
    unknown = "no response given: heights are as the detector sees them"
    notes.append(unknown if response is None else "response divided out")
    if seen.size < nm.size:
        notes.append(f"{nm.size - seen.size} channels left out where the detector hardly sees")
    varies = dark is not None and np.ptp(level) > 0
    return EnergySpectra(
        photon_energy(nm[channels]),
        recorded.shape[:-1],
        flat,
        channels,
        density * eta.max() / eta[channels],
        notes=tuple(notes),
        level=level,
        level_variance=noise_variance(level[None], photons=_are_photons(level[None]))[0] if varies else 0.0,
        photons=photons,
        saturated=clipped,
        spikes=NO_SPIKES if spikes is None else spikes,
    )


def noise_variance(values: Array, *, photons: bool, over: int = SMOOTHING) -> Array:
    """Of photon counts the mean of the channels beside; of anything else how neighbours scatter, shape (p, n).

    A channel has no part in its own variance: else one that is low by chance would weigh more, and all would read low.
    """
    if photons:
        beside = np.ones(over) / (over - 1)
        beside[over // 2] = 0.0
        around = correlate1d(values, beside, axis=-1)
        return np.maximum(around, 0.5, out=around)
    rough = np.pad(np.diff(values, 2, axis=-1) ** 2 / 6, [(0, 0), (1, 1)], mode="edge")
    floor = np.maximum(1e-3 * rough.mean(-1, keepdims=True), 1e-30)
    return np.maximum(uniform_filter1d(rough, SCATTER, axis=-1), floor)


def find_spikes(counts: NDArray[Any], *, counted: bool = True) -> Spikes:
    """Cosmic rays in spectra of shape (n,), (x, n) or (y, x, n): flat pixels, channels, and the median about each.

    A channel or two far above their neighbours, and not so in the pixels beside. A line that recurs next door is light.

    Raises
    ------
    NotPossible
        More than three dimensions.
    """
    if counts.ndim > 3:
        raise NotPossible(f"counts of shape {counts.shape} came; a map has y, x and channels")
    photons = counted and _are_photons(counts.reshape(-1, counts.shape[-1]))
    whole = counts.reshape((1,) * (3 - counts.ndim) + counts.shape)
    rows, columns, size = whole.shape
    step = max(1, BLOCK // (columns * size))
    found: list[tuple[int, int, float]] = []
    for first in range(0, rows, step):
        begin, end = max(first - 1, 0), min(first + step + 1, rows)
        part = np.asarray(whole[begin:end], np.float32)
        around = _median_of_five(part)
        wild = part - around
        wild /= _expected_noise(wild, around, photons)
        candidate = np.argwhere(wild[first - begin : first - begin + min(step, rows - first)] > SPIKE)
        for y, x, channel in candidate:
            y = y + first - begin
            beside = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
            inside = [(a, b) for a, b in beside if 0 <= a < len(part) and 0 <= b < columns]
            if all(wild[a, b, channel] < 0.5 * SPIKE for a, b in inside):
                pixel = (begin + y) * columns + x
                found.append((pixel, channel, float(around[y, x, channel])))
    if not found:
        return NO_SPIKES
    pixels, channels, values = zip(*found, strict=True)
    return np.array(pixels, np.intp), np.array(channels, np.intp), np.array(values, float)


def _expected_noise(
    deviation: NDArray[np.float32], around: NDArray[np.float32], photons: bool
) -> NDArray[np.float32]:
    """σ of each channel: of photons √N; of anything else a constant part and one that grows with the light.

    Both are read from how the dim half and the brightest tenth deviate from their neighbours' median.
    """
    if photons:
        return np.sqrt(np.maximum(around, 1.0))
    middle, bright = np.nanquantile(around, [0.5, 0.9])

    def variance(chosen: NDArray[np.bool_]) -> float:
        return float(np.nanquantile(np.abs(deviation[chosen]), 0.6827)) ** 2 if chosen.any() else 0.0

    dim = variance(around <= middle)
    gain = max(variance(around >= bright) - dim, 0.0) / max(float(bright - middle), 1e-30)
    return np.sqrt(np.maximum(dim + gain * np.maximum(around - middle, 0.0), 1e-30), dtype=np.float32)


def _median_of_five(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each channel and two to either side, along the last axis: by comparisons, without sorting."""
    n = values.shape[-1]
    wide = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(2, 2)], mode="edge")
    a, b, c, d, e = (wide[..., i : i + n] for i in range(5))
    low = np.maximum(np.minimum(a, b), np.minimum(d, e))
    high = np.minimum(np.maximum(a, b), np.maximum(d, e))
    below, above = np.minimum(low, high), np.maximum(low, high)
    return np.maximum(below, np.minimum(c, above))
