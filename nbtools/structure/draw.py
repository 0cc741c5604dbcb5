"""Figures of structure: sections with a scale bar, box counts beside their nulls, sections in three directions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nbtools.display.bars import draw_budget
from nbtools.display.drawing import drawing
from nbtools.display.scale_bar import add_scale_bar
from nbtools.display.style import BLACK, BLUE, GREEN, ORANGE, RED, SKY, add_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nbtools.structure.choices import ChoicesStudy
    from nbtools.structure.fractal import FractalVerdict, GlidingBoxes, VerdictPower
    from nbtools.structure.isotropy import IsotropyStudy
    from nbtools.structure.phases import PhasesStudy
    from nbtools.structure.registration import RegistrationStudy
    from nbtools.structure.sections import SectionsStudy

PRINTED = 1.67  # the paper's dimension of the surface image
THRESHOLD = 0.12  # decades, of the verdict


def draw_section(
    axes: "Axes",
    image: ArrayLike,
    *,
    pixel_size: float | None,
    name: str = "",
) -> "Axes":
    """A section in grey with a scale bar.

    Parameters
    ----------
    axes : to draw on
    image : (y, x) grey values or booleans
    pixel_size : m; without it, or NaN, there is no bar
    name : under the image
    """
    grey = np.asarray(image)
    low, high = np.percentile(grey, (0.5, 99.5)) if grey.dtype != bool else (0, 1)
    axes.imshow(grey, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    if name:
        axes.set_xlabel(name)
    if pixel_size and np.isfinite(pixel_size):
        add_scale_bar(axes, pixel_size)
    return axes


def draw_box_counts(axes: "Axes", verdict: "FractalVerdict") -> "Axes":
    """Smallest covers against box size with their ordinary slope."""
    sizes = np.asarray(verdict.sizes) * verdict.voxel_size * 1e6
    fit = np.exp(np.polyval(np.polyfit(np.log(sizes), np.log(verdict.counts), 1), np.log(sizes)))
    axes.loglog(sizes, verdict.counts, "o", color=BLUE, label="boxes that hold the phase")
    axes.loglog(sizes, fit, color=ORANGE, label=f"slope: D = {verdict.dimension}")
    axes.set(xlabel="box size (µm)", ylabel="number of boxes")
    _few_decades(axes)
    return add_legend(axes, loc="lower left")


def draw_local_dimensions(axes: "Axes", verdict: "FractalVerdict") -> "Axes":
    """Local slope against box size, on sections: the pattern, and the band of its nulls."""
    boxes = verdict.sections
    microns = boxes.sizes * verdict.voxel_size * 1e6
    shown = [boxes.local_dimensions]
    if verdict.nulls:
        curves = np.array([null.local_dimensions for null in verdict.nulls])
        low, high = np.percentile(curves, (2.5, 97.5), axis=0)
        axes.fill_between(microns, low, high, color="0.75", linewidth=0, label="patterns of one length")
        shown += [low, high]
    axes.semilogx(microns, boxes.local_dimensions, "o-", color=BLUE, label="this pattern")
    axes.axhline(PRINTED, color=BLACK, linestyle=":", linewidth=0.8, label=f"{PRINTED}")
    # Below the lowest curve there is room for the legend.
    lowest = min(PRINTED, float(np.min(shown)))
    axes.set(xlabel="box size (µm)", ylabel="local dimension (section)", ylim=(lowest - 0.45, 2.05))
    _few_decades(axes)
    return add_legend(axes, loc="lower right")


def draw_breadth(axes: "Axes", verdict: "FractalVerdict") -> "Axes":
    """Where solid boxes end and where unevenness ends, and the range between: of the pattern and of its nulls."""
    boxes = verdict.sections
    microns = boxes.sizes * verdict.voxel_size * 1e6
    axes.loglog(microns, boxes.full / boxes.fraction, "s-", color=RED, label="still solid")
    axes.loglog(microns, _unevenness(boxes), "o-", color=BLUE, label="still uneven")
    for null in verdict.nulls[:8]:
        faint: dict[str, Any] = {"color": "0.7", "linewidth": 0.5, "zorder": 0}
        axes.loglog(microns, _unevenness(null), **faint)
        axes.loglog(microns, null.full / null.fraction, **faint)
    low, high = (1e6 * end for end in verdict.interval)
    axes.axvspan(low, high, color=SKY, alpha=0.25, linewidth=0, label=f"{verdict.decades:.2f} decades")
    axes.axhline(0.1, color=BLACK, linestyle=":", linewidth=0.8)
    axes.set(xlabel="box size (µm)", ylabel="share left", ylim=(0.003, 1.3))
    _few_decades(axes)
    return add_legend(axes, loc="lower left")


def _unevenness(boxes: "GlidingBoxes") -> np.ndarray:
    """What is left of that in single pixels; none where all is filled."""
    return (boxes.lacunarity - 1) / max(1 / boxes.fraction - 1, 1e-9)


def _few_decades(axes: "Axes") -> None:
    """Ticks of a logarithmic axis that do not lie over each other, whatever the range: 1, 2, 5 of few decades."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_xlim()
    decades = np.log10(high / low)
    subs = (1.0, 2.0, 5.0) if decades < 1.8 else (1.0, 3.0) if decades < 2.5 else (1.0,)
    axes.xaxis.set_major_locator(LogLocator(subs=subs, numticks=12))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda place, _: f"{place:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


