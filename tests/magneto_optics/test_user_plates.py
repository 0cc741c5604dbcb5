"""Notebook 04 from end to end on camera frames that it was not made for; nothing stored."""

import json

import numpy as np
import pytest
import tifffile
from strangers import numbers, run_as_user, verdicts

pytestmark = pytest.mark.notebook

CARD = 'name: a NbN film\ndimensions: ["3 mm", "3 mm", "0.3 um"]\nfield_axis: 3\n'


def test_a_film_under_another_microscope(tmp_path, realdata):
    """A NbN film, its frames put into series with their fields, every eighth pixel: maps, but no verdict."""
    folder = tmp_path / "images"
    folder.mkdir()
    about = {"pixel_size_m": 8 * 5.155e-6, "indicator_height_m": 5e-6}
    known = [f"nbntri26cal_20K_{step}.tif" for step in (0, 25, 50)]
    for name, frames, more in (
        (
            "uniform.tif",
            known,
            {"history": "calibration", "temperature_K": 20, "applied_field_T": [0, 0.0425, 0.085]},
        ),
        ("film.tif", ["nbntri26_8K_50.tif"], {"temperature_K": 8, "applied_field_T": [0.02125]}),
    ):
        pages = np.array([tifffile.imread(realdata / "mo/Magneto-optics" / one)[::8, ::8] for one in frames])
        tifffile.imwrite(folder / name, pages, description=json.dumps(about | more), photometric="minisblack")
    (tmp_path / "mine.yaml").write_text(CARD, encoding="utf-8")
    ledger = run_as_user("04_magneto_optics", tmp_path, "DATA=images/", "SAMPLE=mine.yaml")
    assert {entry["origin"] for entry in ledger["results"]} <= {"measured"}
    assert numbers(ledger) or ledger["skipped"]
    settled = verdicts(ledger)
    assert settled["MO-03"] == "not testable without the raw data"
    assert (tmp_path / "out" / "04_magneto_optics.csv").is_file()
