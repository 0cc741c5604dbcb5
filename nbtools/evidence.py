"""What a verdict may rest on: arithmetic, a twin, a measurement, or a comparison in words."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from nbtools.results import Origin
from nbtools.units import Quantity

EXCLUDED_BELOW = 0.05


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

    @property
    def is_decision(self) -> bool:
        """True where the estimator names a world rather than a number."""
        return all(isinstance(entry, (bool, str)) for entry in self.estimate)


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
    worlds = tuple((name, _is_excluded(name, plain(odds))) for name, odds in (rivals or {}).items())
    twin = Twin(basis, "twin", as_tuple(estimate), as_tuple(planted), worlds)
    if len(twin.estimate) != len(twin.planted):
        raise ValueError(f"{len(twin.estimate)} estimates came with {len(twin.planted)} planted values")
    return twin


def sigmas(distance: float) -> float:
    """The two-sided probability of a deviation of `distance` standard deviations."""
    return math.erfc(abs(distance) / math.sqrt(2))


def as_tuple(value: Any) -> tuple[Any, ...]:
    """One or several values as a tuple of plain Python objects."""
    several = isinstance(value, Iterable) and not isinstance(value, str)
    return tuple(plain(entry) for entry in value) if several else (plain(value),)


def plain(value: Any) -> Any:
    """A numpy scalar as the Python object it stands for; everything else as it is."""
    return value if isinstance(value, Quantity) or not hasattr(value, "item") else value.item()


def _is_excluded(name: str, odds: bool | float) -> bool:
    if isinstance(odds, bool):
        return odds
    if odds < 0 or odds > 1:
        raise ValueError(
            f"rival {name!r}: {odds!r} is no probability; give one between 0 and 1, or sigmas(z) for a z value"
        )
    return odds <= EXCLUDED_BELOW
