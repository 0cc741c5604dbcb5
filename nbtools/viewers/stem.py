"""Draw STEM: images with columns and a scale bar, transforms with indexed spots, boundaries, steps and element maps."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nbtools.display.style import BLACK, BLUE, GREEN, ORANGE, RED, SKY, YELLOW, add_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NM = 1e9
ELEMENT_COLOURS = {"Mg": ORANGE, "B": GREEN, "O": SKY, "Mg+O": YELLOW, "B+Mg": RED}
GRAIN_COLOURS = (SKY, ORANGE, YELLOW)
GREYS = 6
ROUND_LENGTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def draw_image(
    axes: "Axes", image: ArrayLike, pixel_size: float, *, bar: bool = True, binning: int = 1
) -> "Axes":
    """A grey image over nm, y down, with a scale bar of a round length; `binning` pixels a side shown as one."""
    values, pixel_size = _binned(image, binning), binning * pixel_size
    height, width = (n * pixel_size * NM for n in values.shape)
    low, high = np.percentile(values, [0.5, 99.5])
    # Six greys show a lattice as well as 256 and take a quarter of the bytes.
    greys = np.round(np.clip((values - low) / ((high - low) or 1.0), 0, 1) * (GREYS - 1)) / (GREYS - 1)
    axes.imshow(greys, cmap="gray", extent=(0, width, height, 0), vmin=0, vmax=1, interpolation="nearest")
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
    for one in columns:
        for element in np.unique(one.elements):
            y, x = one.of(element).T * pixel_size * NM
            colour = ELEMENT_COLOURS.get(str(element), RED)
            axes.plot(x, y, "o", color=colour, markersize=size, markeredgewidth=0, label=str(element))
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    add_legend(axes, handles=list(handles.values()), labels=list(handles), loc="upper right", markerscale=2)
    return axes


def draw_close_up(
    axes: "Axes",
    image: ArrayLike,
    pixel_size: float,
    columns: Iterable[Any],
    *,
    middle: tuple[float, float],
    side: float = 3e-9,
) -> "Axes":
    """The part of an image around `middle` (y, x), m, with its columns, as an inset of the paper's figures."""
    draw_image(axes, image, pixel_size, bar=False)
    draw_columns(axes, columns, pixel_size, size=3.0)
    y, x = (place * NM for place in middle)
    half = side * NM / 2
    axes.set(xlim=(x - half, x + half), ylim=(y + half, y - half))
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
            options = {"xytext": (3, 3), "textcoords": "offset points", "annotation_clip": True}
            axes.annotate(text, (x, y), color=colour, fontsize=5.5, **options)
    reach = min(reach / NM, half)
    axes.set(xlim=(-reach, reach), ylim=(reach, -reach))
    _bare(axes)
    if name:
        axes.text(0.03, 0.97, name, transform=axes.transAxes, color="white", va="top", fontsize=7)
    return axes


def draw_interface_study(
    axes: Sequence["Axes"],
    image: ArrayLike,
    pixel_size: float,
    interface: Any,
    transforms: Sequence[tuple[ArrayLike, float]],
) -> None:
    """Four panels as in the paper's Figs 5 and 6: the image, its transform, and each grain's with its spots.

    transforms : (power, half width) of the whole image and of each grain
    """
    draw_image(axes[0], image, pixel_size)
    draw_grains(axes[0], interface.masks, pixel_size)
    draw_transform(axes[1], *transforms[0], name="whole")
    for panel, transform, solution, colour in zip(
        axes[2:], transforms[1:], interface.solutions, GRAIN_COLOURS, strict=False
    ):
        zone = " ".join(map(str, solution.zone))
        name = f"{solution.crystal} [{zone}]"
        draw_transform(panel, *transform, [solution], name=name, colours=(colour,))
        panel.texts[-1].set_color(colour)


def draw_grains(axes: "Axes", masks: Iterable[Any], pixel_size: float) -> "Axes":
    """Outlines of the grains, each in its colour, over `draw_image`."""
    for mask, colour in zip(masks, GRAIN_COLOURS, strict=False):
        values = np.asarray(mask)
        height, width = (n * pixel_size * NM for n in values.shape)
        extent = (0, width, 0, height)
        axes.contour(values.astype(float), levels=[0.5], colors=[colour], linewidths=0.8, extent=extent)
    return axes


