"""Questions on cathodoluminescence for the classroom: read a width, predict, reckon, judge maps blind, break it."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbtools.cathodoluminescence.chance import assess_boundary_profile, assess_channels
from nbtools.cathodoluminescence.draw import draw_map, draw_spectra
from nbtools.cathodoluminescence.field import CERTAIN, FieldStudy
from nbtools.cathodoluminescence.model_centres import FWHM
from nbtools.cathodoluminescence.model_emission import World, emission_maps, two_phase_map
from nbtools.cathodoluminescence.model_vacancies import oxygen_site_density, percolation_threshold
from nbtools.display import style
from nbtools.display.drawing import finish
from nbtools.lessons.questions import Flip, Lesson, Mystery, Question, find_flip
from nbtools.results import NotPossible
from nbtools.study import Stamp
from nbtools.units import Quantity

if TYPE_CHECKING:
    from nbtools.cathodoluminescence.study import SpectraStudy

Array = NDArray[np.float64]
# The blind maps, by what they are.
WORLDS: dict[str, World] = {
    "channels": "channels",
    "a rim, no channels": "rim",
    "bright edges": "out-coupling",
    "shuffled places": "shuffled",
}
PIXEL = 2e-7  # m
PHOTONS = 5.0
EDGE_LENGTH = 5e-7  # m
HOP = 0.6e-9  # m
BANDS = "06_cathodoluminescence.ipynb#Bands-in-energy"
SURVEY = "06_cathodoluminescence.ipynb#Fig.-16-·-Survey,-3000-times"
DETAIL = "06_cathodoluminescence.ipynb#Fig.-17-·-Detail,-8000-times"
NETWORK = "06_cathodoluminescence.ipynb#How-many-vacancies-does-a-network-need?"


def show_band(spectra: "SpectraStudy", spot: str = "B") -> None:
    """The ultraviolet end of a spot's spectrum as recorded, with nothing read off it."""
    figure, axes = style.new_figure(height=45)
    draw_spectra(axes, {spot: spectra.recorded[spot]}).set_xlim(300, 420)
    if spectra.stamp is not None:
        finish(figure, spectra.stamp, "band_by_hand")


def ask_width(lesson: Lesson, spectra: "SpectraStudy", spot: str = "B") -> Question:
    """The full width at half maximum in eV of a spot's bluest band, from two wavelengths read off the curve.

    Parameters
    ----------
    lesson : keeps the answer
    spectra : from `study_spectra`
    spot : the name of the spectrum

    Raises
    ------
    NotPossible
        The spot has no bands: a truth that is not determined is not asked.
    """
    fit = spectra.fits.get(spot)
    if fit is None or not fit:
        raise NotPossible(f"spectrum {spot} has no bands here")
    bluest = int(np.argmax([float(c) for c in fit.centres]))
    width, centre = fit.fwhm[bluest], float(fit.centres[bluest])
    wrong = {"hc over the width, where two energies are to be subtracted": centre**2 / float(width)}
    wrong["that is the standard deviation, not the full width at half maximum"] = float(width) / FWHM
    question = (
        "At which two wavelengths is the peak half as high? How far apart are these in eV? "
        "(E = hc/λ, hc = 1239.84 eV nm)"
    )
    why = (
        f"E = hc/λ, so that the width is hc(1/λ₁ − 1/λ₂), near E² Δλ/hc with E = {centre:.2f} eV. Equal steps "
        "in wavelength are no equal steps in energy"
    )
    tolerance = 0.15 * float(width)
    asked = lesson.by_hand(
        "width", question, width, unit="eV", tolerance=tolerance, rivals=wrong, why=why, link=BANDS
    )
    return asked.about(spectra)


def ask_bright_edges(lesson: Lesson, field: FieldStudy) -> Question:
    """Whether the ratio of two bands gathers at the boundary where light of both leaves more easily at edges.

    Parameters
    ----------
    lesson : keeps the answer
    field : of the world with bright edges
    """
    question = "Light of both colours leaves more easily at edges. Does 520 nm over 350 nm gather at MgB2?"
    found = "yes" if field.findings["gathering"] else "no"
    why = (
        "What multiplies both colours alike drops out of their ratio. The ratio gathers only where the mixture "
        "of centres changes, which is why it is put to chance and not one map"
    )
    asked = lesson.predict("bright edges", question, found, options=("yes", "no"), why=why, link=SURVEY)
    return asked.about(field)


