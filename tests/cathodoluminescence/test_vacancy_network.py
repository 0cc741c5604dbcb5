"""The oxygen sublattice as a network of hops, against lattices and thresholds that are known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm

from nbtools.cathodoluminescence import model_vacancies
from nbtools.cathodoluminescence.model_vacancies import (
    LATTICE_CONSTANT,
    Threshold,
    VacancyNetwork,
    density_of_mean_distance,
    oxygen_shells,
    oxygen_site_density,
    percolation_threshold,
)

# Site thresholds of the face-centred cubic lattice with neighbours up to shell 1, 2, 3, 4.
SHELLS = {0.30e-9: 0.1992, 0.43e-9: 0.1361, 0.52e-9: 0.0615, 0.60e-9: 0.0500}


def test_the_oxygen_sublattice():
    """5.353e22 sites per cm³; shells at a√(n/2) with 12, 6, 24, 12 sites."""
    assert oxygen_site_density() == pytest.approx(5.352971e28, rel=1e-6)
    distances, sites = oxygen_shells(0.6e-9)
    assert_allclose(1e9 * distances, [0.297833, 0.421200, 0.515863, 0.595667], atol=1e-6)
    assert list(sites) == [12, 6, 24, 12]


def test_points_at_random():
    """A mean distance of 0.6 nm is a density of its own."""
    assert density_of_mean_distance(0.6e-9) == pytest.approx(7.870e26, rel=1e-3)


@pytest.mark.parametrize(("hop", "known"), SHELLS.items())
def test_thresholds_of_the_lattice(hop, known):
    """Within 4 σ and 4 %: what a period of 14 cells still moves."""
    found = percolation_threshold(hop, cells=14, samples=24, rng=np.random.default_rng(1))
    assert abs(found.share - known) < 4 * found.uncertainty + 0.04 * known
    assert found.uncertainty < 0.03 * known


def test_a_thin_rim_needs_more():
    """A sheet percolates later than the bulk, the thinner the later."""
    shares = [
        percolation_threshold(0.6e-9, cells=10, samples=6, rim=rim, rng=np.random.default_rng(2)).share
        for rim in (0.4e-9, 1e-9, 3e-9)
    ]
    assert shares[0] > shares[1] > shares[2] > SHELLS[0.60e-9]


def test_the_same_seed_gives_the_same():
    """No hidden randomness."""
    one, two = (
        percolation_threshold(0.6e-9, cells=6, samples=3, rng=np.random.default_rng(3)) for _ in range(2)
    )
    assert one == two


def test_a_hop_across_the_crystal_is_refused():
    """Its images would reach each other; and a sphere of 6 nm holds a thousands of sites."""
    with pytest.raises(ValueError, match=r"hop of 6 nm .* 14 cells allows up to 1\.47 nm"):
        percolation_threshold(6e-9, cells=14, samples=2, rng=np.random.default_rng(1))


def test_the_threshold_is_where_the_universal_share_of_samples_wraps(monkeypatch):
    """0.2578 of Gaussian thresholds lie below it; σ is that of mean and spread together. In a rim it is the mean."""
    asked = []

    def sample(offsets, period, layers, periodic, rng):
        asked.append((len(offsets), period, layers, periodic))
        return [0.10, 0.12, 0.14][len(asked) % 3]

    monkeypatch.setattr(model_vacancies, "_sample_threshold", sample)
    rng = np.random.default_rng(0)
    found = percolation_threshold(0.43e-9, cells=6, samples=3, rng=rng)
    below = norm.ppf(0.2578)
    assert (found.share, found.spread) == (pytest.approx(0.12 + 0.02 * below), pytest.approx(0.02))
    assert found.uncertainty == pytest.approx(0.02 * np.sqrt((1 + below**2 / 2) / 3))
    for rim, layers in ((1e-9, 5), (1.2e-9, 6), (0.01e-9, 1)):
        found = percolation_threshold(0.43e-9, cells=6, samples=3, rim=rim, rng=rng)
        assert (found.share, found.uncertainty) == (pytest.approx(0.12), pytest.approx(0.02 / np.sqrt(3)))
        assert asked[-1] == (18, 12, layers, False)
    assert asked[0] == (18, 12, 12, True) and found.samples == 3
    assert found.density() == pytest.approx(0.12 * oxygen_site_density())
    assert str(Threshold(0.05, 0.001, 0.01, 9)) == "5.00 ± 0.10 % of the oxygen sites"


def network(sites, size, hop, periodic=True):
    """Whether vacancies at these sites (half lattice constants) wrap around along the first axis."""
    sites = np.array(sites)
    rank = np.full(np.prod(size), -1)
    rank[np.ravel_multi_index(sites.T, size)] = np.arange(len(sites))
    offsets = model_vacancies._offsets(hop, LATTICE_CONSTANT)
    return model_vacancies._wraps(sites, rank, offsets, size, periodic)


def test_a_row_of_vacancies_wraps_and_a_gap_cuts_it():
    """Along the first axis, by hops of one lattice constant; a row along another axis does not."""
    row = [(x, 0, 0) for x in range(0, 8, 2)]
    assert network(row, (8, 8, 8), 0.43e-9)
    assert not network(row, (8, 8, 8), 0.30e-9)
    assert not network(row[:-1], (8, 8, 8), 0.43e-9)
    assert not network([(0, x, 0) for x in range(0, 8, 2)], (8, 8, 8), 0.43e-9)
    # Round the third axis and back is no period along the first; through it, only where it is periodic.
    zigzag = [(0, 0, 0), (1, 0, 7), (2, 0, 0), (3, 0, 7), (4, 0, 0), (5, 0, 7), (6, 0, 0), (7, 0, 7)]
    assert network(zigzag, (8, 8, 8), 0.30e-9) and not network(zigzag, (8, 8, 8), 0.30e-9, periodic=False)
    # A helix that closes only after two turns of the second axis has a period along the first all the same.
    helix = [(x, x % 8, 0) for x in range(8)]
    assert network(helix, (8, 8, 8), 0.30e-9)


@pytest.mark.parametrize("periodic", [True, False])
def test_a_sample_s_threshold_is_the_first_that_wraps(periodic):
    """Bisection finds what emptying the sites one by one in the same order finds."""
    offsets, period, layers = model_vacancies._offsets(0.30e-9, LATTICE_CONSTANT), 6, 6
    found = model_vacancies._sample_threshold(offsets, period, layers, periodic, np.random.default_rng(5))
    sites = np.array([s for s in np.ndindex(period, period, layers) if sum(s) % 2 == 0])
    sites = sites[np.random.default_rng(5).permutation(len(sites))]
    first = next(
        n for n in range(1, len(sites) + 1) if network(sites[:n], (period, period, layers), 0.30e-9, periodic)
    )
    assert found == first / len(sites)


def test_the_table_of_a_network():
    """Percent of the oxygen sites and per cm³; what a mean distance of a hop would be."""
    rim = Threshold(0.08, 0.002, 0.01, 12)
    found = VacancyNetwork(0.6e-9, Threshold(0.05, 0.001, 0.01, 24), {2e-9: rim})
    share, density, thin = found.rows()
    assert (share.label, share.how, share.shown) == (
        "vacant oxygen sites, everywhere",
        "hops of up to 0.6 nm wrap around, 24 samples",
        "%",
    )
    assert (float(share.quantity), share.quantity.uncertainty) == (0.05, 0.001)
    assert float(density.quantity) == pytest.approx(0.05 * 5.352971e28, rel=1e-6)
    assert density.quantity.uncertainty == pytest.approx(0.001 * 5.352971e28, rel=1e-6)
    assert (density.quantity.unit, density.shown) == ("m^-3", "cm^-3")
    assert (thin.label, float(thin.quantity), thin.quantity.uncertainty) == ("in a rim of 2 nm", 0.08, 0.002)
    assert found.notes() == [
        "shells of oxygen neighbours: 0.298 nm (12), 0.421 nm (6), 0.516 nm (24), 0.596 nm (12)",
        "a mean distance of 0.6 nm to the nearest vacancy is 7.9e+20 per cm³",
        "these numbers are the model's; no data enter",
    ]
