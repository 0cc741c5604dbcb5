"""The Ginzburg–Landau lengths against the values that the formulas give by hand."""

import pytest
from uncertainties import ufloat

from nbtools.transport import CORE_TERM_HU, estimate_ginzburg_landau
from nbtools.units import Quantity, convert

HC1, HC2 = convert(713, "Oe", "A/m"), convert(97.9, "kOe", "A/m")


@pytest.mark.parametrize(
    ("core_term", "penetration_depth", "kappa"),
    [(0.0, 77.320736e-9, 13.335811), (CORE_TERM_HU, 85.827864e-9, 14.803069)],
)
def test_lengths_of_the_published_fields(core_term, penetration_depth, kappa):
    """713 Oe and 97.9 kOe give ξ = 5.798 nm and the λ of either convention."""
    found = estimate_ginzburg_landau(HC1, HC2, core_term=core_term)
    assert found.coherence_length == pytest.approx(5.797978e-9, rel=1e-6)
    assert found.penetration_depth == pytest.approx(penetration_depth, rel=1e-6)
    assert found.kappa == pytest.approx(kappa, rel=1e-6)


def test_thermodynamic_field_closes_the_circle():
    """√2 κ H_c is H_c2 again."""
    found = estimate_ginzburg_landau(HC1, HC2)
    assert 2**0.5 * found.kappa * found.thermodynamic_field == pytest.approx(HC2)


@pytest.mark.parametrize("as_number", [lambda v, s: Quantity(v, s, "A/m"), ufloat])
def test_uncertainties_travel(as_number):
    """2 % in H_c2 is 1 % in ξ; 2 % in H_c1 a little under 1 % in λ (ln κ moves too)."""
    found = estimate_ginzburg_landau(as_number(HC1, 0.02 * HC1), as_number(HC2, 0.02 * HC2))
    assert found.coherence_length.uncertainty / found.coherence_length == pytest.approx(0.01, rel=1e-3)
    relative = found.penetration_depth.uncertainty / found.penetration_depth
    step = estimate_ginzburg_landau(1.0001 * HC1, HC2).penetration_depth / found.penetration_depth - 1
    assert 200 * abs(step) < relative < 0.016


@pytest.mark.parametrize(("hc1", "hc2", "said"), [(-1.0, 10.0, "positive"), (10.0, 10.0, "type-II")])
def test_impossible_fields_are_refused(hc1, hc2, said):
    """Negative fields, or H_c1 too near H_c2, get a sentence."""
    with pytest.raises(ValueError, match=said):
        estimate_ginzburg_landau(hc1, hc2)
