"""The classroom's stop on cathodoluminescence: each question takes the right answer and says what a wrong one is."""

from dataclasses import replace

import numpy as np
import pytest

from nbtools import cathodoluminescence
from nbtools.cathodoluminescence.lesson import WORLDS, blind_maps, find_edge_gain
from nbtools.lessons.questions import Lesson
from nbtools.notebook.sample import open_sample
from nbtools.study import NotPossible


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBTOOLS_CACHE", str(tmp_path_factory.mktemp("cache")))
        sample = open_sample("cl-twin")
        recordings = cathodoluminescence.study_recordings(sample)
        spectra = cathodoluminescence.study_spectra(sample, recordings)
        yield recordings, spectra, cathodoluminescence.study_field(sample, recordings, spectra, draws=39)


@pytest.fixture
def lesson(tmp_path):
    return Lesson("06", folder=tmp_path)


def test_the_width_is_a_difference_of_energies(lesson, studied):
    """0.47 eV is right; hc over the width in nm, and a standard deviation, are told apart."""
    question = cathodoluminescence.lesson.ask_width(lesson, studied[1])
    assert question.commit(0.47).answer.right
    for wrong, said in ((26.6, "hc over the width"), (0.2, "standard deviation")):
        lesson.forget("width")
        assert said in cathodoluminescence.lesson.ask_width(lesson, studied[1]).commit(wrong).answer.said


def test_a_ratio_does_not_gather_at_bright_edges(lesson, studied, monkeypatch):
    """Both colours leave more easily: their ratio sees nothing."""
    edges = cathodoluminescence.study_all(open_sample("cl-twin-out-coupling"), draws=19)["field"]
    assert cathodoluminescence.lesson.ask_bright_edges(lesson, edges).commit("no").answer.right


def test_one_vacancy_has_a_cube_of_less_than_a_nanometre(lesson):
    """n^(-1/3) of some 2.6e21 per cm³ is 0.73 nm; a ball's radius is told so."""
    question = cathodoluminescence.lesson.ask_room_for_one(lesson)
    assert "radius" in question.commit(0.45).answer.said
    assert question.commit(0.73).answer.right


@pytest.mark.parametrize("word", ["mystery-1", "a", "b", "c", "d"])
def test_blind_maps_are_of_one_of_the_four(tmp_path, word):
    """The name does not say which; the one right answer is one of the options."""
    lesson = Lesson("06", world=word, folder=tmp_path)
    mystery, emitter, seen = blind_maps(lesson)
    assert sum(mystery.is_world(label) for label in WORLDS) == 1
    assert seen["green"][emitter].mean() > 3 and not seen["green"][~emitter].any()


def test_light_at_edges_explains_the_gathering_at_some_gain(lesson, studied):
    """The limit lies between a tenth and twice the light; a gain beyond it is no answer."""
    limit = find_edge_gain(studied[2], beam_range=float(studied[0].beam_range))
    assert (limit.before, limit.after) == (True, False)
    assert 0.1 < limit.at < 2.0


def test_what_is_not_determined_is_not_asked(lesson, studied):
    """A spot without bands has no width to read; a field without a profile nothing to break."""
    with pytest.raises(NotPossible, match="spectrum A has no bands"):
        cathodoluminescence.lesson.ask_width(lesson, studied[1], spot="A")
    bare = replace(studied[2], profile=None, missing={"profile": "no boundary here"})
    with pytest.raises(NotPossible, match="no boundary here"):
        find_edge_gain(bare)
    assert np.isfinite(studied[2].dark_share)