@drawing(panels=2, columns=2, height=54, name="section")
def section(panels: Any, study: "PhasesStudy") -> Any:
    """The image as recorded, and its dark phase.

    Parameters
    ----------
    study : from `study_section`
    """
    draw_section(panels[0], study.recorded, pixel_size=study.edge, name="as recorded")
    draw_section(panels[1], study.phase, pixel_size=study.edge, name="dark phase")
    return panels


@drawing(panels=lambda study: len(study.maps), columns=2, height=44, name="element_maps")
def element_maps(panels: Any, study: "RegistrationStudy") -> Any:
    """Counts of each element.

    Parameters
    ----------
    study : from `study_registration`
    """
    for axes, (element, counts) in zip(np.atleast_1d(panels), study.maps.items(), strict=True):
        found = study.found.get(element)
        said = f"{element} counts" + (f", MCC {found.mcc:.2f}" if found else "")
        draw_section(axes, counts, pixel_size=study.pixel, name=said)
    return panels


@drawing(panels=3, columns=2, height=58, name="box_counts")
def box_counts(panels: Any, verdict: "FractalVerdict") -> Any:
    """Counts and their slope; local slopes beside patterns of one length; what tells them apart.

    Parameters
    ----------
    verdict : from `study_box_dimension`
    """
    draw_box_counts(panels[0], verdict)
    draw_local_dimensions(panels[1], verdict)
    draw_breadth(panels[2], verdict)
    return panels


@drawing(height=55, name="power_of_the_verdict")
def verdict_power(axes: "Axes", power: "VerdictPower") -> "Axes":
    """Excess breadth of every seed by world, the threshold, and the pattern at hand.

    Parameters
    ----------
    power : from `study_verdict_power`
    """
    for row, (world, values) in enumerate(power.excess.items()):
        spread = 0.25 * np.linspace(-1, 1, len(values)) if len(values) > 1 else np.zeros(1)
        colour = GREEN if power.share(world, "scale-free") > 0.5 else BLUE
        axes.plot(values, row + spread, "o", color=colour, markersize=2.5)
    axes.axvline(THRESHOLD, color=RED, linestyle="--", linewidth=0.9, label=f"threshold {THRESHOLD:g}")
    if np.isfinite(power.here):
        axes.axvline(power.here, color=ORANGE, linewidth=1.2, label=f"this pattern {power.here:.2f}")
    axes.set_yticks(range(len(power.excess)), [f"{world} (model)" for world in power.excess])
    axes.tick_params(axis="y", which="minor", left=False, right=False)
    # To the right of all dots there is room for the legend.
    ends = [*(float(np.nanmax(values)) for values in power.excess.values()), THRESHOLD, power.here]
    axes.set(xlabel="excess breadth (decades)", xlim=(None, float(np.nanmax(ends)) + 0.4))
    return add_legend(axes, loc="upper right")


