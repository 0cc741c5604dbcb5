"""Profiles of B_z along a line, the outline of a plate in the image, and where a remanent rooftop has its ridge."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import map_coordinates

from nbtools.results import NotPossible
from nbtools.statistics.choice import TIE, ceil_whole, floor_whole
from nbtools.units import Quantity

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Profile:
    """B_z along a line: `distance` (n,) m from its start, `field` (n,) T averaged over the width, its `uncertainty`."""

    distance: Array
    field: Array
    uncertainty: Array


def line_profile(
    field: ArrayLike,
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    pixel_size: float,
    width: float = 0.0,
) -> Profile:
    """B_z along any line, averaged across it.

    Parameters
    ----------
    field : shape (y, x), T
    start, end : (x, y) in m from the first pixel's centre
    pixel_size : m
    width : m, over which is averaged across the line; the scatter across is the uncertainty

    Raises
    ------
    ValueError
        A line without length, or one that leaves the map.
    """
    values = np.asarray(field, float)
    ends = np.array([start, end], float) / pixel_size
    length = float(np.hypot(*(ends[1] - ends[0])))
    if not length > 0:
        raise ValueError(
            f"the line from {start} to {end} has no length; give two different points (x, y) in m"
        )
    if (ends < 0).any() or (ends > np.array(values.shape[::-1]) - 1).any():
        raise ValueError(
            f"the line from {start} to {end} leaves the map; its ends are (x, y) in m from the first pixel"
        )
    along = (ends[1] - ends[0]) / length
    steps = np.arange(ceil_whole(length + 0.5), dtype=float)
    half = floor_whole(width / pixel_size / 2)
    lanes = np.arange(-half, half + 1)
    x, y = (
        ends[0][i] + steps[None, :] * along[i] + lanes[:, None] * (-along[1], along[0])[i] for i in (0, 1)
    )
    sampled = map_coordinates(values, [y, x], order=1, mode="nearest")
    scatter = (
        sampled.std(axis=0, ddof=1) / np.sqrt(lanes.size) if lanes.size > 1 else np.full(steps.size, np.nan)
    )
    return Profile(steps * pixel_size, sampled.mean(axis=0), scatter)


def place_outline(shape: tuple[int, int], pixel_size: float, sides: tuple[float, float]) -> NDArray[np.bool_]:
    """A rectangular plate (m, along x and y) in the middle of a map.

    Examples
    --------
    >>> place_outline((4, 6), 1e-3, (2e-3, 2e-3)).astype(int)
    array([[0, 0, 0, 0, 0, 0],
           [0, 0, 1, 1, 0, 0],
           [0, 0, 1, 1, 0, 0],
           [0, 0, 0, 0, 0, 0]])
    """
    y, x = (pixel_size * (np.arange(n) - (n - 1) / 2) for n in shape)
    return np.logical_and.outer(np.abs(y) <= sides[1] / 2, np.abs(x) <= sides[0] / 2)


def bin_map(values: ArrayLike, factor: int) -> Array:
    """The mean of every `factor` × `factor` pixels; a rest at the end of a row or column is left out."""
    image = np.asarray(values, float)
    rows, columns = (n // factor for n in image.shape)
    cut = image[: rows * factor, : columns * factor]
    return np.asarray(cut.reshape(rows, factor, columns, factor).mean(axis=(1, 3)))


def find_ridge(
    distance: ArrayLike, current: ArrayLike, *, edges: tuple[float, float], resolution: float
) -> Quantity:
    """How far the line where the current turns round lies from the middle between the edges (m).

    In a filled plate J is ±J_c on both sides of the ridge; a straight line through J within one resolution of its
    change of sign gives the place. Its ratio to the half width is that of the mean J_c of both sides.

    Parameters
    ----------
    distance : shape (n,), m along a line
    current : shape (n,), the component across that line, any unit
    edges : m, where the line enters and leaves the sample
    resolution : m, of the current

    Raises
    ------
    NotPossible
        A current that does not change its sign within the middle half.
    """
    x, j = np.asarray(distance, float) - sum(edges) / 2, np.asarray(current, float)
    near = np.abs(x) < (edges[1] - edges[0]) / 4
    turns = np.flatnonzero(near[:-1] & near[1:] & (np.sign(j[:-1]) != np.sign(j[1:])))
    if not turns.size:
        raise NotPossible(
            "the current does not change its sign near the middle; a state after filling is expected"
        )
    # The turn with the largest step on its two sides is the ridge; the others are noise.
    pitch = float(np.median(np.diff(x)))
    reach = max(3, round(resolution / pitch))
    steps = [abs(j[i + 1 : i + 1 + reach].mean() - j[max(i + 1 - reach, 0) : i + 1].mean()) for i in turns]
    first = x[turns[int(np.argmax(steps))]]
    # Of three steps to both sides, the last belongs to the line whatever its last bits are.
    chosen = np.abs(x - first) <= max(resolution, 3 * pitch) * (1 + TIE)
    line, covariance = np.polyfit(x[chosen], j[chosen], 1, cov=True)
    place = -line[1] / line[0]
    gradient = np.array([place, 1.0])
    sigma = float(np.sqrt(gradient @ covariance @ gradient)) / abs(line[0])
    return Quantity(float(place), float(np.hypot(sigma, resolution / 10)), "m")
