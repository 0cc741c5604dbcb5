"""The package's readers as entries of the registry, the most particular first."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from nbtools.files import quantum_design, text_table
from nbtools.files.crystal import read_crystal
from nbtools.files.image_sets import read_image_set
from nbtools.files.images import (
    LATTICE,
    PICTURES,
    TIFF,
    ImageError,
    pixel_sizes,
    read_images,
    tilt_series,
    why_no_image,
)
from nbtools.files.indicator_frames import FIELDS, FramesError, read_frames, read_note
from nbtools.files.local_susceptibility import read_local_susceptibility
from nbtools.files.microscopy import read_signals
from nbtools.files.powder_diffraction import read_pattern
from nbtools.files.registry import Contents, Range, Reader, Route, Signal
from nbtools.files.sample_card import read_sample_card
from nbtools.files.scanning_maps import map_names, read_map
from nbtools.files.spectral_maps import SPECTRAL, SpectralMapError, as_spectra, read_recording
from nbtools.units import convert

MOST_BYTES = 500_000_000  # of a file that is looked through for images of a lattice
MOST_PIXELS = 20_000_000  # whose grey values are looked at
MOST_SCANS = 20  # that are looked at one by one


def _powder(path: Path) -> Contents:
    scan = read_pattern(path)
    scans = [scan, *(read_pattern(path, scan=n) for n in range(1, min(scan.attrs["scans"], MOST_SCANS)))]
    about = scan.attrs
    lengths = [about[name] for name in ("wavelength", "wavelength_2") if np.isfinite(about[name])]
    wave = "".join(f", {1e10 * length:.4f} Å" for length in lengths)
    x_rays = about["radiation"] == "x-rays"
    return Contents(
        f"powder pattern ({about['format']}), {about['radiation']}{wave}"
        + (f", {about['scans']} scans" if about["scans"] > 1 else ""),
        tuple(_scan_signal(one, n, x_rays) for n, one in enumerate(scans)),
        (Route("structure", "POWDER"),) if x_rays else (),
        ("01 takes scan 0, or another: -p SCAN=1",) if x_rays and len(scans) > 1 else (),
        tuple(about["notes"]),
    )


def _scan_signal(scan: xr.Dataset, number: int, x_rays: bool) -> Signal:
    angle, about = scan.two_theta.values, scan.attrs
    seconds = f", {about['counting_time']:.4g} s a point" if np.isfinite(about["counting_time"]) else ""
    return Signal(
        f"scan {number}{seconds}",
        scan.counts.attrs["units"] or "intensity",
        (Range.of("intensity", scan.counts.values, ""), Range("2θ", float(angle[0]), float(angle[-1]), "°")),
        int(angle.size),
        "structure" if x_rays and number == 0 else None,
        kind="scan",
        data=scan,
    )


def _frames(path: Path) -> Contents:
    series = read_frames(path)
    sizes = {
        "the size of a pixel (-p PIXEL_SIZE=<metres>)": series.pixel_size,
        "the height of the indicator (-p HEIGHT=<metres>)": series.height,
    }
    signal = Signal(
        series.name,
        "frames",
        (Range.of("field", series.applied, "T"),),
        len(series.applied),
        "magneto_optics",
        data=series,
    )
    return Contents(
        f"magneto-optical frames, {series}",
        (signal,),
        (
            Route(
                "magneto_optics",
                says="04 takes all series of a folder, one of them the calibration:",
                takes="folder",
            ),
        ),
        lacks=tuple(name for name, value in sizes.items() if not np.isfinite(value)),
    )


def _images(path: Path) -> Contents:
    lattice = _lattice_images(path)
    if lattice is not None:
        return lattice
    found = read_image_set([path])
    shown = {"stack of slices": found.stack, "grey image": found.image}
    shown |= {f"map of {element}": counts for element, counts in found.maps.items()}
    kind, image = next((kind, image) for kind, image in shown.items() if image is not None)
    if "tilt" in image.dims:
        what = f"{tilt_series(image)}, {axes_of(image)}; reconstruct it to have a volume"
        return Contents(what, (Signal("tilt series", "projections", points=image.size, data=image),))
    try:
        size, lacks = min(pixel_sizes(image)), []
    except ImageError as problem:
        size, lacks = float("nan"), [str(problem)]
    routes = []
    if not size < LATTICE:
        routes.append(Route("structure", options=("VOXEL_SIZE=<metres>",) if lacks else ()))
    if image.ndim == 2 and not size > LATTICE:
        routes.append(Route("stem", options=("PIXEL_SIZE=<metres>",) if lacks else ()))
    if path.suffix.lower() in TIFF and not np.isfinite(size):
        routes.append(Route("magneto_optics", says=f"04, as frames: {_why_no_frames(path)}", takes="nothing"))
    signal = Signal(
        kind,
        "image",
        (_greys(image),),
        int(image.size),
        next((route.technique for route in routes if not route.says), None),
        data=image,
    )
    what = f"{kind}, {axes_of(image)}, {image.attrs.get('bits', '?')} bits"
    facts = tuple(filter(None, (image.attrs.get("remark"), *image.attrs.get("beside", ()))))
    return Contents(what, (signal,), tuple(routes), facts, tuple(lacks))


def _greys(image: xr.DataArray) -> Range:
    """From darkest to brightest; of a stack the middle slice, of a large image some of its rows."""
    image = image if image.ndim == 2 else image[len(image) // 2]
    every = -(-image.size // MOST_PIXELS)
    return Range.of("grey" if every == 1 else f"grey (one row in {every})", image[::every].values, "")


def _lattice_images(path: Path) -> Contents | None:
    """A file whose images may show a lattice, and those that lie beside them; None where none does."""
    if path.suffix.lower() in PICTURES or path.is_dir() or path.stat().st_size > MOST_BYTES:
        return None
    try:
        found = read_images(path)
    except (ImageError, ImportError):
        return None
    sizes = [
        abs(float(np.diff(one.coords["x"].values[:2])[0])) if "x" in one.coords else np.nan for one in found
    ]
    element_map = re.search(r"_edx_\w+$", path.stem.lower()) is not None
    if not (element_map or any(size < LATTICE for size in sizes)):
        return None
    signals = tuple(
        Signal(
            str(one.attrs["title"]),
            "image",
            (_greys(one),),
            int(one.size),
            "stem",
            str(one.attrs.get("remark", "")),
            data=one,
        )
        for one in found
    )
    what = f"{'map of an element' if element_map else 'image'}, {axes_of(found[0])}, {found[0].attrs['bits']} bits"
    facts = [f"{signal.name}: {signal.remark}" for signal in signals if signal.remark]
    if len(found) > 1:
        titles = ", ".join(signal.name for signal in signals)
        facts.append(f"{len(found)} images: {titles}; 02 studies all, or one: -p SIGNAL='<its title>'")
    return Contents(what, signals, (Route("stem"),), (*facts, *found[0].attrs["beside"]))


def _why_no_frames(path: Path) -> str:
    try:
        return str(read_frames(path))
    except FramesError as problem:
        return str(problem)


def _luminescence(path: Path) -> Contents:
    found = read_recording(path)
    held = [*found.maps, *found.spectra.values()]
    signals = tuple(
        Signal(
            one.title,
            "photoluminescence" if one.kind == "PL" else "luminescence",
            (Range("wavelength", float(one.wavelength_nm.min()), float(one.wavelength_nm.max()), "nm"),),
            int(np.prod(one.counts.shape[:-1])),
            "cathodoluminescence",
            kind="" if one.is_map else "spectrum",
            data=one,
        )
        for one in held
    )
    facts = tuple(str(found).splitlines()[1:])
    stated = {}
    beam = next((one.settings["beam_energy"] for one in held if one.settings.get("beam_energy")), None)
    if beam:
        stated["beam_energy"] = f"{convert(beam, 'eV', 'keV'):.3g} keV"
    lines = all(min(one.counts.shape[:-1]) == 1 for one in found.maps)
    what = "line" if found.maps and lines else "map" if found.maps else "spectrum"
    return Contents(
        f"luminescence {what}",
        signals,
        (Route("cathodoluminescence"),),
        facts,
        lacks=() if all(np.isfinite(one.pixel) for one in found.maps) else ("the size of a pixel",),
        stated=stated,
    )


def _microscope(path: Path) -> Contents:
    found = read_signals(path)
    signals = tuple(Signal(s.attrs["title"], s.attrs["signal_type"], points=s.size, data=s) for s in found)
    facts = []
    for one in found:
        why = f" ({why_no_image(one)})" if {"y", "x"} <= set(one.dims) and why_no_image(one) else ""
        if set(SPECTRAL) & set(map(str, one.dims)):
            why = f" ({_why_no_luminescence(one)})"
        facts.append(f"{one.attrs['title']}: {one.attrs['signal_type'] or 'signal'}, {axes_of(one)}{why}")
    return Contents("a microscope's file, neither image nor luminescence", signals, (), tuple(facts))


def _why_no_luminescence(one: xr.DataArray) -> str:
    try:
        return str(as_spectra(one))
    except SpectralMapError as problem:
        return str(problem)


def _note(path: Path) -> Contents:
    known = read_note(path)
    facts = tuple(f"{name}: {value}" for name, value in known.items())
    return Contents(
        "a note on the camera frames of the same name, which says", facts=facts, routes=(), asks=()
    )


def _field_map(path: Path) -> Contents:
    names = map_names(path)
    several = len(names) > 1
    maps = {name: read_map(path, name=name) for name in names} if several else {path.stem: read_map(path)}
    found = next(iter(maps.values()))
    outline = all(np.isin(one.values, (0, 1)).all() for one in maps.values())
    options = ["MAP=<name>"] if several else []
    options += [] if "x" in found.coords else ["PIXEL_SIZE=<metres>"]
    way = Route("magneto_optics", "OUTLINE", says="04 takes it as the sample's outline:")
    return Contents(
        f"map, {axes_of(found, 'm')}, values in {found.attrs['units']}"
        if not several
        else f"{len(maps)} maps of {found.shape[0]} × {found.shape[1]}",
        tuple(
            Signal(
                name,
                "map",
                (Range.of("value", one.values, one.attrs["units"] if one.attrs["units"] == "T" else ""),),
                int(one.size),
                None if outline else "magneto_optics",
                data=one,
            )
            for name, one in maps.items()
        ),
        (way,) if outline else (Route("magneto_optics", options=(*options, "HEIGHT=<metres>")),),
        (f"maps: {', '.join(names)}",) if several else (),
        lacks=() if "x" in found.coords else ("the size of a pixel",),
        asks=(),
    )


def _local(path: Path) -> Contents:
    found = read_local_susceptibility(path)
    axis = "temperature" if "temperature" in found else "drive"
    values = found[axis].values
    taken = axis == "temperature"
    signal = Signal(
        f"against the {axis}",
        "local susceptibility",
        (Range.of(axis, values, found[axis].attrs["units"]),),
        int(values.size),
        "ac_susceptibility" if taken else None,
        "" if taken else "05 takes curves against the temperature",
        data=found,
    )
    return Contents(
        f"local ac susceptibility of a scanning SQUID, {values.size} points",
        (signal,),
        (Route("ac_susceptibility"),) if taken else (),
        (
            f"{axis} {values.min():.4g} to {values.max():.4g} {found[axis].attrs['units']}",
            *((f"drive in {found.attrs['drive_unit']}",) if found.attrs["drive_unit"] else ()),
        ),
    )


def _crystal(path: Path) -> Contents:
    found = read_crystal(path)
    return Contents(
        f"crystal structure, {found}",
        (Signal(str(found), "crystal", technique="structure", data=found),),
        (Route("structure", "CIFS"),),
        tuple(getattr(found, "notes", ())),
    )


def _card(path: Path) -> Contents:
    given, _ = read_sample_card(path).used_and_defaulted()
    return Contents("sample card, which gives", facts=(*given, f"give it as -p SAMPLE={path}"), asks=())


def axes_of(data: xr.DataArray, unit: str = "") -> str:
    """``y 256 × 2 nm`` for each dimension; `unit` is that of coordinates which do not say it."""
    parts = []
    for name in data.dims:
        values = data.coords[name].values if name in data.coords else np.empty(0)
        stated = data.coords[name].attrs.get("units", unit) if values.size else ""
        step = abs(values[1] - values[0]) if values.size > 1 else np.nan
        shown = {"m": "nm", "1/m": "1/nm", "rad": "deg"}.get(stated, stated)
        step, stated = (convert(step, stated, shown) if shown != stated else step), shown
        step, stated = (convert(step, "nm", "mm"), "mm") if stated == "nm" and step >= 1e5 else (step, stated)
        parts.append(f"{name} {data.sizes[name]}" + (f" × {step:.4g} {stated}" if np.isfinite(step) else ""))
    return ", ".join(parts)


def _not_a_table(head: bytes) -> bool | None:
    """False for text in which no two lines begin with two numbers; None, so that the ending decides, for the rest."""
    if b"\x00" in head:
        return None
    rows = re.findall(rb"(?m)^[ \t]*[-+]?[\d.,]+(?:[eE][-+]?\d+)?[ \t;,]+[-+]?[\d.,]", head)
    return None if len(rows) > 1 else False


def _begins(*marks: bytes) -> Callable[[bytes], bool | None]:
    return lambda head: True if any(mark in head for mark in marks) else None


def _is_note(head: bytes) -> bool | None:
    """YAML or JSON with the entry that only a note on frames has; a TIFF may hold the same in its description."""
    return FIELDS.encode() in head and b"\x00" not in head


# RosettaSciIO's formats of images, volumes and spectra, see `microscopy.FORMATS`.
_ENDINGS = (
    "ali asw bcf blo de5 dens dm3 dm4 eds emd emi ems emsa h5 hdf5 hspy img lsd map mas mrc msa nxs pro pts rpl ser "
    "spc spd spx sur tvf tvips wdf xml zarr zspy"
)
_MICROSCOPES = tuple(f".{ending}" for ending in _ENDINGS.split())
_TABLE = (".txt", ".csv", ".dat", ".xy", ".xye")
READERS: tuple[Reader, ...] = (
    quantum_design.READER,
    Reader(
        "a table of numbers",
        text_table.contents_of,
        looks=text_table.looks_like_one,
        techniques=("transport", "ac_susceptibility"),
    ),
    Reader(
        "a powder pattern",
        _powder,
        (".raw", ".uxd", ".brml", ".ras", ".rasx", ".xrdml", ".gsa", ".gsas", ".cif"),
        _begins(b"<xrdMeasurement", b"*RAS_DATA_START", b"\n#S "),
        ("structure",),
    ),
    Reader("a powder pattern", _powder, _TABLE, _not_a_table, ("structure",)),
    Reader("a crystal", _crystal, (".cif",), techniques=("structure",)),
    Reader("a map", _field_map, (".npz", ".mat"), techniques=("magneto_optics",)),
    Reader("a map", _field_map, (".txt", ".dat"), _not_a_table, ("magneto_optics",)),
    Reader("local susceptibility", _local, (".mat",), techniques=("ac_susceptibility",)),
    Reader("a table of numbers", text_table.contents_of, (*_TABLE, ".tsv", ".asc"), _not_a_table),
    Reader("frames", _frames, tuple(TIFF), techniques=("magneto_optics",)),
    Reader("an image", _images, (*TIFF, *PICTURES), techniques=("structure", "stem")),
    Reader("a note on frames", _note, (), _is_note),
    Reader("a sample card", _card, (".yaml", ".yml")),
    Reader("luminescence", _luminescence, _MICROSCOPES, techniques=("cathodoluminescence",), folders=True),
    Reader("an image", _images, _MICROSCOPES, techniques=("structure", "stem"), folders=True),
    Reader("a microscope's file", _microscope, _MICROSCOPES, folders=True),
)
