"""What a file is, which notebook takes it, and what the sample card still needs."""

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from nbtools.files.crystal import read_crystal
from nbtools.files.image_sets import read_image_set
from nbtools.files.images import PICTURES, TIFF, ImageError, pixel_sizes
from nbtools.files.indicator_frames import FramesError, read_frames
from nbtools.files.local_susceptibility import read_local_susceptibility
from nbtools.files.microscopy import read_signals
from nbtools.files.powder_diffraction import read_pattern
from nbtools.files.quantum_design import read_dat, split_sweeps
from nbtools.files.sample_card import SampleCard, read_sample_card
from nbtools.files.scanning_maps import read_map
from nbtools.files.spectral_maps import read_recording
from nbtools.files.sweep_records import MEASURED
from nbtools.manifest import SAMPLE_CARD, open_data
from nbtools.units import convert

LATTICE = 1e-10  # m: with larger pixels no image shows lattice planes
OUTSIDE = "no notebook takes this as its DATA"
# What each kind of data asks of the sample card; a test holds this against the notebooks.
CARD = {
    "resistance": ("cross_section", "tap_distance", "current", "thermometer_offset"),
    "moment": ("dimensions", "field_axis", "instrument", "remanence", "thermometer_offset"),
    "ac": ("dimensions", "field_axis", "thermometer_offset"),
    "frames": ("dimensions", "field_axis", "thermometer_offset"),
    "luminescence": ("beam_energy", "frame"),
}
QUANTITIES = {"moment": "moment", "ac_in_phase": "ac"}  # all else is a resistance


@dataclass(frozen=True)
class Finding:
    """What a reader found: sentences on the file, what it lacks, where it goes and what the card is asked for."""

    what: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    goes: tuple[str, ...] = ()  # "03 DATA", perhaps with more parameters, or a sentence
    asks: tuple[str, ...] = ()


def inspect_path(path: str | Path, card: str | Path | None = None) -> tuple[str, bool]:
    """The report on a file, or on each file of a folder, and whether anything could be read."""
    path = Path(path)
    if not path.exists():
        raise ValueError(f"there is no file {path}; give the path of a file or a folder")
    files = [path] if path.is_file() or _is_zarr(path) else sorted(_files(path))
    if not files:
        raise ValueError(f"the folder {path} holds no file; give a folder with data, or one file")
    reports, notebooks = [], Counter[str]()
    for file in files:
        found = inspect_file(file)
        reports.append(found if isinstance(found, str) else _report(file, found, card))
        notebooks.update({way[:2] for way in getattr(found, "goes", ()) if " DATA" in way})
    reports += [
        f"all of these together: {_line(f'{notebook} DATA', path)}"
        for notebook, count in sorted(notebooks.items())
        if count == len(files) > 1
    ]
    return "\n\n".join(reports), any("cannot be used" not in report for report in reports)


def inspect_file(path: Path) -> Finding | str:
    """What the first reader for files of this ending makes of it; without one, the sentence why not."""
    ending = path.suffix.lower()
    readers = [(kind, reader) for kind, reader, endings in READERS if ending in endings] or MICROSCOPES
    complaints: dict[str, str] = {}
    for kind, reader in readers:
        try:
            return reader(path)
        except (ValueError, OSError, ImportError) as problem:
            complaints.setdefault(" ".join(str(problem).split()), f"as {kind}: " if len(readers) > 1 else "")
    reasons = [reason if len(complaints) == 1 else kind + reason for reason, kind in complaints.items()]
    return f"{path.name} cannot be used.\n  " + "\n  ".join(reasons)


