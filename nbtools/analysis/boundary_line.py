"""The line between two grains, to a part of a pixel: how much of each lattice is present where."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from nbtools.analysis.fft_spots import Spots, find_spots, grain_window, smoothed
from nbtools.analysis.grain_windows import find_grains
from nbtools.analysis.image_checks import check_image
from nbtools.cache import cached

Array = NDArray[np.float64]
RESOLUTION = 0.3e-9  # m, r.m.s. of the window in which the presence of a lattice is fitted
STEP = 0.1e-9  # m, between places along the boundary
REACH = 3.0e-9  # m, to either side of it
BOTH_SIDES = 1.6e-9  # m, where on either side its own grain must be


@dataclass(frozen=True)
class Boundary:
    """The interface of two grains as lines over a straight one, lengths in m.

    along : places along it; height : half way between the two contours, towards the first grain
    first, second : where half of the first and of the second lattice is left; NaN where it is not crossed
    widths : r.m.s. widths of both falls, the window's own taken off, medians; spread : of a difference of contours
    correlation : length over which neighbouring places know the same pixels
    origin, tangent : of the straight line, (y, x): a place is origin + along·tangent + height·normal
    presence : (2, y, x), how much of each lattice is where
    across, profiles : the same on lines across the boundary, (n,) and (2, along, n)
    """

    along: Array
    height: Array
    first: Array
    second: Array
    widths: tuple[float, float]
    correlation: float
    resolution: float
    origin: Array
    tangent: Array
    presence: Array
    pixel_size: float
    across: Array
    profiles: Array

    @property
    def normal(self) -> Array:
        """Across the line, towards the first grain, (y, x)."""
        return np.array([self.tangent[1], -self.tangent[0]])

    @property
    def angle(self) -> float:
        """Of the line, deg counter-clockwise from x."""
        return float(np.degrees(np.arctan2(-self.tangent[0], self.tangent[1])))

    def places(self, height: Array | None = None) -> Array:
        """(y, x) in m of the line, or of one of the contours."""
        line = self.height if height is None else height
        return np.asarray(self.origin + np.outer(self.along, self.tangent) + np.outer(line, self.normal))

    def profile(self, side: int) -> tuple[Array, Array]:
        """Across the boundary and the mean share of one lattice there, each line moved by its own height."""
        known = np.isfinite(self.height)
        moved = [
            np.interp(self.across, self.across - height, share)
            for height, share in zip(self.height[known], self.profiles[side][known], strict=True)
        ]
        return self.across, np.mean(moved, axis=0)

    def of(self, side: int) -> "tuple[Array, Array]":
        """(along, contour) of one grain, where it is known."""
        line = (self.first, self.second)[side]
        known = np.isfinite(line)
        return self.along[known], line[known]


def find_boundary(
    image: Any,
    pixel_size: float | None = None,
    *,
    windows: Sequence[Any] | None = None,
    waves: Sequence[Spots] | None = None,
    resolution: float = RESOLUTION,
) -> Boundary:
    """The line between two grains.

    Each grain's waves, continued over the whole image, are one pattern each; within a Gaussian window the
    image is fitted as a share of the one, a share of the other and a constant. A grain is taken to end
    where half of its share is left.

    Parameters
    ----------
    image : shape (y, x); pixel_size : m
    windows : masks of the two grains; by default found by their spots
    waves : of each grain, as in `InterfaceIndex.waves`; by default found in the windows
    resolution : r.m.s. of the window, m
    """
    plane, size = check_image(image, pixel_size)
    masks = None if windows is None else tuple(np.asarray(window, bool) for window in windows)
    if masks is not None and len(masks) != 2:
        raise ValueError(f"{len(masks)} windows came; a boundary has two sides")
    return _found(plane, size, masks, None if waves is None else tuple(waves), resolution)


@cached
def _found(
    plane: Array,
    size: float,
    windows: tuple[NDArray[np.bool_], ...] | None,
    waves: tuple[Spots, ...] | None,
    resolution: float,
) -> Boundary:
    masks = list(windows) if windows is not None else find_grains(plane, size, 2)
    if waves is None:
        waves = tuple(find_spots(plane, size, grain_window(mask), longest=0.45e-9) for mask in masks)
    if not all(len(spots) for spots in waves):
        raise ValueError("one of the grains shows no lattice; its end cannot be seen")
    presence = _presence(plane, [spots.lattice(plane.shape, size) for spots in waves], resolution / size)
    levels = [float(np.median(share[mask])) for share, mask in zip(presence, masks, strict=True)]
    presence = presence / np.array(levels)[:, None, None]
    origin, tangent = _straight_line(masks, size)
    return _traced(presence, origin, tangent, size, resolution)


def _presence(image: Array, patterns: list[Array], sigma: float) -> Array:
    """Shares of both patterns by least squares in a Gaussian window around each pixel, shape (2, y, x)."""

    columns = [*patterns, np.ones_like(image)]
    normal = np.empty((*image.shape, 3, 3))
    right = np.empty((*image.shape, 3))
    centred = image - image.mean()
    for i, one in enumerate(columns):
        right[..., i] = smoothed(centred * one, sigma)
        for j, other in enumerate(columns[: i + 1]):
            normal[..., i, j] = normal[..., j, i] = smoothed(one * other, sigma)
    # A little of the pattern's own power keeps shares small where the window holds less than one period.
    for i in range(2):
        normal[..., i, i] += 0.02 * np.mean(patterns[i] ** 2)
    shares = np.linalg.solve(normal, right[..., None])[..., 0]
    return np.moveaxis(shares[..., :2], -1, 0)


def _straight_line(masks: list[Any], size: float) -> tuple[Array, Array]:
    """The straight line that best divides two masks: a point and its direction, the first grain on the left."""
    points = [size * np.argwhere(np.asarray(mask)[::4, ::4]) * 4 for mask in masks]
    every = np.concatenate(points)
    sides = np.repeat([1.0, -1.0], [len(part) for part in points])
    middle = every.mean(axis=0)
    scaled = np.column_stack([(every - middle) / np.ptp(every), np.ones(len(every))])
    # Logistic regression by a few Newton steps, lightly ridged: the dividing line of two clouds.
    weights = np.linalg.lstsq(scaled, sides, rcond=None)[0] * 4
    for _ in range(12):
        share = 1 / (1 + np.exp(-np.clip(scaled @ weights, -30, 30)))
        slope = scaled.T @ (share - (sides + 1) / 2) + 1e-3 * weights
        curvature = (scaled * (share * (1 - share))[:, None]).T @ scaled + 1e-3 * np.eye(3)
        weights = weights - np.linalg.solve(curvature, slope)
    normal = weights[:2] / np.linalg.norm(weights[:2])
    origin = middle - normal * weights[2] / np.linalg.norm(weights[:2]) * np.ptp(every)
    return origin, np.array([-normal[1], normal[0]])


def _traced(presence: Array, origin: Array, tangent: Array, size: float, resolution: float) -> Boundary:
    """Profiles across the line on a grid along it, and where they pass one half."""
    normal = np.array([tangent[1], -tangent[0]])
    shape = np.array(presence.shape[1:])
    span = STEP * np.arange(-round(np.hypot(*shape) * size / STEP), round(np.hypot(*shape) * size / STEP) + 1)
    on = origin + np.outer(span, tangent)
    # The picture's rim has half a window: it is left out.
    inside = np.all((on > 1.5 * resolution) & (on < (shape - 1) * size - 1.5 * resolution), axis=1)
    along = span[inside]
    across = np.asarray(size / 2 * np.arange(-round(2 * REACH / size), round(2 * REACH / size) + 1))
    places = origin + along[:, None, None] * tangent + across[:, None] * normal
    profiles = np.array(
        [
            ndimage.map_coordinates(share, np.moveaxis(places, -1, 0) / size, order=1, mode="nearest")
            for share in presence
        ]
    )
    first, second = (_crossings(across, profiles[side], rising=side == 0) for side in (0, 1))
    away = round(BOTH_SIDES / (size / 2))
    middle = len(across) // 2
    # Beyond the end of either grain, as at a triple junction, there is no boundary of the two.
    between = (profiles[0][:, middle + away] > 0.5) & (profiles[1][:, middle - away] > 0.5)
    along, first, second, profiles = along[between], first[between], second[between], profiles[:, between]
    if len(along) < 8:
        raise ValueError(
            f"the two grains face each other on {len(along) * STEP * 1e9:.1f} nm only; are they neighbours?"
        )
    widths = tuple(_width(across, profiles[side], side == 0, resolution) for side in (0, 1))
    height = np.where(np.isfinite(first) & np.isfinite(second), (first + second) / 2, np.nan)
    return Boundary(
        along=along,
        height=height,
        first=first,
        second=second,
        widths=(widths[0], widths[1]),
        correlation=2 * np.sqrt(np.pi) * resolution,
        resolution=resolution,
        origin=origin,
        tangent=tangent,
        presence=presence,
        pixel_size=size,
        across=across,
        profiles=profiles,
    )


def _crossings(across: Array, profiles: Array, *, rising: bool, level: float = 0.5) -> Array:
    """Where each profile passes `level`, nearest to the place that best parts it into below and above."""
    values = profiles if rising else profiles[:, ::-1]
    places = across if rising else across[::-1]
    excess = values - level
    score = np.cumsum(-excess, axis=1) + np.cumsum(excess[:, ::-1], axis=1)[:, ::-1]
    found = np.full(len(values), np.nan)
    for number, (line, cut) in enumerate(zip(excess, score.argmax(axis=1), strict=True)):
        ups = np.flatnonzero((line[:-1] < 0) & (line[1:] >= 0))
        if ups.size and line[-8:].mean() > 0 > line[:8].mean():
            at = ups[np.argmin(np.abs(ups - cut))]
            part = -line[at] / (line[at + 1] - line[at])
            found[number] = places[at] + part * (places[at + 1] - places[at])
    return found


def _width(across: Array, profiles: Array, rising: bool, resolution: float) -> float:
    """R.m.s. width of the fall, from its 25 and 75 % places, without the window's own."""
    low, high = (_crossings(across, profiles, rising=rising, level=level) for level in (0.25, 0.75))
    gaps = np.abs(high - low)
    gaps = gaps[np.isfinite(gaps)]
    if not gaps.size:
        return float("nan")
    # Of a Gaussian's integral, the quartiles are 1.349 σ apart.
    total = float(np.median(gaps)) / 1.349
    return float(np.sqrt(max(total**2 - resolution**2, 0.0)))
