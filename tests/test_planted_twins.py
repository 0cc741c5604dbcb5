"""Transport twins planted 20 % off the paper: the estimates move, the verdicts about nature do not."""

import pytest
from planted_runs import hold_verdicts, run_planted

from nbtools.transport.twin import TransportWorld

pytestmark = pytest.mark.notebook

SHIFTED = (
    "transition_midpoint",
    "magnetic_critical_temperature",
    "lower_critical_field",
    "upper_critical_field",
    "resistivity_at_100_kelvin",
    "residual_resistivity",
)


@pytest.mark.parametrize("factor", [pytest.param(0.8, marks=pytest.mark.nightly), 1.2])
def test_no_verdict_blames_or_praises_the_paper(tmp_path, monkeypatch, factor):
    """All numbers 20 % off: every needs-data verdict stays open, and what the paper's own numbers decide stays."""
    planted = {name: factor * getattr(TransportWorld(), name) for name in SHIFTED}
    ledger = run_planted("03_transport", "transport-twin", tmp_path, monkeypatch, **planted)
    assert ledger.results["resistive_onset"].value == pytest.approx(factor * 38.4, rel=0.01)
    hold_verdicts(ledger, at_least=8)
