"""A stranger's curves: other shapes, densities, noises and roundings than the twins', with answers by arithmetic.

Every seed is another sample: midpoint, width, asymmetry, entry field and offsets of the grid are drawn anew.
The truth never comes from an estimator: it is read off the noise-free formula on a fine grid. Every third seed is
rounded to one standard deviation of its noise, every fifth has a thermometer that jitters.
"""

import numpy as np
from scipy.stats import norm

from nbtools import transport
from nbtools.transport.screening import estimate_plateau
from nbtools.units import Quantity

NOISES = (0.001, 0.007, 0.03)
SIZES = (200, 2_000, 20_000)


def rounded(values, noise, digits):
    """As an instrument writes them: to `digits` steps a standard deviation of the noise (0: not rounded)."""
    return values if not digits else np.round(values * digits / noise) * noise / digits


class Step:
    """A resistive step over a metal: two error functions of unlike width, so that neither side mirrors the other."""

    def __init__(self, seed):
        rng = self.rng = np.random.default_rng([seed, 71])
        self.middle = rng.uniform(8, 90)
        self.width = self.middle * rng.uniform(0.006, 0.02)
        self.tail = rng.uniform(1.0, 3.0)
        self.share = rng.uniform(0.0, 0.5)
        self.slope, self.power = rng.uniform(0, 0.8), rng.uniform(1, 5)
        self.level = 10 ** rng.uniform(-6, 2)
        self.reach = max(rng.uniform(0.15, 0.3) * self.middle, (4 * self.tail + 4) * self.width)

    def metal(self, t):
        """From a cuprate's straight line to the fifth power of Bloch and Grüneisen."""
        return self.level * (1 + self.slope * ((t / self.middle) ** self.power - 1) / self.power)

    def fraction(self, t):
        wide = self.tail * self.width
        lower = self.middle - 1.2 * (wide - self.width)
        return (1 - self.share) * norm.cdf((t - self.middle) / self.width) + self.share * norm.cdf(
            (t - lower) / wide
        )

    def at(self, level):
        grid = self.middle + np.linspace(-14, 6, 20_001) * self.width
        return float(np.interp(level, self.fraction(grid), grid))

    def onset(self):
        grid = self.middle + np.linspace(-14, 6, 20_001) * self.width
        f = self.fraction(grid)
        steepest = int(np.argmax(np.gradient(f, grid)))
        slope = np.gradient(f, grid)[steepest]
        return float(grid[steepest] + (1 - f[steepest]) / slope)

    def curve(self, noise, size, digits=0, jitter=0.0):
        low, high = self.middle - self.reach, self.middle + self.reach
        t = np.linspace(low, high, size) + self.rng.uniform(0, (high - low) / size)
        true = t + jitter * self.width * self.rng.normal(size=size)
        clean = self.metal(true) * self.fraction(true)
        sigma = noise * self.level
        return t, rounded(clean + sigma * self.rng.normal(size=size), sigma, digits)

    def truth(self, noise):
        # The threshold of zero is 3σ against the normal state at the midpoint.
        middle = self.at(0.5)
        threshold = 3 * noise * self.level / float(self.metal(middle))
        return {"onset": self.onset(), "ninety": self.at(0.9), "midpoint": middle, "ten": self.at(0.1)} | {
            "zero": self.at(threshold)
        }


class Entry:
    """A virgin m(H): a Meissner line with an offset, then flux entry that goes on as no polynomial does."""

    def __init__(self, seed):
        rng = self.rng = np.random.default_rng([seed, 72])
        self.largest = 10 ** rng.uniform(4, 6)
        self.entry = rng.uniform(0.15, 0.5) * self.largest
        self.slope = -(10 ** rng.uniform(-10, -6))
        self.penetration = rng.uniform(1.0, 6.0) * self.largest
        self.offset = rng.uniform(-0.01, 0.01)

    def clean(self, h):
        past = np.clip(h - self.entry, 0, None) / self.penetration
        # ΔM grows as the square of the excess field, then ever more slowly: x²/(1 + x) is no polynomial.
        entered = self.penetration * past**2 / (1 + past)
        return self.slope * (h - entered + self.offset * self.largest)

    def curve(self, noise, size, digits=0):
        h = np.linspace(0, self.largest, size)
        sigma = noise * float(np.max(np.abs(self.clean(h))))
        return h, rounded(self.clean(h) + sigma * self.rng.normal(size=size), sigma, digits)


