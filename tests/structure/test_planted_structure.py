"""Structure planted 20 % off the paper: the estimates move, the verdicts about nature do not."""

import pytest
from planted_runs import hold_verdicts, run_planted

from nbtools.structure.twin_fib_sem import FibSemWorld

pytestmark = pytest.mark.notebook


@pytest.mark.parametrize("factor", [pytest.param(0.8, marks=pytest.mark.nightly), 1.2])
def test_no_verdict_blames_or_praises_the_paper(tmp_path, monkeypatch, factor):
    """Filling and codimension 20 % off: every needs-data verdict stays open, and what print decides stays."""
    default = FibSemWorld()
    planted = {
        "fraction": factor * default.fraction,
        "section_dimension": 2 - factor * default.codimension,
    }
    ledger = run_planted("01_structure", "fib-sem-twin", tmp_path, monkeypatch, **planted)
    share = ledger.results["section_share"].value
    assert abs(share / 0.265 - factor) < abs(share / 0.265 - (2 - factor))
    hold_verdicts(ledger, at_least=7)
