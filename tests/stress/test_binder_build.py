"""Binder's image without Docker: what repo2docker renders, and its steps in a fresh environment."""

import json
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.stress, pytest.mark.timeout(3600)]

ROOT = Path(__file__).parent.parent.parent


def fresh(folder: Path, *install: str) -> Path:
    """A new environment with these packages; its folder of programs."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", *install], check=True)
    return folder / "bin"


def test_repo2docker_takes_the_files(tmp_path):
    """Its own classes read binder/: the Python, the lock, the system's packages, postBuild and start."""
    bin_ = fresh(tmp_path / "environment", "jupyter-repo2docker")
    done = subprocess.run(
        [bin_ / "jupyter-repo2docker", "--no-build", "--debug", ROOT],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-1500:]
    rendered = done.stdout + done.stderr
    assert "binder/requirements.txt" in rendered and "3.11" in rendered
    assert "binder/postBuild" in rendered and "binder/start" in rendered
    packages = [line for line in (ROOT / "binder" / "apt.txt").read_text().splitlines() if line[:1].isalpha()]
    assert all(package in rendered for package in packages)


def megabytes(said: str) -> list[float]:
    """The peak memory of each notebook that ran, as the runner says it."""
    return [float(found) for found in re.findall(r" ran after \d+ s, (\d+) MB", said)]


def seconds_to_the_first_numbers(command: list[str | Path], **options: Any) -> tuple[float, str]:
    """From the start until four cells of the notebook have run; and all that was said to its end."""
    begin, first, lines = time.monotonic(), math.inf, []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options) as going:
        assert going.stdout is not None
        for line in going.stdout:
            lines.append(line)
            if re.search(r"  +5/\d+ ", line):
                first = time.monotonic() - begin
    assert going.returncode == 0, "".join(lines)[-1500:]
    return first, "".join(lines)


def seconds_to_a_server(command: list[str | Path], folder: Path, **options: Any) -> float:
    """From the start until JupyterLab has written where it is to be found; it is stopped again."""
    begin = time.monotonic()
    with subprocess.Popen(command, **options) as server:
        while not list(folder.glob("jpserver-*.json")) and time.monotonic() - begin < 120:
            assert server.poll() is None, "the server ended"
            time.sleep(0.2)
        server.terminate()
    return time.monotonic() - begin


def test_the_steps_of_the_build(tmp_path):
    """A clean checkout: the lock, postBuild, start; then a server and a notebook answer within a minute."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    home, out, runtime = (tmp_path / name for name in ("home", "out", "runtime"))
    home.mkdir()
    subprocess.run(["tar", "-x", "-C", home], input=archive, check=True)
    bin_ = fresh(
        tmp_path / "environment", "--require-hashes", "-r", str(home / "binder" / "requirements.txt")
    )
    ours = ("NBTOOLS_DATA", "NBTOOLS_CACHE", "NBTOOLS_RESULTS", "NBTOOLS_LESSONS", "DISPLAY")
    around = {name: value for name, value in os.environ.items() if name not in ours}
    around |= {"PATH": f"{bin_}:{around['PATH']}", "JUPYTER_RUNTIME_DIR": str(runtime)}
    options = {"cwd": home, "env": around}
    begin = time.monotonic()
    built = subprocess.run([home / "binder" / "postBuild"], capture_output=True, text=True, **options)
    building = time.monotonic() - begin
    assert built.returncode == 0, built.stderr[-1500:]
    notebooks = list((home / "notebooks").glob("*.ipynb"))
    said = built.stdout[-1500:]
    assert "did not run through" not in built.stdout and len(megabytes(built.stdout)) == len(notebooks), said
    start = home / "binder" / "start"
    lab = ["jupyter", "lab", "--no-browser", "--allow-root", "--port=0", "--ServerApp.open_browser=False"]
    serving = seconds_to_a_server([start, *lab], runtime, stderr=subprocess.DEVNULL, **options)
    first, said = seconds_to_the_first_numbers(
        [start, "python", "-m", "nbtools", "run", "01", "-o", out], **options
    )
    memory = max([*megabytes(built.stdout), *megabytes(said)])
    print(
        f"postBuild {building:.0f} s; server {serving:.0f} s, first numbers of 01 {first:.0f} s later; {memory} MB"
    )
    assert verdicts(out / "01_structure.json") == verdicts(
        home / "notebooks" / "results" / "01_structure.json"
    )
    assert serving + first < 60 and memory <= 1500


def verdicts(ledger: Path) -> dict[str, str]:
    return {one["id"]: one["verdict"] for one in json.loads(ledger.read_text(encoding="utf-8"))["verdicts"]}
