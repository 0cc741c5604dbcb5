"""Powder lines against gemmi and analytic limits: angles, strengths, profile, polarisation, texture."""

import dataclasses

import gemmi
import numpy as np
import pytest
from powder_worlds import PHASES, cif, sticks

from nbtools.files.crystal import read_crystal
from nbtools.structure import model_powder_pattern
from nbtools.structure.model_powder_pattern import (
    COPPER,
    Instrument,
    PhaseState,
    PowderLines,
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


@pytest.mark.parametrize("name", ["TiO2", "ZnO", "SiO2"])
def test_lines_of_lower_symmetry_are_gemmis(name, tmp_path):
    """Rutile is tetragonal: its two lengths, in metres, are not equal within any tolerance that suits ångström."""
    (tmp_path / "theirs.cif").write_text(cif(name), encoding="utf-8")
    lines = powder_lines(read_crystal(tmp_path / "theirs.cif"), 1e-10)
    seen = lines.strength > 1e-6 * lines.strength.max()
    places, areas = sticks(name, 1e10 * COPPER[0])
    places, which = np.unique(np.round(places[places < bragg(lines).max() + 1e-6], 6), return_inverse=True)
    areas = np.bincount(which, areas[: which.size])
    order = np.argsort(bragg(lines)[seen])
    assert bragg(lines)[seen][order] == pytest.approx(places, abs=1e-5)
    strength = (lines.strength * lorentz_polarisation(bragg(lines)))[seen][order]
    strong = areas > 0.05 * areas.max()
    assert (strength / areas)[strong] == pytest.approx(strength.sum() / areas.sum(), rel=0.02)


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
    """At 2θ = 90° nothing of the polarised half is left: half of 1/(sin²45° cos45°)."""
    assert lorentz_polarisation(90.0) == pytest.approx(2**1.5 / 2)


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


# A phase of two lines by hand: d = 2 and 1.25 Å along a, the second textured, with a tilt of 30° and of 90°.
TWO = PowderLines(
    "by hand",
    forms=np.array([[1.0, 0.0], [2.0, 0.56]]),
    cell=np.array([0.25e20, 0.25e20]),
    axes=("a", "c"),
    strength=np.array([100.0, 60.0]),
    member=np.array([0, 1, 1]),
    share=np.array([1.0, 0.75, 0.25]),
    tilt=np.array([0.0, 0.75, 0.0]),
)


def test_a_pattern_of_two_lines_by_hand():
    """Areas m|F|² P exp(−B/2d²) LP, widths, mixing, shift and both wavelengths, summed point by point."""
    instrument = Instrument(
        wavelengths=(1.5e-10, 1.6e-10),
        ratio=0.4,
        zero=0.07,
        displacement=1e-3,
        caglioti=(0.03, 0.02, 0.05),
        mixing=(0.3, 0.2),
    )
    state = PhaseState((1e-3, -2e-3), size=0.01, displacement=0.8e-20, texture=0.7)
    angle = np.linspace(30, 90, 601)
    expected = np.zeros(601)
    inverse = TWO.forms @ (TWO.cell / (1 + np.array([1e-3, -2e-3])) ** 2)
    assert TWO.squared_inverse_spacing(state.strain) == pytest.approx(inverse)
    factors = [
        float(march_dollase(0.0, 0.7)),
        0.75 * march_dollase(0.75, 0.7) + 0.25 * march_dollase(0.0, 0.7),
    ]
    assert TWO.texture(0.7) == pytest.approx(factors)
    for wavelength, share in ((1.5e-10, 1.0), (1.6e-10, 0.4)):
        for strength, factor, inverse_square in zip(TWO.strength, factors, inverse, strict=True):
            theta = np.arcsin(wavelength * np.sqrt(inverse_square) / 2)
            place = np.degrees(2 * theta)
            lp = (1 + np.cos(2 * theta) ** 2) / 2 / (np.sin(theta) ** 2 * np.cos(theta))
            area = share * strength * factor * np.exp(-0.8e-20 * inverse_square / 2) * lp
            width = np.sqrt(
                0.03 * np.tan(theta) ** 2 + 0.02 * np.tan(theta) + 0.05 + 0.01 / np.cos(theta) ** 2
            )
            eta = 0.3 + 0.2 * place / 100
            off = angle - place - 0.07 + 2 * np.degrees(1e-3) * np.cos(theta)
            lorentz = 2 / (np.pi * width) / (1 + 4 * (off / width) ** 2)
            gauss = 2 * np.sqrt(np.log(2) / np.pi) / width * np.exp(-4 * np.log(2) * (off / width) ** 2)
            lorentz[np.abs(off) > 60 * width] = 0
            expected += area * (eta * lorentz + (1 - eta) * gauss)
    found = phase_pattern(angle, TWO, instrument, state)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-9 * expected.max())
    assert len(TWO) == 2


