"""One number and one σ, whether a study's table says it or the widget beside it."""

import numpy as np
import pytest
from nbtools.widgets.transport import fit_resistivity

from nbtools.models.normal_metal import bloch_gruneisen
from nbtools.transport import study_resistance
from nbtools.units import Quantity


def study(misfit: float, *, geometry: Quantity | None = None):
    """A warming curve with a transition at 38 K, and a hump that no Bloch–Grüneisen law has."""
    t = np.linspace(20, 300, 400)
    law = bloch_gruneisen(t, residual=1.7e-7, amplitude=2.9e-6, debye_temperature=880.0, exponent=3.0)
    signal = law * (1 + misfit * np.sin(t / 30)) / (1 + np.exp(-(t - 38) / 0.2))
    signal = signal + 2e-11 * np.random.default_rng(1).normal(size=t.size)
    return study_resistance({"warming": (t, signal / 1e-2)}, geometry=geometry or Quantity(1e-2, 0.0, "m"))


@pytest.mark.parametrize("misfit", [0.0, 3e-3])
def test_the_resistivity_is_one_number_in_table_and_widget(misfit: float) -> None:
    """Also where χ²ᵣ is far from one: σ is scaled in both, and the widget says by how much."""
    found = study(misfit)
    widget = fit_resistivity(found)
    params = widget.result.params
    for name in ("residual", "amplitude", "debye_temperature"):
        table = getattr(found.normal, name)
        assert abs(params[name].value - table) < 1e-2 * table.uncertainty
        assert params[name].stderr == pytest.approx(table.uncertainty, rel=1e-2)
    assert widget.result.redchi == pytest.approx(found.normal.reduced_chi_square, rel=1e-4)
    if misfit:
        assert widget.result.redchi > 10
        assert any("χ²ᵣ" in line and "scaled by its root" in line for line in widget.warnings)


def test_what_the_geometry_adds_to_the_table_is_said_by_the_widget() -> None:
    """The fit cannot know it."""
    found = study(0.0, geometry=Quantity(1e-2, 3e-4, "m"))
    assert "share 3 % from the geometry" in fit_resistivity(found).summary()
