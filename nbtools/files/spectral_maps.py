"""Luminescence spectra and maps out of whatever a microscope wrote: one order of axes, wavelengths in nm, checked."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nbtools.files.microscopy import MicroscopyError, is_length, read_signals
from nbtools.files.text_table import read_text_table
from nbtools.units import HC, convert

Array = NDArray[np.float64]
SPECTRAL = {"wavelength": "m", "energy": "eV", "wavenumber": "1/m", "raman_shift": "1/m"}
DELAYS = ("time", "delay", "time_delay", "streak")
# What an axis of places may be called that has no unit.
PLACES = ("x", "y", "z", "position", "distance", "pixel", "point", "scan")
FEWEST_CHANNELS = 8
HARDEST = 20.0  # eV: above is no luminescence of a solid
RATE = re.compile(r"/\s*s\b|/\s*sec|\bcps\b|per s|s\^?-1", re.IGNORECASE)
EDGE_NM = 100.0, 20_000.0


class SpectralMapError(MicroscopyError):
    """A file without a luminescence spectrum that can be used; says what was found and what was expected."""


@dataclass(frozen=True)
class Spectra:
    """Luminescence over wavelength: one spectrum (n,), a line (1, x, n) or a map (y, x, n).

    counts : as the file has them, the channels last
    wavelength_nm : shape (n,), ascending
    over : "wavelength" or "energy": what the counts are a density of
    pixel : m, NaN where the file does not say
    kind : "CL" by an electron beam, "PL" by light, "" where the file does not say
    counted : whether the numbers may be counts; not where the file says that they are a rate
    settings : what the file says of beam, current, dwell, magnification (SI)
    notes : what was turned round or left out
    """

    title: str
    counts: NDArray[Any]
    wavelength_nm: Array
    over: Literal["wavelength", "energy"]
    pixel: float
    kind: str = ""
    counted: bool = True
    settings: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def is_map(self) -> bool:
        return self.counts.ndim == 3

    def __str__(self) -> str:
        shape = " × ".join(map(str, self.counts.shape))
        pixel = f", pixel {convert(self.pixel, 'm', 'nm'):.4g} nm" if np.isfinite(self.pixel) else ""
        span = f"{self.wavelength_nm[0]:.1f} to {self.wavelength_nm[-1]:.1f} nm"
        return "\n  ".join([f"{self.title}: {shape}, {span}{pixel}", *self.notes])


@dataclass(frozen=True)
class Recording:
    """What one file holds of a field: its maps, images (y, x) and spectra by title, and what was left out and why."""

    source: str
    maps: tuple[Spectra, ...]
    images: dict[str, xr.DataArray]
    spectra: dict[str, Spectra]
    refused: dict[str, str]

    def beside(self, one: Spectra) -> dict[str, Any]:
        """What `prepare_spectra` is told of a map or spectrum besides: dark level, response, that it is a rate.

        A dark spectrum of another dwell time is scaled to that of a map's pixel; where both are of one dwell time it is
        taken channel by channel.
        """
        found: dict[str, Any] = {} if one.counted else {"counted": False}
        dark, response = self.spectrum("dark"), self.spectrum("response")
        if dark is not None and dark is not one and dark.counts.size == one.wavelength_nm.size:
            if one.counts.ndim == 1:
                found["dark"] = np.asarray(dark.counts, float)
            else:
                share = one.settings.get("dwell", np.nan) / dark.settings.get("dwell", np.nan)
                level = float(dark.counts.mean()) * (share if np.isfinite(share) else 1.0)
                found["dark"] = np.full(dark.counts.size, level)
        if response is not None and response.counts.size == one.wavelength_nm.size:
            found["response"] = np.asarray(response.counts, float)
        return found

    def image_of(self, one: Spectra) -> Array | None:
        """The first image on the pixels of a map; None without one."""
        found = next((i for i in self.images.values() if i.shape == one.counts.shape[:-1]), None)
        return None if found is None else np.asarray(found.values, float)

    def spectrum(self, *words: str) -> Spectra | None:
        """The first spectrum whose title holds all words, None without one."""
        for title, spectra in self.spectra.items():
            if all(word.lower() in title.lower() for word in words):
                return spectra
        return None

    def __str__(self) -> str:
        lines = [str(m) for m in self.maps]
        lines += [
            f"{title}: {' × '.join(map(str, image.shape))} pixels" for title, image in self.images.items()
        ]
        if self.spectra:
            lines.append(f"spectra: {', '.join(self.spectra)}")
        return "\n".join(
            [f"{self.source}:", *lines, *(f"{t} is left out: {why}" for t, why in self.refused.items())]
        )


def read_recording(path: str | Path, *, columns: str = "") -> Recording:
    """Sort what `read_signals` finds into maps, images and spectra.

    Parameters
    ----------
    path : of a microscope's file, or of a table of numbers
    columns : of a table, which are the wavelength or photon energy and the counts: ``"wavelength:0 nm, counts:1"``

    Raises
    ------
    SpectralMapError
        A file in which nothing is a luminescence spectrum or map; the reason for each part.
    TableError
        No such columns.
    """
    path = Path(path)
    if columns and path.is_file() and b"\x00" not in path.read_bytes()[:4096]:
        table = read_text_table(path, columns, needs=("counts",))
        axis = next((name for name in SPECTRAL if name in table), "wavelength")
        if axis not in table:
            raise SpectralMapError(f"{path.name}: COLUMNS names no wavelength and no energy; add its column")
        along = ("m" if axis == "wavelength" else "eV", table[axis].values)
        spectrum = xr.DataArray(
            table["counts"].values, dims=axis, coords={axis: (axis, along[1], {"units": along[0]})}
        )
        return sort_signals([spectrum.assign_attrs(title=path.stem)], path.name)
    return sort_signals(read_signals(path), Path(path).name)


def sort_signals(signals: Iterable[xr.DataArray], source: str) -> Recording:
    """The same for signals that are in memory."""
    maps: list[Spectra] = []
    images: dict[str, xr.DataArray] = {}
    spectra: dict[str, Spectra] = {}
    refused: dict[str, str] = {}
    for signal in signals:
        title = str(signal.attrs.get("title") or signal.name or source)
        if set(signal.dims) == {"y", "x"}:
            images[title] = signal.transpose("y", "x")
            continue
        try:
            found = as_spectra(signal)
        except SpectralMapError as reason:
            refused[title] = str(reason)
            continue
        if found.is_map:
            maps.append(found)
        else:
            spectra[title] = found
    if not maps and not spectra:
        why = "; ".join(f"{title}: {reason}" for title, reason in refused.items()) or "only images"
        raise SpectralMapError(f"{source} holds no luminescence spectrum or map ({why})")
    return Recording(source, tuple(maps), images, spectra, refused)


def as_spectra(signal: xr.DataArray) -> Spectra:
    """One labelled array as a spectrum, a line or a map over ascending wavelength.

    Raises
    ------
    SpectralMapError
        A time-resolved map, another kind of spectrum, an axis that is missing, without unit or not monotonic.
    """
    kind = str(signal.attrs.get("signal_type", ""))
    delays = [dim for dim in map(str, signal.dims) if dim in DELAYS or _unit(signal, dim) == "s"]
    if delays:
        raise SpectralMapError(
            f"{delays[0]} is one of its axes ({signal.sizes[delays[0]]} steps): a time-resolved map. Its spectra "
            "change with delay, which no band fit here follows; sum or choose delays first"
        )
    if kind.startswith(("EELS", "EDS")):
        raise SpectralMapError(f"it is of type {kind}, which is no luminescence")
    axis = next((dim for dim in SPECTRAL if dim in signal.dims), None)
    if axis is None:
        raise SpectralMapError(
            f"its axes are {', '.join(map(str, signal.dims))}; one called wavelength (nm), energy (eV) or "
            "wavenumber (1/cm) is missing"
        )
    others = [str(dim) for dim in signal.dims if dim != axis]
    ordered = signal.transpose(*(dim for dim in ("y", "x") if dim in others), ..., axis)
    if len(others) > 2 or (len(others) == 2 and set(others) != {"y", "x"}):
        raise SpectralMapError(f"its axes are {', '.join(map(str, signal.dims))}; a map has y, x and {axis}")
    for dim in others:
        _require_place(signal, dim)
    places, notes = _wavelengths(ordered, axis)
    counts = np.asarray(ordered.values)
    if counts.dtype.kind not in "iuf":
        raise SpectralMapError(f"its values are of type {counts.dtype}; numbers were expected")
    if counts.dtype.itemsize < 4 and counts.dtype.kind == "f":
        counts = counts.astype(np.float32)
    if len(others) == 1:
        counts = counts[None]
        notes.append(f"a line along {others[0]}, read as a map of one row")
    order = np.argsort(places, kind="stable")
    if np.any(np.diff(order) != 1):
        counts = counts[..., order]
    if order[0] != 0:
        notes.append("channels turned round, so that the wavelength ascends")
    return Spectra(
        title=str(signal.attrs.get("title") or signal.name or "spectrum"),
        counts=counts,
        wavelength_nm=places[order],
        over="wavelength" if axis == "wavelength" else "energy",
        pixel=_pixel(ordered, others),
        counted=not RATE.search(str(signal.attrs.get("quantity", ""))),
        kind=_kind(kind, signal.attrs.get("metadata", {})),
        settings=_settings(signal.attrs.get("metadata", {})),
        notes=tuple(notes),
    )


def _require_place(signal: xr.DataArray, dim: str) -> None:
    """Refuse an axis whose unit or name says that it is no place: an angle, a temperature, a power."""
    unit = _unit(signal, dim) or str(signal.attrs.get("stated_units", {}).get(dim, ""))
    measured = unit not in ("", "m", "px", "pixel", "pixels") and not is_length(unit)
    if measured or (not unit and dim not in PLACES and not dim.startswith("axis_")):
        named = f"{dim} in {unit}" if unit and unit != dim else dim
        raise SpectralMapError(
            f"its spectra stand along {named} ({signal.sizes[dim]} steps), which is no place: a series, not a map. "
            "Give each spectrum of the series by itself"
        )


def _kind(signal_type: str, metadata: Any) -> str:
    """The file's word for how the light is excited: by a beam, CL; by light, PL; or empty."""
    instrument = metadata.get("Acquisition_instrument", {}) if isinstance(metadata, dict) else {}
    if signal_type.startswith(("CL", "PL")):
        return signal_type[:2]
    beams = {str(name).lower() for name in instrument} if isinstance(instrument, dict) else set()
    if beams & {"sem", "tem", "stem"}:
        return "CL"
    return "PL" if "laser" in beams else ""


