"""Planted powders come back from whole-pattern refinement, whatever profile, wavelength, cell or rate made them."""

import re

import numpy as np
import pytest
from powder_worlds import ANGLES, FOREIGN, PHASES, PLANTED, clean_pattern, refined, sticks

from nbtools.files.crystal import read_crystal
from nbtools.results import NotPossible
from nbtools.structure.powder_refinement import COMPUTED_CELL, fit_phase_fractions
from nbtools.structure.twin_powder import PowderWorld, expected_counts, scan_angles

WORLDS = {
    "plain": {},
    "no Kα2, not known": {"lines": ((1.540593, 1.0),)},
    "shifted cells and zero": {"zero": 0.05, "strains": {"MgO": 0.001, "MgB2": -0.003}},
    "zero off by 0.2°": {"zero": 0.2},
    "one wavelength, the mean": {"lines": ((1.5418, 1.0),)},
    "Lorentzian": {"lorentzian": 1.0},
    "Gaussian": {"lorentzian": 0.0},
    "wide": {"width": 0.3, "growing": 0.2},
    "few counts": {"peak": 500, "background": 20},
    "broader MgB2": {"broader": {"MgB2": 1.8}},
}


def pulls(found, planted):
    return np.array([(float(found[name]) - planted[name]) / found[name].uncertainty for name in planted])


@pytest.mark.parametrize("world", WORLDS)
def test_planted_weights_come_back(world):
    """Within 4 σ, with χ²ᵣ near one; R_wp is that of counting."""
    found = refined(3, **WORLDS[world])
    assert np.all(np.abs(pulls(found.weight_fractions, PLANTED)) < 4), found
    assert found.reduced_chi_square < 1.15 and found.unexplained < 0.05
    assert sum(found.weight_fractions.values()) == pytest.approx(1)
    assert found.rwp == pytest.approx(found.expected_rwp, rel=0.1)


def test_one_wavelength():
    """A monochromatic pattern, known to be: the strength of a line is the phase's alone."""
    counts = np.random.default_rng(15).poisson(clean_pattern(PLANTED, lines=((1.540593, 1.0),)))
    for options in ({"ratio": 0.0}, {"wavelengths": (1.540593e-10, 1.540593e-10)}):
        found = fit_phase_fractions(ANGLES, counts, PHASES, **options)
        assert (
            np.all(np.abs(pulls(found.weight_fractions, PLANTED)) < 4) and not found.parameters["ratio"].vary
        )


def test_cells_come_back():
    """Strains of 10⁻³ and −3·10⁻³ within 4 σ, though the zero is off as well."""
    found = refined(4, zero=0.05, strains={"MgO": 0.001, "MgB2": -0.003})
    for name, strain in (("MgO", 0.001), ("MgB2", -0.003)):
        a = found.lattices[name]["a"]
        planted = PHASES[name].lengths[0] * (1 + strain)
        assert abs(a - planted) < 4 * a.uncertainty and a.uncertainty < 1e-4 * planted


def test_without_noise_there_is_no_bias():
    """The mean pattern itself: every weight within 0.2 of the σ that counting would give it."""
    clean = clean_pattern(PLANTED)
    found = fit_phase_fractions(ANGLES, clean, PHASES, variance=clean)
    assert np.all(np.abs(pulls(found.weight_fractions, PLANTED)) < 0.2)


def test_volumes_and_moles_follow_the_weights():
    """vol = wt/ρ with the refined cells' densities; other densities on request; 4.38 formula units to one."""
    found = refined(5)
    specific = {name: float(found.weight_fractions[name]) / found.densities[name] for name in found.names}
    assert found.volume_fractions["MgB2"] == pytest.approx(specific["MgB2"] / sum(specific.values()))
    assert found.with_densities("handbook").volume_fractions["MgB2"] > found.volume_fractions["MgB2"]
    ratio = found.molar_ratio("MgO", "MgB2")
    assert abs(ratio - 4.381) < 4 * ratio.uncertainty


