"""What follows for a statement from a number or a comparison, and from where the data came.

The words, and what each may rest on:

========================  ======================================================================================
from the paper's numbers  *agrees*; *inconsistent*, by how many σ of rounding; *follows*, where the number is
                          implied by printed ones and not printed itself; *undecided*, where both are allowed
from a twin               *recoverable*: the planted value came back, σ is of use, and at least one wrong world was
                          tried and excluded; *not discriminating* otherwise. Never *agrees*
from that very sample     *agrees*, *disagrees*
otherwise                 *not testable without the raw data*; *input* for what is only stated
========================  ======================================================================================
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import InitVar, dataclass, replace
from html import escape
from statistics import NormalDist
from typing import Any, Literal, get_args

from nbtools.paper.printed import Statement, enumeration
from nbtools.units import SUPERSCRIPTS, Quantity, format_value, printed_unit

Word = Literal[
    "agrees",
    "disagrees",
    "inconsistent",
    "follows",
    "recoverable",
    "not discriminating",
    "undecided",
    "not testable without the raw data",
    "input",
]
WORDS = get_args(Word)
NO_DATA: Word = "not testable without the raw data"
VAGUE: Word = "not discriminating"
UNDECIDED: Word = "undecided"

ROUNDING_SIGMAS = 2.0
STATISTICAL_SIGMAS = 3.0
# A verdict nearer to its threshold than this could be another one on another machine.
NEAR_THRESHOLD_SIGMAS = 0.1
EXCLUDED_BELOW = 0.05
_JUDGED = object()


@dataclass(frozen=True)
class Verdict:
    """What follows for one statement. Only the functions of this module make one: it is computed, never typed.

    Attributes
    ----------
    id : str
        The statement's.
    word : str
        One of `WORDS`.
    basis : str
        What was done, in one line, and how far the numbers lie apart.
    ours, paper, planted : str
        Our number, the printed one, and of a twin the one that was planted; empty where there is none.
    deviation : Quantity or None
        Ours minus the paper's (of a twin: minus what was planted), of the worst component.
    origin : str
        Where the data came from: "paper", "twin", "measured" or "digitised".
    same_sample : bool
        Whether measured data are of the paper's very sample.
    """

    id: str
    word: Word
    basis: str
    ours: str
    paper: str
    deviation: Quantity | None
    planted: str = ""
    origin: str = "paper"
    same_sample: bool = False
    seal: InitVar[object] = None

    def __post_init__(self, seal: object) -> None:
        if seal is not _JUDGED:
            raise TypeError(
                "a verdict is computed, never typed: a statement's function or judge(…) makes one"
            )

    @property
    def sigmas(self) -> float | None:
        """By how many σ ours lies from the paper's (of a twin: from what was planted), where that is a number."""
        apart = self.deviation
        if apart is None or not apart.uncertainty > 0:
            return None
        return float(apart) / apart.uncertainty

    @property
    def headline(self) -> str:
        """``inconsistent: 5.798 ± 0.0015 nm here, 5.7 nm in the paper``."""
        here = f"{self.ours} here, " if self.ours else ""
        planted = f"{self.planted} planted (synthetic), " if self.planted else ""
        return in_print(f"{self.word}: {here}{planted}{self.paper} in the paper")

    def __str__(self) -> str:
        return f"{self.id}  {self.headline}\n        {in_print(self.basis)}"

    def _repr_html_(self) -> str:
        return f"<p><b>{self.id}</b> {escape(self.headline)}<br><small>{escape(in_print(self.basis))}</small></p>"


