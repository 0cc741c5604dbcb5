"""Random media: fractions, correlations and dimensions against closed forms."""

import math

import numpy as np
import pytest
from scipy import ndimage

import nbtools.structure.model_random_media as random_media
from nbtools.physics import proximity

SIDE = 512


def rng(seed=0):
    return np.random.default_rng(seed)


def correlation(field, lag):
    """Of a periodic field with itself, along both axes."""
    return np.mean([np.mean(field * np.roll(field, lag, axis)) for axis in (0, 1)])


def test_the_cut_offs_of_the_paper():
    """L/l = 55.94 at D = 1.67 and 63.44 at 1.68, by hand: 0.265^(-1/0.33) and ^(-1/0.32)."""
    assert random_media.cutoff_ratio(0.265, dimension=1.67) == pytest.approx(55.94223, rel=1e-6)
    assert random_media.cutoff_ratio(0.265, dimension=1.68) == pytest.approx(63.43906, rel=1e-6)
    assert random_media.cutoff_ratio(0.265, dimension=2.67, space=3) == pytest.approx(55.94223, rel=1e-6)


def test_smoothed_noise_has_its_closed_correlation():
    """exp(−r²/4s²) for a Gaussian kernel of length s."""
    field = random_media.gaussian_field((SIDE, SIDE), rng(), correlation_length=4.0)
    for lag in (2, 4, 8):
        assert correlation(field, lag) == pytest.approx(math.exp(-(lag**2) / 64), abs=0.03)


def test_a_power_law_field_has_its_spectrum():
    """Half the exponent's fall in amplitude, nothing outside the band."""
    field = random_media.power_law_field((SIDE, SIDE), rng(), exponent=3.0, band=(8.0, 64.0))
    power = np.abs(np.fft.fft2(field)) ** 2
    k = 2 * np.pi * np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
    low, high = (power[(k > a) & (k < 1.1 * a)].mean() for a in (0.2, 0.6))
    assert math.log(low / high) / math.log(3) == pytest.approx(3.0, abs=0.3)
    assert power[k > 2 * np.pi / 8 * 1.01].max() < 1e-6 * power.max()


def test_a_level_set_has_exactly_its_fraction():
    """Counted, not on average."""
    field = random_media.gaussian_field((64, 64), rng(), correlation_length=2.0)
    assert random_media.level_set(field, 0.265).sum() == round(0.265 * 64**2)
    assert not random_media.level_set(field, 0.0).any()


@pytest.mark.parametrize("make", [random_media.fractal_cascade, random_media.woven_cascade])
def test_cascades_fill_their_fraction_on_average(make):
    """Each field scatters by several per cent; the mean of forty does not."""
    shares = [make((256, 256), rng(seed), fraction=0.265, inner=2.3).mean() for seed in range(40)]
    assert np.mean(shares) == pytest.approx(0.265, abs=4 * np.std(shares) / math.sqrt(40))
    assert np.std(shares) > 0.005


def test_a_cascade_has_the_correlation_of_its_dimension():
    """S₂ falls as r^(D − 2) over the middle octaves: −0.33, counted with many fields."""
    products = np.zeros(3)
    for seed in range(60):
        phase = random_media.fractal_cascade((SIDE, SIDE), rng(seed), inner=2.3)
        products += [np.mean(phase[:, lag:] & phase[:, :-lag]) for lag in (6, 12, 24)]
    slopes = np.diff(np.log(products)) / math.log(2)
    assert slopes == pytest.approx([-0.32, -0.32], abs=0.05)


def test_a_cascade_lies_off_the_dyadic_grid():
    """Changes of phase are no likelier at multiples of eight pixels than elsewhere."""
    changes = sum(
        np.diff(random_media.fractal_cascade((256, 256), rng(seed), inner=2.3).astype(int), axis=1) != 0
        for seed in range(20)
    ).sum(axis=0)
    on = changes[7::8].mean() / changes.mean()
    assert on == pytest.approx(1.0, abs=0.15)


def test_grains_cover_their_fraction():
    """The Boolean model's 1 − exp(−nV), on average over fields."""
    shares = [random_media.lognormal_grains((256, 256), rng(s), median_radius=5.0).mean() for s in range(30)]
    assert np.mean(shares) == pytest.approx(0.265, abs=4 * np.std(shares) / math.sqrt(30) + 0.005)


def test_isolated_grains_touch_nowhere():
    """As many pieces as cells, none through the field, and the fraction is met."""
    phase = random_media.isolated_grains((96, 96, 96), rng(), spacing=16.0)
    labels, count = ndimage.label(phase, np.ones((3, 3, 3)))
    assert count > 100
    assert np.bincount(labels.ravel())[1:].max() < 0.05 * phase.sum()
    assert phase.mean() == pytest.approx(0.265, abs=0.001)


