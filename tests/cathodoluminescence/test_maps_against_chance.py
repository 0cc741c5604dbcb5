"""Overlap, boundary and channels of planted maps, and of those in which only chance or geometry is at work."""

import numpy as np
import pytest
from luminescence_worlds import blobs, serpentine, shot, stripes
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.stats import binomtest

from nbtools.cathodoluminescence import chance
from nbtools.cathodoluminescence.chance import (
    assess_boundary_profile,
    assess_channels,
    assess_overlap,
    shifted_correlations,
)
from nbtools.cathodoluminescence.model_centres import seen_through_beam
from nbtools.statistics.nulls import all_shifts, correlation_length, random_shifts, shift_radius

SIZE = 48
PHASE = blobs(3, SIZE)
DISTANCE = distance_transform_edt(PHASE) - 0.5
EDGES = PHASE * (1 + 0.8 * np.exp(-DISTANCE / 2))


def texture(seed):
    field = gaussian_filter(np.random.default_rng([seed, 4]).standard_normal((SIZE, SIZE)), 1.5, mode="wrap")
    return 1 + 0.3 * field / field.std()


def share_below(p_values, level=0.05):
    """The probability that so many p values fall below a level by chance (one-sided)."""
    return binomtest(
        int(np.sum(np.array(p_values) < level)), len(p_values), level, alternative="greater"
    ).pvalue


def test_a_correlation_of_every_shift_is_the_plain_one():
    """The Fourier sums agree with numpy's corrcoef over the shared pixels, shift by shift."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 16, 16))
    inside = stripes(16, 8, 2)
    found, count = shifted_correlations(a, b, inside)
    for move in ((0, 0), (3, 5), (-2, 7)):
        shared = inside & np.roll(inside, move, (0, 1))
        plain = np.corrcoef(a[shared], np.roll(b, move, (0, 1))[shared])[0, 1]
        assert found[move] == pytest.approx(plain, abs=1e-10)
        assert count[move] == shared.sum()


def test_all_shifts_is_the_plain_sum():
    """Σ fixed(x) moved(x − s)."""
    a, b = np.random.default_rng(1).standard_normal((2, 9, 12))
    assert all_shifts(a, b)[2, -3] == pytest.approx(np.sum(a * np.roll(b, (2, -3), (0, 1))))


@pytest.mark.seeds
def test_the_shape_of_mgo_is_no_overlap():
    """Two even maps, and two brightened at every edge, over 40 seeds each: p below 0.05 as often as chance."""
    for even in (PHASE * 100.0, 100 * EDGES):
        p = [
            assess_overlap(shot(s, even), shot(s + 1000, even), PHASE, shifts=299).p_value for s in range(40)
        ]
        assert share_below(p) > 1e-3, p


@pytest.mark.seeds
def test_textures_of_their_own_are_no_overlap():
    """Independent patches in one mask, over 40 seeds."""
    p = [
        assess_overlap(
            shot(s, 100 * PHASE * texture(s)),
            shot(s + 1000, 100 * PHASE * texture(s + 1000)),
            PHASE,
            shifts=299,
        ).p_value
        for s in range(40)
    ]
    assert share_below(p) > 1e-3, p


@pytest.mark.parametrize("seed", range(5))
def test_a_shared_texture_overlaps(seed):
    """And the size of the overlap is said."""
    light = 100 * PHASE * texture(seed)
    found = assess_overlap(shot(seed, light), shot(seed + 1000, light), PHASE)
    assert found.p_value < 0.01
    assert found.effect_size > 0.5
    assert found.null.size > 100


@pytest.mark.seeds
def test_light_at_edges_is_no_gathering_in_the_ratio():
    """Even emitters behind bright edges, 40 seeds: the ratio of two bands stays even; one band alone does not."""
    found = [
        assess_boundary_profile(shot(s, 100 * EDGES), PHASE, reference=shot(s + 1000, 60 * EDGES), shifts=299)
        for s in range(40)
    ]
    assert share_below([f.p_value for f in found]) > 1e-3
    alone = assess_boundary_profile(shot(0, 100 * EDGES), PHASE)
    assert alone.p_value < 0.05
    assert "edges" in " ".join(alone.missing)
    known = assess_boundary_profile(shot(0, 100 * EDGES), PHASE, pixel=1.0, out_coupling=(0.8, 2.0))
    assert abs(known.effect_size) < 0.05


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_rim_gathers(seed):
    """30 % more of one band at the boundary, in the ratio map too."""
    rim = PHASE * (1 + 0.6 * np.exp(-DISTANCE / 2))
    green, ultraviolet = shot(seed, 100 * rim), shot(seed + 1000, 100 * PHASE.astype(float))
    found = assess_boundary_profile(green, PHASE, reference=ultraviolet)
    assert found.p_value < 0.01
    near, far = DISTANCE[PHASE] <= found.extra["near"], DISTANCE[PHASE] > np.median(DISTANCE[PHASE])
    expected = rim[PHASE][near].mean() / rim[PHASE][far].mean() - 1
    assert found.effect_size == pytest.approx(expected, abs=0.04)
    ratio = np.where(ultraviolet > 20, green / np.maximum(ultraviolet, 1), np.nan)
    assert assess_boundary_profile(ratio, PHASE).p_value < 0.01


@pytest.mark.seeds
@pytest.mark.parametrize("world", ["even", "edges", "shuffled", "blobs"])
def test_no_channels_where_there_are_none(world):
    """Even light, bright edges, a channel's pixels shuffled, round patches: 20 seeds each."""
    p = []
    for seed in range(20):
        light = {
            "even": PHASE * 60.0,
            "edges": 60 * EDGES,
            "shuffled": PHASE * 60.0,
            "blobs": 60 * PHASE * texture(seed + 50),
        }[world]
        if world == "shuffled":
            line = 60 * PHASE * (1 + 2 * serpentine(SIZE))
            light[PHASE] = np.random.default_rng(seed).permutation(line[PHASE])
        p.append(assess_channels(shot(seed, light), PHASE, draws=59, seed=seed).p_value)
    assert share_below(p) > 1e-3, p


