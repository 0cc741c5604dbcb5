"""The parts of a boundary's estimate against answers worked out by hand: contours, falls, limits, tables."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import t as student

from nbtools.results import NotPossible
from nbtools.stem import boundary as b
from nbtools.stem.grains import Grains
from nbtools.stem.image import LatticeImage
from nbtools.stem.spots import Spots
from nbtools.units import Quantity

NM = 1e-9
PIXEL = 0.02 * NM
ACROSS = np.linspace(-3, 3, 121) * NM
ALONG = np.arange(0, 8, 0.1) * NM


def spots(waves, amplitudes, phases=None):
    count = len(waves)
    return Spots(
        np.array(waves, float).reshape(-1, 2),
        np.full(count, 1e6),
        np.array(amplitudes, float),
        np.zeros(count) if phases is None else np.array(phases, float),
        np.full(count, 1e4),
        0.01,
        5 * NM,
    )


# ---- contours


def test_where_a_profile_passes_a_level():
    """Ramps that rise and fall, at a half and at quarters; NaN where one never gets there."""
    places = np.array([-0.4, 0.13, 0.9])[:, None] * NM
    rising = np.clip(0.5 + (ACROSS - places) / (2 * NM), 0, 1)
    for level, shift in ((0.5, 0.0), (0.25, -0.5), (0.75, 0.5)):
        found = b._crossings(ACROSS, rising, rising=True, level=level)
        assert found == pytest.approx(places[:, 0] + shift * NM, abs=1e-15)
        found = b._crossings(ACROSS, 1 - rising, rising=False, level=level)
        assert found == pytest.approx(places[:, 0] - shift * NM, abs=1e-15)
    assert np.isnan(b._crossings(ACROSS, 0.4 * rising, rising=True)).all()
    assert np.isnan(b._crossings(ACROSS, 0.6 + 0.4 * rising, rising=True)).all()
    assert np.isnan(b._crossings(ACROSS, rising, rising=False)).all()


def test_a_crossing_far_off_does_not_count():
    """Of several places where a profile passes the level, that which best parts it into below and above."""
    steep = np.where(ACROSS > 0.31 * NM, 1.0, 0.0)
    steep[20:23] = 0.9
    steep[100:102] = 0.2
    assert b._crossings(ACROSS, steep[None], rising=True)[0] == pytest.approx(0.325 * NM, abs=1e-12)


def test_a_line_between_two_masks():
    """Through the middle of an inclined edge, the first grain on the left; a strip of neither between is shared."""
    y, x = np.mgrid[:200, :300] * PIXEL
    for angle in (0.3, 2.0, -2.6):
        normal = np.array([np.sin(angle), np.cos(angle)])
        height = (y - 2 * NM) * normal[0] + (x - 3 * NM) * normal[1]
        origin, tangent = b._straight_line((height > 0.05 * NM, height < -0.05 * NM), PIXEL)
        assert np.array([tangent[1], -tangent[0]]) @ normal > np.cos(0.02)
        assert abs((origin - [2 * NM, 3 * NM]) @ normal) < 0.05 * NM
        assert np.hypot(*tangent) == pytest.approx(1)


def test_a_lattice_continued():
    """As it is deep inside, over a constant; a spot that is no wave there adds nothing, nor do those below 3 %."""
    waves = spots([(2e9, 4e9), (-3e9, 1e9), (4e9, 4e9), (1e9, 1e9)], [2.0, 1.0, 0.5, 0.05], [0.0] * 4)
    tangent = np.array([0.6, 0.8])
    long, wide = np.arange(90) * 0.03 * NM, np.arange(-40, 41) * 0.03 * NM
    places = long[:, None, None] * tangent + wide[:, None] * np.array([0.8, -0.6])
    lattice = sum(
        a * np.cos(2 * np.pi * places @ k + p)
        for k, a, p in zip(waves.wave_vectors[:2], (3.0, 0.7), (0.4, -1.0), strict=True)
    )
    deep = np.broadcast_to(np.arange(81) > 50, lattice.shape)
    found = b._pattern(waves, tangent, np.where(deep, lattice + 7.0, 0.0), deep, long, wide)
    assert found == pytest.approx(lattice, abs=1e-6)


@pytest.fixture(scope="module")
def waves_apart():
    """Two sets of waves that meet at a sharp, inclined line, with what each is; no noise."""
    shape, angle = (260, 300), 0.2
    y, x = (PIXEL * (np.arange(n) - (n - 1) / 2) for n in shape)
    normal = np.array([-np.cos(angle), np.sin(angle)])
    height = y[:, None] * normal[0] + x * normal[1] - 0.15 * NM
    sets = (
        spots([(4.7e9, 0.3e9), (-0.3e9, 4.7e9), (4.4e9, 5.0e9)], [1.0, 1.0, 0.5], [0.1, 0.7, 0.0]),
        spots([(3.1e9, 2.9e9), (-2.8e9, 3.2e9), (0.3e9, 6.1e9)], [1.0, 0.8, 0.6], [1.0, -0.7, 0.2]),
    )
    image = np.zeros(shape)
    for one, mask in zip(sets, (height > 0, height < 0), strict=True):
        for k, a, p in zip(one.wave_vectors, one.amplitudes, one.phases, strict=True):
            image += mask * a * np.cos(2 * np.pi * (k[0] * y[:, None] + k[1] * x) + p)
    return image, (height > 0, height < 0), sets, normal


def test_waves_that_meet_at_a_line(waves_apart):
    """Both contours lie on it within 0.02 nm, both falls are the window's, and profiles are error functions."""
    image, masks, waves, normal = waves_apart
    found = b.find_boundary(image, masks, waves, PIXEL)
    middle = PIXEL * (np.array(image.shape) - 1) / 2
    assert found.normal @ normal > np.cos(0.02)
    for height in (found.height, found.first, found.second):
        off = (found.places(height) - middle) @ normal - 0.15 * NM
        assert np.nanmedian(off) == pytest.approx(0, abs=0.02 * NM) and np.nanstd(off) < 0.05 * NM
    assert np.diff(found.along) == pytest.approx(0.1 * NM)
    assert np.ptp(found.along) == pytest.approx((6 / np.cos(0.2) - 0.9) * NM, abs=0.4 * NM)
    assert found.across.min() >= -3.02 * NM and found.across.max() <= 3.02 * NM
    for side, sign in ((0, 1), (1, -1)):
        assert float(found.fades[side]) == pytest.approx(0, abs=0.008 * NM**2)
        across, share, sigma = found.profile(side)
        near = np.abs(across) < 1.5 * NM
        assert share[near] == pytest.approx(ndtr(sign * across[near] / (0.3 * NM)), abs=0.06)
        assert np.all(sigma >= 0) and sigma[near].max() < 0.1
    sharp = found.sharp
    assert len(sharp.gaps) == b.DRAWS and abs(float(sharp.gap)) < 0.1 * NM
    width = b.bound_disordered_width(found)
    assert width.bounded and abs(width.width) < 3 * width.width.uncertainty


