"""Above the coupled state: the range in which amplitude does not matter, its step, and what that says of the grains."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq

from nbtools.analysis.ac_curves import as_curves
from nbtools.analysis.current_profile import response_table
from nbtools.analysis.rectangle_geometry import Rectangle
from nbtools.physics.granular import sphere_screening
from nbtools.units import Quantity


@dataclass(frozen=True)
class IndependentRange:
    """From where amplitude matters no more to where nothing is screened (K), and the share screened at its start."""

    low: Quantity
    high: Quantity
    step: Quantity

    def __str__(self) -> str:
        return f"amplitude-independent from {self.low} to {self.high}, step {self.step}"


def estimate_independent_range(
    curves: Any, *, threshold: float = 0.005, temperature_uncertainty: float = 0.003
) -> IndependentRange:
    """Where the curves of the smallest and the largest amplitude part by more than `threshold`, and where χ' starts.

    Parameters
    ----------
    curves : as `civale_test` takes them
    threshold : share of the full screening; raised to three standard deviations of the noise where that is more
    """
    ordered = as_curves(curves)
    weak, strong = ordered[0].smooth, ordered[-1].smooth
    grid = np.linspace(max(weak.grid[0], strong.grid[0]), min(weak.grid[-1], strong.grid[-1]), 3000)
    apart = np.interp(grid, strong.grid, strong.real) - np.interp(grid, weak.grid, weak.real)
    noise = float(np.hypot(weak.noise[0][0], strong.noise[0][0]))
    level = max(threshold, 3 * noise)
    together = np.flatnonzero(apart > level)
    screened = np.flatnonzero(np.interp(grid, strong.grid, strong.real) < -level)
    if together.size == 0 or screened.size == 0:
        nothing = Quantity(float("nan"), float("nan"), "K")
        return IndependentRange(nothing, nothing, Quantity(float("nan")))
    low, high = (float(grid[rows[-1]]) for rows in (together, screened))
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
    step: float, temperature: float, *, fraction: float, penetration_depth: float, critical_temperature: float
) -> float:
    """Radius (m) at which independent spheres screen as much as the step: larger ones would screen more.

    χ = −(3/2) f μ(R/λ(T)), λ(T) = λ(0)/√(1 − t⁴). Infinite where the step passes what spheres of any size can.
    """
    depth = penetration_depth / np.sqrt(1 - (temperature / critical_temperature) ** 4)
    wanted = step / (1.5 * fraction)
    if wanted >= 0.999:
        return float("inf")
    return float(depth * brentq(lambda r: float(sphere_screening(r)) - wanted, 1e-4, 1e5))


def estimate_current_ratio(
    rectangles: Sequence[Rectangle], *, geometry: str = "square_bar", temperature_uncertainty: float = 0.003
) -> Quantity:
    """Amplitude ratio that Bean's F reads off the rectangles: x(A)/x(C), since A and C share one J_c.

    The median over the rectangles in χ'; its error is that of two thermometers at the curves' slope.
    """
    log_field, real, _ = response_table(geometry)
    logs, slopes = [], []
    for one in rectangles:
        if one.part == "χ'":
            x = np.interp(one.levels, real, log_field)
            logs.append(x[0] - x[1])
            slopes.append(
                abs(np.log(one.amplitudes[2] / one.amplitudes[1]) / (one.corners[0] - one.corners[1]))
            )
    if not logs:
        return Quantity(float("nan"))
    sigma = float(np.median(slopes)) * temperature_uncertainty * np.sqrt(2)
    ratio = float(np.exp(np.median(logs)))
    return Quantity(ratio, ratio * sigma)
