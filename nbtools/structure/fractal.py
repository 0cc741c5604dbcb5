"""Is a pattern scale-free? Box counts with their spread, and a verdict against patterns of one length."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

import nbtools.structure.model_random_media as random_media
from nbtools.cache import cached
from nbtools.results import NotPossible
from nbtools.structure.box_counting import Grid, Kind, box_counts, boxes_of_tile
from nbtools.structure.model_random_media import gaussian_field, level_set
from nbtools.structure.tiles import binary_tile, check_binary
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
Stack = NDArray[np.bool_]

FULL = 0.9  # filled to this share a box counts as solid: specks of noise do not make holes
LEFT = 0.1  # share of the phase in solid boxes, and of the first unevenness, at which both have died out
EVEN = 0.28  # lacunarity − 1 that is even enough, however sparse the phase: the same at a filling of 0.265
LARGEST = 4  # boxes up to a quarter of the section


@dataclass(frozen=True)
class GlidingBoxes:
    """Curves over the edge of a box that stands at every place of a stack of sections.

    Attributes
    ----------
    sizes : (S,) edges, pixels
    fraction : share f of the phase
    hit : (S,) share of the places where the box holds any of the phase; falls as ε^(2 − D)
    full : (S,) share where it is filled to nine tenths
    lacunarity : (S,) ⟨m²⟩/⟨m⟩² of the mass m in the box; falls as ε^(D − 2) from 1/f to 1
    """

    sizes: NDArray[np.int_]
    fraction: float
    hit: Array
    full: Array
    lacunarity: Array

    @property
    def local_dimensions(self) -> Array:
        """(S,) 2 − d ln hit/d ln ε: the local slope of the mean box count."""
        return np.asarray(2 - np.gradient(np.log(self.hit), np.log(self.sizes)))

    @property
    def slope_dimension(self) -> float:
        """2 minus the ordinary slope of ln hit over all sizes: the number that is usually printed."""
        return float(2 - np.polyfit(np.log(self.sizes), np.log(self.hit), 1)[0])

    @property
    def solid(self) -> float:
        """Edge of the boxes in which a tenth of the phase is still solid, pixels; infinite if no box ends it."""
        if self.fraction >= 1:
            return math.inf
        share = self.full / self.fraction
        if share[0] < LEFT:  # thinner than two pixels: between 1, where all is solid, and the first size
            return _crossing(np.r_[1, self.sizes], np.r_[1.0, share])
        return _crossing(self.sizes, share)

    @property
    def reach(self) -> float:
        """Edge at which the unevenness of filling has died out, pixels; infinite if no box is so large."""
        first = 1 / self.fraction - 1
        if first == 0:
            return float(self.sizes[0])
        return _crossing(self.sizes, (self.lacunarity - 1) * LEFT / min(LEFT * first, EVEN))

    @property
    def breadth(self) -> float:
        """log10 of the range between `solid` and `reach` (or the largest box): full of holes, yet correlated."""
        if math.isinf(self.solid):
            return 0.0
        return float(np.log10(min(self.reach, self.sizes[-1]) / self.solid))

    @property
    def dip(self) -> float:
        """How far the local slope of `hit` falls between two places where it is steeper, over its mean.

        A gap between two lengths; measured up to `reach`.
        """
        slopes = 2 - self.local_dimensions[self.sizes <= min(self.reach, self.sizes[-1])]
        before = np.maximum.accumulate(slopes)
        after = np.maximum.accumulate(slopes[::-1])[::-1]
        return float(np.max(np.minimum(before, after) - slopes) / max(float(slopes.mean()), 1e-9))


def gliding_boxes(stacks: Sequence[Stack]) -> GlidingBoxes:
    """The curves of all sections together; every place where the whole box lies inside counts.

    Parameters
    ----------
    stacks : one or more stacks, (n, y, x) each

    Source: Allain and Cloitre, Phys. Rev. A 44, 3552 (1991) for the gliding box and its lacunarity.
    """
    side = min(min(stack.shape[1:]) for stack in stacks)
    sizes = section_sizes(side)
    moments = np.zeros((4, sizes.size))
    for stack in stacks:
        table = _mass_table(stack)
        for number, size in enumerate(sizes):
            mass = _box_masses(table, int(size))
            solid = np.count_nonzero(mass >= FULL * size**2)
            moments[:, number] += (np.count_nonzero(mass), solid, mass.sum(), np.square(mass).sum())
    places = np.array([sum(_places(stack, int(size)) for stack in stacks) for size in sizes])
    hit, full, first, second = moments / places
    fraction = sum(int(stack.sum()) for stack in stacks) / sum(stack.size for stack in stacks)
    return GlidingBoxes(sizes, fraction, hit, full, second / first**2)


def section_sizes(side: int) -> NDArray[np.int_]:
    """Half octaves from two pixels to a quarter of the side."""
    octaves = np.arange(1, math.log2(max(side / LARGEST, 4)) + 1e-9, 0.5)
    return np.unique(np.round(2**octaves).astype(int))


def _mass_table(stack: Stack) -> NDArray[np.int32]:
    """Sums over all rectangles that start at the first pixel."""
    table = np.zeros((stack.shape[0], stack.shape[1] + 1, stack.shape[2] + 1), np.int32)
    table[:, 1:, 1:] = stack
    np.cumsum(table, axis=1, out=table)
    np.cumsum(table, axis=2, out=table)
    return table


def _box_masses(table: NDArray[np.int32], size: int) -> Array:
    for axis in (1, 2):
        at = _starts(table.shape[axis] - 1, size)
        table = np.take(table, at + size, axis=axis) - np.take(table, at, axis=axis)
    return table.astype(np.float64)


def _starts(side: int, size: int) -> NDArray[np.int_]:
    """Where boxes begin: every quarter of a box, at most 512 a side; closer neighbours say the same."""
    return np.arange(0, side - size + 1, max(1, size // 4, side // 512))


def _places(stack: Stack, size: int) -> int:
    return int(stack.shape[0] * np.prod([_starts(side, size).size for side in stack.shape[1:]]))


def _crossing(sizes: NDArray[np.number], falling: Array) -> float:
    """Where a falling curve first passes `LEFT`, straight in both logarithms; infinite where it does not."""
    below = np.flatnonzero(falling < LEFT)
    if not below.size:
        return math.inf
    at = int(below[0])
    if at == 0:
        return float(sizes[0])
    x, y = np.log(sizes[at - 1 : at + 1]), np.log(np.maximum(falling[at - 1 : at + 1], 1e-9))
    return float(np.exp(x[0] + (math.log(LEFT) - y[0]) / (y[1] - y[0]) * (x[1] - x[0])))


Word = Literal["scale-free", "not scale-free", "cannot tell"]

NULLS = 39  # the fewest with which a rank test reaches p = 0.025
# Set by `study_power`: how much broader than its nulls a pattern must be, in decades, and the dip of the
# local slope above which two lengths far apart would pass for many.
EXCESS, GAP = 0.12, 0.22


@dataclass(frozen=True, repr=False)
class Judgement:
    """Sections, their matched nulls, and what follows.

    Attributes
    ----------
    sections : gliding-box curves of the section(s)
    nulls : the same of each matched pattern of one length
    verdict, reason : what follows, and why
    """

    sections: GlidingBoxes
    nulls: tuple[GlidingBoxes, ...]
    verdict: Word
    reason: str

    @property
    def excess(self) -> float:
        """Decades by which the pattern is broader than the median of its nulls; NaN without nulls."""
        return self.sections.breadth - _middle(self.nulls)

    @property
    def scatter(self) -> float:
        """Standard deviation of the nulls' breadth, decades; NaN without nulls."""
        return float(np.std([null.breadth for null in self.nulls])) if self.nulls else math.nan

    @property
    def p_value(self) -> float:
        """Share of the nulls at least as broad, the pattern itself counted in."""
        return (1 + sum(null.breadth >= self.sections.breadth for null in self.nulls)) / (1 + len(self.nulls))


