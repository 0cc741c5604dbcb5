"""From nm to eV: Jacobian, dark level, response, spikes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from nbtools.cathodoluminescence.spectra import energy_spectra, find_spikes, prepare_spectra, to_energy
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