def against_print(about: Statement, value: Any, basis: str, *, origin: str = "paper") -> Verdict:
    """Our number(s) against the printed ones; the worst component decides.

    - From the paper's own numbers: *inconsistent* beyond 2 σ. A rounding to ± r counts as σ = r/√3 (a uniform
      error), our propagated rounding u as σ = u: 2 σ is then never less than r + u, so that rounding alone
      condemns nothing. What is implied and not printed *follows* instead of agreeing.
    - From measured or digitised data of that very sample: *disagrees* beyond 3 σ.
    - Nothing agrees by being vague: σ must be of use (`resolution`), else it is *undecided* (of data: *not
      discriminating*).

    Parameters
    ----------
    about : Statement
    value : Quantity, float, or a tuple of these
        A bare number is in the unit of the statement.
    basis : str
        What was done, in one line.
    origin : str
        "paper" for arithmetic on printed numbers, else "measured" or "digitised".

    Raises
    ------
    ValueError
        Another number of values, another unit, or a statement that prints no number.
    """
    if not about.value:
        raise ValueError(
            f"{about.id}: the paper prints no number here ({about.words}); compare it as a proposition"
        )
    measured = origin != "paper"
    vague = VAGUE if measured else UNDECIDED
    ours = in_units(about, as_tuple(value))
    draft = _verdict(about, vague, basis, ours=_listed(ours), origin=origin, same_sample=measured)
    if reason := _undetermined(ours, exact_allowed=not measured):
        return replace(draft, basis=f"{basis}: {reason}", seal=_JUDGED)
    limit = STATISTICAL_SIGMAS if measured else ROUNDING_SIGMAS
    deviations = [_deviation(mine, theirs) for mine, theirs in zip(ours, about.quantities, strict=True)]
    worst = max(deviations, key=lambda deviation: _excess(about.sign, deviation))
    excess = _excess(about.sign, worst)
    word: Word = "follows" if about.implied and not measured else "agrees"
    note = f"ours − paper = {worst} ({in_sigmas(worst):.1f} σ)"
    if abs(excess - limit) < NEAR_THRESHOLD_SIGMAS:
        word, note = vague, f"{note}, too near the limit of {limit:g} σ to decide"
    elif excess > limit:
        word = "disagrees" if measured else "inconsistent"
    elif (wide := _too_wide(about, ours)) and -excess < limit:
        word, note = vague, f"{note}; {wide[0]}"
    return replace(draft, word=word, basis=f"{basis}: {note}", deviation=worst, seal=_JUDGED)


def against_planted(
    about: Statement,
    value: Any,
    planted: Any,
    basis: str,
    *,
    excluded: Mapping[str, bool | float] | None = None,
) -> Verdict:
    """An estimate from a twin against what was planted in it; the paper's number only sets which σ is of use.

    Parameters
    ----------
    about : Statement
    value : Quantity or a tuple of these; or a name or a truth value
        The estimate with its σ; or the world that an estimator names.
    planted : the same
        The truth; a bare number is in the unit of the estimate.
    basis : str
        What was done, in one line.
    excluded : mapping of str to bool or float
        Wrong worlds by name: True where excluded at the stated noise, or the probability with which that world
        would have produced what was seen (excluded up to 0.05).
    """
    estimate, truth = as_tuple(value), as_tuple(planted)
    if len(estimate) != len(truth):
        raise ValueError(f"{len(estimate)} estimates came with {len(truth)} planted values")
    worlds = {name: is_excluded(name, plain(odds)) for name, odds in (excluded or {}).items()}
    named = all(isinstance(entry, (bool, str)) for entry in estimate)
    faults, summary, worst = [], "", None
    if named:
        shown, planted_text = said(estimate), said(truth)
        found = estimate == truth
        summary = "the planted world came back" if found else ""
        faults += [] if found else [f"the planted world ({planted_text}) did not come back"]
    else:
        ours, theirs = in_units(about, estimate), in_units(about, _planted_like(estimate, truth))
        shown, planted_text = _listed(ours), _listed(theirs, like=ours)
        if vague := _undetermined(ours) or _undetermined(theirs, exact_allowed=True):
            faults.append(vague)
        else:
            pairs = zip(ours, theirs, strict=True)
            worst = max((Quantity(o - t, o.uncertainty, o.unit) for o, t in pairs), key=in_sigmas)
            limit = STATISTICAL_SIGMAS - NEAR_THRESHOLD_SIGMAS
            summary = f"bias {worst}"
            faults += [f"the bias is over {limit:g} σ"] if in_sigmas(worst) > limit else []
            faults += _too_wide(about, ours)
    if not worlds:
        faults.append("no wrong world was tried")
    standing = [name for name, is_out in worlds.items() if not is_out]
    fallen = [name for name, is_out in worlds.items() if is_out]
    faults += [f"not excluded: {', '.join(standing)}"] if standing else []
    parts = [summary, *faults, f"excluded: {', '.join(fallen)}" if fallen else ""]
    return _verdict(
        about,
        VAGUE if faults else "recoverable",
        f"{basis}: {'; '.join(filter(None, parts))}",
        ours=shown,
        deviation=worst,
        planted=planted_text,
        origin="twin",
    )


