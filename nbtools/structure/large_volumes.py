"""Phase fraction, two-point correlation and clusters of arrays that need not fit in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from nbtools.structure.tiles import Tile, binary_tile, check_binary, over_tiles

AXES = ("z", "y", "x")
# Voxels labelled at a time: their labels take four bytes each, and scipy as much again.
LABELLED = 1 << 25


def phase_fraction(binary: Any) -> float:
    """Share of the voxels that are of the phase; NumPy, Zarr or Dask."""
    array = check_binary(binary)
    counted = sum(count for _, count in over_tiles(_count, array))
    return counted / int(np.prod(array.shape, dtype=np.int64))


@dataclass(frozen=True)
class TwoPointCorrelation:
    """Probability that both ends of a stick of length r lie in the phase, S₂(r), for sticks along each axis.

    Attributes
    ----------
    lags : (R,) r, voxels
    along : (axes, R) S₂ along z, y, x (or y, x); NaN where the array is no longer than r
    fraction : S₂(0), the phase fraction
    """

    lags: np.ndarray
    along: np.ndarray
    fraction: float

    @property
    def mean(self) -> np.ndarray:
        """(R,) over the axes that are long enough."""
        known = np.isfinite(self.along)
        summed = np.where(known, self.along, 0).sum(axis=0)
        return np.divide(
            summed, known.sum(axis=0), out=np.full(len(self.lags), np.nan), where=known.any(axis=0)
        )

    def __str__(self) -> str:
        names = AXES[-len(self.along) :]
        rows = [f"{r:>5} " + " ".join(f"{s:.4f}" for s in self.along[:, i]) for i, r in enumerate(self.lags)]
        return "\n".join([f"S2 along {', '.join(names)}; fraction {self.fraction:.4f}", *rows])


def two_point_correlation(binary: Any, lags: Iterable[int]) -> TwoPointCorrelation:
    """S₂ at whole lags along the axes, every pair of voxels counted (no periodic edge); NumPy, Zarr or Dask.

    Torquato, *Random Heterogeneous Materials* (2002), §2.2.
    """
    array = check_binary(binary)
    wanted = np.asarray(list(lags))
    if wanted.size == 0 or wanted.dtype.kind not in "ui" or wanted.min() < 0:
        raise ValueError(f"lags is {lags!r}; whole numbers of voxels from 0 up are expected, as [1, 2, 4, 8]")
    reach = (int(wanted.max()),) * array.ndim
    both = sum(
        found for _, found in over_tiles(_pairs_in_phase, array, [int(lag) for lag in wanted], halo=reach)
    )
    sides = np.array(array.shape, np.int64)[:, None]
    pairs = np.maximum(0, sides - wanted) * (np.prod(sides) // sides)
    along = np.divide(both, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)
    return TwoPointCorrelation(wanted, along, phase_fraction(array))


@dataclass(frozen=True)
class Clusters:
    """The connected pieces of a phase.

    Attributes
    ----------
    sizes : (C,) voxels of each, largest first
    spanning : (axes, C) whether a piece touches both ends of the array along z, y, x (or y, x)
    neighbours : how many voxels count as neighbours of one
    """

    sizes: np.ndarray
    spanning: np.ndarray
    neighbours: int

    @property
    def largest_share(self) -> float:
        """Of the phase, in the largest piece; 0 where there is no phase."""
        return float(self.sizes[0] / self.sizes.sum()) if len(self.sizes) else 0.0

    @property
    def spans(self) -> tuple[bool, ...]:
        """Axis by axis, whether some piece reaches through."""
        return tuple(bool(axis.any()) for axis in self.spanning)

    def __str__(self) -> str:
        names = [name for name, spans in zip(AXES[-len(self.spans) :], self.spans, strict=True) if spans]
        return (
            f"{len(self.sizes)} pieces ({self.neighbours} neighbours), the largest with "
            f"{100 * self.largest_share:.1f} % of the phase; through along {', '.join(names) or 'no axis'}"
        )


def count_clusters(binary: Any, *, corners: bool = False) -> Clusters:
    """Connected pieces; voxels that share a face hang together, with `corners` also an edge or a corner.

    Slabs of whole planes are labelled one by one, and pieces that meet across a cut are joined; a plane
    must fit in memory.
    """
    array = check_binary(binary)
    structure = ndimage.generate_binary_structure(array.ndim, array.ndim if corners else 1)
    slabs = [
        slab for _, found in over_tiles(_labelled_slabs, array, structure, planes=True) for slab in found
    ]
    pieces, piece = _pieces(slabs, structure)
    sizes = np.bincount(np.concatenate(piece), np.concatenate([slab.sizes for slab in slabs]), pieces)
    touched = np.zeros((array.ndim, 2, pieces), bool)
    for slab, names in zip(slabs, piece, strict=True):
        for axis, end, labels in slab.touching:
            touched[axis, end, names[labels - 1]] = True
    for end, plane, names in ((0, slabs[0].first, piece[0]), (1, slabs[-1].last, piece[-1])):
        touched[0, end, names[plane[plane > 0] - 1]] = True
    order = np.argsort(-sizes, kind="stable")
    spanning = touched[:, 0] & touched[:, 1]
    return Clusters(sizes[order].astype(np.int64), spanning[:, order], int(structure.sum()) - 1)


def spanning_cluster(binary: np.ndarray, *, corners: bool = False) -> np.ndarray:
    """Mask of the pieces that reach through the array along some axis; in memory, to be drawn."""
    array = binary_tile(np.asarray(check_binary(binary)))
    structure = ndimage.generate_binary_structure(array.ndim, array.ndim if corners else 1)
    labels, count = ndimage.label(array, structure)
    keep = np.zeros(count + 1, bool)
    for axis in range(array.ndim):
        keep[np.intersect1d(np.take(labels, 0, axis=axis), np.take(labels, -1, axis=axis))] = True
    keep[0] = False
    return keep[labels]


@dataclass(frozen=True)
class _Slab:
    """Labels 1 … n of some planes: their sizes, the two outer planes, and (axis, end, labels) at the sides."""

    sizes: np.ndarray
    first: np.ndarray
    last: np.ndarray
    touching: list[tuple[int, int, np.ndarray]]


def _labelled_slabs(block: np.ndarray, tile: Tile, structure: np.ndarray) -> list[_Slab]:
    phase = binary_tile(block)
    planes = max(1, LABELLED // phase[0].size)
    return [_labelled(phase[start : start + planes], structure) for start in range(0, len(phase), planes)]


def _labelled(phase: np.ndarray, structure: np.ndarray) -> _Slab:
    labels, count = ndimage.label(phase, structure)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    sides = [
        (axis, end, np.take(labels, -end, axis=axis)) for axis in range(1, labels.ndim) for end in (0, 1)
    ]
    touching = [(axis, end, np.unique(side[side > 0])) for axis, end, side in sides]
    return _Slab(sizes, labels[0].copy(), labels[-1].copy(), touching)


def _pieces(slabs: Sequence[_Slab], structure: np.ndarray) -> tuple[int, list[np.ndarray]]:
    """How many pieces there are, and for each slab the piece to which its labels belong."""
    starts = np.cumsum([0, *(len(slab.sizes) for slab in slabs)])
    pairs = [np.zeros((0, 2), np.int64)]
    for number, (above, below) in enumerate(pairwise(slabs)):
        pairs.append(_meetings(above.last, below.first, structure) + starts[number : number + 2])
    joined, total = np.concatenate(pairs), int(starts[-1])
    graph = coo_array((np.ones(len(joined), bool), (joined[:, 0], joined[:, 1])), shape=(total, total))
    pieces, piece = connected_components(graph, directed=False) if total else (0, np.zeros(0, int))
    return pieces, np.split(piece, starts[1:-1])


def _meetings(above: np.ndarray, below: np.ndarray, structure: np.ndarray) -> np.ndarray:
    """(P, 2) labels, less one, that touch across a cut between two planes."""
    found = [np.zeros((0, 2), np.int64)]
    for step in np.argwhere(structure[2]) - 1:
        here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(step, above.shape, strict=True))
        there = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(step, above.shape, strict=True))
        upper, lower = above[here], below[there]
        touch = (upper > 0) & (lower > 0)
        found.append(np.unique(np.stack([upper[touch], lower[touch]], axis=1), axis=0).astype(np.int64) - 1)
    return np.unique(np.concatenate(found), axis=0)


def _count(block: np.ndarray, tile: Tile) -> int:
    return int(np.count_nonzero(binary_tile(block)))


def _pairs_in_phase(block: np.ndarray, tile: Tile, lags: Sequence[int]) -> np.ndarray:
    """(axes, R) how many sticks that begin in the tile have both ends in the phase."""
    phase = binary_tile(block)
    sides = [part.stop - part.start for part in tile]
    found = np.zeros((phase.ndim, len(lags)), np.int64)
    for axis, number in np.ndindex(*found.shape):
        lag = lags[number]
        length = min(sides[axis], phase.shape[axis] - lag)
        if length > 0:
            cut = [slice(0, side) for side in sides]
            begin, end = cut.copy(), cut.copy()
            begin[axis], end[axis] = slice(0, length), slice(lag, lag + length)
            found[axis, number] = np.count_nonzero(phase[tuple(begin)] & phase[tuple(end)])
    return found
