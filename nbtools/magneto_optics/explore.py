"""Magneto-optics under the hand: the fit of flux profiles, a ramp, a line, the strength of the inversion."""

from typing import Any

import lmfit
import numpy as np

from nbtools.display.widget import widget
from nbtools.explore.plots import Plot
from nbtools.explore.sliders import Explorer
from nbtools.fitting.widget import FitWidget
from nbtools.magneto_optics.flux import FluxMaps, profile_states
from nbtools.magneto_optics.inversion import CurrentMap, moment_of
from nbtools.magneto_optics.model_profile import front, plate_profile
from nbtools.magneto_optics.profiles import bin_map, line_profile
from nbtools.magneto_optics.study import CriticalCurrentStudy, FluxStudy
from nbtools.results import NotPossible
from nbtools.units import Quantity

Array = np.ndarray[Any, np.dtype[np.float64]]
PROFILE_WIDTH = 0.2e-3  # m
RIM = 0.1  # of the half width, about the edge: a pixel there averages over a cusp
LARGEST_PICTURE = 128  # pixels of a small panel


@widget
def flux_profile(
    flux: FluxStudy, critical: CriticalCurrentStudy, *, ramp: int = -1, units: str = "paper"
) -> FitWidget:
    """J_c of the profiles of a ramp, after Bean (`kim` held at 0) or Kim (`kim` let go).

    All frames of the ramp share J_c and `kim`; each has its applied field, held, and an offset.

    Parameters
    ----------
    flux : from `study_flux`
    critical : from `study_critical_current`; gives the start
    ramp : which one, by temperature
    units : "paper" or "SI"

    Raises
    ------
    NotPossible
        No flux in the plate, or no outline.
    """
    maps = _ramp(flux, ramp)
    known = critical.found[maps.temperature]
    if not np.isfinite(known.critical_current):
        raise NotPossible(f"{maps.label}: no flux has entered, so there is no front to fit")
    table = profile_states(maps, width=PROFILE_WIDTH)
    table["grid"] = 1e3 * table["grid"]  # mm, as x is shown
    frames = [i for i in range(maps.top + 1) if maps.applied[i]]
    across = [maps.across(maps.field[i], width=PROFILE_WIDTH) for i in frames]
    half = maps.half_width
    away = np.abs(np.abs(across[0].distance) - half) > RIM * half
    scatter = [np.full(int(away.sum()), float(np.nanmedian(one.uncertainty)) or np.nan) for one in across]
    start = {"critical_current": float(known.critical_current), "kim": 0.0}
    start |= {f"offset_{n + 1}": 0.0 for n in range(len(frames))}
    start |= {f"applied_{n + 1}": float(maps.applied[i]) for n, i in enumerate(frames)}
    if len(frames) == 1:
        start = {name.removesuffix("_1"): value for name, value in start.items()}
    note = "the plate is full at the largest field: there is no front"
    if known.state[-1] == "partly filled":
        place = front(
            float(known.critical_current),
            applied=float(maps.applied[maps.top]),
            half_width=half,
            thickness=maps.thickness or 1.0,
        )
        note = f"at the largest field the front of a thin strip lies {1e3 * place:.2g} mm from the middle"
    current = "A/m^2" if maps.thickness else "A/m"
    fit = FitWidget(
        lmfit.Model(plate_profile, independent_vars=["distance", *table]),
        [1e3 * one.distance[away] for one in across] if len(frames) > 1 else 1e3 * across[0].distance[away],
        [one.field[away] for one in across] if len(frames) > 1 else across[0].field[away],
        sigma=scatter if len(frames) > 1 else scatter[0],
        params=start,
        shared=("critical_current", "kim") if len(frames) > 1 else (),
        constants=table,
        units={"critical_current": current, "kim": "1/T"}
        | {name: "T" for name in start if name.startswith(("offset", "applied"))},
        labels=[f"{1e4 * maps.applied[i]:.0f} G" for i in frames] if len(frames) > 1 else None,
        x_label="x",
        x_unit="mm",
        y_label="B_z",
        y_unit="T",
        system=units,
        name="04_flux_profile",
        notes=[f"{maps.label}: {note}"],
    )
    for name in start:
        if name.startswith("applied"):
            fit.set(name, vary=False)
    fit.set("kim", vary=False, min=0.0, max=100.0)
    fit.set("critical_current", min=0.05 * start["critical_current"], max=20 * start["critical_current"])
    # The scatter across the line is a lower bound of what separates model and data.
    fit.change(weighting="scaled sigma")
    fit.fit()
    return fit


def _ramp(flux: FluxStudy, ramp: int) -> FluxMaps:
    if not -len(flux.ramps) <= ramp < len(flux.ramps):
        raise NotPossible(f"there are {len(flux.ramps)} ramps; ramp {ramp} is none of them")
    return flux.ramps[ramp]


