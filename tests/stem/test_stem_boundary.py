"""Grains and boundaries: one crystal is one grain; planted films and overlaps come back."""

import numpy as np
import pytest
import stem_worlds as worlds
from scipy.signal import fftconvolve
from scipy.stats import binomtest, norm

from nbtools import stem
from nbtools.results import NotPossible
from nbtools.stem.boundary import DrawnBoundaries, _beyond_window
from nbtools.stem.terraces import best_cuts
from nbtools.units import Quantity

# ---- the layer between


def test_the_planted_width():
    """A film of 1 nm within 3 σ, its limits on either side."""
    found = worlds.layer(0, gap=1e-9)
    assert abs(found.width - 1e-9) < 3 * found.width.uncertainty
    assert 0 < found.lower_limit_95 < found.width < found.upper_limit_95
    assert found.disordered


def test_an_overlap_is_no_gap():
    """1 nm of overlap in projection widens both falls and leaves the gap at zero."""
    found = worlds.layer(1, overlap=1e-9)
    assert found.bounded and found.upper_limit_95 < 0.4e-9
    assert found.overlap == pytest.approx(1e-9, abs=0.25e-9)


def test_a_large_overlap_cannot_be_bounded():
    """Of 2 nm: infinite limit, and the reason."""
    found = worlds.layer(2, overlap=2e-9)
    assert not found.bounded and found.upper_limit_95 == np.inf
    assert "over 1 nm" in found.reason and "cannot be bounded" in str(found)


@pytest.mark.seeds
def test_many_layers():
    """Over 6 seeds, overlaps of 0, 0.5 and 1 nm in turn: films found, clean ones below 0.4 nm, as 95 % allows."""
    overlaps = [(0.0, 0.5e-9, 1e-9)[seed % 3] for seed in range(6)]
    films = sum(
        worlds.layer(seed, gap=1e-9, overlap=overlap).disordered for seed, overlap in enumerate(overlaps)
    )
    clean = sum(worlds.layer(seed, overlap=o).upper_limit_95 < 0.4e-9 for seed, o in enumerate(overlaps))
    for count in (films, clean):
        assert binomtest(count, 6, 0.95, alternative="less").pvalue > 0.001, f"{films}, {clean} of 6"


def test_noise_has_no_grains():
    """A sentence, not a grain."""
    with pytest.raises(NotPossible, match="higher resolution or dose"):
        stem.find_grains(np.random.default_rng(0).normal(size=(256, 256)), 2e-11)


@pytest.mark.parametrize("dark", [False, True])
def test_one_crystal_is_one_grain(dark):
    """However its thickness varies, and whether its columns are bright or dark."""
    for seed in range(4):
        rng = np.random.default_rng([seed, 31])
        zone = worlds.random_zones(rng)[seed % 2]
        crystal = list(worlds.CRYSTALS.values())[seed % 2]
        places, weights = worlds.projected(crystal, zone, rng.uniform(0, 6), 8e-9)
        wedge = 1 + 0.8 * places[:, 0] / 8e-9
        image = worlds.drawn(places, weights * wedge, 400)
        image = 2 - image / image.max() if dark else 0.2 + image / image.mean()
        assert len(stem.find_grains(rng.poisson(60 * image).astype(float), worlds.PIXEL)) == 1


def test_two_crystals_are_two_grains():
    """Of pairs of random zones."""
    for seed in range(4):
        rng = np.random.default_rng([seed, 32])
        image = worlds.two_phases(rng, worlds.random_zones(rng), rng.uniform(0, 2 * np.pi, 2))
        assert len(stem.find_grains(image, worlds.PIXEL)) == 2


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


# ---- widths of falls


@pytest.mark.parametrize("ramp", [0.2, 0.5, 1.0, 1.5])
def test_a_ramp_seen_through_a_window(ramp):
    """Quartiles of a ramp that is convolved numerically with a Gaussian window give back the ramp's variance."""
    window = 0.3
    x = np.linspace(-6, 6, 60001)
    share = np.clip(0.5 + x / ramp, 0, 1)
    kernel = np.exp(-0.5 * (x / window) ** 2)
    seen = fftconvolve(np.gradient(share), kernel / kernel.sum(), mode="same").cumsum()
    low, high = np.interp([0.25, 0.75], seen, x)
    assert _beyond_window(high - low, window) == pytest.approx(ramp**2 / 12, rel=0.02, abs=2e-4)


def test_a_fall_that_is_steeper_than_its_window():
    """A Gaussian fall of 0.2 through a window that should give 0.3: the variance that lacks."""
    assert _beyond_window(2 * norm.ppf(0.75) * 0.2, 0.3) == pytest.approx(0.04 - 0.09)
    assert _beyond_window(2 * norm.ppf(0.75) * 0.3, 0.3) == pytest.approx(0.0, abs=1e-4)


def test_fading_is_the_mean_of_both_falls_beyond_sharp_ones():
    """The fall that scatters less in the draws weighs more; how far both disagree is in σ; NaN counts for nothing."""
    draws = np.random.default_rng(0).normal([0.01, 0.03], [0.001, 0.1], (4000, 2))
    sharp = DrawnBoundaries(np.zeros(4000), np.zeros(4000), draws)
    first = sharp.fading((Quantity(0.06, 0.0), Quantity(0.03, 0.0)))
    assert first == pytest.approx(0.05, abs=2e-3) and first.uncertainty < 0.005
    even = DrawnBoundaries(
        np.zeros(4000), np.zeros(4000), np.random.default_rng(1).normal(0, 0.001, (4000, 2))
    )
    apart = even.fading((Quantity(0.08, 0.0), Quantity(0.02, 0.0)))
    assert apart == pytest.approx(0.05, abs=1e-3) and apart.uncertainty == pytest.approx(0.03, rel=0.05)
    wide = even.fading((Quantity(0.05, 0.03), Quantity(0.05, 0.04)))
    assert wide == pytest.approx(0.05, abs=1e-3) and wide.uncertainty == pytest.approx(0.025, rel=0.03)
    one = even.fading((Quantity(0.08, 0.02), Quantity(np.nan, np.nan)))
    assert one == pytest.approx(0.08, abs=1e-3) and one.uncertainty == pytest.approx(0.02, rel=0.05)
    assert np.isnan(even.fading((Quantity(np.nan, np.nan), Quantity(np.nan, np.nan))))


@pytest.mark.seeds
def test_edge_on_boundaries_do_not_overlap():
    """Over 8 seeds the fading of straight, edge-on boundaries is zero within its σ, which is a 68 % one."""
    found = [worlds.layer(seed) for seed in range(20, 28)]
    pulls = np.array([one.fading / one.fading.uncertainty for one in found])
    within = int(np.sum(np.abs(pulls) < 1))
    assert binomtest(within, 8, 0.68).pvalue > 0.001, pulls
    assert np.median([float(one.overlap) for one in found]) < 0.2e-9
