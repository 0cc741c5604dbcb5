"""Notebook 03 from end to end on real files that it was not made for: numbers, reasons, exports; nothing stored."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.notebook

ROOT = Path(__file__).parent.parent
STORED = ROOT / "notebooks" / "results" / "03_transport.json"
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


def run(folder, file):
    (folder / "mine.dat").write_bytes(file.read_bytes())
    (folder / "mine.yaml").write_text(CARD, encoding="utf-8")
    before = hashlib.sha256(STORED.read_bytes()).hexdigest()
    options = ["-p", "DATA=mine.dat", "-p", "SAMPLE=mine.yaml", "-o", "out"]
    done = subprocess.run(
        [sys.executable, "-m", "nbtools", "run", "03", *options], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert hashlib.sha256(STORED.read_bytes()).hexdigest() == before, (
        "a user's run changed the stored results"
    )
    return json.loads((folder / "out" / "03_transport.json").read_text(encoding="utf-8"))


def numbers(ledger):
    return {entry["name"]: entry["value"] for entry in ledger["results"]}


def test_a_superconducting_crystal(tmp_path, realdata):
    """ZFC/FC of NCCO: an onset and a susceptibility; resistance and critical fields are skipped by name."""
    ledger = run(tmp_path, realdata / "qd/NCCO_Analysis_Code_2026/20240223_NCCO_SC_Canada4_full_size.dc.dat")
    found = numbers(ledger)
    assert found["magnetic_onset"] == pytest.approx(23.4, abs=0.3)
    assert found["susceptibility"] < -1
    assert {"Fig. 9(a)", "Fig. S1", "Fig. S2"} <= set(ledger["skipped"])
    assert "moment" in ledger["skipped"]["Fig. 9(a)"]
    assert {entry["origin"] for entry in ledger["results"]} == {"measured"}
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"03_transport.csv", "03_transport.ipynb", "fig_9b.pdf"} <= names


def test_a_resistance_that_ends_above_zero(tmp_path, realdata):
    """EuSNb2Se4 down to 2 K: a transition and ρ in Ω m from the card; no zero, and the magnetic parts skipped."""
    ledger = run(tmp_path, realdata / "qd/project_chameleon/4-probe resistivity example file.dat")
    found = numbers(ledger)
    assert found["resistive_midpoint"] == pytest.approx(3.46, abs=0.1)
    assert found["resistive_zero"] == "nan"
    assert "Fig. 9(b)" in ledger["skipped"]
    verdicts = {v["id"]: v["verdict"] for v in ledger["verdicts"]}
    assert verdicts["RES-01"] == "not testable without the raw data"


def test_a_paramagnet(tmp_path, realdata):
    """A molecular magnet without any transition goes through, and no temperature is invented for it."""
    found = numbers(run(tmp_path, realdata / "qd/MagnetoPy/zfcfc1.dat"))
    assert found["magnetic_onset"] == "nan"
