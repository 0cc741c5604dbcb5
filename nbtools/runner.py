"""Notebooks executed headless: defaults or the user's parameters, progress per cell, on past a failure."""

import json
import math
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from nbtools import paths
from nbtools.notebook.document import clean, code_cells, heading_above, technique_only, with_parameters
from nbtools.paper.ledgers import STORED, RunRecord, ledger_paths
from nbtools.paper.ledgers import read_results as read_results  # where the tests look for it
from nbtools.results import dumps
from nbtools.whole_file import write_whole

NOTEBOOKS = paths.NOTEBOOKS
# What a notebook calls that sums the others up.
READS_RESULTS = "read_ledgers("

# The notebook's name, the number of a code cell, how many there are, and the heading above it.
OnCell = Callable[[str, int, int, str], None]


@dataclass(frozen=True)
class Run:
    """What became of one notebook: where the executed copy lies, seconds, bytes, what went wrong."""

    name: str
    executed: Path
    seconds: float
    peak_memory: float
    error: str = ""

    @property
    def ok(self) -> bool:
        return not self.error


def find_notebooks(names: Iterable[str] = (), *, folder: Path | None = None) -> list[Path]:
    """The notebooks asked for (``03`` or ``03_transport``), in order; all of them if none is named.

    Raises
    ------
    ValueError
        A name that fits no notebook.
    """
    known = sorted((folder or paths.NOTEBOOKS).glob("[0-9]*.ipynb"))
    asked = {Path(name).stem for name in names}
    chosen = [path for path in known if asked & {path.stem, path.stem.split("_")[0]}]
    lost = asked - {path.stem for path in chosen} - {path.stem.split("_")[0] for path in chosen}
    if lost:
        there = ", ".join(path.stem for path in known) or "none yet"
        raise ValueError(f"no notebook {', '.join(sorted(lost))}; there are {there}")
    return chosen if asked else known


def run_all(
    notebooks: Iterable[Path],
    *,
    output: Path,
    results: Path | None = None,
    workers: int = 1,
    own: bool = False,
    **options: Any,
) -> Iterator[Run]:
    """Run notebooks, going on after one that fails; options as for `run_notebook`.

    What became of each is recorded in ``run.json`` beside the ledgers, under the name that every ledger bears.

    With several `workers` (processes, each with one thread for its arithmetic) that many run at a time. Those that
    read the others' results wait for them.
    """
    notebooks, results = list(notebooks), results or output
    record = RunRecord.begin((path.stem for path in notebooks), own=own)
    record.write(results)
    run = partial(run_notebook, output=output, results=results, run=record.id, own=own, **options)
    last = [path for path in notebooks if READS_RESULTS in path.read_text(encoding="utf-8")]
    for done in _in_order(run, [path for path in notebooks if path not in last], last, workers):
        record = record.ended(done.name, done.error)
        record.write(results)
        yield done


def _in_order(run: Callable[[Path], Run], first: list[Path], last: list[Path], workers: int) -> Iterator[Run]:
    if min(workers, len(first)) > 1:
        with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_take_one_thread) as pool:
            yield from pool.map(run, first)
    else:
        yield from map(run, first)
    yield from map(run, last)


def _take_one_thread() -> None:
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def run_notebook(
    path: Path,
    *,
    output: Path,
    results: Path | None = None,
    parameters: Mapping[str, Any] | None = None,
    on_cell: OnCell | None = None,
    timeout: int | None = None,
    run: str = "",
    own: bool = False,
) -> Run:
    """Execute a copy of a notebook in the notebook's own folder, with the Python that runs this line.

    Parameters
    ----------
    path : the notebook; it is read, never written
    output : the folder that gets the executed copy, up to and including a cell that failed
    results : the folder for the ledger, figures and tables (``NBTOOLS_RESULTS``); by default `output`
    parameters : values that replace those of the cell tagged ``parameters``
    on_cell : called before each code cell: notebook, number of the cell, how many there are, heading above
    timeout : seconds for one cell; none by default
    run : the name of the run that this is part of, for the ledgers
    own : whether it is on somebody's own data, in a folder of their own

    Raises
    ------
    ValueError
        A parameter that the notebook does not have.
    """
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    if parameters:
        notebook = with_parameters(notebook, parameters)
        if not speaks_of_the_paper(parameters):
            technique_only(notebook)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    results = results or output
    # A run that fails early must not pass for the one before.
    for ledger in ledger_paths(path.stem, results):
        ledger.unlink()
    start = time.perf_counter()
    environment = _environment(results, run, own)
    error, peak_memory = _execute(notebook, path, environment, on_cell, timeout)
    done = Run(path.stem, output / path.name, time.perf_counter() - start, peak_memory, error)
    clean(notebook)
    # JSON has no NaN, so the numbers travel as text.
    notebook.metadata["run"] = {"seconds": f"{done.seconds}", "peak_memory": f"{peak_memory}", "error": error}
    write_whole(done.executed, nbformat.writes(notebook))
    return done


