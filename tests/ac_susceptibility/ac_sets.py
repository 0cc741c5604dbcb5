"""Sets of ac curves with known answers, made without the twin: another law, another sampling, another noise."""

import numpy as np

from nbtools.ac_susceptibility import AcCurve
from nbtools.physics.bean_state import bean_susceptibility
from nbtools.physics.creep import creep_susceptibility
from nbtools.physics.kim_state import kim_susceptibility

AMPLITUDES = (8.0, 80.0, 800.0)  # A/m
FULL = (12.0, 37.5, 0.4, 5.0)  # J_c a at 37.5 K − 0.4 K, end, distance, power
TEMPERATURE = np.linspace(35.9, 37.7, 181)


def full_field(temperature):
    """J_c a (A/m)."""
    scale, end, distance, power = FULL
    return np.maximum(scale * (np.maximum(end - temperature, 0) / distance) ** power, 1e-9)


def temperature_of(full):
    """Where J_c a has this value (K)."""
    scale, end, distance, power = FULL
    return end - distance * (full / scale) ** (1 / power)


def bean(t, h, frequency):
    return bean_susceptibility(h / full_field(t), "square_bar")


def creep(t, h, frequency, n=5):
    u = np.clip(h / full_field(t) * (h / 80 * frequency / 10) ** (-1 / n), 1e-9, 1e9)
    return creep_susceptibility(u, n, reduced_frequency=1 / u, geometry="square_bar")


def linear(t, h, frequency):
    return creep(t, h, frequency, n=1)


def kim_at(bias, kim_field):
    def response(t, h, frequency):
        return kim_susceptibility(h, full_field(t), kim_field=kim_field, bias=bias)

    return response


def two_step(t, h, frequency):
    real, loss = bean(t, h, frequency)
    return -0.3 + 0.7 * real, 0.7 * loss


def curve(response, amplitude, frequency=10.0, bias=0.0, rng=None, offset=0.0, noise=5e-4, jitter=1e-3):
    """One curve; with `rng` its thermometer is off by a draw of `offset` and every point by one of `jitter`."""
    true, scatter = TEMPERATURE, np.zeros((2, TEMPERATURE.size))
    if rng is not None:
        true = TEMPERATURE - offset * rng.normal() - jitter * rng.normal(size=TEMPERATURE.size)
        scatter = noise * rng.normal(size=scatter.shape)
    real, loss = response(true, amplitude, frequency)
    return AcCurve(amplitude, TEMPERATURE, real + scatter[0], loss + scatter[1], frequency, bias)


def amplitude_set(response, rng=None, offset=0.003):
    return [curve(response, h, rng=rng, offset=offset) for h in AMPLITUDES]


def frequency_set(response, rng=None, offset=0.003):
    return [curve(response, 80.0, f, rng=rng, offset=offset) for f in (10.0, 100.0, 1000.0)]
