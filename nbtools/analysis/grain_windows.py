"""Where each crystal of a lattice image lies: pixels grouped by which Bragg spots are strong there."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from nbtools.analysis.fft_spots import Spots, find_spots, hann_window, without_background
from nbtools.statistics.choice import first_best, floor_whole, ranked

Array = NDArray[np.float64]
RESOLUTION = 0.5e-9  # m, r.m.s. of the filter in real space
MOST_SPOTS = 24


def bragg_amplitude(image: Array, pixel_size: float, wave_vector: Array, resolution: float) -> NDArray:
    """The local complex amplitude of one lattice wave, shape of the image.

    The wave is taken to zero frequency and what is left smoothed by a Gaussian of r.m.s. `resolution` (m),
    so the step of a crystal that ends sharply becomes an error function, half way up at its end.
    """
    y, x = (pixel_size * np.arange(n) for n in image.shape)
    wave = np.outer(np.exp(-2j * np.pi * wave_vector[0] * y), np.exp(-2j * np.pi * wave_vector[1] * x))
    sigma = resolution / pixel_size
    moved = image * wave
    options = {"sigma": sigma, "mode": "constant", "truncate": 4.0}
    covered = ndimage.gaussian_filter(np.ones_like(image), **options)
    smooth = ndimage.gaussian_filter(moved.real, **options) + 1j * ndimage.gaussian_filter(
        moved.imag, **options
    )
    return 2 * smooth / covered


def bragg_amplitudes(
    image: Array, pixel_size: float, wave_vectors: Array, resolution: float, step: int
) -> Array:
    """|amplitude| of many waves on every `step`-th pixel, shape (n, y, x); by one transform of the image."""
    shape = image.shape
    padded = [fft.next_fast_len(n + int(4 * resolution / pixel_size)) for n in shape]
    small = [fft.next_fast_len(-(-n // step)) for n in padded]
    spectrum = fft.fft2(image, padded)
    kernel = [
        np.exp(-2 * (np.pi * resolution * fft.fftfreq(m, 1 / (m / (n * pixel_size)))) ** 2)
        for m, n in zip(small, padded, strict=True)
    ]
    maps = []
    for ky, kx in wave_vectors:
        rows, columns = (
            (round(k * n * pixel_size) + np.rint(fft.fftfreq(m, 1 / m)).astype(int)) % n
            for k, n, m in zip((ky, kx), padded, small, strict=True)
        )
        cut = spectrum[np.ix_(rows, columns)] * kernel[0][:, None] * kernel[1]
        whole = np.abs(fft.ifft2(cut)) * (small[0] * small[1]) / (padded[0] * padded[1])
        ys, xs = (np.arange(0, n, step) * m / p for n, m, p in zip(shape, small, padded, strict=True))
        maps.append(
            2 * ndimage.map_coordinates(whole, np.meshgrid(ys, xs, indexing="ij"), order=1, mode="wrap")
        )
    return np.array(maps)


def find_grains(
    image: Array, pixel_size: float, count: int = 2, *, longest: float = 0.45e-9
) -> list[NDArray[np.bool_]]:
    """Masks of `count` grains, the largest first.

    Strong spots of the whole image are mapped; pixels are grouped by the pattern of their amplitudes
    (k-means from far-apart starts), and each group is taken where it is in one piece.

    Raises
    ------
    ValueError
        Too few spots, or no group that differs from the others.
    """
    window = hann_window(image.shape)
    spots = find_spots(image, pixel_size, window, longest=longest)
    step = max(1, floor_whole(0.5 * RESOLUTION / pixel_size))
    chosen = _strongest_apart(spots)
    if len(chosen) < count:
        raise ValueError(
            f"{len(chosen)} lattice spot(s) in the whole image; {count} grains show at least one each. "
            "Draw the windows by hand, or take an image of higher resolution"
        )
    flat = without_background(image, np.ones_like(image), pixel_size, longest)
    maps = bragg_amplitudes(flat, pixel_size, chosen, RESOLUTION, step)
    maps = ndimage.gaussian_filter(maps, (0, 1, 1))
    features = maps / np.sqrt(np.mean(maps**2, axis=(1, 2), keepdims=True))
    labels = _grouped(features.reshape(len(maps), -1).T, count).reshape(maps.shape[1:])
    masks = [_enlarged(_in_one_piece(labels == number), image.shape, step) for number in range(count)]
    masks = [mask for mask in masks if mask.mean() > 0.02]
    if len(masks) < count:
        raise ValueError(
            f"only {len(masks)} of {count} grains were found by their spots; draw the windows by hand"
        )
    return [masks[place] for place in ranked([mask.sum() for mask in masks], highest=True)]


def _strongest_apart(spots: Spots) -> Array:
    """The strongest spots, one of those that are the same spot of a grain smaller than the window."""
    kept: list[Array] = []
    for k in spots.wave_vectors:
        if all(min(np.hypot(*(k - one)), np.hypot(*(k + one))) > 5 / spots.length for one in kept):
            kept.append(k)
    return np.array(kept[:MOST_SPOTS]).reshape(-1, 2)


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
    middle = np.array(centres)
    labels = np.zeros(len(points), np.int64)
    for _ in range(30):
        labels = np.argmin(((points[:, None] - middle) ** 2).sum(axis=2), axis=1)
        middle = np.array(
            [points[labels == n].mean(axis=0) if np.any(labels == n) else middle[n] for n in range(count)]
        )
    return labels


def _in_one_piece(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected part, its holes filled."""
    parts, number = ndimage.label(ndimage.binary_opening(mask, iterations=1))
    if not number:
        return np.zeros_like(mask)
    largest = 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    return np.asarray(ndimage.binary_fill_holes(parts == largest))


def _enlarged(mask: NDArray[np.bool_], shape: tuple[int, ...], step: int) -> NDArray[np.bool_]:
    rows, columns = (np.minimum(np.arange(n) // step, m - 1) for n, m in zip(shape, mask.shape, strict=True))
    whole = mask[np.ix_(rows, columns)].astype(float)
    return np.asarray(ndimage.gaussian_filter(whole, step, mode="nearest") > 0.5)
