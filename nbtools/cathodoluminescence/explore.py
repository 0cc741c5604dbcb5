"""Luminescence under the hand: one fit of several spectra, a pixel's bands by a click, the beam and light at edges."""

from collections.abc import Sequence
from typing import Any

import lmfit
import numpy as np

from nbtools.cathodoluminescence.bands import MapFit, fit_bands
from nbtools.cathodoluminescence.chance import assess_boundary_profile
from nbtools.cathodoluminescence.field import FieldStudy
from nbtools.cathodoluminescence.spectra import EnergySpectra
from nbtools.cathodoluminescence.study import MEAN, BandMaps, RecordingsStudy, SpectraStudy
from nbtools.cathodoluminescence.unmixing import Unmixed
from nbtools.display.widget import widget
from nbtools.explore.plots import Plot
from nbtools.explore.sliders import Explorer
from nbtools.fitting.widget import FitWidget
from nbtools.results import NotPossible
from nbtools.units import Quantity, convert

Array = np.ndarray[Any, np.dtype[np.float64]]


def pixel_at(
    spectra: EnergySpectra,
    fit: MapFit | Unmixed,
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
    numbers_of = np.arange(rows * columns).reshape(rows, columns)[region].ravel()
    light, squared = spectra.rows(numbers_of)
    intensity, variance = light.mean(0), squared.mean(0) / len(light)
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


def _choice(fit: MapFit | Unmixed, band: str) -> tuple[int, list[str]]:
    """Which band's map is shown, and which bands are fitted."""
    names = list(fit.bands)
    if band.startswith("without "):
        left_out = band.removeprefix("without ")
        return names.index(left_out), [name for name in names if name != left_out]
    return names.index(band) if band in names else 0, names


def _start(fit: MapFit | Unmixed, name: str) -> tuple[float, float]:
    number = fit.bands.index(name)
    done = fit.success
    return float(np.median(fit.centres[done][:, number])), float(np.median(fit.widths[done][:, number]))


@widget
def pixels(study: BandMaps) -> Explorer:
    """Click a pixel: its spectrum and bands; menus for the map shown and for a band left out.

    Parameters
    ----------
    study : from `study_bands`

    Raises
    ------
    NotPossible
        A map in which no pixel was fitted.
    """
    spectra, fit = study.spectra, study.maps
    if not fit.success.any():
        raise NotPossible(f"no pixel was fitted, so there is none to explore: {fit.failures}")
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
    """One band's light against distance from the dark phase, over that of an even emitter seen through beam and edges.

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
    plot = Plot(
        curves, x_label="distance from the dark phase", x_unit="um", y_label="light over an even emitter's"
    )
    return {
        "profile": plot,
        "excess": Quantity(test.statistic, float(np.std(test.null))),
        "p": Quantity(test.p_value),
    }


@widget
def profile(study: FieldStudy, recordings: RecordingsStudy) -> Explorer:
    """How much light leaving at edges would make one band gather at the boundary by itself.

    Parameters
    ----------
    study : from `study_field`
    recordings : from `study_recordings`, for the beam's range

    Raises
    ------
    NotPossible
        A field without a boundary profile, or without the size of a pixel.
    """
    if study.profile is None:
        raise NotPossible(study.missing.get("profile", "the field has no boundary profile"))
    if not np.isfinite(study.pixel):
        raise NotPossible("the file does not say how large a pixel is, and beam and edges are in metres")
    beam = float(recordings.beam_range) if recordings.beam_range is not None else 0.0
    light = list(study.windows.values())[min(1, len(study.windows) - 1)]
    return Explorer(
        profile_at,
        fixed={"map": light, "phase": study.emitter, "pixel": study.pixel},
        ranges={"beam_range": (0.0, 2e-6), "edge_gain": (0.0, 2.0), "edge_length": (1e-7, 2e-6)},
        values={"beam_range": beam, "edge_gain": 0.0, "edge_length": 5e-7},
        units={"beam_range": "m", "edge_length": "m"},
        labels={"edge_gain": "gain of light at edges"},
    )


@widget
def bands(study: SpectraStudy, *, spots: Sequence[str] | None = None) -> FitWidget:
    """Several spectra in one fit: centres and widths shared, heights of each.

    Parameters
    ----------
    study : from `study_spectra`
    spots : which spectra; by default all single ones that have bands, without any the mean of the map

    Raises
    ------
    NotPossible
        No spectrum with bands.
    """
    fits = {name: fit for name, fit in study.fits.items() if fit and (spots is None or name in spots)}
    if spots is None and len(fits) > 1:
        fits.pop(MEAN, None)  # of the map, which holds the same light
    if not fits:
        raise NotPossible("no spectrum has bands to fit")
    names = list(fits)
    # The bands of the brightest spectrum hold all that the others show.
    richest = max(fits.values(), key=lambda fit: (len(fit.names), float(np.max(fit.intensity))))
    k = len(richest.names)
    places = {f"centre{i}": float(c) for i, c in enumerate(richest.centres, 1)}
    places |= {f"width{i}": float(w) for i, w in enumerate(richest.widths, 1)}
    start = dict(places)
    for number, name in enumerate(names, 1):
        end = f"_{number}" if len(names) > 1 else ""
        known = dict(zip(fits[name].names, fits[name].heights, strict=True))
        start |= {f"height{i}{end}": float(known.get(b, 0.0)) for i, b in enumerate(richest.names, 1)}
        start[f"background{end}"] = float(fits[name].background[0]) if fits[name].background else 0.0
    rows = [study.spectra[name].rows(slice(None)) for name in names]
    fit = FitWidget(
        band_model(k),
        [study.spectra[name].energy for name in names],
        [light[0] for light, _ in rows],
        sigma=[np.sqrt(variance[0]) for _, variance in rows],
        params=start,
        shared=list(places) if len(names) > 1 else (),
        units=dict.fromkeys(places, "eV"),
        labels=names,
        x_label="photon energy",
        x_unit="eV",
        y_label="intensity per energy",
        name="06_bands",
    )
    span = float(np.ptp(richest.energy))
    for name in places:
        if name.startswith("width"):
            fit.set(name, min=1e-3 * span, max=span)
    fit.change(weighting="scaled sigma")
    fit.fit()
    return fit


def band_model(count: int) -> lmfit.Model:
    """So many Gaussians over energy on a constant, with parameters height1, centre1, width1, … and background."""
    parts = " + ".join(
        f"height{i} * exp(-0.5 * ((x - centre{i}) / width{i})**2)" for i in range(1, count + 1)
    )
    return lmfit.models.ExpressionModel(f"{parts} + background", independent_vars=["x"])
