"""Does a phase reach through a volume by itself, how narrow is the way, and how wide the gap to be bridged."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from nbtools.structure.fractal import checked_phase, cubic_voxel
from nbtools.structure.isotropy import AXES
from nbtools.structure.tiles import binary_tile, check_binary
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Mask = NDArray[np.bool_]

UNSURE = 1.0  # voxels by which threshold and point spread may move each surface
STEPS = 10  # of the bisection: a thousandth of the range
SECTIONS = 24
# Distances are taken in slabs of a large volume, and are then known up to this many voxels.
WHOLE = 1 << 24
REACH = 32


@dataclass(frozen=True)
class Clusters:
    """The connected pieces of a phase.

    Attributes
    ----------
    sizes : (C,) voxels of each, largest first
    spanning : (axes, C) whether a piece touches both ends of the array along z, y, x (or y, x)
    """

    sizes: np.ndarray
    spanning: np.ndarray

    @property
    def largest_share(self) -> float:
        """Of the phase, in the largest piece; 0 where there is no phase."""
        return float(self.sizes[0] / self.sizes.sum()) if len(self.sizes) else 0.0

    @property
    def spans(self) -> tuple[bool, ...]:
        """Axis by axis, whether some piece reaches through."""
        return tuple(bool(axis.any()) for axis in self.spanning)


def count_clusters(binary: Any) -> Clusters:
    """The connected pieces of a phase in memory; voxels that share a face hang together."""
    phase = binary_tile(np.asarray(check_binary(binary)))
    labels, count = ndimage.label(phase)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    order = np.argsort(-sizes, kind="stable")
    return Clusters(sizes[order].astype(np.int64), _reaching(labels, count)[:, 1:][:, order])


def spanning_cluster(binary: Any) -> Mask:
    """Mask of the pieces that reach through the array along some axis, to be drawn."""
    labels, count = ndimage.label(binary_tile(np.asarray(check_binary(binary))))
    keep = np.asarray(_reaching(labels, count).any(axis=0))
    return np.asarray(keep[labels])


def _reaching(labels: NDArray[np.int_], count: int) -> Mask:
    """(axes, count + 1) whether each label touches both ends along an axis; what is no piece does not."""
    through: Mask = np.zeros((labels.ndim, count + 1), bool)
    for axis in range(labels.ndim):
        through[axis, np.intersect1d(np.take(labels, 0, axis=axis), np.take(labels, -1, axis=axis))] = True
    through[:, 0] = False
    return through


@dataclass(frozen=True, repr=False)
class Percolation(StudyResult):
    """Whether a phase connects through the volume, with what the resolution leaves open.

    Attributes
    ----------
    spans : whether one and the same piece reaches through along every axis
    clusters : its pieces, and along which axes each of them reaches through
    cluster_fraction : share of the phase in the largest piece
    level : voxels by which every surface must move outwards for one piece to span all axes; below zero, how far it may
        move inwards: half the width of the bottleneck
    dilation_to_span : m, (least, most) width of the gap to be bridged, surfaces moved by one voxel either way
    resolved : whether a gap of two voxels or more is there at the least
    sections_spanning : share of sections through which one piece reaches along both of their axes
    voxel_size : m
    reaches : m, over which a normal metal lets pairs through, by its kind
    """

    spans: bool
    clusters: Clusters
    cluster_fraction: float
    level: float
    dilation_to_span: tuple[float, float]
    resolved: bool
    sections_spanning: float
    voxel_size: float
    reaches: dict[str, Quantity] = field(default_factory=dict)

    @property
    def bottleneck(self) -> float:
        """m; width of the widest way through all axes, 0 where the phase does not span."""
        return max(0.0, -2 * self.level * self.voxel_size)

    @property
    def robust(self) -> bool:
        """Whether spanning, or not, survives a shift of every surface by one voxel."""
        return abs(self.level) > UNSURE

    def gap_against(self, length: float) -> str:
        """The gap beside a length (m): "shorter", "longer", or "cannot resolve"."""
        least, most = self.dilation_to_span
        if most <= length:
            return "shorter"
        return "longer" if self.resolved and least > length else "cannot resolve"

    def rows(self) -> list[Row]:
        how = "face-sharing voxels"
        rows = [
            Row(
                "share in the largest piece",
                Quantity(round(self.cluster_fraction, 3)),
                how,
                "cluster_fraction",
            ),
            Row("one piece spans every axis (1: yes)", Quantity(float(self.spans)), how, "spans"),
            Row("sections that span", Quantity(round(self.sections_spanning, 3)), "one piece, both axes"),
            Row(
                "gap to be bridged, at most",
                Quantity(self.dilation_to_span[1], unit="m"),
                "surfaces moved",
                "gap_at_most",
                "nm",
            ),
        ]
        if self.spans:
            rows.append(
                Row(
                    "bottleneck", Quantity(self.bottleneck, unit="m"), "widest way through all axes", "", "nm"
                )
            )
        for kind, reach in self.reaches.items():
            rows.append(Row(f"reach of a {kind} metal", reach, "ξ_N at 37 K", "", "nm"))
        return rows

    def notes(self) -> list[str]:
        least, most = (1e9 * end for end in self.dilation_to_span)
        bridged = (
            f"between {least:.3g} and {most:.3g} nm" if self.resolved else f"not resolved below {most:.3g} nm"
        )
        said = [
            self.sentence,
            f"gap to be bridged: {bridged}",
            f"this {'stands' if self.robust else 'does not stand'} a shift of every surface by one voxel",
        ]
        for kind, reach in self.reaches.items():
            said.append(f"reach of a {kind} metal against the gap: {self.gap_against(float(reach))}")
        return said

    @property
    def sentence(self) -> str:
        """Along which axes the phase reaches through, and whether it is one piece that does."""
        along = ", ".join(
            n for n, s in zip(AXES[-len(self.clusters.spans) :], self.clusters.spans, strict=True) if s
        )
        pieces = len(self.clusters.sizes)
        if self.spans:
            return f"one of {pieces} pieces reaches through along {along}"
        if all(self.clusters.spans):
            return f"along {along} some piece reaches through, but no single one of {pieces} along all"
        return f"of {pieces} pieces some reach through along {along or 'no axis'}"


def estimate_percolation(binary: Any, *, voxel_size: float | Sequence[float]) -> Percolation:
    """Connect face-sharing voxels of the phase, and find how far its surfaces must move to span, or may.

    It spans where one and the same piece reaches through along every axis. A gap thinner than two voxels is not seen,
    however the threshold is set; nor is a bridge. So where the phase spans, the gap is between 0 and two voxels, not 0.

    Parameters
    ----------
    binary : (y, x) or (z, y, x), of the phase
    voxel_size : edge of a voxel, m; one number, or one an axis, all equal

    Raises
    ------
    NotPossible, ValueError
        As `estimate_box_dimension`.
    """
    phase, edge = checked_phase(binary), cubic_voxel(voxel_size)
    clusters = count_clusters(phase)
    spans = bool(clusters.spanning.all(axis=0).any())
    level = _spanning_level(phase, spans=spans)
    # Beyond what distances in slabs reach to, the gap is only known to be wider.
    most = math.inf if phase.size > WHOLE and level > REACH - UNSURE else level + UNSURE
    widths = (2 * (level - UNSURE), 2 * most)
    return Percolation(
        spans=spans,
        clusters=clusters,
        cluster_fraction=clusters.largest_share,
        level=level,
        dilation_to_span=(edge * max(0.0, widths[0]), edge * max(2 * UNSURE, widths[1])),
        resolved=widths[0] > 0,
        sections_spanning=_sections_spanning(phase),
        voxel_size=edge,
    )


def _spanning_level(phase: Mask, *, spans: bool) -> float:
    """The least shift of the surface, voxels, at which one piece reaches through along every axis.

    The surface lies between two voxels, half a step from either centre. Where the phase spans it is moved inwards, else
    outwards.
    """
    if phase.all():
        return -min(phase.shape) / 2
    away = _distances(phase if spans else ~phase)
    sign = -1 if spans else 1

    def reaches(level: float) -> bool:
        return _spans(away >= 0.5 - level) if spans else _spans(away <= level + 0.5)

    low, high = (-float(away.max()), 0.0) if spans else (0.0, float(away.max()))
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
        if high - low < 0.02:
            break
    return sign * abs(high)


def _distances(inside: Mask) -> NDArray[np.float32]:
    """Of every voxel of a mask from the nearest one outside, voxels, 0 outside; in slabs up to `REACH`."""
    found = np.empty(inside.shape, np.float32)
    slabs = inside.size > WHOLE
    planes = max(2 * REACH, 2 * WHOLE // inside[0].size) if slabs else len(inside)
    for start in range(0, len(inside), planes):
        first, last = max(0, start - REACH), min(len(inside), start + planes + REACH)
        # The places of the nearest take a quarter of the memory that scipy's distances do.
        nearest = ndimage.distance_transform_edt(
            inside[first:last], return_distances=False, return_indices=True
        )
        sides = np.ogrid[tuple(slice(0, side) for side in inside.shape[1:])]
        for plane in range(start, min(start + planes, len(inside))):
            at = nearest[:, plane - first].astype(np.float32)
            squared = (at[0] - (plane - first)) ** 2
            for place, side in zip(at[1:], sides, strict=True):
                squared += (place - side) ** 2
            found[plane] = np.sqrt(squared)
    return np.minimum(found, REACH, out=found) if slabs else found


def _spans(phase: Mask) -> bool:
    """Whether one piece touches both ends along every axis."""
    return bool(_reaching(*ndimage.label(phase)).all(axis=0).any())


def _sections_spanning(phase: Mask) -> float:
    """Of evenly spaced sections across each axis (of a section: itself)."""
    if phase.ndim == 2:
        return float(_spans(phase))
    found = []
    for axis, side in enumerate(phase.shape):
        for at in np.unique(np.linspace(0, side - 1, SECTIONS // 3).astype(int)):
            found.append(_spans(np.take(phase, at, axis=axis)))
    return float(np.mean(found))
