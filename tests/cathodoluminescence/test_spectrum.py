"""From nm to eV: Jacobian, dark level, response, spikes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.ndimage import median_filter

from nbtools.cathodoluminescence import spectra as spectra_of
from nbtools.cathodoluminescence.spectra import (
    check_axis,
    energy_spectra,
    find_spikes,
    is_saturated,
    noise_variance,
    prepare_spectra,
    sum_groups,
    to_energy,
)
from nbtools.units import HC

# A band Gaussian in nm (peak, FWHM) peaks as a density over energy where d/dλ [exp(−4 ln2 (λ − λ₀)²/F²) λ²] = 0:
# λ = (λ₀ + √(λ₀² + F²/ln 2))/2. The numbers beside are from a published grid search, good to some 1e-5 eV.
PEAKS = {(500.0, 150.0): 2.404029, (350.0, 60.0): 3.505647, (700.0, 200.0): 1.721919}


@pytest.mark.parametrize(("band", "searched"), PEAKS.items())
def test_a_broad_band_moves_with_the_jacobian(band, searched):
    """The closed form to 1e-6 eV; the naive hc/λ is off by up to 3 %."""
    peak, fwhm = band
    closed = HC / ((peak + np.sqrt(peak**2 + fwhm**2 / np.log(2))) / 2)
    nm = HC / np.linspace(closed - 2e-4, closed + 2e-4, 401)
    energy, light = to_energy(nm, np.exp(-4 * np.log(2) * ((nm - peak) / fwhm) ** 2))
    curve = np.polynomial.Polynomial.fit(energy - closed, light, 2).convert().coef
    assert abs(-curve[1] / (2 * curve[2])) < 1e-6
    assert closed == pytest.approx(searched, abs=2e-5)
    assert abs(HC / peak - closed) > 0.01


def test_light_is_kept():
    """∫ I dλ = ∫ I dE, on an uneven axis too."""
    nm = np.geomspace(300, 900, 4001)
    light = np.exp(-0.5 * ((nm - 520) / 40) ** 2)
    energy, density = to_energy(nm, light)
    assert np.trapezoid(density, energy) == pytest.approx(np.trapezoid(light, nm), rel=1e-6)


def test_energy_ascends_whichever_way_the_axis_runs():
    """A descending axis gives the same spectrum, and variance goes with the square."""
    nm, light = np.linspace(300, 900, 50), np.arange(50.0)
    up, down = to_energy(nm, light, light), to_energy(nm[::-1], light[::-1], light[::-1])
    for one, other in zip(up, down, strict=True):
        assert_allclose(one, other)
    assert np.all(np.diff(up[0]) > 0)
    assert_allclose(up[2][:-1] / up[1][:-1], up[1][:-1] / light[:0:-1])


def test_maps_keep_their_shape():
    """The channels are the last axis."""
    _, light = to_energy(np.linspace(300, 900, 20), np.ones((3, 4, 20)))
    assert light.shape == (3, 4, 20)


@pytest.mark.parametrize(
    ("axis", "counts", "text"),
    [
        (np.linspace(3e-7, 9e-7, 20), np.ones(20), "nm were expected"),
        (np.linspace(1.5, 4, 20), np.ones(20), "nm were expected"),
        (None, np.ones(20), "no wavelength axis"),
        (np.linspace(300, 900, 19), np.ones(20), "one wavelength for each channel"),
        (np.r_[300, 500, 400, 600], np.ones(4), "back and forth"),
        (np.r_[300, np.nan, 500], np.ones(3), "NaN"),
    ],
)
def test_a_wrong_axis_is_refused(axis, counts, text):
    """Metres, electronvolts, a missing or a crooked axis: each with its own sentence."""
    with pytest.raises(ValueError, match=text):
        to_energy(axis, counts)


def test_response_and_dark_level_come_off():
    """What the detector halves is doubled again; the rest is untouched."""
    nm = np.linspace(300, 900, 300)
    light = 1000 * np.exp(-0.5 * ((nm - 600) / 60) ** 2)
    response = np.where(nm < 600, 0.5, 1.0)
    seen = prepare_spectra(nm, np.round(light * response) + 7, dark=np.full(300, 7.0), response=response)
    plain = prepare_spectra(nm, np.round(light))
    assert_allclose(seen.intensity, plain.intensity, atol=4)
    assert "response divided out" in seen.notes


def test_a_cosmic_ray_goes_and_a_line_stays():
    """One channel of one pixel far above all is a spike; a line that the neighbours share is light."""
    rng = np.random.default_rng(1)
    counts = rng.poisson(20.0, (5, 5, 200)).astype(float)
    counts[..., 120] += 500
    counts[2, 2, 50] += 900
    pixels, channels, replaced = find_spikes(counts)
    assert (list(pixels), list(channels)) == ([12], [50])
    assert replaced[0] < 60
    ready = prepare_spectra(np.linspace(300, 900, 200), counts)
    assert ready.cleaned(np.array([12]))[0, 50] == replaced[0]
    assert np.all(ready.cleaned(slice(None))[:, 120] > 400)


def test_rows_are_what_the_whole_map_is():
    """Some pixels, in any order, are those of all; spikes, dark level and response included."""
    rng = np.random.default_rng(2)
    nm, counts = np.linspace(300, 900, 64), rng.poisson(30.0, (7, 9, 64)).astype(np.uint16)
    counts[3, 4, 20] += 900
    options = {"dark": rng.poisson(4.0, 64), "response": np.linspace(0.01, 1.0, 64)}
    ready = prepare_spectra(nm, counts, **options)
    chosen = np.array([40, 31, 5, 6, 7])
    light, variance = ready.rows(chosen)
    assert_allclose(light, ready.intensity.reshape(63, -1)[chosen])
    assert_allclose(variance, ready.variance.reshape(63, -1)[chosen])
    assert_allclose(ready.mean().intensity, ready.intensity.mean((0, 1)))
    assert light.shape[1] < 64 and ready.recorded.dtype == np.uint16


@pytest.mark.parametrize("size", [1, 5, 8])
@pytest.mark.parametrize("noise", ["photons", "stated", "scatter"])
def test_groups_of_channels_hold_the_same_light(size, noise):
    """Sums of a map's channels, dark level and Jacobian applied, with the variance that their channels have."""
    nm = np.linspace(300.0, 800.0, 512)
    light = 400 * np.exp(-0.5 * ((nm - 500) / 60) ** 2) + 40
    counts = np.random.default_rng(3).poisson(light, (6, 5, 512))
    counts[2, 3, 100] += 4000
    if noise == "stated":
        spectra = energy_spectra(np.linspace(1.5, 4.5, 512), counts, variance=counts + 1.0)
    else:
        dark = np.full(512, 15.0) + np.arange(512) % 3
        response = np.where(nm > 330, 0.5 + nm / 1600, 0.0)
        given = counts if noise == "photons" else counts * 0.5
        spectra = prepare_spectra(nm, given, dark=dark, response=response)
    values, variance = spectra.rows(np.arange(30))
    grouped, squared = spectra.grouped(np.arange(30), size)
    edges = np.arange(0, values.shape[1], size)
    assert_allclose(grouped, np.add.reduceat(values, edges, axis=1), rtol=1e-9, atol=1e-6)
    expected = np.add.reduceat(variance, edges, axis=1)
    assert np.median(np.abs(squared / expected - 1)) < (0.15 if noise == "photons" and size > 1 else 1e-9)
    assert np.mean(squared / expected) == pytest.approx(1, abs=0.03)


