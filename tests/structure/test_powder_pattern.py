"""Powder lines against gemmi and analytic limits: angles, strengths, profile, polarisation, texture."""

import dataclasses

import gemmi
import numpy as np
import pytest
from powder_worlds import PHASES, sticks

from nbtools.files.crystal import read_crystal
from nbtools.structure.model_powder_pattern import (
    COPPER,
    Instrument,
    PhaseState,
    RefinedPattern,
    gaussian,
    line_shift,
    line_width,
    lorentz_polarisation,
    lorentzian,
    march_dollase,
    phase_pattern,
    powder_lines,
    scattering_mass,
)

SHARP = Instrument(ratio=0.0, caglioti=(0.0, 0.0, 1e-4), mixing=(0.0, 0.0))


def bragg(lines, wavelength=COPPER[0]):
    return 2 * np.degrees(np.arcsin(wavelength * np.sqrt(lines.squared_inverse_spacing()) / 2))


@pytest.mark.parametrize("name", PHASES)
def test_lines_are_gemmis(name):
    """Angles and Σ|F|² LP/(ZMV) of every line, against structure factors, absences and families by gemmi."""
    crystal = PHASES[name]
    lines = powder_lines(crystal, 0.85e-10)
    order = np.argsort(bragg(lines))
    strength = (lines.strength * lorentz_polarisation(bragg(lines)))[order] / scattering_mass(crystal)
    places, areas = sticks(name, 1e10 * COPPER[0])
    assert bragg(lines)[order] == pytest.approx(places, abs=1e-6)
    assert strength / areas == pytest.approx(strength[0] / areas[0], rel=1e-6)


def test_phases_are_weighed_alike():
    """The unit in which areas over ZMV come is one for all phases: kg and m³ against daltons and Å³."""
    units = []
    for name, crystal in PHASES.items():
        lines = powder_lines(crystal, 0.85e-10)
        weighed = lines.strength * lorentz_polarisation(bragg(lines)) / scattering_mass(crystal)
        units.append(np.sum(weighed) / np.sum(sticks(name, 1e10 * COPPER[0])[1]))
    # ZMV holds Z molar masses in kg/mol: daltons × 10⁻³, and 10⁻³⁰ m³ to the Å³; gemmi's |F|² · 2 in LP.
    assert np.array(units) == pytest.approx(units[0], rel=1e-4)


def test_mg_101_stands_beside_mgo_111():
    """0.32° apart: why a trace of Mg is a limit."""
    first = bragg(powder_lines(PHASES["MgO"], 1e-10)).min()
    strongest = powder_lines(PHASES["Mg"], 1e-10)
    place = bragg(strongest)[np.argmax(strongest.strength * lorentz_polarisation(bragg(strongest)))]
    assert first - place == pytest.approx(0.32, abs=0.01)


def test_polarisation_at_right_angles():
    """At 2θ = 90° nothing of the polarised half is left: 1/(sin²45° cos45°), halved by a monochromator's (1 + K)."""
    assert lorentz_polarisation(90.0) == pytest.approx(2**1.5 / 2)
    polarised = np.cos(np.radians(26.6)) ** 2
    assert lorentz_polarisation(90.0, 26.6) == pytest.approx(2**1.5 / (1 + polarised))


@pytest.mark.parametrize("profile", [gaussian, lorentzian])
def test_profile_has_unit_area_and_its_width(profile):
    """∫ = 1 and half the height at half the width."""
    x = np.linspace(-2000, 2000, 4_000_001)
    assert np.sum(profile(x, 0.5)) * (x[1] - x[0]) == pytest.approx(1, abs=2e-4)
    assert profile(0.25, 0.5) == pytest.approx(profile(0.0, 0.5) / 2)


def test_width_follows_caglioti():
    """U + V + W at θ = 45°; size adds 1/cos²θ."""
    assert line_width(90.0, (0.03, 0.02, 0.01)) ** 2 == pytest.approx(0.06)
    assert line_width(90.0, (0.0, 0.0, 0.01), 0.02) ** 2 == pytest.approx(0.05)


