"""Sweeps: the parts of a record in which one thing moves (temperature, field or current), and why they end."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import xarray as xr

from nbtools.results import NotPossible
from nbtools.units import convert

CHANNELS = "1234"
# What techniques take, and what else a point may have been measured for.
MEASURED = ("moment", "ac_in_phase", *(f"resistance_{n}" for n in CHANNELS))
UNUSED = (
    "moment_per_mass",
    "magnetisation",
    "thermal_conductivity",
    "seebeck_coefficient",
    *(f"{name}_{n}" for n in CHANNELS for name in ("resistivity", "iv_voltage")),
)
# Up to this field a sweep of the temperature may stand for one at zero field: where T_c falls by 1 to 2 K
# per tesla, as in most superconductors near T_c, 100 Oe move it by 10 to 20 mK.
NEAR_ZERO_FIELD = convert(100.0, "Oe", "A/m")

Axis = Literal["temperature", "field", "current"]
Direction = Literal["up", "down", "settled"]


class SweepError(ValueError):
    """A record that measures no sample and so has no sweeps; says what it is and which file to give."""


@dataclass(frozen=True)
class Sweep:
    """Points of one run along one axis.

    Parameters
    ----------
    data : the points, as `read_dat` gives them
    axis : what moves
    direction : which way
    label : what it is: `virgin`, `up`, `down`, `zfc`, `fc`, `warming`, `cooling`, `plateau`
    held : mean of what is held: the field (A/m) while the temperature moves, else the temperature (K)
    frequency, amplitude : of an ac curve (Hz, A/m)
    variable : the one that was asked for
    channel : which bridge of several in the file, with the name that the header gives it
    moving : the variable along the axis, where it is not called like it (`excitation_2`)
    loop : whether it is a branch of a field loop, whose other branch was measured at the same temperature
    note : what the reader of a plot must know: the field taken for zero, pairs of opposite current averaged
    """

    data: xr.Dataset
    axis: Axis
    direction: Direction
    label: str
    held: float
    frequency: float | None = None
    amplitude: float | None = None
    variable: str = ""
    channel: str = ""
    moving: str = ""
    loop: bool = False
    note: str = ""

    @property
    def along(self) -> np.ndarray:
        """Temperature (K), field (A/m) or current (A) of every point."""
        return np.asarray(self.data[self.moving or self.axis].values)

    @property
    def signal(self) -> np.ndarray:
        """The variable that was asked for, in SI."""
        return np.asarray(self.data[self.variable].values)

    @property
    def size(self) -> int:
        """How many points it has."""
        return int(self.data.sizes["point"])

    @property
    def title(self) -> str:
        """``bridge 2: warming at 5 Oe (lowest field held)``: all that tells it from the others of its file."""
        held = oersted(self.held) if self.axis == "temperature" else kelvin(self.held)
        what = f"current {self.label}" if self.axis == "current" else self.label
        drive = f", {self.frequency:.4g} Hz" if self.frequency is not None else ""
        drive += f", {oersted(self.amplitude)} drive" if self.amplitude is not None else ""
        return (
            (f"{self.channel}: " if self.channel else "")
            + f"{what} at {held}{drive}"
            + (f" ({self.note})" if self.note else "")
        )

    def __str__(self) -> str:
        return f"{self.title}: {self.size} points"


FEWEST_POINTS = 3  # of a sweep
SAME_FIELD = convert(2.0, "Oe", "A/m")


def same_temperature(value: float) -> float:
    """By how much (K) two readings of one temperature may differ."""
    return 0.02 + 0.001 * abs(value)


def same_field(value: Any, least: float = SAME_FIELD) -> Any:
    """By how much (A/m) two readings of one field may differ; `least` in a noisy record."""
    return least + 0.002 * abs(value)


def split_sweeps(dataset: xr.Dataset) -> list[Sweep]:
    """Cut a record of `read_dat` into sweeps of three points or more, in the order of measurement.

    Ac data are cut for each frequency and amplitude on its own, dc rows beside them on their own. A branch is
    called `zfc` only if it was measured on warming and another one follows at the same field; no file records
    how the sample was cooled. `virgin` says that the field starts near zero after a new temperature. Where a
    current runs through five values or more while temperature and field stand still, it is a sweep of the current.

    Raises
    ------
    SweepError
        A system log, which is no measurement of a sample.
    """
    _refuse_log(dataset)
    found: list[Sweep] = []
    for rows, frequency, amplitude in records(dataset):
        for part, moving in _current_parts(dataset, rows):
            if moving:
                found += _current_sweeps(dataset, part, moving)
            else:
                sweeps = _sweeps_of_rows(dataset, part)
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
    axis : "temperature", "field" or "current"
    needs : a variable; "resistance" stands for every bridge that carries data, one sweep for each. A resistance
        measured with currents of both signs in turn comes as the mean of each pair
    label : only sweeps of this label; plateaus come only when asked for
    held : only sweeps whose held value (K or A/m) is this within 2 %, 0.1 K or 2 Oe. Where no sweep of the
        temperature stands at zero field, those at the lowest field take its place up to `NEAR_ZERO_FIELD`, and
        their `note` says so

    Raises
    ------
    NotPossible
        There is none; the sentence says what was looked for and what the files hold instead.
    """
    split = {id(data): [] if _is_log(data) else split_sweeps(data) for data in _as_list(datasets)}
    alike = {
        key: [s for s in sweeps if s.axis == axis and _label_fits(s, label)] for key, sweeps in split.items()
    }
    candidates = [
        found
        for dataset in _as_list(datasets)
        for sweep in alike[id(dataset)]
        for found in _with_variable(sweep, needs, dataset)
    ]
    found = [sweep for sweep in candidates if _held_fits(sweep, held)]
    no_field = held == 0 and axis == "temperature"
    if not found and no_field:
        found = _at_lowest_field(candidates)
    if found:
        return found
    wanted = f"{label + ' ' if label else ''}sweep of the {axis} with {needs.replace('_', ' ')}"
    if held is not None:
        wanted += f" at {oersted(held) if axis == 'temperature' else kelvin(held)}"
    files = []
    for dataset in _as_list(datasets):
        fields = [
            abs(sweep.held)
            for sweep in alike[id(dataset)]
            if no_field and next(_with_variable(sweep, needs, dataset), None)
        ]
        files.append(_what_it_has(dataset, split[id(dataset)], fields))
    raise NotPossible(f"No {wanted} was found; {'; '.join(files) or 'no file was given'}.")


