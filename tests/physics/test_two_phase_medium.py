"""Mixtures against printed values, exact limits and each other."""

import numpy as np
import pytest

from nbtools.physics.two_phase_medium import (
    bruggeman_conductivity,
    hashin_shtrikman_bound,
    percolation_conductivity,
)

FRACTIONS = np.linspace(0, 1, 21)


@pytest.mark.parametrize(
    ("found", "published"),
    [
        (hashin_shtrikman_bound(0.265), 0.193784278),
        (bruggeman_conductivity(0.265), 0.0),
        (bruggeman_conductivity(1 / 3), 0.0),
        (bruggeman_conductivity(0.5), 0.25),
        (percolation_conductivity(0.265, threshold=0.16, exponent=2), 0.015625),
        (percolation_conductivity(0.265, threshold=0.16, exponent=1.6), 0.035897),
        (percolation_conductivity(0.1, threshold=0.16, exponent=2), 0.0),
    ],
)
def test_published_values(found, published):
    """27 % of a conductor in an insulator, to the digits printed."""
    assert found == pytest.approx(published, rel=1e-5, abs=1e-12)


@pytest.mark.parametrize("contrast", [0.0, 1e-3, 0.3, 1.0])
def test_pure_phases_are_themselves(contrast):
    """All of phase 1 conducts 1, none of it conducts what the other phase does."""
    for model in (hashin_shtrikman_bound, bruggeman_conductivity):
        assert model([0.0, 1.0], contrast=contrast) == pytest.approx([contrast, 1.0], abs=1e-15)


@pytest.mark.parametrize("contrast", [0.0, 0.01, 0.5])
def test_no_mixture_beats_the_bound(contrast):
    """Bruggeman's medium is realisable, so it lies below the upper bound at every fraction."""
    bound, medium = (
        model(FRACTIONS, contrast=contrast) for model in (hashin_shtrikman_bound, bruggeman_conductivity)
    )
    assert np.all(medium <= bound + 1e-15)


def test_bruggeman_solves_its_equation():
    """f(1 − s)/(1 + 2s) + (1 − f)(c − s)/(c + 2s) = 0."""
    s = bruggeman_conductivity(FRACTIONS, contrast=0.05)
    assert FRACTIONS * (1 - s) / (1 + 2 * s) + (1 - FRACTIONS) * (0.05 - s) / (0.05 + 2 * s) == pytest.approx(
        0, abs=1e-13
    )


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: hashin_shtrikman_bound(26.5), "fraction is 26.5; it must be from 0 to 1"),
        (lambda: bruggeman_conductivity(0.2, contrast=3), "contrast is 3; it must be from 0 to 1"),
        (lambda: percolation_conductivity(0.2, threshold=1, exponent=2), "threshold is 1; it must be from 0"),
        (
            lambda: percolation_conductivity(0.2, threshold=0.1, exponent=0),
            "exponent is 0; it must be positive",
        ),
    ],
)
def test_impossible_input_is_refused(call, sentence):
    """Per cent for a fraction, or phases exchanged, is answered with a sentence."""
    with pytest.raises(ValueError, match=sentence):
        call()
