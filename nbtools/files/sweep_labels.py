"""One sweep, and the names and reasons that its place in the record allows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import xarray as xr

from nbtools.files.sweep_cuts import Tolerance, jitter, legs
from nbtools.units import convert


@dataclass(frozen=True)
class Sweep:
    """Points of one run along one axis.

    data : the points, as `read_dat` gives them; axis : what moves; direction : which way; label : what it is
    (`virgin`, `up`, `down`, `zfc`, `fc`, `warming`, `cooling`, `plateau`); held : mean of the other axis (K or
    A/m); reason : why it begins where it begins and is called so; frequency, amplitude : of an ac curve (Hz, A/m);
    variable : the one that was asked for
    """

    data: xr.Dataset
    axis: Literal["temperature", "field"]
    direction: Literal["up", "down", "settled"]
    label: str
    held: float
    reason: str
    frequency: float | None = None
    amplitude: float | None = None
    variable: str = ""

    @property
    def along(self) -> np.ndarray:
        """Temperature (K) or field (A/m) of every point."""
        return np.asarray(self.data[self.axis].values)

    @property
    def signal(self) -> np.ndarray:
        """The variable that was asked for, in SI."""
        return np.asarray(self.data[self.variable].values)

    @property
    def size(self) -> int:
        return int(self.data.sizes["point"])

    def __str__(self) -> str:
        held = kelvin(self.held) if self.axis == "field" else oersted(self.held)
        drive = f", {self.frequency:.4g} Hz" if self.frequency is not None else ""
        drive += f", {oersted(self.amplitude)} drive" if self.amplitude is not None else ""
        return f"{self.label} at {held}{drive}: {self.size} points"


def temperature_sweeps(
    part: xr.Dataset,
    temperature: np.ndarray,
    field: np.ndarray,
    before: tuple[float, float] | None,
    tolerance: Tolerance,
    minimum: int,
) -> Iterator[Sweep]:
    usual = tolerance.of_temperature(float(np.median(temperature)))
    base = max(usual, min(4 * jitter(temperature), 0.1 * float(np.ptp(temperature))))
    for leg in legs(temperature, base, minimum):
        first = kelvin(temperature[leg.start])
        if leg.start == 0 or (leg.jumped and leg.start == 1):
            reason = _opening(before, (temperature[0], field[0]), tolerance)
        elif leg.jumped:
            reason = f"the temperature was reset from {kelvin(temperature[leg.start - 1])} to {first}"
        else:
            reason = f"the temperature turned at {kelvin(temperature[leg.start - 1])}"
        held = float(field[leg.start : leg.stop].mean())
        label = "warming" if leg.rising else "cooling"
        direction: Literal["up", "down"] = "up" if leg.rising else "down"
        data = part.isel(point=slice(leg.start, leg.stop))
        yield Sweep(data, "temperature", direction, label, held, reason)


def field_sweeps(
    part: xr.Dataset,
    temperature: np.ndarray,
    field: np.ndarray,
    before: tuple[float, float] | None,
    tolerance: Tolerance,
    minimum: int,
) -> Iterator[Sweep]:
    fresh = before is None or abs(before[0] - temperature[0]) > tolerance.of_temperature(
        float(temperature[0])
    )
    base = min(tolerance.of_field(0.0), 0.05 * float(np.ptp(field)))
    for number, leg in enumerate(legs(field, base, minimum)):
        h = field[leg.start : leg.stop]
        near_zero = abs(h[0]) <= max(tolerance.of_field(0.0) * 5, 0.02 * np.abs(h).max())
        direction: Literal["up", "down"] = "up" if leg.rising else "down"
        if number == 0:
            reason = _opening(before, (temperature[0], field[0]), tolerance)
        elif leg.jumped:
            reason = f"the field jumped from {oersted(field[leg.start - 1])} to {oersted(h[0])}"
        else:
            reason = f"the field turned at {oersted(field[leg.start - 1])}"
        virgin = number == 0 and fresh and near_zero and abs(h[-1]) > 3 * abs(h[0])
        if virgin:
            reason += "; virgin, because the field starts near zero there"
        held = float(temperature[leg.start : leg.stop].mean())
        data = part.isel(point=slice(leg.start, leg.stop))
        yield Sweep(data, "field", direction, "virgin" if virgin else direction, held, reason)


def _opening(before: tuple[float, float] | None, now: tuple[float, float], tolerance: Tolerance) -> str:
    """What changed between the state (temperature, field) before a block and that of its first point."""
    if before is None:
        return "the record begins here"
    changes = []
    if abs(now[0] - before[0]) > tolerance.of_temperature(now[0]):
        changes.append(f"the temperature changed from {kelvin(before[0])} to {kelvin(now[0])}")
    if abs(now[1] - before[1]) > tolerance.of_field(now[1]):
        changes.append(f"the field changed from {oersted(before[1])} to {oersted(now[1])}")
    return " and ".join(changes)


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
        for i in run:
            if len(run) == 1:
                why = "; not called zfc, because no second branch follows at this field"
                named[i] = replace(first, reason=first.reason + why)
            else:
                label = "zfc" if i == run[0] else "fc"
                why = (
                    "first on warming, another follows"
                    if i == run[0]
                    else f"{sweeps[i].label} after the zfc branch"
                )
                named[i] = replace(
                    sweeps[i], label=label, reason=f"{sweeps[i].reason}; {label}, because {why} at this field"
                )
    return named


def _is_magnetic(data: xr.Dataset) -> bool:
    return any(name in data and bool(np.isfinite(data[name]).any()) for name in ("moment", "ac_in_phase"))


def _same_field(one: float, other: float) -> bool:
    """Means over a branch, so that the noise of a single reading does not count."""
    return abs(one - other) <= convert(0.5, "Oe", "A/m") + 0.01 * abs(one)


def kelvin(value: float) -> str:
    return f"{value:.4g} K"


def oersted(value: float) -> str:
    return f"{convert(value, 'A/m', 'Oe'):.4g} Oe"
