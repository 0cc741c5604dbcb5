"""STEM under the hand: the profile of a boundary, a transform, a pattern to turn, the price of a step."""

from typing import Any, Literal

import lmfit
import numpy as np
from scipy.special import ndtr

from nbtools.display.widget import widget
from nbtools.explore.plots import Plot
from nbtools.explore.sliders import Explorer
from nbtools.fitting.widget import FitWidget
from nbtools.physics.crystal_lattice import Structure, low_index_zones
from nbtools.results import NotPossible
from nbtools.stem.boundary import RESOLUTION, LayerStudy
from nbtools.stem.grains import bragg_amplitudes
from nbtools.stem.indexing import index_pattern
from nbtools.stem.interface import GrainsStudy
from nbtools.stem.model_image import image_amplitude, zone_spots
from nbtools.stem.spots import hann_window, power_spectrum
from nbtools.stem.terraces import Steps, TerracesStudy
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
    found = index_pattern(part, pixel_size, crystals, largest_index=2)
    power, half = power_spectrum(part, pixel_size, hann_window(part.shape))
    box = [(v.start * pixel_size, v.stop * pixel_size) for v in (columns, rows)]
    (left, right), (top, bottom) = box
    frame = (np.array([left, right, right, left, left]), np.array([top, top, bottom, bottom, top]))
    height, width = (n * pixel_size for n in image.shape)
    name = "no zone found"
    curves: dict[str, Any] = {"spots": _both(found.spots.wave_vectors)}
    if found:
        name = f"{found.best.name}{'' if found.determined else ' or another'}"
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


