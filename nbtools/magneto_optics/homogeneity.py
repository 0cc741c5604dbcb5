"""Is a map of the current that of one J_c, and how fine a granularity could hide in it: a number, not a look.

The null is one J_c in this very outline: the field of the currents that were fitted, held down by the film, with the
noise of this map, corrected, and inverted at the same strength. Every draw goes through the choices that the data
went through.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from nbtools.magneto_optics.calibration import correct_in_plane_field, in_plane_field
from nbtools.magneto_optics.inversion import CurrentMap, invert_current
from nbtools.results import NotPossible
from nbtools.statistics.nulls import p_value
from nbtools.units import Quantity

Array = NDArray[np.float64]
DRAWS = 39
SMALLEST_PART = 12.0  # resolved spots of map that a statement about scatter needs
FULL_SHARE = 0.9  # of J_c: less of it in the null is a place where one J_c would not be seen as one either
CERTAIN = 0.05  # p below which a map is told from one J_c


@dataclass(frozen=True)
class Homogeneity:
    """How far |J| departs from that of one J_c seen through the same gap, film and noise.

    Attributes
    ----------
    scatter : of |J| over that of one J_c, in the core, what the null scatters taken off; one standard deviation
    expected : what the null scatters by itself
    left_to_right : mean of that ratio on the right half over that on the left
    p_value : share of the draws of one J_c that scatter, or lean to a side, as much
    within : scatter, and difference of the halves, up to which a map is called even: a definition, not a finding
    length : m; the finest pattern that the map resolves
    hidden : m; grains up to this size could vary by their whole J_c and would show no more than `within`
    """

    scatter: Quantity
    expected: float
    left_to_right: Quantity
    p_value: float
    within: float
    length: float
    hidden: float

    @property
    def uniform(self) -> bool:
        """Not told from one J_c, or by less than `within`."""
        lopsided = abs(np.log(self.left_to_right)) > np.log1p(self.within)
        return bool(self.p_value > CERTAIN or not (self.scatter > self.within or lopsided))

    def __str__(self) -> str:
        word = f"one J_c within {100 * self.within:.0f} %" if self.uniform else "not one J_c"
        return (
            f"{word}: scatter {self.scatter.to('%')}, right over left {self.left_to_right}, p = {self.p_value:.2g}; "
            f"resolved to {1e6 * self.length:.0f} µm, grains under {1e6 * self.hidden:.0f} µm could hide"
        )


def check_homogeneity(
    currents: CurrentMap,
    own: Array,
    outline: NDArray[np.bool_],
    *,
    critical_current: float,
    applied: float = 0.0,
    anisotropy_field: float = np.nan,
    within: float = 0.05,
    draws: int = DRAWS,
    seed: int = 0,
) -> Homogeneity:
    """|J| in the core, against maps of one J_c with the same noise.

    Parameters
    ----------
    currents : of the map in question
    own : shape (y, x), T; the field of the currents of one J_c that were fitted to it
    outline : shape (y, x), True on the sample
    critical_current : that J_c, A/m² (of a sheet A/m)
    applied : T, of the map; with the film's `anisotropy_field` (T, NaN where none is known) for what the film shows
    within : scatter, and difference of the halves, up to which a map is called even
    draws, seed : of the null

    Raises
    ------
    NotPossible
        A plate without fitted currents; a core of fewer than a dozen resolved spots.
    """
    if not np.isfinite(own).all():
        raise NotPossible("no flux has entered, so there is no current whose evenness could be asked")
    rng = np.random.default_rng(seed)
    same = {
        "pixel_size": currents.pixel_size,
        "height": currents.height,
        "thickness": currents.thickness,
        "regularisation": currents.regularisation,
    }
    null = np.array(
        [
            invert_current(_seen(own, applied, currents, anisotropy_field, rng), **same).magnitude  # type: ignore[arg-type]
            for _ in range(draws)
        ]
    )
    usual = null.mean(axis=0)
    away = max(2, round(1.5 * currents.resolution / currents.pixel_size))
    core = binary_erosion(outline, iterations=away) & (usual > FULL_SHARE * critical_current)
    spots = core.sum() / max((currents.resolution / currents.pixel_size) ** 2, 1.0)
    if spots < SMALLEST_PART:
        raise NotPossible(
            f"the part that is full of current holds {spots:.0f} resolved spots, {SMALLEST_PART:.0f} are needed; take "
            "a state at a higher field or temperature, a larger image, or a finer indicator"
        )
    x = np.arange(outline.shape[1])[None, :] - np.nonzero(outline)[1].mean()
    right, left = core & (x > 0), core & (x < 0)

    def measures(magnitude: Array) -> tuple[float, float, float]:
        ratio = magnitude / usual
        mean = float(ratio[core].mean())
        return float(ratio[core].std()) / mean, float(ratio[right].mean() / ratio[left].mean()), mean

    total, side, _ = measures(currents.magnitude)
    chance = np.array([measures(one)[:2] for one in null])
    # The mean of the draws has less noise than any of them by itself.
    expected = float(np.sqrt(np.mean(chance[:, 0] ** 2)))
    lean = float(np.std(np.log(chance[:, 1])))
    scatter = float(np.sqrt(max(total**2 - expected**2, 0.0)))
    # Of the variance; where nothing is left over, its root is what could be.
    loose = total**2 * np.sqrt(2 / spots)
    error = min(loose / (2 * scatter), np.sqrt(loose)) if scatter else np.sqrt(loose)
    p_scatter = p_value(total, chance[:, 0])
    p_side = p_value(abs(np.log(side)), np.abs(np.log(chance[:, 1])))
    return Homogeneity(
        scatter=Quantity(scatter, float(error)),
        expected=expected,
        left_to_right=Quantity(side, side * float(np.hypot(lean, total * 2 / np.sqrt(spots)))),
        p_value=min(1.0, 2 * min(p_scatter, p_side)),
        within=within,
        length=currents.resolution,
        # Grains of size s average out over a resolved spot: (s/spot) of their own scatter is left.
        hidden=currents.resolution * min(1.0, float(np.hypot(expected, within))),
    )


def _seen(
    own: Array, applied: float, currents: CurrentMap, anisotropy_field: float, rng: np.random.Generator
) -> Array:
    """The field of one J_c as this film and this camera would show it, corrected as the map was."""
    noise = currents.noise * rng.normal(size=own.shape)
    if not np.isfinite(anisotropy_field):
        return own + noise
    held = (own + applied) / (1 + in_plane_field(own) / anisotropy_field) + noise
    film = {"pixel_size": currents.pixel_size, "anisotropy_field": anisotropy_field}
    return np.asarray(correct_in_plane_field(held, applied, **film), float) - applied
