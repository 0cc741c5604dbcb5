"""The law of J_c(T): fits of ln J_c with errors in temperature, their comparison, and what three points can say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import OptimizeResult, least_squares

from nbtools.physics.critical_current import EXPONENTS, log_current
from nbtools.physics.domain import require_one_of
from nbtools.results import NotPossible
from nbtools.statistics.arrays import real_array
from nbtools.statistics.choice import ranked
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity, propagate

Array = NDArray[np.float64]
LAWS = ("power", "linear", "three-halves", "square", "depairing")
RATIO_SHARE = 0.02  # by how much two ratios of currents may differ and count as one
NAMES = {
    "power": "(1 − t)ⁿ",
    "linear": "1 − t",
    "three-halves": "(1 − t)^3/2",
    "square": "(1 − t)²",
    "depairing": "Eq. (1)",
}
FARTHEST = 15.0  # K above the warmest point: where T_c may be sought


@dataclass(frozen=True)
class CurrentRegression:
    """Points and a law; unknowns: what is NaN in `held`, each point's ln(1 − T/T_c), then the offsets in units of σ.

    t, log_j, sigma_t, sigma_j : shape (n,), K and ln of A/m²
    law, held : a law of `log_current`; ln J_c(0), T_c and n where they are given
    moves : shape (n, m), K: by how much one σ of each offset moves the reading of each point
    """

    t: Array
    log_j: Array
    sigma_t: Array
    sigma_j: Array
    law: str
    held: Array
    moves: Array | None = None

    @property
    def free(self) -> NDArray[np.bool_]:
        """Which of ln J_c(0), T_c and the shape are sought."""
        return np.isnan(self.held)

    @property
    def degrees_of_freedom(self) -> int:
        """Points less free parameters; an offset comes with a reading of its own, its stated σ."""
        return self.t.size - int(self.free.sum())

    def solve(self) -> OptimizeResult:
        """The best from several starts."""
        return min((self._solve(start) for start in self._starts()), key=lambda found: found.cost)

    def with_exact_thermometers(self) -> "CurrentRegression":
        """The same points, every thermometer taken at its word."""
        return replace(self, moves=None)

    def law_parameters(self, found: OptimizeResult) -> tuple[Array, Array]:
        """ln J_c(0), T_c and the shape, with their covariance (0 where they are given)."""
        covariance, count = np.zeros((3, 3)), int(self.free.sum())
        covariance[np.ix_(self.free, self.free)] = _inverse(found)[:count, :count]
        return self._read(found.x)[0], covariance

    def offsets(self, found: OptimizeResult) -> tuple[Array, Array]:
        """Of each thermometer, in units of its σ, with the errors; shape (m,) each."""
        errors = np.sqrt(np.maximum(np.diag(_inverse(found)), 0.0))
        return self._read(found.x)[2], errors[found.x.size - self._moves.shape[1] :]

    def true_temperature(self, found: OptimizeResult) -> Array:
        """Of each point (K)."""
        (_, end, _), z, _ = self._read(found.x)
        return -end * np.expm1(z)

    @property
    def _moves(self) -> Array:
        return np.zeros((self.t.size, 0)) if self.moves is None else self.moves

    def _read(self, p: Array) -> tuple[Array, Array, Array]:
        """The three parameters of the law, the points' ln(1 − t), the offsets."""
        three, count = self.held.copy(), int(self.free.sum())
        three[self.free] = p[:count]
        return three, p[count : count + self.t.size], p[count + self.t.size :]

    def _residuals(self, p: Array) -> Array:
        (log_zero, end, shape), z, offsets = self._read(p)
        current = log_zero + log_current(self.law, shape)(z)
        read = -end * np.expm1(z) + self._moves @ offsets
        return np.concatenate(
            [(self.log_j - current) / self.sigma_j, (self.t - read) / self.sigma_t, offsets]
        )

    def _jacobian(self, p: Array) -> Array:
        (_, end, shape), z, offsets = self._read(p)
        step, count = 1e-6, z.size
        sides = [log_current(self.law, shape + h)(z) for h in (-step, step)]
        slopes = [log_current(self.law, shape)(z + h) for h in (-step, step)]
        table = np.zeros((2 * count + offsets.size, 3 + count + offsets.size))
        table[:count, 0] = -1 / self.sigma_j
        table[:count, 2] = (sides[0] - sides[1]) / (2 * step * self.sigma_j)
        table[:count, 3 : 3 + count] = np.diag((slopes[0] - slopes[1]) / (2 * step * self.sigma_j))
        table[count : 2 * count, 1] = np.expm1(z) / self.sigma_t
        table[count : 2 * count, 3 : 3 + count] = np.diag(end * np.exp(z) / self.sigma_t)
        table[count : 2 * count, 3 + count :] = -self._moves / self.sigma_t[:, None]
        table[2 * count :, 3 + count :] = np.eye(offsets.size)
        return table[:, np.concatenate([self.free, np.ones(count + offsets.size, bool)])]

    def _starts(self) -> list[Array]:
        """T_c at several distances above the points, the rest by a straight line in ln(1 − t)."""
        ends = self.t.max() + np.array([0.05, 0.2, 0.6, 2.0]) + 0.2 * self.sigma_t.max()
        found = []
        for end in ends if self.free[1] else self.held[1:2]:
            z = np.log(np.maximum(1 - self.t / end, 1e-5))
            shape = float(np.clip(np.polyfit(z, self.log_j, 1)[0], 0.6, 20))
            shape = shape if self.free[2] else self.held[2]
            log_zero = float(np.mean(self.log_j - log_current(self.law, shape)(z)))
            three = np.array([log_zero, end, shape])[self.free]
            found.append(np.concatenate([three, z, np.zeros(self._moves.shape[1])]))
        return found

    def _solve(self, start: Array) -> Any:
        ends = (self.t.min() + 1e-3, self.t.max() + FARTHEST)
        three = np.array([(-np.inf, np.inf), ends, (0.2, 60.0)])
        points = np.tile((-60.0, -1e-9), (self.t.size, 1))
        offsets = np.tile((-20.0, 20.0), (self._moves.shape[1], 1))
        low, high = np.vstack([three[self.free], points, offsets]).T
        start = np.clip(start, low + 1e-9, high - 1e-9)
        limits = {"bounds": (low, high), "max_nfev": 400}
        return least_squares(self._residuals, start, jac=self._jacobian, x_scale="jac", **limits)


