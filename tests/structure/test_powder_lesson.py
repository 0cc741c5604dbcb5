"""The classroom's questions on the powder pattern: each takes the right answer and tells wrong ones what they are."""

import pytest

from nbtools import structure
from nbtools.lessons.questions import Lesson
from nbtools.notebook.sample import open_sample


@pytest.fixture(scope="module")
def composition():
    return structure.study_composition(open_sample("powder-twin"), record=False)


@pytest.fixture
def lesson(tmp_path):
    return Lesson("01", folder=tmp_path)


def test_the_cell_is_read_off_the_strongest_line(lesson, composition):
    """(200) at 42.9°: 4.21 Å; half of it is told to be the spacing of the planes."""
    question = structure.lesson_powder.ask_cell(lesson, composition)
    assert not question.commit(2.106).answer.right and "spacing" in question.answer.said
    assert question.commit(4.21).answer.right


def test_volumes_add_and_densities_do_not(lesson, composition):
    """1/Σ(w/ρ) = 3.306 g/cm³; the average by weight is told apart."""
    question = structure.lesson_powder.ask_density(lesson, composition)
    assert not question.commit(3.37).answer.right and "volumes add" in question.answer.said
    assert question.commit(3.306).answer.right


def test_a_texture_is_predicted(lesson):
    """The answer is what the refinement of the textured twin gives, not a literal."""
    twin = open_sample("powder-twin-textured")
    blind = structure.study_composition(twin, record=False)
    freed = structure.study_composition(twin, texture={"MgB2": (0, 0, 1)}, record=False)
    question = structure.lesson_powder.ask_texture(lesson, blind, freed)
    high = blind.weight_fractions["MgB2"] > 0.206
    assert question.commit("too high" if high else "too low").answer.right
