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
# Not reached from the far start, 0: MINPACK goes astray. MGH17 (average) stops with a sentence, its model overflows.
UNREACHED = {("MGH17", 0), ("MGH09", 0), ("BoxBOD", 0)}


def data(known: dict[str, Any]) -> tuple[Any, Any]:
    if "x" in known:
        return np.array(known["x"], float), np.array(known["y"], float)
    x = np.arange(24) * 0.05
    y = 0.0951 * np.exp(-x) + 0.8607 * np.exp(-3 * x) + 1.5576 * np.exp(-5 * x)
    if "decimals" in known:
        return x, np.round(y, known["decimals"])
    return x, np.array([float(f"{value:.{known['figures'] - 1}e}") for value in y])


def fitted(name: str, start: int) -> FitWidget:
    known = PROBLEMS[name]
    first = {f"b{i + 1}": value for i, value in enumerate(known["starts"][start])}
    widget = FitWidget(ExpressionModel(known["model"], independent_vars=["x"]), *data(known), params=first)
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
    x, y = data(known)
    params = {f"b{i + 1}": value for i, value in enumerate(known["certified"])}
    model = ExpressionModel(known["model"], independent_vars=["x"]).eval(x=x, **params)
    if name != "Lanczos1":  # its sum, 1e-25, is under the rounding of double precision
        assert np.sum((y - model) ** 2) == pytest.approx(known["sum_of_squares"], rel=2e-6)


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", PROBLEMS)
def test_six_certified_digits(name: str, start: int) -> None:
    """From both starts, but for the three far starts listed."""
    if (name, start) in UNREACHED:
        pytest.xfail("not reached from its far start")
    assert digits(fitted(name, start), PROBLEMS[name]["certified"]) >= DIGITS
