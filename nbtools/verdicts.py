"""What follows from a statement and the evidence, by rules that stand in one place."""

import math
from dataclasses import InitVar, dataclass
from html import escape
from typing import Any, Literal, NamedTuple, get_args

from nbtools.evidence import Arithmetic, Comparison, Evidence, Measurement, Twin
from nbtools.paper import Statement, statement
from nbtools.units import Quantity, format_value

Word = Literal[
    "agrees",
    "disagrees",
    "inconsistent",
    "recoverable",
    "not discriminating",
    "not testable without the raw data",
    "input",
]
WORDS = get_args(Word)
NO_DATA: Word = "not testable without the raw data"
VAGUE: Word = "not discriminating"

ROUNDING_SIGMAS = 2.0
STATISTICAL_SIGMAS = 3.0
_JUDGED = object()


@dataclass(frozen=True)
class Verdict:
    """What follows for one statement. Only `judge` makes one: a verdict is computed, never typed.

    `deviation` is ours minus the paper's (of a twin: minus what was planted), of the worst component.
    """

    id: str
    word: Word
    basis: str
    ours: str
    paper: str
    deviation: Quantity | None
    seal: InitVar[object] = None

    def __post_init__(self, seal: object) -> None:
        if seal is not _JUDGED:
            raise TypeError("a verdict is computed, never typed: judge(statement, evidence) makes one")

    @property
    def headline(self) -> str:
        """``inconsistent: 5.798 ± 0.0015 nm here, 5.7 nm in the paper``."""
        return f"{self.word}: {f'{self.ours} here, ' if self.ours else ''}{self.paper} in the paper"

    def __str__(self) -> str:
        return f"{self.id}  {self.headline}\n        {self.basis}"

    def _repr_html_(self) -> str:
        return f"<p><b>{self.id}</b> {escape(self.headline)}<br><small>{escape(self.basis)}</small></p>"


class _Finding(NamedTuple):
    word: Word
    basis: str
    ours: str = ""
    deviation: Quantity | None = None


def judge(about: Statement | str, evidence: Evidence | None = None) -> Verdict:
    """The verdict on a statement (or its id), as a function of the evidence and its origin.

    - Arithmetic on the paper's numbers: *inconsistent* beyond 2 σ, else *agrees*. A rounding to ± r counts as
      σ = r/√3 (a uniform error), our propagated rounding u as σ = u: 2 σ is then never less than r + u,
      so that rounding alone condemns nothing.
    - Measured or digitised data of that very sample: *disagrees* beyond 3 σ, else *agrees*; of any
      other sample: the statement stays not testable.
    - A twin: *recoverable* if it is within 3 σ of what was planted, σ is of use (`resolution`) and every wrong
      world offered is excluded; else *not discriminating*. The paper's number only sets that scale.
    - Nothing agrees by being vague: σ must be of use for arithmetic and data, too.
    - A comparison: *agrees*, *inconsistent* or *not discriminating*, as it says.
    - An input stays one unless arithmetic, a comparison or its own sample's data speak for or against it.

    Raises
    ------
    ValueError
        Evidence that does not fit the statement: another number of values, another unit, a number where
        the paper prints none; or none at all for a statement that the paper's own numbers can test.
    """
    subject = statement(about) if isinstance(about, str) else about
    finding = _find(subject, evidence)
    if subject.kind == "input" and finding.word in ("recoverable", VAGUE, NO_DATA):
        finding = finding._replace(word="input", basis=f"{_only_stated(subject)}; {finding.basis}")
    return Verdict(
        subject.id, finding.word, finding.basis, finding.ours, subject.printed, finding.deviation, _JUDGED
    )


def resolution(about: Statement, index: int, estimate: Quantity) -> float:
    """The widest σ that is of use: as ``paper.yaml`` sets it, else the rounding or 10 % of the printed value,
    whichever is more; where the paper prints no number, 10 % of our own."""
    if about.resolution:
        return about.resolution[index if about.value else 0]
    if about.value:
        return max(about.rounding[index], 0.1 * abs(about.value[index]))
    return 0.1 * abs(estimate)


def _find(about: Statement, evidence: Evidence | None) -> _Finding:
    match evidence:
        case None:
            return _without_evidence(about)
        case Comparison():
            words: dict[bool | None, Word] = {True: "agrees", False: "inconsistent", None: VAGUE}
            return _Finding(words[evidence.supports], evidence.basis, _said(evidence.value))
        case Twin() if evidence.is_decision:
            return _from_decision(evidence)
        case Twin():
            return _from_estimate(about, evidence)
        case Measurement(same_sample=False):
            return _Finding(NO_DATA, f"{evidence.basis}: another sample, which cannot test this one")
        case Arithmetic() | Measurement():
            return _against_paper(about, evidence)
    raise TypeError(f"evidence comes from one of the from_… functions; {evidence!r} came")


def _without_evidence(about: Statement) -> _Finding:
    if about.kind == "input":
        return _Finding("input", _only_stated(about))
    if about.kind == "needs-data":
        return _Finding(NO_DATA, f"needs {about.needs}. {about.settles_by}")
    raise ValueError(f"{about.id} can be tested on the paper's own numbers or text: {about.settles_by}")


def _only_stated(about: Statement) -> str:
    return f"only stated ({about.where})"


