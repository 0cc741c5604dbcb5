"""Other thresholds, another filter, the other phase: each counted as it would be by itself."""

import numpy as np
import pytest

import nbtools.structure.model_random_media as random_media
from nbtools.results import NotPossible
from nbtools.structure.choices import ChoicesStudy, estimate_choices
from nbtools.structure.fractal import estimate_box_dimension
from nbtools.structure.phases import estimate_phases
from nbtools.structure.segmentation import denoise, segment


def test_every_choice_by_itself():
    """The shares of `segment` with two classes, 26.5 % where that is asked, and the rest; D of the same mask."""
    rng = np.random.default_rng(4)
    dark = random_media.level_set(random_media.gaussian_field((96, 96), rng, correlation_length=4.0), 0.3)
    section = estimate_phases(np.where(dark, 90.0, 150.0) + rng.normal(0, 15, dark.shape), edge=5e-8)
    found = estimate_choices(section, nulls=1)
    methods = ("midpoint", "otsu", "fraction", "two-threshold")
    assert list(found.found) == [*methods, "median filter", "the bright phase"] and found.missing == {}
    for method in methods:
        alone = segment(section.grey, method=method, classes=2, fraction=0.265)
        assert found.shares[method] == alone.fraction
        counted = estimate_box_dimension(alone.phase, voxel_size=5e-8, seed=1, nulls=1)
        assert found.found[method].dimension == counted.dimension
    assert found.shares["fraction"] == pytest.approx(0.265, abs=1e-3)
    assert (
        found.shares["median filter"] == segment(denoise(section.flat, method="median"), classes=2).fraction
    )
    assert found.shares["the bright phase"] == pytest.approx(1 - section.found.fraction)
    assert found.found["otsu"].voxel_size == 5e-8 and len(found.found["otsu"].nulls) == 1
    row = found.rows()[2]
    assert row.label == "D, fraction" and row.how == f"26.5 % of the field; {found.found['fraction'].verdict}"
    assert isinstance(found, ChoicesStudy)


def test_nothing_to_count():
    """Without the size of a pixel none can be had, and the reason is said once."""
    grey = np.where(np.indices((32, 32))[1] < 12, 90.0, 150.0)
    with pytest.raises(NotPossible, match=r"^the size of a voxel was not given$"):
        estimate_choices(estimate_phases(grey))
