"""An interface in napari: the image, both lattices' strength, columns as points, boundary and terraces as lines."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbtools.display.style import ELEMENT_COLOURS, RED, SKY, STYLE, YELLOW
from nbtools.viewers.screens import front_end_running, why_no_napari
from nbtools.viewers.volume_napari import NoScreen, napari_version, open_window, taken_by_child

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
NM = 1e9
LATTICE_COLOURS = ("bop blue", "bop orange")  # napari's names
LINE_COLOURS = {"boundary": RED, "terraces": YELLOW, "windows": SKY}
# What is seen together in each picture, besides the image.
VIEWS = {
    "columns, boundary, terraces": ("column", "boundary", "terraces"),
    "both lattices": ("lattice", "windows"),
}


@dataclass(frozen=True)
class InterfaceLayers:
    """What napari shows of an interface; places (y, x) in nm.

    images : by name, shape (y, x), the recorded one first; nm : edge of a pixel
    points : (n, 2) by name; lines : by name, several (n, 2) each
    """

    images: dict[str, Array]
    nm: float
    points: dict[str, Array] = field(default_factory=dict)
    lines: dict[str, tuple[Array, ...]] = field(default_factory=dict)

    def seen(self, view: str) -> list[str]:
        """Names of the layers that a view shows."""
        names = [*self.images, *self.points, *self.lines]
        return ["image", *(name for name in names if name.startswith(VIEWS[view]))]


def interface_layers(
    image: Any,
    pixel_size: float,
    *,
    amplitudes: Mapping[str, Any],
    columns: Iterable[Any] = (),
    boundary: Any = None,
    line: Any = None,
    steps: Any = None,
    windows: Iterable[Any] = (),
) -> InterfaceLayers:
    """Layers of an image (y, x) and of what was found in it.

    Parameters
    ----------
    pixel_size : m; amplitudes : strength of each lattice by its crystal, complex or real, shape (y, x)
    columns : of each grain, as `place_columns` gives them; boundary : as of `find_boundary`
    line, steps : as of `follow_planes` and `find_steps`; windows : masks of the grains
    """
    nm = pixel_size * NM
    strengths = {f"lattice {name}": np.abs(values).astype(np.float32) for name, values in amplitudes.items()}
    points: dict[str, Array] = {}
    for grain in columns:
        for element in map(str, np.unique(grain.elements)):
            name = f"column {element}"
            points[name] = np.concatenate([points.get(name, np.empty((0, 2))), nm * grain.of(element)])
    lines: dict[str, tuple[Array, ...]] = {}
    if boundary is not None:
        places = NM * boundary.places()
        lines["boundary"] = (places[np.all(np.isfinite(places), axis=1)],)
    if line is not None and steps is not None:
        places = NM * line.places(np.interp(line.along, steps.along, steps.fitted))
        lines["terraces"] = _terraces(line.along, places, [float(edge) for edge in steps.positions])
    lines["windows"] = tuple(nm * outline for mask in windows for outline in _outlines(mask))
    grey = np.asarray(image, np.float32)
    return InterfaceLayers({"image": grey, **strengths}, nm, points, {k: v for k, v in lines.items() if v})


def _terraces(along: Array, places: Array, edges: list[float]) -> tuple[Array, ...]:
    """Both ends of each terrace."""
    parts = np.split(places, np.searchsorted(along, np.sort(edges)))
    return tuple(part[[0, -1]] for part in parts if len(part) > 1)


def _outlines(mask: Any) -> list[Array]:
    """Closed lines around a mask, (y, x) in pixels."""
    from skimage.measure import find_contours

    # Every fourth corner is as much as is seen.
    outlines = find_contours(np.pad(np.asarray(mask, float), 1), 0.5)
    return [np.append(one[:-1:4], one[-1:], axis=0) - 1 for one in outlines if len(one) > 64]


def fill_interface(viewer: Any, layers: InterfaceLayers) -> None:
    """Add the layers to a napari viewer (0.9 or later), in nm, and look straight at them."""
    place = {"units": ("nm", "nm")}
    for number, (name, image) in enumerate(layers.images.items()):
        look: dict[str, Any] = {"colormap": "gray"}
        if number:
            look = {"colormap": LATTICE_COLOURS[(number - 1) % 2], "blending": "additive", "opacity": 0.7}
        limits = tuple(np.percentile(image, (0.5, 99.5)).tolist())
        viewer.add_image(image, name=name, scale=(layers.nm,) * 2, contrast_limits=limits, **look, **place)
    for name, points in layers.points.items():
        colour = ELEMENT_COLOURS.get(name.removeprefix("column "), RED)
        viewer.add_points(points, name=name, size=0.07, face_color=colour, border_width=0, **place)
    for name, lines in layers.lines.items():
        look = {"shape_type": "path", "edge_color": LINE_COLOURS[name], "edge_width": 0.06}
        viewer.add_shapes(list(lines), name=name, **look, **place)
    viewer.canvas.overlays.scale_bar.visible = True
    viewer.reset_view()


def interface_pictures(layers: InterfaceLayers, version: str) -> dict[str, np.ndarray]:
    """The views by name, (rows, columns, 3) bytes, as `napari_pictures` takes those of a volume.

    Raises
    ------
    NoScreen
        No napari, no X server and no display, or a child that failed.
    """
    return taken_by_child("nbtools.viewers.interface_render", lambda path: save(layers, path), version)


def save(layers: InterfaceLayers, path: Path) -> None:
    """Into one file, which `load` reads back."""
    kept = {f"image {name}": image for name, image in layers.images.items()}
    kept |= {f"points {name}": points for name, points in layers.points.items()}
    for name, lines in layers.lines.items():
        kept |= {f"lines {number} {name}": line for number, line in enumerate(lines)}
    np.savez(path, allow_pickle=False, nm=layers.nm, **kept)


def load(path: Path) -> InterfaceLayers:
    """The layers that `save` wrote."""
    found: dict[str, dict[str, Any]] = {"image": {}, "points": {}, "lines": {}}
    with np.load(path) as kept:
        for key in (key for key in kept if key != "nm"):
            kind, name = key.split(" ", 1)
            if kind == "lines":
                name = name.split(" ", 1)[1]
                found[kind][name] = (*found[kind].get(name, ()), kept[key])
            else:
                found[kind][name] = kept[key]
        return InterfaceLayers(found["image"], float(kept["nm"]), found["points"], found["lines"])


def draw_interface(
    layers: InterfaceLayers, *, take: Callable[..., dict[str, np.ndarray]] = interface_pictures
) -> "Figure":
    """napari's views of its middle side by side; where a person watches and there is a display, its window opens too.

    `take` is how the pictures are had: `nbtools.cache.cached` may wrap it. Where napari cannot draw, the
    image alone is shown and the reason is said.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    if front_end_running() and not why_no_napari():
        open_window(layers, title="interface", filled=fill_interface)
    try:
        pictures: dict[str, Any] = take(layers, napari_version())
    except NoScreen as reason:
        pictures = {str(reason)[:80]: layers.images["image"]}
    # Pixel for pixel, in few colours: what is blurred by another size takes four times the bytes.
    with rc_context(STYLE):
        width, height = (max(shown.shape[axis] for shown in pictures.values()) + 24 for axis in (1, 0))
        figure = Figure(figsize=(width * len(pictures) / 150, height / 150))
        for number, (name, shown) in enumerate(pictures.items()):
            share = (shown.shape[1] / width / len(pictures), shown.shape[0] / height)
            axes = figure.add_axes((number / len(pictures), 0.0, *share))
            few = np.uint8(np.clip(40 * np.rint(shown / 40), 0, 255)) if shown.ndim == 3 else shown
            axes.imshow(few, cmap="gray", interpolation="nearest")
            axes.set_axis_off()
            axes.set_title(name, loc="left", fontsize=6)
    return figure
