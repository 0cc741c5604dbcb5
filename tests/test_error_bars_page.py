"""The page on error bars: what a bench found is kept, and a σ that is wrong is called so."""

from pathlib import Path

import numpy as np
import pytest
from seeds import Pulls, record_error_bars

from nbtools.error_bars import error_bars_html, read_error_bars


def pulls(sigma: float, count: int = 200) -> dict[str, Pulls]:
    """Of an estimator whose stated σ is `sigma` times the true one."""
    return {"T_c": Pulls(np.random.default_rng(1).normal(size=count) / sigma, 3)}


@pytest.mark.parametrize(("sigma", "refused"), [(1.0, False), (0.5, True), (2.0, True)])
def test_a_wrong_sigma_is_refused(tmp_path, sigma, refused):
    """σ stated twice as large or half as large as it is; the right one passes."""
    path = tmp_path / "bars.json"
    record_error_bars(__file__, "transport.estimate", pulls(sigma), noise="1 %", size="91 points", path=path)
    [row] = read_error_bars(path)
    assert row.refused == refused
    assert (row.seeds, row.found, row.bench) == (203, 200, Path(__file__).name)
    page = error_bars_html([row])
    assert ("yes, p = " in page) == refused
    assert f"Refused in {int(refused)} of 1 rows" in page


def test_a_later_run_takes_the_place_of_the_earlier(tmp_path):
    """Of the same world only; others stay."""
    path = tmp_path / "bars.json"
    for sigma, noise in ((0.5, "1 %"), (1.0, "1 %"), (1.0, "3 %")):
        record_error_bars(__file__, "transport.estimate", pulls(sigma), noise=noise, size="all", path=path)
    rows = read_error_bars(path)
    assert [row.noise for row in rows] == ["1 %", "3 %"]
    assert not any(row.refused for row in rows)


def test_nothing_found_is_no_coverage(tmp_path):
    """Where no seed gave an estimate, the page says so."""
    path = tmp_path / "bars.json"
    nothing = {"T_c": Pulls(np.array([0.2]), 0), "ΔT": Pulls(np.array([]), 5)}
    record_error_bars(__file__, "transport.estimate", nothing, noise="1 %", size="all", path=path)
    assert "none found" in error_bars_html(read_error_bars(path))


def test_the_stored_page_names_its_benches():
    """What is committed came from benches that exist, with a date and seeds."""
    rows = read_error_bars()
    assert rows
    assert all(row.seeds >= 40 and row.date for row in rows)
