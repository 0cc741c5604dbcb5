"""What is drawn of a powder pattern: counts, phases, difference, marks; on axes that say what they are."""

import numpy as np
import pytest

from nbtools.display import style
from nbtools.structure.draw_powder import draw_pattern, root

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
