"""Where a sample's files meet the estimators of luminescence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nbtools.cache import cached
from nbtools.cathodoluminescence.bands import (
    Assignment,
    BandFit,
    MapFit,
    assign_centres,
    count_bands,
    fit_spectrum,
)
from nbtools.cathodoluminescence.field import (
    PHASES,
    FieldStudy,
    SecondOrder,
    areas_by_region,
    assess_second_order,
    estimate_field,
    tail_end,
)
from nbtools.cathodoluminescence.model_centres import FWHM, excitation_range
from nbtools.cathodoluminescence.spectra import EnergySpectra, prepare_spectra
from nbtools.cathodoluminescence.unmixing import ShapeTest, Unmixed, map_bands
from nbtools.files.microscopy import MicroscopyError
from nbtools.files.spectral_maps import Recording, Spectra, read_recording
from nbtools.files.text_table import TableError
from nbtools.results import NotPossible
from nbtools.study import Missing, Row, StudyResult, study
from nbtools.units import HC, Quantity

if TYPE_CHECKING:
    from nbtools.notebook.sample import Sample

Array = NDArray[np.float64]
# The paper's two maps, nm; half as wide as their windows are assumed to be.
PAPER_WINDOWS = {"350 nm": (340.0, 360.0), "520 nm": (510.0, 530.0)}
WINDOW_SHARE = 0.5  # of a band's full width at half maximum, of a window about it
MOST_BANDS = 5
MEAN = "mean"
KINDS = {"CL": "cathodoluminescence", "PL": "photoluminescence", "": "luminescence"}


@dataclass(frozen=True, repr=False)
class RecordingsStudy(StudyResult):
    """What the files hold: maps, lines and single spectra of luminescence, the widest field first.

    Attributes
    ----------
    recordings : one a file
    beam_range : how deep the beam excites, m; None where that is not known or there is no beam
    said : a sentence each on files, kind of luminescence and frame
    """

    recordings: tuple[Recording, ...]
    beam_range: Quantity | None
    said: tuple[str, ...]

    @property
    def maps(self) -> tuple[tuple[Recording, Spectra], ...]:
        """Every map and line with the recording that it is of, the widest field first."""
        found = [(recording, one) for recording in self.recordings for one in recording.maps]
        return tuple(sorted(found, key=lambda pair: -_width(pair[1])))

    @property
    def share(self) -> float | None:
        """Width of the finest field over that of the widest; None of a single one."""
        widths = [_width(one) for _, one in self.maps]
        return widths[-1] / widths[0] if len(widths) > 1 and widths[-1] < widths[0] else None

    def rows(self) -> list[Row]:
        if self.beam_range is None:
            return []
        return [Row("depth that the beam excites", self.beam_range, "Kanaya and Okayama, of MgO", "", "nm")]

    def notes(self) -> list[str]:
        return [line.strip() for recording in self.recordings for line in str(recording).splitlines()] + [
            *self.said
        ]


def _width(one: Spectra) -> float:
    """Of a field, in m, or in pixels where their size is not known."""
    pixel = one.pixel if np.isfinite(one.pixel) else 1.0
    return float(pixel * max(one.counts.shape[:-1]))


@lru_cache(maxsize=4)
def _read(path: Path, changed: float, size: int, columns: str) -> Recording:
    return read_recording(path, columns=columns)


def read_files(files: Sequence[Path], columns: str = "") -> tuple[list[Recording], list[str]]:
    """Every file as a recording, and a sentence on each that is none; `columns` as `read_recording` has them."""
    found, refused = [], []
    for path in files:
        try:
            about = path.stat()
            found.append(_read(path, about.st_mtime, about.st_size, columns))
        except (MicroscopyError, TableError, OSError) as problem:
            refused.append(f"{path.name} is left out: {problem}")
    return found, refused


@study("The recordings")
def study_recordings(sample: "Sample") -> RecordingsStudy | Missing:
    """Maps, lines and spectra in the sample's files; how deep the beam excites, where the card says it.

    Parameters
    ----------
    sample : from `open_sample`

    Returns
    -------
    The result, or `Missing` where no file holds a spectrum.
    """
    recordings, said = read_files(sample.files, sample.columns)
    if not recordings:
        raise NotPossible(f"no file of {sample.name} holds a luminescence spectrum: {'; '.join(said)}")
    sample.used.extend(recording.source for recording in recordings)
    kinds = {one.kind for r in recordings for one in (*r.maps, *r.spectra.values())}
    beam = None
    if kinds == {"PL"}:
        said.append(
            "photoluminescence: excited by light, so that no electron beam has a range or leaves damage"
        )
    else:
        if sentence := sample.card.require("beam_energy"):
            said.append(f"depth that the beam excites: {sentence}")
        elif not says_mgo(sample):
            said.append(
                "depth that the beam excites: the range is known here for MgO alone, and the card does not say "
                "that the sample is (`material: MgO`)"
            )
        else:
            beam = _beam_range(sample.card.beam_energy)
        if sentence := sample.card.require("frame"):
            said.append(f"damage by the beam: {sentence}")
        elif sample.card.frame == 1:
            said.append("first frame: nothing was damaged by an earlier one")
        else:
            said.append(
                f"frame {sample.card.frame}: the beam was here before, and may have made what it now sees"
            )
    return RecordingsStudy(tuple(recordings), beam, tuple(said))


def _beam_range(energy: Quantity | None) -> Quantity | None:
    if energy is None:
        return None
    depth = float(excitation_range(float(energy)))
    # R ∝ E^1.67
    return Quantity(depth, 1.67 * depth * energy.uncertainty / float(energy), "m")


def says_mgo(sample: "Sample") -> bool:
    """Whether the card says that MgO shines here."""
    return sample.card.is_paper_sample or "mgo" in (sample.card.material or "").lower()


# Spectra ---------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class SpectraStudy(StudyResult):
    """The mean spectrum of the finest map and every single spectrum, with their bands in energy.

    Attributes
    ----------
    spectra : by name, over energy
    fits : bands of each; one that has none says why
    recorded : (wavelength in nm, counts) of each, as the detector wrote them
    tails : where a spectrum falls under three times the noise of its dark level, nm
    counted : AICc for each number of bands that was tried on the first; empty where bands were given
    assignments : the listed centre of MgO nearest to each band, by spectrum; empty for other materials
    missing : what could not be had, and why
    """

    spectra: dict[str, EnergySpectra]
    fits: dict[str, BandFit]
    recorded: dict[str, tuple[Array, Array]]
    tails: dict[str, Quantity]
    counted: dict[int, float]
    assignments: dict[str, list[Assignment]]
    missing: dict[str, str]

    @property
    def first(self) -> EnergySpectra:
        """The first spectrum, whose bands the others start from."""
        return next(iter(self.spectra.values()))

    def near(self, name: str, wavelength: float) -> Quantity:
        """Of a spectrum's bands the wavelength (nm) of that nearest to another; NaN where it has none."""
        fit = self.fits.get(name)
        if fit is None or not fit:
            return Quantity(np.nan, np.nan, "nm")
        return min(fit.wavelengths, key=lambda found: abs(float(found) - wavelength))

    def rows(self) -> list[Row]:
        rows = []
        for name, fit in self.fits.items():
            for band, centre, width, nm in zip(
                fit.names, fit.centres, fit.fwhm, fit.wavelengths, strict=True
            ):
                if fit:
                    at = f"{name}_{band}".replace(" ", "_")
                    how = f"Gaussian in energy, {float(nm):.0f} nm"
                    rows.append(Row(f"{name}, {band}: centre", centre, how, f"{at}_energy"))
                    rows.append(Row(f"{name}, {band}: FWHM", width, "", f"{at}_fwhm"))
        for name, end in self.tails.items():
            if np.isfinite(end):
                how = "three times the dark noise"
                rows.append(Row(f"{name}: tail ends", end, how, f"{name}_tail_end".replace(" ", "_")))
        return rows

    def notes(self) -> list[str]:
        said = [f"{name}: {note}" for name, fit in self.fits.items() if fit for note in fit.notes()]
        said += [f"{name}: no bands: {fit.reason}" for name, fit in self.fits.items() if not fit]
        if self.counted:
            least = min(self.counted.values())
            steps = ", ".join(f"{n}: {value - least:.0f}" for n, value in self.counted.items())
            said.append(f"AICc above the best, by the number of bands in {next(iter(self.fits))}: {steps}")
        said += [f"{name}, {one}" for name, found in self.assignments.items() for one in found]
        return said + [f"{what}: {why}" for what, why in self.missing.items()]


