"""The critical state of a plate in perpendicular field: flux that creeps in against E = E_c (J/J_c)ⁿ, solved by FFT.

Brandt (1995) and Vestgården et al. (2013): the stream function G of the sheet current obeys
µ0 (dH/dt + Q dG/dt) = ∇·(ρ ∇G), with G = 0 outside the sample. Every evaluation of dG/dt inverts Q on the sample by
conjugate gradients whose every step is two pairs of FFTs: O(N log N) for N pixels. Time runs by a stabilised
Runge-Kutta-Chebyshev method, since the equation is stiff and its spectrum real and negative.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import mu_0
from scipy.fft import irfft2, next_fast_len, rfft2
from scipy.ndimage import distance_transform_edt

from nbtools.cache import cached
from nbtools.physics.current_sheet import current_of, plate_field, wave_numbers
from nbtools.physics.domain import require_not_negative, require_positive
from nbtools.physics.open_kernel import mean_response, open_kernel

Array = NDArray[np.float64]
LEAST_PIXEL = 0.25  # of a pixel: with less of it in the sample it counts as outside


@dataclass(frozen=True)
class PlateStates:
    """States of a plate along a history of the applied field.

    applied : shape (n,), A/m
    stream : shape (n, y, x), sheet stream function G (A); J = curl(G ẑ)/thickness
    outline : shape (y, x), where the sample is
    thickness, pixel_size : m; of a sheet the thickness is 0
    """

    applied: Array
    stream: Array
    outline: NDArray[np.bool_]
    thickness: float
    pixel_size: float

    def current(self, index: int) -> tuple[Array, Array]:
        """(j_x, j_y) of one state: A/m², or A/m for a sheet."""
        return current_of(self.stream[index] / (self.thickness or 1.0), self.pixel_size)

    def field(self, index: int, *, height: float, uniform: float | None = None) -> Array:
        """B_z (T) at a height above the top face: the currents' and `uniform` (A/m; by default the applied field)."""
        jx, jy = self.current(index)
        own = plate_field(jx, jy, pixel_size=self.pixel_size, thickness=self.thickness, height=height)
        return own + mu_0 * (float(self.applied[index]) if uniform is None else uniform)

    @property
    def moment(self) -> Array:
        """Magnetic moment of each state, ∫ G dA (A m²)."""
        return self.stream.sum(axis=(1, 2)) * self.pixel_size**2


def plate_state(
    outline: ArrayLike,
    applied: ArrayLike,
    *,
    critical_current: ArrayLike,
    pixel_size: float,
    thickness: float,
    half_field: float = np.inf,
    exponent: float = 35.0,
    tolerance: float = 3e-3,
) -> PlateStates:
    """States of a plate whose applied field goes through `applied`, without current at the first of its values.

    Starting at 0 it was cooled without field; starting at H it was cooled in H, with its flux frozen in.

    Parameters
    ----------
    outline : shape (y, x), True on the sample, whose edge then runs between two pixels; or the distance to the edge in
        pixels, positive inside, for an edge anywhere. At least one pixel of margin on each side
    applied : shape (n,), A/m; the field runs in a straight line from one value to the next
    critical_current : J_c (A/m²; of a sheet A/m), one number or a map (y, x)
    pixel_size, thickness : m; thickness 0 is a sheet
    half_field : A/m at which Kim's J_c/(1 + |B|/µ0 H) is halved; infinite is Bean's constant J_c
    exponent : n; J_c is met at a third of the electric field at the rim, so that Bean's current is hit on average
    tolerance : error a step, relative to J_c d times the half width

    Raises
    ------
    ValueError
        A sample that touches the rim of the map, a history of fewer than two fields, values outside their range.
    """
    distance = signed_distance(outline)
    mask = distance > LEAST_PIXEL
    history = np.atleast_1d(np.asarray(applied, float))
    _check_sample(mask, history)
    require_positive(pixel_size=pixel_size, half_field=half_field, exponent=exponent, tolerance=tolerance)
    require_not_negative(thickness=thickness)
    density = np.broadcast_to(np.asarray(critical_current, float), mask.shape)
    require_positive(critical_current=density[mask])
    stream = _solve(
        distance,
        history,
        np.ascontiguousarray(density),
        pixel_size,
        thickness,
        half_field,
        exponent,
        tolerance,
    )
    return PlateStates(history, stream, mask, thickness, pixel_size)


def _check_sample(mask: NDArray[np.bool_], history: Array) -> None:
    if mask.ndim != 2 or not mask.any():
        raise ValueError(
            f"the outline has the shape {mask.shape} with {mask.sum()} pixels of sample; a map (y, x) is needed"
        )
    if mask[[0, -1]].any() or mask[:, [0, -1]].any():
        raise ValueError(
            "the sample touches the rim of the map; leave a margin of at least one pixel around it"
        )
    if history.ndim != 1 or history.size < 2 or not np.isfinite(history).all():
        raise ValueError(
            f"applied is {history}; at least two finite fields are needed, the first without current"
        )


