"""The face of a fit: live plot, a row of controls for each parameter, buttons and settings."""

import asyncio
import html
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, get_args

import numpy as np

from nbtools.display.face import Face
from nbtools.display.gui import (
    DATA_COLOURS,
    GRID,
    MODEL_COLOUR,
    PART_COLOURS,
    STEPS,
    TABLE_STYLE,
    TEXT,
    bqplot,
    button,
    close_all,
    ipywidgets,
    read_number,
    write_number,
)
from nbtools.fitting.figure import Axes, CurveView, residual_title
from nbtools.fitting.report import (
    confidence,
    intervals_for_display,
    quality,
    shown_unit,
    titled,
    uncertainty,
    window_for_display,
)
from nbtools.fitting.state import (
    Loss,
    Method,
    ParameterState,
    StateError,
    Weighting,
    fraction_at,
    round_value_at,
)

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
        x, y, sigma = view.x[view.used], view.y[view.used], view.sigma[view.used]
        _send(self.bars, np.column_stack([x, x]), np.column_stack([y - sigma, y + sigma]))

    def _show_band(self, view: CurveView) -> None:
        if view.band is not None and np.isfinite(view.band).all():
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
        self.clicked = clicked
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
            height="clamp(150px, 28vh, 290px)",
            bottom=18,
        )
        self.below = make_figure(
            [self.zero, *(c.residual for c in self.curves)],
            make_axes(below, x_title, residual_title),
            height="clamp(120px, 15vh, 130px)",
            bottom=38,
        )
        self.brush = bq.interacts.BrushIntervalSelector(scale=self.x, color="#888888")
        self.panzoom = bq.interacts.PanZoom(scales={"x": [self.x]})
        self._listen(brushed, viewed)
        self.main.interaction = self.brush

    def _listen(self, brushed: Callable[[Any], None], viewed: Callable[[Any], None]) -> None:
        def tell(listener: Callable[[Any], None], ends: Any) -> None:
            if ends is not None and len(ends) == 2 and None not in list(ends):
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
        for curve, view in zip(self.curves, views, strict=True):
            curve.show(view)
        self._frame(views)
        wanted = None if fit_range is None else np.array(fit_range)
        if not _same_ends(self.brush.selected, wanted):
            self.brush.selected = wanted

    def _frame(self, views: Sequence[CurveView]) -> None:
        low, high = float(min(v.grid[0] for v in views)), float(max(v.grid[-1] for v in views))
        _limit(self.x, low, high)
        self.zero.x = np.array([low, high])
        inside = np.concatenate([v.y[(v.x >= low) & (v.x <= high)] for v in views])
        ends = _margins(inside, log=type(self.y).__name__ == "LogScale")
        _limit(self.y, *ends)
        set_ticks(self.main.axes[1], *ends, 5)
        for figure in (self.main, self.below):
            set_ticks(figure.axes[0], low, high, 6)
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


def set_ticks(axis: Any, low: float, high: float, count: int) -> None:
    """About so many round numbers: few enough that no two labels touch; a logarithmic axis keeps its own."""
    from matplotlib.ticker import MaxNLocator

    if type(axis.scale).__name__ == "LogScale" or not low < high:
        return
    wanted = np.asarray(MaxNLocator(count, steps=[1, 2, 5, 10]).tick_values(low, high))
    # The locator goes beyond the ends by a rounding error only where a tick lies on one.
    wanted = wanted[(wanted >= low - 1e-9 * (high - low)) & (wanted <= high + 1e-9 * (high - low))]
    if axis.tick_values is None or not np.array_equal(axis.tick_values, wanted):
        axis.tick_values = wanted


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


COLUMNS = "minmax(88px,1.3fr) minmax(64px,2.2fr) minmax(76px,1.1fr) minmax(62px,0.9fr) 26px " + " ".join(
    ["minmax(44px,0.8fr)"] * 2 + ["minmax(48px,0.9fr)"]
)
HEADINGS = ("", "", "value", "± σ", "vary", "min", "max", "tied to")


