"""The fitter in a real JupyterLab: a slider moves pixels, the last place is drawn, nothing complains."""

import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

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


def test_a_fit_from_the_keyboard(open_widget, watched) -> None:
    """Arrow keys move a slider, Enter on the button fits."""
    page = open_widget(PEAK, "keyboard.ipynb")
    number = value(page, 1)
    page.locator(HANDLE).nth(1).focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)
    assert value(page, 1) > number
    page.locator("button[title='least squares from here']").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.body.innerText.includes('χ²ᵣ')")
    assert watched.errors == []


@pytest.mark.parametrize(("width", "height"), [(1000, 800), (1280, 720)])
def test_the_figure_and_every_slider_are_on_one_screen(
    open_widget, watched, screenshots: Path, width: int, height: int
) -> None:
    """Below the notebook's own bars, with χ²ᵣ above both."""
    page = open_widget(
        PEAK.removesuffix("widget") + "widget.fit()\nwidget", f"screen-{width}.ipynb", width=width
    )
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


def test_a_focused_handle_is_seen_and_keys_move_it_by_steps_pages_and_to_its_ends(
    open_widget, watched
) -> None:
    """Arrows, page up, home and end."""
    page = open_widget(PEAK, "keys.ipynb")
    page.locator(HANDLE).nth(1).focus()
    page.keyboard.press("ArrowRight")
    outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    places = []
    for key in ("Home", "ArrowRight", "PageUp", "End"):
        page.keyboard.press(key)
        page.wait_for_timeout(600)
        places.append(value(page, 1))
    assert places == sorted(places)
    assert places[2] - places[1] > 2 * (places[1] - places[0]) > 0
    assert watched.errors == []


def test_the_range_is_dragged_on_the_plot(open_widget, watched) -> None:
    """The points outside turn grey and are not fitted."""
    page = open_widget(PEAK, "brush.ipynb")
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


def test_a_click_masks_a_point(open_widget, watched) -> None:
    """In the mode for it; the mask appears in its box."""
    page = open_widget(PEAK, "mask.ipynb")
    page.get_by_text("mask points").click()
    page.wait_for_timeout(500)
    page.locator(".bqplot.figure").first.locator(".object_grp").nth(250).click(force=True)
    page.wait_for_timeout(800)
    page.get_by_text("loss, method, ranges, masks").click()
    assert page.locator("input[placeholder='3, 7-9']").input_value() != ""
    assert watched.errors == []
