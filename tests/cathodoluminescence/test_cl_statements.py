"""The paper's statements on cathodoluminescence: each can fail, and each recovery excludes a wrong world."""

import re
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from flips import changed, check_flip, check_stored, flip_differences, printed

from nbtools import cathodoluminescence
from nbtools.cathodoluminescence import statements
from nbtools.cathodoluminescence.model_vacancies import Threshold
from nbtools.notebook.sample import open_sample
from nbtools.paper import judge_statement, read_paper, registered
from nbtools.paper.verdict import NO_DATA
from nbtools.units import Quantity

PLACE = "nbtools.cathodoluminescence."
OURS = {name: entry for name, entry in registered().items() if entry.place.startswith(PLACE)}
ON_DATA = [name for name, entry in OURS.items() if entry.rests_on == "data"]
CITED = dict.fromkeys(["CL-02", "CL-03", "CL-04", "CL-05", "CL-06", "CL-14"], "input") | {"CL-08": NO_DATA}

# A change of printed numbers that flips the verdict, the word it then has, and a change that does not flip it.
FLIPS = {
    "CL-11": ({"CL-02": [352]}, "agrees", {"CL-02": [377]}),
    "CL-12": ({"CL-05": [450]}, "inconsistent", {"CL-05": [500]}),
    "CL-13": ({"CL-06": [495]}, "agrees", {"CL-06": [480]}),
    "CL-18": ({"CL-18": [8000, 3000]}, "inconsistent", {"CL-18": [3000, 9000]}),
    "CL-20": ({"CL-20": [0.2]}, "inconsistent", {"CL-20": [0.65]}),
    "CL-21": ({"RES-03": [20]}, "agrees", {"RES-03": [0.3]}),
    "CL-22": ({"CL-05": [650]}, "agrees", {"CL-05": [495]}),
    "CL-23": ({"CL-05": [440]}, "inconsistent", {"CL-05": [497]}),
}


