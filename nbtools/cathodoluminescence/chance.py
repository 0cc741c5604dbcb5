"""Maps against chance: do two overlap, does light gather at a boundary, does it run in lines, more than by chance?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, label

from nbtools.cathodoluminescence.model_centres import edge_out_coupling, seen_through_beam
from nbtools.cathodoluminescence.model_emission import boundary_distance
from nbtools.results import NotPossible
from nbtools.statistics.arrays import real_array, refuse_masked
from nbtools.statistics.nulls import all_shifts, correlation_length, p_value, random_shifts, shift_radius

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
SMALLEST = 8  # pixels a side
FEWEST = 50  # pixels of the mask
DARK = 3.0  # how much brighter the other phase must be to be the emitter after all
FULL_SCALE_SHARE = 0.01
DISTANCE_BINS = 12
BLURS = (1.0, 2.0, 4.0)  # pixels


@dataclass(frozen=True)
class ChanceTest:
    """A statistic beside what chance gives.

    statistic : of the map; null : of the same map where only chance is at work, shape (n,)
    p_value : how often chance gives as much (one-sided, never 0)
    effect_size : how large the thing itself is, as the test says
    extra : further numbers by name; missing : what the test cannot exclude, and why; notes : what was done
    """

    statistic: float
    null: Array
    p_value: float
    effect_size: float
    name: str
    extra: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        low, high = np.quantile(self.null, [0.16, 0.84])
        head = (
            f"{self.name}: {self.statistic:.3g}; chance gives {low:.3g} to {high:.3g} ({self.null.size} draws): "
            f"p = {self.p_value:.3f}, effect {self.effect_size:.2g}"
        )
        return "\n".join([head, *self.notes, *(f"{what}: {why}" for what, why in self.missing.items())])


def as_map(values: ArrayLike, name: str) -> Array:
    """A map of shape (y, x), large enough to have a texture."""
    array = np.asarray(values)
    if array.ndim != 2:
        raise NotPossible(
            f"{name} has shape {array.shape}; a map over (y, x) was expected: one band, or one window"
        )
    if min(array.shape) < SMALLEST:
        raise NotPossible(
            f"{name} has {array.shape[0]} × {array.shape[1]} pixels; a test of its texture needs at least "
            f"{SMALLEST} × {SMALLEST}"
        )
    result = real_array(values, name, error=NotPossible)
    if not np.isfinite(result).any():
        raise NotPossible(f"{name} holds no finite number")
    return result


def as_mask(mask: ArrayLike, shape: tuple[int, ...], name: str) -> Mask:
    """Where the emitter is: bool, 0 and 1, or words of which "MgO" is the emitter."""
    refuse_masked(mask, name, error=NotPossible)
    array = np.asarray(mask)
    if array.shape != shape:
        raise NotPossible(f"{name} has shape {array.shape}, the map {shape}; both must be of the same pixels")
    if array.dtype.kind in "US":
        array = array == "MgO"
    elif array.dtype.kind == "f" and not np.isfinite(array).all():
        raise NotPossible(f"{name} holds NaN; give True where MgO is")
    if array.dtype.kind != "b" and not np.isin(array, (0, 1)).all():
        raise NotPossible(
            f"{name} holds {np.unique(array)[:4]}…; give True (or 1) where MgO is, False elsewhere"
        )
    inside = array.astype(bool)
    if inside.sum() < FEWEST:
        raise NotPossible(
            f"{name} is True in {int(inside.sum())} pixels; at least {FEWEST} of MgO are needed"
        )
    return inside


def emitter_of(phase: ArrayLike, values: Array, name: str = "phase") -> tuple[Mask, tuple[str, ...]]:
    """The emitting phase; if a finite map is dark there and bright elsewhere, the other one, with a sentence."""
    inside = as_mask(phase, values.shape, name)
    here, there = values[inside], values[~inside]
    if there.size >= FEWEST and np.mean(there) > DARK * max(float(np.mean(here)), 0.0):
        return ~inside, (f"{name} is True where the map is dark: the other phase was taken as the emitter",)
    return inside, ()


def refuse_full_scale(values: Array, inside: Mask, name: str) -> None:
    """Whole counts that pile up at the largest are cut off; a correlation of them means little."""
    used = values[inside & np.isfinite(values)]
    if np.any(used != np.round(used)) or np.unique(used).size < 20:
        return
    share = float(np.mean(used == used.max()))
    if share > FULL_SCALE_SHARE and np.sum(used == used.max()) >= 5:
        raise NotPossible(
            f"{name} is saturated: {100 * share:.0f} % of its pixels stand at the largest count {used.max():g}; "
            "record with a shorter dwell time"
        )


def pixel_of(values: Any, pixel: float | None) -> tuple[float, str]:
    """The pixel's size and unit: as given (m), from the map's coordinates, or 1 pixel."""
    if pixel is not None:
        if not pixel > 0:
            raise NotPossible(f"pixel is {pixel}; its size in m was expected")
        return float(pixel), "m"
    coords = getattr(values, "coords", {})
    if "x" in coords and coords["x"].size > 1:
        return abs(float(coords["x"][1] - coords["x"][0])), "m"
    return 1.0, "px"


def same_pixels(first: Any, second: Any) -> None:
    """Refuse two labelled maps of different pixel size."""
    (one, unit), (other, its_unit) = pixel_of(first, None), pixel_of(second, None)
    if unit == its_unit == "m" and abs(one - other) > 1e-3 * one:
        raise NotPossible(
            f"the maps have pixels of {one:.4g} and {other:.4g} m; they are of other units or another field"
        )


def reference_of(reference: ArrayLike, shape: tuple[int, ...]) -> Array:
    """Another band of the same field; refused where it has not the map's shape."""
    other = as_map(reference, "reference")
    if other.shape != shape:
        raise NotPossible(f"the reference has shape {other.shape}, the map {shape}; register them first")
    return other


