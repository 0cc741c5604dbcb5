"""What a fit looks like: its curves as arrays ready to be drawn, and a matplotlib picture of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nbtools.display.style import BLUE, GREEN, ORANGE, PURPLE, RED, SKY
from nbtools.fitting.engine import Array, Curve, FitProblem
from nbtools.fitting.report import shown_unit, titled
from nbtools.fitting.state import FitState

SHOWN_POINTS = 2000
GRID_POINTS = 400


@dataclass(frozen=True)
class Axes:
    """Names, units and scales of the two axes; arrays are SI, what is drawn is in the chosen system."""

    x_label: str = "x"
    y_label: str = "y"
    x_unit: str = ""
    y_unit: str = ""
    log_x: bool = False
    log_y: bool = False
    system: str = "paper"

    @property
    def factors(self) -> tuple[float, float]:
        """What x and y are multiplied by to be drawn."""
        return shown_unit(self.x_unit, self.system)[0], shown_unit(self.y_unit, self.system)[0]

    @property
    def titles(self) -> tuple[str, str]:
        """``temperature (K)`` and its like, for both axes."""
        units = shown_unit(self.x_unit, self.system)[1], shown_unit(self.y_unit, self.system)[1]
        pairs = zip((self.x_label, self.y_label), units, strict=True)
        x, y = (titled(label, unit) for label, unit in pairs)
        return x, y


@dataclass(frozen=True)
class CurveView:
    """One curve as drawn; `index` says which points of the data these are, `used` which of them are fitted."""

    label: str
    index: np.ndarray[Any, np.dtype[np.int_]]
    x: Array
    y: Array
    sigma: Array | None
    used: np.ndarray[Any, np.dtype[np.bool_]]
    residual: Array
    grid: Array
    model: Array
    parts: dict[str, Array] = field(default_factory=dict)
    band: Array | None = None


def view_of(problem: FitProblem, state: FitState, axes: Axes, result: Any = None) -> list[CurveView]:
    """Every curve at the state's parameters; the band only where `result` is the fit of this very state."""
    parameters = problem.parameters(state)
    selection = problem.selection(state)
    views = []
    for number, curve in enumerate(problem.curves):
        index = thinned(curve)
        grid = _grid(curve, state, axes)
        model_here = problem.evaluate(parameters, number, curve.x[index])
        residual = curve.y[index] - model_here
        sigma = None if curve.sigma is None else curve.sigma[index]
        x_factor, y_factor = axes.factors
        views.append(
            CurveView(
                label=curve.label,
                index=index,
                x=curve.x[index] * x_factor,
                y=curve.y[index] * y_factor,
                sigma=None if sigma is None else sigma * y_factor,
                used=selection[number][index],
                residual=residual / sigma if weighted(state, curve) else residual * y_factor,
                grid=grid * x_factor,
                model=problem.evaluate(parameters, number, grid) * y_factor,
                parts={n: p * y_factor for n, p in problem.components(parameters, number, grid).items()},
                band=None if result is None else problem.band(result, number, grid) * y_factor,
            )
        )
    return views


def weighted(state: FitState, curve: Curve) -> bool:
    """Whether residuals are drawn in units of σ."""
    return (
        curve.sigma is not None and state.weighting != "none" and bool((curve.sigma[curve.usable] > 0).all())
    )


def residual_title(state: FitState, curve: Curve) -> str:
    """The name of the residual axis."""
    return "residual / σ" if weighted(state, curve) else "residual"


def thinned(curve: Curve) -> np.ndarray[Any, np.dtype[np.int_]]:
    """Which points are drawn: all usable ones, or 2000 of them evenly; the fit always takes all."""
    usable = np.flatnonzero(curve.usable)
    if usable.size <= SHOWN_POINTS:
        return usable
    return usable[np.linspace(0, usable.size - 1, SHOWN_POINTS).astype(int)]


def _grid(curve: Curve, state: FitState, axes: Axes) -> Array:
    x = curve.x[curve.usable]
    if x.size == 0:
        return np.array([0.0, 1.0])
    low, high = state.view_range or (float(x.min()), float(x.max()))
    if axes.log_x:
        low = max(low, float(x[x > 0].min(initial=high)))
        return np.geomspace(low, high, GRID_POINTS)
    return np.linspace(low, high, GRID_POINTS)


COLOURS = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY)


def draw_fit(
    views: Sequence[CurveView],
    axes: Axes,
    *,
    residual_title: str = "residual",
    fit_range: tuple[float, float] | None = None,
    title: str = "",
) -> Any:
    """Data, model, parts and band above, residuals below; a matplotlib Figure (`savefig` gives vectors)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for view, colour in zip(views, cycle_colours(len(views)), strict=True):
        _draw_curve(above, below, view, colour)
    _dress(above, below, axes, residual_title)
    if fit_range is not None:
        for panel in (above, below):
            panel.axvspan(*fit_range, color="0.5", alpha=0.12, lw=0)
    if title:
        figure.suptitle(title, fontsize="small", x=0.02, ha="left", family="monospace")
    return figure


def cycle_colours(count: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(count)]


def _draw_curve(above: Any, below: Any, view: CurveView, colour: str) -> None:
    for chosen, alpha, label in ((view.used, 0.8, view.label), (~view.used, 0.25, None)):
        if chosen.any():
            above.plot(view.x[chosen], view.y[chosen], ".", ms=4, color=colour, alpha=alpha, label=label)
            below.plot(view.x[chosen], view.residual[chosen], ".", ms=3, color=colour, alpha=alpha)
    if view.sigma is not None and view.x.size <= 500:
        above.errorbar(view.x, view.y, np.abs(view.sigma), fmt="none", ecolor=colour, alpha=0.3, lw=0.8)
    above.plot(view.grid, view.model, color="black", lw=1.4)
    for number, (name, part) in enumerate(view.parts.items()):
        above.plot(view.grid, part, "--", lw=1, color=COLOURS[(number + 2) % len(COLOURS)], label=name)
    if view.band is not None and np.isfinite(view.band).all():
        above.fill_between(
            view.grid, view.model - view.band, view.model + view.band, color="0.4", alpha=0.3, lw=0
        )


def _dress(above: Any, below: Any, axes: Axes, residual_title: str) -> None:
    x_title, y_title = axes.titles
    above.set_ylabel(y_title)
    below.set_ylabel(residual_title)
    below.set_xlabel(x_title)
    below.axhline(0, color="0.5", lw=0.8)
    if axes.log_x:
        above.set_xscale("log")
    if axes.log_y:
        above.set_yscale("log")
    above.legend(frameon=False, fontsize="small")
