"""Notebook 05 from end to end on a researcher's own folder and card: numbers, reasons, nothing stored."""

from pathlib import Path

import pytest
from strangers import numbers, run_as_user, verdicts

from nbtools.ac_susceptibility.twin import record_ac_susceptibility

pytestmark = pytest.mark.notebook

CARD = """\
name: somebody's bar
shape: prism
dimensions: ["1.00 ± 0.02 mm", "1.00 ± 0.02 mm", "5.00 ± 0.02 mm"]
field_axis: 3
thermometer_offset: "0.00 ± 0.02 K"
"""


def run(folder):
    (folder / "mine.yaml").write_text(CARD, encoding="utf-8")
    return run_as_user("05_ac_susceptibility", folder, f"DATA={folder / 'measured'}", "SAMPLE=mine.yaml")


def test_a_magnet_that_does_not_screen(tmp_path, realdata):
    """A real ACMS file without a transition beside an MPMS file: reasons by name, no number invented."""
    folder = tmp_path / "measured"
    folder.mkdir()
    for name in ("nomad-measurements/ACMS_test.dat", "NCCO_Analysis_Code_2026/20240222_NCCO_AG.dc.dat"):
        (folder / Path(name).name).write_bytes((realdata / "qd" / name).read_bytes())
    ledger = run(tmp_path)
    assert not {"half_screening_0", "peak_height_0"} & set(numbers(ledger))
    assert ledger["skipped"]
    settled = verdicts(ledger)
    assert settled["JC-02"] == "inconsistent"  # the paper's own numbers are judged all the same
    assert "agrees" not in {settled.get(name) for name in ("AC-03", "AC-05", "AC-07", "AC-11", "JC-06")}


def test_a_bar_of_ones_own(tmp_path):
    """Another bar's files: its half screening comes out, and the paper's statements stay open."""
    folder = tmp_path / "measured"
    *_, card = record_ac_susceptibility(folder, seed=11, world="bean", half_screening=(36.8, 36.6, 36.3))
    card.unlink()
    ledger = run(tmp_path)
    found = numbers(ledger)
    assert found["half_screening_1"] == pytest.approx(36.6, abs=0.05)
    settled = verdicts(ledger)
    about = {name: settled[name] for name in ("AC-03", "AC-05", "AC-07", "JC-06")}
    assert set(about.values()) == {"not testable without the raw data"}, about
