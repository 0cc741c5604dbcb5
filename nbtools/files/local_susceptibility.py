"""Local ac susceptibility of a scanning SQUID, as MATLAB files hold it."""

import hashlib
import re
from pathlib import Path

import numpy as np
import xarray as xr

from nbtools.files.matlab import load_matlab

NEEDED = ("M_x", "M_y_vec")
# A flux-locked loop turns a volt of its output into some flux quanta; the unit of the drive is the one that says so.
FLUX_PER_VOLT = (0.03, 30.0)  # Φ0/V; the ends are a factor of 1000 apart, as A and mA are
DRIVE_UNITS = {"A": 1.0, "mA": 1e-3, "uA": 1e-6}


class LocalSusceptibilityError(ValueError):
    """A file that is not what it should be."""


def read_local_susceptibility(path: str | Path, *, drive_unit: str = "") -> xr.Dataset:
    """Read one temperature or drive sweep.

    A drive sweep (FC_amp) does not name its unit. The file's own ratio does: the lock-in's voltage v_x is M_x times the
    drive, over the flux that one volt of the flux-locked loop stands for.

    Parameters
    ----------
    path : a MATLAB file (5.0)
    drive_unit : "A", "mA" or "uA", of FC_amp; by default what the ratio says

    Returns
    -------
    Dataset over `point`: `in_phase`, `out_of_phase` (Φ0/A, mutual inductance of pick-up loop and field coil; out of
    phase is as recorded), and `temperature` (K) or `drive` (A). Attributes: `drive` (A, from the file's name, NaN
    if it does not say), `frequency` (Hz), `drive_unit` (of the file, and what said so), `source`, `sha256`.

    Raises
    ------
    LocalSusceptibilityError
        No MATLAB file (5.0), or one without the columns; a drive sweep whose unit nothing says.
    """
    path = Path(path)
    content = path.read_bytes()
    try:
        columns = load_matlab(path)
    except ValueError as problem:
        raise LocalSusceptibilityError(
            f"{path.name} is not a MATLAB 5 file ({problem}); expected a .mat file with M_x, M_y_vec and "
            "T_axis or FC_amp"
        ) from None
    axis = next((name for name in ("T_axis", "FC_amp") if name in columns), None)
    missing = [name for name in NEEDED if name not in columns] + ([] if axis else ["T_axis or FC_amp"])
    if missing:
        found = ", ".join(columns)
        raise LocalSusceptibilityError(f"{path.name} holds {found}; {', '.join(missing)} is missing")
    assert axis is not None
    sizes = {name: np.asarray(columns[name], float).ravel() for name in (*NEEDED, axis)}
    if len({values.size for values in sizes.values()}) != 1:
        counts = ", ".join(f"{name} {values.size}" for name, values in sizes.items())
        raise LocalSusceptibilityError(f"{path.name}: the columns differ in length ({counts})")
    along = ("temperature", "K") if axis == "T_axis" else ("drive", "A")
    said = ""
    if axis == "FC_amp":
        unit, said = _drive_unit(path.name, columns, sizes["FC_amp"], sizes["M_x"], drive_unit)
        sizes[axis] = sizes[axis] * DRIVE_UNITS[unit]
    data = xr.Dataset(
        {
            "in_phase": ("point", sizes["M_x"], {"units": "Phi_0/A"}),
            "out_of_phase": ("point", sizes["M_y_vec"], {"units": "Phi_0/A"}),
            along[0]: ("point", sizes[axis], {"units": along[1]}),
        }
    )
    current = re.search(r"(\d+(?:p\d+)?)mA", path.name)
    frequency = re.search(r"(\d+)Hz", path.name)
    data.attrs = {
        "drive": float(current[1].replace("p", ".")) * 1e-3 if current else float("nan"),
        "drive_unit": said,
        "frequency": float(frequency[1]) if frequency else float("nan"),
        "source": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return data


def _drive_unit(
    name: str, columns: dict[str, np.ndarray], drive: np.ndarray, in_phase: np.ndarray, given: str
) -> tuple[str, str]:
    """The unit of FC_amp, and what says so."""
    if given:
        if given not in DRIVE_UNITS:
            raise LocalSusceptibilityError(f"drive_unit is {given!r}; it can be {', '.join(DRIVE_UNITS)}")
        return given, f"{given}, as given"
    voltage = np.asarray(columns.get("v_x", np.nan), float).ravel()
    ask = "give drive_unit='mA' (or 'A', 'uA')"
    if voltage.size != drive.size:
        raise LocalSusceptibilityError(
            f"{name} does not say in which unit FC_amp is, and has no v_x to tell; {ask}"
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        flux_per_volt = float(np.nanmedian(np.abs(in_phase * drive / voltage)))
    for unit, size in DRIVE_UNITS.items():
        if FLUX_PER_VOLT[0] <= flux_per_volt * size < FLUX_PER_VOLT[1]:
            return unit, f"{unit}, by v_x: {flux_per_volt * size:.3g} flux quanta a volt"
    raise LocalSusceptibilityError(
        f"{name} does not say in which unit FC_amp is, and M_x, v_x fit none of {', '.join(DRIVE_UNITS)}; {ask}"
    )
