"""200 seeds of each world: how often the verdict is right, against noise and against the size of the field."""

import numpy as np
import pytest
from seeds import BENCH_SEEDS

from nbtools.structure.fractal import FRACTAL, estimate_verdict_power


@pytest.mark.parametrize("noise", [np.inf, 3.0])
def test_the_verdict_is_right_as_often_as_it_says(noise):
    """Cascades scale-free in at least 95 % of seeds, all others in at most 5 %."""
    power = estimate_verdict_power(side=256, seeds=BENCH_SEEDS, contrast_to_noise=noise)
    print(f"\ncontrast to noise {noise:g}\n{power}")
    shares = {world: power.share(world, "scale-free") for world in power.verdicts}
    assert all(shares[world] >= 0.95 for world in FRACTAL)
    assert all(share <= 0.05 for world, share in shares.items() if world not in FRACTAL)


@pytest.mark.parametrize("side", [64, 128, 512])
def test_power_against_the_decades_in_view(side):
    """A smaller field holds fewer decades: it may say less, but not more than is so."""
    power = estimate_verdict_power(side=side, seeds=40)
    print(f"\n{power}")
    assert all(power.share(world, "scale-free") <= 0.1 for world in power.verdicts if world not in FRACTAL)
