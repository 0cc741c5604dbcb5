"""Levels, shares, feet and counts of a transition, each against the same worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from nbtools.statistics.noise import noise_of, relative_error_of_noise
from nbtools.transport import transition as tr
from nbtools.transport.transition import Curve, Step, Transition
from nbtools.units import Quantity

STEP = Step(38.0, 38.6, 39.0)


def curve(x, y):
    return Curve(np.asarray(x, float), np.broadcast_to(np.asarray(y, float), np.shape(x)).copy())


# ---- the normal state


@pytest.mark.parametrize(
    ("step", "start", "end"),
    [
        (
            STEP,
            39 + 1.5,
            40.5 + 0.25 * 38.6,
        ),  # a spread of 1 K: a quarter of the temperature is more than six of it
        (Step(37.0, 38.6, 39.0), 39 + 3.0, 42 + 12.0),  # of 2 K: six of it are more
    ],
)
def test_which_points_are_the_normal_state(step, start, end):
    """From one and a half widths above 90 % on."""
    x = np.arange(30.0, 70, 0.1) + 0.03
    found = tr._normal_state(curve(x, 1.0), step)
    chosen = x[(x > start) & (x < end)]
    assert found.points == len(chosen) and found.highest == chosen[-1] and found.about == step.half
    assert found.at([40.0, 50.0]) == pytest.approx([1, 1], rel=1e-6)


def test_a_normal_state_of_few_points():
    """The next eight beyond the step's tail; where fewer than six are left, the hottest eight above 90 %."""
    x = np.r_[np.arange(35.0, 41.0), np.arange(41.0, 110.0, 7.0)]
    found = tr._normal_state(curve(x, x), STEP)
    assert found.points == 8 and found.highest == 41 + 7 * 7
    short = np.r_[np.arange(35.0, 39.0), np.arange(39.2, 40.6, 0.2), 45, 50, 55.0]
    found = tr._normal_state(curve(short, short), STEP)
    assert found.points == 8 and found.highest == 55.0


def augmented(x, y, about, noise):
    """The normal state as least squares with one row for each weak term: coefficients, covariance, χ², freedom."""
    powers = np.vander(np.asarray(x) / about - 1, 6, increasing=True)
    allowed = np.array([3.0, 1.5, 0.5, 0.15, 0.05]) * (np.median(np.abs(y)) + noise)
    rows = np.vstack([powers / noise, np.eye(6)[1:] / allowed[:, None]])
    found = np.linalg.lstsq(rows, np.r_[y / noise, np.zeros(5)], rcond=None)[0]
    covariance = np.linalg.inv(rows.T @ rows)
    freedom = len(x) - np.trace(powers @ covariance @ powers.T) / noise**2
    return found, covariance, np.sum(((y - powers @ found) / noise) ** 2), freedom


@pytest.mark.parametrize("kink", [0.0, 0.6])
def test_the_normal_state_below_the_step(kink):
    """A Taylor series held by its weak terms; what they miss of the points widens its error."""
    x = np.arange(41.0, 48.0, 0.05)
    y = (
        2.0
        + 0.03 * (x - 41)
        + kink * np.maximum(x - 44.5, 0)
        + 0.004 * np.random.default_rng(1).normal(size=x.size)
    )
    found = tr._normal_state(curve(np.r_[30.0, x], np.r_[0.0, y]), STEP)
    noise = noise_of(x, y)
    coefficients, covariance, chi_square, freedom = augmented(x, y, 38.6, noise)
    excess = chi_square / freedom
    assert (excess > 1 + 2 * np.sqrt(2 / freedom)) == (kink > 0)
    assert found.noise == pytest.approx(noise) and found.coefficients == pytest.approx(coefficients, rel=1e-6)
    scale = excess if kink else 1.0
    powers = (37.5 / 38.6 - 1) ** np.arange(6)
    assert found.at(37.5) == pytest.approx(powers @ coefficients)
    assert found.error_at(37.5) == pytest.approx(np.sqrt(scale * powers @ covariance @ powers), rel=1e-5)


