"""How often a null of this room is rejected where it holds: independent worlds, three correlation lengths."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.special import ndtr
from seeds import BENCH_SEEDS as SEEDS

import nbtools.structure.model_random_media as random_media
from nbtools.results import NotPossible
from nbtools.structure.fractal import judge_sections
from nbtools.structure.isotropy import estimate_isotropy
from nbtools.structure.percolation import estimate_percolation
from nbtools.structure.registration import estimate_registration
from nbtools.structure.segmentation import denoise, segment

LEVEL = 0.05


def blobs(shape, rng, length):
    """Cut out of a field twice as wide, so that no edge knows of the other."""
    wide = random_media.gaussian_field([2 * side for side in shape], rng, correlation_length=length)
    return random_media.level_set(wide[tuple(slice(0, side) for side in shape)], 0.265)


def registration(rng, length):
    """A map that has nothing to do with the image."""
    one, other = (blobs((128, 128), rng, length) for _ in range(2))
    return estimate_registration(one, other + 0.1 * rng.random(other.shape)).p_value <= LEVEL


def fractal(rng, length):
    """One length against patterns of one length: called scale-free, or p small."""
    judged = judge_sections([blobs((192, 192), rng, length)[None]], rng, nulls=19)
    return judged.verdict == "scale-free"


def isotropy(rng, length):
    """In the plane, two σ from one."""
    found = estimate_isotropy(blobs((64, 64, 64), rng, length / 2), voxel_size=1e-8).in_plane
    return abs(float(found) - 1) > 2 * found.uncertainty


def percolation(rng, length):
    """A phase near the filling at which it connects, seen with blur and noise: said wrongly, and to stand a voxel.

    Whether one piece of the planted voxels reaches through is known; cut half-way between the greys of what is seen.
    """
    wide = random_media.gaussian_field((128, 128, 128), rng, correlation_length=length / 2)[:64, :64, :64]
    planted = random_media.level_set(wide, rng.uniform(0.1, 0.3))
    seen = ndimage.gaussian_filter(100.0 - 60.0 * planted, 1.0) + 20.0 * rng.normal(size=planted.shape)
    found = estimate_percolation(segment(denoise(seen, size=0.8), classes=2).phase, voxel_size=1e-8)
    truth = estimate_percolation(planted, voxel_size=1e-8).spans
    return found.robust and found.spans != truth


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("null", [registration, fractal, isotropy, percolation])
def test_a_null_that_holds_is_seldom_rejected(null, capsys):
    """At most a tenth at each length; what cannot be judged, as phases finer than their blur, is counted beside."""
    for length in (2.0, 4.0, 8.0):
        false = unjudged = 0
        for seed in range(SEEDS):
            try:
                false += null(np.random.default_rng([seed, round(10 * length)]), length)
            except NotPossible:
                unjudged += 1
        with capsys.disabled():
            print(f"\n{null.__name__}, length {length:g}: {false} of {SEEDS}, {unjudged} not judged")
        assert unjudged <= 0.1 * SEEDS or length == 2.0
        assert false <= 0.1 * SEEDS + (2 if SEEDS < 100 else 0)


KINDS = {
    "normal": lambda field: field,
    "exponential": lambda field: -np.log(ndtr(-field)),
    "lognormal": np.exp,
}


@pytest.mark.timeout(3600)
def test_grey_values_of_one_kind_are_seldom_two_phases(capsys):
    """Textures of one kind, whatever their histogram and length, with noise and without, denoised as a section is."""
    false = {}
    for kind, shape in KINDS.items():
        for noise in (0.0, 0.5, 2.0):
            called = 0
            for seed in range(SEEDS):
                rng = np.random.default_rng([seed, list(KINDS).index(kind), round(10 * noise)])
                length = (2.0, 4.0, 8.0)[seed % 3]
                texture = shape(random_media.gaussian_field((128, 128), rng, correlation_length=length))
                try:
                    segment(denoise(texture + noise * rng.normal(size=texture.shape), size=1.2))
                    called += 1
                except NotPossible:
                    pass
            false[kind, noise] = called
            with capsys.disabled():
                print(f"\n{kind}, noise {noise:g}: {called} of {SEEDS} called two phases")
    assert sum(false.values()) <= 0.06 * SEEDS * len(false)
