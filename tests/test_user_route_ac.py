"""Notebook 05 on a researcher's own folder and card: numbers, reasons, nothing stored."""

import json
from pathlib import Path

import numpy as np
import pytest
from notebook_cells import NOTEBOOKS
from strangers import numbers, run_in_process

from nbtools import ac_susceptibility
from nbtools.ac_susceptibility.twin import record_ac_susceptibility
from nbtools.files.write_quantum_design import SYNTHETIC, write_acms, write_mpms3
from nbtools.notebook.sample import open_sample
from nbtools.physics.bean_state import bean_loop, bean_susceptibility
from nbtools.study import Missing
from nbtools.units import convert

pytestmark = pytest.mark.notebook

CARD = """\
name: somebody's bar
shape: prism
dimensions: ["1.00 ± 0.02 mm", "1.00 ± 0.02 mm", "5.00 ± 0.02 mm"]
field_axis: 3
thermometer_offset: "0.00 ± 0.02 K"
"""
FILM = CARD.replace('"5.00 ± 0.02 mm"', '"0.0010 ± 0.0001 mm"')
SQUID = "acsus_local/vortex-dynamics-induced-by-scanning-squid"
OERSTED = convert(1.0, "Oe", "A/m")


def mine(folder, patch, card=CARD):
    """The cells on the files of `folder` and a card."""
    path = folder / "mine.yaml"
    path.write_text(card, encoding="utf-8")
    data = str(folder / "measured")
    ledger = run_in_process("05_ac_susceptibility", folder / "results", patch, DATA=data, SAMPLE=str(path))
    assert not ledger["verdicts"]
    return ledger


@pytest.fixture
def measured(tmp_path):
    folder = tmp_path / "measured"
    folder.mkdir()
    return folder


@pytest.mark.nightly
def test_a_bar_of_ones_own(tmp_path, measured, monkeypatch):
    """Another bar's files: its half screening and its own numbers; the paper's cells stay silent."""
    *_, card = record_ac_susceptibility(measured, seed=11, world="bean", half_screening=(36.8, 36.6, 36.3))
    card.unlink()
    ledger = mine(tmp_path, monkeypatch)
    assert numbers(ledger)["half_screening_1"] == pytest.approx(36.6, abs=0.05)
    origins = {entry["origin"] for entry in ledger["results"]}
    assert origins == {"twin"}  # the files say that they are synthetic
    files = {file for entry in ledger["results"] for file in entry["file"].split(", ")}
    assert files == {"ac_amplitudes.dat", "ac_frequencies.dat", "loops.dat"}


@pytest.mark.nightly
def test_an_unmarked_copy_of_the_twin_gives_the_rows_of_the_whole_notebook(tmp_path, monkeypatch):
    """The technique's cells alone, on files that do not say what they are: the same numbers under the same names."""
    source = open_sample("ac-twin")
    folder = tmp_path / "bar"
    folder.mkdir()
    for file in (*source.files, source.source.card):
        text = (
            file.read_text(encoding="utf-8").replace(SYNTHETIC, "a bar").replace("is_paper_sample: true", "")
        )
        (folder / file.name).write_text(text, encoding="utf-8")
    ours = run_in_process("05_ac_susceptibility", tmp_path / "results", monkeypatch, DATA=str(folder))
    stored = json.loads((NOTEBOOKS / "results" / "05_ac_susceptibility.json").read_text(encoding="utf-8"))
    assert numbers(ours) == pytest.approx(numbers(stored), rel=1e-6)
    assert {entry["origin"] for entry in ours["results"]} == {"measured"}
    assert not ours["verdicts"]


@pytest.mark.nightly
def test_a_magnet_that_does_not_screen(tmp_path, measured, monkeypatch, realdata):
    """A real ACMS file of 42 sweeps without a transition beside an MPMS file: reasons by name, no number invented."""
    for name in ("nomad-measurements/ACMS_test.dat", "NCCO_Analysis_Code_2026/20240222_NCCO_AG.dc.dat"):
        (measured / Path(name).name).write_bytes((realdata / "qd" / name).read_bytes())
    ledger = mine(tmp_path, monkeypatch)
    assert not numbers(ledger)
    assert "nothing is screened" in ledger["skipped"]["χ′ and χ″ over full screening"]


def test_loops_alone(tmp_path, measured, monkeypatch):
    """Nb₃Sn-like loops of a film 1 µm thin: J_c within 1 % of ΔM's formula at each temperature, and a law through them.

    A film is beyond what is solved with ends, and no ac file is there; neither stops the loops.
    """
    field = np.r_[np.linspace(4e6, -4e6, 201), np.linspace(-4e6, 4e6, 201)[1:]]
    planted = {4.2: 3e9, 8.0: 2e9, 12.0: 8e8, 15.0: 2e8}
    moments = []
    for density in planted.values():
        full = density * 0.5e-3
        down, up = bean_loop(np.abs(field) / full * np.sign(field), 4e6 / full, "square_bar")
        moments.append(np.where(np.arange(field.size) < 201, down, up) * full * 1e-12)
    write_mpms3(
        measured / "film.dat",
        name="film",
        elapsed=40.0 * np.arange(4 * field.size),
        temperature=np.repeat([*planted], field.size),
        field=np.tile(field, 4),
        moment=np.concatenate(moments),
        moment_error=1e-12,
    )
    ledger = mine(tmp_path, monkeypatch, FILM)
    found = numbers(ledger)
    for kelvin, density in planted.items():
        assert found[f"loop_current_{kelvin:.3g}K"] == pytest.approx(density, rel=0.01)
    assert "half_screening_0" not in found and "Which law?" not in ledger["skipped"]
    assert "ac in phase" in ledger["skipped"]["χ′ and χ″ over full screening"]


