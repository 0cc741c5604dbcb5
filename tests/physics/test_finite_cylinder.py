"""A cylinder with ends: Brandt's full screening, the long one's closed form, and what ends do to half screening."""

from functools import cache

import numpy as np
import pytest

from nbtools.physics import finite_cylinder as module
from nbtools.physics.bean_state import bean_susceptibility, half_screening_field, virgin_curve
from nbtools.physics.finite_cylinder import (
    finite_cylinder_susceptibility,
    finite_half_screening_field,
)

finite_cylinder = cache(module.finite_cylinder)  # solved once a shape


@pytest.fixture(autouse=True)
def solved_once(monkeypatch) -> None:
    monkeypatch.setattr(module, "finite_cylinder", finite_cylinder)


def brandt(aspect: float) -> float:
    """χ₀ of a cylinder with L/D = `aspect`: Brandt, PRB 64, 024505 (2001)."""
    q = 4 / (3 * np.pi) + 2 / (3 * np.pi) * np.tanh(1.27 * aspect * np.log(1 + 1 / aspect))
    return -(1 + q / aspect)


@pytest.mark.parametrize("aspect", [1.0, 2.0, 5.0])
def test_full_screening_is_brandts(aspect: float) -> None:
    """His fit is good to a percent for any shape, and better for these."""
    assert finite_cylinder(aspect).full_screening == pytest.approx(brandt(aspect), rel=3e-3)


@pytest.mark.parametrize("aspect", [1.0, 5.0])
def test_saturation_does_not_know_the_ends(aspect: float) -> None:
    """All current runs one way: M = −J_c a/3 whatever the length."""
    assert finite_cylinder(aspect).virgin_curve(10.0) == pytest.approx(-1 / 3, abs=1e-3)


def test_a_long_one_is_the_closed_form() -> None:
    """L/D = 20 against −x + x² − x³/3; its ends still add about a fortieth of their own."""
    x = np.array([0.2, 0.4, 0.6, 0.8, 1.0])
    ends = brandt(20.0) / -1 - 1
    difference = finite_cylinder(20.0).virgin_curve(x) / virgin_curve(x, "cylinder") - 1
    assert np.all(np.abs(difference) < ends)
    assert np.all(difference[:3] > 0)


def test_ends_move_half_screening() -> None:
    """The slope grows, saturation does not: half screening comes earlier, and at L/D = 5 by a tenth."""
    fields = [finite_half_screening_field(aspect) for aspect in (1.0, 5.0, 20.0)]
    assert fields == sorted(fields)
    assert fields[-1] < half_screening_field("cylinder")
    assert 0.50 < fields[1] < 0.58


def test_small_and_large_fields() -> None:
    """Full screening at first; at last 15/16 √x⁻³ of saturation, as of any sample whose current runs one way."""
    real = finite_cylinder_susceptibility(np.array([0.0, 1e-4, 100.0]), 5.0)
    assert real[:2] == pytest.approx(-1.0, abs=2e-2)
    long = bean_susceptibility(100.0, "cylinder")[0]
    assert real[2] == pytest.approx(float(long) / -finite_cylinder(5.0).full_screening, rel=0.25)


def test_a_finer_mesh_changes_little() -> None:
    """Half a thousandth of the saturation."""
    coarse, fine = (
        finite_cylinder(2.0, radial=n, axial=m).virgin_curve([0.2, 0.5, 0.8]) for n, m in ((14, 16), (20, 24))
    )
    assert np.max(np.abs(coarse - fine)) < 1e-3


@pytest.mark.parametrize("aspect", [0.0, 0.1, 50.0])
def test_other_shapes_are_refused(aspect: float) -> None:
    with pytest.raises(ValueError, match="length_over_diameter"):
        finite_cylinder(aspect)
