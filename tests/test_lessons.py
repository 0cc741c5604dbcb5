"""Every notebook as a lesson: the five kinds of cells, nothing of it readable, the way of five minutes."""

import ast
import re

import nbformat
import pytest

from nbtools.notebook.document import code_cells, headings, parameter_names
from nbtools.runner import NOTEBOOKS

# The questions of the other rooms stand in 08 already.
ROOMS = ("02",)
KINDS = ("by_hand", "predict", "judge", "flip", "check", "report")

pytestmark = pytest.mark.parametrize(
    "notebook",
    [nbformat.read(next(NOTEBOOKS.glob(f"{room}_*.ipynb")), as_version=4) for room in ROOMS],
    ids=ROOMS,
)


def asked(notebook: nbformat.NotebookNode) -> dict[str, list[ast.Call]]:
    """The calls of the lesson, by kind."""
    calls = [
        node
        for cell in code_cells(notebook)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("lesson.")
    ]
    return {kind: [call for call in calls if ast.unparse(call.func) == f"lesson.{kind}"] for kind in KINDS}


def test_it_holds_the_five_kinds(notebook: nbformat.NotebookNode) -> None:
    """By hand, predict, blind, break it, check; then the report; a student's answers are parameters."""
    assert all(asked(notebook).values())
    assert {"ANSWERS", "WORLD"} <= set(parameter_names(notebook))


def test_no_answer_can_be_read_in_a_cell(notebook: nbformat.NotebookNode) -> None:
    """What an answer is judged by has been computed: it is no literal, and its digits are not in the question."""
    calls = asked(notebook)
    for call in calls["by_hand"] + calls["check"] + calls["predict"]:
        key, _, truth, *_ = call.args
        assert any(isinstance(node, ast.Name) for node in ast.walk(truth)), ast.unparse(key)


def test_with_no_student_the_cells_say_one_line(notebook: nbformat.NotebookNode) -> None:
    """Stored outputs hold no answers."""
    calls = asked(notebook)
    questions = sum(len(calls[kind]) for kind in ("by_hand", "predict", "judge", "check", "report"))
    shown = [
        output["data"]["text/plain"]
        for cell in code_cells(notebook)
        for output in cell.outputs
        if output.get("data", {}).get("text/plain", "").startswith("Not answered yet: ")
    ]
    assert len(shown) == questions
    assert not any("\n" in text for text in shown)


def test_five_minutes_lead_somewhere(notebook: nbformat.NotebookNode) -> None:
    """Three or four headings by name, near the top, each of which is there."""
    texts = [cell.source for cell in notebook.cells[:4] if cell.cell_type == "markdown"]
    way = next(text for text in texts if text.startswith("**In five minutes**"))
    named = re.findall(r"\*([^*]+)\*", way.removeprefix("**In five minutes**"))
    assert 3 <= len(named) <= 4
    assert set(named) <= set(headings(notebook))