def _what_it_has(dataset: xr.Dataset, sweeps: Sequence[Sweep], fields: Sequence[float]) -> str:
    """What a file holds in place of what was looked for; `fields` are those that were too high for no field."""
    what = ", ".join(measured_in(dataset)).replace("_", " ") or "no measured quantity"
    if _is_log(dataset):
        what = "only the state of the cryostat"
    kinds = Counter(f"{sweep.label} ({sweep.axis})" for sweep in sweeps)
    says = ", ".join(f"{count} × {kind}" for kind, count in kinds.items()) or "no sweep"
    if fields:
        says += (
            f", none below {oersted(min(fields))} (up to {oersted(NEAR_ZERO_FIELD)} would stand for no field)"
        )
    return f"{dataset.attrs.get('source', 'the data')} ({dataset.attrs.get('instrument')}) has {what}: {says}"


def distinct_names(sweeps: Sequence[Sweep]) -> list[str]:
    """A name for each sweep: its label, with what is held, the file and a number where several are called alike."""
    parts = [
        (
            sweep.label,
            oersted(sweep.held) if sweep.axis == "temperature" else kelvin(sweep.held),
            str(sweep.data.attrs.get("source", "")),
        )
        for sweep in sweeps
    ]
    names = []
    for number, (label, held, file) in enumerate(parts):
        alike = [other for other in parts if other[0] == label]
        more = [held] if len({other[1] for other in alike}) > 1 else []
        more += [file] if len({other[2] for other in alike if other[1] == held}) > 1 else []
        before, same = parts[:number].count(parts[number]), parts.count(parts[number])
        more += [f"no. {before + 1}"] if same > 1 else []
        names.append(" ".join([label, *([f"({', '.join(more)})"] if more else [])]))
    return names


