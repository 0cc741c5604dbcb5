"""Siblings of the real files: other options, other firmware, copies that passed through other programs."""

import re
import time

import numpy as np
import pytest
from dat_files import CLASSIC, ETO, MPMS3, RESISTIVITY, VSM_COLUMNS, VSM_ROWS, magnetometer, vsm, write

from nbtools.files.quantum_design import contents_of, own_name, plain_name, read_dat

OERSTED = 79.57747154594767  # A/m


def german(text: str, separator: str) -> str:
    """The copy of a spreadsheet that writes decimal commas."""
    return re.sub(r"(?<=\d)\.(?=\d)", "#", text).replace(",", separator).replace("#", ",")


def in_si(text: str) -> str:
    """The same file with its moments in A m²."""
    return text.replace("(emu)", "(A m^2)").replace("e-3", "e-6").replace("1e-5", "1e-8")


def is_the_vsm_file(data) -> bool:
    """Whether this is the four-point file of `dat_files.vsm`, in SI."""
    return bool(
        data.attrs["instrument"] == "PPMS VSM"
        and np.allclose(data.temperature, [300.5, 299.5, 298.5, 297.5])
        and np.allclose(data.field, 100.25 * OERSTED)
        and np.allclose(data.moment, [1e-6, 2e-6, 3e-6, 4e-6])
        and np.allclose(data.moment_uncertainty, 1e-8)
    )


def test_ppms_vsm(tmp_path):
    """`Moment (emu)` and its standard error."""
    assert is_the_vsm_file(read_dat(write(tmp_path, vsm())))


