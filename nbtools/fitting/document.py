"""A fit as text: a file of readable JSON that knows its data and model, and an lmfit script that anyone can run."""

import ast
import hashlib
import inspect
import json
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lmfit
import numpy as np
from lmfit.models import ExpressionModel

from nbtools.fitting.engine import FitProblem, Stage, nan_policy
from nbtools.fitting.report import record_of
from nbtools.fitting.state import SCHEMA, FitRecord, FitState, ParameterState, StateError
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


# ---- the script

INLINE_POINTS = 1000
KNOWN = "known = [lmfit.create_params(**dict.fromkeys(own, 1.0)) for own in names]"
OPERATORS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/"}


class Code(str):
    """Program text that a notebook shows as text, not as a quoted string."""

    __slots__ = ()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


def write_code(
    problem: FitProblem, state: FitState, result: Any, *, held: tuple[str, ...] = (), data: str = "auto"
) -> Code:
    """The script of the fit that starts at `state`.

    Parameters
    ----------
    result : what `FitProblem.minimise` found from there
    held : parameters that an auto-refit kept fixed
    data : ``"inline"`` writes the fitted points into the script, ``"names"`` expects ``x``, ``y`` (and
        ``sigma``; lists of arrays for several curves) and, where it cannot be written, ``model``;
        ``"auto"`` writes up to 1000 points
    """
    total = sum(curve.x.size for curve in problem.curves)
    inline = data == "inline" or (data == "auto" and total <= INLINE_POINTS)
    plain = problem.single and state.loss != "poisson"
    parts = [
        "import lmfit\nimport numpy as np",
        _models(problem),
        _data(problem, inline=inline),
        _parameters(state.with_values(_finished(result.stages)[0].origin), held),
        _single(problem, state) if plain else _together(problem, state),
        SCALED,
        _stages(result.stages, result.misfit_unit),
        "found = {name: result.params[name] for name in start}\n"
        "for name, p in found.items():\n"
        '    print(f"{name} = {p.value:.10g} ± {p.stderr}")',
    ]
    return Code("\n\n".join(parts) + "\n")


def model_text(model: lmfit.Model) -> str:
    """One expression that makes the model again, or nothing where its function cannot be written down."""
    if isinstance(model, lmfit.model.CompositeModel):
        sign = OPERATORS.get(getattr(model.op, "__name__", ""))
        left, right = model_text(model.left), model_text(model.right)
        return f"({left} {sign} {right})" if sign and left and right else ""
    prefix = f"prefix={model.prefix!r}" if model.prefix else ""
    if isinstance(model, ExpressionModel):
        variables = f"independent_vars={model.independent_vars!r}"
        return f"lmfit.models.ExpressionModel({', '.join([repr(model.expr), variables])})"
    if type(model) is not lmfit.Model:
        if getattr(lmfit.models, type(model).__name__, None) is not type(model):
            return ""
        options = [prefix] + [f"{k}={v!r}" for k, v in _model_options(model).items()]
        return f"lmfit.models.{type(model).__name__}({', '.join(o for o in options if o)})"
    if not _can_be_written(model.func):
        return ""
    variables = f"independent_vars={model.independent_vars!r}"
    return f"lmfit.Model({', '.join(part for part in (model.func.__name__, variables, prefix) if part)})"


def _model_options(model: lmfit.Model) -> dict[str, Any]:
    if isinstance(model, lmfit.models.PolynomialModel):
        return {"degree": model.poly_degree}
    return {name: value for name, value in model.opts.items() if isinstance(value, (str, int, float))}


def _can_be_written(function: Any) -> bool:
    return bool(function_text(function))


def function_text(function: Any) -> str:
    """Lines after which the function is known in an empty kernel; nothing where there are none."""
    if _importable(function):
        return f"from {inspect.getmodule(function).__name__} import {function.__name__}"  # type: ignore[union-attr]
    source = "" if inspect.ismethod(function) else _source(function)
    if not source.startswith(("def ", "async def ")):  # a lambda, a method, a decorated or a built-in one
        return ""
    try:
        known = inspect.getclosurevars(function)
        (definition,) = ast.parse(source).body
    except (TypeError, ValueError, SyntaxError):
        return ""
    if known.nonlocals or known.unbound - _attributes(definition):
        return ""
    modules = {name: value for name, value in known.globals.items() if inspect.ismodule(value)}
    # Annotations are left as text; defaults are computed where the script runs.
    defaults = {n.id for d in _defaults(definition) for n in ast.walk(d) if isinstance(n, ast.Name)}
    if set(known.globals) - set(modules) or defaults - {"np"}:
        return ""
    imports = [f"import {module.__name__} as {name}" for name, module in modules.items() if name != "np"]
    return "\n".join([*imports, _without_annotations(definition)])


def _defaults(definition: Any) -> list[Any]:
    return [d for d in (*definition.args.defaults, *definition.args.kw_defaults) if d is not None]


