"""Luminescence twins planted off the paper: the estimates move, the verdicts about nature do not."""

import pytest
from notebook_cells import NOTEBOOKS, run_cells

from nbtools import claims, manifest, workbench
from nbtools.io.sample_card import read_sample_card
from nbtools.results import Ledger, read_ledger
from nbtools.twin.cathodoluminescence import record_cathodoluminescence, truth

pytestmark = pytest.mark.notebook

NOTEBOOK = NOTEBOOKS / "06_cathodoluminescence.ipynb"
OPEN = {"recoverable", "not discriminating", "not testable without the raw data"}
# Every band 10 % redder: 20 % would push the red one off the detector.
SHIFTED = {
    "ultraviolet": 3.19,
    "violet": 2.53,
    "green": 2.23,
    "red": 1.62,
    "beam_energy": 6e3,
    "dark_share": 0.32,
}


def run_notebook(folder, monkeypatch, parameters):
    """All cells of notebook 06 but those on measured files, in this process, on a twin planted so."""
    files = record_cathodoluminescence(folder, seed=7, **parameters)
    card = folder / "sample.yaml"
    data = tuple(path for path in files if path != card)
    source = manifest.DataSource("cl-twin", data, "twin", "0" * 64, card)
    bench = workbench.Workbench(
        source, read_sample_card(card), Ledger("06_cathodoluminescence"), truth(**parameters)
    )
    real = workbench.open_workbench
    monkeypatch.setattr(
        workbench,
        "open_workbench",
        lambda book, data, card=None: bench if data == "cl-twin" else real(book, data, card),
    )
    run_cells(NOTEBOOK, monkeypatch)
    return bench.ledger


@pytest.mark.parametrize("parameters", [SHIFTED, {"world": "uniform"}], ids=["redder", "uniform"])
def test_no_verdict_blames_or_praises_the_paper(tmp_path, monkeypatch, parameters):
    """Bands shifted, or nothing planted at all: every needs-data verdict stays open, all others stay as stored."""
    ledger = run_notebook(tmp_path, monkeypatch, parameters)
    expected = truth(**parameters)["ultraviolet_wavelength"]
    assert ledger.results["ultraviolet_wavelength"].value == pytest.approx(expected, rel=0.01)
    kinds = {key: value.kind for key, value in claims.statements().items()}
    settled = {key: verdict["verdict"] for key, verdict in ledger.verdicts.items()}
    about_nature = {key: word for key, word in settled.items() if kinds[key] == "needs-data"}
    assert len(about_nature) >= 8
    assert set(about_nature.values()) <= OPEN, about_nature
    stored = read_ledger(NOTEBOOK.parent / "results" / "06_cathodoluminescence.json").verdicts
    assert {k: w for k, w in settled.items() if kinds[k] != "needs-data"} == {
        k: v["verdict"] for k, v in stored.items() if kinds[k] != "needs-data"
    }
