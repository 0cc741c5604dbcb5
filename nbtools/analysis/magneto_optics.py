"""Magneto-optics: calibration, current maps, J_c from the plate's geometry, ridge, homogeneity, behind one door."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from nbtools.analysis.current_homogeneity import Homogeneity, check_homogeneity, core_of
from nbtools.analysis.current_inversion import CurrentMap, invert_current, moment_of
from nbtools.analysis.flux_profiles import Profile, bin_map, find_ridge, line_profile, place_outline
from nbtools.analysis.indicator_calibration import (
    CalibratedField,
    calibrate,
    correct_in_plane_field,
    find_walls,
    in_plane_field,
)
from nbtools.analysis.plate_current import CriticalCurrent, estimate_critical_current, filled_plate
from nbtools.physics.superconductor import edge_barrier_factor
from nbtools.statistics.choice import largest_first
from nbtools.units import Quantity

__all__ = [
    "CalibratedField",
    "CriticalCurrent",
    "CurrentMap",
    "FluxMaps",
    "Homogeneity",
    "Profile",
    "bin_map",
    "calibrate",
    "check_homogeneity",
    "constant_current_range",
    "core_of",
    "correct_in_plane_field",
    "current_budget",
    "entry_field",
    "estimate_critical_current",
    "filled_plate",
    "find_ridge",
    "find_walls",
    "in_plane_field",
    "invert_current",
    "line_profile",
    "moment_of",
    "place_outline",
    "study_flux",
]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FluxMaps:
    """Calibrated maps of one history at one temperature.

    field : shape (n, y, x), T, the applied field in it; doubtful pixels filled, the film's in-plane field allowed for
    applied : shape (n,), T; temperature : K; pixel_size, height, thickness : m
    calibration : what `calibrate` said of these frames
    outline : shape (y, x), True on the sample
    """

    field: Array
    applied: Array
    temperature: float
    history: str
    pixel_size: float
    height: float
    thickness: float
    outline: NDArray[np.bool_]
    calibration: CalibratedField

    @property
    def top(self) -> int:
        """Index of the largest applied field, where the ramp turns."""
        return int(np.argmax(self.applied))

    @property
    def label(self) -> str:
        """``35 K`` or ``5 K, cooled in 0.02 T``."""
        return f"{self.temperature:g} K" + ("" if self.history.startswith("zero") else f", {self.history}")

    def own_field(self, index: int) -> Array:
        """B_z of the currents alone (T)."""
        return self.field[index] - self.applied[index]

    def currents(self, index: int, **options: Any) -> CurrentMap:
        """The current map of one frame; options as `invert_current` has them."""
        at = {"pixel_size": self.pixel_size, "height": self.height, "thickness": self.thickness}
        return invert_current(self.own_field(index), **{**at, **options})

    def across(self, values: Array, *, width: float = 0.0) -> Profile:
        """Along x through the middle of the sample, with distances from that middle."""
        rows, columns = np.nonzero(self.outline)
        y, x = rows.mean() * self.pixel_size, columns.mean() * self.pixel_size
        end = (self.outline.shape[1] - 1) * self.pixel_size
        found = line_profile(values, (0.0, y), (end, y), pixel_size=self.pixel_size, width=width)
        return Profile(found.distance - x, found.field, found.uncertainty)

    @property
    def half_width(self) -> float:
        """Of the sample along x (m)."""
        return float(np.ptp(np.nonzero(self.outline)[1]) + 1) * self.pixel_size / 2

    def critical_current(self, indices: Sequence[int] | None = None) -> CriticalCurrent:
        """J_c of the frames of the ramp up (or `indices`)."""
        chosen = list(range(self.top + 1)) if indices is None else list(indices)
        return estimate_critical_current(
            self.field[chosen],
            self.applied[chosen],
            pixel_size=self.pixel_size,
            outline=self.outline,
            thickness=self.thickness,
            height=self.height,
        )

    def ridge(self, index: int = -1, *, width: float = 0.4e-3) -> Quantity:
        """Where the current of a remanent frame turns round, from the middle along x (m)."""
        found = self.currents(index)
        profile = self.across(found.jy, width=width)
        edges = (-self.half_width, self.half_width)
        return find_ridge(profile.distance, profile.field, edges=edges, resolution=found.resolution)

    def trapped(self, index: int = -1) -> Quantity:
        """Mean and scatter of B_z over the inner half of the sample (T)."""
        rows, columns = (np.ptp(one) / 4 for one in np.nonzero(self.outline))
        y, x = (one.mean() for one in np.nonzero(self.outline))
        grid_y, grid_x = np.indices(self.outline.shape)
        inner = self.field[index][(np.abs(grid_y - y) < rows) & (np.abs(grid_x - x) < columns)]
        return Quantity(float(inner.mean()), float(inner.std()), "T")


def study_flux(
    series: Sequence[Any],
    calibration: Any,
    *,
    sides: tuple[float, float] | None = None,
    thickness: float,
    outline: NDArray[np.bool_] | None = None,
    height: float | None = None,
    pixel_size: float | None = None,
    **options: Any,
) -> list[FluxMaps]:
    """Calibrate every series with the frames above T_c.

    Parameters
    ----------
    series, calibration : with counts, applied, temperature, history, pixel_size, height, anisotropy_field
    sides : m, along x and y, of a rectangular plate in the middle of the image; or `outline`, shape (y, x)
    thickness, height, pixel_size : m; the latter two where the series do not say or are not to be believed
    options : of `calibrate`

    Raises
    ------
    ValueError
        Neither sides nor outline; no pixel size or height; and what `calibrate` refuses.
    """
    found = []
    for one in series:
        side, gap = pixel_size or one.pixel_size, one.height if height is None else height
        if not (side > 0 and gap >= 0):
            raise ValueError(
                f"{one.name} states a pixel size of {side} m and an indicator height of {gap} m; give PIXEL_SIZE and "
                "HEIGHT, or write them beside the frames"
            )
        known = calibrate(one.counts, calibration.counts, calibration.applied, **options)
        field = known.filled
        if np.isfinite(one.anisotropy_field):
            film = {"pixel_size": side, "anisotropy_field": one.anisotropy_field}
            field = correct_in_plane_field(field, one.applied, **film)
        if outline is None and sides is None:
            raise ValueError("the outline of the sample is not known; give its sides on the card, or OUTLINE")
        mask = (
            np.asarray(outline, bool)
            if outline is not None
            else place_outline(field.shape[1:], side, sides or (0, 0))
        )
        if mask.shape != field.shape[1:]:
            raise ValueError(
                f"the outline has the shape {mask.shape}, the frames {field.shape[1:]}; use one crop"
            )
        found.append(
            FluxMaps(field, one.applied, one.temperature, one.history, side, gap, thickness, mask, known)
        )
    return found


def constant_current_range(
    found: dict[float, CriticalCurrent], *, sigmas: float = 3.0, least: float = 2.0
) -> tuple[Quantity, Quantity]:
    """The highest temperature whose J_c does not hang on the field, and the lowest whose J_c falls with it (K).

    A slope d ln J_c/dB of `sigmas` standard deviations below zero counts as falling, if it is also steeper than
    `least` (1/T: 8 % over 400 G, twice what the fit makes of a constant J_c). The change may lie
    anywhere between the temperatures tried, which is a standard deviation of their distance over √12.
    """
    falls = {
        t: f.field_slope < -max(sigmas * f.field_slope.uncertainty, least)
        for t, f in found.items()
        if np.isfinite(f.field_slope)
    }
    falling = sorted(t for t, yes in falls.items() if yes)
    steady = sorted(t for t, yes in falls.items() if not yes and (not falling or t < falling[0]))
    gap = (falling[0] - steady[-1]) / np.sqrt(12) if falling and steady else np.nan
    first, last = steady[-1] if steady else np.nan, falling[0] if falling else np.nan
    return Quantity(first, gap, "K"), Quantity(last, gap, "K")


def current_budget(
    maps: FluxMaps, *, gap: float = 5e-6, thickness: float = 0.01e-3, film: float = 0.1
) -> dict[str, float]:
    """Relative change of J_c when one input moves: gap, thickness (m), anisotropy field (share), outline, noise.

    The frame is that of the largest field; the outline moves by half a pixel on every side.
    """
    top = maps.top
    best = float(maps.critical_current([top]).critical_current)
    held = maps.own_field(top) + maps.applied[top] * film * in_plane_field(maps.own_field(top)) / 0.09
    moved = {
        "gap of the indicator": replace(maps, height=maps.height + gap),
        "thickness of the plate": replace(maps, thickness=maps.thickness + thickness),
        "film's anisotropy field": replace(
            maps, field=np.array([held + maps.applied[top]]), applied=maps.applied[[top]]
        ),
        "outline": replace(maps, outline=binary_dilation(maps.outline)),
    }
    budget = {}
    for name, one in moved.items():
        index = min(top, one.applied.size - 1)
        change = abs(float(one.critical_current([index]).critical_current) / best - 1)
        budget[name] = change / 2 if name == "outline" else change
    budget["camera noise and misfit"] = float(maps.critical_current([top]).each_uncertainty[0]) / best
    return largest_first(budget)


def entry_field(lower_critical_field: Quantity, *, width: float, thickness: float) -> Quantity:
    """Field (A/m) at which flux enters a flat plate of this width and thickness past its edge barrier (Brandt 1999)."""
    factor = float(edge_barrier_factor(thickness / width, shape="bar"))
    value, sigma = float(lower_critical_field), lower_critical_field.uncertainty
    return Quantity(factor * value, factor * sigma, "A/m")
