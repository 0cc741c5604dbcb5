"""Laws of J_c(T) against printed values and limits; grains against London's series; normal metals beside them."""

import pytest
from scipy.constants import hbar, k, pi

from nbtools.physics.critical_current import reduced_critical_current
from nbtools.physics.granular import sphere_screening
from nbtools.physics.proximity import clean_normal_length, dirty_normal_length


@pytest.mark.parametrize(
    ("t", "value"), [(0.5, 0.726184), (0.8, 0.276615), (0.9, 0.111422), (0.95, 0.041992), (0.99, 0.003950)]
)
def test_equation_one(t, value):
    """Printed values of (1 − t²)^(3/2)(1 + t²)^(1/2)."""
    assert reduced_critical_current(t, "depairing") == pytest.approx(value, abs=6e-7)


def test_equation_one_near_the_end():
    """It becomes 4(1 − t)^(3/2)."""
    assert reduced_critical_current(1 - 1e-8, "depairing") == pytest.approx(4e-12, rel=1e-6)


def test_ends_of_all_laws():
    """One at zero temperature, zero from T_c up."""
    for law in ("power", "linear", "three-halves", "square", "depairing"):
        found = reduced_critical_current([0.0, 1.0, 1.2], law, exponent=5.68)
        assert found == pytest.approx([1.0, 0.0, 0.0], abs=1e-12)


def test_unknown_law():
    """Refused by name."""
    with pytest.raises(ValueError, match="can be 'power'"):
        reduced_critical_current(0.5, "cubic")


def test_london_spheres():
    """r²/15 when small, 1 − 3/r + 3/r² when large, and no step where the series is left."""
    assert sphere_screening(1e-3) == pytest.approx(1e-6 / 15, rel=1e-5)
    assert sphere_screening(200.0) == pytest.approx(1 - 3 / 200 + 3 / 200**2, rel=1e-9)
    assert sphere_screening(0.05 - 1e-9) == pytest.approx(float(sphere_screening(0.05)), rel=1e-4)
    assert sphere_screening(0.0) == 0.0


def test_how_far_pairs_reach_into_a_metal():
    """16 nm of a clean one at 37 K, 1.8 and 5.7 nm of dirty ones (physics notes); ξ_clean/ξ_dirty² = v/D."""
    clean, dirty = clean_normal_length(37.0, velocity=5e5), dirty_normal_length(37.0, diffusivity=1e-4)
    assert clean == pytest.approx(hbar * 5e5 / (2 * pi * k * 37.0)) and clean == pytest.approx(
        16e-9, abs=0.5e-9
    )
    assert dirty == pytest.approx(1.8e-9, abs=0.05e-9)
    assert dirty_normal_length(37.0, diffusivity=1e-3) == pytest.approx(5.7e-9, abs=0.05e-9)
    assert clean / dirty**2 == pytest.approx(5e5 / 1e-4)
