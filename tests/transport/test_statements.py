"""The paper's statements on transport and dc magnetisation: each can fail, and each recovery excludes a wrong world."""

import math
from dataclasses import replace

import pytest
from flips import changed, check_agreements, check_flip, flip_differences, printed, without_a_flip
from stored import differences

from nbtools import transport
from nbtools.notebook.sample import open_sample
from nbtools.paper import judge_statement, read_paper, registered, settle
from nbtools.paper.verdict import NO_DATA
from nbtools.physics.bean_state import virgin_curve
from nbtools.transport import statements
from nbtools.units import Quantity

OURS = {name: entry for name, entry in registered().items() if entry.place.startswith("nbtools.transport.")}
ON_DATA = [name for name, entry in OURS.items() if entry.rests_on == "data"]
NOT_JUDGED = {"RES-05": "input", "RES-10": NO_DATA, "MAG-10": "input", "GL-06": NO_DATA}

# A change of printed numbers that flips the verdict, the word it then has, and a change that does not flip it.
FLIPS = {
    "RES-03": ({"RES-03": [0.005]}, "agrees", {"RES-03": [0.3]}),
    "RES-06": ({"CMP-01": [20, 79.8, 0.2]}, "agrees", {"CMP-01": [60, 39.8, 0.2]}),
    "RES-07": ({"CMP-02": [59.6, 40, 0.4]}, "inconsistent", {"CMP-02": [70, 29.6, 0.4]}),
    "RES-08": ({"RES-08": [37.5, 37.1]}, "agrees", {"RES-08": [36.5, 37.0]}),
    "RES-09": ({"MAG-01": [39.0]}, "inconsistent", {"MAG-01": [38.45]}),
    "RES-11": ({"CMP-04": [95]}, "inconsistent", {"CMP-04": [70]}),
    "MAG-03": ({"MAG-03": [0.12]}, "agrees", {"MAG-03": [0.06]}),
    "MAG-04": ({"MAG-03": [0.2]}, "inconsistent", {"MAG-03": [0.07]}),
    "MAG-06": ({"GL-02": [60_000]}, "agrees", {"GL-02": [150]}),
    "MAG-08": ({"MAG-07": [500]}, "inconsistent", {"MAG-07": [760]}),
    "MAG-11": ({"AC-08": [1.6, 16, 60_000]}, "agrees", {"AC-08": [1.6, 16, 300]}),
    "GL-01": ({"MAG-09": [101.3, 0.23]}, "agrees", {"MAG-09": [97.0, 0.23]}),
    "GL-02": ({"MAG-07": [700]}, "inconsistent", {"MAG-07": [714]}),
    "GL-03": ({"GL-01": [6.2]}, "inconsistent", {"GL-01": [5.72]}),
    "GL-04": ({"MAG-07": [900]}, "inconsistent", {"MAG-07": [720]}),
    "GL-05": ({"RES-03": [0.005]}, "inconsistent", {"RES-03": [0.19]}),
}
ALSO = [
    ("RES-07", {"CMP-02": [89.6, 10, 0.4]}, "agrees"),
    ("RES-08", {"RES-08": [36.6, 38.8]}, "inconsistent"),
    ("GL-02", {"GL-01": [9.0]}, "inconsistent"),
    ("MAG-08", {"MAG-08": [700]}, "inconsistent"),
]


@pytest.fixture(scope="module")
def twin():
    return open_sample("transport-twin")


@pytest.fixture(scope="module")
def results(twin):
    return transport.study_all(twin)


@pytest.fixture(scope="module")
def rivals():
    return {
        world: transport.study_all(open_sample(f"transport-twin-{world}")) for world in ("two-step", "normal")
    }


def judge(name, results, twin, rivals, **planted):
    """The verdict on a statement, on the twin, with some of what was planted changed."""
    return judge_statement(name, results, origin="twin", planted={**twin.planted, **planted}, rivals=rivals)


def test_every_statement_of_this_notebook_has_a_function():
    """Those that the paper's file gives to notebook 03, and no other."""
    assert set(OURS) == {name for name, about in read_paper().items() if about.notebook == "03"}


def test_every_verdict_on_printed_numbers_has_a_flip():
    """All of them are in the table, but for what is only stated or needs another sample's data."""
    assert without_a_flip(OURS, FLIPS) == NOT_JUDGED