def test_a_grain_without_waves(waves_apart):
    """Its end cannot be seen."""
    image, masks, waves, _ = waves_apart
    with pytest.raises(NotPossible, match="no lattice"):
        b.find_boundary(image, masks, (waves[0], spots([], [])), PIXEL)


def test_facets_follow_planes(waves_apart):
    """A waving line is moved by half a plane at most, onto whole planes, and only planes along it count."""
    image, masks, _, _ = waves_apart
    strip = b._Strip.along_boundary(image, PIXEL, masks, (spots([(4.7e9, 0.3e9)], [1.0]),) * 2)
    k = 5e9 * (np.cos(0.05) * strip.normal + np.sin(0.05) * strip.tangent)
    steep = 5e9 * (np.cos(0.1) * strip.normal + np.sin(0.1) * strip.tangent)
    waves = spots([steep, k], [2.0, 1.0])
    assert b._planes_along(waves, strip) == pytest.approx(k[None])
    course = 0.3 * NM * np.sin(strip.long / NM)
    found = b._facets(course, strip, waves)
    periods = np.outer(strip.long, strip.tangent) @ k + found * (strip.normal @ k)
    assert periods == pytest.approx(np.rint(periods), abs=1e-6)
    assert np.abs(found - course).max() <= 0.5 / (5e9 * np.cos(0.05)) * (1 + 1e-9)


