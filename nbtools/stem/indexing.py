"""Which crystal, seen along which zone and turned how far, made a lattice image: ranked, with what cannot be told."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nbtools.physics.crystal_lattice import Structure, low_index_zones, plane_spacing, reflections_within
from nbtools.results import NotPossible
from nbtools.statistics.choice import first_best, nearest_whole, ranked
from nbtools.stem.model_image import SPREAD, image_amplitude, zone_spots
from nbtools.stem.spots import DETECTION, Spots, find_spots, hann_window
from nbtools.units import Quantity

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
# How far an image's scale and shape are trusted: standard deviations, and the bounds nothing may pass.
SCALE_SIGMA, SHEAR_SIGMA = 0.01, 0.006
SCALE_BOUND, SHEAR_BOUND = 0.05, 0.035
# A spot's place within the crystal's own imperfection: share of |k|.
IMPERFECTION = 0.002
ENOUGH = 6  # degrees of freedom from which the spots' own scatter is the error of a stretch
UNEXPLAINED, ABSENT = 12.0, 5.0  # cost of a seen spot without an index, of a strong one that is not there
MOST_ABSENT = 8
# Turnings that can bring a lattice onto itself, deg.
SYMMETRIC_TURNINGS = (60, 90, 120, 180, 240, 270, 300)


@dataclass(frozen=True)
class Zone:
    """A zone of a crystal and its spots unrotated: hkl (n, 3), places (y, x) in 1/m, amplitude over 000's."""

    name: str
    uvw: tuple[int, int, int]
    family: tuple[int, int, int]
    hkl: Indices
    places: Array
    amplitudes: Array


@dataclass(frozen=True)
class Match:
    """One zone, turned and stretched onto the spots.

    stretch : (2, 2); a place of the zone is seen at stretch @ place
    chosen : index into the zone's spots for each seen spot, −1 where none fits
    cost : minus the logarithm of the likelihood, prior on the stretch included
    residual : r.m.s. distance of seen and fitted spots, 1/m; covariance : of stretch's four entries
    """

    zone: Zone
    stretch: Array
    chosen: Indices
    cost: float
    residual: float
    covariance: Array

    @property
    def turning(self) -> Array:
        """The rotation in the stretch, (2, 2)."""
        return _turning_part(self.stretch)

    @property
    def rotation(self) -> float:
        """Angle of the turning, rad, counter-clockwise as seen."""
        return float(np.arctan2(self.turning[1, 0], self.turning[0, 0]))

    @property
    def rotation_sigma(self) -> float:
        """Standard deviation of the rotation, rad."""
        c, s = np.cos(self.rotation), np.sin(self.rotation)
        slope = np.array([-s, -c, c, -s]) / 2
        return float(np.sqrt(slope @ self.covariance @ slope))


def candidate_zones(crystals: Mapping[str, Structure], largest: int, shortest: float) -> list[Zone]:
    """Both senses of one of each family of zones with at least two directions of spots above `shortest` (m)."""
    zones = []
    for name, crystal in crystals.items():
        every = reflections_within(crystal, shortest)
        for family in low_index_zones(crystal, largest)[0]:
            for uvw in (family, -family):
                hkl, places = zone_spots(crystal, uvw, shortest, among=every)
                if directions(places) < 2:
                    break
                amplitudes = image_amplitude(crystal, hkl)
                zones.append(Zone(name, _triple(uvw), _triple(family), hkl, places, amplitudes))
    return zones


def _triple(indices: Indices) -> tuple[int, int, int]:
    h, k, i = map(int, indices)
    return h, k, i


def directions(vectors: Array, within: float = 0.03) -> int:
    """How many different directions, ± the same, the vectors have (rad apart); two are as many as are counted."""
    if len(vectors) < 2:
        return len(vectors)
    angles = np.arctan2(vectors[:, 0], vectors[:, 1])
    return 2 if np.any(np.abs(np.sin(angles - angles[0])) > within) else 1


