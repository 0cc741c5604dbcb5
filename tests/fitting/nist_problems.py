"""NIST's non-linear regression problems, in their own numbers or in SI-sized units."""

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lmfit
import numpy as np
import yaml
from lmfit.models import ExpressionModel

from nbtools.fitting import FitWidget

PROBLEMS = yaml.safe_load((Path(__file__).parent / "nist" / "problems.yaml").read_text(encoding="utf-8"))


# Terms of a sum that may change places: the minimum is then found twice, and both are right.
EXCHANGED = {"MGH17": ([1, 3], [2, 4])}


@dataclass(frozen=True)
class Units:
    """How much larger x, y and each parameter become; the problem stays the same."""

    x: float = 1.0
    y: float = 1.0
    parameter: float = 1.0


def data(name: str) -> tuple[Any, Any]:
    known = PROBLEMS[name]
    if "y" in known:
        y = np.array(known["y"], float)
        return np.array(known.get("x", 1 + np.arange(y.size)), float), np.log(y) if known.get("log") else y
    x = np.arange(24) * 0.05
    y = 0.0951 * np.exp(-x) + 0.8607 * np.exp(-3 * x) + 1.5576 * np.exp(-5 * x)
    if "decimals" in known:
        return x, np.round(y, known["decimals"])
    return x, np.array([float(f"{value:.{known['figures'] - 1}e}") for value in y])


def curves(name: str) -> list[tuple[ExpressionModel, Any, Any]]:
    """Model, x and y; where there is a second predictor, one curve for each of its values."""
    known = PROBLEMS[name]
    x, y = data(name)
    second = np.array(known.get("x2", np.zeros(x.size)))
    parts = [(str(value), second == value) for value in np.unique(second)]
    models = [
        ExpressionModel(known["model"].replace("x2", value), independent_vars=["x"]) for value, _ in parts
    ]
    return [(model, x[here], y[here]) for model, (_, here) in zip(models, parts, strict=True)]


def in_units(model: ExpressionModel, names: list[str], units: Units) -> lmfit.Model:
    """The model of the same problem where x, y and the parameters are other numbers."""

    def other(x: Any, **values: float) -> Any:
        kept = {name: value / units.parameter for name, value in values.items()}
        return units.y * model.eval(x=x / units.x, **kept)

    # lmfit takes its parameters from the signature.
    kinds = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("x", *names)]
    other.__signature__ = inspect.Signature(kinds)  # type: ignore[attr-defined]
    return lmfit.Model(other, independent_vars=["x"])


def fitted(name: str, start: int, units: Units | None = None) -> FitWidget:
    """The problem from one of its two starts."""
    units = units or Units()
    first = {f"b{i + 1}": value * units.parameter for i, value in enumerate(PROBLEMS[name]["starts"][start])}
    models, xs, ys = zip(*curves(name), strict=True)
    if units != Units():
        models = [in_units(model, list(first), units) for model in models]
        xs, ys = [x * units.x for x in xs], [y * units.y for y in ys]
    widget = FitWidget(list(models), list(xs), list(ys), params=first, shared=list(first))
    widget.fit()
    return widget


def digits(found: Any, certified: list[float]) -> float:
    """The log relative error of the worst number: how many digits agree."""
    errors = [abs(f / c - 1) for f, c in zip(found, certified, strict=True)]
    return float(-np.log10(max(*errors, 1e-11)))


def agreement(widget: FitWidget, name: str, units: Units | None = None) -> tuple[float, float]:
    """Digits of the values and of the standard errors, the better of the two orders where terms can be exchanged."""
    known, unit = PROBLEMS[name], (units or Units()).parameter
    order = np.arange(len(known["certified"]))
    orders = [order]
    if name in EXCHANGED:
        swapped = order.copy()
        one, other = EXCHANGED[name]
        swapped[one], swapped[other] = other, one
        orders.append(swapped)
    params = widget.result.params
    values = np.array([params[f"b{i + 1}"].value / unit for i in order])
    errors = np.array([(params[f"b{i + 1}"].stderr or 0.0) / unit for i in order])
    pairs = [
        (digits(values[places], known["certified"]), digits(errors[places], known["standard_errors"]))
        for places in orders
    ]
    return max(pairs)
