"""One J_c(T) from several thermometers: planted offsets come back, and curves that are not one are told."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest, chi2
from seeds import pulls_over_seeds

from nbtools.joint.critical_current import (
    CurrentPoints,
    JointCurrentStudy,
    PrintedCurrents,
    degrees_of_freedom,
    fit_joint_current,
)
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
        ({"a": CurrentPoints([0, 31, 32, 33], [4, 3, 2, 1])}, "must be positive"),
        ({"a": CurrentPoints([30, 31, 32, 33], [3, 2, 1, 0])}, "leave out points without a current"),
    ],
)
def test_what_cannot_be_fitted_is_said(sets, said) -> None:
    """No reference, too few points, no current."""
    with pytest.raises(ValueError, match=said):
        fit_joint_current(sets)


def two_instruments(offset: float = 0.0) -> dict[str, CurrentPoints]:
    """Noise-free points of one power law; the second thermometer reads `offset` too much."""
    cold, warm = np.array([10.0, 15, 20, 25, 30]), np.array([33.0, 35, 36])
    return {
        "loops": CurrentPoints(cold, 1e10 * (1 - cold / END) ** POWER, 0.01, 0.03),
        "flux profiles": CurrentPoints(warm + offset, 1e10 * (1 - warm / END) ** POWER, 0.02, 0.04, 0.4),
    }


def test_errors_are_those_of_the_information_in_the_points() -> None:
    """Errors in T count as n/(T_c − T) times as much in ln J_c; an offset has its own σ as one more reading."""
    fit = fit_joint_current(two_instruments())
    sets = two_instruments()
    rows, weights = [], []
    for points, loose in ((sets["loops"], 0.0), (sets["flux profiles"], 1.0)):
        for kelvin in np.asarray(points.temperature):
            slope = POWER / (END - kelvin)
            rows.append([1.0, slope * kelvin / END, np.log(1 - kelvin / END), loose * slope])
            weights.append(
                1 / (points.relative_uncertainty**2 + (slope * points.temperature_uncertainty) ** 2)
            )
    table = np.array(rows)
    information = (table.T * weights) @ table
    information[3, 3] += 1 / 0.4**2
    sigma = np.sqrt(np.diag(np.linalg.inv(information)))
    found = (fit.critical_temperature, fit.exponent, fit.offsets["flux profiles"])
    assert [float(q) for q in found] == pytest.approx([END, POWER, 0.0], abs=1e-5)
    assert [q.uncertainty for q in found] == pytest.approx(sigma[1:], rel=1e-4)
    zero = fit.zero_temperature_current
    assert float(zero) == pytest.approx(1e10, rel=1e-5)
    assert zero.uncertainty == pytest.approx(1e10 * sigma[0], rel=1e-4)
    assert fit.degrees_of_freedom == 8 - 3 and fit.p_value == pytest.approx(1.0)
    assert fit.predict([20.0, END - 1e-3, END + 1e-3]) == pytest.approx(
        [1e10 * (1 - 20 / END) ** POWER, 1e10 * (1e-3 / END) ** POWER, 0.0], rel=1e-3
    )


def test_an_offset_costs_what_its_thermometer_makes_of_it() -> None:
    """Of points without noise, moved by one stated σ, χ² is near 1, and far above with the thermometer at its word."""
    points = {
        name: CurrentPoints(p.temperature, p.current, 1e-4, 1e-4, p.offset_uncertainty)
        for name, p in two_instruments(0.4).items()
    }
    fit = fit_joint_current(points)
    assert float(fit.offsets["flux profiles"]) == pytest.approx(0.4, rel=1e-3)
    assert fit.chi_square == pytest.approx(1.0, rel=1e-3)
    assert fit.chi_square_exact > 1e4
    exact = {name: replace(p, offset_uncertainty=0.0) for name, p in points.items()}
    assert fit_joint_current(exact).chi_square == pytest.approx(fit.chi_square_exact)


@pytest.mark.parametrize(("law", "power"), [("linear", 1.0), ("three-halves", 1.5), ("square", 2.0)])
def test_a_law_of_given_exponent_keeps_it(law, power) -> None:
    """Its exponent has no error, and one more degree of freedom is left."""
    kelvin = np.array([10.0, 20, 30, 35])
    fit = fit_joint_current({"loops": CurrentPoints(kelvin, 1e9 * (1 - kelvin / END) ** power)}, law=law)
    assert (float(fit.exponent), fit.exponent.uncertainty) == (power, 0.0)
    assert fit.degrees_of_freedom == 2 and float(fit.critical_temperature) == pytest.approx(END, abs=1e-6)


def test_the_table_and_the_notes_of_one_law() -> None:
    """T_c, n and each offset; χ² with the thermometers free and at their word; what was assumed of a point."""
    points = two_instruments(0.2)
    study = JointCurrentStudy(fit_joint_current(points), points)
    joint = study.joint
    how = "power law through loops, flux profiles"
    assert [(row.label, row.quantity, row.how, row.name) for row in study.rows()] == [
        ("T_c", joint.critical_temperature, how, "critical_temperature"),
        ("exponent n of (1 − T/T_c)ⁿ", joint.exponent, how, "exponent"),
        (
            "thermometer of flux profiles reads too much by",
            joint.offsets["flux profiles"],
            "drawn to 0 by its own error",
            "offset_flux_profiles",
        ),
    ]
    assert study.notes() == [
        f"χ² = {joint.chi_square:.1f} for 5 degrees of freedom (p = {joint.p_value:.2g}); "
        f"{joint.chi_square_exact:.0f} with every thermometer taken at its word",
        "assumed of each point: 5 mK and 5 %, beside what its thermometer may be off as a whole",
    ]


def study_with(p_value: float) -> JointCurrentStudy:
    """Noise-free points on a law, said to fit so well or ill; the profiles' first current is doubled."""
    points = two_instruments()
    fit = fit_joint_current(points)
    warm = points["flux profiles"]
    current = np.asarray(warm.current) * [2.0, 1.0, 1.0]
    chi_square = float(chi2.isf(p_value, fit.degrees_of_freedom))
    moved = {"loops": points["loops"], "flux profiles": replace(warm, current=current)}
    return JointCurrentStudy(replace(fit, chi_square=chi_square), moved)


