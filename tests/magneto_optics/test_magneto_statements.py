"""The paper's statements on magneto-optics: each can fail, and each recovery excludes a wrong world."""

from dataclasses import replace

import numpy as np
import pytest
from flips import changed, check_flip, check_stored, printed, without_a_flip

from nbtools import magneto_optics as mo
from nbtools.magneto_optics import statements
from nbtools.notebook.sample import open_sample
from nbtools.paper import Context, judge_statement, read_ledgers, read_paper, registered
from nbtools.units import Quantity

OURS = {name: one for name, one in registered().items() if one.place.startswith("nbtools.magneto_optics.")}
ON_DATA = [name for name, one in OURS.items() if one.rests_on == "data"]
# Only stated; a sense, which no printed number changes.
NO_FLIP = {"MO-01": "input", "MO-08": "agrees", "MO-12": "agrees"}
PLATE = [4.1, 4.8, 0.5]

# A change of printed numbers that flips the verdict, the word it then has, and a change that does not flip it.
FLIPS = {
    "MO-02": ({"MAG-08": [2500]}, "agrees", {"MAG-08": [600]}),
    "MO-05": ({"MO-05": [450]}, "inconsistent", {"MO-05": [280]}),
    "MO-06": ({"AC-08": [160, 1600, 16000]}, "follows", {"AC-08": [2, 20, 200]}),
    "MO-09": ({"MO-01": [4.1, 4.8, 3.0, 400]}, "agrees", {"MO-01": [4.1, 4.8, 0.6, 400]}),
    "MO-14": ({"MO-14": [37.5, 36]}, "agrees", {"MO-14": [35.2, 36]}),
    "MO-11": ({"MO-10": [10]}, "agrees", {"MO-10": [190]}),
}
ALSO = [
    ("MO-05", {"MO-05": [150]}, "agrees"),
    ("MO-05", {"AC-08": [160, 1600, 16000]}, "inconsistent"),
    ("MO-05", {"MO-01": [*PLATE, 250]}, "inconsistent"),
    ("MO-06", {"MO-06": [250_000]}, "inconsistent"),
    ("MO-14", {"MO-14": [33, 36]}, "inconsistent"),
]


@pytest.fixture(scope="module")
def twin():
    return open_sample("magneto-optics-twin")


@pytest.fixture(scope="module")
def results(twin):
    return mo.study_all(twin)


@pytest.fixture(scope="module")
def rivals():
    return {
        world: mo.study_all(open_sample(f"magneto-optics-twin-{world}"))
        for world in ("granular", "two-to-one")
    }


def judge(name, results, twin, rivals, **planted):
    """The verdict on a statement, on the twin, with some of what was planted changed."""
    return judge_statement(name, results, origin="twin", planted={**twin.planted, **planted}, rivals=rivals)


def test_every_statement_of_this_notebook_has_a_function():
    """Those that the paper's file gives to notebook 04, and no other."""
    assert set(OURS) == {name for name, about in read_paper().items() if about.notebook == "04"}


def test_every_verdict_on_printed_numbers_has_a_flip():
    """All of them are in the table, but for what no printed number changes."""
    assert without_a_flip(OURS, FLIPS) == NO_FLIP


@pytest.mark.parametrize("name", FLIPS)
def test_one_change_flips_it_and_another_does_not(name):
    """The word changes with the printed numbers, and not with every one of them."""
    check_flip(name, FLIPS[name])


@pytest.mark.parametrize("name", [name for name in OURS if name not in ON_DATA])
def test_it_says_what_the_notebook_shows(name):
    """Every number and word of a verdict on printed numbers."""
    check_stored(printed()[name])


def test_the_studies_find_what_the_notebook_keeps(results):
    """Every number of the ledger that these studies give: within a tenth of its σ, and σ within 5 %."""
    kept = read_ledgers()["04_magneto_optics"].results
    rows = [row for name in ("critical", "homogeneity", "remanent") for row in results[name].rows()]
    named = {row.name: row.quantity for row in rows if row.name}
    assert len(named) > 8 and named.keys() <= kept.keys()
    for name, found in named.items():
        sigma = kept[name].uncertainty
        assert float(found) == pytest.approx(kept[name].value, abs=0.1 * sigma), name
        assert found.uncertainty == pytest.approx(sigma, rel=0.05), name


