"""Where a crystal's planes end: every column near a boundary is there or not, and a terrace ends on a whole plane."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from nbtools.cache import cached
from nbtools.physics.crystal_lattice import family_name, plane_spacing
from nbtools.results import NotPossible
from nbtools.statistics.choice import TIE, first_best, nearest_whole, ranked
from nbtools.stem.boundary import Boundary, find_boundary
from nbtools.stem.columns import LEVEL, column_templates, level_hats, place_columns, refine_columns
from nbtools.stem.image import LatticeImage
from nbtools.stem.indexing import Solution
from nbtools.stem.interface import GrainsStudy, InterfaceIndex, index_interface
from nbtools.stem.spots import Spots
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
# Of the logarithm of the number of independent places, for each step: where it is costs as much as how high.
PENALTY = 3.0
MOST_STEPS = 12


@dataclass(frozen=True)
class Steps:
    """Terraces of a boundary, lengths in m (or in the unit that came).

    count : of steps; positions : along the boundary; heights : of each, up is positive
    penalties : criterion for each number of steps tried, the least is best; fitted : the stairs at `along`
    """

    count: int
    positions: tuple[Quantity, ...]
    heights: tuple[Quantity, ...]
    penalties: tuple[float, ...]
    along: Array
    fitted: Array
    stairs: "Stairs"

    def priced(self, penalty: float) -> "Steps":
        """The steps at another price."""
        return self.stairs.priced(penalty)

    @property
    def mean_height(self) -> Quantity:
        """Of all steps, up or down; with the error of the mean."""
        return (
            Quantity.of(sum(map(abs, self.heights)) / self.count)
            if self.count
            else Quantity(np.nan, np.nan, "m")
        )


@dataclass(frozen=True)
class Fit:
    """Stairs: where the steps are, their heights and the errors of these, the line itself, −2 ln likelihood."""

    edges: Array
    heights: Array
    sigmas: Array
    fitted: Array
    badness: float


@dataclass(frozen=True)
class Stairs:
    """The fits for every number of steps, from which a price of a step chooses (Schwarz's criterion).

    along : places, the logarithm of whose number is the unit of the price
    """

    fits: list[Fit]
    along: Array

    def priced(self, penalty: float) -> Steps:
        """The steps at a price, in logarithms of the independent places."""
        unit = np.log(len(self.along))
        scores = [float(fit.badness + penalty * len(fit.edges) * unit) for fit in self.fits]
        fit = self.fits[first_best(scores, scale=1.0)]
        pitch = float(np.median(np.diff(self.along)))
        return Steps(
            count=len(fit.edges),
            positions=tuple(Quantity(float(edge), pitch, "m") for edge in fit.edges),
            heights=tuple(
                Quantity(float(h), float(s), "m") for h, s in zip(fit.heights, fit.sigmas, strict=True)
            ),
            penalties=tuple(scores),
            along=self.along,
            fitted=fit.fitted,
            stairs=self,
        )


def best_cuts(cost: Array, most: int, scale: float) -> list[NDArray[np.int64]]:
    """Where to cut for 0 … `most` steps at the least sum; of equal places the first.

    cost : of one terrace from place s to place e, shape (n, n); scale : what of it counts, for ties
    """
    best = cost[0]
    origins: list[NDArray[np.int64]] = []
    found = [np.zeros(0, np.int64)]
    for _ in range(most):
        # total[s, e]: the best line up to s, and one terrace from s to e.
        total = np.concatenate([[np.inf], best[:-1]])[:, None] + cost
        origins.append(first_best(total, scale=scale, axis=0))
        best = total.min(axis=0)
        found.append(_traced_back(origins))
    return found


def _traced_back(origins: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    cuts, end = [], len(origins[0]) - 1
    for origin in origins[::-1]:
        start = int(origin[end])
        cuts.append(start)
        end = start - 1
    return np.array(cuts[::-1], np.int64)


REACH = 1.1e-9  # m, to either side of the contours: where columns are asked whether they are there
DEEPEST = 6e-9  # m: columns so near are enough to know the usual one
SURE = 0.5e-9  # m, from the contours: what surely is there, or not
PIECE, OVERLAP = 2.5e-9, 0.3e-9  # m of boundary solved at a time, and how far pieces know of each other
FAINT = 0.05  # of the strongest columns' height
FEWEST = 8  # columns of a kind from which its usual height is taken


@dataclass(frozen=True)
class Presence:
    """Places where either lattice would have a column, and how much of it is there.

    positions : (y, x), m, shape (n, 2); sides : 0 or 1, whose lattice; shares : 1 is as inside the grain; sigmas
    """

    positions: Array
    sides: NDArray[np.int64]
    shares: Array
    sigmas: Array


@dataclass(frozen=True)
class _Sites:
    """Columns that may be there: places in pixels, whose lattice, of which kind, how deep in their own grain (m)."""

    positions: Array
    sides: NDArray[np.int64]
    kinds: NDArray[np.str_]
    depths: Array

    def among(self, chosen: NDArray[np.bool_]) -> "_Sites":
        return _Sites(*(getattr(self, name)[chosen] for name in self.__annotations__))


def column_presence(
    plane: Array, size: float, interface: InterfaceIndex, boundary: Boundary, *, dark: bool = False
) -> Presence:
    """Both lattices, continued over the boundary, fitted column by column to the image.

    Parameters
    ----------
    plane : shape (y, x); size : of a pixel, m
    """
    contour = boundary.places()[np.isfinite(boundary.height)]
    every = _sites(plane.shape, size, interface, contour, dark)
    height, width = _usual_column(plane, every.among((every.depths > REACH) & (every.depths < DEEPEST)))
    sites = every.among(np.abs(every.depths) < REACH)
    pixels = _near(np.argwhere(np.ones(plane.shape, bool)), size, contour, boundary)
    place, along = ((p * size - boundary.origin) @ boundary.tangent for p in (sites.positions, pixels))
    shares, sigmas = np.zeros(len(place)), np.full(len(place), np.inf)
    for start in np.arange(along.min(), along.max(), PIECE):
        near = (along > start - OVERLAP) & (along < start + PIECE + OVERLAP)
        chosen = np.flatnonzero((place > start - OVERLAP) & (place < start + PIECE + OVERLAP))
        templates = height * column_templates(pixels[near], plane.shape, sites.positions[chosen], width)
        found = _solved(plane, pixels[near], templates, interface.waves[0].noise, LEVEL / size)
        own = (place[chosen] >= start) & (place[chosen] < start + PIECE)
        shares[chosen[own]], sigmas[chosen[own]] = (part[own] for part in found)
    scales, spreads = _usual_shares(sites, shares, sigmas)
    shows = scales > FAINT
    shares, sigmas = shares[shows] / scales[shows], sigmas[shows] / scales[shows] * spreads[shows]
    return Presence(sites.positions[shows] * size, sites.sides[shows], shares, sigmas)


def _near(pixels: NDArray[np.int64], size: float, contour: Array, boundary: Boundary) -> NDArray[np.int64]:
    """Those within reach of the contour; first by the straight line, which is quick."""
    height = (pixels * size - boundary.origin) @ boundary.normal
    known = boundary.height[np.isfinite(boundary.height)]
    pixels = pixels[(height > known.min() - REACH) & (height < known.max() + REACH)]
    return pixels[cKDTree(contour).query(pixels * size, distance_upper_bound=REACH)[0] < np.inf]


def _sites(
    shape: tuple[int, ...], size: float, interface: InterfaceIndex, contour: Array, dark: bool
) -> _Sites:
    found = []
    for side, (solution, waves, mask) in enumerate(
        zip(interface.solutions, interface.waves, interface.masks, strict=True)
    ):
        columns = place_columns(solution, waves, np.ones(shape, bool), size, dark=dark)
        away = cKDTree(contour).query(columns.positions * size)[0]
        inside = np.asarray(mask)[tuple(np.rint(columns.positions).astype(int).T)]
        kinds = np.char.add(f"{side} ", columns.elements)
        depths = np.where(inside, away, -away)
        found.append(_Sites(columns.positions, np.full(len(away), side), kinds, depths))
    return _Sites(*(np.concatenate([getattr(s, n) for s in found]) for n in _Sites.__annotations__))


def _usual_column(plane: Array, inside: _Sites) -> tuple[float, float]:
    """Height and r.m.s. radius (pixels) of the kind of columns, well inside its grain, that is fitted best."""
    fit = refine_columns(plane, inside.positions)
    best = (np.inf, 0.0, 1.0)
    for kind in np.unique(inside.kinds):
        seen = (inside.kinds == kind) & fit.converged
        if seen.sum() >= FEWEST:
            sigma, height, width = (
                float(np.median(values[seen])) for values in (fit.uncertainties, fit.amplitudes, fit.widths)
            )
            best = min(best, (sigma, height, width))
    if best[1] == 0.0:
        raise NotPossible("no kind of column could be fitted inside either grain")
    return best[1:]


def _usual_shares(sites: _Sites, shares: Array, sigmas: Array) -> tuple[Array, Array]:
    """Of each column: the share that its kind has inside its grain, and by how much σ is too small."""
    scales, spreads = np.zeros(len(shares)), np.ones(len(shares))
    for kind in np.unique(sites.kinds):
        same = sites.kinds == kind
        here, gone = same & (sites.depths > SURE), same & (sites.depths < -SURE)
        if here.sum() >= FEWEST:
            usual = float(np.median(shares[here]))
            pulls = np.r_[(shares[here] - usual) / sigmas[here], shares[gone] / sigmas[gone]]
            scales[same], spreads[same] = usual, max(1.0, 1.4826 * float(np.median(np.abs(pulls))))
    return scales, spreads


def _solved(
    plane: Array, pixels: NDArray[np.int64], templates: sparse.csc_matrix, noise: float, pitch: float
) -> tuple[Array, Array]:
    """Share of each column and its σ over a slowly varying level; what no pixel tells apart stays near a half."""
    values, level = plane[tuple(pixels.T)], level_hats(pixels, pitch)
    count = templates.shape[1]
    design = sparse.hstack([templates, level]).tocsc()
    prior = noise**2 * np.r_[np.ones(count), np.full(level.shape[1], 1e-9)]
    normal = (design.T @ design).toarray()
    normal[np.diag_indices_from(normal)] += prior
    inverse = np.linalg.inv(normal)
    known = inverse @ (design.T @ values + prior * np.r_[np.full(count, 0.5), np.zeros(level.shape[1])])
    scatter = max(float(np.std(values - design @ known)), 1e-12)
    return known[:count], scatter * np.sqrt(np.diag(inverse)[:count])


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
    others : places along and over the line of the other grain's columns, which end along the same line, some gap off;
        shape (2, m); other_costs : χ² of each lying under its end and over it, (2, m)
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
    others: Array
    other_costs: Array

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
        """For each number of steps the likeliest last planes; without steps also a line across the planes.

        Both grains' columns count: a step of one plane and a slope of one plane part the planes of one grain alike.
        """
        sums = np.cumsum(np.pad(self.costs, ((1, 0), (0, 0))), axis=0)
        cost = np.min(sums[None, 1:] - sums[:-1, None], axis=2)
        n = len(cost)
        size = np.arange(1, n + 1)[None, :] - np.arange(n)[:, None]
        cost[size < min(SHORTEST, n)] = np.inf
        fits = [self._fit(cuts) for cuts in best_cuts(cost, min(most, n // SHORTEST - 1), scale=1.0)]
        straight = self._straight(PENALTY * np.log(n))
        return Stairs([min(fits[0], straight, key=lambda fit: fit.badness), *fits[1:]], self.along)

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
        line = np.repeat(levels, lengths)
        badness = sum(part[best] for part, best in zip(parts, chosen, strict=True))
        badness += self._other_ends(self.others[1] - np.interp(self.others[0], self.along, line))
        edges = (self.along[cuts] + self.along[cuts - 1]) / 2
        return Fit(edges, np.diff(levels), sigmas, line, float(badness))

    def _other_ends(self, over: Array) -> Array:
        """χ² of the other grain's columns, so far over a line, where they end at the best distance from it; (…, m)."""
        order = np.argsort(over, axis=-1, kind="stable")
        under, beyond = self.other_costs[:, order]
        none = np.zeros((*over.shape[:-1], 1))
        ends = np.concatenate([none, np.cumsum(under, axis=-1)], axis=-1)
        ends += np.concatenate([np.cumsum(beyond[..., ::-1], axis=-1)[..., ::-1], none], axis=-1)
        # Columns of one row end together.
        apart = np.diff(np.take_along_axis(over, order, -1), prepend=-np.inf, append=np.inf) > TIE * BIN
        return np.asarray(np.where(apart, ends, np.inf).min(axis=-1))

    def _straight(self, price: float) -> Fit:
        """A straight boundary that crosses the planes; its slope costs as much as a step."""
        rise = self.along - self.along.mean()
        starts, slopes = np.arange(self.levels[0], self.levels[-1], self.spacing / 4), SLOPES
        for _ in range(3):
            lines = starts[None, :, None] + slopes[:, None, None] * rise
            number = nearest_whole((lines - self.levels[0]) / self.spacing)
            total = self.costs[np.arange(len(rise)), np.clip(number, 0, len(self.levels) - 1)].sum(axis=2)
            over = self.others[1] - slopes[:, None] * (self.others[0] - self.along.mean())
            total += self._other_ends(over)[:, None]
            slope, start = np.unravel_index(first_best(total, scale=1.0), total.shape)
            line, badness = lines[slope, start], float(total.min())
            # Again, four times as finely, around the best.
            fine = np.linspace(-1, 1, 9)
            starts = starts[start] + fine * np.diff(starts)[0]
            slopes = slopes[slope] + fine * np.diff(slopes)[0]
        return Fit(np.zeros(0), np.zeros(0), np.zeros(0), line, badness + price)


@cached
def follow_planes(
    image: Array,
    interface: InterfaceIndex,
    pixel_size: float,
    *,
    planes: tuple[int, int, int] | None = None,
    dark: bool = False,
) -> LastPlanes:
    """The last plane of the grain whose planes the terraces follow, from its columns one by one.

    Both lattices are continued over the boundary, and every column of either is fitted at its place as a
    share of what it is inside its grain. Terraces end on whole planes, all at the same place of the period:
    a height is then a number of planes. `find_steps` takes the result as it takes a boundary.

    Parameters
    ----------
    image : shape (y, x), as it was indexed
    pixel_size : m
    interface : of `index_interface`
    planes : hkl that the terraces follow; by default those of either grain, within 20° of the boundary, with
        which the fewest steps say where columns end
    dark : whether columns are dark, as in bright field

    Raises
    ------
    NotPossible
        Planes that no grain shows along the boundary.
    """
    boundary = find_boundary(image, interface.masks, interface.waves, pixel_size)
    found = column_presence(image, pixel_size, interface, boundary, dark=dark)
    tried = [
        (min(line.stairs().priced(PENALTY).penalties), line)
        for side, hkl, wave in _candidates(interface, boundary, planes)
        for line in _lines(found, side, hkl, wave, interface.solutions[side], boundary)
    ]
    if not tried:
        raise NotPossible(
            f"no planes {planes or ''} of a grain whose columns can be fitted run within {STEEPEST:g} deg of the "
            "boundary; name others"
        )
    # Cuts between the same columns are equal, and so are planes that sort the columns alike.
    return tried[first_best([badness for badness, _ in tried], scale=1.0)][1]


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
    absent, present = _surprise(found.shares, found.sigmas)
    # χ² of every column lying under a level where both grains end, and over it: the first grain is above.
    costs_of_columns = np.where(found.sides == 0, (absent, present), (present, absent))
    normal = wave / np.hypot(*wave)
    tangent = np.array([-normal[1], normal[0]])
    d = float(plane_spacing(solution.structure, hkl))
    period = (columns - boundary.origin) @ wave
    along = (columns - boundary.origin) @ tangent
    rim = (boundary.places()[np.isfinite(boundary.height)] - boundary.origin) @ tangent
    pitch = max(BIN, float(np.ptp(rim)) / MOST_BINS)
    centres = np.arange(rim.min(), rim.max(), pitch)
    place = np.rint((along - centres[0]) / pitch).astype(int)
    inside = (place >= 0) & (place < len(centres))
    if not inside.any():  # none of the grain's kinds of columns is there to be seen, inside it either
        return
    stretch = float(1 / (np.hypot(*wave) * d))
    others = (found.positions[~own] - boundary.origin) @ np.array([tangent, normal / stretch]).T
    whole = np.arange(np.floor(period[inside].min()), np.ceil(period[inside].max()) + 1)
    for phase in np.arange(PHASES) / PHASES:
        under = period[inside, None] < whole + phase
        costs = np.zeros((len(centres), len(whole)))
        np.add.at(costs, place[inside], np.where(under, *costs_of_columns[:, own][:, inside, None]))
        yield LastPlanes(
            along=centres,
            levels=(whole + phase) * d,
            costs=costs,
            spacing=d,
            stretch=stretch,
            hkl=hkl,
            crystal=str(solution.crystal),
            origin=boundary.origin,
            tangent=tangent,
            columns=columns,
            shares=shares,
            sigmas=sigmas,
            others=others.T,
            other_costs=costs_of_columns[:, ~own],
        )


def _surprise(shares: Array, sigmas: Array) -> tuple[Array, Array]:
    """χ² of each column being absent and being present, over the likelier of the two, and bounded."""
    absent, present = ((shares - state) ** 2 / sigmas**2 for state in (0.0, 1.0))
    likelier = np.minimum(absent, present)
    return np.minimum(absent - likelier, SURPRISE), np.minimum(present - likelier, SURPRISE)


def find_steps(line: LastPlanes, *, penalty: float = PENALTY, most: int = MOST_STEPS) -> Steps:
    """Steps of a boundary, whole planes each.

    For each number of steps the best stairs are found exactly (dynamic programming); each step costs `penalty`
    logarithms of the places.

    Parameters
    ----------
    line : from `follow_planes`
    penalty : larger finds fewer steps
    most : the largest number tried
    """
    return line.stairs(most).priced(penalty)


@dataclass(frozen=True, repr=False)
class TerracesStudy(StudyResult):
    """Terraces and steps of one boundary.

    Attributes
    ----------
    image : that was studied
    interface : whose boundary it is
    line : which plane is the last, along the boundary
    steps : of it
    """

    image: LatticeImage
    interface: InterfaceIndex
    line: LastPlanes
    steps: Steps

    def rows(self) -> list[Row]:
        key = self.image.key
        rows = [Row("steps", Quantity(float(self.steps.count), 0.0), "best stairs, BIC", f"{key}_steps")]
        if self.steps.count:
            rows.append(
                Row("mean step height", self.steps.mean_height, "whole planes", f"{key}_step_height", "nm")
            )
        for place, height in zip(self.steps.positions, self.steps.heights, strict=True):
            rows.append(
                Row(
                    f"step at {place.to('nm')}",
                    height,
                    f"{height / self.line.spacing:+.0f} planes",
                    shown="nm",
                )
            )
        return rows

    def notes(self) -> list[str]:
        solution = next(s for s in self.interface.solutions if s.crystal == self.line.crystal)
        planes = family_name(solution.structure, self.line.hkl)
        return [
            f"terraces follow {planes} of {self.line.crystal}, {1e9 * self.line.spacing:.4f} nm apart; a step of whole "
            "planes is an assumption of the fit"
        ]


def estimate_terraces(
    grains: GrainsStudy, planes: tuple[int, int, int] | None = None, *, penalty: float = PENALTY
) -> TerracesStudy:
    """Steps of the boundary between the first two grains that are indexed and are neighbours.

    Grains of different crystals come first.

    Parameters
    ----------
    grains : from `estimate_grains`
    planes : hkl that the terraces follow; by default those that explain the columns best
    penalty : price of a step

    Raises
    ------
    NotPossible
        One grain; grains that are not indexed; planes that do not run along the boundary.
    """
    found, image = grains.grains, grains.image
    if len(found) < 2:
        raise NotPossible(f"{image.name} shows one grain, no interface")
    pairs = list(combinations(found.solved, 2))
    if not pairs:
        raise NotPossible("; ".join(p.reason for p in found.patterns if not p))
    names = [pattern.best.crystal if pattern else "" for pattern in found.patterns]
    problems = []
    for pair in sorted(pairs, key=lambda two: names[two[0]] == names[two[1]]):
        interface = index_interface(found, pair)
        try:
            line = follow_planes(image.plane, interface, image.pixel_size, planes=planes, dark=image.dark)
        except NotPossible as reason:
            problems.append(f"{interface.name}: {reason}")
            continue
        return TerracesStudy(image, interface, line, find_steps(line, penalty=penalty))
    raise NotPossible("; ".join(problems))
