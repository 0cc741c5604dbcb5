"""Crystal geometry: metric, spacings, angles, zones, symmetry, and which reflections there are and how strong."""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.statistics.choice import first_best, floor_whole, ranked

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
ANGSTROM = 1e-10
# Of the strongest reflection: what is weaker than this is forbidden, not weak.
EXTINCT = 1e-8


class Structure(Protocol):
    """What of `nbtools.files.crystal.Crystal` the geometry and the scattering need."""

    @property
    def name(self) -> str: ...
    @property
    def lengths(self) -> Array: ...
    @property
    def angles(self) -> Array: ...
    @property
    def elements(self) -> tuple[str, ...]: ...
    @property
    def positions(self) -> Array: ...
    @property
    def occupancies(self) -> Array: ...
    @property
    def displacements(self) -> Array: ...
    @property
    def scattering(self) -> Array: ...


# ---- metric


def lattice_vectors(crystal: Structure) -> Array:
    """a, b and c as rows, m; a along x, b in the xy plane (International Tables, Vol. B, 3.3)."""
    a, b, c = crystal.lengths
    cos_a, cos_b, cos_g = np.cos(crystal.angles)
    sin_g = math.sin(crystal.angles[2])
    along = (cos_a - cos_b * cos_g) / sin_g
    rows = np.array(
        [
            [a, 0.0, 0.0],
            [b * cos_g, b * sin_g, 0.0],
            [c * cos_b, c * along, c * math.sqrt(1 - cos_b**2 - along**2)],
        ]
    )
    return rows


def reciprocal_vectors(crystal: Structure) -> Array:
    """a*, b* and c* as rows, 1/m, without 2π: hkl @ rows is normal to the planes and 1/d long."""
    return np.asarray(np.linalg.inv(lattice_vectors(crystal)).T)


def reciprocal_metric(crystal: Structure) -> Array:
    """G*, shape (3, 3), 1/m²: 1/d² = hkl G* hkl."""
    rows = reciprocal_vectors(crystal)
    return rows @ rows.T


def plane_spacing(crystal: Structure, hkl: ArrayLike) -> Array:
    """d of planes (…, 3), or (…, 4) with Bravais's third index; m.

    Hexagonal: 1/d² = (4/3)(h² + hk + k²)/a² + l²/c².
    """
    planes = plane_indices(hkl)
    squares = np.einsum("...i,ij,...j->...", planes, reciprocal_metric(crystal), planes)
    if np.any(squares <= 0):
        raise ValueError("(0 0 0) is no plane; give indices of which one is not zero")
    return 1 / np.sqrt(squares)


def plane_angle(crystal: Structure, hkl1: ArrayLike, hkl2: ArrayLike) -> Array:
    """Between the normals of two planes, rad, 0 … π."""
    first, second = plane_indices(hkl1), plane_indices(hkl2)
    product = np.einsum("...i,ij,...j->...", first, reciprocal_metric(crystal), second)
    cosine = product * plane_spacing(crystal, first) * plane_spacing(crystal, second)
    return np.arccos(np.clip(cosine, -1, 1))


# ---- indices


def plane_indices(hkl: ArrayLike) -> Array:
    """Three indices of a plane, from three or from Bravais's four (h k i l) with i = −h−k."""
    planes = np.asarray(hkl, float)
    if planes.shape[-1:] == (4,):
        if np.any(np.abs(planes[..., :3].sum(-1)) > 1e-9):
            raise ValueError(f"four indices (h k i l) need i = −h−k; {np.asarray(hkl).tolist()} came")
        return planes[..., [0, 1, 3]]
    if planes.shape[-1:] != (3,):
        raise ValueError(f"a plane has three or four indices; an array of shape {planes.shape} came")
    return planes


def zone_indices(uvtw: ArrayLike) -> Indices:
    """[u v w] from Bravais's four [U V T W]: u = 2U+V, v = 2V+U, w = W, without a common factor."""
    u, v, t, w = np.rint(np.asarray(uvtw, float)).astype(int)
    if u + v + t != 0:
        raise ValueError(f"four indices [U V T W] need T = −U−V; {[int(u), int(v), int(t), int(w)]} came")
    return without_common_factor(np.array([2 * u + v, 2 * v + u, w]))


def bravais_zone(uvw: ArrayLike) -> Indices:
    """Four indices of a direction: [2u−v, 2v−u, −(u+v), 3w]/3, made whole."""
    u, v, w = np.rint(np.asarray(uvw, float)).astype(int)
    return without_common_factor(np.array([2 * u - v, 2 * v - u, -(u + v), 3 * w]))


