"""napari's window beside the widget: one threshold, one section, and the numbers in a dock."""

from typing import Any

import numpy as np

from nbtools.display.gui import STEPS, button
from nbtools.explore.face import ExploreFace
from nbtools.volume.napari import open_window

NAME = "segmentation"


class VolumeFace(ExploreFace):
    """The face of an exploration, with a button for the window."""

    def _step_buttons(self) -> dict[str, Any]:
        opened = button(
            "Open in napari",
            lambda: self.do(self.owner.open_napari),
            tip="a window, linked to this",
            icon="cube",
        )
        return {"napari": opened, **super()._step_buttons()}


def make_face(owner: Any) -> VolumeFace:
    """The face."""
    return VolumeFace(owner)


def open_linked(owner: Any) -> Any:
    """A napari viewer that follows `owner` (a `VolumeExplorer`), and that `owner` follows."""
    scene = owner.scene
    viewer = open_window(scene, title="threshold → fraction")
    viewer.add_labels(owner.mask.astype(np.uint8), name=NAME, scale=scene.edges, units=(scene.unit,) * 3)
    viewer.dims.ndisplay = 2
    dock = Dock(owner, viewer)
    viewer.window.add_dock_widget(dock.box, name="threshold", area="right")
    owner.on_change(dock.follow)
    viewer.dims.events.current_step.connect(dock.stepped)
    dock.follow(owner)
    return viewer


class Dock:
    """A slider and the numbers, by magicgui."""

    def __init__(self, owner: Any, viewer: Any) -> None:
        from magicgui.widgets import Container, FloatSlider, Label

        self.owner, self.viewer, self.busy = owner, viewer, False
        low, high = owner.current.parameters["threshold"].ends
        self.slider = FloatSlider(name="threshold", min=low, max=high, step=(high - low) / STEPS)
        self.numbers = Label(name="numbers", label="")
        self.box: Any = Container[Any](name="dock", widgets=[self.slider, self.numbers])
        self.slider.changed.connect(self.moved)

    def moved(self, threshold: float) -> None:
        """The slider here was moved."""
        if not self.busy:
            self.owner.attempt(self.owner.set, "threshold", value=threshold)

    def stepped(self, _: Any = None) -> None:
        """The section in the window was moved."""
        plane = int(self.viewer.dims.current_step[0])
        if not self.busy and plane != round(self.owner.arguments["plane"]):
            self.owner.attempt(self.owner.set, "plane", value=float(plane))

    def follow(self, owner: Any) -> None:
        """Bring the window to the widget's state; one that was closed is forgotten."""
        if owner.viewer is not None and owner.viewer is not self.viewer:
            return
        self.busy = True
        try:
            low, high = owner.current.parameters["threshold"].ends
            self.slider.min, self.slider.max = low, high
            self.slider.value = min(max(owner.arguments["threshold"], low), high)
            self.numbers.value = owner.summary()
            self.viewer.layers[NAME].data = owner.mask.astype(np.uint8)
            self.viewer.dims.set_current_step(0, round(owner.arguments["plane"]))
        except RuntimeError:  # Qt's objects are gone: the reader closed the window
            owner.viewer = None
        finally:
            self.busy = False
