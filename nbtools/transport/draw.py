"""Figures of transport and dc magnetisation: R(T), χ(T), M(H), R(H) and the critical fields."""

import re
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nbtools.display.bars import draw_budget
from nbtools.display.drawing import drawing
from nbtools.display.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    add_legend,
    add_legend_beside,
    temperature_colours,
)
from nbtools.units import for_display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nbtools.transport.lengths import LengthsStudy
    from nbtools.transport.lower_field import FluxEntryStudy
    from nbtools.transport.resistance import ResistanceStudy
    from nbtools.transport.screening import ScreeningStudy
    from nbtools.transport.upper_field import UpperFieldStudy

LINES = {0: "-", 1: "--", 2: ":"}


def draw_resistivity(
    axes: "Axes",
    temperature: ArrayLike,
    resistivity: ArrayLike,
    *,
    unit: str = "ohm m",
    fit: tuple[ArrayLike, ArrayLike] | None = None,
    marks: Mapping[str, float] | None = None,
    window: tuple[float, float] | None = None,
    name: str = "",
    others: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    units: str = "paper",
) -> "Axes":
    """ρ(T) with its fit, marked temperatures, and the transition enlarged in an inset (`window`, K).

    `name` is the curve's; `others` are further ones by name, under it.
    """
    scale, label = for_display(unit, units)
    t, rho = np.asarray(temperature), np.asarray(resistivity) * scale
    more = [(name, np.asarray(x), np.asarray(y) * scale) for name, (x, y) in (others or {}).items()]
    for (other, x, y), colour in zip(more, cycle((GREEN, PURPLE, ORANGE)), strict=False):
        axes.plot(x, y, ".", color=colour, markersize=2, label=other)
    axes.plot(t, rho, ".", color=BLUE, markersize=2, label=name or None)
    if fit is not None:
        axes.plot(np.asarray(fit[0]), np.asarray(fit[1]) * scale, color=ORANGE, label="Bloch–Grüneisen")
    if fit is not None or more:
        add_legend(axes, loc="lower right")
    symbol = "ρ" if unit == "ohm m" else "R"
    axes.set(xlabel="temperature (K)", ylabel=f"{symbol} ({label})", xlim=(0, None), ylim=(0, None))
    if window:
        inset = axes.inset_axes((0.14, 0.52, 0.44, 0.43))
        for (_, x, y), colour in zip(more, cycle((GREEN, PURPLE, ORANGE)), strict=False):
            near = (x > window[0]) & (x < window[1])
            inset.plot(x[near], y[near], ".-", color=colour, markersize=2, linewidth=0.6)
        chosen = (t > window[0]) & (t < window[1])
        inset.plot(t[chosen], rho[chosen], ".-", color=BLUE, markersize=2, linewidth=0.6)
        inset.set_xlim(*window)
        inset.tick_params(labelsize=6)
        for (mark, place), style in zip((marks or {}).items(), ("-", "--", ":", "-."), strict=False):
            inset.axvline(place, color=RED, linewidth=0.7, linestyle=style, label=f"{mark} {place:.2f} K")
        add_legend(inset, loc="lower right", borderaxespad=0.2, handlelength=1)
    return axes


def draw_susceptibility(
    axes: "Axes",
    branches: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    label: str = r"$4\pi\chi$ (= $\chi_{\rm SI}$, external)",
    full_screening: float | None = None,
    onset: float | None = None,
) -> "Axes":
    """χ(T) of the named branches (ZFC, FC), with what full screening would read."""
    looks = cycle(zip((BLUE, GREEN, PURPLE, ORANGE), "os^v", strict=True))
    for (name, (t, chi)), (colour, marker) in zip(branches.items(), looks, strict=False):
        axes.plot(t, chi, marker + "-", color=colour, label=name, linewidth=0.6, markersize=2)
    if full_screening is not None:
        axes.axhline(
            full_screening, color=ORANGE, linestyle="--", label=f"full screening {full_screening:.2f}"
        )
    if onset is not None and np.isfinite(onset):
        axes.axvline(onset, color=RED, linewidth=0.7, linestyle=":", label=f"onset {onset:.2f} K")
    axes.axhline(0, color=BLACK, linewidth=0.4)
    axes.set(xlabel="temperature (K)", ylabel=label)
    add_legend(axes, loc="best")
    return axes