class ParameterRow:
    """The controls of one parameter of a face, which has `set(name, **changes)` and `ask`.

    Parameters
    ----------
    label : its name on screen, by default its own
    fitted : also σ, vary, min, max and expression; an argument of an explored function has none
    whole : it takes whole numbers only
    """

    def __init__(
        self,
        face: Any,
        name: str,
        known: ParameterState,
        *,
        system: str,
        label: str = "",
        fitted: bool = True,
        whole: bool = False,
    ) -> None:
        self.face, self.name, self.fitted, self.whole = face, name, fitted, whole
        self.factor, self.unit = shown_unit(known.unit, system)
        w = ipywidgets()
        text = {"continuous_update": False, "layout": {"width": "auto"}}
        title = titled(label or name, self.unit)
        self.label = w.HTML(_wrapped(title), tooltip=title, layout={"width": "auto", "margin": "2px"})
        self.slider = w.IntSlider(
            min=0,
            max=STEPS,
            readout=False,
            tooltip=f"{title}: drag, or arrow keys, page up and down, home, end",
            layout={"width": "auto"},
        )
        self.number = w.Text(**text, tooltip=f"{title}, as a number: 1e-9 is understood")
        self.sigma = w.Label("", layout={"width": "auto"})
        self.vary = w.Checkbox(indent=False, layout={"width": "auto"}, tooltip=f"let the fit move {name}")
        self.least = w.Text(**text, placeholder="−∞", tooltip=f"least value of {name}")
        self.most = w.Text(**text, placeholder="∞", tooltip=f"greatest value of {name}")
        self.expr = w.Text(**text, placeholder="free", tooltip=f"{name} as an expression of other parameters")
        self.known: ParameterState | None = None
        self._listen()

    @property
    def widgets(self) -> list[Any]:
        """The row, from left to right."""
        found = [self.label, self.slider, self.number]
        return [*found, self.sigma, self.vary, self.least, self.most, self.expr] if self.fitted else found

    @property
    def controls(self) -> dict[str, Any]:
        """What can be set, by name."""
        found = {f"{self.name} slider": self.slider, f"{self.name} value": self.number}
        if self.fitted:
            found |= {f"{self.name} vary": self.vary, f"{self.name} expr": self.expr}
            found |= {f"{self.name} min": self.least, f"{self.name} max": self.most}
        return found

    def _listen(self) -> None:
        ask = self.face.ask
        self.slider.observe(lambda change: ask(self._slide, change["new"]), "value")
        self.number.observe(lambda change: ask(self._number, "value", change["new"]), "value")
        if self.fitted:
            self.least.observe(lambda change: ask(self._number, "min", change["new"]), "value")
            self.most.observe(lambda change: ask(self._number, "max", change["new"]), "value")
            self.vary.observe(lambda change: ask(self._set, {"vary": change["new"]}), "value")
            self.expr.observe(lambda change: ask(self._set, {"expr": change["new"].strip()}), "value")

    def _set(self, changes: dict[str, Any]) -> None:
        self.face.set(self.name, **changes)

    def _slide(self, place: int) -> None:
        assert self.known is not None
        if self.one_by_one:
            value = self.known.ends[0] + place
        else:
            value = round_value_at(place, STEPS, *self.known.ends, self.factor)
        self.face.slide(self.name, round(value) if self.whole else value)

    @property
    def one_by_one(self) -> bool:
        """Whether each place of the slider is the next whole number, so that an arrow key reaches it."""
        assert self.known is not None
        low, high = self.known.ends
        return self.whole and high - low <= STEPS

    def _number(self, which: str, text: str) -> None:
        if not text.strip() and which in ("min", "max"):
            text = "-inf" if which == "min" else "inf"
        try:
            value = read_number(text)
        except ValueError as problem:
            raise StateError(f"{self.name}: {problem}") from None
        self._set({which: value / self.factor})

    def show(self, known: ParameterState, value: float, sigma: float | None = None) -> None:
        """Bring every control to this state."""
        self.known = known
        free = known.expr is None
        self.slider.disabled = self.number.disabled = not free
        low, high = known.ends
        self.slider.max = round(high - low) if self.one_by_one else STEPS
        self.slider.value = round(value - low if self.one_by_one else STEPS * fraction_at(value, low, high))
        self.number.value = f"{value * self.factor:.0f}" if self.whole else write_number(value * self.factor)
        if self.fitted:
            self.sigma.value = sigma_text(value * self.factor, (sigma or 0.0) * self.factor)
            self.vary.value, self.vary.disabled = known.vary and free, not free
            self.least.value = write_number(known.min * self.factor)
            self.most.value = write_number(known.max * self.factor)
            self.expr.value = known.expr or ""


def sigma_text(value: float, sigma: float) -> str:
    """The uncertainty as it is written beside a value: two digits below 3, one above; empty where there is none."""
    if not 0 < sigma < math.inf:
        return ""
    exponent = math.floor(math.log10(sigma))
    if sigma / 10**exponent < 2.95:
        exponent -= 1
    largest = max(abs(value), sigma)
    if 1e-3 <= largest < 1e6 and exponent < 6:
        return f"± {round(sigma, -exponent):.{max(0, -exponent)}f}"
    power = math.floor(math.log10(largest))
    return f"± {sigma / 10**power:.{max(0, power - exponent)}f}e{power}"


