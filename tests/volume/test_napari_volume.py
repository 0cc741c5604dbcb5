"""napari under an X server in memory: coarse statistics of its pictures, and a kernel that lives on."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nbtools.volume.napari import napari_pictures, napari_version
from nbtools.volume.scene import Scene, read_scene
from nbtools.volume.screens import in_memory_display

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(not napari_version(), reason="napari is not installed: the extra `volume`"),
    pytest.mark.skipif(in_memory_display() is None, reason="no X server in memory: apt install xvfb xauth"),
]
SIDE = 48


def ball(where: tuple[int, int, int] = (12, 24, 24)) -> Scene:
    """A dark ball of half the width, in voxels that are twice as thick as wide."""
    z, y, x = np.indices((SIDE // 2, SIDE, SIDE))
    inside = 4 * (z - where[0]) ** 2 + (y - where[1]) ** 2 + (x - where[2]) ** 2 < (SIDE / 4) ** 2
    return read_scene(np.where(inside, 60.0, 180.0), {"ball": inside}, (2e-8, 1e-8, 1e-8), most=SIDE**3)


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    return napari_pictures(ball())


def orange(picture: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(picture.astype(float), -1, 0)
    return (red > 1.2 * green) & (green > 1.2 * blue) & (red > 80)


def test_the_three_views_are_drawn(pictures: dict[str, np.ndarray]) -> None:
    """None is black or blank, which is what a window that was never shown gives."""
    assert list(pictures) == ["grey values", "masks", "both, section normal to z"]
    for picture in pictures.values():
        assert picture.shape == (600, 600, 3)
        assert picture.max() > 200
        assert picture.std() > 10


def test_the_mask_is_seen_in_its_colour_and_place(pictures: dict[str, np.ndarray]) -> None:
    """In the middle, round although its voxels are not, and absent where it was not asked for."""
    assert orange(pictures["grey values"]).mean() < 0.001
    for name in ("masks", "both, section normal to z"):
        found = orange(pictures[name])
        rows, columns = (np.flatnonzero(found.any(axis=axis)) for axis in (1, 0))
        assert found.mean() > 0.02
        assert np.mean(rows) == pytest.approx(300, abs=40)
        assert np.mean(columns) == pytest.approx(300, abs=40)
        assert np.ptp(rows) == pytest.approx(np.ptp(columns), rel=0.15)


def test_the_section_is_to_scale_and_has_its_bar(pictures: dict[str, np.ndarray]) -> None:
    """The ball's diameter is half of the section's width; the bar is black, below, at the right."""
    section = pictures["both, section normal to z"]
    columns = np.flatnonzero(orange(section).any(axis=0))
    assert np.ptp(columns) / (0.95 * 600) == pytest.approx(0.5, abs=0.04)
    corner = section[540:, 350:]
    assert np.any(np.all(corner < 40, axis=-1))


SCRIPT = """
import sys
import numpy as np
from qtpy.QtWidgets import QApplication
from nbtools.volume.view import draw_volume
grey = np.full((8, 32, 32), 200.0); grey[:, 8:24, 8:24] = 50
view = draw_volume(grey, labels={"segmentation": grey < 100}, voxel_size=1e-8, backend="napari")
for _ in range(5): QApplication.processEvents()
seen = view.handle.screenshot(canvas_only=True, flash=False)[..., :3].astype(float)
print(view.backend, [layer.name for layer in view.handle.layers], seen.std() > 10)
view.close()
"""


def test_a_window_opens_and_the_script_goes_on() -> None:
    """With a display, napari is what opens, with its layers, and nothing waits for it."""
    command = [*(in_memory_display() or []), sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.strip() == "napari ['raw', 'segmentation'] True", done.stderr[-2000:]


@pytest.fixture
def display(tmp_path: Path) -> Iterator[str]:
    """An X server of its own; the number it chose."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x1000x24"],
        pass_fds=[write], stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    os.close(write)
    with os.fdopen(read) as chosen:
        number = chosen.readline().strip()
    yield f":{number}"
    os.killpg(server.pid, signal.SIGTERM)
    server.wait(timeout=20)


CELL = """
import numpy as np
from nbtools.volume.view import draw_volume
grey = np.full((8, 32, 32), 200.0); grey[:, 8:24, 8:24] = 50
view = draw_volume(grey, labels={"segmentation": grey < 100}, voxel_size=1e-8)
print(view.backend, view.sentences)
"""


def in_kernel(env: dict[str, str], *cells: str, watched: bool) -> list[str]:
    """What each cell prints, run in one kernel that a person watches, or not."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(env=env)
    printed: list[str] = []

    def keep(message: dict[str, Any]) -> None:
        content = message["content"]
        printed[-1] += content.get("text", "") + "\n".join(content.get("traceback", []))

    try:
        for cell in cells:
            printed.append("")
            client.execute_interactive(cell, allow_stdin=watched, output_hook=keep, timeout=200)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return [re.sub(r"\x1b\[[0-9;]*m", "", text) for text in printed]


def test_a_kernel_with_a_display_opens_napari_and_lives_on(display: str) -> None:
    """Where a person watches; in a headless run the same cell gives a picture."""
    env = os.environ | {"DISPLAY": display}
    after = "[layer.name for layer in view.handle.layers] + [1 + 1]"
    shown, alive = in_kernel(env, CELL, f"print({after})", watched=True)
    assert shown.startswith("napari []"), shown
    assert "['raw', 'segmentation', 2]" in alive
    (unwatched,) = in_kernel(env, CELL, watched=False)
    assert unwatched.startswith("picture"), unwatched


def test_a_kernel_without_a_display_lives_on() -> None:
    """Asked for napari by name, it says why not, and the next cell runs."""
    env = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    asked = CELL.replace("voxel_size=1e-8", "voxel_size=1e-8, backend='napari'")
    for setting in ({}, {"DISPLAY": ":987"}):
        shown, alive = in_kernel(env | setting, asked, "print(1 + 1)", watched=True)
        assert "napari []" not in shown and "display" in shown, shown
        assert alive.strip() == "2"
