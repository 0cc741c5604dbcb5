"""Tables of numbers in no instrument's format, read by what their owner says of the columns."""

from pathlib import Path

import numpy as np
import pytest

from nbtools.files.registry import open_file
from nbtools.files.text_table import TableError, contents_of, parse_table, read_columns, read_text_table
from nbtools.notebook.sample import open_sample
from nbtools.transport import study_resistance

T = np.linspace(4, 60, 120)
R = 0.02 / (1 + np.exp(-(T - 38) / 0.4))


def write(
    path: Path, heading: str, columns: list[np.ndarray], *, between: str = "\t", comma: bool = False
) -> Path:
    lines = [between.join(f"{value:.7g}" for value in row) for row in zip(*columns, strict=True)]
    text = "\n".join(line.replace(".", ",") if comma else line for line in lines)
    path.write_text(f"{heading}\n{text}\n" if heading else text + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("comma", [False, True])
@pytest.mark.parametrize(
    ("heading", "between"),
    [
        ("T (K)\tR (Ohm)", "\t"),
        ("# Temperature [K];Resistance [Ohm]", ";"),
        ("Temperatur / K\tWiderstand / Ohm", "\t"),
        ("T\tR\nK\tOhm", "\t"),
        ("% T (K)   R (Ohm)", "  "),
    ],
)
def test_headings_say_what_the_columns_are(heading: str, between: str, comma: bool, tmp_path: Path):
    """Whatever stands between the columns; decimal commas are read and said."""
    path = write(tmp_path / "rt.txt", heading, [T, R], between=between, comma=comma)
    found = open_file(path)
    (signal,) = found.signals
    assert (signal.quantity, signal.technique, signal.points) == ("resistance", "transport", T.size)
    (route,) = found.ways
    (option,) = route.options
    assert option.startswith("COLUMNS=temperature:0 K, resistance:1 ")
    assert found.notes == (("decimal commas",) if comma else ())
    data = read_text_table(path, option.removeprefix("COLUMNS="))
    np.testing.assert_allclose(data["temperature"], T, rtol=1e-6)
    np.testing.assert_allclose(data["resistance_1"], R, rtol=1e-6, atol=1e-12)


def test_units_are_those_that_are_named(tmp_path: Path):
    """Degrees, flux densities and milliohms come back in SI; a column is named by number or heading."""
    path = write(tmp_path / "a.csv", "when,R_xx,T set,B", [T, R, T, T / 60], between=",")
    mapping = 'resistance:R_xx mohm, temperature:"T set" degC, field:3 T'
    data = read_text_table(path, mapping)
    np.testing.assert_allclose(data["temperature"], T + 273.15, rtol=1e-6)
    np.testing.assert_allclose(data["resistance_1"], 1e-3 * R, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(data["field"], T / 60 / (4e-7 * np.pi), rtol=1e-5)


def test_what_was_held_is_given_as_a_value(tmp_path: Path):
    """A sweep of the field at one temperature has no column for it."""
    path = write(tmp_path / "rh.dat", "H (Oe) R (ohm)", [1e3 * T, R], between=" ")
    data = read_text_table(path, "field:0 Oe, resistance:1 ohm, temperature:=30 K")
    assert set(data["temperature"].values) == {30.0}


def test_a_bad_row_is_counted(tmp_path: Path):
    """T = 0 and a word are no measurement."""
    path = tmp_path / "rt.txt"
    path.write_text("T (K)\tR (Ohm)\n4\t1\n5\tbad\n0\t1\n6\t2\n")
    data = read_text_table(path, "temperature:0 K, resistance:1 ohm")
    assert list(data["temperature"].values) == [4.0, 6.0]
    assert any(note.startswith("2 rows") for note in data.attrs["notes"])


def test_a_line_with_more_cells_is_counted(tmp_path: Path):
    """It is left out, and that is said."""
    path = tmp_path / "rt.txt"
    path.write_text("T (K)\tR (Ohm)\n4\t1\n6\t2\n7\t2\t3\n# a remark\n")
    data = read_text_table(path, "temperature:0 K, resistance:1 ohm")
    assert list(data["temperature"].values) == [4.0, 6.0]
    assert data.attrs["notes"] == ["1 lines with more cells than the first were left out"]


def test_a_table_without_a_temperature_above_zero_is_refused(tmp_path: Path):
    """No empty record is handed on."""
    path = tmp_path / "rt.txt"
    path.write_text("T (K)\tR (Ohm)\n0\t1\n-1\t2\n")
    with pytest.raises(TableError, match="T above 0 K"):
        read_text_table(path, "temperature:0 K, resistance:1 ohm")


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ("temperature", "expected entries such as"),
        ("warmth:0 K", "may be one of temperature"),
        ("temperature:0 ohm", "temperature"),
        ("temperature:0 K, temperature:1 K", "twice"),
        ("temperature:=warm K", "no number"),
    ],
)
def test_a_mapping_that_is_none_is_refused(columns: str, says: str):
    with pytest.raises(TableError, match=says):
        read_columns(columns)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ("temperature:0 K, resistance:7 ohm", r"no column 7; the table has 0 'T \(K\)'"),
        ("resistance:1 ohm", "names no temperature"),
    ],
)
def test_a_column_that_is_not_there_is_refused(columns: str, says: str, tmp_path: Path):
    path = write(tmp_path / "rt.txt", "T (K)\tR (Ohm)", [T, R])
    with pytest.raises(TableError, match=says):
        read_text_table(path, columns)