def test_a_law_that_chance_would_spoil_so_seldom_has_no_number() -> None:
    """Under one in a thousand; and by what factors each instrument misses it."""
    assert study_with(1.1e-3).fits and len(study_with(1.1e-3).rows()) == 3
    study = study_with(0.9e-3)
    assert not study.fits and study.rows() == []
    assert study.departure("flux profiles") == pytest.approx((np.log(2) / 3, np.log(2)), abs=1e-4)
    assert study.notes()[-1] == (
        "one law does not pass within the stated errors, so no number has a σ. It is missed by "
        "loops by a factor of 1 on average, 1 at worst; by flux profiles by a factor of 1.3 on average, 2 at worst"
    )
    above = JointCurrentStudy(study.joint, {"loops": CurrentPoints([END + 1], [1.0])})
    assert np.isnan(above.departure("loops")).all()
    at = float(study.joint.critical_temperature) - 1e-6  # where the law is a thousandth of an A/m²
    law = float(study.joint.predict(at))
    near = JointCurrentStudy(study.joint, {"loops": CurrentPoints([at], [law / 2])})
    assert 0 < law < 0.01 and near.departure("loops") == pytest.approx((-np.log(2),) * 2)


def test_an_offset_is_taken_off_before_a_departure_is_read() -> None:
    """The points of a thermometer that reads too much lie on the law once moved."""
    points = two_instruments(0.3)
    study = JointCurrentStudy(fit_joint_current(two_instruments()), points)
    study.joint.offsets["flux profiles"] = Quantity(0.3, 0.1, "K")
    assert study.departure("flux profiles") == pytest.approx((0.0, 0.0), abs=1e-4)


def test_cold_points_of_small_currents_are_points() -> None:
    """Half a kelvin and half an ampere per square metre are positive; a law of another name is none."""
    kelvin = np.array([0.5, 10.0, 20.0, 30.0])
    points = {"loops": CurrentPoints(kelvin, 0.5 * (1 - kelvin / END) ** 1.5)}
    found = fit_joint_current(points, law="three-halves")
    assert float(found.critical_temperature) == pytest.approx(END, abs=1e-5)
    with pytest.raises(ValueError, match="cubic"):
        fit_joint_current(points, law="cubic")


def test_degrees_of_freedom_are_counted_in_words() -> None:
    """One degree, two degrees."""
    fit = fit_joint_current(two_instruments())
    assert degrees_of_freedom(replace(fit, degrees_of_freedom=1)) == "1 degree of freedom"
    assert degrees_of_freedom(fit) == "5 degrees of freedom"


def test_the_papers_points_say_how_their_rounding_was_read() -> None:
    """χ² of each law; millikelvins and per cent of each instrument, and what is assumed of the plate."""
    fit = fit_joint_current(two_instruments())
    points = {
        "half screening": CurrentPoints([37.0], [1e8], 0.029, 0.018),
        "full plate": CurrentPoints([35.0], [1e8], 0.29, 0.096, 0.4),
    }
    study = PrintedCurrents({"power": replace(fit, chi_square=3.2)}, points)
    [row] = study.rows()
    assert (row.label, float(row.quantity)) == ("χ² of the power law", 3.2)
    assert row.how == f"for 5 degrees of freedom, p = {chi2.sf(3.2, 5):.2g}"
    assert study.notes() == [
        "errors are the rounding of what is printed, as uniform ones: half screening to 29 mK and 1.8 %, the full "
        "plate to 0.29 K and 9.6 %",
        "assumed: the thermometer of the plate may be off by 0.4 K",
    ]
