"""What a fit tells: numbers, warnings in words, profile intervals, window sensitivity, rivals."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import lmfit
import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import brentq

from nbtools.fitting.engine import FitProblem
from nbtools.fitting.state import FitError, FitRecord, FitState
from nbtools.units import for_display, format_value

STRONG_CORRELATION = 0.9
FARTHEST = 100.0  # standard deviations that a profile goes before it is called flat
STEADY = 1.05  # ratio of σ between two ways to take slopes
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def record_of(number: int, start: FitState, result: Any, held: Iterable[str] = ()) -> FitRecord:
    """The line of the history that a fit leaves."""
    params = result.params
    return FitRecord(
        number=number,
        start=start,
        held=tuple(held),
        values={name: float(p.value) for name, p in params.items()},
        uncertainties={name: uncertainty(params, name) for name in params},
        chi_square=float(result.chisqr),
        reduced_chi_square=float(result.redchi),
        aicc=aicc(result),
        bic=float(result.bic),
        points=int(result.ndata),
        free=int(result.nvarys),
        evaluations=int(result.nfev),
        converged=bool(result.success),
        message=str(getattr(result, "message", "")),
    )


def uncertainty(params: lmfit.Parameters, name: str) -> float | None:
    """One standard deviation, or None where the fit gave none."""
    found = params[name].stderr
    return float(found) if found is not None and math.isfinite(found) else None


def aicc(result: Any) -> float:
    """Akaike's criterion with the small-sample term; infinite where points are too few for it."""
    spare = result.ndata - result.nvarys - 1
    if spare <= 0:
        return math.inf
    return float(result.aic + 2 * result.nvarys * (result.nvarys + 1) / spare)


def warnings_of(problem: FitProblem, state: FitState, result: Any) -> list[str]:
    """What a careful reader should know of this fit, in sentences."""
    said = []
    if not result.success:
        said.append(f"The fit did not converge: {getattr(result, 'message', 'no reason given')}.")
    said += _bound_warnings(result)
    said += _clamped(result)
    if result.undetermined:
        said.append(
            f"No uncertainty of {', '.join(result.undetermined)}: the data do not determine "
            f"{'it' if len(result.undetermined) == 1 else 'them'}, or a bound is in the way."
        )
    said += _unsteady(problem, state, result)
    for one, other, size in strong_correlations(result):
        said.append(f"{one} and {other} are correlated by {size:+.3f}: the data fix them only together.")
    counted = problem.absolute(state) or state.weighting == "scaled sigma"
    if counted and state.loss != "robust" and result.nfree > 0 and problem.has_sigma(state):
        said += _chi_square_warning(
            float(result.chisqr), int(result.nfree), scaled=not problem.absolute(state)
        )
    return said + left_out(problem)


def _bound_warnings(result: Any) -> list[str]:
    said = []
    for name in result.var_names:
        p = result.params[name]
        scale = max(abs(p.value), p.stderr or 0.0)
        for end, bound in (("lower", p.min), ("upper", p.max)):
            if math.isfinite(bound) and abs(p.value - bound) <= 1e-5 * scale + 1e-300:
                said.append(
                    f"{name} sits at its {end} bound {bound:g}: its uncertainty means little; move the bound."
                )
    return said


def _clamped(result: Any) -> list[str]:
    """Expressions whose value lies beyond their bounds, as lmfit cuts them."""
    said = []
    for name, p in result.params.items():
        if p.expr and math.isfinite(p.value) and p.value in (p.min, p.max):
            said.append(f"{name} = {p.expr} is cut off at its bound {p.value:g}.")
    return said


