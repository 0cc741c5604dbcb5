"""Stairs of a boundary: the best for every number of steps, and the number by the price of a step."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nbtools.statistics.choice import first_best
from nbtools.units import Quantity

Array = NDArray[np.float64]
# Of the logarithm of the number of independent places, for each step: where it is costs as much as how high.
PENALTY = 3.0
MOST_STEPS = 12


@dataclass(frozen=True)
class Steps:
    """Terraces of a boundary, lengths in m (or in the unit that came).

    count : of steps; positions : along the boundary; heights : of each, up is positive
    in_spacings : heights over the plane spacing; is_multiple : whether all are whole numbers within 3 σ or 0.1
        (from `LastPlanes` by assumption)
    terraces : height of each; tilt : slope common to all terraces
    scatter : r.m.s. about the fit; penalties : criterion for each number of steps tried, the least is best
    fitted : the stairs at `along`
    """

    count: int
    positions: tuple[Quantity, ...]
    heights: tuple[Quantity, ...]
    in_spacings: tuple[Quantity, ...]
    terraces: tuple[float, ...]
    tilt: float
    scatter: float
    penalties: tuple[float, ...]
    along: Array
    fitted: Array
    stairs: "Stairs"

    def priced(self, penalty: float) -> "Steps":
        """The steps at another price."""
        return self.stairs.priced(penalty)

    @property
    def mean_height(self) -> Quantity:
        """Of all steps, up or down; with the error of the mean."""
        if not self.heights:
            return Quantity(np.nan, np.nan, "m")
        sizes = np.abs(np.array(self.heights))
        sigma = np.sqrt(sum(h.uncertainty**2 for h in self.heights)) / len(sizes)
        return Quantity(float(sizes.mean()), float(sigma), self.heights[0].unit)

    @property
    def is_multiple(self) -> bool | None:
        """Whether every height is a whole number of planes; None without steps or spacing."""
        if not self.in_spacings:
            return None
        return all(abs(h - round(h)) < max(0.1, 3 * h.uncertainty) for h in self.in_spacings)

    def __str__(self) -> str:
        lines = [f"{self.count} step(s), terraces level within {self.scatter * 1e9:.3f} nm"]
        for number, (place, height) in enumerate(zip(self.positions, self.heights, strict=True)):
            planes = f" = {self.in_spacings[number]} planes" if self.in_spacings else ""
            lines.append(f"  at {place.to('nm')}: {height.to('nm')}{planes}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Fit:
    """Stairs: edges and levels (one more), a slope, the line itself, parameters beside the steps', −2 ln likelihood.

    sigmas : of the heights; scatter : r.m.s. about the line
    """

    edges: Array
    levels: Array
    slope: float
    fitted: Array
    beside: int
    badness: float
    sigmas: Array
    scatter: float = 0.0


@dataclass(frozen=True)
class Stairs:
    """The fits for every number of steps, from which a price of a step chooses (Schwarz's criterion).

    places : the number whose logarithm is the unit of the price
    """

    fits: list[Fit]
    x: Array
    spacing: float | None
    places: float

    def priced(self, penalty: float) -> Steps:
        """The steps at a price, in logarithms of the independent places."""
        unit = float(np.log(self.places))
        scores = [fit.badness + (penalty * len(fit.edges) + fit.beside) * unit for fit in self.fits]
        fit = self.fits[first_best(scores, scale=1.0)]
        pitch = float(np.median(np.diff(self.x)))
        pairs = list(zip(map(float, np.diff(fit.levels)), map(float, fit.sigmas), strict=True))
        d = self.spacing
        return Steps(
            count=len(fit.edges),
            positions=tuple(Quantity(float(e), pitch, "m") for e in fit.edges),
            heights=tuple(Quantity(h, s, "m") for h, s in pairs),
            in_spacings=() if d is None else tuple(Quantity(h / d, s / d) for h, s in pairs),
            terraces=tuple(map(float, fit.levels)),
            tilt=fit.slope,
            scatter=fit.scatter,
            penalties=tuple(scores),
            along=self.x,
            fitted=fit.fitted,
            stairs=self,
        )


def best_cuts(cost: Array, most: int, scale: float) -> list[NDArray[np.int64]]:
    """Where to cut for 0 … `most` steps at the least sum; of equal places the first.

    cost : of one terrace from place s to place e, shape (n, n); scale : what of it counts, for ties
    """
    best = cost[0]
    origins: list[NDArray[np.int64]] = []
    found = [np.zeros(0, np.int64)]
    for _ in range(most):
        # total[s, e]: the best line up to s, and one terrace from s to e.
        total = np.concatenate([[np.inf], best[:-1]])[:, None] + cost
        origins.append(first_best(total, scale=scale, axis=0))
        best = total.min(axis=0)
        found.append(_traced_back(origins))
    return found


def _traced_back(origins: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    cuts, end = [], len(origins[0]) - 1
    for origin in origins[::-1]:
        start = int(origin[end])
        cuts.append(start)
        end = start - 1
    return np.array(cuts[::-1], np.int64)