def test_the_mean_is_that_of_the_rows():
    """Spikes replaced, and the error of a dark level that is common to all pixels does not average out."""
    nm = np.linspace(300.0, 800.0, 512)
    counts = np.random.default_rng(4).poisson(np.full((8, 8, 512), 50.0))
    counts[1, 1, 60] += 5000
    dark = np.random.default_rng(5).poisson(20.0, 512).astype(float)
    for given in (counts, counts * 0.5):
        spectra = prepare_spectra(nm, given, dark=dark)
        mean = spectra.mean()
        assert_allclose(mean.intensity, spectra.rows(np.arange(64))[0].mean(0), rtol=1e-9)
        scale = spectra.scale**2
        free = prepare_spectra(nm, given).mean()
        assert_allclose(mean.variance - free.variance, spectra.level_variance[::-1] * scale, rtol=1e-6)


@pytest.mark.parametrize("kind", ["dark subtracted", "rate", "normalised"])
def test_noise_that_is_no_photons_is_no_cosmic_ray(kind):
    """The planted ray is found, and hardly anything else: what noise there is the spectra themselves say."""
    nm = np.linspace(300.0, 800.0, 300)
    light = 200 * np.exp(-0.5 * ((nm - 500) / 30) ** 2) + 30
    rng = np.random.default_rng(6)
    counts = rng.poisson(light, (12, 12, 300)).astype(float)
    counts[5, 5, 150] += 3000
    given = {"dark subtracted": counts - rng.poisson(30, counts.shape), "rate": counts / 0.1}.get(
        kind, counts / counts.max()
    )
    pixels, channels, values = find_spikes(given, counted=False)
    found = set(zip(pixels.tolist(), channels.tolist(), strict=True))
    assert (5 * 12 + 5, 150) in found and len(found) <= 4
    assert values[pixels == 65][0] < 0.5 * given[5, 5, 150]


