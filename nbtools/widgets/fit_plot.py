"""The live plot: bqplot's axes, marks and brush, fed with the arrays of `fit_view`."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nbtools.widgets.fit_view import Axes, CurveView
from nbtools.widgets.gui import DATA_COLOURS, GRID, MODEL_COLOUR, PART_COLOURS, TEXT, bqplot

ERROR_BARS = 300


class CurvePlot:
    """The marks of one curve: points used and left out, error bars, model, parts, band, residuals."""

    def __init__(
        self, view: CurveView, number: int, scales: dict[str, Any], residual_scales: dict[str, Any]
    ) -> None:
        bq, colour = bqplot(), DATA_COLOURS[number % len(DATA_COLOURS)]
        dots = {"default_size": 14, "stroke_width": 0}
        empty = np.array([])
        self.used = bq.Scatter(x=empty, y=empty, scales=scales, colors=[colour], **dots)
        self.left_out = bq.Scatter(
            x=empty, y=empty, scales=scales, colors=["#888888"], opacities=[0.45], **dots
        )
        self.bars = bq.Lines(
            x=empty, y=empty, scales=scales, colors=[colour], opacities=[0.45], stroke_width=1
        )
        self.model = bq.Lines(x=empty, y=empty, scales=scales, colors=[MODEL_COLOUR], stroke_width=2)
        self.parts = bq.Lines(x=empty, y=empty, scales=scales, colors=list(PART_COLOURS), stroke_width=1.2)
        self.parts.line_style = "dashed"
        self.band = bq.Lines(x=empty, y=empty, scales=scales, fill="between", fill_colors=[MODEL_COLOUR])
        self.band.fill_opacities, self.band.opacities = [0.22], [0.0, 0.0]
        # One path of short dashes: five hundred dots cost the browser ten times as much at every move.
        self.residual = bq.Lines(x=empty, y=empty, scales=residual_scales, colors=[colour], stroke_width=3)
        self.shown: CurveView | None = None

    @property
    def marks(self) -> list[Any]:
        """What the upper plot holds, from back to front."""
        return [self.band, self.bars, self.left_out, self.used, self.parts, self.model]

    def show(self, view: CurveView) -> None:
        """Send what has changed, each mark in one message."""
        before, self.shown = self.shown, view
        # The model first: it is what the hand watches, and the browser draws in the order it is told.
        _send(self.model, view.grid, view.model)
        if before is None or not np.array_equal(before.used, view.used):
            _send(self.used, view.x[view.used], view.y[view.used])
            _send(self.left_out, view.x[~view.used], view.y[~view.used])
            self._show_bars(view)
        if view.parts:
            _send(self.parts, view.grid, np.array(list(view.parts.values())))
        self._show_band(view)
        _send(self.residual, *_dashes(view.x[view.used], view.residual[view.used], view.grid))

    def _show_bars(self, view: CurveView) -> None:
        if view.sigma is None or int(view.used.sum()) > ERROR_BARS:
            return
        x, y, sigma = (array[view.used] for array in (view.x, view.y, view.sigma))
        _send(self.bars, np.column_stack([x, x]), np.column_stack([y - sigma, y + sigma]))

    def _show_band(self, view: CurveView) -> None:
        good = view.band is not None and np.isfinite(view.band).all()
        if good:
            _send(self.band, view.grid, np.array([view.model - view.band, view.model + view.band]))
        elif len(self.band.x):
            _send(self.band, np.array([]), np.array([]))


class FitPlot:
    """Two figures with one x axis; `brushed`, `clicked` and `viewed` are told what the mouse did."""

    def __init__(
        self,
        views: Sequence[CurveView],
        axes: Axes,
        residual_title: str,
        *,
        brushed: Callable[[tuple[float, float]], None],
        clicked: Callable[[int, int], None],
        viewed: Callable[[tuple[float, float]], None],
    ) -> None:
        bq = bqplot()
        self.busy, self.clicked = False, clicked
        self.x = (bq.LogScale if axes.log_x else bq.LinearScale)()
        self.y = (bq.LogScale if axes.log_y else bq.LinearScale)()
        self.below_y = bq.LinearScale()
        scales, below = {"x": self.x, "y": self.y}, {"x": self.x, "y": self.below_y}
        self.curves = [CurvePlot(view, number, scales, below) for number, view in enumerate(views)]
        x_title, y_title = axes.titles
        self.zero = bq.Lines(x=[0.0, 1.0], y=[0.0, 0.0], scales=below, colors=["#888888"], stroke_width=1)
        self.main = make_figure(
            [mark for curve in self.curves for mark in curve.marks],
            make_axes(scales, "", y_title),
            height="290px",
            bottom=18,
        )
        self.below = make_figure(
            [self.zero, *(c.residual for c in self.curves)],
            make_axes(below, x_title, residual_title),
            height="130px",
            bottom=38,
        )
        self.brush = bq.interacts.BrushIntervalSelector(scale=self.x, color="#888888")
        self.panzoom = bq.interacts.PanZoom(scales={"x": [self.x]})
        self._listen(brushed, viewed)
        self.main.interaction = self.brush

    def _listen(self, brushed: Callable[[Any], None], viewed: Callable[[Any], None]) -> None:
        def tell(listener: Callable[[Any], None], ends: Any) -> None:
            if not self.busy and ends is not None and len(ends) == 2 and None not in list(ends):
                listener((float(ends[0]), float(ends[1])))

        self.brush.observe(lambda change: tell(brushed, change["new"]), "selected")
        self.x.observe(lambda _: tell(viewed, (self.x.min, self.x.max)), ["min", "max"])
        for number, curve in enumerate(self.curves):
            for mark, used in ((curve.used, True), (curve.left_out, False)):
                mark.on_element_click(self._click(number, used))

    def _click(self, number: int, used: bool) -> Callable[[Any, Any], None]:
        def told(_: Any, message: Any) -> None:
            view = self.curves[number].shown
            if view is not None and self.main.interaction is None:
                self.clicked(number, int(view.index[view.used == used][message["data"]["index"]]))

        return told

    def mode(self, name: str) -> None:
        """What the mouse does: ``"fit range"``, ``"mask points"`` or ``"pan and zoom"``."""
        self.main.interaction = {"fit range": self.brush, "pan and zoom": self.panzoom}.get(name)

    def show(self, views: Sequence[CurveView], fit_range: tuple[float, float] | None) -> None:
        """Draw these curves; the axes stand still while only the model moves."""
        self.busy = True
        try:
            for curve, view in zip(self.curves, views, strict=True):
                curve.show(view)
            self._frame(views)
            wanted = None if fit_range is None else np.array(fit_range)
            if not _same_ends(self.brush.selected, wanted):
                self.brush.selected = wanted
        finally:
            self.busy = False

    def _frame(self, views: Sequence[CurveView]) -> None:
        low, high = float(min(v.grid[0] for v in views)), float(max(v.grid[-1] for v in views))
        _limit(self.x, low, high)
        self.zero.x = np.array([low, high])
        inside = np.concatenate([v.y[(v.x >= low) & (v.x <= high)] for v in views])
        _limit(self.y, *_margins(inside, log=type(self.y).__name__ == "LogScale"))
        left = np.concatenate([np.abs(v.residual[v.used]) for v in views])
        reach = _round_up(float(np.max(left[np.isfinite(left)], initial=0.0)))
        _limit(self.below_y, -reach, reach)
        self.below.axes[1].tick_values = np.array([-reach, 0.0, reach])


def make_figure(marks: list[Any], axes: list[Any], *, height: str, bottom: int) -> Any:
    return bqplot().Figure(
        marks=marks,
        axes=axes,
        fig_margin={"top": 8, "bottom": bottom, "left": 76, "right": 12},
        background_style={"fill": "transparent"},
        layout={"width": "100%", "height": height, "min_width": "240px"},
        padding_x=0.0,
        padding_y=0.0,
        animation_duration=0,
        display_toolbar=False,
    )


def make_axes(scales: dict[str, Any], x_title: str, y_title: str) -> list[Any]:
    style = {
        "tick_style": {"fill": TEXT, "font-size": "11px"},
        "label_color": TEXT,
        "grid_color": GRID,
        "color": TEXT,
    }
    bq = bqplot()
    x = bq.Axis(scale=scales["x"], label=x_title, **style)
    y = bq.Axis(scale=scales["y"], label=y_title, side="left", label_offset="60px", **style)
    return [x, y]


def _dashes(x: Any, y: Any, grid: Any) -> tuple[Any, Any]:
    """Each point as a dash as long as it is thick, on a linear or logarithmic grid, broken by NaN."""
    half = np.interp(x, grid, np.gradient(grid))
    ends = np.column_stack([x - half / 2, x + half / 2, x + half / 2])
    # Not after the last one: bqplot puts a label at the last place of a line.
    return ends.ravel()[:-1], np.column_stack([y, y, np.full(y.size, np.nan)]).ravel()[:-1]


def _send(mark: Any, x: Any, y: Any) -> None:
    with mark.hold_sync():
        if not np.array_equal(mark.x, x):
            mark.x = x
        if not np.array_equal(mark.y, y, equal_nan=True):
            mark.y = y


def _limit(scale: Any, low: float, high: float) -> None:
    if (scale.min, scale.max) != (low, high) and low < high:
        with scale.hold_sync():
            scale.min, scale.max = low, high


def _margins(y: Any, *, log: bool) -> tuple[float, float]:
    y = y[np.isfinite(y) & (y > 0 if log else True)]
    if y.size == 0:
        return (0.1, 1.0) if log else (0.0, 1.0)
    low, high = float(y.min()), float(y.max())
    if log:
        return low / 1.3, high * 1.3
    margin = 0.06 * (high - low) or abs(high) or 1.0
    return low - margin, high + margin


def _round_up(value: float) -> float:
    """To 1, 2 or 5 times a power of ten, so that the axis seldom jumps."""
    if not value > 0:
        return 1.0
    decade = 10.0 ** np.floor(np.log10(value))
    return float(next(step for step in (1, 2, 5, 10) if step * decade >= value * 0.999) * decade)


def _same_ends(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return bool(np.array_equal(np.asarray(one, float), other))
