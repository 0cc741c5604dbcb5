"""What powder diffractometers write beside angles and counts: wavelengths, times, attenuators, by kind of file."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Axis = Literal["2θ", "q", "d"]
LARGEST_UNPACKED = 400_000_000  # bytes of all that a zip says it holds
HEAD = 4096  # characters in which a header is looked for
LENGTHS = {"nm": 1e-9, "a": 1e-10, "å": 1e-10, "angstrom": 1e-10}
TWO_THETA = r"(?i)(2|two)[ _-]?(θ|theta)|tth|2th"
EXPORT = "export the scan as .xy or .xrdml"


class PowderDiffractionError(ValueError):
    """A file that is no powder pattern; says what was found and what to do."""


@dataclass
class Facts:
    """What a file says beside angles and intensities."""

    format: str
    wavelengths: tuple[float, ...] = ()  # Å
    ratio: float | None = None
    seconds: float | None = None
    is_rate: bool = False
    factor: Array | None = None  # of the attenuator, by which the intensities are to be or were multiplied
    is_multiplied: bool = False
    sigma: Array | None = None
    sample: str = ""
    neutrons: bool = False
    scans: int = 1  # how many the file holds
    axis: Axis = "2θ"
    axis_unit: float = 1.0  # of q in 1/m or d in m
    notes: list[str] = field(default_factory=list)


def read_facts(path: Path, content: bytes, scan: int = 0) -> Facts:
    """Facts on one scan by the kind of file, told from its content."""
    if content[:4] == b"PK\x03\x04":
        return _zip_facts(path, content, scan)
    if content[:3] == b"RAW":
        return _raw_facts(content, scan)
    head = text_of(content[:4096]).lstrip()
    for mark, facts in _KINDS:
        if re.search(mark, head, re.MULTILINE):
            return facts(text_of(content), scan)
    return _column_facts(path, text_of(content))


def _xrdml_facts(text: str, scan: int) -> Facts:
    """PANalytical: 0.1–2.x; <intensities> may be rates, <counts> are raw and attenuated; each scan has its own."""
    parts = re.findall(r"<scan\b.*?</scan>", text, re.DOTALL)
    own = parts[scan] if scan < len(parts) else text
    factors = re.search(r"<beamAttenuationFactors[^>]*>([^<]*)<", own)
    facts = Facts(
        "XRDML",
        ratio=_number(text, r"<ratioKAlpha2KAlpha1[^>]*>\s*([\d.]+)"),
        seconds=_number(own, r"<commonCountingTime[^>]*>\s*([\d.eE+-]+)"),
        is_rate=bool(re.search(r'<intensities[^>]*unit="cps"', own)),
        factor=_floats(factors[1]) if factors else None,
        is_multiplied=True,
        sample=_word(text, r"<sample\b.*?<name>\s*([^<]*?)\s*</name>"),
        scans=max(1, len(parts)),
    )
    lines = {name: rf"<{name}[^>]*>\s*([\d.]+)" for name in ("kAlpha1", "kAlpha2", "kBeta")}
    # Which of the lines of the tube passes the monochromator or filter.
    intended = _word(text, r'<usedWavelength[^>]*intended="([^"]*)"').replace(" ", "").lower()
    used = {"k-alpha1": ["kAlpha1"], "k-alpha2": ["kAlpha2"], "k-beta": ["kBeta"]}.get(
        intended, ["kAlpha1", "kAlpha2"]
    )
    facts.wavelengths = _numbers(text, *(lines[name] for name in used))
    if len(used) == 1:
        facts.ratio = 0.0
    return facts


def _uxd_facts(text: str, scan: int) -> Facts:
    """Bruker's text: _KEY=value; each range has its own time and unit."""
    parts = re.findall(r"^_DRIVE.*?(?=^_DRIVE|\Z)", text, re.DOTALL | re.MULTILINE)
    own = parts[scan] if scan < len(parts) else text
    return Facts(
        "UXD",
        _numbers(text, r"^_WL1\s*=\s*([\d.]+)", r"^_WL2\s*=\s*([\d.]+)"),
        _number(text, r"^_WLRATIO\s*=\s*([\d.]+)"),
        _number(own, r"^_STEPTIME\s*=\s*([\d.]+)"),
        is_rate=bool(re.search(r"^_(2THETA)?CPS", own, re.MULTILINE)),
        sample=_word(text, r"^_SAMPLE\s*=\s*'?([^'\r\n]*)"),
        scans=max(1, len(parts)),
    )


