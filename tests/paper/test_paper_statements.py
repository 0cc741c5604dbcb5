"""Statements as functions: registered once, judged by origin, recomputed from changed printed numbers."""

import math

import pytest

from nbtools.paper import (
    Context,
    Paper,
    Verdict,
    judge_statement,
    read_paper,
    recompute,
    statement,
    statements,
)
from nbtools.units import Quantity

FLUX_QUANTUM = 2.067833848e-15  # Wb


@pytest.fixture
def register(monkeypatch):
    """The decorator, on an empty register that goes with the test; no room is imported."""
    monkeypatch.setattr(statements, "_REGISTERED", {})
    monkeypatch.setattr(statements, "import_module", lambda name: None)
    return statement


@pytest.fixture
def coherence_length(register):
    """ξ = √(Φ0/2πµ0Hc2) from the printed upper critical field, against the printed length."""

    @register("GL-01")
    def judged(paper, results, context):
        assert results is None
        field = paper["MAG-09"].quantities[0].to("A/m").ufloat * 4e-7 * math.pi
        return context.number(
            Quantity.of((FLUX_QUANTUM / (2 * math.pi * field)) ** 0.5, "m"), "√(Φ0/2πµ0Hc2)"
        )

    return judged


def onset(paper, results, context):
    return context.number(results, "tangents", planted="resistive_onset", excluded={"two steps": True})


def test_a_statement_is_recomputed_from_the_printed_numbers(coherence_length):
    """97.9 kOe make 5.80 nm and not the printed 5.7 nm."""
    verdict = recompute()["GL-01"]
    assert (verdict.word, verdict.ours) == ("inconsistent", "5.7980 ± 0.0015 nm")
    assert verdict.sigmas == pytest.approx(3.4, abs=0.1)


def test_a_change_that_flips_it_and_one_that_does_not(coherence_length):
    """101.3 kOe would make 5.7 nm; another resistivity changes nothing."""
    curvature = read_paper()["MAG-09"].value[1]
    assert recompute({"MAG-09": [101.3, curvature]})["GL-01"].word == "agrees"
    assert recompute({"RES-03": [0.005]}) == recompute()


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"MAG-9": [1.0]}, "no statement 'MAG-9'.*MAG-09"), ({"MAG-09": [97.9]}, "prints 2 numbers .*; 1 came")],
)
def test_a_change_that_fits_nothing_is_refused(coherence_length, changes, message):
    """The id and the count of numbers are checked."""
    with pytest.raises(ValueError, match=message):
        recompute(changes)


def test_what_rests_on_data_is_not_recomputed(register):
    """It has no verdict without results."""
    register("RES-01", rests_on="data")(onset)
    assert recompute() == {}
    with pytest.raises(ValueError, match="RES-01 rests on data"):
        judge_statement("RES-01")


@pytest.mark.parametrize(
    ("circumstances", "word"),
    [
        ({"origin": "twin", "planted": {"resistive_onset": 38.41}}, "recoverable"),
        ({"origin": "twin", "planted": {"resistive_onset": 37.0}}, "not discriminating"),
        ({"origin": "measured", "same_sample": True}, "agrees"),
        ({"origin": "measured"}, "not testable without the raw data"),
    ],
)
def test_the_origin_of_the_data_decides_what_may_be_said(register, circumstances, word):
    """The same number, from a twin, from the very sample, from another one."""
    register("RES-01", rests_on="data")(onset)
    verdict = judge_statement("RES-01", Quantity(38.4, 0.02, "K"), **circumstances)
    assert verdict.word == word
    assert (verdict.origin, verdict.same_sample) == (
        circumstances["origin"],
        circumstances.get("same_sample", False),
    )


def test_a_twin_shows_what_was_planted(register):
    """Marked as synthetic, beside ours and the paper's."""
    register("RES-01", rests_on="data")(onset)
    found = judge_statement(
        "RES-01", Quantity(38.4, 0.02, "K"), origin="twin", planted={"resistive_onset": 38.41}
    )
    assert "38.410 K planted (synthetic)" in found.headline