def _attributes(definition: Any) -> set[str]:
    """`inspect` takes the names of attributes for names of their own."""
    return {node.attr for node in ast.walk(definition) if isinstance(node, ast.Attribute)}


def _without_annotations(definition: Any) -> str:
    definition.returns, definition.decorator_list = None, []
    arguments = definition.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        argument.annotation = None
    for argument in filter(None, (arguments.vararg, arguments.kwarg)):
        argument.annotation = None
    return ast.unparse(definition)


def literal(value: Any) -> str | None:
    """A value as Python text; None where it cannot be written, or is too long to be read."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        plain = value.ndim == 1 and value.size <= INLINE_POINTS and value.dtype.kind in "fiu"
        return array_text(value) if plain else None
    if isinstance(value, float):
        return repr(value) if np.isfinite(value) else f"float({str(value)!r})"
    if value is None or isinstance(value, (bool, int, str)):
        return repr(value)
    if type(value) in (list, tuple):
        parts = [literal(part) for part in value]
        if None in parts:
            return None
        inside = ", ".join(part for part in parts if part is not None)
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' if len(parts) == 1 else ''})"
    return None


def _importable(function: Any) -> bool:
    module = inspect.getmodule(function)
    name = getattr(function, "__name__", "")
    known = module is not None and module.__name__ != "__main__" and not module.__name__.startswith("test")
    return bool(known and "." not in function.__qualname__ and getattr(module, name, None) is function)


def _source(function: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return ""


def _functions(model: lmfit.Model) -> list[Any]:
    if isinstance(model, lmfit.model.CompositeModel):
        return _functions(model.left) + _functions(model.right)
    return [model.func] if type(model) is lmfit.Model else []


def _models(problem: FitProblem) -> str:
    lines: dict[str, None] = {}
    for function in (f for model in problem.models for f in _functions(model)):
        if text := function_text(function):
            lines[text] = None
    texts = [model_text(model) for model in problem.models]
    if not all(texts):
        return "# model: the lmfit.Model given to the fitter"
    if len(set(texts)) == 1:
        return "\n".join([*lines, f"model = {texts[0]}"])
    return "\n".join([*lines, f"models = [{', '.join(texts)}]"])


def _data(problem: FitProblem, *, inline: bool) -> str:
    names = ["x", "y", "sigma"] if _has_sigma(problem) else ["x", "y"]
    if inline:
        return "\n".join(_column(problem, name) for name in names)
    lists = "" if problem.single else ", one list of arrays each"
    return f"# {', '.join(names)}: the arrays given to the fitter{lists}"


def _has_sigma(problem: FitProblem) -> bool:
    return any(curve.sigma is not None for curve in problem.curves)


def _column(problem: FitProblem, name: str) -> str:
    arrays = [array_text(getattr(curve, name)) for curve in problem.curves]
    return f"{name} = {arrays[0]}" if problem.single else f"{name} = [{', '.join(arrays)}]"


def array_text(values: Any) -> str:
    """An array as Python text, number by number."""
    if values is None:
        return "None"
    if values.size > 1 and (values == values[0]).all():
        return f"np.full({values.size}, {float(values[0])!r})"
    return (
        "np.array(["
        + ", ".join(repr(float(v)) for v in values)
        + "])".replace("nan", "np.nan").replace("inf", "np.inf")
    )


def _parameters(state: FitState, held: tuple[str, ...]) -> str:
    lines = ["start = lmfit.Parameters()"]
    # Expressions last: they need the names they are made of.
    for name, known in sorted(state.parameters.items(), key=lambda item: item[1].expr is not None):
        lines.append(f"start.add({', '.join([repr(name), *_arguments(known, fixed=name in held)])})")
    return "\n".join(lines)


def _arguments(known: ParameterState, *, fixed: bool) -> list[str]:
    said = [f"expr={known.expr!r}" if known.expr else f"value={known.value!r}"]
    said += [f"min={known.min!r}"] if np.isfinite(known.min) else []
    said += [f"max={known.max!r}"] if np.isfinite(known.max) else []
    held = known.expr is None and (fixed or not known.vary)
    return said + (["vary=False"] if held else [])


def _masked(state: FitState, curve: int) -> list[int]:
    return [index for number, index in state.masked if number == curve]


SCALED = """def scaled(params, scale):
    '''Each free parameter counted from where it stands in units of its scale, so that steps suit 1e-9 as 1.'''
    made = lmfit.Parameters()
    for name, unit in scale.items():
        p, at = params[name], float(params[name].value)
        made.add(f"{name}_scaled", 1.0, min=1 + (p.min - at) / unit, max=1 + (p.max - at) / unit)
        made.add(name, expr=f"{at!r} + {unit!r} * ({name}_scaled - 1)", min=p.min, max=p.max)
    for p in (start[name] for name in start if name not in scale):
        made.add(p.name, p.value, p.vary, p.min, p.max, p.expr)
    return made"""


def _stages(stages: Sequence[Stage], unit: float) -> str:
    """Each stage starts where the one before it ended."""
    lines, known = [], "start"
    for stage in _finished(stages):
        # Said where it is not lmfit's own.
        policy = [] if nan_policy(stage.method) == "raise" else [f"nan_policy={nan_policy(stage.method)!r}"]
        divided = [f"unit={unit!r}"] if stage is stages[0] and unit != 1 else []
        options = [f"method={stage.method!r}", *policy, *divided, f"fit_kws={stage.options!r}"]
        lines.append(f"result = fit(scaled({known}, {stage.scale!r}), {', '.join(options)})")
        known = "result.params"
    return "\n".join(lines)


def _finished(stages: Sequence[Stage]) -> Sequence[Stage]:
    """The stages after the last that ran out of evaluations; lmfit would not say where that one was at its best."""
    unfinished = [number for number, stage in enumerate(stages[:-1]) if not stage.finished]
    return stages[unfinished[-1] + 1 :] if unfinished else stages


def _single(problem: FitProblem, state: FitState) -> str:
    weights = problem.weights(state)[0]
    lines = ["use = np.isfinite(x) & np.isfinite(y)"]
    if _has_sigma(problem):
        lines.append("use &= np.isfinite(sigma)")
    if state.fit_range is not None:
        lines.append(f"use &= (x >= {state.fit_range[0]!r}) & (x <= {state.fit_range[1]!r})")
    if masked := _masked(state, 0):
        lines.append(f"use[{masked}] = False")
    if weights is None:
        weight = "np.ones(use.sum())"
    elif problem.curves[0].sigma is not None and state.weighting != "none":
        weight = "1 / sigma[use]"
    else:
        weight = f"np.full(use.sum(), {float(weights[0])!r})"
    constants = "".join(f"{name}={value!r}, " for name, value in problem.constants.items())
    lines += [
        "",
        "def fit(params, *, unit=1.0, **options):",
        f"    return model.fit(y[use], params, {problem.variable(0)}=x[use], {constants}weights={weight} / unit,",
        f"                     scale_covar={not problem.absolute(state)}, **options)",
    ]
    return "\n".join(lines)


def _together(problem: FitProblem, state: FitState) -> str:
    """Several curves, or Poisson counts: one residual over all of them."""
    lines = []
    if problem.single:
        lines.append("x, y, sigma = [x], [y], [sigma]" if _has_sigma(problem) else "x, y = [x], [y]")
    if len({model_text(model) for model in problem.models}) == 1:
        lines.append(f"models = [model] * {len(problem.models)}")
    lines += [f"masked = {[_masked(state, i) for i in range(len(problem.curves))]!r}", *_local_names(problem)]
    lines += ["", "def residual(params, unit):", "    parts = []", "    for i, model in enumerate(models):"]
    lines += [f"        {line}" for line in _one_curve(problem, state)]
    lines += [
        "    return np.concatenate(parts) / unit",
        "",
        "def fit(params, *, unit=1.0, fit_kws=None, **options):",
        f"    options |= dict(args=(unit,), scale_covar={not problem.absolute(state)}, **(fit_kws or {{}}))",
        "    return lmfit.minimize(residual, params, **options)",
    ]
    return "\n".join(lines)


def _local_names(problem: FitProblem) -> list[str]:
    return ["names = [", *[f"    {names!r}," for names in problem.names], "]", KNOWN]


def _one_curve(problem: FitProblem, state: FitState) -> list[str]:
    weighted = problem.weights(state)
    use = "use = np.isfinite(x[i]) & np.isfinite(y[i])"
    lines = [f"{use} & np.isfinite(sigma[i])" if _has_sigma(problem) else use]
    if state.fit_range is not None:
        lines.append(f"use &= (x[i] >= {state.fit_range[0]!r}) & (x[i] <= {state.fit_range[1]!r})")
    constants = "".join(f", {name}={value!r}" for name, value in problem.constants.items())
    lines += [
        "use[masked[i]] = False",
        "for name, ours in names[i].items():",
        "    known[i][name].value = float(params[ours].value)",
        f"fit = model.eval(known[i], {problem.variable(0)}=x[i][use]{constants})",
    ]
    if state.loss == "poisson":
        return [
            *lines,
            "seen, fit = y[i][use], np.maximum(fit, 1e-12 * max(y[i][use].max(), 1.0))",
            "logs = np.where(seen > 0, seen * np.log(np.where(seen > 0, seen, 1.0) / fit), 0.0)",
            "parts.append(np.sign(seen - fit) * np.sqrt(np.maximum(2 * (fit - seen + logs), 0)))",
        ]
    if any(w is not None for w in weighted) and _has_sigma(problem) and state.weighting != "none":
        return [*lines, "parts.append((y[i][use] - fit) * (1 / sigma[i][use]))"]
    if weighted[0] is not None:
        scales = [float(w[0]) for w in weighted if w is not None]
        return [*lines, f"parts.append((y[i][use] - fit) * {scales!r}[i])"]
    return [*lines, "parts.append(y[i][use] - fit)"]