def test_a_normal_state_without_noise():
    """Of a part in 10⁹ of the whole signal, lest it weigh infinitely."""
    x = np.arange(30.0, 50.0, 0.5)
    found = tr._normal_state(curve(x, np.where(x < 38, -7.0, 0.0)), STEP)
    assert found.noise == pytest.approx(7e-9)


# ---- the low state


def normal_of(level, noise=0.01, points=50):
    coefficients = np.array([level, 0.0])
    return tr._NormalState(38.6, coefficients, np.diag([4e-6, 9e-4]), noise, points, 60.0)


def test_a_resistance_that_is_gone():
    """The mean of the colder half below the step, its error the noise over the root of the points."""
    x = np.arange(20.0, 60.0, 0.25)
    rng = np.random.default_rng(2)
    y = np.where(x < 38.3, 0.02, 5.0) + 0.004 * rng.normal(size=x.size)
    below = x < 38 - 1.5
    colder = x <= (20 + x[below][-1]) / 2
    found = tr._low_state(curve(x, y), "resistive", STEP, normal_of(5.0))
    assert found.reached and found.points == below.sum()
    assert found.noise == pytest.approx(noise_of(x[below], y[below]))
    assert found.level == pytest.approx(y[colder].mean())
    assert found.error == pytest.approx(found.noise / np.sqrt(colder.sum()))
    assert found.left == pytest.approx(np.mean(y[: len(y) // 50]) / 5.0)


def test_a_resistance_that_is_not_gone():
    """Its level is nothing; how much is left is said; of few points the noise is that of the normal state."""
    x = np.arange(34.0, 60.0, 0.5)
    found = tr._low_state(
        curve(x, np.where(x < 38.3, 0.4, 5.0)), "resistive", STEP, normal_of(5.0, noise=0.02)
    )
    assert (found.level, found.error, found.reached) == (0.0, 0.0, False) and found.noise == 0.02
    assert found.left == pytest.approx(0.08) and found.points == 5


@pytest.mark.parametrize(
    ("level", "noise", "gone"),
    [
        (0.0199, 0, True),
        (0.0201, 0, False),
        (0.02 + 3 * 0.01 / 3**0.5 - 1e-4, 0.01, True),
        (0.0375, 0.01, False),
    ],
)
def test_two_hundredths_are_nothing(level, noise, gone):
    """Of the normal value of 1, beyond three σ of the mean of each fifth: 15 points, three each."""
    assert tr._is_flat_and_small(curve(np.arange(15.0), level), 1.0, noise) == gone
    assert tr._is_flat_and_small(curve(np.arange(15.0), -level), 1.0, noise) == gone
    rising = np.where(np.arange(15) < 12, 0.0, level)
    assert tr._is_flat_and_small(curve(np.arange(15.0), rising), 1.0, noise) == gone
    assert not tr._is_flat_and_small(curve(np.arange(2.0), 0.0), 1.0, 0.1)


def test_screening_where_it_is_coldest():
    """The coldest tenth of the way to the step; of coarse points the first three below it; of one point that one."""
    x = np.arange(18.0, 60.0, 0.5)
    y = -1 - 0.01 * x
    found = tr._coldest_level(curve(x, y), STEP, 0.02)
    assert found.level == pytest.approx(y[:5].mean()) and found.points == 5  # up to 20 K
    assert found.error == pytest.approx(0.02 / np.sqrt(5)) and found.reached and found.noise == 0.02
    coarse = np.array([10.0, 15, 30, 35, 37.5, 50, 60])
    assert tr._coldest_level(curve(coarse, coarse), STEP, 0.1).level == pytest.approx((10 + 15 + 30) / 3)
    warm = np.array([37.9, 38.6, 40, 50])
    found = tr._coldest_level(curve(warm, warm), STEP, 0.1)
    assert (found.level, found.points) == (37.9, 1)


# ---- shares of the step


def reduced_of(
    x, fraction, *, sigma=1e-3, step=STEP, height=5.0, normal=None, low_noise=0.01, low_error=0.002
):
    low = tr._LowState(0.0, low_error, low_noise, 40, True, 0.0)
    x, fraction = np.asarray(x, float), np.asarray(fraction, float)
    return tr._Reduced(x, fraction, np.full(x.shape, sigma), step, height, normal or normal_of(5.0), low)


def test_a_step_between_the_measured_levels():
    """Where 10, 50 and 90 % of the height are left; where the normal state ends before the step, as it was."""
    x = np.arange(30.0, 50.0, 0.01)
    share = np.clip((x - 38.2) / 1.6, 0, 1)
    low = tr._LowState(-2.0, 0.0, 0.01, 9, True, 0.0)
    found = tr._refined(curve(x, -2 + 7 * share), STEP, normal_of(5.0), low)
    assert (found.ten, found.half, found.ninety) == pytest.approx((38.36, 39.0, 39.64), abs=0.011)
    assert tr._refined(curve(x, 5.0), STEP, normal_of(5.0), low) is STEP
    ended = replace(normal_of(5.0), highest=38.5)
    assert tr._refined(curve(x, -2 + 7 * share), STEP, ended, low).ninety <= 38.5


@pytest.mark.parametrize(("pitch", "reach"), [(0.02, 6.0), (2.5, 10.0)])
def test_the_curve_near_a_step(pitch, reach):
    """Within six of its widths, or four points; its σ goes from the low noise to the normal one with the share."""
    x = np.arange(20.0, 60.0, pitch)
    share = ndtr((x - 38.6) / 0.4)
    normal, low = normal_of(5.0, noise=0.03), tr._LowState(-1.0, 0.0, 0.01, 9, True, 0.0)
    found = tr._Reduced.of(curve(x, -1 + 6 * share), STEP, normal, low)
    near = np.abs(x - 38.6) < reach
    assert found.x == pytest.approx(x[near]) and found.fraction == pytest.approx(share[near], abs=1e-12)
    assert found.height == pytest.approx(6.0)
    by_hand = np.sqrt((1 - share[near]) * 0.01**2 + share[near] * 0.03**2) / 6
    assert found.sigma == pytest.approx(by_hand, rel=1e-9)


def test_the_error_of_the_levels_in_a_share():
    """At a share the upper level's error counts by it, the lower's by the rest; in T by the slope."""
    x = np.arange(36.0, 41.0, 0.02)
    one = reduced_of(x, np.clip((x - 38.0) / 1.3, 0, 1))
    upper = one.normal.error_at(38.4)
    assert upper == pytest.approx(np.hypot(2e-3, 0.03 * (38.4 / 38.6 - 1)))
    assert one.level_error(0.3, 38.4) == pytest.approx(np.hypot(0.3 * upper, 0.7 * 0.002) / 5.0)
    plain, off = one.crossing(0.3), one.crossing(0.3, level_error=0.05)
    assert plain == pytest.approx(38.0 + 0.3 * 1.3, abs=1e-3) and off == plain
    assert off.uncertainty**2 - plain.uncertainty**2 == pytest.approx((0.05 * 1.3) ** 2, rel=1e-2)
    sure = replace(
        one, low=replace(one.low, error=0.0), normal=replace(one.normal, covariance=np.zeros((2, 2)))
    )
    levels = (one.level_error(0.3, float(plain)) * 1.3) ** 2
    assert plain.uncertainty**2 - sure.crossing(0.3).uncertainty ** 2 == pytest.approx(levels, rel=1e-2)
    assert np.isnan(one.crossing(1.2))


@pytest.mark.parametrize(
    ("level", "elsewhere", "other"), [(0.1, 43, 0.0), (0.4, 43, 0.2), (0.6, 36.5, 0.8), (0.9, 36.5, 1)]
)
def test_where_a_crossing_is_looked_for(level, elsewhere, other):
    """On the proper side of the middle: what the curve does on the other does not count."""
    x = np.arange(33.0, 45.0, 0.1)
    share = np.clip((x - 38.0) / 1.2, 0, 1)
    share[(x > elsewhere) if level < 0.5 else (x < elsewhere)] = other
    assert reduced_of(x, share)._start(level) == pytest.approx(38 + 1.2 * level, abs=0.06)


@pytest.mark.parametrize("shoulder", [False, True])
def test_a_foot_by_the_exponential_of_a_cubic(shoulder):
    """Where such a foot is at a level, and how steep it is there; a shoulder is a foot upside down."""
    top, scale = 38.7, 1.1

    def log_share(x):
        t = (x - top) / scale
        return np.log(0.15) + 2.0 * t - 1.1 * t**2 + 0.3 * t**3

    x = np.arange(36.9, 39.3, 0.15)
    y = np.exp(log_share(x))
    level = 0.01
    fine = np.linspace(36.5, 38.7, 20001)
    place = np.interp(np.log(level), log_share(fine), fine)
    slope = level * (2.0 - 2.2 * (place - top) / scale + 0.9 * ((place - top) / scale) ** 2) / scale
    one = reduced_of(x, y, sigma=1e-3)
    start = place + 0.05
    if shoulder:
        one = reduced_of(-x[::-1] + 77, 1 - y[::-1], sigma=1e-3)
        found = one._foot_crossing(1 - level, 77 - start)
        assert found[0] == pytest.approx(77 - place, abs=1e-6) and found[1] == pytest.approx(slope, rel=1e-5)
        return
    found, steep = one._foot_crossing(level, start)
    assert found == pytest.approx(place, abs=1e-6) and steep == pytest.approx(slope, rel=1e-5)
    # σ by the curvature of χ² in the four coefficients, by differences; the scatter stays below the stated one.
    end = tr.rough_crossing(x, y, 0.15)
    chosen = (x >= start - (end - start)) & (x <= end)
    jacobian = np.vander((x[chosen] - end) / (end - start), 4, increasing=True) * (y[chosen] / 1e-3)[:, None]
    here = np.vander([(place - end) / (end - start)], 4, increasing=True)[0]
    sigma = np.sqrt(here @ np.linalg.inv(jacobian.T @ jacobian) @ here) * level / slope
    assert found.uncertainty == pytest.approx(sigma, rel=1e-4)
    assert one._foot_crossing(1e-9, start) is None  # it never gets so low
    assert reduced_of(x, y, sigma=0.05)._foot_crossing(level, start) is None  # too few points stand out


@pytest.mark.parametrize("place", [38.2, 38.55])
def test_the_steepest_tangent(place):
    """Of 3s² − 2s³ over 2.4 K: 1.5/2.4 a kelvin at its middle, which meets the normal state 0.8 K above."""
    x = np.arange(place - 4, place + 4, 0.03)
    s = np.clip((x - place) / 2.4 + 0.5, 0, 1)
    one = reduced_of(x, 3 * s**2 - 2 * s**3, step=Step(place - 0.73, place, place + 0.73))
    assert one.tangent_onset() == pytest.approx(place + 0.8, abs=2e-3)
    local = one._steepest()
    assert local.place == pytest.approx(place, abs=0.01) and local.slope == pytest.approx(1.5 / 2.4, rel=2e-3)
    gradient = np.array([-1.0, local.place - (place + 0.8)]) / local.slope
    levels = one.level_error(1.0, place + 0.8) / local.slope
    by_hand = np.sqrt(gradient @ local.covariance[:2, :2] @ gradient + levels**2)
    assert one.tangent_onset().uncertainty == pytest.approx(by_hand, rel=1e-3)
    falling = replace(one, fraction=1 - one.fraction)
    assert np.isnan(falling.tangent_onset())


def test_zero_is_three_sigma_of_the_low_state():
    """Its error holds that of the noise; a moment, a rest and a silent low state have none."""
    x = np.arange(35.0, 43.0, 0.02)
    one = reduced_of(x, np.clip((x - 38.0) / 1.3, 0, 1), low_noise=0.03)
    found, missing = tr._zero(one, "resistive")
    by_hand = one.crossing(0.018, level_error=0.018 * relative_error_of_noise(40))
    assert found == by_hand and found.uncertainty == by_hand.uncertainty and missing == {}
    assert found == pytest.approx(38 + 1.3 * 0.018, abs=0.02)
    assert "no zero-resistance" in tr._zero(one, "diamagnetic")[1]["zero"]
    rest = replace(one, low=replace(one.low, reached=False, left=0.0834))
    assert "still 8.3 %" in tr._zero(rest, "resistive")[1]["zero"]
    silent = replace(one, low=replace(one.low, noise=1.6e-9))  # 3 σ of it are 0.96e-9 of the height of 5
    assert "no noise" in tr._zero(silent, "resistive")[1]["zero"]
    assert tr._zero(replace(one, low=replace(one.low, noise=1.8e-9)), "resistive")[1] == {}


@pytest.mark.parametrize("noise", [1e-4, 0.012])
def test_where_a_curve_has_left_the_normal_state(noise):
    """By 1 % of the step, or by three σ where that is more; σ is known as well as so many points tell."""
    x = np.arange(20.0, 60.0, 0.05)
    y = 3.0 * ndtr((x - 38.6) / 0.4) + 3 * noise * np.random.default_rng(11).normal(size=x.size)
    found = tr.estimate_transition(x, y, kind="resistive")
    one, step = curve(x, y), tr.find_resistive_step(curve(x, y))
    for _ in range(2):
        normal = tr._normal_state(one, step)
        low = tr._low_state(one, "resistive", step, normal)
        step = tr._refined(one, step, normal, low)
    reduced = tr._Reduced.of(one, step, normal, low)
    threshold = 3 * normal.noise / reduced.height
    assert (threshold > 0.01) == (noise > 1e-3)
    share = max(0.01, threshold)
    error = threshold * relative_error_of_noise(normal.points) * (threshold > 0.01)
    by_hand = reduced.crossing(1 - share, level_error=error)
    assert found.onset_deviation == by_hand and found.onset_deviation.uncertainty == by_hand.uncertainty
    assert found.noise == (normal.noise, low.noise) and found.normal_level == reduced.height + low.level
    assert (
        abs(found.onset_deviation - (38.6 - 0.4 * ndtri(share)))
        < 4 * found.onset_deviation.uncertainty + 0.02
    )


@pytest.mark.parametrize(("noise", "whole"), [(0.11, True), (0.09, False)])
def test_when_a_foot_is_fitted_as_a_whole(noise, whole):
    """Under five σ of the state beside it, with fewer than twenty points about: a tenth of 5 is 0.5."""
    x = np.arange(36.0, 41.2, 0.12)
    share = ndtr((x - 38.6) / 0.5)
    one = reduced_of(x, share, sigma=0.005, low_noise=noise, normal=normal_of(5.0, noise=1e-3))
    found, plain = one.crossing(0.1), one._foot_crossing(0.1, one._start(0.1))[0]
    assert (found == plain) == whole
    upper = reduced_of(x, share, sigma=0.005, low_noise=1e-3, normal=normal_of(5.0, noise=noise))
    found, plain = upper.crossing(0.9), upper._foot_crossing(0.9, upper._start(0.9))[0]
    assert (found == plain) == whole


def test_a_local_fit_is_no_narrower_than_a_share_of_the_step():
    """0.15 of its width of 1 K, however dense the points and however fast the curve bends."""
    x = np.arange(36.0, 41.0, 0.001)
    one = reduced_of(x, np.sin(40 * x), sigma=1e-6)
    assert one._fit(38.4).reach == pytest.approx(0.15)
    assert Step(38.0, 38.6, 38.001).spread == pytest.approx(0.0386)


# ---- several branches


def branch(midpoint, sigma, *, ten=None, offset=0.0, found=True, reason=""):
    numbers = {
        "midpoint": Quantity(midpoint, sigma, "K"),
        "critical_temperature": Quantity(midpoint, sigma, "K"),
    }
    if ten is not None:
        numbers["ten"] = Quantity(*ten, "K")
    missing = {} if ten is not None else {"ten": f"not reached {reason}"}
    return Transition(
        found, "a step", "resistive", **numbers, undetermined=missing, thermometer_offset=offset
    )


def test_the_mean_of_branches():
    """Statistical errors average out, half of the difference is added, an offset is what it was."""
    one, other = branch(38.0, 0.05, ten=(37.0, 0.03)), branch(38.3, 0.13)
    found = tr.combine_branches([one, other])
    assert found.midpoint == pytest.approx(38.15)
    assert found.midpoint.uncertainty == pytest.approx(np.hypot(np.sqrt((0.05**2 + 0.13**2) / 2 / 2), 0.15))
    assert found.thermometer_offset == 0.0
    assert found.ten == pytest.approx(37.0) and found.ten.uncertainty == pytest.approx(0.03)
    assert found.undetermined == {} and np.isnan(found.ninety)
    shared = [branch(38.0, np.hypot(0.05, 0.2), offset=0.2), branch(38.3, np.hypot(0.13, 0.2), offset=0.2)]
    widened = tr.combine_branches(shared)
    assert widened.midpoint.uncertainty == pytest.approx(np.hypot(found.midpoint.uncertainty, 0.2))
    assert widened.thermometer_offset == 0.2
    neither = tr.combine_branches([branch(38.0, 0.1, reason="first"), branch(38.0, 0.1, reason="second")])
    assert neither.undetermined == {"ten": "not reached first"}
    none = branch(np.nan, np.nan, found=False)
    assert tr.combine_branches([none, one]) is one and tr.combine_branches([none, none]) is none
    with pytest.raises(ValueError, match="no branch came"):
        tr.combine_branches([])


def test_an_offset_is_not_in_a_width():
    """Both ends are off together."""
    one = Transition(True, "", "resistive", ninety=Quantity(39.5, 0.3, "K"), ten=Quantity(38.1, 0.2, "K"))
    assert one.width == pytest.approx(1.4) and one.width.uncertainty == pytest.approx(np.hypot(0.3, 0.2))
    moved = tr._with_offset(one, 0.5)
    assert moved.ten.uncertainty == pytest.approx(np.hypot(0.2, 0.5))
    assert moved.width.uncertainty == pytest.approx(np.hypot(0.3, 0.2))
    only = replace(one, ninety=Quantity(39.5, 0.1, "K"), ten=Quantity(38.1, 0.1, "K"), thermometer_offset=0.3)
    assert only.width.uncertainty == 0.0


@pytest.mark.parametrize(("apart", "several"), [(0.09, False), (0.12, True)])
def test_branches_that_lie_apart(apart, several):
    """By a tenth of the signal at four fifths of the places that both have: then the first is used alone."""
    down, up = np.arange(60.0, 9.9, -0.5), np.arange(10.5, 60.0, 0.5)
    y = np.r_[np.where(down < 39, -1.0, 0.0), np.where(up < 39, -1.0 + apart, 0.0)]
    y[down.size :][up >= 39] += apart
    x = np.r_[down, up]
    used, said = tr.first_branch(x, y)
    span = np.ptp(y)
    assert (used == down.size) == (apart / span > 0.1) and (used == x.size) == (apart / span <= 0.1)
    assert several == bool(said)
    if several:
        assert f"the {x.size} points are several branches that lie {100 * apart / span:.0f} %" in said
        assert f"only the first, {down.size} points" in said
    assert tr.first_branch(down, y[: down.size]) == (down.size, "")
    few = np.r_[down, up[:7]]
    assert tr.first_branch(few, np.r_[y[: down.size], np.full(7, 5.0)]) == (few.size, "")


def test_a_curve_has_eight_points_at_different_temperatures():
    """In order of temperature; equal ones stay in theirs."""
    x = np.array([5.0, 3, 3, 9, 1, 7, 8, 2])
    found = tr.order_curve(x, np.arange(8.0))
    assert found.x.tolist() == [1, 2, 3, 3, 5, 7, 8, 9] and found.y.tolist() == [4, 7, 1, 2, 0, 5, 6, 3]
    with pytest.raises(ValueError, match="7 finite points at 6 temperatures"):
        tr.order_curve(x[:7], np.arange(7.0))
    with pytest.raises(ValueError, match="9 finite points at 1 temperatures"):
        tr.order_curve(np.ones(9), np.arange(9.0))


# ---- whether there is a step


def test_the_largest_signal_above():
    """Up to 1.5 times the temperature, at least the next three within three times it; by hand for every point."""
    rng = np.random.default_rng(4)
    x = np.sort(rng.uniform(5, 100, 60))
    y = rng.normal(size=60)
    for reach in (1.5, 1.1):
        found = tr._largest_above(x, y, reach)
        for i in range(60):
            within = [j for j in range(i + 1, 60) if x[j] <= reach * x[i]]
            following = [j for j in range(i + 1, min(i + 4, 60)) if x[j] <= 3 * x[i]]
            those = max(within, following, key=len)
            assert found[i] == pytest.approx(y[those].max()) if len(those) >= 3 else np.isnan(found[i])


@pytest.mark.parametrize(
    ("depth", "noise", "found"), [(0.03, 1e-3, True), (0.015, 1e-3, False), (0.03, 2e-2, False)]
)
def test_screening_is_five_times_the_noise(depth, noise, found):
    """And 2 % of the largest moment: less is no diamagnetism."""
    x = np.arange(5.0, 60.0, 0.1)
    y = np.where(x < 38, -depth, 0.4 * depth) + noise * np.random.default_rng(5).normal(size=x.size)
    y[np.searchsorted(x, 50.0) :][:20] = 1.0  # a plateau that sets what is large
    step = tr.find_diamagnetic_step(curve(x, y))
    assert isinstance(step, Step) == found
    if not found:
        assert "does not become negative" in step


def test_screening_to_the_end_of_the_range():
    """Half of it within 2 % of the range below its end: no normal state was seen."""
    for middle, found in ((57.0, True), (59.6, False)):
        x = np.arange(5.0, 60.0, 0.1)
        step = tr.find_diamagnetic_step(curve(x, -1 + ndtr((x - middle) / 0.05)))
        assert isinstance(step, Step) == found or (not found and "no normal state" in step)


def test_what_a_metal_does_is_said():
    """From 300 to 6 K a resistance that falls in proportion goes to 2 %: no step."""
    x = np.arange(5.0, 300.5, 1.0)
    said = tr.find_resistive_step(curve(x, x))
    assert said.startswith("on cooling from 300 to 5 K the signal goes to 2 % of its largest")
    assert "nan %" in tr.find_resistive_step(curve(x, -x))


# ---- one step or two


@pytest.mark.parametrize(("share", "gap"), [(0.3, 0.9), (0.6, 1.4)])
def test_two_planted_steps(share, gap):
    """Share and distance of the lower one within three σ; AICc is χ² and the price of three parameters more."""
    x = np.arange(34.0, 42.0, 0.04)
    rng = np.random.default_rng(6)
    y = (
        (1 - share) * ndtr((x - 39.0) / 0.2)
        + share * ndtr((x - 39.0 + gap) / 0.25)
        + 0.005 * rng.normal(size=x.size)
    )
    found = tr.count_transition_steps(x[::-1], y[::-1], noise=0.005)
    assert found.steps == 2
    assert abs(found.second_share - share) < 3 * found.second_share.uncertainty < 0.05
    assert abs(found.separation - gap) < 3 * found.separation.uncertainty < 0.1
    assert f"carries {100 * float(found.second_share):.0f} %" in found.reason and str(found).startswith(
        "two steps"
    )
    assert f"by {found.aicc_difference:.0f} from" in str(found)
    one = tr.count_transition_steps(x, ndtr((x - 39.0) / 0.2) + 0.005 * rng.normal(size=x.size), noise=0.005)
    assert one.steps == 1 and one.aicc_difference < 10 and "as well as two" in str(one)


@pytest.mark.parametrize(
    ("difference", "share", "gap", "word"),
    [
        (9.9, 0.5, 1.0, "as well as two"),
        (10.1, 0.5, 1.0, ""),
        (10.1, 0.049, 1.0, "4.9% of the step"),
        (10.1, 0.951, 1.0, "4.9% of the step"),
        (10.1, 0.051, 1.0, ""),
        (10.1, 0.949, 1.0, ""),
        (10.1, 0.5, 0.69, "0.69 K away"),
        (10.1, 0.5, 0.71, ""),
    ],
)
def test_what_makes_a_second_step(difference, share, gap, word):
    """A better fit by ten, 5 % of the resistance on either side, and further than the wider one's σ of 0.7 K."""
    said = tr._why_one_step(difference, share, gap, 0.7)
    assert word in said and bool(word) == bool(said)
