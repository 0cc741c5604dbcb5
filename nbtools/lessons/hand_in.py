"""A student's answers of all rooms as one file: written under a name, downloaded, taken back."""

import base64
import json
import re
from html import escape
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from nbtools import paths
from nbtools.display.gui import button, ipywidgets, sentences_html
from nbtools.lessons.answers import Answer, AnswerTable, answer_files, read_all_answers
from nbtools.results import dumps

LARGEST = 5_000_000  # bytes; answers of one student are a few thousand


class HandedIn(BaseModel):
    """What a student hands in: a name, and the answers of each room."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    student: str
    rooms: dict[str, dict[str, Answer]]


def collect_answers(folder: Path, student: str) -> HandedIn:
    """The answers of all rooms that are kept in a folder.

    Raises
    ------
    ValueError
        No name, or a file that holds no answers.
    """
    if not student.strip():
        raise ValueError("write your name first")
    return HandedIn(student=student.strip(), rooms=read_all_answers(folder))


def read_handed_in(path: Path) -> HandedIn:
    """What a student handed in.

    Raises
    ------
    ValueError
        A file of something else.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"it has {path.stat().st_size} bytes")
        return HandedIn.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValidationError, ValueError, RecursionError) as problem:
        reason = str(problem).splitlines()[0]
        raise ValueError(f"{path.name} is not what a student downloads in 08 ({reason})") from None


class HandIn:
    """All answers, a download under a name, and a reset that asks twice; `controls` has each by name.

    Parameters
    ----------
    folder : where the answers are kept; by default `nbtools.paths.lessons_folder`
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or paths.lessons_folder()
        self.sure = False
        self._controls: dict[str, Any] = {}

    def file(self, student: str) -> tuple[str, str]:
        """Name and text of what is handed in."""
        content = collect_answers(self.folder, student)
        name = re.sub(r"[^\w-]+", "-", content.student).strip("-") or "student"
        return f"answers-{name}.json", dumps(content.model_dump())

    def reset(self) -> str:
        """Take back the answers of all stops, when asked a second time; what is to be said."""
        if not self.sure:
            self.sure = True
            return "This takes back all answers of all stops. Press Reset once more to do it."
        self.sure = False
        for path in answer_files(self.folder):
            path.unlink()
        return "All answers are taken back. Run the notebook again from its top."

    @property
    def box(self) -> Any:
        """The live controls."""
        gui = ipywidgets()
        name = gui.Text(placeholder="your name", layout={"width": "220px"})
        link, said, table = gui.HTML(), gui.HTML(), gui.HTML()

        def prepare() -> None:
            link.value = said.value = ""
            try:
                file, text = self.file(name.value)
            except ValueError as problem:
                said.value = sentences_html([str(problem)])
                return
            encoded = base64.b64encode(text.encode()).decode()
            link.value = (
                f'<a download="{escape(file)}" href="data:application/json;base64,{encoded}" '
                f'style="text-decoration:underline">download {escape(file)}</a>'
            )

        def show() -> None:
            link.value = said.value = ""
            try:
                table.value = AnswerTable(read_all_answers(self.folder)).html()
            except ValueError as problem:
                said.value = sentences_html([str(problem)])

        def reset() -> None:
            link.value = table.value = ""
            said.value = sentences_html([self.reset()])

        self._controls = {
            "show": button("Show my answers", show, tip="of all stops, and how sure you were"),
            "name": name,
            "prepare": button("Prepare the download", prepare, tip="all answers of all stops"),
            "reset": button("Reset", reset, tip="take back all answers"),
            "link": link,
            "said": said,
            "table": table,
        }
        row = gui.HBox(list(self._controls.values())[:5], layout={"flex_flow": "row wrap"})
        return gui.VBox([row, said, table])

    @property
    def controls(self) -> dict[str, Any]:
        """Every control by name, once it is shown."""
        return self._controls

    def __repr__(self) -> str:
        return "Here a student downloads the answers under a name, to hand them in."

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {**dict(self.box._repr_mimebundle_()), "text/plain": repr(self)}