def a_channel(seed: int):
    """One winding line three times as bright as the rest, and what is made of it."""
    line = serpentine(SIZE, phase=seed)
    return line, assess_channels(shot(seed, 60 * PHASE * (1 + 2 * line)), PHASE, pixel=0.2e-6)


@pytest.mark.seeds
def test_a_planted_channel_is_found() -> None:
    """At the 5 % level in 95 % of cases, as far as a dozen seeds can refute it.

    A map of 48 pixels holds too few lines for 1 %, which it reaches in 7 of 12; the twin's map is in the benchmarks.
    """
    found = [a_channel(seed)[1] for seed in range(12)]
    hits = sum(test.p_value <= 0.05 for test in found)
    assert binomtest(hits, len(found), 0.95, alternative="less").pvalue > 1e-3, hits
    assert min(test.effect_size for test in found) > 1


def test_the_way_of_a_channel_is_traced() -> None:
    """The longest line lies on the planted one, in metres."""
    line, found = a_channel(0)
    assert line[found.extra["longest"]].mean() > 4 * line[PHASE].mean()
    assert found.extra["unit"] == "m"


def test_the_other_phase_is_noticed():
    """A mask that is True where it is dark is turned round, and that is said."""
    light = shot(1, 100 * PHASE * texture(1))
    found = assess_channels(light, ~PHASE, draws=19)
    assert "other phase" in " ".join(found.notes)


MAP = shot(0, PHASE * 60.0)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: assess_overlap(np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 1), bool)), "at least 8 × 8"),
        (lambda: assess_overlap(MAP, MAP[:-1], PHASE), "register them"),
        (lambda: assess_overlap(MAP, MAP, PHASE[:-1]), "same pixels"),
        (lambda: assess_overlap(MAP, np.full_like(MAP, np.nan), PHASE), "no finite number"),
        (lambda: assess_overlap(MAP, MAP, np.zeros_like(PHASE)), "at least 50"),
        (lambda: assess_overlap(MAP, MAP, PHASE * 3), "give True"),
        (lambda: assess_overlap(np.minimum(MAP, 60), MAP, PHASE), "saturated"),
        (lambda: assess_overlap(np.ones((9, 9, 3)), MAP, PHASE), "over \\(y, x\\)"),
        (lambda: assess_boundary_profile(MAP, np.ones_like(PHASE)), "MgO everywhere"),
        (lambda: assess_boundary_profile(MAP, PHASE, pixel=-1.0), "size in m"),
        (lambda: assess_channels(MAP[0], PHASE), "over \\(y, x\\)"),
    ],
)
def test_bad_input_is_refused(call, text):
    """With a sentence each."""
    with pytest.raises(ValueError, match=text):
        call()


