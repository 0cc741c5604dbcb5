"""Quantum Design files as a stranger's instrument writes them: each with the answer that it must give."""

import numpy as np
import pytest
from dat_files import ETO, RESISTIVITY, VSM, write

from nbtools.files.quantum_design import QuantumDesignError, read_dat
from nbtools.files.registry import open_file
from nbtools.files.sweeps import find_sweeps, split_sweeps
from nbtools.inspection import inspect_path
from nbtools.results import NotPossible
from nbtools.transport.transition import estimate_transition

OERSTED = 79.57747154594767  # A/m
WARM = np.arange(4.0, 61.0)
MIDPOINT = 38.5  # K, of `transition`


def transition(temperature=WARM, midpoint=MIDPOINT):
    """A step from 0 to 1 that is 1.5 K wide."""
    return 0.5 * (1 + np.tanh((np.asarray(temperature) - midpoint) / 0.75))


def table(columns, *rows, header=RESISTIVITY):
    """A file of these columns; a missing number is an empty cell."""
    cells = [["" if np.isnan(cell) else f"{cell:.9g}" for cell in row] for row in zip(*rows, strict=True)]
    return header + ",".join(columns) + "\n" + "\n".join(",".join(row) for row in cells) + "\n"


def resistance(folder, values=None, unit="Ohms", field=0.0, temperature=WARM, what="Resistance"):
    """R(T) of one bridge at one field (Oe); without the column of fields where `field` is None."""
    values = 0.012 * transition(temperature) if values is None else values
    names = ["Temperature (K)", f"Bridge 1 {what} ({unit})", "Bridge 1 Excitation (uA)"]
    columns = [temperature, values, np.full(temperature.size, 100.0)]
    if field is not None:
        names.append("Magnetic Field (Oe)")
        columns.append(np.full(temperature.size, field))
    return write(folder, table(names, *columns))


def find_resistance(path):
    return find_sweeps(read_dat(path), axis="temperature", needs="resistance", held=0.0)


@pytest.mark.parametrize("temperature", [0.0, -1.0, -999.0, 9999.0])
def test_a_row_that_is_no_measurement_does_not_cut_a_sweep(tmp_path, temperature):
    """One warming sweep with its transition; the row is dropped and named by its line."""
    t, moment = WARM.copy(), -1e-3 * (1 - transition())
    t[20] = temperature
    columns = ["Temperature (K)", "Magnetic Field (Oe)", "Moment (emu)"]
    path = write(tmp_path, table(columns, t, np.full(t.size, 100.0), moment, header=VSM))
    data = read_dat(path)
    assert data.attrs["notes"] == [
        "1 rows without a credible temperature and field were left out (line 27)",
    ]
    (sweep,) = find_sweeps(data, axis="temperature", needs="moment")
    assert (sweep.label, sweep.size) == ("warming", t.size - 1)
    assert float(estimate_transition(sweep.along, sweep.signal).midpoint) == pytest.approx(MIDPOINT, abs=0.2)
    assert "(line 27)" in inspect_path(path)[0]


def test_marks_for_no_reading_are_no_numbers(tmp_path):
    """-9999 and an overflow among resistances are left out and named by line; the sweep stays whole."""
    values = 0.012 * transition()
    values[[10, 40]] = [-9999, 9.9e37]
    data = read_dat(resistance(tmp_path, values))
    assert data.attrs["notes"] == [
        "2 values of 'Bridge 1 Resistance (Ohms)' are marks for no reading and were left out (line 15, 45)"
    ]
    assert find_resistance(tmp_path / "file.dat")[0].size == WARM.size - 2


def test_no_field_column(tmp_path):
    """`inspect` says so; R(T) counts as measured in no field, and its transition is found."""
    path = resistance(tmp_path, field=None)
    text = inspect_path(path)[0]
    assert "no field column" in text and "run 03 -p DATA=" in text
    (sweep,) = find_resistance(path)
    assert float(estimate_transition(sweep.along, sweep.signal).midpoint) == pytest.approx(MIDPOINT, abs=0.1)


