"""Every widget of every notebook is driven to its limits: nothing raises, nothing is printed outside."""

import pytest
from notebook_cells import NOTEBOOKS, run_cells

from nbtools.results import ORIGIN_LABELS
from nbtools.widgets.driving import drive


@pytest.mark.notebook
@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("[0-9]*.ipynb")), ids=lambda path: path.stem)
def test_every_widget_of_a_notebook_is_driven(path, monkeypatch, capsys, tmp_path) -> None:
    """Each control to its ends and back; each widget says where its data come from."""
    monkeypatch.chdir(tmp_path)  # the save button writes beside the notebook
    widgets = [
        shown for shown in run_cells(path, monkeypatch) if hasattr(shown, "controls")
    ]  # a view has none
    assert widgets
    for widget in widgets:
        report = drive(widget)
        assert report.clean, (report.errors, report.printed)
        assert report.moves
        tag = widget.face.box.children[0].value
        assert any(word in tag for word in (*ORIGIN_LABELS.values(), "model")), tag
        widget.close()
    assert capsys.readouterr().out == ""
