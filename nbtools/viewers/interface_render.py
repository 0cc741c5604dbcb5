"""A process of its own that opens napari on an interface and ends: ``-m nbtools.viewers.interface_render IN OUT``."""

import sys
from pathlib import Path

import numpy as np

from nbtools.viewers.interface_napari import VIEWS, InterfaceLayers, fill_interface, load
from nbtools.viewers.napari_render import take_picture

PIXELS = 420  # edge of a picture
MIDDLE = 0.72  # share of the image's edge that is seen, so that columns are told apart


def render(layers: InterfaceLayers) -> dict[str, np.ndarray]:
    """The views by name, (rows, columns, 3) bytes."""
    import napari

    # A window that is not shown gives black pictures.
    viewer = napari.Viewer(show=True, show_welcome_screen=False)
    viewer.theme = "light"
    viewer.window.resize(PIXELS, PIXELS)
    fill_interface(viewer, layers)
    zoom = PIXELS / (MIDDLE * layers.nm * max(layers.images["image"].shape))
    pictures = {view: take_picture(viewer, layers.seen(view), zoom, PIXELS) for view in VIEWS}
    viewer.close()
    return pictures


if __name__ == "__main__":
    np.savez(sys.argv[2], **render(load(Path(sys.argv[1]))))