def draw_virgin_curves(
    axes: "Axes",
    curves: Sequence[tuple[float, ArrayLike, ArrayLike]],
    *,
    entries: Sequence[float] = (),
    units: str = "paper",
) -> "Axes":
    """Virgin m(H) at several temperatures (K, A/m, A m²), the entry fields marked on them."""
    field_scale, field_label = for_display("A/m", units)
    moment_scale, moment_label = for_display("A m^2", units)
    colours = temperature_colours([t for t, _, _ in curves])
    marked = list(entries) + [np.nan] * len(curves)
    for (t, h, m), colour, entry in zip(curves, colours, marked, strict=False):
        h, m = np.asarray(h) * field_scale, np.asarray(m) * moment_scale
        axes.plot(h, m, color=colour, label=f"{t:.4g} K", linewidth=0.9)
        if np.isfinite(entry):
            axes.plot(
                entry * field_scale, np.interp(entry * field_scale, h, m), "v", color=colour, markersize=4
            )
    axes.set(xlabel=f"$H$ ({field_label})", ylabel=f"moment ({moment_label})", xlim=(0, None))
    add_legend_beside(axes, handlelength=1)
    return axes


def draw_magnetoresistance(
    axes: "Axes",
    curves: Sequence[tuple[float, ArrayLike, ArrayLike]],
    *,
    criterion: float | None = None,
    units: str = "paper",
) -> "Axes":
    """R/R_n against field at several temperatures (K, A/m, 1), with the level of the criterion."""
    scale, label = (for_display("A/m", units)[0] / 1e3, "kOe") if units == "paper" else (1e-3, "kA/m")
    colours = temperature_colours([t for t, _, _ in curves])
    for (t, h, share), colour in zip(curves, colours, strict=True):
        axes.plot(
            np.asarray(h) * scale, share, ".-", color=colour, label=f"{t:.4g} K", markersize=2, linewidth=0.6
        )
    if criterion is not None:
        axes.axhline(criterion, color=BLACK, linestyle=":", linewidth=0.8)
    axes.set(xlabel=f"$H$ ({label})", ylabel=r"$R/R_{\rm n}$", xlim=(0, None))
    add_legend_beside(axes, handlelength=1)
    return axes


def draw_in_fields(
    axes: "Axes",
    curves: Sequence[tuple[float, ArrayLike, ArrayLike]],
    *,
    criterion: float,
    units: str = "paper",
) -> "Axes":
    """R/R_n against temperature in several fields (A/m, K, 1), where it goes from nothing to the normal state."""
    scale, label = (for_display("A/m", units)[0] / 1e3, "kOe") if units == "paper" else (1e-3, "kA/m")
    warm = []
    for colour, (h, t, share) in zip(temperature_colours([h for h, _, _ in curves]), curves, strict=True):
        order = np.argsort(t, kind="stable")
        x, y = np.asarray(t)[order], np.asarray(share)[order]
        axes.plot(x, y, ".-", color=colour, label=f"{scale * h:.4g} {label}", markersize=2, linewidth=0.6)
        warm += [x[y > 0.02].min(initial=np.inf), x[y < 0.95].max(initial=-np.inf)]
    axes.axhline(criterion, color=BLACK, linestyle=":", linewidth=0.8)
    known = [value for value in warm if np.isfinite(value)]
    span = np.ptp(known) if known else 0.0
    axes.set(xlabel="temperature (K)", ylabel=r"$R/R_{\rm n}$")
    if span > 0:
        axes.set(xlim=(min(known) - 0.1 * span, max(known) + 0.1 * span), ylim=(-0.05, 1.15))
    add_legend_beside(axes, handlelength=1)
    return axes


def draw_critical_field(
    axes: "Axes",
    temperature: ArrayLike,
    field: ArrayLike,
    *,
    uncertainty: ArrayLike | None = None,
    laws: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    symbol: str = r"$H_{\rm c2}$",
    kilo: bool = True,
    units: str = "paper",
) -> "Axes":
    """A critical field against temperature (K, A/m) with the laws fitted to it, drawn to zero temperature."""
    scale, label = for_display("A/m", units)
    scale, label = (scale / 1e3, f"k{label}") if kilo else (scale, label)
    error = None if uncertainty is None else np.asarray(uncertainty) * scale
    axes.errorbar(
        temperature,
        np.asarray(field) * scale,
        error,
        fmt="o",
        color=BLUE,
        markersize=3,
        capsize=1.5,
        elinewidth=0.7,
    )
    for (name, (t, h)), colour, line in zip(
        (laws or {}).items(), (ORANGE, GREEN, PURPLE), LINES.values(), strict=False
    ):
        axes.plot(t, np.asarray(h) * scale, color=colour, linestyle=line, label=name)
    axes.set(xlabel="temperature (K)", ylabel=f"{symbol} ({label})", xlim=(0, None), ylim=(0, None))
    if laws:
        add_legend(axes)
    return axes


