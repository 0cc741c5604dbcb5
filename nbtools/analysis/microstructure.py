"""Structure of the composite: how much of each phase there is, and how it is spread.

One door to the files that each hold one piece of the physics.
"""

from nbtools.analysis.phase_fractions import (
    HANDBOOK_DENSITIES,
    MOLAR_MASSES,
    convert_fractions,
    estimate_amorphous_fraction,
)
from nbtools.analysis.powder_refinement import PhaseFractions, fit_phase_fractions

__all__ = [
    "HANDBOOK_DENSITIES",
    "MOLAR_MASSES",
    "PhaseFractions",
    "convert_fractions",
    "estimate_amorphous_fraction",
    "fit_phase_fractions",
]