@pytest.mark.parametrize(
    ("unit", "scale"),
    [
        ("mOhm", 1e-3),
        ("mOhms", 1e-3),
        ("kOhm", 1e3),
        ("kOhms", 1e3),
        ("MOhm", 1e6),
        ("µOhm", 1e-6),
        ("uOhm", 1e-6),
        ("uOhms", 1e-6),
        ("Ohm", 1),
        ("ohms", 1),
        ("OHM", 1),
        ("mΩ", 1e-3),
        ("Ω", 1),
    ],
)
def test_spellings_of_a_resistance(tmp_path, unit, scale):
    """Read in ohm, the case of the prefix counted; shown by `inspect`."""
    path = resistance(tmp_path, np.linspace(10, 12, WARM.size), unit)
    assert float(read_dat(path).resistance_1[-1]) == pytest.approx(12 * scale, rel=1e-12)
    (signal,) = open_file(path).of("transport")
    assert signal.ranges[0].in_unit("ohm") == pytest.approx((10 * scale, 12 * scale))


@pytest.mark.parametrize(
    ("unit", "scale"),
    [("µOhm-cm", 1e-8), ("uOhm-cm", 1e-8), ("nOhm-m", 1e-9), ("Ω-m", 1), ("Ohm-m", 1), ("mΩ·cm", 1e-5)],
)
def test_spellings_of_a_resistivity(tmp_path, unit, scale):
    """Read in ohm m; without a geometry it goes to no technique, and the reason is said."""
    path = resistance(tmp_path, np.linspace(10, 12, WARM.size), unit, what="Resistivity")
    assert float(read_dat(path).resistivity_1[-1]) == pytest.approx(12 * scale, rel=1e-12)
    assert open_file(path).ways == ()
    assert "does not state the geometry of this resistivity" in inspect_path(path)[0]


def test_a_resistivity_with_its_geometry_is_a_resistance(tmp_path):
    """R = ρ·L/A with the 2 mm² and 4 mm of the header, preset or not: with these ρ was computed."""
    path = resistance(tmp_path, 0.012 * transition(), "Ohm-m", what="Resistivity")
    geometry = "INFO, 2, Sample1 Cross Section\nINFO, 4, Sample1 Length\n[Data]"
    write(tmp_path, path.read_text().replace("[Data]", geometry))
    assert find_resistance(path)[0].signal[-1] == pytest.approx(0.012 * 4e-3 / 2e-6)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (
            "Temperature (K),Moment (furlong)",
            "'Moment (furlong)' was not read as a moment: 'furlong' is no unit of one",
        ),
        (
            "Temperature (K),Bridge 1 Resistance",
            "'Bridge 1 Resistance' was not read as a resistance: it states no unit",
        ),
    ],
)
def test_a_unit_that_is_not_read_is_named(tmp_path, columns, says):
    """Never silently: the column, what it seems to be, and its unit."""
    header = "[Header]\nBYAPP,VSM\n[Data]\n"
    path = write(tmp_path, header + columns + "\n5,1\n6,1\n7,1\n8,1\n")
    assert says in inspect_path(path)[0]


def test_a_moment_per_mass_is_named(tmp_path):
    """emu/g is read as what it is, and sent nowhere with the way to mend it."""
    path = write(tmp_path, VSM + "Temperature (K),Magnetic Field (Oe),Moment (emu/g)\n5,9,1\n6,9,1\n7,9,2\n")
    assert float(read_dat(path).moment_per_mass[2]) == 2.0
    text = inspect_path(path)[0]
    assert "multiply it by the mass" in text and "no notebook takes this as its DATA" in text


@pytest.mark.parametrize("together", [True, False], ids=["one row", "a row for each"])
def test_three_bridges(tmp_path, together):
    """Each bridge its own curve and label, named by the header, though one of them is zero below 8 K."""
    midpoints = (MIDPOINT, 20.3, 8.0)
    curves = [0.01 * n * transition(midpoint=midpoint) for n, midpoint in enumerate(midpoints, 1)]
    t = WARM
    if not together:
        t = np.repeat(WARM, 3)
        curves = [np.where(np.arange(t.size) % 3 == n, np.repeat(c, 3), np.nan) for n, c in enumerate(curves)]
    names = ["Temperature (K)", "Magnetic Field (Oe)", *(f"Bridge {n} Resistance (Ohms)" for n in (1, 2, 3))]
    header = RESISTIVITY.replace("[Data]", "INFO, film, Sample2 Name\n[Data]")
    path = write(tmp_path, table(names, t, np.zeros(t.size), *curves, header=header))
    sweeps = find_resistance(path)
    assert [str(sweep) for sweep in sweeps] == [
        "bridge 1: warming at 0 Oe: 57 points",
        "bridge 2 (film): warming at 0 Oe: 57 points",
        "bridge 3: warming at 0 Oe: 57 points",
    ]
    for sweep, midpoint in zip(sweeps, midpoints, strict=True):
        found = estimate_transition(sweep.along, sweep.signal).midpoint
        assert abs(found - midpoint) < 2 * found.uncertainty < 1.0
    text = inspect_path(path)[0]
    assert "bridge 1: warming" in text and "bridge 2 (film): warming" in text and "bridge 3: warming" in text


