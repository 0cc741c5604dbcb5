"""Two-phase random media: fractal patterns, and the patterns of one or many lengths that look like them."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft, ndimage, special

from nbtools.physics.domain import require_positive, require_within

Field = NDArray[np.float32]
Phase = NDArray[np.bool_]
GRAIN_CLASSES = 14


def cutoff_ratio(fraction: float, *, dimension: float, space: int = 2) -> float:
    """L/l = f^(−1/(d − D)): the outer over the inner cut-off that a mass fractal of this filling has.

    Parameters
    ----------
    fraction : share f of the phase, between 0 and 1
    dimension : D, below `space`
    space : d, 2 for a section, 3 for a volume

    Source: Mandelbrot, The Fractal Geometry of Nature (1982), ch. 14; the mass in L^d is L^D l^(d − D).
    """
    require_within(0, 1, fraction=fraction)
    require_positive(fraction=fraction, codimension=space - dimension)
    return float(fraction ** (-1 / (space - dimension)))


def fractal_cascade(
    shape: Sequence[int],
    rng: Generator,
    *,
    fraction: float = 0.265,
    codimension: float = 0.33,
    inner: float = 2.3,
) -> Phase:
    """Fractal percolation: cells are halved again and again, and each half is kept with p = 2^−(d − D).

    After n levels with p^n = f the pattern is a mass fractal between `inner` and 2^n times it. The grid is
    rolled by a random shift and resampled at `inner` voxels a cell, so that no box of 2^k falls on a cell.

    Parameters
    ----------
    shape : of the image or volume, voxels
    fraction : mean share of the phase; one field of view scatters about it where it holds few outer cells
    codimension : d − D, between 0 and 1
    inner : edge of the smallest cell, voxels

    Source: Mandelbrot, J. Fluid Mech. 62, 331 (1974); Chayes, Chayes and Durrett, PTRF 77, 307 (1988).
    """
    require_positive(codimension=codimension, inner=inner, fraction=fraction)
    levels = _levels(fraction, codimension)
    cells = 2**levels
    blocks = [max(1, math.ceil((side / inner + 1) / cells)) for side in shape]
    phase = np.ones(blocks, bool)
    for keep in _keep_shares(fraction, codimension, levels):
        for axis in range(len(shape)):
            phase = np.repeat(phase, 2, axis=axis)
        phase &= rng.random(phase.shape, dtype=np.float32) < keep
    for axis, side in enumerate(shape):
        shift = rng.uniform(0, phase.shape[axis])
        at = np.floor(np.arange(side) / inner + shift).astype(int) % phase.shape[axis]
        phase = np.take(phase, at, axis=axis)
    return phase


def woven_cascade(
    shape: Sequence[int],
    rng: Generator,
    *,
    fraction: float = 0.265,
    codimension: float = 0.33,
    inner: float = 2.3,
) -> Phase:
    """A mass fractal without a grid: the common part of Gaussian level sets, one for each octave of length.

    Each level keeps p = 2^−(d − D) of the space and its length is twice the one before; `inner` is
    the length of the smallest (voxels). Lengths end at half the field. Arguments as `fractal_cascade` has them.
    """
    require_positive(codimension=codimension, inner=inner, fraction=fraction)
    phase = np.ones(tuple(shape), bool)
    levels = _levels(fraction, codimension)
    longest = min(shape) / 6  # a periodic field has no room for more
    for level, keep in enumerate(reversed(_keep_shares(fraction, codimension, levels))):
        # A Gaussian level set of kernel σ has features about 3σ wide.
        length = min(inner * 2**level / 3, longest)
        field = gaussian_field(shape, rng, correlation_length=length)
        phase &= level_set(field, keep)
    return phase


def gaussian_field(
    shape: Sequence[int],
    rng: Generator,
    *,
    correlation_length: float,
    stretch: Sequence[float] | None = None,
) -> Field:
    """White noise smoothed with a Gaussian of one length: mean 0, variance 1, periodic.

    Its correlation is exp(−r²/4s²).

    Parameters
    ----------
    correlation_length : s of the smoothing kernel, voxels
    stretch : one factor an axis on s; (2, 1, 1) draws the pattern out along the first axis

    Source: Quiblier, J. Colloid Interface Sci. 98, 84 (1984).
    """
    factors = tuple(stretch) if stretch is not None else (1.0,) * len(shape)
    require_positive(correlation_length=correlation_length, stretch=factors)
    exponent = np.zeros((1,) * len(shape), np.float32)
    for k, factor in zip(_wave_numbers(shape), factors, strict=True):
        exponent = exponent + (k * np.float32(correlation_length * factor)) ** 2
    return _shaped_noise(shape, rng, np.exp(-exponent / 2))


def power_law_field(
    shape: Sequence[int], rng: Generator, *, exponent: float = 3.0, band: tuple[float, float] = (4.0, 256.0)
) -> Field:
    """A Gaussian field whose spectral density falls as k^−exponent between two wavelengths (voxels), else zero.

    In d dimensions its level lines have the dimension d − H with H = (exponent − d)/2; what they
    enclose is no mass fractal: it is solid, only its surface is rough.
    """
    require_positive(exponent=exponent, band=band)
    k = np.sqrt(sum(one.astype(np.float64) ** 2 for one in _wave_numbers(shape)))
    inside = (k >= 2 * np.pi / max(band)) & (k <= 2 * np.pi / min(band))
    amplitude = np.zeros(k.shape, np.float32)
    amplitude[inside] = k[inside] ** (-exponent / 2)
    return _shaped_noise(shape, rng, amplitude)


def level_set(field: NDArray[np.floating], fraction: float) -> Phase:
    """The points of the highest values that make up `fraction` of the field."""
    require_within(0, 1, fraction=fraction)
    kept = round(fraction * field.size)
    if kept == 0:
        return np.zeros(field.shape, bool)
    threshold = np.partition(field, field.size - kept, axis=None)[field.size - kept]
    return np.asarray(field >= threshold)


def lognormal_grains(
    shape: Sequence[int],
    rng: Generator,
    *,
    fraction: float = 0.265,
    median_radius: float = 8.0,
    spread: float = 1.3,
) -> Phase:
    """Overlapping discs (spheres) whose radii are lognormal: many lengths, but solid inside.

    Parameters
    ----------
    fraction : mean share of the phase
    median_radius : median of the radius weighted by area (volume); voxels, periodic
    spread : standard deviation of ln radius, from 1 voxel to a third of the field

    Source: Boolean model; Serra, Image Analysis and Mathematical Morphology (1982), ch. XIII.
    """
    require_positive(median_radius=median_radius, spread=spread)
    require_within(0, 1, fraction=fraction)
    # The covered share is 1 − exp(−n V): each class of radius gets its part of n V.
    edges = np.linspace(0, math.log(max(min(shape) / 3, 2)), GRAIN_CLASSES + 1)
    radii = np.exp((edges[1:] + edges[:-1]) / 2)
    weights = np.diff(special.ndtr((edges - math.log(median_radius)) / spread))
    covered = -math.log1p(-fraction) * weights / weights.sum()
    places = np.zeros((*shape[:-1], shape[-1] // 2 + 1), np.complex64)
    for radius, share in zip(radii, covered, strict=True):
        ball = _ball(shape, radius)
        centres = rng.poisson(share / ball.sum(), tuple(shape)).astype(np.float32)
        places += fft.rfftn(centres) * fft.rfftn(ball)
    return np.asarray(fft.irfftn(places, s=tuple(shape)) > 0.5)


def isolated_grains(
    shape: Sequence[int], rng: Generator, *, fraction: float = 0.265, spacing: float = 14.0
) -> Phase:
    """Cells of a random tessellation, each shrunk until the fraction is left: nothing touches, nothing spans.

    Parameters
    ----------
    spacing : mean distance of the grains, voxels; the gaps between them are about (1 − f^(1/d)) of it

    Source: Poisson-Voronoi cells; Okabe et al., Spatial Tessellations (2000), ch. 5.
    """
    require_positive(spacing=spacing)
    away = np.ones(tuple(shape), bool)
    count = max(2, round(math.prod(shape) / spacing ** len(shape)))
    away.flat[rng.choice(away.size, count, replace=False)] = False
    nearest = ndimage.distance_transform_edt(away, return_distances=False, return_indices=True)
    cells = np.ravel_multi_index(tuple(nearest), tuple(shape))
    border = np.zeros(tuple(shape), bool)
    for axis in range(len(shape)):
        step = np.diff(cells, axis=axis) != 0
        border |= np.pad(step, [(0, 1) if a == axis else (0, 0) for a in range(len(shape))])
    depth = ndimage.distance_transform_edt(~border)
    # Distances on a grid come in steps: a trace of noise parts equals, so that the fraction is met.
    return level_set((depth + 0.3 * rng.random(depth.shape)).astype(np.float32), fraction)


def hollow_share(section: NDArray[np.bool_], *, smoothing: float = 4.0) -> float:
    """Share of the interface on a section that is hollow seen from the phase: 0 of discs, 1 of what lies between discs.

    Parameters
    ----------
    section : (y, x), True in the phase
    smoothing : pixels; what is smaller is rounded off

    Returns
    -------
    Between 0 and 1; NaN without an interface. The curvature is that of the level line of the smoothed phase,
    κ = −∇·(∇u/|∇u|).
    """
    u = ndimage.gaussian_filter(section.astype(np.float64), smoothing)
    down, across = np.gradient(u)
    steep = np.hypot(down, across)
    with np.errstate(divide="ignore", invalid="ignore"):
        curvature = -(np.gradient(down / steep, axis=0) + np.gradient(across / steep, axis=1))
    line = (np.abs(u - 0.5) < 0.5 * steep) & np.isfinite(curvature)
    return float(np.mean(curvature[line] < 0)) if line.any() else math.nan


def _levels(fraction: float, codimension: float) -> int:
    require_within(0, 1, fraction=fraction, codimension=codimension)
    return max(1, math.ceil(-math.log2(fraction) / codimension - 1e-9))


def _keep_shares(fraction: float, codimension: float, levels: int) -> list[float]:
    """The share kept at each level, the coarsest first; that one makes up what is left of the fraction."""
    keep = 2.0**-codimension
    return [fraction / keep ** (levels - 1), *[keep] * (levels - 1)]


def _wave_numbers(shape: Sequence[int]) -> list[Field]:
    """2π times the frequencies of each axis, shaped to be broadcast; the last axis is a half one."""
    axes = [fft.fftfreq(side) for side in shape[:-1]] + [fft.rfftfreq(shape[-1])]
    return [np.asarray(2 * np.pi * k, np.float32) for k in np.ix_(*axes)]


def _shaped_noise(shape: Sequence[int], rng: Generator, amplitude: Field) -> Field:
    noise = fft.rfftn(rng.standard_normal(tuple(shape), dtype=np.float32))
    field = fft.irfftn(noise * amplitude, s=tuple(shape))
    field -= field.mean()
    if not field.any():
        raise ValueError(f"a field of {tuple(shape)} voxels holds no wave of the length that was asked for")
    return np.asarray(field / field.std(), np.float32)


def _ball(shape: Sequence[int], radius: float) -> Field:
    """The voxels within `radius` of the origin of a periodic field."""
    squares = np.ix_(*[(side * fft.fftfreq(side)) ** 2 for side in shape])
    return np.asarray(sum(squares) <= radius**2, np.float32)
