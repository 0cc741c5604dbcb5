"""The pick-up coils against limits, and the sample-length factor against fits done the long way."""

import numpy as np
import pytest
from scipy.constants import mu_0
from scipy.optimize import curve_fit

from nbtools.transport.model_gradiometer import COILS, sample_length_factor, scan_voltage

MODES = list(COILS)


def rod_voltage(position, length, coils):
    """Second-order response to a uniform rod, integrated by hand."""

    radius, baseline = coils

    def coil(z):
        ends = np.array([z - length / 2, z + length / 2])
        lower, upper = ends / np.sqrt(radius**2 + ends**2)
        return mu_0 / 2 * (upper - lower) / length

    return 2 * coil(position) - coil(position - baseline) - coil(position + baseline)


def test_the_centred_dipole_is_that_of_three_loops():
    """At z = 0: µ0/R (1 − R³/(R² + Λ²)^{3/2}), the reciprocal of the loops' axial field."""
    radius, baseline = COILS["MPMS"]
    expected = mu_0 / radius * (1 - radius**3 / (radius**2 + baseline**2) ** 1.5)
    assert scan_voltage(0.0, mode="MPMS") == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_far_from_the_coils_a_second_order_gradiometer_sees_z_to_the_minus_five(mode):
    """No turns in total and no first moment: the flux falls as z⁻⁵, so tenfold distance takes 10⁵."""
    near, far = scan_voltage([1.0, 10.0], mode=mode)
    assert near / far == pytest.approx(1e5, rel=1e-2)


@pytest.mark.parametrize("mode", ["MPMS", "MPMS3 dc"])
@pytest.mark.parametrize("length", [2e-3, 5e-3, 12e-3])
def test_the_factor_is_what_a_four_parameter_fit_finds(mode, length):
    """A least-squares dipole with free amplitude, centre, offset and slope reads the same moment."""
    z = np.linspace(-0.02, 0.02, 401)

    def dipole(position, moment, centre, offset, slope):
        point = scan_voltage(position - 1e-3 * centre, mode=mode)
        return 1e5 * moment * point + offset + slope * position / 0.02

    found, _ = curve_fit(dipole, z, 1e5 * rod_voltage(z, length, COILS[mode]), p0=[1, 0.1, 0, 0])
    assert sample_length_factor(length, mode=mode) == pytest.approx(found[0], rel=1e-5)


def test_a_small_vibration_reads_a_second_derivative():
    """For a vanishing amplitude the factor is the ratio of V″ of rod and point at the centre."""
    length, step = 5e-3, 2e-4

    def v(z):
        return scan_voltage(z, mode="MPMS3 vsm")

    slope = (v(length / 2 + step) - v(length / 2 - step)) / (2 * step)
    expected = 2 * slope / length / ((v(step) - 2 * v(0.0) + v(-step)) / step**2)
    found = sample_length_factor(length, mode="MPMS3 vsm", amplitude=1e-5)
    assert found == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(
    ("mode", "options", "planned"),
    [
        ("MPMS", {}, 0.966),
        ("MPMS3 dc", {}, 0.93),
        ("MPMS3 vsm", {"amplitude": 3e-3}, 0.85),
    ],
)
def test_five_millimetres_read_what_the_planning_runs_showed(mode, options, planned):
    """0.966, 0.93 and 0.85 of a 5 mm rod's moment, to half a unit of the last digit printed."""
    digit = 10.0 ** -len(str(planned).split(".")[1])
    assert sample_length_factor(5e-3, mode=mode, **options) == pytest.approx(planned, abs=digit / 2)


@pytest.mark.parametrize("mode", MODES)
def test_a_point_reads_one_and_a_longer_rod_less(mode):
    """The factor starts at 1 and falls with length."""
    factors = [sample_length_factor(length, mode=mode) for length in (0, 1e-3, 3e-3, 6e-3, 10e-3)]
    assert factors[0] == pytest.approx(1, rel=1e-14)
    assert np.all(np.diff(factors) < 0)


def test_a_sample_as_long_as_the_standard_reads_its_moment():
    """An instrument calibrated with a rod reads rods of that length right."""
    assert sample_length_factor(4e-3, mode="MPMS", reference_length=4e-3) == pytest.approx(1, rel=1e-14)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: scan_voltage(0.0, mode="SQUID"), "mode is 'SQUID'; it can be 'MPMS', 'MPMS3 dc'"),
        (
            lambda: sample_length_factor(5e-3, mode="PPMS vsm"),
            "no published dimensions; leave instrument off the card",
        ),
        (lambda: sample_length_factor(-5e-3, mode="MPMS"), "length is -0.005; it cannot be negative"),
        (
            lambda: sample_length_factor(5e-3, mode="MPMS", scan_length=0),
            "scan_length is 0; it must be positive",
        ),
    ],
)
def test_impossible_input_is_refused(call, sentence):
    """The error names what came, what was expected, and what to give."""
    with pytest.raises(ValueError, match=sentence):
        call()
