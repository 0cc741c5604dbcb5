"""The regression of ln J_c(T) with errors in both, and with thermometers that may be off as a whole."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, least_squares

from nbtools.physics.critical_current import log_current

Array = NDArray[np.float64]
FARTHEST = 15.0  # K above the warmest point: where T_c may be sought


@dataclass(frozen=True)
class CurrentRegression:
    """Points and a law; unknowns: what is NaN in `held`, each point's ln(1 − T/T_c), then the offsets in units of σ.

    t, log_j, sigma_t, sigma_j : shape (n,), K and ln of A/m²
    law, held : a law of `log_current`; ln J_c(0), T_c and n or L/ξ_N where they are given
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
        current = log_zero + log_current(self.law, shape, shape)(z)
        read = -end * np.expm1(z) + self._moves @ offsets
        return np.concatenate(
            [(self.log_j - current) / self.sigma_j, (self.t - read) / self.sigma_t, offsets]
        )

    def _jacobian(self, p: Array) -> Array:
        (_, end, shape), z, offsets = self._read(p)
        step, count = 1e-6, z.size
        sides = [log_current(self.law, shape + h, shape + h)(z) for h in (-step, step)]
        slopes = [log_current(self.law, shape, shape)(z + h) for h in (-step, step)]
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
            shape = 1.0 if self.law == "sns" else float(np.clip(np.polyfit(z, self.log_j, 1)[0], 0.6, 20))
            shape = shape if self.free[2] else self.held[2]
            log_zero = float(np.mean(self.log_j - log_current(self.law, shape, shape)(z)))
            three = np.array([log_zero, end, shape])[self.free]
            found.append(np.concatenate([three, z, np.zeros(self._moves.shape[1])]))
        return found

    def _solve(self, start: Array) -> Any:
        shape = (0.0, 2000.0) if self.law == "sns" else (0.2, 60.0)
        three = np.array([(-np.inf, np.inf), (self.t.min() + 1e-3, self.t.max() + FARTHEST), shape])
        points = np.tile((-60.0, -1e-9), (self.t.size, 1))
        offsets = np.tile((-20.0, 20.0), (self._moves.shape[1], 1))
        low, high = np.vstack([three[self.free], points, offsets]).T
        start = np.clip(start, low + 1e-9, high - 1e-9)
        limits = {"bounds": (low, high), "max_nfev": 400}
        return least_squares(self._residuals, start, jac=self._jacobian, x_scale="jac", **limits)


def _inverse(found: OptimizeResult) -> Array:
    """Covariance of all unknowns."""
    return np.asarray(np.linalg.pinv(found.jac.T @ found.jac))
