"""Levels, edges, thresholds, rims, stripes and drift of images small enough to be counted."""

import math

import numpy as np
import pytest
from scipy import ndimage
from skimage.filters import threshold_otsu

from nbtools.results import NotPossible
from nbtools.structure import segmentation
from nbtools.structure.model_random_media import hollow_share
from nbtools.structure.phases import estimate_phases
from nbtools.structure.segmentation import (
    Alignment,
    GreyClasses,
    align_slices,
    checked_grey,
    denoise,
    edge_strength,
    grey_classes,
    overlap,
    own_levels,
    remove_stripes,
    rough_means,
    segment,
    shifted_back,
)

HALVES = np.indices((64, 64))[1] < 24  # dark on the left: 3/8 of the field


def noisy(levels, sigma, seed=0):
    return (levels + np.random.default_rng(seed).normal(0, sigma, levels.shape)).astype(np.float32)


def test_a_mixture_comes_back_from_its_histogram():
    """Shares, means and widths of two and of three normal classes, the brightest first; thresholds half-way."""
    rng = np.random.default_rng(1)
    two = np.concatenate([rng.normal(150, 10, 60_000), rng.normal(90, 6, 20_000)])
    found = grey_classes(two, count=2)
    assert found.means == pytest.approx((150, 90), abs=0.15)
    assert found.spreads == pytest.approx((10, 6), abs=0.1) and found.shares == pytest.approx(
        (0.75, 0.25), abs=1e-3
    )
    assert found.threshold(0) == pytest.approx(120, abs=0.1)
    assert found.separation(0) == pytest.approx(60 / math.sqrt((100 + 36) / 2), rel=0.01)
    three = grey_classes(np.concatenate([two, rng.normal(20, 8, 4_000)]), count=3)
    assert three.means == pytest.approx((150, 90, 20), abs=0.4)
    assert three.spreads == pytest.approx((10, 6, 8), abs=0.3)
    assert three.shares == pytest.approx(np.array([60, 20, 4]) / 84, abs=1e-3)
    assert three.threshold(1) == pytest.approx(55, abs=0.3)
    near = grey_classes(np.concatenate([rng.normal(120, 8, 150_000), rng.normal(100, 4, 50_000)]), count=2)
    assert (*near.means, *near.spreads) == pytest.approx((120, 100, 8, 4), abs=0.3)  # they overlap
    assert near.shares == pytest.approx((0.75, 0.25), abs=0.01)


def test_a_class_without_width():
    """Of two grey values: their shares, the middles of their bins, a thousandth of the range as width."""
    found, bin_width = grey_classes(np.where(HALVES, 10.0, 20.0), count=2), 10 / 512
    assert found.shares == pytest.approx((5 / 8, 3 / 8))
    assert found.means == pytest.approx((20 - bin_width / 2, 10 + bin_width / 2))
    assert found.spreads == pytest.approx([1e-3 * (10 - bin_width)] * 2)


def test_levels_are_those_deep_inside():
    """Five pixels from any other: the blurred edge between moves the mean of a class, not its own level."""
    grey = ndimage.gaussian_filter(np.where(HALVES, 90.0, 150.0), 3).astype(np.float32)
    level = own_levels(grey, GreyClasses((0.6, 0.4), (145.0, 97.0), (5.0, 5.0))).means
    cut = np.mean(level)
    for inside, found in ((grey >= cut, level[0]), (grey < cut, level[1])):
        deep = ndimage.minimum_filter(inside, 5)
        assert found == pytest.approx(np.median(grey[deep]))
    pores = grey.copy()
    pores[:7, :7] = 20.0  # 25 deep ones: too few to move their own level
    three = own_levels(pores, GreyClasses((0.5, 0.4, 0.1), (145.0, 97.0, 30.0), (5.0,) * 3))
    assert three.means[2] == 30.0 and three.means[1] == pytest.approx(90, abs=0.5)
    few = np.full((64, 64), 150.0, np.float32)
    few[20:31, 20:31] = 90.0  # 7² deep pixels are under fifty, 8² are not
    mixed = GreyClasses((0.9, 0.1), (150.0, 100.0), (5.0, 5.0))
    assert own_levels(few, mixed).means[1] == 100.0
    few[20:32, 20:32] = 90.0
    assert own_levels(few, mixed).means[1] == 90.0


