"""Pixels and profiles under the hand, with no screen."""

import numpy as np
import pytest
from luminescence_worlds import CENTRES, ENERGY, WIDTHS, band_map, blobs, shot
from luminescence_worlds import bands as planted

from nbtools.cathodoluminescence.bands import fit_bands, fit_map, fit_spectrum
from nbtools.cathodoluminescence.chance import assess_boundary_profile
from nbtools.cathodoluminescence.explore import bands, pixel_at, pixels, profile, profile_at
from nbtools.cathodoluminescence.field import estimate_field
from nbtools.cathodoluminescence.spectra import energy_spectra
from nbtools.cathodoluminescence.study import BandMaps, RecordingsStudy, SpectraStudy
from nbtools.cathodoluminescence.unmixing import ShapeTest
from nbtools.study import Missing


@pytest.fixture(scope="module")
def fitted():
    counts, centres, _ = band_map(1, shape=(6, 5))
    spectra = energy_spectra(ENERGY, counts, variance=counts + 1)
    return spectra, fit_map(spectra, dict(zip("abcd", CENTRES, strict=True))), centres


def study_of(spectra, fit):
    return BandMaps("map", 1e-7, spectra, fit, ShapeTest(8.0, 8, 30, 0.5, (0.0,) * 4))


def test_a_pixel_has_its_own_bands(fitted):
    """The centre shown is that of the pixel, and a wider region is sharper."""
    spectra, fit, centres = fitted
    one = pixel_at(spectra, fit, x=3, y=2, band="a")
    assert one["a"] == pytest.approx(centres[2, 3, 0], abs=0.02)
    wide = pixel_at(spectra, fit, x=3, y=2, half_width=2, band="a")
    assert wide["a"].uncertainty < 0.5 * one["a"].uncertainty


def test_a_band_left_out_costs_aicc(fitted):
    """By far more than its parameters are worth."""
    spectra, fit, _ = fitted
    whole, part = (pixel_at(spectra, fit, x=1, y=1, band=band) for band in ("b", "without b"))
    assert part["AICc"] > whole["AICc"] + 50
    assert "b" not in part


def test_the_face_moves(fitted):
    """A slider, a menu and a click into the map."""
    made = pixels(study_of(*fitted[:2]))
    made.set("x", value=1.0).set("y", value=4.0).set("band", value="without c")
    assert "without c" in str(made.arguments)
    assert made.face.plots
    assert not made.errors


def test_a_line_of_spectra_has_one_slider(fitted):
    """A map of one row: nothing to move across it, and a click sets the column."""
    counts, *_ = band_map(1, shape=(1, 5))
    spectra = energy_spectra(ENERGY, counts, variance=counts + 1)
    made = pixels(study_of(spectra, fit_map(spectra, dict(zip("abcd", CENTRES, strict=True)))))
    assert "y" not in made.arguments and made.fixed["y"] == 0
    made.face._clicked({"x": 2.0, "y": 0.4})
    assert made.arguments["x"] == 2 and not made.errors


def test_light_at_edges_under_the_hand():
    """More gain, less excess."""
    phase = blobs(3, 48)
    light = shot(0, 100.0 * phase)[..., None] * np.ones(8)
    options = {"windows": {"all": (300, 900)}, "image": 1.0 * phase, "pixel": 1e-7, "draws": 19}
    field = estimate_field(wavelength_nm=np.linspace(300, 900, 8), counts=light, **options)
    made = profile(field, RecordingsStudy((), None, ()))
    before = made.function(**made.fixed, **made.arguments)["excess"]
    after = made.function(**made.fixed, **(made.arguments | {"edge_gain": 1.0}))["excess"]
    assert after < before


def test_nothing_to_explore_is_said(fitted):
    """A map without a fitted pixel."""
    spectra, fit, _ = fitted
    from dataclasses import replace

    none = replace(fit, success=np.zeros_like(fit.success))
    found = pixels(study_of(spectra, none))
    assert isinstance(found, Missing) and "no pixel was fitted" in found.reason