def _wrapped(title: str) -> str:
    """A name in as many lines as it takes; none of it is cut off."""
    style = "line-height:1.15;white-space:normal;overflow-wrap:anywhere"
    return f'<div style="{style}">{html.escape(title).replace("_", "_<wbr>")}</div>'


def rows_grid(rows: list[ParameterRow]) -> Any:
    """All rows in one grid, so that the columns line up and share the width."""
    w = ipywidgets()
    fitted = bool(rows) and rows[0].fitted
    heads = [_heading(text) for text in HEADINGS]
    children = [*(heads if fitted else []), *(widget for row in rows for widget in row.widgets)]
    columns = COLUMNS if fitted else "minmax(110px,1.4fr) minmax(120px,3fr) minmax(84px,0.8fr)"
    grid = w.GridBox(
        children,
        # Many rows scroll by themselves, so that the figure stays on the screen.
        layout={
            "grid_template_columns": columns,
            "grid_gap": "0 4px",
            "width": "100%",
            "max_height": "max(170px, 34vh)",
            "overflow": "auto",
            "align_items": "center",
        },
    )
    grid.add_class("nbt-rows")
    return grid


def _heading(text: str) -> Any:
    small = f'<div style="font-size:11px;line-height:16px;opacity:.7">{text}</div>'
    return ipywidgets().HTML(small, layout={"height": "18px", "margin": "0"})


REST = 0.4  # s without a move, after which all points are fitted
MODES = ("fit range", "mask points", "pan and zoom")


