"""Sweeps: planted records with the jitter of real instruments, and the real files."""

import numpy as np
import pytest
import xarray as xr

from nbtools.files.quantum_design import read_dat
from nbtools.files.sweeps import (
    SweepError,
    average_opposite_currents,
    distinct_names,
    find_sweeps,
    split_sweeps,
)
from nbtools.results import NotPossible

OERSTED = 79.57747154594767  # A/m


def record(temperature, field_oe, variable="moment", **more) -> xr.Dataset:
    """A record as `read_dat` gives it, with a value at every point."""
    t, h = np.broadcast_arrays(np.asarray(temperature, float), np.asarray(field_oe, float))
    columns = {"temperature": t, "field": h * OERSTED, variable: np.ones(t.size)} | more
    data = xr.Dataset({name: ("point", np.array(values)) for name, values in columns.items()})
    return data.assign_attrs(instrument="MPMS3", source="planted.dat")


def noisy(values, spread, seed=1):
    """Values with Gaussian noise."""
    return np.asarray(values, float) + np.random.default_rng(seed).normal(0, spread, np.size(values))


def labels(dataset, **options):
    """Labels of all sweeps, in order."""
    return [sweep.label for sweep in split_sweeps(dataset, **options)]


WARM = np.arange(5, 50, 0.5)
LOOP = np.concatenate([np.arange(0, 1000, 50), np.arange(1000, -1000, -50), np.arange(-1000, 1001, 50)])


def test_zfc_and_fc_on_warming():
    """The reset of the temperature separates the branches; none of the points is lost."""
    sweeps = split_sweeps(record(np.tile(WARM, 2), 10))
    assert [(s.label, s.direction, s.size) for s in sweeps] == [("zfc", "up", 90), ("fc", "up", 90)]
    assert sweeps[0].held == pytest.approx(10 * OERSTED)


def test_fc_on_cooling():
    """The turn separates the branches; the top point belongs to the branch that reached it."""
    sweeps = split_sweeps(record(np.concatenate([WARM, WARM[-2::-1]]), 10))
    assert [(s.label, s.direction, s.size) for s in sweeps] == [("zfc", "up", 90), ("fc", "down", 89)]


def test_three_branches_at_one_field():
    """Zfc on warming, then field cooled on cooling and on warming."""
    data = record(np.concatenate([WARM, WARM[-2::-1], WARM[1:]]), 10)
    assert labels(data) == ["zfc", "fc", "fc"]


@pytest.mark.parametrize(
    ("data", "label"),
    [
        (record(WARM, 10), "warming"),
        (record(WARM[::-1], 10), "cooling"),
        (record(np.tile(WARM, 2), 0.1), "warming"),
        (record(np.tile(WARM, 2), 10, "resistance_1"), "warming"),
    ],
)
def test_zfc_is_not_claimed_without_evidence(data, label):
    """One branch, a first branch on cooling, no field, or a resistance: only the direction is named."""
    assert split_sweeps(data)[0].label == label


def test_two_fields_are_two_pairs():
    """Zfc and fc at 10 Oe, then at 100 Oe: the pairs are not mixed."""
    sweeps = split_sweeps(record(np.tile(WARM, 4), np.repeat([10, 100], 180)))
    assert [s.label for s in sweeps] == ["zfc", "fc", "zfc", "fc"]
    assert [round(s.held / OERSTED) for s in sweeps] == [10, 10, 100, 100]


def test_warming_at_many_fields():
    """One warming run at each of five fields: five sweeps, none called zfc."""
    fields = [10, 20, 50, 100, 1000]
    sweeps = split_sweeps(record(np.tile(WARM, 5), np.repeat(fields, 90)))
    assert [s.label for s in sweeps] == ["warming"] * 5
    assert [round(s.held / OERSTED) for s in sweeps] == fields


