"""Statements as functions: registered by id, judged from a context, recomputed from changed printed numbers.

A room writes one function a statement, in its ``statements*.py``::

    @statement("GL-01")
    def coherence_length(paper, results, context):
        field = paper["MAG-09"].quantities[0].to("A/m")
        return context.number(coherence_length_of(field), "√(Φ0/2πµ0Hc2)")

    @statement("RES-01", rests_on="data")
    def resistive_onset(paper, results, context):
        return context.number(results["resistance"].onset, "tangents", planted="resistive_onset",
                              excluded={"two steps": context.rivals["two-step"].steps is not None})
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from nbtools.paper import verdict as judging
from nbtools.paper.printed import Paper, Statement, read_paper
from nbtools.paper.verdict import Verdict
from nbtools.results import Origin
from nbtools.units import Quantity

RestsOn = Literal["paper", "data"]
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Context:
    """What a verdict depends on besides the statement and the result; its methods make the verdict.

    Attributes
    ----------
    about : Statement
        The statement in question, as the paper prints it.
    origin : {"paper", "twin", "measured", "digitised"}
        Where the results came from; "paper" for arithmetic on printed numbers.
    same_sample : bool
        Whether measured data are of the paper's very sample, as its card says.
    planted : mapping of str to Any
        What the twin's recorder says that it planted, by name; empty for measured data.
    rivals : mapping of str to Any
        Results found in the same way on wrong worlds, by the world's name.
    """

    about: Statement
    origin: Origin = "paper"
    same_sample: bool = False
    planted: Mapping[str, Any] = field(default_factory=dict)
    rivals: Mapping[str, Any] = field(default_factory=dict)

    def number(
        self,
        value: Any,
        basis: str,
        *,
        planted: Any = None,
        excluded: Mapping[str, bool | float] | None = None,
    ) -> Verdict:
        """Our number(s) against the printed ones; of a twin, against what was planted.

        Parameters
        ----------
        value : Quantity, float, or a tuple of these
            A bare number is in the unit of the statement.
        basis : str
            What was done, in one line.
        planted : str, Quantity, float, or a tuple of these
            The truth in a twin, or the name under which `planted` of the context has it. Not used otherwise.
        excluded : mapping of str to bool or float
            Wrong worlds by name: True where excluded, or the probability with which that world would have
            produced what was seen. Not used but of a twin.

        Raises
        ------
        ValueError
            Numbers that do not fit the statement; a twin without a planted value.
        """
        if self.origin == "twin":
            return self._from_twin(value, basis, planted, excluded)
        if self.origin != "paper" and not self.same_sample:
            return judging.without_data(self.about, basis, origin=self.origin)
        return judging.against_print(self.about, value, basis, origin=self.origin)

    def world(
        self, name: str | bool, basis: str, *, planted: Any, excluded: Mapping[str, bool | float]
    ) -> Verdict:
        """The world that an estimator names, against the one that was planted; only a twin's can be judged.

        `planted` is the name of that world or True or False; `excluded` as for `number`.
        """
        if self.origin == "twin":
            return self._from_twin(name, basis, planted, excluded)
        return judging.without_data(
            self.about, "" if self.same_sample or self.origin == "paper" else basis, origin=self.origin
        )

    def proposition(self, margin: Any, basis: str, *, shown: Any = ()) -> Verdict:
        """Whether the paper's own numbers or text bear the statement out.

        Parameters
        ----------
        margin : Quantity, float, bool or None
            By how much it holds (above 0) or fails (below 0), with its σ; a bare number is in σ. Within 2 σ both
            are allowed. True and False are for texts; None cannot decide.
        basis : str
            What was compared, in one line, with the bounds.
        shown : a number or text of ours, or a tuple of these, worth showing beside it
        """
        return judging.proposition(self.about, margin, basis, shown=shown)

    def coincide(self, difference: Quantity, basis: str, *, shown: Any = ()) -> Verdict:
        """Whether a difference of printed numbers is one of rounding."""
        sigmas = judging.in_sigmas(difference)
        return self.within_rounding(
            sigmas, f"{basis}: they differ by {sigmas:.1f} σ of rounding", shown=shown
        )

    def within_rounding(self, sigmas: float, basis: str, *, shown: Any = ()) -> Verdict:
        """Whether printed numbers that lie so many σ of their rounding apart agree."""
        near = abs(sigmas - judging.ROUNDING_SIGMAS) < judging.NEAR_THRESHOLD_SIGMAS
        return self.proposition(None if near else sigmas < judging.ROUNDING_SIGMAS, basis, shown=shown)

    def wrong_worlds(self, **tests: tuple[str, Callable[[Any], bool | float]]) -> dict[str, bool | float]:
        """The wrong worlds that were estimated, by the name shown, with what a test of each says; for `excluded`.

        `tests` : by the world's name, `two_step` for "two-step", the name shown and the test of its results
        """
        named = {key.replace("_", "-"): entry for key, entry in tests.items()}
        return {
            shown: test(self.rivals[world]) for world, (shown, test) in named.items() if world in self.rivals
        }

    def only_stated(self) -> Verdict:
        """*input* for what the paper only states, *not testable without the raw data* for what needs them."""
        return judging.without_data(self.about)

    def _from_twin(
        self, value: Any, basis: str, planted: Any, excluded: Mapping[str, bool | float] | None
    ) -> Verdict:
        several = planted if isinstance(planted, tuple) else (planted,)
        truth = tuple(
            self.planted.get(entry, entry) if isinstance(entry, str) else entry for entry in several
        )
        if truth == (None,):
            raise ValueError(f"{self.about.id}: a verdict from a twin needs what was planted; give planted=…")
        return judging.against_planted(self.about, value, truth, basis, excluded=excluded)


StatementFunction = Callable[[Paper, Any, Context], Verdict]


@dataclass(frozen=True)
class Registered:
    """A statement's function and what it rests on."""

    function: StatementFunction
    rests_on: RestsOn

    @property
    def place(self) -> str:
        """``nbtools.transport.statements.coherence_length``."""
        return f"{self.function.__module__}.{self.function.__qualname__}"


