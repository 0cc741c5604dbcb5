"""What makes a function of a result into a widget that a notebook can show without a guard."""

import functools
import sys
from collections.abc import Callable, Mapping
from typing import Any

from nbtools.study import Missing, NotPossible, StudyResult


def widget(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make ``explore(result, **options)`` give `Missing` where the result is, and tag it with the data's origin.

    The function's first argument is a result with a stamp. `NotPossible` becomes a `Missing`, too.
    """

    @functools.wraps(function)
    def show(result: Any, *others: Any, **options: Any) -> Any:
        lacking = next((r for r in (result, *others) if isinstance(r, Missing)), None)
        if lacking is not None:
            return Missing(object, lacking.reason)
        try:
            made = function(result, *others, **options)
        except NotPossible as reason:
            return Missing(object, str(reason))
        return made.of(result.stamp.origin, result.stamp.source) if result.stamp else made

    return show


def use_value(result: StudyResult, option: str, parameter: str) -> Callable[[Mapping[str, Any]], str] | None:
    """What the button *use this value* of an explorer does: keep the study's numbers by the option as it stands.

    Parameters
    ----------
    result : of the study; where it is not kept, there is nothing to do and None comes back
    option : of the study, and the explorer's argument of that name
    parameter : the notebook's name for it, which is set, too

    Returns
    -------
    A function of the explorer's arguments. It runs the study again, puts its numbers into the sample's ledger in place
    of those before, and gives a sentence with the first of them and the line that repeats it.
    """
    repeat = result.stamp.repeat if result.stamp else None
    if repeat is None:
        return None

    def use(arguments: Mapping[str, Any]) -> str:
        value = round(float(arguments[option]), 3)
        again = repeat(**{option: value})
        if isinstance(again, Missing):
            return f"Not kept: {again.reason}"
        _notebook_names()[parameter] = value
        row = next(row for row in again.rows() if row.name)
        return f"Kept: {row.label} = {row.text} ({row.how}). The line that repeats it: {parameter} = {value}"

    return use


def _notebook_names() -> dict[str, Any]:
    """The names of the running notebook; without one, of nobody."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return {} if shell is None else shell.user_ns