def judge_sections(stacks: Sequence[NDArray[np.bool_]], rng: Generator, *, nulls: int = NULLS) -> Judgement:
    """The verdict on stacks of sections, against `nulls` matched patterns of one length."""
    boxes = gliding_boxes(stacks)
    compared = _matched_nulls(boxes, stacks, nulls, rng)
    return Judgement(boxes, compared, *_decide(boxes, compared))


def _decide(boxes: GlidingBoxes, nulls: Sequence[GlidingBoxes]) -> tuple[Word, str]:
    if math.isinf(boxes.solid):
        return "not scale-free", "the phase is solid in boxes up to a quarter of the field"
    if not nulls:
        return "cannot tell", "no pattern of one length could be matched to it"
    excess = boxes.breadth - _middle(nulls)
    broader = excess >= EXCESS and sum(null.breadth >= boxes.breadth for null in nulls) <= 0.05 * len(nulls)
    if broader and boxes.dip > GAP:
        return "cannot tell", f"two lengths far apart look alike: the local slope dips by {boxes.dip:.0%}"
    if broader:
        return "scale-free", f"broader than patterns of one length by {excess:.2f} decades"
    room = math.log10(boxes.sizes[-1] / boxes.solid)
    if math.isinf(boxes.reach) and room < _middle(nulls) + EXCESS:
        return "cannot tell", f"the field is too small: {room:.2f} decades lie above the solid length"
    return "not scale-free", f"no broader than patterns of one length ({excess:+z.2f} of {EXCESS} decades)"


