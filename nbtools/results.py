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
SCHEMA = 1
LEFT_OUT = "left out of this run"


class NotPossible(ValueError):
    """What a file or a sample card does not hold; the message is one sentence for the reader."""


@dataclass(frozen=True)
class Result:
    """One number of one notebook: what it is, how it was found, on which data.

    Parameters
    ----------
    name : under which the ledger keeps it
    value, uncertainty, unit : the number, one standard deviation, in SI
    method : the criterion or method, in a few words
    origin, data : of the data, and their name
    note : anything else worth a line
    section : of the notebook
    options : of the study that found it, as text
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

    def __post_init__(self) -> None:
        if self.origin not in get_args(Origin):
            raise ValueError(f"origin {self.origin!r} is none of {', '.join(get_args(Origin))}")

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
    """

    notebook: str
    folder: Path | None = None
    results: dict[str, Result] = field(default_factory=dict)
    verdicts: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return (self.folder or results_folder()) / f"{self.notebook}.json"

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
    ) -> Result:
        """Enter a number (a `Quantity` brings its own uncertainty and unit); a name is entered once a run."""
        number = Quantity.of(quantity, unit)
        entry = Result(
            name, float(number), number.uncertainty, number.unit or unit, method, origin, data, note
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
            "results": [asdict(entry) for entry in self.results.values()],
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
        if text["schema"] != SCHEMA:
            raise ValueError(f"schema {text['schema']} found, {SCHEMA} expected")
        entries = [Result(**{k: _number(v) for k, v in e.items()}) for e in text["results"]]
        verdicts = {v["id"]: {k: x for k, x in v.items() if k != "id"} for v in text["verdicts"]}
        return Ledger(text["notebook"], path.parent, {e.name: e for e in entries}, verdicts, text["skipped"])
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
        return f"{self.name}: {self.before.quantity} → {self.after.quantity} ({self.sigmas:.2g} σ)"


def compare(before: Ledger, after: Ledger, *, relative: float = 1e-6) -> Iterator[Move]:
    """The numbers that moved by more than `relative`, appeared or went."""
    for name in {**before.results, **after.results}:
        old, new = before.results.get(name), after.results.get(name)
        if old is None or new is None or old.unit != new.unit or not _same(old.value, new.value, relative):
            yield Move(name, old, new)


def differences(before: Ledger, after: Ledger) -> list[tuple[float, str]]:
    """By how many σ, and a sentence, for all that differs; what measured data are missing for does not count."""
    found = []
    for move in compare(before, after):
        absent = _left_out(after, move.after, move.before.origin if move.before else "")
        found.append((0.0, f"{move.name}: {LEFT_OUT}") if absent else (move.sigmas, str(move)))
    for name in {**before.verdicts, **after.verdicts}:
        old, new = before.verdicts.get(name), after.verdicts.get(name)
        if old and new and old["verdict"] == new["verdict"]:
            continue
        absent = _left_out(after, new, old.get("origin", "") if old else "")
        words = f"{name}: {old['verdict'] if old else 'new'} → {new['verdict'] if new else 'gone'}"
        found.append((0.0, f"{name}: {LEFT_OUT}") if absent else (math.inf, words))
    return found


def _left_out(after: Ledger, new: object, origin: str) -> bool:
    return new is None and origin == "measured" and bool(after.skipped)


def results_folder() -> Path:
    """Where ledgers are written: ``NBTOOLS_RESULTS``, or ``build/results`` beside the package."""
    return paths.results_folder()


def dumps(content: Any) -> str:
    """JSON that a diff shows line by line; a number that is not finite is written as a string."""
    return json.dumps(_plain(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _same(old: float, new: float, relative: float) -> bool:
    return math.isclose(old, new, rel_tol=relative) or (math.isnan(old) and math.isnan(new))


def _plain(content: Any) -> Any:
    if isinstance(content, dict):
        return {str(key): _plain(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_plain(value) for value in content]
    if isinstance(content, float):
        return float(content) if math.isfinite(content) else str(float(content))
    return content


def _number(value: Any) -> Any:
    return float(value) if value in ("nan", "inf", "-inf") else value
