"""Does a phase reach through a volume by itself, how narrow is the way, and how wide the gap to be bridged."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from nbtools.analysis.fractal_verdict import checked_phase, cubic_voxel
from nbtools.analysis.large_volumes import Clusters, count_clusters
from nbtools.analysis.spatial_statistics import AXES, chord_lengths
from nbtools.units import Quantity

Array = NDArray[np.float64]

UNSURE = 1.0  # voxels by which threshold and point spread may move each surface
STEPS = 10  # of the bisection: a thousandth of the range
SECTIONS = 24


@dataclass(frozen=True)
class Percolation:
    """Whether a phase connects through the volume, with what the resolution leaves open.

    Attributes
    ----------
    spans : along every axis; clusters : its pieces, axis by axis
    cluster_fraction : share of the phase in the largest piece
    level : voxels by which every surface must move outwards for the phase to span all axes; below zero, how far
        it may move inwards: half the width of the bottleneck
    dilation_to_span : m, (least, most) width of the gap to be bridged, surfaces moved by one voxel either way
    resolved : whether a gap of two voxels or more is there at the least
    sections_spanning : share of sections through which the phase reaches along both of their axes
    gap : m, mean run of the rest between two runs of the phase
    """

    spans: bool
    clusters: Clusters
    cluster_fraction: float
    level: float
    dilation_to_span: tuple[float, float]
    resolved: bool
    sections_spanning: float
    gap: Quantity
    voxel_size: float

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

    def __str__(self) -> str:
        names = AXES[-len(self.clusters.spans) :]
        along = ", ".join(n for n, s in zip(names, self.clusters.spans, strict=True) if s) or "no axis"
        least, most = (1e9 * end for end in self.dilation_to_span)
        bridged = f"{least:.3g}–{most:.3g} nm" if self.resolved else f"cannot resolve below {most:.3g} nm"
        return (
            f"spans {along}; {100 * self.cluster_fraction:.1f} % of the phase in the largest of "
            f"{len(self.clusters.sizes)} pieces\n"
            f"gap to be bridged: {bridged}; bottleneck {1e9 * self.bottleneck:.3g} nm; "
            f"{'stands' if self.robust else 'does not stand'} a shift of one voxel\n"
            f"sections that span: {100 * self.sections_spanning:.0f} %"
        )


def estimate_percolation(binary: Any, *, voxel_size: float | Sequence[float]) -> Percolation:
    """Connect face-sharing voxels of the phase, and find how far its surfaces must move to span, or may.

    A gap thinner than two voxels is not seen, however the threshold is set; nor is a bridge. So where the phase
    spans, the gap is between 0 and two voxels, not 0.

    Parameters
    ----------
    binary : (y, x) or (z, y, x), of the phase
    voxel_size : edge of a voxel, m; one number, or one an axis, all equal

    Raises
    ------
    ValueError
        As `estimate_box_dimension`.
    """
    phase, edge = checked_phase(binary), cubic_voxel(voxel_size)
    clusters = count_clusters(phase)
    level = _spanning_level(phase)
    widths = (2 * (level - UNSURE), 2 * (level + UNSURE))
    gap = math.nan
    if not phase.all():
        runs = np.concatenate([chord_lengths(~phase, axis=axis) for axis in range(phase.ndim)])
        gap = edge * float(np.mean(runs)) if runs.size else math.nan
    return Percolation(
        spans=all(clusters.spans),
        clusters=clusters,
        cluster_fraction=clusters.largest_share,
        level=level,
        dilation_to_span=(edge * max(0.0, widths[0]), edge * max(2 * UNSURE, widths[1])),
        resolved=2 * level >= 2 * UNSURE and widths[0] > 0,
        sections_spanning=_sections_spanning(phase),
        gap=Quantity(gap, math.nan, "m"),
        voxel_size=edge,
    )


def _spanning_level(phase: NDArray[np.bool_]) -> float:
    """The least shift of the surface, voxels, at which one piece reaches through along every axis."""
    if phase.all():
        return -min(phase.shape) / 2
    signed = ndimage.distance_transform_edt(~phase) - ndimage.distance_transform_edt(phase)
    # The surface lies between two voxels, half a step from either centre.
    signed = np.where(signed > 0, signed - 0.5, signed + 0.5).astype(np.float32)
    low, high = float(signed.min()), float(signed.max())
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if _spans(signed <= middle) else (middle, high)
    return high


def _spans(phase: NDArray[np.bool_]) -> bool:
    labels, _ = ndimage.label(phase)
    for axis in range(phase.ndim):
        first, last = (np.unique(np.take(labels, end, axis=axis)) for end in (0, -1))
        if not np.intersect1d(first, last)[-1:].any():
            return False
    return True


def _sections_spanning(phase: NDArray[np.bool_]) -> float:
    """Of evenly spaced sections across each axis (of a section: itself)."""
    if phase.ndim == 2:
        return float(_spans(phase))
    found = []
    for axis, side in enumerate(phase.shape):
        for at in np.unique(np.linspace(0, side - 1, SECTIONS // 3).astype(int)):
            found.append(_spans(np.take(phase, at, axis=axis)))
    return float(np.mean(found))