def _middle(nulls: Sequence[GlidingBoxes]) -> float:
    return float(np.median([null.breadth for null in nulls])) if nulls else math.nan


def _matched_nulls(
    boxes: GlidingBoxes, stacks: Sequence[NDArray[np.bool_]], count: int, rng: Generator
) -> tuple[GlidingBoxes, ...]:
    """Level sets of one length with the filling and the solid length of the pattern."""
    if math.isinf(boxes.solid) or boxes.fraction >= 1:
        return ()
    length = max(0.4, boxes.solid / 3)
    largest = boxes.sizes[-1] / 2
    for _ in range(2):  # the solid length of a level set goes as its correlation length, but for the grid
        pilot = _one_length(boxes.fraction, stacks, length, rng)
        if math.isfinite(pilot.solid):
            length = float(np.clip(length * boxes.solid / pilot.solid, 0.4, largest))
    return tuple(_one_length(boxes.fraction, stacks, length, rng) for _ in range(count))


def _one_length(
    fraction: float, stacks: Sequence[NDArray[np.bool_]], length: float, rng: Generator
) -> GlidingBoxes:
    made = []
    for stack in stacks:
        fields = [gaussian_field(stack.shape[1:], rng, correlation_length=length) for _ in stack]
        made.append(level_set(np.stack(fields), fraction))
    return gliding_boxes(made)


SECTIONS = 8  # of a volume, in each of its three directions
WINDOW = 1024  # sections are judged on at most this many pixels a side

ORIGINS = 8


def _printed(value: float) -> Quantity:
    """A number without σ, to as many digits as are shown."""
    return Quantity(round(value, 3))


