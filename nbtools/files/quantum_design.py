"""Quantum Design `.dat` files (MPMS, MPMS3, PPMS VSM, ACMS, ETO, TTO, resistivity, log) as labelled arrays in SI."""

from __future__ import annotations

import hashlib
import io
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from nbtools.files.measures import decoded, in_si, plain_number
from nbtools.files.registry import HEAD, Contents, Range, Reader, Signal
from nbtools.files.sweeps import (
    CHANNELS,
    Sweep,
    channel_names,
    distinct_names,
    find_sweeps,
    split_sweeps,
    sweeps_of_everything,
)
from nbtools.units import convert, factor

__all__ = [
    "QuantumDesignError",
    "Sweep",
    "distinct_names",
    "find_sweeps",
    "is_dat",
    "keep_good_points",
    "read_dat",
    "split_sweeps",
]

HOTTEST = 2000.0  # K
STRONGEST = convert(1e6, "Oe", "A/m")
# What software writes where there was no reading. Nothing is measured to be exactly this.
SENTINELS = (-999.0, -999.9, -999.99, -9999.0, -99999.0)
OVERFLOW = 1e30
# Where the moment is below this part of its largest, a free-centre fit may follow noise or the holder.
SMALL_MOMENT = 0.05
POOREST_FIT = 0.5  # agreement of a SQUID fit, 0 to 1
FARTHEST_CENTRE = 1e-3  # m, from the centre of the strong points around


class QuantumDesignError(ValueError):
    """A file that is not the Quantum Design data file it should be; says where, what was found, what to do."""


def read_dat(path: str | Path) -> xr.Dataset:
    """Read one Quantum Design data file.

    Parameters
    ----------
    path : the summary `.dat` file as MultiVu writes it, or re-saved by a spreadsheet

    Returns
    -------
    Dataset over `point`, in the order of the file. Variables as far as the file has them: `time` (s),
    `temperature` (K), `field` (A/m), `moment` and `moment_uncertainty` (A m²), `fit_quality`, `ac_in_phase`,
    `ac_out_of_phase` (A m²), `ac_amplitude` (A/m), `frequency` (Hz), `phase` (rad), for each bridge N
    `resistance_N` and `resistance_uncertainty_N` (ohm), `resistivity_N` (ohm m), `excitation_N` (A);
    `iv_current_N` (A) and `iv_voltage_N` (V) of a current–voltage curve, `thermal_conductivity` (W/K/m),
    `seebeck_coefficient` (V/K), `moment_per_mass` (A m²/kg), `magnetisation` (A/m), `scan_length`,
    `sample_center` (m), `status`, `measure_type`, `comment`. Each has attrs `units` and
    `column`, its name in the file. Other columns that hold data keep their own name in snake case and their
    own units. Attributes: `instrument`, `title`, `software`, `header`, `columns`, `comments` (pairs of a point
    and what was noted before it), `notes` (what was left out), `sample`, `source`, `sha256`.

    Raises
    ------
    QuantumDesignError
        A file that is not what it should be, with line, column, what was found and what to do.
    """
    path = Path(path)
    content = path.read_bytes()
    with np.errstate(over="ignore", invalid="ignore"):
        return _dataset(content, path)


