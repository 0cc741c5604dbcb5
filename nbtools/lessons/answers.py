"""What a student answered in one room: plain JSON, written whole, read strictly, shown as a table."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from nbtools.results import dumps
from nbtools.study import html_table
from nbtools.units import printed_unit
from nbtools.whole_file import write_whole

UNDECIDED = "I do not know"
FEWEST_WORLDS = 3  # below which a mean score says nothing of a student
Kind = Literal["by hand", "prediction", "check", "blind world"]


class Answer(BaseModel):
    """One committed answer and what was said to it; a number has its tries and what the first of them was taken for, a
    verdict its confidence and score."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    text: str
    answer: float | str
    unit: str = ""
    right: bool
    said: str
    tries: int = 1
    first_slip: str = ""
    confidence: float | None = None
    score: float | None = None
    chance: float | None = None

    @property
    def hit(self) -> float:
        """One where the answer is right; who does not know is right as often as by chance."""
        return self.chance or 0.0 if self.answer == UNDECIDED else float(self.right)

    @property
    def shown(self) -> str:
        """The answer with its unit, or with its confidence."""
        given = (
            self.answer
            if isinstance(self.answer, str)
            else f"{self.answer:.6g} {printed_unit(self.unit)}".strip()
        )
        return given if self.confidence is None else f"{given}, {self.confidence:.0%} sure"


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    room: str
    answers: dict[str, Answer]


def read_answers(path: Path, room: str) -> dict[str, Answer]:
    """The answers in a file that `write_answers` wrote; none where there is no file.

    Raises
    ------
    ValueError
        A file that is not of this room, or not what was written; it is left as it is.
    """
    if not path.exists():
        return {}
    try:
        known = _File.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (ValidationError, ValueError, RecursionError) as problem:
        reason = str(problem).splitlines()[0]
        raise ValueError(
            f"{path.name} holds no answers that can be read ({reason}); move it away to start anew"
        ) from None
    if known.room != room:
        raise ValueError(f"{path.name} holds the answers of room {known.room}, not of {room}; move it away")
    return dict(known.answers)


def write_answers(path: Path, room: str, answers: Mapping[str, Answer]) -> Path:
    """All answers of a room, as readable JSON."""
    return write_whole(path, dumps(_File(room=room, answers=dict(answers)).model_dump()))


def answer_files(folder: Path) -> list[Path]:
    """The files of answers in a folder, one a room."""
    return sorted(folder.glob("[0-9][0-9].json"))


def read_all_answers(folder: Path) -> dict[str, dict[str, Answer]]:
    """The answers of every room that has some.

    Raises
    ------
    ValueError
        A file that holds no answers.
    """
    found = {path.stem: read_answers(path, path.stem) for path in answer_files(folder)}
    return {room: answers for room, answers in found.items() if answers}


@dataclass(frozen=True)
class AnswerTable:
    """The answers of all rooms, and how well the confidence was placed.

    Parameters
    ----------
    rooms : the answers of each room by their keys
    """

    rooms: Mapping[str, Mapping[str, Answer]] = field(default_factory=dict)

    def calibration(self) -> str:
        """How often a stated confidence was right, over all blind worlds, and the mean score (0 is best).

        The score is that of `Lesson.judge`; who knows nothing and says so has 1 − c in every world, with c one over
        the number of worlds. One world says little, so no score is shown of fewer than `FEWEST_WORLDS`.
        """
        blind = [one for room in self.rooms.values() for one in room.values() if one.confidence is not None]
        if not blind:
            return ""
        right, sure, score, chance = (
            sum(values) / len(blind)
            for values in (
                [one.hit for one in blind],
                [one.confidence or 0.0 for one in blind],
                [one.score or 0.0 for one in blind],
                [1 - (one.chance or 0.0) for one in blind],
            )
        )
        count = f"{len(blind)} blind world{'s' if len(blind) > 1 else ''}"
        means = f"{right:.0%} right at a mean confidence of {sure:.0%}"
        if len(blind) < FEWEST_WORLDS:
            return f"{count}: {means}. Judge {FEWEST_WORLDS} to see how your confidence does on average."
        return f"{count}: {means}; mean score {score:.2f} (0 is best, honest ignorance has {chance:.2f})"

    def html(self) -> str:
        """A table of stop, question, answer, what was said to it and tries, with the calibration above it."""
        rows = [
            (room.lstrip("0"), one.text, one.shown, one.said, str(one.tries))
            for room, answers in self.rooms.items()
            for one in answers.values()
        ]
        if not rows:
            return "<p>Nothing is answered yet.</p>"
        table = html_table([("stop", "question", "answer", "result", "tries"), *rows])
        return f"<p>{escape(self.calibration())}</p>{table}"
