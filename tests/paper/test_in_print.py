"""Every row of the table as printed matter: units, powers of ten, lists, and words that a physicist knows."""

import re

import pytest

from nbtools.paper import paper_table, read_ledgers, read_paper, recompute
from nbtools.paper.printed import enumeration
from nbtools.paper.verdict import against_planted, in_print
from nbtools.units import Quantity

SHOWN = ("says", "paper", "ours", "planted", "basis", "settles_by")
# What a row shows as a verdict was kept; its own words are computed anew below.
KEPT = ("paper", "ours", "planted", "basis")
# What no printed page has, by its kind.
NOT_IN_PRINT = {
    "a unit as a program spells it": r"\b(uohm|ohm|um|degC|deg)\b|\w\^-?\d|\bA/cm|\bA/m\b",
    "a power of ten as a program spells it": r"\d[eE][-+]?\d|\)[eE]\d",
    "a percent sign without its blank": r"\d%",
    "minus zero": r"[-−]0(\.0+)?(?![\d.])",
    "an exact number with five digits after the point": r"(?<![\d.])(?<!± )\d+\.\d{5,}(?!\d| ±)",
    "a large number where a multiple of the unit is usual": r"(?<![\d.])\d{5,} Oe\b",
    "a name of the code": r"\b(sns|brandt|\w+-twin(-\w+)*|True|False|None|nan|inf)\b",
    "one of many": r"\b1 (steps|degrees|numbers|statements)\b|\bfor one free\b",
}


@pytest.fixture(scope="module")
def rows():
    return paper_table(read_ledgers()).rows.to_dict("records")


@pytest.fixture(scope="module")
def now():
    return recompute()


@pytest.mark.parametrize("kind", NOT_IN_PRINT)
def test_no_row_has_what_printed_matter_has_not(rows, now, kind):
    """All rows of the table; those on printed numbers as they are computed now, whatever was kept of them."""
    texts = {f"{row['id']} {key}": row[key] for row in rows for key in SHOWN if key not in KEPT}
    texts |= {f"{name} {key}": in_print(getattr(v, key)) for name, v in now.items() for key in KEPT}
    texts |= {f"{row['id']} {key}": row[key] for row in rows for key in KEPT if row["id"] not in now}
    if kind.startswith("an exact number"):  # what was planted has the digits of what was found beside it
        texts = {place: text for place, text in texts.items() if not place.endswith("planted")}
    found = {
        place: match[0] for place, text in texts.items() if (match := re.search(NOT_IN_PRINT[kind], text))
    }
    assert not found


def test_what_was_planted_has_no_more_digits_than_what_was_found(rows):
    """A truth beside 0.79789 ± 0.00072 is 0.79826, and no longer."""

    def digits(text):
        return max((len(found) for found in re.findall(r"\d\.(\d+)", text)), default=0)

    pairs = {row["id"]: (row["planted"], row["ours"]) for row in rows if "±" in row["ours"]}
    assert sum(bool(planted) for planted, _ in pairs.values()) > 20
    assert not {name: pair for name, pair in pairs.items() if digits(pair[0]) > digits(pair[1])}


def test_each_result_of_a_twin_shows_what_was_planted(rows):
    """And the word synthetic beside it; no other row has it."""
    of_twins = [row for row in rows if row["origin"] == "twin"]
    assert len(of_twins) > 40
    assert all(row["planted"].endswith(" (synthetic)") for row in of_twins)
    assert not any(row["planted"] for row in rows if row["origin"] != "twin")


def test_the_last_of_a_list_has_an_and():
    """A comma alone would leave it open whether it parts numbers or decimals."""
    assert [enumeration(parts) for parts in ((), "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]
    assert read_paper()["AC-07"].printed == "37.1, 36.9 and 36.6 K"
    assert recompute()["AC-08"].ours.endswith(" A cm⁻²")


def test_what_was_planted_has_the_digits_of_what_was_found():
    """And units as printed matter has them, for one number and for several."""
    about = read_paper()["STM-01"]
    found = against_planted(
        about, Quantity(0.019, 0.071, "deg"), 0.037993, "indexed", excluded={"chance": 0.0}
    )
    assert (found.ours, found.planted) == ("0.019 ± 0.071 °", "0.038 °")
    about = read_paper()["CMP-01"]
    weights = tuple(Quantity(value, 0.13, "%") for value in (79.48, 20.37, 0.153))
    found = against_planted(about, weights, (79.2, 20.6, 0.379931), "refined")
    assert found.planted == "79.20, 20.60 and 0.38 %"


def test_powers_of_ten():
    """As superscripts; a name that ends so is none."""
    assert in_print("(2.929 ± 0.026)e8 A cm⁻², 2.5e+21, 2e-05 and 1e3") == (
        "(2.929 ± 0.026) × 10⁸ A cm⁻², 2.5 × 10²¹, 2 × 10⁻⁵ and 1 × 10³"
    )
    assert in_print("Fe2 of the e5 kind") == "Fe2 of the e5 kind"
