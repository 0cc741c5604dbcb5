"""Figures of luminescence: images and maps with scale bars, spectra with their bands, maps against chance."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nbtools.display.drawing import drawing, write_reason
from nbtools.display.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, RED, SKY, add_legend
from nbtools.units import HC, convert

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nbtools.cathodoluminescence.bands import BandFit
    from nbtools.cathodoluminescence.chance import ChanceTest
    from nbtools.cathodoluminescence.field import FieldStudy
    from nbtools.cathodoluminescence.study import BandMaps, SpectraStudy

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
        rows, columns = np.nonzero(np.asarray(over))
        axes.plot(columns, rows, "s", color=RED, markersize=1.4, markeredgewidth=0)
    if box is not None:
        _draw_box(axes, array.shape, box)
    axes.set(xticks=[], yticks=[], facecolor="0.8")  # pixels without a value are grey
    axes.minorticks_off()
    if np.isfinite(pixel):
        _draw_bar(axes, array.shape, convert(pixel, "m", "um"))
    return axes


def _draw_box(axes: "Axes", shape: Sequence[int], share: float) -> None:
    from matplotlib.patches import Rectangle

    height, width = shape
    corner = ((1 - share) * width / 2 - 0.5, (1 - share) * height / 2 - 0.5)
    for colour, line in (("black", 2.0), ("white", 1.1)):
        axes.add_patch(
            Rectangle(corner, share * width, share * height, fill=False, edgecolor=colour, linewidth=line)
        )


def _draw_bar(axes: "Axes", shape: Sequence[int], micrometres: float) -> None:
    height, width = shape
    wanted = 0.25 * width * micrometres
    length = min(BARS, key=lambda bar: abs(np.log(bar / wanted)))
    pixels, left, down = length / micrometres, 0.05 * width, 0.93 * height
    from matplotlib.patheffects import withStroke

    outline = [withStroke(linewidth=4.5, foreground="black")]
    axes.plot(
        [left, left + pixels],
        [down, down],
        linewidth=3,
        color="white",
        solid_capstyle="butt",
        path_effects=outline,
    )
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


def draw_spectra(axes: "Axes", recorded: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> "Axes":
    """Spectra by name over wavelength (nm), as recorded."""
    others = iter((ORANGE, PURPLE, RED, SKY, BLUE, GREEN) * (1 + len(recorded) // 6))
    for name, (nm, counts) in recorded.items():
        axes.plot(nm, counts, color=SPOT_COLOURS.get(name) or next(others), linewidth=0.8, label=name)
    axes.set(xlabel="wavelength (nm)", ylabel="counts")
    add_legend(axes, loc="best")
    return axes


def draw_bands(axes: "Axes", fit: "BandFit", *, title: str = "") -> "Axes":
    """A spectrum over energy with its bands and their sum; wavelengths on top."""
    axes.plot(fit.energy, fit.intensity, ".", color="0.6", markersize=1.5)
    axes.plot(fit.energy, fit.model, color=RED, linewidth=1.0, label=title or None)
    for name, colour in zip(fit.names, (PURPLE, BLUE, GREEN, ORANGE, SKY, BLACK), strict=False):
        centre = float(fit.centres[fit.names.index(name)])
        label = f"{centre:.3f} eV, {HC / centre:.0f} nm"
        axes.plot(fit.energy, fit.predict(fit.energy, band=name), color=colour, linewidth=0.8, label=label)
    # The dark level is off, so noise may dip below zero; the axis shows that.
    top = axes.secondary_xaxis("top", functions=(_swap, _swap))
    longest, shortest = HC / fit.energy[0], HC / fit.energy[-1]
    top.set_xticks(_round_wavelengths(shortest, longest))
    top.set_xlabel("wavelength (nm)", fontsize=7)
    top.tick_params(labelsize=6, direction="in")
    top.minorticks_off()
    axes.tick_params(axis="x", which="both", top=False)
    axes.set(xlabel="photon energy (eV)", ylabel="intensity per energy (arb.)")
    # Room for the legend above the spectrum.
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.12 * (len(fit.names) + 1) * (high - low))
    add_legend(axes, loc="upper left", ncols=1)
    return axes


def _round_wavelengths(shortest: float, longest: float) -> list[float]:
    """Round wavelengths, evenly spread in energy, up to six."""
    wanted = HC / np.linspace(HC / longest, HC / shortest, 7)[1:-1]
    step = next((s for s in (100.0, 50.0, 20.0, 10.0, 5.0, 2.0, 1.0) if s < 0.25 * (longest - shortest)), 0.5)
    return sorted({round(float(nm) / step) * step for nm in wanted})


def _swap(values: ArrayLike) -> np.ndarray[Any, Any]:
    return HC / np.maximum(np.asarray(values, float), 1e-6)


def draw_line(axes: "Axes", lights: Mapping[str, ArrayLike], *, pixel: float) -> "Axes":
    """Light along a line of pixels (`pixel` in m), one curve a window or band."""
    known = np.isfinite(pixel)
    for (name, light), colour in zip(lights.items(), (PURPLE, BLUE, GREEN, ORANGE, SKY, BLACK), strict=False):
        values = np.ravel(np.asarray(light, float))
        place = np.arange(values.size) * (convert(pixel, "m", "um") if known else 1.0)
        axes.plot(place, values, color=colour, linewidth=0.8, label=name)
    axes.set(xlabel="position (µm)" if known else "position (pixels)", ylabel="light (counts)")
    add_legend(axes, loc="best")
    return axes


def draw_chance(axes: "Axes", test: "ChanceTest", *, label: str, scale: float = 1.0) -> "Axes":
    """Where a statistic falls among what chance gives."""
    axes.hist(np.asarray(test.null) * scale, bins=24, color="0.75", label="chance")
    axes.axvline(test.statistic * scale, color=RED, label=f"map (p = {test.p_value:.3f})")
    axes.set(xlabel=label, ylabel="draws")
    add_legend(axes, loc="best")
    return axes


def draw_profile(
    axes: "Axes", worlds: Mapping[str, "ChanceTest"], *, label: str, dark: str = "dark phase"
) -> "Axes":
    """Ratio against distance from the boundary; of the first, where 68 % of chance's profiles lie."""
    first = next(iter(worlds.values()))
    scale = convert(1.0, "m", "um") if first.extra["unit"] == "m" else 1.0
    distance = np.asarray(first.extra["distance"]) * scale
    axes.fill_between(distance, first.extra["low"], first.extra["high"], color="0.85", label="chance (68 %)")
    for (name, test), colour in zip(worlds.items(), (RED, BLUE, GREEN, ORANGE, PURPLE, SKY), strict=False):
        line = np.asarray(test.extra["distance"]) * scale
        axes.plot(line, test.extra["profile"], "o-", color=colour, markersize=2.5, linewidth=0.8, label=name)
    unit = "µm" if scale != 1.0 else "pixels"
    axes.set(xlabel=f"distance from {dark} ({unit})", ylabel=f"{label}, relative")
    add_legend(axes, loc="upper right")
    return axes