class FitFace(Face):
    """The controls; every one by name in `controls`, the whole as `box`."""

    def __init__(self, owner: Any) -> None:
        super().__init__(owner)
        w = ipywidgets()
        self.status = w.HTML(layout={"width": "100%"})
        self.table = w.HTML(layout={"width": "100%"})
        self.rows = {
            name: ParameterRow(
                self, name, known, system=owner.axes.system, whole=name in owner.problem.integers
            )
            for name, known in owner.current.parameters.items()
        }
        self.buttons = self._make_buttons()
        self.settings = self._make_settings()
        self.waiting = ""  # what a second press of the same button will do
        self.resting: Any = None
        self.plot: FitPlot | None = None
        self.plot_box = w.VBox(layout={"width": "100%"})
        self.controls = self._name_controls()
        self.box = self._lay_out()
        self.update()

    # ---- making

    def _make_buttons(self) -> dict[str, Any]:
        o = self.owner
        made = {
            "fit": button(
                "Fit", lambda: self.do(o.fit), tip="least squares from here", icon="play", strong=True
            ),
            "guess": button(
                "Guess", lambda: self.do(o.guess), tip="start values from the data", icon="magic"
            ),
            **self._step_buttons(),
        }
        tables = {
            "intervals": (self._intervals, "profile-likelihood intervals of the last fit"),
            "window": (self._window, "how each answer moves with the fit range"),
            "history": (lambda: ("", o.history), "all fits made"),
            "code": (lambda: ("", o.to_code()), "an lmfit script of this fit"),
        }
        for name, (make, tip) in tables.items():
            made[name] = button(name.capitalize(), partial(self.do, self.tell, make), tip=tip)
        made["save"] = button("Save", lambda: self.do(self._save), tip=f"write {o.path.name}", icon="save")
        made["load"] = button(
            "Load", lambda: self.do(self._load), tip=f"read {o.path.name}", icon="folder-open"
        )
        return made

    def _make_settings(self) -> dict[str, Any]:
        w = ipywidgets()
        text = {
            "continuous_update": False,
            "layout": {"width": "150px"},
            "style": {"description_width": "58px"},
        }
        pick = {"layout": {"width": "190px"}, "style": {"description_width": "58px"}}
        made = {
            "auto_refit": w.Checkbox(
                description="auto-refit",
                indent=False,
                layout={"width": "auto"},
                tooltip="the moved parameter is held, the others follow",
            ),
            "mouse": w.ToggleButtons(
                options=MODES, style={"button_width": "auto"}, tooltip="what the mouse does"
            ),
            "fit from": w.Text(description="fit from", **text),
            "fit to": w.Text(description="to", **text),
            "view from": w.Text(description="view from", **text),
            "view to": w.Text(description="to", **text),
            "masked": w.Text(description="masked", placeholder="3, 7-9", **text),
            "loss": w.Dropdown(description="loss", options=get_args(Loss), **pick),
            "method": w.Dropdown(description="method", options=get_args(Method), **pick),
            "weighting": w.Dropdown(description="weights", options=get_args(Weighting), **pick),
        }
        for name in ("loss", "method", "weighting", "auto_refit"):
            made[name].observe(
                lambda change, name=name: self.ask(self._setting, name, change["new"]), "value"
            )
        for kind in ("fit", "view"):
            for end in ("from", "to"):
                made[f"{kind} {end}"].observe(lambda _, kind=kind: self.ask(self._typed_range, kind), "value")
        made["masked"].observe(lambda change: self.ask(self._typed_mask, change["new"]), "value")
        made["mouse"].observe(lambda change: self._mouse(change["new"]), "value")
        return made

    def _name_controls(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, row in self.rows.items():
            found |= row.controls
            found.setdefault(name, row.slider)
        return {**found, **self.settings, **self.buttons}

    def _lay_out(self) -> Any:
        w, s, b = ipywidgets(), self.settings, self.buttons
        line = {"flex_flow": "row wrap", "width": "100%", "align_items": "center"}
        acts = [b[n] for n in ("fit", "guess", "undo", "redo", "reset")] + [s["auto_refit"]]
        tells = [b[n] for n in ("intervals", "window", "history", "code", "save", "load")]
        more = w.VBox(
            [
                w.HBox([s["loss"], s["method"], s["weighting"]], layout=line),
                w.HBox([s["fit from"], s["fit to"], s["masked"]], layout=line),
                w.HBox([s["view from"], s["view to"]], layout=line),
            ]
        )
        settings = w.Accordion([more], titles=("loss, method, ranges, masks",), layout={"width": "100%"})
        # χ²ᵣ and warnings stand above the figure and the numbers that they judge.
        parts = [
            w.HBox(acts, layout=line),
            self.status,
            self.sentences,
            self.plot_box,
            rows_grid(list(self.rows.values())),
            w.HBox([s["mouse"]], layout=line),
            w.HBox(tells, layout=line),
            self.table,
            settings,
        ]
        return self._stack(parts)

    def _make_plot(self) -> FitPlot:
        owner = self.owner
        plot = self.plot = FitPlot(
            owner.view(),
            owner.axes,
            residual_title(owner.current, owner.problem.curves[0]),
            brushed=lambda ends: self.ask(self._range, "fit_range", ends),
            clicked=lambda curve, index: self.do(lambda: owner.mask(index, curve=curve)),
            viewed=lambda ends: self.ask(self._range, "view_range", ends),
        )
        self.plot_box.children = [plot.main, plot.below]
        return plot

    # ---- what the controls ask for

    def do(self, action: Any, *arguments: Any) -> None:
        """A question stands until something else is done."""
        asked, self.waiting = self.waiting, ""
        if action in (self._save, self._load):
            arguments = (asked,)
        super().do(action, *arguments)

    def slide(self, name: str, value: float) -> None:
        """A slider moves: with auto-refit many points are thinned until it rests."""
        self.owner.set(name, value=value, moving=True)
        if self.resting is not None:
            self.resting.cancel()
            self.resting = None
        if self.owner.on_few:
            try:
                self.resting = asyncio.get_running_loop().call_later(REST, self._rest)
            except RuntimeError:  # no screen, so that no hand will move on
                self.owner.settle()

    def _rest(self) -> None:
        self.resting = None
        self.do(self.owner.settle)

    def _save(self, asked: str) -> None:
        try:
            self.owner.save(replace=asked == "save")
        except StateError as refused:
            self.waiting = "save"
            raise StateError(f"{refused}; pressing Save once more replaces it") from None

    def _load(self, asked: str) -> None:
        document = self.owner.load(anyway=asked == "load")
        self.waiting = "" if asked == "load" or not any("Nothing of" in s for s in document) else "load"

    def tell(self, make: Any) -> None:
        """Show a table or the code below the rows, and what it is above it."""
        title, found = make()
        if isinstance(found, str):
            text = f"<pre>{html.escape(found)}</pre>"
        elif found.empty:
            text = "There is no fit yet."
        else:
            text = f"<div>{found.to_html(float_format='{:.6g}'.format, border=0)}</div>"
        self.table.value = f'{TABLE_STYLE}<div class="nbt">{html.escape(title)}{text}</div>'

    def _intervals(self) -> tuple[str, Any]:
        o = self.owner
        table = intervals_for_display(o.intervals(), o.current, system=o.axes.system)
        return f"{confidence(1.0)} profile-likelihood intervals; {quality(o.last)}", table

    def _window(self) -> tuple[str, Any]:
        o = self.owner
        table = window_for_display(o.window(), o.current, x_unit=o.axes.x_unit, system=o.axes.system)
        return "Fits with a part of the range cut off; moves in σ of the whole range's fit", table

    def _setting(self, name: str, value: Any) -> None:
        self.owner.change(**{name: value})

    def _range(self, which: str, ends: tuple[float, float]) -> None:
        factor = self.owner.axes.factors[0]
        self.owner.change(**{which: (ends[0] / factor, ends[1] / factor)})

    def _typed_range(self, kind: str) -> None:
        texts = [self.settings[f"{kind} {end}"].value.strip() for end in ("from", "to")]
        factor = self.owner.axes.factors[0]
        everything = [c.x[c.usable] for c in self.owner.problem.curves if c.usable.any()]
        if not any(texts) or not everything:
            self.owner.change(**{f"{kind}_range": None})
            return
        whole = min(x.min() for x in everything), max(x.max() for x in everything)
        pairs = zip(texts, whole, strict=True)
        low, high = (_number(text) / factor if text else float(end) for text, end in pairs)
        self.owner.change(**{f"{kind}_range": (low, high)})

    def _typed_mask(self, text: str) -> None:
        kept = tuple(pair for pair in self.owner.current.masked if pair[0] != 0)
        size = self.owner.problem.curves[0].x.size
        self.owner.change(masked=kept + tuple((0, index) for index in read_indices(text, size)))

    def _mouse(self, mode: str) -> None:
        if self.plot is not None:
            self.plot.mode(mode)

    # ---- showing

    def _draw(self) -> None:
        plot = self.plot or self._make_plot()
        span, factor = self.owner.current.fit_range, self.owner.axes.factors[0]
        plot.show(self.owner.view(), None if span is None else (span[0] * factor, span[1] * factor))

    def _follow(self) -> None:
        self._refresh_rows()
        self._refresh_settings()
        done = self.owner.result is not None
        text = quality(self.owner.last) if done else "not fitted yet"
        note = "" if not done or self.owner.fresh else " · moved since"
        if self.owner.on_few:
            note = " · on some of the points while the slider moves"
        self.status.value = f"<span>{text}{note}</span>"

    def _refresh_rows(self) -> None:
        owner = self.owner
        values = owner.attempt(lambda: owner.values) or {}
        for name, row in self.rows.items():
            known = owner.current.parameters[name]
            sigma = uncertainty(owner.result.params, name) if owner.fresh else None
            row.show(known, values.get(name, known.value), sigma)

    def _refresh_settings(self) -> None:
        state, s = self.owner.current, self.settings
        for name in ("loss", "method", "weighting", "auto_refit"):
            s[name].value = getattr(state, name)
        factor = self.owner.axes.factors[0]
        for kind, span in (("fit", state.fit_range), ("view", state.view_range)):
            for end, value in zip(("from", "to"), span or (None, None), strict=True):
                s[f"{kind} {end}"].value = "" if value is None else write_number(value * factor)
        s["masked"].value = write_indices([index for curve, index in state.masked if curve == 0])

    def close(self) -> None:
        """Close every widget of this face."""
        if self.resting is not None:
            self.resting.cancel()
        plot = [] if self.plot is None else [self.plot.brush, self.plot.panzoom]
        close_all(self.box, *plot)


def _number(text: str) -> float:
    try:
        return read_number(text)
    except ValueError as problem:
        raise StateError(str(problem)) from None


def read_indices(text: str, size: int) -> list[int]:
    """``3, 7-9`` as point numbers.

    Raises
    ------
    StateError
        Text that is no list of point numbers, or points that are not there.
    """
    found: list[int] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        first, _, last = part.partition("-")
        if not first.isdigit() or not (last or first).isdigit():
            raise StateError(f"{part!r} is no point number; write for instance 3, 7-9")
        if int(last or first) >= size:
            raise StateError(f"there is no point {last or first}; points are 0 … {size - 1}")
        found += range(int(first), int(last or first) + 1)
    return found


def write_indices(indices: list[int]) -> str:
    """The inverse of `read_indices`, neighbours joined."""
    runs: list[list[int]] = []
    for index in sorted(indices):
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ", ".join(f"{a}-{b}" if b > a else f"{a}" for a, b in runs)
