"""The text of a MultiVu data file: bytes → header entries, column names and one table of cells."""

import io
import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

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
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")


class QuantumDesignError(ValueError):
    """A file that is not the Quantum Design data file it should be; says where, what was found, what to do."""


@dataclass(frozen=True)
class DatText:
    """What stands in the file, before any meaning: all cells as they parse, with the line of each row."""

    header: list[str]
    columns: list[str]
    table: pd.DataFrame
    lines: np.ndarray
    comments: dict[int, str]
    delimiter: str
    notes: list[str] = field(default_factory=list)


def read_text(content: bytes, name: str) -> DatText:
    """Split the bytes of a data file into header lines, column names and cells (columns numbered from 0).

    The data block goes through pandas' C parser in one pass; only rows with quotes or with more cells than
    the header row names are first repaired by hand.
    """
    lines = decode(content, name).split("\n")
    start = _find_data(lines, name)
    first = next((i for i in range(start + 1, len(lines)) if lines[i].strip(" ,;\t")), None)
    if first is None:
        raise QuantumDesignError(
            f"{name}, line {start + 1}: nothing follows [Data]; expected a row of column names and then numbers. "
            "The measurement was probably stopped before its first point; use another file."
        )
    delimiter = max(DELIMITERS, key=lambda d: lines[first].count(d))
    columns = _column_names(lines[first], delimiter, f"{name}, line {first + 1}")
    rows = [(i + 1, lines[i]) for i in range(first + 1, len(lines)) if lines[i].strip(" ,;\t")]
    if not rows:
        raise QuantumDesignError(
            f"{name}, line {first + 1}: no data rows follow the column names; expected one row per point. "
            "The measurement was probably stopped before its first point; use another file."
        )
    notes: list[str] = []
    if not content.endswith((b"\n", b"\r", b"\x00\n", b"\n\x00")):
        rows = _without_truncated_line(rows, delimiter, notes)
    numbers, body, comments = _regular_rows(rows, columns, delimiter, name)
    table = _parse(body, len(columns), delimiter, name)
    return DatText(lines[:start], columns, table, np.array(numbers), comments, delimiter, notes)


def decode(content: bytes, name: str) -> str:
    """Text of UTF-8, UTF-16 or Latin-1 bytes, with one kind of line end."""
    if not content.strip(b"\x00 \t\r\n\x1a"):
        raise QuantumDesignError(
            f"{name} is empty; expected a Quantum Design data file. Copy it again from the instrument."
        )
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = content.decode("utf-16", errors="replace")
    elif content[1:40:2].count(0) > 15:
        text = content.decode("utf-16-le", errors="replace")
    elif content[0:40:2].count(0) > 15:
        text = content.decode("utf-16-be", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise QuantumDesignError(
            f"{name}, line {line}: found a zero byte; expected text. The file is binary or was damaged in "
            "copying; copy it again, or export the .dat file from MultiVu."
        )
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\x1a")


def split_cells(line: str, delimiter: str) -> list[str]:
    """Cells of one line; a quote counts only where it opens and closes a whole cell (`m" (emu)` is a name)."""
    if '"' not in line:
        return line.split(delimiter)
    d = re.escape(delimiter)
    cells = re.finditer(rf'(?:^|{d})(?:\s*"((?:[^"]|"")*)"\s*(?={d}|$)|([^{d}]*))', line)
    return [(m[1].replace('""', '"') if m[1] is not None else m[2]) for m in cells]


def _find_data(lines: list[str], name: str) -> int:
    marks = [i for i, line in enumerate(lines) if line.strip(' ,;\t"').lower() == "[data]"]
    if len(marks) > 1:
        raise QuantumDesignError(
            f"{name}, line {marks[1] + 1}: found a second [Data]; expected one. Two measurements were pasted into "
            "one file; split it there."
        )
    if marks:
        return marks[0]
    if any(line.strip(' ,;\t"').lower() == "[header]" for line in lines):
        raise QuantumDesignError(
            f"{name}: found [Header] but no line [Data]; expected both. The file is cut off or edited; copy it "
            "again from the instrument."
        )
    raise QuantumDesignError(
        f"{name}, line 1: found {lines[0].strip()[:60]!r}; expected [Header] and later [Data], as MultiVu writes "
        "them. This is not a Quantum Design data file; give the .dat file itself, not an export of it."
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


def _without_truncated_line(
    rows: list[tuple[int, str]], delimiter: str, notes: list[str]
) -> list[tuple[int, str]]:
    """A last line without its line end and shorter than the one before was cut while being written."""
    number, last = rows[-1]
    if len(rows) > 1 and last.count(delimiter) < rows[-2][1].count(delimiter):
        notes.append(f"line {number}, the last, is cut off and was left out")
        return rows[:-1]
    return rows


def _regular_rows(
    rows: list[tuple[int, str]], columns: list[str], delimiter: str, name: str
) -> tuple[list[int], list[str], dict[int, str]]:
    """Rows that a plain split reads, and the comments that had to be taken out of the others."""
    counts = [line.count(delimiter) + 1 for _, line in rows]
    usual = Counter(counts).most_common(1)[0][0]
    comment_at = next((i for i, column in enumerate(columns) if column.lower() == "comment"), None)
    numbers, body, comments = [], [], {}
    for (number, line), count in zip(rows, counts, strict=True):
        odd_comment = comment_at is not None and (count > usual or (count < usual and line[0] != delimiter))
        if '"' in line or count > len(columns) or odd_comment:
            cells, comment = _repair(
                line, delimiter, len(columns), usual, comment_at, f"{name}, line {number}"
            )
            comments.update({number: comment} if comment else {})
            line = delimiter.join(cells)
        numbers.append(number)
        body.append(line)
    return numbers, body, comments


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


def _parse(body: list[str], width: int, delimiter: str, name: str) -> pd.DataFrame:
    """One pass of the C parser; numbers become float, what is no number stays text."""
    try:
        return pd.read_csv(
            io.StringIO("\n".join(body) + "\n"),
            sep=delimiter,
            header=None,
            names=range(width),
            index_col=False,
            engine="c",
            quoting=3,
            decimal="," if delimiter != "," and _has_decimal_comma(body, delimiter) else ".",
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


def _has_decimal_comma(body: list[str], delimiter: str) -> bool:
    cells = [cell.strip() for line in body[:20] for cell in line.split(delimiter)]
    return sum(bool(DECIMAL_COMMA.fullmatch(cell)) for cell in cells) > sum("." in cell for cell in cells)


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True
