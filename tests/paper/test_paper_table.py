"""The table of all statements: complete, searchable, written whole, and counting only what is of its run."""

import csv
import functools
import json
import re

import nbformat
import numpy as np
import pytest
from artists import legend
from driving import drive
from matplotlib.colors import to_hex

from nbtools import paths
from nbtools.display import style
from nbtools.fitting.state import StateError
from nbtools.paper import (
    WORDS,
    RunRecord,
    enter,
    judge_statement,
    paper_table,
    printed,
    read_ledgers,
    read_paper,
    recompute,
)
from nbtools.paper.draw import draw_deviations, draw_verdicts
from nbtools.paper.explore import explore_statements
from nbtools.paper.ledgers import RAN, ledgers_of
from nbtools.results import Ledger


@pytest.fixture(autouse=True)
def stored(tmp_path_factory, monkeypatch):
    """The stored results, as if they had just been computed from this ``paper.yaml``."""
    folder = tmp_path_factory.mktemp("stored")
    for path in paths.STORED_RESULTS.glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        (folder / path.name).write_text(json.dumps(content | {"run": "stored", "paper": read_paper().sha256}))
    monkeypatch.setattr(paths, "STORED_RESULTS", folder)


@pytest.fixture
def card():
    return paper_table(read_ledgers())


def test_the_stored_verdicts_are_of_this_paper(monkeypatch) -> None:
    """What lies in ``notebooks/results`` was computed from ``paper.yaml`` as it is; `make notebooks` mends it."""
    monkeypatch.setattr(paths, "STORED_RESULTS", paths.NOTEBOOKS / "results")
    assert not paper_table(read_ledgers()).left_out


