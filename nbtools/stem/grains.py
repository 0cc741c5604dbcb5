"""Where each crystal of a lattice image lies: pixels grouped by which Bragg spots are strong there."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage
from scipy.cluster.vq import kmeans2

from nbtools.cache import cached
from nbtools.results import NotPossible
from nbtools.statistics.choice import first_best, floor_whole, ranked
from nbtools.stem.spots import LARGEST, Spots, find_spots, grain_window, hann_window, without_background

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
RESOLUTION = 0.5e-9  # m, r.m.s. of the filter in real space
MOST_SPOTS = 24
MOST_GRAINS = 3
SMALLEST = 0.02  # of the image's area
SAMPLE = 512  # pixels a side of the part of a grain in which it is told from the others
# A grain is one of its own where at least this share of its spots' power is in waves that no other grain shows. Of
# one crystal that was cut in two all waves are shared; of two that have one set of planes in common, most are not.
OWN_SHARE = 0.3


@dataclass(frozen=True)
class Grains:
    """The grains of an image, the largest first.

    masks : where each is, shape (y, x)
    spots : the waves of each, as they are in the picture
    """

    masks: tuple[Mask, ...]
    spots: tuple[Spots, ...]

    def __len__(self) -> int:
        return len(self.masks)


def bragg_amplitudes(
    image: Array, pixel_size: float, wave_vectors: Array, resolution: float, step: int = 1
) -> NDArray[np.complex128]:
    """The local complex amplitudes of lattice waves on every `step`-th pixel, shape (n, y, x); by one transform.

    Each wave is taken to zero frequency and what is left smoothed by a Gaussian of r.m.s. `resolution` (m),
    so the step of a crystal that ends sharply becomes an error function, half way up at its end. The phase is that
    of the wave at the first pixel.
    """
    shape = image.shape
    padded = [fft.next_fast_len(n + int(4 * resolution / pixel_size)) for n in shape]
    small = [fft.next_fast_len(-(-n // step)) for n in padded]
    spectrum = fft.fft2(image, padded)
    kernel = [
        np.exp(-2 * (np.pi * resolution * fft.fftfreq(m, 1 / (m / (n * pixel_size)))) ** 2)
        for m, n in zip(small, padded, strict=True)
    ]
    grid = [np.arange(0, n, step) for n in shape]
    places = np.meshgrid(*(g * m / p for g, m, p in zip(grid, small, padded, strict=True)), indexing="ij")
    maps = []
    for wave in wave_vectors:
        whole = [round(k * n * pixel_size) for k, n in zip(wave, padded, strict=True)]
        rows, columns = (
            (at + np.rint(fft.fftfreq(m, 1 / m)).astype(int)) % n
            for at, n, m in zip(whole, padded, small, strict=True)
        )
        cut = spectrum[np.ix_(rows, columns)] * kernel[0][:, None] * kernel[1]
        field = fft.ifft2(cut) * (small[0] * small[1]) / (padded[0] * padded[1])
        # What rounding to a whole frequency left of the wave.
        left = [at / n - k * pixel_size for at, n, k in zip(whole, padded, wave, strict=True)]
        turn = np.exp(2j * np.pi * left[0] * grid[0])[:, None] * np.exp(2j * np.pi * left[1] * grid[1])
        if step == 1:
            maps.append(2 * field[: shape[0], : shape[1]] * turn)
        else:
            parts = (
                ndimage.map_coordinates(p, places, order=1, mode="wrap") for p in (field.real, field.imag)
            )
            real, imaginary = parts
            maps.append(2 * (real + 1j * imaginary) * turn)
    return np.array(maps)


@cached
def find_grains(
    image: Array, pixel_size: float, *, longest: float = 0.45e-9, count: int | None = None
) -> Grains:
    """The grains of an image, as many as show waves of their own.

    Strong spots of the whole image are mapped; pixels are grouped by the pattern of their amplitudes
    (k-means from far-apart starts), and each group is taken where it is in one piece. Three groups are tried, then
    two, until each shows waves that no other does; else the image is one grain.

    Parameters
    ----------
    image : shape (y, x)
    pixel_size : m
    longest : largest lattice spacing, m
    count : of grains, where it is known

    Raises
    ------
    NotPossible
        No lattice; less than `count` grains.
    """
    seen = _seen_waves(image, pixel_size, longest)
    if len(seen) < max(count or 1, 1):
        raise NotPossible(
            f"{len(seen)} lattice spot(s) stand above the noise; {count or 1} grain(s) show at least one each: an "
            "image of higher resolution or dose is needed"
        )
    step = max(1, floor_whole(0.5 * RESOLUTION / pixel_size))
    flat = without_background(image, np.ones_like(image), pixel_size, longest)
    maps = np.abs(bragg_amplitudes(flat, pixel_size, seen, RESOLUTION, step))
    maps = ndimage.gaussian_filter(maps, (0, 1, 1))
    features = (maps / np.sqrt(np.mean(maps**2, axis=(1, 2), keepdims=True))).reshape(len(maps), -1).T
    numbers = (count,) if count else range(MOST_GRAINS, 1, -1)
    for number in (n for n in numbers if 1 < n <= len(seen)):
        labels = _grouped(features, number).reshape(maps.shape[1:])
        masks = [_enlarged(_in_one_piece(labels == n), image.shape, step) for n in range(number)]
        masks = [mask for mask in masks if mask.mean() > SMALLEST]
        if len(masks) < number:
            continue
        masks = [masks[place] for place in ranked([mask.sum() for mask in masks], highest=True)]
        windows = [grain_window(mask) for mask in masks]
        spots = [find_spots(image, pixel_size, window, longest=longest, largest=SAMPLE) for window in windows]
        own = [_own_share(one, [s for s in spots if s is not one]) for one in spots]
        if min(own) > OWN_SHARE:
            if max(image.shape) > SAMPLE:
                spots = [find_spots(image, pixel_size, window, longest=longest) for window in windows]
            return Grains(tuple(masks), tuple(spots))
    if count and count > 1:
        raise NotPossible(f"less than {count} grains show a lattice of their own")
    window = hann_window(image.shape)
    return Grains((np.ones(image.shape, bool),), (find_spots(image, pixel_size, window, longest=longest),))


def _seen_waves(image: Array, pixel_size: float, longest: float) -> Array:
    """The strongest waves of the image, of a large one those of five parts, shape (n, 2)."""
    if max(image.shape) <= LARGEST:
        found = [find_spots(image, pixel_size, hann_window(image.shape), longest=longest)]
    else:
        rows, columns = (
            sorted({0, (n - LARGEST) // 2, n - LARGEST} if n > LARGEST else {0}) for n in image.shape
        )
        corners = [(y, x) for y in rows for x in columns if (y in rows[1:2]) == (x in columns[1:2])]
        parts = [image[y : y + LARGEST, x : x + LARGEST] for y, x in corners]
        found = [find_spots(part, pixel_size, hann_window(part.shape), longest=longest) for part in parts]
    amplitudes = np.concatenate([spots.amplitudes for spots in found])
    waves = np.concatenate([spots.wave_vectors for spots in found])
    kept: list[Array] = []
    for k in waves[ranked(amplitudes, highest=True)]:
        # One of those that are the same spot of a grain smaller than the window.
        if all(_apart(k, one) > 5 / found[0].length for one in kept):
            kept.append(k)
    return np.array(kept[:MOST_SPOTS]).reshape(-1, 2)


def _apart(one: Array, other: Array) -> float:
    """Distance of two wave vectors, k and −k being one."""
    return float(min(np.hypot(*(one - other)), np.hypot(*(one + other))))


def _own_share(spots: Spots, others: list[Spots]) -> float:
    """Share of the power in waves that no other grain shows at half this grain's strength or more."""
    power = spots.amplitudes**2
    if not len(power):
        return 0.0
    alone = np.ones(len(power), bool)
    for other in others:
        reach = 1.5 / min(spots.length, other.length)
        for number, (k, amplitude) in enumerate(zip(spots.wave_vectors, spots.amplitudes, strict=True)):
            same = [
                a for q, a in zip(other.wave_vectors, other.amplitudes, strict=True) if _apart(k, q) < reach
            ]
            alone[number] &= max(same, default=0.0) < 0.5 * amplitude
    return float(power[alone].sum() / power.sum())


