"""Composition from a powder pattern: weight fractions, and what follows for volumes."""

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
