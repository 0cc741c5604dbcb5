"""What an explored function may give beside numbers and curves: plots of its own, with an image under them."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nbtools.widgets.fit_report import shown_unit

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
