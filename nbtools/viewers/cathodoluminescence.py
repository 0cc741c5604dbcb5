"""Draw cathodoluminescence: images and maps with scale bars, spectra with their bands, maps against chance."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nbtools.display.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, RED, SKY, add_legend
from nbtools.units import HC, convert

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)  # µm
SPOT_COLOURS = {"A": BLACK, "B": BLUE, "C": GREEN}


def draw_map(
    axes: "Axes",
    values: ArrayLike,
    *,
    pixel: float = float("nan"),
    label: str = "",
    colours: str = "viridis",
    box: float | None = None,
    over: ArrayLike | None = None,
) -> "Axes":
    """A map or image with a scale bar (`pixel` in m) and a colour bar where it has a `label`.

    `box` draws a centred square of that share of the width; `over` marks True pixels.
    """
    array = np.asarray(values, float)
    low, high = np.nanquantile(array, [0.01, 0.995])
    picture = axes.imshow(array, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    if label:
        axes.figure.colorbar(picture, ax=axes, shrink=0.8, label=label)
    if over is not None:
        rows, columns = np.nonzero(over)
        axes.plot(columns, rows, "s", color=RED, markersize=1.4, markeredgewidth=0)
    if box is not None:
        _draw_box(axes, array.shape, box)
    axes.set(xticks=[], yticks=[])
    axes.minorticks_off()
    if np.isfinite(pixel):
        _draw_bar(axes, array.shape, convert(pixel, "m", "um"))
    return axes


def _draw_box(axes: "Axes", shape: Sequence[int], share: float) -> None:
    from matplotlib.patches import Rectangle

    height, width = shape
    corner = ((1 - share) * width / 2 - 0.5, (1 - share) * height / 2 - 0.5)
    axes.add_patch(
        Rectangle(corner, share * width, share * height, fill=False, edgecolor="white", linewidth=1.2)
    )


def _draw_bar(axes: "Axes", shape: Sequence[int], micrometres: float) -> None:
    height, width = shape
    wanted = 0.25 * width * micrometres
    length = min(BARS, key=lambda bar: abs(np.log(bar / wanted)))
    pixels, left, down = length / micrometres, 0.05 * width, 0.93 * height
    outline = {"color": "white", "solid_capstyle": "butt"}
    axes.plot([left, left + pixels], [down, down], linewidth=3, **outline)
    from matplotlib.patheffects import withStroke

    axes.text(
        left + pixels / 2,
        down - 0.03 * height,
        f"{length:g} µm",
        color="white",
        fontsize=7,
        ha="center",
        va="bottom",
        path_effects=[withStroke(linewidth=1.5, foreground="black")],
    )


def draw_spots(axes: "Axes", spots: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> "Axes":
    """Spectra of named spots over wavelength (nm, counts)."""
    for name, (nm, counts) in spots.items():
        axes.plot(nm, counts, color=SPOT_COLOURS.get(name, PURPLE), linewidth=0.8, label=name)
    axes.set(xlabel="wavelength (nm)", ylabel="counts", ylim=(0, None))
    add_legend(axes, loc="upper right")
    return axes


def draw_bands(axes: "Axes", fit: Any, intensity: ArrayLike, *, title: str = "") -> "Axes":
    """A spectrum over energy with its bands and their sum; wavelengths on top."""
    axes.plot(fit.energy, intensity, ".", color="0.6", markersize=1.5)
    axes.plot(fit.energy, fit.model, color=RED, linewidth=1.0, label=title or None)
    for name, colour in zip(fit.names, (PURPLE, BLUE, GREEN, ORANGE, SKY, BLACK), strict=False):
        centre = fit.centres[fit.names.index(name)]
        label = f"{centre:.3f} eV, {HC / centre:.0f} nm"
        axes.plot(fit.energy, fit.predict(fit.energy, band=name), color=colour, linewidth=0.8, label=label)
    # The dark level is off, so noise may dip below zero; the axis shows that.
    top = axes.secondary_xaxis("top", functions=(_swap, _swap))
    top.set_xticks([800, 600, 500, 400, 350, 300])
    top.set_xlabel("wavelength (nm)", fontsize=8)
    top.tick_params(labelsize=7, direction="in")
    axes.tick_params(axis="x", which="both", top=False)
    axes.set(xlabel="photon energy (eV)", ylabel="intensity per energy (arb.)")
    add_legend(axes, loc="upper left", fontsize=5)
    return axes


def _swap(values: ArrayLike) -> np.ndarray[Any, Any]:
    return HC / np.maximum(np.asarray(values, float), 1e-6)


def draw_chance(axes: "Axes", test: Any, *, label: str, scale: float = 1.0) -> "Axes":
    """Where a statistic falls among what chance gives."""
    axes.hist(np.asarray(test.null) * scale, bins=24, color="0.75", label="chance")
    axes.axvline(test.statistic * scale, color=RED, label=f"map (p = {test.p_value:.3f})")
    axes.set(xlabel=label, ylabel="draws")
    add_legend(axes, loc="upper center")
    return axes


def draw_profile(axes: "Axes", worlds: Mapping[str, Any], *, label: str = "520 nm / 350 nm") -> "Axes":
    """Ratio against distance from the boundary; of the first, where 68 % of chance's profiles lie."""
    first = next(iter(worlds.values()))
    scale = convert(1.0, "m", "um") if first.extra["unit"] == "m" else 1.0
    distance = np.asarray(first.extra["distance"]) * scale
    axes.fill_between(distance, first.extra["low"], first.extra["high"], color="0.85", label="chance (68 %)")
    for (name, test), colour in zip(worlds.items(), (RED, BLUE, GREEN, ORANGE, PURPLE, SKY), strict=False):
        line = np.asarray(test.extra["distance"]) * scale
        axes.plot(line, test.extra["profile"], "o-", color=colour, markersize=2.5, linewidth=0.8, label=name)
    unit = "µm" if scale != 1.0 else "pixels"
    axes.set(xlabel=f"distance from MgB$_2$ ({unit})", ylabel=f"{label}, relative")
    add_legend(axes, loc="upper right")
    return axes
