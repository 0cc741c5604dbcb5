"""Sliders over the arguments of any function."""

from typing import Literal

import numpy as np
import pytest

from nbtools.models.normal_metal import bloch_gruneisen
from nbtools.units import Quantity
from nbtools.widgets.driving import drive
from nbtools.widgets.explore import explore
from nbtools.widgets.fit_state import StateError

T = np.linspace(10, 300, 50)
START = {"residual": 2e-8, "amplitude": 4e-7, "debye_temperature": 880.0}


def resistivity(**options):
    return explore(
        bloch_gruneisen, x=T, values=START, ranges={"exponent": (2, 6)}, y_unit="ohm m", x_unit="K", **options
    )


def area(width: float = 2.0, height: float = 3.0, shape: Literal["box", "triangle"] = "box") -> dict:
    """A planted function with a menu.

    width, height : m, of the box
    """
    return {"area": Quantity(width * height * (1 if shape == "box" else 0.5), 0.1, "m^2")}


def test_units_come_from_the_docstring() -> None:
    """Those of a model of ours; the symbol m in its formula is not metres."""
    known = resistivity().current.parameters
    assert {name: p.unit for name, p in known.items()} == {
        "residual": "Ω m",
        "amplitude": "Ω m",
        "debye_temperature": "K",
        "exponent": "",
    }


def test_ranges_come_from_defaults_annotations_or_as_given() -> None:
    """A default makes a slider around it, a Literal a menu, a pair its own ends."""
    made = explore(area, ranges={"height": (1.0, 4.0)})
    low, high = made.current.parameters["width"].ends
    assert low < 2 < high
    assert made.current.parameters["height"].ends == (1, 4)
    assert made.options == {"shape": ("box", "triangle")}


def test_moving_a_slider_moves_the_curve() -> None:
    """The curve drawn is the function at the slider's value, in the units shown."""
    made = resistivity()
    made.controls["residual"].value = 1000
    (curve,) = made.face.plots[0].lines.values()
    expected = bloch_gruneisen(T, **made.arguments) * 1e8
    assert np.array(curve.y) == pytest.approx(expected)
    made.close()


def test_a_number_is_swept_and_marked() -> None:
    """The line is the function over the whole range, the dot where the slider stands."""
    made = explore(area, ranges={"width": (1.0, 5.0)}, against="width", system="SI")
    (panel,) = made.panels()
    x, y = panel.lines["area"]
    assert y == pytest.approx(3 * x)
    made.set("width", value=4.0)
    assert [float(v[0]) for v in made.panels()[0].dots["area here"]] == [4, 12]


def test_a_menu_changes_the_sweep() -> None:
    """All plots follow every argument."""
    made = explore(area, against="width", system="SI")
    before = made.panels()[0].lines["area"][1]
    made.controls["shape"].value = "triangle"
    assert made.panels()[0].lines["area"][1] == pytest.approx(before / 2)
    assert made.summary() == "area = 3.00 ± 0.10 m^2"
    made.close()


def test_a_gap_where_the_function_refuses() -> None:
    """The sweep goes on beyond it."""

    def root(a: float = 1.0):
        if a < 0:
            raise ValueError("negative")
        return np.sqrt(a)

    made = explore(root, ranges={"a": (-1.0, 1.0)}, values={"a": 0.5}, against="a")
    y = made.panels()[0].lines["value"][1]
    assert np.isnan(y[:20]).all()
    assert y[-1] == 1


def test_state_and_undo() -> None:
    """The state is JSON, set and taken back."""
    made = explore(area)
    first = made.state
    made.set("shape", value="triangle").set("width", value=3.0)
    second = made.state
    made.undo().undo()
    assert made.state == first
    made.state = second
    assert made.arguments == {"width": 3.0, "height": 3.0, "shape": "triangle"}


def test_code_makes_the_same_call() -> None:
    """With the function imported, and the array by its own name."""
    made = resistivity()
    known = {"temperature": T}
    exec(made.to_code(), known)
    assert known["result"] == pytest.approx(made.outcome.curves["value"][1], rel=1e-12)


@pytest.mark.parametrize("make", [resistivity, lambda: explore(area, against="width")])
def test_driven_cleanly(make) -> None:
    """No end of a slider breaks it."""
    made = make()
    report = drive(made)
    assert report.clean, report
    made.close()


def test_an_error_of_the_function_is_a_sentence() -> None:
    """It is shown, and found by a test."""

    def broken(a: float = 1.0):
        raise RuntimeError("planted")

    made = explore(broken)
    assert "RuntimeError: planted" in made.face.sentences.value
    assert made.errors
    made.close()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: explore(lambda: 1), "no argument to move"),
        (lambda: explore(lambda a: a), r"a has no value: give ranges="),
        (lambda: explore(area, ranges={"depth": (0, 1)}), r"\['depth'\] came"),
        (lambda: explore(area, ranges={"width": (2, 1)}), "the range 2 … 1 is empty"),
        (lambda: explore(area, against="shape"), "against is 'shape'"),
    ],
)
def test_what_cannot_be_explored_says_why(make, says: str) -> None:
    """With what to give."""
    with pytest.raises(ValueError, match=says):
        make()


def test_a_strange_result_is_named() -> None:
    """What came, and what was expected."""
    with pytest.raises(StateError, match="came as str"):
        _ = explore(lambda a=1.0: "text").outcome


def test_the_picture_stands_without_a_kernel() -> None:
    """As for the fitter."""
    made = explore(area, against="width")
    bundle = made._repr_mimebundle_()
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert bundle["text/plain"] == "<Explorer>"
    made.close()