def test_a_text_without_numbers_is_no_table():
    with pytest.raises(TableError, match=r"notes\.txt: found no table of numbers"):
        parse_table(b"dear colleague\nthe sample is broken\n", "notes.txt")


def test_a_table_that_no_notebook_takes_is_named_with_its_columns(tmp_path: Path):
    """J_c(B, θ): columns and ranges, and how to say what they are."""
    path = write(tmp_path / "jc.csv", "B (T),Jc (A/m^2),theta (deg)", [T / 60, R, T], between=",")
    found = open_file(path)
    assert found.what == "table of numbers, 120 rows, 3 columns" and not found.ways
    assert any("Jc (A/m^2)" in fact for fact in found.facts)
    assert any("COLUMNS=" in fact for fact in found.facts)


def test_a_powder_pattern_stays_one(tmp_path: Path):
    """Two columns without headings of ours are still asked of the powder reader first."""
    angle = np.arange(10, 80, 0.02)
    path = write(tmp_path / "p.xy", "", [angle, 100 + (angle > 36) * 50], between=" ")
    assert open_file(path).what.startswith("powder pattern")


def test_a_study_runs_on_it(tmp_path: Path):
    """The midpoint of the curve that was written comes back."""
    path = write(tmp_path / "rt.csv", "T (K);R (mOhm)", [T, 1e3 * R], between=";", comma=True)
    sample = open_sample(path, columns="temperature:0 K, resistance:1 mohm")
    found = {row.name: row.quantity for row in study_resistance(sample).rows()}
    assert abs(found["resistive_midpoint"] - 38) < 3 * found["resistive_midpoint"].uncertainty


def test_susceptibility_is_read_as_the_moment_of_a_cubic_metre(tmp_path):
    """χ′ and χ″ without a unit, with their primes kept; the amplitude from a column or as held."""
    path = tmp_path / "chi.csv"
    path.write_text(
        "T (K),h_ac (Oe),chi',chi''\n" + "".join(f"{t},2,{-1 + t / 100},0.1\n" for t in range(5, 40))
    )
    found = contents_of(path)
    assert found.of("ac_susceptibility")
    assert found.ways[0].options == (
        "COLUMNS=temperature:0 K, amplitude:1 Oe, chi_in_phase:2, chi_out_of_phase:3",
    )
    data = read_text_table(path, "temperature:0 K, chi_in_phase:2, chi_out_of_phase:3, amplitude:=2 Oe")
    drive = 2e3 / (4 * np.pi)
    assert data["ac_in_phase"].values == pytest.approx(drive * (-1 + np.arange(5, 40) / 100))
    assert data["ac_out_of_phase"].values == pytest.approx(0.1 * drive)
    with pytest.raises(TableError, match="no amplitude; add its column, or what was held: amplitude:=1 Oe"):
        read_text_table(path, "temperature:0 K, chi_in_phase:2")


def test_a_spectrum_and_a_pattern_by_their_columns(tmp_path):
    """One mapping for every notebook: counts over wavelength or photon energy, counts over 2θ."""
    from nbtools.files.powder_diffraction import read_pattern
    from nbtools.files.spectral_maps import SpectralMapError, read_recording

    path = tmp_path / "spectrum.txt"
    path.write_text(
        "Wavelength (nm)\tIntensity (counts)\n" + "".join(f"{w}\t{w % 7}\n" for w in range(400, 500))
    )
    found = contents_of(path)
    assert found.ways[0].technique == "cathodoluminescence"
    (spectrum,) = read_recording(path, columns="wavelength:0 nm, counts:1").spectra.values()
    assert spectrum.wavelength_nm == pytest.approx(np.arange(400, 500))
    assert spectrum.counts == pytest.approx(np.arange(400, 500) % 7)
    with pytest.raises(SpectralMapError, match="no wavelength and no energy"):
        read_recording(path, columns="temperature:0 K, counts:1")
    path.write_text("".join(f"{i} {20 + 0.02 * i:.2f} {i % 50}\n" for i in range(200)))
    pattern = read_pattern(path, columns="two_theta:1 degree, counts:2")
    assert pattern.two_theta.values == pytest.approx(20 + 0.02 * np.arange(200))
    assert pattern.counts.values == pytest.approx(np.arange(200) % 50)
