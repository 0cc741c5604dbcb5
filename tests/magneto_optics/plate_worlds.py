"""Plates with known currents under planted noise, made without the twin: another grid, another forward sum."""

import functools

import numpy as np

from nbtools import magneto_optics as mo
from nbtools.physics.current_sheet import current_of, plate_field, uniform_rectangle
from nbtools.units import Quantity

SIDE, PIXELS = 50e-6, 128  # m; of the camera's pixels, and how many
SIDES, THICKNESS, GAP = (4.1e-3, 4.8e-3), 0.5e-3, 10e-6
CURRENT = 4e7  # A/m²
OPTICS = {"pixel_size": SIDE, "height": GAP, "thickness": THICKNESS}
OUTLINE = mo.place_outline((PIXELS, PIXELS), SIDE, SIDES)
_Y, _X = SIDE * np.abs(np.mgrid[:PIXELS, :PIXELS] - (PIXELS - 1) / 2)
_EDGE = np.minimum(SIDES[0] / 2 - _X, SIDES[1] / 2 - _Y)
_DIAGONAL = np.abs((SIDES[0] / 2 - _X) - (SIDES[1] / 2 - _Y))
CORE = (_EDGE > 0.3e-3) & (_DIAGONAL > 0.3e-3) & (_X > 0.3e-3)
D_LINES = (_EDGE > 0.3e-3) & (_DIAGONAL < 0.1e-3)
RIM = np.abs(_EDGE) < 0.1e-3


@functools.cache
def _square(height: int):
    y, x = np.mgrid[:129, :129] - 64.0
    currents = current_of(np.maximum(40 - np.maximum(abs(x), abs(y)), 0), 1.0)
    return currents, plate_field(*currents, pixel_size=1.0, thickness=0, height=height)


def bean_square(height: int, percent: float, *, seed: int):
    """(j_x, j_y) and B_z of a square sheet of half width 40 in 129 pixels; noise in % of its largest."""
    currents, field = _square(height)
    noise = np.random.default_rng([seed, height]).normal(size=field.shape)
    return currents, field + percent / 100 * np.abs(field).max() * noise


def relative_error(found, currents) -> float:
    """L2 of both components over that of the truth."""
    differences = [np.sum((a - b) ** 2) for a, b in zip((found.jx, found.jy), currents, strict=True)]
    return float(np.sqrt(sum(differences) / sum(np.sum(one**2) for one in currents)))


@functools.cache
def full_plate():
    """Currents and own field of the full plate: summed on pixels of half the camera's, then averaged."""
    fine = uniform_rectangle((2 * PIXELS, 2 * PIXELS), SIDE / 2, SIDES)
    jx, jy = (CURRENT * one for one in current_of(fine, SIDE / 2))
    field = plate_field(jx, jy, pixel_size=SIDE / 2, thickness=THICKNESS, height=GAP)
    return tuple(mo.bin_map(one, 2) for one in (jx, jy, field))


def noisy_plate(*, seed: int, percent: float):
    """J_c, B_z of the full plate's currents with noise in % of its largest, and the optics to invert it."""
    field = full_plate()[2]
    noise = np.random.default_rng([seed, 11]).normal(size=field.shape)
    return CURRENT, field + percent / 100 * np.abs(field).max() * noise, OPTICS


def plate_current(seed: int) -> dict[str, Quantity]:
    """J_c by the geometry of the plate: full under 400 G, 1 % of noise, the outline as the camera sees it."""
    _, field, _ = noisy_plate(seed=seed, percent=1)
    fit = {"pixel_size": SIDE, "outline": OUTLINE, "thickness": THICKNESS, "height": GAP}
    return {"critical_current": mo.estimate_critical_current(0.04 - field, 0.04, **fit).critical_current}


def coverage(seed: int) -> dict[str, float]:
    """Share of the pixels of core, d-lines and rim whose |error| against the smoothed truth is under the stated σ."""
    jx, jy, _ = full_plate()
    _, field, optics = noisy_plate(seed=seed, percent=1)
    found = mo.invert_current(field, **optics)
    pulls = [
        np.abs(ours - true) / found.uncertainty
        for ours, true in zip((found.jx, found.jy), found.smooth(jx, jy), strict=True)
    ]
    parts = {"core": CORE, "d-lines": D_LINES, "rim": RIM}
    return {name: float(np.mean([one[part] < 1 for one in pulls])) for name, part in parts.items()}