def test_a_stated_small_field_stands_for_none(tmp_path):
    """R(T) at 5 Oe is the sweep at the lowest field, with its field said."""
    (sweep,) = find_resistance(resistance(tmp_path, field=5.0))
    assert str(sweep) == "warming at 5 Oe (lowest field held, taken for zero): 57 points"


def test_the_lowest_of_several_fields(tmp_path):
    """Of 20, 50 and 500 Oe the first; where one stands at zero nothing else is taken."""
    t, h = np.tile(WARM, 3), np.repeat([50.0, 20.0, 500.0], WARM.size)
    names = ["Temperature (K)", "Bridge 1 Resistance (Ohms)", "Magnetic Field (Oe)"]
    path = write(tmp_path, table(names, t, transition(t), h))
    assert [round(s.held / OERSTED) for s in find_resistance(path)] == [20]
    path = write(tmp_path, table(names, t, transition(t), np.where(h == 50, 0.4, h)))
    assert [(round(s.held / OERSTED, 1), s.note) for s in find_resistance(path)] == [(0.4, "")]


def test_a_large_field_stands_for_none_but_itself(tmp_path):
    """R(T) at 500 Oe alone is no R(T) in no field, and the sentence says the limit."""
    path = resistance(tmp_path, field=500.0)
    with pytest.raises(NotPossible, match=r"none below 500 Oe \(up to 100 Oe would stand for no field\)"):
        find_resistance(path)


def loop(folder, virgin):
    """M(H) at 5 K and 10 K from zero or from saturation."""
    h = np.concatenate([np.arange(0, 1000, 50), np.arange(1000, -1000, -50), np.arange(-1000, 1001, 50)])
    h = h if virgin else h[20:]
    t = np.repeat([5.0, 10.0], h.size)
    names = ["Temperature (K)", "Magnetic Field (Oe)", "Moment (emu)"]
    return write(folder, table(names, t, np.tile(h, 2), np.tile(1e-5 * h, 2), header=VSM))


def test_loops_go_to_the_critical_current(tmp_path):
    """Both branches of M(H) are a loop, for 05 alone."""
    contents = open_file(loop(tmp_path, virgin=False))
    assert [route.technique for route in contents.ways] == ["ac_susceptibility"]
    assert [signal.data.loop for signal in contents.signals] == [True] * 4


def test_a_loop_with_its_virgin_branch(tmp_path):
    """The virgin branch is for H_c1 in 03, the loop for 05: sweep by sweep."""
    contents = open_file(loop(tmp_path, virgin=True))
    assert [s.data.label for s in contents.of("transport")] == ["virgin", "virgin"]
    assert [s.data.label for s in contents.of("ac_susceptibility")] == ["down", "up"] * 2


def test_a_virgin_branch_without_m_of_t(tmp_path):
    """It is sent to 03 by itself."""
    h = np.arange(0, 520, 20.0)
    names = ["Temperature (K)", "Magnetic Field (Oe)", "Moment (emu)"]
    path = write(tmp_path, table(names, np.full(h.size, 5.0), h, -1e-6 * h, header=VSM))
    (signal,) = open_file(path).signals
    assert (signal.data.label, signal.technique) == ("virgin", "transport")


