"""Box dimensions of exact sets, verdicts on worlds with known answers, and what is refused."""

import numpy as np
import pytest
from exact_fractals import SETS
from scipy.stats import binomtest

import nbtools.structure.model_random_media as random_media
from nbtools.structure.fractal import (
    FRACTAL,
    _crossing,
    estimate_box_dimension,
    estimate_verdict_power,
    gliding_boxes,
    sections_of,
)

VOXEL = 50e-9


@pytest.mark.parametrize("name", SETS)
def test_an_exact_set_has_its_dimension(name):
    """Within 0.02 (sections) or 0.03 (volumes), and inside the stated interval."""
    phase, exact = SETS[name]
    found = estimate_box_dimension(phase, voxel_size=VOXEL, nulls=1)
    assert abs(found.dimension - exact) <= (0.02 if phase.ndim == 2 else 0.03)
    assert abs(found.dimension - exact) <= found.dimension.uncertainty + 1e-9
    slopes = -np.gradient(np.log(found.counts), np.log(found.sizes))
    assert slopes == pytest.approx(np.full(len(found.sizes), exact), abs=0.03)


@pytest.mark.parametrize("name", ["carpet 3^5", "Vicsek", "triangle", "Menger 3^4"])
def test_exact_fractals_are_scale_free(name):
    """Over more decades than patterns of one length; the fewest p that 19 nulls allow."""
    found = estimate_box_dimension(SETS[name][0], voxel_size=VOXEL, nulls=19)
    assert found.verdict == "scale-free"
    assert found.p_value == pytest.approx(1 / 20)
    assert found.decades > 0.8


@pytest.mark.parametrize("name", ["solid square", "square in a field", "solid cube"])
def test_a_solid_is_not(name):
    """It has no holes at any size."""
    found = estimate_box_dimension(SETS[name][0], voxel_size=VOXEL, nulls=1)
    assert found.verdict == "not scale-free"
    assert found.p_value == 1.0


def test_the_usual_slope_does_not_tell_noise_from_a_fractal():
    """A level set of one length, 26.5 % full, has D between 1.6 and 1.7 too, and is found out."""
    field = random_media.gaussian_field((512, 512), np.random.default_rng(3), correlation_length=4.0)
    found = estimate_box_dimension(random_media.level_set(field, 0.265), voxel_size=VOXEL, nulls=9)
    assert 1.6 < found.dimension < 1.72
    assert found.verdict == "not scale-free"
    assert "no broader than patterns of one length" in found.reason


def test_a_field_too_small_is_not_judged():
    """Blobs a quarter of the field wide: nothing can be said, and the sentence says why."""
    field = random_media.gaussian_field((128, 128), np.random.default_rng(0), correlation_length=7.0)
    phase = random_media.level_set(field, 0.265)
    found = estimate_box_dimension(phase[:64, :64], voxel_size=VOXEL)
    assert found.verdict != "scale-free"


def test_a_volume_is_judged_on_sections_in_three_directions():
    """Eight across each axis; the dimension is of the volume."""
    phase = random_media.fractal_cascade((96, 96, 96), np.random.default_rng(1), inner=1.6)
    assert [stack.shape for stack in sections_of(phase)] == [(8, 96, 96)] * 3
    found = estimate_box_dimension(phase, voxel_size=VOXEL, nulls=9)
    assert found.verdict == "scale-free"
    assert found.dimension == pytest.approx(2.65, abs=0.08)


def test_the_same_seed_gives_the_same_answer():
    """Origins, bootstrap and nulls come from the seed alone."""
    phase = random_media.fractal_cascade((128, 128), np.random.default_rng(1))
    one, two = (estimate_box_dimension(phase, voxel_size=VOXEL, seed=5, nulls=5) for _ in range(2))
    assert (one.dimension, one.dimension.uncertainty, one.excess) == (
        two.dimension,
        two.dimension.uncertainty,
        two.excess,
    )


def test_a_side_that_no_size_divides_is_cut_a_little():
    """257 × 300: boxes tile what is left, up to an eighth of it or more."""
    phase = random_media.fractal_cascade((257, 300), np.random.default_rng(1))
    found = estimate_box_dimension(phase, voxel_size=VOXEL, nulls=1)
    assert list(found.sizes) == [1, 2, 4, 8, 16, 32, 64]


