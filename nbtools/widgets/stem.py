"""STEM under the hand: a window and its transform, a simulated pattern turned into place, the price of a step."""

from typing import Any

import numpy as np

from nbtools.analysis import stem
from nbtools.analysis.fft_indexing import index_spots, longest_spacing, named
from nbtools.analysis.stem import Boundary, check_image
from nbtools.explore.plots import Plot
from nbtools.explore.sliders import Explorer
from nbtools.models.stem_image import image_amplitude, zone_spots
from nbtools.physics.crystal_lattice import Structure, low_index_zones
from nbtools.units import Quantity

Array = np.ndarray[Any, np.dtype[np.float64]]
SMALLEST = 48  # pixels a side of a window; fewer show no lattice
FAINT = 0.03  # of the amplitude at 000, from which a simulated spot is drawn


def window_at(
    image: Array, pixel_size: float, crystals: dict[str, Structure], *, x: float, y: float, side: float
) -> dict[str, Any]:
    """A square window and the spots of its transform, with what crystal and zone they are.

    Parameters
    ----------
    image : shape (rows, columns)
    pixel_size, x, y, side : m; middle and side of the window
    """
    rows, columns = (
        _span(middle, side, pixel_size, n) for middle, n in zip((y, x), image.shape, strict=True)
    )
    part = image[rows, columns]
    weights = stem.hann_window(part.shape)
    spots = stem.find_spots(part, pixel_size, weights, longest=longest_spacing(crystals))
    found = index_spots(spots, crystals, largest_index=2)
    power, half = stem.power_spectrum(part, pixel_size, weights)
    box = [(v.start * pixel_size, v.stop * pixel_size) for v in (columns, rows)]
    (left, right), (top, bottom) = box
    frame = (np.array([left, right, right, left, left]), np.array([top, top, bottom, bottom, top]))
    height, width = (n * pixel_size for n in image.shape)
    name = "no zone found"
    curves: dict[str, Any] = {"spots": _both(spots.wave_vectors)}
    if found:
        zone = " ".join(map(str, found.best.zone))
        name = f"{found.best.crystal} [{zone}]{'' if found.determined else ' or another'}"
        curves[name] = _both(np.array([spot.wave_vector for spot in found.best.spots]))
    greys = np.round(8 * (image - image.min()) / (np.ptp(image) or 1.0))
    picture = Plot(
        {"window": frame}, "x", "y", "m", "m", greys, (0, width, 0, height), "gray", clicked=("x", "y")
    )
    limits = (float(np.percentile(power, 97)), float(power.max()))
    power = np.maximum(power, limits[0])
    transform = Plot(curves, "k_x", "k_y", "1/nm", "1/nm", power, _edges(half), "magma", limits)
    seen = Quantity(found.information_limit, np.nan, "m")
    return {"image": picture, "transform": transform, "shortest period": seen}


