"""Where a crystal's planes end: every column near a boundary is there or not, and a terrace ends on a whole plane."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.analysis.boundary_line import Boundary, find_boundary
from nbtools.analysis.column_presence import Presence, column_presence
from nbtools.analysis.fft_indexing import Solution
from nbtools.analysis.fft_spots import Spots
from nbtools.analysis.image_checks import check_image
from nbtools.analysis.interface_indexing import InterfaceIndex
from nbtools.analysis.stairs import MOST_STEPS, PENALTY, Fit, Stairs, best_cuts
from nbtools.cache import cached
from nbtools.physics.crystal_lattice import plane_spacing
from nbtools.statistics.choice import TIE, first_best, nearest_whole, ranked

Array = NDArray[np.float64]
BIN = 0.1e-9  # m, along the planes, to which a step is placed
MOST_BINS = 400
SHORTEST = 5  # bins of a terrace
PHASES = 8  # places of the cut within one period that are tried
SURPRISE = 25.0  # no single column says more than this, in χ²
STEEPEST = 20.0  # deg, between the planes that terraces follow and the boundary as a whole
NARROWEST = 0.1e-9  # m, of the planes that terraces may follow
SLOPES = np.linspace(-0.36, 0.36, 145)  # of a straight boundary across the planes
# How far a last plane may stand off the others, m: surfaces relax by some picometres.
RELAXATION = 5e-12


@dataclass(frozen=True)
class LastPlanes:
    """Which plane of one grain is the last, along a boundary; lengths in m.

    along : places along the planes; levels : heights at which the grain may end, whole planes apart
    costs : χ² of ending at each level by the columns there, (along, levels)
    spacing : of the planes, the crystal's; stretch : the picture's over it; hkl, crystal : which they are
    origin, tangent : of the line, (y, x), along the planes
    columns : (y, x) of that grain's places near the boundary; shares : how much of each is there; sigmas : of it
    """

    along: Array
    levels: Array
    costs: Array
    spacing: float
    stretch: float
    hkl: tuple[int, int, int]
    crystal: str
    origin: Array
    tangent: Array
    columns: Array
    shares: Array
    sigmas: Array

    @property
    def height(self) -> Array:
        """Of the likeliest last plane at each place, by the columns within half a nanometre."""
        wide = round(0.5e-9 / BIN)
        sums = np.cumsum(np.pad(self.costs, ((wide + 1, wide), (0, 0))), axis=0)
        near = sums[2 * wide + 1 :] - sums[: -2 * wide - 1]
        return np.asarray(self.levels[first_best(near, scale=1.0, axis=1)])

    def places(self, height: ArrayLike | None = None) -> Array:
        """(y, x) in m of the line, or of other heights over it."""
        normal = np.array([self.tangent[1], -self.tangent[0]])
        line = self.stretch * (self.height if height is None else np.asarray(height))
        return np.asarray(self.origin + np.outer(self.along, self.tangent) + np.outer(line, normal))

    def stairs(self, most: int = MOST_STEPS) -> Stairs:
        """For each number of steps the likeliest last planes; without steps also a line across the planes."""
        sums = np.cumsum(np.pad(self.costs, ((1, 0), (0, 0))), axis=0)
        cost = np.min(sums[None, 1:] - sums[:-1, None], axis=2)
        n = len(cost)
        size = np.arange(1, n + 1)[None, :] - np.arange(n)[:, None]
        cost[size < min(SHORTEST, n)] = np.inf
        fits = [self._fit(cuts) for cuts in best_cuts(cost, min(most, n // SHORTEST - 1), scale=1.0)]
        straight = self._straight(np.log(n))
        return Stairs(
            [min(fits[0], straight, key=lambda fit: fit.badness), *fits[1:]], self.along, self.spacing, n
        )

    def _fit(self, cuts: NDArray[np.int64]) -> Fit:
        parts = [part.sum(axis=0) for part in np.split(self.costs, cuts)]
        chosen = np.array([first_best(part, scale=1.0) for part in parts])
        levels, numbers = self.levels[chosen], np.arange(len(self.levels))
        spread = []
        for part, best in zip(parts, chosen, strict=True):
            odds = np.exp(-(part - part[best]) / 2)
            spread.append(float(np.sum(odds * (numbers - best) ** 2) / odds.sum()) * self.spacing**2)
        sigmas = np.sqrt(np.add(spread[1:], spread[:-1]) + 2 * RELAXATION**2)
        lengths = np.diff(np.r_[0, cuts, len(self.along)])
        badness = float(sum(part[best] for part, best in zip(parts, chosen, strict=True)))
        edges = (self.along[cuts] + self.along[cuts - 1]) / 2
        return Fit(edges, levels, 0.0, np.repeat(levels, lengths), 1, badness, sigmas)

    def _straight(self, price: float) -> Fit:
        """A straight boundary that crosses the planes, with the price of its slope."""
        rise = self.along - self.along.mean()
        starts, slopes = np.arange(self.levels[0], self.levels[-1], self.spacing / 4), SLOPES
        for _ in range(3):
            lines = starts[None, :, None] + slopes[:, None, None] * rise
            number = nearest_whole((lines - self.levels[0]) / self.spacing)
            total = self.costs[np.arange(len(rise)), np.clip(number, 0, len(self.levels) - 1)].sum(axis=2)
            slope, start = np.unravel_index(first_best(total, scale=1.0), total.shape)
            line, tilt, badness = lines[slope, start], float(slopes[slope]), float(total.min())
            # Again, four times as finely, around the best.
            fine = np.linspace(-1, 1, 9)
            starts = starts[start] + fine * np.diff(starts)[0]
            slopes = slopes[slope] + fine * np.diff(slopes)[0]
        return Fit(np.zeros(0), line.mean(keepdims=True), tilt, line, 2, badness + 2 * price, np.zeros(0))


def follow_planes(
    image: Any,
    interface: InterfaceIndex,
    pixel_size: float | None = None,
    *,
    planes: ArrayLike | None = None,
    dark: bool = False,
) -> LastPlanes:
    """The last plane of the grain whose planes the terraces follow, from its columns one by one.

    Both lattices are continued over the boundary, and every column of either is fitted at its place as a
    share of what it is inside its grain. Terraces end on whole planes, all at the same place of the period:
    a height is then a number of planes. `find_steps` takes the result as it takes a boundary.

    Parameters
    ----------
    image : shape (y, x), as it was indexed; pixel_size : m
    interface : of `index_interface`
    planes : hkl that the terraces follow; by default those of either grain, within 20° of the boundary, with
        which the fewest steps say where columns end
    dark : whether columns are dark, as in bright field

    Raises
    ------
    ValueError
        A grain without a solution, planes that no grain shows along the boundary.
    """
    plane, size = check_image(image, pixel_size)
    if not interface:
        raise ValueError(f"both grains must be indexed: {interface.reason}")
    wanted = None if planes is None else tuple(int(i) for i in np.asarray(planes).ravel())
    return _followed(plane, size, interface, wanted, dark)


@cached
def _followed(
    plane: Array, size: float, interface: InterfaceIndex, wanted: tuple[int, ...] | None, dark: bool
) -> LastPlanes:
    boundary = find_boundary(plane, size, windows=interface.masks, waves=interface.waves)
    found = column_presence(plane, size, interface, boundary, dark=dark)
    tried = [
        (_badness(line, found, side), line)
        for side, hkl, wave in _candidates(interface, boundary, wanted)
        for line in _lines(found, side, hkl, wave, interface.solutions[side], boundary)
    ]
    if not tried:
        raise ValueError(
            f"no planes {wanted or ''} of either grain run within {STEEPEST:g} deg of the boundary; "
            "name others, or take `find_boundary`"
        )
    # Cuts between the same columns are equal, and so are planes that sort the columns alike.
    return tried[first_best([badness for badness, _ in tried], scale=1.0)][1]


def _badness(line: LastPlanes, found: Presence, side: int) -> float:
    """Criterion of the best stairs, with χ² of the other grain's columns ending along the same stairs, some gap off.

    Both grains' columns count for every choice of planes, so that no grain wins by being hard to see.
    """
    steps = line.stairs().priced(PENALTY)
    other = found.sides != side
    places = found.positions[other] - line.origin
    normal = np.array([line.tangent[1], -line.tangent[0]])
    along, height = places @ line.tangent, places @ normal
    stairs = line.stretch * np.interp(along, steps.along, steps.fitted)
    over = height - stairs
    order = ranked(over, scale=float(np.ptp(over)))
    absent, present = (part[order] for part in _surprise(found.shares[other], found.sigmas[other]))
    below, above = (absent, present) if side else (present, absent)
    ends = np.append(0, np.cumsum(below)) + np.append(np.cumsum(above[::-1])[::-1], 0)
    # Columns of one row end together.
    apart = np.diff(over[order], prepend=-np.inf, append=np.inf) > TIE * np.ptp(over)
    return min(steps.penalties) + float(ends[apart].min())


def _candidates(
    interface: InterfaceIndex, boundary: Boundary, wanted: tuple[int, ...] | None
) -> Iterator[tuple[int, tuple[int, int, int], Array]]:
    """(side, hkl, wave vector in the picture, towards the first grain) of planes along the boundary."""
    for side, (solution, spots) in enumerate(zip(interface.solutions, interface.waves, strict=True)):
        hkl, waves = _seen_planes(solution, spots)
        for number in ranked(np.hypot(*waves.T)):
            wave = waves[number] * (np.sign(waves[number] @ boundary.normal) or 1.0)
            level = wave @ boundary.normal > np.cos(np.radians(STEEPEST)) * np.hypot(*wave)
            same = wanted is None or wanted in (tuple(hkl[number]), tuple(-hkl[number]))
            if level and same and np.hypot(*wave) < 1 / NARROWEST:
                h, k, i = map(int, hkl[number])
                yield side, (h, k, i), wave


def _seen_planes(solution: Solution, spots: Spots) -> tuple[NDArray[np.int64], Array]:
    """hkl (n, 3) of the spots that the solution explains, and where their lattice has them in the picture, 1/m."""
    chosen = solution.match.chosen
    used = np.flatnonzero(chosen >= 0)
    hkl = solution.match.zone.hkl[chosen[used]]
    stretch = np.linalg.lstsq(hkl.astype(float), spots.wave_vectors[used], rcond=None)[0]
    return hkl, hkl @ stretch


def _lines(
    found: Presence,
    side: int,
    hkl: tuple[int, int, int],
    wave: Array,
    solution: Solution,
    boundary: Boundary,
) -> Iterator[LastPlanes]:
    """One grain's columns sorted into planes, for each place of the cut within a period."""
    own = found.sides == side
    columns, shares, sigmas = found.positions[own], found.shares[own], found.sigmas[own]
    normal = wave / np.hypot(*wave)
    tangent = np.array([-normal[1], normal[0]])
    d = float(plane_spacing(solution.crystal.structure, hkl))
    period = (columns - boundary.origin) @ wave
    along = (columns - boundary.origin) @ tangent
    pitch = max(BIN, float(np.ptp(along)) / MOST_BINS)
    rim = (boundary.places()[np.isfinite(boundary.height)] - boundary.origin) @ tangent
    centres = np.arange(rim.min(), rim.max(), pitch)
    place = np.rint((along - centres[0]) / pitch).astype(int)
    inside = (place >= 0) & (place < len(centres))
    absent, present = _surprise(shares, sigmas)
    below, above = (present, absent) if side else (absent, present)
    whole = np.arange(np.floor(period[inside].min()), np.ceil(period[inside].max()) + 1)
    for phase in np.arange(PHASES) / PHASES:
        under = period[inside, None] < whole + phase
        costs = np.zeros((len(centres), len(whole)))
        np.add.at(costs, place[inside], np.where(under, below[inside, None], above[inside, None]))
        yield LastPlanes(
            along=centres,
            levels=(whole + phase) * d,
            costs=costs,
            spacing=d,
            stretch=float(1 / (np.hypot(*wave) * d)),
            hkl=hkl,
            crystal=str(solution.crystal),
            origin=boundary.origin,
            tangent=tangent,
            columns=columns,
            shares=shares,
            sigmas=sigmas,
        )


def _surprise(shares: Array, sigmas: Array) -> tuple[Array, Array]:
    """χ² of each column being absent and being present, over the likelier of the two, and bounded."""
    absent, present = ((shares - state) ** 2 / sigmas**2 for state in (0.0, 1.0))
    likelier = np.minimum(absent, present)
    return np.minimum(absent - likelier, SURPRISE), np.minimum(present - likelier, SURPRISE)
