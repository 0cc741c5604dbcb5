"""Atomic columns to a hundredth of a pixel: thousands of two-dimensional Gaussians fitted at once."""

import math
import re
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve
from scipy.spatial import cKDTree

from nbtools.cache import cached
from nbtools.physics.crystal_lattice import lattice_vectors, viewing_axes
from nbtools.results import NotPossible
from nbtools.statistics.choice import first_best, nearest_whole, ranked
from nbtools.statistics.least_squares import Equations, invert, minimise, solve
from nbtools.stem.image import LatticeImage, check_plane
from nbtools.stem.indexing import Solution
from nbtools.stem.interface import GrainsStudy
from nbtools.stem.model_image import CONTRAST, atomic_numbers, project_columns
from nbtools.stem.spots import Spots
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
GRID = 48  # places a side at which the unit cell's origin is tried
SETTLED, MOST_ROUNDS = 1e-16, 100  # m, a last step of the origin's search; each takes off a share of the rest
# Of the columns of one kind: those nearer to another than this (m) are not told apart.
APART = 0.08e-9
WIDTH_SIGMA = 0.02  # of the columns' width, by how far they are no Gaussians: an assumption
MOST_LEFT = 1.35  # of the noise, that Gaussian columns may leave of an image
LEVEL = 0.8e-9  # m, between the nodes of the level under the columns
MOST_SOLVED = 6000  # columns whose heights are solved for at once
FEWEST = 8  # columns of a kind, whose height is compared
ROUNDS = 8
BATCH = 4000  # columns fitted at once
NEAR = 0.55  # of the distance to the nearest neighbour: radius of the pixels that count


