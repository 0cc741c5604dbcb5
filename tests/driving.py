"""Move every control of a widget as a hand would, and collect what came of it."""

import contextlib
import io
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbtools.display.gui import descendants, ipywidgets


@dataclass
class DriveReport:
    """What happened: moves made by control, exceptions raised, text printed, sentences said."""

    moves: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    printed: str = ""
    said: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether every callback ran without raising or printing."""
        return not self.errors and not self.printed

    def __str__(self) -> str:
        lines = [f"{sum(self.moves.values())} moves of {len(self.moves)} controls"]
        lines += [f"raised: {error}" for error in self.errors]
        lines += [f"printed: {self.printed.strip()}"] if self.printed else []
        return "\n".join(lines)


def drive(widget: Any, *, only: Callable[[str], bool] = lambda name: True) -> DriveReport:
    """Move each control to its ends and back, choose every option, press every button.

    Parameters
    ----------
    widget : anything with `controls` (a dict of ipywidgets by name), or an ipywidgets container
    only : which controls to move, by name

    What a callback raises or prints is collected, not passed on; a widget with a `state` has it back
    afterwards, and a file it saves goes to a folder that is thrown away.
    """
    report = DriveReport()
    captured = io.StringIO()
    with contextlib.redirect_stdout(captured), contextlib.redirect_stderr(captured), _restored(widget):
        for name, control in _unique(_controls(widget)).items():
            if not only(name):
                continue
            for move in _moves(control):
                report.moves[name] = report.moves.get(name, 0) + 1
                _make(move, name, widget, report)
    report.printed = captured.getvalue()
    return report


def _make(move: Callable[[], Any], name: str, widget: Any, report: DriveReport) -> None:
    known = len(getattr(widget, "errors", []))
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            move()
        report.errors += [f"{name}: {w.category.__name__}: {w.message}" for w in warned]
    except Exception as problem:
        report.errors.append(f"{name}: {type(problem).__name__}: {problem}")
    report.errors += [f"{name}: {error}" for error in getattr(widget, "errors", [])[known:]]
    report.said += [s for s in getattr(widget, "sentences", []) if s not in report.said]


@contextlib.contextmanager
def _restored(widget: Any) -> Iterator[None]:
    state, own = getattr(widget, "state", None), getattr(widget, "folder", None)
    with tempfile.TemporaryDirectory() as folder:
        if own is not None:
            widget.folder = Path(folder)
        try:
            yield
        finally:
            if own is not None:
                widget.folder = own
            if state is not None:
                widget.state = state


def _controls(widget: Any) -> dict[str, Any]:
    if hasattr(widget, "controls"):
        return dict(widget.controls)
    found: dict[str, Any] = {}
    for item in descendants(widget):
        if _moves(item):
            name = getattr(item, "description", "") or type(item).__name__
            found[name if name not in found else f"{name} {len(found)}"] = item
    return found


def _unique(controls: dict[str, Any]) -> dict[str, Any]:
    """Each control once, under its first name; what goes back is pressed after what goes forth."""
    seen: dict[int, str] = {}
    for name, control in controls.items():
        seen.setdefault(id(control), name)
    return {name: controls[name] for name in seen.values()}


def _moves(control: Any) -> list[Callable[[], Any]]:
    w = ipywidgets()
    if isinstance(control, w.Button):
        return [lambda: _press(control)]
    if isinstance(control, (w.Checkbox, w.ToggleButton)):
        return [_to(control, not control.value), _to(control, control.value)]
    if hasattr(control, "options") and hasattr(control, "index"):
        return [_to(control, i, "index") for i in range(len(control.options))] + [
            _to(control, control.index, "index")
        ]
    if isinstance(control, w.Text) and not isinstance(control, w.Textarea):
        return [_to(control, text) for text in ("not a number", control.value)]
    ends = [getattr(control, "min", None), getattr(control, "max", None)]
    if hasattr(control, "value") and None not in ends:
        if isinstance(control.value, tuple):
            return [_to(control, (end, end)) for end in ends] + [_to(control, control.value)]
        return [_to(control, end) for end in ends] + [_to(control, control.value)]
    return []


def _to(control: Any, value: Any, trait: str = "value") -> Callable[[], None]:
    def move() -> None:
        if not getattr(control, "disabled", False):
            setattr(control, trait, value)

    return move


def _press(button: Any) -> None:
    # `click()` would hand an exception to IPython's traceback or a log, where nobody collects it.
    for callback in list(button._click_handlers.callbacks):
        callback(button)
