"""The one check of input arrays: real numbers, of the expected shape, with what is masked or not finite counted."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def real_array(
    values: Any, name: str, *, expected: str = "real numbers", error: type[ValueError] = ValueError
) -> Array:
    """Numbers as float64, in their shape; a masked entry is NaN.

    Parameters
    ----------
    values : array, masked array, labelled array or nested lists
    name : what it is called in a message
    expected : what a message asks for
    error : class of the exception

    Raises
    ------
    ValueError
        (or `error`) Complex numbers, text, dates, records, anything that is no array of numbers.
    """
    if hasattr(values, "dims") and hasattr(values, "values"):  # xarray: missing entries are NaN already
        values = values.values
    mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    array = np.ma.getdata(values) if mask is not None else _as_array(values, name, expected, error)
    if array.dtype.kind == "c":
        raise error(
            f"{name} holds complex numbers; {expected} were expected: take the real part or the modulus"
        )
    if array.dtype.kind == "O":
        array = _as_floats(array, name, expected, error)
    if array.dtype.kind not in "fiub":
        came = f"is of type {array.dtype}" if hasattr(values, "dtype") else _mixed(values)
        raise error(f"{name} {came}; {expected} were expected")
    numbers = np.array(array, dtype=np.float64)
    if mask is not None:
        numbers[mask] = np.nan
    return numbers


def refuse_masked(values: Any, name: str, *, error: type[ValueError] = ValueError) -> None:
    """For masks and labels, which have no NaN: a masked entry cannot be left out silently.

    Raises
    ------
    ValueError
        (or `error`) A masked array with a masked entry.
    """
    count = int(np.sum(np.ma.getmaskarray(values))) if isinstance(values, np.ma.MaskedArray) else 0
    if count:
        raise error(
            f"{count} entries of {name} are masked, and it has no place for a missing one; "
            "crop to what is known, or fill the masked entries with what they are"
        )


@dataclass(frozen=True)
class Points:
    """Columns of equal length with only the usable points, in the order given.

    Attributes
    ----------
    columns : one array for each column that came
    kept : indices of the usable points in what came
    masked, not_finite : how many points were left out, by reason
    """

    columns: tuple[Array, ...]
    kept: NDArray[np.intp]
    masked: int
    not_finite: int

    @property
    def left_out(self) -> str:
        """``3 masked and 2 not finite points were left out``, or an empty string."""
        parts = [f"{n} {why}" for n, why in ((self.masked, "masked"), (self.not_finite, "not finite")) if n]
        count = self.masked + self.not_finite
        return f"{' and '.join(parts)} point{'s were' if count > 1 else ' was'} left out" if parts else ""

    def sorted_by(self, column: int = 0) -> "Points":
        """In rising order of one column; equal values keep their order."""
        order = np.argsort(self.columns[column], kind="stable")
        return Points(tuple(c[order] for c in self.columns), self.kept[order], self.masked, self.not_finite)


def check_points(**columns: ArrayLike | None) -> Points:
    """The points of which every column is a finite, unmasked number.

    Parameters
    ----------
    columns : by name, shape (n,) each; a single number stands for every point, and None for no column

    Raises
    ------
    ValueError
        No real numbers, or columns of different length.
    """
    given = {name: column for name, column in columns.items() if column is not None}
    arrays = {name: real_array(column, name) for name, column in given.items()}
    single = {name: array.ndim == 0 for name, array in arrays.items()}
    sizes = {name: array.size for name, array in arrays.items() if not single[name]}
    if len(set(sizes.values())) != 1:
        came = ", ".join(f"{size} of {name}" for name, size in sizes.items()) or "single numbers"
        raise ValueError(f"{came} came; one of each for every point was expected")
    size = next(iter(sizes.values()))
    flat = [np.full(size, float(array)) if single[name] else array.ravel() for name, array in arrays.items()]
    masked = np.zeros(size, bool)
    for column in given.values():
        if isinstance(column, np.ma.MaskedArray) and column.ndim:
            masked |= np.ma.getmaskarray(column).ravel()
    finite = np.all([np.isfinite(column) for column in flat], axis=0)
    kept = np.flatnonzero(finite & ~masked)
    return Points(
        tuple(column[kept] for column in flat), kept, int(masked.sum()), int(np.sum(~finite & ~masked))
    )


def _as_array(values: Any, name: str, expected: str, error: type[ValueError]) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except (TypeError, ValueError):
        raise error(
            f"{name} is a {type(values).__name__} of mixed content; {expected} were expected"
        ) from None


def _as_floats(array: NDArray[Any], name: str, expected: str, error: type[ValueError]) -> Array:
    try:
        return np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError):
        raise error(
            f"{name} holds {type(array.flat[0]).__name__} objects; {expected} were expected"
        ) from None


def _mixed(values: Any) -> str:
    return f"holds {type(values).__name__} of mixed content"
