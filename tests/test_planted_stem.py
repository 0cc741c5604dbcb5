"""STEM twins planted 20 % off: the estimates move, the verdicts about nature do not."""

import pytest
from notebook_cells import NOTEBOOKS, run_cells

from nbtools import claims, manifest, workbench
from nbtools.io.sample_card import read_sample_card
from nbtools.results import Ledger, read_ledger
from nbtools.twin.stem import StemWorld, record_stem, truth

pytestmark = pytest.mark.notebook

NOTEBOOK = NOTEBOOKS / "02_stem_interfaces.ipynb"
SHIFTED = ("thickness", "dose", "bright_dose", "fraction", "spread", "film")
OPEN = {"recoverable", "not discriminating", "not testable without the raw data"}


@pytest.mark.notebook
@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_no_verdict_blames_or_praises_the_paper(tmp_path, monkeypatch, factor):
    """Dose, blur, thickness and area 20 % off: needs-data verdicts stay open, what print decides stays."""
    default = StemWorld()
    parameters = {name: factor * getattr(default, name) for name in SHIFTED}
    files = record_stem(tmp_path, seed=7, **parameters)
    source = manifest.DataSource("stem-twin", tuple(files[:-1]), "twin", "0" * 64, files[-1])
    card = read_sample_card(files[-1])
    bench = workbench.Workbench(source, card, Ledger("02_stem_interfaces"), truth(**parameters))
    real = workbench.open_workbench
    monkeypatch.setattr(
        workbench,
        "open_workbench",
        lambda book, data, card=None: bench if data == "stem-twin" else real(book, data, card),
    )
    run_cells(NOTEBOOK, monkeypatch)
    assert bench.ledger.results["boride_area"].value == pytest.approx(factor * 0.265, abs=0.02)
    settled = {key: verdict["verdict"] for key, verdict in bench.ledger.verdicts.items()}
    needs_data = {key for key, value in claims.statements().items() if value.kind == "needs-data"}
    about_nature = {key: word for key, word in settled.items() if key in needs_data}
    assert len(about_nature) >= 6
    assert set(about_nature.values()) <= OPEN, about_nature
    stored = read_ledger(NOTEBOOK.parent / "results" / "02_stem_interfaces.json").verdicts
    decided = {key: verdict["verdict"] for key, verdict in stored.items() if key not in needs_data}
    assert decided and {key: settled[key] for key in decided} == decided
