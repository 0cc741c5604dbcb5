"""How many boxes of each size hold a phase, or both phases, over many grid origins and for arrays of any size."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from nbtools.structure.tiles import Tile, binary_tile, check_binary, over_tiles

Kind = Literal["mass", "interface"]
Corner = tuple[int, ...]
# What is asked of a box: has it any of the phase, is it all of the phase.
QUESTIONS = {"mass": (np.logical_or,), "interface": (np.logical_or, np.logical_and)}

# Origins move in steps of at least an eighth of a box where a smaller size divides it: then its grid serves.
STEPS_A_BOX = 8
# Roots of x^(d+1) = x + 1: multiples of their powers fill a square or a cube evenly (Roberts 2018).
EVEN = {2: 1.3247179572447460, 3: 1.2207440846057596}


@dataclass(frozen=True)
class BoxCounts:
    """Boxes that hold the phase (``"mass"``) or both phases (``"interface"``), size by size.

    A grid covers the whole array; a box that sticks out at an edge counts if what is inside the array does.

    Attributes
    ----------
    sizes : (S,) edge of a box, voxels
    covers : S arrays, the count of each grid origin (as many as there are different ones)
    """

    sizes: np.ndarray
    covers: tuple[np.ndarray, ...]

    @property
    def counts(self) -> np.ndarray:
        """(S,) mean over the origins."""
        return np.array([cover.mean() for cover in self.covers])

    @property
    def minimum(self) -> np.ndarray:
        """(S,) the smallest cover that an origin gave."""
        return np.array([cover.min() for cover in self.covers])


def box_counts(binary: Any, sizes: Iterable[int], *, kind: Kind = "mass", origins: int = 1) -> BoxCounts:
    """Count boxes of each size over `origins` grids, the first of them at the array's first voxel.

    Parameters
    ----------
    binary : (y, x) or (z, y, x), booleans or 0 and 1 (255); NumPy, Zarr or Dask, with the same numbers
    sizes : edges of the boxes, whole voxels; one that divides another makes it quick
    kind : ``"mass"`` counts boxes with any of the phase, ``"interface"`` those that hold both phases
    origins : how many grids; fewer where a size has no more different ones

    Raises
    ------
    ValueError
        An array that is not binary, sizes that are no whole numbers, an unknown kind.
    """
    array = check_binary(binary)
    wanted = _checked(sizes, kind, origins)
    plan = _plan(sorted(set(wanted)), origins, array.ndim)
    tallies = [_Tally(grid, array.shape, kind) for grid in plan]
    for tile, found in over_tiles(boxes_of_tile, array, plan, kind):
        # Tiles come in the order of the first axis: rows of boxes that end before this one are complete.
        for tally, (first, answers) in zip(tallies, found, strict=True):
            tally.close_rows(before=tile[0].start)
            tally.add(first, answers)
    for tally in tallies:
        tally.close_rows()
    covers = [np.array([tally.count for tally in tallies if tally.grid.size == size]) for size in wanted]
    return BoxCounts(np.array(wanted), tuple(covers))


def occupied_boxes(binary: np.ndarray, size: int) -> np.ndarray:
    """Which voxels lie in a box of `size` that holds the phase: the cover itself, to be drawn."""
    (wanted,) = _checked([size], "mass", 1)
    array = np.asarray(check_binary(binary))
    whole = tuple(slice(0, n) for n in array.shape)
    ((_, (cover,)),) = boxes_of_tile(array, whole, [Grid(wanted, (0,) * array.ndim)], "mass")
    for axis in range(array.ndim):
        cover = np.repeat(cover, wanted, axis=axis)
    return cover[whole]


@dataclass(frozen=True)
class Grid:
    """Boxes of `size` voxels whose grid starts `shift` voxels before the array; made from grid number `parent`."""

    size: int
    shift: Corner
    parent: int = -1


def boxes_of_tile(
    block: np.ndarray, tile: Tile, plan: Sequence[Grid], kind: Kind
) -> list[tuple[Corner, list[np.ndarray]]]:
    """For each grid, the first box that the tile touches, and which boxes hold any of the phase (and only it)."""
    questions = QUESTIONS[kind]
    found: list[tuple[Corner, list[np.ndarray]]] = []
    for grid in plan:
        if grid.parent < 0:
            first, unit = tuple(part.start for part in tile), 1
            parts = [binary_tile(block)] * len(questions)
        else:
            (first, parts), unit = found[grid.parent], plan[grid.parent].size
        factor = grid.size // unit
        places = [f + s // unit for f, s in zip(first, grid.shift, strict=True)]
        boxes = [_joined(p, q, places, factor) for p, q in zip(parts, questions, strict=True)]
        found.append((tuple(place // factor for place in places), boxes))
    return found


def _joined(part: np.ndarray, question: np.ufunc, places: Sequence[int], factor: int) -> np.ndarray:
    """The question asked of every box of `factor` cells a side, where the first cell has these places."""
    for axis, place in enumerate(places):
        part = _joined_along(part, question, axis, factor, place % factor)
    return part


def _joined_along(part: np.ndarray, question: np.ufunc, axis: int, factor: int, begun: int) -> np.ndarray:
    """Groups of `factor` cells along `axis`; of the first group `begun` cells lie before the array."""
    if factor == 1:
        return part
    head = -begun % factor
    tail = head + max(0, part.shape[axis] - head) // factor * factor
    if head == 0 and tail == part.shape[axis]:
        return _joined_whole(part, question, axis, factor)
    pieces = [_cut(part, axis, 0, head), _cut(part, axis, head, tail), _cut(part, axis, tail, None)]
    ends = [question.reduce(piece, axis=axis, keepdims=True) for piece in (pieces[0], pieces[2])]
    joined = [ends[0], _joined_whole(pieces[1], question, axis, factor), ends[1]]
    kept = [after for before, after in zip(pieces, joined, strict=True) if before.shape[axis]]
    return np.concatenate(kept, axis=axis)


def _joined_whole(part: np.ndarray, question: np.ufunc, axis: int, factor: int) -> np.ndarray:
    """The same where the groups are whole; written for speed, since every voxel passes here."""
    last = axis == part.ndim - 1
    if last and factor in (2, 4, 8):  # so many booleans are one number: any is not 0, all is 1 in each byte
        words = np.ascontiguousarray(part).view(f"u{factor}")
        ones = np.frombuffer(bytes([1] * factor), words.dtype)[0]
        return words != 0 if question is np.logical_or else words == ones
    if not last and factor <= 4:
        result = question(_cut(part, axis, 0, None, factor), _cut(part, axis, 1, None, factor))
        for step in range(2, factor):
            question(result, _cut(part, axis, step, None, factor), out=result)
        return result
    shape = (*part.shape[:axis], -1, factor, *part.shape[axis + 1 :])
    return question.reduce(part.reshape(shape), axis=axis + 1)


def _cut(part: np.ndarray, axis: int, start: int, stop: int | None, step: int = 1) -> np.ndarray:
    return part[(slice(None),) * axis + (slice(start, stop, step),)]


class _Tally:
    """Counts the rows of boxes of one grid as they become complete, and holds those that are not."""

    def __init__(self, grid: Grid, shape: Sequence[int], kind: Kind) -> None:
        self.grid, self.questions = grid, QUESTIONS[kind]
        self.boxes = [(n - 1 + s) // grid.size + 1 for n, s in zip(shape, grid.shift, strict=True)]
        self.rows: dict[int, list[np.ndarray]] = {}
        self.count = 0

    def add(self, first: Corner, answers: Sequence[np.ndarray]) -> None:
        """What a tile knows of its boxes."""
        sides = answers[0].shape[1:]
        place = tuple(slice(f, f + n) for f, n in zip(first[1:], sides, strict=True))
        for number in range(answers[0].shape[0]):
            row = self.rows.get(first[0] + number) or self._new_row(first[0] + number)
            for kept, answer, question in zip(row, answers, self.questions, strict=True):
                question(kept[place], answer[number], out=kept[place])

    def close_rows(self, before: int | None = None) -> None:
        """Count the rows whose last voxel lies before this plane, or all, and forget them."""
        last = self.boxes[0] if before is None else (before + self.grid.shift[0]) // self.grid.size
        for number in [number for number in self.rows if number < last]:
            row = self.rows.pop(number)
            counted = row[0] if len(row) == 1 else row[0] & ~row[1]
            self.count += int(np.count_nonzero(counted))

    def _new_row(self, number: int) -> list[np.ndarray]:
        self.rows[number] = [np.full(self.boxes[1:], q is np.logical_and) for q in self.questions]
        return self.rows[number]


def _plan(sizes: Sequence[int], origins: int, dimensions: int) -> list[Grid]:
    """Every grid to count: the unshifted ones first, since the others are made from them."""
    plan = [Grid(size, (0,) * dimensions, _parent(size, sizes)) for size in sizes]
    for size in sizes:
        parent = _parent(size, sizes, steps=STEPS_A_BOX)
        unit = sizes[parent] if parent >= 0 else 1
        shifts = even_shifts(size // unit, origins, dimensions)[1:]
        plan += [Grid(size, tuple(unit * s for s in shift), parent) for shift in shifts]
    return plan


def _parent(size: int, sizes: Sequence[int], steps: int = 2) -> int:
    """The largest size that divides this one into at least `steps`; -1 means the voxels."""
    fitting = [i for i, other in enumerate(sizes) if size % other == 0 and size // other >= steps]
    return max(fitting, default=-1)


def even_shifts(steps: int, origins: int, dimensions: int) -> list[Corner]:
    """At most `origins` different shifts of 0 … steps - 1 on each axis, spread evenly; the first is zero."""
    if steps**dimensions <= origins:
        return [tuple(int(i) for i in shift) for shift in np.ndindex(*(steps,) * dimensions)]
    powers = EVEN[dimensions] ** -np.arange(1.0, dimensions + 1)
    shifts: dict[Corner, None] = {}
    for number in range(50 * origins):
        shifts[tuple(int(i) for i in (number * powers % 1) * steps)] = None
        if len(shifts) == origins:
            break
    return list(shifts)


def _checked(sizes: Iterable[int], kind: str, origins: int) -> list[int]:
    wanted = np.asarray(list(sizes) if isinstance(sizes, Iterable) else [sizes])
    if wanted.size == 0 or wanted.dtype.kind not in "ui" or wanted.min() < 1:
        raise ValueError(
            f"sizes is {sizes!r}; whole numbers of voxels from 1 up are expected, as [2, 4, 8, 16]"
        )
    if kind not in ("mass", "interface"):
        raise ValueError(
            f"kind is {kind!r}; 'mass' (boxes with the phase) or 'interface' (with both) is expected"
        )
    if int(origins) != origins or origins < 1:
        raise ValueError(f"origins is {origins!r}; a whole number of grids from 1 up is expected")
    return [int(size) for size in wanted]
