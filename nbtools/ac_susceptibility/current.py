"""J_c from ac susceptibility: half screening and loss peak with the geometry's own factor, and J_c from loops."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.ac_susceptibility.curves import AcCurve, grain_share, nearby, sort_curves
from nbtools.physics.bean_state import half_screening_field, loss_peak
from nbtools.results import NotPossible
from nbtools.statistics.choice import ranked
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity, convert

Array = NDArray[np.float64]
UNKNOWN = Quantity(float("nan"))
WINDOW = 7  # points of a branch that give its level at the field


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
    height: Quantity = UNKNOWN


@dataclass(frozen=True, repr=False)
class CurrentStudy(StudyResult):
    """J_c near T_c by half screening and by the loss peak, one point of each for each amplitude.

    Attributes
    ----------
    halves, peaks : by rising amplitude; without `half_width` their currents are NaN
    half_width : half the shorter edge across the field (m), None where the card does not give it
    geometry : of the factor x in J_c = h/(x a)
    ends : by how much the ends of the bar raise J_c by half screening, a share; NaN where it is not known
    missing : what could not be had, a sentence each
    """

    halves: tuple[CurrentPoint, ...]
    peaks: tuple[CurrentPoint, ...]
    half_width: Quantity | None
    geometry: str
    ends: Quantity
    missing: dict[str, str]

    @property
    def budget(self) -> dict[str, float]:
        """Change of J_c at the second smallest amplitude when one input moves by its σ or to the other convention."""
        if self.half_width is None:
            return {}
        one = self.halves[min(1, len(self.halves) - 1)]
        shares = {
            "thermometer": one.in_percent / 100,
            "edge of the bar": self.half_width.uncertainty / float(self.half_width),
            "slab's factor": 1 / half_screening_field("square_bar") - 1,
            "ends of the bar": float(self.ends),
        }
        return {name: share for name, share in shares.items() if np.isfinite(share)}

    def rows(self) -> list[Row]:
        rows = []
        for kind, name, points in (
            ("half screening", "half_screening", self.halves),
            ("loss peak", "loss_peak", self.peaks),
        ):
            for i, point in enumerate(points):
                at = f"{convert(point.amplitude, 'A/m', 'Oe'):.3g} Oe"
                percent = (
                    f", {1e3 * point.temperature.uncertainty:.0f} mK are {point.in_percent:.0f} % of J_c"
                )
                how = f"{at}, {self.geometry}" + (percent if np.isfinite(point.in_percent) else "")
                rows.append(Row(f"T of {kind}", point.temperature, at, f"{name}_{i}"))
                current = "critical_current" if name == "half_screening" else "loss_peak_current"
                rows.append(Row(f"J_c by {kind}", point.current, how, f"{current}_{i}", "A/cm^2"))
        rows.append(
            Row("the ends raise J_c by", self.ends, "cylinder with ends, Bean", "ends_of_the_bar", "%")
        )
        return [row for row in rows if np.isfinite(row.quantity)]


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
    curves : `AcCurve`s, χ' over full screening
    half_width : a, half the thickness or the radius (m)
    temperature_uncertainty : of each curve's thermometer (K)
    """
    ordered = sort_curves(curves)
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
    for curve in sort_curves(curves):
        if curve.out_of_phase is None:
            raise NotPossible("the curve has no χ''; a loss peak needs it")
        place, height = peak_of(curve)
        place = place.widened(temperature_uncertainty)
        points.append(_point(f"loss peak, {geometry}", curve, place, x, half_width, height))
    return _with_percent(points)


def peak_of(curve: AcCurve) -> tuple[Quantity, Quantity]:
    """Temperature and height of the largest χ'': a parabola through what lies above 92 % of it."""
    smooth = curve.smooth
    assert smooth.loss is not None and curve.out_of_phase is not None
    top = smooth.peak
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
    height = float(level + tilt * place / 2 if bend < 0 else smooth.loss[top])
    of_height = Quantity(height, float(scatter * np.sqrt(covariance[2, 2])))
    return Quantity(centre + place, float(error), "K"), of_height.widened(0.002 * height)


@dataclass(frozen=True)
class LoopCurrent:
    """J_c from one loop: width ΔM at zero field (A/m) and the current density of a bar (A/m²)."""

    temperature: float
    width: Quantity
    current: Quantity


