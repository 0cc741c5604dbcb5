"""Records that a file interleaves row by row: drive frequencies, drive amplitudes, fields visited in turn."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from nbtools.files.sweep_cuts import Tolerance, held_runs

MEASURED = ("moment", "ac_in_phase", *(f"resistance_{n}" for n in "1234"))
# One drive frequency or amplitude: values as near as this.
SAME_DRIVE = 0.05
LONGEST_CYCLE = 6


def records(
    dataset: xr.Dataset, tolerance: Tolerance
) -> Iterator[tuple[np.ndarray, float | None, float | None]]:
    """Rows of each record with its frequency (Hz) and amplitude (A/m): first all that is not ac, then each drive.

    Where a record visits the same few fields at every temperature, each of these fields is a record.
    """
    size = dataset.sizes["point"]
    ac = np.isfinite(dataset["ac_in_phase"].values) if "ac_in_phase" in dataset else np.zeros(size, bool)
    measured = np.zeros(size, bool)
    for name in MEASURED:
        if name in dataset and name != "ac_in_phase":
            measured |= np.isfinite(dataset[name].values)
    field = field_of(dataset)
    for rows in _fields_in_turn(np.flatnonzero(measured), field, tolerance):
        yield rows, None, None
    frequencies = _levels(dataset, "frequency", ac)
    amplitudes = _levels(dataset, "ac_amplitude", ac)
    for frequency in np.unique(frequencies[ac]):
        for amplitude in np.unique(amplitudes[ac & (frequencies == frequency)]):
            drive = np.flatnonzero(ac & (frequencies == frequency) & (amplitudes == amplitude))
            for rows in _fields_in_turn(drive, field, tolerance):
                yield rows, _known(frequency), _known(amplitude)


def field_of(dataset: xr.Dataset) -> np.ndarray:
    """The field (A/m) of every point; a point without one stands at the last known, a file without at zero."""
    values = dataset["field"].values if "field" in dataset else np.zeros(dataset.sizes["point"])
    known = np.flatnonzero(np.isfinite(values))
    if known.size == 0:
        return np.zeros(values.size)
    last = np.searchsorted(known, np.arange(values.size), side="right") - 1
    return np.asarray(values[known[np.maximum(last, 0)]])


def _fields_in_turn(rows: np.ndarray, field: np.ndarray, tolerance: Tolerance) -> list[np.ndarray]:
    """The rows of each field of a cycle (+H, -H at every temperature, say), or all rows where there is none."""
    if rows.size == 0:
        return []
    h = field[rows]
    runs = held_runs(np.array([np.zeros(h.size), h]).T, tolerance)
    means = np.array([h[start:stop].mean() for start, stop in runs])
    order = np.argsort(means, kind="stable")
    steps = np.diff(means[order]) > tolerance.of_field(0.0) + tolerance.field_fraction * np.abs(
        means[order][1:]
    )
    level = np.empty(means.size, int)
    level[order] = np.concatenate([[0], np.cumsum(steps)])
    for cycle in range(2, LONGEST_CYCLE + 1):
        repeats = level.size >= 4 * cycle and np.mean(level[cycle:] == level[:-cycle]) > 0.95
        if repeats and np.unique(level[:cycle]).size == cycle:
            of_row = np.repeat(level, [stop - start for start, stop in runs])
            return [rows[of_row == one] for one in np.unique(level)]
    return [rows]


def _levels(dataset: xr.Dataset, name: str, rows: np.ndarray) -> np.ndarray:
    """Each value replaced by the mean of the cluster it belongs to; -1 where there is none."""
    values = dataset[name].values if name in dataset else np.full(rows.size, np.nan)
    levels = np.full(rows.size, -1.0)
    known = np.flatnonzero(rows & np.isfinite(values))
    if known.size:
        order = known[np.argsort(values[known], kind="stable")]
        gaps = np.flatnonzero(np.diff(values[order]) > SAME_DRIVE * np.abs(values[order][1:])) + 1
        for part in np.split(order, gaps):
            levels[part] = values[part].mean()
    return levels


def _known(level: float) -> float | None:
    return None if level == -1.0 else float(level)