Bands = list[float] | Annotated[int, Field(ge=1, le=12)]


@study("Bands in energy")
def study_spectra(
    sample: "Sample", recordings: RecordingsStudy, *, bands: Bands | None = None
) -> SpectraStudy | Missing:
    """Bands of the mean spectrum first, then of every single spectrum.

    Parameters
    ----------
    sample : from `open_sample`
    recordings : from `study_recordings`
    bands : where bands are looked for, eV; or how many; None counts them by AICc in the mean spectrum

    Returns
    -------
    The result, or `Missing` where no spectrum can be fitted.
    """
    known = _single_spectra(recordings)
    if not known:
        raise NotPossible("the files hold no spectrum")
    spectra, fits, recorded, tails = {}, {}, {}, {}
    counted: dict[int, float] = {}
    missing: dict[str, str] = {}
    start: Any = bands
    for name, (raw, prepared, dark) in known.items():
        spectra[name], recorded[name] = prepared, raw
        if dark is not None:
            tails[name] = tail_end(*raw, dark)
        try:
            light, variance = (rows[0] for rows in prepared.rows(slice(None)))
            if start is None:
                fit, counted = count_bands(prepared.energy, light, most=MOST_BANDS, variance=variance)
                start = _inside(fit)
            else:
                places = _on_axis(start, prepared.energy)
                fit = fit_spectrum(prepared, places)
                if not isinstance(start, dict):
                    start = _inside(fit) or start
        except NotPossible as reason:
            missing[f"bands of {name}"] = str(reason)
            continue
        fits[name] = fit
    spots = [name for name in fits if name != MEAN] or [MEAN]
    assigned = {n: assign_centres(fits[n]) for n in spots if fits[n]} if says_mgo(sample) else {}
    return SpectraStudy(spectra, fits, recorded, tails, counted, assigned, missing)


