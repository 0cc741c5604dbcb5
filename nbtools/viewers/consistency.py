"""Draw what holds several techniques against each other: resistivity against screening, lengths, gaps."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from nbtools.display.style import BLACK, BLUE, GREEN, ORANGE, RED, add_legend
from nbtools.units import Quantity, for_display

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_resistivity_bound(
    axes: "Axes",
    measured: tuple[ArrayLike, ArrayLike],
    allowed: tuple[ArrayLike, ArrayLike],
    *,
    floor: float,
    units: str = "paper",
) -> "Axes":
    """ρ(T) of a resistance curve, and the largest ρ at which eddy currents would screen as χ′ does.

    measured, allowed : (T, ρ), K and Ω m; floor : Ω m, below which the resistance curve is noise
    """
    scale, unit = for_display("ohm m", units)
    (t, rho), (warm, most) = ((np.asarray(a, float) for a in pair) for pair in (measured, allowed))
    seen = rho > floor
    axes.semilogy(t[seen], scale * rho[seen], ".", color=BLUE, markersize=3, label="from R(T)")
    axes.axhline(scale * floor, color=BLUE, linewidth=0.7, linestyle=":", label="noise of R")
    axes.semilogy(warm, scale * most, color=RED, label="most that χ′ allows")
    axes.set(xlabel="temperature (K)", ylabel=f"ρ ({unit})")
    return add_legend(axes, loc="lower right")


def draw_lengths(axes: "Axes", lengths: Mapping[str, Quantity]) -> "Axes":
    """One length (m) found by several routes, one below the other."""
    names = list(lengths)
    values = np.array([1e9 * float(lengths[name]) for name in names])
    errors = np.nan_to_num([1e9 * lengths[name].uncertainty for name in names])
    axes.errorbar(values, range(len(names)), xerr=errors, fmt="o", color=BLUE, markersize=4, capsize=2)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", which="both", length=0)
    axes.set(xlabel="λ (nm)", ylim=(len(names) - 0.5, -0.5), xlim=(0, None))
    return axes


def draw_gaps(
    axes: "Axes", gaps: ArrayLike, *, seen_from: float, reach: Mapping[str, tuple[ArrayLike, ArrayLike]]
) -> "Axes":
    """The share of gaps (m) that are longer than a length, and how far a normal metal carries pairs.

    reach : by name, (T, ξ_N) in K and m; shown as the band from the coldest to the warmest
    """
    lengths = np.sort(1e9 * np.asarray(gaps, float))
    axes.step(lengths, 1 - np.arange(lengths.size) / lengths.size, color=BLUE, label="runs between MgB₂")
    axes.axvspan(
        0.1, 1e9 * seen_from, color=BLACK, alpha=0.08, linewidth=0, label="not seen: under two voxels"
    )
    for (name, (_, xi)), colour in zip(reach.items(), (ORANGE, GREEN, RED), strict=False):
        ends = 1e9 * np.asarray(xi, float)
        axes.axvspan(ends.min(), ends.max(), color=colour, alpha=0.45, linewidth=0, label=name)
    axes.set(
        xscale="log", xlabel="length (nm)", ylabel="share that is longer", xlim=(0.5, None), ylim=(0, 1.02)
    )
    return add_legend(axes, loc="lower left")
