"""The report: one page a notebook and an index with every statement, readable with no network at all."""

import base64
import math
import re
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from latex2mathml.converter import convert as mathml
from nbconvert.filters import ansi2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from nbtools import paths
from nbtools.error_bars import error_bars_html, read_error_bars
from nbtools.notebook.document import WIDGET_VIEW, heading_above, headings
from nbtools.paper.draw import MARKS
from nbtools.paper.ledgers import RunRecord, ledgers_of, read_results
from nbtools.paper.table import OPEN, PaperTable, css_class, paper_table
from nbtools.results import Ledger, differences
from nbtools.runner import Run
from nbtools.whole_file import write_whole

TITLE = "MgO/MgB₂: the paper, recomputed"
BACK = '<nav><a href="index.html">← all notebooks</a></nav>'
# The browser itself sees to it: a notebook of a stranger's runs no script in its report, and asks for nothing.
NOTHING_RUNS = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
RICHEST_FIRST = ("text/html", "image/svg+xml", "image/png", "text/latex", "text/markdown", "text/plain")
# How many statements the opening page names.
FINDINGS = 5
# A widget's HTML would wait for a kernel that is gone; its picture does not.
WITHOUT_KERNEL = ("image/png", "text/plain")


def write_report(runs: Iterable[Run], *, results: Path, into: Path, folder: Path | None = None) -> Path:
    """Write the pages of executed notebooks and the index.

    Parameters
    ----------
    runs : what was run, in the order of the index
    results : the folder of the ledgers that the runs wrote
    into : the folder of the pages; those of other runs stay
    folder : where pictures that a notebook's text names are found

    Returns
    -------
    Path
        The index.
    """
    folder = folder or paths.NOTEBOOKS
    cards = []
    for run in runs:
        notebook = nbformat.read(run.executed, as_version=4)
        ledger = read_results(run.name, results)
        page = BACK + notebook_html(notebook, folder)
        write_whole(into / f"{run.name}.html", page_html(_title(notebook, run), page))
        stored = read_results(run.name, folder / "results")
        cards.append(_card(run, notebook, ledger, differences(stored, ledger) if stored and ledger else []))
    table = paper_table(ledgers_of(RunRecord.read(results), results))
    bars = page_html("Error bars", BACK + error_bars_html(read_error_bars()))
    write_whole(into / "error_bars.html", bars)
    body = (
        f"<h1>{TITLE}</h1>{found_html(table)}"
        '<p><a href="error_bars.html">How good are these error bars?</a></p><h2>Notebooks</h2>'
        f'<div class="cards">{"".join(cards)}</div>{statements_html(table)}'
    )
    write_whole(into / "index.html", page_html(TITLE, body))
    return into / "index.html"


def notebook_html(notebook: Any, folder: Path) -> str:
    """All cells as HTML."""
    pieces, number = [], 0
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            pieces.append(markdown_html(cell.source, folder, cell.get("attachments", {})))
        elif cell.cell_type == "code":
            alt = heading_above(notebook, index)
            outputs = [_output_html(output, alt, folder) for output in cell.outputs]
            number += 1
            lines = highlight(cell.source, PythonLexer(), HtmlFormatter()) if cell.source else ""
            if cell.metadata.get("jupyter", {}).get("source_hidden"):
                lines = f"<details><summary>code</summary>{lines}</details>"
            pieces.append(f'<div id="cell-{number}">{lines}</div>')
            pieces += [f'<div class="output">{html}</div>' for html in outputs]
    return "\n".join(pieces)


class _MathMLRenderer(IPythonRenderer):
    """Jupyter's markdown, its formulas as MathML and its links to notebooks as links to their pages."""

    def block_math(self, body: str) -> str:
        return _formula(body, "block")

    def inline_math(self, body: str) -> str:
        return _formula(body, "inline")

    def latex_environment(self, name: str, body: str) -> str:
        return _formula(rf"\begin{{{name}}}{body}\end{{{name}}}", "block")

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return super().link(text, re.sub(r"^(?!\w+:)([^#]*)\.ipynb(?=#|$)", r"\1.html", url), title)


def markdown_html(text: str, folder: Path, attachments: dict[str, Any] | None = None) -> str:
    """Markdown with its pictures inside and its formulas as MathML."""
    renderer = _MathMLRenderer(escape=False, embed_images=True, path=str(folder), attachments=attachments)
    return MarkdownWithMath(renderer=renderer).render(text)


def found_html(table: PaperTable) -> str:
    """What was found, at a glance: a square a statement, how many of each verdict, and the furthest from the paper."""
    lines = []
    for topic, rows in table.rows.groupby("topic", sort=False):
        squares = "".join(map(_square, rows.to_dict("records")))
        lines.append(f'<div class="topic"><span class="meta">{topic}</span><span>{squares}</span></div>')
    legend = "".join(f"<li>{_mark(word)} {number} {word}</li>" for word, number in table.counts.items())
    findings = "".join(
        f'<li><a href="#{row["id"]}">{row["id"]}</a> {escape(row["says"])} '
        f'<span class="meta">Here: {escape(row["ours"])}; paper: {escape(row["paper"])}.</span></li>'
        for row in table.strongest(FINDINGS).rows.to_dict("records")
    )
    strongest = f"<h3>Furthest from what is printed</h3><ol>{findings}</ol>" if findings else ""
    said = f"{len(table.counted)} of {len(table.rows)} statements of the paper, each with a verdict that is computed"
    return (
        f'<div class="found"><div class="squares">{"".join(lines)}</div>'
        f"<div><p>{said}:</p><ul>{legend}</ul>{strongest}</div></div>"
    )


