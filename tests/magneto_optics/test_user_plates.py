"""Notebook 04 from end to end on camera frames and maps that it was not made for; nothing stored."""

import json

import pytest
import tifffile
from strangers import numbers, run_as_user, run_in_process, verdicts

pytestmark = pytest.mark.notebook

CARD = 'name: a NbN film\ndimensions: ["4.1 mm", "4.1 mm", "0.3 um"]\nfield_axis: 3\n'
SAID = {f"nbntri26cal_20K_{step}": (1.7e-3 * step, "calibration") for step in (0, 25, 50)}
SAID["nbntri26_8K_50"] = (21.25e-3, "zero-field cooled")
NO_NUMBER = "not testable without the raw data"
STEP = 16  # pixels of the camera


@pytest.fixture
def images(realdata, tmp_path):
    """A folder as the messages ask for it: single TIFFs of every sixteenth pixel, a note beside each."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name, (field, history) in SAID.items():
        picture = tifffile.imread(realdata / f"mo/Magneto-optics/{name}.tif")[::STEP, ::STEP]
        tifffile.imwrite(folder / f"{name}.tif", picture, photometric="minisblack")
        about = {"applied_field_T": field, "history": history, "temperature_K": 8}
        about |= {"pixel_size_m": STEP * 5.155e-6, "indicator_height_m": 5e-6}
        (folder / f"{name}.yaml").write_text(json.dumps(about), encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(CARD, encoding="utf-8")
    return folder


def test_a_film_under_another_microscope(images, tmp_path):
    """A NbN film from the command line: its own numbers and figures, and no verdict on the paper."""
    options = ("DATA=images/", "SAMPLE=mine.yaml", "ANALYSER=0.5")
    ledger = run_as_user("04_magneto_optics", tmp_path, *options)
    assert {entry["origin"] for entry in ledger["results"]} == {"measured"}
    assert 1e10 < numbers(ledger)["critical_current_8K"] < 1e11  # A/m², NbN at 8 K
    assert "ridge" not in numbers(ledger)
    assert NO_NUMBER not in verdicts(ledger).values() and not verdicts(ledger)
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"04_magneto_optics.csv", "flux_profiles.pdf", "current_maps.pdf", "critical_current.pdf"} <= made
    assert "field_cooled.pdf" not in made


@pytest.mark.parametrize(
    ("file", "options", "kept"),
    [
        ("mo/current-reconstruction/mag.npz", {"HEIGHT": 1e-6, "EDGES": "mirror"}, set()),
        pytest.param(
            "mo/magnetization-rock-sample/data0.txt",
            {"HEIGHT": 5e-4, "MAP_UNIT": "nT"},
            {"largest_current"},
            marks=pytest.mark.nightly,
        ),
    ],
)
def test_a_scanned_map(realdata, tmp_path, monkeypatch, file, options, kept):
    """A SQUID's and a Hall probe's: what its unit allows is kept, the rest has a reason."""
    ledger = run_in_process("04_magneto_optics", tmp_path, monkeypatch, DATA=str(realdata / file), **options)
    assert set(numbers(ledger)) == kept
    assert not verdicts(ledger) and "Critical current" in ledger["skipped"]
