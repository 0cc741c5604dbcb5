"""From counts over nm to a density over eV: Jacobian, dark level, response and spikes, with its variance."""

from dataclasses import dataclass
from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import median_filter, uniform_filter1d

from nbtools.analysis.band_input import SpectrumError
from nbtools.models.colour_centres import energy_jacobian, photon_energy
from nbtools.statistics.arrays import real_array

Array = NDArray[np.float64]
SHORTEST, LONGEST = 50.0, 50_000.0  # nm: between soft X-rays and far infrared
SPIKE = 8.0  # standard deviations above the neighbouring channels
SMOOTHING = 9  # channels over which a variance is averaged
SCATTER = 31
# Where the detector sees less than this share of its best, division by the response only multiplies noise.
LEAST_RESPONSE = 0.02


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
    intensity : shape (…, n); variance : same shape

    Returns
    -------
    energy (eV, ascending), intensity, and the variance if one was given

    Raises
    ------
    SpectrumError
        An axis that is missing, not monotonic, of another length, or not in nm.
    """
    nm = _checked_wavelength(wavelength_nm, np.shape(intensity))
    order = np.argsort(-nm, kind="stable")
    jacobian = energy_jacobian(nm)[order]
    converted = real_array(intensity, "the intensity", error=SpectrumError)[..., order] * jacobian
    if variance is None:
        return photon_energy(nm[order]), converted
    if np.shape(variance) != np.shape(intensity):
        raise SpectrumError(
            f"the variance has shape {np.shape(variance)}, the intensity {np.shape(intensity)}"
        )
    squared = real_array(variance, "the variance", error=SpectrumError)[..., order] * jacobian**2
    if np.any(squared < 0):
        raise SpectrumError(f"a variance of {np.nanmin(variance):g} came; a variance is not negative")
    return photon_energy(nm[order]), converted, squared


def _checked_wavelength(wavelength: ArrayLike | None, shape: tuple[int, ...]) -> Array:
    if wavelength is None:
        raise SpectrumError("no wavelength axis came; give the wavelength of every channel in nm")
    nm = real_array(wavelength, "the wavelength axis", error=SpectrumError)
    if nm.ndim != 1 or not shape or nm.size != shape[-1]:
        raise SpectrumError(
            f"the wavelength axis has shape {nm.shape}, the intensity {shape}; give one wavelength for each "
            "channel, the channels along the last axis of the intensity"
        )
    if not np.all(np.isfinite(nm)):
        raise SpectrumError("the wavelength axis holds NaN or infinity")
    if nm.min() < SHORTEST or nm.max() > LONGEST:
        raise SpectrumError(
            f"the axis runs from {nm.min():g} to {nm.max():g}; wavelengths in nm were expected. Convert metres or "
            "micrometres first; an axis in eV needs no conversion"
        )
    steps = np.diff(nm)
    if nm.size > 1 and not (np.all(steps > 0) or np.all(steps < 0)):
        raise SpectrumError("the wavelength axis goes back and forth; sort the channels by wavelength")
    return nm


@dataclass(frozen=True)
class EnergySpectra:
    """Spectra as density over energy: eV (n,), intensity and variance (…, n), and what was done to them."""

    energy: Array
    intensity: Array
    variance: Array
    notes: tuple[str, ...]

    def __str__(self) -> str:
        span = f"{self.energy[0]:.2f} to {self.energy[-1]:.2f} eV, {self.energy.size} channels"
        return "\n".join([span, *self.notes])


def prepare_spectra(
    wavelength_nm: ArrayLike,
    counts: ArrayLike,
    *,
    dark: ArrayLike | None = None,
    response: ArrayLike | None = None,
    despike: bool = True,
    over: Literal["wavelength", "energy"] = "wavelength",
) -> EnergySpectra:
    """Photon counts → density over energy per nm channel, dark level off, response divided out, spikes replaced.

    The variance is that of the counts, averaged over neighbouring channels so that a channel's noise does not
    weigh the channel itself, and of the dark level, unless that is one number for all channels.

    Parameters
    ----------
    wavelength_nm : shape (n,); counts : shape (…, n), photons
    dark : counts without the beam, shape (n,) or a number
    response : photons counted per photon emitted, relative, shape (n,); channels under 2 % of its best are left out
    over : what the counts are a density of; what is over energy already gets no Jacobian
    """
    values = np.asarray(counts, float)
    nm = _checked_wavelength(wavelength_nm, values.shape)
    photons = bool(np.nanmin(values) >= 0 and np.all(values == np.round(values)))
    notes = []
    if despike:
        values, spikes = replace_spikes(values)
        notes.append(f"{spikes} spikes replaced")
    level = np.broadcast_to(0.0 if dark is None else np.asarray(dark, float), nm.shape)
    notes.append(
        "no dark level given: it is part of the background" if dark is None else "dark level subtracted"
    )
    variance = noise_variance(values)
    if dark is not None and np.ptp(level) > 0:
        variance = variance + noise_variance(level)
    notes += (
        []
        if photons
        else ["not whole photon counts: the noise is taken from how neighbouring channels scatter"]
    )
    values = values - level
    eta = np.broadcast_to(1.0 if response is None else np.asarray(response, float), nm.shape)
    if not np.all(np.isfinite(eta)) or eta.max() <= 0:
        raise SpectrumError(
            "the response must be finite and positive somewhere; give one number for each channel"
        )
    seen = eta >= LEAST_RESPONSE * eta.max()
    unknown = "no response given: heights are as the detector sees them"
    notes.append(unknown if response is None else "response divided out")
    if not seen.all():
        notes.append(f"{int((~seen).sum())} channels left out where the detector hardly sees")
    eta = eta[seen] / eta.max()
    # One scale for all, so that numbers stay of the size of counts.
    jacobian = energy_jacobian(nm[seen])
    eta = eta * (float(np.median(jacobian)) if over == "wavelength" else jacobian)
    energy, intensity, squared = to_energy(nm[seen], values[..., seen] / eta, variance[..., seen] / eta**2)
    return EnergySpectra(energy, intensity, squared, tuple(notes))


def noise_variance(values: Array) -> Array:
    """Of photon counts their local mean; of anything else how neighbouring channels scatter, shape (…, n)."""
    if values.min() >= 0 and np.all(values == np.round(values)):
        return np.maximum(uniform_filter1d(values, SMOOTHING, axis=-1), 0.5)
    rough = np.pad(np.diff(values, 2, axis=-1) ** 2 / 6, [(0, 0)] * (values.ndim - 1) + [(1, 1)], mode="edge")
    local = uniform_filter1d(rough, SCATTER, axis=-1)
    return np.maximum(local, max(1e-3 * float(np.mean(rough)), 1e-30))


def replace_spikes(counts: ArrayLike) -> tuple[Array, int]:
    """Cosmic rays: a channel or two far above their neighbours, and not so in the pixels beside; how many channels.

    Replaced by the median of the five channels about them. A line that recurs next door is light and stays.
    """
    values = np.array(counts, float)
    around = median_filter(values, size=(1,) * (values.ndim - 1) + (5,), mode="nearest")
    excess = (values - around) / np.sqrt(np.maximum(around, 1.0))
    wild = excess > SPIKE
    for axis in range(values.ndim - 1):
        for shift in (-1, 1):
            if values.shape[axis] > 2:
                wild &= np.roll(excess, shift, axis) < 0.5 * SPIKE
    values[wild] = around[wild]
    return values, int(wild.sum())
