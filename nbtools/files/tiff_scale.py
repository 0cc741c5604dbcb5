"""What a TIFF file says of its pixel size, in the words of each maker."""

import re
from pathlib import Path
from typing import Any

from nbtools.units import factor

HITACHI_NANOMETRES = re.compile(r"PixelSize\s*=\s*([\d.eE+-]+)")


def tiff_scale(tiff: Any, path: Path) -> tuple[dict[str, float], str]:
    """Steps in m by dimension, and who stated them; empty where nobody did.

    Dots per inch or centimetre without more are a printer's and are left out.
    """
    for reader in (_fei, _zeiss, _tescan, _ome, _imagej):
        steps = reader(tiff)
        if steps:
            return {name: step for name, step in steps.items() if step > 0}, reader.__name__.strip("_")
    sidecar = path.with_suffix(".txt")
    if sidecar.is_file() and sidecar.stat().st_size < 100_000:
        found = HITACHI_NANOMETRES.search(sidecar.read_text(encoding="latin-1"))
        if found:
            return dict.fromkeys(("y", "x"), 1e-9 * float(found[1])), "hitachi"
    return {}, ""


def _fei(tiff: Any) -> dict[str, float]:
    known = tiff.fei_metadata or {}
    for section in (known.get("Scan", {}), known.get("EScan", {}), known.get("IScan", {})):
        width, height = (_number(section.get(name)) for name in ("PixelWidth", "PixelHeight"))
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
    found = {n: _number(v) for n, v in re.findall(r"PixelSize([XY])=([\d.eE+-]+)", text)}
    return {"y": found.get("Y") or found["X"], "x": found["X"]} if found.get("X") else {}


def _ome(tiff: Any) -> dict[str, float]:
    if not tiff.ome_metadata:
        return {}
    found = dict(re.findall(r'PhysicalSize([XYZ](?:Unit)?)="([^"]*)"', tiff.ome_metadata))
    steps = {name: _metres(found.get(name.upper()), found.get(f"{name.upper()}Unit", "µm")) for name in "zyx"}
    return {name: step for name, step in steps.items() if step}


def _imagej(tiff: Any) -> dict[str, float]:
    known = tiff.imagej_metadata
    if not known:
        return {}
    unit = str(known.get("unit", "")).encode().decode("unicode_escape", "replace")
    tags = tiff.pages[0].tags
    steps = {}
    for name, tag in (("y", "YResolution"), ("x", "XResolution")):
        ratio = tags[tag].value if tag in tags else (0, 1)
        if ratio[0]:
            steps[name] = _metres(ratio[1] / ratio[0], unit)
    steps["z"] = _metres(known.get("spacing"), unit) if known.get("spacing") else 0.0
    return {name: step for name, step in steps.items() if step}


def _number(written: Any) -> float:
    try:
        return float(str(written).replace(",", "."))
    except ValueError:
        return 0.0


def _metres(value: Any, unit: Any) -> float:
    """0 where either says nothing."""
    text = str(unit or "").strip().replace("µ", "u").replace("μ", "u").replace("Å", "angstrom")
    if text.lower() in ("", "pixel", "pixels", "px", "inch"):
        return 0.0
    try:
        return _number(value) * factor("um" if text.lower() == "micron" else text, "m")
    except ValueError:
        return 0.0
