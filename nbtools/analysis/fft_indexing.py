"""Which crystal, seen along which zone and turned how far, made a lattice image: ranked, with what cannot be told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbtools.analysis.fft_spots import Spots, find_spots, grain_window, hann_window
from nbtools.analysis.image_checks import check_image
from nbtools.analysis.zone_match import Match, candidate_zones, directions, match_zones
from nbtools.cache import cached
from nbtools.physics.crystal_lattice import Structure, plane_spacing
from nbtools.units import Quantity

Array = NDArray[np.float64]
# Likelihood ratio from which a second zone is no rival: e to this power.
CLEAR = 4.0
MOST_SOLUTIONS = 12
EXPLAINED = 0.5  # share of the spots' power that a solution must explain
WIDEST = 1.2  # of the largest lattice spacing: what varies more slowly is background


class CrystalName(str):
    """The name under which a crystal was given; `.structure` is the crystal."""

    structure: Structure

    def __new__(cls, name: str, structure: Structure) -> "CrystalName":
        """A string that knows its crystal."""
        self = super().__new__(cls, name)
        self.structure = structure
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (CrystalName, (str(self), self.structure))

    @property
    def name(self) -> str:
        """The plain name."""
        return str(self)


@dataclass(frozen=True)
class IndexedSpot:
    """A seen spot and its plane.

    hkl : with the sign that fits the rotation; spacing : as measured, m; direction : of k, deg
    counter-clockwise from x; signal : power over noise; residual : distance to the fitted place, 1/m
    """

    hkl: tuple[int, int, int]
    spacing: Quantity
    direction: Quantity
    wave_vector: tuple[float, float]
    signal: float
    residual: float

    def __str__(self) -> str:
        return f"({' '.join(map(str, self.hkl))}) d = {self.spacing.to('nm')} at {self.direction}"


@dataclass(frozen=True)
class Solution:
    """One reading of a pattern.

    crystal : its name (with `.structure`); zone : [u v w] towards the viewer, of those that symmetry makes equal
        the one with a positive first index
    rotation : of the zone's widest net planes' normal, deg counter-clockwise from x; of equal ones the smallest
    spots : those it explains, the strongest first; residual : r.m.s. misplacement over the mean |k|
    scale, shear : of the image against the crystal, as fitted; cost : −ln likelihood, relative to the best
    """

    crystal: CrystalName
    zone: tuple[int, int, int]
    rotation: Quantity
    spots: tuple[IndexedSpot, ...]
    residual: float
    scale: float
    shear: float
    cost: float
    match: Match

    def __str__(self) -> str:
        zone = " ".join(map(str, self.zone))
        return (
            f"{self.crystal} [{zone}], {len(self.spots)} spots within {self.residual:.1%}, "
            f"turned {self.rotation}, cost {self.cost:.0f}"
        )


@dataclass(frozen=True)
class PatternIndex:
    """What a pattern can be, the likeliest first.

    solutions : ranked; determined : whether the first alone explains it; reason : why not
    seen : how many spots; information_limit : the shortest period seen, m; spots : all, indexed or not
    """

    solutions: tuple[Solution, ...]
    determined: bool
    reason: str
    seen: int
    information_limit: float
    spots: Spots

    def __bool__(self) -> bool:
        return bool(self.solutions)

    @property
    def best(self) -> Solution:
        """The first solution."""
        if not self.solutions:
            raise ValueError(f"the pattern has no solution: {self.reason}")
        return self.solutions[0]

    @property
    def ambiguous(self) -> tuple[Solution, ...]:
        """Every solution that the best does not exclude."""
        return tuple(one for one in self.solutions if one.cost < CLEAR)

    def __str__(self) -> str:
        head = (
            "determined"
            if self.determined
            else f"{'under-determined' if self else 'not indexed'}: {self.reason}"
        )
        limit = f"{self.seen} spots down to {self.information_limit * 1e9:.3f} nm"
        return "\n".join([f"{head} ({limit})", *(f"  {one}" for one in self.solutions[:4])])


def named(crystals: Any) -> dict[str, Structure]:
    """A dict of crystals from a list, a dict or one; two of one name are told apart by a number."""
    if hasattr(crystals, "lengths"):
        crystals = [crystals]
    if isinstance(crystals, Mapping):
        return dict(crystals)
    if not isinstance(crystals, Iterable) or isinstance(crystals, str):
        raise ValueError(f"crystals came as {crystals!r}; Crystal objects, as of read_crystal, were expected")
    known: dict[str, Structure] = {}
    for crystal in crystals:
        if not hasattr(crystal, "lengths"):
            raise ValueError(f"{crystal!r} is no crystal; read a CIF with read_crystal or take own_crystal")
        name = crystal.name if crystal.name not in known else f"{crystal.name} ({len(known) + 1})"
        known[name] = crystal
    if not known:
        raise ValueError("no crystal came; at least one is needed to index a pattern")
    return known


def index_pattern(
    image: Any,
    pixel_size: float | None = None,
    crystals: Any = (),
    *,
    window: Any = None,
    largest_index: int = 3,
    scale_trust: float = 1.0,
) -> PatternIndex:
    """The crystal, zone and rotation of a lattice image of one grain.

    Parameters
    ----------
    image : shape (y, x); pixel_size : m
    crystals : list, or dict by name, of Crystal objects
    window : a mask of the grain (bool), weights, or None for the whole image under a Hann window
    largest_index : of the zones tried; scale_trust : 1 allows the scale ± 1 % (at most 5 %)

    Raises
    ------
    ImageError
        No image, no scale.
    ValueError
        No crystal.
    """
    plane, size = check_image(image, pixel_size)
    known = named(crystals)
    weights = window_weights(window, plane.shape)
    return _indexed_pattern(plane, size, known, weights, largest_index, scale_trust)


@cached
def _indexed_pattern(
    plane: Array,
    size: float,
    crystals: dict[str, Structure],
    weights: Array,
    largest_index: int,
    scale_trust: float,
) -> PatternIndex:
    spots = find_spots(plane, size, weights, longest=longest_spacing(crystals))
    return index_spots(spots, crystals, largest_index=largest_index, scale_trust=scale_trust)


def longest_spacing(crystals: Mapping[str, Structure]) -> float:
    """A little more than the widest net planes of any of the crystals, m."""
    return WIDEST * max(float(np.max(plane_spacing(crystal, np.eye(3)))) for crystal in crystals.values())


def window_weights(window: Any, shape: tuple[int, ...]) -> Array:
    """The weights of a window: a mask tapers to its rim, None is the whole image."""
    if window is None:
        return hann_window(shape)
    weights = np.asarray(window)
    if weights.shape != shape:
        raise ValueError(f"the window has the shape {weights.shape}, the image {shape}; they must be alike")
    if weights.dtype == bool:
        if not weights.any():
            raise ValueError("the window is empty: no pixel of it is True")
        return grain_window(weights)
    return weights.astype(float)


def index_spots(
    spots: Spots, crystals: Mapping[str, Structure], *, largest_index: int = 3, scale_trust: float = 1.0
) -> PatternIndex:
    """As `index_pattern`, from spots that were found already."""
    seen = np.hypot(*spots.wave_vectors.T) if len(spots) else np.zeros(0)
    limit = float(1 / seen.max()) if len(seen) else np.nan
    if directions(spots.wave_vectors) < 2:
        reason = f"{len(spots)} spot(s) in one direction above the noise; two directions are needed"
        return PatternIndex((), False, reason, len(spots), limit, spots)
    zones = candidate_zones(crystals, largest_index, 0.97 * limit)
    matches = _one_a_family(match_zones(spots, zones, trust=scale_trust))
    if not matches:
        names = ", ".join(crystals)
        reason = f"no zone of {names} with indices up to {largest_index} explains two directions of spots"
        return PatternIndex((), False, reason, len(spots), limit, spots)
    solutions = tuple(_solution(one, matches[0], spots, crystals) for one in matches[:MOST_SOLUTIONS])
    rivals = [one for one in solutions[1:] if one.cost < CLEAR]
    reason = ""
    if rivals:
        listed = ", ".join(f"{one.crystal} [{' '.join(map(str, one.zone))}]" for one in rivals)
        reason = f"{listed} explain the spots as well"
    share = float(np.sum(spots.amplitudes[matches[0].chosen >= 0] ** 2) / np.sum(spots.amplitudes**2))
    if share < EXPLAINED:
        reason = (
            f"only {share:.0%} of the spots' power is explained; is the scale right, the window one grain?"
        )
    return PatternIndex(solutions, not reason, reason, len(spots), limit, spots)


def _one_a_family(matches: list[Match]) -> list[Match]:
    """The best of each crystal and family of zones: the others differ by a symmetry."""
    best: dict[tuple[str, tuple[int, int, int]], Match] = {}
    for match in matches:
        best.setdefault((match.zone.name, match.zone.family), match)
    return list(best.values())


def _solution(match: Match, best: Match, spots: Spots, crystals: Mapping[str, Structure]) -> Solution:
    fitted = np.flatnonzero(match.chosen >= 0)
    strain = match.stretch @ match.turning.T - np.eye(2)
    return Solution(
        crystal=CrystalName(match.zone.name, crystals[match.zone.name]),
        zone=match.zone.uvw,
        rotation=Quantity(np.degrees(match.rotation), np.degrees(match.rotation_sigma), "deg"),
        spots=tuple(_indexed(match, spots, place) for place in fitted.tolist()),
        residual=match.residual / float(np.mean(np.hypot(*spots.wave_vectors[fitted].T))),
        scale=float(1 + np.trace(strain) / 2),
        shear=float(np.hypot(strain[0, 0] - strain[1, 1], strain[0, 1] + strain[1, 0])),
        cost=match.cost - best.cost,
        match=match,
    )


def _indexed(match: Match, spots: Spots, place: int) -> IndexedSpot:
    y, x = spots.wave_vectors[place]
    k, sigma = float(np.hypot(y, x)), float(spots.sigmas[place])
    fitted = match.stretch @ match.zone.places[match.chosen[place]]
    h, j, i = map(int, match.zone.hkl[match.chosen[place]])
    return IndexedSpot(
        hkl=(h, j, i),
        spacing=Quantity(1 / k, sigma / k**2, "m"),
        direction=Quantity(np.degrees(np.arctan2(-y, x)), np.degrees(sigma / k), "deg"),
        wave_vector=(float(y), float(x)),
        signal=float(spots.signals[place]),
        residual=float(np.hypot(y - fitted[0], x - fitted[1])),
    )
