"""What is fitted and how: curves, a model of each, and a fit in which every parameter is counted in its own scale."""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import lmfit
import lmfit.models
import numpy as np
from lmfit.minimizer import MinimizerResult
from scipy.optimize import differential_evolution

from nbtools.fitting.state import FitError, FitState, ParameterState, slider_ends

Array = np.ndarray[Any, np.dtype[np.float64]]

# ---- the data


@dataclass(frozen=True)
class Curve:
    """One measured curve: x, y and, where known, one standard deviation of each y.

    Masked points are NaN in `y`; `masked` counts them.
    """

    x: Array
    y: Array
    sigma: Array | None = None
    label: str = ""
    masked: int = 0

    @property
    def usable(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which points are numbers throughout."""
        good = np.isfinite(self.x) & np.isfinite(self.y)
        return good if self.sigma is None else good & np.isfinite(self.sigma)


def read_curves(x: Any, y: Any, sigma: Any = None, labels: Sequence[str] | None = None) -> tuple[Curve, ...]:
    """One curve from three arrays, or several from three lists of arrays.

    Parameters
    ----------
    x, y : 1-D arrays of real numbers, masked arrays included; or lists of them
    sigma : one standard deviation of y (array, number, or list of arrays); None where it is not known
    labels : a name for each curve

    Raises
    ------
    ValueError
        Arrays that are empty, complex, not one-dimensional, or of different lengths.
    """
    several = isinstance(y, (list, tuple)) and len(y) > 0 and np.ndim(y[0]) == 1
    ys = list(y) if several else [y]
    xs = list(x) if several and np.ndim(x[0]) == 1 else [x] * len(ys)
    sigmas = list(sigma) if several and isinstance(sigma, (list, tuple)) else [sigma] * len(ys)
    names = list(labels or [f"curve {i + 1}" if several else "data" for i in range(len(ys))])
    if not len(xs) == len(ys) == len(sigmas) == len(names):
        raise ValueError(
            f"{len(xs)} x, {len(ys)} y, {len(sigmas)} sigma and {len(names)} labels came; "
            "give as many of each, one per curve"
        )
    if 0 < sum(one is None for one in sigmas) < len(sigmas):
        raise ValueError("sigma came for some curves only; give it for all of them or for none")
    return tuple(_read_curve(*parts) for parts in zip(xs, ys, sigmas, names, strict=True))


def _read_curve(x: Any, y: Any, sigma: Any, label: str) -> Curve:
    given = {"x": x, "y": y} | ({} if sigma is None else {"sigma": sigma})
    arrays = {name: _real(values, f"{label}: {name}") for name, values in given.items()}
    shapes = arrays["x"].shape, arrays["y"].shape
    if len(shapes[0]) != 1 or shapes[0] != shapes[1] or not shapes[0][0]:
        raise ValueError(
            f"{label}: x has shape {shapes[0]} and y {shapes[1]}; two 1-D arrays of one length expected"
        )
    if sigma is not None:
        arrays["sigma"] = np.broadcast_to(arrays["sigma"], shapes[1]).copy()
    hidden = np.zeros(shapes[1], dtype=bool)
    for values in given.values():
        hidden |= np.ma.getmaskarray(values) if np.ma.isMaskedArray(values) else False
    arrays["y"][hidden] = np.nan
    return Curve(arrays["x"], arrays["y"], arrays.get("sigma"), label, int(hidden.sum()))


def _real(values: Any, name: str) -> Array:
    array = np.ma.getdata(values) if np.ma.isMaskedArray(values) else np.asarray(values)
    if np.iscomplexobj(array):
        raise ValueError(
            f"{name} is complex, and a fit is made to real numbers: give two curves, [z.real, z.imag], whose "
            "parameters are shared, or the modulus abs(z)"
        )
    return np.array(array, dtype=float)


def neighbour_scatter(y: Array) -> float:
    """σ of the noise from second differences (median, so outliers and slow curves count little)."""
    if y.size < 3:
        return 1.0
    bends = np.abs(np.diff(y, 2))
    scatter = float(np.median(bends)) / 0.6745 / np.sqrt(6)
    return scatter or float(np.mean(bends)) or 1.0


# ---- the model on the data


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
        self.integers = frozenset(
            self._global(name, i) for i, model in enumerate(self.models) for name in _whole(model)
        )
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
        except Exception as problem:
            where = ", ".join(f"{name} = {value:.6g}" for name, value in parameters.valuesdict().items())
            raise FitError(f"the model raised {type(problem).__name__}: {problem} (at {where})") from problem
        if np.iscomplexobj(y):
            raise FitError(
                "the model gives complex numbers, and a fit is made to real ones: let it return a part or the modulus"
            )
        return np.broadcast_to(np.asarray(y, dtype=float), np.shape(x))

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
        if whole := [name for name in free if name in self.integers]:
            raise FitError(
                f"{', '.join(whole)} takes whole numbers, which no slope leads to: fix it, and compare fits with others"
            )
        points = self.count(state)
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

    def count(self, state: FitState) -> int:
        """How many points are fitted."""
        return sum(int(chosen.sum()) for chosen in self.selection(state))

    def weights(self, state: FitState) -> list[Array | None]:
        """1/σ of each curve's fitted points; for a robust loss without σ, one over the scatter of neighbours."""
        found: list[Array | None] = []
        for curve, chosen in zip(self.curves, self.selection(state), strict=True):
            if curve.sigma is not None and state.weighting != "none" and state.loss != "poisson":
                found.append(1 / curve.sigma[chosen])
            elif state.loss == "robust":
                found.append(np.full(int(chosen.sum()), 1 / neighbour_scatter(curve.y[chosen])))
            else:
                found.append(None)
        return found

    def has_sigma(self, state: FitState) -> bool:
        """Whether χ² is counted in units of a σ that came with the data, or of counting statistics."""
        given = state.weighting != "none" and all(curve.sigma is not None for curve in self.curves)
        return state.loss == "poisson" or given

    def absolute(self, state: FitState) -> bool:
        """Whether the residuals are in units of a known σ, so that uncertainties are not scaled by χ²ᵣ."""
        known = state.weighting == "sigma" and all(curve.sigma is not None for curve in self.curves)
        return state.loss != "least_squares" or known

    def points(self, state: FitState, thin: int | None = None) -> list[tuple[Array, Array, Array | None]]:
        """x, y and weight of each curve's fitted points; about `thin` of them in all, evenly taken."""
        triples = zip(self.curves, self.selection(state), self.weights(state), strict=True)
        found = [(curve.x[chosen], curve.y[chosen], weights) for curve, chosen, weights in triples]
        step = 1 if thin is None else -(-sum(x.size for x, _, _ in found) // thin)
        if step <= 1:
            return found
        return [(x[::step], y[::step], None if w is None else w[::step]) for x, y, w in found]

    def residual(self, parameters: lmfit.Parameters, points: list[Any], poisson: bool) -> Array:
        """The numbers whose squares are summed, all curves in a row."""
        parts = []
        for number, (x, y, weights) in enumerate(points):
            parts.append(_misfit(y, self.evaluate(parameters, number, x), weights, poisson))
        return np.concatenate(parts)

    def minimise(self, state: FitState, hold: Iterable[str] = (), *, thin: int | None = None) -> Any:
        """Fit from the state's values; lmfit's result.

        Parameters
        ----------
        state : where the fit starts, and how it is made
        hold : names of parameters that are kept fixed beside those that the state fixes
        thin : fit at most about this many points, evenly taken; None fits all

        Returns
        -------
        lmfit ModelResult (one curve, least squares or robust) or MinimizerResult. Beside lmfit's own attributes:
        `undetermined` (names of free parameters that the data do not fix), `stages` (method, options and scales of
        each), `settled` (whether the last ended at a minimum), `first_stage` (value and σ of the free parameters after
        it, σ not scaled by χ²ᵣ) and `misfit_unit` (what the first stage divided the misfit by).

        Raises
        ------
        FitError
            See `check`; or the model raised, or gave something else than numbers, on the way.
        """
        parameters = self.check(state, hold)
        poisson = state.loss == "poisson"
        points = self.points(state, thin)
        if not np.isfinite(self.residual(parameters, points, poisson)).all():
            raise FitError(
                "the model gives values that are not numbers at the starting parameters: "
                "move them, or set bounds that keep it defined"
            )
        start = deepcopy(parameters)
        try:
            with np.errstate(all="ignore"):
                result = Minimisation(self, parameters, points, poisson=poisson).run(state)
                return (
                    self._as_model_result(state, start, points, result) if self._is_plain(state) else result
                )
        except FitError:
            raise
        except Exception as problem:
            raise FitError(f"the fit stopped with {type(problem).__name__}: {problem}") from problem

    def solve(self, state: FitState, hold: Iterable[str] = ()) -> tuple[FitState, Any]:
        """The fit, and the state it was made from: with another method where MINPACK goes astray.

        Raises
        ------
        FitError
            See `minimise`.
        """
        result, trouble = None, None
        try:
            result = self.minimise(state, hold)
        except FitError as stopped:
            trouble = stopped
        if state.method == "leastsq" and state.loss != "robust" and (result is None or not result.errorbars):
            other = state.changed(method="least_squares")
            with suppress(FitError):
                rescued = self.minimise(other, hold)
                if rescued.errorbars and (result is None or rescued.chisqr < result.chisqr):
                    return other, rescued
        if trouble is not None:
            raise trouble
        return state, result

    def minimum_with(
        self, state: FitState, name: str, value: float, hold: Iterable[str] = ()
    ) -> tuple[float, dict[str, float]]:
        """The least sum of squares with one parameter at `value`, and the others there; for profiles."""
        at, poisson = state.with_parameter(name, value=value), state.loss == "poisson"
        parameters, points = self.parameters(at, {*hold, name}), self.points(at)
        with np.errstate(all="ignore"):
            return Minimisation(self, parameters, points, poisson=poisson).descend()

    def _is_plain(self, state: FitState) -> bool:
        return self.single and state.loss != "poisson"

    def _as_model_result(self, state: FitState, start: lmfit.Parameters, points: list[Any], made: Any) -> Any:
        """With what lmfit offers for one curve: `eval`, `eval_uncertainty`, `fit_report`, plots."""
        x, y, weights = points[0]
        result = _ModelResult(
            self.models[0],
            start,
            data=y,
            weights=weights,
            method=made.method,
            scale_covar=not self.absolute(state),
            fcn_kws=self._keywords(0, x),
        )
        result.made = made
        result.fit()
        return result

    def band(self, result: Any, curve: int, x: Array) -> Array:
        """One standard deviation of the fitted model at `x`, from the covariance to first order."""
        if getattr(result, "covar", None) is None:
            return np.full(np.shape(x), np.nan)
        slopes = [self._slope(result.params, name, curve, x) for name in result.var_names]
        variance = np.einsum("ix,ij,jx->x", slopes, result.covar, slopes)
        return np.sqrt(np.maximum(variance, 0))

    def _slope(self, parameters: lmfit.Parameters, name: str, curve: int, x: Array) -> Array:
        known = parameters[name]
        value, step = float(known.value), 1e-3 * known.stderr
        # Not beyond a bound, where the model may not be defined.
        places = max(value - step, known.min), min(value + step, known.max)
        ends = []
        for place in places:
            moved = parameters.copy()
            moved[name].set(value=place)
            ends.append(self.evaluate(moved, curve, x))
        return (ends[1] - ends[0]) / (places[1] - places[0])


class _ModelResult(lmfit.model.ModelResult):
    """lmfit's result of one curve around a fit that was made elsewhere."""

    made: Any = None

    def minimize(self, *_: Any, **__: Any) -> Any:
        return self.made


def _whole(model: lmfit.Model) -> list[str]:
    """Parameters of a model that its function annotates as whole numbers."""
    if isinstance(model, lmfit.model.CompositeModel):
        return [*_whole(model.left), *_whole(model.right)]
    hints = getattr(model.func, "__annotations__", {})
    return [f"{model.prefix}{name}" for name, hint in hints.items() if hint in (int, "int")]


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
            parameters[name].set(expr=known.expr, min=known.min, max=known.max)
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


# ---- the fit

# gtol is an absolute gradient and means nothing for data of 1e-9.
FIRST: dict[str, dict[str, Any]] = {
    "leastsq": {"ftol": 1e-12, "xtol": 1e-12},
    "least_squares": {"ftol": 1e-12, "xtol": 1e-12, "gtol": None, "x_scale": "jac"},
    "nelder": {"options": {"xatol": 1e-6, "fatol": 1e-12, "maxiter": 10**6, "maxfev": 10**6}},
    "powell": {"options": {"xtol": 1e-6, "ftol": 1e-12, "maxiter": 10**6, "maxfev": 10**6}},
    "differential_evolution": {"seed": 1},
}
# One-sided slopes leave 4 to 6 good digits on curved problems; two-sided ones from there give all.
TWO_SIDED = {"ftol": 1e-15, "xtol": 1e-15, "gtol": None, "x_scale": "jac", "jac": "3-point"}
LAST = ("least_squares", TWO_SIDED)
ROUNDS = (("leastsq", FIRST["leastsq"]), LAST) * 3

# A fit is settled where its slopes promise to take no more than this share off the sum of squares.
SETTLED = 1e-7

# A combination of parameters whose slope is smaller than this share of the largest is not determined.
UNDETERMINED = 1e-9


def solver(state: FitState) -> tuple[str, dict[str, Any]]:
    """lmfit's method and options of the first stage; a robust loss is scipy's soft L1 at one σ."""
    if state.loss == "robust":
        return "least_squares", {**TWO_SIDED, "loss": "soft_l1"}
    return state.method, dict(FIRST[state.method])


def most_evaluations(free: int) -> int:
    """After so many calls of the model a stage gives up, so that no button hangs."""
    return 800 * (1 + free)


def nan_policy(method: str) -> str:
    """scipy's trust region shortens a step on which the model is not a number; the others must stop."""
    return "propagate" if method == "least_squares" else "raise"


@dataclass(frozen=True)
class Stage:
    """One run of a minimiser: where the free parameters stood and in which units they were counted."""

    method: str
    options: dict[str, Any]
    scale: dict[str, float]
    origin: dict[str, float]
    finished: bool = True


class Minimisation:
    """One fit from one start: lmfit's minimisers, on parameters counted in units of their own scale.

    Minimisers step, stop and bound in absolute numbers that are made for variables near 1; a rate of 1e-7 per
    second is none. Here a free parameter p is p₀ + s (u − 1): u starts at 1, and s, a power of two, is how far p
    goes until the model has moved or bent by a tenth. The same problem in other units takes the same steps.

    Parameters
    ----------
    parameters : the start, as lmfit has them; expressions follow
    points : (x, y, weights) of each curve
    """

    def __init__(
        self, problem: "FitProblem", parameters: lmfit.Parameters, points: list[Any], *, poisson: bool
    ) -> None:
        self.problem, self.parameters, self.points, self.poisson = problem, parameters, points, poisson
        self.names = [name for name, p in parameters.items() if p.vary]
        self.start = {name: float(parameters[name].value) for name in self.names}
        self.size = _size(points, poisson)
        self.reach = self.size / 10
        self.origin: dict[str, float] = {}
        self.scale: dict[str, float] = {}
        self.stages: list[Stage] = []
        self.evaluations = 0

    def misfit(self) -> Array:
        """The numbers whose squares are summed, at the parameters as they stand."""
        self.evaluations += 1
        return self.problem.residual(self.parameters, self.points, self.poisson)

    def place(self, scaled: lmfit.Parameters) -> None:
        """Bring the parameters to what a minimiser asks for."""
        for name in self.names:
            u = scaled[name].value
            self.parameters[name].value = self.origin[name] + self.scale[name] * (u - 1)

    # ---- the scales

    def find_scales(self) -> None:
        """From here on parameters are counted from where they stand, each in units of its scale here."""
        here = self.misfit()
        self.reach = max(self.size, float(np.linalg.norm(here))) / 10
        self.origin = {name: float(self.parameters[name].value) for name in self.names}
        self.scale = {name: self._natural_scale(name, here) for name in self.names}

    def _natural_scale(self, name: str, here: Array) -> float:
        """How far the parameter goes until the model has moved or bent by a tenth, within a factor of four."""
        p = self.parameters[name]
        value, low, high = float(p.value), p.min, p.max

        def too_far(power: int) -> bool:
            step = math.ldexp(1.0, power)
            step = -step if value + step > high else step
            if value + step < low:
                return True
            whole, half = (self._misfit_at(name, value + part) - here for part in (step, step / 2))
            moved = float(np.linalg.norm(whole))
            if not math.isfinite(moved) or moved > self.reach:
                return True
            return bool(moved > 1e-8 * self.reach and np.linalg.norm(whole - 2 * half) > moved / 10)

        power = _last_before(too_far, math.frexp(value)[1] - 4 if value else 0)
        if power is None:  # it does nothing
            return _power_of_two(abs(value))
        return math.ldexp(1.0, power)

    def _misfit_at(self, name: str, value: float) -> Array:
        before = self.parameters[name].value
        self.parameters[name].value = value
        try:
            return self.misfit()
        except FitError:  # the model is not defined there
            return np.full(sum(y.size for _, y, _ in self.points), np.nan)
        finally:
            self.parameters[name].value = before

    # ---- the stages

    def run(self, state: FitState) -> Any:
        """lmfit's result in the parameters' own units; see `FitProblem.minimise` for what it holds beside."""
        method, options = solver(state)
        unit = misfit_unit(method, self.size)
        result = self._stage(method, options, unit)
        result.chisqr *= unit**2
        first = self._values_and_errors(result)
        if state.loss != "robust":
            result = self._settle(result)
        made = self._in_own_units(result, state)
        made.stages, made.misfit_unit, made.first_stage = self.stages, unit, first
        made.settled = state.loss == "robust" or self._could_fall(result) < SETTLED
        return made

    def descend(self) -> tuple[float, dict[str, float]]:
        """The least sum of squares near the start, in one stage, and where it is; for profiles.

        Raises
        ------
        FitError
            The minimiser stopped, or the model raised.
        """
        if self.names:
            try:
                result = self._stage(*LAST)
            except FitError:
                raise
            except (ValueError, np.linalg.LinAlgError) as problem:
                raise FitError(f"the fit stopped with {type(problem).__name__}: {problem}") from problem
            return float(result.chisqr), {n: float(self.parameters[n].value) for n in self.names}
        misfit = self.misfit()
        return float(misfit @ misfit), {}

    def _settle(self, result: Any) -> Any:
        """To the last digit; a trust region that has closed in a bent valley is opened again, a few times."""
        idle, entered = 0, math.inf
        for method, options in (LAST, *ROUNDS):
            if method != LAST[0]:
                entered = result.chisqr
            before = dict(self.parameters.valuesdict())
            try:
                found = self._stage(method, options, share=4 if method == LAST[0] else 1)
                better = found.chisqr <= result.chisqr * (1 + 1e-9)
            except (FitError, ValueError, np.linalg.LinAlgError):
                better = False
            if better:
                result = found
            else:
                self.stages.pop()
                for name in self.names:
                    self.parameters[name].value = before[name]
            idle = 0 if better else idle + 1
            spent = self.evaluations > 2 * most_evaluations(len(self.names))
            at_end = result.success and self._could_fall(result) < SETTLED
            crawls = method == LAST[0] and result.chisqr > 0.99 * entered  # a whole round for next to nothing
            if spent or crawls or idle > 1 or (at_end and (method == LAST[0] or not better)):
                break
        return result

    def _could_fall(self, result: Any) -> float:
        """The share of the sum of squares that the slopes at its end promise to take away."""
        slopes, misfit = getattr(result, "jac", None), getattr(result, "fun", None)
        if (
            slopes is None
            or misfit is None
            or np.ndim(slopes) != 2
            or result.chisqr <= (1e-13 * self.size) ** 2
        ):
            return 0.0
        inside = [name for name in self.names if not self._at_bound(name)]
        slopes = slopes[:, [self.names.index(name) for name in inside]]
        lengths = np.linalg.norm(slopes, axis=0)
        if not inside or not np.isfinite(slopes).all() or not (lengths > 0).any():
            return 0.0
        left, singular, _ = np.linalg.svd(slopes[:, lengths > 0] / lengths[lengths > 0], full_matrices=False)
        strong = singular > UNDETERMINED * singular.max()
        return float(np.sum((left[:, strong].T @ misfit) ** 2) / np.sum(misfit**2))

    def _at_bound(self, name: str) -> bool:
        p = self.parameters[name]
        return min(p.value - p.min, p.max - p.value) < 1e-3 * self.scale[name]

    def _stage(self, method: str, options: Mapping[str, Any], unit: float = 1.0, share: int = 1) -> Any:
        self.find_scales()
        stage = Stage(method, dict(options), self.scale, self.origin)
        self.stages.append(stage)
        scaled = lmfit.Parameters()
        for name in self.names:
            p, at, scale = self.parameters[name], self.origin[name], self.scale[name]
            scaled.add(name, 1, min=1 + (p.min - at) / scale, max=1 + (p.max - at) / scale)

        best = math.inf, dict(self.origin)

        def misfit(scaled: lmfit.Parameters) -> Array:
            nonlocal best
            self.place(scaled)
            found = self.misfit() * (1 / unit)
            total = float(found @ found)
            if total < best[0]:
                best = total, {name: float(self.parameters[name].value) for name in self.names}
            return found

        result = lmfit.minimize(
            misfit,
            scaled,
            method=method,
            max_nfev=most_evaluations(len(self.names)) // share,
            scale_covar=False,
            calc_covar=False,
            nan_policy=nan_policy(method),
            **options,
        )
        self.place(result.params)
        if result.aborted:  # lmfit stands at the last place, not at the best
            for name in self.names:
                self.parameters[name].value = best[1][name]
            result.chisqr = best[0]
            self.stages[-1] = replace(stage, finished=False)
        return result

    # ---- the result

    def _values_and_errors(self, result: Any) -> dict[str, tuple[float, float]]:
        """Value and σ of the free parameters by the minimiser's own account."""
        if getattr(result, "covar", None) is None:
            return {}
        with np.errstate(all="ignore"):
            errors = np.sqrt(np.diag(result.covar))
        pairs = zip(self.names, errors, strict=True)
        return {n: (float(self.parameters[n].value), float(e * self.scale[n])) for n, e in pairs}

    def _in_own_units(self, result: Any, state: FitState) -> Any:
        made = MinimizerResult(
            params=deepcopy(self.parameters),
            var_names=list(self.names),
            method=result.method,
            init_vals=list(self.start.values()),
            init_values=dict(self.start),
            residual=self.misfit(),
            nfev=self.evaluations,
            success=bool(result.success),
            aborted=bool(result.aborted),
            message=str(getattr(result, "message", "")),
            call_kws={},
        )
        made._calculate_statistics()
        covariance, known = self._covariance(result)
        if not self.problem.absolute(state):
            covariance = covariance * made.redchi
        self._put_errors(made, covariance, known)
        return made

    def _covariance(self, result: Any) -> tuple[Array, np.ndarray[Any, np.dtype[np.bool_]]]:
        scale = np.array([self.scale[name] for name in self.names])
        slopes = getattr(result, "jac", None)
        if slopes is not None and np.ndim(slopes) == 2 and np.shape(slopes)[1] == scale.size:
            covariance, known = covariance_of(slopes)
        elif getattr(result, "covar", None) is not None:
            covariance, known = result.covar, np.ones(scale.size, dtype=bool)
        else:
            covariance, known = np.zeros((scale.size,) * 2), np.zeros(scale.size, dtype=bool)
        return covariance * np.outer(scale, scale), known

    def _put_errors(self, made: Any, covariance: Array, known: Any) -> None:
        with np.errstate(all="ignore"):
            errors = np.sqrt(np.diag(covariance))
        known = known & np.isfinite(errors) & (errors > 0)
        for p in made.params.values():
            p.stderr, p.correl = None, None
        for i, name in enumerate(self.names):
            if known[i]:
                made.params[name].stderr = float(errors[i])
                made.params[name].correl = {
                    other: float(covariance[i, j] / errors[i] / errors[j])
                    for j, other in enumerate(self.names)
                    if j != i and known[j]
                }
        made.undetermined = [name for name, good in zip(self.names, known, strict=True) if not good]
        made.errorbars = not made.undetermined
        made.covar = covariance if made.errorbars else None
        tied = [name for name, p in made.params.items() if p.expr]
        if tied and made.errorbars:
            for name, slope in self._slopes_of(tied).items():
                variance = float(slope @ covariance @ slope)
                made.params[name].stderr = math.sqrt(variance) if variance > 0 else None

    def _slopes_of(self, tied: Sequence[str]) -> dict[str, Array]:
        """Slope of each tied parameter along each free one."""
        columns = []
        for name in self.names:
            p, step = self.parameters[name], 1e-5 * self.scale[name]
            value = float(p.value)
            places, ends = (max(value - step, p.min), min(value + step, p.max)), []
            for place in places:
                p.value = place
                ends.append(np.array([float(self.parameters[other].value) for other in tied]))
            p.value = value
            columns.append((ends[1] - ends[0]) / (places[1] - places[0]))
        return dict(zip(tied, np.array(columns).T, strict=True))


def covariance_of(slopes: Array) -> tuple[Array, np.ndarray[Any, np.dtype[np.bool_]]]:
    """(JᵀJ)⁻¹ of slopes J, shape (points, parameters), and which parameters they determine at all.

    Columns are brought to one length first, so that the answer does not hang on the units; what lies in a
    direction without slope is left out of the inverse.
    """
    lengths = np.linalg.norm(slopes, axis=0)
    if not np.isfinite(lengths).all():
        return np.zeros((lengths.size,) * 2), np.zeros(lengths.size, dtype=bool)
    safe = np.where(lengths > 0, lengths, 1.0)
    _, singular, axes = np.linalg.svd(slopes / safe, full_matrices=False)
    strong = singular > UNDETERMINED * singular.max(initial=0.0)
    known = (np.abs(axes[~strong]) < 1e-3).all(axis=0) & (lengths > 0)
    inverse = axes[strong].T / singular[strong]
    return (inverse @ inverse.T) / np.outer(safe, safe), known


def misfit_unit(method: str, size: float) -> float:
    """What the misfit is divided by: the methods without slopes stop at an absolute sum of squares."""
    return 1.0 if method in ("leastsq", "least_squares") else _power_of_two(size)


def _last_before(too_far: Callable[[int], bool], first: int) -> int | None:
    """A power of two at most two below the first that is too far; None where none is."""
    near: int | None = None
    far: int | None = None
    power, stride = first, 2
    while near is None or far is None:
        if power > 1000:
            return None
        if too_far(power):
            far, power = power, power - stride
        else:
            near, power = power, power + stride
        stride *= 2
    while far - near > 2:
        middle = (near + far) // 2
        near, far = (near, middle) if too_far(middle) else (middle, far)
    return near


def _power_of_two(value: float) -> float:
    return math.ldexp(1.0, math.frexp(value)[1]) if value > 0 and math.isfinite(value) else 1.0


def _size(points: Sequence[Any], poisson: bool) -> float:
    """How much there is to explain: the norm of the data about their mean, as the misfit counts them."""
    about, plain = 0.0, 0.0
    for _, y, weights in points:
        counted = 2 * np.sqrt(np.maximum(y, 0)) if poisson else y
        weight = 1.0 if weights is None or poisson else weights
        about += float(np.sum(((counted - np.mean(counted)) * weight) ** 2)) if y.size else 0.0
        plain += float(np.sum((counted * weight) ** 2))
    return math.sqrt(about) or math.sqrt(plain) or 1.0


# ---- where a fit starts

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
    low, high = float(parameter.min), float(parameter.max)
    if parameter.expr is not None:
        return ParameterState(value=1.0, vary=False, expr=parameter.expr, unit=unit, min=low, max=high)
    value = parameter.value if np.isfinite(parameter.value) else 1.0
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
