"""Widgets in a real JupyterLab: the fitter, the explorers, a lesson and a volume, under mouse and keyboard."""

import io
import time
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from PIL import Image

from nbtools.paper import read_paper

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

# ---- the fitter

PEAK = """import lmfit, numpy as np
from nbtools.fitting import FitWidget
x = np.linspace(0, 10, 500)
y = 3 * np.exp(-(x - 4) ** 2 / 1.28) + 0.5 + 0.05 * np.random.default_rng(0).normal(size=500)
model = lmfit.models.GaussianModel(prefix="g_") + lmfit.models.ConstantModel()
widget = FitWidget(model, x, y, sigma=0.05, x_label="temperature", x_unit="K")
widget"""
SLOW = """import time, lmfit, numpy as np
from pathlib import Path
from nbtools.fitting import FitWidget
def line(x, a=1.0):
    time.sleep(0.15)
    with Path("calls.txt").open("a") as log:
        print(a, file=log)
    return a * x
x = np.linspace(0, 10, 500)
widget = FitWidget(lmfit.Model(line), x, 2 * x, sigma=0.05)
widget"""
HANDLE = ".noUi-handle"
MODEL_PATH = "document.querySelectorAll('.bqplot.figure')[0].querySelectorAll('path.line')"


def drag(page, slider: int, pixels: int, *, steps: int) -> None:
    """Take a slider's handle and move it, with that many mouse events."""
    box = page.locator(HANDLE).nth(slider).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + pixels, y, steps=steps)
    page.mouse.up()


def plot(page) -> bytes:
    return page.locator(".bqplot.figure").first.screenshot()


def value(page, row: int) -> float:
    """The number box of a row: label, slider, number, σ, vary, min, max, expression."""
    return float(page.locator(".widget-text input").nth(row * 4).input_value())


@pytest.mark.parametrize(("dark", "width"), [(False, 1000), (True, 800)])
def test_a_slider_moves_pixels(open_widget, watched, screenshots: Path, dark: bool, width: int) -> None:
    """In both themes, at 800 pixels, with no error in the console and nothing wider than the page."""
    page = open_widget(PEAK, f"fitter-{width}.ipynb", dark=dark, width=width)
    before, number = plot(page), value(page, 1)
    drag(page, 1, 40, steps=8)
    page.wait_for_timeout(800)
    page.screenshot(path=screenshots / f"fitter-{'dark' if dark else 'light'}-{width}.png")
    assert value(page, 1) > number
    assert plot(page) != before
    overflow = "e => e.scrollWidth - e.clientWidth"
    assert page.locator(".jp-OutputArea-output").last.evaluate(overflow) <= 1
    assert watched.errors == []


def test_the_figure_and_every_slider_are_on_one_screen(open_widget, watched, screenshots: Path) -> None:
    """Below the notebook's own bars, with χ²ᵣ above both, in windows of two sizes."""
    page = open_widget(PEAK.removesuffix("widget") + "widget.fit()\nwidget", "screen.ipynb")
    for width, height in ((1000, 800), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})
        page.locator("button[title='least squares from here']").evaluate("e => e.scrollIntoView(true)")
        page.wait_for_timeout(1500)
        page.screenshot(path=screenshots / f"fitter-screen-{width}.png")
        figure = page.locator(".bqplot.figure").first.bounding_box()
        last = page.locator(HANDLE).nth(3).bounding_box()
        status = page.get_by_text("χ²ᵣ").first.bounding_box()
        assert status["y"] < figure["y"]
        assert figure["y"] >= 0
        assert last["y"] + last["height"] <= height


def test_a_fit_from_the_keyboard(open_widget, watched) -> None:
    """A focused handle is seen; arrows, page up, home and end move it; Enter on the button fits."""
    page = open_widget(PEAK, "keys.ipynb")
    number = value(page, 1)
    page.locator(HANDLE).nth(1).focus()
    page.keyboard.press("ArrowRight")
    outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.wait_for_timeout(500)
    assert value(page, 1) > number
    places = []
    for key in ("Home", "ArrowRight", "PageUp", "End"):
        page.keyboard.press(key)
        page.wait_for_timeout(600)
        places.append(value(page, 1))
    assert places == sorted(places)
    assert places[2] - places[1] > 2 * (places[1] - places[0]) > 0
    page.locator("button[title='least squares from here']").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.body.innerText.includes('χ²ᵣ')")
    assert watched.errors == []


