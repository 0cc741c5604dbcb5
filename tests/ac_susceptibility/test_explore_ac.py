"""One cycle under the hand, and rectangles that follow a level, with no screen."""

import numpy as np
import pytest

from nbtools.ac_susceptibility import AcCurve
from nbtools.ac_susceptibility.explore import (
    critical_state,
    cycle_at,
    rectangle_at,
    rectangles,
)
from nbtools.ac_susceptibility.study import CurvesStudy
from nbtools.physics.ac_response import eddy_susceptibility
from nbtools.physics.bean_state import bean_susceptibility

T = np.linspace(35.9, 37.6, 171)


@pytest.fixture(scope="module")
def curves():
    full = 12.0 * ((37.7 - T) / 0.4) ** 5
    return [AcCurve(h, T, *bean_susceptibility(h / full, "square_bar")) for h in (8.0, 80.0, 800.0)]


def test_the_operating_point_is_beans():
    """χ at the amplitude, on loop and plane; the field under the surface is the applied one."""
    shown = cycle_at(amplitude=1.0, phase=0.25, exponent=41)
    assert (shown["χ'"], shown["χ''"]) == pytest.approx((-0.3125, 0.212207), abs=1e-6)
    _, profile = shown["flux profile, Bean"].curves["field"]
    assert profile[0] == pytest.approx(0.0, abs=1e-12)
    here = shown["loop, Bean"].curves["now"]
    assert here[1][0] == pytest.approx(-1 / 3 + 2 * (0.5 - 0.25 + 0.125 / 3), abs=1e-6)


def test_the_ohmic_end():
    """n = 1 shows a metal's plane: its highest loss is 0.377."""
    shown = cycle_at(amplitude=1.0, exponent=1.0, geometry="cylinder", frequency=3.0)
    depth = np.sqrt(3.0 / 2)
    assert float(shown["χ''"]) == pytest.approx(float(eddy_susceptibility(depth, "cylinder")[1]), abs=2e-3)


def test_every_slider_changes_something():
    """Amplitude, phase, exponent, frequency, dc field, shape."""
    explorer = critical_state()
    start = repr(explorer.panels())
    for name, value in (
        ("amplitude", 2.0),
        ("phase", 0.7),
        ("exponent", 5.0),
        ("frequency", 20.0),
        ("bias", 2.0),
    ):
        explorer.set(name, value=value)
        moved = repr(explorer.panels())
        assert moved != start, name
        start = moved


def test_a_level_closes_its_rectangle(curves):
    """On Bean's curves and on creep with the same current, at any level."""
    explorer = rectangles(CurvesStudy(tuple(curves), tuple(curves), (), {}))
    for level in (0.3, 0.5, 0.7):
        explorer.set("level", value=level)
        numbers = explorer.outcome.numbers
        assert float(numbers["T_B − T_D"]) == pytest.approx(0.0, abs=1.0)
    shown = rectangle_at(curves, level=0.5, exponent=5.0)
    assert float(shown["T_B − T_D of creep"]) == pytest.approx(0.0, abs=3.0)
