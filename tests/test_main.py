"""The commands of ``python -m nbtools``: what they say, what they touch, how they end."""

import argparse
import json
import os
import re
from pathlib import Path

import nbformat
import pytest
from small_notebook import DRAW, ENTER, PARAMETERS, outputs, write_notebook

from nbtools import __main__, manifest, paths
from nbtools.__main__ import main
from nbtools.paper import enter, judge_statement, read_paper
from nbtools.paper.ledgers import STORED
from nbtools.results import Ledger, differences, left_out


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own, with one notebook, to which the commands apply."""
    notebooks = tmp_path / "notebooks"
    write_notebook(notebooks / "03_small.ipynb", "# Small?", PARAMETERS, "## Fig. 9(a)", DRAW, ENTER)
    monkeypatch.setattr(paths, "build_folder", lambda: tmp_path / "build")
    monkeypatch.setattr(paths, "NOTEBOOKS", notebooks)
    monkeypatch.setattr(paths, "STORED_RESULTS", notebooks / "results")
    monkeypatch.setenv("NBTOOLS_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(os, "cpu_count", lambda: 1)  # two at a time are tried where the runner is
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ledger(value: float, *, uncertainty: float = 0.1, verdict: str = "agrees", **more: object) -> Ledger:
    """A stored ledger of one number and one verdict."""
    from nbtools.units import Quantity

    origin = more.pop("origin", "twin")
    made = Ledger("03_small", **more)
    made.add("Tc", Quantity(value, uncertainty, "K"), method="tangent", origin=origin)
    made.verdicts["RES-01"] = {"verdict": verdict, "origin": origin}
    made.write()
    return made


def test_run_ends_with_statements_and_report(project: Path, capsys: pytest.CaptureFixture) -> None:
    """Each cell is told, results and report are in build/, the stored notebook is as it was."""
    before = (project / "notebooks" / "03_small.ipynb").read_bytes()
    assert main(["run"]) == 0
    said = capsys.readouterr().out
    for part in (
        "03_small    2/3  Fig. 9(a)",
        f"{len(read_paper())} statements: ",
        f"report: {project}/build/report/index.html",
    ):
        assert part in said
    assert (project / "build" / "results" / "03_small.json").exists()
    assert (project / "build" / "report" / "03_small.html").exists()
    assert (project / "notebooks" / "03_small.ipynb").read_bytes() == before


SETTLE = """from nbtools.paper import enter, judge_statement, read_paper
from nbtools.results import Ledger
enter(Ledger("{notebook}"), judge_statement("{statement}", paper=read_paper().changed({changes})))"""
SUM = """from pathlib import Path
from nbtools import paths
from nbtools.paper import paper_table, read_ledgers
paths.NOTEBOOKS, paths.STORED_RESULTS = Path.cwd(), Path.cwd() / "results"
table = paper_table(read_ledgers())
print(table)
table.export(paths.results_folder());"""


def test_a_failing_notebook_is_marked_and_the_others_run(
    project: Path, capsys: pytest.CaptureFixture
) -> None:
    """Two notebooks settle a statement each; the second, whose verdict is stored, fails after its verdict.

    The other and the summing one run, the failed one's verdict is the stored one, marked and not counted, in the
    notebook that sums up, in claims.json, in the terminal and in the report; exit code 1, and a way out.
    """
    notebooks = project / "notebooks"
    (notebooks / "03_small.ipynb").unlink()
    good = SETTLE.format(notebook="03_good", statement="GL-01", changes="{}")
    bad = SETTLE.format(notebook="04_bad", statement="MO-05", changes={"MO-05": [450]})
    write_notebook(notebooks / "03_good.ipynb", good)
    write_notebook(notebooks / "04_bad.ipynb", bad, "1 / 0")
    write_notebook(notebooks / "07_sum.ipynb", SUM)
    enter(Ledger("04_bad", notebooks / "results", run=STORED), judge_statement("MO-05"))
    assert main(["run"]) == 1
    said = capsys.readouterr().out
    error = "cell 2 of 2 (): ZeroDivisionError: division by zero"
    assert f"failed: 04_bad, {error}" in said
    assert "what to do: mend what the error names, then repeat" in said
    assert "run 04_bad`" in said
    for name in ("03_good", "07_sum"):
        assert f"{name}  ran after" in said
    reason = f"04_bad failed in this run: {error}; the stored verdict is shown"
    for text in (said, outputs(project / "build" / "notebooks" / "07_sum.ipynb")):
        assert f"1 not counted: {reason}" in " ".join(text.split())
    claims = json.loads((project / "build" / "results" / "claims.json").read_text(encoding="utf-8"))
    assert claims["left_out"][reason] == 1
    assert all("04_bad failed" in why for why in claims["left_out"])
    assert claims["counted"] + sum(claims["left_out"].values()) == len(read_paper())
    rows = {row["id"]: row for row in claims["statements"]}
    assert (rows["MO-05"]["run"], rows["MO-05"]["counted"], rows["MO-05"]["verdict"]) == (
        "stored",
        False,
        "undecided",
    )
    assert (rows["GL-01"]["run"], rows["GL-01"]["counted"]) == (claims["run"], True)
    assert reason in (project / "build" / "report" / "index.html").read_text(encoding="utf-8")
    assert (project / "build" / "report" / "04_bad.html").exists()


def test_a_run_of_ones_own_stays_in_its_folder(project: Path) -> None:
    """Parameters reach the notebook; neither build/ nor the stored results are touched."""
    assert main(["run", "03", "-p", "COUNT=5", "-o", "out"]) == 0
    numbers = json.loads((project / "out" / "03_small.json").read_text())["results"]
    assert numbers[0]["value"] == 5
    assert (project / "out" / "report" / "index.html").exists()
    assert not (project / "build").exists()
    assert not (project / "notebooks" / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "07"], "no notebook 07; there are 03_small"),
        (["run", "03", "-p", "DATA=gone.dat"], "there is no file gone.dat in"),
        (["run", "03", "-p", "DATE=1"], "no parameter DATE: the notebook has DATA, COUNT"),
        (["run", "-o", "notebooks/results"], "holds the stored outputs; name another folder"),
        (["run", "--store", "-p", "COUNT=1"], "--store keeps the outputs of a default run"),
        (["report"], "no notebook has been run yet"),
    ],
)
def test_a_slip_is_answered_with_a_sentence(
    arguments: list[str], sentence: str, project: Path, capsys: pytest.CaptureFixture
) -> None:
    """No traceback; exit code 2."""
    assert main(arguments) == 2
    assert sentence in capsys.readouterr().out


def test_parameters_are_for_one_notebook(project: Path, capsys: pytest.CaptureFixture) -> None:
    """-p with several notebooks would set it in none or in all."""
    write_notebook(project / "notebooks" / "02_more.ipynb", "1")
    assert main(["run", "-p", "COUNT=1"]) == 2
    assert "say which" in capsys.readouterr().out


def test_storing_keeps_outputs_and_results(project: Path, capsys: pytest.CaptureFixture) -> None:
    """The notebook gets its outputs, notebooks/results its ledger, and diff finds nothing."""
    assert main(["run", "--store"]) == 0
    stored = nbformat.read(project / "notebooks" / "03_small.ipynb", as_version=4)
    assert [len(cell.outputs) for cell in stored.cells if cell.cell_type == "code"] == [0, 1, 0]
    assert (project / "notebooks" / "results" / "03_small.json").exists()
    assert main(["diff"]) == 0
    assert "03_small: as stored" in capsys.readouterr().out


def test_storing_does_not_lose_measured_numbers(project: Path, capsys: pytest.CaptureFixture) -> None:
    """Where the measured files are missing, the stored outputs stay."""
    ledger(38.4, origin="measured", folder=project / "notebooks" / "results")
    skip = ENTER + "\nledger.skip('measured', 'no files here')"
    path = write_notebook(project / "notebooks" / "03_small.ipynb", PARAMETERS, skip)
    before = path.read_bytes()
    assert main(["run", "--store"]) == 1
    assert "not stored, for measured data are missing here; set NBTOOLS_MIRROR" in capsys.readouterr().out
    assert path.read_bytes() == before


@pytest.mark.parametrize(("value", "code"), [(38.4, 0), (38.409, 0), (38.43, 1)])
def test_diff_fails_above_a_tenth_of_sigma(
    value: float, code: int, project: Path, capsys: pytest.CaptureFixture
) -> None:
    """A smaller move is another machine's."""
    ledger(38.4, folder=project / "notebooks" / "results")
    ledger(value, folder=project / "build" / "results")
    assert main(["diff"]) == code
    assert ("Tc: 38.40 ± 0.10 K → 38.43 ± 0.10 K (0.3 σ)" in capsys.readouterr().out) == bool(code)


