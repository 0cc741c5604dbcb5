"""Plates planted 20 % off: J_c moves with them, the verdicts about nature do not."""

import pytest
from planted_runs import hold_verdicts, run_planted

from nbtools.magneto_optics.twin import MagnetoOpticsWorld

pytestmark = pytest.mark.notebook


@pytest.mark.parametrize("factor", [pytest.param(0.8, marks=pytest.mark.nightly), 1.2])
def test_no_verdict_blames_or_praises_the_paper(tmp_path, monkeypatch, factor):
    """Needs-data verdicts stay open, and what the paper's own numbers decide stays."""
    currents = tuple(factor * one for one in MagnetoOpticsWorld().critical_currents)
    planted = {"critical_currents": currents}
    ledger = run_planted("04_magneto_optics", "magneto-optics-twin", tmp_path, monkeypatch, **planted)
    assert ledger.results["critical_current_33K"].value == pytest.approx(factor * 7.5e7, rel=0.08)
    hold_verdicts(ledger, at_least=4)