@drawing(name="resistivity")
def resistance(axes: "Axes", study: "ResistanceStudy", *, units: str = "paper") -> "Axes":
    """Every branch, over them the widest with its Bloch–Grüneisen fit; the transition enlarged.

    Parameters
    ----------
    study : from `study_resistance`
    units : "paper" or "SI"
    """
    transition, fit, window, marks = study.transition, None, None, {}
    several = len(study.curves) > 1
    if study.normal:
        grid = np.linspace(*study.normal.window, 200)
        fit = (grid, study.normal.predict(grid))
    if transition.found:
        reach = max(2.5, 3 * float(np.nan_to_num(transition.width)))
        # The step stands to the left, so that the legend has the room under the normal state.
        window = (transition.midpoint - 0.8 * reach, transition.midpoint + 1.8 * reach)
        marks = {"onset": transition.onset, "zero": transition.zero}
    return draw_resistivity(
        axes,
        study.temperature,
        study.signal,
        unit=study.unit,
        fit=fit,
        marks={name: place for name, place in marks.items() if np.isfinite(place)},
        window=window,
        name=" ".join(label for label, curve in study.curves.items() if curve[1] is study.signal and several),
        others={label: curve for label, curve in study.curves.items() if curve[1] is not study.signal},
        units=units,
    )


@drawing(panels=lambda study: 2 if study.shielding else 1, columns=2, name="screening")
def screening(panels: Any, study: "ScreeningStudy", *, units: str = "paper") -> Any:
    """The branches and, on a second panel, what the plateau's value depends on.

    Parameters
    ----------
    study : from `study_screening`
    units : "paper" or "SI"
    """
    first, *rest = np.atleast_1d(panels)
    curves = {
        re.sub(r"^z?fc\b", lambda word: word[0].upper(), label): curve
        for label, curve in study.curves.items()
    }
    if study.shielding is None:
        scale, unit = for_display("A m^2", units)
        moments = {label: (t, np.asarray(m) * scale) for label, (t, m) in curves.items()}
        draw_susceptibility(first, moments, label=f"moment ({unit})", onset=study.onset)
        return panels
    full = float(study.shielding.fully_screened)
    draw_susceptibility(first, curves, full_screening=full, onset=study.onset)
    if rest:
        draw_budget(rest[0], study.shielding.budget)
    return panels


@drawing(panels=2, columns=2, name="lower_critical_field")
def flux_entry(panels: Any, study: "FluxEntryStudy", *, units: str = "paper") -> Any:
    """The virgin curves with their entry fields, and H_c1(T) with both laws.

    Parameters
    ----------
    study : from `study_flux_entry`
    units : "paper" or "SI"
    """
    entries = dict(zip(study.temperature, (float(f.entry_field) for f in study.fields), strict=True))
    marked = [entries.get(t, np.nan) for t, _, _ in study.curves]
    draw_virgin_curves(panels[0], study.curves, entries=marked, units=units)
    laws = {}
    for name, law in study.laws.items():
        grid = np.linspace(0, law.critical_temperature, 100)
        laws[name] = (grid, law.predict(grid))
    draw_critical_field(
        panels[1],
        study.temperature,
        [float(f.lower_critical_field) for f in study.fields],
        uncertainty=[f.lower_critical_field.uncertainty for f in study.fields],
        laws=laws,
        symbol=r"$H_{\rm c1}$",
        kilo=False,
        units=units,
    )
    return panels


@drawing(panels=2, columns=2, name="upper_critical_field")
def upper_field(panels: Any, study: "UpperFieldStudy", *, units: str = "paper") -> Any:
    """R/R_n against field, and H_c2(T) with the laws.

    Parameters
    ----------
    study : from `study_upper_field`
    units : "paper" or "SI"
    """
    if study.curves:
        draw_magnetoresistance(panels[0], study.curves, criterion=study.criterion, units=units)
    else:
        draw_in_fields(panels[0], study.in_fields, criterion=study.criterion, units=units)
    laws = {}
    for name, law in study.laws.items():
        grid = np.linspace(0, float(law.critical_temperature), 100)
        fits = f"χ²ᵣ = {law.reduced_chi_square:.2g}"
        laws[f"{name}: {law.zero_temperature_field.to('kOe')}, {fits}"] = (grid, law.predict(grid))
    draw_critical_field(
        panels[1], study.temperature, study.field, uncertainty=study.uncertainty, laws=laws, units=units
    )
    return panels


@drawing(height=50, name="penetration_depth_budget")
def lengths(axes: "Axes", study: "LengthsStudy") -> "Axes":
    """The change of λ when one input moves by its σ, or from one convention to the other.

    Parameters
    ----------
    study : from `study_lengths`
    """
    return draw_budget(axes, study.budget, label="change of λ (%)")
