"""Demagnetisation factors and shielded bodies against closed forms, limits and published values."""

import time

import numpy as np
import pytest
from scipy.special import gamma

from nbtools.physics.demagnetisation import (
    aharoni_factor,
    cylinder_susceptibility,
    prozorov_kogan_factor,
    shielded_prism_susceptibility,
    spheroid_factor,
    susceptibility_from_factor,
)

BAR, PLATE, CUBE = (1, 1, 5), (4.1, 4.8, 0.5), (1, 1, 1)


@pytest.mark.parametrize(
    ("call", "published"),
    [
        (lambda: aharoni_factor(*CUBE), 1 / 3),
        (lambda: aharoni_factor(*BAR), 0.088315738),
        (lambda: aharoni_factor(*PLATE), 0.788122),
        (lambda: prozorov_kogan_factor(*BAR), 0.117647059),
        (lambda: prozorov_kogan_factor(*PLATE), 0.855001630),
        (lambda: cylinder_susceptibility(5), -1.119697),
        (lambda: spheroid_factor(5), 0.055821),
        (lambda: spheroid_factor(1), 1 / 3),
    ],
)
def test_published_values(call, published):
    """Each closed form gives the printed value to its last digit."""
    assert call() == pytest.approx(published, rel=1e-5)


@pytest.mark.parametrize("edges", [BAR, PLATE, (1, 2, 3), (0.01, 1, 50)])
def test_the_three_factors_of_a_prism_sum_to_one(edges):
    """N along a, b and c of a uniformly magnetised prism add up to 1."""
    a, b, c = edges
    assert aharoni_factor(a, b, c) + aharoni_factor(b, c, a) + aharoni_factor(c, a, b) == pytest.approx(1)


@pytest.mark.parametrize("aspect", [1.01, 2.0, 5.0, 30.0])
def test_prolate_and_oblate_spheroids_follow_osborn(aspect):
    """Carlson's integral agrees with the two elementary forms of Osborn's paper."""
    m, root = aspect, np.sqrt(aspect**2 - 1)
    prolate = (m / root * np.log(m + root) - 1) / root**2
    oblate = m**2 / root**2 * (1 - np.arcsin(root / m) / root)
    assert spheroid_factor(aspect) == pytest.approx(prolate, rel=1e-9)
    assert spheroid_factor(1 / aspect) == pytest.approx(oblate, rel=1e-9)


@pytest.mark.parametrize(("edges", "published"), [(CUBE, -1.63842), (BAR, -1.14013), (PLATE, -5.6703)])
def test_shielded_prisms_match_an_independent_boundary_solve(edges, published):
    """The double layer agrees within 0.1 % with a single-layer solve, whose own error is 0.2 %."""
    assert shielded_prism_susceptibility(*edges) == pytest.approx(published, rel=1e-3)


def test_a_long_square_bar_across_the_field_is_the_square_in_a_plane():
    """The 2-D limit is exact: −Γ(1/4)⁴/8π², the polarisability of a square by Keller's theorem."""
    exact = -(gamma(0.25) ** 4) / (8 * np.pi**2)
    assert shielded_prism_susceptibility(3000, 1, 1) == pytest.approx(exact, rel=3e-4)


def test_a_needle_along_the_field_needs_no_shape_correction():
    """χ0 of a prism a thousand times longer than wide is −1 within a part in a thousand."""
    assert shielded_prism_susceptibility(1, 1, 1000) == pytest.approx(-1, abs=1e-3)


def test_a_shielded_prism_does_not_depend_on_the_order_of_its_cross_section():
    """Exchanging the two edges across the field changes nothing."""
    assert shielded_prism_susceptibility(1, 2, 3) == pytest.approx(shielded_prism_susceptibility(2, 1, 3))


@pytest.mark.parametrize("edges", [CUBE, BAR, PLATE])
def test_more_panels_move_little(edges):
    """From the default to (16, 20) panels no shape moves by more than one part in ten thousand."""
    fine = shielded_prism_susceptibility(*edges, panels=(16, 20))
    assert shielded_prism_susceptibility(*edges) == pytest.approx(fine, rel=1e-4)


def test_the_boundary_solve_is_quick():
    """Under half a second at the default panels: best of three."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        shielded_prism_susceptibility(*PLATE)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.5


def test_the_susceptibility_of_a_factor():
    """χ = −1/(1 − N): a long body has −1, a sphere −3/2, N = 0.9 has −10."""
    assert susceptibility_from_factor([0, 1 / 3, 0.9]) == pytest.approx([-1, -1.5, -10])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: aharoni_factor(1, -1, 1), "b is -1; it must be positive"),
        (lambda: prozorov_kogan_factor(1, 1, 0), "c is 0; it must be positive"),
        (lambda: spheroid_factor([1, np.nan]), "aspect is nan; it must be positive"),
        (lambda: cylinder_susceptibility(-2), "length_over_diameter is -2; it must be positive"),
        (lambda: susceptibility_from_factor(1.2), "factor is 1.2; it must be from 0 to 1"),
        (lambda: susceptibility_from_factor(1.0), "factor is 1; it must be from 0 to 1"),
        (lambda: shielded_prism_susceptibility(1, 1, 5, panels=(16, 12)), "two growing counts"),
        (lambda: shielded_prism_susceptibility(0, 1, 5), "a is 0; it must be positive"),
    ],
)
def test_impossible_input_is_refused(call, sentence):
    """The error names the argument, what came and what was expected."""
    with pytest.raises(ValueError, match=sentence):
        call()
