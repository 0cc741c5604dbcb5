"""Notebook 03 on real files that it was not made for: numbers, reasons; as a user runs it, in test_wheel."""

import json

import numpy as np
import pytest
from notebook_cells import NOTEBOOKS
from strangers import CARD, numbers, run_in_process

from nbtools import transport
from nbtools.files.write_quantum_design import SYNTHETIC
from nbtools.notebook.sample import open_sample
from nbtools.study import Missing

pytestmark = pytest.mark.notebook


@pytest.fixture
def card(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(CARD, encoding="utf-8")
    return path


@pytest.mark.nightly
def test_a_resistance_that_ends_above_zero(tmp_path, monkeypatch, realdata, card):
    """EuSNb2Se4 down to 2 K: a transition and ρ in Ω m from the card; no zero, and the magnetic parts skipped."""
    mine = {"DATA": realdata / "qd/project_chameleon/4-probe resistivity example file.dat", "SAMPLE": card}
    ledger = run_in_process("03_transport", tmp_path, monkeypatch, **mine)
    found = numbers(ledger)
    assert found["resistive_midpoint"] == pytest.approx(3.46, abs=0.1)
    assert found["resistivity_100"] > 0 and "resistive_zero" not in found
    assert "Fig. 9(b) · Screening and Meissner effect" in ledger["skipped"]
    assert not ledger["verdicts"]


@pytest.mark.nightly
def test_a_paramagnet(tmp_path, monkeypatch, realdata, card):
    """A molecular magnet without any transition goes through, and no temperature is invented for it."""
    mine = {"DATA": realdata / "qd/MagnetoPy/zfcfc1.dat", "SAMPLE": card}
    assert "magnetic_onset" not in numbers(run_in_process("03_transport", tmp_path, monkeypatch, **mine))


def test_an_unmarked_copy_of_the_twin_gives_the_rows_of_the_whole_notebook(tmp_path, monkeypatch):
    """The technique's cells alone, on files that do not say what they are: the same numbers under the same names."""
    source = open_sample("transport-twin")
    folder = tmp_path / "bar"
    folder.mkdir()
    for file in (*source.files, source.source.card):
        text = (
            file.read_text(encoding="utf-8").replace(SYNTHETIC, "a bar").replace("is_paper_sample: true", "")
        )
        (folder / file.name).write_text(text, encoding="utf-8")
    ours = run_in_process("03_transport", tmp_path / "results", monkeypatch, DATA=str(folder))
    stored = json.loads((NOTEBOOKS / "results" / "03_transport.json").read_text(encoding="utf-8"))
    assert numbers(ours) == pytest.approx(numbers(stored), rel=1e-6)
    assert {entry["origin"] for entry in ours["results"]} == {"measured"}
    assert not ours["verdicts"]


DIALECTS = [
    "MagnetoPy/mvsh3.dat",
    "MagnetoPy/zfcfc3.dat",
    "MagnetoPy/zfc5.dat",
    "MagnetoPy/Pd_std1.dat",
    "NCCO_Analysis_Code_2026/20240222_NCCO_AG.dat",
    "nomad-measurements/Resistivity_Ch1_TMR_Ch2_Hall_test.dat",
    "quantumPPMS/sample1.dat",
    "quantumPPMS/sample2.DAT",
    "project_chameleon/4-probe resistivity example file.dat",
]


@pytest.mark.parametrize("name", DIALECTS)
def test_every_study_ends_on_a_strangers_file(realdata, name):
    """A result with its own numbers, or the reason; never an exception, and nothing kept that is not its own."""
    sample = open_sample(str(realdata / "qd" / name))
    for result in transport.study_all(sample).values():
        assert isinstance(result, Missing) or all(np.isfinite(row.quantity) for row in result.rows())
        assert str(result)
