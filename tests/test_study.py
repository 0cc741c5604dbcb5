"""Studies: what is possible comes back with its numbers kept, what is not says why, and a bug shows."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated, Literal

import numpy as np
import pytest
from pydantic import Field

from nbtools.results import Ledger, NotPossible, read_ledger
from nbtools.study import Missing, Row, StudyResult, study
from nbtools.units import Quantity


@dataclass(frozen=True)
class Part:
    value: float

    def predict(self, x: float) -> float:
        return self.value * x


@dataclass(frozen=True, repr=False)
class Length(StudyResult):
    length: Quantity
    part: Part | None = None

    @property
    def doubled(self) -> Quantity:
        return 2 * self.length

    def rows(self):
        return [
            Row("length", self.length, "a ruler", "length", "mm"),
            Row("twice", self.doubled, "arithmetic"),
        ]


@study("Lengths")
def study_length(
    sample, *, mode: Literal["ruler", "laser"] = "ruler", share: Annotated[float, Field(gt=0, lt=1)] = 0.5
) -> Length | Missing:
    if mode == "laser":
        raise NotPossible("The card does not give a laser.")
    if share > 0.9:
        return sample.no_such_attribute
    return Length(Quantity(share, 0.01, "m"))


@study("Areas")
def study_area(sample, length: Length, *, other: int = 1) -> Length | Missing:
    return Length(length.length * other)


@pytest.fixture
def sample(tmp_path):
    ledger = Ledger("09_test", tmp_path)
    return SimpleNamespace(
        name="bar", origin="measured", ledger=ledger, exports=tmp_path, prefix="", used=["bar.dat"]
    )


def test_a_study_keeps_its_declared_numbers_with_where_they_come_from(sample):
    """Section, origin, data, criterion and options stand beside the number; what is only shown is not kept."""
    result = study_length(sample, share=0.25)
    assert result.stamp.section == "Lengths" and result.stamp.origin == "measured"
    kept = read_ledger(sample.ledger.path).results
    assert list(kept) == ["length"]
    assert (kept["length"].value, kept["length"].method, kept["length"].options) == (
        0.25,
        "a ruler",
        "share=0.25",
    )
    assert str(result).splitlines()[1].split("  ")[0] == "length"
    assert "250 ± 10 mm" in str(result)


def test_a_rival_or_what_if_adds_no_row(sample):
    """With record=False nothing is written, be it possible or not."""
    study_length(sample, share=0.25, record=False)
    study_length(sample, mode="laser", record=False)
    assert not sample.ledger.results and not sample.ledger.skipped and not sample.ledger.path.exists()


def test_what_is_not_possible_is_missing_and_says_why(sample):
    """It is false and empty, shows the sentence, keeps it, and passes it on to what would need it."""
    result = study_length(sample, mode="laser")
    assert isinstance(result, Missing) and not result and len(result) == 0
    assert repr(result) == "not possible: The card does not give a laser."
    assert sample.ledger.skipped == {"Lengths": "The card does not give a laser."}
    later = study_area(sample, result)
    assert isinstance(later, Missing) and later.reason == result.reason


def test_a_missing_result_has_the_attributes_of_its_class_and_no_other(sample):
    """Fields, properties, and those of their classes; a slip of the pen is an error."""
    result = study_length(sample, mode="laser")
    for attribute in (result.length, result.doubled, result.part, result.part.value, result.stamp):
        assert isinstance(attribute, Missing) and attribute.reason == result.reason
    with pytest.raises(AttributeError, match="no attribute 'lenght'"):
        result.lenght  # noqa: B018
    with pytest.raises(AttributeError):
        result.part.vlaue  # noqa: B018


@pytest.mark.parametrize(
    "use",
    [
        float,
        lambda m: m + 1,
        lambda m: 1 - m,
        lambda m: m < 1,
        lambda m: m == 1,
        lambda m: -m,
        lambda m: m(1),
        np.asarray,
        "{:.3f}".format,
    ],
)
def test_a_missing_number_cannot_be_used_as_one(use):
    """The reason is raised wherever a number is needed."""
    with pytest.raises(NotPossible, match="no ruler"):
        use(Missing(Length, "There is no ruler.").length)


def test_a_bug_in_a_study_is_no_missing_result(sample):
    """Only NotPossible is caught."""
    with pytest.raises(AttributeError, match="no_such_attribute"):
        study_length(sample, share=0.95)


def test_a_missing_package_is_named(sample):
    """An optional package that is not installed is a reason, not a traceback."""

    @study("Waves")
    def study_waves(sample) -> Length | Missing:
        import no_such_package_here  # noqa: F401

        return Length(Quantity(1.0))

    assert "package no_such_package_here is not installed" in study_waves(sample).reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "Ruler"}, "mode is 'Ruler'; expected: 'ruler' or 'laser'"),
        ({"share": "50%"}, "share is '50%'; expected: a valid number"),
        ({"share": 50}, "share is 50; expected: less than 1"),
        ({"shar": 0.5}, "study_length has no option 'shar'; it has share"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_runs(sample, options, message):
    """The message names what is allowed; nothing is kept."""
    with pytest.raises(ValueError, match=message) as problem:
        study_length(sample, **options)
    assert not isinstance(problem.value, NotPossible)
    assert not sample.ledger.results and not sample.ledger.skipped


def test_a_cell_run_again_replaces_its_rows(sample):
    """The same call with another option, from the same place."""
    for share in (0.25, 0.5):
        study_length(sample, share=share)
    assert sample.ledger.results["length"].value == 0.5


def test_two_calls_that_claim_one_name_are_an_error(sample):
    """A second study under the same name would hide the first."""
    study_length(sample, share=0.25)
    with pytest.raises(ValueError, match="length is already kept by another call"):
        study_length(sample, share=0.5)
    assert sample.ledger.results["length"].value == 0.25


def test_a_missing_sample_gives_missing_results():
    """Other people's files that cannot be had need no guard."""
    assert study_length(Missing(object, "The file is not here.")).reason == "The file is not here."
