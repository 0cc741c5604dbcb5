"""The only conversions: SI inside, the community's units at the edge; and the number that carries both."""

import math
import re
from functools import cache
from typing import Any

# What the paper prints for what we compute with. Everything else is the same in both systems.
PAPER_UNITS = {
    "A/m": "Oe",
    "A m^2": "emu",
    "T": "G",
    "A/m^2": "A/cm^2",
    "ohm m": "uohm cm",
    "m": "nm",
}
LABELS = {
    "Oe": "Oe",
    "kOe": "kOe",
    "emu": "emu",
    "G": "G",
    "A/cm^2": "A cm$^{-2}$",
    "A/m^2": "A m$^{-2}$",
    "A m^2": "A m$^2$",
    "A/m": "A/m",
    "kA/m": "kA/m",
    "uohm cm": "µΩ cm",
    "uohm m": "µΩ m",
    "ohm m": "Ω m",
    "ohm": "Ω",
    "mohm": "mΩ",
}


@cache
def _registry() -> Any:
    """One pint registry, in which the Gaussian magnetic units mean their SI counterparts.

    Pint keeps the two systems apart (1 Oe has another dimension than 1 A/m); a magnetometer
    does not: its Oe is 1000/4π A/m, its emu 1e-3 A m².
    """
    import pint

    registry = pint.UnitRegistry(on_redefinition="ignore", cache_folder=None)
    for line in (
        "oersted_si = 1000 / (4 * pi) * ampere / meter = _",
        "emu_si = 1e-3 * ampere * meter**2 = _",
        "gauss_si = 1e-4 * tesla = _",
        "@alias oersted_si = Oe",
        "@alias emu_si = emu",
        "@alias gauss_si = G",
    ):
        registry.define(line)
    return registry


@cache
def factor(unit: str, into: str) -> float:
    """How many `into` make one `unit`; both as a person writes them: ``"Oe"``, ``"uohm cm"``, ``"A/cm^2"``.

    Raises
    ------
    ValueError
        A unit that is not known, or two that do not measure the same thing.
    """
    import pint

    registry = _registry()
    try:
        start, end = registry.Unit(_spell(unit)), registry.Unit(_spell(into))
        if registry.Quantity(0.0, start).to(end).magnitude != 0:
            raise ValueError("a scale with a zero of its own has no factor")
        return float(registry.Quantity(1.0, start).to(end).magnitude)
    except pint.DimensionalityError:
        raise ValueError(f"{unit!r} does not convert into {into!r}: they measure different things") from None
    except (pint.PintError, AttributeError, TypeError, ValueError, KeyError) as problem:
        raise ValueError(f"cannot read {unit!r} or {into!r} as a unit: {problem}") from None


def convert(value: Any, unit: str, into: str) -> Any:
    """`value` (number or array) in another unit; see `factor` for how to write one."""
    return value * factor(unit, into)


def for_display(unit: str, system: str = "paper") -> tuple[float, str]:
    """Factor and label that take an SI `unit` to the axis of a figure in ``"paper"`` or ``"SI"`` units."""
    if system not in ("paper", "SI"):
        raise ValueError(f'UNITS is {system!r}; it can be "paper" or "SI"')
    shown = PAPER_UNITS.get(unit, unit) if system == "paper" else unit
    return (factor(unit, shown) if shown != unit else 1.0), LABELS.get(shown, shown)


