"""The report in a real browser: whole, readable in the dark and on a phone, and asking nobody for anything."""

from pathlib import Path

import pytest
from small_notebook import write_notebook

from nbtools.report import write_report
from nbtools.runner import NOTEBOOKS, Run, find_notebooks, read_run, run_notebook

pytestmark = pytest.mark.browser

FORMULAS = r"""# Does $x$ show?

$$\lambda(T) = \frac{\lambda_0}{\sqrt{1 - t^4}}, \qquad \kappa = \lambda / \xi \approx 13.6$$
"""
DRAW = "import matplotlib.pyplot as plt\nfig, axes = plt.subplots()\naxes.plot([1, 2]);"
TABLE = "import pandas as pd\npd.DataFrame([[38.4] * 12])"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stored notebooks, and one with a formula, a figure, a wide table and an error."""
    folder = tmp_path_factory.mktemp("report")
    small = write_notebook(
        folder / "99_small.ipynb",
        FORMULAS,
        "X = 1",
        DRAW,
        TABLE,
        "print('x' * 400)",
        "raise ValueError('no')",
    )
    runs = [*map(read_run, find_notebooks()), run_notebook(small, output=folder / "out")]
    write_report(runs, results=NOTEBOOKS / "results", into=folder)
    return folder


PAGES = ["index", "99_small", *(path.stem for path in find_notebooks())]
UNDECODED = "[...document.images].filter(i => !(i.complete && i.naturalWidth)).map(i => i.alt)"
UNSEEN = """[...document.querySelectorAll('math')].filter(m => {
    const box = m.getBoundingClientRect(); return box.width < 2 || box.height < 2 }).map(m => m.textContent)"""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_without_a_network(name: str, report: Path, watched, screenshots: Path) -> None:
    """Every picture decoded, every formula drawn, no error, no request but for the page itself; by day and night.

    On a phone too: a wide table or a long line scrolls by itself, the page does not.
    """
    page = watched.page
    page.goto((report / f"{name}.html").as_uri())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(UNDECODED) == []
        assert page.evaluate(UNSEEN) == []
    page.screenshot(path=screenshots / f"report-{name}-dark.png")
    for width in (800, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=screenshots / f"report-{name}-390px.png")
    assert watched.errors == []
    asked = [url for url in watched.requests if not url.startswith("data:")]
    assert set(asked) == {(report / f"{name}.html").as_uri()}


def test_a_fraction_is_drawn_as_one(report: Path, watched) -> None:
    """The browser lays MathML out: a numerator stands above its denominator."""
    watched.page.goto((report / "99_small.html").as_uri())
    tops = "[...document.querySelector('mfrac').children].map(part => part.getBoundingClientRect().top)"
    numerator, denominator = watched.page.evaluate(tops)
    assert numerator < denominator - 4


@pytest.mark.parametrize(("scheme", "bright"), [("light", True), ("dark", False)])
def test_the_page_follows_the_readers_colours(scheme: str, bright: bool, report: Path, watched) -> None:
    """Light paper by day, dark by night, with a text that stands out from it."""
    watched.page.emulate_media(color_scheme=scheme)
    watched.page.goto((report / "index.html").as_uri())
    style = "getComputedStyle(document.body)"
    paper, ink = (
        sum(map(int, watched.page.evaluate(f"{style}.{name}.match(/\\d+/g)"))) / 3
        for name in ("backgroundColor", "color")
    )
    assert (paper > 200) if bright else (paper < 60)
    assert abs(paper - ink) > 150


def test_a_strangers_notebook_runs_nothing(tmp_path: Path, watched) -> None:
    """A script in its text, a handler on its picture, a picture from elsewhere: none does anything in the report."""
    evil = "# Is it?\n\n<script>window.ran = 1</script><img src=x onerror='window.ran = 2'><img src='http://a.b/c.png'>"
    executed = write_notebook(tmp_path / "03_theirs.ipynb", evil, "X = 1")
    write_report([Run("03_theirs", executed, 1.0, 1.0)], results=tmp_path, into=tmp_path / "report")
    page, refused = (tmp_path / "report" / "03_theirs.html").as_uri(), []
    watched.page.on("requestfailed", lambda request: refused.append((request.url, request.failure)))
    watched.page.goto(page)
    assert watched.page.evaluate("window.ran") is None
    assert {why for _, why in refused} == {"csp"}
    asked = [url for url in watched.requests if not url.startswith("data:")]
    assert set(asked) - {url for url, _ in refused} == {page}
