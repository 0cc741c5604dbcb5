"""The files that the twin writes are laid out as the instruments' own, and say that they are synthetic."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nbtools.files.quantum_design import read_dat
from nbtools.files.write_quantum_design import (
    SYNTHETIC,
    write_mpms3,
    write_mpms_classic,
    write_ppms_resistivity,
)
from nbtools.units import convert

OERSTED, EMU = convert(1.0, "Oe", "A/m"), convert(1.0, "emu", "A m^2")
TIME, KELVIN, FIELD = np.arange(4) * 60.0, [2.0, 9.87654, 38.5, 300.0], np.array([10.0, 0.0, -250.5, 7e4])
Write = Callable[[Path], Path]


def classic(path: Path) -> Path:
    moment = np.array([-4.4321e-3, 1.2345678e-7, -3e-5, 0.25]) * EMU
    return write_mpms_classic(
        path,
        name="bar",
        elapsed=TIME,
        temperature=KELVIN,
        field=FIELD * OERSTED,
        moment=moment,
        moment_deviation=1e-7 * EMU,
    )


def mpms3(path: Path) -> Path:
    moment = np.array([-4.4321e-3, 1.2345678e-7, -3e-5, 0.25]) * EMU
    return write_mpms3(
        path,
        name="bar",
        elapsed=TIME,
        temperature=KELVIN,
        field=FIELD * OERSTED,
        moment=moment,
        moment_error=1e-7 * EMU,
    )


def resistivity(path: Path) -> Path:
    return write_ppms_resistivity(
        path,
        name="bar",
        elapsed=TIME,
        temperature=KELVIN,
        field=FIELD * OERSTED,
        resistance=[-3.2e-7, 5.1e-7, 5.1234e-4, 1.5e-3],
        resistance_deviation=5e-7,
        current=5e-3,
        cross_section=1e-6,
        length=3e-3,
    )


WRITERS = [classic, mpms3, resistivity]
PAIRS = [
    (classic, "NCCO_Analysis_Code_2026/20240223_NCCO_SC_Canada4_full_size.dc.dat"),
    (mpms3, "MagnetoPy/fc5.dat"),
    (resistivity, "project_chameleon/4-probe resistivity example file.dat"),
]


def parts(path: Path) -> tuple[list[str], str, list[list[str]]]:
    """Header lines, the line of column names, and the cells of every row."""
    header, _, data = path.read_bytes().decode("latin-1").partition("[Data]\r\n")
    names, *rows = data.removesuffix("\r\n").split("\r\n")
    return header.split("\r\n"), names, [row.split(",") for row in rows]


def form(number: str) -> str:
    """A number with its digits blotted out."""
    return re.sub(r"\d", "9", number.lstrip("-"))


@pytest.mark.parametrize(("write", "real"), PAIRS)
def test_columns_are_the_real_ones(write: Write, real: str, realdata: Path, tmp_path: Path) -> None:
    """Names, number of cells and which cells are filled are those of a measured file."""
    _, names, rows = parts(write(tmp_path / "twin.dat"))
    _, real_names, real_rows = parts(realdata / "qd" / real)
    assert names == real_names
    assert {len(row) for row in rows} == {len(row) for row in real_rows}
    assert {sum(map(bool, row)) for row in rows} <= {sum(map(bool, row)) for row in real_rows}


@pytest.mark.parametrize(("write", "real"), PAIRS)
def test_header_lines_are_the_real_ones(write: Write, real: str, realdata: Path, tmp_path: Path) -> None:
    """The same kinds of line in the same order, blank ones too; only serial numbers are left out."""
    own = re.compile("HW_VERSION|SERIAL_NUMBER|SOFTWARE_VERSION")
    ours, theirs = parts(write(tmp_path / "twin.dat"))[0], parts(realdata / "qd" / real)[0]
    assert [x.split(",")[0] for x in ours] == [x.split(",")[0] for x in theirs if not own.search(x)]


def test_classic_numbers_have_the_real_form(realdata: Path, tmp_path: Path) -> None:
    """Seven digits and an exponent of three, column by column."""
    _, _, rows = parts(classic(tmp_path / "twin.dat"))
    _, _, real_rows = parts(realdata / "qd" / PAIRS[0][1])
    for ours, theirs in zip(zip(*rows, strict=True), zip(*real_rows, strict=True), strict=True):
        assert set(map(form, ours)) <= set(map(form, theirs))


@pytest.mark.parametrize("write", WRITERS)
def test_header_says_synthetic(write: Write, tmp_path: Path) -> None:
    """Nobody who opens the file can take it for a measurement."""
    header, _, _ = parts(write(tmp_path / "twin.dat"))
    assert any(SYNTHETIC in line for line in header)


@pytest.mark.parametrize("write", WRITERS)
def test_same_input_same_bytes(write: Write, tmp_path: Path) -> None:
    """No clock, no host, no user in the file."""
    assert write(tmp_path / "a.dat").read_bytes() == write(tmp_path / "b.dat").read_bytes()


@pytest.mark.parametrize(("write", "instrument"), [(classic, "MPMS classic"), (mpms3, "MPMS3")])
def test_moment_reads_back(write: Write, instrument: str, tmp_path: Path) -> None:
    """Temperature, field and moment come back in SI within the written digits."""
    data = read_dat(write(tmp_path / "twin.dat"))
    assert data.attrs["instrument"] == instrument
    np.testing.assert_allclose(data.temperature, KELVIN, atol=5e-5)
    np.testing.assert_allclose(data.field, FIELD * OERSTED, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(
        data.moment, np.array([-4.4321e-3, 1.234568e-7, -3e-5, 0.25]) * EMU, rtol=1e-12
    )
    np.testing.assert_allclose(data.moment_uncertainty, 1e-7 * EMU)


def test_resistance_reads_back(tmp_path: Path) -> None:
    """Resistance, its error, the resistivity made with the header's geometry, and the current."""
    data = read_dat(resistivity(tmp_path / "twin.dat"))
    ohm = np.array([-3.2e-7, 5.1e-7, 5.1234e-4, 1.5e-3])
    assert data.attrs["instrument"] == "PPMS resistivity"
    np.testing.assert_allclose(data.resistance_1, ohm, rtol=1e-12)
    np.testing.assert_allclose(data.resistance_uncertainty_1, 5e-7, rtol=1e-12)
    np.testing.assert_allclose(data.resistivity_1, ohm * 1e-6 / 3e-3, rtol=1e-12)
    np.testing.assert_allclose(data.excitation_1, 5e-3)
    assert data.attrs["sample"]["length_1"] == pytest.approx(3e-3)


def test_interrupted_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is there whole or not at all, and no scrap stays."""
    path = classic(tmp_path / "twin.dat")
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("disk gone")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk gone"):
        resistivity(path)
    assert path.read_bytes() == before
    assert list(tmp_path.glob("**/*twin.dat*")) == [path]


def test_unequal_columns_are_refused(tmp_path: Path) -> None:
    """Two times, three temperatures: nothing is written."""
    with pytest.raises(ValueError, match=r"shape \(2,\).*shape \(3,\)"):
        write_mpms_classic(
            tmp_path / "twin.dat",
            name="bar",
            elapsed=[0, 1],
            temperature=[1, 2, 3],
            field=0,
            moment=0,
            moment_deviation=0,
        )
    assert not list(tmp_path.glob("*.dat"))