def model():
    """Two phases of the two lines, one of them with a texture and a further width."""
    states = {"one": PhaseState((0.01, 0.02), size=0.02), "other": PhaseState((0.0, 0.0))}
    crystals = {"one": PHASES["MgB2"], "other": PHASES["Mg"]}
    scales = {"one": 2.0, "other": 3.0}
    return RefinedPattern(
        crystals,
        dict.fromkeys(crystals, TWO),
        states,
        SHARP,
        scales,
        np.array([5.0, 2.0, 1.0]),
        (20.0, 100.0),
    )


def test_a_refined_pattern_is_its_parts():
    """Scales times patterns; wider, shifted and of another texture where that is asked; the ground by Chebyshev."""
    found, angle = model(), np.linspace(30, 90, 301)
    for name in ("one", "other"):
        plain = found.scales[name] * phase_pattern(angle, TWO, SHARP, found.states[name])
        assert found.components(angle)[name] == pytest.approx(plain)
    moved = dataclasses.replace(SHARP, zero=0.05, caglioti=(0.0, 0.0, 4e-4))
    wide = dataclasses.replace(found.states["one"], size=0.08, texture=0.5)
    parts = found.components(angle, zero=0.05, broader=2.0, texture={"one": 0.5})
    assert parts["one"] == pytest.approx(2.0 * phase_pattern(angle, TWO, moved, wide))
    assert parts["other"] == pytest.approx(3.0 * phase_pattern(angle, TWO, moved, found.states["other"]))
    x = np.array([-1.0, 0.0, 0.5])
    assert found.background(60 + 40 * x) == pytest.approx(5 + 2 * x + (2 * x**2 - 1))


def test_other_weights_of_as_much_mass():
    """Scale is weight over ZMV of the expanded cell; the mass in the beam stays."""
    found = model()
    angle = np.sort(np.concatenate([found.line_positions(name) for name in ("one", "other")]))
    masses = {
        "one": scattering_mass(PHASES["MgB2"]) * 1.01**2 * 1.02,
        "other": scattering_mass(PHASES["Mg"]),
    }
    assert found.masses == pytest.approx(masses, abs=0)  # around 1e-29
    scattered = PHASES["MgB2"]
    assert scattering_mass(scattered) == scattered.formula_units * scattered.molar_mass * scattered.volume
    beam = 2.0 * masses["one"] + 3.0 * masses["other"]
    parts = found.components(angle, weights={"one": 30.0, "other": 10.0})
    base = found.components(angle)
    assert parts["one"] == pytest.approx(0.75 * beam / masses["one"] / 2.0 * base["one"])
    assert parts["other"] == pytest.approx(0.25 * beam / masses["other"] / 3.0 * base["other"])
    below = dataclasses.replace(found, scales={"one": 2.0, "other": -1.0})
    assert below.components(angle, weights={"one": 1.0})["one"] == pytest.approx(base["one"])


def test_where_the_lines_of_a_phase_stand():
    """In rising order with the shift, of the first wavelength; the strongest within a range."""
    found = model()
    shifted = dataclasses.replace(found, instrument=dataclasses.replace(SHARP, zero=0.2))
    inverse = TWO.forms @ (TWO.cell / np.array([1.01, 1.02]) ** 2)
    places = np.sort(2 * np.degrees(np.arcsin(COPPER[0] * np.sqrt(inverse) / 2)))
    assert shifted.line_positions("one") == pytest.approx(places + 0.2)
    angle = np.arange(30.0, 90.0, 0.01)
    assert found.strongest_line("one", angle) == pytest.approx(places[0], abs=0.01)
    assert found.strongest_line("one", angle[angle > 60]) == pytest.approx(places[1], abs=0.01)
    far = dataclasses.replace(TWO, cell=np.array([0.25e20, 4e20]))  # the second line lies beyond 180°
    only = dataclasses.replace(found, lines={"other": far}, states={"other": PhaseState((0.0, 0.0))})
    assert len(only.line_positions("other")) == 1


