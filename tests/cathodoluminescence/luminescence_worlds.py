"""Spectra and maps with known answers, made without the twin: another geometry, another noise, another size."""

import numpy as np

ENERGY = np.linspace(1.5, 4.0, 512)
CENTRES = np.array([3.54, 2.84, 2.40, 1.70])
WIDTHS = np.array([0.20, 0.15, 0.14, 0.13])


def bands(energy, heights, centres, widths, background=0.0):
    """Σ h exp(−(E − c)²/2w²) + background, shape (…, n)."""
    u = (energy - np.asarray(centres)[..., None]) / np.asarray(widths)[..., None]
    return np.sum(np.asarray(heights)[..., None] * np.exp(-0.5 * u**2), axis=-2) + background


def band_map(seed, *, shape=(12, 12), height=(100.0, 600.0), background=20.0, spread=0.02):
    """Counts (y, x, n) with centres of every pixel moved by `spread` eV; and the planted centres and heights."""
    rng = np.random.default_rng(seed)
    centres = CENTRES + spread * rng.standard_normal((*shape, 4))
    widths = WIDTHS * np.exp(0.05 * rng.standard_normal((*shape, 4)))
    heights = rng.uniform(*height, (*shape, 4))
    return rng.poisson(bands(ENERGY, heights, centres, widths, background)).astype(float), centres, heights


def stripes(size=64, period=16, dark=5):
    """An emitter of slanted stripes: True in MgO."""
    y, x = np.mgrid[:size, :size]
    return (x + y // 4) % period >= dark


def blobs(seed, size=64, share=0.27):
    """An emitter with irregular dark islands."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(seed).standard_normal((size, size)), 3, mode="wrap")
    return field < np.quantile(field, 1 - share)


def serpentine(size=64, width=1.5, periods=2.5, phase=0.0):
    """A line that winds from side to side, 0–1."""
    y, x = np.mgrid[:size, :size]
    line = size / 2 + 0.28 * size * np.sin(2 * np.pi * periods * x / size + phase)
    return np.exp(-0.5 * ((y - line) / width) ** 2 / (1 + (2 * np.pi * periods * 0.28) ** 2 / 4))


def shot(seed, mean):
    """Poisson counts."""
    return np.random.default_rng([seed, 9]).poisson(np.maximum(mean, 0.0)).astype(float)
