"""The paper's statements on ac susceptibility and J_c: each can fail, and each recovery excludes a wrong world."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from flips import changed, check_agreements, check_flip, flip_differences, printed, without_a_flip
from scipy.constants import mu_0, pi
from stored import differences

from nbtools import ac_susceptibility
from nbtools.notebook.sample import open_sample
from nbtools.paper import judge_statement, read_paper, registered, settle
from nbtools.paper.verdict import NO_DATA
from nbtools.physics.proximity import largest_barrier
from nbtools.units import Quantity

OURS = {
    name: entry
    for name, entry in registered().items()
    if entry.place.startswith("nbtools.ac_susceptibility.")
}
ON_DATA = [name for name, entry in OURS.items() if entry.rests_on == "data"]
# Half screening where a three-halves law with T_c = 38.5 K has it, for currents ten times apart.
THREE_HALVES = [38.4, 38.04, 36.35]

# A change of printed numbers that flips the verdict, the word it then has, and a change that does not flip it.
FLIPS = {
    "AC-02": ({"MAG-02": [-1.3]}, "inconsistent", {"MAG-02": [-1.05]}),
    "AC-04": ({"AC-08": [3.2, 32, 320]}, "inconsistent", {"AC-08": [1.62, 16, 160]}),
    "AC-08": ({"AC-09": [0.31]}, "inconsistent", {"AC-09": [0.53]}),
    "AC-09": ({"AC-09": [0.31]}, "agrees", {"AC-09": [0.52]}),
    "AC-10": ({"AC-03": [36.9, 38.5]}, "inconsistent", {"AC-03": [37.6, 38.5]}),
    "AC-12": ({"AC-11": [37.0, 37.5]}, "agrees", {"AC-11": [37.0, 36.65]}),
    "AC-13": ({"RES-03": [0.02]}, "agrees", {"RES-03": [0.21]}),
    "AC-14": ({"MAG-01": [40.5]}, "inconsistent", {"MAG-01": [38.4]}),
    "AC-16": ({"AC-16": [37.1, 37, 36.9, 36.8]}, "agrees", {"AC-16": [37.8, 37, 36.7, 36]}),
    "JC-01": ({"AC-07": THREE_HALVES}, "agrees", {"AC-07": [37.1, 36.9, 36.62]}),
    "JC-02": ({"AC-07": THREE_HALVES}, "follows", {"AC-07": [37.1, 36.9, 36.62]}),
    "JC-03": ({"AC-08": [1.6, 155, 160]}, "inconsistent", {"AC-08": [1.6, 16, 170]}),
    "JC-04": ({"AC-07": THREE_HALVES}, "agrees", {"AC-07": [37.1, 36.9, 36.62]}),
    "JC-05": ({"JC-01": [2.0]}, "inconsistent", {"JC-01": [1.52]}),
    "JC-07": ({"GL-02": [21_000]}, "agrees", {"GL-02": [80]}),
    "JC-09": ({"MO-05": [3]}, "inconsistent", {"MO-05": [350]}),
    "JC-10": ({"JC-08": [36.5]}, "agrees", {"JC-08": [31]}),
    "PRX-02": ({"GL-02": [50_000]}, "inconsistent", {"GL-02": [80]}),
}
ALSO = [
    ("JC-01", {"JC-01": [4.0]}, "agrees"),
    ("JC-07", {"AC-08": [1.6, 16, 8e6]}, "agrees"),
    ("AC-14", {"AC-14": [36.7, 35, 1.5]}, "inconsistent"),
    ("AC-10", {"AC-07": [37.9, 36.9, 36.6]}, "inconsistent"),
]


@pytest.fixture(scope="module")
def twin():
    return open_sample("ac-twin")


def studied(sample):
    curves = ac_susceptibility.study_curves(sample, record=False)
    current = ac_susceptibility.study_current(sample, curves, record=False)
    loops = ac_susceptibility.study_loops(sample, record=False)
    return {
        "curves": curves,
        "rectangles": ac_susceptibility.study_rectangles(sample, curves, record=False),
        "state": ac_susceptibility.study_critical_state(sample, curves, record=False),
        "creep": ac_susceptibility.study_creep(sample, curves, record=False),
        "grains": ac_susceptibility.study_grains(sample, curves, record=False),
        "currents": current,
        "loops": loops,
        "law": ac_susceptibility.study_current_law(sample, [current, loops], record=False),
        "thermometer": sample.sigma("thermometer_offset"),
    }


@pytest.fixture(scope="module")
def results(twin):
    return studied(twin)


@pytest.fixture(scope="module")
def rivals():
    worlds = ("bean", "creep", "linear", "kim", "two-step")
    return {world: ac_susceptibility.study_all(open_sample(f"ac-twin-{world}")) for world in worlds}


def judge(name, results, twin, rivals, **planted):
    """The verdict on a statement, on the twin, with some of what was planted changed."""
    return judge_statement(name, results, origin="twin", planted={**twin.planted, **planted}, rivals=rivals)


def test_every_statement_of_this_notebook_has_a_function():
    """Those that the paper's file gives to notebook 05, and no other."""
    assert set(OURS) == {name for name, about in read_paper().items() if about.notebook == "05"}


