"""Box counts against sets whose counts are known, and against counting voxel by voxel."""

import numpy as np
import pytest

from nbtools.structure.box_counting import box_counts, even_shifts

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
