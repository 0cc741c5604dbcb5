"""Creep against Brandt's values, the ohmic metal, Bean's limit and its own scaling; Kim's state against Bean's."""

from importlib.resources import files
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from hatchling.build import build_wheel

from nbtools.physics.ac_response import eddy_susceptibility
from nbtools.physics.bean_state import bean_susceptibility
from nbtools.physics.creep import (
    INVERSE_EXPONENTS,
    REDUCED_FIELDS,
    TABLE,
    _Grid,
    creep_susceptibility,
    solve_creep,
)
from nbtools.physics.creep_table import creep_column
from nbtools.physics.kim_state import kim_susceptibility


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [(5, (-0.339631, 0.324750)), (21, (-0.448690, 0.264134)), (np.inf, (-0.5, 0.212207))],
)
def test_a_slab_at_full_penetration(exponent, expected):
    """h = J_c a and ωτ = 1, values of another solution (60 points)."""
    assert creep_susceptibility(1.0, exponent) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("geometry", ["slab", "cylinder"])
def test_the_ohmic_end_is_the_eddy_response(geometry):
    """n = 1: any amplitude, ωτ = 2(a/δ)²."""
    ratio = np.geomspace(0.2, 6, 8)
    ours = creep_susceptibility(np.full(8, 0.37), 1.0, reduced_frequency=2 * ratio**2, geometry=geometry)
    np.testing.assert_allclose(ours, eddy_susceptibility(ratio, geometry), atol=1e-3)


@pytest.mark.parametrize("geometry", ["slab", "cylinder", "square_bar"])
def test_the_other_end_is_bean(geometry):
    """n → ∞, at any frequency."""
    x = np.geomspace(0.01, 50, 20)
    ours = creep_susceptibility(x, 1e9, reduced_frequency=30.0, geometry=geometry)
    np.testing.assert_allclose(ours, bean_susceptibility(x, geometry), atol=1e-3)


def test_brandts_scaling():
    """χ depends on h and ω only through hⁿ⁻¹/ω."""
    n, factor = 5, 7.0
    one = creep_susceptibility([0.3, 1.0], n, reduced_frequency=1.0)
    other = creep_susceptibility(np.array([0.3, 1.0]) * factor, n, reduced_frequency=factor ** (n - 1))
    np.testing.assert_allclose(one, other, rtol=1e-9)


@pytest.mark.parametrize(("geometry", "exponent"), [("slab", 8.5), ("cylinder", 3.0)])
def test_the_table_is_its_solver(geometry, exponent):
    """Between the exponents of the table, against a finer solution in time."""
    u = np.array([0.1, 0.7, 3.0])
    ours = creep_susceptibility(u, exponent, reduced_frequency=1 / u, geometry=geometry)
    fine = solve_creep(u, exponent, geometry, cells=80, steps=400, cycles=3)
    np.testing.assert_allclose(ours, fine, atol=1.5e-3)


@pytest.mark.parametrize(
    ("geometry", "column"), [("slab", 0), ("slab", 6), ("cylinder", 8), ("cylinder", 11)]
)
def test_the_stored_table_is_what_its_script_makes(geometry, column):
    """Bean's end, two exponents, the metal's end: entries of the file against the function that made it."""
    rows = slice(None, None, 21)
    made = creep_column(INVERSE_EXPONENTS[column], geometry, REDUCED_FIELDS[rows])
    with files("nbtools.physics").joinpath(TABLE).open("rb") as file:
        stored = np.load(file)[geometry]
    np.testing.assert_allclose(made, stored[:, rows, column], atol=1e-6)


def test_a_built_wheel_brings_the_table(tmp_path, monkeypatch):
    """The build backend that pyproject.toml names packs the file."""
    monkeypatch.chdir(Path(__file__).parents[2])
    wheel = build_wheel(str(tmp_path))
    assert f"nbtools/physics/{TABLE}" in ZipFile(tmp_path / wheel).namelist()


def test_both_ends_of_the_field():
    """Full screening without field; nothing at large fields; finite between."""
    real, loss = creep_susceptibility(np.array([0.0, 1e-6, 1e-3, 1e3, 1e9]), 6)
    assert np.all(np.isfinite(real) & np.isfinite(loss))
    assert real[0] == pytest.approx(-1.0, abs=1e-6)
    assert abs(real[-1]) < 1e-6


@pytest.mark.parametrize(("exponent", "power"), [(5.0, 2.0), (np.inf, 1.5), (1.0, 2.0)])
def test_beyond_the_table(exponent, power):
    """Saturated, χ″ falls as 1/u; χ′ as u^(−3/2) in Bean's state and as u⁻² where any creep is left."""
    u = np.array([200.0, 2000.0])
    real, loss = creep_susceptibility(u, exponent, reduced_frequency=1 / u)
    assert real[0] / real[1] == pytest.approx(10**power) and loss[0] / loss[1] == pytest.approx(10)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"exponent": 0.5}, "from 1 to inf"),
        ({"exponent": 5, "reduced_frequency": 0.0}, "must be positive"),
        ({"exponent": 5, "geometry": "disk"}, "creep is known for"),
    ],
)
def test_what_is_refused(options, says):
    """Exponents below the ohmic one, no frequency, shapes that are not solved."""
    with pytest.raises(ValueError, match=says):
        creep_susceptibility(1.0, **options)


@pytest.mark.parametrize("geometry", ["slab", "cylinder"])
@pytest.mark.parametrize("bias", [0.0, 5.0])
def test_kim_without_field_dependence_is_bean(geometry, bias):
    """A large H₀, with a dc field or without."""
    x = np.geomspace(0.01, 100, 9)
    ours = kim_susceptibility(x, 1.0, kim_field=1e9, bias=bias, geometry=geometry)
    np.testing.assert_allclose(ours, bean_susceptibility(x, geometry), atol=1e-4)


def test_kim_under_a_large_bias_is_bean_with_the_current_there():
    """J_c0/(1 + bias/H₀) where the amplitude is small beside the bias."""
    x = np.geomspace(0.01, 20, 9)
    ours = kim_susceptibility(x * 1e-4, 1e-4, kim_field=1.0, bias=3.0, geometry="slab")
    np.testing.assert_allclose(ours, bean_susceptibility(4 * x, "slab"), atol=2e-4)


def test_kim_at_zero_bias_is_not_bean():
    """At zero field the current is strongest, so an amplitude of H₀ gets further in than a small one."""
    small, large = (kim_susceptibility(h, h, kim_field=1.0, geometry="slab")[0] for h in (1e-3, 1.0))
    assert small == pytest.approx(-0.5, abs=2e-3)
    assert large > small + 0.1


def test_the_shells_of_a_slab_and_of_a_cylinder():
    """Each node's share of the volume and the area between two of them, by hand for four nodes; the whole is one."""
    depth = np.array([0.0, 0.2, 0.6, 1.0])
    slab, rod = _Grid(depth, "slab"), _Grid(depth, "cylinder")
    assert slab.share == pytest.approx([0.1, 0.3, 0.4, 0.2]) and slab.area == pytest.approx([1, 1, 1])
    assert slab.volume == pytest.approx([0.3, 0.4, 0.2]) and slab.width == pytest.approx([0.2, 0.4, 0.4])
    # Within 1 − edge of the axis: 0.9, 0.6 and 0.2.
    assert rod.area == pytest.approx([0.9, 0.6, 0.2])
    assert rod.volume == pytest.approx([(0.81 - 0.36) / 2, (0.36 - 0.04) / 2, 0.04 / 2])
    assert rod.share == pytest.approx([0.19, 0.45, 0.32, 0.04])
