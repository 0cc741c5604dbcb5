"""The cache under violence: killed writers, damaged entries, changed code; never a wrong value."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nbtools import cache

pytestmark = pytest.mark.stress

KILLS = 100
TOP = """
import numpy as np
from nbtools.cache import cached
from stressed import callee

@cached
def scaled(step):
    return np.full(200_000, float(callee.FACTOR * step))
"""
CHILD = """
import sys
import numpy as np
from stressed.top import scaled

factor, first, last = map(int, sys.argv[1:])
print("ready", flush=True)
for step in range(first, last):
    if not np.array_equal(scaled(step), np.full(200_000, float(factor * step))):
        sys.exit("WRONG")
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package whose cached function depends on a constant of another module."""
    folder = tmp_path / "stressed"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "top.py").write_text(TOP)
    return folder


def start(package: Path, factor: int, *, first: int = 0, last: int = 1_000_000) -> subprocess.Popen:
    """A process that asks for one value after the other and checks them, until it is stopped."""
    path = os.pathsep.join([str(package.parent), str(cache.ROOT)])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", CHILD, str(factor), str(first), str(last)]
    child = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    return child


def damage(rng: np.random.Generator) -> int:
    """Cut or flip a bit in about a quarter of the entries."""
    whole = [entry for entry in cache.folder().rglob("output.pkl") if entry.stat().st_size]
    entries = [entry for entry in whole if rng.random() < 0.25]
    for entry in entries:
        content = bytearray(entry.read_bytes())
        if rng.random() < 0.5:
            del content[rng.integers(len(content)) :]
        else:
            content[rng.integers(len(content))] ^= 1 << rng.integers(8)
        entry.write_bytes(content)
    return len(entries)


def test_killed_damaged_and_changed_never_wrong(package: Path):
    """Two processes share the folder and are killed at random, 100 times, with damage and new code between."""
    rng = np.random.default_rng(7)
    damaged = unfinished = 0
    for kill in range(0, KILLS, 2):
        factor, first = 1 + kill // 20, 4 * (kill % 20)  # some entries of the last round, then new ones
        (package / "callee.py").write_text(f"FACTOR = {factor}\n")
        children = [start(package, factor, first=first) for _ in range(2)]
        for child in children:
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(timeout=rng.uniform(0, 0.15))
            child.send_signal(signal.SIGKILL)
        for child in children:
            assert child.communicate()[1] == "" and child.returncode == -signal.SIGKILL
        unfinished += len(list(cache.folder().rglob("*.part")))
        damaged += damage(rng)
    calm = start(package, factor, last=first + 20)
    assert calm.communicate()[1] == "" and calm.returncode == 0
    cache.clear()
    print(f"{KILLS} kills, {unfinished} of them in a write; {damaged} entries damaged")
    assert damaged > KILLS and unfinished > 0
