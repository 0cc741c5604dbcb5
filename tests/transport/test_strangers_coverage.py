"""On a stranger's curves, at other densities and noises than the twins', no stated interval is refuted."""

import numpy as np
import pytest
from scipy.stats import binomtest
from seeds import ONE_SIGMA
from strangers_curves import KINDS, pulls


@pytest.mark.seeds
@pytest.mark.parametrize("size", [200, 2_000])
@pytest.mark.parametrize("noise", [0.001, 0.03])
@pytest.mark.parametrize("kind", KINDS)
def test_the_interval_of_a_strangers_curve_is_not_refuted(kind, noise, size):
    """Over 24 samples each 68 % interval covers its truth at a rate that 68 % allows (binomial, p > 0.001)."""
    for name, values in pulls(kind, noise, size, 24).items():
        known = values[np.isfinite(values)]
        assert len(known) >= 22, f"{name}: {len(values) - len(known)} of {len(values)} without an estimate"
        hits = int(np.sum(np.abs(known) < 1))
        assert binomtest(hits, len(known), ONE_SIGMA).pvalue > 0.001, f"{name}: {hits} of {len(known)}"
