"""The field of a stream function in its own plate, averaged over the thickness, without periodic images."""

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, next_fast_len, rfft2

from nbtools.physics.current_sheet import wave_numbers

Array = NDArray[np.float64]
SUM_OF_INVERSE_CUBES = 9.0336217  # over a square lattice without its origin: the field of periodic images


def mean_response(k: Array, thickness: float) -> Array:
    """Q(k) of G averaged over the thickness: (1 − (1 − e^(−kd))/kd)/d, and k/2 of a sheet."""
    if not thickness:
        return k / 2
    kd = k * thickness
    return np.where(kd < 1e-4, k / 2, (1 + np.expm1(-kd) / np.maximum(kd, 1e-12)) / thickness)


def open_kernel(
    shape: tuple[int, ...], padded: tuple[int, ...], pixel_size: float, thickness: float
) -> Array:
    """The transform of Q(r) without its periodic images: sampled on a wide square, cut out, images subtracted."""
    side = next_fast_len(6 * max(shape), real=True)
    wide = irfft2(mean_response(wave_numbers((side, side), pixel_size)[2], thickness), s=(side, side))
    wide += SUM_OF_INVERSE_CUBES * pixel_size**2 / (4 * np.pi * (side * pixel_size) ** 3)
    rows, columns = (np.r_[0:n, -n + 1 : 0] for n in shape)
    places = np.ix_(
        np.r_[0 : shape[0], padded[0] - shape[0] + 1 : padded[0]],
        np.r_[0 : shape[1], padded[1] - shape[1] + 1 : padded[1]],
    )
    kernel = np.zeros(padded)
    kernel[places] = wide[np.ix_(rows, columns)]
    return rfft2(kernel)
