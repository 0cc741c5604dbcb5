"""What a fit shows, live and as a picture, read from the artists of a line that was set by hand."""

import artists
import lmfit
import numpy as np
import pytest
from matplotlib.colors import to_rgba

from nbtools.display.bars import draw_budget
from nbtools.display.style import BLUE, GREEN, ORANGE, PURPLE, RED, SKY, new_figure
from nbtools.fitting import FitWidget
from nbtools.fitting.engine import Curve
from nbtools.fitting.face import (
    CurvePlot,
    FitPlot,
    _dashes,
    _margins,
    _round_up,
    set_ticks,
)
from nbtools.fitting.figure import Axes, CurveView, cycle_colours, draw_fit, thinned

bqplot = pytest.importorskip("bqplot")


def view(**changes) -> CurveView:
    """Three points about y = 2x, the last of them left out of the fit."""
    known = {
        "label": "run 1",
        "index": np.array([0, 1, 2]),
        "x": np.array([1.0, 2.0, 4.0]),
        "y": np.array([2.5, 3.5, 9.0]),
        "sigma": np.array([0.5, 0.25, 1.0]),
        "used": np.array([True, True, False]),
        "residual": np.array([1.0, -2.0, 1.0]),
        "grid": np.array([1.0, 2.0, 3.0, 4.0]),
        "model": np.array([2.0, 4.0, 6.0, 8.0]),
        "parts": {"slope": np.array([1.0, 2.0, 3.0, 4.0])},
        "band": np.array([0.1, 0.2, 0.3, 0.4]),
    }
    return CurveView(**known | changes)


def test_the_picture_of_a_fit_shows_points_model_parts_and_residuals() -> None:
    """Left-out points are paler and not in the legend; residuals lie under the points that they are of."""
    axes = Axes("field", "moment", "m", "s")
    figure = draw_fit([view()], axes, residual_title="residual / σ", fit_range=(1.0, 2.5), title="a = 2")
    above, below = figure.axes
    named = artists.lines(above)
    assert artists.legend(above) == ["run 1", "slope"]
    np.testing.assert_array_equal(named["run 1"], [[1, 2], [2.5, 3.5]])
    np.testing.assert_array_equal(named["slope"], [[1, 2, 3, 4], [1, 2, 3, 4]])
    left_out, model = artists.unnamed(above)
    np.testing.assert_array_equal(left_out, [[4], [9]])
    np.testing.assert_array_equal(model, [[1, 2, 3, 4], [2, 4, 6, 8]])
    [(_, x, y, half)] = artists.points(above)
    np.testing.assert_allclose([x, y, half], [[1, 2, 4], [2.5, 3.5, 9], [0.5, 0.25, 1]])
    used, out, zero = artists.unnamed(below)
    np.testing.assert_array_equal(used, [[1, 2], [1, -2]])
    np.testing.assert_array_equal(out, [[4], [1]])
    np.testing.assert_array_equal(zero[1], [0, 0])
    band = above.collections[1].get_paths()[0].vertices
    assert {(1.0, 1.9), (1.0, 2.1), (4.0, 7.6), (4.0, 8.4)} <= {tuple(np.round(v, 9)) for v in band}
    assert (above.get_ylabel(), below.get_ylabel(), below.get_xlabel()) == (
        axes.titles[1],
        "residual / σ",
        axes.titles[0],
    )
    assert figure.get_suptitle() == "a = 2"
    for panel in (above, below):
        span = panel.patches[0].get_extents().transformed(panel.transData.inverted())
        np.testing.assert_allclose([span.x0, span.x1], [1.0, 2.5])


def test_a_picture_without_errors_band_range_or_title_has_none() -> None:
    figure = draw_fit([view(sigma=None, band=None, parts={})], Axes(log_x=True, log_y=True))
    above, below = figure.axes
    assert not above.containers and not above.collections and not above.patches
    assert figure.get_suptitle() == ""
    assert (above.get_xscale(), above.get_yscale(), below.get_yscale()) == ("log", "log", "linear")


def test_error_bars_of_many_points_are_left_away() -> None:
    """Above 500 points they would cover the points."""
    for count, expected in ((500, 1), (501, 0)):
        x = np.arange(float(count))
        many = view(
            index=np.arange(count), x=x, y=x, sigma=x + 1, used=x >= 0, residual=x, grid=x, model=x,
            parts={}, band=None,
        )  # fmt: skip
        above, _ = draw_fit([many], Axes()).axes
        assert len(above.containers) == expected


