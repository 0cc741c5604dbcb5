"""Atomic columns to a hundredth of a pixel: thousands of two-dimensional Gaussians fitted at once."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from nbtools.analysis.image_checks import check_plane
from nbtools.cache import cached

Array = NDArray[np.float64]
ROUNDS = 5  # each squares the error of the last; noise leaves a few hundredths of a pixel
SETTLED = 2e-3  # pixels
NEAR = 0.55  # of the distance to the nearest neighbour: radius of the pixels that count


@dataclass(frozen=True)
class ColumnFit:
    """Columns, lengths in pixels.

    positions : (y, x), shape (n, 2); uncertainties : of each coordinate, from noise, shape (n,)
    amplitudes : height over the background, negative for dark columns; widths : r.m.s. radius
    backgrounds : level beside the column; converged : False where the start was kept
    """

    positions: Array
    uncertainties: Array
    amplitudes: Array
    widths: Array
    backgrounds: Array
    converged: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.positions)

    def __str__(self) -> str:
        good = self.converged
        sigma = float(np.median(self.uncertainties[good])) if good.any() else math.nan
        return f"{good.sum()} of {len(self)} columns, each coordinate known to {sigma:.3f} pixels (median)"


def find_columns(image: Any, distance: float, *, dark: bool = False, least: float = 0.25) -> Array:
    """Where columns are, to a pixel, (y, x), shape (n, 2): bright ones, or `dark` ones of bright field.

    distance : between columns, pixels; least : share of a strong column's height that still counts
    """
    plane = check_plane(image)
    smooth = ndimage.gaussian_filter(-plane if dark else plane, max(distance / 6, 0.7))
    smooth -= ndimage.gaussian_filter(smooth, 1.5 * distance)
    size = max(3, 2 * int(distance / 2) + 1)
    ball = np.hypot(*np.mgrid[-(size // 2) : size // 2 + 1, -(size // 2) : size // 2 + 1]) <= distance / 2
    tops = (smooth == ndimage.maximum_filter(smooth, footprint=ball)) & (smooth > 0)
    strong = np.percentile(smooth[tops], 90) if tops.any() else 0.0
    return np.argwhere(tops & (smooth > least * strong)).astype(float)


def refine_columns(
    image: Any, positions: ArrayLike, *, radius: float | None = None, width: float | None = None
) -> ColumnFit:
    """Fit a round Gaussian on a level background to every column, all in one batch.

    Two passes: in the second the fitted neighbours are taken off each column's pixels first.

    Parameters
    ----------
    image : shape (y, x); bright or dark columns
    positions : starts (y, x) in pixels, shape (n, 2), within about half a radius
    radius : of the pixels that count; by default 0.55 of the distance to the nearest neighbour
    width : first guess of the r.m.s. radius, pixels; by default half the radius

    Raises
    ------
    ImageError
        No image.
    ValueError
        Positions of another shape, or outside the image.
    """
    plane = check_plane(image)
    starts = np.asarray(positions, float)
    if starts.ndim != 2 or starts.shape[1] != 2 or not len(starts):
        raise ValueError(
            f"positions of shape {starts.shape} came; (y, x) in pixels, shape (n, 2), were expected"
        )
    if (
        np.any(starts < -0.5)
        or np.any(starts > np.array(plane.shape) - 0.5)
        or not np.all(np.isfinite(starts))
    ):
        raise ValueError(
            f"positions outside the image of {plane.shape} pixels came; are they (y, x), in pixels?"
        )
    reach = radius or _usual_radius(starts)
    half = math.ceil(reach)
    padded = np.pad(plane, half + 1, mode="reflect")
    corner = np.rint(starts).astype(int)
    offsets = np.arange(-half, half + 1)
    rows = corner[:, 0, None, None] + offsets[:, None] + half + 1
    columns = corner[:, 1, None, None] + offsets + half + 1
    pixels = padded[rows, columns].reshape(len(starts), -1)
    dy, dx = (grid.ravel().astype(float) for grid in np.meshgrid(offsets, offsets, indexing="ij"))
    near = np.hypot(dy, dx) <= reach + 0.5
    dy, dx, pixels = dy[near], dx[near], pixels[:, near]
    first = _start(pixels, starts - corner, width or reach / 2)
    fitted, _, _ = _fit(pixels, dy, dx, first, reach)
    alone = pixels - _neighbours(corner, fitted, dy, dx, 2 * reach + half)
    fitted, covariance, moved = _fit(alone, dy, dx, fitted, reach)
    return _result(corner, starts, fitted, covariance, moved, reach)


# The same from disk, for columns of an image that are fitted again whenever a notebook runs.
kept_columns = cached(refine_columns)


def _usual_radius(starts: Array) -> float:
    if len(starts) < 2:
        return 5.0
    nearest = cKDTree(starts).query(starts, k=2)[0][:, 1]
    return float(np.clip(NEAR * np.median(nearest), 2.0, 25.0))


def _start(pixels: Array, shift: Array, width: float) -> Array:
    """Amplitude, y, x, width, background of each column."""
    middle = np.median(pixels[:, pixels.shape[1] // 2 - 1 : pixels.shape[1] // 2 + 2], axis=1)
    low, high = np.percentile(pixels, [10, 90], axis=1)
    bright = np.abs(middle - low) >= np.abs(middle - high)
    background = np.where(bright, low, high)
    return np.stack([middle - background, *shift.T, np.full(len(pixels), width), background], axis=1)


def _fit(pixels: Array, dy: Array, dx: Array, start: Array, reach: float) -> tuple[Array, Array, Array]:
    """Levenberg and Marquardt for all columns side by side; parameters, covariances, whether it moved little."""
    fitted, damping = start.copy(), np.full(len(start), 1e-2)
    model, jacobian = _gaussians(fitted, dy, dx)
    squares = np.sum((pixels - model) ** 2, axis=1)
    diagonal = np.arange(5)
    for _ in range(ROUNDS):
        normal = jacobian.transpose(0, 2, 1) @ jacobian
        gradient = np.einsum("nkp,nk->np", jacobian, pixels - model)
        damped = normal.copy()
        damped[:, diagonal, diagonal] *= 1 + damping[:, None]
        damped[:, diagonal, diagonal] += 1e-12 * np.trace(normal, axis1=1, axis2=2)[:, None]
        trial_step = np.linalg.solve(damped, gradient[..., None])[..., 0]
        trial_step[:, 1:4] = np.clip(trial_step[:, 1:4], -reach / 3, reach / 3)
        trial = fitted + trial_step
        trial[:, 3] = np.clip(trial[:, 3], 0.3, 2 * reach)
        new_model, new_jacobian = _gaussians(trial, dy, dx)
        new_squares = np.sum((pixels - new_model) ** 2, axis=1)
        better = new_squares <= squares * (1 + 1e-12)
        fitted[better], squares[better] = trial[better], new_squares[better]
        model[better], jacobian[better] = new_model[better], new_jacobian[better]
        damping = np.clip(np.where(better, damping / 5, damping * 5), 1e-9, 1e6)
        if np.all(np.abs(trial_step[:, 1:3]) < SETTLED):
            break
    freedom = max(pixels.shape[1] - 5, 1)
    normal = jacobian.transpose(0, 2, 1) @ jacobian
    normal[:, diagonal, diagonal] *= 1 + 1e-12
    normal[:, diagonal, diagonal] += 1e-300
    covariance = np.linalg.pinv(normal) * (squares / freedom)[:, None, None]
    # How far Newton's next step would go: small at a minimum, whatever the damping was.
    left = np.linalg.solve(normal, np.einsum("nkp,nk->np", jacobian, pixels - model)[..., None])[..., 0]
    return fitted, covariance, np.max(np.abs(left[:, 1:3]), axis=1)


def _gaussians(parameters: Array, dy: Array, dx: Array) -> tuple[Array, Array]:
    """Values (n, pixels) and derivatives (n, pixels, 5) of A exp(−r²/2w²) + b."""
    amplitude, y, x, width, background = (parameters[:, i, None] for i in range(5))
    down, across = dy - y, dx - x
    squares = down**2 + across**2
    shape = np.exp(-squares / (2 * width**2))
    value = amplitude * shape
    slopes = value / width**2
    jacobian = np.empty((*shape.shape, 5))
    jacobian[..., 0], jacobian[..., 4] = shape, 1.0
    jacobian[..., 1], jacobian[..., 2] = slopes * down, slopes * across
    jacobian[..., 3] = slopes * squares / width
    return value + background, jacobian


def _neighbours(corner: Array, fitted: Array, dy: Array, dx: Array, reach: float) -> Array:
    """What all other columns within `reach` add to each column's pixels."""
    centres = corner + fitted[:, 1:3]
    added = np.zeros((len(centres), len(dy)))
    pairs = cKDTree(centres).query_pairs(reach, output_type="ndarray")
    for one, other in (pairs.T, pairs.T[::-1]):
        shift = centres[other] - corner[one]
        squares = (dy - shift[:, 0, None]) ** 2 + (dx - shift[:, 1, None]) ** 2
        values = fitted[other, 0, None] * np.exp(-squares / (2 * fitted[other, 3, None] ** 2))
        np.add.at(added, one, values)
    return added


