"""Every widget of every notebook: driven to its limits with nothing raised, and no wrong answer of a student taken."""

from html import unescape

import pytest
from notebook_cells import NOTEBOOKS, run_cells, without_rendering

from nbtools.lessons.questions import Question
from nbtools.results import ORIGIN_LABELS
from nbtools.widgets.driving import drive

pytestmark = pytest.mark.notebook


@pytest.fixture(
    scope="module", params=sorted(NOTEBOOKS.glob("[0-9]*.ipynb")), ids=lambda path: path.stem, autouse=True
)
def shown(request, tmp_path_factory):
    """What one notebook shows, run once for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("run")
        patch.setenv("NBTOOLS_RESULTS", str(folder / "results"))
        patch.setenv("NBTOOLS_LESSONS", str(folder / "lessons"))
        without_rendering(patch)
        return run_cells(request.param, patch)


def test_every_widget_of_a_notebook_is_driven(shown, monkeypatch, capsys, tmp_path) -> None:
    """Each control to its ends and back; each widget says where its data come from."""
    monkeypatch.chdir(tmp_path)  # the save button writes beside the notebook
    widgets = [one for one in shown if hasattr(one, "controls")]  # a view has none
    assert widgets
    for widget in widgets:
        report = drive(widget)
        assert report.clean, (report.errors, report.printed)
        assert report.moves
        tag = unescape(widget.face.box.children[0].value)
        assert any(word in tag for word in (*ORIGIN_LABELS.values(), "model")), tag
        widget.close()
    assert capsys.readouterr().out == ""


def test_a_wrong_number_is_not_taken(shown) -> None:
    """The notebook's own is; the other sign, ten times as much and what a physicist might take for it are not."""
    for question in shown:
        if isinstance(question, Question) and question.truth is not None:
            for wrong in (
                -question.truth,
                10 * question.truth,
                *question.rivals.values(),
                2 * question.truth,
            ):
                question.lesson.forget(question.key)
                assert not question.commit(wrong).answer.right, (question.key, wrong)
            question.lesson.forget(question.key)
            assert question.commit(float(question.truth)).answer.right, question.key
