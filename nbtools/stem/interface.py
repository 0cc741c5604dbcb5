"""Two crystals across an interface: which planes run along each other, how they fit, and how often chance does that."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.cache import cached
from nbtools.physics.crystal_lattice import (
    Structure,
    family_name,
    low_index_zones,
    plane_spacing,
    reflections_within,
)
from nbtools.results import NotPossible
from nbtools.statistics.choice import first_best, ranked
from nbtools.stem.grains import find_grains
from nbtools.stem.image import LatticeImage
from nbtools.stem.indexing import (
    PatternIndex,
    Solution,
    index_spots,
    longest_spacing,
)
from nbtools.stem.model_image import zone_spots
from nbtools.stem.spots import Spots, grain_window, hann_window, power_spectrum
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
PARALLEL = 2.0  # deg within which two sets of planes are called parallel
MULTIPLES = 5  # of planes that are counted until they meet
CHANCE_INDEX = 2  # zones "of low index" among which chance is counted


@dataclass(frozen=True)
class ParallelPlanes:
    """Two sets of planes that run along each other.

    first, second : hkl in each crystal; families : as "MgO {200} ∥ MgB2 {10-10}"
    angle : between their normals, deg, signed counter-clockwise from the first
    spacings : by each crystal's lattice, m; misfit : 2(m d₁ − n d₂)/(m d₁ + n d₂); coincidence : (m, n)
    """

    first: tuple[int, int, int]
    second: tuple[int, int, int]
    crystals: tuple[str, str]
    families: str
    angle: Quantity
    spacings: tuple[float, float]
    coincidence: tuple[int, int]
    misfit: Quantity

    @property
    def exactness(self) -> float:
        """Angle up to which the planes count as exactly parallel, deg."""
        return max(0.3, 3 * self.angle.uncertainty)


def parallel_planes(
    first: Solution, second: Solution, *, within: float = PARALLEL
) -> tuple[ParallelPlanes, ...]:
    """Pairs of seen planes, one of each grain, whose normals are within `within` deg.

    Directions are those of each grain's fitted turning, so every spot of the grain counts, and a scale or shear of
    the scan, which both fits hold, leaves the angle as it is. Pairs that are parallel within the error come first,
    wide planes before narrow ones.
    """
    sigma = float(np.hypot(first.rotation.uncertainty, second.rotation.uncertainty))
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
    d1, d2 = (float(plane_spacing(one.structure, planes)) for one, planes in ((first, hkl), (second, other)))
    m, n = coincidence(d1, d2)
    sigma = float(np.hypot(_scale_sigma(first), _scale_sigma(second)))
    return ParallelPlanes(
        first=hkl,
        second=other,
        crystals=(first.crystal, second.crystal),
        families=" ∥ ".join(
            f"{one.crystal} {family_name(one.structure, planes)}"
            for one, planes in ((first, hkl), (second, other))
        ),
        angle=angle,
        spacings=(d1, d2),
        coincidence=(m, n),
        misfit=Quantity(misfit(d1, d2, m, n), sigma),
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


@dataclass(frozen=True)
class IndexedGrains:
    """What the grains of an image are, in the order in which their crystals were listed, the largest first.

    Attributes
    ----------
    patterns : of each grain, less the scan's distortion where a standard gives it
    masks : where each is, shape (y, x)
    waves : the spots of each, as they are in the picture
    standard : name of the crystal whose lattice was taken as right; empty where nothing was corrected
    scale, shear : of the image by the standard
    crystals : that each grain was compared with, by name
    """

    patterns: tuple[PatternIndex, ...]
    masks: tuple[NDArray[np.bool_], ...]
    waves: tuple[Spots, ...]
    standard: str
    scale: float
    shear: float
    crystals: dict[str, Structure]

    def __len__(self) -> int:
        return len(self.patterns)

    @property
    def solved(self) -> tuple[int, ...]:
        """Numbers of the grains that have a solution."""
        return tuple(number for number, pattern in enumerate(self.patterns) if pattern)

    @property
    def determined(self) -> bool:
        """Whether every grain is, without a rival."""
        return all(pattern.determined for pattern in self.patterns)

    def name(self, number: int) -> str:
        """``MgO [1 0 0]``, or the number of a grain that was not indexed."""
        pattern = self.patterns[number]
        return pattern.best.name if pattern else f"grain {number + 1}, not indexed"


@cached
def index_grains(
    image: Array,
    pixel_size: float,
    crystals: dict[str, Structure],
    *,
    standard: str | None = None,
    largest_index: int = 3,
    count: int | None = None,
) -> IndexedGrains:
    """Find the grains of an image, as `check_image` gives it, and index each.

    Parameters
    ----------
    image : shape (y, x)
    pixel_size : m
    crystals : by name; each grain may be any of them
    standard : name of the crystal whose lattice is taken as right and corrects the scan's scale and shear, where a
        grain is surely that; by default MgO, "" for no correction
    largest_index : of the zones tried
    count : of grains, where it is known

    Raises
    ------
    NotPossible
        No lattice.
    """
    grains = find_grains(image, pixel_size, longest=longest_spacing(crystals), count=count)
    patterns = [index_spots(one, crystals, largest_index=largest_index) for one in grains.spots]
    names = list(crystals)
    order = sorted(
        range(len(grains)), key=lambda n: names.index(patterns[n].best.crystal) if patterns[n] else len(names)
    )
    patterns, waves = [patterns[n] for n in order], [grains.spots[n] for n in order]
    wanted = "MgO" if standard is None else standard
    sure = next((p.best for p in patterns if p.determined and p.best.crystal == wanted), None)
    strain = np.eye(2)
    if sure is not None:
        strain = _strain_of(sure)
        patterns = [
            index_spots(
                one.moved(one.wave_vectors @ np.linalg.inv(strain).T),
                crystals,
                largest_index=largest_index,
                scale_trust=0.5,
            )
            for one in waves
        ]
    off = strain - np.eye(2)
    return IndexedGrains(
        patterns=tuple(patterns),
        masks=tuple(grains.masks[n] for n in order),
        waves=tuple(waves),
        standard=wanted if sure is not None else "",
        scale=float(1 + np.trace(off) / 2),
        shear=float(np.hypot(off[0, 0] - off[1, 1], off[0, 1] + off[1, 0])),
        crystals=crystals,
    )


def _strain_of(solution: Solution) -> Array:
    """Symmetric stretch of the picture: what is left of the fit without its turning."""
    turn = solution.match.turning
    stretch = solution.match.stretch @ turn.T
    return np.asarray((stretch + stretch.T) / 2)


@dataclass(frozen=True)
class InterfaceIndex:
    """How two grains lie to each other.

    Attributes
    ----------
    solutions : of both grains
    masks, waves : of both, as `IndexedGrains` has them
    parallel_planes : pairs within `PARALLEL`, the closest wide planes first
    chance_probability : that two grains of random low-index zones and random turning show a pair as parallel as the
        first with planes as wide, any of all this image resolves
    determined : whether neither grain has a rival
    limits : the shortest period that each grain shows, m
    """

    solutions: tuple[Solution, Solution]
    masks: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    waves: tuple[Spots, Spots]
    parallel_planes: tuple[ParallelPlanes, ...]
    chance_probability: float
    determined: bool
    limits: tuple[float, float]

    @property
    def name(self) -> str:
        """``MgO [1 0 0] | MgB2 [0 0 1]``."""
        return " | ".join(solution.name for solution in self.solutions)


def index_interface(
    grains: IndexedGrains, pair: tuple[int, int] = (0, 1), *, within: float = PARALLEL
) -> InterfaceIndex:
    """Compare the planes of two indexed grains.

    Parameters
    ----------
    grains : from `index_grains`
    pair : numbers of the two
    within : deg, how far from parallel is still reported

    Raises
    ------
    NotPossible
        One of the two is not there or was not indexed.
    """
    if max(pair) >= len(grains):
        found = "one grain" if len(grains) == 1 else f"{len(grains)} grains"
        raise NotPossible(f"{found} in the image, no interface of grains {pair[0] + 1} and {pair[1] + 1}")
    lacking = [f"grain {n + 1}: {grains.patterns[n].reason}" for n in pair if not grains.patterns[n]]
    if lacking:
        raise NotPossible(f"both grains must be indexed; {'; '.join(lacking)}")
    patterns = [grains.patterns[n] for n in pair]
    planes = parallel_planes(patterns[0].best, patterns[1].best, within=within)
    return InterfaceIndex(
        solutions=(patterns[0].best, patterns[1].best),
        masks=(grains.masks[pair[0]], grains.masks[pair[1]]),
        waves=(grains.waves[pair[0]], grains.waves[pair[1]]),
        parallel_planes=planes,
        chance_probability=_chance(patterns, planes, within),
        determined=all(pattern.determined for pattern in patterns),
        limits=(patterns[0].information_limit, patterns[1].information_limit),
    )


def _chance(patterns: list[PatternIndex], pairs: tuple[ParallelPlanes, ...], within: float) -> float:
    """Of a pair at least as wide as the first and as parallel: exactly so, or within the limit."""
    if not pairs:
        return 1.0
    first = pairs[0]
    angle = first.exactness if abs(first.angle) <= first.exactness else within
    crystals = [pattern.best.structure for pattern in patterns]
    limits = [pattern.information_limit for pattern in patterns]
    product = first.spacings[0] * first.spacings[1]
    return float(chance_of_alignment(crystals, angle, shortest=limits, spacing_product=product))


@dataclass(frozen=True, repr=False)
class GrainsStudy(StudyResult):
    """The grains of one image and what they are.

    Attributes
    ----------
    image : that was studied
    grains : found and indexed
    """

    image: LatticeImage
    grains: IndexedGrains

    @property
    def transforms(self) -> list[tuple[Array, float]]:
        """log₁₀ of the power and half width (1/m) of the whole image's transform, and of each grain's."""
        plane, size = self.image.plane, self.image.pixel_size
        windows = [hann_window(plane.shape)]
        windows += [grain_window(mask) for mask in self.grains.masks]
        return [power_spectrum(plane, size, window) for window in windows]

    def rows(self) -> list[Row]:
        key = self.image.key
        rows = [
            Row("grains", Quantity(float(len(self.grains)), 0.0), "Bragg spots of their own", f"{key}_grains")
        ]
        for number in self.grains.solved:
            best = self.grains.patterns[number].best
            how = f"{len(best.spots)} spots within {best.residual:.1%}"
            rows.append(Row(f"{best.name}, turned by", best.rotation, how, shown="deg"))
            widest = max(best.spots, key=lambda spot: float(spot.spacing))
            planes = family_name(best.structure, widest.hkl)
            rows.append(Row(f"{best.crystal} {planes}, spacing", widest.spacing, "its spot", shown="nm"))
        if self.grains.solved and not self.grains.standard:
            best = self.grains.patterns[self.grains.solved[0]].best
            scale = Quantity(best.scale, best.residual)
            rows.append(
                Row(f"scale of the picture by {best.crystal}", scale, "fitted lattice", f"{key}_scale")
            )
        for number, pattern in enumerate(self.grains.patterns):
            if not pattern:
                for k, sigma in zip(pattern.spots.wave_vectors[:3], pattern.spots.sigmas[:3], strict=True):
                    length = float(np.hypot(*k))
                    spacing = Quantity(1 / length, float(sigma) / length**2, "m")
                    label = (
                        f"grain {number + 1}, a spacing at {np.degrees(np.arctan2(-k[0], k[1])) % 180:.1f}°"
                    )
                    rows.append(Row(label, spacing, "its spot, not corrected", shown="nm"))
        return rows

    def notes(self) -> list[str]:
        said = list(self.image.notes)
        if len(self.grains) == 1:
            said.append("one grain, no interface")
        for number, pattern in enumerate(self.grains.patterns):
            if not pattern:
                said.append(f"grain {number + 1} is not indexed: {pattern.reason}")
            elif pattern.reason:
                said.append(f"{pattern.best.name} is under-determined: {pattern.reason}")
        tested = ", ".join(self.grains.crystals)
        if self.grains.standard:
            said.append(
                f"{self.grains.standard} as standard: the scan's scale is {self.grains.scale:.4f}, its shear "
                f"{self.grains.shear:.4f}; compared with {tested}"
            )
        else:
            said.append(f"no standard among the grains: the scan is not corrected; compared with {tested}")
        return said


def estimate_grains(
    image: LatticeImage,
    crystals: "dict[str, Structure]",
    *,
    standard: str | None = None,
    largest_index: int = 3,
) -> GrainsStudy:
    """`index_grains` of a checked image, as a result."""
    found = index_grains(
        image.plane, image.pixel_size, crystals, standard=standard, largest_index=largest_index
    )
    return GrainsStudy(image, found)


@dataclass(frozen=True, repr=False)
class PlanesStudy(StudyResult):
    """Which planes of neighbouring grains run along each other.

    Attributes
    ----------
    image : that was studied
    interfaces : of each pair of indexed grains
    missing : pairs that could not be compared, with the reason
    """

    image: LatticeImage
    interfaces: tuple[InterfaceIndex, ...]
    missing: dict[str, str]

    def chances(self) -> list[tuple[str, Array, Array, float]]:
        """Of each interface with parallel planes: its name, angles (deg), the share of random grains that show planes
        as wide within them, and the angle that was found (deg)."""
        angles, found = np.linspace(0, 3, 31), []
        for interface in self.interfaces:
            if interface.parallel_planes:
                first = interface.parallel_planes[0]
                shares = chance_of_alignment(
                    [solution.structure for solution in interface.solutions],
                    angles,
                    shortest=interface.limits,
                    spacing_product=first.spacings[0] * first.spacings[1],
                )
                found.append((f"as wide as {first.families}", angles, shares, abs(float(first.angle))))
        return found

    def rows(self) -> list[Row]:
        rows = []
        for number, interface in enumerate(self.interfaces, 1):
            end = f"_{number}" if len(self.interfaces) > 1 else ""
            for place, pair in enumerate(interface.parallel_planes[:3]):
                key = f"{self.image.key}{end}" if not place else ""
                m, n = pair.coincidence
                rows.append(
                    Row(
                        pair.families,
                        pair.angle,
                        "angle of the fitted lattices",
                        key and f"{key}_angle",
                        "deg",
                    )
                )
                rows.append(
                    Row(
                        f"misfit of {m}:{n}",
                        pair.misfit,
                        "the crystals' spacings",
                        key and f"{key}_misfit",
                        "%",
                    )
                )
        return rows

    def notes(self) -> list[str]:
        said = []
        for interface in self.interfaces:
            if not interface.parallel_planes:
                said.append(f"{interface.name}: no planes are parallel within {PARALLEL:g}°")
                continue
            said.append(
                f"{interface.name}: random low-index zones show a pair as wide and as parallel in "
                f"{interface.chance_probability:.2g} of cases"
                + ("" if interface.determined else "; a grain has a rival")
            )
        return said + [f"{pair}: {reason}" for pair, reason in self.missing.items()]


def estimate_parallel_planes(grains: GrainsStudy) -> PlanesStudy:
    """Each pair of indexed grains compared.

    Raises
    ------
    NotPossible
        One grain, or none of the pairs is indexed.
    """
    found, missing = [], {}
    pairs = list(combinations(range(len(grains.grains)), 2))
    if not pairs:
        raise NotPossible(f"{grains.image.name} shows one grain, no interface")
    for pair in pairs:
        try:
            found.append(index_interface(grains.grains, pair))
        except NotPossible as reason:
            missing[" | ".join(grains.grains.name(n) for n in pair)] = str(reason)
    if not found:
        raise NotPossible("; ".join(missing.values()))
    return PlanesStudy(grains.image, tuple(found), missing)