def test_a_stretch_lengthens_one_axis():
    """A factor of two in the kernel is one in the correlation length."""
    field = random_media.gaussian_field((SIDE, SIDE), rng(), correlation_length=4.0, stretch=(2.0, 1.0))
    along, across = (np.mean(field * np.roll(field, 8, axis)) for axis in (0, 1))
    assert along == pytest.approx(math.exp(-64 / 256), abs=0.05)
    assert across == pytest.approx(math.exp(-64 / 64), abs=0.05)


def test_wrong_numbers_are_named():
    """What came and what is allowed."""
    with pytest.raises(ValueError, match=r"fraction is 1\.2; it must be from 0 to 1"):
        random_media.fractal_cascade((32, 32), rng(), fraction=1.2)
    with pytest.raises(ValueError, match="correlation_length is -1"):
        random_media.gaussian_field((32, 32), rng(), correlation_length=-1.0)


def test_the_reach_of_pairs_in_a_normal_metal():
    """At 37 K: 16 nm at 5·10⁵ m/s; 1.8 and 5.7 nm at 1 and 10 cm²/s."""
    assert proximity.clean_normal_length(37.0, velocity=5e5) == pytest.approx(16.43e-9, rel=1e-3)
    assert proximity.dirty_normal_length(37.0, diffusivity=1e-4) == pytest.approx(1.813e-9, rel=1e-3)
    assert proximity.dirty_normal_length(37.0, diffusivity=1e-3) == pytest.approx(5.73e-9, rel=1e-3)


def test_a_length_beyond_the_field_is_refused():
    """Not a field of NaN."""
    with pytest.raises(ValueError, match="holds no wave of the length"):
        random_media.gaussian_field((16, 16), rng(), correlation_length=60.0)


def test_levels_and_what_each_keeps():
    """n levels of 2^−(d − D) make up the fraction; the coarsest keeps what the others leave."""
    for fraction, codimension, levels in ((0.25, 0.5, 4), (0.265, 0.33, 6), (0.9, 0.33, 1), (0.5, 0.1, 10)):
        assert random_media._levels(fraction, codimension) == levels
        keep = random_media._keep_shares(fraction, codimension, levels)
        assert np.prod(keep) == pytest.approx(fraction) and len(keep) == levels
        assert keep[1:] == [2**-codimension] * (levels - 1) and keep[0] >= 2**-codimension - 1e-12


def test_cells_of_a_cascade_are_blocks_of_their_size():
    """At whole voxels a cell every run of either phase is a whole number of cells; the outer ones are 2^n of them."""
    phase = random_media.fractal_cascade((240, 200), rng(3), fraction=0.25, codimension=0.5, inner=3.0)
    assert phase.shape == (240, 200)
    for axis in (0, 1):
        changes = np.flatnonzero(np.any(np.diff(phase.astype(int), axis=axis) != 0, axis=1 - axis))
        assert len(set((changes % 3).tolist())) == 1
    full = random_media.fractal_cascade((40, 40), rng(), fraction=1.0, codimension=0.5)
    assert full.all()


def test_a_cascade_keeps_the_share_of_each_level():
    """Between cells of one level with p: where an outer cell is kept at all, f/p of its finest cells are left."""
    shape, p = (256, 256), 2**-0.5
    fields = [
        random_media.fractal_cascade(shape, rng(s), fraction=0.25, codimension=0.5, inner=1.0)
        for s in range(40)
    ]
    pairs = [np.mean(phase[:, 1:] & phase[:, :-1]) for phase in fields]
    # Neighbours share k of four levels: half of them three, a quarter two, …; rolled, so that every edge is met alike.
    met = sum(0.5 ** (4 - k) * 0.25 * p ** (4 - k) for k in range(1, 4)) + 0.5**4 * 0.25 * 0.25 / 0.25 * p**4
    assert np.mean(pairs) == pytest.approx(met, rel=0.06)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_woven_cascade_is_the_common_part_of_its_octaves(monkeypatch, axis):
    """Lengths from a third of the inner one, doubled each time, at most a sixth of the field; each keeps its share."""
    asked, kept = [], []
    field, cut = random_media.gaussian_field, random_media.level_set

    def gaussian(shape, rng, *, correlation_length):
        asked.append(correlation_length)
        return field(shape, rng, correlation_length=correlation_length)

    def level(of, share):
        kept.append(share)
        return cut(of, share)

    monkeypatch.setattr(random_media, "gaussian_field", gaussian)
    monkeypatch.setattr(random_media, "level_set", level)
    shape = (72, 60) if axis else (60, 72)
    random_media.woven_cascade(shape, rng(), fraction=0.2, codimension=0.5, inner=6.0)
    assert asked == pytest.approx([2.0, 4.0, 8.0, 10.0, 10.0])
    assert kept == pytest.approx([2**-0.5] * 4 + [0.2 * 2**2])


