"""A notebook on files that it was not made for: as a user runs it, or its cells alone in this process."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from notebook_cells import NOTEBOOKS, run_cells, without_rendering

from nbtools import paths

RESULTS = NOTEBOOKS / "results"
CARD = """\
name: somebody's crystal
dimensions: ["2.0 ± 0.1 mm", "3.0 ± 0.1 mm", "0.5 ± 0.05 mm"]
field_axis: 3
remanence: "0.0 ± 0.5 Oe"
instrument: MPMS
tap_distance: "2.0 ± 0.1 mm"
cross_section: "1.50 ± 0.05 mm^2"
thermometer_offset: "0.00 ± 0.05 K"
"""


def run_as_user(notebook: str, folder: Path, *parameters: str) -> dict[str, Any]:
    """`python -m nbtools run` in `folder` into its ``out``; the results as written. Nothing stored may change."""
    stored = RESULTS / f"{notebook}.json"
    before = hashlib.sha256(stored.read_bytes()).hexdigest()
    options = [word for parameter in parameters for word in ("-p", parameter)]
    command = [sys.executable, "-m", "nbtools", "run", notebook[:2], *options, "-o", "out"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert hashlib.sha256(stored.read_bytes()).hexdigest() == before, (
        "a user's run changed the stored results"
    )
    return read_results(folder / "out" / f"{notebook}.json")


def run_in_process(
    notebook: str, results: Path, patch: pytest.MonkeyPatch, **parameters: Any
) -> dict[str, Any]:
    """The same cells in this process, with no picture rendered: a fraction of the time, the same numbers."""
    patch.setenv("NBTOOLS_RESULTS", str(results))
    patch.setenv(paths.OWN_RUN, "1")
    without_rendering(patch)
    run_cells(NOTEBOOKS / f"{notebook}.ipynb", patch, **parameters)
    return read_results(results / f"{notebook}.json")


def read_results(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def numbers(ledger: dict[str, Any]) -> dict[str, float]:
    """Name → value."""
    return {entry["name"]: entry["value"] for entry in ledger["results"]}


def verdicts(ledger: dict[str, Any]) -> dict[str, str]:
    """Statement → verdict."""
    return {entry["id"]: entry["verdict"] for entry in ledger["verdicts"]}