def clear_of_boundary(inside: Mask, edge: float) -> Mask:
    """Emitter pixels farther than `edge` (pixels) from the boundary; all of them where that leaves too few."""
    clear = inside & (boundary_distance(inside) > edge)
    return clear if clear.sum() >= max(FEWEST, inside.sum() / 5) else inside


def distance_bins(inside: Mask) -> NDArray[np.intp]:
    """Class of distance of each pixel, about equally full, −1 outside."""
    distance = boundary_distance(inside)
    edges = np.unique(np.quantile(distance[inside], np.linspace(0, 1, DISTANCE_BINS + 1)[1:-1]))
    return np.where(inside, np.searchsorted(edges, distance, side="left"), -1)


def without_geometry(
    values: Array, inside: Mask, given: Sequence[Array] = (), *, used: Mask | None = None
) -> Array:
    """What is left of a map in the `used` part of the emitter once its shape's part is taken off; standardised.

    The shape's part is the mean at each distance from the boundary and what is linear in the emitter seen
    through blurs of several widths (corners and islets); then what is linear in the `given` maps.
    """
    used = inside if used is None else used
    bins = np.where(used, distance_bins(inside), -1)
    count = int(bins.max()) + 1

    def centred(array: Array) -> Array:
        sums = np.bincount(bins[used], array[used], count)
        means = sums / np.maximum(np.bincount(bins[used], minlength=count), 1)
        return np.where(used, array - means[bins], 0.0)

    left = centred(values)
    blurs = [] if inside.all() else [gaussian_filter(inside.astype(float), width) for width in BLURS]
    known = [centred(np.asarray(other, float))[used] for other in (*blurs, *given)]
    if known:
        design = np.stack(known, axis=1)
        left[used] -= design @ np.linalg.lstsq(design, left[used], rcond=None)[0]
    spread = left[used].std()
    return left / spread if spread > 0 else left


def smoothed_inside(values: Array, inside: Mask, sigma: float) -> Array:
    """A Gaussian mean over emitter pixels alone; 0 outside."""
    weight = gaussian_filter(inside.astype(float), sigma, mode="constant")
    total = gaussian_filter(np.where(inside, values, 0.0), sigma, mode="constant")
    return np.divide(total, weight, out=np.zeros(inside.shape), where=inside)


