"""One spectrum: bands, their errors, how many, and when two are not separable."""

import numpy as np
import pytest
from luminescence_worlds import CENTRES, ENERGY, WIDTHS, bands
from numpy.testing import assert_allclose
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import curve_fit
from scipy.stats import chi2
from seeds import pulls_over_seeds

from nbtools.cathodoluminescence import bands as fits
from nbtools.cathodoluminescence.bands import (
    as_bands,
    assign_centres,
    centre_limits,
    count_bands,
    fit_bands,
    list_centre_limits,
    misfit_factor,
    place_bands,
    separable_pairs,
)
from nbtools.cathodoluminescence.model_centres import FWHM, LITERATURE_CENTRES
from nbtools.cathodoluminescence.solver import (
    Bands,
    Spectra,
    equations_at,
    last_step,
    minimise,
    moved,
    normal_matrix,
)
from nbtools.units import HC

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


# Beside what others compute ----------------------------------------------------------------------

AXIS = np.linspace(1.5, 4.0, 256)
PAIR = {"heights": [300.0, 120.0], "centres": [2.2, 2.75], "widths": [0.2, 0.25]}


def two_bands(energy, h1, h2, c1, c2, w1, w2, level, slope=0.0):
    """Two Gaussians on a line that is `level` in the middle of the axis."""
    line = level + slope * (energy - 2.75) / 1.25
    return (
        h1 * np.exp(-0.5 * ((energy - c1) / w1) ** 2) + h2 * np.exp(-0.5 * ((energy - c2) / w2) ** 2) + line
    )


def test_values_and_errors_are_those_of_scipy():
    """Every parameter and σ, areas and the covariance of the shapes, for noise that is stated and a sloping ground."""
    true = [*PAIR["heights"], *PAIR["centres"], *PAIR["widths"], 20.0, 6.0]
    clean = two_bands(AXIS, *true)
    variance = 1e-4 * clean * (1 + 0.3 * np.sin(9 * AXIS))
    counts = clean + np.random.default_rng(5).normal(0, np.sqrt(variance))
    theirs, covariance = curve_fit(
        two_bands, AXIS, counts, true, sigma=np.sqrt(variance), absolute_sigma=True, xtol=1e-12, ftol=1e-12
    )
    fit = fit_bands(AXIS, counts, [2.2, 2.75], background="linear", variance=variance)
    ours = [*fit.heights, *fit.centres, *fit.widths, *fit.background]
    sigma = np.sqrt(np.diag(covariance))
    assert_allclose(np.array(ours, float) / sigma, theirs / sigma, atol=0.03)
    assert_allclose([q.uncertainty for q in ours], sigma, rtol=2e-3)
    assert_allclose(fit.shape_covariance, covariance[2:6, 2:6], rtol=0.02, atol=1e-8)
    misfit = float(np.sum((counts - two_bands(AXIS, *theirs)) ** 2 / variance))
    assert fit.chi_square == pytest.approx(misfit, rel=1e-6)
    assert fit.freedom == 256 - 8 and fit.widened == 1
    assert fit.aicc == pytest.approx(misfit + 16 + 2 * 8 * 9 / (256 - 9))
    for i, area in enumerate(fit.areas):
        gradient = np.zeros(8)
        gradient[i], gradient[4 + i] = theirs[4 + i], theirs[i]
        assert float(area) == pytest.approx(np.sqrt(2 * np.pi) * theirs[i] * theirs[4 + i], rel=1e-4)
        expected = np.sqrt(2 * np.pi * gradient @ covariance @ gradient)
        assert area.uncertainty == pytest.approx(expected, rel=2e-3)
    assert_allclose(fit.model, two_bands(AXIS, *theirs), rtol=1e-4)
    assert_allclose(fit.predict(), fit.model, rtol=1e-9)
    assert_allclose(fit.predict([2.0, 3.0]), two_bands(np.array([2.0, 3.0]), *theirs), rtol=1e-3)
    assert_allclose(
        fit.predict([2.0], band="band 2"), two_bands(np.array([2.0]), 0, *theirs[1:6], 0), rtol=1e-2
    )
    assert_allclose(np.array(fit.fwhm, float), FWHM * np.array(fit.widths, float))
    for nm, centre in zip(fit.wavelengths, fit.centres, strict=True):
        assert float(nm) == pytest.approx(HC / float(centre))
        assert nm.uncertainty / float(nm) == pytest.approx(centre.uncertainty / float(centre))
    lines = str(fit).splitlines()
    assert lines[0].startswith("band 1 ") and f", {HC / float(fit.centres[0]):.0f} nm, FWHM " in lines[0]
    assert lines[-1] == f"χ² {misfit:.0f} for 248, AICc {fit.aicc:.1f}"


