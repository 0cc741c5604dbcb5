"""Every widget that a notebook shows, driven to its limits in the notebook's own kernel; and its questions."""

import gc
import tempfile
from contextlib import chdir
from html import unescape

from driving import drive

from nbtools.fitting.showing import Showing
from nbtools.lessons.questions import Question
from nbtools.results import ORIGIN_LABELS


def drive_all() -> None:
    """Each control of each widget to its ends and back; each question asked for its answer and for wrong ones.

    Raises
    ------
    AssertionError
        No widget; one that raised, warned or printed, or has no control that moves; one that does not say where its
        data come from; a wrong answer that was taken, or the right one that was not.
    """
    shown = [one for one in gc.get_objects() if isinstance(one, Showing) and one._face is not None]
    widgets = [one for one in shown if hasattr(one, "controls")]  # a view has none
    assert widgets, "no widget was shown"
    with tempfile.TemporaryDirectory() as folder, chdir(folder):  # a save button writes beside the notebook
        for widget in widgets:
            _drive(widget)
        for question in shown:
            if isinstance(question, Question) and question.truth is not None:
                _ask(question)


def _drive(widget: Showing) -> None:
    report = drive(widget)
    assert report.clean and report.moves, f"{type(widget).__name__}: {report}"
    # Above all else, or in the line of a question.
    said = unescape(" ".join(str(getattr(child, "value", "")) for child in widget.face.box.children))
    assert any(word in said for word in (*ORIGIN_LABELS.values(), "model")), f"no origin in {said!r}"


def _ask(question: Question) -> None:
    """The notebook's own answer is right; the other sign, twice, ten times as much and what looks like it are not."""
    truth = question.truth
    for answer in (-truth, 10 * truth, 2 * truth, *question.rivals.values(), float(truth)):
        question.lesson.forget(question.key)
        right = question.commit(answer).answer.right
        assert right == (answer == float(truth)), (
            f"{question.key}: {answer} was {'' if right else 'not '}taken"
        )