def _unsteady(problem: FitProblem, state: FitState, result: Any) -> list[str]:
    """Where a fit is not at a minimum, or σ hangs on how the slopes were taken."""
    if not result.settled:
        return [
            "The fit stopped before the minimum: χ² still falls. Fit again from here, or fix a parameter."
        ]
    factor = 1.0 if problem.absolute(state) else math.sqrt(result.redchi)
    said = []
    for name, (value, error) in result.first_stage.items():
        last, before = result.params[name].stderr, error * factor
        # A first stage that stopped elsewhere has another σ, and no bearing on this one.
        there = last and math.isfinite(before) and abs(value - result.params[name].value) < 0.1 * last
        if there and not 1 / STEADY < before / last < STEADY:
            said.append(
                f"σ of {name} is {before:.3g} with one-sided slopes and {last:.3g} with two-sided ones: the model is "
                "rough there. Compare with the profile intervals."
            )
    return said


def _chi_square_warning(chi_square: float, free: int, *, scaled: bool) -> list[str]:
    high, low = stats.chi2.sf(chi_square, free), stats.chi2.cdf(chi_square, free)
    reduced = chi_square / free
    then = f" The σ of the parameters are scaled by its root, {math.sqrt(reduced):.3g}." if scaled else ""
    if high < 1e-3:
        return [f"χ²ᵣ = {reduced:.3g}: the model misses the data, or the given σ are too small.{then}"]
    if low < 1e-3:
        return [f"χ²ᵣ = {reduced:.3g}: closer than noise allows; the given σ are too large.{then}"]
    return []


def left_out(problem: FitProblem) -> list[str]:
    """How many points are masked or not numbers, for each curve that has any."""
    said = []
    for curve in problem.curves:
        size = curve.x.size
        if curve.masked:
            said.append(f"{curve.label}: {curve.masked} of {size} points are masked and are left out.")
        if lost := int((~curve.usable).sum()) - curve.masked:
            said.append(f"{curve.label}: {lost} of {size} points are NaN or infinite and are left out.")
    return said


def strong_correlations(result: Any) -> list[tuple[str, str, float]]:
    """Pairs of parameters whose correlation exceeds 0.9 in size."""
    found = []
    for i, name in enumerate(result.var_names):
        for other, size in (result.params[name].correl or {}).items():
            if other in result.var_names[i + 1 :] and abs(size) > STRONG_CORRELATION:
                found.append((name, other, float(size)))
    return found


def summary_of(problem: FitProblem, record: FitRecord, result: Any, *, system: str = "SI") -> str:
    """The fit in plain text: each parameter as value ± σ, the measures of quality, the warnings."""
    state = record.start
    lines = []
    width = max(len(name) for name in record.values)
    for name in record.values:
        lines.append(f"{name:<{width}}  {describe(state, record, name, system)}")
    lines.append(quality(record))
    return "\n".join(lines + [f"! {sentence}" for sentence in warnings_of(problem, state, result)])


def describe(state: FitState, record: FitRecord, name: str, system: str = "SI") -> str:
    """``38.41 ± 0.02 K``, or the value and why it has no uncertainty."""
    known = state.parameters[name]
    factor, unit = shown_unit(known.unit, system)
    sigma = record.uncertainties.get(name)
    shown = f"{format_value(record.values[name] * factor, (sigma or math.nan) * factor)} {unit}".strip()
    if known.expr:
        return f"{shown}  (= {known.expr})"
    return f"{shown}  (fixed)" if not known.vary or name in record.held else shown


def shown_unit(unit: str, system: str) -> tuple[float, str]:
    """Factor and label of a unit on screen, its powers as characters: ``A cm⁻²``."""
    factor, label = for_display(unit, system)
    return factor, re.sub(r"\$\^\{?([-\d]+)\}?\$", lambda m: m[1].translate(RAISED), label)


def titled(label: str, unit: str) -> str:
    """``temperature (K)``; a label that ends with a unit or remark of its own keeps that one."""
    return f"{label} ({unit})" if unit and not label.rstrip().endswith(")") else label


def quality(record: FitRecord) -> str:
    """χ²ᵣ, AICc and BIC in one line."""
    return (
        f"χ²ᵣ = {record.reduced_chi_square:.4g}   AICc = {record.aicc:.4g}   BIC = {record.bic:.4g}   "
        f"({record.points} points, {record.free} free)"
    )


