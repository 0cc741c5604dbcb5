"""TIFF: the grey values as they were seen, and what the file says of its pixel size, in the words of each maker."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from nbtools.files.measures import plain_number
from nbtools.units import factor

MAPPED = 1 << 26  # bytes from which an uncompressed series is not read but mapped


class InverseLength(Exception):
    """Pixels that are no places."""


HITACHI_NANOMETRES = re.compile(r"PixelSize\s*=\s*([\d.eE+-]+)")


def tiff_scale(tiff: Any, path: Path) -> tuple[dict[str, float], str]:
    """Steps in m by dimension, and who stated them; empty where nobody did.

    Dots per inch or centimetre without more are a printer's and are left out.

    Raises
    ------
    InverseLength
        A diffraction pattern.
    """
    for reader in (_fei, _zeiss, _tescan, _gatan, _ome, _imagej):
        steps = reader(tiff)
        if steps:
            return {name: step for name, step in steps.items() if step > 0}, reader.__name__.strip("_")
    sidecar = path.with_suffix(".txt")
    if sidecar.is_file() and sidecar.stat().st_size < 100_000:
        found = HITACHI_NANOMETRES.search(sidecar.read_text(encoding="latin-1"))
        if found:
            return dict.fromkeys(("y", "x"), 1e-9 * float(found[1])), "hitachi"
    return {}, ""


def pixels_of(series: Any, path: Path) -> np.ndarray[Any, Any]:
    """The grey values of a series, the brighter the larger, whatever its compression and its white.

    Raises
    ------
    ImportError
        A compression that neither tifffile alone nor Pillow undoes; names the package that does.
    """
    from tifffile import PHOTOMETRIC, TIFF

    page = series.keyframe
    try:
        TIFF.DECOMPRESSORS[page.compression]
    except KeyError:
        data = _by_pillow(series, path)
    else:
        plain = (
            page.compression == 1 and series.dataoffset is not None and page.bitspersample in (8, 16, 32, 64)
        )
        if plain and series.nbytes > MAPPED:
            kind = series.dtype.newbyteorder(page.parent.byteorder)
            # A plain array that stays on disk: who looks at one slice reads one slice.
            data = np.memmap(path, kind, "r", series.dataoffset, series.shape).view(np.ndarray)
        else:
            data = series.asarray()
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        if data.dtype == bool:
            return ~data
        largest = 2**page.bitspersample - 1 if data.dtype.kind == "u" else data.max() + data.min()
        data = (largest - data).astype(data.dtype)
    return data


def _by_pillow(series: Any, path: Path) -> np.ndarray[Any, Any]:
    """LZW, deflate and their like: Pillow carries libtiff."""
    from PIL import Image, ImageSequence, UnidentifiedImageError

    wanted = {page.index for page in series.pages if page is not None}
    try:
        with Image.open(path) as picture:
            frames = [
                np.array(frame)
                for index, frame in enumerate(ImageSequence.Iterator(picture))
                if index in wanted
            ]
        data = np.array(frames)
        if data.size != np.prod(series.shape):
            raise ValueError(f"{data.shape} came of {series.shape}")
        return data.reshape(series.shape)
    except (OSError, ValueError, UnidentifiedImageError) as problem:
        raise ImportError(
            f"{path.name} is compressed by {series.keyframe.compression.name}, which needs imagecodecs: "
            f"pip install imagecodecs ({problem})"
        ) from None


def _fei(tiff: Any) -> dict[str, float]:
    known = tiff.fei_metadata or {}
    for section in (known.get("Scan", {}), known.get("EScan", {}), known.get("IScan", {})):
        width, height = (plain_number(section.get(name), 0.0) for name in ("PixelWidth", "PixelHeight"))
        if width:
            return {"y": height or width, "x": width}
    return {}


def _zeiss(tiff: Any) -> dict[str, float]:
    known = tiff.sem_metadata or {}
    for name in ("ap_image_pixel_size", "ap_pixel_size"):
        entry = known.get(name)
        if entry and len(entry) > 2 and (step := _metres(entry[1], entry[2])):
            return {"y": step, "x": step}
    return {}


def _tescan(tiff: Any) -> dict[str, float]:
    tag = tiff.pages[0].tags.get(50431)
    if tag is None:
        return {}
    text = tag.value.decode("latin-1") if isinstance(tag.value, bytes) else str(tag.value)
    found = {n: plain_number(v, 0.0) for n, v in re.findall(r"PixelSize([XY])=([\d.eE+-]+)", text)}
    return {"y": found.get("Y") or found["X"], "x": found["X"]} if found.get("X") else {}


def _gatan(tiff: Any) -> dict[str, float]:
    """DigitalMicrograph's tags: unit of x, y and z in 65003 to 65005, step in 65009 to 65011."""
    tags = tiff.pages[0].tags
    steps = {}
    for number, name in enumerate("xyz"):
        unit, step = (tags.get(first + number) for first in (65003, 65009))
        if unit is not None and step is not None:
            text = unit.value.decode("latin-1") if isinstance(unit.value, bytes) else str(unit.value)
            steps[name] = _metres(step.value, text.strip("\0"))
    return {name: step for name, step in steps.items() if step}


def _ome(tiff: Any) -> dict[str, float]:
    """Of the first image, which is the one that is read; a file may hold a thumbnail or an overview beside it."""
    first = re.search(r"<Pixels\b[^>]*>", tiff.ome_metadata or "")
    if not first:
        return {}
    found = dict(re.findall(r'PhysicalSize([XYZ](?:Unit)?)="([^"]*)"', first[0]))
    steps = {name: _metres(found.get(name.upper()), found.get(f"{name.upper()}Unit", "µm")) for name in "zyx"}
    return {name: step for name, step in steps.items() if step}


def _imagej(tiff: Any) -> dict[str, float]:
    known = tiff.imagej_metadata
    if not known:
        return {}
    # Each axis may have a unit of its own; without one it has that of x.
    units = {name: _unescaped(known.get(f"{name}unit") or known.get("unit", "")) for name in "zyx"}
    tags = tiff.pages[0].tags
    steps = {}
    for name, tag in (("y", "YResolution"), ("x", "XResolution")):
        ratio = tags[tag].value if tag in tags else (0, 1)
        if ratio[0]:
            steps[name] = _metres(ratio[1] / ratio[0], units[name])
    steps["z"] = _metres(known.get("spacing"), units["z"]) if known.get("spacing") else 0.0
    return {name: step for name, step in steps.items() if step}


def _unescaped(unit: Any) -> str:
    """ImageJ writes a micro sign as itself or as the six characters of its escape."""
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), str(unit))


def _metres(value: Any, unit: Any) -> float:
    """0 where either says nothing."""
    text = str(unit or "").strip().replace("µ", "u").replace("μ", "u").replace("Å", "angstrom")
    if text.lower() in ("", "pixel", "pixels", "px", "inch"):
        return 0.0
    try:
        return plain_number(value, 0.0) * factor("um" if text.lower() == "micron" else text, "m")
    except ValueError:
        if _is_inverse_length(text):
            said = f"a diffraction pattern, its pixels in {text}, which neither 01 nor 02 takes"
            raise InverseLength(said) from None
        return 0.0


def _is_inverse_length(unit: str) -> bool:
    with suppress(ValueError):
        return factor(unit, "1/m") > 0
    return False
