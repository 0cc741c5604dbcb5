"""Fixtures that every test may use."""

import os
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# A student who answered in this checkout is not part of any test; nbval's kernels take this on, too.
NO_LESSONS = tempfile.TemporaryDirectory(prefix="lessons-")
os.environ["NBTOOLS_LESSONS"] = NO_LESSONS.name
MIRROR = Path(os.environ.get("NBTOOLS_MIRROR") or ROOT.parent / "shared" / "realdata")


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
