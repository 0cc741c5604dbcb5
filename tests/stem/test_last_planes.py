"""Steps of whole planes from an image: planted ones come back, straight boundaries stay straight."""

import numpy as np
import pytest
import stem_worlds as worlds
from scipy.stats import binomtest

from nbtools import stem


def followed(image, **options):
    interface = worlds.indexed(image)
    return stem.follow_planes(image, interface, worlds.PIXEL, **options)


def stepped(seed, **planted):
    """The line of one random image, and what was planted."""
    rng = np.random.default_rng([seed, 9])
    image, *known = worlds.stepped_phases(rng, **planted)
    return followed(image), *known


@pytest.fixture(scope="module")
def image_and_truth():
    rng = np.random.default_rng(0)
    return worlds.stepped_phases(rng, zones=((0, 1, 1), (1, 0, 1)), hkl=(1, 0, -1), count=2)


@pytest.fixture(scope="module")
def line_and_truth(image_and_truth):
    image, *known = image_and_truth
    return followed(image), *known


def test_planted_planes(line_and_truth):
    """Count, heights to a tenth of a plane, and which planes they are."""
    line, planes, spacing = line_and_truth
    assert line.crystal == "MgB2" and worlds.same_family("MgB2", line.hkl, (1, 0, -1))
    assert line.spacing == pytest.approx(spacing, rel=1e-6)
    found = stem.find_steps(line)
    assert worlds.as_planted(found, planes, spacing) < 0.1
    assert all(0 < height.uncertainty < 0.1 * spacing for height in found.heights)
    assert found.priced(1e6).count == 0


def test_a_column_is_there_or_not(line_and_truth):
    """Shares gather at 0 and 1, apart by their own errors: few lie between."""
    line = line_and_truth[0]
    pulls = np.minimum(np.abs(line.shares), np.abs(line.shares - 1)) / line.sigmas
    assert np.mean(pulls < 3) > 0.95
    assert 0.3 < np.mean(line.shares > 0.5) < 0.7


def test_the_line_in_the_picture(line_and_truth):
    """Columns on the far side of the line are absent, those on its own side present."""
    line = line_and_truth[0]
    places = line.columns - line.origin
    along, height = places @ line.tangent, places @ [line.tangent[1], -line.tangent[0]]
    here = height < line.stretch * np.interp(along, line.along, line.height)
    clear = line.sigmas < 0.2
    assert np.mean((line.shares > 0.5)[clear] == here[clear]) > 0.9


@pytest.mark.parametrize("inclined", [0.0, 0.13])
def test_a_straight_boundary_has_no_step(inclined):
    """Along the planes, and across them, where a step of one plane would come every few columns."""
    line, *_ = stepped(3, zones=((0, 0, 1), (1, 0, 1)), hkl=(1, 0, -1), count=0, inclined=inclined)
    assert stem.find_steps(line).count == 0


def test_dark_columns():
    """Bright field: counted as dark, planted steps come back and columns are there or not; as bright, they are not."""
    rng = np.random.default_rng([1, 9])
    zones = ((0, 1, 1), (1, 0, 1))
    image, *known = worlds.stepped_phases(rng, zones=zones, hkl=(1, 0, -1), count=2, dose=400, dark=True)
    dark, bright = (followed(image, dark=state) for state in (True, False))
    assert worlds.as_planted(stem.find_steps(dark), *known) < 0.1
    between = [np.mean(np.abs(line.shares - 0.5) < 0.2) for line in (dark, bright)]
    assert between[0] < 0.1 < between[1]


@pytest.mark.seeds
def test_many_stepped_boundaries():
    """Of 4 random pairs with 1 or 2 steps: counts and heights at rates that 90 % allows."""
    right = 0
    for seed in range(4):
        line, *known = stepped(seed, count=1 + seed % 2, size=400)
        error = worlds.as_planted(stem.find_steps(line), *known)
        right += error is not None and error < 0.1
    assert binomtest(right, 4, 0.9, alternative="less").pvalue > 0.001, f"{right} of 4"


def test_planes_that_do_not_run_along_the_boundary(image_and_truth):
    """Refused, with what else to do."""
    with pytest.raises(ValueError, match="name others"):
        followed(image_and_truth[0], planes=(7, 7, 7))
