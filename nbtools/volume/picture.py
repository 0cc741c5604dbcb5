"""The volume on paper: three sections through its middle and a projection."""

from typing import TYPE_CHECKING, Any

import numpy as np

from nbtools.display.scale_bar import add_scale_bar
from nbtools.display.style import STYLE
from nbtools.volume.scene import MASK_COLOURS, Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_sections(scene: Scene) -> "Figure":
    """Sections normal to z, y and x with the masks outlined, and a projection along z; each to scale."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(7.0, 2.3), layout="constrained")
        axes = figure.subplots(1, 4)
        for axis, name in enumerate("zyx"):
            _draw_section(axes[axis], scene, axis)
            axes[axis].set_title(f"middle section, normal to {name}", loc="left", fontsize=6)
        _draw_projection(axes[3], scene)
        if scene.masks:
            _add_names(figure, scene)
    return figure


def _draw_section(axes: "Axes", scene: Scene, axis: int) -> None:
    middle = scene.raw.shape[axis] // 2
    _draw_plane(axes, scene.raw.take(middle, axis=axis), scene, axis, scene.range)
    for colour, mask in zip(MASK_COLOURS, scene.masks.values(), strict=False):
        plane = mask.take(middle, axis=axis)
        if plane.min() < 0.5 <= plane.max():
            axes.contour(plane, [0.5], colors=[colour], linewidths=0.6)


def _draw_projection(axes: "Axes", scene: Scene) -> None:
    """Along z: of a mask its share, which shows where it is thick; of grey values alone the brightest."""
    name = next(iter(scene.masks), "")
    seen = scene.masks[name].mean(axis=0) if name else scene.raw.max(axis=0)
    _draw_plane(axes, seen, scene, 0, (float(seen.min()), float(seen.max())))
    axes.set_title(f"{name}, share along z" if name else "brightest voxel along z", loc="left", fontsize=6)


def _draw_plane(
    axes: "Axes", plane: np.ndarray, scene: Scene, axis: int, limits: tuple[float, float]
) -> None:
    """Grey values with square micrometres, and a bar of a round length."""
    down, along = (side for number, side in enumerate(scene.edges) if number != axis)
    low, high = limits
    axes.imshow(plane, cmap="gray", vmin=low, vmax=high, aspect=down / along, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    add_scale_bar(axes, 1e-6 * along)


def _add_names(figure: "Figure", scene: Scene) -> None:
    from matplotlib.lines import Line2D

    handles: list[Any] = [
        Line2D([], [], color=c, label=n) for c, n in zip(MASK_COLOURS, scene.masks, strict=False)
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), fontsize=6, frameon=False)
