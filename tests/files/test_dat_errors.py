"""A file that is not what it should be is refused with its place, what was found and what to do."""

import re

import pytest
from dat_files import RESISTIVITY, VSM, VSM_COLUMNS, VSM_ROWS, vsm, write

from nbtools.files.quantum_design import QuantumDesignError, read_dat

HEAT_CAPACITY = "[Header]\nBYAPP,HeatCapacity,1.0\n[Data]\nSample Temp (Kelvin),Samp HC (µJ/K)\n2,3\n"
CASES = {
    "empty": (b"", "file.dat is empty; expected a Quantum Design data file"),
    "only blanks": (b" \r\n\t\n", "file.dat is empty"),
    "picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "file.dat, line 3: found a zero byte; expected text"),
    "plain table": ("T,M\n1,2\n", "line 1: found 'T,M'; expected [Header] and later [Data]"),
    "no data section": ("[Header]\nTITLE,x\n", "found [Header] but no line [Data]"),
    "nothing after data": (VSM, "line 5: nothing follows [Data]"),
    "no rows": (VSM + VSM_COLUMNS + "\n", "line 6: no data rows follow the column names"),
    "no names": (VSM + "1,2,3\n4,5,6\n", "line 6: found numbers (1,2,3…); expected the row of column names"),
    "no temperature": (vsm().replace("Temperature (K)", "Position (cm)"), "found no temperatures in K among"),
    "temperature in furlongs": (vsm().replace("(K)", "(furlong)"), "found no temperatures in K among"),
    "text": (
        vsm([*VSM_ROWS[:2], ",2,298,100,broken,1e-5"]),
        "line 9, column 'Moment (emu)': found 'broken'; expected a number",
    ),
    "too many cells": (
        vsm([*VSM_ROWS[:2], ",2,298,100,1,2,3,4"]),
        "line 9: found 8 cells; expected at most 6, one for each column name",
    ),
    "two files in one": (vsm() + vsm(), "line 15: found a second [Data]; expected one"),
    "no point": (vsm([",0,,100,1e-3,1e-5", ",0,,100,1e-3,1e-5"]), "found no temperatures"),
    "no credible point": (vsm([",0,-5,100,1e-3,1e-5"]), "found no row with a temperature"),
    "heat capacity": (HEAT_CAPACITY, "expected a magnetic moment, an ac response or a resistance"),
    "raw scans": (
        RESISTIVITY + "Comment,Time Stamp (sec),Raw Position (mm),Raw Voltage (V)\n,1,2,3\n",
        "a raw-scan file (.rw.dat, .raw) has no temperature of its own",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_refused_with_a_reason(tmp_path, case):
    """Each case names file and place, what was found and what was expected."""
    content, message = CASES[case]
    with pytest.raises(QuantumDesignError, match=re.escape(message)) as error:
        read_dat(write(tmp_path, content))
    assert "file.dat" in str(error.value) and isinstance(error.value, ValueError)


def test_line_numbers_survive_blank_lines_and_comments(tmp_path):
    """The line in the message is the line in an editor."""
    rows = ["", VSM_ROWS[0], '"a, b",9', "", ",2,298,100,wrong,1e-5"]
    content = vsm(rows).replace("\n", "\r\n")
    line = next(i for i, text in enumerate(content.split("\r\n"), 1) if "wrong" in text)
    with pytest.raises(QuantumDesignError, match=f"line {line}, column 'Moment"):
        read_dat(write(tmp_path, content))


def test_missing_file(tmp_path):
    """A file that is not there is no Quantum Design problem."""
    with pytest.raises(FileNotFoundError):
        read_dat(tmp_path / "none.dat")
