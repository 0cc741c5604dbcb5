"""Questions on magneto-optics for the classroom: read a profile, reckon a current, predict, judge blind, break it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nbtools.display import style
from nbtools.display.drawing import finish
from nbtools.lessons.questions import Flip, Lesson, Mystery, Question, find_flip
from nbtools.magneto_optics.critical_current import estimate_critical_current
from nbtools.magneto_optics.draw import draw_map, draw_profiles
from nbtools.magneto_optics.flux import FluxMaps
from nbtools.magneto_optics.homogeneity import Homogeneity, check_homogeneity
from nbtools.magneto_optics.inversion import invert_current
from nbtools.magneto_optics.profiles import bin_map, place_outline
from nbtools.magneto_optics.twin_world import MagnetoOpticsWorld
from nbtools.results import NotPossible
from nbtools.study import Stamp
from nbtools.units import Quantity, convert

if TYPE_CHECKING:
    from nbtools.magneto_optics.study import CriticalCurrentStudy, FluxStudy

# The blind plates, by what they are.
FULL: dict[str, Any] = {"temperatures": (35.0,), "critical_currents": (2.4e7,)}
WORLDS: dict[str, dict[str, Any]] = {
    "one J_c": FULL | {"gradient": 0.0, "half_field": np.inf},
    "weak joints": FULL | {"world": "granular"},
    "a stronger half": FULL | {"world": "two-to-one"},
}
BLIND_FIELD, BLIND_NOISE = 20e-3, 2e-3  # T
READ_AT = (0.25, 0.75)  # of the half width
WIDEST_GAP = 300.0  # µm
WIDTH = 0.2e-3  # m
RAMP = "04_magneto_optics.ipynb#Fig.-10-·-Flux-on-a-ramp"
CURRENT = "04_magneto_optics.ipynb#Fig.-11-·-The-current"


def _mm(place: float) -> str:
    return f"{convert(place, 'm', 'mm'):.1f}"


def show_profile(flux: "FluxStudy") -> None:
    """B_z across the warmest plate at the largest field, with nothing read off it."""
    maps = flux.warmest
    across = maps.across(maps.field[maps.top], width=WIDTH)
    figure, axes = style.new_figure(height=45)
    draw_profiles(axes, across.distance, [across.field], [float(maps.applied[maps.top])])
    if flux.stamp is not None:
        finish(figure, flux.stamp, "flux_profile_by_hand")


def ask_slope(lesson: Lesson, flux: "FluxStudy") -> Question:
    """dB_z/dx between two places of the profile, read off it.

    Parameters
    ----------
    lesson : keeps the answer
    flux : from `study_flux`

    Raises
    ------
    NotPossible
        No outline, or no ramp: a truth that is not determined is not asked.
    """
    maps = flux.warmest
    maps.sample()
    across = maps.across(maps.field[maps.top], width=WIDTH)
    low, high = (round(share * maps.half_width, 4) for share in READ_AT)
    inner, outer = np.interp([low, high], across.distance, across.field)
    slope = Quantity(float(outer - inner) / (high - low), np.nan, "T/m")
    question = (
        f"{maps.label}, largest field: by how many G/mm does B_z rise from x = {_mm(low)} to {_mm(high)} mm?"
    )
    tolerance = max(0.15 * abs(float(slope.to("G/mm"))), 2.0)
    there, here = (float(convert(field, "T", "G")) for field in (outer, inner))
    why = (
        f"B_z rises from {here:.0f} to {there:.0f} G over {_mm(high - low)} mm. Currents all over the plate add "
        "to it, so that it is not μ₀ J_c, as it would be in a slab"
    )
    wrong = {
        "that is B_z at the outer place over its x, not a difference over a distance": there
        / float(convert(high, "m", "mm"))
    }
    asked = lesson.by_hand(
        "slope", question, slope, unit="G/mm", tolerance=tolerance, rivals=wrong, why=why, link=RAMP
    )
    return asked.about(flux)


def ask_current_around(lesson: Lesson, flux: "FluxStudy", critical: "CriticalCurrentStudy") -> Question:
    """The current around the middle of a full plate, reckoned from J_c and the card.

    Parameters
    ----------
    lesson : keeps the answer
    flux : gives the plate
    critical : gives J_c

    Raises
    ------
    NotPossible
        A plate that is not full, or whose thickness is not known.
    """
    maps = flux.warmest
    found = critical.found[maps.temperature]
    if found.state[-1] != "filled" or not maps.thickness:
        raise NotPossible(f"{maps.label}: the plate is not full, or its thickness is not known")
    around = Quantity(found.critical_current * maps.thickness * maps.half_width, np.nan, "A")
    wrong = {
        "that is what the mean of a rooftop carries": float(around) / 2,
        "that is with the whole width; half of the section carries the current back": 2 * float(around),
    }
    why = (
        "J_c flows one way through half of the section and back through the other: I = J_c d a, with d the "
        f"thickness and a = {convert(maps.half_width, 'm', 'mm'):.2f} mm half the width"
    )
    question = (
        f"The plate is full at {maps.label}, with J_c = {found.critical_current.to('A/cm^2')}. It is "
        f"{convert(maps.thickness, 'm', 'mm'):.2f} mm thick and {_mm(2 * maps.half_width)} mm wide. How many A circle "
        "its middle?"
    )
    asked = lesson.check("around the plate", question, around, unit="A", rivals=wrong, why=why, link=CURRENT)
    return asked.about(flux)


def ask_thin_sheet(lesson: Lesson, flux: "FluxStudy") -> Question:
    """How |J| comes out when the plate is read as a thin sheet.

    Parameters
    ----------
    lesson : keeps the answer
    flux : from `study_flux`
    """
    maps = flux.warmest
    sample = maps.sample()
    plate, sheet = (
        maps.currents(maps.top, thickness=d).sheet_current[sample].mean() for d in (maps.thickness, 0.0)
    )
    question = "The plate is read as a thin sheet at its top face. How does the current come out?"
    found = "smaller" if sheet < plate else "larger"
    why = (
        "A pattern of wave number k reaches the film as e^(−kz) from the depth z, so that current deep in the "
        f"plate counts for less. A sheet at the top needs {float(sheet / plate):.0%} of it for the same field"
    )
    asked = lesson.predict(
        "thin sheet", question, found, options=("smaller", "larger"), why=why, link=CURRENT
    )
    return asked.about(flux)


def blind_plate(lesson: Lesson) -> tuple[Mystery[Any], np.ndarray[Any, Any], MagnetoOpticsWorld]:
    """A plate drawn by the lesson's word, B_z of its currents with noise (T), turned about and scaled."""
    mystery = lesson.mystery(WORLDS)
    world = MagnetoOpticsWorld(**mystery.drawn)
    own = world.field(world.ramp_states(35.0)[world.ramp.index(max(world.ramp))], 0.0)
    rng = np.random.default_rng(mystery.seed)
    turns = tuple(slice(None, None, int(step)) for step in rng.choice([-1, 1], 2))
    seen = own[turns]
    return mystery, BLIND_FIELD * seen / np.abs(seen).max() + rng.normal(0, BLIND_NOISE, seen.shape), world


