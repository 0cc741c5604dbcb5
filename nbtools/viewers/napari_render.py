"""A process of its own that opens napari, takes its pictures and ends: ``-m nbtools.viewers.napari_render IN OUT``."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from nbtools.viewers.volume_layers import Layers
from nbtools.viewers.volume_napari import fill

PIXELS = 600  # edge of a picture
SECTION = "both, section normal to z"


def load(path: Path) -> Layers:
    """The layers as the parent wrote them."""
    with np.load(path) as kept:
        masks = {name.removeprefix("mask "): kept[name] for name in kept if name.startswith("mask ")}
        voxel, shape = (tuple(kept[name].tolist()) for name in ("voxel", "shape"))
        return Layers(kept["raw"], masks, voxel, int(kept["factor"]), shape)


def render(layers: Layers) -> dict[str, np.ndarray]:
    """The views by name, (rows, columns, 3) bytes: grey values, masks, the middle section with both."""
    import napari

    # A window that is not shown gives black pictures.
    viewer = napari.Viewer(show=True, show_welcome_screen=False)
    viewer.theme = "light"
    viewer.window.resize(PIXELS, PIXELS)  # less to draw on the way
    fill(viewer, layers)
    sides = np.array(layers.raw.shape) * layers.micrometres
    # From this side the volume is a little narrower than its diagonal.
    zoom = 1.15 * PIXELS / np.linalg.norm(sides)
    pictures = {"grey values": take_picture(viewer, ["raw"], zoom)}
    if layers.masks:
        pictures["masks"] = take_picture(viewer, list(layers.masks), zoom)
    viewer.dims.ndisplay = 2
    viewer.dims.set_current_step(0, layers.raw.shape[0] // 2)
    viewer.reset_view()
    pictures[SECTION] = take_picture(viewer, ["raw", *layers.masks], 0.95 * PIXELS / max(sides[1:]))
    viewer.close()
    return pictures


def take_picture(viewer: Any, names: list[str], zoom: float, pixels: int = PIXELS) -> np.ndarray:
    """A picture of these layers, with so many pixels to the unit of their scale."""
    from qtpy.QtWidgets import QApplication

    for layer in viewer.layers:
        layer.visible = layer.name in names
    viewer.scene.camera.zoom = zoom
    for _ in range(3):  # what was asked of the canvas is drawn when its events are served
        QApplication.processEvents()
    return np.asarray(viewer.screenshot(canvas_only=True, size=(pixels, pixels), flash=False))[..., :3]


def main(source: str, target: str) -> None:
    """Read the layers, write the pictures."""
    np.savez(target, **render(load(Path(source))))


if __name__ == "__main__":
    main(*sys.argv[1:])
