"""Driving: every control of a widget is moved, and what goes wrong is collected."""

import ipywidgets
import lmfit
import numpy as np
import pytest
from driving import drive
from fit_worlds import decay_widget, peak_widget

from nbtools.fitting import FitWidget
from nbtools.physics.normal_metal import bloch_gruneisen


@pytest.mark.parametrize("make", [decay_widget, peak_widget])
def test_every_control_of_the_fitter_is_moved_cleanly(make) -> None:
    """None raises, none prints, and the state is what it was."""
    widget = make()
    before = widget.state
    report = drive(widget)
    assert report.clean, report
    assert set(map(id, widget.controls.values())) == {id(widget.controls[name]) for name in report.moves}
    assert widget.state == before
    widget.close()


def test_auto_refit_is_driven_cleanly() -> None:
    """A model that is not defined beyond its bounds: neither fit nor band steps over them."""
    temperature = np.linspace(42, 300, 60)
    start = {"residual": 2e-8, "amplitude": 4e-7, "debye_temperature": 880.0}
    bounded = {name: {"value": value, "min": value / 10, "max": value * 10} for name, value in start.items()}
    y = bloch_gruneisen(temperature, exponent=3, **start)
    y = y + 2e-10 * np.random.default_rng(0).normal(size=y.size)
    fixed = {"exponent": {"value": 3, "vary": False, "min": 1.5, "max": 6}}
    widget = FitWidget(lmfit.Model(bloch_gruneisen), temperature, y, params=bounded | fixed).change(
        auto_refit=True
    )
    report = drive(widget)
    assert report.clean, report
    widget.close()


def test_a_planted_failing_callback_is_caught() -> None:
    """By the name of the control that woke it."""
    widget = decay_widget()
    widget.controls["guess"].on_click(lambda _: 1 / 0)
    report = drive(widget)
    assert report.errors == ["guess: ZeroDivisionError: division by zero"]
    widget.close()


def test_a_failing_listener_is_caught() -> None:
    """Also where the widget has shown it already."""

    def bad(widget):
        if widget.values["rate"] > 0.9:
            raise RuntimeError("planted")

    widget = decay_widget().on_change(bad)
    report = drive(widget, only=lambda name: name == "rate slider")
    assert report.errors == ["rate slider: RuntimeError: planted"]
    widget.close()


def test_a_model_that_raises_at_a_slider_end_is_caught() -> None:
    """Though the widget survives it."""

    def fussy(x, a=1.0):
        if a > 1.9:
            raise ArithmeticError("planted")
        return a * x

    widget = FitWidget(lmfit.Model(fussy), np.arange(5.0), np.arange(5.0))
    assert "a slider: ArithmeticError: planted" in drive(widget).errors
    widget.close()


def test_what_a_callback_prints_is_collected(capsys) -> None:
    """It would vanish in a notebook."""
    widget = decay_widget().on_change(lambda _: print("lost"))
    report = drive(widget, only=lambda name: name == "offset slider")
    assert report.printed.startswith("lost")
    assert not report.clean
    assert capsys.readouterr().out == ""
    widget.close()


def test_plain_ipywidgets_are_driven_too() -> None:
    """A container of anything: slider, range, menu, button."""
    slider, span = ipywidgets.FloatSlider(min=0, max=2), ipywidgets.IntRangeSlider(min=0, max=9)
    menu, button = ipywidgets.Dropdown(options=["a", "b"]), ipywidgets.Button(description="go")
    seen = []
    slider.observe(lambda change: seen.append(change["new"]), "value")
    menu.observe(lambda change: seen.append(change["new"]), "value")
    button.on_click(lambda _: seen.append("pressed"))
    report = drive(ipywidgets.VBox([slider, span, menu, button]))
    assert {0.0, 2.0, "a", "b", "pressed"} <= set(seen)
    assert len(report.moves) == 4


def test_saving_in_a_drive_leaves_no_file(tmp_path, monkeypatch) -> None:
    """The reader's own file is not overwritten."""
    monkeypatch.chdir(tmp_path)
    widget = decay_widget()
    drive(widget)
    assert list(tmp_path.iterdir()) == []
    widget.close()
