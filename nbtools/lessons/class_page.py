"""What a class answered, on one page for the lecturer: who misread what, and how well confidence was placed."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from nbtools.lessons.answers import UNDECIDED, Answer, AnswerTable
from nbtools.lessons.hand_in import HandedIn, read_handed_in
from nbtools.study import html_table

BINS = (0.0, 0.5, 0.7, 0.9, 1.0)
STYLE = "<style>body{max-width:80rem}td{white-space:pre-line}td:nth-child(2){min-width:16rem}</style>"
MOST_SAID = 3  # of the commonest wrong answers to a question


@dataclass(frozen=True)
class QuestionOfClass:
    """One question over the class.

    Parameters
    ----------
    room, key, text : of the question
    answers : of each student who answered it, by name
    """

    room: str
    key: str
    text: str
    answers: dict[str, Answer]

    @property
    def right(self) -> int:
        """How many had it right in the end."""
        return sum(answer.right for answer in self.answers.values())

    @property
    def at_once(self) -> int:
        """How many had it right at the first try."""
        return sum(answer.right and answer.tries == 1 for answer in self.answers.values())

    @property
    def misread(self) -> list[str]:
        """The commonest wrong answers, each with who gave it: a choice, or what a number was taken for."""
        found: dict[str, list[str]] = {}
        for student, answer in self.answers.items():
            slip = answer.said.partition(": ")[2]
            if not answer.right and isinstance(answer.answer, str):
                what, who = f"“{answer.answer}”", student
            elif not answer.right:
                what, who = slip or "no known slip", student if slip else f"{student} ({answer.shown})"
            elif answer.first_slip:
                what, who = f"at first, {answer.first_slip}", student
            else:
                continue
            found.setdefault(what, []).append(who)
        ranked = sorted(found.items(), key=lambda item: -len(item[1]))[:MOST_SAID]
        return [f"{len(who)} × {what}: {', '.join(who)}" for what, who in ranked]


@dataclass(frozen=True)
class Class:
    """The answers of a class.

    Parameters
    ----------
    students : what each handed in
    refused : for a file that is none of these, why
    """

    students: tuple[HandedIn, ...]
    refused: dict[str, str]

    @property
    def questions(self) -> list[QuestionOfClass]:
        """Every question that somebody answered, in the order of rooms and of the first who answered."""
        found: dict[tuple[str, str, str], dict[str, Answer]] = {}
        for student in self.students:
            for room, answers in student.rooms.items():
                for key, answer in answers.items():
                    found.setdefault((room, key, answer.text), {})[student.student] = answer
        ordered = sorted(found.items(), key=lambda item: item[0][0])
        return [QuestionOfClass(*about, answers) for about, answers in ordered]

    @property
    def calibration(self) -> list[tuple[str, int, int]]:
        """For each range of stated confidence: how many verdicts, and how many of them were right."""
        verdicts = [
            answer
            for question in self.questions
            for answer in question.answers.values()
            if answer.confidence is not None and answer.answer != UNDECIDED
        ]
        rows = []
        for low, high in pairwise(BINS):
            inside = [a for a in verdicts if low < (a.confidence or 0) <= high]
            rows.append((f"{low:.0%} to {high:.0%}", len(inside), sum(a.right for a in inside)))
        return [row for row in rows if row[1]]

    def html(self) -> str:
        """The page's body."""
        questions: list[Sequence[str]] = [("stop", "question", "answered", "at once", "right", "misread")]
        for asked in self.questions:
            count = len(asked.answers)
            shares = (f"{asked.at_once / count:.0%}", f"{asked.right / count:.0%}")
            answered = f"{count} of {len(self.students)}"
            stop = asked.room.lstrip("0")
            questions.append((stop, asked.text, answered, *shares, "\n".join(asked.misread)))
        stated = [("stated confidence", "verdicts", "right")]
        stated += [(span, str(n), f"{right / n:.0%}") for span, n, right in self.calibration]
        students: list[Sequence[str]] = [("student", "answers", "right", "confidence")]
        for one in self.students:
            given = [answer for room in one.rooms.values() for answer in room.values()]
            right = str(sum(answer.right for answer in given))
            students.append((one.student, str(len(given)), right, AnswerTable(one.rooms).calibration()))
        everybody = AnswerTable(
            {f"{one.student} {room}": known for one in self.students for room, known in one.rooms.items()}
        )
        pieces = [STYLE, f"<h1>The class: {len(self.students)} students</h1>"]
        pieces += [f"<h2>Who misread what</h2>{html_table(questions)}"]
        if len(stated) > 1:
            pieces += [
                "<h2>How sure, and how often right</h2>"
                f"<p>{everybody.calibration()}. Of verdicts stated at 80 %, 80 % should be right.</p>"
                + html_table(stated)
            ]
        pieces += [f"<h2>Students</h2>{html_table(students)}"]
        if self.refused:
            pieces.append(f"<h2>Not read</h2>{html_table([('file', 'why'), *self.refused.items()])}")
        return "\n".join(pieces)


def read_class(folder: str | Path) -> Class:
    """What the students of a class handed in.

    Parameters
    ----------
    folder : with the files that they downloaded; others in it are named and left out

    Raises
    ------
    ValueError
        No folder, or none of its files is a student's.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; give the folder with the files that the students handed in")
    students, refused = [], {}
    for path in sorted(folder.glob("*.json")):
        try:
            students.append(read_handed_in(path))
        except ValueError as problem:
            refused[path.name] = str(problem)
    if not students:
        said = f"; {next(iter(refused.values()))}" if refused else ""
        raise ValueError(f"{folder} holds no file that a student downloads in notebook 08{said}")
    return Class(tuple(_each_once(students)), refused)


def _each_once(students: Iterable[HandedIn]) -> list[HandedIn]:
    """Two files of one name are told apart by a number, unless they are the same."""
    seen: Counter[str] = Counter()
    known: set[str] = set()
    found = []
    for one in students:
        content = json.dumps(one.model_dump(), sort_keys=True, default=str)
        if content in known:
            continue
        known.add(content)
        seen[one.student] += 1
        number = seen[one.student]
        found.append(one if number == 1 else one.model_copy(update={"student": f"{one.student} ({number})"}))
    return found