def acms(path, drives, points=150, noise=1e-4):
    """Bean's bar at each drive (Oe, Hz, Oe dc), on warming; a drive may have its own number of points."""
    rng, columns = np.random.default_rng(4), []
    for oersted, hertz, bias, *own in drives:
        t = np.linspace(35.5, 38.5, own[0] if own else points)
        full = np.maximum(12.0 * (np.maximum(37.5 - t, 0) / 0.4) ** 5, 1e-9)
        real, loss = bean_susceptibility(oersted * OERSTED / full, "square_bar")
        scale = 5e-9 * oersted * OERSTED
        both = [scale * (part + noise * rng.normal(size=t.size)) for part in (real, loss)]
        columns.append(
            np.array(np.broadcast_arrays(t, bias * OERSTED, hertz, oersted * OERSTED, *both, 1e-12))
        )
    names = ("temperature", "field", "frequency", "amplitude", "in_phase", "out_of_phase", "deviation")
    whole = dict(zip(names, np.concatenate(columns, axis=1), strict=True))
    return write_acms(path, name="bar", elapsed=40.0 * np.arange(whole["temperature"].size), **whole)


@pytest.mark.parametrize(
    "card", [pytest.param(CARD, id="bar"), pytest.param(FILM, id="film", marks=pytest.mark.nightly)]
)
def test_one_curve(tmp_path, measured, monkeypatch, card):
    """A single drive: half screening, its loss peak and J_c; no rectangle, no frequency, each with its reason.

    A film of 1 µm is beyond what is solved with ends: only that number is left out.
    """
    acms(measured / "one.dat", [(1.0, 333.0, 0.0)])
    ledger = mine(tmp_path, monkeypatch, card)
    assert ("ends_of_the_bar" in numbers(ledger)) == (card == CARD)
    found = numbers(ledger)
    planted = 37.5 - 0.4 * (OERSTED / 0.6202 / 12.0) ** 0.2
    assert found["half_screening_0"] == pytest.approx(planted, abs=0.01)
    assert found["peak_height_0"] == pytest.approx(0.212, abs=0.005)
    assert "two amplitudes" in ledger["skipped"]["Fig. 13 · Rectangles"]
    assert "two frequencies" in ledger["skipped"]["Fig. 15 · Frequency"]


@pytest.mark.nightly
def test_thirty_curves(tmp_path, measured, monkeypatch):
    """Ten amplitudes at three frequencies: one set of ten, one of three, and every amplitude's half screening."""
    amplitudes = np.geomspace(0.03, 10, 10)
    acms(measured / "many.dat", [(h, f, 0.0) for f in (10.0, 100.0, 1000.0) for h in amplitudes])
    found = numbers(mine(tmp_path, monkeypatch))
    for i, h in enumerate(amplitudes):
        planted = 37.5 - 0.4 * (h * OERSTED / 0.6202 / 12.0) ** 0.2
        assert found[f"half_screening_{i}"] == pytest.approx(planted, abs=0.01)
    assert abs(found["shift_per_decade"]) < 0.01


def test_a_short_curve_is_left_out_alone(measured):
    """Eleven drives, one of them with 6 points: ten curves, and the reason for the other by its drive."""
    drives = [(h, 10.0, 0.0) for h in np.geomspace(0.1, 10, 10)] + [(3.3, 77.0, 0.0, 6)]
    acms(measured / "eleven.dat", drives)
    curves = ac_susceptibility.study_curves(open_sample(str(measured)), record=False)
    assert len(curves.curves) == 10
    assert [*curves.left_out] == ["3.3 Oe, 77 Hz, 0 Oe dc"] or not curves.left_out


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("T_sweep_5mA_500Hz_FC_series.mat", marks=pytest.mark.nightly),
        pytest.param("FCsweep_9p3.mat", marks=pytest.mark.nightly),
        "",
    ],
)
def test_a_scanning_squids_files(tmp_path, measured, monkeypatch, realdata, name):
    """One temperature sweep, one drive sweep, and the whole folder: what they hold, no field or current invented."""
    for file in (realdata / SQUID).glob(name or "*.mat"):
        (measured / file.name).write_bytes(file.read_bytes())
    ledger = mine(tmp_path, monkeypatch)
    found = numbers(ledger)
    places = [value for key, value in found.items() if key.startswith("half_")]
    assert places == pytest.approx([9.25] * {"": 3, "FCsweep_9p3.mat": 0}.get(name, 1), abs=0.03)
    assert not any("current" in key for key in found)
    assert "scanning SQUID" in ledger["skipped"]["Fig. S4 · Loops"]


@pytest.mark.parametrize("name", ["MagnetoPy/mvsh3.dat", "MagnetoPy/Pd_std1.dat", "MagnetoPy/zfc5.dat"])
def test_every_study_ends_on_a_strangers_file(realdata, name):
    """A result with its own numbers, or the reason; never an exception."""
    sample = open_sample(str(realdata / "qd" / name))
    for result in ac_susceptibility.study_all(sample).values():
        assert isinstance(result, Missing) or all(np.isfinite(row.quantity) for row in result.rows())
        assert str(result)
