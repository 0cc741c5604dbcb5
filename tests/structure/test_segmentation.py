"""Grey values to phases: planted masks come back, faults are taken out, wrong images are refused."""

import numpy as np
import pytest
from scipy import ndimage

import nbtools.structure.model_random_media as random_media
from nbtools.files.images import read_image
from nbtools.results import NotPossible
from nbtools.structure.phases import estimate_phases
from nbtools.structure.registration import estimate_registration
from nbtools.structure.sections import estimate_sections
from nbtools.structure.segmentation import (
    align_slices,
    denoise,
    overlap,
    remove_stripes,
    segment,
    shifted_back,
)

BRIGHT, DARK = 150.0, 90.0


def phase(shape=(256, 256), seed=0, length=6.0):
    field = random_media.gaussian_field(shape, np.random.default_rng(seed), correlation_length=length)
    return random_media.level_set(field, 0.265)


def photographed(mask, seed=1, *, contrast_to_noise=3.0, point_spread=1.5):
    """Blurred in the image plane, with noise, in eight bits."""
    rng = np.random.default_rng(seed)
    grey = np.where(mask, DARK, BRIGHT)
    grey = ndimage.gaussian_filter(grey, (*[0] * (mask.ndim - 2), point_spread, point_spread))
    grey += (BRIGHT - DARK) / contrast_to_noise * rng.normal(size=mask.shape)
    return np.clip(np.round(grey), 0, 255).astype(np.uint8)


def test_a_volume_at_the_stated_levels():
    """Contrast to noise 3, blur of 1.5 pixels: Dice at least 0.95, fraction within 1 %."""
    mask = phase((64, 128, 128), length=5.0)
    found = segment(denoise(photographed(mask), size=0.8))
    assert overlap(found.phase, mask)["dice"] >= 0.95
    assert found.fraction == pytest.approx(mask.mean(), abs=0.01)


def test_noise_is_what_costs():
    """Better contrast, better overlap."""
    mask = phase()
    scores = [
        overlap(segment(denoise(photographed(mask, contrast_to_noise=c), size=1.2)).phase, mask)["dice"]
        for c in (1.0, 3.0, 6.0)
    ]
    assert scores == sorted(scores)
    assert scores[-1] > 0.95


def test_stripes_go_and_the_phases_stay():
    """What is left of stripes is about what the noise of 256 pixels hides; without stripes no more is taken."""
    mask, rng = phase(), np.random.default_rng(3)
    gains = 1 + 0.05 * rng.normal(size=(1, 256)), 1 + 0.03 * rng.normal(size=(256, 1))
    plain = photographed(mask).astype(float)
    left = remove_stripes(plain * gains[0] * gains[1]) / plain
    assert np.std(np.median(left, axis=0)) < 0.5 * 0.05
    assert np.std(np.median(left, axis=1)) < 0.7 * 0.03
    assert np.std(remove_stripes(plain) / plain) < 0.03


def test_pores_keep_their_rims():
    """Black pores in bright ground: their blurred rims are no dark phase."""
    mask = phase()
    pores = random_media.level_set(
        random_media.gaussian_field((256, 256), np.random.default_rng(8), correlation_length=6.0), 0.02
    )
    grey = np.where(pores, 20.0, np.where(mask, DARK, BRIGHT))
    grey = ndimage.gaussian_filter(grey, 1.5) + np.random.default_rng(1).normal(0, 5, mask.shape)
    three = segment(denoise(grey, size=0.8), classes=3)
    two = segment(denoise(grey, size=0.8), classes=2)
    planted = (mask & ~pores).mean()
    assert three.pore_fraction == pytest.approx(0.02, abs=0.006)
    assert abs(three.fraction - planted) < abs(two.fraction - planted)
    assert three.fraction == pytest.approx(planted, abs=0.01)


def test_a_fixed_fraction_is_met():
    """Counted."""
    grey = denoise(photographed(phase()), size=1.0)
    assert segment(grey, method="fraction", fraction=0.3).fraction == pytest.approx(0.3, abs=0.001)
    with pytest.raises(ValueError, match="fraction is None"):
        segment(grey, method="fraction")