def test_a_phase_that_is_not_there():
    """No Mg planted: not detected, the limit small, its share zero or within its σ of it."""
    found = refined(6, {"MgO": 0.8, "MgB2": 0.2, "Mg": 0.0})
    assert "Mg" not in found.detected and found.weight_fractions["Mg"] >= 0
    assert 0 < found.upper_limits["Mg"] < 0.003
    [row] = [row for row in found.rows() if row.label.startswith("Mg ")]
    assert row.name == "upper_limit_Mg" and "not detected" in row.how


def test_texture_misleads_until_it_is_refined():
    """r = 0.7 planted: ignored, the misfit shows it and σ is widened; refined, weights and r come back."""
    world = PowderWorld(world="textured")
    counts = np.random.default_rng(8).poisson(expected_counts(world))
    blind = fit_phase_fractions(scan_angles(world), counts, PHASES)
    seeing = fit_phase_fractions(scan_angles(world), counts, PHASES, texture={"MgB2": (0, 0, 1)})
    assert blind.reduced_chi_square > 1.5 > 1.1 > seeing.reduced_chi_square
    assert blind.weight_fractions["MgB2"].uncertainty > 5 * seeing.weight_fractions["MgB2"].uncertainty
    assert blind.misses and not seeing.misses
    assert any("the model misses the pattern" in note for note in blind.notes())
    assert np.all(np.abs(pulls(seeing.weight_fractions, world.weights)) < 4)
    r = seeing.texture("MgB2")
    assert abs(r - world.texture) < 4 * r.uncertainty


def test_an_amorphous_part_is_not_seen():
    """A third of the boron phase without lines: a perfect fit, and weights that are those of the crystals alone."""
    world = PowderWorld(world="amorphous")
    counts = np.random.default_rng(9).poisson(expected_counts(world))
    found = fit_phase_fractions(scan_angles(world), counts, PHASES)
    assert found.reduced_chi_square < 1.1
    assert found.weight_fractions["MgB2"] < 0.16 < world.diboride
    assert any("amorphous" in note for note in found.notes())


def test_rates_are_told_from_counts():
    """Counts over 40 s, not whole numbers: same weights and σ as from the counts, and a sentence says so."""
    counts = np.random.default_rng(10).poisson(clean_pattern(PLANTED))
    whole, rate = (fit_phase_fractions(ANGLES, y, PHASES) for y in (counts, counts / 40))
    assert any("one count is 0.02" in sentence for sentence in rate.used)
    for name in PLANTED:
        assert rate.weight_fractions[name] == pytest.approx(whole.weight_fractions[name], abs=3e-4)
    ratio = rate.weight_fractions["MgB2"].uncertainty / whole.weight_fractions["MgB2"].uncertainty
    assert ratio == pytest.approx(1, abs=0.15)


def test_order_and_containers_do_not_matter():
    """Falling angles, the phases in another order: the same numbers."""
    counts = np.random.default_rng(11).poisson(clean_pattern(PLANTED))
    one = fit_phase_fractions(ANGLES, counts, PHASES)
    other = fit_phase_fractions(ANGLES[::-1], counts[::-1], dict(reversed(PHASES.items())))
    for name in PHASES:
        assert other.weight_fractions[name] == pytest.approx(one.weight_fractions[name], rel=1e-3)


def test_other_peoples_crystals(realdata):
    """MgO of 1925 and MgB2 from a DFT database, its cell 0.8 % off: the same composition within half a percent."""
    theirs = PHASES | {
        "MgO": read_crystal(realdata / "xrd/RaDMaX-online/MgO.cif"),
        "MgB2": read_crystal(realdata / "xrd/MgB2/MgB2.cif"),
    }
    counts = np.random.default_rng(12).poisson(clean_pattern(PLANTED))
    found = fit_phase_fractions(ANGLES, counts, theirs, reach={"MgB2": COMPUTED_CELL})
    assert any("MgB2: its cell is +0.8 % off its CIF" in note for note in found.used)
    assert found.weight_fractions["MgB2"] == pytest.approx(0.206, abs=0.005)
    assert found.lattices["MgB2"]["a"] == pytest.approx(3.086e-10, rel=1e-4, abs=0)


