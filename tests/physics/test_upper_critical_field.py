"""The laws of H(T) against printed values, exact limits and the gap equations themselves."""

import time

import numpy as np
import pytest
from scipy.special import digamma

from nbtools.physics.upper_critical_field import (
    MGB2_COUPLINGS,
    orbital_field,
    parabolic_field,
    power_law_field,
    two_band_field,
)

TEMPERATURES = np.linspace(0, 1.2, 61)
UNIT = {"zero_temperature_field": 1.0, "critical_temperature": 1.0}


@pytest.mark.parametrize(
    ("temperature", "published"), [(20, 39.745432), (30, 15.270430), (35, 5.127075), (36.6, 2.418427)]
)
def test_the_papers_law(temperature, published):
    """97.9 kOe (1 − T/38.5 K)^1.23, to all digits printed."""
    law = {"zero_temperature_field": 97.9, "critical_temperature": 38.5, "exponent": 1.23}
    assert power_law_field(temperature, **law) == pytest.approx(published, rel=3e-7)


def test_lower_critical_field_at_ten_kelvin():
    """713 Oe at T = 0 and T_c = 38.5 K, carried to 10 K by the parabola and by the line."""
    law = {"zero_temperature_field": 713, "critical_temperature": 38.5}
    assert parabolic_field(10, **law) == pytest.approx(664.897, rel=1e-6)
    assert power_law_field(10, exponent=1.0, **law) == pytest.approx(527.805, rel=1e-6)


def test_the_orbital_limit_is_0_693_of_the_slope():
    """h*(0) = π² e^−γ/8 = 0.6927 (Werthamer, Helfand and Hohenberg), from the slope 1e-5 below T_c."""
    slope = orbital_field(1 - 1e-5, **UNIT) / 1e-5
    assert 1 / slope == pytest.approx(np.pi**2 * np.exp(-np.euler_gamma) / 8, rel=1e-4)
    assert 1 / slope == pytest.approx(0.693, abs=5e-4)


def test_the_orbital_field_solves_its_equation():
    """ln t + ψ(1/2 + ρ/t) − ψ(1/2) = 0 with ρ(0) = e^−γ/4, from t = 0.001 to 0.999."""
    t = np.linspace(0.001, 0.999, 200)
    rho = orbital_field(t, **UNIT) * np.exp(-np.euler_gamma) / 4
    assert np.log(t) + digamma(0.5 + rho / t) - digamma(0.5) == pytest.approx(0, abs=1e-12)


def test_equal_bands_are_one_band():
    """With one diffusivity, two bands follow the orbital limit."""
    found = two_band_field(TEMPERATURES, diffusivity_ratio=1.0, **UNIT)
    assert found == pytest.approx(orbital_field(TEMPERATURES, **UNIT), abs=1e-13)


@pytest.mark.parametrize("ratio", [0.02, 0.3, 4.0, 60.0])
def test_the_two_band_field_makes_the_gap_equations_singular(ratio):
    """Λ diag(l − X, l − Y) has the largest eigenvalue 1 at H_c2, where l is 1 over that of Λ (T_c)."""
    aa, bb, ab, ba = MGB2_COUPLINGS
    matrix = np.array([[aa, ab], [ba, bb]])
    inverse = 1 / np.max(np.linalg.eigvals(matrix))
    temperatures = np.array([1e-4, 0.2, 0.5, 0.8, 0.95])
    shape = two_band_field(temperatures, diffusivity_ratio=ratio, **UNIT)
    # The scale of h is free in the normalised form: fix it at 0.95 T_c, where one equation gives it.
    scale = _pair_breaking_at(0.95, ratio, matrix, inverse) / shape[-1]
    for t, h in zip(temperatures, shape * scale, strict=True):
        assert _largest_eigenvalue(h, t, ratio, matrix, inverse) == pytest.approx(1, abs=1e-8)


