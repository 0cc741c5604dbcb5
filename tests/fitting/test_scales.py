"""The same fit in other units: values and σ stay the same, whatever x, y and the parameters are counted in."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lmfit
import numpy as np
import pytest

from nbtools.fitting import FitWidget

VALUES_WITHIN = 1e-3  # of σ
ERRORS_WITHIN = 1e-4  # relative
POINTS = 60
X = np.linspace(0.0, 10.0, POINTS)


@dataclass(frozen=True)
class Shape:
    """A model on X with plausible parameters; `exchanged` are the groups that may change places."""

    function: Callable[..., Any]
    ranges: tuple[tuple[float, float], ...]
    exchanged: tuple[tuple[int, ...], ...] = ()
    mirrored: tuple[int, ...] = ()  # parameters whose sign does nothing


def two_decays(x: Any, a: float, k: float, b: float, q: float) -> Any:
    return a * np.exp(-k * x) + b * np.exp(-q * x)


SHAPES = {
    "line": Shape(lambda x, a, b: a + b * x, ((-3, 3), (-2, 2))),
    "decay": Shape(lambda x, a, k, c: a * np.exp(-k * x) + c, ((1, 5), (0.2, 2), (-1, 1))),
    "gaussian": Shape(
        lambda x, a, m, s, c: a * np.exp(-((x - m) ** 2) / 2 / s**2) + c,
        ((1, 5), (3, 7), (0.4, 1.5), (-1, 1)),
        mirrored=(2,),
    ),
    "lorentzian": Shape(
        lambda x, a, m, s: a / (1 + ((x - m) / s) ** 2), ((1, 5), (3, 7), (0.4, 1.5)), mirrored=(2,)
    ),
    "step": Shape(lambda x, a, m, w, c: c + a * np.tanh((x - m) / w), ((1, 3), (3, 7), (0.5, 2), (-1, 1))),
    "relaxation": Shape(
        lambda x, a, t: a * x * t / (1 + (x * t) ** 2), ((1, 4), (0.2, 1.5)), exchanged=((0,), (1,))[:0]
    ),
    "power law": Shape(lambda x, a, b, n: a + b * (x / 5) ** n, ((0.5, 2), (0.5, 3), (1.5, 4))),
    "sine": Shape(lambda x, a, w, f: a * np.sin(w * x + f), ((1, 3), (0.8, 1.6), (-1, 1))),
    "two decays": Shape(two_decays, ((2, 4), (0.2, 0.3), (2, 4), (1.5, 2.5)), exchanged=((0, 1), (2, 3))),
}


@dataclass(frozen=True)
class Problem:
    """A shape, its planted parameters, a start off them, noise, and whether σ is known."""

    shape: Shape
    planted: Any
    start: Any
    noise: Any
    sigma: float
    known: bool


def draw(number: int) -> Problem:
    rng = np.random.default_rng(number)
    shape = SHAPES[sorted(SHAPES)[number % len(SHAPES)]]
    planted = np.array([rng.uniform(*ends) for ends in shape.ranges])
    widths = np.array([high - low for low, high in shape.ranges])
    start = planted + 0.1 * widths * rng.uniform(-1, 1, planted.size)
    sigma = 10 ** rng.uniform(-3, -1)
    return Problem(shape, planted, start, sigma * rng.normal(size=POINTS), sigma, bool(rng.random() < 0.5))


def fitted(problem: Problem, x: float, y: float, parameters: Any) -> tuple[Any, Any]:
    """Values and σ in the problem's own units, of a fit where all is so many times larger."""
    names = [f"p{i}" for i in range(problem.planted.size)]

    def model(x_: Any, **values: float) -> Any:
        return y * problem.shape.function(
            x_ / x, *(values[n] / size for n, size in zip(names, parameters, strict=True))
        )

    # lmfit takes its parameters from the signature.
    kinds = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("x_", *names)]
    model.__signature__ = inspect.Signature(kinds)  # type: ignore[attr-defined]
    data = problem.shape.function(X, *problem.planted) + problem.noise
    start = dict(zip(names, (problem.start * parameters).tolist(), strict=True))
    sigma = problem.sigma * y if problem.known else None
    widget = FitWidget(
        lmfit.Model(model, independent_vars=["x_"]), X * x, data * y, sigma=sigma, params=start
    )
    params = widget.fit().params
    values = np.array([params[n].value for n in names]) / parameters
    errors = np.array([params[n].stderr or np.nan for n in names]) / parameters
    return values, errors


