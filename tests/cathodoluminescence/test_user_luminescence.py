"""Notebook 06 from end to end on maps that it was not made for: bands, reasons, exports; nothing stored."""

import pytest
from strangers import numbers, run_as_user, run_in_process, verdicts

pytestmark = pytest.mark.notebook


def test_a_map_of_nanoparticles(tmp_path, realdata):
    """One map stands for survey and detail; no spot spectrum, so no band is settled and nothing agrees by itself."""
    pytest.importorskip("rsciio")
    (tmp_path / "mine.hspy").write_bytes((realdata / "cl/lumispy/nanoparticles.hspy").read_bytes())
    ledger = run_as_user("06_cathodoluminescence", tmp_path, "DATA=mine.hspy")
    assert "overlap_p" in numbers(ledger)
    assert {"beam range", "damage by the beam"} <= set(ledger["skipped"])
    assert {e["origin"] for e in ledger["results"] if e["name"] == "overlap_p"} == {"measured"}
    settled = verdicts(ledger)
    assert all(settled[key] == "not testable without the raw data" for key in ("CL-15", "CL-16", "CL-17"))
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {
        "06_cathodoluminescence.csv",
        "fig_16.pdf",
    }


def test_a_spectrometer_that_ends_before_the_ultraviolet(tmp_path, monkeypatch, realdata):
    """A map from 531 nm on: the paper's windows lie outside it, and the sections say so."""
    pytest.importorskip("rsciio")
    file = realdata / "cl/lumispy/asymmetric_peak_map.hspy"
    ledger = run_in_process("06_cathodoluminescence", tmp_path, monkeypatch, DATA=file)
    assert "run from 531 to 804 nm" in ledger["skipped"]["Fig. 16"]
    assert "ultraviolet_wavelength" not in numbers(ledger)
