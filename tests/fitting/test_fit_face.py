"""The face of a fit: controls that set the state, errors shown, nothing kept alive."""

import gc
import math
import weakref

import lmfit
import numpy as np
import psutil
import pytest
from fit_worlds import decay, decay_data, decay_widget, peak_widget
from ipywidgets.widgets.widget import _instances

from nbtools.fitting import FitWidget
from nbtools.fitting.face import sigma_text
from nbtools.units import format_value


@pytest.fixture
def widget():
    made = decay_widget()
    yield made
    made.close()


def test_a_slider_moves_its_parameter_and_the_model(widget) -> None:
    """What is drawn is the model at the slider's value."""
    control = widget.controls["rate"]
    before = np.array(widget.face.plot.curves[0].model.y)
    control.value = 900
    low, high = widget.current.parameters["rate"].ends
    assert widget.values["rate"] == pytest.approx(low + 0.9 * (high - low))
    after = np.array(widget.face.plot.curves[0].model.y)
    assert not np.array_equal(before, after)
    assert after == pytest.approx(decay(np.linspace(0, 8, 400), **widget.values))


def test_a_slider_works_at_a_nanometre() -> None:
    """Each of its steps is a step of the value."""
    x = np.linspace(0, 1, 20)
    widget = FitWidget(lmfit.models.ConstantModel(), x, np.full(20, 2e-9), params={"c": 1e-9})
    seen = []
    for position in range(100, 900, 100):
        widget.controls["c"].value = position
        seen.append(widget.values["c"])
    widget.close()
    assert len(set(seen)) == 8
    assert 1e-10 < min(seen) < max(seen) < 3e-9


def test_numbers_are_typed_as_a_person_writes_them(widget) -> None:
    """Scientific notation is understood; what is not a number is refused in the widget."""
    box = widget.controls["rate value"]
    box.value = "7.5e-1"
    assert widget.values["rate"] == 0.75
    box.value = "fast"
    assert widget.values["rate"] == 0.75
    assert box.value == "0.75"
    assert "&#x27;fast&#x27; is not a number" in widget.face.sentences.value


def test_bounds_vary_and_expression_are_set(widget) -> None:
    """Each control reaches its part of the state."""
    c = widget.controls
    c["rate min"].value, c["rate max"].value = "0.1", "2"
    c["amplitude vary"].value = False
    c["offset expr"].value = "amplitude / 20"
    state = widget.current.parameters
    assert (state["rate"].min, state["rate"].max) == (0.1, 2.0)
    assert not state["amplitude"].vary
    assert state["offset"].expr == "amplitude / 20"
    assert c["offset"].disabled


def test_buttons_fit_undo_and_reset(widget) -> None:
    """The same as the methods."""
    before = widget.values
    widget.controls["fit"].click()
    assert widget.values["rate"] == pytest.approx(0.5, abs=0.05)
    assert "χ²ᵣ" in widget.face.status.value
    widget.controls["undo"].click()
    assert widget.values == before
    widget.controls["redo"].click()
    widget.controls["reset"].click()
    assert widget.values == before


def test_the_brush_is_the_fit_range(widget) -> None:
    """Dragged on the plot, it moves the range; set in code, it moves the brush."""
    widget.face.plot.brush.selected = np.array([1.0, 5.0])
    assert widget.current.fit_range == (1, 5)
    widget.change(fit_range=(2.0, 3.0))
    assert list(widget.face.plot.brush.selected) == [2, 3]
    assert widget.controls["fit from"].value == "2"


def test_a_click_masks_a_point_and_a_second_takes_it_back(widget) -> None:
    """In the mode for it only."""
    plot = widget.face.plot
    widget.controls["mouse"].value = "mask points"
    plot._click(0, True)(None, {"data": {"index": 7}})
    assert widget.current.masked == ((0, 7),)
    assert widget.controls["masked"].value == "7"
    plot._click(0, False)(None, {"data": {"index": 0}})
    assert widget.current.masked == ()