@dataclass(frozen=True, repr=False)
class LoopsStudy(StudyResult):
    """J_c at low temperature from the opening of the loops.

    Attributes
    ----------
    loops : (temperature in K, falling (H, m), rising (H, m)), A/m and A m², coldest first
    currents : one for each loop that passes zero field
    missing : what could not be had, a sentence each
    """

    loops: tuple[tuple[float, tuple[Array, Array], tuple[Array, Array]], ...]
    currents: tuple[LoopCurrent, ...]
    missing: dict[str, str]

    def rows(self) -> list[Row]:
        rows = []
        for one in self.currents:
            how = f"opening of the loop, ΔM = {one.width.to('emu/cm^3')}"
            name = f"loop_current_{one.temperature:.3g}K"
            rows.append(Row(f"J_c at {one.temperature:.2f} K", one.current, how, name, "A/cm^2"))
        return rows


def estimate_loop_current(
    falling: tuple[ArrayLike, ArrayLike],
    rising: tuple[ArrayLike, ArrayLike],
    *,
    temperature: float,
    sides: Sequence[Quantity | float],
    volume: Quantity | float,
    field: float = 0.0,
) -> LoopCurrent:
    """J_c = 2ΔM/[a(1 − a/3b)] of a bar with edges a ≤ b across the field (J_c = 20ΔM/… in A/cm², emu/cm³, cm).

    What is the same on both branches (holder, paramagnetism) drops out of the width.

    Parameters
    ----------
    falling, rising : (field, moment) of the branches, A/m and A m²
    sides : the two edges across the field (m); volume : m³
    field : where the width is read (A/m)

    Raises
    ------
    NotPossible
        A branch that does not reach the field, or has too few points.

    Examples
    --------
    A bar of 1 mm × 1 mm × 5 mm with 10⁵ A cm⁻² has a moment of J_c a (1 − a/3b)/4 times its volume on each branch:

    >>> h, m = np.linspace(-1e5, 1e5, 41), np.full(41, 1e9 * 1e-3 * (1 - 1 / 3) / 4 * 5e-9)
    >>> found = estimate_loop_current((h, m), (h, -m), temperature=5.0, sides=(1e-3, 1e-3), volume=5e-9)
    >>> f"{float(found.current.to('A/cm^2')):.4g}"
    '1e+05'
    """
    levels = []
    for h, m in ((np.asarray(h, float), np.asarray(m, float)) for h, m in (falling, rising)):
        order = np.argsort(h, kind="stable")
        h, m = h[order], m[order]
        if not h[0] < field < h[-1]:
            raise NotPossible(f"a branch goes from {h[0]:g} to {h[-1]:g} A/m; it must pass {field:g} A/m")
        if h.size < WINDOW:
            raise NotPossible(f"a branch has {h.size} points; the width needs {WINDOW} near {field:g} A/m")
        near = ranked(np.abs(h - field), scale=abs(field))[:WINDOW]
        fit, covariance = np.polyfit(h[near] - field, m[near], 2, cov="unscaled")
        rest = m[near] - np.polyval(fit, h[near] - field)
        sigma = float(np.sqrt(np.sum(rest**2) / (WINDOW - 3) * covariance[2, 2]))
        levels.append(Quantity(float(fit[2]), sigma, "A m^2"))
    width = (levels[0] - levels[1]) / _exact(volume, "m^3")
    a, b = sorted((_exact(side, "m") for side in sides), key=float)
    return LoopCurrent(temperature, width.to("A/m"), (2 * width / (a * (1 - a / (3 * b)))).to("A/m^2"))


def pair_branches(sweeps: Iterable[Any]) -> list[tuple[float, tuple[Array, Array], tuple[Array, Array]]]:
    """Loops from field sweeps: (temperature, falling (H, m), rising (H, m)), coldest first.

    Of several sweeps in one direction at one temperature the longest; a temperature with one direction is left out.
    """
    members = list(sweeps)
    groups: dict[float, dict[str, Any]] = {}
    for sweep, held in zip(members, nearby([s.held for s in members], _loop_tolerance), strict=True):
        there = groups.setdefault(held, {})
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
    height: Quantity = UNKNOWN,
) -> CurrentPoint:
    current = (Quantity(curve.amplitude / x, 0.0, "A/m") / _exact(width, "m")).to("A/m^2")
    return CurrentPoint(method, curve.amplitude, place, current, height=height)


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


def _loop_tolerance(kelvin: float) -> float:
    """How far apart the two branches of one loop may have been held (K)."""
    return 0.03 + 0.002 * kelvin


def _exact(number: Quantity | float, unit: str) -> Quantity:
    """A quantity; a plain number is exact."""
    if isinstance(number, Quantity):
        known = np.isfinite(number.uncertainty)
        return number if known else Quantity(float(number), 0.0, number.unit or unit)
    return Quantity(float(number), 0.0, unit)
