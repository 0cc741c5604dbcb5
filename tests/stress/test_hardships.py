"""Notebooks where much is missing: in any order, with no network, no extra, no whole cache, no end."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.stress, pytest.mark.notebook, pytest.mark.timeout(3600)]

ROOT = Path(__file__).parent.parent.parent
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("0[1-6]*.ipynb"))
# Read by every Python of the run, its kernels too: what a module named sitecustomize says.
NO_NETWORK = """
import socket
def refuse(self, address, *more, _real=socket.socket.connect):
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "localhost", "::1"):
        raise OSError(f"no network here: {address}")
    return _real(self, address, *more)
socket.socket.connect = refuse
"""
NO_EXTRAS = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"napari", "k3d", "rsciio", "skan", "distributed", "qtpy", "PySide6", "zarr"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Refuse())
"""


def environment(folder: Path, habit: str = "", **more: str) -> dict[str, str]:
    """The surroundings of a run: no screen, its own results, and a habit that every Python of it takes on."""
    (folder / "habit").mkdir(exist_ok=True, parents=True)
    (folder / "habit" / "sitecustomize.py").write_text(habit, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if "DISPLAY" not in name}
    return kept | {"PYTHONPATH": str(folder / "habit"), **more}


def run(folder: Path, *names: str, **surroundings: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "nbtools",
        "run",
        *(name[:2] for name in names),
        "-o",
        str(folder / "out"),
    ]
    return subprocess.run(
        command, env=environment(folder, **surroundings), cwd=folder, capture_output=True, text=True
    )


def verdicts(folder: Path, name: str) -> dict[str, str]:
    ledger = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return {verdict["id"]: verdict["verdict"] for verdict in ledger["verdicts"]}


def as_stored(folder: Path, name: str) -> bool:
    return verdicts(folder / "out", name) == verdicts(ROOT / "notebooks" / "results", name)


def test_notebooks_in_any_order(tmp_path):
    """None leans on what another left: the verdicts are those of the stored order."""
    order = np.random.default_rng(9).permutation(NOTEBOOKS)
    for name in order:
        done = run(tmp_path, name)
        assert done.returncode == 0 and as_stored(tmp_path, name), (
            f"{name} of {list(order)}: {done.stdout[-800:]}"
        )


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_network_no_screen_and_a_comma_for_a_point(tmp_path, name):
    """Nothing is asked of another machine, and a locale changes no number."""
    done = run(
        tmp_path, name, habit=NO_NETWORK, LC_ALL="de_DE.UTF-8", LANG="de_DE.UTF-8", LC_NUMERIC="de_DE.UTF-8"
    )
    assert done.returncode == 0 and as_stored(tmp_path, name), done.stdout[-1500:]


@pytest.mark.parametrize("name", [name for name in NOTEBOOKS if name[:2] in ("01", "02", "03", "04", "05")])
def test_no_optional_extra(tmp_path, name):
    """Without napari, K3D, RosettaSciIO and skan the rest runs, and what is left out is said in a sentence."""
    done = run(tmp_path, name, habit=NO_EXTRAS)
    assert done.returncode == 0, done.stdout[-1500:]


def test_a_cache_that_cannot_be_written(tmp_path):
    """A file stands where the folder of the cache should be: everything is computed, nothing is said to be kept."""
    (tmp_path / "cache").write_text("no folder", encoding="utf-8")
    done = run(tmp_path, "03_transport", NBTOOLS_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 0 and as_stored(tmp_path, "03_transport"), done.stdout[-1500:]


def test_a_cache_on_a_full_disk(tmp_path):
    """One megabyte and no more: the numbers are those of an empty cache."""
    disk = tmp_path / "small"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        done = run(tmp_path, "03_transport", NBTOOLS_CACHE=str(disk / "cache"))
    finally:
        subprocess.run(["umount", disk], check=True)
    assert done.returncode == 0 and as_stored(tmp_path, "03_transport"), done.stdout[-1500:]


def test_two_processes_share_a_cold_cache(tmp_path):
    """Both begin at once; both end with the stored verdicts."""
    commands = []
    for who in ("one", "two"):
        folder = tmp_path / who
        command = [sys.executable, "-m", "nbtools", "run", "05", "-o", str(folder / "out")]
        around = environment(
            folder, NBTOOLS_CACHE=str(tmp_path / "cache"), NBTOOLS_DATA=str(tmp_path / "data")
        )
        commands.append(subprocess.Popen(command, env=around, cwd=folder, stdout=subprocess.DEVNULL))
    assert [one.wait() for one in commands] == [0, 0]
    assert all(as_stored(tmp_path / who, "05_ac_susceptibility") for who in ("one", "two"))


@pytest.mark.parametrize("seed", range(8))
def test_interrupted_anywhere(tmp_path, seed):
    """Stopped at a random moment: what was written is whole, and the next run is none the worse."""
    around = environment(tmp_path, NBTOOLS_CACHE=str(tmp_path / "cache"), NBTOOLS_DATA=str(tmp_path / "data"))
    command = [sys.executable, "-m", "nbtools", "run", "03", "-o", str(tmp_path / "out")]
    going = subprocess.Popen(
        command,
        env=around,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(float(np.random.default_rng(seed).uniform(2, 30)))
    os.killpg(going.pid, signal.SIGINT if seed % 2 else signal.SIGKILL)
    going.wait()
    for written in (tmp_path / "out").rglob("*.json") if (tmp_path / "out").is_dir() else ():
        json.loads(written.read_text(encoding="utf-8"))
    done = subprocess.run(command, env=around, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and as_stored(tmp_path, "03_transport"), done.stdout[-1500:]
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
