"""The report: what a page shows, and that it needs no network and no kernel."""

import base64
import re
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from test_runner import PNG

from nbtools.notebook.document import WIDGET_VIEW
from nbtools.paper import paper_table, read_paper
from nbtools.paper.draw import MARKS
from nbtools.report import found_html, markdown_html, notebook_html, statements_html, write_report
from nbtools.results import Ledger
from nbtools.runner import Run

PICTURE = base64.b64encode(PNG).decode()
VERDICT = {
    "says": "not shown: the paper's own file has it",
    "verdict": "inconsistent",
    "basis": "κ < 20 & more",
    "ours": "13.4",
    "paper": "13.6",
    "cell": 7,
}


def page(*cells: dict) -> BeautifulSoup:
    return BeautifulSoup(notebook_html(new_notebook(cells=list(cells)), Path()), "html.parser")


def shown(**data: object) -> BeautifulSoup:
    """What a cell with one output of these MIME types shows."""
    bundle = {name.replace("_", "/").replace("svg", "svg+xml"): value for name, value in data.items()}
    if "widget" in bundle:
        bundle[WIDGET_VIEW] = bundle.pop("widget")
    return page(new_code_cell("", outputs=[new_output("display_data", nbformat.from_dict(bundle))]))


def test_code_that_the_notebook_folds_is_folded() -> None:
    """Behind a word that opens it, while its output stands; other code is in sight."""
    output = new_output("stream", text="seen")
    folded = new_code_cell("x = 1", metadata={"jupyter": {"source_hidden": True}}, outputs=[output])
    soup = page(folded, new_code_cell("y = 2"))
    assert "x" in soup.find("details").get_text() and "y" not in soup.find("details").get_text()
    assert not soup.find("details").has_attr("open")
    assert "seen" not in soup.find("details").get_text() and "seen" in soup.get_text()


@pytest.mark.parametrize(
    "text",
    [
        r"inline $\lambda(0) = \frac{\Phi_0}{2\pi}$",
        "$$\\rho = \\rho_0 + C T^5$$",
        r"\begin{aligned} a &= b \\ c &= d \end{aligned}",
    ],
)
def test_formulas_are_mathml(text: str) -> None:
    """In a line, on their own, and as an environment; no dollar and no backslash is left."""
    soup = BeautifulSoup(markdown_html(text, Path()), "html.parser")
    assert soup.find("math")
    assert not re.search(r"[$\\]", soup.get_text())


def test_a_formula_that_cannot_be_converted_stays_readable() -> None:
    """A slip in LaTeX shows as its source and does not stop the report."""
    assert r"<code>\lambda_</code>" in markdown_html(r"$\lambda_$", Path())


def test_a_picture_that_the_text_names_is_inside(tmp_path: Path) -> None:
    """The page can be sent by mail."""
    (tmp_path / "sketch.png").write_bytes(PNG)
    assert f"data:image/png;base64,{PICTURE}" in markdown_html("![a sketch](sketch.png)", tmp_path)


def test_links_between_notebooks_lead_to_their_pages() -> None:
    """With their anchors; links to elsewhere stay."""
    html = markdown_html("[a](01_structure.ipynb#fig-1) [b](https://x.org/a.ipynb)", Path())
    assert 'href="01_structure.html#fig-1"' in html
    assert 'href="https://x.org/a.ipynb"' in html


def test_a_figure_says_which_it_is() -> None:
    """The heading above it is its text for those who cannot see it."""
    figure = new_output("display_data", {"image/png": PICTURE, "text/plain": "<Figure>"})
    soup = page(new_markdown_cell("## Fig. 9(a)"), new_code_cell("draw()", outputs=[figure]))
    assert soup.find("img")["alt"] == "Fig. 9(a)"
    assert "<Figure>" not in soup.get_text()


def test_a_widget_shows_its_picture() -> None:
    """No view that waits for a kernel: the picture, else the one line."""
    assert shown(widget={"model_id": "7"}, image_png=PICTURE, text_plain="a fit").find("img")
    soup = shown(widget={"model_id": "7"}, text_html="<b>Loading widget...</b>", text_plain="a fit")
    assert soup.get_text().strip() == "a fit"


def test_html_that_needs_a_script_gives_way() -> None:
    """The next kind of the same output is shown."""
    soup = shown(text_html="<script src='x.js'></script>", text_plain="plain")
    assert soup.get_text().strip() == "plain"


def test_every_kind_of_output_is_shown() -> None:
    """A table, a formula, a vector picture, printed text, a traceback."""
    assert shown(text_html="<table><tr><td>4</td></tr></table>", text_plain="4").find("table")
    assert shown(text_latex="$x^2$", text_plain="x**2").find("math")
    assert shown(image_svg="<svg></svg>")("img")[0]["src"].startswith("data:image/svg+xml;base64,")
    stream = new_output("stream", name="stdout", text="1 < 2")
    error = new_output("error", ename="E", evalue="no", traceback=["\x1b[31mE\x1b[39m: no <b>"])
    soup = page(new_code_cell("x", outputs=[stream, error]))
    assert soup.find("pre", class_="stdout").get_text() == "1 < 2"
    assert soup.find("pre", class_="error").get_text() == "E: no <b>"


