"""The local fit finds crossings at the rate and size its uncertainty claims."""

from dataclasses import replace

import numpy as np
import pytest

from nbtools.statistics.crossing import (
    BEND,
    COARSE,
    PLAIN_BEND,
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
    y = 2.5 * (x - 0.37) + 0.8 * (x - 0.37) ** 2 + 2 * (x - 0.37) ** 3
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
    # What lies at the level lies above it; a curve on one side of it crosses at the end that is nearer to the other.
    assert rough_crossing(x, y, 1.0) == 5.5 and rough_crossing(x, y, 0.0) == 0.0
    assert rough_crossing(x, y, 10.0) == 9.0
    # Of a peak the side that parts more points: two rise before it, three fall after it.
    peak = np.array([0, 0, 1, 1, 1, 1, 0, 0, 0])
    assert rough_crossing(x[:9], peak, 0.5) == 5.5 and rough_crossing(x[:9], peak[::-1], 0.5) == 2.5
    uneven = np.array([0.0, 1, 4, 9])
    assert (
        rough_crossing(uneven, [1, 1, 0, 0], 0.5) == 2.5 and rough_crossing(uneven, [1, 0, 0, 0], 0.5) == 0.5
    )
    assert rough_crossing(uneven, [0, 1, 1, 1], 0.5) == 0.5


def bend_by_hand(x, y, sigma, place, reach):
    """χ² that a cubic leaves and a quintic does not, within a window; the quintic's χ² and value at its middle."""
    near = np.abs(x - place) <= reach
    fits = [np.linalg.lstsq(np.vander(x[near] - place, n), y[near], rcond=None) for n in (4, 6)]
    cubic, quintic = (float(rest[0]) / sigma**2 for _, rest, *_ in fits)
    return cubic - quintic, quintic, fits[1][0][-1]


@pytest.mark.parametrize("place", [0.3, -0.7])
def test_a_bend_is_what_a_quintic_takes_off(place):
    """χ² of the cubic less that of the quintic, and the quintic's value where it counts; infinite where it fits ill."""
    x = np.sort(np.random.default_rng(3).uniform(-2, 2, 41))
    noise = 0.1 * np.random.default_rng(4).normal(size=41)
    y = x**2 + 0.5 * (x - place) ** 4 + 0.3 * (x - place) ** 5 + noise
    curve = _Curve.of(x, y, 0.1)
    for reach in (0.6, 0.9, 1.2):
        by_hand, _, value = bend_by_hand(x, y, 0.1, place, reach)
        bend, quintic = curve._bend(place, reach)
        assert bend == pytest.approx(by_hand, rel=1e-8)
        assert quintic == pytest.approx(value, rel=1e-8) if bend > BEND else np.isnan(quintic)
    assert by_hand > BEND
    count = np.sum(np.abs(x - place) <= 0.9)
    # Beyond four σ of χ² about its n − 4 degrees of freedom more than noise is left.
    bound = count - 4 + 4 * np.sqrt(2 * (count - 4))
    bend, left, _ = bend_by_hand(x, y, 0.1, place, 0.9)
    limit = 0.1 * np.sqrt((bend + left) / bound)
    assert np.isfinite(_Curve.of(x, y, 1.001 * limit)._bend(place, 0.9)[0])
    assert np.isinf(_Curve.of(x, y, 0.999 * limit)._bend(place, 0.9)[0])


def test_chance_bends_in_one_window_of_a_hundred():
    """Noise about a cubic exceeds the first bound in 1 % of windows and the second in 0.1 %."""
    x = np.linspace(-1, 1, 30)
    rng = np.random.default_rng(0)
    bends = np.array([_Curve.of(x, x**3 + rng.normal(size=30), 1.0)._bend(0, 1)[0] for _ in range(3000)])
    bends = bends[np.isfinite(bends)]
    assert 0.006 < np.mean(bends > BEND) < 0.015 and np.mean(bends > PLAIN_BEND) < 0.0025
    assert pytest.approx(-2 * np.log([0.01, 0.001])) == [BEND, PLAIN_BEND]  # χ² of two is exponential


@pytest.mark.parametrize("power", [4, 5])
@pytest.mark.parametrize("before", [2.0, 6.0])
def test_a_window_is_half_of_the_widest_without_a_bend(power, before):
    """Tried from the fewest points on, a fifth wider each time: until χ² of the power beyond a cubic exceeds chance.

    One trial shows a χ² of `before`; then the next shows what chance exceeds in 1 % of windows, or in 0.1 % at once.
    """
    x = np.linspace(-2, 2, 161)
    y = 2e-3 * x**power
    smallest = np.sort(np.abs(x))[5]
    trials = smallest * 1.2 ** np.arange(40)
    sigma = np.sqrt(bend_by_hand(x, y, 1.0, 0.0, trials[12])[0] / before)
    bends = np.array([bend_by_hand(x, y, sigma, 0.0, t)[0] if t > 0.1 else 0.0 for t in trials[trials < 2.4]])
    # The first that exceeds the second bound, or the first bound for the second time running, ends it.
    over = np.flatnonzero((bends > PLAIN_BEND) | ((bends > BEND) & (np.roll(bends, 1) > BEND)))[0]
    clear = np.flatnonzero(bends[:over] <= BEND)[-1]
    reach, beyond = _Curve.of(x, y, sigma).window(0.0)
    assert reach == pytest.approx(0.5 * trials[clear], rel=1e-9) and reach > smallest and np.isnan(beyond)
    # Half of it may hold too few points: then what a quintic finds there is error, too.
    least = 0.6 * trials[clear]
    reach, beyond = _Curve.of(x, y + 0.7, sigma).window(0.0, least)
    assert reach == least and beyond == pytest.approx(0.7, abs=1e-9)


@pytest.mark.parametrize(("bend", "last"), [(11.0, 3.6), (8.0, 4.32)])
def test_two_windows_running_that_seem_bent(bend, last):
    """Windows of 3 and 3.6 hold the same seven points: a χ² that chance exceeds in 1 % counts when it comes twice."""
    x = np.arange(-12.0, 13)
    y = x**4 + 0.3 * np.random.default_rng(8).normal(size=x.size)
    sigma = np.sqrt(bend_by_hand(x, y, 1.0, 0.0, 3.0)[0] / bend)
    reach, beyond = _Curve.of(x, y, sigma).window(0.0)
    assert reach == pytest.approx(3.0) and beyond == pytest.approx(bend_by_hand(x, y, sigma, 0.0, last)[2])


@pytest.mark.parametrize(("share", "line"), [(0.97, False), (1.03, True)])
def test_points_too_coarse_for_a_cubic(share, line):
    """From χ² of twenty times its degrees of freedom on the two neighbours decide."""
    x = np.arange(8.0)
    y = np.array([-3.0, -2.5, -3.2, -1.0, 1.5, 3.1, 2.4, 3.0])
    curve = _Curve.of(x, y, 1.0)
    local = crossing_and_fit(x, y, 0.0, sigma=1.0, smallest=10.0)[1]
    sigma = np.sqrt(curve.cubic(3.4, 10.0).excess / (share * 20))
    found, local = crossing_and_fit(x, y, 0.0, sigma=sigma, smallest=10.0)
    assert COARSE == 20 and local.points == 8
    assert (found == pytest.approx(3.4)) is line and (found.uncertainty == pytest.approx(12**-0.5)) is line


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


@pytest.mark.parametrize("place", [-3.0, -0.31, 0.0, 2.0])
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
    trials = reach * 1.2 ** np.arange(40)
    assert smooth == pytest.approx(0.5 * trials[trials < 1.2 * longest][-1], rel=1e-9) and np.isnan(beyond)
    fine = np.concatenate([[-3.0], x[4:]])  # the first point alone lies far off
    away = fine[-1] + 3.0
    trials = (fine[-1] - fine[-6]) * 1.2 ** np.arange(40)
    smooth, _ = _Curve.of(fine, fine**3, 1e-3).window(fine[-1])
    assert smooth == pytest.approx(0.5 * trials[trials < 1.2 * away][-1], rel=1e-9)
    assert _Curve.of(x, x**3, 1e-3).window(place, least=5.0)[0] >= 5.0


def test_newton_steps_to_the_level():
    """Of a known cubic, to a level near and to one that it never reaches within the window."""
    cubic = LocalFit(0.0, np.array([0.0, 1.0, 0.5, 0.25]), np.eye(4), 9, reach=1.0)
    step = _to_level(cubic, 0.3)
    assert step + 0.5 * step**2 + 0.25 * step**3 == pytest.approx(0.3, abs=1e-4)
    turning = LocalFit(0.0, np.array([0.3, 0.1, 0.0, -9.0]), np.eye(4), 9, reach=0.5)
    assert _to_level(turning, 5.0) == pytest.approx(4.7 / 0.1)
    by_newton = 0.0
    power = np.polynomial.Polynomial(cubic.coefficients)
    for _ in range(3):
        by_newton -= (power(by_newton) - 2.6) / power.deriv()(by_newton)
    assert 1 < by_newton < 2 and _to_level(cubic, 2.6) == pytest.approx(by_newton, rel=1e-12)
    # Beyond twice the reach the slope alone is followed.
    for reach, expected in ((by_newton / 1.98, by_newton), (by_newton / 2.02, 2.6)):
        assert _to_level(replace(cubic, reach=reach), 2.6) == pytest.approx(expected, rel=1e-12)
    assert np.isnan(_to_level(LocalFit(0.0, np.zeros(4), np.eye(4), 9, reach=1.0), 1.0))


def test_of_two_jumps_the_nearer_one():
    """And on it the line decides; a jump along the level itself lies half way."""
    x = np.array([0.0, 1.0, 2.0, 5.0, 6.0])
    y = np.array([-1.0, 3.0, 3.0, -1.0, -1.0])
    assert _between_points(x, y, 0.0, 0.0) == pytest.approx(0.25)
    far = _between_points(x, y, 0.0, 6.0)
    assert far == pytest.approx(2 + 3 * 3 / 4) and far.uncertainty == pytest.approx(3 / np.sqrt(12))
    assert _between_points(x, 0 * x, 0.0, 5.4) == pytest.approx(5.5)
    # Nearer to the middle of the one, between 0 and 1, than to that of the other, between 2 and 5, or not.
    assert _between_points(x, y, 0.0, 1.99) == pytest.approx(0.25)
    assert _between_points(x, y, 0.0, 2.01) == far
    assert _between_points(10 + x, 7 + y, 7.0, 10.0) == pytest.approx(10.25)
    assert np.isnan(_between_points(x, y, 9.0, 0.0))


def test_an_inflection_by_hand():
    """5 + 2 d + 3 d² + 4 d³ about 7 has no curvature at d = −3/12; a parabola has none anywhere."""
    assert LocalFit(7.0, np.array([5.0, 2, 3, 4]), np.eye(4), 9).inflection == pytest.approx(6.75)
    assert np.isnan(LocalFit(7.0, np.array([5.0, 2, 3, 0]), np.eye(4), 9).inflection)


def test_windows_are_as_narrow_as_the_data_allow():
    """Unless one says how far a curve is known to be smooth, six dense points are enough."""
    x = np.linspace(0, 0.5, 200)
    y = np.abs(x - 0.25) - 0.1
    assert fit_locally(x, y, sigma=1e-6, place=0.25).reach < 0.02
    assert find_crossing(x, np.sin(40 * x) - 0.5, 0.0, sigma=1e-5, start=0.013) == pytest.approx(
        np.pi / 240, abs=1e-6
    )
    assert fit_locally(x, y, sigma=1e-6, place=0.25, smallest=0.2).reach == pytest.approx(0.2)
