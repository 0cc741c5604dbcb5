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
    rows, columns = shape[:2]
    length = round_length(0.3 * columns * pixel_size)
    unit, scale = next((name, scale) for least, name, scale in UNITS if length >= 0.999 * least)
    across = length / pixel_size
    right, base = 0.96 * columns - 0.5, 0.93 * rows
    # A dark ground, so that bar and label are read on any image.
    from matplotlib.patches import Rectangle

    wide, high = max(across, 0.16 * columns) + 0.03 * columns, 0.13 * rows
    corner = (right - across / 2 - wide / 2, base - high + 0.025 * rows)
    axes.add_patch(Rectangle(corner, wide, high, facecolor="black", alpha=0.65, edgecolor="none"))
    axes.plot([right - across, right], [base, base], color="white", lw=2, solid_capstyle="butt")
    words = {"color": "white", "fontsize": 6, "ha": "center", "va": "bottom"}
    axes.text(right - across / 2, base - 0.015 * rows, f"{length * scale:.3g} {unit}", **words)


def round_length(most: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is no longer than `most`."""
    power = 10.0 ** np.floor(np.log10(most))
    return float(max(step * power for step in ROUND if step * power <= most * (1 + 1e-9)))
