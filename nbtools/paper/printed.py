"""What the paper says: every checkable statement of `paper.yaml`, as frozen data."""

import difflib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nbtools.units import Quantity, factor, printed_unit

Kind = Literal["input", "derived", "needs-data", "qualitative"]
KINDS = get_args(Kind)
# What a verdict may rest on; the rest are sentences, which are shown as they stand now.
DECIDING = {"id", "kind", "value", "unit", "rounding", "resolution", "sign", "words", "implied"}
PREFIX = {"=": "", "~": "~", "<": "< ", ">": "> "}


class Statement(BaseModel):
    """One checkable statement; the head of ``paper.yaml`` explains the fields.

    `value`, `unit`, `rounding` and `resolution` are tuples, one entry for each printed number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[A-Z]+-\d\d$")
    where: str = Field(min_length=1)
    says: str = Field(min_length=1)
    kind: Kind
    quantity: str = Field(min_length=1)
    value: tuple[int | float, ...] = ()
    unit: tuple[str, ...] = ()
    rounding: tuple[float, ...] = ()
    resolution: tuple[float, ...] = ()
    sign: Literal["=", "~", "<", ">"] = "="
    words: str = ""
    implied: bool = False
    notebook: Literal["01", "02", "03", "04", "05", "06", "07"]
    settles_by: str = Field(min_length=1)
    needs: str = ""

    @model_validator(mode="before")
    @classmethod
    def _one_entry_each(cls, fields: dict[str, Any]) -> dict[str, Any]:
        """A single unit, rounding or resolution stands for every number."""
        lists = {key: _as_tuple(fields.get(key, ())) for key in ("value", "unit", "rounding", "resolution")}
        count = len(lists["value"])
        if count and not lists["unit"]:
            lists["unit"] = ("",)
        spread = {key: entry * count if count and len(entry) == 1 else entry for key, entry in lists.items()}
        return {**fields, **spread, "value": lists["value"]}

    @model_validator(mode="after")
    def _complete(self) -> "Statement":
        count = len(self.value)
        if bool(count) == bool(self.words):
            raise ValueError("either a value or words, not both and not neither")
        if count and not len(self.unit) == len(self.rounding) == count:
            raise ValueError(f"{count} values need as many units and roundings, or one for all")
        if len(self.resolution) not in (0, count or 1) or len(self.unit) > max(count, 1):
            raise ValueError(f"{count} values need as many units and resolutions, or one for all")
        if not all(step > 0 for step in self.rounding + self.resolution):
            raise ValueError("a rounding and a resolution are above zero")
        if (self.kind == "needs-data") != bool(self.needs):
            raise ValueError("`needs` names the raw file of a statement that needs data, and only there")
        for unit in self.unit:
            factor(unit, unit)
        return self

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The printed numbers, each with its rounding as uncertainty, for arithmetic on them."""
        return tuple(map(Quantity, self.value, self.rounding, self.unit))

    @property
    def printed(self) -> str:
        """What the paper prints: ``5.7 nm``, ``~30 %``, ``97.9 kOe and 0.23``, or its words."""
        if not self.value:
            return self.words
        units = [printed_unit(unit) for unit in self.unit]
        if len(set(units)) == 1:
            numbers = f"{enumeration(map(str, self.value))} {units[0]}".strip()
        else:
            numbers = enumeration(f"{v} {u}".strip() for v, u in zip(self.value, units, strict=True))
        return f"{PREFIX[self.sign]}{numbers}{' (implied)' if self.implied else ''}"


class Paper(Mapping[str, Statement]):
    """Every statement by its id, in the order of the paper: ``paper["GL-01"]``.

    Parameters
    ----------
    statements : mapping of str to Statement
        As `read_paper` reads them.
    """

    def __init__(self, statements: Mapping[str, Statement]) -> None:
        self._statements = dict(statements)

    def __getitem__(self, name: str) -> Statement:
        """One statement; an id that is not there is a ValueError with the nearest that are."""
        if name in self._statements:
            return self._statements[name]
        near = difflib.get_close_matches(str(name).upper(), self._statements, n=4, cutoff=0.4)
        raise ValueError(
            f"the paper has no statement {name!r}; nearest: {', '.join(near) or 'none'}. "
            f"`read_paper()` lists all {len(self._statements)}"
        )

    def __contains__(self, name: object) -> bool:
        return name in self._statements

    def __iter__(self) -> Iterator[str]:
        return iter(self._statements)

    def __len__(self) -> int:
        return len(self._statements)

    @property
    def sha256(self) -> str:
        """The hash of what a verdict may rest on: ids, kinds, numbers, units and roundings, but no sentence."""
        content = [about.model_dump(mode="json", include=DECIDING) for about in self.values()]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def changed(self, changes: Mapping[str, Sequence[float]]) -> "Paper":
        """The same paper with other printed numbers.

        Parameters
        ----------
        changes : mapping of str to sequence of float
            For a statement's id its numbers, as many as are printed, in the printed units. The rounding of an
            exact number stays; what "about" and "more than" leave open stays the same share of the number.

        Raises
        ------
        ValueError
            An id that there is not, or another count of numbers.
        """
        statements = dict(self._statements)
        for name, numbers in changes.items():
            about, numbers = self[name], _as_tuple(numbers)
            if len(numbers) != len(about.value):
                raise ValueError(
                    f"{name} prints {len(about.value)} numbers ({about.printed}); {len(numbers)} came"
                )
            rounding = about.rounding
            if about.sign != "=":
                printed = zip(rounding, numbers, about.value, strict=True)
                rounding = tuple(abs(r * new / old) if old and new else r for r, new, old in printed)
            statements[name] = about.model_copy(update={"value": numbers, "rounding": rounding})
        return Paper(statements)


def read_paper() -> Paper:
    """The paper's statements as `paper.yaml` has them."""
    return _load(Path(__file__).with_name("paper.yaml"))


@cache
def _load(path: Path) -> Paper:
    """Read and check a file of statements."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} holds a {type(content).__name__}; statements by id were expected")
    return Paper({name: _read(name, fields, path.name) for name, fields in content.items()})


def _read(name: str, fields: Any, file: str) -> Statement:
    if not isinstance(fields, dict):
        raise ValueError(f"{file}, statement {name}: fields were expected, {fields!r} came")
    try:
        return Statement.model_validate({"id": name, **fields})
    except ValidationError as problem:
        faults = [f"{'.'.join(map(str, e['loc'][:1])) or 'fields'}: {e['msg']}" for e in problem.errors()]
        raise ValueError(f"{file}, statement {name}: {'; '.join(faults)}") from None


def enumeration(parts: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *first, last = [*parts] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _as_tuple(entry: Any) -> tuple[Any, ...]:
    return tuple(entry) if isinstance(entry, Iterable) and not isinstance(entry, str) else (entry,)