def test_maps_of_other_pixels_are_refused():
    """Labelled maps whose pixels differ in size by over a thousandth do not show the same field."""
    import xarray as xr

    one, near, two = (
        xr.DataArray(MAP, dims=("y", "x"), coords={"x": step * np.arange(SIZE)})
        for step in (1e-7, 1.0009e-7, 1.0011e-7)
    )
    assert chance.same_pixels(one, near) is None
    with pytest.raises(ValueError, match=r"pixels of 1e-07 and 1.001e-07 m; they are of other units"):
        assess_overlap(one, two, PHASE)
    assert chance.pixel_of(one, None) == (pytest.approx(1e-7), "m")
    assert chance.pixel_of(one, 3e-7) == (3e-7, "m") and chance.pixel_of(MAP, None) == (1.0, "px")
    with pytest.raises(ValueError, match=r"the reference has shape \(47, 48\), the map \(48, 48\)"):
        assess_boundary_profile(MAP, PHASE, reference=MAP[1:])


# What each test computes, by sums over the pixels ------------------------------------------------

CLEAR = PHASE & (DISTANCE > 2)
NOISE = np.random.default_rng(8).uniform(50.0, 150.0, (4, SIZE, SIZE))
A, B, GREY = NOISE[0] + 40 * EDGES + NOISE[2], NOISE[1] + 60 * EDGES + NOISE[2], NOISE[3] + 0.5 * NOISE[0]


def classes_of_distance():
    """Which twelfth of the emitter's pixels, by distance from the boundary, each pixel is in."""
    edges = np.unique(np.quantile(DISTANCE[PHASE], np.arange(1, 12) / 12))
    return (DISTANCE[..., None] > edges).sum(-1)


def regressed(values, given, used):
    """Residual of ordinary least squares on the classes of distance, three blurs of the emitter and given maps."""
    classes = classes_of_distance()
    columns = [1.0 * (classes == n) for n in range(classes.max() + 1)]
    columns += [gaussian_filter(1.0 * PHASE, width) for width in (1, 2, 4)] + list(given)
    design = np.stack([column[used] for column in columns], axis=1)
    left = np.zeros(values.shape)
    left[used] = values[used] - design @ np.linalg.lstsq(design, values[used], rcond=None)[0]
    return left / left[used].std()


@pytest.mark.parametrize("used", [PHASE, CLEAR])
def test_the_shape_is_taken_off_by_least_squares(used):
    """Dummies of distance, blurs and other maps in one regression give the same residual; 0 elsewhere."""
    assert chance.without_geometry(A, PHASE, [GREY], used=used) == pytest.approx(
        regressed(A, [GREY], used), abs=1e-9
    )


def test_an_overlap_is_the_correlation_of_what_the_shape_leaves():
    """Two pixels and more from the boundary; chance: shifts by over twice the texture that keep a quarter covered."""
    found = assess_overlap(A, B, PHASE, given=[GREY], shifts=50, seed=3)
    left = [regressed(band, [GREY], CLEAR) for band in (A, B)]
    assert found.statistic == pytest.approx(np.corrcoef(left[0][CLEAR], left[1][CLEAR])[0, 1])
    length = max(map(correlation_length, left))
    every, covered = shifted_correlations(*left, CLEAR)
    allowed = (covered > 0.25 * CLEAR.sum()) & (shift_radius(PHASE.shape) > 2 * length)
    null = every[random_shifts(allowed, 50, np.random.default_rng(3))]
    assert found.null == pytest.approx(null)
    assert found.p_value == pytest.approx((1 + np.sum(null >= found.statistic)) / 51)
    assert found.effect_size == pytest.approx(found.statistic - null.mean())
    assert found.notes == (f"correlation length {length:.0f} pixels, {CLEAR.sum()} pixels of MgO",)
    assert not found.missing and "common collection" in assess_overlap(A, B, PHASE, shifts=20).missing
    low, high = np.quantile(null, [0.16, 0.84])
    assert str(found).startswith(
        f"correlation beyond the shape of the emitter: {found.statistic:.3g}; chance gives {low:.3g} to {high:.3g} "
        f"(50 draws): p = {found.p_value:.3f}, effect {found.effect_size:.2g}"
    )


