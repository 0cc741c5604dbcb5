"""Settling statements in a notebook: kept for the paper's sample and its twins, left out with a reason, shown."""

import json
from types import SimpleNamespace

import pytest

from nbtools.notebook.sample import open_sample
from nbtools.paper import paper_table, read_paper, registered, settle
from nbtools.results import Ledger, read_ledger
from nbtools.study import Missing
from nbtools.transport import FluxEntryStudy, ResistanceStudy
from nbtools.units import Quantity

PLANTED = {"resistive_onset": 38.41}
KEPT = {"says", "verdict", "basis", "ours", "paper", "kind", "notebook", "origin", "sigmas"}


def resistance(onset=38.4, found=True):
    transition = SimpleNamespace(onset=Quantity(onset, 0.05, "K"), found=found)
    return SimpleNamespace(transition=transition)


RIVALS = {"normal": {"resistance": resistance(found=False)}}


@pytest.fixture
def twin(tmp_path):
    """A sample whose data a recorder made, with a ledger of its own."""
    ledger = Ledger("03_transport", tmp_path)
    return SimpleNamespace(name="a twin", origin="twin", is_papers=True, planted=PLANTED, ledger=ledger)


@pytest.fixture
def foreign(tmp_path):
    """Somebody's own file."""
    path = tmp_path / "mine.dat"
    path.write_text("nothing in it")
    return open_sample(path, ledger=Ledger("03_transport", tmp_path))


def test_verdicts_are_kept_as_the_first_house_keeps_them(twin):
    """Fields and file; what a twin's recorder planted stands in a field of its own."""
    settle(twin, ["RES-01", "GL-01"], {"resistance": resistance()}, rivals=RIVALS)
    stored = json.loads(twin.ledger.path.read_text())["verdicts"]
    found = {entry.pop("id"): entry for entry in stored}
    assert set(found["GL-01"]) == KEPT
    assert set(found["RES-01"]) == KEPT | {"planted"}
    assert (found["RES-01"]["verdict"], found["RES-01"]["origin"]) == ("recoverable", "twin")
    assert (found["GL-01"]["verdict"], found["GL-01"]["origin"]) == ("inconsistent", "paper")
    assert found["RES-01"]["planted"] == "38.410 K"
    again = read_ledger(twin.ledger.path)
    assert again.paper == read_paper().sha256
    rows = paper_table({"03_transport": again}).rows.set_index("id")
    assert list(rows.loc[["GL-01", "RES-01"], "verdict"]) == ["inconsistent", "recoverable"]


def test_a_missing_result_leaves_its_statements_out(twin):
    """The reason is said, the rest goes on, and a verdict of an earlier run of the cell goes."""
    settle(twin, "RES-01", {"resistance": resistance()}, rivals=RIVALS)
    gone = Missing(ResistanceStudy, "no R(T) in these files")
    verdicts = settle(twin, ["RES-01", "GL-01"], {"resistance": gone}, rivals=RIVALS)
    assert verdicts.left_out == {"RES-01": "no R(T) in these files"}
    assert [verdict.id for verdict in verdicts] == list(twin.ledger.verdicts) == ["GL-01"]
    assert "left out: RES-01: no R(T) in these files" in str(verdicts)
    with pytest.raises(KeyError, match="no R"):
        verdicts["RES-01"]


def test_a_missing_result_of_a_wrong_world_excludes_it(twin):
    """A metal has no entry field; that is not a reason to leave the statement out."""
    law = SimpleNamespace(law="parabolic", chi_square=1.0)
    other = SimpleNamespace(law="linear", chi_square=99.0)
    entry = SimpleNamespace(
        laws={"parabolic": law, "linear": other},
        best=law,
        correction="brandt",
        zero_temperature_field=Quantity(713, 20, "Oe").to("A/m"),
    )
    twin.planted = {"lower_critical_field": float(Quantity(713, 0, "Oe").to("A/m"))}
    metal = {"normal": {"entry": Missing(FluxEntryStudy, "no kink")}}
    assert settle(twin, "MAG-07", {"entry": entry}, rivals=metal)["MAG-07"].word == "recoverable"
    other.chi_square = 2.0
    assert settle(twin, "MAG-07", {"entry": entry}, rivals=metal)["MAG-07"].word == "not discriminating"


def test_another_samples_data_displace_nothing(twin, foreign):
    """Printed numbers are judged and shown, data are left out, and the ledger stays as it was."""
    settle(twin, ["RES-01", "GL-01"], {"resistance": resistance()}, rivals=RIVALS)
    foreign.ledger.verdicts.update(twin.ledger.verdicts)
    before = dict(foreign.ledger.verdicts)
    verdicts = settle(foreign, ["RES-01", "GL-01"], {"resistance": resistance(20.0)}, rivals=RIVALS)
    assert foreign.ledger.verdicts == before
    assert [verdict.id for verdict in verdicts] == ["GL-01"]
    assert "another sample" in verdicts.left_out["RES-01"] and "not kept" in str(verdicts)


def test_names_are_ids_or_groups_in_the_order_of_the_paper(twin):
    """A group is what comes before the number; a slip is answered with the nearest."""
    ids = [verdict.id for verdict in settle(twin, ["GL", "RES-03", "GL-01"], {})]
    assert ids == ["RES-03", "GL-01", "GL-02", "GL-03", "GL-04", "GL-05", "GL-06"]
    with pytest.raises(ValueError, match=r"no statement 'GL-1'.*GL-01"):
        settle(twin, "GL-1", {})


def test_a_result_that_was_not_given_is_named(twin):
    """It is a slip in the cell, not something that the files lack."""
    with pytest.raises(
        ValueError, match="RES-01 rests on the result 'resistance'; results given: resistence"
    ):
        settle(twin, "RES-01", {"resistence": resistance()})


def test_the_table_fits_and_counts(twin):
    """Columns below each other, no line over 100 characters, the planted value marked as synthetic, the counts last."""
    verdicts = settle(twin, ["RES-01", "GL"], {"resistance": resistance()}, rivals=RIVALS)
    lines = str(verdicts).splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0].split("  ")[-1].strip() == "planted (synthetic)"
    assert lines[1].index("38.410 K") == lines[0].index("planted")
    assert verdicts.counts["recoverable"] == 1
    assert lines[-2].startswith("7 statements: 1 agrees, 1 inconsistent")
    page = verdicts._repr_html_()
    assert page.count("<tr>") == 8 and "planted (synthetic)" in page


def test_without_a_twin_nothing_was_planted(foreign):
    """Then there is no column for it."""
    assert "planted" not in str(settle(foreign, "GL-01", {}))


def test_every_statement_has_a_function():
    """None is passed as a literal, and no function judges what the paper does not say."""
    assert set(registered()) == set(read_paper())
