"""STEM twins planted 20 % off: the estimates move, the verdicts about nature do not."""

import pytest
from planted_runs import hold_verdicts, run_planted

from nbtools.stem.twin import StemWorld

pytestmark = pytest.mark.notebook

SHIFTED = ("thickness", "dose", "bright_dose", "fraction", "spread", "film")


@pytest.mark.parametrize("factor", [pytest.param(0.8, marks=pytest.mark.nightly), 1.2])
def test_no_verdict_blames_or_praises_the_paper(tmp_path, monkeypatch, factor):
    """Dose, blur, thickness and area 20 % off: needs-data verdicts stay open, what print decides stays."""
    planted = {name: factor * getattr(StemWorld(), name) for name in SHIFTED}
    ledger = run_planted("02_stem_interfaces", "stem-twin", tmp_path, monkeypatch, **planted)
    assert ledger.results["boride_area"].value == pytest.approx(factor * 0.265, abs=0.02)
    hold_verdicts(ledger, at_least=6)