def without_common_factor(indices: ArrayLike) -> Indices:
    """Divided by their greatest common divisor."""
    whole = np.rint(np.asarray(indices, float)).astype(np.int64)
    return whole // max(math.gcd(*map(int, whole)), 1)


def zone_product(hkl: ArrayLike, uvw: ArrayLike) -> Array:
    """hu + kv + lw: zero where the plane is seen edge-on along [u v w] (Weiss)."""
    product: Array = np.sum(plane_indices(hkl) * np.asarray(uvw, float), axis=-1)
    return product


def zone_axis(hkl1: ArrayLike, hkl2: ArrayLike) -> Indices:
    """The one direction that lies in both planes, its first index positive; 0 0 0 where they are parallel."""
    zone = without_common_factor(np.cross(plane_indices(hkl1), plane_indices(hkl2)))
    return zone * (np.sign(zone[np.flatnonzero(zone)[0]]) if zone.any() else 1)


def index_grid(limits: Sequence[int]) -> Indices:
    """All whole hkl up to ± limits but (0 0 0), shape (n, 3)."""
    axes = [np.arange(-limit, limit + 1) for limit in limits]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return grid[np.any(grid != 0, axis=1)]


# ---- scattering


def viewing_axes(crystal: Structure, zone: ArrayLike, rotation: float = 0.0) -> Array:
    """The picture's y (down) and x (right) in the crystal's frame, shape (2, 3): a vector v falls on axes @ v.

    zone : [u v w], towards the viewer
    rotation : rad, counter-clockwise, of the normal of the widest net planes of the zone from x (right)
    """
    towards = np.asarray(zone, float) @ lattice_vectors(crystal)
    towards /= np.linalg.norm(towards)
    along = _widest_planes(crystal, zone) @ reciprocal_vectors(crystal)
    along /= np.linalg.norm(along)
    across = np.cross(towards, along)
    right = math.cos(rotation) * along - math.sin(rotation) * across
    up = math.sin(rotation) * along + math.cos(rotation) * across
    return np.stack([-up, right])


def _widest_planes(crystal: Structure, zone: ArrayLike) -> Indices:
    """Of all planes of the zone those with the largest spacing; of equal ones the first in a fixed order."""
    reach = int(np.abs(np.asarray(zone)).max()) + 1
    grid = index_grid([reach] * 3)
    grid = grid[grid @ np.asarray(zone, int) == 0][::-1]
    lengths = np.linalg.norm(grid @ reciprocal_vectors(crystal), axis=1)
    return grid[first_best(lengths)]


def projected_net(crystal: Structure, zone: ArrayLike) -> Indices:
    """Two lattice vectors that with the zone span the lattice, the shortest in projection, of equal ones the first."""
    zone = np.asarray(zone, np.int64)
    grid = index_grid([int(np.abs(zone).max()) + 1] * 3)
    rows = lattice_vectors(crystal)
    towards = zone @ rows / np.linalg.norm(zone @ rows)
    vectors = grid @ rows
    lengths = np.linalg.norm(vectors - np.outer(vectors @ towards, towards), axis=1)
    normals = np.cross(grid, zone)
    primitive = np.gcd.reduce(normals, axis=1) == 1
    first = np.flatnonzero(primitive)[first_best(lengths[primitive])]
    spans = np.abs(grid @ normals[first]) == 1
    second = np.flatnonzero(spans)[first_best(lengths[spans])]
    return grid[[first, second]]


def structure_factor(crystal: Structure, hkl: ArrayLike) -> NDArray[np.complex128]:
    """F(hkl) for X-rays, electrons: Cromer and Mann's f, occupancy and exp(−B/4d²) of every atom."""
    planes = plane_indices(hkl)
    metric = reciprocal_metric(crystal)
    quarter = np.einsum("...i,ij,...j->...", planes, metric, planes)[..., None] / 4
    numbers = np.asarray(crystal.scattering, float)
    a, b, c = numbers[:, :4], numbers[:, 4:8] * ANGSTROM**2, numbers[:, 8]
    form = np.sum(a * np.exp(-b * quarter[..., None]), axis=-1) + c
    weights = crystal.occupancies * form * np.exp(-crystal.displacements * quarter)
    return np.asarray(np.sum(weights * np.exp(2j * np.pi * (planes @ crystal.positions.T)), axis=-1))