def draw_boundary(axes: "Axes", boundary: Any, *, steps: Any = None) -> "Axes":
    """The boundary over `draw_image`: where half of each lattice is left, and the fitted stairs."""
    for line, colour in ((boundary.first, SKY), (boundary.second, ORANGE)):
        y, x = boundary.places(line).T * NM
        axes.plot(x, y, ".", color=colour, markersize=2)
    if steps is not None:
        heights = np.interp(boundary.along, steps.along, steps.fitted)
        y, x = boundary.places(heights).T * NM
        axes.plot(x, y, color=YELLOW, linewidth=1.2)
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


def draw_steps(axes: "Axes", boundary: Any, steps: Any) -> "Axes":
    """Height of the boundary along it with the fitted terraces; heights of the steps beside them."""
    axes.plot(boundary.along * NM, boundary.height * NM, ".", color=BLUE, markersize=3, label="boundary")
    axes.plot(steps.along * NM, steps.fitted * NM, color=ORANGE, label=f"{steps.count} step(s)")
    for place, height in zip(steps.positions, steps.heights, strict=True):
        level = float(np.interp(float(place), steps.along, steps.fitted)) * NM
        text = f"{float(height) * NM:+.2f}"
        axes.annotate(
            text, (float(place) * NM, level), xytext=(4, -3), textcoords="offset points", fontsize=6
        )
    axes.set(xlabel="along the boundary (nm)", ylabel="height (nm)")
    axes.margins(y=0.2)
    return add_legend(axes)


def draw_presence(axes: "Axes", widths: Mapping[str, Any]) -> "Axes":
    """Mean share of each lattice across the boundary for named results of `bound_disordered_width`."""
    for (name, found), style in zip(widths.items(), ("-", "--", ":"), strict=False):
        for side, colour in ((0, SKY), (1, ORANGE)):
            across, share = found.boundary.profile(side)
            label = f"{name}: {found.width.to('nm')}" if side == 0 else None
            axes.plot(across * NM, share, style, color=colour, label=label)
    axes.axhline(0.5, color=BLACK, linewidth=0.5)
    axes.set(xlabel="across the boundary (nm)", ylabel="share of the lattice", xlim=(-2, 2), ylim=(-0.1, 1.6))
    return add_legend(axes, loc="upper left", fontsize=5.5)


def draw_elements(
    axes: "Axes", maps: Mapping[str, ArrayLike], pixel_size: float, *, binning: int = 1
) -> "Axes":
    """Element maps as one colour image: O green, B red, Mg blue, as the paper has it."""
    layers = []
    for element in ("B", "O", "Mg"):
        values = _binned(maps[element], binning)
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
    return add_legend(axes, loc="lower left", fontsize=5.5, markerscale=4)


def draw_chance(axes: "Axes", angles: ArrayLike, curves: Mapping[str, ArrayLike]) -> "Axes":
    """How often random grains show a pair of planes as parallel, over the angle allowed."""
    for (name, values), style in zip(curves.items(), ("-", "--", ":", "-."), strict=False):
        axes.plot(angles, 100 * np.asarray(values), style, color=BLUE, label=name)
    axes.set(xlabel="parallel within (deg)", ylabel="random grains (%)", xlim=(0, None), ylim=(0, None))
    return add_legend(axes)


def draw_dose(panels: "Sequence[Axes]", curve: Sequence[Any]) -> "Sequence[Axes]":
    """Over the dose: what counting leaves open of a column's place, the limit of a layer; grey where zones are lost."""
    dose, error, limit = (
        np.array([getattr(p, n) for p in curve]) for n in ("dose", "column_error", "upper_limit_95")
    )
    bounded, lost = np.isfinite(limit), [p.dose for p in curve if not p.determined]
    panels[0].plot(dose, 1e3 * NM * error, "o-", color=BLUE, markersize=3)
    panels[1].plot(dose[bounded], NM * limit[bounded], "o-", color=BLUE, markersize=3)
    panels[1].plot(
        dose[~bounded], np.ones(np.sum(~bounded)), "^", color=RED, label="cannot be bounded", markersize=4
    )
    for panel, label in zip(panels, ("error of a column (pm)", "limit of a layer (nm)"), strict=True):
        if lost:
            panel.axvspan(0.6 * min(lost), 1.4 * max(lost), color="0.88", label="zones under-determined")
        panel.set(xscale="log", xlabel="counts in a pixel", ylabel=label)
        panel.set(xlim=(0.6 * dose.min(), 1.4 * dose.max()), ylim=(0, None))
        panel.minorticks_off()
    panels[1].set(ylim=(0, 1.1))
    add_legend(panels[1], loc="center right")
    return panels
