"""Ac susceptibility under the hand: one cycle of the critical state, and rectangles that close or do not."""

from typing import Any, Literal

import numpy as np

from nbtools.analysis.ac_curves import Smooth, as_curves
from nbtools.analysis.current_profile import log_full_field, response_table
from nbtools.explore.plots import Plot
from nbtools.explore.sliders import Explorer
from nbtools.physics.bean_state import bean_loop, bean_susceptibility, flux_profile
from nbtools.physics.creep import creep_susceptibility
from nbtools.physics.kim_state import kim_susceptibility
from nbtools.units import Quantity, convert

Array = np.ndarray[Any, np.dtype[np.float64]]
DEPTH = np.linspace(0, 1, 61)
FIELDS = np.geomspace(0.03, 30, 61)


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


def explore_critical_state() -> Explorer:
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
    smooth = [curve.smooth for curve in as_curves(curves)[:3]]
    window = smooth[2].temperature_at(-0.97), smooth[0].temperature_at(-0.06)
    lines, corners, closure = _rectangle([(s.grid, s.real) for s in smooth], -level)
    names = [f"{convert(s.curve.amplitude, 'A/m', 'Oe'):.3g} Oe" for s in smooth]
    shown = {name: _cut(*line, window) for name, line in zip(names, lines, strict=True)}
    model_lines, model_corners, model_closure = _rectangle(_creep_curves(smooth, exponent), -level)
    modelled = {name: _cut(*line, window) for name, line in zip(names, model_lines, strict=True)}
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


def _cut(t: Array, y: Array, window: tuple[float, float]) -> tuple[Array, Array]:
    inside = (t > window[0] - 0.1) & (t < window[1] + 0.1)
    return t[inside], y[inside]


def explore_rectangles(curves: Any) -> Explorer:
    """A level on χ' and a creep exponent against the corner that closes the rectangle."""
    return Explorer(
        rectangle_at,
        fixed={"curves": list(as_curves(curves))},
        ranges={"level": (0.15, 0.9), "exponent": (1.5, 41.0)},
        labels={"level": "screened at A and B", "exponent": "n of the creep"},
    )
