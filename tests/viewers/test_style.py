"""Figures have journal widths, say where their data come from, and are the same bytes each time."""

import numpy as np
import pytest

from nbtools.display import style
from nbtools.transport import draw


@pytest.mark.parametrize(("columns", "width"), [(1, 86.0), (2, 178.0)])
def test_journal_widths(columns, width):
    """One column is 86 mm, two are 178 mm."""
    figure, _ = style.new_figure(columns=columns)
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(width)


@pytest.mark.parametrize(("origin", "said"), [("twin", "synthetic"), ("measured", "measured")])
def test_every_panel_says_its_origin(origin, said):
    """A twin is called synthetic on the plot itself."""
    _, axes = style.new_figure()
    assert said in style.tag_origin(axes, origin, "x").get_title("right")


def test_the_same_drawing_is_the_same_bytes(tmp_path):
    """PNG and PDF carry no clock and no version."""

    def drawn(name):
        figure, axes = style.new_figure()
        draw.draw_budget(axes, {"volume": 0.03, "field": 0.01})
        return style.picture(figure), style.export(figure, name, tmp_path).read_bytes()

    assert drawn("a") == drawn("b")


def test_a_drawing_returns_its_axes_and_computes_nothing():
    """The points drawn are the points given, in the paper's unit."""
    _, axes = style.new_figure()
    rho = np.array([1e-7, 2e-7])
    assert draw.draw_resistivity(axes, [40.0, 300.0], rho) is axes
    assert axes.lines[0].get_ydata() == pytest.approx([10.0, 20.0])
    assert "µΩ cm" in axes.get_ylabel()


def test_a_tag_does_not_run_into_the_letter_of_a_narrow_panel() -> None:
    """Four square panels are too narrow for both, two wide ones are not."""
    for panels, lines in ((4, 3), (2, 1)):
        figure, axes = style.new_figure(panels, columns=2, height=43)
        for axis in axes:
            axis.set_box_aspect(1 if panels == 4 else None)
            style.tag_origin(axis, "twin", "magneto-optics-twin")
        style.picture(figure)
        assert {len(axis.get_title("right").split("\n")) for axis in axes} == {lines}
