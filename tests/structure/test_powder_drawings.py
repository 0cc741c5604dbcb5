"""What is drawn of a powder pattern: counts, phases, difference, marks; on axes that say what they are."""

from dataclasses import replace

import numpy as np
import pytest
from artists import figure_of, legend, lines, millimetres, unnamed, widths
from powder_worlds import SHORT, refined

from nbtools.display import style
from nbtools.structure.draw_powder import budget, draw_pattern, root
from nbtools.structure.draw_powder import pattern as pattern_figure
from nbtools.structure.study_powder import CompositionBudget
from nbtools.units import Quantity

ANGLES = np.linspace(20, 80, 601)
COUNTS = 100 + 5000 * np.exp(-(((ANGLES - 42) / 0.2) ** 2))


def test_pattern_with_its_parts():
    """Each curve where it belongs: phases on the background, the difference about its zero line, marks below all."""
    _, axes = style.new_figure()
    fit, ground = COUNTS * 1.21, np.full(601, 100.0)
    parts = {"pattern": fit, "background": ground, "components": {"MgO": COUNTS - 100, "Mg": 0 * COUNTS}}
    assert draw_pattern(axes, ANGLES, COUNTS, **parts, positions={"MgO": [42.0], "Mg": [36.0, 50.0]}) is axes
    top = np.sqrt(COUNTS.max())
    drawn = lines(axes)
    assert {name: y for name, (_, y) in drawn.items()} == {
        "counts": pytest.approx(np.sqrt(COUNTS)),
        "MgO": pytest.approx(np.sqrt(COUNTS)),
        "Mg": pytest.approx(np.full(601, 10.0)),
        "fit": pytest.approx(1.1 * np.sqrt(COUNTS)),
    }
    assert all(np.array_equal(x, ANGLES) for x, _ in drawn.values())
    (_, difference), (_, zero) = unnamed(axes)
    assert difference == pytest.approx(-0.12 * top - 0.1 * np.sqrt(COUNTS)) and zero == pytest.approx(
        -0.12 * top
    )
    low = np.quantile(difference, 0.002)
    row = 0.035 * (top - low)
    marks = [np.array(one.get_segments()) for one in axes.collections]
    assert marks[1][:, 0, 0].tolist() == [36.0, 50.0]
    assert [sorted(one[0][:, 1]) for one in marks] == [
        pytest.approx([low - 1.6 * row, low - 0.8 * row]),
        pytest.approx([low - 2.6 * row, low - 1.8 * row]),
    ]
    assert axes.get_ylim() == pytest.approx((low - 3 * row, 1.04 * top)) and axes.get_xlim() == (20, 80)
    assert legend(axes) == ["counts", "MgO", "Mg", "fit"]
    assert axes.get_xlabel() == "2θ (degrees)" and axes.get_ylabel() == "counts (square-root scale)"
    _, bare = style.new_figure()
    draw_pattern(bare, ANGLES, 0 * COUNTS, pattern=0.25 + 0 * COUNTS, components={"Mg": 4 + 0 * COUNTS})
    assert lines(bare)["Mg"][1] == pytest.approx(2.0)
    assert unnamed(bare)[1][1] == pytest.approx(-0.12) and unnamed(bare)[0][1] == pytest.approx(-0.62)


def test_marks_stand_below_all_but_two_in_a_thousand_differences():
    """Differences that fall evenly to −5 about a line at −1.2: from −6.19 down, of a scale of 10."""
    _, axes = style.new_figure()
    angle, flat = np.linspace(20, 80, 501), np.full(501, 100.0)
    draw_pattern(axes, angle, flat, pattern=(10 + np.linspace(0, 5, 501)) ** 2, positions={"MgO": [42.0]})
    low = -1.2 - 5 + 0.002 * 5
    row = 0.035 * (10 - low)
    assert axes.get_ylim() == pytest.approx((low - 2 * row, 10.4))
    [mark] = axes.collections[0].get_segments()
    assert mark[:, 1] == pytest.approx([low - 1.6 * row, low - 0.8 * row])