@pytest.mark.parametrize("temperatures", [[10.0], [10.0, 20.0, 30.0, 40.0]])
def test_voltage_against_current(tmp_path, temperatures):
    """A current that runs at each temperature is a V–I curve: no R(T), and no notebook yet."""
    current = np.linspace(0.1, 5, 50)
    t = np.repeat(temperatures, current.size)
    names = ["Temperature (K)", "Field (Oe)", "I-V Current Ch1 (mA)", "I-V Voltage Ch1 (V)"]
    names.append("Resistance Ch1 (Ohms)")
    i = np.tile(current, len(temperatures))
    path = write(tmp_path, table(names, t, 0 * t, i, 1e-3 * i**3, np.full(t.size, np.nan), header=ETO))
    data = read_dat(path)
    assert [(s.axis, s.size, s.held) for s in split_sweeps(data)] == [
        ("current", 50, one) for one in temperatures
    ]
    with pytest.raises(NotPossible, match="No sweep of the temperature"):
        find_sweeps(data, axis="temperature", needs="resistance")
    contents = open_file(path)
    assert contents.ways == () and "V–I curve" in contents.signals[0].remark
    assert str(contents.signals[0].ranges[1]) == "100 to 5000 µA" or "mA" in str(
        contents.signals[0].ranges[1]
    )


def test_resistance_against_current_of_a_bridge(tmp_path):
    """The resistivity option measures V–I as a resistance at many excitations."""
    i = np.linspace(10, 5000, 40)
    names = [
        "Temperature (K)",
        "Magnetic Field (Oe)",
        "Bridge 2 Resistance (Ohms)",
        "Bridge 2 Excitation (uA)",
    ]
    path = write(tmp_path, table(names, np.full(40, 5.0), np.zeros(40), 1e-3 * i, i))
    (sweep,) = split_sweeps(read_dat(path))
    assert (sweep.axis, sweep.direction, sweep.size) == ("current", "up", 40)
    assert sweep.along[-1] == pytest.approx(5e-3)
    assert "current up at 5 K" in inspect_path(path)[0] and open_file(path).ways == ()


def test_thermal_transport_is_named(tmp_path):
    """The columns of a TTO file: named as such, with its quantities, sent nowhere."""
    names = (
        "Magnetic Field (Oe),Sample Temp. (K),Conductivity (W/K-m),Cond. Std.Dev.,Seebeck Coef. (µV/K),"
        "Seebeck Std.Dev.,Resistivity (Ohm-m),Resist Std.Dev.,Figure of Merit ZT"
    )
    row = [np.zeros(57), WARM, 1 + WARM / 10, WARM * 0, -WARM, WARM * 0, 1e-6 * WARM, WARM * 0, WARM * 0]
    header = "[Header]\nBYAPP,THERMAL_TRANSPORT,1.0,1.1\n[Data]\n"
    path = write(tmp_path, table(names.split(","), *row, header=header))
    data = read_dat(path)
    assert data.attrs["instrument"] == "PPMS TTO"
    assert float(data.seebeck_coefficient[0]) == pytest.approx(-4e-6)
    text = inspect_path(path)[0]
    assert "PPMS TTO (thermal transport)" in text and "run 0" not in text
    assert "Seebeck coefficient -60 to -4 µV/K" in text and "thermal conductivity 1.4 to 7 W/(K m)" in text


def test_heat_capacity_is_refused_with_its_name(tmp_path):
    """An option that no technique uses."""
    path = write(
        tmp_path, "[Header]\nBYAPP,HeatCapacity\n[Data]\nSample Temp (Kelvin),Samp HC (µJ/K)\n2,3\n3,4\n"
    )
    with pytest.raises(QuantumDesignError, match=r"holds a heat capacity \(PPMS HC\), which no technique"):
        read_dat(path)


def test_what_the_header_knows_of_the_card(tmp_path):
    """Mass, geometry of the bridge and current are offered with their values, the rest by example."""
    info = "INFO,12.5,SAMPLE_MASS\nINFO, 2, Sample1 Cross Section\nINFO, 4, Sample1 Length\n[Data]"
    path = resistance(tmp_path)
    text = inspect_path(write(tmp_path, path.read_text().replace("[Data]", info)))[0]
    assert '`mass: "12.5 mg"`, `cross_section: "2 mm^2"`, `tap_distance: "4 mm"`, `current: "100 uA"`' in text
    assert "(check it and add its ±); add `thermometer_offset:" in text
