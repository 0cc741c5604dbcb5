"""The cathodoluminescence twin: what it writes is what HyperSpy's reader reads, and what was planted is in it."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from nbtools.cathodoluminescence.field import find_emitter, window_maps
from nbtools.cathodoluminescence.model_emission import (
    boundary_distance,
    emission_maps,
    two_phase_map,
    winding_channels,
)
from nbtools.cathodoluminescence.twin import CathodoluminescenceWorld, record_cathodoluminescence, truth
from nbtools.files.sample_card import read_sample_card
from nbtools.files.spectral_maps import read_recording
from nbtools.files.write_quantum_design import SYNTHETIC
from nbtools.manifest import file_hash

SMALL = {"pixels": 24, "channels": 128}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return record_cathodoluminescence(tmp_path_factory.mktemp("twin"), seed=3, **SMALL)


def test_same_seed_same_content(files, tmp_path):
    """And another seed another."""
    again = record_cathodoluminescence(tmp_path / "again", seed=3, **SMALL)
    other = record_cathodoluminescence(tmp_path / "other", seed=4, **SMALL)
    assert list(map(file_hash, again)) == list(map(file_hash, files))
    assert file_hash(other[0]) != file_hash(files[0])


def test_every_file_says_that_it_is_synthetic(files):
    """Near its beginning, so that a copy is known for what it is."""
    for path in files:
        assert SYNTHETIC.encode() in path.read_bytes()[: 1 << 16]


def test_hyperspys_reader_reads_it(files):
    """Axes, units, signal type and settings through RosettaSciIO, at both magnifications."""
    survey, detail = (read_recording(path) for path in files[:2])
    assert survey.maps[0].counts.shape == (24, 24, 128)
    assert survey.maps[0].pixel == pytest.approx(0.5e-6)
    assert detail.maps[0].pixel == pytest.approx(0.5e-6 * 3000 / 8000)
    assert survey.maps[0].settings["beam_energy"] == 5e3
    assert survey.maps[0].kind == "CL"
    assert {"spectrum A", "spectrum B", "spectrum C", "dark spectrum", "spectral response"} == set(
        survey.spectra
    )
    beside = survey.beside(survey.maps[0])
    assert set(beside) == {"dark", "response"}
    assert beside["dark"].mean() == pytest.approx(2.0, abs=0.2)
    assert survey.image_of(survey.maps[0]).shape == (24, 24)


def test_the_card_knows_the_beam(files):
    """Energy, current, dwell and frame, in SI."""
    card = read_sample_card(files[2])
    assert float(card.beam_energy) == 5e3
    assert float(card.beam_current) == pytest.approx(1e-9)
    assert float(card.dwell) == 0.1
    assert card.frame == 1
    assert card.require("beam_energy", "frame") is None


def test_light_comes_from_mgo(files):
    """Bright where the image is bright; spot A is dark, B ultraviolet, C green."""
    survey = read_recording(files[0])
    nm, counts = survey.maps[0].wavelength_nm, survey.maps[0].counts
    light = window_maps(nm, counts, {"all": (300, 800)})[0]["all"]
    emitter = find_emitter(survey.image_of(survey.maps[0]))
    assert light[emitter].mean() > 5 * light[~emitter].mean()
    peak = {name: nm[np.argmax(survey.spectra[f"spectrum {name}"].counts)] for name in "BC"}
    assert peak["B"] == pytest.approx(350, abs=15)
    assert peak["C"] == pytest.approx(490, abs=25)
    assert survey.spectra["spectrum A"].counts.max() < 200


def test_truth_names_what_a_world_lacks():
    """No red band behind a second order, no other band than one in the tail world; an unknown world is refused."""
    assert truth()["ultraviolet_wavelength"] == pytest.approx(350)
    assert np.isnan(truth(world="second order")["red_energy"])
    assert np.isnan(truth(world="tail")["green_energy"])
    assert truth(world="uniform")["channels"] == 0
    with pytest.raises(ValueError, match="it can be 'channels'"):
        CathodoluminescenceWorld(world="bright")


def test_worlds_are_what_they_say():
    """Even light is even, edges fade, shuffling keeps the values, a rim has no lines."""
    rng = np.random.default_rng(0)
    emitter = two_phase_map((60, 60), pixel=2e-7, scale=1.8e-6, dark_share=0.265, rng=rng)
    assert emitter.mean() == pytest.approx(0.735, abs=0.01)

    def green(world):
        return emission_maps(world, emitter, pixel=2e-7, rng=np.random.default_rng(1))["green"]

    assert np.ptp(green("uniform")[emitter]) == 0
    assert not green("uniform")[~emitter].any()
    distance = boundary_distance(emitter, 2e-7)
    assert np.corrcoef(green("out-coupling")[emitter], -distance[emitter])[0, 1] > 0.5
    assert np.allclose(np.sort(green("channels")[emitter]), np.sort(green("shuffled")[emitter]))
    assert np.all(green("channels") >= green("rim") - 1e-12)


def test_two_phases_are_a_level_set_of_three_smooth_fields():
    """Each half as coarse as the one before and 0.55 times as strong."""
    rng, field = np.random.default_rng(2), 0.0
    for smoothing, weight in ((9.0, 1.0), (4.5, 0.55), (2.25, 0.3025)):
        part = gaussian_filter(rng.standard_normal((30, 40)), smoothing, mode="reflect")
        field = field + weight * part / part.std()
    options = {"pixel": 2e-7, "scale": 1.8e-6, "dark_share": 0.3}
    found = two_phase_map((30, 40), rng=np.random.default_rng(2), **options)
    assert np.array_equal(found, field < np.quantile(field, 0.7))


def test_distance_from_the_other_phase():
    """Half a pixel at the boundary, 0 outside, infinite without another phase."""
    emitter = np.arange(6)[None] < np.full((3, 1), 4)
    assert boundary_distance(emitter, 0.2)[1] == pytest.approx([0.7, 0.5, 0.3, 0.1, 0, 0])
    assert boundary_distance(emitter)[1, 0] == 3.5
    assert np.all(boundary_distance(np.ones((3, 3), bool)) == np.inf)


def test_emission_of_each_world():
    """Vacancies at the rim and along lines: F 1 + e + 3 l, F₂ 1 + 0.4 e + 1.5 l, red 1 + 0.5 e; edges 1 + 0.8 e."""
    emitter = two_phase_map((40, 40), pixel=2e-7, scale=1.8e-6, dark_share=0.27, rng=np.random.default_rng(3))
    away = boundary_distance(emitter, 2e-7)
    rim, edge = np.exp(-away / 0.6e-6), np.exp(-away / 0.5e-6)
    field = gaussian_filter(np.random.default_rng(4).standard_normal((40, 40)), 10.0, mode="reflect")
    slope = np.hypot(*np.gradient(field, 2e-7))
    line = np.exp(-0.5 * (np.abs(field) / np.maximum(slope, 1e-3 * slope.max()) / 0.25e-6) ** 2)
    line = emitter * line * np.exp(-away / 3.6e-6)
    shape = {"scale": 2e-6, "width": 0.25e-6, "near": 3.6e-6}
    drawn = winding_channels(emitter, pixel=2e-7, rng=np.random.default_rng(4), **shape)
    assert drawn == pytest.approx(line) and drawn.max() > 0.5

    def found(world):
        return emission_maps(world, emitter, pixel=2e-7, rng=np.random.default_rng(4))

    for world, along in (("channels", line), ("rim", 0 * line)):
        maps = found(world)
        assert maps["green"] == pytest.approx(emitter * (1 + rim + 3 * along))
        assert maps["ultraviolet"] == pytest.approx(emitter * (1 + 0.4 * rim + 1.5 * along))
        assert maps["red"] == pytest.approx(emitter * (1 + 0.5 * rim))
    for world, light in (("out-coupling", 1 + 0.8 * edge), ("uniform", 1), ("tail", 1), ("second order", 1)):
        for values in found(world).values():
            assert values == pytest.approx(emitter * light)
    moved = found("shuffled")
    where = np.lexsort([found("channels")[band][emitter] for band in ("red", "green")])
    there = np.lexsort([moved[band][emitter] for band in ("red", "green")])
    for band in moved:  # the bands of a place go together
        assert moved[band][emitter][there] == pytest.approx(found("channels")[band][emitter][where])
    assert np.corrcoef(moved["green"][emitter], found("channels")["green"][emitter])[0, 1] < 0.2