@pytest.mark.parametrize("seed", range(5))
def test_thermometer_noise_makes_no_turns(seed):
    """Steps of 0.5 K with 0.03 K noise and a field that reads 0.5 Oe off: still two branches."""
    t = noisy(np.tile(WARM, 2), 0.03, seed)
    h = noisy(np.full(t.size, 10.0), 0.5, seed + 100)
    sweeps = split_sweeps(record(t, h))
    assert [(s.label, s.size) for s in sweeps] == [("zfc", 90), ("fc", 90)]


def test_fine_steps_through_a_transition():
    """Steps of 0.02 K around 37 K, twice: a sharp transition is what this is for."""
    t = noisy(np.tile(np.arange(36.5, 37.5, 0.02), 2), 0.005)
    assert labels(record(t, 10)) == ["zfc", "fc"]


def test_repeated_points_at_each_temperature():
    """Five readings at each temperature are one sweep."""
    t = noisy(np.repeat(WARM, 5), 0.005)
    assert [(s.label, s.size) for s in split_sweeps(record(t, 10))] == [("warming", 450)]


def test_virgin_curve_and_loop():
    """From zero up, down, up; each turn belongs to the branch that reached it."""
    sweeps = split_sweeps(record(5, LOOP))
    assert [(s.label, s.direction) for s in sweeps] == [("virgin", "up"), ("down", "down"), ("up", "up")]
    assert sum(s.size for s in sweeps) == LOOP.size
    assert sweeps[0].data.field.values[-1] == 1000 * OERSTED
    assert sweeps[1].held == pytest.approx(5)


@pytest.mark.parametrize("seed", range(5))
def test_loop_with_jitter(seed):
    """Remanence of 3 Oe at the start, overshoot at the turns, repeated readings there, noisy thermometer."""
    h = LOOP.astype(float)
    h[0] = 3.0
    top, bottom = np.argmax(h), np.argmin(h)
    h = np.insert(h, [top + 1] * 3 + [bottom + 1] * 3, [1004.0, 1001.0, 999.0, -1003.0, -1000.0, -1001.0])
    data = record(noisy(np.full(h.size, 5.0), 0.003, seed), noisy(h, 0.3, seed))
    assert labels(data) == ["virgin", "down", "up"]


def test_loop_from_saturation_has_no_virgin_curve():
    """A record that starts at +1000 Oe goes down, then up."""
    assert labels(record(5, LOOP[20:])) == ["down", "up"]


def test_loops_at_many_temperatures():
    """A loop at each of four temperatures 0.2 K apart: each begins anew with its virgin curve."""
    t = np.repeat([36.6, 36.8, 37.0, 37.2], LOOP.size)
    sweeps = split_sweeps(record(noisy(t, 0.005), np.tile(LOOP, 4)))
    assert [s.label for s in sweeps] == ["virgin", "down", "up"] * 4
    assert [round(s.held, 1) for s in sweeps[::3]] == [36.6, 36.8, 37.0, 37.2]


def test_virgin_curves_only():
    """Zero to 500 Oe at five temperatures, as for Hc1: five virgin curves of all their points."""
    t = np.repeat([5, 10, 15, 20, 25], 26)
    sweeps = split_sweeps(record(t, np.tile(np.arange(0, 520, 20), 5)))
    assert [(s.label, s.size) for s in sweeps] == [("virgin", 26)] * 5


def test_heating_by_the_ramp_is_one_isotherm():
    """The sample warms by 0.1 K while the field moves: no new isotherm."""
    t = 5 + 0.1 * np.sin(np.linspace(0, np.pi, LOOP.size))
    assert labels(record(t, LOOP)) == ["virgin", "down", "up"]


def test_small_steps_in_field():
    """A virgin curve of 1 Oe steps up to 60 Oe, for Hc1 near Tc."""
    sweeps = split_sweeps(record(noisy(np.full(61, 37.0), 0.002), np.arange(61)))
    assert [(s.label, s.size) for s in sweeps] == [("virgin", 61)]


