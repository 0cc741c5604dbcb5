"""The classroom's stop on transport: each question takes the right answer and tells wrong ones what they are."""

import pytest

from nbtools import transport
from nbtools.lessons.questions import Lesson
from nbtools.notebook.sample import open_sample
from nbtools.study import NotPossible
from nbtools.transport.lesson import WORLDS, blind_sample


@pytest.fixture(scope="module")
def studied():
    sample = open_sample("transport-twin")
    resistance = transport.study_resistance(sample)
    return sample, resistance, transport.study_upper_field(sample, resistance)


@pytest.fixture
def lesson(tmp_path):
    return Lesson("03", folder=tmp_path)


def test_the_residual_ratio_is_read_off_the_curve(lesson, studied):
    """53 over 17.3 µΩ cm is right; the inverse is told apart."""
    question = transport.lesson.ask_residual_ratio(lesson, studied[1])
    assert question.commit(3.07).answer.right
    lesson.forget("residual ratio")
    assert "upside down" in transport.lesson.ask_residual_ratio(lesson, studied[1]).commit(0.326).answer.said


def test_the_voltage_drop_lies_between_the_taps(lesson, studied):
    """ρ l/A over 3 mm is 0.605 mΩ; over the 5 mm of the bar it is told so."""
    sample, resistance, _ = studied
    question = transport.lesson.ask_voltage_drop(lesson, sample, resistance)
    assert not question.commit(1.008).answer.right and "end to end" in question.answer.said
    assert question.commit(0.605).answer.right
    lesson.forget("between the taps")
    assert "kilo or milli" in question.commit(605).answer.said
    assert question.commit("605 uohm").answer.right


def test_a_higher_criterion_reads_a_shorter_length(lesson, studied):
    """At 90 % of R_n the field is higher, and ξ ∝ H^(-1/2)."""
    question = transport.lesson.ask_criterion(lesson, *studied[1:])
    assert question.commit("shorter").answer.right


@pytest.mark.parametrize("word", ["mystery-1", "a", "b", "c", "d"])
def test_a_blind_sample_is_one_of_the_three(tmp_path, word):
    """Its name does not say which; the one right answer is one of the options."""
    lesson = Lesson("03", world=word, folder=tmp_path)
    mystery, share = blind_sample(lesson)
    assert sum(mystery.is_world(label) for label in WORLDS) == 1
    assert share[0] < 0.2 and share[-1] > 0.8


def test_two_steps_become_one_where_they_are_as_near_as_they_are_wide():
    """The limit lies between a tenth and 1.5 K."""
    limit = transport.lesson.find_two_step_limit()
    assert (limit.before, limit.after) == (2, 1)
    assert 0.1 < limit.at < 1.5


def test_what_is_not_determined_is_not_asked(lesson, studied):
    """Without the card's taps there is no voltage to reckon."""
    sample, resistance, _ = studied
    bare = sample.__class__(
        sample.source, sample.card.model_copy(update={"tap_distance": None}), sample.ledger
    )
    with pytest.raises(NotPossible, match="tap_distance"):
        transport.lesson.ask_voltage_drop(lesson, bare, resistance)