def show_progress(name: str, number: int, of: int, heading: str) -> None:
    """Which cell begins, on one line of a terminal, or a line each where it is no terminal."""
    line = f"{name}  {number:3}/{of}  {heading}"
    if sys.stdout.isatty():
        print(f"\r\x1b[K{line[: shutil.get_terminal_size().columns - 1]}", end="", flush=True)
    else:
        print(line, flush=True)


def read_run(executed: Path) -> Run:
    """The run that left this executed notebook."""
    import nbformat

    record = nbformat.read(executed, as_version=4).metadata.get("run", {})
    seconds, peak_memory = (float(record.get(name, "nan")) for name in ("seconds", "peak_memory"))
    return Run(executed.stem, executed, seconds, peak_memory, record.get("error", ""))


def store(run: Run, *, results: Path, folder: Path | None = None) -> None:
    """Make a run's outputs and ledgers the stored ones: the notebook itself, and ``results/`` beside it.

    Raises
    ------
    ValueError
        A run that failed.
    """
    import nbformat

    if not run.ok:
        raise ValueError(f"{run.name} is not stored, because it failed: {run.error}")
    notebook = nbformat.read(run.executed, as_version=4)
    del notebook.metadata["run"]
    folder = folder or paths.NOTEBOOKS
    write_whole(folder / run.executed.name, nbformat.writes(notebook))
    for path in ledger_paths(run.name, results):
        content = json.loads(path.read_text(encoding="utf-8"))
        # Which run it was is of no account there, and would change the file each time.
        write_whole(folder / "results" / path.name, dumps(content | {"run": STORED}))


def _execute(
    notebook: Any, path: Path, environment: dict[str, str], on_cell: OnCell | None, timeout: int | None
) -> tuple[str, float]:
    """Run the cells in order; what went wrong (empty if nothing) and the kernel's peak memory in bytes."""
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellControlSignal, DeadKernelError

    manager = AsyncKernelManager(kernel_spec_manager=_this_python(), transport_encryption="auto")
    reached, peaks = [0], [math.nan]

    def starting(cell: Any, cell_index: int) -> None:
        if cell.cell_type == "code":
            reached.append(cell_index)
            if on_cell:
                on_cell(path.stem, *_place(notebook, cell_index))

    client = NotebookClient(
        notebook,
        km=manager,
        resources={"metadata": {"path": str(path.parent)}},
        timeout=timeout,
        coalesce_streams=True,
        record_timing=False,
        store_widget_state=False,
        on_cell_start=starting,
        on_cell_executed=lambda **_: peaks.append(_peak_memory(manager)),
    )
    with tempfile.TemporaryDirectory() as profile:
        try:
            client.execute(cleanup_kc=True, env=environment | {"IPYTHONDIR": profile})
        except (CellControlSignal, DeadKernelError) as problem:
            number, of, heading = _place(notebook, reached[-1])
            return f"cell {number} of {of} ({heading}): {_one_line(problem)}", peaks[-1]
        except AssertionError:
            # On Ctrl-C nbclient puts the kernel away itself, and then misses it.
            raise KeyboardInterrupt from None
    return "", peaks[-1]


def _this_python() -> Any:
    """Kernel specs that know one kernel only: the Python that runs this line, wherever Jupyter would look."""
    from ipykernel.kernelspec import RESOURCES, get_kernel_dict
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

    class ThisPython(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())

    return ThisPython()


# The parameters by which a notebook is given data.
INPUTS = ("DATA", "POWDER", "CIFS")


def speaks_of_the_paper(parameters: Mapping[str, Any]) -> bool:
    """Whether a run with these parameters is on a twin of the manifest, and not on somebody's own data."""
    from nbtools.manifest import is_twin

    return all(is_twin(parameters[name]) for name in INPUTS if parameters.get(name))


def _environment(results: Path, run: str, own: bool) -> dict[str, str]:
    """Ours, without what would make an output differ from person to person, and a thread for each notebook."""
    ours = {"OMP_NUM_THREADS": "1"} | {
        name: value for name, value in os.environ.items() if name != "MPLBACKEND"
    }
    whose = {paths.RUN: run, paths.OWN_RUN: "1" if own else ""}
    return ours | whose | {"NBTOOLS_RESULTS": str(results.resolve()), "TQDM_DISABLE": "1"}


def _place(notebook: Any, index: int) -> tuple[int, int, str]:
    """Which code cell this is, of how many, under which heading."""
    code = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    return sum(i <= index for i in code), len(code), heading_above(notebook, index)


def _peak_memory(manager: Any) -> float:
    """The kernel's high-water mark in bytes, where the system tells it (Linux)."""
    try:
        status = Path(f"/proc/{manager.provisioner.pid}/status").read_text()
    except (OSError, AttributeError):
        return math.nan
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return 1024.0 * int(found[1]) if found else math.nan


def _one_line(problem: Exception) -> str:
    """``ValueError: what was said``, without colours and traceback."""
    name = getattr(problem, "ename", type(problem).__name__)
    said = re.sub(r"\x1b\[[0-9;]*m", "", getattr(problem, "evalue", "") or str(problem))
    return f"{name}: {said.strip().partition(chr(10))[0]}"
