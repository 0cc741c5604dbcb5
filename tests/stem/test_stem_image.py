"""The projected image against sums written out, and its transform against the structure."""

import numpy as np
import pytest

from nbtools.files.crystal import own_crystal
from nbtools.physics import crystal_lattice as lattice
from nbtools.stem import model_image as model

OXIDE, BORIDE = own_crystal("MgO"), own_crystal("MgB2")
PIXEL, SIZE = 0.02e-9, 400


def test_boron_beside_magnesium():
    """Z to the 1.7: 0.225757."""
    magnesium, boron = (z ** model.CONTRAST["HAADF"] for z in (12, 5))
    assert boron / magnesium == pytest.approx(0.225757, abs=5e-7)
    assert model.atomic_numbers(BORIDE).tolist() == [12, 5, 5]


@pytest.mark.parametrize(
    ("crystal", "zone"), [(OXIDE, (0, 0, 1)), (BORIDE, (2, 1, -1)), (OXIDE, (2, 1, 1)), (BORIDE, (1, 0, 1))]
)
def test_as_many_atoms_as_the_crystal_holds(crystal, zone):
    """Projected atoms in an area, for one repeat along the zone: atoms of the cell × repeat / volume."""
    side = 12e-9
    columns = model.project_columns(crystal, zone, 0.4, (side, side))
    inside = np.all((columns.positions > 0) & (columns.positions < side), axis=1).sum()
    repeat = np.linalg.norm(np.array(zone) @ lattice.lattice_vectors(crystal))
    assert inside / side**2 == pytest.approx(len(crystal.elements) * repeat / crystal.volume, rel=0.02)


@pytest.mark.parametrize(("crystal", "zone"), [(OXIDE, (0, 0, 1)), (BORIDE, (1, 0, 0)), (BORIDE, (2, 1, -1))])
def test_spots_are_where_and_as_strong_as_the_structure_says(crystal, zone):
    """Fourier coefficients of the drawn image: |F| of the projected columns times exp(−2π²s²k²)."""
    columns = model.project_columns(crystal, zone, 0.3, (SIZE * PIXEL, SIZE * PIXEL))
    image = model.draw_columns(columns, (SIZE, SIZE), PIXEL)
    window = np.outer(np.hanning(SIZE), np.hanning(SIZE))
    y, x = np.mgrid[:SIZE, :SIZE] * PIXEL
    hkl, _ = model.zone_spots(crystal, zone, 1.4e-10)
    turned = hkl @ lattice.reciprocal_vectors(crystal) @ model.viewing_axes(crystal, zone, 0.3).T
    for planes, (ky, kx) in zip(hkl[:5], turned[:5], strict=True):
        wave = np.exp(-2j * np.pi * (ky * y + kx * x))
        seen = abs(np.sum(window * (image - image.mean()) * wave)) / window.sum() / image.mean()
        blur = np.exp(-2 * np.pi**2 * model.SPREAD**2 * (ky**2 + kx**2))
        assert seen == pytest.approx(float(model.image_amplitude(crystal, planes)) * blur, rel=2e-3)


def test_turning_is_counter_clockwise_as_seen():
    """A quarter turn brings what was to the right to the top, where y is smaller."""
    flat, turned = (model.viewing_axes(OXIDE, (0, 0, 1), angle) for angle in (0.0, np.pi / 2))
    assert np.allclose(turned[0], -flat[1], atol=1e-12)
    assert np.allclose(turned[1], flat[0], atol=1e-12)


def test_the_zone_looks_at_the_viewer():
    """Right × up is the zone: axes of a right-handed picture with y down."""
    down, right = model.viewing_axes(BORIDE, (2, 1, -1), 0.7)
    towards = np.array((2, 1, -1)) @ lattice.lattice_vectors(BORIDE)
    assert np.allclose(np.cross(right, -down), towards / np.linalg.norm(towards))


def test_a_scan_line_moves_its_columns():
    """All lines moved by one pixel is the picture moved by one pixel."""
    columns = model.project_columns(OXIDE, (0, 0, 1), 0.1, (2e-9, 2e-9))
    still = model.draw_columns(columns, (100, 100), PIXEL)
    moved = model.draw_columns(columns, (100, 100), PIXEL, row_shifts=np.full(100, PIXEL))
    assert np.allclose(moved[:, 20:80], still[:, 19:79], rtol=1e-3, atol=1e-3 * still.max())


def test_bright_field_is_dark_where_columns_are():
    """Between one minus the depth and one."""
    bright = model.bright_field(np.array([[0.0, 1.0], [2.0, 4.0]]), depth=0.4)
    assert np.allclose(bright, [[1.0, 0.9], [0.8, 0.6]])