def test_the_variance_of_photons_is_the_mean_of_the_channels_beside():
    """Four to either side and not the channel itself; half a count where all are empty."""
    counts = np.random.default_rng(7).poisson(20.0, (2, 40)).astype(float)
    found = noise_variance(counts, photons=True)
    for at in (4, 17, 35):
        window = counts[:, at - 4 : at + 5]
        assert_allclose(found[:, at], (window.sum(1) - counts[:, at]) / 8)
    assert np.all(noise_variance(np.zeros((1, 20)), photons=True) == 0.5)
    assert_allclose(noise_variance(counts, photons=True, over=3)[:, 9], (counts[:, 8] + counts[:, 10]) / 2)


def test_the_variance_of_anything_else_is_how_neighbours_scatter():
    """(a − 2b + c)²/6 over 31 channels; where they are quiet a thousandth of the mean."""
    values = np.random.default_rng(8).normal(0, 3.0, (2, 90))
    values[:, 45:] *= 1e-3
    found = noise_variance(values, photons=False)
    rough = (values[:, :-2] - 2 * values[:, 1:-1] + values[:, 2:]) ** 2 / 6
    assert_allclose(found[:, 20], rough[:, 20 - 16 : 20 + 15].mean(1))
    whole = np.concatenate([rough[:, :1], rough, rough[:, -1:]], axis=1).mean(1)
    assert_allclose(found[:, 80], 1e-3 * whole)
    assert np.all(noise_variance(np.ones((1, 20)), photons=False) == 1e-30)


@pytest.mark.parametrize(
    ("height", "beside", "struck"),
    [(179, 100, False), (181, 100, True), (500, 139, True), (500, 141, False)],
)
def test_a_cosmic_ray_is_eight_sigma_high_and_its_neighbours_under_four(height, beside, struck):
    """σ is √100 counts; the pixels above, below, left and right each can show that it is light."""
    for row, column in ((1, 2), (3, 2), (2, 1), (2, 3)):
        counts = np.full((5, 5, 30), 100)
        counts[2, 2, 17] = height
        counts[row, column, 17] = beside
        pixels, channels, replaced = find_spikes(counts)
        assert (pixels.tolist(), channels.tolist()) == (([12], [17]) if struck else ([], []))
        assert replaced.tolist() == [100.0] * struck


def test_cosmic_rays_of_a_large_map_are_found_row_by_row(monkeypatch):
    """In blocks of any size the same pixels."""
    counts = np.random.default_rng(9).poisson(50.0, (9, 4, 20))
    for y, x, channel in ((0, 0, 3), (3, 2, 11), (4, 2, 7), (8, 3, 17)):
        counts[y, x, channel] = 5000
    whole = find_spikes(counts)
    assert whole[0].tolist() == [0, 14, 18, 35]
    for numbers in (1, 2 * 80):
        monkeypatch.setattr(spectra_of, "BLOCK", numbers)
        for one, other in zip(whole, find_spikes(counts), strict=True):
            assert np.array_equal(one, other)


def test_the_median_of_five_channels_is_scipys():
    """Edges repeat their last channel."""
    values = np.random.default_rng(10).normal(size=(3, 4, 25)).astype(np.float32)
    assert np.array_equal(
        spectra_of._median_of_five(values), median_filter(values, (1, 1, 5), mode="nearest")
    )


