"""A student's way through the classroom in a real JupyterLab on a small screen, from the link to handing in."""

import json
import re
import time
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pytest
from notebook_cells import NOTEBOOKS, run_cells, without_rendering
from playwright.sync_api import Locator, Page

from nbtools.lessons.hand_in import read_handed_in
from nbtools.lessons.questions import Question

pytestmark = [pytest.mark.browser, pytest.mark.stress, pytest.mark.timeout(1800)]

SCREEN = 600  # px that a notebook has in a window of 1280 × 720
OPENED = "window.jupyterapp && jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel"
RUN_ALL = """() => { window.ran = null; jupyterapp.restored
    .then(() => jupyterapp.shell.currentWidget.context.ready)
    .then(() => jupyterapp.shell.currentWidget.sessionContext.ready)
    .then(() => jupyterapp.commands.execute('notebook:run-all-cells'))
    .then(all => { window.ran = all ? 'all' : 'not all' }) }"""
# The page keeps only what is near the window; a cell is brought there first.
SHOW = """async index => { const notebook = jupyterapp.shell.currentWidget.content
    notebook.activeCellIndex = index; await notebook.scrollToItem(index, 'end')
    await new Promise(done => setTimeout(done, 300)); await notebook.scrollToItem(index, 'end') }"""
PLACES = """() =>
    jupyterapp.shell.currentWidget.content.widgets.map(cell => { const box = cell.node.getBoundingClientRect()
    return cell.isAttached ? [box.top, box.bottom] : null })"""
AT_THE_START = """() => { const place = [...document.querySelectorAll('.jp-NotebookPanel h2')]
    .find(heading => heading.innerText.startsWith('Start'))?.getBoundingClientRect().top
    return place > 0 && place < innerHeight }"""
CELLS = "() => jupyterapp.shell.currentWidget.context.model.toJSON().cells"
SLIDER = ".noUi-handle"
SLIDERS = f".jp-OutputArea-output {SLIDER}"


@dataclass(frozen=True)
class Asked:
    """A question of the notebook: what a student types who knows it, and one who does not, in their tries."""

    name: str
    question: Question
    right: str
    wrong: list[str]


def ask(question: Question) -> Asked:
    """Its answers, from what the notebook computes."""
    name = f"{question.lesson.room}-{question.key.replace(' ', '-')}"
    if not question.options:
        truth = float(question.truth)
        right = f"{truth:.4g} {question.unit}".strip().replace(".", ",")
        wrong = [f"{1e3 * truth:.4g}", f"{-truth:.4g}"][: question.most_tries]
        return Asked(name, question, right, wrong)
    right = []
    for option in question.options:
        right += [option] if question.commit(option, 1.0).answer.right else []
        question.lesson.forget(question.key)
    return Asked(name, question, right[0], [next(one for one in question.options if one not in right)])


@pytest.fixture(scope="module")
def questions(tmp_path_factory) -> list[Asked]:
    """All questions in the order of the notebook."""
    with pytest.MonkeyPatch.context() as patch:
        without_rendering(patch)
        patch.setenv("NBTOOLS_LESSONS", str(tmp_path_factory.mktemp("lessons")))
        shown = run_cells(NOTEBOOKS / "08_in_the_classroom.ipynb", patch)
        return [ask(one) for one in shown if isinstance(one, Question)]


def screen_of(cells: list[dict], number: int) -> int:
    """The first cell that belongs to the question in cell `number`: its picture and its text, without a heading."""
    first = number
    while first and not cells[first - 1]["source"].startswith("#"):
        before = cells[first - 1]
        asks = "ask_" in before["source"]
        if asks or (before["cell_type"] == "code" and not before["outputs"]):
            break
        first -= 1
    return first


def height(page, cells: list[dict], number: int) -> float:
    """From the top of what belongs to a question to its bottom, in px."""
    page.evaluate(SHOW, number)
    places = page.evaluate(PLACES)
    first = screen_of(cells, number)
    assert places[first] and places[number], f"cells {first} and {number} are not on the page together"
    return places[number][1] - places[first][0]


def answer(box: Locator, question: Question, typed: str) -> None:
    """Type or choose, say how sure, and commit."""
    if question.options:
        box.locator(".widget-radio input").nth(question.options.index(typed)).check()
    else:
        box.locator("input[type=text]").first.fill(typed)
    if question.chance:
        for _ in range(20):
            box.locator(SLIDER).press("ArrowRight")
    box.get_by_role("button", name="Commit").click()


def secrets(asked: Asked) -> list[str]:
    """What must not stand on the page before it is committed."""
    question = asked.question
    told = [question.why, *question.rivals]
    return told + ([str(question.truth)] if question.truth is not None else [])


def heard(page: Page) -> list[str]:
    """All that the kernel sends to the page from now on, as text."""
    frames: list[str] = []

    def keep(frame: bytes | str) -> None:
        frames.append(frame if isinstance(frame, str) else frame.decode(errors="ignore"))

    page.on("websocket", lambda socket: socket.on("framereceived", keep))
    return frames


