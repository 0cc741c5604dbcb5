"""Every pixel at once: against lmfit, against what was planted, and what is flagged."""

from types import SimpleNamespace

import lmfit
import numpy as np
import pytest
from luminescence_worlds import CENTRES, ENERGY, WIDTHS, band_map, bands
from numpy.testing import assert_allclose
from scipy.stats import binomtest

from nbtools.cathodoluminescence import unmixing
from nbtools.cathodoluminescence.bands import fit_bands, fit_map
from nbtools.cathodoluminescence.spectra import energy_spectra
from nbtools.cathodoluminescence.unmixing import ShapeTest, map_bands, unmix_map


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
    """Within a ten-thousandth on 3 spot checks, weights as lmfit is used."""
    counts, centres, _ = band_map(1, shape=(1, 3))
    fit = fit_map(energy_spectra(ENERGY, counts, variance=np.maximum(counts, 1)), list(CENTRES))
    for y, x in np.ndindex(1, 3):
        theirs = lmfit_chi_square(counts[y, x], 1 / np.sqrt(np.maximum(counts[y, x], 1)), centres[y, x])
        assert fit.chi_square[y, x] == pytest.approx(theirs, rel=1e-4)


def test_all_pixels_come_back():
    """Centres within 0.03 eV, χ² near its degrees of freedom, nothing failed."""
    counts, centres, _ = band_map(2)
    fit = fit_map(energy_spectra(ENERGY, counts), list(CENTRES))
    assert fit.success.all()
    assert np.mean(np.abs(fit.centres - centres) < 0.03) > 0.99
    assert np.median(fit.chi_square) == pytest.approx(fit.freedom, rel=0.1)
    assert fit.parameters.shape == fit.uncertainties.shape == (12, 12, len(fit.names))


@pytest.mark.seeds
def test_intervals_cover_the_truth():
    """68 % of the 68 % intervals of centres and heights over 400 pixels, each band."""
    counts, centres, heights = band_map(3, shape=(20, 20))
    fit = fit_map(energy_spectra(ENERGY, counts), list(CENTRES))
    for inside in (
        np.abs(fit.centres - centres) < fit.centre_uncertainties,
        np.abs(fit.heights - heights) < fit.height_uncertainties,
    ):
        for band in range(4):
            assert binomtest(int(inside[..., band].sum()), 400, 0.6827).pvalue > 1e-3


def test_few_counts_bias_no_background():
    """A background of 4 counts is read right: the weights come from neighbouring channels, too."""
    counts, _, _ = band_map(4, height=(30, 60), background=4.0)
    low, right = (
        fit_map(energy_spectra(ENERGY, counts, variance=variance), list(CENTRES))
        for variance in (np.maximum(counts, 1), None)
    )
    assert np.nanmean(low.background) < 3.5
    assert np.nanmean(right.background) == pytest.approx(4.0, abs=0.2)


def test_bands_apart_at_peak_snr_ten():
    """Bands 0.7 eV and more apart, 100 counts at the peak: within 0.02 eV in at least 95 % of pixels."""
    rng = np.random.default_rng(5)
    centres, widths = np.array([3.54, 2.5, 1.77]), np.array([0.2, 0.19, 0.13])
    counts = rng.poisson(bands(ENERGY, np.full(3, 100.0), centres, widths, 2.0), (20, 20, 512))
    fit = fit_map(energy_spectra(ENERGY, counts), list(centres + 0.02))
    assert np.mean(np.abs(fit.centres - centres) < 0.02) >= 0.95


def even_map(seed, shape=(24, 24), spread=0.0, **options):
    """Counts of bands whose shapes are the same in all pixels but for `spread` eV; and the planted heights."""
    rng = np.random.default_rng([seed, 6])
    heights = rng.uniform(100, 600, (*shape, 4))
    centres = CENTRES + spread * rng.standard_normal((*shape, 4))
    return rng.poisson(bands(ENERGY, heights, centres, WIDTHS, 20.0)).astype(float), heights