def sweeps_of_everything(dataset: xr.Dataset, sweeps: Sequence[Sweep] | None = None) -> list[Sweep]:
    """Every sweep, plateaus too, once for each quantity that was measured along it and for each bridge.

    Parameters
    ----------
    dataset : from `read_dat`
    sweeps : those of `split_sweeps`, where they are known

    Raises
    ------
    SweepError
        A system log, which is no measurement of a sample.
    """
    names = [
        name
        for name in measured_in(dataset)
        if not (name.startswith("resistivity_") and name.replace("ivity", "ance") in dataset)
        and not (name == "moment_per_mass" and "moment" in dataset)
    ]
    return [
        found
        for sweep in (split_sweeps(dataset) if sweeps is None else sweeps)
        for name in names
        for found in _with_variable(sweep, name, dataset)
    ]


def measured_in(dataset: xr.Dataset) -> list[str]:
    """Which of `MEASURED` and `UNUSED` hold a number."""
    return [n for n in (*MEASURED, *UNUSED) if n in dataset and bool(np.isfinite(dataset[n].values).any())]


def channel_names(dataset: xr.Dataset) -> dict[str, str]:
    """``{"resistance_2": "bridge 2 (film)"}`` for each bridge that carries data, with the header's name of it."""
    found = {}
    for n in CHANNELS:
        name = f"resistance_{n}"
        if name in dataset and np.isfinite(dataset[name].values).any():
            what = "channel" if "ch" in str(dataset[name].attrs.get("column", "")).lower() else "bridge"
            own = dataset.attrs.get("sample", {}).get(f"name_{n}")
            found[name] = f"{what} {n}" + (f" ({own})" if own else "")
    return found


def average_opposite_currents(dataset: xr.Dataset, n: str) -> tuple[xr.Dataset, int]:
    """Average neighbouring points of opposite current, R = (V₊ − V₋)/2I, which removes thermal voltages.

    Parameters
    ----------
    dataset : with `resistance_n` and signed `excitation_n`
    n : the number of the bridge

    Returns
    -------
    The pairs (every number their mean) and how many they are. Where the sign of the current does not alternate
    through nearly all of the record, the dataset as it came, and 0.
    """
    if f"resistance_{n}" not in dataset or f"excitation_{n}" not in dataset:
        return dataset, 0
    first = _pairs(dataset, n)
    if 2 * first.size < ALTERNATES * dataset.sizes["point"]:
        return dataset, 0
    return _mean_of_pairs(dataset, first, n), int(first.size)


def kelvin(value: float) -> str:
    return f"{value:.4g} K"


def oersted(value: float) -> str:
    return f"{convert(value, 'A/m', 'Oe'):.4g} Oe"


# What is asked for.


def _is_log(dataset: xr.Dataset) -> bool:
    return bool(dataset.attrs.get("instrument") == "PPMS log")


def _refuse_log(dataset: xr.Dataset) -> None:
    if _is_log(dataset):
        raise SweepError(
            f"{dataset.attrs.get('source', 'the file')} is a log of the cryostat, not a measurement of a sample; "
            "expected an MPMS or PPMS measurement. Give the .dat file that the measurement itself wrote."
        )


def _as_list(datasets: xr.Dataset | Sequence[xr.Dataset]) -> list[xr.Dataset]:
    return [datasets] if isinstance(datasets, xr.Dataset) else list(datasets)


def _label_fits(sweep: Sweep, label: str | None) -> bool:
    return sweep.label == label if label else sweep.label != "plateau"


def _held_fits(sweep: Sweep, held: float | None) -> bool:
    if held is None:
        return True
    floor = convert(2.0, "Oe", "A/m") if sweep.axis == "temperature" else 0.1
    return abs(sweep.held - held) <= max(floor, 0.02 * abs(held))


def _at_lowest_field(sweeps: list[Sweep]) -> list[Sweep]:
    """Those at the lowest field held, if it is low enough, with that said."""
    lowest = min((abs(sweep.held) for sweep in sweeps), default=np.inf)
    if lowest > NEAR_ZERO_FIELD:
        return []
    said = "lowest field held, taken for zero"
    return [
        replace(sweep, note="; ".join(filter(None, (sweep.note, said))))
        for sweep in sweeps
        if _same_field(abs(sweep.held), lowest)
    ]


