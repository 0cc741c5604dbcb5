"""Resistance: all that R(T) tells in no field, and H_c2(T) from R(H) at many temperatures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

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
from nbtools.transport.upper_field import (
    UpperCriticalLaw,
    collect_upper_critical_fields,
    compare_upper_critical_laws,
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


@dataclass(frozen=True, repr=False)
class UpperFieldStudy(StudyResult):
    """H_c2(T) by one criterion and the laws fitted to it, lowest AICc first.

    Attributes
    ----------
    criterion : share of the normal resistance
    temperature, field, uncertainty : of H_c2, K and A/m, shape (n,)
    laws : by name; the power law is the paper's
    curves : of (K, fields in A/m, R/R_n)
    missing : what could not be had, a sentence each
    """

    criterion: float
    temperature: Array
    field: Array
    uncertainty: Array
    laws: dict[Any, UpperCriticalLaw]
    curves: tuple[tuple[float, Array, Array], ...]
    missing: dict[str, str]

    def rows(self) -> list[Row]:
        how = f"R(H) at {self.criterion:.0%} of R_n, power law, T_c free"
        power = self.laws["power"]
        rows = [
            Row("H_c2(0)", power.zero_temperature_field, how, "upper_critical_field", "kOe"),
            Row("curvature α", self.curvature, how, "curvature"),
            Row("coherence length ξ(0)", power.coherence_length, how, shown="nm"),
        ]
        for name, law in self.laws.items():
            if name != "power":
                rows.append(
                    Row(f"H_c2(0), {name} law", law.zero_temperature_field, "the same points", shown="kOe")
                )
        return rows

    def notes(self) -> list[str]:
        power = self.laws["power"].aicc
        said = [f"{what}: {reason}" for what, reason in self.missing.items()]
        for name, law in self.laws.items():
            said.append(
                f"{name} law: χ²ᵣ = {law.reduced_chi_square:.2g}"
                + ("" if name == "power" else f", AICc {law.aicc - power:+.0f} against the power law")
            )
        coldest = float(np.min(self.temperature))
        return [*said, f"the data end at {coldest:.4g} K; everything below is the law's"]

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


def estimate_upper_field(
    curves: Sequence[tuple[float, ArrayLike, ArrayLike]],
    *,
    normal: Callable[[float], Any],
    criterion: float = 0.1,
    temperature_uncertainty: float = 0.0,
    calibration: float = 0.0,
) -> UpperFieldStudy:
    """H_c2(T) from field sweeps of the resistance, and its laws.

    Parameters
    ----------
    curves : of (K, fields in A/m, resistances)
    normal : the normal-state value at a temperature, in the unit of the resistances
    criterion : share of it
    temperature_uncertainty : K, of one temperature against another
    calibration : K, of all temperatures together; what it does to each law's parameters is added to their σ

    Raises
    ------
    NotPossible
        Too few temperatures at which the criterion is crossed.
    """
    ordered = sorted(curves, key=lambda curve: curve[0])
    shares = tuple((t, np.asarray(h), np.asarray(r) / float(normal(t))) for t, h, r in ordered)
    t, h, sigma = collect_upper_critical_fields(shares, criterion=criterion)
    options: dict[str, Any] = {"uncertainty": sigma, "temperature_uncertainty": temperature_uncertainty}
    try:
        laws = compare_upper_critical_laws(t, h, **options)
    except ValueError as reason:
        raise NotPossible(f"H_c2(T): {reason}") from None
    if calibration:
        shifted = compare_upper_critical_laws(t + calibration, h, **options)
        laws = {name: _with_calibration(law, shifted[name]) for name, law in laws.items()}
    return UpperFieldStudy(criterion, t, h, sigma, laws, shares, {})


def _with_calibration(law: UpperCriticalLaw, shifted: UpperCriticalLaw) -> UpperCriticalLaw:
    names = ("zero_temperature_field", "critical_temperature", "exponent", "coherence_length")
    widened: dict[str, Any] = {
        name: getattr(law, name).widened(abs(getattr(shifted, name) - getattr(law, name))) for name in names
    }
    return replace(law, **widened)
