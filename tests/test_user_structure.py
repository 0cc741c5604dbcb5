"""Notebook 01 from end to end on files that it was not made for: numbers, reasons, exports; nothing stored."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.notebook

ROOT = Path(__file__).parent.parent
STORED = ROOT / "notebooks" / "results" / "01_structure.json"


def run(folder, file, *options):
    (folder / file.name).write_bytes(file.read_bytes())
    before = hashlib.sha256(STORED.read_bytes()).hexdigest()
    done = subprocess.run(
        [sys.executable, "-m", "nbtools", "run", "01", "-p", f"DATA={file.name}", *options, "-o", "out"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert hashlib.sha256(STORED.read_bytes()).hexdigest() == before, "a user's run changed what is stored"
    return json.loads((folder / "out" / "01_structure.json").read_text(encoding="utf-8"))


def numbers(ledger):
    return {entry["name"]: entry["value"] for entry in ledger["results"]}


def test_a_volume_of_another_microscope(tmp_path, realdata):
    """A microtubule's stack: counts in three dimensions, a section of its own, and no verdict about the paper."""
    ledger = run(tmp_path, realdata / "em3d/cylindra/13pf_MT.tif")
    found = numbers(ledger)
    assert 2 < found["volume_dimension"] < 3
    assert {e["origin"] for e in ledger["results"] if e["name"] == "volume_dimension"} == {"measured"}
    verdicts = {v["id"]: v["verdict"] for v in ledger["verdicts"]}
    assert verdicts["FRA-01"] == "not testable without the raw data"
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"01_structure.csv", "fig_2c.pdf"}


def test_an_image_without_a_pixel_size(tmp_path, realdata):
    """Nothing is guessed: the sections that need it say so; with the size given they run."""
    tile = realdata / "em3d/3D-SEM-Segmentation/sample_001_sem.bmp"
    ledger = run(tmp_path, tile)
    assert "it is not guessed" in ledger["skipped"]["Fig. 2"]
    assert "section_dimension" not in numbers(ledger)
    found = numbers(run(tmp_path, tile, "-p", "VOXEL_SIZE=1e-8"))
    assert 1 < found["section_dimension"] < 2


@pytest.mark.parametrize("damage", [0.4])
def test_a_truncated_stack(tmp_path, realdata, damage):
    """Cut short on the way: one sentence, and the powder pattern is still refined."""
    whole = (realdata / "em3d/cylindra/13pf_MT.tif").read_bytes()
    cut = tmp_path / "cut.tif"
    cut.write_bytes(whole[: int(damage * len(whole))])
    (tmp_path / "user").mkdir()
    ledger = run(tmp_path / "user", cut)
    assert "cut.tif" in ledger["skipped"]["images"]
    assert "volume_fraction_MgB2" in numbers(ledger)
