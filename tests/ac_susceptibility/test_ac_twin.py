"""The recorded ac twin: reproducible, read back as written, and holding what was planted."""

import numpy as np
import pytest

from nbtools.ac_susceptibility.twin import AcSusceptibilityWorld, record_ac_susceptibility, truth
from nbtools.files.quantum_design import find_sweeps, read_dat
from nbtools.files.sample_card import read_sample_card
from nbtools.files.write_quantum_design import SYNTHETIC
from nbtools.units import convert

FILES = ["ac_amplitudes.dat", "ac_frequencies.dat", "loops.dat", "sample.yaml"]
IDEAL = {
    "dimension_uncertainty": 0.0,
    "temperature_error": 0.0,
    "temperature_jitter": 0.0,
    "thermometer_lag": 0.0,
    "phase_error": 0.0,
    "holder_susceptibility": 0.0,
}


@pytest.fixture(scope="module")
def ideal(tmp_path_factory):
    """The files of an ideal instrument in Bean's world, read."""
    paths = record_ac_susceptibility(tmp_path_factory.mktemp("ideal"), seed=1, world="bean", **IDEAL)
    return {path.stem: read_dat(path) for path in paths if path.suffix == ".dat"}


def test_same_seed_same_bytes(tmp_path):
    """A twin is its seed and parameters."""
    first, second = (record_ac_susceptibility(tmp_path / name, seed=7) for name in "ab")
    assert [path.name for path in first] == FILES
    assert [a.read_bytes() for a in first] == [b.read_bytes() for b in second]


def test_the_instruments_and_what_they_say(ideal, tmp_path):
    """ACMS and MPMS3, each header synthetic; the card is the paper's bar."""
    assert {ideal["ac_amplitudes"].attrs["instrument"], ideal["loops"].attrs["instrument"]} == {
        "PPMS ACMS",
        "MPMS3",
    }
    assert ideal["ac_amplitudes"].attrs["title"] == SYNTHETIC
    *_, card = record_ac_susceptibility(tmp_path, seed=1)
    assert read_sample_card(card).is_paper_sample


def test_drives_come_back(ideal):
    """Three amplitudes in 10 Oe at 10 Hz, three frequencies in none, each on warming and on cooling."""
    sweeps = find_sweeps(ideal["ac_amplitudes"], axis="temperature", needs="ac_in_phase")
    assert len(sweeps) == 6
    oersted = {round(convert(s.amplitude, "A/m", "Oe"), 2) for s in sweeps}
    assert oersted == {0.1, 1.0, 10.0}
    assert {round(convert(s.held, "A/m", "Oe")) for s in sweeps} == {10}
    others = find_sweeps(ideal["ac_frequencies"], axis="temperature", needs="ac_in_phase")
    assert {s.frequency for s in others} == {10.0, 100.0, 1000.0}


def test_an_ideal_instrument_reads_the_world(ideal):
    """M' and M'' over amplitude, volume and full screening are χ', χ'' within the noise; loss is positive."""
    world = AcSusceptibilityWorld(world="bean", **IDEAL)
    data = ideal["ac_amplitudes"]
    for amplitude in world.amplitudes:
        rows = np.abs(data["ac_amplitude"].values / amplitude - 1) < 1e-3
        expected = world.susceptibility(data["temperature"].values[rows], amplitude, 10.0, world.bias)
        scale = -world.shielded * 5e-9 * amplitude
        for name, model in zip(("ac_in_phase", "ac_out_of_phase"), expected, strict=True):
            apart = data[name].values[rows] / scale - model
            sigma = np.hypot(world.moment_noise / scale, world.relative_noise)
            assert np.sqrt(np.mean(apart**2)) < 1.2 * sigma


def test_what_is_planted():
    """Bean's world half-screens where the paper says, closes, and does not move with frequency."""
    planted = truth(world="bean", grain_share=0.0)
    halves = [planted[f"half_screening_{i}"] for i in range(3)]
    assert halves == pytest.approx([37.1, 36.9, 36.6], abs=0.01)
    assert planted["closure"] == pytest.approx(0.0, abs=1e-3)
    assert planted["shift_per_decade"] == pytest.approx(0.0, abs=1e-4)
    assert planted["critical_current_1"] == pytest.approx(25.7e4, rel=0.01)


@pytest.mark.parametrize(
    ("world", "name", "low", "high"),
    [
        ("creep", "shift_per_decade", 0.03, 0.07),
        ("linear", "peak_height_1", 0.34, 0.38),
        ("kim", "bias_shift", -0.06, -0.01),
        ("two-step", "peak_height_1", 0.14, 0.16),
    ],
)
def test_rivals_differ_where_they_should(world, name, low, high):
    """Each wrong world by the number that gives it away."""
    assert low < truth(world=world)[name] < high


def test_an_unknown_world():
    """Refused by name."""
    with pytest.raises(ValueError, match="it can be 'paper'"):
        AcSusceptibilityWorld(world="josephson")
