"""The paper's statements on its STEM images: each can fail, and each recovery excludes a wrong world."""

import inspect
import json

import pytest
from flips import changed
from notebook_cells import NOTEBOOKS

from nbtools import stem
from nbtools.notebook.sample import open_sample
from nbtools.paper import judge_statement, read_paper, registered
from nbtools.paper.printed import Paper
from nbtools.stem import study

OURS = {name: entry for name, entry in registered().items() if entry.place.startswith("nbtools.stem.")}
ON_DATA = [name for name, entry in OURS.items() if entry.rests_on == "data"]
NO_DATA = "not testable without the raw data"
# Other words that flip a verdict on printed indices, the word that it then has, and words that do not.
FLIPS = {
    "STM-03": ("agrees", "{100} and {211}", "inconsistent", "{200} and {110}"),
    "STM-04": (
        "inconsistent",
        "[2-1-13] with (10-1-1) and (1-10-1)",
        "agrees",
        "[10-1-1] with (10-1-1) and (01-1-1)",
    ),
    "STM-05": (
        "agrees",
        "{10-1-1}-type, (10-1-1) and (0001)",
        "inconsistent",
        "{10-1-1}-type, (10-1-1) and (01-1-1)",
    ),
    "STM-06": ("agrees", "(1-10-1) and (0001)", "inconsistent", "(10-1-1) and (0-110)"),
}
SOME = ("STM-01", "STM-02", "STM-07", "STM-08", "STM-09", "STM-10", "STM-11")


def test_every_statement_has_a_function():
    """Of this room."""
    assert set(OURS) == {name for name in read_paper() if name.startswith("STM-")}
    assert set(ON_DATA) == set(SOME)


def with_words(name: str, words: str) -> Paper:
    paper = read_paper()
    about = paper[name].model_copy(update={"words": words})
    return Paper({key: about if key == name else paper[key] for key in paper})


@pytest.mark.parametrize("name", FLIPS)
def test_printed_indices_decide(name):
    """Other words give another verdict, and some do not."""
    now, other, flipped, harmless = FLIPS[name]
    assert judge_statement(name).word == now
    assert judge_statement(name, paper=with_words(name, other)).word == flipped
    assert judge_statement(name, paper=with_words(name, harmless)).word == now


def test_how_many_interfaces_stand_for_all():
    """Four clean ones of four leave more than half open, five do not: 1 − 0.05^(1/n), 52.7 and 45.1 %."""
    four = judge_statement("STM-13")
    assert four.word == "undecided" and "53 %" in four.basis
    assert changed("STM-13", {"STM-13": [5]}).word == "agrees"
    assert changed("STM-13", {"STM-13": [3]}).word == "undecided"


def test_only_images_show_voids():
    """No twin has any."""
    assert judge_statement("STM-12").word == NO_DATA


@pytest.fixture(scope="module")
def studied():
    """The twin and its wrong worlds."""
    sample = open_sample("stem-twin")
    rivals = {
        w: stem.study_figures(open_sample(f"stem-twin-{w}")) for w in ("random", "amorphous", "straight")
    }
    return sample, stem.study_figures(sample), rivals


@pytest.mark.parametrize("name", SOME)
def test_the_planted_answer_comes_back_and_a_wrong_world_does_not(studied, name):
    """Recoverable with the wrong worlds; with none of them excluded not discriminating; never *agrees*."""
    sample, figures, rivals = studied
    verdict = judge_statement(name, figures, origin="twin", planted=sample.planted, rivals=rivals)
    assert verdict.word == "recoverable", verdict.basis
    same = dict.fromkeys(rivals, figures)
    if name in ("STM-07", "STM-08", "STM-10"):
        alike = judge_statement(name, figures, origin="twin", planted=sample.planted, rivals=same)
        assert alike.word == "not discriminating"
    assert judge_statement(name, figures, origin="measured").word == NO_DATA


def test_parameters_of_a_user_reach_no_lesson(monkeypatch):
    """Figures of the paper, on which lessons rest, are studied with the room's own crystals and standard."""
    asked = []

    def images(sample, **options):
        asked.append(options)
        return "images"

    def grains(sample, found, **options):
        asked.append({"of": found, **options})
        return "grains"

    monkeypatch.setattr(study, "study_images", images)
    monkeypatch.setattr(study, "study_grains", grains)
    figures = stem.study_figures(None)
    assert figures["grains_8"] == figures["grains_8"] == "grains"
    assert asked == [{"record": False}, {"of": "images", "image": "junction_haadf", "record": False}]
    for wrong in ("grains_9", "steps_5", "grains"):
        with pytest.raises(KeyError, match="there is no study"):
            figures[wrong]
    monkeypatch.undo()
    defaults = {name: p.default for name, p in inspect.signature(stem.study_grains).parameters.items()}
    assert defaults["crystals"] == ("MgO", "MgB2") and defaults["standard"] is None
    cells = json.loads((NOTEBOOKS / "08_in_the_classroom.ipynb").read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert "stem.lesson" in code and not any(word in code for word in ("CRYSTALS", "STANDARD", "crystals="))
