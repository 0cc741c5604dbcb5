"""Mixtures against printed values, exact limits and a medium that can be made."""

import numpy as np
import pytest

from nbtools.physics.two_phase_medium import hashin_shtrikman_bound

FRACTIONS = np.linspace(0, 1, 21)


def test_a_published_value():
    """27 % of a conductor in an insulator, to the digits printed."""
    assert hashin_shtrikman_bound(0.265) == pytest.approx(0.193784278, rel=1e-8)


@pytest.mark.parametrize("contrast", [0.0, 1e-3, 0.3, 1.0])
def test_pure_phases_are_themselves(contrast):
    """All of phase 1 conducts 1, none of it conducts what the other phase does."""
    assert hashin_shtrikman_bound([0.0, 1.0], contrast=contrast) == pytest.approx([contrast, 1.0], abs=1e-15)


@pytest.mark.parametrize("contrast", [0.0, 0.01, 0.5])
def test_no_mixture_beats_the_bound(contrast):
    """Bruggeman's symmetric medium (Ann. Phys. 416, 636) can be made, so it lies below the bound at every fraction."""
    b = 3 * FRACTIONS - 1 + contrast * (2 - 3 * FRACTIONS)
    bruggeman = (b + np.sqrt(b**2 + 8 * contrast)) / 4
    assert np.all(bruggeman <= hashin_shtrikman_bound(FRACTIONS, contrast=contrast) + 1e-15)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"fraction": 26.5}, "fraction is 26.5; it must be from 0 to 1"),
        ({"fraction": 0.2, "contrast": 3}, "contrast is 3; it must be from 0 to 1"),
    ],
)
def test_impossible_input_is_refused(arguments, sentence):
    """Per cent for a fraction, or phases exchanged, is answered with a sentence."""
    with pytest.raises(ValueError, match=sentence):
        hashin_shtrikman_bound(**arguments)
