"""What the paper says, what may be said about it, and that nobody can type a verdict."""

import dataclasses
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nbtools import claims
from nbtools.claims import (
    from_arithmetic,
    from_comparison,
    from_measurement,
    from_twin,
    judge,
    settle,
    sigmas,
    statement,
    statements,
    summary_text,
    table,
)
from nbtools.paper import printed, recompute
from nbtools.paper.verdict import resolution
from nbtools.results import Ledger, read_ledger
from nbtools.units import Quantity, factor

SHARED = Path(__file__).parents[2] / "shared"
NUMERIC = [s.id for s in statements().values() if s.value and s.kind != "input"]


def shared_text(name):
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"{name} is not beside the project")
    return path.read_text(encoding="utf-8")


def make_statement(**changes):
    fields = {
        "id": "TST-01",
        "where": "here",
        "says": "A length is 5.7 nm.",
        "kind": "derived",
        "quantity": "length",
        "value": 5.7,
        "unit": "nm",
        "rounding": 0.05,
        "notebook": "03",
        "settles_by": "Arithmetic.",
    }
    return printed.Statement.model_validate({**fields, **changes})


def numbers(about, scale, *, sigma=0.0, noise=0.0):
    """Values `scale` times the printed ones, with σ (and noise) as a share of the resolution."""
    widths = [resolution(about, i, q) for i, q in enumerate(about.quantities)]
    return tuple(
        Quantity(scale * q + noise * sigma * width, sigma * width, q.unit)
        for q, width in zip(about.quantities, widths, strict=True)
    )


def word_runs(text, length=9):
    words = re.findall(r"[a-z0-9.'{}-]+", text.lower())
    return {" ".join(words[i : i + length]) for i in range(len(words) - length + 1)}


# The statements -------------------------------------------------------------------------------


def test_every_statement_loads_and_reads_as_a_sentence():
    """Each with one sentence, a place, and a way to settle it."""
    for about in statements().values():
        assert about.says.endswith(".") and about.settles_by.endswith("."), about.id
        assert about.printed and about.where and about.quantity, about.id


def test_the_statements_are_those_of_the_catalogue():
    """Every statement of the catalogue is there, in its kind; what goes beyond it is listed here."""
    kinds = {"derived-from-paper-numbers": "derived", "qualitative-check": "qualitative"}
    catalogue = yaml.safe_load(shared_text("claims.yaml"))
    theirs = {entry["id"]: kinds.get(entry["kind"], entry["kind"]) for entry in catalogue}
    ours = {about.id: about.kind for about in statements().values()}
    assert set(theirs) <= set(ours)
    # A definition is an input; the lengths of an earlier sample stand in another paper.
    moved = {"MAG-10": "input", "GL-06": "needs-data"}
    assert {name: ours[name] for name in theirs} == {**theirs, **moved}


@pytest.mark.parametrize("source", ["claims.yaml", "paper.md"])
def test_the_sentences_are_our_own(source):
    """No run of more than eight words is taken from the paper or from the catalogue."""
    theirs = word_runs(shared_text(source))
    for about in statements().values():
        ours = word_runs(about.says) | word_runs(about.settles_by) | word_runs(about.needs)
        assert not ours & theirs, about.id


def test_every_printed_number_stands_in_the_paper():
    """A number that is not marked as implied can be found in the paper as it is written here."""
    text = shared_text("paper.md").replace("−", "-")
    spelled = {
        "JC-01": ["3/2"],
        "RES-07": ["an order smaller"],
        "JC-04": ["of unity or larger"],
        "CMP-04": ["75"],
    }
    for about in statements().values():
        if not about.implied:
            for number in spelled.get(about.id, [str(v) for v in about.value]):
                assert re.search(rf"(?<![\d.]){re.escape(number)}(?![\d]|\.\d)", text), (about.id, number)


def test_units_are_readable_and_in_place():
    """Every unit is one that the conversions know."""
    assert all(factor(unit, unit) == 1 for about in statements().values() for unit in about.unit)


def test_an_unknown_id_names_its_neighbours():
    """A mistyped id is answered with the nearest ones."""
    with pytest.raises(ValueError, match=rf"no statement 'GL1'.*GL-01.*lists all {len(statements())}"):
        statement("GL1")


