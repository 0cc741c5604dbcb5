"""What can be explored of a function: its arguments, with ranges and units from its docstring or as given."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import Field

from nbtools.explore.plots import Plot
from nbtools.fitting.state import HasParameters, ParameterState, StateError
from nbtools.units import Quantity, factor

Range = tuple[float, float] | Sequence[Any]


class ExploreState(HasParameters):
    """The arguments: numbers as `parameters`, the others as `choices`."""

    choices: dict[str, str | bool | int | float] = Field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a function gave: curves as (x, y), those to be drawn as dots, numbers with units, plots and images."""

    curves: dict[str, tuple[Any, Any]]
    numbers: dict[str, Quantity]
    dots: frozenset[str] = frozenset()
    plots: dict[str, Plot] = field(default_factory=dict)


def read_arguments(
    function: Callable[..., Any],
    *,
    ranges: Mapping[str, Range],
    values: Mapping[str, Any],
    units: Mapping[str, str],
    left_out: Sequence[str],
) -> tuple[ExploreState, dict[str, tuple[Any, ...]]]:
    """A slider for each numeric argument, a menu for each choice.

    `ranges` says ``(low, high)`` for a slider, a list for a menu; else a ``Literal`` annotation or a bool
    makes a menu, and a default value a slider around it.

    Raises
    ------
    ValueError
        Names the function does not have, an argument with neither value nor range, or nothing to move.
    """
    arguments = _arguments(function, left_out)
    if unknown := {*ranges, *values, *units} - set(arguments):
        raise ValueError(f"{sorted(unknown)} came, but the function can be moved in {sorted(arguments)}")
    stated = {**docstring_units(function), **units}
    hints = _hints(function)
    parameters, choices, options = {}, {}, {}
    for name, default in arguments.items():
        value = values.get(name, default)
        menu = _menu(ranges.get(name), hints.get(name), value)
        if menu:
            options[name], choices[name] = menu, value if value in menu else menu[0]
        elif name in ranges or name in values or _is_number(value):
            slider = _slider(name, value, ranges.get(name), stated.get(name, ""))
            whole = name in integer_arguments(function)
            parameters[name] = (
                slider.model_copy(update={"value": float(round(slider.value))}) if whole else slider
            )
        elif default is inspect.Parameter.empty:
            raise ValueError(
                f"{name} has no value: give ranges={{{name!r}: (low, high)}} or fixed={{{name!r}: …}}"
            )
    if not parameters and not choices:
        raise ValueError("the function has no argument to move; give ranges={name: (low, high)}")
    return ExploreState(parameters=parameters, choices=choices), options


def _arguments(function: Callable[..., Any], left_out: Sequence[str]) -> dict[str, Any]:
    known = inspect.signature(function).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {p.name: p.default for p in known if p.kind in kinds and p.name not in left_out}


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function)
    except (NameError, TypeError):
        return {}


def integer_arguments(function: Callable[..., Any]) -> frozenset[str]:
    """Arguments that are annotated as whole numbers."""
    return frozenset(name for name, hint in _hints(function).items() if hint is int)


def _menu(given: Any, hint: Any, value: Any) -> tuple[Any, ...]:
    if given is not None:
        is_range = isinstance(given, tuple) and len(given) == 2 and all(map(_is_number, given))
        return () if is_range else tuple(given)
    if isinstance(value, bool):
        return (False, True)
    return get_args(hint) if get_origin(hint) is Literal else ()


def _slider(name: str, value: Any, given: Any, unit: str) -> ParameterState:
    if given is not None:
        low, high = float(given[0]), float(given[1])
        if not low < high:
            raise ValueError(
                f"{name}: the range {low:g} … {high:g} is empty; its first end must be the lower"
            )
        start = float(value) if _is_number(value) else (low + high) / 2
        return ParameterState(
            value=min(max(start, low), high), min=low, max=high, unit=unit, low=low, high=high
        )
    # A factor of five either way: a default of zero or below it seldom makes sense where the default is positive.
    ends = sorted((float(value) / 5, float(value) * 5)) if value else (-1.0, 1.0)
    return ParameterState(value=float(value), unit=unit, low=ends[0], high=ends[1])


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, (int, float, np.number))
        and not isinstance(value, bool)
        and bool(np.isfinite(value))
    )


def docstring_units(function: Callable[..., Any]) -> dict[str, str]:
    """Units from numpy-style lines, ``debye_temperature : K, Θ``; the first piece that reads as a unit."""
    found = {}
    text = inspect.getdoc(function) or ""
    formula = text.split("Parameters\n")[0]
    for names, rest in re.findall(r"^\s*([A-Za-z_][\w, ]*?) : (.+)$", text, re.M):
        unit = next((piece for piece in map(str.strip, rest.split(",")) if _is_unit(piece, formula)), "")
        found.update({name.strip(): unit for name in names.split(",") if unit})
    return found


def _is_unit(text: str, formula: str) -> bool:
    # "m, above 1" is the symbol m where the formula has one, not metres.
    if len(text) == 1 and re.search(rf"(?<![A-Za-z]){re.escape(text)}(?![A-Za-z])", formula):
        return False
    if not text or len(text) > 12 or not re.fullmatch(r"[A-Za-zµμΩ°%/^·²³⁻¹\-0-9 *]+", text):
        return False
    try:
        return factor(text, text) == 1
    except ValueError:
        return False


def read_outcome(given: Any, x: Any = None) -> Outcome:
    """What a function returned, sorted: numbers, curves over `x`, pairs (x, y), images, plots, or a dict of these.

    Raises
    ------
    StateError
        Something that is none of these, or an array of another length than x.
    """
    parts = given if isinstance(given, Mapping) else {"value": given}
    curves: dict[str, tuple[Any, Any]] = {}
    numbers: dict[str, Quantity] = {}
    plots: dict[str, Plot] = {}
    for name, part in parts.items():
        if any(
            np.iscomplexobj(a)
            for a in (part if isinstance(part, tuple) else (part,))
            if not isinstance(a, Plot)
        ):
            raise StateError(f"{name} is complex; return its real part, its imaginary part or its modulus")
        if isinstance(part, Plot) or (not isinstance(part, tuple) and np.ndim(part) == 2):
            plots[name] = part if isinstance(part, Plot) else Plot(image=part)
        elif isinstance(part, tuple) and len(part) in (2, 3) and np.ndim(part[0]) == 1:
            curves[name] = (np.asarray(part[0], float), np.asarray(part[1], float))
        elif np.ndim(part) == 0 and not isinstance(part, (str, type(None))):
            numbers[name] = Quantity.of(part)
        elif np.ndim(part) == 1 and x is not None and len(part) == len(x):
            curves[name] = (x, np.asarray(part, float))
        else:
            raise StateError(
                f"{name} came as {type(part).__name__} of shape {np.shape(part)}; "
                "a number, an array as long as x, a pair (x, y), an image or a Plot was expected"
            )
    dots = frozenset(name for name, part in parts.items() if isinstance(part, tuple) and part[2:] == ("o",))
    return Outcome(curves, numbers, dots, plots)
