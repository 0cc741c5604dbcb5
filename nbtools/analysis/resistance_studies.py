"""Whole resistance curves to whole answers: R(T) in no field, R(H) at many temperatures, and what is missing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.transport.normal_state import NormalState, fit_normal_state
from nbtools.transport.transition import (
    StepCount,
    Transition,
    combine_branches,
    count_transition_steps,
    estimate_transition,
)
from nbtools.transport.upper_field import (
    UpperCriticalLaw,
    collect_upper_critical_fields,
    compare_upper_critical_laws,
)
from nbtools.units import Quantity

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ResistanceStudy:
    """R(T) or ρ(T): the transition of each branch, their mean, the normal state, one step or two.

    `temperature` and `signal` are the branch with the widest range, in `unit`; `missing` says in one
    sentence each what could not be had.
    """

    branches: dict[str, Transition]
    transition: Transition | None
    normal: NormalState | None
    steps: StepCount | None
    temperature: Array
    signal: Array
    unit: str
    missing: dict[str, str]

    def __bool__(self) -> bool:
        return bool(self.branches)

    def __str__(self) -> str:
        lines = [f"{label:8s} {branch}" for label, branch in self.branches.items()]
        lines += [str(part) for part in (self.normal, self.steps) if part]
        return "\n".join(lines + [f"{what}: {reason}" for what, reason in self.missing.items()])


def study_resistance(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]], *, geometry: Quantity | None = None
) -> ResistanceStudy:
    """All that R(T) tells in no field.

    Parameters
    ----------
    curves : by branch ("cooling", "warming"): K and Ω, shape (n,) each
    geometry : cross-section over tap distance, m ± σ; without it the unit stays Ω
    """
    if not curves:
        return ResistanceStudy({}, None, None, None, np.array([]), np.array([]), "ohm", {})
    scale, unit = (float(geometry), "ohm m") if geometry else (1.0, "ohm")
    scaled = {label: (np.asarray(t), scale * np.asarray(r)) for label, (t, r) in curves.items()}
    branches = {label: estimate_transition(t, r, kind="resistive") for label, (t, r) in scaled.items()}
    transition = combine_branches(list(branches.values()))
    temperature, signal = max(scaled.values(), key=lambda curve: float(np.ptp(curve[0])))
    missing = dict(transition.undetermined)
    normal = steps = None
    try:
        error = geometry.uncertainty / geometry if geometry else 0.0
        above = float(transition.onset) if transition.found else float(np.min(temperature))
        normal = fit_normal_state(temperature, signal, onset=above, scale_uncertainty=error, unit=unit)
        missing |= normal.undetermined
    except ValueError as reason:
        missing["normal state"] = str(reason)
    if normal and transition.found:
        steps = _count_steps(temperature, signal / normal.predict(temperature), transition)
    return ResistanceStudy(branches, transition, normal, steps, temperature, signal, unit, missing)


def _count_steps(temperature: Array, share: Array, transition: Transition) -> StepCount | None:
    reach = 8 * float(transition.width) if np.isfinite(transition.width) else 0.2 * float(transition.midpoint)
    near = np.abs(temperature - transition.midpoint) < reach
    if near.sum() < 15:
        return None
    noise = transition.noise[0] / transition.normal_level or 1e-6
    return count_transition_steps(temperature[near], share[near], noise=noise)


@dataclass(frozen=True)
class ResistiveFieldStudy:
    """H_c2(T) by one criterion and the laws fitted to it, lowest AICc first."""

    criterion: float
    temperature: Array
    field: Array
    uncertainty: Array
    laws: dict[Any, UpperCriticalLaw]
    missing: dict[str, str]

    def __bool__(self) -> bool:
        return bool(self.laws)

    @property
    def best(self) -> UpperCriticalLaw:
        return next(iter(self.laws.values()))

    @property
    def curvature(self) -> Quantity:
        """α of the power law (1 − t)^(1 + α)."""
        return Quantity(self.laws["power"].exponent - 1, self.laws["power"].exponent.uncertainty)

    @property
    def outdone(self) -> dict[str, bool]:
        """Whether the power law beats each other law by more than 10 in AICc."""
        power = self.laws["power"].aicc
        return {name: law.aicc > power + 10 for name, law in self.laws.items() if name != "power"}

    def __str__(self) -> str:
        lines = [f"{self.criterion:4.0%}  {law}" for law in self.laws.values()]
        return "\n".join(lines + [f"{what}: {reason}" for what, reason in self.missing.items()])


def study_resistive_field(
    curves: Sequence[tuple[float, ArrayLike, ArrayLike]],
    *,
    normal: Callable[[float], float],
    criterion: float = 0.1,
    temperature_uncertainty: float = 0.0,
    calibration: float = 0.0,
) -> ResistiveFieldStudy:
    """H_c2(T) from field sweeps of the resistance, and its laws.

    Parameters
    ----------
    curves : of (K, fields in A/m, resistances)
    normal : the normal-state value at a temperature, in the unit of the resistances
    criterion : share of it
    temperature_uncertainty : K, of one temperature against another
    calibration : K, of all temperatures together; what it does to each law's parameters is added to their σ
    """
    shares = [(t, h, np.asarray(r) / float(normal(t))) for t, h, r in curves]
    t, h, sigma = collect_upper_critical_fields(shares, criterion=criterion)
    options: dict[str, Any] = {"uncertainty": sigma, "temperature_uncertainty": temperature_uncertainty}
    try:
        laws = compare_upper_critical_laws(t, h, **options)
    except ValueError as reason:
        return ResistiveFieldStudy(criterion, t, h, sigma, {}, {"H_c2(T)": str(reason)})
    if calibration:
        shifted = compare_upper_critical_laws(t + calibration, h, **options)
        laws = {name: _with_calibration(law, shifted[name]) for name, law in laws.items()}
    return ResistiveFieldStudy(criterion, t, h, sigma, laws, {})


def _with_calibration(law: UpperCriticalLaw, shifted: UpperCriticalLaw) -> UpperCriticalLaw:
    names = ("zero_temperature_field", "critical_temperature", "exponent", "coherence_length")
    widened: dict[str, Any] = {
        name: getattr(law, name).widened(abs(getattr(shifted, name) - getattr(law, name))) for name in names
    }
    return replace(law, **widened)
