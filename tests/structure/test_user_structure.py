"""Notebook 01 from end to end on images that it was not made for: numbers, reasons, exports; nothing stored."""

import numpy as np
import pytest
import tifffile
from scipy import ndimage
from strangers import numbers, run_as_user, run_in_process, verdicts

import nbtools.structure.model_random_media as random_media

pytestmark = pytest.mark.notebook


def stack(side=64):
    """Two phases at a contrast of 4, in ImageJ's file with 20 nm voxels."""
    rng = np.random.default_rng(5)
    field = random_media.gaussian_field((side,) * 3, rng, correlation_length=4.0)
    grey = ndimage.gaussian_filter(np.where(random_media.level_set(field, 0.3), 90.0, 150.0), (0, 1, 1))
    return np.clip(grey + rng.normal(0, 15, grey.shape), 0, 255).astype(np.uint8)


def test_a_stack_of_ones_own(tmp_path):
    """Counts in three dimensions, a section of its own, the size of the file; no verdict about the paper."""
    scale = {
        "imagej": True,
        "resolution": (0.05, 0.05),
        "metadata": {"unit": "nm", "spacing": 20.0, "axes": "ZYX"},
    }
    tifffile.imwrite(tmp_path / "mine.tif", stack(), **scale)
    ledger = run_as_user("01_structure", tmp_path, "DATA=mine.tif")
    found = numbers(ledger)
    assert 2 < found["volume_dimension"] < 3
    entry = next(e for e in ledger["results"] if e["name"] == "volume_share")
    assert abs(entry["value"] - 0.3) < 2 * entry["uncertainty"]
    assert (entry["origin"], entry["file"]) == ("measured", "mine.tif")
    assert "FRA-01" not in verdicts(ledger)
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"01_structure.csv", "box_counts.pdf"}


@pytest.mark.nightly
def test_a_tomogram_of_one_kind_of_grey(tmp_path, monkeypatch, realdata):
    """A microtubule: no two phases in the volume nor in its section, which is said, and no number comes of it."""
    ledger = run_in_process(
        "01_structure", tmp_path / "out", monkeypatch, DATA=realdata / "em3d/cylindra/13pf_MT.tif"
    )
    assert "no two phases to tell apart" in ledger["skipped"]["Fig. 3 · The volume"]
    assert not {
        name for name in numbers(ledger) if name.startswith(("volume_s", "volume_d", "section_pores"))
    }


def test_an_image_without_a_pixel_size(tmp_path, monkeypatch, realdata):
    """Nothing is guessed: the sections that need it say so; with the size given they run."""
    tile = realdata / "em3d/3D-SEM-Segmentation/sample_001_sem.bmp"
    ledger = run_in_process("01_structure", tmp_path / "without", monkeypatch, DATA=tile)
    assert "it is not guessed" in ledger["skipped"]["Fig. 2(c) · Counting boxes"]
    assert "section_share" in numbers(ledger) and "section_dimension" not in numbers(ledger)
    found = numbers(
        run_in_process("01_structure", tmp_path / "with", monkeypatch, DATA=tile, VOXEL_SIZE=1e-8)
    )
    assert 1 < found["section_dimension"] < 2


@pytest.mark.nightly
def test_a_truncated_stack(tmp_path, monkeypatch, realdata):
    """Cut short on the way: one sentence."""
    whole = (realdata / "em3d/cylindra/13pf_MT.tif").read_bytes()
    cut = tmp_path / "cut.tif"
    cut.write_bytes(whole[: int(0.4 * len(whole))])
    ledger = run_in_process("01_structure", tmp_path / "out", monkeypatch, DATA=cut)
    assert "cut.tif" in ledger["skipped"]["The data and the sample"]


@pytest.mark.nightly
def test_a_tilt_series_is_no_volume(tmp_path, monkeypatch, realdata):
    """Projections are not slices."""
    ledger = run_in_process(
        "01_structure", tmp_path / "out", monkeypatch, DATA=realdata / "em3d/etspy/HAADF.dm3"
    )
    assert "tilt series of projections" in ledger["skipped"]["The data and the sample"]


def test_a_powder_pattern_of_something_else(tmp_path, realdata):
    """Somebody's scan of another material: the run ends well, with its strongest lines in place of fractions."""
    (tmp_path / "mine.uxd").write_bytes((realdata / "xrd/xylib/BT86_.UXD").read_bytes())
    ledger = run_as_user("01_structure", tmp_path, "POWDER=mine.uxd")
    assert "do not explain this pattern" in ledger["skipped"]["Fig. 1 · Composition"]
    assert not [name for name in numbers(ledger) if "fraction_" in name or "upper_limit" in name]
