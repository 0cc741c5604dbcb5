"""What the header of a MultiVu file says: its entries, the instrument that wrote it, and the sample."""

import re
from collections.abc import Collection

from nbtools.files.dat_text import QuantumDesignError, split_cells
from nbtools.units import factor

INSTRUMENTS = (
    "MPMS classic",
    "MPMS3",
    "PPMS VSM",
    "PPMS ACMS",
    "PPMS resistivity",
    "PPMS ETO",
    "PPMS log",
)
# INFO lines come as `INFO,value,KEY` (MPMS3, VSM, bridges) and as `INFO, KEY, value` (MPMS, MultiVu's own).
KEYS_FIRST = ("NAME", "WEIGHT", "AREA", "LENGTH", "SHAPE", "COMMENT", "APPNAME", "MASS", "VOLUME")
KEY_LAST = re.compile(r"[A-Z0-9]+(_[A-Z0-9]+)+|APPNAME|Sample ?\d .+|[A-Z_]+:.+")
MEASURE_IN_TEXT = re.compile(r"([+-]?[\d.]+(?:[eE][+-]?\d+)?)\s*([a-zA-Zµμ][\w^/³]*)?")
UNIT_IN_KEY = re.compile(r"\(([^()]+)\)\s*$")


def header_entries(lines: list[str], delimiter: str) -> dict[str, str]:
    """The header as one dict: `INFO` entries under their key, other lines under their first word.

    Lines of the same name (`FIELDGROUP`, a second `DATATYPE`) are joined by line breaks.
    """
    entries: dict[str, str] = {}
    for line in lines:
        text = line.strip().strip('"').rstrip(delimiter + " \t")
        if not text or text.startswith(("[", ";")):
            continue
        separator = delimiter if delimiter in text else ","
        word, *cells = (cell.strip() for cell in split_cells(text, separator))
        if word.upper() == "INFO":
            # Only trailing separators were cut above: `INFO,,SAMPLE_MASS` still has its empty value.
            word, value = _info(cells)
        else:
            value = ", ".join(cells)
        if word and value not in entries.get(word, "").split("\n"):
            entries[word] = f"{entries[word]}\n{value}" if entries.get(word) else value
    return entries


def recognise(entries: dict[str, str], columns: Collection[str], name: str) -> str:
    """The instrument, told by what it measures (normalised column names) and only then by its own name.

    Raises
    ------
    QuantumDesignError
        Columns of none of `INSTRUMENTS`: a heat capacity or raw-scan file, for example.
    """
    wrote = f"{entries.get('BYAPP', '')} {entries.get('APPNAME', '')}".lower()
    title = f"{entries.get('TITLE', '')} {wrote}".lower()

    def has(*patterns: str) -> bool:
        return any(re.match(pattern, column) for pattern in patterns for column in columns)

    found = {
        "PPMS log": "logdata" in wrote
        or "log data file" in title
        or ("setpoint" in columns and "magnet" in columns),
        "MPMS3": has("dc moment f", "squid status") or "mpms3" in wrote or "squid" in wrote,
        "MPMS classic": has("long ", "wave frequency", "drive amplitude") or "mpms measurement" in wrote,
        "PPMS ACMS": has("m-dc", "calcoil", "m'", "ac x'") or "acms" in wrote,
        "PPMS ETO": has(r"resist(ance|ivity) ch ?\d", "eto ") or "electrical transport" in wrote,
        "PPMS VSM": has("moment"),
        "PPMS resistivity": has(
            r"bridge \d resist", r"(resistivity|res|resistance)( |$)", r"channel \d resist"
        ),
    }
    for instrument, yes in found.items():
        if yes:
            return instrument
    raise QuantumDesignError(
        f"{name}: found the columns {', '.join(sorted(columns)[:12])}; expected a magnetic moment, an ac response "
        f"or a resistance, as {', '.join(INSTRUMENTS[:-1])} write them. Give the summary .dat file, not raw "
        "scans or another option's file."
    )


def sample_of(entries: dict[str, str]) -> dict[str, object]:
    """What the header says about the sample: `name`, `mass` (kg), and `cross_section_N` (m²), `length_N` (m)
    of each bridge that has a name or a geometry.

    A weight of 0 and the preset geometry 1/1 say nothing and are left out. Numbers whose unit neither the
    file nor MultiVu's dialogue fixes stand as text in `as_entered`.
    """
    sample: dict[str, object] = {}
    name = next((entries[k] for k in ("NAME", "SAMPLE_MATERIAL") if entries.get(k)), None)
    if name:
        sample["name"] = name
    for key in ("MASS", "SAMPLE_MASS", "mass"):
        mass = _mass(key, entries)
        if mass:
            sample["mass"] = mass
    for bridge in "1234":
        sample.update(_bridge(bridge, entries))
    given = {
        k: entries[k] for k in ("WEIGHT", "AREA", "LENGTH", "SAMPLE_VOLUME", "SAMPLE_SIZE") if k in entries
    }
    preset = all(_number(given.get(k, "")) in (0, 1, None) for k in ("AREA", "LENGTH"))
    as_entered = {
        key.removeprefix("SAMPLE_").lower(): text
        for key, text in given.items()
        if _number(text) and not (preset and key in ("AREA", "LENGTH"))
    }
    return sample | ({"as_entered": as_entered} if as_entered else {})


def _info(cells: list[str]) -> tuple[str, str]:
    if not cells:
        return "", ""
    if len(cells) == 1:
        key, _, value = cells[0].partition(":")
        return key.strip(), value.strip()
    first, last = cells[0].rstrip(":"), cells[-1]
    key_first = first in KEYS_FIRST and not last.startswith("SAMPLE")
    if KEY_LAST.fullmatch(last) and not key_first:
        return last, ", ".join(cells[:-1])
    return first, ", ".join(cells[1:])


def _mass(key: str, entries: dict[str, str]) -> float | None:
    """A mass in kg; without a unit it is in mg, the unit in which MultiVu's dialogue asks for it."""
    found = next(((k, v) for k, v in entries.items() if k == key or k.startswith(f"{key}:")), None)
    match = found and MEASURE_IN_TEXT.match(found[1])
    if not found or not match or not _number(match[1]):
        return None
    in_key = UNIT_IN_KEY.search(found[0])
    try:
        return float(match[1]) * factor(match[2] or (in_key[1] if in_key else "mg"), "kg")
    except ValueError:
        return None


def _bridge(number: str, entries: dict[str, str]) -> dict[str, object]:
    """Name and geometry of one bridge: mm² and mm in the header, 1 and 1 where nobody entered any."""
    says = {key[8:].lower(): text for key, text in entries.items() if re.match(rf"Sample ?{number} ", key)}
    area, length = _number(says.get("cross section", "")), _number(says.get("length", ""))
    bridge: dict[str, object] = {f"name_{number}": says["name"]} if says.get("name") else {}
    if area and length and (area, length) != (1.0, 1.0):
        bridge[f"cross_section_{number}"] = area * factor("mm^2", "m^2")
        bridge[f"length_{number}"] = length * factor("mm", "m")
    return bridge


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