def test_every_verdict_on_printed_numbers_has_a_flip():
    """All of them are in the table."""
    assert not without_a_flip(OURS, FLIPS)
    assert set(FLIPS) <= set(OURS)


@pytest.mark.parametrize("name", FLIPS)
def test_one_change_flips_it_and_another_does_not(name):
    """The word changes with the printed numbers, and not with every one of them; so do number and basis."""
    check_flip(name, FLIPS[name])
    assert not flip_differences(name, FLIPS[name])


@pytest.mark.parametrize(("name", "changes", "word"), ALSO)
def test_a_second_way_to_flip_it(name, changes, word):
    """By another printed number that the statement rests on."""
    assert changed(name, changes).word == word


def test_no_agreement_that_cannot_fail():
    """What agrees or follows is made inconsistent by the change of the table."""
    check_agreements(OURS, FLIPS)


def test_impossible_numbers_are_undecided():
    """A half-screening temperature above T_c leaves no junction and no law."""
    above = changed("PRX-02", {"AC-07": [39.0, 36.9, 36.6]})
    assert above.word == "undecided" and "cannot be computed" in above.basis


def test_printed_numbers_against_other_peoples():
    """The figures of the project's physics notes: full penetration by half screening, eddies, lengths, the plate."""
    verdicts = printed()
    assert float(verdicts["AC-09"].ours.split()[0]) == pytest.approx(0.620204 / 2, abs=1e-4)
    assert verdicts["JC-07"].ours.startswith("(2.929")
    assert float(verdicts["JC-09"].ours.split()[0]) == pytest.approx(4.2e3, rel=0.02)
    # A thin-skin-free rod: χ″ = (R/δ)²/4 for R ≪ δ, over Bean's 0.212.
    depth = math.sqrt(0.2e-6 / (pi * 1e3 * mu_0))
    assert 100 * (0.5e-3 / depth) ** 2 / 4 / 0.2122 == pytest.approx(0.58, abs=0.01)
    assert "0.58 ± 0.15 % of Bean's peak at 1 kHz" in verdicts["AC-13"].basis


def test_the_longest_barrier_is_that_of_the_depairing_current():
    """A junction with the bound carries the point with J_0 = J_d; with a longer barrier it would need more."""
    point = {"critical_temperature": 38.5, "depairing_current": 2.9e12}
    bound = float(largest_barrier(36.6, 1.6e6, **point))
    carried = 2.9e12 * float((1 - 36.6 / 38.5) ** 2 * np.exp(-bound * np.sqrt(36.6 / 38.5)))
    assert carried == pytest.approx(1.6e6)
    assert 5.5 < bound < 9
    assert float(largest_barrier(36.6, 1e12, **point)) < 0  # so much no junction carries
    with pytest.raises(ValueError, match="distance"):
        largest_barrier(38.6, 1.6e6, **point)


# On data --------------------------------------------------------------------------------------

FOUND = {
    **dict.fromkeys(("AC-03", "AC-07", "AC-11", "AC-15", "JC-06", "JC-08"), "recoverable"),
    "AC-01": "input",
    "AC-05": "not discriminating",  # creep of constant n and a weak field dependence close the rectangle, too
    "AC-06": "not discriminating",
    "AC-17": "not discriminating",  # the growth of the peak is within the error of its height
}


@pytest.mark.parametrize("name", ON_DATA)
def test_what_the_twin_gives(name, results, twin, rivals):
    """The planted value comes back and wrong worlds are excluded."""
    verdict = judge(name, results, twin, rivals)
    assert verdict.word == FOUND[name], verdict.basis
    assert "excluded: " in verdict.basis
    assert verdict.planted and verdict.origin == "twin"


