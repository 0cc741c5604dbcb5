"""Many sections of one volume: what changes from one to the other."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbtools.results import NotPossible
from nbtools.structure.fractal import GlidingBoxes, checked_phase, gliding_boxes
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
AXES = ("z", "y", "x")
LEAST_FILLED = 0.02


@dataclass(frozen=True, repr=False)
class SectionsStudy(StudyResult):
    """The usual slope and the area fraction of sections across each axis.

    Attributes
    ----------
    dimensions : by axis, mean over its sections; σ from four parts of the stack and from the range of sizes
    spread : standard deviation of the slope among all sections
    fractions : by axis, (n,) share of the phase in every section
    """

    dimensions: dict[str, Quantity]
    spread: float
    fractions: dict[str, Array]

    @property
    def extremes(self) -> tuple[Quantity, Quantity]:
        """The smallest and the largest of the axes' means."""
        ordered = sorted(self.dimensions.values())
        return ordered[0], ordered[-1]

    @property
    def fraction_scatter(self) -> float:
        """Standard deviation of the area fraction from section to section."""
        return float(np.std(np.concatenate(list(self.fractions.values()))))

    @property
    def disagreement(self) -> Quantity:
        """Largest minus smallest of the axes' means."""
        low, high = self.extremes
        return high - low

    def rows(self) -> list[Row]:
        rows = [
            Row(f"D on sections across {name}", found, "usual slope, mean", f"dimension_across_{name}")
            for name, found in self.dimensions.items()
        ]
        return [
            *rows,
            Row("scatter of D among single sections", Quantity(round(self.spread, 3)), "standard deviation"),
            Row(
                "scatter of the area fraction",
                Quantity(round(self.fraction_scatter, 3)),
                "standard deviation",
            ),
        ]


def estimate_sections(volume: Any) -> SectionsStudy:
    """Count boxes on sections across all three axes, every second one, each for itself.

    Sections with under a fiftieth of the phase are left out. Neighbours are alike: σ is from four parts.
    """
    phase = checked_phase(volume)
    if phase.ndim != 3:
        raise NotPossible(f"an array of shape {phase.shape} came; sections are cut from a volume (z, y, x)")
    slopes, narrower, fractions = {}, {}, {}
    for axis, name in enumerate(AXES):
        sections = np.moveaxis(phase, axis, 0)[::2]
        fractions[name] = sections.mean(axis=(1, 2))
        filled = sections[fractions[name] > LEAST_FILLED]
        curves = [gliding_boxes([one[None]]) for one in filled]
        slopes[name] = np.array([curve.slope_dimension for curve in curves])
        # What leaving out the smallest or the largest third of the sizes would change.
        narrower[name] = float(np.mean([_range_spread(curve) for curve in curves]))
    return SectionsStudy(
        {name: _mean_of_parts(found).widened(narrower[name]) for name, found in slopes.items()},
        float(np.std(np.concatenate(list(slopes.values())))),
        fractions,
    )


def _range_spread(curve: GlidingBoxes) -> float:
    third = len(curve.sizes) // 3
    x, y = np.log(curve.sizes), np.log(curve.hit)
    large, small = (np.polyfit(x[cut], y[cut], 1)[0] for cut in (slice(third, None), slice(0, -third)))
    return float(abs(large - small) / 2)


def _mean_of_parts(values: Array) -> Quantity:
    parts = [float(part.mean()) for part in np.array_split(values, 4) if part.size]
    return Quantity(float(np.mean(values)), float(np.std(parts, ddof=1) / np.sqrt(len(parts))))
