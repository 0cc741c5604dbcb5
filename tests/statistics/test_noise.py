"""Noise is found whatever the curve; rounding is a noise of its own; averages and nulls are what they say."""

import numpy as np
import pytest
from scipy.stats import norm, t

from nbtools.statistics.information import aicc
from nbtools.statistics.noise import (
    averaged,
    mad_sigma,
    noise_of,
    relative_error_of_noise,
    resolution_of,
    robust_sigma,
)
from nbtools.statistics.nulls import all_shifts, correlation_length, p_value, random_shifts, shift_radius
from nbtools.statistics.resampling import jackknife_bias, jackknife_error


@pytest.mark.parametrize("size", [200, 5000])
def test_the_stated_error_of_the_noise_is_its_scatter(size):
    """Over 300 draws the noise scatters by what `relative_error_of_noise` says, and is not biased."""
    x = np.linspace(0, 1, size)
    rng = np.random.default_rng(6)
    found = np.array([noise_of(x, np.sin(9 * x) + rng.normal(size=size)) for _ in range(300)])
    assert found.std() == pytest.approx(relative_error_of_noise(size), rel=0.15)
    assert found.mean() == pytest.approx(1, abs=4 * found.std() / np.sqrt(300) + 0.3 / size**0.5)


def test_wild_points_are_no_noise():
    """Five per cent of points at 100 σ change the noise by less than a tenth."""
    values = np.random.default_rng(1).normal(size=2000)
    values[::20] += 100
    assert robust_sigma(values) == pytest.approx(1, rel=0.1)


def test_rounding_shows_as_its_own_noise():
    """A smooth curve rounded to 0.01 has a resolution of 0.01 and at least 0.01/√12 of noise; an unrounded none."""
    x = np.linspace(0, 1, 500)
    assert resolution_of(np.round(x**2, 2)) == pytest.approx(0.01)
    assert noise_of(x, np.round(x**2, 2)) >= 0.01 / np.sqrt(12) - 1e-12
    assert resolution_of(x**2) == 0


def test_averages_keep_the_mean_and_its_error():
    """Ten thousand points in a hundred: means of neighbours, each ten times as sure."""
    x = np.arange(10_000.0)
    y = np.random.default_rng(2).normal(size=x.size)
    at, mean, error = averaged(x, y, 1.0, most=100)
    assert len(at) == 100 and np.allclose(error, 0.1)
    assert mean.std() == pytest.approx(0.1, rel=0.2) and mean.mean() == pytest.approx(y.mean())


def test_the_jackknife_of_a_mean_is_its_standard_error():
    """Leaving out one number at a time gives s/√n of a mean, and no bias."""
    values = np.random.default_rng(3).normal(size=50)
    left_out = (values.sum() - values) / 49
    assert jackknife_error(left_out) == pytest.approx(values.std(ddof=1) / np.sqrt(50))
    assert jackknife_bias(values.mean(), list(left_out)) == pytest.approx(0, abs=1e-12)


def test_a_p_value_is_never_zero():
    """The observed arrangement is one of chance's."""
    assert p_value(10.0, np.zeros(99)) == 0.01
    assert p_value(2.0, np.array([1.0, 2.0, 3.0, 0.0])) == 3 / 5


def test_how_far_a_map_resembles_itself():
    """A Gaussian spot's autocorrelation is √2 times as wide: 1/e at twice its σ; at least one pixel, at most all."""
    spot = np.exp(-(shift_radius((40, 52)) ** 2) / (2 * 3.2**2))
    assert correlation_length(spot) == 7  # 6.4 lies beyond the ring of 6 pixels
    assert correlation_length(np.roll(spot, (11, -9), (0, 1))) == 7
    lone = np.zeros((9, 8))
    lone[4, 1] = 2.0
    assert correlation_length(lone) == 1
    assert correlation_length(np.ones((9, 8))) == 6  # its corner, √(4² + 4²), rounded
    assert shift_radius((4, 5))[3, 3] == pytest.approx(np.hypot(1, 2))


def test_shifts_of_one_map_against_another():
    """Sums over the pixels, one by one; so many of the allowed shifts as asked, each once."""
    rng = np.random.default_rng(4)
    fixed, moved = rng.normal(size=(2, 5, 6))
    by_hand = [[np.sum(fixed * np.roll(moved, (y, x), (0, 1))) for x in range(6)] for y in range(5)]
    assert all_shifts(fixed, moved) == pytest.approx(np.array(by_hand))
    allowed = np.arange(30).reshape(5, 6) >= 10
    rows, columns = random_shifts(allowed, 12, rng)
    assert len(set(zip(rows, columns, strict=True))) == 12 and allowed[rows, columns].all()
    with pytest.raises(ValueError, match="only 19 shifts"):
        random_shifts(np.arange(30).reshape(5, 6) >= 11, 12, rng)


def test_the_median_of_a_normal_distribution():
    """σ is the median of the absolute values over Φ⁻¹(3/4)."""
    assert mad_sigma([-1.0, 2.0, 3.0]) == pytest.approx(2 / norm.ppf(0.75), rel=1e-4)
    assert mad_sigma([]) == 0


