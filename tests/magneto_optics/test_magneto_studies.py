"""The studies of notebook 04: the twin's answers, one frame, no card, single files, scanned maps, foreign files."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from nbtools import magneto_optics as mo
from nbtools.display import style
from nbtools.magneto_optics.twin import record_magneto_optics
from nbtools.notebook.sample import open_sample

SMALL = {
    "temperatures": (33.0, 35.0),
    "critical_currents": (6e7, 2.4e7),
    "window": (80, 80),
    "pixel_size": 8e-5,
}


@pytest.fixture(scope="module")
def twin():
    return open_sample("magneto-optics-twin")


@pytest.fixture(scope="module")
def flux(twin):
    return mo.study_flux(twin, record=False)


def test_each_temperature_has_its_current(twin, flux):
    """30 K and 33 K within 3 % of what was planted; 10 K, where no flux enters, has none and says so."""
    critical = mo.study_critical_current(twin, flux, record=False)
    for kelvin in (30.0, 33.0):
        planted = twin.planted[f"critical_current_{kelvin:g}K"]
        assert critical.found[kelvin].critical_current == pytest.approx(planted, rel=0.03)
    assert np.isnan(critical.found[10.0].critical_current)
    assert "10 K: not entered" in str(critical)
    assert (float(critical.steady), float(critical.falling)) == (33.0, 35.0)


def test_the_ramp_down_of_bean_has_the_current_of_the_ramp_up(twin, flux):
    """At 33 K within 3 %; at 35 K, where J_c falls with field, its slope shows."""
    critical = mo.study_critical_current(twin, flux, record=False)
    up, down = (one[33.0].critical_current for one in (critical.found, critical.reversed))
    assert float(down) == pytest.approx(float(up), rel=0.03)
    assert critical.reversed[35.0].field_slope < -2
    assert float(critical.follows) == 33.0


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small plate")
    record_magneto_optics(folder, seed=5, **SMALL)
    return folder


@pytest.fixture
def frames(recorded, tmp_path):
    """A small plate's files, in a folder of one's own, the card beside it."""
    folder = tmp_path / "images"
    shutil.copytree(recorded, folder)
    (folder / "sample.yaml").rename(tmp_path / "card.yaml")
    return folder


def one_by_one(folder, *, notes):
    """Each series as single frames, their fields in notes beside them, or returned as a dict."""
    said = {}
    for path in sorted(folder.glob("*.tif")):
        with tifffile.TiffFile(path) as file:
            about, pages = json.loads(file.pages[0].description), file.asarray()
        path.unlink()
        pages = pages if pages.ndim == 3 else pages[None]
        for number, (page, field) in enumerate(zip(pages, about.pop("applied_field_T"), strict=True)):
            name = folder / f"{path.stem}_{number}.tif"
            tifffile.imwrite(name, page, photometric="minisblack")
            said[name.name] = {"applied_field_T": field, **about}
            if notes:
                name.with_suffix(".yaml").write_text(json.dumps(said[name.name]), encoding="utf-8")
            about.setdefault("applied_field_T", None)
            about.pop("applied_field_T")
    return said


def test_single_frames_are_the_same_series(frames, tmp_path):
    """A folder of TIFFs with notes beside them, as the messages ask for it, gives what the stacks give."""
    sample = open_sample(frames, tmp_path / "card.yaml", notebook="04_magneto_optics")
    stacks = mo.study_flux(sample, record=False)
    one_by_one(frames, notes=True)
    sample = open_sample(frames, tmp_path / "card.yaml", notebook="04_magneto_optics")
    singles = mo.study_flux(sample, record=False)
    assert [one.label for one in singles.maps] == [one.label for one in stacks.maps]
    for one, other in zip(singles.maps, stacks.maps, strict=True):
        np.testing.assert_array_equal(one.field, other.field)
        np.testing.assert_array_equal(one.applied, other.applied)


def test_frames_that_say_nothing_are_told_by_the_parameter(frames, tmp_path):
    """The same, without notes; and without the parameter the sentence says what to write."""
    said = one_by_one(frames, notes=False)
    sample = open_sample(frames, tmp_path / "card.yaml", notebook="04_magneto_optics")
    assert len(mo.study_flux(sample, frames=said, record=False).ramps) == 2
    lacking = mo.study_flux(sample, record=False)
    assert not lacking and ".yaml beside it, with applied_field_T" in lacking.reason


def test_one_frame_says_what_it_can(frames, tmp_path):
    """A map, its currents and J_c, but no ramp, no slope, no ridge; nothing is drawn twice."""
    for path in frames.glob("*.tif"):
        with tifffile.TiffFile(path) as file:
            about, pages = json.loads(file.pages[0].description), file.asarray()
        if path.name.startswith("fc") or "35K" in path.name:
            path.unlink()
        elif path.name.startswith("zfc"):
            about["applied_field_T"] = about["applied_field_T"][3:4]
            tifffile.imwrite(path, pages[3], photometric="minisblack", description=json.dumps(about))
    sample = open_sample(frames, tmp_path / "card.yaml")
    flux = mo.study_flux(sample)
    assert "33 K: one frame, so no ramp" in str(flux)
    critical = mo.study_critical_current(sample, flux)
    assert float(critical.found[33.0].critical_current) == pytest.approx(6e7, rel=0.05)
    assert "no frame was taken while the field fell" in str(critical)
    assert "J_c constant" not in str(critical)
    currents = mo.study_currents(sample, flux)
    assert [one.label for one in currents.states] == ["33 K, 400 G"]
    remanent = mo.study_remanent(sample, flux)
    assert not remanent and "no remanent state" in remanent.reason
    figure, axes = style.new_figure(2, columns=2)
    mo.draw.currents(currents, axes=axes)
    assert len(figure.axes) == 1 and figure.axes[0].images


def test_without_a_card_there_are_maps_and_sheet_currents(frames):
    """B_z, profiles and the current through the whole thickness; J_c asks for the card by its lines."""
    sample = open_sample(frames)
    flux = mo.study_flux(sample)
    assert "dimensions" in str(flux)
    currents = mo.study_currents(sample, flux)
    assert {one.currents.unit for one in currents.states} == {"A/m"}
    critical = mo.study_critical_current(sample, flux)
    assert not critical and "the outline of the sample is not known" in critical.reason
    assert not mo.study_depth(sample, flux)


def test_a_partly_filled_plate_is_not_asked_to_be_full(twin, flux):
    """30 K in 400 G is judged where current flows; where none does, the reason stands in the table."""
    cold = replace(flux, maps=flux.ramps[:2])
    found = mo.study_homogeneity(twin, cold, record=False)
    assert list(found.found) == [30.0] and found.found[30.0].uniform
    assert "no flux has entered" in found.missing["10 K"]


def test_a_scanned_map_is_inverted(tmp_path):
    """A map of a full plate's field from a scanning probe: the current through it, and what its file does not say."""
    from plate_worlds import SIDE, SIDES, full_plate

    field = full_plate()[2]
    y, x = (1e6 * SIDE * np.arange(n) for n in field.shape)
    np.savez(tmp_path / "scan.npz", data=1e3 * field, xs=x, ys=y, length_units="um", units="mT")
    sample = open_sample(tmp_path / "scan.npz")
    assert "HEIGHT" in mo.study_flux(sample).reason
    card = tmp_path / "card.yaml"
    sides = ", ".join(f'"{1e3 * one:g} mm"' for one in (*SIDES, 0.5e-3))
    card.write_text(f"name: a plate\ndimensions: [{sides}]\nfield_axis: 3\n", encoding="utf-8")
    sample = open_sample(tmp_path / "scan.npz", card)
    flux = mo.study_flux(sample, height=1e-5)
    [state] = mo.study_currents(sample, flux).states
    assert np.median(state.currents.magnitude[state.maps.outline]) == pytest.approx(4e7, rel=0.03)
    assert not mo.study_critical_current(sample, flux)


