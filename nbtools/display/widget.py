"""What makes a function of a result into a widget that a notebook can show without a guard."""

import functools
from collections.abc import Callable
from typing import Any

from nbtools.study import Missing, NotPossible


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