def test_three_spectra_in_one_fit_share_their_centres():
    """Centres come back with the light of all three, and each spectrum has heights of its own."""
    heights = {"A": [300, 40, 60, 20], "B": [60, 50, 300, 90], "C": [100, 100, 100, 100]}
    spectra = {
        name: energy_spectra(ENERGY, shot(i, planted(ENERGY, h, CENTRES, WIDTHS, 10.0)))
        for i, (name, h) in enumerate(heights.items())
    }
    fits = {name: fit_spectrum(one, list(CENTRES)) for name, one in spectra.items()}
    made = bands(SpectraStudy(spectra, fits, {}, {}, {}, {}, {}))
    found = made.result.params
    for i, centre in enumerate(CENTRES, 1):
        assert abs(found[f"centre{i}"].value - centre) < 4 * found[f"centre{i}"].stderr
        alone = min(fit.centres[i - 1].uncertainty for fit in fits.values())
        assert found[f"centre{i}"].stderr < 1.1 * alone
    assert found["height1_1"].value == pytest.approx(300, rel=0.1)
    assert found["height3_2"].value == pytest.approx(300, rel=0.1)


def test_a_region_is_shown_with_its_mean_and_its_bands(fitted):
    """Map of the band chosen, a mark in the middle of the pixel, counts of the square about it that lies in the map."""
    spectra, fit, _ = fitted
    found = pixel_at(spectra, fit, x=4, y=1, half_width=2, band="b")
    assert np.array_equal(found["map"].image, fit.areas[..., 1])
    assert found["map"].extent == (0, 5, 0, 6) and found["map"].clicked == ("x", "y")
    (x, y, mark) = found["map"].curves["pixel"]
    assert (x, y, mark) == (4.5, 1.5, "o")
    energy, counts, _ = found["bands"].curves["spectrum"]
    region = spectra.intensity[0:4, 2:5].reshape(12, -1)
    noise = spectra.variance[0:4, 2:5].reshape(12, -1).mean(0) / 12
    assert counts == pytest.approx(region.mean(0))
    again = fit_bands(energy, counts, dict(zip("abcd", CENTRES, strict=True)), variance=noise)
    for name, centre in zip("abcd", again.centres, strict=True):
        assert float(found[name]) == pytest.approx(float(centre), abs=1e-4)
        assert found[name].uncertainty == pytest.approx(centre.uncertainty, rel=1e-2)
    assert float(found["AICc"]) == pytest.approx(again.aicc, rel=1e-4)
    assert list(found["bands"].curves) == ["spectrum", "fit", *"abcd"]
    left_out = pixel_at(spectra, fit, x=4, y=1, band="without c")
    assert np.array_equal(left_out["map"].image, fit.areas[..., 2])
    assert list(left_out["bands"].curves) == ["spectrum", "fit", *"abd"]


def test_pixels_begin_at_the_brightest(fitted):
    """Three pixels about it, the first band; as far as the map goes."""
    spectra, fit, _ = fitted
    made = pixels(study_of(spectra, fit))
    row, column = np.unravel_index(np.argmax(fit.areas.sum(-1)), (6, 5))
    assert made.arguments == {"x": column, "y": row, "half_width": 3, "band": "a"}
    made.set("x", value=4).set("y", value=5)
    assert (made.arguments["x"], made.arguments["y"]) == (4, 5)


def test_a_profile_in_micrometres():
    """What the test against chance found, beside the edges of chance; no light at edges without a gain."""
    phase = blobs(3, 48)
    light = shot(1, 100.0 * phase)
    found = profile_at(light, phase, 1e-7, beam_range=4e-7)
    test = assess_boundary_profile(light, phase, pixel=1e-7, beam_range=4e-7, shifts=199)
    distance, ratio = found["profile"].curves["map"]
    assert distance == pytest.approx(1e6 * test.extra["distance"]) and np.array_equal(
        ratio, test.extra["profile"]
    )
    for name in ("low", "high"):
        assert np.array_equal(found["profile"].curves[f"chance, {name}"][1], test.extra[name])
    assert (float(found["excess"]), found["excess"].uncertainty) == (test.statistic, np.std(test.null))
    assert float(found["p"]) == test.p_value
    edges = profile_at(light, phase, 1e-7, edge_gain=0.5)
    known = assess_boundary_profile(
        light, phase, pixel=1e-7, beam_range=3e-7, out_coupling=(0.5, 5e-7), shifts=199
    )
    assert float(edges["excess"]) == known.statistic
