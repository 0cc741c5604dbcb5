"""Draw what became of the paper's statements: one square each, and how far the numbers lie apart."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nbtools.display.drawing import drawing
from nbtools.display.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, RED, SKY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nbtools.paper.table import PaperTable

# A letter beside the colour: nobody has to tell seven colours apart.
MARKS: dict[str, tuple[str, str]] = {
    "agrees": (GREEN, "A"),
    "disagrees": (PURPLE, "D"),
    "inconsistent": (RED, "I"),
    "follows": ("#7fc9a8", "F"),
    "recoverable": (SKY, "R"),
    "not discriminating": (ORANGE, "?"),
    "undecided": ("#f5d9a0", "U"),
    "not testable without the raw data": ("#bbbbbb", "–"),
    "input": ("#e4e4e4", ""),
    "open": ("white", "o"),
}


@drawing(columns=2, height=75, name="verdicts")
def verdicts(axes: "Axes", table: "PaperTable") -> "Axes":
    """One row a topic, one square a statement, in the order of the paper."""
    return draw_verdicts(axes, table.by_topic)


@drawing(columns=2, height=95, name="distances")
def distances(axes: "Axes", table: "PaperTable", *, limit: float = 2.0) -> "Axes":
    """By how many σ our arithmetic lies from the printed number; the band is what rounding excuses."""
    return draw_deviations(axes, table.distances, table.inconsistent, limit=limit)


def draw_verdicts(axes: "Axes", verdicts: Mapping[str, Sequence[tuple[str, bool]]]) -> "Axes":
    """One row a topic, one square a statement, in the order of the paper.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    verdicts : mapping of str to sequence of (str, bool)
        By topic, each verdict's word and whether it counts; one that does not is hatched.
    """
    given = [entry for entries in verdicts.values() for entry in entries]
    used = [word for word in MARKS if word in {word or "open" for word, _ in given}]
    for row, entries in enumerate(verdicts.values()):
        for column, (word, counts) in enumerate(entries):
            colour, letter = MARKS[word or "open"]
            axes.add_patch(_square(column, row, colour if counts else "white", hatched=not counts))
            axes.text(column, row, letter, ha="center", va="center", fontsize=6)
    axes.set(
        xlim=(-0.6, max(map(len, verdicts.values())) - 0.4), ylim=(len(verdicts) - 0.4, -0.6), aspect="equal"
    )
    axes.set_yticks(range(len(verdicts)), list(verdicts))
    axes.tick_params(which="both", length=0, labelsize=7)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    labels = [f"{MARKS[word][1]}  {word}".strip() for word in used]
    handles = [_square(0, 0, MARKS[word][0]) for word in used]
    if not all(counts for _, counts in given):
        labels, handles = [*labels, "not counted"], [*handles, _square(0, 0, "white", hatched=True)]
    axes.legend(handles, labels, fontsize=6, frameon=False, loc="upper right")
    return axes


def draw_deviations(
    axes: "Axes", sigmas: Mapping[str, float], inconsistent: Collection[str] = (), *, limit: float = 2.0
) -> "Axes":
    """By how many σ our arithmetic lies from the printed number, red where that is inconsistent; the band is what
    rounding excuses."""
    order = sorted(sigmas, key=lambda name: abs(sigmas[name]))
    values = np.array([sigmas[name] for name in order])
    axes.axvspan(-limit, limit, color=GREEN, alpha=0.12, linewidth=0)
    axes.axvline(0, color=BLACK, linewidth=0.5)
    colours = [RED if name in inconsistent else BLUE for name in order]
    axes.scatter(values, range(len(order)), c=colours, s=12, zorder=3)
    axes.hlines(range(len(order)), 0, values, color=colours, linewidth=0.8)
    axes.set_xscale("symlog", linthresh=limit)
    axes.set_yticks(range(len(order)), order, fontsize=6)
    axes.tick_params(axis="y", which="minor", length=0)
    axes.set(xlabel="ours − paper (σ of rounding)")
    return axes


def _square(column: float, row: float, colour: str, *, hatched: bool = False) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(
        (column - 0.44, row - 0.44),
        0.88,
        0.88,
        facecolor=colour,
        edgecolor="#aaaaaa" if hatched else BLACK,
        linewidth=0.3,
        hatch="///" if hatched else None,
    )
