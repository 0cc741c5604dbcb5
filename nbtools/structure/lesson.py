"""Questions on structure for the classroom: count boxes, predict, judge a pattern blind, break the dimension."""

from typing import Any

import numpy as np

from nbtools.display import style
from nbtools.display.drawing import finish
from nbtools.lessons.questions import Flip, Lesson, Question, find_flip
from nbtools.structure.box_counting import box_counts
from nbtools.structure.choices import ChoicesStudy
from nbtools.structure.draw import draw_section
from nbtools.structure.fractal import WORLDS, FractalVerdict, estimate_box_dimension
from nbtools.structure.model_random_media import gaussian_field, level_set
from nbtools.study import NotPossible, Stamp

# The blind patterns, by what they are.
PATTERNS = {
    "a mass fractal": "woven cascade",
    "noise of one length": "one length",
    "grains of many sizes": "lognormal grains",
    "a fractal surface only": "k⁻³ field",
}
PRINTED = 1.67  # the paper's dimension of the surface image
BOXES = (1, 32)  # pixels
COUNTING = "01_structure.ipynb#Fig.-2(c)-·-Counting-boxes"


def show_counts(fractal: FractalVerdict) -> None:
    """The box counts alone, with no slope drawn."""
    figure, axes = style.new_figure(height=45)
    axes.loglog(1e6 * fractal.voxel_size * fractal.sizes, fractal.counts, "o", color=style.BLUE)
    axes.set(xlabel="box size (µm)", ylabel="number of boxes")
    if fractal.stamp is not None:
        finish(figure, fractal.stamp, "box_counts_by_hand")


def ask_slope(lesson: Lesson, fractal: FractalVerdict) -> Question:
    """D, from two points of the curve.

    Parameters
    ----------
    lesson : keeps the answer
    fractal : from `study_box_dimension`
    """
    question = "Read N at two box sizes far apart. What is the dimension, −Δ ln N/Δ ln ε?"
    wrong = {}
    if not fractal.no_interface:
        wrong["that is what boxes on the interface give"] = float(fractal.interface_dimension)
    why = (
        "N ∝ ε^(−D), so that D is the slope of ln N against −ln ε. Points far apart err least: over a factor "
        "of 32 in ε, 5 % in each N are 0.02 in D"
    )
    asked = lesson.by_hand(
        "slope", question, fractal.dimension, tolerance=0.1, rivals=wrong, why=why, link=COUNTING
    )
    return asked.about(fractal)


def ask_covered_share(lesson: Lesson, fractal: FractalVerdict) -> Question:
    """The share of the field that the boxes of a size cover, reckoned from their number.

    Parameters
    ----------
    lesson : keeps the answer
    fractal : from `study_box_dimension`

    Raises
    ------
    NotPossible
        A volume, or a section that is not counted whole.
    """
    if fractal.space != 2:
        raise NotPossible("the question is about a section")
    number = len(fractal.sizes) // 2
    size, count, pixels = int(fractal.sizes[number]), float(fractal.counts[number]), float(fractal.counts[0])
    share = count * size**2 / pixels
    question = (
        f"{count:.0f} boxes of {size} pixels a side hold some of the phase, which has {pixels:.0f} pixels. How many "
        "times the area of the phase do these boxes cover?"
    )
    wrong = {"the side of a box in place of its area": count * size / pixels}
    why = (
        f"N boxes of edge ε cover N ε²: {count:.0f}·{size}²/{pixels:.0f} = {share:.2f}. They hold the phase and "
        "what lies beside it, hence more than 1"
    )
    asked = lesson.check(
        "cover", question, share, tolerance=0.02 * share, rivals=wrong, why=why, link=COUNTING
    )
    return asked.about(fractal)


def ask_other_phase(lesson: Lesson, fractal: FractalVerdict, choices: ChoicesStudy) -> Question:
    """How D comes out when the bright phase is counted.

    Parameters
    ----------
    lesson : keeps the answer
    fractal : of the dark phase
    choices : from `study_choices`

    Raises
    ------
    NotPossible
        The bright phase could not be counted.
    """
    other = choices.found.get("the bright phase")
    if other is None:
        raise NotPossible(choices.missing.get("the bright phase", "the bright phase was not counted"))
    question = "The bright phase is counted instead of the dark one. How does D come out?"
    change = "larger" if other.dimension > fractal.dimension else "smaller"
    why = (
        "Of the phase that fills more of the field, fewer boxes stay empty, and D comes nearer to 2, fractal "
        f"or not. The bright phase gives {other.dimension}, the dark one {fractal.dimension}"
    )
    asked = lesson.predict(
        "the other phase", question, change, options=("larger", "smaller"), why=why, link=COUNTING
    )
    return asked.about(fractal)


def ask_blind_pattern(lesson: Lesson) -> Question:
    """Which of four patterns with the same filling it is, and how sure one is; the pattern is shown."""
    mystery = lesson.mystery(PATTERNS)
    pattern = WORLDS[mystery.drawn]((256, 256), np.random.default_rng(mystery.seed))
    figure, axes = style.new_figure(height=42)
    draw_section(axes, pattern, pixel_size=None)
    finish(figure, Stamp("A pattern, blind", "twin", mystery.name, "blind_pattern"), "blind_pattern")
    judged = estimate_box_dimension(pattern, voxel_size=1e-6, nulls=9)
    said = f"{judged.verdict}, D = {judged.dimension}"
    why = (
        "A mass fractal has holes of every size inside its solid and fills large boxes unevenly; noise of one "
        "length and grains do so only up to their own size. A fractal surface is rough at every length, its "
        "solid is full"
    )
    return lesson.judge(mystery, "Which pattern is it?", by_code=said, why=why, link=COUNTING)


def find_share_of_blobs() -> Flip:
    """At which share of the field blobs of one length have the paper's dimension, from boxes of 1 and 32 pixels."""
    blobs = gaussian_field((256, 256), np.random.default_rng(1), correlation_length=4.0)

    def reaches(share: float) -> Any:
        small, large = box_counts(level_set(blobs, share), BOXES).minimum
        return bool(small / large >= (BOXES[1] / BOXES[0]) ** PRINTED)

    return find_flip(reaches, 0.1, 0.6)


def ask_share_of_blobs(lesson: Lesson) -> Question:
    """Blobs of one length that have the paper's dimension."""
    limit = find_share_of_blobs()
    question = f"At which share of the field do blobs of one length have D = {PRINTED}?"
    filled = BOXES[1] ** (PRINTED - 2)
    why = (
        f"Nearly every box of {BOXES[1]} pixels holds some of blobs this small, so that N(1)/N({BOXES[1]}) is "
        f"{BOXES[1]}² times their share p. Then p = {BOXES[1]}^(D − 2) = {filled:.2f}: D only repeats the share"
    )
    other = {"that is the share that they leave empty": 1 - filled}
    asked = lesson.predict("blobs", question, limit.at, tolerance=0.05, rivals=other, why=why, link=COUNTING)
    return asked.of("model")
