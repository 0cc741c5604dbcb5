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


def entry(tmp_path, value, sigma=0.0, unit="K", **more):
    book = Ledger("03_transport", tmp_path)
    book.add("T", Quantity(value, sigma, unit), method="m", origin="twin", **more)
    return read_ledger(book.path)


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        ((38.4, 0.02), (38.4019, 0.02), False),  # 0.1 σ
        ((38.4, 0.02), (38.406, 0.02), True),  # 0.3 σ
        ((38.4, 0.02), (38.4, 0.0209), False),  # 5 % of σ
        ((38.4, 0.02), (38.4, 0.022), True),
        ((38.4, 0.02), (38.4, 0.0), True),
        ((38.4, 0.0), (38.4 * (1 + 9e-6), 0.0), False),
        ((38.4, 0.0), (38.4 * (1 + 1.2e-5), 0.0), True),
        ((4.0, 0.0), (5.0, 0.0), True),
        ((0.0, 0.0), (1e-20, 0.0), True),
        ((math.nan, 0.0), (math.nan, 0.0), False),
        ((math.nan, 0.1), (1.0, 0.1), True),
        ((math.inf, 0.0), (math.inf, 0.0), False),
        ((38.4, math.nan), (38.4, math.nan), False),
        ((38.4, math.inf), (50.0, math.inf), True),
    ],
)
def test_a_number_may_move_as_another_machine_moves_it(tmp_path, before, after, moved):
    """At full precision: by 0.1 σ and its σ by 5 %; without σ by 1e-5 of itself."""
    old, new = entry(tmp_path, *before), entry(tmp_path, *after)
    assert [move.name for move in compare(old, new)] == ["T"] * moved


def test_a_tolerance_is_stored_with_the_number(tmp_path):
    """It is the stored one that holds, in the number's unit; units are compared to the letter."""
    old = entry(tmp_path, 0.0, tolerance=1e-3)
    assert old.results["T"].tolerance == 1e-3
    assert list(compare(old, entry(tmp_path, 9e-4))) == []
    assert [str(move) for move in compare(old, entry(tmp_path, 2e-3))] == ["T: 0.0 → 0.002, without σ"]
    assert list(compare(entry(tmp_path, 0.0), entry(tmp_path, 9e-4, tolerance=1.0)))
    assert [str(move) for move in compare(old, entry(tmp_path, 0.0, unit="mK"))] == [
        "T: 0 K → 0 mK, another unit"
    ]


def test_a_tolerance_beside_a_sigma_or_below_zero_is_refused(tmp_path):
    """A tenth of σ is the tolerance where there is one."""
    with pytest.raises(ValueError, match="leave the tolerance out"):
        entry(tmp_path, 1.0, 0.1, tolerance=0.5)
    with pytest.raises(ValueError, match="positive"):
        entry(tmp_path, 1.0, tolerance=-1.0)
