"""Which columns of two lattices are there, near the boundary of their grains: each one's share, by least squares."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from nbtools.analysis.atom_columns import refine_columns
from nbtools.analysis.boundary_line import Boundary
from nbtools.analysis.interface_indexing import InterfaceIndex
from nbtools.analysis.lattice_columns import place_columns

Array = NDArray[np.float64]
REACH = 1.1e-9  # m, to either side of the contours: where columns are asked whether they are there
SURE = 0.5e-9  # m, from the contours: what surely is there, or not
PIECE, OVERLAP = 2.5e-9, 0.3e-9  # m of boundary solved at a time, and how far pieces know of each other
FAINT = 0.05  # of the strongest columns' height
BACKGROUND = 0.8e-9  # m, between the nodes of the level under the columns
FEWEST = 8  # columns of a kind from which its usual height is taken


@dataclass(frozen=True)
class Presence:
    """Places where either lattice would have a column, and how much of it is there.

    positions : (y, x), m, shape (n, 2); sides : 0 or 1, whose lattice; shares : 1 is as inside the grain; sigmas
    """

    positions: Array
    sides: NDArray[np.int64]
    shares: Array
    sigmas: Array


@dataclass(frozen=True)
class _Sites:
    """Columns that may be there: places in pixels, whose lattice, of which kind, how deep in their own grain (m)."""

    positions: Array
    sides: NDArray[np.int64]
    kinds: NDArray[np.str_]
    depths: Array

    def among(self, chosen: NDArray[np.bool_]) -> "_Sites":
        return _Sites(*(getattr(self, name)[chosen] for name in self.__annotations__))


def column_presence(
    plane: Array, size: float, interface: InterfaceIndex, boundary: Boundary, *, dark: bool = False
) -> Presence:
    """Both lattices, continued over the boundary, fitted column by column to the image.

    Parameters
    ----------
    plane : shape (y, x); size : of a pixel, m
    """
    contour = boundary.places()[np.isfinite(boundary.height)]
    every = _sites(plane.shape, size, interface, contour, dark)
    height, width = _usual_column(plane, every.among(every.depths > REACH))
    sites = every.among(np.abs(every.depths) < REACH)
    pixels = _near(np.argwhere(np.ones(plane.shape, bool)), size, contour, boundary)
    place, along = ((p * size - boundary.origin) @ boundary.tangent for p in (sites.positions, pixels))
    shares, sigmas = np.zeros(len(place)), np.full(len(place), np.inf)
    for start in np.arange(along.min(), along.max(), PIECE):
        near = (along > start - OVERLAP) & (along < start + PIECE + OVERLAP)
        chosen = np.flatnonzero((place > start - OVERLAP) & (place < start + PIECE + OVERLAP))
        templates = height * _templates(pixels[near], plane.shape, sites.positions[chosen], width)
        found = _solved(plane, pixels[near], templates, interface.waves[0].noise, BACKGROUND / size)
        own = (place[chosen] >= start) & (place[chosen] < start + PIECE)
        shares[chosen[own]], sigmas[chosen[own]] = (part[own] for part in found)
    scales, spreads = _usual_shares(sites, shares, sigmas)
    shows = scales > FAINT
    shares, sigmas = shares[shows] / scales[shows], sigmas[shows] / scales[shows] * spreads[shows]
    return Presence(sites.positions[shows] * size, sites.sides[shows], shares, sigmas)


def _near(pixels: NDArray[np.int64], size: float, contour: Array, boundary: Boundary) -> NDArray[np.int64]:
    """Those within reach of the contour; first by the straight line, which is quick."""
    height = (pixels * size - boundary.origin) @ boundary.normal
    known = boundary.height[np.isfinite(boundary.height)]
    pixels = pixels[(height > known.min() - REACH) & (height < known.max() + REACH)]
    return pixels[cKDTree(contour).query(pixels * size, distance_upper_bound=REACH)[0] < np.inf]


def _sites(
    shape: tuple[int, ...], size: float, interface: InterfaceIndex, contour: Array, dark: bool
) -> _Sites:
    found = []
    for side, (solution, waves, mask) in enumerate(
        zip(interface.solutions, interface.waves, interface.masks, strict=True)
    ):
        columns = place_columns(solution, waves, np.ones(shape, bool), size, dark=dark)
        away = cKDTree(contour).query(columns.positions * size)[0]
        inside = np.asarray(mask)[tuple(np.rint(columns.positions).astype(int).T)]
        kinds = np.char.add(f"{side} ", columns.elements)
        depths = np.where(inside, away, -away)
        found.append(_Sites(columns.positions, np.full(len(away), side), kinds, depths))
    return _Sites(*(np.concatenate([getattr(s, n) for s in found]) for n in _Sites.__annotations__))


def _usual_column(plane: Array, inside: _Sites) -> tuple[float, float]:
    """Height and r.m.s. radius (pixels) of the kind of columns, well inside its grain, that is fitted best."""
    fit = refine_columns(plane, inside.positions)
    best = (np.inf, 0.0, 1.0)
    for kind in np.unique(inside.kinds):
        seen = (inside.kinds == kind) & fit.converged
        if seen.sum() >= FEWEST:
            sigma, height, width = (
                float(np.median(values[seen])) for values in (fit.uncertainties, fit.amplitudes, fit.widths)
            )
            best = min(best, (sigma, height, width))
    if best[1] == 0.0:
        raise ValueError("no kind of column could be fitted inside either grain; take `find_boundary`")
    return best[1:]


def _usual_shares(sites: _Sites, shares: Array, sigmas: Array) -> tuple[Array, Array]:
    """Of each column: the share that its kind has inside its grain, and by how much σ is too small."""
    scales, spreads = np.zeros(len(shares)), np.ones(len(shares))
    for kind in np.unique(sites.kinds):
        same = sites.kinds == kind
        here, gone = same & (sites.depths > SURE), same & (sites.depths < -SURE)
        if here.sum() >= FEWEST:
            usual = float(np.median(shares[here]))
            pulls = np.r_[(shares[here] - usual) / sigmas[here], shares[gone] / sigmas[gone]]
            scales[same], spreads[same] = usual, max(1.0, 1.4826 * float(np.median(np.abs(pulls))))
    return scales, spreads


def _solved(
    plane: Array, pixels: NDArray[np.int64], templates: sparse.csc_matrix, noise: float, pitch: float
) -> tuple[Array, Array]:
    """Share of each column and its σ over a slowly varying level; what no pixel tells apart stays near a half."""
    values, level = plane[tuple(pixels.T)], _hats(pixels, pitch)
    count = templates.shape[1]
    design = sparse.hstack([templates, level]).tocsc()
    prior = noise**2 * np.r_[np.ones(count), np.full(level.shape[1], 1e-9)]
    normal = (design.T @ design).toarray()
    normal[np.diag_indices_from(normal)] += prior
    inverse = np.linalg.inv(normal)
    known = inverse @ (design.T @ values + prior * np.r_[np.full(count, 0.5), np.zeros(level.shape[1])])
    scatter = max(float(np.std(values - design @ known)), 1e-12)
    return known[:count], scatter * np.sqrt(np.diag(inverse)[:count])


def _templates(
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


def _hats(pixels: NDArray[np.int64], pitch: float) -> sparse.csc_matrix:
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
