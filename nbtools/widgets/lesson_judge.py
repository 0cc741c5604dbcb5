"""How an answer is judged: a number within its tolerance, the slip behind a wrong one, and where a verdict flips."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nbtools.models.colour_centres import HC
from nbtools.units import Quantity

# What a wrong answer over the right one is, when one thing was taken for another.
SLIPS = {
    "the sign is the other way round": -1.0,
    "a factor of two: a radius for a diameter, a half for the whole": 2.0,
    "a factor of 79.6: A/m for Oe": 1e3 / (4 * math.pi),
    "a factor of 4π: one unit system for the other": 4 * math.pi,
    "a factor of 2π: a wavelength for a wave number": 2 * math.pi,
    "a factor of 57.3: degrees for radians": 180 / math.pi,
    "a factor of 2.30: a decadic logarithm for a natural one": math.log(10),
    "a factor of 2.35: a full width at half maximum for a standard deviation": math.sqrt(8 * math.log(2)),
}
POWERS = {
    1: "the decimal point, nm for Å, or G for mT",
    2: "per cent for a share, or m for cm",
    3: "kilo or milli",
    4: "G or Oe for T, or cm² for m²",
    6: "micro or mega",
    9: "nm for m",
}


@dataclass(frozen=True)
class Judgement:
    """Whether an answer is right, what is said to it, and its score where it has one."""

    right: bool
    said: str
    score: float | None = None


def judge_number(
    answer: float,
    truth: Quantity,
    *,
    tolerance: float,
    rivals: Mapping[str, float] | None = None,
    hidden: bool = False,
) -> Judgement:
    """Right within `tolerance`; else the slip that would explain the answer.

    Parameters
    ----------
    answer, truth, tolerance : in the same unit
    rivals : what else a physicist might take for it: a sentence, and the number that this would give
    hidden : do not say the truth to a wrong answer
    """
    if abs(answer - truth) <= tolerance:
        return Judgement(True, f"right: the notebook finds {truth}")
    where = "not yet" if hidden else f"the notebook finds {truth}, off by more than {tolerance:.2g}"
    slip = find_slip(answer, float(truth), tolerance=tolerance, rivals=rivals or {})
    return Judgement(False, f"{where}: {slip}" if slip else where)


def find_slip(answer: float, truth: float, *, tolerance: float, rivals: Mapping[str, float]) -> str:
    """What was likely confused; no text where nothing fits.

    A rival is met within `tolerance`; a factor within the tolerance as a share of the truth, 1 to 8 %.
    """
    for sentence, value in rivals.items():
        if abs(answer - value) <= tolerance:
            return sentence
    if not answer or not truth or not math.isfinite(answer / truth):
        return ""
    share = min(max(abs(tolerance / truth), 0.01), 0.08)
    ratio = answer / truth
    found = {name: min(abs(ratio / f - 1), abs(ratio * f - 1)) for name, f in SLIPS.items()}
    power = round(math.log10(abs(ratio)))
    if power:
        hint, size = POWERS.get(abs(power)), "10" if abs(power) == 1 else f"10^{abs(power)}"
        found[f"a factor of {size}{f': {hint}' if hint else ''}"] = abs(ratio / 10.0**power - 1)
    found["nm for eV, or eV for nm"] = abs(answer * truth / HC - 1)
    found["upside down"] = abs(answer * truth - 1)
    best = min(found, key=lambda name: found[name])
    return best if found[best] <= share else ""


@dataclass(frozen=True)
class Flip:
    """How far a knob goes before a verdict changes; `at` is None where it does not between `start` and `end`."""

    knob: str
    start: float
    end: float
    before: Any
    after: Any
    at: Quantity | None

    @property
    def moved(self) -> float:
        """How far from the start; not a number where nothing flips."""
        return float("nan") if self.at is None else float(self.at) - self.start

    def __str__(self) -> str:
        if self.at is None:
            return f"{self.knob}: “{self.before}” holds all the way from {self.start:.3g} to {self.end:.3g}"
        start, way = (
            f"{value} {self.at.unit}".strip() for value in (f"{self.start:.3g}", f"{self.moved:+.3g}")
        )
        return f"{self.knob}: “{self.before}” at {start} becomes “{self.after}” at {self.at}, {way} away"


def find_flip(
    verdict: Callable[[float], Any],
    start: float,
    end: float,
    *,
    knob: str,
    unit: str = "",
    steps: int = 10,
    halvings: int = 5,
) -> Flip:
    """The first change of a verdict on the way of one knob, by even steps and then by halving.

    Parameters
    ----------
    verdict : of the knob; what it says where it raises ValueError is "not determined"
    start, end : of the knob; the way goes from the first to the second
    knob, unit : what is turned
    steps, halvings : a change narrower than a step can be missed; the place is known to step/2^(halvings + 1)
    """

    def say(value: float) -> Any:
        try:
            return verdict(value)
        except ValueError:
            return "not determined"

    before, last = say(start), start
    for number in range(1, steps + 1):
        place = start + (end - start) * number / steps
        if (after := say(place)) != before:
            break
        last = place
    else:
        return Flip(knob, start, end, before, before, None)
    for _ in range(halvings):
        middle = (last + place) / 2
        if (there := say(middle)) == before:
            last = middle
        else:
            place, after = middle, there
    return Flip(knob, start, end, before, after, Quantity((last + place) / 2, abs(place - last) / 2, unit))
