"""200 seeds of phase fractions: bias and coverage of MgO and MgB2, how often the limit on Mg holds, printed."""

import numpy as np
import pytest
from powder_worlds import PLANTED, refined
from seeds import Pulls

SEEDS = 200
WORLDS = {
    "0.2 wt% Mg": {},
    "no Mg": {"fractions": {"MgO": 0.8, "MgB2": 0.2, "Mg": 0.0}},
    "cells and zero off": {"zero": 0.05, "strains": {"MgO": 0.001, "MgB2": -0.003}},
    "few counts, wide Lorentzians": {"peak": 2000, "background": 60, "lorentzian": 0.8, "width": 0.2},
}


@pytest.mark.parametrize("world", WORLDS)
def test_bias_and_coverage(world):
    """Mean error under 0.3 σ; the limit holds in 95 % of cases or more."""
    options = {"fractions": PLANTED} | WORLDS[world]
    fits = [refined(seed, **options) for seed in range(SEEDS)]
    for name in ("MgO", "MgB2"):
        weights = [fit.weight_fractions[name] for fit in fits]
        planted = options["fractions"][name]
        pulls = Pulls(np.array([(float(w) - planted) / w.uncertainty for w in weights]), 0)
        print(f"{world}, {name}: {pulls}")
        assert abs(pulls.bias) < 0.3
    right = np.mean([fit.upper_limits["Mg"] >= options["fractions"]["Mg"] for fit in fits])
    limit = np.median([100 * fit.upper_limits["Mg"] for fit in fits])
    print(f"{world}, Mg: limit right in {right:.1%}, median limit {limit:.2f} wt%")
    assert right >= 0.95
