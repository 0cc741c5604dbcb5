"""Figures of STEM images: grains and their transforms, columns, boundaries, terraces, element maps."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nbtools.display.drawing import drawing
from nbtools.display.style import (
    BLACK,
    BLUE,
    ELEMENT_COLOURS,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    YELLOW,
    add_legend,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nbtools.stem.boundary import LayerStudy
    from nbtools.stem.columns import ColumnsStudy
    from nbtools.stem.elements import IslandsStudy
    from nbtools.stem.interface import GrainsStudy, PlanesStudy
    from nbtools.stem.terraces import TerracesStudy

NM = 1e9
GRAIN_COLOURS = (SKY, ORANGE, YELLOW)
GREYS = 6
ROUND_LENGTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
CLOSE_UP = 3e-9  # m, side
MOST_PIXELS = 1024  # of an image that is shown


def draw_image(
    axes: "Axes",
    image: ArrayLike,
    pixel_size: float,
    *,
    bar: bool = True,
    binning: int = 1,
    greys: int = GREYS,
) -> "Axes":
    """A grey image over nm, y down, with a scale bar of a round length; `binning` pixels a side shown as one."""
    binning = max(binning, -(-max(np.shape(image)) // MOST_PIXELS))
    values, pixel_size = _binned(image, binning), binning * pixel_size
    height, width = (n * pixel_size * NM for n in values.shape)
    low, high = np.percentile(values, [0.5, 99.5])
    # Six greys show a lattice as well as 256 and take a quarter of the bytes.
    shades = np.round(np.clip((values - low) / ((high - low) or 1.0), 0, 1) * (greys - 1)) / (greys - 1)
    axes.imshow(shades, cmap="gray", extent=(0, width, height, 0), vmin=0, vmax=1, interpolation="nearest")
    axes.set(xlim=(0, width), ylim=(height, 0))
    _bare(axes)
    if bar:
        length = max((n for n in ROUND_LENGTHS if n <= width / 3), default=1)
        start, level = 0.05 * width, 0.94 * height
        axes.plot([start, start + length], [level, level], color="white", linewidth=3, solid_capstyle="butt")
        middle, above = start + length / 2, level - 0.02 * height
        axes.text(middle, above, f"{length} nm", color="white", ha="center", va="bottom", fontsize=7)
    return axes


def _binned(image: ArrayLike, side: int) -> np.ndarray[Any, Any]:
    """Means of square blocks of pixels; what does not fill a block at the far rims is left out."""
    values = np.asarray(image, float)
    rows, columns = (n // side for n in values.shape)
    return values[: rows * side, : columns * side].reshape(rows, side, columns, side).mean(axis=(1, 3))


def _bare(axes: "Axes") -> None:
    """Without ticks, which take longer to lay out than the image."""
    axes.set(xticks=[], yticks=[])
    axes.minorticks_off()


def draw_columns(axes: "Axes", columns: Iterable[Any], pixel_size: float, *, size: float = 2.0) -> "Axes":
    """Columns of one or more grains in the elements' colours, over `draw_image`; `columns` as `place_columns` gives."""
    spare = cycle((ORANGE, RED, GREEN, PURPLE))
    for one in columns:
        for element in np.unique(one.elements):
            y, x = one.of(element).T * pixel_size * NM
            colour = ELEMENT_COLOURS.get(str(element)) or next(spare)
            axes.plot(x, y, "o", color=colour, markersize=size, markeredgewidth=0, label=str(element))
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    add_legend(axes, handles=list(handles.values()), labels=list(handles), loc="upper right", markerscale=2)
    return axes


def draw_transform(
    axes: "Axes",
    power: ArrayLike,
    half_width: float,
    solutions: Sequence[Any] = (),
    *,
    reach: float = 11e9,
    labels: int = 6,
    name: str = "",
    colours: Sequence[str] = GRAIN_COLOURS,
    ticks: bool = False,
) -> "Axes":
    """log₁₀ of the power over k (1/nm), y down, with the indexed spots of each grain and the strongest's hkl."""
    values, half = np.asarray(power), half_width / NM
    low, high = np.percentile(values, 97), values.max()
    axes.imshow(values, cmap="magma", extent=(-half, half, half, -half), vmin=low, vmax=high)
    for solution, colour in zip(solutions, colours, strict=False):
        k = np.array([spot.wave_vector for spot in solution.spots]) / NM
        for sign in (1, -1):
            axes.plot(sign * k[:, 1], sign * k[:, 0], "o", markersize=5, markerfacecolor="none", color=colour)
        for spot, (y, x) in list(zip(solution.spots, k, strict=True))[:labels]:
            text = "".join(f"{abs(i)}" + ("\u0305" if i < 0 else "") for i in spot.hkl)
            options: dict[str, Any] = {
                "xytext": (3, 3),
                "textcoords": "offset points",
                "annotation_clip": True,
            }
            axes.annotate(text, (x, y), color=colour, fontsize=6, **options)
    reach = min(reach / NM, half)
    axes.set(xlim=(-reach, reach), ylim=(reach, -reach))
    if ticks:
        axes.set(xlabel="$k_x$ (1/nm)", ylabel="$k_y$ (1/nm)")
    else:
        _bare(axes)
    if name:
        axes.text(0.03, 0.97, name, transform=axes.transAxes, color="white", va="top", fontsize=7)
    return axes