def _files(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if not entry.name.startswith((".", SAMPLE_CARD)) and (entry.is_file() or _is_zarr(entry)):
            yield entry


def _is_zarr(path: Path) -> bool:
    return path.is_dir() and any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zattrs"))


def _report(path: Path, found: Finding, card: str | Path | None) -> str:
    origin = open_data(path).origin if path.is_file() else "measured"
    lines = [f"{path.name}: {found.what[0]}" + (" (synthetic)" if origin == "twin" else ""), *found.what[1:]]
    lines += [f"missing: {sentence}" for sentence in found.lacks]
    lines += [_line(way, path) for way in found.goes or (OUTSIDE,)]
    if found.asks:
        beside = path.parent / SAMPLE_CARD
        known = card or (beside if beside.is_file() else None)
        sample = read_sample_card(known) if known else SampleCard(name=path.stem)
        lines.append(sample.require(*found.asks) or f"The sample card {sample.name} gives all that is asked.")
    return "\n  ".join(lines)


def _line(way: str, path: Path) -> str:
    """``03 DATA`` as the command to type; a sentence stays one."""
    notebook, name, *more = way.split(" ")
    if not name.isupper():
        return way
    value = f'["{path}"]' if name == "CIFS" else str(path)
    words = [f"{name}={value}", *more]
    if name == "DATA" and notebook in ("03", "04", "05", "06"):
        words.append("SAMPLE=mine.yaml")
    settings = " ".join(f"-p {shlex.quote(word)}" for word in words)
    return f"python -m nbtools run {notebook} {settings} -o out/"


def _axes(data: xr.DataArray, unit: str = "") -> str:
    """``y 256 × 2 nm`` for each dimension; `unit` is that of coordinates which do not say it."""
    parts = []
    for name in data.dims:
        values = data.coords[name].values if name in data.coords else np.empty(0)
        stated = data.coords[name].attrs.get("units", unit) if values.size else ""
        step = abs(values[1] - values[0]) if values.size > 1 else np.nan
        step, stated = (convert(step, "m", "nm"), "nm") if stated == "m" else (step, stated)
        parts.append(f"{name} {data.sizes[name]}" + (f" × {step:.4g} {stated}" if np.isfinite(step) else ""))
    return ", ".join(parts)


def _magnetometer(path: Path) -> Finding:
    data = read_dat(path)
    sweeps = split_sweeps(data)
    kinds = Counter(f"{sweep.label} ({sweep.axis})" for sweep in sweeps)
    t, h = data["temperature"].values, convert(data["field"].values, "A/m", "Oe")
    what = [
        f"Quantum Design file of a {data.attrs['instrument']}, {data.sizes['point']} points",
        f"{np.nanmin(t):.4g} to {np.nanmax(t):.4g} K, {np.nanmin(h):.4g} to {np.nanmax(h):.4g} Oe",
        "sweeps: " + (", ".join(f"{n} × {kind}" for kind, n in kinds.items()) or "none"),
        *data.attrs["notes"],
    ]
    held = [name for name in MEASURED if name in data and np.isfinite(data[name]).any()]
    measured = list(dict.fromkeys(QUANTITIES.get(name, "resistance") for name in held))
    goes = (["05 DATA"] if "ac" in measured else []) + (["03 DATA"] if set(measured) - {"ac"} else [])
    lacks = _drives_missing(sweeps) if "ac" in measured else []
    asks = dict.fromkeys(field for kind in measured for field in CARD[kind])
    return Finding((*what, f"measured: {', '.join(measured)}"), tuple(lacks), tuple(goes), tuple(asks))


def _drives_missing(sweeps: list) -> list[str]:
    drives = {f"{s.amplitude:.2g}" for s in sweeps if s.axis == "temperature" and s.amplitude}
    if len(drives) >= 3:
        return []
    return [f"temperature sweeps at three ac amplitudes in one ratio; the file has {len(drives)}"]


def _powder(path: Path) -> Finding:
    scan = read_pattern(path)
    angle, about = scan.two_theta.values, scan.attrs
    wave = f", {1e10 * about['wavelength']:.4f} Å" if np.isfinite(about["wavelength"]) else ""
    what = (
        f"powder pattern ({about['format']}), {about['radiation']}{wave}",
        f"2θ {angle[0]:.4g} to {angle[-1]:.4g}°, {angle.size} points of {scan.counts.attrs['units'] or 'intensity'}",
    )
    goes = ("01 POWDER",) if about["radiation"] == "x-rays" else ()
    return Finding(what, about["notes"], goes)


def _frames(path: Path) -> Finding:
    series = read_frames(path)
    sizes = {
        "the size of a pixel (-p PIXEL_SIZE=<metres>)": series.pixel_size,
        "the height of the indicator (-p HEIGHT=<metres>)": series.height,
    }
    lacks = tuple(name for name, value in sizes.items() if not np.isfinite(value))
    folder = shlex.quote(f"DATA={path.parent}")
    way = f"04 takes all series of a folder, one of them the calibration: -p {folder}"
    return Finding((f"magneto-optical frames, {series}",), lacks, (way,), CARD["frames"])


def _images(path: Path) -> Finding:
    found = read_image_set([path])
    image = found.stack if found.stack is not None else found.section
    assert image is not None
    kind = "stack of slices" if found.stack is not None else "grey image"
    if path.suffix.lower() not in (*TIFF, *PICTURES) and "tilt" in read_signals(path)[0].dims:
        return Finding((f"tilt series of projections, {_axes(image)}; reconstruct it to have a volume",))
    what = [f"{kind}, {_axes(image)}, {image.attrs.get('bits', '?')} bits"]
    try:
        size, lacks = min(pixel_sizes(image)), []
    except ImageError as problem:
        size, lacks = float("nan"), [str(problem)]
    named = re.search(r".+_(haadf|abf|edx_\w+)$", path.stem.lower()) is not None
    goes = [] if size < LATTICE or named else ["01 DATA" + (" VOXEL_SIZE=<metres>" if lacks else "")]
    if image.ndim == 2 and (named or not size > LATTICE):
        goes += ["02 DATA" + (" PIXEL_SIZE=<metres>" if lacks else "")]
        what += [] if named else ["02 knows an image's role by its name: planar1_haadf, field_edx_O …"]
    if path.suffix.lower() in TIFF and not np.isfinite(size):
        goes += [f"04, as frames: {_why_no_frames(path)}"]
    return Finding(tuple(what), tuple(lacks), tuple(goes))


def _why_no_frames(path: Path) -> str:
    try:
        return str(read_frames(path))
    except FramesError as problem:
        return str(problem)


def _luminescence(path: Path) -> Finding:
    found = read_recording(path)
    what = tuple(str(found).splitlines()[1:])
    if len(found.maps) != 1:
        return Finding(("luminescence, but not one map over (y, x, wavelength), as 06 needs", *what))
    lacks = () if np.isfinite(found.map.pixel) else ("the size of a pixel",)
    beam = found.map.settings.get("beam_energy")
    said = (
        (f"beam of {convert(beam, 'eV', 'keV'):.3g} keV by the file; 06 asks the sample card",)
        if beam
        else ()
    )
    return Finding(("luminescence map", *what, *said), lacks, ("06 DATA",), CARD["luminescence"])


def _microscope(path: Path) -> Finding:
    signals = read_signals(path)
    what = (f"{s.attrs['title']}: {s.attrs['signal_type'] or 'signal'}, {_axes(s)}" for s in signals)
    return Finding(("a microscope's file, neither image nor luminescence", *what))


def _field_map(path: Path) -> Finding:
    found = read_map(path)
    what = f"map, {_axes(found, 'm')}, values in {found.attrs['units']}"
    outline = np.isin(found.values, (0, 1)).all()
    way = f"04 takes it as the sample's outline: -p {shlex.quote(f'OUTLINE={path}')}" if outline else OUTSIDE
    return Finding((what,), () if "x" in found.coords else ("the size of a pixel",), (way,))


def _local(path: Path) -> Finding:
    found = read_local_susceptibility(path)
    axis = "temperature" if "temperature" in found else "drive"
    values = found[axis].values
    what = (
        f"local ac susceptibility of a scanning SQUID, {values.size} points",
        f"{axis} {values.min():.4g} to {values.max():.4g} {found[axis].attrs['units']}",
    )
    return Finding(what, (), (f"{OUTSIDE}; the last cells of 05 run on such files",))


def _crystal(path: Path) -> Finding:
    found = read_crystal(path)
    return Finding((f"crystal structure, {found}", *getattr(found, "notes", ())), (), ("01 CIFS",))


def _card(path: Path) -> Finding:
    given, _ = read_sample_card(path).used_and_defaulted()
    return Finding(("sample card, which gives", *given), (), (f"give it as -p SAMPLE={path}",))


Reader = Callable[[Path], Finding]
_TEXT = (".dat", ".txt", ".csv")
_POWDER = (*_TEXT, ".xy", ".xye", ".raw", ".uxd", ".brml", ".ras", ".rasx", ".xrdml", ".gsa", ".gsas", ".cif")
# By the ending of a file's name, the more particular first; every other ending is a microscope's.
READERS: tuple[tuple[str, Reader, tuple[str, ...]], ...] = (
    ("a Quantum Design file", _magnetometer, _TEXT),
    ("a powder pattern", _powder, _POWDER),
    ("a crystal", _crystal, (".cif",)),
    ("a map", _field_map, (".npz", ".mat", ".txt", ".dat")),
    ("local susceptibility", _local, (".mat",)),
    ("frames", _frames, TIFF),
    ("an image", _images, (*TIFF, *PICTURES)),
    ("a sample card", _card, (".yaml", ".yml")),
)
MICROSCOPES = [
    ("luminescence", _luminescence),
    ("an image", _images),
    ("a microscope's file", _microscope),
]