def match_zones(spots: Spots, zones: list[Zone], *, trust: float = 1.0) -> list[Match]:
    """The best turning of every zone that explains at least two directions of spots, the most likely first.

    Where zones explain the spots equally well, as a zone and its opposite do in a mirror-symmetric projection, the
    one that is listed first comes first.

    trust : factor on how far the scale may be off; small for a calibrated image
    """
    found = [match for zone in zones if (match := _best_turn(spots, zone, trust)) is not None]
    return [found[place] for place in ranked([match.cost for match in found], scale=1.0)]


def _best_turn(spots: Spots, zone: Zone, trust: float) -> Match | None:
    """Of the turnings that bring a strong spot onto one of the zone's, three that explain most are fitted."""
    angles, scales = _turns(spots, zone).T
    if not len(angles):
        return None
    cos, sin = scales[:, None] * np.cos(angles)[:, None], scales[:, None] * np.sin(angles)[:, None]
    y, x = zone.places.T
    turned = np.stack([cos * y - sin * x, sin * y + cos * x], axis=-1)
    reach = 0.025 * np.hypot(*spots.wave_vectors.T) + 0.3 / spots.length
    gap = np.linalg.norm(spots.wave_vectors[None, :, None] - turned[:, None], axis=-1).min(axis=-1)
    weights = np.minimum(spots.signals / DETECTION, 6.0)
    score = (np.clip(1 - (gap / reach) ** 2, 0, None) * weights).sum(axis=1)
    fits = [
        _fit(spots, zone, float(angles[place]), float(scales[place]), trust)
        for place in ranked(score, highest=True)[:3]
    ]
    found = [match for match in fits if match is not None]
    return _least_turned(found[first_best([match.cost for match in found], scale=1.0)]) if found else None


def _least_turned(match: Match) -> Match:
    """Of equal turnings the one nearest to 0°, of two opposite ones the positive."""
    equal = sorted(equal_matches(match), key=lambda one: one.rotation < 0)
    return equal[first_best([abs(one.rotation) for one in equal], scale=1.0)]


def equal_matches(match: Match) -> list[Match]:
    """All turnings that the symmetry of the projection makes equal; that by 180° always is, for k and −k are one."""
    found = [match]
    for angle in np.radians(SYMMETRIC_TURNINGS):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        image = _permutation(match.zone, turn)
        if image is not None:
            mixed = np.kron(np.eye(2), turn)
            found.append(
                replace(
                    match,
                    stretch=match.stretch @ turn.T,
                    chosen=np.where(match.chosen < 0, -1, image[match.chosen]),
                    covariance=mixed @ match.covariance @ mixed.T,
                )
            )
    return found


def _permutation(zone: Zone, turn: Array) -> Indices | None:
    """Which spot of the zone each falls on when turned; None where the turned pattern is another."""
    gaps = np.linalg.norm((zone.places @ turn.T)[:, None] - zone.places, axis=-1)
    image = gaps.argmin(axis=1)
    nearest = np.hypot(*zone.places.T).min()
    same = np.abs(zone.amplitudes[image] - zone.amplitudes) < 1e-6
    return image if np.all(gaps.min(axis=1) < 1e-6 * nearest) and np.all(same) else None


def _turns(spots: Spots, zone: Zone) -> Array:
    """Angles and ratios between the strongest seen spots and the zone's of like length, equal ones once, (n, 2)."""
    strong = spots.wave_vectors[:8]
    ratios = np.hypot(*strong.T)[:, None] / np.hypot(*zone.places.T)
    like = np.abs(ratios - 1) < SCALE_BOUND
    turns = np.arctan2(*strong.T[::-1])[:, None] - np.arctan2(*zone.places.T[::-1])
    # In whole hundredths before the turn is closed: 0 and 2π but for rounding are one turning.
    pairs = nearest_whole(100 * np.stack([turns[like], ratios[like]], axis=1))
    pairs[:, 0] %= round(200 * np.pi)
    return np.unique(pairs, axis=0) / 100


