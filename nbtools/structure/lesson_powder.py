"""Questions on the powder pattern for the classroom: read a line, reckon a density, predict what a texture does."""

import numpy as np

from nbtools.display import style
from nbtools.display.drawing import finish
from nbtools.lessons.about import about
from nbtools.lessons.questions import Lesson, Question
from nbtools.results import NotPossible
from nbtools.structure.draw_powder import draw_pattern
from nbtools.structure.powder_refinement import PhaseFractions
from nbtools.units import Quantity


def show_pattern(composition: PhaseFractions) -> None:
    """The counts alone, with nothing refined."""
    figure, axes = style.new_figure(height=55)
    draw_pattern(axes, composition.two_theta, composition.counts)
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
    asked = lesson.check("cell of MgO", question, edge, unit="angstrom", tolerance=0.01, rivals=wrong)
    return about(composition, asked)


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
    question = (
        "Without pores, what is the density of the whole in g/cm³, from the weights and densities above?"
    )
    wrong = {"densities averaged by weight; volumes add, densities do not": averaged}
    asked = lesson.check("density", question, dense, unit="g/cm^3", tolerance=0.015, rivals=wrong)
    return about(composition, asked)


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
    return about(textured, lesson.predict("texture", question, found, options=("too high", "too low")))
