"""One field: its light in windows, its emitter, the dark phase's share, a tail's end, and second orders, by hand."""

from dataclasses import replace

import numpy as np
import pytest
from luminescence_worlds import blobs, shot
from numpy.testing import assert_allclose
from scipy.ndimage import distance_transform_edt
from scipy.signal import savgol_filter
from scipy.stats import chi2

from nbtools.cathodoluminescence.chance import ChanceTest
from nbtools.cathodoluminescence.field import (
    aligned_emitter,
    areas_by_region,
    assess_second_order,
    dark_share,
    estimate_field,
    find_emitter,
    tail_end,
    window_maps,
)
from nbtools.units import Quantity

NM = np.arange(300.0, 700.0, 10.0)
WINDOWS = {"350 nm": (340.0, 360.0), "520 nm": (510.0, 530.0)}


def test_windows_hold_their_channels_without_dark_level_and_cosmic_rays():
    """Both ends belong to a window; all light is that of all channels, its dark level with it."""
    counts = np.random.default_rng(0).poisson(50.0, (4, 5, NM.size))
    plain = counts.copy()
    plain[2, 3, 22] = np.median(counts[2, 3, 20:25][[0, 1, 3, 4]])
    counts[2, 3, 22] = 4000  # 520 nm
    dark = np.linspace(1.0, 2.0, NM.size)
    maps, total = window_maps(NM, counts, WINDOWS, dark=dark)
    assert list(maps) == list(WINDOWS)
    assert_allclose(maps["350 nm"], counts[..., 4:7].sum(-1) - dark[4:7].sum())
    away = np.ones((4, 5), bool)
    away[2, 3] = False
    assert_allclose(maps["520 nm"][away], counts[..., 21:24].sum(-1)[away] - dark[21:24].sum())
    replaced = np.median(counts[2, 3, 20:25])
    assert maps["520 nm"][2, 3] == pytest.approx(counts[2, 3, [21, 23]].sum() + replaced - dark[21:24].sum())
    assert total[2, 3] == pytest.approx(counts[2, 3].sum() - 4000 + replaced)
    assert_allclose(total[away], counts.sum(-1)[away])
    assert_allclose(window_maps(NM, counts, WINDOWS)[0]["350 nm"], counts[..., 4:7].sum(-1))
    with pytest.raises(
        ValueError, match=r"between 701 and 710 nm \(red\); the spectra run from 300 to 690 nm"
    ):
        window_maps(NM, counts, {"red": (701, 710)})


def test_the_brighter_phase_without_single_pixels():
    """Otsu's threshold after a median over 3 × 3 pixels."""
    image = np.where(np.arange(20) < 8, 10.0, 50.0) * np.ones((20, 1))
    image[10, 3], image[10, 15] = 90.0, 0.0
    assert np.array_equal(find_emitter(image), image * 0 + (np.arange(20) >= 8) > 0)
    with pytest.raises(ValueError, match="the same everywhere"):
        find_emitter(np.ones((9, 9)))


@pytest.mark.parametrize("move", [(0, 0), (3, -2), (-4, 4)])
def test_an_image_is_moved_onto_its_light(move):
    """By whole pixels, up to a tenth of the field."""
    phase = blobs(5, 48)
    image, light = 100.0 * phase, 50.0 * np.roll(phase, move, (0, 1)) + shot(1, np.full((48, 48), 9.0))
    found, by = aligned_emitter(image, light)
    assert by == move and np.array_equal(found, np.roll(find_emitter(image), move, (0, 1)))
    with pytest.raises(ValueError, match=r"the image has \(48, 48\) pixels, the map \(48, 47\)"):
        aligned_emitter(image, light[:, 1:])


def test_an_image_is_not_moved_by_more_than_a_tenth():
    """One that is five of 48 pixels off is not followed there."""
    phase = blobs(5, 48)
    _, by = aligned_emitter(1.0 * phase, 1.0 * np.roll(phase, (5, 0), (0, 1)))
    assert abs(by[0]) <= 4 and abs(by[1]) <= 4


def test_light_of_the_dark_phase_more_than_two_pixels_from_the_boundary():
    """Mean over mean, each with the standard error of its pixels."""
    emitter = np.zeros((10, 24), bool)
    emitter[:, :12] = True
    light = np.where(emitter, 100.0, 10.0) + np.random.default_rng(2).normal(0, 3, emitter.shape)
    light[:, 10:14] = 1e6  # centres up to one and a half pixels from the boundary: not asked
    bright, dark = light[:, :10], light[:, 14:]
    found = dark_share(light, emitter)
    assert float(found) == pytest.approx(dark.mean() / bright.mean())
    errors = [part.std() / np.sqrt(part.size) / part.mean() for part in (bright, dark)]
    assert found.uncertainty == pytest.approx(float(found) * np.hypot(*errors))
    assert np.isnan(float(dark_share(light, np.ones_like(emitter))))


