"""What every test and every notebook under test shares."""

import os
import tempfile
from pathlib import Path

import pytest

# The notebooks are run by nbval, on another machine as it were, and compared with tolerance.
pytest_plugins = ["nbval_machine"]

ROOT = Path(__file__).parent
# A student who answered in this checkout, and a notebook that ran in it, are not part of any test.
NOT_OURS = tempfile.TemporaryDirectory(prefix="tests-")
for kept in ("LESSONS", "RESULTS"):
    os.environ[f"NBTOOLS_{kept}"] = str(Path(NOT_OURS.name) / kept.lower())
MIRROR = Path(os.environ.get("NBTOOLS_MIRROR") or ROOT.parent / "shared" / "realdata")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Notebooks first, then the files that run them: of two workers none waits for a long file at the end."""
    long = {item.path for item in items if item.get_closest_marker("notebook")}
    items.sort(key=lambda item: (item.path.suffix != ".ipynb", item.path not in long))


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
    """No test writes into the project: cache and results go to a folder of its own.

    Recorded twins are shared in build/data, where each is compared with its recipe and its hashes whenever it is
    opened. Only the tests that run whole notebooks share build/'s cached numbers.
    """
    monkeypatch.setenv("NBTOOLS_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("NBTOOLS_LESSONS", str(tmp_path / "lessons"))
    if not request.node.get_closest_marker("notebook"):
        monkeypatch.setenv("NBTOOLS_CACHE", str(tmp_path / "cache"))
