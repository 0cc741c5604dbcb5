"""Spots of a Fourier transform: where periods are, to a small part of a pixel, each with its signal over noise."""

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from nbtools.statistics.choice import first_best, floor_whole, ranked

Array = NDArray[np.float64]
# Spectral power over the local noise from which a maximum counts: one false spot in a hundred images of noise.
DETECTION = 18.0
# Spots below this share of the strongest amplitude are not looked for: rounding and leakage live there.
FAINTEST = 4e-3
ROUNDS = 6
MOST_SPOTS = 80
LARGEST = 1024  # pixels a side: more are searched in a part of the image


@dataclass(frozen=True)
class Spots:
    """The spots of one window, one of each pair ±k, the strongest first.

    wave_vectors : (y, x), 1/m, shape (n, 2); sigmas : of each component, 1/m, shape (n,)
    amplitudes, phases : of the wave in the image's unit, and in rad at the image's middle
    signals : power over noise
    noise : of the image, its r.m.s. in one pixel; length : effective width of the window, m
    """

    wave_vectors: Array
    sigmas: Array
    amplitudes: Array
    phases: Array
    signals: Array
    noise: float
    length: float

    def __len__(self) -> int:
        return len(self.signals)

    def moved(self, wave_vectors: Array) -> "Spots":
        """The same spots at other places."""
        return replace(self, wave_vectors=wave_vectors)

    def seen_from(self, shift: Array) -> "Spots":
        """The same spots with phases at a place `shift` (y, x), m, away from where they were taken."""
        return replace(self, phases=self.phases + 2 * np.pi * self.wave_vectors @ shift)


def hann_window(shape: tuple[int, ...]) -> Array:
    """Of a whole image; Hann's, so that edges leave no streaks."""
    down, across = (np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2 for n in shape)
    return down[:, None] * across


def grain_window(mask: NDArray[np.bool_], share: float = 0.7) -> Array:
    """One inside the mask, falling to zero at its rim (and the image's) over `share` of its half width."""
    inside = np.pad(np.asarray(mask, bool), 1)
    depth = ndimage.distance_transform_edt(inside)[1:-1, 1:-1]
    taper = max(share * float(depth.max()), 1.0)
    return np.asarray(np.sin(np.pi / 2 * np.clip((depth - 0.5) / taper, 0, 1)) ** 2)


def power_spectrum(
    image: Array, pixel_size: float, window: Array, longest: float = 0.45e-9
) -> tuple[Array, float]:
    """log₁₀ of the power around k = 0 in the middle, y down, and its half width, 1/m: what is shown as "the FFT"."""
    flat = without_background(image, window, pixel_size, longest) * window
    side = fft.next_fast_len(max(image.shape))
    power = fft.fftshift(np.abs(fft.fft2(flat, (side, side))) ** 2)
    return np.log10(np.maximum(power, 1e-9 * power.max())), 0.5 / pixel_size


def without_background(image: Array, window: Array, pixel_size: float, longest: float) -> Array:
    """The image less what varies over more than `longest` (m), weighted by the window so that no rim appears."""
    sigma = 0.7 * longest / pixel_size
    support = (window > 0).astype(float)
    return np.asarray(image - smoothed(image * support, sigma) / np.maximum(smoothed(support, sigma), 1e-6))


def smoothed(values: Array, sigma: float) -> Array:
    """As `ndimage.gaussian_filter` with mirrored rims; by Fourier transforms, which is several times as quick."""
    rim = int(4 * sigma + 0.5)
    padded = np.pad(values, rim, mode="symmetric")
    shape = [fft.next_fast_len(n, real=True) for n in padded.shape]
    ky, kx = fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1])
    passed = np.exp(-2 * (np.pi * sigma * ky) ** 2) * np.exp(-2 * (np.pi * sigma * kx) ** 2)
    smooth = fft.irfft2(fft.rfft2(padded, shape) * passed, shape)
    return np.asarray(smooth[rim : rim + values.shape[0], rim : rim + values.shape[1]])


def find_spots(
    image: Array,
    pixel_size: float,
    window: Array,
    *,
    longest: float,
    largest: int = LARGEST,
) -> Spots:
    """All spots with periods up to `longest` (m).

    The strongest are found first, fitted as waves under the window and taken off, so that their side
    lobes do not pass for spots; then the next are looked for, until none is above the noise. Of an image with more
    than `largest` pixels a side that part is taken in which the window holds most.
    """
    if max(image.shape) <= largest:
        return _found_spots(image, pixel_size, window, longest)
    box = tuple(_fullest(window.sum(axis=1 - axis), largest) for axis in (0, 1))
    part = window[box] * hann_window(window[box].shape)
    middle = [(side.start + side.stop - n) / 2 for side, n in zip(box, image.shape, strict=True)]
    found = _found_spots(image[box], pixel_size, part, longest)
    return found.seen_from(-pixel_size * np.array(middle))


