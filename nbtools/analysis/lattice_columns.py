"""Where an indexed grain has its columns, and how strongly each kind shows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nbtools.analysis.atom_columns import ColumnFit, kept_columns
from nbtools.analysis.fft_indexing import Solution
from nbtools.analysis.fft_spots import Spots
from nbtools.analysis.image_checks import check_plane
from nbtools.models.stem_image import CONTRAST, atomic_numbers, project_columns, viewing_axes
from nbtools.physics.crystal_lattice import lattice_vectors
from nbtools.statistics.choice import first_best, nearest_whole, ranked
from nbtools.units import Quantity

Array = NDArray[np.float64]
GRID = 48  # places a side at which the unit cell's origin is tried
SETTLED, MOST_ROUNDS = 1e-16, 100  # m, a last step of the origin's search; each takes off a share of the rest
# Of the columns of one kind: those nearer to another than this (m) are not told apart.
APART = 0.08e-9


@dataclass(frozen=True)
class LatticeColumns:
    """Columns of a grain as its indexing says: (y, x) in pixels, shape (n, 2), and the element of each."""

    positions: Array
    elements: NDArray[np.str_]

    def of(self, element: str) -> Array:
        """Positions of one element's columns."""
        return self.positions[self.elements == element]


def place_columns(
    solution: Solution,
    waves: Spots,
    mask: NDArray[np.bool_],
    pixel_size: float,
    *,
    dark: bool = False,
) -> LatticeColumns:
    """The columns of an indexed grain in the picture, from the phases of its waves.

    Parameters
    ----------
    solution : of `index_pattern` or `index_interface`; waves : the spots as they are in the picture
    mask : where the grain is; dark : whether columns are dark, as in bright field
    """
    shape = mask.shape
    chosen = solution.match.chosen
    used = np.flatnonzero(chosen >= 0)
    seen, turned = waves.wave_vectors[used], deformation(solution, waves)
    middle = pixel_size * (np.array(shape) - 1) / 2
    crystal = solution.crystal.structure
    axes = viewing_axes(crystal, solution.zone)
    weights = atomic_numbers(crystal) ** CONTRAST["ABF" if dark else "HAADF"] * crystal.occupancies
    hkl = solution.match.zone.hkl[chosen[used]]
    expected = np.angle(np.exp(-2j * np.pi * hkl @ crystal.positions.T) @ weights) + np.pi * dark
    # At the grain's middle, where the waves were seen; from there on as the lattice has them: all corners are equal.
    grain = pixel_size * np.argwhere(mask) - middle
    centre = grain.sum(axis=0) / max(len(grain), 1)
    phases = waves.phases[used] + 2 * np.pi * seen @ centre - expected
    fitted = solution.match.zone.places[chosen[used]] @ np.linalg.inv(turned)
    corner = centre + _origin(phases, fitted, waves.amplitudes[used], crystal, axes, turned)
    reach = float(np.hypot(*shape) * pixel_size)
    columns = project_columns(crystal, solution.zone, 0.0, (reach, reach))
    positions = (columns.positions - reach / 2) @ turned.T
    # Move by whole cells only: the nearest lattice point to the shift that centres the pattern.
    net = (lattice_vectors(crystal) @ axes.T) @ turned.T
    start = -(np.full(2, reach / 2) @ turned.T)
    shift = corner - start
    whole = _whole_cells(shift, net)
    positions = (positions + shift - whole + middle) / pixel_size
    inside = np.all((positions > 0) & (positions < np.array(shape) - 1), axis=1)
    positions, elements = positions[inside], columns.elements[inside]
    here = mask[tuple(np.rint(positions).astype(int).T)]
    return _once(positions[here], elements[here], APART / pixel_size)


def deformation(solution: Solution, waves: Spots) -> Array:
    """(2, 2) that turns and stretches the crystal's projected columns into the picture's, (y, x), from the waves."""
    chosen = solution.match.chosen
    used = np.flatnonzero(chosen >= 0)
    places = solution.match.zone.places[chosen[used]]
    stretch = np.linalg.lstsq(places, waves.wave_vectors[used], rcond=None)[0].T
    return np.asarray(np.linalg.inv(stretch).T)


