"""Draw transport and dc magnetisation: R(T), χ(T), M(H), R(H) and the critical fields."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nbtools.units import Quantity, for_display
from nbtools.viewers.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, RED, temperature_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
    units: str = "paper",
) -> "Axes":
    """ρ(T) with its fit, marked temperatures, and the transition enlarged in an inset (`window`, K)."""
    scale, label = for_display(unit, units)
    t, rho = np.asarray(temperature), np.asarray(resistivity) * scale
    axes.plot(t, rho, ".", color=BLUE, markersize=2)
    if fit is not None:
        axes.plot(np.asarray(fit[0]), np.asarray(fit[1]) * scale, color=ORANGE, label="Bloch–Grüneisen")
        axes.legend(loc="lower right")
    symbol = "ρ" if unit == "ohm m" else "R"
    axes.set(xlabel="temperature (K)", ylabel=f"{symbol} ({label})", xlim=(0, None), ylim=(0, None))
    if window:
        inset = axes.inset_axes((0.14, 0.52, 0.44, 0.43))
        chosen = (t > window[0]) & (t < window[1])
        inset.plot(t[chosen], rho[chosen], ".-", color=BLUE, markersize=2, linewidth=0.6)
        inset.set_xlim(*window)
        inset.tick_params(labelsize=6)
        for (name, place), style in zip((marks or {}).items(), ("-", "--", ":", "-."), strict=False):
            inset.axvline(place, color=RED, linewidth=0.7, linestyle=style, label=f"{name} {place:.2f} K")
        inset.legend(fontsize=5, loc="upper left", handlelength=1.4, borderaxespad=0.2)
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
    for (name, (t, chi)), colour, marker in zip(branches.items(), (BLUE, GREEN, PURPLE), "os^", strict=False):
        axes.plot(t, chi, marker + "-", color=colour, label=name, linewidth=0.6, markersize=2)
    if full_screening is not None:
        axes.axhline(
            full_screening, color=ORANGE, linestyle="--", label=f"full screening {full_screening:.2f}"
        )
    if onset is not None and np.isfinite(onset):
        axes.axvline(onset, color=RED, linewidth=0.7, linestyle=":", label=f"onset {onset:.2f} K")
    axes.axhline(0, color=BLACK, linewidth=0.4)
    axes.set(xlabel="temperature (K)", ylabel=label)
    axes.legend(loc="best")
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
    axes.legend(loc="lower right", ncols=2, handlelength=1)
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
    axes.legend(loc="lower right", ncols=2, handlelength=1)
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
        temperature, np.asarray(field) * scale, error, fmt="o", color=BLUE, capsize=1.5, elinewidth=0.7
    )
    for (name, (t, h)), colour, line in zip(
        (laws or {}).items(), (ORANGE, GREEN, PURPLE), LINES.values(), strict=False
    ):
        axes.plot(t, np.asarray(h) * scale, color=colour, linestyle=line, label=name)
    axes.set(xlabel="temperature (K)", ylabel=f"{symbol} ({label})", xlim=(0, None), ylim=(0, None))
    if laws:
        axes.legend()
    return axes


def draw_budget(
    axes: "Axes", budget: Mapping[str, float], *, label: str = "relative standard deviation (%)"
) -> "Axes":
    """Which input contributes how much, as bars, the largest on top."""
    names = list(budget)[::-1]
    values = [100 * budget[name] for name in names]
    axes.barh(names, values, color=BLUE, height=0.6)
    for row, value in enumerate(values):
        axes.annotate(
            f"{value:.2g} %", (value, row), xytext=(3, 0), textcoords="offset points", va="center", fontsize=6
        )
    axes.set(xlabel=label, xlim=(0, 1.25 * max([*values, 1e-9])))
    axes.tick_params(axis="y", which="minor", left=False, right=False)
    return axes


def mark_values(axes: "Axes", values: Mapping[str, Quantity], *, colour: Any = RED) -> "Axes":
    """Name ± values as a small table in the upper right corner."""
    text = "\n".join(f"{name} = {value}" for name, value in values.items())
    axes.text(0.97, 0.95, text, transform=axes.transAxes, ha="right", va="top", fontsize=6, color=colour)
    return axes
