"""The measured files of other people, with values read off the text of the files by eye."""

import numpy as np
import pytest
import xarray as xr

from nbtools.files.quantum_design import keep_good_points, read_dat
from nbtools.units import convert

OERSTED = 79.57747154594767  # A/m
INSTRUMENTS = {
    "MagnetoPy/Pd_std1.dat": ("MPMS3", 445),
    "MagnetoPy/fc5.dat": ("MPMS3", 151),
    "MagnetoPy/mvsh2c.dat": ("MPMS3", 719),
    "MagnetoPy/mvsh3.dat": ("MPMS3", 141),
    "MagnetoPy/mvsh4.dat": ("MPMS3", 229),
    "MagnetoPy/zfc5.dat": ("MPMS3", 151),
    "MagnetoPy/zfcfc1.dat": ("MPMS3", 504),
    "MagnetoPy/zfcfc3.dat": ("MPMS3", 513),
    "NCCO_Analysis_Code_2026/20240222_NCCO_AG.dat": ("MPMS classic", 194),
    "NCCO_Analysis_Code_2026/20240222_NCCO_AG.dc.dat": ("MPMS classic", 194),
    "NCCO_Analysis_Code_2026/20240223_NCCO_SC_Canada4_full_size.dc.dat": ("MPMS classic", 194),
    "nomad-measurements/ACMS_test.dat": ("PPMS ACMS", 1323),
    "nomad-measurements/Resistivity_Ch1_TMR_Ch2_Hall_test.dat": ("PPMS resistivity", 1401),
    "project_chameleon/4-probe resistivity example file.dat": ("PPMS resistivity", 359),
    "quantumPPMS/sample1.dat": ("MPMS classic", 19),
    "quantumPPMS/sample2.DAT": ("PPMS log", 30),
}


@pytest.mark.parametrize("file", INSTRUMENTS)
def test_every_file_is_read_as_what_it_is(realdata, file):
    """Instrument by content, every point there, every variable with its unit and column, no empty rows."""
    data = read_dat(realdata / "qd" / file)
    assert (data.attrs["instrument"], data.sizes["point"]) == INSTRUMENTS[file]
    assert np.isfinite(data.temperature).all() and np.isfinite(data.field).all()
    assert all({"units", "column"} <= set(variable.attrs) for variable in data.data_vars.values())
    assert len(data.attrs["sha256"]) == 64 and data.attrs["source"] == file.split("/")[1]
    assert data.attrs["notes"] == []


def test_classic_mpms_values(realdata):
    """Key-first INFO, blank header lines, CRLF and exponents of three digits: first row of the NCCO crystal."""
    data = read_dat(realdata / "qd/NCCO_Analysis_Code_2026/20240223_NCCO_SC_Canada4_full_size.dc.dat")
    first = data.isel(point=0)
    assert float(first.time) == 1708723609.127
    assert float(first.temperature) == 1.800814
    assert float(first.field) == pytest.approx(10 * OERSTED, rel=1e-12)
    assert float(first.moment) == pytest.approx(-2.114494e-04, rel=1e-12)
    assert float(first.moment_uncertainty) == pytest.approx(1.555727e-10, rel=1e-12)
    assert float(first.fit_quality) == 0.9418009
    assert float(first.scan_length) == pytest.approx(0.04)
    assert data.moment.attrs["column"] == "Long Moment (emu)"
    assert data.attrs["header"]["COMMENT"] == "Need to measure mass after"
    assert data.attrs["header"]["SEQUENCE FILE"] == "ZFCFC_2_50K_10Oe.seq"
    assert data.attrs["software"] == "MPMS MultiVu Application, Revision 1.61, Build 082"
    assert "trans_moment_emu" not in data


def test_preset_weight_and_geometry_are_not_given(realdata):
    """A weight of 0.000 and area and length of 1.000 are nobody's sample."""
    sample = read_dat(realdata / "qd/NCCO_Analysis_Code_2026/20240222_NCCO_AG.dc.dat").attrs["sample"]
    assert sample == {"name": "Kristine_NCCO_asgrown"}


def test_two_exports_of_one_run_agree(realdata):
    """Same run without blank header lines and with 0 for every empty comment: the same points, no comments."""
    folder = realdata / "qd/NCCO_Analysis_Code_2026"
    one, two = read_dat(folder / "20240222_NCCO_AG.dat"), read_dat(folder / "20240222_NCCO_AG.dc.dat")
    assert one.attrs["comments"] == [] and "comment" not in one
    assert one.equals(two) and one.attrs["sha256"] != two.attrs["sha256"]


def test_oldest_dialect(realdata):
    """MultiVu 1.56 of 2006: last row and weight 0.000."""
    data = read_dat(realdata / "qd/quantumPPMS/sample1.dat")
    assert float(data.temperature[0]) == 300.0338
    assert float(data.moment[18]) == pytest.approx(-9.300076e-09, rel=1e-12)
    assert data.attrs["sample"] == {"name": "FePc powder in capsule"}