def _unit(signal: xr.DataArray, dim: str) -> str:
    return str(signal.coords[dim].attrs.get("units", "")) if dim in signal.coords else ""


def _wavelengths(signal: xr.DataArray, axis: str) -> tuple[Array, list[str]]:
    if axis not in signal.coords:
        raise SpectralMapError(
            f"its {axis} axis has no unit: no channel has a wavelength; give one in the file"
        )
    values, unit = np.asarray(signal.coords[axis].values, float), _unit(signal, axis)
    if values.size < FEWEST_CHANNELS:
        raise SpectralMapError(f"it has {values.size} channels; at least {FEWEST_CHANNELS} were expected")
    steps = np.diff(values)
    if not np.all(np.isfinite(values)) or not (np.all(steps > 0) or np.all(steps < 0)):
        raise SpectralMapError(f"its {axis} axis is not monotonic; sort the channels")
    try:
        places = convert(values, unit or SPECTRAL[axis], SPECTRAL[axis])
    except ValueError:
        raise SpectralMapError(f"its {axis} axis is in {unit!r}; nm or eV was expected, or 1/cm") from None
    notes = [] if np.ptp(steps) < 1e-3 * np.abs(steps).max() else [f"uneven steps in {axis}"]
    if axis == "energy" and (places.max() > HARDEST or places.min() <= 0):
        raise SpectralMapError(f"its energies reach {places.max():.4g} eV, where no solid shines")
    if axis == "raman_shift":
        laser = _laser(signal.attrs.get("metadata", {}))
        if not np.isfinite(laser):
            raise SpectralMapError(
                "its axis is a Raman shift, and the file does not say the laser's wavelength: no channel has a "
                "wavelength. Export it over wavelength or absolute wavenumber"
            )
        notes.append(f"a Raman shift from the laser's {laser:.6g} nm, turned into wavelength")
        places = convert(1.0, "1/nm", "1/m") / laser - places
    if axis != "energy" and axis != "wavelength" and places.min() <= 0:
        raise SpectralMapError(f"its wavenumbers reach {places.min():.4g} 1/m; a photon's is positive")
    if axis == "wavelength":
        places = convert(places, "m", "nm")
    else:
        places = HC / places if axis == "energy" else convert(1 / places, "m", "nm")
    if places.min() < EDGE_NM[0] or places.max() > EDGE_NM[1]:
        raise SpectralMapError(
            f"its wavelengths run from {places.min():.4g} to {places.max():.4g} nm; is the unit {unit!r} right?"
        )
    return np.asarray(places), notes