def ramp():
    """0 and 100 with a slope of 5 between them; ripples of known steepness within the flat parts."""
    x = np.arange(64.0)
    grey = np.clip(5 * (x - 22), 0, 100) + np.where(x < 22, 2.0, 3.0) * (np.arange(64) % 4 < 2)
    return np.broadcast_to(grey, (64, 64)).astype(np.float32)


def test_edges_against_the_inside_by_hand():
    """Mean squared gradient half-way over that at both levels; its spread by leaving out 16 blocks one by one."""
    grey = ramp()
    levels = GreyClasses((0.5, 0.5), (101.5, 1.0), (1.0, 1.0))
    squared = np.gradient(grey)[0] ** 2 + np.gradient(grey)[1] ** 2
    step = 100.5

    def strength(chosen):
        means = [squared[chosen & (np.abs(grey - g) < 0.15 * step)].mean() for g in (51.25, 101.5, 1.0)]
        return means[0] ** 2 / (max(means[1:]) * math.sqrt(means[1] * means[2]))

    found, spread = edge_strength(grey, levels)
    assert found == pytest.approx(strength(np.ones((64, 64), bool)), rel=1e-5)
    y, x = np.indices((64, 64)) // 16
    logs = [math.log(strength(~((y == j) & (x == i)))) for j in range(4) for i in range(4)]
    assert spread == pytest.approx(math.sqrt(15 / 16 * np.sum((logs - np.mean(logs)) ** 2)), rel=1e-4)
    stack = np.stack([grey, grey])
    assert edge_strength(stack, levels) == pytest.approx((found, spread), rel=1e-4)


def test_edges_of_what_has_no_grey_between():
    """As sharp as can be; without any level, or with the levels turned round, none."""
    sharp = noisy(np.where(HALVES, 90.0, 150.0), 1.0)
    assert edge_strength(sharp, GreyClasses((0.6, 0.4), (150.0, 90.0), (1.0, 1.0))) == (math.inf, 0.0)
    assert edge_strength(sharp / 100, GreyClasses((0.6, 0.4), (1.5, 0.9), (1.0, 1.0))) == (math.inf, 0.0)
    assert edge_strength(sharp, GreyClasses((0.6, 0.4), (500.0, 400.0), (1.0, 1.0)))[0] == math.inf
    assert edge_strength(sharp, GreyClasses((0.6, 0.4), (90.0, 150.0), (1.0, 1.0)))[0] == 0.0
    between = noisy(np.full((64, 64), 100.0), 1.0)
    assert edge_strength(between, GreyClasses((0.6, 0.4), (150.0, 50.0), (1.0, 1.0))) == (0.0, 0.0)


def test_black_cores_take_their_rims():
    """An edge from bright to black passes through dark: cut half-way; where dark voxels lie beyond, it is the phase."""
    row = np.array([150, 150, 150, 130, 100, 60, 20, 20, 20, 60, 100, 90, 90, 90, 90, 90, 90.0])
    grey = np.tile(row, (12, 1)).astype(np.float32)
    fitted = GreyClasses((0.4, 0.4, 0.2), (150.0, 90.0, 20.0), (5.0,) * 3)
    labels = segmentation._labelled(grey, fitted, upper=120.0, lower=55.0)
    #          bright     |rim: bright, black| black    | dark
    assert labels[6].tolist() == [0, 0, 0, 0, 0, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1]
    two = segmentation._labelled(grey, fitted, upper=120.0, lower=-math.inf)
    assert two[6].tolist() == [0, 0, 0, 0, *[1] * 13]


