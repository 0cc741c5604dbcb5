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
    """Where P spectra stand: centres and widths (eV), shape (P, k)."""

    centres: Array
    widths: Array

    def __len__(self) -> int:
        return self.centres.shape[1]

    def at(self, chosen: Any) -> "Bands":
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
    """P spectra with the powers of their background.

    Attributes
    ----------
    energy : eV, shape (n,) or, where each spectrum has bins of its own, (P, n)
    counts, weights : counts and 1/variance, shape (P, n)
    powers : of the background, shape (b, n) or (P, b, n)
    limits : lowest and highest energy and the narrowest channel, eV
    """

    energy: Array
    counts: Array
    weights: Array
    powers: Array
    limits: tuple[float, float, float]

    @classmethod
    def on_axis(cls, energy: Array, counts: Array, weights: Array, powers: Array) -> "Spectra":
        """Spectra on one axis."""
        limits = float(energy[0]), float(energy[-1]), float(np.min(np.diff(energy)))
        return cls(energy, counts, weights, powers, limits)

    def at(self, chosen: NDArray[Any]) -> "Spectra":
        """Some of them."""
        several = {
            name: values[chosen]
            for name, values, one in (("energy", self.energy, 1), ("powers", self.powers, 2))
            if values.ndim > one
        }
        return replace(self, counts=self.counts[chosen], weights=self.weights[chosen], **several)

    def binned(self, size: int) -> "Spectra":
        """Channels averaged in groups of `size`, so that a step costs as much less; the rest is cut off.

        A bin stands at the weighted mean of its energies: a line in it is then averaged exactly, whatever the weights.
        """
        if size == 1:
            return self
        whole = self.energy.size // size * size

        def group(values: Array) -> Array:
            return values[..., :whole].reshape(*values.shape[:-1], whole // size, size)

        weights, energy = group(self.weights), group(self.energy)
        total = weights.sum(-1)
        share = weights / np.where(total > 0, total, 1.0)[..., None]
        mean = np.einsum("pjs,pjs->pj", group(self.counts), share)
        places = np.einsum("js,pjs->pj", energy, share)
        powers = np.einsum("bjs,pjs->pbj", group(self.powers), share)
        return Spectra(places, mean, total, powers, self.limits)


def columns_of(spectra: Spectra, bands: Bands) -> Array:
    """Bands, background, the bands' changes, and the counts, all weighed by √weights, shape (P, 3k + b + 1, n)."""
    k, b, root = len(bands), spectra.powers.shape[-2], np.sqrt(spectra.weights)
    found = np.empty((len(bands.centres), 3 * k + b + 1, spectra.energy.shape[-1]))
    u = (spectra.energy[..., None, :] - bands.centres[..., None]) / bands.widths[..., None]
    bell, slope = found[:, :k], found[:, k + b : 2 * k + b]
    np.multiply(u, u, out=bell)
    np.exp(np.multiply(bell, -0.5, out=bell), out=bell)
    bell *= root[:, None]
    np.multiply(spectra.powers, root[:, None], out=found[:, k : k + b])
    np.multiply(bell, u, out=slope)
    np.multiply(slope, u, out=found[:, 2 * k + b : 3 * k + b])
    np.multiply(spectra.counts, root, out=found[:, -1])
    return found


def equations_at(spectra: Spectra, bands: Bands) -> Equations:
    """The normal equations of every spectrum, its heights and background solved for."""
    columns = columns_of(spectra, bands)
    gram = columns @ columns.transpose(0, 2, 1)
    size = len(bands) + spectra.powers.shape[-2]
    matrix, right = gram[:, :size, :size], gram[:, :size, -1]
    linear = solve(matrix, right)
    fitted = np.einsum("pij,pj->pi", matrix, linear)
    chi_square = gram[:, -1, -1] + np.einsum("pi,pi->p", linear, fitted - 2 * right)
    return Equations(linear, np.maximum(chi_square, 0.0), 1e-14 * gram[:, -1, -1], gram)


def normal_matrix(equations: Equations, count: int) -> tuple[Array, Array]:
    """JᵀWJ and JᵀWr for heights, background, centres/width and ln width of `count` bands, shape (P, m, m), (P, m)."""
    gram, linear = equations.gram, equations.linear
    heights = linear[:, :count]
    scale = np.concatenate([np.ones_like(linear), heights, heights], axis=1)
    matrix = gram[:, :-1, :-1] * scale[:, :, None] * scale[:, None, :]
    fitted = np.einsum("pij,pj->pi", gram[:, :-1, : linear.shape[1]], linear)
    return matrix, scale * (gram[:, :-1, -1] - fitted)


def moved(bands: Bands, step: Array, limits: tuple[float, float, float]) -> Bands:
    """Bands after a step, kept on the axis and neither narrower than half a channel nor wider than all of it."""
    low, high, channel = limits
    step = np.clip(step, -LARGEST_STEP, LARGEST_STEP)
    count = len(bands)
    centres = np.clip(bands.centres + bands.widths * step[:, :count], low, high)
    widths = np.clip(bands.widths * np.exp(step[:, count:]), 0.5 * channel, high - low)
    return Bands(centres, widths)


def minimise(
    spectra: Spectra, bands: Bands, *, enough: float = least_squares.ENOUGH
) -> tuple[Bands, Equations, NDArray[np.bool_]]:
    """The least χ² of every spectrum from `bands` on; also the equations there and whether the search ended.

    A step that would lower χ² by less than `enough` ends a search.
    """
    count = len(bands)

    def named(parameters: Array) -> Bands:
        return Bands(parameters[:, :count], parameters[:, count:])

    def after(parameters: Array, step: Array) -> Array:
        there = moved(named(parameters), step, spectra.limits)
        return np.concatenate([there.centres, there.widths], axis=1)

    found, there, done = least_squares.minimise(
        np.concatenate([bands.centres, bands.widths], axis=1),
        lambda parameters, chosen: equations_at(spectra.at(chosen), named(parameters)),
        lambda equations: normal_matrix(equations, count),
        after,
        points=spectra.energy.shape[-1],
        # Where the bands do not follow a spectrum, its noise is not what decides where the minimum lies.
        stated=False,
        enough=enough,
    )
    return named(found), there, done


def last_step(spectra: Spectra, bands: Bands) -> tuple[Bands, Equations, Array]:
    """One undamped step of all parameters from near the minimum: bands and equations after it, and the fall of χ².

    What the equations then say is what they said before the step, but for heights, background and χ², which have moved
    with it: where χ² falls by little, the second derivatives do not change.
    """
    here = equations_at(spectra, bands)
    matrix, gradient = normal_matrix(here, len(bands))
    size = here.linear.shape[1]
    gradient[:, :size] = 0.0  # the linear parameters have been solved for
    step = solve(matrix, gradient)
    fall = np.einsum("pi,pi->p", step, gradient)
    after = replace(here, linear=here.linear + step[:, :size], chi_square=here.chi_square - fall)
    return moved(bands, step[:, size:], spectra.limits), after, fall