@dataclass(frozen=True)
class ColumnFit:
    """Columns, lengths in pixels.

    positions : (y, x), shape (n, 2); uncertainties : of each coordinate, from noise, shape (n,)
    amplitudes : height over the background, negative for dark columns; widths : r.m.s. radius
    converged : False where the start was kept
    """

    positions: Array
    uncertainties: Array
    amplitudes: Array
    widths: Array
    converged: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.positions)


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
    # In bands across the image, so that a batch needs few neighbours of another.
    order = np.argsort(starts[:, 0], kind="stable")
    parts = [
        _refined(plane, starts, np.sort(chosen), reach, width)
        for chosen in np.array_split(order, -(-len(starts) // BATCH))
    ]
    back = np.argsort(np.concatenate([np.sort(c) for c in np.array_split(order, len(parts))]), kind="stable")
    return ColumnFit(
        *(np.concatenate([getattr(part, f.name) for part in parts])[back] for f in fields(ColumnFit))
    )


def _refined(
    plane: Array, every: Array, own: NDArray[np.intp], reach: float, width: float | None
) -> ColumnFit:
    """Some of the columns, their neighbours fitted with them."""
    box = every[own].min(axis=0) - 3 * reach, every[own].max(axis=0) + 3 * reach
    among = np.flatnonzero(np.all((every > box[0]) & (every < box[1]), axis=1))
    starts = every[among]
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
    first = np.column_stack([starts - corner, np.full(len(starts), width or reach / 2)])
    fitted, _, _ = _fit(pixels, dy, dx, first, reach)
    alone = pixels - _neighbours(corner, fitted, dy, dx, 2 * reach + half)
    wanted = np.searchsorted(among, own)
    fitted, covariance, moved = _fit(alone[wanted], dy, dx, fitted[wanted, 2:], reach)
    return _result(corner[wanted], starts[wanted], fitted, covariance, moved, reach)


# The same from disk, for columns of an image that are fitted again whenever a notebook runs.
kept_columns = cached(refine_columns)


def _usual_radius(starts: Array) -> float:
    if len(starts) < 2:
        return 5.0
    nearest = cKDTree(starts).query(starts, k=2)[0][:, 1]
    return float(np.clip(NEAR * np.median(nearest), 2.0, 25.0))


@dataclass(frozen=True)
class _Equations(Equations):
    """Products of the columns of each fit: Gaussian, 1, its change with y, x and width for height 1, the pixels."""

    gram: Array


def _fit(pixels: Array, dy: Array, dx: Array, start: Array, reach: float) -> tuple[Array, Array, Array]:
    """Height, background, y, x, width of each column; their covariances; how far y and x would still move.

    `start` holds y, x and width, shape (n, 3). Height and background are solved for.
    """
    mean = pixels.mean(axis=1, keepdims=True)
    data = pixels - mean

    def equations_at(parameters: Array, chosen: NDArray[np.intp]) -> _Equations:
        y, x, width = (parameters[:, i, None] for i in range(3))
        down, across = dy - y, dx - x
        squares = down**2 + across**2
        columns = np.empty((len(chosen), 6, data.shape[1]))
        columns[:, 0] = shape = np.exp(-squares / (2 * width**2))
        columns[:, 1], columns[:, 5] = 1.0, data[chosen]
        slopes = shape / width**2
        columns[:, 2], columns[:, 3], columns[:, 4] = slopes * down, slopes * across, slopes * squares / width
        gram = columns @ columns.transpose(0, 2, 1)
        linear = solve(gram[:, :2, :2], gram[:, :2, 5])
        fitted = np.einsum("pij,pj->pi", gram[:, :2, :2], linear)
        chi_square = gram[:, 5, 5] + np.einsum("pi,pi->p", linear, fitted - 2 * gram[:, :2, 5])
        return _Equations(linear, np.maximum(chi_square, 0.0), 1e-14 * gram[:, 5, 5], gram)

    def normal(equations: _Equations) -> tuple[Array, Array]:
        gram, linear = equations.gram, equations.linear
        scale = np.concatenate([np.ones_like(linear), np.repeat(linear[:, :1], 3, axis=1)], axis=1)
        fitted = np.einsum("pij,pj->pi", gram[:, :5, :2], linear)
        return gram[:, :5, :5] * scale[:, :, None] * scale[:, None, :], scale * (gram[:, :5, 5] - fitted)

    def moved(parameters: Array, step: Array) -> Array:
        after = parameters + np.clip(step, -reach / 3, reach / 3)
        after[:, 2] = np.clip(after[:, 2], 0.3, 2 * reach)
        return after

    found, there, _ = minimise(
        start, equations_at, normal, moved, points=data.shape[1], stated=False, steps=ROUNDS
    )
    matrix, gradient = normal(there)
    freedom = max(data.shape[1] - 5, 1)
    covariance = invert(matrix) * (there.chi_square / freedom)[:, None, None]
    left = np.max(np.abs(solve(matrix, gradient)[:, 2:4]), axis=1)
    return np.concatenate([there.linear + mean * [0, 1], found], axis=1), covariance, left


def _neighbours(corner: Array, fitted: Array, dy: Array, dx: Array, reach: float) -> Array:
    """What all other columns within `reach` add to each column's pixels."""
    centres = corner + fitted[:, 2:4]
    added = np.zeros((len(centres), len(dy)))
    pairs = cKDTree(centres).query_pairs(reach, output_type="ndarray")
    for one, other in (pairs.T, pairs.T[::-1]):
        shift = centres[other] - corner[one]
        squares = (dy - shift[:, 0, None]) ** 2 + (dx - shift[:, 1, None]) ** 2
        values = fitted[other, 0, None] * np.exp(-squares / (2 * fitted[other, 4, None] ** 2))
        np.add.at(added, one, values)
    return added


def _result(
    corner: Array, starts: Array, fitted: Array, covariance: Array, moved: Array, reach: float
) -> ColumnFit:
    positions = corner + fitted[:, 2:4]
    strayed = np.hypot(*(positions - starts).T) > reach
    good = ~strayed & (moved < 0.02) & (fitted[:, 4] > 0.3) & (fitted[:, 4] < 2 * reach)
    sigma = np.sqrt(np.maximum((covariance[:, 2, 2] + covariance[:, 3, 3]) / 2, 0))
    return ColumnFit(
        positions=np.where(good[:, None], positions, starts),
        uncertainties=np.where(good, sigma, np.inf),
        amplitudes=fitted[:, 0],
        widths=fitted[:, 4],
        converged=good,
    )


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
    crystal = solution.structure
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


def column_templates(
    pixels: NDArray[np.int64], shape: tuple[int, ...], positions: Array, width: float
) -> sparse.csc_matrix:
    """What a column of height 1 at each position adds to each pixel, (pixels, columns)."""
    number = np.full(shape, -1)
    number[tuple(pixels.T)] = np.arange(len(pixels))
    reach = int(np.ceil(3.2 * width))
    offsets = np.argwhere(np.ones((2 * reach + 1, 2 * reach + 1))) - reach
    at = np.rint(positions).astype(int)[:, None] + offsets
    values = np.exp(-np.sum((at - positions[:, None]) ** 2, axis=-1) / (2 * width**2))
    inside = np.all((at >= 0) & (at < np.array(shape)), axis=-1)
    row = np.where(inside, number[tuple(np.clip(at, 0, np.array(shape) - 1).transpose(2, 0, 1))], -1)
    column = np.broadcast_to(np.arange(len(at))[:, None], row.shape)
    used = row >= 0
    return sparse.csc_matrix((values[used], (row[used], column[used])), (len(pixels), len(at)))


def level_hats(pixels: NDArray[np.int64], pitch: float) -> sparse.csc_matrix:
    """Bilinear hats on a grid of `pitch` pixels, (pixels, nodes), those that reach a pixel."""
    low = np.floor(pixels / pitch).astype(int)
    part = pixels / pitch - low
    wide = int(low[:, 1].max()) + 2
    tall = int(low[:, 0].max()) + 2
    hats = sparse.csc_matrix((len(pixels), wide * tall))
    for dy in (0, 1):
        for dx in (0, 1):
            weight = np.abs(1 - dy - part[:, 0]) * np.abs(1 - dx - part[:, 1])
            node = (low[:, 0] + dy) * wide + low[:, 1] + dx
            hats += sparse.csc_matrix((weight, (np.arange(len(pixels)), node)), hats.shape)
    return hats[:, np.flatnonzero(np.asarray(hats.sum(axis=0)).ravel() > 0.5)]


def column_heights(image: Any, columns: LatticeColumns, width: float, pitch: float) -> tuple[Array, float]:
    """Height of every column at its own place, all at once over a slowly varying level; a faint column counts, too.

    Parameters
    ----------
    image : shape (y, x)
    columns : as `place_columns` gives them
    width : their r.m.s. radius, pixels
    pitch : of the level's nodes, pixels

    Returns
    -------
    Heights, shape (n,), NaN beyond the `MOST_SOLVED` columns nearest to the middle; and the r.m.s. of what they leave.
    """
    plane = check_plane(image)
    away = np.hypot(*(columns.positions - np.median(columns.positions, axis=0)).T)
    near = np.argsort(away, kind="stable")[:MOST_SOLVED]
    places = columns.positions[near]
    mask = np.zeros(plane.shape, bool)
    mask[tuple(np.rint(places).astype(int).T)] = True
    pixels = np.argwhere(ndimage.distance_transform_edt(~mask) <= 2.5 * width)
    values, level = plane[tuple(pixels.T)], level_hats(pixels, pitch)

    design = sparse.hstack([column_templates(pixels, plane.shape, places, width), level]).tocsc()
    normal = (design.T @ design).tocsc()
    normal = normal + 1e-9 * sparse.diags_array(normal.diagonal() + 1e-9)
    known = spsolve(normal.tocsc(), design.T @ values)
    found = np.full(len(away), np.nan)
    found[near] = known[: len(near)]
    return found, float(np.std(values - design @ known))


@dataclass(frozen=True, repr=False)
class ColumnsStudy(StudyResult):
    """The columns of the indexed grains of one image.

    Attributes
    ----------
    image : that was studied
    columns : of each grain, as its indexing places them
    fits : of the same columns
    contrasts : of the kinds of columns of a grain, by a text as "MgB2: B over Mg"
    names : of the grains
    missing : what could not be had, a sentence for each grain
    """

    image: LatticeImage
    columns: tuple[LatticeColumns, ...]
    fits: tuple[ColumnFit, ...]
    contrasts: dict[str, Quantity]
    names: tuple[str, ...]
    missing: dict[str, str]

    def rows(self) -> list[Row]:
        rows, size = [], self.image.pixel_size
        for name, fit in zip(self.names, self.fits, strict=True):
            good = fit.converged
            how = f"round Gaussians, {good.mean():.0%} of {len(fit)} converged"
            rows.append(Row(f"{name}, columns", Quantity(float(good.sum()), 0.0), how))
            sigma = Quantity(size * float(np.median(fit.uncertainties[good])), 0.0, "m")
            rows.append(Row(f"{name}, σ of a coordinate", sigma, "median, counting alone", shown="pm"))
        for name, ratio in self.contrasts.items():
            key = re.sub(r"\W+", "_", name)
            rows.append(Row(f"{name}, height", ratio, "all columns at once", f"{self.image.key}_{key}"))
        return rows

    def notes(self) -> list[str]:
        said = [
            "columns are placed by the phases of the waves; a kind that scarcely shows converges less often"
        ]
        return said + [f"{name}: {reason}" for name, reason in self.missing.items()]


def estimate_columns(grains: GrainsStudy) -> ColumnsStudy:
    """Place and fit the columns of every indexed grain, and compare the heights of their kinds.

    Raises
    ------
    NotPossible
        No grain was indexed.
    """
    image, found = grains.image, grains.grains
    if not found.solved:
        raise NotPossible("; ".join(pattern.reason for pattern in found.patterns))
    columns, fits, missing = [], [], {}
    contrasts: dict[str, Quantity] = {}
    for number in found.solved:
        solution = found.patterns[number].best
        placed = place_columns(
            solution, found.waves[number], found.masks[number], image.pixel_size, dark=image.dark
        )
        if not len(placed.positions):
            raise NotPossible(f"{solution.name}: its lattice places no column in the image")
        fit = kept_columns(image.plane, placed.positions)
        try:
            ratios = _contrasts(image, placed, fit, found.waves[number].noise)
            contrasts |= {f"{solution.crystal}: {kind}": ratio for kind, ratio in ratios.items()}
        except NotPossible as reason:
            missing[solution.name] = str(reason)
        columns.append(placed)
        fits.append(fit)
    names = tuple(found.name(number) for number in found.solved)
    return ColumnsStudy(image, tuple(columns), tuple(fits), contrasts, names, missing)


def _contrasts(
    image: LatticeImage, placed: LatticeColumns, fit: ColumnFit, noise: float
) -> dict[str, Quantity]:
    """Heights of each kind of columns over those of the strongest kind, as "B over Mg".

    Heights of faint columns beside strong ones hang on the width of the strong: what `WIDTH_SIGMA` of it does is in σ.
    """
    groups = {str(kind): placed.elements == kind for kind in np.unique(placed.elements)}
    groups = {kind: own for kind, own in groups.items() if own.sum() >= FEWEST}
    sizes = {kind: np.abs(fit.amplitudes[own & fit.converged]) for kind, own in groups.items()}
    strong = max(sizes, key=lambda kind: float(np.median(sizes[kind])) if len(sizes[kind]) >= FEWEST else 0.0)
    seen = groups[strong] & fit.converged
    if len(groups) < 2 or seen.sum() < FEWEST:
        return {}
    width = float(np.median(fit.widths[seen]))
    pitch = LEVEL / image.pixel_size
    (heights, left), (others, _) = (
        column_heights(image.plane, placed, scale * width, pitch) for scale in (1.0, 1.0 + WIDTH_SIGMA)
    )
    if left > MOST_LEFT * noise:
        raise NotPossible(
            f"the columns leave {left / noise:.1f} times the noise: they are no round Gaussians, and heights of faint "
            "columns beside strong ones are not given"
        )
    found = {}
    for kind, own in groups.items():
        if kind != strong:
            ratio, other = (_ratio(np.abs(h[own]), np.abs(h[groups[strong]])) for h in (heights, others))
            found[f"{kind} over {strong}"] = ratio.widened(abs(float(ratio) - float(other)))
    return found


def _ratio(weak: Array, strong: Array) -> Quantity:
    """Of two groups' median heights."""
    weak, strong = weak[np.isfinite(weak)], strong[np.isfinite(strong)]
    medians = [
        Quantity(float(np.median(group)), 1.25 * float(np.std(group)) / np.sqrt(len(group)))
        for group in (weak, strong)
    ]
    return Quantity.of(medians[0] / medians[1])
