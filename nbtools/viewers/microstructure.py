"""Draw microstructure: grey sections with a scale bar, box counts beside their nulls, and how good the verdict is."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nbtools.display.style import BLACK, BLUE, GREEN, ORANGE, RED, SKY, add_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROUND = (1, 2, 5)


def draw_section(
    axes: "Axes",
    image: ArrayLike,
    *,
    pixel_size: float | None,
    phase: ArrayLike | None = None,
    name: str = "",
) -> "Axes":
    """A section in grey with a scale bar; the outline of a phase over it. Without a pixel size no bar."""
    grey = np.asarray(image)
    low, high = np.percentile(grey, (0.5, 99.5)) if grey.dtype != bool else (0, 1)
    axes.imshow(grey, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    if phase is not None:
        axes.contour(np.asarray(phase, float), [0.5], colors=ORANGE, linewidths=0.5)
    axes.set_xticks([])
    axes.set_yticks([])
    if name:
        axes.set_xlabel(name)
    if pixel_size:
        _scale_bar(axes, grey.shape, pixel_size)
    return axes


def draw_box_counts(axes: "Axes", verdict: Any) -> "Axes":
    """A `FractalVerdict`: smallest covers against box size with their ordinary slope."""
    sizes = np.asarray(verdict.sizes) * verdict.voxel_size * 1e6
    counts = np.asarray(verdict.counts, float)
    fit = np.exp(np.polyval(np.polyfit(np.log(sizes), np.log(counts), 1), np.log(sizes)))
    axes.loglog(sizes, counts, "o", color=BLUE, label="boxes that hold the phase")
    axes.loglog(sizes, fit, color=ORANGE, label=f"slope: D = {verdict.dimension}")
    axes.set(xlabel="box size (µm)", ylabel="number of boxes")
    return add_legend(axes, loc="lower left")


def draw_local_dimensions(axes: "Axes", verdict: Any) -> "Axes":
    """Local slope against box size, on sections: the pattern, and the band of its nulls."""
    boxes = verdict.sections
    microns = boxes.sizes * verdict.voxel_size * 1e6
    if verdict.nulls:
        _null_band(axes, microns, np.array([null.local_dimensions for null in verdict.nulls]))
    axes.semilogx(microns, boxes.local_dimensions, "o-", color=BLUE, label="this pattern")
    axes.axhline(1.67, color=BLACK, linestyle=":", linewidth=0.8, label="1.67")
    axes.set(xlabel="box size (µm)", ylabel="local dimension (section)", ylim=(1.0, 2.05))
    return add_legend(axes, loc="lower right")


def draw_breadth(axes: "Axes", verdict: Any) -> "Axes":
    """Where solid boxes end and where unevenness ends, and the range between: of the pattern and of its nulls."""
    boxes = verdict.sections
    microns = boxes.sizes * verdict.voxel_size * 1e6
    uneven = (boxes.lacunarity - 1) / max(1 / boxes.fraction - 1, 1e-9)
    axes.loglog(microns, boxes.full / boxes.fraction, "s-", color=RED, label="still solid")
    axes.loglog(microns, uneven, "o-", color=BLUE, label="still uneven")
    for null in verdict.nulls[:8]:
        faint = {"color": "0.7", "linewidth": 0.5, "zorder": 0}
        axes.loglog(microns, (null.lacunarity - 1) / max(1 / null.fraction - 1, 1e-9), **faint)
        axes.loglog(microns, null.full / null.fraction, **faint)
    low, high = (1e6 * end for end in verdict.interval)
    axes.axvspan(low, high, color=SKY, alpha=0.25, linewidth=0, label=f"{verdict.decades:.2f} decades")
    axes.axhline(0.1, color=BLACK, linestyle=":", linewidth=0.8)
    axes.set(xlabel="box size (µm)", ylabel="share left", ylim=(0.01, 1.3))
    return add_legend(axes, loc="lower left")


def draw_power(axes: "Axes", study: Any, *, threshold: float, here: float | None = None) -> "Axes":
    """A `PowerStudy`: excess breadth of every seed by world, the threshold, and the pattern at hand."""
    for row, (world, values) in enumerate(study.excess.items()):
        spread = 0.25 * np.linspace(-1, 1, len(values)) if len(values) > 1 else np.zeros(1)
        colour = GREEN if study.share(world, "scale-free") > 0.5 else BLUE
        axes.plot(values, row + spread, "o", color=colour, markersize=2.5)
    axes.axvline(threshold, color=RED, linestyle="--", linewidth=0.9, label=f"threshold {threshold:g}")
    if here is not None and np.isfinite(here):
        axes.axvline(here, color=ORANGE, linewidth=1.2, label=f"this pattern {here:.2f}")
    axes.set_yticks(range(len(study.excess)), list(study.excess))
    axes.tick_params(axis="y", which="minor", left=False, right=False)
    axes.set(xlabel="broader than one length by (decades)")
    return add_legend(axes, loc="upper right")


def draw_section_fractions(axes: "Axes", fractions: Mapping[str, ArrayLike], *, mean: float) -> "Axes":
    """Area fraction of every section across each axis, with the volume's."""
    for (name, values), colour in zip(fractions.items(), (BLUE, GREEN, ORANGE), strict=False):
        shares = 100 * np.asarray(values)
        axes.plot(np.linspace(0, 1, len(shares)), shares, color=colour, label=f"across {name}")
    axes.axhline(100 * mean, color=BLACK, linestyle=":", linewidth=0.8, label=f"volume {100 * mean:.1f} %")
    axes.set(xlabel="place of the section", ylabel="area fraction (%)", xlim=(0, 1), ylim=(0, None))
    return add_legend(axes, loc="best")


