"""Many sections of one volume, and two images of one section: what changes from one to the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbtools.analysis.fractal_verdict import checked_phase
from nbtools.analysis.gliding_boxes import GlidingBoxes, gliding_boxes
from nbtools.analysis.segmentation import overlap
from nbtools.units import Quantity

Array = NDArray[np.float64]
AXES = ("z", "y", "x")
LEAST_FILLED = 0.02
FURTHEST = 6  # pixels by which two images of a section may lie off each other
SHIFTS = 99


@dataclass(frozen=True)
class SectionStudy:
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

    def __str__(self) -> str:
        along = ", ".join(f"{name} {value}" for name, value in self.dimensions.items())
        return (
            f"slope on sections across {along}; one section scatters by {self.spread:.3f}\n"
            f"area fraction scatters by {100 * self.fraction_scatter:.1f} % from section to section"
        )


def study_sections(volume: Any) -> SectionStudy:
    """Count boxes on sections across all three axes, every second one, each for itself.

    Sections with under a fiftieth of the phase are left out. Neighbours are alike: σ is from four parts.
    """
    phase = checked_phase(volume)
    if phase.ndim != 3:
        raise ValueError(f"an array of shape {phase.shape} came; sections are cut from a volume (z, y, x)")
    slopes, narrower, fractions = {}, {}, {}
    for axis, name in enumerate(AXES):
        sections = np.moveaxis(phase, axis, 0)[::2]
        fractions[name] = sections.mean(axis=(1, 2))
        filled = sections[fractions[name] > LEAST_FILLED]
        curves = [gliding_boxes([one[None]]) for one in filled]
        slopes[name] = np.array([curve.slope_dimension for curve in curves])
        # What leaving out the smallest or the largest third of the sizes would change.
        narrower[name] = float(np.mean([_range_spread(curve) for curve in curves]))
    return SectionStudy(
        {name: _mean_of_parts(found).widened(narrower[name]) for name, found in slopes.items()},
        float(np.std(np.concatenate(list(slopes.values())))),
        fractions,
    )


@dataclass(frozen=True)
class Registration:
    """How well a map follows an image, laid on it by the best shift, against chance.

    shift : (y, x) pixels of the map; dice, mcc : overlap; chance : (n,) MCC of random shifts; p_value
    """

    shift: tuple[int, int]
    dice: float
    mcc: float
    chance: Array
    p_value: float

    def __str__(self) -> str:
        return (
            f"Dice {self.dice:.2f}, MCC {self.mcc:.2f} at a shift of {self.shift}; random shifts reach MCC "
            f"{np.max(self.chance):.2f}, p = {self.p_value:.2f}"
        )


def study_registration(phase: Any, counts: Any, *, seed: int = 0) -> Registration:
    """Overlap of a phase with a thresholded element map of the same field, at their best shift.

    The map's pixels may be a whole number of the image's. The null rolls the map by more than the search does.

    Parameters
    ----------
    phase : (y, x) booleans
    counts : (y', x'), of an element that the phase has and the rest has not
    seed : of the random shifts
    """
    mask, wanted = _on_the_map(np.asarray(phase, bool), np.asarray(counts, float))
    rng = np.random.default_rng(seed)
    near = range(-FURTHEST, FURTHEST + 1)
    scores = {(dy, dx): _score(mask, wanted, (dy, dx)) for dy in near for dx in near}
    best = max(scores, key=lambda shift: scores[shift]["mcc"])
    far = [rng.integers(2 * FURTHEST, np.array(mask.shape) - 2 * FURTHEST) for _ in range(SHIFTS)]
    chance = np.array([_score(mask, wanted, (int(dy), int(dx)))["mcc"] for dy, dx in far])
    found: Mapping[str, float] = scores[best]
    p = (1 + np.sum(chance >= found["mcc"])) / (1 + SHIFTS)
    return Registration(best, found["dice"], found["mcc"], chance, float(p))


def _on_the_map(phase: NDArray[np.bool_], counts: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Both as masks on the map's pixels, the map cut so that it covers as much as the phase does."""
    step = phase.shape[0] // counts.shape[0]
    if step < 1 or any(n // step != m for n, m in zip(phase.shape, counts.shape, strict=True)):
        raise ValueError(
            f"an image of {phase.shape} and a map of {counts.shape} pixels do not cover the same field in whole steps"
        )
    rows, columns = counts.shape
    shares = phase[: rows * step, : columns * step].reshape(rows, step, columns, step).mean(axis=(1, 3))
    # Counts are few: a trace of order among equals keeps the share right.
    ranked = np.argsort(np.argsort(counts, axis=None, kind="stable"), kind="stable").reshape(counts.shape)
    return shares > 0.5, ranked >= counts.size * (1 - np.mean(shares > 0.5))


def _score(mask: NDArray[np.bool_], wanted: NDArray[np.bool_], shift: tuple[int, int]) -> dict[str, float]:
    return overlap(mask, np.roll(wanted, shift, axis=(0, 1)))


def _range_spread(curve: GlidingBoxes) -> float:
    third = len(curve.sizes) // 3
    x, y = np.log(curve.sizes), np.log(curve.hit)
    large, small = (np.polyfit(x[cut], y[cut], 1)[0] for cut in (slice(third, None), slice(0, -third)))
    return float(abs(large - small) / 2)


def _mean_of_parts(values: Array) -> Quantity:
    parts = [float(part.mean()) for part in np.array_split(values, 4) if part.size]
    return Quantity(float(np.mean(values)), float(np.std(parts, ddof=1) / np.sqrt(len(parts))))
