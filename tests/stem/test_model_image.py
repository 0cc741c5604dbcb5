"""The forward functions of an image: columns of a crystal along a zone, drawn as Gaussians, and the spots they give."""

import numpy as np
import pytest

from nbtools.files.crystal import own_crystal
from nbtools.stem.model_image import (
    CONTRAST,
    Columns,
    atomic_numbers,
    bright_field,
    draw_columns,
    image_amplitude,
    project_columns,
    zone_spots,
)

OXIDE, BORIDE = own_crystal("MgO"), own_crystal("MgB2")
EDGE = OXIDE.lengths[0]


def test_atomic_numbers():
    """Of the scattering factors at zero angle; contrast goes as Z^1.7 in the dark field."""
    assert sorted(set(atomic_numbers(BORIDE))) == [5, 12] and sorted(set(atomic_numbers(OXIDE))) == [8, 12]
    assert CONTRAST == {"HAADF": 1.7, "ABF": 0.7}


def test_amplitudes_of_rock_salt():
    """Sum of both for even indices, difference for odd ones, nothing for mixed ones."""
    mg, o = 12**1.7, 8**1.7
    found = image_amplitude(OXIDE, [(0, 0, 0), (2, 0, 0), (1, 1, 1), (1, 0, 0)])
    assert found == pytest.approx([1, 1, (mg - o) / (mg + o), 0], abs=1e-9)
    assert image_amplitude(OXIDE, (1, 1, 1), power=1.0) == pytest.approx(4 / 20)


def test_spots_of_a_zone():
    """Along [001] of MgO: {200} and {220} down to 0.14 nm, at 1/d, at right angles; {111} lies in no such zone."""
    hkl, places = zone_spots(OXIDE, (0, 0, 1), 0.14e-9)
    assert len(hkl) == 8 and not np.any(hkl[:, 2])
    spacings = EDGE / np.sqrt(np.sum(hkl**2, axis=1))
    assert np.hypot(*places.T) == pytest.approx(1 / spacings, rel=1e-9)
    assert places @ places.T * EDGE**2 == pytest.approx(hkl @ hkl.T, abs=1e-9)
    again = zone_spots(OXIDE, (0, 0, 1), 0.14e-9, among=hkl[:3])
    assert np.array_equal(again[0], hkl[:3])


def test_columns_of_rock_salt():
    """A square net of Mg over O, a/2 apart, each with one atom a cell edge; turned about the corner that is named."""
    size, corner = (4 * EDGE, 3 * EDGE), (0.1 * EDGE, 0.2 * EDGE)
    found = project_columns(OXIDE, (0, 0, 1), 0.0, size, origin=corner)
    inside = np.all((found.positions >= 0) & (found.positions < size), axis=1)
    assert inside.sum() == 2 * 8 * 6
    cells = (found.positions - corner) / (EDGE / 2)
    assert cells == pytest.approx(np.rint(cells), abs=1e-6)
    for element, number in (("Mg", 12), ("O", 8)):
        weights = found.weights[found.elements == element]
        assert weights == pytest.approx(number**1.7 / (EDGE * 1e9), rel=1e-9)
    # A margin of 4.5 spreads to every side, so that a column beyond the rim still adds what it should.
    assert found.positions.min() > -0.225e-9 and found.positions.min() < -0.225e-9 + EDGE / 2
    assert np.all(found.positions.max(axis=0) < np.add(size, 0.225e-9))
    weak = project_columns(OXIDE, (0, 0, 1), 0.0, size, origin=corner, power=1.0)
    assert weak.weights.max() == pytest.approx(12 / (EDGE * 1e9))
    turned = project_columns(OXIDE, (0, 0, 1), np.pi / 4, size, origin=corner)
    cells = (turned.positions - corner) @ np.array([[1, 1], [-1, 1]]) / (np.sqrt(2) * EDGE / 2)
    assert cells == pytest.approx(np.rint(cells), abs=1e-6)
    assert len(found.among(found.elements == "O").positions) == np.sum(found.elements == "O")


def test_columns_are_drawn_as_gaussians():
    """Height, width and volume of one; each scan line displaced by its own shift along x; none beyond the rim."""
    one = Columns(np.array([[0.41e-9, 0.62e-9]]), np.array([3.0]), np.array(["Mg"]))
    image = draw_columns(one, (60, 50), 0.02e-9)
    y, x = 0.02 * np.mgrid[:60, :50]
    expected = 3 * np.exp(-((y - 0.41) ** 2 + (x - 0.62) ** 2) / (2 * 0.05**2))
    assert image == pytest.approx(expected, abs=3 * np.exp(-(4.5**2) / 2) * 1.01)
    assert image.sum() == pytest.approx(3 * 2 * np.pi * 2.5**2, rel=1e-3)
    assert draw_columns(one, (60, 50), 0.02e-9, spread=0.1e-9).sum() == pytest.approx(
        4 * image.sum(), rel=1e-3
    )
    shifts = np.zeros(60)
    shifts[22] = 0.04e-9
    moved = draw_columns(one, (60, 50), 0.02e-9, row_shifts=shifts)
    assert moved[22, 2:] == pytest.approx(image[22, :-2], abs=1e-3)
    assert np.array_equal(np.delete(moved, 22, axis=0), np.delete(image, 22, axis=0))
    rim = Columns(np.array([[0.0, 0.98e-9]]), np.array([1.0]), np.array(["O"]))
    part = draw_columns(rim, (60, 50), 0.02e-9)
    assert part[0, 49] == pytest.approx(1.0) and part[:, :30].sum() == 0 and part[20:].sum() == 0
    assert part[2, 49] == pytest.approx(np.exp(-0.5 * (0.04 / 0.05) ** 2))


def test_bright_field():
    """Columns dark by at most the depth."""
    assert bright_field([0.0, 2.0, 4.0]) == pytest.approx([1.0, 0.8, 0.6])
    assert bright_field([0.0, 4.0], depth=0.5) == pytest.approx([1.0, 0.5])
    assert bright_field(np.zeros(3)) == pytest.approx(1.0)