def _laser(metadata: Any) -> float:
    """Wavelength of the exciting laser (nm), as HORIBA's and Renishaw's files state it; NaN where none is."""
    instrument = metadata.get("Acquisition_instrument", {}) if isinstance(metadata, dict) else {}
    lasers = [entry for name, entry in dict(instrument or {}).items() if str(name).lower() == "laser"]
    with suppress(TypeError, ValueError, KeyError, IndexError):
        return float(lasers[0]["wavelength"])
    return float("nan")


def _pixel(signal: xr.DataArray, others: list[str]) -> float:
    for dim in ("x", "y", *others):
        if dim in others and dim in signal.coords and signal.sizes[dim] > 1 and _unit(signal, dim) == "m":
            return abs(float(signal.coords[dim].values[1] - signal.coords[dim].values[0]))
    return float("nan")


def _settings(metadata: Any) -> dict[str, float]:
    """Beam energy (eV), current (A), dwell (s) and magnification, under the names that files give them."""
    sem = metadata.get("Acquisition_instrument", {}).get("SEM", {}) if isinstance(metadata, dict) else {}
    wanted = {
        "beam_energy": (("beam_energy", 1e3), ("beam_acc_voltage_kv", 1e3)),
        "beam_current": (("beam_current", 1e-9),),
        "dwell": (("dwell_time", 1.0), ("dwell_time_scan_s", 1.0)),
        "magnification": (("magnification", 1.0), ("real_magnification", 1.0)),
    }
    found: dict[str, float] = {}
    for name, ways in wanted.items():
        for key, scale in ways:
            with suppress(TypeError, ValueError):  # a file may write anything there
                if key in sem and np.isfinite(value := float(sem[key])):
                    found.setdefault(name, scale * value)
    # Some export volts under a name that says kilovolts; no SEM has a megavolt.
    if found.get("beam_energy", 0.0) > 1e6:
        found["beam_energy"] /= 1e3
    return found