def test_curves_and_parts_have_colours_of_their_own() -> None:
    """Six for the curves, then from the start; a part's colour is not that of the first two curves."""
    assert cycle_colours(7) == [BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLUE]
    above, _ = draw_fit([view(), view(label="run 2", parts={})], Axes()).axes
    colours = {line.get_label(): line.get_color() for line in above.lines}
    assert (colours["run 1"], colours["run 2"], colours["slope"]) == (BLUE, RED, GREEN)


def test_a_curve_of_many_points_is_thinned_evenly_from_end_to_end() -> None:
    x = np.arange(5001.0)
    x[7] = np.nan
    shown = thinned(Curve(x, x))
    assert (shown.size, shown[0], shown[-1]) == (2000, 0, 5000)
    assert set(np.diff(shown)) <= {2, 3, 4}
    np.testing.assert_array_equal(thinned(Curve(x[8:2000], x[8:2000])), np.arange(1992))


def test_a_view_is_in_the_units_of_its_axes() -> None:
    """Residuals in units of σ where σ is given, of y where it is not; the grid goes from end to end."""
    x = np.array([1.0, 2.0, 4.0])

    def line(x, a):
        return a * x

    start = {"params": {"a": 2.0}}
    weighted = FitWidget(
        lmfit.Model(line), x, 2 * x + 0.5, sigma=np.full(3, 0.25), x_unit="m", y_unit="m", **start
    )
    figure = weighted.figure()
    above, below = figure.axes
    factor = dict(zip("xy", Axes(x_unit="m", y_unit="m").factors, strict=True))
    (x_seen, residual), *_ = artists.unnamed(below)
    np.testing.assert_allclose(x_seen, x * factor["x"])
    np.testing.assert_allclose(residual, 2.0)
    model = [line for line in above.lines if to_rgba(line.get_color()) == to_rgba("black")]
    np.testing.assert_allclose(model[0].get_ydata(), 2 * model[0].get_xdata())
    np.testing.assert_allclose(model[0].get_xdata()[[0, -1]], x[[0, -1]] * factor["x"])
    plain = FitWidget(lmfit.Model(line), x, 2 * x + 0.5, **start).figure().axes[1]
    np.testing.assert_allclose(artists.unnamed(plain)[0][1], 0.5)
    assert (below.get_ylabel(), plain.get_ylabel()) == ("residual / σ", "residual")


def live(axes: Axes | None = None, **changes) -> FitPlot:
    """The live plot of `view`."""
    told = dict.fromkeys(("brushed", "viewed"), lambda ends: None)
    plot = FitPlot([view(**changes)], axes or Axes("x", "y"), "residual", clicked=lambda *_: None, **told)
    plot.show([view(**changes)], (1.0, 2.5))
    return plot


def test_the_live_plot_shows_the_same_data() -> None:
    plot = live()
    [curve] = plot.curves
    np.testing.assert_array_equal([curve.used.x, curve.used.y], [[1, 2], [2.5, 3.5]])
    np.testing.assert_array_equal([curve.left_out.x, curve.left_out.y], [[4], [9]])
    np.testing.assert_array_equal([curve.model.x, curve.model.y], [[1, 2, 3, 4], [2, 4, 6, 8]])
    np.testing.assert_array_equal(np.atleast_2d(curve.parts.y), [[1, 2, 3, 4]])
    np.testing.assert_allclose(curve.band.y, [[1.9, 3.8, 5.7, 7.6], [2.1, 4.2, 6.3, 8.4]])
    np.testing.assert_array_equal(curve.bars.x, [[1, 1], [2, 2]])
    np.testing.assert_array_equal(curve.bars.y, [[2, 3], [3.25, 3.75]])
    np.testing.assert_array_equal(plot.brush.selected, [1.0, 2.5])
    assert curve.marks == [curve.band, curve.bars, curve.left_out, curve.used, curve.parts, curve.model]


def test_the_live_axes_hold_every_point_and_the_residuals() -> None:
    """6 % of air above and below; residuals to the next of 1, 2, 5, 10, and as far down as up."""
    plot = live()
    assert (plot.x.min, plot.x.max) == (1.0, 4.0)
    np.testing.assert_allclose((plot.y.min, plot.y.max), (2.5 - 0.06 * 6.5, 9.0 + 0.06 * 6.5))
    assert (plot.below_y.min, plot.below_y.max) == (-2.0, 2.0)
    np.testing.assert_array_equal(plot.below.axes[1].tick_values, [-2, 0, 2])
    np.testing.assert_array_equal(plot.zero.x, [1, 4])
    assert [axis.label for axis in (*plot.main.axes, *plot.below.axes)] == ["", "y", "x", "residual"]