def other(**changes):
    return {
        "two_theta": ANGLES,
        "counts": np.full(ANGLES.size, 100) + np.arange(ANGLES.size) % 3,
        "phases": PHASES,
    } | changes


MISSING = np.where(np.arange(ANGLES.size) == 7, np.nan, 100.0)
BAD = [
    ({"counts": np.arange(10)}, "4501 angles and 10 counts came"),
    (
        {"two_theta": np.arange(10), "counts": np.arange(10)},
        "10 angles and 10 counts came; equally many, from 50",
    ),
    ({"counts": MISSING}, "1 of 4501 values of counts are not finite"),
    ({"counts": -np.ones(ANGLES.size)}, "4501 counts are below zero; give the raw pattern"),
    ({"counts": np.zeros(ANGLES.size)}, "all counts are 0"),
    ({"counts": ["a"] * ANGLES.size}, "counts holds list of mixed content; numbers"),
    ({"counts": np.ones((3, 3))}, r"counts has shape \(3, 3\)"),
    ({"two_theta": np.radians(ANGLES)}, "these look like radians"),
    ({"two_theta": ANGLES + 100}, "degrees between 0 and 180 were expected"),
    ({"two_theta": np.repeat(ANGLES[::2], 2)[: ANGLES.size]}, "angles stand twice"),
    ({"phases": {}}, "no phases came; give crystals"),
    ({"variance": np.zeros(ANGLES.size)}, "a variance is not positive"),
    ({"texture": {"Si": (0, 0, 1)}}, "texture is given for Si; the phases are MgO, MgB2, Mg"),
    ({"densities": "table"}, "densities is 'table'"),
    ({"wavelengths": (0.0, 0.0)}, "wavelength is 0; it must be positive"),
]


@pytest.mark.parametrize(("changes", "text"), BAD)
def test_bad_input(changes, text):
    """What came, what was expected, what to do."""
    with pytest.raises(ValueError, match=text):
        fit_phase_fractions(**other(**changes))


def test_a_phase_without_a_line_in_the_pattern():
    """From 50° to 55° MgO has none: it is named, with the range and the wavelength."""
    few = (ANGLES > 50) & (ANGLES < 55)
    with pytest.raises(
        NotPossible, match=r"MgO has no line between 50.02° and 55° at 1.5406 Å, so that its share"
    ):
        fit_phase_fractions(ANGLES[few], np.arange(few.sum()) + 5, PHASES)


@pytest.mark.parametrize("name", FOREIGN)
def test_a_pattern_of_something_else(name):
    """Crystals that are in no composite, two of them of MgO's own structure: no fraction, and their lines are named."""
    counts = np.random.default_rng(13).poisson(clean_pattern({name: 1.0}, angles=ANGLES[::2]))
    with pytest.raises(NotPossible, match="do not explain this pattern") as caught:
        fit_phase_fractions(ANGLES[::2], counts, PHASES)
    places, areas = sticks(name, 1.540593)
    inside = (places > ANGLES[0]) & (places < ANGLES[-1])
    strongest = places[inside][np.argmax(areas[inside])]
    named = [float(word) for word in re.findall(r"([\d.]+)°", str(caught.value))]
    assert min(abs(np.array(named) - strongest)) < 0.2


@pytest.mark.parametrize("share", [0.02, 0.4])
def test_something_else_beside_the_phases(share):
    """A little silicon is named and not counted; much of it leaves no fraction."""
    fractions = {"MgO": 0.8 * (1 - share), "MgB2": 0.2 * (1 - share), "Si": share}
    counts = np.random.default_rng(14).poisson(clean_pattern(fractions))
    if share > 0.1:
        with pytest.raises(NotPossible, match=r"lines of none of them carry more than 33 % of the area"):
            fit_phase_fractions(ANGLES, counts, PHASES)
        return
    found = fit_phase_fractions(ANGLES, counts, PHASES)
    assert abs(found.weight_fractions["MgB2"] - 0.2) < 3 * found.weight_fractions["MgB2"].uncertainty
    assert abs(found.missed[0] - 28.44) < 0.1
    assert any("no phase explains the lines at 28.4" in note for note in found.notes())


