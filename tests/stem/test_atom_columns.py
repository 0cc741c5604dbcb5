"""Columns: planted places come back to their stated error, bright or dark, alone or crowded."""

from dataclasses import replace

import numpy as np
import pytest
import stem_worlds as worlds
from scipy.spatial import cKDTree

from nbtools import stem
from nbtools.stem.indexing import equal_matches


def columns(rng, *, dose=100.0, size=400, spread=0.05e-9):
    """MgO along [001] on a level background: image and places (y, x) in pixels, those near the rim left out."""
    places, weights = worlds.projected(worlds.CRYSTALS["MgO"], (0, 0, 1), 0.2, size * worlds.PIXEL)
    places, first = np.unique(np.round(places, 14), axis=0, return_index=True)
    image = worlds.drawn(places, weights[first], size, spread=spread)
    pixels = places / worlds.PIXEL + (size - 1) / 2
    inside = np.all((pixels > 12) & (pixels < size - 13), axis=1)
    return rng.poisson(dose * (0.2 + image / image.mean())).astype(float), pixels[inside]


def test_planted_places_without_noise():
    """To a ten-thousandth of a pixel, from starts that are off by up to one."""
    places = np.array([[20.3, 30.7], [40.0, 31.1]])
    y, x = np.mgrid[:60, :60]
    image = 5 + sum(9 * np.exp(-((y - a) ** 2 + (x - b) ** 2) / (2 * 2.5**2)) for a, b in places)
    for sign in (1, -1):
        found = stem.refine_columns(sign * image, places + 0.6, radius=6)
        assert np.allclose(found.positions, places, atol=2e-3)
        assert np.allclose(found.amplitudes, sign * 9, rtol=0.01)
        assert np.allclose(found.widths, 2.5, rtol=0.01)


def test_the_stated_error():
    """The scatter about planted places is what the fit says, within 30 %."""
    rng = np.random.default_rng(0)
    image, places = columns(rng)
    found = stem.refine_columns(image, places + rng.uniform(-1, 1, places.shape))
    assert found.converged.mean() > 0.99
    pulls = (found.positions - places) / found.uncertainties[:, None]
    assert abs(pulls.mean()) < 0.1
    assert 0.8 < pulls.std() < 1.3


def test_columns_of_an_indexed_grain_and_their_contrast():
    """The lattice is placed by its phases: on the planted columns; boron shows as 0.226 of magnesium."""
    rng = np.random.default_rng(2)
    boride = worlds.CRYSTALS["MgB2"]
    places, weights = worlds.projected(boride, (0, 0, 1), 0.3, 6e-9, (0.07e-9, 0.03e-9))
    image = rng.poisson(40 * worlds.drawn(places, weights, 300) / weights.max() + 10)
    found = stem.index_pattern(image, worlds.PIXEL, {"MgB2": boride})
    placed = stem.place_columns(found.best, found.spots, np.ones(image.shape, bool), worlds.PIXEL)
    planted = places / worlds.PIXEL + 149.5
    assert np.linalg.norm(placed.positions[:, None] - planted, axis=2).min(axis=1).max() < 1.0
    heights, _ = stem.column_heights(image, placed, 0.05e-9 / worlds.PIXEL, 40)
    boron, magnesium = (np.median(heights[placed.elements == element]) for element in ("B", "Mg"))
    assert boron / magnesium == pytest.approx(0.225757, abs=0.02)


@pytest.mark.parametrize(
    ("positions", "says"),
    [
        (np.zeros(4), r"shape \(n, 2\)"),
        (np.zeros((0, 2)), r"shape \(n, 2\)"),
        ([[500.0, 3.0]], "outside the image"),
        ([[np.nan, 3.0]], "outside the image"),
    ],
)
def test_positions_that_are_none(positions, says):
    """Refused with what was expected."""
    with pytest.raises(ValueError, match=says):
        stem.refine_columns(np.random.default_rng(0).normal(size=(64, 64)), positions)


def test_a_start_on_nothing_is_not_called_a_column():
    """Noise where no column is: not converged, or its error says that it is worth little."""
    noise = np.random.default_rng(3).normal(size=(64, 64))
    found = stem.refine_columns(noise, [[32.0, 32.0]], radius=5)
    assert not found.converged[0] or found.uncertainties[0] > 0.2


@pytest.mark.parametrize(
    ("zones", "turns"), [(((1, 0, 0), (0, 0, 1)), (0.06, 0.46)), (((1, 1, 0), (1, -1, 0)), (1.9, 0.3))]
)
def test_columns_do_not_hang_on_the_name_of_the_orientation(zones, turns):
    """Equal orientations, each with another turning and other indices, place the same columns."""
    image = worlds.two_phases(np.random.default_rng(1), zones, turns)
    found = worlds.indexed(image)
    for solution, waves, mask in zip(found.solutions, found.waves, found.masks, strict=True):
        first = stem.place_columns(solution, waves, mask, worlds.PIXEL)
        matches = equal_matches(solution.match)
        assert len(matches) > 1
        for match in matches:
            other = stem.place_columns(replace(solution, match=match), waves, mask, worlds.PIXEL)
            apart, which = cKDTree(first.positions).query(other.positions)
            assert len(other.positions) == len(first.positions) == len(set(which))
            assert apart.max() < 1e-6  # a third of a cell is written with nine digits in a CIF
            assert (first.elements[which] == other.elements).all()
