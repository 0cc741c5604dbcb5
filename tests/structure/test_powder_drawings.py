"""What is drawn of a powder pattern: counts, phases, difference, marks; on axes that say what they are."""

import numpy as np
import pytest
from powder_worlds import SHORT, refined

from nbtools.display import style
from nbtools.structure.draw_powder import budget, draw_pattern, root
from nbtools.structure.draw_powder import pattern as pattern_figure
from nbtools.structure.study_powder import CompositionBudget
from nbtools.units import Quantity

ANGLES = np.linspace(20, 80, 601)
COUNTS = 100 + 5000 * np.exp(-(((ANGLES - 42) / 0.2) ** 2))


def test_pattern_with_its_parts():
    """Counts, a phase, the fit, the difference and its zero line; √ axis labelled in counts; marks of lines."""
    _, axes = style.new_figure()
    parts = {"pattern": COUNTS, "background": np.full(601, 100.0), "components": {"MgO": COUNTS - 100}}
    assert draw_pattern(axes, ANGLES, COUNTS, **parts, positions={"MgO": [42.0]}) is axes
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["counts", "MgO", "fit"]
    assert len(axes.lines) == 5 and len(axes.collections) == 1
    assert "4000" in [tick.get_text() for tick in axes.get_yticklabels()]
    assert axes.get_xlabel() == "2θ (degrees)" and "counts" in axes.get_ylabel()


def test_a_window():
    """Only what is inside is drawn, between the given heights, without the difference."""
    _, axes = style.new_figure()
    draw_pattern(axes, ANGLES, COUNTS, pattern=COUNTS, window=(40, 44), heights=(50, 400))
    assert axes.get_xlim() == (40, 44) and axes.get_ylim() == pytest.approx(np.sqrt([50, 400]))
    assert len(axes.lines) == 2 and np.ptp(axes.lines[0].get_xdata()) < 4


def test_root_keeps_the_sign():
    """√ of what a fit may push below zero."""
    assert root([-4.0, 0.0, 9.0]).tolist() == [-2.0, 0.0, 3.0]


@pytest.mark.parametrize(("low", "high"), [(0, 40), (0, 5_000), (900, 1_300), (0, 3e6), (140, 440)])
def test_labels_do_not_touch(low, high):
    """Whatever the counts: three to six labels, at least a tenth of the axis apart, each at the root of its number."""
    _, axes = style.new_figure()
    x = np.linspace(20, 30, 50)
    draw_pattern(axes, x, np.linspace(low, high, 50), window=(20, 30), heights=(low, high))
    places = np.array([tick for tick in axes.get_yticks()])
    assert 3 <= len(places) <= 6
    assert np.diff(places).min() > 0.1 * np.ptp(axes.get_ylim())
    said = [float(text.get_text()) for text in axes.get_yticklabels()]
    assert np.sqrt(said) == pytest.approx(places, rel=0.03)


@pytest.fixture(scope="module")
def composition():
    return refined(1, angles=SHORT)


def test_the_pattern_and_the_phase_that_shows_least(composition):
    """Counts, phases, fit and marks are those of the refinement; the window holds the weakest's strongest line."""
    whole, part = pattern_figure(composition, axes=style.new_figure(2, columns=2)[1])
    drawn = {line.get_label(): line for line in whole.lines}
    assert np.array_equal(drawn["counts"].get_ydata(), root(composition.counts))
    assert np.array_equal(drawn["fit"].get_ydata(), root(composition.pattern))
    for name in composition.names:
        total = composition.background + composition.components[name]
        assert drawn[name].get_ydata() == pytest.approx(root(total))
    for name, marks in zip(composition.names, whole.collections, strict=True):
        places = [segment[0, 0] for segment in marks.get_segments()]
        assert places == pytest.approx(composition.model.line_positions(name))
    heights = [np.mean(marks.get_segments()[0][:, 1]) for marks in whole.collections]
    floor = min(np.min(line.get_ydata()) for line in whole.lines if len(line.get_ydata()) > 2)
    assert floor > heights[0] > heights[1] > heights[2] > whole.get_ylim()[0]
    least = min(composition.significance, key=composition.significance.get)
    assert least == "Mg"
    place = composition.model.strongest_line(least, composition.two_theta)
    assert part.get_xlim()[0] < place < part.get_xlim()[1]


def test_the_budget_in_percent():
    """One bar a cause, as long as its relative change."""
    parts = {"counting": 0.01, "density": 0.016}
    axes = budget(CompositionBudget("MgB2", Quantity(0.26, 0.01), parts, None), axes=style.new_figure()[1])
    widths = sorted(patch.get_width() for patch in axes.patches)
    assert widths == pytest.approx([1.0, 1.6]) and "MgB2" in axes.get_xlabel()
