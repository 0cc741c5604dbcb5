"""The oxygen sublattice as a network of hops, against lattices and thresholds that are known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from nbtools.cathodoluminescence.model_vacancies import (
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