@pytest.mark.parametrize(("rows", "asked"), [(4, False), (5, True)])
def test_five_pixels_of_each_phase_are_needed(rows, asked):
    """So many lie clear of the boundary."""
    emitter = np.zeros((rows, 6), bool)
    emitter[:, :3] = True
    assert np.isfinite(float(dark_share(np.ones(emitter.shape), emitter))) == asked


def test_a_tail_ends_at_three_times_the_dark_noise():
    """An exponential tail meets 3 √dark at L ln(A/limit); σ is half a channel and the noise left over the slope."""
    nm, level, length = np.linspace(400.0, 1400.0, 1001), 25.0, 150.0
    light = 3000 * np.exp(-(nm - 400) / length)
    end = tail_end(nm, light + level, np.full(50, level))
    expected = 400 + length * np.log(3000 / 15)
    assert float(end) == pytest.approx(expected, abs=1.0) and end.unit == "nm"
    assert float(end) <= expected + 0.1
    at = int(end) - 400
    noise = np.sqrt((light + level)[at - 5 : at + 5].mean() * 9 / (4 * 41))
    slope = savgol_filter(light, 41, 2, deriv=1)[at]
    assert slope == pytest.approx(-15 / length, rel=0.02)
    assert end.uncertainty == pytest.approx(np.hypot(0.5, noise / slope), rel=1e-6)
    twice = tail_end(2 * nm, light + level, np.full(50, level))
    assert twice.uncertainty == pytest.approx(2 * end.uncertainty)
    # Under one count of dark level its noise is one.
    faint = tail_end(nm, light / 10 + 0.01, np.full(50, 0.01))
    assert float(faint) == pytest.approx(400 + length * np.log(300 / 3), abs=1.0)


def test_a_tail_that_does_not_end_has_no_end():
    """All noise, light up to the last twenty channels, or too short a spectrum."""
    nm, dark = np.linspace(400.0, 900.0, 501), np.full(50, 25.0)
    assert np.isnan(float(tail_end(nm, np.full(501, 25.0), dark)))
    told = []
    for edge in range(440, 490):
        light = np.where(np.arange(501) < edge, 1e3, 25.0)
        last = np.flatnonzero(savgol_filter(light - 25, 41, 2) > 15)[-1]
        end = float(tail_end(nm, light, dark))
        assert end == nm[last] if last < 481 else np.isnan(end)
        told.append(last < 481)
    assert 0 < sum(told) < 50
    assert np.isnan(float(tail_end(nm, np.full(501, 1e3), dark)))
    step = np.where(np.arange(82) < 40, 1e4, 25.0)
    assert np.isfinite(float(tail_end(nm[:82], step, dark)))
    assert np.isnan(float(tail_end(nm[:81], step[:81], dark)))


def quantities(values, errors):
    return [Quantity(float(v), float(e), "eV") for v, e in zip(values, errors, strict=True)]


def test_one_ratio_everywhere_by_errors_in_both():
    """The weighted ratio with the variance of y − sx; χ² and p of what is left."""
    rng = np.random.default_rng(3)
    x = rng.uniform(50, 100, 8)
    dx, dy = np.full(8, 2.0), rng.uniform(1, 3, 8)
    y = 0.3 * x + rng.normal(0, 2, 8)
    found = assess_second_order(quantities(x, dx), quantities(y, dy))
    share = float(found.share)
    weight = 1 / (dy**2 + share**2 * dx**2)
    assert np.sum(weight * x * (y - share * x)) == pytest.approx(0, abs=1e-9)
    assert found.misfit == pytest.approx(np.sum(weight * (y - share * x) ** 2))
    assert found.freedom == 7 and found.p_value == pytest.approx(chi2.sf(found.misfit, 7))
    assert found.share.uncertainty == pytest.approx(np.sum(weight * x**2) ** -0.5)
    rows = found.rows()
    assert rows[0].how == f"one ratio in 8 blocks of the field leaves χ² {found.misfit:.0f}"
    assert (rows[1].label, float(rows[1].quantity)) == ("second order, p", found.p_value)
    for p, word in ((0.0099, "is excluded"), (0.0101, "is not excluded")):
        assert replace(found, p_value=p).notes()[0].endswith(word)
    with pytest.raises(ValueError, match="1 and 1 areas came"):
        assess_second_order(quantities([1], [1]), quantities([1], [1]))
    with pytest.raises(ValueError, match="8 and 7 areas came"):
        assess_second_order(quantities(x, dx), quantities(y[1:], dy[1:]))
    assert assess_second_order(
        quantities([1, 2], [1, 1]), quantities([1, 2], [1, 1])
    ).misfit == pytest.approx(0)


