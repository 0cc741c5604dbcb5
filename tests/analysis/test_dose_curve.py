"""Fewer electrons: thinned counts are Poisson counts, and their columns scatter as those of a recording there."""

import numpy as np
import pytest
import stem_worlds as worlds
from test_stem_indexing import aligned

from nbtools.analysis import stem


def recorded(dose):
    """The same two grains at another dose: only the counting is drawn anew."""
    return aligned(np.random.default_rng(1), dose=dose)


@pytest.fixture(scope="module")
def interface():
    return stem.index_interface(recorded(60), worlds.PIXEL, worlds.CRYSTALS)


@pytest.fixture(scope="module")
def curve(interface):
    return stem.dose_curve(recorded(60), interface, worlds.PIXEL, shares=(0.1, 0.002))


def test_thinned_counts_are_poisson():
    """A tenth of the mean, and as much variance."""
    rng = np.random.default_rng(0)
    counts = stem.thinned(rng.poisson(60, (400, 400)), 0.1, rng)
    assert counts.mean() == pytest.approx(6, abs=5 * np.sqrt(6 / counts.size))
    assert counts.var() == pytest.approx(6, abs=5 * 6 * np.sqrt(2 / counts.size))


@pytest.mark.parametrize(
    ("counts", "share", "says"), [([0.5], 0.1, "counts"), ([-1], 0.1, "counts"), ([1], 2, "share")]
)
def test_what_cannot_be_thinned_is_refused(counts, share, says):
    """With what was expected."""
    with pytest.raises(ValueError, match=says):
        stem.thinned(counts, share, np.random.default_rng(0))


def test_the_curve_says_where_it_ends(curve):
    """At a tenth of 60 counts all is left; at 0.1 counts nothing is, and the reason is said."""
    enough, few = curve
    assert enough.determined and enough.same_zones and enough.upper_limit_95 < 0.4e-9
    assert enough.dose == pytest.approx(6, rel=0.01)
    assert not few.determined and few.upper_limit_95 == np.inf and few.reason
    assert few.fitted < enough.fitted


def test_the_error_is_that_of_a_recording_at_that_dose(interface, curve):
    """Columns of an image recorded at 6 counts, against all but noiseless ones, scatter as the thinned ones say."""
    grains = zip(interface.solutions, interface.waves, interface.masks, strict=True)
    starts = np.concatenate([stem.place_columns(*grain, worlds.PIXEL).positions for grain in grains])
    sure = stem.refine_columns(recorded(60), starts).uncertainties < 0.5
    true, seen = (stem.refine_columns(recorded(dose), starts[sure]) for dose in (1e6, 6))
    moved = np.abs(seen.positions - true.positions)[seen.converged & true.converged]
    assert curve[0].column_error == pytest.approx(1.4826 * np.median(moved) * worlds.PIXEL, rel=0.1)