@pytest.mark.seeds
def test_areas_of_a_small_map_hold_how_well_its_shapes_are_known():
    """Two overlapping bands in 8 × 8 pixels: the shared error, left out, would leave a third of the areas covered."""
    places, spreads, heights = np.array([2.81, 2.45]), np.array([0.20, 0.25]), np.array([300.0, 180.0])
    inside = []
    for seed in range(40):
        counts = np.random.default_rng([seed, 71]).poisson(
            bands(ENERGY[::2], heights, places, spreads, 20.0), (8, 8, ENERGY[::2].size)
        )
        found = unmix_map(energy_spectra(ENERGY[::2], counts.astype(float)), list(places))
        error = found.areas[0, 0] - np.sqrt(2 * np.pi) * heights * spreads
        sigma = np.hypot(found.area_uncertainties, found.area_errors_shared)[0, 0]
        inside.append(np.abs(error / sigma) < 1)
        assert np.all(found.area_errors_shared[0, 0] > found.area_uncertainties[0, 0])
    for hits in np.sum(inside, axis=0).tolist():
        assert binomtest(hits, len(inside), 0.683).pvalue > 1e-3


def test_unmixing_gives_heights_with_honest_errors():
    """Of common shapes: 68 % of the intervals hold the planted heights, and σ is half that of a free fit."""
    counts, heights = even_map(6)
    spectra = energy_spectra(ENERGY, counts)
    found = unmix_map(spectra, list(CENTRES + 0.02))
    inside = np.abs(found.heights - heights) < found.height_uncertainties
    assert binomtest(int(inside.sum()), inside.size, 0.6827).pvalue > 1e-3
    free = fit_map(spectra, list(CENTRES))
    assert np.all(np.median(found.height_uncertainties / free.height_uncertainties, axis=(0, 1)) < 0.8)
    assert np.median(found.chi_square) == pytest.approx(found.freedom, rel=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_common_shapes_are_told_from_others(seed):
    """Shapes that are common pass; centres that move by 0.02 eV do not, and by how much they move is said."""
    common = unmix_map(energy_spectra(ENERGY, even_map(seed)[0]), list(CENTRES)).test
    assert common.common and common.p_value > 1e-4
    moving, _ = map_bands(energy_spectra(ENERGY, even_map(seed, spread=0.02)[0]), list(CENTRES))
    assert np.ptp(moving.centres[..., 0]) > 0.02
    test = unmix_map(energy_spectra(ENERGY, even_map(seed, spread=0.02)[0]), list(CENTRES)).test
    assert not test.common
    assert test.moves == pytest.approx([0.02] * 4, rel=0.25)


def test_what_no_shape_explains_widens_sigma():
    """A band with a long tail, fitted with one Gaussian: χ² says so, σ grows with it, in one spectrum and in a map."""
    u = (ENERGY - 2.5) / 0.15
    light = 2000 / (1 + u**2) + 20
    fit = fit_bands(ENERGY, np.random.default_rng(0).poisson(light), [2.5])
    assert fit.chi_square > 3 * fit.freedom
    assert fit.widened > 3
    assert "do not follow" in str(fit)
    good = fit_bands(ENERGY, np.random.default_rng(0).poisson(2000 * np.exp(-0.5 * u**2) + 20), [2.5])
    assert good.widened == 1 and "follow" not in str(good)
    counts = np.random.default_rng(1).poisson(light, (4, 4, 512))
    assert np.all(unmix_map(energy_spectra(ENERGY, counts), [2.5]).widened > 1.5)


def test_bad_pixels_are_flagged_and_the_rest_is_fitted():
    """NaN, darkness and a clipped pixel have each their reason, and no numbers."""
    counts, _, _ = band_map(8)
    counts[0, 0, 5], counts[1, 1], counts[2, 2] = np.nan, 0.0, np.random.default_rng(0).poisson(3, 512)
    counts[3, 3] = np.minimum(10 * counts[3, 3], 1.05 * np.nanmax(counts))
    fit = fit_map(energy_spectra(ENERGY, counts), list(CENTRES))
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
    spectra = energy_spectra(ENERGY, counts)
    one, two = (fit_map(spectra, list(CENTRES), workers=n) for n in (1, 2))
    assert_allclose(one.parameters, two.parameters, rtol=0, atol=0)


def test_dark_subtracted_counts_need_their_variance():
    """Negative counts are refused with the way out, and taken with it."""
    counts, centres, _ = band_map(10, shape=(3, 3))
    with pytest.raises(ValueError, match="give the variance"):
        energy_spectra(ENERGY, counts - 30)
    fit = fit_map(energy_spectra(ENERGY, counts - 30, variance=counts + 1), list(CENTRES))
    assert np.median(np.abs(fit.centres - centres)) < 0.01


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"counts": np.ones((2, 2, 500))}, "one energy for each channel"),
        ({"counts": np.full((2, 2, 512), np.nan)}, "all are NaN"),
        ({"counts": -np.ones((2, 2, 512))}, "not negative"),
        ({"counts": np.zeros((2, 2, 512))}, "no counts"),
        ({"bands": [np.nan]}, "is nan"),
        ({"bands": [500]}, "in nm it would be"),
        ({"energy": np.linspace(300, 900, 512)}, "to_energy"),
        ({"energy": None}, "no energy axis"),
        ({"counts": np.minimum(band_map(1, shape=(2, 2))[0], 200)}, "saturated"),
    ],
)
def test_bad_input_is_refused(change, text):
    """With a sentence each."""
    given = {"energy": ENERGY, "counts": np.full((2, 2, 512), 9.0), "bands": [2.5]} | change
    with pytest.raises(ValueError, match=text):
        fit_map(energy_spectra(given["energy"], given["counts"]), given["bands"])


