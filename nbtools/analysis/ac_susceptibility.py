"""Ac susceptibility: the critical state tested, its current density and the law of that.

One door to the files that each hold one piece of the physics.
"""

from nbtools.analysis.ac_curves import (
    AcCurve,
    Smooth,
    as_curves,
    collect_curves,
    combine_curves,
    group_curves,
    normalise_curve,
    transition_window,
)
from nbtools.analysis.collapse import Collapse, fit_collapse
from nbtools.analysis.creep_shift import CreepExponent, estimate_creep_exponents, estimate_creep_onset
from nbtools.analysis.critical_current import (
    CurrentPoint,
    LoopCurrent,
    estimate_half_screening,
    estimate_loop_current,
    estimate_loss_peak,
    pair_branches,
    peak_of,
)
from nbtools.analysis.critical_state_test import CriticalStateTest, check_critical_state, classify_height
from nbtools.analysis.current_law import (
    CurrentLawFit,
    compare_current_laws,
    exact_power_law,
    find_crossover,
    fit_critical_current_law,
    needed_temperature_error,
    pair_critical_temperature,
    profile_exponent,
)
from nbtools.analysis.current_profile import grain_share, log_full_field
from nbtools.analysis.grains import (
    IndependentRange,
    bound_cluster_radius,
    estimate_current_ratio,
    estimate_independent_range,
)
from nbtools.analysis.rectangles import CivaleTest, civale_test, power_curves

__all__ = [
    "AcCurve",
    "CivaleTest",
    "Collapse",
    "CreepExponent",
    "CriticalStateTest",
    "CurrentLawFit",
    "CurrentPoint",
    "IndependentRange",
    "LoopCurrent",
    "Smooth",
    "as_curves",
    "bound_cluster_radius",
    "check_critical_state",
    "civale_test",
    "classify_height",
    "collect_curves",
    "combine_curves",
    "compare_current_laws",
    "estimate_creep_exponents",
    "estimate_creep_onset",
    "estimate_current_ratio",
    "estimate_half_screening",
    "estimate_independent_range",
    "estimate_loop_current",
    "estimate_loss_peak",
    "exact_power_law",
    "find_crossover",
    "fit_collapse",
    "fit_critical_current_law",
    "grain_share",
    "group_curves",
    "log_full_field",
    "needed_temperature_error",
    "normalise_curve",
    "pair_branches",
    "pair_critical_temperature",
    "peak_of",
    "power_curves",
    "profile_exponent",
    "transition_window",
]
