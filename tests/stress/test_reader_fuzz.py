"""2,000 damaged files and 2,000 damaged cards: a dataset, a card or our own error; no hang."""

import signal
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "files"))
from damage import damaged
from test_damaged_files import CARD

from nbtools.files.quantum_design import (
    QuantumDesignError,
    find_sweeps,
    keep_good_points,
    read_dat,
    split_sweeps,
)
from nbtools.files.sample_card import SampleCardError, read_sample_card
from nbtools.results import NotPossible

pytestmark = pytest.mark.stress
CASES = 2000
SECONDS = 10  # for one case; a whole file of 0.5 MB takes less than one


@contextmanager
def time_limit(seconds: int, what: str):
    """Raise if the block takes longer."""

    def stop(*_):
        raise TimeoutError(f"{what} took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.timeout(3600)
def test_damaged_dat_files(realdata, tmp_path):
    """Each real file many times, each time damaged otherwise; some must survive and some must be refused."""
    contents = [path.read_bytes() for path in sorted(realdata.glob("qd/*/*.[dD][aA][tT]"))]
    path, read = tmp_path / "file.dat", 0
    for seed in range(CASES):
        path.write_bytes(damaged(contents[seed % len(contents)], seed))
        with time_limit(SECONDS, f"case {seed}"):
            try:
                data = read_dat(path)
                read += 1
                if data.attrs["instrument"] != "PPMS log":
                    split_sweeps(keep_good_points(data)[0])
                with suppress(NotPossible):
                    find_sweeps(data, axis="field", needs="resistance")
            except QuantumDesignError as error:
                assert "file.dat" in str(error), f"case {seed}"
    print(f"{read} of {CASES} damaged files were read, the others refused")
    assert 0.1 * CASES < read < 0.9 * CASES


def test_damaged_cards(tmp_path):
    """As for the files; a card that is read still has finite measures."""
    path, read = tmp_path / "sample.yaml", 0
    for seed in range(CASES):
        path.write_bytes(damaged(CARD, seed))
        with time_limit(SECONDS, f"case {seed}"):
            try:
                card = read_sample_card(path)
                read += 1
                assert card.volume is None or np.isfinite(card.volume), f"case {seed}"
                card.used_and_defaulted()
            except SampleCardError as error:
                assert "sample.yaml" in str(error), f"case {seed}"
    print(f"{read} of {CASES} damaged cards were read, the others refused")
    assert 0 < read < CASES
