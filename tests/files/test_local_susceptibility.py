"""The scanning SQUID's MATLAB files: what is read, and what is refused."""

import numpy as np
import pytest
from scipy.io import savemat

from nbtools.analysis.ac_susceptibility import Smooth, normalise_curve
from nbtools.files.local_susceptibility import LocalSusceptibilityError, read_local_susceptibility

FOLDER = "acsus_local/vortex-dynamics-induced-by-scanning-squid"


def test_a_sweep_as_written(tmp_path):
    """Row vectors, drive and frequency from the name."""
    t = np.linspace(6, 10, 9)
    file = tmp_path / "T_sweep_5mA_500Hz.mat"
    savemat(file, {"T_axis": t[None], "M_x": -t[None], "M_y_vec": 0 * t[None]})
    data = read_local_susceptibility(file)
    np.testing.assert_array_equal(data["temperature"], t)
    assert (data.attrs["drive"], data.attrs["frequency"]) == (5e-3, 500.0)


def test_what_is_refused(tmp_path):
    """No MATLAB file; one without the columns; columns of unequal length."""
    (tmp_path / "a.mat").write_bytes(b"not a matlab file, but long enough to look into" * 20)
    savemat(tmp_path / "b.mat", {"M_x": [1.0]})
    savemat(tmp_path / "c.mat", {"M_x": [1.0, 2.0], "M_y_vec": [1.0], "T_axis": [1.0]})
    for name, says in (
        ("a", "not a MATLAB 5 file"),
        ("b", "M_y_vec, T_axis or FC_amp is missing"),
        ("c", "length"),
    ):
        with pytest.raises(LocalSusceptibilityError, match=says):
            read_local_susceptibility(tmp_path / f"{name}.mat")


def test_the_niobium_film(realdata):
    """Half screening near 9.25 K at all three drives, nothing screened above 9.4 K."""
    places = []
    for drive in (1, 5, 10):
        data = read_local_susceptibility(realdata / FOLDER / f"T_sweep_{drive}mA_500Hz_FC_series.mat")
        columns = (data[name].values for name in ("temperature", "in_phase", "out_of_phase"))
        curve = normalise_curve(*columns, amplitude=data.attrs["drive"], frequency=500.0)
        places.append(float(Smooth(curve).crossing(-0.5)))
        assert data.sizes["point"] == 245
    assert places == pytest.approx([9.25] * 3, abs=0.03)


def test_a_drive_sweep(realdata):
    """Against the field coil's current at one temperature."""
    data = read_local_susceptibility(realdata / FOLDER / "FCsweep_9p3.mat")
    assert "drive" in data and data.sizes["point"] == 100
