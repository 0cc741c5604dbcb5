"""Draw ac susceptibility: χ', χ''(T) with rectangles, Cole–Cole plane, J_c(T) with its laws, n(T), loops, power."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nbtools.display.bars import draw_budget
from nbtools.display.drawing import drawing
from nbtools.display.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    add_legend,
    add_legend_beside,
    temperature_colours,
)
from nbtools.physics.ac_response import eddy_susceptibility
from nbtools.physics.bean_state import bean_susceptibility
from nbtools.physics.creep import creep_susceptibility
from nbtools.units import for_display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nbtools.ac_susceptibility.collapse import CollapseStudy
    from nbtools.ac_susceptibility.critical_state import CreepStudy
    from nbtools.ac_susceptibility.current import CurrentStudy, LoopsStudy
    from nbtools.ac_susceptibility.current_law import LawStudy
    from nbtools.ac_susceptibility.rectangles import CivaleTest, PowerStudy
    from nbtools.ac_susceptibility.study import CurvesStudy

CURVES = (BLUE, GREEN, PURPLE, SKY, ORANGE)
LAWS = {"power": "(1 − t)ⁿ", "depairing": "Eq. (1)"}
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
        for axes, values in zip(panels, (curve.in_phase, curve.out_of_phase), strict=False):
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
        _draw_rectangle(panels[0], one)
    for axes, label in zip(panels, CHI, strict=False):
        axes.axhline(0, color=BLACK, linewidth=0.4)
        axes.set(xlabel="temperature (K)", ylabel=label)
        if window:
            axes.set_xlim(*window)
    add_legend(panels[0], loc="lower right")
    return panels


def _draw_rectangle(axes: "Axes", one: Any) -> None:
    a, b, d = one.corners
    level_a, level_c = one.levels
    axes.plot([b, a, a, d], [level_a, level_a, level_c, level_c], color=RED, linewidth=1.0)
    axes.plot([b, d], [level_a, level_c], color=RED, linewidth=1.0, linestyle=":")
    for name, x, y in (("A", a, level_a), ("B", b, level_a), ("C", a, level_c), ("D", d, level_c)):
        axes.annotate(
            name,
            (x, y),
            xytext=(3 if x == a else -7, 2 if y == level_a else -6),
            textcoords="offset points",
            fontsize=7,
            color=RED,
        )


def _draw_closure(axes: "Axes", test: "CivaleTest") -> "Axes":
    for part, colour, marker in (("χ'", BLUE, "o"), ("χ''", ORANGE, "s")):
        chosen = [one for one in test.rectangles if one.part == part]
        if chosen:
            axes.errorbar(
                [one.corners[0] for one in chosen],
                [1e3 * float(one.closure) for one in chosen],
                [1e3 * one.closure.uncertainty for one in chosen],
                fmt=marker,
                color=colour,
                markersize=3,
                elinewidth=0.7,
                label=part.replace("''", "″").replace("'", "′"),
            )
    axes.axhline(0, color=BLACK, linewidth=0.6)
    axes.set(xlabel="temperature of A (K)", ylabel=r"$T_B - T_D$ (mK)")
    axes.locator_params(axis="x", nbins=5)
    if test.rectangles:
        add_legend(axes)
    else:
        axes.text(0.5, 0.5, f"no rectangle: {test.reason}", ha="center", wrap=True, transform=axes.transAxes)
    return axes


@drawing(height=60, name="rectangles_power")
def power(axes: "Axes", study: "PowerStudy", *, needed: float = 0.8) -> "Axes":
    """Probability that each wrong world is told, against the error of the thermometer.

    Parameters
    ----------
    study : from `study_power`
    needed : where the line is drawn
    """
    milli = 1e3 * study.errors
    colours = (BLACK, BLUE, GREEN, ORANGE, PURPLE, RED, SKY)
    lines = ("-", "--", "-.", ":", "-", "--", "-.")
    for (name, values), colour, line, marker in zip(
        study.powers.items(), colours, lines, "os^Dvx+", strict=False
    ):
        axes.plot(milli, values, marker, linestyle=line, color=colour, label=name, markersize=3)
    axes.axhline(needed, color=BLACK, linewidth=0.5, linestyle=":")
    axes.set(xlabel="thermometer error of a curve (mK)", ylabel="power", xscale="log", ylim=(-0.03, 1.03))
    axes.set_xticks(milli, labels=[f"{error:.3g}" for error in milli])
    axes.minorticks_off()
    add_legend_beside(axes)
    return axes


def _window(curves: Sequence[Any]) -> tuple[float, float] | None:
    """From the coldest to the warmest temperature at which a curve moves, and half a kelvin more."""
    moving = [c.temperature[(c.in_phase > -0.97) & (c.in_phase < -0.02)] for c in curves]
    inside = np.concatenate(moving) if moving else np.empty(0)
    return (float(inside.min()) - 0.5, float(inside.max()) + 0.5) if inside.size else None


@drawing(panels=2, columns=2, name="ac_amplitudes")
def curves(panels: Any, study: "CurvesStudy", *, units: str = "paper") -> Any:
    """χ′ and χ″ at several amplitudes.

    Parameters
    ----------
    study : from `study_curves`
    units : "paper" or "SI"
    """
    shown = study.of_amplitudes()
    labels = [study.drive(curve) for curve in shown] if study.unit == "A" else ()
    return draw_ac_curves(panels, shown, window=_window(shown), labels=labels, units=units)


@drawing(panels=2, columns=2, name="rectangles")
def rectangles(panels: Any, test: "CivaleTest", study: "CurvesStudy", *, units: str = "paper") -> Any:
    """The rectangle at half screening over χ′, and T_B − T_D of every rectangle against the temperature of A.

    Parameters
    ----------
    test : from `study_rectangles`
    study : from `study_curves`
    units : "paper" or "SI"
    """
    shown = list(study.by_amplitude)
    one = [test.central] if test.rectangles else []
    draw_ac_curves(panels[:1], shown, rectangles=one, window=_window(shown), units=units)
    _draw_closure(panels[1], test)
    return panels


@drawing(panels=2, columns=2, name="ac_frequencies")
def frequencies(panels: Any, study: "CreepStudy") -> Any:
    """χ′ and χ″ of one amplitude at several frequencies.

    Parameters
    ----------
    study : from `study_creep`
    """
    return draw_ac_curves(panels, study.curves, window=_window(study.curves), by="frequency")


@drawing(panels=2, columns=2, name="cole_cole")
def creep(panels: Any, study: "CreepStudy", curves: "CurvesStudy", *, units: str = "paper") -> Any:
    """χ″ against χ′ beside Bean's state, creep and a metal; and the creep exponent against temperature.

    Parameters
    ----------
    study : from `study_creep`
    curves : from `study_curves`
    units : "paper" or "SI"
    """
    x = np.geomspace(0.01, 100, 300)
    models = {
        "Bean, bar": bean_susceptibility(x, "square_bar"),
        "creep, n = 5": creep_susceptibility(x, 5, reduced_frequency=1 / x, geometry="cylinder"),
        "linear": eddy_susceptibility(x, "cylinder"),
    }
    scale, unit = for_display("A/m", units)
    axes = panels[0]
    for (name, (real, loss)), line in zip(models.items(), ("-", "--", "-."), strict=True):
        axes.plot(real, loss, color=BLACK, linewidth=0.8, linestyle=line, label=name)
    for curve, colour, marker in zip(curves.of_amplitudes(), CURVES, "os^Dv", strict=False):
        if curve.out_of_phase is not None:
            label = f"{curve.amplitude * scale:.3g} {unit}"
            axes.plot(curve.in_phase, curve.out_of_phase, marker, color=colour, markersize=1.5, label=label)
    axes.set(xlabel=CHI[0], ylabel=CHI[1], xlim=(-1.03, 0.03), ylim=(-0.01, None))
    add_legend(axes, loc="upper left")
    _draw_exponents(panels[1], study.exponents)
    return panels


@drawing(panels=2, columns=2, name="collapse")
def collapse(panels: Any, study: "CollapseStudy", *, units: str = "paper") -> Any:
    """χ′ and χ″ of all curves against h/J_c(T)a, and Bean's F of the geometry as a line.

    Parameters
    ----------
    study : from `study_collapse`
    units : "paper" or "SI"
    """
    best, (scale, unit) = study.best, for_display("A/m", units)
    x = np.geomspace(0.05, 40, 200)
    bean = bean_susceptibility(x, best.geometry)  # type: ignore[arg-type]
    share = best.grain_share
    lines = (-share + (1 - share) * bean[0], (1 - share) * bean[1])
    for axes, line, label in zip(panels, lines, CHI, strict=True):
        axes.plot(x, line, color=BLACK, linewidth=0.8, label=f"Bean, {best.geometry.replace('_', ' ')}")
        axes.set(xlabel="$h/J_{\\rm c}a$", ylabel=label, xscale="log", xlim=(x[0], x[-1]))
    for curve, offset, colour, marker in zip(study.curves, best.offsets, CURVES, "os^Dv", strict=False):
        true = curve.temperature - float(offset)
        inside = (true > best.temperature[0]) & (true < best.temperature[-1])
        reduced = curve.amplitude / best.predict(true[inside])
        for axes, values in zip(panels, (curve.in_phase, curve.out_of_phase), strict=True):
            if values is not None:
                name = f"{curve.amplitude * scale:.3g} {unit}"
                axes.plot(reduced, values[inside], marker, color=colour, markersize=2, label=name)
    add_legend(panels[0], loc="lower right")
    return panels


@drawing(panels=lambda study: min(2, len(study.points)), columns=2, name="critical_current")
def current_law(panels: Any, study: "LawStudy", *, units: str = "paper") -> Any:
    """J_c(T) near T_c and over all temperatures, with the laws.

    Parameters
    ----------
    study : from `study_current_law`
    units : "paper" or "SI"
    """
    warmest = max(float(np.max(t)) for t, *_ in study.points.values())
    grid = np.linspace(2, warmest + 1.5, 1200)
    laws = {}
    if study.near:
        laws["power law, half screening"] = study.near.predict(grid)
    if study.cold:
        laws["Eq. (1), loops"] = study.cold.predict(grid)
    laws |= {f"{LAWS[fit.law]}, all points": fit.predict(grid) for fit in study.laws.values()}
    scale, unit = (1e-4, "A cm⁻²") if units == "paper" else (1.0, "A m⁻²")
    for axes in np.atleast_1d(panels):
        for (name, (t, j, error)), colour, marker in zip(study.points.items(), CURVES, "os^Dv", strict=False):
            look: dict[str, Any] = {"fmt": marker, "color": colour, "markersize": 3, "elinewidth": 0.7}
            axes.errorbar(t, j * scale, xerr=error, label=name, **look)
        for (name, j), line in zip(laws.items(), ("-", "--", "-.", ":"), strict=False):
            shown = np.where(j > 0, j * scale, np.nan)
            axes.plot(grid, shown, color=RED, linewidth=0.9, linestyle=line, label=name)
        axes.set(xlabel="temperature (K)", ylabel=rf"$J_{{\rm c}}$ ({unit})", yscale="log")
        values = np.concatenate([j * scale for _, j, _ in study.points.values()])
        axes.set_ylim(0.3 * values.min(), 5 * values.max())
        add_legend(axes, loc="lower left")
    if len(study.points) > 1:
        panels[0].set_xlim(warmest - 1.5, warmest + 0.6)
    np.atleast_1d(panels)[-1].set_xlim(0, None)
    return panels


@drawing(name="loops")
def loops(axes: "Axes", study: "LoopsStudy", *, units: str = "paper") -> "Axes":
    """m(H) at several temperatures.

    Parameters
    ----------
    study : from `study_loops`
    units : "paper" or "SI"
    """
    field_scale, field_unit = for_display("A/m", units)
    moment_scale, moment_unit = for_display("A m^2", units)
    colours = temperature_colours([t for t, *_ in study.loops])
    for (kelvin, *branches), colour in zip(study.loops, colours, strict=True):
        for number, (field, moment) in enumerate(branches):
            label = f"{kelvin:.3g} K" if number == 0 else None
            axes.plot(
                field * field_scale / 1e3, moment * moment_scale, color=colour, linewidth=0.8, label=label
            )
    axes.set(xlabel=f"$H$ (k{field_unit})", ylabel=f"moment ({moment_unit})")
    add_legend_beside(axes, handlelength=1)
    return axes


@drawing(height=50, name="critical_current_budget")
def current(axes: "Axes", study: "CurrentStudy") -> "Axes":
    """The change of J_c when one input moves by its σ, or from one convention to the other.

    Parameters
    ----------
    study : from `study_current`
    """
    return draw_budget(axes, study.budget, label=r"change of $J_{\rm c}$ (%)")


def _draw_exponents(axes: "Axes", exponents: Sequence[Any]) -> None:
    """n(T) from the shift with frequency; an arrow where only a lower bound is known."""
    known = [one for one in exponents if np.isfinite(one.exponent)]
    bounds = [one for one in exponents if not np.isfinite(one.exponent)]
    if known:
        t, n = [one.temperature for one in known], [float(one.exponent) for one in known]
        look: dict[str, Any] = {"fmt": "o", "color": BLUE, "markersize": 3, "elinewidth": 0.7}
        axes.errorbar(t, n, [one.exponent.uncertainty for one in known], label="n", **look)
    if bounds:
        t, n = [one.temperature for one in bounds], [one.lower_bound for one in bounds]
        axes.plot(t, n, "^", color=ORANGE, markersize=4, label="n above (95 %)")
    axes.set(xlabel="temperature (K)", ylabel="creep exponent n", ylim=(0, None))
    axes.locator_params(axis="x", nbins=5)
    add_legend(axes)
