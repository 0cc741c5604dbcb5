"""Noise is found whatever the curve; rounding is a noise of its own; averages and nulls are what they say."""

import numpy as np
import pytest

from nbtools.statistics.noise import averaged, noise_of, relative_error_of_noise, resolution_of, robust_sigma
from nbtools.statistics.nulls import p_value
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
