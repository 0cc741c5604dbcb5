"""Luminescence twins planted off the paper: the estimates move, the verdicts about nature do not."""

import pytest
from planted_runs import hold_verdicts, run_planted

from nbtools.cathodoluminescence.twin import truth

pytestmark = pytest.mark.notebook

# Every band 10 % redder: 20 % would push the red one off the detector.
SHIFTED = {
    "ultraviolet": 3.19,
    "violet": 2.53,
    "green": 2.23,
    "red": 1.62,
    "beam_energy": 6e3,
    "dark_share": 0.32,
}


@pytest.mark.parametrize(
    "planted",
    [
        pytest.param(SHIFTED, id="redder"),
        pytest.param({"world": "uniform"}, id="uniform", marks=pytest.mark.nightly),
    ],
)
def test_no_verdict_blames_or_praises_the_paper(tmp_path, monkeypatch, planted):
    """Bands shifted, or nothing planted at all: every needs-data verdict stays open, all others stay as stored."""
    ledger = run_planted("06_cathodoluminescence", "cl-twin", tmp_path, monkeypatch, **planted)
    expected = truth(**planted)["ultraviolet_energy"]
    found = [
        entry.value
        for name, entry in ledger.results.items()
        if name.startswith("B_") and name.endswith("energy")
    ]
    assert max(found) == pytest.approx(expected, rel=0.01)
    hold_verdicts(ledger, at_least=8)
