"""What is fitted: curves and a model, evaluated and minimised by lmfit; every failure is a sentence."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import lmfit
import numpy as np

from nbtools.widgets.fit_curves import Array, Curve, FitError, neighbour_scatter
from nbtools.widgets.fit_solver import POLISH, most_evaluations, nan_policy, polishes, solver
from nbtools.widgets.fit_state import FitState, ParameterState


class FitProblem:
    """Curves and the model of each; parameters named in `shared` are one for all curves.

    Parameters
    ----------
    models : one lmfit model for each curve
    curves : the data
    shared : parameters common to all curves; the others get ``_1``, ``_2``, … appended
    constants : further keyword arguments of the model, the same in every call
    """

    def __init__(
        self,
        models: Sequence[lmfit.Model],
        curves: Sequence[Curve],
        *,
        shared: Iterable[str] = (),
        constants: Mapping[str, Any] | None = None,
    ) -> None:
        self.models, self.curves = tuple(models), tuple(curves)
        self.shared, self.constants = tuple(shared), dict(constants or {})
        known = {name for model in self.models for name in model.make_params()}
        if unknown := set(self.shared) - known:
            raise ValueError(f"shared names {sorted(unknown)}, but the model has {sorted(known)}")
        self.names = [{p: self._global(p, i) for p in m.make_params()} for i, m in enumerate(self.models)]
        self.base = self._make_base()
        # Made once: each lmfit.Parameters starts an interpreter of its own.
        self._locals = [lmfit.create_params(**dict.fromkeys(names, 1.0)) for names in self.names]

    @property
    def single(self) -> bool:
        """Whether there is one curve, which lmfit's own `Model.fit` takes."""
        return len(self.curves) == 1

    def _global(self, name: str, curve: int) -> str:
        return name if self.single or name in self.shared else f"{name}_{curve + 1}"

    def _make_base(self) -> lmfit.Parameters:
        if self.single:
            return self.models[0].make_params()
        base = lmfit.Parameters()
        for model, names in zip(self.models, self.names, strict=True):
            for local, parameter in model.make_params().items():
                if names[local] not in base:
                    expr = _renamed(parameter.expr, names)
                    value = None if expr else parameter.value
                    base.add(names[local], value, parameter.vary, parameter.min, parameter.max, expr)
        return base

    def variable(self, curve: int) -> str:
        """The model's independent variable."""
        return str(self.models[curve].independent_vars[0])

    def parameters(self, state: FitState, hold: Iterable[str] = ()) -> lmfit.Parameters:
        """The state's parameters for lmfit, those in `hold` fixed."""
        parameters = self.base.copy()
        for name, known in state.parameters.items():
            _set(parameters, name, known, vary=known.vary and name not in hold)
        try:
            for name in state.parameters:
                _ = parameters[name].value
        except Exception as problem:
            raise FitError(f"an expression cannot be computed: {problem}") from None
        return parameters

    def values(self, state: FitState) -> dict[str, float]:
        """All parameter values, those of expressions computed."""
        return {name: float(value) for name, value in self.parameters(state).valuesdict().items()}

    def evaluate(self, parameters: lmfit.Parameters, curve: int, x: Array) -> Array:
        """The model of one curve at `x`.

        Raises
        ------
        FitError
            The model raised; the sentence says at which parameters.
        """
        try:
            with np.errstate(all="ignore"):
                y = self.models[curve].eval(self._local(parameters, curve), **self._keywords(curve, x))
            return np.broadcast_to(np.asarray(y, dtype=float), np.shape(x))
        except Exception as problem:
            where = ", ".join(f"{name} = {value:.6g}" for name, value in parameters.valuesdict().items())
            raise FitError(f"the model raised {type(problem).__name__}: {problem} (at {where})") from problem

    def components(self, parameters: lmfit.Parameters, curve: int, x: Array) -> dict[str, Array]:
        """The parts of a composite model at `x`; none for a simple one."""
        model = self.models[curve]
        if len(model.components) < 2:
            return {}
        try:
            with np.errstate(all="ignore"):
                parts = model.eval_components(
                    params=self._local(parameters, curve), **self._keywords(curve, x)
                )
            return {name.rstrip("_"): np.broadcast_to(part, np.shape(x)) for name, part in parts.items()}
        except Exception as problem:
            raise FitError(f"a part of the model raised {type(problem).__name__}: {problem}") from problem

    def _local(self, parameters: lmfit.Parameters, curve: int) -> lmfit.Parameters:
        if self.single:
            return parameters
        local = self._locals[curve]
        for name, known in self.names[curve].items():
            local[name].value = float(parameters[known].value)
        return local

    def _keywords(self, curve: int, x: Array) -> dict[str, Any]:
        return {self.variable(curve): x, **self.constants}

    def selection(self, state: FitState) -> list[np.ndarray[Any, np.dtype[np.bool_]]]:
        """For each curve, which points are fitted: numbers, in the fit range, not masked."""
        chosen = []
        for number, curve in enumerate(self.curves):
            good = curve.usable
            if state.fit_range is not None:
                good &= (curve.x >= state.fit_range[0]) & (curve.x <= state.fit_range[1])
            good[[i for c, i in state.masked if c == number and 0 <= i < good.size]] = False
            chosen.append(good)
        return chosen

    def check(self, state: FitState, hold: Iterable[str] = ()) -> lmfit.Parameters:
        """The parameters of a fit that can be made.

        Raises
        ------
        FitError
            Negative or zero uncertainties, too few points, nothing to vary, counts below zero.
        """
        free = [n for n, p in state.parameters.items() if p.vary and p.expr is None and n not in hold]
        if not free:
            raise FitError("every parameter is fixed, so there is nothing to fit: let one of them vary")
        points = sum(int(chosen.sum()) for chosen in self.selection(state))
        if points < len(free):
            raise FitError(
                f"{points} points are in the fit range and {len(free)} parameters vary: "
                "widen the range, unmask points or fix parameters"
            )
        self.check_data(state)
        return self.parameters(state, hold)

    def check_data(self, state: FitState) -> None:
        """Refuse uncertainties that are not positive, and counts below zero."""
        for curve, chosen in zip(self.curves, self.selection(state), strict=True):
            if curve.sigma is not None and (bad := chosen & (curve.sigma <= 0)).any():
                first = int(np.argmax(bad))
                raise FitError(
                    f"{curve.label}: {int(bad.sum())} uncertainties are not positive (first {curve.sigma[first]:g} "
                    f"at x = {curve.x[first]:g}); a weight is 1/sigma, so give sigma > 0 or mask these points"
                )
            if state.loss == "poisson" and (bad := chosen & (curve.y < 0)).any():
                raise FitError(
                    f"{curve.label}: {int(bad.sum())} counts are negative; Poisson statistics need counts of 0 or more"
                )

    def weights(self, state: FitState) -> list[Array | None]:
        """1/σ of each curve's fitted points; for a robust loss without σ, one over the scatter of neighbours."""
        found: list[Array | None] = []
        for curve, chosen in zip(self.curves, self.selection(state), strict=True):
            if curve.sigma is not None and state.weighting == "sigma" and state.loss != "poisson":
                found.append(1 / curve.sigma[chosen])
            elif state.loss == "robust":
                found.append(np.full(int(chosen.sum()), 1 / neighbour_scatter(curve.y[chosen])))
            else:
                found.append(None)
        return found

    def absolute(self, state: FitState) -> bool:
        """Whether the residuals are in units of a known σ, so that uncertainties are not scaled by χ²ᵣ."""
        return state.loss != "least_squares" or all(w is not None for w in self.weights(state))

    def points(self, state: FitState) -> list[tuple[Array, Array, Array | None]]:
        """x, y and weight of each curve's fitted points."""
        triples = zip(self.curves, self.selection(state), self.weights(state), strict=True)
        return [(curve.x[chosen], curve.y[chosen], weights) for curve, chosen, weights in triples]

    def residual(self, parameters: lmfit.Parameters, points: list[Any], poisson: bool) -> Array:
        """The numbers whose squares are summed, all curves in a row."""
        parts = []
        for number, (x, y, weights) in enumerate(points):
            parts.append(_misfit(y, self.evaluate(parameters, number, x), weights, poisson))
        return np.concatenate(parts)

    def minimise(self, state: FitState, hold: Iterable[str] = ()) -> Any:
        """Fit from the state's values; lmfit's result.

        Returns
        -------
        lmfit ModelResult (one curve, least squares or robust) or MinimizerResult.

        Raises
        ------
        FitError
            See `check`; or the model raised, or gave something else than numbers, on the way.
        """
        parameters = self.check(state, hold)
        if not np.isfinite(self.residual(parameters, self.points(state), state.loss == "poisson")).all():
            raise FitError(
                "the model gives values that are not numbers at the starting parameters: "
                "move them, or set bounds that keep it defined"
            )
        try:
            with np.errstate(all="ignore"):
                return self._fit_in_stages(state, parameters)
        except FitError:
            raise
        except Exception as problem:
            raise FitError(f"the fit stopped with {type(problem).__name__}: {problem}") from problem

    def _fit_in_stages(self, state: FitState, parameters: lmfit.Parameters) -> Any:
        fit = self._fit_model if self.single and state.loss != "poisson" else self._fit_together
        method, options = solver(state)
        result = fit(state, parameters, method, options)
        if not polishes(state) or not result.errorbars:
            return result
        polished = fit(state, result.params, *POLISH)
        return polished if polished.success else result

    def _fit_model(
        self, state: FitState, parameters: lmfit.Parameters, method: str, options: dict[str, Any]
    ) -> Any:
        curve, chosen = self.curves[0], self.selection(state)[0]
        return self.models[0].fit(
            curve.y[chosen],
            parameters,
            weights=self.weights(state)[0],
            method=method,
            scale_covar=not self.absolute(state),
            calc_covar=method in ("leastsq", "least_squares"),
            max_nfev=most_evaluations(parameters),
            nan_policy=nan_policy(method),
            fit_kws=dict(options),
            **self._keywords(0, curve.x[chosen]),
        )

    def _fit_together(
        self, state: FitState, parameters: lmfit.Parameters, method: str, options: dict[str, Any]
    ) -> Any:
        options = {"nan_policy": nan_policy(method), **options}
        return self.minimizer(state, parameters, **options).minimize(method=method)

    def minimizer(self, state: FitState, parameters: lmfit.Parameters, **options: Any) -> lmfit.Minimizer:
        """lmfit's Minimizer of the residual over all curves."""
        return lmfit.Minimizer(
            self.residual,
            parameters,
            fcn_args=(self.points(state), state.loss == "poisson"),
            max_nfev=most_evaluations(parameters),
            scale_covar=not self.absolute(state),
            calc_covar=state.method in ("leastsq", "least_squares"),
            **options,
        )

    def band(self, result: Any, curve: int, x: Array) -> Array:
        """One standard deviation of the fitted model at `x`, from the covariance to first order."""
        if getattr(result, "covar", None) is None:
            return np.full(np.shape(x), np.nan)
        slopes = [self._slope(result.params, name, curve, x) for name in result.var_names]
        variance = np.einsum("ix,ij,jx->x", slopes, result.covar, slopes)
        return np.sqrt(np.maximum(variance, 0))

    def _slope(self, parameters: lmfit.Parameters, name: str, curve: int, x: Array) -> Array:
        known = parameters[name]
        value, sigma = float(known.value), known.stderr or np.inf
        step = min(1e-3 * sigma, 1e-3 * abs(value) or np.inf)
        step = step if np.isfinite(step) else 1e-9
        # Not beyond a bound, where the model may not be defined.
        places = max(value - step, known.min), min(value + step, known.max)
        ends = []
        for place in places:
            moved = parameters.copy()
            moved[name].set(value=place)
            ends.append(self.evaluate(moved, curve, x))
        return (ends[1] - ends[0]) / (places[1] - places[0])


