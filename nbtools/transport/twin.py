"""The transport twin: R(T), R(H), ZFC/FC and virgin M(H) of a bar, as the instruments would record them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from nbtools.files.write_quantum_design import (
    SYNTHETIC,
    write_mpms3,
    write_mpms_classic,
    write_ppms_resistivity,
)
from nbtools.files.write_sample_card import write_sample_card
from nbtools.physics.demagnetisation import shielded_prism_susceptibility
from nbtools.transport.model_gradiometer import sample_length_factor
from nbtools.transport.twin_truth import truth
from nbtools.transport.twin_world import TransportWorld
from nbtools.units import Quantity, convert

__all__ = ["TransportWorld", "record_transport", "truth"]

Array = NDArray[np.float64]
NAME = "MgO-MgB2 bar"
SECONDS_PER_READING = {"PPMS": 30.0, "MPMS": 120.0, "MPMS3": 20.0}


def record_transport(folder: str | Path, *, seed: int, **parameters: object) -> list[Path]:
    """Record the four measurements and the sample card of one synthetic bar.

    ``resistivity.dat`` (PPMS: 300 → 2 K, then 2 → 60 K), ``magnetoresistance.dat`` (PPMS: 0 → 90 kOe at
    the sweep temperatures), ``zfc_fc.dat`` (classic MPMS: 2 → 60 K, then back in the same field),
    ``virgin_magnetisation.dat`` (MPMS3: 0 → 2 kOe at the magnetisation temperatures) and ``sample.yaml``.
    Same seed and parameters, same bytes; no clock is read. `truth` gives what was planted.

    Parameters
    ----------
    folder : made if missing; nothing is written outside
    seed : of the noise and of what the card knows only within its uncertainty
    parameters : of `TransportWorld`, SI

    Raises
    ------
    ValueError, TypeError
        An unknown world, an unknown parameter.
    """
    world = TransportWorld(**parameters)  # type: ignore[arg-type]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # A generator per file: a longer first file leaves the noise of the others as it was.
    bar, *noise = np.random.default_rng(seed).spawn(5)
    specimen = _draw_specimen(world, bar)
    return [
        _record_resistivity(folder / "resistivity.dat", world, specimen, noise[0]),
        _record_magnetoresistance(folder / "magnetoresistance.dat", world, specimen, noise[1]),
        _record_zfc_fc(folder / "zfc_fc.dat", world, specimen, noise[2]),
        _record_virgin_curves(folder / "virgin_magnetisation.dat", world, specimen, noise[3]),
        _write_card(folder / "sample.yaml", world),
    ]


@dataclass(frozen=True)
class _Specimen:
    """What is true of this one bar and its instruments; the card knows it only within its uncertainties."""

    dimensions: Array
    tap_distance: float
    field_offset: float
    ppms_thermometer_offset: float
    mpms_thermometer_offset: float
    shielded: float  # external susceptibility when fully shielded

    @property
    def volume(self) -> float:
        return float(np.prod(self.dimensions))

    @property
    def resistance_per_resistivity(self) -> float:
        return self.tap_distance / float(self.dimensions[0] * self.dimensions[1])


def _draw_specimen(world: TransportWorld, rng: Generator) -> _Specimen:
    thermometers = rng.normal(world.thermometer_offset, world.thermometer_offset_uncertainty, 2)
    dimensions = rng.normal(world.dimensions, world.dimension_uncertainty)
    return _Specimen(
        dimensions=dimensions,
        tap_distance=rng.normal(world.tap_distance, world.tap_distance_uncertainty),
        field_offset=rng.normal(world.field_offset, world.field_offset_uncertainty),
        ppms_thermometer_offset=thermometers[0],
        mpms_thermometer_offset=thermometers[1],
        shielded=shielded_prism_susceptibility(*dimensions),
    )


def _record_resistivity(path: Path, world: TransportWorld, specimen: _Specimen, rng: Generator) -> Path:
    low, high = round(world.transition_midpoint) + np.array([-8, 7])
    cooling = _staircase((300, high, 1), (high, low, 0.1), (low, 2, 1))
    warming = _staircase((2, low, 1), (low, high, 0.1), (high, 60, 1))
    reading = _read_thermometer(world, np.concatenate([cooling, warming]), rng)
    direction = np.repeat([-1.0, 1.0], [cooling.size, warming.size])
    return _write_resistance(path, world, specimen, rng, reading, 0.0, direction)


def _record_magnetoresistance(path: Path, world: TransportWorld, specimen: _Specimen, rng: Generator) -> Path:
    oersted = _staircase((0, 2000, 100), (2000, 10_000, 250), (10_000, 90_000, 1000))
    field = np.tile(convert(oersted, "Oe", "A/m"), len(world.sweep_temperatures))
    reading = _read_thermometer(world, np.repeat(world.sweep_temperatures, oersted.size), rng)
    return _write_resistance(path, world, specimen, rng, reading, field, 0.0)


def _write_resistance(
    path: Path,
    world: TransportWorld,
    specimen: _Specimen,
    rng: Generator,
    reading: Array,
    field: ArrayLike,
    direction: ArrayLike,
) -> Path:
    """Voltage over current, with the nanovoltmeter's noise and drifting zero."""
    temperature = _sample_temperature(world, specimen.ppms_thermometer_offset, reading, direction)
    resistivity = world.normal_resistivity(temperature) * world.reduced_resistance(temperature, field)
    drift = world.zero_drift * np.cumsum(rng.standard_normal(reading.size)) / np.sqrt(reading.size)
    noise = world.voltage_noise * rng.standard_normal(reading.size) + drift
    return write_ppms_resistivity(
        path,
        name=NAME,
        elapsed=np.arange(reading.size) * SECONDS_PER_READING["PPMS"],
        temperature=reading,
        field=field,
        resistance=resistivity * specimen.resistance_per_resistivity + noise / world.current,
        resistance_deviation=_scatter(world.voltage_noise / world.current, 25, reading.size, rng),
        current=world.current,
        cross_section=world.cross_section,
        length=world.tap_distance,
    )


