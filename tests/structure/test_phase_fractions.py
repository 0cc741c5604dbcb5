"""Fractions from scales: the paper's arithmetic, covariance against Monte Carlo, limits and the standard."""

import numpy as np
import pytest
from powder_worlds import PHASES

from nbtools.structure.phase_fractions import (
    HANDBOOK_DENSITIES,
    convert_fractions,
    densities_of,
    shares,
    upper_limit,
)

PRINTED = {"MgO": 79.2, "MgB2": 20.6, "Mg": 0.2}
HANDBOOK = {"MgO": 3.58, "MgB2": 2.57, "Mg": 1.74}
MOLAR = {"MgO": 40.304, "MgB2": 45.927}


def test_the_papers_volumes_need_the_handbooks_density():
    """79.2/20.6/0.2 wt% give 73.13/26.49/0.38 vol% with 3.58, 2.57 and 1.74; with the cells' densities 26.1."""
    volumes = convert_fractions(PRINTED, HANDBOOK)
    expected = {"MgO": 0.73125323, "MgB2": 0.26494745, "Mg": 0.00379932}
    assert volumes == pytest.approx(expected, abs=1e-8)
    cells = convert_fractions(PRINTED, {name: phase.density for name, phase in PHASES.items()})
    assert cells["MgB2"] == pytest.approx(0.2611, abs=1e-4)


def test_formula_units():
    """The printed weights are 4.381 MgO to one MgB2; 3 : 1 would be 27.53 wt% and 34.60 vol%."""
    moles = convert_fractions(PRINTED | {"Mg": 0.0}, MOLAR | {"Mg": 24.305})
    assert moles["MgO"] / moles["MgB2"] == pytest.approx(4.380951, rel=2e-4)
    weights = convert_fractions({"MgO": 3.0, "MgB2": 1.0}, {name: 1 / mass for name, mass in MOLAR.items()})
    assert weights["MgB2"] == pytest.approx(0.27527302, rel=2e-4)
    volumes = convert_fractions(weights, HANDBOOK)
    assert volumes["MgB2"] == pytest.approx(0.34602124, rel=2e-4)


def test_xray_densities_of_the_cells():
    """3582.5, 2623.9 and 1738 kg/m³; the handbook's where asked for, one's own where given."""
    cells = densities_of(PHASES, "x-ray")
    assert cells == pytest.approx({"MgO": 3582.55, "MgB2": 2623.91, "Mg": 1738}, rel=1e-3)
    assert densities_of(PHASES, "handbook") == {"MgO": 3580.0, "MgB2": 2570.0, "Mg": 1740.0}
    assert densities_of(PHASES, {"MgB2": 2600})["MgB2"] == 2600
    assert densities_of(PHASES, "x-ray", expansion={"MgO": 1.01})["MgO"] == pytest.approx(cells["MgO"] / 1.01)
    assert set(HANDBOOK_DENSITIES) == {phase.formula for phase in PHASES.values()}


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ("table", "densities is 'table'; it can be"),
        ({"Si": 2330.0}, "the density of 'Si' is 2330.0; positive densities"),
        ({"MgO": -1.0}, "the density of 'MgO' is -1.0"),
    ],
)
def test_a_density_that_cannot_be_used(choice, text):
    """Says which, and what was expected."""
    with pytest.raises(ValueError, match=text):
        densities_of(PHASES, choice)


def test_covariance_is_that_of_many_draws():
    """First-order propagation against 200,000 draws: fractions sum to one, so they are anticorrelated."""
    amounts, factors = np.array([10.0, 3.0, 0.1]), np.array([2.0, 5.0, 1.0])
    covariance = np.array([[0.04, 0.01, 0.0], [0.01, 0.02, 0.002], [0.0, 0.002, 0.01]])
    found = shares(amounts, covariance, factors)
    draws = np.random.default_rng(0).multivariate_normal(amounts, covariance, 200_000) * factors
    parts = draws / draws.sum(axis=1, keepdims=True)
    assert [one.uncertainty for one in found] == pytest.approx(np.std(parts, axis=0), rel=0.02)
    assert sum(found).uncertainty == pytest.approx(0, abs=1e-9)
    ratio = parts[:, 0] / parts[:, 1]
    assert (found[0] / found[1]).uncertainty == pytest.approx(np.std(ratio), rel=0.03)


def test_nothing_to_share():
    """No phase above zero is an error, not a division by zero."""
    with pytest.raises(ValueError, match="no phase is above zero"):
        shares([0.0, 0.0], np.eye(2), [1.0, 1.0])


def test_upper_limit():
    """Two-sided 95 %; a downward fluctuation does not tighten it; never above all."""
    assert upper_limit(0.002, 0.001) == pytest.approx(0.002 + 1.959964e-3)
    assert upper_limit(-0.005, 0.001) == pytest.approx(1.959964e-3)
    assert upper_limit(0.9999, 0.1) == 1.0
