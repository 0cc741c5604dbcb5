"""Notebook 02 from end to end on a real file it was not made for: what cannot be done is skipped by name."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

STORED = Path(__file__).parent.parent / "notebooks" / "results" / "02_stem_interfaces.json"

pytestmark = pytest.mark.notebook


def test_one_crystal_in_a_ser_file(tmp_path, realdata):
    """SrTiO₃ named as an interface: no two grains of MgO and MgB2 are invented, nothing stored changes."""
    pytest.importorskip("rsciio")
    file = realdata / "stem/openNCEM/16_STOimage_1.ser"
    (tmp_path / "planar1_haadf.ser").write_bytes(file.read_bytes())
    before = hashlib.sha256(STORED.read_bytes()).hexdigest()
    command = [sys.executable, "-m", "nbtools", "run", "02", "-p", "DATA=planar1_haadf.ser", "-o", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert hashlib.sha256(STORED.read_bytes()).hexdigest() == before
    ledger = json.loads((tmp_path / "out" / "02_stem_interfaces.json").read_text(encoding="utf-8"))
    verdicts = {entry["id"]: entry["verdict"] for entry in ledger["verdicts"]}
    assert verdicts.get("STM-01", "not testable without the raw data") == "not testable without the raw data"
    assert "agrees" not in verdicts.values()
