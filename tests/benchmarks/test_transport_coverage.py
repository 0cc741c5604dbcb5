"""Many seeds of each estimator: bias and coverage, printed."""

import pytest
from seeds import BENCH_SEEDS, pulls_over_seeds, room
from transport_worlds import WORLDS


@pytest.mark.parametrize("world", WORLDS)
def test_bias_and_coverage(world):
    """The mean error stays under 0.3 of the stated σ over 200 seeds; the coverage is printed."""
    estimate, truth = WORLDS[world]
    pulls = pulls_over_seeds(estimate, truth, seeds=BENCH_SEEDS)
    for name, found in pulls.items():
        print(f"{world}, {name}: {found}")
    assert all(abs(found.bias) < 0.3 + room() for found in pulls.values())