def test_mpms3_dc_mode_takes_the_free_centre(realdata):
    """The column Moment is empty in dc mode; free and fixed fit are both there and told apart."""
    data = read_dat(realdata / "qd/MagnetoPy/zfcfc1.dat")
    assert data.moment.attrs["column"] == "DC Moment Free Ctr (emu)"
    assert float(data.moment[0]) == pytest.approx(0.00433629080839285e-3, rel=1e-12)
    assert float(data.moment_uncertainty[0]) == pytest.approx(0.000216290144842428e-3, rel=1e-12)
    assert float(data.dc_moment_fixed_ctr_emu[0]) == 0.00429237658884784
    assert data.dc_moment_fixed_ctr_emu.attrs["units"] == "emu"
    assert float(data.fit_quality[0]) == pytest.approx(0.987987518310547, rel=1e-12)
    assert float(data.sample_center[0]) == pytest.approx(32.2254867553711e-3, rel=1e-12)
    assert float(data.scan_length[0]) == pytest.approx(0.035)


def test_mpms3_mass_is_in_milligrams(realdata):
    """260.4 in the header of the Pd standard: only as mg do moment and known susceptibility agree."""
    data = read_dat(realdata / "qd/MagnetoPy/Pd_std1.dat")
    mass = data.attrs["sample"]["mass"]
    strong = np.abs(data.field.values) > convert(6e4, "Oe", "A/m")
    slope = np.median((data.moment / data.field).values[strong])
    # NIST SRM for such instruments: 5.26e-6 emu/(g Oe) = 6.61e-8 m³/kg at 298 K.
    assert mass == pytest.approx(260.4e-6)
    assert slope / mass == pytest.approx(6.61e-8, rel=0.02)


def test_spreadsheet_copy_with_tabs(realdata):
    """Tabs, padded header lines, values that lost their commas, comment rows with a comma of their own."""
    data = read_dat(realdata / "qd/MagnetoPy/mvsh2c.dat")
    assert data.attrs["comments"] == [(0, "MvsH, 5"), (274, "MvsH, 300")]
    assert float(data.temperature[0]) == 5.00366807
    assert float(data.field[0]) == pytest.approx(-70000.48438 * OERSTED, rel=1e-12)
    assert float(data.moment[0]) == pytest.approx(-0.04749359e-3, rel=1e-12)
    assert float(data.temperature[274]) > 299
    assert data.attrs["software"] == "MPMS3 Measurement Release 1.1.16 Build 424, MultiVu Release 2.3.4.19"
    assert data.attrs["header"]["SAMPLE_OFFSET"] == "65.99"


def test_other_software_and_short_header(realdata):
    """BYAPP says SQUID AC 0.9.1.0; the columns say MPMS3."""
    data = read_dat(realdata / "qd/MagnetoPy/mvsh3.dat")
    assert data.attrs["header"]["BYAPP"] == "SQUID AC, 0.9.1.0"
    assert float(data.moment[0]) == pytest.approx(-0.055955902e-3, rel=1e-12)


def test_quoted_comment_on_a_row_of_two_cells(realdata):
    """`"MvsH, 293",3860779097` among rows of 89 cells is a comment before the first point."""
    data = read_dat(realdata / "qd/MagnetoPy/mvsh4.dat")
    assert data.attrs["comments"] == [(0, "MvsH, 293")]
    assert float(data.temperature[0]) == pytest.approx(293.223587036133, rel=1e-12)


def test_acms_keeps_ac_dc_and_calibration_apart(realdata):
    """Row 3 is ac at 10 Hz, row 2 dc, row 1 the calibration at 10 kHz; `Moment` there is the ac magnitude."""
    data = read_dat(realdata / "qd/nomad-measurements/ACMS_test.dat")
    assert data.measure_type.values[:3].tolist() == ["calibration", "dc", "ac"]
    kinds, counts = np.unique(data.measure_type, return_counts=True)
    assert dict(zip(kinds.tolist(), counts.tolist(), strict=True)) == {"ac": 1261, "calibration": 1, "dc": 61}
    assert np.isnan(data.ac_in_phase.values[:2]).all() and np.isnan(data.moment.values[[0, 2]]).all()
    third = data.isel(point=2)
    assert float(third.ac_in_phase) == pytest.approx(2.50812205950546e-08, rel=1e-12)
    assert float(third.ac_out_of_phase) == pytest.approx(1.79156783123681e-10, rel=1e-12)
    assert float(third.ac_amplitude) == pytest.approx(4.00198825647822 * OERSTED, rel=1e-12)
    assert float(third.frequency) == 10
    assert float(third.phase) == pytest.approx(np.deg2rad(0.409260503364393), rel=1e-12)
    assert float(data.moment[1]) == pytest.approx(1.12873817495618e-05, rel=1e-12)
    assert data.attrs["sample"]["mass"] == pytest.approx(53.10e-6)


