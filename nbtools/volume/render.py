"""A process of its own that opens napari on a scene, takes pictures and ends: ``-m nbtools.volume.render IN OUT``."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from nbtools.volume.napari import fill
from nbtools.volume.scene import Scene

PIXELS = {3: 600, 2: 420}  # edge of a picture of a volume, of a section
MIDDLE = 0.72  # share of a section's edge that is seen, so that columns of atoms are told apart
SECTION = "both, section normal to z"


def render(scene: Scene) -> dict[str, np.ndarray]:
    """The views by name, (rows, columns, 3) bytes.

    Of a volume: grey values, masks, the middle section with both. Of a section: the scene's own views.
    """
    import napari

    space = scene.raw.ndim
    pixels = PIXELS[space]
    # A window that is not shown gives black pictures.
    viewer = napari.Viewer(show=True, show_welcome_screen=False)
    viewer.theme = "light"
    viewer.window.resize(pixels, pixels)  # less to draw on the way
    fill(viewer, scene)
    sides = np.array(scene.raw.shape) * scene.edges
    first = next(iter(scene.images))
    if space == 2:
        zoom = pixels / (MIDDLE * float(max(sides)))
        views = {name: [first, *seen] for name, seen in scene.views.items()} or {first: [first, *scene.masks]}
        pictures = {name: take_picture(viewer, seen, zoom, pixels) for name, seen in views.items()}
    else:
        # From this side the volume is a little narrower than its diagonal.
        zoom = 1.15 * pixels / float(np.linalg.norm(sides))
        pictures = {"grey values": take_picture(viewer, [first], zoom, pixels)}
        if scene.masks:
            pictures["masks"] = take_picture(viewer, list(scene.masks), zoom, pixels)
        viewer.dims.ndisplay = 2
        viewer.dims.set_current_step(0, scene.raw.shape[0] // 2)
        viewer.reset_view()
        pictures[SECTION] = take_picture(
            viewer, [first, *scene.masks], 0.95 * pixels / float(max(sides[1:])), pixels
        )
    viewer.close()
    return pictures


def take_picture(viewer: Any, names: list[str], zoom: float, pixels: int) -> np.ndarray:
    """A picture of these layers, with so many pixels to the unit of their scale."""
    from qtpy.QtWidgets import QApplication

    for layer in viewer.layers:
        layer.visible = layer.name in names
    viewer.scene.camera.zoom = zoom
    for _ in range(3):  # what was asked of the canvas is drawn when its events are served
        QApplication.processEvents()
    return np.asarray(viewer.screenshot(canvas_only=True, size=(pixels, pixels), flash=False))[..., :3]


if __name__ == "__main__":
    taken: dict[str, Any] = render(Scene.load(Path(sys.argv[1])))
    np.savez(sys.argv[2], **taken)