def test_a_number_from_a_twin_needs_a_wrong_world(register):
    """At least one that was tried and excluded."""

    @register("RES-01", rests_on="data")
    def judged(paper, results, context):
        return context.number(results, "tangents", planted=38.4, excluded=context.rivals)

    found = Quantity(38.4, 0.02, "K")
    words = [
        judge_statement("RES-01", found, origin="twin", rivals=rivals).word
        for rivals in ({}, {"two steps": 0.3}, {"two steps": 0.001})
    ]
    assert words == ["not discriminating", "not discriminating", "recoverable"]


@pytest.mark.parametrize(
    ("margin", "word"),
    [
        (3.0, "agrees"),
        (2.05, "undecided"),
        (-1.9, "undecided"),
        (-2.2, "inconsistent"),
        (Quantity(10, 2, "K"), "agrees"),
        (Quantity(-1, math.nan, "K"), "undecided"),
        (True, "agrees"),
        (False, "inconsistent"),
        (None, "undecided"),
    ],
)
def test_a_proposition_holds_fails_or_is_undecided(margin, word):
    """Within 2 σ of rounding both are allowed; so is what lies within 0.1 σ of that limit."""
    assert Context(read_paper()["MAG-06"]).proposition(margin, "shown above").word == word


def around(sigmas):
    """A number that lies `sigmas` from the printed length."""
    printed = read_paper()["GL-01"].quantities[0]
    return Quantity(printed + sigmas * printed.uncertainty / math.sqrt(3), 0.0, "nm")


@pytest.mark.parametrize(
    ("sigmas", "word"), [(1.85, "agrees"), (1.95, "undecided"), (2.05, "undecided"), (2.15, "inconsistent")]
)
def test_a_verdict_near_its_threshold_is_undecided(sigmas, word):
    """Within 0.1 σ another processor could say the other word."""
    assert Context(read_paper()["GL-01"]).number(around(sigmas), "planted").word == word


def test_what_is_implied_follows():
    """A number that the paper does not print cannot agree with it."""
    implied = next(about for about in read_paper().values() if about.implied and about.kind == "derived")
    verdict = Context(implied).number(implied.quantities, "the same")
    assert verdict.word == "follows"


def test_one_statement_has_one_function(coherence_length, register):
    """A second function is an error that names the first; a module that is loaded again is not."""
    with pytest.raises(ValueError, match=r"GL-01 is judged by .*coherence_length.*judged already"):
        register("GL-01")(onset)
    register("GL-01")(coherence_length)
    with pytest.raises(ValueError, match="no statement 'GL-1'"):
        register("GL-1")


def test_a_verdict_cannot_be_typed(register):
    """A function gives a verdict on its own statement, made by the context; nothing else passes."""
    with pytest.raises(TypeError, match="computed, never typed"):
        Verdict("GL-01", "agrees", "x", "", "", None)
    register("GL-01")(lambda paper, results, context: "agrees")
    with pytest.raises(TypeError, match=r"gives a Verdict on GL-01; 'agrees' came"):
        judge_statement("GL-01")


def test_the_hash_of_the_paper_is_of_its_content():
    """Another number is another paper; the same one is the same."""
    paper = read_paper()
    assert paper.sha256 == read_paper().sha256 == paper.changed({"GL-01": [5.7]}).sha256
    assert paper.changed({"GL-01": [5.8]}).sha256 != paper.sha256


def test_another_sentence_is_the_same_paper():
    """Verdicts rest on numbers; how a statement is put is shown as it stands."""
    paper = read_paper()
    other = Paper(dict(paper) | {"GL-01": paper["GL-01"].model_copy(update={"says": "Something else."})})
    assert other.sha256 == paper.sha256
