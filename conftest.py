"""What every test and every notebook under test shares."""

import os
import tempfile
from pathlib import Path

import pytest

from nbtools.manifest import status
from nbtools.results import LEFT_OUT, differences
from nbtools.runner import NOTEBOOKS, read_results

ROOT = Path(__file__).parent
# A student who answered in this checkout is not part of any test; nbval's kernels take this on, too.
NO_LESSONS = tempfile.TemporaryDirectory(prefix="lessons-")
os.environ["NBTOOLS_LESSONS"] = NO_LESSONS.name
RESULTS = tempfile.TemporaryDirectory(prefix="results-")
MIRROR = Path(os.environ.get("NBTOOLS_MIRROR") or ROOT.parent / "shared" / "realdata")


class Numbers(pytest.Item):
    """After the last cell of a notebook: its fresh results are the stored ones.

    Numbers to one part in a million, verdicts to the word; the measured ones where the files are.
    """

    def runtest(self) -> None:
        name = self.path.stem
        stored, ours = (read_results(name, folder) for folder in (NOTEBOOKS / "results", results_of(name)))
        assert stored and ours
        moved = [line for _, line in differences(stored, ours)]
        if any(row.state == "missing" for row in status()):
            moved = [line for line in moved if not line.endswith(LEFT_OUT)]
        assert not moved


def results_of(notebook: str) -> Path:
    """Where the run of a notebook that nbval makes keeps its results."""
    return Path(RESULTS.name) / notebook


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Notebooks first, then the files that run them: of two workers none waits for a long file at the end."""
    long = {item.path for item in items if item.get_closest_marker("notebook")}
    items.sort(key=lambda item: (item.path.suffix != ".ipynb", item.path not in long))
    for notebook in dict.fromkeys(item.parent for item in items if item.path.suffix == ".ipynb"):
        last = max(number for number, item in enumerate(items) if item.parent is notebook)
        items.insert(last + 1, Numbers.from_parent(notebook, name="numbers"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """The kernel of a notebook starts with its first cell, and keeps its results where none are stored.

    Whatever runs after it, a module's fixture among it, does not take them for its own.
    """
    owner = item.path.stem if item.path.suffix == ".ipynb" else "of no notebook"
    os.environ["NBTOOLS_RESULTS"] = str(results_of(owner))


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of other people's measured files; a test that needs it is skipped where it is absent."""
    if not MIRROR.is_dir():
        pytest.skip(
            f"no measured files: {MIRROR.name} is not beside the project and NBTOOLS_MIRROR is not set"
        )
    return MIRROR


@pytest.fixture(autouse=True)
def own_folders(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes into the project: data, cache and results go to a folder of its own.

    Only the tests that run whole notebooks share build/'s recorded twins and cached numbers, as nbval does.
    """
    monkeypatch.setenv("NBTOOLS_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("NBTOOLS_LESSONS", str(tmp_path / "lessons"))
    if not request.node.get_closest_marker("notebook"):
        monkeypatch.setenv("NBTOOLS_DATA", str(tmp_path / "data"))
        monkeypatch.setenv("NBTOOLS_CACHE", str(tmp_path / "cache"))