def test_drift_comes_back():
    """Slices of a bar that does not change, moved by known whole pixels."""
    rng = np.random.default_rng(4)
    face = np.pad(phase((96, 96), length=5.0), 12, mode="wrap")
    moves = np.cumsum(rng.integers(-2, 3, (12, 2)), axis=0)
    moves -= np.round(moves.mean(axis=0)).astype(int)
    moves = np.clip(moves, -12, 12)
    stack = np.stack(
        [photographed(np.roll(face, m, (0, 1))[12:-12, 12:-12], seed=n) for n, m in enumerate(moves)]
    )
    found = align_slices(stack)
    errors = (found.offsets - moves) - np.median(found.offsets - moves, axis=0)
    assert np.abs(errors).max() < 0.5
    assert found.stack.shape[0] == 12
    assert shifted_back(stack, found.offsets).shape == found.stack.shape


def test_a_map_is_laid_on_its_image():
    """The shift comes back, and chance does not reach the overlap."""
    mask = phase((256, 256), length=8.0)
    shares = mask.reshape(64, 4, 64, 4).mean(axis=(1, 3))
    counts = np.random.default_rng(0).poisson(30 * np.roll(shares, (2, -1), (0, 1)))
    found = estimate_registration(mask, counts)
    assert found.shift == (-2, 1)
    assert found.dice > 0.8
    assert found.p_value <= 0.02
    with pytest.raises(ValueError, match="do not cover the same field"):
        estimate_registration(mask, np.ones((50, 64)))


def test_sections_in_three_directions():
    """The same on average in an isotropic medium; the fraction is the volume's."""
    found = estimate_sections(phase((96, 96, 96), length=3.0))
    low, high = found.extremes
    assert high - low < 0.06
    assert np.mean([np.mean(f) for f in found.fractions.values()]) == pytest.approx(0.265, abs=0.005)


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (np.full((32, 32), 7.0), "nothing to tell apart"),
        (np.where(np.eye(32) > 0, np.nan, 1.0), "32 grey values are NaN"),
        (np.ones((32,)), "grey values with 2 or 3 axes"),
        (np.full((32, 32), "x"), "grey values with 2 or 3 axes"),
    ],
)
def test_no_image_is_refused_by_name(image, sentence):
    """What came and what was expected."""
    with pytest.raises(ValueError, match=sentence):
        segment(image)


def test_overlap_by_hand():
    """Two of three dark pixels shared: Dice 2·2/(3 + 3)."""
    one, two = np.array([1, 1, 1, 0, 0, 0], bool), np.array([0, 1, 1, 1, 0, 0], bool)
    scores = overlap(one, two)
    assert scores["dice"] == pytest.approx(2 / 3)
    assert scores["mcc"] == pytest.approx((2 * 2 - 1 * 1) / 9)
    with pytest.raises(ValueError, match="must cover the same field"):
        overlap(one, two[:3])


@pytest.mark.parametrize("off", [-1e-12, 0.0, 1e-12])
def test_a_drift_of_whole_pixels_cuts_whole_pixels(off):
    """Two pixels are two, whatever the last bits say; a fifth of a pixel more costs a column."""
    stack = np.random.default_rng(1).random((3, 20, 20))
    offsets = np.array([[0.0, -2.0 - off], [0.0, 0.0], [1.0 + off, 3.0 + off]])
    assert shifted_back(stack, offsets).shape == (3, 19, 15)
    assert shifted_back(stack, offsets + np.array([[0, 0], [0, 0], [0, 0.2]])).shape == (3, 19, 14)


@pytest.mark.parametrize("seed", range(5))
def test_the_cut_does_not_hang_on_rounding(monkeypatch, seed):
    """Steps found in fifths of a pixel, with the last bits that another processor gives them: one field is left."""
    import skimage.registration

    fifths, rng = [(7, -3), (-4, 9), (2, 4), (-5, -10), (0, 41)], np.random.default_rng(seed)
    steps = iter([np.array(step) / 5 * (1 + 4e-16 * rng.integers(-2, 3, 2)) for step in fifths])
    monkeypatch.setattr(
        skimage.registration, "phase_cross_correlation", lambda *_, **__: (next(steps), 0.0, 0.0)
    )
    found = align_slices(np.random.default_rng(1).random((6, 30, 30)))
    assert found.stack.shape == (6, 27, 27)
    assert found.offsets[:, 1] == pytest.approx([0, 0.6, -1.2, -2.0, 0, 0], abs=1e-12)


@pytest.mark.parametrize(
    "grey",
    [
        lambda rng: rng.normal(100, 20, (256, 256)),
        lambda rng: rng.exponential(30, (256, 256)),
        lambda rng: np.exp(random_media.gaussian_field((256, 256), rng, correlation_length=4.0) * 0.6),
        lambda rng: 100 + 20 * random_media.gaussian_field((256, 256), rng, correlation_length=6.0),
    ],
    ids=["noise", "skewed noise", "lognormal texture", "texture"],
)
@pytest.mark.parametrize("seed", range(5))
def test_grey_values_of_one_kind_are_no_two_phases(grey, seed):
    """A threshold would find a phase in anything."""
    with pytest.raises(NotPossible, match="no two phases to tell apart"):
        segment(denoise(grey(np.random.default_rng(seed)), size=1.2))


