"""J_c from ac susceptibility: half screening and loss peak with the geometry's own factor, and J_c from loops."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.analysis.ac_curves import AcCurve, as_curves
from nbtools.analysis.current_profile import grain_share
from nbtools.physics.bean_state import half_screening_field, loss_peak
from nbtools.statistics.choice import ranked
from nbtools.units import Quantity

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CurrentPoint:
    """One point of J_c(T): its temperature (K), the current density (A/m²; its σ is that of the length), how found.

    in_percent : what the temperature's error makes of J_c, given the slope d ln J_c/dT at the point (%); NaN if unknown
    height : of the loss peak (loss peak only)
    """

    method: str
    amplitude: float
    temperature: Quantity
    current: Quantity
    in_percent: float = float("nan")
    height: Quantity = Quantity(float("nan"))  # noqa: RUF009

    def __str__(self) -> str:
        percent = f", {self.temperature.uncertainty * 1e3:.0f} mK are {self.in_percent:.0f} %"
        tail = percent if np.isfinite(self.in_percent) else ""
        return f"{self.method}: {self.current.to('A/cm^2')} at {self.temperature}{tail}"


def estimate_half_screening(
    curves: Any,
    *,
    half_width: Quantity | float,
    geometry: str = "square_bar",
    level: float = 0.5,
    temperature_uncertainty: float = 0.003,
) -> list[CurrentPoint]:
    """J_c = h/(x a) where χ' = −level: x is 1 for a slab, 0.620 for a cylinder or a square bar at one half.

    Counted from full screening to what grains screen by themselves.

    Parameters
    ----------
    curves : as `civale_test` takes them, χ' over full screening
    half_width : a, half the thickness or the radius (m)
    temperature_uncertainty : of each curve's thermometer (K)
    """
    ordered = as_curves(curves)
    x = half_screening_field(geometry, level=level)  # type: ignore[arg-type]
    points = []
    for curve in ordered:
        share = grain_share(curve)
        place = curve.smooth.crossing(-level * (1 - share) - share, temperature_error=temperature_uncertainty)
        points.append(_point(f"half screening, {geometry}", curve, place, x, half_width))
    return _with_percent(points)


def estimate_loss_peak(
    curves: Any,
    *,
    half_width: Quantity | float,
    geometry: str = "square_bar",
    temperature_uncertainty: float = 0.003,
) -> list[CurrentPoint]:
    """J_c = h/(x a) where χ'' is largest, and its height: x is 4/3 for a slab, 1 for a cylinder or a square bar."""
    x, _ = loss_peak(geometry)  # type: ignore[arg-type]
    points = []
    for curve in as_curves(curves):
        if curve.out_of_phase is None:
            raise ValueError("the curve has no χ''; a loss peak needs it")
        place, height = peak_of(curve)
        place = place.widened(temperature_uncertainty)
        points.append(_point(f"loss peak, {geometry}", curve, place, x, half_width, height))
    return _with_percent(points)


def peak_of(curve: AcCurve) -> tuple[Quantity, Quantity]:
    """Temperature and height of the largest χ'': a parabola through what lies above 92 % of it."""
    smooth = curve.smooth
    assert smooth.loss is not None and curve.out_of_phase is not None
    top = int(np.argmax(smooth.loss))
    above = smooth.loss > 0.92 * smooth.loss[top]
    low, high = top, top
    while low > 0 and above[low - 1]:
        low -= 1
    while high < above.size - 1 and above[high + 1]:
        high += 1
    t = curve.temperature
    inside = (t >= smooth.grid[low]) & (t <= smooth.grid[high])
    if inside.sum() < 5:
        step = float(smooth.grid[high] - smooth.grid[low])
        return Quantity(smooth.grid[top], step / 4, "K"), Quantity(
            smooth.loss[top], float(smooth.sigma[1][top])
        )
    centre = float(smooth.grid[top])
    (bend, tilt, level), covariance = np.polyfit(
        t[inside] - centre, curve.out_of_phase[inside], 2, cov="unscaled"
    )
    rest = curve.out_of_phase[inside] - np.polyval((bend, tilt, level), t[inside] - centre)
    scatter = float(np.sqrt(np.sum(rest**2) / max(inside.sum() - 3, 1)))
    place = -tilt / (2 * bend) if bend < 0 else 0.0
    error = scatter * np.sqrt(covariance[1, 1]) / abs(2 * bend)
    height = level + tilt * place / 2 if bend < 0 else float(smooth.loss[top])
    sigma = float(np.hypot(scatter * np.sqrt(covariance[2, 2]), 0.002 * height))
    return Quantity(centre + place, float(error), "K"), Quantity(float(height), sigma)


@dataclass(frozen=True)
class LoopCurrent:
    """J_c from one loop: width ΔM at zero field (A/m) and the current density of a bar (A/m²)."""

    temperature: float
    width: Quantity
    current: Quantity

    def __str__(self) -> str:
        return (
            f"{self.temperature:.2f} K: ΔM = {self.width.to('emu/cm^3')}, J_c = {self.current.to('A/cm^2')}"
        )


def estimate_loop_current(
    falling: tuple[ArrayLike, ArrayLike],
    rising: tuple[ArrayLike, ArrayLike],
    *,
    temperature: float,
    sides: Sequence[Quantity | float],
    volume: Quantity | float,
    field: float = 0.0,
    lag: float = 0.0,
) -> LoopCurrent:
    """J_c = 2ΔM/[a(1 − a/3b)] of a bar with edges a ≤ b across the field (J_c = 20ΔM/… in A/cm², emu/cm³, cm).

    What is the same on both branches (holder, paramagnetism) drops out of the width.

    Parameters
    ----------
    falling, rising : (field, moment) of the branches, A/m and A m²
    sides : the two edges across the field (m); volume : m³
    field : where the width is read (A/m); lag : of the field behind its reading, opposite on the branches (A/m)

    Raises
    ------
    ValueError
        A branch that does not reach the field.
    """
    levels, noises = [], []
    for (h, m), shift in ((falling, lag), (rising, -lag)):
        h, m = np.asarray(h, float), np.asarray(m, float)
        order = np.argsort(h, kind="stable")
        h, m = h[order] + shift, m[order]
        if not h[0] < field < h[-1]:
            raise ValueError(f"a branch goes from {h[0]:g} to {h[-1]:g} A/m; it must pass {field:g} A/m")
        near = ranked(np.abs(h - field), scale=abs(field))[:7]
        fit, covariance = np.polyfit(h[near] - field, m[near], 2, cov="unscaled")
        rest = m[near] - np.polyval(fit, h[near] - field)
        levels.append(float(fit[2]))
        noises.append(float(np.sqrt(np.sum(rest**2) / 4 * covariance[2, 2])))
    size = Quantity.of(volume)
    gap = (levels[0] - levels[1]) / float(size)
    noise = float(np.hypot(noises[0], noises[1])) / max(abs(levels[0] - levels[1]), 1e-300)
    relative = float(np.hypot(noise, _relative(size)))
    a, b = sorted((Quantity.of(side) for side in sides), key=float)
    current = 2 * gap / (a * (1 - a / (3 * b)))
    shape = np.hypot(
        relative, np.hypot(_relative(a) * (1 - a / (1.5 * b)) / (1 - a / (3 * b)), _relative(b) / 3)
    )
    return LoopCurrent(
        temperature,
        Quantity(gap, abs(gap) * float(relative), "A/m"),
        Quantity(current, abs(current) * float(shape), "A/m^2"),
    )


def pair_branches(sweeps: Iterable[Any]) -> list[tuple[float, tuple[Array, Array], tuple[Array, Array]]]:
    """Loops from field sweeps: (temperature, falling (H, m), rising (H, m)), coldest first.

    Of several sweeps in one direction at one temperature the longest; a temperature with one direction is left out.
    """
    groups: dict[float, dict[str, Any]] = {}
    for sweep in sweeps:
        there = groups.setdefault(round(sweep.held, 1), {})
        if sweep.direction in ("up", "down") and sweep.size > getattr(there.get(sweep.direction), "size", 0):
            there[sweep.direction] = sweep
    return [
        (float(both["down"].held), *((both[way].along, both[way].signal) for way in ("down", "up")))  # type: ignore[misc]
        for _, both in sorted(groups.items())
        if len(both) == 2
    ]


def _point(
    method: str,
    curve: AcCurve,
    place: Quantity,
    x: float,
    width: Quantity | float,
    height: Quantity | None = None,
) -> CurrentPoint:
    a = Quantity.of(width)
    current = curve.amplitude / (x * float(a))
    known = Quantity(current, current * _relative(a), "A/m^2")
    if height is None:
        return CurrentPoint(method, curve.amplitude, place, known)
    return CurrentPoint(method, curve.amplitude, place, known, height=height)


def _with_percent(points: list[CurrentPoint]) -> list[CurrentPoint]:
    """The slope d ln J_c/dT from the neighbours turns each temperature's error into one of J_c."""
    t = np.array([float(p.temperature) for p in points])
    if len(points) < 2 or not np.isfinite(t).all() or np.ptp(t) == 0:
        return points
    slope = np.abs(np.gradient(np.log([float(p.current) for p in points]), t))
    return [
        CurrentPoint(
            p.method, p.amplitude, p.temperature, p.current, 100 * s * p.temperature.uncertainty, p.height
        )
        for p, s in zip(points, slope, strict=True)
    ]


def _relative(quantity: Quantity) -> float:
    sigma = quantity.uncertainty
    return abs(sigma / float(quantity)) if np.isfinite(sigma) and quantity != 0 else 0.0
