"""The local fit finds crossings at the rate and size its uncertainty claims."""

import numpy as np
import pytest

from nbtools.statistics.crossing import (
    LocalFit,
    _between_points,
    _Curve,
    _to_level,
    crossing_and_fit,
    find_crossing,
    fit_locally,
    rough_crossing,
)
from nbtools.statistics.noise import noise_of


def test_a_cubic_is_recovered_exactly():
    """A curve that is a cubic is fitted to rounding, value and slope."""
    x = np.linspace(-1, 2, 40)
    fit = fit_locally(x, 1 + 2 * x - x**2 + 0.5 * x**3, sigma=1e-3, place=0.0)
    assert fit.coefficients == pytest.approx([1, 2, -1, 0.5], abs=1e-9)
    assert fit.inflection == pytest.approx(2 / 3)


def test_moving_the_expansion_changes_no_value():
    """The same cubic about another place has that place's value and slope."""
    x = np.linspace(0, 1, 20)
    moved = fit_locally(x, x**3, sigma=1e-3, place=0.2).moved_to(0.5)
    assert (moved.value, moved.slope) == pytest.approx((0.125, 0.75), abs=1e-9)


@pytest.mark.parametrize("slope", [-3.0, 0.4])
def test_a_line_crosses_where_it_should(slope):
    """A straight line crosses a level where arithmetic says."""
    x = np.linspace(0, 10, 50)
    assert find_crossing(x, slope * (x - 4.321), 0.0, sigma=1e-6, start=5.0) == pytest.approx(4.321)


def test_no_crossing_is_nan():
    """A level that the curve never reaches gives NaN, not the edge of the data."""
    x = np.linspace(0, 1, 30)
    assert np.isnan(find_crossing(x, 0 * x, 1.0, sigma=1e-3, start=0.5))


def test_noise_is_not_fooled_by_a_step():
    """The scatter of white noise is found within 15 % although the curve has a step of 1000 σ."""
    rng = np.random.default_rng(5)
    x = np.sort(rng.uniform(0, 10, 400))
    found = noise_of(x, 1000.0 * (x > 5) + rng.normal(size=400))
    assert found == pytest.approx(1, rel=0.15)


def test_the_error_of_a_crossing_is_that_of_the_fit():
    """σ of the value over the slope, with the slope's own error to second order, of the cubic in that window."""
    x = np.linspace(0, 1, 41)
    y = (x - 0.37) + 0.8 * (x - 0.37) ** 2 + 2 * (x - 0.37) ** 3
    found, local = crossing_and_fit(x, y, 0.0, sigma=0.1, start=0.3)
    inside = np.abs(x - local.place) <= local.reach
    design = np.vander(x[inside] - local.place, 4, increasing=True) / 0.1
    covariance = np.linalg.inv(design.T @ design) * max(1.0, 4 / (4 + inside.sum() - 4))
    assert found == pytest.approx(0.37, abs=1e-9) and local.points == inside.sum()
    assert local.covariance == pytest.approx(covariance, rel=1e-6)
    expected = np.sqrt(covariance[0, 0] * (1 + 2 * covariance[1, 1] / local.slope**2)) / local.slope
    assert found.uncertainty == pytest.approx(expected, rel=1e-6)


def test_between_two_points_the_line_decides():
    """A kink that no cubic follows: on the line between the neighbours, with the σ of a uniform distribution."""
    x = np.arange(12.0)
    y = np.where(x < 5.5, -1.0, 3.0)
    found = find_crossing(x, y, 0.0, sigma=1e-6)
    assert found == pytest.approx(5.25) and found.uncertainty == pytest.approx(12**-0.5)
    falling = find_crossing(x, -y, 0.0, sigma=1e-6)
    assert falling == pytest.approx(5.25)


def test_a_rough_crossing_parts_low_from_high():
    """Midway between the last low and the first high point, rising or falling, whatever one wild point does."""
    x = np.arange(10.0)
    y = np.array([0, 0, 0, 9, 0, 0, 1, 1, 1, 1.0])
    assert rough_crossing(x, y, 0.5) == rough_crossing(x, 1 - y, 0.5) == 5.5


