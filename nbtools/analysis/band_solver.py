"""Gaussian bands on a background in many spectra at once: one product per step holds all the normal equations.

Bands are linear in their heights and the background, so that only centres and widths are searched for (variable
projection; Golub and Pereyra, Inverse Problems 19, R1, 2003), by Levenberg and Marquardt's steps. Every column that
heights, steps, χ² and covariance need stands in one array per chunk, and its product with itself holds them all.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbtools.statistics import least_squares
from nbtools.statistics.least_squares import solve

Array = NDArray[np.float64]
LARGEST_STEP = 0.7  # of a width


@dataclass(frozen=True)
class Bands:
    """Where a chunk of P spectra stands: centres and widths (eV), shape (P, k) or, where all share them, (1, k)."""

    centres: Array
    widths: Array

    def __len__(self) -> int:
        return self.centres.shape[1]

    def at(self, chosen: NDArray[Any]) -> "Bands":
        return Bands(self.centres[chosen], self.widths[chosen])


@dataclass(frozen=True)
class Equations(least_squares.Equations):
    """The normal equations at one place: products of columns (P, m, m), beside heights and background, and χ².

    Columns are the bands, the background's powers, each band's change with centre and with width (both in
    units of its width and for height 1), and the counts.
    """

    gram: Array


@dataclass(frozen=True)
class Spectra:
    """P spectra on one energy axis (eV, shape (n,)): counts and 1/variance, shape (P, n); powers of the background."""

    energy: Array
    counts: Array
    weights: Array
    powers: Array

    def at(self, chosen: NDArray[Any]) -> "Spectra":
        return replace(self, counts=self.counts[chosen], weights=self.weights[chosen])

    def binned(self, size: int) -> "Spectra":
        """Channels averaged in groups of `size`, so that a step costs as much less; the rest is cut off."""
        if size == 1:
            return self
        whole = self.energy.size // size * size

        def group(values: Array) -> Array:
            return values[..., :whole].reshape(*values.shape[:-1], -1, size)

        weights = group(self.weights)
        total = weights.sum(-1)
        mean = (group(self.counts) * weights).sum(-1) / np.where(total > 0, total, 1.0)
        return Spectra(group(self.energy).mean(-1), mean, total, group(self.powers).mean(-1))


def columns_of(spectra: Spectra, bands: Bands, root: Array | None = None) -> Array:
    """Bands, background, and the bands' changes, shape (P or 1, 3k + b, n); with `root`, √weights, weighed by it.

    Then one more row holds the counts.
    """
    k, b = len(bands), len(spectra.powers)
    more = 0 if root is None else 1
    found = np.empty((bands.centres.shape[0], 3 * k + b + more, spectra.energy.size))
    u = (spectra.energy - bands.centres[..., None]) / bands.widths[..., None]
    bell, slope = found[:, :k], found[:, k + b : 2 * k + b]
    np.multiply(u, u, out=bell)
    np.exp(np.multiply(bell, -0.5, out=bell), out=bell)
    found[:, k : k + b] = spectra.powers
    if root is not None:
        found[:, : k + b] *= root[:, None]
        np.multiply(spectra.counts, root, out=found[:, -1])
    np.multiply(bell, u, out=slope)
    np.multiply(slope, u, out=found[:, 2 * k + b : 3 * k + b])
    return found


def equations_at(spectra: Spectra, bands: Bands) -> Equations:
    """The normal equations of every spectrum, its heights and background solved for."""
    if len(bands.centres) == 1:
        gram = _shared_gram(spectra, columns_of(spectra, bands))
    else:
        columns = columns_of(spectra, bands, np.sqrt(spectra.weights))
        gram = columns @ columns.transpose(0, 2, 1)
    size = len(bands) + len(spectra.powers)
    matrix, right = gram[:, :size, :size], gram[:, :size, -1]
    linear = solve(matrix, right)
    fitted = np.einsum("pij,pj->pi", matrix, linear)
    chi_square = gram[:, -1, -1] + np.einsum("pi,pi->p", linear, fitted - 2 * right)
    return Equations(linear, np.maximum(chi_square, 0.0), 1e-14 * gram[:, -1, -1], gram)


def _shared_gram(spectra: Spectra, columns: Array) -> Array:
    """The same where the columns are those of all spectra: one large product instead of many small ones."""
    shared = columns[0]
    size = len(shared)
    upper = np.triu_indices(size)
    products = spectra.weights @ (shared[upper[0]] * shared[upper[1]]).T
    weighted = spectra.weights * spectra.counts
    gram = np.empty((len(weighted), size + 1, size + 1))
    gram[:, upper[0], upper[1]] = gram[:, upper[1], upper[0]] = products
    gram[:, :size, size] = gram[:, size, :size] = weighted @ shared.T
    gram[:, size, size] = np.einsum("pn,pn->p", weighted, spectra.counts)
    return gram


def normal_matrix(equations: Equations, count: int) -> tuple[Array, Array]:
    """JᵀWJ and JᵀWr for heights, background, centres/width and ln width of `count` bands, shape (P, m, m), (P, m)."""
    gram, linear = equations.gram, equations.linear
    heights = linear[:, :count]
    scale = np.concatenate([np.ones_like(linear), heights, heights], axis=1)
    matrix = gram[:, :-1, :-1] * scale[:, :, None] * scale[:, None, :]
    fitted = np.einsum("pij,pj->pi", gram[:, :-1, : linear.shape[1]], linear)
    return matrix, scale * (gram[:, :-1, -1] - fitted)


def moved(bands: Bands, step: Array, energy: Array) -> Bands:
    """Bands after a step, kept on the axis and neither narrower than half a channel nor wider than all of it."""
    span, channel = float(np.ptp(energy)), float(np.min(np.abs(np.diff(energy))))
    step = np.clip(step, -LARGEST_STEP, LARGEST_STEP)
    count = len(bands)
    centres = np.clip(bands.centres + bands.widths * step[:, :count], energy.min(), energy.max())
    widths = np.clip(bands.widths * np.exp(step[:, count:]), 0.5 * channel, span)
    return Bands(centres, widths)


def minimise(
    spectra: Spectra, bands: Bands, free: NDArray[np.bool_], *, steps: int = least_squares.MOST_STEPS
) -> tuple[Bands, Equations, NDArray[np.bool_]]:
    """The least χ² of every spectrum from `bands` on; also the equations there and whether the search ended."""
    count = len(bands)

    def named(parameters: Array) -> Bands:
        return Bands(parameters[:, :count], parameters[:, count:])

    def after(parameters: Array, step: Array) -> Array:
        there = moved(named(parameters), step, spectra.energy)
        return np.concatenate([there.centres, there.widths], axis=1)

    if not free.any():
        there = equations_at(spectra, bands)
        return bands, there, np.ones(len(there.chi_square), bool)
    found, there, done = least_squares.minimise(
        np.concatenate([bands.centres, bands.widths], axis=1),
        lambda parameters, chosen: equations_at(spectra.at(chosen), named(parameters)),
        lambda equations: normal_matrix(equations, count),
        after,
        points=spectra.energy.size,
        free=free,
        steps=steps,
    )
    return named(found), there, done
