"""The ac susceptibility twin: χ', χ''(T) at three amplitudes and three frequencies, and dc loops."""

from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nbtools.ac_susceptibility.twin_world import AcSusceptibilityWorld
from nbtools.files.write_quantum_design import SYNTHETIC, write_acms, write_mpms3
from nbtools.files.write_sample_card import write_sample_card
from nbtools.physics.bean_state import bean_loop, half_screening_field, loss_peak
from nbtools.physics.critical_current import reduced_critical_current
from nbtools.units import Quantity, convert

__all__ = ["AcSusceptibilityWorld", "record_ac_susceptibility", "truth"]

Array = NDArray[np.float64]
NAME = "MgO-MgB2 bar"
SECONDS_PER_READING = 40.0


def record_ac_susceptibility(folder: str | Path, *, seed: int, **parameters: object) -> list[Path]:
    """Record the three measurements and the sample card of one synthetic bar.

    ``ac_amplitudes.dat`` (ACMS: three amplitudes, 10 Hz, 10 Oe dc), ``ac_frequencies.dat`` (ACMS: the middle
    amplitude at three frequencies, no dc field), both on warming from 34 to 39.5 K and on cooling back,
    ``loops.dat`` (MPMS3: +50 → −50 → +50 kOe at each temperature) and ``sample.yaml``.
    Same seed and parameters, same bytes. `truth` gives what was planted.

    Parameters
    ----------
    folder : made if missing; nothing is written outside
    seed : of the noise and of what the card knows only within its uncertainty
    parameters : of `AcSusceptibilityWorld`, SI

    Raises
    ------
    ValueError, TypeError
        An unknown world, an unknown parameter.
    """
    world = AcSusceptibilityWorld(**parameters)  # type: ignore[arg-type]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    bar, *noise = np.random.default_rng(seed).spawn(4)
    sides = bar.normal(world.dimensions, world.dimension_uncertainty)
    by_amplitude = [(h, world.frequency, world.bias) for h in world.amplitudes]
    by_frequency = [(world.amplitudes[1], f, 0.0) for f in world.frequencies]
    return [
        _record_ac(folder / "ac_amplitudes.dat", world, by_amplitude, float(np.prod(sides)), noise[0]),
        _record_ac(folder / "ac_frequencies.dat", world, by_frequency, float(np.prod(sides)), noise[1]),
        _record_loops(folder / "loops.dat", world, sides, noise[2]),
        _write_card(folder / "sample.yaml", world),
    ]


def truth(**parameters: object) -> dict[str, float]:
    """What `record_ac_susceptibility` plants with the same parameters, in SI, for the bar as its card states it.

    Fields and frequency of the drive (A/m, Hz). Half-screening temperatures (K) and, where the world is Bean's, the
    current densities there (A/m²); heights of the loss peak over full screening; the closure of the rectangles (K) at
    half screening. Per decade of frequency: shift of half screening, width (K), peak height. Shift with the dc field
    (K); creep onset (K); warmest loop (K) and loop current densities; where the law near T_c and Eq. (1) cross (K), and
    how far the coldest half-screening current lies off Eq. (1) (decades).
    """
    world = AcSusceptibilityWorld(**parameters)  # type: ignore[arg-type]
    curves = [_Noiseless(world, h, world.frequency, world.bias) for h in world.amplitudes]
    others = [_Noiseless(world, world.amplitudes[1], f, 0.0) for f in world.frequencies]
    half_level = -0.5 - 0.5 * world.physics.grain_share  # counted to what the grains screen by themselves
    shifts = [curve.temperature_at(-0.5) for curve in others]
    widths = [curve.temperature_at(-0.2) - curve.temperature_at(-0.8) for curve in others]
    decades = np.log10(world.frequencies)
    answers = {
        "full_screening": world.shielded,
        "bias": world.bias,
        "frequency": world.frequency,
        "grain_share": world.physics.grain_share,
        "closure": _closure(curves),
        "shift_per_decade": float(np.polyfit(decades, shifts, 1)[0]),
        "width_per_decade": float(np.polyfit(decades, widths, 1)[0]),
        "height_per_decade": float(np.polyfit(decades, [curve.loss.max() for curve in others], 1)[0]),
        "bias_shift": curves[1].temperature_at(-0.5) - shifts[0],
        "creep_onset": world.falling_from if world.world == "paper" else np.nan,
        "bean_peak_height": loss_peak("square_bar")[1],
        "independent_low": curves[0].parts_from(curves[2], 0.005),
        "independent_high": curves[2].temperature_at(-0.005),
        "current_ratio": _current_ratio(curves),
    }
    for index, curve in enumerate(curves):
        half = curve.temperature_at(half_level)
        answers[f"half_screening_{index}"] = half
        answers[f"critical_current_{index}"] = float(world.full_field(half)) / world.half_width
        answers[f"peak_height_{index}"] = float(curve.loss.max())
        answers[f"amplitude_{index}"] = float(world.amplitudes[index])
    coldest = answers["half_screening_2"]
    off = answers["critical_current_2"] / _loop_current(world, coldest)
    answers |= {"law_crossover": world.law_crossover, "off_eq_1": float(np.log10(off))}
    answers["loop_temperature"] = float(max(world.loop_temperatures))
    for kelvin in world.loop_temperatures:
        answers[f"loop_current_{kelvin:g}K"] = float(_loop_current(world, kelvin))
    return answers


