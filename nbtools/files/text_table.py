"""A table of numbers in no format of an instrument, read by what its owner says of the columns."""

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from nbtools.files.measures import decoded, in_si, plain_number
from nbtools.files.quantum_design import DECIMAL_COMMA, QuantumDesignError, signal_of
from nbtools.files.registry import Contents, Range, Route, Signal
from nbtools.files.sweeps import SweepError, sweeps_of_everything

# What a column may be: our variable, its SI unit, and how its heading may begin.
QUANTITIES = {
    "temperature": ("temperature", "K", r"t|temp(erature)?\b.*|temperatur\b.*|sample temp.*"),
    "field": ("field", "A/m", r"h|b|µ0h|μ0h|mu0h|field\b.*|(applied|magnetic) field.*"),
    "resistance": ("resistance_1", "ohm", r"r|r ?xx|res(istance)?\b.*|widerstand\b.*"),
    "resistivity": ("resistivity_1", "ohm m", r"rho|ρ|rho ?xx|ρ ?xx|resistivity\b.*"),
    "current": ("excitation_1", "A", r"i|current\b.*|excitation\b.*"),
    "moment": ("moment", "A m^2", r"m|moment\b.*|(long|magnetic|dc) moment.*"),
    "moment_uncertainty": ("moment_uncertainty", "A m^2", r"m(oment)? (std\.? )?err.*"),
    "in_phase": ("ac_in_phase", "A m^2", r"m'|m' .*|in.phase.*"),
    "out_of_phase": ("ac_out_of_phase", "A m^2", r"m''|m'' .*|out.of.phase.*|quadrature.*"),
    "amplitude": ("ac_amplitude", "A/m", r"h ?ac|(drive |ac )?amplitude\b.*"),
    "frequency": ("frequency", "Hz", r"f|freq(uency)?\b.*"),
    "chi_in_phase": ("ac_in_phase", "", r"(χ|chi|x)'( .*)?"),
    "chi_out_of_phase": ("ac_out_of_phase", "", r"(χ|chi|x)''( .*)?"),
    "time": ("time", "s", r"time\b.*"),
    "two_theta": ("two_theta", "rad", r"(2|two)[ -]?(θ|theta)\b.*"),
    "wavelength": ("wavelength", "m", r"wavelength\b.*|λ|lambda"),
    "energy": ("energy", "eV", r"photon energy\b.*"),
    "counts": ("counts", "", r"counts\b.*|intensity\b.*"),
}
MEASURED = ("resistance", "resistivity", "moment", "in_phase", "chi_in_phase")
# Which of those that are measured make a table one of a technique.
SPECTRUM = (("wavelength", "counts"), ("energy", "counts"))
# Of a pure number, and of counts.
PURE = ("", "1", "-", "SI", "cgs", "a.u.", "counts", "cts", "cps")
LARGEST_HEAD = 200  # lines above the numbers
COMMENT = "#%!"
UNIT_AT_END = re.compile(
    r"^(?P<name>.*?)\s*(?:[(\[]\s*(?P<unit>[^()\[\]]*?)\s*[)\]]|/\s*(?P<after>[^\s/]+))\s*$"
)
EXAMPLE = "temperature:0 K, resistance:1 ohm"
EXAMPLES = {
    "03 or 05": EXAMPLE,
    "01, as POWDER": "two_theta:0 degree, counts:1",
    "06": "wavelength:0 nm, counts:1",
}


class TableError(ValueError):
    """A text that is no table of numbers, or columns that it does not have."""


@dataclass(frozen=True)
class Table:
    """The numbers of a text and the headings above them.

    Parameters
    ----------
    values : of shape (rows, columns); NaN where a cell holds no number
    names : a heading for each column, empty where there is none
    units : as the headings have them, empty where they do not
    notes : how it was read
    """

    values: np.ndarray
    names: tuple[str, ...]
    units: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def label(self, column: int) -> str:
        """``1 'R (ohm)'``."""
        unit = f" ({self.units[column]})" if self.units[column] else ""
        return f"{column} '{self.names[column]}{unit}'" if self.names[column] else f"{column}"


@dataclass(frozen=True)
class Use:
    """One entry of a mapping: what a column is, or what was held.

    Parameters
    ----------
    quantity : one of `QUANTITIES`
    column : its number from 0, or its heading; None for a value that was held
    unit : in which the column is
    value : that was held, in `unit`
    """

    quantity: str
    column: int | str | None
    unit: str
    value: float = np.nan


