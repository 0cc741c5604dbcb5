"""Questions on the powder pattern for the classroom: read a line, reckon a density, predict what a texture does."""

import numpy as np

from nbtools.display import style
from nbtools.display.drawing import finish
from nbtools.lessons.questions import Lesson, Question
from nbtools.results import NotPossible
from nbtools.structure.draw_powder import draw_pattern
from nbtools.structure.powder_refinement import PhaseFractions
from nbtools.units import Quantity

COMPOSITION = "01_structure.ipynb#Fig.-1-·-Composition"


def show_pattern(composition: PhaseFractions) -> None:
    """The counts around the strongest line, with nothing refined, wide enough to read 0.1°."""
    figure, axes = style.new_figure(height=45)
    place = round(float(composition.two_theta[np.argmax(composition.counts)]))
    draw_pattern(axes, composition.two_theta, composition.counts, window=(place - 4, place + 4))
    if composition.stamp is not None:
        finish(figure, composition.stamp, "powder_pattern_by_hand")


def ask_cell(lesson: Lesson, composition: PhaseFractions) -> Question:
    """The cell of MgO, read off its strongest line.

    Parameters
    ----------
    lesson : keeps the answer
    composition : from `study_composition`

    Raises
    ------
    NotPossible
        MgO is not in this pattern.
    """
    if "MgO" not in composition.detected:
        raise NotPossible("MgO is not in this pattern")
    edge = composition.lattices["MgO"]["a"]
    wavelength = composition.model.instrument.wavelengths[0]
    question = (
        f"The strongest line is (200) of MgO, the wavelength {1e10 * wavelength:.4f} Å. Read its 2θ: how long is "
        "the edge of the cubic cell in Å?"
    )
    wrong = {
        "that is the spacing of the (200) planes, half the cell": 0.5e10 * float(edge),
        "2θ stands in the figure, θ in Bragg's law": 1e10
        * wavelength
        / np.sin(2 * np.arcsin(wavelength / float(edge))),
    }
    angle = 2 * np.degrees(np.arcsin(wavelength / float(edge)))
    why = (
        f"Bragg's law is λ = 2 d sin θ, and a = 2 d for (200): a = λ/sin θ, with θ half of 2θ = {angle:.2f}°"
    )
    asked = lesson.check(
        "cell of MgO",
        question,
        edge,
        unit="angstrom",
        tolerance=0.02,
        rivals=wrong,
        why=why,
        link=COMPOSITION,
    )
    return asked.about(composition)


def ask_density(lesson: Lesson, composition: PhaseFractions) -> Question:
    """The density of the whole without pores, from the weight fractions.

    Parameters
    ----------
    lesson : keeps the answer
    composition : from `study_composition`
    """
    parts = [
        (float(composition.weight_fractions[name]), composition.densities[name]) for name in composition.names
    ]
    dense = Quantity(1 / sum(weight / density for weight, density in parts), unit="kg/m^3")
    averaged = 1e-3 * sum(weight * density for weight, density in parts)
    phases = ", ".join(
        f"{100 * weight:.2f} % {name} of {1e-3 * density:.2f} g/cm³"
        for name, (weight, density) in zip(composition.names, parts, strict=True)
    )
    question = f"By weight the powder is {phases}. Without pores, what is the density of the whole in g/cm³?"
    why = "Volumes add, so that 1/ρ is the sum of w/ρ over the phases. An average of densities by weight is too high"
    wrong = {"densities averaged by weight; volumes add, densities do not": averaged}
    asked = lesson.check(
        "density",
        question,
        dense,
        unit="g/cm^3",
        tolerance=0.015,
        rivals=wrong,
        why=why,
        link=COMPOSITION,
    )
    return asked.about(composition)


def ask_texture(lesson: Lesson, textured: PhaseFractions, freed: PhaseFractions) -> Question:
    """What plates that lie flat do to the fraction of MgB2, when the refinement knows of no texture.

    Parameters
    ----------
    lesson : keeps the answer
    textured, freed : of a powder with texture, refined without and with it
    """
    blind, seeing = (float(study.weight_fractions["MgB2"]) for study in (textured, freed))
    question = (
        "The plates of MgB2 lie flat on the holder, and the refinement knows of no texture. Does its weight fraction "
        "come out too high or too low?"
    )
    found = "too high" if blind > seeing else "too low"
    why = (
        "Plates that lie flat strengthen (00l) and weaken most other lines, while one scale has to serve all "
        f"of them. The refinement finds {blind:.1%} without a texture and {seeing:.1%} with it"
    )
    asked = lesson.predict(
        "texture", question, found, options=("too high", "too low"), why=why, link=COMPOSITION
    )
    return asked.about(textured)