def _span(middle: float, side: float, pixel_size: float, size: int) -> slice:
    length = int(np.clip(round(side / pixel_size), SMALLEST, size))
    start = int(np.clip(round(middle / pixel_size) - length // 2, 0, size - length))
    return slice(start, start + length)


def _edges(half: float) -> tuple[float, float, float, float]:
    return (-half * 1e-9, half * 1e-9, -half * 1e-9, half * 1e-9)


def _both(wave_vectors: Array) -> tuple[Array, Array, str]:
    """k and −k as dots, 1/nm."""
    k = np.concatenate([wave_vectors, -wave_vectors]).reshape(-1, 2) * 1e-9
    return k[:, 1], k[:, 0], "o"


def explore_window(image: Any, crystals: Any, pixel_size: float | None = None) -> Explorer:
    """Click into the image: the transform there, indexed."""
    plane, size = check_image(image, pixel_size)
    height, width = (n * size for n in plane.shape)
    smallest = SMALLEST * size
    side = max(0.35 * min(height, width), 1.5 * smallest)
    return Explorer(
        window_at,
        fixed={"image": plane, "pixel_size": size, "crystals": named(crystals)},
        ranges={"x": (0.0, width), "y": (0.0, height), "side": (smallest, min(height, width))},
        values={"x": width / 2, "y": 0.75 * height, "side": side},
        units={"x": "m", "y": "m", "side": "m"},
    )


def pattern_at(
    seen: Array,
    power: Array,
    half_width: float,
    crystals: dict[str, Structure],
    *,
    pattern: str,
    rotation: float,
    scale: float = 1.0,
) -> dict[str, Any]:
    """A zone's spots, turned and scaled by hand, over a transform; how far the seen spots are from the nearest.

    Parameters
    ----------
    seen : wave vectors (n, 2), 1/m
    pattern : crystal and zone, as "MgO [0 0 1]"
    rotation : deg
    """
    name, zone = pattern.split(" [")
    uvw = np.array(zone.rstrip("]").split(), int)
    crystal = crystals[name]
    hkl, places = zone_spots(crystal, uvw, 0.97 / float(np.hypot(*seen.T).max()))
    places = scale * places[image_amplitude(crystal, hkl) > FAINT]
    cos, sin = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
    turned = places @ np.array([[cos, sin], [-sin, cos]])
    gaps = (
        np.linalg.norm(seen[:, None] - turned, axis=-1).min(axis=1)
        if len(turned)
        else np.full(len(seen), np.nan)
    )
    off = float(np.median(gaps / np.hypot(*seen.T)))
    limits = (float(power.min()), float(power.max()))
    curves: dict[str, Any] = {"seen": _both(seen), pattern: _both(turned)}
    plot = Plot(curves, "k_x", "k_y", "1/nm", "1/nm", power, _edges(half_width), "magma", limits)
    return {"transform": plot, "misplaced": Quantity(100 * off, np.nan, "%")}


def explore_zone(
    image: Any,
    crystals: Any,
    pixel_size: float | None = None,
    *,
    window: Any = None,
    waves: stem.Spots | None = None,
) -> Explorer:
    """Turn the simulated pattern of any low-index zone into place over the transform of a grain; `waves` if known."""
    plane, size = check_image(image, pixel_size)
    known = named(crystals)
    weights = stem.hann_window(plane.shape) if window is None else stem.grain_window(window)
    longest = longest_spacing(known)
    spots = stem.find_spots(plane, size, weights, longest=longest) if waves is None else waves
    if len(spots) < 2:
        raise ValueError(
            f"{len(spots)} spot(s) were found in the transform; there is nothing to turn a pattern onto"
        )
    power, half = stem.power_spectrum(plane, size, weights)
    power = np.maximum(power, np.percentile(power, 97))
    patterns = [
        f"{name} [{' '.join(map(str, zone))}]"
        for name, crystal in known.items()
        for zone in low_index_zones(crystal, 2)[0]
    ]
    fixed = {"seen": spots.wave_vectors, "power": power, "half_width": half, "crystals": known}
    return Explorer(
        pattern_at,
        fixed=fixed,
        ranges={"pattern": patterns, "rotation": (-90.0, 90.0), "scale": (0.95, 1.05)},
        values={"pattern": patterns[0], "rotation": 0.0},
        units={"rotation": "deg"},
        against="rotation",
        sweep_points=91,
    )


def steps_at(boundary: Boundary, steps: stem.Steps, *, penalty: float = 3.0) -> dict[str, Any]:
    """The stairs for one price of a step, in logarithms of the independent places."""
    known = np.isfinite(boundary.height)
    found = steps.priced(penalty)
    line = Plot(
        {
            "boundary": (boundary.along[known], boundary.height[known], "o"),
            f"{found.count} step(s)": (found.along, found.fitted),
        },
        "along the boundary",
        "height",
        "m",
        "m",
    )
    tried = np.arange(len(found.penalties), dtype=float)
    scores = Plot({"criterion": (tried, np.array(found.penalties))}, "steps", "criterion")
    return {"line": line, "choice": scores, "steps": Quantity(float(found.count))}


def explore_steps(boundary: Boundary) -> Explorer:
    """The price of a step against how many there are."""
    return Explorer(
        steps_at,
        fixed={"boundary": boundary, "steps": stem.find_steps(boundary)},
        ranges={"penalty": (0.2, 20.0)},
        labels={"penalty": "price of a step (ln of independent places)"},
        against="penalty",
        sweep_points=41,
    )


def bragg_at(
    image: Array, pixel_size: float, waves: dict[str, Array], *, wave: str, resolution: float = 0.4e-9
) -> dict[str, Plot]:
    """One lattice wave filtered out of an image: its fringes, and how strong they are where.

    Parameters
    ----------
    image : shape (rows, columns)
    waves : wave vectors (k_y, k_x) by crystal and planes, 1/m
    pixel_size, resolution : m; the second is the r.m.s. of the filter
    """
    k = waves[wave]
    amplitude = stem.bragg_amplitude(image, pixel_size, k, resolution)
    y, x = (pixel_size * np.arange(n) for n in image.shape)
    turning = np.exp(2j * np.pi * k[0] * y)[:, None] * np.exp(2j * np.pi * k[1] * x)
    extent = (0.0, pixel_size * image.shape[1], 0.0, pixel_size * image.shape[0])
    about = {"x_label": "x", "y_label": "y", "x_unit": "m", "y_unit": "m", "extent": extent}
    fringes = Plot(image=(amplitude * turning).real, colours="gray", **about)
    return {"fringes": fringes, "strength": Plot(image=np.abs(amplitude), colours="viridis", **about)}


def explore_bragg(image: Any, index: stem.InterfaceIndex, pixel_size: float | None = None) -> Explorer:
    """The planes of either crystal, one after the other: where they are, and where they end."""
    plane, size = check_image(image, pixel_size)
    waves = {
        f"{found.crystal} ({' '.join(map(str, spot.hkl))})": np.asarray(spot.wave_vector)
        for found in index.solutions
        for spot in found.spots
    }
    return Explorer(
        bragg_at,
        fixed={"image": plane - plane.mean(), "pixel_size": size, "waves": waves},
        ranges={"wave": list(waves), "resolution": (0.15e-9, 1.5e-9)},
        labels={"wave": "planes"},
    )