@pytest.fixture(scope="module", autouse=True)
def thresholds():
    """Each length of a hop is computed once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statements, "threshold_of", cache(statements.threshold_of))
        yield


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBTOOLS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield open_sample("cl-twin")


@pytest.fixture(scope="module")
def results(twin):
    recordings = cathodoluminescence.study_recordings(twin)
    spectra = cathodoluminescence.study_spectra(twin, recordings)
    field = cathodoluminescence.study_field(twin, recordings, spectra, draws=199)
    bands = cathodoluminescence.study_bands(twin, recordings, spectra)
    second = cathodoluminescence.study_second_order(twin, bands, field)
    return {"spectra": spectra, "field": field, "second_order": second}


@pytest.fixture(scope="module")
def rivals():
    return {
        world: cathodoluminescence.study_all(open_sample(f"cl-twin-{world}"))["field"]
        for world in ("rim", "uniform", "out-coupling", "shuffled")
    }


def judge(name, twin, results, rivals):
    return judge_statement(name, results, origin="twin", planted=twin.planted, rivals=rivals)


def test_every_statement_of_ours_has_a_function():
    """All of CL, and nothing else."""
    assert set(OURS) == {name for name in read_paper() if name.startswith("CL-")}
    assert set(ON_DATA) | set(FLIPS) | set(CITED) == set(OURS)


@pytest.mark.parametrize("name", FLIPS)
def test_a_verdict_on_printed_numbers_follows_them(name):
    """One change flips it, another does not."""
    check_flip(name, FLIPS[name])


@pytest.mark.parametrize("name", FLIPS)
def test_it_says_what_the_notebook_shows(name):
    """Every number and word of a verdict on printed numbers."""
    check_stored(printed()[name])


@pytest.mark.parametrize("name", FLIPS)
def test_it_says_why_it_flips(name):
    """Every number and word after the change."""
    assert not flip_differences(name, FLIPS[name])


@pytest.mark.parametrize("end", [600, 650, 660, 670, 700, 1000, 1040, 1060, 1080, 1100, 1200])
def test_a_tail_is_seen_from_a_tenth_of_the_peak_and_not_seen_under_a_thousandth(end):
    """Between them, and where the rounding allows both, nothing is decided."""
    found = changed("CL-22", {"CL-10": [end]})
    low, high = map(float, re.search(r"% of its peak, (\S+) to (\S+) %", found.basis).groups())
    assert found.word == ("agrees" if low > 10 else "inconsistent" if high < 0.1 else "undecided")


def test_a_tail_may_end_before_its_centre():
    """Nothing is asked of a centre that lies beyond the end."""
    assert changed("CL-22", {"CL-10": [480]}).word == "agrees"


@pytest.mark.parametrize(
    ("share", "word"), [(0.069, "recoverable"), (0.071, "not discriminating"), (0.2, "not discriminating")]
)
def test_hardly_any_light_is_under_a_tenth_with_its_error(share, word):
    """Three σ of 1 % are added; even light is excluded by how far 1 is."""
    results = {"field": SimpleNamespace(dark_share=Quantity(share, 0.01))}
    found = judge_statement("CL-19", results, origin="twin", planted={})
    assert found.word == word
    assert f"light of MgB2 over MgO {Quantity(share, 0.01)}, two pixels and more" in found.basis


def test_a_hop_shorter_than_the_nearest_oxygen_is_none(monkeypatch):
    """0.298 nm; a printed 0.28 nm may be that long within the σ of its rounding, 0.05/√3 nm."""
    monkeypatch.setattr(statements, "threshold_of", lambda hop: Threshold(0.2, 0.001, 0.01, 9))
    assert [changed("CL-20", {"CL-20": [nm]}).word for nm in (0.26, 0.28)] == ["inconsistent", "undecided"]


@pytest.mark.parametrize(("name", "word"), CITED.items())
def test_what_is_cited_is_only_stated(name, word):
    """Neither right nor wrong."""
    assert judge_statement(name).word == word


@pytest.mark.parametrize("name", sorted(set(ON_DATA) - {"CL-09"}))
def test_the_planted_answer_comes_back(name, twin, results, rivals):
    """With a wrong world excluded; without any wrong world it is worth nothing."""
    found = judge(name, twin, results, rivals)
    assert found.word == "recoverable", found.basis
    assert "excluded: " in found.basis and "not excluded" not in found.basis


def test_a_finding_says_what_it_lies_beyond(twin, results, rivals):
    """Its test, the level and p; or that it is as chance gives it."""
    p = results["field"].channels.p_value
    text = f"mean length of bright lines lies beyond all but 1 % of what chance gives (p = {p:.3f})"
    assert text in judge("CL-17", twin, results, rivals).basis
    even = results | {"field": rivals["uniform"]}
    assert "excess near the boundary is as chance gives it (p = " in judge("CL-16", twin, even, rivals).basis


@pytest.mark.parametrize("name", ["CL-15", "CL-16", "CL-17"])
def test_a_finding_without_rivals_or_in_a_rival_says_nothing(name, twin, results, rivals):
    """No wrong world tried, or one that gives the same."""
    assert judge(name, twin, results, {}).word == "not discriminating"
    same = rivals | {"uniform": results["field"]}
    assert judge(name, twin, results, same).word == "not discriminating"
    other = results | {"field": rivals["shuffled" if name != "CL-15" else "uniform"]}
    assert judge(name, twin, other, rivals).word == "not discriminating"


@pytest.mark.parametrize(("name", "spot"), [("CL-01", "B"), ("CL-07", "C")])
def test_a_band_elsewhere_is_not_what_was_planted(name, spot, twin, results, rivals):
    """20 nm off is a bias; σ of 20 nm is of no use."""
    spectra = results["spectra"]
    fit = spectra.fits[spot]
    for move, sigma in ((0.15, None), (0.0, 0.3)):
        centres = tuple(
            Quantity(float(c) + move, c.uncertainty if sigma is None else sigma, "eV") for c in fit.centres
        )
        changed = replace(spectra, fits={**spectra.fits, spot: replace(fit, centres=centres)})
        assert judge(name, twin, results | {"spectra": changed}, rivals).word == "not discriminating"


def test_light_from_mgb2_is_seen(twin, results, rivals):
    """MgB2 half as bright as MgO is no "hardly any"."""
    bright = replace(results["field"], dark_share=Quantity(0.5, 0.01))
    assert judge("CL-19", twin, results | {"field": bright}, rivals).word == "not discriminating"


def test_a_second_order_is_not_excluded_in_a_world_that_has_one(rivals):
    """There red follows ultraviolet with one ratio; the red band stays an input that nothing supports."""
    sample = open_sample("cl-twin-second-order")
    recordings = cathodoluminescence.study_recordings(sample, record=False)
    spectra = cathodoluminescence.study_spectra(sample, recordings, record=False)
    field = cathodoluminescence.study_field(sample, recordings, spectra, draws=19, record=False)
    bands = cathodoluminescence.study_bands(sample, recordings, spectra, record=False)
    second = cathodoluminescence.study_second_order(sample, bands, field, record=False)
    assert second.p_value > 0.01
    results = {"spectra": spectra, "field": field, "second_order": second}
    found = judge_statement("CL-09", results, origin="twin", planted=sample.planted, rivals=rivals)
    assert found.word == "input" and "not excluded" in found.basis
    assert np.isnan(sample.planted["red_energy"])
