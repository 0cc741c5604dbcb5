"""What people and programs write: text in any encoding, numbers, and `1.00 ± 0.02 mm` as a Quantity in SI."""

import math
import re
from contextlib import suppress
from typing import Any

from scipy.constants import zero_Celsius

from nbtools.units import Quantity, factor

NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
PLUS_MINUS = r"(?:±|\+/-|\+-)"
MEASURE = re.compile(
    rf"\(?\s*(?P<value>{NUMBER})\s*(?:\((?P<digits>\d+)\)(?P<power>[eE][+-]?\d+)?)?\s*(?P<own>[^±+()\d]*?)\s*"
    rf"(?:{PLUS_MINUS}\s*(?P<sigma>{NUMBER}))?\s*\)?\s*(?P<unit>[^±()]*?)"
)
# Units as people write them, no powers of powers; a temperature in °C is an offset, not a factor.
UNIT = re.compile(r"(?!deg[CFRK]|°)[a-zA-ZµμΩ]+(?:[²³]|\^-?\d)?(?:[ */·-][a-zA-ZµμΩ]+(?:[²³]|\^-?\d)?)*")
POWER = re.compile(r"(?<=[a-zA-Z])([23])(?=[ */·-]|$)")
WORD = re.compile(r"\b[A-Z][a-z]{3,}")


def read_measure(written: Any, *, unit: str) -> Quantity:
    """The value and its standard deviation in SI.

    Parameters
    ----------
    written : ``"1.00 ± 0.02 mm"``, ``"1.00 +/- 0.02 mm"``, ``"1.00(2) mm"``, ``"1.00 mm ± 2 %"``, without the
        deviation if none is known, or a mapping of `value`, `uncertainty` and `unit`; for a pure number
        (`unit` is "") the number alone
    unit : the SI unit to return

    Raises
    ------
    ValueError
        Text that is no measure, a negative deviation, a unit of another kind.
    """
    if isinstance(written, Quantity):
        return written.to(unit)
    if isinstance(written, dict):
        value, sigma, stated, sigma_unit = _from_mapping(written, unit)
    elif isinstance(written, int | float) and not isinstance(written, bool) and not unit:
        value, sigma, stated, sigma_unit = float(written), math.nan, "", ""
    else:
        value, sigma, stated, sigma_unit = _from_text(written, unit)
    if not math.isfinite(value) or math.isinf(sigma) or sigma < 0:
        raise ValueError(f"found {written!r}; expected a finite value and a deviation that is not negative")
    scale = unit_factor(stated, unit)
    relative = sigma_unit == "%" and stated != "%"
    spread = abs(value) * sigma / 100 * scale if relative else sigma * unit_factor(sigma_unit, unit)
    return Quantity(value * scale, spread, unit)


def decoded(content: bytes) -> str:
    """The text of a file in UTF-16, in UTF-8, or as Windows writes it in western Europe; lines end in a line feed."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = content.decode("utf-16", "replace")
    else:
        text = ""
        for encoding in ("utf-8-sig", "cp1252", "latin-1"):
            with suppress(UnicodeDecodeError):
                text = content.decode(encoding)
                break
    return text.replace("\r\n", "\n").replace("\r", "\n")


def plain_number(text: Any, otherwise: float = math.nan) -> float:
    """A number as a person or a program writes it, with a point or a comma; `otherwise` for what is none."""
    try:
        return float(str(text).replace(",", "."))
    except ValueError:
        return otherwise


def in_si(values: Any, unit: str, si: str) -> Any:
    """Values in the SI unit `si`; those in °C by their own zero.

    Raises
    ------
    ValueError
        A unit of another kind, or none.
    """
    if si == "K" and unit in ("C", "°C", "degC"):
        return values + zero_Celsius
    return values * unit_factor(unit, si)


def unit_factor(stated: str, unit: str) -> float:
    """How many SI `unit` make one `stated`; a flux density counts as the field that has it in vacuum."""
    if not unit and stated in ("", "%"):
        return 0.01 if stated else 1.0
    if not stated:
        raise ValueError(f"no unit is stated; expected one such as {unit or '%'}")
    # `emu/cm3` is written for `emu/cm^3`, `Tesla` for `tesla`.
    plain = WORD.sub(lambda word: word[0].lower(), POWER.sub(r"^\1", stated))
    if len(stated) > 20 or not UNIT.fullmatch(plain):
        raise ValueError(f"found the unit {stated[:20]!r}; expected one such as {unit or '%'}")
    if unit == "A/m":
        try:
            return factor(plain, "G") * factor("Oe", "A/m")
        except ValueError:
            pass
    return factor(plain, unit)


def _from_mapping(written: dict[Any, Any], unit: str) -> tuple[float, float, str, str]:
    strange = set(written) - {"value", "uncertainty", "unit"}
    if strange or "value" not in written:
        raise ValueError(f"found {_short(written)}; expected a mapping of value, uncertainty and unit")
    numbers = [written["value"], written.get("uncertainty", math.nan)]
    if any(isinstance(n, bool) or not isinstance(n, int | float) for n in numbers):
        raise ValueError(f"found {_short(written)}; expected numbers for value and uncertainty")
    stated = str(written.get("unit", "")).strip()
    return _finite(numbers[0]), _finite(numbers[1]), stated, stated


def _from_text(written: Any, unit: str) -> tuple[float, float, str, str]:
    example = f'"1.00 ± 0.02 {unit}"'.replace(' "', '"')
    if not isinstance(written, str):
        raise ValueError(f"found {_short(written)} without a unit; expected text such as {example}")
    if re.search(r"\d,\d", written[:100]):
        raise ValueError(f"found {_short(written)}; write a decimal point, not a comma, such as {example}")
    match = MEASURE.fullmatch(written.strip().replace("−", "-")) if len(written) < 100 else None
    if not match:
        raise ValueError(
            f"found {_short(written)}; expected a value, its deviation and unit such as {example}"
        )
    value, sigma = float(match["value"] + (match["power"] or "")), float(match["sigma"] or math.nan)
    stated, sigma_unit = (
        match["own"].strip() or match["unit"].strip(),
        match["unit"].strip() or match["own"].strip(),
    )
    if match["digits"]:
        decimals = len(match["value"].partition(".")[2])
        sigma = int(match["digits"]) * 10.0**-decimals * float("1" + (match["power"] or ""))
    return value, sigma, stated, sigma_unit if match["sigma"] else stated


def _finite(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _short(written: Any) -> str:
    text = repr(written)
    return text if len(text) < 60 else text[:57] + "…"
