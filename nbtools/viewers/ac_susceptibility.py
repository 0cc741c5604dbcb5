"""Draw ac susceptibility: χ', χ''(T) with rectangles, Cole–Cole plane, J_c(T) with its laws, n(T), loops, power."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nbtools.display.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    add_legend,
    temperature_colours,
)
from nbtools.units import for_display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVES = (BLUE, GREEN, PURPLE, SKY, ORANGE)
CHI = ("4πχ′ / full screening", "4πχ″ / full screening")


def draw_ac_curves(
    panels: Sequence["Axes"],
    curves: Sequence[Any],
    *,
    rectangles: Sequence[Any] = (),
    window: tuple[float, float] | None = None,
    by: str = "amplitude",
    labels: Sequence[str] = (),
    units: str = "paper",
) -> Sequence["Axes"]:
    """χ'(T) and χ''(T) of several `AcCurve`s; `rectangles` (with their corners A, B, C, D) over those they belong to.

    `labels` instead of what the curves differ `by` ("amplitude" or "frequency").
    """
    scale, unit = for_display("A/m", units) if by == "amplitude" else (1.0, "Hz")
    names = labels or [f"{getattr(curve, by) * scale:.4g} {unit}" for curve in curves]
    for curve, label, colour, marker in zip(curves, names, CURVES, "os^Dv", strict=False):
        for axes, values in zip(panels, (curve.in_phase, curve.out_of_phase), strict=True):
            if values is not None:
                axes.plot(
                    curve.temperature,
                    values,
                    marker + "-",
                    color=colour,
                    label=label,
                    markersize=1.5,
                    linewidth=0.6,
                )
    for one in rectangles:
        _draw_rectangle(panels[0] if one.part == "χ'" else panels[1], one)
    for axes, label in zip(panels, CHI, strict=True):
        axes.axhline(0, color=BLACK, linewidth=0.4)
        axes.set(xlabel="temperature (K)", ylabel=label)
        if window:
            axes.set_xlim(*window)
    add_legend(panels[0], loc="upper left")
    return panels


def _draw_rectangle(axes: "Axes", one: Any) -> None:
    a, b, d = one.corners
    level_a, level_c = one.levels
    axes.plot([b, a, a, d], [level_a, level_a, level_c, level_c], color=RED, linewidth=1.0)
    axes.plot([b, d], [level_a, level_c], color=RED, linewidth=1.0, linestyle=":")
    for name, x, y in (("A", a, level_a), ("B", b, level_a), ("C", a, level_c), ("D", d, level_c)):
        axes.annotate(name, (x, y), xytext=(2, 2), textcoords="offset points", fontsize=6, color=RED)


def draw_closure(axes: "Axes", test: Any) -> "Axes":
    """T_B − T_D of every rectangle against the temperature of A, with its error."""
    for part, colour, marker in (("χ'", BLUE, "o"), ("χ''", ORANGE, "s")):
        chosen = [one for one in test.rectangles if one.part == part]
        if chosen:
            axes.errorbar(
                [one.corners[0] for one in chosen],
                [1e3 * one.closure for one in chosen],
                [1e3 * one.closure.uncertainty for one in chosen],
                fmt=marker,
                color=colour,
                markersize=3,
                elinewidth=0.7,
                label=part,
            )
    axes.axhline(0, color=BLACK, linewidth=0.6)
    axes.set(xlabel="temperature of A (K)", ylabel=r"$T_B - T_D$ (mK)")
    axes.locator_params(axis="x", nbins=5)
    add_legend(axes)
    return axes


def draw_power(
    axes: "Axes", errors: ArrayLike, powers: Mapping[str, ArrayLike], *, needed: float = 0.8
) -> "Axes":
    """Probability of rejection of each world against the error of the thermometer (K)."""
    colours = (BLACK, BLUE, GREEN, ORANGE, PURPLE, RED, SKY)
    for (name, values), colour, line in zip(
        powers.items(), colours, ("-", "--", "-.", ":", "-", "--", "-."), strict=False
    ):
        axes.plot(
            np.asarray(errors) * 1e3, values, "o", linestyle=line, color=colour, label=name, markersize=2.5
        )
    axes.axhline(needed, color=BLACK, linewidth=0.5, linestyle=":")
    axes.set(xlabel="thermometer error of a curve (mK)", ylabel="power", xscale="log", ylim=(-0.03, 1.03))
    axes.set_xticks(np.asarray(errors) * 1e3, labels=[f"{1e3 * error:.3g}" for error in np.asarray(errors)])
    axes.minorticks_off()
    add_legend(axes, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return axes


def draw_cole_cole(
    axes: "Axes",
    curves: Sequence[Any],
    models: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    units: str = "paper",
) -> "Axes":
    """χ'' against χ': the curves as dots, the models as lines."""
    scale, unit = for_display("A/m", units)
    for (name, (real, loss)), line in zip(models.items(), ("-", "--", "-.", ":"), strict=False):
        axes.plot(real, loss, color=BLACK, linewidth=0.8, linestyle=line, label=name)
    for curve, colour, marker in zip(curves, CURVES, "os^Dv", strict=False):
        if curve.out_of_phase is not None:
            label = f"{curve.amplitude * scale:.3g} {unit}"
            axes.plot(curve.in_phase, curve.out_of_phase, marker, color=colour, markersize=1.5, label=label)
    axes.set(xlabel=CHI[0], ylabel=CHI[1], xlim=(-1.03, 0.03), ylim=(-0.01, None))
    add_legend(axes, loc="upper left", fontsize=5)
    return axes