def test_a_window():
    """Only what is inside is drawn, between the given heights, without the difference; marks stand below the lower."""
    _, axes = style.new_figure()
    draw_pattern(axes, ANGLES, COUNTS, pattern=COUNTS, window=(40, 44), heights=(50, 400))
    assert axes.get_xlim() == (40, 44) and axes.get_ylim() == pytest.approx(np.sqrt([50, 400]))
    inside = (ANGLES > 40) & (ANGLES < 44)
    assert {name: x for name, (x, _) in lines(axes).items()} == {
        "counts": pytest.approx(ANGLES[inside]),
        "fit": pytest.approx(ANGLES[inside]),
    }
    assert not unnamed(axes)
    draw_pattern(axes, ANGLES, COUNTS, window=(40, 44), heights=(49, 400), positions={"MgO": [42.0]})
    row = 0.035 * (20 - 7)
    assert axes.get_ylim() == pytest.approx((7 - 2 * row, 20))
    assert axes.collections[0].get_segments()[0][:, 1] == pytest.approx([7 - 1.6 * row, 7 - 0.8 * row])


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
    assert 3 <= len(places) <= 6 and not len(axes.get_yticks(minor=True))
    assert np.diff(places).min() > 0.1 * np.ptp(axes.get_ylim())
    said = [float(text.get_text()) for text in axes.get_yticklabels()]
    assert np.sqrt(said) == pytest.approx(places, rel=0.03)


@pytest.fixture(scope="module")
def composition():
    return refined(1, angles=SHORT)


def test_the_pattern_and_the_phase_that_shows_least(composition, monkeypatch):
    """Counts, phases, fit and marks are those of the refinement; the window holds the weakest's strongest line."""
    figure = figure_of(monkeypatch, pattern_figure, replace(composition))
    assert millimetres(figure) == pytest.approx(178)
    whole, part = figure.axes
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
    assert part.get_xlim() == pytest.approx((place - 0.7, place + 0.9))
    level = np.interp(place, composition.two_theta, composition.background)
    assert part.get_ylim()[1] ** 2 == pytest.approx(max(2.2 * level, level + 10 * np.sqrt(level)))
    row = 0.035 * (part.get_ylim()[1] - np.sqrt(0.7 * level))
    assert part.get_ylim()[0] == pytest.approx(np.sqrt(0.7 * level) - 4 * row)
    faint = replace(composition, model=replace(composition.model, coefficients=np.array([25.0])))
    low = pattern_figure(faint, axes=style.new_figure(2, columns=2)[1])[1]
    assert low.get_ylim()[1] ** 2 == pytest.approx(25 + 10 * 5)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0, 10_000, ["0", "2000", "4000", "6000", "10000"]),
        (0, 10, ["0", "2", "4", "6", "10"]),
        (0, 180_000, ["0", "10000", "30000", "60000", "1.2e+05", "1.8e+05"]),
        (0, 4e6, ["0", "2e+05", "6e+05", "1e+06", "3e+06", "4e+06"]),
        (2500, 10_000, ["4000", "5000", "6000", "8000", "10000"]),
    ],
)
def test_counts_are_rounded_by_as_much_as_they_are_apart(low, high, said):
    """A fifth of the axis of roots from one label to the next; above a hundred thousand in two digits."""
    _, axes = style.new_figure()
    draw_pattern(axes, ANGLES, COUNTS, heights=(low, high))
    assert [text.get_text() for text in axes.get_yticklabels()] == said


def test_the_budget_in_percent():
    """One bar a cause, as long as its relative change."""
    parts = {"counting": 0.01, "density": 0.016}
    axes = budget(CompositionBudget("MgB2", Quantity(0.26, 0.01), parts, None), axes=style.new_figure()[1])
    assert widths(axes) == pytest.approx({"counting": 1.0, "density": 1.6}) and "MgB2" in axes.get_xlabel()
