"""Energies, ranges and the ways light takes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from nbtools.cathodoluminescence.model_centres import (
    FWHM,
    PAPER_CENTRES,
    edge_out_coupling,
    excitation_range,
    gaussian_band,
    photon_energy,
    second_order,
    seen_through_beam,
    tailed_band,
)

ENERGIES = {
    350: 3.542406,
    375: 3.306245,
    380: 3.262742,
    441: 2.811433,
    475: 2.610194,
    490: 2.530290,
    500: 2.479684,
}


def test_the_paper_s_wavelengths_in_electronvolts():
    """hc/λ, and back."""
    for nm, energy in ENERGIES.items():
        assert photon_energy(nm) == pytest.approx(energy, abs=1e-6)
    assert photon_energy(photon_energy(415.0)) == pytest.approx(415.0)
    assert [round(c.wavelength) for c in PAPER_CENTRES] == [375, 380, 441, 475, 490, 700]


def test_kanaya_and_okayama_in_mgo():
    """0.295 µm at 5 keV, 0.938 µm at 10 keV; nothing at rest."""
    assert_allclose(excitation_range([5e3, 10e3]), [0.294866e-6, 0.938305e-6], rtol=2e-6)
    assert excitation_range(0.0) == 0


def test_a_band_is_half_as_high_half_a_width_away():
    """FWHM is 2√(2 ln 2) standard deviations."""
    assert gaussian_band(2.5 + FWHM * 0.1, 4.0, 2.5, 0.2) == pytest.approx(2.0)


def test_a_tail_is_smooth_where_it_begins():
    """Value and slope of Gaussian and exponential meet at E₀ − w²/tail."""
    join = 3.5 - 0.2**2 / 0.5
    step = 1e-6
    three = tailed_band([join - step, join, join + step], 1.0, 3.5, 0.2, tail=0.5)
    assert three[2] - three[1] == pytest.approx(three[1] - three[0], rel=1e-4)
    assert tailed_band(1.5, 1.0, 3.5, 0.2, tail=0.5) > 100 * gaussian_band(1.5, 1.0, 3.5, 0.2)


def test_a_second_order_lies_at_twice_the_wavelength():
    """Twice as wide, with its share of the photons."""
    nm = np.linspace(300, 900, 6001)
    ghost = second_order(nm, np.exp(-0.5 * ((nm - 350) / 15) ** 2), share=0.3)
    assert nm[ghost.argmax()] == pytest.approx(700, abs=0.1)
    light = np.trapezoid(np.exp(-0.5 * ((nm - 350) / 15) ** 2), nm)
    assert np.trapezoid(ghost, nm) == pytest.approx(0.3 * light, rel=1e-3)
    assert second_order(nm, np.ones((2, 3, 6001)), share=0.3).shape == (2, 3, 6001)


def test_a_beam_keeps_light_and_blurs_it():
    """Without absorption the sum stays; with it, the dark phase gives that share less."""
    inside = np.zeros((40, 40), bool)
    inside[10:30, 10:30] = True
    plain = seen_through_beam(np.ones((40, 40)), inside, pixel=1e-7, beam_range=8e-7)
    assert plain.sum() == pytest.approx(inside.sum())
    dimmed = seen_through_beam(np.ones((40, 40)), inside, pixel=1e-7, beam_range=8e-7, absorption=0.5)
    assert_allclose(dimmed[~inside], 0.5 * plain[~inside])


def test_edges_fade():
    """1 + gain at the edge, 1 far from it."""
    assert_allclose(edge_out_coupling([0.0, 1.0], gain=0.8, length=1e-7), [1.8, 1.0])


@pytest.mark.parametrize("call", [lambda: photon_energy(0.0), lambda: gaussian_band(1.0, 1.0, 1.0, -0.1)])
def test_what_cannot_be_is_refused(call):
    """Zero wavelength, negative width."""
    with pytest.raises(ValueError, match="must be positive"):
        call()
