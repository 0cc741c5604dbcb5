"""The face of an exploration: plots side by side, a row for each argument, the numbers."""

import html
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nbtools.display.face import Face
from nbtools.display.gui import (
    DATA_COLOURS,
    MODEL_COLOUR,
    PART_COLOURS,
    TABLE_STYLE,
    TEXT,
    bqplot,
    button,
    ipywidgets,
)
from nbtools.explore.plots import PanelImage
from nbtools.explore.sliders import Panel
from nbtools.fitting.face import ParameterRow, make_axes, make_figure, rows_grid, set_ticks


class PanelPlot:
    """One panel as a bqplot figure; image, lines and dots by label, made when they first appear.

    `clicked` is told the places (across, down) of a click into the image, and which arguments they are.
    """

    def __init__(self, panel: Panel, clicked: Callable[[dict[str, float]], None]) -> None:
        bq = bqplot()
        self.clicked, self.image = clicked, panel.image
        self.scales = {"x": bq.LinearScale(), "y": bq.LinearScale(reverse=panel.image is not None)}
        self.picture: Any = None
        self.lines: dict[str, Any] = {}
        self.dots: dict[str, Any] = {}
        axes = make_axes(self.scales, panel.x_title, panel.y_title)
        self.figure = make_figure(
            [], axes, height="300px" if panel.image else "clamp(180px, 28vh, 240px)", bottom=40
        )
        if panel.image:
            self.figure.min_aspect_ratio = self.figure.max_aspect_ratio = panel.image.aspect
        if panel.title:
            self.figure.title, self.figure.title_style = panel.title, {"font-size": "12px", "fill": TEXT}
            self.figure.fig_margin = {**self.figure.fig_margin, "top": 26}
        self.legend = ipywidgets().HTML(layout={"width": "100%"})
        self.box = ipywidgets().VBox(
            [self.figure, self.legend], layout={"flex": "1 1 250px", "min_width": "240px"}
        )
        self.show(panel)

    def show(self, panel: Panel) -> None:
        """Send the arrays; a label that is gone is emptied."""
        self._make_missing(panel)
        if panel.image is not None:
            self._show_image(panel.image)
        for marks, wanted in ((self.dots, panel.dots), (self.lines, panel.lines)):
            for label, mark in marks.items():
                x, y = wanted.get(label, (np.array([]), np.array([])))
                with mark.hold_sync():
                    mark.x, mark.y = x, y
        if panel.image is None:
            self._set_ticks([*panel.lines.values(), *panel.dots.values()])

    def _set_ticks(self, curves: Sequence[tuple[Any, Any]]) -> None:
        for number, axis in enumerate(self.figure.axes):
            shown = np.concatenate(
                [np.ravel(curve[number]).astype(float) for curve in curves] or [np.empty(0)]
            )
            shown = shown[np.isfinite(shown)]
            if shown.size and shown.min() < shown.max():
                set_ticks(axis, float(shown.min()), float(shown.max()), 4)

    def _show_image(self, image: PanelImage) -> None:
        """A new picture: bqplot looks at which one it holds, not at what the one it holds has become."""
        left, right, top, bottom = image.extent
        fresh = ipywidgets().Image(value=image.png(), format="png")
        if self.picture is None:
            self.picture = bqplot().Image(image=fresh, scales=self.scales, x=[left, right], y=[bottom, top])
            self.picture.on_element_click(self._click)
            self.figure.marks = [self.picture]
        else:
            before, self.picture.image = self.picture.image, fresh
            before.close()
        self.image = image
        for scale, ends in (("x", (left, right)), ("y", (top, bottom))):
            self.scales[scale].min, self.scales[scale].max = min(ends), max(ends)
        self.picture.x, self.picture.y = np.array([left, right]), np.array([bottom, top])

    def _click(self, _: Any, message: dict[str, Any]) -> None:
        places = message.get("data", {})
        if self.image is not None and self.image.clicked and "click_x" in places:
            x, y = (float(places[key]) for key in ("click_x", "click_y"))
            across, down = self.image.clicked
            self.clicked({across: x / self.image.scales[0], down: y / self.image.scales[1]})

    def _make_missing(self, panel: Panel) -> None:
        bq = bqplot()
        new = [label for label in panel.dots if label not in self.dots]
        for label in new:
            colour = DATA_COLOURS[len(self.dots) % len(DATA_COLOURS)]
            size = 70 if len(panel.dots[label][0]) == 1 else 12
            self.dots[label] = bq.Scatter(
                x=[], y=[], scales=self.scales, colors=[colour], default_size=size, stroke_width=0
            )
        colours = (MODEL_COLOUR, *PART_COLOURS)
        fresh = [label for label in panel.lines if label not in self.lines]
        for label in fresh:
            colour = colours[len(self.lines) % len(colours)]
            self.lines[label] = bq.Lines(x=[], y=[], scales=self.scales, colors=[colour], stroke_width=2)
        if new or fresh:
            under = [self.picture] if self.picture is not None else []
            self.figure.marks = [*under, *self.dots.values(), *self.lines.values()]
            self.legend.value = _legend(self.lines, self.dots)


