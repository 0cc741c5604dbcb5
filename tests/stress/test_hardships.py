"""Notebooks where much is missing: in any order, with no network, no extra, no whole cache, no end."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
COMMA = """
import locale
locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
if locale.localeconv()["decimal_point"] != ",":
    raise SystemExit("no comma")
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


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of its own in memory, which can be full or read-only for root as well."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="module")
def comma(tmp_path_factory) -> dict[str, str]:
    """The surroundings of a German: the system's locale, or one built here; empty where neither can be had."""
    folder = tmp_path_factory.mktemp("locales")
    build = ["localedef", "-i", "de_DE", "-f", "UTF-8", str(folder / "de_DE.UTF-8")]
    try:
        built = subprocess.run(build, capture_output=True, check=False).returncode == 0
    except OSError:
        built = False
    german = {name: "de_DE.UTF-8" for name in ("LC_ALL", "LANG", "LC_NUMERIC")}
    german |= {"LOCPATH": str(folder)} if built else {}
    tried = subprocess.run(
        [sys.executable, "-c", COMMA], env=os.environ | german, capture_output=True, check=False
    )
    return german if tried.returncode == 0 else {}


def test_notebooks_in_any_order(tmp_path):
    """None leans on what another left: the verdicts are those of the stored order, and so is the sum of them."""
    order = np.random.default_rng(9).permutation(NOTEBOOKS)
    for name in [*order, "07_the_paper_in_numbers", "00_start_here"]:
        done = run(tmp_path, name)
        assert done.returncode == 0 and as_stored(tmp_path, name), (
            f"{name} of {list(order)}: {done.stdout[-800:]}"
        )


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_network_no_screen_and_a_comma_for_a_point(tmp_path, comma, name):
    """Nothing is asked of another machine, and a locale changes no number."""
    done = run(tmp_path, name, habit=NO_NETWORK + (COMMA if comma else ""), **comma)
    assert done.returncode == 0 and as_stored(tmp_path, name), done.stdout[-1500:]
    if not comma:
        pytest.skip(
            "ran with no network, but with a point: no locale of decimal commas is here, nor localedef"
        )


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_optional_extra(tmp_path, name):
    """Without napari, K3D, RosettaSciIO and skan the rest runs, and what is left out is said in a sentence."""
    done = run(tmp_path, name, habit=NO_EXTRAS)
    if name.startswith("06"):  # all its data are in microscopes' formats
        assert done.returncode == 1 and "pip install 'mgb2-notebooks[microscopy]'" in done.stdout
    else:
        assert done.returncode == 0, done.stdout[-1500:]


def test_a_cache_where_no_folder_can_be(tmp_path):
    """A file stands where the folder of the cache should be: everything is computed, nothing is said to be kept."""
    (tmp_path / "cache").write_text("no folder", encoding="utf-8")
    done = run(tmp_path, "03_transport", NBTOOLS_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 0 and as_stored(tmp_path, "03_transport"), done.stdout[-1500:]


def test_a_cache_that_can_only_be_read(tmp_path):
    """Cold, and warm on a disk that became read-only: the stored verdicts, and not a byte of it changed."""
    with small_disk(tmp_path / "disk", "500m") as disk:
        cache = {"NBTOOLS_CACHE": str(disk / "cache")}
        assert run(tmp_path, "05_ac_susceptibility", **cache).returncode == 0
        assert as_stored(tmp_path, "05_ac_susceptibility")
        kept = {path: path.stat().st_mtime_ns for path in disk.rglob("*")}
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        done = run(tmp_path, "05_ac_susceptibility", **cache)
        assert done.returncode == 0 and as_stored(tmp_path, "05_ac_susceptibility"), done.stdout[-1500:]
        assert kept == {path: path.stat().st_mtime_ns for path in disk.rglob("*")}
    assert any(path.name == "output.pkl" for path in kept)


def test_a_cache_on_a_full_disk(tmp_path):
    """One megabyte and no more: the numbers are those of an empty cache."""
    with small_disk(tmp_path / "disk", "1m") as disk:
        done = run(tmp_path, "03_transport", NBTOOLS_CACHE=str(disk / "cache"))
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


def stop_at_a_random_cell(command: list[str], seed: int, **options) -> int:
    """Start, wait for one of the first 30 cells and for a moment more, stop with all that belongs to it; the cell."""
    random = np.random.default_rng(seed)
    going = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True, **options)
    assert going.stdout is not None
    cell = int(random.integers(1, 31))
    for line in going.stdout:
        place = line.split()[1].split("/") if len(line.split()) > 1 else []
        if len(place) == 2 and int(place[0]) >= min(cell, int(place[1])):
            break
    time.sleep(random.uniform(0, 2))
    os.killpg(going.pid, signal.SIGINT if seed % 2 else signal.SIGKILL)
    going.communicate()
    return cell


def all_whole(folder: Path) -> bool:
    """Each file that is there can be read to its end; what a killed process had not yet named is hidden."""
    for path in folder.rglob("[!.]*"):
        if path.suffix in (".json", ".ipynb"):
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as rows:
                assert len({len(row) for row in csv.reader(rows) if row and not row[0].startswith("#")}) == 1
        elif path.suffix == ".pdf":
            assert path.read_bytes().rstrip().endswith(b"%%EOF"), path
    return True


@pytest.mark.parametrize("seed", range(len(NOTEBOOKS)))
def test_interrupted_at_a_random_cell(tmp_path, seed):
    """With nothing recorded nor kept before: what was written is whole, and the next run is none the worse."""
    name = NOTEBOOKS[seed]
    around = environment(tmp_path, NBTOOLS_CACHE=str(tmp_path / "cache"), NBTOOLS_DATA=str(tmp_path / "data"))
    command = [sys.executable, "-m", "nbtools", "run", name[:2], "-o", str(tmp_path / "out")]
    cell = stop_at_a_random_cell(command, seed, env=around, cwd=tmp_path)
    assert all_whole(tmp_path / "out"), f"stopped at cell {cell}"
    done = subprocess.run(command, env=around, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and as_stored(tmp_path, name), (
        f"stopped at cell {cell}: {done.stdout[-1500:]}"
    )
