"""Cathodoluminescence under the hand: click a pixel for its bands, move the beam and the light at edges."""

from typing import Any

import numpy as np

from nbtools.analysis.cathodoluminescence import (
    EnergySpectra,
    MapFit,
    assess_boundary_profile,
    fit_bands,
)
from nbtools.explore.plots import Plot
from nbtools.explore.sliders import Explorer
from nbtools.units import Quantity, convert

Array = np.ndarray[Any, np.dtype[np.float64]]
ALL = "all bands"


def pixel_at(
    spectra: EnergySpectra,
    fit: MapFit,
    *,
    x: int = 0,
    y: int = 0,
    half_width: int = 0,
    band: str = "",
) -> dict[str, Any]:
    """The spectrum of a pixel, or of the square about it, with its bands fitted anew; and a band's map.

    Parameters
    ----------
    spectra : of the whole map; fit : of every pixel, for the map and the bands' start
    x, y : column and row
    half_width : of the square, in pixels; 0 is one pixel
    band : whose map is shown, and which bands are fitted: one left out is named "without …"
    """
    rows, columns = fit.success.shape
    column, row, reach = x, y, half_width
    region = (slice(max(row - reach, 0), row + reach + 1), slice(max(column - reach, 0), column + reach + 1))
    count = np.prod(spectra.intensity[region].shape[:2])
    intensity = spectra.intensity[region].mean((0, 1))
    variance = spectra.variance[region].mean((0, 1)) / count
    shown, kept = _choice(fit, band)
    starts = {name: _start(fit, name) for name in kept}
    fitted = fit_bands(spectra.energy, intensity, starts, variance=variance)
    curves: dict[str, tuple[Any, ...]] = {"spectrum": (spectra.energy, intensity, "o")}
    if fitted:
        curves["fit"] = (spectra.energy, fitted.model)
        curves |= {name: (spectra.energy, fitted.predict(spectra.energy, band=name)) for name in kept}
    here = {"pixel": (np.array([column + 0.5]), np.array([row + 0.5]), "o")}
    image = Plot(here, image=fit.areas[..., shown], extent=(0, columns, 0, rows), clicked=("x", "y"))
    spectrum = Plot(curves, x_label="photon energy", x_unit="eV", y_label="intensity")
    numbers = {
        name: Quantity(centre, centre.uncertainty, "eV")
        for name, centre in zip(fitted.names, fitted.centres, strict=True)
    }
    return {"map": image, "bands": spectrum, **numbers, "AICc": Quantity(fitted.aicc)}


def _choice(fit: MapFit, band: str) -> tuple[int, list[str]]:
    """Which band's map is shown, and which bands are fitted."""
    names = list(fit.bands)
    if band.startswith("without "):
        left_out = band.removeprefix("without ")
        return names.index(left_out), [name for name in names if name != left_out]
    return names.index(band) if band in names else 0, names


def _start(fit: MapFit, name: str) -> tuple[float, float]:
    number = fit.bands.index(name)
    done = fit.success
    return float(np.median(fit.centres[done][:, number])), float(np.median(fit.widths[done][:, number]))


def explore_pixels(spectra: EnergySpectra, fit: MapFit) -> Explorer:
    """Click a pixel: its spectrum and bands; menus for the map shown and for a band left out.

    Raises
    ------
    ValueError
        A map in which no pixel was fitted.
    """
    if not fit.success.any():
        raise ValueError(f"no pixel was fitted, so there is none to explore: {fit.failures}")
    brightest = np.where(fit.success, np.nan_to_num(fit.areas.sum(-1)), -np.inf)
    row, column = np.unravel_index(int(np.argmax(brightest)), brightest.shape)
    rows, columns = fit.success.shape
    choices = [*fit.bands, *(f"without {name}" for name in fit.bands if len(fit.bands) > 1)]
    return Explorer(
        pixel_at,
        fixed={"spectra": spectra, "fit": fit},
        ranges={"x": (0, columns - 1), "y": (0, rows - 1), "half_width": (0, 6), "band": choices},
        values={"x": float(column), "y": float(row), "half_width": 3.0, "band": choices[0]},
        labels={
            "x": "column",
            "y": "row",
            "half_width": "half width of the region",
            "band": "band shown, or left out",
        },
    )


def profile_at(
    map: Array,
    phase: Array,
    pixel: float,
    *,
    beam_range: float = 0.3e-6,
    edge_gain: float = 0.0,
    edge_length: float = 0.5e-6,
) -> dict[str, Any]:
    """One band's light against distance from MgB2, over that of an even emitter seen through beam and edges.

    Parameters
    ----------
    map, phase : shape (y, x); pixel : m
    beam_range : m, depth that the beam excites
    edge_gain : by how much more light leaves at an edge
    edge_length : m, over which that fades
    """
    edges = (edge_gain, edge_length) if edge_gain > 0 else None
    test = assess_boundary_profile(
        map, phase, pixel=pixel, beam_range=beam_range, out_coupling=edges, shifts=199
    )
    distance = convert(np.asarray(test.extra["distance"]), "m", "um")
    curves = {
        "map": (distance, test.extra["profile"]),
        "chance, low": (distance, test.extra["low"]),
        "chance, high": (distance, test.extra["high"]),
    }
    plot = Plot(curves, x_label="distance from MgB2", x_unit="um", y_label="light over an even emitter's")
    return {
        "profile": plot,
        "excess": Quantity(test.statistic, float(np.std(test.null))),
        "p": Quantity(test.p_value),
    }


def explore_profile(map: Any, phase: Any, *, pixel: float, beam_range: float = 0.3e-6) -> Explorer:
    """How much light leaving at edges would make one band gather at the boundary by itself."""
    return Explorer(
        profile_at,
        fixed={"map": np.asarray(map, float), "phase": np.asarray(phase), "pixel": float(pixel)},
        ranges={"beam_range": (0.0, 2e-6), "edge_gain": (0.0, 2.0), "edge_length": (1e-7, 2e-6)},
        values={"beam_range": beam_range, "edge_gain": 0.0, "edge_length": 5e-7},
        units={"beam_range": "m", "edge_length": "m"},
        labels={"edge_gain": "gain of light at edges"},
    )
