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

from nbtools.files.measures import decoded
from nbtools.units import HC
from nbtools.x_ray_lines import K_ALPHA

Array = NDArray[np.float64]
Axis = Literal["2θ", "θ", "q", "d", "no angle"]
LARGEST_UNPACKED = 400_000_000  # bytes of all that a zip says it holds
HEAD = 4096  # characters in which a header is looked for
# In m, in small letters.
LENGTHS = {"m": 1.0, "nm": 1e-9, "pm": 1e-12, "um": 1e-6, "µm": 1e-6, "μm": 1e-6}
LENGTHS |= dict.fromkeys(("a", "å", "angstrom"), 1e-10)
# What may stand before the word: which light it is.
LIGHT = (
    r"(?:used|incident|beam|x-?ray|radiation|mean|average|(?:Cu|Co|Fe|Cr|Mo|Ag)\b"
    r"|K[-_ ]?(?:alpha|beta|α|β|a|b)[-_ ]?[12]?)"
)
ERRORS = re.compile(r"(?i)\b(?:esds?|errors?|sigma|σ|std(?:ev)?|uncertainty|e\.s\.d\.)(?!\w)")
NUMBER = r"[\d.]+(?:[eE][-+]?\d+)?"
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
    seconds: float | Array | None = None
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
    head = decoded(content[:4096]).lstrip()
    for mark, facts in _KINDS:
        if re.search(mark, head, re.MULTILINE):
            return facts(decoded(content), scan)
    return _column_facts(path, decoded(content))


def _xrdml_facts(text: str, scan: int) -> Facts:
    """PANalytical: 0.1–2.x; <intensities> may be rates, <counts> are raw and attenuated; each scan has its own.

    Each measurement states its tube, and which of the tube's lines passes the monochromator or filter.
    """
    parts = list(re.finditer(r"<scan\b.*?</scan>", text, re.DOTALL))
    own = parts[scan][0] if scan < len(parts) else text
    before = text[: parts[scan].start()] if scan < len(parts) else text
    tube = (re.findall(r"<usedWavelength.*?</usedWavelength>", before, re.DOTALL) or [text])[-1]
    falling = (_number(own, r"<startPosition>\s*([-\d.]+)") or 0) > (
        _number(own, r"<endPosition>\s*([-\d.]+)") or 180
    )
    each = {
        name: _floats(found[1])[:: -1 if falling else 1]
        for name in ("beamAttenuationFactors", "countingTimes")
        if (found := re.search(rf"<{name}[^>]*>([^<]*)<", own))
    }
    facts = Facts(
        "XRDML",
        ratio=_number(tube, r"<ratioKAlpha2KAlpha1[^>]*>\s*([\d.]+)"),
        seconds=each.get("countingTimes", _number(own, rf"<commonCountingTime[^>]*>\s*({NUMBER})")),
        is_rate=bool(re.search(r'<intensities[^>]*unit="cps"', own)),
        factor=each.get("beamAttenuationFactors"),
        is_multiplied=True,
        sample=_word(text, r"<sample\b.*?<name>\s*([^<]*?)\s*</name>"),
        scans=max(1, len(parts)),
    )
    intended = re.sub(r"[-_ ]", "", _word(tube, r'<usedWavelength[^>]*intended="([^"]*)"')).lower()
    single = {"kalpha1": ["kAlpha1"], "kalpha2": ["kAlpha2"], "kbeta": ["kBeta"]}
    used = single.get(intended, ["kAlpha1", "kAlpha2"])
    unit = _word(tube, r'<kAlpha1[^>]*unit="([^"]*)"').lower()
    scale = 1e10 * LENGTHS.get(unit, 1e-10)
    facts.wavelengths = _numbers(tube, *(rf"<{name}[^>]*>\s*({NUMBER})" for name in used), scale=scale)
    if len(used) == 1:
        facts.ratio = 0.0
    return facts


