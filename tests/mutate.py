"""Change one operator or digit of the package at a time, and see whether a unit test notices.

    python tests/mutate.py --seed 7 --count 40 [--only nbtools/stem]

Changes are drawn by the seed from models, estimators, statements and drawings. Each is made where a process forked from
this one imports the package, never in the checkout. First the unit tests run once unchanged, while coverage notes which
test runs which line; of a changed line only those tests run, then the rest of their files. Numbers that place or style
a drawing (STYLE) are not changed. Survivors are listed with their line; the exit code is 1 where fewer than 90 % are
caught. With MUTATE_LOG=file what pytest printed is kept.
"""

import argparse
import ast
import gc
import hashlib
import importlib
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import coverage
import pytest
from test_layers import ROOMS, layer

ROOT = Path(__file__).parent.parent
LAYERS = (
    "physics",
    "statistics",
    "model",
    "estimator",
    "statements",
    "draw",
    "joint",
    "joint draw",
    "paper draw",
)
# What a reader of the figure would not call wrong.
STYLE = """
    alpha aspect bbox_to_anchor bottom capsize cmap constrained dpi figsize fontsize gridspec_kw handlelength
    height_ratios hspace labelpad labelsize labelspacing layout left linewidth linewidths loc lw markeredgewidth
    markersize mew ms nbins ncols pad right rotation rowspan s sharex sharey shrink size title_fontsize top va
    width_ratios wspace xytext zorder
"""
UNIT = "not notebook and not browser and not nightly and not stress"
QUIETLY = ["-q", "-W", "ignore::pytest.PytestAssertRewriteWarning", "-p", "no:cacheprovider", "-m", UNIT]
ENOUGH = 0.9
FORK = get_context("fork")
# Imported once, before the forks: seconds that no change need wait for again.
OTHERS = """
    matplotlib.pyplot xarray pandas pint scipy.integrate scipy.ndimage scipy.optimize scipy.signal scipy.spatial
    scipy.special scipy.stats skimage.measure skimage.segmentation ipywidgets IPython.display bqplot joblib yaml PIL
    hypothesis nbval.plugin nbclient skimage.restoration skimage.morphology
"""
TIMEOUT = 1200  # s for the tests of one change; an endless loop is noticed, too
OPERATORS: dict[type, str] = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*"}
# Turned round: < for <= is the same program on measured numbers. The edge of a count moves where its number changes.
COMPARISONS: dict[type, str] = {
    ast.Lt: ">",
    ast.LtE: ">=",
    ast.Gt: "<",
    ast.GtE: "<=",
    ast.Eq: "!=",
    ast.NotEq: "==",
}
SYMBOLS: dict[type, str] = {
    **{ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"},
    **{ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="},
}


@dataclass(frozen=True)
class Change:
    """One change: the file, where in its text, what stood there and what stands there now."""

    path: Path
    start: int
    end: int
    before: str
    after: str
    lines: range  # of the statement that it stands in

    @property
    def line(self) -> int:
        return self.path.read_text(encoding="utf-8").count("\n", 0, self.start) + 1

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.before!r} became {self.after!r}"


def changes_of(path: Path) -> Iterator[Change]:
    """Every change that could be made to a file: of what is computed, not of docstrings and annotations."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def place(row: int, column: int) -> int:
        return starts[row - 1] + len(lines[row - 1].encode()[:column].decode())

    def span(node: ast.AST) -> tuple[int, int]:
        return place(node.lineno, node.col_offset), place(node.end_lineno, node.end_col_offset)

    def between(left: ast.AST, right: ast.AST, old: str, new: str, rows: range) -> Iterator[Change]:
        start, end = span(left)[1], span(right)[0]
        at = text.find(old, start, end)
        if at >= 0 and not text[start:at].strip(" \n()"):
            yield Change(path, at, at + len(old), old, new, rows)

    for node, rows in _walk(ast.parse(text)):
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            kind = type(node.op)
            yield from between(node.left, node.right, SYMBOLS[kind], OPERATORS[kind], rows)
        elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
            kind = type(node.ops[0])
            yield from between(node.left, node.comparators[0], SYMBOLS[kind], COMPARISONS[kind], rows)
        elif isinstance(node, ast.BoolOp):
            old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
            yield from between(node.values[0], node.values[1], old, new, rows)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
            start, end = span(node)[0], span(node.operand)[0]
            yield Change(path, start, end, text[start:end], "", rows)
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            start, end = span(node)
            yield Change(path, start, end, text[start:end], another_digit(text[start:end]), rows)


def another_digit(number: str) -> str:
    """A number with its leading digit changed by one: 0.05 becomes 0.06, 250 becomes 350, 1e-9 becomes 2e-9."""
    leading = re.search("[1-9]", number.lower().partition("e")[0]) or re.search("0", number)
    place, digit = leading.start(), int(leading[0])
    return number[:place] + str(digit - 1 if digit == 9 else digit + 1) + number[place + 1 :]


def _walk(tree: ast.Module) -> Iterator[tuple[ast.AST, range]]:
    """The nodes that are computed when the package runs, with the lines of their statement or of its head."""
    waiting: list[tuple[ast.AST, range]] = [(tree, range(0))]
    while waiting:
        node, rows = waiting.pop()
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            rows = range(node.lineno, body[0].lineno if body else node.end_lineno + 1)
        if isinstance(node, ast.keyword) and node.arg in STYLE.split():
            continue
        yield node, rows
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns"):
                continue
            children = value if isinstance(value, list) else [value]
            waiting += [(child, rows) for child in children if isinstance(child, ast.AST)]


def every_change(only: Path) -> list[Change]:
    """All changes of models, estimators, statements and drawings, in a fixed order."""
    found = []
    for path in sorted((ROOT / "nbtools").rglob("*.py")):
        if only not in (path, *path.parents):
            continue
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if layer(module) in LAYERS:
            found += sorted(changes_of(path), key=lambda change: (change.start, change.after))
    return found


class Noting:
    """A pytest plugin: tells coverage which test runs, how long each takes and which fail."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        if current := coverage.Coverage.current():
            current.switch_context(item.nodeid)
        start = time.monotonic()
        done = yield
        self.seconds[item.nodeid] = time.monotonic() - start
        return done

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.add(report.nodeid)


@dataclass(frozen=True)
class Runs:
    """Which test runs which line of the unchanged package, and how many seconds it takes; those that fail are out."""

    data: coverage.CoverageData
    seconds: dict[str, float]
    failed: list[str]

    def tests_of(self, change: Change) -> tuple[list[str], list[str]]:
        """The tests that run the changed statement, the quickest first; and their files, which may share a set-up."""
        by_line = self.data.contexts_by_lineno(str(change.path))
        tests = {test for line in change.lines for test in by_line.get(line, ()) if test}
        if not tests:  # at import: whatever runs anything of the file
            tests = {test for found in by_line.values() for test in found if test}
        files = sorted({test.split("::")[0] for test in tests})
        kept = tests - set(self.failed)
        return sorted(kept, key=lambda test: (self.seconds.get(test, 0.0), test)), files


def folders(only: Path) -> list[str]:
    """The folders of tests that may notice: the room's own; of what several rooms use, all."""
    name = (only.relative_to(ROOT / "nbtools").parts or ("",))[0]
    own = f"tests/{name}"
    if name in (*ROOMS, "joint", "paper") and (ROOT / own).is_dir():
        return [own]
    return [f"tests/{part}" for part in ("physics", "statistics", "paper", "joint", "fitting", *ROOMS)]


def note_runs(tests: list[str]) -> Runs:
    """Run the tests once, unchanged; kept until a file of the package or of the tests changes."""
    sources = [path for part in ("nbtools", "tests") for path in sorted((ROOT / part).rglob("*.py"))]
    key = hashlib.sha256(b"".join(path.read_bytes() for path in sources) + str(tests).encode()).hexdigest()
    kept = ROOT / "build" / "mutation" / f"{key[:16]}.coverage"
    noted = kept.with_suffix(".json")
    if not noted.is_file():
        print(f"running {', '.join(tests)} unchanged", flush=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        run = FORK.Process(target=_note, args=(tests, kept, noted))
        run.start()
        run.join()
        shutil.rmtree(_own_folder(run.pid), ignore_errors=True)
    if not noted.is_file():
        sys.exit("The tests of the unchanged package could not be run: try them by pytest first")
    data = coverage.CoverageData(str(kept))
    data.read()
    runs = Runs(data, **json.loads(noted.read_text(encoding="utf-8")))
    for test in runs.failed:
        print(f"left out, because it fails here on the unchanged package: {test}")
    return runs


def _note(tests: list[str], kept: Path, noted: Path) -> None:
    _alone()
    noting = Noting()
    measuring = coverage.Coverage(data_file=str(kept), source=[str(ROOT / "nbtools")])
    measuring.start()
    pytest.main([*QUIETLY, *tests], plugins=[noting])
    measuring.stop()
    measuring.save()
    measuring.get_data().close(force=True)
    found = {"seconds": noting.seconds, "failed": sorted(noting.failed)}
    if noting.seconds:
        noted.write_text(json.dumps(found), encoding="utf-8")


def _alone() -> None:
    """Make a forked process a fresh one: nothing of ours is imported, nothing is printed, data and group of its own."""
    os.setsid()
    own = _own_folder(os.getpid())
    (own / "tmp").mkdir(parents=True)
    tempfile.tempdir = str(own / "tmp")
    os.environ |= {"OMP_NUM_THREADS": "1", "NBTOOLS_DATA": str(own / "data"), "TMPDIR": tempfile.tempdir}
    if (data := ROOT / "build" / "data").is_dir():
        shutil.copytree(data, own / "data", copy_function=os.link)
    quiet = os.open(os.environ.get("MUTATE_LOG", os.devnull), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(quiet, stream)
    for name, module in list(sys.modules.items()):
        path = Path(getattr(module, "__file__", None) or "/")
        if name != "__main__" and (
            path.parent == ROOT or {ROOT / "nbtools", ROOT / "tests"} & set(path.parents)
        ):
            del sys.modules[name]
    os.chdir(ROOT)


def _own_folder(process: int | None) -> Path:
    """What a forked process may write into, and what is removed when it has ended."""
    return ROOT / "build" / "mutation" / f"own-{process}"


def _try(change: Change, parts: tuple[list[str], list[str]], left_out: list[str]) -> None:
    """In a forked process: import the package with this change, run its tests and say how they ended."""
    _alone()
    text = change.path.read_text(encoding="utf-8")
    changed = compile(text[: change.start] + change.after + text[change.end :], str(change.path), "exec")
    get_code = SourceFileLoader.get_code

    def with_change(self: SourceFileLoader, fullname: str) -> object:
        return changed if self.path == str(change.path) else get_code(self, fullname)

    SourceFileLoader.get_code = with_change
    leaving_out = [f"--deselect={test}" for test in left_out]
    tests, files = parts
    for part in (tests, [*files, *(f"--deselect={test}" for test in tests)] if files else []):
        if part and pytest.main([*QUIETLY, "-x", *leaving_out, *part]) not in (
            0,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            os._exit(1)
    os._exit(0)


def try_all(changes: list[Change], runs: Runs, workers: int) -> Iterator[tuple[Change, bool, float]]:
    """Each change, whether a unit test failed with it, and in how many seconds; in the order in which they end."""
    waiting = list(reversed(changes))
    running: dict[BaseProcess, tuple[Change, float]] = {}
    while waiting or running:
        while waiting and len(running) < workers:
            change = waiting.pop()
            process = FORK.Process(target=_try, args=(change, runs.tests_of(change), runs.failed))
            process.start()
            running[process] = change, time.monotonic()
        wait([process.sentinel for process in running], timeout=5)
        for process, (change, start) in list(running.items()):
            seconds = time.monotonic() - start
            if process.is_alive() and seconds < TIMEOUT:
                continue
            if process.is_alive():
                os.killpg(process.pid, signal.SIGKILL)
            process.join()
            shutil.rmtree(_own_folder(process.pid), ignore_errors=True)
            del running[process]
            yield change, process.exitcode != 0, seconds


def main() -> int:
    """Draw, try, and list what no test noticed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument(
        "--only", type=Path, default=Path("nbtools"), help="a folder or a file of the package"
    )
    parser.add_argument(
        "--tests", nargs="+", help="folders or files of tests, instead of those of the room or of all"
    )
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if options.seed is None:
        parser.error("--seed is needed: the changes are drawn by it")
    only = (ROOT / options.only).resolve()
    everything = every_change(only)
    if not everything:
        parser.error(f"{options.only} holds no model, estimator, statement or drawing")
    drawn = random.Random(options.seed).sample(everything, min(options.count, len(everything)))
    print(f"{len(everything)} changes are possible; {len(drawn)} drawn with seed {options.seed}", flush=True)
    for name in OTHERS.split():
        importlib.import_module(name)
    gc.freeze()
    runs = note_runs(options.tests or folders(only))
    survivors = []
    for number, (change, caught, seconds) in enumerate(try_all(drawn, runs, options.workers), 1):
        survivors += [] if caught else [change]
        word = "caught  " if caught else "SURVIVED"
        print(f"{number:3} {word} {seconds:4.0f} s  {change}", flush=True)
    share = 1 - len(survivors) / len(drawn)
    print(f"{share:.0%} caught", *(f"survived: {change}" for change in survivors), sep="\n")
    return int(share < ENOUGH)


if __name__ == "__main__":
    sys.exit(main())