def test_a_volume_in_slabs_has_the_labels_of_the_whole(monkeypatch):
    """Each slab sees as far as rims reach."""
    rng = np.random.default_rng(0)
    grey = ndimage.gaussian_filter(rng.choice([20.0, 90.0, 150.0], (40, 12, 12)), 1).astype(np.float32)
    fitted = GreyClasses((0.4, 0.4, 0.2), (110.0, 85.0, 60.0), (5.0,) * 3)
    whole = segmentation._labelled(grey, fitted, 95.0, 75.0)
    monkeypatch.setattr(segmentation, "LEVELS_FROM", 8 * 144)
    assert np.array_equal(segmentation._labelled(grey, fitted, 95.0, 75.0), whole)
    assert len(set(whole.ravel().tolist())) == 3


def test_levels_of_a_large_volume_from_whole_slices(monkeypatch):
    """Blocks of four, evenly from the first to the last; a small one is taken whole."""
    grey = np.broadcast_to(np.arange(100.0)[:, None, None], (100, 4, 4))
    assert segmentation._part(grey) is grey
    monkeypatch.setattr(segmentation, "LEVELS_FROM", 12 * 16)
    assert segmentation._part(grey)[:, 0, 0].tolist() == [0, 1, 2, 3, 48, 49, 50, 51, 96, 97, 98, 99]
    assert segmentation._part(grey[:, :, 0]).shape == (100, 4)