def test_every_statement_has_a_verdict_with_a_basis(card) -> None:
    """Each of them, and from a twin none agrees."""
    assert list(card.rows["id"]) == list(read_paper())
    assert len(card.rows) == len(read_paper())
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
        notebook = nbformat.read(paths.NOTEBOOKS / f"{name}.ipynb", as_version=4)
        code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        for row in rows[rows["cell"] > 0].itertuples():
            # By itself, or all of its kind at once.
            group = f'"{row.id.partition("-")[0]}"'
            assert row.id in code[row.cell - 1] or group in code[row.cell - 1], (row.id, row.cell)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A headless run of 03 and 07 in which this process is a notebook; 03 has settled one statement so far."""
    record = RunRecord.begin(["03_transport", "07_the_paper_in_numbers"]).ended("03_transport")
    record.write(tmp_path)
    monkeypatch.setenv("NBTOOLS_RESULTS", str(tmp_path))
    monkeypatch.setenv(paths.RUN, record.id)
    enter(Ledger("03_transport"), judge_statement("GL-02"))
    return record


@functools.cache
def recomputed():
    return recompute()


def agreeing():
    """Those of 03 that printed numbers bear out whatever was run; the one that was settled among them."""
    of_03 = [name for name in recomputed() if read_paper()[name].notebook == "03"]
    return sum(recomputed()[name].word == "agrees" for name in of_03)


def by_id(table):
    return table.rows.set_index("id")


def test_what_a_run_found_counts_and_the_rest_is_marked(run) -> None:
    """Its own row is of the run; a notebook that was not part of it is shown as stored and not counted."""
    table = paper_table(read_ledgers())
    rows = by_id(table)
    assert rows.loc["GL-02", "basis"] == judge_statement("GL-02").basis
    assert tuple(rows.loc["GL-02", ["verdict", "sigmas", "run", "left_out"]]) == ("agrees", -0.39, run.id, "")
    assert rows.loc["JC-01", "verdict"] == "inconsistent"
    assert rows.loc["JC-01", "run"] == "stored"
    assert rows.loc["JC-01", "left_out"] == (
        "05_ac_susceptibility not part of this run; the stored verdict is shown"
    )
    assert list(table.select(run=run.id).rows["id"]) == ["GL-02"]
    assert table.counts["agrees"] == agreeing()


def test_the_counts_add_up(run) -> None:
    """What counts and what does not make all, in the words and in the file; each part has its reason."""
    table = paper_table(read_ledgers())
    reasons = table.left_out
    assert (
        sum(table.counts.values()) + sum(map(len, reasons.values())) == len(table.rows) == len(read_paper())
    )
    first, *others = str(table).splitlines()
    assert first.startswith(
        f"{len(read_paper())} statements, {len(table.counted)} of the run {run.id}: {agreeing()} agrees"
    )
    assert others == [f"{len(ids)} not counted: {reason}" for reason, ids in reasons.items()]
    content = json.loads(table.export(paths.results_folder())[0].read_text(encoding="utf-8"))
    assert content["run"] == run.id and content["paper"] == read_paper().sha256
    assert content["counted"] == sum(row["counted"] for row in content["statements"]) == len(table.counted)
    assert content["left_out"] == {reason: len(ids) for reason, ids in reasons.items()}


def test_a_notebook_that_failed_settles_nothing(run, tmp_path) -> None:
    """What it had entered before is not taken; the stored rows stand in its place, with the error."""
    run.ended("03_transport", "cell 40 of 53 (Fig. S1): ValueError: planted").write(tmp_path)
    rows = by_id(paper_table(read_ledgers()))
    assert rows.loc["GL-02", "run"] == "stored"
    assert rows.loc["GL-02", "left_out"].startswith(
        "03_transport failed in this run: cell 40 of 53 (Fig. S1): ValueError: planted; the stored"
    )


def test_the_ledger_of_an_earlier_run_does_not_count(run, tmp_path) -> None:
    """It lies in the same folder, and bears another name."""
    again = RunRecord.begin(run.notebooks).ended("03_transport")
    again.write(tmp_path)
    ledgers = ledgers_of(again, tmp_path)
    assert ledgers["03_transport"].run == "stored"
    assert ledgers.left_out["03_transport"] == "left no results of this run here"


def test_by_hand_the_stored_results_are_taken(run, monkeypatch) -> None:
    """In JupyterLab nothing that was tried out there changes the table, and neither does an earlier run."""
    monkeypatch.delenv(paths.RUN)
    table = paper_table(read_ledgers())
    assert table.run == "stored" and not table.left_out
    assert set(table.rows["run"]) <= {"stored", ""}


def test_the_table_alone_counts_what_is_stored(tmp_path) -> None:
    """A run of 07 settles nothing itself."""
    record = RunRecord.begin(["07_the_paper_in_numbers"])
    assert not paper_table(ledgers_of(record, tmp_path)).left_out


def test_verdicts_from_another_paper_do_not_count(monkeypatch, tmp_path) -> None:
    """One printed number is changed: every stored verdict was computed from something else, and says so."""
    monkeypatch.setenv("NBTOOLS_RESULTS", str(tmp_path))
    other = read_paper().changed({"GL-02": [5.8]})
    monkeypatch.setattr(printed, "_load", lambda path: other)
    table = paper_table(read_ledgers())
    settled = table.rows[table.rows["run"] == "stored"]
    assert len(settled) > 100
    assert settled["left_out"].str.endswith("computed from another paper.yaml").all()
    assert not table.counts
    assert not table.distances and "verdict" in table.select(origin="paper", left_out="").rows
    assert not draw_deviations(style.new_figure()[1], table.distances).get_yticklabels()


def test_only_twins_and_the_very_sample_count() -> None:
    """Data of another sample are marked, wherever they came from."""
    entries = {
        "RES-01": {"origin": "twin"},
        "RES-02": {"origin": "measured", "same_sample": True},
        "RES-03": {"origin": "measured", "same_sample": False},
        "RES-04": {"origin": "measured"},
        "RES-05": {"origin": "twin", "other_data": True},
    }
    row = {"verdict": "recoverable", "paper": "", "ours": "", "basis": "x", "says": "y"}
    verdicts = {id: row | entry for id, entry in entries.items()}
    table = paper_table({"03_transport": Ledger("03_transport", verdicts=verdicts)})
    assert list(table.select(id=tuple(entries), left_out="").rows["id"]) == ["RES-01", "RES-02"]


def test_what_does_not_count_is_marked_in_every_form(run, tmp_path) -> None:
    """In the terminal, in the page, on the drawing, in LaTeX and CSV."""
    table = paper_table(read_ledgers())
    row = table.select(id="JC-01")
    assert "[not counted: 05_ac_susceptibility not part" in row.text().replace("\n        ", " ")
    assert "class='not-counted'" in row._repr_html_() and "not counted: 05_ac" in row._repr_html_()
    axes = draw_verdicts(style.new_figure()[1], table.by_topic)
    assert sum(patch.get_hatch() is not None for patch in axes.patches) == len(read_paper()) - len(
        table.counted
    )
    tex = next(path for path in table.export(tmp_path) if path.suffix == ".tex").read_text(encoding="utf-8")
    assert tex.count("(not counted)") == len(read_paper()) - len(table.counted)
    labels = " ".join(table.distances)
    assert "JC-01" not in labels and "GL-02" in labels


def test_somebodys_own_run_shows_only_what_it_found(tmp_path) -> None:
    """No stored verdict on another sample stands beside their numbers."""
    record = RunRecord.begin(["03_transport"], own=True).ended("03_transport")
    ledger = Ledger("03_transport", tmp_path, run=record.id)
    enter(ledger, judge_statement("GL-02"))
    assert record.notebooks == {"03_transport": RAN}
    assert list(paper_table(ledgers_of(record, tmp_path)).rows["id"]) == ["GL-02"]


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
    assert [row["id"] for row in content["statements"]] == list(read_paper())
    with csv_file.open(encoding="utf-8") as file:
        assert [row["verdict"] for row in csv.DictReader(file)] == list(card.rows["verdict"])
    text = tex_file.read_text(encoding="utf-8")
    assert all(f"\n{name} & " in text for name in read_paper())


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


def test_each_statement_is_a_square() -> None:
    """Its colour, its letter and its place; one that does not count is white and hatched; the legend in one order."""
    given = {"first": [("recoverable", True), ("agrees", False)], "second": [("", True), ("input", True)]}
    axes = draw_verdicts(style.new_figure()[1], given)
    squares = [
        (patch.get_x(), patch.get_y(), patch.get_width(), patch.get_height()) for patch in axes.patches
    ]
    places = [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert squares == [pytest.approx((x - 0.44, y - 0.44, 0.88, 0.88)) for x, y in places]
    assert [patch.get_hatch() for patch in axes.patches] == [None, "///", None, None]
    colours = [to_hex(patch.get_facecolor()) for patch in axes.patches]
    assert colours == [to_hex(colour) for colour in (style.SKY, "white", "white", "#e4e4e4")]
    assert [(*text.get_position(), text.get_text()) for text in axes.texts] == [
        (*place, letter) for place, letter in zip(places, ("R", "A", "o", ""), strict=True)
    ]
    assert legend(axes) == ["A  agrees", "R  recoverable", "input", "o  open", "not counted"]
    assert axes.get_xlim() == pytest.approx((-0.6, 1.6)) and axes.get_ylim() == pytest.approx((1.6, -0.6))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["first", "second"]
    assert list(axes.get_yticks()) == [0, 1] and not len(axes.get_xticks()) and axes.get_aspect() == 1


def test_each_distance_is_a_dot() -> None:
    """The nearest below, with a line to zero; red where it is inconsistent; two σ are what rounding excuses."""
    axes = draw_deviations(style.new_figure()[1], {"A-02": -30.0, "A-01": 0.5}, ["A-02"])
    dots, to_zero = axes.collections
    assert np.asarray(dots.get_offsets()) == pytest.approx(np.array([[0.5, 0], [-30, 1]]))
    assert [to_hex(colour) for colour in dots.get_facecolors()] == [style.BLUE.lower(), style.RED.lower()]
    assert np.array(to_zero.get_segments()) == pytest.approx(
        np.array([[[0, 0], [0.5, 0]], [[0, 1], [-30, 1]]])
    )
    assert [label.get_text() for label in axes.get_yticklabels()] == ["A-01", "A-02"]
    [band], [zero] = axes.patches, axes.lines
    assert (band.get_x(), band.get_width()) == (-2, 4) and list(zero.get_xdata()) == [0, 0]
    assert axes.get_xscale() == "symlog" and axes.get_xlabel() == "ours − paper (σ of rounding)"


def test_the_examples_of_07_have_the_verdicts_that_they_stand_for(card) -> None:
    """Each word once in its table, with a statement that bears it."""
    notebook = nbformat.read(paths.NOTEBOOKS / "07_the_paper_in_numbers.ipynb", as_version=4)
    text = next(cell.source for cell in notebook.cells if "**What a verdict means.**" in cell.source)
    named = dict(re.findall(r"^\| \*(.+?)\* \|.*\((\w+-\d\d)\) \|$", text, flags=re.MULTILINE))
    verdicts = by_id(card)["verdict"]
    assert {word: verdicts[name] for word, name in named.items()} == {word: word for word in named}
    assert set(named) == set(WORDS) - {"disagrees"}