def history_table(records: Sequence[FitRecord]) -> pd.DataFrame:
    """One row a fit: settings, measures of quality, each parameter and its uncertainty."""
    rows = []
    for r in records:
        row: dict[str, Any] = {
            "fit": r.number,
            "method": r.start.method,
            "loss": r.start.loss,
            "range": r.start.fit_range,
            "points": r.points,
            "free": r.free,
            "reduced chi-square": r.reduced_chi_square,
            "AICc": r.aicc,
            "BIC": r.bic,
            "converged": r.converged,
        }
        for name, value in r.values.items():
            row[name], row[f"{name} ±"] = value, r.uncertainties[name]
        rows.append(row)
    return pd.DataFrame(rows).set_index("fit") if rows else pd.DataFrame()


def profile_intervals(
    problem: FitProblem,
    state: FitState,
    result: Any,
    *,
    names: Sequence[str] | None = None,
    sigma: float = 1.0,
) -> pd.DataFrame:
    """Profile-likelihood intervals: each parameter moved, all others refitted .

    With known σ (or counts) the rise of χ² is judged by χ² with one degree of freedom, without by an F test.

    Returns
    -------
    DataFrame, one row a parameter: value, minus, plus (both positive), low, high; infinite where χ² never rises
    so far, and at a bound where the bound comes first

    Raises
    ------
    FitError
        A robust loss (no likelihood), parameters that the data do not determine, or a better fit on the way.
    """
    if state.loss == "robust":
        raise FitError("a robust loss has no likelihood to profile: choose least squares or Poisson")
    if not result.errorbars:
        raise FitError(f"no profile intervals: the data do not determine {', '.join(result.undetermined)}")
    rows = []
    for name in names or result.var_names:
        middle = float(result.params[name].value)
        low, high = (_profile_end(problem, state, result, name, side, sigma) for side in (-1, 1))
        rows.append((name, middle, middle - low, high - middle, low, high))
    table = pd.DataFrame(rows, columns=["parameter", "value", "minus", "plus", "low", "high"])
    return table.set_index("parameter")


def _profile_end(
    problem: FitProblem, state: FitState, result: Any, name: str, side: int, sigma: float
) -> float:
    """Where χ², with all other parameters refitted, has risen as far as `sigma` allows; ±∞ where it never does."""
    best, error = result.params[name], result.params[name].stderr
    bound = best.max if side > 0 else best.min
    if problem.absolute(state):
        rise = sigma**2
    else:
        share = math.erf(sigma / math.sqrt(2))
        rise = float(stats.f.ppf(share, 1, result.nfree)) * result.redchi
    at = state.with_values({n: float(result.params[n].value) for n in result.var_names})
    held = [n for n, p in state.parameters.items() if p.expr is None and n not in result.var_names]
    reach = (bound - best.value) * side / error

    def above(distance: float) -> float:
        nonlocal at
        place = bound if distance >= reach else best.value + side * distance * error
        chi_square, values = problem.minimum_with(at, name, place, held)
        if chi_square < result.chisqr - 1e-6 * rise:
            raise FitError(
                f"no profile intervals: with {name} = {place:.6g} the other parameters fit better "
                f"(χ² {chi_square:.6g} for {result.chisqr:.6g}); fit again from there"
            )
        at = at.with_values(values)
        # The root of the rise is nearly straight, so that a secant finds its place in a few steps.
        return math.sqrt(max(chi_square - result.chisqr, 0.0) / rise) - 1

    far = sigma
    while (height := above(far)) < 0:
        if far >= reach:
            return float(bound)
        if far > FARTHEST * sigma:
            return side * math.inf
        far *= 2
    distance = far if height == 0 else brentq(above, 0.0, far, xtol=1e-7 * sigma, rtol=1e-9)
    return float(best.value + side * distance * error)