def test_points_are_left_out_on_the_plot(open_widget, watched) -> None:
    """One that is clicked is masked, and stands in its box; those outside a dragged range are not fitted."""
    page = open_widget(PEAK, "brush.ipynb")
    page.get_by_text("mask points").click()
    page.wait_for_timeout(500)
    page.locator(".bqplot.figure").first.locator(".object_grp").nth(250).click(force=True)
    page.wait_for_timeout(800)
    page.get_by_text("loss, method, ranges, masks").click()
    assert page.locator("input[placeholder='3, 7-9']").input_value() != ""
    page.get_by_text("fit range", exact=True).click()
    page.wait_for_timeout(500)
    box = page.locator(".bqplot.figure").first.bounding_box()
    page.mouse.move(box["x"] + 250, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 100, steps=10)
    page.mouse.up()
    page.wait_for_timeout(800)
    page.locator("button[title='least squares from here']").click()
    page.wait_for_function("document.body.innerText.includes('points, 4 free')")
    text = page.locator("body").inner_text()
    points = int(text.split("points, 4 free")[0].rsplit("(", 1)[1])
    assert 100 < points < 450
    assert watched.errors == []


def places(lab) -> list[float]:
    """Where the slow model was asked for, in order, a place once; waits until it has been idle for two seconds."""
    log, seen = lab.folder / "calls.txt", ""
    for _ in range(60):
        time.sleep(2.0)
        before, seen = seen, log.read_text()
        if seen == before:
            break
    return list(dict.fromkeys(map(float, seen.split())))


def test_a_fast_drag_never_queues(open_widget, lab) -> None:
    """A model of 0.15 s and sixty moves: once let go, a few places are left to draw, and the last is the hand's."""
    page = open_widget(SLOW, "slow.ipynb")
    number, started = value(page, 0), len(places(lab))
    drag(page, 0, 60, steps=60)
    let_go = len((lab.folder / "calls.txt").read_text().split())
    drawn = places(lab)
    asked = (lab.folder / "calls.txt").read_text().split()[let_go:]
    assert len(drawn) > started
    assert len(set(asked)) <= 5, "moves queued up behind the model"
    assert value(page, 0) == pytest.approx(drawn[-1], rel=1e-4)
    assert value(page, 0) > number


# ---- explorers and a lesson

SPOT = """import numpy as np
from nbtools.explore.sliders import Explorer
from nbtools.explore.plots import Plot
def spot(width: float = 5.0, column: float = 30.0, row: float = 20.0):
    y, x = np.mgrid[:60, :90]
    image = np.exp(-((x - column) ** 2 + (y - row) ** 2) / 2 / width**2)
    return {"map": Plot(image=image, x_label="column", y_label="row", clicked=("column", "row")),
            "section": Plot({"through the spot": (np.arange(90.0), image[round(row)])}, x_label="column")}
widget = Explorer(spot, ranges={"column": (0, 89), "row": (0, 59)})
widget"""
BOX = "input[placeholder^='a number']"
LESSON = """from pathlib import Path
from nbtools.lessons.questions import Lesson
lesson = Lesson("03", folder=Path("lessons"))
lesson.by_hand("onset", "Where does resistance start to fall?", sum([38, 0.25]), unit="K")"""


def brightest(page) -> tuple[float, float]:
    """Where the yellow spot is in the first plot, as shares of its width and height."""
    shot = Image.open(io.BytesIO(page.locator(".bqplot.figure").first.screenshot())).convert("RGB")
    red, _, blue = np.moveaxis(np.asarray(shot, float), 2, 0)
    rows, columns = np.nonzero((red > 180) & (blue < 100))
    return float(np.median(columns) / shot.width), float(np.median(rows) / shot.height)


