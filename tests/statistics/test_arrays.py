"""The one check of input arrays: what is masked or not finite is left out and counted, or refused in words."""

import numpy as np
import pytest
import xarray as xr

from nbtools.statistics.arrays import check_points, real_array, refuse_masked


def test_a_mask_is_not_dropped():
    """A masked value becomes NaN, whatever number lies under the mask; integers too."""
    values = np.ma.array([1, 999, 3], mask=[False, True, False])
    assert np.isnan(real_array(values, "counts")[1])
    assert real_array(xr.DataArray([1, 2]), "counts").tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.array([1 + 1j]), "complex numbers"),
        (["a", "b"], "real numbers were expected"),
        (np.array([None, object()], dtype=object), "NoneType objects"),
        (np.zeros(2, dtype=[("R", "u1"), ("G", "u1")]), "real numbers were expected"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "real numbers were expected"),
        ([[1, 2], [3]], "real numbers were expected"),
    ],
)
def test_what_is_no_real_number_is_refused(values, said):
    """Complex, text, objects, records, dates and ragged lists are named."""
    with pytest.raises(ValueError, match=said):
        real_array(values, "the map")


def test_points_are_counted_by_reason():
    """Masked and not finite points are left out of every column and counted apart."""
    x = np.ma.array([1.0, 2, 3, 4, 5], mask=[0, 1, 0, 0, 0])
    found = check_points(x=x, y=[5.0, 4, np.nan, 2, 1], sigma=0.1, weight=None)
    assert [c.tolist() for c in found.columns] == [[1, 4, 5], [5, 2, 1], [0.1] * 3]
    assert found.left_out == "1 masked and 1 not finite points were left out"
    assert found.sorted_by(1).columns[1].tolist() == [1, 2, 5]
    assert found.sorted_by().columns[0].tolist() == [1, 4, 5] and found.kept.tolist() == [0, 3, 4]
    for one, said in (([1.0, np.nan, 2], "1 not finite point was left out"), ([1.0, 3, 2], "")):
        assert check_points(x=one).left_out == said


def test_columns_of_different_length_are_refused():
    """The sentence says how many of each came."""
    with pytest.raises(ValueError, match="3 of x, 2 of y came"):
        check_points(x=[1, 2, 3], y=[1, 2])


def test_a_mask_has_no_place_for_a_missing_entry():
    """A masked array of a phase is refused; one without masked entries passes."""
    refuse_masked(np.ma.array([True, False]), "phase")
    refuse_masked(np.array([True, False]), "phase")
    with pytest.raises(ValueError, match="1 entries of phase are masked"):
        refuse_masked(np.ma.array([True, False], mask=[True, False]), "phase")