@dataclass(frozen=True, repr=False)
class FractalVerdict(Judgement, StudyResult):
    """Box-counting dimension with its spread, and what the pattern is: the judgement on its section(s).

    Attributes
    ----------
    dimension : ordinary slope of the smallest cover against box size, over all `sizes`; σ as in `spreads`
    interface_dimension : the same for boxes that hold both phases, with its own σ; NaN where there is none
    no_interface : why there is none; empty where there is one
    interface_moves : by how much it moves where the smallest or the largest size is left out
    sizes, counts : (S,) voxels; smallest cover
    spreads : what makes up σ: grid origins, blocks of the field, and the range of sizes
    space : 2 of a section, 3 of a volume
    voxel_size : m
    """

    dimension: Quantity
    interface_dimension: Quantity
    no_interface: str
    interface_moves: float
    sizes: NDArray[np.int_]
    counts: Array
    spreads: dict[str, float]
    space: int
    voxel_size: float

    @property
    def decades(self) -> float:
        """Of `interval`: full of holes and yet correlated."""
        return self.sections.breadth

    @property
    def interval(self) -> tuple[float, float]:
        """Where solid boxes end and where unevenness ends, m."""
        boxes = self.sections
        low, high = (self.voxel_size * float(min(end, boxes.sizes[-1])) for end in (boxes.solid, boxes.reach))
        return low, high

    @property
    def null_dimension(self) -> Quantity:
        """What the usual slope gives for patterns of one length: mean and standard deviation."""
        slopes = [null.slope_dimension for null in self.nulls] or [math.nan]
        return Quantity(float(np.mean(slopes)), float(np.std(slopes)))

    def rows(self) -> list[Row]:
        name = "section" if self.space == 2 else "volume"
        boxes = f"boxes of {self.sizes[0]} to {self.sizes[-1]} voxels, smallest cover"
        rows = [Row("box dimension D", self.dimension, boxes, f"{name}_dimension")]
        if not self.no_interface:
            held = "boxes that hold both phases"
            rows.append(
                Row("D of the interface", self.interface_dimension, held, f"{name}_interface_dimension")
            )
        rows.append(
            Row("usual slope on sections", _printed(self.sections.slope_dimension), "mean over all places")
        )
        if self.nulls:
            matched = f"{len(self.nulls)} level sets of noise, same filling and solid length"
            rows += [
                Row("usual slope of patterns of one length", self.null_dimension, matched),
                Row(
                    "full of holes, yet correlated",
                    Quantity(self.decades, self.scatter),
                    "decades; σ: scatter of the nulls",
                    f"{name}_decades",
                ),
                Row(
                    "broader than one length",
                    Quantity(self.excess, self.scatter),
                    f"decades; {EXCESS:g} are needed",
                ),
                Row("p of one length", Quantity(self.p_value), matched, f"{name}_p_value"),
            ]
        return rows

    def notes(self) -> list[str]:
        low, high = (Quantity(end, math.nan, "m").to("nm") for end in self.interval)
        said = [f"{self.verdict}: {self.reason}"]
        if self.nulls:
            said.append(f"full of holes and yet correlated from {low:.3g} to {high:.3g} nm")
        if self.no_interface:
            said.append(f"no dimension of the interface: {self.no_interface}")
        else:
            said.append(f"D of the interface moves by {self.interface_moves:.2f} with the range of boxes")
        spreads = ", ".join(f"{name} {sigma:.3f}" for name, sigma in self.spreads.items())
        return [*said, f"σ of D from {spreads}"]


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
    NotPossible
        A phase that is nowhere, one slice called a volume, a field under 16 voxels, voxels of unequal edges.
    ValueError
        An array that is no binary section or volume.
    """
    phase = checked_phase(binary)
    edge = cubic_voxel(voxel_size)
    random = np.random.default_rng(seed).spawn(5)
    whole, sizes = _fitted(phase)
    counted = box_counts(whole, [int(size) for size in sizes], origins=ORIGINS).minimum
    spreads = _spreads(whole, sizes, counted, "mass", random[0], random[1])
    wider = sizes[sizes > 1]  # no box of one voxel holds both phases
    border = box_counts(whole, [int(size) for size in wider], kind="interface").counts
    of_border = _spreads(whole, wider, border, "interface", *random[3:])
    moved = of_border.pop(
        "range of sizes"
    )  # its slope rises from one length to the next, which is no scatter
    interface = _exact_if_exact(_slope(wider, border), math.hypot(*of_border.values()))
    no_interface = _why_no_interface(interface, phase.ndim)
    judged = judge_sections(sections_of(phase), random[2], nulls=nulls)
    return FractalVerdict(
        **vars(judged),
        dimension=_exact_if_exact(_slope(sizes, counted), math.hypot(*spreads.values())),
        interface_dimension=Quantity(math.nan) if no_interface else interface,
        no_interface=no_interface,
        interface_moves=moved,
        sizes=sizes,
        counts=counted.astype(float),
        spreads=spreads,
        space=phase.ndim,
        voxel_size=edge,
    )


def _exact_if_exact(value: float, sigma: float) -> Quantity:
    """A count of what fills all boxes has no error but rounding's."""
    return (
        Quantity(round(value, 12), sigma if sigma > 1e-9 else 0.0)
        if math.isfinite(sigma)
        else Quantity(value)
    )


def _why_no_interface(found: Quantity, space: int) -> str:
    """A surface in d dimensions has at least d − 1; what grows more slowly is no surface at these box sizes."""
    if not math.isfinite(found):
        return "no box holds both phases"
    if float(found) + 2 * found.uncertainty < space - 1:
        return (
            f"boxes with both phases fall as ε^−{float(found):.2f}, more slowly than a smooth one's (ε^−{space - 1}): "
            "the pieces are too few or too small for these boxes"
        )
    return ""


def checked_phase(binary: Any) -> NDArray[np.bool_]:
    """The phase as booleans in memory; refuses what has no phase, no depth, or too few voxels."""
    array = np.asarray(check_binary(binary))
    if 1 in array.shape:
        raise NotPossible(
            f"an array of shape {array.shape} came: one slice is a section; pass it as (y, x), as in volume[0]"
        )
    phase = binary_tile(array)
    if not phase.any():
        raise NotPossible("the phase is nowhere in this array: no voxel is 1; check threshold and polarity")
    if min(phase.shape) < 16:
        raise NotPossible(f"an array of shape {phase.shape} came; 16 voxels a side are the least")
    return phase