@pytest.mark.parametrize(("background", "count"), [("none", 0), ("constant", 1), ("linear", 2)])
def test_a_ground_has_as_many_parameters_as_its_name_says(background, count):
    """What is planted on it comes back, noise-free."""
    ground = {"none": 0.0, "constant": 20.0, "linear": 20.0 + 5 * (AXIS - 2.75) / 1.25}[background]
    light = two_bands(AXIS, *PAIR["heights"], *PAIR["centres"], *PAIR["widths"], 0.0) + ground
    fit = fit_bands(AXIS, light, [2.2, 2.75], background=background, variance=np.full(256, 4.0))
    assert_allclose(np.array(fit.background, float), [20.0, 5.0][:count], atol=1e-3)
    assert_allclose(np.array(fit.heights, float), PAIR["heights"], rtol=1e-4)
    assert fit.freedom == 256 - 6 - count


def spectra_of(counts, weights):
    return Spectra.on_axis(AXIS, counts, weights, fits.background_powers(AXIS, 2))


def test_the_normal_equations_are_those_of_the_jacobian():
    """JᵀWJ and JᵀWr by central differences in height, ground, centre/width and ln width."""
    rng = np.random.default_rng(6)
    counts, weights = rng.normal(200, 20, (3, 256)), rng.uniform(0.5, 2, (3, 256))
    place = Bands(rng.uniform(2.1, 2.9, (3, 2)), rng.uniform(0.15, 0.3, (3, 2)))
    equations = equations_at(spectra_of(counts, weights), place)
    matrix, right = normal_matrix(equations, 2)
    for i in range(3):
        (h1, h2, level, slope), centres, widths = equations.linear[i], place.centres[i], place.widths[i]

        def model(p, centres=centres, widths=widths):
            return two_bands(
                AXIS, p[0], p[1], *(centres + widths * p[4:6]), *(widths * np.exp(p[6:8])), *p[2:4]
            )

        at, step = np.array([h1, h2, level, slope, 0, 0, 0, 0]), 1e-5
        jacobian = np.stack(
            [(model(at + step * e) - model(at - step * e)) / (2 * step) for e in np.eye(8)], 1
        )
        residual = counts[i] - model(at)
        assert_allclose(matrix[i], (jacobian.T * weights[i]) @ jacobian, rtol=1e-5, atol=1e-4)
        assert_allclose(right[i], jacobian.T @ (weights[i] * residual), rtol=1e-4, atol=1e-2)
        assert equations.chi_square[i] == pytest.approx(np.sum(weights[i] * residual**2))
        # The linear parameters are those of weighted least squares.
        assert_allclose(right[i, :4], 0, atol=1e-2)


def test_one_step_from_near_the_minimum_arrives_there():
    """Places, heights and χ² are then those of the whole search; the fall is what χ² lost."""
    light = two_bands(AXIS, *PAIR["heights"], *PAIR["centres"], *PAIR["widths"], 20.0, 3.0)
    spectra = spectra_of(light[None], 1 / light[None])
    least, there, done = minimise(
        spectra, Bands(np.array([PAIR["centres"]]), np.array([PAIR["widths"]])), enough=1e-12
    )
    assert done.all()
    near = Bands(least.centres + 2e-4, least.widths * 1.001)
    after, equations, fall = last_step(spectra, near)
    assert_allclose(after.centres, least.centres, atol=1e-5)
    assert_allclose(after.widths, least.widths, rtol=1e-4)
    assert_allclose(equations.linear, there.linear, rtol=1e-4)
    assert equations.chi_square[0] == pytest.approx(there.chi_square[0], abs=1e-4 * fall[0])
    assert fall[0] == pytest.approx(equations_at(spectra, near).chi_square[0] - there.chi_square[0], rel=0.02)