def test_noise_alone():
    """A flat pattern: none of the phases stands out."""
    counts = np.random.default_rng(13).poisson(200, ANGLES.size)
    with pytest.raises(NotPossible, match=r"none of them stands out of the noise|no phase is above zero"):
        fit_phase_fractions(ANGLES, counts, PHASES)


def test_lines_of_the_wrong_strength():
    """Plates that lie very flat: no MgB2 and the reason, until their texture is refined."""
    world = PowderWorld(world="textured", texture=0.5)
    counts = np.random.default_rng(8).poisson(expected_counts(world))
    blind = fit_phase_fractions(scan_angles(world), counts, PHASES)
    assert "MgB2" not in blind.detected and "not as strong as its structure says" in blind.doubts["MgB2"]
    assert not any(row.name == "weight_fraction_MgB2" for row in blind.rows())
    found = fit_phase_fractions(scan_angles(world), counts, PHASES, texture={"MgB2": (0, 0, 1)})
    assert np.all(np.abs(pulls(found.weight_fractions, world.weights)) < 4)


@pytest.mark.parametrize("name", ["NaCl", "ZnO", "NiO"])
def test_a_little_that_is_not_listed(name):
    """5 % of another crystal, one of MgO's own structure: the weights of the whole within 2 of their wider σ."""
    fractions = {"MgO": 0.76, "MgB2": 0.19, name: 0.05}
    counts = np.random.default_rng(16).poisson(clean_pattern(fractions))
    found = fit_phase_fractions(ANGLES, counts, PHASES)
    listed = {key: fractions[key] for key in ("MgO", "MgB2")}
    assert np.all(np.abs(pulls(found.weight_fractions, listed)) < 2)
    ratio = found.molar_ratio("MgO", "MgB2")
    assert ratio.uncertainty / ratio < found.weight_fractions["MgB2"].uncertainty / 0.19 + 0.05


def test_one_line_is_no_phase():
    """MgO beside something with a line at MgB2's strongest: no MgB2."""
    clean = clean_pattern({"MgO": 1.0}) + 3000 * np.exp(-4 * np.log(2) * ((ANGLES - 42.41) / 0.13) ** 2)
    found = fit_phase_fractions(ANGLES, np.random.default_rng(17).poisson(clean), PHASES)
    assert "MgB2" in found.doubts and found.detected == ("MgO",)


@pytest.mark.parametrize("name", ["ZnO"])
def test_a_refusal_does_not_hang_on_the_last_bits(name):
    """Patterns that no cell within reach fits: nothing runs away, and another machine names the same lines."""
    counts = np.random.default_rng(13).poisson(clean_pattern({name: 1.0})).astype(float)
    said = set()
    for seed in range(2):
        dust = 1 + 1e-13 * np.random.default_rng(seed).standard_normal(counts.size)
        with pytest.raises(NotPossible) as caught:
            fit_phase_fractions(ANGLES, counts, PHASES, variance=(counts + 1) * dust)
        said.add(str(caught.value))
    assert len(said) == 1


def test_a_cell_out_of_reach():
    """MgO 0.8 % larger than its CIF: another crystal, as its sentence says; with a CIF that may be off, found."""
    strained = clean_pattern({"MgO": 0.8, "MgB2": 0.2}, strains={"MgO": 0.008})
    counts = np.random.default_rng(18).poisson(strained)
    with pytest.raises(NotPossible, match=r"MgO: its cell would be \+0.4 % off its CIF"):
        fit_phase_fractions(ANGLES, counts, PHASES)
    found = fit_phase_fractions(ANGLES, counts, PHASES, reach={"MgO": COMPUTED_CELL})
    assert abs(found.weight_fractions["MgB2"] - 0.2) < 4 * found.weight_fractions["MgB2"].uncertainty
