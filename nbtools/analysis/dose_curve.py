"""How few electrons would do: one recording thinned to lower doses, and indexed, fitted and bounded again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbtools.analysis.atom_columns import refine_columns
from nbtools.analysis.boundary_line import find_boundary
from nbtools.analysis.disordered_layer import bound_disordered_width
from nbtools.analysis.image_checks import check_image
from nbtools.analysis.interface_indexing import InterfaceIndex, index_interface
from nbtools.analysis.lattice_columns import place_columns
from nbtools.cache import cached

Array = NDArray[np.float64]
SURE = 0.5  # pixels, σ of the columns of the whole recording that are followed


@dataclass(frozen=True)
class AtDose:
    """What is left of an interface's answers at `dose`, mean counts in a pixel.

    determined : both grains were indexed, neither with a rival; same_zones : and as in the whole recording
    upper_limit_95 : of a disordered layer, m; infinite where it cannot be bounded
    reason : what could not be had, and why
    column_error : r.m.s. of a coordinate by counting alone, m; fitted : share of the columns that it is of
    """

    dose: float
    determined: bool
    same_zones: bool
    upper_limit_95: float
    reason: str
    column_error: float
    fitted: float

    def __str__(self) -> str:
        found = ("other zones", "the same zones")[self.same_zones] if self.determined else "under-determined"
        columns = f"{self.fitted:.0%} of the columns within {1e12 * self.column_error:.1f} pm"
        limit = f"layer below {1e9 * self.upper_limit_95:.2f} nm"
        bound = limit if np.isfinite(self.upper_limit_95) else "layer cannot be bounded"
        return f"{self.dose:5.2g} counts in a pixel: {found}; {columns}; {bound}"


def thinned(counts: Any, share: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Each count kept with the probability `share`: Poisson counts stay so, at that share of the dose.

    Raises
    ------
    ValueError
        Values that are no counts, a share outside 0 … 1.
    """
    values = np.asarray(counts)
    if not 0 < share <= 1:
        raise ValueError(f"a share of {share} came; a recording can be thinned to more than 0 and at most 1")
    if np.any(values < 0) or np.any(values != np.rint(values)):
        raise ValueError(
            "counts (whole numbers, none negative) were expected: other values cannot be thinned"
        )
    return np.asarray(rng.binomial(values.astype(np.int64), share))


def dose_curve(
    image: Any,
    interface: InterfaceIndex,
    pixel_size: float | None = None,
    *,
    shares: Sequence[float] = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003),
    dark: bool = False,
    seed: int = 0,
) -> tuple[AtDose, ...]:
    """Indexing, error of the columns and limit of a disordered layer at shares of the recording's dose.

    The grains are looked for anew at every dose; the columns start where the whole recording has them, and
    what the scan displaced is in both alike.

    Parameters
    ----------
    image : counts, shape (y, x); pixel_size : m
    interface : of `index_interface`, from the whole recording; dark : columns are dark, as in bright field

    Raises
    ------
    ValueError
        Values that are no counts; grains without a solution.
    """
    plane, size = check_image(image, pixel_size)
    if not interface:
        raise ValueError(f"both grains must be indexed: {interface.reason}")
    return _curve(plane, size, interface, tuple(shares), dark, seed)


@cached
def _curve(
    plane: Array, size: float, interface: InterfaceIndex, shares: tuple[float, ...], dark: bool, seed: int
) -> tuple[AtDose, ...]:
    grains = zip(interface.solutions, interface.waves, interface.masks, strict=True)
    starts = np.concatenate([place_columns(*grain, size, dark=dark).positions for grain in grains])
    known = refine_columns(plane, starts)
    sure = known.converged & (known.uncertainties < SURE)
    if not sure.any():
        raise ValueError("no column of either grain could be fitted in the whole recording")
    own = float(np.median(known.uncertainties[sure]))
    rng = np.random.default_rng(seed)
    curve = []
    for share in shares:
        counts = thinned(plane, share, rng)
        fit = refine_columns(counts, starts[sure])
        moved = (fit.positions - known.positions[sure])[fit.converged]
        # What the whole recording knows is in both: its own error is added to what the rest moved.
        scatter = 1.4826 * float(np.median(np.abs(moved))) if len(moved) else np.nan
        error = size * float(np.hypot(scatter, own))
        curve.append(
            AtDose(
                float(counts.mean()),
                *_zones_and_limit(counts, size, interface),
                error,
                len(moved) / sure.sum(),
            )
        )
    return tuple(curve)


def _zones_and_limit(
    counts: NDArray[np.int64], size: float, interface: InterfaceIndex
) -> tuple[bool, bool, float, str]:
    """Whether the zones are determined, whether they are the whole recording's, the layer's limit, what is missing."""
    crystals = {str(one.crystal): one.crystal.structure for one in interface.solutions}
    try:
        found = index_interface(counts, size, crystals, standard="")
    except ValueError as problem:
        return False, False, np.inf, str(problem)
    same = _families(found) == _families(interface)
    try:
        edge = find_boundary(counts, size, windows=found.masks, waves=found.waves)
        width = bound_disordered_width(counts, size, boundary=edge)
    except ValueError as problem:
        return found.determined, same, np.inf, str(problem)
    return found.determined, same, width.upper_limit_95, found.reason or width.reason


def _families(interface: InterfaceIndex) -> set[tuple[str, tuple[int, int, int]]]:
    """Crystal and family of zones of both grains."""
    return {(str(p.best.crystal), p.best.match.zone.family) for p in interface.patterns if p}
