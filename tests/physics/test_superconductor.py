"""Lengths, fields, transition shapes and magnetisation against printed values and their own definitions."""

import numpy as np
import pytest
from scipy.constants import k

from nbtools.physics.superconductor import (
    FLUX_QUANTUM,
    coherence_length,
    depairing_current,
    dirty_penetration_depth,
    edge_barrier_factor,
    lower_critical_field,
    resistive_surface,
    screening_fraction,
    thermodynamic_field,
    transition_fraction,
    upper_critical_field,
    virgin_magnetisation,
)
from nbtools.physics.upper_critical_field import power_law_field
from nbtools.units import factor

OERSTED = factor("Oe", "A/m")
NM = 1e-9
LAW = {"zero_temperature_field": 7.79e6, "critical_temperature": 37.26, "exponent": 1.23}
SURFACE = LAW | {"width": 0.45, "broadening_field": 4e6}


@pytest.mark.parametrize(
    ("call", "published"),
    [
        (lambda: FLUX_QUANTUM, 2.067833848e-15),
        (lambda: coherence_length(97.9e3 * OERSTED), 5.797978 * NM),
        (lambda: upper_critical_field(5.797978 * NM), 97.9e3 * OERSTED),
        (lambda: lower_critical_field(77.320736 * NM, 5.797978 * NM), 713 * OERSTED),
        (lambda: lower_critical_field(77.634982 * NM, 5.70 * NM), 713 * OERSTED),
        (lambda: lower_critical_field(85.827864 * NM, 5.797978 * NM, core_term=0.497), 713 * OERSTED),
        (lambda: thermodynamic_field(77.7 * NM, 5.7 * NM), 5254.42 * OERSTED),
        (lambda: depairing_current(77.7 * NM, 5.7 * NM), 2.929255e12),
        (lambda: dirty_penetration_depth(0.2e-6, 1.764 * k * 38.5), 75.483 * NM),
        (lambda: edge_barrier_factor(5), 0.950),
        (lambda: edge_barrier_factor(0.5 / 4.1, shape="bar"), 0.206516),
    ],
)
def test_published_values(call, published):
    """Each formula gives the printed number to its last digit."""
    assert call() == pytest.approx(published, rel=3e-4 if published == 0.950 else 1e-5)


def test_the_fields_obey_their_identity():
    """H_c1 H_c2 = H_c² ln κ, whatever the lengths."""
    depth, length = np.array([50, 80, 200]) * NM, np.array([6, 3, 10]) * NM
    product = lower_critical_field(depth, length) * upper_critical_field(length)
    assert product == pytest.approx(thermodynamic_field(depth, length) ** 2 * np.log(depth / length))


def test_the_depairing_current_is_that_of_ginzburg_and_landau():
    """J_d = (2/3)^{3/2} H_c/λ."""
    expected = (2 / 3) ** 1.5 * thermodynamic_field(80 * NM, 6 * NM) / (80 * NM)
    assert depairing_current(80 * NM, 6 * NM) == pytest.approx(expected)


def test_the_transition_is_a_normal_distribution():
    """0.158655 one width below the midpoint, ½ on it, 0 and 1 far away."""
    found = transition_fraction([0, 37.4, 37.8, 300], midpoint=37.8, width=0.4)
    assert found == pytest.approx([0, 0.158655, 0.5, 1], abs=1e-6)


@pytest.mark.parametrize("temperature", [2.0, 15.0, 30.0, 37.0])
def test_the_resistance_crosses_ten_per_cent_on_the_critical_field(temperature):
    """R(T, H_c2(T)) = 0.1 R_n exactly, either sign of the field; more field, more resistance."""
    critical = power_law_field(temperature, **LAW)
    fields = critical * np.array([-1.0, 1.0, 0.9, 1.1])
    found = resistive_surface(temperature, fields, **SURFACE)
    assert found[:2] == pytest.approx(0.1, rel=1e-11)
    assert found[2] < 0.1 < found[3]


