"""The law of J_c(T): fits of ln J_c with errors in temperature, their comparison, and what three points can say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.analysis.current_regression import CurrentRegression
from nbtools.physics.critical_current import EXPONENTS, log_current
from nbtools.statistics.arrays import real_array
from nbtools.statistics.choice import ranked
from nbtools.units import Quantity

Array = NDArray[np.float64]
ROUNDING = 1e-9  # of χ² without a degree of freedom: what is left when a law goes through all points
LAWS = ("power", "linear", "three-halves", "square", "depairing", "sns")


class TooFewPoints(ValueError):
    """Fewer points than a law has free parameters."""


@dataclass(frozen=True)
class CurrentLawFit:
    """One law through the points.

    critical_temperature (K), zero_temperature_current (A/m²), exponent (that of the law near T_c if it is fixed),
    barrier : L/ξ_N(T_c) of the proximity junction, else NaN
    chi_square, degrees_of_freedom, akaike : misfit with errors in temperature and current (0 where the law goes
        through all points, having as many parameters); χ² + 2k
    residual_decades : log₁₀ of each point over the law, NaN for one at or above T_c
    temperature_shift : by how much each point's temperature had to move (K)
    parameters, covariance : ln J_c(0), T_c and n or L/ξ_N (0 if the law has neither)
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
    parameters: Array
    covariance: Array

    def predict(self, temperature: ArrayLike) -> Array:
        """J_c (A/m²), 0 from T_c up."""
        return np.exp(_log_law(self.law, self.parameters, np.asarray(temperature, float)))

    def log_uncertainty(self, temperature: ArrayLike) -> Array:
        """σ of ln J_c by the law at temperatures below T_c, from the covariance of its parameters."""
        t = np.atleast_1d(np.asarray(temperature, float))
        steps = 1e-5 * np.eye(3)
        sides = [[_log_law(self.law, self.parameters + sign * d, t) for d in steps] for sign in (1, -1)]
        gradient = (np.array(sides[0]) - np.array(sides[1])) / 2e-5
        return np.sqrt(np.einsum("it,ij,jt->t", gradient, self.covariance, gradient))

    def decades_off(self, temperature: Quantity, critical_current: Quantity) -> Quantity:
        """log₁₀ of a current over the law at its temperature, with the errors of all three."""
        near = np.array([-1e-3, 0.0, 1e-3]) + float(temperature)
        low, law, high = np.log(self.predict(near))
        errors = (
            (high - low) / 2e-3 * temperature.uncertainty,
            critical_current.uncertainty / critical_current,
            float(self.log_uncertainty(near[1])[0]),
        )
        decades = np.array([np.log(float(critical_current)) - law, np.linalg.norm(errors)]) / np.log(10)
        return Quantity(float(decades[0]), float(decades[1]))

    @property
    def worst_residual(self) -> float:
        """Of the points below T_c (decades)."""
        known = np.abs(self.residual_decades[np.isfinite(self.residual_decades)])
        return float(known.max()) if known.size else float("nan")

    def __str__(self) -> str:
        shift = 1e3 * float(np.max(np.abs(self.temperature_shift)))
        beyond = int(np.isnan(self.residual_decades).sum())
        above = f", {beyond} point(s) above T_c" if beyond else ""
        weak = f", L/ξ_N = {self.barrier}" if np.isfinite(self.barrier) else ""
        law = f"{self.law}: n = {self.exponent}, T_c = {self.critical_temperature}{weak}"
        if self.chi_square == 0:
            return f"{law}, through every point (0 free), AIC = {self.akaike:.1f}{above}"
        return (
            f"{law}, χ² = {self.chi_square:.2g} ({self.degrees_of_freedom} free), AIC = {self.akaike:.1f}, "
            f"points moved up to {shift:.0f} mK, worst residual {self.worst_residual:.2f} decades{above}"
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
    log_current(law, 1.0, 0.0)  # refuses an unknown law
    shape = exponent if law == "power" and exponent is not None else np.nan
    end = np.nan if critical_temperature is None else critical_temperature
    held = np.array([np.nan, end, shape if law in ("power", "sns") else 0.0])
    problem = CurrentRegression(t, np.log(j), sigma_t, sigma_j, law, held)
    if problem.degrees_of_freedom < 0 or t.size < 2:
        raise TooFewPoints(f"{t.size} points came; the law {law!r} has {problem.free.sum()} free parameters")
    if np.any(t > end + 5 * sigma_t):
        raise ValueError(f"a point lies at {t.max():g} K, above the given T_c of {end:g} K, with a current")
    return _result(problem, problem.solve())


def compare_current_laws(
    temperature: ArrayLike, critical_current: ArrayLike, *, laws: Sequence[str] = LAWS, **options: ArrayLike
) -> Mapping[str, CurrentLawFit]:
    """Every law that the number of points allows, the best by AIC first; of equal ones as `laws` lists them."""
    fits = {}
    for law in laws:
        try:
            fits[law] = fit_critical_current_law(temperature, critical_current, law=law, **options)  # type: ignore[arg-type]
        except TooFewPoints:
            continue
    names = list(fits)
    return {names[i]: fits[names[i]] for i in ranked([fit.akaike for fit in fits.values()], scale=1.0)}


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
    """Standard deviation of each temperature (K) at which the law would have χ² = 1 a degree of freedom.

    NaN where the law has as many free parameters as there are points: it goes through them with any error.
    """
    unit = 0.03
    fit = fit_critical_current_law(
        temperature,
        critical_current,
        law=law,
        temperature_uncertainty=unit,
        relative_uncertainty=1e-3,
        critical_temperature=critical_temperature,
    )
    freedom = fit.degrees_of_freedom
    return unit * float(np.sqrt(fit.chi_square / freedom)) if freedom else float("nan")


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


def find_crossover(first: CurrentLawFit, second: CurrentLawFit, low: float, high: float) -> Quantity:
    """Highest temperature between `low` and `high` at which two laws give one current (K); NaN where none.

    Its σ is that of ln J_c of both, taken as independent, over the difference of their slopes.
    """
    grid = np.linspace(low, high, 4001)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.log(first.predict(grid)) - np.log(second.predict(grid))
    turns = np.flatnonzero(np.isfinite(apart[:-1] * apart[1:]) & (apart[:-1] * apart[1:] < 0))
    if not turns.size:
        return Quantity(float("nan"), float("nan"), "K")
    cell = turns[-1]
    slope = (apart[cell + 1] - apart[cell]) / (grid[1] - grid[0])
    place = grid[cell] - apart[cell] / slope
    sigma = np.hypot(*(law.log_uncertainty(place)[0] for law in (first, second)))
    return Quantity(float(place), float(sigma / abs(slope)), "K")


def _log_law(law: str, parameters: Array, temperature: Array) -> Array:
    """ln J_c (A/m²) of ln J_c(0), T_c and n or L/ξ_N; −∞ from T_c up."""
    log_zero, end, shape = parameters
    below = np.maximum(1 - temperature / end, 1e-300)
    return np.where(temperature < end, log_zero + log_current(law, shape, shape)(np.log(below)), -np.inf)


def _result(problem: CurrentRegression, found: Any) -> CurrentLawFit:
    three, covariance = problem.law_parameters(found)
    spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    zero, shape = float(np.exp(min(three[0], 300.0))), Quantity(three[2], spread[2])
    misfit, power = float(2 * found.cost), EXPONENTS[problem.law]
    if not problem.degrees_of_freedom and misfit < ROUNDING:
        misfit = 0.0
    current = _log_law(problem.law, three, problem.t)
    return CurrentLawFit(
        problem.law,
        Quantity(three[1], spread[1], "K"),
        Quantity(zero, zero * spread[0], "A/m^2"),
        shape if power is None else Quantity(power, 0.0),
        shape if problem.law == "sns" else Quantity(float("nan")),
        misfit,
        problem.degrees_of_freedom,
        misfit + 2 * int(problem.free.sum()),
        np.where(np.isfinite(current), (problem.log_j - current) / np.log(10), np.nan),
        problem.true_temperature(found) - problem.t,
        three,
        covariance,
    )


def _checked(*columns: ArrayLike) -> tuple[Array, Array, Array, Array]:
    names = ("temperature", "critical_current", "temperature_uncertainty", "relative_uncertainty")
    t, j, sigma_t, sigma_j = (real_array(c, name) for c, name in zip(columns, names, strict=True))
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
    order = np.argsort(t, kind="stable")
    return t[order], j[order], sigma_t[order], sigma_j[order]
