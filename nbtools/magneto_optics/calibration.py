"""From camera counts to B_z, pixel by pixel, with calibration frames taken above T_c in known uniform fields.

The frames are worked through in bands of rows, so that a long series of large frames needs little more memory than
its result.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import irfft2, rfft2
from scipy.ndimage import (
    binary_dilation,
    convolve,
    gaussian_filter,
    maximum_filter,
    minimum_filter,
    uniform_filter,
    zoom,
)

from nbtools.physics.current_sheet import wave_numbers
from nbtools.physics.domain import require_not_negative, require_one_of, require_positive
from nbtools.statistics.arrays import real_array, refuse_masked

Array = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
FULL_SCALES = tuple(2**bits - 1 for bits in (8, 10, 12, 14, 16))
SATURATED_SHARE = 0.01  # of the pixels of a frame, beyond which it is refused
FEWEST_FRAMES = 3
HIGHEST_DEGREE = 6
# Half ranges of the calibration from its middle, as far as a pixel's curve is followed, and in which steps.
FURTHEST, TABLE_STEP = 1.4, 0.1
NEWTON_STEPS = 4  # from the chord between two places of the table
BAND = 1 << 17  # pixels that are worked on at once
SAMPLED = 1 << 16  # pixels that decide on the degree of the polynomial
NOISY_FRAMES = 9  # of a series, by which the camera's noise is known
WALL_SIGMAS = 6.0
# The mean response to this mask is zero for a plane and for any line: what is left is noise (Immerkær 1996).
ROUGHNESS = np.outer([1.0, -2.0, 1.0], [1.0, -2.0, 1.0]) / 6


@dataclass(frozen=True)
class CalibratedField:
    """B_z of one image or of a stack of them; stands for its `field` where an array is wanted.

    Attributes
    ----------
    field : shape (…, y, x), T, in single precision; rows as in the image given
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
    doubtful: Mask
    response: str
    noise: float
    misfit: float
    sensitivity: Array

    @property
    def filled(self) -> Array:
        """The field with every doubtful pixel replaced by the mean of the good ones around it."""
        filled = self.field.copy()
        for one, bad in zip(_stacked(filled), _stacked(self.doubtful), strict=True):
            _fill(one, bad)
        return filled

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.field, dtype=dtype)

    @property
    def fit(self) -> str:
        """What was fitted, and how well it describes the calibration."""
        return f"{self.response}, " + (
            "exact" if np.isnan(self.misfit) else f"misfit {self.misfit:.2f} of the noise"
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
    image, known, field = _check(raw, frames, applied)
    require_one_of(("polynomial", "malus"), response=response)
    require_not_negative(smooth=smooth)
    stack = _stacked(image)
    noise = float(np.median([roughness(one) for one in stack[:: max(1, -(-len(stack) // NOISY_FRAMES))]]))
    if smooth:
        known = np.array([gaussian_filter(np.asarray(one, float), smooth) for one in known])
    fit = _malus(known, field, analyser) if response == "malus" else _polynomial(known, field, noise)
    middle = np.abs(np.subtract(known[np.argmax(field)], known[np.argmin(field)], dtype=float)) / np.ptp(
        field
    )
    floor = 0.1 * float(np.median(middle))
    spread = noise * np.sqrt(1 + fit.leverage / max(1.0, 4 * np.pi * smooth**2))
    values, sigma = (np.empty(stack.shape, np.float32) for _ in range(2))
    doubtful = np.zeros(stack.shape, bool)
    reach = 0.1 * np.ptp(field)
    rows = max(1, BAND // stack.shape[2])
    for first in range(0, stack.shape[1], rows):
        band = np.s_[first : first + rows]
        invert = fit.of(band)
        for one, b, s, bad in zip(stack, values, sigma, doubtful, strict=True):
            found, slope = invert(np.asarray(one[band], float))
            b[band], s[band] = found, spread / np.maximum(np.abs(slope), floor)
            bad[band] = (
                (found < field.min() - reach) | (found > field.max() + reach) | (np.abs(slope) < floor)
            )
    top = _full_scale(stack)
    for one, b, s, bad in zip(stack, values, sigma, doubtful, strict=True):
        bad |= find_walls(b, s)
        if top is not None:
            bad |= one == top
    exact = known.shape[0] == FEWEST_FRAMES
    return CalibratedField(
        values.reshape(image.shape),
        sigma.reshape(image.shape),
        doubtful.reshape(image.shape),
        fit.name,
        noise,
        float("nan") if exact else fit.misfit / noise,
        middle.astype(np.float32),
    )


# ---- what an indicator makes of a field


@dataclass(frozen=True)
class _Response:
    """A response fitted to each pixel; `of` a band of rows inverts counts into T, and gives counts per T there."""

    name: str
    of: Callable[[slice], Callable[[Array], tuple[Array, Array]]]
    misfit: float  # counts
    leverage: float  # variance of the fitted curve over that of one frame


def _polynomial(known: NDArray[Any], field: Array, noise: float) -> _Response:
    """A polynomial of B for each pixel, inverted on the branch through the middle of the calibration."""
    degree = choose_degree(known, field, noise)
    middle, half = (field.max() + field.min()) / 2, np.ptp(field) / 2
    design = _powers(field, field, degree)
    solver = np.linalg.pinv(design)
    coefficients = np.tensordot(solver, known, axes=(1, 0))
    freedom = max(field.size - degree - 1, 1)
    squares = np.zeros(known.shape[1:])
    for row, frame in zip(design, known, strict=True):
        squares += (frame - np.tensordot(row, coefficients, axes=(0, 0))) ** 2
    # A median, since walls of the film that wander from frame to frame are no fault of the polynomial.
    misfit = float(np.median(np.sqrt(squares / freedom)))
    leverage = float(np.mean(np.sum((design @ solver) ** 2, axis=1)))

    def of(band: slice) -> Callable[[Array], tuple[Array, Array]]:
        curves = coefficients[:, band]
        places, values, sense = _branch(curves)

        def invert(counts: Array) -> tuple[Array, Array]:
            u = _chord(places, values, sense, counts)
            for _ in range(NEWTON_STEPS):
                value, slope = _evaluate(curves, u)
                with np.errstate(divide="ignore", invalid="ignore"):
                    move = np.nan_to_num((counts - value) / slope, nan=0.0, posinf=0.0, neginf=0.0)
                u = np.clip(u + np.clip(move, -TABLE_STEP, TABLE_STEP), -FURTHEST, FURTHEST)
            return middle + half * u, _evaluate(curves, u)[1] / half

        return invert

    return _Response(f"polynomial of degree {degree}", of, misfit, leverage)


def choose_degree(known: NDArray[Any], field: Array, noise: float) -> int:
    """Two, or as many more as AIC over the pixels asks for; never so many that nothing is left to judge by."""
    pixels = known[0].size
    flat = np.asarray(known.reshape(field.size, -1)[:, :: max(1, pixels // SAMPLED)], float)
    scores = {}
    for degree in range(2, max(2, min(HIGHEST_DEGREE, np.unique(field).size - 2)) + 1):
        design = _powers(field, field, degree)
        rest = flat - design @ (np.linalg.pinv(design) @ flat)
        scores[degree] = float(np.mean(rest**2)) * field.size / max(noise, 1e-12) ** 2 + 2 * (degree + 1)
    return min(scores, key=lambda degree: scores[degree])


def _powers(values: Array, field: Array, degree: int) -> Array:
    """Powers of B in units of the calibrated range, which keeps them of one size."""
    middle, half = (field.max() + field.min()) / 2, np.ptp(field) / 2
    return np.vander((values - middle) / half, degree + 1, increasing=True)


def _branch(curves: Array) -> tuple[Array, Array, Array]:
    """A table of each pixel's curve along the branch that the middle is on, rising; held where the branch ends.

    Light near its minimum is the same on both sides of it, so a curve is followed from its middle as far as it keeps
    its sense.
    """
    places = np.arange(-FURTHEST, FURTHEST + TABLE_STEP / 2, TABLE_STEP)
    centre = places.size // 2
    sense = np.sign(_evaluate(curves, np.zeros(curves.shape[1:]))[1])
    values = np.empty((places.size, *curves.shape[1:]))
    values[centre] = sense * _evaluate(curves, np.full(curves.shape[1:], places[centre]))[0]
    for way in (1, -1):
        whole = np.ones(curves.shape[1:], bool)
        last = centre
        for number in range(centre + way, places.size if way > 0 else -1, way):
            value, slope = _evaluate(curves, np.full(curves.shape[1:], places[number]))
            whole &= slope * sense > 0
            values[number] = np.where(whole, sense * value, values[last])
            last = number
    return places, values, sense


def _chord(places: Array, values: Array, sense: Array, counts: Array) -> Array:
    """Where the chord between two places of the table meets the counts; the branch's end beyond it."""
    wanted = sense * counts
    below = np.zeros(counts.shape, np.intp)
    for value in values[1:-1]:
        below += value < wanted
    low, high = (np.take_along_axis(values, (below + n)[None], axis=0)[0] for n in (0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(high > low, (wanted - low) / (high - low), 0.0)
    return places[below] + TABLE_STEP * np.clip(share, 0.0, 1.0)


def _evaluate(coefficients: Array, u: Array) -> tuple[Array, Array]:
    """Value and slope of each pixel's polynomial (Horner)."""
    value, slope = np.zeros_like(u), np.zeros_like(u)
    for c in coefficients[::-1]:
        slope *= u
        slope += value
        value *= u
        value += c
    return value, slope


def _malus(known: NDArray[Any], field: Array, analyser: float | None) -> _Response:
    """dark and I₀ of each pixel, c of each block of pixels, for the rotation of the film changes slowly."""
    if analyser is None:
        raise ValueError(
            'response="malus" needs analyser=, the angle (rad) between the polarisers and crossed ones'
        )
    theta, frames = float(analyser), np.asarray(known, float)
    c = _rotation(frames, field, theta)
    bright = np.sin(c * field[:, None, None] + theta) ** 2
    centred, level = bright - bright.mean(axis=0), frames.mean(axis=0)
    amplitude = (centred * frames).sum(axis=0) / (centred**2).sum(axis=0)
    dark = level - bright.mean(axis=0) * amplitude
    misfit = float(np.sqrt(np.mean((frames - dark - amplitude * bright) ** 2)))

    def of(band: slice) -> Callable[[Array], tuple[Array, Array]]:
        def invert(counts: Array) -> tuple[Array, Array]:
            with np.errstate(divide="ignore", invalid="ignore"):
                share = np.nan_to_num(np.clip((counts - dark[band]) / amplitude[band], 0.0, 1.0), nan=0.0)
            angle = np.arcsin(np.sqrt(share))
            return (angle - theta) / c[band], amplitude[band] * c[band] * np.sin(2 * angle)

        return invert

    return _Response(f"I₀ sin²(cB + {np.degrees(theta):.2g}°)", of, misfit, 1.0)


def _rotation(known: Array, field: Array, theta: float) -> Array:
    """c (rad/T) by the least misfit of dark and I₀, on a grid of values and of blocks."""
    rows, columns = known.shape[1:]
    size = 8 if min(rows, columns) >= 64 else 1
    tall, wide = rows // size, columns // size
    blocks = known[:, : tall * size, : wide * size].reshape(-1, tall, size, wide, size).mean(axis=(2, 4))
    flat, best, c = blocks - blocks.mean(axis=0), np.full((tall, wide), np.inf), np.ones((tall, wide))
    # Up to where the strongest field would turn the light to its maximum.
    for trial in np.linspace(0.02, 0.98, 193) * (np.pi / 2 - theta) / np.abs(field).max():
        bright = np.sin(trial * field + theta) ** 2
        centred = bright - bright.mean()
        amplitude = np.tensordot(centred, flat, axes=(0, 0)) / (centred @ centred)
        rest = ((flat - centred[:, None, None] * amplitude) ** 2).sum(axis=0)
        c, best = np.where(rest < best, trial, c), np.minimum(rest, best)
    return np.asarray(zoom(c, (rows / tall, columns / wide), order=1, mode="nearest", grid_mode=True))


# ---- the film's moment lies in its plane


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
    pixel_size : m
    anisotropy_field : B_A, T
    """
    measured = np.asarray(field)
    require_positive(pixel_size=pixel_size, anisotropy_field=anisotropy_field)
    stack = _stacked(measured)
    uniform = np.broadcast_to(np.asarray(applied, float).ravel(), len(stack))
    found = np.empty(stack.shape, np.result_type(measured.dtype, np.float32))
    for number, (one, own) in enumerate(zip(stack, uniform, strict=True)):
        corrected = one
        for _ in range(2):
            corrected = one * (1 + in_plane_field(corrected - own) / anisotropy_field)
        found[number] = corrected
    return found.reshape(measured.shape)


def in_plane_field(field: Array) -> Array:
    """|B_∥| of currents below, from their B_z (the same unit), by the fields' common potential."""
    rows, columns = field.shape
    padded = np.pad(field, ((rows // 2,) * 2, (columns // 2,) * 2), mode="linear_ramp")
    ky, kx, k = wave_numbers(padded.shape, 1.0)
    k[0, 0] = 1.0
    spectrum = rfft2(padded)
    along = [irfft2(-1j * one / k * spectrum, s=padded.shape) for one in (kx, ky)]
    return np.hypot(*along)[rows // 2 : rows // 2 + rows, columns // 2 : columns // 2 + columns]


# ---- pixels that are not to be believed


def _stacked(values: NDArray[Any]) -> NDArray[Any]:
    return values.reshape(-1, *values.shape[-2:])


def _fill(values: Array, bad: Mask) -> None:
    """Each bad pixel takes the mean of the good ones nearby; where none are near, of those farther off."""
    good, open_pixels = np.where(bad, 0.0, values), bad.copy()
    for size in (3, 7, 15, 31):
        if not open_pixels.any():
            break
        weight = uniform_filter((~bad).astype(float), size, mode="nearest")
        mean = uniform_filter(good, size, mode="nearest")
        known = open_pixels & (weight > 1.5 / size**2)
        values[known] = mean[known] / weight[known]
        open_pixels &= ~known


def _full_scale(image: NDArray[Any]) -> int | None:
    """The top of the camera's scale, where the image is of whole numbers and reaches it."""
    if not np.issubdtype(image.dtype, np.integer):
        return None
    top = int(image.max())
    return top if top in FULL_SCALES else None


def saturated(image: NDArray[Any]) -> Mask:
    """Pixels at the top of the camera's scale."""
    top = _full_scale(image)
    return np.zeros(image.shape, bool) if top is None else image == top


def find_walls(field: ArrayLike, uncertainty: ArrayLike) -> Mask:
    """Pixels of a map that leave the median of their 5 × 5 neighbours: walls of the indicator's domains, dust.

    Where that median itself is steep, as at the edge of a sample, half of its rise there is allowed for, too.

    Parameters
    ----------
    field, uncertainty : shape (y, x), T
    """
    values, allowed = np.asarray(field), WALL_SIGMAS * np.asarray(uncertainty)
    # A pixel is no further from the median than from the extremes, which are quick to find.
    highest, lowest = (
        extreme(values, size=5, mode="nearest") for extreme in (maximum_filter, minimum_filter)
    )
    near = np.maximum(highest - values, values - lowest) > allowed
    if not near.any():
        return near
    middle = _median_at(values, binary_dilation(near, np.ones((5, 5), bool)))
    rise = np.zeros_like(values)
    rise[near] = (
        maximum_filter(middle, size=5, mode="nearest") - minimum_filter(middle, size=5, mode="nearest")
    )[near]
    return near & (np.abs(values - middle) > allowed + rise / 2)


def _median_at(values: Array, places: Mask) -> Array:
    """The median of 5 × 5 neighbours at some places; elsewhere the values as they are."""
    padded = np.pad(values, 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
    middle = values.copy()
    rows, columns = np.nonzero(places)
    for start in range(0, rows.size, BAND):
        part = np.s_[start : start + BAND]
        middle[rows[part], columns[part]] = np.median(
            windows[rows[part], columns[part]].reshape(-1, 25), axis=1
        )
    return middle


def roughness(image: ArrayLike) -> float:
    """σ of the pixel noise of an image, by what no smooth surface explains."""
    rough = convolve(np.asarray(image, float), ROUGHNESS, mode="nearest")
    return float(np.median(np.abs(rough)) / 0.6745)


def _check(raw: ArrayLike, frames: ArrayLike, applied: ArrayLike) -> tuple[NDArray[Any], NDArray[Any], Array]:
    """All three as arrays, or the sentence that refuses them."""
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
    for name, one, is_whole in zip(("raw", "frames"), (image, known), whole, strict=True):
        for number, picture in enumerate(_stacked(one)):
            if not is_whole and not np.isfinite(picture).all():
                raise ValueError(f"{name} hold NaN or infinity; leave out the frame, or fill the dead pixels")
            share = float(saturated(picture).mean())
            if share > SATURATED_SHARE:
                raise ValueError(
                    f"{name}: {100 * share:.0f} % of image {number} are saturated at {int(picture.max())} counts; "
                    "their field is lost. Expose for a shorter time"
                )
    return image, known, field