def _legend(*groups: dict[str, Any]) -> str:
    entries = [
        f'<span style="color:{mark.colors[0]}">■</span> {html.escape(label)}'
        for group in groups
        for label, mark in group.items()
        if label
    ]
    return (
        f'<div style="font-size:11px;line-height:15px">{" &nbsp; ".join(entries)}</div>'
        if len(entries) > 1
        else ""
    )


class ExploreFace(Face):
    """The controls, every one by name in `controls`; the whole as `box`."""

    def __init__(self, owner: Any) -> None:
        super().__init__(owner)
        w = ipywidgets()
        self.numbers = w.HTML(layout={"width": "100%"})
        self.code = w.HTML(layout={"width": "100%"})
        self.rows = {
            name: ParameterRow(
                self,
                name,
                known,
                system=owner.system,
                label=owner.labels.get(name, ""),
                fitted=False,
                whole=name in owner.integers,
            )
            for name, known in owner.current.parameters.items()
        }
        self.menus = {name: self._menu(name, options) for name, options in owner.options.items()}
        self.buttons = self._step_buttons()
        if owner.use is not None:
            tip = "keep the number by this criterion, and say how to repeat it"
            self.buttons["use"] = button("Use this value", lambda: self.do(owner.use_value), tip=tip)
        if not owner.why_no_code:
            tip = "the call as a script that runs by itself"
            self.buttons["code"] = button("Code", lambda: self.do(self._tell_code), tip=tip)
        self.plots: list[PanelPlot] = []
        # Rows of plots scroll by themselves, so that the sliders stay on the screen with what they move.
        self.plot_box = w.HBox(
            layout={
                "width": "100%",
                "flex_flow": "row wrap",
                "max_height": "max(310px, calc(100vh - 390px))",
                "overflow": "hidden auto",
            }
        )
        self.controls = self._name_controls()
        line = {"flex_flow": "row wrap", "width": "100%"}
        rows = [rows_grid(list(self.rows.values()))] if self.rows else []
        parts = [
            self.numbers,
            self.sentences,
            self.plot_box,
            *rows,
            w.HBox([*self.menus.values(), *self.buttons.values()], layout=line),
            self.code,
        ]
        self.box = self._stack(parts)
        self.update()

    def _menu(self, name: str, options: Sequence[Any]) -> Any:
        label = self.owner.labels.get(name, name.replace("_", " "))
        made = ipywidgets().Dropdown(
            description=label,
            options=list(options),
            style={"description_width": "initial"},
            layout={"width": "auto"},
        )
        made.observe(lambda change: self.ask(self._choose, name, change["new"]), "value")
        return made

    def _choose(self, name: str, value: Any) -> None:
        self.owner.set(name, value=value)

    def _clicked(self, places: dict[str, float]) -> None:
        """A click into an image moves two sliders, each within its ends; across a single row only one."""
        known = self.owner.current.parameters
        for name, place in places.items():
            if name not in known:
                continue
            low, high = known[name].ends
            self.do(self.slide, name, min(max(place, low), high))

    def slide(self, name: str, value: float) -> None:
        """A slider or a click moves an argument."""
        self.owner.set(name, value=value)

    def _name_controls(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, row in self.rows.items():
            found |= row.controls
            found.setdefault(name, row.slider)
        return {**found, **self.menus, **self.buttons}

    def _tell_code(self) -> None:
        text = html.escape(self.owner.to_code())
        self.code.value = f'{TABLE_STYLE}<div class="nbt"><pre>{text}</pre></div>'

    def _draw(self) -> None:
        panels = self.owner.panels()
        for plot, panel in zip(self.plots, panels, strict=False):
            plot.show(panel)
        if len(panels) > len(self.plots):
            self.plots += [PanelPlot(panel, self._clicked) for panel in panels[len(self.plots) :]]
            self.plot_box.children = [plot.box for plot in self.plots]
        self.numbers.value = html.escape(self.owner.summary()).replace("\n", " &nbsp; ")

    def _follow(self) -> None:
        state = self.owner.current
        for name, row in self.rows.items():
            row.show(state.parameters[name], state.parameters[name].value)
        for name, menu in self.menus.items():
            menu.value = state.choices[name]
