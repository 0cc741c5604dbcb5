"""Which minimiser runs, how tightly, and when it gives up."""

from typing import Any

import lmfit

from nbtools.widgets.fit_state import FitState

# gtol is an absolute gradient and means nothing for data of 1e-9.
TIGHT: dict[str, dict[str, Any]] = {
    "leastsq": {"ftol": 1e-12, "xtol": 1e-12},
    "least_squares": {"ftol": 1e-15, "xtol": 1e-15, "gtol": None, "x_scale": "jac", "jac": "3-point"},
    "differential_evolution": {"seed": 1},
}


# MINPACK's one-sided slopes leave 4 to 6 good digits on curved problems; two-sided ones from there give all.
POLISH = ("least_squares", TIGHT["least_squares"])


def polishes(state: FitState) -> bool:
    """Whether a second stage follows: after MINPACK, where it found uncertainties."""
    return solver(state)[0] == "leastsq"


def most_evaluations(parameters: lmfit.Parameters) -> int:
    """After so many calls of the model a fit gives up, so that no button hangs."""
    return 600 * (1 + sum(p.vary for p in parameters.values()))


def solver(state: FitState) -> tuple[str, dict[str, Any]]:
    """lmfit's method and options for a state; a robust loss is scipy's soft L1 at one σ."""
    if state.loss == "robust":
        return "least_squares", {**TIGHT["least_squares"], "loss": "soft_l1"}
    return state.method, dict(TIGHT.get(state.method, {}))
