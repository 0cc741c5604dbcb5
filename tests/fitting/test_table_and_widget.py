"""One number and one σ, whether a study's table says it or the widget beside it."""

import numpy as np
import pytest

from nbtools.physics.normal_metal import bloch_gruneisen
from nbtools.transport import estimate_resistance
from nbtools.transport.explore import resistivity as fit_resistivity
from nbtools.units import Quantity


def study(misfit: float, *, geometry: Quantity | None = None):
    """A warming curve with a transition at 38 K, and a hump that no Bloch–Grüneisen law has."""
    t = np.linspace(20, 300, 400)
    law = bloch_gruneisen(t, residual=1.7e-7, amplitude=2.9e-6, debye_temperature=880.0, exponent=3.0)
    signal = law * (1 + misfit * np.sin(t / 30)) / (1 + np.exp(-(t - 38) / 0.2))
    signal = signal + 2e-11 * np.random.default_rng(1).normal(size=t.size)
    return estimate_resistance({"warming": (t, signal / 1e-2)}, geometry=geometry or Quantity(1e-2, 0.0, "m"))


NAMES = ("residual", "amplitude", "debye_temperature")


def test_the_resistivity_is_one_number_in_table_and_widget() -> None:
    """Value and σ, scaled in both by what separates model and data."""
    found = study(0.0)
    widget = fit_resistivity(found)
    for name in NAMES:
        table, fitted = getattr(found.normal, name), widget.result.params[name]
        assert abs(fitted.value - table) < 1e-2 * table.uncertainty
        assert fitted.stderr == pytest.approx(table.uncertainty, rel=1e-2)
    assert widget.result.redchi == pytest.approx(found.normal.reduced_chi_square, rel=1e-4)


def test_a_bad_fit_is_seen_in_both() -> None:
    """The table gives the same values without σ, and why; the widget says by how much it scales its own."""
    found = study(3e-3)
    widget = fit_resistivity(found)
    for name in NAMES:
        table, fitted = getattr(found.normal, name), widget.result.params[name]
        assert fitted.value == pytest.approx(float(table), rel=1e-4)
        assert np.isnan(table.uncertainty)
    assert found.normal.undetermined
    assert widget.result.redchi == pytest.approx(found.normal.reduced_chi_square, rel=1e-4)
    assert widget.result.redchi > 10
    assert any("χ²ᵣ" in line and "scaled by its root" in line for line in widget.warnings)


def test_what_the_geometry_adds_to_the_table_is_said_by_the_widget() -> None:
    """The fit cannot know it."""
    found = study(0.0, geometry=Quantity(1e-2, 3e-4, "m"))
    assert "share 3 % from the geometry" in fit_resistivity(found).summary()
