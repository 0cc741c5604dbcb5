"""Ac twins planted off the paper: the estimates move, the verdicts about nature do not."""

import pytest
from notebook_cells import NOTEBOOKS, run_cells

from nbtools import claims, manifest, workbench
from nbtools.io.sample_card import read_sample_card
from nbtools.results import Ledger, read_ledger
from nbtools.twin.ac_susceptibility import AcSusceptibilityWorld, record_ac_susceptibility, truth

pytestmark = pytest.mark.notebook

NOTEBOOK = NOTEBOOKS / "05_ac_susceptibility.ipynb"
OPEN = {"recoverable", "not discriminating", "not testable without the raw data"}


def planted_off(folder, shift):
    """A workbench on a twin whose currents lie at temperatures moved by `shift` (K); loops 20 % off."""
    default = AcSusceptibilityWorld()
    parameters = {
        "half_screening": tuple(t + shift for t in default.half_screening),
        "falling_from": default.falling_from + shift,
        "falling_to": default.falling_to + shift,
        "zero_temperature_current": default.zero_temperature_current * (0.8 if shift < 0 else 1.2),
    }
    files = record_ac_susceptibility(folder, seed=7, **parameters)
    card = folder / "sample.yaml"
    data = tuple(path for path in files if path != card)
    source = manifest.DataSource("ac-twin", data, "twin", "0" * 64, card)
    return workbench.Workbench(
        source, read_sample_card(card), Ledger("05_ac_susceptibility"), truth(**parameters)
    )


@pytest.mark.parametrize("shift", [-0.3, 0.3])
def test_no_verdict_blames_or_praises_the_paper(tmp_path, monkeypatch, shift):
    """0.3 K is tenfold in J_c: verdicts about nature stay open, what the paper decides stays."""
    bench = planted_off(tmp_path, shift)
    real = workbench.open_workbench
    monkeypatch.setattr(
        workbench,
        "open_workbench",
        lambda book, data, card=None: bench if data == "ac-twin" else real(book, data, card),
    )
    run_cells(NOTEBOOK, monkeypatch)
    ledger = bench.ledger
    assert ledger.results["half_screening_1"].value == pytest.approx(36.9 + shift, abs=0.05)
    settled = {key: verdict["verdict"] for key, verdict in ledger.verdicts.items()}
    needs_data = {key for key, value in claims.statements().items() if value.kind == "needs-data"}
    about_nature = {key: word for key, word in settled.items() if key in needs_data}
    assert len(about_nature) >= 7
    assert set(about_nature.values()) <= OPEN, about_nature
    stored = read_ledger(NOTEBOOK.parent / "results" / "05_ac_susceptibility.json").verdicts
    fixed = {key: v["verdict"] for key, v in stored.items() if key not in needs_data}
    assert {key: settled[key] for key in fixed} == fixed
