"""Lines, widths and cells of a powder by hand: where a line ends, what the defaults say, what is a right angle."""

from dataclasses import dataclass

import numpy as np
import pytest
from powder_worlds import PHASES

from nbtools.structure import model_powder_pattern as pattern
from nbtools.structure.model_powder_pattern import Instrument, PhaseState, PowderLines, RefinedPattern


def one_line(sine, wavelength=1.5e-10, strength=100.0):
    """A cubic phase whose only line has this sin θ."""
    return PowderLines(
        "one",
        forms=np.array([[1.0]]),
        cell=np.array([(2 * sine / wavelength) ** 2]),
        axes=("a",),
        strength=np.array([strength]),
        member=np.array([0]),
        share=np.array([1.0]),
        tilt=np.array([0.3]),
    )


def test_the_instrument_to_start_from():
    """Copper's two lines, half as strong the second; 0.1° wide at 2θ = 0 and where tanθ = ½, √0.015° at 90°."""
    plain = Instrument()
    angle = np.array([0.0, 2 * np.degrees(np.arctan(0.5)), 90.0])
    assert pattern.line_width(angle, plain.caglioti) == pytest.approx([0.1, 0.1, np.sqrt(0.015)])
    assert plain.wavelengths == pytest.approx((1.54059e-10, 1.54443e-10), rel=1e-5, abs=0)
    assert plain.ratio == 0.5 and plain.mixing == (0.5, 0.0)
    assert pattern.line_shift([30.0, 100.0], plain).tolist() == [0, 0]


def test_a_phase_as_its_cif_has_it():
    """No strain, no further width or displacement, no texture."""
    lines, angle, instrument = one_line(0.4), np.linspace(40, 60, 300), Instrument()
    plain = pattern.phase_pattern(angle, lines, instrument)
    stated = PhaseState(strain=(0.0,), size=0.0, displacement=0.0, texture=1.0)
    assert np.array_equal(plain, pattern.phase_pattern(angle, lines, instrument, stated))
    assert lines.squared_inverse_spacing() == pytest.approx([(0.8 / 1.5e-10) ** 2])
    assert lines.texture(1.0) == pytest.approx([1.0])


@pytest.mark.parametrize(("sine", "stands"), [(0.97, True), (0.9998, True), (0.99995, False), (1.05, False)])
def test_the_last_angle_at_which_a_line_is_computed(sine, stands):
    """sin θ up to 0.9999, at 2θ = 178.4°: beyond it the Lorentz factor has no end."""
    angle = np.linspace(140.0, 179.9, 2000)
    instrument = Instrument(wavelengths=(1.5e-10,) * 2, ratio=0.0, caglioti=(0.0, 0.0, 0.04))
    assert np.any(pattern.phase_pattern(angle, one_line(sine), instrument) > 0) == stands


def test_where_a_lorentzian_tail_ends():
    """Sixty full widths to either side."""
    angle = np.arange(20.0, 80.0, 0.01)
    instrument = Instrument(
        wavelengths=(1.5e-10,) * 2, ratio=0.0, caglioti=(0.0, 0.0, 0.04), mixing=(1.0, 0.0)
    )
    seen = angle[pattern.phase_pattern(angle, one_line(np.sin(np.radians(25.0))), instrument) > 0]
    assert seen[[0, -1]] == pytest.approx([50 - 12, 50 + 12], abs=0.011)


def test_a_gaussian_is_whole():
    """To a part in 10⁹ of its height three widths away, and of its area."""
    angle = np.arange(48.0, 52.0, 0.01)
    instrument = Instrument(
        wavelengths=(1.5e-10,) * 2, ratio=0.0, caglioti=(0.0, 0.0, 0.04), mixing=(0.0, 0.0)
    )
    found = pattern.phase_pattern(angle, one_line(np.sin(np.radians(25.0))), instrument)
    lp = (1 + np.cos(np.radians(50)) ** 2) / 2 / np.sin(np.radians(25)) ** 2 / np.cos(np.radians(25))
    assert np.sum(found) * 0.01 == pytest.approx(100 * lp, rel=1e-9)
    expected = 100 * lp * 2 * np.sqrt(np.log(2) / np.pi) / 0.2 * 16.0 ** -(((angle - 50) / 0.2) ** 2)
    near = np.abs(angle - 50) < 0.7
    assert found[near] == pytest.approx(expected[near], rel=1e-9)


