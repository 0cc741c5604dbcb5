"""Planes that run along each other: how they fit, and how often random grains show such a pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.analysis.fft_indexing import Solution
from nbtools.models.stem_image import zone_spots
from nbtools.physics.crystal_lattice import (
    Structure,
    family_name,
    low_index_zones,
    plane_spacing,
    reflections_within,
)
from nbtools.statistics.choice import first_best, ranked
from nbtools.units import Quantity

Array = NDArray[np.float64]
PARALLEL = 2.0  # deg within which two sets of planes are called parallel
MULTIPLES = 5  # of planes that are counted until they meet
# What a spot's direction may be off by the scan's own distortion where no standard corrects it, deg.
UNCORRECTED = 0.35
CHANCE_INDEX = 2  # zones "of low index" among which chance is counted


@dataclass(frozen=True)
class ParallelPlanes:
    """Two sets of planes that run along each other.

    first, second : hkl in each crystal; families : as "MgO {200} ∥ MgB2 {10-10}"
    angle : between their normals, deg, signed counter-clockwise from the first
    spacings : by each crystal's lattice, m; misfit : 2(m d₁ − n d₂)/(m d₁ + n d₂); coincidence : (m, n)
    dislocation_spacing : d₁d₂/|d₁ − d₂|, m
    """

    first: tuple[int, int, int]
    second: tuple[int, int, int]
    crystals: tuple[str, str]
    families: str
    angle: Quantity
    spacings: tuple[float, float]
    coincidence: tuple[int, int]
    misfit: Quantity
    dislocation_spacing: float

    @property
    def exactness(self) -> float:
        """Angle up to which the planes count as exactly parallel, deg."""
        return max(0.3, 3 * self.angle.uncertainty)

    def __str__(self) -> str:
        m, n = self.coincidence
        percent = Quantity(100 * self.misfit, 100 * self.misfit.uncertainty, "%")
        return f"{self.families}: {self.angle} apart, {m}:{n} with {percent} misfit"


def parallel_planes(
    first: Solution, second: Solution, *, within: float = PARALLEL, corrected: bool = True
) -> tuple[ParallelPlanes, ...]:
    """Pairs of seen planes, one of each grain, whose normals are within `within` deg.

    Directions are those of each grain's fitted turning, so every spot of the grain counts. Pairs that are
    parallel within the error come first, wide planes before narrow ones.
    """
    distortion = 0.05 if corrected else UNCORRECTED
    sigma = float(np.hypot(np.hypot(first.rotation.uncertainty, second.rotation.uncertainty), distortion))
    pairs = []
    for hkl, direction in _seen_lines(first):
        for other, angle in _seen_lines(second):
            apart = (angle - direction + 90) % 180 - 90
            if abs(apart) <= within:
                pairs.append(_pair(first, second, hkl, other, Quantity(apart, sigma, "deg")))
    exact = [abs(pair.angle) <= pair.exactness for pair in pairs]
    widest = ranked([pair.spacings[0] * pair.spacings[1] for pair in pairs], highest=True)
    return tuple(pairs[place] for wanted in (True, False) for place in widest if exact[place] is wanted)


def _seen_lines(solution: Solution) -> list[tuple[tuple[int, int, int], float]]:
    """One reflection of each direction, the first order that was seen, with its fitted direction, deg."""
    match = solution.match
    hkl = np.array([spot.hkl for spot in solution.spots])
    turned = match.zone.places[match.chosen[match.chosen >= 0]] @ match.turning.T
    angles = np.degrees(np.arctan2(-turned[:, 0], turned[:, 1]))
    lines: list[tuple[tuple[int, int, int], float]] = []
    for place in ranked(np.hypot(*turned.T)):
        if all(abs((angles[place] - known + 90) % 180 - 90) > 0.2 for _, known in lines):
            h, k, i = map(int, hkl[place])
            lines.append(((h, k, i), float(angles[place])))
    return lines


def _pair(
    first: Solution,
    second: Solution,
    hkl: tuple[int, int, int],
    other: tuple[int, int, int],
    angle: Quantity,
) -> ParallelPlanes:
    d1, d2 = (
        float(plane_spacing(one.crystal.structure, planes)) for one, planes in ((first, hkl), (second, other))
    )
    m, n = coincidence(d1, d2)
    sigma = float(np.hypot(_scale_sigma(first), _scale_sigma(second)))
    return ParallelPlanes(
        first=hkl,
        second=other,
        crystals=(str(first.crystal), str(second.crystal)),
        families=" ∥ ".join(
            f"{one.crystal} {family_name(one.crystal.structure, planes)}"
            for one, planes in ((first, hkl), (second, other))
        ),
        angle=angle,
        spacings=(d1, d2),
        coincidence=(m, n),
        misfit=Quantity(misfit(d1, d2, m, n), sigma),
        dislocation_spacing=d1 * d2 / abs(d1 - d2) if d1 != d2 else np.inf,
    )


def _scale_sigma(solution: Solution) -> float:
    """Relative error of a grain's measured spacings: how far its scale was found from its lattice, and its σ."""
    entries = solution.match.turning.ravel() / 2
    sigma = float(np.sqrt(entries @ solution.match.covariance @ entries))
    return float(np.hypot(solution.scale - 1, sigma))