@pytest.mark.parametrize("name", FLIPS)
def test_one_change_flips_it_and_another_does_not(name):
    """The word changes with the printed numbers, and not with every one of them; so do number and basis."""
    check_flip(name, FLIPS[name])
    assert not flip_differences(name, FLIPS[name])


@pytest.mark.parametrize(("name", "changes", "word"), ALSO)
def test_a_second_way_to_flip_it(name, changes, word):
    """To the other side, or by the statement's own number."""
    assert changed(name, changes).word == word


def test_no_agreement_that_cannot_fail():
    """What agrees or follows is made inconsistent by the change of the table."""
    check_agreements(OURS, FLIPS)


def test_impossible_numbers_are_undecided():
    """No MgB2 at all, and a lower critical field beyond the upper one: the reason stands in the basis."""
    without = changed("RES-07", {"CMP-02": [99.6, 0.0, 0.4]})
    type_one = changed("GL-01", {"MAG-07": [200_000]})
    assert {without.word, type_one.word} == {"undecided"}
    assert "cannot be computed from these numbers" in without.basis
    assert "type-II" in type_one.basis


def test_the_current_that_brings_both_temperatures_together():
    """1.6 A/cm² through 1 mm² is 16 mA; Bean's bar, half screened at x = 0.62, carries 1/0.62 of it."""
    verdict = printed()["RES-08"]
    assert verdict.ours == "16 to 26 mA"
    assert changed("RES-08", {"AC-08": [16, 16, 160]}).ours == "160 to 258 mA"


def test_the_printed_lengths_and_fields_against_other_peoples_numbers():
    """The figures of the project's physics notes: ξ, λ, H_c and J_d, N of the bar, H_c1 at 10 K."""
    verdicts = printed()
    assert verdicts["GL-01"].ours == "5.7980 ± 0.0015 nm"
    assert verdicts["GL-02"].ours.startswith("77.63")
    assert verdicts["GL-04"].ours.startswith("5254 ± 46 Oe and (2.929")
    assert float(verdicts["MAG-03"].ours.split()[0]) == pytest.approx(0.1229, rel=0.003)
    assert verdicts["MAG-08"].ours.startswith("527.8")
    assert "664.9" in verdicts["MAG-08"].basis


def test_the_skin_that_screens_lets_through_what_it_should():
    """Put back into London's field in a long tube it gives the leak; thin against λ it is 2λ²(1/leak − 1)/R."""
    depth, radius, leak = 77.7e-9, 0.5e-3, 0.05
    wall = statements._screening_wall(depth, radius, leak)
    inside = 1 / (math.cosh(wall / depth) + radius / (2 * depth) * math.sinh(wall / depth))
    assert inside == pytest.approx(leak)
    assert wall == pytest.approx(2 * depth**2 * (1 / leak - 1) / radius, rel=0.001)


def test_the_phonons_of_clean_mgb2():
    """4.3 µΩ cm from 40 to 300 K, Θ = 880 K and m = 3 leave 0.364 µΩ cm at 100 K (the project's physics notes)."""
    tabulated = 4.3 * 1.036832e-2 / (1.23259e-1 - 6.77342e-4)
    found = statements._phonon_resistivity(100.0).to("uohm cm")
    assert abs(found - tabulated) < found.uncertainty < 0.1


def test_the_current_that_holds_the_flux():
    """At 16000 A/cm² Bean's bar lets 1 % of a change of 10 Oe through, on the way in as on the way out."""
    field, radius = Quantity(10, 0, "Oe").to("A/m"), 0.5e-3
    density = Quantity(float(printed()["MAG-11"].ours.split()[0]), 0, "A/cm^2").to("A/m^2")
    reduced = float(field) / (float(density) * radius)
    assert 1 + float(virgin_curve(reduced, "square_bar")) / reduced == pytest.approx(0.01, rel=0.01)


def test_the_share_of_mgb2_in_the_reaction_product():
    """One MgB2 and three MgO of 17.5 and 11.2 cm³/mol (X-ray densities 2.63 and 3.58 g/cm³) are 34 % MgB2."""
    share = float(printed()["RES-11"].ours.split()[0]) / 100
    assert share == pytest.approx(1 / (1 + 3 * (40.304 / 3.58) / (45.926 / 2.63)), abs=0.01)