@dataclass
class Cell:
    """A cell of any shape."""

    lengths: tuple = (4e-10, 4e-10, 5e-10)
    angles: tuple = (np.pi / 2,) * 3


@pytest.mark.parametrize(
    ("angles", "lengths", "axes"),
    [
        ((0.9e-5, 0, 0), (4.0, 4.4, 5.0), ("a", "b", "c")),
        ((1.5e-5, 0, 0), (4.0, 4.4, 5.0), ("a",)),
        ((0, -1.5e-5, 0), (4.0, 4.4, 5.0), ("a",)),
        ((0, 0, 1.5e-5), (4.0, 4.0, 5.0), ("a",)),
        ((0, 0, 0), (4.0, 4.0 * (1 + 0.9e-5), 5.0), ("a", "c")),
        ((0, 0, 0), (4.0, 4.0 * (1 + 1.5e-5), 5.0), ("a", "b", "c")),
        ((0, 0, 0), (4.0, 4.0, 4.0 * (1 + 1.5e-5)), ("a", "c")),
        ((0, 0, np.pi / 6 + 1.0e-4), (4.0, 4.0, 5.0), ("a", "c")),
        ((0, 0, np.pi / 6 + 1.7e-4), (4.0, 4.0, 5.0), ("a",)),
        ((0, 1e-3, np.pi / 6), (4.0, 4.0, 5.0), ("a",)),
        ((0, 0, np.pi / 6), (4.0, 4.3, 5.0), ("a",)),
        ((0, 0, -np.pi / 6), (4.0, 4.0, 5.0), ("a",)),
    ],
)
def test_how_nearly_a_cell_must_be_of_its_system(angles, lengths, axes):
    """A part in 10⁵ of a length or of the cosine of a right angle, one in 10⁴ of that of 120°."""
    cell = Cell(tuple(1e-10 * np.array(lengths)), tuple(np.pi / 2 + np.array(angles)))
    assert pattern._free_metric(cell)[1] == axes


def test_a_hexagonal_cell_by_hand():
    """1/d² = 4/3 (h² + hk + k²)/a² + l²/c²."""
    lines = pattern.powder_lines(PHASES["MgB2"], 1.1e-10)
    a, _, c = PHASES["MgB2"].lengths
    assert lines.cell == pytest.approx([4 / 3 / a**2, 1 / c**2])
    assert {tuple(form) for form in lines.forms.tolist()} >= {(1, 0), (0, 1), (3, 0), (1, 1), (0, 4)}
    stretched = lines.squared_inverse_spacing((0.02, -0.01))
    at = lines.forms.tolist().index([3.0, 1.0])
    assert stretched[at] == pytest.approx(4 / (1.02 * a) ** 2 + 1 / (0.99 * c) ** 2)
    assert lines.squared_inverse_spacing(0.02)[at] == pytest.approx((4 / a**2 + 1 / c**2) / 1.02**2)


def test_lines_of_a_cubic_cell_carry_all_their_planes():
    """MgO 111, 200 and 220 by 8, 6 and 12 planes of 4 (f₁ ± f₂) each; their tilt to (001) is l²/(h² + k² + l²)."""
    lines = pattern.powder_lines(PHASES["MgO"], 1.4e-10, axis=(0, 0, 1))
    strong = {int(form[0]): i for i, form in enumerate(lines.forms) if lines.strength[i] > 1e-3}
    assert set(strong) == {3, 4, 8}
    for square, planes, tilts in (
        (3, 8, [1 / 3] * 8),
        (4, 6, [0.0] * 4 + [1.0] * 2),
        (8, 12, [0.0] * 4 + [0.5] * 8),
    ):
        own = lines.member == strong[square]
        assert np.sum(own) == planes
        assert np.sort(lines.tilt[own]) == pytest.approx(tilts, abs=1e-9)
        assert lines.share[own] == pytest.approx(np.full(planes, 1 / planes))


