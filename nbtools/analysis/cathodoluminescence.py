"""Cathodoluminescence: bands in energy, maps of them, and whether their places say more than chance.

From spectra to bands: `to_energy`, `prepare_spectra`, `fit_bands`, `count_bands`, `assign_centres`, `centre_limits`;
of every pixel: `fit_map`. Places against chance: `assess_overlap`, `assess_boundary_profile`, `assess_channels`.
A whole field or spot: `study_field`, `fit_field`, `study_point`, `assess_second_order`.
"""

from nbtools.analysis.band_fit import (
    Assignment,
    BandFit,
    assign_centres,
    centre_limits,
    count_bands,
    fit_bands,
)
from nbtools.analysis.band_input import SpectrumError
from nbtools.analysis.boundary_profile import assess_boundary_profile
from nbtools.analysis.chance import ChanceTest, MapError
from nbtools.analysis.channels import assess_channels, measure_longest
from nbtools.analysis.field_study import (
    FieldStudy,
    PointStudy,
    SecondOrder,
    aligned_emitter,
    areas_by_region,
    assess_second_order,
    find_emitter,
    fit_field,
    study_field,
    study_point,
    window_maps,
)
from nbtools.analysis.map_fit import MapFit, fit_map
from nbtools.analysis.map_overlap import assess_overlap
from nbtools.analysis.spectrum import EnergySpectra, prepare_spectra, replace_spikes, to_energy

__all__ = [
    "Assignment",
    "BandFit",
    "ChanceTest",
    "EnergySpectra",
    "FieldStudy",
    "MapError",
    "MapFit",
    "PointStudy",
    "SecondOrder",
    "SpectrumError",
    "aligned_emitter",
    "areas_by_region",
    "assess_boundary_profile",
    "assess_channels",
    "assess_overlap",
    "assess_second_order",
    "assign_centres",
    "centre_limits",
    "count_bands",
    "find_emitter",
    "fit_bands",
    "fit_field",
    "fit_map",
    "measure_longest",
    "prepare_spectra",
    "replace_spikes",
    "study_field",
    "study_point",
    "to_energy",
    "window_maps",
]