def ask_room_for_one(lesson: Lesson) -> Question:
    """The edge of a cube that holds one vacancy where hops first span the crystal."""
    bulk = percolation_threshold(HOP, cells=10, samples=8, rng=np.random.default_rng(6))
    room = Quantity(bulk.density() ** (-1 / 3), unit="m")
    sites = 1e-27 * oxygen_site_density()
    radius = float(room.to("nm")) * (3 / (4 * np.pi)) ** (1 / 3)
    question = (
        f"Hops of up to {1e9 * HOP:g} nm span MgO once {bulk} are vacant; it has {sites:.1f} of these in a nm³. How "
        "long is the edge of a cube that holds one vacancy, in nm?"
    )
    wrong = {
        "that is the radius of a ball that holds one": radius,
        "that is for one oxygen site, vacant or not": sites ** (-1 / 3),
    }
    why = (
        f"Sites times share are {1e-27 * bulk.density():.2f} vacancies in a nm³, and the edge is that to the "
        f"power of −1/3. Hops of {1e9 * HOP:g} nm are shorter and span all the same, for vacancies at random "
        "have near neighbours"
    )
    asked = lesson.check("room for one", question, room, unit="nm", rivals=wrong, why=why, link=NETWORK)
    return asked.of("model")


def blind_maps(lesson: Lesson) -> tuple[Mystery[World], NDArray[np.bool_], dict[str, Array]]:
    """A world drawn by the lesson's word, its emitter, and few photons of its two bands."""
    mystery = lesson.mystery(WORLDS)
    rng = np.random.default_rng(mystery.seed)
    emitter = two_phase_map((72, 72), scale=1.8e-6, dark_share=0.265, pixel=PIXEL, rng=rng)
    planted = emission_maps(mystery.drawn, emitter, pixel=PIXEL, rng=rng)
    seen = {name: rng.poisson(PHOTONS * planted[name]).astype(float) for name in ("ultraviolet", "green")}
    return mystery, emitter, seen


def ask_blind_maps(lesson: Lesson) -> Question:
    """Which of four worlds two noisy maps are of, and how sure one is; the maps are shown."""
    mystery, emitter, seen = blind_maps(lesson)
    figure, axes = style.new_figure(2, columns=2, height=45)
    for place, (name, light) in zip(axes, seen.items(), strict=True):
        draw_map(place, light, pixel=PIXEL).set_xlabel(name)
    finish(figure, Stamp("Maps, blind", "twin", mystery.name, "blind_maps"), "blind_maps")
    green = seen["green"]
    gathering = assess_boundary_profile(
        green, emitter, reference=seen["ultraviolet"], shifts=199, pixel=PIXEL
    )
    lines = assess_channels(green, emitter, draws=39, pixel=PIXEL)
    said = f"it gathers with p = {gathering.p_value:.3f}, in lines with p = {lines.p_value:.3f}"
    why = (
        "Channels and a rim raise green over ultraviolet at MgB₂, channels in lines and a rim evenly. Bright "
        "edges raise both colours alike, and at shuffled places nothing gathers at the boundary"
    )
    return lesson.judge(mystery, "Which world is it?", by_code=said, why=why, link=DETAIL)


def find_edge_gain(field: FieldStudy, *, beam_range: float = 0.0) -> Flip:
    """How much more light must leave at edges before the 520 nm map alone no longer gathers.

    Parameters
    ----------
    field : from `study_field`
    beam_range : m

    Raises
    ------
    NotPossible
        A field without a boundary profile.
    """
    if field.profile is None:
        raise NotPossible(field.missing.get("profile", "this field has no boundary profile"))
    light = list(field.windows.values())[-1]
    options: dict[str, Any] = {"pixel": field.pixel, "beam_range": beam_range, "shifts": 199}

    def gathers(gain: float) -> bool:
        test = assess_boundary_profile(light, field.emitter, out_coupling=(gain, EDGE_LENGTH), **options)
        return bool(test.p_value < CERTAIN)

    return find_flip(gathers, 0.01, 2.0, halvings=3)


def ask_edge_gain(lesson: Lesson, field: FieldStudy, *, beam_range: float = 0.0) -> Question:
    """At which gain of light at edges the gathering of 520 nm is explained.

    Parameters
    ----------
    lesson : keeps the answer
    field, beam_range : as `find_edge_gain` has them
    """
    limit = find_edge_gain(field, beam_range=beam_range)
    question = "Which gain of light at edges explains that 520 nm gathers? (1 is twice the light)"
    why = (
        "Light that leaves more easily at edges makes any map gather there, without a vacancy. A single map "
        "excludes only gains below that limit; the ratio of two bands is free of it"
    )
    wrong = (
        {}
        if limit.at is None
        else {"that is the factor of the light; the gain is one less": 1 + float(limit.at)}
    )
    asked = lesson.predict("gain", question, limit.at, tolerance=0.1, rivals=wrong, why=why, link=SURVEY)
    return asked.of("model")
