"""Mixtures against printed values, exact limits and a medium that can be made."""

import numpy as np
import pytest

from nbtools.physics.two_phase_medium import hashin_shtrikman_bound


def test_a_published_value_and_pure_phases():
    """27 % of a conductor in an insulator, to the digits printed; all of it conducts 1, none of it nothing."""
    assert hashin_shtrikman_bound([0.0, 0.265, 1.0]) == pytest.approx([0.0, 0.193784278, 1.0], rel=1e-8)


def test_no_mixture_beats_the_bound():
    """Bruggeman's symmetric medium (Ann. Phys. 416, 636) can be made, so it lies below the bound at every fraction."""
    f = np.linspace(0, 1, 21)
    bruggeman = np.maximum(3 * f - 1, 0) / 2
    assert np.all(bruggeman <= hashin_shtrikman_bound(f) + 1e-15)


def test_impossible_input_is_refused():
    """Per cent for a fraction is answered with a sentence."""
    with pytest.raises(ValueError, match=r"fraction is 26.5; it must be from 0 to 1"):
        hashin_shtrikman_bound(26.5)
