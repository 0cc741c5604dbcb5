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

LINES = ("-", "--", ":")


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
        add_legend(inset, loc="lower right", handlelength=1)
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
        (laws or {}).items(), (ORANGE, GREEN, PURPLE), LINES, strict=False
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
    shielding = study.shielding
    scale, unit = (1.0, "") if shielding else for_display("A m^2", units)
    looks = cycle(zip((BLUE, GREEN, PURPLE, ORANGE), "os^v", strict=True))
    for (name, (t, values)), (colour, marker) in zip(study.curves.items(), looks, strict=False):
        label = re.sub(r"^z?fc\b", lambda word: word[0].upper(), name)
        shown = np.asarray(values) * scale
        first.plot(t, shown, marker + "-", color=colour, label=label, linewidth=0.6, markersize=2)
    if shielding:
        full = float(shielding.fully_screened)
        first.axhline(full, color=ORANGE, linestyle="--", label=f"full screening {full:.2f}")
    if np.isfinite(study.onset):
        first.axvline(
            study.onset, color=RED, linewidth=0.7, linestyle=":", label=f"onset {study.onset:.2f} K"
        )
    first.axhline(0, color=BLACK, linewidth=0.4)
    quantity = r"$4\pi\chi$ (= $\chi_{\rm SI}$, external)" if shielding else f"moment ({unit})"
    first.set(xlabel="temperature (K)", ylabel=quantity)
    add_legend(first, loc="best")
    if shielding and rest:
        draw_budget(rest[0], shielding.budget)
    return panels


@drawing(panels=2, columns=2, name="lower_critical_field")
def flux_entry(panels: Any, study: "FluxEntryStudy", *, units: str = "paper") -> Any:
    """The virgin curves with their entry fields, and H_c1(T) with both laws.

    Parameters
    ----------
    study : from `study_flux_entry`
    units : "paper" or "SI"
    """
    field_scale, field_label = for_display("A/m", units)
    moment_scale, moment_label = for_display("A m^2", units)
    entries = dict(zip(study.temperature, (float(f.entry_field) for f in study.fields), strict=True))
    colours = temperature_colours([t for t, _, _ in study.curves])
    for (t, field, moment), colour in zip(study.curves, colours, strict=True):
        h, m = np.asarray(field) * field_scale, np.asarray(moment) * moment_scale
        panels[0].plot(h, m, color=colour, label=f"{t:.4g} K", linewidth=0.9)
        if t in entries:
            entry = entries[t] * field_scale
            panels[0].plot(entry, np.interp(entry, h, m), "v", color=colour, markersize=4)
    panels[0].set(xlabel=f"$H$ ({field_label})", ylabel=f"moment ({moment_label})", xlim=(0, None))
    add_legend_beside(panels[0], handlelength=1)
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
    scale, label = for_display("A/m", units)
    scale, label = scale / 1e3, f"k{label}"
    if study.curves:
        curves = [(f"{t:.4g} K", np.asarray(h) * scale, share) for t, h, share in study.curves]
        panels[0].set(xlabel=f"$H$ ({label})")
    else:
        curves = [(f"{scale * h:.4g} {label}", t, share) for h, t, share in study.in_fields]
        panels[0].set(xlabel="temperature (K)")
    colours = temperature_colours([held for held, _, _ in study.curves or study.in_fields])
    for (name, x, share), colour in zip(curves, colours, strict=True):
        panels[0].plot(x, share, ".-", color=colour, label=name, markersize=2, linewidth=0.6)
    panels[0].axhline(study.criterion, color=BLACK, linestyle=":", linewidth=0.8)
    panels[0].set(ylabel=r"$R/R_{\rm n}$")
    if study.curves:
        panels[0].set_xlim(0, None)
    else:
        _frame_transitions(panels[0], study.in_fields)
    add_legend_beside(panels[0], handlelength=1)
    laws = {}
    for name, law in study.laws.items():
        grid = np.linspace(0, float(law.critical_temperature), 100)
        fits = f"χ²ᵣ = {law.reduced_chi_square:.2g}"
        laws[f"{name}: {law.zero_temperature_field.to('kOe')}, {fits}"] = (grid, law.predict(grid))
    draw_critical_field(
        panels[1], study.temperature, study.field, uncertainty=study.uncertainty, laws=laws, units=units
    )
    return panels


def _frame_transitions(axes: "Axes", curves: Sequence[tuple[float, Any, Any]]) -> None:
    """From where the resistance is gone to where it is the normal state's, and a tenth of that beyond."""
    warm = []
    for _, t, share in curves:
        x, y = np.asarray(t), np.asarray(share)
        warm += [x[y > 0.02].min(initial=np.inf), x[y < 0.95].max(initial=-np.inf)]
    known = [value for value in warm if np.isfinite(value)]
    span = np.ptp(known) if known else 0.0
    if span > 0:
        axes.set(xlim=(min(known) - 0.1 * span, max(known) + 0.1 * span), ylim=(-0.05, 1.15))


@drawing(height=50, name="penetration_depth_budget")
def lengths(axes: "Axes", study: "LengthsStudy") -> "Axes":
    """The change of λ when one input moves by its σ, or from one convention to the other.

    Parameters
    ----------
    study : from `study_lengths`
    """
    return draw_budget(axes, study.budget, label="change of λ (%)")
