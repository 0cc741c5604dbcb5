"""Magneto-optics under the hand: the fit of profiles finds what was planted, and the explorers answer."""

import numpy as np
import pytest

from nbtools import magneto_optics as mo
from nbtools.magneto_optics.model_profile import front, plate_profile
from nbtools.notebook.sample import open_sample
from nbtools.physics.current_sheet import strip_field


@pytest.fixture(scope="module")
def studied():
    sample = open_sample("magneto-optics-twin")
    flux = mo.study_flux(sample, record=False)
    return flux, mo.study_critical_current(sample, flux, record=False)


def test_bean_fits_the_profiles_at_33_kelvin(studied):
    """J_c within 3 % of 7.5e7 A/m², for all frames at once; letting Kim go changes little."""
    fit = mo.explore.flux_profile(*studied, ramp=-2)
    assert fit.values["critical_current"] == pytest.approx(7.5e7, rel=0.03)
    fit.set("kim", vary=True)
    fit.fit()
    assert fit.values["kim"] < 1.0


def test_kim_is_better_at_35_kelvin(studied):
    """AICc falls when the field dependence is let go, which is that of 1200 Oe within a factor of two."""
    fit = mo.explore.flux_profile(*studied)
    bean = fit.result.aic
    fit.set("kim", vary=True)
    fit.fit()
    assert fit.result.aic < bean - 10
    assert 0.5 / 0.12 < fit.values["kim"] < 2 / 0.12
    assert "the plate is full" in fit.summary()


def test_the_fit_is_a_script(studied):
    """It names the model and can be written down."""
    assert "plate_profile" in str(mo.explore.flux_profile(*studied).to_code())


def test_the_profile_beyond_the_last_state_is_the_full_plate():
    """Two states of a line: in between their mean, beyond them the full plate, the other way round."""
    x = np.linspace(-1, 1, 5)
    table = {"grid": x, "reduced": [0.0, 1.0], "states": [0 * x, -1 + x**2], "filled": 2 - 2 * x**2}
    field = 4e-7 * np.pi * 0.5 * 1e6  # half of what reaches the last state
    half = plate_profile(x, 1e6, applied=field, **table)
    np.testing.assert_allclose(half - field, 1e6 * 0.5 * (-1 + x**2))
    full = plate_profile(x, 1e6, applied=4 * field, offset=1.0, **table)
    np.testing.assert_allclose(full - 4 * field - 1, -1e6 * (2 - 2 * x**2))


def test_the_front_is_where_a_strip_has_no_field():
    """Inside the front of Brandt and Indenbom the field is nothing, outside it is not."""
    place = front(1e8, applied=0.01, half_width=1e-3, thickness=1e-4)
    strip = {"half_width": 1e-3, "applied": 0.01 / (4e-7 * np.pi), "sheet_current": 1e4}
    inside, outside = strip_field([0.99 * place, 1.01 * place], **strip)
    assert inside == 0 < outside


@pytest.mark.parametrize("name", ["ramp", "line", "inversion"])
def test_the_explorers_answer(studied, name):
    """Their numbers are finite where they start and at the ends of their sliders."""
    explorer = getattr(mo.explore, name)(studied[0])
    for key, (low, high) in ((k, p.ends) for k, p in explorer.current.parameters.items()):
        for value in (low, high):
            explorer.set(key, value=value)
            assert all(np.isfinite(number) for number in explorer.outcome.numbers.values()), key


def test_without_flux_there_is_nothing_to_fit(studied):
    """10 K: the widget is missing, with its reason."""
    assert "no flux has entered" in mo.explore.flux_profile(*studied, ramp=0).reason