def _spec_facts(text: str, scan: int) -> Facts:
    """A beamline's SPEC: scans begin with #S; what a scan counted, and for how long, stand in its columns."""
    own = spec_scans(text)[scan:][:1]
    lambdas = re.findall(
        r"^#UXRD.*?([\d.]+)\s*$|^#.*?wavelength\D*([\d.]+)", text, re.MULTILINE | re.IGNORECASE
    )
    facts = Facts("SPEC", tuple(float(a or b) for a, b in lambdas[:1]), scans=len(spec_scans(text)))
    if not own:
        return facts
    facts.seconds = next(
        (float(v[0]) for n, v in own[0].items() if re.fullmatch(r"(?i)seconds|time", n)), None
    )
    return facts


def spec_scans(text: str) -> list[dict[str, Array]]:
    """The columns of each scan that measured against 2θ, by name."""
    found = []
    for block in re.split(r"(?m)^#S ", text)[1:]:
        line = re.search(r"(?m)^#L\s+(.*)$", block)
        rows = [row.split() for row in block.splitlines() if re.match(r"\s*[-+.\d]", row)]
        names = re.split(r"\s{2,}|\t", line[1].strip()) if line else []
        rows = [row for row in rows[1:] if len(row) == len(names)]
        if rows and any(re.fullmatch(TWO_THETA, name) for name in names):
            found.append(dict(zip(names, np.array(rows, float).T, strict=True)))
    return found


def _ras_facts(text: str, scan: int) -> Facts:
    """Rigaku's header: *KEY "value"; the third column is the attenuator's factor; each scan has its own of both."""
    parts = re.findall(r"\*RAS_HEADER_START.*?(?=\*RAS_HEADER_START|\Z)", text, re.DOTALL)
    own = parts[scan] if scan < len(parts) else text
    rows = [line.split() for line in own.splitlines() if re.match(r"\s*[\d.]+\s+[-\d.]", line)]
    factor = np.array([float(row[2]) for row in rows if len(row) > 2 and is_number(row[2])])
    return Facts(
        "RAS",
        _numbers(own, r'\*HW_XG_WAVE_LENGTH_ALPHA1\s+"([\d.]+)', r'\*HW_XG_WAVE_LENGTH_ALPHA2\s+"([\d.]+)'),
        is_rate="cps" in _word(own, r'\*MEAS_SCAN_UNIT_Y\s+"([^"]*)').lower(),
        factor=factor if rows and factor.size == len(rows) else None,
        sample=_word(own, r'\*FILE_SAMPLE\s+"([^"]*)'),
        scans=max(1, len(parts)),
    )


def _cif_facts(text: str, scan: int) -> Facts:
    """Powder CIF."""
    probe = _word(text, r"^_diffrn_radiation_(?:probe|type)\s+(\S.*)").lower()
    facts = Facts("powder CIF", _numbers(text, r"^_diffrn_radiation_wavelength\s+([\d.]+)"))
    facts.neutrons = "neutron" in probe
    return facts


def _psi_facts(text: str, scan: int) -> Facts:
    """Neutrons at PSI (DMC, HRPT): counts, then as many standard deviations, ten a line."""
    return Facts(
        "PSI", _numbers(text, r"lambda\s*=\s*([\d.]+)"), neutrons=True, sample=text.split("\n")[0].strip()
    )


def _column_facts(path: Path, text: str) -> Facts:
    """Columns: a wavelength and what the first column is may stand in a comment, σ in the third column of .xye."""
    facts = Facts("columns", _stated_wavelengths(text[:HEAD]))
    facts.seconds = _number(text[:HEAD], r"TIME_PER_STEP\W*([\d.]+)")
    facts.axis, facts.axis_unit = _first_column(text[:HEAD])
    if path.suffix.lower() == ".xye":
        rows = [re.split(r"[\s,;]+", line.strip()) for line in text.splitlines()]
        sigma = [float(row[2]) for row in rows if len(row) > 2 and all(map(is_number, row[:3]))]
        if sigma and min(sigma) > 0:
            facts.sigma = np.array(sigma)
    return facts


