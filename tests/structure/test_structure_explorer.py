"""The structure explorer with no screen: its numbers follow its sliders."""

import numpy as np
import pytest
from driving import drive

import nbtools.structure.model_random_media as random_media
from nbtools.structure import explore
from nbtools.structure.phases import estimate_phases


@pytest.fixture(scope="module")
def section():
    """One length, blurred a little by its own smoothing, with noise."""
    rng = np.random.default_rng(2)
    field = random_media.gaussian_field((160, 160), rng, correlation_length=4.0)
    grey = np.where(random_media.level_set(field, 0.265), 90.0, 150.0) + rng.normal(0, 15, field.shape)
    return estimate_phases(grey, edge=50e-9)


def test_the_threshold_moves_fraction_and_dimension(section) -> None:
    """Higher takes more; half-way finds what was planted, and no fractal."""
    made = explore.section(section)
    start = made.outcome.numbers
    assert start["fraction"] == pytest.approx(0.265, abs=0.02)
    assert start["scale-free"] == 0.0
    assert start["fraction"].uncertainty > 0 and start["D"].uncertainty > 0
    made.set("threshold", value=0.7)
    assert made.outcome.numbers["fraction"] > start["fraction"]
    assert made.outcome.numbers["D"] != start["D"]
    made.close()


def test_every_slider_is_driven(section) -> None:
    """To its ends and back, also where nothing is dark any more."""
    made = explore.section(section)
    report = drive(made)
    assert report.clean, (report.errors, report.printed)
    made.close()