def read_columns(text: str) -> tuple[Use, ...]:
    """``"temperature:0 K, resistance:1 ohm"`` as entries; ``field:=2 T`` is a value that was held.

    Parameters
    ----------
    text : for each quantity the number of its column, from 0, or its heading in quotes, and the unit

    Raises
    ------
    TableError
        Text that is no mapping, a quantity that there is not, a unit of another kind.
    """
    entries = next(csv.reader([text], skipinitialspace=True, quotechar="'"), [])
    uses = []
    for entry in entries:
        found = re.fullmatch(r"\s*(\w+)\s*:\s*(?:(=)\s*(\S+)|\"([^\"]+)\"|(\S+))\s*(.*?)\s*", entry)
        if not found:
            raise TableError(f"COLUMNS has {entry.strip()!r}; expected entries such as {EXAMPLE}")
        quantity, held, value, heading, column, unit = found.groups()
        if quantity not in QUANTITIES:
            raise TableError(f"COLUMNS names {quantity!r}; a column may be one of {', '.join(QUANTITIES)}")
        try:
            _in_si(np.zeros(1), unit, QUANTITIES[quantity][1])
        except ValueError as problem:
            raise TableError(f"COLUMNS, {quantity}: {problem}") from None
        number = plain_number(value) if held else np.nan
        if held and not np.isfinite(number):
            raise TableError(f"COLUMNS, {quantity}: {value!r} is no number that was held")
        where = None if held else heading or (int(column) if column.isdigit() else column)
        uses.append(Use(quantity, where, unit, number))
    names = [use.quantity for use in uses]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise TableError(f"COLUMNS names {twice} twice; keep one")
    return tuple(uses)


