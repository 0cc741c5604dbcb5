"""Structure: phases from grey values, box counts and what they prove, isotropy, percolation, composition.

One door to the files that each hold one piece of it.
"""

from nbtools.analysis.box_counting import BoxCounts, box_counts, occupied_boxes
from nbtools.analysis.fractal_verdict import FractalVerdict, estimate_box_dimension, sections_of
from nbtools.analysis.gliding_boxes import GlidingBoxes, gliding_boxes
from nbtools.analysis.large_volumes import (
    Clusters,
    count_clusters,
    phase_fraction,
    spanning_cluster,
    two_point_correlation,
)
from nbtools.analysis.percolation import Percolation, estimate_percolation
from nbtools.analysis.section_judgement import EXCESS
from nbtools.analysis.section_studies import Registration, SectionStudy, study_registration, study_sections
from nbtools.analysis.segmentation import Segmentation, denoise, overlap, remove_stripes, segment
from nbtools.analysis.slice_alignment import Alignment, align_slices
from nbtools.analysis.spatial_statistics import (
    Isotropy,
    chord_lengths,
    estimate_isotropy,
    mass_radius,
    phase_share,
)
from nbtools.analysis.verdict_power import PowerStudy, study_power

__all__ = [
    "EXCESS",
    "Alignment",
    "BoxCounts",
    "Clusters",
    "FractalVerdict",
    "GlidingBoxes",
    "Isotropy",
    "Percolation",
    "PowerStudy",
    "Registration",
    "SectionStudy",
    "Segmentation",
    "align_slices",
    "box_counts",
    "chord_lengths",
    "count_clusters",
    "denoise",
    "estimate_box_dimension",
    "estimate_isotropy",
    "estimate_percolation",
    "gliding_boxes",
    "mass_radius",
    "occupied_boxes",
    "overlap",
    "phase_fraction",
    "phase_share",
    "remove_stripes",
    "sections_of",
    "segment",
    "spanning_cluster",
    "study_power",
    "study_registration",
    "study_sections",
    "two_point_correlation",
]