def _inverse(found: OptimizeResult) -> Array:
    """Covariance of all unknowns."""
    return np.asarray(np.linalg.pinv(found.jac.T @ found.jac))


@dataclass(frozen=True)
class CurrentLawFit:
    """One law through the points.

    critical_temperature (K), zero_temperature_current (A/m²), exponent (that of the law near T_c if it is fixed),
    chi_square, degrees_of_freedom, akaike : misfit with errors in temperature and current; χ² + 2k
    residual_decades : log₁₀ of each point over the law, NaN for one at or above T_c
    temperature_shift : by how much each point's temperature had to move (K)
    parameters, covariance : ln J_c(0), T_c and n (0 if the law has none)
    """

    law: str
    critical_temperature: Quantity
    zero_temperature_current: Quantity
    exponent: Quantity
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
        law = propagate(lambda kelvin: float(np.log10(self.predict(kelvin))), temperature)
        own = float(self.log_uncertainty(float(temperature))[0]) / np.log(10)
        return (propagate(np.log10, critical_current) - law).widened(own)

    @property
    def worst_residual(self) -> float:
        """Of the points below T_c (decades)."""
        known = np.abs(self.residual_decades[np.isfinite(self.residual_decades)])
        return float(known.max()) if known.size else float("nan")


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
    law : "power" (n free unless `exponent` is given), "linear", "three-halves", "square" or "depairing" (Eq. 1).
        The barrier of a junction is not fitted but bounded: `physics.proximity.largest_barrier`

    Raises
    ------
    NotPossible
        No more points than free parameters: such a law goes through any points, and is no fit.
    ValueError
        Values that are not positive, a T_c below a point by more than 5 σ, an unknown law.
    """
    t, j, sigma_t, sigma_j = _checked(
        temperature, critical_current, temperature_uncertainty, relative_uncertainty
    )
    require_one_of(LAWS, law=law)
    shape = exponent if law == "power" and exponent is not None else np.nan
    end = np.nan if critical_temperature is None else critical_temperature
    held = np.array([np.nan, end, shape if law == "power" else 0.0])
    problem = CurrentRegression(t, np.log(j), sigma_t, sigma_j, law, held)
    if problem.degrees_of_freedom < 1:
        count = int(problem.free.sum())
        raise NotPossible(
            f"{t.size} points came; the law {law!r} has {count} free parameters and needs {count + 1} points or more"
        )
    if np.any(t > end + 5 * sigma_t):
        raise ValueError(f"a point lies at {t.max():g} K, above the given T_c of {end:g} K, with a current")
    return _result(problem, problem.solve())


def compare_current_laws(
    temperature: ArrayLike, critical_current: ArrayLike, *, laws: Sequence[str] = LAWS, **options: ArrayLike
) -> Mapping[str, CurrentLawFit]:
    """Every law with fewer free parameters than points, the best by AIC first; of equal ones as `laws` lists them."""
    fits = {}
    for law in laws:
        try:
            fits[law] = fit_critical_current_law(temperature, critical_current, law=law, **options)  # type: ignore[arg-type]
        except NotPossible:
            continue
    names = list(fits)
    return {names[i]: fits[names[i]] for i in ranked([fit.akaike for fit in fits.values()], scale=1.0)}


def needed_temperature_error(temperature: ArrayLike, critical_current: ArrayLike, *, law: str) -> float:
    """Standard deviation of each temperature (K) at which the law would have χ² = 1 a degree of freedom."""
    unit = 0.03
    errors = {"temperature_uncertainty": unit, "relative_uncertainty": 1e-3}
    fit = fit_critical_current_law(temperature, critical_current, law=law, **errors)
    return unit * float(np.sqrt(fit.chi_square / fit.degrees_of_freedom))


@dataclass(frozen=True)
class ExactPowerLaw:
    """J ∝ (T_c − T)ⁿ through three points; nothing is left over to test it by.

    points : the three (T in K, J in A/m²), warmest first
    critical_temperature, exponent : with the σ of the temperatures
    """

    points: tuple[tuple[Quantity, float], ...]
    critical_temperature: Quantity
    exponent: Quantity

    def log_current(
        self, temperature: float, *, end: Any = None, exponent: Any = None, first: Any = None
    ) -> float:
        """ln J_c at a temperature below T_c; with other values of T_c, n and the first temperature for its σ."""
        end = self.critical_temperature if end is None else end
        exponent = self.exponent if exponent is None else exponent
        first = self.points[0][0] if first is None else first
        return float(np.log(self.points[0][1]) + exponent * np.log((end - temperature) / (end - first)))

    def predict(self, temperature: ArrayLike) -> Array:
        """J_c (A/m²), 0 from T_c up."""
        t, end = np.asarray(temperature, float), float(self.critical_temperature)
        first, current = float(self.points[0][0]), self.points[0][1]
        return current * (np.maximum(end - t, 0.0) / (end - first)) ** float(self.exponent)

    def log_uncertainty(self, temperature: ArrayLike) -> Array:
        """σ of ln J_c by the law at temperatures below T_c, from those of the three points."""
        three = (self.critical_temperature, self.exponent, self.points[0][0])
        spreads = [
            propagate(
                lambda end, n, first, at=float(t): self.log_current(at, end=end, exponent=n, first=first),
                *three,
            )
            for t in np.atleast_1d(np.asarray(temperature, float))
        ]
        return np.array([spread.uncertainty for spread in spreads])


def power_law_through(
    temperature: Sequence[Quantity | float], critical_current: Sequence[float]
) -> ExactPowerLaw:
    """J ∝ (T_c − T)ⁿ through three points whose currents stand in one ratio, the σ of each temperature carried along.

    T_c = (T₂² − T₁T₃)/(2T₂ − T₁ − T₃), n = ln r/ln[(T_c − T₂)/(T_c − T₁)].

    Raises
    ------
    NotPossible
        Not three points, currents that stand in no one ratio, or that do not rise faster towards lower temperature.
    """
    if len(temperature) != 3:
        raise NotPossible(f"{len(temperature)} points came; a power law goes through three")
    order = np.argsort([-float(t) for t in temperature], kind="stable")
    kelvin = [Quantity.of(temperature[i], "K") for i in order]
    t1, t2, t3 = (t if np.isfinite(t.uncertainty) else Quantity(float(t), 0.0, "K") for t in kelvin)
    j1, j2, j3 = (float(critical_current[i]) for i in order)
    if abs(j2 / j1 / (j3 / j2) - 1) > RATIO_SHARE:
        raise NotPossible(f"the currents {j1:g}, {j2:g}, {j3:g} A/m² do not stand in one ratio")
    if not 0 < float(t1 - t2) < float(t2 - t3):
        raise NotPossible(
            f"at {float(t1):g}, {float(t2):g} and {float(t3):g} K a tenfold current is not further and further away: "
            "no power law with an end goes through these points"
        )
    # As distances from the middle point, which keep their correlation.
    above, below = t1 - t2, t2 - t3
    reach = above * below / (below - above)
    end = t2 + reach
    steepness = propagate(lambda far, near: np.log(j2 / j1) / np.log(far / near), reach, reach - above)
    return ExactPowerLaw(((t1, j1), (t2, j2), (t3, j3)), end, steepness)


def find_crossover(
    first: CurrentLawFit | ExactPowerLaw, second: CurrentLawFit, low: float, high: float
) -> Quantity:
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
    """ln J_c (A/m²) of ln J_c(0), T_c and n; −∞ from T_c up."""
    log_zero, end, shape = parameters
    below = np.maximum(1 - temperature / end, 1e-300)
    return np.where(temperature < end, log_zero + log_current(law, shape)(np.log(below)), -np.inf)


def _result(problem: CurrentRegression, found: Any) -> CurrentLawFit:
    three, covariance = problem.law_parameters(found)
    spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    zero, shape = float(np.exp(min(three[0], 300.0))), Quantity(three[2], spread[2])
    misfit, power = float(2 * found.cost), EXPONENTS[problem.law]
    current = _log_law(problem.law, three, problem.t)
    return CurrentLawFit(
        problem.law,
        Quantity(three[1], spread[1], "K"),
        Quantity(zero, zero * spread[0], "A/m^2"),
        shape if power is None else Quantity(power, 0.0),
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
    for name, values in zip(names, (t, j, sigma_t, sigma_j), strict=True):
        if not np.all(np.isfinite(values) & (values > 0)):
            raise ValueError(
                f"{name} has {values[~(values > 0)][:1]}; every value must be positive and finite"
            )
    order = np.argsort(t, kind="stable")
    return t[order], j[order], sigma_t[order], sigma_j[order]


@dataclass(frozen=True, repr=False)
class LawStudy(StudyResult):
    """What law J_c(T) follows near T_c, and over all temperatures.

    Attributes
    ----------
    near : the power law through the half-screening points; None where there are not three in one ratio
    laws_near : laws with fewer parameters than half-screening points, best first
    laws : laws through half-screening points and loops together, best first
    cold : Eq. (1) through the loops alone; None where there are fewer than three
    crossover : where the law near T_c crosses Eq. (1) of the loops (K)
    off : how far the coldest half-screening point lies off Eq. (1) of the loops, in decades
    points : by method, (T, J_c, σ of T), K and A/m²
    needed : σ of the temperatures at which the 3/2 law would pass near T_c (K), NaN where there are too few points
    missing : what could not be had, a sentence each
    """

    near: ExactPowerLaw | None
    laws_near: Mapping[str, CurrentLawFit]
    laws: Mapping[str, CurrentLawFit]
    cold: CurrentLawFit | None
    crossover: Quantity
    off: Quantity
    points: Mapping[str, tuple[Array, ...]]
    needed: float
    missing: dict[str, str]

    def rows(self) -> list[Row]:
        rows = []
        if self.near:
            how = "through three half-screening points, nothing left to test it by"
            rows += [
                Row("exponent near T_c", self.near.exponent, how),
                Row("T_c of that law", self.near.critical_temperature, how),
            ]
        for where, fits in (("half screening", self.laws_near), ("all points", self.laws)):
            for fit in fits.values():
                above = int(np.isnan(fit.residual_decades).sum())
                rows.append(
                    Row(
                        f"T_c, {NAMES[fit.law]}, {where}",
                        fit.critical_temperature,
                        f"χ² = {fit.chi_square:.3g} for {fit.degrees_of_freedom} free, worst {fit.worst_residual:.2f} "
                        "decades" + (f", {above} point{'s' * (above > 1)} above T_c" if above else ""),
                    )
                )
        if self.cold:
            how = f"loops alone, χ² = {self.cold.chi_square:.2g} for {self.cold.degrees_of_freedom} free"
            rows += [
                Row("T_c of Eq. (1)", self.cold.critical_temperature, how),
                Row("J_c(0) of Eq. (1)", self.cold.zero_temperature_current, how, shown="A/cm^2"),
                Row(
                    "coldest half screening off Eq. (1), decades",
                    self.off,
                    "Eq. (1) through the loops",
                    "off_equation_1",
                ),
                Row(
                    "both laws cross at",
                    self.crossover,
                    "power law near T_c, Eq. (1) of the loops",
                    "law_crossover",
                ),
            ]
        return [row for row in rows if np.isfinite(row.quantity)]

    def notes(self) -> list[str]:
        said = [f"{what}: {reason}" for what, reason in self.missing.items()]
        if np.isfinite(self.needed):
            said.append(
                f"for n = 3/2 near T_c the temperatures would have to be wrong by {1e3 * self.needed:.0f} mK"
            )
        return said


def estimate_current_law(
    half_screening: Sequence[tuple[Quantity, Quantity]],
    loops: Sequence[tuple[Quantity, Quantity]] = (),
    *,
    relative_uncertainty: float = 0.03,
) -> LawStudy:
    """The law of J_c(T) near T_c, over all temperatures, and where one gives way to the other.

    Parameters
    ----------
    half_screening, loops : (temperature in K, J_c in A/m²) of each point
    relative_uncertainty : of each J_c beyond what all points share (edges, volume)

    Raises
    ------
    NotPossible
        Fewer than two points.
    """
    if len(half_screening) + len(loops) < 2:
        raise NotPossible(f"{len(half_screening) + len(loops)} point came; a law of J_c(T) needs two or more")
    missing: dict[str, str] = {}
    named = {"half screening": half_screening, "loops": loops}
    columns = {
        name: tuple(
            np.array(column)
            for column in zip(*((float(t), float(j), t.uncertainty) for t, j in entries), strict=True)
        )
        for name, entries in named.items()
        if entries
    }

    def fits(laws: Sequence[str], *methods: str) -> Mapping[str, CurrentLawFit]:
        t, j, sigma = (np.concatenate([columns[m][i] for m in methods if m in columns]) for i in range(3))
        options: dict[str, Any] = {
            "temperature_uncertainty": sigma,
            "relative_uncertainty": relative_uncertainty,
        }
        return compare_current_laws(t, j, laws=laws, **options)

    near, needed = None, float("nan")
    laws_near: Mapping[str, CurrentLawFit] = {}
    if half_screening:
        laws_near = fits(LAWS, "half screening")
        try:
            near = power_law_through([t for t, _ in half_screening], [float(j) for _, j in half_screening])
        except NotPossible as reason:
            missing["power law near T_c"] = str(reason)
    if len(half_screening) > 2:
        needed = needed_temperature_error(*columns["half screening"][:2], law="three-halves")
    laws = fits(("power", "depairing"), "half screening", "loops") if loops and half_screening else {}
    cold = fits(("depairing",), "loops").get("depairing") if loops else None
    nothing = Quantity(float("nan"), float("nan"))
    crossover, off = Quantity(float("nan"), float("nan"), "K"), nothing
    if cold and half_screening:
        coldest = min(half_screening, key=lambda point: float(point[0]))
        if cold.predict(float(coldest[0])) > 0:
            off = cold.decades_off(*coldest)
        if near:
            lowest = float(max(t for t, _ in loops))
            crossover = find_crossover(near, cold, lowest, float(near.points[0][0]))
    return LawStudy(near, laws_near, laws, cold, crossover, off, columns, needed, missing)
