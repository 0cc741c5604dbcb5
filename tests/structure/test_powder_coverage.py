"""Over 24 seeds the stated intervals of the phase fractions are not refuted, and the limit on Mg holds."""

import numpy as np
import pytest
from powder_worlds import PLANTED, SHORT, refined
from scipy.stats import binomtest
from seeds import Pulls

SEEDS = 24


@pytest.fixture(scope="module")
def found():
    return [refined(seed, angles=SHORT) for seed in range(SEEDS)]


@pytest.mark.seeds
@pytest.mark.parametrize("name", ["MgO", "MgB2"])
def test_the_stated_interval_is_not_refuted(found, name):
    """MgO and MgB2: 68 % of the intervals hold the planted weight, as far as 24 can tell, with no bias."""
    weights = [fit.weight_fractions[name] for fit in found]
    pulls = Pulls(np.array([(float(w) - PLANTED[name]) / w.uncertainty for w in weights]), 0)
    assert pulls.p_value > 0.001, pulls
    assert abs(pulls.bias) < 3.3 / np.sqrt(SEEDS), pulls


@pytest.mark.seeds
def test_the_limit_holds(found):
    """0.2 wt% of Mg stays under its 95 % limit in no fewer cases than 95 % allow."""
    right = sum(fit.upper_limits["Mg"] >= PLANTED["Mg"] for fit in found)
    assert binomtest(right, SEEDS, 0.95, alternative="less").pvalue > 0.001, f"{right} of {SEEDS}"
