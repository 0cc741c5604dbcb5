"""Strain of one grain against its crystal, from its refined columns; never across a boundary."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.linalg import polar

from nbtools.analysis.atom_columns import kept_columns
from nbtools.analysis.fft_indexing import Solution
from nbtools.analysis.fft_spots import Spots
from nbtools.analysis.image_checks import check_image
from nbtools.analysis.lattice_columns import deformation, place_columns
from nbtools.units import Quantity

Array = NDArray[np.float64]
RIM = 0.5e-9  # m, at a grain's rim: columns there have neighbours of another lattice
FEWEST = 20
FLOOR = 7e-5  # what the fits themselves leave on planted strains
BAND = 0.25e-9  # m of scan lines whose jitter moves the same columns
SURE = 0.5  # pixels, σ of a column that still counts


@dataclass(frozen=True)
class GrainStrain:
    """How far a grain's lattice is stretched, over its crystal's or over a reference; shares of one.

    along_x, along_y : stretch along the picture's axes; shear : ε_xy; columns : used
    scatter : r.m.s. of the columns about their lattice, m
    """

    along_x: Quantity
    along_y: Quantity
    shear: Quantity
    columns: int
    scatter: float

    def relative_to(self, other: "GrainStrain") -> "GrainStrain":
        """With what another grain of the same scan shows taken off: the scan's own scale and shear."""
        along_x, along_y, shear = (
            Quantity(float(one) - float(two), float(np.hypot(one.uncertainty, two.uncertainty)))
            for one, two in zip(self._named().values(), other._named().values(), strict=True)
        )
        return GrainStrain(along_x, along_y, shear, self.columns, self.scatter)

    def __str__(self) -> str:
        parts = [f"{name} {strain.to('%')}" for name, strain in self._named().items()]
        return f"{', '.join(parts)}; {self.columns} columns within {1e12 * self.scatter:.0f} pm"

    def _named(self) -> dict[str, Quantity]:
        return {"ε_xx": self.along_x, "ε_yy": self.along_y, "ε_xy": self.shear}


def estimate_strain(
    image: Any,
    solution: Solution,
    waves: Spots,
    mask: Any,
    pixel_size: float | None = None,
    *,
    dark: bool = False,
) -> GrainStrain:
    """The affine map from the crystal's columns to the refined ones, without its turning.

    Parameters
    ----------
    image : shape (y, x); pixel_size : m
    solution, waves, mask : of one grain, as `index_interface` gives them; dark : columns are dark

    Raises
    ------
    ValueError
        Too few columns that could be fitted.
    """
    plane, size = check_image(image, pixel_size)
    inside = ndimage.distance_transform_edt(np.pad(np.asarray(mask, bool), 1))[1:-1, 1:-1] > RIM / size
    columns = place_columns(solution, waves, inside, size, dark=dark)
    fit = kept_columns(plane, columns.positions) if len(columns.positions) else None
    good = fit.converged & (fit.uncertainties < SURE) if fit else np.zeros(0, bool)
    if fit is None or good.sum() < FEWEST:
        raise ValueError(f"{good.sum()} columns could be fitted well inside the grain; {FEWEST} are needed")
    placed, seen = columns.positions[good], fit.positions[good]
    errors = np.hypot(fit.uncertainties[good], 0.02)
    moved, sigmas, left = _affine(placed, seen, errors, np.floor(seen[:, 0] * size / BAND).astype(int))
    stretch = polar(moved @ deformation(solution, waves), side="left")[1]
    shear = 0.5 * float(np.hypot(sigmas[0, 1], sigmas[1, 0]))
    return GrainStrain(
        along_x=Quantity(stretch[1, 1] - 1, sigmas[1, 1]),
        along_y=Quantity(stretch[0, 0] - 1, sigmas[0, 0]),
        shear=Quantity(stretch[0, 1], shear),
        columns=int(good.sum()),
        scatter=left * size,
    )


def _affine(
    placed: Array, seen: Array, errors: Array, bands: NDArray[np.int64]
) -> tuple[Array, Array, float]:
    """(2, 2) map of places onto what is seen, σ of its entries, r.m.s. of what is left; outliers left out once."""
    columns = np.column_stack([placed - placed.mean(axis=0), np.ones(len(placed))])
    kept = np.ones(len(placed), bool)
    for _ in range(2):
        weights = kept / errors
        known = np.linalg.lstsq(columns * weights[:, None], seen * weights[:, None], rcond=None)[0]
        left = seen - columns @ known
        pulls = np.hypot(*left.T) / errors
        kept = pulls < 4 * np.median(pulls)
    weighted, pulls = columns[kept] / errors[kept, None], left[kept] / errors[kept, None]
    covariance = np.asarray(np.linalg.inv(weighted.T @ weighted), float)
    reduced = np.sum(pulls**2, axis=0) / max(kept.sum() - 3, 1)
    alone = np.outer(reduced, np.diag(covariance)[:2])
    together = _without_each(weighted, seen[kept] / errors[kept, None], bands[kept])
    sigmas = np.sqrt(np.maximum(alone, together) + FLOOR**2)
    return np.asarray(known[:2].T), np.asarray(sigmas), float(np.sqrt(np.mean(left[kept] ** 2)))


def _without_each(weighted: Array, right: Array, bands: NDArray[np.int64]) -> Array:
    """Variances (2, 2) of the map, from leaving out one band of scan lines, displaced together, after the other.

    Tukey's jackknife; columns one by one would count a line's jitter as often as it has columns.
    """
    groups = [bands == band for band in np.unique(bands)]
    normals = np.array([weighted[group].T @ weighted[group] for group in groups])
    sums = np.array([weighted[group].T @ right[group] for group in groups])
    if len(groups) < 3:
        return np.zeros((2, 2))
    known = np.linalg.solve(normals.sum(axis=0) - normals, sums.sum(axis=0) - sums)[:, :2]
    spread = np.sum((known - known.mean(axis=0)) ** 2, axis=0) * (len(groups) - 1) / len(groups)
    return np.asarray(spread.T)
