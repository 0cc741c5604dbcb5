"""Formulas of the physics at places where each of their terms shows."""

import numpy as np
import pytest
from scipy.constants import mu_0

from nbtools.files.crystal import own_crystal
from nbtools.physics import crystal_lattice as lattice
from nbtools.physics.bean_state import flux_profile
from nbtools.physics.current_sheet import plate_field, share_of_sense, uniform_rectangle
from nbtools.physics.granular import sphere_screening
from nbtools.physics.proximity import clean_normal_length, dirty_normal_length, largest_barrier


@pytest.mark.parametrize("hkl", [(1, 1, 1), (2, 0, 0), (2, 2, 0)])
def test_a_structure_factor_of_rock_salt(hkl):
    """4 (f_Mg ± f_O), each with its own exp(−B/4d²): Cromer and Mann's f at sinθ/λ = 1/2d."""
    mgo = own_crystal("MgO")
    spacing = float(lattice.plane_spacing(mgo, (1, 0, 0))) / np.sqrt(np.dot(hkl, hkl))
    s = 1 / (2 * spacing)
    numbers = np.asarray(mgo.scattering, float)
    waves = [
        (numbers[i, :4] @ np.exp(-numbers[i, 4:8] * 1e-20 * s**2) + numbers[i, 8])
        * np.exp(-mgo.displacements[i] * s**2)
        * np.exp(2j * np.pi * np.dot(hkl, mgo.positions[i]))
        * mgo.occupancies[i]
        for i in range(len(numbers))
    ]
    found = lattice.structure_factor(mgo, hkl)
    assert found == pytest.approx(sum(waves)) and abs(found) == pytest.approx(abs(sum(waves)), rel=1e-9)
    assert mgo.displacements.max() > 0


def test_a_picture_is_not_turned_unless_one_says_so():
    """The axes of no turning, and of a quarter turn."""
    mgb2 = own_crystal("MgB2")
    plain = lattice.viewing_axes(mgb2, (1, 0, 1))
    assert plain == pytest.approx(lattice.viewing_axes(mgb2, (1, 0, 1), 0.0))
    assert plain @ plain.T == pytest.approx(np.eye(2))
    quarter = lattice.viewing_axes(mgb2, (1, 0, 1), np.pi / 2)
    assert np.abs(quarter @ plain.T) == pytest.approx(np.array([[0, 1], [1, 0]]), abs=1e-12)


@pytest.mark.parametrize("r", [0.01, 0.049, 0.051, 0.3])
def test_a_small_sphere_screens_by_its_square(r):
    """1 − 3 coth r/r + 3/r² = r²/15 − 2 r⁴/315 + r⁶/1575 − …"""
    series = r**2 / 15 - 2 * r**4 / 315 + r**6 / 1575 - 2 * r**8 / 31185
    assert sphere_screening(r) == pytest.approx(series, rel=2e-7 if r < 0.05 else 1e-6)
    assert sphere_screening(40.0) == pytest.approx(1 - 3 / 40 + 3 / 1600)


def test_a_profile_of_flux_going_up_and_down():
    """min(x₀ − s, x + s) while the field falls, its mirror while it rises; nothing beyond the front."""
    depth = np.array([0.0, 0.1, 0.3, 0.5, 0.7])
    down = flux_profile(depth, 0.2, 0.6)
    assert down == pytest.approx([0.2, 0.3, 0.3, 0.1, 0.0])
    up = flux_profile(depth, 0.2, 0.6, falling=False)
    assert up == pytest.approx([0.2, 0.1, -0.1, -0.1, 0.0])


def test_the_longest_barrier_of_a_junction():
    """[ln(J_d/J_c) + 2 ln(1 − t)]/√t; J_c = J_d (1 − t)² exp(−L√t) gives L back."""
    t = np.array([20.0, 30.0, 36.0]) / 38.5
    for length in (0.5, 3.0):
        currents = 2e12 * (1 - t) ** 2 * np.exp(-length * np.sqrt(t))
        found = largest_barrier(38.5 * t, currents, critical_temperature=38.5, depairing_current=2e12)
        assert found == pytest.approx([length] * 3)
    with pytest.raises(ValueError, match="critical"):
        largest_barrier([38.6], [1e9], critical_temperature=38.5, depairing_current=2e12)


def test_lengths_in_a_normal_metal():
    """ħv/2πkT of a clean one, √(ħD/2πkT) of a dirty one (de Gennes)."""
    hbar, k = 1.054571817e-34, 1.380649e-23
    assert clean_normal_length(20.0, velocity=5e5) == pytest.approx(hbar * 5e5 / (2 * np.pi * k * 20))
    assert dirty_normal_length(20.0, diffusivity=1e-3) == pytest.approx(
        np.sqrt(hbar * 1e-3 / (2 * np.pi * k * 20))
    )


def test_the_field_of_a_loop_of_pixels():
    """A square ring of current one pixel wide, from far above: a dipole's field, 2 µ0 m/4π z³."""
    shape, side = (41, 41), 1e-5
    jx, jy = np.zeros((2, *shape))
    jx[15, 15:25], jx[25, 16:26] = 1.0, -1.0
    jy[15:25, 25], jy[16:26, 15] = 1.0, -1.0
    height = 3e-3
    field = plate_field(jx, jy, pixel_size=side, thickness=0.0, height=height)
    y, x = (side * (np.arange(n) - 20) for n in shape)
    moment = 0.5 * np.sum(x[None] * jy - y[:, None] * jx) * side**2
    assert field[20, 20] == pytest.approx(2 * mu_0 * moment / (4 * np.pi * height**3), rel=2e-3)
    assert share_of_sense(jx, jy, np.ones(shape, bool)) + share_of_sense(
        jx, jy, np.ones(shape, bool), clockwise=False
    ) == pytest.approx(1.0)


def test_the_rooftop_of_a_rectangle():
    """The distance to its nearest edge, in the middle of the map; nothing outside."""
    found = uniform_rectangle((20, 30), 1e-6, (10e-6, 6e-6))
    y, x = (1e-6 * (np.arange(n) - (n - 1) / 2) for n in (20, 30))
    for at in ((10, 14), (8, 11), (12, 16), (10, 19)):
        assert found[at] == pytest.approx(min(3e-6 - abs(y[at[0]]), 5e-6 - abs(x[at[1]])))
    assert found[0, 0] == found[10, 20] == 0 and found[10, 19] == pytest.approx(0.5e-6)
