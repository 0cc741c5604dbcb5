"""Bars: which input contributes how much."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nbtools.display.style import BLUE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_budget(
    axes: "Axes", budget: Mapping[str, float], *, label: str = "relative standard deviation (%)"
) -> "Axes":
    """Which input contributes how much, as bars, the largest on top."""
    names = list(budget)[::-1]
    values = [100 * budget[name] for name in names]
    axes.barh(names, values, color=BLUE, height=0.6)
    for row, value in enumerate(values):
        axes.annotate(
            f"{value:.2g} %", (value, row), xytext=(3, 0), textcoords="offset points", va="center", fontsize=6
        )
    axes.set(xlabel=label, xlim=(0, 1.25 * max([*values, 1e-9])))
    axes.tick_params(axis="y", which="minor", left=False, right=False)
    return axes