def test_masks_are_typed_as_ranges(widget) -> None:
    """3, 7-9."""
    widget.controls["masked"].value = "3, 7-9"
    assert widget.current.masked == ((0, 3), (0, 7), (0, 8), (0, 9))
    widget.controls["masked"].value = "3, 500"
    assert "there is no point 500" in widget.face.sentences.value.lower()
    assert widget.controls["masked"].value == "3, 7-9"


@pytest.mark.parametrize("name", ["intervals", "window", "history", "code"])
def test_tables_appear_below(widget, name: str) -> None:
    """On demand, with the parameters in them."""
    widget.controls["fit"].click()
    widget.controls[name].click()
    assert "rate" in widget.face.table.value
    assert widget.errors == []


def test_a_stated_failure_is_a_sentence_in_the_widget(widget) -> None:
    """And the widget goes on working."""
    widget.controls["intervals"].click()
    assert "There is no fit yet" in widget.face.sentences.value
    widget.controls["fit"].click()
    assert "no fit yet" not in widget.face.sentences.value
    assert widget.errors == []


def test_an_error_of_a_callback_appears_in_the_widget(widget) -> None:
    """It never vanishes."""

    def bad(_):
        raise RuntimeError("planted")

    widget.on_change(bad)
    widget.controls["rate"].value = 700
    assert "RuntimeError: planted (in bad, line" in widget.face.sentences.value
    assert widget.errors == ["RuntimeError: planted"]


def test_a_model_that_raises_leaves_the_widget_alive() -> None:
    """Moved back, it draws again."""

    def fussy(x, a=1.0):
        if a > 1.5:
            raise ValueError("a is too large")
        return a * x

    widget = FitWidget(lmfit.Model(fussy), np.arange(5.0), np.arange(5.0))
    widget.controls["a"].value = 1000
    assert "a is too large" in widget.face.sentences.value
    widget.controls["a"].value = 500
    assert widget.face.sentences.value == ""
    widget.close()


def test_bad_data_still_give_a_widget() -> None:
    """Negative σ and NaN: drawn, with a sentence."""
    t, y = decay_data()
    y[3] = np.nan
    widget = FitWidget(lmfit.Model(decay), t, y, sigma=np.full(t.size, -1.0))
    widget.controls["fit"].click()
    assert "uncertainties are not positive" in widget.face.sentences.value
    assert widget.errors == []
    widget.close()


def test_it_shows_the_live_view_and_a_picture(widget) -> None:
    """Who has no kernel sees the last state; the text is the same in every run."""
    bundle = widget._repr_mimebundle_()
    assert bundle["text/plain"] == repr(widget) == "<FitWidget>"
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_an_unchanged_picture_keeps_its_bytes(widget) -> None:
    """So that a stored notebook does not change by itself; a moved slider changes it."""
    first = widget._repr_mimebundle_()["image/png"]
    assert widget._repr_mimebundle_()["image/png"] == first
    widget.controls["rate"].value = 900
    assert widget._repr_mimebundle_()["image/png"] != first


def test_the_figure_exports_as_vectors(widget, tmp_path) -> None:
    """For print."""
    widget.figure().savefig(tmp_path / "fit.pdf")
    assert (tmp_path / "fit.pdf").read_bytes().startswith(b"%PDF")


def test_a_closed_widget_is_collected() -> None:
    """Nothing keeps it, and no part of it stays registered."""
    before = set(_instances)
    widget = peak_widget()
    widget.controls["fit"].click()
    seen = weakref.ref(widget), weakref.ref(widget.face)
    widget.close()
    del widget
    gc.collect()
    assert set(_instances) == before
    assert [ref() for ref in seen] == [None, None]


