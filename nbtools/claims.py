"""The first house's verdicts: ``settle(ledger, "GL-01", from_arithmetic(length, "√(Φ0/2πHc2)"))``.

The rules are those of `nbtools.paper.verdict`, but for three that came later: here an implied number agrees, what
cannot be decided is *not discriminating*, and a number from a twin may go without a wrong world. A room's
statements are functions (`nbtools.paper.statement`); this module goes with the last notebook that calls it.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nbtools.paper import verdict as rules
from nbtools.paper.printed import Statement, read_paper
from nbtools.paper.table import enter, ledger_entry, open_entry, text_of
from nbtools.paper.verdict import Verdict, as_tuple, plain
from nbtools.results import Ledger, Origin

if TYPE_CHECKING:
    import pandas as pd

Sources = Ledger | Verdict | Iterable[Ledger | Verdict]


def statements() -> dict[str, Statement]:
    """Every statement by its id, in the order of the paper."""
    return dict(read_paper())


def statement(name: str) -> Statement:
    """One statement: ``statement("GL-01")``."""
    return read_paper()[name]


@dataclass(frozen=True)
class Evidence:
    """What was done, in one line, and where the data came from."""

    basis: str
    origin: Origin

    def __post_init__(self) -> None:
        if not self.basis.strip() or "\n" in self.basis:
            raise ValueError(f"the basis is one line that says what was done; {self.basis!r} came")


@dataclass(frozen=True)
class Arithmetic(Evidence):
    """Numbers computed from numbers that the paper prints."""

    value: tuple[Any, ...]


@dataclass(frozen=True)
class Measurement(Evidence):
    """Numbers from measured or digitised data."""

    value: tuple[Any, ...]
    same_sample: bool


@dataclass(frozen=True)
class Comparison(Evidence):
    """Whether the paper's own numbers or text bear a statement out; None where they cannot decide."""

    supports: bool | None
    value: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Twin(Evidence):
    """What came back from synthetic data, what had been planted, and which wrong worlds it excludes."""

    estimate: tuple[Any, ...]
    planted: tuple[Any, ...]
    rivals: tuple[tuple[str, bool], ...]


def from_arithmetic(value: Any, basis: str) -> Arithmetic:
    """Our number(s) from the paper's own, with the rounding of those carried along as uncertainty.

    `value` is a `Quantity` in any unit, or a bare number in the unit of the statement; or a tuple of them.
    """
    return Arithmetic(basis, "paper", as_tuple(value))


def from_measurement(
    value: Any, basis: str, *, origin: Literal["measured", "digitised"], same_sample: bool
) -> Measurement:
    """Our number(s) from measured or digitised data.

    Only data of the paper's very sample can test the paper; with ``same_sample=False`` the basis
    says whose data it was, and the statement stays as open as before.
    """
    if origin not in ("measured", "digitised"):
        raise ValueError(
            f"origin {origin!r} is no measurement; it is measured or digitised, a twin goes through from_twin"
        )
    return Measurement(basis, origin, as_tuple(value), bool(same_sample))


def from_comparison(supports: bool | None, basis: str, *, value: Any = ()) -> Comparison:
    """Whether the paper's own numbers or text bear a statement out (True, False, or None: cannot decide).

    `value` is a number of ours worth showing beside it.
    """
    supports = plain(supports)
    if supports not in (True, False, None):
        raise ValueError(f"supports is True, False or None; {supports!r} came")
    return Comparison(basis, "paper", None if supports is None else bool(supports), as_tuple(value))


def from_twin(
    estimate: Any, planted: Any, *, basis: str, rivals: Mapping[str, bool | float] | None = None
) -> Twin:
    """What an estimator made of a twin, beside what was planted in it.

    Parameters
    ----------
    estimate : a `Quantity` with its σ (or a tuple of them); or the name of a world, or a truth value
    planted : the truth in the same form; a bare number is in the unit of the estimate
    rivals : wrong worlds by name; True where excluded at the stated noise, or the probability with which
        that world would have produced what was seen (excluded up to 0.05; `sigmas` turns z into one)
    """
    worlds = tuple(
        (name, rules.is_excluded(name, plain(odds), strict=False)) for name, odds in (rivals or {}).items()
    )
    twin = Twin(basis, "twin", as_tuple(estimate), as_tuple(planted), worlds)
    if len(twin.estimate) != len(twin.planted):
        raise ValueError(f"{len(twin.estimate)} estimates came with {len(twin.planted)} planted values")
    return twin


def sigmas(distance: float) -> float:
    """The two-sided probability of a deviation of `distance` standard deviations."""
    return math.erfc(abs(distance) / math.sqrt(2))


def judge(about: Statement | str, evidence: Evidence | None = None) -> Verdict:
    """The verdict on a statement (or its id), as a function of the evidence and its origin.

    Raises
    ------
    ValueError
        Evidence that does not fit the statement: another number of values, another unit, a number where
        the paper prints none; or none at all for a statement that the paper's own numbers can test.
    """
    subject = statement(about) if isinstance(about, str) else about
    return rules.in_old_words(_judge(subject, evidence))


def _judge(about: Statement, evidence: Evidence | None) -> Verdict:
    match evidence:
        case None:
            return rules.without_data(about)
        case Comparison():
            return rules.proposition(about, evidence.supports, evidence.basis, shown=evidence.value)
        case Twin():
            return rules.against_planted(
                about,
                evidence.estimate,
                evidence.planted,
                evidence.basis,
                excluded=dict(evidence.rivals),
                strict=False,
            )
        case Measurement(same_sample=False):
            return rules.without_data(about, evidence.basis, origin=evidence.origin)
        case Arithmetic() | Measurement():
            return rules.against_print(
                about, evidence.value, evidence.basis, origin=evidence.origin, strict=False
            )
    raise TypeError(f"evidence comes from one of the from_… functions; {evidence!r} came")


def settle(
    ledger: Ledger, name: str, evidence: Evidence | None = None, *, other_data: bool = False
) -> Verdict:
    """Judge a statement, enter the verdict in the ledger and write it.

    A later verdict takes the place of an earlier one, but another sample's data displace nothing; `other_data`
    says that the data at hand are neither a twin's nor the paper's sample.
    """
    verdict = judge(name, evidence)
    foreign = isinstance(evidence, Measurement) and not evidence.same_sample
    if not (foreign and name in ledger.verdicts):
        enter(ledger, verdict, **({"other_data": True} if other_data else {}))
    return verdict


def table(sources: Sources, *, all_statements: bool = False) -> "pd.DataFrame":
    """Verdicts in the order of the paper: id, says, paper, ours, verdict, basis.

    Of two verdicts on one statement the later source counts. With `all_statements`, those that no source
    settles are listed too: judged where that takes no evidence, else with an empty verdict.
    """
    import pandas as pd

    entries: dict[str, Mapping[str, Any]] = {}
    for source in [sources] if isinstance(sources, (Ledger, Verdict)) else sources:
        verdicts = source.verdicts if isinstance(source, Ledger) else None
        entries |= {source.id: ledger_entry(source, statement(source.id))} if verdicts is None else verdicts
    rows = [
        {"id": name, **(entries[name] if name in entries else open_entry(about))}
        for name, about in statements().items()
        if all_statements or name in entries
    ]
    return pd.DataFrame(rows, columns=["id", "says", "paper", "ours", "verdict", "basis"])


def summary_text(sources: Sources, *, all_statements: bool = False, width: int = 100) -> str:
    """The same table for a terminal `width` characters wide, and how often each word was said."""
    return text_of(table(sources, all_statements=all_statements).to_dict("records"), width)