def _inside(fit: BandFit) -> dict[str, tuple[float, float]] | None:
    """A fit's bands as starts of the next, named by their number from the red."""
    if not fit:
        return None
    order = np.argsort([float(c) for c in fit.centres], kind="stable")
    return {
        f"band {number}": (float(fit.centres[i]), float(fit.widths[i])) for number, i in enumerate(order, 1)
    }


def _on_axis(bands: Any, energy: Array) -> Any:
    """Those bands that lie on an axis, where several spectra have several axes."""
    if isinstance(bands, dict):
        found = {n: place for n, place in bands.items() if energy[0] < place[0] < energy[-1]}
        return found or bands
    return bands


def _single_spectra(
    recordings: RecordingsStudy,
) -> dict[str, tuple[tuple[Array, Array], EnergySpectra, Array | None]]:
    """The mean of the finest map, and the spectra of the recording of the widest field: raw, over energy, dark."""
    found: dict[str, tuple[tuple[Array, Array], EnergySpectra, Array | None]] = {}
    if recordings.maps:
        recording, finest = recordings.maps[-1]
        prepared = _prepared(recording, finest)
        mean = prepared.mean()
        raw = (finest.wavelength_nm, np.asarray(finest.counts.reshape(-1, finest.counts.shape[-1]).mean(0)))
        found[MEAN] = (raw, mean, None)
    for recording in recordings.recordings:
        for title, one in recording.spectra.items():
            name = title.removeprefix("spectrum ").strip() or title
            if title.lower().split()[0] in ("dark", "background") or "response" in title.lower():
                continue
            if name in found:  # the same spots at another magnification
                continue
            given = recording.beside(one)
            prepared = prepare_spectra(one.wavelength_nm, one.counts, over=one.over, **given)
            found[name] = ((one.wavelength_nm, np.asarray(one.counts, float)), prepared, given.get("dark"))
    return found


def _prepared(recording: Recording, one: Spectra) -> EnergySpectra:
    return prepare_spectra(one.wavelength_nm, one.counts, over=one.over, **recording.beside(one))


# Fields ----------------------------------------------------------------------------------------

Windows = dict[str, tuple[float, float]]


@study("Survey")
def study_survey(
    sample: "Sample",
    recordings: RecordingsStudy,
    spectra: SpectraStudy,
    *,
    windows: Windows | None = None,
    draws: Annotated[int, Field(ge=19)] = 199,
) -> FieldStudy | Missing:
    """The widest of several maps, as `study_field` studies the finest.

    Parameters
    ----------
    sample, recordings, spectra, windows, draws : as `study_field` has them

    Returns
    -------
    The result, or `Missing` where the files hold fewer than two maps.
    """
    if len(recordings.maps) < 2:
        raise NotPossible("the files hold one map at most, which stands in the next section")
    return replace(_field(sample, recordings.maps[0], spectra, windows, draws), label="wide_")


