"""The commands of the Makefile, without running what they run."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
COMMANDS = ("lab", "run", "test", "notebooks", "bench", "nightly", "stress", "newest", "lock", "clean")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """As a person calls it: without what an outer `make` hands down."""
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    command = ["make", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the set-up looks at, in a folder of its own."""
    (tmp_path / "binder").mkdir()
    for name in ("Makefile", "pyproject.toml", "binder/requirements.txt"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


def test_make_lists_the_commands() -> None:
    """Each with what it does."""
    listed = {line.split()[1]: line.split()[2:] for line in make().stdout.splitlines()}
    assert set(listed) == {"help", *COMMANDS}
    assert all(listed.values())


def test_without_a_python_the_way_out_is_said(checkout: Path) -> None:
    """What is needed, what was found, what to do; nothing is begun."""
    done = make("run", "PYTHON=", folder=checkout)
    assert done.returncode
    assert "Python 3.11 or newer is needed, and Python 3." in done.stdout
    assert "make PYTHON=/path/to/python3.12" in done.stdout
    assert not (checkout / ".venv").exists()


def test_set_up_is_done_once_until_the_lock_changes(checkout: Path) -> None:
    """A no-op when set up; due again when the lock or pyproject.toml is newer."""
    ready = checkout / ".venv" / ".ready"
    ready.parent.mkdir()
    ready.touch()
    assert "requirements.txt" not in make("-n", "run", folder=checkout).stdout
    for name in ("pyproject.toml", "binder/requirements.txt"):
        os.utime(checkout / name, (2e9, 2e9))
        assert "requirements.txt" in make("-n", "run", folder=checkout).stdout
        os.utime(checkout / name, (1e9, 1e9))


def test_ci_is_make_test() -> None:
    """Nothing else of substance."""
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith(("#", "set ", "cd "))] == ["make test"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_workflow_calls_commands_that_are_there() -> None:
    """On GitHub nothing but `make`: the packages that a runner lacks, and each night what `make test` leaves out."""
    [path] = (ROOT / ".github" / "workflows").glob("*.yml")
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    run = {step["run"] for job in jobs.values() for step in job["steps"] if "run" in step}
    assert run == {"make test", "make run", "sudo make screen", "make ${{ matrix.command }}"}
    assert set(jobs["nightly"]["strategy"]["matrix"]["command"]) <= set(COMMANDS)
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {"screen", *COMMANDS} <= set(targets)
