"""What nbval takes for the same output, and what it does not."""

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbval_tolerance import text_differences

from nbtools.notebook.document import code_cells
from nbtools.runner import NOTEBOOKS

LOOSE = "nbval-ignore-output"

SAME = [
    ("χ  =\n 1.20", "χ = 1.20"),
    ("x = -0.00 m", "x = 0.00 m"),
    ("[ 0.00 1.00]", "[-0.00 1.00]"),
    ("T_c = 37.41 K", "T_c = 37.42 K"),
    ("T_c = 37.41 ± 0.29 K", "T_c = 37.43 ± 0.29 K"),
    ("T_c = 37.41 ± 0.29 K", "T_c = 37.41 ± 0.30 K"),
    ("dark phase 28.5 % (± 3.2 for a tenth)", "dark phase 28.5 % (± 3.3 for a tenth)"),
    ("bias (1.20 ± 0.40)e-4 Oe", "bias (1.24 ± 0.41)e-4 Oe"),
    ("(1.20 ± 0.40)×10⁻⁴ Oe", "(1.21 ± 0.40)×10⁻⁴ Oe"),
    ("a = 3.086(20) Å", "a = 3.087(19) Å"),
    ("p = 9.99e-4", "p = 1.000e-3"),
    ("p = 9.99×10⁻⁴", "p = 1.000×10⁻³"),
    ("from 887–6.4e+03 nm", "from 887–6.5e+03 nm"),
    ("x = −0.51", "x = -0.52"),
    ("6.4%", "6.5%"),
    ("<td>38.40</td>", "<td>38.41</td>"),
]
DIFFERENT = [
    ("T_c = 37.41 K", "T_c = 37.43 K"),
    ("T_c = 37.41 ± 0.29 K", "T_c = 37.50 ± 0.29 K"),
    ("T_c = 37.41 ± 0.29 K", "T_c = 37.41 ± 0.32 K"),
    ("T_c = 37.41 ± 0.29 K", "T_c = 37.41 K"),
    ("T_c = 37.41 ± 0.29 K", "T_c = 37.41 ± 0.29 mK"),
    ("D = 1.71 ± 0.03", "D = 1.73 ± 0.03"),
    ("(1.20 ± 0.40)e-4", "(1.20 ± 0.40)e-5"),
    ("(1.20 ± 0.40)×10⁻⁴", "(1.32 ± 0.40)×10⁻⁴"),
    ("(± 3.2 for a tenth)", "(± 3.5 for a tenth)"),
    ("a = 3.086(20) Å", "a = 3.096(20) Å"),
    ("a = 3.086(20) Å", "a = 3.086(29) Å"),
    ("χ² = 7e-27 (0 free)", "χ² = 2.1e-26 (0 free)"),
    ("χ²ᵣ = 0.2", "χ²ᵣ = 0.27"),
    ("p = 9.99×10⁻⁴", "p = 9.99×10⁻³"),
    ("x = 0.51", "x = -0.51"),
    ("-0.01 m", "0.01 m"),
    ("5·10⁵ m/s", "6·10⁵ m/s"),
    ("12 steps", "13 steps"),
    ("12 steps", "12.0 steps"),
    ("287000 ± 9000", "288000 ± 9000"),
    ("from 213–413 nm", "from 213–414 nm"),
    ("MgO [-1 0 0]", "MgO [1 0 0]"),
    ("MgB2 {10-10}", "MgB2 {10-11}"),
    ("MgB2 [0 0 1]", "MgB2 [0 1 1]"),
    ("numpy 2.1.3", "numpy 2.1.4"),
    ("sha256 139766feb91e4", "sha256 139766feb91e5"),
    ("0.1 K agrees", "0.1 K disagrees"),
    ("0.1 K\n0.2 K\n0.3 K", "0.1 K\n0.3 K"),
    ("one\ntwo\nthree", "one\nthree"),
    ("a value", "avalue"),
    ("nan K", "1.0 K"),
    ("1.5T", "1.5K"),
]


@pytest.mark.parametrize(("stored", "fresh"), SAME)
def test_another_machine_may_print_this(stored: str, fresh: str) -> None:
    """Rounding of a last place, a tenth of σ, a sign of zero, blanks."""
    assert text_differences(stored, fresh) == []
    assert text_differences(fresh, stored) == []


@pytest.mark.parametrize(("stored", "fresh"), DIFFERENT)
def test_no_machine_may_print_this(stored: str, fresh: str) -> None:
    """Words, lines, units, integers, indices, and numbers that moved further."""
    for pair in ((stored, fresh), (fresh, stored)):
        assert text_differences(*pair)


def printed(path: Path) -> list[str]:
    """All that a stored notebook prints under comparison, in pieces of a few lines."""
    pieces = []
    for cell in code_cells(nbformat.read(path, as_version=4)):
        outputs = [] if LOOSE in cell.metadata.get("tags", []) else cell.outputs
        for text in (out.get("text") or out.get("data", {}).get("text/plain", "") for out in outputs):
            lines = text.splitlines(keepends=True)
            pieces += ["".join(lines[start : start + 8]) for start in range(0, len(lines), 8)]
    return pieces


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_planted_change_is_caught_wherever_it_is(path: Path) -> None:
    """In all stored outputs: each word, line and integer, and each decimal moved by two places and 0.3 σ."""
    pieces = printed(path)
    assert pieces
    for text in pieces:
        assert text_differences(text, text) == []
        for changed in planted(text):
            assert text_differences(text, changed), changed


def planted(text: str) -> Iterator[str]:
    """The text with one thing changed, for each thing in it."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.strip():
            yield "\n".join(lines[:number] + lines[number + 1 :])
    for word in re.finditer(r"[^\W\d_]+", text):
        yield text[: word.end()] + "x" + text[word.end() :]
    for digits in re.finditer(r"(?<![\d.])\d+(?![\d.eE])(?![^()]*\)e)", text):  # (4 ± 7)e-4 are decimals
        yield text[: digits.start()] + str(int(digits[0]) + 1) + text[digits.end() :]
    for decimal in re.finditer(r"(?<![\d.])(\d*\.(\d+))(?:\s+±\s+(\d*\.\d+))?", text):
        number, places, sigma = decimal[1], len(decimal[2]), float(decimal[3] or 0)
        moved = f"{float(number) + max(2 * 10**-places, 0.3 * sigma):.{places + 1}f}"
        yield text[: decimal.start()] + moved + text[decimal.end(1) :]