def compare(problem: Problem, x: float, y: float, parameters: Any) -> tuple[float, float, str]:
    """By how many σ the values move and by which share σ does, and which tie was met."""
    values, errors = fitted(problem, 1.0, 1.0, np.ones(problem.planted.size))
    found, found_errors = fitted(problem, x, y, parameters)
    tie = ""
    for i in problem.shape.mirrored:
        if values[i] * found[i] < 0:
            found[i], tie = -found[i], "sign"
    if problem.shape.exchanged:
        order = np.arange(values.size)
        one, other = (list(group) for group in problem.shape.exchanged)
        order[one], order[other] = other, one
        if np.abs(found[order] - values).sum() < np.abs(found - values).sum():
            found, found_errors, tie = found[order], found_errors[order], "exchange"
    return (
        float(np.max(np.abs(found - values) / errors)),
        float(np.max(np.abs(found_errors / errors - 1))),
        tie,
    )


def sizes(rng: Any, count: int, base: float, power: float) -> tuple[float, float, Any]:
    """Whole powers, so that base 2 is exact."""
    drawn = base ** rng.integers(-power, power + 1, count + 2).astype(float)
    return float(drawn[0]), float(drawn[1]), drawn[2:]


@pytest.mark.parametrize(("base", "power"), [(2.0, 40), (10.0, 12)])
def test_200_problems_in_other_units(base: float, power: float) -> None:
    """Values within 1e-3 σ, σ within 1e-4; where two minima are one under an exchange or a sign, it is named."""
    worst, off, ties = (0.0, 0.0), [], []
    for number in range(200):
        problem = draw(number)
        moved, changed, tie = compare(
            problem, *sizes(np.random.default_rng(1000 + number), problem.planted.size, base, power)
        )
        worst = max(worst[0], moved), max(worst[1], changed)
        if not (moved < VALUES_WITHIN and changed < ERRORS_WITHIN):
            off.append((number, sorted(SHAPES)[number % len(SHAPES)], moved, changed))
        if tie:
            ties.append((number, tie))
    print(f"worst move {worst[0]:.1e} σ, worst change of σ {worst[1]:.1e}, ties {ties}")
    assert off == []


@pytest.mark.parametrize("size", [1e-80, 1e-12, 1e12, 1e80])
def test_a_parameter_that_starts_at_zero_has_a_scale_too(size: float) -> None:
    """Zero says nothing of its size; the data do."""
    x = np.linspace(-1, 1, 30)
    y = (0.3 + 2 * x + 0.01 * np.cos(50 * x)) * size
    result = FitWidget(lmfit.models.LinearModel(), x, y, params={"slope": 0.0, "intercept": 0.0}).fit()
    expected = np.polyfit(x, y / size, 1, cov=True)
    assert [result.params[n].value / size for n in ("slope", "intercept")] == pytest.approx(expected[0])
    errors = [result.params[n].stderr / size for n in ("slope", "intercept")]
    assert errors == pytest.approx(np.sqrt(np.diag(expected[1])), rel=1e-6)


@pytest.mark.parametrize("size", [1e-13, 1.0, 1e13])
def test_a_bound_at_zero_does_not_hurt_a_small_parameter(size: float) -> None:
    """A rate that must be positive, and one that leans on its bound."""
    t = np.linspace(0, 8, 60)
    y = 2 * np.exp(-0.5 * t) + 0.02 * np.random.default_rng(0).normal(size=60)
    made = lmfit.create_params(
        a={"value": 1.0, "min": 0}, k={"value": 0.8 * size, "min": 0}, c={"value": 0.1 * size, "min": 0}
    )
    model = lmfit.Model(lambda t, a, k, c: a * np.exp(-k * t) - c / size)
    result = FitWidget(model, t / size, y, sigma=0.02, params=made).fit()
    free = FitWidget(
        lmfit.Model(lambda t, a, k: a * np.exp(-k * t)), t, y, sigma=0.02, params={"a": 1, "k": 0.8}
    )
    expected = free.fit().params
    if result.params["c"].value < 1e-6 * size:
        assert result.params["k"].value / size == pytest.approx(expected["k"].value, rel=1e-4)
    assert result.params["k"].value / size == pytest.approx(0.5, abs=0.1)
