"""Magneto-optics under the hand: ramp the field, draw a line, turn the strength of the inversion."""

from typing import Any

import numpy as np

from nbtools.analysis.current_inversion import CurrentMap
from nbtools.analysis.magneto_optics import FluxMaps, bin_map, line_profile, moment_of
from nbtools.explore.plots import Plot
from nbtools.explore.sliders import Explorer
from nbtools.units import Quantity

Array = np.ndarray[Any, np.dtype[np.float64]]


def _picture(maps: FluxMaps, values: Array, **options: Any) -> Plot:
    """A map with its axes in mm from the middle, y upward."""
    rows, columns = (1e3 * n * maps.pixel_size / 2 for n in values.shape)
    # On a small panel two pixels by two are one.
    values = bin_map(values, 2) if min(values.shape) > 128 else values
    axes = {"x_label": "x", "y_label": "y", "x_unit": "mm", "y_unit": "mm"}
    return Plot(image=values[::-1], extent=(-columns, columns, rows, -rows), **{**axes, **options})


def state_at(
    maps: FluxMaps, current_maps: list[CurrentMap], moments: Array, *, frame: int = 0
) -> dict[str, Any]:
    """One stored frame of a ramp: flux, current, profile, and the loop of its moments.

    Parameters
    ----------
    maps : the calibrated ramp
    current_maps : its current map of every frame
    moments : shape (n,), A m², of the currents in every frame
    frame : which one
    """
    index = min(frame, maps.applied.size - 1)
    profile = maps.across(maps.field[index], width=0.2e-3)
    applied = maps.applied
    own = {"x_label": "x", "y_label": "B_z", "x_unit": "mm", "y_unit": "T"}
    loop = {"x_label": "µ0 H", "y_label": "moment", "x_unit": "T", "y_unit": "A m^2"}
    here = (applied[index : index + 1], moments[index : index + 1], "o")
    return {
        "flux": _picture(maps, maps.field[index], limits=(float(maps.field.min()), float(maps.field.max()))),
        "current": _picture(maps, current_maps[index].magnitude, colours="magma"),
        "profile": Plot({"B_z": (1e3 * profile.distance, profile.field)}, **own),
        "loop": Plot({"all": (applied, moments), "here": here}, **loop),
        "applied field": Quantity(float(applied[index]), np.nan, "T"),
        "moment": Quantity(float(moments[index]), np.nan, "A m^2"),
    }


def explore_ramp(maps: FluxMaps) -> Explorer:
    """The field of a ramp under the hand, over frames that are inverted once."""
    current_maps = [maps.currents(index) for index in range(maps.applied.size)]
    moments = np.array([moment_of(one) for one in current_maps])
    last = max(float(maps.applied.size - 1), 1.0)  # a slider needs two ends, even over a single frame
    return Explorer(
        state_at,
        fixed={"maps": maps, "current_maps": current_maps, "moments": moments},
        ranges={"frame": (0.0, last)},
        values={"frame": float(maps.top)},
        labels={"frame": "frame of the ramp"},
    )


def line_at(
    field: Array,
    current: Array,
    maps: FluxMaps,
    *,
    middle: float = 0.0,
    angle: float = 0.0,
    length: float = 4.0,
) -> dict[str, Any]:
    """B_z and |J| along a line, and J_c as the mean of |J| on it.

    Parameters
    ----------
    field, current : shape (y, x), T and A/m²
    middle : mm, how far above the middle of the image the line passes
    angle : of the line against x, in degrees
    length : mm
    """
    rows, columns = field.shape
    centre = np.array([(columns - 1) / 2, (rows - 1) / 2]) * maps.pixel_size + np.array([0.0, 1e-3 * middle])
    along = 0.5e-3 * length * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    limit = (np.array([columns, rows]) - 1) * maps.pixel_size
    start, end = (np.clip(centre + s * along, 0, limit) for s in (-1, 1))
    ends = {"pixel_size": maps.pixel_size, "width": 0.1e-3}
    flux, density = (line_profile(one, tuple(start), tuple(end), **ends) for one in (field, current))
    shown = 1e3 * (np.array([start, end]) - (limit / 2))
    axes = {"x_label": "along the line", "x_unit": "mm"}
    half = density.field > 0.5 * np.percentile(density.field, 95)
    return {
        "flux": _picture_with(maps, field, shown),
        "B_z": Plot({"B_z": (1e3 * flux.distance, flux.field)}, y_label="B_z", y_unit="T", **axes),
        "J": Plot({"J": (1e3 * density.distance, density.field)}, y_label="|J|", y_unit="A/m^2", **axes),
        "mean |J|": Quantity(float(density.field[half].mean()), float(density.field[half].std()), "A/m^2"),
    }


def _picture_with(maps: FluxMaps, values: Array, ends: Array) -> Plot:
    drawn = _picture(maps, values)
    return Plot(
        {"line": (ends[:, 0], ends[:, 1])},
        x_label=drawn.x_label,
        y_label=drawn.y_label,
        x_unit="mm",
        y_unit="mm",
        image=drawn.image,
        extent=drawn.extent,
    )


def explore_line(maps: FluxMaps, index: int) -> Explorer:
    """A line across one frame: its height, its angle, its length."""
    fixed = {"field": maps.field[index], "current": maps.currents(index).magnitude, "maps": maps}
    reach = 0.4e3 * maps.pixel_size * min(maps.field.shape[1:])
    return Explorer(
        line_at,
        fixed=fixed,
        ranges={"middle": (-reach, reach), "angle": (-90.0, 90.0), "length": (1.0, 2.2 * reach)},
        labels={"middle": "height of the line (mm)", "angle": "angle (°)", "length": "length (mm)"},
    )


def inversion_at(maps: FluxMaps, index: int, automatic: float, *, strength: float = 0.0) -> dict[str, Any]:
    """The current map at another strength of the filter, its residual over the noise, its σ and resolution.

    Parameters
    ----------
    maps, index : which frame
    automatic : λ that the data chose
    strength : decades above (or below) the automatic λ
    """
    found = maps.currents(index, regularisation=automatic * 10**strength)
    profile = maps.across(found.jy, width=0.2e-3)
    axes = {"x_label": "x", "x_unit": "mm", "y_label": "j_y", "y_unit": "A/m^2"}
    return {
        "current": _picture(maps, found.magnitude, colours="magma"),
        "j_y": Plot({"j_y": (1e3 * profile.distance, profile.field)}, **axes),
        "residual over noise": Quantity(float(np.std(found.residual)) / found.noise),
        "resolution": Quantity(1e6 * found.resolution, np.nan, "um"),
        "sigma of J": Quantity(float(np.median(found.uncertainty)), np.nan, "A/m^2"),
    }


def explore_inversion(maps: FluxMaps, index: int) -> Explorer:
    """The strength of the inversion under the hand; 0 is the automatic choice."""
    found = maps.currents(index)
    return Explorer(
        inversion_at,
        fixed={"maps": maps, "index": index, "automatic": found.regularisation},
        ranges={"strength": (-3.0, 3.0)},
        values={"strength": 0.0},
        labels={"strength": "strength, decades from the automatic choice"},
        against="strength",
        sweep_points=13,
    )