def test_temperature_and_field_sweeps_in_one_file():
    """Zfc, fc, then a loop at 5 K, then resistance-like warming at another field."""
    t = np.concatenate([np.tile(WARM, 2), np.full(LOOP.size, 5.0), WARM])
    h = np.concatenate([np.full(180, 10.0), LOOP, np.full(90, 500.0)])
    sweeps = split_sweeps(record(t, h))
    assert [s.label for s in sweeps] == ["zfc", "fc", "virgin", "down", "up", "warming"]


def test_plateau():
    """A relaxation of 200 points at 5 K and 100 Oe before a warming run is a plateau, and cut off."""
    t = noisy(np.concatenate([np.full(200, 5.0), WARM[1:]]), 0.003)
    sweeps = split_sweeps(record(t, 100))
    assert [s.label for s in sweeps] == ["plateau", "warming"]
    assert sweeps[0].direction == "settled" and abs(sweeps[0].size - 200) <= 2


def test_nothing_moves():
    """Repeated points only: one plateau."""
    assert labels(record(noisy(np.full(50, 300.0), 0.01), 0)) == ["plateau"]


def test_fields_visited_in_turn():
    """At each temperature +1 T and -1 T, as for a Hall bar: two temperature sweeps."""
    t = np.repeat(WARM, 2)
    sweeps = split_sweeps(record(t, np.tile([1e4, -1e4], 90), "resistance_1"))
    assert [(s.axis, s.size, round(s.held / OERSTED)) for s in sweeps] == [
        ("temperature", 90, -10000),
        ("temperature", 90, 10000),
    ]


def test_ac_drives_are_separate_curves():
    """Two frequencies and two amplitudes at each temperature: four curves, and the dc rows beside them."""
    t = np.repeat(WARM, 5)
    nan = np.nan
    data = record(
        t,
        1,
        "moment",
        moment=np.tile([nan, nan, nan, nan, 1.0], 90),
        ac_in_phase=np.tile([1.0, 1, 1, 1, nan], 90),
        frequency=np.tile([10, 100, 10.1, 100, nan], 90),
        ac_amplitude=np.tile([1, 1, 5.001, 5, nan], 90),
    )
    sweeps = split_sweeps(data)
    assert [(s.label, s.size) for s in sweeps] == [("warming", 90)] * 5
    assert [(s.frequency, s.amplitude) for s in sweeps[1:]] == [
        (pytest.approx(10.05), 1),
        (pytest.approx(10.05), pytest.approx(5.0, rel=1e-3)),
        (100, 1),
        (100, pytest.approx(5.0, rel=1e-3)),
    ]
    assert (sweeps[0].frequency, sweeps[0].amplitude) == (None, None)


def test_log_is_refused(realdata):
    """A log of the cryostat measures no sample."""
    log = read_dat(realdata / "qd/quantumPPMS/sample2.DAT")
    with pytest.raises(SweepError, match=r"sample2\.DAT is a log of the cryostat, not a measurement"):
        split_sweeps(log)
    wanted = {"axis": "temperature", "needs": "resistance"}
    with pytest.raises(NotPossible, match=r"\(PPMS log\) has only the state of the cryostat: no sweep"):
        find_sweeps(log, **wanted)


REAL = {
    "MagnetoPy/Pd_std1.dat": ["up", "down"],
    "MagnetoPy/fc5.dat": ["warming"],
    "MagnetoPy/mvsh2c.dat": ["up", "down", "up", "down"],
    "MagnetoPy/mvsh3.dat": ["up", "down"],
    "MagnetoPy/mvsh4.dat": ["up", "down"],
    "MagnetoPy/zfc5.dat": ["warming"],
    "MagnetoPy/zfcfc1.dat": ["zfc", "fc"],
    "MagnetoPy/zfcfc3.dat": ["zfc", "fc"],
    "NCCO_Analysis_Code_2026/20240223_NCCO_SC_Canada4_full_size.dc.dat": ["zfc", "fc"],
    "nomad-measurements/Resistivity_Ch1_TMR_Ch2_Hall_test.dat": ["up", "down"] * 3 + ["up"],
    "project_chameleon/4-probe resistivity example file.dat": ["cooling", "warming"],
    "quantumPPMS/sample1.dat": ["cooling"],
}