def misfit(d1: float, d2: float, m: int = 1, n: int = 1) -> float:
    """2(m d₁ − n d₂)/(m d₁ + n d₂)."""
    return 2 * (m * d1 - n * d2) / (m * d1 + n * d2)


def coincidence(d1: float, d2: float, most: int = MULTIPLES) -> tuple[int, int]:
    """m and n up to `most` for which m planes of the first are nearest n of the second."""
    numbers = sorted(((m, n) for m in range(1, most + 1) for n in range(1, most + 1)), key=sum)
    return numbers[first_best([abs(misfit(d1, d2, *pair)) for pair in numbers], scale=1.0)]


def chance_of_alignment(
    crystals: Sequence[Structure],
    angle: ArrayLike,
    *,
    shortest: float | Sequence[float],
    spacing_product: float = 0.0,
) -> Any:
    """How often two grains of random low-index zones, turned at random, show a pair parallel within `angle` (deg).

    Every pair of planes down to `shortest` (m) counts whose spacings' product reaches `spacing_product`
    (m²): that is the look-elsewhere effect. Zones with indices up to 2 weigh as their number. Exact: the
    share of all turnings that lies within `angle` of some pair's.
    """
    limits = np.broadcast_to(np.asarray(shortest, float), 2)
    sides = [_zone_lines(crystal, limit) for crystal, limit in zip(crystals, limits, strict=True)]
    weighted = [
        (count * other, share_of_turnings(lines, others, angle, spacing_product))
        for count, lines in sides[0]
        for other, others in sides[1]
    ]
    if not weighted:
        return np.ones(np.shape(angle))[()]
    weights, chances = (np.array(part, float) for part in zip(*weighted, strict=True))
    return np.tensordot(weights, chances, 1)[()] / weights.sum()


def _zone_lines(crystal: Structure, shortest: float) -> list[tuple[int, Array]]:
    """For each family of low-index zones its number and its lines of planes."""
    found, every = [], reflections_within(crystal, shortest)
    for zone, count in zip(*low_index_zones(crystal, CHANCE_INDEX), strict=True):
        lines = line_directions(zone_spots(crystal, zone, shortest, among=every)[1])
        if len(lines) > 1:
            found.append((int(count), lines))
    return found


def line_directions(places: Array) -> Array:
    """Direction (deg, 0 … 180) and widest spacing (m) of each line of spots, shape (n, 2)."""
    angles = np.round(np.degrees(np.arctan2(-places[:, 0], places[:, 1])) % 180, 3) % 180
    spacings = 1 / np.hypot(*places.T)
    return np.array([(line, spacings[angles == line].max()) for line in np.unique(angles)]).reshape(-1, 2)


def share_of_turnings(first: Array, second: Array, angle: ArrayLike, product: float) -> Any:
    """Share of turnings for which some line of the first is within each `angle` of one of the second, all in deg."""
    wide = np.multiply.outer(first[:, 1], second[:, 1]) >= product * (1 - 1e-3)
    offsets = np.sort((first[:, None, 0] - second[:, 0])[wide] % 180)
    if not offsets.size:
        return np.zeros(np.shape(angle))[()]
    gaps = np.diff(np.append(offsets, offsets[0] + 180))
    return np.minimum(gaps, 2 * np.asarray(angle, float)[..., None]).sum(axis=-1) / 180
