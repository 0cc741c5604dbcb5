"""Planted ties: equal scores in any order and with any last bits give one answer."""

import ast
from pathlib import Path

import numpy as np
import pytest

import nbtools
from nbtools.statistics.choice import (
    ceil_whole,
    first_best,
    floor_whole,
    largest_first,
    nearest_whole,
    ranked,
)


def dusty(values, rng):
    """The same numbers as another processor would have them."""
    return np.asarray(values, float) * (1 + 4e-16 * rng.integers(-2, 3, np.shape(values)))


@pytest.mark.parametrize("seed", range(20))
def test_of_equal_scores_the_first_is_chosen(seed):
    """Rounding decides nothing; a score that is better by 1e-8 does."""
    rng = np.random.default_rng(seed)
    scores = np.array([3.0, 1.7, 2.0, 1.7, 1.7, np.nan])
    assert first_best(dusty(scores, rng)) == 1
    assert first_best(dusty(-scores, rng), highest=True) == 1
    assert first_best(dusty([1.7, 1.7 * (1 - 1e-8)], rng)) == 1
    assert first_best(dusty([scores, scores[::-1]], rng), axis=1).tolist() == [1, 1]


def test_scores_near_zero_need_the_size_of_what_they_came_from():
    """χ² of 2e-26 and 7e-27 are equal where χ² counts in ones, and not as numbers."""
    assert first_best([2e-26, 7e-27]) == 1
    assert first_best([2e-26, 7e-27], scale=1.0) == 0
    assert ranked([2e-26, 7e-27]).tolist() == [1, 0]
    assert ranked([2e-26, 7e-27], scale=1.0).tolist() == [0, 1]


@pytest.mark.parametrize(("off", "equal"), [(0.9e-6, True), (1.1e-6, False)])
def test_equal_is_a_part_in_a_thousand_million(off, equal):
    """Of a thousand a millionth, from the best of a group on; of whole numbers beyond one likewise."""
    assert first_best([1000 + off, 1000.0]) == (0 if equal else 1)
    assert ranked([1000 + off, 1000.0]).tolist() == ([0, 1] if equal else [1, 0])
    assert floor_whole(1000 - off) == (1000 if equal else 999)
    assert ceil_whole(1000 + off) == (1000 if equal else 1001)
    assert floor_whole(-1e-3 * off) == (0 if equal else -1)


def test_no_score_and_scores_without_end():
    """Nothing to choose from is an error; infinities are equal to each other."""
    with pytest.raises(ValueError, match="no scores came"):
        first_best([])
    assert first_best([np.inf, np.inf]) == 0
    assert first_best([1.0, -np.inf, -np.inf]) == 1
    assert first_best([np.nan, np.inf, 5.0]) == 2
    assert ranked([]).tolist() == []


@pytest.mark.parametrize("seed", range(20))
def test_equals_keep_their_order(seed):
    """Either way round, with NaN last."""
    rng = np.random.default_rng(seed)
    scores = [5.0, 2.0, np.nan, 2.0, 5.0, 1.0, 2.0]
    assert ranked(dusty(scores, rng)).tolist() == [5, 1, 3, 6, 0, 4, 2]
    assert ranked(dusty(scores, rng), highest=True).tolist() == [0, 4, 1, 3, 6, 5, 2]


def test_a_budget_by_size():
    """Equal parts, and those that are zero but for rounding, stay as they came."""
    budget = {"field": 1e-19, "width": 0.05, "noise": 0.2, "length": 0.05 * (1 + 2e-16), "model": 0.0}
    assert list(largest_first(budget)) == ["noise", "width", "length", "field", "model"]


@pytest.mark.parametrize("off", [-1e-12, 0.0, 1e-12])
def test_whole_but_for_rounding(off):
    """3 ± 1e-12 is three, up, down and to the nearest; a half goes up; what is no whole number does as ever."""
    assert (floor_whole(3 + off), ceil_whole(3 + off), nearest_whole(3 + off)) == (3, 3, 3)
    assert floor_whole([-3 + off, 2.999, 1e6 + off]).tolist() == [-3, 2, 1_000_000]
    assert ceil_whole([-3 + off, 3.001]).tolist() == [-3, 4]
    assert nearest_whole([0.5 + off, 1.5 + off, -0.5 + off]).tolist() == [1, 2, 0]
    assert nearest_whole([0.45, 0.55, 1.49]).tolist() == [0, 1, 1]
    assert isinstance(floor_whole(3.0), int)


def test_sorts_are_stable():
    """No `argsort` of the package leaves the order of equal values to the processor."""
    unstable = [
        f"{path.name}:{call.lineno}"
        for path in Path(nbtools.__file__).parent.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and getattr(call.func, "attr", "") == "argsort"
        and "kind" not in {keyword.arg for keyword in call.keywords}
    ]
    assert not unstable