def _stated_wavelengths(head: str) -> tuple[float, ...]:
    """Å, from lines such as ``# Wavelength= 4.1328e-11m``, ``lambda1: 1,540598`` or ``# LAMBDA 1.5406``."""
    found: dict[str, float] = {}
    for match in re.finditer(
        r"(?im)^[^\w\n]*(?:used_)?(?:lambda|wave ?length)[ _]?([12]?)\s*(?:[\[(]\s*(\w+|Å)\s*[\])])?[\s:=]+"
        r"(\d*[.,]?\d+(?:e[+-]?\d+)?)\s*(Å|\w+)?",
        head,
    ):
        number, before, value, after = match.groups()
        unit = (before or after or "").lower()
        metres = {"m": 1.0, "nm": 1e-9, "pm": 1e-12}.get(unit, 1e-10)
        length = float(value.replace(",", ".")) * metres * 1e10
        if 0.1 < length < 10:
            found.setdefault(number or "1", length)
    return tuple(found[number] for number in "12" if number in found)


def _first_column(head: str) -> tuple[Axis, float]:
    """What the last line of words before the numbers calls the first column: 2θ, q (its unit in 1/m) or d (in m)."""
    words = ""
    for line in head.splitlines():
        if re.match(r"\s*[-+]?[\d.,]+[\s;,]+[-+]?[\d.]", line):
            break
        words = line.strip(" #;!*->\t'\"") or words
    if match := re.match(r"q\b[\s_(\[]*(?:1/|)(nm|A|Å|angstrom)?|q_(nm|A)", words, re.IGNORECASE):
        return "q", 1 / LENGTHS.get((match[1] or match[2] or "A").lower(), 1e-10)
    if match := re.match(r"d(?:[ _-]?spacing)?[\s_]*[(\[]?\s*(nm|A|Å|angstrom)\b", words, re.IGNORECASE):
        return "d", LENGTHS.get(match[1].lower(), 1e-10)
    return "2θ", 1.0


def _raw_facts(content: bytes, scan: int) -> Facts:
    """Bruker RAW1.01: wavelengths stand in the file's header, the time per step in the first range's; and RAW4."""
    if content[:7] == b"RAW4.00":
        return _raw4_facts(content)
    if content[:7] != b"RAW1.01" or len(content) < 712 + 304:
        return Facts(f"Bruker {content[:7].decode('latin-1')}")
    _, first, second, _, ratio = np.frombuffer(content, "<f8", 5, 616)
    scans, place = max(1, int(np.frombuffer(content, "<u4", 1, 12)[0])), 712
    for _ in range(min(scan, scans - 1)):
        length, points = np.frombuffer(content, "<u4", 2, place).tolist()
        place += length + int(np.frombuffer(content, "<u4", 1, place + 256)[0]) + 4 * points
        if place + 304 > len(content):
            raise PowderDiffractionError(f"the file speaks of {scans} ranges and ends before range {scan}")
    seconds = float(np.frombuffer(content, "<f4", 1, place + 192)[0])
    given = tuple(float(w) for w in (first, second) if 0.1 < w < 10)
    return Facts(
        "Bruker RAW1.01",
        given,
        float(ratio) if 0 <= ratio <= 1 else None,
        seconds if seconds > 0 else None,
        sample=content[326:386].split(b"\0")[0].decode("latin-1"),
        scans=scans,
    )


def _raw4_facts(content: bytes) -> Facts:
    """Bruker RAW4.00: records of (kind, length) from byte 61; kind 30 is the tube, kind 10 a word and its value.

    The mean of Kα, Kα1, Kα2, Kβ and the ratio stand in the tube's record from byte 72.
    """
    facts = Facts("Bruker RAW4.00")
    place = 61
    while place + 8 <= len(content):
        kind, length = struct.unpack_from("<II", content, place)
        record = content[place : place + length]
        # A range, with which the header ends, has one of these two kinds.
        if kind in (0, 160) or length < 8 or len(record) < length:
            break
        if kind == 30 and length >= 112:
            _, first, second, _, ratio = struct.unpack_from("<5d", record, 72)
            facts.wavelengths = tuple(w for w in (first, second) if 0.1 < w < 10)
            facts.ratio = ratio if 0 <= ratio <= 1 else None
        elif kind == 10 and record[12:36].split(b"\0")[0] == b"SAMPLEID":
            facts.sample = record[36:].split(b"\0")[0].decode("latin-1")
        place += length
    return facts