@pytest.mark.parametrize("file", REAL)
def test_real_files(realdata, file):
    """The sweeps that the notes of the collection describe, without a point lost."""
    data = read_dat(realdata / "qd" / file)
    sweeps = split_sweeps(data)
    assert [s.label for s in sweeps] == REAL[file]
    assert sum(s.size for s in sweeps) == data.sizes["point"]


def test_real_branches(realdata):
    """Fc of one file is measured on warming, of the other on cooling; isotherms 0.1 K apart are told apart."""
    folder = realdata / "qd/MagnetoPy"
    assert split_sweeps(read_dat(folder / "zfcfc1.dat"))[1].direction == "up"
    assert split_sweeps(read_dat(folder / "zfcfc3.dat"))[1].direction == "down"
    hall = read_dat(realdata / "qd/nomad-measurements/Resistivity_Ch1_TMR_Ch2_Hall_test.dat")
    held = [round(s.held, 2) for s in split_sweeps(hall)]
    assert held == [2.0, 2.1, 2.1, 2.2, 2.2, 2.3, 2.3]


def test_acms_file(realdata):
    """21 frequencies, each warming twice at 2 kOe and sweeping the field at 5 and 10 K; the dc rows likewise."""
    sweeps = split_sweeps(read_dat(realdata / "qd/nomad-measurements/ACMS_test.dat"))
    assert len({s.frequency for s in sweeps}) == 22 and len(sweeps) == 88
    slowest = [s for s in sweeps if s.frequency is not None and s.frequency < 11]
    assert [(s.label, s.size, round(s.amplitude / OERSTED)) for s in slowest] == [
        ("warming", 10, 4),
        ("up", 37, 10),
        ("warming", 10, 10),
        ("up", 4, 10),
    ]


def test_find_by_axis_variable_label_and_held():
    """Only what was asked for; each sweep holds only points that have the variable."""
    one = record(np.tile(WARM, 2), 10)
    two = record(5, LOOP)
    two["moment"][3] = np.nan
    assert len(find_sweeps([one, two], axis="temperature", needs="moment")) == 2
    assert [s.label for s in find_sweeps(one, axis="temperature", needs="moment", label="fc")] == ["fc"]
    found = find_sweeps([one, two], axis="field", needs="moment", held=5.0)
    assert [s.label for s in found] == ["virgin", "down", "up"]
    assert found[0].size == 20 and np.isfinite(found[0].data.moment).all()
    for files, wanted in (
        ([one, two], {"needs": "moment", "held": 7.0}),
        ([one, two], {"needs": "resistance"}),
        ([], {"needs": "resistance"}),
    ):
        with pytest.raises(NotPossible, match=f"sweep of the field with {wanted['needs']}"):
            find_sweeps(files, axis="field", **wanted)


def test_resistance_is_whichever_bridge_has_data(realdata):
    """Bridge 3 of the four-probe file; both bridges of the Hall file."""
    probe = read_dat(realdata / "qd/project_chameleon/4-probe resistivity example file.dat")
    assert [s.label for s in find_sweeps(probe, axis="temperature", needs="resistance")] == [
        "cooling",
        "warming",
    ]
    hall = read_dat(realdata / "qd/nomad-measurements/Resistivity_Ch1_TMR_Ch2_Hall_test.dat")
    assert len(find_sweeps(hall, axis="field", needs="resistance")) == 14
    assert len(find_sweeps(hall, axis="field", needs="resistance_2")) == 7


def test_sweeps_have_names_of_their_own():
    """A label alone where it stands once; else the field, the file, or a number."""
    one, other = record(WARM, 10), record(WARM, 10).assign_attrs(source="other.dat")
    assert distinct_names(find_sweeps(one, axis="temperature", needs="moment")) == ["warming"]
    wanted = {"axis": "temperature", "needs": "moment"}
    assert distinct_names(find_sweeps([one, other], **wanted)) == [
        "warming (planted.dat)",
        "warming (other.dat)",
    ]
    assert distinct_names(find_sweeps([one, record(WARM, 20)], **wanted)) == [
        "warming (10 Oe)",
        "warming (20 Oe)",
    ]
    assert distinct_names(find_sweeps([one, one], **wanted)) == ["warming (no. 1)", "warming (no. 2)"]


