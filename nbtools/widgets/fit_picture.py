"""The picture of a fit: matplotlib, no screen, the same arrays as the live widget."""

from collections.abc import Sequence
from textwrap import fill
from typing import Any

import numpy as np

from nbtools.widgets.fit_view import Axes, CurveView

# Okabe and Ito's colours, which colour-blind readers tell apart; mid-tones, for light and dark pages.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


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
    for view, colour in zip(views, _cycle(len(views)), strict=True):
        _draw_curve(above, below, view, colour)
    _dress(above, below, axes, residual_title)
    if fit_range is not None:
        for panel in (above, below):
            panel.axvspan(*fit_range, color="0.5", alpha=0.12, lw=0)
    if title:
        figure.suptitle(title, fontsize="small", x=0.02, ha="left", family="monospace")
    return figure


def _cycle(count: int) -> list[str]:
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


def draw_panels(panels: Sequence[Any], *, title: str = "") -> Any:
    """Lines and dots of an exploration, side by side; a matplotlib Figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.6 * max(2, len(panels)), 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, max(1, len(panels)), squeeze=False)[0]
    for panel, ax in zip(panels, axes, strict=False):
        if panel.image is not None:
            left, right, top, bottom = panel.image.extent
            low, high = panel.image.limits
            colours = {"cmap": panel.image.colours, "vmin": low, "vmax": high}
            ax.imshow(
                panel.image.array, extent=(left, right, bottom, top), interpolation="nearest", **colours
            )
        for (name, (x, y)), colour in zip(panel.dots.items(), _cycle(len(panel.dots)), strict=True):
            ax.plot(
                x,
                y,
                "o" if len(x) == 1 else ".",
                color=colour,
                ms=6 if len(x) == 1 else 3,
                label=name or None,
            )
        for (name, (x, y)), colour in zip(panel.lines.items(), _cycle(len(panel.lines)), strict=True):
            ax.plot(x, y, color=colour, label=name or None)
        ax.set_xlabel(panel.x_title)
        ax.set_ylabel(panel.y_title)
        ax.set_title(panel.title, fontsize="small")
        if len(panel.lines) + len(panel.dots) > 1:
            ax.legend(frameon=False, fontsize="small")
    if title:
        figure.suptitle(_side_by_side(title.split("\n"), figure.get_figwidth()), fontsize="small")
    return figure


def _side_by_side(readings: Sequence[str], width: float) -> str:
    """As many readings to a line as a picture of `width` inches holds beside the tag in its corner."""
    whole = "   ".join(reading.replace(" ", "\N{NO-BREAK SPACE}") for reading in readings)
    return fill(whole, max(int(15 * (width - 3)), 30), break_long_words=False, break_on_hyphens=False)
