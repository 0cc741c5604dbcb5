"""The columns of a MultiVu file as variables: ours in SI, every other one under its own name, units untouched."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from nbtools.files.dat_dialects import (
    MOMENT_RULES,
    MOMENTS,
    RULES,
    UNIT_SPELLINGS,
    is_number_column,
    own_name,
    plain_name,
)
from nbtools.files.dat_text import DatText, QuantumDesignError
from nbtools.files.measures import unit_factor
from nbtools.units import factor

ZERO_CELSIUS = 273.15
MOMENT_VARIABLES = ("moment", "moment_uncertainty", "fit_quality")


@dataclass(frozen=True)
class Column:
    """One column that holds data; `values` is None where it holds text."""

    index: int
    label: str
    name: str
    unit: str
    values: np.ndarray | None


def columns_of(text: DatText, file: str) -> list[Column]:
    """The columns that hold anything.

    Raises
    ------
    QuantumDesignError
        Text in a column that must hold numbers, with its line.
    """
    columns = []
    for index, label in enumerate(text.columns):
        series = text.table[index]
        if series.isna().all():
            continue
        label = label or f"column {index + 1}"
        name, unit = plain_name(label)
        values = _numbers(series)
        if values is None and is_number_column(name):
            _refuse_text(series, label, text, file)
        columns.append(Column(index, label, name, unit, values))
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
    if si == "K" and unit in ("C", "°C", "degC"):
        return column.values + ZERO_CELSIUS
    if si == "m^3":
        susceptibility = factor("emu", "A m^2") / factor("Oe", "A/m")
        return column.values * susceptibility if unit.lower() == "emu/oe" else None
    try:
        return column.values * unit_factor(unit, si) if unit else None
    except ValueError:
        return None


def _variable(values: np.ndarray, unit: str, label: str, **more: str) -> xr.Variable:
    values = np.where(np.isfinite(values), values, np.nan)
    return xr.Variable("point", values, {"units": unit, "column": label} | more)


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
        rule = next(text for key, text in MOMENT_RULES.items() if key in moment[0].name)
        units = ("A m^2", "A m^2", "1")
        for variable, pattern, unit in zip(MOMENT_VARIABLES, trio, units, strict=True):
            found = _find(columns, pattern, unit)
            if found is not None:
                used.add(found[0].index)
                _fill(taken, variable, rows, found, unit, rule)
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
    rule: str,
) -> None:
    """Put the values of one column into the rows that it decides; a file may hold scans of two kinds."""
    column, values = found
    before = taken.get(variable)
    if before is None:
        taken[variable] = _variable(np.where(rows, values, np.nan), unit, column.label, rule=rule)
        return
    label, rules = f"{before.attrs['column']} / {column.label}", f"{before.attrs['rule']} / {rule}"
    taken[variable] = _variable(np.where(rows, values, before.values), unit, label, rule=rules)


def _resistance_uncertainty(taken: dict[str, xr.Variable]) -> None:
    """A standard deviation in Ohm-m belongs to the resistance by the geometry in the file, R/ρ."""
    for n in "1234":
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
