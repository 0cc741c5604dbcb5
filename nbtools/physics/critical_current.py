"""How J_c falls towards T_c: power laws and Ginzburg–Landau's depairing form."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.physics.domain import require_not_negative, require_one_of, require_positive

Array = NDArray[np.float64]
CurrentLaw = Literal["power", "three-halves", "linear", "square", "depairing"]
# Exponent near T_c; None where it is free.
EXPONENTS: dict[str, float | None] = {
    "power": None,
    "linear": 1.0,
    "three-halves": 1.5,
    "square": 2.0,
    "depairing": 1.5,
}


def reduced_critical_current(
    reduced_temperature: ArrayLike,
    law: CurrentLaw,
    *,
    exponent: float = 1.5,
) -> Array:
    """J_c(T)/J_c(0) at t = T/T_c; zero from t = 1 up.

    "power": (1 − t)ⁿ; "linear", "three-halves" and "square" are n = 1 (tunnel junctions), 3/2 (Ginzburg–Landau) and
    2 (proximity junctions); "depairing": (1 − t²)^(3/2)(1 + t²)^(1/2), 4(1 − t)^(3/2) near T_c.

    Source: Clem et al., PRB 35, 6637 (1987).

    Parameters
    ----------
    reduced_temperature : t, any shape, not negative
    exponent : n, of the free power law only
    """
    require_not_negative(reduced_temperature=reduced_temperature)
    require_positive(exponent=exponent)
    t = np.minimum(np.asarray(reduced_temperature, float), 1.0)
    return np.exp(log_current(law, exponent)(np.log(np.maximum(1 - t, 1e-300)))) * (t < 1)


def log_current(law: str, exponent: float) -> Callable[[Array], Array]:
    """ln J_c/J_c(0) as a function of z = ln(1 − t), which is smooth up to T_c."""
    require_one_of(EXPONENTS, law=law)
    fixed = EXPONENTS[law]
    power = exponent if fixed is None else fixed

    def of(z: Array) -> Array:
        if law == "depairing":
            t = -np.expm1(z)
            return np.asarray(1.5 * (z + np.log1p(t)) + 0.5 * np.log1p(t**2))
        return np.asarray(power * z)

    return of
