"""The plate seen through the gap on the grid of one map: what all frames share, and fits on the sample only."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, next_fast_len, rfft2

from nbtools.analysis.inversion_strength import Rings
from nbtools.physics.current_sheet import current_transfer, wave_numbers
from nbtools.statistics.choice import nearest_whole

Array = NDArray[np.float64]
MOST_STEPS = 60


def padded_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """Twice the map, rounded up to a length that transforms fast."""
    rows, columns = (next_fast_len(2 * n, real=True) for n in shape)
    return rows, columns


@dataclass(frozen=True)
class Optics:
    """All that does not hang on the map: the same for every frame of a ramp, so it is kept."""

    shape: tuple[int, int]
    ky: Array
    kx: Array
    k: Array
    transfer: Array
    square: Array  # T²
    penalty: Array  # k³
    ring: NDArray[np.intp]
    weight: Array
    radius: Array
    radial: Array  # T in the rings
    count: Array

    def rings(self, spectrum: Any) -> Rings:
        power = np.bincount(self.ring, self.weight * (spectrum.real**2 + spectrum.imag**2).ravel())
        known = np.flatnonzero(self.count)[1:]
        radius = self.radius[known]
        return Rings(radius, self.count[known], power[known] / self.count[known], self.radial[known])

    def damped(self, strength: float) -> Array:
        return self.square + strength * self.penalty


@lru_cache(maxsize=4)
def lay_out(shape: tuple[int, int], side: float, height: float, thickness: float) -> Optics:
    padded = padded_shape(shape)
    ky, kx, k = wave_numbers(padded, side)
    step = min(ky[1, 0], kx[0, 1])
    ring = nearest_whole(k / step).ravel()
    # Each mode off the first and last column stands for its conjugate, too.
    weight = np.full(k.shape, 2.0)
    weight[:, 0] = 1.0
    if padded[1] % 2 == 0:
        weight[:, -1] = 1.0
    transfer = current_transfer(k, thickness=thickness, height=height)
    count = np.asarray(np.bincount(ring, weight.ravel()), np.float64)
    radius = step * np.arange(count.size)
    radial = current_transfer(radius, thickness=thickness, height=height)
    # Nothing is asked at k = 0; a value there only spares a division by zero.
    k[0, 0] = step
    return Optics(padded, ky, kx, k, transfer, transfer**2, k**3, ring, weight.ravel(), radius, radial, count)


def constrain_to_sample(
    stream: Any, field: Array, optics: Optics, damped: Array, inside: NDArray[np.bool_]
) -> Any:
    """The stream function of least squares that is 0 off the sample, by preconditioned conjugate gradients."""
    rows, columns = inside.shape
    square = optics.k**2
    penalty, inverse = (damped - optics.square) * square, 1 / (damped * square)

    def on_sample(values: Any) -> Array:
        return np.where(inside, irfft2(values, s=optics.shape)[:rows, :columns], 0.0)

    def forward(values: Array) -> Any:
        return rfft2(values, s=optics.shape)

    def explain(values: Any) -> Array:
        return irfft2(optics.k * optics.transfer * values, s=optics.shape)[:rows, :columns]

    def respond(values: Array) -> Array:
        # The map says nothing outside itself, so the misfit is cut to it.
        spectrum = forward(values)
        return on_sample(optics.k * optics.transfer * forward(explain(spectrum)) + penalty * spectrum)

    x = on_sample(stream)
    rest = on_sample(optics.k * optics.transfer * forward(field)) - respond(x)
    goal, before, step = 1e-4 * float(np.linalg.norm(rest)), 1.0, np.zeros(inside.shape)
    for _ in range(MOST_STEPS):
        better = on_sample(inverse * forward(rest))
        now = float(np.vdot(rest, better))
        step = better + (now / before) * step
        response = respond(step)
        length = now / float(np.vdot(step, response))
        x, rest, before = x + length * step, rest - length * response, now
        if np.linalg.norm(rest) <= goal:
            break
    return forward(x)
