"""Parts of the transition's estimator on curves whose answer is done by hand."""

import numpy as np
import pytest

from nbtools.statistics.noise import noise_of, relative_error_of_noise
from nbtools.transport import transition
from nbtools.transport.lengths import SMALLEST_KAPPA
from nbtools.transport.lower_field import _interval, extrapolate_lower_critical_field
from nbtools.transport.transition import (
    _log_slope,
    _rough_step,
    _thermometer_jitter,
    _turning_points,
    calmed,
    kind_of,
)
from nbtools.transport.upper_field import estimate_upper_critical_field


def test_a_rough_step_by_its_quarters():
    """Where the share is last below 25, 50 and 75 %, coming from the cold; 10 and 90 % are 1.9 times as far off."""
    x = np.arange(30.0, 41.0)
    fraction = np.array([0.0, 0.1, 0.2, 0.24, 0.3, 0.45, 0.49, 0.6, 0.74, 0.9, 1.0])
    step = _rough_step(x, fraction)
    assert (step.half, step.ten, step.ninety) == pytest.approx((36.0, 36 - 1.9 * 3, 36 + 1.9 * 2))
    assert _rough_step(x, fraction + 1) is None
    cold = _rough_step(x, np.where(x < 36, 0.3, 1.0))
    assert (cold.half, cold.ten) == pytest.approx((35.0, 35 - 1.9 * 5))


def test_a_power_law_above_the_step_has_its_exponent():
    """Whatever the resistance; of a metal's T³ three, of a constant nought."""
    x = np.linspace(30.0, 80.0, 201)
    step = transition.Step(38.0, 39.0, 40.0)
    for exponent in (3.0, 0.0, -0.5):
        y = np.where(x > 40, 7e-3 * x**exponent, 0.0)
        assert _log_slope(x, y, step) == pytest.approx(exponent, abs=1e-9)
    # Few points above: the five nearest to 1.3 times the step's top.
    few = np.array([30.0, 35, 41, 44, 47, 49, 55, 90])
    assert _log_slope(few, few**2.0, step) == pytest.approx(2, abs=1e-9)
    assert _log_slope(few, np.where(few < 50, 0.0, 1.0), transition.Step(50, 60, 80.0)) == 0.0


def test_jitter_is_what_the_noise_exceeds_on_the_steep_part():
    """The scatter between 15 and 85 % less the stated one and its own error, largest half way, none at the ends."""
    rng = np.random.default_rng(3)
    x = np.linspace(0, 1, 401)
    reduced = np.clip(1.6 * x - 0.3, 0, 1)
    steep = (reduced > 0.15) & (reduced < 0.85)
    noisy = reduced + np.where(steep, 0.02 * rng.standard_normal(401), 0.0)
    sigma = np.full(401, 0.005)
    found = _thermometer_jitter(x, noisy, sigma)
    inside = (noisy > 0.15) & (noisy < 0.85)
    known = 0.005**2 * (1 + 2 * relative_error_of_noise(int(inside.sum())))
    excess = np.sqrt(noise_of(x, noisy, where=inside) ** 2 - known)
    assert found == pytest.approx(excess * 4 * np.clip(noisy * (1 - noisy), 0, None), rel=1e-12)
    assert not _thermometer_jitter(x, noisy, np.full(401, 0.05)).any()
    assert not _thermometer_jitter(x[::100], noisy[::100], sigma[::100]).any()