def test_a_step_stays_on_the_axis():
    """At most 0.7 of a width, no narrower than half a channel and no wider than the axis."""
    start = Bands(np.array([[2.0, 3.9]]), np.array([[0.2, 0.3]]))
    limits = (1.5, 4.0, 0.01)
    found = moved(start, np.array([[-2.0, 0.5, 0.1, 9.0]]), limits)
    assert_allclose(found.centres, [[2.0 - 0.14, 4.0]])
    assert_allclose(found.widths, [[0.2 * np.exp(0.1), 0.3 * np.exp(0.7)]])
    extremes = Bands(np.array([[1.51, 3.0]]), np.array([[0.0051, 2.4]]))
    found = moved(extremes, np.array([[-0.7, 0.0, -0.7, 0.7]]), limits)
    assert_allclose(found.centres, [[1.51 - 0.7 * 0.0051, 3.0]])
    assert_allclose(found.widths, [[0.005, 2.5]])
    assert_allclose(
        moved(extremes, np.array([[-0.7, 0, 0, 0]]) * 100, (1.509, 4.0, 0.01)).centres[0, 0], 1.509
    )


def test_bins_keep_a_line_and_its_errors():
    """A straight line is averaged exactly, whatever the weights; weights add; what is left over is cut off."""
    weights = np.random.default_rng(8).uniform(0.1, 2, (2, 256))
    weights[0, :7] = 0.0
    line = np.stack([10 + 3 * AXIS, 5 - AXIS])
    binned = spectra_of(line, weights).binned(7)
    groups = weights[:, :252].reshape(2, 36, 7)
    assert_allclose(binned.weights, groups.sum(-1))
    seen = binned.weights > 0
    assert_allclose(binned.counts[0][seen[0]], 10 + 3 * binned.energy[0][seen[0]])
    assert_allclose(binned.counts[1], 5 - binned.energy[1])
    assert binned.energy[1, 4] == pytest.approx(np.average(AXIS[28:35], weights=weights[1, 28:35]))
    assert_allclose(binned.powers[1, 1], (binned.energy[1] - 2.75) / 1.25, atol=1e-12)
    assert_allclose(binned.powers[1, 0], 1.0)
    assert binned.limits == pytest.approx((1.5, 4.0, 2.5 / 255))


def test_by_how_much_bands_explain_light():
    """χ² of the ground alone less χ² with the bands, by weighted least squares."""
    rng = np.random.default_rng(9)
    counts, weights = rng.normal(200, 20, 256), rng.uniform(0.5, 2, 256)
    for powers in (0, 1, 2):
        ground = fits.background_powers(AXIS, powers)
        bells = np.exp(-0.5 * ((AXIS - np.array([[2.2], [2.75]])) / 0.2) ** 2)
        place = Bands(np.array([[2.2, 2.75]]), np.array([[0.2, 0.2]]))
        spectra = Spectra.on_axis(AXIS, counts[None], weights[None], ground)
        root, misfit = np.sqrt(weights), []
        for columns in (ground, np.concatenate([bells, ground])):
            found = np.linalg.lstsq((columns * root).T, counts * root, rcond=None)[0]
            misfit.append(float(np.sum(weights * (counts - found @ columns) ** 2)))
        explained = fits.explained(equations_at(spectra, place), 2)
        assert explained[0] == pytest.approx(misfit[0] - misfit[1])


def test_how_many_channels_may_be_joined():
    """Four groups to the standard deviation of the narrowest band; between one and sixteen."""
    assert [fits.coarse_size(width, 0.01, 4) for width in (0.03, 0.1199, 0.1201, 5.0)] == [1, 2, 3, 16]


def test_sigma_is_widened_beyond_one_spectrum_in_a_thousand():
    """By √(χ²/ν) there, else not."""
    limit = chi2.isf(1e-3, 50)
    assert_allclose(misfit_factor(np.array([0.99, 1.01]) * limit, 50), [1, np.sqrt(1.01 * limit / 50)])
    assert misfit_factor(np.array([1e9]), 0)[0] == pytest.approx(np.sqrt(1e9))


