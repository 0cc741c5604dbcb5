"""The powder pattern under the hand: what each weight, width and texture does to it, and the fit itself."""

import inspect
from typing import Any

import lmfit
import numpy as np

from nbtools.display.widget import widget
from nbtools.explore.sliders import Explorer
from nbtools.fitting.widget import FitWidget
from nbtools.results import NotPossible
from nbtools.structure.phase_fractions import convert_fractions
from nbtools.structure.powder_refinement import PhaseFractions
from nbtools.units import Quantity

Array = np.ndarray[Any, np.dtype[np.float64]]


def pattern_at(
    fractions: PhaseFractions,
    second: str,
    trace: str,
    window: tuple[float, float],
    *,
    weight: float = 20.0,
    trace_weight: float = 0.2,
    texture: float = 1.0,
    broader: float = 1.0,
) -> dict[str, Any]:
    """The pattern with other weights, its curve inside `window`, and by how much it then misses the counts.

    Parameters
    ----------
    fractions : a refinement
    second, trace : the two phases that are moved; the first phase takes the difference
    window : degrees; the misfit counts the whole pattern
    weight, trace_weight : of the two phases, %
    texture : March–Dollase coefficient of `second`, where it was refined with a texture axis
    broader : factor of all widths
    """
    kept = {name: float(share) for name, share in fractions.weight_fractions.items()}
    weights = kept | {second: weight / 100, trace: trace_weight / 100}
    weights[fractions.names[0]] += 1 - sum(weights.values())
    parts = fractions.model.components(
        fractions.two_theta, weights=weights, broader=broader, texture={second: texture}
    )
    curve = fractions.background + sum(parts.values())
    spread = np.maximum(fractions.pattern, 1.0)
    off = float(
        np.sum(((fractions.counts - curve) ** 2 - (fractions.counts - fractions.pattern) ** 2) / spread)
    )
    inside = (fractions.two_theta > window[0]) & (fractions.two_theta < window[1])
    volumes = convert_fractions(weights, fractions.densities)
    x = fractions.two_theta[inside]
    return {
        "counts": (x, fractions.counts[inside], "o"),
        "pattern": (x, curve[inside]),
        f"{second} by volume": Quantity(100 * float(volumes[second]), unit="%"),
        "Δχ²": Quantity(off),
    }


def _window(fractions: PhaseFractions) -> tuple[float, float]:
    """Degrees: the strongest line of each phase lies inside."""
    places = [fractions.model.strongest_line(name, fractions.two_theta) for name in fractions.names]
    return min(places) - 1.0, max(places) + 1.0


@widget
def composition(fractions: PhaseFractions, *, second: str = "MgB2", trace: str = "Mg") -> Explorer:
    """Weights, texture and width against the pattern and the volume fraction.

    Parameters
    ----------
    fractions : from `study_composition`; where texture was refined with an axis, its slider moves the pattern
    second, trace : the two phases that are moved; the first takes the difference

    Raises
    ------
    NotPossible
        A refinement without these phases.
    """
    if missing := {second, trace} - set(fractions.names):
        raise NotPossible(
            f"{', '.join(sorted(missing))} was not refined; second and trace can be two of {', '.join(fractions.names)}"
        )
    found = {name: 100 * float(fractions.weight_fractions[name]) for name in (second, trace)}
    limit = 100 * fractions.upper_limits[trace]
    return Explorer(
        pattern_at,
        fixed={"fractions": fractions, "second": second, "trace": trace, "window": _window(fractions)},
        ranges={
            "weight": (max(found[second] - 10, 0.0), min(found[second] + 10, 95.0)),
            "trace_weight": (0.0, max(5 * limit, 1.0)),
            "texture": (0.5, 1.5),
            "broader": (0.7, 1.5),
        },
        values={
            "weight": found[second],
            "trace_weight": found[trace],
            "texture": min(max(float(fractions.texture(second)), 0.5), 1.5),
        },
        against="trace_weight",
        sweep_points=11,
        labels={
            "weight": f"{second} (wt%)",
            "trace_weight": f"{trace} (wt%)",
            "texture": f"texture of {second}",
        },
        x_label="2θ",
        x_unit="degree",
        y_label="counts",
    )


@widget
def pattern(fractions: PhaseFractions, *, window: tuple[float, float] | None = None) -> FitWidget:
    """The fit of the powder pattern: a scale for each phase; zero, background and the instrument's width for all.

    Each scale is in units of the refined one; a phase that came out at zero starts at a tenth of its limit.

    Parameters
    ----------
    fractions : from `study_composition`
    window : degrees; by default the strongest line of each phase lies inside

    Raises
    ------
    NotPossible
        A window without points.
    """
    model, (low, high) = fractions.model, window or _window(fractions)
    inside = (fractions.two_theta > low) & (fractions.two_theta < high)
    if inside.sum() < 20:
        raise NotPossible(
            f"{inside.sum()} points lie between {low:g}° and {high:g}°; choose a window inside "
            f"{fractions.two_theta[0]:.4g}° … {fractions.two_theta[-1]:.4g}°"
        )
    weights = {
        n: max(float(w), fractions.upper_limits[n] / 10) for n, w in fractions.weight_fractions.items()
    }
    numbers = {f"phase_{i}": name for i, name in enumerate(fractions.names)}

    def curve(two_theta: Array, zero: float, broader: float, background: float, **scales: float) -> Array:
        parts = model.components(two_theta, weights=weights, zero=zero, broader=broader)
        phases = sum(scales[key] * parts[name] for key, name in numbers.items())
        return np.asarray(background * model.background(two_theta) + phases)

    start = {"zero": 0.0, "broader": 1.0, "background": 1.0} | dict.fromkeys(numbers, 1.0)
    # lmfit takes its parameters from the signature, which names each phase.
    ends = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("two_theta", *start)
    ]
    curve.__signature__ = inspect.Signature(ends)  # type: ignore[attr-defined]
    fit = FitWidget(
        lmfit.Model(curve, independent_vars=["two_theta"]),
        fractions.two_theta[inside],
        fractions.counts[inside],
        sigma=np.sqrt(np.maximum(fractions.pattern[inside], 1.0)),
        params=start,
        units={"zero": "degree"},
        x_label="2θ",
        x_unit="degree",
        y_label="counts",
        name="01_composition",
        notes=[f"{key} is {name}, in units of what the whole pattern gave." for key, name in numbers.items()],
    )
    fit.set("broader", min=0.3, max=3.0).set("zero", min=-0.3, max=0.3).set("background", min=0.0, max=3.0)
    for key in numbers:
        fit.set(key, low=0.0, high=2.0)
    fit.fit()
    return fit