def test_a_calmed_curve_keeps_a_step_and_loses_a_wild_point():
    """Three points where it is quiet; as many more as bring the noise to 1 % of the range where it is not."""
    x = np.arange(300.0)
    step = np.where(x < 150, 0.0, 1.0)
    wild = step.copy()
    wild[40] = 0.7
    curve = transition.Curve(x, wild)
    assert calmed(curve).tolist() == step.tolist()
    noisy = step + 0.03 * np.random.default_rng(1).standard_normal(300)
    calm = calmed(transition.Curve(x, noisy))
    size = int(np.clip(1.6 * (noise_of(x, noisy) / np.ptp(noisy) / 0.01) ** 2, 3, 30)) | 1
    assert 5 <= size <= 31
    expected = [np.median(noisy[i - size // 2 : i + size // 2 + 1]) for i in range(40, 120)]
    assert calm[40:120] == pytest.approx(expected)


def test_the_upper_field_does_not_hang_on_the_unit_of_the_resistance():
    """Resistance, normal resistance and uncertainty a thousand times larger: the same field and error."""
    h = np.linspace(0, 7e6, 71)
    r = 1 / (1 + np.exp(-(h - 3e6) / 2e5)) + 0.01 * np.sin(np.arange(71.0))
    found = [
        estimate_upper_critical_field(h, unit * r, normal_resistance=unit, uncertainty=0.01 * unit)
        for unit in (1.0, 1000.0)
    ]
    assert found[0].field == pytest.approx(found[1].field, rel=1e-9)
    assert (
        found[0].field.uncertainty == pytest.approx(found[1].field.uncertainty, rel=1e-9) and found[0].field
    )


def test_the_border_of_the_second_kind():
    """κ = 1/√2 (Ginzburg and Landau 1950)."""
    assert pytest.approx(0.5**0.5) == SMALLEST_KAPPA


def test_a_temperature_turns_where_it_goes_back_by_a_fifth():
    """Down, up and down again; a thermometer that wavers by less turns nowhere."""
    falling, rising = np.arange(300.0, 200.0, -1), np.arange(200.0, 250.0)
    x = np.concatenate([falling, rising, rising[::-1]])
    assert _turning_points(x) == [101, 151]  # after 200 K, the last of its branch, and after the second 249 K
    wavering = np.linspace(300, 200, 101) + 9 * np.sin(np.arange(101.0))
    assert _turning_points(wavering) == [] and _turning_points(np.array([])) == []


def test_a_signal_that_ends_below_zero_is_a_moment():
    """By five times its noise and 2 % of its largest."""
    x = np.linspace(5, 60, 200)
    noise = 1e-3 * np.random.default_rng(0).standard_normal(200)
    kinds = {
        depth: kind_of(transition.Curve(x, np.where(x < 39, -depth, 0.2) + noise)) for depth in (1, 0.1, 2e-3)
    }
    assert kinds == {1: "diamagnetic", 0.1: "diamagnetic", 2e-3: "resistive"}
    assert kind_of(transition.Curve(x, np.where(x < 39, -0.015, 1.0))) == "resistive"
    assert kind_of(transition.Curve(x, np.where(x < 39, -0.025, 1.0))) == "diamagnetic"


def test_an_interval_ends_where_chi_square_has_risen_by_one():
    """Of a parabola of σ = 0.4 about 2, by lines between the trials; of one whose end lies beyond, at the end."""
    trial = np.arange(0.0, 4.001, 0.001)
    low, high = _interval(trial, 7 + ((trial - 2) / 0.4) ** 2, 2000, 1.0)
    assert (low, high) == pytest.approx((1.6, 2.4), abs=1e-6)
    low, high = _interval(trial, 7 + ((trial - 2) / 0.4) ** 2, 2000, 4.0)
    assert (low, high) == pytest.approx((1.2, 2.8), abs=1e-6)
    coarse = np.array([0.0, 1.0, 2.0, 3.0])
    assert _interval(coarse, np.array([9.0, 5.0, 3.0, 3.5]), 2, 1.0) == pytest.approx((1.5, 3.0))


@pytest.mark.parametrize("law", ["parabolic", "linear"])
def test_a_field_carried_to_zero_temperature_by_weighted_least_squares(law):
    """As numpy's, with χ² of the points about it; a σ below their scatter is widened by it, a larger one is not."""
    t, h = np.array([5.0, 15.0, 25.0, 33.0]), np.array([9.1e3, 8.3e3, 5.0e3, 2.9e3])
    for sigma in (np.array([50.0, 80.0, 60.0, 90.0]), np.full(4, 5e3)):
        shape = 1 - (t / 39) ** (2 if law == "parabolic" else 1)
        [zero], [chi_square], *_ = np.linalg.lstsq((shape / sigma)[:, None], h / sigma, rcond=None)
        found = extrapolate_lower_critical_field(t, h, uncertainty=sigma, law=law, critical_temperature=39.0)
        error = np.sqrt(max(1, chi_square / 3) / np.sum((shape / sigma) ** 2))
        assert found.zero_temperature_field == pytest.approx(zero)
        assert found.zero_temperature_field.uncertainty == pytest.approx(error)
        assert found.chi_square == pytest.approx(chi_square) and found.points == 4
        assert found.predict([0.0, 39.0]) == pytest.approx([zero, 0], abs=1e-9)
