"""Sliders over the arguments of any function."""

import io
from typing import Literal

import numpy as np
import pytest
from driving import drive
from PIL import Image

from nbtools.explore.plots import Plot
from nbtools.explore.sliders import explore
from nbtools.fitting.state import StateError
from nbtools.physics.normal_metal import bloch_gruneisen
from nbtools.units import Quantity

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


def run_alone(code: str) -> dict:
    """What a script leaves in a kernel that knew nothing."""
    known: dict = {}
    exec(code.replace("print(", "str("), known)
    return known


def test_code_makes_the_same_call_in_an_empty_kernel() -> None:
    """With the function imported, and the array written out."""
    made = resistivity()
    found = run_alone(made.to_code())["result"]
    assert found == pytest.approx(made.outcome.curves["value"][1], rel=1e-12)


def half(x: float = 2.0, *, offset: "np.ndarray | None" = None) -> float:
    """Stands alone but for numpy."""
    return float(np.sum(x / 2 + (0 if offset is None else offset)))


def test_code_of_a_function_of_the_notebook_brings_it_along() -> None:
    """Its source, and what it needs of modules."""
    made = explore(half, fixed={"offset": np.array([1.0, np.nan, np.inf])[:1]})
    assert "def half" in made.to_code()
    assert run_alone(made.to_code())["result"] == made.outcome.numbers["value"]


def test_code_is_not_offered_where_it_could_not_run() -> None:
    """A function that needs another one, a fixed argument that is an object, a closure, a lambda."""
    factor = 3.0

    def closed(a: float = 1.0) -> float:
        return factor * a

    for made in (
        explore(area),
        explore(closed),
        explore(lambda a=1.0: a),
        explore(half, fixed={"offset": object()}),
    ):
        assert made.why_no_code
        with pytest.raises(StateError, match="cannot be written as a script"):
            made.to_code()


@pytest.mark.parametrize("module", ["transport.explore", "ac_susceptibility.explore"])
def test_the_explorers_that_need_no_data_run_by_themselves(module: str) -> None:
    """The rest of the notebooks' explorers are over objects, and offer none."""
    import importlib

    made = importlib.import_module(f"nbtools.{module}")
    explorer = {"transport.explore": "full_screening", "ac_susceptibility.explore": "critical_state"}[module]
    assert "result" in run_alone(getattr(made, explorer)().to_code())


def counted(n: int = 3, width: float = 1.0) -> dict:
    """n is a whole number."""
    return {"n": float(len(range(n))) * width}


def test_whole_numbers_stay_whole() -> None:
    """On the slider, where the next place is the next number, in the box, in the call and along the sweep."""
    made = explore(counted, ranges={"n": (1, 30)}, values={"n": 3}, against="n")
    slider = made.controls["n slider"]
    assert (slider.min, slider.value, slider.max) == (0, 2, 29)
    slider.value += 1
    assert (slider.value, made.arguments["n"]) == (3, 4)
    slider.value -= 1
    assert made.arguments["n"] == 3
    assert isinstance(made.arguments["n"], int)
    assert made.controls["n value"].value == "3"
    made.controls["n value"].value = "7.4"
    assert made.arguments["n"] == 7
    assert [place for place, _ in made.sweep()] == list(range(1, 31))
    made.close()


def test_a_slider_stops_at_round_numbers() -> None:
    """A thousand steps from 1 to 30 pass 3.00 and not 3.01."""
    made = explore(area, ranges={"width": (1.0, 30.0)}, system="SI")
    made.controls["width slider"].value = 69
    assert made.arguments["width"] == 3.0
    made.close()


def test_a_unit_is_written_once() -> None:
    """Not "Mg (wt%) (%)"."""
    made = explore(area, units={"width": "%"}, labels={"width": "Mg (wt%)"}, against="width", system="SI")
    assert made.panels()[0].x_title == "Mg (wt%)"
    assert "(wt%) (%)" not in made.face.rows["width"].label.value
    made.close()


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


def spot(width: float = 5.0, column: float = 30.0, row: float = 20.0) -> dict:
    """A planted image with a section through it."""
    y, x = np.mgrid[:60, :90]
    image = np.exp(-((x - column) ** 2 + (y - row) ** 2) / 2 / width**2)
    section = {"through the spot": (np.arange(90.0), image[round(row)])}
    return {"map": Plot(image=image, clicked=("column", "row")), "section": Plot(section)}


def explore_spot():
    return explore(spot, ranges={"column": (0, 89), "row": (0, 59)})


def test_an_image_and_its_section_are_plots_of_their_own() -> None:
    """Each with its axes; the picture has the image's pixels."""
    made = explore_spot()
    titles = [panel.title for panel in made.panels()]
    assert titles == ["map", "section"]
    (image,) = made.figure().axes[0].images
    assert image.get_array().shape == (60, 90)
    assert image.get_array()[20, 30] == 1


def test_a_click_into_an_image_sets_its_arguments_within_their_ends() -> None:
    """The message is the browser's own; all plots follow."""
    made = explore_spot()
    plot = made.face.plots[0]
    before = plot.picture.image
    plot.picture._handle_custom_msgs(
        plot.picture, {"event": "element_click", "data": {"click_x": 12.0, "click_y": 99.0}}
    )
    assert (made.arguments["column"], made.arguments["row"]) == (12, 59)
    assert plot.picture.image is not before
    assert made.face.plots[1].lines["through the spot"].y[12] == pytest.approx(1.0)
    assert made.errors == []
    made.close()


def test_an_array_of_three_dimensions_is_no_image() -> None:
    """A sentence, not a dead widget."""
    made = explore(lambda depth=2.0: {"map": np.zeros((2, 2, 2))})
    with pytest.raises(StateError, match=r"shape \(2, 2, 2\)"):
        made.outcome  # noqa: B018


def test_a_large_image_is_thinned_for_the_browser_only() -> None:
    """No side longer than 512 pixels is sent; the state keeps the whole."""
    made = explore(lambda gain=2.0: gain * np.ones((1500, 600)))
    (panel,) = made.panels()
    with Image.open(io.BytesIO(panel.image.png())) as sent:
        assert sent.size == (200, 500)
    assert panel.image.array.shape == (1500, 600)
