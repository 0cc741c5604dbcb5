"""Change one operator or number of the package at a time, and see whether a unit test notices.

    python tests/mutate.py --seed 7 --count 40

Changes are drawn by the seed from models, estimators, statements and drawings. Each is made in a copy of the package,
never in the checkout. Survivors are listed with their line; the exit code is 1 where fewer than 90 % are caught.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from test_layers import ROOMS, layer

ROOT = Path(__file__).parent.parent
LAYERS = ("physics", "statistics", "model", "estimator", "statements", "draw")
ENOUGH = 0.9
TIMEOUT = 1200  # s for the tests of one change; an endless loop is noticed, too
OPERATORS: dict[type, str] = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*"}
COMPARISONS: dict[type, str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
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

    @property
    def line(self) -> int:
        return self.path.read_text(encoding="utf-8").count("\n", 0, self.start) + 1

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.before!r} became {self.after!r}"


def changes_of(path: Path) -> Iterator[Change]:
    """Every change that could be made to a file: of what is computed, not of docstrings and annotations."""
    text = path.read_text(encoding="utf-8")
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    lines = text.splitlines(keepends=True)

    def place(row: int, column: int) -> int:
        return starts[row - 1] + len(lines[row - 1].encode()[:column].decode())

    def span(node: ast.AST) -> tuple[int, int]:
        return place(node.lineno, node.col_offset), place(node.end_lineno, node.end_col_offset)

    tree = ast.parse(text)
    for node in _walk(tree):
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            yield from _between(path, text, span(node.left)[1], span(node.right)[0], type(node.op), OPERATORS)
        elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
            right = span(node.comparators[0])[0]
            yield from _between(path, text, span(node.left)[1], right, type(node.ops[0]), COMPARISONS)
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            start, end = span(node)
            new = (
                repr(node.value + 1)
                if isinstance(node.value, int)
                else repr(1.1 * node.value if node.value else 0.1)
            )
            yield Change(path, start, end, text[start:end], new)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
            start = span(node)[0]
            end = span(node.operand)[0]
            yield Change(path, start, end, text[start:end], "")
        elif isinstance(node, ast.BoolOp):
            first, second = node.values[:2]
            old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
            gap_start, gap_end = span(first)[1], span(second)[0]
            if (at := text.find(old, gap_start, gap_end)) >= 0:
                yield Change(path, at, at + len(old), old, new)


def _walk(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that are computed when the package runs."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns"):
                continue
            children = value if isinstance(value, list) else [value]
            waiting += [child for child in children if isinstance(child, ast.AST)]


def _between(
    path: Path, text: str, start: int, end: int, kind: type, table: dict[type, str]
) -> Iterator[Change]:
    old = SYMBOLS[kind]
    at = text.find(old, start, end)
    if at >= 0 and text[start:at].strip(" \n()") == "":
        yield Change(path, at, at + len(old), old, table[kind])


def every_change() -> list[Change]:
    """All changes of models, estimators, statements and drawings, in a fixed order."""
    found = []
    for path in sorted((ROOT / "nbtools").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if layer(module) in LAYERS:
            found += sorted(changes_of(path), key=lambda change: (change.start, change.after))
    return found


def tests_of(path: Path) -> list[list[str]]:
    """The tests to run, those of the same folder first; the rest only where these notice nothing."""
    folder = path.relative_to(ROOT / "nbtools").parts[0]
    own = ROOT / "tests" / folder
    near = [str(own.relative_to(ROOT))] if own.is_dir() else []
    others = ["physics", "statistics", "paper", *ROOMS]
    rest = [f"tests/{name}" for name in others if name != folder and (ROOT / "tests" / name).is_dir()]
    return [part for part in (near, rest if folder in ("physics", "statistics") else ["tests/paper"]) if part]


def is_caught(change: Change, workers: int) -> bool:
    """Whether a unit test fails on a copy of the package with this change."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place)
        for entry in ROOT.iterdir():
            if entry.name not in ("nbtools", "build", ".git", ".pytest_cache"):
                (copy / entry.name).symlink_to(entry)
        shutil.copytree(ROOT / "nbtools", copy / "nbtools", ignore=shutil.ignore_patterns("__pycache__"))
        target = copy / change.path.relative_to(ROOT)
        text = target.read_text(encoding="utf-8")
        target.write_text(text[: change.start] + change.after + text[change.end :], encoding="utf-8")
        environment = os.environ | {"PYTHONPATH": str(copy), "NBTOOLS_CACHE": str(copy / "cache")}
        environment |= {
            "NBTOOLS_DATA": str(copy / "data"),
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        for tests in tests_of(change.path):
            command = [
                sys.executable,
                "-m",
                "pytest",
                "-x",
                "-q",
                "-p",
                "no:cacheprovider",
                "-n",
                str(workers),
                *tests,
            ]
            try:
                done = subprocess.run(
                    command, cwd=copy, env=environment, capture_output=True, timeout=TIMEOUT
                )
            except subprocess.TimeoutExpired:
                return True
            if done.returncode == 1 or b"error" in done.stderr[:200]:
                return True
    return False


def main() -> int:
    """Draw, try, and list what no test noticed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    everything = every_change()
    drawn = random.Random(options.seed).sample(everything, min(options.count, len(everything)))
    print(f"{len(everything)} changes are possible; {len(drawn)} drawn with seed {options.seed}", flush=True)
    survivors = []
    for number, change in enumerate(drawn, 1):
        caught = is_caught(change, options.workers)
        survivors += [] if caught else [change]
        print(f"{number:3} {'caught  ' if caught else 'SURVIVED'} {change}", flush=True)
    share = 1 - len(survivors) / len(drawn)
    print(f"{share:.0%} caught", *(f"survived: {change}" for change in survivors), sep="\n")
    return int(share < ENOUGH)


if __name__ == "__main__":
    sys.exit(main())