def test_a_map_of_one_pixel_is_fitted():
    """Nothing about it needs a neighbour."""
    counts, centres, _ = band_map(11, shape=(1, 1))
    fit = fit_map(energy_spectra(ENERGY, counts), list(CENTRES))
    assert_allclose(fit.centres, centres, atol=0.03)


# Beside linear least squares ---------------------------------------------------------------------

FEW = np.linspace(1.5, 4.0, 128)
SHAPES = [(2.2, 0.2), (2.75, 0.25)]


def bells(energy, shapes):
    return np.array([np.exp(-0.5 * ((energy - c) / w) ** 2) for c, w in shapes])


def small_map(shape=(4, 5), noise=1.0, move=0.0):
    """Two bands on 20 counts; stated variances; the first column's second band is moved."""
    rng = np.random.default_rng(12)
    heights = rng.uniform(100, 300, (*shape, 2))
    light = heights @ bells(FEW, SHAPES) + 20
    light[:, 0] += heights[:, 0, 1:] * (bells(FEW, [(2.75 + move, 0.25)])[0] - bells(FEW, SHAPES)[1])
    variance = rng.uniform(2.0, 6.0, light.shape)
    return light + noise * rng.normal(0, np.sqrt(variance)), variance, heights


def normal(columns, weights):
    """Covariance of weighted linear least squares."""
    return np.linalg.inv((columns * weights) @ columns.T)


def grouped(values, size):
    """Sums of neighbours along the last axis, of what is left over too."""
    return np.add.reduceat(values, np.arange(0, values.shape[-1], size), axis=-1)