def test_the_noise_of_a_rate_is_read_from_its_scatter():
    """A constant part from the dim half and a gain from the brightest tenth: σ² = 4 + 0.5 (I − median)."""
    around = np.repeat(np.linspace(0.0, 100.0, 101), 50).astype(np.float32)
    # ±a with the 68.27 % quantile of |deviation| at one σ exactly.
    deviation = np.where(around <= 50, 2.0, np.sqrt(4 + 0.5 * 45)).astype(np.float32)
    found = spectra_of._expected_noise(deviation, around, photons=False)
    middle, bright = np.quantile(around, [0.5, 0.9])
    gain = (4 + 0.5 * 45 - 4) / (bright - middle)
    assert_allclose(found, np.sqrt(4 + gain * np.maximum(around - middle, 0)), rtol=1e-5)
    assert_allclose(
        spectra_of._expected_noise(deviation, around, photons=True), np.sqrt(np.maximum(around, 1))
    )


@pytest.mark.parametrize(
    ("run", "top", "expected"), [(3, 51, True), (2, 51, False), (3, 50, False), (20, 51, False)]
)
def test_three_neighbours_at_the_largest_count_are_cut_off(run, top, expected):
    """Above fifty counts; a spectrum that is the same everywhere is none."""
    counts = np.full((2, 20), 9)
    counts[1, :run] = top
    assert is_saturated(counts).tolist() == [False, expected]


def test_one_spectrum_in_twenty_may_be_cut_off():
    """Beyond that nothing is fitted, over energy and over wavelength."""
    counts = np.random.default_rng(11).poisson(60.0, (40, 20))
    axis, nm = np.linspace(1.5, 4, 20), np.linspace(300, 800, 20)
    counts[:2, 5:9] = 500
    assert energy_spectra(axis, counts).saturated.sum() == prepare_spectra(nm, counts).saturated.sum() == 2
    counts[2, 5:9] = 500
    for call in (lambda: energy_spectra(axis, counts), lambda: prepare_spectra(nm, counts)):
        with pytest.raises(ValueError, match=r"^3 of 40 spectra are saturated: 3 or more .* count 500"):
            call()
    assert not prepare_spectra(nm, counts, counted=False).saturated.any()


def test_channels_that_the_detector_hardly_sees_are_left_out():
    """Under 2 % of its best; the rest is scaled to that best, and by the Jacobian over its median."""
    nm = np.linspace(300.0, 800.0, 11)
    response = np.r_[0.0, 0.0039, 0.0041, np.full(8, 0.2)]
    seen = prepare_spectra(nm, np.full(11, 100), response=response, despike=False)
    assert seen.channels.tolist() == [10, 9, 8, 7, 6, 5, 4, 3, 2]
    assert "2 channels left out where the detector hardly sees" in seen.notes
    jacobian = nm[2:] ** 2 / np.median(nm[2:] ** 2)
    assert_allclose(seen.intensity[::-1], 100 * jacobian * 0.2 / response[2:])
    assert_allclose(seen.energy, HC / nm[:1:-1])
    over_energy = prepare_spectra(nm, np.full(11, 100), over="energy")
    assert_allclose(over_energy.intensity, 100.0)
    assert over_energy.notes == (
        "0 spikes replaced",
        "no dark level given: it is part of the background",
        "no response given: heights are as the detector sees them",
    )
    with pytest.raises(ValueError, match="positive somewhere"):
        prepare_spectra(nm, np.full(11, 100), response=np.zeros(11))


def test_a_dark_level_adds_its_noise_unless_it_is_one_number():
    """A recorded one has the variance of its own counts."""
    nm, dark = np.linspace(300.0, 800.0, 40), np.random.default_rng(12).poisson(30.0, 40)
    counts = np.full(40, 100)
    plain, one, recorded = (prepare_spectra(nm, counts, dark=d, over="energy") for d in (None, 30.0, dark))
    assert_allclose(one.variance, plain.variance)
    assert_allclose(one.intensity, plain.intensity - 30)
    assert_allclose(recorded.intensity[::-1], 100.0 - dark)
    beside = noise_variance(dark[None].astype(float), photons=True)[0]
    assert_allclose(recorded.variance[::-1], plain.variance + beside)