def test_residuals_that_go_together_count_once():
    """1 + 2 Σ ρ up to where the correlation has gone: of an autoregressive series (1 + a)/(1 − a)."""
    rng, a = np.random.default_rng(10), 0.8
    series = np.zeros(200_000)
    for i, noise in enumerate(rng.standard_normal(series.size - 1)):
        series[i + 1] = a * series[i] + noise
    assert fits._correlated_channels(series) == pytest.approx((1 + a) / (1 - a), rel=0.05)
    plain = np.array([3.0, 1.0, -2.0, -1.0, 2.0, -3.0])
    left = plain - plain.mean()
    rho = [np.sum(left[n:] * left[: 6 - n]) / np.sum(left**2) for n in range(6)]
    gone = next(n for n, r in enumerate(rho) if r <= 0)
    assert fits._correlated_channels(plain) == pytest.approx(max(1.0, 1 + 2 * sum(rho[1:gone])))
    assert fits._correlated_channels(np.repeat(plain, 5)) > 3
    assert fits._correlated_channels(np.ones(9)) == 1.0


def test_sigma_of_what_no_band_follows_is_widened_by_misfit_and_correlation():
    """A Lorentzian through one Gaussian: √(χ²/ν) and the channels over which residuals go together."""
    counts = np.round(2000 / (1 + ((AXIS - 2.6) / 0.15) ** 2) + 20)
    fit = fit_bands(AXIS, counts, [2.6])
    noise = np.sqrt(fits.energy_spectra(AXIS, counts).variance)
    more = fits._correlated_channels((counts - fit.model) / noise)
    assert fit.widened == pytest.approx(np.sqrt(fit.chi_square / fit.freedom * more))
    alone = fits.fit_map(fits.energy_spectra(AXIS, counts), [2.6])
    assert fit.centres[0].uncertainty == pytest.approx(np.sqrt(more) * alone.centre_uncertainties[0])
    assert fit.areas[0].uncertainty == pytest.approx(np.sqrt(more) * alone.area_uncertainties[0])
    assert fit.shape_covariance[0, 0] == pytest.approx(fit.centres[0].uncertainty ** 2, rel=0.02)
    assert fit.notes()[0] == (
        f"χ² is {fit.chi_square:.4g} for {fit.freedom}: these bands do not follow the spectrum to its noise, "
        f"and σ is widened {fit.widened:.3g} times"
    )


def test_what_tells_two_bands_apart():
    """σ of both centres at most half their distance, and that at least 0.3 of the narrower width."""
    pair = ("a", "b")
    sides = {
        sigma: separable_pairs(pair, [2.0, 2.2], [0.01, sigma], [0.2, 0.3])[pair] for sigma in (0.099, 0.101)
    }
    assert sides[0.099] == ""
    assert sides[0.101] == (
        "not separable: σ of the centres is 0.01 and 0.1 eV, more than half their spacing of 0.2 eV"
    )
    shapes = {
        gap: separable_pairs(pair, [2.0, 2.0 + gap], [0.01, 0.01], [0.3, 0.2])[pair] for gap in (0.058, 0.061)
    }
    assert shapes[0.061] == ""
    assert shapes[0.058].startswith("not separable: they lie 0.058 eV apart, 0.29 of a width; no real band")
    assert separable_pairs(pair, [2.0, 2.2], [np.nan, 0.01], [0.2, 0.2])[pair]
    # Neighbours by energy, not by the order in which they were given.
    three = separable_pairs(("a", "b", "c"), [2.5, 2.0, 3.0], [0.01] * 3, [0.1] * 3)
    assert list(three) == [("b", "a"), ("a", "c")]


