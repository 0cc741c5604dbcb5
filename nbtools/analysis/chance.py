"""Maps against chance: what came, what chance makes of it, and the maps and masks that such a test may be given."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from nbtools.statistics.arrays import real_array, refuse_masked

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
SMALLEST = 8  # pixels a side
FEWEST = 50  # pixels of the mask
DARK = 3.0  # how much brighter the other phase must be to be the emitter after all
FULL_SCALE_SHARE = 0.01
DISTANCE_BINS = 12
BLURS = (1.0, 2.0, 4.0)  # pixels


class MapError(ValueError):
    """A map or mask that cannot be tested; says what came, what was expected and what to do."""


@dataclass(frozen=True)
class ChanceTest:
    """A statistic beside what chance gives.

    statistic : of the map; null : of the same map where only chance is at work, shape (n,)
    p_value : how often chance gives as much (one-sided, never 0)
    effect_size : how large the thing itself is, as the test says; z : in standard deviations of the null
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

    @property
    def z(self) -> float:
        spread = float(np.std(self.null))
        return float((self.statistic - np.mean(self.null)) / spread) if spread > 0 else np.nan

    def __str__(self) -> str:
        low, high = np.quantile(self.null, [0.16, 0.84])
        head = (
            f"{self.name}: {self.statistic:.3g}; chance gives {low:.3g} to {high:.3g} ({self.null.size} draws): "
            f"p = {self.p_value:.3f}, effect {self.effect_size:.2g}"
        )
        return "\n".join([head, *self.notes, *(f"{what}: {why}" for what, why in self.missing.items())])


def as_map(values: ArrayLike, name: str, *, counts: bool = False) -> Array:
    """A map of shape (y, x), large enough to have a texture."""
    array = np.asarray(values)
    if array.ndim != 2:
        raise MapError(
            f"{name} has shape {array.shape}; a map over (y, x) was expected: one band, or one window"
        )
    if min(array.shape) < SMALLEST:
        raise MapError(
            f"{name} has {array.shape[0]} × {array.shape[1]} pixels; a test of its texture needs at least "
            f"{SMALLEST} × {SMALLEST}"
        )
    result = real_array(values, name, error=MapError)
    if not np.isfinite(result).any():
        raise MapError(f"{name} holds no finite number")
    return result


def as_mask(mask: ArrayLike, shape: tuple[int, ...], name: str) -> Mask:
    """Where the emitter is: bool, 0 and 1, or words of which "MgO" is the emitter."""
    refuse_masked(mask, name, error=MapError)
    array = np.asarray(mask)
    if array.shape != shape:
        raise MapError(f"{name} has shape {array.shape}, the map {shape}; both must be of the same pixels")
    if array.dtype.kind in "US":
        array = array == "MgO"
    elif array.dtype.kind == "f" and not np.isfinite(array).all():
        raise MapError(f"{name} holds NaN; give True where MgO is")
    if array.dtype.kind != "b" and not np.isin(array, (0, 1)).all():
        raise MapError(
            f"{name} holds {np.unique(array)[:4]}…; give True (or 1) where MgO is, False elsewhere"
        )
    inside = array.astype(bool)
    if inside.sum() < FEWEST:
        raise MapError(f"{name} is True in {int(inside.sum())} pixels; at least {FEWEST} of MgO are needed")
    return inside


def emitter_of(phase: ArrayLike, values: Array, name: str = "phase") -> tuple[Mask, tuple[str, ...]]:
    """The emitting phase; if the map is dark there and bright elsewhere, the other one, with a sentence."""
    inside = as_mask(phase, values.shape, name)
    here, there = values[inside & np.isfinite(values)], values[~inside & np.isfinite(values)]
    bright = there.size >= FEWEST and here.size and np.mean(there) > DARK * max(float(np.mean(here)), 0.0)
    if bright and np.mean(there) > 0:
        return ~inside, (f"{name} is True where the map is dark: the other phase was taken as the emitter",)
    return inside, ()


def refuse_full_scale(values: Array, inside: Mask, name: str) -> None:
    """Whole counts that pile up at the largest are cut off; a correlation of them means little."""
    used = values[inside & np.isfinite(values)]
    if np.any(used != np.round(used)) or np.unique(used).size < 20:
        return
    share = float(np.mean(used == used.max()))
    if share > FULL_SCALE_SHARE and np.sum(used == used.max()) >= 5:
        raise MapError(
            f"{name} is saturated: {100 * share:.0f} % of its pixels stand at the largest count {used.max():g}; "
            "record with a shorter dwell time"
        )


def pixel_of(values: Any, pixel: float | None) -> tuple[float, str]:
    """The pixel's size and unit: as given (m), from the map's coordinates, or 1 pixel."""
    if pixel is not None:
        if not pixel > 0:
            raise MapError(f"pixel is {pixel}; its size in m was expected")
        return float(pixel), "m"
    coords = getattr(values, "coords", {})
    if "x" in coords and coords["x"].size > 1:
        return abs(float(coords["x"][1] - coords["x"][0])), "m"
    return 1.0, "px"


def same_pixels(first: Any, second: Any) -> None:
    """Refuse two labelled maps of different pixel size."""
    (one, unit), (other, its_unit) = pixel_of(first, None), pixel_of(second, None)
    if unit == its_unit == "m" and abs(one - other) > 1e-3 * one:
        raise MapError(
            f"the maps have pixels of {one:.4g} and {other:.4g} m; they are of other units or another field"
        )


def reference_of(reference: ArrayLike, shape: tuple[int, ...]) -> Array:
    """Another band of the same field; refused where it has not the map's shape."""
    other = as_map(reference, "reference")
    if other.shape != shape:
        raise MapError(f"the reference has shape {other.shape}, the map {shape}; register them first")
    return other


def distance_inside(inside: Mask) -> Array:
    """From the centre of each emitter pixel to the boundary, in pixels; infinite where there is no other phase."""
    if inside.all():
        return np.full(inside.shape, np.inf)
    return np.asarray(distance_transform_edt(inside)) - 0.5


def clear_of_boundary(inside: Mask, edge: float) -> Mask:
    """Emitter pixels farther than `edge` (pixels) from the boundary; all of them where that leaves too few."""
    clear = inside & (distance_inside(inside) > edge)
    return clear if clear.sum() >= max(FEWEST, inside.sum() / 5) else inside


def distance_bins(inside: Mask) -> NDArray[np.intp]:
    """Class of distance of each pixel, about equally full, −1 outside."""
    distance = distance_inside(inside)
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
        return np.where(used, array - means[np.maximum(bins, 0)], 0.0)

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
    return np.where(inside, total / np.maximum(weight, 1e-12), 0.0)
