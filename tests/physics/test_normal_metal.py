"""Bloch and Grüneisen's integral against closed forms and adaptive quadrature."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gamma, spence, zeta

from nbtools.physics.normal_metal import bloch_gruneisen

DEBYE = 880.0


def phonons(temperature, exponent):
    return bloch_gruneisen(temperature, residual=0, amplitude=1, debye_temperature=DEBYE, exponent=exponent)


@pytest.mark.parametrize(
    ("exponent", "temperature", "published"),
    [
        (3, 40, 6.773420e-4),
        (3, 100, 1.036832e-2),
        (3, 300, 1.232590e-1),
        (5, 40, 2.414404e-5),
        (5, 100, 2.065884e-3),
        (5, 300, 5.476764e-2),
    ],
)
def test_tabulated_values(exponent, temperature, published):
    """(T/Θ)^m J_m(Θ/T) at Θ = 880 K, to all digits of the table."""
    assert phonons(temperature, exponent) == pytest.approx(published, rel=1e-6)


@pytest.mark.parametrize(("exponent", "printed"), [(2, 3.289868134), (3, 7.212341419), (5, 124.4313306)])
def test_far_below_the_debye_temperature(exponent, printed):
    """J_m(∞) = Γ(m + 1) ζ(m), which is the printed value."""
    found = phonons(1e-3 * DEBYE, exponent) * 1e3**exponent
    assert found == pytest.approx(gamma(exponent + 1) * zeta(exponent), rel=1e-12)
    assert found == pytest.approx(printed, rel=1e-9)


@pytest.mark.parametrize("exponent", [1.5, 2, 2.5, 3, 5])
def test_far_above_the_debye_temperature(exponent):
    """T/(Θ(m − 1)), less a part (m − 1)(Θ/T)²/(12(m + 1)) that is 1e-9 here."""
    assert phonons(1e4 * DEBYE, exponent) == pytest.approx(1e4 / (exponent - 1), rel=1e-8)


def test_the_second_power_has_a_closed_form():
    """J_2(z) = 2∫x/(e^x − 1) − z²/(e^z − 1), by the dilogarithm, from T/Θ = 1/1000 to 10."""
    z = 1 / np.geomspace(0.01, 10, 40)
    debye = np.pi**2 / 6 + z * np.log(-np.expm1(-z)) - spence(-np.expm1(-z))
    assert phonons(DEBYE / z, 2) * z**2 == pytest.approx(2 * debye - z**2 / np.expm1(z), rel=1e-10)


@pytest.mark.parametrize("exponent", [2.5, 3, 5])
@pytest.mark.parametrize("reduced", [1e-3, 0.02, 0.1, 0.7, 10.0])
def test_adaptive_quadrature_agrees(exponent, reduced):
    """To 1e-10, whole powers or not."""
    edges = np.r_[0, np.geomspace(1e-3, 1, 8) * min(1 / reduced, 150)]

    def integrand(x):
        return x**exponent / (4 * np.sinh(x / 2) ** 2) if x else 0.0

    pieces = [quad(integrand, low, high, epsabs=0, epsrel=1e-12)[0] for low, high in pairwise(edges)]
    assert phonons(reduced * DEBYE, exponent) == pytest.approx(reduced**exponent * sum(pieces), rel=1e-10)


def test_residual_and_amplitude_enter_linearly():
    """ρ = ρ0 + A·shape, any shape of temperatures kept."""
    temperatures = np.array([[0.0, 40], [100, 300]])
    found = bloch_gruneisen(temperatures, residual=2, amplitude=3, debye_temperature=DEBYE, exponent=3)
    assert found == pytest.approx(2 + 3 * phonons(temperatures, 3))
    assert found[0, 0] == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"temperature": [10, -2]}, "temperature is -2; it cannot be negative"),
        ({"debye_temperature": 0}, "debye_temperature is 0; it must be positive"),
        ({"exponent": 1}, "exponent is 1; the transport integral needs more than 1"),
    ],
)
def test_impossible_input_is_refused(arguments, sentence):
    """The error names the argument, what came and what was expected."""
    good = {"temperature": 10, "residual": 0, "amplitude": 1, "debye_temperature": DEBYE, "exponent": 3}
    with pytest.raises(ValueError, match=sentence):
        bloch_gruneisen(**good | arguments)
