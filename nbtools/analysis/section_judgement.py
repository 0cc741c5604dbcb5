"""The fractal verdict itself: how broad a pattern is between two lengths, beside matched patterns of one length."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nbtools.analysis.gliding_boxes import GlidingBoxes, gliding_boxes
from nbtools.models.random_media import gaussian_field, level_set

Word = Literal["scale-free", "not scale-free", "cannot tell"]

NULLS = 39  # the fewest with which a rank test reaches p = 0.025
# Set by `study_power`: how much broader than its nulls a pattern must be, in decades, and the dip of the
# local slope above which two lengths far apart would pass for many.
EXCESS, GAP = 0.12, 0.22


@dataclass(frozen=True)
class Judgement:
    """Sections, their matched nulls, and what follows."""

    boxes: GlidingBoxes
    nulls: tuple[GlidingBoxes, ...]
    word: Word
    reason: str

    @property
    def excess(self) -> float:
        """Decades by which the pattern is broader than the median of its nulls; NaN without nulls."""
        return self.boxes.breadth - _middle(self.nulls)

    @property
    def p_value(self) -> float:
        """Share of the nulls at least as broad, the pattern itself counted in."""
        return (1 + sum(null.breadth >= self.boxes.breadth for null in self.nulls)) / (1 + len(self.nulls))


def judge_sections(stacks: Sequence[NDArray[np.bool_]], rng: Generator, *, nulls: int = NULLS) -> Judgement:
    """The verdict on stacks of sections, against `nulls` matched patterns of one length."""
    boxes = gliding_boxes(stacks)
    compared = _matched_nulls(boxes, stacks, nulls, rng)
    return Judgement(boxes, compared, *_decide(boxes, compared))


def _decide(boxes: GlidingBoxes, nulls: Sequence[GlidingBoxes]) -> tuple[Word, str]:
    if math.isinf(boxes.solid):
        return "not scale-free", "the phase is solid in boxes up to a quarter of the field"
    if not nulls:
        return "cannot tell", "no pattern of one length could be matched to it"
    excess = boxes.breadth - _middle(nulls)
    broader = excess >= EXCESS and sum(null.breadth >= boxes.breadth for null in nulls) <= 0.05 * len(nulls)
    if broader and boxes.dip > GAP:
        return "cannot tell", f"two lengths far apart look alike: the local slope dips by {boxes.dip:.0%}"
    if broader:
        return "scale-free", f"broader than patterns of one length by {excess:.2f} decades"
    room = math.log10(boxes.sizes[-1] / boxes.solid)
    if math.isinf(boxes.reach) and room < _middle(nulls) + EXCESS:
        return "cannot tell", f"the field is too small: {room:.2f} decades lie above the solid length"
    return "not scale-free", f"no broader than patterns of one length ({excess:+z.2f} of {EXCESS} decades)"


def _middle(nulls: Sequence[GlidingBoxes]) -> float:
    return float(np.median([null.breadth for null in nulls])) if nulls else math.nan


def _matched_nulls(
    boxes: GlidingBoxes, stacks: Sequence[NDArray[np.bool_]], count: int, rng: Generator
) -> tuple[GlidingBoxes, ...]:
    """Level sets of one length with the filling and the solid length of the pattern."""
    if math.isinf(boxes.solid) or boxes.fraction >= 1:
        return ()
    length = max(0.4, boxes.solid / 3)
    largest = boxes.sizes[-1] / 2
    for _ in range(2):  # the solid length of a level set goes as its correlation length, but for the grid
        pilot = _one_length(boxes.fraction, stacks, length, rng)
        if math.isfinite(pilot.solid):
            length = float(np.clip(length * boxes.solid / pilot.solid, 0.4, largest))
    return tuple(_one_length(boxes.fraction, stacks, length, rng) for _ in range(count))


def _one_length(
    fraction: float, stacks: Sequence[NDArray[np.bool_]], length: float, rng: Generator
) -> GlidingBoxes:
    made = []
    for stack in stacks:
        fields = [gaussian_field(stack.shape[1:], rng, correlation_length=length) for _ in stack]
        made.append(level_set(np.stack(fields), fraction))
    return gliding_boxes(made)
