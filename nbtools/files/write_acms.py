"""Writes files of the PPMS's ac magnetometer (ACMS) as the instrument lays them out; the header says synthetic."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from nbtools.files.write_quantum_design import PPMS_START, SYNTHETIC
from nbtools.units import convert
from nbtools.whole_file import write_whole

HEADER = """\
[Header]
; ACMS Data File (default extension .dat)
; Copyright 1999, Quantum Design, Inc. All rights reserved.
TITLE,{synthetic}
FILEOPENTIME,10000000.00,01/01/2010,12:00 am
BYAPP,ACMS,1.0,1.1
INFO,PPMS ACMS Option Version: 1.0.9 Build 14,APPNAME
INFO,HARMONICS,1
INFO,{name},SAMPLE_MATERIAL
INFO,{synthetic},SAMPLE_COMMENT
DATATYPE,COMMENT,1
DATATYPE,TIME,2
FIELDGROUP,AC Mag,2,3,4,5,6,8,9,10,11,12
FIELDGROUP,DC Mag,2,3,4,7,8
STARTUPGROUP,All
STARTUPAXIS,X,2,LINEAR,AUTO
TIMEMODE,MINUTES,RELATIVE
PLOT_APPEARANCE,ALL,HORZ_GRID_ON,VERT_GRID_ON,MARKERS_AND_LINES
RECORDS,ALL_RECORDS
[Data]
Comment,Time Stamp (sec),Temperature (K),Magnetic Field (Oe),Frequency (Hz),Amplitude (Oe),M-DC (emu),\
M-Std.Dev. (emu),M' (emu),M'' (emu),Moment (emu),Phase (deg),Count,Gain,Measure Type
"""


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
    columns = np.broadcast_arrays(
        *map(
            np.atleast_1d,
            (elapsed, temperature, field, frequency, amplitude, deviation, in_phase, out_of_phase),
        )
    )
    rows = []
    for seconds, kelvin, applied, hertz, drive, scatter, real, loss in zip(
        *(column.tolist() for column in columns), strict=True
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
    return write_whole(
        path, HEADER.format(name=name, synthetic=SYNTHETIC) + "\n".join(rows) + "\n", newline="\r\n"
    )
