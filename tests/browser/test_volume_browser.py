"""A volume drawn by K3D in a real browser: what is on the screen, and what came over the wire."""

import io
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

CELL = """
import numpy as np
from nbtools.volume.view import draw_volume
z, y, x = np.indices((40, 64, 64))
ball = (2 * z - 40) ** 2 + (y - 32) ** 2 + (x - 32) ** 2 < 24**2
grey = 150 - 80.0 * ball
shown = draw_volume(grey, labels={"ball": ball}, voxel_size=(2e-8, 1e-8, 1e-8)).of("twin", "a ball")
print(shown.backend)
shown
"""
PLOT = ".jp-OutputArea-output canvas"


def test_a_volume_stands_in_the_browser(open_widget, watched, lab, screenshots: Path) -> None:
    """The ball's surface in its colour, in its grey cloud, round as its voxels say; nothing from outside."""
    pytest.importorskip("k3d")
    page = open_widget(CELL, "volume.ipynb", ready=[PLOT])
    page.wait_for_timeout(4000)
    shot = page.locator(PLOT).first.screenshot(path=screenshots / "k3d-volume.png")
    page.screenshot(path=screenshots / "k3d-page.png")
    picture = matplotlib.image.imread(io.BytesIO(shot))[..., :3]
    red, green, blue = np.moveaxis(picture, -1, 0)
    orange = (red > 1.3 * green) & (green > 1.3 * blue) & (red > 0.3)
    rows, columns = (np.flatnonzero(orange.any(axis=axis)) for axis in (1, 0))
    assert orange.mean() > 0.02
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), rel=0.2)  # 2 : 1 in voxels
    grey = (np.ptp(picture, axis=-1) < 0.02) & (red > 0.3) & (red < 0.95)
    assert grey.mean() > 0.05
    outside = [url for url in watched.requests if not url.startswith((lab.address, "data:", "blob:", "ws:"))]
    assert outside == []
    assert watched.errors == []


EXPLORER = """
import numpy as np
from nbtools.structure import estimate_phases
from nbtools.structure.explore import volume
from nbtools.structure.model_random_media import gaussian_field
grey = 100 + 20 * np.tanh(4 * gaussian_field((32, 64, 64), np.random.default_rng(0), correlation_length=4.0) + 2)
shown = volume(estimate_phases(grey, edge=1e-8))
shown
"""


def test_section_curve_slider_and_numbers_stand_on_one_screen(
    open_widget, watched, screenshots: Path
) -> None:
    """From the numbers with σ to the last slider within 600 of the 720 pixels of a small laptop."""
    page = open_widget(EXPLORER, "explorer.ipynb", width=1280)
    page.set_viewport_size({"width": 1280, "height": 720})
    page.wait_for_timeout(1500)
    page.screenshot(path=screenshots / "explorer-volume.png")
    numbers = page.get_by_text("fraction = ").first
    assert numbers.inner_text().count("±") == 2
    seen = [numbers, *page.locator(".bqplot.figure").all(), *page.locator(".noUi-handle").all()]
    boxes = [item.bounding_box() for item in seen]
    assert len(boxes) == 1 + 3 + 2
    top = min(box["y"] for box in boxes)
    assert max(box["y"] + box["height"] for box in boxes) - top <= 600
    assert watched.errors == []
