"""Many fits at once give what scipy gives one by one."""

from dataclasses import dataclass

import numpy as np
import pytest
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


def test_what_is_singular_is_held_just_off() -> None:
    """Of [[1 + e, 1], [1, 1 + e]] the small eigenvalue is e; a parameter without any say stays where it is."""
    twins = np.array([[[4.0, 6.0], [6.0, 9.0]]])  # (2, 3) times itself
    apart = np.array([[2.0, -3.0]])
    assert least_squares.solve(twins, apart)[0] == pytest.approx(np.array([1 / 2, -1 / 3]) / 1e-11, rel=1e-4)
    inverse = np.array([[1 / 4, -1 / 6], [-1 / 6, 1 / 9]]) / 2e-12
    assert least_squares.invert(twins)[0] == pytest.approx(inverse, rel=1e-3)
    mute = np.array([[[4.0, 0, 2], [0, 0, 0], [2, 0, 9]]])
    assert least_squares.solve(mute, np.array([[8.0, 0, 20]]))[0] == pytest.approx([1, 0, 2], rel=1e-9)


def test_a_damped_step_by_hand() -> None:
    """The diagonal of what is searched grows by the damping; what is solved for follows; what is fixed stays."""
    rng = np.random.default_rng(5)
    root = rng.normal(size=(2, 4, 9))
    matrix, gradient = root @ root.transpose(0, 2, 1), rng.normal(size=(2, 4))
    damping, free = np.array([0.3, 7.0]), np.array([True, False, True])
    found, fall = least_squares.step_from(matrix, gradient, damping, free)
    moving = [0, 1, 3]  # one linear parameter, then the first and the third of three that are searched
    for number in range(2):
        inner = matrix[number][np.ix_(moving, moving)]
        right = np.array([0.0, gradient[number, 1], gradient[number, 3]])
        by_hand = np.linalg.solve(inner + damping[number] * np.diag([0, inner[1, 1], inner[2, 2]]), right)
        assert found[number] == pytest.approx([by_hand[1], 0, by_hand[2]], rel=1e-6)
        assert fall[number] == pytest.approx((1 + damping[number]) * by_hand @ right, rel=1e-6)
    # A billionth of the largest diagonal keeps what has no say from moving.
    weak = np.array([[[100.0, 0.0], [0.0, 0.0]]])
    step, _ = least_squares.step_from(weak, np.array([[50.0, 3e-7]]), np.array([1.0]), np.ones(2, bool))
    assert step[0] == pytest.approx([50 / 200, 3e-7 / 1e-7], rel=1e-6)


@dataclass(frozen=True)
class Bowl(Equations):
    """χ² = rest + weight (x − goal)², of one parameter."""

    away: Array


def _into_the_bowl(away: list[float], *, weight=4.0, rest=30.0, points=33, floor=0.0, worse=False, **options):
    """From so far from the bottom: what is left of the way, the places that were tried, and which fits ended.

    Two linear parameters are solved for beside: of 33 points 30 degrees of freedom are left.
    """
    tried: list[Array] = []

    def at(parameters: Array, chosen: NDArray[np.intp]) -> Bowl:
        if len(parameters):
            tried.append(parameters[:, 0].copy())
        left = parameters[:, 0] if not worse else np.full(len(parameters), 1.0)
        size = len(parameters)
        chi_square = rest + weight * left**2
        return Bowl(np.zeros((size, 2)), chi_square, np.full(size, floor), left.copy())

    def normal(now: Bowl) -> tuple[Array, Array]:
        matrix, right = (
            np.tile(np.diag([5.0, 6.0, weight]), (len(now.away), 1, 1)),
            np.zeros((len(now.away), 3)),
        )
        right[:, 2] = -weight * now.away
        return matrix, right

    found, _, done = least_squares.minimise(
        np.array(away)[:, None],
        at,
        normal,
        lambda parameters, step: parameters + step,
        points=points,
        **options,
    )
    return found[:, 0], tried, done


def test_steps_into_a_parabola_by_hand() -> None:
    """A damping of 0.01 leaves 0.01/1.01 of the way, the next 0.001/1.001; it would fall by weight·distance²."""
    start = 8.0
    once, twice = start * 0.01 / 1.01, start * 0.01 / 1.01 * 0.001 / 1.001
    left, tried, done = _into_the_bowl([start], steps=1)
    assert left == pytest.approx([once], rel=1e-6) and len(tried) == 2 and not done[0]
    left, tried, done = _into_the_bowl([start], steps=2)
    assert left == pytest.approx([twice], rel=1e-4) and len(tried) == 3 and done[0]
    left, tried, done = _into_the_bowl([start])
    assert left == pytest.approx([twice * 1e-4], rel=0.02) or left == pytest.approx([twice], rel=1e-4)
    assert done[0] and 4 * left[0] ** 2 < 1e-5


@pytest.mark.parametrize(("share", "moves"), [(0.9, False), (1.1, True)])
def test_a_search_ends_where_a_step_buys_nothing(share, moves) -> None:
    """Less than a part in 10⁵ of the stated noise, of the noise that is left, or what rounding makes of χ²."""
    near = np.sqrt(share * 1e-5 / 4)
    left, tried, _ = _into_the_bowl([near])
    assert (left[0] != near) == moves and len(tried) == 1 + moves
    # χ² of 60 over 30 degrees of freedom: noise twice as large as stated counts only where none is stated.
    assert (_into_the_bowl([near], rest=60.0)[0][0] != near) == moves
    larger = np.sqrt(share * 2e-5 / 4)
    assert (_into_the_bowl([larger], rest=60.0, stated=False)[0][0] != larger) == moves
    quieter = np.sqrt(share * 0.5e-5 / 4)
    assert (_into_the_bowl([quieter], rest=15.0)[0][0] != quieter) == moves
    coarse = np.sqrt(share * 0.02 / 4)
    assert (_into_the_bowl([coarse], floor=0.02)[0][0] != coarse) == moves
    assert (_into_the_bowl([coarse], enough=0.02)[0][0] != coarse) == moves


@pytest.mark.parametrize(("share", "done"), [(0.9, True), (1.1, False)])
def test_near_the_bottom_is_near_enough(share, done) -> None:
    """Where a step would still lower χ² by a tenth of the noise, the search has ended, however few steps it had."""
    away = np.sqrt(share * 0.1 / 4)
    rest = 30.0 - 4 * away**2  # so that χ² at the start is its degrees of freedom
    assert _into_the_bowl([away], rest=rest, steps=1)[2][0] == done


def test_a_fit_that_only_gets_worse_is_left() -> None:
    """Eight times the damping for each vain step: ten of them make 0.01 more than 10⁷."""
    left, tried, done = _into_the_bowl([1.0], worse=True)
    assert len(tried) == 1 + 10 and done[0] and left[0] == 1.0
    steps = 1 - np.array([place[0] for place in tried[1:]])
    assert steps == pytest.approx(1 / (1 + 0.01 * 8.0 ** np.arange(10)), rel=1e-5)


def test_nothing_to_search() -> None:
    """Every parameter fixed: the start, and done."""
    left, tried, done = _into_the_bowl([3.0, 5.0], free=np.array([False]))
    assert left.tolist() == [3.0, 5.0] and len(tried) == 1 and done.all()
