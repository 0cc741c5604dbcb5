"""What is planted in the magneto-optical twin: the plate, its currents on ramps and cooling, the field above it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.constants import mu_0
from scipy.fft import irfft2, rfft2

from nbtools.physics.critical_state import plate_state
from nbtools.physics.current_sheet import (
    current_of,
    plate_field,
    resample_stream,
    share_of_sense,
    wave_numbers,
)
from nbtools.physics.domain import require_one_of
from nbtools.units import convert

Array = NDArray[np.float64]
World = Literal["paper", "granular", "two-to-one"]
# Of the virgin ramp that all Bean states derive from: fields over J_c times half the width, crowded at low field.
VIRGIN = 0.36 * np.linspace(0, 1, 19) ** 1.6


@dataclass(frozen=True)
class MagnetoOpticsWorld:
    """Every number of the magneto-optical twin, in SI; what the paper does not state is marked assumed.

    Worlds: "paper"; "granular" and "two-to-one", whose J_c is not uniform.
    """

    world: World = "paper"

    # The plate and its history (III.C).
    sides: tuple[float, float] = (4.1e-3, 4.8e-3)  # m, along x and y
    thickness: float = 0.5e-3  # m
    temperatures: tuple[float, ...] = (10.0, 30.0, 33.0, 35.0)  # K; 30 K is assumed
    ramp: tuple[float, ...] = (100.0, 200.0, 300.0, 400.0, 300.0, 200.0, 100.0, 0.0)  # Oe
    cooled_at: float = 5.0  # K, in the field
    cooling_field: float = convert(200.0, "Oe", "A/m")

    # J_c (A/m²) at each temperature, assumed: not full at 400 Oe and 33 K; at 35 K full below 200 Oe, without which a
    # ramp back from 400 Oe would not leave a rooftop.
    critical_currents: tuple[float, ...] = (2e9, 1.6e8, 7.5e7, 2.8e7)
    cooled_critical_current: float = 3e9
    # At the warmest temperature J_c falls with field and grows along x, so that the remanent ridge lies off centre.
    half_field: float = convert(1200.0, "Oe", "A/m")
    gradient: float = 0.15  # of J_c, from the middle to the edge along x

    # The microscope, assumed.
    pixel_size: float = 40e-6  # m, of the camera on the sample
    window: tuple[int, int] = (160, 160)  # pixels (y, x)
    gap: float = 10e-6  # m, from the plate to the middle of the magnetic film
    rotation: float = 0.35  # rad, Faraday rotation of the saturated film
    analyser: float = 0.30  # rad, from crossed polarisers
    anisotropy_field: float = 90e-3  # T
    light: float = 6.0e4  # counts at full transmission, in the middle
    dark: float = 400.0  # counts
    read_noise: float = 6.0  # counts
    averaged: int = 16  # exposures a frame
    calibration_fields: tuple[float, ...] = tuple(np.linspace(-600, 800, 15))  # Oe, at 60 K

    def __post_init__(self) -> None:
        require_one_of(get_args(World), world=self.world)
        if len(self.critical_currents) != len(self.temperatures):
            raise ValueError(
                f"{len(self.temperatures)} temperatures came with {len(self.critical_currents)} critical currents"
            )

    # ---- the plate on its own grid, coarser than the camera's

    @property
    def grid(self) -> float:
        """Side of a solver's pixel (m): 36 along the shorter side."""
        return min(self.sides) / 36

    @cached_property
    def outline(self) -> Array:
        """Distance to the edge in pixels of the solver's grid, positive on the plate."""
        x, y = (self._axis(side) for side in self.sides)
        inside = [side / 2 - np.abs(at) for side, at in zip(self.sides, (x, y), strict=True)]
        return np.minimum.outer(inside[1], inside[0]) / self.grid

    def _axis(self, side: float) -> Array:
        count = int(np.ceil(side / self.grid)) + 4
        return self.grid * (np.arange(count, dtype=np.float64) - (count - 1) / 2)

    def pattern(self) -> Array:
        """J_c over its mean on the solver's grid, of the worlds where it is not uniform."""
        x, y = np.meshgrid(self._axis(self.sides[0]), self._axis(self.sides[1]))
        if self.world == "two-to-one":
            return np.where(x < 0, 2 / 3, 4 / 3)
        if self.world == "granular":
            grain = 0.7e-3
            joint = (np.abs((x / grain) % 1 - 0.5) > 0.36) | (np.abs((y / grain) % 1 - 0.5) > 0.36)
            return np.where(joint, 0.55, 1.25)
        return np.ones_like(x)

    @cached_property
    def _virgin(self) -> Array:
        """Sheet stream function over J_c of the ramp from no field, after `VIRGIN`."""
        half = min(self.sides) / 2
        states = plate_state(
            self.outline,
            VIRGIN * half,
            critical_current=self.pattern(),
            pixel_size=self.grid,
            thickness=self.thickness,
            tolerance=1e-2,
        )
        return states.stream

    def virgin(self, field: float, critical_current: float) -> Array:
        """Sheet stream function (A) after zero-field cooling and a ramp to `field` (A/m), at Bean's constant J_c."""
        place = np.interp(
            abs(field) / critical_current / (min(self.sides) / 2), VIRGIN, np.arange(VIRGIN.size)
        )
        low = min(int(place), VIRGIN.size - 2)
        between = self._virgin[low] + (place - low) * (self._virgin[low + 1] - self._virgin[low])
        return np.sign(field) * critical_current * between

    def ramp_states(self, temperature: float) -> list[Array]:
        """Sheet stream function (A) at each field of the ramp."""
        fields = [convert(h, "Oe", "A/m") for h in self.ramp]
        current = self.critical_currents[self.temperatures.index(temperature)]
        if self.world == "paper" and temperature == max(self.temperatures):
            return list(self._kim(current, fields))
        top = max(fields)
        turn = fields.index(top)
        up = [self.virgin(h, current) for h in fields[: turn + 1]]
        # Bean's state after the turn: the virgin one at the top, less twice that of half the way back.
        down = [up[-1] - 2 * self.virgin((top - h) / 2, current) for h in fields[turn + 1 :]]
        return up + down

    def _kim(self, current: float, fields: list[float]) -> Array:
        x = self._axis(self.sides[0])
        density = np.broadcast_to(current * (1 + self.gradient * 2 * x / self.sides[0]), self.outline.shape)
        states = plate_state(
            self.outline,
            np.array([0.0, *fields]),
            critical_current=np.maximum(density, 0.1 * current),
            pixel_size=self.grid,
            thickness=self.thickness,
            tolerance=1e-2,
            half_field=self.half_field,
        )
        return states.stream[1:]

    def cooled_state(self) -> Array:
        """Sheet stream function after cooling in the field and taking it away: Bean's, for a change of −H."""
        return -self.virgin(self.cooling_field, self.cooled_critical_current)

    # ---- above the plate, on the camera's grid

    def currents(self, stream: Array) -> tuple[Array, Array]:
        """(j_x, j_y) in A/m², on the camera's grid, z-averaged."""
        y, x = (self.pixel_size * (np.arange(n) - (n - 1) / 2) for n in self.window)
        places = np.meshgrid(
            *(at / self.grid + (n - 1) / 2 for at, n in zip((y, x), stream.shape, strict=True)), indexing="ij"
        )
        inside = np.logical_and.outer(np.abs(y) < self.sides[1] / 2, np.abs(x) < self.sides[0] / 2)
        g = resample_stream(stream, self.outline, (places[0], places[1]), inside)
        return current_of(g / self.thickness, self.pixel_size)

    def clockwise_share(self, stream: Array) -> float:
        """Of the current around the plate."""
        y, x = (self.pixel_size * (np.arange(n) - (n - 1) / 2) for n in self.window)
        inside = np.logical_and.outer(np.abs(y) < self.sides[1] / 2, np.abs(x) < self.sides[0] / 2)
        return share_of_sense(*self.currents(stream), inside)

    def field(self, stream: Array, applied: float) -> Array:
        """B_z (T) at the film, the applied field (A/m) in it."""
        return self._cropped(self._wide_field(stream)) + mu_0 * applied

    def _wide_field(self, stream: Array) -> Array:
        """B_z of the currents on a window twice as wide, so that its Fourier transform may end there."""
        margins = [(n // 2, n // 2) for n in self.window]
        jx, jy = (np.pad(one, margins) for one in self.currents(stream))
        return plate_field(jx, jy, pixel_size=self.pixel_size, thickness=self.thickness, height=self.gap)

    def _cropped(self, wide: Array) -> Array:
        rows, columns = self.window
        return wide[rows // 2 : rows // 2 + rows, columns // 2 : columns // 2 + columns]

    def transmission(self, stream: Array, applied: float) -> Array:
        """Share of the light that passes: sin²(θ m_z + α), the film's moment turned up against its anisotropy and
        the in-plane field of the currents, which has the potential of B_z: B_∥(k) = −i (k/|k|) B_z(k)."""
        own = self._wide_field(stream)
        ky, kx, k = wave_numbers(own.shape, self.pixel_size)
        k[0, 0] = 1.0
        spectrum = rfft2(own)
        along = [self._cropped(irfft2(-1j * one / k * spectrum, s=own.shape)) for one in (kx, ky)]
        field = self._cropped(own) + mu_0 * applied
        tilt = field / np.hypot(field, self.anisotropy_field + np.hypot(*along))
        return np.sin(self.rotation * tilt + self.analyser) ** 2
