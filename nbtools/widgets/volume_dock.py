"""napari's window beside the widget: one threshold, one section, and the numbers in a dock."""

from typing import Any

import numpy as np

from nbtools.display.gui import STEPS, button
from nbtools.explore.face import ExploreFace
from nbtools.fitting.state import value_at
from nbtools.viewers.volume_napari import open_window

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
    viewer = open_window(owner.layers, title="threshold → fraction → D")
    micrometres = owner.layers.micrometres
    viewer.add_labels(owner.mask.astype(np.uint8), name=NAME, scale=micrometres, units=("um",) * 3)
    viewer.dims.ndisplay = 2
    dock = Dock(owner, viewer)
    viewer.window.add_dock_widget(dock.box, name="threshold", area="right")
    owner.on_change(dock.follow)
    viewer.dims.events.current_step.connect(dock.stepped)
    dock.follow(owner)
    return viewer


class Dock:
    """A slider and the numbers, in Qt."""

    def __init__(self, owner: Any, viewer: Any) -> None:
        from qtpy.QtCore import Qt
        from qtpy.QtWidgets import QLabel, QSlider, QVBoxLayout, QWidget

        self.owner, self.viewer, self.busy = owner, viewer, False
        self.box, self.title, self.numbers = QWidget(), QLabel(), QLabel()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        layout = QVBoxLayout(self.box)
        for part in (self.title, self.slider, self.numbers):
            layout.addWidget(part)
        self.slider.valueChanged.connect(self.moved)

    @property
    def ends(self) -> tuple[float, float]:
        """Of the threshold."""
        low, high = self.owner.current.parameters["threshold"].ends
        return low, high

    def moved(self, step: int) -> None:
        """The slider here was moved."""
        if not self.busy:
            self.owner.attempt(self.owner.set, "threshold", value=value_at(step / STEPS, *self.ends))

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
            self._show(owner)
        except RuntimeError:  # Qt's objects are gone: the reader closed the window
            owner.viewer = None
        finally:
            self.busy = False

    def _show(self, owner: Any) -> None:
        low, high = self.ends
        threshold = owner.arguments["threshold"]
        self.slider.setValue(round(STEPS * (threshold - low) / (high - low)))
        self.title.setText(f"threshold {threshold:.4g}")
        self.numbers.setText(owner.summary())
        self.viewer.layers[NAME].data = owner.mask.astype(np.uint8)
        self.viewer.dims.set_current_step(0, round(owner.arguments["plane"]))