def _dataset(content: bytes, path: Path) -> xr.Dataset:
    text = read_text(content, path.name)
    columns = columns_of(text, path.name)
    variables = variables_of(columns, text, path.name)
    entries = header_entries(text.header, text.delimiter)
    instrument = recognise(entries, {column.name for column in columns}, path.name)
    _name_measure_types(variables, instrument)
    _resistance_from_resistivity(variables, entries)
    sample = sample_of(entries)
    _moment_from_specific(variables, sample)
    comments = _comments(columns, text)
    points = np.flatnonzero(_plausible(variables))
    if points.size == 0:
        raise QuantumDesignError(
            f"{path.name}: found no row with a temperature above 0 K and a field that a magnet reaches; expected at "
            "least one. Look at the units in the names of these columns."
        )
    notes = text.notes + _left_out(variables, points, text) + _blind(columns, points, text)
    notes += _unread(columns, variables)
    dataset = xr.Dataset(variables)
    if points.size < text.lines.size:
        dataset = dataset.isel(point=points)
    dataset.attrs = {
        "instrument": instrument,
        "title": entries.get("TITLE", ""),
        "software": entries.get("APPNAME") or entries.get("BYAPP", ""),
        "header": entries,
        "columns": [name for name in text.columns if name],
        "comments": [(int(np.searchsorted(points, row)), comment) for row, comment in comments],
        "notes": notes,
        "sample": sample,
        "source": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return _with_comments(dataset, comments, points)


def _comments(columns: list[Column], text: DatText) -> list[tuple[int, str]]:
    """Row and text of every comment; a column full of 0 is what an export leaves of an empty one."""
    found = {int(np.searchsorted(text.lines, line)): comment for line, comment in text.comments.items()}
    column = next((c for c in columns if c.name == "comment"), None)
    if column is not None:
        series = text.table[column.index]
        for row in np.flatnonzero(series.notna().to_numpy()):
            found[int(row)] = str(series.iloc[row]).strip().removesuffix(".0")
    return sorted((row, comment) for row, comment in found.items() if comment not in ("", "0"))


def _with_comments(dataset: xr.Dataset, comments: list[tuple[int, str]], points: np.ndarray) -> xr.Dataset:
    """A variable `comment` for comments that stand on the row of a point."""
    rows = set(points.tolist())
    own = {int(np.searchsorted(points, row)): text for row, text in comments if row in rows}
    if own:
        values = np.array([own.get(i, "") for i in range(points.size)])
        dataset["comment"] = xr.Variable("point", values, {"units": "", "column": "Comment"})
    return dataset


def _plausible(variables: dict[str, xr.Variable]) -> np.ndarray:
    """Rows with a temperature, and no temperature or field that only a damaged line can hold."""
    temperature = variables["temperature"].values
    rows = (temperature > 0) & (temperature < HOTTEST)
    if "field" in variables:
        rows &= ~(np.abs(variables["field"].values) > STRONGEST)
    return np.asarray(rows)


def _left_out(variables: dict[str, xr.Variable], points: np.ndarray, text: DatText) -> list[str]:
    """Which rows held numbers but no credible temperature and field."""
    rows = np.ones(text.lines.size, bool)
    rows[points] = False
    measured = [v for n, v in variables.items() if n not in ("time", "temperature") and v.dtype.kind == "f"]
    lost = [row for row in np.flatnonzero(rows) if any(np.isfinite(v.values[row]) for v in measured)]
    if not lost:
        return []
    return [
        f"{len(lost)} rows without a credible temperature and field were left out ({_line_list(text, lost)})"
    ]


def _line_list(text: DatText, rows: Collection[Any]) -> str:
    """``line 8, 9``, the first five of many."""
    return "line " + ", ".join(str(text.lines[row]) for row in list(rows)[:5]) + ", …" * (len(rows) > 5)


def _blind(columns: list[Column], points: np.ndarray, text: DatText) -> list[str]:
    """Where a mark for no reading stood instead of a measured number."""
    marks = [(column.label, np.intersect1d(column.blind, points)) for column in columns if column.blind.size]
    return [
        f"{rows.size} values of {label!r} are marks for no reading and were left out ({_line_list(text, rows)})"
        for label, rows in marks
        if rows.size
    ]


def _unread(columns: list[Column], variables: dict[str, xr.Variable]) -> list[str]:
    """Columns that by their name are a measured quantity, but in no unit of it; and a field that is not there."""
    notes = []
    for column in columns:
        meant = _meant(column.name)
        if column.values is None or not meant or any(variable in variables for variable in meant):
            continue
        what = meant[0].split("_")[0]
        why = f"{column.unit!r} is no unit of one" if column.unit else "it states no unit"
        example = {"resistance": "Ohms", "moment": "emu", "field": "Oe"}.get(what, "emu")
        notes.append(
            f"the column {column.label!r} was not read as a {what}: {why}; "
            f"write the unit into its name, as in ({example})"
        )
    if "field" not in variables:
        notes.append("no field column: its sweeps count as measured at 0 Oe")
    return notes


def _resistance_from_resistivity(variables: dict[str, xr.Variable], entries: dict[str, str]) -> None:
    """A bridge that states ρ alone: R = ρ·L/A with the geometry of the header, with which ρ was computed."""
    for n in CHANNELS:
        geometry = _geometry(n, entries)
        if geometry is None or f"resistance_{n}" in variables or f"resistivity_{n}" not in variables:
            continue
        area, length = geometry
        for name in ("", "uncertainty_"):
            resistivity = variables.get(f"resistivity_{name}{n}")
            if resistivity is not None:
                label = f"{resistivity.attrs['column']} × L/A of the header"
                values = resistivity.values * (length / area)
                variables[f"resistance_{name}{n}"] = _variable(values, "ohm", label)


def _moment_from_specific(variables: dict[str, xr.Variable], sample: dict[str, Any]) -> None:
    """A file that states the moment per mass alone: times the mass of its header."""
    specific = variables.get("moment_per_mass")
    if specific is not None and "moment" not in variables and "mass" in sample:
        label = f"{specific.attrs['column']} × the mass of the header"
        variables["moment"] = _variable(specific.values * sample["mass"], "A m^2", label)


# Which points to keep.


def keep_good_points(dataset: xr.Dataset) -> tuple[xr.Dataset, str]:
    """Drop points of `read_dat` whose fit is poor or whose centre has wandered, and say which.

    The centre is asked only where the moment is below 5 % of its largest, because near zero moment a free-centre fit
    locks on to noise or to the holder (Quantum Design's own advice is a fixed centre there).

    Returns
    -------
    The points kept, and one sentence on what was dropped and why.
    """
    total = dataset.sizes["point"]
    poor = np.zeros(total, bool)
    if "fit_quality" in dataset:
        poor = np.asarray(dataset["fit_quality"].values < POOREST_FIT)
    wandered = _has_wandered(dataset) & ~poor
    kept = dataset.isel(point=np.flatnonzero(~poor & ~wandered))
    reasons = []
    if poor.any():
        reasons.append(f"{poor.sum()} with a fit quality below {POOREST_FIT:g}{_where(dataset, poor)}")
    if wandered.any():
        reasons.append(
            f"{wandered.sum()} near zero moment whose fitted centre lies more than {FARTHEST_CENTRE * 1e3:g} mm off "
            f"its neighbours{_where(dataset, wandered)}"
        )
    if reasons:
        return kept, f"Of {total} points were dropped: {'; '.join(reasons)}."
    if "fit_quality" not in dataset and "sample_center" not in dataset:
        return kept, f"All {total} points were kept: the file states neither fit quality nor sample centre."
    return kept, f"All {total} points were kept: none is poorly fitted or off centre."


def _has_wandered(dataset: xr.Dataset) -> np.ndarray:
    """The centre of the strong points, interpolated in the order of measurement, is where the sample is."""
    if "sample_center" not in dataset or "moment" not in dataset:
        return np.zeros(dataset.sizes["point"], bool)
    moment, centre = np.abs(dataset["moment"].values), dataset["sample_center"].values
    known = np.isfinite(moment) & np.isfinite(centre)
    if not known.any():
        return known
    strong = np.flatnonzero(known & (moment > SMALL_MOMENT * moment[known].max()))
    if strong.size == 0:
        return np.zeros(known.size, bool)
    expected = np.interp(np.arange(moment.size), strong, centre[strong])
    weak = known.copy()
    weak[strong] = False
    return np.asarray(weak & (np.abs(centre - expected) > FARTHEST_CENTRE))


def _where(dataset: xr.Dataset, points: np.ndarray) -> str:
    t = dataset["temperature"].values[points]
    return f" ({t.min():.4g} K)" if np.ptp(t) < 0.05 else f" ({t.min():.4g} to {t.max():.4g} K)"


# The text: bytes, header lines, column names and cells.

MISSING = [
    "--",
    "---",
    "-",
    "*",
    "?",
    "#NUM!",
    "#VALUE!",
    "#DIV/0!",
    "1.#IND",
    "1.#INF",
    "-1.#INF",
    "1.#SNAN",
]
DELIMITERS = (",", "\t", ";")
BLANK = " ,;\t"
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")


@dataclass(frozen=True)
class DatText:
    """What stands in the file, before any meaning: the columns that hold anything, with the line of each row."""

    header: list[str]
    columns: list[str]
    table: dict[int, pd.Series]
    lines: np.ndarray
    comments: dict[int, str]
    delimiter: str
    notes: list[str] = field(default_factory=list)


def read_text(content: bytes, name: str) -> DatText:
    """Split the bytes of a data file into header lines, column names and cells (columns numbered from 0).

    The data block goes to pandas' C parser as it stands; only rows with quotes, with a comment or with more cells
    than there are names are first repaired by hand.
    """
    text = plain_text(content, name)
    lines = text.split("\n")
    begin = _find_data(lines, name)
    at = next((i for i in range(begin + 1, len(lines)) if lines[i].strip(BLANK)), None)
    if at is None:
        raise QuantumDesignError(
            f"{name}, line {begin + 1}: nothing follows [Data]; expected a row of column names and then "
            "numbers. The measurement was probably stopped before its first point; use another file."
        )
    delimiter = max(DELIMITERS, key=lines[at].count)
    columns = _column_names(lines[at], delimiter, f"{name}, line {at + 1}")
    kept = [i for i in range(at + 1, len(lines)) if lines[i].strip(BLANK)]
    if not kept:
        raise QuantumDesignError(
            f"{name}, line {at + 1}: no data rows follow the column names; expected one row per point. "
            "The measurement was probably stopped before its first point; use another file."
        )
    notes: list[str] = []
    cut_off = len(kept) > 1 and lines[kept[-1]].count(delimiter) < lines[kept[-2]].count(delimiter)
    if cut_off and not text.endswith("\n"):
        notes.append(f"line {kept.pop() + 1}, the last, is cut off and was left out")
    rows, comments = _regular({i + 1: lines[i] for i in kept}, columns, delimiter, name)
    table = _parse(rows, len(columns), delimiter, name)
    return DatText(lines[:begin], columns, table, np.array(kept) + 1, comments, delimiter, notes)


def plain_text(content: bytes, name: str) -> str:
    """The text with one kind of line end, from UTF-16, UTF-8 or Latin-1."""
    if not content.strip(b"\x00 \t\r\n\x1a"):
        raise QuantumDesignError(
            f"{name} is empty; expected a Quantum Design data file. Copy it again from the instrument."
        )
    # UTF-16 without its mark: every other byte is zero.
    for order, zeros in (("le", content[1:40:2]), ("be", content[0:40:2])):
        if content[:2] not in (b"\xff\xfe", b"\xfe\xff") and zeros.count(0) > 15:
            content = content.decode(f"utf-16-{order}", errors="replace").encode()
    text = decoded(content)
    if (zero := text.find("\x00")) >= 0:
        raise QuantumDesignError(
            f"{name}, line {text.count(chr(10), 0, zero) + 1}: found a zero byte; expected text. The file is binary or "
            "was damaged in copying; copy it again, or export the .dat file from MultiVu."
        )
    return text.rstrip("\x1a")


def split_cells(line: str, delimiter: str) -> list[str]:
    """Cells of one line; a quote counts only where it opens and closes a whole cell (`m" (emu)` is a name)."""
    if '"' not in line:
        return line.split(delimiter)
    d = re.escape(delimiter)
    cells = re.finditer(rf'(?:^|{d})(?:\s*"((?:[^"]|"")*)"\s*(?={d}|$)|([^{d}]*))', line)
    return [(m[1].replace('""', '"') if m[1] is not None else m[2]) for m in cells]


def _find_data(lines: list[str], name: str) -> int:
    """The number, from 0, of the line [Data]."""
    bare = [line.strip(' ,;\t"').lower() for line in lines]
    marks = [i for i, line in enumerate(bare) if line == "[data]"]
    if len(marks) > 1:
        raise QuantumDesignError(
            f"{name}, line {marks[1] + 1}: found a second [Data]; expected one. Two "
            "measurements were pasted into one file; split it there."
        )
    if marks:
        return marks[0]
    if "[header]" in bare:
        raise QuantumDesignError(
            f"{name}: found [Header] but no line [Data]; expected both. The file is cut off or edited; copy it "
            "again from the instrument."
        )
    raise QuantumDesignError(
        f"{name}, line 1: found {lines[0].strip()[:60]!r}; expected [Header] and later [Data], as "
        "MultiVu writes them. This is not a Quantum Design data file; give the .dat file itself, not an export of it."
    )


def _column_names(line: str, delimiter: str, where: str) -> list[str]:
    names = [cell.strip() for cell in split_cells(line, delimiter)]
    filled = [name for name in names if name]
    if sum(map(_is_number, filled)) > len(filled) / 2:
        raise QuantumDesignError(
            f"{where}: found numbers ({line.strip()[:40]}…); expected the row of column names after [Data]. "
            "Put the row of names back, as in the original file."
        )
    return names


def _regular(
    rows: dict[int, str], columns: list[str], delimiter: str, name: str
) -> tuple[list[str], dict[int, str]]:
    """The lines, by their numbers, so that a plain split reads them, and the comments taken out of them."""
    widths = Counter(line.count(delimiter) + 1 for line in rows.values())
    usual = max(sorted(widths), key=widths.__getitem__)
    comment_at = next((i for i, column in enumerate(columns) if column.lower() == "comment"), None)
    plain: list[str] = []
    comments: dict[int, str] = {}
    for number, line in rows.items():
        cells = line.count(delimiter) + 1
        odd = '"' in line or cells > len(columns)
        if comment_at is not None:
            odd |= cells > usual or (cells < usual and not line.startswith(delimiter))
        if odd:
            repaired, comment = _repair(
                line, delimiter, len(columns), usual, comment_at, f"{name}, line {number}"
            )
            comments |= {number: comment} if comment else {}
            line = delimiter.join(repaired)
        plain.append(line)
    return plain, comments


def _repair(
    line: str, delimiter: str, width: int, usual: int, comment_at: int | None, where: str
) -> tuple[list[str], str]:
    """Cells without their comment, which may hold delimiters: too many cells mean that it was not quoted."""
    cells = [cell.strip() for cell in split_cells(line, delimiter)]
    comment = ""
    if comment_at is not None and comment_at < len(cells) and cells[comment_at]:
        spare = max(0, len(cells) - usual)
        if len(cells) < usual and sum(map(_is_number, cells[1:])) <= 2:
            spare = len(cells) - comment_at - 1 - _is_number(cells[-1])
        comment = f"{delimiter} ".join(cells[comment_at : comment_at + max(spare, 0) + 1])
        cells[comment_at : comment_at + max(spare, 0) + 1] = [""]
    while len(cells) > width and not cells[-1]:
        cells.pop()
    if len(cells) > width:
        raise QuantumDesignError(
            f"{where}: found {len(cells)} cells; expected at most {width}, one for each column name. A cell holds "
            f"the separator {delimiter!r} without quotes, or two lines ran together; mend that line."
        )
    return [cell.replace(delimiter, " ") for cell in cells], comment


def _parse(rows: list[str], width: int, delimiter: str, name: str) -> dict[int, pd.Series]:
    """The columns that hold anything: numbers, or as text what is none."""
    try:
        table = pd.read_csv(
            io.StringIO("".join(f"{row}\n" for row in rows)),  # the last may be empty
            sep=delimiter,
            header=None,
            names=range(width),
            index_col=False,
            engine="c",
            quoting=3,
            decimal="," if delimiter != "," and _has_decimal_comma(rows[:20], delimiter) else ".",
            na_values=MISSING,
            skipinitialspace=True,
            skip_blank_lines=False,
            low_memory=False,
        )
    except (pd.errors.ParserError, OverflowError, ValueError) as problem:
        raise QuantumDesignError(
            f"{name}: the rows after [Data] do not form a table ({str(problem).strip()}); expected {width} cells "
            f"separated by {delimiter!r}. Copy the file again from the instrument."
        ) from None
    return {index: table[index] for index in range(width) if table[index].notna().any()}


def _has_decimal_comma(rows: list[str], delimiter: str) -> bool:
    cells = [cell.strip() for line in rows for cell in line.split(delimiter)]
    return sum(bool(DECIMAL_COMMA.fullmatch(cell)) for cell in cells) > sum("." in cell for cell in cells)


def _is_number(text: str) -> bool:
    return not math.isnan(plain_number(text))


# The header: its entries, the instrument that wrote it, and the sample.

INSTRUMENTS = (
    "MPMS classic",
    "MPMS3",
    "PPMS VSM",
    "PPMS ACMS",
    "PPMS resistivity",
    "PPMS ETO",
    "PPMS TTO",
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

    if has("samp hc", "total hc", "addenda hc") or "heatcapacity" in wrote.replace(" ", ""):
        raise QuantumDesignError(
            f"{name} holds a heat capacity (PPMS HC), which no technique here uses; expected a magnetic moment, an "
            "ac response or a resistance."
        )
    found = {
        "PPMS log": "logdata" in wrote
        or "log data file" in title
        or ("setpoint" in columns and "magnet" in columns),
        "PPMS TTO": has("seebeck coef", "conductivity$") or "thermal transport" in wrote.replace("_", " "),
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
    for bridge in CHANNELS:
        sample.update(_bridge(bridge, entries))
    given = {
        k: entries[k] for k in ("WEIGHT", "AREA", "LENGTH", "SAMPLE_VOLUME", "SAMPLE_SIZE") if k in entries
    }
    preset = all(plain_number(given.get(k, ""), 0.0) in (0, 1) for k in ("AREA", "LENGTH"))
    as_entered = {
        key.removeprefix("SAMPLE_").lower(): text
        for key, text in given.items()
        if plain_number(text, 0.0) and not (preset and key in ("AREA", "LENGTH"))
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
    if not found or not match or not plain_number(match[1], 0.0):
        return None
    in_key = UNIT_IN_KEY.search(found[0])
    try:
        return float(match[1]) * factor(match[2] or (in_key[1] if in_key else "mg"), "kg")
    except ValueError:
        return None


def _bridge(number: str, entries: dict[str, str]) -> dict[str, object]:
    """Name and geometry of one bridge: mm² and mm in the header, 1 and 1 where nobody entered any."""
    says = _said_of_bridge(number, entries)
    bridge: dict[str, object] = {f"name_{number}": says["name"]} if says.get("name") else {}
    geometry = _geometry(number, entries)
    if geometry and geometry != (factor("mm^2", "m^2"), factor("mm", "m")):
        bridge[f"cross_section_{number}"], bridge[f"length_{number}"] = geometry
    return bridge


def _said_of_bridge(number: str, entries: dict[str, str]) -> dict[str, str]:
    """``{"cross section": "1.2"}`` from the entries `Sample1 Cross Section` or `Sample 1 Cross Section`."""
    found = {re.match(rf"Sample ?{number} (.+)", key): text for key, text in entries.items()}
    return {match[1].lower(): text for match, text in found.items() if match}


def _geometry(number: str, entries: dict[str, str]) -> tuple[float, float] | None:
    """Cross-section (m²) and length (m) with which the software computes ρ of a bridge, presets included."""
    says = _said_of_bridge(number, entries)
    area, length = plain_number(says.get("cross section", ""), 0.0), plain_number(says.get("length", ""), 0.0)
    return (area * factor("mm^2", "m^2"), length * factor("mm", "m")) if area and length else None


# The columns: their names, and which of our variables each one is.

# Beyond what `nbtools.units` reads: these instruments measure in kelvin and write an area times a current so.
UNIT_SPELLINGS = {"k": "K", "am2": "A m^2", "am²": "A m^2"}
RESISTANCE = r"res(?:istance|istivity)?"
MOMENT = r"(long |dc )?moment( free ctr| fixed ctr)?|m-dc|magneti[sz]ation|m"
DEVIATION = rf"(?:{RESISTANCE} )?std ?(?:dev|err)"


def _of_bridge(what: str) -> str:
    """`bridge 1 resistance`, `resistance ch1`, `res ch1`, `res ch1 std dev`."""
    return (
        rf"(?:(?:bridge|channel|ch) ?(?P<before>[1-4]) {what}|{what} (?:bridge|channel|ch) ?(?P<after>[1-4]))"
    )


# Name as normalised by `plain_name` → variable, SI unit, unit of a column that states none. For each variable
# the first rule wins whose column holds numbers in such a unit; the other columns keep their own names.
RULES = (
    (r"time stamp|time|timestamp", "time", "s", "s"),
    (r"(sample )?temp(erature)?", "temperature", "K", "K"),
    (r"(ppms|system|average) temp(erature)?", "temperature", "K", "K"),
    (r"(magnetic |mag |applied |sample )?field", "field", "A/m", "Oe"),
    (r"(ppms|system) (magnetic )?field", "field", "A/m", "Oe"),
    (r"(ac )?m'", "ac_in_phase", "A m^2", "emu"),
    (r"(ac )?m''", "ac_out_of_phase", "A m^2", "emu"),
    (r"(ac )?x'", "ac_in_phase", "m^3", ""),
    (r"(ac )?x''", "ac_out_of_phase", "m^3", ""),
    (r"m' scan std dev", "ac_in_phase_uncertainty", "A m^2", "emu"),
    (r"m'' scan std dev", "ac_out_of_phase_uncertainty", "A m^2", "emu"),
    (r"ac x' std err", "ac_in_phase_uncertainty", "m^3", ""),
    (r"ac x'' std err", "ac_out_of_phase_uncertainty", "m^3", ""),
    (r"((ac )?drive|drive amplitude|(ac )?amplitude)", "ac_amplitude", "A/m", "Oe"),
    (r"wave frequency|ac frequency|frequency", "frequency", "Hz", "Hz"),
    (r"ac phase|phase( angle)?", "phase", "rad", "degree"),
    (_of_bridge(RESISTANCE), "resistance_{}", "ohm", ""),
    (_of_bridge(RESISTANCE), "resistivity_{}", "ohm m", ""),
    (_of_bridge(DEVIATION), "resistance_uncertainty_{}", "ohm", ""),
    (_of_bridge(DEVIATION), "resistivity_uncertainty_{}", "ohm m", ""),
    (rf"{RESISTANCE} ch ?(?P<before>[1-4]) std ?dev", "resistivity_uncertainty_{}", "ohm m", ""),
    (_of_bridge("(?:excitation|ac current)"), "excitation_{}", "A", "uA"),
    (_of_bridge("phase(?: angle)?"), "phase_{}", "rad", "degree"),
    (_of_bridge("frequency"), "frequency_{}", "Hz", "Hz"),
    (_of_bridge("i-?v current"), "iv_current_{}", "A", ""),
    (_of_bridge("i-?v voltage"), "iv_voltage_{}", "V", ""),
    (r"conductivity", "thermal_conductivity", "W/(K m)", ""),
    (r"seebeck coef(ficient)?", "seebeck_coefficient", "V/K", ""),
    (MOMENT, "moment_per_mass", "A m^2/kg", ""),
    (MOMENT, "magnetisation", "A/m", ""),
    (RESISTANCE, "resistance_1", "ohm", ""),
    (RESISTANCE, "resistivity_1", "ohm m", ""),
    (r"excitation|current", "excitation_1", "A", ""),
    (r"(dc )?scan length", "scan_length", "m", ""),
    (r"dc calculated center|sample center|long offset", "sample_center", "m", ""),
    (r"(ppms |squid |vsm )?status|error", "status", "", ""),
)
# Moment, its uncertainty, its fit quality belong together; in this order of preference, row by row. A free centre comes
# before a fixed one, because a sample moves with the thermal length of its rod.
MOMENTS = (
    ("long moment", "long scan std dev", "long reg fit"),
    ("moment", "m std err|moment std err", ""),
    ("m-dc|dc moment", "m-std dev|dc std (err|dev)|dc moment (std )?err", ""),
    ("dc moment free ctr", "dc moment err free ctr", "dc free fit"),
    ("dc moment fixed ctr", "dc moment err fixed ctr", "dc fixed fit"),
)
VARIABLES = {rule[1].format(n) for rule in RULES for n in CHANNELS} | {
    "moment",
    "moment_uncertainty",
    "fit_quality",
}


def plain_name(label: str) -> tuple[str, str]:
    """`"AC X” (emu/Oe)"` → `("ac x''", "emu/Oe")`: lower case, single blanks, no dots, primes as apostrophes."""
    match = re.fullmatch(r"(.*?)\s*\(([^()]*)\)", label.strip())
    name, unit = (match[1], match[2].strip()) if match else (label, "")
    name = re.sub(r"[\"”“″]", "''", re.sub(r"[’‘′`´]", "'", name)).lower()
    return re.sub(r"[.\s_]+", " ", name).strip(), unit


def own_name(label: str) -> str:
    """The snake_case name of a column that is none of `VARIABLES`: its name and unit as written."""
    text = re.sub(r"''|[\"”“″]", " double prime ", label)
    text = re.sub(r"['’‘′`´]", " prime ", text).replace("µ", "u").replace("μ", "u").replace("%", "percent")
    name = re.sub(r"\W+", "_", text.replace("/", " per ").lower()).strip("_")
    return f"column_{name}" if not name or name in VARIABLES else name


def _meant(name: str) -> list[str]:
    """The measured variables that a column of this plain name may be, whatever its unit."""
    if any(re.fullmatch(moment, name) for moment, _, _ in MOMENTS):
        return ["moment", "moment_per_mass", "magnetisation"]
    found = []
    for pattern, variable, _, _ in RULES:
        match = re.fullmatch(pattern, name)
        if match and variable.startswith(("resist", "ac_in", "ac_out", "field")) and "uncert" not in variable:
            number = match.groupdict().get("before") or match.groupdict().get("after")
            found.append(variable.format(number))
    return found


def _name_measure_types(variables: dict[str, xr.Variable], instrument: str) -> None:
    """Which rows of a file with ac data are ac, dc or neither (the ACMS calibrates itself between them)."""
    if "ac_in_phase" not in variables:
        return
    ac = np.isfinite(variables["ac_in_phase"].values)
    moment = variables.get("moment")
    dc = np.zeros(ac.size, bool) if moment is None else np.isfinite(moment.values) & ~ac
    kinds = np.select([ac, dc], ["ac", "dc"], "calibration" if instrument == "PPMS ACMS" else "neither")
    code = variables.pop("measure_type", None)
    attrs: dict[str, Any] = {"units": "", "column": "by which of the ac and dc columns hold a number"}
    variables["measure_type"] = xr.Variable("point", kinds, attrs)
    if code is not None:
        variables["measure_type_code"] = code


def may_hold_marks(name: str) -> bool:
    """Whether a column of this plain name is a temperature or a measured quantity."""
    measured = any(meant != "field" for meant in _meant(name))
    return measured or any(re.fullmatch(rule[0], name) for rule in RULES if rule[1] == "temperature")


def is_number_column(name: str) -> bool:
    """Whether a column of this plain name must hold numbers, so that text in it is an error."""
    # A time may be written as a date; no technique asks for it.
    words = ("status", "time")
    patterns = [moment for moment, _, _ in MOMENTS] + [rule[0] for rule in RULES if rule[1] not in words]
    return any(re.fullmatch(pattern, name) for pattern in patterns)


# The variables: ours in SI, every other column under its own name, units untouched.

MOMENT_VARIABLES = ("moment", "moment_uncertainty", "fit_quality")


@dataclass(frozen=True)
class Column:
    """One column that holds data; `values` is None where it holds text, NaN in the rows `blind` that hold a mark."""

    index: int
    label: str
    name: str
    unit: str
    values: np.ndarray | None
    blind: np.ndarray = field(default_factory=lambda: np.zeros(0, int))


def columns_of(text: DatText, file: str) -> list[Column]:
    """The columns that hold anything.

    Raises
    ------
    QuantumDesignError
        Text in a column that must hold numbers, with its line.
    """
    columns = []
    for index, series in text.table.items():
        label = text.columns[index] or f"column {index + 1}"
        name, unit = plain_name(label)
        values = _numbers(series)
        if values is None and is_number_column(name):
            _refuse_text(series, label, text, file)
        blind = np.zeros(0, int)
        if values is not None and may_hold_marks(name):
            blind = np.flatnonzero(np.isin(values, SENTINELS) | (np.abs(values) >= OVERFLOW))
            if blind.size:
                values = values.copy()
                values[blind] = np.nan
        columns.append(Column(index, label, name, unit, values, blind))
    return columns


def variables_of(columns: list[Column], text: DatText, file: str) -> dict[str, xr.Variable]:
    """Variables over `point`, of every row of the file.

    Raises
    ------
    QuantumDesignError
        No column of temperatures.
    """
    used: set[int] = set()
    taken: dict[str, xr.Variable] = {}
    for column, variable, si, values in _candidates(columns):
        if variable not in taken and column.index not in used:
            taken[variable] = _variable(values, si, column.label)
            used.add(column.index)
    if "temperature" not in taken:
        _refuse_without_temperature(text, file)
    _ac_moments(taken)
    taken.update(_moment(columns, used))
    _resistance_uncertainty(taken)
    for column in columns:
        if column.index not in used and column.name != "comment":
            taken[_free(own_name(column.label), taken)] = _untouched(column, text)
    return taken


def _numbers(series: pd.Series) -> np.ndarray | None:
    """Floats, or None where a cell is text."""
    if not pd.api.types.is_numeric_dtype(series):
        written, series = series, pd.to_numeric(series, errors="coerce")
        if (series.isna() & written.notna()).any():
            return None
    return series.to_numpy(dtype=float, na_value=np.nan)


def _refuse_text(series: pd.Series, label: str, text: DatText, file: str) -> None:
    bad = pd.to_numeric(series, errors="coerce").isna() & series.notna()
    at = int(np.argmax(bad.to_numpy()))
    raise QuantumDesignError(
        f"{file}, line {text.lines[at]}, column {label!r}: found {str(series.iloc[at])[:40]!r}; expected a number. "
        "Mend or delete that line, or copy the file again from the instrument."
    )


def _refuse_without_temperature(text: DatText, file: str) -> None:
    names = ", ".join(name for name in text.columns if name)
    raise QuantumDesignError(
        f"{file}: found no temperatures in K among the columns {names[:200]}; expected 'Temperature (K)' with "
        "numbers. Give the summary .dat file: a raw-scan file (.rw.dat, .raw) has no temperature of its own."
    )


def _candidates(columns: list[Column]) -> Iterator[tuple[Column, str, str, np.ndarray]]:
    """Columns that may be one of our variables, in the order of the rules, with their values in SI."""
    names = {column.name for column in columns}
    # There the plain frequency is that of the vibrating sample, not of a drive field.
    vibration = bool(names & {"peak amplitude", "ac frequency"})
    for pattern, variable, si, default in RULES:
        for column in columns:
            match = re.fullmatch(pattern, column.name)
            if not match or column.values is None or (vibration and column.name == "frequency"):
                continue
            values = _in_si(column, si, default)
            if values is not None:
                number = match.groupdict().get("before") or match.groupdict().get("after")
                yield column, variable.format(number), si, values


def _in_si(column: Column, si: str, default: str = "") -> np.ndarray | None:
    """Values in the unit `si`, or None where the column's unit measures something else."""
    assert column.values is not None
    unit = UNIT_SPELLINGS.get(column.unit.lower(), column.unit) or default
    if not si:
        return column.values
    if si == "m^3":
        susceptibility = factor("emu", "A m^2") / factor("Oe", "A/m")
        return column.values * susceptibility if unit.lower() == "emu/oe" else None
    try:
        return np.asarray(in_si(column.values, unit, si)) if unit else None
    except ValueError:
        return None


def _variable(values: np.ndarray, unit: str, label: str) -> xr.Variable:
    values = np.where(np.isfinite(values), values, np.nan)
    return xr.Variable("point", values, {"units": unit, "column": label})


def _ac_moments(taken: dict[str, xr.Variable]) -> None:
    """A susceptibility in emu/Oe times the drive is the moment that the other instruments write."""
    drive = taken.get("ac_amplitude")
    for name in [name for name in taken if taken[name].attrs["units"] == "m^3"]:
        susceptibility = taken.pop(name)
        if drive is not None:
            label = f"{susceptibility.attrs['column']} × {drive.attrs['column']}"
            taken[name] = _variable(susceptibility.values * drive.values, "A m^2", label)


def _moment(columns: list[Column], used: set[int]) -> dict[str, xr.Variable]:
    """The magnetic moment of each row from the first of `MOMENTS` that has it, with what belongs to it."""
    names = {column.name for column in columns}
    taken: dict[str, xr.Variable] = {}
    open_rows = np.array(True)
    for trio in MOMENTS:
        moment = _find(columns, trio[0], "A m^2")
        # Beside M' the ACMS column `Moment` is the magnitude of the ac response.
        if moment is None or (moment[0].name == "moment" and "m'" in names):
            continue
        rows = open_rows & np.isfinite(moment[1])
        if not rows.any():
            continue
        open_rows = open_rows & ~rows
        units = ("A m^2", "A m^2", "1")
        for variable, pattern, unit in zip(MOMENT_VARIABLES, trio, units, strict=True):
            found = _find(columns, pattern, unit)
            if found is not None:
                used.add(found[0].index)
                _fill(taken, variable, rows, found, unit)
    return taken


def _find(columns: list[Column], pattern: str, unit: str) -> tuple[Column, np.ndarray] | None:
    for column in columns:
        if column.values is not None and re.fullmatch(pattern, column.name):
            values = column.values if unit == "1" else _in_si(column, unit, "emu")
            return None if values is None else (column, values)
    return None


def _fill(
    taken: dict[str, xr.Variable],
    variable: str,
    rows: np.ndarray,
    found: tuple[Column, np.ndarray],
    unit: str,
) -> None:
    """Put the values of one column into the rows that it decides; a file may hold scans of two kinds."""
    column, values = found
    before = taken.get(variable)
    label = column.label if before is None else f"{before.attrs['column']} / {column.label}"
    others = np.nan if before is None else before.values
    taken[variable] = _variable(np.where(rows, values, others), unit, label)


def _resistance_uncertainty(taken: dict[str, xr.Variable]) -> None:
    """A standard deviation in Ohm-m belongs to the resistance by the geometry in the file, R/ρ."""
    for n in CHANNELS:
        names = (f"resistance_{n}", f"resistivity_{n}", f"resistivity_uncertainty_{n}")
        if f"resistance_uncertainty_{n}" in taken or not all(name in taken for name in names):
            continue
        resistance, resistivity, spread = (taken[name] for name in names)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = spread.values * np.abs(resistance.values / resistivity.values)
        label = f"{spread.attrs['column']} × R/ρ"
        taken[f"resistance_uncertainty_{n}"] = _variable(values, "ohm", label)


def _untouched(column: Column, text: DatText) -> xr.Variable:
    attrs = {"units": column.unit, "column": column.label}
    if column.values is not None:
        return xr.Variable("point", column.values, attrs)
    series = text.table[column.index]
    return xr.Variable("point", series.where(series.notna(), "").astype(str).to_numpy(dtype=str), attrs)


def _free(name: str, taken: dict[str, xr.Variable]) -> str:
    if name not in taken:
        return name
    return next(f"{name}_{i}" for i in range(2, len(taken) + 3) if f"{name}_{i}" not in taken)


# The entry of the registry: which sweeps a file holds, and which technique takes each.

UNITS = {
    "moment": ("moment", "A m^2"),
    "ac_in_phase": ("ac moment", "A m^2"),
    "moment_per_mass": ("moment per mass", "A m^2/kg"),
    "magnetisation": ("magnetisation", "A/m"),
    "thermal_conductivity": ("thermal conductivity", "W/(K m)"),
    "seebeck_coefficient": ("Seebeck coefficient", "V/K"),
    **{f"resistance_{n}": ("resistance", "ohm") for n in CHANNELS},
    **{f"resistivity_{n}": ("resistivity", "ohm m") for n in CHANNELS},
    **{f"iv_voltage_{n}": ("voltage", "V") for n in CHANNELS},
}
# How the sample card calls the instrument, for the gradiometer's reading of a long sample.
CARD_NAMES = {"MPMS classic": "MPMS", "PPMS VSM": "PPMS vsm"}


def contents_of(path: Path) -> Contents:
    """Every sweep of a file with its ranges and the technique that takes it; what the header says of the sample.

    Raises
    ------
    QuantumDesignError, SweepError
        As `read_dat`; a log of the cryostat.
    """
    data = read_dat(path)
    sweeps = split_sweeps(data)
    signals = tuple(signal_of(sweep, data) for sweep in sweeps_of_everything(data, sweeps))
    instrument = data.attrs["instrument"]
    option = " (thermal transport)" if instrument == "PPMS TTO" else ""
    ranges = [Range.of("temperature", data["temperature"].values, "K")]
    if "field" in data and np.isfinite(data["field"].values).any():
        ranges.append(Range.of("field", data["field"].values, "A/m"))
    named = [f"{n} × {kind}" for kind, n in Counter(map(_kind, sweeps)).items()]
    facts = [", ".join(map(str, ranges)), f"sweeps: {', '.join(named) or 'none'}"]
    if data.attrs["sample"].get("name"):
        facts.insert(0, f"sample by the header: {data.attrs['sample']['name']}")
    return Contents(
        f"Quantum Design file of a {instrument}{option}, {data.sizes['point']} points",
        signals,
        facts=tuple(facts),
        notes=tuple(data.attrs["notes"]),
        lacks=_drives_missing(signals),
        stated=_stated(data),
    )


def signal_of(sweep: Sweep, data: xr.Dataset) -> Signal:
    """A sweep as a signal of the registry, with the technique that takes it."""
    quantity, unit = UNITS[sweep.variable]
    along = {"temperature": "K", "field": "A/m", "current": "A"}[sweep.axis]
    ranges = [Range.of(quantity, sweep.signal, unit), Range.of(sweep.axis, sweep.along, along)]
    technique, remark = _technique(sweep, quantity, data.attrs["instrument"])
    loop = ", of a loop" if sweep.loop and quantity == "moment" else ""
    name, kind = f"{sweep.title}{loop}", ": ".join(filter(None, (sweep.channel, _kind(sweep))))
    return Signal(name, quantity, tuple(ranges), sweep.size, technique, remark, kind, sweep)


def _kind(sweep: Sweep) -> str:
    return f"{'loop, ' if sweep.loop else ''}{sweep.label} ({sweep.axis})"


def _technique(sweep: Sweep, quantity: str, instrument: str) -> tuple[str | None, str]:
    """Which technique takes a sweep, or why none does."""
    if instrument == "PPMS TTO":
        return None, "thermal transport, which no notebook takes"
    if sweep.axis == "current":
        return None, "a V–I curve, which no notebook takes yet"
    if sweep.label == "plateau":
        return None, "nothing moves"
    if quantity == "resistance":
        return "transport", ""
    if quantity == "moment" and (sweep.axis == "temperature" or sweep.label == "virgin"):
        return "transport", ""
    if quantity == "moment" and sweep.loop:
        return "ac_susceptibility", ""
    if quantity == "ac moment" and sweep.axis == "temperature":
        return "ac_susceptibility", ""
    return None, {
        "moment": "one branch of a loop; its current needs the other",
        "ac moment": "notebook 05 takes ac moments against the temperature",
        "resistivity": "transport takes a resistance; the file does not state the geometry of this resistivity",
        "moment per mass": "multiply it by the mass, and write it as Moment (emu)",
        "magnetisation": "multiply it by the volume, and write it as Moment (emu)",
    }.get(quantity, "no notebook takes it")


def _drives_missing(signals: tuple[Signal, ...]) -> tuple[str, ...]:
    ac = [s.data for s in signals if s.quantity == "ac moment" and s.technique]
    drives = {f"{sweep.amplitude:.2g}" for sweep in ac if sweep.amplitude}
    if not ac or len(drives) >= 3:
        return ()
    return (f"temperature sweeps at three ac amplitudes in one ratio; the file has {len(drives)}",)


def _stated(data: xr.Dataset) -> dict[str, str]:
    """Entries of the sample card as far as the file states them."""
    sample, stated = data.attrs["sample"], {}
    if "mass" in sample:
        stated["mass"] = f'"{convert(sample["mass"], "kg", "mg"):.6g} mg"'
    # One card is for one bridge: the first.
    if n := next((name[-1] for name in channel_names(data)), ""):
        if f"cross_section_{n}" in sample:
            stated["cross_section"] = f'"{sample[f"cross_section_{n}"] * 1e6:.6g} mm^2"'
            stated["tap_distance"] = f'"{sample[f"length_{n}"] * 1e3:.6g} mm"'
        if f"excitation_{n}" in data:
            current = np.nanmedian(np.abs(data[f"excitation_{n}"].values))
            if current > 0:
                stated["current"] = f'"{Range.of("current", [current], "A")}"'.replace("µ", "u")
    if "moment" in data:
        instrument = CARD_NAMES.get(data.attrs["instrument"])
        if data.attrs["instrument"] == "MPMS3":
            by_fit = str(data["moment"].attrs["column"]).lower().startswith("dc")
            instrument = "MPMS3 dc" if by_fit else "MPMS3 vsm"
        stated |= {"instrument": instrument} if instrument else {}
        if "scan_length" in data and np.isfinite(data["scan_length"].values).any():
            length = float(np.nanmedian(data["scan_length"].values))
            stated["scan_length"] = f'"{length * 1e3:.4g} mm"'
    return stated


def _looks(head: bytes) -> bool | None:
    """Whether the first bytes are those of a MultiVu file, in one or two bytes a character."""
    text = head.replace(b"\x00", b"").lower()
    return True if b"[header]" in text or b"[data]" in text else None


def is_dat(path: Path) -> bool:
    """Whether the first bytes of a file are those of a MultiVu file."""
    with path.open("rb") as file:
        return bool(_looks(file.read(HEAD)))


READER = Reader(
    "a Quantum Design file", contents_of, (".dat",), _looks, techniques=("transport", "ac_susceptibility")
)