@cached
def _solve(
    distance: Array,
    history: Array,
    density: Array,
    pixel_size: float,
    thickness: float,
    half_field: float,
    exponent: float,
    tolerance: float,
) -> Array:
    plate = CreepingPlate(distance, density, pixel_size, thickness, half_field, exponent)
    states = [np.zeros(distance.shape)]
    for start, end in pairwise(history):
        states.append(plate.ramp(states[-1], float(start), float(end), tolerance))
    return np.array(states)


@dataclass
class CreepingPlate:
    """dG/dt of one plate; time is counted in A/m of applied field, so a ramp of 1 A/m takes one unit."""

    distance: Array  # to the edge in pixels, positive inside
    density: Array
    pixel_size: float
    thickness: float
    half_field: float = np.inf
    exponent: float = 35.0
    evaluations: int = 0
    _guess: Any = None
    _step: float = 0.0
    kernel: Array = field(init=False)
    mask: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.mask = self.distance > LEAST_PIXEL
        self._shape = tuple(next_fast_len(2 * n, real=True) for n in self.mask.shape)
        self.kernel = open_kernel(self.mask.shape, self._shape, self.pixel_size, self.thickness)
        k = wave_numbers(self._shape, self.pixel_size)[2]
        k[0, 0] = k[0, 1]
        self._inverse = 1.0 / mean_response(k, self.thickness)
        # Across the edge G falls to 0 within the part of a pixel that is still sample.
        self._steepness = [1 / (_parts(self.distance, self.mask, axis) * self.pixel_size) for axis in (0, 1)]
        rows, columns = (np.ptp(axis) + 1 for axis in np.nonzero(self.mask))
        self.half_width = min(rows, columns) * self.pixel_size / 2
        self.sheet_current = self.density * (self.thickness or 1.0)
        # E at the rim of a plate that fills at the rate 1 is about µ0 a/2.
        self.criterion = mu_0 * self.half_width / 6
        self.scale = float(self.sheet_current[self.mask].mean()) * self.half_width

    def magnetisation_field(self, stream: Array) -> Array:
        """Q G: the currents' field (A/m) averaged over the thickness."""
        return self._apply(self.kernel, stream)

    def rate(self, stream: Array, applied: float, sweep: float) -> Array:
        """dG/dt at a stream function, an applied field and its rate of change (±1)."""
        self.evaluations += 1
        drive = self._flow(stream, applied) / mu_0 - sweep
        return self._invert(np.where(self.mask, drive, 0.0))

    def ramp(self, stream: Array, start: float, end: float, tolerance: float) -> Array:
        """From one applied field to the next, in steps that keep the error."""
        now, sweep = start, np.sign(end - start)
        self._guess = None
        step = self._step or self.scale / self.half_width / 50
        while abs(end - now) > 1e-9 * self.scale / self.half_width:
            step = min(step, abs(end - now))
            with np.errstate(over="ignore", invalid="ignore"):
                fresh, error = self._chebyshev_step(stream, now, sweep, step)
            error /= tolerance * self.scale
            if not np.isfinite(error):  # so long a step has no end; nothing of it may start the next
                error, self._guess = np.inf, None
            if error <= 1:
                stream, now = fresh, now + sweep * step
                self._step = step
            step = _one_of_few(step * float(np.clip(0.8 * max(error, 1e-6) ** (-1 / 3), 0.3, 2.0)))
        return stream

    # ---- the electric field

    def _flow(self, stream: Array, applied: float) -> Array:
        """∇·(ρ ∇G), with the current at the corners between four pixels."""
        along_y, along_x = (np.diff(stream, axis=axis) * self._steepness[axis] for axis in (0, 1))
        square = _corners(along_y**2, 1) + _corners(along_x**2, 0)
        resistance = self._resistance(square, stream, applied)
        padded = np.pad(resistance, 1, mode="edge")
        flux_y = along_y * (padded[1:-1, :-1] + padded[1:-1, 1:]) / 2
        flux_x = along_x * (padded[:-1, 1:-1] + padded[1:, 1:-1]) / 2
        self.stiffness = 8 * self.exponent * float(resistance.max()) / mu_0 / self.pixel_size**2
        return (
            np.diff(np.pad(flux_y, ((1, 1), (0, 0))), axis=0) / self.pixel_size
            + np.diff(np.pad(flux_x, ((0, 0), (1, 1))), axis=1) / self.pixel_size
        )

    def _resistance(self, square: Array, stream: Array, applied: float) -> Array:
        """(E_c/J_c)(J/J_c)^(n−1) at the corners; Kim's J_c needs the field there."""
        critical = self.sheet_current
        if np.isfinite(self.half_field):
            critical = critical / (1 + np.abs(applied + self.magnetisation_field(stream)) / self.half_field)
        critical = _corners(_corners(critical, 0), 1)
        # Twice J_c is never met in a solution; a trial step that goes there must not overflow.
        ratio = np.minimum(square / critical**2, 2.0)
        return self.criterion / critical * ratio ** ((self.exponent - 1) / 2)

    # ---- the inverse of Q on the sample

    def _apply(self, transfer: Array, values: Array) -> Array:
        rows, columns = self.mask.shape
        return irfft2(transfer * rfft2(values, s=self._shape), s=self._shape)[:rows, :columns]

    def _restricted(self, transfer: Array, values: Array) -> Array:
        return np.where(self.mask, self._apply(transfer, values), 0.0)

    def _invert(self, drive: Array, accuracy: float = 1e-3) -> Array:
        """Solve (Q x) = drive on the sample, x = 0 outside, by preconditioned conjugate gradients from the last x."""
        x = np.zeros_like(drive) if self._guess is None else self._guess
        rest = drive - self._restricted(self.kernel, x)
        goal = accuracy * max(_dot(drive, drive) ** 0.5, 1e-30)
        step, before = np.zeros_like(drive), 1.0
        for _ in range(60):
            if _dot(rest, rest) ** 0.5 < goal:
                break
            improved = self._restricted(self._inverse, rest)
            now = _dot(rest, improved)
            step = improved + (now / before) * step
            response = self._restricted(self.kernel, step)
            length = now / _dot(step, response)
            x, rest, before = x + length * step, rest - length * response, now
        self._guess = x
        return x

    # ---- the clock

    def _chebyshev_step(self, stream: Array, now: float, sweep: float, step: float) -> tuple[Array, float]:
        """One Runge-Kutta-Chebyshev step of second order (Verwer, Hundsdorfer & Sommeijer 1990), and its error."""
        first = self.rate(stream, now, sweep)
        largest = self.stiffness * float(self._inverse[-1, -1] if self.thickness else self._inverse.max())
        stages = max(2, int(np.ceil(np.sqrt(1 + 1.54 * step * largest))))
        w0 = 1 + 2 / (13 * stages**2)
        value, slope, curve = _chebyshev(stages, w0)
        w1 = slope[-1] / curve[-1]
        b = np.zeros(stages + 1)
        b[2:] = curve[2:] / slope[2:] ** 2
        b[0] = b[1] = b[2]
        time = w1 * curve / np.where(slope == 0, 1, slope)
        time[0], time[1] = 0.0, w1 * b[1]
        older, newer = stream, stream + b[1] * w1 * step * first
        for j in range(2, stages + 1):
            mu, nu = 2 * b[j] * w0 / b[j - 1], -b[j] / b[j - 2]
            drive = 2 * b[j] * w1 / b[j - 1]
            gamma = -(1 - b[j - 1] * value[j - 1]) * drive
            rate = self.rate(newer, now + sweep * step * time[j - 1], sweep)
            mixed = (1 - mu - nu) * stream + mu * newer + nu * older + step * (drive * rate + gamma * first)
            older, newer = newer, mixed
        last = self.rate(newer, now + sweep * step, sweep)
        error = 0.8 * (stream - newer) + 0.4 * step * (first + last)
        return newer, float(np.abs(error).max())


