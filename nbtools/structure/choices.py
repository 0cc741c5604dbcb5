"""How far the dimension of a section moves with choices that are usually not printed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbtools.results import NotPossible
from nbtools.structure.fractal import FractalVerdict, estimate_box_dimension
from nbtools.structure.phases import PhasesStudy
from nbtools.structure.segmentation import denoise, segment
from nbtools.study import Row, StudyResult

Grey = NDArray[np.float32]
PAPER_FRACTION = 0.265  # by which the choice "fraction" cuts


@dataclass(frozen=True, repr=False)
class ChoicesStudy(StudyResult):
    """D of the section by other choices.

    Attributes
    ----------
    found : by choice
    shares : of the phase that was counted, by choice
    missing : what could not be had, a sentence each
    """

    found: dict[str, FractalVerdict]
    shares: dict[str, float]
    missing: dict[str, str]

    def rows(self) -> list[Row]:
        return [
            Row(
                f"D, {choice}",
                one.dimension,
                f"{100 * self.shares[choice]:.1f} % of the field; {one.verdict}",
            )
            for choice, one in self.found.items()
        ]


def estimate_choices(section: PhasesStudy, *, nulls: int = 9) -> ChoicesStudy:
    """D and verdict by every threshold, by a median filter, and of the other phase.

    Parameters
    ----------
    section : its phases
    nulls : that each is compared with

    Raises
    ------
    NotPossible
        None of them can be counted.
    """
    three = len(section.found.thresholds) > 1
    options: dict[str, Any] = {"classes": 3 if three else 2, "fraction": PAPER_FRACTION}
    makers: dict[str, Callable[[], Any]] = {
        method: partial(_phase_of, section.grey, method=method, **options)
        for method in ("midpoint", "otsu", "fraction", "two-threshold")
    }
    makers["median filter"] = partial(_phase_of, denoise(section.flat, method="median"), **options)
    makers["the bright phase"] = lambda: ~section.phase
    found, shares, missing = {}, {}, {}
    for choice, make in makers.items():
        try:
            phase = make()
            shares[choice] = float(phase.mean())
            found[choice] = estimate_box_dimension(phase, voxel_size=section.voxel_size, seed=1, nulls=nulls)
        except NotPossible as reason:
            missing[choice] = str(reason)
    if not found:
        raise NotPossible("; ".join(dict.fromkeys(missing.values())))
    return ChoicesStudy(found, shares, missing)


def _phase_of(grey: Grey, **options: Any) -> NDArray[np.bool_]:
    return segment(grey, **options).phase
