"""Certified answers: NIST's non-linear regression problems, headless, from both of their starts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from lmfit.models import ExpressionModel

from nbtools.widgets.fitter import FitWidget

PROBLEMS = yaml.safe_load((Path(__file__).parent / "nist" / "problems.yaml").read_text(encoding="utf-8"))
DIGITS = 6


def data(known: dict[str, Any]) -> tuple[Any, Any]:
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
    x, y = data(known)
    second = np.array(known.get("x2", np.zeros(x.size)))
    parts = [(str(value), second == value) for value in np.unique(second)]
    models = [
        ExpressionModel(known["model"].replace("x2", value), independent_vars=["x"]) for value, _ in parts
    ]
    return [(model, x[here], y[here]) for model, (_, here) in zip(models, parts, strict=True)]


def fitted(name: str, start: int) -> FitWidget:
    first = {f"b{i + 1}": value for i, value in enumerate(PROBLEMS[name]["starts"][start])}
    models, x, y = (list(column) for column in zip(*curves(name), strict=True))
    widget = FitWidget(models, x, y, params=first, shared=list(first))
    widget.fit()
    return widget


def digits(widget: FitWidget, certified: list[float]) -> float:
    """The log relative error of the worst parameter: how many digits agree."""
    found = [widget.values[f"b{i + 1}"] for i in range(len(certified))]
    errors = [abs(f / c - 1) for f, c in zip(found, certified, strict=True)]
    return float(-np.log10(max(*errors, 1e-11)))


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_data_are_nists(name: str) -> None:
    """At the certified values the sum of squares is the certified one: no digit of the data is wrong."""
    known = PROBLEMS[name]
    params = {f"b{i + 1}": value for i, value in enumerate(known["certified"])}
    squares = [np.sum((y - model.eval(x=x, **params)) ** 2) for model, x, y in curves(name)]
    if name != "Lanczos1":  # its sum, 1e-25, is under the rounding of double precision
        assert sum(squares) == pytest.approx(known["sum_of_squares"], rel=2e-6)


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", PROBLEMS)
def test_six_certified_digits(name: str, start: int) -> None:
    """From both starts; four far ones lead MINPACK astray, and the bounded steps find them."""
    assert digits(fitted(name, start), PROBLEMS[name]["certified"]) >= DIGITS


def test_a_fit_led_astray_says_so_and_its_code_gives_its_numbers() -> None:
    """Where MINPACK fails the method changes, in the open: state, sentence and script all say which found it."""
    widget = fitted("BoxBOD", 0)
    assert widget.current.method == widget.last.start.method == "least_squares"
    assert "went astray" in widget.sentences[0]
    known: dict[str, Any] = {}
    with np.errstate(all="ignore"):
        exec(widget.to_code().replace("print(", "str("), known)
    found = {name: float(p.value) for name, p in known["result"].params.items()}
    assert found == pytest.approx(widget.values, rel=1e-10)
