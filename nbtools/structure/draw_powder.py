"""Figures of the powder pattern: counts, the refined curve, each phase, the difference, and a window enlarged."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.display.bars import draw_budget
from nbtools.display.drawing import drawing
from nbtools.display.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, RED, SKY, add_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nbtools.structure.powder_refinement import PhaseFractions
    from nbtools.structure.study_powder import CompositionBudget

PHASE_COLOURS = (ORANGE, GREEN, PURPLE, SKY, RED)


def draw_pattern(
    axes: "Axes",
    two_theta: ArrayLike,
    counts: ArrayLike,
    *,
    pattern: ArrayLike | None = None,
    background: ArrayLike | None = None,
    components: Mapping[str, ArrayLike] | None = None,
    positions: Mapping[str, ArrayLike] | None = None,
    window: tuple[float, float] | None = None,
    heights: tuple[float, float] | None = None,
) -> "Axes":
    """Counts over 2θ on a square-root scale, on which counting noise is as wide everywhere.

    With `pattern` the fit and, below zero, the difference in units of its counting noise; with `components` each
    phase on the background, with `positions` (degrees) a mark for each of its lines. `window` (degrees) and
    `heights` (counts) narrow the view; the difference then goes.
    """
    angle, observed = np.asarray(two_theta, float), np.asarray(counts, float)
    chosen = np.ones(angle.size, bool) if window is None else (angle > window[0]) & (angle < window[1])
    axes.plot(angle[chosen], root(observed)[chosen], ".", color=BLUE, markersize=1.2, label="counts")
    floor = 0.0 if background is None else np.asarray(background, float)
    for (name, part), colour in zip((components or {}).items(), PHASE_COLOURS, strict=False):
        curve = root(floor + np.asarray(part, float))[chosen]
        axes.plot(angle[chosen], curve, color=colour, linewidth=0.8, label=name)
    top = float(np.sqrt(max(np.max(observed[chosen]), 1.0)))
    level = -0.12 * top
    if pattern is not None:
        fitted = np.asarray(pattern, float)
        axes.plot(angle[chosen], root(fitted)[chosen], color=BLACK, linewidth=0.5, label="fit")
        if heights is None:
            difference = (root(observed) - root(fitted))[chosen]
            axes.plot(angle[chosen], level + difference, color=BLACK, linewidth=0.3)
            axes.axhline(level, color=RED, linewidth=0.4)
            level = min(level, float(np.quantile(level + difference, 0.002)))
    marks = list(zip((positions or {}).values(), PHASE_COLOURS, strict=False))
    low, high = (root(heights) if heights is not None else (level, top)) if marks else (0.0, 0.0)
    row = 0.035 * (high - low)
    for number, (places, colour) in enumerate(marks):
        # Below all that is drawn, a row for each phase.
        ends = low - (number + 1.6) * row, low - (number + 0.8) * row
        axes.vlines(places, *ends, color=colour, linewidth=0.6)
    if marks:
        axes.set_ylim(low - (len(marks) + 1) * row, high if heights is not None else 1.04 * top)
    elif heights is not None:
        axes.set_ylim(*root(heights))
    _label_counts(axes)
    axes.set(xlabel="2θ (degrees)", xlim=window or (angle[0], angle[-1]))
    add_legend(axes, loc="upper right", ncols=1 if window else 2)
    return axes


def root(counts: ArrayLike) -> NDArray[np.float64]:
    """√counts, with the sign kept."""
    values = np.asarray(counts, float)
    return np.asarray(np.sign(values) * np.sqrt(np.abs(values)))


def _label_counts(axes: "Axes") -> None:
    """Counts on an axis of their square roots: as far apart there as a fifth of it, and rounded by as much."""
    low, high = axes.get_ylim()
    counts = np.linspace(max(low, 0.0), high, 6) ** 2
    steps = 10 ** np.floor(np.log10(np.diff(counts)))
    marks = np.unique(np.round(counts / np.append(steps, steps[-1])) * np.append(steps, steps[-1]))
    marks = marks[(marks >= max(low, 0.0) ** 2) & (marks <= high**2)]
    axes.set_yticks(np.sqrt(marks), [f"{mark:g}" if mark < 1e5 else f"{mark:.2g}" for mark in marks])
    axes.set_yticks([], minor=True)
    axes.set_ylabel("counts (square-root scale)")


@drawing(panels=2, columns=2, name="powder_pattern")
def pattern(panels: Any, composition: "PhaseFractions") -> Any:
    """The whole pattern with its phases, and enlarged the strongest line of the phase that shows least.

    Parameters
    ----------
    composition : from `study_composition`
    """
    curve = composition.two_theta, composition.counts
    background = composition.background
    positions = {name: composition.model.line_positions(name) for name in composition.names}
    parts: dict[str, Any] = {
        "pattern": composition.pattern,
        "background": background,
        "components": composition.components,
        "positions": positions,
    }
    draw_pattern(panels[0], *curve, **parts)
    least = min(composition.names, key=lambda name: composition.significance[name])
    place = composition.model.strongest_line(least, composition.two_theta)
    level = float(np.interp(place, composition.two_theta, background))
    heights = (0.7 * level, max(2.2 * level, level + 10 * level**0.5))
    draw_pattern(panels[1], *curve, **parts, window=(place - 0.7, place + 0.9), heights=heights)
    return panels


@drawing(height=45, name="composition_budget")
def budget(axes: "Axes", study: "CompositionBudget") -> "Axes":
    """The relative change of the volume fraction with each of what it rests on.

    Parameters
    ----------
    study : from `study_composition_budget`
    """
    return draw_budget(axes, study.budget, label=f"change of the volume fraction of {study.phase} (%)")
