"""Notebook 01 from end to end on files that it was not made for: numbers, reasons, exports; nothing stored."""

import pytest
from strangers import numbers, run_as_user, run_in_process, verdicts

pytestmark = pytest.mark.notebook


def test_a_volume_of_another_microscope(tmp_path, realdata):
    """A microtubule's stack: counts in three dimensions, a section of its own, and no verdict about the paper."""
    (tmp_path / "mine.tif").write_bytes((realdata / "em3d/cylindra/13pf_MT.tif").read_bytes())
    ledger = run_as_user("01_structure", tmp_path, "DATA=mine.tif")
    assert 2 < numbers(ledger)["volume_dimension"] < 3
    assert {e["origin"] for e in ledger["results"] if e["name"] == "volume_dimension"} == {"measured"}
    assert verdicts(ledger)["FRA-01"] == "not testable without the raw data"
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"01_structure.csv", "fig_2c.pdf"}


def test_an_image_without_a_pixel_size(tmp_path, monkeypatch, realdata):
    """Nothing is guessed: the sections that need it say so; with the size given they run."""
    tile = realdata / "em3d/3D-SEM-Segmentation/sample_001_sem.bmp"
    ledger = run_in_process("01_structure", tmp_path / "without", monkeypatch, DATA=tile)
    assert "it is not guessed" in ledger["skipped"]["Fig. 2"]
    assert "section_dimension" not in numbers(ledger)
    found = numbers(
        run_in_process("01_structure", tmp_path / "with", monkeypatch, DATA=tile, VOXEL_SIZE=1e-8)
    )
    assert 1 < found["section_dimension"] < 2


def test_a_truncated_stack(tmp_path, monkeypatch, realdata):
    """Cut short on the way: one sentence; and the twin's powder pattern does not stand in for one's own."""
    whole = (realdata / "em3d/cylindra/13pf_MT.tif").read_bytes()
    cut = tmp_path / "cut.tif"
    cut.write_bytes(whole[: int(0.4 * len(whole))])
    ledger = run_in_process("01_structure", tmp_path / "out", monkeypatch, DATA=cut)
    assert "cut.tif" in ledger["skipped"]["images"]
    assert "no powder pattern is given" in ledger["skipped"]["Fig. 1 · Composition"]
    assert "volume_fraction_MgB2" not in numbers(ledger)


def test_a_powder_pattern_of_something_else(tmp_path, realdata):
    """Somebody's scan of another material: the run ends well, with its strongest lines in place of fractions."""
    (tmp_path / "mine.uxd").write_bytes((realdata / "xrd/xylib/BT86_.UXD").read_bytes())
    ledger = run_as_user("01_structure", tmp_path, "POWDER=mine.uxd")
    assert "do not explain this pattern" in ledger["skipped"]["Fig. 1 · Composition"]
    assert not [name for name in numbers(ledger) if "fraction_" in name or "upper_limit" in name]
