"""The volume in napari: as a window beside the notebook, and as pictures that a process of its own takes."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nbtools import paths
from nbtools.display.style import STYLE
from nbtools.viewers.screens import in_memory_display, why_no_napari
from nbtools.viewers.volume_layers import MASK_COLOURS, Layers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ANGLES = (10.0, -30.0, 150.0)
PATIENCE = 240.0  # s; ten times what two slow cores take


class NoScreen(RuntimeError):
    """A picture that could not be taken, and why."""


def napari_version() -> str:
    """Of the installed napari; empty where there is none."""
    try:
        return version("napari")
    except PackageNotFoundError:
        return ""


def fill(viewer: Any, layers: Layers) -> None:
    """Add the layers to a napari viewer (0.9 or later), in micrometres, and look at them from one fixed side."""
    place = {"scale": layers.micrometres, "units": ("um",) * 3}
    # float32, since 8-bit grey values draw no surface at first.
    viewer.add_image(
        layers.raw, name="raw", contrast_limits=layers.range, rendering="attenuated_mip", **place
    )
    for (name, mask), colour in zip(layers.masks.items(), MASK_COLOURS, strict=False):
        colours = {0: "transparent", 1: colour, None: colour}
        look = {"name": name, "colormap": colours, "opacity": 0.8 * layers.opacity(name)}
        viewer.add_labels((mask >= 0.5).astype(np.uint8), **look, **place)
    viewer.canvas.overlays.scale_bar.visible = True
    viewer.dims.ndisplay = 3
    viewer.reset_view()
    viewer.scene.camera.angles = ANGLES


def open_window(layers: Any, *, title: str = "", filled: Callable[[Any, Any], None] = fill) -> Any:
    """A napari window beside the notebook, filled with the layers; returns its viewer, and the notebook goes on."""
    import napari

    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None and hasattr(shell, "enable_gui"):
        shell.enable_gui("qt")  # Qt's events are served between cells
        _look_for_cells(shell.kernel.app)
    viewer = napari.Viewer(title=title or "napari", show_welcome_screen=False)
    filled(viewer, layers)
    return viewer


def _look_for_cells(app: Any) -> None:
    """Let Qt go five times a second: ipykernel 7 misses a cell in a hundred that comes while Qt waits."""
    from qtpy.QtCore import QTimer

    if app.findChild(QTimer, "cells") is None:
        timer = QTimer(app, objectName="cells")
        timer.timeout.connect(app.qt_event_loop.quit)
        timer.start(200)


def napari_pictures(layers: Layers, version: str) -> dict[str, np.ndarray]:
    """Canonical views by name, (rows, columns, 3) bytes; what is raised, as in `taken_by_child`."""
    return taken_by_child("nbtools.viewers.napari_render", lambda path: _save(layers, path), version)


def taken_by_child(module: str, save: Callable[[Path], None], version: str) -> dict[str, np.ndarray]:
    """Pictures that a child process, `module`, takes under an X server in memory of what `save` writes for it.

    `version` is napari's: another one draws another picture, and a cache must know it.

    Raises
    ------
    NoScreen
        No napari, no X server and no display, or a child that failed.
    """
    before = in_memory_display()
    reason = why_no_napari() if before is None or not version else ""
    if reason:
        raise NoScreen(f"{reason} Without one, the X server in memory does it: apt install xvfb.")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "layers.npz"), Path(folder, "pictures.npz")
        save(source)
        child = [sys.executable, "-m", module, str(source), str(target)]
        said = _run([*(before or []), *child], Path(folder))
        if not target.exists():
            raise NoScreen(f"napari took no picture: {said or 'its process ended without a word'}")
        with np.load(target) as taken:
            return {name: taken[name] for name in taken}


def _run(command: list[str], folder: Path) -> str:
    """Run to the end, or end the whole group; returns the last line that was said."""
    # No setting of the person's, so that the picture is the same everywhere.
    own = {
        "NAPARI_CONFIG": str(folder / "napari.yaml"),
        "QT_QPA_PLATFORM": "xcb",
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }
    if sys.platform != "linux":
        own.pop("QT_QPA_PLATFORM")
    root = str(paths.PACKAGE.parent)
    own["PYTHONPATH"] = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    with (folder / "said").open("w+") as said:
        process = subprocess.Popen(
            command, env=os.environ | own, stdout=said, stderr=said, start_new_session=True
        )
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return f"not done within {PATIENCE:.0f} s"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        said.seek(0)
        return (said.read().strip().splitlines() or [""])[-1]


def compose(pictures: dict[str, np.ndarray], layers: Layers) -> "Figure":
    """The views side by side, with their names and the masks' colours."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    with rc_context(STYLE):
        figure = Figure(figsize=(7.0, 2.75), layout="constrained")
        for axes, (name, picture) in zip(figure.subplots(1, len(pictures)), pictures.items(), strict=True):
            axes.imshow(picture, interpolation="antialiased")
            axes.set_axis_off()
            axes.set_title(name, loc="left", fontsize=6)
        names = zip(MASK_COLOURS, layers.masks, strict=False)
        handles = [Line2D([], [], color=colour, lw=3, label=name) for colour, name in names]
        figure.legend(
            handles=handles, loc="outside lower left", ncols=len(handles), fontsize=6, frameon=False
        )
    return figure


def _save(layers: Layers, path: Path) -> None:
    masks = {f"mask {name}": mask for name, mask in layers.masks.items()}
    numbers = {"voxel": layers.voxel, "factor": layers.factor, "shape": layers.shape}
    np.savez(path, allow_pickle=False, raw=layers.raw, **masks, **numbers)
