"""Two crystals across an interface: which planes run along each other, how they fit, and how often chance does that."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbtools.analysis.fft_indexing import (
    PatternIndex,
    Solution,
    index_spots,
    longest_spacing,
    named,
    window_weights,
)
from nbtools.analysis.fft_spots import Spots, find_spots
from nbtools.analysis.grain_windows import find_grains
from nbtools.analysis.image_checks import check_image
from nbtools.cache import cached
from nbtools.models.crystal_lattice import (
    Structure,
    family_name,
    low_index_zones,
    plane_spacing,
    reflections_within,
)
from nbtools.models.stem_image import zone_spots
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


@dataclass(frozen=True)
class InterfaceIndex:
    """What two grains are and how they lie to each other.

    patterns : of each grain; parallel_planes : those within `PARALLEL`, the closest wide planes first
    angles : of each of them, deg; misfit : of the first; chance_probability : that two grains of random low-index
    zones and random turning show a pair as parallel as the first with planes as wide, any of all this image
    resolves; chance_given_zones : the same with the zones as found
    scale, shear : of the image by the standard crystal, by which directions and spacings are corrected
    determined : both grains are; reason : why not; waves : the spots of each grain as they are in the picture
    """

    patterns: tuple[PatternIndex, PatternIndex]
    masks: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    parallel_planes: tuple[ParallelPlanes, ...]
    chance_probability: float
    chance_given_zones: float
    standard: str
    scale: float
    shear: float
    determined: bool
    reason: str
    waves: tuple[Spots, Spots]

    @property
    def solutions(self) -> tuple[Solution, Solution]:
        """The best of each grain, in the order of the masks."""
        return self.patterns[0].best, self.patterns[1].best

    @property
    def angles(self) -> tuple[Quantity, ...]:
        """Between the planes of each parallel pair, deg."""
        return tuple(pair.angle for pair in self.parallel_planes)

    @property
    def misfit(self) -> Quantity:
        """Of the closest pair; not determined where no planes are parallel."""
        return self.parallel_planes[0].misfit if self.parallel_planes else Quantity(np.nan, np.nan)

    def __str__(self) -> str:
        lines = [str(pattern.best) if pattern else pattern.reason for pattern in self.patterns]
        if self.reason:
            lines.append(f"under-determined: {self.reason}")
        if self.standard:
            lines.append(f"{self.standard} as standard: scale {self.scale:.4f}, shear {self.shear:.4f}")
        if not self.parallel_planes:
            return "\n".join([*lines, f"no planes are parallel within {PARALLEL:g} deg"])
        lines += map(str, self.parallel_planes[:3])
        return "\n".join(
            [*lines, f"random low-index zones show such a pair in {self.chance_probability:.1%} of cases"]
        )


def index_interface(
    image: Any,
    pixel_size: float | None = None,
    crystals: Any = (),
    *,
    windows: Sequence[Any] | None = None,
    standard: str | None = None,
    largest_index: int = 3,
    within: float = PARALLEL,
) -> InterfaceIndex:
    """Index both grains of an interface and compare their planes.

    Parameters
    ----------
    image : shape (y, x); pixel_size : m
    crystals : list, or dict by name, of Crystal objects; each grain may be any of them
    windows : two masks; by default the grains are found by their spots
    standard : name of the crystal whose lattice is taken as right and corrects the scan's scale and shear;
        by default MgO if it is one of the two grains, "" for no correction
    largest_index : of the zones tried; within : deg, how far from parallel is still reported

    Raises
    ------
    ImageError
        No image, no scale.
    ValueError
        No crystals, no two grains.
    """
    plane, size = check_image(image, pixel_size)
    known = named(crystals)
    masks = None if windows is None else tuple(np.asarray(window) for window in windows)
    if masks is not None and len(masks) != 2:
        raise ValueError(f"{len(masks)} windows came; an interface has two sides")
    return _indexed_interface(plane, size, known, masks, standard, largest_index, within)


@cached
def _indexed_interface(
    plane: Array,
    size: float,
    known: dict[str, Structure],
    windows: tuple[Array, ...] | None,
    standard: str | None,
    largest_index: int,
    within: float,
) -> InterfaceIndex:
    longest = longest_spacing(known)
    masks = list(windows) if windows is not None else find_grains(plane, size, 2, longest=longest)
    spots = [find_spots(plane, size, window_weights(mask, plane.shape), longest=longest) for mask in masks]
    patterns = [index_spots(one, known, largest_index=largest_index) for one in spots]
    if windows is None and all(patterns):
        order = _in_listed_order(patterns, list(known))
        masks, spots = [masks[i] for i in order], [spots[i] for i in order]
        patterns = [patterns[i] for i in order]
    name = _standard(standard, patterns)
    strain = np.eye(2)
    if name:
        strain = _strain_of(next(p.best for p in patterns if p and p.best.crystal == name))
        corrected = [_unstrained(one, strain) for one in spots]
        patterns = [
            index_spots(one, known, largest_index=largest_index, scale_trust=0.5) for one in corrected
        ]
    if not all(patterns):
        reason = "; ".join(p.reason for p in patterns if not p)
        return _result(patterns, masks, (), np.nan, np.nan, name, strain, reason, spots)
    pairs = parallel_planes(patterns[0].best, patterns[1].best, within=within, corrected=bool(name))
    chance, given = _chances(patterns, pairs, within)
    reason = "; ".join(filter(None, (p.reason for p in patterns)))
    return _result(patterns, masks, pairs, chance, given, name, strain, reason, spots)


def _chances(
    patterns: list[PatternIndex], pairs: tuple[ParallelPlanes, ...], within: float
) -> tuple[float, float]:
    """Of a pair at least as wide as the first and as parallel: exactly so, or within the limit; and given the zones."""
    if not pairs:
        return 1.0, 1.0
    first = pairs[0]
    angle = first.exactness if abs(first.angle) <= first.exactness else within
    product = first.spacings[0] * first.spacings[1]
    crystals = [pattern.best.crystal.structure for pattern in patterns]
    limits = [pattern.information_limit for pattern in patterns]
    lines = [_lines(pattern.best.match.zone.places) for pattern in patterns]
    chance = chance_of_alignment(crystals, angle, shortest=limits, spacing_product=product)
    return chance, _chance(lines[0], lines[1], angle, product)


def _result(
    patterns: list[PatternIndex],
    masks: list[NDArray[np.bool_]],
    pairs: tuple[ParallelPlanes, ...],
    chance: float,
    given: float,
    standard: str,
    strain: Array,
    reason: str,
    waves: list[Spots],
) -> InterfaceIndex:
    off = strain - np.eye(2)
    return InterfaceIndex(
        patterns=(patterns[0], patterns[1]),
        masks=(masks[0], masks[1]),
        parallel_planes=pairs,
        chance_probability=chance,
        chance_given_zones=given,
        standard=standard,
        scale=float(1 + np.trace(off) / 2),
        shear=float(np.hypot(off[0, 0] - off[1, 1], off[0, 1] + off[1, 0])),
        determined=all(pattern.determined for pattern in patterns),
        reason=reason,
        waves=(waves[0], waves[1]),
    )


def _in_listed_order(patterns: list[PatternIndex], names: list[str]) -> list[int]:
    """Grains in the order in which their crystals were listed."""
    return sorted(range(2), key=lambda number: names.index(patterns[number].best.crystal))


def _standard(wanted: str | None, patterns: list[PatternIndex]) -> str:
    """The crystal that corrects the scan: as wanted, else MgO where one grain is surely that."""
    sure = {str(p.best.crystal) for p in patterns if p.determined}
    if wanted is None:
        return next((name for name in sure if name == "MgO"), "")
    if wanted and wanted not in sure:
        found = ", ".join(str(p.best.crystal) for p in patterns if p) or "none"
        raise ValueError(f"the standard is {wanted!r}, and the grains were indexed as {found}")
    return wanted


def _strain_of(solution: Solution) -> Array:
    """Symmetric stretch of the picture: what is left of the fit without its turning."""
    turn = solution.match.turning
    stretch = solution.match.stretch @ turn.T
    return np.asarray((stretch + stretch.T) / 2)


def _unstrained(spots: Spots, strain: Array) -> Spots:
    return spots.moved(spots.wave_vectors @ np.linalg.inv(strain).T)


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
    return tuple(sorted(pairs, key=lambda p: (abs(p.angle) > p.exactness, -p.spacings[0] * p.spacings[1])))


def _seen_lines(solution: Solution) -> list[tuple[tuple[int, int, int], float]]:
    """One reflection of each direction, the first order that was seen, with its fitted direction, deg."""
    match = solution.match
    hkl = np.array([spot.hkl for spot in solution.spots])
    turned = match.zone.places[match.chosen[match.chosen >= 0]] @ match.turning.T
    angles = np.degrees(np.arctan2(-turned[:, 0], turned[:, 1]))
    lines: list[tuple[tuple[int, int, int], float]] = []
    for place in np.argsort(np.hypot(*turned.T), kind="stable"):
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
    numbers = [(m, n) for m in range(1, most + 1) for n in range(1, most + 1)]
    return min(numbers, key=lambda pair: (round(abs(misfit(d1, d2, *pair)), 9), sum(pair)))


def chance_of_alignment(
    crystals: Sequence[Structure],
    angle: float,
    *,
    shortest: float | Sequence[float],
    spacing_product: float = 0.0,
) -> float:
    """How often two grains of random low-index zones, turned at random, show a pair parallel within `angle` (deg).

    Every pair of planes down to `shortest` (m) counts whose spacings' product reaches `spacing_product`
    (m²): that is the look-elsewhere effect. Zones with indices up to 2 weigh as their number. Exact: the
    share of all turnings that lies within `angle` of some pair's.
    """
    limits = np.broadcast_to(np.asarray(shortest, float), 2)
    sides = [_zone_lines(crystal, limit) for crystal, limit in zip(crystals, limits, strict=True)]
    weighted = [
        (count * other, _chance(lines, others, angle, spacing_product))
        for count, lines in sides[0]
        for other, others in sides[1]
    ]
    weights, chances = np.array(weighted).reshape(-1, 2).T
    return float(np.sum(weights * chances) / np.sum(weights)) if weights.sum() else 1.0


def _zone_lines(crystal: Structure, shortest: float) -> list[tuple[int, Array]]:
    """For each family of low-index zones its number and its lines of planes."""
    found, every = [], reflections_within(crystal, shortest)
    for zone, count in zip(*low_index_zones(crystal, CHANCE_INDEX), strict=True):
        lines = _lines(zone_spots(crystal, zone, shortest, among=every)[1])
        if len(lines) > 1:
            found.append((int(count), lines))
    return found


def _lines(places: Array) -> Array:
    """Direction (deg, 0 … 180) and widest spacing (m) of each line of spots, shape (n, 2)."""
    angles = np.round(np.degrees(np.arctan2(-places[:, 0], places[:, 1])) % 180, 3) % 180
    spacings = 1 / np.hypot(*places.T)
    return np.array([(line, spacings[angles == line].max()) for line in np.unique(angles)]).reshape(-1, 2)


def _chance(first: Array, second: Array, angle: float, product: float) -> float:
    """Share of turnings for which some line of the first is within `angle` of one of the second, all in deg."""
    wide = np.multiply.outer(first[:, 1], second[:, 1]) >= product * (1 - 1e-3)
    offsets = np.sort((first[:, None, 0] - second[:, 0])[wide] % 180)
    if not offsets.size:
        return 0.0
    gaps = np.diff(np.append(offsets, offsets[0] + 180))
    return float(np.minimum(gaps, 2 * angle).sum() / 180)