def test_what_is_missing():
    """What was looked for, and what the files have instead."""
    with pytest.raises(NotPossible) as said:
        find_sweeps(record(WARM, 10), axis="field", needs="resistance", label="virgin", held=5.0)
    assert str(said.value) == (
        "No virgin sweep of the field with resistance at 5 K was found; planted.dat (MPMS3) has moment: "
        "1 × warming (temperature)."
    )


def test_text_of_a_sweep():
    """One line for a table in a notebook."""
    assert str(split_sweeps(record(WARM, 10))[0]) == "warming at 10 Oe: 90 points"


def test_found_sweep_knows_its_arrays():
    """`along` is what moves, `signal` what was asked for: equally long, in SI."""
    sweep = find_sweeps(record(5, LOOP), axis="field", needs="moment", label="virgin")[0]
    assert sweep.along[-1] == 1000 * OERSTED and sweep.signal.tolist() == [1.0] * sweep.size


def reversed_record(**more):
    """R = 2 ohm at ±1 mA with 10 µV of thermal voltage, at ten temperatures."""
    current = np.tile([1e-3, -1e-3], 10)
    t = np.repeat(np.arange(10), 2) * 1.0 + 5
    columns = {"excitation_1": current, "resistance_uncertainty_1": np.full(20, 0.02)} | more
    return record(t, 0, "resistance_1", **columns).assign(resistance_1=("point", 2 + 1e-5 / current))


def test_opposite_currents_remove_the_thermal_voltage():
    """The mean of each pair, and its error smaller by √2."""
    combined, pairs = average_opposite_currents(reversed_record(), "1")
    np.testing.assert_allclose(combined.resistance_1, 2, rtol=1e-12)
    np.testing.assert_allclose(combined.excitation_1, 1e-3)
    np.testing.assert_allclose(combined.resistance_uncertainty_1, 0.02 / np.sqrt(2))
    assert pairs == 10


def test_a_sweep_of_opposite_currents_comes_as_pairs():
    """What is found is the resistance, and the sweep says how it was made of its readings."""
    sweep = find_sweeps(reversed_record(), axis="temperature", needs="resistance")[0]
    np.testing.assert_allclose(sweep.signal, 2, rtol=1e-12)
    assert str(sweep) == "warming at 0 Oe (10 pairs of opposite current averaged): 10 points"


@pytest.mark.parametrize(
    "current",
    [
        pytest.param(np.full(20, 1e-3), id="one sign"),
        pytest.param(np.repeat([1e-3, -1e-3], 10), id="one sign, then the other"),
        pytest.param(np.tile([1e-3, -0.5e-3], 10), id="unequal currents"),
    ],
)
def test_no_reversal_stays_as_measured(current):
    """Pairs are neighbours of equal and opposite current through nearly all of a record."""
    data = reversed_record(excitation_1=current)
    combined, pairs = average_opposite_currents(data, "1")
    assert combined.identical(data) and pairs == 0


@pytest.mark.parametrize("readings", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_an_extreme_that_both_branches_measure(readings, seed):
    """Each branch has its own point there, whichever reads the larger field; a single stay ends a branch."""
    up, down = np.arange(0, 50_001, 1000.0), np.arange(50_000, -50_001, -1000.0)
    twice = np.repeat(np.concatenate([up, down]), readings)
    field = noisy(twice, 0.3, seed)
    data = record(np.full(field.size, 5.0), field)
    assert [sweep.size for sweep in split_sweeps(data)] == [readings * up.size, readings * down.size]
    once = np.repeat(np.concatenate([up, down[1:]]), readings)
    data = record(np.full(once.size, 5.0), once)
    assert [sweep.size for sweep in split_sweeps(data)] == [readings * up.size, readings * (down.size - 1)]
