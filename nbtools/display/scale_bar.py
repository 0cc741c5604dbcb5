"""A scale bar of a round length in an image without axes."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROUND = (1, 2, 5)
UNITS = ((1e-3, "mm", 1e3), (1e-6, "µm", 1e6), (1e-9, "nm", 1e9), (0.0, "pm", 1e12))


def add_scale_bar(axes: "Axes", shape: tuple[int, ...], pixel_size: float) -> None:
    """A white bar with its length over it, at the lower right, about a quarter of the width.

    Parameters
    ----------
    axes : that show the image, pixel for pixel
    shape : of the image, (rows, columns)
    pixel_size : width of a pixel, m
    """
    from matplotlib.patheffects import withStroke

    rows, columns = shape[:2]
    length = round_length(0.3 * columns * pixel_size)
    unit, scale = next((name, scale) for least, name, scale in UNITS if length >= 0.999 * least)
    across = length / pixel_size
    right, base = 0.96 * columns - 0.5, 0.93 * rows
    edge = [withStroke(linewidth=3.5, foreground="black")]
    axes.plot(
        [right - across, right], [base, base], color="white", lw=2, solid_capstyle="butt", path_effects=edge
    )
    words = {"color": "white", "fontsize": 6, "ha": "center", "va": "bottom"}
    label = axes.text(right - across / 2, base - 0.03 * rows, f"{length * scale:.3g} {unit}", **words)
    label.set_path_effects([withStroke(linewidth=1.2, foreground="black")])


def round_length(most: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is no longer than `most`."""
    power = 10.0 ** np.floor(np.log10(most))
    return float(max(step * power for step in ROUND if step * power <= most * (1 + 1e-9)))
