"""nbval with a tolerance: what a cell prints is compared as another machine would print it.

Bits differ between processors, and a number that rounds near a boundary may then print another last digit.
Blanks are collapsed. Words, units, integers and indices are compared exactly. A decimal (a number with a point or an
exponent) may move by 0.1 σ where it is printed with its σ, or by one last printed place, whichever is more; a σ by 5 %
or one last place. ``-0.00`` is ``0.00``.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

VALUE_IN_SIGMAS = Decimal("0.1")
SIGMA_ITSELF = Decimal("0.05")
SHOWN = 60

SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
SIGN = "[-+−]"
DIGITS = r"(?:\d+\.\d+|\.\d+|\d+)"
POWER = rf"(?:[eE]{SIGN}?\d{{1,4}}(?!\w)|\s?[×·]\s?10[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{{1,4}})"
# Digits within a word (H2O, a hash), a version or a date are part of it, and not a number.
NUMBER = rf"(?<![\w.]){SIGN}?{DIGITS}(?!\d|\.\d)"
TOKEN = re.compile(
    rf"""
      \((?P<inner>{NUMBER})\s?±\s?(?P<inner_sigma>{NUMBER})\)(?P<outer_power>{POWER})  # (1.2 ± 0.1)e-3
    | (?P<concise>(?<![\w.]){SIGN}?\d*\.\d+)\((?P<digits>\d+)\)(?P<concise_power>{POWER})?    # 1.23(4)
    | (?P<value>{NUMBER}{POWER}?)\s?±\s?(?P<sigma>{NUMBER}{POWER}?)                   # 1.23 ± 0.04
    | ±\s?(?P<only_sigma>{NUMBER}{POWER}?)                                           # ± 0.04
    | (?P<alone>{NUMBER}{POWER}?)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Printed:
    """A number as it is printed.

    Parameters
    ----------
    text : the characters
    value : the number
    place : what one in its last printed place is worth; None for an integer, which is exact
    """

    text: str
    value: Decimal
    place: Decimal | None

    @classmethod
    def read(cls, number: str, outer_power: str = "") -> "Printed":
        """From ``1.23``, ``-5``, ``1.2e-3``, ``1.2×10⁻³``; with the power of a bracket around it."""
        digits, power = re.fullmatch(rf"({SIGN}?{DIGITS})({POWER}?)", number).groups()
        value = Decimal(digits.replace("−", "-")).scaleb(_exponent(power) + _exponent(outer_power))
        exact = not ("." in digits or power[:1] in {"e", "E"} or outer_power)  # 5·10⁵ was written by a person
        return cls(
            number + outer_power, value, None if exact else Decimal(1).scaleb(value.as_tuple().exponent)
        )

    def same(self, fresh: "Printed", allowed: Decimal = Decimal(0)) -> bool:
        """Whether a fresh print of it is the same, by `allowed` or one last place of the finer print."""
        if self.place is None or fresh.place is None:
            return self.place == fresh.place and self.value == fresh.value
        return abs(self.value - fresh.value) <= max(allowed, min(self.place, fresh.place))


@dataclass(frozen=True)
class Quantity:
    """A value, its σ, or both, the words before it, and all that stands around."""

    before: str
    value: Printed | None
    sigma: Printed | None
    around: str

    def same(self, fresh: "Quantity") -> bool:
        """Whether words, value and σ of a fresh print are the same."""
        if (self.value is None, self.sigma is None) != (fresh.value is None, fresh.sigma is None):
            return False
        if _words(self, fresh) != _words(fresh, self):
            return False
        sigma = self.sigma.value if self.sigma else Decimal(0)
        return all(
            old is None or old.same(new, part * sigma)
            for old, new, part in (
                (self.value, fresh.value, VALUE_IN_SIGMAS),
                (self.sigma, fresh.sigma, SIGMA_ITSELF),
            )
        )


def text_differences(stored: str, fresh: str) -> list[str]:
    """What differs beyond the tolerance, a line each; nothing where both say the same."""
    before, after = list(_quantities(stored)), list(_quantities(fresh))
    if len(before) == len(after):
        pairs = zip(before, after, strict=True)
        return [f"stored: {old.around}\n fresh: {new.around}" for old, new in pairs if not old.same(new)]
    lines = difflib.unified_diff(stored.splitlines(), fresh.splitlines(), "stored", "fresh", lineterm="", n=0)
    return [*lines] or [f"stored: {len(before)} numbers, fresh: {len(after)}"]


def _quantities(text: str) -> Iterator[Quantity]:
    """The numbers of a text with collapsed blanks, each with the words before it; at last the words after all."""
    text, begin = " ".join(text.split()), 0
    for found in TOKEN.finditer(text):
        around = f"…{text[max(min(begin, found.start() - SHOWN), 0) : found.end()]}…"
        yield Quantity(text[begin : found.start()], *_numbers(found), around)
        begin = found.end()
    yield Quantity(text[begin:], None, None, f"…{text[max(begin - SHOWN, 0) :]}")


def _numbers(found: re.Match) -> tuple[Printed | None, Printed | None]:
    parts = {name: part for name, part in found.groupdict().items() if part is not None}
    if "inner" in parts:
        power = parts["outer_power"]
        return Printed.read(parts["inner"], power), Printed.read(parts["inner_sigma"], power)
    if "concise" in parts:
        value = Printed.read(parts["concise"], parts.get("concise_power", ""))
        return value, Printed(f"({parts['digits']})", int(parts["digits"]) * value.place, value.place)
    if "value" in parts:
        return Printed.read(parts["value"]), Printed.read(parts["sigma"])
    if "only_sigma" in parts:
        return None, Printed.read(parts["only_sigma"])
    return Printed.read(parts["alone"]), None


def _words(one: Quantity, other: Quantity) -> str:
    """The words before a number; a blank in the column of a sign that only the other has is not one of them."""
    signs = [bool(each.value) and each.value.text[0] in "-+−" for each in (one, other)]
    return one.before.rstrip() if signs[0] != signs[1] else one.before


def _exponent(power: str) -> int:
    """3 of ``e3``, ``E+03`` and ``×10³``; 0 of nothing."""
    found = re.fullmatch(r"(?:[eE]|\s?[×·]\s?10)(.+)", power)
    return int(found[1].translate(SUPERSCRIPT).replace("−", "-")) if found else 0