def test_a_width_that_is_not_given_is_guessed():
    """A tenth of the axis; 0.4 of the distance to a neighbour, 4 % of the axis at least; three channels at least."""
    axis = np.linspace(1.5, 4.0, 251)  # 2.5 eV
    widths = [[band.width for band in as_bands(places, axis)] for places in ([2.5], [2.0, 2.4], [2.0, 2.1])]
    assert widths[0] == pytest.approx([0.25])
    assert widths[1] == pytest.approx([0.16, 0.16])
    assert widths[2] == pytest.approx([0.1, 0.1])
    assert as_bands([2.0, 2.1], np.linspace(1.5, 4.0, 50))[0].width == pytest.approx(3 * 2.5 / 50)
    assert as_bands([(2.0, 0.07)], axis)[0].width == 0.07


def test_bands_by_every_kind_of_name():
    """Centres, pairs, names, known centres, fitted bands and a dict."""
    axis, centre = np.linspace(1.5, 4.0, 251), LITERATURE_CENTRES[1]
    given = as_bands([2.0, (2.2, 0.1), "F2", centre, fits.BandStart("mine", 2.9, 0.2)], axis)
    assert [band.name for band in given] == ["band 1", "band 2", "F2", "F+", "mine"]
    assert [round(band.centre, 3) for band in given] == [2.0, 2.2, 3.306, 3.15, 2.9]
    assert as_bands({"green": 2.4}, axis)[0].name == "green"
    assert as_bands(["F"], axis)[0].centre == 2.35 or as_bands(["F"], axis)[0].centre == pytest.approx(
        HC / 490
    )
    for wanted, text in (
        (2.5, "bands is 2.5"),
        ("F2", "bands is 'F2'"),
        ([(1, 2, 3)], "expected a centre in eV"),
        ([1.4], r"looked for at 1.4, but the axis runs from 1.5 to 4 eV$"),
        ([(2.5, 0)], "has the width 0"),
        ({"a": 2.0, "b": (2.0, 0.1)}, "same energy"),
        ([fits.BandStart("a", 2.0, 0.1), fits.BandStart("a", 3.0, 0.1)], "same name: a, a"),
    ):
        with pytest.raises(ValueError, match=text):
            as_bands(wanted, axis)
    assert [band.centre for band in as_bands([1.5, 4.0], axis)] == [1.5, 4.0]


def test_bands_are_placed_where_most_is_left():
    """One after the other; a quarter of a width about each is taken; sorted by energy."""
    counts = two_bands(AXIS, *PAIR["heights"], *PAIR["centres"], *PAIR["widths"], 10.0)
    smooth = gaussian_filter1d(counts, 256 / 80)
    smooth = smooth - np.quantile(smooth, 0.05)
    first = AXIS[np.argmax(smooth)]
    left = smooth - smooth.max() * np.exp(-0.5 * ((AXIS - first) / 0.2) ** 2)
    second = AXIS[np.argmax(np.where(np.abs(AXIS - first) > 0.05, left, -np.inf))]
    assert_allclose(place_bands(AXIS, counts, 2), [(first, 0.2), (second, 0.2)])
    assert_allclose(place_bands(AXIS, counts, 1), [(first, 0.2)])
    with pytest.raises(ValueError, match="0 bands were asked for"):
        place_bands(AXIS, counts, 0)
    with pytest.raises(ValueError, match="do not fit onto the axis; ask for at most"):
        place_bands(AXIS, counts, 60)


def test_one_more_band_is_put_where_a_fit_misses_most():
    """In counts or in σ, as wide as 4 % of the axis; beside a band that stands there already."""
    light = two_bands(AXIS, *PAIR["heights"], *PAIR["centres"], *PAIR["widths"], 20.0)
    fit = fit_bands(AXIS, light, [2.2, 2.75], variance=light)
    more = (
        light + 30 * np.exp(-0.5 * ((AXIS - 3.4) / 0.1) ** 2) + 40 * np.exp(-0.5 * ((AXIS - 2.2) / 0.1) ** 2)
    )
    places = [(float(c), float(w)) for c, w in zip(fit.centres, fit.widths, strict=True)]
    found = [fits._one_more(fit, more, scale) for scale in (np.ones(256), np.sqrt(light))]
    assert [one[:2] for one in found] == [places, places]
    for one, place in zip(found, (2.2, 3.4), strict=True):
        assert one[2] == pytest.approx((place, 0.1), abs=0.015)
    at = AXIS[np.argmax(gaussian_filter1d(more - fit.model, 3.2))]
    taken = fits.replace(fit, centres=(fits.Quantity(at, 0.01, "eV"), fit.centres[1]))
    assert fits._one_more(taken, more, np.ones(256))[2][0] == pytest.approx(at + 1e-3, abs=1e-9)


