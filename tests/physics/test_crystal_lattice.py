"""Crystal geometry against values worked out by hand, and scattering against what symmetry demands."""

import numpy as np
import pytest

from nbtools.files.crystal import own_crystal
from nbtools.physics import crystal_lattice as lattice

OXIDE, BORIDE, METAL = (own_crystal(name) for name in ("MgO", "MgB2", "Mg"))
SPACINGS = [
    (BORIDE, (1, 0, -1, 0), 2.672554),
    (BORIDE, (0, 0, 0, 1), 3.524000),
    (BORIDE, (1, 0, -1, 1), 2.129441),
    (BORIDE, (1, 1, -2, 0), 1.543000),
    (BORIDE, (1, 1, -2, 2), 1.160818),
    (BORIDE, (1, 0, -1, 2), 1.471059),
    (BORIDE, (1, 1, -2, 1), 1.413447),
    (OXIDE, (1, 1, 1), 2.431799),
    (OXIDE, (2, 0, 0), 2.106000),
    (OXIDE, (2, 2, 0), 1.489167),
    (OXIDE, (3, 1, 1), 1.269966),
]
ANGLES = [
    ((1, 0, -1, -1), (1, -1, 0, -1), 46.955203),
    ((1, -1, 0, -1), (0, -1, 1, 0), 66.522398),
    ((0, 1, -1, 1), (1, -1, 0, 1), 87.265387),
    ((1, 1, -2, 2), (0, 0, 0, 1), 48.791062),
    ((1, 0, -1, 1), (0, 0, 0, 1), 52.823807),
]


@pytest.mark.parametrize(("crystal", "planes", "angstrom"), SPACINGS)
def test_spacings(crystal, planes, angstrom):
    """d of the paper's planes, to a millionth of an Å."""
    assert lattice.plane_spacing(crystal, planes) * 1e10 == pytest.approx(angstrom, abs=6e-7)


@pytest.mark.parametrize(("one", "other", "degrees"), ANGLES)
def test_angles(one, other, degrees):
    """Between planes of MgB2, to a millionth of a degree."""
    assert np.degrees(lattice.plane_angle(BORIDE, one, other)) == pytest.approx(degrees, abs=6e-7)


def test_the_hexagonal_formula():
    """1/d² = (4/3)(h² + hk + k²)/a² + l²/c² for many planes."""
    hkl = lattice.index_grid([3, 3, 3])
    h, k, i = hkl.T
    a, _, c = BORIDE.lengths
    expected = 4 / 3 * (h * h + h * k + k * k) / a**2 + i * i / c**2
    assert np.allclose(1 / lattice.plane_spacing(BORIDE, hkl) ** 2, expected, rtol=1e-12)


def test_lattices_are_each_others_reciprocal():
    """a·a* = 1, a·b* = 0; and the volume is that of the cell."""
    rows = lattice.lattice_vectors(METAL)
    assert np.allclose(rows @ lattice.reciprocal_vectors(METAL).T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rows) == pytest.approx(METAL.volume)


def test_zones():
    """Three and four indices of a direction; the paper's zone is not in its step planes; the one that is."""
    assert lattice.zone_indices((1, 0, -1, -1)).tolist() == [2, 1, -1]
    assert lattice.bravais_zone((1, 0, 1)).tolist() == [2, -1, -1, 3]
    assert [int(lattice.zone_product(p, (2, 1, -1))) for p in ((1, 0, -1, -1), (1, -1, 0, -1))] == [3, 2]
    assert lattice.zone_axis((1, -1, 0, -1), (0, -1, 1, 0)).tolist() == [1, 0, 1]


def test_a_third_index_that_does_not_fit():
    """i must be −h−k, and the sentence says so."""
    with pytest.raises(ValueError, match="need i = −h−k"):
        lattice.plane_spacing(BORIDE, (1, 0, 0, 1))


def test_rock_salt_extinctions():
    """Mixed indices vanish; all even adds magnesium and oxygen, all odd subtracts them."""
    assert lattice.is_extinct(OXIDE, [(1, 0, 0), (1, 1, 0), (2, 1, 0)]).all()
    assert not lattice.is_extinct(OXIDE, [(2, 0, 0), (2, 2, 0), (1, 1, 1)]).any()
    zero = lattice.structure_factor(OXIDE, (0, 0, 0))
    assert zero.real == pytest.approx(4 * (12 + 8), rel=1e-3)
    assert zero.imag == pytest.approx(0, abs=1e-9)


def test_hexagonal_close_packing_extinctions():
    """00l with odd l is absent from magnesium, and hkl with h − k = 3n and odd l."""
    assert lattice.is_extinct(METAL, [(0, 0, 1), (0, 0, 3), (1, 1, 1)]).all()
    assert not lattice.is_extinct(METAL, [(0, 0, 2), (1, 0, 1), (1, 0, 0)]).any()


def test_symmetry():
    """The Laue groups m-3m and 6/mmm; families as large as they must be."""
    assert [len(lattice.symmetry_operations(c)) for c in (OXIDE, BORIDE, METAL)] == [48, 24, 24]
    assert len(lattice.equivalent_planes(BORIDE, (1, 1, 2))) == 12
    assert len(lattice.equivalent_zones(OXIDE, (1, 1, 0))) == 12
    assert lattice.family_name(BORIDE, (-1, 0, 0)) == "{10-10}"
    assert lattice.family_name(OXIDE, (0, -2, 0)) == "{200}"


def test_low_index_zones_are_all_there_once():
    """The numbers of all families are the number of directions they came from."""
    zones, counts = lattice.low_index_zones(OXIDE, 2)
    assert dict(zip(map(tuple, zones.tolist()), counts.tolist(), strict=True)) == {
        (1, 0, 0): 6,
        (1, 1, 0): 12,
        (1, 1, 1): 8,
        (2, 1, 0): 24,
        (2, 1, 1): 24,
        (2, 2, 1): 24,
    }


def test_no_reflections_below_the_largest_spacing():
    """A limit wider than every plane gives none, and one of zero is refused."""
    assert len(lattice.reflections_within(OXIDE, 1e-9)) == 0
    with pytest.raises(ValueError, match="above zero"):
        lattice.reflections_within(OXIDE, 0.0)


def test_directions_in_three_and_in_four_indices():
    """[2u−v, 2v−u, −(u+v), 3w]/3, and back to the same direction; by hand for [2 −1 −1 0] and [1 0 −1 1]."""
    assert lattice.zone_indices([2, -1, -1, 0]).tolist() == [1, 0, 0]
    assert lattice.zone_indices([1, 0, -1, 1]).tolist() == [2, 1, 1]
    assert lattice.bravais_zone([1, 0, 0]).tolist() == [2, -1, -1, 0]
    assert lattice.bravais_zone([3, 1, 2]).tolist() == [5, -1, -4, 6]
    for zone in ([3, 1, 2], [-2, 3, 1], [0, 3, -1], [1, -3, 3]):
        assert lattice.zone_indices(lattice.bravais_zone(zone)).tolist() == zone


def test_triples_sort_by_their_first_index_then_the_next():
    """As one number each: no two share one, and the order is that of the indices from left to right."""
    grid = lattice.index_grid([3, 3, 3])
    shuffled = np.random.default_rng(0).permutation(grid)
    order = np.argsort(lattice._code(shuffled), kind="stable")
    assert shuffled[order].tolist() == sorted(shuffled.tolist())
