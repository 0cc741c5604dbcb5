"""One sweep over all models: finite output, of the argument's shape, at the ends of their domain."""

import numpy as np
import pytest

from nbtools.physics import (
    ac_response,
    demagnetisation,
    normal_metal,
    proximity,
    superconductor,
    two_phase_medium,
    upper_critical_field,
)
from nbtools.transport import model_gradiometer as gradiometer

KELVIN = np.array([[0.0, 1e-12, 1.0], [38.499999999, 38.5, 1e4]])
RATIO = np.array([[1e-6, 1e-3, 0.1], [1.0, 1e3, 1e6]])
SIZE = np.array([[0.0, 1e-12, 1e-3], [1.0, 1e3, 1e6]])
SHARE = np.array([[0.0, 1e-12, 1 / 3], [0.5, 1 - 1e-12, 1.0]])
FIELD = np.array([[-1e9, -1e3, 0.0], [1e-9, 1e3, 1e9]])
LAW = {"zero_temperature_field": 7.8e6, "critical_temperature": 38.5}
METAL = {"residual": 0.0, "amplitude": 1e-6, "debye_temperature": 880}
SURFACE = LAW | {"exponent": 1.23, "width": 0.4, "broadening_field": 4e6}
BAR = {"susceptibility": -1.14, "entry_field": 0.0, "full_field": 1e4}

MODELS = {
    "slab": (lambda x: ac_response.eddy_susceptibility(x, "slab"), SIZE),
    "cylinder in ac field": (
        lambda x: ac_response.eddy_susceptibility(x, "cylinder"),
        SIZE,
    ),
    "aharoni": (lambda x: demagnetisation.aharoni_factor(1, x, 1), RATIO),
    "prozorov": (lambda x: demagnetisation.prozorov_kogan_factor(1, 1, x), RATIO),
    "spheroid": (demagnetisation.spheroid_factor, RATIO),
    "shielded cylinder": (demagnetisation.cylinder_susceptibility, RATIO),
    "susceptibility": (lambda x: demagnetisation.susceptibility_from_factor(x), SHARE * (1 - 1e-9)),
    "scan": (lambda x: gradiometer.scan_voltage(x, mode="MPMS"), FIELD * 1e-6),
    "metal 1.1": (lambda x: normal_metal.bloch_gruneisen(x, exponent=1.1, **METAL), KELVIN),
    "metal 5": (lambda x: normal_metal.bloch_gruneisen(x, exponent=5, **METAL), KELVIN),
    "clean ξN": (lambda x: proximity.clean_normal_length(x, velocity=5e5), RATIO),
    "dirty ξN": (lambda x: proximity.dirty_normal_length(x, diffusivity=1e-4), RATIO),
    "bound": (two_phase_medium.hashin_shtrikman_bound, SHARE),
    "power law": (lambda x: upper_critical_field.power_law_field(x, exponent=0.3, **LAW), KELVIN),
    "parabolic": (lambda x: upper_critical_field.parabolic_field(x, **LAW), KELVIN),
    "orbital": (lambda x: upper_critical_field.orbital_field(x, **LAW), KELVIN),
    "two bands, slow π": (
        lambda x: upper_critical_field.two_band_field(x, diffusivity_ratio=1e-3, **LAW),
        KELVIN,
    ),
    "two bands, fast π": (
        lambda x: upper_critical_field.two_band_field(x, diffusivity_ratio=1e3, **LAW),
        KELVIN,
    ),
    "hc2": (superconductor.upper_critical_field, RATIO * 1e-8),
    "ξ": (superconductor.coherence_length, RATIO * 1e6),
    "hc1": (lambda x: superconductor.lower_critical_field(x, 1e-9), np.clip(RATIO, 1e-9, None)),
    "hc": (lambda x: superconductor.thermodynamic_field(x, 1e-8), RATIO),
    "jd": (lambda x: superconductor.depairing_current(x, 1e-8), RATIO),
    "dirty λ": (lambda x: superconductor.dirty_penetration_depth(x, 1e-21), RATIO),
    "edge": (superconductor.edge_barrier_factor, RATIO),
    "transition": (lambda x: superconductor.transition_fraction(x, midpoint=38, width=1e-9), KELVIN),
    "surface in T": (lambda x: superconductor.resistive_surface(x, 1e12, **SURFACE), KELVIN),
    "surface in H": (lambda x: superconductor.resistive_surface(0.0, x, **SURFACE), FIELD),
    "virgin": (lambda x: superconductor.virgin_magnetisation(x, **BAR), FIELD),
    "screening": (
        lambda x: superconductor.screening_fraction(x, critical_temperature=38.5, width=1e-6),
        KELVIN,
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_finite_at_its_limits(name):
    """No NaN, no infinity, no warning, and the shape that came."""
    model, argument = MODELS[name]
    for found in np.asarray(model(argument)).reshape(-1, *argument.shape):
        assert found.shape == argument.shape and np.all(np.isfinite(found))


@pytest.mark.parametrize("name", MODELS)
def test_numbers_stand_for_arrays(name):
    """A plain number gives what the same number gives inside an array."""
    model, argument = MODELS[name]
    alone = np.asarray(model(float(argument[1, 0])))
    assert alone == pytest.approx(np.asarray(model(argument))[..., 1, 0], rel=1e-12)
