"""Over 24 seeds no estimator's 68 % interval is refuted (binomial test, p < 0.001)."""

import pytest
from seeds import pulls_over_seeds
from transport_worlds import WORLDS


@pytest.mark.seeds
@pytest.mark.parametrize("world", WORLDS)
def test_the_stated_interval_is_not_refuted(world):
    """Each quantity's interval covers its planted value at a rate that 68 % allows."""
    estimate, truth = WORLDS[world]
    for name, pulls in pulls_over_seeds(estimate, truth, seeds=24).items():
        assert pulls.missing == 0, f"{name}: {pulls}"
        assert pulls.p_value > 0.001, f"{name}: {pulls}"
