"""STEM images of interfaces: index both crystals, place their columns, follow the boundary, bound what lies between."""

from nbtools.analysis.atom_columns import ColumnFit, find_columns, refine_columns, split_sublattices
from nbtools.analysis.boundary_line import Boundary, find_boundary
from nbtools.analysis.disordered_layer import EDGE_ON_FADING, DisorderedWidth, bound_disordered_width
from nbtools.analysis.dose_curve import AtDose, dose_curve, thinned
from nbtools.analysis.element_maps import Islands, OutlineCurvature, find_islands, outline_curvature
from nbtools.analysis.fft_indexing import IndexedSpot, PatternIndex, Solution, index_pattern
from nbtools.analysis.fft_spots import Spots, find_spots, grain_window, hann_window, power_spectrum
from nbtools.analysis.grain_strain import GrainStrain, estimate_strain
from nbtools.analysis.grain_windows import bragg_amplitude, find_grains
from nbtools.analysis.image_checks import ImageError, check_image
from nbtools.analysis.interface_indexing import InterfaceIndex, index_interface
from nbtools.analysis.interface_steps import find_steps
from nbtools.analysis.last_planes import LastPlanes, follow_planes
from nbtools.analysis.lattice_columns import (
    ColumnContrast,
    LatticeColumns,
    column_contrast,
    place_columns,
)
from nbtools.analysis.parallel_planes import (
    ParallelPlanes,
    chance_of_alignment,
    coincidence,
    misfit,
    parallel_planes,
)
from nbtools.analysis.stairs import Steps

__all__ = [
    "EDGE_ON_FADING",
    "AtDose",
    "Boundary",
    "ColumnContrast",
    "ColumnFit",
    "DisorderedWidth",
    "GrainStrain",
    "ImageError",
    "IndexedSpot",
    "InterfaceIndex",
    "Islands",
    "LastPlanes",
    "LatticeColumns",
    "OutlineCurvature",
    "ParallelPlanes",
    "PatternIndex",
    "Solution",
    "Spots",
    "Steps",
    "bound_disordered_width",
    "bragg_amplitude",
    "chance_of_alignment",
    "check_image",
    "coincidence",
    "column_contrast",
    "dose_curve",
    "estimate_strain",
    "find_boundary",
    "find_columns",
    "find_grains",
    "find_islands",
    "find_spots",
    "find_steps",
    "follow_planes",
    "grain_window",
    "hann_window",
    "index_interface",
    "index_pattern",
    "misfit",
    "outline_curvature",
    "parallel_planes",
    "place_columns",
    "power_spectrum",
    "refine_columns",
    "split_sublattices",
    "thinned",
]