@pytest.mark.parametrize(
    "copy",
    [
        pytest.param(lambda s: s.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(lambda s: s.replace("\n", "\r").encode(), id="CR"),
        pytest.param(lambda s: s.encode("utf-8-sig"), id="BOM"),
        pytest.param(lambda s: s.encode("utf-16"), id="UTF-16"),
        pytest.param(lambda s: s.encode("utf-16-le"), id="UTF-16 without BOM"),
        pytest.param(lambda s: s.encode("utf-16-be"), id="UTF-16 BE without BOM"),
        pytest.param(lambda s: s.rstrip("\n").encode(), id="no final newline"),
        pytest.param(lambda s: s.encode() + b"\x1a", id="DOS end of file"),
        pytest.param(lambda s: s.replace(",", "\t").encode(), id="tabs"),
        pytest.param(lambda s: s.replace(",", ";").encode(), id="semicolons"),
        pytest.param(lambda s: german(s, ";").encode(), id="German with semicolons"),
        pytest.param(lambda s: german(s, "\t").encode(), id="German with tabs"),
        pytest.param(lambda s: s.replace("\n", ",,,\n").encode(), id="trailing commas"),
        pytest.param(lambda s: s.replace(",", ", ").encode(), id="blanks after commas"),
        pytest.param(lambda s: s.replace("e-3", "E-003").encode(), id="exponents of three digits"),
        pytest.param(lambda s: s.replace("[Data]", "\n [DATA] ").encode(), id="shouted section"),
        pytest.param(
            lambda s: s.replace("(emu)", "(A m^2)").replace("e-3", "e-6").replace("1e-5", "1e-8").encode(),
            id="SI",
        ),
        pytest.param(
            lambda s: s.replace("Field (Oe)", "Field (T)").replace("100.25", "0.010025").encode(), id="tesla"
        ),
        pytest.param(lambda s: s.replace("Magnetic Field (Oe)", "Field (Oersted)").encode(), id="Oersted"),
        pytest.param(lambda s: s.replace("Temperature (K)", "Sample Temp (Kelvin)").encode(), id="Kelvin"),
    ],
)
def test_copies_of_one_file_read_alike(tmp_path, copy):
    """Line ends, encodings, separators, units: the same numbers."""
    assert is_the_vsm_file(read_dat(write(tmp_path, copy(vsm()))))


def test_celsius(tmp_path):
    """A temperature in °C is shifted, not scaled; Latin-1 degree signs are read."""
    text = vsm().replace("Temperature (K)", "Temperature (°C)")
    assert float(read_dat(write(tmp_path, text.encode("latin-1"))).temperature[0]) == pytest.approx(573.65)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_micro_signs(tmp_path, encoding):
    """µA in either encoding is a microampere."""
    text = RESISTIVITY + "Temperature (K),Bridge 1 Resistance (Ohms),Bridge 1 Excitation (µA)\n10,2,50\n"
    data = read_dat(write(tmp_path, text.encode(encoding)))
    assert float(data.excitation_1[0]) == pytest.approx(50e-6)


def test_mpms3_vsm_and_dc_rows_in_one_file(tmp_path):
    """Each row takes the moment of its own kind of scan, and the variable says so."""
    columns = "Temperature (K),Magnetic Field (Oe),Moment (emu),M. Std. Err. (emu),DC Moment Free Ctr (emu)\n"
    data = read_dat(write(tmp_path, MPMS3.format(name="x") + columns + "5,0,1,0.1,\n6,0,,,2\n"))
    np.testing.assert_allclose(data.moment, [1e-3, 2e-3])
    np.testing.assert_allclose(data.moment_uncertainty, [1e-4, np.nan])
    assert data.moment.attrs["column"] == "Moment (emu) / DC Moment Free Ctr (emu)"


def test_mpms3_fixed_centre_only(tmp_path):
    """Without a free-centre fit the fixed-centre fit is the moment."""
    columns = "Temperature (K),Magnetic Field (Oe),DC Moment Fixed Ctr (emu),DC Fixed Fit\n"
    data = read_dat(write(tmp_path, MPMS3.format(name="x") + columns + "5,0,1,0.9\n"))
    assert float(data.moment[0]) == 1e-3 and float(data.fit_quality[0]) == 0.9


@pytest.mark.parametrize("second", ["AC X'' (emu/Oe)", 'AC X" (emu/Oe)', "AC X”  (emu/Oe)"])
def test_mpms3_ac_susceptibility_becomes_a_moment(tmp_path, second):
    """X in emu/Oe times the drive in Oe is a moment in emu; the vibration frequency is not the drive's."""
    columns = f"Temperature (K),Field (Oe),Frequency (Hz),AC X'  (emu/Oe),{second},AC Drive (Oe),AC Frequency (Hz)\n"
    data = read_dat(write(tmp_path, MPMS3.format(name="x") + columns + "5,0,13,-2e-3,1e-4,2,100\n"))
    assert float(data.ac_in_phase[0]) == pytest.approx(-4e-6)
    assert float(data.ac_out_of_phase[0]) == pytest.approx(2e-7)
    assert float(data.frequency[0]) == 100
    assert float(data.frequency_hz[0]) == 13


def test_classic_mpms_ac(tmp_path):
    """`m" (emu)` has an odd quote in the row of names; amplitude has no blank before its unit."""
    columns = (
        "Time,Comment,Field (Oe),Temperature (K),m' (emu),m\" (emu),m' Scan Std Dev,Amplitude(Oe),"
        "Wave Frequency (Hz)\n"
    )
    data = read_dat(write(tmp_path, CLASSIC.format(name="x") + columns + "0,,1,5,-1e-3,2e-4,1e-6,0.1,10\n"))
    assert data.attrs["instrument"] == "MPMS classic"
    assert float(data.ac_in_phase[0]) == pytest.approx(-1e-6)
    assert float(data.ac_out_of_phase[0]) == pytest.approx(2e-7)
    assert float(data.ac_amplitude[0]) == pytest.approx(0.1 * OERSTED) and float(data.frequency[0]) == 10
    assert float(data.ac_in_phase_uncertainty[0]) == pytest.approx(1e-9)


def test_quoted_names_of_a_spreadsheet(tmp_path):
    """A spreadsheet writes `"m"" (emu)"` for `m" (emu)`."""
    columns = 'Temperature (K),Field (Oe),m\' (emu),"m"" (emu)",Wave Frequency (Hz)\n'
    data = read_dat(write(tmp_path, CLASSIC.format(name="x") + columns + "5,1,-1e-3,2e-4,10\n"))
    assert float(data.ac_out_of_phase[0]) == pytest.approx(2e-7)


def test_eto(tmp_path):
    """Channels as suffix; rows alternate between the channels."""
    columns = (
        "Time Stamp (s),Temperature (K),Field (Oe),Resistance Ch1 (Ohms),Resistance Std. Dev. Ch1 (Ohms),"
        "Phase Angle Ch1 (deg),AC Current Ch1 (mA),Frequency Ch1 (Hz),Resistance Ch2 (Ohms),Resistivity Ch1 (Ohm-cm)\n"
    )
    data = read_dat(write(tmp_path, ETO + columns + "0,5,0,0.5,0.01,180,2,21.3,,1e-6\n1,5,0,,,,,,0.7,\n"))
    assert data.attrs["instrument"] == "PPMS ETO"
    np.testing.assert_allclose(data.resistance_1, [0.5, np.nan])
    np.testing.assert_allclose(data.resistance_2, [np.nan, 0.7])
    assert float(data.resistivity_1[0]) == pytest.approx(1e-8)
    assert float(data.resistance_uncertainty_1[0]) == 0.01
    assert float(data.excitation_1[0]) == 2e-3 and float(data.phase_1[0]) == pytest.approx(np.pi)
    assert float(data.frequency_1[0]) == 21.3


def test_resistivity_only_in_ohm(tmp_path):
    """A `Resistivity (Ohm)` without a resistance beside it is the resistance."""
    text = RESISTIVITY + "Temperature (K),Bridge 2 Resistivity (Ohm),Bridge 2 Std. Dev. (Ohm)\n10,2,0.1\n"
    data = read_dat(write(tmp_path, text))
    assert float(data.resistance_2[0]) == 2 and float(data.resistance_uncertainty_2[0]) == 0.1


def test_the_preset_geometry_is_no_property_of_the_sample(tmp_path):
    """1 mm² and 1 mm are what nobody has entered."""
    header = "[Header]\nBYAPP, Resistivity\nINFO, 1, Sample1 Cross Section\nINFO, 1, Sample1 Length\n[Data]\n"
    text = header + "Temperature (K),Bridge 1 Resistivity (Ohm-m),Bridge 1 Resistance (Ohms)\n10,2e-3,2\n"
    data = read_dat(write(tmp_path, text))
    assert "cross_section_1" not in data.attrs["sample"]


@pytest.mark.parametrize(
    ("line", "mass"),
    [
        ("INFO,12.5,SAMPLE_MASS", 12.5e-6),
        ("INFO,5.0,MASS:Sample Mass (mg)", 5e-6),
        ("INFO,mass,53.10 mg", 53.1e-6),
        ("INFO,0.0125 g,SAMPLE_MASS", 12.5e-6),
        ("INFO,0,SAMPLE_MASS", None),
        ("INFO,unknown,SAMPLE_MASS", None),
        ("INFO,,SAMPLE_MASS", None),
    ],
)
def test_mass_in_the_header(tmp_path, line, mass):
    """Both orders of INFO, with and without unit; zero and text are not a mass."""
    sample = read_dat(write(tmp_path, vsm().replace("[Data]", f"{line}\n[Data]"))).attrs["sample"]
    assert sample.get("mass") == (None if mass is None else pytest.approx(mass))


@pytest.mark.parametrize("line", ["INFO, NAME, YBCO_10", "INFO,YBCO_10,SAMPLE_MATERIAL"])
def test_both_orders_of_info(tmp_path, line):
    """A sample whose name looks like a key is still the value."""
    data = read_dat(write(tmp_path, vsm().replace("[Data]", f"{line}\n[Data]")))
    assert data.attrs["sample"]["name"] == "YBCO_10"


def test_volume_of_unknown_unit_stays_text(tmp_path):
    """No file says in what unit SAMPLE_VOLUME was entered; it is handed on as written."""
    data = read_dat(write(tmp_path, vsm().replace("[Data]", "INFO,28.8,SAMPLE_VOLUME\n[Data]")))
    assert data.attrs["sample"] == {"as_entered": {"volume": "28.8"}}


@pytest.mark.parametrize(
    ("row", "comment"),
    [
        ('"MvsH, 5, again",99', "MvsH, 5, again"),
        ("MvsH, 5,99", "MvsH, 5"),
        ("MvsH, 5,99,,,,", "MvsH, 5"),
        ('"said ""here""",99,,,,', 'said "here"'),
        ("plain,99,,,,", "plain"),
        ("7,99,,,,", "7"),
    ],
)
def test_comment_rows(tmp_path, row, comment):
    """A comment row is no point; it is kept with the point that follows, with or without quotes."""
    rows = [*VSM_ROWS[:2], row, *VSM_ROWS[2:]]
    data = read_dat(write(tmp_path, vsm(rows)))
    assert is_the_vsm_file(data) and data.attrs["comments"] == [(2, comment)]


def test_a_comment_alone_in_the_last_row(tmp_path):
    """The measurement was stopped with a remark: every point stays on its own line."""
    data = read_dat(write(tmp_path, vsm([*VSM_ROWS, "stopped"])))
    assert is_the_vsm_file(data) and data.attrs["comments"] == [(4, "stopped")]


def test_comment_on_a_point(tmp_path):
    """A comment on the row of a point is also a variable."""
    data = read_dat(
        write(tmp_path, vsm([VSM_ROWS[0], '"a, b"' + VSM_ROWS[1], "c, d" + VSM_ROWS[2], VSM_ROWS[3]]))
    )
    assert is_the_vsm_file(data)
    assert data.comment.values.tolist() == ["", "a, b", "c, d", ""]


def test_missing_values(tmp_path):
    """--, NaN, blanks and infinite numbers are missing values."""
    rows = [",0,5,0,--,1e-5", ",1,6,0,NaN, ", ",2,7,0,1e999,1.#QNAN", ",3,8,0,1e-3,1e-5"]
    data = read_dat(write(tmp_path, vsm(rows)))
    np.testing.assert_array_equal(np.isfinite(data.moment), [False, False, False, True])


def test_rows_without_temperature_are_reported(tmp_path):
    """A row with a moment but no temperature is left out and named by its line; an impossible one too."""
    rows = [VSM_ROWS[0], ",1,,100,5e-3,", ",2,3.9e9,100,5e-3,", VSM_ROWS[1]]
    data = read_dat(write(tmp_path, vsm(rows)))
    assert data.sizes["point"] == 2
    assert data.attrs["notes"] == [
        "2 rows without a credible temperature and field were left out (line 8, 9)",
    ]


def test_last_line_cut_off(tmp_path):
    """A line that ends early without a line end was being written: it is left out and reported."""
    data = read_dat(write(tmp_path, vsm()[:-10]))
    assert data.sizes["point"] == 3 and "cut off" in data.attrs["notes"][0]


def test_duplicate_column_names(tmp_path):
    """The first of two equal names is the variable; the other is kept under its own name."""
    columns = VSM_COLUMNS + ",Temperature (K),Map 01,Map 01"
    data = read_dat(write(tmp_path, vsm([row + ",7,8,9" for row in VSM_ROWS], columns)))
    assert is_the_vsm_file(data)
    assert float(data.temperature_k[0]) == 7 and float(data.map_01[0]) == 8 and float(data.map_01_2[0]) == 9


def test_other_columns_keep_their_units(tmp_path):
    """What is none of ours keeps name, unit and value; text stays text; empty columns go."""
    columns = VSM_COLUMNS + ",Coil Signal' (mV),Rotator state,Empty (V)"
    data = read_dat(write(tmp_path, vsm([row + ",1.5,on," for row in VSM_ROWS], columns)))
    assert data.coil_signal_prime_mv.attrs == {"units": "mV", "column": "Coil Signal' (mV)"}
    assert data.rotator_state.values.tolist() == ["on"] * 4
    assert "empty_v" not in data


def test_unit_of_another_kind_is_not_taken(tmp_path):
    """A `Moment (V)` is no moment: it stays under its own name."""
    data = read_dat(write(tmp_path, vsm().replace("Moment (emu)", "Moment (V)")))
    assert "moment" not in data and float(data.moment_v[0]) == 1e-3


def test_trimmed_rows(tmp_path):
    """A spreadsheet drops empty cells at the end of a row: they are empty."""
    rows = [",0,5,0,1e-3", ",1,6,0,1e-3,1e-5", ",2,7,0,1e-3", ",3,8,0"]
    data = read_dat(write(tmp_path, vsm(rows)))
    assert data.sizes["point"] == 4 and np.isfinite(data.moment).sum() == 3


def test_no_field_column(tmp_path):
    """A resistance against temperature alone is a measurement."""
    data = read_dat(write(tmp_path, RESISTIVITY + "Temperature (K),Bridge 1 Resistance (Ohms)\n10,2\n"))
    assert "field" not in data and data.attrs["instrument"] == "PPMS resistivity"


def test_names():
    """Normalised names and snake_case names."""
    assert plain_name("AC X”  (emu/Oe)") == ("ac x''", "emu/Oe")
    assert plain_name("Long Moment [w/o ABS] (emu)") == ("long moment [w/o abs]", "emu")
    assert plain_name("Amplitude(Oe)") == ("amplitude", "Oe")
    assert own_name("Lockin Signal'' (V)") == "lockin_signal_double_prime_v"
    assert own_name("EC Comp. Running") == "ec_comp_running"
    assert own_name("Moment") == "column_moment"


def test_instrument_by_content_not_by_name(tmp_path):
    """Columns without any header still tell the instrument."""
    text = magnetometer([(5, 10, -1e-3)]).split("[Data]")[1]
    data = read_dat(write(tmp_path, "[Header]\n[Data]" + text, name="MPMS3_VSM_ACMS.dat"))
    assert data.attrs["instrument"] == "MPMS classic"


def test_ac_transport_option(tmp_path):
    """The older AC transport option: one excitation, resistivities of its channels in ohm-cm."""
    header = "[Header]\nBYAPP, ACTRANSPORT, 1.0\n[Data]\n"
    columns = (
        "Comment,Time Stamp (sec),Temperature (K),Magnetic Field (Oe),Excitation (mA),Frequency (Hz),"
        "Resistivity ch1 (ohm-cm),Res. ch1 std.dev. (ohm-cm),Res. ch2 (ohms)\n"
    )
    data = read_dat(write(tmp_path, header + columns + ",0,5,0,10,17,2e-4,1e-6,0.5\n"))
    assert float(data.resistivity_1[0]) == pytest.approx(2e-6)
    assert float(data.resistivity_uncertainty_1[0]) == pytest.approx(1e-8)
    assert float(data.resistance_2[0]) == 0.5
    assert float(data.excitation_1[0]) == pytest.approx(0.01) and float(data.frequency[0]) == 17


def test_acms_second_generation(tmp_path):
    """ACMS II has ac susceptibility beside its dc moment."""
    header = "[Header]\n; ACMS II Data File\nBYAPP,ACMS II,1.0\n[Data]\n"
    columns = (
        "Comment,Time Stamp (sec),Temperature (K),Magnetic Field (Oe),DC Moment (emu),DC Std. Err. (emu),"
        "AC X'  (emu/Oe),AC X\" (emu/Oe),AC Drive (Oe),AC Frequency (Hz)\n"
    )
    data = read_dat(write(tmp_path, header + columns + ",0,5,0,2e-3,1e-6,,,,\n,1,5,0,,,1e-4,1e-6,5,97\n"))
    assert data.attrs["instrument"] == "PPMS ACMS"
    assert data.measure_type.values.tolist() == ["dc", "ac"]
    assert float(data.moment[0]) == pytest.approx(2e-6) and float(
        data.moment_uncertainty[0]
    ) == pytest.approx(1e-9)
    assert float(data.ac_in_phase[1]) == pytest.approx(5e-7) and float(
        data.ac_out_of_phase[1]
    ) == pytest.approx(5e-9)


def test_ten_megabytes_in_under_a_second(tmp_path, realdata):
    """The rows of a real MPMS3 file, ninety times."""
    head, _, rows = (realdata / "qd/MagnetoPy/mvsh4.dat").read_bytes().partition(b"Map 16\n")
    path = write(tmp_path, head + b"Map 16\n" + (rows.rstrip(b"\n") + b"\n") * 90)
    assert path.stat().st_size > 10e6
    start = time.process_time()
    data = read_dat(path)
    assert time.process_time() - start < 1 and data.sizes["point"] == 90 * 229


@pytest.mark.parametrize(
    "label, unit",
    [("Moment (emu/g)", 1e-3), ("Moment (A m2/kg)", 1e-3), ("Moment (A m^2/kg)", 1e-3)],
)
def test_a_moment_per_mass_and_the_mass_of_the_header(tmp_path, label, unit):
    """It becomes a moment: 5 mg of 2 emu/g are 0.01 emu."""
    head = MPMS3.format(name="x").replace("INFO,,SAMPLE_MASS", "INFO,5.0,SAMPLE_MASS")
    rows = "".join(f",{t},10,2.0\n" for t in range(5, 10))
    data = read_dat(write(tmp_path, f"{head}Comment,Temperature (K),Magnetic Field (Oe),{label}\n{rows}"))
    assert data["moment"].values == pytest.approx(0.01 * unit)


@pytest.mark.parametrize(
    "unit, tesla", [("Tesla", 1.0), ("T", 1.0), ("mT", 1e-3), ("Gauss", 1e-4), ("kOe", 0.1)]
)
def test_a_field_in_words(tmp_path, unit, tesla):
    """Each is the field that has this flux density in vacuum."""
    data = read_dat(
        write(tmp_path, vsm(columns=VSM_COLUMNS.replace("(Oe)", f"({unit})")).replace("100.25", "2.5"))
    )
    assert data["field"].values == pytest.approx(2.5 * tesla / (4e-7 * np.pi))


def test_a_bridge_with_a_blank_in_its_name(tmp_path):
    """`Sample 1 Length` is `Sample1 Length`; the card is offered what is of the first bridge only."""
    head = RESISTIVITY.replace(
        "[Data]", "INFO,bulk,Sample 2 Name\nINFO,2.0,Sample 2 Cross Section\nINFO,3.0,Sample 2 Length\n[Data]"
    )
    columns = "Temperature (K),Magnetic Field (Oe),Bridge 1 Resistance (Ohms),Bridge 2 Resistance (Ohms)\n"
    rows = "".join(f"{t},0,{t}e-3,{t}e-4\n" for t in range(5, 15))
    path = write(tmp_path, head + columns + rows)
    assert read_dat(path).attrs["sample"]["length_2"] == pytest.approx(3e-3)
    assert "cross_section" not in contents_of(path).stated
    assert contents_of(write(tmp_path, (head + columns + rows).replace("Sample 2", "Sample1"))).stated == {
        "cross_section": '"2 mm^2"',
        "tap_distance": '"3 mm"',
    }


def test_a_time_as_a_date_stops_nothing(tmp_path):
    rows = [f",11/30/2023 10:0{i}:00,{300 - i},100,1e-3,1e-5" for i in range(4)]
    assert read_dat(write(tmp_path, vsm(rows)))["temperature"].size == 4
