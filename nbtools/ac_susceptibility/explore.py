"""Ac susceptibility under the hand: the law of J_c(T), χ(T), one cycle of the critical state, rectangles that close."""

from typing import Any, Literal

import lmfit
import numpy as np

from nbtools.ac_susceptibility.current_law import LawStudy
from nbtools.ac_susceptibility.curves import Smooth, log_full_field, response_table, sort_curves
from nbtools.ac_susceptibility.study import CurvesStudy
from nbtools.display.widget import widget
from nbtools.explore.plots import Plot
from nbtools.explore.sliders import Explorer
from nbtools.fitting.widget import FitWidget
from nbtools.physics.bean_state import bean_loop, bean_susceptibility, flux_profile
from nbtools.physics.creep import creep_susceptibility
from nbtools.physics.kim_state import kim_susceptibility
from nbtools.results import NotPossible
from nbtools.units import Quantity, convert

Array = np.ndarray[Any, np.dtype[np.float64]]
DEPTH = np.linspace(0, 1, 61)
FIELDS = np.geomspace(0.03, 30, 61)


def log_power_law(
    temperature: Array, log_zero: float = 25.0, critical_temperature: float = 38.5, exponent: float = 1.5
) -> Array:
    """ln J_c (A/m²) of J_c(0)(1 − T/T_c)ⁿ; from T_c up as at 10⁻¹² of it.

    Parameters
    ----------
    temperature : K, any shape
    log_zero : ln J_c(0), of A/m²
    critical_temperature : K
    exponent : n
    """
    import numpy as np  # a saved fit writes this function out

    share = np.maximum(1 - np.asarray(temperature, float) / critical_temperature, 1e-12)
    return np.asarray(log_zero + exponent * np.log(share))


def log_mean_field_law(
    temperature: Array, log_zero: float = 22.0, critical_temperature: float = 38.5
) -> Array:
    """ln J_c (A/m²) of Eq. (1), J_c(0)(1 − t²)^(3/2)(1 + t²)^(1/2); from T_c up as at 10⁻¹² of T_c.

    Parameters
    ----------
    temperature : K, any shape
    log_zero : ln J_c(0), of A/m²
    critical_temperature : K
    """
    import numpy as np

    square = (np.asarray(temperature, float) / critical_temperature) ** 2
    return np.asarray(log_zero + 1.5 * np.log(np.maximum(1 - square, 1e-12)) + 0.5 * np.log1p(square))


@widget
def current_law(study: LawStudy, *, units: str = "paper") -> FitWidget:
    """ln J_c(T) under the hand, two rival laws side by side on the same points, each with its own T_c.

    What the thermometer's error makes of ln J_c, by the slope between the points, is in the error bars.

    Parameters
    ----------
    study : from `study_current_law`
    units : "paper" or "SI"

    Raises
    ------
    NotPossible
        Fewer than four points of J_c(T).
    """
    t, j, error = (np.concatenate([points[i] for points in study.points.values()]) for i in range(3))
    if t.size < 4:
        raise NotPossible(f"{t.size} points of J_c(T) came; a law with three parameters needs four or more")
    order = np.argsort(t, kind="stable")
    t, log_j, error = t[order], np.log(j[order]), error[order]
    sigma = np.hypot(0.03, np.gradient(log_j, t) * error)
    end = float(t[-1]) + 0.3
    laws = [lmfit.Model(law, independent_vars=["temperature"]) for law in (log_power_law, log_mean_field_law)]
    fit = FitWidget(
        laws,
        [t, t],
        [log_j, log_j],
        sigma=[sigma, sigma],
        labels=["(1 − t)ⁿ", "Eq. (1)"],
        params={
            "log_zero_1": float(log_j[0]),
            "log_zero_2": float(log_j[0]),
            "critical_temperature_1": end,
            "critical_temperature_2": end,
            "exponent_1": 1.5,
        },
        units={"critical_temperature_1": "K", "critical_temperature_2": "K"},
        x_label="temperature",
        x_unit="K",
        y_label="ln J_c (A m⁻²)",
        system=units,
        name="05_current_law",
    )
    for name in ("critical_temperature_1", "critical_temperature_2"):
        fit.set(name, min=float(t[-1]) + 1e-3, max=float(t[-1]) + 5.0)
    fit.set("exponent_1", min=0.5, max=20.0)
    fit.fit()
    return fit


def bean_in_phase(
    temperature: Array,
    log_full: float = 3.0,
    critical_temperature: float = 37.5,
    exponent: float = 5.0,
    grains: float = 0.0,
    amplitude: float = 80.0,
) -> Array:
    """χ′ over full screening of Bean's square bar whose J_c a falls as a power of T_c − T.

    Parameters
    ----------
    temperature : K, shape (n,)
    log_full : ln J_c a (of A/m) 1 K below T_c
    critical_temperature : K
    exponent : n
    grains : share that is screened whatever the amplitude
    amplitude : A/m
    """
    full = np.exp(log_full) * np.maximum(critical_temperature - temperature, 1e-6) ** exponent
    return np.asarray(-grains + (1 - grains) * bean_susceptibility(amplitude / full, "square_bar")[0])


