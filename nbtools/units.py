"""The only conversions: SI inside, the community's units at the edge; and the number that carries both."""

import math
import operator
import re
from collections.abc import Callable
from functools import cache
from numbers import Real
from typing import Any

HC = 1239.841984  # eV nm: photon energy times wavelength in vacuum

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

SUPERSCRIPTS = str.maketrans("-0123456789.", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹˙")
PRINTED = {
    "ohm": "Ω",
    "uohm": "µΩ",
    "mohm": "mΩ",
    "um": "µm",
    "us": "µs",
    "uV": "µV",
    "uA": "µA",
    "angstrom": "Å",
    "deg": "°",
    "degree": "°",
    "degC": "°C",
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
    """Factor and label that take an SI `unit` to the axis of a figure in ``"paper"`` or ``"SI"`` units.

    Examples
    --------
    >>> for_display("T")
    (10000.0, 'G')
    >>> for_display("T", "SI")
    (1.0, 'T')
    """
    if system not in ("paper", "SI"):
        raise ValueError(f'UNITS is {system!r}; it can be "paper" or "SI"')
    shown = PAPER_UNITS.get(unit, unit) if system == "paper" else unit
    return (factor(unit, shown) if shown != unit else 1.0), LABELS.get(shown, shown)


class Quantity(float):
    """A float with `.uncertainty` (one standard deviation) and `.unit`; `str` gives ``38.410 ± 0.021 K``.

    Arithmetic between quantities and plain numbers carries σ and unit, to first order and with the correlation
    of numbers that come from the same ones (the ``uncertainties`` package). It holds inside one process: a
    number that was stored and read again is independent of all others. numpy takes it for a plain float.

    Parameters
    ----------
    value : the number
    uncertainty : one standard deviation, in the same unit; NaN where it is not known
    unit : as `factor` reads it

    Raises
    ------
    ValueError
        A sum or difference of two quantities that do not measure the same thing.

    Examples
    --------
    >>> length = Quantity(2.0, 0.1, "mm")
    >>> print(length * length)
    4.00 ± 0.40 mm²
    >>> print(length - length)
    0 mm
    """

    __slots__ = ("_affine", "uncertainty", "unit")
    uncertainty: float
    unit: str
    _affine: Any

    def __new__(cls, value: float, uncertainty: float = math.nan, unit: str = "") -> "Quantity":
        self = super().__new__(cls, value)
        object.__setattr__(self, "uncertainty", float(uncertainty))
        object.__setattr__(self, "unit", unit)
        object.__setattr__(self, "_affine", None)
        return self

    @classmethod
    def of(cls, number: Any, unit: str = "") -> "Quantity":
        """From a float, an ``uncertainties`` number or another `Quantity`."""
        if isinstance(number, Quantity):
            return number
        if hasattr(number, "nominal_value"):
            self = cls(number.nominal_value, number.std_dev, unit)
            object.__setattr__(self, "_affine", number)
            return self
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
        """The same number, correlations and all, for the ``uncertainties`` package; an exact one is a plain float."""
        if self.uncertainty == 0:
            return float(self)
        if self._affine is None:
            from uncertainties import ufloat

            object.__setattr__(self, "_affine", ufloat(float(self), self.uncertainty))
        return self._affine

    def widened(self, systematic: float) -> "Quantity":
        """The same value with an independent systematic error (same unit, one standard deviation) added."""
        if systematic == 0:
            return self
        return self + Quantity(0.0, systematic, self.unit)

    def to(self, unit: str) -> "Quantity":
        """In another unit."""
        if unit == self.unit:
            return self
        return _found(factor(self.unit, unit) * self.ufloat, unit)

    def __add__(self, other: Any) -> Any:
        return self._sum(operator.add, other)

    def __radd__(self, other: Any) -> Any:
        return self._sum(operator.add, other)

    def __sub__(self, other: Any) -> Any:
        return self._sum(operator.sub, other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other if isinstance(other, Real) else NotImplemented

    def __mul__(self, other: Any) -> Any:
        return self._product(operator.mul, other)

    def __rmul__(self, other: Any) -> Any:
        return self._product(operator.mul, other)

    def __truediv__(self, other: Any) -> Any:
        return self._product(operator.truediv, other)

    def __rtruediv__(self, other: Any) -> Any:
        if not isinstance(other, Real):
            return NotImplemented
        return _found(float(other) / self.ufloat, _power("", self.unit, -1))

    def __pow__(self, exponent: Any, modulo: None = None) -> Any:
        if not isinstance(exponent, Real) or isinstance(exponent, Quantity):
            return NotImplemented
        return _found(self.ufloat ** float(exponent), _power("", self.unit, float(exponent)))

    def __neg__(self) -> "Quantity":
        return _found(-self.ufloat, self.unit)

    def __pos__(self) -> "Quantity":
        return self

    def __abs__(self) -> "Quantity":
        return -self if self < 0 else self

    def _sum(self, operation: Callable[[Any, Any], Any], other: Any) -> Any:
        """A plain number is an exact one in the same unit."""
        if not isinstance(other, Real):
            return NotImplemented
        if isinstance(other, Quantity):
            return _found(operation(self.ufloat, other.to(self.unit).ufloat), self.unit)
        return _found(operation(self.ufloat, float(other)), self.unit)

    def _product(self, operation: Callable[[Any, Any], Any], other: Any) -> Any:
        if not isinstance(other, Real):
            return NotImplemented
        if isinstance(other, Quantity):
            unit = _power(self.unit, other.unit, 1 if operation is operator.mul else -1)
            return _found(operation(self.ufloat, other.ufloat), unit)
        return _found(operation(self.ufloat, float(other)), self.unit)

    def __str__(self) -> str:
        return f"{format_value(float(self), self.uncertainty)} {printed_unit(self.unit)}".strip()

    def __repr__(self) -> str:
        return f"Quantity({self})"


def propagate(function: Callable[..., float], *numbers: Any, unit: str = "") -> Quantity:
    """A function of quantities with their σ carried through, correlations included.

    Parameters
    ----------
    function : of plain floats, in the units the numbers have
    numbers : quantities and plain numbers
    unit : of what comes out

    Examples
    --------
    >>> print(propagate(math.sqrt, Quantity(4.0, 0.4, "m^2"), unit="m"))
    2.00 ± 0.10 m
    """
    from uncertainties import wrap

    return _found(
        wrap(function)(*(Quantity.of(n).ufloat if isinstance(n, Quantity) else n for n in numbers)), unit
    )


def _found(number: Any, unit: str) -> Quantity:
    """What an operation gave: an ``uncertainties`` number, or a plain one that is exact."""
    return Quantity.of(number, unit) if hasattr(number, "nominal_value") else Quantity(number, 0.0, unit)


@cache
def _power(unit: str, other: str, power: float) -> str:
    """``unit · other^power`` in our spelling."""
    if not other or power == 0:
        return unit
    if unit == other and power == -1:
        return ""
    if not unit and power == 1:
        return other
    registry = _registry()
    product = registry.Unit(_spell(unit)) * registry.Unit(_spell(other)) ** power
    text = f"{product:~C}" if product.dimensionless else f"{registry.Quantity(1, product).units:~C}"
    for pints, ours in (
        ("**", "^"),
        ("*", " "),
        ("Ω", "ohm"),
        ("µ", "u"),
        ("oersted_si", "Oe"),
        ("gauss_si", "G"),
        ("emu_si", "emu"),
    ):
        text = text.replace(pints, ours)
    return text


def format_value(value: float, uncertainty: float = math.nan) -> str:
    """``38.412 ± 0.023``: the uncertainty to two digits, the value to the same place; zero has no sign."""
    if math.isnan(value):
        return "not determined"
    if not math.isfinite(uncertainty) or uncertainty <= 0 or not math.isfinite(value):
        return f"{value:z.5g}"
    last = _power_of_ten(uncertainty, digits=2) - 1
    largest = max(abs(value), uncertainty)
    if 1e-3 <= largest < 1e6:
        places = max(0, -last)
        return f"{round(value, -last):z.{places}f} ± {round(uncertainty, -last):.{places}f}"
    power = _power_of_ten(largest, digits=7)
    places = max(0, power - last)
    return f"({value / 10**power:z.{places}f} ± {uncertainty / 10**power:.{places}f})e{power}"


def printed_unit(unit: str) -> str:
    """A unit as printed matter has it: ``"A/cm^2"`` → ``A cm⁻²``, ``"uohm cm"`` → ``µΩ cm``, ``"um"`` → ``µm``."""
    words = []
    for number, part in enumerate(unit.split("/")):
        for word in part.split():
            name, _, power = word.partition("^")
            if name == "1":
                continue
            sign = "-" if number else ""
            power = f"{sign}{power or '1'}" if sign or power else ""
            words.append(PRINTED.get(name, name) + power.translate(SUPERSCRIPTS))
    return " ".join(words)


def _power_of_ten(value: float, digits: int) -> int:
    """Of the first digit, once rounded to so many: 0.0996 is 0.10."""
    return int(f"{value:.{digits - 1}e}".partition("e")[2])


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
