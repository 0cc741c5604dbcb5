"""What powder diffractometers write beside angles and counts: wavelengths, times, attenuators, by kind of file."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LARGEST_UNPACKED = 400_000_000  # bytes of all that a zip says it holds
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
    notes: list[str] = field(default_factory=list)


def read_facts(path: Path, content: bytes) -> Facts:
    """Facts by the kind of file, told from its content."""
    if content[:4] == b"PK\x03\x04":
        return _zip_facts(path, content)
    if content[:3] == b"RAW":
        return _raw_facts(content)
    head = text_of(content[:4096]).lstrip()
    for mark, facts in _KINDS:
        if re.search(mark, head, re.MULTILINE):
            return facts(text_of(content))
    return _column_facts(path, text_of(content))


def _xrdml_facts(text: str) -> Facts:
    """PANalytical: 0.1–2.x; <intensities> may be rates, <counts> are raw and attenuated."""
    factors = re.search(r"<beamAttenuationFactors[^>]*>([^<]*)<", text)
    return Facts(
        "XRDML",
        _numbers(text, r"<kAlpha1[^>]*>\s*([\d.]+)", r"<kAlpha2[^>]*>\s*([\d.]+)"),
        _number(text, r"<ratioKAlpha2KAlpha1[^>]*>\s*([\d.]+)"),
        _number(text, r"<commonCountingTime[^>]*>\s*([\d.eE+-]+)"),
        is_rate=bool(re.search(r'<intensities[^>]*unit="cps"', text)),
        factor=_floats(factors[1]) if factors else None,
        is_multiplied=True,
        sample=_word(text, r"<sample\b.*?<name>\s*([^<]*?)\s*</name>"),
    )


def _uxd_facts(text: str) -> Facts:
    """Bruker's text: _KEY=value."""
    return Facts(
        "UXD",
        _numbers(text, r"^_WL1\s*=\s*([\d.]+)", r"^_WL2\s*=\s*([\d.]+)"),
        _number(text, r"^_WLRATIO\s*=\s*([\d.]+)"),
        _number(text, r"^_STEPTIME\s*=\s*([\d.]+)"),
        is_rate=bool(re.search(r"^_(2THETA)?CPS", text, re.MULTILINE)),
        sample=_word(text, r"^_SAMPLE\s*=\s*'?([^'\r\n]*)"),
    )


def _ras_facts(text: str) -> Facts:
    """Rigaku's header: *KEY "value"; the third column is the attenuator's factor."""
    rows = [line.split() for line in text.splitlines() if re.match(r"\s*[\d.]+\s+[-\d.]", line)]
    factor = np.array([float(row[2]) for row in rows if len(row) > 2 and is_number(row[2])])
    return Facts(
        "RAS",
        _numbers(text, r'\*HW_XG_WAVE_LENGTH_ALPHA1\s+"([\d.]+)', r'\*HW_XG_WAVE_LENGTH_ALPHA2\s+"([\d.]+)'),
        is_rate="cps" in _word(text, r'\*MEAS_SCAN_UNIT_Y\s+"([^"]*)').lower(),
        factor=factor if rows and factor.size == len(rows) else None,
        sample=_word(text, r'\*FILE_SAMPLE\s+"([^"]*)'),
    )


def _cif_facts(text: str) -> Facts:
    """Powder CIF."""
    probe = _word(text, r"^_diffrn_radiation_(?:probe|type)\s+(\S.*)").lower()
    facts = Facts("powder CIF", _numbers(text, r"^_diffrn_radiation_wavelength\s+([\d.]+)"))
    facts.neutrons = "neutron" in probe
    return facts


def _psi_facts(text: str) -> Facts:
    """Neutrons at PSI (DMC, HRPT): counts, then as many standard deviations, ten a line."""
    return Facts(
        "PSI", _numbers(text, r"lambda\s*=\s*([\d.]+)"), neutrons=True, sample=text.split("\n")[0].strip()
    )


def _column_facts(path: Path, text: str) -> Facts:
    """Columns: a wavelength may stand in a comment, σ in the third column of .xye."""
    facts = Facts("columns", _numbers(text[:4096], r"(?:LAMBDA|wavelength)\W*([\d.]+)"))
    facts.seconds = _number(text[:4096], r"TIME_PER_STEP\W*([\d.]+)")
    if path.suffix.lower() == ".xye":
        rows = [re.split(r"[\s,;]+", line.strip()) for line in text.splitlines()]
        sigma = [float(row[2]) for row in rows if len(row) > 2 and all(map(is_number, row[:3]))]
        if sigma and min(sigma) > 0:
            facts.sigma = np.array(sigma)
    return facts


def _raw_facts(content: bytes) -> Facts:
    """Bruker RAW1.01: wavelengths stand in the file's header, the time per step in the first range's."""
    if content[:7] != b"RAW1.01" or len(content) < 712 + 304:
        return Facts(f"Bruker {content[:7].decode('latin-1')}")
    _, first, second, _, ratio = np.frombuffer(content, "<f8", 5, 616)
    seconds = float(np.frombuffer(content, "<f4", 1, 712 + 192)[0])
    given = tuple(float(w) for w in (first, second) if 0.1 < w < 10)
    return Facts(
        "Bruker RAW1.01",
        given,
        float(ratio) if 0 <= ratio <= 1 else None,
        seconds if seconds > 0 else None,
        sample=content[326:386].split(b"\0")[0].decode("latin-1"),
    )


def _zip_facts(path: Path, content: bytes) -> Facts:
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
            return Facts("BRML", notes=["wavelength and counting time of .brml are not read"])
        rows = [line.split() for line in text_of(archive.read(profiles[0])).split("\n") if line.strip()]
        said = text_of(archive.read(conditions[0])) if conditions else ""
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
    )


_KINDS: tuple[tuple[str, Callable[[str], Facts]], ...] = (
    (r"<xrdMeasurement", _xrdml_facts),
    (r"^_FILEVERSION", _uxd_facts),
    (r"^\*RAS_", _ras_facts),
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
