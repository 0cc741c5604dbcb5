"""Explorers and a lesson in a real JupyterLab: a click moves sliders, words filter, an answer meets the result."""

import io

import numpy as np
import pytest
from PIL import Image

from nbtools.paper import read_paper

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

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