def test_unmixing_is_weighted_least_squares_of_groups():
    """Heights, ground, their σ and χ² of every pixel by numpy; areas are √2π w times as large."""
    counts, variance, _ = small_map()
    spectra = energy_spectra(FEW, counts, variance=variance)
    found = unmix_map(spectra, SHAPES)
    shapes = [(float(c), float(w)) for c, w in zip(found.shapes.centres, found.shapes.widths, strict=True)]
    size = int(min(w for _, w in shapes) / (3 * 2.5 / 127))  # three groups to a standard deviation
    columns = grouped(np.concatenate([bells(FEW, shapes), np.ones((1, 128))]), size)
    assert found.freedom == columns.shape[1] - 3
    unit = np.sqrt(2 * np.pi) * np.array([w for _, w in shapes])
    for y, x in np.ndindex(4, 5):
        light, weights = grouped(counts[y, x], size), 1 / grouped(variance[y, x], size)
        covariance = normal(columns, weights)
        values = covariance @ (columns * weights) @ light
        sigma = np.sqrt(np.diag(covariance))
        assert_allclose(found.heights[y, x], values[:2], rtol=1e-6)
        assert_allclose(found.background[y, x], values[2:], rtol=1e-6)
        assert_allclose(found.height_uncertainties[y, x], sigma[:2] * found.widened[y, x], rtol=1e-6)
        assert_allclose(found.areas[y, x], values[:2] * unit, rtol=1e-6)
        assert_allclose(found.area_uncertainties[y, x], sigma[:2] * unit * found.widened[y, x], rtol=1e-6)
        misfit = np.sum(weights * (light - values @ columns) ** 2)
        assert found.chi_square[y, x] == pytest.approx(misfit, rel=1e-5)
    assert_allclose(found.centres, np.broadcast_to([c for c, _ in shapes], (4, 5, 2)))
    assert_allclose(found.centre_uncertainties[2, 2], [c.uncertainty for c in found.shapes.centres])
    assert_allclose(found.widths[2, 2], [w for _, w in shapes])
    middle = np.median(found.chi_square)
    assert str(found).startswith(f"20 of 20 pixels unmixed, χ² {middle:.0f} for {found.freedom} (median)")


def test_the_shared_error_is_what_a_shape_that_is_off_does_to_the_areas():
    """Each shape moved by its σ, all pixels unmixed anew: the areas' changes make the same covariance."""
    counts, variance, _ = small_map()
    spectra = energy_spectra(FEW, counts, variance=variance)
    found = unmix_map(spectra, SHAPES)
    mean = spectra.mean()
    shapes = np.array([*found.shapes.centres, *found.shapes.widths], float)
    size = int(shapes[2:].min() / (3 * 2.5 / 127))
    weights = 1 / grouped(mean.variance, size)
    y, x = 2, 3

    def areas(p):
        columns = grouped(
            np.concatenate([bells(FEW, zip(p[:2], p[2:], strict=True)), np.ones((1, 128))]), size
        )
        light = found.heights[y, x] @ columns_before[:2] + found.background[y, x] * columns_before[2]
        values = normal(columns, weights) @ (columns * weights) @ light
        return np.sqrt(2 * np.pi) * values[:2] * p[2:]

    columns_before = grouped(
        np.concatenate([bells(FEW, zip(shapes[:2], shapes[2:], strict=True)), np.ones((1, 128))]), size
    )
    step = 1e-6
    slopes = np.stack(
        [(areas(shapes + step * e) - areas(shapes - step * e)) / (2 * step) for e in np.eye(4)], 1
    )
    covariance = found.shapes.shape_covariance
    assert_allclose(
        found.area_errors_shared[y, x], np.sqrt(np.diag(slopes @ covariance @ slopes.T)), rtol=1e-4
    )


