"""Boundaries: planted steps, films and overlaps come back, straight ones stay straight."""

import numpy as np
import pytest
import stem_worlds as worlds
from scipy.stats import binomtest

from nbtools.analysis import stem
from nbtools.analysis.stairs import best_cuts

SPACING = 2.129e-10


def test_planted_stairs():
    """Count, heights in planes and places of one boundary with little noise."""
    line, planes = worlds.stairs(np.random.default_rng(0), count=3, noise=0.02e-9)
    found = stem.find_steps(line, spacing=SPACING)
    assert found.count == 3
    assert np.allclose(found.in_spacings, planes, atol=0.1)
    assert found.is_multiple
    assert "planes" in str(found)


@pytest.mark.parametrize("slope", [0.0, 0.05, -0.3])
def test_a_straight_line_has_no_step(slope):
    """However it is inclined."""
    x = np.arange(0, 20e-9, 0.1e-9)
    noise = 0.03e-9 * np.random.default_rng(1).standard_normal(len(x))
    assert stem.find_steps(x, slope * x + noise).count == 0


def test_terraces_on_a_slope():
    """A common tilt is taken out of the heights."""
    line, planes = worlds.stairs(np.random.default_rng(2), count=2, noise=0.02e-9)
    line[:, 1] += 0.03 * line[:, 0]
    found = stem.find_steps(line, spacing=SPACING)
    assert np.allclose(found.in_spacings, planes, atol=0.3)
    assert found.tilt == pytest.approx(0.03, abs=0.01)


def test_three_ways_to_give_a_line():
    """Heights, pairs in rows, places and heights; holes are left out."""
    line, _ = worlds.stairs(np.random.default_rng(3), count=2, noise=0.02e-9, smallest=2)
    line[10, 1] = np.nan
    counts = {stem.find_steps(*given).count for given in ((line,), (line[:, 1],), (line[:, 0], line[:, 1]))}
    assert counts == {2}


def test_the_price_of_a_step():
    """More steps when they are cheap, none when they are dear; no new fit is made."""
    line, _ = worlds.stairs(np.random.default_rng(4), count=3, noise=0.02e-9)
    found = stem.find_steps(line)
    assert found.priced(0.0).count >= found.count >= found.priced(1e3).count == 0


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (np.zeros((5, 5, 5)), "heights"),
        (np.zeros((9, 3)), "heights"),
        (np.zeros(3), "at least 8"),
        (np.full(50, np.nan), "at least 8"),
    ],
)
def test_what_is_no_line_is_refused(line, says):
    """With what was expected."""
    with pytest.raises(ValueError, match=says):
        stem.find_steps(line)


@pytest.mark.seeds
@pytest.mark.parametrize("noise", [0.02e-9, 0.05e-9])
def test_many_stairs(noise):
    """Over 40 seeds the claimed rates are not refuted: count in 90 %, no step in a straight line in 95 %."""
    right = straight = 0
    for seed in range(40):
        rng = np.random.default_rng([seed, 5])
        count = int(rng.integers(1, 5))
        line, planes = worlds.stairs(rng, count=count, noise=noise)
        found = stem.find_steps(line, spacing=SPACING)
        right += found.count == count
        level, _ = worlds.stairs(rng, count=0, noise=noise)
        straight += stem.find_steps(level).count == 0
        if found.count == count and noise < 0.03e-9:
            assert np.allclose(found.in_spacings, planes, atol=0.12)
    assert binomtest(right, 40, 0.9, alternative="less").pvalue > 0.001, f"{right} of 40"
    assert binomtest(straight, 40, 0.95, alternative="less").pvalue > 0.001, f"{straight} of 40"


# ---- the layer between


def layer(seed, **planted):
    rng = np.random.default_rng([seed, 6])
    image = worlds.two_phases(rng, worlds.random_zones(rng), rng.uniform(0, 2 * np.pi, 2), **planted)
    return stem.bound_disordered_width(image, worlds.PIXEL)


def test_the_planted_width():
    """A film of 1 nm within 3 σ, its limits on either side."""
    found = layer(0, gap=1e-9)
    assert abs(found.width - 1e-9) < 3 * found.width.uncertainty
    assert 0 < found.lower_limit_95 < found.width < found.upper_limit_95
    assert found.disordered


def test_an_overlap_is_no_gap():
    """1 nm of overlap in projection widens both falls and leaves the gap at zero."""
    found = layer(1, overlap=1e-9)
    assert found.bounded and found.upper_limit_95 < 0.4e-9
    assert found.overlap == pytest.approx(1e-9, abs=0.25e-9)


def test_a_large_overlap_cannot_be_bounded():
    """Of 2 nm: infinite limit, and the reason."""
    found = layer(2, overlap=2e-9)
    assert not found.bounded and found.upper_limit_95 == np.inf
    assert "over 1 nm" in found.reason and "cannot be bounded" in str(found)


@pytest.mark.seeds
def test_many_layers():
    """Over 12 seeds, overlaps of 0, 0.5 and 1 nm in turn: films found, clean ones below 0.4 nm, as 95 % allows."""
    overlaps = [(0.0, 0.5e-9, 1e-9)[seed % 3] for seed in range(12)]
    films = sum(layer(seed, gap=1e-9, overlap=overlap).disordered for seed, overlap in enumerate(overlaps))
    clean = sum(layer(seed, overlap=o).upper_limit_95 < 0.4e-9 for seed, o in enumerate(overlaps))
    for count in (films, clean):
        assert binomtest(count, 12, 0.95, alternative="less").pvalue > 0.001, f"{films}, {clean} of 12"


def test_two_windows_are_needed():
    """Of grains that face each other."""
    image = np.random.default_rng(0).normal(size=(64, 64))
    with pytest.raises(ValueError, match="two sides"):
        stem.find_boundary(image, 2e-11, windows=[np.ones((64, 64), bool)])


def test_noise_has_no_grains():
    """A sentence, not a boundary."""
    with pytest.raises(ValueError, match="windows by hand"):
        stem.find_boundary(np.random.default_rng(0).normal(size=(256, 256)), 2e-11)


@pytest.mark.parametrize("seed", range(10))
def test_a_step_where_nothing_tells_its_place(seed):
    """Places without a column between two terraces: of the equal cuts the first, whatever the last bits are."""
    rng = np.random.default_rng(seed)
    costs = np.zeros((30, 2))
    costs[:12, 1], costs[18:, 0] = 3.7, 3.7
    costs *= 1 + 4e-16 * rng.integers(-2, 3, costs.shape)
    sums = np.cumsum(np.pad(costs, ((1, 0), (0, 0))), axis=0)
    cost = np.min(sums[None, 1:] - sums[:-1, None], axis=2)
    cost[np.arange(30)[None] < np.arange(30)[:, None]] = np.inf
    assert [cut.tolist() for cut in best_cuts(cost, 1, scale=1.0)] == [[], [12]]
