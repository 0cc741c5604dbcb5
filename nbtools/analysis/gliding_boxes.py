"""What a box finds at every place of a section: hit, full, how unevenly filled; and from that two lengths."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
