"""Resistance: all that R(T) tells in no field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.results import NotPossible
from nbtools.study import Row, StudyResult
from nbtools.transport.normal_state import NormalState, fit_normal_state
from nbtools.transport.transition import (
    StepCount,
    Transition,
    combine_branches,
    count_transition_steps,
    estimate_transition,
)
from nbtools.units import Quantity

Array = NDArray[np.float64]
Criterion = Literal["onset", "ninety", "midpoint", "ten", "zero"] | float


HOW = {
    "onset": "steepest tangent meets the normal state",
    "ninety": "90 % of the step left",
    "midpoint": "50 % of the step left",
    "ten": "10 % of the step left",
    "zero": "R under 3 σ of its noise",
}
LABELS = {
    "onset": "T_c onset",
    "ninety": "T_c 90 %",
    "midpoint": "T_c 50 %",
    "ten": "T_c 10 %",
    "zero": "R = 0",
}


@dataclass(frozen=True, repr=False)
class ResistanceStudy(StudyResult):
    """R(T) or ρ(T): the transition of each branch, their mean, the normal state, one step or two.

    Attributes
    ----------
    branches : the transition of each curve (cooling, warming; of several files each)
    transition : the mean of those that have one; half their difference, the thermometer's lag, counts as error
    normal : the normal state; None where the range is too narrow
    steps : one error function or two; None where too few points lie in the transition
    curves : every branch, K and `unit`, shape (n,) each
    temperature, signal : the branch with the widest range
    unit : "ohm m", or "ohm" where the geometry is not known
    missing : what could not be had, a sentence each
    criterion : by which T_c is read
    critical_temperature : by that criterion, K
    """

    branches: dict[str, Transition]
    transition: Transition
    normal: NormalState | None
    steps: StepCount | None
    curves: dict[str, tuple[Array, Array]]
    temperature: Array
    signal: Array
    unit: str
    missing: dict[str, str]
    criterion: Criterion = "onset"
    critical_temperature: Quantity = Quantity(np.nan, np.nan, "K")  # noqa: RUF009

    def rows(self) -> list[Row]:
        rows = []
        if self.transition.found:
            share = (
                f"{100 * self.criterion:g} % of the step left" if isinstance(self.criterion, float) else ""
            )
            how = share or HOW[str(self.criterion)]
            rows.append(Row("T_c", self.critical_temperature, how, "critical_temperature"))
            for name, how in HOW.items():
                rows.append(Row(LABELS[name], getattr(self.transition, name), how, f"resistive_{name}"))
        if self.normal is not None:
            symbol, shown = ("ρ", "uohm cm") if self.unit == "ohm m" else ("R", "")
            fit = f"Bloch–Grüneisen, m = {self.normal.exponent:g}"
            rows += [
                Row(f"{symbol}(100 K)", self.normal.resistivity_100, fit, "resistivity_100", shown),
                Row(f"{symbol}(300 K)/{symbol}(40 K)", self.normal.residual_ratio, fit, "residual_ratio"),
                Row("Debye temperature Θ", self.normal.debye_temperature, fit),
            ]
            if self.unit == "ohm m":
                clean, bulk = self.normal.connectivity
                rows.append(Row("connectivity, against clean films", clean, "Rowell, Δρ from 40 to 300 K"))
                rows.append(Row("connectivity, against good bulk", bulk, "Rowell, Δρ from 40 to 300 K"))
        return [row for row in rows if np.isfinite(row.quantity)]

    def notes(self) -> list[str]:
        said = [f"{what}: {reason}" for what, reason in self.missing.items()]
        if not self.transition.found:
            said.insert(0, f"no transition: {self.transition.reason}")
        else:
            said += [f"{k}: no transition, {b.reason}" for k, b in self.branches.items() if not b.found]
        known = {k: float(b.midpoint) for k, b in self.branches.items() if np.isfinite(b.midpoint)}
        if len(known) > 1:
            shift = np.ptp(list(known.values()))
            said.append(f"{' and '.join(known)} differ by {1e3 * shift:.0f} mK at 50 %")
        return said + ([str(self.steps)] if self.steps else [])


def estimate_resistance(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    geometry: Quantity | None = None,
    temperature_uncertainty: float = 0.0,
    criterion: Criterion = "onset",
) -> ResistanceStudy:
    """All that R(T) tells in no field.

    Parameters
    ----------
    curves : by branch ("cooling", "warming"): K and Ω, shape (n,) each
    geometry : cross-section over tap distance, m ± σ; without it the unit stays Ω
    temperature_uncertainty : of the thermometer's calibration, K; it is added to every transition temperature
    criterion : by which T_c is read: one of those of `Transition`, or a share of the step

    Raises
    ------
    NotPossible
        No curve.
    """
    if not curves:
        raise NotPossible("No R(T) curve came; give at least one branch")
    scale, unit = (float(geometry), "ohm m") if geometry else (1.0, "ohm")
    scaled = {label: (np.asarray(t), scale * np.asarray(r)) for label, (t, r) in curves.items()}
    share = criterion if isinstance(criterion, float) else 0.5
    branches = {
        label: estimate_transition(
            t, r, kind="resistive", criterion=share, thermometer_offset=temperature_uncertainty
        )
        for label, (t, r) in scaled.items()
    }
    transition = combine_branches(list(branches.values()))
    temperature, signal = max(scaled.values(), key=lambda curve: float(np.ptp(curve[0])))
    missing = dict(transition.undetermined)
    normal = steps = None
    try:
        error = geometry.uncertainty / float(geometry) if geometry else 0.0
        above = float(transition.onset) if transition.found else float(np.min(temperature))
        normal = fit_normal_state(temperature, signal, onset=above, scale_uncertainty=error, unit=unit)
        missing |= normal.undetermined
    except ValueError as reason:
        missing["normal state"] = str(reason)
    if normal and transition.found:
        steps = _count_steps(temperature, signal / normal.predict(temperature), transition)
    critical = getattr(transition, criterion if isinstance(criterion, str) else "critical_temperature")
    return ResistanceStudy(
        branches, transition, normal, steps, scaled, temperature, signal, unit, missing, criterion, critical
    )


def _count_steps(temperature: Array, share: Array, transition: Transition) -> StepCount | None:
    reach = 8 * float(transition.width) if np.isfinite(transition.width) else 0.2 * float(transition.midpoint)
    near = np.abs(temperature - transition.midpoint) < reach
    if near.sum() < 15:
        return None
    noise = transition.noise[0] / transition.normal_level or 1e-6
    return count_transition_steps(temperature[near], share[near], noise=noise)
