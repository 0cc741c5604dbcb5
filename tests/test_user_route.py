"""Notebook 03 from end to end on real files that it was not made for: numbers, reasons, exports; nothing stored."""

import pytest
from strangers import numbers, run_as_user, run_in_process, verdicts

pytestmark = pytest.mark.notebook

CARD = """\
name: somebody's crystal
dimensions: ["2.0 ± 0.1 mm", "3.0 ± 0.1 mm", "0.5 ± 0.05 mm"]
field_axis: 3
remanence: "0.0 ± 0.5 Oe"
instrument: MPMS
tap_distance: "2.0 ± 0.1 mm"
cross_section: "1.50 ± 0.05 mm^2"
thermometer_offset: "0.00 ± 0.05 K"
"""


@pytest.fixture
def card(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(CARD, encoding="utf-8")
    return path


def test_a_superconducting_crystal(tmp_path, realdata, card):
    """ZFC/FC of NCCO: an onset and a susceptibility; resistance and critical fields are skipped by name."""
    file = realdata / "qd/NCCO_Analysis_Code_2026/20240223_NCCO_SC_Canada4_full_size.dc.dat"
    (tmp_path / "mine.dat").write_bytes(file.read_bytes())
    ledger = run_as_user("03_transport", tmp_path, "DATA=mine.dat", f"SAMPLE={card.name}")
    found = numbers(ledger)
    assert found["magnetic_onset"] == pytest.approx(23.4, abs=0.3)
    assert found["susceptibility"] < -1
    assert {"Fig. 9(a)", "Fig. S1", "Fig. S2"} <= set(ledger["skipped"])
    assert "moment" in ledger["skipped"]["Fig. 9(a)"]
    assert {entry["origin"] for entry in ledger["results"]} == {"measured"}
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"03_transport.csv", "03_transport.ipynb", "fig_9b.pdf"} <= names


def test_a_resistance_that_ends_above_zero(tmp_path, monkeypatch, realdata, card):
    """EuSNb2Se4 down to 2 K: a transition and ρ in Ω m from the card; no zero, and the magnetic parts skipped."""
    mine = {"DATA": realdata / "qd/project_chameleon/4-probe resistivity example file.dat", "SAMPLE": card}
    ledger = run_in_process("03_transport", tmp_path, monkeypatch, **mine)
    found = numbers(ledger)
    assert found["resistive_midpoint"] == pytest.approx(3.46, abs=0.1)
    assert found["resistive_zero"] == "nan"
    assert "Fig. 9(b)" in ledger["skipped"]
    assert verdicts(ledger)["RES-01"] == "not testable without the raw data"


def test_a_paramagnet(tmp_path, monkeypatch, realdata, card):
    """A molecular magnet without any transition goes through, and no temperature is invented for it."""
    mine = {"DATA": realdata / "qd/MagnetoPy/zfcfc1.dat", "SAMPLE": card}
    assert numbers(run_in_process("03_transport", tmp_path, monkeypatch, **mine))["magnetic_onset"] == "nan"