@study("Maps and chance")
def study_field(
    sample: "Sample",
    recordings: RecordingsStudy,
    spectra: SpectraStudy,
    *,
    windows: Windows | None = None,
    draws: Annotated[int, Field(ge=19)] = 199,
) -> FieldStudy | Missing:
    """The finest map in two windows of wavelength, and whether they overlap, gather at the boundary and run in lines.

    Parameters
    ----------
    sample : from `open_sample`
    recordings, spectra : from `study_recordings` and `study_spectra`
    windows : name → (shortest, longest) in nm; None takes the paper's for MgO, else those about the two strongest bands
    draws : how often chance is asked for lines

    Returns
    -------
    The result, or `Missing` where the files hold no map.
    """
    if not recordings.maps:
        raise NotPossible("the files hold no map, only spectra")
    return _field(sample, recordings.maps[-1], spectra, windows, draws)


def _field(
    sample: "Sample",
    place: tuple[Recording, Spectra],
    spectra: SpectraStudy,
    windows: Windows | None,
    draws: int,
) -> FieldStudy:
    recording, one = place
    return estimate_field(
        wavelength_nm=one.wavelength_nm,
        counts=one.counts,
        windows=windows or _windows(sample, spectra, one),
        dark=recording.beside(one).get("dark"),
        image=recording.image_of(one),
        pixel=one.pixel,
        phases=("MgO", "MgB2") if says_mgo(sample) else PHASES,
        title=one.title,
        draws=draws,
    )


def _windows(sample: "Sample", spectra: SpectraStudy, one: Spectra) -> Windows:
    low, high = one.wavelength_nm[0], one.wavelength_nm[-1]
    inside = all(low <= a and b <= high for a, b in PAPER_WINDOWS.values())
    if says_mgo(sample) and inside:
        return dict(PAPER_WINDOWS)
    fit = next((fit for fit in spectra.fits.values() if fit), None)
    found: Windows = {}
    if fit is not None:
        strongest = sorted(zip(fit.areas, fit.centres, fit.widths, strict=True), key=lambda b: -float(b[0]))
        for _, centre, width in strongest:
            half = 0.5 * WINDOW_SHARE * FWHM * float(width)
            ends = HC / (float(centre) + half), HC / max(float(centre) - half, 1e-3)
            channels = int(np.sum((one.wavelength_nm >= ends[0]) & (one.wavelength_nm <= ends[1])))
            name = f"{HC / float(centre):.0f} nm"
            if channels >= 2 and name not in found and len(found) < 2:
                found[name] = (round(ends[0], 2), round(ends[1], 2))
    # From short to long, as the paper has them.
    return dict(sorted(found.items(), key=lambda w: w[1])) or {"all light": (float(low), float(high))}


# Bands of every pixel --------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class BandMaps(StudyResult):
    """Bands of every pixel of the finest map.

    Attributes
    ----------
    title : of the map
    pixel : m
    spectra : of all pixels, over energy
    maps : areas of the bands with σ: unmixed where the shapes are common, else fitted with all free
    test : which of the two applies, and why
    """

    title: str
    pixel: float
    spectra: EnergySpectra
    maps: Unmixed | MapFit
    test: ShapeTest

    @property
    def are_unmixed(self) -> bool:
        """Whether one set of shapes serves all pixels."""
        return isinstance(self.maps, Unmixed)

    def rows(self) -> list[Row]:
        maps, done = self.maps, self.maps.success
        rows = [Row("pixels with bands", Quantity(float(done.mean())), shown="%")]
        if not done.any():
            return rows
        for number, band in enumerate(maps.bands):
            centres, sigmas = maps.centres[..., number][done], maps.centre_uncertainties[..., number][done]
            middle = Quantity(float(np.median(centres)), float(np.median(sigmas)), "eV")
            how = "of the mean spectrum" if self.are_unmixed else "median pixel, with the σ of one"
            name = f"map_{band}".replace(" ", "_")
            rows.append(Row(f"{band}: centre", middle, how, f"{name}_energy"))
            areas, errors = maps.areas[..., number][done], maps.area_uncertainties[..., number][done]
            how = "median pixel, with the σ of one"
            if isinstance(maps, Unmixed):
                errors = np.hypot(errors, maps.area_errors_shared[..., number][done])
                how += " and of the shapes"
            area = Quantity(float(np.median(areas)), float(np.median(errors)), "eV")
            rows.append(Row(f"{band}: area, counts × eV", area, how, f"{name}_area"))
        return rows

    def notes(self) -> list[str]:
        said = [str(self.test), *self.spectra.notes]
        done = self.maps.success
        misfit = self.maps.widened[done]
        if misfit.size and np.median(misfit) > 1:
            said.append(
                f"χ² is {np.median(self.maps.chi_square[done]):.4g} for {self.maps.freedom} in the median pixel: "
                f"the bands do not follow the spectra to their noise, and σ is widened {np.median(misfit):.3g} times"
            )
        said += [f"{n} pixels: {why}" for why, n in self.maps.failures.items()]
        return said + [f"{what}: {why}" for what, why in self.maps.missing.items()]