def _square(row: dict[str, Any]) -> str:
    """A statement's square, which leads to its row."""
    told = escape(f"{row['id']}: {row['verdict'] or OPEN}. {row['says']}", quote=True)
    return f'<a href="#{row["id"]}" title="{told}">{_mark(row["verdict"] or OPEN, counts=not row["left_out"])}</a>'


def _mark(word: str, *, counts: bool = True) -> str:
    """A square in the colour and with the letter of a verdict; one that does not count is empty."""
    colour, letter = MARKS[word]
    style = f' style="background:{colour}"' if counts else ""
    return f'<i class="mark"{style}>{letter}</i>'


def statements_html(table: PaperTable) -> str:
    """The statements in the order of the paper, to be chosen by verdict, and what does not count and why."""
    words = {"all": len(table.rows), **table.counts}
    left_out = sum(map(len, table.left_out.values()))
    words |= {"not counted": left_out} if left_out else {}
    buttons = "".join(
        f'<label><input type="radio" name="verdict" id="{css_class(word)}"{" checked" if word == "all" else ""}>'
        f"{word} ({number})</label> "
        for word, number in words.items()
    )
    # Chosen by style alone: a page that runs no script can be sent by mail.
    hidden = "".join(
        f".statements:has(#{name}:checked) tr:not(.{name}){{display:none}}"
        for name in (css_class(word) for word in words if word != "all")
    )
    said = "".join(f'<p class="meta">{escape(line)}</p>' for line in str(table).splitlines())
    return (
        f'<h2>Statements</h2><style>{hidden}</style><div class="statements">'
        f"{said}<fieldset>{buttons}</fieldset>{table.html('html')}</div>"
    )


def _card(run: Run, notebook: Any, ledger: Ledger | None, moved: list[str]) -> str:
    """A notebook on the index: its first figure, its question, how the run went, what it settled, what moved."""
    pictures = [
        output.data["image/png"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    title = escape(_title(notebook, run))
    facts = ["ran" if run.ok else '<span class="failed">failed</span>']
    facts += [f"{run.seconds:.0f} s"] if math.isfinite(run.seconds) else []
    facts += [f"{run.peak_memory / 1e6:.0f} MB"] if math.isfinite(run.peak_memory) else []
    lines = [f'<p class="meta">{run.name}: {", ".join(facts)}</p>']
    if not run.ok:
        lines.append(f'<p class="failed">{escape(run.error)}</p>')
    if ledger:
        counts = (len(ledger.verdicts), "statement"), (len(ledger.results), "number")
        listed = ", ".join(f"{number} {word}{'' if number == 1 else 's'}" for number, word in counts)
        lines.append(f"<p>{listed}</p>")
        lines += [
            f'<p class="meta">left out: {escape(k)}, {escape(v)}</p>' for k, v in ledger.skipped.items()
        ]
    if moved:
        listed = "".join(f"<li>{escape(line)}</li>" for line in moved)
        lines.append(
            f"<details><summary>{len(moved)} differences from the stored run</summary><ul>{listed}</ul></details>"
        )
    image = image_html("image/png", pictures[0], f"First figure of {run.name}") if pictures else ""
    link = f'<h3><a href="{run.name}.html">{title}</a></h3>'
    return f'<div class="card">{image}{link}{"".join(lines)}</div>'


def _title(notebook: Any, run: Run) -> str:
    return (headings(notebook) or [run.name])[0]


def _output_html(output: Any, alt: str, folder: Path) -> str:
    if output.output_type == "stream":
        return f'<pre class="{output.name}">{ansi2html(output.text)}</pre>'
    if output.output_type == "error":
        return f'<pre class="error">{ansi2html(chr(10).join(output.traceback))}</pre>'
    data = output.data
    kinds = WITHOUT_KERNEL if WIDGET_VIEW in data else RICHEST_FIRST
    kind = next((k for k in kinds if k in data and "<script" not in data[k]), "")
    match kind:
        case "text/html":
            return str(data[kind])
        case "image/png":
            return image_html(kind, data[kind], alt)
        case "image/svg+xml":
            return image_html(kind, base64.b64encode(data[kind].encode()).decode(), alt)
        case "text/latex" | "text/markdown":
            return markdown_html(data[kind], folder)
    return f"<pre>{ansi2html(data.get('text/plain', ''))}</pre>"


def image_html(kind: str, encoded: str, alt: str) -> str:
    """A picture that the page carries inside."""
    return f'<img src="data:{kind};base64,{"".join(encoded.split())}" alt="{escape(alt)}">'


def _formula(latex: str, display: str) -> str:
    """MathML; a formula that cannot be converted stays readable as its source."""
    try:
        return str(mathml(latex.strip(), display=display))
    except Exception:
        # The converter has no common error class, and a report must not fail on a formula.
        return f"<code>{escape(latex)}</code>"


def page_html(title: str, body: str) -> str:
    """A whole page, readable without a network; the browser runs no script of it."""
    css = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
    light = HtmlFormatter(style="xcode").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{NOTHING_RUNS}">'
        f"<title>{escape(title)}</title><style>{light}\n@media (prefers-color-scheme: dark) {{{dark}}}\n{css}"
        f'</style><link rel="icon" href="data:,"></head><body><main>{body}</main></body></html>\n'
    )