def draw_grains(axes: "Axes", masks: Iterable[Any], pixel_size: float) -> "Axes":
    """Outlines of the grains, each in its colour, over `draw_image`."""
    for mask, colour in zip(masks, GRAIN_COLOURS, strict=False):
        values = np.asarray(mask)
        height, width = (n * pixel_size * NM for n in values.shape)
        extent = (0, width, 0, height)
        axes.contour(values.astype(float), levels=[0.5], colors=[colour], linewidths=0.8, extent=extent)
    return axes


def draw_last_planes(axes: "Axes", line: Any, steps: Any) -> "Axes":
    """The columns of the grain that ends, filled where they are there, with the fitted stairs, over `draw_image`."""
    y, x = np.asarray(line.columns).T * NM
    there = np.asarray(line.shares) > 0.5
    axes.plot(x[there], y[there], ".", color=ORANGE, markersize=2, label="there")
    axes.plot(x[~there], y[~there], "o", color=SKY, markersize=1.5, fillstyle="none", mew=0.4, label="not")
    y, x = line.places(np.interp(line.along, steps.along, steps.fitted)).T * NM
    axes.plot(x, y, color=YELLOW, linewidth=1.2)
    return add_legend(axes, loc="upper right", markerscale=3)


def draw_elements(
    axes: "Axes", maps: Mapping[str, ArrayLike], pixel_size: float, *, binning: int = 1
) -> "Axes":
    """Element maps as one colour image: O green, B red, Mg blue, as the paper has it."""
    layers = []
    for element in ("B", "O", "Mg"):
        values = _binned(maps.get(element, np.zeros_like(maps["B"])), binning)
        share = np.clip(values / max(float(np.percentile(values, 99)), 1e-9), 0, 1)
        layers.append(np.round(3 * share) / 3)
    height, width = (n * binning * pixel_size * NM for n in layers[0].shape)
    axes.imshow(np.stack(layers, axis=-1), extent=(0, width, height, 0))
    _bare(axes)
    return axes


def draw_islands(axes: "Axes", labels: ArrayLike, pixel_size: float) -> "Axes":
    """Connected parts, each in a colour of its own on black."""
    from matplotlib import colormaps

    values = np.asarray(labels)
    height, width = (n * pixel_size * NM for n in values.shape)
    numbers = np.unique(values, return_inverse=True)[1].reshape(values.shape)
    colours = colormaps["cividis"](0.25 + 0.75 * ((numbers * 7) % 11) / 11)
    colours[numbers == 0] = (0, 0, 0, 1)
    axes.imshow(colours, extent=(0, width, height, 0), interpolation="nearest")
    _bare(axes)
    return axes


def draw_bends(axes: "Axes", outline: Any) -> "Axes":
    """Pieces of an `OutlineCurvature`: where the islands are convex blue, where they are concave orange."""
    y, x = NM * outline.places.T
    for name, colour, shown in (("convex", BLUE, outline.bends >= 0), ("concave", ORANGE, outline.bends < 0)):
        axes.scatter(x[shown], y[shown], s=0.7, c=colour, lw=0, label=name)
    return add_legend(axes, loc="lower left", fontsize=6, markerscale=4)


@drawing(panels=lambda result: 2 + len(result.grains), columns=2, height=46)
def grains(axes: "Sequence[Axes]", result: "GrainsStudy") -> None:
    """The image with its grains, its transform, and that of each grain with the indexed spots.

    Parameters
    ----------
    result : from `study_grains`
    """
    image, found = result.image, result.grains
    draw_image(axes[0], image.plane, image.pixel_size)
    if len(found) > 1:
        draw_grains(axes[0], found.masks, image.pixel_size)
    whole, *parts = result.transforms
    draw_transform(axes[1], *whole, name="whole image")
    for number, (panel, part) in enumerate(zip(axes[2:], parts, strict=True)):
        colour = GRAIN_COLOURS[number % len(GRAIN_COLOURS)]
        solutions = [found.patterns[number].best] if found.patterns[number] else []
        draw_transform(panel, *part, solutions, name=found.name(number), colours=(colour,))
        panel.texts[-1].set_color(colour)