def test_stripes_by_hand():
    """A factor on each column and line of two greys comes back to the last digit, a shift where zero lies between."""
    base = np.where(np.indices((60, 60)).sum(0) // 9 % 2, 90.0, 150.0)
    columns = 1 + 0.05 * np.sin(np.arange(60))
    columns /= np.median(columns)
    left = remove_stripes(base * columns)
    assert np.median(left[base == 90], axis=0) == pytest.approx(90, rel=2e-3)
    assert np.median(left / base, axis=0) == pytest.approx(1, abs=1e-2)
    shifted = base - 120  # -30 and 30: a factor would do nothing to a stripe there
    bands = 4 * np.sin(np.arange(60))[:, None]
    left = remove_stripes(shifted + bands - np.median(bands)) - shifted  # a shift of all of it is no stripe
    assert np.median(left, axis=1).std() < 0.5
    volume = np.stack([base * columns, base])
    assert remove_stripes(volume)[0] == pytest.approx(remove_stripes(volume)[1], rel=0.01)


def test_rough_means_of_two_greys():
    """The cut half-way, and the means above and below it; of one side alone the mean for both."""
    grey = np.where(np.indices((64, 64))[1] < 32, 90.0, 150.0).astype(np.float32)
    cut, bright, dark = rough_means(grey)
    smooth = ndimage.gaussian_filter(grey, 2)
    assert (bright, dark) == pytest.approx((grey[smooth >= cut].mean(), grey[smooth < cut].mean()))
    assert cut == pytest.approx(120, abs=2) and rough_means(np.stack([grey] * 3))[1:] == pytest.approx(
        (bright, dark)
    )


@pytest.mark.parametrize("levels", [(50.0, 40.0), (250.0, 200.0)])
def test_rough_means_of_one_side(monkeypatch, levels):
    """Where all lies above the cut, or all below it, its mean stands for both."""
    monkeypatch.setattr(
        segmentation, "grey_classes", lambda *_, count: GreyClasses((0.5, 0.5), levels, (1.0, 1.0))
    )
    found = rough_means(np.where(HALVES, 90.0, 150.0).astype(np.float32))
    assert found == pytest.approx((np.mean(levels), 127.5, 127.5))  # 3/8 · 90 + 5/8 · 150


def test_filters():
    """A Gaussian of so many pixels; a median of an odd side, three pixels at the least."""
    spot = np.zeros((21, 21))
    spot[10, 10] = 1.0
    assert denoise(spot, size=2.0) == pytest.approx(ndimage.gaussian_filter(spot, 2.0), abs=1e-7)
    step = noisy(np.where(HALVES, 0.0, 1.0), 0.3)
    for size, side in ((0.3, 3), (1.0, 3), (2.2, 5)):
        assert np.array_equal(denoise(step, method="median", size=size), ndimage.median_filter(step, side))


def test_thresholds_of_each_method():
    """Half-way; the least variance; so that the asked share is dark; what surely is dark and what hangs on it."""
    grey = noisy(np.where(HALVES, 90.0, 150.0), 5.0)
    grey[30:34, 40:44] = 116.0  # lighter than surely dark, and hangs on nothing dark
    grey[30:34, 24:30] = 116.0  # hangs on the dark half
    grey = np.clip(grey, 60, 180)
    middle = segment(grey, classes=2)
    assert middle.thresholds[0] == pytest.approx(np.mean(middle.levels)) and middle.levels == pytest.approx(
        (150, 90), abs=0.5
    )
    assert middle.phase[31, 41] and middle.phase[31, 26] and middle.fraction == middle.phase.mean()
    sure = segment(grey, method="two-threshold", classes=2)
    assert not sure.phase[31, 41] and sure.phase[31, 26]
    most = segment(grey, method="fraction", fraction=0.25, classes=2)
    assert most.fraction == pytest.approx(0.25, abs=1e-3) and most.moves == 0.0
    assert most.thresholds[0] == pytest.approx(np.quantile(grey, 0.25))
    step = middle.levels[0] - middle.levels[1]
    two, three = (grey_classes(grey, count=count) for count in (2, 3))
    others = [middle.thresholds[0] + 0.1 * step, middle.thresholds[0] - 0.1 * step, threshold_otsu(grey)]
    others += [own_levels(grey, two).threshold(0)]
    others += [own_levels(grey, three).threshold(0)] if three.shares[2] >= 3e-4 else []
    assert middle.moves == pytest.approx(max(abs(np.mean(grey < cut) - middle.fraction) for cut in others))
    assert middle.moves > 0
    for options, text in (
        ({"method": "best"}, "method is 'best'; it is midpoint, otsu"),
        ({"method": "fraction", "fraction": 1.0}, "fraction is 1.0; the share"),
        ({"method": "fraction", "fraction": 0.0}, "fraction is 0.0; the share"),
        ({"classes": 4}, "classes is 4; 2, 3 with pores, or 'auto'"),
    ):
        with pytest.raises(ValueError, match=text):
            segment(grey, **options)


def test_what_is_said_of_the_classes():
    """Asked for, found or not, with the distance of pores from the dark phase; half of them counts in σ."""
    grey = ndimage.gaussian_filter(np.where(HALVES, 90.0, 150.0), 1)
    plain = noisy(grey, 8.0)
    assert segment(plain).why_classes == "no pores were found: two classes"
    assert segment(plain, classes=2).why_classes == "2 classes were asked for"
    assert segment(plain, classes=3).why_classes == "3 classes were asked for, against the grey values"
    grey[40:52, 4:16] = 20.0
    with_pores = segment(noisy(grey, 4.0))
    assert with_pores.why_classes.endswith("of their widths below the dark phase: three classes")
    assert with_pores.pore_fraction == pytest.approx(144 / 4096, abs=0.002)
    assert with_pores.thresholds[1] == pytest.approx(55, abs=1) and len(with_pores.levels) == 3
    assert with_pores.moves >= with_pores.pore_fraction / 2
    assert (
        segment(noisy(grey, 4.0), classes=2).why_classes
        == "2 classes were asked for, against the grey values"
    )


def test_an_image_of_one_kind_says_what_was_missing():
    """The ratio that was found and the one that is needed."""
    with pytest.raises(
        NotPossible, match=r"no edges between two of them: [\d.]+ times the gradient inside, [\d.]+ are"
    ):
        segment(noisy(np.full((64, 64), 100.0), 10.0))


def test_images_that_are_none():
    """Booleans are grey values; a number of axes that is asked for is kept to."""
    assert (
        checked_grey(HALVES).dtype == np.float32
        and checked_grey(np.zeros((2, 3, 4)) + np.eye(3, 4)).ndim == 3
    )
    for image, axes, text in (
        (np.ones((3, 4)), 3, r"shape \(3, 4\) and type float64 came; grey values with 3 axes"),
        (np.ones((3, 4)), None, "every grey value is 1: there is nothing to tell apart"),
        (np.array([[1.0, np.inf], [0, 2]]), None, "1 grey values are NaN or infinite"),
        (np.ones((2, 2, 2, 2)), None, "with 2 or 3 axes"),
    ):
        with pytest.raises(NotPossible, match=text):
            checked_grey(image, dimensions=axes)


def test_drift_by_whole_pixels_and_no_leap():
    """A pattern that moves 1 and −2 pixels comes back with its sign; a match more than eight pixels off is none."""
    face = ndimage.gaussian_filter(np.random.default_rng(2).normal(size=(90, 90)), 3)
    places = [(0, 0), (1, -2), (3, -1), (3, 12), (4, 12)]
    stack = np.stack([np.roll(face, place, (0, 1))[12:-12, 12:-12] for place in places])
    found = align_slices(1000 * stack)
    steps = np.diff(found.offsets, axis=0)
    assert steps == pytest.approx(np.array([[1, -2], [2, 1], [0, 0], [1, 0]]), abs=0.21)
    assert np.median(found.offsets, axis=0) == pytest.approx([0, 0])
    assert str(Alignment(np.zeros((2, 3, 4)), np.array([[0.0, -1.25], [1.0, 0.5]]))) == (
        "drift up to 1.2 pixels; 2 × 3 × 4 voxels are left"
    )


def test_slices_are_moved_back_and_cut():
    """By one row down and half a pixel to the side: what stood there is back, without what some slice does not show."""
    x = np.arange(10.0)
    face = x[:, None] * 10 + x
    offsets = np.array([[0.0, 0.0], [1.0, -0.5]])
    stack = np.stack([face, face - 10 + 0.5])  # seen one row further on, half a pixel back
    left = shifted_back(stack, offsets)
    assert left.shape == (2, 9, 9)
    assert left[0, 0, 0] == face[0, 1] and left[1] == pytest.approx(left[0])


def test_overlap_of_masks_that_are_one():
    """All of one kind has no correlation, and nothing has no Dice."""
    none = np.zeros((4, 4), bool)
    assert math.isnan(overlap(none, none)["dice"]) and math.isnan(overlap(~none, HALVES[:4, :4])["mcc"])
    a, b = HALVES, np.roll(HALVES, 3, 1)
    assert overlap(a, b)["mcc"] == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def test_phases_of_a_section_with_their_errors():
    """σ of the share from quarters and the threshold; the hollow interface by quarters; rows and sentences."""
    y, x = np.indices((64, 64)) - 31.5
    disc = np.hypot(y, x) < 20
    grey = noisy(np.where(disc, 90.0, 150.0), 6.0)
    found = estimate_phases(grey, edge=5e-8, smoothing=1.0)
    assert found.phase.mean() == pytest.approx(disc.mean(), abs=0.01) and found.voxel_size == 5e-8
    quarters = [found.phase[a : a + 32, b : b + 32].mean() for a in (0, 32) for b in (0, 32)]
    assert found.share.uncertainty == pytest.approx(np.hypot(np.std(quarters, ddof=1) / 2, found.found.moves))
    hollow = [hollow_share(found.phase[a : a + 32, b : b + 32]) for a in (0, 32) for b in (0, 32)]
    assert found.hollow_share == hollow_share(found.phase) < 0.1  # round everywhere
    assert found.hollow_share.uncertainty == pytest.approx(np.std(hollow, ddof=1) / 2)
    assert [row.name for row in found.rows()] == ["section_share", "section_hollow_share"]
    assert found.grey == pytest.approx(ndimage.gaussian_filter(found.flat, 1.0), abs=1e-4)
    cut = found.found.thresholds[0]
    assert found.notes()[1].startswith(f"grey thresholds {cut:.4g}; edges ")
    with pytest.raises(NotPossible, match="the size of a voxel was not given"):
        _ = estimate_phases(grey).voxel_size
    volume = estimate_phases(np.stack([grey] * 20))
    assert volume.of == "volume" and np.isnan(volume.hollow_share) and len(volume.rows()) == 1


@pytest.mark.parametrize(("dark", "factor"), [(14.0, True), (7.0, False)])
def test_a_stripe_is_a_factor_where_both_greys_lie_above_zero(dark, factor):
    """By more than a tenth of their distance of 100; else it is a shift of the greys."""
    levels = np.where(HALVES.T, dark, dark + 100).astype(np.float32)
    stripe = np.where(np.arange(64) % 7 == 3, 0.3, 0.0)[None]
    face = levels * (1 + stripe) if factor else levels + 100 * stripe
    left = segmentation._without_stripes(face.astype(np.float32), (dark + 50, dark + 100, dark))
    clean = np.abs(np.arange(64) - 24) > 8  # away from the edge, whose side the smoothed image tells
    assert left[clean] == pytest.approx(levels[clean], rel=1e-5)


TWO = GreyClasses((0.6, 0.4), (150.0, 90.0), (30.0, 30.0))  # 2.0 of their widths apart
THREE = GreyClasses((0.5, 0.4, 0.1), (150.0, 90.0, 70.0), (5.0,) * 3)  # 20/5: pores 4.0 below


@pytest.mark.parametrize(
    ("edges", "spread", "two", "told"),
    [
        (1.36, 0.0, TWO, True),
        (1.34, 0.0, TWO, False),
        (1.66, 0.1, TWO, True),  # 1.35 e^(2 · 0.1) = 1.649
        (1.64, 0.1, TWO, False),
        (1.01, 0.0, GreyClasses((0.6, 0.4), (150.0, 90.0), (23.0, 23.0)), True),  # 60/23 = 2.61
        (1.01, 0.0, GreyClasses((0.6, 0.4), (150.0, 90.0), (25.0, 25.0)), False),  # 60/25 = 2.4
        (0.99, 0.0, GreyClasses((0.6, 0.4), (150.0, 90.0), (23.0, 23.0)), False),
        (1.23, 0.1, GreyClasses((0.6, 0.4), (150.0, 90.0), (23.0, 23.0)), True),  # e^0.2 = 1.221
        (1.21, 0.1, GreyClasses((0.6, 0.4), (150.0, 90.0), (23.0, 23.0)), False),
        (1.01, 0.0, GreyClasses((0.979, 0.021), (150.0, 90.0), (23.0, 23.0)), True),
        (1.01, 0.0, GreyClasses((0.981, 0.019), (150.0, 90.0), (23.0, 23.0)), False),
    ],
)
def test_two_phases_are_told_by_edges_or_by_the_histogram(monkeypatch, edges, spread, two, told):
    """Edges 1.35 times the inside by two deviations; or none the weaker, and classes 2.5 widths apart with 2 % each."""
    monkeypatch.setattr(segmentation, "edge_strength", lambda *_: (edges, spread))
    monkeypatch.setattr(segmentation, "grey_classes", lambda _, count: two if count == 2 else THREE)
    grey = np.where(HALVES, 90.0, 150.0)
    if told:
        assert segment(grey, classes=2).edges == edges
    else:
        with pytest.raises(
            NotPossible, match=rf"them: {edges:.2f} times .* {1.35 * math.exp(2 * spread):.2f} are"
        ):
            segment(grey, classes=2)


@pytest.mark.parametrize(
    ("three", "found"),
    [
        (THREE, True),
        (GreyClasses((0.5, 0.4, 0.1), (150.0, 90.0, 72.0), (5.0,) * 3), True),  # 18/5 = 3.6
        (GreyClasses((0.5, 0.4, 0.1), (150.0, 90.0, 73.0), (5.0,) * 3), False),  # 17/5 = 3.4
        (GreyClasses((0.021, 0.9, 0.079), (150.0, 90.0, 70.0), (5.0,) * 3), True),
        (GreyClasses((0.019, 0.9, 0.081), (150.0, 90.0, 70.0), (5.0,) * 3), False),
        (GreyClasses((0.9, 0.021, 0.079), (150.0, 90.0, 70.0), (5.0,) * 3), True),
        (GreyClasses((0.9, 0.019, 0.081), (150.0, 90.0, 70.0), (5.0,) * 3), False),
        (GreyClasses((0.6, 0.39969, 3.1e-4), (150.0, 90.0, 70.0), (5.0,) * 3), True),
        (GreyClasses((0.6, 0.39971, 2.9e-4), (150.0, 90.0, 70.0), (5.0,) * 3), False),
    ],
)
def test_pores_are_told_by_their_distance_and_shares(monkeypatch, three, found):
    """From 3.5 widths below the dark phase, 2 % of either phase and 0.03 % of pores on."""
    monkeypatch.setattr(segmentation, "grey_classes", lambda _, count: TWO if count == 2 else three)
    said = segment(np.where(HALVES, 90.0, 150.0))
    assert len(said.levels) == (3 if found else 2)
    assert ("three classes" in said.why_classes) == found


@pytest.mark.parametrize(("bright", "pores", "found"), [(120, 2, False), (130, 2, True), (130, 1, False)])
def test_few_voxels_of_a_class_are_outliers(bright, pores, found):
    """Of 6,400 voxels 2 % are 128 and 0.03 % are 1.9."""
    grey = np.full((80, 80), 90.0)
    grey[4 : 4 + bright // 10, 4:14] = 150.0
    grey[60, 40 : 40 + pores] = 20.0
    assert len(segment(noisy(grey, 4.0)).levels) == (3 if found else 2)


def test_how_far_a_share_moves_on_a_slope(monkeypatch):
    """Greys of 90 to 150, 2.6 between neighbours: a tenth of the step, 6, is 2 or 3 of 64 columns either way."""
    columns = np.clip(90 + 2.6 * (np.arange(64) - 20), 90, 150)
    monkeypatch.setattr(segmentation, "_other_thresholds", lambda *_: [118.0])
    found = segment(np.tile(columns, (64, 1)), classes=2)
    dark, fewer, more = (np.sum(columns < cut) for cut in (120, 114, 126))
    assert found.thresholds == pytest.approx([120]) and found.fraction == dark / 64
    assert found.moves == max(dark - fewer, more - dark) / 64 < (more - fewer) / 64
    monkeypatch.setattr(segmentation, "_other_thresholds", lambda *_: [137.0])
    assert segment(np.tile(columns, (64, 1)), classes=2).moves == (np.sum(columns < 137) - dark) / 64


def test_what_is_surely_dark_and_what_hangs_on_it(monkeypatch):
    """Of 90 and 150 below 111, three twentieths of the step under the middle; and up to 129 beside such."""
    columns = np.clip(90 + 2.6 * (np.arange(64) - 20), 90, 150)
    grey = np.tile(columns, (64, 1))
    grey[10:14, 56:60], grey[30:34, 56:60] = 112.0, 110.0
    monkeypatch.setattr(segmentation, "edge_strength", lambda *_: (9.0, 0.0))
    phase = segment(grey, method="two-threshold", classes=2).phase
    assert phase[50].tolist() == (columns < 129).tolist()
    assert not phase[10:14, 56:60].any() and phase[30:34, 56:60].all()


def test_slices_are_matched_without_stripes_and_noise(monkeypatch):
    """What two slices are compared by: blurred over 1.5 pixels, without their mean, under a Hann window."""
    import skimage.registration

    seen = []

    def match(before, here, **_):
        seen.append((before, here))
        return np.zeros(2), 0.0, 0.0

    monkeypatch.setattr(skimage.registration, "phase_cross_correlation", match)
    stack = np.random.default_rng(3).normal(100, 20, (2, 24, 33)).astype(np.float32)
    align_slices(stack)
    y, x = (np.sin(np.pi * np.arange(side) / (side - 1)) ** 2 for side in (24, 33))
    for face, compared in zip(stack, seen[0], strict=True):
        blurred = ndimage.gaussian_filter(segmentation._without_stripes(face, rough_means(stack)), 1.5)
        assert compared == pytest.approx((blurred - blurred.mean()) * np.outer(y, x), abs=1e-4)