def _picture(maps: FluxMaps, values: Array, **options: Any) -> Plot:
    """A map with its axes in mm from the middle, y upward."""
    rows, columns = (1e3 * n * maps.pixel_size / 2 for n in values.shape)
    step = max(1, min(values.shape) // LARGEST_PICTURE + (min(values.shape) > LARGEST_PICTURE))
    values = bin_map(values, step) if step > 1 else values
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
    profile = maps.across(maps.field[index], width=PROFILE_WIDTH)
    applied = maps.applied
    here = (applied[index : index + 1], moments[index : index + 1], "o")
    return {
        "flux": _picture(maps, maps.field[index], limits=(float(maps.field.min()), float(maps.field.max()))),
        "current": _picture(maps, current_maps[index].magnitude, colours="magma"),
        "profile": Plot({"B_z": (1e3 * profile.distance, profile.field)}, "x", "B_z", "mm", "T"),
        "loop": Plot({"all": (applied, moments), "here": here}, "µ0 H", "moment", "T", "A m^2"),
        "applied field": Quantity(float(applied[index]), np.nan, "T"),
        "moment": Quantity(float(moments[index]), np.nan, "A m^2"),
    }


@widget
def ramp(flux: FluxStudy) -> Explorer:
    """The field of the warmest ramp, over frames that are inverted once.

    Parameters
    ----------
    flux : from `study_flux`
    """
    maps = flux.warmest
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
    maps : whose they are
    middle : mm, how far above the middle of the image the line passes
    angle : of the line against x, in degrees
    length : mm
    """
    rows, columns = field.shape
    centre = np.array([(columns - 1) / 2, (rows - 1) / 2]) * maps.pixel_size + np.array([0.0, 1e-3 * middle])
    along = 0.5e-3 * length * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    limit = (np.array([columns, rows]) - 1) * maps.pixel_size
    start, end = (np.clip(centre + s * along, 0, limit) for s in (-1, 1))
    ends = {"pixel_size": maps.pixel_size, "width": 0.025 * float(limit.min())}
    flux, density = (line_profile(one, tuple(start), tuple(end), **ends) for one in (field, current))
    shown = 1e3 * (np.array([start, end]) - (limit / 2))
    half = density.field > 0.5 * np.percentile(density.field, 95)
    drawn = _picture(maps, field)
    unit = "A/m^2" if maps.thickness else "A/m"
    return {
        "flux": Plot(
            {"line": (shown[:, 0], shown[:, 1])},
            x_label="x",
            y_label="y",
            x_unit="mm",
            y_unit="mm",
            image=drawn.image,
            extent=drawn.extent,
        ),
        "B_z": Plot({"B_z": (1e3 * flux.distance, flux.field)}, "along the line", "B_z", "mm", "T"),
        "J": Plot({"J": (1e3 * density.distance, density.field)}, "along the line", "|J|", "mm", unit),
        "mean |J|": Quantity(float(density.field[half].mean()), float(density.field[half].std()), unit),
    }


@widget
def line(flux: FluxStudy) -> Explorer:
    """A line across the frame of the largest field: its height, its angle, its length.

    Parameters
    ----------
    flux : from `study_flux`
    """
    maps = flux.ramps[-1] if flux.ramps else flux.maps[0]
    index = maps.top
    fixed = {
        "field": np.asarray(maps.field[index], float),
        "current": maps.currents(index).magnitude,
        "maps": maps,
    }
    reach = 0.4e3 * maps.pixel_size * min(maps.field.shape[1:])
    return Explorer(
        line_at,
        fixed=fixed,
        ranges={"middle": (-reach, reach), "angle": (-90.0, 90.0), "length": (0.2 * reach, 2.2 * reach)},
        values={"middle": 0.0, "angle": 0.0, "length": 2.0 * reach},
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
    profile = maps.across(found.jy, width=PROFILE_WIDTH)
    return {
        "current": _picture(maps, found.magnitude, colours="magma"),
        "j_y": Plot({"j_y": (1e3 * profile.distance, profile.field)}, "x", "j_y", "mm", found.unit),
        "residual over noise": Quantity(float(np.std(found.residual)) / found.noise),
        "resolution": Quantity(1e6 * found.resolution, np.nan, "um"),
        "sigma of J": Quantity(float(np.median(found.uncertainty)), np.nan, found.unit),
    }


@widget
def inversion(flux: FluxStudy) -> Explorer:
    """The strength of the inversion; 0 is the automatic choice.

    Parameters
    ----------
    flux : from `study_flux`
    """
    maps = flux.ramps[-1] if flux.ramps else flux.maps[0]
    found = maps.currents(maps.top)
    return Explorer(
        inversion_at,
        fixed={"maps": maps, "index": maps.top, "automatic": found.regularisation},
        ranges={"strength": (-3.0, 3.0)},
        values={"strength": 0.0},
        labels={"strength": "strength, decades from the automatic choice"},
        against="strength",
        sweep_points=13,
    )
