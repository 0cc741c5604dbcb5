"""The classroom's stop on magneto-optics: each question takes the right answer and tells wrong ones what they are."""

import pytest

from nbtools import magneto_optics as mo
from nbtools.lessons.questions import Lesson
from nbtools.notebook.sample import open_sample
from nbtools.results import NotPossible


@pytest.fixture(scope="module")
def studied():
    sample = open_sample("magneto-optics-twin")
    flux = mo.study_flux(sample, record=False)
    return flux, mo.study_critical_current(sample, flux, record=False)


@pytest.fixture
def lesson(tmp_path):
    return Lesson("04", folder=tmp_path)


def test_the_slope_is_read_off_the_profile(lesson, studied):
    """About 76 G/mm; a factor of ten is told."""
    question = mo.lesson.ask_slope(lesson, studied[0])
    assert question.commit(72).answer.right
    lesson.forget("slope")
    assert "factor of 10" in mo.lesson.ask_slope(lesson, studied[0]).commit(762).answer.said


def test_the_current_around_the_middle(lesson, studied):
    """J_c d a is 24 A; half of it is the mean of a rooftop."""
    question = mo.lesson.ask_current_around(lesson, *studied)
    assert "mean of a rooftop" in question.commit(12.1).answer.said
    assert question.commit(24.2).answer.right


def test_a_plate_that_is_not_full_is_not_asked_about(lesson, studied):
    """At 33 K the plate is partly filled."""
    from dataclasses import replace

    colder = replace(studied[0], maps=studied[0].ramps[:-1])
    with pytest.raises(NotPossible, match="not full"):
        mo.lesson.ask_current_around(lesson, colder, studied[1])


def test_a_sheet_reads_low(lesson, studied):
    """The deeper current is forgotten."""
    assert mo.lesson.ask_thin_sheet(lesson, studied[0]).commit("smaller").answer.right


@pytest.mark.parametrize("word", ["mystery-1", "a", "b"])
def test_a_blind_plate_is_one_of_the_three(tmp_path, word):
    """Its name does not say which, and the notebook's own test tells an even plate from the others."""
    lesson = Lesson("04", world=word, folder=tmp_path)
    mystery, seen, world = mo.lesson.blind_plate(lesson)
    assert sum(mystery.is_world(label) for label in mo.lesson.WORLDS) == 1
    assert mo.lesson.judge_plate(seen, world).uniform == mystery.is_world("one J_c")


@pytest.mark.seeds
def test_a_gap_far_off_makes_an_even_plate_uneven(studied):
    """Between the true 10 µm and 300 µm."""
    limit = mo.lesson.find_gap_limit(studied[0].ramps[-2])
    assert (limit.before, limit.after) == ("one J_c", "not one J_c")
    assert 20 < limit.at < 300
