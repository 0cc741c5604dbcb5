"""One J_c(T) from several instruments, the thermometer of each allowed to be off by an amount of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares
from scipy.stats import chi2

from nbtools.models.critical_current import EXPONENTS, log_current
from nbtools.units import Quantity

Array = NDArray[np.float64]
FARTHEST = 4.0  # K above the warmest point: where T_c is sought


@dataclass(frozen=True)
class CurrentPoints:
    """J_c(T) of one instrument.

    temperature, current : shape (n,), K and A/m²
    temperature_uncertainty, relative_uncertainty : of one point against the next, K and of ln J_c
    offset_uncertainty : K, how far the thermometer as a whole may be off; 0 for the one that others are held against
    """

    temperature: ArrayLike
    current: ArrayLike
    temperature_uncertainty: float = 0.005
    relative_uncertainty: float = 0.05
    offset_uncertainty: float = 0.0


@dataclass(frozen=True)
class JointCurrent:
    """One law through the points of all instruments.

    Attributes
    ----------
    critical_temperature (K), zero_temperature_current (A/m²), exponent : of the law, on the reference's scale
    offsets : by instrument, what its thermometer reads too much (K)
    chi_square, degrees_of_freedom : misfit, the offsets' own prior included
    chi_square_exact : the same with every thermometer taken at its word
    """

    law: str
    critical_temperature: Quantity
    zero_temperature_current: Quantity
    exponent: Quantity
    offsets: Mapping[str, Quantity]
    chi_square: float
    chi_square_exact: float
    degrees_of_freedom: int

    @property
    def p_value(self) -> float:
        """How often one law with such errors would fit no better."""
        return float(chi2.sf(self.chi_square, self.degrees_of_freedom))

    def predict(self, temperature: ArrayLike) -> Array:
        """J_c (A/m²) on the reference's temperature scale; 0 from T_c up."""
        t = np.asarray(temperature, float) / float(self.critical_temperature)
        z = np.log(np.maximum(1 - t, 1e-300))
        return (
            float(self.zero_temperature_current)
            * np.exp(log_current(self.law, float(self.exponent), 0.0)(z))
            * (t < 1)
        )

    def __str__(self) -> str:
        moved = ", ".join(f"{name} by {offset}" for name, offset in self.offsets.items())
        return (
            f"{self.law}: T_c = {self.critical_temperature}, n = {self.exponent}; thermometers off: {moved or 'none'}\n"
            f"χ² = {self.chi_square:.1f} for {self.degrees_of_freedom} free (p = {self.p_value:.2g}); "
            f"{self.chi_square_exact:.0f} with every thermometer taken at its word"
        )


def fit_joint_current(instruments: Mapping[str, CurrentPoints], *, law: str = "power") -> JointCurrent:
    """Fit ln J_c(T) of all instruments by one law, with errors in both and an offset for each thermometer.

    Every point has a true temperature of its own, below T_c, as in `fit_critical_current_law`; each offset is drawn
    towards zero by its stated uncertainty.

    Parameters
    ----------
    instruments : points by name; one at least without `offset_uncertainty`, which defines the scale
    law : "power" (n free), "linear", "three-halves", "square" or "depairing" (Eq. 1)

    Raises
    ------
    ValueError
        No reference thermometer, fewer points than parameters, currents or temperatures that are not positive.
    """
    problem = _Problem(instruments, law)
    free, exact = problem.solve(1.0), problem.solve(1e-6)
    return problem.result(free, float(exact.fun @ exact.fun))


