"""All curves onto one: χ(h, T) = F(h/J_c(T)), with F of a geometry or free and monotone."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

from nbtools.analysis.ac_curves import AcCurve, as_curves
from nbtools.analysis.current_profile import grain_share, log_full_field, response_table
from nbtools.models.bean_state import GEOMETRIES
from nbtools.units import Quantity

Array = NDArray[np.float64]
FREE = "free"
SHAPE_KNOTS = 16
MODEL_ERROR = 1e-3  # of χ: piecewise lines, phase, background


@dataclass(frozen=True)
class Collapse:
    """What `fit_collapse` found.

    temperature : knots (K); full_field : J_c times the reducing length at each (A/m), with σ; of a free F only
        relative, 1 at the middle knot
    offsets : of each curve's thermometer (K), amplitudes : in the same order
    grain_share : screened whatever the amplitude
    reduced_chi_square : about 1 if the curves collapse; noise, jitter and 0.001 of χ taken as known
    """

    geometry: str
    temperature: Array
    full_field: tuple[Quantity, ...]
    amplitudes: tuple[float, ...]
    offsets: tuple[Quantity, ...]
    grain_share: float
    reduced_chi_square: float
    points: int
    shape: tuple[Array, Array] = field(repr=False)

    @property
    def relative(self) -> bool:
        return self.geometry == FREE

    def predict(self, temperature: ArrayLike) -> Array:
        """J_c a (A/m) between the knots, by lines in the logarithm."""
        return np.exp(
            np.interp(
                np.asarray(temperature, float), self.temperature, np.log([float(q) for q in self.full_field])
            )
        )

    def current(self, temperature: ArrayLike, half_width: float) -> Array:
        """J_c (A/m²)."""
        return self.predict(temperature) / half_width

    def __str__(self) -> str:
        worst = max(self.offsets, key=abs)
        return (
            f"collapse on {self.geometry}: χ²ᵣ = {self.reduced_chi_square:.2g} for {self.points} values, "
            f"{self.temperature.size} knots from {self.temperature[0]:.2f} to {self.temperature[-1]:.2f} K, "
            f"largest thermometer offset {Quantity(1e3 * worst, 1e3 * worst.uncertainty, 'mK')}"
        )


def fit_collapse(
    curves: Any,
    geometry: str = "square_bar",
    *,
    temperature_uncertainty: float = 0.003,
    knot_distance: float = 0.1,
) -> Collapse:
    """J_c(T), piecewise linear in the logarithm, that brings all curves onto one F(h/J_c a).

    Each curve may have a thermometer offset, with its prior. With a geometry both χ' and χ'' are fitted; with
    geometry "free" only χ', and F is a monotone polygon of its own: J_c is then relative.

    Parameters
    ----------
    curves : as `civale_test` takes them, χ over full screening; any amplitudes, two or more
    geometry : as `bean_susceptibility` has them, or "free"

    Raises
    ------
    ValueError
        An unknown geometry, fewer than two curves, too few points in the transition.
    """
    if geometry not in (*GEOMETRIES, FREE):
        raise ValueError(f"geometry is {geometry!r}; it can be {', '.join(map(repr, (*GEOMETRIES, FREE)))}")
    ordered = as_curves(curves)
    if len({curve.amplitude for curve in ordered}) < 2:
        raise ValueError(f"{len(ordered)} curve(s) of one amplitude came; a collapse needs two amplitudes")
    fit = _Fit(ordered, geometry, temperature_uncertainty, knot_distance)
    found = least_squares(
        fit.residuals, fit.start, jac=fit.jacobian, bounds=fit.bounds, x_scale="jac", max_nfev=60
    )
    return fit.result(found)


class _Fit:
    """Unknowns: ln J_c a at the knots, an offset a curve, the grains' share, and the levels of a free F."""

    def __init__(self, curves: list[AcCurve], geometry: str, error: float, distance: float) -> None:
        self.curves, self.geometry, self.error = curves, geometry, max(error, 1e-5)
        share = float(np.median([grain_share(curve) for curve in curves]))
        bean = "square_bar" if geometry == FREE else geometry
        guess = log_full_field(curves, bean)
        rows = []
        for index, curve in enumerate(curves):
            smooth = curve.smooth
            inside = np.flatnonzero((curve.in_phase > -0.96) & (curve.in_phase < -0.04 - share))
            for part, values in enumerate((curve.in_phase, curve.out_of_phase)):
                if values is None or (part == 1 and geometry == FREE):
                    continue
                slopes = smooth.slope if part == 0 else smooth.loss_slope
                assert slopes is not None
                slope = np.interp(curve.temperature[inside], smooth.grid, slopes)
                sigma = np.hypot(smooth.noise[part][0], smooth.noise[part][1] * slope)
                rows.append((inside, index, part, values, np.hypot(sigma, MODEL_ERROR)))
        join = np.concatenate
        self.t = join([curves[i].temperature[rows_] for rows_, i, *_ in rows])
        self.index = join([np.full(r.size, i) for r, i, *_ in rows])
        self.part = join([np.full(r.size, p) for r, _, p, *_ in rows])
        self.value = join([v[r] for r, _, _, v, _ in rows])
        self.sigma = join([s for *_, s in rows])
        self.log_h = np.log([curves[i].amplitude for i in self.index])
        if self.t.size < 12:
            raise ValueError(f"{self.t.size} values lie in the transition; a collapse needs at least 12")
        count = int(np.clip(round(np.ptp(self.t) / distance) + 1, 3, 40))
        self.knots = np.linspace(self.t.min() - 1e-3, self.t.max() + 1e-3, count)
        self.table = response_table(bean)
        self.shape_at = np.linspace(-4.0, 3.5, SHAPE_KNOTS)
        free = -np.interp(self.shape_at, *self.table[:2]) if geometry == FREE else np.empty(0)
        self.free_share = geometry != FREE
        self.start = join([guess(self.knots), np.zeros(len(curves)), [share] * self.free_share, free])
        # A free F leaves the scale of J_c open: the middle knot holds it.
        self.pinned = float(self.start[count // 2])

    @property
    def bounds(self) -> tuple[Array, Array]:
        size = self.start.size
        low, high = np.full(size, -np.inf), np.full(size, np.inf)
        after = self.knots.size + len(self.curves)
        if self.free_share:
            low[after], high[after] = -0.05, 0.9
        return low, high

    def _split(self, p: Array) -> tuple[Array, Array, float, Array]:
        k, c = self.knots.size, len(self.curves)
        share = float(p[k + c]) if self.free_share else 0.0
        return p[:k], p[k : k + c], share, p[k + c + self.free_share :]

    def _model(self, p: Array) -> tuple[Array, Array, Array, Array]:
        """F, dF/dy, the true temperatures and y = ln h/(J_c a)."""
        log_j, offsets, _, levels = self._split(p)
        true = self.t - offsets[self.index]
        y = self.log_h - np.interp(true, self.knots, log_j)
        if self.geometry == FREE:
            slope = np.diff(levels) / np.diff(self.shape_at)
            cell = np.clip(np.searchsorted(self.shape_at, y) - 1, 0, SHAPE_KNOTS - 2)
            return -np.interp(y, self.shape_at, levels), -slope[cell], true, y
        at, *both = self.table
        value = np.where(self.part == 0, np.interp(y, at, both[0]), np.interp(y, at, both[1]))
        slopes = [np.gradient(one, at) for one in both]
        return (
            value,
            np.where(self.part == 0, np.interp(y, at, slopes[0]), np.interp(y, at, slopes[1])),
            true,
            y,
        )

    def residuals(self, p: Array) -> Array:
        log_j, offsets, share, _ = self._split(p)
        value, *_ = self._model(p)
        model = (1 - share) * value - np.where(self.part == 0, share, 0.0)
        smooth = np.diff(log_j, 2) / 3.0  # a polygon may bend, but not jump
        pinned = [(log_j[self.knots.size // 2] - self.pinned) / 1e-3] if self.geometry == FREE else []
        return np.concatenate([(model - self.value) / self.sigma, offsets / self.error, smooth, pinned])

    def jacobian(self, p: Array) -> Array:
        log_j, _, share, _ = self._split(p)
        value, slope, true, y = self._model(p)
        n, k, c = self.t.size, self.knots.size, len(self.curves)
        hats = _hats(true, self.knots)
        table = np.zeros((n + c + k - 2 + (self.geometry == FREE), p.size))
        gain = (1 - share) * slope / self.sigma
        table[:n, :k] = -gain[:, None] * hats
        fall = np.diff(log_j) / np.diff(self.knots)
        cell = np.clip(np.searchsorted(self.knots, true) - 1, 0, k - 2)
        table[np.arange(n), k + self.index] = gain * fall[cell]
        if self.free_share:
            table[:n, k + c] = (-value - (self.part == 0)) / self.sigma
        if self.geometry == FREE:
            table[:n, k + c :] = -_hats(y, self.shape_at) / self.sigma[:, None]
            table[-1, k // 2] = 1e3
        table[n : n + c, k : k + c] = np.eye(c) / self.error
        table[n + c : n + c + k - 2, :k] = np.diff(np.eye(k), 2, axis=0) / 3.0
        return table

    def result(self, found: Any) -> Collapse:
        log_j, offsets, share, levels = self._split(found.x)
        values = found.fun[: self.t.size]
        chi = float(np.sum(values**2) / max(self.t.size - found.x.size, 1))
        spread = (
            np.sqrt(np.maximum(np.diag(np.linalg.pinv(found.jac.T @ found.jac)), 0)) * max(1.0, chi) ** 0.5
        )
        k, c = self.knots.size, len(self.curves)
        scale = self.pinned if self.geometry == FREE else 0.0
        fields = tuple(
            Quantity(float(np.exp(v - scale)), float(np.exp(v - scale) * s), "" if scale else "A/m")
            for v, s in zip(log_j, spread[:k], strict=True)
        )
        shape = (self.shape_at, -levels) if self.geometry == FREE else (self.table[0], self.table[1])
        shifts = tuple(
            Quantity(float(o), float(s), "K") for o, s in zip(offsets, spread[k : k + c], strict=True)
        )
        amplitudes = tuple(curve.amplitude for curve in self.curves)
        return Collapse(
            self.geometry, self.knots, fields, amplitudes, shifts, share, chi, int(self.t.size), shape
        )


def _hats(x: Array, knots: Array) -> Array:
    """Weights with which each knot enters a polygon at x; constant beyond its ends."""
    inside = np.clip(x, knots[0], knots[-1])
    cell = np.clip(np.searchsorted(knots, inside) - 1, 0, knots.size - 2)
    part = (inside - knots[cell]) / (knots[cell + 1] - knots[cell])
    table = np.zeros((x.size, knots.size))
    rows = np.arange(x.size)
    table[rows, cell], table[rows, cell + 1] = 1 - part, part
    return table
