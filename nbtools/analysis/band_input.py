"""What a band fit may be given: axes, counts and bands, checked, and the sentence that refuses the others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.models.colour_centres import LITERATURE_CENTRES, PAPER_CENTRES
from nbtools.statistics.arrays import real_array
from nbtools.units import HC

Array = NDArray[np.float64]
# No luminescence of a solid lies above; an axis that does is in nm.
HIGHEST_ENERGY = 20.0  # eV
FEWEST_CHANNELS = 8
PLATEAU = 3  # neighbouring channels at the largest count
LEAST_FULL_SCALE = 50.0  # counts: below, equal neighbours are chance


class SpectrumError(ValueError):
    """A spectrum, map or band that cannot be fitted; says what came, what was expected and what to do."""


@dataclass(frozen=True)
class BandStart:
    """A band to be fitted: its name, where it is looked for (eV) and its width (standard deviation, eV; NaN: guess)."""

    name: str
    centre: float
    width: float


def check_axis(energy: ArrayLike | None, channels: int) -> tuple[Array, bool]:
    """The energy axis ascending (eV), and whether it had to be turned round."""
    if energy is None:
        raise SpectrumError(
            "no energy axis came; give the energy of every channel in eV (to_energy makes it)"
        )
    axis = real_array(energy, "the energy axis", error=SpectrumError)
    if axis.ndim != 1 or axis.size != channels:
        raise SpectrumError(
            f"the energy axis has shape {axis.shape} and the counts have {channels} channels along their last axis; "
            "give one energy for each channel, and counts as (y, x, energy)"
        )
    if axis.size < FEWEST_CHANNELS:
        raise SpectrumError(f"{axis.size} channels came; a band fit needs at least {FEWEST_CHANNELS}")
    if not np.all(np.isfinite(axis)):
        raise SpectrumError("the energy axis holds NaN or infinity; give the energy of every channel in eV")
    if axis.max() > HIGHEST_ENERGY or axis.min() <= 0:
        raise SpectrumError(
            f"the axis runs from {axis.min():g} to {axis.max():g}; photon energies in eV were expected. "
            "If these are wavelengths in nm, turn the spectrum into energy first: to_energy(wavelength, counts)"
        )
    steps = np.diff(axis)
    if not (np.all(steps > 0) or np.all(steps < 0)):
        raise SpectrumError("the energy axis goes back and forth; sort the channels by energy")
    return (axis[::-1], True) if steps[0] < 0 else (axis, False)


def check_counts(counts: ArrayLike, dimensions: int, *, negative: bool) -> Array:
    """Counts as floats; `negative` says whether counts below zero may pass (their variance was given)."""
    values = np.asarray(counts)
    if values.dtype.kind not in "iufb" or isinstance(counts, np.ma.MaskedArray):
        values = real_array(counts, "the counts", error=SpectrumError)
    expected = {1: "a spectrum, shape (energy,)", 3: "a map, shape (y, x, energy)"}[dimensions]
    if values.ndim != dimensions:
        raise SpectrumError(
            f"counts of shape {values.shape} came; expected {expected}. A single spectrum goes to fit_bands, "
            "a line scan to fit_map as (1, x, energy)"
        )
    if values.size == 0:
        raise SpectrumError(f"counts of shape {values.shape} came: there is nothing in them")
    if values.dtype.kind == "f" and not np.isfinite(values).any():
        raise SpectrumError("no count is a finite number; all are NaN or infinity")
    lowest = np.nanmin(values)
    if lowest < 0 and not negative:
        raise SpectrumError(
            f"a count of {lowest:g} came; photon counts are not negative. If the dark level was subtracted, give the "
            "variance of what is left (variance=counts before subtraction + that of the dark level)"
        )
    return values


def is_saturated(counts: ArrayLike) -> NDArray[np.bool_]:
    """For each spectrum whether it is cut off: three neighbouring channels at the very largest count of all."""
    values = np.asarray(counts)
    top = np.nanmax(values)
    at_top = values == top
    run = at_top[..., 2:] & at_top[..., 1:-1] & at_top[..., :-2]
    clipped: NDArray[np.bool_] = run.any(-1) & ~at_top.all(-1) & (top > LEAST_FULL_SCALE)
    return clipped


def refuse_saturated(counts: ArrayLike, *, tolerated: float) -> NDArray[np.bool_]:
    """Which spectra are cut off; an error if more than a share `tolerated` are."""
    clipped = is_saturated(counts)
    if clipped.mean() > tolerated:
        raise SpectrumError(
            f"{int(clipped.sum())} of {clipped.size} spectra are saturated: {PLATEAU} or more neighbouring channels "
            f"stand at the largest count {np.nanmax(counts):g}. Record with a shorter dwell time or leave them out"
        )
    return clipped


def as_bands(bands: Any, energy: Array) -> tuple[BandStart, ...]:
    """Bands from centres (eV), (centre, width) pairs, names of centres in MgO, `Centre`s, or a dict name → these."""
    if isinstance(bands, (str, int, float)) or not isinstance(bands, Iterable):
        raise SpectrumError(f"bands is {bands!r}; give a list with the centre of each band in eV")
    pairs = list(bands.items()) if isinstance(bands, Mapping) else [("", band) for band in bands]
    if not pairs:
        raise SpectrumError("no band came; give a list with the centre of each band in eV")
    found = [_band(name or f"band {number}", band) for number, (name, band) in enumerate(pairs, 1)]
    for band in found:
        _check_band(band, energy)
    names = [band.name for band in found]
    if len(set(names)) < len(names):
        raise SpectrumError(f"two bands have the same name: {', '.join(names)}")
    centres = [band.centre for band in found]
    if len(set(centres)) < len(centres):
        raise SpectrumError("two bands start at the same energy; one of them is enough")
    return tuple(_with_width(band, centres, energy) for band in found)


def _band(name: str, band: Any) -> BandStart:
    if isinstance(band, str):
        known = {centre.name: centre for centre in (*LITERATURE_CENTRES, *PAPER_CENTRES)}
        if band not in known:
            raise SpectrumError(f"no centre {band!r} is known; known are {', '.join(known)}, or give eV")
        return BandStart(band, known[band].energy, np.nan)
    if hasattr(band, "energy") and hasattr(band, "name"):
        return BandStart(str(band.name), float(band.energy), np.nan)
    if hasattr(band, "centre"):
        return BandStart(str(getattr(band, "name", name)), float(band.centre), float(band.width))
    numbers = np.atleast_1d(np.asarray(band, float))
    if numbers.shape not in ((1,), (2,)):
        raise SpectrumError(f"{name} is {band!r}; expected a centre in eV, or (centre, width) in eV")
    if numbers.size == 2 and not numbers[1] > 0:
        raise SpectrumError(
            f"{name} has the width {numbers[1]:g}; a positive standard deviation in eV was expected"
        )
    return BandStart(name, float(numbers[0]), float(numbers[1]) if numbers.size == 2 else np.nan)


def _check_band(band: BandStart, energy: Array) -> None:
    if not np.isfinite(band.centre):
        raise SpectrumError(f"the centre of {band.name} is {band.centre}; give an energy in eV")
    if not energy[0] <= band.centre <= energy[-1]:
        hint = (
            f"; as a wavelength in nm it would be {HC / band.centre:.3f} eV"
            if band.centre > HIGHEST_ENERGY
            else ""
        )
        raise SpectrumError(
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