class Quantity(float):
    """A float with `.uncertainty` (one standard deviation) and `.unit`; `str` gives ``38.41 ± 0.02 K``.

    It is a float in every calculation, so that estimators stay readable; where the uncertainty
    must travel on, `.ufloat` hands it to the ``uncertainties`` package.
    """

    __slots__ = ("uncertainty", "unit")
    uncertainty: float
    unit: str

    def __new__(cls, value: float, uncertainty: float = math.nan, unit: str = "") -> "Quantity":
        self = super().__new__(cls, value)
        object.__setattr__(self, "uncertainty", float(uncertainty))
        object.__setattr__(self, "unit", unit)
        return self

    @classmethod
    def of(cls, number: Any, unit: str = "") -> "Quantity":
        """From a float, an ``uncertainties`` number or another `Quantity`."""
        if isinstance(number, Quantity):
            return number
        if hasattr(number, "nominal_value"):
            return cls(number.nominal_value, number.std_dev, unit)
        return cls(float(number), math.nan, unit)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Quantity does not change; make a new one instead of setting {name}")

    def __reduce__(self) -> tuple[Any, ...]:
        return (Quantity, (float(self), self.uncertainty, self.unit))

    @property
    def value(self) -> float:
        """The plain float."""
        return float(self)

    @property
    def ufloat(self) -> Any:
        """The same number for the ``uncertainties`` package; a plain float where no uncertainty is known."""
        from uncertainties import ufloat

        return ufloat(float(self), self.uncertainty) if self.uncertainty > 0 else float(self)

    def widened(self, systematic: float) -> "Quantity":
        """The same value with an independent systematic error (same unit, one standard deviation) added."""
        return Quantity(float(self), math.hypot(self.uncertainty, systematic), self.unit)

    def to(self, unit: str) -> "Quantity":
        """In another unit."""
        scale = factor(self.unit, unit)
        return Quantity(float(self) * scale, self.uncertainty * scale, unit)

    def __str__(self) -> str:
        return f"{format_value(float(self), self.uncertainty)} {self.unit}".strip()

    def __repr__(self) -> str:
        return f"Quantity({self})"


def format_value(value: float, uncertainty: float = math.nan) -> str:
    """``38.41 ± 0.02``: the uncertainty to one digit (two below 3), the value to the same place."""
    if math.isnan(value):
        return "not determined"
    if not math.isfinite(uncertainty) or uncertainty <= 0 or not math.isfinite(value):
        return f"{value:.5g}"
    exponent = math.floor(math.log10(uncertainty))
    if uncertainty / 10**exponent < 2.95:
        exponent -= 1
    largest = max(abs(value), uncertainty)
    if 1e-3 <= largest < 1e6 and exponent < 6:
        places = max(0, -exponent)
        return f"{round(value, -exponent):.{places}f} ± {round(uncertainty, -exponent):.{places}f}"
    power = math.floor(math.log10(largest))
    places = max(0, power - exponent)
    return f"({value / 10**power:.{places}f} ± {uncertainty / 10**power:.{places}f})e{power}"


# Words of a unit that pint spells otherwise; a prefix before them is read by `PREFIXES`, and its case counts.
_STEMS = {
    r"(?i:ohms?)": "ohm",
    r"(?:Oe|oe|OE|(?i:oersteds?))": "oersted_si",
    r"(?:emu|EMU)": "emu_si",
    r"(?:G|(?i:gauss))": "gauss_si",
    r"(?:T|(?i:tesla))": "tesla",
    r"(?:A|(?i:amps?|amperes?))": "ampere",
    r"(?:V|(?i:volts?))": "volt",
    r"(?:W|(?i:watts?))": "watt",
    r"(?:K|(?i:kelvins?))": "kelvin",
    r"(?:Hz|hz|HZ|(?i:hertz))": "hertz",
    r"(?:s|(?i:sec|secs|seconds?))": "second",
}
_PREFIXES = {
    "p": "pico",
    "n": "nano",
    "u": "micro",
    "m": "milli",
    "k": "kilo",
    "M": "mega",
    "G": "giga",
    "": "",
}
_GREEK = str.maketrans(
    {"\u2126": "ohm", "Ω": "ohm", "µ": "u", "μ": "u", "²": "^2", "³": "^3", "·": "*", "⋅": "*"}
)


def _spell(unit: str) -> str:
    """Pint's spelling of ours: a blank and a dot multiply, a hyphen before all else; Greek and ASCII both stand."""
    word = r"[A-Za-z]+(?:\^-?\d)?"
    text = unit.strip().translate(_GREEK)
    text = re.sub(rf"{word}(?:-{word})+", lambda one: "(" + re.sub(r"(?<!\^)-", "*", one[0]) + ")", text)
    text = re.sub(r"[A-Za-z_]+", lambda word: _pint_word(word[0]), text)
    return re.sub(r"\s+(?=[A-Za-z])", "*", text)


@cache
def _pint_word(word: str) -> str:
    """``kOhms`` → ``kiloohm``, ``Oe`` → ``oersted_si``; what is none of `_STEMS` stays as it is."""
    for stem, pints in _STEMS.items():
        if match := re.fullmatch(rf"([pnumkMG]?){stem}", word):
            return _PREFIXES[match[1]] + pints
    return word
