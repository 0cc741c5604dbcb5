"""The classroom on ac susceptibility: each question takes the right answer and tells wrong ones what they are."""

import pytest

from nbtools import ac_susceptibility
from nbtools.ac_susceptibility.lesson import WORLDS, blind_bar
from nbtools.ac_susceptibility.study import CurvesStudy
from nbtools.lessons.questions import Lesson
from nbtools.notebook.sample import open_sample
from nbtools.results import NotPossible


@pytest.fixture(scope="module")
def sample():
    return open_sample("ac-twin")


@pytest.fixture(scope="module")
def curves(sample):
    return ac_susceptibility.study_curves(sample)


@pytest.fixture
def lesson(tmp_path):
    return Lesson("05", folder=tmp_path)


def test_half_screening_is_read_off_the_curve(lesson, curves):
    """36.9 K is right, the curve's neighbours at 37.1 and 36.6 K are not."""
    question = ac_susceptibility.lesson.ask_half_screening(lesson, curves)
    assert not question.commit(37.1).answer.right
    lesson.forget("half screening")
    assert ac_susceptibility.lesson.ask_half_screening(lesson, curves).commit(36.9).answer.right


def test_the_current_density_knows_the_shape(lesson, sample, curves):
    """1 Oe over 0.620 times 0.5 mm is 25.7 A/cm²; a slab's 15.9 is told what it is."""
    current = ac_susceptibility.study_current(sample, curves)
    question = ac_susceptibility.lesson.ask_current_density(lesson, current)
    assert not question.commit(15.9).answer.right and "slab" in question.answer.said
    assert question.commit(25.7).answer.right


def test_frequency_moves_the_curves_up(lesson, sample, curves):
    """The twin creeps above 36.7 K."""
    state = ac_susceptibility.study_critical_state(sample, curves, with_rivals=False)
    question = ac_susceptibility.lesson.ask_frequency(lesson, state)
    assert question.commit("to higher temperature").answer.right


@pytest.mark.parametrize("word", ["mystery-1", "a", "b", "c", "d"])
def test_a_blind_bar_is_one_of_the_five(tmp_path, word):
    """Its name does not say which; the one right answer is one of the options."""
    mystery, by_amplitude, by_frequency = blind_bar(Lesson("05", world=word, folder=tmp_path))
    assert sum(mystery.is_world(label) for label in WORLDS) == 1
    assert (len(by_amplitude), len(by_frequency)) == (3, 3)


def test_rectangles_of_creep_stay_closed(lesson):
    """However small n becomes: χ = F(h/J*(T)) holds with another J*."""
    assert ac_susceptibility.lesson.ask_opening(lesson).commit("they stay closed").answer.right


def test_what_cannot_be_asked_is_not(lesson, curves):
    """One amplitude, one frequency, no edges."""
    single = CurvesStudy(curves.curves[:1], (), (), {})
    with pytest.raises(NotPossible, match="second smallest"):
        ac_susceptibility.lesson.ask_half_screening(lesson, single)
    state = ac_susceptibility.check_critical_state(curves.of_amplitudes(), with_rivals=False)
    with pytest.raises(NotPossible, match="one frequency"):
        ac_susceptibility.lesson.ask_frequency(lesson, state)
