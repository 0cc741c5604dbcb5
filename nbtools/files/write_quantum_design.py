"""Writes .dat files as Quantum Design's instruments lay them out; each header says that it is synthetic."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from nbtools.files.multivu_headers import ACMS_HEADER, CLASSIC_HEADER, MPMS3_HEADER, PPMS_HEADER
from nbtools.units import convert
from nbtools.whole_file import write_whole

SYNTHETIC = "synthetic twin: not measured"
# Midnight of 1 January 2010 on each instrument's own clock, so that the bytes know no date.
CLASSIC_START, MPMS3_START, PPMS_START = 1_262_304_000.0, 3_471_465_600.0, 10_000_000.0


def write_mpms_classic(
    path: str | Path,
    *,
    name: str,
    elapsed: ArrayLike,
    temperature: ArrayLike,
    field: ArrayLike,
    moment: ArrayLike,
    moment_deviation: ArrayLike,
    scan_length: float = 0.04,
) -> Path:
    """Write a DC summary file of the classic MPMS: seven digits, three-digit exponents (MultiVu 1.61).

    Parameters
    ----------
    name : what the header calls the sample
    elapsed, temperature, field : time since the start (s), K and A/m; one value per point, or one for all
    moment, moment_deviation : moment and the standard deviation of its scans (A m²)
    scan_length : of each of the three scans that make one point (m)

    Raises
    ------
    ValueError
        Columns of unequal length.
    """
    emu = convert(1.0, "A m^2", "emu")
    oersted = convert(1.0, "A/m", "Oe")
    length = _three_digit(f"{convert(scan_length, 'm', 'cm'):.6e}")
    rows = []
    for seconds, kelvin, applied, value, scatter in _points(
        elapsed, temperature, field, moment, moment_deviation
    ):
        percent = 100 * scatter / abs(value) if value else 0.0
        measured = [f"{x:.6e}" for x in (applied * oersted, round(kelvin, 4), value * emu, scatter * emu)]
        quality = [f"{x:.6e}" for x in (0.96, percent)]
        numbers = ",".join(map(_three_digit, [*measured, "3", *quality]))
        rows.append(
            f"{CLASSIC_START + seconds:.3f},,{numbers}{',' * 14}32,3,{length}"
            ",1.000000e-003,0.000000e+000,0,,0,"
        )
    return _write(path, CLASSIC_HEADER.format(name=name, synthetic=SYNTHETIC), rows)


def write_mpms3(
    path: str | Path,
    *,
    name: str,
    elapsed: ArrayLike,
    temperature: ArrayLike,
    field: ArrayLike,
    moment: ArrayLike,
    moment_error: ArrayLike,
    scan_length: float = 0.035,
) -> Path:
    """Write an MPMS3 file of DC scans: "Moment (emu)" stays empty, the value stands under "DC Moment".

    The parameters are those of `write_mpms_classic`; `moment_error` (A m²) is the error of the dipole fit.
    """
    emu = convert(1.0, "A m^2", "emu")
    oersted = convert(1.0, "A/m", "Oe")
    length = f"{convert(scan_length, 'm', 'mm'):.6g}"
    rows = []
    for number, (seconds, kelvin, applied, value, error) in enumerate(
        _points(elapsed, temperature, field, moment, moment_error), start=1
    ):
        t, h = _shortest(round(kelvin, 4)), _shortest(round(applied * oersted, 2))
        m, e = (_shortest(float(f"{x * emu:.6e}")) for x in (value, error))
        before = f",{MPMS3_START + seconds:.5f},{t},{h},,,6,,,,33,,,100"
        ranges = f"{t},{t},{h},{h},,,3,,{number},0,0,0,0.013885498046875,33,1,1,1,{t},0,2084574976,{t},,"
        fixed_and_free = f"{m},{e},{m},{e},0.98,0.98,33,0,{length},4,200,0,-0.5,0.5,1"
        rows.append(f"{before}{',' * 22}{ranges},{fixed_and_free}{',' * 16}")
    return _write(path, MPMS3_HEADER.format(name=name, synthetic=SYNTHETIC), rows)


def write_ppms_resistivity(
    path: str | Path,
    *,
    name: str,
    elapsed: ArrayLike,
    temperature: ArrayLike,
    field: ArrayLike,
    resistance: ArrayLike,
    resistance_deviation: ArrayLike,
    current: float,
    cross_section: float,
    length: float,
) -> Path:
    """Write a resistivity file of the PPMS with the sample on bridge 1 (MultiVu 1.5).

    Parameters
    ----------
    resistance, resistance_deviation : value and standard deviation (Ω); written to 0.1 nΩ
    current : excitation (A)
    cross_section, length : sample geometry (m², m) as typed into the header (there in mm² and mm), from
        which the instrument makes its resistivity column
    """
    oersted = convert(1.0, "A/m", "Oe")
    into_resistivity = cross_section / length
    excitation = f"{convert(current, 'A', 'uA'):.15g}"
    rows = []
    for seconds, kelvin, applied, value, scatter in _points(
        elapsed, temperature, field, np.round(np.asarray(resistance, float), 10), resistance_deviation
    ):
        numbers = (value * into_resistivity, scatter * into_resistivity, value)
        resistivity, deviation, ohm = (_three_digit(f"{x:.15g}") for x in numbers)
        rows.append(
            f",{PPMS_START + seconds:.2f},4369,{round(kelvin, 4):.15g},{round(applied * oersted, 2):.15g},0,"
            f"{resistivity},{excitation},,,,,,,{deviation},,,,25,{ohm},,,"
        )
    header = PPMS_HEADER.format(
        name=name,
        synthetic=SYNTHETIC,
        cross_section=convert(cross_section, "m^2", "mm^2"),
        length=convert(length, "m", "mm"),
    )
    return _write(path, header, rows)


def write_acms(
    path: str | Path,
    *,
    name: str,
    elapsed: ArrayLike,
    temperature: ArrayLike,
    field: ArrayLike,
    frequency: ArrayLike,
    amplitude: ArrayLike,
    in_phase: ArrayLike,
    out_of_phase: ArrayLike,
    deviation: ArrayLike,
) -> Path:
    """Write ac rows of an ACMS file: M' and M'' with the standard deviation of the readings.

    Parameters
    ----------
    name : what the header calls the sample
    elapsed, temperature, field : time since the start (s), K and A/m; one value per point, or one for all
    frequency, amplitude : of the drive (Hz, A/m)
    in_phase, out_of_phase, deviation : amplitudes of the moment (A m²); M'' > 0 is loss

    Raises
    ------
    ValueError
        Columns of unequal length.
    """
    emu, oersted = convert(1.0, "A m^2", "emu"), convert(1.0, "A/m", "Oe")
    rows = []
    for seconds, kelvin, applied, hertz, drive, scatter, real, loss in _points(
        elapsed, temperature, field, frequency, amplitude, deviation, in_phase, out_of_phase
    ):
        # The magnitude and its angle follow from the parts as the file holds them.
        m1, m2 = (float(f"{x * emu:.6g}") for x in (real, loss))
        size, angle = float(np.hypot(m1, m2)), float(np.degrees(np.arctan2(m2, m1)))
        numbers = (kelvin, applied * oersted, hertz, drive * oersted)
        first = ",".join(f"{x:.{digits}f}" for x, digits in zip(numbers, (4, 3, 3, 5), strict=True))
        rows.append(
            f",{PPMS_START + seconds:.2f},{first},,{scatter * emu:.4g},{m1:.6g},{m2:.6g},{size:.6g},{angle:.4g},"
            "6400,25,5"
        )
    return _write(path, ACMS_HEADER.format(name=name, synthetic=SYNTHETIC), rows)


def _points(*columns: ArrayLike) -> Iterator[tuple[float, ...]]:
    """The columns point by point, single values repeated."""
    arrays = np.broadcast_arrays(*map(np.atleast_1d, columns))
    return zip(*(array.tolist() for array in arrays), strict=True)


def _three_digit(number: str) -> str:
    """``1e-05`` as the older MultiVu writes it: ``1e-005``."""
    return re.sub(r"e([+-])(\d\d)$", r"e\g<1>0\2", number)


def _shortest(number: float) -> str:
    """``1E-5`` as the newer MultiVu writes it."""
    return re.sub(r"E\+?(-?)0*(\d+)$", r"E\1\2", f"{number:.15G}")


def _write(path: str | Path, header: str, rows: list[str]) -> Path:
    return write_whole(path, header + "\n".join(rows) + "\n", newline="\r\n")