@pytest.mark.parametrize("coefficient", [0.3, 0.7, 1.0, 1.8])
def test_texture_moves_strength_but_makes_none(coefficient):
    """The March–Dollase factor, averaged over the sphere, is one."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    assert weights @ march_dollase(nodes**2, coefficient) / 2 == pytest.approx(1, abs=1e-6)


def test_plates_strengthen_their_own_planes():
    """MgB2 lying flat: (002) by r⁻³, (100) by r^1.5, each against no texture."""
    lines = powder_lines(PHASES["MgB2"], 1.4e-10, axis=(0, 0, 1))
    factors = dict(zip(np.round(bragg(lines)), lines.texture(0.7), strict=True))
    assert factors[52.0] == pytest.approx(0.7**-3)
    assert factors[34.0] == pytest.approx(0.7**1.5)


def test_a_longer_cell_moves_lines_down():
    """Δ2θ = −2 ε tanθ to first order, per axis that the line knows of."""
    lines = powder_lines(PHASES["MgB2"], 1.4e-10)
    before = bragg(lines)
    moved = lines.squared_inverse_spacing((0.0, 1e-5))
    after = 2 * np.degrees(np.arcsin(COPPER[0] * np.sqrt(moved) / 2))
    pure_c = np.argmin(np.abs(before - 51.85))
    pure_a = np.argmin(np.abs(before - 33.50))
    assert after[pure_c] - before[pure_c] == pytest.approx(
        -2e-5 * np.degrees(np.tan(np.radians(before[pure_c] / 2))), rel=1e-3
    )
    assert after[pure_a] == pytest.approx(before[pure_a], abs=1e-12)


def test_displacement_and_zero_shift():
    """−2 s cosθ and a constant."""
    at = np.array([0.0, 120.0])
    shift = line_shift(at, Instrument(zero=0.1, displacement=1e-3))
    assert shift == pytest.approx(0.1 - 2 * np.degrees(1e-3) * np.array([1.0, 0.5]))


def test_kalpha_two_is_half_as_strong():
    """The area of a pattern with both lines is 1.5 times that with one, but for polarisation."""
    angle = np.arange(38.0, 48.0, 0.002)
    lines = powder_lines(PHASES["MgO"], 2.0e-10)
    one = phase_pattern(angle, lines, SHARP)
    both = phase_pattern(angle, lines, dataclasses.replace(SHARP, ratio=0.5))
    assert both.sum() / one.sum() == pytest.approx(1.5, rel=2e-3)
    assert one.sum() * 0.002 == pytest.approx(
        (lines.strength * lorentz_polarisation(bragg(lines)))[bragg(lines) > 40].sum(), rel=1e-6
    )


def test_limits_stay_finite():
    """Lines past 180°, no width, extreme texture and displacement: finite, not negative."""
    angle = np.linspace(1.0, 179.0, 2001)
    lines = powder_lines(PHASES["Mg"], 0.7e-10, axis=(0, 0, 1))
    for state in (
        PhaseState(texture=0.05),
        PhaseState(size=-1.0),
        PhaseState((0.5, 0.5)),
        PhaseState(displacement=1e-19),
    ):
        curve = phase_pattern(angle, lines, Instrument(), state)
        assert np.all(np.isfinite(curve)) and np.all(curve >= 0)


def test_a_large_cell(realdata):
    """A metal-organic framework of 162 atoms, from a file of its own: every spacing is one that gemmi has."""
    path = realdata / "xrd/xylib/1517474.cif"
    lines = powder_lines(read_crystal(path), 2.5e-10)
    cell = gemmi.read_small_structure(str(path)).cell
    known = {
        round(cell.calculate_d(hkl), 5)
        for hkl in gemmi.make_miller_array(cell, gemmi.SpaceGroup("P 1"), 2.4).tolist()
    }
    ours = {round(float(d), 5) for d in 1e10 / np.sqrt(lines.squared_inverse_spacing())}
    assert len(ours) > 30 and ours <= known


def test_too_many_reflections_are_refused():
    """A spacing far too small says how many there would be."""
    with pytest.raises(ValueError, match=r"too many reflections down to 0.001 Å"):
        powder_lines(PHASES["MgO"], 1e-13)


@pytest.mark.parametrize(
    ("axes", "strain", "volume"),
    [
        (("a",), (0.01,), 1.01**3),
        (("a", "c"), (0.01, 0.02), 1.01**2 * 1.02),
        (("a", "b", "c"), (0.01, 0.02, 0.03), 1.01 * 1.02 * 1.03),
    ],
)
def test_a_cell_expands_by_its_axes(axes, strain, volume):
    """Cubic by the third power, hexagonal by a²c, orthorhombic by abc."""
    lines = dataclasses.replace(powder_lines(PHASES["MgO"], 1e-10), axes=axes)
    model = RefinedPattern(
        PHASES, {"MgO": lines}, {"MgO": PhaseState(strain)}, SHARP, {"MgO": 1.0}, np.zeros(1), (20.0, 110.0)
    )
    assert model.expansion["MgO"] == pytest.approx(volume)