def _fullest(profile: Array, largest: int) -> slice:
    """Of `largest` neighbours those that hold most."""
    if len(profile) <= largest:
        return slice(0, len(profile))
    sums = np.cumsum(np.append(0.0, profile))
    start = first_best(sums[largest:] - sums[:-largest], highest=True)
    return slice(int(start), int(start) + largest)


def _found_spots(image: Array, pixel_size: float, window: Array, longest: float) -> Spots:
    shape = image.shape
    padded = [fft.next_fast_len(2 * n, real=True) for n in shape]
    left = without_background(image, window, pixel_size, longest)
    ky = fft.fftfreq(padded[0], pixel_size)[:, None]
    kx = fft.rfftfreq(padded[1], pixel_size)[None, :]
    radius = np.hypot(ky, kx)
    wanted = (radius >= 0.9 / longest) & (radius <= 0.5 / pixel_size) & ((kx > 0) | (ky > 0))
    length = pixel_size * float(np.sqrt(np.sum(window) ** 2 / np.sum(window**2)))
    found: list[tuple[float, float, complex]] = []
    strongest, noise, rings = 0.0, np.ones_like(radius), _Rings(radius, wanted, 4 / length)
    for _ in range(ROUNDS):
        spectrum = fft.rfft2(window * left, padded)
        power = np.abs(spectrum) ** 2 / np.sum(window**2)
        noise = np.maximum(rings.level(power), _streaks(power))
        strongest = max(strongest, float(power[wanted].max(initial=0.0)))
        floor = np.maximum(DETECTION * noise, FAINTEST**2 * strongest)
        peaks = _maxima(power, wanted & (power > np.maximum(floor, 0.03 * power[wanted].max(initial=0.0))))
        fresh = [_peak(power, y, x, padded, pixel_size) for y, x in peaks]
        fresh = [k for k in fresh if _is_apart(k, found, 2.2 / length)]
        if not fresh or len(found) > MOST_SPOTS:
            break
        found += [(*k, 0j) for k in fresh]
        found = _fit_waves(left, window, pixel_size, found)
    return _as_spots(found, window, noise, radius, pixel_size, length)


class _Rings:
    """Rings of like |k|: mean power of the noise on each, from its median, which few spots do not move."""

    def __init__(self, radius: Array, wanted: NDArray[np.bool_], width: float) -> None:
        self.ring = floor_whole(radius / width)
        self.count = int(self.ring.max()) + 1
        inside = np.flatnonzero(wanted)
        self.order = inside[np.argsort(self.ring.ravel()[inside], kind="stable")]
        self.starts = np.searchsorted(self.ring.ravel()[self.order], np.arange(self.count + 1))

    def level(self, power: Array) -> Array:
        """At every k, by interpolation where a ring has too few; shape of `power`."""
        values, levels = power.ravel()[self.order], np.zeros(self.count)
        for number, (start, end) in enumerate(itertools.pairwise(self.starts)):
            if end - start > 8:
                levels[number] = np.median(values[start:end]) / np.log(2)
        known = levels > 0
        if known.any():
            levels = np.interp(np.arange(self.count), np.flatnonzero(known), levels[known])
        return np.asarray(np.maximum(levels, 1e-30)[self.ring])


