"""The one lock and the files that Binder reads."""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
BINDER = ROOT / "binder"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (BINDER / "requirements.txt").read_text(encoding="utf-8")
SCRIPTS = [path for path in BINDER.iterdir() if not path.suffix]
PACKAGE_LISTS = [*BINDER.glob("apt.txt"), ROOT / "tests" / "apt.txt"]
# A locked package: `name==version`, perhaps `; marker`, then its hashes, then the comments that say for whom.
ENTRY = re.compile(
    r"^([A-Za-z0-9._-]+)==(\S+)(?: ; ([^\\\n]*))?(.*(?:\n +(?:--hash|#).*)*)$", flags=re.MULTILINE
)


def locked() -> dict[str, list[re.Match[str]]]:
    entries: dict[str, list[re.Match[str]]] = {}
    for entry in ENTRY.finditer(LOCK):
        entries.setdefault(canonicalize_name(entry[1]), []).append(entry)
    return entries


def requirements() -> list[Requirement]:
    optional = PROJECT["optional-dependencies"].values()
    return [Requirement(line) for group in (PROJECT["dependencies"], *optional) for line in group]


def asked_for(entry: re.Match[str]) -> bool:
    """Whether the lock notes that our own pyproject.toml asks for this package."""
    return f"via {PROJECT['name']} (pyproject.toml)" in entry[4] or f"#   {PROJECT['name']} (" in entry[4]


def test_every_requirement_is_locked_at_a_version_it_accepts() -> None:
    """Core and extras: what pyproject.toml asks for is what the lock installs."""
    entries = locked()
    wrong = {
        str(requirement): [entry[2] for entry in entries.get(canonicalize_name(requirement.name), [])]
        for requirement in requirements()
        if not any(
            requirement.specifier.contains(entry[2])
            for entry in entries.get(canonicalize_name(requirement.name), [])
        )
    }
    assert not wrong, "pyproject.toml and the lock differ: run `make lock`"


def test_the_lock_was_made_from_these_requirements() -> None:
    """What the lock says our pyproject.toml asks for is what it asks for: no more, no less."""
    direct = {name for name, entries in locked().items() if any(map(asked_for, entries))}
    wanted = {canonicalize_name(requirement.name) for requirement in requirements()}
    assert direct == wanted, "run `make lock`"


def test_every_locked_package_is_hashed() -> None:
    """Nothing is installed that was not seen when the lock was made, and no line is anything else."""
    assert not [
        entry[1] for found in locked().values() for entry in found if "--hash=sha256:" not in entry[4]
    ]
    packages = [line for line in LOCK.splitlines() if line and line[0] not in " #"]
    assert len(packages) == sum(map(len, locked().values())) > 50


def test_the_lock_names_no_host_and_no_path() -> None:
    """It holds on any index and in any folder."""
    assert not re.search(r"https?:|file:|@ |--(extra-)?index-url|--find-links|^[./~]", LOCK, re.MULTILINE)


def test_the_lock_serves_linux_and_mac() -> None:
    """No marker shuts either out of a package that we ask for ourselves."""
    for requirement in requirements():
        markers = [entry[3] or "" for entry in locked()[canonicalize_name(requirement.name)]]
        assert any("sys_platform" not in m and "platform_system" not in m for m in markers), requirement


def test_binder_runs_a_python_that_the_package_accepts() -> None:
    """runtime.txt and requires-python agree."""
    runtime = (BINDER / "runtime.txt").read_text().strip()
    assert re.fullmatch(r"python-3\.\d+", runtime)
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(
        runtime.removeprefix("python-") + ".0"
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_binder_scripts_can_be_run(script: Path) -> None:
    """Executable, with an interpreter, and no syntax error."""
    assert script.read_text().startswith("#!/usr/bin/env bash\n")
    assert script.stat().st_mode & 0o111 == 0o111
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


def test_binder_asks_nobody_for_news() -> None:
    """Settings that JupyterLab has, switched off, and put where it looks for them."""
    settings = json.loads((BINDER / "default_setting_overrides.json").read_text(encoding="utf-8"))
    schemas = Path(sys.prefix) / "share" / "jupyter" / "lab" / "schemas"
    for plugin, chosen in settings.items():
        package, _, name = plugin.partition(":")
        schema = json.loads((schemas / package / f"{name}.json").read_text(encoding="utf-8"))
        assert set(chosen) <= set(schema["properties"])
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    assert "/etc/jupyter/labconfig/default_setting_overrides.json" in (BINDER / "postBuild").read_text()


@pytest.mark.parametrize("path", PACKAGE_LISTS, ids=lambda path: path.parent.name)
def test_system_packages_are_names(path: Path) -> None:
    """One package a line, comments on lines of their own, as repo2docker reads them."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    assert lines
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", line) for line in lines)


def test_binder_brings_a_desktop_and_no_browser_nor_screen_in_memory() -> None:
    """napari's window opens in a tab of the reader's browser: a VNC server, a window manager, and their proxy."""
    packages = (BINDER / "apt.txt").read_text(encoding="utf-8").split()
    assert {"tigervnc-standalone-server", "openbox"} <= set(packages)
    assert not {"chromium", "xvfb", "xorg"} & set(packages)
    assert "jupyter-remote-desktop-proxy" in locked()
    start = (BINDER / "start").read_text(encoding="utf-8")
    assert "DISPLAY=:1" in start and "JUPYTER_REMOTE_DESKTOP_PROXY_XSTARTUP=/usr/bin/openbox" in start


def test_the_binder_link_is_well_formed() -> None:
    """The address is not settled: a template with its owner and repository, and a notebook that there is."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"mybinder\.org/v2/gh/([^/]+)/([^/]+)/([^?]+)\?urlpath=lab/tree/([^)]+)", text)
    assert [link[:3] for link in found] == [("OWNER", "REPO", "HEAD")]
    assert (ROOT / found[0][3]).is_file()


def test_ci_runs_the_two_commands() -> None:
    """The public workflow runs what a person runs, and at night what is longer."""
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    steps = [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]
    screen = "sudo make screen"
    runs = [step["run"] for step in steps if "run" in step]
    assert runs == [screen, "make test", screen, "make ${{ matrix.command }}", screen, "make run"]


def test_the_distribution_is_not_the_other_project_of_this_name() -> None:
    """`nbtools` on the package index is someone else's: we import that name and install another."""
    assert PROJECT["name"] != "nbtools"
    assert metadata(PROJECT["name"])["Name"] == PROJECT["name"]
