"""Value ± uncertainty with method, data and origin, in a ledger that survives as JSON."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from nbtools import paths
from nbtools.units import Quantity
from nbtools.whole_file import write_whole

Origin = Literal["measured", "digitised", "twin", "paper"]
ORIGIN_LABELS = {
    "measured": "measured",
    "digitised": "digitised from print",
    "twin": "synthetic (twin)",
    "paper": "arithmetic on the paper's numbers",
}
SCHEMA = 2
# Of ledgers written before a ledger said which run and which paper.yaml it is from.
OLDER_SCHEMAS = (1,)
BY_HAND = "by hand"
# Two runs agree where a number has moved by less than this part of its σ, and its σ by less than this part of
# itself; a number without σ, by less than this part of its value.
SAME_SIGMAS = 0.1
SAME_UNCERTAINTY = 0.05
SAME_RELATIVE = 1e-5


class NotPossible(ValueError):
    """What a file or a sample card does not hold; the message is one sentence for the reader."""


@dataclass(frozen=True)
class Result:
    """One number of one notebook: what it is, how it was found, on which data.

    Parameters
    ----------
    name : under which the ledger keeps it
    value, uncertainty, unit : the number and its σ, in SI (0 or NaN where no σ is stated)
    method : the criterion or method, in a few words
    origin, data : of the data, and their name
    note : what it is, in words, as the notebook's table has it
    section : of the notebook
    options : of the study that found it, as text
    file : the files that the study read
    tolerance : by how much a number without σ may differ on another machine, in its unit; 1e-5 of it by default

    Raises
    ------
    ValueError
        An unknown origin; a tolerance that is not positive, or beside a σ (0.1 σ is the tolerance then).
    """

    name: str
    value: float
    uncertainty: float
    unit: str
    method: str
    origin: Origin
    data: str = ""
    note: str = ""
    section: str = ""
    options: str = ""
    file: str = ""
    tolerance: float | None = None

    def __post_init__(self) -> None:
        if self.origin not in get_args(Origin):
            raise ValueError(f"origin {self.origin!r} is none of {', '.join(get_args(Origin))}")
        if self.tolerance is not None and not (0 < self.tolerance < math.inf):
            raise ValueError(
                f"{self.name}: the tolerance is {self.tolerance}; give a positive number, or none"
            )
        if self.tolerance is not None and self.uncertainty > 0:
            raise ValueError(
                f"{self.name} has both σ = {self.uncertainty} and a tolerance of {self.tolerance}: a number with "
                "a σ is compared within a tenth of it; leave the tolerance out"
            )

    @property
    def quantity(self) -> Quantity:
        return Quantity(self.value, self.uncertainty, self.unit)

    def __str__(self) -> str:
        return f"{self.name} = {self.quantity}  [{ORIGIN_LABELS[self.origin]}]"


@dataclass
class Ledger:
    """The results of one notebook, in order, written after each entry so that a stopped run loses nothing.

    Parameters
    ----------
    notebook : the notebook's name, which is also the file's: ``03_transport`` → ``03_transport.json``
    folder : where to write; by default ``NBTOOLS_RESULTS`` or ``build/results`` of the project
    run : the headless run that it is from, "by hand" (JupyterLab, a script), or "stored"
    paper : the hash of the ``paper.yaml`` that its verdicts were computed from; empty where it has none
    provenance : by data set: version, origin, each file's name and sha256, and what the sample card gives
    """

    notebook: str
    folder: Path | None = None
    results: dict[str, Result] = field(default_factory=dict)
    verdicts: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    run: str = field(default_factory=lambda: paths.this_run() or BY_HAND)
    paper: str = ""
    provenance: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return (self.folder or paths.results_folder()) / f"{self.notebook}.json"

    def add(
        self,
        name: str,
        quantity: float,
        *,
        method: str,
        origin: Origin,
        data: str = "",
        unit: str = "",
        note: str = "",
        tolerance: float | None = None,
    ) -> Result:
        """Enter a number (a `Quantity` brings its own uncertainty and unit); a name is entered once a run.

        The other arguments are those of `Result`.
        """
        number = Quantity.of(quantity, unit)
        entry = Result(
            name,
            float(number),
            number.uncertainty,
            number.unit or unit,
            method,
            origin,
            data,
            note,
            tolerance=tolerance,
        )
        self.results[name] = entry
        self.write()
        return entry

    def keep(self, entries: Sequence[Result], *, claim: str) -> None:
        """Enter results under one claim, a cell that called a study; run again, it replaces what it entered before.

        Raises
        ------
        ValueError
            A name that another claim of this run holds.
        """
        for entry in entries:
            held = self.claims.get(entry.name, claim)
            if held != claim:
                raise ValueError(
                    f"{entry.name} is already kept by another call of this run ({held}); "
                    "pass record=False where a number is not to be kept"
                )
        for name in [name for name, holder in self.claims.items() if holder == claim]:
            self.results.pop(name, None)
            del self.claims[name]
        for entry in entries:
            self.results[entry.name] = entry
            self.claims[entry.name] = claim
        self.write()

    def series(self, prefix: str, suffix: str = "") -> dict[float, Quantity]:
        """Results named by a number, ``critical_current_30K`` by that number; those without a value are left out."""
        pattern = re.compile(rf"{re.escape(prefix)}([\d.]+){re.escape(suffix)}")
        named = {
            match[1]: entry for name, entry in self.results.items() if (match := pattern.fullmatch(name))
        }
        return {float(n): entry.quantity for n, entry in named.items() if math.isfinite(entry.value)}

    def skip(self, section: str, reason: str) -> None:
        """Say that a section could not run, and why."""
        self.skipped[section] = reason
        self.write()

    def write(self) -> None:
        """Write to `path`; a ledger of no notebook stays in memory."""
        if self.notebook:
            write_whole(self.path, dumps(self.as_dict()))

    def as_dict(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "notebook": self.notebook,
            "run": self.run,
            "paper": self.paper,
            "provenance": self.provenance,
            "results": [_entry(entry) for entry in self.results.values()],
            "verdicts": [{"id": key, **value} for key, value in self.verdicts.items()],
            "skipped": self.skipped,
        }


def read_ledger(path: str | Path) -> Ledger:
    """A stored ledger.

    Raises
    ------
    ValueError
        A file that is no ledger, or one of another schema.
    """
    path = Path(path)
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
        if text["schema"] not in (SCHEMA, *OLDER_SCHEMAS):
            raise ValueError(f"schema {text['schema']} found, {SCHEMA} expected")
        entries = [Result(**{k: _number(v) for k, v in e.items()}) for e in text["results"]]
        verdicts = {v["id"]: {k: x for k, x in v.items() if k != "id"} for v in text["verdicts"]}
        return Ledger(
            text["notebook"],
            path.parent,
            {e.name: e for e in entries},
            verdicts,
            text["skipped"],
            run=text.get("run", ""),
            paper=text.get("paper", ""),
            provenance=text.get("provenance", {}),
        )
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as problem:
        raise ValueError(
            f"{path} is not a ledger of results ({problem}); run the notebook again to make a new one"
        ) from None


@dataclass(frozen=True)
class Move:
    """How one number moved between two runs."""

    name: str
    before: Result | None
    after: Result | None

    @property
    def sigmas(self) -> float:
        """The move over the larger stated uncertainty; infinite where none is stated."""
        if self.before is None or self.after is None:
            return math.inf
        step = abs(self.after.value - self.before.value)
        stated = [u for u in (self.before.uncertainty, self.after.uncertainty) if u > 0]
        both_nan = math.isnan(self.before.value) and math.isnan(self.after.value)
        if step == 0 or both_nan:
            return 0.0
        return step / max(stated) if stated and math.isfinite(step) else math.inf

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.name}: new, {self.after.quantity if self.after else ''}"
        if self.after is None:
            return f"{self.name}: gone, was {self.before.quantity}"
        if self.before.unit != self.after.unit:
            return f"{self.name}: {self.before.quantity} → {self.after.quantity}, another unit"
        if math.isinf(self.sigmas):
            return f"{self.name}: {self.before.value} → {self.after.value}, without σ"
        return f"{self.name}: {self.before.quantity} → {self.after.quantity} ({self.sigmas:.2g} σ)"


def compare(before: Ledger, after: Ledger) -> Iterator[Move]:
    """The numbers that moved by more than another machine may move them, appeared or went.

    A number may move by 0.1 of its stored σ, and its σ by 5 %; one without σ by its stored tolerance, or by 1e-5
    of itself where none is stored. Units are compared to the letter.
    """
    for name in {**before.results, **after.results}:
        old, new = before.results.get(name), after.results.get(name)
        if old is None or new is None or not _same(old, new):
            yield Move(name, old, new)


def differences(before: Ledger, after: Ledger) -> list[str]:
    """A sentence for each number that moved, appeared or went, and each verdict that changed its word.

    What measured data are missing for is no difference: `left_out` names it.
    """
    absent = _left_out(before, after)
    moves = [str(move) for move in compare(before, after) if move.name not in absent]
    for name in {**before.verdicts, **after.verdicts}:
        old, new = (ledger.verdicts.get(name, {}).get("verdict") for ledger in (before, after))
        if old != new and name not in absent:
            moves.append(f"{name}: {old or 'new'} → {new or 'gone'}")
    return moves


def left_out(before: Ledger, after: Ledger) -> list[str]:
    """A sentence for each number and verdict of measured data that a run without these data could not have."""
    return [f"{name}: left out of this run" for name in _left_out(before, after)]


def _left_out(before: Ledger, after: Ledger) -> list[str]:
    numbers = [name for name, entry in before.results.items() if entry.origin == "measured"]
    verdicts = [name for name, entry in before.verdicts.items() if entry.get("origin") == "measured"]
    missing = [name for name in numbers if name not in after.results]
    missing += [name for name in verdicts if name not in after.verdicts]
    return missing if after.skipped else []


def dumps(content: Any) -> str:
    """JSON that a diff shows line by line; a number that is not finite is written as a string."""
    return json.dumps(plain(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _same(old: Result, new: Result) -> bool:
    if old.unit != new.unit:
        return False
    stated, found = (entry.uncertainty if entry.uncertainty > 0 else 0.0 for entry in (old, new))
    if not math.isclose(stated, found, rel_tol=SAME_UNCERTAINTY):
        return False
    if not (math.isfinite(old.value) and math.isfinite(new.value)):
        return old.value == new.value or (math.isnan(old.value) and math.isnan(new.value))
    if 0 < stated < math.inf:
        return abs(new.value - old.value) <= SAME_SIGMAS * stated
    if old.tolerance is not None:
        return abs(new.value - old.value) <= old.tolerance
    return math.isclose(old.value, new.value, rel_tol=SAME_RELATIVE)


def _entry(result: Result) -> dict[str, Any]:
    """The fields of a result; the tolerance only where there is one."""
    return {name: value for name, value in asdict(result).items() if (name, value) != ("tolerance", None)}


def plain(content: Any) -> Any:
    """As JSON types only; a number that is not finite as text."""
    if isinstance(content, dict):
        return {str(key): plain(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [plain(value) for value in content]
    if isinstance(content, float):
        return float(content) if math.isfinite(content) else str(float(content))
    return content


def _number(value: Any) -> Any:
    return float(value) if value in ("nan", "inf", "-inf") else value
