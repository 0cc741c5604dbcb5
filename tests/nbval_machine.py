"""nbval on another machine: each notebook under dust, with a cache and data of its own, compared with tolerance."""

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dust
import pytest
from nbformat.v4 import new_code_cell
from nbval.plugin import IPyNbCell, IPyNbFile
from nbval_tolerance import text_differences

from nbtools.manifest import status
from nbtools.results import differences, left_out
from nbtools.runner import read_results

DEFAULT_SEED = 2026
# In the kernel, after the notebook's own cells.
DRIVE = f"""import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from driven_widgets import drive_all
drive_all()"""


class Text(str):
    """What a cell prints; two are equal within the tolerance."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return not text_differences(self, other) if isinstance(other, str) else NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other


class Cell(IPyNbCell):
    """A cell whose texts are compared within the tolerance."""

    def sanitize(self, s: Any) -> Any:
        """What nbval compares of an output."""
        return Text(super().sanitize(s)) if isinstance(s, str) else s

    def format_output_compare(self, key: str, left: Any, right: Any) -> None:
        """Each difference with what stands around it."""
        both = isinstance(left, str) and isinstance(right, str)
        told = text_differences(left, right) if both else [f"stored: {left}", f" fresh: {right}"]
        self.comparison_traceback += [f"{key}:", *told]

    def raise_cell_error(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Whatever went wrong, it says on which machine, so that it can be seen again."""
        super().raise_cell_error(f"{message}, with {self.parent.machine}", *args, **kwargs)


class Numbers(pytest.Item):
    """After the last cell of a notebook: its fresh results are the stored ones, by `nbtools.results.differences`."""

    def runtest(self) -> None:
        name = self.path.stem
        folders = (self.path.parent / "results", self.parent.results)
        stored, ours = (read_results(name, folder) for folder in folders)
        if stored is None and ours is None:
            return  # a notebook that keeps no numbers: the classroom
        assert stored and ours, f"with {self.parent.machine}: stored {stored}, fresh {ours}"
        moved = differences(stored, ours)
        # Measured files are not everywhere.
        if all(row.state != "missing" for row in status()):
            moved += left_out(stored, ours)
        assert not moved, "\n".join([f"with {self.parent.machine}", *moved])


class Notebook(IPyNbFile):
    """A notebook whose kernel runs on another machine: under dust, and with empty folders that nothing else reads."""

    def collect(self) -> Iterator[pytest.Item]:
        for cell in super().collect():
            yield Cell.from_parent(
                self, name=cell.name, cell_num=cell.cell_num, cell=cell.cell, options=cell.options
            )
        yield Numbers.from_parent(self, name="numbers")
        widgets = new_code_cell(DRIVE, execution_count=1)
        yield Cell.from_parent(self, name="widgets", cell_num=-1, cell=widgets, options=defaultdict(bool))

    @property
    def machine(self) -> str:
        """What the kernel ran under, as the reader of a failure may set it."""
        variables = {dust.SEED: str(seed())} | {
            name: os.environ.get(name, "") for name in dust.OTHER_PROCESSOR
        }
        return " ".join(f"{name}={value!r}" for name, value in variables.items() if value)

    @property
    def results(self) -> Path:
        return Path(self.folder.name) / "results"

    def setup(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="machine-")
        own = {
            f"NBTOOLS_{name.upper()}": str(Path(self.folder.name) / name)
            for name in ("cache", "data", "lessons", "results")
        }
        with environment(own | dust.around(seed())):
            super().setup()

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


def seed() -> int:
    """``NBTOOLS_DUST``, or the one of `make test`; 0 is no dust."""
    return int(os.environ.get(dust.SEED) or DEFAULT_SEED)


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """These variables for the processes that are started meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Iterator[list[Any]]:
    """nbval's notebooks are ours."""
    found = yield
    return [
        Notebook.from_parent(parent, path=one.path) if isinstance(one, IPyNbFile) else one for one in found
    ]
