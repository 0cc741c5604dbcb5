"""How wide a disordered layer between two grains can be, as a 95 % upper limit, and when nothing can be said."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nbtools.analysis.boundary_line import Boundary, find_boundary
from nbtools.units import Quantity

ONE_SIDED_95 = 1.645
# Where a lattice plane ends is known to a plane: two uniform distributions of about 0.21 nm.
TERMINATION = 0.085e-9
# A strained or badly channelling last plane looks like none: a share of a plane on both sides.
DECHANNELLING = 0.05e-9
LARGEST_OVERLAP = 1.2e-9  # m; measured, for a true one of 1 nm
# m, r.m.s. of the overlap that 24 edge-on boundaries of {200} ∥ {10-10} showed (0 to 0.66): a last plane fades, too.
EDGE_ON_FADING = 0.31e-9
LEAST_CROSSED = 0.5  # share of the boundary on which both contours must be found


@dataclass(frozen=True)
class DisorderedWidth:
    """The layer between the half-way contours of two lattices, m.

    width : with its error; upper_limit_95, lower_limit_95 : one-sided; zero is the clean termination
    overlap : of the grains in projection, from how slowly each lattice fades; whether there is any is judged
        against `EDGE_ON_FADING`, of which its error knows nothing
    bounded : whether the image allows a limit; reason : why not
    disordered : a layer is there (the lower limit is above zero)
    budget : parts of the error: scatter along the boundary, where a last plane is, dechannelling
    """

    width: Quantity
    upper_limit_95: float
    lower_limit_95: float
    overlap: Quantity
    bounded: bool
    reason: str
    boundary: Boundary
    budget: tuple[float, float, float]

    @property
    def disordered(self) -> bool:
        """Whether a layer was found."""
        return self.bounded and self.lower_limit_95 > 0

    def __str__(self) -> str:
        if not self.bounded:
            return f"the width cannot be bounded: {self.reason}"
        limit = f"below {self.upper_limit_95 * 1e9:.2f} nm (95 %)"
        found = "a disordered layer" if self.disordered else "no disordered layer"
        return f"{found}: {self.width.to('nm')}, {limit}; overlap in projection {self.overlap.to('nm')}"


def bound_disordered_width(
    image: Any,
    pixel_size: float | None = None,
    crystals: Any = None,
    *,
    windows: Sequence[Any] | None = None,
    boundary: Boundary | None = None,
) -> DisorderedWidth:
    """The gap between the places where half of each lattice is left.

    An inclined boundary makes both lattices fade over thickness·tan(tilt), about the same place: it
    widens the falls and leaves the gap, up to about 1 nm; beyond, the grains cannot be told apart.

    Parameters
    ----------
    image : shape (y, x); pixel_size : m
    crystals : not needed: any lattice will do; taken so that all estimators are called alike
    windows : masks of the two grains; boundary : as `find_boundary` gives it, if it is at hand
    """
    line = boundary if boundary is not None else find_boundary(image, pixel_size, windows=windows)
    gaps = line.first - line.second
    known = np.isfinite(gaps)
    overlap = _overlap(line)
    reason = ""
    if known.mean() < LEAST_CROSSED:
        reason = f"both lattices end on only {known.mean():.0%} of the boundary"
    elif not np.isfinite(overlap) or overlap > LARGEST_OVERLAP:
        reason = f"the grains overlap by {overlap * 1e9:.1f} nm in projection, over 1 nm"
    if known.sum() < 4:
        nothing = Quantity(np.nan, np.nan, "m")
        return DisorderedWidth(nothing, np.inf, 0.0, overlap, False, reason, line, (np.nan,) * 3)
    budget = (_statistical(gaps[known], line), TERMINATION, DECHANNELLING)
    sigma = float(np.linalg.norm(budget))
    width = Quantity(float(np.median(gaps[known])), sigma, "m")
    upper = max(float(width), 0.0) + ONE_SIDED_95 * sigma
    lower = float(width) - ONE_SIDED_95 * sigma
    if reason:
        return DisorderedWidth(width, np.inf, 0.0, overlap, False, reason, line, budget)
    return DisorderedWidth(width, upper, max(lower, 0.0), overlap, True, "", line, budget)


def _overlap(line: Boundary) -> Quantity:
    """Width over which the slower lattice fades, of a uniform ramp; the window is known to a tenth or so."""
    width = float(np.sqrt(12) * np.nanmax(line.widths))
    return Quantity(width, float(np.hypot(0.08 * width, 0.08e-9)), "m")


def _statistical(gaps: np.ndarray[Any, Any], line: Boundary) -> float:
    """Error of the median from the scatter along the boundary, over its independent places."""
    spacing = float(np.median(np.diff(line.along)))
    independent = max(len(gaps) * spacing / line.correlation, 1.0)
    scatter = 1.4826 * float(np.median(np.abs(gaps - np.median(gaps))))
    return float(1.25 * scatter / np.sqrt(independent))