def _largest_eigenvalue(h, t, ratio, matrix, inverse):
    shifts = np.log(t) + digamma(0.5 + h * np.array([1, ratio]) / t) - digamma(0.5)
    return np.max(np.linalg.eigvals(matrix @ np.diag(inverse - shifts)).real)


def _pair_breaking_at(t, ratio, matrix, inverse):
    low, high = 0.0, 10.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if _largest_eigenvalue(middle, t, ratio, matrix, inverse) > 1 else (low, middle)
        )
    return low


@pytest.mark.parametrize("ratio", [0.02, 0.3, 4.0, 60.0])
def test_both_ends_follow_gurevichs_closed_forms(ratio):
    """The slope at T_c over the field at T = 0, from the two limits that the paper gives in closed form."""
    aa, bb, ab, ba = MGB2_COUPLINGS
    w, difference, log = aa * bb - ab * ba, aa - bb, np.log(ratio)
    root = np.sqrt(difference**2 + 4 * ab * ba)
    g = np.sqrt((root / w) ** 2 + log**2 + 2 * difference / w * log) - root / w
    at_zero = np.exp(digamma(0.5) + g / 2) / np.sqrt(ratio)
    slope = 4 / np.pi**2 / (1 + difference / root + (1 - difference / root) * ratio)
    near = 1e-6
    found = two_band_field(1 - near, diffusivity_ratio=ratio, **UNIT) / near
    assert found == pytest.approx(slope / at_zero, rel=1e-4)


@pytest.mark.parametrize(("ratio", "low", "high"), [(0.05, 0.05, 0.15), (20.0, 0.85, 0.95)])
def test_unequal_bands_bend_upwards(ratio, low, high):
    """η ≪ 1 turns H_c2 up below 0.2 T_c, η ≫ 1 bends it up near T_c; one band bends it down everywhere."""
    t = np.array([low, (low + high) / 2, high])
    assert np.diff(two_band_field(t, diffusivity_ratio=ratio, **UNIT), 2) > 0
    assert np.diff(orbital_field(t, **UNIT), 2) < 0


def test_a_hundred_temperatures_take_under_twenty_milliseconds():
    """The two-band law sits inside a fit: best of five."""
    temperatures, best = np.linspace(1, 38, 100), np.inf
    for _ in range(5):
        start = time.perf_counter()
        two_band_field(
            temperatures, zero_temperature_field=8e6, critical_temperature=38.5, diffusivity_ratio=0.2
        )
        best = min(best, time.perf_counter() - start)
    assert best < 0.02


LAWS = [
    (power_law_field, {"exponent": 1.23}),
    (parabolic_field, {}),
    (orbital_field, {}),
    *((two_band_field, {"diffusivity_ratio": ratio}) for ratio in (1e-3, 0.2, 1.0, 5.0, 1e3)),
]


@pytest.mark.parametrize(("law", "options"), LAWS)
def test_every_law_starts_at_its_field_falls_and_ends_at_tc(law, options):
    """H(0) as asked, finite and not rising with T, exactly zero from T_c up, the shape kept."""
    field = law(TEMPERATURES.reshape(1, -1), zero_temperature_field=7e6, critical_temperature=1.0, **options)
    assert field.shape == (1, 61) and field[0, 0] == pytest.approx(7e6, rel=1e-9)
    assert np.all(np.diff(field) <= 1e-6) and np.all(np.isfinite(field))
    assert np.all(field[0, TEMPERATURES >= 1] == 0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"temperature": -1}, "temperature is -1; it cannot be negative"),
        ({"zero_temperature_field": 0}, "zero_temperature_field is 0; it must be positive"),
        ({"critical_temperature": np.nan}, "critical_temperature is nan; it must be positive"),
        ({"diffusivity_ratio": -2}, "diffusivity_ratio is -2; it must be positive"),
    ],
)
def test_impossible_input_is_refused(arguments, sentence):
    """The error names the argument, what came and what was expected."""
    good = {"temperature": 0.5, "diffusivity_ratio": 1.0} | UNIT
    with pytest.raises(ValueError, match=sentence):
        two_band_field(**good | arguments)
