"""Conversions against their definitions, and the number that carries its unit."""

import copy
import pickle

import numpy as np
import pytest
from scipy.constants import pi

from nbtools.units import Quantity, convert, factor, for_display, format_value


@pytest.mark.parametrize(
    ("unit", "into", "expected"),
    [
        ("Oe", "A/m", 1000 / (4 * pi)),
        ("kOe", "A/m", 1e6 / (4 * pi)),
        ("G", "T", 1e-4),
        ("emu", "A m^2", 1e-3),
        ("emu/cm^3", "A/m", 1e3),
        ("A/cm^2", "A/m^2", 1e4),
        ("uohm cm", "ohm m", 1e-8),
        ("µΩ m", "ohm m", 1e-6),
        ("nm", "m", 1e-9),
    ],
)
def test_factors_are_those_of_the_definitions(unit, into, expected):
    """Each conversion of the paper's units, by its definition, and back."""
    assert factor(unit, into) == pytest.approx(expected, rel=1e-12)
    assert factor(into, unit) == pytest.approx(1 / expected, rel=1e-12)


def test_ampere_in_practical_units():
    """J[A/cm²] = (10/4π) dH[Oe]/dx[cm]."""
    assert factor("Oe/cm", "A/cm^2") == pytest.approx(0.7957747, rel=1e-7)


@pytest.mark.parametrize(
    ("unit", "into", "said"),
    [("Oe", "T", "different things"), ("foo", "m", "cannot read"), ("degC", "K", "zero of its own")],
)
def test_units_that_do_not_fit_are_refused(unit, into, said):
    """H is not B, and an unknown unit is named."""
    with pytest.raises(ValueError, match=said):
        convert(1.0, unit, into)


def test_one_switch_for_axes():
    """The same axis in the paper's units and in SI."""
    assert for_display("A/m", "paper")[1] == "Oe"
    assert for_display("A/m", "SI") == (1.0, "A/m")
    with pytest.raises(ValueError, match='"paper" or "SI"'):
        for_display("A/m", "cgs")


def test_a_quantity_is_a_float_that_remembers():
    """It computes as a float, converts with its uncertainty, survives copying, and does not change."""
    field = Quantity(713.0, 12.0, "Oe")
    assert field + 1 == 714 and np.sqrt(field) == pytest.approx(26.7, abs=0.1)
    assert field.to("A/m").uncertainty == pytest.approx(12 * 79.5775, rel=1e-5)
    assert copy.deepcopy(field).unit == pickle.loads(pickle.dumps(field)).unit == "Oe"
    with pytest.raises(AttributeError, match="does not change"):
        field.unit = "T"


def test_correlated_errors_travel_through_uncertainties():
    """A quantity hands its σ to the uncertainties package and comes back."""
    doubled = Quantity.of(2 * Quantity(5.0, 0.1, "nm").ufloat, "nm")
    assert (doubled, doubled.uncertainty, doubled.unit) == (10.0, pytest.approx(0.2), "nm")


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (38.4123, 0.0234, "38.412 ± 0.023"),
        (713, 12, "713 ± 12"),
        (0.2, 0.0349, "0.200 ± 0.035"),
        (0.2, 0.0996, "0.20 ± 0.10"),
        (0.2, 0.0994, "0.200 ± 0.099"),
        (-1e-17, 0.08, "0.000 ± 0.080"),
        (-2e-9, 3e-7, "(0.0 ± 3.0)e-7"),
        (5.8e-9, 1e-10, "(5.80 ± 0.10)e-9"),
        (123456, 2345, "123500 ± 2300"),
        (5.0, float("nan"), "5"),
        (-0.0, float("nan"), "0"),
        (float("nan"), 1.0, "not determined"),
    ],
)
def test_digits_end_where_the_noise_begins(value, uncertainty, text):
    """Printed digits follow the uncertainty: its two first digits are the last; zero has no sign."""
    assert format_value(value, uncertainty) == text


@pytest.mark.parametrize(
    ("written", "si", "value"),
    [
        ("mOhm", "ohm", 1e-3),
        ("mOhms", "ohm", 1e-3),
        ("kOhms", "ohm", 1e3),
        ("MOhm", "ohm", 1e6),
        ("µOhm", "ohm", 1e-6),
        ("uOhm", "ohm", 1e-6),
        ("MΩ", "ohm", 1e6),
        ("µOhm-cm", "ohm m", 1e-8),
        ("nOhm-m", "ohm m", 1e-9),
        ("Ω-m", "ohm m", 1.0),
        ("Ω·m", "ohm m", 1.0),
        ("emu/g", "A m^2/kg", 1.0),
        ("A-m^2", "A m^2", 1.0),
        ("W/K-m", "W/(K m)", 1.0),
        ("Gauss", "T", 1e-4),
        ("Oersted", "A/m", 1000 / (4 * 3.141592653589793)),
    ],
)
def test_spellings_of_instruments(written, si, value):
    """As header rows of instruments write them; the case of a prefix counts, a hyphen binds before a slash."""
    assert factor(written, si) == pytest.approx(value, rel=1e-12)