def test_a_cubic_of_few_points_by_hand():
    """Five points, one of them off: χ² over one degree of freedom, and σ by the four that the stated one is worth."""
    x = np.array([-2.0, -1, 0, 1, 2])
    y = np.array([0.0, 0, 12, 0, 0])
    design = np.vander(x, 4, increasing=True) / 2.0
    best, [chi_square], *_ = np.linalg.lstsq(design, y / 2.0, rcond=None)
    local = _Curve.of(x[::-1], y[::-1], 2.0).cubic(0.0, 2.0)
    assert local.coefficients == pytest.approx(best, abs=1e-12)
    assert (local.points, local.reach, local.excess) == (5, 2.0, pytest.approx(chi_square))
    scale = (4 + chi_square) / (4 + 1)
    assert local.covariance == pytest.approx(scale * np.linalg.inv(design.T @ design), rel=1e-9)
    beyond = _Curve.of(x, y, 2.0).cubic(0.0, 2.0, beyond=best[0] + 3)
    assert beyond.covariance[0, 0] - local.covariance[0, 0] == pytest.approx(9)
    assert beyond.covariance[1:, 1:] == pytest.approx(local.covariance[1:, 1:])
    quiet = _Curve.of(x, 0 * y, 2.0).cubic(0.0, 2.0)
    assert quiet.covariance == pytest.approx(np.linalg.inv(design.T @ design))


@pytest.mark.parametrize("place", [-0.31, 0.0, 2.0])
def test_a_window_holds_the_fewest_points_at_least(place):
    """Six of them, at either end of the data, too; all where no bend shows."""
    x = np.arange(-3.0, 3.25, 0.25)
    kinked = _Curve.of(x, 1e6 * np.abs(np.sin(40 * x)), 1e-3)
    reach, _ = kinked.window(place)
    assert np.sum(np.abs(x - place) <= reach) in (6, 7) and reach == pytest.approx(
        np.sort(np.abs(x - place))[5], rel=1e-9
    )
    smooth, beyond = _Curve.of(x, x**3, 1e-3).window(place)
    longest = max(abs(x[0] - place), abs(x[-1] - place))
    assert 0.5 * longest <= smooth <= 0.5 * 1.2 * longest and np.isnan(beyond)
    assert _Curve.of(x, x**3, 1e-3).window(place, least=5.0)[0] >= 5.0


def test_newton_steps_to_the_level():
    """Of a known cubic, to a level near and to one that it never reaches within the window."""
    cubic = LocalFit(0.0, np.array([0.0, 1.0, 0.5, 0.25]), np.eye(4), 9, reach=1.0)
    step = _to_level(cubic, 0.3)
    assert step + 0.5 * step**2 + 0.25 * step**3 == pytest.approx(0.3, abs=1e-4)
    turning = LocalFit(0.0, np.array([0.0, 0.1, 0.0, -9.0]), np.eye(4), 9, reach=0.5)
    assert _to_level(turning, 5.0) == pytest.approx(5.0 / 0.1)
    assert np.isnan(_to_level(LocalFit(0.0, np.zeros(4), np.eye(4), 9, reach=1.0), 1.0))


def test_of_two_jumps_the_nearer_one():
    """And on it the line decides; a jump along the level itself lies half way."""
    x = np.array([0.0, 1.0, 2.0, 5.0, 6.0])
    y = np.array([-1.0, 3.0, 3.0, -1.0, -1.0])
    assert _between_points(x, y, 0.0, 0.0) == pytest.approx(0.25)
    far = _between_points(x, y, 0.0, 6.0)
    assert far == pytest.approx(2 + 3 * 3 / 4) and far.uncertainty == pytest.approx(3 / np.sqrt(12))
    assert _between_points(x, 0 * x, 0.0, 5.4) == pytest.approx(5.5)
    assert np.isnan(_between_points(x, y, 9.0, 0.0))