def stands(secret: str, frames: list[str]) -> bool:
    """Whether it was sent: as text, or as HTML in the state of a widget."""
    spelled = {json.dumps(text, ensure_ascii=False)[1:-1] for text in (secret, escape(secret))}
    return any(one in frame for frame in frames for one in spelled)


def walk(page: Page, questions: list[Asked], frames: list[str], shots: Path) -> dict[str, float]:
    """Answer every question, the even ones right and the odd ones wrong as often as one may; the height of each."""
    cells = page.evaluate(CELLS)
    asking = [n for n, cell in enumerate(cells) if ".ask_" in cell["source"]]
    assert len(asking) == len(questions)
    heights = {}
    for count, (number, asked) in enumerate(zip(asking, questions, strict=True)):
        question = asked.question
        before = height(page, cells, number)
        page.screenshot(path=shots / f"class-{count:02d}-{asked.name}-1.png")
        box = page.locator(f'.jp-Cell[data-windowed-list-index="{number}"]')
        assert question.text in box.inner_text()
        seen = [*frames, page.inner_text(".jp-NotebookPanel")]
        assert not [one for one in secrets(asked) if stands(one, seen)], f"{asked.name} is told too early"
        typed = [asked.right] if count % 2 == 0 else asked.wrong
        for number_of_try, one in enumerate(typed):
            answer(box, question, one)
            said = "your answer" if number_of_try + 1 == len(typed) else "One more try"
            box.get_by_text(said).wait_for()
            page.screenshot(path=shots / f"class-{count:02d}-{asked.name}-{number_of_try + 2}.png")
        if question.reveal:
            box.locator("img").first.wait_for()
        if question.why:
            box.get_by_text(question.why[:40]).wait_for()
            assert stands(question.why, frames), "the search sees what is sent"
        heights[asked.name] = max(before, height(page, cells, number))
        page.screenshot(path=shots / f"class-{count:02d}-{asked.name}-9.png")
    return heights


def hand_in(page: Page, name: str, shots: Path) -> Path:
    """At the last cell: look at all answers, give a name, download; the file."""
    page.evaluate(SHOW, len(page.evaluate(CELLS)) - 1)
    page.get_by_role("button", name="Show my answers").click()
    page.get_by_text("blind worlds:").wait_for()
    page.screenshot(path=shots / "class-hand-in-1.png")
    page.get_by_placeholder("your name").fill(name)
    page.get_by_role("button", name="Prepare the download").click()
    with page.expect_download() as started:
        page.get_by_role("link", name="download answers").click()
    page.screenshot(path=shots / "class-hand-in-2.png")
    return Path(started.value.path())


def in_the_dark(page: Page, shots: Path) -> None:
    """With the dark theme the words of a question are light."""
    page.evaluate("() => jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    cells = page.evaluate(CELLS)
    number = next(n for n, cell in enumerate(cells) if "ask_blind_plate" in cell["source"])
    page.evaluate(SHOW, number)
    words = page.locator(f'.jp-Cell[data-windowed-list-index="{number}"]').get_by_text("your answer")
    page.wait_for_timeout(1000)
    page.screenshot(path=shots / "class-dark.png")
    colour = words.evaluate("words => getComputedStyle(words).color")
    assert min(map(int, re.findall(r"\d+", colour)[:3])) > 160, colour


def test_a_student_walks_from_the_link_to_handing_in(lab, watched, questions, screenshots, tmp_path):
    """Each question with picture, answer and feedback on one screen; no dead end; a file that the lecturer reads."""
    page = watched.page
    page.set_default_timeout(60_000)
    page.set_viewport_size({"width": 1280, "height": 720})
    frames = heard(page)
    begin = time.monotonic()
    page.goto(lab.url("08_in_the_classroom.ipynb"))
    page.wait_for_function(OPENED)
    page.evaluate(RUN_ALL)
    page.wait_for_selector(SLIDERS)
    print(
        f"server {lab.starting:.1f} s; first slider {time.monotonic() - begin:.1f} s after the page was asked for"
    )
    page.screenshot(path=screenshots / "class-open.png")
    page.wait_for_function("window.ran", timeout=600_000)
    assert page.evaluate("window.ran") == "all"
    page.screenshot(path=screenshots / "class-ran.png")
    page.get_by_role("link", name="Back to the start").click()
    page.wait_for_function(AT_THE_START)
    heights = walk(page, questions, frames, screenshots)
    print("\n".join(f"{name}: {tall:.0f} px" for name, tall in heights.items()))
    path = hand_in(page, "Marie Curie", screenshots)
    in_the_dark(page, screenshots)
    handed = read_handed_in(path)
    given = {
        (room, key.partition(" @ ")[0]): one
        for room, all_ in handed.rooms.items()
        for key, one in all_.items()
    }
    assert len(given) == len(questions)
    for count, asked in enumerate(questions):
        assert given[asked.question.lesson.room, asked.question.key].right == (count % 2 == 0), asked.name
    assert not {name: tall for name, tall in heights.items() if tall > SCREEN}