def test_diff_fails_where_nothing_has_run(project: Path, capsys: pytest.CaptureFixture) -> None:
    """No comparison is no agreement."""
    ledger(38.4, folder=project / "notebooks" / "results")
    assert main(["diff"]) == 1
    assert "03_small: not run here yet" in capsys.readouterr().out


def test_a_notebook_that_keeps_no_numbers_is_no_difference(
    project: Path, capsys: pytest.CaptureFixture
) -> None:
    """The classroom: it has run, and neither stored nor fresh results are expected of it."""
    executed = project / "build" / "notebooks" / "03_small.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    executed.write_text("{}", encoding="utf-8")
    assert main(["diff"]) == 0
    assert "03_small: keeps no numbers" in capsys.readouterr().out


def test_a_verdict_that_changes_its_word_is_a_difference(tmp_path: Path) -> None:
    """Whatever the numbers do."""
    before, after = (ledger(1.0, verdict=word, folder=tmp_path) for word in ("agrees", "disagrees"))
    assert differences(before, after) == ["RES-01: agrees → disagrees"]


def test_measured_data_that_are_not_here_are_no_difference(tmp_path: Path) -> None:
    """If the run says that it left something out; a number that is just gone counts."""
    before = ledger(1.0, origin="measured", folder=tmp_path)
    without_files = Ledger("03_small", tmp_path, skipped={"measured": "no files"})
    assert differences(before, without_files) == []
    assert left_out(before, without_files) == ["Tc: left out of this run", "RES-01: left out of this run"]
    lost = Ledger("03_small", tmp_path)
    assert differences(before, lost) == ["Tc: gone, was 1.00 ± 0.10 K", "RES-01: agrees → gone"]
    assert left_out(before, lost) == []


