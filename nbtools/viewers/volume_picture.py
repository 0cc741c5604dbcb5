"""The volume on paper: three sections through its middle and a projection."""

from typing import TYPE_CHECKING, Any

import numpy as np

from nbtools.display.style import STYLE
from nbtools.viewers.volume_layers import MASK_COLOURS, Layers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROUND = (1, 2, 5)


def draw_sections(layers: Layers) -> "Figure":
    """Sections normal to z, y and x with the masks outlined, and a projection along z; each to scale."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(7.0, 2.3), layout="constrained")
        axes = figure.subplots(1, 4)
        for axis, name in enumerate("zyx"):
            _draw_section(axes[axis], layers, axis)
            axes[axis].set_title(f"middle section, normal to {name}", loc="left", fontsize=6)
        _draw_projection(axes[3], layers)
        if layers.masks:
            _add_names(figure, layers)
    return figure


def _draw_section(axes: "Axes", layers: Layers, axis: int) -> None:
    middle = layers.raw.shape[axis] // 2
    _draw_plane(axes, layers.raw.take(middle, axis=axis), layers, axis, layers.range)
    for colour, mask in zip(MASK_COLOURS, layers.masks.values(), strict=False):
        plane = mask.take(middle, axis=axis)
        if plane.min() < 0.5 <= plane.max():
            axes.contour(plane, [0.5], colors=[colour], linewidths=0.6)


def _draw_projection(axes: "Axes", layers: Layers) -> None:
    """Along z: of a mask its share, which shows where it is thick; of grey values alone the brightest."""
    name = next(iter(layers.masks), "")
    seen = layers.masks[name].mean(axis=0) if name else layers.raw.max(axis=0)
    _draw_plane(axes, seen, layers, 0, (float(seen.min()), float(seen.max())))
    axes.set_title(f"{name}, share along z" if name else "brightest voxel along z", loc="left", fontsize=6)


def _draw_plane(
    axes: "Axes", plane: np.ndarray, layers: Layers, axis: int, limits: tuple[float, float]
) -> None:
    """Grey values with square micrometres, and a bar of a round length."""
    down, along = (side for number, side in enumerate(layers.micrometres) if number != axis)
    low, high = limits
    axes.imshow(plane, cmap="gray", vmin=low, vmax=high, aspect=down / along, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    add_scale_bar(axes, plane.shape, along)


def add_scale_bar(axes: "Axes", shape: tuple[int, ...], micrometres: float) -> None:
    """A bar near a quarter of the width, labelled; `micrometres` is the width of a pixel."""
    length = round_length(0.3 * shape[1] * micrometres)
    right, base = 0.96 * shape[1] - 0.5, 0.93 * shape[0]
    box = {"facecolor": "black", "alpha": 0.6, "edgecolor": "none", "pad": 1.5}
    label = f"{length:g} µm" if length >= 1 else f"{1000 * length:g} nm"
    axes.plot([right - length / micrometres, right], [base, base], color="white", lw=2, solid_capstyle="butt")
    centre = right - length / micrometres / 2
    axes.text(
        centre, base - 0.03 * shape[0], label, color="white", fontsize=5, ha="center", va="bottom", bbox=box
    )


def round_length(most: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is no longer than `most`."""
    power = 10.0 ** np.floor(np.log10(most))
    return float(max(step * power for step in ROUND if step * power <= most * (1 + 1e-9)))


def _add_names(figure: "Figure", layers: Layers) -> None:
    from matplotlib.lines import Line2D

    handles: list[Any] = [
        Line2D([], [], color=c, label=n) for c, n in zip(MASK_COLOURS, layers.masks, strict=False)
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), fontsize=6, frameon=False)