def test_a_statement_does_not_change():
    """Nobody moves the paper's numbers."""
    with pytest.raises(ValueError, match="frozen"):
        statement("GL-01").value = (5.8,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rounding": ()}, "as many units and roundings"),
        ({"rounding": 0}, "above zero"),
        ({"unit": "furlong per dollar"}, "cannot read"),
        ({"kind": "needs-data"}, "names the raw file"),
        ({"words": "short"}, "either a value or words"),
        ({"notebook": "9"}, "notebook"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_statement_is_refused(tmp_path, changes, message):
    """A mistake in the file is named together with the statement."""
    fields = make_statement().model_dump(exclude={"id"}) | changes
    path = tmp_path / "paper.yaml"
    path.write_text(
        yaml.safe_dump({"TST-01": {k: list(v) if type(v) is tuple else v for k, v in fields.items()}})
    )
    with pytest.raises(ValueError, match=f"TST-01: .*{message}"):
        printed._load(path)


def test_printed_numbers_keep_their_digits_and_signs():
    """36.0 stays 36.0, about is a tilde, a bound has its sign, an implied number says so."""
    printed = [statement(name).printed for name in ("RES-05", "CMP-03", "MAG-05", "MAG-09", "GL-03")]
    assert printed == ["38.0, 36.0 K", "~30 %", "< 1 %", "97.9 kOe, 0.23", "13.63 (implied)"]


# Verdicts cannot be typed ---------------------------------------------------------------------


def test_a_verdict_cannot_be_typed():
    """Neither the constructor nor a changed copy gives a verdict."""
    fields = {"id": "GL-01", "word": "agrees", "basis": "", "ours": "", "paper": "", "deviation": None}
    with pytest.raises(TypeError, match="computed, never typed"):
        claims.Verdict(**fields)
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(judge("CMP-01"), word="agrees")
    with pytest.raises(dataclasses.FrozenInstanceError):
        judge("CMP-01").word = "agrees"


def test_evidence_must_come_from_a_constructor():
    """A number by itself is no evidence."""
    with pytest.raises(TypeError, match="from_… functions"):
        judge("GL-01", 5.8)


def test_the_basis_is_one_line():
    """Evidence without a basis is refused."""
    with pytest.raises(ValueError, match="basis is one line"):
        from_arithmetic(5.7, " ")


# Arithmetic -----------------------------------------------------------------------------------


def test_cmp_02_the_volume_fractions_follow_from_the_weights():
    """79.2/20.6/0.2 wt% over 3.58/2.57/1.74 g/cm³ make 73.1/26.5/0.4 vol%."""
    weights, densities = statement("CMP-01").value, (3.58, 2.57, 1.74)
    volumes = [w / d for w, d in zip(weights, densities, strict=True)]
    verdict = judge("CMP-02", from_arithmetic([100 * v / sum(volumes) for v in volumes], "w/ρ, normalised"))
    assert verdict.word == "agrees"
    assert verdict.ours == "73.125, 26.495, 0.37993 %"


def test_gl_01_the_coherence_length_does_not_follow_from_hc2():
    """The printed 97.9 kOe make 5.80 nm, not 5.7 nm."""
    field = statement("MAG-09").quantities[0].to("A/m").ufloat * 4e-7 * math.pi
    length = (2.067833848e-15 / (2 * math.pi * field)) ** 0.5
    verdict = judge("GL-01", from_arithmetic(Quantity.of(length, "m"), "√(Φ0/2πHc2)"))
    assert verdict.word == "inconsistent"
    assert verdict.ours == "5.7980 ± 0.0015 nm"
    assert verdict.deviation == pytest.approx(0.098, abs=5e-4)


@pytest.mark.parametrize(("factor_n", "word"), [(0.0558, "agrees"), (0.1229, "inconsistent")])
def test_mag_03_the_demagnetising_factor_is_that_of_a_spheroid(factor_n, word):
    """A 5:1 spheroid has about 0.05, the shielded bar that was measured has not."""
    assert judge("MAG-03", from_arithmetic(factor_n, "1 x 1 x 5 mm, field lengthwise")).word == word


@given(st.floats(1, 10), st.floats(0.01, 100))
def test_rounding_alone_condemns_nothing(x, slope):
    """A paper that rounds correctly what follows from its rounded number is never inconsistent."""
    printed_x, printed_y = round(x, 1), round(slope * x, 1)
    about = make_statement(value=printed_y, unit="nm")
    ours = Quantity(slope * printed_x, slope * 0.05, "nm")
    assert judge(about, from_arithmetic(ours, "slope times x")).word != "inconsistent"


def test_the_worst_component_decides():
    """Two fractions that follow do not save a third that does not."""
    verdict = judge("CMP-02", from_arithmetic((73.1, 26.5, 0.9), "w/ρ"))
    assert verdict.word == "inconsistent"
    assert verdict.deviation == pytest.approx(0.5)


def test_units_are_converted():
    """A length in metres and a ratio without unit are held against nanometres and per cent."""
    assert judge("GL-01", from_arithmetic(Quantity(5.7e-9, 0, "m"), "x")).word == "agrees"
    assert judge("CMP-04", from_arithmetic(Quantity(0.75), "3/4")).word == "agrees"


def test_a_wrong_unit_is_named():
    """A temperature is no length."""
    with pytest.raises(ValueError, match=r"GL-01 is about the coherence length.*in nm: 'K' does not convert"):
        judge("GL-01", from_arithmetic(Quantity(5.7, 0.1, "K"), "x"))


def test_the_number_of_values_must_fit():
    """One fraction is not three."""
    with pytest.raises(ValueError, match=r"CMP-02 has 3 values .* 1 came"):
        judge("CMP-02", from_arithmetic(73.1, "x"))


def test_arithmetic_needs_a_printed_number():
    """Where the paper prints none, a comparison is asked for."""
    with pytest.raises(ValueError, match=r"prints no number here.*from_comparison"):
        judge("GL-04", from_arithmetic(5254.0, "Hc"))


@pytest.mark.parametrize(("field", "word"), [(665, "agrees"), (500, "agrees"), (380, "inconsistent")])
def test_a_bound_is_broken_on_one_side_only(field, word):
    """ "Above about 500 Oe" holds for 665 Oe and fails for 380 Oe."""
    assert judge("MAG-08", from_arithmetic(Quantity(field, 1, "Oe"), "713(1-t²)")).word == word


def test_a_bound_may_be_cleared_by_a_wide_number():
    """900 ± 100 Oe is too wide to be 500 Oe, but it is above it."""
    assert judge("MAG-08", from_arithmetic(Quantity(900, 100, "Oe"), "x")).word == "agrees"
    assert judge("MAG-08", from_arithmetic(Quantity(550, 100, "Oe"), "x")).word == "not discriminating"


def test_vague_arithmetic_does_not_agree():
    """A number with an error as wide as itself supports nothing."""
    verdict = judge("GL-05", from_arithmetic(Quantity(75.5, 40, "nm"), "dirty limit"))
    assert verdict.word == "not discriminating"
    assert "that would be of use" in verdict.basis


@pytest.mark.parametrize("value", [math.nan, math.inf, Quantity(5.7, math.inf, "nm")])
def test_an_undetermined_number_decides_nothing(value):
    """Not-a-number neither agrees nor contradicts."""
    assert judge("GL-01", from_arithmetic(value, "x")).word == "not discriminating"


# Measurements ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "word"), [(38.41, "agrees"), (38.9, "disagrees")])
def test_data_of_that_very_sample_may_judge(value, word):
    """Measured on the same sample, a number agrees or disagrees."""
    onset = Quantity(value, 0.02, "K")
    verdict = judge("RES-01", from_measurement(onset, "tangent", origin="digitised", same_sample=True))
    assert verdict.word == word


def test_another_samples_data_say_nothing():
    """However well it fits, another sample's file leaves the statement untested, and the basis says whose it was."""
    onset = Quantity(38.4, 0.01, "K")
    verdict = judge("RES-01", from_measurement(onset, "NCCO control", origin="measured", same_sample=False))
    assert verdict.word == "not testable without the raw data"
    assert "NCCO control" in verdict.basis


def test_a_measurement_without_uncertainty_decides_nothing():
    """A bare measured number is no evidence for or against."""
    verdict = judge("RES-01", from_measurement(40.0, "by eye", origin="digitised", same_sample=True))
    assert (verdict.word, "no uncertainty" in verdict.basis) == ("not discriminating", True)


def test_a_twin_does_not_pass_for_a_measurement():
    """Synthetic data have a constructor of their own."""
    with pytest.raises(ValueError, match="a twin goes through from_twin"):
        from_measurement(38.4, "x", origin="twin", same_sample=True)


# Twins ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NUMERIC)
@pytest.mark.parametrize("seed", range(5))
def test_a_twin_off_by_a_fifth_moves_no_verdict(name, seed):
    """Planted on the paper's number or 20 % off it, a twin gives the same word, and never praise or blame."""
    about, noise = statement(name), np.random.default_rng(seed).normal()
    words = set()
    for scale in (0.8, 1.0, 1.2):
        estimate = numbers(about, scale, sigma=0.3, noise=noise)
        words.add(judge(about, from_twin(estimate, numbers(about, scale), basis="twin")).word)
    assert len(words) == 1
    assert words <= {"recoverable", "not discriminating"}


def test_a_twin_that_comes_back_on_the_papers_number_by_mistake_is_not_praised():
    """Planted at 30 K, found at 38.4 K: the estimator failed, however well the paper's number looks."""
    verdict = judge("RES-01", from_twin(Quantity(38.4, 0.02, "K"), 30.0, basis="twin"))
    assert verdict.word == "not discriminating"
    assert verdict.deviation == pytest.approx(8.4)


def test_a_recovered_twin_names_bias_and_rivals():
    """The basis carries bias, σ and the wrong worlds that fell."""
    evidence = from_twin(
        Quantity(38.44, 0.05, "K"),
        38.4,
        rivals={"two steps": sigmas(4), "no transition": True},
        basis="tangent",
    )
    verdict = judge("RES-01", evidence)
    assert verdict.word == "recoverable"
    assert verdict.basis == "tangent: bias 0.040 ± 0.050 K; excluded: two steps, no transition"


@pytest.mark.parametrize(
    ("sigma", "rivals", "reason"),
    [
        (0.01, {}, "bias is over 3 σ"),
        (0.5, {}, "wider than the 0.2 K"),
        (math.nan, {}, "no uncertainty"),
        (0.05, {"two steps": 0.3, "none": True}, "not excluded: two steps"),
        (0.05, {"two steps": math.nan}, "not excluded: two steps"),
        (0.05, {"two steps": np.False_}, "not excluded: two steps"),
    ],
)
def test_a_twin_that_does_not_discriminate_says_why(sigma, rivals, reason):
    """Bias, a useless σ or a standing rival: each is named."""
    verdict = judge("RES-01", from_twin(Quantity(38.5, sigma, "K"), 38.4, rivals=rivals, basis="tangent"))
    assert verdict.word == "not discriminating"
    assert reason in verdict.basis


def test_a_twin_without_a_truth_recovers_nothing():
    """Not-a-number as the planted value is no agreement with it."""
    verdict = judge("RES-01", from_twin(Quantity(38.5, 0.1, "K"), math.nan, basis="tangent"))
    assert verdict.word == "not discriminating"


def test_a_bare_planted_number_is_in_the_unit_of_the_estimate():
    """SI in, SI planted, whatever the statement prints."""
    estimate = Quantity(56740.0, 60.0, "A/m")
    assert judge("MAG-07", from_twin(estimate, 56739.0, basis="√ΔM")).word == "recoverable"


@pytest.mark.parametrize(
    ("estimate", "rivals", "word"),
    [
        ("single step", {"two steps": True}, "recoverable"),
        ("single step", {"two steps": 0.2}, "not discriminating"),
        ("single step", None, "not discriminating"),
        ("two steps", {"two steps": True}, "not discriminating"),
    ],
)
def test_a_named_world_must_come_back_against_a_rival(estimate, rivals, word):
    """A decision counts if it is right and a wrong world was tried and excluded."""
    assert judge("AC-15", from_twin(estimate, "single step", rivals=rivals, basis="AIC")).word == word


def test_a_rival_takes_a_probability_not_a_distance():
    """A z value would read as a probability; `sigmas` makes one of it."""
    with pytest.raises(ValueError, match=r"no probability.*sigmas"):
        from_twin("a", "a", rivals={"b": 4.2}, basis="x")
    assert sigmas(1.959964) == pytest.approx(0.05, abs=1e-6)


# No evidence, comparisons, inputs -------------------------------------------------------------


def test_without_data_a_statement_stays_untested():
    """The basis names the file that is missing and what it would decide."""
    verdict = judge("MAG-07")
    assert verdict.word == "not testable without the raw data"
    assert "Fig. S1" in verdict.basis and statement("MAG-07").settles_by in verdict.basis


def test_what_the_paper_can_decide_asks_for_evidence():
    """A derived statement has no verdict before the arithmetic is done."""
    with pytest.raises(ValueError, match="CMP-04 can be tested on the paper's own numbers"):
        judge("CMP-04")


@pytest.mark.parametrize(
    ("supports", "word"),
    [(True, "agrees"), (False, "inconsistent"), (None, "not discriminating"), (np.True_, "agrees")],
)
def test_a_comparison_says_what_it_found(supports, word):
    """True, False and cannot-decide each have their word."""
    assert judge("STM-03", from_comparison(supports, "structure factor")).word == word


def test_a_comparison_shows_our_number():
    """Where the paper prints none, ours is still in the table."""
    verdict = judge("GL-04", from_comparison(None, "GL relations", value=Quantity(5254, 50, "Oe")))
    assert verdict.ours == "5254 ± 50 Oe"


def test_an_input_stays_an_input():
    """Nothing said, a twin, or another sample: it is only stated."""
    twin = from_twin(Quantity(7.8, 0.01, "eV"), 7.8, basis="twin")
    other = from_measurement(Quantity(7.8, 0.01, "eV"), "other", origin="measured", same_sample=False)
    assert {judge("CL-14", evidence).word for evidence in (None, twin, other)} == {"input"}


def test_arithmetic_may_contradict_an_input():
    """An input that the paper's own numbers refute is inconsistent."""
    assert judge("CL-14", from_arithmetic(6.2, "hc/200 nm")).word == "inconsistent"


# Ledger and table -----------------------------------------------------------------------------


def test_a_settled_verdict_survives_in_the_ledger(tmp_path):
    """What was settled is in the file, as strings, with the origin of its data."""
    ledger = Ledger("03_transport", tmp_path)
    verdict = settle(ledger, "GL-01", from_arithmetic(5.798, "√(Φ0/2πHc2)"))
    entry = read_ledger(ledger.path).verdicts["GL-01"]
    assert set(entry) == {"says", "verdict", "basis", "ours", "paper", "kind", "notebook", "origin", "sigmas"}
    assert (entry["verdict"], entry["origin"]) == (verdict.word, "paper")
    assert isinstance(entry.pop("sigmas"), float)
    assert all(isinstance(text, str) for text in entry.values())


def test_another_samples_data_displace_nothing(tmp_path):
    """A verdict in the ledger stands when a foreign file is looked at."""
    ledger = Ledger("03_transport", tmp_path)
    settle(ledger, "RES-01", from_twin(Quantity(38.4, 0.02, "K"), 38.4, basis="twin"))
    foreign = from_measurement(Quantity(25.0, 0.1, "K"), "NCCO", origin="measured", same_sample=False)
    assert settle(ledger, "RES-01", foreign).word == "not testable without the raw data"
    assert ledger.verdicts["RES-01"]["verdict"] == "recoverable"


def test_the_table_takes_ledgers_and_verdicts(tmp_path):
    """Rows come in the order of the paper, and the later source counts."""
    ledger = Ledger("03_transport", tmp_path)
    settle(ledger, "RES-01")
    settle(ledger, "GL-01", from_arithmetic(5.7, "x"))
    rows = table([ledger, judge("GL-01", from_arithmetic(5.9, "y")), judge("CMP-01")])
    assert list(rows.columns) == ["id", "says", "paper", "ours", "verdict", "basis"]
    assert list(rows["id"]) == ["CMP-01", "RES-01", "GL-01"]
    assert list(rows["verdict"]) == ["input", "not testable without the raw data", "inconsistent"]


def test_the_whole_table_claims_nothing_unearned():
    """With nothing run, printed numbers are judged, inputs are inputs, data are missing, and the rest is open."""
    rows = table([], all_statements=True).set_index("id")["verdict"]
    kinds = {about.id: about.kind for about in statements().values()}
    said = {"input": "input", "needs-data": "not testable without the raw data"}
    judged = {name: verdict.word for name, verdict in recompute().items()}
    assert dict(rows) == {name: said.get(kind, "") for name, kind in kinds.items()} | judged


def test_the_terminal_text_fits_and_counts():
    """No line is wider than asked; the last one counts the words."""
    text = summary_text([judge("CMP-01"), judge("RES-01"), judge("RES-02")], width=72)
    assert max(map(len, text.splitlines())) <= 72
    assert text.splitlines()[-1].endswith("3 statements: 2 not testable without the raw data, 1 input")
    assert summary_text([]) == "0 statements: none settled"


def test_a_verdict_reads_well():
    """Two lines as text, one paragraph as HTML, with nothing left to break it."""
    verdict = judge("MAG-05", from_comparison(True, "a < b & c"))
    assert str(verdict).splitlines() == ["MAG-05  agrees: < 1 % in the paper", "        a < b & c"]
    assert "a &lt; b &amp; c" in verdict._repr_html_()


def test_a_ledger_with_verdicts_is_plain_json(tmp_path):
    """The file needs nothing of ours to be read."""
    ledger = Ledger("03_transport", tmp_path)
    settle(ledger, "RES-01")
    assert json.loads(ledger.path.read_text())["verdicts"][0]["id"] == "RES-01"
