"""Pixels and profiles under the hand, with no screen."""

import numpy as np
import pytest
from luminescence_worlds import CENTRES, ENERGY, band_map, blobs, shot

from nbtools.analysis.cathodoluminescence import EnergySpectra, fit_map
from nbtools.widgets.cathodoluminescence import explore_pixels, explore_profile, pixel_at


@pytest.fixture(scope="module")
def fitted():
    counts, centres, _ = band_map(1, shape=(6, 5))
    spectra = EnergySpectra(ENERGY, counts, counts + 1, ())
    names = dict(zip("abcd", CENTRES, strict=True))
    return spectra, fit_map(ENERGY, counts, names, variance=counts + 1), centres


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
    made = explore_pixels(*fitted[:2])
    made.set("x", value=1.0).set("y", value=4.0).set("band", value="without c")
    assert "without c" in str(made.arguments)
    assert made.face.plots
    assert not made.errors


def test_a_line_of_spectra_has_one_slider(fitted):
    """A map of one row: nothing to move across it, and a click sets the column."""
    counts, *_ = band_map(1, shape=(1, 5))
    spectra = EnergySpectra(ENERGY, counts, counts + 1, ())
    fit = fit_map(ENERGY, counts, dict(zip("abcd", CENTRES, strict=True)), variance=counts + 1)
    made = explore_pixels(spectra, fit)
    assert "y" not in made.arguments and made.fixed["y"] == 0
    made.face._clicked({"x": 2.0, "y": 0.4})
    assert made.arguments["x"] == 2 and not made.errors


def test_light_at_edges_under_the_hand():
    """More gain, less excess."""
    phase = blobs(3, 48)
    made = explore_profile(shot(0, 100.0 * phase), phase, pixel=1e-7)
    before = made.function(**made.fixed, **made.arguments)["excess"]
    after = made.function(**made.fixed, **(made.arguments | {"edge_gain": 1.0}))["excess"]
    assert after < before


def test_nothing_to_explore_is_said(fitted):
    """A map without a fitted pixel."""
    spectra, fit, _ = fitted
    from dataclasses import replace

    none = replace(fit, success=np.zeros_like(fit.success))
    with pytest.raises(ValueError, match="no pixel was fitted"):
        explore_pixels(spectra, none)
