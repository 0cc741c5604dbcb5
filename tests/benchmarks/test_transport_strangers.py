"""200 seeds × 3 noises × 3 sizes of a stranger's curves: coverage and bias of every cell, printed as a table."""

import numpy as np
import pytest
from strangers_curves import KINDS, NOISES, SIZES, pulls

SEEDS = 200
# Of every cell, and of the mean over a quantity's nine cells.
CELL, MEAN = (0.57, 0.78), (0.65, 0.72)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_coverage_and_bias(kind):
    """Every cell covers 57–78 %, every quantity 65–72 % in the mean, and no bias reaches 0.3 σ."""
    beyond, means = [], {}
    for noise in NOISES:
        for size in SIZES:
            for name, values in pulls(kind, noise, size, SEEDS).items():
                known = values[np.isfinite(values)]
                covered, bias = float(np.mean(np.abs(known) < 1)), float(np.mean(known))
                means.setdefault(name, []).append(covered)
                print(
                    f"{name:9s} noise {noise:5.3f}, {size:6d} points: coverage {covered:.0%}, bias {bias:+.2f} σ, "
                    f"worst {np.max(np.abs(known)):.1f} σ, {len(values) - len(known)} without",
                    flush=True,
                )
                if not CELL[0] <= covered <= CELL[1] or abs(bias) >= 0.3:
                    beyond.append(f"{name}, noise {noise}, {size} points: {covered:.0%}, {bias:+.2f} σ")
    for name, covered in means.items():
        print(f"{name:9s} mean coverage {np.mean(covered):.1%}")
        if not MEAN[0] <= np.mean(covered) <= MEAN[1]:
            beyond.append(f"{name}: mean {np.mean(covered):.1%}")
    assert not beyond, "\n".join(beyond)
