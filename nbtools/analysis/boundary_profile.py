"""Does light gather where MgO meets MgB2, beyond what an even emitter shows there?"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.analysis.chance import (
    ChanceTest,
    MapError,
    as_map,
    distance_bins,
    distance_inside,
    emitter_of,
    pixel_of,
    reference_of,
    refuse_full_scale,
    same_pixels,
    without_geometry,
)
from nbtools.models.colour_centres import edge_out_coupling, seen_through_beam
from nbtools.statistics.nulls import all_shifts, correlation_length, p_value, random_shifts, shift_radius

Array = NDArray[np.float64]
NEAR, FAR = 1 / 3, 1 / 2  # shares of the emitter's pixels, by distance
LEAST_OVERLAP = 0.25
BAND_DRAWS = 199
EDGES = {
    "light that leaves more easily at edges": (
        "it brightens one map as vacancies would; give the other band as `reference`, whose ratio it leaves alone"
    )
}


def assess_boundary_profile(
    map: ArrayLike,
    phase: ArrayLike,
    *,
    reference: ArrayLike | None = None,
    pixel: float | None = None,
    beam_range: float = 0.0,
    out_coupling: tuple[float, float] | None = None,
    shifts: int = 999,
    seed: int = 0,
) -> ChanceTest:
    """Excess of light in the third of the emitter nearest to the other phase over its inner half.

    With a `reference` map (350 nm for 520 nm) their ratio is judged, in which the beam's range and light that
    leaves at edges cancel: the cleaner statistic. Without, the map is divided by that of an even emitter,
    blurred by `beam_range` and brightened by `out_coupling`, if they are given. Chance is the map shifted
    over the phases, on a torus, by more than twice its correlation length.

    Parameters
    ----------
    map : shape (y, x); a ratio with NaN outside the emitter may come
    phase : True in MgO
    pixel, beam_range : m; without a pixel size, in the map's own pixels
    out_coupling : gain at the edge, and its length (m)

    Returns
    -------
    `statistic` and `effect_size` are the relative excess, 0 for an even emitter. `extra`: "distance",
    "profile", "sigma" (relative to the whole), and "low", "high", where 68 % of chance's profiles lie.
    """
    if reference is not None:
        same_pixels(map, reference)
    size, unit = pixel_of(map, pixel)
    values = as_map(map, "map")
    inside, notes = emitter_of(phase, np.where(np.isfinite(values), values, 0.0))
    inside = inside & np.isfinite(values)
    if inside.all():
        raise MapError("phase is MgO everywhere: there is no boundary to measure a distance from")
    below = _denominator(reference, inside, size, beam_range, out_coupling)
    inside = inside & np.isfinite(below)
    refuse_full_scale(values, inside, "map")
    above, below = np.where(inside, values, 0.0), np.where(inside, below, 0.0)
    if below.sum() <= 0 or above.sum() <= 0:
        raise MapError("the map or its reference holds no light inside the emitter")
    near, far, limit = _near_and_far(inside)
    excess, overlap = _shifted_excess(above, below, near, far, inside)
    # What the ratio's texture is, without dividing pixel by pixel: a dark reference would explode it.
    left = above - above.sum() / below.sum() * below
    length = correlation_length(without_geometry(left, inside))
    allowed = (overlap > LEAST_OVERLAP) & (shift_radius(values.shape) > 2 * length)
    moves = random_shifts(allowed, shifts, np.random.default_rng(seed), error=MapError)
    statistic, null = float(excess[0, 0]), excess[moves]
    band = _profile_band(above, below, inside, moves)
    place = {"distance": _mean_distance(inside) * size, "unit": unit, "near": limit * size}
    return ChanceTest(
        statistic=statistic,
        null=null,
        p_value=p_value(statistic, null),
        effect_size=statistic,
        name="excess near the boundary",
        extra=band | place,
        missing=EDGES if reference is None and out_coupling is None else {},
        notes=notes,
    )


def _near_and_far(inside: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_], float]:
    """The third of the emitter nearest to the other phase, its inner half, and how far (pixels) the third reaches."""
    distance = distance_inside(inside)
    near, far = np.quantile(distance[inside], [NEAR, FAR])
    if not np.any(distance[inside] > far):  # an emitter a pixel or two wide: its rim and the rest
        far = distance[inside].min()
        return inside & (distance <= far), inside & (distance > far), float(near)
    return inside & (distance <= near), inside & (distance > far), float(near)


def _denominator(
    reference: ArrayLike | None,
    inside: NDArray[np.bool_],
    pixel: float,
    beam_range: float,
    out_coupling: tuple[float, float] | None,
) -> Array:
    """What the map is divided by: the other band, or what an even emitter would show."""
    if reference is not None:
        return reference_of(reference, inside.shape)
    even = inside.astype(float)
    if out_coupling is not None:
        gain, length = out_coupling
        even = even * edge_out_coupling(distance_inside(inside) * pixel, gain=gain, length=length)
    if beam_range > 0:
        even = seen_through_beam(even, inside, pixel=pixel, beam_range=beam_range)
    return np.where(inside, even, np.nan)


def _shifted_excess(
    above: Array, below: Array, near: NDArray[np.bool_], far: NDArray[np.bool_], inside: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Ratio near over ratio far − 1 for every toroidal shift of the map, and the least share of near or far covered."""

    def ratio(where: NDArray[np.bool_]) -> tuple[Array, Array]:
        mask = where.astype(float)
        covered = all_shifts(mask, inside.astype(float)) / mask.sum()
        return all_shifts(mask, above) / np.maximum(all_shifts(mask, below), 1e-12 * below.sum()), covered

    (close, one), (distant, other) = ratio(near), ratio(far)
    return close / np.where(distant > 0, distant, np.inf) - 1, np.minimum(one, other)


def _mean_distance(inside: NDArray[np.bool_]) -> Array:
    """Of each class of `distance_bins`, in pixels."""
    bins, distance = distance_bins(inside), distance_inside(inside)
    return np.bincount(bins[inside], distance[inside]) / np.bincount(bins[inside])


def _profile_band(above: Array, below: Array, inside: NDArray[np.bool_], moves: Any) -> dict[str, Array]:
    bins = distance_bins(inside)
    count = int(bins.max()) + 1

    def profile(top: Array, bottom: Array) -> Array:
        sums = [np.bincount(bins[inside], part[inside], count) for part in (top, bottom)]
        whole = top[inside].sum() / max(float(bottom[inside].sum()), 1e-300)
        return sums[0] / np.where(sums[1] > 0, sums[1], np.nan) / whole

    draws = [
        profile(*(np.roll(part, move, (0, 1)) for part in (above, below)))
        for move in zip(moves[0][:BAND_DRAWS], moves[1][:BAND_DRAWS], strict=True)
    ]
    low, high = np.nanquantile(draws, [0.16, 0.84], axis=0)
    return {"profile": profile(above, below), "low": low, "high": high}
