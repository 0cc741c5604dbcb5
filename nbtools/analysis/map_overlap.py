"""Do two emission maps share more places than the shape of the emitting phase makes them share?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbtools.analysis.chance import (
    ChanceTest,
    MapError,
    as_map,
    as_mask,
    clear_of_boundary,
    refuse_full_scale,
    same_pixels,
    without_geometry,
)
from nbtools.statistics.nulls import all_shifts, correlation_length, p_value, random_shifts, shift_radius

Array = NDArray[np.float64]
LEAST_OVERLAP = 0.25  # of the mask on its shifted self
EDGE = 2.0  # pixels


def assess_overlap(
    map_a: ArrayLike,
    map_b: ArrayLike,
    mask: ArrayLike,
    *,
    crosstalk: float = 0.0,
    edge: float = EDGE,
    given: Sequence[ArrayLike] = (),
    shifts: int = 999,
    seed: int = 0,
) -> ChanceTest:
    """Pearson's correlation inside the mask, of what neither distance from the boundary nor `given` maps explain.

    Both maps are bright in MgO and dark elsewhere, and the same edges brighten or blur both: that is the mask's
    doing. So only emitter pixels count, and the mean at each distance from the boundary is taken off first.
    Chance is one map shifted over the other, on a torus, by more than twice their correlation length.

    Parameters
    ----------
    map_a, map_b : shape (y, x); NaN outside the mask may stand
    mask : True in MgO
    crosstalk : share of map a that leaks into map b; it is taken off before
    edge : pixels nearer to the boundary are left out: how much of each is MgO no mask resolves
    given : further maps (the common collection of light, say) whose linear part is taken off both

    Returns
    -------
    `statistic` is the correlation, `effect_size` what it exceeds chance's mean by. `extra`: "pearson" as
    the maps stand, "manders_a" and "manders_b" (share of a's light where b is bright, and the reverse), and
    "leak", the crosstalk that would by itself make map b's share of a.

    Source: Manders et al., J. Microsc. 169, 375 (1993); shift test as in Van Steensel et al., J. Cell Sci. 109, 787.
    """
    same_pixels(map_a, map_b)
    a, b = as_map(map_a, "map_a"), as_map(map_b, "map_b")
    if a.shape != b.shape:
        raise MapError(
            f"the maps have shapes {a.shape} and {b.shape}; register them onto the same pixels first"
        )
    inside = as_mask(mask, a.shape, "mask") & np.isfinite(a) & np.isfinite(b)
    for values, name in ((a, "map_a"), (b, "map_b")):
        refuse_full_scale(values, inside, name)
    a, b = np.where(inside, a, 0.0), np.where(inside, b, 0.0)
    leaked = b - crosstalk * a
    others = [np.where(inside, as_map(other, "a given map"), 0.0) for other in given]
    used = clear_of_boundary(inside, edge)
    left_a, left_b = (without_geometry(band, inside, others, used=used) for band in (a, leaked))
    correlation, overlap = shifted_correlations(left_a, left_b, used)
    length = max(correlation_length(left_a), correlation_length(left_b))
    allowed = (overlap > LEAST_OVERLAP * used.sum()) & (shift_radius(a.shape) > 2 * length)
    null = correlation[random_shifts(allowed, shifts, np.random.default_rng(seed), error=MapError)]
    statistic = float(correlation[0, 0])
    return ChanceTest(
        statistic=statistic,
        null=null,
        p_value=p_value(statistic, null),
        effect_size=float(statistic - null.mean()),
        name="correlation beyond the shape of the emitter",
        extra={"pearson": _pearson(a[inside], b[inside]), "leak": _slope(left_a, left_b, a, b, used)}
        | _manders(a[inside], b[inside]),
        missing={}
        if given
        else {
            "common collection": "focus and topography brighten both maps alike; give a map of it as `given`"
        },
        notes=(f"correlation length {length:.0f} pixels, {int(used.sum())} pixels of MgO",),
    )


def shifted_correlations(a: Array, b: Array, inside: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Pearson's r over the pixels that the mask and its shifted self share, for every shift of b; and how many.

    Six correlations by Fourier transform instead of one sum a shift (Padfield, IEEE Trans. Image Process. 21, 2706).
    """
    m = inside.astype(float)
    n = np.maximum(np.round(all_shifts(m, m)), 1.0)
    sum_a, sum_b = all_shifts(a * m, m), all_shifts(m, b * m)
    cross = all_shifts(a * m, b * m) - sum_a * sum_b / n
    square_a = all_shifts(a**2 * m, m) - sum_a**2 / n
    square_b = all_shifts(m, b**2 * m) - sum_b**2 / n
    product = np.sqrt(np.maximum(square_a, 0.0) * np.maximum(square_b, 0.0))
    return np.where(product > 1e-9 * inside.sum(), cross / np.maximum(product, 1e-300), 0.0), n


def _pearson(a: Array, b: Array) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0


def _slope(left_a: Array, left_b: Array, a: Array, b: Array, inside: NDArray[np.bool_]) -> float:
    """d b/d a of what is left, in the maps' own units."""
    spread = [np.std(without[inside]) or 1.0 for without in (a, b)]
    return float(np.mean(left_a[inside] * left_b[inside]) * spread[1] / spread[0])


def _manders(a: Array, b: Array) -> dict[str, float]:
    """Share of one map's light where the other is above Otsu's threshold."""
    from skimage.filters import threshold_otsu

    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return {"manders_a": float("nan"), "manders_b": float("nan")}
    bright_a, bright_b = a > threshold_otsu(a), b > threshold_otsu(b)
    return {
        "manders_a": float(a[bright_b].sum() / a.sum()),
        "manders_b": float(b[bright_a].sum() / b.sum()),
    }
