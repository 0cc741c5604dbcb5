"""The rules of every notebook and of its stored outputs."""

import ast
import json
import re
from pathlib import Path
from statistics import median

import nbformat
import pytest

from nbtools.notebook.document import WIDGET_VIEW, clean, code_cells, headings, parameter_names
from nbtools.runner import NOTEBOOKS

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
LARGEST = 1.5e6
MEDIAN_LINES = 5
STRICT_PART = 0.6
LOOSE = "nbval-ignore-output"

pytestmark = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


@pytest.fixture
def notebook(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def tags(cell: nbformat.NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def lines(cell: nbformat.NotebookNode) -> list[str]:
    return [line for line in cell.source.splitlines() if line.strip()]


def test_the_title_is_the_question(notebook: nbformat.NotebookNode, path: Path) -> None:
    """The first cell opens with what the notebook answers."""
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert headings(notebook)[0].endswith("?")


def test_each_figure_has_one_heading(notebook: nbformat.NotebookNode, path: Path) -> None:
    """A reader finds each figure of the paper once, as a heading of the second level."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    figures = re.findall(r"^(#+) Figs?\. (\S+)", text, flags=re.MULTILINE)
    assert {marks for marks, _ in figures} <= {"##"}
    assert len({figure for _, figure in figures}) == len(figures)


def test_one_cell_holds_the_parameters(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Change things only there; every value is a literal, so that another can take its place."""
    tagged = [cell for cell in code_cells(notebook) if "parameters" in tags(cell)]
    assert len(tagged) == 1
    assert parameter_names(notebook)
    for statement in ast.parse(tagged[0].source).body:
        ast.literal_eval(statement.value)


def test_what_wants_a_function_is_in_the_package(notebook: nbformat.NotebookNode, path: Path) -> None:
    """No def and no class in a cell."""
    for cell in code_cells(notebook):
        source = "\n".join(line for line in cell.source.splitlines() if not line.startswith(("%", "!")))
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        assert not any(isinstance(node, kinds) for node in ast.walk(ast.parse(source))), cell.source


def test_code_cells_are_short(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Half of them have five lines or fewer."""
    assert median(len(lines(cell)) for cell in code_cells(notebook)) <= MEDIAN_LINES


def test_most_outputs_are_compared(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Of the cells that show something, six in ten must show it again, to the letter."""
    showing = [cell for cell in code_cells(notebook) if cell.outputs]
    strict = [cell for cell in showing if LOOSE not in tags(cell)]
    assert len(strict) >= STRICT_PART * len(showing)


def test_measured_cells_are_compared_as_numbers(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Measured files are not everywhere, so their cells' text is not compared."""
    assert all(LOOSE in tags(cell) for cell in code_cells(notebook) if "measured" in tags(cell))


def test_stored_outputs_are_whole_and_clean(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Executed once, from top to bottom, without error; no times, no widget state; small enough to open."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "run `make notebooks`"
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert outputs
    assert not [output for output in outputs if output.output_type == "error"]
    cleaned = json.loads(json.dumps(notebook))
    cleaned = nbformat.from_dict(cleaned)
    clean(cleaned)
    assert cleaned == notebook, "run `make notebooks`"
    text = path.read_text(encoding="utf-8")
    assert WIDGET_VIEW not in text
    assert len(text.encode()) < LARGEST


def test_no_output_names_this_machine(notebook: nbformat.NotebookNode, path: Path) -> None:
    """What is printed holds on any machine: no folder of the one that ran it."""
    outputs = json.dumps([cell.outputs for cell in code_cells(notebook)])
    assert str(NOTEBOOKS.parent) not in outputs
    assert str(Path.home()) not in outputs


def test_a_link_leads_to_a_heading(notebook: nbformat.NotebookNode, path: Path) -> None:
    """``[05](05_….ipynb) at *Under your hand*``: the notebook is there, and so is the heading."""
    for cell in notebook.cells:
        for name, heading in re.findall(r"\]\((\w+\.ipynb)\)(?: at \*([^*]+)\*)?", cell.source):
            assert (NOTEBOOKS / name).exists(), name
            assert not heading or heading in headings(nbformat.read(NOTEBOOKS / name, as_version=4)), heading
