"""Powder patterns from diffractometer files: angles and counts, their variance, the wavelength, and what is missing."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nbtools.files.measures import decoded
from nbtools.files.powder_headers import (
    EXPORT,
    TWO_THETA,
    Facts,
    PowderDiffractionError,
    is_number,
    read_facts,
    spec_scans,
)
from nbtools.files.text_table import read_text_table
from nbtools.x_ray_lines import K_ALPHA

__all__ = ["PowderDiffractionError", "read_pattern", "scan_options"]

Array = NDArray[np.float64]
LARGEST = 100_000_000  # bytes of a file
FEWEST_POINTS = 5
ANGSTROM = 1e-10
SAME_LINE = 2e-4  # relative, by which two tables may differ
NO_WAVELENGTH = "the file gives no wavelength"
NEUTRONS = "measured with neutrons: the structure factors of X-rays do not apply"


def read_pattern(path: str | Path, *, scan: int = 0, columns: str = "") -> xr.Dataset:
    """One powder scan of a file, as counts with their variance over 2θ in degrees.

    Read are, through the package geddes, text columns (.xy, .xye, .csv, .dat, .txt), Bruker .raw (RAW1.01, RAW4),
    .uxd and .brml, Rigaku .ras and .rasx, PANalytical .xrdml, GSAS and powder CIF; and PSI's .dat and SPEC's scans.
    Rates are multiplied by the counting time where the file gives it, attenuated counts by the attenuator's factor.

    Parameters
    ----------
    scan : which one, where a file holds several, from 0
    columns : of a table of numbers, which are the angle and the counts: ``"two_theta:0 degree, counts:1"``

    Returns
    -------
    Dataset over ``two_theta`` (degrees) with ``counts`` and ``variance`` (NaN where the file does not let one know it).
    attrs: source, format, sample, wavelength and wavelength_2 (m) and ratio (NaN: not given), counting_time (s),
    plain_counts (whether the variance is simply the counts), radiation, notes (sentences on what is missing),
    scans (how many the file holds)

    Raises
    ------
    PowderDiffractionError
        Not there, too large, truncated, of no known kind, or without a powder scan.
    TableError
        No such columns.
    """
    path = Path(path)
    content = _content(path)
    content = _with_decimal_points(content)
    facts = read_facts(path, content, scan)
    if columns and _reads_as_words(content):
        table = read_text_table(path, columns, needs=("two_theta", "counts"))
        angle, intensity = np.degrees(table["two_theta"].values), table["counts"].values
        facts.axis, facts.sigma = "2θ", None
    elif facts.format in ("PSI", "start, step and end"):
        angle, intensity = _stepped(path, content, facts)
    elif facts.format == "SPEC":
        angle, intensity = _spec_arrays(path, content, scan)
    else:
        angle, intensity = _geddes(path, content, scan)
    if facts.axis != "2θ":
        angle, intensity = _from_spacing(path, angle, intensity, facts)
    for extra in (facts.factor, facts.sigma, facts.seconds):
        if isinstance(extra, np.ndarray) and extra.shape != angle.shape:
            raise PowderDiffractionError(
                f"{path.name} has {angle.size} points but {extra.size} attenuator factors, times or errors; {EXPORT}"
            )
    return _dataset(path, angle, intensity, facts)


def scan_options(scan: xr.Dataset) -> dict[str, Any]:
    """What a refinement of a scan should be told: its variance where the counts are not plain, and its wavelengths.

    Raises
    ------
    PowderDiffractionError
        A scan with neutrons.
    """
    if scan.attrs["radiation"] == "neutrons":
        raise PowderDiffractionError(f"{scan.attrs['source']}: {NEUTRONS}")
    variance = scan.variance.values
    known = not scan.attrs["plain_counts"] and bool(np.all(np.isfinite(variance)))
    options: dict[str, Any] = {"variance": variance} if known else {}
    first, second, ratio = (float(scan.attrs[key]) for key in ("wavelength", "wavelength_2", "ratio"))
    if np.isfinite(first):
        first, second = (first, second) if np.isfinite(second) or ratio == 0 else _doublet(first)
        options["wavelengths"] = (first, second if np.isfinite(second) else first)
        options["ratio"] = 0.0 if not np.isfinite(second) else ratio if np.isfinite(ratio) else 0.5
    return options


def _doublet(wavelength: float) -> tuple[float, float]:
    """Both Kα lines of the tube whose Kα1, or mean of both, a file states alone; else that wavelength and NaN.

    Such a file does not say whether Kα2 was filtered out. How strong it is, the refinement finds.
    """
    for first, second in K_ALPHA.values():
        for stated in (first, (2 * first + second) / 3):
            if abs(wavelength / stated - 1) < SAME_LINE:
                return first, second
    return wavelength, float("nan")


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise PowderDiffractionError(f"{path} is not there; a file with a powder pattern was expected")
    size = path.stat().st_size
    if not 0 < size <= LARGEST:
        raise PowderDiffractionError(f"{path.name} has {size:,} bytes; a powder pattern has 1 to {LARGEST:,}")
    return path.read_bytes()


def _geddes(path: Path, content: bytes, scan: int) -> tuple[Array, Array]:
    """Angles and intensities; a file of columns may have any suffix."""
    import geddes

    names = [path.name, "columns.xy"] if _reads_as_words(content) else [path.name]
    problems = []
    for name in names:
        try:
            pattern = geddes.read_bytes(content, name, index=scan)
            return np.asarray(pattern.x, float), np.asarray(pattern.y, float)
        except (ValueError, OSError, OverflowError) as problem:
            problems.append(str(problem))
    raise PowderDiffractionError(
        f"{path.name} is no powder pattern that can be read ({problems[0]}); {EXPORT}"
    )


def _with_decimal_points(content: bytes) -> bytes:
    """Rows such as ``20,0000;53`` or ``20,05 <tab> 53,1 7,3`` as ``20.0000 53``; anything else as it came.

    A comma is decimal where none of the first fifty rows of numbers has a point, and blanks, tabs or semicolons part
    their columns.
    """
    number = rb"-?\d+(?:,\d+)?(?:[eE][-+]?\d+)?"
    rows = re.findall(
        rb"(?m)^[ \t]*" + number + rb"(?:[ \t]*[;\t ][ \t]*" + number + rb")+[ \t;]*\r?$", content
    )
    if len(rows) < FEWEST_POINTS or not any(b"," in row for row in rows[:50]):
        return content
    head = content[: content.index(rows[0])]
    return head + b"\n".join(re.sub(rb"[;\t]", b" ", row.replace(b",", b".")).strip() for row in rows) + b"\n"


def _from_spacing(path: Path, along: Array, intensity: Array, facts: Facts) -> tuple[Array, Array]:
    """2θ from θ or radians, or from q or d by the stated wavelength, λ = 2d sin θ, q = 2π/d, rising."""
    if facts.axis == "θ":
        facts.notes.append(f"2θ is {facts.axis_unit:.4g} times the first column, as the words over it say")
        return along * facts.axis_unit, intensity
    if facts.axis == "no angle":
        raise PowderDiffractionError(
            f"{path.name}: the header calls the first column a time of flight or an energy, and there is no pattern at "
            "one wavelength; export 2θ, or name the columns by COLUMNS"
        )
    if not facts.wavelengths:
        raise PowderDiffractionError(
            f"{path.name}: the header calls the first column {facts.axis}, and states no wavelength by which it would "
            "be 2θ; add a line such as `# Wavelength: 1.5406 Å`, or export 2θ"
        )
    value = along * facts.axis_unit
    with np.errstate(divide="ignore"):
        sine = ANGSTROM * facts.wavelengths[0] * (value / (4 * np.pi) if facts.axis == "q" else 0.5 / value)
    if not np.all((sine > 0) & (sine < 1)):
        raise PowderDiffractionError(
            f"{path.name}: {facts.axis} from {along.min():.4g} to {along.max():.4g} cannot be reached with the stated "
            f"wavelength of {facts.wavelengths[0]:g} Å; is its unit that of the header?"
        )
    angle = np.degrees(2 * np.arcsin(sine))
    facts.notes.append(f"2θ was computed from {facts.axis} by the stated wavelength")
    order = np.argsort(angle, kind="stable")
    if facts.sigma is not None:
        facts.sigma = facts.sigma[order]
    return angle[order], intensity[order]


def _dataset(path: Path, angle: Array, intensity: Array, facts: Facts) -> xr.Dataset:
    if angle.size < FEWEST_POINTS:
        raise PowderDiffractionError(
            f"{path.name} holds {angle.size} points, which are no powder pattern; {EXPORT}"
        )
    if not (
        np.all(np.isfinite(intensity)) and np.all(np.diff(angle) > 0) and angle[0] > 0 and angle[-1] < 180
    ):
        raise PowderDiffractionError(
            f"{path.name}: 2θ runs from {angle[0]:.4g} to {angle[-1]:.4g}; rising degrees between 0 and 180 and "
            "finite intensities were expected"
        )
    counts, variance, plain = _statistics(intensity, facts)
    lengths = [ANGSTROM * w for w in (*facts.wavelengths, np.nan, np.nan)]
    if not facts.wavelengths:
        facts.notes.append(NO_WAVELENGTH)
    if facts.neutrons:
        facts.notes.append(NEUTRONS)
    return xr.Dataset(
        {
            "counts": ("two_theta", counts, {"units": "counts" if plain else ""}),
            "variance": ("two_theta", variance),
        },
        coords={"two_theta": ("two_theta", angle, {"units": "degrees"})},
        attrs={
            "source": path.name,
            "format": facts.format,
            "sample": facts.sample,
            "wavelength": lengths[0],
            "wavelength_2": lengths[1],
            "ratio": np.nan if facts.ratio is None else facts.ratio,
            "counting_time": np.nan if facts.seconds is None else float(np.mean(facts.seconds)),
            "plain_counts": plain,
            "radiation": "neutrons" if facts.neutrons else "x-rays",
            "notes": tuple(facts.notes),
            "scans": facts.scans,
        },
    )


def _statistics(intensity: Array, facts: Facts) -> tuple[Array, Array, bool]:
    """Counts, their variance, and whether that is the counts themselves."""
    if facts.sigma is not None:
        return intensity, facts.sigma**2, False
    if facts.is_rate and facts.seconds is None:
        facts.notes.append("intensities are rates and the file gives no counting time: no variance")
        return intensity, np.full(intensity.size, np.nan), False
    counts = intensity * facts.seconds if facts.is_rate and facts.seconds is not None else intensity
    if facts.factor is not None and np.any(facts.factor != 1):
        facts.notes.append(f"an attenuator of up to {np.max(facts.factor):.4g} was in the beam")
        true = counts if facts.is_multiplied else counts * facts.factor
        return true, np.maximum(true * facts.factor, facts.factor**2), False
    if np.any(counts < 0):
        facts.notes.append("counts below zero: something has been subtracted, so no variance")
        return counts, np.full(counts.size, np.nan), False
    if np.any(np.abs(counts - np.round(counts)) > 1e-3 * np.sqrt(np.abs(counts) + 1)):
        facts.notes.append("the intensities are no whole numbers, so no plain counts: no variance")
        return counts, np.full(counts.size, np.nan), False
    return counts, np.maximum(counts, 1.0), True


def _stepped(path: Path, content: bytes, facts: Facts) -> tuple[Array, Array]:
    """Counts alone, after a line of start, step and end of 2θ: PSI's third, with errors after them; else the first."""
    lines = decoded(content).split("\n")
    at, parts = (2, 2) if facts.format == "PSI" else (0, 1)
    head = lines[at].split()[:3]
    if len(head) < 3 or not all(map(is_number, head)):
        raise PowderDiffractionError(
            f"{path.name}: line {at + 1} is {lines[at].strip()[:60]!r}; start, step and end of 2θ were expected there"
        )
    start, step, stop = map(float, head)
    size = round((stop - start) / step) + 1 if step > 0 and stop > start else 0
    words = " ".join(lines[at + 1 :]).split()[: parts * size] if 0 < size < 1_000_000 else []
    if len(words) < parts * size or not size or not all(map(is_number, words)):
        raise PowderDiffractionError(
            f"{path.name}: 2θ from {start:g} to {stop:g} in steps of {step:g} means {size} counts"
            f"{' and as many errors' if parts == 2 else ''}, but {len(words)} numbers follow; is the file cut short?"
        )
    values = np.array(words, float).reshape(parts, size)
    if parts == 2:
        facts.sigma = values[1] if np.all(values[1] > 0) else None
    return np.asarray(start + step * np.arange(size), float), np.asarray(values[0])


def _spec_arrays(path: Path, content: bytes, scan: int) -> tuple[Array, Array]:
    """2θ, and the column that is called counts or detector, without one the last."""
    scans = spec_scans(decoded(content))
    if scan >= len(scans):
        raise PowderDiffractionError(
            f"{path.name} holds {len(scans)} scans against 2θ, and scan {scan} (from 0) was asked for; {EXPORT}"
        )
    columns = scans[scan]
    angle = next(values for name, values in columns.items() if re.fullmatch(TWO_THETA, name))
    counted = [values for name, values in columns.items() if re.match("(?i)counts|det", name)]
    return angle, counted[0] if counted else [*columns.values()][-1]


def _reads_as_words(content: bytes) -> bool:
    return b"\0" not in content[:4096] or content[:2] in (b"\xff\xfe", b"\xfe\xff")