_REGISTERED: dict[str, Registered] = {}


def statement(name: str, *, rests_on: RestsOn = "paper") -> Callable[[StatementFunction], StatementFunction]:
    """Register the function that judges a statement: ``(paper, results, context) -> Verdict``.

    Parameters
    ----------
    name : str
        The statement's id in ``paper.yaml``.
    rests_on : {"paper", "data"}
        "paper": on printed numbers and text only (`results` is None); `recompute` calls it.
        "data": on `results`, of a twin or a measured sample.

    Raises
    ------
    ValueError
        An id that there is not, or that another function has.
    """
    read_paper()[name]

    def register(function: StatementFunction) -> StatementFunction:
        entry = Registered(function, rests_on)
        other = _REGISTERED.get(name)
        if other is not None and other.place != entry.place:
            raise ValueError(f"{name} is judged by {other.place} already; {entry.place} cannot judge it, too")
        _REGISTERED[name] = entry
        return function

    return register


def registered() -> dict[str, Registered]:
    """Every statement that has a function, in the order of the paper; the rooms' modules are imported first."""
    _import_rooms()
    return {name: _REGISTERED[name] for name in read_paper() if name in _REGISTERED}


@cache
def _import_rooms() -> None:
    house = Path(__file__).parent.parent
    for file in sorted(house.glob("*/statements*.py")):
        if file.parent != Path(__file__).parent:
            import_module(f"{house.name}.{file.parent.name}.{file.stem}")


def judge_statement(
    name: str,
    results: Any = None,
    *,
    paper: Paper | None = None,
    origin: Origin = "paper",
    same_sample: bool = False,
    planted: Mapping[str, Any] = _NOTHING,
    rivals: Mapping[str, Any] = _NOTHING,
) -> Verdict:
    """The verdict of a statement's function.

    Parameters
    ----------
    name : str
        The statement's id.
    results : Any
        What the studies found, for a statement that rests on data.
    paper : Paper, optional
        By default ``paper.yaml``.
    origin, same_sample, planted, rivals
        See `Context`; of no account for a statement that rests on printed numbers.

    Raises
    ------
    ValueError
        An id without a function; one that rests on data, without results.
    TypeError
        A function that gives something else than a verdict on this statement.
    """
    paper = paper or read_paper()
    about, known = paper[name], registered()
    if name not in known:
        raise ValueError(f"no function judges {name}; these have one: {', '.join(known) or 'none'}")
    entry = known[name]
    if entry.rests_on == "paper":
        given, context = None, Context(about)
    elif results is None:
        raise ValueError(f"{name} rests on data; give the results of the studies")
    else:
        given, context = results, Context(about, origin, same_sample, planted, rivals)
    found = entry.function(paper, given, context)
    if not isinstance(found, Verdict) or found.id != name:
        raise TypeError(f"{entry.place} gives a Verdict on {name}; {found!r} came")
    return found


def recompute(changes: Mapping[str, Sequence[float]] = _NOTHING) -> dict[str, Verdict]:
    """Every verdict that rests on printed numbers only, with some of these numbers changed.

    Parameters
    ----------
    changes : mapping of str to sequence of float
        For a statement's id its numbers, as many as are printed, in the printed units.

    Returns
    -------
    dict of str to Verdict
        By the statement's id, in the order of the paper. Numbers with which a statement cannot be computed leave it
        *undecided*, with the reason.

    Examples
    --------
    >>> recompute({"RES-03": [0.005]})["GL-05"].word
    'inconsistent'
    """
    paper = read_paper().changed(changes)
    judged = _judge_changed if changes else judge_statement
    return {
        name: judged(name, paper=paper) for name, entry in registered().items() if entry.rests_on == "paper"
    }


def _judge_changed(name: str, *, paper: Paper) -> Verdict:
    """The verdict on changed numbers, which may be such as the physics does not allow: no share, no type II."""
    try:
        return judge_statement(name, paper=paper)
    except (ValueError, ArithmeticError) as problem:
        reason = " ".join(str(problem).split())
        return judging.proposition(paper[name], None, f"cannot be computed from these numbers: {reason}")
