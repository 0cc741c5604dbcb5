"""Answers chosen by rule where rounding would choose: ties, orders, and whole numbers that came as floats.

The last bits of a sum, a transform or a matrix product differ between processors. Where symmetry or the data make
answers equal, an `argmin` takes whichever those bits favour, and a `floor` of a float that is whole but for rounding
gives either neighbour. Here all within a part in 10⁹ are equal, and the order in which they came decides.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

TIE = 1e-9


def first_best(
    scores: ArrayLike, *, highest: bool = False, scale: float = 0.0, axis: int | None = None
) -> Any:
    """Index of the first score that is equal to the lowest within a part in 10⁹.

    Parameters
    ----------
    scores
        Any shape, at least one; a NaN is never the best. List what is to be preferred first.
    highest
        Whether the highest score is the best.
    scale
        Size of what the scores were computed from, where they may be near zero themselves: 1 for a χ² or another
        logarithm of a likelihood. The tolerance is 1e-9 of the best score or of this, whichever is larger.
    axis
        The axis to search along; by default the flattened array.

    Returns
    -------
    int or NDArray of int
        As `numpy.argmin` gives it.

    Raises
    ------
    ValueError
        No scores.

    Examples
    --------
    >>> first_best([2.0, 1.0 + 1e-15, 1.0])
    1
    """
    values = _lowest_first(scores, highest)
    if not values.size:
        raise ValueError("no scores came; at least one is needed to choose the best")
    best = values.min(axis=axis, keepdims=True)
    room = np.where(np.isfinite(best), TIE * np.maximum(np.abs(best), scale), 0.0)
    place = (values <= best + room).argmax(axis=axis)
    return int(place) if axis is None else place


def ranked(scores: ArrayLike, *, highest: bool = False, scale: float = 0.0) -> NDArray[np.intp]:
    """Order of the scores, the best first; those equal within a part in 10⁹ stay in the order in which they came.

    Parameters
    ----------
    scores
        Shape (n,); NaN comes last.
    highest, scale
        As for `first_best`; a group of equals is measured from its best.

    Returns
    -------
    NDArray of int
        Indices, shape (n,), as `numpy.argsort` gives them.

    Examples
    --------
    >>> ranked([3.0, 1.0 + 1e-15, 1.0]).tolist()
    [1, 2, 0]
    """
    values = _lowest_first(scores, highest)
    order = np.argsort(values, kind="stable")
    group, number, end = np.zeros(len(order), int), 0, -np.inf
    for place, value in enumerate(values[order]):
        if value > end:
            number += 1
            end = value + TIE * max(abs(value), scale) if np.isfinite(value) else value
        group[place] = number
    return order[np.lexsort((order, group))]


def largest_first(parts: Mapping[str, float]) -> dict[str, float]:
    """The parts of a budget by falling size; those equal within a part in 10⁹ of the whole as they came."""
    names = list(parts)
    values = list(parts.values())
    whole = float(np.nansum(np.abs(values)))
    return {names[place]: values[place] for place in ranked(values, highest=True, scale=whole)}


def floor_whole(values: ArrayLike) -> Any:
    """As `numpy.floor`, with a value that is whole but for rounding taken as whole; integers.

    Examples
    --------
    >>> floor_whole(0.3 / 0.1)
    3
    """
    return _as_int(np.floor(np.asarray(values, float) + _room(values)))


def ceil_whole(values: ArrayLike) -> Any:
    """As `numpy.ceil`, with a value that is whole but for rounding taken as whole; integers.

    Examples
    --------
    >>> ceil_whole(0.1 * 3 / 0.1)
    3
    """
    return _as_int(np.ceil(np.asarray(values, float) - _room(values)))


def nearest_whole(values: ArrayLike) -> Any:
    """The nearest integers; a half, be it but for rounding, goes up.

    Examples
    --------
    >>> nearest_whole([0.5 - 1e-15, 0.5, 1.5]).tolist()
    [1, 1, 2]
    """
    return floor_whole(np.asarray(values, float) + 0.5)


def _lowest_first(scores: ArrayLike, highest: bool) -> NDArray[np.float64]:
    values = np.asarray(scores, float)
    values = -values if highest else values
    return np.where(np.isnan(values), np.inf, values)


def _room(values: ArrayLike) -> NDArray[np.float64]:
    return TIE * np.maximum(np.abs(np.asarray(values, float)), 1.0)


def _as_int(values: Any) -> Any:
    whole = np.asarray(values).astype(np.intp)
    return whole if whole.ndim else int(whole)