def _with_variable(sweep: Sweep, needs: str, dataset: xr.Dataset) -> Iterator[Sweep]:
    bridges = channel_names(dataset)
    names = [f"resistance_{n}" for n in CHANNELS] if needs == "resistance" else [needs]
    for name in names:
        if name not in sweep.data:
            continue
        points = np.flatnonzero(np.isfinite(sweep.data[name].values))
        if points.size < 3:
            continue
        data = sweep.data.isel(point=points)
        channel = bridges[name] if name in bridges and len(bridges) > 1 else ""
        found = replace(sweep, data=data, variable=name, channel=channel)
        if name in bridges and sweep.axis != "current":
            data, pairs = average_opposite_currents(data, name[-1])
            if pairs >= 3:
                found = replace(found, data=data, note=f"{pairs} pairs of opposite current averaged")
        yield found


# Records that a file interleaves row by row: drive frequencies, amplitudes, fields visited in turn.

# One drive frequency or amplitude: values as near as this.
SAME_DRIVE = 0.05
LONGEST_CYCLE = 6


def records(dataset: xr.Dataset) -> Iterator[tuple[np.ndarray, float | None, float | None]]:
    """Rows of each record with its frequency (Hz) and amplitude (A/m): first all that is not ac, then each drive.

    Where a record visits the same few fields at every temperature, each of these fields is a record.
    """
    size = dataset.sizes["point"]
    ac = np.isfinite(dataset["ac_in_phase"].values) if "ac_in_phase" in dataset else np.zeros(size, bool)
    measured = np.zeros(size, bool)
    for name in (*MEASURED, *UNUSED):
        if name in dataset and name != "ac_in_phase":
            measured |= np.isfinite(dataset[name].values)
    field = field_of(dataset)
    for rows in _fields_in_turn(np.flatnonzero(measured), field):
        yield rows, None, None
    frequencies = _levels(dataset, "frequency", ac)
    amplitudes = _levels(dataset, "ac_amplitude", ac)
    for frequency in np.unique(frequencies[ac]):
        for amplitude in np.unique(amplitudes[ac & (frequencies == frequency)]):
            drive = np.flatnonzero(ac & (frequencies == frequency) & (amplitudes == amplitude))
            for rows in _fields_in_turn(drive, field):
                yield rows, _known(frequency), _known(amplitude)


def field_of(dataset: xr.Dataset) -> np.ndarray:
    """The field (A/m) of every point; a point without one stands at the last known, a file without at zero."""
    values = dataset["field"].values if "field" in dataset else np.zeros(dataset.sizes["point"])
    known = np.flatnonzero(np.isfinite(values))
    if known.size == 0:
        return np.zeros(values.size)
    last = np.searchsorted(known, np.arange(values.size), side="right") - 1
    return np.asarray(values[known[np.maximum(last, 0)]])


def _fields_in_turn(rows: np.ndarray, field: np.ndarray) -> list[np.ndarray]:
    """The rows of each field of a cycle (+H, -H at every temperature, say), or all rows where there is none."""
    if rows.size == 0:
        return []
    h = field[rows]
    runs = held_runs(np.array([np.zeros(h.size), h]).T)
    means = np.array([h[start:stop].mean() for start, stop in runs])
    order = np.argsort(means, kind="stable")
    steps = np.diff(means[order]) > same_field(means[order][1:])
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


# Sweeps of the current, at one temperature in one field.

CURRENT_LEVELS = 5  # a range-switching bridge shows fewer within one temperature
SAME_CURRENT = 0.01  # of the largest