def test_cramer_and_raos_bound_is_that_of_the_information():
    """The inverse of Σ (∂m/∂p)(∂m/∂q)/m over the channels, for two bands on a ground."""
    p = np.array([300.0, 120.0, 2.2, 2.75, 0.2, 0.25, 20.0])
    model, step = two_bands(AXIS, *p), 1e-5
    slopes = [
        (two_bands(AXIS, *(p + step * e)) - two_bands(AXIS, *(p - step * e))) / (2 * step) for e in np.eye(7)
    ]
    information = np.einsum("in,jn,n->ij", slopes, slopes, 1 / model)
    expected = np.sqrt(np.diag(np.linalg.inv(information)))[2:4]
    pair = {"a": (2.2, 0.2), "b": (2.75, 0.25)}
    limits = list_centre_limits(AXIS, pair, heights=p[:2], background=20.0)
    assert_allclose([c.uncertainty for c in limits.centres.values()], expected, rtol=1e-5)
    assert [row.how for row in limits.rows()] == ["", ""] and not limits.notes()
    assert [(row.label, float(row.quantity)) for row in limits.rows()] == [("a", 2.2), ("b", 2.75)]


def test_bands_that_no_fit_tells_apart_are_said():
    """σ beyond half the distance in the table, σ beyond the energy in words."""

    def table(sigma):
        centres = {"a": fits.Quantity(2.0, sigma, "eV"), "b": fits.Quantity(2.1, 0.01, "eV")}
        return fits.CentreLimits({**centres, "c": fits.Quantity(3.0, 0.4, "eV")})

    assert [row.how for row in table(0.049).rows()] == [""] * 3
    assert [row.how for row in table(0.051).rows()] == ["not told from its neighbour", "", ""]
    assert [row.label for row in table(2.01).rows()] == ["b", "c"]
    assert table(2.01).notes() == [
        "a: no fit tells it from its neighbour, 0.1 eV away: σ exceeds the energy itself"
    ]
    assert [row.how for row in fits.CentreLimits({"a": fits.Quantity(2.0, 1.9, "eV")}).rows()] == [""]


def test_a_band_beside_its_nearest_centre():
    """Misfit in eV and in widths, with the σ of the band."""
    fit = fit_bands(ENERGY, bands(ENERGY, HEIGHTS, CENTRES, WIDTHS, 10.0), CENTRES)
    found = assign_centres(fit, LITERATURE_CENTRES)
    assert [one.centre.name for one in found] == ["F+", "F+", "F", "F"]
    assert found[0].misfit.uncertainty == fit.centres[0].uncertainty
    assert found[3].in_widths == pytest.approx((1.70 - 2.35) / 0.13, rel=1e-4)
    assert str(found[3]).startswith("band 4: nearest is F (2.350 eV), off by ")
    assert str(found[3]).endswith(", 5.00 widths")


def test_two_bands_assumed_at_one_place_are_not_separable_though_a_fit_drives_them_apart():
    """What counts is what their light could say of bands where they were looked for."""
    counts = np.random.default_rng(11).poisson(bands(AXIS, [400.0, 200.0], [2.2, 2.8], [0.2, 0.2], 10.0))
    near = fit_bands(AXIS, counts, [(2.40, 0.2), (2.43, 0.2)])
    assert near.separable == {("band 1", "band 2"): False}
    assert list(near.missing) == ["band 1 from band 2"]
    width = float(max(near.widths))
    light = sum(map(float, near.areas)) / (2 * np.sqrt(2 * np.pi) * width)
    alike = [(2.40, width), (2.43, width)]
    sigmas = centre_limits(AXIS, alike, heights=[light] * 2, background=near.predict().min())
    said = separable_pairs(near.names, [2.40, 2.43], sigmas, [width] * 2)
    assert near.missing["band 1 from band 2"] == said[near.names] != ""
    far = fit_bands(AXIS, counts, [(2.0, 0.2), (2.9, 0.2)])
    assert far.separable == {("band 1", "band 2"): True} and not far.missing


