"""The state of a fit: validated, plain, undoable."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtools.fitting.state import (
    FitState,
    ParameterState,
    StateError,
    Trail,
    fraction_at,
    is_logarithmic,
    slider_ends,
    value_at,
)

finite = st.floats(-1e12, 1e12)
parameters = st.builds(
    lambda value, below, above, vary: ParameterState(
        value=value, min=value - below, max=value + above, vary=vary
    ),
    finite,
    st.one_of(st.just(math.inf), st.floats(1, 1e13)),
    st.one_of(st.just(math.inf), st.floats(1, 1e13)),
    st.booleans(),
)
states = st.builds(
    FitState,
    parameters=st.dictionaries(
        st.from_regex(r"[a-z]{1,6}", fullmatch=True), parameters, min_size=1, max_size=4
    ),
    fit_range=st.one_of(st.none(), st.tuples(st.floats(-10, 0), st.floats(1, 10))),
    masked=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 99)), max_size=5).map(tuple),
    loss=st.sampled_from(["least_squares", "robust", "poisson"]),
    auto_refit=st.booleans(),
)


def state(**changes: float) -> FitState:
    return FitState(parameters={"a": ParameterState(**({"value": 1.0} | changes))})


@settings(max_examples=30, deadline=None)
@given(states)
def test_a_state_survives_json_to_the_last_bit(known: FitState) -> None:
    """Written and read, it is equal, infinite bounds included."""
    assert FitState.read(json.loads(json.dumps(known.plain(), allow_nan=False))) == known


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"value": math.nan}, "a finite number was expected"),
        ({"min": 2.0, "max": 1.0}, "min 2 is not below max 1"),
        ({"value": 3.0, "max": 2.0}, "outside its bounds"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(changes: dict[str, float], says: str) -> None:
    """The sentence says what came."""
    with pytest.raises(ValueError, match=says):
        state(**changes)


def test_a_misspelt_key_is_an_error() -> None:
    """It is never dropped silently."""
    with pytest.raises(StateError, match="fitrange"):
        FitState.read(state().plain() | {"fitrange": [0, 1]})


def test_another_schema_is_refused() -> None:
    """A file of another version says so."""
    with pytest.raises(StateError, match="schema_version 2 came, 1 was expected"):
        FitState.read(state().plain() | {"schema_version": 2})


def test_an_empty_range_is_refused() -> None:
    """Its first end must be the lower."""
    with pytest.raises(StateError, match="3 … 2 is empty"):
        state().changed(fit_range=(3, 2))


def test_a_value_beyond_its_bound_goes_to_the_bound() -> None:
    """As a slider at its stop."""
    assert state(min=0.0, max=2.0).with_parameter("a", value=7).parameters["a"].value == 2


def test_the_slider_stays_while_the_value_is_on_it() -> None:
    """It does not run from under the hand."""
    first = state(low=0.0, high=4.0)
    assert first.with_parameter("a", value=3).parameters["a"].ends == (0, 4)
    assert first.with_parameter("a", value=9).parameters["a"].ends[1] > 9


@pytest.mark.parametrize("value", [1e-9, -1e-9, 1e-30, 1.0, -5.0, 0.0, 1e12])
def test_a_slider_reaches_both_sides_of_any_value(value: float) -> None:
    """Also of 1e-9, where a slider in steps of 0.1 does nothing."""
    low, high = slider_ends(value, -math.inf, math.inf)
    assert low < value < high
    assert high - low <= 4 * (abs(value) or 1)


def test_a_slider_over_decades_is_logarithmic() -> None:
    """A factor of 50 or more between positive ends."""
    assert is_logarithmic(*slider_ends(1e-9, 0, math.inf))
    assert not is_logarithmic(*slider_ends(1e-9, -math.inf, math.inf))
    assert value_at(0.5, 1e-12, 1e-6) == pytest.approx(1e-9)


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-15, 1e15), st.floats(1.001, 1e9), st.floats(0, 1))
def test_slider_and_value_are_inverse(low: float, ratio: float, fraction: float) -> None:
    """From place to value and back."""
    ends = (low, low * ratio)
    assert fraction_at(value_at(fraction, *ends), *ends) == pytest.approx(fraction, abs=1e-6)


def test_consecutive_moves_of_one_control_are_one_step() -> None:
    """A drag is undone at once, not pixel by pixel."""
    start = state()
    trail = Trail(start)
    for value in (2.0, 3.0, 4.0):
        trail.move(start.with_parameter("a", value=value), "a slider")
    assert trail.undo()
    assert trail.state == start
    assert trail.redo()
    assert trail.state.parameters["a"].value == 4


def test_a_move_after_undo_forgets_the_future() -> None:
    """Redo has nothing to do then."""
    start = state()
    trail = Trail(start)
    trail.move(start.with_parameter("a", value=2.0), "x")
    trail.undo()
    trail.move(start.with_parameter("a", value=5.0), "y")
    assert not trail.redo()
