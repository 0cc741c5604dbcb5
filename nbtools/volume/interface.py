"""An interface in napari: the image, both lattices' strength, columns as points, boundary and terraces as lines."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbtools.display.style import ELEMENT_COLOURS, RED, SKY, YELLOW
from nbtools.volume.napari import NoScreen, compose, napari_pictures, open_window
from nbtools.volume.scene import Scene
from nbtools.volume.screens import front_end_running, why_no_napari

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
NM = 1e9
LINE_COLOURS = {"boundary": RED, "terraces": YELLOW, "windows": SKY}
# What is seen together in each picture, besides the image.
VIEWS = {
    "columns, boundary, terraces": ("column", "boundary", "terraces"),
    "both lattices": ("lattice", "windows"),
}


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
    colours: Mapping[str, str] | None = None,
) -> Scene:
    """A scene of an image (y, x) and of what was found in it, places in nm.

    Parameters
    ----------
    image : (y, x) grey values
    pixel_size : m
    amplitudes : strength of each lattice by its crystal, complex or real, shape (y, x)
    columns : of each grain, as `place_columns` gives them
    boundary : as of `find_boundary`
    line, steps : as of `follow_planes` and `find_steps`
    windows : masks of the grains
    colours : of the columns, by element
    """
    colours = colours or ELEMENT_COLOURS
    nm = pixel_size * NM
    images = {"image": np.asarray(image, np.float32)}
    images |= {f"lattice {name}": np.abs(values).astype(np.float32) for name, values in amplitudes.items()}
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
    lines = {name: found for name, found in lines.items() if found}
    names = [*images, *points, *lines]
    return Scene(
        images,
        (pixel_size, pixel_size),
        points=points,
        lines=lines,
        colours={name: colours.get(name.removeprefix("column "), RED) for name in points} | LINE_COLOURS,
        views={view: tuple(name for name in names if name.startswith(seen)) for view, seen in VIEWS.items()},
        unit="nm",
        shape=images["image"].shape,
    )


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


def draw_interface(scene: Scene) -> "Figure":
    """napari's views of its middle side by side; where a person watches and there is a display, its window opens too.

    Where napari cannot draw, the image alone is shown and the reason is said.
    """
    if front_end_running() and not why_no_napari():
        open_window(scene, title="interface")
    try:
        pictures: dict[str, Any] = napari_pictures(scene)
    except NoScreen as reason:
        low, high = scene.range
        grey = np.clip(255 * (scene.raw - low) / (high - low), 0, 255).astype(np.uint8)
        pictures = {str(reason)[:80]: np.repeat(grey[..., None], 3, axis=-1)}
    return compose(pictures, scene)