def test_the_band_leaves_the_live_plot_with_the_fit_that_it_is_of() -> None:
    plot = live()
    [curve] = plot.curves
    curve.show(view(band=None))
    assert len(curve.band.x) == 0
    curve.show(view(band=np.array([0.1, np.nan, 0.1, 0.1])))
    assert len(curve.band.x) == 0


def test_only_a_changed_selection_sends_the_points_again() -> None:
    plot = live()
    [curve] = plot.curves
    curve.show(view(used=np.array([True, False, False])))
    np.testing.assert_array_equal(curve.used.x, [1])
    np.testing.assert_array_equal(curve.left_out.x, [2, 4])
    np.testing.assert_array_equal(curve.residual.y, [1, 1])


def test_many_error_bars_are_not_sent_to_the_browser() -> None:
    for count, expected in ((300, 300), (301, 0)):
        x = np.arange(float(count))
        scales = {"x": bqplot.LinearScale(), "y": bqplot.LinearScale()}
        curve = CurvePlot(view(), 0, scales, scales)
        curve.show(view(x=x, y=x, sigma=x + 1, used=x >= 0, residual=x, grid=x, model=x, parts={}, band=None))
        assert len(curve.bars.x) == expected


def test_a_click_names_the_point_of_the_data() -> None:
    """The first of the left-out points is the third of the data; while the mouse zooms, a click does nothing."""
    clicked = []
    told = dict.fromkeys(("brushed", "viewed"), lambda ends: None)
    plot = FitPlot([view()], Axes(), "residual", clicked=lambda *point: clicked.append(point), **told)
    plot.show([view()], None)
    message = {"data": {"index": 0}}
    for mode in ("pan and zoom", "fit range", "mask points"):
        plot.mode(mode)
        plot._click(0, False)(None, message)
        plot._click(0, True)(None, {"data": {"index": 1}})
    assert clicked == [(0, 2), (0, 1)]
    assert plot.brush.selected is None


def test_a_residual_is_a_dash_of_the_width_of_a_grid_step() -> None:
    x, y = _dashes(np.array([1.0, 3.0]), np.array([5.0, 7.0]), np.array([0.0, 1.0, 2.0, 3.0, 4.0]))
    np.testing.assert_array_equal(x, [0.5, 1.5, 1.5, 2.5, 3.5])
    np.testing.assert_array_equal(y, [5, 5, np.nan, 7, 7])


def test_margins_of_an_axis() -> None:
    """A constant gets as much air as its value; on a logarithmic axis what is not positive does not count."""
    nothing, nan = np.array([]), np.nan
    assert _margins(np.array([0.0, 100.0, nan]), log=False) == (-6, 106)
    assert _margins(np.array([-5.0, -5.0]), log=False) == (-10, 0)
    assert _margins(np.array([0.0]), log=False) == (-1, 1)
    np.testing.assert_allclose(_margins(np.array([-1.0, 0.0, 13.0, 26.0]), log=True), (10, 33.8))
    assert (_margins(nothing, log=False), _margins(nothing, log=True)) == ((0, 1), (0.1, 1))


@pytest.mark.parametrize(
    ("value", "up"), [(0.011, 0.02), (1.0, 1.0), (1.01, 2.0), (2.5, 5.0), (7.0, 10.0), (60, 100), (0, 1), (np.nan, 1)]
)  # fmt: skip
def test_a_reach_is_rounded_up_to_one_two_or_five(value: float, up: float) -> None:
    assert _round_up(value) == pytest.approx(up)


def test_ticks_are_round_and_stay_inside() -> None:
    axis = bqplot.Axis(scale=bqplot.LinearScale())
    set_ticks(axis, 0.0, 4.2, 5)
    np.testing.assert_allclose(axis.tick_values, [0, 1, 2, 3, 4])
    set_ticks(axis, 1.0, 1.0, 5)
    np.testing.assert_allclose(axis.tick_values, [0, 1, 2, 3, 4])
    logarithmic = bqplot.Axis(scale=bqplot.LogScale())
    set_ticks(logarithmic, 1.0, 10.0, 5)
    assert logarithmic.tick_values is None


def test_a_budget_is_drawn_with_the_largest_on_top() -> None:
    _, axes = new_figure()
    draw_budget(axes, {"thickness": 0.123, "current": 0.01})
    assert artists.widths(axes) == pytest.approx({"thickness": 12.3, "current": 1.0})
    assert artists.texts(axes) == ["1 %", "12 %"]
    assert [text.xy for text in axes.texts] == [pytest.approx((1.0, 0)), pytest.approx((12.3, 1))]
    assert axes.get_xlim() == pytest.approx((0, 1.25 * 12.3))
    assert axes.get_xlabel() == "relative standard deviation (%)"
