"""A file of one's own, opened in a notebook in JupyterLab: nothing that is said on the paper changes."""

import json
from pathlib import Path

import pytest

from nbtools import paths, transport
from nbtools.notebook.sample import open_sample
from nbtools.paper import paper_table, read_ledgers
from nbtools.results import Ledger, read_ledger


def claims(folder: Path) -> dict:
    """The whole of claims.json, as notebook 07 writes it."""
    return json.loads(paper_table(read_ledgers()).export(folder)[0].read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "file", ["qd/MagnetoPy/zfc5.dat", "qd/NCCO_Analysis_Code_2026/20240222_NCCO_AG.dc.dat"]
)
def test_a_foreign_file_in_jupyterlab_changes_no_verdict(
    file: str, realdata: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Studies of 03 on somebody's data: 07's table is what it was, and the results have a folder of their own."""
    results = tmp_path / "lab" / "results"
    monkeypatch.setenv("NBTOOLS_RESULTS", str(results))
    before = claims(tmp_path / "before")
    mine = tmp_path / "mine.dat"
    mine.write_bytes((realdata / file).read_bytes())
    sample = open_sample(mine, notebook="03_transport")
    for study in (transport.study_resistance, transport.study_screening):
        study(sample)
    sample.export()
    assert claims(tmp_path / "after") == before
    assert not (results / "03_transport.json").exists()
    [own] = (tmp_path / "lab" / "own").iterdir()
    ledger = read_ledger(own / "03_transport.json")
    assert own.name.startswith("mine.dat-") and ledger.run == "by hand"
    assert {entry.origin for entry in ledger.results.values()} <= {"measured"}
    assert (own / "03_transport.csv").exists()


def test_a_twin_stays_in_the_papers_folder() -> None:
    """And so do a twin's rivals; no folder of one's own is made."""
    sample = open_sample("transport-twin", notebook="03_transport")
    assert sample.is_papers and sample.ledger.folder is None


@pytest.mark.parametrize("own_run", [False, True])
def test_a_copy_of_a_twin_is_other_data(
    own_run: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its truth is not known here; in a folder that the user named, it stays there."""
    twin = open_sample("transport-twin", notebook="03_transport").source.files[0]
    copy = tmp_path / "copy.dat"
    copy.write_bytes(twin.read_bytes())
    if own_run:
        monkeypatch.setenv(paths.OWN_RUN, "1")
    sample = open_sample(copy, notebook="03_transport")
    assert not sample.is_papers
    folder = paths.results_folder() if own_run else tmp_path / "own" / sample.ledger.path.parent.name
    assert sample.ledger.path == folder / "03_transport.json"
    assert sample.exports == folder


def test_a_ledger_beside_a_notebooks_own_stays(realdata: Path) -> None:
    """Other people's files that a notebook opens by itself are stored beside its own results."""
    ledger = Ledger("03_transport_measured")
    open_sample(realdata / "qd/MagnetoPy/zfc5.dat", ledger=ledger)
    assert ledger.folder is None


def test_the_papers_own_sample_may_speak(tmp_path: Path, realdata: Path) -> None:
    """A measured file whose card says that it is the paper's sample goes to the paper's folder and may speak."""
    data = tmp_path / "mine.dat"
    data.write_bytes((realdata / "qd/MagnetoPy/zfc5.dat").read_bytes())
    card = tmp_path / "mine.yaml"
    card.write_text("name: the bar\nis_paper_sample: true\n", encoding="utf-8")
    sample = open_sample(data, card, notebook="03_transport")
    assert sample.ledger.folder is None
    assert sample.is_papers