def test_two_channel_resistivity(realdata):
    """A `Resistivity (Ohm)` is a resistance; bridges 3 and 4 are empty; 41 names over 23 cells."""
    data = read_dat(realdata / "qd/nomad-measurements/Resistivity_Ch1_TMR_Ch2_Hall_test.dat")
    first = data.isel(point=0)
    assert float(first.resistance_1) == 0.466511068344116
    assert float(first.resistance_2) == 0.22415763258934
    assert float(first.resistance_uncertainty_1) == 0.0141793771782327
    assert float(first.excitation_1) == pytest.approx(19.9799995422363e-6, rel=1e-12)
    assert float(first.field) == pytest.approx(-10000.7678125 * OERSTED, rel=1e-12)
    assert not {"resistivity_1", "resistance_3", "resistance_4", "excitation_3"} & set(data)
    assert data.attrs["sample"] == {"name_1": "TMR", "name_2": "Hall"}
    assert data.attrs["title"].startswith("171224_SuC-101")


def test_four_probe_geometry_is_that_of_the_numbers(realdata):
    """12.5 and 5 in the header are mm² and mm: R·A/L is the resistivity that the instrument wrote."""
    data = read_dat(realdata / "qd/project_chameleon/4-probe resistivity example file.dat")
    sample = data.attrs["sample"]
    ratio = data.resistivity_3 / (data.resistance_3 * sample["cross_section_3"] / sample["length_3"])
    np.testing.assert_allclose(ratio, 1, rtol=1e-6)
    assert float(data.resistivity_3[0]) == 8.95680036395788e-05
    assert float(data.resistance_uncertainty_3[0]) == pytest.approx(
        2.01259592927137e-08 * 5e-3 / 12.5e-6, rel=1e-6
    )
    assert sample["name_3"] == "EuSNb2Se4" and "cross_section_1" not in sample


def test_log_is_recognised(realdata):
    """A log of the cryostat, 122 names over 92 cells, upper-case suffix."""
    data = read_dat(realdata / "qd/quantumPPMS/sample2.DAT")
    assert float(data.temperature[0]) == 208.4030
    assert data.attrs["title"] == "PPMS Log Data File"


def points(**columns) -> xr.Dataset:
    """A record of these columns."""
    return xr.Dataset({name: ("point", np.array(values, float)) for name, values in columns.items()})


def test_poor_fits_are_dropped_and_named():
    """The number of points, the limit and where they are stand in the sentence."""
    data = points(temperature=[5, 6, 7], moment=[1, 1, 1], fit_quality=[0.9, 0.2, 0.95])
    kept, sentence = keep_good_points(data)
    assert kept.temperature.values.tolist() == [5, 7]
    assert sentence == "Of 3 points were dropped: 1 with a fit quality below 0.5 (6 K)."


def test_wandering_centre_near_zero_moment():
    """A centre 3 mm off is dropped where the moment is small, and kept where it is large."""
    moment = np.linspace(-1, 1, 41)
    centre = np.full(41, 30e-3)
    centre[[20, 0]] = 33e-3
    data = points(temperature=np.full(41, 5), moment=moment, sample_center=centre)
    kept, sentence = keep_good_points(data)
    assert kept.sizes["point"] == 40 and 0.0 not in np.round(kept.moment.values, 12)
    assert "1 near zero moment whose fitted centre lies more than 1 mm off its neighbours" in sentence


def test_thermal_length_is_not_wandering():
    """A centre that moves by 3 mm with the temperature, point by point, stays."""
    moment = np.concatenate([np.linspace(-1, 0.01, 50), np.full(50, 0.06)])
    data = points(temperature=np.arange(100), moment=moment, sample_center=np.linspace(30e-3, 33e-3, 100))
    assert keep_good_points(data)[0].sizes["point"] == 100


def test_nothing_to_judge_by():
    """Without fit quality and centre all points stay, and the sentence says why."""
    kept, sentence = keep_good_points(points(temperature=[5, 6]))
    assert kept.sizes["point"] == 2 and "states neither fit quality nor sample centre" in sentence


def test_real_loop_loses_its_zero_crossing(realdata):
    """Of the Pd standard only points of small moment go: 11 of 445, all below 2 % of the largest moment."""
    data = read_dat(realdata / "qd/MagnetoPy/Pd_std1.dat")
    kept, _ = keep_good_points(data)
    dropped = np.setdiff1d(data.moment.values, kept.moment.values)
    assert dropped.size == 11 and np.abs(dropped).max() < 0.02 * float(np.abs(data.moment).max())


def test_real_transition_survives(realdata):
    """Of the NCCO crystal one fc point at the zero crossing goes; the zfc transition stays whole."""
    data = read_dat(realdata / "qd/NCCO_Analysis_Code_2026/20240223_NCCO_SC_Canada4_full_size.dc.dat")
    kept, sentence = keep_good_points(data)
    assert kept.sizes["point"] == 193 and "(22.38 K)" in sentence