def _fit(spots: Spots, zone: Zone, angle: float, scale: float, trust: float) -> Match | None:
    """Stretch by least squares with a prior, spots given to the nearest of the zone; None outside the bounds."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    stretch, covariance = scale * turn, np.zeros((4, 4))
    k = np.hypot(*spots.wave_vectors.T)
    sigma = np.hypot(spots.sigmas, IMPERFECTION * k)
    reach = 0.02 * k + 0.3 / spots.length
    chosen = np.full(len(spots), -1)
    for _ in range(4):
        gaps = np.linalg.norm(spots.wave_vectors[:, None] - zone.places @ stretch.T, axis=-1)
        nearest = gaps.argmin(axis=1)
        chosen = np.where(gaps.min(axis=1) < reach, nearest, -1)
        fitted = np.flatnonzero(chosen >= 0)
        if directions(spots.wave_vectors[fitted]) < 2:
            return None
        turn = _turning_part(stretch)
        stretch, covariance = _stretch(
            zone.places[chosen[fitted]], spots.wave_vectors[fitted], sigma[fitted], turn, trust
        )
        reach = np.maximum(4 * sigma, 0.1 / spots.length)
    strain = stretch @ _turning_part(stretch).T - np.eye(2)
    if abs(np.trace(strain)) / 2 > SCALE_BOUND * trust or _shear(strain) > SHEAR_BOUND:
        return None
    gaps = np.linalg.norm(spots.wave_vectors[:, None] - zone.places @ stretch.T, axis=-1)
    seen = gaps[np.arange(len(spots)), chosen]
    fitted = np.flatnonzero(chosen >= 0)
    chi_square = float(np.sum((seen[fitted] / sigma[fitted]) ** 2))
    cost = 0.5 * chi_square + _prior_cost(strain, trust)
    cost += _unexplained(spots, chosen) + _absent(spots, zone, chosen)
    residual = float(np.sqrt(np.mean(seen[fitted] ** 2)))
    # How imperfect the crystal is, its spots say, where there are some more than the four numbers of the stretch need.
    if (freedom := 2 * len(fitted) - 4) >= ENOUGH:
        covariance = covariance * chi_square / freedom
    return Match(zone, stretch, chosen, cost, residual, covariance)


def _turning_part(stretch: Array) -> Array:
    u, _, vt = np.linalg.svd(stretch)
    return np.asarray(u @ vt)


def _shear(strain: Array) -> float:
    """Largest departure of a right angle: the difference of the principal strains."""
    return float(np.hypot(strain[0, 0] - strain[1, 1], strain[0, 1] + strain[1, 0]))


def _prior_cost(strain: Array, trust: float) -> float:
    scale = np.trace(strain) / 2 / (SCALE_SIGMA * trust)
    return float(0.5 * scale**2 + 0.5 * (_shear(strain) / SHEAR_SIGMA) ** 2)


def _stretch(places: Array, seen: Array, sigma: Array, turn: Array, trust: float) -> tuple[Array, Array]:
    """(1 + ε) · turn, with Gaussian priors on the scale and both shears in ε and none on its turning part."""
    turned = places @ turn.T
    # ε = scale·1 + turning·J + two shears, each one column of the design.
    y, x = turned.T
    design = np.stack([np.r_[y, x], np.r_[-x, y], np.r_[y, -x] / 2, np.r_[x, y] / 2], axis=1)
    weights = 1 / np.r_[sigma, sigma]
    prior = np.diag([1 / (SCALE_SIGMA * trust), 0.0, 1 / SHEAR_SIGMA, 1 / SHEAR_SIGMA])
    left = np.concatenate([design * weights[:, None], prior])
    right = np.concatenate([(seen - turned).T.ravel() * weights, np.zeros(4)])
    covariance = np.linalg.inv(left.T @ left)
    a, b, c, d = covariance @ left.T @ right
    parts = np.array([[[1, 0], [0, 1]], [[0, -1], [1, 0]], [[0.5, 0], [0, -0.5]], [[0, 0.5], [0.5, 0]]])
    strain = np.tensordot([a, b, c, d], parts, 1)
    entries = (parts @ turn).reshape(4, 4)
    return (np.eye(2) + strain) @ turn, entries.T @ covariance @ entries


def _unexplained(spots: Spots, chosen: Indices) -> float:
    """Weak spots may be noise or the neighbour's; strong ones must have an index."""
    excess = np.log(np.maximum(spots.signals[chosen < 0] / DETECTION, 1.0))
    return float(np.sum(np.minimum(4.0 + 2 * excess, UNEXPLAINED)))