@pytest.mark.parametrize(("name", "changes", "word"), ALSO)
def test_a_second_way_to_flip_it(name, changes, word):
    """To the other side, or by another number."""
    assert changed(name, changes).word == word


@pytest.mark.parametrize(("name", "other"), [("MO-08", "anticlockwise"), ("MO-12", "clockwise")])
def test_the_other_sense_would_be_inconsistent(name, other):
    """The sense is found by inversion, and compared with the word that is printed."""
    paper = read_paper()
    about = paper[name].model_copy(update={"words": other})
    assert OURS[name].function(paper, None, Context(about)).word == "inconsistent"


def test_the_depth_is_that_of_this_plate():
    """0.20 mm of 0.5 mm, where an infinitely thick plate would give 0.45 mm."""
    assert "upper 0.20 mm of 0.5 mm" in printed()["MO-09"].basis


def test_one_law_carries_the_bar_s_current_to_the_plate():
    """258 A/cm² at 36.6 K (160 times 1.612) to 35 K and 33 K: by three halves from 38.5 K, and by (37.5 − T)^5.68."""
    scale = 0.568017 * 0.1256637
    bar = 160 * 1.6123
    for kelvin, about in ((35.0, "MO-05"), (33.0, "MO-06")):
        gentle = scale * bar * ((38.5 - kelvin) / 1.9) ** 1.5
        steep = scale * bar * ((37.5 - kelvin) / 0.9) ** (np.log(100) / np.log(0.9 / 0.4))
        found = statements._filling_fields(read_paper(), kelvin)
        assert [float(one) for one in found] == pytest.approx([gentle, steep], rel=2e-3), about


def test_of_an_average_the_basis_follows_the_field():
    """Vortices of 50 G are twice as far apart as those of 200 G."""
    assert "0.35 µm" in printed()["MO-11"].basis
    assert "0.69 µm" in changed("MO-11", {"MO-10": [50]}).basis


@pytest.mark.parametrize("name", ON_DATA)
def test_the_planted_answer_comes_back(name, results, twin, rivals):
    """On the twin, with at least one wrong world excluded."""
    found = judge(name, results, twin, rivals)
    assert found.word == "recoverable", found.basis
    assert "excluded: " in found.basis
    check_stored(found)


WRONG = {
    "MO-03": {"constant_up_to": 30.0},
    "MO-04": {"falls_from": 38.0},
    "MO-07": {"ridge_offset": 0.3e-3},
    "MO-10": {"trapped_field": 0.0150},
    "MO-13": {"even_at_33K": 0.0},
    "MO-15": {"constant_up_to": 30.0},
    "MO-16": {"clockwise_33K": 0.5},
}


@pytest.mark.parametrize("name", ON_DATA)
def test_another_planted_answer_would_not_come_back(name, results, twin, rivals):
    """The verdict is no foregone conclusion."""
    assert judge(name, results, twin, rivals, **WRONG[name]).word == "not discriminating"


def test_a_wrong_world_that_passes_is_named(results, twin, rivals):
    """MO-13 with a granular world whose maps look even; MO-07 with the ridge in the middle."""
    blind = {**rivals, "granular": results}
    assert "not excluded: weak joints" in judge("MO-13", results, twin, blind).basis
    middle = replace(results["remanent"], ridge=Quantity(1e-6, 15e-6, "m"))
    found = judge("MO-07", {**results, "remanent": middle}, twin, rivals, ridge_offset=0.0)
    assert "not excluded: ridge in the middle" in found.basis


def test_the_rivals_are_seen_for_what_they_are(rivals):
    """Grains and unequal halves are told from one J_c, and the halves by their ratio."""
    assert all(statements._none_uniform(world) for world in rivals.values())
    [lopsided] = rivals["two-to-one"]["homogeneity"].found.values()
    assert float(lopsided.left_to_right) == pytest.approx(2, abs=0.2)