def test_noise_by_hand():
    """One point 6 off a straight line: its neighbours' cubics miss by 6, −4 and 1 sixths of it; where it is asked."""
    y = np.zeros(9)
    y[4] = 6.0
    x = np.arange(9.0)
    # Weights of the four neighbours are −1, 4, 4, −1 sixths: each residual has the σ of √(1 + 34/36).
    sigma = np.sqrt(1 + 34 / 36)
    only = np.arange(9) == 4
    assert noise_of(x, y, where=only) == pytest.approx(6 / sigma / norm.ppf(0.75), rel=1e-4)
    assert noise_of(x, y, where=np.arange(9) == 3) == pytest.approx(4 / sigma / norm.ppf(0.75), rel=1e-4)
    assert noise_of(x, y) == pytest.approx(4 / sigma / norm.ppf(0.75), rel=1e-4)
    assert noise_of(x[:4], y[:4]) == 0


def test_a_trimmed_sigma_counts_what_was_trimmed():
    """Within 3.5 σ lie 99.39 % of a normal distribution's variance."""
    inside = 2 * norm.cdf(3.5) - 1 - 2 * 3.5 * norm.pdf(3.5)
    values = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    assert robust_sigma(values) == pytest.approx(
        np.sqrt(np.mean(values[abs(values) < 3.5] ** 2) / inside), rel=3e-4
    )
    assert robust_sigma([1.0, -2.0, 3.0]) == mad_sigma([1.0, 2.0, 3.0])
    # Of a distribution with long tails the bound creeps outwards: three times.
    tails = np.random.default_rng(0).standard_t(1.5, size=400)
    sigma = mad_sigma(tails)
    for _ in range(3):
        sigma = np.sqrt(np.mean(tails[np.abs(tails) <= 3.5 * sigma] ** 2) / 0.9939)
    assert robust_sigma(tails) == pytest.approx(sigma)
    # From twelve on.
    assert robust_sigma(tails[:11]) == mad_sigma(tails[:11]) and robust_sigma(tails[:12]) != mad_sigma(
        tails[:12]
    )


def test_rounding_is_noise_of_a_uniform_distribution():
    """Plateaus 0.02 apart: nothing scatters, and each value may be off by anything up to half a step."""
    plateaus = np.repeat(0.02 * np.arange(5), 40)
    assert noise_of(np.arange(200.0), plateaus) == pytest.approx(0.02 / np.sqrt(12))
    assert relative_error_of_noise(0) == 1.2


@pytest.mark.parametrize(("levels", "found"), [(74, 3.0), (76, 0.0)])
def test_values_of_which_many_stand_twice_are_rounded(levels, found):
    """No more than three quarters of them are different ones."""
    values = np.concatenate([np.arange(levels), np.zeros(100 - levels)]) * 3.0
    assert resolution_of(values) == pytest.approx(found)
    assert resolution_of([0.0, 3, 6, 0, 3, 6, 0, 3, 6]) == 0 and resolution_of([0.0, 3, 6, 9] * 3) == 3


def test_few_parts_widen_to_students_interval():
    """Of four parts the 68 % interval is t₃'s."""
    left_out = [1.0, 2.0, 3.0, 6.0]
    plain = np.sqrt(3 / 4 * np.sum((np.array(left_out) - 3.0) ** 2))
    assert jackknife_error(left_out) == pytest.approx(plain)
    assert jackknife_error(left_out, student=True) == pytest.approx(plain * t.ppf(norm.cdf(1), 3))
    assert jackknife_bias(2.0, left_out) == pytest.approx(3 * (3.0 - 2.0))


def test_akaikes_criterion_for_few_points():
    """χ² + 2k + 2k(k + 1)/(n − k − 1) (Hurvich and Tsai)."""
    assert aicc(7.0, 10, 3) == pytest.approx(7 + 6 + 24 / 6)
    assert aicc(7.0, 3, 3) == pytest.approx(7 + 6 + 24)


def test_averages_are_weighted():
    """Two pairs of neighbours, each by 1/σ²; a curve that is short enough stays as it is."""
    x, y, sigma = (
        np.array([0.0, 1.0, 2.0, 3.0]),
        np.array([1.0, 2.0, 5.0, 5.0]),
        np.array([1.0, 0.5, 1.0, 1.0]),
    )
    at, mean, error = averaged(x, y, sigma, most=2)
    assert at == pytest.approx([0.8, 2.5]) and mean == pytest.approx([9 / 5, 5])
    assert error == pytest.approx([5**-0.5, 2**-0.5])
    assert averaged(x, y, sigma, most=4)[1] == pytest.approx(y)


@pytest.mark.parametrize(("off", "found"), [(0.04, 1.0), (0.055, 0.0), (-0.04, 0.96), (-0.055, 0.0)])
def test_steps_that_are_nearly_multiples_are_rounding(off, found):
    """Of the smallest step, within a twentieth of it: a scale that is not quite even."""
    levels = np.cumsum([0.0, 1.0, 1.0 + off, 1.0 + off, 1.0 + off] if off > 0 else [0, 1 + off, 2, 2, 2])
    if off < 0:
        levels[2:] = levels[1] + np.arange(1, 4) * (1 + off) * (2 - off if found == 0 else 2)
    assert resolution_of(np.repeat(levels, 9)) == pytest.approx(found)


def test_a_step_of_rounding_alone_is_no_resolution():
    """A billionth of the values: what arithmetic leaves of equal numbers."""
    steps = np.repeat(np.arange(6.0), 9)
    assert resolution_of(1 + 2e-9 * steps) == pytest.approx(2e-9, rel=1e-6)
    assert resolution_of(1 + 5e-10 * steps) == 0
    assert resolution_of(1000 + 2e-6 * steps) == pytest.approx(2e-6, rel=1e-6)
    assert resolution_of(1000 + 5e-7 * steps) == 0
