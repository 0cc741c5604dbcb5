"""Twins planted 20 % off the paper: the estimates move, the verdicts about nature do not."""

import pytest
from notebook_cells import NOTEBOOKS, run_cells

from nbtools import claims, manifest, workbench
from nbtools.io.sample_card import read_sample_card
from nbtools.results import Ledger, read_ledger
from nbtools.twin.transport import TransportWorld, record_transport, truth

NOTEBOOK = NOTEBOOKS / "03_transport.ipynb"
SHIFTED = (
    "transition_midpoint",
    "magnetic_critical_temperature",
    "lower_critical_field",
    "upper_critical_field",
    "resistivity_at_100_kelvin",
    "residual_resistivity",
)
OPEN = {"recoverable", "not discriminating", "not testable without the raw data"}


def planted_off(folder, factor):
    """A workbench on a twin whose physics is `factor` times the paper's."""
    default = TransportWorld()
    parameters = {name: factor * getattr(default, name) for name in SHIFTED}
    files = record_transport(folder, seed=7, **parameters)
    card = folder / "sample.yaml"
    data = tuple(path for path in files if path != card)
    source = manifest.DataSource("transport-twin", data, "twin", "0" * 64, card)
    return workbench.Workbench(source, read_sample_card(card), Ledger("03_transport"), truth(**parameters))


def run_notebook(bench, monkeypatch):
    """All cells of notebook 03 up to the measured files, in this process, on `bench`."""
    real = workbench.open_workbench
    monkeypatch.setattr(
        workbench,
        "open_workbench",
        lambda book, data, card=None: bench if data == "transport-twin" else real(book, data, card),
    )
    run_cells(NOTEBOOK, monkeypatch)
    return bench.ledger


@pytest.fixture(scope="module")
def needs_data():
    return {key for key, value in claims.statements().items() if value.kind == "needs-data"}


@pytest.mark.notebook
@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_no_verdict_blames_or_praises_the_paper(tmp_path, monkeypatch, needs_data, factor):
    """All numbers 20 % off: every needs-data verdict stays open, and what the paper's own numbers decide stays."""
    ledger = run_notebook(planted_off(tmp_path, factor), monkeypatch)
    assert ledger.results["resistive_onset"].value == pytest.approx(factor * 38.4, rel=0.01)
    settled = {key: verdict["verdict"] for key, verdict in ledger.verdicts.items()}
    about_nature = {key: word for key, word in settled.items() if key in needs_data}
    assert len(about_nature) >= 8
    assert set(about_nature.values()) <= OPEN, about_nature
    stored = {key: v["verdict"] for key, v in stored_verdicts().items() if key not in needs_data}
    assert {key: settled[key] for key in stored} == stored


def stored_verdicts():
    return read_ledger(NOTEBOOK.parent / "results" / "03_transport.json").verdicts
