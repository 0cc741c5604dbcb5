"""Maps from .npz, .mat and .txt: coordinates, units, what is refused; other people's files where they are."""

import numpy as np
import pytest
from scipy.io import savemat

from nbtools.files.scanning_maps import (
    MapError,
    map_names,
    pixel_of,
    read_map,
    read_outline,
    resample_square,
)


def test_an_npz_brings_its_coordinates_in_metres(tmp_path) -> None:
    """xs and ys in µm become coordinates in m; the unit is kept, a field is turned into T."""
    data = np.arange(12.0).reshape(3, 4)
    np.savez(tmp_path / "map.npz", data=data, xs=np.arange(4), ys=np.arange(3), length_units="um", units="mT")
    found = read_map(tmp_path / "map.npz")
    np.testing.assert_allclose(found.values, 1e-3 * data)
    assert pixel_of(found) == pytest.approx(1e-6)
    assert found.attrs["units"] == "T"


def test_nothing_is_unpickled(tmp_path) -> None:
    """An object array is refused, not run."""
    np.savez(tmp_path / "bad.npz", data=np.array([{"a": 1}], dtype=object))
    with pytest.raises(MapError, match="not unpickled"):
        read_map(tmp_path / "bad.npz")


def test_a_mat_with_several_maps_asks_which(tmp_path) -> None:
    """name= chooses; without it the sentence lists them."""
    savemat(tmp_path / "two.mat", {"a": np.ones((3, 4)), "b": np.zeros((5, 6))})
    assert read_map(tmp_path / "two.mat", name="b").shape == (5, 6)
    with pytest.raises(
        MapError, match=r"a \(3, 4\), b \(5, 6\); say which by its name \(MAP in notebook 04\)"
    ):
        read_map(tmp_path / "two.mat")
    with pytest.raises(MapError, match="no map 'c'"):
        read_map(tmp_path / "two.mat", name="c")
    assert map_names(tmp_path / "two.mat") == ["a", "b"]


def test_columns_in_an_upright_plane(tmp_path) -> None:
    """x and z scanned, y the distance, which drifts a little: the steps are those of x and z."""
    i, j = np.meshgrid(np.arange(6), np.arange(5), indexing="ij")
    y = 5e-4 + 1e-5 * np.random.default_rng(0).normal(size=i.shape)
    table = np.column_stack([one.ravel() for one in (2.0e-4 * j, y, 2.2e-4 * i, i + 10 * j)])
    np.savetxt(tmp_path / "side.txt", table)
    found = read_map(tmp_path / "side.txt", unit="nT")
    assert found.shape == (6, 5)
    assert [float(np.diff(found[axis])[0]) for axis in "yx"] == pytest.approx([2.2e-4, 2.0e-4])


def test_columns_on_a_turned_grid(tmp_path) -> None:
    """x, y, z, value along lines that run askew: the steps are those along the grid."""
    i, j = np.meshgrid(np.arange(5), np.arange(4), indexing="ij")
    x, y = 2e-4 * (j * 0.995 - i * 0.1), 2e-4 * (j * 0.1 + i * 0.995)
    np.savetxt(tmp_path / "scan.txt", np.column_stack([one.ravel() for one in (x, y, 0 * x, i + 10 * j)]))
    found = read_map(tmp_path / "scan.txt", unit="nT")
    assert found.shape == (5, 4)
    assert pixel_of(found) == pytest.approx(2e-4, rel=1e-3)
    assert found.values[1, 2] == pytest.approx(21e-9)


def test_oblong_pixels_are_named_and_can_be_resampled(tmp_path) -> None:
    """1 × 2 µm is refused as a square pixel; resampled, a plane is still a plane."""
    y, x = 2.0 * np.arange(6), 1.0 * np.arange(8)
    np.savez(tmp_path / "o.npz", data=y[:, None] + 3 * x, xs=x, ys=y, length_units="um", units="T")
    found = read_map(tmp_path / "o.npz")
    with pytest.raises(MapError, match=r"not\s+square"):
        pixel_of(found)
    square = resample_square(found)
    assert pixel_of(square) == pytest.approx(1e-6)
    assert np.isfinite(square.values).all()
    np.testing.assert_allclose(square.values, 1e6 * (square.y.values[:, None] + 3 * square.x.values))


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.png", b"", "expected .npz"),
        ("a.txt", b"1 2 3\n4 5 6\n", "four columns"),
        ("a.txt", b"a b c d\n", "no table of numbers"),
        ("a.npz", b"not a zip", "a.npz"),
        ("a.mat", b"not a mat", "a.mat"),
    ],
)
def test_other_files_are_refused(tmp_path, name, content, text) -> None:
    """With the name of the file and what was expected."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MapError, match=text):
        read_map(tmp_path / name)


def test_without_coordinates_the_pixel_is_not_guessed(tmp_path) -> None:
    """A bare array has no size."""
    np.savez(tmp_path / "bare.npz", data=np.ones((4, 4)))
    with pytest.raises(MapError, match="give pixel_size"):
        pixel_of(read_map(tmp_path / "bare.npz"))


def test_other_people_s_maps(realdata) -> None:
    """A scanning SQUID (.npz and .mat), a Hall microscope (.txt), and an outline."""
    squid = read_map(realdata / "mo/current-reconstruction/mag.npz")
    assert squid.shape == (151, 201) and squid.attrs["units"] == "Phi_0 / A"
    hall = read_map(realdata / "mo/magnetization-rock-sample/data0.txt", unit="nT")
    assert hall.shape == (42, 102) and float(np.abs(hall).max()) == pytest.approx(6.13e-4, rel=1e-3)
    slot = "mo/vortex-dynamics-induced-by-scanning-squid/scan050_9.27K_scan0.mat"
    assert read_map(realdata / slot, name="SUSCX").attrs["units"] == "Phi0/A"
    assert read_outline(realdata / "mo/Magneto-optics/sample.mat").sum() == 636317
