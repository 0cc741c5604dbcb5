"""Every notebook on six other machines: twins recorded, numbers computed, outputs and results as stored."""

import os
import subprocess
import sys
from collections.abc import Mapping

import dust
import pytest

from nbtools.runner import NOTEBOOKS, find_notebooks

pytestmark = [pytest.mark.stress, pytest.mark.timeout(1800)]

MACHINES = {f"dust {seed}": {dust.SEED: str(seed)} for seed in range(1, 6)}
MACHINES["older processor"] = dust.OTHER_PROCESSOR | {dust.SEED: "0"}


@pytest.mark.parametrize("name", [path.name for path in find_notebooks()])
@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_a_notebook_says_the_same(name: str, machine: Mapping[str, str]) -> None:
    """As nbval under `make test`, where the seed is another one."""
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q", f"notebooks/{name}"]
    done = subprocess.run(
        command, cwd=NOTEBOOKS.parent, env=os.environ | machine, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