def _misfit(y: Array, model: Array, weights: Array | None, poisson: bool) -> Array:
    if not poisson:
        return (y - model) if weights is None else (y - model) * weights
    # Signed root of the deviance: its squares sum to the likelihood ratio, so any least-squares solver serves.
    expected = np.maximum(model, 1e-12 * max(float(y.max(initial=0.0)), 1.0))
    logs = np.where(y > 0, y * np.log(np.where(y > 0, y, 1.0) / expected), 0.0)
    return np.sign(y - expected) * np.sqrt(np.maximum(2 * (expected - y + logs), 0))


def _set(parameters: lmfit.Parameters, name: str, known: ParameterState, *, vary: bool) -> None:
    try:
        if known.expr:
            parameters[name].set(expr=known.expr)
        else:
            parameters[name].set(expr="", value=known.value, vary=vary, min=known.min, max=known.max)
    except Exception as problem:
        raise FitError(
            f"{name}: cannot read the expression {known.expr!r} ({str(problem) or 'syntax'})"
        ) from None


def _renamed(expr: str | None, names: Mapping[str, str]) -> str | None:
    if not expr:
        return None
    swap: Callable[[re.Match[str]], str] = lambda match: names.get(match[0], match[0])  # noqa: E731
    return re.sub(r"[A-Za-z_]\w*", swap, expr)
