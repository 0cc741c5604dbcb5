"""The state of a fit as plain, validated data: what a hand can set, and nothing that follows from it."""

import ast
import math
from collections.abc import Mapping
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from nbtools.results import plain

SCHEMA: Literal[1] = 1
Method = Literal["leastsq", "least_squares", "nelder", "powell", "differential_evolution"]
ARITHMETIC = (
    *(ast.Expression, ast.Constant, ast.Name, ast.Load, ast.Call, ast.BinOp, ast.UnaryOp, ast.BoolOp),
    *(ast.Compare, ast.IfExp, ast.operator, ast.unaryop, ast.boolop, ast.cmpop),
)
Loss = Literal["least_squares", "robust", "poisson"]
# "scaled sigma": the given σ are right up to a factor, so that those of the parameters are scaled by √χ²ᵣ.
Weighting = Literal["sigma", "scaled sigma", "none"]


class FitError(ValueError):
    """A fit that cannot be made or did not come about, and why."""


class StateError(ValueError):
    """A state that cannot be: the sentence says what came and what was expected."""


class _Plain(BaseModel):
    """Frozen, and strict about names: a misspelt key is an error, never silently dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def plain(self) -> dict[str, Any]:
        """As JSON types only; an infinite bound becomes the text ``"inf"``."""
        found: dict[str, Any] = plain(self.model_dump())
        return found


class ParameterState(_Plain):
    """One parameter: value, bounds, whether it varies, an expression that ties it, its unit.

    `low` and `high` are the ends of its slider, in the parameter's own unit; None lets
    `slider_ends` choose them.
    """

    value: float
    min: float = -math.inf
    max: float = math.inf
    vary: bool = True
    expr: str | None = None
    unit: str = ""
    low: float | None = None
    high: float | None = None

    @field_validator("expr")
    @classmethod
    def _expression_is_arithmetic(cls, expr: str | None) -> str | None:
        """A file of a stranger's may tie parameters together; it may not reach for anything else."""
        if expr and (strange := _not_arithmetic(expr)):
            raise ValueError(
                f"the expression {expr!r} holds {strange}; numbers, names, operators and functions were expected"
            )
        return expr

    @model_validator(mode="after")
    def _bounds_make_sense(self) -> Self:
        if not math.isfinite(self.value):
            raise ValueError(f"the value is {self.value}; a finite number was expected")
        if not self.min < self.max:
            raise ValueError(f"min {self.min:g} is not below max {self.max:g}")
        if self.expr is None and not self.min <= self.value <= self.max:
            raise ValueError(f"the value {self.value:g} is outside its bounds {self.min:g} … {self.max:g}")
        return self

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the slider."""
        if self.low is None or self.high is None:
            return slider_ends(self.value, self.min, self.max)
        return self.low, self.high


def _not_arithmetic(expr: str) -> str:
    """The first piece of an expression that is no arithmetic; what cannot be read is left to who computes it."""
    try:
        tree = ast.parse(expr, mode="eval")
    except SyntaxError:
        return ""
    for node in ast.walk(tree):
        text = isinstance(node, ast.Constant) and not isinstance(node.value, (int, float))
        hidden = isinstance(node, ast.Name) and node.id.startswith("__")
        if text or hidden or not isinstance(node, ARITHMETIC):
            return ast.unparse(node)
    return ""


def _loop(expressions: Mapping[str, str]) -> list[str]:
    """The names along the first circle that expressions make, its first name again at the end; empty if none."""
    uses = {name: sorted(_names_in(expr) & set(expressions)) for name, expr in expressions.items()}

    def follow(path: list[str]) -> list[str]:
        for name in uses[path[-1]]:
            if name in path:
                return [*path[path.index(name) :], name]
            if found := follow([*path, name]):
                return found
        return []

    return next((found for name in uses if (found := follow([name]))), [])


def _names_in(expr: str) -> set[str]:
    try:
        return {node.id for node in ast.walk(ast.parse(expr, mode="eval")) if isinstance(node, ast.Name)}
    except SyntaxError:
        return set()


class HasParameters(_Plain):
    """A state with named parameters; every change is a validated copy."""

    schema_version: Literal[1] = SCHEMA
    parameters: dict[str, ParameterState]

    @model_validator(mode="after")
    def _expressions_end(self) -> Self:
        if loop := _loop({name: known.expr for name, known in self.parameters.items() if known.expr}):
            raise ValueError(
                f"the expressions go in a circle: {' → '.join(loop)}; let one of these parameters stand by itself"
            )
        return self

    def with_parameter(self, name: str, **changes: Any) -> Self:
        """A copy in which one parameter is changed; a value outside its bounds goes to the nearer bound."""
        if name not in self.parameters:
            raise StateError(f"there is no parameter {name!r}; there are {', '.join(self.parameters)}")
        merged = {**self.parameters[name].model_dump(), **changes}
        if merged["expr"] is None and {"value", "min", "max"} & set(changes):
            merged["value"] = min(max(float(merged["value"]), merged["min"]), merged["max"])
        merged.update(_kept_ends(merged))
        return self.changed(parameters={**self.parameters, name: _validated(ParameterState, merged, name)})

    def with_values(self, values: Mapping[str, float]) -> Self:
        """A copy with these parameter values."""
        state = self
        for name, value in values.items():
            state = state.with_parameter(name, value=float(value))
        return state

    def changed(self, **changes: Any) -> Self:
        """A validated copy with some fields changed."""
        kept = {name: getattr(self, name) for name in type(self).model_fields}
        return _validated(type(self), {**kept, **changes}, "the state")

    @classmethod
    def read(cls, content: Any) -> Self:
        """From what `plain` gave.

        Raises
        ------
        StateError
            Content of another schema, or with fields missing, misspelt or out of range.
        """
        version = content.get("schema_version") if isinstance(content, Mapping) else None
        if version != SCHEMA:
            raise StateError(
                f"schema_version {version!r} came, {SCHEMA} was expected: another version wrote it"
            )
        return _validated(cls, content, "the state")


class FitState(HasParameters):
    """Everything that decides a fit, and how it is looked at.

    `masked` lists left-out points as (curve, index); `fit_range` and `view_range` are in the data's x,
    None meaning all of it.
    """

    fit_range: tuple[float, float] | None = None
    view_range: tuple[float, float] | None = None
    masked: tuple[tuple[int, int], ...] = ()
    weighting: Weighting = "sigma"
    loss: Loss = "least_squares"
    method: Method = "leastsq"
    auto_refit: bool = False

    @property
    def deciding(self) -> "FitState":
        """The state without what only changes how it looks."""
        plain = {n: p.model_copy(update={"low": None, "high": None}) for n, p in self.parameters.items()}
        return self.model_copy(update={"parameters": plain, "view_range": None, "auto_refit": False})

    @field_validator("fit_range", "view_range")
    @classmethod
    def _range_is_ordered(cls, span: tuple[float, float] | None) -> tuple[float, float] | None:
        if span is not None and not span[0] < span[1]:
            raise ValueError(f"the range {span[0]:g} … {span[1]:g} is empty; its first end must be the lower")
        return span

    @field_validator("masked")
    @classmethod
    def _masked_once(cls, masked: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        return tuple(sorted(set(masked)))


class FitRecord(_Plain):
    """One fit that was made: where it started, what it gave."""

    number: int
    start: FitState
    held: tuple[str, ...] = ()
    values: dict[str, float]
    uncertainties: dict[str, float | None]
    chi_square: float
    reduced_chi_square: float
    aicc: float
    bic: float
    points: int
    free: int
    evaluations: int
    converged: bool
    message: str = Field(default="")


Known = TypeVar("Known", bound=HasParameters)


class Trail(Generic[Known]):
    """Undo and redo: consecutive moves of the same control count as one step."""

    def __init__(self, state: Known, *, depth: int = 200) -> None:
        self._past: list[Known] = []
        self._future: list[Known] = []
        self._control: str | None = None
        self._depth = depth
        self.state = state

    def move(self, state: Known, control: str | None = None) -> None:
        """Go to a new state, set by the control of that name."""
        if state == self.state:
            return
        if control is None or control != self._control or not self._past:
            self._past = [*self._past[-self._depth + 1 :], self.state]
        self._future, self._control, self.state = [], control, state

    def undo(self) -> bool:
        """Back by one step; False where there is none."""
        return self._swap(self._past, self._future)

    def redo(self) -> bool:
        """Forward again by one step; False where there is none."""
        return self._swap(self._future, self._past)

    def _swap(self, source: list[Known], target: list[Known]) -> bool:
        self._control = None
        if not source:
            return False
        target.append(self.state)
        self.state = source.pop()
        return True


def _kept_ends(known: Mapping[str, Any]) -> dict[str, float]:
    """The slider stays where it is while the value is on it, so that it does not run from under the hand."""
    low, high, value = known["low"], known["high"], known["value"]
    if low is not None and high is not None and low <= value <= high:
        return {}
    low, high = slider_ends(value, known["min"], known["max"])
    return {"low": low, "high": high}


def slider_ends(value: float, lowest: float, highest: float) -> tuple[float, float]:
    """Ends for a slider around `value`: the bounds where both are finite, else decades or twice the value."""
    positive = lowest >= 0 and value > 0
    if math.isfinite(lowest) and math.isfinite(highest):
        return (value / 100, highest) if lowest == 0 and 0 < value < highest / 100 else (lowest, highest)
    if positive:
        return max(lowest, value / 30), min(highest, value * 30)
    reach = abs(value) or 1.0
    low = lowest if math.isfinite(lowest) else min(value, highest) - reach
    high = highest if math.isfinite(highest) else max(value, lowest) + reach
    return low, high


def is_logarithmic(low: float, high: float) -> bool:
    """Whether a slider between these ends moves by factors: both positive, 50 or more apart."""
    return low > 0 and high / low >= 50


def value_at(fraction: float, low: float, high: float) -> float:
    """The value at a fraction 0 … 1 of a slider's way; its ends are hit exactly."""
    if fraction in (0.0, 1.0):
        return high if fraction else low
    if is_logarithmic(low, high):
        return math.exp(math.log(low) + fraction * (math.log(high) - math.log(low)))
    return low + fraction * (high - low)