def read_text_table(
    path: str | Path, columns: str, *, needs: Sequence[str] = ("temperature",), table: Table | None = None
) -> xr.Dataset:
    """Read a table of numbers as a Quantum Design record is read.

    Parameters
    ----------
    path : of a text file; columns apart by tabs, semicolons, commas or blanks, decimal commas or points
    columns : what they are, as `read_columns` has it
    needs : quantities that must be among them
    table : its numbers, where they were read already

    Returns
    -------
    Dataset over `point`, in SI, with the variables of `nbtools.files.quantum_design.read_dat`. χ′ and χ″ come as
    moments of a sample of 1 m³.

    Raises
    ------
    TableError
        No table, a column that is not there, a quantity that is needed and not named.
    """
    path = Path(path)
    content = path.read_bytes()
    table = table or parse_table(content, path.name)
    uses = read_columns(columns)
    named = {use.quantity for use in uses}
    if named & {"in_phase", "chi_in_phase"}:
        needs = (*needs, "amplitude")
    for quantity in needs:
        if quantity not in named:
            example = {"temperature": ":=4.2 K", "amplitude": ":=1 Oe"}.get(quantity)
            held = f", or what was held: {quantity}{example}" if example else ""
            raise TableError(f"{path.name}: COLUMNS names no {quantity}; add its column{held}")
    variables, rows = {}, np.ones(len(table.values), bool)
    for use in uses:
        variable, si, _ = QUANTITIES[use.quantity]
        values = _column(table, use, path.name)
        rows &= np.isfinite(values)
        label = "held" if use.column is None else table.label(_place(table, use.column, path.name))
        variables[variable] = xr.Variable(
            "point", _in_si(values, use.unit, si), {"units": si, "column": label}
        )
    for name in ("ac_in_phase", "ac_out_of_phase"):
        if name in variables and variables[name].attrs["units"] == "":
            label = f"{variables[name].attrs['column']} × amplitude × 1 m³"
            moment = variables[name].values * variables["ac_amplitude"].values
            variables[name] = xr.Variable("point", moment, {"units": "A m^2", "column": label})
    if "temperature" in variables:
        rows &= variables["temperature"].values > 0
    if not rows.any():
        raise TableError(f"{path.name}: no row holds a number in each of the columns named, and T above 0 K")
    lost = int((~rows).sum())
    data = xr.Dataset(variables).isel(point=np.flatnonzero(rows))
    data.attrs = {
        "instrument": "text table",
        "title": "",
        "software": "",
        "header": {},
        "columns": list(table.names),
        "comments": [],
        "notes": [
            *table.notes,
            *([f"{lost} rows without a number or with T ≤ 0 were left out"] if lost else []),
        ],
        "sample": {},
        "source": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return data


def parse_table(content: bytes, name: str) -> Table:
    """The numbers of a text, whatever stands between them, and the headings above them.

    Raises
    ------
    TableError
        No two lines with the same number of numbers, or two at least.
    """
    lines = decoded(content).splitlines()
    start, delimiter = _find_numbers(lines, name)
    body = "\n".join(lines[start:])
    cells = _split(lines[start], delimiter)
    comma = delimiter != "," and any(DECIMAL_COMMA.fullmatch(cell) for cell in cells)
    frame = pd.read_csv(
        io.StringIO(body),
        sep=r"\s+" if delimiter == " " else delimiter,
        decimal="," if comma else ".",
        header=None,
        names=range(len(cells)),
        comment="#",
        skipinitialspace=True,
        on_bad_lines="skip",
        low_memory=False,
    )
    values = frame.apply(pd.to_numeric, errors="coerce").to_numpy(float)
    names, units = _headings(lines[:start], delimiter, len(cells))
    notes: tuple[str, ...] = ("decimal commas",) if comma else ()
    written = sum(bool(line.partition("#")[0].strip()) for line in lines[start:])
    if written > len(values):
        notes += (f"{written - len(values)} lines with more cells than the first were left out",)
    return Table(values, names, units, notes)


def contents_of(path: Path) -> Contents:
    """The columns with their ranges, and the line that says what they are, as far as the headings tell.

    Raises
    ------
    TableError
        See `parse_table`.
    """
    table = parse_table(path.read_bytes(), path.name)
    uses = list(guess_columns(table))
    known = {use.quantity for use in uses}
    facts = [f"column {line}" for line in _ranges(table)]
    what = f"table of numbers, {len(table.values)} rows, {table.values.shape[1]} columns"
    # What a technique wants beside what was measured is for the user to fill in.
    mapping = ", ".join(
        f"{u.quantity}:{u.column} {u.unit or QUANTITIES[u.quantity][1]}".rstrip() for u in uses
    )
    if any(set(pair) <= known for pair in SPECTRUM):
        way = Route("cathodoluminescence", options=(f"COLUMNS={mapping}",))
        signal = Signal(path.stem, "luminescence", (), len(table.values), "cathodoluminescence")
        return Contents(what, (signal,), (way,), tuple(facts), table.notes)
    if not (known & set(MEASURED)) or "temperature" not in known:
        facts.append(
            "if it is a measurement, say what the columns are: "
            + "; ".join(f"for {notebook} -p COLUMNS='{text}'" for notebook, text in EXAMPLES.items())
            + f"; they may be {', '.join(QUANTITIES)}"
        )
        return Contents(what, (), (), tuple(facts), table.notes)
    if known & {"in_phase", "chi_in_phase"} and "amplitude" not in known:
        facts.append(f"no column is the amplitude: correct it in COLUMNS='{mapping}, amplitude:=1 Oe'")
        return Contents(what, (), (), tuple(facts), table.notes)
    unknown = [use.quantity for use in uses if not use.unit and QUANTITIES[use.quantity][1]]
    if unknown:
        facts.append(f"the headings give no unit of {', '.join(unknown)}: correct it in COLUMNS='{mapping}'")
        return Contents(what, (), (), tuple(facts), table.notes)
    try:
        data = read_text_table(path, mapping, table=table)
        signals = tuple(signal_of(sweep, data) for sweep in sweeps_of_everything(data))
        if "chi_in_phase" in known:
            signals = tuple(replace(s, remark="χ shown as the moment of 1 m³") for s in signals)
    except (SweepError, QuantumDesignError) as problem:
        return Contents(what, (), (), (*facts, str(problem)), table.notes)
    techniques = dict.fromkeys(signal.technique for signal in signals if signal.technique)
    routes = tuple(Route(technique, options=(f"COLUMNS={mapping}",)) for technique in techniques)
    return Contents(what, signals, routes, tuple(facts), table.notes)


def guess_columns(table: Table) -> Iterator[Use]:
    """What the headings say that the columns are: the first column of each quantity."""
    taken = set()
    for column, name in enumerate(table.names):
        plain = re.sub(r"[.\s_]+", " ", re.sub(r"[″\"]", "''", re.sub("[’′]", "'", name))).strip().lower()
        for quantity, (_, si, pattern) in QUANTITIES.items():
            if quantity in taken or not re.fullmatch(pattern, plain):
                continue
            unit = table.units[column]
            try:
                _in_si(np.zeros(1), unit or si, si)
            except ValueError:
                continue
            taken.add(quantity)
            yield Use(quantity, column, unit)
            break


def looks_like_one(head: bytes) -> bool | None:
    """True where the first column is by its unit a temperature, a field or a current, or where the headings name a
    temperature and a quantity that a technique takes; else None."""
    if b"\x00" in head:
        return None
    try:
        table = parse_table(head.rpartition(b"\n")[0] or head, "")
    except (TableError, ValueError):
        return None
    known = {use.quantity for use in guess_columns(table)}
    named = "temperature" in known and known & set(MEASURED)
    return True if named or _is_unit(table.units[0], "K", "A/m", "A") else None


def _split(line: str, delimiter: str) -> list[str]:
    cells = (
        line.split() if delimiter == " " else [cell.strip() for cell in line.strip("\r\n").split(delimiter)]
    )
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _find_numbers(lines: list[str], name: str) -> tuple[int, str]:
    """The first line of the table, which another of as many numbers follows, and what is between them."""
    for start, line in enumerate(lines[:LARGEST_HEAD]):
        following = next((other for other in lines[start + 1 :] if other.strip()), "")
        for delimiter in ("\t", ";", ",", " "):
            cells, others = _split(line, delimiter), _split(following, delimiter)
            numbers = [plain_number(cell) for cell in cells]
            as_many = len(cells) == len(others) >= 2 and np.isfinite(plain_number(others[0]))
            if as_many and np.isfinite(numbers[0]) and np.isfinite(numbers).sum() >= 2:
                return start, delimiter
    raise TableError(f"{name}: found no table of numbers; expected rows of two numbers at least")


def _headings(head: list[str], delimiter: str, width: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and units from the last lines above the numbers; a line of units alone may stand below the names."""
    rows = []
    for line in head:
        text = line.strip().lstrip(COMMENT + " ")
        cells = [_unquoted(cell) for cell in _split(text, delimiter)]
        if len(cells) != width and delimiter == " ":
            cells = [_unquoted(cell) for cell in re.split(r"\t|;|,|\s{2,}", text) if cell.strip()]
        if len(cells) == width:
            rows.append(cells)
    if not rows:
        return ("",) * width, ("",) * width
    names, units = zip(*map(_name_and_unit, rows[-1]), strict=True)
    if len(rows) > 1 and not any(units) and all(_is_unit(cell) for cell in rows[-1] if cell):
        above, _ = zip(*map(_name_and_unit, rows[-2]), strict=True)
        return above, tuple(names)
    return names, units


def _unquoted(cell: str) -> str:
    """Without quotes around all of it; the primes of M'' stay."""
    cell = cell.strip()
    return cell[1:-1].strip() if len(cell) > 1 and cell[0] == cell[-1] and cell[0] in "\"'" else cell


def _name_and_unit(heading: str) -> tuple[str, str]:
    found = UNIT_AT_END.match(heading)
    if not found:
        return heading, ""
    unit = found["unit"] if found["unit"] is not None else found["after"]
    return (found["name"], unit) if _is_unit(unit) else (heading, "")


def _is_unit(text: str, *of: str) -> bool:
    """Whether this is a unit of one of these SI units; by default of any quantity that a column may be."""
    for si in of or [si for _, si, _ in QUANTITIES.values()]:
        try:
            _in_si(np.zeros(1), text, si)
            return True
        except ValueError:
            continue
    return False


def _in_si(values: np.ndarray, unit: str, si: str) -> np.ndarray:
    """Values in the SI unit.

    Raises
    ------
    ValueError
        A unit of another kind.
    """
    return values if not si and unit in PURE else np.asarray(in_si(values, unit, si))


def _place(table: Table, column: int | str, name: str) -> int:
    if isinstance(column, int) and column < len(table.names):
        return column
    if isinstance(column, str) and column in table.names:
        return table.names.index(column)
    there = ", ".join(table.label(number) for number in range(len(table.names)))
    raise TableError(f"{name}: there is no column {column!r}; the table has {there}")


def _column(table: Table, use: Use, name: str) -> np.ndarray:
    if use.column is None:
        return np.full(len(table.values), use.value)
    return np.asarray(table.values[:, _place(table, use.column, name)])


def _ranges(table: Table) -> Iterator[str]:
    for column, values in enumerate(table.values.T):
        if np.isfinite(values).any():
            yield f"{table.label(column)}: {Range.of('', values, '')}"
