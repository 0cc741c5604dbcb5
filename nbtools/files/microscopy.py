"""Microscopes' own formats as labelled arrays; the only place that knows RosettaSciIO, which is GPL and optional."""

import importlib
import re
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from nbtools.files.child import read_in_child
from nbtools.units import factor

# Formats that hold images, volumes or spectra, and none that unpickles.
FORMATS = {
    *("Blockfile", "Bruker", "DENS", "Delmic", "DigitalMicrograph", "DigitalSurf", "EDAX", "EMD", "HSPY"),
    *("Hamamatsu", "Impulse", "JEOL", "JobinYvon", "MRC", "MSA", "NeXus", "Renishaw", "Ripple", "SEMPER"),
    *("TIA", "TriVista", "TVIPS", "ZSPY"),
}
LARGEST = 4_000_000_000  # bytes of one array
LAZY = 250_000_000  # bytes from which one is left on disk, as a Dask array
NAMES = {"height": "y", "width": "x", "depth": "z", "energy loss": "energy", "photon energy": "energy"}
LENGTHS, ENERGIES, ANGLES, TIMES, FREQUENCIES = "m", "eV", "rad", "s", "1/m"
# libhdf5 may turn in circles over damaged attributes, where nothing interrupts it: look at all of them first, in
# another process, for up to 3 s of computing. What else is wrong the reader itself says.
HDF5 = b"\x89HDF\r\n\x1a\n"
LOOK = """
import resource, sys, h5py
resource.setrlimit(resource.RLIMIT_CPU, (3, 3))
try:
    with h5py.File(sys.argv[1]) as file:
        dict(file.attrs)
        file.visititems(lambda _, thing: dict(thing.attrs) and None)
except Exception:
    pass
"""
HYPERMAP = f"""
import sys
from rsciio.bruker import file_reader
for entry in file_reader(sys.argv[1], select_type="spectrum_image", lazy=True):
    if entry["data"].nbytes > {LARGEST}:
        sys.exit(f"it takes {{entry['data'].nbytes / 1e9:.3g}} GB, and up to {LARGEST / 1e9:g} GB are read")
    entry["data"].compute(scheduler="synchronous")
"""
INVERSE = re.compile(r"([a-zA-Zµμ]+)\^?\{?[-−]1\}?")
MICROMETRE = re.compile("^(µm|μm|um|micron|microns|micrometer|micrometre)$", re.IGNORECASE)


class MicroscopyError(ValueError):
    """A file that cannot be used; says what was found, what was expected and what to do."""


def read_signals(path: str | Path) -> list[xr.DataArray]:
    """Every image, map or spectrum in a microscope's file.

    Dimensions are called ``z``, ``y``, ``x``, ``wavelength``, ``energy``, ``tilt`` and ``time`` where the file says
    or plainly means so, ``channel`` of colours, else as the file calls them. Their coordinates are in m, eV, rad, s
    and, of a diffraction pattern, 1/m, as the ``units`` of each say; a dimension whose unit the file does not give
    has no coordinate, and what it gives instead stands in ``attrs["unitless_steps"]``, and ``attrs["stated_units"]``
    has each unit as the file writes it. ``attrs`` also hold ``title``, ``signal_type``, ``quantity``, ``source``,
    ``format``, ``remark`` (what of the file was not read) and the file's own ``metadata``.

    Raises
    ------
    MicroscopyError
        No such file, a format that is not known or not what it claims to be, an array that is too large.
    ImportError
        RosettaSciIO is not installed; says how to get it.
    """
    path = Path(path)
    if not path.exists():
        raise MicroscopyError(f"{path} is not there; a microscope's file was expected")
    candidates, complaints = _candidates(path), []
    _refuse_circles(path)
    for plugin in candidates:
        try:
            found = _read_with(plugin, path)
        except (KeyboardInterrupt, MicroscopyError):
            raise
        except Exception as problem:
            complaints.append(
                f"as {plugin['name']}: {str(problem).splitlines()[0] if str(problem) else problem!r}"
            )
        else:
            return [_labelled(entry, path, plugin["name"]) for entry in found]
    raise MicroscopyError(f"{path.name} cannot be read ({'; '.join(complaints)}); is it whole?")