def test_a_boundary_profile_is_a_ratio_of_sums():
    """The nearest third over the inner half; classes of distance over the whole; both for shifts of the map too."""
    pixel = 2e-7
    found = assess_boundary_profile(A, PHASE, reference=B, pixel=pixel, shifts=40, seed=2)
    third, half = np.quantile(DISTANCE[PHASE], [1 / 3, 1 / 2])
    near, far = PHASE & (third >= DISTANCE), PHASE & (half < DISTANCE)

    def excess(above, below):
        return above[near].sum() / below[near].sum() / (above[far].sum() / below[far].sum()) - 1

    above, below = A * PHASE, B * PHASE
    assert found.statistic == found.effect_size == pytest.approx(excess(above, below))
    length = correlation_length(regressed(above - above.sum() / below.sum() * below, [], PHASE))
    covered = np.minimum(*(all_shifts(1.0 * where, 1.0 * PHASE) / where.sum() for where in (near, far)))
    allowed = (covered > 0.25) & (shift_radius(PHASE.shape) > 2 * length)
    moves = list(zip(*random_shifts(allowed, 40, np.random.default_rng(2)), strict=True))
    rolled = [[np.roll(band, move, (0, 1)) for band in (above, below)] for move in moves]
    assert found.null == pytest.approx([excess(*pair) for pair in rolled])
    assert found.extra["near"] == pytest.approx(third * pixel) and found.extra["unit"] == "m"
    classes = classes_of_distance()
    each = [PHASE & (classes == n) for n in range(classes.max() + 1)]
    assert found.extra["distance"] == pytest.approx([pixel * DISTANCE[here].mean() for here in each])

    def profile(above, below):
        return [
            above[here].sum() / below[here].sum() / (above[PHASE].sum() / below[PHASE].sum()) for here in each
        ]

    assert found.extra["profile"] == pytest.approx(profile(above, below))
    low, high = np.quantile([profile(*pair) for pair in rolled], [0.16, 0.84], axis=0)
    assert found.extra["low"] == pytest.approx(low) and found.extra["high"] == pytest.approx(high)
    assert found.missing == {}


def test_an_even_emitter_seen_through_beam_and_edges_is_flat():
    """The map of such an emitter, with the same gain, length and range, has no excess at all."""
    pixel, depth = 1e-7, 6e-7
    even = PHASE * (1 + 0.8 * np.exp(-DISTANCE * pixel / 2e-7))
    light = 100 * seen_through_beam(even, PHASE, pixel=pixel, beam_range=depth)
    options = {"pixel": pixel, "beam_range": depth, "shifts": 20}
    found = assess_boundary_profile(light, PHASE, out_coupling=(0.8, 2e-7), **options)
    assert found.statistic == pytest.approx(0, abs=1e-9) and not found.missing
    assert found.extra["profile"] == pytest.approx(np.ones(len(found.extra["profile"])))
    blurred = assess_boundary_profile(
        100 * seen_through_beam(1.0 * PHASE, PHASE, pixel=pixel, beam_range=depth), PHASE, **options
    )
    assert blurred.statistic == pytest.approx(0, abs=1e-9)
    assert "light that leaves more easily at edges" in blurred.missing


def test_the_length_that_a_pixel_of_a_line_sees():
    """Lines of 20 and of 10 pixels: (20² + 10²)/(20 + 10); their longest is the one of 20."""
    light = np.zeros((40, 40))
    light[5, 5:25] = 2.0
    light[30, 10:20] = 1.0
    inside = np.ones((40, 40), bool)
    lengths = chance.skeleton_lengths(light, inside, [20 / 1600, 30 / 1600])
    assert lengths == pytest.approx([20, 500 / 30])
    assert np.array_equal(chance._largest(light > 0), light == 2)


def test_a_mean_over_emitter_pixels_alone():
    """What is even in the emitter stays even up to its edge; a point spreads as a Gaussian over its share."""
    assert chance.smoothed_inside(3.0 * PHASE, PHASE, 0.7) == pytest.approx(3.0 * PHASE)
    point = np.zeros(PHASE.shape)
    point[np.unravel_index(int(np.argmax(DISTANCE)), PHASE.shape)] = 1.0
    found, expected = chance.smoothed_inside(point, PHASE, 0.7), np.zeros(PHASE.shape)
    point, weight = (gaussian_filter(1.0 * values, 0.7, mode="constant")[PHASE] for values in (point, PHASE))
    expected[PHASE] = point / weight
    assert found == pytest.approx(expected)


