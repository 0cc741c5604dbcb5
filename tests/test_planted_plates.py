"""Plates planted 20 % off: J_c moves with them, the verdicts about nature do not."""

import pytest
from notebook_cells import NOTEBOOKS, run_cells

from nbtools import claims, manifest, workbench
from nbtools.io.sample_card import read_sample_card
from nbtools.results import Ledger, read_ledger
from nbtools.twin.magneto_optics import MagnetoOpticsWorld, record_magneto_optics, truth

pytestmark = pytest.mark.notebook

NOTEBOOK = NOTEBOOKS / "04_magneto_optics.ipynb"
OPEN = {"recoverable", "not discriminating", "not testable without the raw data"}


def planted_off(folder, factor):
    """A workbench on a twin whose current densities are `factor` times the default's."""
    parameters = {"critical_currents": tuple(factor * one for one in MagnetoOpticsWorld().critical_currents)}
    files = record_magneto_optics(folder, seed=7, **parameters)
    card = folder / "sample.yaml"
    data = tuple(path for path in files if path != card)
    source = manifest.DataSource("magneto-optics-twin", data, "twin", "0" * 64, card)
    return workbench.Workbench(
        source, read_sample_card(card), Ledger("04_magneto_optics"), truth(**parameters)
    )


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_no_verdict_blames_or_praises_the_paper(tmp_path, monkeypatch, factor):
    """Needs-data verdicts stay open, and what the paper's own numbers decide stays."""
    bench = planted_off(tmp_path, factor)
    real = workbench.open_workbench
    monkeypatch.setattr(
        workbench,
        "open_workbench",
        lambda book, data, card=None: bench if data == "magneto-optics-twin" else real(book, data, card),
    )
    run_cells(NOTEBOOK, monkeypatch)
    found = bench.ledger.results["critical_current_33K"].value
    assert found == pytest.approx(factor * 7.5e7, rel=0.08)
    needs_data = {key for key, value in claims.statements().items() if value.kind == "needs-data"}
    settled = {key: verdict["verdict"] for key, verdict in bench.ledger.verdicts.items()}
    about_nature = {key: word for key, word in settled.items() if key in needs_data}
    assert len(about_nature) >= 4
    assert set(about_nature.values()) <= OPEN, about_nature
    stored = read_ledger(NOTEBOOK.parent / "results" / "04_magneto_optics.json").verdicts
    assert {key: settled[key] for key in stored if key not in needs_data} == {
        key: one["verdict"] for key, one in stored.items() if key not in needs_data
    }
