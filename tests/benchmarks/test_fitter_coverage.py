"""200 seeds of a fitted decay: how often covariance and profile intervals cover the truth, printed."""

import sys
from pathlib import Path

import pytest
from seeds import pulls_over_seeds

sys.path.append(str(Path(__file__).parent.parent / "widgets"))
from test_fit_report import TRUTH, interval


@pytest.mark.parametrize("kind", ["covariance", "profile"])
def test_coverage(kind: str) -> None:
    """The 68 % interval covers the truth in 68 % of 200 fits, by the binomial rule; the figure is printed."""
    pulls = pulls_over_seeds(lambda seed: interval(seed, kind), TRUTH, seeds=200)
    for name, found in pulls.items():
        print(f"{kind} interval of {name}: {found}")
    assert all(found.p_value > 1e-3 for found in pulls.values())
