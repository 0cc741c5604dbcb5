"""Bias and coverage of the estimators at three noises and three sizes, for the page on error bars of the report.

Those of curves of resistance and moment are in test_transport_strangers.py.
"""

import sys
from pathlib import Path

import lmfit
import numpy as np
import pytest
from plate_worlds import CURRENT, current_of_a_users_plate
from seeds import BENCH_SEEDS, pulls_over_seeds, record_error_bars, room

sys.path += [str(Path(__file__).parent.parent / folder) for folder in ("ac_susceptibility", "fitting")]
import ac_sets
from fit_worlds import decay, decay_data

from nbtools import ac_susceptibility, transport
from nbtools.error_bars import REFUSED
from nbtools.fitting import FitWidget
from nbtools.physics.normal_metal import bloch_gruneisen
from nbtools.units import Quantity


def plate(seed, noise, size):
    """J_c of a full plate that lies anywhere between the pixels, `size` a side, its thickness known to 2 %."""
    found = current_of_a_users_plate(seed, percent=100 * noise, gap=10e-6, pixels=size)
    return {"J_c": found["critical_current"]}


def amplitudes(seed, noise, size):
    """Three ac curves of Bean's bar of `size` points, their thermometers off by 3 mK each."""
    rng = np.random.default_rng([seed, 62])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ac_sets, "TEMPERATURE", np.linspace(35.9, 37.7, size))
        return [
            ac_sets.curve(ac_sets.bean, h, rng=rng, offset=0.003, noise=noise) for h in ac_sets.AMPLITUDES
        ]


def half_screening(seed, noise, size):
    """Where the middle amplitude is screened by half."""
    found = ac_susceptibility.estimate_half_screening(
        amplitudes(seed, noise, size), half_width=0.5e-3, temperature_uncertainty=0.003
    )
    return {"temperature of half screening": found[1].temperature}


def collapse(seed, noise, size):
    """J_c(T) in the middle of the range, over what was planted there."""
    fit = ac_susceptibility.fit_collapse(amplitudes(seed, noise, size), temperature_uncertainty=0.003)
    middle = len(fit.temperature) // 2
    return {"J_c over the planted one": fit.full_field[middle] / ac_sets.full_field(fit.temperature[middle])}


def loop(seed, noise, size):
    """J_c of a loop of a bar whose edges are known to 2 %."""
    rng = np.random.default_rng([seed, 63])
    edges = [Quantity(side, 0.02 * side, "m") for side in (1e-3, 1.2e-3, 5e-3)]
    true = [rng.normal(float(edge), edge.uncertainty) for edge in edges]
    a, b = sorted(true[:2])
    field, moment = np.linspace(-1e5, 1e5, size), 1e9 * a * (1 - a / (3 * b)) / 4 * np.prod(true)
    branches = [(field, sign * moment * (1 + noise * rng.normal(size=size))) for sign in (1, -1)]
    volume = edges[0] * edges[1] * edges[2]
    found = ac_susceptibility.estimate_loop_current(
        *branches, temperature=5.0, sides=edges[:2], volume=volume
    )
    return {"J_c": found.current}


METAL = {"residual": 0.17e-6, "debye_temperature": 880.0}


def normal_state(seed, noise, size):
    """A Bloch–Grüneisen metal from 42 to 300 K."""
    rng = np.random.default_rng([seed, 64])
    t = np.linspace(42, 300, size)
    clean = bloch_gruneisen(t, **METAL, amplitude=2.9e-6, exponent=3)
    found = transport.fit_normal_state(
        t, clean + noise * METAL["residual"] * rng.normal(size=size), onset=38.4
    )
    return {name: getattr(found, name) for name in METAL}


LAW = {"zero_temperature_field": 7.79e6, "critical_temperature": 37.26, "exponent": 1.23}


def upper_critical_law(seed, noise, size):
    """H_c2(T) of the paper's law between 20 and 36 K."""
    rng = np.random.default_rng([seed, 65])
    t = np.linspace(20, 36, size)
    fields = LAW["zero_temperature_field"] * (1 - t / LAW["critical_temperature"]) ** LAW["exponent"]
    found = transport.fit_upper_critical_law(
        t, fields * (1 + noise * rng.normal(size=size)), uncertainty=noise * fields
    )
    return {name: getattr(found, name) for name in LAW}


DECAY = {"amplitude": 2.0, "rate": 0.5, "offset": 0.1}


def fitted_decay(seed, noise, size):
    """A decay by the widget's fit, from the covariance."""
    t, y = decay_data(seed, points=size, noise=noise)
    start = {"amplitude": 1.5, "rate": 0.8, "offset": 0.0}
    result = FitWidget(lmfit.Model(decay), t, y, sigma=noise, params=start).fit()
    return {name: Quantity(p.value, p.stderr) for name, p in result.params.items()}


# The estimator, a world, what is planted in it, three noises, three sizes and what they count.
WORLDS = {
    "magneto_optics.estimate_critical_current": (
        plate,
        {"J_c": CURRENT},
        (0.005, 0.01, 0.03),
        (32, 64, 128),
        "pixels a side",
    ),
    "ac_susceptibility.estimate_half_screening": (
        half_screening,
        {"temperature of half screening": ac_sets.temperature_of(80 / 0.620204103)},
        (2e-4, 1e-3, 5e-3),
        (61, 181, 541),
        "points a curve",
    ),
    "ac_susceptibility.fit_collapse": (
        collapse,
        {"J_c over the planted one": 1.0},
        (2e-4, 1e-3, 5e-3),
        (61, 181, 541),
        "points a curve",
    ),
    "ac_susceptibility.estimate_loop_current": (
        loop,
        {"J_c": 1e9},
        (1e-4, 1e-3, 1e-2),
        (41, 201, 1001),
        "points a branch",
    ),
    "transport.fit_normal_state": (normal_state, METAL, (3e-4, 1e-3, 5e-3), (40, 130, 500), "points"),
    "transport.fit_upper_critical_law": (upper_critical_law, LAW, (0.003, 0.01, 0.03), (6, 11, 40), "points"),
    "fitting.FitWidget.fit": (fitted_decay, DECAY, (0.005, 0.02, 0.1), (20, 60, 500), "points"),
}
CELLS = [(name, noise, size) for name, world in WORLDS.items() for noise in world[2] for size in world[3]]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("estimator", "noise", "size"), CELLS)
def test_bias_and_coverage(estimator: str, noise: float, size: int) -> None:
    """Every cell is kept for the report; a bias of half its σ fails here, and so does an interval that is refused."""
    world, truth, _, _, counted = WORLDS[estimator]
    pulls = pulls_over_seeds(lambda seed: world(seed, noise, size), truth, seeds=BENCH_SEEDS)
    record_error_bars(__file__, estimator, pulls, noise=f"{100 * noise:g} %", size=f"{size} {counted}")
    for name, found in pulls.items():
        print(f"{estimator}, {name}, {100 * noise:g} %, {size} {counted}: {found}")
        assert abs(found.bias) < 0.5 + room() and found.p_value > REFUSED / len(CELLS), found
