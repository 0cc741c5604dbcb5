"""The law of J_c(T): fits of ln J_c with errors in temperature, their comparison, and what three points can say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

from nbtools.models.critical_current import EXPONENTS, log_current, reduced_critical_current
from nbtools.units import Quantity

Array = NDArray[np.float64]
LAWS = ("power", "linear", "three-halves", "square", "depairing", "sns")
FARTHEST = 6.0  # K above the warmest point: where T_c may be sought


@dataclass(frozen=True)
class CurrentLawFit:
    """One law through the points.

    critical_temperature (K), zero_temperature_current (A/m²), exponent (that of the law near T_c if it is fixed),
    barrier : L/ξ_N(T_c) of the proximity junction, else NaN
    chi_square, degrees_of_freedom, akaike : misfit with errors in temperature and current; χ² + 2k
    residual_decades : log₁₀ of each point over the law, NaN for one at or above T_c
    temperature_shift : by how much each point's temperature had to move (K)
    """

    law: str
    critical_temperature: Quantity
    zero_temperature_current: Quantity
    exponent: Quantity
    barrier: Quantity
    chi_square: float
    degrees_of_freedom: int
    akaike: float
    residual_decades: Array
    temperature_shift: Array

    def predict(self, temperature: ArrayLike) -> Array:
        """J_c (A/m²)."""
        t = np.asarray(temperature, float) / float(self.critical_temperature)
        weak = float(np.nan_to_num(self.barrier))
        law = "power" if self.law == "power" else self.law
        shape = reduced_critical_current(t, law, exponent=float(self.exponent), barrier=weak)  # type: ignore[arg-type]
        return float(self.zero_temperature_current) * shape

    @property
    def worst_residual(self) -> float:
        """Of the points below T_c (decades)."""
        known = np.abs(self.residual_decades[np.isfinite(self.residual_decades)])
        return float(known.max()) if known.size else float("nan")

    def __str__(self) -> str:
        shift = 1e3 * float(np.max(np.abs(self.temperature_shift)))
        beyond = int(np.isnan(self.residual_decades).sum())
        worst = f"worst residual {self.worst_residual:.2f} decades" + f", {beyond} point(s) above T_c" * bool(
            beyond
        )
        weak = f", L/ξ_N = {self.barrier}" if np.isfinite(self.barrier) else ""
        return (
            f"{self.law}: n = {self.exponent}, T_c = {self.critical_temperature}{weak}, χ² = {self.chi_square:.2g} "
            f"({self.degrees_of_freedom} free), AIC = {self.akaike:.1f}, points moved up to {shift:.0f} mK, "
            f"{worst}"
        )


def fit_critical_current_law(
    temperature: ArrayLike,
    critical_current: ArrayLike,
    *,
    temperature_uncertainty: ArrayLike = 0.02,
    relative_uncertainty: ArrayLike = 0.05,
    law: str = "power",
    critical_temperature: float | None = None,
    exponent: float | None = None,
) -> CurrentLawFit:
    """Fit ln J_c(T) with errors in both, T_c free unless given.

    Each point has a true temperature of its own, below T_c: what is varied is ln(1 − T/T_c), in which every law is
    smooth, so that no point falls off the law's end (orthogonal distance regression).

    Parameters
    ----------
    temperature, critical_current : shape (n,), K and A/m²; at least as many points as free parameters
    temperature_uncertainty, relative_uncertainty : standard deviations, K and of ln J_c; one or each
    law : "power" (n free unless `exponent` is given), "linear", "three-halves", "square", "depairing" (Eq. 1) or "sns"

    Raises
    ------
    ValueError
        Too few points, values that are not positive, a T_c below a point by more than 5 σ, an unknown law.
    """
    t, j, sigma_t, sigma_j = _checked(
        temperature, critical_current, temperature_uncertainty, relative_uncertainty
    )
    log_current(law, 1.0, 0.0)
    free = (critical_temperature is None) + 1 + (law == "power" and exponent is None) + (law == "sns")
    if t.size < max(free, 2):
        raise ValueError(f"{t.size} points came; the law {law!r} has {free} free parameters")
    if critical_temperature is not None and np.any(t > critical_temperature + 5 * sigma_t):
        raise ValueError(
            f"a point lies at {t.max():g} K, above the given T_c of {critical_temperature:g} K, with a current"
        )
    problem = _Problem(t, np.log(j), sigma_t, sigma_j, law, critical_temperature, exponent)
    best = min((problem.solve(start) for start in problem.starts()), key=lambda found: found.cost)
    return problem.result(best, free)


def compare_current_laws(
    temperature: ArrayLike, critical_current: ArrayLike, *, laws: Sequence[str] = LAWS, **options: ArrayLike
) -> Mapping[str, CurrentLawFit]:
    """Every law that the number of points allows, the best by AIC first."""
    fits = {}
    for law in laws:
        try:
            fits[law] = fit_critical_current_law(temperature, critical_current, law=law, **options)  # type: ignore[arg-type]
        except ValueError as problem:
            if "free parameters" not in str(problem):
                raise
    return dict(sorted(fits.items(), key=lambda item: item[1].akaike))


def profile_exponent(
    temperature: ArrayLike, critical_current: ArrayLike, exponents: ArrayLike, **options: ArrayLike
) -> tuple[Array, Array]:
    """χ² and the best T_c for each exponent of the power law: what the points leave open."""
    fits = [
        fit_critical_current_law(temperature, critical_current, law="power", exponent=float(n), **options)  # type: ignore[arg-type]
        for n in np.atleast_1d(np.asarray(exponents, float))
    ]
    return np.array([f.chi_square for f in fits]), np.array([float(f.critical_temperature) for f in fits])


def needed_temperature_error(
    temperature: ArrayLike,
    critical_current: ArrayLike,
    *,
    law: str,
    critical_temperature: float | None = None,
) -> float:
    """Standard deviation of each temperature (K) at which the law would have χ² = 1 a degree of freedom."""
    unit = 0.03
    fit = fit_critical_current_law(
        temperature,
        critical_current,
        law=law,
        temperature_uncertainty=unit,
        relative_uncertainty=1e-3,
        critical_temperature=critical_temperature,
    )
    return unit * float(np.sqrt(fit.chi_square / max(fit.degrees_of_freedom, 1)))


def exact_power_law(temperature: Sequence[float], critical_current: Sequence[float]) -> tuple[float, float]:
    """T_c and n of J ∝ (T_c − T)ⁿ through three points whose currents stand in one ratio.

    T_c = (T₂² − T₁T₃)/(2T₂ − T₁ − T₃), n = ln r/ln[(T_c − T₂)/(T_c − T₁)].
    """
    (t1, t2, t3), (j1, j2, j3) = np.asarray(temperature, float), np.asarray(critical_current, float)
    if abs(j2 / j1 / (j3 / j2) - 1) > 0.02:
        raise ValueError(f"the currents {j1:g}, {j2:g}, {j3:g} do not stand in one ratio")
    end = (t2**2 - t1 * t3) / (2 * t2 - t1 - t3)
    return float(end), float(np.log(j2 / j1) / np.log((end - t2) / (end - t1)))


def pair_critical_temperature(
    temperature: tuple[float, float], critical_current: tuple[float, float], exponent: float = 1.5
) -> float:
    """T_c that (T_c − T)ⁿ demands of two points."""
    ratio = (critical_current[1] / critical_current[0]) ** (1 / exponent)
    return (ratio * temperature[0] - temperature[1]) / (ratio - 1)


def find_crossover(first: CurrentLawFit, second: CurrentLawFit, low: float, high: float) -> float:
    """Temperature between `low` and `high` at which two laws give one current; NaN where they do not meet."""
    grid = np.linspace(low, high, 2001)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.log(first.predict(grid)) - np.log(second.predict(grid))
    turns = np.flatnonzero(np.isfinite(apart[:-1] * apart[1:]) & (apart[:-1] * apart[1:] < 0))
    return float(grid[turns[-1]]) if turns.size else float("nan")


@dataclass(frozen=True)
class _Problem:
    """ln J_c and T; unknowns: ln J₀, then T_c, n or L/ξ_N where free, then ln(1 − T/T_c) of each point."""

    t: Array
    log_j: Array
    sigma_t: Array
    sigma_j: Array
    law: str
    fixed_temperature: float | None
    fixed_exponent: float | None

    @property
    def has_shape(self) -> bool:
        return (self.law == "power" and self.fixed_exponent is None) or self.law == "sns"

    def read(self, p: Array) -> tuple[float, float, float, float, Array]:
        """ln J₀, T_c, n, L/ξ_N and the points' ln(1 − t)."""
        rest = list(p[1 : p.size - self.t.size])
        end = self.fixed_temperature if self.fixed_temperature is not None else rest.pop(0)
        shape = rest.pop(0) if self.has_shape else np.nan
        fixed = self.fixed_exponent if self.fixed_exponent is not None else EXPONENTS[self.law]
        power = shape if self.law == "power" and self.fixed_exponent is None else fixed
        return p[0], float(end), float(power), shape if self.law == "sns" else 0.0, p[p.size - self.t.size :]  # type: ignore[arg-type]

    def residuals(self, p: Array) -> Array:
        log_zero, end, power, barrier, z = self.read(p)
        current = log_zero + log_current(self.law, power, barrier)(z)
        true = end * -np.expm1(z)
        return np.concatenate([(self.log_j - current) / self.sigma_j, (self.t - true) / self.sigma_t])

    def starts(self) -> list[Array]:
        ends = [self.fixed_temperature] if self.fixed_temperature is not None else None
        ends = ends or list(self.t.max() + np.array([0.05, 0.2, 0.6, 2.0]) + 0.2 * self.sigma_t.max())
        found = []
        for end in ends:
            z = np.log(np.maximum(1 - self.t / end, 1e-5))
            shape = [1.0] if self.law == "sns" else [float(np.clip(np.polyfit(z, self.log_j, 1)[0], 0.6, 20))]
            power = shape[0] if self.law == "power" and self.has_shape else self.read_power()
            log_zero = float(np.mean(self.log_j - log_current(self.law, power, 1.0)(z)))
            head = [log_zero] + ([] if self.fixed_temperature is not None else [end])
            found.append(np.concatenate([head, shape if self.has_shape else [], z]))
        return found

    def read_power(self) -> float:
        fixed = self.fixed_exponent if self.fixed_exponent is not None else EXPONENTS[self.law]
        return float(fixed if fixed is not None else 1.5)

    def solve(self, start: Array) -> Any:
        low, high = np.full(start.size, -np.inf), np.full(start.size, np.inf)
        low[start.size - self.t.size :], high[start.size - self.t.size :] = -60.0, -1e-9
        index = 1
        if self.fixed_temperature is None:
            low[index], high[index] = self.t.min() + 1e-3, self.t.max() + FARTHEST
            index += 1
        if self.has_shape:
            low[index], high[index] = (0.0, 2000.0) if self.law == "sns" else (0.2, 60.0)
        start = np.clip(start, low + 1e-9, high - 1e-9)
        return least_squares(self.residuals, start, bounds=(low, high), x_scale="jac", max_nfev=400)

    def result(self, found: Any, free: int) -> CurrentLawFit:
        log_zero, end, power, barrier, z = self.read(found.x)
        normal = found.jac.T @ found.jac
        spread = np.sqrt(np.maximum(np.diag(np.linalg.pinv(normal)), 0.0))
        head = list(spread[1 : found.x.size - self.t.size])
        end_error = 0.0 if self.fixed_temperature is not None else head.pop(0)
        shape_error = head.pop(0) if self.has_shape else 0.0
        sns = self.law == "sns"
        misfit = float(2 * found.cost)
        below = np.minimum(self.t / end, 1 - 1e-12)
        current = log_zero + log_current(self.law, power, barrier)(np.log1p(-below))
        return CurrentLawFit(
            self.law,
            Quantity(end, end_error, "K"),
            Quantity(
                float(np.exp(min(log_zero, 300.0))), float(np.exp(min(log_zero, 300.0)) * spread[0]), "A/m^2"
            ),
            Quantity(power, 0.0 if sns else shape_error),
            Quantity(barrier, shape_error) if sns else Quantity(float("nan")),
            misfit,
            self.t.size - free,
            misfit + 2 * free,
            np.where(self.t < end, (self.log_j - current) / np.log(10), np.nan),
            end * -np.expm1(z) - self.t,
        )


def _checked(*columns: ArrayLike) -> tuple[Array, Array, Array, Array]:
    t, j, sigma_t, sigma_j = (np.asarray(c, float) for c in columns)
    t, j, sigma_t, sigma_j = (np.atleast_1d(c).ravel() for c in np.broadcast_arrays(t, j, sigma_t, sigma_j))
    for name, values in (
        ("temperature", t),
        ("critical_current", j),
        ("temperature_uncertainty", sigma_t),
        ("relative_uncertainty", sigma_j),
    ):
        if not np.all(np.isfinite(values) & (values > 0)):
            raise ValueError(
                f"{name} has {values[~(values > 0)][:1]}; every value must be positive and finite"
            )
    order = np.argsort(t)
    return t[order], j[order], sigma_t[order], sigma_j[order]