@pytest.mark.parametrize(
    ("axis", "text"),
    [
        (np.linspace(1, 2, 7), "7 channels came; a band fit needs at least 8"),
        (np.linspace(1, 20.5, 8), "from 1 to 20.5; photon energies"),
        (np.linspace(0, 2, 8), "from 0 to 2; photon energies"),
        (np.r_[1, 2, 3, 4, np.inf, 6, 7, 8], "NaN or infinity"),
        (np.r_[1, 2, 3, 3, 4, 5, 6, 7], "back and forth"),
    ],
)
def test_an_energy_axis_that_is_none_is_refused(axis, text):
    """Each with its reason; up to 20 eV and from eight channels on it is one."""
    with pytest.raises(ValueError, match=text):
        check_axis(axis, axis.size)
    energy, turned = check_axis(np.linspace(19.9, 0.1, 8), 8)
    assert turned and energy[0] == 0.1
    assert not check_axis(energy, 8)[1]


@pytest.mark.parametrize(("ends", "taken"), [((50, 60), True), ((49, 60), False), ((40e3, 50e3), True)])
def test_wavelengths_lie_between_x_rays_and_far_infrared(ends, taken):
    """From 50 nm to 50 µm."""
    nm = np.linspace(*ends, 9)
    if taken:
        assert to_energy(nm, np.ones(9))[0].size == 9
        nm = 1.01 * nm if ends[1] == 50e3 else 0.99 * nm
    with pytest.raises(ValueError, match="nm were expected"):
        to_energy(nm, np.ones(9))


def test_sums_of_neighbours_hold_what_is_left_over():
    """Seven channels in threes, weighted."""
    found = sum_groups(np.arange(14.0).reshape(2, 7), np.r_[1.0, 2, 1, 1, 1, 1, 3], 3)
    assert_allclose(found, [[0 + 2 + 2, 3 + 4 + 5, 18], [7 + 16 + 9, 10 + 11 + 12, 39]])


@pytest.mark.parametrize(("size", "beside"), [(2, 2), (4, 1)])
def test_photons_of_a_group_are_expected_as_its_neighbours_have_them(size, beside):
    """As many groups to either side as hold some nine channels, one at least; the light is that of the group."""
    counts = np.random.default_rng(15).poisson(40.0, (3, 40))
    light, variance = energy_spectra(np.linspace(1.5, 4, 40), counts).grouped(slice(None), size)
    groups = counts.reshape(3, -1, size).sum(-1)
    assert_allclose(light, groups)
    window = groups[:, 4 - beside : 5 + beside]
    assert_allclose(variance[:, 4], (window.sum(1) - groups[:, 4]) / (2 * beside))


def test_a_mean_has_the_variance_of_a_mean(monkeypatch):
    """Stated variances add and fall with the square of the number, in blocks of any size."""
    axis = np.linspace(1.5, 4, 20)
    counts = np.random.default_rng(13).uniform(10, 50, (6, 20))
    noise = np.random.default_rng(14).uniform(1, 5, (6, 20))
    chosen = np.array([0, 1, 2, 5])
    for numbers in (1 << 22, 40, 1):
        monkeypatch.setattr(spectra_of, "BLOCK", numbers)
        mean = energy_spectra(axis, counts, variance=noise).mean(chosen)
        assert_allclose(mean.intensity, counts[chosen].mean(0))
        assert_allclose(mean.variance, noise[chosen].sum(0) / 16)
    assert mean.shape == () and str(mean) == "1.50 to 4.00 eV, 20 channels"


def test_spectra_say_what_is_wrong_with_their_numbers():
    """Shapes, signs and emptiness."""
    axis, counts = np.linspace(1.5, 4, 20), np.full(20, 5.0)
    for variance, text in ((np.ones(19), "variance has shape"), (np.zeros(20), "positive in every channel")):
        with pytest.raises(ValueError, match=text):
            energy_spectra(axis, counts, variance=variance)
    with pytest.raises(ValueError, match="nothing in them"):
        energy_spectra(axis, np.empty((0, 20)))
    with pytest.raises(ValueError, match="a variance of -1 came"):
        to_energy(HC / axis, counts, -counts / 5)
    with pytest.raises(ValueError, match=r"variance has shape \(19,\), the intensity \(20,\)"):
        to_energy(HC / axis, counts, counts[1:])
    with pytest.raises(ValueError, match="a map has y, x and channels"):
        find_spikes(np.ones((2, 2, 2, 20)))
    dark = energy_spectra(axis, np.stack([counts, 0 * counts, np.where(axis > 2, np.nan, 5.0)]))
    assert (dark.dark.tolist(), dark.finite.tolist()) == ([1], [0, 1])