def test_fields_have_no_mean_and_unit_variance():
    """Of either kind; waves only between the two lengths, however they are named."""
    for field in (
        random_media.gaussian_field((64, 48), rng(), correlation_length=2.0),
        random_media.power_law_field((64, 48), rng(), exponent=2.0, band=(16.0, 4.0)),
    ):
        assert (field.mean(), field.std()) == pytest.approx((0, 1), abs=1e-5)
    power = np.abs(np.fft.fft2(field)) ** 2
    k = 2 * np.pi * np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(48), indexing="ij"))
    outside = (k < 2 * np.pi / 16 * 0.999) | (k > 2 * np.pi / 4 * 1.001)
    assert power[outside].max() < 1e-6 * power.max() and (power[~outside] > 0).all()


def test_amplitudes_of_a_field_by_wave():
    """White noise of seed 0 times exp(−k²s²/2), axis by axis, or k^(−n/2): the ratio of the transforms."""
    white = np.fft.rfft2(rng().standard_normal((32, 24), dtype=np.float32))
    ky, kx = 2 * np.pi * np.fft.fftfreq(32)[:, None], 2 * np.pi * np.fft.rfftfreq(24)[None]
    field = np.fft.rfft2(
        random_media.gaussian_field((32, 24), rng(), correlation_length=0.8, stretch=(1.5, 0.5))
    )
    ratio = np.abs(field / white)[1:, 1:] / np.exp(-((1.2 * ky) ** 2 + (0.4 * kx) ** 2) / 2)[1:, 1:]
    assert ratio == pytest.approx(np.full_like(ratio, np.median(ratio)), rel=1e-3)
    field = np.fft.rfft2(random_media.power_law_field((32, 24), rng(), exponent=2.5, band=(2.0, 30.0)))
    k = np.hypot(ky, kx)
    inside = (k > 2 * np.pi / 30) & (k < np.pi)
    ratio = (np.abs(field / white) * k**1.25)[inside]
    assert ratio == pytest.approx(np.full_like(ratio, np.median(ratio)), rel=1e-3)


def test_the_highest_points_make_a_level_set():
    """So many of them, to the point."""
    field = np.array([[3.0, 1.0], [4.0, 2.0]])
    assert random_media.level_set(field, 0.5).tolist() == [[True, False], [True, False]]
    assert random_media.level_set(field, 1.0).all() and random_media.level_set(field, 0.13).sum() == 1


def test_balls_of_a_periodic_field():
    """The voxels within a radius of the first, round the corners."""
    ball = random_media._ball((8, 9), 2.0)
    assert (
        ball.sum() == 13 and ball[0, 2] == ball[0, -2] == ball[-2, 0] == ball[1, -1] == 1 and ball[2, 1] == 0
    )


def test_grains_have_the_radii_that_were_asked(monkeypatch):
    """Of one radius the share is 1 − exp(−nV) at any size; larger ones make longer chords, in their ratio."""
    monkeypatch.setattr(random_media, "GRAIN_CLASSES", 60)
    chords = []
    for radius in (3.0, 6.0):
        made = [
            random_media.lognormal_grains((192, 192), rng(s), fraction=0.1, median_radius=radius, spread=0.02)
            for s in range(8)
        ]
        assert np.mean([one.mean() for one in made]) == pytest.approx(0.1, abs=0.01)
        ends = sum(np.sum(one[:, 1:] & ~one[:, :-1]) for one in made)
        chords.append(sum(one.sum() for one in made) / ends)
    # A disc's mean chord is πr/2; at a tenth filled overlaps lengthen it a little.
    assert chords[0] == pytest.approx(np.pi * 3 / 2, rel=0.12) and chords[1] == pytest.approx(
        np.pi * 3, rel=0.12
    )


def test_isolated_grains_are_as_many_as_fit_their_spacing():
    """One to each square of the spacing."""
    phase = random_media.isolated_grains((200, 160), rng(), fraction=0.2, spacing=20.0)
    _, count = ndimage.label(phase)
    assert count == pytest.approx(80, abs=8) and phase.mean() == pytest.approx(0.2, abs=1e-3)


