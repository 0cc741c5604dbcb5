"""Box counts against sets whose counts are known, and against counting voxel by voxel."""

import numpy as np
import pytest

from nbtools.structure.box_counting import EVEN, _joined_along, _plan, box_counts, even_shifts

SHAPES = [(37, 53), (17, 23, 29), (16, 16, 16)]
SIZES = [1, 2, 3, 5, 6, 8, 12, 16, 64]


def grown(motif: np.ndarray, levels: int) -> np.ndarray:
    """A deterministic fractal: the motif put in place of each of its own filled cells."""
    grown = motif
    for _ in range(levels - 1):
        grown = np.kron(grown, motif)
    return grown


CARPET = np.ones((3, 3), bool)
CARPET[1, 1] = False
MENGER = np.array(
    [[[(i == 1) + (j == 1) + (k == 1) < 2 for k in range(3)] for j in range(3)] for i in range(3)]
)


def by_hand(binary: np.ndarray, size: int, shift: tuple[int, ...], kind: str) -> int:
    """Name the box of every voxel, and look what each box holds."""
    boxes = [(place + s) // size for place, s in zip(np.indices(binary.shape), shift, strict=True)]
    names = np.ravel_multi_index(boxes, [b.max() + 1 for b in boxes]).ravel()
    of_phase, of_rest = (np.bincount(names, chosen.ravel()) > 0 for chosen in (binary, ~binary))
    return int(np.sum(of_phase if kind == "mass" else of_phase & of_rest))


@pytest.fixture(params=SHAPES, ids=str)
def sparse(request: pytest.FixtureRequest) -> np.ndarray:
    """A phase of 3 %, so that boxes of every kind occur."""
    return np.random.default_rng(0).random(request.param) < 0.03


@pytest.mark.parametrize(("motif", "levels"), [(CARPET, 5), (MENGER, 4)], ids=["carpet", "sponge"])
def test_exact_fractals_have_their_exact_counts(motif: np.ndarray, levels: int) -> None:
    """On their own grid N(3^k) = m^(n-k), with m filled cells in the motif."""
    sizes = 3 ** np.arange(levels + 1)
    expected = np.count_nonzero(motif) ** (levels - np.arange(levels + 1))
    assert box_counts(grown(motif, levels), sizes).counts.tolist() == expected.tolist()


@pytest.mark.parametrize("kind", ["mass", "interface"])
def test_counts_are_those_of_counting_by_hand(sparse: np.ndarray, kind: str) -> None:
    """Sizes that divide nothing, partial boxes, boxes larger than the array, the first origin."""
    zero = (0,) * sparse.ndim
    expected = [by_hand(sparse, size, zero, kind) for size in SIZES]
    assert box_counts(sparse, SIZES, kind=kind).counts.tolist() == expected


@pytest.mark.parametrize("kind", ["mass", "interface"])
def test_other_origins_are_counted_too(sparse: np.ndarray, kind: str) -> None:
    """Each cover is that of the grid begun so many voxels before the array; the mean and minimum are theirs."""
    found = box_counts(sparse, [5], kind=kind, origins=7)
    expected = [by_hand(sparse, 5, shift, kind) for shift in even_shifts(5, 7, sparse.ndim)]
    assert found.covers[0].tolist() == expected
    assert found.counts[0] == pytest.approx(np.mean(expected))
    assert found.minimum[0] == min(expected)


def test_a_solid_is_covered_by_all_boxes_and_has_no_interface() -> None:
    """As many as fit, from the best origin."""
    solid = np.ones((24, 24, 24), bool)
    mass = box_counts(solid, [2, 4, 8], origins=20)
    assert mass.minimum.tolist() == [12**3, 6**3, 3**3]
    assert box_counts(solid, [2, 4, 8], kind="interface", origins=20).counts.tolist() == [0, 0, 0]


def test_masks_of_other_kinds_give_the_same_counts(sparse: np.ndarray) -> None:
    """0 and 1, 0 and 255, a view turned round, a list."""
    expected = box_counts(sparse, [2, 3, 8]).counts.tolist()
    others = [sparse.astype("uint8"), sparse * np.uint8(255), sparse.astype(int), np.asfortranarray(sparse)]
    assert [box_counts(other, [2, 3, 8]).counts.tolist() for other in others] == [expected] * 4
    turned, listed = sparse[::-1].copy()[::-1], sparse.tolist()
    assert [box_counts(other, [2, 3, 8]).counts.tolist() for other in (turned, listed)] == [expected] * 2


def test_shifts_are_different_and_even() -> None:
    """Never more than there are; the first is zero; each half of an axis gets half of them."""
    for steps, dimensions in ((2, 3), (5, 2), (8, 3), (31, 2)):
        shifts = np.array(even_shifts(steps, 16, dimensions))
        assert len(np.unique(shifts, axis=0)) == len(shifts) == min(16, steps**dimensions)
        assert not shifts[0].any()
    assert np.all(np.abs(np.mean(np.array(even_shifts(64, 64, 3)) < 32, axis=0) - 0.5) < 0.1)


def test_even_shifts_are_multiples_of_roots() -> None:
    """x³ = x + 1 on a section, x⁴ = x + 1 in a volume; origin n is the rest of n/x, n/x², … in steps."""
    for dimensions, root in EVEN.items():
        assert root ** (dimensions + 1) == pytest.approx(root + 1, rel=1e-15)
        x = np.roots([1, *[0] * (dimensions - 1), -1, -1])
        x = float(x[np.isreal(x) & (x.real > 1)].real[0])
        places = [[int(97 * (n / x**axis % 1)) for axis in range(1, dimensions + 1)] for n in range(12)]
        assert np.array(even_shifts(97, 12, dimensions)).tolist() == places
    assert len(even_shifts(3, 8, 2)) == 8  # found among 50 multiples for each that is wanted


@pytest.mark.parametrize(
    ("binary", "sizes", "options", "words"),
    [
        (np.zeros((4, 4)), [2], {}, "float64 came.*segment it first"),
        (np.full((4, 4), np.nan), [2], {}, "segment it first"),
        (np.arange(16).reshape(4, 4), [2], {}, "from 0 to 15.*labels == 2"),
        (np.zeros((4, 4), int) - 1, [2], {}, "from -1 to -1"),
        (np.zeros(4, bool), [2], {}, r"\(y, x\) or a volume"),
        (np.zeros((0, 4), bool), [2], {}, r"shape \(0, 4\)"),
        (np.zeros((4, 4), bool), [], {}, "whole numbers of voxels"),
        (np.zeros((4, 4), bool), [0, 2], {}, "whole numbers of voxels"),
        (np.zeros((4, 4), bool), [2.5], {}, "whole numbers of voxels"),
        (np.zeros((4, 4), bool), [2], {"kind": "edge"}, "'mass'.*'interface'"),
        (np.zeros((4, 4), bool), [2], {"origins": 0}, "from 1 up"),
    ],
)
def test_bad_input_is_named(binary: np.ndarray, sizes: list, options: dict, words: str) -> None:
    """What came, what was expected, what to do."""
    with pytest.raises(ValueError, match=words):
        box_counts(binary, sizes, **options)


@pytest.mark.parametrize("kind", ["mass", "interface"])
@pytest.mark.parametrize("sizes", [[16], [3, 24], [4, 12, 20], [8, 40]])
def test_origins_of_sizes_made_from_each_other(kind: str, sizes: list[int]) -> None:
    """A size counted from a smaller one's boxes moves in whole ones of these; each cover is counted by hand."""
    for shape in ((45, 53), (19, 24, 22)):
        binary = np.random.default_rng(2).random(shape) < 0.03
        plan = _plan(sizes, 5, len(shape))
        found = box_counts(binary, sizes, kind=kind, origins=5)
        for size, cover in zip(sizes, found.covers, strict=True):
            shifts = [grid.shift for grid in plan if grid.size == size]
            assert shifts[0] == (0,) * len(shape) and len(set(shifts)) == len(shifts) == 5
            assert cover.tolist() == [by_hand(binary, size, shift, kind) for shift in shifts]
        assert found.counts == pytest.approx([cover.mean() for cover in found.covers])
        assert found.sizes.tolist() == sizes


def test_the_plan_takes_the_largest_size_that_divides() -> None:
    """Unshifted grids from any that halves them; shifted ones only from those of an eighth of a box or less."""
    plan = _plan([1, 2, 3, 6, 24], 2, 2)
    assert [(grid.size, grid.parent) for grid in plan[:5]] == [(1, -1), (2, 0), (3, 0), (6, 2), (24, 3)]
    shifted = {grid.size: (grid.parent, grid.shift) for grid in plan[5:]}
    assert set(shifted) == {2, 3, 6, 24} and shifted[6][0] == -1 and shifted[24][0] == 2
    assert all(place % 3 == 0 for place in shifted[24][1])


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 9])
@pytest.mark.parametrize("begun", [0, 1, 2])
def test_cells_joined_along_an_axis(size: int, begun: int) -> None:
    """Any and all of each group, the first of which may have begun before the array; along the last axis and others."""
    cells = np.random.default_rng(0).random((11, 24, 16)) < 0.6
    for axis in range(3):
        groups = (np.arange(cells.shape[axis]) + begun % size) // size
        for question, of in ((np.logical_or, np.any), (np.logical_and, np.all)):
            found = _joined_along(cells, question, axis, size, begun % size)
            expected = [
                of(np.compress(groups == n, cells, axis=axis), axis=axis) for n in range(groups.max() + 1)
            ]
            assert np.array_equal(found, np.stack(expected, axis=axis))