def test_statements_are_a_table_in_the_order_of_the_paper() -> None:
    """Each with its verdict, both numbers and the basis; text is text."""
    ledger = Ledger("x", verdicts={"GL-02": VERDICT, "GL-01": VERDICT})
    soup = BeautifulSoup(statements_html(paper_table({ledger.notebook: ledger})), "html.parser")
    rows = [" | ".join(row.stripped_strings) for row in soup("tr")]
    assert [row for row in rows if "& more" in row] == [
        f"{name} | {read_paper()[name].says} | κ < 20 & more | x, cell 7 | inconsistent | 13.4 | paper: 13.6"
        for name in ("GL-01", "GL-02")
    ]


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """The report of one notebook that ran and one that failed."""
    output = new_output("display_data", {"image/png": PICTURE})
    notebook = new_notebook(cells=[new_markdown_cell("# Is it?"), new_code_cell("1", outputs=[output])])
    runs = [
        Run("03_a", tmp_path / "03_a.ipynb", 12.3, 250e6),
        Run("04_b", tmp_path / "04_b.ipynb", 1, 1, "E"),
    ]
    for run in runs:
        nbformat.write(notebook, run.executed)
    ledger = Ledger("03_a", tmp_path, verdicts={"GL-01": VERDICT}, skipped={"S1": "no <file>"})
    ledger.write()
    return write_report(runs, results=tmp_path, into=tmp_path / "report")


def test_the_index_tells_how_each_run_went(report: Path) -> None:
    """Title, time, memory, what was settled, what was left out, what failed; and a way to each page."""
    cards = BeautifulSoup(report.read_text(encoding="utf-8"), "html.parser")(class_="card")
    texts = [card.get_text(" ") for card in cards]
    for part in ("Is it?", "ran, 12 s, 250 MB", "1 statement, 0 numbers", "left out: S1, no <file>"):
        assert part in texts[0]
    assert "failed" in texts[1]
    assert [card.find("a")["href"] for card in cards] == ["03_a.html", "04_b.html"]
    assert all((report.parent / card.find("a")["href"]).exists() for card in cards)
    assert all(card.find("img") for card in cards)


def test_a_statement_leads_to_its_cell(report: Path) -> None:
    """The link's anchor is on the notebook's page, at the code cell of that number."""
    ledger = Ledger("03_a", verdicts={"GL-01": VERDICT | {"cell": 1}})
    link = BeautifulSoup(statements_html(paper_table({ledger.notebook: ledger})), "html.parser").find("a")[
        "href"
    ]
    name, anchor = link.split("#")
    page = BeautifulSoup((report.parent / name).read_text(encoding="utf-8"), "html.parser")
    assert page.find(id=anchor).get_text().strip() == "1"


def test_the_index_says_what_moved(tmp_path: Path) -> None:
    """A verdict that is not the stored one is named on the notebook's card."""
    (tmp_path / "results").mkdir()
    Ledger("03_a", tmp_path / "results", verdicts={"GL-01": VERDICT | {"verdict": "agrees"}}).write()
    Ledger("03_a", tmp_path, verdicts={"GL-01": VERDICT}).write()
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Is it?")]), tmp_path / "03_a.ipynb")
    runs = [Run("03_a", tmp_path / "03_a.ipynb", 1, 1)]
    index = write_report(runs, results=tmp_path, into=tmp_path / "report", folder=tmp_path)
    details = BeautifulSoup(index.read_text(encoding="utf-8"), "html.parser").find("details")
    assert "GL-01: agrees → inconsistent" in details.get_text()


def test_no_page_asks_for_anything(report: Path) -> None:
    """No script, no style sheet, no font, no picture from elsewhere, in any page."""
    for path in report.parent.glob("*.html"):
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        assert not soup(["script", "iframe"])
        sources = [tag.get("src") for tag in soup("img")] + [tag.get("href") for tag in soup("link")]
        assert sources
        assert all(source.startswith("data:") for source in sources)
        assert not re.search(r"url\(|@import|cdn", soup.find("style").get_text())


def test_a_page_forbids_scripts_and_requests(report: Path) -> None:
    """A stranger's notebook may hold a script in its text; the browser is told to run none and to fetch nothing."""
    for path in report.parent.glob("*.html"):
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        policy = soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
        assert "default-src 'none'" in policy and "script-src" not in policy


def test_the_opening_shows_what_was_found_before_all_else(report: Path) -> None:
    """A square a statement in the colours of the drawing, the counts, and the furthest, in front of the notebooks."""
    ledger = Ledger("x", verdicts={"GL-01": VERDICT | {"sigmas": -3.4}, "MAG-03": VERDICT | {"sigmas": 12.6}})
    table = paper_table({ledger.notebook: ledger})
    soup = BeautifulSoup(found_html(table), "html.parser")
    squares = {a["href"][1:]: a.find(class_="mark") for a in soup.find(class_="squares")("a")}
    assert list(squares) == list(read_paper())
    colour, letter = MARKS["inconsistent"]
    assert squares["GL-01"].get_text() == letter and colour in squares["GL-01"]["style"]
    told = [" ".join(entry.stripped_strings) for entry in soup("li")]
    assert f"{MARKS['agrees'][1]} {table.counts['agrees']} agrees" in told
    named = [item.find("a").get_text() for item in soup.find("ol")("li")]
    furthest = table.select(verdict="inconsistent").rows.dropna(subset="sigmas")
    assert len(named) == 5 and named.index("MAG-03") < len(furthest)
    assert [abs(furthest.set_index("id").sigmas[name]) for name in named] == sorted(
        furthest.sigmas.abs(), reverse=True
    )[:5]
    text = report.read_text(encoding="utf-8")
    assert text.index('class="squares"') < text.index('class="cards"') < text.index("<h2>Statements")


def test_what_does_not_count_has_an_empty_square() -> None:
    """Another sample's verdict has its letter and no colour."""
    ledger = Ledger("x", verdicts={"RES-01": VERDICT | {"origin": "measured"}})
    soup = BeautifulSoup(found_html(paper_table({ledger.notebook: ledger})), "html.parser")
    assert not soup.find(href="#RES-01").find(class_="mark").has_attr("style")