def test_columns_of_a_pattern(waves_apart):
    """Each place belongs to the nearest column; a lattice ends on its columns and its background is zero."""
    image, masks, _, _ = waves_apart
    strip = b._Strip.along_boundary(image, PIXEL, masks, (spots([(4.7e9, 0.3e9)], [1.0]),) * 2)
    rows, wide = 60, len(strip.wide)
    pattern = np.zeros((rows, wide))
    centres = [(y, x) for y in (15, 45) for x in range(10, wide - 5, 30)]
    y, x = np.mgrid[:rows, :wide]
    for cy, cx in centres:
        pattern += np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * 2.5**2))
    for sign in (1, -1):
        assert b._sense(sign * pattern) == sign
        heights = b._column_heights(sign * pattern + 3, strip)
        nearest = np.argmin([(y - cy) ** 2 + (x - cx) ** 2 for cy, cx in centres], axis=0)
        own = strip.wide[np.array(centres)[nearest, 1]]
        assert np.mean(np.isclose(heights, own)) > 0.97  # half-way between two, either
        over = b._over_background(sign * pattern + 3)
        assert np.percentile(sign * over, 5) == pytest.approx(0, abs=1e-9) and np.ptp(over) == pytest.approx(
            np.ptp(pattern)
        )
    assert b._column_heights(np.zeros((rows, wide)), strip) is None


# ---- falls


def test_the_scatter_along_a_boundary():
    """Places closer than 2√π windows know the same pixels; the error of a median is 1.25 that of the mean."""
    assert pytest.approx(2 * np.sqrt(np.pi) * 0.3 * NM) == b.CORRELATION
    assert b._independent(80, ALONG) == pytest.approx(8 * NM / b.CORRELATION)
    assert b._independent(3, ALONG) == 1.0
    gaps = np.random.default_rng(0).normal(5, 2, 80)
    sigma = 1.4826 * np.median(np.abs(gaps - np.median(gaps)))
    assert b._statistical(gaps, ALONG) == pytest.approx(1.25 * sigma / np.sqrt(8 * NM / b.CORRELATION))


def test_a_fall_and_its_error():
    """Quartiles of the window alone fade by nothing; σ is what their scatter does to the variance."""
    sharp = b.QUARTILES * 0.3 * NM
    assert pytest.approx(1.34898) == b.QUARTILES
    even = b._fade(np.full(80, sharp), ALONG)
    assert even == pytest.approx(0, abs=2e-22) and even.uncertainty == pytest.approx(0, abs=2e-22)
    wide = sharp * (1.5 + 0.1 * np.random.default_rng(0).normal(size=80))
    found = b._fade(wide, ALONG)
    ramp = np.sqrt(12 * float(found))
    # The same ramp through the same window, its quartiles by quadrature.
    x = np.linspace(-4, 4, 8001) * NM
    share = np.mean([ndtr((x - c) / (0.3 * NM)) for c in ramp * (np.arange(400) + 0.5 - 200) / 400], axis=0)
    assert np.diff(np.interp([0.25, 0.75], share, x))[0] == pytest.approx(np.median(wide), rel=1e-3)
    step = b._statistical(wide, ALONG)
    slope = (b._beyond_window(np.median(wide) + step, 0.3 * NM) - float(found)) / step
    assert found.uncertainty == pytest.approx(slope * step, rel=0.2)
    assert np.isnan(b._fade(np.zeros(0), ALONG))