@pytest.mark.parametrize("stated", [1.0, 0.1])
def test_by_how_much_free_shapes_lower_chi_square(stated):
    """The fall in every pixel, its p and the rms of the centres beyond their noise, by numpy.

    Where the noise is larger than was stated, in units of what a fit with free shapes leaves; whatever a count is.
    """
    counts, variance, _ = small_map(move=0.06)
    counts, variance = 1e-3 * counts, 1e-6 * variance
    spectra = energy_spectra(FEW, counts, variance=stated * variance)
    found = unmix_map(spectra, SHAPES)
    shapes = np.array([*found.shapes.centres, *found.shapes.widths], float)
    size = int(shapes[2:].min() / (3 * 2.5 / 127))
    u = (FEW - shapes[:2, None]) / shapes[2:, None]
    each = bells(FEW, zip(shapes[:2], shapes[2:], strict=True))
    columns = grouped(np.concatenate([each, np.ones((1, 128)), each * u, each * u**2]), size)
    falls, moves, errors = [], [], []
    for y, x in np.ndindex(4, 5):
        light, weights = grouped(counts[y, x], size), 1 / grouped(stated * variance[y, x], size)
        misfit = []
        for some in (columns[:3], columns):
            covariance = normal(some, weights)
            values = covariance @ (some * weights) @ light
            misfit.append(np.sum(weights * (light - values @ some) ** 2))
        factor = unmixing.misfit_factor(np.array([misfit[1]]), columns.shape[1] - 7)[0]
        falls.append((misfit[0] - misfit[1]) / factor**2)
        moves.append(values[3:5] / values[:2] * shapes[2:])
        errors.append(np.sqrt(np.diag(covariance)[3:5]) * factor / values[:2] * shapes[2:])
    test = found.test
    assert test.fall == pytest.approx(np.mean(falls), rel=1e-4)
    assert (test.parameters, test.pixels) == (4, 20)
    assert test.p_value == pytest.approx(unmixing.chi2.sf(np.sum(falls), 80), rel=1e-3)
    moves, errors = np.array(moves), np.array(errors)
    square = np.average(moves**2 - errors**2, axis=0, weights=1 / errors**2)
    assert_allclose(test.moves, np.sqrt(np.maximum(square, 0)), rtol=1e-3, atol=1e-6)
    assert test.moves[1] > 0.01


def test_pixels_in_which_nothing_stands_out_have_no_heights():
    """Forty of χ² are what the bands must explain; blocks of pixels change nothing."""
    counts, variance, _ = small_map()
    counts[1, 1] = 20.0
    spectra = energy_spectra(FEW, counts, variance=variance)
    found = unmix_map(spectra, SHAPES)
    assert found.success.sum() == 19 and not found.success[1, 1]
    assert found.failures == {"no band stands out of the noise": 1}
    assert np.isnan(found.heights[1, 1]).all() and np.isnan(found.centres[1, 1]).all()
    assert np.isnan(found.chi_square[1, 1]) and np.isnan(found.height_uncertainties[1, 1]).all()
    for block in (1, 3 * 128):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(unmixing, "BLOCK", block)
            assert_allclose(unmix_map(spectra, SHAPES).heights, found.heights)


@pytest.mark.parametrize(
    ("fall", "p", "common"),
    [(4.5, 0.02, True), (4.39, 0.001, True), (4.41, 0.001, False), (4.5, 0.011, True)],
)
def test_shapes_are_common_unless_they_certainly_differ_by_enough_to_matter(fall, p, common):
    """p under 1 %, and a fall of χ² that is a tenth above what noise buys."""
    test = ShapeTest(fall, 4, 30, p, (0.012, 0.02))
    assert test.common is common
    words = "one set of shapes serves all pixels" if common else "the shapes differ between pixels"
    ends = "" if common else "; centres move by 0.012, 0.02 eV (rms)"
    assert str(test) == (
        f"{words}: free shapes lower χ² by {fall:.3g} a pixel, noise by 4 (30 pixels, p = {p:.2g}){ends}"
    )


