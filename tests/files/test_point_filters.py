"""Which points are kept, and what current reversal removes."""

import numpy as np
import pytest
import xarray as xr

from nbtools.files.quantum_design import combine_current_reversal, keep_good_points, read_dat


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


def test_current_reversal_removes_the_thermal_voltage():
    """R = 2 ohm at ±1 mA with 10 µV of thermal voltage: 2 ohm."""
    current = np.tile([1e-3, -1e-3], 10)
    data = points(
        temperature=np.repeat(np.arange(10), 2) * 1.0,
        resistance_1=2 + 1e-5 / current,
        resistance_uncertainty_1=np.full(20, 0.02),
        excitation_1=current,
    )
    combined, sentence = combine_current_reversal(data)
    np.testing.assert_allclose(combined.resistance_1, 2, rtol=1e-12)
    np.testing.assert_allclose(combined.excitation_1, 1e-3)
    np.testing.assert_allclose(combined.resistance_uncertainty_1, 0.02 / np.sqrt(2))
    assert (
        sentence
        == "10 pairs of opposite current on bridge 1 were averaged; 0 points without a partner were left out."
    )


def test_unpaired_points_are_left_out():
    """Pairs are neighbours of one temperature; a lone point and a pair 1 K apart are none."""
    data = points(
        temperature=[5, 5, 6, 7, 8, 8],
        resistance_2=[1, 3, 9, 9, 1, 3],
        excitation_2=[1, -1, 1, -1, 1, -1],
    )
    combined, sentence = combine_current_reversal(data)
    assert combined.resistance_2.values.tolist() == [2, 2] and "2 points without a partner" in sentence


def test_one_sign_stays_as_measured():
    """Without reversal the points come back unchanged."""
    data = points(temperature=[5, 6], resistance_1=[1, 2], excitation_1=[1, 1])
    combined, sentence = combine_current_reversal(data)
    assert combined.identical(data) and "does not alternate" in sentence


def test_two_files_of_opposite_current():
    """Point by point; files of different length are refused."""
    plus = points(temperature=[5, 6], resistance_1=[1, 2], excitation_1=[1, 1])
    minus = points(temperature=[5, 6], resistance_1=[3, 4], excitation_1=[-1, -1])
    combined, _ = combine_current_reversal(plus, minus)
    assert combined.resistance_1.values.tolist() == [2, 3]
    with pytest.raises(ValueError, match="have 2 and 1 points; expected as many of each"):
        combine_current_reversal(plus, minus.isel(point=[0]))