@drawing(height=55)
def chance(axes: "Axes", result: "PlanesStudy") -> None:
    """How often two random grains show planes as wide as the found ones, over the angle allowed.

    Parameters
    ----------
    result : from `study_parallel_planes`
    """
    for (name, angles, shares, found), style in zip(result.chances(), ("-", "--", ":"), strict=False):
        (line,) = axes.plot(angles, 100 * shares, style, color=BLUE, label=name)
        axes.axvline(found, color=line.get_color(), linestyle=style, linewidth=0.6)
    axes.set(xlabel="parallel within (deg)", ylabel="random grains (%)", xlim=(0, None), ylim=(0, None))
    add_legend(axes)


@drawing(panels=lambda result: len(result.columns), columns=2, height=70)
def columns(axes: Any, result: "ColumnsStudy", *, side: float = CLOSE_UP) -> None:
    """A close-up of each grain with the columns that its lattice places.

    Parameters
    ----------
    result : from `study_columns`
    side : of the close-up, m
    """
    image = result.image
    for panel, one, name in zip(np.atleast_1d(axes), result.columns, result.names, strict=True):
        draw_image(panel, image.plane, image.pixel_size, bar=False, greys=64)
        draw_columns(panel, [one], image.pixel_size, size=2.5)
        y, x = NM * image.pixel_size * np.median(one.positions, axis=0)
        half = side * NM / 2
        panel.set(xlim=(x - half, x + half), ylim=(y + half, y - half))
        start, level = x - 0.9 * half, y + 0.88 * half
        panel.plot([start, start + 0.5], [level, level], color="white", linewidth=2.5, solid_capstyle="butt")
        panel.text(start, level - 0.06 * half, "0.5 nm", color="white", fontsize=7, va="bottom")
        panel.set_title(name, loc="left", fontsize=7)


@drawing(panels=2, columns=2, height=70)
def layer(axes: "Sequence[Axes]", result: "LayerStudy") -> None:
    """Where each lattice ends, and the mean share of both across the boundary.

    Parameters
    ----------
    result : from `study_layer`
    """
    draw_image(axes[0], result.image.plane, result.image.pixel_size)
    for (name, found), style in zip(result.widths.items(), ("-", "--", ":"), strict=False):
        line = found.boundary
        for side, colour in ((0, SKY), (1, ORANGE)):
            y, x = line.places((line.first, line.second)[side]).T * NM
            axes[0].plot(x, y, ".", color=colour, markersize=2)
            across, share, sigma = line.profile(side)
            axes[1].plot(across * NM, share, style, color=colour, label=name if not side else None)
            axes[1].fill_between(
                across * NM, share - sigma, share + sigma, color=colour, alpha=0.25, linewidth=0
            )
    axes[1].axhline(0.5, color=BLACK, linewidth=0.5)
    axes[1].set(
        xlabel="across the boundary (nm)",
        ylabel="share of the lattice",
        xlim=(-2, 2),
        ylim=(-0.1, 1.2 + 0.12 * len(result.widths)),
    )
    add_legend(axes[1], loc="upper center", fontsize=6)


@drawing(panels=2, columns=2, height=70)
def terraces(axes: "Sequence[Axes]", result: "TerracesStudy") -> None:
    """The last columns of the grain that ends, and the height of the boundary with the fitted terraces.

    Parameters
    ----------
    result : from `study_terraces`
    """
    line, steps = result.line, result.steps
    draw_image(axes[0], result.image.plane, result.image.pixel_size)
    draw_last_planes(axes[0], line, steps)
    axes[1].plot(line.along * NM, line.height * NM, ".", color=BLUE, markersize=3, label="last plane")
    axes[1].plot(steps.along * NM, steps.fitted * NM, color=ORANGE, label=f"{steps.count} steps")
    for place, height in zip(steps.positions, steps.heights, strict=True):
        level = float(np.interp(float(place), steps.along, steps.fitted)) * NM
        text = f"{float(height) * NM:+.2f} nm"
        axes[1].annotate(
            text, (float(place) * NM, level), xytext=(4, -3), textcoords="offset points", fontsize=6
        )
    axes[1].set(xlabel="along the boundary (nm)", ylabel="height (nm)")
    axes[1].margins(y=0.2)
    add_legend(axes[1])


@drawing(panels=lambda result: 2 + min(len(result.images), 2), columns=2, height=46)
def islands(axes: "Sequence[Axes]", result: "IslandsStudy") -> None:
    """The field, its elements (O green, B red, Mg blue, as in the paper), and the islands with their outlines.

    Parameters
    ----------
    result : from `study_islands`
    """
    for panel, (plane, size) in zip(axes[:-2], list(result.images.values())[:2], strict=False):
        draw_image(panel, plane, size, binning=2)
    draw_elements(axes[-2], result.maps, result.pixel_size, binning=2)
    draw_islands(axes[-1], result.islands.labels, result.pixel_size)
    if result.outline is not None:
        draw_bends(axes[-1], result.outline)
