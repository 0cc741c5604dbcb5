"""Sweeps: the parts of a record in which only the temperature or only the field moves, and why they end."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from nbtools.files.dat_text import QuantumDesignError
from nbtools.files.sweep_cuts import Tolerance, blocks
from nbtools.files.sweep_labels import Sweep, field_sweeps, kelvin, name_branches, oersted, temperature_sweeps
from nbtools.files.sweep_records import MEASURED, field_of, records
from nbtools.units import convert

__all__ = ["Sweep", "find_sweeps", "missing_sentence", "split_sweeps"]


def split_sweeps(
    dataset: xr.Dataset,
    *,
    minimum_points: int = 3,
    temperature_tolerance: float = 0.02,
    temperature_fraction: float = 0.001,
    field_tolerance: float = convert(2.0, "Oe", "A/m"),
    field_fraction: float = 0.002,
) -> list[Sweep]:
    """Cut a record into sweeps, in the order of measurement.

    Parameters
    ----------
    dataset : from `read_dat`
    minimum_points : shorter parts are left out
    temperature_tolerance, temperature_fraction : two temperatures are one within tolerance (K) + fraction·T
    field_tolerance, field_fraction : two fields are one within tolerance (A/m) + fraction·H

    Ac data are cut for each frequency and amplitude on its own, dc rows beside them on their own. A branch is
    called `zfc` only if it was measured on warming and another one follows at the same field; no file records
    how the sample was cooled. `virgin` says that the field starts near zero after a new temperature.

    Raises
    ------
    QuantumDesignError
        A system log, which is no measurement of a sample.
    """
    _refuse_log(dataset)
    tolerance = Tolerance(temperature_tolerance, temperature_fraction, field_tolerance, field_fraction)
    found: list[Sweep] = []
    for rows, frequency, amplitude in records(dataset, tolerance):
        sweeps = _sweeps_of_rows(dataset, rows, tolerance, minimum_points)
        found += [replace(sweep, frequency=frequency, amplitude=amplitude) for sweep in sweeps]
    return found


def find_sweeps(
    datasets: xr.Dataset | Sequence[xr.Dataset],
    *,
    axis: str,
    needs: str,
    label: str | None = None,
    held: float | None = None,
) -> list[Sweep]:
    """The sweeps along `axis` that hold the variable `needs`, reduced to the points that have it.

    Parameters
    ----------
    datasets : one or several, from `read_dat`
    axis : "temperature" or "field"
    needs : a variable; "resistance" stands for whichever bridge carries data, one sweep for each
    label : only sweeps of this label; plateaus come only when asked for
    held : only sweeps whose held value (K or A/m) is this within 2 %, 0.1 K or 2 Oe

    Returns [] where there is none; `missing_sentence` says why.
    """
    found = []
    for dataset in _as_list(datasets):
        for sweep in split_sweeps(dataset):
            if sweep.axis == axis and _label_fits(sweep, label) and _held_fits(sweep, held):
                found += list(_with_variable(sweep, needs))
    return found


def missing_sentence(
    datasets: xr.Dataset | Sequence[xr.Dataset],
    *,
    axis: str,
    needs: str,
    label: str | None = None,
    held: float | None = None,
) -> str:
    """One sentence for the notebook: which sweep was looked for, and what the files contain instead."""
    wanted = f"{label + ' ' if label else ''}sweep of the {axis} with {needs.replace('_', ' ')}"
    if held is not None:
        wanted += f" at {kelvin(held) if axis == 'field' else oersted(held)}"
    files = []
    for dataset in _as_list(datasets):
        measured = [name for name in MEASURED if name in dataset and np.isfinite(dataset[name]).any()]
        kinds: dict[str, int] = {}
        if dataset.attrs.get("instrument") != "PPMS log":
            for sweep in split_sweeps(dataset):
                key = f"{sweep.label} ({sweep.axis})"
                kinds[key] = kinds.get(key, 0) + 1
        sweeps = ", ".join(f"{count} × {key}" for key, count in kinds.items()) or "no sweep"
        what = ", ".join(measured).replace("_", " ") or "no measured quantity"
        files.append(
            f"{dataset.attrs.get('source', 'the data')} ({dataset.attrs.get('instrument')}) has {what}: {sweeps}"
        )
    return f"No {wanted} was found; {'; '.join(files) or 'no file was given'}."


def _refuse_log(dataset: xr.Dataset) -> None:
    if dataset.attrs.get("instrument") == "PPMS log":
        raise QuantumDesignError(
            f"{dataset.attrs.get('source', 'the file')} is a log of the cryostat, not a measurement of a sample; "
            "expected an MPMS or PPMS measurement. Give the .dat file that the measurement itself wrote."
        )


def _sweeps_of_rows(dataset: xr.Dataset, rows: np.ndarray, tolerance: Tolerance, minimum: int) -> list[Sweep]:
    """Sweeps of one record."""
    all_t, all_h = dataset["temperature"].values, field_of(dataset)
    temperature, field = all_t[rows], all_h[rows]
    found: list[Sweep] = []
    for kind, start, stop in blocks(temperature, field, tolerance, minimum):
        part = dataset.isel(point=rows[start:stop])
        t, h = temperature[start:stop], field[start:stop]
        before = _state_before(all_t[: rows[start] + 1], all_h[: rows[start] + 1], tolerance)
        if kind == "temperature":
            found += list(temperature_sweeps(part, t, h, before, tolerance, minimum))
        elif kind == "field":
            found += list(field_sweeps(part, t, h, before, tolerance, minimum))
        elif stop - start >= minimum:
            reason = f"neither temperature ({kelvin(t.mean())}) nor field ({oersted(h.mean())}) moves"
            found.append(Sweep(part, "temperature", "settled", "plateau", float(h.mean()), reason))
    return name_branches(found)


def _state_before(
    temperature: np.ndarray, field: np.ndarray, tolerance: Tolerance
) -> tuple[float, float] | None:
    """Temperature and field last measured, in any row, before those of the last point given here."""
    t, h = float(temperature[-1]), float(field[-1])
    other = np.abs(temperature - t) > tolerance.of_temperature(t)
    other |= np.abs(field - h) > tolerance.of_field(h)
    earlier = np.flatnonzero(other)
    return (float(temperature[earlier[-1]]), float(field[earlier[-1]])) if earlier.size else None


def _as_list(datasets: xr.Dataset | Sequence[xr.Dataset]) -> list[xr.Dataset]:
    return [datasets] if isinstance(datasets, xr.Dataset) else list(datasets)


def _label_fits(sweep: Sweep, label: str | None) -> bool:
    return sweep.label == label if label else sweep.label != "plateau"


def _held_fits(sweep: Sweep, held: float | None) -> bool:
    if held is None:
        return True
    floor = 0.1 if sweep.axis == "field" else convert(2.0, "Oe", "A/m")
    return abs(sweep.held - held) <= max(floor, 0.02 * abs(held))


def _with_variable(sweep: Sweep, needs: str) -> Iterator[Sweep]:
    names = [f"resistance_{n}" for n in "1234"] if needs == "resistance" else [needs]
    for name in names:
        if name in sweep.data:
            points = np.flatnonzero(np.isfinite(sweep.data[name].values))
            if points.size >= 3:
                yield replace(sweep, data=sweep.data.isel(point=points), variable=name)
