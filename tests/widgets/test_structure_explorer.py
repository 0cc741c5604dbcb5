"""The structure explorer with no screen: its numbers follow its sliders."""

import numpy as np
import pytest
from driving import drive

from nbtools.models import random_media
from nbtools.widgets.microstructure import explore_structure


@pytest.fixture(scope="module")
def section():
    """One length, blurred a little by its own smoothing, with noise."""
    rng = np.random.default_rng(2)
    field = random_media.gaussian_field((160, 160), rng, correlation_length=4.0)
    return np.where(random_media.level_set(field, 0.265), 90.0, 150.0) + rng.normal(0, 15, field.shape)


def test_the_threshold_moves_fraction_and_dimension(section) -> None:
    """Higher takes more; half-way finds what was planted, and no fractal."""
    made = explore_structure(section, pixel_size=50e-9)
    start = made.outcome.numbers
    assert start["fraction"] == pytest.approx(0.265, abs=0.02)
    assert start["scale-free"] == 0.0
    made.set("threshold", value=0.7)
    assert made.outcome.numbers["fraction"] > start["fraction"]
    assert made.outcome.numbers["D"] != start["D"]
    made.close()


def test_every_slider_is_driven(section) -> None:
    """To its ends and back, also where nothing is dark any more."""
    made = explore_structure(section, pixel_size=50e-9)
    report = drive(made)
    assert report.clean, (report.errors, report.printed)
    made.close()