def cubic_voxel(voxel_size: float | Sequence[float]) -> float:
    """The edge of a cubic voxel, m; unequal edges are refused, not averaged."""
    edges = np.atleast_1d(np.asarray(voxel_size, float))
    if not (np.all(np.isfinite(edges)) and np.all(edges > 0)):
        raise NotPossible(f"voxel_size is {voxel_size!r}; the edge of a voxel in m is expected, as 50e-9")
    if np.ptp(edges) > 0.01 * edges[0]:
        raise NotPossible(
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


def _covers(phase: NDArray[np.bool_], sizes: NDArray[np.int_], kind: Kind) -> list[NDArray[np.bool_]]:
    """Which boxes of each size, from the first voxel on, count."""
    whole = tuple(slice(0, side) for side in phase.shape)
    grids = [Grid(int(size), (0,) * phase.ndim) for size in sizes]
    found = boxes_of_tile(phase, whole, grids, kind)
    return [parts[0] if kind == "mass" else parts[0] & ~parts[1] for _, parts in found]


def _spreads(
    phase: NDArray[np.bool_],
    sizes: NDArray[np.int_],
    counts: NDArray[Any],
    kind: Kind,
    of_origins: Generator,
    of_blocks: Generator,
) -> dict[str, float]:
    """Standard deviations of a slope, by what makes them."""
    return {
        "grid origins": _origin_spread(phase, sizes, kind, of_origins),
        "blocks": _block_spread(phase, sizes, kind, of_blocks),
        "range of sizes": _range_spread(sizes, counts),
    }


def box_slope(phase: NDArray[np.bool_], sizes: Sequence[int]) -> Quantity:
    """D of a phase from boxes of these sizes on one grid, σ from blocks of the field and the range: a quick look.

    Parameters
    ----------
    phase : (y, x) or (z, y, x)
    sizes : edges of the boxes, voxels; NaN where fewer than two are left or the phase is nowhere
    """
    edges = np.asarray(sizes)
    if edges.size < 2 or not phase.any():
        return Quantity(math.nan)
    counts = np.array([np.count_nonzero(cover) for cover in _covers(phase, edges, "mass")])
    blocks = _block_spread(phase, edges, "mass", np.random.default_rng(0))
    return Quantity(_slope(edges, counts), math.hypot(blocks, _range_spread(edges, counts)))


def _origin_spread(phase: NDArray[np.bool_], sizes: NDArray[np.int_], kind: Kind, rng: Generator) -> float:
    """Standard deviation of the slope over shifted grids; the field is rolled, so that no box sticks out."""
    slopes = []
    for _ in range(ORIGINS):
        rolled = np.roll(phase, rng.integers(0, sizes[-1], phase.ndim), tuple(range(phase.ndim)))
        slopes.append(_slope(sizes, [np.count_nonzero(cover) for cover in _covers(rolled, sizes, kind)]))
    return float(np.std(slopes))


def _block_spread(phase: NDArray[np.bool_], sizes: NDArray[np.int_], kind: Kind, rng: Generator) -> float:
    """Bootstrap of the slope over blocks, up to four along each axis, all sizes together."""
    covers = _covers(phase, sizes, kind)
    parts = [min(4, side) for side in covers[-1].shape]
    tallies = np.array([_by_block(cover, parts) for cover in covers])
    drawn = rng.multinomial(tallies.shape[1], np.full(tallies.shape[1], 1 / tallies.shape[1]), 200)
    slopes = [_slope(sizes, tallies @ weights) for weights in drawn]
    known = [slope for slope in slopes if math.isfinite(slope)]
    return float(np.std(known)) if known else math.nan


def _by_block(cover: NDArray[np.bool_], parts: Sequence[int]) -> Array:
    summed = cover.astype(float)
    for axis, count in enumerate(parts):
        edges = np.arange(count) * cover.shape[axis] // count
        summed = np.add.reduceat(summed, edges, axis=axis)
    return summed.ravel()


def _range_spread(sizes: NDArray[np.int_], counts: NDArray[Any]) -> float:
    """Half of what the slope moves when the smallest or the largest size is left out."""
    if len(sizes) < 4:
        return 0.0
    return abs(_slope(sizes[1:], counts[1:]) - _slope(sizes[:-1], counts[:-1])) / 2


Phase = NDArray[np.bool_]
World = Callable[[tuple[int, ...], Generator], Phase]

# Each at 26.5 %, as it is named; lengths in pixels.
WORLDS: Mapping[str, World] = {
    "cascade": lambda shape, rng: random_media.fractal_cascade(shape, rng, inner=2.3),
    "woven cascade": lambda shape, rng: random_media.woven_cascade(shape, rng, inner=4.0),
    "one length": lambda shape, rng: random_media.level_set(
        random_media.gaussian_field(shape, rng, correlation_length=4.0), 0.265
    ),
    "lognormal grains": lambda shape, rng: random_media.lognormal_grains(shape, rng, median_radius=6.0),
    "k⁻³ field": lambda shape, rng: random_media.level_set(
        random_media.power_law_field(shape, rng, band=(4.0, min(shape) / 2)), 0.265
    ),
    "isolated grains": lambda shape, rng: random_media.isolated_grains(shape, rng),
}
FRACTAL = ("cascade", "woven cascade")
POINT_SPREAD, DENOISED = 1.5, 0.8  # pixels


WORDS: tuple[Word, ...] = ("scale-free", "not scale-free", "cannot tell")


@dataclass(frozen=True, repr=False)
class VerdictPower(StudyResult):
    """Excess breadth (decades) and verdict of each seed, by world.

    Attributes
    ----------
    side : pixels of the sections
    excess : (n,) by world
    verdicts : by world
    here : excess of the pattern at hand; NaN without one
    """

    side: int
    excess: dict[str, NDArray[np.float64]]
    verdicts: dict[str, tuple[str, ...]]
    here: float = math.nan

    def share(self, world: str, verdict: str) -> float:
        """How often a world is given this verdict."""
        return self.verdicts[world].count(verdict) / len(self.verdicts[world])

    def rows(self) -> list[Row]:
        rows = []
        for world, excess in self.excess.items():
            shares = ", ".join(f"{word} {100 * self.share(world, word):.0f} %" for word in WORDS)
            spread = Quantity(float(np.nanmean(excess)), float(np.nanstd(excess)))
            rows.append(Row(f"{world}, broader by", spread, f"decades; {shares}"))
        return rows

    def notes(self) -> list[str]:
        seeds = len(next(iter(self.verdicts.values())))
        return [f"{seeds} seeds a world, {self.side}² pixels; from {EXCESS:g} decades on it is scale-free"]


@cached
def estimate_verdict_power(
    *,
    side: int = 256,
    seeds: int = 12,
    contrast_to_noise: float = 3.0,
    nulls: int = NULLS,
    worlds: tuple[str, ...] = tuple(WORLDS),
) -> VerdictPower:
    """Make each world anew for every seed, look at it through an instrument, and judge it.

    Parameters
    ----------
    side : pixels of a section
    seeds : how many, of each world
    contrast_to_noise : of the instrument; infinity is none
    nulls : that each is compared with
    worlds : names of `WORLDS`
    """
    excess, verdicts = {}, {}
    for world in worlds:
        judged = [_judge(world, side, seed, contrast_to_noise, nulls) for seed in range(seeds)]
        excess[world] = np.array([found[0] for found in judged])
        verdicts[world] = tuple(found[1] for found in judged)
    return VerdictPower(side, excess, verdicts)


def _judge(world: str, side: int, seed: int, contrast_to_noise: float, nulls: int) -> tuple[float, str]:
    rng = np.random.default_rng([seed, side, list(WORLDS).index(world)])
    phase = WORLDS[world]((side, side), rng)
    if np.isfinite(contrast_to_noise):
        phase = _look_at(phase, rng, contrast_to_noise)
    if phase.all() or not phase.any():  # a cascade that died out in a small field
        return math.nan, "cannot tell"
    found = judge_sections([phase[None]], rng, nulls=nulls)
    return found.excess, found.verdict


def _look_at(phase: Phase, rng: Generator, contrast_to_noise: float) -> Phase:
    """Blurred, noisy, smoothed a little, cut where as much is left as there was."""
    grey = ndimage.gaussian_filter(phase.astype(np.float32), POINT_SPREAD)
    grey += rng.standard_normal(phase.shape, dtype=np.float32) / np.float32(contrast_to_noise)
    return random_media.level_set(ndimage.gaussian_filter(grey, DENOISED), float(phase.mean()))
