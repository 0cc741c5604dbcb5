"""Figures that hold several techniques against each other: one current, resistivity and screening, lengths, gaps."""

from typing import TYPE_CHECKING

import numpy as np

from nbtools.display.drawing import drawing
from nbtools.display.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, RED, add_legend
from nbtools.units import convert, for_display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nbtools.joint.critical_current import JointCurrentStudy
    from nbtools.joint.gaps import GapsStudy
    from nbtools.joint.lengths import PenetrationDepths
    from nbtools.joint.resistivity import ResistivityBound

INSTRUMENTS = (BLUE, ORANGE, GREEN, PURPLE)
MARKERS = "os^D"
SHOWN = (36.0, 40.0)  # K, of the resistivity bound, widened to its own points


@drawing(panels=2, columns=2, name="joint_current")
def critical_current(axes: "np.ndarray", study: "JointCurrentStudy", *, units: str = "paper") -> "np.ndarray":
    """J_c(T) of every instrument as its thermometer reads, and with the thermometers moved; the law through all."""
    scale, unit = for_display("A/m^2", units)
    law = np.linspace(2, float(study.joint.critical_temperature), 600)
    titles = ("as the thermometers read", "thermometers moved")
    for panel, moved, title in zip(axes, (False, True), titles, strict=True):
        for (name, points), colour, marker in zip(study.points.items(), INSTRUMENTS, MARKERS, strict=False):
            offset = float(study.joint.offsets.get(name, 0.0))
            error = points.offset_uncertainty if offset and not moved else None
            place = np.asarray(points.temperature, float) - (offset if moved else 0.0)
            current = scale * np.asarray(points.current, float)
            panel.errorbar(
                place, current, xerr=error, fmt=marker, color=colour, markersize=3, elinewidth=0.7, label=name
            )
        drawn = scale * study.joint.predict(law)
        panel.plot(
            law, np.where(drawn > 0, drawn, np.nan), color=RED, linewidth=0.9, label=f"{study.joint.law} law"
        )
        lowest = min(float(np.min(points.current)) for points in study.points.values())
        panel.set(xlabel="temperature (K)", ylabel=rf"$J_{{\rm c}}$ ({unit})", yscale="log")
        panel.text(0.97, 0.95, title, ha="right", va="top", fontsize=7, transform=panel.transAxes)
        panel.set_ylim(bottom=0.3 * scale * lowest)
    add_legend(axes[0], loc="lower left")
    return axes


@drawing(name="resistivity_bound")
def resistivity_bound(axes: "Axes", bound: "ResistivityBound", *, units: str = "paper") -> "Axes":
    """ρ(T) of the resistance curve, and the largest ρ at which eddy currents would screen as χ′ does."""
    scale, unit = for_display("ohm m", units)
    low, high = min(SHOWN[0], bound.warm.min() - 1), max(SHOWN[1], bound.warm.max() + 1)
    near = (bound.temperature > low) & (bound.temperature < high) & (bound.resistivity > bound.floor)
    axes.semilogy(
        bound.temperature[near],
        scale * bound.resistivity[near],
        ".",
        color=BLUE,
        markersize=3,
        label="from R(T)",
    )
    axes.axhline(scale * bound.floor, color=BLUE, linewidth=0.7, linestyle=":", label="noise of R")
    axes.semilogy(bound.warm, scale * bound.allowed, color=RED, label="most that χ′ allows")
    axes.set(xlabel="temperature (K)", ylabel=f"ρ ({unit})")
    return add_legend(axes, loc="lower right")


@drawing(height=55, name="penetration_depths")
def penetration_depths(axes: "Axes", depths: "PenetrationDepths") -> "Axes":
    """λ by each route, one below the other."""
    names = list(depths.lengths)
    values = [convert(float(depths.lengths[name]), "m", "nm") for name in names]
    errors = np.nan_to_num([convert(depths.lengths[name].uncertainty, "m", "nm") for name in names])
    axes.errorbar(values, range(len(names)), xerr=errors, fmt="o", color=BLUE, markersize=4, capsize=2)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", which="both", length=0)
    axes.set(xlabel="λ (nm)", ylim=(len(names) - 0.5, -0.5), xlim=(0, None))
    return axes


@drawing(height=62, name="gaps")
def gaps(axes: "Axes", study: "GapsStudy") -> "Axes":
    """The share of gaps that are longer than a length, and how far a normal metal carries pairs."""
    lengths = np.sort(1e9 * study.runs)
    axes.step(lengths, 1 - np.arange(lengths.size) / lengths.size, color=BLUE, label="runs between MgB₂")
    axes.axvspan(
        0.1, 1e9 * study.seen_from, color=BLACK, alpha=0.08, linewidth=0, label="not seen: under two voxels"
    )
    for (name, (temperature, reach)), colour in zip(study.reach.items(), (ORANGE, GREEN), strict=True):
        ends = 1e9 * reach
        label = f"{name} ξ_N, {temperature.max():g} to {temperature.min():g} K"
        axes.axvspan(ends.min(), ends.max(), color=colour, alpha=0.45, linewidth=0, label=label)
    axes.set(
        xscale="log", xlabel="length (nm)", ylabel="share that is longer", xlim=(0.5, None), ylim=(0, 1.02)
    )
    return add_legend(axes, loc="lower left")