# Of results ------------------------------------------------------------------------------------


@drawing(name="spectra")
def spectra(axes: "Axes", study: "SpectraStudy") -> "Axes":
    """The single spectra as recorded, over wavelength; without any the mean of the map.

    Parameters
    ----------
    study : from `study_spectra`
    """
    spots = {name: curve for name, curve in study.recorded.items() if name != "mean"}
    return draw_spectra(axes, spots or study.recorded)


def _fitted(study: "SpectraStudy", spots: Sequence[str] | None) -> dict[str, "BandFit"]:
    chosen = [name for name in study.fits if spots is None or name in spots]
    return {name: study.fits[name] for name in chosen if study.fits[name]}


@drawing(
    panels=lambda study: min(2, max(1, sum(bool(f) for f in study.fits.values()))), columns=2, name="bands"
)
def bands(panels: Any, study: "SpectraStudy", *, spots: Sequence[str] | None = None) -> Any:
    """Two of the spectra over energy with their bands.

    Parameters
    ----------
    study : from `study_spectra`
    spots : which; by default the last two
    """
    found = list(_fitted(study, spots).items())
    if not found:
        return write_reason(panels, "no spectrum has bands")
    for axes, (name, fit) in zip(np.atleast_1d(panels), found[-np.size(panels) :], strict=True):
        draw_bands(axes, fit, title=name)
    return panels


def _are_line(study: "FieldStudy") -> bool:
    return min(study.emitter.shape) == 1


