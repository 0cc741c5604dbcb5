"""``paper.yaml``: what the paper says, in our own words, with its printed numbers."""

import re
from pathlib import Path

import pytest
import yaml

from nbtools.paper import printed, read_paper
from nbtools.units import factor

SHARED = Path(__file__).parents[3] / "shared"


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


def word_runs(text, length=9):
    words = re.findall(r"[a-z0-9.'{}-]+", text.lower())
    return {" ".join(words[i : i + length]) for i in range(len(words) - length + 1)}


def test_every_statement_loads_and_reads_as_a_sentence():
    """Each with one sentence, a place, and a way to settle it."""
    for about in read_paper().values():
        assert about.says.endswith(".") and about.settles_by.endswith("."), about.id
        assert about.printed and about.where and about.quantity, about.id


def test_the_statements_are_those_of_the_catalogue():
    """Every statement of the catalogue is there, in its kind; what goes beyond it is listed here."""
    kinds = {"derived-from-paper-numbers": "derived", "qualitative-check": "qualitative"}
    catalogue = yaml.safe_load(shared_text("claims.yaml"))
    theirs = {entry["id"]: kinds.get(entry["kind"], entry["kind"]) for entry in catalogue}
    ours = {about.id: about.kind for about in read_paper().values()}
    assert set(theirs) <= set(ours)
    # A definition is an input; the lengths of an earlier sample stand in another paper.
    moved = {"MAG-10": "input", "GL-06": "needs-data"}
    assert {name: ours[name] for name in theirs} == {**theirs, **moved}


@pytest.mark.parametrize("source", ["claims.yaml", "paper.md"])
def test_the_sentences_are_our_own(source):
    """No run of more than eight words is taken from the paper or from the catalogue."""
    theirs = word_runs(shared_text(source))
    for about in read_paper().values():
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
    for about in read_paper().values():
        if not about.implied:
            for number in spelled.get(about.id, [str(v) for v in about.value]):
                assert re.search(rf"(?<![\d.]){re.escape(number)}(?![\d]|\.\d)", text), (about.id, number)


def test_units_are_readable_and_in_place():
    """Every unit is one that the conversions know."""
    assert all(factor(unit, unit) == 1 for about in read_paper().values() for unit in about.unit)


def test_an_unknown_id_names_its_neighbours():
    """A mistyped id is answered with the nearest ones."""
    with pytest.raises(ValueError, match=rf"no statement 'GL1'.*GL-01.*lists all {len(read_paper())}"):
        read_paper()["GL1"]


def test_a_statement_does_not_change():
    """Nobody moves the paper's numbers."""
    with pytest.raises(ValueError, match="frozen"):
        read_paper()["GL-01"].value = (5.8,)


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
    shown = [read_paper()[name].printed for name in ("RES-05", "CMP-03", "MAG-05", "MAG-09", "GL-03")]
    assert shown == ["38.0 and 36.0 K", "~30 %", "< 1 %", "97.9 kOe and 0.23", "13.63 (implied)"]