@pytest.mark.nightly
def test_a_thousand_moves_and_fifty_fits_do_not_grow() -> None:
    """At most 20 MB."""
    widget = peak_widget()
    slider = widget.controls["g_center"]

    def work(moves: int, fits: int) -> None:
        for i in range(moves):
            slider.value = 300 + i % 400
        for _ in range(fits):
            widget.controls["fit"].click()

    work(50, 3)
    gc.collect()
    before = psutil.Process().memory_info().rss
    work(1000, 50)
    gc.collect()
    grown = (psutil.Process().memory_info().rss - before) / 1e6
    widget.close()
    assert grown <= 20, f"{grown:.1f} MB"


def test_the_widget_says_where_its_data_come_from() -> None:
    """On the live widget, and on the picture, which differs for it."""
    plain, tagged = decay_widget(), decay_widget().of("twin", "transport-twin")
    assert "synthetic (twin) · transport-twin" in tagged.face.box.children[0].value
    pictures = [w._repr_mimebundle_()["image/png"] for w in (plain, tagged)]
    assert pictures[0] != pictures[1]
    plain.close(), tagged.close()


def test_intervals_and_window_are_in_the_units_of_the_sliders() -> None:
    """Named beside each parameter, with the level and χ²ᵣ above."""
    widget = decay_widget(units={"rate": "ohm m"}, x_unit="m", x_label="depth")
    widget.controls["fit"].click()
    widget.controls["intervals"].click()
    text = widget.face.table.value
    assert "68.3 % profile-likelihood intervals; χ²ᵣ" in text
    assert "rate (µΩ cm)" in text
    shown = widget.intervals().minus["rate"] * 1e8
    assert f"{shown:.6g}" in text
    widget.controls["window"].click()
    text = widget.face.table.value
    assert "rate (µΩ cm)" in text
    assert "low (nm)" in text
    assert "rate move (σ)" in text
    widget.close()


def test_chi_square_and_warnings_stand_above_what_they_judge(widget) -> None:
    """Above the figure and the rows."""
    order = list(widget.face.box.children)
    places = [order.index(part) for part in (widget.face.status, widget.face.sentences, widget.face.plot_box)]
    assert places == sorted(places)


def test_a_long_name_is_not_cut(widget) -> None:
    """It wraps."""
    assert "overflow-wrap:anywhere" in widget.face.rows["amplitude"].label.value


@pytest.mark.parametrize(
    ("value", "sigma", "text"),
    [
        (1.0, math.inf, ""),
        (1.0, math.nan, ""),
        (1.0, 0.0, ""),
        (38.41, 0.02, "± 0.020"),
        (1155.0, 12.0, "± 12"),
        (3e-7, 1.5e-9, "± 0.015e-7"),
    ],
)
def test_an_uncertainty_is_written_from_numbers(value: float, sigma: float, text: str) -> None:
    """An infinite one too; it agrees with how a value is written."""
    assert sigma_text(value, sigma) == text
    if text:
        digits = text.removeprefix("± ").split("e")[0]
        assert digits in format_value(value, sigma)


def test_many_points_are_thinned_under_the_hand_and_all_are_fitted_at_rest() -> None:
    """A move of 100,000 points is quick; what stands in the end is the fit of all."""
    t = np.linspace(0, 8, 100_000)
    y = decay(t) + 0.02 * np.random.default_rng(0).normal(size=t.size)
    start = {"amplitude": 1.5, "rate": 0.8, "offset": 0.0}
    widget = FitWidget(lmfit.Model(decay), t, y, sigma=0.02, params=start).change(auto_refit=True)
    widget.set("rate", value=0.6, moving=True)
    assert widget.on_few
    assert widget.last.points <= 2 * 2000
    widget.settle()
    assert not widget.on_few
    assert widget.last.points == t.size
    whole = FitWidget(lmfit.Model(decay), t, y, sigma=0.02, params=start).set("rate", value=0.6, vary=False)
    whole.fit()
    assert widget.values == pytest.approx(whole.values, rel=1e-6)
    # With no screen that goes on, a slider settles at once.
    widget.controls["rate"].value = 500
    assert widget.last.points == t.size
    widget.close()