def _from_decision(twin: Twin) -> _Finding:
    """A named world: it must come back, and at least one other must have been tried."""
    found = twin.estimate == twin.planted
    faults = [] if found else [f"{_said(twin.planted)} was planted and did not come back"]
    if not twin.rivals:
        faults.append("no wrong world was tried")
    summary = "the planted world came back" if found else ""
    return _weigh(twin, faults, summary, _Finding(VAGUE, "", _said(twin.estimate)))


def _from_estimate(about: Statement, twin: Twin) -> _Finding:
    """Numbers: bias against what was planted, and a σ that would be of use."""
    estimates = _in_units(about, twin.estimate)
    planted = _in_units(about, _planted_like(twin))
    draft = _Finding(VAGUE, "", _listed(estimates))
    if vague := _undetermined(estimates) or _undetermined(planted, exact_allowed=True):
        return _weigh(twin, [vague], "", draft)
    biases = [
        Quantity(ours - truth, ours.uncertainty, ours.unit)
        for ours, truth in zip(estimates, planted, strict=True)
    ]
    worst = max(biases, key=_in_sigmas)
    faults = [f"the bias is over {STATISTICAL_SIGMAS:g} σ"] if _in_sigmas(worst) > STATISTICAL_SIGMAS else []
    faults += _too_wide(about, estimates)
    return _weigh(twin, faults, f"bias {worst}", draft._replace(deviation=worst))


def _weigh(twin: Twin, faults: list[str], summary: str, draft: _Finding) -> _Finding:
    """A twin without fault that excludes every rival is recoverable."""
    standing = [name for name, excluded in twin.rivals if not excluded]
    fallen = [name for name, excluded in twin.rivals if excluded]
    faults = [*faults, *([f"not excluded: {', '.join(standing)}"] if standing else [])]
    parts = [summary, *faults, f"excluded: {', '.join(fallen)}" if fallen else ""]
    basis = f"{twin.basis}: {'; '.join(filter(None, parts))}"
    return draft._replace(word=VAGUE if faults else "recoverable", basis=basis)


def _against_paper(about: Statement, evidence: Arithmetic | Measurement) -> _Finding:
    """Our numbers against the printed ones; the worst component decides."""
    if not about.value:
        raise ValueError(
            f"{about.id}: the paper prints no number here ({about.words}); use from_comparison(supports, basis)"
        )
    measured = isinstance(evidence, Measurement)
    ours = _in_units(about, evidence.value)
    if vague := _undetermined(ours, exact_allowed=not measured):
        return _Finding(VAGUE, f"{evidence.basis}: {vague}", _listed(ours))
    limit = STATISTICAL_SIGMAS if measured else ROUNDING_SIGMAS
    deviations = [_deviation(mine, theirs) for mine, theirs in zip(ours, about.quantities, strict=True)]
    worst = max(deviations, key=lambda deviation: _excess(about.sign, deviation))
    word: Word = "agrees"
    note = f"ours − paper = {worst} ({_in_sigmas(worst):.1f} σ)"
    if _excess(about.sign, worst) > limit:
        word = "disagrees" if measured else "inconsistent"
    elif (wide := _too_wide(about, ours)) and -_excess(about.sign, worst) < limit:
        word, note = VAGUE, f"{note}; {wide[0]}"
    return _Finding(word, f"{evidence.basis}: {note}", _listed(ours), worst)


def _deviation(ours: Quantity, paper: Quantity) -> Quantity:
    spread = 0.0 if math.isnan(ours.uncertainty) else ours.uncertainty
    return Quantity(ours - paper, math.hypot(spread, paper.uncertainty / math.sqrt(3)), paper.unit)


def _excess(sign: str, deviation: Quantity) -> float:
    """How many σ it lies on the wrong side; below zero: how many on the right side of a bound."""
    if sign in "=~":
        return _in_sigmas(deviation)
    return (deviation if sign == "<" else -deviation) / deviation.uncertainty


def _in_sigmas(deviation: Quantity) -> float:
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


def _planted_like(twin: Twin) -> tuple[Any, ...]:
    """The planted values, a bare number in the unit of its estimate."""
    pairs = zip(twin.estimate, twin.planted, strict=True)
    return tuple(
        Quantity.of(truth, ours.unit) if isinstance(ours, Quantity) else truth for ours, truth in pairs
    )


def _in_units(about: Statement, numbers: tuple[Any, ...]) -> tuple[Quantity, ...]:
    """Our numbers in the units of the statement; where it has none, in their own."""
    if about.value and len(numbers) != len(about.value):
        raise ValueError(f"{about.id} has {len(about.value)} values ({about.printed}); {len(numbers)} came")
    units = about.unit if about.value else (about.unit or (None,)) * len(numbers)
    return tuple(_in_unit(about, number, unit) for number, unit in zip(numbers, units, strict=True))


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


def _listed(numbers: tuple[Quantity, ...]) -> str:
    """``73.13 ± 0.04, 26.49 ± 0.04 %``: the unit once, if it is one."""
    units = {number.unit for number in numbers}
    if len(units) > 1:
        return ", ".join(map(str, numbers))
    values = (format_value(float(number), number.uncertainty) for number in numbers)
    return f"{', '.join(values)} {''.join(units)}".strip()


def _said(entries: tuple[Any, ...]) -> str:
    return ", ".join(str(Quantity.of(e)) if isinstance(e, float) else str(e) for e in entries)
