"""Slices of a drifting field, laid on each other."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from nbtools.analysis.grey_levels import checked_grey
from nbtools.analysis.segmentation import remove_stripes
from nbtools.statistics.choice import ceil_whole

Array = NDArray[np.float32]

LONGEST_STEP = 8  # pixels a slice: a match further off is a chance one


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

    Neighbouring slices of a real structure differ, which a match takes for drift: a third of a pixel a slice in the
    twin. Lengths along z come out some per cent short, and a slow shear is not seen at all.

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
    steps = np.zeros((len(grey), 2))
    for number in range(1, len(grey)):
        pair = smooth[number - 1], smooth[number]
        steps[number], *_ = phase_cross_correlation(*pair, upsample_factor=precision, normalization=None)
    # In whole parts of a pixel: their sum is then exact, and a drift of whole pixels stays one.
    steps = np.round(steps * precision)
    steps[np.abs(steps).max(axis=1) > LONGEST_STEP * precision] = 0.0
    offsets = np.cumsum(-steps, axis=0)
    offsets = (offsets - np.median(offsets, axis=0)) / precision
    return Alignment(shifted_back(grey, offsets), offsets)


def shifted_back(stack: Any, offsets: NDArray[np.float64], *, order: int = 1) -> Array:
    """Slices moved by −offset and cut to what all of them show; order 0 keeps labels whole."""
    moved = np.stack(
        [
            ndimage.shift(face, -offset, order=order, mode="nearest")
            for face, offset in zip(np.asarray(stack), offsets, strict=True)
        ]
    )
    first = ceil_whole(np.maximum(0, -offsets.min(axis=0)))
    last = ceil_whole(np.maximum(0, offsets.max(axis=0)))
    cuts = [slice(a, side - b) for a, b, side in zip(first, last, moved.shape[1:], strict=True)]
    return np.asarray(moved[:, cuts[0], cuts[1]])
