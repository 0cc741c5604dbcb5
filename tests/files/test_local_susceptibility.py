"""The scanning SQUID's MATLAB files: what is read, and what is refused."""

import numpy as np
import pytest
from scipy.io import savemat

from nbtools.ac_susceptibility import normalise_curve
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
        places.append(float(curve.smooth.crossing(-0.5)))
        assert data.sizes["point"] == 245
    assert places == pytest.approx([9.25] * 3, abs=0.03)


def test_a_drive_sweep(realdata):
    """Against the field coil's current at one temperature: 0.1 to 10 mA, by the file's own ratio."""
    data = read_local_susceptibility(realdata / FOLDER / "FCsweep_9p3.mat")
    assert data.sizes["point"] == 100
    assert (float(data["drive"].min()), float(data["drive"].max())) == pytest.approx((1e-4, 1e-2))
    assert data.attrs["drive_unit"].startswith("mA, by v_x: 0.442")


@pytest.mark.parametrize(("unit", "size"), [("A", 1.0), ("mA", 1e-3), ("uA", 1e-6)])
def test_the_unit_of_a_drive(tmp_path, unit, size):
    """By the voltage beside the susceptibility, for each unit; without a voltage it is asked for."""
    drive, in_phase = np.linspace(1, 10, 7), np.full(7, -40.0)
    voltage = in_phase * drive * size / 0.44  # Φ0/V of the flux-locked loop
    columns = {"FC_amp": drive, "M_x": in_phase, "M_y_vec": 0 * drive}
    savemat(tmp_path / "known.mat", columns | {"v_x": voltage})
    savemat(tmp_path / "unknown.mat", columns)
    read = read_local_susceptibility(tmp_path / "known.mat")
    np.testing.assert_allclose(read["drive"], drive * size)
    with pytest.raises(LocalSusceptibilityError, match="give drive_unit='mA'"):
        read_local_susceptibility(tmp_path / "unknown.mat")
    given = read_local_susceptibility(tmp_path / "unknown.mat", drive_unit=unit)
    np.testing.assert_allclose(given["drive"], drive * size)
    with pytest.raises(LocalSusceptibilityError, match="it can be A, mA, uA"):
        read_local_susceptibility(tmp_path / "unknown.mat", drive_unit="Oe")