def proposition(about: Statement, margin: Any, basis: str, *, shown: Any = ()) -> Verdict:
    """Whether the paper's own numbers or text bear a statement out that prints no number to compare with.

    Parameters
    ----------
    about : Statement
    margin : Quantity, float, bool or None
        By how much the statement holds (above 0) or fails (below 0), with its σ; a bare number is already in σ.
        Within 2 σ both are allowed and it is *undecided*. True and False are for texts; None cannot decide.
    basis : str
        What was compared, in one line, with the bounds.
    shown : a number or text of ours, or a tuple of these, worth showing beside it
    """
    ours = said(as_tuple(shown))
    margin = plain(margin)
    if margin is None or isinstance(margin, bool):
        words: dict[bool | None, Word] = {
            True: "follows" if about.implied else "agrees",
            False: "inconsistent",
            None: UNDECIDED,
        }
        return _verdict(about, words[margin], basis, ours=ours)
    spread = margin.uncertainty if isinstance(margin, Quantity) else 1.0
    number = Quantity(float(margin), spread, getattr(margin, "unit", ""))
    if not (math.isfinite(number) and math.isfinite(spread)):
        return _verdict(about, UNDECIDED, f"{basis}: no value was determined", ours=ours)
    distance = math.copysign(in_sigmas(number), number)
    word: Word = UNDECIDED
    # Just beyond 2 σ is as near the threshold as just within.
    if abs(distance) > ROUNDING_SIGMAS + NEAR_THRESHOLD_SIGMAS:
        word = ("follows" if about.implied else "agrees") if distance > 0 else "inconsistent"
    note = f"{'holds' if distance > 0 else 'fails'} by {abs(distance):.1f} σ"
    return _verdict(about, word, f"{basis}: {note}", ours=ours, deviation=number)


def without_data(about: Statement, note: str = "", *, origin: str = "paper") -> Verdict:
    """What follows from nothing: an input is only stated, and what needs data is not testable without them.

    `note` says whose data there are, where it is another sample's.

    Raises
    ------
    ValueError
        A statement that the paper's own numbers or text can test.
    """
    if note:
        return _verdict(about, NO_DATA, f"{note}: another sample, which cannot test this one", origin=origin)
    if about.kind == "input":
        return _verdict(about, "input", _only_stated(about))
    if about.kind == "needs-data":
        return _verdict(about, NO_DATA, f"needs {about.needs}. {about.settles_by}", origin=origin)
    raise ValueError(f"{about.id} can be tested on the paper's own numbers or text: {about.settles_by}")


def resolution(about: Statement, index: int, estimate: Quantity) -> float:
    """The widest σ that is of use: as ``paper.yaml`` sets it, else the rounding or 10 % of the printed value,
    whichever is more; where the paper prints no number, 10 % of our own."""
    if about.resolution:
        return about.resolution[index if about.value else 0]
    if about.value:
        return max(about.rounding[index], 0.1 * abs(about.value[index]))
    return 0.1 * abs(estimate)


def chance(difference: Quantity) -> float:
    """The two-sided probability of a difference as large as this one, were it none: for `excluded`."""
    return math.erfc(in_sigmas(difference) / math.sqrt(2))


def digits(value: float) -> str:
    """Two digits, written out: ``16000``; a power of ten where that is shorter."""
    return f"{float(f'{float(value):.2g}'):g}"


def as_tuple(value: Any) -> tuple[Any, ...]:
    """One or several values as a tuple of plain Python objects."""
    several = isinstance(value, Iterable) and not isinstance(value, str)
    return tuple(plain(entry) for entry in value) if several else (plain(value),)


def plain(value: Any) -> Any:
    """A numpy scalar as the Python object it stands for; everything else as it is."""
    return value if isinstance(value, Quantity) or not hasattr(value, "item") else value.item()


def in_print(text: str) -> str:
    """Powers of ten as printed matter has them: ``(2.93 ± 0.03)e8`` → ``(2.93 ± 0.03) × 10⁸``."""
    return re.sub(
        r"(?<=[\d)])e([-+]?)0*(\d+)\b",
        lambda power: f" × 10{(power[1].replace('+', '') + power[2]).translate(SUPERSCRIPTS)}",
        text,
    )


def said(entries: tuple[Any, ...]) -> str:
    """Several numbers, names or truth values as text."""
    return enumeration(str(Quantity.of(e)) if isinstance(e, float) else str(e) for e in entries)


def in_units(about: Statement, numbers: tuple[Any, ...]) -> tuple[Quantity, ...]:
    """Our numbers in the units of the statement; where it has none, in their own."""
    if about.value and len(numbers) != len(about.value):
        raise ValueError(f"{about.id} has {len(about.value)} values ({about.printed}); {len(numbers)} came")
    units = about.unit if about.value else (about.unit or (None,)) * len(numbers)
    return tuple(_in_unit(about, number, unit) for number, unit in zip(numbers, units, strict=True))