def _grouped(points: Array, count: int) -> NDArray[np.int64]:
    """k-means of rows; the first centre is the row furthest from the mean, each next the furthest from those."""
    scale = np.percentile(points, 95, axis=0)
    points = np.clip(points / np.where(scale > 0, scale, 1.0), 0, 1.2)
    distance = np.sum((points - points.mean(axis=0)) ** 2, axis=1)
    centres = [points[first_best(distance, highest=True)]]
    distance = np.sum((points - centres[0]) ** 2, axis=1)
    for _ in range(count - 1):
        centres.append(points[first_best(distance, highest=True)])
        distance = np.minimum(distance, np.sum((points - centres[-1]) ** 2, axis=1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a group without members is found out by its area
        return np.asarray(kmeans2(points, np.array(centres), iter=30, minit="matrix")[1], np.int64)


def _in_one_piece(mask: Mask) -> Mask:
    """The largest connected part, its holes filled."""
    parts, number = ndimage.label(ndimage.binary_opening(mask, iterations=1))
    if not number:
        return np.zeros_like(mask)
    largest = 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    return np.asarray(ndimage.binary_fill_holes(parts == largest))


def _enlarged(mask: Mask, shape: tuple[int, ...], step: int) -> Mask:
    rows, columns = (np.minimum(np.arange(n) // step, m - 1) for n, m in zip(shape, mask.shape, strict=True))
    whole = mask[np.ix_(rows, columns)].astype(float)
    return np.asarray(ndimage.gaussian_filter(whole, step, mode="nearest") > 0.5)