@drawing(panels=4, columns=2, height=48, name="sections")
def sections(panels: Any, cuts: "SectionsStudy", volume: "PhasesStudy") -> Any:
    """The middle section across each axis, and the area fraction of all sections.

    Parameters
    ----------
    cuts : from `study_sections`
    volume : from `study_volume`
    """
    for axis, (name, panel) in enumerate(zip("zyx", panels[:3], strict=True)):
        middle = np.take(volume.phase, volume.phase.shape[axis] // 2, axis=axis)
        draw_section(panel, middle, pixel_size=volume.edge, name=f"across {name}")
    for (name, values), colour in zip(cuts.fractions.items(), (BLUE, GREEN, ORANGE), strict=False):
        shares = 100 * np.asarray(values)
        panels[3].plot(np.linspace(0, 1, len(shares)), shares, color=colour, label=f"across {name}")
    mean = 100 * volume.found.fraction
    panels[3].axhline(mean, color=BLACK, linestyle=":", linewidth=0.8, label=f"volume {mean:.1f} %")
    # Above the curves there is room for the legend.
    top = 1.5 * max(float(np.max(100 * values)) for values in cuts.fractions.values())
    panels[3].set(xlabel="place of the section", ylabel="area fraction (%)", xlim=(0, 1), ylim=(0, top))
    add_legend(panels[3], loc="upper right", ncols=2)
    return panels


@drawing(panels=2, columns=2, height=60, name="volume_statistics")
def isotropy(panels: Any, texture: "IsotropyStudy", fractal: "FractalVerdict") -> Any:
    """S₂(r) along each axis with f², at which two places know nothing of each other; and the breadth of its sections.

    Parameters
    ----------
    texture : from `study_isotropy`
    fractal : from `study_volume_dimension`
    """
    found = texture.correlation
    microns = 1e6 * found.lags * texture.voxel_size
    names = "zyx"[-len(found.along) :]
    draw_correlations(panels[0], microns, dict(zip(names, found.along, strict=True)), fraction=found.fraction)
    draw_breadth(panels[1], fractal)
    return panels


def draw_correlations(
    axes: "Axes", microns: Sequence[float] | ArrayLike, along: Mapping[str, ArrayLike], *, fraction: float
) -> "Axes":
    """S₂(r) along each axis, with f²."""
    for (name, values), colour in zip(along.items(), (BLUE, GREEN, ORANGE), strict=False):
        axes.loglog(microns, np.asarray(values), "o-", color=colour, label=f"along {name}")
    axes.axhline(fraction**2, color=BLACK, linestyle=":", linewidth=0.8, label="$f^2$")
    axes.set(xlabel="$r$ (µm)", ylabel="$S_2(r)$")
    _few_decades(axes)
    return add_legend(axes, loc="upper right")


@drawing(height=60, name="budget_dimension")
def dimension_budget(axes: "Axes", fractal: "FractalVerdict", choices: "ChoicesStudy") -> "Axes":
    """How far D of the section moves: by what its σ is made of, and by choices that are usually not printed.

    Parameters
    ----------
    fractal : from `study_box_dimension`
    choices : from `study_choices`
    """
    moved = {f"{name} (σ)": sigma for name, sigma in fractal.spreads.items()}
    for choice, other in choices.found.items():
        if choice != "midpoint":
            moved[f"choice: {choice}"] = abs(float(other.dimension) - float(fractal.dimension))
    alike = float(fractal.null_dimension) - fractal.sections.slope_dimension
    moved["one length instead of many"] = 0.0 if np.isnan(alike) else abs(alike)
    shares = {name: size / float(fractal.dimension) for name, size in moved.items()}
    return draw_budget(axes, shares, label="change of D (%)")
