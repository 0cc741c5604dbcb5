"""Change one operator or digit of the package at a time, and see whether a unit test notices.

    python tests/mutate.py --seed 7 --count 40 [--only nbtools/stem]

Changes are drawn by the seed from models, estimators, statements and drawings. Each is made in a copy of the package,
never in the checkout. First the unit tests run once unchanged, while coverage notes which test runs which line; of a
changed line only those tests run, then the rest of their files. Numbers that place or style a drawing (STYLE) are not
changed. Survivors are listed with their line; the exit code is 1 where fewer than 90 % are caught.
"""

import argparse
import ast
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
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
QUIETLY = ["-x", "-q", "-p", "no:cacheprovider", "-m", UNIT]
ENOUGH = 0.9
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
    """A pytest plugin: tells coverage which test runs, and notes how long each takes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        if current := coverage.Coverage.current():
            current.switch_context(item.nodeid)
        start = time.monotonic()
        done = yield
        self.seconds[item.nodeid] = time.monotonic() - start
        return done

    def pytest_sessionfinish(self) -> None:
        self.path.write_text(json.dumps(self.seconds), encoding="utf-8")


@dataclass(frozen=True)
class Runs:
    """Which test runs which line of the unchanged package, and how many seconds it takes."""

    data: coverage.CoverageData
    seconds: dict[str, float]

    def tests_of(self, change: Change) -> list[list[str]]:
        """The tests that run the changed statement, the quickest first; then their files, which may share a set-up."""
        by_line = self.data.contexts_by_lineno(str(change.path))
        tests = {test for line in change.lines for test in by_line.get(line, ()) if test}
        if not tests:  # at import: whatever runs anything of the file
            tests = {test for found in by_line.values() for test in found if test}
        files = sorted({test.split("::")[0] for test in tests})
        quickest = sorted(tests, key=lambda test: (self.seconds.get(test, 0.0), test))
        return [part for part in (quickest, files) if part]


def folders(only: Path) -> list[str]:
    """The folders of tests that may notice: the room's own; of what several rooms use, all."""
    name = (only.relative_to(ROOT / "nbtools").parts or ("",))[0]
    own = f"tests/{name}"
    if name in (*ROOMS, "joint", "paper") and (ROOT / own).is_dir():
        return [own]
    return [f"tests/{part}" for part in ("physics", "statistics", "paper", "joint", "fitting", *ROOMS)]


def note_runs(only: Path) -> Runs:
    """Run the tests once, unchanged; kept until a file of the package or of the tests changes."""
    sources = [path for part in ("nbtools", "tests") for path in sorted((ROOT / part).rglob("*.py"))]
    tests = folders(only)
    key = hashlib.sha256(b"".join(path.read_bytes() for path in sources) + str(tests).encode()).hexdigest()
    kept = ROOT / "build" / "mutation" / f"{key[:16]}.coverage"
    times = kept.with_suffix(".json")
    if not kept.is_file():
        print(f"running {', '.join(tests)} unchanged", flush=True)
        shutil.rmtree(kept.parent, ignore_errors=True)
        kept.parent.mkdir(parents=True)
        command = [sys.executable, "-m", "coverage", "run", f"--data-file={kept}", "--source=nbtools"]
        command += [__file__, "--note", str(times), *tests]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"})
        if done.returncode:
            kept.unlink(missing_ok=True)
            sys.exit(
                "The unchanged package fails its tests: mend those first, or every change would seem to be caught"
            )
    data = coverage.CoverageData(str(kept))
    data.read()
    return Runs(data, json.loads(times.read_text(encoding="utf-8")))


def is_caught(change: Change, runs: Runs, workers: int) -> bool:
    """Whether a unit test fails on a copy of the package with this change."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place)
        for entry in ROOT.iterdir():
            if entry.name not in ("nbtools", "build", ".git", ".pytest_cache"):
                (copy / entry.name).symlink_to(entry)
        shutil.copytree(ROOT / "nbtools", copy / "nbtools")  # compiled files too: only the changed one is new
        target = copy / change.path.relative_to(ROOT)
        text = target.read_text(encoding="utf-8")
        target.write_text(text[: change.start] + change.after + text[change.end :], encoding="utf-8")
        environment = os.environ | {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"}
        for tests in runs.tests_of(change):
            command = [sys.executable, "-m", "pytest", *QUIETLY]
            command += ["-n", str(workers)] if workers > 1 and len(tests) > workers else []
            try:
                done = subprocess.run(
                    [*command, *tests], cwd=copy, env=environment, capture_output=True, timeout=TIMEOUT
                )
            except subprocess.TimeoutExpired:
                return True
            if done.returncode:
                return True
    return False


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
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--note", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.note:
        times, *tests = options.note
        return int(pytest.main([*QUIETLY, *tests], plugins=[Noting(Path(times))]))
    if options.seed is None:
        parser.error("--seed is needed: the changes are drawn by it")
    only = (ROOT / options.only).resolve()
    everything = every_change(only)
    if not everything:
        parser.error(f"{options.only} holds no model, estimator, statement or drawing")
    drawn = random.Random(options.seed).sample(everything, min(options.count, len(everything)))
    print(f"{len(everything)} changes are possible; {len(drawn)} drawn with seed {options.seed}", flush=True)
    runs = note_runs(only)
    survivors = []
    for number, change in enumerate(drawn, 1):
        start = time.monotonic()
        caught = is_caught(change, runs, options.workers)
        survivors += [] if caught else [change]
        word = "caught  " if caught else "SURVIVED"
        print(f"{number:3} {word} {time.monotonic() - start:4.0f} s  {change}", flush=True)
    share = 1 - len(survivors) / len(drawn)
    print(f"{share:.0%} caught", *(f"survived: {change}" for change in survivors), sep="\n")
    return int(share < ENOUGH)


if __name__ == "__main__":
    sys.exit(main())
