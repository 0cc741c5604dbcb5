"""The paper's statements on structure: each can fail, and each recovery excludes a wrong world."""

from dataclasses import replace

import numpy as np
import pytest
from flips import check_flip

from nbtools import structure
from nbtools.notebook.sample import open_sample
from nbtools.paper import judge_statement, registered
from nbtools.paper.verdict import NO_DATA

OURS = {
    name: entry
    for name, entry in registered().items()
    if entry.place.startswith("nbtools.structure.statements.")
}
ON_DATA = [name for name, entry in OURS.items() if entry.rests_on == "data"]

# A change of printed numbers that flips the verdict, the word it then has, and a change that does not flip it.
FLIPS = {
    "FRA-05": ({"FRA-01": [1.80]}, "inconsistent", {"FRA-01": [1.672]}),
    "FRA-06": ({"FRA-01": [1.78]}, "inconsistent", {"FRA-01": [1.66]}),
}


@pytest.fixture(scope="module")
def twin():
    return open_sample("fib-sem-twin")


@pytest.fixture(scope="module")
def results(twin):
    images = structure.study_images(twin, record=False)
    found = structure.study_all(twin)
    found["registration"] = structure.study_registration(twin, found["section"], images, record=False)
    found["fractal"] = structure.study_box_dimension(twin, found["section"], record=False)
    found["power"] = structure.study_verdict_power(twin, found["fractal"], seeds=6, record=False)
    return found


@pytest.fixture(scope="module")
def rivals():
    return {
        name: structure.study_all(open_sample(f"fib-sem-twin-{name}")) for name in ("stretched", "isolated")
    }


def judge(name, results, twin, rivals):
    return judge_statement(name, results, origin="twin", planted=twin.planted, rivals=rivals)


@pytest.mark.parametrize("name", FLIPS)
def test_a_verdict_follows_its_printed_numbers(name):
    """One change flips it, another does not."""
    check_flip(name, FLIPS[name])


def test_text_and_caption_name_two_images():
    """FRA-02 rests on the words alone; one image in both would agree."""
    from nbtools.paper import Context, read_paper
    from nbtools.structure.statements import counted_image

    paper = read_paper()
    assert judge_statement("FRA-02").word == "inconsistent"
    one = paper["FRA-02"].model_copy(update={"words": "text: boron map; caption: boron map"})
    assert counted_image({"FRA-02": one}, None, Context(one)).word == "agrees"


@pytest.mark.parametrize("name", ON_DATA)
def test_without_the_papers_sample_it_stays_open(name, results, twin, rivals):
    """Of a stranger's measurement nothing follows for this sample."""
    verdict = judge_statement(name, results, origin="measured", rivals=rivals)
    assert verdict.word == NO_DATA


def test_what_comes_back(results, twin, rivals):
    """The map follows the image and the medium spans; no wrong world, no recovery."""
    for name in ("FRA-10", "PRX-03"):
        assert judge(name, results, twin, rivals).word == "recoverable"
    assert judge("PRX-03", results, twin, {}).word == "not discriminating"


def test_a_map_of_something_else_does_not_come_back(results, twin, rivals):
    """The boron map rolled by half the field: it does not follow, and the verdict says that it should."""
    found = dict(results["registration"].found)
    counts = np.roll(results["registration"].maps["boron"], (64, 64), axis=(0, 1))
    found["boron"] = structure.estimate_registration(results["section"].phase, counts)
    moved = results | {"registration": replace(results["registration"], found=found)}
    assert judge("FRA-10", moved, twin, rivals).word == "not discriminating"


def test_a_stretched_world_leaves_the_dimension_unchanged(results, twin, rivals):
    """FRA-04's "because": equal dimensions exclude no stretch; where they did, it would."""
    verdict = judge("FRA-04", results, twin, rivals)
    assert verdict.word == "not discriminating" and "not excluded: drawn out by a half" in verdict.basis
    cuts = rivals["stretched"]["sections"]
    told = {name: d + (0.5 if name == "y" else 0.0) for name, d in cuts.dimensions.items()}
    seen = {"stretched": rivals["stretched"] | {"sections": replace(cuts, dimensions=told)}}
    assert judge("FRA-04", results, twin, seen).word == "recoverable"


def test_sections_look_apart_in_either_world(results, twin, rivals):
    """FRA-09: where the volume connects and where it does not; so a section cannot say."""
    assert judge("FRA-09", results, twin, rivals).word == "not discriminating"
    hanging = {"isolated": {"percolation": replace(rivals["isolated"]["percolation"], sections_spanning=0.9)}}
    assert judge("FRA-09", results, twin, hanging).word == "recoverable"


def test_every_statement_has_a_function():
    """All of FRA, and what is settled in 01 of the proximity effect."""
    assert set(OURS) == {*(f"FRA-{n:02d}" for n in range(1, 13)), "PRX-01", "PRX-03"}