def test_a_film_against_its_authors_map_and_its_loop(realdata):
    """NbN: B_z within 1 mT of the authors' own, and a moment under the largest of the dc loop, which is colder."""
    folder = realdata / "mo/Magneto-optics"
    said = {
        f"nbntri26cal_20K_{step}.tif": {"history": "calibration", "applied_field_T": 1.7e-3 * step}
        for step in (0, 25, 50)
    }
    said["nbntri26_8K_50.tif"] = {"temperature_K": 8, "applied_field_T": 21.25e-3}
    sample = open_sample([folder / name for name in (*said, "sample.mat", "FULL_nbntri26_8K_50.tif")])
    microscope = {"pixel_size": 5.155e-6, "height": 5e-6, "analyser": 0.5, "smooth": 5.0}
    flux = mo.study_flux(sample, frames=said, outline="sample.mat", **microscope)
    theirs = mo.study_reference(
        sample, flux, file="FULL_nbntri26_8K_50.tif", scale=1e-5, between=(2e-3, 60e-3)
    )
    assert abs(theirs.difference) < 1e-3
    assert np.corrcoef(theirs.ours, theirs.theirs)[0, 1] > 0.9
    loop = 1e-6 * np.loadtxt(folder / "DCM.txt")[:, 1]
    [state] = mo.study_currents(sample, flux).states
    assert loop.min() < mo.moment_of(state.currents, state.maps.outline) < 0


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("mo/current-reconstruction/mag.npz", {"height": 1e-6}),
        ("mo/magnetization-rock-sample/data0.txt", {"height": 5e-4, "map_unit": "nT"}),
        (
            "mo/vortex-dynamics-induced-by-scanning-squid/scan050_9.27K_scan0.mat",
            {"height": 1e-6, "pixel_size": 1e-6, "map_name": "MAG"},
        ),
    ],
)
def test_other_people_s_maps(realdata, file, options):
    """Each gives a current map of its own; one without a unit of field keeps no number as if it had."""
    sample = open_sample(realdata / file)
    flux = mo.study_flux(sample, **options)
    currents = mo.study_currents(sample, flux)
    [state] = currents.states
    assert np.isfinite(state.currents.magnitude).all() and state.currents.resolution > 0
    assert ("largest |K|" in str(currents)) == (flux.maps[0].unit == "T")


def test_a_wrong_option_names_the_right_ones(twin, flux):
    """Before anything runs."""
    with pytest.raises(ValueError, match="expected: 'auto', 'gcv' or 'l-curve'"):
        mo.study_currents(twin, flux, strength="by eye")
    with pytest.raises(ValueError, match="within is 2"):
        mo.study_homogeneity(twin, flux, within=2)


def test_the_budget_is_longest_first(twin, flux):
    """Every input of the plate is in it."""
    budget = mo.study_budget(twin, flux, record=False).budget
    assert list(budget.values()) == sorted(budget.values(), reverse=True)
    assert set(budget) >= {"gap of the indicator", "thickness of the plate", "outline"}
