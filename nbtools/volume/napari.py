"""A scene in napari: as a window beside the notebook, and as pictures that a process of its own takes."""

import os
import signal
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nbtools import paths
from nbtools.cache import cached
from nbtools.display.style import STYLE
from nbtools.volume.scene import MASK_COLOURS, Scene, grey_range
from nbtools.volume.screens import in_memory_display, why_no_napari

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ANGLES = (10.0, -30.0, 150.0)
PATIENCE = 240.0  # s; ten times what two slow cores take
ADDED = ("bop blue", "bop orange")  # napari's names of the colours of further images


class NoScreen(RuntimeError):
    """A picture that could not be taken, and why."""


def napari_version() -> str:
    """Of the installed napari; empty where there is none."""
    try:
        return version("napari")
    except PackageNotFoundError:
        return ""


def fill(viewer: Any, scene: Scene) -> None:
    """Add a scene to a napari viewer (0.9 or later), and look at it from one fixed side."""
    place = {"scale": scene.edges, "units": (scene.unit,) * scene.raw.ndim}
    for number, (name, image) in enumerate(scene.images.items()):
        look: dict[str, Any] = {"colormap": "gray"}
        if scene.raw.ndim == 3:
            look["rendering"] = "attenuated_mip"
        if number:
            look = {"colormap": ADDED[(number - 1) % 2], "blending": "additive", "opacity": 0.7}
        # float32, since 8-bit grey values draw no surface at first.
        viewer.add_image(
            np.asarray(image, np.float32), name=name, contrast_limits=grey_range(image), **look, **place
        )
    for (name, mask), colour in zip(scene.masks.items(), MASK_COLOURS, strict=False):
        colours = {0: "transparent", 1: colour, None: colour}
        look = {"name": name, "colormap": colours, "opacity": 0.8 * scene.opacity(name)}
        viewer.add_labels((mask >= 0.5).astype(np.uint8), **look, **place)
    # Points and lines stand in the scene's unit already.
    for name, points in scene.points.items():
        look = {"size": 3 * scene.edges[0], "face_color": scene.colours[name], "border_width": 0}
        viewer.add_points(points, name=name, units=place["units"], **look)
    for name, lines in scene.lines.items():
        look = {"shape_type": "path", "edge_color": scene.colours[name], "edge_width": 3 * scene.edges[0]}
        viewer.add_shapes(list(lines), name=name, units=place["units"], **look)
    viewer.canvas.overlays.scale_bar.visible = True
    if scene.raw.ndim == 3:
        viewer.dims.ndisplay = 3
    viewer.reset_view()
    if scene.raw.ndim == 3:
        viewer.scene.camera.angles = ANGLES


def open_window(scene: Scene, *, title: str = "napari") -> Any:
    """A napari window beside the notebook with the scene in it; returns its viewer, and the notebook goes on."""
    import napari

    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None and hasattr(shell, "enable_gui"):
        shell.enable_gui("qt")  # Qt's events are served between cells
        _look_for_cells(shell.kernel.app)
    viewer = napari.Viewer(title=title, show_welcome_screen=False)
    fill(viewer, scene)
    return viewer


def _look_for_cells(app: Any) -> None:
    """Let Qt go five times a second: ipykernel 7 misses a cell in a hundred that comes while Qt waits."""
    from qtpy.QtCore import QTimer

    if app.findChild(QTimer, "cells") is None:
        timer = QTimer(app)
        timer.setObjectName("cells")
        timer.timeout.connect(app.qt_event_loop.quit)
        timer.start(200)


def napari_pictures(scene: Scene) -> dict[str, np.ndarray]:
    """Canonical views by name, (rows, columns, 3) bytes, that a child process takes under an X server in memory.

    They are taken once for a scene and a version of napari and then kept in the cache.

    Raises
    ------
    NoScreen
        No napari, no X server and no display, or a child that failed.
    """
    before = in_memory_display()
    reason = why_no_napari() if before is None or not napari_version() else ""
    if reason:
        raise NoScreen(f"{reason} Without one, the X server in memory does it: apt install xvfb.")
    return _taken_by_child(scene, napari_version())


@cached
def _taken_by_child(scene: Scene, version: str) -> dict[str, np.ndarray]:
    """The pictures; another version of napari draws others, and the cache must know it."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "scene.npz"), Path(folder, "pictures.npz")
        scene.save(source)
        child = [sys.executable, "-m", "nbtools.volume.render", str(source), str(target)]
        said = _run([*(in_memory_display() or []), *child], Path(folder))
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


def compose(pictures: dict[str, np.ndarray], scene: Scene) -> "Figure":
    """The views side by side, pixel for pixel, with their names and the masks' colours."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    with rc_context(STYLE):
        figure = Figure(figsize=(6.4, 6.4 / len(pictures) + 0.42), layout="constrained")
        panels = np.atleast_1d(figure.subplots(1, len(pictures)))
        for axes, (name, picture) in zip(panels, pictures.items(), strict=True):
            # In few colours: what is blurred by another size takes four times the bytes.
            step = 40 if scene.points else 24
            few = np.uint8(np.clip(step * np.rint(picture / step), 0, 255))
            axes.imshow(few, interpolation="antialiased")
            axes.set_axis_off()
            axes.set_title(name, loc="left", fontsize=6)
        names = zip(MASK_COLOURS, scene.masks, strict=False)
        handles = [Line2D([], [], color=colour, lw=3, label=name) for colour, name in names]
        if handles:
            figure.legend(
                handles=handles, loc="outside lower left", ncols=len(handles), fontsize=6, frameon=False
            )
    return figure