def _verdict(
    about: Statement,
    word: Word,
    basis: str,
    *,
    ours: str = "",
    deviation: Quantity | None = None,
    **more: Any,
) -> Verdict:
    """An input stays one unless something speaks for or against it."""
    if not basis.strip() or "\n" in basis:
        raise ValueError(f"the basis is one line that says what was done; {basis!r} came")
    if about.kind == "input" and word in ("recoverable", VAGUE, NO_DATA, UNDECIDED):
        word, basis = "input", f"{_only_stated(about)}; {basis}"
    return Verdict(about.id, word, basis, ours, about.printed, deviation, **more, seal=_JUDGED)


def _only_stated(about: Statement) -> str:
    return f"only stated ({about.where})"


def is_excluded(name: str, odds: bool | float) -> bool:
    """Whether a wrong world is, as its truth value or its probability says."""
    if isinstance(odds, bool):
        return odds
    if odds < 0 or odds > 1:
        raise ValueError(
            f"rival {name!r}: {odds!r} is no probability; give one between 0 and 1, as `chance` has it"
        )
    if 0 < odds < 1:
        return _two_sided(odds) > _two_sided(EXCLUDED_BELOW) + NEAR_THRESHOLD_SIGMAS
    return odds <= EXCLUDED_BELOW


def _two_sided(probability: float) -> float:
    """The deviation in σ that has this two-sided probability."""
    return -NormalDist().inv_cdf(probability / 2)


def _deviation(ours: Quantity, paper: Quantity) -> Quantity:
    spread = 0.0 if math.isnan(ours.uncertainty) else ours.uncertainty
    return Quantity(ours - paper, math.hypot(spread, paper.uncertainty / math.sqrt(3)), paper.unit)


def _excess(sign: str, deviation: Quantity) -> float:
    """How many σ it lies on the wrong side; below zero: how many on the right side of a bound."""
    if sign in "=~":
        return in_sigmas(deviation)
    return (deviation if sign == "<" else -deviation) / deviation.uncertainty


def in_sigmas(deviation: Quantity) -> float:
    """|deviation| over its σ; of an exact number 0 or infinite."""
    if deviation.uncertainty == 0:
        return 0.0 if deviation == 0 else math.inf
    return abs(deviation) / deviation.uncertainty


def _undetermined(numbers: tuple[Quantity, ...], *, exact_allowed: bool = False) -> str:
    """Why these numbers cannot decide anything; empty if they can."""
    if not all(map(math.isfinite, numbers)):
        return "no value was determined"
    if exact_allowed:
        return "the uncertainty is infinite" if any(math.isinf(n.uncertainty) for n in numbers) else ""
    return "" if all(math.isfinite(n.uncertainty) for n in numbers) else "no uncertainty is stated"


def _too_wide(about: Statement, numbers: tuple[Quantity, ...]) -> list[str]:
    """One complaint for each σ that is wider than what would be of use."""
    limits = [resolution(about, index, number) for index, number in enumerate(numbers)]
    return [
        f"σ = {number.uncertainty:.2g} is wider than the {limit:.2g} {number.unit}".rstrip()
        + " that would be of use"
        for number, limit in zip(numbers, limits, strict=True)
        if number.uncertainty > limit
    ]


def _planted_like(estimate: tuple[Any, ...], planted: tuple[Any, ...]) -> tuple[Any, ...]:
    """The planted values, a bare number in the unit of its estimate."""
    pairs = zip(estimate, planted, strict=True)
    return tuple(
        Quantity.of(truth, ours.unit) if isinstance(ours, Quantity) else truth for ours, truth in pairs
    )


def _in_unit(about: Statement, number: Any, unit: str | None) -> Quantity:
    ours = Quantity.of(number, unit or "")
    if unit is None:
        return ours
    try:
        return ours.to(unit)
    except ValueError as problem:
        raise ValueError(
            f"{about.id} is about the {about.quantity}, in {unit or 'no unit'}: {problem}"
        ) from None


def _listed(numbers: tuple[Quantity, ...], *, like: tuple[Quantity, ...] = ()) -> str:
    """``73.13 ± 0.04 and 26.49 ± 0.04 %``: the unit once, if it is one; exact numbers to the place of others' σ."""
    spreads = [number.uncertainty for number in like or numbers]
    values = [format_value(float(number), spread) for number, spread in zip(numbers, spreads, strict=True)]
    if like:
        values = [f"{value.partition(' ±')[0].lstrip('(')}{value.partition(')')[2]}" for value in values]
    units = [printed_unit(number.unit) for number in numbers]
    if len(set(units)) > 1:
        return enumeration(f"{value} {unit}".strip() for value, unit in zip(values, units, strict=True))
    return f"{enumeration(values)} {units[0]}".strip()
