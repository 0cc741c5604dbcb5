"""What a class answered, on one page for the lecturer: who misread what, and how well confidence was placed."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from nbtools.lessons.answers import Answer
from nbtools.lessons.hand_in import HandedIn, read_handed_in
from nbtools.study import html_table

BINS = (0.0, 0.5, 0.7, 0.9, 1.0)
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
    def misread(self) -> list[tuple[str, list[str]]]:
        """The commonest wrong answers as what was said to them, and by whom."""
        by_slip: dict[str, list[str]] = {}
        for student, answer in self.answers.items():
            if not answer.right:
                slip = answer.said.partition(": ")[2] or "no known slip"
                what = f"{answer.shown} ({slip})" if answer.confidence is None else slip
                by_slip.setdefault(what, []).append(student)
            elif answer.first_slip:
                by_slip.setdefault(f"at first {answer.first_slip}", []).append(student)
        return sorted(by_slip.items(), key=lambda item: -len(item[1]))[:MOST_SAID]


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
            if answer.confidence is not None
        ]
        rows = []
        for low, high in pairwise(BINS):
            inside = [a for a in verdicts if low < (a.confidence or 0) <= high]
            rows.append((f"{max(low, 0.0):.0%} to {high:.0%}", len(inside), sum(a.right for a in inside)))
        return [row for row in rows if row[1]]

    def html(self) -> str:
        """The page's body."""
        answered = Counter({s.student: sum(map(len, s.rooms.values())) for s in self.students})
        pieces = [f"<h1>The class: {len(self.students)} students</h1>"]
        rows: list[Sequence[str]] = [("stop", "question", "answered", "right at once", "right", "misread")]
        for question in self.questions:
            misread = "; ".join(f"{len(who)} × {said}: {', '.join(who)}" for said, who in question.misread)
            count = len(question.answers)
            rows.append(
                (
                    question.room,
                    question.text,
                    f"{count} of {len(self.students)}",
                    f"{question.at_once / count:.0%}",
                    f"{question.right / count:.0%}",
                    misread,
                )
            )
        pieces.append(f"<h2>Who misread what</h2>{html_table(rows)}")
        if self.calibration:
            stated = [("stated confidence", "verdicts", "right")]
            stated += [(span, str(n), f"{right / n:.0%}") for span, n, right in self.calibration]
            pieces.append(
                "<h2>How sure, and how often right</h2>"
                "<p>A class that is 70 to 90 % sure should be right that often.</p>" + html_table(stated)
            )
        by_student = [("student", "answers", "right")]
        by_student += [
            (
                s.student,
                str(answered[s.student]),
                str(sum(a.right for r in s.rooms.values() for a in r.values())),
            )
            for s in self.students
        ]
        pieces.append(f"<h2>Students</h2>{html_table(by_student)}")
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