def _record_zfc_fc(path: Path, world: TransportWorld, specimen: _Specimen, rng: Generator) -> Path:
    low, high = int(world.magnetic_critical_temperature) + np.array([-8, 4])
    warming = _staircase((2, low, 1), (low, high, 0.1), (high, 60, 1))
    reading = _read_thermometer(world, np.concatenate([warming, warming[::-1]]), rng)
    direction = np.repeat([1.0, -1.0], warming.size)
    temperature = _sample_temperature(world, specimen.mpms_thermometer_offset, reading, direction)
    zfc, fc = np.split(temperature, 2)
    susceptibility = np.append(
        world.zero_field_cooled(zfc, shielded=specimen.shielded),
        world.field_cooled(fc, shielded=specimen.shielded),
    )
    factor = sample_length_factor(specimen.dimensions[2], mode="MPMS", scan_length=world.scan_length)
    moment = susceptibility * (world.applied_field + specimen.field_offset) * specimen.volume * factor
    measured, sigma = _measure_moment(world, moment, rng)
    return write_mpms_classic(
        path,
        name=NAME,
        elapsed=np.arange(reading.size) * SECONDS_PER_READING["MPMS"],
        temperature=reading,
        field=world.applied_field,
        moment=measured,
        moment_deviation=_scatter(sigma, 3, reading.size, rng),
        scan_length=world.scan_length,
    )


def _record_virgin_curves(path: Path, world: TransportWorld, specimen: _Specimen, rng: Generator) -> Path:
    field = convert(_staircase((0, 2000, 25)), "Oe", "A/m")
    reading = _read_thermometer(world, np.repeat(world.magnetisation_temperatures, field.size), rng)
    length = specimen.dimensions[2]
    factor = sample_length_factor(length, mode="MPMS3 dc", scan_length=world.mpms3_scan_length)
    temperatures = np.asarray(world.magnetisation_temperatures) + specimen.mpms_thermometer_offset
    magnetisation = [
        world.virgin_curve(kelvin, field + specimen.field_offset, shielded=specimen.shielded)
        for kelvin in temperatures
    ]
    moment = np.concatenate(magnetisation) * specimen.volume * factor
    measured, sigma = _measure_moment(world, moment, rng)
    return write_mpms3(
        path,
        name=NAME,
        elapsed=np.arange(reading.size) * SECONDS_PER_READING["MPMS3"],
        temperature=reading,
        field=np.tile(field, len(world.magnetisation_temperatures)),
        moment=measured,
        moment_error=_scatter(sigma, 3, reading.size, rng),
        scan_length=world.mpms3_scan_length,
    )


def _write_card(path: Path, world: TransportWorld) -> Path:
    """What the experimenter knows of the bar, as a person writes it."""
    cut = world.dimension_uncertainty
    card = {
        "name": f"{NAME}, {SYNTHETIC}",
        "is_paper_sample": True,
        "shape": "prism",
        "dimensions": [_stated(side, cut, "m", "mm") for side in world.dimensions],
        "field_axis": 3,
        "tap_distance": _stated(world.tap_distance, world.tap_distance_uncertainty, "m", "mm"),
        "cross_section": _stated(
            world.cross_section, cut * float(np.hypot(*world.dimensions[:2])), "m^2", "mm^2"
        ),
        "current": _stated(world.current, 0.0, "A", "mA"),
        "remanence": _stated(world.field_offset, world.field_offset_uncertainty, "A/m", "Oe"),
        "instrument": "MPMS",
        "scan_length": _stated(world.scan_length, 0.0, "m", "cm"),
        "thermometer_offset": _stated(
            world.thermometer_offset, world.thermometer_offset_uncertainty, "K", "K"
        ),
    }
    return write_sample_card(path, card)


def _stated(value: float, uncertainty: float, unit: str, shown: str) -> str:
    return str(Quantity(value, uncertainty, unit).to(shown))


def _staircase(*flights: tuple[float, float, float]) -> Array:
    """Set points from flights of (start, stop, step), up or down; the last stop is included."""
    steps = [np.linspace(a, b, round(abs(b - a) / step), endpoint=False) for a, b, step in flights]
    return np.append(np.concatenate(steps), flights[-1][1])


def _read_thermometer(world: TransportWorld, set_points: ArrayLike, rng: Generator) -> Array:
    """The thermometer near its set points, at its resolution of 0.1 mK."""
    points = np.asarray(set_points, float)
    return np.round(points + world.thermometer_noise * rng.standard_normal(points.size), 4)


def _sample_temperature(
    world: TransportWorld, thermometer_offset: float, reading: Array, direction: ArrayLike
) -> Array:
    """The sample lags: it is colder than the thermometer on warming (+1), warmer on cooling (−1)."""
    lag = world.thermometer_lag / 2 * np.asarray(direction, float)
    return reading + thermometer_offset - lag


def _measure_moment(world: TransportWorld, moment: Array, rng: Generator) -> tuple[Array, Array]:
    """With noise, and its standard deviation: a floor, and a share of the moment."""
    sigma = np.hypot(world.moment_noise, world.relative_moment_noise * moment)
    return moment + sigma * rng.standard_normal(moment.size), sigma


def _scatter(sigma: ArrayLike, readings: int, size: int, rng: Generator) -> Array:
    """The standard deviation as an instrument estimates it from a few readings."""
    return np.asarray(sigma) * np.sqrt(rng.chisquare(readings - 1, size) / (readings - 1))