def _uxd_facts(text: str, scan: int) -> Facts:
    """Bruker's text: _KEY=value; each range has its own counting time, and says by its last key what it counts."""
    marks = list(re.finditer(r"^_(?:2THETA)?(COUNTS|CPS)\b", text, re.MULTILINE))
    own = min(scan, max(len(marks) - 1, 0))
    head = text[marks[own - 1].end() if own else 0 : marks[own].end() if marks else len(text)]
    seconds = r"^_STEPTIME\s*=\s*([\d.]+)"
    return Facts(
        "UXD",
        _numbers(text, r"^_WL1\s*=\s*([\d.]+)", r"^_WL2\s*=\s*([\d.]+)"),
        _number(text, r"^_WLRATIO\s*=\s*([\d.]+)"),
        _number(head, seconds) or _number(text, seconds),
        is_rate=bool(marks) and marks[own][1] == "CPS",
        sample=_word(text, r"^_SAMPLE\s*=\s*'?([^'\r\n]*)"),
        scans=max(1, len(marks)),
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
    beta = _word(own, r'\*MEAS_COND_XG_WAVE_TYPE\s+"([^"]*)').lower().startswith("kb")
    lines = ("BETA",) if beta else ("ALPHA1", "ALPHA2")
    return Facts(
        "RAS",
        _numbers(own, *(rf'\*HW_XG_WAVE_LENGTH_{line}\s+"([\d.]+)' for line in lines)),
        0.0 if len(lines) == 1 else None,
        seconds=_seconds_a_point(
            own,
            r'\*MEAS_SCAN_SPEED\s+"([\d.]+)',
            r'\*MEAS_SCAN_STEP\s+"([\d.]+)',
            r'\*MEAS_SCAN_SPEED_UNIT\s+"([^"]*)',
        ),
        is_rate="cps" in _word(own, r'\*MEAS_SCAN_UNIT_Y\s+"([^"]*)').lower(),
        factor=_third_column(own),
        sample=_word(own, r'\*FILE_SAMPLE\s+"([^"]*)'),
        scans=max(1, len(parts)),
    )


def _seconds_a_point(text: str, speed: str, step: str, unit: str) -> float | None:
    """Rigaku's counting time: the step over the speed of the scan, or the speed itself where that is a time.

    Parameters
    ----------
    text : the header
    speed, step, unit : patterns of the three in it
    """
    fast, wide, what = _number(text, speed), _number(text, step), _word(text, unit).lower()
    if fast and what.startswith("s"):
        return fast
    return 60 * wide / fast if fast and wide and "min" in what else None


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


def _stepped_facts(text: str, scan: int) -> Facts:
    """FullProf's and DBWS's free format: start, step and end of 2θ in the first line, then counts."""
    return Facts("start, step and end", sample=" ".join(text.split("\n")[0].split()[3:]))


def _column_facts(path: Path, text: str) -> Facts:
    """Columns: a wavelength and what the columns are may stand in comments; GSAS and FullProf have their own heads."""
    head, names = _head(text)
    facts = Facts("columns", _stated_wavelengths(head), neutrons=bool(re.search(r"(?i)\bneutron", head)))
    if not facts.wavelengths and (
        anode := re.search(r"(?im)^[^\w\n]*anode[^\w\n]*(Cu|Co|Fe|Cr|Mo|Ag)\b", head)
    ):
        facts.wavelengths = tuple(1e10 * line for line in K_ALPHA[anode[1].capitalize()])
    facts.seconds = _number(
        head, r"(?:TIME[ _]?PER[ _]?STEP|(?:COUNT(?:ING)?|STEP)[ _]?TIME)\W*(?:\(s\)\W*)?([\d.]+)"
    )
    facts.is_rate = bool(re.search(r"(?i)\bcps\b|counts?[ /_]*(?:per|/)[ _]*s|\bcounts?/s", names))
    facts.axis, facts.axis_unit = _first_column(names)
    if bank := re.search(r"^BANK\s.*\b(STD|ESD|FXYE|FXY|ALT)\s*$", text, re.MULTILINE):
        facts.format = f"GSAS {bank[1]}"
        facts.sigma = _bank_errors(text[bank.end() :], bank[1])
    elif path.suffix.lower() == ".xye" or text.startswith("XYDATA") or re.search(ERRORS, names):
        facts.sigma = _errors(_third_column(text))
    return facts


def _bank_errors(rows: str, kind: str) -> Array | None:
    """σ of each point of a GSAS bank: in the third column, or after each intensity in fields of eight characters."""
    if kind == "FXYE":
        return _errors(_third_column(rows))
    if kind != "ESD":
        return None
    fields = [line[at : at + 8] for line in rows.splitlines() for at in range(0, len(line.rstrip()), 8)]
    return _errors(_floats(" ".join(fields[1::2])))


def _third_column(text: str) -> Array | None:
    """In the order of rising angle, as intensities are read; none where a row has none."""
    rows = [re.split(r"[\s,;]+", line.strip()) for line in text.splitlines()]
    rows = [row for row in rows if len(row) > 1 and all(map(is_number, row[:2]))]
    if not rows or any(len(row) < 3 or not is_number(row[2]) for row in rows):
        return None
    order = np.argsort([float(row[0]) for row in rows], kind="stable")
    return np.array([float(rows[i][2]) for i in order])


def _errors(sigma: Array | None) -> Array | None:
    """σ; none where most are none. The σ of a point that has 0, being √0, is the least of the others."""
    if sigma is None or not sigma.size:
        return None
    positive = sigma[sigma > 0]
    return np.where(sigma > 0, sigma, positive.min()) if positive.size > sigma.size / 2 else None


def _head(text: str) -> tuple[str, str]:
    """The lines before the numbers, and the last of them, which names the columns."""
    lines = []
    for line in text[:HEAD].splitlines():
        if re.match(r"\s*[-+]?[\d.,]+(?:e[-+]?\d+)?\s*[\s;,]\s*[-+]?[\d.]", line, re.IGNORECASE):
            break
        lines.append(line)
    names = next((line for line in reversed(lines) if line.strip(" #;!*->\t'\"")), "")
    return "\n".join(lines), names.strip(" #;!*->\t'\"")


def _stated_wavelengths(head: str) -> tuple[float, ...]:
    """Å, from lines such as ``# Wavelength= 4.1328e-11m``, ``λ(Kα1) = 1.540598 Å`` or ``Energy: 17.0 keV``.

    The word begins its line, but for what light it is; a sample's name is none.
    """
    found: dict[str, float] = {}
    for line in head.splitlines():
        if start := re.match(
            rf"[^\wλ]*(?:{LIGHT}[\s_-]*)*(?:wave[ _]?length|lambda|λ|WL(?=[12]?\W))", line, re.IGNORECASE
        ):
            rest = re.sub(r"\s*[x×*]\s*10\^?-(?=\d)", "e-", line[start.end() :])
            rest = re.sub(r"(?<=\d)[dD](?=[-+]?\d)", "e", rest)
            second = re.search(r"(?:α|alpha|a)[ _]?2", start[0], re.IGNORECASE) or re.match(
                r"[ _]?2(?=\s*[:=\s])", rest
            )
            beta = re.search(r"β|beta|K[-_ ]?b", start[0], re.IGNORECASE)
            rest = re.sub(r"^[ _]?[12](?=\s*[:=\s])", "", rest)
            before = re.search(r"[\[(]\s*(Å|\w+)\s*[\])]", rest)
            for match in re.finditer(
                r"(?<![\w.])(\d+(?:[.,]\d+)?(?:e[-+]?\d+)?)\s*(Å|[^\W\d]+)?", rest, re.IGNORECASE
            ):
                unit = match[2] or ""
                if unit.lower() not in LENGTHS and before:
                    unit = before[1]
                length = 1e10 * float(match[1].replace(",", ".")) * LENGTHS.get(unit.lower(), 1e-10)
                if 0.1 < length < 10:
                    found.setdefault("β" if beta else "2" if second or "1" in found else "1", length)
        elif energy := re.match(
            r"\W*(?:x-?ray |beam |photon )?energy\b\W*(k?eV)?\W*(\d+(?:\.\d+)?)\s*(k?eV)?",
            line,
            re.IGNORECASE,
        ):
            kilo = 1e-3 if (energy[1] or energy[3] or "").lower() == "ev" else 1.0
            # hc in eV nm makes keV Å by a hundredth.
            found.setdefault("1", 1e-2 * HC / (kilo * float(energy[2])))
    return tuple(found[key] for key in ("12" if "1" in found else "β") if key in found)


def _first_column(names: str) -> tuple[Axis, float]:
    """What the words over the columns call the first: 2θ, θ (unit in degrees), q (unit in 1/m) or d (in m)."""
    word = re.sub(r"[\"']", "", names)
    if re.match(r"(?:tof|time.of.flight|energy|e ?[\[(]k?ev)\b(?!.*\d)", word, re.IGNORECASE):
        return "no angle", 1.0
    length = r"(nm|pm|A|Å|angstroms?)\b"
    q = r"(?:q\b|q_|momentum[ _]transfer|scattering[ _]vector)"
    if re.match(q, word, re.IGNORECASE):
        unit = re.search(rf"(?:[\s_(\[/]|1/){length}", word.split("I")[0], re.IGNORECASE)
        return "q", 1 / LENGTHS.get(unit[1].lower().rstrip("s") if unit else "a", 1e-10)
    if match := re.match(rf"d(?:[ _-]?spacing)?[\s_,]*[(\[/]?\s*{length}", word, re.IGNORECASE):
        return "d", LENGTHS.get(match[1].lower().rstrip("s"), 1e-10)
    angle = r"(2[ _-]?theta|two[ _-]?theta|2θ|2th|tth|theta(?![-_/ ]*2)|θ(?![-/ ]*2))(?![a-z])"
    if match := re.match(rf"{angle}[\s_,]*[(\[/]?\s*(rad)?", word, re.IGNORECASE):
        half = match[1].lower() in ("theta", "θ")
        if half or match[2]:
            return "θ", (2.0 if half else 1.0) * (180 / np.pi if match[2] else 1.0)
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
    said = decoded(archive.read(raw[min(scan, len(raw) - 1)])) if raw else ""
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
        profile = decoded(archive.read(profiles[own]))
        said = decoded(archive.read(conditions[min(own, len(conditions) - 1)])) if conditions else ""
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
    lines = ("beta",) if _word(said, r"<WaveType>([^<]*)").lower().startswith("kb") else ("alpha1", "alpha2")
    return Facts(
        "RASX",
        _numbers(said, *(rf"<WavelengthK{line}>([\d.]+)" for line in lines)),
        0.0 if len(lines) == 1 else None,
        _seconds_a_point(said, r"<Speed>([\d.]+)", r"<Step>([\d.]+)", r"<SpeedUnit>([^<]*)"),
        is_rate=_word(said, r"<IntensityUnit>([^<]*)").lower() == "cps",
        factor=_third_column(profile),
        sample=_word(said, r"<SampleName>([^<]*)"),
        scans=len(profiles),
    )


_NUMBER = r"\d+\.?\d*"
_KINDS: tuple[tuple[str, Callable[[str, int], Facts]], ...] = (
    (r"<xrdMeasurement", _xrdml_facts),
    (r"^_FILEVERSION", _uxd_facts),
    (r"^\*RAS_", _ras_facts),
    (r"^#S \d", _spec_facts),
    (r"\A[^\n]*\n\s*lambda\s*=[^\n]*\n\s*[\d.]+\s+[\d.]+\s+[\d.]+\s+[\d.]+", _psi_facts),
    (r"^data_\S", _cif_facts),
    (
        rf"\A{_NUMBER}[ \t]+{_NUMBER}[ \t]+{_NUMBER}\b[^\n]*\n[ \t]*\d+\.?(?:[ \t]+\d+\.?){{4,}}[ \t]*\n",
        _stepped_facts,
    ),
)


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


def _numbers(text: str, *patterns: str, scale: float = 1.0) -> tuple[float, ...]:
    """Wavelengths in Å, as long as they are some; `scale` is that of their unit."""
    found = [scale * (_number(text, pattern) or 0.0) for pattern in patterns]
    return tuple(value for value in found if 0.1 < value < 10)


def _floats(text: str) -> Array:
    return np.array([float(word) for word in text.split() if is_number(word)])