def test_sharp_boundaries_differ_by_where_columns_lie():
    """One more draw lies √(1 + 1/n) of their scatter from their mean."""
    gaps = np.array([0.1, 0.3, 0.2, 0.4]) * NM
    found = b.DrawnBoundaries(gaps, np.zeros(4), np.zeros((4, 2))).gap
    assert found == pytest.approx(0.25 * NM)
    assert found.uncertainty == pytest.approx(np.std(gaps, ddof=1) * np.sqrt(1.25))


@pytest.mark.parametrize(("fading", "sigma"), [(0.03, 0.01), (-0.02, 0.01), (0.0, 0.02)])
def test_a_ramp_by_its_variance(fading, sigma):
    """w²/12; where there is none, how wide one could be."""
    found = b._overlap(Quantity(fading * NM**2, sigma * NM**2, "m^2"))
    assert found == pytest.approx(np.sqrt(12 * max(fading, 0)) * NM)
    assert found + found.uncertainty == pytest.approx(np.sqrt(12 * (max(fading, 0) + sigma)) * NM)


# ---- limits


def boundary(gap, *, known=1.0, fade=0.0, scatter=0.02, draws=24):
    """A straight boundary of 8 nm whose contours are `gap` apart on a share of it."""
    rng = np.random.default_rng(0)
    first = gap + scatter * NM * rng.normal(size=len(ALONG))
    first[int(known * len(ALONG)) :] = np.nan
    nothing = Quantity(fade, 1e-22, "m^2")
    sharp = b.DrawnBoundaries(
        0.05 * NM + 0.1 * NM * rng.normal(size=draws),
        np.full(draws, 0.003 * NM),
        1e-22 * rng.normal(size=(draws, 2)),
    )
    lines = (first / 2, first, np.zeros(len(ALONG)))
    profiles = np.zeros((2, len(ALONG), len(ACROSS)))
    return b.Boundary(
        ALONG, *lines, (nothing, nothing), np.zeros(2), np.array([0.0, 1.0]), ACROSS, profiles, sharp
    )


def test_limits_by_hand():
    """The median gap less that of sharp boundaries; Student's factor for as many draws, and 0.05 nm beside."""
    line = boundary(1.0 * NM)
    found = b.bound_disordered_width(line)
    gap = line.sharp.gap
    statistical = b._statistical(line.first, ALONG)
    excess = np.sqrt(statistical**2 - (0.003 * NM) ** 2)
    sigma = np.hypot(gap.uncertainty, excess)
    assert found.width == pytest.approx(
        np.median(line.first) - gap
    ) and found.width.uncertainty == pytest.approx(sigma)
    assert list(found.budget.values()) == pytest.approx([gap.uncertainty, excess])
    room = student.ppf(0.95, 23) * sigma + 0.05 * NM
    assert found.upper_limit_95 == pytest.approx(found.width + room)
    assert found.lower_limit_95 == pytest.approx(found.width - room) and found.disordered
    assert "a disordered layer: " in str(found) and f"below {found.upper_limit_95 * 1e9:.2f} nm" in str(found)
    thin = b.bound_disordered_width(boundary(-0.3 * NM))
    assert thin.lower_limit_95 == 0 and not thin.disordered and "no disordered layer" in str(thin)
    assert thin.upper_limit_95 == pytest.approx(room)


def test_what_bounds_no_width():
    """Too few crossings, half of the boundary, grains that overlap by more than 1.2 nm, no draws: each is said."""
    few = b.bound_disordered_width(boundary(0.0, known=0.03))
    assert (
        "no place shows the ends of both" in few.reason
        and np.isnan(few.width)
        and few.upper_limit_95 == np.inf
    )
    half = b.bound_disordered_width(boundary(0.0, known=0.4))
    assert "on only 40% of the boundary" in half.reason and half.upper_limit_95 == np.inf and not half.bounded
    assert b.bound_disordered_width(boundary(0.0, known=0.6)).bounded
    for overlap, bounded in ((1.1, True), (1.3, False)):
        wide = b.bound_disordered_width(boundary(0.0, fade=(overlap * NM) ** 2 / 12))
        assert wide.overlap == pytest.approx(overlap * NM, rel=0.01) and wide.bounded is bounded
        assert bounded or f"overlap by {overlap:.1f} nm" in wide.reason
    none = b.bound_disordered_width(replace(boundary(0.0), sharp=None))
    assert "show no columns" in none.reason and not none.bounded and not none.disordered


