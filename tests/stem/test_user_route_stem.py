"""Notebook 02 from end to end on a real file it was not made for: what cannot be done is skipped by name."""

import pytest
from strangers import run_as_user, verdicts

pytestmark = pytest.mark.notebook


def test_one_crystal_in_a_ser_file(tmp_path, realdata):
    """SrTiO₃ named as an interface: no two grains of MgO and MgB2 are invented, nothing stored changes."""
    pytest.importorskip("rsciio")
    file = realdata / "stem/openNCEM/16_STOimage_1.ser"
    (tmp_path / "planar1_haadf.ser").write_bytes(file.read_bytes())
    settled = verdicts(run_as_user("02_stem_interfaces", tmp_path, "DATA=planar1_haadf.ser"))
    assert settled.get("STM-01", "not testable without the raw data") == "not testable without the raw data"
    assert "agrees" not in settled.values()
