"""Pictures of structure: what is on the axes."""

import numpy as np
import pytest
from matplotlib_scalebar.scalebar import ScaleBar

import nbtools.structure.model_random_media as random_media
from nbtools.display import style
from nbtools.structure import draw
from nbtools.structure.fractal import estimate_box_dimension, estimate_verdict_power


@pytest.fixture(scope="module")
def verdict():
    """Of a small cascade."""
    phase = random_media.fractal_cascade((128, 128), np.random.default_rng(0))
    return estimate_box_dimension(phase, voxel_size=50e-9, nulls=4)


def test_a_section_has_a_bar_of_a_round_length() -> None:
    """Of the size of a pixel; without one there is none."""
    _, axes = style.new_figure(2)
    draw.draw_section(axes[0], np.eye(128), pixel_size=50e-9, phase=np.eye(128) > 0)
    draw.draw_section(axes[1], np.eye(128), pixel_size=None)
    with_bar, without = ([a for a in axis.artists if isinstance(a, ScaleBar)] for axis in axes)
    assert [bar.dx for bar in with_bar] == [50e-9] and not without


def test_counts_slopes_and_breadth_are_in_micrometres(verdict) -> None:
    """The largest box is a quarter of 6.4 µm."""
    _, axes = style.new_figure(3, columns=2)
    draw.draw_box_counts(axes[0], verdict)
    draw.draw_local_dimensions(axes[1], verdict)
    draw.draw_breadth(axes[2], verdict)
    assert axes[0].lines[0].get_xdata().max() == pytest.approx(0.05 * verdict.sizes[-1])
    low, high = axes[1].get_ylim()
    assert low < verdict.sections.local_dimensions.min() and high == 2.05
    legend = [text.get_text() for text in axes[2].get_legend().get_texts()]
    assert f"{verdict.decades:.2f} decades" in legend


def test_every_seed_of_the_power_study_is_a_dot() -> None:
    """World by world, with the threshold and the pattern at hand."""
    power = estimate_verdict_power(side=64, seeds=3, nulls=3, worlds=("cascade", "one length"))
    _, axes = style.new_figure()
    draw.verdict_power(power, axes=axes)
    assert [len(line.get_xdata()) for line in axes.lines[:2]] == [3, 3]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cascade (model)", "one length (model)"]


def test_correlations_and_fractions() -> None:
    """One curve an axis, and the level they end at."""
    _, axes = style.new_figure(2)
    draw.draw_correlations(axes[0], [0.1, 0.2], {"z": [0.2, 0.1], "y": [0.2, 0.1]}, fraction=0.3)
    assert len(axes[0].lines) == 3
    assert axes[0].lines[-1].get_ydata()[0] == pytest.approx(0.09)