def test_a_spectrum_that_is_none_is_refused():
    """Maps, several spectra, channels without a number."""
    with pytest.raises(ValueError, match="A map goes to fit_map"):
        fit_bands(ENERGY, np.ones((2, 512)), [2.5])
    with pytest.raises(ValueError, match="2 spectra came; one was expected"):
        fits.fit_spectrum(fits.energy_spectra(ENERGY, np.ones((2, 512))), [2.5])
    with pytest.raises(ValueError, match="3 channels are NaN or infinite"):
        fit_bands(ENERGY, np.r_[[np.nan] * 3, np.full(509, 5.0)], [2.5])


def test_a_number_of_bands_is_judged_in_units_of_the_best_ones_misfit():
    """Where no number of Gaussians follows a Lorentzian to its noise, χ² counts in units of the best one's χ²/ν."""
    counts = np.round(5000 / (1 + ((AXIS - 2.6) / 0.12) ** 2) + 20)
    best, table = count_bands(AXIS, counts, most=2)
    one, two = (fit_bands(AXIS, counts, n) for n in (1, 2))
    assert one.widened > 1
    least = min(
        (fit for fit in (one, two) if all(fit.separable.values())),
        key=lambda fit: fit.chi_square / fit.freedom,
    )
    unit = least.chi_square / least.freedom
    assert table[1] == pytest.approx(one.chi_square / unit + 2 * 4 + 2 * 4 * 5 / (256 - 5), rel=1e-3)
    plain = np.random.default_rng(12).poisson(
        two_bands(AXIS, *PAIR["heights"], *PAIR["centres"], *PAIR["widths"], 10.0)
    )
    best, table = count_bands(AXIS, plain, most=3)
    assert len(best.names) == 2 and table[2] == pytest.approx(best.aicc)
    assert [float(c) for c in best.centres] == sorted(float(c) for c in best.centres)


def test_another_place_that_fits_as_well_is_said():
    """Within one of χ², and farther off than σ; the one told is the least."""
    counts = np.random.default_rng(13).poisson(
        two_bands(AXIS, *PAIR["heights"], *PAIR["centres"], *PAIR["widths"], 10.0)
    )
    spectrum = fits.energy_spectra(AXIS, counts)
    fit = fit_bands(AXIS, counts, [2.2, 2.75])
    off = fits.Quantity(
        float(fit.centres[0]) + 2 * fit.centres[0].uncertainty, fit.centres[0].uncertainty, "eV"
    )
    for apart, rise, told in ((True, 0.9, True), (True, 2.0, False), (False, 0.9, False)):
        other = fits.replace(
            fit,
            centres=(off if apart else fit.centres[0], fit.centres[1]),
            chi_square=fit.chi_square + rise * max(fit.chi_square / fit.freedom, 1.0),
        )
        best = fits._best_of(spectrum, [other, fit], "constant")
        assert best.chi_square == pytest.approx(fit.chi_square, rel=1e-6)
        assert ("one solution" in best.missing) == told
    assert (
        f"bands at {float(off):.3f}, {float(fit.centres[1]):.3f} eV fit as well"
        in (
            fits._best_of(
                spectrum, [fits.replace(fit, centres=(off, fit.centres[1])), fit], "constant"
            ).missing["one solution"]
        )
    )


def test_bands_of_a_normalised_spectrum_are_counted_as_those_of_counts():
    """Heights of thousandths are light, too."""
    light = two_bands(AXIS, *PAIR["heights"], *PAIR["centres"], *PAIR["widths"], 10.0)
    counts = np.random.default_rng(14).poisson(light)
    found = [count_bands(AXIS, scale * counts, variance=scale**2 * light, most=2) for scale in (1.0, 1e-5)]
    assert [len(best.names) for best, _ in found] == [2, 2]
    assert found[1][1] == pytest.approx(found[0][1], rel=1e-6)