@pytest.mark.parametrize(
    ("array", "voxel", "sentence"),
    [
        (np.zeros((64, 64), bool), VOXEL, "the phase is nowhere"),
        (np.ones((1, 64, 64), bool), VOXEL, "one slice is a section"),
        (np.full((64, 64), np.nan), VOXEL, "float64 came, and a binary one is expected"),
        (np.full((64, 64), "a"), VOXEL, "a binary one is expected"),
        (np.arange(64 * 64).reshape(64, 64), VOXEL, "holds 0 and 1"),
        (np.ones((64,), bool), VOXEL, "a section"),
        (np.ones((8, 64), bool), VOXEL, "16 voxels a side"),
        (np.ones((64, 64), bool), (1e-9, 2e-9), "are not cubes"),
        (np.ones((64, 64), bool), np.nan, "the edge of a voxel in m"),
    ],
)
def test_bad_input_is_named(array, voxel, sentence):
    """What came, what was expected, what to do."""
    with pytest.raises(ValueError, match=sentence):
        estimate_box_dimension(array, voxel_size=voxel)


def test_gliding_boxes_of_a_checkerboard():
    """By hand: half full, every box of two pixels holds two of four: even, and never solid."""
    board = np.indices((32, 32)).sum(axis=0) % 2 == 0
    boxes = gliding_boxes([board[None]])
    assert boxes.fraction == 0.5
    assert boxes.hit == pytest.approx(1)
    assert boxes.full == pytest.approx(0)
    assert boxes.lacunarity[boxes.sizes % 2 == 0] == pytest.approx(1)
    assert boxes.solid < 2


@pytest.mark.seeds
def test_verdicts_on_known_worlds():
    """Through an instrument: nothing refutes 95 % for cascades, nor at most 5 % for what has one length or is solid."""
    power = estimate_verdict_power(side=256, seeds=10, nulls=9)
    for fractal, rate, side in ((True, 0.95, "less"), (False, 0.05, "greater")):
        said = [
            word for world, words in power.verdicts.items() if (world in FRACTAL) == fractal for word in words
        ]
        assert len(said) == (20 if fractal else 40)
        count = said.count("scale-free")
        assert binomtest(count, len(said), rate, alternative=side).pvalue > 0.001, power.verdicts


@pytest.mark.seeds
def test_the_interface_has_a_sigma_of_its_own():
    """Over twelve cascades its scatter is what is stated, within a factor of two; the mass D's is another."""
    found = [
        estimate_box_dimension(
            random_media.fractal_cascade((256, 256), np.random.default_rng(seed)), voxel_size=VOXEL, nulls=1
        )
        for seed in range(12)
    ]
    scatter = np.std([float(one.interface_dimension) for one in found])
    stated = np.mean([one.interface_dimension.uncertainty for one in found])
    assert 0.5 < stated / scatter < 2
    assert all(one.interface_dimension.uncertainty != one.dimension.uncertainty for one in found)


def test_an_interface_that_is_none_is_refused():
    """Grains of one pixel, far apart: as many boxes at every size, slower than any surface; said, not given."""
    few = np.zeros((256, 256), bool)
    few[::97, ::101] = True
    found = estimate_box_dimension(few, voxel_size=VOXEL, nulls=1)
    assert np.isnan(found.interface_dimension)
    assert "more slowly than a smooth one" in found.no_interface
    assert "no dimension of the interface" in str(found)


def test_an_outline_is_a_line():
    """D of one, mass and interface."""
    y, x = np.indices((256, 256))
    found = estimate_box_dimension(abs(np.hypot(y - 128, x - 128) - 90) < 1, voxel_size=VOXEL, nulls=1)
    assert abs(float(found.interface_dimension) - 1) < 3 * found.interface_dimension.uncertainty


def test_where_a_falling_curve_passes_a_tenth():
    """On the straight line between its neighbours in both logarithms; at the first size, or nowhere."""
    sizes = np.array([2, 3, 7, 20])
    found = _crossing(sizes, np.array([0.9, 0.4, 0.05, 0.01]))
    power = np.log(0.05 / 0.4) / np.log(7 / 3)
    assert found == pytest.approx(3 * (0.1 / 0.4) ** (1 / power))
    assert _crossing(sizes, np.array([0.09, 0.04, 0.01, 0.2])) == 2.0
    assert _crossing(sizes, np.array([0.9, 0.4, 0.3, 0.11])) == np.inf
    steep = _crossing(sizes, np.array([0.9, 0.4, 0.0, 0.0]))  # nothing is left: 10⁻⁹
    assert steep == pytest.approx(3 * 0.25 ** (np.log(7 / 3) / np.log(1e-9 / 0.4)))
