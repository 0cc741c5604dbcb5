"""The face of a fit: plot, parameter rows, buttons and settings over a `FitWidget`."""

import html
from typing import Any, get_args

from nbtools.widgets.face import Face
from nbtools.widgets.fit_plot import FitPlot
from nbtools.widgets.fit_report import quality, uncertainty
from nbtools.widgets.fit_rows import ParameterRow, rows_grid
from nbtools.widgets.fit_state import Loss, Method, StateError, Weighting
from nbtools.widgets.fit_view import residual_title
from nbtools.widgets.gui import (
    TABLE_STYLE,
    button,
    close_all,
    ipywidgets,
    read_number,
    write_number,
)

MODES = ("fit range", "mask points", "pan and zoom")


class FitFace(Face):
    """The controls; every one by name in `controls`, the whole as `box`."""

    def __init__(self, owner: Any) -> None:
        super().__init__(owner)
        w = ipywidgets()
        self.status = w.HTML(layout={"width": "100%"})
        self.table = w.HTML(layout={"width": "100%"})
        self.rows = {
            name: ParameterRow(self, name, known, system=owner.axes.system)
            for name, known in owner.current.parameters.items()
        }
        self.buttons = self._make_buttons()
        self.settings = self._make_settings()
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
            "intervals": (o.intervals, "profile-likelihood intervals of the last fit"),
            "window": (o.window, "how each answer moves with the fit range"),
            "history": (lambda: o.history, "all fits made"),
            "code": (o.to_code, "an lmfit script of this fit"),
        }
        for name, (make, tip) in tables.items():
            made[name] = button(name.capitalize(), lambda make=make: self.do(self.tell, make), tip=tip)
        made["save"] = button("Save", lambda: self.do(o.save), tip=f"write {o.path.name}", icon="save")
        made["load"] = button("Load", lambda: self.do(o.load), tip=f"read {o.path.name}", icon="folder-open")
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
        made["mouse"].observe(lambda change: self.plot and self.plot.mode(change["new"]), "value")
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
        parts = [
            w.HBox([s["mouse"]], layout=line),
            self.plot_box,
            w.HBox(acts, layout=line),
            self.status,
            self.sentences,
            rows_grid(list(self.rows.values())),
            w.HBox(tells, layout=line),
            self.table,
            settings,
        ]
        return self._stack(parts)

    def _make_plot(self) -> None:
        owner = self.owner
        self.plot = FitPlot(
            owner.view(),
            owner.axes,
            residual_title(owner.current, owner.problem.curves[0]),
            brushed=lambda ends: self.ask(self._range, "fit_range", ends),
            clicked=lambda curve, index: self.do(lambda: owner.mask(index, curve=curve)),
            viewed=lambda ends: self.ask(self._range, "view_range", ends),
        )
        self.plot_box.children = [self.plot.main, self.plot.below]

    # ---- what the controls ask for

    def tell(self, make: Any) -> None:
        """Show a table or the code below the rows."""
        found = make()
        if isinstance(found, str):
            text = f"<pre>{html.escape(found)}</pre>"
        elif found.empty:
            text = "There is no fit yet."
        else:
            text = f"<div>{found.to_html(float_format='{:.6g}'.format, border=0)}</div>"
        self.table.value = f'{TABLE_STYLE}<div class="nbt">{text}</div>'

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

    # ---- showing

    def _draw(self) -> None:
        if self.plot is None:
            self._make_plot()
        span, factor = self.owner.current.fit_range, self.owner.axes.factors[0]
        self.plot.show(self.owner.view(), None if span is None else (span[0] * factor, span[1] * factor))

    def _follow(self) -> None:
        self._refresh_rows()
        self._refresh_settings()
        done = self.owner.result is not None
        text = quality(self.owner.last) if done else "not fitted yet"
        note = "" if not done or self.owner.fresh else " · moved since"
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
