"""Ac twins planted off the paper: the estimates move, the verdicts about nature do not."""

import pytest
from planted_runs import hold_verdicts, run_planted

from nbtools.ac_susceptibility.twin import AcSusceptibilityWorld

pytestmark = pytest.mark.notebook


@pytest.mark.parametrize("shift", [-0.3, pytest.param(0.3, marks=pytest.mark.nightly)])
def test_no_verdict_blames_or_praises_the_paper(tmp_path, monkeypatch, shift):
    """Currents at temperatures 0.3 K off (tenfold in J_c), loops 20 % off: verdicts about nature stay open."""
    default = AcSusceptibilityWorld()
    planted = {
        "half_screening": tuple(t + shift for t in default.half_screening),
        "falling_from": default.falling_from + shift,
        "falling_to": default.falling_to + shift,
        "zero_temperature_current": default.zero_temperature_current * (0.8 if shift < 0 else 1.2),
    }
    ledger = run_planted("05_ac_susceptibility", "ac-twin", tmp_path, monkeypatch, **planted)
    assert ledger.results["half_screening_1"].value == pytest.approx(36.9 + shift, abs=0.05)
    hold_verdicts(ledger, at_least=7)
