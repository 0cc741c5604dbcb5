"""Many fits at once give what scipy gives one by one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares as one_fit

from nbtools.statistics import least_squares
from nbtools.statistics.least_squares import Equations

Array = NDArray[np.float64]
TIME = np.linspace(0, 4, 60)


@dataclass(frozen=True)
class Decay(Equations):
    gram: Array
    right: Array


def _decays(data: Array) -> tuple[Array, Decay, NDArray[np.bool_]]:
    """A exp(−t/τ) + b by ln τ."""

    def at(parameters: Array, chosen: NDArray[np.intp]) -> Decay:
        rate = np.exp(-parameters)
        shape = np.exp(-TIME * rate)
        columns = np.stack([shape, np.ones_like(shape)], axis=1)
        right = np.einsum("pln,pn->pl", columns, data[chosen])
        linear = least_squares.solve(columns @ columns.transpose(0, 2, 1), right)
        full = np.concatenate([columns, (linear[:, :1] * shape * TIME * rate)[:, None]], axis=1)
        left = data[chosen] - np.einsum("pl,pln->pn", linear, columns)
        squares = np.sum(left**2, axis=1)
        gram = full @ full.transpose(0, 2, 1)
        return Decay(linear, squares, 1e-14 * squares, gram, np.einsum("pmn,pn->pm", full, left))

    return least_squares.minimise(
        np.zeros((len(data), 1)),
        at,
        lambda equations: (equations.gram, equations.right),
        lambda parameters, step: parameters + np.clip(step, -0.7, 0.7),
        points=TIME.size,
    )


def test_each_fit_ends_where_scipys_does() -> None:
    rng = np.random.default_rng(1)
    lives = rng.uniform(0.3, 3, 40)
    data = 50 * np.exp(-TIME / lives[:, None]) + 7 + rng.normal(0, 1, (40, TIME.size))
    found, there, done = _decays(data)
    assert done.all()
    for number in range(40):
        lone = one_fit(
            lambda p, y=data[number]: p[0] * np.exp(-TIME / np.exp(p[1])) + p[2] - y,
            [40.0, 0.0, 0.0],
            xtol=1e-12,
            ftol=1e-12,
        )
        assert np.isclose(2 * lone.cost, there.chi_square[number], rtol=1e-6)
        assert np.isclose(lone.x[1], found[number, 0], atol=2e-4)


def test_a_fit_does_not_depend_on_its_company() -> None:
    rng = np.random.default_rng(2)
    data = 50 * np.exp(-TIME / 0.8) + rng.normal(0, 1, (5, TIME.size))
    data[2] = 0.0  # nothing to fit: the others must not notice
    together, alone = _decays(data)[0], [_decays(data[[number]])[0][0] for number in (0, 1, 3, 4)]
    assert np.allclose(together[[0, 1, 3, 4]], alone, atol=1e-10)


def test_systems_scaled_by_any_unit_are_solved() -> None:
    rng = np.random.default_rng(3)
    root = rng.normal(size=(6, 4, 9))
    units = 10.0 ** rng.uniform(-12, 12, 4)
    matrix = (root @ root.transpose(0, 2, 1)) * units[:, None] * units
    wanted = rng.normal(size=(6, 4))
    right = np.einsum("pij,pj->pi", matrix, wanted / units)
    assert np.allclose(least_squares.solve(matrix, right) * units, wanted, rtol=1e-6)
    identity = least_squares.invert(matrix) @ matrix
    assert np.allclose(identity * units[:, None] / units, np.eye(4), atol=1e-6)
