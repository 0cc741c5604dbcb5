"""Threshold → fraction → D: the widget's numbers, its controls, and napari's dock under an X server in memory."""

import subprocess
import sys

import numpy as np
import pytest
from driving import drive

from nbtools.fitting import StateError
from nbtools.structure.explore import volume_at
from nbtools.volume.explorer import VolumeExplorer
from nbtools.volume.napari import napari_version
from nbtools.volume.screens import in_memory_display

VOXEL = (2e-8, 1e-8, 1e-8)


def ramp() -> np.ndarray:
    """Grey values 0 … 31 along z: any threshold cuts off a slab."""
    return np.broadcast_to(np.arange(32.0)[:, None, None], (32, 40, 48)).copy()


@pytest.fixture
def explorer(monkeypatch: pytest.MonkeyPatch) -> VolumeExplorer:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    choices = {"smallest": [2, 1, 4], "largest": [16, 8, 32]}
    return VolumeExplorer(ramp(), voxel_size=VOXEL, numbers=volume_at, choices=choices)


def test_the_numbers_are_those_of_the_mask(explorer: VolumeExplorer) -> None:
    """A slab of 12 of 32 planes: its fraction, and a solid's D of 3 once it is thicker than the boxes."""
    explorer.set("threshold", value=11.5).set("largest", value=8).set("smallest", value=2)
    assert explorer.mask.sum() == 12 * 40 * 48
    numbers = explorer.outcome.numbers
    assert float(numbers["fraction"]) == pytest.approx(12 / 32)
    assert float(numbers["D"]) == pytest.approx(3, abs=0.3)
    assert numbers["D"].uncertainty > 0 and numbers["fraction"].uncertainty > 0


def test_no_code_is_offered_where_it_could_not_run(explorer: VolumeExplorer) -> None:
    """A volume cannot be written into a script."""
    assert "code" not in explorer.controls
    with pytest.raises(StateError, match="cannot be written as a script"):
        explorer.to_code()


def test_every_control_is_moved_cleanly(explorer: VolumeExplorer) -> None:
    """The button for napari too: without a display it says why there is no window."""
    before = explorer.state
    report = drive(explorer)
    assert report.clean, report
    assert "There is no display for napari's window" in " ".join(report.said)
    assert explorer.state == before
    explorer.close()


def test_a_threshold_without_voxels_has_no_dimension(explorer: VolumeExplorer) -> None:
    """A gap in the line, no warning."""
    low, _ = explorer.current.parameters["threshold"].ends
    explorer.set("threshold", value=low)
    assert not explorer.mask.any()
    assert np.isnan(float(explorer.outcome.numbers["D"]))


def test_the_picture_stands_for_the_widget(explorer: VolumeExplorer) -> None:
    """A constant name, and a PNG that says where the data come from."""
    bundle = explorer.of("twin", "a ramp")._repr_mimebundle_()
    assert bundle["text/plain"] == "<VolumeExplorer>"
    assert bundle["image/png"].startswith(b"\x89PNG")
    explorer.close()


SCRIPT = """
import numpy as np
from qtpy.QtWidgets import QApplication, QSlider
from nbtools.volume import dock
made = []
keep = dock.Dock.__init__
dock.Dock.__init__ = lambda self, *a: (keep(self, *a), made.append(self))[0]
from nbtools.volume.explorer import VolumeExplorer
numbers = lambda mask: {"fraction": float(mask.mean())}
grey = np.broadcast_to(np.arange(32.0)[:, None, None], (32, 40, 48)).copy()
explorer = VolumeExplorer(grey, voxel_size=(2e-8, 1e-8, 1e-8), numbers=numbers)
viewer = explorer.open_napari()
shown = lambda: int(viewer.layers["segmentation"].data.sum() / (40 * 48))
explorer.set("threshold", value=9.5)
print(shown())
made[0].slider.value = 25.0
QApplication.processEvents()
print(explorer.arguments["threshold"] > 20, shown() == (grey[:, 0, 0] < explorer.arguments["threshold"]).sum())
viewer.dims.set_current_step(0, 5)
print(explorer.arguments["plane"])
explorer.set("plane", value=7.0)
print(viewer.dims.current_step[0], explorer.errors)
explorer.close()
"""


@pytest.mark.timeout(400)
@pytest.mark.skipif(not napari_version(), reason="napari is not installed: the extra `volume`")
@pytest.mark.skipif(in_memory_display() is None, reason="no X server in memory: apt install xvfb xauth")
def test_the_dock_and_the_widget_follow_each_other() -> None:
    """Threshold and section, each moved on either side."""
    command = [*(in_memory_display() or []), sys.executable, "-W", "error::UserWarning", "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.split("\n")[:4] == ["10", "True True", "5", "7 []"], done.stdout + done.stderr[-3000:]