@cached
def _estimate_maps(
    *,
    wavelength_nm: Array,
    counts: NDArray[Any],
    bands: Mapping[str, tuple[float, float]],
    over: Literal["wavelength", "energy"],
    dark: Array | None = None,
    response: Array | None = None,
    counted: bool = True,
) -> tuple[Unmixed | MapFit, ShapeTest]:
    spectra = prepare_spectra(wavelength_nm, counts, dark=dark, response=response, counted=counted, over=over)
    return map_bands(spectra, bands)


@study("Bands of every pixel")
def study_bands(sample: "Sample", recordings: RecordingsStudy, spectra: SpectraStudy) -> BandMaps | Missing:
    """Heights of the mean spectrum's bands in every pixel of the finest map; free bands where shapes differ.

    Parameters
    ----------
    sample : from `open_sample`
    recordings, spectra : from `study_recordings` and `study_spectra`

    Returns
    -------
    The result, or `Missing` where the files hold no map, or its mean spectrum no band.
    """
    if not recordings.maps:
        raise NotPossible("the files hold no map, only spectra")
    recording, one = recordings.maps[-1]
    fit = spectra.fits.get(MEAN)
    if fit is None or not fit:
        reason = spectra.missing.get(f"bands of {MEAN}") or (
            fit.reason if fit is not None else "it was not fitted"
        )
        raise NotPossible(f"the mean spectrum of the map has no bands: {reason}")
    bands = {
        name: (float(c), float(w)) for name, c, w in zip(fit.names, fit.centres, fit.widths, strict=True)
    }
    maps, test = _estimate_maps(
        wavelength_nm=one.wavelength_nm,
        counts=one.counts,
        bands=bands,
        over=one.over,
        **recording.beside(one),
    )
    return BandMaps(one.title, one.pixel, _prepared(recording, one), maps, test)


@study("Second order")
def study_second_order(sample: "Sample", bands: BandMaps, field: FieldStudy) -> SecondOrder | Missing:
    """Whether the reddest band follows the bluest with one ratio everywhere, as a grating's second order would.

    Parameters
    ----------
    sample : from `open_sample`
    bands, field : from `study_bands` and `study_field` of the same map

    Returns
    -------
    The result, or `Missing` where no band lies at twice the wavelength of another.
    """
    maps = bands.maps
    done = maps.success
    if not done.any():
        raise NotPossible("no pixel has bands")
    energies = [float(np.median(maps.centres[..., n][done])) for n in range(len(maps.bands))]
    blue, red = int(np.argmax(energies)), int(np.argmin(energies))
    apart = energies[blue] / energies[red]
    if blue == red or not 1.85 < apart < 2.15:
        raise NotPossible(
            "no band lies at twice the wavelength of another: "
            + ", ".join(f"{HC / energy:.0f} nm" for energy in sorted(energies))
        )
    usable = field.emitter & done
    ends = [areas_by_region(maps.areas[..., n], maps.area_uncertainties[..., n], usable) for n in (blue, red)]
    return assess_second_order(*ends)


def study_all(
    sample: "Sample",
    *,
    bands: Bands | None = None,
    windows: Windows | None = None,
    draws: int = 199,
) -> dict[str, Any]:
    """The studies of a sample, nothing kept: what a rival world or another sample gives.

    Parameters
    ----------
    sample : from `open_sample`
    bands, windows, draws : as `study_spectra` and `study_field` have them

    Returns
    -------
    ``recordings``, ``spectra`` and ``field``, each a result or `Missing`.
    """
    recordings = study_recordings(sample, record=False)
    spectra = study_spectra(sample, recordings, bands=bands, record=False)
    field = study_field(sample, recordings, spectra, windows=windows, draws=draws, record=False)
    return {"recordings": recordings, "spectra": spectra, "field": field}
