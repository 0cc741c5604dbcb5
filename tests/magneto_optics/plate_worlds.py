"""Plates with known currents under planted noise, made without the twin: another grid, another forward sum."""

import functools

import numpy as np

from nbtools import magneto_optics as mo
from nbtools.magneto_optics.flux import shared_error
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


# Noise in % of the largest field of the currents, and the gap (m) that the indicator has.
CONDITIONS = [(percent, gap) for percent in (0.5, 1.0, 3.0) for gap in (10e-6, 30e-6, 60e-6)]


@functools.cache
def full_plate(gap: float = GAP):
    """Currents and own field of the full plate: summed on pixels of half the camera's, then averaged."""
    fine = uniform_rectangle((2 * PIXELS, 2 * PIXELS), SIDE / 2, SIDES)
    jx, jy = (CURRENT * one for one in current_of(fine, SIDE / 2))
    field = plate_field(jx, jy, pixel_size=SIDE / 2, thickness=THICKNESS, height=gap)
    return tuple(mo.bin_map(one, 2) for one in (jx, jy, field))


def noisy_plate(*, seed: int, percent: float, gap: float = GAP):
    """J_c, B_z of the full plate's currents with noise in % of its largest, and the optics to invert it."""
    field = full_plate(gap)[2]
    noise = np.random.default_rng([seed, 11]).normal(size=field.shape)
    return CURRENT, field + percent / 100 * np.abs(field).max() * noise, OPTICS | {"height": gap}


def plate_current(seed: int, *, percent: float = 1.0, gap: float = GAP) -> dict[str, Quantity]:
    """J_c by the geometry of the plate: full under 400 G, noise, the outline as the camera sees it."""
    _, field, optics = noisy_plate(seed=seed, percent=percent, gap=gap)
    found = mo.estimate_critical_current(0.04 - field, 0.04, outline=OUTLINE, **optics)
    return {"critical_current": found.critical_current}


def current_of_a_users_plate(
    seed: int, *, percent: float, gap: float, pixels: int = PIXELS
) -> dict[str, Quantity]:
    """J_c as a user has it: the plate lies anywhere between pixels, and is as thick as its card says within 2 %.

    Its outline is of the pixels that lie inside by more than a half in steps of a half: small by a quarter a side.
    """
    side = SIDE * PIXELS / pixels
    rng = np.random.default_rng([seed, 12])
    thick = THICKNESS + 0.01e-3 * rng.normal()
    y, x = (side / 2 * (np.arange(2 * pixels) - pixels + 0.5 + s) for s in rng.uniform(-1, 1, 2))
    inside = np.minimum.outer(SIDES[1] / 2 - np.abs(y), SIDES[0] / 2 - np.abs(x))
    jx, jy = (CURRENT * one for one in current_of(np.maximum(inside, 0.0), side / 2))
    own = mo.bin_map(plate_field(jx, jy, pixel_size=side / 2, thickness=thick, height=gap), 2)
    own = own + percent / 100 * np.abs(own).max() * rng.normal(size=own.shape)
    outline = mo.bin_map(inside > 0, 2) > 0.5
    maps = mo.FluxMaps(
        (0.04 - own)[None], np.array([0.04]), 35.0, "zero-field cooled", side, gap, THICKNESS, outline
    )
    found = maps.critical_current().critical_current
    shared = shared_error(maps, thickness=0.01e-3)
    return {"critical_current": found.widened(shared * float(found))}


def coverage(seed: int, *, percent: float = 1.0, gap: float = GAP) -> dict[str, float]:
    """Share of the pixels of core, d-lines and rim whose |error| against the smoothed truth is under the stated σ."""
    jx, jy, _ = full_plate(gap)
    _, field, optics = noisy_plate(seed=seed, percent=percent, gap=gap)
    found = mo.invert_current(field, **optics)
    pulls = [
        np.abs(ours - true) / found.uncertainty
        for ours, true in zip((found.jx, found.jy), found.smooth(jx, jy), strict=True)
    ]
    parts = {"core": CORE, "d-lines": D_LINES, "rim": RIM}
    return {name: float(np.mean([one[part] < 1 for one in pulls])) for name, part in parts.items()}
