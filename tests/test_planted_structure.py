"""Structure planted 20 % off the paper: the estimates move, the verdicts about nature do not."""

import pytest
from notebook_cells import NOTEBOOKS, run_cells

from nbtools import claims, manifest, workbench
from nbtools.io.sample_card import read_sample_card
from nbtools.results import Ledger, read_ledger
from nbtools.twin.fib_sem import FibSemWorld, record_fib_sem, truth

pytestmark = pytest.mark.notebook

NOTEBOOK = NOTEBOOKS / "01_structure.ipynb"
OPEN = {"recoverable", "not discriminating", "not testable without the raw data"}


def planted_off(folder, factor):
    """A workbench on a twin with `factor` times the paper's filling and codimension."""
    default = FibSemWorld()
    dimension = 2 - factor * default.codimension
    parameters = {"fraction": factor * default.fraction, "section_dimension": dimension}
    files = record_fib_sem(folder, seed=7, **parameters)
    card = folder / "sample.yaml"
    data = tuple(path for path in files if path != card)
    source = manifest.DataSource("fib-sem-twin", data, "twin", "0" * 64, card)
    return workbench.Workbench(source, read_sample_card(card), Ledger("01_structure"), truth(**parameters))


def run_notebook(bench, monkeypatch):
    """All cells of notebook 01 up to the measured files, in this process, on `bench`."""
    real = workbench.open_workbench
    monkeypatch.setattr(
        workbench,
        "open_workbench",
        lambda book, data, card=None: bench if data == "fib-sem-twin" else real(book, data, card),
    )
    run_cells(NOTEBOOK, monkeypatch)
    return bench.ledger


@pytest.fixture(scope="module")
def needs_data():
    return {key for key, value in claims.statements().items() if value.kind == "needs-data"}


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_no_verdict_blames_or_praises_the_paper(tmp_path, monkeypatch, needs_data, factor):
    """All numbers 20 % off: every needs-data verdict stays open, and what the paper's own numbers decide stays."""
    ledger = run_notebook(planted_off(tmp_path, factor), monkeypatch)
    share = ledger.results["section_share"].value
    assert abs(share / 26.5 - factor) < abs(share / 26.5 - (2 - factor))
    settled = {key: verdict["verdict"] for key, verdict in ledger.verdicts.items()}
    about_nature = {key: word for key, word in settled.items() if key in needs_data}
    assert len(about_nature) >= 7
    assert set(about_nature.values()) <= OPEN, about_nature
    stored = read_ledger(NOTEBOOK.parent / "results" / "01_structure.json").verdicts
    decided = {key: verdict["verdict"] for key, verdict in stored.items() if key not in needs_data}
    assert {key: settled[key] for key in decided} == decided
