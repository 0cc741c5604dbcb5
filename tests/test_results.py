"""A ledger survives as JSON, loses nothing when stopped, and says which number moved."""

import json
import math

import pytest

from nbtools.results import Ledger, compare, read_ledger
from nbtools.units import Quantity
from nbtools.whole_file import write_whole


def ledger(tmp_path, value=38.4, name="onset"):
    book = Ledger("03_transport", tmp_path)
    book.add(name, Quantity(value, 0.02, "K"), method="tangent", origin="twin", data="ab12")
    return book


def test_what_is_entered_is_read_back(tmp_path):
    """Value, uncertainty, unit, method and origin survive, NaN included."""
    book = ledger(tmp_path)
    book.add("zero", float("nan"), unit="K", method="3σ", origin="twin")
    book.skip("Fig. S2", "no R(H) in the files")
    again = read_ledger(book.path)
    assert again.results["onset"] == book.results["onset"]
    assert math.isnan(again.results["zero"].value) and again.results["zero"].unit == "K"
    assert again.skipped == book.skipped


def test_every_entry_is_on_disk_at_once(tmp_path):
    """A run stopped after an entry has that entry: valid JSON, no temporary file left."""
    ledger(tmp_path)
    assert json.loads((tmp_path / "03_transport.json").read_text())["results"][0]["name"] == "onset"
    assert [p.name for p in tmp_path.iterdir()] == ["03_transport.json"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    """Text that cannot be encoded destroys nothing."""
    path = tmp_path / "x.json"
    write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\ud800")
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_a_move_is_told_in_sigmas(tmp_path):
    """The number that changed is named with its old and new value and the distance in σ."""
    moves = list(compare(ledger(tmp_path / "a"), ledger(tmp_path / "b", value=38.44)))
    assert [m.sigmas for m in moves] == [pytest.approx(2.0)]
    assert "38.400 ± 0.020 K → 38.440 ± 0.020 K (2 σ)" in str(moves[0])


def test_appearing_and_going_are_moves(tmp_path):
    """A new name and a missing one are both told."""
    moves = {m.name: str(m) for m in compare(ledger(tmp_path / "a"), ledger(tmp_path / "b", name="midpoint"))}
    assert "gone" in moves["onset"] and "new" in moves["midpoint"]


def test_a_file_that_is_no_ledger_is_refused(tmp_path):
    """A stranger's JSON gets a sentence."""
    (tmp_path / "x.json").write_text('{"schema": 99}')
    with pytest.raises(ValueError, match="not a ledger of results"):
        read_ledger(tmp_path / "x.json")


def test_an_unknown_origin_is_refused(tmp_path):
    """Data are measured, digitised, a twin's or the paper's: nothing else."""
    with pytest.raises(ValueError, match="measured, digitised, twin, paper"):
        Ledger("x", tmp_path).add("a", 1.0, method="m", origin="guess")