def test_a_single_pixel_cannot_say_whether_shapes_are_common():
    """Nothing contradicts it."""
    counts, variance, _ = small_map(shape=(1, 1))
    test = unmix_map(energy_spectra(FEW, counts, variance=variance), SHAPES).test
    assert (test.fall, test.parameters, test.pixels, test.p_value, test.moves) == (4.0, 4, 1, 1.0, (0.0, 0.0))
    assert test.common


def test_numbers_of_a_map_by_their_names():
    """Heights, ground, centres and widths as they are listed; the typical pixel in words."""
    counts, variance, heights = small_map(noise=1e-3)
    fit = fit_map(
        energy_spectra(FEW, counts, variance=1e-6 * variance),
        {"red": 2.2, "green": 2.75},
        background="linear",
    )
    assert fit.names == (
        *("red height", "green height", "background", "background slope"),
        *("red centre", "green centre", "red width", "green width"),
    )
    assert_allclose(fit.heights, heights, rtol=1e-4)
    assert_allclose(fit.background, np.broadcast_to([20.0, 0.0], (4, 5, 2)), atol=0.02)
    assert_allclose(fit.centres, np.broadcast_to([2.2, 2.75], (4, 5, 2)), atol=1e-4)
    assert_allclose(fit.widths, np.broadcast_to([0.2, 0.25], (4, 5, 2)), atol=1e-4)
    assert_allclose(fit.height_uncertainties, fit.uncertainties[..., :2])
    assert_allclose(fit.centre_uncertainties, fit.uncertainties[..., 4:6])
    assert_allclose(fit.areas, np.sqrt(2 * np.pi) * fit.heights * fit.widths)
    assert_allclose(fit.predict(1, 2), counts[1, 2], rtol=1e-3)
    lines = str(fit).splitlines()
    assert lines[0] == f"20 of 20 pixels fitted, χ² {np.median(fit.chi_square):.0f} for 120 (median)"
    assert lines[1].startswith("  red        2.2000") and lines[1].endswith(
        " eV, width 0.200 eV (medians, σ of one pixel)"
    )
    assert fit.separable == {("red", "green"): True} and fit.missing == {}


@pytest.mark.parametrize(("fall", "seen"), [(39.5, False), (40.5, True)])
def test_bands_must_lower_chi_square_by_forty_to_have_heights(fall, seen):
    """Below what the ground alone leaves, in the groups that are summed; a second pixel gives the shapes."""
    light, variance = 300 * bells(FEW, SHAPES[:1])[0], np.full(128, 4.0)
    size = int(0.2 / (3 * 2.5 / 127))
    summed, weights = grouped(light, size), 1 / grouped(variance, size)
    number = grouped(np.ones(128), size)
    left = summed - number * np.sum(weights * number * summed) / np.sum(weights * number**2)
    faint = light * np.sqrt(fall / np.sum(weights * left**2))
    counts = np.stack([light, faint])[None] + 20
    found = unmix_map(
        energy_spectra(FEW, counts, variance=np.broadcast_to(variance, counts.shape)), SHAPES[:1]
    )
    assert found.success.tolist() == [[True, seen]]


def test_a_test_of_shapes_looks_at_some_of_many_pixels(monkeypatch):
    """Every second of twenty where seven are enough."""
    counts, variance, _ = small_map()
    monkeypatch.setattr(unmixing, "SAMPLE", 7)
    assert unmix_map(energy_spectra(FEW, counts, variance=variance), SHAPES).test.pixels == 10


@pytest.mark.parametrize(
    ("width", "channels", "size"), [(0.2, 128, 3), (2.0, 64, 8), (2.0, 1024, 16), (0.01, 64, 1), (2.0, 8, 1)]
)
def test_groups_are_narrow_beside_the_bands_and_twice_as_many_as_what_is_fitted(width, channels, size):
    """Three to a standard deviation; eight groups at least for four columns; sixteen channels at most."""
    shapes = SimpleNamespace(widths=[width, 3.0], energy=np.linspace(1.5, 4.0, channels))
    assert unmixing._group_size(shapes, 4) == size
