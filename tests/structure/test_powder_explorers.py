"""Composition under the hand, with no screen: sliders move pattern and misfit, the fit returns to the refinement."""

import numpy as np
import pytest
from powder_worlds import ANGLES, PHASES, PLANTED, clean_pattern

from nbtools.structure.explore_powder import composition, pattern
from nbtools.structure.powder_refinement import fit_phase_fractions


@pytest.fixture(scope="module")
def fractions():
    counts = np.random.default_rng(21).poisson(clean_pattern(PLANTED))
    return fit_phase_fractions(ANGLES, counts, PHASES, texture={"MgB2": (0, 0, 1)})


def test_more_magnesium_misses_the_counts(fractions):
    """At the refined weights nothing is missed; one percent of Mg costs much χ²."""
    explorer = composition(fractions)
    assert explorer.outcome.numbers["Δχ²"] == pytest.approx(0, abs=3)
    explorer.set("trace_weight", value=1.0)
    assert explorer.outcome.numbers["Δχ²"] > 100
    assert "MgB2 by volume" in explorer.summary()


def test_texture_and_width_move_the_pattern(fractions):
    """Both sliders change the curve that is drawn; the picture can be made."""
    explorer = composition(fractions)
    before = explorer.outcome.curves["pattern"][1]
    for name, value in (("texture", 0.7), ("broader", 1.3)):
        moved = composition(fractions).set(name, value=value).outcome.curves["pattern"][1]
        assert np.max(np.abs(moved - before)) > 20
    assert len(explorer.figure().axes) >= 2


def test_the_fit_returns_to_the_refinement(fractions):
    """In the window of three lines every scale is one, within 4 σ; a moved one comes back."""
    widget = pattern(fractions)
    for key in ("phase_0", "phase_1", "background", "broader"):
        assert abs(widget.values[key] - 1) < 4 * widget.result.params[key].stderr
    widget.set("phase_1", value=0.5).fit()
    assert widget.values["phase_1"] == pytest.approx(1, abs=0.05)


def test_what_cannot_be_shown(fractions):
    """A phase that was not refined, a window without points: the reason in place of the widget."""
    assert "Si was not refined; second and trace can be two of MgO, MgB2, Mg" in repr(
        composition(fractions, second="Si")
    )
    assert "0 points lie between 1° and 2°; choose a window" in repr(pattern(fractions, window=(1, 2)))
