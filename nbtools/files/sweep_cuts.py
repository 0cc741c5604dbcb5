"""Where a record of temperature and field turns, jumps, holds or stands still: cuts between index ranges."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from nbtools.units import convert

Kind = Literal["temperature", "field", "plateau"]
# Confirm a turn only after 1 % of the leg: a magnet overshoots its end value by less.
OVERSHOOT = 0.01
PLATEAU_POINTS = 10
NOISIEST_FIELD = convert(10.0, "Oe", "A/m")
NOISIEST_TEMPERATURE = 1.0  # K


@dataclass(frozen=True)
class Tolerance:
    """What counts as the same temperature (K) or field (A/m): a floor and a fraction of the value."""

    temperature: float
    temperature_fraction: float
    field: float
    field_fraction: float

    def of_temperature(self, value: float) -> float:
        return self.temperature + self.temperature_fraction * abs(value)

    def of_field(self, value: float) -> float:
        return self.field + self.field_fraction * abs(value)


@dataclass(frozen=True)
class Leg:
    """Points `start` to `stop` (excluded) in one direction; `jumped` if it begins after a jump, not a turn."""

    start: int
    stop: int
    rising: bool
    jumped: bool


def legs(values: np.ndarray, tolerance: float, minimum: int) -> list[Leg]:
    """Monotone legs of a noisy record, in order; those under `minimum` points are left out.

    A turn is the extreme from which the record has come back by more than `tolerance` and by more than 1 % of
    the leg. The extreme belongs to the leg that reaches it. A jump between two levels is no leg, nor is one of
    under a tenth of the points of both neighbours (a reset that was recorded on its way): what is reached
    by it opens the next leg.
    """
    vertices = turning_points(values, tolerance)
    found: list[Leg] = []
    start, jumped = 0, False
    for before, after in pairwise(vertices):
        jump = _jump(values[before : after + 1], 2 * tolerance)
        if jump and found and found[-1].stop == start:
            found[-1] = replace(found[-1], stop=before + jump)
        if jump or after + 1 - start < minimum:
            start, jumped = (before + jump if jump else after), True
        else:
            found.append(Leg(start, after + 1, bool(values[after] > values[before]), jumped))
            start, jumped = after + 1, False
    return _without_resets(found)


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
            found[i + 1] = replace(after, start=leg.stop - 1, jumped=True)
        else:
            kept.append(leg)
    return kept


def turning_points(values: np.ndarray, tolerance: float) -> list[int]:
    """First point, extremes, last point."""
    vertices = [0]
    low = high = extreme = 0
    rising: bool | None = None
    for i, value in enumerate(values.tolist()):
        if rising is None:
            low = i if value <= values[low] else low
            high = i if value >= values[high] else high
            if values[high] - values[low] > tolerance:
                rising = high > low
                extreme = max(low, high)
        elif (value >= values[extreme]) == rising or value == values[extreme]:
            extreme = i
        elif abs(value - values[extreme]) > max(
            tolerance, OVERSHOOT * abs(values[extreme] - values[vertices[-1]])
        ):
            vertices.append(extreme)
            rising, extreme = not rising, i
    return vertices if vertices[-1] == len(values) - 1 else [*vertices, len(values) - 1]


def jitter(values: np.ndarray) -> float:
    """Standard deviation of the noise of a record that otherwise moves evenly, from its second differences."""
    if values.size < 10:
        return 0.0
    return float(1.4826 * np.median(np.abs(np.diff(values, 2))) / np.sqrt(6))


def blocks(
    temperature: np.ndarray, field: np.ndarray, tolerance: Tolerance, minimum: int
) -> list[tuple[Kind, int, int]]:
    """Ranges in which the temperature moves in a held field, the field moves at a held temperature, or neither."""
    found: list[tuple[Kind, int, int]] = []
    start = 0
    for begin, end in [*plateaus(temperature, field, tolerance), (len(field), len(field))]:
        found += _moving_blocks(temperature, field, start, begin, tolerance, minimum)
        if end > begin:
            found.append(("plateau", begin, end))
        start = end
    return found


def plateaus(temperature: np.ndarray, field: np.ndarray, tolerance: Tolerance) -> list[tuple[int, int]]:
    """Stays at one temperature and field, far longer than the stay at a usual point and without drift."""
    runs = held_runs(np.array([temperature, field]).T, tolerance)
    usual = np.median([stop - start for start, stop in runs]) if runs else 0

    def drifts(start: int, stop: int) -> bool:
        middle = (start + stop) // 2
        steps = [abs(x[start:middle].mean() - x[middle:stop].mean()) for x in (temperature, field)]
        t, h = tolerance.of_temperature(temperature[start]), tolerance.of_field(field[start])
        return bool(steps[0] > t / 4 or steps[1] > h / 4)

    return [
        (start, stop)
        for start, stop in runs
        if stop - start >= max(PLATEAU_POINTS, 5 * usual) and not drifts(start, stop)
    ]


def held_runs(points: np.ndarray, tolerance: Tolerance) -> list[tuple[int, int]]:
    """Greedy runs of rows (temperature, field) that stay within the tolerance of their mean so far."""
    runs, start = [], 0
    mean_t, mean_h = points[0] if len(points) else (0.0, 0.0)
    for i, (t, h) in enumerate(points.tolist()):
        stays = abs(t - mean_t) <= tolerance.of_temperature(mean_t) and abs(h - mean_h) <= tolerance.of_field(
            mean_h
        )
        if stays:
            count = i - start + 1
            mean_t += (t - mean_t) / count
            mean_h += (h - mean_h) / count
        else:
            runs.append((start, i))
            start, mean_t, mean_h = i, t, h
    return [*runs, (start, len(points))] if len(points) else []


def isotherms(temperature: np.ndarray, field: np.ndarray, tolerance: Tolerance) -> list[tuple[int, int]]:
    """Ranges of one temperature in a record of field sweeps.

    A new one begins where the temperature steps away from its last five points for good (three points running):
    by more than its tolerance at a turn or jump of the field, by ten times as much anywhere. A drift is no step,
    because a magnet that ramps warms the sample a little.
    """
    vertices = np.array(turning_points(field, tolerance.of_field(0.0)))
    noise = 4 * jitter(temperature)
    cuts = [0]
    for i in range(1, len(temperature)):
        recent = float(temperature[max(cuts[-1], i - 5) : i].mean())
        shift = temperature[i : i + 3] - recent
        fine = max(tolerance.of_temperature(recent), noise)
        near = np.abs(vertices - i).min() <= 2
        moved = np.all(shift > fine) or np.all(shift < -fine)
        if moved and (near or np.abs(shift).min() > 10 * fine):
            cuts.append(i)
    return list(zip(cuts, [*cuts[1:], len(temperature)], strict=True))


def _moving_blocks(
    temperature: np.ndarray, field: np.ndarray, start: int, stop: int, tolerance: Tolerance, minimum: int
) -> list[tuple[Kind, int, int]]:
    if stop <= start:
        return []
    # Runs of held field: a temperature of 0 for all makes the field alone decide.
    points = np.array([np.zeros(stop - start), field[start:stop]]).T
    noise = min(5 * jitter(field[start:stop]), NOISIEST_FIELD)
    held = replace(tolerance, field=max(tolerance.field, noise))
    warm = min(8 * jitter(temperature[start:stop]), NOISIEST_TEMPERATURE)
    found: list[tuple[Kind, int, int]] = []
    rest = start
    for begin, end in held_runs(points, held):
        begin, end = begin + start, end + start
        t = temperature[begin:end]
        moves = np.ptp(t) > max(1.5 * tolerance.of_temperature(float(np.median(t))), warm)
        if end - begin >= minimum and moves:
            found += _field_blocks(temperature, field, rest, begin, tolerance)
            found.append(("temperature", begin, end))
            rest = end
    return found + _field_blocks(temperature, field, rest, stop, tolerance)


def _field_blocks(
    temperature: np.ndarray, field: np.ndarray, start: int, stop: int, tolerance: Tolerance
) -> list[tuple[Kind, int, int]]:
    if stop <= start:
        return []
    found: list[tuple[Kind, int, int]] = []
    for begin, end in isotherms(temperature[start:stop], field[start:stop], tolerance):
        h = field[start + begin : start + end]
        still = np.ptp(h) <= tolerance.of_field(float(np.median(h)))
        found.append(("plateau" if still else "field", start + begin, start + end))
    return found
