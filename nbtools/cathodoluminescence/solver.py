"""Gaussian bands on a background in many spectra at once: one product per step holds all the normal equations.

Bands are linear in their heights and the background, so that only centres and widths are searched for (variable
projection; Golub and Pereyra, Inverse Problems 19, R1, 2003), by Levenberg and Marquardt's steps. Every column that
heights, steps, χ² and covariance need stands in one array per chunk, and its product with itself holds them all.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MOST_STEPS = 60
# A step that would lower χ² by less than this, with the noise as stated, ends the search; in a valley so flat that
# it takes too many steps, as of two bands that are really one, the second is near enough: well within 1 σ.
ENOUGH, NEAR_ENOUGH = 1e-5, 0.1
LARGEST_STEP = 0.7  # of a width
STIFFEST = 1e7


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
class Equations:
    """The normal equations at one place: products of columns (P, m, m), heights and background (P, l), χ² (P,).

    Columns are the bands, the background's powers, each band's change with centre and with width (both in
    units of its width and for height 1), and the counts.
    """

    gram: Array
    linear: Array
    chi_square: Array

    def at(self, chosen: NDArray[Any]) -> "Equations":
        return Equations(self.gram[chosen], self.linear[chosen], self.chi_square[chosen])

    def put(self, chosen: NDArray[np.intp], new: "Equations", better: NDArray[np.bool_]) -> None:
        """Take over the better of a chunk's equations, in place."""
        for mine, theirs in zip(vars(self).values(), vars(new).values(), strict=True):
            mine[chosen[better]] = theirs[better]


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
    return Equations(gram, linear, np.maximum(chi_square, 0.0))


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


def solve(matrix: Array, right: Array) -> Array:
    """Symmetric systems (P, m, m), (P, m), scaled to a diagonal of 1 and held just off singular."""
    size = matrix.shape[-1]
    scale = np.sqrt(np.maximum(np.einsum("pii->pi", matrix), 1e-300))
    balanced = matrix / (scale[:, :, None] * scale[:, None, :])
    balanced[:, np.arange(size), np.arange(size)] = np.where(scale > 1e-140, 1 + 1e-11, 1.0)
    return np.asarray(np.linalg.solve(balanced, (right / scale)[..., None])[..., 0] / scale)


def normal_matrix(equations: Equations, count: int) -> tuple[Array, Array]:
    """JᵀWJ and JᵀWr for heights, background, centres/width and ln width of `count` bands, shape (P, m, m), (P, m)."""
    gram, linear = equations.gram, equations.linear
    heights = linear[:, :count]
    scale = np.concatenate([np.ones_like(linear), heights, heights], axis=1)
    matrix = gram[:, :-1, :-1] * scale[:, :, None] * scale[:, None, :]
    fitted = np.einsum("pij,pj->pi", gram[:, :-1, : linear.shape[1]], linear)
    return matrix, scale * (gram[:, :-1, -1] - fitted)


def step_from(
    equations: Equations, damping: Array, free: NDArray[np.bool_], count: int
) -> tuple[Array, Array]:
    """Damped step of centres (in widths) and ln widths, shape (P, 2k), and the fall of χ² it would bring if undamped.

    `free`, shape (2k,), says which of them move.
    """
    matrix, gradient = normal_matrix(equations, count)
    size = equations.linear.shape[1]
    moving = np.concatenate([np.arange(size), size + np.flatnonzero(free)])
    inner = matrix[:, moving[:, None], moving]
    diagonal = np.einsum("pii->pi", inner)
    stiff = np.zeros_like(diagonal)
    stiff[:, size:] = damping[:, None] * diagonal[:, size:]
    places = np.arange(moving.size)
    # A band of no height would leave its place undetermined: it then stays.
    floor = 1e-9 * np.maximum(diagonal.max(1, keepdims=True), 1e-300)
    inner[:, places, places] = diagonal + stiff + floor
    right = gradient[:, moving]
    right[:, :size] = 0.0
    found = solve(inner, right)
    step = np.zeros((len(found), 2 * count))
    step[:, free] = found[:, size:]
    return step, (1 + damping) * np.einsum("pi,pi->p", found, right)


def moved(bands: Bands, step: Array, energy: Array) -> Bands:
    """Bands after a step, kept on the axis and neither narrower than half a channel nor wider than all of it."""
    span, channel = float(np.ptp(energy)), float(np.min(np.abs(np.diff(energy))))
    step = np.clip(step, -LARGEST_STEP, LARGEST_STEP)
    count = len(bands)
    centres = np.clip(bands.centres + bands.widths * step[:, :count], energy.min(), energy.max())
    widths = np.clip(bands.widths * np.exp(step[:, count:]), 0.5 * channel, span)
    return Bands(centres, widths)


def minimise(
    spectra: Spectra, bands: Bands, free: NDArray[np.bool_], *, steps: int = MOST_STEPS
) -> tuple[Bands, Equations, NDArray[np.bool_]]:
    """The least χ² of every spectrum from `bands` on; also the equations there and whether the search ended.

    Spectra that are done leave the chunk, so that a few stubborn ones cost only themselves.
    """
    here = Bands(bands.centres.copy(), bands.widths.copy())
    there = equations_at(spectra, here)
    if not free.any():
        return here, there, np.ones(len(there.chi_square), bool)
    total = len(there.chi_square)
    done = np.zeros(total, bool)
    close = done.copy()
    damping = np.full(total, 1e-2)
    freedom = max(spectra.energy.size - there.linear.shape[1] - int(free.sum()), 1)
    for _ in range(steps):
        active = np.flatnonzero(~done)
        if not active.size:
            break
        now = here.at(active)
        step, fall = step_from(there.at(active), damping[active], free, len(bands))
        floor = 1e-14 * there.gram[active, -1, -1]
        scale = np.minimum(there.chi_square[active] / freedom, 1.0)
        near = fall < np.maximum(ENOUGH * scale, floor)
        close[active] = fall < NEAR_ENOUGH * scale
        trial = moved(now, step, spectra.energy)
        new = equations_at(spectra.at(active), trial)
        better = new.chi_square < there.chi_square[active]
        there.put(active, new, better)
        here.centres[active[better]] = trial.centres[better]
        here.widths[active[better]] = trial.widths[better]
        damping[active] = np.where(better, np.maximum(0.1 * damping[active], 1e-9), 8 * damping[active])
        done[active] = near | (damping[active] > STIFFEST)
    return here, there, done | close
