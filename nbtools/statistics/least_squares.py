"""Thousands of small least-squares fits side by side: Levenberg and Marquardt's steps, linear parameters solved for.

A model that is linear in some parameters (heights, a background) is searched in the others only (variable projection;
Golub and Pereyra, Inverse Problems 19, R1, 2003). One array holds the normal equations of all fits, so that a step
costs one call of linear algebra and not one a fit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MOST_STEPS = 60
# A step that would lower χ² by less than this, with the noise as stated, ends the search; in a valley so flat that
# it takes too many steps, as of two bands that are really one, the second is near enough: well within 1 σ.
ENOUGH, NEAR_ENOUGH = 1e-5, 0.1
STIFFEST = 1e7


@dataclass(frozen=True)
class Equations:
    """What P fits are at one place; a problem's own class adds what its normal equations are made from.

    Attributes
    ----------
    linear : parameters that were solved for, shape (P, l)
    chi_square : shape (P,)
    floor : χ² that rounding leaves, shape (P,)
    """

    linear: Array
    chi_square: Array
    floor: Array

    def at(self, chosen: NDArray[Any]) -> Self:
        """Those of some fits."""
        return type(self)(**{name: values[chosen] for name, values in vars(self).items()})

    def put(self, chosen: NDArray[np.intp], new: Self, better: NDArray[np.bool_]) -> None:
        """Take over the better of some fits' equations, in place."""
        for mine, theirs in zip(vars(self).values(), vars(new).values(), strict=True):
            mine[chosen[better]] = theirs[better]


E = TypeVar("E", bound=Equations)


def minimise(
    start: Array,
    equations_at: Callable[[Array, NDArray[np.intp]], E],
    normal: Callable[[E], tuple[Array, Array]],
    moved: Callable[[Array, Array], Array],
    *,
    points: int,
    free: NDArray[np.bool_] | None = None,
    stated: bool = True,
    steps: int = MOST_STEPS,
    enough: float = ENOUGH,
) -> tuple[Array, E, NDArray[np.bool_]]:
    """The least χ² of each of P fits, from `start` on.

    Fits that are done leave the batch, so that a few stubborn ones cost only themselves.

    Parameters
    ----------
    start : parameters that are searched, shape (P, n)
    equations_at : of parameters, shape (p, n), and the numbers of the fits that they are of, shape (p,)
    normal : JᵀWJ, shape (p, l + n, l + n), and JᵀWr, shape (p, l + n), of such equations, the linear parameters first
    moved : parameters after a step, both of shape (p, n), kept to where the model makes sense
    points : of data, of each fit
    free : shape (n,), which parameters are searched; by default all
    stated : whether the weights are 1/variance; else χ² itself says how large the noise is
    steps : at most
    enough : a step that would lower χ² by less ends a search

    Returns
    -------
    Parameters, equations there, and whether each search ended.
    """
    here = start.copy()
    there = equations_at(here, np.arange(len(here)))
    free = np.ones(here.shape[1], bool) if free is None else free
    if not free.any():
        return here, there, np.ones(len(here), bool)
    done = np.zeros(len(here), bool)
    close = done.copy()
    damping = np.full(len(here), 1e-2)
    freedom = max(points - there.linear.shape[1] - int(free.sum()), 1)
    for _ in range(steps):
        active = np.flatnonzero(~done)
        if not active.size:
            break
        now = there.at(active)
        step, fall = step_from(*normal(now), damping[active], free)
        scale = now.chi_square / freedom
        if stated:
            scale = np.minimum(scale, 1.0)
        near = fall < np.maximum(enough * scale, now.floor)
        close[active] = fall < NEAR_ENOUGH * scale
        done[active] = near
        if near.any():  # a step that buys nothing is not worth an evaluation
            active, step, now = active[~near], step[~near], now.at(~near)
        trial = moved(here[active], step)
        new = equations_at(trial, active)
        better = new.chi_square < now.chi_square
        there.put(active, new, better)
        here[active[better]] = trial[better]
        damping[active] = np.where(better, np.maximum(0.1 * damping[active], 1e-9), 8 * damping[active])
        done[active] = damping[active] > STIFFEST
    return here, there, done | close


def step_from(matrix: Array, gradient: Array, damping: Array, free: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Damped step of the searched parameters, shape (P, n), and the fall of χ² it would bring if undamped.

    Parameters
    ----------
    matrix, gradient : as `minimise` has them of `normal`
    damping : shape (P,)
    free : shape (n,), which parameters move
    """
    linear = matrix.shape[1] - free.size
    moving = np.concatenate([np.arange(linear), linear + np.flatnonzero(free)])
    inner = matrix[:, moving[:, None], moving]
    diagonal = np.einsum("pii->pi", inner)
    stiff = np.zeros_like(diagonal)
    stiff[:, linear:] = damping[:, None] * diagonal[:, linear:]
    places = np.arange(moving.size)
    # What has no say in the model, as the place of a band of no height, would be undetermined: it then stays.
    floor = 1e-9 * np.maximum(diagonal.max(1, keepdims=True), 1e-300)
    inner[:, places, places] = diagonal + stiff + floor
    right = gradient[:, moving]
    right[:, :linear] = 0.0
    found = solve(inner, right)
    step = np.zeros((len(found), free.size))
    step[:, free] = found[:, linear:]
    return step, (1 + damping) * np.einsum("pi,pi->p", found, right)


def solve(matrix: Array, right: Array) -> Array:
    """Symmetric systems (P, m, m), (P, m), scaled to a diagonal of 1 and held just off singular."""
    size = matrix.shape[-1]
    scale = np.sqrt(np.maximum(np.einsum("pii->pi", matrix), 1e-300))
    balanced = matrix / (scale[:, :, None] * scale[:, None, :])
    balanced[:, np.arange(size), np.arange(size)] = np.where(scale > 1e-140, 1 + 1e-11, 1.0)
    return np.asarray(np.linalg.solve(balanced, (right / scale)[..., None])[..., 0] / scale)


def invert(matrix: Array) -> Array:
    """Inverse of symmetric matrices (P, m, m), scaled to a diagonal of 1 and held just off singular."""
    scale = np.sqrt(np.maximum(np.einsum("pii->pi", matrix), 1e-300))
    outer = scale[:, :, None] * scale[:, None, :]
    balanced = matrix / outer
    places = np.arange(matrix.shape[-1])
    balanced[:, places, places] += 1e-12
    return np.asarray(np.linalg.inv(balanced) / outer)
