"""Questions on STEM images for the classroom: read a transform, predict an inclined boundary, judge blind, break it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from nbtools.display import style
from nbtools.display.drawing import finish
from nbtools.lessons.questions import Flip, Lesson, Question, find_flip
from nbtools.physics.crystal_lattice import plane_spacing
from nbtools.results import NotPossible
from nbtools.stem.boundary import LayerStudy
from nbtools.stem.draw import draw_image, draw_transform
from nbtools.stem.draw import layer as draw_layer
from nbtools.stem.image import LatticeImage
from nbtools.stem.interface import GrainsStudy, misfit
from nbtools.stem.spots import hann_window, power_spectrum
from nbtools.stem.terraces import PENALTY, TerracesStudy
from nbtools.stem.twin_world import StemWorld
from nbtools.study import Missing, Stamp

if TYPE_CHECKING:
    from collections.abc import Mapping

# The blind specimens, by what they are: the data set that shows each.
SPECIMENS = {
    "clean, aligned, stepped": "stem-twin",
    "1 nm film": "stem-twin-amorphous",
    "turned at random": "stem-twin-random",
    "no steps": "stem-twin-straight",
}
GRAINS = "02_stem_interfaces.ipynb#Grains-and-zones"
PLANES = "02_stem_interfaces.ipynb#Planes-that-run-along-each-other"
BETWEEN = "02_stem_interfaces.ipynb#Is-anything-between-the-grains?"
TERRACES = "02_stem_interfaces.ipynb#Terraces-and-steps"
DEAREST = 600.0  # logarithms of the places: no boundary has steps at such a price


def show_transform(grains: GrainsStudy, *, grain: int = 1) -> None:
    """One grain of an image and its transform, with nothing read off it.

    Parameters
    ----------
    grains : from `study_grains`
    grain : its number, from 1
    """
    figure, axes = style.new_figure(2, columns=2, height=62)
    draw_image(axes[0], grains.image.plane, grains.image.pixel_size)
    draw_transform(axes[1], *grains.transforms[grain], ticks=True)
    if grains.stamp is not None:
        finish(figure, grains.stamp, "transform_by_hand")


def ask_spacing(lesson: Lesson, grains: GrainsStudy, *, grain: int = 1) -> Question:
    """The spacing of the planes of the innermost spots, read off the transform.

    Parameters
    ----------
    lesson : keeps the answer
    grains : from `study_grains`
    grain : its number, from 1

    Raises
    ------
    NotPossible
        The grain is not indexed.
    """
    pattern = grains.grains.patterns[grain - 1]
    if not pattern:
        raise NotPossible(f"grain {grain} is not indexed: {pattern.reason}")
    inner = max(pattern.best.spots, key=lambda spot: float(spot.spacing))
    question = (
        "The axes of the transform are in 1/nm. How far apart are the planes of the innermost spots, in Å? (Read k "
        "of a spot and of the opposite one; d = 1/k.)"
    )
    spacing = inner.spacing.to("angstrom")
    wrong = {
        "that is for the distance of both spots; it is 2/d": float(spacing) / 2,
        "that is k in 1/nm, not d": 10 / float(spacing),
    }
    why = (
        f"Planes d apart give spots at k = ±1/d, so that two opposite spots lie 2/d = {20 / float(spacing):.2f} "
        "nm⁻¹ apart. Half of that needs no centre of the transform"
    )
    asked = lesson.by_hand(
        "a spacing",
        question,
        spacing,
        unit="angstrom",
        tolerance=0.08,
        rivals=wrong,
        why=why,
        link=GRAINS,
    )
    return asked.about(grains)


def ask_overlap(lesson: Lesson, layer: LayerStudy) -> Question:
    """What an inclined boundary shows between its half-way contours.

    Parameters
    ----------
    lesson : keeps the answer
    layer : from `study_layer`, of an image with an inclined boundary
    """
    steepest = max(layer.widths.values(), key=lambda width: width.overlap)
    options = ("a gap", "no gap beyond the error")
    question = (
        "One boundary of this junction is inclined, so that two grains overlap in projection. What does it show "
        "between the half-way contours of both lattices?"
    )
    why = (
        "Where grains overlap in projection both lattices are seen, and their half-way contours cross; only a "
        f"layer without a lattice keeps them apart. The study finds {steepest}"
    )
    asked = lesson.predict(
        "overlap",
        question,
        options[not steepest.disordered],
        options=options,
        why=why,
        link=BETWEEN,
        reveal=lambda: draw_layer(layer),
    )
    return asked.about(layer)


def ask_misfit(lesson: Lesson) -> Question:
    """The misfit of two sets of parallel planes, reckoned."""
    world = StemWorld()
    boride = float(plane_spacing(world.boride, (1, 0, -1, 0)))
    oxide = float(plane_spacing(world.oxide, (2, 0, 0)))
    question = (
        "The misfit of m planes on n is 2(m d₁ − n d₂)/(m d₁ + n d₂). Four planes of "
        f"{1e10 * boride:.4f} Å on five of {1e10 * oxide:.4f} Å: which misfit, in %?"
    )
    truth = 100 * misfit(boride, oxide, 4, 5)
    wrong = {
        "that is of one plane on one plane": 100 * misfit(boride, oxide, 1, 1),
        "that is over the sum; the misfit is over the mean of both": truth / 2,
    }
    why = (
        f"Four planes are {4e10 * boride:.3f} Å and five are {5e10 * oxide:.3f} Å: their difference over their "
        "mean. At so small a misfit the planes can stay coherent over many spacings"
    )
    asked = lesson.check(
        "misfit", question, truth, unit="%", tolerance=0.03, rivals=wrong, why=why, link=PLANES
    )
    return asked.of("model")


def ask_blind_specimen(lesson: Lesson, specimens: "Mapping[str, Any]") -> Question:
    """Which of four specimens two images show, and how sure one is; the images are shown.

    Parameters
    ----------
    lesson : keeps the answer; its word chooses the specimen
    specimens : the studies of each, as `study_figures` gives them, by the names of `SPECIMENS`
    """
    mystery = lesson.mystery({name: name for name in SPECIMENS})
    studied = specimens[mystery.drawn]
    flat: LatticeImage = studied["grains_5"].image
    figure, axes = style.new_figure(3, columns=2, height=45)
    draw_image(axes[0], flat.plane, flat.pixel_size)
    power = power_spectrum(flat.plane, flat.pixel_size, hann_window(flat.plane.shape))
    draw_transform(axes[1], *power)
    stepped = studied["grains_7"].image
    draw_image(axes[2], stepped.plane, stepped.pixel_size)
    finish(figure, Stamp("A specimen, blind", "twin", mystery.name, "blind_specimen"), "blind_specimen")
    by_code = "; ".join(
        (_layer_said(studied["layer_5"]), _steps_said(studied["terraces_7"]), _pairs_said(studied))
    )
    why = (
        "A film leaves a band without fringes at the flat interface, and of grains turned at random no spots "
        "of both lie on one line through the centre. Of the other two, the right image has a boundary with "
        "steps or a straight one"
    )
    return lesson.judge(mystery, "Which specimen was it?", by_code=by_code, why=why, link=BETWEEN)


def _layer_said(layer: "LayerStudy | Missing") -> str:
    return str(layer.widest) if isinstance(layer, LayerStudy) else str(layer)


def _steps_said(terraces: "TerracesStudy | Missing") -> str:
    return f"{terraces.steps.count} step(s)" if isinstance(terraces, TerracesStudy) else str(terraces)


def _pairs_said(studied: "Mapping[str, Any]") -> str:
    found = studied["planes_5"]
    pairs = [pair.families for interface in found.interfaces for pair in interface.parallel_planes]
    return ", ".join(pairs) or "no planes parallel"


def find_step_price(terraces: TerracesStudy) -> Flip:
    """The price at which a boundary has fewer steps."""
    return find_flip(lambda price: terraces.steps.priced(price).count, PENALTY, DEAREST, steps=60)


def ask_step_price(lesson: Lesson, terraces: TerracesStudy) -> Question:
    """At which price the stairs of a boundary lose a step.

    Parameters
    ----------
    lesson : keeps the answer
    terraces : from `study_terraces`

    Raises
    ------
    NotPossible
        A boundary without steps.
    """
    if not terraces.steps.count:
        raise NotPossible("this boundary has no step to lose")
    limit = find_step_price(terraces)
    question = (
        f"Each step costs {PENALTY:g} logarithms of the number of places, and the stairs have {terraces.steps.count} "
        "steps. At which price does that number change?"
    )
    tolerance = 0.3 * float(limit.at) if limit.at is not None and np.isfinite(float(limit.at)) else None
    why = (
        "A step is kept while the columns that it explains gain more log-likelihood than it costs, its price "
        "times the logarithm of the number of places. The higher the price at which the count changes, the "
        "surer the steps"
    )
    wrong = {} if limit.at is None else {"that is by which factor the price rises": float(limit.at) / PENALTY}
    asked = lesson.predict(
        "a dear step", question, limit.at, tolerance=tolerance, rivals=wrong, why=why, link=TERRACES
    )
    return asked.of("model")