class _Problem:
    """Unknowns: ln J₀, T_c, n where it is free, the offsets in units of their σ, then ln(1 − T/T_c) of each point."""

    def __init__(self, instruments: Mapping[str, CurrentPoints], law: str) -> None:
        log_current(law, 1.0, 0.0)
        self.instruments, self.law = dict(instruments), law
        self.t, self.j, self.sigma_t, self.sigma_j, scales = (
            np.concatenate(
                [
                    np.broadcast_to(getattr(p, name), np.shape(p.temperature))
                    for p in self.instruments.values()
                ]
            )
            for name in CurrentPoints.__dataclass_fields__
        )
        self.loose = [name for name, points in self.instruments.items() if points.offset_uncertainty > 0]
        owner = np.repeat([*self.instruments], [np.size(p.temperature) for p in self.instruments.values()])
        # Of each point, by how much each offset moves it.
        self.moves = (
            np.array([(owner == name) * scales for name in self.loose]).reshape(len(self.loose), owner.size).T
        )
        if len(self.loose) == len(self.instruments):
            raise ValueError(
                "every thermometer may be off; give one of them offset_uncertainty=0, as the reference"
            )
        if not (np.all(self.t > 0) and np.all(self.j > 0)):
            raise ValueError("temperatures and currents must be positive; leave out points without a current")
        if self.t.size < 4:
            raise ValueError(f"{self.t.size} points came; one law needs four at least")

    @property
    def head(self) -> int:
        """How many unknowns come before the offsets: ln J₀, T_c, and n where the law leaves it free."""
        return 3 if EXPONENTS[self.law] is None else 2

    def residuals(self, p: Array, looseness: float) -> Array:
        power = p[2] if self.head == 3 else EXPONENTS[self.law]
        standard, z = p[self.head : self.head + len(self.loose)], p[self.head + len(self.loose) :]
        current = p[0] + log_current(self.law, power, 0.0)(z)  # type: ignore[arg-type]
        read = -p[1] * np.expm1(z) + looseness * self.moves @ standard
        return np.r_[(np.log(self.j) - current) / self.sigma_j, (self.t - read) / self.sigma_t, standard]

    def solve(self, looseness: float) -> Any:
        """The best of several starts; a `looseness` near 0 holds every thermometer to its word."""
        t, j = self.t, self.j
        low = np.r_[
            -np.inf,
            t.max() - 2,
            [0.2] * (self.head - 2),
            np.full(len(self.loose), -20.0),
            np.full(t.size, -60.0),
        ]
        high = np.r_[np.inf, t.max() + FARTHEST, [60.0] * (self.head - 2), np.full(len(self.loose), 20.0)]
        high = np.r_[high, np.full(t.size, -1e-9)]
        options = {"bounds": (low, high), "x_scale": "jac", "max_nfev": 300, "args": (looseness,)}
        found = []
        for above in (0.1, 0.5, 1.5):
            z = np.log(np.maximum(1 - t / (t.max() + above), 1e-5))
            power = float(np.clip(EXPONENTS[self.law] or np.polyfit(z, np.log(j), 1)[0], 0.6, 20))
            zero = float(np.mean(np.log(j) - log_current(self.law, power, 0.0)(z)))
            start = np.r_[zero, t.max() + above, [power] * (self.head - 2), np.zeros(len(self.loose)), z]
            found.append(least_squares(self.residuals, np.clip(start, low + 1e-9, high - 1e-9), **options))
        return min(found, key=lambda solution: solution.cost)

    def result(self, found: Any, exact: float) -> JointCurrent:
        spread = np.sqrt(np.maximum(np.diag(np.linalg.pinv(found.jac.T @ found.jac)), 0.0))
        moved = {}
        for index, name in enumerate(self.loose, start=self.head):
            scale = self.instruments[name].offset_uncertainty
            moved[name] = Quantity(found.x[index] * scale, spread[index] * scale, "K")
        zero, fixed = float(np.exp(found.x[0])), EXPONENTS[self.law]
        return JointCurrent(
            self.law,
            Quantity(found.x[1], spread[1], "K"),
            Quantity(zero, spread[0] * zero, "A/m^2"),
            Quantity(found.x[2], spread[2]) if fixed is None else Quantity(fixed, 0.0),
            moved,
            2 * float(found.cost),
            exact,
            self.t.size - self.head,
        )
