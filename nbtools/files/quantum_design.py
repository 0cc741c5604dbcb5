"""Quantum Design `.dat` files (MPMS, MPMS3, PPMS VSM, ACMS, ETO, resistivity, log) as labelled arrays in SI."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from nbtools.files.dat_header import header_entries, recognise, sample_of
from nbtools.files.dat_text import DatText, QuantumDesignError, read_text
from nbtools.files.dat_variables import Column, columns_of, variables_of
from nbtools.files.point_filters import combine_current_reversal, keep_good_points
from nbtools.files.sweeps import Sweep, find_sweeps, missing_sentence, split_sweeps
from nbtools.units import convert

__all__ = [
    "QuantumDesignError",
    "Sweep",
    "combine_current_reversal",
    "find_sweeps",
    "keep_good_points",
    "missing_sentence",
    "read_dat",
    "split_sweeps",
]

HOTTEST = 2000.0  # K
STRONGEST = convert(1e6, "Oe", "A/m")


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
    `scan_length`, `sample_center` (m), `status`, `measure_type`, `comment`. Each has attrs `units` and
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
    comments = _comments(columns, text)
    points = np.flatnonzero(_plausible(variables))
    if points.size == 0:
        raise QuantumDesignError(
            f"{path.name}: found no row with a temperature; expected at least one point."
        )
    dataset = xr.Dataset(variables).isel(point=points)
    sample = sample_of(entries)
    _caution_about_geometry(dataset, sample)
    dataset.attrs = {
        "instrument": instrument,
        "title": entries.get("TITLE", ""),
        "software": entries.get("APPNAME") or entries.get("BYAPP", ""),
        "header": entries,
        "columns": [name for name in text.columns if name],
        "comments": [(int(np.searchsorted(points, row)), comment) for row, comment in comments],
        "notes": text.notes + _left_out(variables, points, text),
        "sample": sample,
        "source": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return _with_comments(dataset, comments, points)


def _comments(columns: list[Column], text: DatText) -> list[tuple[int, str]]:
    """Row and text of every comment; a column full of 0 is what an export leaves of an empty one."""
    found = {
        row: text.comments[line] for row, line in enumerate(text.lines.tolist()) if line in text.comments
    }
    column = next((c for c in columns if c.name == "comment"), None)
    if column is not None:
        series = text.table[column.index]
        for row in np.flatnonzero(series.notna().to_numpy()):
            found[int(row)] = str(series.iloc[row]).strip().removesuffix(".0")
    return sorted((row, comment) for row, comment in found.items() if comment not in ("", "0"))


def _with_comments(dataset: xr.Dataset, comments: list[tuple[int, str]], points: np.ndarray) -> xr.Dataset:
    """A variable `comment` for comments that stand on the row of a point."""
    own = {int(np.searchsorted(points, row)): text for row, text in comments if row in points}
    if own:
        values = np.array([own.get(i, "") for i in range(points.size)])
        dataset["comment"] = xr.Variable("point", values, {"units": "", "column": "Comment"})
    return dataset


def _plausible(variables: dict[str, xr.Variable]) -> np.ndarray:
    """Rows with a temperature, and no temperature or field that only a damaged line can hold."""
    temperature = variables["temperature"].values
    rows = (temperature >= 0) & (temperature < HOTTEST)
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
    lines = ", ".join(str(text.lines[row]) for row in lost[:5]) + ", …" * (len(lost) > 5)
    return [f"{len(lost)} rows without a credible temperature and field were left out (line {lines})"]


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


def _caution_about_geometry(dataset: xr.Dataset, sample: dict[str, object]) -> None:
    """The software fills in ρ also for its preset 1 mm² and 1 mm, where it is no property of the sample."""
    for n in "1234":
        if f"resistivity_{n}" in dataset and f"cross_section_{n}" not in sample:
            dataset[f"resistivity_{n}"].attrs["caution"] = (
                "computed by the instrument with its preset geometry; give cross-section and tap distance in "
                "the sample card and use the resistance"
            )
