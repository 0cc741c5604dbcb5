"""What a fit looks like as arrays: points, model, parts, residuals and band, ready to be drawn."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nbtools.widgets.fit_curves import Array, Curve
from nbtools.widgets.fit_problem import FitProblem
from nbtools.widgets.fit_report import shown_unit
from nbtools.widgets.fit_state import FitState

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
        x, y = (f"{label} ({unit})" if unit else label for label, unit in pairs)
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
        curve.sigma is not None and state.weighting == "sigma" and bool((curve.sigma[curve.usable] > 0).all())
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