def round_value_at(place: int, steps: int, low: float, high: float, factor: float = 1.0) -> float:
    """The value at a place 0 … steps of a slider, as round a number as its steps are fine; its ends are hit exactly.

    Parameters
    ----------
    factor : what the value is multiplied by to be shown; it is the shown number that is round
    """
    value = value_at(place / steps, low, high)
    if place in (0, steps):
        return value
    step = abs(value_at((place + 1) / steps, low, high) - value) * abs(factor)
    digits = -math.floor(math.log10(step)) if step > 0 and math.isfinite(step) else 400
    rounded = round(value * factor, digits) / factor if digits < 300 else value
    return min(max(rounded, low), high)


def fraction_at(value: float, low: float, high: float) -> float:
    """The inverse of `value_at`, kept within 0 … 1."""
    if not high > low:
        return 0.0
    if is_logarithmic(low, high):
        fraction = math.log(max(value, low) / low) / math.log(high / low)
    else:
        fraction = (value - low) / (high - low)
    return min(max(fraction, 0.0), 1.0)


def _validated(kind: type[Any], content: Any, where: str) -> Any:
    try:
        return kind.model_validate(content)
    except ValidationError as problem:
        raise StateError("; ".join(_sentence(where, error) for error in problem.errors())) from None


def _sentence(where: str, error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"]) or where
    return f"{place}: {error['msg'].removeprefix('Value error, ')}"
