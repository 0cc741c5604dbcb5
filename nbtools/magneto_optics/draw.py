"""Figures of magneto-optics: B_z, profiles, the current with its direction, its error maps, J_c against field."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.display.bars import draw_budget
from nbtools.display.drawing import drawing
from nbtools.display.style import (
    BLACK,
    COLUMN_MM,
    RED,
    STYLE,
    add_legend,
    add_legend_beside,
    temperature_colours,
)
from nbtools.results import NotPossible
from nbtools.units import for_display

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from mpl_toolkits.mplot3d import Axes3D

    from nbtools.magneto_optics.flux import FluxMaps
    from nbtools.magneto_optics.inversion import CurrentMap
    from nbtools.magneto_optics.study import (
        BudgetStudy,
        CriticalCurrentStudy,
        CurrentStudy,
        FluxStudy,
        ReferenceStudy,
        StateOfCurrent,
    )

Array = NDArray[np.float64]
FIELD_COLOURS, CURRENT_COLOURS = "viridis", "magma"
LENGTHS = ((1e-3, "mm"), (1e-6, "µm"), (1e-9, "nm"))
MAP_HEIGHT, PROFILE_HEIGHT = 68.0, 52.0  # mm, of a row of panels
PROFILE_WIDTH = 0.05  # of the map, over which profiles are averaged


# Parts -----------------------------------------------------------------------------------------


def _panels(panels: Any, count: int, height: float) -> list["Axes"]:
    """So many lettered panels in rows of two, one alone in one column; where somebody gave axes of their own, these."""
    from matplotlib import rc_context

    given = np.atleast_1d(panels)
    if given.size == count:
        return list(given.flat)
    figure = given.flat[0].figure
    figure.clear()
    across, rows = min(count, 2), -(-count // 2)
    figure.set_size_inches(COLUMN_MM[across] / 25.4, rows * height / 25.4)
    with rc_context(STYLE):
        axes = list(figure.subplots(rows, across, squeeze=False).flat)
    for spare in axes[count:]:
        spare.remove()
    for number, one in enumerate(axes[:count] if count > 1 else []):
        one.set_title(f"({chr(ord('a') + number)})", loc="left", fontsize=8)
    return axes[:count]


def _name(axes: "Axes", text: str) -> None:
    """What a panel shows, beside its letter."""
    letter = axes.get_title("left")
    axes.set_title(f"{letter} {text}".strip(), loc="left", fontsize=8)


def _length(extent: float) -> tuple[float, str]:
    """The unit in which a map of this size (m) has no long numbers."""
    return next((one for one in LENGTHS if extent >= 2 * one[0]), LENGTHS[-1])


def _scaled(unit: str, units: str, largest: float) -> tuple[float, str]:
    """Factor and label for a bar, with a power of a thousand in the label in place of one beside the bar."""
    if unit not in ("T", "A/m", "A/m^2"):
        scale, shown = 1.0, unit
    else:
        # A sheet current is no field, though its unit is the same.
        scale, shown = for_display(unit, "SI" if unit == "A/m" else units)
    if not largest > 0:
        return scale, shown
    power = 3 * int(np.floor(np.log10(largest * scale) / 3))
    if -1 <= np.log10(largest * scale) < 4:
        return scale, shown
    return scale / 10.0**power, f"$10^{{{power}}}$ {shown}".strip()


def draw_map(
    axes: "Axes",
    values: ArrayLike,
    *,
    pixel_size: float,
    unit: str = "T",
    label: str = r"$B_z$",
    colours: str = FIELD_COLOURS,
    outline: NDArray[np.bool_] | None = None,
    limits: tuple[float, float] | None = None,
    units: str = "paper",
) -> float:
    """A map (y, x), y upward, z towards the reader, `limits` in the unit given; returns the length of 1 in its axes."""
    from matplotlib import colormaps
    from matplotlib.ticker import MaxNLocator

    image = np.asarray(values, float)
    low, high = limits or tuple(np.nanpercentile(image, [0.5, 99.5]))
    scale, shown = _scaled(unit, units, max(abs(low), abs(high)))
    length, length_unit = _length(max(image.shape) * pixel_size)
    rows, columns = (n * pixel_size / 2 / length for n in image.shape)
    extent = (-columns, columns, -rows, rows)
    # Few enough shades that camera noise does not fill the stored picture, more than the eye tells apart.
    drawn = axes.imshow(
        image * scale,
        origin="lower",
        extent=extent,
        rasterized=True,
        cmap=colormaps[colours].resampled(24),
        vmin=low * scale,
        vmax=high * scale,
        interpolation="nearest",
    )
    if outline is not None:
        axes.contour(
            outline.astype(float),
            [0.5],
            colors="white",
            linewidths=0.7,
            linestyles="--",
            extent=extent,
            origin="lower",
        )
    # Inside the panel's own axes, so that the bar is no panel of its own.
    bar = axes.figure.colorbar(drawn, cax=axes.inset_axes((1.03, 0.0, 0.05, 1.0)))
    bar.locator = MaxNLocator(6)
    bar.update_ticks()
    bar.set_label(f"{label} ({shown})" if shown else label, fontsize=8)
    bar.ax.tick_params(labelsize=7)
    axes.set(xlabel=f"x ({length_unit})", ylabel=f"y ({length_unit})")
    return length


def draw_profiles(
    axes: "Axes",
    distance: ArrayLike,
    profiles: Sequence[ArrayLike],
    labels: Sequence[float],
    *,
    edges: tuple[float, float] | None = None,
    units: str = "paper",
) -> "Axes":
    """B_z (T) along a line (m), one curve for each applied field (`labels`, T)."""
    scale, shown = for_display("T", units)
    x = np.asarray(distance)
    length, length_unit = _length(float(np.ptp(x)))
    for colour, profile, field in zip(temperature_colours(range(len(labels))), profiles, labels, strict=True):
        name = f"{scale * field:.0f} {shown}" if units == "paper" else f"{1e3 * field:.0f} mT"
        axes.plot(x / length, scale * np.asarray(profile), color=colour, label=name, linewidth=0.9)
    for edge in edges or ():
        if np.isfinite(edge):
            axes.axvline(edge / length, color=BLACK, linestyle="--", linewidth=0.6)
    axes.set(xlabel=f"x ({length_unit})", ylabel=rf"$B_z$ ({shown})", xlim=(x[0] / length, x[-1] / length))
    add_legend_beside(axes, title=r"$\mu_0 H$", title_fontsize=6, handlelength=1)
    return axes


def draw_currents(
    axes: "Axes",
    currents: "CurrentMap",
    *,
    outline: NDArray[np.bool_] | None = None,
    unit: str = "",
    arrows: int = 16,
    limit: float | None = None,
    units: str = "paper",
) -> "Axes":
    """|J| in colour, its direction by arrows; `unit` where the map was none of field."""
    inside = currents.magnitude if outline is None else currents.magnitude[outline]
    top = float(np.percentile(inside, 99.5)) if limit is None else limit
    length = draw_map(
        axes,
        currents.magnitude,
        pixel_size=currents.pixel_size,
        unit=unit or currents.unit,
        label=r"$|J|$" if currents.thickness else r"$|K|$",
        colours=CURRENT_COLOURS,
        outline=outline,
        limits=(0.0, top),
        units=units,
    )
    rows, columns = currents.jx.shape
    x, y = (currents.pixel_size / length * (np.arange(n) - (n - 1) / 2) for n in (columns, rows))
    step = max(1, round((rows * columns) ** 0.5 / arrows))
    start = step // 2
    chosen = np.s_[start::step, start::step]
    jx, jy, size = currents.jx[chosen], currents.jy[chosen], currents.magnitude[chosen]
    shown = size > 0.15 * top
    grid_x, grid_y = np.meshgrid(x[start::step], y[start::step])
    axes.quiver(
        grid_x[shown],
        grid_y[shown],
        (jx / np.maximum(size, 1e-300))[shown],
        (jy / np.maximum(size, 1e-300))[shown],
        color="white",
        pivot="mid",
        angles="xy",
        scale=1.3 * max(rows, columns) / step,
        width=0.006,
    )
    return axes


def _profiles_of(maps: "FluxMaps", frames: Sequence[int]) -> tuple[Array, list[Array], list[float]]:
    width = PROFILE_WIDTH * maps.pixel_size * min(maps.field.shape[1:])
    across = [maps.across(maps.field[i], width=width) for i in frames]
    applied = [float(maps.applied[i]) for i in frames]
    return across[0].distance, [one.field for one in across], applied


# Figures ---------------------------------------------------------------------------------------


@drawing(panels=2, columns=2, name="flux_profiles")
def profiles(panels: Any, flux: "FluxStudy", *, ramps: int = 2, units: str = "paper") -> Any:
    """B_z across the middle while the field rises and while it falls, of the warmest ramps.

    Parameters
    ----------
    flux : from `study_flux`
    ramps : of how many, the warmest first
    units : "paper" or "SI"
    """
    chosen = flux.ramps[::-1][:ramps]
    if not chosen:
        raise NotPossible("there are no frames that were taken on a ramp after zero-field cooling")
    parts = []
    for maps in chosen:
        up, down = list(range(maps.top + 1)), list(range(maps.top, maps.applied.size))
        parts.append((maps, up, "field rising" if len(up) > 1 else maps.state(maps.top)))
        parts += [(maps, down, "field falling")] if len(down) > 1 else []
    axes = _panels(panels, len(parts), PROFILE_HEIGHT)
    for panel, (maps, frames, word) in zip(axes, parts, strict=True):
        edges = (-maps.half_width, maps.half_width)
        draw_profiles(panel, *_profiles_of(maps, frames), edges=edges, units=units)
        _name(panel, f"{maps.label}, {word}")
    return axes


@drawing(panels=2, columns=2, name="flux_maps")
def flux_maps(panels: Any, flux: "FluxStudy", *, skip: int = 0, units: str = "paper") -> Any:
    """B_z at the largest field and in the remanent state of every ramp, the coldest first, and scanned maps.

    Parameters
    ----------
    flux : from `study_flux`
    skip : so many of the warmest ramps
    units : "paper" or "SI"
    """
    chosen = [one for one in flux.maps if not one.is_cooled]
    ramps = flux.ramps[: len(flux.ramps) - skip] if len(flux.ramps) > skip else flux.ramps
    chosen = [*ramps, *(one for one in chosen if not one.is_ramp)]
    if not chosen:
        raise NotPossible("there are no frames that were taken on a ramp after zero-field cooling")
    parts = [(maps, index) for maps in chosen for index in maps.shown]
    axes = _panels(panels, len(parts), MAP_HEIGHT)
    for panel, (maps, index) in zip(axes, parts, strict=True):
        draw_map(
            panel,
            maps.field[index],
            pixel_size=maps.pixel_size,
            outline=maps.outline,
            unit=maps.unit,
            label=r"$B_z$" if maps.unit == "T" else "signal",
            units=units,
        )
        _name(panel, ", ".join(filter(None, (maps.label, maps.state(index)))))
    return axes


@drawing(panels=2, columns=2, name="current_maps")
def currents(panels: Any, study: "CurrentStudy", *, units: str = "paper") -> Any:
    """|J| and its direction at the largest field and in the remanent state of ramps, and under scanned maps.

    Parameters
    ----------
    study : from `study_currents`
    units : "paper" or "SI"
    """
    shown = [one for one in study.states if not one.maps.is_cooled]
    if not shown:
        raise NotPossible("there is no ramp and no scanned map whose current could be shown")
    axes = _panels(panels, len(shown), MAP_HEIGHT)
    for panel, one in zip(axes, shown, strict=True):
        _draw_state(panel, one, units)
    return axes


def _draw_state(panel: "Axes", one: "StateOfCurrent", units: str) -> None:
    unit = "" if one.maps.unit == "T" else "arbitrary units"
    draw_currents(panel, one.currents, outline=one.maps.outline, unit=unit, units=units)
    _name(panel, one.label)


@drawing(panels=2, columns=2, height=MAP_HEIGHT, name="current_errors")
def errors(panels: Any, study: "CurrentStudy", *, units: str = "paper") -> Any:
    """Of the first state of the table: σ from noise beside what the filter takes away, in one scale.

    Parameters
    ----------
    study : from `study_currents`
    units : "paper" or "SI"
    """
    one = study.states[0]
    found, outline = one.currents, one.maps.outline
    bias = np.hypot(*found.bias)
    inside = bias if outline is None else bias[outline]
    top = max(float(np.percentile(inside, 99)), 2 * float(found.uncertainty.max()))
    unit = found.unit if one.maps.unit == "T" else "arbitrary units"
    same: dict[str, Any] = {"unit": unit, "colours": CURRENT_COLOURS, "limits": (0.0, top)}
    same |= {"pixel_size": found.pixel_size, "outline": outline, "units": units}
    draw_map(panels[0], found.uncertainty, label=r"$\sigma$ of $J$", **same)
    draw_map(panels[1], bias, label="bias of $J$", **same)
    _name(panels[0], "noise")
    _name(panels[1], "filter")
    return panels


@drawing(name="critical_current", height=62)
def critical_current(axes: "Axes", study: "CriticalCurrentStudy", *, units: str = "paper") -> "Axes":
    """J_c of each frame against the applied field, one curve for each temperature; open: ramp down.

    Parameters
    ----------
    study : from `study_critical_current`
    units : "paper" or "SI"
    """
    field_scale, field_label = for_display("T", units)
    shown = {t: one for t, one in study.found.items() if np.isfinite(one.critical_current)}
    if not shown:
        raise NotPossible("flux has entered at no temperature")
    scale, label = for_display(next(iter(shown.values())).critical_current.unit, units)
    for colour, (temperature, one) in zip(temperature_colours(shown), shown.items(), strict=True):
        for found, filling in ((one, colour), (study.reversed.get(temperature), "white")):
            if found is None:
                continue
            axes.errorbar(
                field_scale * found.applied,
                scale * found.each,
                scale * found.each_uncertainty,
                fmt="o-" if filling == colour else "s:",
                color=colour,
                markerfacecolor=filling,
                label=f"{temperature:g} K" if filling == colour else None,
                markersize=3,
                linewidth=0.7,
                capsize=1.5,
            )
    axes.set(xlabel=rf"$\mu_0 H$ ({field_label})", ylabel=rf"$J_c$ ({label})", yscale="log")
    add_legend_beside(axes, title="open: ramp down", title_fontsize=6)
    return axes


@drawing(panels=2, columns=2, name="field_cooled")
def cooled(panels: Any, flux: "FluxStudy", study: "CurrentStudy", *, units: str = "paper") -> Any:
    """What was cooled in a field: B_z and the current; then B_z as a landscape, and its profile.

    Parameters
    ----------
    flux : from `study_flux`
    study : from `study_currents`
    units : "paper" or "SI"
    """
    from matplotlib import rc_context

    if not flux.cooled:
        raise NotPossible("there are no frames of a sample that was cooled in a field")
    maps = flux.cooled[0]
    found = next(one for one in study.states if one.maps is maps)
    axes = _panels(panels, 4, MAP_HEIGHT)
    draw_map(axes[0], maps.field[-1], pixel_size=maps.pixel_size, outline=maps.outline, units=units)
    _name(axes[0], maps.label)
    draw_currents(axes[1], found.currents, outline=maps.outline, units=units)
    place, letter = axes[2].get_subplotspec(), axes[2].get_title("left")
    axes[2].remove()
    with rc_context(STYLE):
        relief = axes[0].figure.add_subplot(place, projection="3d")
    relief.set_title(letter, loc="left", fontsize=8)
    draw_relief(relief, maps.field[-1], pixel_size=maps.pixel_size, units=units)
    edges = (-maps.half_width, maps.half_width)
    draw_profiles(axes[3], *_profiles_of(maps, [maps.applied.size - 1]), edges=edges, units=units)
    return axes


def draw_relief(
    axes: "Axes3D", field: ArrayLike, *, pixel_size: float, points: int = 60, units: str = "paper"
) -> "Axes3D":
    """B_z (T) as a landscape, on axes with a third dimension."""
    scale, shown = for_display("T", units)
    stride = max(1, min(np.shape(field)) // points)
    values = np.asarray(field, float)[::stride, ::stride] * scale
    length, unit = _length(pixel_size * max(np.shape(field)))
    y, x = (pixel_size * stride / length * (np.arange(n) - (n - 1) / 2) for n in values.shape)
    grid = np.meshgrid(x, y)
    axes.plot_surface(*grid, values, cmap=FIELD_COLOURS, linewidth=0, antialiased=False, rcount=80, ccount=80)
    axes.set(xlabel=f"x ({unit})", ylabel=f"y ({unit})")
    axes.set_zlabel(rf"$B_z$ ({shown})")
    axes.tick_params(labelsize=7)
    axes.set_box_aspect(None, zoom=0.85)
    return axes


@drawing(height=45, name="critical_current_budget")
def budget(axes: "Axes", study: "BudgetStudy") -> "Axes":
    """The change of J_c when one input moves by its σ.

    Parameters
    ----------
    study : from `study_budget`
    """
    return draw_budget(axes, study.budget, label=r"change of $J_c$ (%)")


@drawing(name="calibration_compared", height=72)
def reference(axes: "Axes", study: "ReferenceStudy", *, largest: float = 40e-3) -> "Axes":
    """Our B_z against theirs, pixel by pixel.

    Parameters
    ----------
    study : from `study_reference`
    largest : T, of the axes
    """
    ends = (0.0, 1e3 * largest)
    axes.hexbin(
        1e3 * study.theirs, 1e3 * study.ours, gridsize=70, extent=(*ends, *ends), bins="log", cmap="Blues"
    )
    axes.plot(ends, ends, color=RED, linewidth=0.7, linestyle="--", label="equal")
    axes.set(xlabel=r"theirs: $B_z$ (mT)", ylabel=r"ours: $B_z$ (mT)", xlim=ends, ylim=ends, aspect="equal")
    add_legend(axes, loc="upper left")
    return axes