def test_areas_of_blocks_are_means_of_their_usable_pixels():
    """Six by six blocks; ten usable pixels at least; σ of a mean."""
    areas, sigma = np.random.default_rng(4).uniform(1, 9, (2, 24, 30))
    usable = np.ones((24, 30), bool)
    usable[:2, :10] = False  # ten of twenty pixels are left in the first two blocks
    usable[2, 0] = False  # nine in the first
    found = areas_by_region(areas, sigma, usable)
    blocks = [(slice(4 * i, 4 * i + 4), slice(5 * j, 5 * j + 5)) for i in range(6) for j in range(6)][1:]
    assert len(found) == len(blocks)
    for mean, block in zip(found, blocks, strict=True):
        here = usable[block]
        assert float(mean) == pytest.approx(areas[block][here].mean()) and mean.unit == "eV"
        assert mean.uncertainty == pytest.approx(np.sqrt(np.sum(sigma[block][here] ** 2)) / here.sum())


@pytest.fixture(scope="module")
def field():
    phase = blobs(5, 48)
    rng = np.random.default_rng(6)
    texture = 1 + 0.5 * rng.standard_normal((48, 48)).cumsum(1) / 7
    light = 20 * phase * np.maximum(texture, 0.2) + 2
    counts = shot(7, light[..., None] * np.ones(NM.size))
    given = {"wavelength_nm": NM, "counts": counts, "windows": WINDOWS, "image": 100.0 * phase, "draws": 19}
    return phase, counts, estimate_field(**given, pixel=1e-7, phases=("MgO", "MgB2"), title="detail"), given


def test_a_field_says_what_was_found_in_which_light(field):
    """Shares, tests and the light that each is of; the emitter is that of the image."""
    phase, counts, found, _ = field
    assert np.array_equal(found.emitter, find_emitter(phase)) and found.shift == (0, 0)
    rows = {row.label: row for row in found.rows()}
    assert float(rows["MgO, share of the field"].quantity) == pytest.approx(found.emitter.mean())
    light = counts[..., 4:7].sum(-1) + counts[..., 21:24].sum(-1)
    assert float(found.dark_share) == pytest.approx(float(dark_share(light, found.emitter)))
    assert rows["light of MgB2 over MgO"].how == "2 pixels and more from the boundary"
    assert rows["overlap, effect"].how == "correlation of 350 nm and 520 nm beyond the shape of MgO"
    assert rows["gathering, effect"].how == "excess of 520 nm over 350 nm near MgB2"
    assert rows["channels, effect"].how == "length of bright lines over chance's median"
    assert rows["overlap, p"].how == "how often chance gives as much, 999 draws"
    assert rows["channels, p"].how == "how often chance gives as much, 19 draws"
    for name, test in (
        ("overlap", found.overlap),
        ("gathering", found.profile),
        ("channels", found.channels),
    ):
        assert float(rows[f"{name}, effect"].quantity) == test.effect_size
        assert float(rows[f"{name}, p"].quantity) == test.p_value
        assert rows[f"{name}, p"].name == f"{name}_p" and rows[f"{name}, effect"].name == f"{name}_effect"
    assert found.profile.extra["unit"] == "m" and found.spans == WINDOWS
    assert not found.missing and found.notes() == []
    edge = (distance_transform_edt(found.emitter) - 0.5)[found.emitter]
    assert found.profile.extra["near"] == pytest.approx(1e-7 * np.quantile(edge, 1 / 3))


def test_one_window_is_asked_by_itself(field):
    """There is no overlap then, and the profile is of that light; without an image the light draws the mask."""
    _, _, _, given = field
    options = given | {"windows": {"520 nm": (510.0, 530.0)}, "image": None}
    found = estimate_field(**options)
    assert found.overlap is None and "takes two windows" in found.missing["overlap"]
    rows = {row.label: row for row in found.rows()}
    assert rows["gathering, effect"].how == "excess of 520 nm near dark phase"
    assert "light of dark phase over bright phase" not in rows and np.isnan(float(found.dark_share))
    assert "the light itself drew the mask" in found.missing["phases from an image of its own"]
    assert found.profile.extra["unit"] == "px"
    assert found.findings["overlap"] is False
    assert [note.split(":")[0] for note in found.notes()] == [
        "excess near the boundary",
        "phases from an image of its own",
        "overlap",
    ]


def test_a_line_of_pixels_is_not_asked():
    """It has neither area nor texture."""
    counts = shot(8, np.full((1, 30, NM.size), 9.0))
    found = estimate_field(wavelength_nm=NM, counts=counts, windows=WINDOWS)
    assert found.overlap is found.profile is found.channels is None and found.emitter.all()
    assert found.missing["the tests against chance"].endswith("a map of at least 8 × 8 pixels is needed")
    assert [row.label for row in found.rows()] == ["bright phase, share of the field"]


@pytest.mark.parametrize(
    ("p", "r", "overlaps", "certain"),
    [(0.009, 0.51, True, True), (0.009, 0.49, False, True), (0.011, 0.9, False, False)],
)
def test_what_stands_out_from_chance(field, p, r, overlaps, certain):
    """At p under 1 %; maps that overlap have r above one half as well."""
    test = ChanceTest(r, np.zeros(3), p, r, "a test")
    found = replace(field[2], overlap=test, profile=test, channels=None).findings
    assert found == {"overlap": overlaps, "gathering": certain, "channels": False}
