"""Eddy currents against printed peaks, low-frequency series and the strong skin effect."""

import numpy as np
import pytest
from scipy.constants import mu_0
from scipy.optimize import minimize_scalar

from nbtools.physics.ac_response import eddy_susceptibility


@pytest.mark.parametrize(
    ("geometry", "place", "loss", "in_phase"),
    [("slab", 1.127086, 0.417226560, -0.418366), ("cylinder", 1.778373, 0.377451810, -0.382613)],
)
def test_the_loss_peaks(geometry, place, loss, in_phase):
    """Place and height of the maximum of χ'', and χ' there, to the digits printed."""
    peak = minimize_scalar(
        lambda x: -eddy_susceptibility(x, geometry)[1],
        bounds=(0.5, 3),
        method="bounded",
        options={"xatol": 1e-8},
    )
    assert peak.x == pytest.approx(place, abs=2e-6)
    assert eddy_susceptibility(peak.x, geometry) == pytest.approx((in_phase, loss), rel=2e-6)


@pytest.mark.parametrize(("frequency", "loss"), [(1e3, 1.2337e-3), (10, 1.2337e-5)])
def test_the_normal_state_of_the_bar(frequency, loss):
    """ρ = 0.2 µΩ m, R = 0.5 mm at 1 kHz and 10 Hz, as printed."""
    skin_depth = np.sqrt(2 * 0.2e-6 / (mu_0 * 2 * np.pi * frequency))
    assert eddy_susceptibility(0.5e-3 / skin_depth, "cylinder")[1] == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize(
    ("geometry", "loss", "in_phase"), [("slab", 2 / 3, -8 / 15), ("cylinder", 1 / 4, -1 / 12)]
)
def test_a_thick_skin_gives_the_series(geometry, loss, in_phase):
    """χ'' = (2/3) x² and χ' = −(8/15) x⁴ for the slab, x²/4 and −x⁴/12 for the cylinder."""
    x = 0.03
    assert eddy_susceptibility(x, geometry) == pytest.approx((in_phase * x**4, loss * x**2), rel=2e-3)


@pytest.mark.parametrize(("geometry", "share"), [("slab", 0.5), ("cylinder", 1.0)])
def test_a_thin_skin_is_full_screening_less_its_own_share(geometry, share):
    """χ' → −1 + s δ/a and χ'' → s δ/a, with s = 1/2 of the slab and 1 of the cylinder."""
    thin = 1e4
    in_phase, loss = eddy_susceptibility(thin, geometry)
    assert (in_phase, loss) == pytest.approx((-1 + share / thin, share / thin), rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((1.0, "sphere"), 'geometry is \'sphere\'; it can be "slab" or "cylinder"'),
        ((-1.0, "slab"), "radius_over_skin_depth is -1; it cannot be negative"),
    ],
)
def test_impossible_input_is_refused(arguments, sentence):
    """The error names the argument, what came and what was expected."""
    with pytest.raises(ValueError, match=sentence):
        eddy_susceptibility(*arguments)
