"""Over many seeds: the σ map covers the smoothed truth in the core, and J_c of a plate is not biased."""

import numpy as np
import pytest
from plate_worlds import CURRENT, coverage, plate_current


@pytest.mark.seeds
def test_the_map_of_sigma_covers_the_core() -> None:
    """68 % of the core's pixels within one σ: 60–76 % on the mean of 20 seeds; rim and d-lines are only printed."""
    found = [coverage(seed) for seed in range(20)]
    means = {name: np.mean([one[name] for one in found]) for name in found[0]}
    print({name: f"{100 * share:.0f} %" for name, share in means.items()})
    assert 0.60 < means["core"] < 0.76


@pytest.mark.seeds
def test_j_c_of_a_plate_is_not_biased() -> None:
    """Within 3 % of what was planted, and the stated σ is as large as the error (it holds a systematic part)."""
    found = [plate_current(seed)["critical_current"] for seed in range(20)]
    ratios = np.array([float(one) for one in found]) / CURRENT - 1
    assert abs(ratios.mean()) < 0.03
    assert np.std(ratios) < 2 * np.median([one.uncertainty for one in found]) / CURRENT