def draw_critical_current(
    axes: "Axes",
    points: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike]],
    *,
    laws: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    units: str = "paper",
) -> "Axes":
    """J_c(T) on a logarithmic scale: (T, J_c, error of T) by method, laws as (T, J_c)."""
    scale, unit = (1e-4, "A cm⁻²") if units == "paper" else (1.0, "A m⁻²")
    for (name, (t, j, error)), colour, marker in zip(points.items(), CURVES, "os^Dv", strict=False):
        axes.errorbar(
            t,
            np.asarray(j) * scale,
            xerr=error,
            fmt=marker,
            color=colour,
            markersize=3,
            elinewidth=0.7,
            label=name,
        )
    for (name, (t, j)), line in zip((laws or {}).items(), ("-", "--", "-.", ":"), strict=False):
        shown = np.where(np.asarray(j) > 0, np.asarray(j) * scale, np.nan)
        axes.plot(t, shown, color=RED, linewidth=0.9, linestyle=line, label=name)
    axes.set(xlabel="temperature (K)", ylabel=rf"$J_{{\rm c}}$ ({unit})", yscale="log")
    values = np.concatenate([np.asarray(j, float) * scale for _, j, _ in points.values()])
    axes.set_ylim(0.3 * values.min(), 5 * values.max())
    add_legend(axes, loc="lower left")
    return axes


def draw_exponent_profile(
    axes: "Axes", exponents: ArrayLike, misfit: ArrayLike, temperature: ArrayLike, *, marked: float = 1.5
) -> "Axes":
    """χ² of the power law against its exponent; the best T_c of each on the right axis."""
    axes.plot(exponents, misfit, color=BLUE)
    axes.axhline(3.84, color=BLACK, linewidth=0.6, linestyle=":")
    axes.axvline(marked, color=RED, linewidth=0.8, linestyle="--", label=f"n = {marked:g}")
    axes.set(xlabel="exponent n", ylabel=r"$\chi^2$ of three points", ylim=(0, 12))
    other = axes.twinx()
    other.plot(exponents, temperature, color=ORANGE)
    other.set_ylabel(r"best $T_{\rm c}$ (K)", color=ORANGE, fontsize=8)
    other.tick_params(labelsize=7)
    add_legend(axes, loc="upper center")
    return axes


def draw_creep_exponents(axes: "Axes", exponents: Sequence[Any]) -> "Axes":
    """n(T) from the shift with frequency; an arrow where only a lower bound is known."""
    known = [one for one in exponents if np.isfinite(one.exponent)]
    bounds = [one for one in exponents if not np.isfinite(one.exponent)]
    if known:
        axes.errorbar(
            [one.temperature for one in known],
            [float(one.exponent) for one in known],
            [one.exponent.uncertainty for one in known],
            fmt="o",
            color=BLUE,
            markersize=3,
            elinewidth=0.7,
            label="n",
        )
    if bounds:
        axes.plot(
            [one.temperature for one in bounds],
            [one.lower_bound for one in bounds],
            "^",
            color=ORANGE,
            markersize=4,
            label="n above (95 %)",
        )
    axes.set(xlabel="temperature (K)", ylabel="creep exponent n", ylim=(0, None))
    axes.locator_params(axis="x", nbins=5)
    add_legend(axes)
    return axes


def draw_loops(
    axes: "Axes", loops: Sequence[tuple[float, ArrayLike, ArrayLike]], *, units: str = "paper"
) -> "Axes":
    """Loops m(H) at several temperatures (K, A/m, A m²)."""
    field_scale, field_unit = for_display("A/m", units)
    moment_scale, moment_unit = for_display("A m^2", units)
    colours = temperature_colours([t for t, _, _ in loops])
    for (t, h, m), colour in zip(loops, colours, strict=True):
        axes.plot(
            np.asarray(h) * field_scale / 1e3,
            np.asarray(m) * moment_scale,
            color=colour,
            linewidth=0.8,
            label=f"{t:.3g} K",
        )
    axes.set(xlabel=f"$H$ (k{field_unit})", ylabel=f"moment ({moment_unit})")
    add_legend(axes, loc="upper right", ncols=2, fontsize=5, handlelength=1)
    return axes
