"""Is a map of the current that of one J_c, and how fine a granularity could hide in it: a number, not a look."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from nbtools.analysis.current_inversion import CurrentMap
from nbtools.analysis.plate_current import filled_plate
from nbtools.physics.current_sheet import current_of
from nbtools.units import Quantity

Array = NDArray[np.float64]
SMALLEST_PART = 12.0  # resolved spots of map that a statement about scatter needs
UNEVEN_SIGMAS = 3.0
BEND = 0.35  # |∇|∇distance|| beyond which the current turns: the d-lines


@dataclass(frozen=True)
class Homogeneity:
    """How far |J| in the core of a filled plate scatters beyond its noise.

    scatter : of |J| over its mean, in the core, noise subtracted; one standard deviation
    expected : what noise alone gives, over the mean
    left_to_right : mean |J| on the right half over that on the left
    length : m; the finest pattern that the map resolves
    hidden : m; grains up to this size could vary by their whole J_c and would show no more than the noise
    uniform : whether scatter and halves are those of one J_c
    """

    scatter: Quantity
    expected: float
    left_to_right: Quantity
    length: float
    hidden: float
    uniform: bool

    def __str__(self) -> str:
        word = "consistent with one J_c" if self.uniform else "not one J_c"
        return (
            f"{word}: scatter {self.scatter.to('%')}, right over left "
            f"{self.left_to_right}; resolved to {1e6 * self.length:.0f} µm, grains under {1e6 * self.hidden:.0f} µm "
            "could hide"
        )


def check_homogeneity(
    currents: CurrentMap, outline: NDArray[np.bool_], *, model: float = 0.05
) -> Homogeneity:
    """|J| in the core, away from rim and d-lines, against its noise.

    Parameters
    ----------
    currents : of a filled plate
    outline : shape (y, x), True on the sample
    model : relative scatter that camera, film and creep give a uniform plate; from a uniform twin

    Raises
    ------
    ValueError
        A core of fewer than a dozen resolved spots.
    """
    core = core_of(outline, currents)
    spot = (currents.resolution / currents.pixel_size) ** 2
    spots = core.sum() / max(spot, 1.0)
    if spots < SMALLEST_PART:
        raise ValueError(
            f"the core holds {spots:.0f} resolved spots; at least {SMALLEST_PART:.0f} are needed. Take a "
            "larger image or a finer indicator"
        )
    magnitude = currents.magnitude
    mean = float(magnitude[core].mean())
    noise = float(np.median(currents.uncertainty[core])) / mean
    total = float(magnitude[core].std()) / mean
    scatter = np.sqrt(max(total**2 - noise**2, 0.0))
    error = np.hypot(total / np.sqrt(2 * spots), model / 2)
    x = np.arange(outline.shape[1])[None, :] - np.nonzero(outline)[1].mean()
    halves = [magnitude[core & part] for part in (x > 0, x < 0)]
    means = [float(half.mean()) for half in halves]
    ratio = means[0] / means[1]
    ratio_error = ratio * np.hypot(total * np.sqrt(4 / spots), model / np.sqrt(2))
    uneven = scatter > model + UNEVEN_SIGMAS * total / np.sqrt(2 * spots)
    lopsided = abs(ratio - 1) > UNEVEN_SIGMAS * ratio_error
    # Grains of size s average out over a resolved spot: (s/spot) of their own scatter is left.
    hidden = currents.resolution * min(1.0, float(np.hypot(noise, model)))
    return Homogeneity(
        scatter=Quantity(scatter, float(error)),
        expected=noise,
        left_to_right=Quantity(ratio, float(ratio_error)),
        length=currents.resolution,
        hidden=hidden,
        uniform=not (uneven or lopsided),
    )


def core_of(outline: NDArray[np.bool_], currents: CurrentMap) -> NDArray[np.bool_]:
    """The part of a filled plate that is two resolved lengths from its rim and from every d-line."""
    away = max(2.0, 1.5 * currents.resolution / currents.pixel_size)
    inside = distance_transform_edt(outline) > away
    jx, jy = current_of(gaussian_filter(filled_plate(outline, 1.0), 1.0), 1.0)
    bends = outline & (np.hypot(jx, jy) < 1 - BEND / 2)
    return inside & (distance_transform_edt(~bends) > away)
