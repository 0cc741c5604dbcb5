"""Gaps in a volume against how far a normal metal carries pairs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nbtools.physics import proximity
from nbtools.results import NotPossible
from nbtools.structure.isotropy import chord_lengths
from nbtools.study import Row, StudyResult
from nbtools.units import Quantity

Array = NDArray[np.float64]
UNSEEN = 2  # voxels: shorter runs are not seen


@dataclass(frozen=True, repr=False)
class GapsStudy(StudyResult):
    """Runs between pieces of the dark phase, and the reach of pairs in a normal metal.

    Attributes
    ----------
    runs : lengths along all three axes, m
    voxel_size : m
    reach : by kind of metal, (T, ξ_N), K and m
    """

    runs: Array
    voxel_size: float
    reach: Mapping[str, tuple[Array, Array]]

    @property
    def seen_from(self) -> float:
        """The shortest run that the voxels show, m."""
        return UNSEEN * self.voxel_size

    def rows(self) -> list[Row]:
        middle = Quantity(float(np.median(self.runs)), unit="m")
        rows = [
            Row(
                "half of the runs are longer than",
                middle,
                "chords along three axes",
                "half_of_gaps",
                shown="nm",
            )
        ]
        for name, (temperature, length) in self.reach.items():
            for kelvin, reach in reversed([*zip(temperature, length, strict=True)]):
                found = Quantity(float(reach), unit="m")
                rows.append(Row(f"ξ_N at {kelvin:g} K, {name}", found, "normal metal", shown="nm"))
        return rows

    def notes(self) -> list[str]:
        return [f"runs under {1e9 * self.seen_from:.0f} nm ({UNSEEN} voxels) are not seen"]


def estimate_gaps(
    phase: NDArray[np.bool_],
    voxel_size: float,
    *,
    diffusivity: float,
    fermi_velocity: float,
    span: tuple[float, float],
) -> GapsStudy:
    """Chords of what lies between the phase's pieces, beside ξ_N of a dirty and a clean metal.

    Parameters
    ----------
    phase : shape (z, y, x), where the superconductor is
    voxel_size : m
    diffusivity : m²/s, of electrons in a dirty normal region
    fermi_velocity : m/s, in a clean one
    span : K, from and to which temperature ξ_N is given

    Raises
    ------
    NotPossible
        No run lies whole in the volume.
    """
    runs = voxel_size * np.concatenate([chord_lengths(~phase, axis=axis) for axis in range(phase.ndim)])
    if not runs.size:
        raise NotPossible("no gap between two pieces lies whole in the volume")
    kelvin = np.array(span, float)
    reach = {
        "dirty": (kelvin, np.asarray(proximity.dirty_normal_length(kelvin, diffusivity=diffusivity))),
        "clean": (kelvin, np.asarray(proximity.clean_normal_length(kelvin, velocity=fermi_velocity))),
    }
    return GapsStudy(runs, voxel_size, reach)