def _streaks(power: Array, block: int = 64) -> Array:
    """Mean power along k_y, where the jitter of scan lines smears spots: from the lowest quarter of each block."""
    blocks = -(-power.shape[0] // block)
    quarter = np.array([np.quantile(part, 0.25, axis=0) for part in np.array_split(power, blocks)])
    sizes = [len(part) for part in np.array_split(np.arange(power.shape[0]), blocks)]
    return np.repeat(quarter / -np.log(0.75), sizes, axis=0)


def _maxima(power: Array, candidates: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Local maxima among the candidates, the strongest first, shape (n, 2)."""
    highest = ndimage.maximum_filter(power, size=7, mode="wrap")
    places = np.argwhere(candidates & (power == highest))
    return places[ranked(power[tuple(places.T)], highest=True)]


def _peak(power: Array, y: int, x: int, padded: list[int], pixel_size: float) -> tuple[float, float]:
    """Wave vector of a maximum: vertex of parabolas through the logarithm of three points each way."""
    shifts = []
    for axis, at in ((0, y), (1, x)):
        around = [np.take(power, at + step, axis=axis, mode="wrap") for step in (-1, 0, 1)]
        low, here, high = np.log([max(float(line[x if axis == 0 else y]), 1e-300) for line in around])
        bend = low - 2 * here + high
        shifts.append(float(np.clip((low - high) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0)
    row = y - padded[0] if y > padded[0] // 2 else y
    return (row + shifts[0]) / (padded[0] * pixel_size), (x + shifts[1]) / (padded[1] * pixel_size)


def _is_apart(k: tuple[float, float], found: list[tuple[float, float, complex]], distance: float) -> bool:
    """From all that were found, and from their mirror images at −k."""
    return all(
        min(np.hypot(k[0] - a, k[1] - b), np.hypot(k[0] + a, k[1] + b)) > distance for a, b, _ in found
    )


def _fit_waves(
    left: Array, window: Array, pixel_size: float, found: list[tuple[float, float, complex]]
) -> list[tuple[float, float, complex]]:
    """Take the new waves off, with the wave vector moved by two Newton steps to where the spectrum peaks."""
    y, x = (pixel_size * (np.arange(n) - (n - 1) / 2) for n in left.shape)
    total = np.sum(window)
    fitted = []
    for ky, kx, old in found:
        if old != 0:
            fitted.append((ky, kx, old))
            continue
        weighted = window * left
        for _ in range(2):
            ky, kx, amplitude = _refined(weighted, y, x, ky, kx)
        amplitude /= total
        down, across = 2 * amplitude * np.exp(2j * np.pi * ky * y), np.exp(2j * np.pi * kx * x)
        # The real part of their outer product, as a product of two real matrices: ten times as fast.
        left -= np.stack([down.real, -down.imag], axis=1) @ np.stack([across.real, across.imag])
        fitted.append((ky, kx, amplitude))
    return fitted


def _refined(weighted: Array, y: Array, x: Array, ky: float, kx: float) -> tuple[float, float, complex]:
    """One Newton step for the maximum of |Σ f exp(−2πi k·r)|², and the sum itself where it stood."""
    down = np.exp(-2j * np.pi * ky * y)
    across = np.exp(-2j * np.pi * kx * x)
    factors = np.stack([down, down * y, down * y * y])
    rows = factors.real @ weighted + 1j * (factors.imag @ weighted)
    columns = np.stack([across, across * x, across * x * x])
    moments = rows @ columns.T
    s = moments[0, 0]
    gy, gx = -2j * np.pi * moments[1, 0], -2j * np.pi * moments[0, 1]
    hyy, hxx, hxy = (-4 * np.pi**2 * moments[i, j] for i, j in ((2, 0), (0, 2), (1, 1)))
    gradient = np.array([np.real(np.conj(s) * g) for g in (gy, gx)])
    hessian = np.array(
        [
            [np.real(np.conj(gy) * gy + np.conj(s) * hyy), np.real(np.conj(gy) * gx + np.conj(s) * hxy)],
            [np.real(np.conj(gx) * gy + np.conj(s) * hxy), np.real(np.conj(gx) * gx + np.conj(s) * hxx)],
        ]
    )
    if np.all(np.linalg.eigvalsh(hessian) < 0):
        step = -np.linalg.solve(hessian, gradient)
        limit = 0.5 / (abs(y[-1]) + abs(x[-1]))
        step *= min(1.0, limit / max(float(np.hypot(*step)), 1e-300))
        ky, kx = ky + step[0], kx + step[1]
    return float(ky), float(kx), complex(s)


def _as_spots(
    found: list[tuple[float, float, complex]],
    window: Array,
    noise: Array,
    radius: Array,
    pixel_size: float,
    length: float,
) -> Spots:
    vectors = np.array([(ky, kx) for ky, kx, _ in found]).reshape(-1, 2)
    waves = 2 * np.array([a for *_, a in found], complex)
    amplitudes = np.abs(waves)
    power = (amplitudes / 2) ** 2 * np.sum(window) ** 2 / np.sum(window**2)
    steps = (vectors * pixel_size * [noise.shape[0], 2 * (noise.shape[1] - 1)]).round().astype(int)
    level = noise[steps[:, 0] % noise.shape[0], np.clip(steps[:, 1], 0, noise.shape[1] - 1)]
    signals = power / level if len(found) else np.zeros(0)
    # Cramér and Rao's bound for a wave under a Hann window; a floor for what is no wave at all.
    sigmas = 0.5 / length / np.sqrt(np.maximum(signals, 1.0)) + 0.004 / length
    order = ranked(amplitudes, highest=True)
    spread = float(np.sqrt(np.median(noise[radius < 0.5 / pixel_size])))
    return Spots(
        vectors[order],
        sigmas[order],
        amplitudes[order],
        np.angle(waves)[order],
        signals[order],
        spread,
        length,
    )
