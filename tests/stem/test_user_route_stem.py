"""Notebook 02 from end to end on other people's files: the right numbers, or the right refusal, under any name."""

import pytest
from strangers import numbers, run_as_user

pytestmark = pytest.mark.notebook


def test_one_crystal_in_a_ser_file(tmp_path, realdata):
    """SrTiO₃ as SrTiO₃: one grain along a cube's edge, its columns, and no interface; no verdict on the paper."""
    pytest.importorskip("rsciio")
    file = realdata / "stem/openNCEM/16_STOimage_1.ser"
    found = run_as_user("02_stem_interfaces", tmp_path, f"DATA={file}", 'CRYSTALS=["SrTiO3"]')
    known = numbers(found)
    assert known["16_STOimage_1_grains"] == 1
    assert known["16_STOimage_1_scale"] == pytest.approx(3.905 / 4.05, abs=0.01)
    assert not any("over" in name for name in known)  # its columns are no Gaussians
    assert not any("width" in name or "steps" in name for name in known)
    assert not found["verdicts"]
    assert all("one grain, no interface" in found["skipped"][s] for s in ("Terraces and steps",))


@pytest.mark.nightly
def test_a_crystal_that_was_not_named(tmp_path, realdata):
    """The same file with the crystals left as they are: no MgO or MgB2 is invented, and what was tested is said."""
    pytest.importorskip("rsciio")
    file = realdata / "stem/openNCEM/16_STOimage_1.ser"
    found = run_as_user("02_stem_interfaces", tmp_path, f"DATA={file}")
    assert "MgO, MgB2" in found["skipped"]["Columns"]
    assert not found["verdicts"]


@pytest.mark.nightly
def test_an_image_without_a_scale(tmp_path, realdata):
    """Refused as it is, and studied with a scale."""
    pytest.importorskip("rsciio")
    file = realdata / "stem/atomap/test_ADF_cropped.hdf5"
    found = run_as_user("02_stem_interfaces", tmp_path, f"DATA={file}")
    assert "no scale" in found["skipped"]["The images"]
    given = run_as_user(
        "02_stem_interfaces", tmp_path, f"DATA={file}", "PIXEL_SIZE=9.326e-12", 'CRYSTALS=["SrTiO3"]'
    )
    assert numbers(given)["test_ADF_cropped_grains"] == 1
