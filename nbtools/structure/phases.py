"""The phases of a section or a volume: from grey values as recorded to shares with an honest error."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nbtools.results import NotPossible
from nbtools.structure.isotropy import phase_share
from nbtools.structure.model_random_media import hollow_share
from nbtools.structure.segmentation import (
    Alignment,
    Classes,
    Method,
    Segmentation,
    checked_grey,
    denoise,
    remove_stripes,
    segment,
)
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Grey = NDArray[np.float32]


@dataclass(frozen=True, repr=False)
class PhasesStudy(StudyResult):
    """The phases of a section or a volume.

    Attributes
    ----------
    of : "section" or "volume"
    recorded : grey values as recorded; of a volume, its slices laid on each other
    flat : stripes taken out
    grey : and denoised
    found : the phases
    share : of the dark phase; σ from parts of the field, the threshold and the classes
    hollow_share : of the interface on a section, seen from the dark phase; σ from quarters; NaN of a volume
    edge : of a pixel or voxel, m; NaN where the file does not say it
    no_edge : the sentence that says so
    alignment : of a volume
    source : the file
    """

    of: Literal["section", "volume"]
    recorded: Grey
    flat: Grey
    grey: Grey
    found: Segmentation
    share: Quantity
    hollow_share: Quantity
    edge: float
    no_edge: str = ""
    alignment: Alignment | None = None
    source: str = ""

    @property
    def phase(self) -> NDArray[np.bool_]:
        """Where the dark phase is."""
        return self.found.phase

    @property
    def voxel_size(self) -> float:
        """Edge of a pixel or voxel, m.

        Raises
        ------
        NotPossible
            The file does not say it.
        """
        if not np.isfinite(self.edge):
            raise NotPossible(self.no_edge)
        return self.edge

    def rows(self) -> list[Row]:
        how = f"{self.found.method} threshold; σ of field, threshold and classes"
        rows = [Row("dark phase", self.share, how, f"{self.of}_share", "%")]
        if self.found.pore_fraction:
            pores = Quantity(self.found.pore_fraction, self.found.pore_fraction / 2)
            rows.append(Row("pores", pores, "black cores and their rims", f"{self.of}_pores", "%"))
        if np.isfinite(self.hollow_share):
            how = "interface that is hollow seen from the dark phase"
            rows.append(Row("hollow interface", self.hollow_share, how, f"{self.of}_hollow_share", "%"))
        return rows

    def notes(self) -> list[str]:
        cuts = ", ".join(f"{cut:.4g}" for cut in self.found.thresholds)
        said = [
            self.found.why_classes,
            f"grey thresholds {cuts}; edges {self.found.edges:.2g} times as steep as the inside (squared)",
        ]
        return said if self.alignment is None else [str(self.alignment), *said]


def estimate_phases(
    recorded: Any,
    *,
    edge: float = np.nan,
    no_edge: str = "the size of a voxel was not given",
    smoothing: float = 1.2,
    method: Method = "midpoint",
    classes: Classes = "auto",
    alignment: Alignment | None = None,
    source: str = "",
) -> PhasesStudy:
    """Stripes out, denoised by a Gaussian, thresholded; an image of two grey values was segmented before, and is kept.

    Parameters
    ----------
    recorded : (y, x) or (z, y, x) grey values; of a volume, its slices laid on each other
    edge : of a pixel or voxel, m; NaN where it is not known
    no_edge : the sentence that says so
    smoothing : pixels, of the Gaussian
    method, classes : as `segment` has them
    alignment : of a volume, as `align_slices` gives it
    source : the file

    Raises
    ------
    NotPossible
        As `segment`.
    """
    flat = checked_grey(recorded)
    if not np.isin(flat, (flat.min(), flat.max())).all():
        flat = remove_stripes(flat)
        grey = denoise(flat, size=smoothing)
    else:
        grey = flat
    found = segment(grey, method=method, classes=classes)
    share = phase_share(found.phase) if found.phase.any() else Quantity(0.0, 0.0)
    return PhasesStudy(
        "section" if flat.ndim == 2 else "volume",
        np.asarray(recorded, np.float32),
        flat,
        grey,
        found,
        share.widened(found.moves),
        _hollow_share(found.phase) if flat.ndim == 2 else Quantity(np.nan),
        edge,
        no_edge,
        alignment,
        source,
    )


def _hollow_share(phase: NDArray[np.bool_]) -> Quantity:
    """With σ from how much the quarters of the field differ."""
    halves = [(slice(0, side // 2), slice(side // 2, None)) for side in phase.shape]
    quarters = [hollow_share(phase[rows, columns]) for rows in halves[0] for columns in halves[1]]
    return Quantity(hollow_share(phase), float(np.std(quarters, ddof=1)) / 2)
