"""Which numbers a model may be given: the sentence that refuses the others."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike


def require_positive(**quantities: ArrayLike) -> None:
    """Refuse what is not above zero, NaN included.

    Raises
    ------
    ValueError
        Naming the quantity and the first wrong value.
    """
    for name, value in quantities.items():
        _refuse(
            name, value, np.asarray(value, float) > 0, "must be positive; check its sign and its unit (SI)"
        )


def require_not_negative(**quantities: ArrayLike) -> None:
    """Refuse what is below zero; a NaN among data may pass, and stays one."""
    for name, value in quantities.items():
        allowed = ~(np.asarray(value, float) < 0)
        _refuse(name, value, allowed, "cannot be negative; check its sign and its unit (SI)")


def require_within(low: float, high: float, **quantities: ArrayLike) -> None:
    """Refuse what is not from `low` to `high`, NaN included."""
    for name, value in quantities.items():
        number = np.asarray(value, float)
        _refuse(name, value, (number >= low) & (number <= high), f"must be from {low:g} to {high:g}")


def require_one_of(choices: Iterable[str], **given: str) -> None:
    """Refuse a name that is not among the choices."""
    known = tuple(choices)
    for name, value in given.items():
        if value not in known:
            raise ValueError(f"{name} is {value!r}; it can be {', '.join(map(repr, known))}")


def _refuse(name: str, value: ArrayLike, allowed: np.ndarray, expected: str) -> None:
    if not np.all(allowed):
        wrong = np.atleast_1d(np.asarray(value, float))[np.atleast_1d(~allowed)][0]
        raise ValueError(f"{name} is {wrong:g}; it {expected}")