def window_sensitivity(
    problem: FitProblem, state: FitState, *, cuts: Sequence[float] = (0.05, 0.1, 0.2, 0.3)
) -> pd.DataFrame:
    """How each answer moves when the fit range loses a fraction of its points at one end.

    Returns
    -------
    DataFrame, one row a window: low, high, points, each parameter, and its move in units of its own σ
    (``name move``) from the full window
    """
    everything = np.concatenate(
        [c.x[g] for c, g in zip(problem.curves, problem.selection(state), strict=True)]
    )
    windows = [(float(everything.min()), float(everything.max()))]
    for cut in cuts:
        low, high = np.quantile(everything, [cut, 1 - cut])
        windows += [(float(low), windows[0][1]), (windows[0][0], float(high))]
    reference = problem.minimise(state)
    rows = [_window_row(problem, state, window, reference) for window in windows]
    return pd.DataFrame(rows)


def _window_row(
    problem: FitProblem, state: FitState, window: tuple[float, float], reference: Any
) -> dict[str, Any]:
    row: dict[str, Any] = {"low": window[0], "high": window[1]}
    try:
        start = state.with_values({n: float(reference.params[n].value) for n in reference.var_names})
        result = problem.minimise(start.changed(fit_range=window))
    except FitError as trouble:
        return {**row, "points": 0, "note": str(trouble)}
    row["points"] = int(result.ndata)
    for name in reference.var_names:
        value, sigma = float(result.params[name].value), uncertainty(reference.params, name)
        row[name] = value
        row[f"{name} move"] = (value - float(reference.params[name].value)) / sigma if sigma else math.nan
    return row


def intervals_for_display(table: pd.DataFrame, state: FitState, *, system: str) -> pd.DataFrame:
    """`profile_intervals` in the units shown, each named beside its parameter."""
    shown = table.copy()
    for name in table.index:
        shown.loc[name] = table.loc[name] * shown_unit(state.parameters[name].unit, system)[0]
    shown.index = [_with_unit(name, state.parameters[name].unit, system) for name in table.index]
    shown.index.name = "parameter"
    return shown


def window_for_display(table: pd.DataFrame, state: FitState, *, x_unit: str, system: str) -> pd.DataFrame:
    """`window_sensitivity` in the units shown, each named in its heading; moves are in σ."""
    shown, names = table.copy(), {}
    for column in table.columns:
        unit = x_unit if column in ("low", "high") else ""
        if column in state.parameters:
            unit = state.parameters[column].unit
        if unit:
            shown[column] = table[column] * shown_unit(unit, system)[0]
            names[column] = _with_unit(column, unit, system)
        elif column.endswith(" move"):
            names[column] = f"{column} (σ)"
    return shown.rename(columns=names)


def _with_unit(name: str, unit: str, system: str) -> str:
    return titled(name, shown_unit(unit, system)[1])


def confidence(sigma: float) -> str:
    """``68.3 %``: the level of an interval of so many standard deviations."""
    return f"{100 * math.erf(sigma / math.sqrt(2)):.3g} %"


def compare_rivals(results: Mapping[str, Any]) -> pd.DataFrame:
    """Models fitted to the same points, best AICc first, with Akaike weights.

    Raises
    ------
    FitError
        Fits of different numbers of points, whose criteria do not compare.
    """
    if len({int(r.ndata) for r in results.values()}) > 1:
        raise FitError("the rivals were fitted to different numbers of points; their AICc do not compare")
    rows = [
        {
            "model": name,
            "free": int(r.nvarys),
            "reduced chi-square": float(r.redchi),
            "AICc": aicc(r),
            "BIC": float(r.bic),
        }
        for name, r in results.items()
    ]
    table = pd.DataFrame(rows).sort_values("AICc").set_index("model")
    table["AICc above best"] = table["AICc"] - table["AICc"].min()
    likelihood = np.exp(-table["AICc above best"] / 2)
    table["weight"] = likelihood / likelihood.sum()
    return table
