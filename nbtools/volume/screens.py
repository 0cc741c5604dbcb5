"""Where a picture can appear: a front end that runs, a display with Qt and OpenGL, an X server in memory."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec

# Qt ends the whole process where there is no display, and Python cannot catch that: a child tries first.
PROBE = """
from qtpy.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext
from qtpy.QtWidgets import QApplication
app = QApplication([])
surface, context = QOffscreenSurface(), QOpenGLContext()
surface.create()
drawn = context.create() and context.makeCurrent(surface)
print(QGuiApplication.platformName(), bool(drawn))
"""
# Qt's platforms without a window, or without OpenGL.
BLIND = ("offscreen", "minimal", "vnc", "linuxfb")
PATIENCE = 30.0
# A display that answered does so again; one that did not may be opened later, as a remote desktop is.
_answered: set[tuple[str, ...]] = set()


def front_end_running() -> bool:
    """Whether a person sees this kernel's output: a headless run of the notebook has nobody to answer a question."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return bool(getattr(getattr(shell, "kernel", None), "_allow_stdin", False))


def why_no_napari() -> str:
    """Why napari cannot open a window here, as a sentence; nothing where it can."""
    if find_spec("napari") is None or find_spec("qtpy") is None:
        return "napari is not installed: pip install 'mgb2-notebooks[volume]'."
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return "There is no display for napari's window."
    setting = tuple(os.environ.get(name, "") for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    if setting in _answered:
        return ""
    if not (reason := _try(setting)):
        _answered.add(setting)
    return reason


def _try(setting: tuple[str, ...]) -> str:
    """Try Qt in a child."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return f"Qt did not answer on display {setting[0] or setting[1]!r} within {PATIENCE:.0f} s."
    platform, _, drawn = done.stdout.strip().partition(" ")
    if done.returncode or not platform:
        return f"Qt cannot open display {setting[0] or setting[1]!r}."
    if platform in BLIND or drawn != "True":
        return f"Qt's platform {platform!r} draws no OpenGL here."
    return ""


def in_memory_display() -> list[str] | None:
    """The words before a command that give it an X server in memory; None where that is not installed."""
    if shutil.which("xvfb-run") is None or shutil.which("Xvfb") is None:
        return None
    return ["xvfb-run", "-a", "-s", "-screen 0 1400x1000x24"]