def _absent(spots: Spots, zone: Zone, chosen: Indices) -> float:
    """The zone's spots that should be well above the noise and were not seen."""
    fitted = np.flatnonzero(chosen >= 0)
    squares = np.sum(zone.places**2, axis=1)
    ideal = zone.amplitudes * np.exp(-2 * np.pi**2 * SPREAD**2 * squares)
    ratio = np.log(spots.amplitudes[fitted] / np.maximum(ideal[chosen[fitted]], 1e-12))
    # Blur may differ from the assumed: a straight line in k², never rising.
    k2 = squares[chosen[fitted]]
    slope = 0.0
    if len(fitted) > 2 and np.ptp(k2) > 0.1 * k2.max():
        slope = min(float(np.polyfit(k2, ratio, 1)[0]), 2 * np.pi**2 * SPREAD**2)
    expected = ideal * np.exp(np.median(ratio - slope * k2) + slope * squares)
    faintest = float(np.min(spots.amplitudes)) if len(spots) else 0.0
    threshold = max(faintest, float(np.sqrt(DETECTION / np.median(spots.signals / spots.amplitudes**2))))
    seen = np.zeros(len(squares), bool)
    seen[chosen[fitted]] = True
    half = (zone.places[:, 0] > 0) | ((zone.places[:, 0] == 0) & (zone.places[:, 1] > 0))
    mirrored = np.linalg.norm(zone.places[:, None] + zone.places[chosen[fitted]], axis=-1)
    seen |= np.any(mirrored < 1e-3 * np.sqrt(squares.min()), axis=1)
    missing = half & ~seen & (expected > 3 * threshold)
    return ABSENT * min(int(missing.sum()), MOST_ABSENT)


# Likelihood ratio from which a second zone is no rival: e to this power.
CLEAR = 4.0
MOST_SOLUTIONS = 12
EXPLAINED = 0.5  # share of the spots' power that a solution must explain
# Below this the spots are of another crystal: two grains in one window would leave each its half.
LEAST_EXPLAINED = 0.2
WIDEST = 1.2  # of the largest lattice spacing: what varies more slowly is background


@dataclass(frozen=True)
class IndexedSpot:
    """A seen spot and its plane.

    hkl : with the sign that fits the rotation; spacing : as measured, m; direction : of k, deg
    counter-clockwise from x; signal : power over noise
    """

    hkl: tuple[int, int, int]
    spacing: Quantity
    direction: Quantity
    wave_vector: tuple[float, float]
    signal: float


@dataclass(frozen=True)
class Solution:
    """One reading of a pattern.

    crystal, structure : its name, and the crystal itself
    zone : [u v w] towards the viewer, of those that symmetry makes equal the one with a positive first index
    rotation : of the zone's widest net planes' normal, deg counter-clockwise from x; of equal ones the smallest
    spots : those it explains, the strongest first; residual : r.m.s. misplacement over the mean |k|
    scale, shear : of the image against the crystal, as fitted; cost : −ln likelihood, relative to the best
    """

    crystal: str
    structure: Structure
    zone: tuple[int, int, int]
    rotation: Quantity
    spots: tuple[IndexedSpot, ...]
    residual: float
    scale: float
    shear: float
    cost: float
    match: Match

    @property
    def name(self) -> str:
        """``MgO [1 0 0]``."""
        return f"{self.crystal} [{' '.join(map(str, self.zone))}]"