def _origin(phases: Array, seen: Array, amplitudes: Array, crystal: Any, axes: Array, turned: Array) -> Array:
    """Where a corner of the cell is, from where the phases are taken: they are −2π k·r there."""
    net = (lattice_vectors(crystal) @ axes.T) @ turned.T
    order = ranked(np.hypot(*net.T))
    steps = np.linspace(0, 1, GRID, endpoint=False)
    pairs = [(i, j) for i in order for j in order if i < j]
    a, b = _widest_pair(net, pairs)
    grid = steps[:, None, None] * net[a] + steps[None, :, None] * net[b]
    score = np.cos(phases + 2 * np.pi * grid @ seen.T) @ amplitudes
    # A centred cell has several corners that are equal.
    best = grid[np.unravel_index(first_best(score, highest=True), score.shape)]
    for _ in range(MOST_ROUNDS):
        slope = -np.sin(phases + 2 * np.pi * seen @ best) * amplitudes
        curve = np.abs(np.cos(phases + 2 * np.pi * seen @ best)) * amplitudes
        normal = 2 * np.pi * (seen * curve[:, None]).T @ seen
        step = np.linalg.solve(normal, seen.T @ slope)
        best = best + step
        if np.hypot(*step) < SETTLED:
            break
    return np.asarray(best)


def _whole_cells(shift: Array, net: Array) -> Array:
    """The lattice vector nearest to a shift."""
    pair = list(_widest_pair(net, [(0, 1), (0, 2), (1, 2)]))
    return np.asarray(nearest_whole(shift @ np.linalg.inv(net[pair])) @ net[pair])


def _widest_pair(net: Array, pairs: list[tuple[int, int]]) -> tuple[int, int]:
    """The two of three projected vectors that span most, of equal pairs the first."""
    return pairs[first_best([abs(np.linalg.det(net[list(pair)])) for pair in pairs], highest=True)]


def _once(positions: Array, elements: NDArray[np.str_], apart: float) -> LatticeColumns:
    """Atoms one behind the other are one column; kinds that coincide are named together."""
    label = np.arange(len(positions))
    free = np.ones(len(positions), bool)
    # Chains of near columns are cut where the first of them has all within reach.
    for one, other in sorted(cKDTree(positions).query_pairs(apart)) if len(positions) else ():
        if label[one] == one and free[other]:
            label[other], free[other], free[one] = one, False, False
    _, group = np.unique(label, return_inverse=True)
    counts = np.bincount(group)
    places = np.stack([np.bincount(group, axis) / counts for axis in positions.T], axis=1)
    kinds, number = np.unique(elements, return_inverse=True)
    holds = np.zeros((len(counts), len(kinds)), bool)
    holds[group, number] = True
    patterns, which = np.unique(holds, axis=0, return_inverse=True)
    names = np.array(["+".join(kinds[pattern]) for pattern in patterns], dtype=np.str_)
    return LatticeColumns(places, names[which.ravel()])


@dataclass(frozen=True)
class ColumnContrast:
    """Heights of the columns of one element over another's; ratio with σ, and the fit of all columns."""

    ratio: Quantity
    elements: tuple[str, str]
    fit: ColumnFit
    columns: LatticeColumns

    def __str__(self) -> str:
        return f"{self.elements[0]} over {self.elements[1]}: {self.ratio}"


def column_contrast(image: Any, columns: LatticeColumns, weak: str, strong: str) -> ColumnContrast:
    """How strongly columns of `weak` show beside those of `strong`: ratio of their fitted heights.

    Raises
    ------
    ValueError
        Where the zone shows no separate columns of both.
    """
    counts = {element: int(np.sum(columns.elements == element)) for element in (weak, strong)}
    if min(counts.values()) < 8:
        raise ValueError(
            f"separate columns of {weak} and {strong} are needed; this zone shows {counts} "
            f"(kinds: {', '.join(np.unique(columns.elements))})"
        )
    fit = kept_columns(check_plane(image), columns.positions)
    heights = [np.abs(fit.amplitudes[(columns.elements == kind) & fit.converged]) for kind in (weak, strong)]
    means = [float(np.median(values)) for values in heights]
    errors = [
        1.25 * float(np.std(values)) / np.sqrt(len(values)) / mean
        for values, mean in zip(heights, means, strict=True)
    ]
    ratio = means[0] / means[1]
    return ColumnContrast(Quantity(ratio, ratio * float(np.hypot(*errors))), (weak, strong), fit, columns)
