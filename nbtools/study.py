"""A study: a sample's files meet the estimators, and one result comes back, or `Missing` with its reason."""

import difflib
import functools
import inspect
import sys
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never, TypeVar

from nbtools.results import Ledger, NotPossible, Origin, Result
from nbtools.units import Quantity

if TYPE_CHECKING:
    from nbtools.notebook.sample import Sample

__all__ = ["Missing", "NotPossible", "Row", "Stamp", "StudyResult", "study", "text_table"]

R = TypeVar("R")


@dataclass(frozen=True)
class Row:
    """One quantity of a result, as a table shows it and the ledger keeps it.

    Parameters
    ----------
    label : what it is, in words
    quantity : in SI, with σ
    how : by which criterion or method it was found, in a few words
    name : under which the ledger keeps it; empty for what is only shown
    shown : the unit in which the table shows it; by default its own
    """

    label: str
    quantity: Quantity
    how: str = ""
    name: str = ""
    shown: str = ""

    @property
    def text(self) -> str:
        """Value, σ and unit as the table has them."""
        return str(self.quantity.to(self.shown) if self.shown else self.quantity)


@dataclass(frozen=True)
class Stamp:
    """Where a result comes from.

    Parameters
    ----------
    section : the section of the notebook, as the study declares it
    origin, source : of the data, and their name
    method : the study that was called
    options : what it was called with, beyond the data
    exports : the folder for its figures; None where nothing is kept
    files : names of the files that the study read
    prefix : of the sample's numbers and figures, where a notebook has several samples
    repeat : runs the study again on the same data with other options; what it finds is kept in place of this
        result's numbers. None where nothing is kept
    """

    section: str
    origin: Origin
    source: str
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    exports: Path | None = None
    files: tuple[str, ...] = ()
    prefix: str = ""
    repeat: Callable[..., Any] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True, repr=False)
class StudyResult:
    """What a study gives: a table of quantities, warnings in words, and where it all comes from.

    A result is declared with ``@dataclass(frozen=True, repr=False)``, so that it shows itself as its table.
    """

    stamp: Stamp | None = field(default=None, repr=False, compare=False)

    def rows(self) -> Sequence[Row]:
        """The quantities, in the order of the table."""
        raise NotImplementedError

    def notes(self) -> Sequence[str]:
        """What could not be had, as `missing` of the result has it, and what to mind, a sentence each."""
        return [f"{what}: {reason}" for what, reason in getattr(self, "missing", {}).items()]

    def __str__(self) -> str:
        lines = [("quantity", "value", "how found"), *((r.label, r.text, r.how) for r in self.rows())]
        table = [text_table(lines)] if len(lines) > 1 else []
        return "\n".join([*table, *(f"note: {sentence}" for sentence in self.notes())])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        lines = [("quantity", "value", "how found"), *((r.label, r.text, r.how) for r in self.rows())]
        notes = "".join(f"<p>note: {escape(sentence)}</p>" for sentence in self.notes())
        return (html_table(lines) if len(lines) > 1 else "") + notes


class Missing:
    """A result that could not be had. It is false and empty, and shows its reason.

    It has the attributes that the class of the result declares, each `Missing` for the same reason, so that a
    notebook needs no guard. Any other attribute is an `AttributeError`, because it is a slip of the pen. Using it
    as a number raises `NotPossible` with the reason.

    Parameters
    ----------
    of : the class of the result
    reason : one sentence: what the files or the sample card do not hold
    """

    __slots__ = ("of", "reason")

    def __init__(self, of: type, reason: str) -> None:
        self.of, self.reason = of, reason

    def __getattr__(self, name: str) -> "Missing":
        if name.startswith("__") or name not in _declared(self.of):
            raise AttributeError(
                f"{self.of.__name__} has no attribute {name!r}; it is missing: {self.reason}"
            )
        return Missing(_declared(self.of)[name], self.reason)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Missing, (self.of, self.reason))

    def __bool__(self) -> bool:
        return False

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Never]:
        return iter(())

    def __hash__(self) -> int:
        return hash((self.of, self.reason))

    def __repr__(self) -> str:
        return f"not possible: {self.reason}"

    def _repr_html_(self) -> str:
        return f"<p><b>not possible</b>: {escape(self.reason)}</p>"

    def _raise(self, *_: Any, **__: Any) -> Never:
        raise NotPossible(self.reason)

    __call__ = __float__ = __int__ = __array__ = __getitem__ = _raise
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _raise
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _raise
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __neg__ = __abs__ = __format__ = _raise


@functools.cache
def _declared(of: type) -> dict[str, type]:
    """Public attributes that a class declares, and their classes where the annotation names one."""
    found: dict[str, type] = {}
    hints = _hints(of) if is_dataclass(of) else {}
    for name in (f.name for f in fields(of)) if is_dataclass(of) else ():
        found[name] = _class_of(hints.get(name))
    for name, entry in inspect.getmembers_static(of):
        if not name.startswith("_") and name not in found:
            getter = entry.fget if isinstance(entry, property) else getattr(entry, "func", None)
            found[name] = _class_of(_hints(getter).get("return")) if getter else object
    return found


def _hints(thing: Any, *, extras: bool = False) -> dict[str, Any]:
    """Resolved annotations; names that only the type checker imports, as `Sample`, stand for any object."""
    unknown: dict[str, Any] = {}
    while True:
        try:
            return typing.get_type_hints(thing, localns=unknown, include_extras=extras)
        except NameError as problem:
            if problem.name is None or problem.name in unknown:
                return {}
            unknown[problem.name] = object
        except (TypeError, AttributeError):
            return {}


def _class_of(hint: Any) -> type:
    """The first class of ours that a hint names."""
    options = [hint, *typing.get_args(hint)]
    return next((o for o in options if isinstance(o, type) and o not in (type(None), Missing)), object)


