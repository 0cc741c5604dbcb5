"""Local ac susceptibility of a scanning SQUID, as MATLAB files hold it."""

import hashlib
import re
from pathlib import Path

import numpy as np
import xarray as xr

from nbtools.files.matlab import load_matlab

NEEDED = ("M_x", "M_y_vec")


class LocalSusceptibilityError(ValueError):
    """A file that is not what it should be."""


def read_local_susceptibility(path: str | Path) -> xr.Dataset:
    """Read one temperature or drive sweep.

    Returns
    -------
    Dataset over `point`: `in_phase`, `out_of_phase` (Φ0/A, mutual inductance of pick-up loop and field coil; out of
    phase is as recorded), and `temperature` (K) or `drive` (A). Attributes: `drive` (A, from the file's name, NaN
    if it does not say), `frequency` (Hz), `source`, `sha256`.

    Raises
    ------
    LocalSusceptibilityError
        No MATLAB file (5.0), or one without the columns.
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
        "frequency": float(frequency[1]) if frequency else float("nan"),
        "source": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return data
