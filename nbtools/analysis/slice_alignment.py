"""Slices of a drifting field, laid on each other."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from nbtools.analysis.grey_levels import checked_grey
from nbtools.analysis.segmentation import remove_stripes

Array = NDArray[np.float32]

LAGS = (1, 2, 3)  # slices apart that are matched with each other
OFF = 1.5  # pixels by which a chance match misses the others


@dataclass(frozen=True)
class Alignment:
    """A stack whose slices lie on each other.

    stack : cut to the field that every slice shows; offsets : (n, 2) how far each slice was off, pixels (y, x)
    """

    stack: Array
    offsets: NDArray[np.float64]

    def __str__(self) -> str:
        wander = np.abs(self.offsets).max()
        return f"drift up to {wander:.1f} pixels; {' × '.join(map(str, self.stack.shape))} voxels are left"


def align_slices(stack: Any, *, precision: int = 5) -> Alignment:
    """Shift each slice onto the one before, by the peak of their smoothed cross-correlation.

    Parameters
    ----------
    stack : (z, y, x), any grey values
    precision : steps a pixel is divided into

    Source: Guizar-Sicairos, Thurman and Fienup, Opt. Lett. 33, 156 (2008), by scikit-image.
    """
    from skimage.registration import phase_cross_correlation

    grey = checked_grey(stack, dimensions=3)
    # Curtains and noise stay where they are while the sample moves: they would pin the match to zero.
    smooth = ndimage.gaussian_filter(remove_stripes(grey), (0, 1.5, 1.5))
    window = np.outer(*(np.hanning(side) for side in grey.shape[1:])).astype(np.float32)
    smooth = (smooth - smooth.mean(axis=(1, 2), keepdims=True)) * window
    pairs = [(i, i + lag) for lag in LAGS for i in range(len(grey) - lag)]
    steps = np.zeros((len(pairs), 2))
    for number, (one, other) in enumerate(pairs):
        found, *_ = phase_cross_correlation(
            smooth[one], smooth[other], upsample_factor=precision, normalization=None
        )
        steps[number] = -found
    offsets = _joined_steps(pairs, steps, len(grey))
    offsets -= np.median(offsets, axis=0)
    return Alignment(shifted_back(grey, offsets), offsets)


def _joined_steps(
    pairs: list[tuple[int, int]], steps: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """One offset a slice from many pairs, by least squares; a pair that is far off the others is left out."""
    design = np.zeros((len(pairs), count))
    design[np.arange(len(pairs)), [one for one, _ in pairs]] = -1
    design[np.arange(len(pairs)), [other for _, other in pairs]] = 1
    # Neighbours match best: a pair counts by one over its distance.
    weights = 1 / np.array([other - one for one, other in pairs], float)
    for _ in range(3):
        root = np.sqrt(weights)[:, None]
        offsets = np.linalg.lstsq(design * root, steps * root, rcond=None)[0]
        miss = np.abs(design @ offsets - steps).max(axis=1)
        weights = np.where(miss > OFF, 0.0, weights)
    return np.asarray(offsets, float)


def shifted_back(stack: Any, offsets: NDArray[np.float64], *, order: int = 1) -> Array:
    """Slices moved by −offset and cut to what all of them show; order 0 keeps labels whole."""
    moved = np.stack(
        [
            ndimage.shift(face, -offset, order=order, mode="nearest")
            for face, offset in zip(np.asarray(stack), offsets, strict=True)
        ]
    )
    first = np.ceil(np.maximum(0, -offsets.min(axis=0))).astype(int)
    last = np.ceil(np.maximum(0, offsets.max(axis=0))).astype(int)
    cuts = [slice(a, side - b) for a, b, side in zip(first, last, moved.shape[1:], strict=True)]
    return np.asarray(moved[:, cuts[0], cuts[1]])