def signed_distance(outline: ArrayLike) -> Array:
    """Pixels to the edge of a mask, positive inside; a distance passes as it is."""
    given = np.asarray(outline)
    if given.dtype.kind == "f":
        return given
    mask = given.astype(bool)
    return np.where(mask, distance_transform_edt(mask) - 0.5, 0.5 - distance_transform_edt(~mask))


def _parts(distance: Array, mask: NDArray[np.bool_], axis: int) -> Array:
    """Of the step between neighbours, the part that is sample: 1 inside, less (or a little more) across the edge."""
    low, high = np.moveaxis(distance, axis, 0)[:-1], np.moveaxis(distance, axis, 0)[1:]
    inner, outer = np.maximum(low, high), np.minimum(low, high)
    crossing = np.diff(np.moveaxis(mask, axis, 0), axis=0)
    part = np.where(crossing, inner / np.maximum(inner - outer, 1e-9), 1.0)
    return np.moveaxis(np.clip(part, LEAST_PIXEL, 1.5), 0, axis)


def _chebyshev(order: int, x: float) -> tuple[Array, Array, Array]:
    """T_j, T_j′ and T_j″ at x for j = 0 … order."""
    value, slope, curve = (np.zeros(order + 1) for _ in range(3))
    value[:2], slope[1] = (1.0, x), 1.0
    for j in range(2, order + 1):
        value[j] = 2 * x * value[j - 1] - value[j - 2]
        slope[j] = 2 * value[j - 1] + 2 * x * slope[j - 1] - slope[j - 2]
        curve[j] = 4 * slope[j - 1] + 2 * x * curve[j - 1] - curve[j - 2]
    return value, slope, curve


def _corners(values: Array, axis: int) -> Array:
    """Mean of neighbours along an axis."""
    low, high = (
        np.take(values, range(values.shape[axis] - 1), axis),
        np.take(values, range(1, values.shape[axis]), axis),
    )
    return (low + high) / 2


def _one_of_few(step: float) -> float:
    """The next shorter step of eight to the octave.

    A step that follows the last bits of an error passes them on, larger, to all steps after it.
    """
    return float(2 ** (np.floor(8 * np.log2(step)) / 8))


def _dot(one: Array, other: Array) -> float:
    """The inner product by a plain sum, whose bits do not hang on the machine's BLAS."""
    return float(np.sum(one * other))
