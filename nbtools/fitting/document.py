"""A fit as a file: readable JSON that knows which data and which model it was made with."""

import hashlib
import inspect
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lmfit
import numpy as np

from nbtools.fitting.engine import FitProblem
from nbtools.fitting.report import record_of
from nbtools.fitting.state import SCHEMA, FitRecord, FitState, StateError
from nbtools.whole_file import write_whole

KIND = "nbtools fit"


@dataclass(frozen=True)
class Document:
    """What a file of a fit holds."""

    state: FitState
    history: tuple[FitRecord, ...]
    data: str
    model: str
    sample: str = ""

    def is_of(self, problem: FitProblem) -> bool:
        """Whether it was made with these data."""
        return self.data == data_hash(problem)


def write_document(
    path: Path, problem: FitProblem, state: FitState, history: Sequence[FitRecord], *, sample: str = ""
) -> None:
    """Write state, history and the hashes of data and model; readers see the old file or the new one."""
    content = {
        "kind": KIND,
        "schema_version": SCHEMA,
        "sample": sample,
        "data": {"sha256": data_hash(problem), "points": [int(c.x.size) for c in problem.curves]},
        "model": {"sha256": model_hash(problem), "text": [_describe(m) for m in problem.models]},
        "state": state.plain(),
        "history": [record.plain() for record in history],
    }
    write_whole(path, _lines(content) + "\n")


def _lines(content: Any, indent: str = "") -> str:
    """JSON with one line a parameter, so that a diff shows which one moved."""
    inner = list(content.values()) if isinstance(content, dict) else content
    if not isinstance(content, (dict, list)) or not any(isinstance(c, dict) for c in inner):
        return json.dumps(content, ensure_ascii=False, allow_nan=False)
    deeper = indent + " "
    if isinstance(content, list):
        return "[\n" + ",\n".join(deeper + _lines(c, deeper) for c in content) + f"\n{indent}]"
    entries = [f"{deeper}{json.dumps(key)}: {_lines(value, deeper)}" for key, value in content.items()]
    return "{\n" + ",\n".join(entries) + f"\n{indent}}}"


def read_document(path: Path) -> Document:
    """A file written by `write_document`.

    Raises
    ------
    StateError
        A file that is not there, not JSON, not a fit, or of another schema.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["kind"] != KIND:
            raise ValueError(f"kind {content['kind']!r} came, {KIND!r} was expected")
        state = FitState.read(content["state"])
        history = tuple(FitRecord.model_validate(entry) for entry in content["history"])
        hashes = content["data"]["sha256"], content["model"]["sha256"]
        return Document(state, history, *hashes, str(content.get("sample", "")))
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as problem:
        raise StateError(f"{path} is not a saved fit ({problem}); save it again from the fitter") from None


def changes_since(document: Document, problem: FitProblem) -> list[str]:
    """Whether data or model are others than those the file was made with, in sentences."""
    said = []
    if not document.is_of(problem):
        said.append("The data have changed since this fit was saved.")
    if document.model != model_hash(problem):
        said.append("The model has changed since this fit was saved.")
    return said


def replay(problem: FitProblem, record: FitRecord) -> tuple[FitRecord, Any, str]:
    """Make a saved fit again from where it started: its record, lmfit's result, and how its numbers compare.

    Returns
    -------
    (record, result, sentence), the sentence empty where every value is the same to 1e-10 (the last bits depend on
    where the arrays lie in memory, below numpy)
    """
    result = problem.minimise(record.start, record.held)
    again = record_of(record.number, record.start, result, record.held)
    moved = [name for name, value in record.values.items() if not _same(again.values.get(name), value)]
    if not moved:
        return again, result, ""
    return (
        again,
        result,
        f"Fit {record.number} replayed: " + ", ".join(_move(record, again, n) for n in moved) + ".",
    )


def _same(new: float | None, old: float) -> bool:
    return new is not None and math.isclose(new, old, rel_tol=1e-10)


def _move(before: FitRecord, after: FitRecord, name: str) -> str:
    old, new, sigma = before.values[name], after.values.get(name, np.nan), before.uncertainties.get(name)
    by = f" ({abs(new - old) / sigma:.2g} σ)" if sigma else ""
    return f"{name} {old:.8g} → {new:.8g}{by}"


def data_hash(problem: FitProblem) -> str:
    """sha256 of every curve's arrays, as little-endian doubles."""
    found = hashlib.sha256()
    for curve in problem.curves:
        for array in (curve.x, curve.y, curve.sigma):
            found.update(b"none" if array is None else np.ascontiguousarray(array, dtype="<f8").tobytes())
    return found.hexdigest()


def model_hash(problem: FitProblem) -> str:
    """sha256 of what the models compute: their structure, source and constants."""
    text = "\n".join(_substance(model) for model in problem.models)
    return hashlib.sha256(f"{text}\n{problem.shared}\n{problem.constants}".encode()).hexdigest()


def _substance(model: lmfit.Model) -> str:
    if isinstance(model, lmfit.model.CompositeModel):
        return (
            f"({_substance(model.left)} {getattr(model.op, '__name__', model.op)} {_substance(model.right)})"
        )
    return f"{_describe(model)} {model.independent_vars} {sorted(model.opts.items())} {_function(model)}"


def _function(model: lmfit.Model) -> str:
    if expression := getattr(model, "expr", ""):
        return str(expression)
    if type(model).__module__ == "lmfit.models":
        return ""
    try:
        return inspect.getsource(model.func)
    except (OSError, TypeError):
        code = getattr(model.func, "__code__", None)
        return f"{code.co_code.hex()} {code.co_consts}" if code else repr(type(model.func))


def _describe(model: lmfit.Model) -> str:
    if isinstance(model, lmfit.model.CompositeModel):
        return model._reprstring(long=False)
    return f"{type(model).__name__}({model._name}{f', prefix={model.prefix!r}' if model.prefix else ''})"
