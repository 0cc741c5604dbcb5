"""The card of all statements: complete, searchable, written whole, and true to the ledgers."""

import csv
import json

import pytest

from nbtools.claims import from_arithmetic, settle, statements
from nbtools.fitting.state import StateError
from nbtools.results import Ledger
from nbtools.runner import NOTEBOOKS
from nbtools.scorecard import gather, read_ledgers
from nbtools.units import Quantity
from nbtools.viewers import style
from nbtools.viewers.statements import draw_deviations, draw_verdicts
from nbtools.widgets.driving import drive
from nbtools.widgets.statements import explore_statements


@pytest.fixture(scope="module")
def card():
    return gather(read_ledgers())


def test_every_statement_has_a_verdict_with_a_basis(card) -> None:
    """114 of 114, and from a twin none agrees."""
    assert list(card.rows["id"]) == list(statements())
    assert len(card.rows) == 114
    assert card.rows["verdict"].all() and card.rows["basis"].all()
    data = card.select(kind="needs-data")
    assert set(data.rows["verdict"]) <= {
        "recoverable",
        "not discriminating",
        "not testable without the raw data",
    }
    assert "agrees" not in set(card.select(origin="twin").rows["verdict"])


def test_the_cell_that_found_it_names_it(card) -> None:
    """Where the ledger says that a verdict was given, the notebook's cell names the statement."""
    import nbformat

    for name, rows in card.rows.groupby("notebook"):
        notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
        code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        for row in rows.itertuples():
            assert row.id in code[row.cell - 1], (row.id, row.cell)


def test_a_fresh_run_goes_before_the_stored_results(tmp_path, monkeypatch) -> None:
    """A verdict of this run replaces the stored one, and other notebooks keep theirs."""
    monkeypatch.setenv("NBTOOLS_RESULTS", str(tmp_path))
    settle(Ledger("03_transport"), "GL-01", from_arithmetic(Quantity(5.7, 0.01, "nm"), "a planted length"))
    rows = gather(read_ledgers()).rows.set_index("id")
    assert rows.loc["GL-01", "basis"].startswith("a planted length")
    assert rows.loc["GL-01", "verdict"] == "agrees"
    assert rows.loc["GL-01", "sigmas"] == 0
    assert rows.loc["JC-01", "verdict"] == "inconsistent"


def test_words_and_columns_choose(card) -> None:
    """Every word must stand somewhere in the row; a column takes one value or several."""
    found = card.select(text="HALF screening", verdict="inconsistent")
    assert {"AC-09", "AC-12"} <= set(found.rows["id"]) < set(card.rows["id"])
    assert not len(card.select(text="no such word").rows)
    with pytest.raises(ValueError, match="no column colour; there are id"):
        card.select(colour="red")


def test_exports_hold_every_statement(card, tmp_path) -> None:
    """JSON, CSV and LaTeX; JSON without the NaN that it does not have."""
    json_file, csv_file, tex_file = card.export(tmp_path)
    content = json.loads(json_file.read_text(encoding="utf-8"), parse_constant=lambda word: pytest.fail(word))
    assert [row["id"] for row in content["statements"]] == list(statements())
    with csv_file.open(encoding="utf-8") as file:
        assert [row["verdict"] for row in csv.DictReader(file)] == list(card.rows["verdict"])
    text = tex_file.read_text(encoding="utf-8")
    assert all(f"\n{name} & " in text for name in statements())


def test_the_table_is_driven_and_says_what_is_wrong(card) -> None:
    """Menus and words choose rows; an entry that there is not is refused; without a kernel the rows stand."""
    table = explore_statements(card).of("paper")
    report = drive(table)
    assert report.clean, report
    table.controls["verdict"].value = "inconsistent"
    assert set(table.chosen.rows["verdict"]) == {"inconsistent"}
    assert "CMP-05" in table.face.rows.value and "CMP-04" not in table.face.rows.value
    assert "CMP-05" in table._repr_mimebundle_()["text/html"]
    with pytest.raises(StateError, match="'maybe' is none of all, "):
        table.set("verdict", "maybe")
    table.close()


def test_each_statement_is_a_square_and_each_distance_a_dot(card) -> None:
    """As many as there are."""
    axes = draw_verdicts(style.new_figure()[1], card.by_topic)
    assert len(axes.patches) == 114
    distances = {"A-01": 0.5, "A-02": -30.0}
    axes = draw_deviations(style.new_figure()[1], distances)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(distances)
