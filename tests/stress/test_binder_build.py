"""Binder's image without Docker: what repo2docker renders, and its steps in a fresh environment."""

import os
import subprocess
import sys
import time
from pathlib import Path

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


def test_the_steps_of_the_build(tmp_path):
    """A clean checkout: the lock, postBuild, start; then a notebook answers within a minute, from what was kept."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run(["tar", "-x", "-C", home], input=archive, check=True)
    bin_ = fresh(
        tmp_path / "environment", "--require-hashes", "-r", str(home / "binder" / "requirements.txt")
    )
    around = {
        name: value for name, value in os.environ.items() if name not in ("NBTOOLS_DATA", "NBTOOLS_CACHE")
    }
    around["PATH"] = f"{bin_}:{around['PATH']}"
    subprocess.run([home / "binder" / "postBuild"], cwd=home, env=around, check=True)
    begin = time.monotonic()
    command = [home / "binder" / "start", "python", "-m", "nbtools", "run", "00", "-o", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=home, env=around, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-1500:]
    assert time.monotonic() - begin < 60
