"""Above the coupled state: the range in which amplitude does not matter, its step, and what that says of the grains."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq

from nbtools.ac_susceptibility.curves import sort_curves
from nbtools.physics.granular import sphere_screening
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity, propagate


@dataclass(frozen=True, repr=False)
class IndependentRange(StudyResult):
    """The range in which amplitude does not matter, and what grains screen there.

    Attributes
    ----------
    low, high : from where amplitude matters no more to where nothing is screened (K)
    step : share screened at its start
    radius : of independent spheres that screen as much (m); larger ones would screen more; NaN where not asked for
    """

    low: Quantity
    high: Quantity
    step: Quantity
    radius: Quantity = Quantity(float("nan"), float("nan"), "m")  # noqa: RUF009

    def rows(self) -> list[Row]:
        rows = [
            Row(
                "amplitude does not matter from",
                self.low,
                "curves of extreme amplitudes part",
                "independent_low",
            ),
            Row("to", self.high, "χ′ leaves zero", "independent_high"),
            Row("screened at its start", self.step, "χ′ of the largest amplitude", "independent_step", "%"),
            Row("radius of independent spheres", self.radius, "London spheres in suspension", shown="nm"),
        ]
        return [row for row in rows if np.isfinite(row.quantity)]

    def notes(self) -> list[str]:
        return [] if np.isfinite(self.low) else ["there is no range in which amplitude does not matter"]


def estimate_independent_range(
    curves: Any, *, threshold: float = 0.005, temperature_uncertainty: float = 0.003
) -> IndependentRange:
    """Where the curves of the smallest and the largest amplitude part by more than `threshold`, and where χ' starts.

    Parameters
    ----------
    curves : `AcCurve`s
    threshold : share of the full screening; raised to three standard deviations of the noise where that is more
    """
    ordered = sort_curves(curves)
    weak, strong = ordered[0].smooth, ordered[-1].smooth
    grid = np.linspace(max(weak.grid[0], strong.grid[0]), min(weak.grid[-1], strong.grid[-1]), 3000)
    apart = np.interp(grid, strong.grid, strong.real) - np.interp(grid, weak.grid, weak.real)
    noise = float(np.hypot(weak.noise[0][0], strong.noise[0][0]))
    level = max(threshold, 3 * noise)
    together = np.flatnonzero(apart > level)
    screened = np.flatnonzero(np.interp(grid, strong.grid, strong.real) < -level)
    low, high = (float(grid[rows[-1]]) if rows.size else np.nan for rows in (together, screened))
    if not low < high:  # they never part, nothing is screened, or amplitude matters wherever anything is
        nothing = Quantity(float("nan"), float("nan"), "K")
        return IndependentRange(nothing, nothing, Quantity(float("nan")))
    # A place on a slope: noise over slope, the thermometer, and half the distance between points.
    step = float(np.median(np.diff(ordered[0].temperature)))
    slopes = [
        abs(float(np.interp(place, grid, np.gradient(y, grid))))
        for place, y in ((low, apart), (high, np.interp(grid, strong.grid, strong.real)))
    ]
    sigmas = [float(np.hypot(np.hypot(noise / max(s, 1e-3), temperature_uncertainty), step)) for s in slopes]
    size = -float(np.interp(low, strong.grid, strong.real))
    return IndependentRange(
        Quantity(low, sigmas[0], "K"), Quantity(high, sigmas[1], "K"), Quantity(size, max(noise, 0.002))
    )


def bound_cluster_radius(
    step: Quantity | float,
    temperature: float,
    *,
    fraction: float,
    penetration_depth: float,
    critical_temperature: float,
) -> Quantity:
    """Radius (m) at which independent spheres screen as much as the step: larger ones would screen more.

    χ = −(3/2) f μ(R/λ(T)), λ(T) = λ(0)/√(1 − t⁴). Infinite where the step passes what spheres of any size can.
    """
    depth = penetration_depth / np.sqrt(1 - (temperature / critical_temperature) ** 4)
    most = 0.999 * 1.5 * fraction

    def radius(share: float) -> float:
        wanted = min(max(share, 1e-9), most) / (1.5 * fraction)
        return float(depth * brentq(lambda r: float(sphere_screening(r)) - wanted, 1e-4, 1e5))

    return propagate(radius, step, unit="m") if step < most else Quantity(float("inf"), float("nan"), "m")
