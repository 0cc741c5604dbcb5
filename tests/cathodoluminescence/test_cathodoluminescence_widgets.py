"""Pixels and profiles under the hand, with no screen."""

import numpy as np
import pytest
from luminescence_worlds import CENTRES, ENERGY, WIDTHS, band_map, blobs, shot
from luminescence_worlds import bands as planted

from nbtools.cathodoluminescence.bands import fit_map, fit_spectrum
from nbtools.cathodoluminescence.explore import bands, pixel_at, pixels, profile
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