def _brml_facts(archive: zipfile.ZipFile, names: list[str], scan: int) -> Facts:
    """Bruker's zip of XML: the tube stands in the raw data of each scan."""
    raw = sorted(name for name in names if re.search(r"RawData\d+\.xml$", name))
    said = text_of(archive.read(raw[min(scan, len(raw) - 1)])) if raw else ""
    value = r'<{}\b[^>]*\bValue="([\d.]+)'
    first, second = (value.format(f"WaveLengthAlpha{number}") for number in (1, 2))
    wavelengths, ratio = _numbers(said, first, second), _number(said, value.format("WaveLengthRatio"))
    return Facts(
        "BRML", wavelengths, ratio if ratio is not None and ratio <= 1 else None, scans=max(1, len(raw))
    )


def _zip_facts(path: Path, content: bytes, scan: int) -> Facts:
    """Rigaku .rasx (text and XML) and Bruker .brml; nothing is unpacked before its size is known."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        names = archive.namelist()
        if (size := sum(entry.file_size for entry in archive.infolist())) > LARGEST_UNPACKED:
            raise PowderDiffractionError(
                f"{path.name} would unpack to {size:,} bytes; a pattern was expected"
            )
        profiles = [name for name in names if re.search(r"Profile\d+\.txt$", name)]
        conditions = [name for name in names if re.search(r"Conditions\d*\.xml$", name)]
        if not profiles:
            return _brml_facts(archive, names, scan)
        own = min(scan, len(profiles) - 1)
        rows = [line.split() for line in text_of(archive.read(profiles[own])).split("\n") if line.strip()]
        said = text_of(archive.read(conditions[min(own, len(conditions) - 1)])) if conditions else ""
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        KeyError,
        OSError,
        EOFError,
        RuntimeError,
        ValueError,
    ) as problem:
        if isinstance(problem, PowderDiffractionError):
            raise
        raise PowderDiffractionError(f"{path.name} is a damaged zip ({problem}); copy it again") from None
    factor = [float(row[2]) for row in rows if len(row) > 2 and is_number(row[2])]
    return Facts(
        "RASX",
        _numbers(said, r"<WavelengthKalpha1>([\d.]+)", r"<WavelengthKalpha2>([\d.]+)"),
        is_rate=_word(said, r"<IntensityUnit>([^<]*)").lower() == "cps",
        factor=np.array(factor) if len(factor) == len(rows) else None,
        sample=_word(said, r"<SampleName>([^<]*)"),
        scans=len(profiles),
    )


_KINDS: tuple[tuple[str, Callable[[str, int], Facts]], ...] = (
    (r"<xrdMeasurement", _xrdml_facts),
    (r"^_FILEVERSION", _uxd_facts),
    (r"^\*RAS_", _ras_facts),
    (r"^#S \d", _spec_facts),
    (r"\A[^\n]*\n\s*lambda\s*=[^\n]*\n\s*[\d.]+\s+[\d.]+\s+[\d.]+\s+[\d.]+", _psi_facts),
    (r"^data_\S", _cif_facts),
)


def text_of(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")


def is_number(word: str) -> bool:
    try:
        return bool(np.isfinite(float(word)))
    except ValueError:
        return False


def _word(text: str, pattern: str) -> str:
    found = re.search(pattern, text, re.MULTILINE | re.DOTALL if "<sample" in pattern else re.MULTILINE)
    return found[1].strip() if found else ""


def _number(text: str, pattern: str) -> float | None:
    found = re.search(pattern, text, re.MULTILINE | re.IGNORECASE)
    return float(found[1]) if found and is_number(found[1]) else None


def _numbers(text: str, *patterns: str) -> tuple[float, ...]:
    """Wavelengths in Å, as long as they are some."""
    found = [_number(text, pattern) for pattern in patterns]
    return tuple(value for value in found if value is not None and 0.1 < value < 10)


def _floats(text: str) -> Array:
    return np.array([float(word) for word in text.split() if is_number(word)])
