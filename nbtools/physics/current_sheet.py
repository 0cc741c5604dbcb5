"""The field of plane currents, uniform through a plate or in a sheet, and of the shapes with known fields.

Axes, here and wherever a map of B_z or of a current is passed: arrays are (y, x); x grows with the column, y with
the row, and z = x × y points from the plate to the indicator. J = curl(g ẑ) = (∂g/∂y, −∂g/∂x), so a hill of g
is a current that turns from x to y, and B_z > 0 above it. Draw with row 0 at the bottom, and z points to the
viewer and such a current runs anticlockwise.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import mu_0
from scipy.fft import fftfreq, irfft2, next_fast_len, rfft2, rfftfreq
from scipy.ndimage import convolve, distance_transform_edt, map_coordinates

from nbtools.physics.domain import require_not_negative, require_positive

Array = NDArray[np.float64]
CROSS = np.ones((3, 3))


def plate_field(jx: ArrayLike, jy: ArrayLike, *, pixel_size: float, thickness: float, height: float) -> Array:
    """B_z above a plate whose pixels each carry a current that is uniform in the pixel and through the plate.

    Exact: Biot and Savart integrated over each pixel's prism, B_z = (µ0/4π) ∫ (J_x r_y − J_y r_x)/r³ dV, and summed
    as an open convolution (no periodic images, nothing is said about what lies outside the map).

    Parameters
    ----------
    jx, jy : shape (y, x), A/m²; with ``thickness=0`` a sheet, A/m
    pixel_size : m, of square pixels
    thickness : m, of the plate, from z = −thickness to 0
    height : m, of the indicator above the top face (z = 0); not negative

    Returns
    -------
    B_z : shape (y, x), T, at the middle of each pixel

    Raises
    ------
    ValueError
        Maps of different shapes, NaN in them, or a length outside its range.
    """
    maps = [np.asarray(jx, float), np.asarray(jy, float)]
    if maps[0].ndim != 2 or maps[0].shape != maps[1].shape:
        raise ValueError(
            f"jx and jy have the shapes {maps[0].shape} and {maps[1].shape}; two equal maps (y, x) are needed"
        )
    if not all(np.isfinite(one).all() for one in maps):
        raise ValueError("the currents hold NaN or infinity; put 0 where no current is known")
    require_positive(pixel_size=pixel_size)
    require_not_negative(thickness=thickness, height=height)
    rows, columns = maps[0].shape
    shape, kernels = _kernels(maps[0].shape, float(pixel_size), float(thickness), float(height))
    product = sum(rfft2(one, s=shape) * kernel for one, kernel in zip(maps, kernels, strict=True))
    return irfft2(product, s=shape)[rows - 1 : 2 * rows - 1, columns - 1 : 2 * columns - 1]


@lru_cache(maxsize=6)
def _kernels(
    shape: tuple[int, int], side: float, thickness: float, height: float
) -> tuple[Any, tuple[Any, Any]]:
    """Transforms of B_z at every distance from one pixel with J_x = 1, and with J_y = 1; the same for every frame."""
    # A kernel is 2n − 1 wide, and only the middle n of the sum is wanted: wrapping into the rest does no harm.
    padded = tuple(next_fast_len(2 * n - 1, real=True) for n in shape)
    # Pixels meet at their corners, so the antiderivative is needed once a corner: 2n of them.
    y, x = (side * (np.arange(2 * n) - n + 0.5) for n in shape)
    grid_x, grid_y = np.asarray(x)[None, :], np.asarray(y)[:, None]
    along_x = _prism(grid_x, grid_y, thickness, height)
    along_y = -_prism(grid_y, grid_x, thickness, height)
    scale = mu_0 / (4 * np.pi)
    return padded, (scale * rfft2(along_x, s=padded), scale * rfft2(along_y, s=padded))


def _prism(along: Any, across: Any, thickness: float, height: float) -> Array:
    """∫ r_y/r³ over pixels and thickness, for a current in the direction of `along`, between its corners."""
    total: Array = _inverse_distance(along, across, height + thickness, bool(thickness))
    if thickness:
        total = total - _inverse_distance(along, across, height, True)
    return -np.diff(np.diff(total, axis=0), axis=1)


def _inverse_distance(x: Array, y: Array, z: float, solid: bool) -> Array:
    """Antiderivative of 1/r over x, or over x and z where `solid`; no corner lies on an axis."""
    x, y = np.broadcast_arrays(x, y)
    across = np.hypot(y, z)
    if not solid:
        return np.arcsinh(x / across)
    flat = np.hypot(x, y)
    corner = y * np.arctan(x * z / (y * np.hypot(flat, z)))
    return x * np.arcsinh(z / flat) + z * np.arcsinh(x / across) - corner


def wave_numbers(shape: tuple[int, int], pixel_size: float) -> tuple[Array, Array, Array]:
    """k_y, k_x and |k| (rad/m) on the half grid of a real transform, k = 0 included."""
    ky = 2 * np.pi * fftfreq(shape[0], pixel_size)[:, None]
    kx = 2 * np.pi * rfftfreq(shape[1], pixel_size)[None, :]
    return ky, kx, np.hypot(ky, kx)


def current_transfer(k: ArrayLike, *, thickness: float, height: float) -> Array:
    """B_z over the current that makes it, at one |k| (T per A/m², or per A/m for a sheet).

    (µ0/2) e^(−kz) (1 − e^(−kd))/k; with d = 0, (µ0/2) e^(−kz) (Roth, Sepulveda & Wikswo 1989).
    """
    k = np.asarray(k, float)
    depth = np.ones_like(k)
    if thickness:
        kd = np.maximum(k * thickness, 1e-12)
        depth = -np.expm1(-kd) / kd * thickness
    return mu_0 / 2 * np.exp(-k * height) * depth


def signal_depth(k: ArrayLike, *, share: float = 0.5, thickness: float = np.inf) -> Array:
    """Depth (m) above which a share of what the indicator sees at |k| arises: −ln(1 − share (1 − e^(−kd)))/k.

    Parameters
    ----------
    k : rad/m, of the pattern of the current
    share : of the signal, under 1
    thickness : d, m, of the plate; by default as thick as can be
    """
    k = np.asarray(k, float)
    return -np.log1p(share * np.expm1(-k * thickness)) / k


def share_of_sense(jx: ArrayLike, jy: ArrayLike, outline: ArrayLike, *, clockwise: bool = True) -> float:
    """Share of the current around a sample that runs in one sense, against the nested loops of its rooftop.

    Parameters
    ----------
    jx, jy : shape (y, x), any unit
    outline : shape (y, x), True on the sample
    clockwise : with y upward and z towards the viewer
    """
    mask = np.asarray(outline, bool)
    along = current_of(distance_transform_edt(mask), 1.0)
    turning = np.where(mask, np.asarray(jx) * along[0] + np.asarray(jy) * along[1], 0.0)
    total = float(np.abs(turning).sum())
    return float(np.maximum(-turning if clockwise else turning, 0.0).sum()) / total if total else float("nan")


def uniform_rectangle(shape: tuple[int, int], pixel_size: float, sides: tuple[float, float]) -> Array:
    """g per J_c of a fully penetrated rectangle: the distance (m) to its nearest edge, 0 outside.

    Parameters
    ----------
    shape : of the map (y, x), with the rectangle in its middle
    sides : m, along x and along y
    """
    require_positive(pixel_size=pixel_size, sides=np.array(sides))
    y, x = (pixel_size * (np.arange(n) - (n - 1) / 2) for n in shape)
    inside = np.minimum.outer(sides[1] / 2 - np.abs(y), sides[0] / 2 - np.abs(x))
    return np.maximum(inside, 0.0)


def current_of(stream: ArrayLike, pixel_size: float) -> tuple[Array, Array]:
    """(j_x, j_y) = (∂g/∂y, −∂g/∂x) by central differences; the unit of g over m."""
    along_y, along_x = np.gradient(np.asarray(stream, float), pixel_size)
    return along_y, -along_x


def resample_stream(
    stream: Array, distance: Array, places: tuple[Any, Any], inside: NDArray[np.bool_]
) -> Array:
    """A stream function at other places (row, column), linear, and 0 exactly at the edge wherever that runs.

    Parameters
    ----------
    stream, distance : shape (y, x); on the coarse grid, and its pixels' distances to the edge, positive inside
    places : of the fine grid, in pixels of the coarse one
    inside : where the sample is on the fine grid
    """
    within = stream != 0
    count = np.maximum(convolve(within.astype(float), CROSS, mode="constant"), 1e-9)
    around, far = (
        convolve(np.where(within, one, 0.0), CROSS, mode="constant") / count for one in (stream, distance)
    )
    # Continued with the same slope beyond the edge, so that at the edge itself there is 0.
    continued = np.where(within, stream, around * distance / np.maximum(far, 0.1))
    return np.where(inside, map_coordinates(continued, places, order=1, mode="nearest"), 0.0)


def strip_field(x: ArrayLike, *, half_width: float, applied: float, sheet_current: float) -> Array:
    """H_z (A/m) in the plane of a thin strip of sheet_current = J_c d (Brandt & Indenbom 1993).

    0 within the front b = a/cosh(H/H_c), infinite at the very edge; H_c = J_c d/π.
    """
    place: Array = np.abs(np.asarray(x, float))
    unit, reduced = sheet_current / np.pi, np.pi * applied / sheet_current
    front, slope = half_width / np.cosh(reduced), np.tanh(reduced)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sqrt(np.maximum(place**2 - front**2, 0.0)) / (slope * place)
        field = unit * np.arctanh(np.where(place < half_width, ratio, 1 / ratio))
    return np.where(place <= front, 0.0, field)


def plate_penetration_field(
    current_density: float, *, sides: tuple[float, float], thickness: float, height: float | None = None
) -> float:
    """Self-field (A/m) of rooftop currents on the axis of a rectangular plate; full penetration where it is met.

    The rooftop is a stack of nested rectangular loops: their field on the axis, summed by Gauss and Legendre.

    Parameters
    ----------
    sides : m, along x and y; thickness : m
    height : m above the top face; None is the mid-plane of the plate, where flux meets last
    """
    require_positive(sides=np.array(sides), thickness=thickness)
    short, long = min(sides) / 2, max(sides) / 2
    # Above the plate one slab; on the mid-plane two equal halves.
    slabs, start, depth = (2, 0.0, thickness / 2) if height is None else (1, height, thickness)
    nodes, weights = np.polynomial.legendre.leggauss(64)
    # Squares crowd the nodes at the axis and at the level of the indicator, where the integrand is steep.
    unit, weight = ((nodes + 1) / 2) ** 2, (nodes + 1) * weights / 2
    rings, levels = short * unit, start + depth * unit
    loop = _loop_field(rings[:, None], (long - short + rings)[:, None], levels[None, :])
    return slabs * current_density * short * depth * float(weight @ loop @ weight)


def _loop_field(a: Array, b: Array, z: Array) -> Array:
    """H_z (1/m) on the axis of a rectangular loop of half sides a, b, at a distance z, for 1 A."""
    diagonal = np.sqrt(a**2 + b**2 + z**2)
    return a * b / (np.pi * diagonal) * (1 / (a**2 + z**2) + 1 / (b**2 + z**2))