@pytest.mark.parametrize("seed", range(5))
def test_pores_are_looked_for_and_found_only_where_they_are(seed):
    """Two phases at a contrast of 3 have no third class; with 2 % of black pores they have."""
    mask = phase(seed=seed)
    without = segment(denoise(photographed(mask, seed=seed), size=1.2))
    assert (without.pore_fraction, len(without.thresholds)) == (0.0, 1)
    assert "no pores were found" in without.why_classes
    pores = random_media.level_set(
        random_media.gaussian_field((256, 256), np.random.default_rng(seed + 50), correlation_length=6.0),
        0.02,
    )
    grey = ndimage.gaussian_filter(np.where(pores, 20.0, np.where(mask, DARK, BRIGHT)), 1.5)
    grey += np.random.default_rng(seed).normal(0, 20, mask.shape)
    found = segment(denoise(grey, size=1.2))
    assert found.pore_fraction == pytest.approx(0.02, abs=0.01)
    assert "three classes" in found.why_classes


@pytest.mark.parametrize("name", ["sample_001", "sample_002"])
def test_the_share_covers_what_a_hand_drew(name, realdata):
    """SEM tiles whose pores no threshold finds whole: σ says so."""
    tiles = realdata / "em3d/3D-SEM-Segmentation"
    drawn = read_image(tiles / f"{name}_th.bmp").values < 128
    found = estimate_phases(read_image(tiles / f"{name}_sem.bmp").values)
    assert abs(float(found.share) - drawn.mean()) < 2 * found.share.uncertainty


@pytest.mark.seeds
@pytest.mark.parametrize("length", [1.5, 4.0, 10.0])
@pytest.mark.parametrize("cut", [False, True], ids=["periodic", "cut out"])
def test_maps_that_have_nothing_to_do_with_it_do_not_follow(length, cut):
    """Forty independent pairs: p ≤ 0.05 in at most five."""
    false = 0
    for seed in range(40):
        rng = np.random.default_rng([seed, round(10 * length), cut])
        side = 256 if cut else 128
        one, two = (
            random_media.gaussian_field((side, side), rng, correlation_length=length)[:128, :128]
            for _ in range(2)
        )
        false += estimate_registration(random_media.level_set(one, 0.265), two).p_value <= 0.05
    assert false <= 5


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (100.0, -12000.0), (1 / 255, -0.4), (1.0, -300.0)])
def test_phases_do_not_hang_on_where_zero_lies(gain, offset):
    """Detectors set black anywhere: the same image in other units, through zero and below, has the same phases."""
    rng = np.random.default_rng(0)
    planted = phase((160, 160))
    grey = 160 - 80.0 * ndimage.gaussian_filter(planted.astype(float), 1) + 6 * rng.normal(size=planted.shape)
    grey += 8 * rng.normal(size=160)  # curtains
    found = estimate_phases(gain * grey + offset)
    assert overlap(found.phase, planted)["dice"] > 0.95
    assert float(found.share) == pytest.approx(planted.mean(), abs=0.02)
    assert found.share.uncertainty < 0.08


@pytest.mark.parametrize("values", [(False, True), (0, 1), (0, 255), (-1.0, 1.0)])
def test_what_was_segmented_before_is_kept(values):
    """Two grey values only: no noise, no stripes, no pores."""
    planted = phase((96, 96))
    found = estimate_phases(np.where(planted, values[0], values[1]))
    assert np.array_equal(found.phase, planted)
    assert found.found.pore_fraction == 0


def test_few_grains_of_one_kind_are_no_two_phases():
    """Eight lengths a side give any ratio of gradients by chance; two phases of as few grains are told."""
    called = {"one kind": 0, "two phases": 0}
    for seed in range(12):
        field = random_media.gaussian_field((128, 128), np.random.default_rng(seed), correlation_length=12.0)
        seen = photographed(random_media.level_set(field, 0.3), seed)
        for kind, grey in (("one kind", np.exp(field)), ("two phases", seen)):
            try:
                segment(denoise(grey, size=1.2))
                called[kind] += 1
            except NotPossible:
                pass
    assert called["two phases"] == 12
    assert called["one kind"] <= 3
