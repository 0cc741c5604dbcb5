"""Where light comes from in MgO/MgB2: the paper's channels of vacancies, and the rival worlds that look like them."""

from typing import Literal, get_args

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from nbtools.cathodoluminescence.model_centres import edge_out_coupling
from nbtools.physics.domain import require_one_of, require_positive, require_within

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
World = Literal["channels", "rim", "uniform", "out-coupling", "shuffled", "tail", "second order"]


def two_phase_map(
    shape: tuple[int, int], *, pixel: float, scale: float, dark_share: float, rng: Generator
) -> Mask:
    """A random interwoven two-phase section, True in the majority phase: a level set of a sum of smooth fields.

    Parameters
    ----------
    shape : (y, x) pixels of size `pixel` (m)
    scale : the largest structure's smoothing length (m); each further one is half as large
    dark_share : of the area, in the minority phase
    """
    require_positive(pixel=pixel, scale=scale)
    require_within(0.0, 1.0, dark_share=dark_share)
    field = np.zeros(shape)
    for octave in range(3):
        part = gaussian_filter(rng.standard_normal(shape), scale / 2**octave / pixel, mode="reflect")
        field += 0.55**octave * part / part.std()
    return np.asarray(field < np.quantile(field, 1 - dark_share))


def boundary_distance(emitter: Mask, pixel: float = 1.0) -> Array:
    """How far inside the emitter phase a pixel's centre lies from the other, 0 outside; infinite without another.

    In the unit of `pixel`: half a pixel at the boundary.
    """
    inside = np.asarray(emitter, bool)
    if inside.all():
        return np.full(inside.shape, np.inf)
    return np.where(inside, (distance_transform_edt(inside) - 0.5) * pixel, 0.0)


def winding_channels(
    emitter: Mask, *, pixel: float, scale: float, width: float, near: float, rng: Generator
) -> Array:
    """Long winding lines in the emitter phase that fade with distance from the other; 0–1, shape (y, x).

    The zero line of a smooth random field of length `scale`, `width` across (Gaussian, standard
    deviation), times exp(−d/near); all in m.
    """
    require_positive(pixel=pixel, scale=scale, width=width, near=near)
    field = gaussian_filter(rng.standard_normal(np.shape(emitter)), scale / pixel, mode="reflect")
    slope = np.hypot(*np.gradient(field, pixel))
    away = np.abs(field) / np.maximum(slope, 1e-3 * slope.max())
    line = np.exp(-0.5 * (away / width) ** 2)
    return np.where(emitter, line * np.exp(-boundary_distance(emitter, pixel) / near), 0.0)


def emission_maps(
    world: World,
    emitter: Mask,
    *,
    pixel: float,
    rng: Generator,
    rim_length: float = 0.6e-6,
    rim_gain: float = 1.0,
    channel_gain: float = 3.0,
    channel_width: float = 0.25e-6,
    channel_scale: float = 2e-6,
    edge_gain: float = 0.8,
    edge_length: float = 0.5e-6,
) -> dict[str, Array]:
    """Emission of the ultraviolet, green and red bands (relative, shape (y, x), 0 outside the emitter).

    - "channels": vacancies gather near the boundary, F more than F₂, and along winding lines. The paper's.
    - "rim": the same without the lines.
    - "uniform", "tail", "second order": the same everywhere ("tail" and "second order" differ in the spectrum).
    - "out-coupling": even emitters; all colours leave more easily at edges.
    - "shuffled": the values of "channels", each at a place of its own.
    """
    require_one_of(get_args(World), world=world)
    inside = np.asarray(emitter, bool)
    distance = boundary_distance(inside, pixel)
    one = inside.astype(float)
    if world in ("uniform", "tail", "second order"):
        return dict.fromkeys(("ultraviolet", "green", "red"), one)
    if world == "out-coupling":
        edge = one * edge_out_coupling(distance, gain=edge_gain, length=edge_length)
        return dict.fromkeys(("ultraviolet", "green", "red"), edge)
    rim = np.exp(-distance / rim_length)
    lines = np.zeros(inside.shape)
    if world != "rim":
        shape = {"scale": channel_scale, "width": channel_width, "near": 6 * rim_length}
        lines = winding_channels(inside, pixel=pixel, rng=rng, **shape)
    maps = {
        "ultraviolet": one * (1 + 0.4 * rim_gain * rim + 0.5 * channel_gain * lines),
        "green": one * (1 + rim_gain * rim + channel_gain * lines),
        "red": one * (1 + 0.5 * rim_gain * rim),
    }
    if world == "shuffled":
        order = rng.permutation(int(inside.sum()))
        for values in maps.values():
            values[inside] = values[inside][order]
    return maps