def test_a_world_of_the_same_texture_has_its_power_at_every_wavelength():
    """Only the phases are others, and they are those of noise."""
    field = texture(3)
    found = chance._rephased(field, np.random.default_rng(4))
    noise = np.fft.fft2(np.random.default_rng(4).standard_normal(field.shape))
    assert np.abs(np.fft.fft2(found)) == pytest.approx(np.abs(np.fft.fft2(field)))
    assert np.cos(np.angle(np.fft.fft2(found)) - np.angle(noise)) == pytest.approx(
        np.ones(field.shape), abs=1e-6
    )


def test_a_world_of_the_same_pieces_holds_whole_tiles():
    """Every tile that the edge does not cut is one of the map's, turned or mirrored, and hardly one stays."""
    rows, columns, tile = 17, 22, 4
    field = np.arange(1.0 * rows * columns).reshape(rows, columns)
    kinds = set()
    for seed in range(6):
        found = chance._shuffled(field, tile, np.random.default_rng(seed))
        assert found.shape == field.shape
        y0, x0 = (-start % tile for start in np.random.default_rng(seed).integers(0, tile, 2))
        before, after = (
            {
                (y, x): world[y : y + tile, x : x + tile]
                for y in range(y0, rows - tile + 1, tile)
                for x in range(x0, columns - tile + 1, tile)
            }
            for world in (field, found)
        )
        symmetric = {
            one.tobytes(): (turn, mirrored)
            for piece in before.values()
            for turn in range(4)
            for mirrored in (0, 1)
            for one in [np.rot90(piece[::-1] if mirrored else piece, turn).copy()]
        }
        whole = [symmetric[one] for piece in after.values() if (one := piece.copy().tobytes()) in symmetric]
        kinds |= set(whole)
        # Tiles of the padded rim come inside, mirrored in themselves.
        assert len(whole) >= 5
        assert sum(np.array_equal(before[place], after[place]) for place in before) <= 3
    assert len(kinds) == 8


def test_the_share_that_stands_out_most_is_judged_by_chances_own_most():
    """Scores by the mean and spread of the map and chance together."""
    rng = np.random.default_rng(5)
    lengths, observed = rng.normal([10.0, 30.0], [1.0, 5.0], (39, 2)), np.array([11.5, 37.0])
    together = np.vstack([observed, lengths])
    scores = ((together - together.mean(0)) / together.std(0)).max(1)
    p, best = chance._worst_share(observed, lengths)
    assert p == pytest.approx((1 + np.sum(scores[1:] >= scores[0])) / 40)
    assert best == int(np.argmax((observed - together.mean(0)) / together.std(0)))


