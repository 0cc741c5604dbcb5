"""A notebook's cells in this process, and the widgets that they show."""

import ast
import contextlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbtools.display import style
from nbtools.fitting.showing import Showing
from nbtools.notebook.document import technique_only
from nbtools.runner import speaks_of_the_paper

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def run_cells(path: Path, monkeypatch: pytest.MonkeyPatch, **parameters: Any) -> list[Any]:
    """Run all code cells but those on measured files, silently; returns the widgets shown, in order.

    With a user's own DATA also without the cells that speak of the paper, as a user's run leaves them out.
    """
    shown: list[Any] = []

    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in cells_of(path, parameters):
            tags = cell.metadata.get("tags", [])
            if cell.cell_type == "code" and "measured" not in tags:
                value = _run(cell.source, str(path), names)
                shown += [value] if isinstance(value, Showing) else []
            names |= parameters if "parameters" in tags else {}
    return shown


def cells_of(path: Path, parameters: Mapping[str, Any]) -> list[Any]:
    """The cells that a run with these parameters has."""
    notebook = nbformat.read(path, as_version=4)
    if not speaks_of_the_paper(parameters):
        technique_only(notebook)
    return list(notebook.cells)


def without_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are drawn but not rendered: for what no picture decides."""
    monkeypatch.setattr(style, "export", lambda *_, **__: None)
    monkeypatch.setattr(style, "picture", lambda *_: b"")


def _run(source: str, name: str, names: dict[str, Any]) -> Any:
    """Execute a cell; the value of its last line, if that is an expression."""
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), name, "exec"), names)
    return eval(compile(ast.Expression(last.value), name, "eval"), names) if last else None
