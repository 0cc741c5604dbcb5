"""A measured value as a person writes it."""

import numpy as np
import pytest

from nbtools.files.measures import read_measure
from nbtools.units import Quantity


@pytest.mark.parametrize(
    ("written", "value", "sigma"),
    [
        ("1.00 ± 0.02 mm", 1e-3, 2e-5),
        ("1.00±0.02mm", 1e-3, 2e-5),
        ("1.00 +/- 0.02 mm", 1e-3, 2e-5),
        ("1.00 +- 0.02 mm", 1e-3, 2e-5),
        ("(1.00 ± 0.02) mm", 1e-3, 2e-5),
        ("1.00 mm ± 0.02 mm", 1e-3, 2e-5),
        ("1.00 mm ± 20 µm", 1e-3, 2e-5),
        ("1.00 mm ± 2 %", 1e-3, 2e-5),
        ("1.00(2) mm", 1e-3, 2e-5),
        ("1.00(2)e-1 cm", 1e-3, 2e-5),
        ("1.00 mm", 1e-3, np.nan),
        ({"value": 1, "uncertainty": 0.02, "unit": "mm"}, 1e-3, 2e-5),
        ({"value": 1, "unit": "mm"}, 1e-3, np.nan),
        (Quantity(1.0, 0.02, "mm"), 1e-3, 2e-5),
    ],
)
def test_spellings_of_a_length(written, value, sigma):
    """All of these are a millimetre."""
    quantity = read_measure(written, unit="m")
    assert quantity.unit == "m" and quantity == pytest.approx(value)
    assert quantity.uncertainty == pytest.approx(sigma, nan_ok=True)


@pytest.mark.parametrize(
    ("written", "unit", "value", "sigma"),
    [
        ("0.0 ± 0.5 Oe", "A/m", 0.0, 39.78873577),
        ("50 µT", "A/m", 39.78873577, np.nan),
        ("−0.10 ± 0.05 K", "K", -0.1, 0.05),
        ("5 ± 1 %", "", 0.05, 0.01),
        ("0.05 ± 0.01", "", 0.05, 0.01),
        (0.05, "", 0.05, np.nan),
        ("3.1 g/cm^3", "kg/m^3", 3100.0, np.nan),
        ("1.2 mm²", "m^2", 1.2e-6, np.nan),
    ],
)
def test_other_kinds(written, unit, value, sigma):
    """Fields, temperatures, fractions, densities, areas."""
    quantity = read_measure(written, unit=unit)
    assert quantity == pytest.approx(value) and quantity.uncertainty == pytest.approx(sigma, nan_ok=True)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("1,00 mm", "write a decimal point, not a comma"),
        ("one mm", "found 'one mm'; expected a value, its deviation and unit"),
        ("1.0", "no unit is stated; expected one such as m"),
        (1.0, "found 1.0 without a unit"),
        (True, "found True without a unit"),
        (None, "found None without a unit"),
        ("1 kg", "they measure different things"),
        ("1 ± -0.1 mm", "a deviation that is not negative"),
        ("1e400 mm", "expected a finite value"),
        ("1.00 ± 2 % mm", "found the unit '% mm'"),
        ("1 m^9^9^9", "found the unit 'm^9^9^9'"),
        ("1 furlongish", "cannot read 'furlongish'"),
        ({"value": 1, "unit": "mm", "sigma": 1}, "expected a mapping of value, uncertainty and unit"),
        ({"value": "1", "unit": "mm"}, "expected numbers for value and uncertainty"),
        ("1" * 200 + " mm", "expected a value"),
    ],
)
def test_refused(written, message):
    """What is no length is refused with what was found."""
    with pytest.raises(ValueError, match=message.replace("^", r"\^")):
        read_measure(written, unit="m")


def test_a_temperature_in_celsius_is_no_difference():
    """20 °C is not 20 K: only units without an offset are read."""
    with pytest.raises(ValueError, match="found the unit 'degC'"):
        read_measure("20 degC", unit="K")
