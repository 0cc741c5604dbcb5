"""Every pixel at once: against lmfit, against what was planted, and what is flagged."""

import lmfit
import numpy as np
import pytest
from luminescence_worlds import CENTRES, ENERGY, WIDTHS, band_map, bands
from numpy.testing import assert_allclose
from scipy.stats import binomtest

from nbtools.analysis.cathodoluminescence import fit_map


def lmfit_chi_square(counts, weights, start):
    """Least χ² of one spectrum by lmfit, from the planted places."""
    model = lmfit.models.ConstantModel()
    for i in range(4):
        model += lmfit.models.GaussianModel(prefix=f"g{i}_")
    parameters = model.make_params(c=20)
    for i in range(4):
        parameters[f"g{i}_center"].set(start[i])
        parameters[f"g{i}_sigma"].set(WIDTHS[i], min=0.02)
        parameters[f"g{i}_amplitude"].set(100)
    return model.fit(counts, parameters, x=ENERGY, weights=weights).chisqr


def test_chi_square_is_lmfits():
    """Within a ten-thousandth on 12 spot checks, weights as lmfit is used."""
    counts, centres, _ = band_map(1, shape=(3, 4))
    fit = fit_map(ENERGY, counts, list(CENTRES))
    for y, x in np.ndindex(3, 4):
        theirs = lmfit_chi_square(counts[y, x], 1 / np.sqrt(np.maximum(counts[y, x], 1)), centres[y, x])
        assert fit.chi_square[y, x] == pytest.approx(theirs, rel=1e-4)


def test_all_pixels_come_back():
    """Centres within 0.03 eV, χ² near its degrees of freedom, nothing failed."""
    counts, centres, _ = band_map(2)
    fit = fit_map(ENERGY, counts, list(CENTRES))
    assert fit.success.all()
    assert np.mean(np.abs(fit.centres - centres) < 0.03) > 0.99
    assert np.median(fit.chi_square) == pytest.approx(fit.freedom, rel=0.1)
    assert fit.parameters.shape == fit.uncertainties.shape == (12, 12, len(fit.names))


@pytest.mark.seeds
@pytest.mark.parametrize("likelihood", ["chi-square", "poisson"])
def test_intervals_cover_the_truth(likelihood):
    """68 % of the 68 % intervals of the centres over 400 pixels, each band."""
    counts, centres, heights = band_map(3, shape=(20, 20))
    fit = fit_map(ENERGY, counts, list(CENTRES), likelihood=likelihood)
    inside = np.abs(fit.centres - centres) < fit.centre_uncertainties
    for band in range(4):
        assert binomtest(int(inside[..., band].sum()), 400, 0.6827).pvalue > 1e-3
    if likelihood == "poisson":
        high = np.abs(fit.heights - heights) < fit.height_uncertainties
        assert binomtest(int(high.sum()), high.size, 0.6827).pvalue > 1e-3


def test_few_counts_bias_chi_square_and_not_poisson():
    """The background of 4 counts reads some 1 low with weights from the counts, and right with the model's."""
    counts, _, _ = band_map(4, height=(30, 60), background=4.0)
    low, right = (
        fit_map(ENERGY, counts, list(CENTRES), likelihood=kind) for kind in ("chi-square", "poisson")
    )
    assert np.nanmean(low.background) < 3.5
    assert np.nanmean(right.background) == pytest.approx(4.0, abs=0.15)
    assert "poisson" in str(low)


def test_bands_apart_at_peak_snr_ten():
    """Bands 0.7 eV and more apart, 100 counts at the peak: within 0.02 eV in at least 95 % of pixels."""
    rng = np.random.default_rng(5)
    centres, widths = np.array([3.54, 2.5, 1.77]), np.array([0.2, 0.19, 0.13])
    counts = rng.poisson(bands(ENERGY, np.full(3, 100.0), centres, widths, 2.0), (20, 20, 512))
    fit = fit_map(ENERGY, counts, list(centres + 0.02))
    assert np.mean(np.abs(fit.centres - centres) < 0.02) >= 0.95