def _current_parts(dataset: xr.Dataset, rows: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
    """The rows of each sweep of a current with the variable that moves, and all other rows with ""."""
    swept = np.zeros(rows.size, bool)
    for n in CHANNELS:
        name = next((v for v in (f"iv_current_{n}", f"excitation_{n}") if v in dataset), "")
        if not name:
            continue
        current = dataset[name].values[rows]
        if _levels_of(current) < CURRENT_LEVELS:
            continue
        points = np.array([dataset["temperature"].values[rows], field_of(dataset)[rows]]).T
        for start, stop in held_runs(points):
            if _levels_of(current[start:stop]) >= CURRENT_LEVELS and not swept[start:stop].any():
                swept[start:stop] = True
                yield rows[start:stop], name
    if not swept.all():
        yield rows[~swept], ""


def _levels_of(current: np.ndarray) -> int:
    """How many currents there are, not counting readings within 1 % of the largest as several."""
    known = np.sort(current[np.isfinite(current)])
    if known.size == 0:
        return 0
    return 1 + int((np.diff(known) > SAME_CURRENT * np.abs(known).max()).sum())


def _current_sweeps(dataset: xr.Dataset, rows: np.ndarray, moving: str) -> Iterator[Sweep]:
    current = dataset[moving].values[rows]
    known = rows[np.isfinite(current)]
    current = current[np.isfinite(current)]
    held = float(dataset["temperature"].values[known].mean())
    for leg in legs(current, SAME_CURRENT * float(np.abs(current).max())):
        direction: Direction = "up" if leg.rising else "down"
        data = dataset.isel(point=known[leg.start : leg.stop])
        yield Sweep(data, "current", direction, direction, held, moving=moving)


# Where a record turns, jumps, holds or stands still: cuts between index ranges.

Kind = Literal["temperature", "field", "plateau"]
# Confirm a turn only after 1 % of the leg: a magnet overshoots its end value by less.
OVERSHOOT = 0.01
PLATEAU_POINTS = 10
NOISIEST_FIELD = convert(10.0, "Oe", "A/m")
NOISIEST_TEMPERATURE = 1.0  # K


@dataclass(frozen=True)
class Leg:
    """Points `start` to `stop` (excluded) in one direction."""

    start: int
    stop: int
    rising: bool


def legs(values: np.ndarray, tolerance: float, *, both: bool = False) -> list[Leg]:
    """Monotone legs of a noisy record, in order; those under three points are left out.

    A turn is the extreme from which the record has come back by more than `tolerance` and by more than 1 % of
    the leg. The extreme belongs to the leg that reaches it; with `both`, where the record stays there twice as long
    as at the point before, half of it belongs to the leg that begins. A jump between two
    levels is no leg, nor is one of under a tenth of the points of both neighbours (a reset that was recorded on its
    way): what is reached by it opens the next leg.
    """
    vertices = turning_points(values, tolerance)
    if both:
        vertices[1:-1] = [_first_half(values, vertex, tolerance) for vertex in vertices[1:-1]]
    found: list[Leg] = []
    start = 0
    for before, after in pairwise(vertices):
        jump = _jump(values[before : after + 1], 2 * tolerance)
        if jump and found and found[-1].stop == start:
            found[-1] = replace(found[-1], stop=before + jump)
        if jump or after + 1 - start < FEWEST_POINTS:
            start = before + jump if jump else after
        else:
            found.append(Leg(start, after + 1, bool(values[after] > values[before])))
            start = after + 1
    return _without_resets(found)


def _first_half(values: np.ndarray, vertex: int, tolerance: float) -> int:
    """The last point of the leg that ends: the extreme, or half way through a stay of double length."""
    apart = np.flatnonzero(np.abs(values - values[vertex]) > tolerance)
    before, after = apart[apart < vertex], apart[apart > vertex]
    if not before.size or not after.size:
        return vertex
    last = values[before[-1]]
    usual = int(np.argmax(np.abs(values[before[-1] :: -1] - last) > tolerance)) or before[-1] + 1
    stay = int(after[0] - before[-1] - 1)
    return int(before[-1] + usual) if stay == 2 * usual else vertex


def _jump(values: np.ndarray, tolerance: float) -> int:
    """How many of the values stand at the first level, if the record only jumps to another one; else 0."""
    step = int(np.argmax(np.abs(np.diff(values)))) + 1
    still = np.ptp(values[:step]) <= tolerance and np.ptp(values[step:]) <= tolerance
    return step if still and abs(values[-1] - values[0]) > 2 * tolerance else 0


def _without_resets(found: list[Leg]) -> list[Leg]:
    kept = found[:1]
    for i in range(1, len(found)):
        one, leg = kept[-1], found[i]
        after = found[i + 1] if i + 1 < len(found) else None
        short = 10 * (leg.stop - leg.start) < min(
            one.stop - one.start, after.stop - after.start if after else 0
        )
        if after and short:
            found[i + 1] = replace(after, start=leg.stop - 1)
        else:
            kept.append(leg)
    return kept


def turning_points(values: np.ndarray, tolerance: float) -> list[int]:
    """First point, extremes, last point."""
    plain = values.tolist()  # of which an element is had ten times faster
    vertices = [0]
    low = high = extreme = 0
    rising: bool | None = None
    for i, value in enumerate(plain):
        if rising is None:
            low = i if value <= plain[low] else low
            high = i if value >= plain[high] else high
            if plain[high] - plain[low] > tolerance:
                rising = high > low
                extreme = max(low, high)
        elif (value >= plain[extreme]) == rising or value == plain[extreme]:
            extreme = i
        elif abs(value - plain[extreme]) > max(
            tolerance, OVERSHOOT * abs(plain[extreme] - plain[vertices[-1]])
        ):
            vertices.append(extreme)
            rising, extreme = not rising, i
    return vertices if vertices[-1] == len(values) - 1 else [*vertices, len(values) - 1]


def jitter(values: np.ndarray) -> float:
    """Standard deviation of the noise of a record that otherwise moves evenly, from its second differences."""
    if values.size < 10:
        return 0.0
    return float(1.4826 * np.median(np.abs(np.diff(values, 2))) / np.sqrt(6))


def blocks(temperature: np.ndarray, field: np.ndarray) -> list[tuple[Kind, int, int]]:
    """Ranges in which the temperature moves in a held field, the field moves at a held temperature, or neither."""
    found: list[tuple[Kind, int, int]] = []
    start = 0
    for begin, end in [*plateaus(temperature, field), (len(field), len(field))]:
        found += _moving_blocks(temperature, field, start, begin)
        if end > begin:
            found.append(("plateau", begin, end))
        start = end
    return found


def plateaus(temperature: np.ndarray, field: np.ndarray) -> list[tuple[int, int]]:
    """Stays at one temperature and field, far longer than the stay at a usual point and without drift."""
    runs = held_runs(np.array([temperature, field]).T)
    usual = np.median([stop - start for start, stop in runs]) if runs else 0

    def drifts(start: int, stop: int) -> bool:
        middle = (start + stop) // 2
        steps = [abs(x[start:middle].mean() - x[middle:stop].mean()) for x in (temperature, field)]
        t, h = same_temperature(temperature[start]), same_field(field[start])
        return bool(steps[0] > t / 4 or steps[1] > h / 4)

    return [
        (start, stop)
        for start, stop in runs
        if stop - start >= max(PLATEAU_POINTS, 5 * usual) and not drifts(start, stop)
    ]


def held_runs(points: np.ndarray, least: float = SAME_FIELD) -> list[tuple[int, int]]:
    """Greedy runs of rows (temperature, field) that stay near their mean so far; `least` as `same_field` has it."""
    runs, start, mean_t, mean_h = [], 0, 0.0, 0.0
    for place, (t, h) in enumerate(points.tolist()):
        away = abs(t - mean_t) > same_temperature(mean_t) or abs(h - mean_h) > same_field(mean_h, least)
        if place > start and away:
            runs.append((start, place))
            start = place
        size = place - start + 1
        mean_t = mean_t + (t - mean_t) / size if size > 1 else t
        mean_h = mean_h + (h - mean_h) / size if size > 1 else h
    return [*runs, (start, len(points))] if len(points) else []


def isotherms(temperature: np.ndarray, field: np.ndarray) -> list[tuple[int, int]]:
    """Ranges of one temperature in a record of field sweeps.

    A new one begins where the temperature steps away from its last five points for good (three points running):
    by more than its tolerance at a turn or jump of the field, by ten times as much anywhere. A drift is no step,
    because a magnet that ramps warms the sample a little.
    """
    vertices = np.array(turning_points(field, same_field(0.0)))
    noise = 4 * jitter(temperature)
    cuts = [0]
    for i in range(1, len(temperature)):
        recent = float(temperature[max(cuts[-1], i - 5) : i].mean())
        shift = temperature[i : i + 3] - recent
        fine = max(same_temperature(recent), noise)
        near = np.abs(vertices - i).min() <= 2
        moved = np.all(shift > fine) or np.all(shift < -fine)
        if moved and (near or np.abs(shift).min() > 10 * fine):
            cuts.append(i)
    return list(zip(cuts, [*cuts[1:], len(temperature)], strict=True))


def _moving_blocks(
    temperature: np.ndarray, field: np.ndarray, start: int, stop: int
) -> list[tuple[Kind, int, int]]:
    if stop <= start:
        return []
    # Runs of held field: a temperature of 0 for all makes the field alone decide.
    points = np.array([np.zeros(stop - start), field[start:stop]]).T
    noise = min(5 * jitter(field[start:stop]), NOISIEST_FIELD)
    warm = min(8 * jitter(temperature[start:stop]), NOISIEST_TEMPERATURE)
    found: list[tuple[Kind, int, int]] = []
    rest = start
    for begin, end in held_runs(points, max(SAME_FIELD, noise)):
        begin, end = begin + start, end + start
        t = temperature[begin:end]
        moves = np.ptp(t) > max(1.5 * same_temperature(float(np.median(t))), warm)
        if end - begin >= FEWEST_POINTS and moves:
            found += _field_blocks(temperature, field, rest, begin)
            found.append(("temperature", begin, end))
            rest = end
    return found + _field_blocks(temperature, field, rest, stop)


def _field_blocks(
    temperature: np.ndarray, field: np.ndarray, start: int, stop: int
) -> list[tuple[Kind, int, int]]:
    if stop <= start:
        return []
    found: list[tuple[Kind, int, int]] = []
    for begin, end in isotherms(temperature[start:stop], field[start:stop]):
        h = field[start + begin : start + end]
        still = np.ptp(h) <= same_field(float(np.median(h)))
        found.append(("plateau" if still else "field", start + begin, start + end))
    return found


# The names that the place of a sweep in its record allows.


def _sweeps_of_rows(dataset: xr.Dataset, rows: np.ndarray) -> list[Sweep]:
    """Sweeps of one record."""
    all_t, all_h = dataset["temperature"].values, field_of(dataset)
    temperature, field = all_t[rows], all_h[rows]
    found: list[Sweep] = []
    for kind, start, stop in blocks(temperature, field):
        part = dataset.isel(point=rows[start:stop])
        t, h = temperature[start:stop], field[start:stop]
        if kind == "temperature":
            found += list(temperature_sweeps(part, t, h))
        elif kind == "field":
            before = _temperature_before(all_t[: rows[start] + 1], all_h[: rows[start] + 1])
            found += list(field_sweeps(part, t, h, before))
        elif stop - start >= FEWEST_POINTS:
            found.append(Sweep(part, "temperature", "settled", "plateau", float(h.mean())))
    return name_branches(found)


def _temperature_before(temperature: np.ndarray, field: np.ndarray) -> float:
    """The temperature of the last row whose temperature or field is not that of the last one given here, or NaN."""
    t, h = float(temperature[-1]), float(field[-1])
    other = np.abs(temperature - t) > same_temperature(t)
    other |= np.abs(field - h) > same_field(h)
    earlier = np.flatnonzero(other)
    return float(temperature[earlier[-1]]) if earlier.size else np.nan


def temperature_sweeps(part: xr.Dataset, temperature: np.ndarray, field: np.ndarray) -> Iterator[Sweep]:
    usual = same_temperature(float(np.median(temperature)))
    base = max(usual, min(4 * jitter(temperature), 0.1 * float(np.ptp(temperature))))
    for leg in legs(temperature, base):
        held = float(field[leg.start : leg.stop].mean())
        label = "warming" if leg.rising else "cooling"
        direction: Direction = "up" if leg.rising else "down"
        yield Sweep(part.isel(point=slice(leg.start, leg.stop)), "temperature", direction, label, held)


def field_sweeps(
    part: xr.Dataset, temperature: np.ndarray, field: np.ndarray, before: float
) -> Iterator[Sweep]:
    fresh = not abs(before - temperature[0]) <= same_temperature(float(temperature[0]))
    base = min(same_field(0.0), 0.05 * float(np.ptp(field)))
    # A loop's branches lie apart at its ends; other curves are the same on both sides of a turn.
    found = legs(field, base, both=True)
    for number, leg in enumerate(found):
        h = field[leg.start : leg.stop]
        near_zero = abs(h[0]) <= max(same_field(0.0) * 5, 0.02 * np.abs(h).max())
        direction: Direction = "up" if leg.rising else "down"
        virgin = number == 0 and fresh and near_zero and abs(h[-1]) > 3 * abs(h[0])
        held = float(temperature[leg.start : leg.stop].mean())
        data = part.isel(point=slice(leg.start, leg.stop))
        label = "virgin" if virgin else direction
        loop = not virgin and any(_one_loop(h, field[other.start : other.stop]) for other in found)
        yield Sweep(data, "field", direction, label, held, loop=loop)


def _one_loop(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two legs run in opposite directions and share half the fields of the shorter one, or more."""
    shared = min(one.max(), other.max()) - max(one.min(), other.min())
    opposite = (one[-1] - one[0]) * (other[-1] - other[0]) < 0
    return bool(opposite and shared >= 0.5 * min(np.ptp(one), np.ptp(other)))


def name_branches(sweeps: list[Sweep]) -> list[Sweep]:
    """Call magnetic branches of one field zfc and fc where their order allows it."""
    named = list(sweeps)
    runs: list[list[int]] = []
    for i, sweep in enumerate(sweeps):
        if sweep.axis != "temperature":
            runs.append([])
        elif sweep.label != "plateau" and _is_magnetic(sweep.data):
            same = runs and runs[-1] and _same_field(sweeps[runs[-1][-1]].held, sweep.held)
            runs[-1].append(i) if same else runs.append([i])
    for run in runs:
        first = sweeps[run[0]] if run else None
        if first is None or first.label != "warming" or abs(first.held) < convert(0.5, "Oe", "A/m"):
            continue
        for i in run if len(run) > 1 else []:
            named[i] = replace(sweeps[i], label="zfc" if i == run[0] else "fc")
    return named


def _is_magnetic(data: xr.Dataset) -> bool:
    return any(name in data and bool(np.isfinite(data[name]).any()) for name in ("moment", "ac_in_phase"))


def _same_field(one: float, other: float) -> bool:
    """Means over a branch, so that the noise of a single reading does not count."""
    return abs(one - other) <= convert(0.5, "Oe", "A/m") + 0.01 * abs(one)


# Currents of both signs in turn.

# So much of a record must fall into pairs of opposite current: a single change of sign is no reversal.
ALTERNATES = 0.8
# By how much currents (of themselves) and temperatures (K) of a pair may differ.
PAIR_OF_CURRENTS, PAIR_OF_TEMPERATURES = 0.02, 0.1


def _pairs(dataset: xr.Dataset, n: str) -> np.ndarray:
    """Index of the first of each pair of neighbours of opposite current; no point is used twice."""
    current, resistance = dataset[f"excitation_{n}"].values, dataset[f"resistance_{n}"].values
    temperature = dataset["temperature"].values
    found, i = [], 0
    while i + 1 < current.size:
        one, two = current[i], current[i + 1]
        opposite = one * two < 0 and abs(one + two) <= PAIR_OF_CURRENTS * abs(one)
        near = abs(temperature[i] - temperature[i + 1]) <= PAIR_OF_TEMPERATURES
        if opposite and near and np.isfinite(resistance[i : i + 2]).all():
            found.append(i)
            i += 2
        else:
            i += 1
    return np.array(found, int)


def _mean_of_pairs(dataset: xr.Dataset, first: np.ndarray, n: str) -> xr.Dataset:
    one, two = dataset.isel(point=first), dataset.isel(point=first + 1)
    combined = one.copy()
    for name, variable in one.data_vars.items():
        if variable.dtype.kind == "f":
            combined[name] = variable.copy(data=(variable.values + two[name].values) / 2)
    i_one, i_two = one[f"excitation_{n}"].values, two[f"excitation_{n}"].values
    voltage = one[f"resistance_{n}"].values * i_one - two[f"resistance_{n}"].values * i_two
    combined[f"resistance_{n}"] = one[f"resistance_{n}"].copy(data=voltage / (i_one - i_two))
    combined[f"excitation_{n}"] = one[f"excitation_{n}"].copy(data=np.abs(i_one - i_two) / 2)
    uncertainty = f"resistance_uncertainty_{n}"
    if uncertainty in one:
        spread = np.hypot(one[uncertainty].values, two[uncertainty].values) / 2
        combined[uncertainty] = one[uncertainty].copy(data=spread)
    combined.attrs = dataset.attrs
    return combined
