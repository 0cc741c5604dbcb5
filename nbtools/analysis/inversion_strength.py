"""How strong an inversion must be filtered: chosen from the spectrum of the map itself, by four rules."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from nbtools.physics.domain import require_not_negative

Array = NDArray[np.float64]
Choice = Literal["auto", "gcv", "l-curve", "discrepancy"]
EDGE_POWER = 3.0  # |J(k)|² ~ k^−3 of a current with jumps along lines, averaged over directions


@dataclass(frozen=True)
class Rings:
    """Power of the map in rings of |k|: how many modes each holds, their mean power, T there."""

    k: Array
    count: Array
    power: Array
    transfer: Array

    def shares(self, strengths: Array) -> Array:
        """Share λk³/(T² + λk³) of each ring that the fit leaves, for each λ."""
        ratio = self.k**EDGE_POWER / self.transfer**2
        return 1 - 1 / (1 + strengths[:, None] * ratio)


def choose_strength(rings: Rings, how: Any, noise: float | None, pixels: int) -> tuple[float, float]:
    """λ, and σ of the map in T."""
    found, sigma = _likeliest(rings, pixels)
    sigma = sigma if noise is None else float(noise)
    if not isinstance(how, str):
        require_not_negative(regularisation=how)
        return float(how), sigma
    if how not in get_args(Choice):
        raise ValueError(f"regularisation is {how!r}; it can be {', '.join(get_args(Choice))}, or a number")
    if how == "auto":
        return found, sigma
    if how == "discrepancy" and noise is None:
        raise ValueError("the discrepancy principle needs noise=, the σ of field in tesla")
    score = {"gcv": _cross_validation, "l-curve": _corner, "discrepancy": _discrepancy}[how]
    grid = _grid(rings)
    return float(grid[np.argmin(score(rings, grid, sigma**2 * pixels))]), sigma


def _grid(rings: Rings) -> Array:
    """λ from where all is passed to where nothing is."""
    ratio = rings.transfer**2 / rings.k**EDGE_POWER
    return np.exp(np.linspace(np.log(ratio.min()) - 5, np.log(ratio.max()) + 5, 201))


def _likeliest(rings: Rings, pixels: int) -> tuple[float, float]:
    """λ and σ at which Gaussian currents and noise would most likely have this spectrum (Whittle's likelihood)."""

    def profile(strengths: Array) -> tuple[Array, Array]:
        # With the noise as unit, ring by ring, power is (1 + T²/(λ k³)) = 1/share left.
        left = rings.shares(strengths)
        noise = (rings.count * rings.power * left).sum(axis=1) / rings.count.sum()
        with np.errstate(divide="ignore"):
            cost = np.log(noise) - (rings.count * np.log(left)).sum(axis=1) / rings.count.sum()
        return np.where(np.isfinite(cost), cost, np.inf), noise

    low, high = np.log(_grid(rings)[[0, -1]])
    for points in (41, 21, 21):
        grid = np.exp(np.linspace(low, high, points))
        cost, noise = profile(grid)
        best = int(np.argmin(cost))
        low, high = np.log(grid[[max(best - 1, 0), min(best + 1, points - 1)]])
    return float(grid[best]), float(np.sqrt(noise[best] / pixels))


def _cross_validation(rings: Rings, grid: Array, _: float) -> Array:
    left = rings.shares(grid)
    misfit = (rings.count * rings.power * left**2).sum(axis=1)
    return misfit / (rings.count * left).sum(axis=1) ** 2


def _discrepancy(rings: Rings, grid: Array, power: float) -> Array:
    misfit = (rings.count * rings.power * rings.shares(grid) ** 2).sum(axis=1)
    return np.abs(np.log(misfit / (rings.count.sum() * power)))


def _corner(rings: Rings, grid: Array, _: float) -> Array:
    """Minus the curvature of log(size of J) over log(misfit)."""
    left = rings.shares(grid)
    misfit = np.log((rings.count * rings.power * left**2).sum(axis=1)) / 2
    passed = (1 - left) ** 2 / rings.transfer**2
    size = np.log((rings.count * rings.power * passed * rings.k**EDGE_POWER).sum(axis=1)) / 2
    x1, y1 = np.gradient(misfit), np.gradient(size)
    x2, y2 = np.gradient(x1), np.gradient(y1)
    return -(x1 * y2 - y1 * x2) / np.maximum(x1**2 + y1**2, 1e-12) ** 1.5


def resolved_length(rings: Rings, strength: float) -> float:
    passed = 1 - rings.shares(np.array([strength]))[0]
    above = np.flatnonzero(passed >= 0.5)
    return float(np.pi / rings.k[above[-1]]) if above.size else float("inf")