def is_extinct(crystal: Structure, hkl: ArrayLike) -> NDArray[np.bool_]:
    """Whether the atoms' waves cancel: in MgO 100 and 110 do, 200 and 220 do not."""
    strongest = abs(structure_factor(crystal, [0, 0, 0])) ** 2
    return np.abs(structure_factor(crystal, hkl)) ** 2 < EXTINCT * strongest


def reflections_within(crystal: Structure, minimum_spacing: float) -> Indices:
    """Every hkl with d ≥ `minimum_spacing` (m) that is not extinct, shape (n, 3)."""
    if not minimum_spacing > 0:
        raise ValueError(f"the minimum spacing is {minimum_spacing!r} m; a length above zero was expected")
    lengths = np.linalg.norm(lattice_vectors(crystal), axis=1)
    grid = index_grid(floor_whole(lengths / minimum_spacing))
    near = grid[plane_spacing(crystal, grid) >= minimum_spacing * (1 - 1e-12)] if len(grid) else grid
    return near[~is_extinct(crystal, near)] if len(near) else near


# ---- symmetry


def symmetry_operations(crystal: Structure) -> Indices:
    """The Laue group: whole matrices W, shape (n, 3, 3), under which hkl @ W scatters as hkl does."""
    entries = np.stack(np.meshgrid(*[[-1, 0, 1]] * 9, indexing="ij"), axis=-1).reshape(-1, 3, 3)
    metric = reciprocal_metric(crystal)
    turned = entries @ metric @ entries.transpose(0, 2, 1)
    lattice = entries[np.all(np.abs(turned - metric) < 1e-4 * metric.max(), axis=(1, 2))]
    hkl = index_grid([2, 2, 2])
    squares = np.abs(structure_factor(crystal, hkl)) ** 2
    images = np.abs(structure_factor(crystal, hkl @ lattice)) ** 2
    return lattice[np.all(np.abs(images - squares) < 1e-6 * squares.max(), axis=1)]


def equivalent_planes(crystal: Structure, hkl: ArrayLike) -> Indices:
    """The family {hkl}, shape (n, 3)."""
    return np.unique(np.rint(plane_indices(hkl) @ symmetry_operations(crystal)).astype(np.int64), axis=0)


def family_name(crystal: Structure, hkl: ArrayLike) -> str:
    """``{200}``, and ``{10-10}`` with Bravais's four indices where the cell is hexagonal; one name a family."""
    planes = equivalent_planes(crystal, hkl)
    best = planes[np.lexsort([*planes.T[::-1], -np.sum(planes < 0, axis=1)])[-1]]
    h, k, i = map(int, best)
    hexagonal = abs(float(crystal.angles[2]) - 2 * math.pi / 3) < 1e-3
    return "{" + "".join(map(str, (h, k, -h - k, i) if hexagonal else (h, k, i))) + "}"


def equivalent_zones(crystal: Structure, uvw: ArrayLike) -> Indices:
    """The family <uvw>, shape (n, 3); a direction turns with the inverse transpose of what turns a plane."""
    turns = np.linalg.inv(symmetry_operations(crystal)).transpose(0, 2, 1)
    return np.unique(np.rint(np.asarray(uvw, float) @ turns).astype(np.int64), axis=0)


def low_index_zones(crystal: Structure, largest: int = 2) -> tuple[Indices, Indices]:
    """One of each family of directions with indices up to `largest`, and how many it stands for; the shortest first."""
    grid = index_grid([largest] * 3)
    grid = grid[np.gcd.reduce(grid, axis=1) == 1]
    turns = np.linalg.inv(symmetry_operations(crystal)).transpose(0, 2, 1)
    families = np.rint(np.einsum("ni,mij->nmj", grid, turns)).astype(np.int64)
    largest_code = np.max(_code(families), axis=1)
    size = np.abs(grid).sum(axis=1)
    length = np.linalg.norm(grid @ lattice_vectors(crystal), axis=1)
    order = np.lexsort([*-grid.T[::-1], np.sum(grid < 0, axis=1), size, largest_code])
    _, first = np.unique(largest_code[order], return_index=True)
    chosen = order[first][ranked(length[order[first]])]
    counts = np.array([len(np.unique(_code(families[place]))) for place in chosen], dtype=np.int64)
    return grid[chosen], counts


def _code(indices: Indices) -> Indices:
    """Each triple as one number that sorts as they do."""
    return np.asarray(indices @ np.array([1_000_000, 1000, 1]), dtype=np.int64)