# On data --------------------------------------------------------------------------------------

FOUND = {
    **dict.fromkeys(("RES-01", "RES-02", "RES-04", "MAG-01", "MAG-05", "MAG-07", "MAG-09"), "recoverable"),
    "MAG-02": "not discriminating",  # σ of the plateau: volume and remanence
}


@pytest.mark.parametrize("name", ON_DATA)
def test_what_the_twin_gives(name, results, twin, rivals):
    """The planted value comes back and wrong worlds are excluded, among them one that was recorded and estimated."""
    verdict = judge(name, results, twin, rivals)
    assert verdict.word == FOUND[name], verdict.basis
    excluded = verdict.basis.rpartition("excluded: ")[2]
    assert "normal metal" in excluded or "granular" in excluded
    assert verdict.planted and verdict.origin == "twin"


@pytest.mark.parametrize("name", ON_DATA)
def test_a_world_that_looks_the_same_is_not_excluded(name, results, twin):
    """Wrong worlds with the very results of the sample leave nothing recoverable."""
    verdict = judge(name, results, twin, {"two-step": results, "normal": results})
    assert verdict.word == "not discriminating"
    assert "not excluded" in verdict.basis


PLANTED = {
    "RES-01": "resistive_onset",
    "RES-02": "resistive_zero",
    "MAG-01": "magnetic_onset",
    "MAG-05": "field_cooled_fraction",
    "MAG-07": "lower_critical_field",
    "MAG-09": "upper_critical_field",
}


@pytest.mark.parametrize("name", PLANTED)
def test_another_truth_does_not_come_back(name, results, twin, rivals):
    """Had a third more been planted, the estimate would be biased."""
    verdict = judge(name, results, twin, rivals, **{PLANTED[name]: twin.planted[PLANTED[name]] * 4 / 3})
    assert verdict.word == "not discriminating" and "the bias is over" in verdict.basis


def test_two_planted_steps_are_not_one(results, twin, rivals):
    """The world that was planted is named, and did not come back."""
    verdict = judge("RES-04", results, twin, rivals, resistive_steps=2.0)
    assert (
        verdict.word == "not discriminating"
        and "the planted world (two steps) did not come back" in verdict.basis
    )


def test_the_papers_own_sample_can_agree_or_not(results):
    """Measured on the very sample, the same onset agrees, and one 1 K higher disagrees; of another it says nothing."""
    resistance = results["resistance"]
    shifted = replace(resistance, transition=replace(resistance.transition, onset=Quantity(39.4, 0.06, "K")))
    here = {"origin": "measured", "same_sample": True}
    assert judge_statement("RES-01", results, **here).word == "agrees"
    assert judge_statement("RES-01", {"resistance": shifted}, **here).word == "disagrees"
    assert judge_statement("RES-01", results, origin="measured").word == NO_DATA


# As stored -------------------------------------------------------------------------------------

SHOWN = {
    "resistance": "study_resistance(sample, criterion=TC_CRITERION)",
    "screening": "study_screening(sample)",
    "entry": "study_flux_entry(sample, screening",
    "upper": "study_upper_field(sample, resistance, criterion=CRITERION)",
    "lengths": "study_lengths(sample, entry, upper",
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_study_of_the_twin_says_what_the_notebook_shows(name, results):
    """Every quantity with its σ, unit and criterion, and every note."""
    assert not differences("03_transport", SHOWN[name], results[name])


def test_the_rival_and_the_gap_say_what_the_notebook_shows(twin, results, rivals):
    """Two steps, told from one; half screening above zero resistance."""
    assert not differences("03_transport", 'two_step["resistance"]', rivals["two-step"]["resistance"])
    gap = transport.study_temperature_gap(twin, results["resistance"], results["screening"], record=False)
    assert not differences("03_transport", "study_temperature_gap", gap)


@pytest.mark.parametrize("names", ["RES", "MAG", "GL"])
def test_the_verdicts_say_what_the_notebook_shows(names, twin, results, rivals):
    """Word, number, what it is compared with and every number of the basis."""
    assert not differences(
        "03_transport", f'settle(sample, "{names}"', settle(twin, names, results, rivals=rivals)
    )