def _result(
    corner: Array, starts: Array, fitted: Array, covariance: Array, moved: Array, reach: float
) -> ColumnFit:
    positions = corner + fitted[:, 1:3]
    strayed = np.hypot(*(positions - starts).T) > reach
    good = ~strayed & (moved < 0.02) & (fitted[:, 3] > 0.3) & (fitted[:, 3] < 2 * reach)
    sigma = np.sqrt(np.maximum((covariance[:, 1, 1] + covariance[:, 2, 2]) / 2, 0))
    return ColumnFit(
        positions=np.where(good[:, None], positions, starts),
        uncertainties=np.where(good, sigma, np.inf),
        amplitudes=fitted[:, 0],
        widths=fitted[:, 3],
        backgrounds=fitted[:, 4],
        converged=good,
    )


def split_sublattices(fit: ColumnFit) -> tuple[NDArray[np.bool_], float, float]:
    """Strong columns apart from weak ones by their amplitudes: mask of the strong, weak over strong and its error.

    The cut is where the spread within both groups is least (Otsu).
    """
    sizes = np.where(fit.converged, np.abs(fit.amplitudes), np.nan)
    known = np.sort(sizes[np.isfinite(sizes)])
    if len(known) < 8:
        raise ValueError(f"{len(known)} columns were fitted; at least 8 are needed to tell two kinds")
    count = np.arange(1, len(known))
    low, high = np.cumsum(known)[:-1] / count, (known.sum() - np.cumsum(known)[:-1]) / (len(known) - count)
    cut = int(np.argmax(count * (len(known) - count) * (high - low) ** 2))
    strong = sizes > (known[cut] + known[cut + 1]) / 2
    weak = np.isfinite(sizes) & ~strong
    means = [float(np.median(sizes[group])) for group in (weak, strong)]
    errors = [
        1.25 * float(np.std(sizes[group])) / math.sqrt(group.sum()) / mean
        for group, mean in zip((weak, strong), means, strict=True)
    ]
    ratio = means[0] / means[1]
    return strong, ratio, ratio * math.hypot(*errors)