def two_phases(masses=(3.0, 1.0), scales=(2.0, 5.0)):
    """A refined pattern of two phases of one line, each with its own texture."""
    names = ("one", "other")
    lines = {name: one_line(sine) for name, sine in zip(names, (0.4, 0.45), strict=True)}
    states = {"one": PhaseState((0.01,), texture=0.8), "other": PhaseState((0.0,), size=0.03, texture=1.3)}
    crystals = {name: PHASES[key] for name, key in zip(names, ("MgO", "Mg"), strict=True)}
    instrument = Instrument(zero=0.04, displacement=2e-3, caglioti=(0.02, -0.01, 0.03))
    return RefinedPattern(
        crystals,
        lines,
        states,
        instrument,
        dict(zip(names, scales, strict=True)),
        np.array([4.0, 1.5]),
        (30.0, 70.0),
    )


def test_places_of_lines_with_a_shifted_zero():
    """2θ by λ/2d of the strained cell, moved by the zero and by the sample's displacement."""
    sine = 0.4 / 1.01 * two_phases().instrument.wavelengths[0] / 1.5e-10
    place = 2 * np.degrees(np.arcsin(sine)) + 0.04 - 2 * np.degrees(2e-3) * np.sqrt(1 - sine**2)
    assert two_phases().line_positions("one") == pytest.approx([place])


def test_a_texture_only_where_it_is_asked_for():
    """The refined one, or another for the one phase that is named; a zero is added to the refined one."""
    model, angle = two_phases(), np.linspace(40, 65, 400)
    lines, states = model.lines, model.states
    plain = model.components(angle, texture={"other": 0.6})
    assert plain["one"] == pytest.approx(
        2 * pattern.phase_pattern(angle, lines["one"], model.instrument, states["one"])
    )
    other = PhaseState((0.0,), size=0.03, texture=0.6)
    assert plain["other"] == pytest.approx(
        5 * pattern.phase_pattern(angle, lines["other"], model.instrument, other)
    )
    moved = model.components(angle, zero=0.1, broader=1.5)["other"]
    wider = Instrument(zero=0.14, displacement=2e-3, caglioti=tuple(2.25 * np.array([0.02, -0.01, 0.03])))
    state = PhaseState((0.0,), size=2.25 * 0.03, texture=1.3)
    assert moved == pytest.approx(5 * pattern.phase_pattern(angle, lines["other"], wider, state))


def test_weights_need_not_sum_to_one_nor_name_each_phase():
    """3 : 1 by weight is three quarters; a phase without a weight has none. The mass in the beam stays."""
    model, angle = two_phases(), np.linspace(40, 65, 400)
    volume = 1.01**3
    masses = {
        "one": pattern.scattering_mass(PHASES["MgO"]) * volume,
        "other": pattern.scattering_mass(PHASES["Mg"]),
    }
    beam = 2 * masses["one"] + 5 * masses["other"]
    base = model.components(angle)
    found = model.components(angle, weights={"one": 3.0, "other": 1.0})
    assert found["one"] == pytest.approx(0.75 * beam / masses["one"] / 2 * base["one"])
    assert found["other"] == pytest.approx(0.25 * beam / masses["other"] / 5 * base["other"])
    alone = model.components(angle, weights={"other": 0.4})
    assert not alone["one"].any()
    assert alone["other"] == pytest.approx(beam / masses["other"] / 5 * base["other"])


@pytest.mark.parametrize(("planes", "refused"), [(4990, True), (5010, False)])
def test_planes_are_counted_in_a_sphere(planes, refused, monkeypatch):
    """4π/3 of the cell's volume over d³, times its atoms: of MgO, eight, to one side and the other of the limit."""
    monkeypatch.setattr(pattern, "LARGEST", planes)
    crystal = PHASES["MgO"]
    spacing = (8 * 4 * np.pi / 3 * crystal.volume / 5000) ** (1 / 3)
    if refused:
        with pytest.raises(ValueError, match="too many reflections"):
            pattern.powder_lines(crystal, spacing)
    else:
        assert len(pattern.powder_lines(crystal, spacing)) > 5


def test_a_spacing_that_no_plane_has():
    """MgO has none beyond 2.432 Å, its 111: no line, of any strength."""
    for axis in (None, (0, 0, 1)):
        lines = pattern.powder_lines(PHASES["MgO"], 2.44e-10, axis=axis)
        assert (
            len(lines) == len(lines.strength) == len(lines.member) == len(lines.share) == len(lines.tilt) == 0
        )
        assert not pattern.phase_pattern(np.linspace(20, 80, 50), lines, Instrument()).any()
    assert len(pattern.powder_lines(PHASES["MgO"], 2.42e-10)) == 1