def test_without_field_the_surface_is_the_transition():
    """At H = 0 it is `transition_fraction` with a midpoint 1.2816 widths above the 10 % temperature."""
    temperatures = np.linspace(35, 40, 11)
    midpoint = LAW["critical_temperature"] + 1.2815515655 * 0.45
    expected = transition_fraction(temperatures, midpoint=midpoint, width=0.45)
    assert resistive_surface(temperatures, 0.0, **SURFACE) == pytest.approx(expected, abs=1e-10)


def test_temperature_and_field_broadcast():
    """A column of temperatures and a row of fields make a map."""
    assert resistive_surface(np.ones((5, 1)), np.ones(7), **SURFACE).shape == (5, 7)


def test_without_barrier_the_magnetisation_is_beans_slab():
    """−x + x²/2 up to full penetration, then −1/2, odd in the field."""
    x = np.linspace(0, 1, 11)
    bean = {"susceptibility": -1.0, "entry_field": 0.0, "full_field": 2.0}
    assert virgin_magnetisation(x, **bean) == pytest.approx(-x + x**2 / 2)
    assert virgin_magnetisation([3.0, -3.0, -0.4], **bean) == pytest.approx([-0.5, 0.5, 0.32])


def test_below_entry_the_bar_is_fully_screened():
    """M = χ0 H up to the entry field, and the square root of the deviation is a straight line from there."""
    field = np.linspace(0, 1500, 301)
    found = virgin_magnetisation(field, susceptibility=-1.14, entry_field=700, full_field=5000)
    deviation = np.sqrt(np.clip(found + 1.14 * field, 0, None) / 1.14 * 5000)
    assert deviation == pytest.approx(np.clip(field - 700, 0, None), abs=1e-4)


def test_screening_vanishes_at_tc():
    """0 from T_c up, 1 − 1/e one width below, 1 far below."""
    found = screening_fraction([0, 37.8, 38.5, 40], critical_temperature=38.5, width=0.7)
    assert found == pytest.approx([1, 1 - np.exp(-1), 0, 0])


BEAN = {"susceptibility": -1, "entry_field": 1, "full_field": 1}


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: upper_critical_field(0), "coherence_length is 0; it must be positive"),
        (lambda: coherence_length([1, -2]), "upper_critical_field is -2; it must be positive"),
        (
            lambda: lower_critical_field(5e-9, 8e-8),
            "has more than 0.707: check that the two are not exchanged",
        ),
        (lambda: thermodynamic_field(-1, 1), "penetration_depth is -1; it must be positive"),
        (lambda: depairing_current(1, 0), "coherence_length is 0; it must be positive"),
        (lambda: dirty_penetration_depth(1e-6, 0), "gap is 0; it must be positive"),
        (
            lambda: edge_barrier_factor(5, shape="sphere"),
            "shape is 'sphere'; it can be 'cylinder', 'bar'",
        ),
        (lambda: edge_barrier_factor(0), "length_over_diameter is 0; it must be positive"),
        (lambda: transition_fraction(1, midpoint=1, width=0), "width is 0; it must be positive"),
        (lambda: resistive_surface(1, 1, **SURFACE | {"width": -1}), "width is -1; it must be positive"),
        (
            lambda: virgin_magnetisation(1, **BEAN | {"susceptibility": 1}),
            "susceptibility is 1; that of a screening",
        ),
        (
            lambda: virgin_magnetisation(1, **BEAN | {"entry_field": -1}),
            "entry_field is -1; it cannot be negative",
        ),
        (
            lambda: screening_fraction(1, critical_temperature=0, width=1),
            "critical_temperature is 0; it must be",
        ),
    ],
)
def test_impossible_input_is_refused(call, sentence):
    """The error names the argument, what came and what was expected."""
    with pytest.raises(ValueError, match=sentence):
        call()
