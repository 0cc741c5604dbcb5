"""Which minimiser runs, how tightly, and when it gives up."""

from typing import Any

import lmfit

from nbtools.widgets.fit_state import FitState

# gtol is an absolute gradient and means nothing for data of 1e-9.
FIRST: dict[str, dict[str, Any]] = {
    "leastsq": {"ftol": 1e-12, "xtol": 1e-12},
    "least_squares": {"ftol": 1e-12, "xtol": 1e-12, "gtol": None, "x_scale": "jac"},
    "differential_evolution": {"seed": 1},
}

# One-sided slopes leave 4 to 6 good digits on curved problems; two-sided ones from there give all.
TWO_SIDED = {"ftol": 1e-15, "xtol": 1e-15, "gtol": None, "x_scale": "jac", "jac": "3-point"}
POLISH = ("least_squares", TWO_SIDED)


def polishes(state: FitState) -> bool:
    """Whether a second stage follows, where the first found uncertainties."""
    return solver(state)[0] in ("leastsq", "least_squares") and state.loss != "robust"


def most_evaluations(parameters: lmfit.Parameters) -> int:
    """After so many calls of the model a fit gives up, so that no button hangs."""
    return 800 * (1 + sum(p.vary for p in parameters.values()))


def nan_policy(method: str) -> str:
    """scipy's trust region shortens a step on which the model is not a number; the others must stop."""
    return "propagate" if method == "least_squares" else "raise"


def rescuer(state: FitState) -> FitState | None:
    """The state with the method to try where MINPACK goes astray; None where another was chosen."""
    if state.method != "leastsq" or state.loss == "robust":
        return None
    return state.changed(method="least_squares")


def solver(state: FitState) -> tuple[str, dict[str, Any]]:
    """lmfit's method and options for a state; a robust loss is scipy's soft L1 at one σ."""
    if state.loss == "robust":
        return "least_squares", {**TWO_SIDED, "loss": "soft_l1"}
    return state.method, dict(FIRST.get(state.method, {}))
