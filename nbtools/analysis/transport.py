"""Transport and dc magnetisation: transition, normal state, critical fields, Ginzburg–Landau lengths.

One door to the files that each hold one piece of the physics.
"""

from nbtools.analysis.magnetisation_studies import (
    FluxEntryStudy,
    ScreeningStudy,
    study_flux_entry,
    study_screening,
)
from nbtools.analysis.resistance_studies import (
    ResistanceStudy,
    ResistiveFieldStudy,
    study_resistance,
    study_resistive_field,
)
from nbtools.transport.lengths import (
    CORE_TERM_HU,
    GinzburgLandau,
    estimate_ginzburg_landau,
    penetration_depth_budget,
)
from nbtools.transport.lower_field import (
    LowerCriticalField,
    ZeroTemperatureField,
    estimate_lower_critical_field,
    extrapolate_lower_critical_field,
)
from nbtools.transport.normal_state import (
    IDEAL_RESISTIVITY_RISE,
    NormalState,
    fit_normal_state,
)
from nbtools.transport.screening import (
    Shielding,
    estimate_eddy_resistivity,
    estimate_shielding,
    full_screening_susceptibility,
    subtract_background,
)
from nbtools.transport.transition import (
    StepCount,
    Transition,
    combine_branches,
    count_transition_steps,
    estimate_transition,
)
from nbtools.transport.upper_field import (
    UpperCriticalField,
    UpperCriticalLaw,
    collect_upper_critical_fields,
    compare_upper_critical_laws,
    estimate_upper_critical_field,
    fit_upper_critical_law,
)

__all__ = [
    "CORE_TERM_HU",
    "IDEAL_RESISTIVITY_RISE",
    "FluxEntryStudy",
    "GinzburgLandau",
    "LowerCriticalField",
    "NormalState",
    "ResistanceStudy",
    "ResistiveFieldStudy",
    "ScreeningStudy",
    "Shielding",
    "StepCount",
    "Transition",
    "UpperCriticalField",
    "UpperCriticalLaw",
    "ZeroTemperatureField",
    "collect_upper_critical_fields",
    "combine_branches",
    "compare_upper_critical_laws",
    "count_transition_steps",
    "estimate_eddy_resistivity",
    "estimate_ginzburg_landau",
    "estimate_lower_critical_field",
    "estimate_shielding",
    "estimate_transition",
    "estimate_upper_critical_field",
    "extrapolate_lower_critical_field",
    "fit_normal_state",
    "fit_upper_critical_law",
    "full_screening_susceptibility",
    "penetration_depth_budget",
    "study_flux_entry",
    "study_resistance",
    "study_resistive_field",
    "study_screening",
    "subtract_background",
]
