"""The classroom's stop on structure: each question takes the right answer and tells wrong ones what they are."""

import numpy as np
import pytest

import nbtools.structure.model_random_media as random_media
from nbtools import structure
from nbtools.lessons.questions import Lesson
from nbtools.structure.choices import estimate_choices
from nbtools.structure.lesson import PATTERNS, find_share_of_blobs


@pytest.fixture(scope="module")
def section():
    rng = np.random.default_rng(4)
    field = random_media.gaussian_field((192, 192), rng, correlation_length=4.0)
    grey = np.where(random_media.level_set(field, 0.265), 90.0, 150.0) + rng.normal(0, 15, field.shape)
    return structure.estimate_phases(grey, edge=50e-9)


@pytest.fixture(scope="module")
def fractal(section):
    return structure.estimate_box_dimension(section.phase, voxel_size=50e-9, nulls=5)


@pytest.fixture
def lesson(tmp_path):
    return Lesson("01", folder=tmp_path)


def test_the_slope_is_read_off_the_counts(lesson, fractal):
    """Within a tenth; that of the interface is told apart."""
    question = structure.lesson.ask_slope(lesson, fractal)
    assert question.commit(float(fractal.dimension) + 0.05).answer.right
    lesson.forget("slope")
    again = structure.lesson.ask_slope(lesson, fractal).commit(float(fractal.interface_dimension))
    assert not again.answer.right and "interface" in again.answer.said


def test_boxes_cover_more_than_the_phase(lesson, fractal):
    """N ε² over the area, by hand."""
    number = len(fractal.sizes) // 2
    share = fractal.counts[number] * fractal.sizes[number] ** 2 / fractal.counts[0]
    assert structure.lesson.ask_covered_share(lesson, fractal).commit(share).answer.right


def test_the_other_phase_has_the_larger_dimension(lesson, section, fractal):
    """It fills three quarters of the field."""
    choices = estimate_choices(section, nulls=1)
    assert structure.lesson.ask_other_phase(lesson, fractal, choices).commit("larger").answer.right


@pytest.mark.parametrize("word", ["mystery-1", "a", "b"])
def test_a_blind_pattern_is_one_of_four(word, tmp_path):
    """Who names it is right; the code's own verdict stands beside."""
    lesson = Lesson("01", folder=tmp_path, world=word)
    drawn = next(name for name, made in PATTERNS.items() if made == lesson.mystery(PATTERNS).drawn)
    assert structure.lesson.ask_blind_pattern(lesson).commit(drawn, 0.8).answer.right


def test_blobs_have_the_papers_dimension_at_some_share():
    """Below it less, above it more: N(1)/N(32) = 32^D."""
    limit = find_share_of_blobs()
    assert 0.25 < float(limit.at) < 0.4
    assert (limit.before, limit.after) == (False, True)
