"""Are bright lines in MgO longer than its shape, the same texture or the same pieces would give by chance?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import distance_transform_edt, label

from nbtools.analysis.chance import (
    ChanceTest,
    as_map,
    clear_of_boundary,
    emitter_of,
    pixel_of,
    reference_of,
    refuse_full_scale,
    same_pixels,
    smoothed_inside,
    without_geometry,
)
from nbtools.statistics.nulls import p_value

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
FRACTIONS = (0.10, 0.14)  # brightest shares of the emitter that are looked at
SMOOTHING = 0.7  # pixels
EDGE = 0.0  # pixels
NEIGHBOURS = np.ones((3, 3), int)


def assess_channels(
    map: ArrayLike,
    phase: ArrayLike,
    *,
    reference: ArrayLike | None = None,
    pixel: float | None = None,
    edge: float = EDGE,
    fractions: Sequence[float] = FRACTIONS,
    draws: int = 199,
    tile: int | None = None,
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
    reference : another band of the same field; then their ratio is looked at
    pixel : m; without, lengths are in pixels
    edge : pixels nearer to the boundary are left out: how much of each is MgO no mask resolves
    fractions : brightest shares of the emitter
    tile : pixels a side of a shuffled piece, by default a twelfth of the map

    Returns
    -------
    `statistic` is that mean (m, or pixels) at the share where it stands out most; `null` the same by chance;
    `effect_size` how many times chance's median. `extra`: "bright", "skeleton" and "longest" (masks), "length"
    of the longest, "fraction", "span" (of the longest, as a share of the map), "mask_span" (the emitter's own).
    """
    size, unit = pixel_of(map, pixel)
    values, inside, notes = _in_emitter(map, phase, reference)
    used = clear_of_boundary(inside, edge)
    left = without_geometry(np.where(inside, values, 0.0), inside, used=used)
    rng = np.random.default_rng(seed)
    piece = tile or max(4, min(values.shape) // 12)
    smooth = smoothed_inside(left, used, SMOOTHING)
    observed = skeleton_lengths(smooth, used, fractions)
    full = filled(left, used)
    worlds = {
        "the same texture": lambda: _rephased(smooth, rng),
        "the same pieces": lambda: smoothed_inside(_shuffled(full, piece, rng), used, SMOOTHING),
    }
    chance = {
        name: [skeleton_lengths(world(), used, fractions) for _ in range(draws)]
        for name, world in worlds.items()
    }
    odds = {name: _worst_share(observed, np.array(lengths, float)) for name, lengths in chance.items()}
    hardest = max(odds, key=lambda name: odds[name][0])
    p, best = odds[hardest]
    null = np.array(chance[hardest], float)[:, best] * size
    drawn = trace(smooth, used, fractions[best]) | {"mask_span": span_of(_largest(inside))}
    statistic = float(observed[best] * size)
    return ChanceTest(
        statistic=statistic,
        null=null,
        p_value=p,
        effect_size=float(statistic / max(float(np.median(null)), size)),
        name=f"mean length of bright lines ({unit})",
        extra=drawn
        | {
            "fraction": fractions[best],
            "length": float(drawn["longest"].sum() * size),
            "unit": unit,
            "pixel": size,
            "odds": {name: entry[0] for name, entry in odds.items()},
        },
        notes=(
            *notes,
            f"chance keeps {hardest}; brightest {fractions[best]:.0%} of MgO; tiles of {piece} pixels",
        ),
    )


def _in_emitter(
    map: ArrayLike, phase: ArrayLike, reference: ArrayLike | None
) -> tuple[Array, Mask, tuple[str, ...]]:
    """The map, or its ratio to the reference; where the emitter has a value; what has to be said."""
    values = as_map(map, "map")
    inside, notes = emitter_of(phase, np.where(np.isfinite(values), values, 0.0))
    if reference is not None:
        same_pixels(map, reference)
        other = reference_of(reference, values.shape)
        values = np.where(other > 0, values / np.where(other > 0, other, 1.0), np.nan)
    inside = inside & np.isfinite(values)
    refuse_full_scale(values, inside, "map")
    return values, inside, tuple(notes)


def skeleton_lengths(field: Array, inside: Mask, fractions: Sequence[float]) -> Array:
    """Σ L²/Σ L of the connected skeletons (pixels) of each brightest share of the emitter."""
    found = []
    for share in fractions:
        _, sizes = _parts(_skeleton(field, inside, share)[1])
        found.append(float((sizes**2).sum() / max(sizes.sum(), 1)))
    return np.array(found)


def _skeleton(field: Array, inside: Mask, fraction: float) -> tuple[Mask, Mask]:
    from skimage.morphology import skeletonize

    bright = inside & (field > np.quantile(field[inside], 1 - fraction))
    return bright, np.asarray(skeletonize(bright))


def _parts(mask: Mask) -> tuple[NDArray[np.intp], Array]:
    """Labels of the connected parts, and the pixels in each; label 0 has none."""
    parts, count = label(mask, NEIGHBOURS)
    sizes = np.bincount(parts.ravel(), minlength=count + 1).astype(float)
    sizes[0] = 0
    return parts, sizes


def trace(field: Array, inside: Mask, fraction: float) -> dict[str, Any]:
    """The brightest share of the emitter, its skeleton, the largest connected one, and how far that reaches."""
    bright, skeleton = _skeleton(field, inside, fraction)
    longest = _largest(skeleton)
    return {"bright": bright, "skeleton": skeleton, "longest": longest, "span": span_of(longest)}


def span_of(part: Mask) -> float:
    """The larger share of the map's height and width that a part reaches across."""
    if not part.any():
        return 0.0
    return float(max((np.ptp(np.flatnonzero(part.any(1 - axis))) + 1) / part.shape[axis] for axis in (0, 1)))


def measure_longest(test: ChanceTest) -> dict[str, float]:
    """Length (m, or pixels) and tortuosity of the main path of the longest line, traced with skan."""
    from skan import Skeleton, summarize

    skeleton = Skeleton(test.extra["longest"], spacing=test.extra["pixel"])
    branches = summarize(skeleton, separator="-")
    length, straight = branches["branch-distance"], branches["euclidean-distance"]
    open_ended = straight > 0
    return {
        "length": float(length.sum()),
        "branches": float(len(branches)),
        "tortuosity": float((length[open_ended] / straight[open_ended]).mean())
        if open_ended.any()
        else np.nan,
    }


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
    phases = noise / np.maximum(np.abs(noise), 1e-300)
    return np.asarray(np.fft.irfft2(np.abs(np.fft.rfft2(field)) * phases, s=field.shape))


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