def study(section: str) -> Callable[[Callable[..., R]], Callable[..., Any]]:
    """Make a function of a sample into a study of one section of a notebook.

    ``study_x(sample, *earlier_results, **options)`` then checks its options against their annotations before
    anything runs; gives `Missing` where an earlier result is one, or where the function raises `NotPossible` or
    lacks an optional package; stamps the result with its section and origin; and keeps the result's rows in the
    sample's ledger. Any other exception is a bug and passes.

    Parameters
    ----------
    section : heading of the notebook's section
    record : (of the study) False for a rival world, a slider or a what-if: nothing is kept

    Raises
    ------
    ValueError
        An option that the study does not have, or a value that its annotation does not allow; the message
        names what is allowed. Two calls of one run that keep a number under the same name.
    """

    def decorate(function: Callable[..., R]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(sample: "Sample", *earlier: Any, record: bool = True, **options: Any) -> Any:
            return run(sample, earlier, record, "", options)

        def run(
            sample: "Sample", earlier: tuple[Any, ...], record: bool, claim: str, options: dict[str, Any]
        ) -> Any:
            check_options(function, options)
            of = _class_of(_hints(function).get("return"))
            lacking = next((e for e in (sample, *earlier, *options.values()) if isinstance(e, Missing)), None)
            if lacking is not None:
                return _missing(sample, section, of, lacking.reason, record)
            sample.used.clear()
            try:
                result = function(sample, *earlier, **options)
            except NotPossible as problem:
                return _missing(sample, section, of, str(problem), record and not claim)
            except ModuleNotFoundError as problem:
                package = (problem.name or "").partition(".")[0]
                if package == "nbtools":
                    raise
                reason = f"the package {package} is not installed; pip install {package} brings it"
                return _missing(sample, section, of, reason, record)
            if not isinstance(result, StudyResult):
                raise TypeError(
                    f"{function.__name__} gave {type(result).__name__}; a study gives a StudyResult"
                )
            plain = {name: value for name, value in options.items() if not isinstance(value, StudyResult)}
            claim = claim or f"{function.__name__} of {sample.name} in {_place_of_call()}"
            stamp = Stamp(
                section,
                sample.origin,
                sample.name,
                function.__name__,
                plain,
                sample.exports if record else None,
                tuple(dict.fromkeys(sample.used)),
                sample.prefix,
                (lambda **changed: run(sample, earlier, True, claim, options | changed)) if record else None,
            )
            stamped = replace(result, stamp=stamp)
            if record:
                keep(sample.ledger, stamped, claim, sample.prefix)
            return stamped

        return call

    return decorate


def _missing(sample: "Sample | Missing", section: str, of: type, reason: str, record: bool) -> Missing:
    if record and not isinstance(sample, Missing):
        sample.ledger.skip(f"{sample.prefix}{section}", reason)
    return Missing(of, reason)


def keep(ledger: Ledger, result: StudyResult, claim: str, prefix: str = "") -> None:
    """Enter a result's rows in a ledger, in place of those that the same call, its `claim`, entered before."""
    stamp = result.stamp
    assert stamp is not None
    settings = ", ".join(f"{name}={value}" for name, value in stamp.options.items())
    entries = [
        Result(
            name=prefix + row.name,
            value=float(row.quantity),
            uncertainty=row.quantity.uncertainty,
            unit=row.quantity.unit,
            method=row.how,
            origin=stamp.origin,
            data=stamp.source,
            note=row.label,
            section=stamp.section,
            options=settings,
            file=", ".join(stamp.files),
        )
        for row in result.rows()
        if row.name
    ]
    ledger.keep(entries, claim=claim)
    ledger.skipped.pop(prefix + stamp.section, None)


def check_options(function: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Compare options with a function's keyword arguments and their annotations.

    Raises
    ------
    ValueError
        A name that it does not take, with the nearest; a value that the annotation does not allow.
    """
    from pydantic import ConfigDict, TypeAdapter, ValidationError

    known = {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    hints = _hints(function, extras=True)
    for name, value in options.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.3) or sorted(known)
            raise ValueError(
                f"{function.__name__} has no option {name!r}; it has {', '.join(near) or 'none'}"
            )
        if isinstance(value, Missing):
            continue
        try:
            TypeAdapter(hints[name], config=ConfigDict(arbitrary_types_allowed=True)).validate_python(value)
        except ValidationError as problem:
            said = (error["msg"].removeprefix("Input should be ") for error in problem.errors())
            expected = ", or ".join(dict.fromkeys(said))
            raise ValueError(f"{name} is {value!r}; expected: {expected}") from None


def _place_of_call() -> str:
    """The notebook cell or the line that called a study; the same when it runs again."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and "In" in shell.user_ns:
        parent = getattr(shell, "parent_header", None) or {}
        get_parent = getattr(shell, "get_parent", None)
        cell = ((get_parent() if get_parent else {}) or parent).get("metadata", {}).get("cellId")
        return f"cell {cell or hash(shell.user_ns['In'][-1])}"
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def text_table(lines: Sequence[Sequence[str]]) -> str:
    """Lines of text in aligned columns, the first a heading."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def html_table(lines: Sequence[Sequence[str]]) -> str:
    """The same as an HTML table; text is set flush left, and the first column does not wrap."""
    head, *body = (
        "".join(
            f'<td style="text-align:left{";white-space:nowrap" if not column else ""}">{escape(cell)}</td>'
            for column, cell in enumerate(line)
        )
        for line in lines
    )
    head = head.replace("<td", "<th").replace("td>", "th>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(f'<tr>{line}</tr>' for line in body)}</tbody></table>"
