"""Is a pattern scale-free? Box counts with their spread, and a verdict against patterns of one length."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nbtools.analysis.box_counting import Grid, box_counts, boxes_of_tile
from nbtools.analysis.gliding_boxes import GlidingBoxes
from nbtools.analysis.section_judgement import NULLS, Judgement, Word, judge_sections
from nbtools.analysis.tiles import binary_tile, check_binary
from nbtools.units import Quantity

Array = NDArray[np.float64]
SECTIONS = 8  # of a volume, in each of its three directions
WINDOW = 1024  # sections are judged on at most this many pixels a side

ORIGINS = 8


@dataclass(frozen=True)
class FractalVerdict:
    """Box-counting dimension with its spread, and what the pattern is.

    Attributes
    ----------
    dimension : ordinary slope of the smallest cover against box size, over all `sizes`; σ as in `spreads`
    interface_dimension : the same for boxes that hold both phases
    sizes, counts : (S,) voxels; smallest cover
    local_slopes : (S,) −d ln N/d ln ε of the smallest cover; of the mean over all origins: `sections`
    spreads : what makes up σ: grid origins, blocks of the field, and the range of sizes
    sections : gliding-box curves of the section(s)
    nulls : the same of each matched pattern of one length
    p_value : share of the nulls at least as broad, the pattern itself counted in
    decades : between `interval`: solid boxes end, unevenness ends; full of holes and yet correlated
    interval : m, of the decades
    verdict, reason : what follows
    """

    dimension: Quantity
    interface_dimension: Quantity
    sizes: NDArray[np.int_]
    counts: Array
    local_slopes: Array
    spreads: dict[str, float]
    sections: GlidingBoxes
    nulls: tuple[GlidingBoxes, ...]
    p_value: float
    decades: float
    interval: tuple[float, float]
    verdict: Word
    reason: str
    space: int
    voxel_size: float

    @property
    def uncertainty(self) -> float:
        """One standard deviation of `dimension`."""
        return self.dimension.uncertainty

    @property
    def excess(self) -> float:
        """Decades by which the pattern is broader than the median of its nulls; NaN without nulls."""
        return Judgement(self.sections, self.nulls, self.verdict, self.reason).excess

    @property
    def null_dimension(self) -> Quantity:
        """What the usual slope gives for patterns of one length: mean and standard deviation."""
        slopes = [null.slope_dimension for null in self.nulls] or [math.nan]
        return Quantity(float(np.mean(slopes)), float(np.std(slopes)))

    def __str__(self) -> str:
        low, high = (Quantity(end, math.nan, "m").to("nm") for end in self.interval)
        slope = f"usual slope on sections {self.sections.slope_dimension:.2f}"
        lines = [
            f"D = {self.dimension} (mass), {self.interface_dimension} (interface), boxes {self.sizes[0]}–"
            f"{self.sizes[-1]} voxels",
            f"{slope}; on patterns of one length {float(self.null_dimension):.2f}" if self.nulls else slope,
            f"{self.verdict}: {self.reason}",
            f"full of holes and yet correlated over {self.decades:.2f} decades ({low:.3g}–{high:.3g} nm); "
            f"p = {self.p_value:.3f} of {len(self.nulls)} nulls",
        ]
        return "\n".join(lines if self.nulls else lines[:-1])


def estimate_box_dimension(
    binary: Any, *, voxel_size: float | Sequence[float], seed: int = 0, nulls: int = NULLS
) -> FractalVerdict:
    """Count boxes on a section or a volume, and say whether its pattern is scale-free.

    The slope says little: patterns of one length give any D between 1.6 and 1.8. What tells a mass fractal is that it
    has holes in every box and is still uneven in boxes many times larger. Both lengths are read from boxes
    that glide over the section (of a volume: over sections in three directions) and compared with
    level sets of smoothed noise of the same filling and the same solid length. An object that fills less than
    three quarters of a side is cropped to it before boxes are counted.

    Parameters
    ----------
    binary : (y, x) or (z, y, x); booleans, or 0 and 1 (255), the phase being 1
    voxel_size : edge of a voxel, m; one number, or one an axis, all equal
    seed : of grid origins, bootstrap and nulls
    nulls : how many; p is at least 1/(nulls + 1)

    Raises
    ------
    ValueError
        An array that is no binary section or volume, a phase that is nowhere, one slice called a volume,
        a field under 16 voxels, voxels of unequal edges.
    """
    phase = checked_phase(binary)
    edge = cubic_voxel(voxel_size)
    random = np.random.default_rng(seed).spawn(3)
    whole, sizes = _fitted(phase)
    counted = box_counts(whole, [int(size) for size in sizes], origins=ORIGINS)
    wider = sizes[sizes > 1]  # no box of one voxel holds both phases
    border = box_counts(whole, [int(size) for size in wider], kind="interface")
    spreads = {
        "grid origins": _origin_spread(whole, sizes, random[0]),
        "blocks": _block_spread(whole, sizes, random[1]),
        "range of sizes": _range_spread(sizes, counted.minimum),
    }
    sigma = math.hypot(*spreads.values())
    judged = judge_sections(sections_of(phase), random[2], nulls=nulls)
    boxes = judged.boxes
    return FractalVerdict(
        dimension=Quantity(_slope(sizes, counted.minimum), sigma),
        interface_dimension=Quantity(_slope(wider, np.asarray(border)), sigma),
        sizes=sizes,
        counts=counted.minimum.astype(float),
        local_slopes=-np.gradient(np.log(counted.minimum), np.log(sizes)),
        spreads=spreads,
        sections=boxes,
        nulls=judged.nulls,
        p_value=judged.p_value,
        decades=boxes.breadth,
        interval=(edge * min(boxes.solid, boxes.sizes[-1]), edge * min(boxes.reach, boxes.sizes[-1])),
        verdict=judged.word,
        reason=judged.reason,
        space=phase.ndim,
        voxel_size=edge,
    )


def checked_phase(binary: Any) -> NDArray[np.bool_]:
    """The phase as booleans in memory; refuses what has no phase, no depth, or too few voxels."""
    array = np.asarray(check_binary(binary))
    if 1 in array.shape:
        raise ValueError(
            f"an array of shape {array.shape} came: one slice is a section; pass it as (y, x), as in volume[0]"
        )
    phase = binary_tile(array)
    if not phase.any():
        raise ValueError("the phase is nowhere in this array: no voxel is 1; check threshold and polarity")
    if min(phase.shape) < 16:
        raise ValueError(f"an array of shape {phase.shape} came; 16 voxels a side are the least")
    return phase


def cubic_voxel(voxel_size: float | Sequence[float]) -> float:
    """The edge of a cubic voxel, m; unequal edges are refused, not averaged."""
    edges = np.atleast_1d(np.asarray(voxel_size, float))
    if not (np.all(np.isfinite(edges)) and np.all(edges > 0)):
        raise ValueError(f"voxel_size is {voxel_size!r}; the edge of a voxel in m is expected, as 50e-9")
    if np.ptp(edges) > 0.01 * edges[0]:
        raise ValueError(
            f"voxels of {' × '.join(f'{edge:g}' for edge in edges)} m are not cubes, and boxes would not be: "
            "resample the volume first"
        )
    return float(edges[0])


def sections_of(phase: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """A section as a stack of one; of a volume evenly spaced sections across each axis, at most 1024² each."""
    if phase.ndim == 2:
        return [_centre(phase[None])]
    stacks = []
    for axis in range(phase.ndim):
        # Through the phase: an object much smaller than the field would else be missed.
        filled = _filled(phase, axis)
        at = filled[((np.arange(SECTIONS) + 0.5) * filled.size / SECTIONS).astype(int)]
        stacks.append(_centre(np.moveaxis(np.take(phase, np.unique(at), axis=axis), axis, 0)))
    return stacks


def _centre(stack: NDArray[np.bool_]) -> NDArray[np.bool_]:
    cuts = [
        slice((side - min(side, WINDOW)) // 2, (side + min(side, WINDOW)) // 2) for side in stack.shape[1:]
    ]
    return stack[(slice(None), *cuts)]


def _fitted(phase: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.int_]]:
    """The object and box sizes that tile it: whole divisors where there are three, else powers of two."""
    for axis in range(phase.ndim):
        filled = _filled(phase, axis)
        if filled[-1] + 1 - filled[0] < 0.75 * phase.shape[axis]:
            phase = np.take(phase, np.arange(filled[0], filled[-1] + 1), axis=axis)
    longest = max(phase.shape)
    long = [side for side in phase.shape if side > longest / 8]
    sizes = _spaced([n for n in range(1, longest // 3 + 1) if math.gcd(*long) % n == 0])
    if len(sizes) >= 3:
        return phase, np.array(sizes)
    # A fifth of a side may go, so that boxes of a quarter of it still tile what is left.
    powers = [2**n for n in range(2, 12) if all(2**n <= side / 4 for side in long)]
    largest = max((n for n in powers if all(side // n * n >= 0.8 * side for side in long)), default=4)
    cuts = tuple(slice(0, side // largest * largest or side) for side in phase.shape)
    return phase[cuts], 2 ** np.arange(int(math.log2(largest)) + 1)


def _filled(phase: NDArray[np.bool_], axis: int) -> NDArray[np.int_]:
    """The slices across an axis that hold any of the phase."""
    return np.flatnonzero(phase.any(axis=tuple(a for a in range(phase.ndim) if a != axis)))


def _spaced(divisors: Sequence[int]) -> list[int]:
    kept: list[int] = []
    for size in divisors:
        if not kept or size >= 1.5 * kept[-1]:
            kept.append(size)
    return kept


def _slope(sizes: NDArray[np.int_], counts: Any) -> float:
    """−d ln N/d ln ε by ordinary least squares; NaN where a size has no box at all (a phase without border)."""
    n = np.asarray(counts, float)
    return float(-np.polyfit(np.log(sizes), np.log(n), 1)[0]) if np.all(n > 0) else math.nan


def _covers(phase: NDArray[np.bool_], sizes: NDArray[np.int_]) -> list[NDArray[np.bool_]]:
    """Which boxes of each size, from the first voxel on, hold the phase."""
    whole = tuple(slice(0, side) for side in phase.shape)
    grids = [Grid(int(size), (0,) * phase.ndim) for size in sizes]
    return [parts[0] for _, parts in boxes_of_tile(phase, whole, grids, "mass")]


def _origin_spread(phase: NDArray[np.bool_], sizes: NDArray[np.int_], rng: Generator) -> float:
    """Standard deviation of the slope over shifted grids; the field is rolled, so that no box sticks out."""
    slopes = []
    for _ in range(ORIGINS):
        rolled = np.roll(phase, rng.integers(0, sizes[-1], phase.ndim), tuple(range(phase.ndim)))
        slopes.append(_slope(sizes, [np.count_nonzero(cover) for cover in _covers(rolled, sizes)]))
    return float(np.std(slopes))


def _block_spread(phase: NDArray[np.bool_], sizes: NDArray[np.int_], rng: Generator) -> float:
    """Bootstrap of the slope over blocks, up to four along each axis, all sizes together."""
    covers = _covers(phase, sizes)
    parts = [min(4, side) for side in covers[-1].shape]
    tallies = np.array([_by_block(cover, parts) for cover in covers])
    drawn = rng.multinomial(tallies.shape[1], np.full(tallies.shape[1], 1 / tallies.shape[1]), 200)
    slopes = [_slope(sizes, tallies @ weights) for weights in drawn]
    return float(np.nanstd(slopes))


def _by_block(cover: NDArray[np.bool_], parts: Sequence[int]) -> Array:
    summed = cover.astype(float)
    for axis, count in enumerate(parts):
        edges = np.arange(count) * cover.shape[axis] // count
        summed = np.add.reduceat(summed, edges, axis=axis)
    return summed.ravel()


def _range_spread(sizes: NDArray[np.int_], counts: NDArray[np.int_]) -> float:
    """Half of what the slope moves when the smallest or the largest size is left out."""
    if len(sizes) < 4:
        return 0.0
    return abs(_slope(sizes[1:], counts[1:]) - _slope(sizes[:-1], counts[:-1])) / 2
