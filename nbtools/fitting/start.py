"""Where a fit starts: given values, the model's own guess, or a search between the ends of the sliders."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

import lmfit
import lmfit.models
import numpy as np
from scipy.optimize import differential_evolution

from nbtools.fitting.engine import FitProblem
from nbtools.fitting.state import FitError, FitState, ParameterState, slider_ends

BACKGROUNDS = (
    lmfit.models.ConstantModel,
    lmfit.models.LinearModel,
    lmfit.models.QuadraticModel,
    lmfit.models.PolynomialModel,
)
Guess = Callable[[Any, Any], Mapping[str, float]]


def initial_state(
    problem: FitProblem,
    params: lmfit.Parameters | Mapping[str, float] | None,
    units: Mapping[str, str],
    guess: Guess | None,
) -> FitState:
    """The state a fit is made with: `params` over the model's hints over a guess over 1.

    Raises
    ------
    ValueError
        Names in `params` or `units` that the model does not have.
    """
    known = problem.base.copy()
    for name in [*(params or {}), *units]:
        if name not in known:
            raise ValueError(f"{name!r} is no parameter of the model; it has {', '.join(known)}")
    # lmfit's own models come with a value for everything, which knows nothing of these data.
    missing = {n for n, p in known.items() if p.expr is None and (params is None or not np.isfinite(p.value))}
    missing -= {
        hinted for model in problem.models for hinted, hint in model.param_hints.items() if "value" in hint
    }
    for name, given in (params or {}).items():
        _take(known[name], given)
        missing.discard(name)
    for name in problem.integers:
        known[name].vary = False
    state = FitState(parameters={name: _plain(p, units.get(name, "")) for name, p in known.items()})
    return state.with_values(_guessed(problem, state, guess, missing)) if missing else state


def _take(parameter: lmfit.Parameter, given: Any) -> None:
    if isinstance(given, lmfit.Parameter):
        parameter.set(
            value=None if given.expr else given.value,
            vary=given.vary,
            min=given.min,
            max=given.max,
            expr=given.expr or "",
        )
    elif isinstance(given, Mapping):
        parameter.set(**given)
    else:
        parameter.set(value=float(given))


def _plain(parameter: lmfit.Parameter, unit: str) -> ParameterState:
    if parameter.expr is not None:
        ends = {"min": float(parameter.min), "max": float(parameter.max)}
        return ParameterState(value=1.0, vary=False, expr=parameter.expr, unit=unit, **ends)
    value = parameter.value if np.isfinite(parameter.value) else 1.0
    low, high = float(parameter.min), float(parameter.max)
    value = float(min(max(value, low), high))
    ends = slider_ends(value, low, high)
    return ParameterState(
        value=value, min=low, max=high, vary=bool(parameter.vary), unit=unit, low=ends[0], high=ends[1]
    )


def _guessed(
    problem: FitProblem, state: FitState, guess: Guess | None, missing: set[str]
) -> dict[str, float]:
    try:
        return {n: v for n, v in start_values(problem, state, guess).items() if n in missing}
    except Exception:  # a guess that fails leaves the start at 1, which the hand then moves
        return {}


def start_values(problem: FitProblem, state: FitState, guess: Guess | None) -> dict[str, float]:
    """Values from `guess(x, y)` or the model's own guess, shared parameters averaged over the curves.

    Raises
    ------
    NotImplementedError
        A model without a guess.
    FitError
        A guess that failed, or no point to guess from.
    """
    found: dict[str, list[float]] = {}
    for number, (curve, chosen) in enumerate(zip(problem.curves, problem.selection(state), strict=True)):
        if not chosen.any():
            raise FitError(f"{curve.label}: no point is in the fit range, so there is nothing to guess from")
        for name, value in _guess_one(problem, number, curve.x[chosen], curve.y[chosen], guess).items():
            found.setdefault(problem.names[number].get(name, name), []).append(float(value))
    values = {name: float(np.mean(several)) for name, several in found.items() if np.isfinite(several).all()}
    return {n: v for n, v in values.items() if n in state.parameters and _free(state.parameters[n])}


def _guess_one(problem: FitProblem, curve: int, x: Any, y: Any, guess: Guess | None) -> dict[str, float]:
    try:
        with np.errstate(all="ignore"):
            if guess is not None:
                return dict(guess(x, y))
            return peel(problem.models[curve], x, y)
    except NotImplementedError:
        raise
    except Exception as trouble:
        raise FitError(f"the guess raised {type(trouble).__name__}: {trouble}") from trouble


def peel(model: lmfit.Model, x: Any, y: Any) -> dict[str, float]:
    """The model's own guess; for a sum, backgrounds from the outer quarter, then one peak after the other."""
    order = np.argsort(x, kind="stable")
    x, y = x[order], np.array(y[order])
    if len(model.components) < 2 and not _guesses(model):
        raise NotImplementedError
    if len(model.components) < 2:
        return dict(model.guess(y, **{model.independent_vars[0]: x}).valuesdict())
    if not _is_sum(model) or any(not _guesses(component) for component in model.components):
        raise NotImplementedError
    edge = max(2, x.size // 8)
    outer = np.r_[0:edge, x.size - edge : x.size]
    values: dict[str, float] = {}
    for part in sorted(model.components, key=lambda component: not isinstance(component, BACKGROUNDS)):
        use = outer if isinstance(part, BACKGROUNDS) and x.size >= 2 * edge else slice(None)
        found = part.guess(y[use], **{part.independent_vars[0]: x[use]})
        values.update(found.valuesdict())
        y = y - part.eval(found, **{part.independent_vars[0]: x})
    return values


def _guesses(model: lmfit.Model) -> bool:
    return type(model).guess is not lmfit.Model.guess


def _is_sum(model: lmfit.Model) -> bool:
    if not isinstance(model, lmfit.model.CompositeModel):
        return True
    return model.op is operator.add and _is_sum(model.left) and _is_sum(model.right)


def search(problem: FitProblem, state: FitState, *, rounds: int = 40) -> dict[str, float]:
    """The best of a differential evolution between the ends of the sliders, from a fixed seed."""
    names = [name for name, p in state.parameters.items() if _free(p) and p.vary]
    if not names:
        raise FitError("every parameter is fixed, so there is nothing to guess: let one of them vary")
    problem.check_data(state)
    parameters, points = problem.parameters(state), problem.points(state)

    def misfit(values: Any) -> float:
        for name, value in zip(names, values, strict=True):
            parameters[name].set(value=float(value))
        total = float(np.sum(problem.residual(parameters, points, state.loss == "poisson") ** 2))
        return total if np.isfinite(total) else 1e300

    ends = [state.parameters[name].ends for name in names]
    with np.errstate(all="ignore"):
        found = differential_evolution(misfit, ends, maxiter=rounds, popsize=8, rng=1, polish=False)
    return {name: float(value) for name, value in zip(names, found.x, strict=True)}


def _free(parameter: ParameterState) -> bool:
    return parameter.expr is None
