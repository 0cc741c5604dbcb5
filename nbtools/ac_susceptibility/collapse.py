"""All curves onto one: χ(h, T) = F(h/J_c(T)), with F of a geometry or free and smooth."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline
from scipy.optimize import least_squares

from nbtools.ac_susceptibility.curves import (
    AcCurve,
    grain_share,
    log_full_field,
    response_table,
    sort_curves,
)
from nbtools.physics.bean_state import GEOMETRIES
from nbtools.physics.domain import require_one_of
from nbtools.results import NotPossible
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
FREE = "free"
SHAPE_KNOTS = np.linspace(-4.0, 3.5, 16)  # of a free F, in ln h/(J_c a)
MODEL_ERROR = 1e-3  # of χ: phase, background
MISFIT = 3.0  # of χ²ᵣ: more is no collapse
KNOT_DISTANCE = 0.1  # K


@dataclass(frozen=True)
class Collapse:
    """What `fit_collapse` found.

    temperature : knots (K); full_field : J_c times the reducing length at each (A/m), with σ; of a free F only
        relative, 1 at the middle knot
    offsets : of each curve's thermometer (K), by rising amplitude
    grain_share : screened whatever the amplitude
    reduced_chi_square : about 1 if the curves collapse; noise, jitter and 0.001 of χ taken as known
    """

    geometry: str
    temperature: Array
    full_field: tuple[Quantity, ...]
    offsets: tuple[Quantity, ...]
    grain_share: float
    reduced_chi_square: float
    points: int

    @property
    def relative(self) -> bool:
        return self.geometry == FREE

    def predict(self, temperature: ArrayLike) -> Array:
        """J_c a (A/m) between the knots, by a cubic spline of its logarithm."""
        spline = CubicSpline(self.temperature, np.log([float(q) for q in self.full_field]))
        return np.exp(spline(np.clip(temperature, *self.temperature[[0, -1]])))

    @property
    def largest_offset(self) -> Quantity:
        """Of the thermometers (K)."""
        return max(self.offsets, key=abs)


@dataclass(frozen=True, repr=False)
class CollapseStudy(StudyResult):
    """All curves onto one: on the geometry's own F, on a slab's, and on any smooth F.

    Attributes
    ----------
    fits : by geometry, "free" last
    curves : that were brought onto one
    """

    fits: dict[str, Collapse]
    curves: tuple[AcCurve, ...]

    @property
    def best(self) -> Collapse:
        """On the geometry that was asked for."""
        return next(iter(self.fits.values()))

    def rows(self) -> list[Row]:
        return [
            Row(
                f"largest offset, F of a {name.replace('_', ' ')}"
                if name != FREE
                else "largest offset, any smooth F",
                fit.largest_offset,
                f"χ²ᵣ = {fit.reduced_chi_square:.2g} for {fit.points} values, {fit.temperature.size} knots from "
                f"{fit.temperature[0]:.2f} to {fit.temperature[-1]:.2f} K",
                shown="mK",
            )
            for name, fit in self.fits.items()
        ]

    def notes(self) -> list[str]:
        name, own, free = self.best.geometry, self.best.reduced_chi_square, self.fits[FREE].reduced_chi_square
        if own < MISFIT:
            return []
        if free < MISFIT:
            return [
                f"χ = F(h/J_c(T)) holds with any smooth F (χ²ᵣ = {free:.2g}, χ′ alone), not with Bean's of a "
                f"{name.replace('_', ' ')} (χ²ᵣ = {own:.2g}): the response has another shape, as creep or a "
                "current that falls with the field give it, and this J_c is no better than that"
            ]
        return [f"the curves do not lie on one F(h/J_c(T)), whatever its shape (χ²ᵣ = {free:.2g})"]


def fit_collapse(
    curves: Any,
    geometry: str = "square_bar",
    *,
    temperature_uncertainty: float = 0.003,
) -> Collapse:
    """J_c(T), a cubic spline in the logarithm, that brings all curves onto one F(h/J_c a).

    Each curve may have a thermometer offset, with its prior. The offset that all share is known by the prior alone:
    any misfit of the curve ln J_c(T) goes there first (straight lines between the knots biased J_c by −3 % at
    10 mK). With a geometry both χ' and χ'' are fitted; with "free" only χ', and F is a spline of its own:
    J_c is then relative.

    Parameters
    ----------
    curves : `AcCurve`s, χ over full screening; any amplitudes, two or more
    geometry : as `bean_susceptibility` has them, or "free"

    Raises
    ------
    ValueError
        An unknown geometry, fewer than two curves, too few points in the transition.
    """
    require_one_of((*GEOMETRIES, FREE), geometry=geometry)
    ordered = sort_curves(curves)
    if len({curve.amplitude for curve in ordered}) < 2:
        raise NotPossible(f"{len(ordered)} curve(s) of one amplitude came; a collapse needs two amplitudes")
    fit = _Fit(ordered, geometry, temperature_uncertainty)
    found = least_squares(
        fit.residuals, fit.start, jac=fit.jacobian, bounds=fit.bounds, x_scale="jac", max_nfev=60
    )
    return fit.result(found)


class _Fit:
    """Unknowns: ln J_c a at the knots, an offset a curve, the grains' share, and the levels of a free F."""

    def __init__(self, curves: list[AcCurve], geometry: str, error: float) -> None:
        self.count, self.geometry, self.error = len(curves), geometry, max(error, 1e-5)
        self.is_free = geometry == FREE
        bean = "square_bar" if self.is_free else geometry
        share = float(np.median([grain_share(curve) for curve in curves]))
        rows = [
            row for i, c in enumerate(curves) for row in _values(c, i, share, parts=1 if self.is_free else 2)
        ]
        self.t, self.index, self.part, self.value, self.sigma = map(np.concatenate, zip(*rows, strict=True))
        self.log_h = np.log([curves[i].amplitude for i in self.index])
        if self.t.size < 12:
            raise NotPossible(f"{self.t.size} values lie in the transition; a collapse needs at least 12")
        size = int(np.clip(round(np.ptp(self.t) / KNOT_DISTANCE) + 1, 3, 40))
        self.knots = np.linspace(self.t.min() - 1e-3, self.t.max() + 1e-3, size)
        self.basis = CubicSpline(self.knots, np.eye(size))
        at, *both = response_table(bean)
        self.response = CubicSpline(at, np.transpose(both))
        self.shape = CubicSpline(SHAPE_KNOTS, np.eye(SHAPE_KNOTS.size))
        last = np.interp(SHAPE_KNOTS, at, both[0]) if self.is_free else [share]
        self.start = np.concatenate([log_full_field(curves, bean)(self.knots), np.zeros(self.count), last])
        # A free F leaves the scale of J_c open: the middle knot holds it.
        self.pinned = float(self.start[size // 2]) if self.is_free else 0.0

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Only the grains' share has limits."""
        low, high = np.full(self.start.size, -np.inf), np.full(self.start.size, np.inf)
        if not self.is_free:
            low[-1], high[-1] = -0.05, 0.9
        return low, high

    def _split(self, p: Array) -> tuple[Array, Array, float, Array]:
        log_j, offsets, last = np.split(p, [self.knots.size, self.knots.size + self.count])
        return log_j, offsets, 0.0 if self.is_free else float(last[0]), last

    def _model(self, p: Array) -> tuple[Array, Array, Array, Array]:
        """F, dF/dy, the true temperatures and y = ln h/(J_c a)."""
        log_j, offsets, _, levels = self._split(p)
        true = self.t - offsets[self.index]
        y = self.log_h - self.basis(true) @ log_j
        if self.is_free:
            return self.shape(y) @ levels, self.shape(y, 1) @ levels, true, y
        y = np.clip(y, *self.response.x[[0, -1]])
        pick = np.arange(y.size), self.part
        return self.response(y)[pick], self.response(y, 1)[pick], true, y

    def residuals(self, p: Array) -> Array:
        log_j, offsets, share, _ = self._split(p)
        value, *_ = self._model(p)
        model = (1 - share) * value - np.where(self.part == 0, share, 0.0)
        smooth = np.diff(log_j, 2) / 3.0  # ln J_c may bend, but not jump
        pinned = [(log_j[self.knots.size // 2] - self.pinned) / 1e-3] * self.is_free
        return np.concatenate([(model - self.value) / self.sigma, offsets / self.error, smooth, pinned])

    def jacobian(self, p: Array) -> Array:
        log_j, _, share, _ = self._split(p)
        value, slope, true, y = self._model(p)
        n, k, c = self.t.size, self.knots.size, self.count
        table = np.zeros((n + c + k - 2 + self.is_free, p.size))
        gain = (1 - share) * slope / self.sigma
        table[:n, :k] = -gain[:, None] * self.basis(true)
        table[np.arange(n), k + self.index] = gain * (self.basis(true, 1) @ log_j)
        table[n : n + c, k : k + c] = np.eye(c) / self.error
        table[n + c : n + c + k - 2, :k] = np.diff(np.eye(k), 2, axis=0) / 3.0
        if self.is_free:
            table[:n, k + c :] = self.shape(y) / self.sigma[:, None]
            table[-1, k // 2] = 1e3
        else:
            table[:n, k + c] = (-value - (self.part == 0)) / self.sigma
        return table

    def result(self, found: Any) -> Collapse:
        log_j, offsets, share, _ = self._split(found.x)
        chi = float(np.sum(found.fun[: self.t.size] ** 2) / max(self.t.size - found.x.size, 1))
        variance = np.diag(np.linalg.pinv(found.jac.T @ found.jac))
        spread = np.sqrt(np.maximum(variance, 0) * max(1.0, chi))
        unit = "" if self.is_free else "A/m"
        fields = tuple(
            Quantity(v, v * s, unit) for v, s in zip(np.exp(log_j - self.pinned), spread, strict=False)
        )
        shifts = tuple(Quantity(o, s, "K") for o, s in zip(offsets, spread[log_j.size :], strict=False))
        return Collapse(self.geometry, self.knots, fields, shifts, share, chi, int(self.t.size))


def _values(curve: AcCurve, index: int, share: float, *, parts: int) -> list[tuple[Any, ...]]:
    """Of χ' and χ'' inside the transition: temperatures, the curve's number, the part, values and their σ."""
    inside = (curve.in_phase > -0.96) & (curve.in_phase < -0.04 - share)
    t, smooth = curve.temperature[inside], curve.smooth
    found: list[tuple[Any, ...]] = []
    both = (curve.in_phase, curve.out_of_phase)[:parts]
    for part, (values, (_, slopes)) in enumerate(zip(both, smooth.parts, strict=False)):
        assert values is not None
        sigma, jitter = smooth.noise[part]
        error = np.hypot(np.hypot(sigma, jitter * np.interp(t, smooth.grid, slopes)), MODEL_ERROR)
        found.append((t, np.full(t.size, index), np.full(t.size, part), values[inside], error))
    return found