@dataclasses.dataclass
class Cell:
    """One atom in a cell of any shape."""

    lengths: tuple
    angles: tuple = (np.pi / 2,) * 3
    name: str = "a cell"

    @property
    def volume(self):
        a, b, c = np.cos(self.angles)
        return np.prod(self.lengths) * np.sqrt(1 - a * a - b * b - c * c + 2 * a * b * c)


@pytest.mark.parametrize(
    ("lengths", "gamma", "axes"),
    [
        ((4e-10,) * 3, 90, ("a",)),
        ((4e-10, 4e-10, 5e-10), 90, ("a", "c")),
        ((4e-10, 4.5e-10, 5e-10), 90, ("a", "b", "c")),
        ((4e-10, 5e-10, 4e-10), 90, ("a", "b", "c")),
        ((4e-10, 4e-10, 5e-10), 120, ("a", "c")),
        ((4e-10, 4e-10, 5e-10), 110, ("a",)),
        ((4e-10, 4.5e-10, 5e-10), 120, ("a",)),
    ],
)
def test_the_free_numbers_of_a_cell(lengths, gamma, axes):
    """G* is their sum for every system; lower ones relax as a whole."""
    cell = Cell(lengths, (np.pi / 2, np.pi / 2, np.radians(gamma)))
    parts, names = model_powder_pattern._free_metric(cell)
    assert names == axes
    numbers = [model_powder_pattern._metric_number(cell, part) for part in parts]
    whole = sum(number * part for number, part in zip(numbers, parts, strict=True))
    a, b, _ = lengths
    vectors = np.array(
        [[a, 0, 0], b * np.array([np.cos(cell.angles[2]), np.sin(cell.angles[2]), 0]), [0, 0, lengths[2]]]
    )
    assert whole == pytest.approx(np.linalg.inv(vectors @ vectors.T), abs=1e12)


def test_axes_of_nearly_right_angles_and_equal_lengths():
    """A hundred-thousandth is none; a thousandth is a lower system."""
    right = lambda **more: model_powder_pattern._free_metric(Cell(**({"lengths": (4e-10,) * 3} | more)))[1]  # noqa: E731
    assert right(lengths=(4e-10, 4.00002e-10, 4e-10)) == ("a",)
    assert right(lengths=(4e-10, 4.0004e-10, 4e-10)) == ("a", "b", "c")
    assert right(angles=(np.pi / 2 + 5e-6, np.pi / 2, np.pi / 2), lengths=(4e-10, 4.4e-10, 5e-10)) == (
        "a",
        "b",
        "c",
    )
    assert right(angles=(np.pi / 2 + 1e-4, np.pi / 2, np.pi / 2), lengths=(4e-10, 4.4e-10, 5e-10)) == ("a",)


def test_how_many_reflections_a_cell_may_cost():
    """4.2 V/d³ of them times atoms, up to forty million: a shell of 4π/3 with a margin of nothing."""
    crystal = PHASES["MgO"]
    spacing = (4.2 * crystal.volume * len(crystal.elements) / 40e6) ** (1 / 3)
    with pytest.raises(
        ValueError, match=f"a cell of {1e30 * crystal.volume:.4g} Å³ with 8 atoms has too many reflections"
    ):
        powder_lines(crystal, 0.999 * spacing)
    assert not len(powder_lines(crystal, 1e-9))
    with pytest.raises(ValueError, match="wavelength"):
        Instrument(wavelengths=(1e-10, -1e-10))


def test_the_narrowest_width():
    """A thousandth of a degree, whatever U, V and W say."""
    assert line_width(60.0, (0.0, 0.0, -1.0)) == pytest.approx(1e-3)
    assert line_width(60.0, (0.0, 0.0, 0.04)) == pytest.approx(0.2)


def test_profiles_by_hand():
    """Heights at the middle, and the texture's factor along and across its axis."""
    assert lorentzian(0.0, 0.4) == pytest.approx(2 / np.pi / 0.4)
    assert gaussian(0.0, 0.4) == pytest.approx(2 * np.sqrt(np.log(2) / np.pi) / 0.4)
    assert march_dollase([1.0, 0.0, 0.5], 0.8) == pytest.approx([0.8**-3, 0.8**1.5, (0.32 + 0.625) ** -1.5])
    with pytest.raises(ValueError, match="coefficient is 0"):
        march_dollase(0.5, 0.0)