# Do two maps overlap? ---------------------------------------------------------------------------

LEAST_OVERLAP = 0.25  # of the mask, or of either part of it, on its shifted self
OVERLAP_EDGE = 2.0  # pixels


def assess_overlap(
    map_a: ArrayLike,
    map_b: ArrayLike,
    mask: ArrayLike,
    *,
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
    given : further maps (the common collection of light, say) whose linear part is taken off both

    Returns
    -------
    `statistic` is the correlation, `effect_size` what it exceeds chance's mean by. Pixels within `OVERLAP_EDGE` of the
    boundary are left out: how much of each is MgO no mask resolves.

    Source: shift test as in Van Steensel et al., J. Cell Sci. 109, 787 (1996).
    """
    same_pixels(map_a, map_b)
    a, b = as_map(map_a, "map_a"), as_map(map_b, "map_b")
    if a.shape != b.shape:
        raise NotPossible(
            f"the maps have shapes {a.shape} and {b.shape}; register them onto the same pixels first"
        )
    inside = as_mask(mask, a.shape, "mask") & np.isfinite(a) & np.isfinite(b)
    for values, name in ((a, "map_a"), (b, "map_b")):
        refuse_full_scale(values, inside, name)
    a, b = np.where(inside, a, 0.0), np.where(inside, b, 0.0)
    others = [np.where(inside, as_map(other, "a given map"), 0.0) for other in given]
    used = clear_of_boundary(inside, OVERLAP_EDGE)
    left_a, left_b = (without_geometry(band, inside, others, used=used) for band in (a, b))
    correlation, overlap = shifted_correlations(left_a, left_b, used)
    length = max(correlation_length(left_a), correlation_length(left_b))
    allowed = (overlap > LEAST_OVERLAP * used.sum()) & (shift_radius(a.shape) > 2 * length)
    null = correlation[random_shifts(allowed, shifts, np.random.default_rng(seed), error=NotPossible)]
    statistic = float(correlation[0, 0])
    return ChanceTest(
        statistic=statistic,
        null=null,
        p_value=p_value(statistic, null),
        effect_size=float(statistic - null.mean()),
        name="correlation beyond the shape of the emitter",
        missing={}
        if given
        else {
            "common collection": "focus and topography brighten both maps alike; give a map of it as `given`"
        },
        notes=(f"correlation length {length:.0f} pixels, {int(used.sum())} pixels of MgO",),
    )


def shifted_correlations(a: Array, b: Array, inside: Mask) -> tuple[Array, Array]:
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


# Does light gather at the boundary? -------------------------------------------------------------

NEAR, FAR = 1 / 3, 1 / 2  # shares of the emitter's pixels, by distance
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
        raise NotPossible("phase is MgO everywhere: there is no boundary to measure a distance from")
    below = _denominator(reference, inside, size, beam_range, out_coupling)
    inside = inside & np.isfinite(below)
    refuse_full_scale(values, inside, "map")
    above, below = np.where(inside, values, 0.0), np.where(inside, below, 0.0)
    if below.sum() <= 0 or above.sum() <= 0:
        raise NotPossible("the map or its reference holds no light inside the emitter")
    near, far, limit = _near_and_far(inside)
    excess, overlap = _shifted_excess(above, below, near, far, inside)
    # What the ratio's texture is, without dividing pixel by pixel: a dark reference would explode it.
    left = above - above.sum() / below.sum() * below
    length = correlation_length(without_geometry(left, inside))
    allowed = (overlap > LEAST_OVERLAP) & (shift_radius(values.shape) > 2 * length)
    moves = random_shifts(allowed, shifts, np.random.default_rng(seed), error=NotPossible)
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


def _near_and_far(inside: Mask) -> tuple[Mask, Mask, float]:
    """The third of the emitter nearest to the other phase, its inner half, and how far (pixels) the third reaches."""
    distance = boundary_distance(inside)
    near, far = np.quantile(distance[inside], [NEAR, FAR])
    if not np.any(distance[inside] > far):
        raise NotPossible("the emitter is a pixel or two wide everywhere: it has no inside beside its rim")
    return inside & (distance <= near), inside & (distance > far), float(near)


def _denominator(
    reference: ArrayLike | None,
    inside: Mask,
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
        even = even * edge_out_coupling(boundary_distance(inside, pixel), gain=gain, length=length)
    if beam_range > 0:
        even = seen_through_beam(even, inside, pixel=pixel, beam_range=beam_range)
    return np.where(inside, even, np.nan)


def _shifted_excess(above: Array, below: Array, near: Mask, far: Mask, inside: Mask) -> tuple[Array, Array]:
    """Ratio near over ratio far − 1 for every toroidal shift of the map, and the least share of near or far covered."""

    def ratio(where: Mask) -> tuple[Array, Array]:
        mask = where.astype(float)
        covered = all_shifts(mask, inside.astype(float)) / mask.sum()
        return all_shifts(mask, above) / np.maximum(all_shifts(mask, below), 1e-12 * below.sum()), covered

    (close, one), (distant, other) = ratio(near), ratio(far)
    return close / np.where(distant > 0, distant, np.inf) - 1, np.minimum(one, other)


def _mean_distance(inside: Mask) -> Array:
    """Of each class of `distance_bins`, in pixels."""
    bins, distance = distance_bins(inside), boundary_distance(inside)
    return np.bincount(bins[inside], distance[inside]) / np.bincount(bins[inside])


def _profile_band(above: Array, below: Array, inside: Mask, moves: Any) -> dict[str, Array]:
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


# Does light run in lines? -----------------------------------------------------------------------

FRACTIONS = (0.10, 0.14)  # brightest shares of the emitter that are looked at
SMOOTHING = 0.7  # pixels
NEIGHBOURS = np.ones((3, 3), int)


def assess_channels(
    map: ArrayLike,
    phase: ArrayLike,
    *,
    pixel: float | None = None,
    draws: int = 199,
    seed: int = 0,
) -> ChanceTest:
    """How long the line is that a bright place in the emitter belongs to, against two kinds of chance.

    The brightest share is thinned to a skeleton; of its connected parts, Σ L²/Σ L is the mean length that a
    skeleton pixel sees. One gap halves the longest part but moves this mean little.

    What depends on the distance from the boundary alone, such as light that leaves at edges, is taken off
    first: it is bright along every boundary, and boundaries are long. Chance keeps either the texture (the
    map's power spectrum, with random phases) or the pieces (tiles of the map, shuffled and turned); p is the
    larger of the two. Several brightest shares are looked at, as chance is.

    Parameters
    ----------
    map : shape (y, x); phase : True in MgO
    pixel : m; without, lengths are in pixels

    Returns
    -------
    `statistic` is that mean (m, or pixels) at the share where it stands out most; `null` the same by chance;
    `effect_size` how many times chance's median. `extra`: "skeleton" and "longest" (masks), and "unit".
    """
    size, unit = pixel_of(map, pixel)
    values = as_map(map, "map")
    inside, notes = emitter_of(phase, np.where(np.isfinite(values), values, 0.0))
    inside = inside & np.isfinite(values)
    refuse_full_scale(values, inside, "map")
    left = without_geometry(np.where(inside, values, 0.0), inside)
    rng = np.random.default_rng(seed)
    piece = max(4, min(values.shape) // 12)
    smooth = smoothed_inside(left, inside, SMOOTHING)
    observed = skeleton_lengths(smooth, inside, FRACTIONS)
    full = filled(left, inside)
    worlds = {
        "the same texture": lambda: _rephased(smooth, rng),
        "the same pieces": lambda: smoothed_inside(_shuffled(full, piece, rng), inside, SMOOTHING),
    }
    chance = {
        name: [skeleton_lengths(world(), inside, FRACTIONS) for _ in range(draws)]
        for name, world in worlds.items()
    }
    odds = {name: _worst_share(observed, np.array(lengths, float)) for name, lengths in chance.items()}
    hardest = max(odds, key=lambda name: odds[name][0])
    p, best = odds[hardest]
    null = np.array(chance[hardest], float)[:, best] * size
    skeleton = _skeleton(smooth, inside, FRACTIONS[best])
    statistic = float(observed[best] * size)
    return ChanceTest(
        statistic=statistic,
        null=null,
        p_value=p,
        effect_size=float(statistic / max(float(np.median(null)), size)),
        name=f"mean length of bright lines ({unit})",
        extra={"skeleton": skeleton, "longest": _largest(skeleton), "unit": unit},
        notes=(
            *notes,
            f"chance keeps {hardest}; brightest {FRACTIONS[best]:.0%} of MgO; tiles of {piece} pixels",
        ),
    )


def skeleton_lengths(field: Array, inside: Mask, fractions: Sequence[float]) -> Array:
    """Σ L²/Σ L of the connected skeletons (pixels) of each brightest share of the emitter."""
    found = []
    for share in fractions:
        _, sizes = _parts(_skeleton(field, inside, share))
        found.append(float((sizes**2).sum() / max(sizes.sum(), 1)))
    return np.array(found)


def _skeleton(field: Array, inside: Mask, fraction: float) -> Mask:
    """The brightest share of the emitter, thinned to lines."""
    from skimage.morphology import skeletonize

    return np.asarray(skeletonize(inside & (field > np.quantile(field[inside], 1 - fraction))))


def _parts(mask: Mask) -> tuple[NDArray[np.intp], Array]:
    """Labels of the connected parts, and the pixels in each; label 0 has none."""
    parts, _ = label(mask, NEIGHBOURS)
    sizes = np.bincount(parts.ravel()).astype(float)
    sizes[0] = 0
    return parts, sizes


def filled(values: Array, inside: Mask) -> Array:
    """The map with every pixel outside the emitter taken from the nearest inside, so that tiles are whole."""
    nearest = distance_transform_edt(~inside, return_distances=False, return_indices=True)
    return np.asarray(values[tuple(nearest)])


def _largest(mask: Mask) -> Mask:
    parts, sizes = _parts(mask)
    return np.asarray((parts == int(np.argmax(sizes))) & mask)


def _worst_share(observed: Array, chance: Array) -> tuple[float, int]:
    """p of the share that stands out most, against chance's own most; and which share that is."""
    everything = np.vstack([observed, chance])
    spread = np.maximum(everything.std(0), 1e-9)
    scores = (everything - everything.mean(0)) / spread
    most = scores.max(1)
    return p_value(float(most[0]), most[1:]), int(np.argmax(scores[0]))


def _rephased(field: Array, rng: Generator) -> Array:
    """A Gaussian field of the same power spectrum."""
    noise = np.fft.rfft2(rng.standard_normal(field.shape))
    return np.asarray(np.fft.irfft2(np.abs(np.fft.rfft2(field)) * noise / np.abs(noise), s=field.shape))


def _shuffled(field: Array, tile: int, rng: Generator) -> Array:
    """Square tiles of the map in random order, each turned and mirrored at random; the grid begins anywhere."""
    start = rng.integers(0, tile, 2)
    after = [-(n + s) % tile for n, s in zip(field.shape, start, strict=True)]
    padded = np.pad(field, list(zip(start, after, strict=True)), mode="symmetric")
    rows, columns = (n // tile for n in padded.shape)
    tiles = padded.reshape(rows, tile, columns, tile).swapaxes(1, 2).reshape(-1, tile, tile)
    turns, mirrored = rng.integers(0, 4, len(tiles)), rng.random(len(tiles)) < 0.5
    tiles[mirrored] = tiles[mirrored, ::-1]
    turned = [
        np.rot90(one, turn) for one, turn in zip(tiles[rng.permutation(len(tiles))], turns, strict=True)
    ]
    whole = np.array(turned).reshape(rows, columns, tile, tile).swapaxes(1, 2).reshape(padded.shape)
    return np.asarray(whole[start[0] :, start[1] :][: field.shape[0], : field.shape[1]])
