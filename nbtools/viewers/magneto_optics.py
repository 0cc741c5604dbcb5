"""Draw flux and current maps: B_z, profiles, |J| with arrows and streamlines, error and bias beside it, relief."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.display.bars import draw_budget
from nbtools.display.style import BLACK, RED, add_legend, temperature_colours
from nbtools.units import for_display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "draw_budget",
    "draw_comparison",
    "draw_current_against_field",
    "draw_currents",
    "draw_error_maps",
    "draw_map",
    "draw_profiles",
    "draw_relief",
]

Array = NDArray[np.float64]
FIELD_COLOURS, CURRENT_COLOURS = "viridis", "magma"


def _extent(shape: tuple[int, ...], pixel_size: float) -> tuple[float, float, float, float]:
    """Edges of the map in mm from its middle."""
    rows, columns = (1e3 * n * pixel_size / 2 for n in shape)
    return (-columns, columns, -rows, rows)


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
) -> "Axes":
    """A map (y, x) with its scale in mm, y upward, z towards the reader; `limits` in the unit given."""
    scale, shown = for_display(unit, units)
    image = np.asarray(values, float) * scale
    low, high = (scale * end for end in limits) if limits else np.nanpercentile(image, [0.5, 99.5])
    extent = _extent(image.shape, pixel_size)
    from matplotlib import colormaps

    # Few enough shades that camera noise does not fill the stored picture, more than the eye tells apart.
    shades = {"cmap": colormaps[colours].resampled(24), "vmin": low, "vmax": high, "interpolation": "nearest"}
    drawn = axes.imshow(image, origin="lower", extent=extent, rasterized=True, **shades)
    if outline is not None:
        _draw_outline(axes, outline, extent)
    # Inside the panel's own axes, so that the bar is no panel of its own.
    bar = axes.figure.colorbar(drawn, cax=axes.inset_axes((1.03, 0.0, 0.05, 1.0)))
    bar.set_label(f"{label} ({shown})" if shown else label, fontsize=7)
    bar.ax.tick_params(labelsize=6)
    axes.set(xlabel="x (mm)", ylabel="y (mm)")
    return axes


def _draw_outline(axes: "Axes", outline: NDArray[np.bool_], extent: tuple[float, ...]) -> None:
    axes.contour(
        outline.astype(float),
        [0.5],
        colors="white",
        linewidths=0.7,
        linestyles="--",
        extent=extent,
        origin="lower",
    )


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
    for colour, profile, field in zip(temperature_colours(range(len(labels))), profiles, labels, strict=True):
        name = f"{scale * field:.0f}" if units == "paper" else f"{1e3 * field:.0f} m"
        axes.plot(
            1e3 * np.asarray(distance), scale * np.asarray(profile), color=colour, label=f"{name} {shown}"
        )
    for edge in edges or ():
        axes.axvline(1e3 * edge, color=BLACK, linestyle="--", linewidth=0.6)
    axes.set(xlabel="x (mm)", ylabel=rf"$B_z$ ({shown})")
    add_legend(axes, loc="best", ncols=2, title=r"$\mu_0 H$", title_fontsize=6)
    return axes


def draw_currents(
    axes: "Axes",
    currents: Any,
    *,
    outline: NDArray[np.bool_] | None = None,
    arrows: int = 16,
    streamlines: bool = False,
    limit: float | None = None,
    units: str = "paper",
) -> "Axes":
    """A `CurrentMap`: |J| in colour, its direction by arrows or by streamlines."""
    top = float(np.percentile(currents.magnitude, 99.5)) if limit is None else limit
    label = r"$|J|$" if currents.thickness else r"$|K|$"
    draw_map(
        axes,
        currents.magnitude,
        pixel_size=currents.pixel_size,
        unit=currents.unit,
        label=label,
        colours=CURRENT_COLOURS,
        outline=outline,
        limits=(0.0, top),
        # A sheet current is no field, though its unit is the same.
        units=units if currents.thickness else "SI",
    )
    rows, columns = currents.jx.shape
    x, y = (1e3 * currents.pixel_size * (np.arange(n) - (n - 1) / 2) for n in (columns, rows))
    if streamlines:
        axes.streamplot(
            x, y, currents.jx, currents.jy, color="white", linewidth=0.4, arrowsize=0.5, density=0.9
        )
        return axes
    step = max(1, min(rows, columns) // arrows)
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
        scale=1.3 * arrows,
        width=0.006,
    )
    return axes


def draw_error_maps(
    panels: Sequence["Axes"], currents: Any, *, outline: NDArray[np.bool_] | None = None, units: str = "paper"
) -> Sequence["Axes"]:
    """σ from noise beside what the filter takes away, in one scale, of one `CurrentMap`."""
    common = {"pixel_size": currents.pixel_size, "outline": outline, "units": units}
    bias = np.hypot(*currents.bias)
    top = max(float(np.percentile(bias, 99)), 2 * float(currents.uncertainty.max()))
    same = {"unit": currents.unit, "colours": CURRENT_COLOURS, "limits": (0.0, top)}
    draw_map(panels[0], currents.uncertainty, label=r"$\sigma$ of $J$ (noise)", **same, **common)
    draw_map(panels[1], bias, label="bias (filter)", **same, **common)
    return panels


def draw_current_against_field(axes: "Axes", found: dict[float, Any], *, units: str = "paper") -> "Axes":
    """J_c of each map against the applied field, one curve for each temperature (K)."""
    field_scale, field_label = for_display("T", units)
    scale, label = for_display("A/m^2", units)
    for colour, (temperature, one) in zip(temperature_colours(found), found.items(), strict=True):
        axes.errorbar(
            field_scale * one.applied,
            scale * one.each,
            scale * one.each_uncertainty,
            fmt="o-",
            color=colour,
            label=f"{temperature:g} K",
            markersize=3,
            linewidth=0.7,
            capsize=1.5,
        )
    axes.set(xlabel=rf"$\mu_0 H$ ({field_label})", ylabel=rf"$J_c$ ({label})", yscale="log", xlim=(0, None))
    add_legend(axes)
    return axes


def draw_comparison(
    axes: "Axes", ours: ArrayLike, theirs: ArrayLike, *, labels: tuple[str, str], limits: tuple[float, float]
) -> "Axes":
    """Two calibrations of one image, pixel against pixel (mT)."""
    axes.hexbin(
        np.ravel(theirs), np.ravel(ours), gridsize=70, extent=(*limits, *limits), bins="log", cmap="Blues"
    )
    axes.plot(limits, limits, color=RED, linewidth=0.7, linestyle="--")
    axes.set(xlabel=labels[1], ylabel=labels[0], xlim=limits, ylim=limits)
    return axes


def draw_relief(
    axes: "Axes", field: ArrayLike, *, pixel_size: float, stride: int = 3, units: str = "paper"
) -> "Axes":
    """B_z (T) as a landscape, on axes with a third dimension."""
    scale, shown = for_display("T", units)
    values = np.asarray(field, float)[::stride, ::stride] * scale
    y, x = (1e3 * pixel_size * stride * (np.arange(n) - (n - 1) / 2) for n in values.shape)
    grid = np.meshgrid(x, y)
    axes.plot_surface(*grid, values, cmap=FIELD_COLOURS, linewidth=0, antialiased=False, rcount=80, ccount=80)  # type: ignore[attr-defined]
    axes.set(xlabel="x (mm)", ylabel="y (mm)")
    axes.set_zlabel(rf"$B_z$ ({shown})")  # type: ignore[attr-defined]
    axes.tick_params(labelsize=6)
    axes.set_box_aspect(None, zoom=0.85)  # type: ignore[attr-defined]
    return axes