def test_shared_places_are_shared_and_sharper():
    """One centre and width for all pixels, with the error of all of them; heights with honest errors."""
    rng = np.random.default_rng(6)
    heights = rng.uniform(100, 600, (12, 12, 4))
    counts = rng.poisson(bands(ENERGY, heights, CENTRES, WIDTHS, 20.0)).astype(float)
    fit = fit_map(ENERGY, counts, list(CENTRES + 0.02), shared=("centres", "widths"), likelihood="poisson")
    assert np.ptp(fit.centres, axis=(0, 1)).max() == 0
    pulls = (fit.centres[0, 0] - CENTRES) / fit.centre_uncertainties[0, 0]
    assert np.all(np.abs(pulls) < 4)
    free = fit_map(ENERGY, counts, list(CENTRES))
    assert np.all(fit.centre_uncertainties[0, 0] < np.median(free.centre_uncertainties, axis=(0, 1)) / 8)
    spread = (fit.heights - heights) / fit.height_uncertainties
    assert np.std(spread) == pytest.approx(1.0, abs=0.1)


def test_shared_widths_leave_centres_free():
    """What is not shared moves from pixel to pixel."""
    counts, centres, _ = band_map(7, shape=(5, 5))
    fit = fit_map(ENERGY, counts, list(CENTRES), shared=("widths",))
    assert np.ptp(fit.widths, axis=(0, 1)).max() == 0
    assert np.corrcoef(fit.centres[..., 0].ravel(), centres[..., 0].ravel())[0, 1] > 0.9


def test_bad_pixels_are_flagged_and_the_rest_is_fitted():
    """NaN, darkness and a clipped pixel have each their reason, and no numbers."""
    counts, _, _ = band_map(8)
    counts[0, 0, 5], counts[1, 1], counts[2, 2] = np.nan, 0.0, np.random.default_rng(0).poisson(3, 512)
    counts[3, 3] = np.minimum(10 * counts[3, 3], 1.05 * np.nanmax(counts))
    fit = fit_map(ENERGY, counts, list(CENTRES))
    assert fit.success.sum() == fit.success.size - 4
    assert set(fit.failures) == {
        "no finite counts",
        "no counts",
        "no band stands out of the noise",
        "saturated",
    }
    assert np.isnan(fit.parameters[~fit.success]).all()


def test_pixels_do_not_know_each_other():
    """A pixel of a map is fitted as it is alone, from the same start; chunks and threads change nothing."""
    counts, _, _ = band_map(9, shape=(13, 11))
    one, two = (fit_map(ENERGY, counts, list(CENTRES), workers=n) for n in (1, 2))
    assert_allclose(one.parameters, two.parameters, rtol=0, atol=0)


def test_dark_subtracted_counts_need_their_variance():
    """Negative counts are refused with the way out, and taken with it."""
    counts, centres, _ = band_map(10, shape=(3, 3))
    with pytest.raises(ValueError, match="give the variance"):
        fit_map(ENERGY, counts - 30, list(CENTRES))
    fit = fit_map(ENERGY, counts - 30, list(CENTRES), variance=counts + 1)
    assert np.median(np.abs(fit.centres - centres)) < 0.01


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"counts": np.ones((4, 512))}, "a map, shape"),
        ({"counts": np.ones((2, 2, 500))}, "one energy for each channel"),
        ({"counts": np.full((2, 2, 512), np.nan)}, "all are NaN"),
        ({"counts": -np.ones((2, 2, 512))}, "not negative"),
        ({"counts": np.zeros((2, 2, 512))}, "no counts"),
        ({"bands": [np.nan]}, "is nan"),
        ({"bands": [500]}, "in nm it would be"),
        ({"energy": np.linspace(300, 900, 512)}, "to_energy"),
        ({"energy": None}, "no energy axis"),
        ({"shared": ("centre",)}, "it can hold"),
        ({"counts": np.full((1, 1, 512), 9.0), "shared": ("widths",)}, "map of one pixel"),
        ({"counts": np.minimum(band_map(1, shape=(2, 2))[0], 200)}, "saturated"),
    ],
)
def test_bad_input_is_refused(change, text):
    """With a sentence each."""
    given = {"energy": ENERGY, "counts": np.full((2, 2, 512), 9.0), "bands": [2.5]} | change
    with pytest.raises(ValueError, match=text):
        fit_map(given.pop("energy"), given.pop("counts"), given.pop("bands"), **given)


def test_a_map_of_one_pixel_is_fitted():
    """Nothing about it needs a neighbour."""
    counts, centres, _ = band_map(11, shape=(1, 1))
    assert_allclose(fit_map(ENERGY, counts, list(CENTRES)).centres, centres, atol=0.03)
