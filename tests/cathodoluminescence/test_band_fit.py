"""One spectrum: bands, their errors, how many, and when two are not separable."""

import numpy as np
import pytest
from luminescence_worlds import CENTRES, ENERGY, WIDTHS, bands
from numpy.testing import assert_allclose
from seeds import pulls_over_seeds

from nbtools.cathodoluminescence.bands import assign_centres, centre_limits, count_bands, fit_bands

HEIGHTS = [300.0, 150.0, 200.0, 120.0]
THREE = CENTRES[[0, 2, 3]]


def spectrum(seed, heights=HEIGHTS, background=10.0):
    return np.random.default_rng(seed).poisson(bands(ENERGY, heights, CENTRES, WIDTHS, background))


def test_noise_free_bands_come_back():
    """To a millionth of an electronvolt."""
    clean = bands(ENERGY, HEIGHTS, CENTRES, WIDTHS, 10.0)
    fit = fit_bands(ENERGY, clean, CENTRES + 0.03)
    assert_allclose(fit.centres, CENTRES, atol=1e-6)
    assert_allclose(fit.widths, WIDTHS, atol=1e-6)
    assert_allclose(fit.predict(), clean, rtol=1e-6)


def test_a_descending_axis_gives_the_same():
    """The order of channels is no physics."""
    counts = spectrum(1)
    up, down = fit_bands(ENERGY, counts, CENTRES), fit_bands(ENERGY[::-1], counts[::-1], CENTRES)
    assert_allclose(up.centres, down.centres, rtol=1e-9)


@pytest.mark.seeds
def test_intervals_cover_the_truth():
    """68 % of the 68 % intervals, of centres and of heights, over 40 seeds."""

    def estimate(seed):
        fit = fit_bands(ENERGY, spectrum(seed), CENTRES)
        return {f"c{i}": c for i, c in enumerate(fit.centres)} | {
            f"h{i}": h for i, h in enumerate(fit.heights)
        }

    truth = {f"c{i}": c for i, c in enumerate(CENTRES)} | {f"h{i}": h for i, h in enumerate(HEIGHTS)}
    for name, pulls in pulls_over_seeds(estimate, truth, seeds=40).items():
        assert pulls.p_value > 1e-3, f"{name}: {pulls}"
        assert pulls.missing == 0


def test_scatter_of_the_centre_is_cramer_and_raos():
    """σ of a fit is that of the bound, for three bands that stand apart."""
    heights = [100.0, 100.0, 100.0]
    pairs = list(zip(THREE, WIDTHS[[0, 2, 3]], strict=True))
    counts = np.random.default_rng(3).poisson(bands(ENERGY, heights, THREE, WIDTHS[[0, 2, 3]], 2.0))
    fit = fit_bands(ENERGY, counts, pairs)
    limits = centre_limits(ENERGY, pairs, heights=heights, background=2.0)
    assert_allclose([c.uncertainty for c in fit.centres], limits, rtol=0.2)


def test_the_bound_of_one_band_is_the_textbooks():
    """σ(centre) = w/√N with N photons and no background."""
    channel = ENERGY[1] - ENERGY[0]
    photons = 50.0 * 0.1 * np.sqrt(2 * np.pi) / channel
    (limit,) = centre_limits(ENERGY, [(2.7, 0.1)], heights=[50.0], background=1e-6)
    assert limit == pytest.approx(0.1 / np.sqrt(photons), rel=0.01)


@pytest.mark.parametrize("scale", [1, 100])
def test_f2_and_f_plus_are_not_separable(scale):
    """375 and 380 nm under bands of 0.2 eV: said so, however bright."""
    counts = np.random.default_rng(0).poisson(
        scale * bands(ENERGY, [300.0, 300.0], [3.306, 3.263], [0.2, 0.2], 5)
    )
    fit = fit_bands(ENERGY, counts, ["F2", "F+"])
    assert "not separable" in str(fit)
    assert not all(fit.separable.values())


def test_bands_far_apart_are_separable():
    """And nothing is missing then."""
    fit = fit_bands(ENERGY, spectrum(2), CENTRES)
    assert all(fit.separable.values())
    assert not fit.missing


@pytest.mark.parametrize("seed", range(5))
def test_aicc_counts_bands(seed):
    """Three planted, three found: a fourth, put where noise is largest, does not lower AICc by more than 10."""
    counts = np.random.default_rng(seed).poisson(
        bands(ENERGY, [300, 200, 150], THREE, WIDTHS[[0, 2, 3]], 10.0)
    )
    best, table = count_bands(ENERGY, counts, most=4)
    assert len(best.names) == 3
    assert table[3] - min(table.values()) < 10 < table[2] - table[3]


def test_a_band_is_assigned_with_its_misfit():
    """350 nm is nearest to F2 at 375 nm, and 0.24 eV from it."""
    fit = fit_bands(ENERGY, spectrum(4), CENTRES)
    first = assign_centres(fit)[0]
    assert first.centre.name == "F2"
    assert first.misfit == pytest.approx(3.54 - 3.306, abs=0.02)


COUNTS = np.full(512, 10.0)


@pytest.mark.parametrize(
    ("energy", "counts", "wanted", "text"),
    [
        (ENERGY, -COUNTS, [2.5], "not negative"),
        (ENERGY, COUNTS, [np.nan], "centre of band 1 is nan"),
        (ENERGY, COUNTS, [350.0], "as a wavelength in nm it would be 3.542 eV"),
        (ENERGY, COUNTS, [], "no band came"),
        (ENERGY, COUNTS, [2.5, 2.5], "same energy"),
        (ENERGY, COUNTS, [(2.5, -0.1)], "width"),
        (ENERGY, COUNTS, ["X"], "no centre 'X'"),
        (None, COUNTS, [2.5], "no energy axis"),
        (ENERGY[:-1], COUNTS, [2.5], "one energy for each channel"),
        (1240 / ENERGY, COUNTS, [2.5], "to_energy"),
        (ENERGY, np.where(ENERGY < 2, np.nan, 10.0), [2.5], "NaN"),
        (ENERGY, np.full(512, np.nan), [2.5], "all are NaN"),
        (ENERGY, np.minimum(900 * np.exp(-((ENERGY - 2.5) ** 2) * 9), 500), [2.5], "saturated"),
    ],
)
def test_bad_input_is_refused(energy, counts, wanted, text):
    """Each with a sentence that says what came."""
    with pytest.raises(ValueError, match=text):
        fit_bands(energy, counts, wanted)


def test_an_empty_spectrum_has_no_bands():
    """Noise alone: no fit, and why."""
    fit = fit_bands(ENERGY, np.random.default_rng(0).poisson(3.0, 512), [2.5])
    assert not fit
    assert "no band stands out" in str(fit)
