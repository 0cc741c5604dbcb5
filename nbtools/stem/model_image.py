"""STEM images of crystals in projection: columns along a zone, HAADF and ABF without multiple scattering, spots."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.physics.crystal_lattice import (
    Structure,
    lattice_vectors,
    projected_net,
    reciprocal_vectors,
    reflections_within,
    viewing_axes,
)

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
# Contrast of a column goes as Z to this power: a screened nucleus, seen by the ring of the detector.
CONTRAST = {"HAADF": 1.7, "ABF": 0.7}
SPREAD = 0.05e-9  # m, r.m.s. radius of a column's image: probe, source and vibration
REACH = 4.5  # spreads beyond which a column adds nothing


@dataclass(frozen=True)
class Columns:
    """Atomic columns in an image.

    positions : (y, x) from the first pixel, m, y down; shape (n, 2)
    weights : Σ Z^power of a column's atoms for each nm of specimen
    elements : of each column
    """

    positions: Array
    weights: Array
    elements: NDArray[np.str_]

    def among(self, chosen: NDArray[np.bool_]) -> "Columns":
        """Those chosen."""
        return Columns(self.positions[chosen], self.weights[chosen], self.elements[chosen])


def atomic_numbers(crystal: Structure) -> Array:
    """Z of every atom: what Cromer and Mann's f has at zero angle."""
    numbers = np.asarray(crystal.scattering, float)
    return np.rint(numbers[:, :4].sum(axis=1) + numbers[:, 8])


def image_amplitude(crystal: Structure, hkl: ArrayLike, power: float = CONTRAST["HAADF"]) -> Array:
    """|Σ Z^power exp(2πi hkl·r)| of the cell, over its value for 000: how strong a spot the transform shows."""
    weights = crystal.occupancies * atomic_numbers(crystal) ** power
    waves = np.exp(2j * np.pi * (np.asarray(hkl, float) @ crystal.positions.T))
    return np.asarray(np.abs(waves @ weights) / weights.sum())


def zone_spots(
    crystal: Structure, zone: ArrayLike, minimum_spacing: float, *, among: Indices | None = None
) -> tuple[Indices, Array]:
    """hkl (n, 3) of the spots with d ≥ `minimum_spacing` (m), and where they fall unrotated, (y, x) in 1/m.

    among : `reflections_within` of that spacing, where many zones are asked for
    """
    hkl = reflections_within(crystal, minimum_spacing) if among is None else among
    hkl = hkl[hkl @ np.asarray(zone, np.int64) == 0]
    return hkl, hkl @ reciprocal_vectors(crystal) @ viewing_axes(crystal, zone).T


def project_columns(
    crystal: Structure,
    zone: ArrayLike,
    rotation: float,
    size: tuple[float, float],
    *,
    origin: tuple[float, float] = (0.0, 0.0),
    power: float = CONTRAST["HAADF"],
) -> Columns:
    """All columns of a crystal seen along `zone` that fall into a picture of `size` (height, width), m.

    origin : where a corner of the unit cell falls, (y, x), m
    """
    axes = viewing_axes(crystal, zone, rotation)
    rows = lattice_vectors(crystal)
    net = projected_net(crystal, zone) @ rows @ axes.T
    margin = REACH * SPREAD
    corners = np.array([(y, x) for y in (-margin, size[0] + margin) for x in (-margin, size[1] + margin)])
    ends = (corners - origin) @ np.linalg.inv(net)
    low, high = np.floor(ends.min(axis=0)) - 2, np.ceil(ends.max(axis=0)) + 2
    grid = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), axis=-1).reshape(-1, 2)
    basis = crystal.positions @ rows @ axes.T
    places = (grid @ net)[:, None, :] + basis + np.asarray(origin)
    repeat = np.linalg.norm(np.asarray(zone, float) @ rows)
    weights = crystal.occupancies * atomic_numbers(crystal) ** power / (repeat / 1e-9)
    every = Columns(
        places.reshape(-1, 2),
        np.tile(weights, len(grid)),
        np.tile(np.asarray(crystal.elements), len(grid)),
    )
    inside = np.all((every.positions > -margin) & (every.positions < np.add(size, margin)), axis=1)
    return every.among(inside)


def draw_columns(
    columns: Columns,
    shape: tuple[int, int],
    pixel_size: float,
    *,
    spread: float = SPREAD,
    row_shifts: ArrayLike = 0.0,
) -> Array:
    """Sum of Gaussians of height `weights`: an incoherent image, in the columns' own unit of weight.

    spread : r.m.s. radius, m; row_shifts : how far each scan line is displaced along x, m
    """
    image = np.zeros(shape)
    reach = math.ceil(REACH * spread / pixel_size)
    offsets = np.arange(-reach, reach + 1)
    centres = columns.positions / pixel_size
    nearest = np.rint(centres).astype(int)
    y = nearest[:, 0, None] + offsets
    x = nearest[:, 1, None] + offsets
    shifts = np.broadcast_to(np.asarray(row_shifts, float) / pixel_size, shape[0])
    here = shifts[np.clip(y, 0, shape[0] - 1)]
    width = pixel_size / spread
    down = np.exp(-0.5 * (width * (y - centres[:, 0, None])) ** 2) * columns.weights[:, None]
    across = np.exp(-0.5 * (width * (x[:, None, :] - centres[:, 1, None, None] - here[:, :, None])) ** 2)
    inside = ((y >= 0) & (y < shape[0]))[:, :, None] & ((x >= 0) & (x < shape[1]))[:, None, :]
    flat = (y[:, :, None] * shape[1] + x[:, None, :])[inside]
    values = (down[:, :, None] * across)[inside]
    image += np.bincount(flat, values, minlength=image.size).reshape(shape)
    return image


def bright_field(contrast: ArrayLike, depth: float = 0.4) -> Array:
    """Annular bright field from the drawn columns: one minus their share, columns dark, light atoms visible."""
    shade = np.asarray(contrast, float)
    return 1 - depth * shade / max(float(shade.max()), 1e-300)
