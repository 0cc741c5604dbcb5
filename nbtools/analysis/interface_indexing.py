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
from nbtools.analysis.parallel_planes import (
    PARALLEL,
    ParallelPlanes,
    chance_of_alignment,
    line_directions,
    parallel_planes,
    share_of_turnings,
)
from nbtools.cache import cached
from nbtools.physics.crystal_lattice import Structure
from nbtools.units import Quantity

Array = NDArray[np.float64]


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

    def __bool__(self) -> bool:
        """Whether both grains have a solution."""
        return all(self.patterns)

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
    windows: tuple[Any, ...] | None,
    standard: str | None,
    largest_index: int,
    within: float,
) -> InterfaceIndex:
    longest = longest_spacing(known)
    masks: list[Any] = list(windows) if windows is not None else find_grains(plane, size, 2, longest=longest)
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
    lines = [line_directions(pattern.best.match.zone.places) for pattern in patterns]
    chance = chance_of_alignment(crystals, angle, shortest=limits, spacing_product=product)
    return float(chance), float(share_of_turnings(lines[0], lines[1], angle, product))


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