def test_a_click_into_an_image_moves_the_sliders(open_widget, watched, screenshots) -> None:
    """The spot goes where the mouse pointed: the image stands as its axes say, first row on top."""
    page = open_widget(SPOT, "image.ipynb")
    plot = page.locator(".bqplot.figure image").first
    box = plot.bounding_box()
    before = brightest(page)
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.75 * box["height"])
    page.wait_for_timeout(1500)
    page.screenshot(path=screenshots / "explorer-image.png")
    column, row = (float(page.locator(".widget-text input").nth(n).input_value()) for n in (1, 2))
    assert column == pytest.approx(0.75 * 90 - 0.5, abs=1.5)
    assert row == pytest.approx(0.75 * 60 - 0.5, abs=1.5)
    after = brightest(page)
    figure = page.locator(".bqplot.figure").first.bounding_box()
    for axis, (side, start) in enumerate([("width", 30.5 / 90), ("height", 20.5 / 60)]):
        moved = (0.75 - start) * box[side] / figure[side]
        assert after[axis] - before[axis] == pytest.approx(moved, abs=0.03)
    assert watched.errors == []


def test_an_answer_is_committed_and_the_result_is_seen(open_widget, watched, lab, screenshots) -> None:
    """Not before the button, and then for good: the box is closed and the answer kept as a file."""
    page = open_widget(LESSON, "lesson.ipynb", ready=(BOX,))
    assert "38.25" not in page.locator(".jp-OutputArea-output").last.inner_text()
    page.locator(BOX).fill("38")
    page.keyboard.press("Tab")
    page.locator("button[title='this is my answer']").click()
    page.wait_for_function("document.body.innerText.includes('the notebook finds 38.25 K')")
    page.screenshot(path=screenshots / "lesson.png")
    assert page.locator(BOX).is_disabled()
    assert '"answer": 38.0' in (lab.folder / "lessons" / "03.json").read_text()
    assert watched.errors == []


STATEMENTS = """from nbtools.paper import paper_table, read_ledgers
from nbtools.paper.explore import explore_statements
explore_statements(paper_table(read_ledgers())).of("paper")"""


def test_the_statements_are_searched(open_widget, watched, screenshots) -> None:
    """A verdict from the menu leaves its rows; words leave those in which they stand."""
    page = open_widget(STATEMENTS, "statements.ipynb", ready=["table.statements"])
    rows = page.locator("table.statements tr")
    assert rows.count() == len(read_paper())
    page.locator(".widget-dropdown select").first.select_option("inconsistent")
    page.wait_for_function(f"document.querySelectorAll('table.statements tr').length < {len(read_paper())}")
    assert {text.split("\n")[0] for text in page.locator("table.statements tr b").all_inner_texts()} == {
        "inconsistent"
    }
    page.locator(".widget-text input").first.fill("half screening")
    page.wait_for_function("document.querySelectorAll('table.statements tr').length < 6")
    page.screenshot(path=screenshots / "statements.png")
    assert "AC-12" in " ".join(rows.all_inner_texts())
    assert watched.errors == []


# ---- volumes

BALL = """
import numpy as np
from nbtools.volume.view import draw_volume
z, y, x = np.indices((40, 64, 64))
ball = (2 * z - 40) ** 2 + (y - 32) ** 2 + (x - 32) ** 2 < 24**2
grey = 150 - 80.0 * ball
shown = draw_volume(grey, labels={"ball": ball}, voxel_size=(2e-8, 1e-8, 1e-8)).of("twin", "a ball")
print(shown.backend)
shown
"""
CANVAS = ".jp-OutputArea-output canvas"


def test_a_volume_stands_in_the_browser(open_widget, watched, lab, screenshots: Path) -> None:
    """The ball's surface in its colour, in its grey cloud, round as its voxels say; nothing from outside."""
    pytest.importorskip("k3d")
    page = open_widget(BALL, "volume.ipynb", ready=[CANVAS])
    page.wait_for_timeout(4000)
    shot = page.locator(CANVAS).first.screenshot(path=screenshots / "k3d-volume.png")
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


SECTIONS = """
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
    page = open_widget(SECTIONS, "explorer.ipynb", width=1280)
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