@pytest.mark.parametrize("seed", [3, 5])  # in which 10 % and 14 % stand out
def test_lines_are_judged_beside_both_kinds_of_chance(seed):
    """The statistic is the length seen at 10 or 14 % of the emitter; p is the larger of the two worlds'."""
    light = shot(seed, 60 * PHASE * (1 + serpentine(SIZE, phase=seed)))
    found = assess_channels(light, PHASE, pixel=2e-7, draws=19, seed=4)
    left = chance.without_geometry(light * PHASE, PHASE)
    smooth = chance.smoothed_inside(left, PHASE, 0.7)
    observed = chance.skeleton_lengths(smooth, PHASE, (0.10, 0.14))
    rng = np.random.default_rng(4)
    same_texture = np.array(
        [chance.skeleton_lengths(chance._rephased(smooth, rng), PHASE, (0.10, 0.14)) for _ in range(19)]
    )
    full = chance.filled(left, PHASE)
    pieces = np.array(
        [
            chance.skeleton_lengths(
                chance.smoothed_inside(chance._shuffled(full, 4, rng), PHASE, 0.7), PHASE, (0.10, 0.14)
            )
            for _ in range(19)
        ]
    )
    odds = [chance._worst_share(observed, lengths) for lengths in (same_texture, pieces)]
    hardest = int(odds[1][0] > odds[0][0])
    best = odds[hardest][1]
    assert found.p_value == pytest.approx(max(p for p, _ in odds))
    assert found.null == pytest.approx(2e-7 * (same_texture, pieces)[hardest][:, best])
    assert found.statistic == pytest.approx(2e-7 * observed[best])
    assert found.effect_size == pytest.approx(found.statistic / np.median(found.null))
    kept = ("the same texture", "the same pieces")[hardest]
    assert found.notes == (f"chance keeps {kept}; brightest {(10, 14)[best]}% of MgO; tiles of 4 pixels",)
    assert found.name == "mean length of bright lines (m)"


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        (np.r_[np.arange(94), [99] * 6], True),  # 6 % of the pixels at the largest count
        (np.r_[np.arange(96), [99] * 4], False),  # fewer than five
        (np.r_[np.arange(594) % 90, [99] * 6], False),  # 1 %
        (np.r_[np.arange(594) % 90, [99] * 7], True),
        (np.r_[np.arange(94) % 18, [99] * 6], False),  # 19 levels: no counter of photons
        (np.r_[np.arange(94) % 19, [99] * 6], True),
        (np.r_[np.arange(94), [99.5] * 6], False),  # no counts
    ],
)
def test_counts_that_pile_up_at_the_largest_are_refused(values, refused):
    """More than 1 % of them, five at least, in a map of twenty levels and more."""
    light = np.asarray(values, float)[None]
    if not refused:
        return chance.refuse_full_scale(light, np.ones(light.shape, bool), "map")
    with pytest.raises(ValueError, match=f"{100 * np.mean(light == 99):.0f} % of its pixels .* count 99"):
        chance.refuse_full_scale(light, np.ones(light.shape, bool), "map")
    return None


@pytest.mark.parametrize(("times", "turned"), [(2.9, False), (3.1, True)])
def test_the_other_phase_is_the_emitter_where_it_is_three_times_as_bright(times, turned):
    """And holds pixels enough."""
    half = np.zeros((10, 10), bool)
    half[:5] = True
    inside, notes = chance.emitter_of(half, np.where(half, 10.0, 10 * times))
    assert np.array_equal(inside, ~half if turned else half) and bool(notes) == turned
    most = np.ones((10, 10), bool)
    most[:4, :10] = False
    assert np.array_equal(chance.emitter_of(most, np.where(most, 10.0, 99.0))[0], most)


def test_how_large_a_mask_and_a_map_must_be():
    """Fifty pixels of the emitter, eight a side; a mask by words, ones or floats."""
    mask = np.zeros((8, 10), bool)
    mask.ravel()[:49] = True
    with pytest.raises(ValueError, match="True in 49 pixels; at least 50"):
        chance.as_mask(mask, mask.shape, "mask")
    mask.ravel()[:50] = True
    for given in (mask, mask.astype(float), np.where(mask, "MgO", "MgB2"), mask.astype(int)):
        assert np.array_equal(chance.as_mask(given, mask.shape, "mask"), mask)
    with pytest.raises(ValueError, match="holds NaN"):
        chance.as_mask(np.where(mask, 1.0, np.nan), mask.shape, "mask")
    assert chance.as_map(np.ones((8, 8)), "map").shape == (8, 8)
    with pytest.raises(ValueError, match="8 × 7 pixels"):
        chance.as_map(np.ones((8, 7)), "map")


def test_pixels_clear_of_the_boundary_or_all():
    """A fifth of the emitter and fifty pixels must be left, else all count."""
    wide = np.ones((20, 20), bool)
    wide[:, 0] = False  # distances 0.5 to 18.5
    assert np.array_equal(chance.clear_of_boundary(wide, 2.0), wide & (np.arange(20) > 2))
    assert chance.clear_of_boundary(wide, 14.5).sum() == 80  # of 380
    assert chance.clear_of_boundary(wide, 15.5).sum() == 380  # 60 would be left
    small = wide[:12, :10]
    assert chance.clear_of_boundary(small, 4.5).sum() == 108  # 48 would be left
    assert chance.clear_of_boundary(small, 3.5).sum() == 60


def test_an_emitter_without_an_inside_has_no_profile():
    """Stripes two pixels wide are all rim."""
    stripe = (np.arange(12) + 1) % 4 < 2
    narrow = np.broadcast_to(stripe, (12, 12))
    with pytest.raises(ValueError, match="no inside beside its rim"):
        assess_boundary_profile(np.ones((12, 12)), narrow)
