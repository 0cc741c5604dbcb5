"""Notebook 06 from end to end on files that it was not made for: bands, reasons, exports; nothing stored."""

import json

import numpy as np
import pytest
from strangers import numbers, run_as_user, run_in_process

from nbtools.cathodoluminescence.study import read_files
from nbtools.files.write_hspy import Axis, Signal, write_hspy

pytestmark = pytest.mark.notebook
NOTEBOOK = "06_cathodoluminescence"
NM = np.linspace(400.0, 800.0, 200)


def test_a_map_of_nanoparticles(tmp_path, realdata):
    """One map stands for survey and detail; windows follow from its bands; nothing of paper or model is kept."""
    pytest.importorskip("rsciio")
    (tmp_path / "mine.hspy").write_bytes((realdata / "cl/lumispy/nanoparticles.hspy").read_bytes())
    ledger = run_as_user(NOTEBOOK, tmp_path, "DATA=mine.hspy")
    found = numbers(ledger)
    assert found["mean_band_1_energy"] == pytest.approx(2.404, abs=0.01)
    assert "channels_p" in found and "wide_channels_p" not in found
    assert not ledger["verdicts"] and not [name for name in found if "vacan" in name]
    assert {entry["origin"] for entry in ledger["results"]} == {"measured"}
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {
        "06_cathodoluminescence.csv",
        "spectra.pdf",
        "bands.pdf",
        "field.pdf",
        "band_areas.pdf",
    }


@pytest.mark.parametrize(
    ("file", "energy"),
    [
        pytest.param("lumispy/asymmetric_peak_map.hspy", 1.77, marks=pytest.mark.nightly),
        pytest.param("lumispy-demos/Test-linescan_InGaAs-NWs.dm4", 1.35, marks=pytest.mark.nightly),
        ("lumispy-demos/Test-spectrum_ZnO-NWs.dm4", 2.33),
        pytest.param("rosettasciio/test_spectral_map.sur", 2.15, marks=pytest.mark.nightly),
    ],
)
def test_maps_lines_and_spectra_of_others(file, energy, tmp_path, monkeypatch, realdata):
    """Whatever they hold, their strongest bands are found in energy, in the CSV too."""
    pytest.importorskip("rsciio")
    ledger = run_in_process(NOTEBOOK, tmp_path, monkeypatch, DATA=realdata / "cl" / file)
    found = {name: value for name, value in numbers(ledger).items() if name.endswith("_energy")}
    assert min(abs(value - energy) for value in found.values()) < 0.03
    text = next(tmp_path.rglob("06_cathodoluminescence.csv")).read_text()
    assert all(name in text for name in found)


@pytest.mark.nightly
def test_noise_alone_gives_a_figure_and_a_reason(tmp_path, monkeypatch, realdata):
    """A map in which nothing shines: no band, and the sections that need one say so."""
    pytest.importorskip("rsciio")
    file = realdata / "cl/rosettasciio/test_hyperspectral.h5"
    ledger = run_in_process(NOTEBOOK, tmp_path, monkeypatch, DATA=file)
    assert "no bands" in ledger["skipped"]["Bands of every pixel"]
    assert not any(name.endswith("_energy") for name in numbers(ledger))


def photoluminescence(folder):
    """A small map under a laser: two bands of other material, one of them in a half of the field only."""
    rng = np.random.default_rng(4)
    bands = [np.exp(-0.5 * ((NM - place) / 15) ** 2) for place in (520.0, 640.0)]
    light = np.stack([np.full((20, 20), 200.0), 150.0 * (np.arange(20) < 10) * np.ones((20, 1))], -1)
    counts = rng.poisson(light @ np.array(bands) + 5).astype(np.uint16)
    places = np.arange(20.0)
    axes = [
        Axis("y", places, "µm", False),
        Axis("x", places, "µm", False),
        Axis("Wavelength", NM, "nm", True),
    ]
    return write_hspy(folder / "laser.hspy", [Signal("PL map", counts, axes, "PL")])


def test_photoluminescence_is_asked_for_no_beam(tmp_path, monkeypatch):
    """Light that a laser excites: no beam's energy is asked for, MgO's centres are not spoken of."""
    pytest.importorskip("rsciio")
    ledger = run_in_process(NOTEBOOK, tmp_path, monkeypatch, DATA=photoluminescence(tmp_path))
    text = json.dumps(ledger, ensure_ascii=False)
    assert "beam_energy" not in text and "MgO" not in text
    found = numbers(ledger)
    # The density over energy of a band Gaussian in nm peaks at a lower energy, here by a few meV.
    assert found["mean_band_2_energy"] == pytest.approx(1239.84 / 520, abs=0.01)
    assert found["mean_band_1_energy"] == pytest.approx(1239.84 / 640, abs=0.01)


@pytest.mark.nightly
def test_bands_and_windows_of_the_user(tmp_path, monkeypatch):
    """Given where to look: the places are taken, and the windows are those that were asked for."""
    pytest.importorskip("rsciio")
    options = {"BANDS": [1.94, 2.38], "WINDOWS": {"green": [510, 530], "red": [630, 650]}}
    ledger = run_in_process(NOTEBOOK, tmp_path, monkeypatch, DATA=photoluminescence(tmp_path), **options)
    assert {"mean_band_1_energy", "mean_band_2_energy", "overlap_p"} <= set(numbers(ledger))
    criteria = " ".join(entry["method"] for entry in ledger["results"])
    assert "green and red" in criteria


@pytest.mark.parametrize(("name", "text"), [("map.txt", "ends in .txt"), ("map.hspy", "whole")])
def test_a_file_of_no_format_is_left_out_with_its_reason(name, text, tmp_path):
    """Nothing stops: the section says what came."""
    pytest.importorskip("rsciio")
    (tmp_path / name).write_text("400\t500\n1\t2\n")
    found, refused = read_files([tmp_path / name])
    assert not found
    assert name in refused[0] and text in refused[0]