@drawing(
    panels=lambda study: 1 if _are_line(study) else len(study.windows) + (study.image is not None),
    columns=2,
    height=58,
    name="field",
)
def field(panels: Any, study: "FieldStudy", *, box: float | None = None) -> Any:
    """The SEM image and the light in each window; along a line, curves.

    Parameters
    ----------
    study : from `study_field`
    box : draws a centred square of that share of the width, the field of a finer map
    """
    axes = list(np.atleast_1d(panels))
    if _are_line(study):
        draw_line(axes[0], study.windows, pixel=study.pixel)
        return panels
    if study.image is not None:
        first = axes.pop(0)
        draw_map(first, study.image, pixel=study.pixel, colours="gray", box=box).set_xlabel("SEM image")
    for place, (name, light) in zip(axes, study.windows.items(), strict=True):
        low, high = study.spans[name]
        draw_map(place, light, pixel=study.pixel, box=box).set_xlabel(f"{low:.0f} to {high:.0f} nm")
    return panels


@drawing(
    panels=lambda study: 1 if min(study.maps.success.shape) == 1 else min(4, len(study.maps.bands)),
    columns=2,
    height=52,
    name="band_areas",
)
def band_maps(panels: Any, study: "BandMaps") -> Any:
    """Area of each band, over the field or along the line.

    Parameters
    ----------
    study : from `study_bands`
    """
    axes, maps = np.atleast_1d(panels), study.maps
    done = maps.success
    labels = {}
    for number in range(len(maps.bands)):
        centre = float(np.median(maps.centres[..., number][done])) if done.any() else np.nan
        labels[f"{HC / centre:.0f} nm, {centre:.3f} eV"] = maps.areas[..., number]
    if min(done.shape) == 1:
        draw_line(axes[0], labels, pixel=study.pixel)
        return panels
    for place, (label, area) in zip(axes, list(labels.items())[-len(axes) :], strict=True):
        draw_map(place, area, pixel=study.pixel).set_xlabel(label)
    return panels


def _asked(study: "FieldStudy") -> int:
    return sum(test is not None for test in (study.overlap, study.profile, study.channels))


@drawing(panels=lambda study: max(1, _asked(study)), columns=2, height=58, name="against_chance")
def chance(
    panels: Any, study: "FieldStudy", *, rivals: Mapping[str, "FieldStudy | None"] | None = None
) -> Any:
    """Each test beside what chance gives; profiles of other worlds beside the map's.

    Parameters
    ----------
    study : from `study_field`
    rivals : the same of other worlds, by name
    """
    axes = list(np.atleast_1d(panels))
    names, dark = list(study.windows), study.phases[1].replace("MgB2", "MgB$_2$")
    if not _asked(study):
        return write_reason(panels, "\n".join(dict.fromkeys(study.missing.values())))
    if study.overlap is not None:
        draw_chance(axes.pop(0), study.overlap, label="correlation beyond the shape")
    if study.profile is not None:
        known = {name: other.profile for name, other in (rivals or {}).items() if other}
        profiles = {"map": study.profile, **{name: test for name, test in known.items() if test is not None}}
        label = f"{names[1]} over {names[0]}" if len(names) > 1 else names[0]
        draw_profile(axes.pop(0), profiles, label=label, dark=dark)
    if study.channels is not None:
        metres = study.channels.extra["unit"] == "m"
        unit, scale = ("µm", convert(1.0, "m", "um")) if metres else ("pixels", 1.0)
        draw_chance(axes.pop(0), study.channels, label=f"mean length of bright lines ({unit})", scale=scale)
    return panels


@drawing(panels=2, columns=2, height=66, name="channels")
def channels(panels: Any, study: "FieldStudy") -> Any:
    """The bright lines on the map, and the longest of them on its emitter.

    Parameters
    ----------
    study : from `study_field`, with a test of lines
    """
    if study.channels is None:
        return write_reason(panels, study.missing.get("channels", "no lines were looked for"))
    extra, light = study.channels.extra, list(study.windows.values())[min(1, len(study.windows) - 1)]
    draw_map(panels[0], light, pixel=study.pixel, over=extra["skeleton"]).set_xlabel("all bright lines")
    picture = draw_map(panels[1], study.emitter, pixel=study.pixel, colours="gray", over=extra["longest"])
    picture.set_xlabel(f"the longest, on {study.phases[0]}")
    return panels
