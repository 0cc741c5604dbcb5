"""The workbench keeps numbers with their origin, skips in words, and lets no data say more than it may."""

import pytest

from nbtools.results import read_ledger
from nbtools.units import Quantity
from nbtools.workbench import open_workbench


@pytest.fixture
def bench():
    return open_workbench("03_transport", "transport-twin")


@pytest.fixture
def own(tmp_path, realdata):
    """A user's file with a card that gives only its name."""
    data = tmp_path / "mine.dat"
    data.write_bytes((realdata / "qd/MagnetoPy/zfc5.dat").read_bytes())
    card = tmp_path / "mine.yaml"
    card.write_text("name: mine\n", encoding="utf-8")
    return open_workbench("03_transport", data, card)


def test_a_kept_number_carries_its_origin(bench):
    """Value, method, the data's hash and the word twin reach the ledger's file."""
    bench.keep("tangent", onset=Quantity(38.4, 0.02, "K"))
    entry = read_ledger(bench.ledger.path).results["onset"]
    assert (entry.origin, entry.data, entry.method) == ("twin", bench.source.short, "tangent")


def test_a_twin_is_never_agreed_with(bench):
    """An estimate that equals the paper's number exactly is recoverable at best."""
    bench.settle("RES-01", Quantity(38.4, 0.02, "K"), planted="resistive_onset", basis="tangent")
    assert bench.ledger.verdicts["RES-01"]["verdict"] == "recoverable"


def test_another_sample_settles_nothing(own):
    """A user's own file, of another sample, leaves a statement about the paper's sample open."""
    own.settle("MAG-01", Quantity(12.0, 0.1, "K"), planted="magnetic_onset", basis="1 %")
    assert own.ledger.verdicts["MAG-01"]["verdict"] == "not testable without the raw data"


def test_a_missing_field_of_the_card_is_named_once(own, capsys):
    """The section, the missing field and how to write it are printed, and only the first time."""
    assert not own.has("ρ in Ω m", "tap_distance") and not own.has("ρ in Ω m", "tap_distance")
    said = capsys.readouterr().out
    assert said.count("ρ in Ω m is skipped") == 1 and "tap_distance" in said
    assert "tap_distance" in own.ledger.skipped["ρ in Ω m"]


def test_a_refusal_of_an_estimator_becomes_a_sentence(own, capsys):
    """An estimator's ValueError is printed as the reason, and the notebook goes on with None."""

    def refuse():
        raise ValueError("7 points came; 8 are needed")

    assert own.attempt("Fig. 9(a)", refuse) is None
    assert "Fig. 9(a) is skipped. 7 points came" in capsys.readouterr().out

    def lack():
        raise ImportError("microscopes' files need RosettaSciIO")

    assert own.attempt("a measured file", lack) is None
    assert "a measured file is skipped. microscopes' files need" in capsys.readouterr().out


def test_any_other_error_is_not_hidden(own):
    """A fault of the code is not taken for a property of the data."""
    with pytest.raises(ZeroDivisionError):
        own.attempt("Fig. 9(a)", lambda: 1 / 0)


def test_a_measure_without_its_error_is_said_once(tmp_path, realdata, capsys):
    """A card that gives a value and no ± counts as no known error, with a sentence, and never as NaN."""
    data = tmp_path / "mine.dat"
    data.write_bytes((realdata / "qd/MagnetoPy/zfc5.dat").read_bytes())
    card = tmp_path / "mine.yaml"
    card.write_text("name: mine\nremanence: 0.5 Oe\n", encoding="utf-8")
    bench = open_workbench("03_transport", data, card)
    assert bench.sigma("remanence") == bench.sigma("remanence") == 0.0
    assert capsys.readouterr().out.count("without its ±") == 1


def test_a_decision_on_a_rival_twin_is_held_against_that_rival():
    """Two steps found where two were planted: the planted world came back, whatever the paper says."""
    bench = open_workbench("03_transport", "transport-twin-two-step")
    planted = f"{bench.planted['resistive_steps']:.0f} step(s)"
    bench.decide("RES-04", "2 step(s)", planted=planted, rivals={"one step": True}, basis="AICc")
    assert bench.ledger.verdicts["RES-04"]["verdict"] == "recoverable"
