"""From camera counts to B_z, pixel by pixel, with calibration frames taken above T_c in known uniform fields."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import irfft2, rfft2
from scipy.ndimage import (
    convolve,
    gaussian_filter,
    maximum_filter,
    median_filter,
    minimum_filter,
    uniform_filter,
)

from nbtools.analysis.indicator_response import choose_degree, invert_malus, invert_polynomial
from nbtools.physics.current_sheet import wave_numbers
from nbtools.physics.domain import require_not_negative, require_positive
from nbtools.statistics.arrays import real_array, refuse_masked

Array = NDArray[np.float64]
FULL_SCALES = tuple(2**bits - 1 for bits in (8, 10, 12, 14, 16))
SATURATED_SHARE = 0.01  # of the pixels of a frame, beyond which it is refused
FEWEST_FRAMES = 3
# The mean response to this mask is zero for a plane and for any line: what is left is noise (Immerkær 1996).
ROUGHNESS = np.outer([1.0, -2.0, 1.0], [1.0, -2.0, 1.0]) / 6


@dataclass(frozen=True)
class CalibratedField:
    """B_z of one image or of a stack of them; stands for its `field` where an array is wanted.

    field : shape (…, y, x), T; rows as in the image given
    uncertainty : the same shape, T; from camera noise of image and calibration
    doubtful : shape (…, y, x); True where the field is saturated, beyond the calibrated range by more than a tenth,
        where the indicator hardly answers, or on a domain wall
    response : what was fitted to each pixel
    noise : σ of one camera pixel (counts)
    misfit : rms of the calibration frames about the fit (counts), over `noise`; NaN where the fit is exact
    sensitivity : shape (y, x), counts per T in the middle of the calibrated range
    """

    field: Array
    uncertainty: Array
    doubtful: NDArray[np.bool_]
    response: str
    noise: float
    misfit: float
    sensitivity: Array

    @property
    def filled(self) -> Array:
        """The field with every doubtful pixel replaced by the mean of the good ones around it."""
        return np.array(
            [_fill(one, bad) for one, bad in zip(*map(_stacked, (self.field, self.doubtful)), strict=True)]
        ).reshape(self.field.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.field, dtype=dtype)

    def __str__(self) -> str:
        share = 100 * float(self.doubtful.mean())
        fit = "exact" if np.isnan(self.misfit) else f"misfit {self.misfit:.2f} of the noise"
        return (
            f"{self.response}, {fit}; camera noise {self.noise:.1f} counts, median σ of B_z "
            f"{1e3 * float(np.median(self.uncertainty)):.2g} mT; {share:.1f} % of the pixels are doubtful"
        )


def calibrate(
    raw: ArrayLike,
    frames: ArrayLike,
    applied: ArrayLike,
    *,
    response: Literal["polynomial", "malus"] = "polynomial",
    analyser: float | None = None,
    smooth: float = 0.0,
) -> CalibratedField:
    """B_z of raw images from frames above T_c, where the field is the applied one.

    Parameters
    ----------
    raw : shape (y, x) or (n, y, x), counts
    frames : shape (m, y, x), counts, m ≥ 3, same camera, same place
    applied : shape (m,), T; µ0 H of each frame, from lowest to highest wide enough for what `raw` holds
    response : "polynomial" of B, of the degree that the frames themselves bear out (2 with 3 or 4 frames); or "malus",
        dark + I₀ sin²(c B + θ) with dark, I₀ and c of each pixel, for few frames far apart
    analyser : θ, rad, from crossed polarisers; needed by "malus"
    smooth : pixels; σ of a Gaussian over the frames, to lessen their noise where light and film are even

    Raises
    ------
    ValueError
        No or too few frames, fields that do not fit them, other sizes or another bit depth, NaN, saturation.
    """
    stack, known, field = _check(raw, frames, applied)
    noise = float(np.median([roughness(one) for one in stack.reshape(-1, *stack.shape[-2:])]))
    if smooth:
        require_not_negative(smooth=smooth)
        known = np.array([gaussian_filter(one, smooth) for one in known])
    if response == "malus":
        values, slope, misfit = invert_malus(stack, known, field, analyser)
        name, leverage = f"I₀ sin²(cB + {np.degrees(analyser or 0):.2g}°)", 1.0
    elif response == "polynomial":
        degree = choose_degree(known, field, noise)
        values, slope, misfit, leverage = invert_polynomial(stack, known, field, degree)
        name = f"polynomial of degree {degree}"
    else:
        raise ValueError(f'response is {response!r}; it can be "polynomial" or "malus"')
    middle = np.abs(known[np.argmax(field)] - known[np.argmin(field)]) / np.ptp(field)
    floor = 0.1 * float(np.median(middle))
    leverage = leverage / max(1.0, 4 * np.pi * smooth**2)
    sigma = noise * np.sqrt(1 + leverage) / np.maximum(np.abs(slope), floor)
    reach = 0.1 * np.ptp(field)
    doubtful = (values < field.min() - reach) | (values > field.max() + reach) | (np.abs(slope) < floor)
    doubtful |= saturated(np.asarray(raw)) | find_walls(values, sigma)
    exact = known.shape[0] == FEWEST_FRAMES
    return CalibratedField(
        values, sigma, doubtful, name, noise, float("nan") if exact else misfit / noise, middle
    )


def correct_in_plane_field(
    field: ArrayLike, applied: ArrayLike, *, pixel_size: float, anisotropy_field: float
) -> Array:
    """B_z for an in-plane film that the currents' own in-plane field holds down.

    The film's moment turns up as B_z/(B_A + B_∥), the calibration in uniform fields knows only B_z/B_A. Above the plate
    the field is a gradient, so B_∥ follows from B_z itself: B_∥(k) = −i (k/|k|) B_z(k). Two passes.

    Parameters
    ----------
    field : shape (…, y, x), T, with the applied field in it
    applied : one number, or one for each map; T
    anisotropy_field : B_A, T
    """
    measured = np.asarray(field, float)
    uniform = np.asarray(applied, float).reshape(-1, *[1] * min(measured.ndim - 1, 2))
    require_positive(pixel_size=pixel_size, anisotropy_field=anisotropy_field)
    stack = _stacked(measured)
    uniform = np.broadcast_to(uniform.reshape(-1, 1, 1), (stack.shape[0], 1, 1))
    corrected = stack
    for _ in range(2):
        held = np.array([in_plane_field(one) for one in corrected - uniform])
        corrected = stack * (1 + held / anisotropy_field)
    return corrected.reshape(measured.shape)


def in_plane_field(field: Array) -> Array:
    """|B_∥| of currents below, from their B_z (the same unit), by the fields' common potential."""
    rows, columns = field.shape
    padded = np.pad(field, ((rows // 2,) * 2, (columns // 2,) * 2), mode="linear_ramp")
    ky, kx, k = wave_numbers(padded.shape, 1.0)
    k[0, 0] = 1.0
    spectrum = rfft2(padded)
    along = [irfft2(-1j * one / k * spectrum, s=padded.shape) for one in (kx, ky)]
    return np.hypot(*along)[rows // 2 : rows // 2 + rows, columns // 2 : columns // 2 + columns]


def _stacked(values: NDArray[Any]) -> NDArray[Any]:
    return values.reshape(-1, *values.shape[-2:])


def _fill(values: Array, bad: NDArray[np.bool_]) -> Array:
    """Each bad pixel takes the mean of the good ones nearby; where none are near, of those farther off."""
    filled, open_pixels = values.copy(), bad.copy()
    for size in (3, 7, 15, 31):
        if not open_pixels.any():
            break
        weight = uniform_filter((~bad).astype(float), size, mode="nearest")
        mean = uniform_filter(np.where(bad, 0.0, values), size, mode="nearest")
        known = open_pixels & (weight > 1.5 / size**2)
        filled[known] = mean[known] / weight[known]
        open_pixels &= ~known
    return filled


def saturated(image: NDArray[Any]) -> NDArray[np.bool_]:
    """Pixels at the top of the camera's scale, where the image is of whole numbers and many share that top."""
    if not np.issubdtype(image.dtype, np.integer):
        return np.zeros(image.shape, bool)
    top = int(image.max())
    return image == top if top in FULL_SCALES else np.zeros(image.shape, bool)


def find_walls(field: ArrayLike, uncertainty: ArrayLike, *, sigmas: float = 6.0) -> NDArray[np.bool_]:
    """Pixels that leave the median of their 5 × 5 neighbours: walls of the indicator's domains, dust.

    Where that median itself is steep, as at the edge of a sample, half of its rise there is allowed for, too.
    """
    values = np.asarray(field, float)
    size = (1,) * (values.ndim - 2) + (5, 5)
    middle = median_filter(values, size=size, mode="nearest")
    rise = maximum_filter(middle, size=size, mode="nearest") - minimum_filter(
        middle, size=size, mode="nearest"
    )
    return np.asarray(np.abs(values - middle) > sigmas * np.asarray(uncertainty) + rise / 2)


def roughness(image: ArrayLike) -> float:
    """σ of the pixel noise of an image, by what no smooth surface explains."""
    rough = convolve(np.asarray(image, float), ROUGHNESS, mode="nearest")
    return float(np.median(np.abs(rough)) / 0.6745)


def _check(raw: ArrayLike, frames: ArrayLike, applied: ArrayLike) -> tuple[Array, Array, Array]:
    """All three as float arrays, or the sentence that refuses them."""
    if frames is None or np.size(frames) == 0:
        raise ValueError("there are no calibration frames; take at least three above T_c in known fields")
    refuse_masked(raw, "raw")
    refuse_masked(frames, "frames")
    image, known, field = np.asarray(raw), np.asarray(frames), np.atleast_1d(real_array(applied, "applied"))
    if known.ndim != 3 or image.ndim not in (2, 3):
        raise ValueError(
            f"raw has the shape {image.shape} and frames {known.shape}; (y, x) or (n, y, x) and (m, y, x) are needed"
        )
    if image.shape[-2:] != known.shape[-2:]:
        raise ValueError(
            f"raw has {image.shape[-2:]} pixels and the calibration frames {known.shape[-2:]}; they must be of one "
            "camera and one crop"
        )
    if field.shape != known.shape[:1]:
        raise ValueError(
            f"{known.shape[0]} calibration frames came with {field.size} applied fields; one each is needed"
        )
    if not np.isfinite(field).all() or np.unique(field).size < FEWEST_FRAMES:
        raise ValueError(
            f"the frames are at {np.unique(field)} T; at least three different, finite fields are needed"
        )
    whole = [np.issubdtype(one.dtype, np.integer) for one in (image, known)]
    if all(whole) and image.dtype != known.dtype:
        raise ValueError(
            f"raw is {image.dtype} and the calibration frames are {known.dtype}: another bit depth; export both alike"
        )
    for name, one in (("raw", image), ("frames", known)):
        if not np.isfinite(one.astype(float)).all():
            raise ValueError(f"{name} hold NaN or infinity; leave out the frame, or fill the dead pixels")
        for number, picture in enumerate(one.reshape(-1, *one.shape[-2:])):
            share = float(saturated(picture).mean())
            if share > SATURATED_SHARE:
                raise ValueError(
                    f"{name}: {100 * share:.0f} % of image {number} are saturated at {int(picture.max())} counts; "
                    "their field is lost. Expose for a shorter time"
                )
    return image.astype(float), known.astype(float), field
