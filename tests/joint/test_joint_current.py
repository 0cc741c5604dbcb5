"""One J_c(T) from several thermometers: planted offsets come back, and curves that are not one are told."""

import numpy as np
import pytest
from scipy.stats import binomtest
from seeds import pulls_over_seeds

from nbtools.joint.critical_current import CurrentPoints, fit_joint_current
from nbtools.physics.critical_current import reduced_critical_current
from nbtools.units import Quantity

PLACES = {"loops": [5, 10, 20, 25, 30], "half screening": [36.6, 36.9, 37.1], "profiles": [30, 33, 35]}
LOOSE = {"loops": 0.0, "half screening": 0.1, "profiles": 0.4}
END, POWER = 38.5, 1.7


def planted(seed: int, factor: float = 1.0):
    """Three instruments on one law, their thermometers off as stated; `factor` on the profiles' currents."""
    rng = np.random.default_rng(seed)
    sets, offsets = {}, {}
    for name, places in PLACES.items():
        t = np.array(places, float)
        offsets[name] = rng.normal(0, LOOSE[name]) if LOOSE[name] else 0.0
        j = (
            1e10
            * reduced_critical_current(t / END, "power", exponent=POWER)
            * np.exp(rng.normal(0, 0.03, t.size))
        )
        j *= factor if name == "profiles" else 1.0
        read = t + offsets[name] + rng.normal(0, 0.01, t.size)
        sets[name] = CurrentPoints(read, j, 0.01, 0.03, LOOSE[name])
    return sets, offsets


def distances(seed: int) -> dict[str, Quantity]:
    """By how much each number is missed."""
    sets, offsets = planted(seed)
    fit = fit_joint_current(sets)
    missed = {
        name: Quantity(fit.offsets[name] - offsets[name], fit.offsets[name].uncertainty)
        for name in fit.offsets
    }
    found = {"T_c": (fit.critical_temperature, END), "n": (fit.exponent, POWER)}
    return missed | {name: Quantity(q - truth, q.uncertainty) for name, (q, truth) in found.items()}


@pytest.mark.seeds
def test_planted_offsets_come_back() -> None:
    """The stated intervals of both offsets, T_c and n cover the truth in 68 % of worlds."""
    names = ("half screening", "profiles", "T_c", "n")
    for pulls in pulls_over_seeds(distances, dict.fromkeys(names, 0.0), seeds=30).values():
        assert pulls.p_value > 0.001, pulls


@pytest.mark.seeds
def test_one_law_is_seldom_refused() -> None:
    """At 5 % the χ² of a true law is refused in one world of twenty."""
    refused = sum(fit_joint_current(planted(seed)[0]).p_value < 0.05 for seed in range(30))
    assert binomtest(refused, 30, 0.05).pvalue > 0.001


def test_a_thermometer_taken_at_its_word_fits_worse() -> None:
    """With an offset of 4 σ planted, the law passes only where it may move."""
    sets, _ = planted(0)
    warm = sets["profiles"]
    sets["profiles"] = CurrentPoints(np.asarray(warm.temperature) + 1.0, warm.current, 0.01, 0.03, 0.4)
    fit = fit_joint_current(sets)
    assert fit.chi_square_exact > fit.chi_square + 25
    assert fit.offsets["profiles"] > 0.5


def test_no_offset_brings_a_wrong_current_onto_the_curve() -> None:
    """Currents three times too high at 30 to 35 K are no thermometer's fault."""
    assert fit_joint_current(planted(1, factor=3.0)[0]).p_value < 1e-3


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        ({"a": CurrentPoints([30, 31, 32, 33], [4, 3, 2, 1], offset_uncertainty=0.1)}, "as the reference"),
        ({"a": CurrentPoints([30, 31, 32], [3, 2, 1])}, "four at least"),
        ({"a": CurrentPoints([30, 31, 32, 33], [3, 2, 1, 0])}, "leave out points without a current"),
    ],
)
def test_what_cannot_be_fitted_is_said(sets, said) -> None:
    """No reference, too few points, no current."""
    with pytest.raises(ValueError, match=said):
        fit_joint_current(sets)