def draw_correlations(
    axes: "Axes", lags: Sequence[float], along: Mapping[str, ArrayLike], *, fraction: float
) -> "Axes":
    """S₂(r) along each axis (lags in m), with f² at which two places know nothing of each other."""
    microns = 1e6 * np.asarray(lags, float)
    for (name, values), colour in zip(along.items(), (BLUE, GREEN, ORANGE), strict=False):
        axes.loglog(microns, np.asarray(values), "o-", color=colour, label=f"along {name}")
    axes.axhline(fraction**2, color=BLACK, linestyle=":", linewidth=0.8, label="$f^2$")
    axes.set(xlabel="$r$ (µm)", ylabel="$S_2(r)$")
    return add_legend(axes, loc="lower left")


def _null_band(axes: "Axes", microns: np.ndarray, curves: np.ndarray) -> None:
    low, high = np.percentile(curves, (2.5, 97.5), axis=0)
    axes.fill_between(microns, low, high, color="0.75", linewidth=0, label="patterns of one length")


def _scale_bar(axes: "Axes", shape: tuple[int, ...], pixel_size: float) -> None:
    """A bar of a round length, about a quarter of the width, with its length over it."""
    from matplotlib.patheffects import withStroke

    rows, columns = shape[:2]
    wanted = columns * pixel_size / 4
    decade = 10.0 ** np.floor(np.log10(wanted))
    length = decade * max(step for step in ROUND if step * decade <= wanted)
    unit, scale = ("µm", 1e6) if length >= 1e-6 else ("nm", 1e9)
    left, across = 0.05 * columns, length / pixel_size
    drawn = {"path_effects": [withStroke(linewidth=3.5, foreground="black")]}
    bar = [left, left + across], [0.94 * rows] * 2
    axes.plot(*bar, color="white", linewidth=2, solid_capstyle="butt", **drawn)
    drawn = {"path_effects": [withStroke(linewidth=1.2, foreground="black")], "fontsize": 6, "color": "white"}
    place = (left + across / 2, 0.91 * rows)
    axes.text(*place, f"{length * scale:g} {unit}", ha="center", va="bottom", **drawn)