@dataclass(frozen=True)
class PatternIndex:
    """What a pattern can be, the likeliest first.

    solutions : ranked; determined : whether the first alone explains it; reason : why not
    information_limit : the shortest period seen, m; spots : all, indexed or not
    """

    solutions: tuple[Solution, ...]
    determined: bool
    reason: str
    information_limit: float
    spots: Spots

    def __bool__(self) -> bool:
        return bool(self.solutions)

    @property
    def best(self) -> Solution:
        """The first solution."""
        if not self.solutions:
            raise NotPossible(f"the pattern has no solution: {self.reason}")
        return self.solutions[0]


def index_pattern(
    image: Array, pixel_size: float, crystals: Mapping[str, Structure], *, largest_index: int = 3
) -> PatternIndex:
    """The crystal, zone and rotation of a lattice image of one grain, as `check_image` gives it.

    Parameters
    ----------
    image : shape (y, x)
    pixel_size : m
    crystals : by name
    largest_index : of the zones tried
    """
    window = hann_window(image.shape)
    spots = find_spots(image, pixel_size, window, longest=longest_spacing(crystals))
    return index_spots(spots, crystals, largest_index=largest_index)


def longest_spacing(crystals: Mapping[str, Structure]) -> float:
    """A little more than the widest net planes of any of the crystals, m."""
    return WIDEST * max(float(np.max(plane_spacing(crystal, np.eye(3)))) for crystal in crystals.values())


def index_spots(
    spots: Spots, crystals: Mapping[str, Structure], *, largest_index: int = 3, scale_trust: float = 1.0
) -> PatternIndex:
    """As `index_pattern`, from spots that were found already; scale_trust : 1 allows the scale ± 1 % (at most 5 %)."""
    seen = np.hypot(*spots.wave_vectors.T) if len(spots) else np.zeros(0)
    limit = float(1 / seen.max()) if len(seen) else np.nan
    if directions(spots.wave_vectors) < 2:
        reason = f"{len(spots)} spot(s) in one direction above the noise; two directions are needed"
        return PatternIndex((), False, reason, limit, spots)
    zones = candidate_zones(crystals, largest_index, 0.97 * limit)
    matches = _one_a_family(match_zones(spots, zones, trust=scale_trust))
    if not matches:
        names = ", ".join(crystals)
        reason = f"no zone of {names} with indices up to {largest_index} explains two directions of spots"
        return PatternIndex((), False, reason, limit, spots)
    solutions = tuple(_solution(one, matches[0], spots, crystals) for one in matches[:MOST_SOLUTIONS])
    rivals = [one for one in solutions[1:] if one.cost < CLEAR]
    reason = ""
    if rivals:
        listed = ", ".join(one.name for one in rivals)
        reason = f"{listed} explain the spots as well"
    share = float(np.sum(spots.amplitudes[matches[0].chosen >= 0] ** 2) / np.sum(spots.amplitudes**2))
    if share < LEAST_EXPLAINED:
        reason = (
            f"none of {', '.join(crystals)} explains the spots: {solutions[0].name} comes nearest, with {share:.0%} of "
            "their power; name the crystal in CRYSTALS"
        )
        return PatternIndex((), False, reason, limit, spots)
    if share < EXPLAINED:
        reason = (
            f"only {share:.0%} of the spots' power is explained; is the scale right, the window one grain?"
        )
    return PatternIndex(solutions, not reason, reason, limit, spots)


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
        crystal=match.zone.name,
        structure=crystals[match.zone.name],
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
    h, j, i = map(int, match.zone.hkl[match.chosen[place]])
    return IndexedSpot(
        hkl=(h, j, i),
        spacing=Quantity(1 / k, sigma / k**2, "m"),
        direction=Quantity(np.degrees(np.arctan2(-y, x)), np.degrees(sigma / k), "deg"),
        wave_vector=(float(y), float(x)),
        signal=float(spots.signals[place]),
    )