@widget
def window(grains: GrainsStudy) -> Explorer:
    """Click into the image: the transform there, indexed.

    Parameters
    ----------
    grains : from `study_grains`; its image and its crystals
    """
    plane, size = grains.image.plane, grains.image.pixel_size
    height, width = (n * size for n in plane.shape)
    smallest = SMALLEST * size
    side = max(0.35 * min(height, width), 1.5 * smallest)
    return Explorer(
        window_at,
        fixed={"image": plane, "pixel_size": size, "crystals": grains.grains.crystals},
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
    name, indices = pattern.split(" [")
    uvw = np.array(indices.rstrip("]").split(), int)
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


@widget
def zone(grains: GrainsStudy, *, grain: int = 1) -> Explorer:
    """Turn the simulated pattern of any low-index zone into place over the transform of a grain.

    Parameters
    ----------
    grains : from `study_grains`
    grain : its number, from 1

    Raises
    ------
    NotPossible
        No such grain, or too few spots.
    """
    found = grains.grains
    if not 1 <= grain <= len(found):
        raise NotPossible(f"grain {grain} was asked for; the image shows {len(found)}")
    spots, crystals = found.waves[grain - 1], found.crystals
    if len(spots) < 2:
        raise NotPossible(
            f"{len(spots)} spot(s) are in the transform; there is nothing to turn a pattern onto"
        )
    power, half = grains.transforms[grain]
    power = np.maximum(power, np.percentile(power, 97))
    patterns = [
        f"{name} [{' '.join(map(str, uvw))}]"
        for name, crystal in crystals.items()
        for uvw in low_index_zones(crystal, 2)[0]
    ]
    return Explorer(
        pattern_at,
        fixed={"seen": spots.wave_vectors, "power": power, "half_width": half, "crystals": crystals},
        ranges={"pattern": patterns, "rotation": (-90.0, 90.0), "scale": (0.95, 1.05)},
        values={"pattern": patterns[0], "rotation": 0.0},
        units={"rotation": "deg"},
        against="rotation",
        sweep_points=91,
    )


def steps_at(along: Array, height: Array, steps: Steps, *, penalty: float = 3.0) -> dict[str, Any]:
    """The stairs for one price of a step, in logarithms of the places.

    Parameters
    ----------
    along, height : of the last plane, m
    steps : at any price
    penalty : the price
    """
    found = steps.priced(penalty)
    line = Plot(
        {"last plane": (along, height, "o"), f"{found.count} step(s)": (found.along, found.fitted)},
        "along the boundary",
        "height",
        "m",
        "m",
    )
    tried = np.arange(len(found.penalties), dtype=float)
    scores = Plot({"criterion": (tried, np.array(found.penalties))}, "steps", "criterion")
    return {"line": line, "choice": scores, "steps": Quantity(float(found.count))}


@widget
def steps(terraces: TerracesStudy) -> Explorer:
    """The price of a step against how many there are.

    Parameters
    ----------
    terraces : from `study_terraces`
    """
    line = terraces.line
    return Explorer(
        steps_at,
        fixed={"along": line.along, "height": line.height, "steps": terraces.steps},
        ranges={"penalty": (0.2, 20.0)},
        labels={"penalty": "price of a step (ln of the places)"},
        against="penalty",
        sweep_points=41,
    )


def planes_at(
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
    amplitude = bragg_amplitudes(image, pixel_size, k[None], resolution)[0]
    y, x = (pixel_size * np.arange(n) for n in image.shape)
    turning = np.exp(2j * np.pi * k[0] * y)[:, None] * np.exp(2j * np.pi * k[1] * x)
    extent = (0.0, pixel_size * image.shape[1], 0.0, pixel_size * image.shape[0])
    about: dict[str, Any] = {"x_label": "x", "y_label": "y", "x_unit": "m", "y_unit": "m", "extent": extent}
    fringes = Plot(image=(amplitude * turning).real, colours="gray", **about)
    return {"fringes": fringes, "strength": Plot(image=np.abs(amplitude), colours="viridis", **about)}


@widget
def planes(grains: GrainsStudy) -> Explorer:
    """The planes of each indexed grain, one after the other: where they are, and where they end.

    Parameters
    ----------
    grains : from `study_grains`

    Raises
    ------
    NotPossible
        No grain was indexed.
    """
    image, found = grains.image, grains.grains
    waves = {
        f"{found.patterns[n].best.crystal} ({' '.join(map(str, spot.hkl))})": np.asarray(spot.wave_vector)
        for n in found.solved
        for spot in found.patterns[n].best.spots
    }
    if not waves:
        raise NotPossible("no grain was indexed; there are no planes to follow")
    return Explorer(
        planes_at,
        fixed={"image": image.plane - image.plane.mean(), "pixel_size": image.pixel_size, "waves": waves},
        ranges={"wave": list(waves), "resolution": (0.15e-9, 1.5e-9)},
        labels={"wave": "planes"},
    )


def lattice_share(across: Array, end: float = 0.0, width: float = 0.3e-9, inside: float = 1.0) -> Array:
    """Share of a lattice that ends at `end`, seen through a window of r.m.s. `width`: an error function.

    Parameters
    ----------
    across : places, m
    end : m
    width : m, the window's and the boundary's own together
    inside : share deep in the grain
    """
    return np.asarray(inside * ndtr((np.asarray(across) - end) / width))


@widget
def profile(
    layer: LayerStudy, *, side: Literal["first", "second"] = "first", units: str = "paper"
) -> FitWidget:
    """The fall of one lattice across the boundary as a fit: where it ends, and over which width.

    Parameters
    ----------
    layer : from `study_layer`; its first boundary
    side : whose lattice, of the two that the boundary parts
    units : "paper" or "SI"
    """
    name, found = next(iter(layer.widths.items()))
    number = ("first", "second").index(side)
    across, share, sigma = found.boundary.profile(number)
    # The second lattice ends from the other side.
    across, share, sigma = (across, share, sigma) if not number else (-across[::-1], share[::-1], sigma[::-1])
    near = np.abs(across) < 2e-9
    fit = FitWidget(
        lmfit.Model(lattice_share, independent_vars=["across"]),
        across[near],
        share[near],
        sigma=np.maximum(sigma[near], 1e-3),
        params={"end": 0.0, "width": RESOLUTION, "inside": 1.0},
        units={"end": "m", "width": "m", "inside": ""},
        x_label="across the boundary",
        x_unit="m",
        y_label="share of the lattice",
        y_unit="",
        system=units,
        name="02_boundary",
        notes=[
            f"{name}: the window alone has an r.m.s. width of {1e9 * RESOLUTION:.2f} nm; neighbouring "
            "places share pixels, so that χ² per degree of freedom is below 1."
        ],
    )
    fit.set("width", min=0.05e-9, max=3e-9)
    fit.set("inside", min=0.3, max=2.0)
    fit.fit()
    return fit