def bean_out_of_phase(
    temperature: Array,
    log_full: float = 3.0,
    critical_temperature: float = 37.5,
    exponent: float = 5.0,
    grains: float = 0.0,
    amplitude: float = 80.0,
) -> Array:
    """χ″ over full screening of the same bar; parameters as `bean_in_phase` has them."""
    full = np.exp(log_full) * np.maximum(critical_temperature - temperature, 1e-6) ** exponent
    return np.asarray((1 - grains) * bean_susceptibility(amplitude / full, "square_bar")[1])


@widget
def susceptibility(study: CurvesStudy, *, units: str = "paper") -> FitWidget:
    """χ′ and χ″ of the middle amplitude under the hand: Bean's bar, both curves with one T_c, J_c and share of grains.

    Parameters
    ----------
    study : from `study_curves`
    units : "paper" or "SI"

    Raises
    ------
    NotPossible
        A curve without χ″, or of which too few points lie in the transition.
    """
    curves = study.of_amplitudes()
    curve = curves[len(curves) // 2]
    if curve.out_of_phase is None:
        raise NotPossible("the curve has no χ″; both parts share one T_c in this fit")
    half, lost = curve.smooth.temperature_at(-0.5), curve.smooth.temperature_at(-0.06)
    if not np.isfinite(half + lost):
        raise NotPossible("the curve does not pass from −0.5 to −0.06 of full screening")
    near = (curve.temperature > half - 1.0) & (curve.temperature < lost + 0.5)
    if near.sum() < 12:
        raise NotPossible(f"{near.sum()} points lie in the transition; the fit needs 12 or more")
    t = curve.temperature[near]
    reach = 2.0 * (lost - half)
    start = {
        "log_full": float(np.log(curve.amplitude / 0.62) - 5 * np.log(reach)),
        "critical_temperature": float(half + reach),
        "exponent": 5.0,
        "grains": 0.0,
    }
    parts = [
        lmfit.Model(part, independent_vars=["temperature", "amplitude"])
        for part in (bean_in_phase, bean_out_of_phase)
    ]
    fit = FitWidget(
        parts,
        [t, t],
        [curve.in_phase[near], curve.out_of_phase[near]],
        labels=["χ′", "χ″"],
        params=start,
        shared=tuple(start),
        constants={"amplitude": curve.amplitude},
        units={"critical_temperature": "K"},
        x_label="temperature",
        x_unit="K",
        y_label="χ over full screening",
        system=units,
        name="05_susceptibility",
    )
    fit.set("critical_temperature", min=float(half), max=float(half) + 5.0)
    fit.set("exponent", min=0.5, max=20.0)
    fit.set("grains", min=0.0, max=0.9)
    fit.fit()
    return fit


def cycle_at(
    *,
    amplitude: float = 0.6,
    phase: float = 0.3,
    exponent: float = 40.0,
    frequency: float = 1.0,
    bias: float = 0.0,
    geometry: Literal["square_bar", "slab", "cylinder"] = "square_bar",
) -> dict[str, Any]:
    """One cycle of a bar: Bean's flux profile and loop; χ with its operating point and the Cole–Cole plane for any n.

    Parameters
    ----------
    amplitude : h/J_c a
    phase : turns since the field was largest, 0–1
    exponent : n of E ~ Jⁿ; 40 and more is drawn as Bean's state
    frequency : over that at which J_c is defined
    bias : dc field over J_c a, with a current that falls to half in a field of J_c a (Kim); 0 is Bean's state
    """
    field = amplitude * np.cos(2 * np.pi * phase)
    profile = flux_profile(DEPTH, field, amplitude, falling=phase < 0.5)
    along = np.linspace(-amplitude, amplitude, 81)
    down, up = bean_loop(along, amplitude, geometry)
    here = bean_loop(np.array([field]), amplitude, geometry)[0 if phase < 0.5 else 1]
    real, loss = _response(FIELDS, exponent, frequency, bias, geometry)
    now = _response(np.array([amplitude]), exponent, frequency, bias, geometry)
    bean = bean_susceptibility(FIELDS, geometry)
    log_x = np.log10(FIELDS)
    at = np.array([np.log10(amplitude)])
    return {
        "flux profile, Bean": Plot({"field": (DEPTH, profile)}, "depth / half width", "local field / J_c a"),
        "loop, Bean": Plot(
            {"falling": (along, down), "rising": (along, up), "now": (np.array([field]), here, "o")},
            "field / J_c a",
            "magnetisation / J_c a",
        ),
        "response": Plot(
            {
                "χ'": (log_x, real),
                "χ''": (log_x, loss),
                "χ' here": (at, now[0], "o"),
                "χ'' here": (at, now[1], "o"),
            },
            "log₁₀ amplitude / J_c a",
            "χ over full screening",
        ),
        "Cole–Cole": Plot(
            {"this": (real, loss), "Bean": bean, "here": (now[0], now[1], "o")},
            "χ'",
            "χ''",
        ),
        "χ'": Quantity(float(now[0][0])),
        "χ''": Quantity(float(now[1][0])),
    }


def _response(x: Array, exponent: float, frequency: float, bias: float, geometry: Any) -> tuple[Array, Array]:
    if bias > 0:
        return kim_susceptibility(x, 1.0, kim_field=1.0, bias=bias, geometry=geometry)
    if exponent >= 40:
        return bean_susceptibility(x, geometry)
    # J_c is that at the electric field of an amplitude J_c a.
    return creep_susceptibility(x, exponent, reduced_frequency=frequency, geometry=geometry)


def critical_state() -> Explorer:
    """Amplitude, phase, creep, frequency, dc field and shape against profile, loop, χ and the Cole–Cole plane."""
    return Explorer(
        cycle_at,
        ranges={
            "amplitude": (0.05, 5.0),
            "phase": (0.0, 1.0),
            "exponent": (1.0, 41.0),
            "frequency": (0.01, 100.0),
            "bias": (0.0, 5.0),
        },
        labels={"amplitude": "h / J_c a", "phase": "phase (turns)", "exponent": "n", "bias": "H_dc / J_c a"},
    ).of("model")


def rectangle_at(curves: Any, *, level: float = 0.5, exponent: float = 40.0) -> dict[str, Any]:
    """The rectangle that starts at a level of the middle curve, on the data and on the same J_c(T) with creep.

    Parameters
    ----------
    curves : three `AcCurve`s by rising amplitude
    level : screened share at A and B
    exponent : n of the creep drawn beside the data; 40 and more is Bean's state
    """
    smooth = [curve.smooth for curve in sort_curves(curves)[:3]]
    window = smooth[2].temperature_at(-0.97), smooth[0].temperature_at(-0.06)
    lines, corners, closure = _rectangle([(s.grid, s.real) for s in smooth], -level)
    names = [f"{convert(s.curve.amplitude, 'A/m', 'Oe'):.3g} Oe" for s in smooth]
    shown = {name: _cut(line, window) for name, line in zip(names, lines, strict=True)}
    model_lines, model_corners, model_closure = _rectangle(_creep_curves(smooth, exponent), -level)
    modelled = {name: _cut(line, window) for name, line in zip(names, model_lines, strict=True)}
    return {
        "data": Plot({**shown, "A C D B": corners}, "temperature", "χ'", "K"),
        "creep with the data's J_c": Plot({**modelled, "A C D B": model_corners}, "temperature", "χ'", "K"),
        "T_B − T_D": Quantity(1e3 * closure, unit="mK"),
        "T_B − T_D of creep": Quantity(1e3 * model_closure, unit="mK"),
    }


def _rectangle(lines: list[tuple[Array, Array]], level: float) -> tuple[Any, tuple[Array, Array], float]:
    rising = [(t, np.maximum.accumulate(y)) for t, y in lines]
    (t1, y1), (t2, y2), (t3, y3) = rising
    a, b = float(np.interp(level, y2, t2)), float(np.interp(level, y3, t3))
    other = float(np.interp(a, t1, y1))
    d = float(np.interp(other, y2, t2))
    return lines, (np.array([b, a, a, d]), np.array([level, level, other, other])), b - d


def _creep_curves(smooth: list[Smooth], exponent: float) -> list[tuple[Array, Array]]:
    """χ' of creep with the J_c(T) that it reads off the curves themselves."""
    n = np.inf if exponent >= 40 else exponent
    reference = smooth[1].curve.amplitude
    current = log_full_field([smooth[1].curve], "square_bar", exponent=n, reference=reference)
    log_u, real, _ = response_table("square_bar", exponent=n)
    drives = [np.log(one.curve.amplitude) - np.log(one.curve.amplitude / reference) / n for one in smooth]
    return [
        (one.grid, np.interp(drive - current(one.grid), log_u, real))
        for one, drive in zip(smooth, drives, strict=True)
    ]


def _cut(line: tuple[Array, Array], window: tuple[float, float]) -> tuple[Array, Array]:
    t, y = line
    inside = (t > window[0] - 0.1) & (t < window[1] + 0.1)
    return t[inside], y[inside]


@widget
def rectangles(study: CurvesStudy) -> Explorer:
    """A level on χ′ and a creep exponent against the corner that closes the rectangle.

    Parameters
    ----------
    study : from `study_curves`

    Raises
    ------
    NotPossible
        Fewer than three amplitudes.
    """
    if len(study.by_amplitude) < 3:
        raise NotPossible(f"{len(study.by_amplitude)} amplitudes came; a rectangle needs three")
    return Explorer(
        rectangle_at,
        fixed={"curves": list(study.by_amplitude)},
        ranges={"level": (0.15, 0.9), "exponent": (1.5, 41.0)},
        labels={"level": "screened at A and B", "exponent": "n of the creep"},
    )
