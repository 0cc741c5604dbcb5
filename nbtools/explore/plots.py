"""What an explored function may give beside numbers and curves: plots of its own, with an image under them."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import fill
from typing import Any

import numpy as np

from nbtools.fitting.figure import cycle_colours
from nbtools.fitting.report import shown_unit

LONGEST = 512  # pixels of a live image along its longer side


@dataclass(frozen=True)
class Plot:
    """A plot with axes of its own, for a function to return.

    Parameters
    ----------
    curves : by label, (x, y) for a line or (x, y, "o") for dots, in the units of the axes
    x_label, y_label, x_unit, y_unit : of the axes; lengths are shown in `x_unit` as given
    image : shape (rows, columns), drawn under the curves with its first row on top; NaN is left blank
    extent : (left, right, top, bottom) edges of the image; by default pixel numbers
    colours : a matplotlib colour map; limits : (lowest, highest) value of the colours, by default the image's
    clicked : the two arguments (across, down) that a click into the image sets
    """

    curves: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    x_label: str = ""
    y_label: str = ""
    x_unit: str = ""
    y_unit: str = ""
    image: Any = None
    extent: tuple[float, float, float, float] | None = None
    colours: str = "viridis"
    limits: tuple[float, float] | None = None
    clicked: tuple[str, str] | None = None


@dataclass(frozen=True)
class PanelImage:
    """An image in the units shown: array, edges, and the ends of its colours."""

    array: Any
    extent: tuple[float, float, float, float]
    colours: str
    limits: tuple[float, float]
    clicked: tuple[str, str] | None
    scales: tuple[float, float]

    @property
    def aspect(self) -> float:
        """Width over height."""
        left, right, top, bottom = self.extent
        return abs((right - left) / (bottom - top))

    def png(self) -> bytes:
        """Coloured and thinned to what a browser draws at once."""
        from matplotlib import colormaps
        from PIL import Image

        step = -(-max(self.array.shape) // LONGEST)
        low, high = self.limits
        share = (np.asarray(self.array[::step, ::step], float) - low) / ((high - low) or 1.0)
        rgba = colormaps[self.colours](share, bytes=True)
        target = io.BytesIO()
        Image.fromarray(rgba).save(target, format="png", compress_level=1)
        return target.getvalue()


def panel_image(plot: Plot, system: str) -> PanelImage | None:
    """The image of a plot in the units shown.

    Raises
    ------
    ValueError
        An array that is no image.
    """
    if plot.image is None:
        return None
    array = np.asarray(plot.image)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"an image of shape {array.shape} came; (rows, columns) was expected")
    rows, columns = array.shape
    x, y = shown_unit(plot.x_unit, system)[0], shown_unit(plot.y_unit, system)[0]
    left, right, top, bottom = plot.extent or (-0.5, columns - 0.5, -0.5, rows - 0.5)
    known = array[np.isfinite(array)]
    limits = plot.limits or ((float(known.min()), float(known.max())) if known.size else (0.0, 1.0))
    extent = (left * x, right * x, top * y, bottom * y)
    return PanelImage(array, extent, plot.colours, limits, plot.clicked, (x, y))


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
        for (name, (x, y)), colour in zip(panel.dots.items(), cycle_colours(len(panel.dots)), strict=True):
            ax.plot(
                x,
                y,
                "o" if len(x) == 1 else ".",
                color=colour,
                ms=6 if len(x) == 1 else 3,
                label=name or None,
            )
        for (name, (x, y)), colour in zip(panel.lines.items(), cycle_colours(len(panel.lines)), strict=True):
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
