"""The answers that the transport twin holds: read off its noise-free physics, never off its files."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import brentq

from nbtools.physics.demagnetisation import shielded_prism_susceptibility
from nbtools.transport.model_gradiometer import sample_length_factor
from nbtools.transport.twin_world import TransportWorld

COLDEST = 1e-3  # K, below all that is recorded


def truth(**parameters: object) -> dict[str, float]:
    """What `record_transport` plants with the same parameters, in SI, for the bar as its card states it.

    Resistive steps and their temperatures by each criterion (K), resistivities (Ω m), magnetic onset (1 % of the full
    screening, K), external susceptibility at 5 K and what the MPMS makes of it, field-cooled over
    zero-field-cooled at 5 K, and the fields (A/m): H_c1(0), first entry at each temperature of the virgin
    curves, H_c2(0) with its law, and the field of 10 % resistance at each temperature of the sweeps. In the
    "two-step" world the law is that of the grains. NaN where this world has no such thing.
    """
    world = TransportWorld(**parameters)  # type: ignore[arg-type]
    answers = {
        **_resistive_temperatures(world),
        **_resistivities(world),
        **_susceptibilities(world),
        **_critical_fields(world),
    }
    return {name: float(value) for name, value in answers.items()}


def _resistive_temperatures(world: TransportWorld) -> dict[str, float]:
    normal_voltage = world.current * world.tap_distance / world.cross_section

    def voltage(kelvin: float) -> float:
        resistivity = world.normal_resistivity(kelvin) * world.reduced_resistance(kelvin)
        return float(normal_voltage * resistivity)

    def left(share: float) -> float:
        return _crossing(world, world.reduced_resistance, share)

    return {
        "resistive_onset": _tangent_onset(world),
        "resistive_ninety": left(0.9),
        "resistive_midpoint": left(0.5),
        "resistive_ten": left(0.1),
        "resistive_zero": _crossing(world, voltage, 3 * world.voltage_noise),
        "resistive_steps": {"paper": 1.0, "two-step": 2.0, "normal": math.nan}[world.world],
    }


def _tangent_onset(world: TransportWorld) -> float:
    """The steepest tangent to ρ(T), extended to the normal state."""
    if world.world == "normal":
        return math.nan
    kelvin = world.transition_midpoint + world.transition_width * np.linspace(-8, 4, 12_001)
    resistivity = world.normal_resistivity(kelvin) * world.reduced_resistance(kelvin)
    slopes = np.gradient(resistivity, kelvin)
    at = int(np.argmax(slopes))

    def above(t: float) -> float:
        return float(resistivity[at] + slopes[at] * (t - kelvin[at]) - world.normal_resistivity(t))

    return float(brentq(above, kelvin[at], kelvin[at] + 8 * world.transition_width))


def _resistivities(world: TransportWorld) -> dict[str, float]:
    cold, middle, warm = world.normal_resistivity([40.0, 100.0, 300.0])
    return {
        "resistivity_100K": middle,
        "normal_resistance_40K": cold * world.tap_distance / world.cross_section,
        "residual_resistivity_ratio": warm / cold,
    }


def _susceptibilities(world: TransportWorld) -> dict[str, float]:
    shielded = shielded_prism_susceptibility(*world.dimensions)
    screened = float(world.zero_field_cooled(5.0, shielded=shielded))
    read = sample_length_factor(world.dimensions[2], mode="MPMS", scan_length=world.scan_length)
    superconducts = world.world != "normal"

    def unscreened(kelvin: float) -> float:
        return 1 - float(world.screening(kelvin))

    return {
        "magnetic_onset": _crossing(world, unscreened, 0.99),
        "magnetic_critical_temperature": world.magnetic_critical_temperature if superconducts else math.nan,
        "external_susceptibility_5K": screened,
        "apparent_susceptibility_5K": screened * read,
        "sample_length_factor": read,
        "field_cooled_fraction": float(world.field_cooled(5.0, shielded=shielded)) / screened
        if superconducts
        else math.nan,
    }


def _critical_fields(world: TransportWorld) -> dict[str, float]:
    planted = {
        "lower_critical_field": world.lower_critical_field,
        "upper_critical_field": world.upper_critical_field,
        "upper_critical_exponent": world.upper_critical_exponent,
        "upper_critical_temperature": world.upper_critical_temperature,
    }
    entries = {f"entry_field_{t:g}K": float(world.entry_field(t)) for t in world.magnetisation_temperatures}
    tens = {f"upper_critical_field_{t:g}K": _field_of_ten_percent(world, t) for t in world.sweep_temperatures}
    answers = planted | entries | tens
    return answers if world.world != "normal" else dict.fromkeys(answers, math.nan)


def _field_of_ten_percent(world: TransportWorld, kelvin: float) -> float:
    """Where R(H) passes 10 % of R_n; NaN where it is above that in no field."""

    def excess(field: float) -> float:
        return float(world.reduced_resistance(kelvin, field)) - 0.1

    if excess(0.0) > 0:
        return math.nan
    return float(brentq(excess, 0.0, world.upper_critical_field, rtol=1e-12))


def _crossing(world: TransportWorld, rising: Callable[[float], Any], level: float) -> float:
    """Temperature at which a quantity that rises through the transition passes a level."""
    if world.world == "normal":
        return math.nan
    hottest = max(
        world.transition_midpoint + 12 * world.transition_width, world.magnetic_critical_temperature
    )
    return float(brentq(lambda t: float(rising(t)) - level, COLDEST, hottest, xtol=1e-9))