class Return:
    """R(H)/R_n at one temperature: an asymmetric return of resistance (a Gompertz curve), with magnetoresistance."""

    def __init__(self, seed):
        rng = self.rng = np.random.default_rng([seed, 73])
        self.largest = 10 ** rng.uniform(5.5, 7)
        self.middle = rng.uniform(0.35, 0.65) * self.largest
        self.width = rng.uniform(0.04, 0.1) * self.largest
        self.rise = rng.uniform(0, 0.05)
        self.flipped = rng.uniform() < 0.5

    def share(self, h):
        z = (h - self.middle) / self.width
        share = 1 - np.exp(-np.exp(z)) if self.flipped else np.exp(-np.exp(-z))
        return share * (1 + self.rise * h / self.largest)

    def at(self, level):
        grid = np.linspace(0, self.largest, 400_001)
        return float(np.interp(level, self.share(grid), grid))

    def curve(self, noise, size, digits=0):
        h = np.linspace(0, self.largest, size) + self.rng.uniform(0, self.largest / size)
        return h, rounded(self.share(h) + noise * self.rng.normal(size=size), noise, digits)


class Screening:
    """A zero-field-cooled moment and what is known of the sample: its χ is the plateau over volume and true field."""

    def __init__(self, seed):
        rng = self.rng = np.random.default_rng([seed, 74])
        self.critical = rng.uniform(6, 90)
        self.width = rng.uniform(0.05, 0.1) * self.critical
        self.volume = 10 ** rng.uniform(-12, -8)
        self.field = 10 ** rng.uniform(2, 4)
        self.chi = -rng.uniform(0.05, 3.0)
        self.volume_error, self.field_error = rng.uniform(0.002, 0.03), rng.uniform(0.002, 0.03)

    def curve(self, noise, size, digits=0):
        t = np.linspace(0.05, 1.4, size) * self.critical
        plateau = self.chi * self.volume * self.field
        clean = plateau * norm.cdf((self.critical - 3 * self.width - t) / self.width)
        sigma = noise * abs(plateau)
        return t, rounded(clean + sigma * self.rng.normal(size=size), sigma, digits)


def estimate(kind, noise, size, seed):
    """(quantity, truth) by name for one sample of one kind."""
    digits = 1 if seed % 3 == 2 else 0
    if kind == "step":
        world = Step(seed)
        curve = world.curve(noise, size, digits, jitter=0.02 if seed % 5 == 4 else 0.0)
        found = transport.estimate_transition(*curve, kind="resistive")
        recorded = noise * (np.sqrt(1 + 1 / 12 / digits**2) if digits else 1.0)  # rounding is noise too
        return {name: (getattr(found, name), true) for name, true in world.truth(recorded).items()}
    if kind == "entry":
        world = Entry(seed)
        found = transport.estimate_lower_critical_field(*world.curve(noise, size, digits), correction="none")
        return {"H_c1": (found.entry_field, world.entry)}
    if kind == "return":
        world = Return(seed)
        found = transport.estimate_upper_critical_field(
            *world.curve(noise, size, digits), normal_resistance=1.0
        )
        return {"H_c2": (found.field, world.at(0.1))}
    world = Screening(seed)
    t, moment = world.curve(noise, size, digits)
    found = transport.estimate_transition(t, moment)
    stated_volume = world.volume * (1 + world.volume_error * world.rng.normal())
    stated_field = world.field * (1 + world.field_error * world.rng.normal())
    shielding = transport.estimate_shielding(
        estimate_plateau(t, moment, midpoint=found.midpoint),
        field=stated_field,
        volume=Quantity(stated_volume, world.volume_error * stated_volume, "m^3"),
        remanence=Quantity(0.0, world.field_error * stated_field, "A/m"),
        full_screening={"solved": Quantity(-1.1, 1e-4)},
        method="solved",
        length_factor=Quantity(1.0, 0.0),
    )
    return {"chi": (shielding.susceptibility, world.chi)}


KINDS = ("step", "entry", "return", "screening")


def pulls(kind, noise, size, seeds):
    """(estimate − truth)/σ of every seed by quantity, NaN where none was found."""
    found = [estimate(kind, noise, size, seed) for seed in range(seeds)]
    return {
        name: np.array([(float(f[name][0]) - f[name][1]) / f[name][0].uncertainty for f in found])
        for name in found[0]
    }