class _Noiseless:
    """One curve without instrument, on a grid of 2 mK."""

    def __init__(self, world: AcSusceptibilityWorld, amplitude: float, frequency: float, bias: float) -> None:
        self.grid = np.linspace(world.half_screening[2] - 1.5, world.critical_temperature, 1701)
        self.real, self.loss = world.susceptibility(self.grid, amplitude, frequency, bias)

    def temperature_at(self, level: float) -> float:
        if not self.real[0] < level < self.real[-1]:
            return float("nan")
        return float(np.interp(level, np.maximum.accumulate(self.real), self.grid))

    def parts_from(self, other: "_Noiseless", threshold: float) -> float:
        """The warmest temperature at which two curves differ by the threshold."""
        apart = np.flatnonzero(np.abs(self.real - other.real) > threshold)
        return float(self.grid[apart[-1]]) if apart.size else float("nan")

    def level_at(self, kelvin: float) -> float:
        return float(np.interp(kelvin, self.grid, self.real))


def _closure(curves: list[_Noiseless]) -> float:
    """T_B − T_D of the rectangle that starts at half screening of the middle amplitude."""
    low, middle, high = curves
    level = low.level_at(middle.temperature_at(-0.5))
    return high.temperature_at(-0.5) - middle.temperature_at(level)


def _current_ratio(curves: list[_Noiseless]) -> float:
    """x(A)/x(C) of Bean's square bar at half screening of the middle curve."""
    level = -curves[0].level_at(curves[1].temperature_at(-0.5))
    if not 0.01 < level < 0.99:
        return float("nan")
    return half_screening_field("square_bar") / half_screening_field("square_bar", level=level)


def _loop_current(world: AcSusceptibilityWorld, kelvin: float) -> float:
    return float(world.zero_temperature_current) * float(
        reduced_critical_current(kelvin / world.critical_temperature, "depairing")
    )


def _record_ac(
    path: Path,
    world: AcSusceptibilityWorld,
    drives: list[tuple[float, float, float]],
    volume: float,
    rng: Generator,
) -> Path:
    """Each drive on warming, then on cooling; each curve with a thermometer error of its own."""
    rising = np.concatenate(
        [np.arange(34.0, 36.0, 0.1), np.arange(36.0, 38.2, 0.02), np.arange(38.2, 39.55, 0.1)]
    )
    branches = np.concatenate([rising, rising[::-1]])
    direction = np.repeat([1.0, -1.0], rising.size)
    parts = []
    for amplitude, frequency, bias in drives:
        offset = world.temperature_error * rng.standard_normal()
        reading = np.round(branches + world.temperature_jitter * rng.standard_normal(branches.size), 4)
        # The sample is colder than the thermometer on warming, warmer on cooling.
        true = branches - offset - world.thermometer_lag / 2 * direction
        real, loss = world.susceptibility(true, amplitude, frequency, bias)
        moment = (real - 1j * loss) * -world.shielded * volume * amplitude
        moment = moment * np.exp(1j * np.radians(world.phase_error)) - world.holder_susceptibility * amplitude
        sigma = np.hypot(world.moment_noise, world.relative_noise * np.abs(moment))
        moment = moment + sigma * (rng.standard_normal(sigma.size) + 1j * rng.standard_normal(sigma.size))
        parts.append(
            np.array(
                np.broadcast_arrays(reading, bias, frequency, amplitude, moment.real, -moment.imag, sigma)
            )
        )
    columns = np.concatenate(parts, axis=1)
    names = ("temperature", "field", "frequency", "amplitude", "in_phase", "out_of_phase", "deviation")
    elapsed = SECONDS_PER_READING * np.arange(columns.shape[1])
    return write_acms(path, name=NAME, elapsed=elapsed, **dict(zip(names, columns, strict=True)))


def _record_loops(path: Path, world: AcSusceptibilityWorld, sides: Array, rng: Generator) -> Path:
    half = min(sides[:2]) / 2
    leg = np.linspace(world.largest_field, -world.largest_field, 101)
    field = np.concatenate([leg, -leg[1:]])
    moments = []
    for kelvin in world.loop_temperatures:
        full = _loop_current(world, kelvin) * half
        down, up = bean_loop(field / full, world.largest_field / full, "square_bar")
        branch = np.where(np.arange(field.size) < leg.size, down, up)
        # Far from zero field the current is weaker; a weak paramagnetic holder lies under all.
        weaker = 1 / (1 + np.abs(field) / world.loop_kim_field)
        magnetisation = branch * full * weaker + 2e-5 * field
        moments.append(magnetisation * np.prod(sides) + world.loop_noise * rng.standard_normal(field.size))
    count = len(world.loop_temperatures)
    reading = np.repeat(world.loop_temperatures, field.size) + world.temperature_jitter * rng.standard_normal(
        count * field.size
    )
    return write_mpms3(
        path,
        name=NAME,
        elapsed=SECONDS_PER_READING * np.arange(reading.size),
        temperature=np.round(reading, 4),
        field=np.tile(field, count),
        moment=np.concatenate(moments),
        moment_error=world.loop_noise,
    )


def _write_card(path: Path, world: AcSusceptibilityWorld) -> Path:
    cut = world.dimension_uncertainty
    card = {
        "name": f"{NAME}, {SYNTHETIC}",
        "is_paper_sample": True,
        "shape": "prism",
        "dimensions": [str(Quantity(side, cut, "m").to("mm")) for side in world.dimensions],
        "field_axis": 3,
        "remanence": str(Quantity(0.0, convert(0.5, "Oe", "A/m"), "A/m").to("Oe")),
        "thermometer_offset": str(Quantity(0.0, world.thermometer_offset_uncertainty, "K")),
    }
    return write_sample_card(path, card)