def test_hollow_of_discs_and_of_what_lies_between():
    """0 and 1; half of a wave; nothing without an interface."""
    y, x = np.indices((96, 96)) - 47.5
    disc = np.hypot(y, x) < 30
    assert random_media.hollow_share(disc) == 0.0 and random_media.hollow_share(~disc) == 1.0
    wave = np.indices((128, 128))[0] < 64 + 12 * np.sin(2 * np.pi * np.arange(128) / 64)
    assert random_media.hollow_share(wave) == pytest.approx(0.5, abs=0.05)
    assert math.isnan(random_media.hollow_share(np.zeros((32, 32), bool)))
    small = np.hypot(y, x) < 30 + 2 * np.sin(40 * np.arctan2(y, x))  # ripples under the smoothing
    assert random_media.hollow_share(small) < 0.1 < random_media.hollow_share(small, smoothing=0.7)


def test_cut_offs_need_a_fractal():
    """A dimension below the space, a share between 0 and 1."""
    assert random_media.cutoff_ratio(0.25, dimension=2.5, space=3) == pytest.approx(16)
    for fraction, dimension in ((0.0, 1.5), (1.2, 1.5), (0.3, 2.0)):
        with pytest.raises(ValueError, match="must be"):
            random_media.cutoff_ratio(fraction, dimension=dimension)


@pytest.mark.parametrize(
    ("shape", "inner", "coarsest"),
    [
        ((15, 16), 1.0, (2, 4)),  # of 16 cells each, one of which is left over wherever the field begins
        ((46, 45, 31), 3.0, (4, 2, 2)),
        ((31, 32), 1.0, (4, 6)),
    ],
)
def test_as_many_outer_cells_as_hold_the_field_anywhere(shape, inner, coarsest):
    """With f = 1/4 and p = 2^(−1/2) an outer cell is halved four times, and each half is asked for once."""
    asked = []

    class Asked:
        def random(self, size, dtype):
            asked.append(size)
            return np.zeros(size, dtype)

        def uniform(self, low, high):
            assert low == 0
            return 0.5

    made = random_media.fractal_cascade(shape, Asked(), fraction=0.25, codimension=0.5, inner=inner)
    assert made.shape == shape and made.all()
    assert asked == [tuple(n * 2**level for n in coarsest) for level in range(4)]


def test_grains_cover_their_fraction_of_a_volume():
    """1 − exp(−nV) of spheres, too, whatever the sides."""
    made = [
        random_media.lognormal_grains(
            (12, 14, 20), rng(seed), fraction=0.2, median_radius=2.0, spread=0.5
        ).mean()
        for seed in range(60)
    ]
    assert np.mean(made) == pytest.approx(0.2, abs=4 * np.std(made) / math.sqrt(60))


@pytest.mark.parametrize("spacing", [20.0, 50.0, 400.0])
def test_two_grains_at_the_least(spacing):
    """A field of 40 by 30 holds 3 of 20 voxels, and two however far apart they should be."""
    made = random_media.isolated_grains((40, 30), rng(2), fraction=0.6, spacing=spacing)
    assert ndimage.label(made)[1] == (3 if spacing == 20 else 2)


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (random_media.fractal_cascade, {"codimension": 0.33, "inner": 2.3}),
        (random_media.woven_cascade, {"codimension": 0.33, "inner": 2.3}),
        (random_media.lognormal_grains, {"median_radius": 8.0, "spread": 1.3}),
        (random_media.isolated_grains, {"spacing": 14.0}),
    ],
)
def test_media_are_filled_as_the_printed_image_is(make, options):
    """26.5 % of D = 1.67, unless another is asked for."""
    asked = make((60, 72), rng(3), fraction=0.265, **options)
    assert np.array_equal(make((60, 72), rng(3)), asked)


def test_waves_of_a_field_fall_with_their_cube():
    """Between 4 and 256 voxels, unless asked otherwise."""
    asked = random_media.power_law_field((64, 300), rng(3), exponent=3.0, band=(4.0, 256.0))
    assert np.array_equal(random_media.power_law_field((64, 300), rng(3)), asked)


@pytest.mark.parametrize(("shape", "largest"), [((66, 90), 22.0), ((90, 66), 22.0), ((7, 5), 2.0)])
def test_radii_of_grains_go_up_to_a_third_of_the_field(monkeypatch, shape, largest):
    """Fourteen classes, each as wide in ln radius, from one voxel on; of a tiny field up to two."""
    radii, ball = [], random_media._ball
    monkeypatch.setattr(random_media, "_ball", lambda of, radius: radii.append(radius) or ball(of, radius))
    random_media.lognormal_grains(shape, rng(), fraction=0.1)
    assert radii == pytest.approx([largest ** ((k + 0.5) / 14) for k in range(14)])