@pytest.mark.parametrize("name", ["AC-03", "AC-07", "AC-11", "AC-15", "AC-17"])
def test_a_world_that_looks_the_same_is_not_excluded(name, results, twin, rivals):
    """Wrong worlds with the very results of the sample leave nothing recoverable."""
    verdict = judge(name, results, twin, dict.fromkeys(rivals, results))
    assert verdict.word == "not discriminating"
    assert "not excluded" in verdict.basis


PLANTED = {
    "AC-03": "independent_low",
    "AC-07": "half_screening_1",
    "AC-11": "creep_onset",
    "JC-08": "loop_temperature",
}


@pytest.mark.parametrize("name", PLANTED)
def test_another_truth_does_not_come_back(name, results, twin, rivals):
    """Had 1 K more been planted, the estimate would be biased."""
    verdict = judge(name, results, twin, rivals, **{PLANTED[name]: twin.planted[PLANTED[name]] + 1.0})
    assert verdict.word == "not discriminating" and "the bias is over" in verdict.basis


def test_another_world_does_not_come_back(results, twin, rivals):
    """Eq. (1) throughout, and a second step, were not planted."""
    assert "did not come back" in judge("JC-06", results, twin, rivals, off_eq_1=0.05).basis
    assert "did not come back" in judge("AC-15", results, twin, rivals, grain_share=0.3).basis


def test_a_point_on_the_law_follows_it(results, twin, rivals):
    """With the coldest half-screening point on Eq. (1), the same function says so."""
    on = replace(results["law"], off=Quantity(0.02, 0.05))
    verdict = judge("JC-06", {**results, "law": on}, twin, rivals, off_eq_1=0.02)
    assert (verdict.word, verdict.ours) == ("recoverable", "follows Eq. (1)")
    vague = replace(results["law"], off=Quantity(0.3, 0.2))
    assert judge("JC-06", {**results, "law": vague}, twin, rivals).ours == "cannot tell"


def test_the_papers_own_sample_can_agree_or_not(results):
    """Measured on the very sample the same temperatures agree, and 1 K higher disagree; of another nothing is said."""
    currents = results["currents"]
    moved = [
        replace(point, temperature=Quantity(kelvin + 1.0, 0.02, "K"))
        for point, kelvin in zip(currents.halves, (37.1, 36.9, 36.6), strict=True)
    ]
    other = {**results, "currents": replace(currents, halves=tuple(moved))}
    here = {"origin": "measured", "same_sample": True}
    assert judge_statement("AC-07", results, **here).word == "agrees"
    assert judge_statement("AC-07", other, **here).word == "disagrees"
    assert judge_statement("AC-07", results, origin="measured").word == NO_DATA


def test_growth_with_frequency_is_seen_where_it_is_clear(results, twin, rivals):
    """A peak that grows by ten σ a decade is named, and then the planted world comes back."""
    clear = replace(results["state"], height_slope=Quantity(0.02, 0.002))
    verdict = judge("AC-17", {**results, "state": clear}, twin, rivals)
    assert verdict.word == "recoverable", verdict.basis
    assert np.isfinite(float(results["state"].width_slope))


# As stored -------------------------------------------------------------------------------------

SHOWN = {
    "curves": "study_curves(sample)",
    "rectangles": "study_rectangles(",
    "state": "study_critical_state(",
    "creep": "study_creep(",
    "currents": "study_current(",
    "loops": "study_loops(sample)",
    "law": "study_current_law(",
    "grains": "study_grains(",
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_study_of_the_twin_says_what_the_notebook_shows(name, results):
    """Every quantity with its σ, unit and criterion, and every note."""
    assert not differences("05_ac_susceptibility", SHOWN[name], results[name])


def test_the_collapse_says_what_the_notebook_shows(twin, results):
    """Of a bar, of a slab and of any smooth F."""
    found = ac_susceptibility.study_collapse(twin, results["curves"], record=False)
    assert not differences("05_ac_susceptibility", "study_collapse(", found)


@pytest.mark.parametrize("names", ['"AC"', '"JC"', '["PRX-02"]'])
def test_the_verdicts_say_what_the_notebook_shows(names, twin, results, rivals):
    """Word, number, what it is compared with and every number of the basis."""
    shown = settle(twin, json.loads(names), results, rivals=rivals)
    assert not differences("05_ac_susceptibility", f"settle(sample, {names}", shown)
