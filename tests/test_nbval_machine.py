"""A notebook run by nbval as `make test` does it: what passes, and which cell of which planted change fails."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pytest
from small_notebook import write_notebook

from nbtools.runner import run_notebook, store

TESTS = Path(__file__).parent
CELLS = [
    "COUNT = 3",
    "import os, pathlib, numpy as np\nfrom nbtools import cache, paths, results, units\n"
    "print(all(str(f()).startswith(os.environ.get('HERE', '/')) for f in (cache.folder, paths.data_folder)))",
    "x = np.random.default_rng(1).normal(size=(9, 9))\ny = np.linalg.solve(x, x[0])\n"
    "print(f'{np.abs(x @ y - x[0]).max():.2f} ± 0.10 K agrees')",
    "print('T_c = 37.41 ± 0.20 K\\n12 steps along [1 0 0]')",
    "print('T_c = 37.41 ± 0.20 K\\n12 steps along [1 0 0]')",
    "print('T_c = 37.41 ± 0.20 K\\n12 steps along [1 0 0]')",
    "print('T_c = 37.41 ± 0.20 K\\n12 steps along [1 0 0]')",
    "print('T_c = 37.41 ± 0.20 K\\n12 steps along [1 0 0]')",
    "print('T_c = 37.41 ± 0.20 K\\n12 steps along [1 0 0]')",
    "print(f'{np.abs(x @ y - x[0]).sum():.1e}')",
    "ledger = results.Ledger('03_small')\n"
    "ledger.add('T', units.Quantity(37.41, 0.2, 'K'), method='m', origin='twin').name",
    "from nbtools.explore.sliders import Explorer\n"
    "def line(slope: float = 5.0):\n"
    "    if slope > 8: raise ValueError('too steep')\n"
    "    return {'y': (np.arange(9.0), slope * np.arange(9.0))}\n"
    "Explorer(line, ranges={'slope': (0, 7)}).of('model')",
]
PLANTED = {
    4: ("37.41 ± 0.20", "37.42 ± 0.20"),  # 0.05 σ
    5: ("37.41 ± 0.20", "37.47 ± 0.20"),  # 0.3 σ
    6: ("steps", "stages"),
    7: ("12 steps along [1 0 0]\n", ""),
    8: ("12", "13"),
}
CAUGHT = {"Cell 5", "Cell 6", "Cell 7", "Cell 8"}


ROUNDING = "Cell 9"  # a number that hangs on the last bit alone


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A notebook with stored outputs and results, made without dust."""
    path = write_notebook(tmp_path / "notebooks" / "03_small.ipynb", *CELLS)
    run = run_notebook(path, output=tmp_path / "out", results=tmp_path / "results")
    store(run, results=tmp_path / "results", folder=path.parent)
    return path


def failures(path: Path, **variables: str) -> dict[str, str]:
    """What of a notebook fails under nbval, and what is said about it."""
    report = path.parent / "junit.xml"
    command = [sys.executable, "-m", "pytest", "-p", "nbval_machine", "--nbval", "--nbval-current-env", "-q"]
    command += [f"--rootdir={path.parent}", "-c", os.devnull, f"--junitxml={report}", "--color=no", str(path)]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(TESTS)} | variables, capture_output=True, text=True
    )
    cases = list(ElementTree.parse(report).iter("testcase"))
    assert len(cases) == len(CELLS) + 2, done.stdout  # the results, and the widgets
    return {case.get("name"): case[0].text for case in cases if len(case)}


def test_planted_changes_are_caught_and_rounding_is_not(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number by 0.3 σ, a word, a line, an integer in an output; a number by 0.3 σ in the results; a bad widget.

    With a cache and data of its own, which are gone afterwards, whatever the variables here say.
    """
    around, temporary = stored.parent / "around", stored.parent / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("NBTOOLS_CACHE", str(around))
    monkeypatch.setenv("NBTOOLS_DATA", str(around))
    monkeypatch.setenv("TMPDIR", str(temporary))
    notebook = nbformat.read(stored, as_version=4)
    notebook.cells[-1].source = notebook.cells[-1].source.replace("(0, 7)", "(0, 9)")
    for number, (before, after) in PLANTED.items():
        output = notebook.cells[number].outputs[0]
        assert before in output.text
        output.text = output.text.replace(before, after)
    nbformat.write(notebook, stored)
    results = stored.parent / "results" / "03_small.json"
    ledger = json.loads(results.read_text())
    ledger["results"][0]["value"] += 0.3 * 0.2
    results.write_text(json.dumps(ledger))
    told = failures(stored, NBTOOLS_DUST="7", HERE=str(temporary))
    assert told.keys() == CAUGHT | {"numbers", "widgets", ROUNDING}
    assert all("NBTOOLS_DUST='7'" in said for said in told.values())
    assert "too steep" in told["widgets"]
    assert "T: 37.47 ± 0.20 K → 37.41 ± 0.20 K (0.3 σ)" in told["numbers"]
    assert not around.exists()
    assert list(temporary.glob("machine-*")) == []
