"""Noisy curves with known answers, made without the twin: another formula, another sampling, another noise."""

import numpy as np
from scipy.stats import norm

from nbtools import transport
from nbtools.physics.normal_metal import bloch_gruneisen

RESIDUAL, MIDPOINT, WIDTH = 0.17e-6, 37.84, 0.45
NOISE = 1e-3
TEMPERATURES = np.r_[2:30:1.0, 30:45:0.1, 45:301:2.0]
TRANSITION = {
    "onset": MIDPOINT + WIDTH * np.sqrt(np.pi / 2),
    "ninety": MIDPOINT + WIDTH * norm.ppf(0.9),
    "midpoint": MIDPOINT,
    "ten": MIDPOINT + WIDTH * norm.ppf(0.1),
    "zero": MIDPOINT + WIDTH * norm.ppf(3 * NOISE),
}


def transition(seed):
    """Error-function step under Bloch–Grüneisen; voltmeter noise and 2 mK of thermometer jitter."""
    rng = np.random.default_rng([seed, 1])
    true = TEMPERATURES + 2e-3 * rng.normal(size=TEMPERATURES.size)
    metal = bloch_gruneisen(true, residual=RESIDUAL, amplitude=2.9e-6, debye_temperature=880, exponent=3)
    signal = metal * norm.cdf((true - MIDPOINT) / WIDTH) + NOISE * RESIDUAL * rng.normal(size=true.size)
    found = transport.estimate_transition(TEMPERATURES, signal)
    return {name: getattr(found, name) for name in TRANSITION}


ENTRY = {"entry_field": 50e3, "meissner_slope": -6e-9}
FIELDS = np.linspace(0, 160e3, 81)


def virgin_curve(seed):
    """Bean's cylinder above the entry field, so with a cubic term that the estimator does not know."""
    rng = np.random.default_rng([seed, 2])
    past = np.clip(FIELDS - ENTRY["entry_field"], 0, None) / 400e3
    bean = -FIELDS + 400e3 * (past**2 - past**3 / 3)
    moment = -ENTRY["meissner_slope"] * bean + 2e-7 * rng.normal(size=FIELDS.size)
    found = transport.estimate_lower_critical_field(FIELDS, moment, correction="none")
    return {name: getattr(found, name) for name in ENTRY}


CROSSING = {"field": 3e6 - 2e5 * np.log(9)}
SWEEP = np.linspace(0, 7.2e6, 91)


def magnetoresistance(seed):
    """A logistic return of resistance with 10⁻³ of noise."""
    rng = np.random.default_rng([seed, 3])
    share = 1 / (1 + np.exp(-(SWEEP - 3e6) / 2e5)) + 1e-3 * rng.normal(size=SWEEP.size)
    return {"field": transport.estimate_upper_critical_field(SWEEP, share, normal_resistance=1.0).field}


METAL = {"residual": RESIDUAL, "debye_temperature": 880.0, "resistivity_100": 0.2000655e-6}
METAL["resistivity_100"] = float(
    bloch_gruneisen(100.0, residual=RESIDUAL, amplitude=2.9e-6, debye_temperature=880, exponent=3)
)


def normal_state(seed):
    """Bloch–Grüneisen from 42 to 300 K with 10⁻³ of noise."""
    rng = np.random.default_rng([seed, 4])
    t = np.linspace(42, 300, 130)
    clean = bloch_gruneisen(t, residual=RESIDUAL, amplitude=2.9e-6, debye_temperature=880, exponent=3)
    found = transport.fit_normal_state(t, clean + NOISE * RESIDUAL * rng.normal(size=t.size), onset=38.4)
    return {name: getattr(found, name) for name in METAL}


LAW = {"zero_temperature_field": 7.79e6, "critical_temperature": 37.26, "exponent": 1.23}


def upper_critical_law(seed):
    """The paper's law at eleven temperatures with 1 % of noise."""
    rng = np.random.default_rng([seed, 5])
    t = np.array([20, 22.5, 25, 27.5, 30, 31, 32, 33, 34, 35, 36])
    fields = LAW["zero_temperature_field"] * (1 - t / LAW["critical_temperature"]) ** LAW["exponent"]
    noisy = fields * (1 + 0.01 * rng.normal(size=t.size))
    found = transport.fit_upper_critical_law(t, noisy, uncertainty=0.01 * fields)
    return {name: getattr(found, name) for name in LAW}


WORLDS = {
    "transition": (transition, TRANSITION),
    "virgin curve": (virgin_curve, ENTRY),
    "magnetoresistance": (magnetoresistance, CROSSING),
    "normal state": (normal_state, METAL),
    "upper critical law": (upper_critical_law, LAW),
}
