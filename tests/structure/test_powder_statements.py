"""What the paper states on the composition: each verdict can fail, and the recovery excludes a wrong world."""

import pytest
from flips import changed, check_flip, printed

from nbtools.files.crystal import own_crystal
from nbtools.notebook.sample import open_sample
from nbtools.paper import judge_statement
from nbtools.structure.statements_powder import MOLAR_MASSES, X_RAY
from nbtools.structure.study_powder import study_composition

# A change of printed numbers that flips the verdict, the word it then has, and a change that does not flip it.
FLIPS = {
    "CMP-02": ({"CMP-01": [70, 29.8, 0.2]}, "inconsistent", {"CMP-01": [79.23, 20.57, 0.2]}),
    "CMP-03": ({"CMP-02": [60, 39.6, 0.4]}, "inconsistent", {"CMP-02": [71.0, 28.6, 0.4]}),
    "CMP-04": ({"CMP-05": [1.0]}, "inconsistent", {"CMP-05": [3.02]}),
    "CMP-05": ({"CMP-01": [72.3, 27.5, 0.2]}, "follows", {"CMP-01": [79.0, 20.8, 0.2]}),
    "CMP-06": ({"CMP-01": [60, 39.8, 0.2]}, "inconsistent", {"CMP-01": [78, 21.8, 0.2]}),
}


@pytest.mark.parametrize("name", FLIPS)
def test_one_change_flips_it_and_another_does_not(name):
    """The word changes with the printed numbers, and not with every one of them."""
    check_flip(name, FLIPS[name])


def test_the_printed_weights_against_arithmetic_done_by_hand():
    """73.13/26.49/0.38 vol%, 4.381 formula units, 34.6 vol% of the ideal product."""
    found = printed()
    assert found["CMP-02"].ours.startswith("73.125") and "26.495" in found["CMP-02"].ours
    assert found["CMP-05"].ours.startswith("4.381") and "34.6 %" in found["CMP-03"].basis


def test_the_magnesium_balance_follows_its_numbers():
    """(r + 1 + Mg)/4 − 1 = 35 % now; a product of 3 : 1 without metal has no excess, and no boron is missing."""
    assert "35.0" in printed()["CMP-06"].basis or "34.98" in printed()["CMP-06"].basis
    balanced = changed("CMP-06", {"CMP-01": [72.4, 27.6, 0.0]})
    assert balanced.word == "undecided" and "either fits" not in balanced.basis


def test_constants_are_those_of_the_crystals():
    """Densities of the cells and molar masses, as the CIFs have them."""
    for name, density in X_RAY.items():
        assert own_crystal(name).density == pytest.approx(density, rel=1e-3)
        assert 1e3 * own_crystal(name).molar_mass == pytest.approx(MOLAR_MASSES[name], rel=1e-3)


def test_the_weights_are_recovered_and_a_texture_is_excluded():
    """From the twin: within its σ, the textured world by its misfit; the amorphous one stands, by name."""
    twin = open_sample("powder-twin")
    rivals = {
        world: {"composition": study_composition(open_sample(f"powder-twin-{world}"), record=False)}
        for world in ("textured", "amorphous")
    }
    results = {"composition": study_composition(twin, record=False)}
    verdict = judge_statement("CMP-01", results, origin="twin", planted=twin.planted, rivals=rivals)
    assert verdict.word == "input" and abs(verdict.sigmas) < 3
    assert "not excluded: amorphous; excluded: textured" in verdict.basis
    moved = {**twin.planted, "weight_fraction_MgB2": 0.25}
    other = judge_statement("CMP-01", results, origin="twin", planted=moved, rivals=rivals)
    assert abs(other.sigmas) > 10