def test_a_missing_extra_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """Which package, and which command brings it."""

    def needs(_: argparse.Namespace) -> int:
        raise ModuleNotFoundError("No module named 'papermill'", name="papermill")

    monkeypatch.setattr(__main__, "report", needs)
    assert main(["report"]) == 2
    assert "papermill: pip install 'mgb2-notebooks[notebook]'" in capsys.readouterr().out


def test_cache_tells_its_place_and_size(capsys: pytest.CaptureFixture) -> None:
    """And empties it on request."""
    for arguments in (["cache"], ["cache", "clear"]):
        assert main(arguments) == 0
        assert "cache: 0 entries, 0.0 MB" in capsys.readouterr().out


def test_no_command_shows_figures_notebooks_and_data(project: Path, capsys: pytest.CaptureFixture) -> None:
    """What there is to see, where, and on which data in which state."""
    assert main([]) == 0
    said = capsys.readouterr().out
    assert "03_small\n    Small?\n    Fig. 9(a)\n" in said
    assert re.search(
        r"^transport-twin +twin +transport +recordable +Fig. 9, Fig. S1, Fig. S2$", said, re.MULTILINE
    )


def test_verify_tells_right_from_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """Every data set is named; one that fails makes the command fail, after the others were tried."""

    def fetch(name: str) -> None:
        if name == "transport-twin":
            raise manifest.WrongHash("another hash")

    monkeypatch.setattr(manifest, "fetch", fetch)
    assert main(["verify"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert "wrong   transport-twin: another hash" in said
    assert sum(line.startswith("right   ") for line in said) == len(manifest.status()) - 1