def judge_plate(seen: np.ndarray[Any, Any], world: MagnetoOpticsWorld) -> Homogeneity:
    """What the notebook's own test says of a blind plate."""
    at: dict[str, Any] = {
        "pixel_size": world.pixel_size,
        "height": world.gap,
        "thickness": world.thickness,
    }
    outline = place_outline((seen.shape[0], seen.shape[1]), world.pixel_size, world.sides)
    fitted = estimate_critical_current(seen, 0.0, outline=outline, **at)
    return check_homogeneity(
        invert_current(seen, **at), fitted.own[0], outline, critical_current=float(fitted.critical_current)
    )


def ask_blind_plate(lesson: Lesson) -> Question:
    """Which of three plates a noisy map was taken of, and how sure one is; the map is shown."""
    mystery, seen, world = blind_plate(lesson)
    figure, axes = style.new_figure(height=42)
    draw_map(axes, bin_map(seen, 2), pixel_size=2 * world.pixel_size)
    finish(figure, Stamp("A plate, blind", "twin", mystery.name, "blind_plate"), "blind_plate")
    why = (
        "With one J_c the flux changes its slope only along the lines where the current turns. Weak joints add "
        "such lines around every grain, and a stronger half moves the middle one off the centre"
    )
    said = str(judge_plate(seen, world))
    return lesson.judge(mystery, "Which plate is it?", by_code=said, why=why, link=CURRENT)


def find_gap_limit(maps: FluxMaps) -> Flip:
    """How far off the gap may be taken before an even plate no longer passes for one.

    Parameters
    ----------
    maps : of an even plate
    """

    def even(gap: float) -> str:
        taken = replace(maps, height=convert(gap, "um", "m"))
        fitted = taken.critical_current([taken.top])
        found = check_homogeneity(
            taken.currents(taken.top),
            fitted.own[0],
            taken.sample(),
            critical_current=float(fitted.critical_current),
            applied=float(taken.applied[taken.top]),
            anisotropy_field=taken.anisotropy_field,
        )
        return "one J_c" if found.uniform else "not one J_c"

    start = convert(maps.height, "m", "um")
    return find_flip(even, start, WIDEST_GAP, unit="um", steps=6, halvings=3)


def ask_gap_limit(lesson: Lesson, flux: "FluxStudy") -> Question:
    """At which gap an even plate looks uneven.

    Parameters
    ----------
    lesson : keeps the answer
    flux : its second warmest ramp is the even plate

    Raises
    ------
    NotPossible
        Fewer than two ramps.
    """
    if len(flux.ramps) < 2:
        raise NotPossible("there is one ramp; the question needs a second, colder one")
    limit = find_gap_limit(flux.ramps[-2])
    question = f"The gap is {limit.start:.0f} µm. Taken as how many µm does it make this plate look uneven?"
    why = (
        "A pattern of wave number k fades as e^(−kz) on its way to the film, and the inversion takes that "
        "back. A gap taken too large amplifies fine detail, until one J_c no longer explains the map"
    )
    asked = lesson.predict("gap", question, limit.at, unit="um", tolerance=40.0, why=why, link=CURRENT)
    return asked.about(flux)