def _candidates(path: Path) -> list[dict[str, Any]]:
    """The formats that go by this file's ending."""
    try:
        from rsciio import IO_PLUGINS
    except ImportError:
        raise ImportError(
            "microscopes' files need RosettaSciIO: pip install 'mgb2-notebooks[microscopy]'"
        ) from None
    ending = path.suffix.lower().lstrip(".")
    known = [plugin for plugin in IO_PLUGINS if plugin["name"] in FORMATS]
    found = [plugin for plugin in known if ending in map(str.lower, plugin["file_extensions"])]
    if not found:
        endings = sorted({end.lower() for plugin in known for end in plugin["file_extensions"]})
        raise MicroscopyError(
            f"{path.name}: no microscope's format ends in {path.suffix or 'nothing'}; known are {', '.join(endings)}"
        )
    return found


def _refuse_circles(path: Path) -> None:
    """No HDF5 file over whose attributes the library dies or never ends."""
    if path.is_file():
        with path.open("rb") as file:
            signature = file.read(len(HDF5))
        if signature == HDF5:
            try:
                read_in_child(LOOK, path)
            except ValueError:
                raise MicroscopyError(
                    f"{path.name} is damaged: the HDF5 library dies over its attributes or never ends; is it whole?"
                ) from None


def _read_with(plugin: Mapping[str, Any], path: Path) -> list[dict[str, Any]]:
    """The file's signals, in memory, the large ones lazy; sizes are looked at before anything is loaded."""
    unread = _why_no_hypermap(path) if path.suffix.lower() == ".bcf" else ""
    options = {"select_type": "image"} if unread else {}
    reader = partial(importlib.import_module(plugin["api"]).file_reader, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = list(reader(str(path), lazy=True))
        except (TypeError, NotImplementedError, ValueError):
            found = list(reader(str(path)))
        if not found:
            raise MicroscopyError(f"{path.name} is a {plugin['name']} file without any data")
        for entry in found:
            _refuse_giants(entry["data"], path)
            entry["data"] = _in_memory(entry["data"])
            entry["remark"] = unread
    return found


def _why_no_hypermap(path: Path) -> str:
    """What keeps the map of spectra in Bruker's file from being read; "" where nothing does.

    Over a damaged one the compiled reader ends the whole process; the file's images are safe.
    """
    try:
        read_in_child(HYPERMAP, path)
    except ValueError as problem:
        return f"the map of spectra in the same file is not read: {problem}"
    return ""


def _refuse_giants(data: Any, path: Path) -> None:
    size = float(np.prod([float(n) for n in data.shape])) * data.dtype.itemsize
    if size > LARGEST:
        raise MicroscopyError(
            f"{path.name} claims an array of shape {data.shape}, {size / 1e9:.3g} GB; up to {LARGEST / 1e9:g} GB "
            "are read whole: crop it, or convert it to Zarr"
        )


def _in_memory(data: Any) -> Any:
    """A lazy array computed in this thread, a memory map copied: the file is closed afterwards. Not so a large one."""
    if hasattr(data, "compute"):
        if data.nbytes > LAZY:
            return data
        data = data.compute(scheduler="synchronous")
    return np.array(data)


def _labelled(entry: Mapping[str, Any], path: Path, form: str) -> xr.DataArray:
    data, axes = entry["data"], _axes(entry)
    steps: dict[str, float] = {}
    stated: dict[str, str] = {}
    names, coords = [], {}
    for number, axis in enumerate(axes):
        name = _name(axis, number, axes, _signal_type(entry))
        if _is_colour(axis, data, number, axes):
            name = "channel"
        names.append(name if name not in names else f"{name}_{number}")
        values, unit = _values(axis, data.shape[number])
        stated[names[-1]] = _unit(axis.get("units"))
        if unit:
            coords[names[-1]] = (names[-1], values, {"units": unit})
        elif values.size > 1 and values[1] - values[0] != 1:
            steps[names[-1]] = float(values[1] - values[0])
    signal = entry.get("metadata", {}).get("Signal", {})
    attrs = {
        "title": _title(entry) or path.stem,
        "signal_type": _signal_type(entry),
        "quantity": signal.get("quantity", ""),
        "source": path.name,
        "format": form,
        "unitless_steps": steps,
        "stated_units": stated,
        "remark": entry.get("remark", ""),
        "metadata": {**entry.get("metadata", {}), "original": entry.get("original_metadata", {})},
    }
    return xr.DataArray(data, dims=names, coords=coords, attrs=attrs, name=attrs["title"])


def _title(entry: Mapping[str, Any]) -> str:
    """As the file has it; of an image whose origin the reader does not know, the detector's name."""
    title = str(entry.get("metadata", {}).get("General", {}).get("title", ""))
    detector = entry.get("original_metadata", {}).get("BinaryResult", {}).get("Detector", "")
    return detector if detector and title == "Unrecognized_image_signal" else title


def _axes(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The axes; the third of an MRC file, of which the reader says nothing, is tilt or depth where the header says so.

    FEI's extended header has the angle of each section. A header with space group 1, or with sections that lie farther
    apart than pixels, is a volume's; any other may be one of frames.
    """
    axes = [dict(axis) for axis in entry["axes"]]
    original = entry.get("original_metadata", {})
    header = original.get("std_header", {})
    if len(axes) != 3 or "ISPG" not in header or axes[0].get("units"):
        return axes
    angles = np.ravel(original.get("fei_header", {}).get("a_tilt", ()))[: entry["data"].shape[0]]
    if len(angles) == entry["data"].shape[0] and np.ptp(angles) > 0:
        axes[0] |= {"name": "tilt", "units": "deg", "axis": angles}
    elif (
        int(np.ravel(header["ISPG"])[0]) == 1 or not np.isclose(axes[0]["scale"], (1, axes[1]["scale"])).any()
    ):
        axes[0]["units"] = axes[1].get("units")
    return axes


def _signal_type(entry: Mapping[str, Any]) -> str:
    return str(entry.get("metadata", {}).get("Signal", {}).get("signal_type", ""))


def _name(axis: Mapping[str, Any], number: int, axes: Sequence[Mapping[str, Any]], kind: str) -> str:
    """What the file calls it, in our words; an unnamed one by its unit and place."""
    given = str(axis.get("name") or "").strip().lower()
    unit = _unit(axis.get("units"))
    if unit == "deg" or unit == "rad":
        return "tilt"
    if given in NAMES or given:
        return NAMES.get(given, given.replace(" ", "_"))
    if _is(unit, ENERGIES) or (kind.startswith("E") and len(axes) == 1):
        return "energy"
    # The one axis along which the file says that its signal lies: in units of length, a wavelength.
    along = [a for a in axes if not a.get("navigate", True)]
    spectral = along if len(along) == 1 and _is(_unit(along[0].get("units")), LENGTHS) else []
    if axis in spectral:
        return "wavelength"
    images = [a for a in axes if a not in spectral and not _is(_unit(a.get("units")), ENERGIES)]
    places = ("z", "y", "x")[-len(images) :] if len(images) <= 3 else ()
    if len(axes) > 1 and axis in images and len(places) == len(images):
        return places[[id(a) for a in images].index(id(axis))]
    return f"axis_{number}"


def _is_colour(
    axis: Mapping[str, Any], data: np.ndarray[Any, Any], number: int, axes: Sequence[Mapping[str, Any]]
) -> bool:
    """An axis of three or four bytes that the file neither names nor measures, beside two that it does."""
    others = [other for other in axes if other is not axis]
    plain = not axis.get("name") and not _unit(axis.get("units")) and float(axis.get("scale") or 1) == 1
    known = len(others) == 2 and all(_unit(other.get("units")) or other.get("name") for other in others)
    return plain and known and data.dtype == np.uint8 and data.shape[number] in (3, 4)


def _values(axis: Mapping[str, Any], size: int) -> tuple[np.ndarray[Any, Any], str]:
    """The places along an axis, and their unit; without a unit, as the file numbers them."""
    if axis.get("axis") is not None:
        written = np.asarray(axis["axis"], float)
    else:
        written = float(axis.get("offset") or 0) + float(axis.get("scale") or 1) * np.arange(size)
    unit = _unit(axis.get("units"))
    for target in (LENGTHS, ENERGIES, ANGLES, TIMES, FREQUENCIES):
        if _is(unit, target):
            return written * factor(unit, target), target
    return written, ""


def _unit(written: Any) -> str:
    """``$nm$``, ``µm`` and ``micron`` as the unit library writes them."""
    text = str(written or "").replace("$", "").strip()
    if inverse := INVERSE.fullmatch(text):
        text = f"1/{inverse[1]}"
    return "um" if MICROMETRE.match(text) else text.replace("Å", "angstrom").replace("°", "deg")


def _is(unit: str, target: str) -> bool:
    if not unit or unit in ("px", "pixel", "pixels"):
        return False
    try:
        factor(unit, target)
    except ValueError:
        return False
    return True


def is_length(unit: str) -> bool:
    """Whether a unit, as a file writes it, is one of length."""
    return _is(_unit(unit), LENGTHS)