def test_the_profile_of_a_wavy_boundary():
    """Each line is moved by its own height before the mean; σ counts independent places."""
    line = boundary(0.0, known=0.5)
    shares = np.array([ndtr((ACROSS - h) / (0.3 * NM)) for h in np.nan_to_num(line.height)])
    waved = replace(line, profiles=np.stack([shares, 1 - shares]))
    across, mean, sigma = waved.profile(0)
    inner = np.abs(across) < 2 * NM
    assert (
        mean[inner] == pytest.approx(ndtr(ACROSS / (0.3 * NM))[inner], abs=1e-3) and sigma[inner].max() < 2e-3
    )
    assert waved.profile(1)[1][inner] == pytest.approx(1 - mean[inner], abs=1e-9)
    noisy = replace(line, profiles=np.random.default_rng(1).normal(size=(2, len(ALONG), len(ACROSS))))
    expected = noisy.profiles[0][:40].std(axis=0) / np.sqrt(4 * NM / b.CORRELATION)
    assert np.median(noisy.profile(0)[2]) == pytest.approx(np.median(expected), rel=0.15)
    assert waved.places(np.full(len(ALONG), 2 * NM)) == pytest.approx(
        np.column_stack([np.full(len(ALONG), 2 * NM), ALONG])
    )


# ---- the table


def test_the_table_of_several_boundaries():
    """Each with its name and a number in the ledger; one that cannot be bounded says why and gives its overlap only."""
    image = LatticeImage("mine haadf", np.zeros((64, 64)), PIXEL, False, 0.0)
    widths = {
        "a | b": b.bound_disordered_width(boundary(1.0 * NM)),
        "a | c": b.bound_disordered_width(boundary(0.0, known=0.4)),
    }
    study = b.LayerStudy(image, widths, {"b | c": "they are no neighbours"})
    assert [row.name for row in study.rows()] == [
        "mine_haadf_1_width",
        "mine_haadf_1_limit",
        "mine_haadf_1_overlap",
        "mine_haadf_2_overlap",
    ]
    assert [row.label for row in study.rows()][:2] == ["layer, a | b", "layer below, a | b"]
    notes = study.notes()
    assert notes[0] == "a | b: a layer without a lattice" and notes[1].startswith(
        "a | c: the width cannot be bounded"
    )
    assert notes[2] == "b | c: they are no neighbours" and "0.05 nm" in notes[3]
    assert study.widest is widths["a | c"]
    alone = b.LayerStudy(image, {"a | b": widths["a | b"]}, {})
    assert [row.name for row in alone.rows()] == [
        "mine_haadf_width",
        "mine_haadf_limit",
        "mine_haadf_overlap",
    ]


def test_pairs_of_grains(waves_apart):
    """Every pair is tried; those that cannot be are named; one grain has none."""
    image, masks, waves, _ = waves_apart

    class Found(Grains):
        waves = property(lambda self: self.spots)

        def name(self, number):
            return "abc"[number]

    class Study:
        pass

    study = Study()
    study.image = LatticeImage("x", image, PIXEL, False, 0.0)
    study.grains = Found((*masks, np.zeros_like(masks[0])), (*waves, spots([], [])))
    found = b.estimate_layers(study)
    assert list(found.widths) == ["a | b"] and set(found.missing) == {"a | c", "b | c"}
    study.grains = Found(masks[:1], waves[:1])
    with pytest.raises(NotPossible, match="x shows one grain, no interface"):
        b.estimate_layers(study)
    study.grains = Found(masks, (waves[0], spots([], [])))
    with pytest.raises(NotPossible, match="shows no lattice"):
        b.estimate_layers(study)
