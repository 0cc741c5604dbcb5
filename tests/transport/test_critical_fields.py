"""Entry field and upper critical field: planted kinks and laws come back; impossible input gets a sentence."""

import numpy as np
import pytest
from seeds import pulls_over_seeds

from nbtools.physics.superconductor import coherence_length
from nbtools.physics.upper_critical_field import orbital_field, power_law_field, two_band_field
from nbtools.transport import (
    compare_upper_critical_laws,
    estimate_lower_critical_field,
    estimate_upper_critical_field,
    estimate_upper_field,
    extrapolate_lower_critical_field,
    fit_upper_critical_law,
)
from nbtools.transport.upper_field import find_crossing_temperature

FIELD = np.linspace(0, 160e3, 81)
ENTRY, SLOPE = 50e3, -6e-9


def virgin(noise=0.0, seed=0, cubic=0.0):
    past = np.clip(FIELD - ENTRY, 0, None)
    clean = SLOPE * FIELD - SLOPE * past**2 / 400e3 + SLOPE * cubic * past**3 / 400e3**2
    return clean + noise * np.random.default_rng(seed).normal(size=FIELD.size)


def test_the_kink_is_found():
    """A planted entry field comes back within its uncertainty, and the Meissner slope with it."""
    found = estimate_lower_critical_field(FIELD, virgin(2e-7), correction="none")
    assert found.found
    assert abs(found.entry_field - ENTRY) < 3 * found.entry_field.uncertainty < 0.1 * ENTRY
    assert found.meissner_slope == pytest.approx(SLOPE, rel=2e-3)


def test_a_cubic_tail_narrows_the_window():
    """Bean's cylinder bends back (x³): the window shrinks until the parabola holds, and the kink stays right."""
    found = estimate_lower_critical_field(FIELD, virgin(2e-7, cubic=1.5), correction="none")
    assert abs(found.entry_field - ENTRY) < 3 * found.entry_field.uncertainty


def test_a_straight_line_has_no_entry():
    """Full screening up to the largest field is said, not extrapolated."""
    noise = 2e-7 * np.random.default_rng(3).normal(size=FIELD.size)
    found = estimate_lower_critical_field(FIELD, SLOPE * FIELD + noise)
    assert not found.found and "straight line" in found.reason and np.isnan(found.lower_critical_field)


def test_one_correction_at_a_time():
    """None, 1 − N and the edge barrier are alternatives on the same entry field, never multiplied."""
    found = estimate_lower_critical_field(
        FIELD, virgin(2e-7), correction="1-N", demagnetisation=0.12, edge_factor=0.95
    )
    bare = found.entry_field
    assert {k: float(v) for k, v in found.alternatives.items()} == pytest.approx(
        {"none": bare, "1-N": bare / 0.88, "brandt": bare / 0.95}
    )
    assert found.lower_critical_field == found.alternatives["1-N"]
    assert found.systematic >= 0.5 * (bare / 0.88 - bare)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"correction": "both"}, "never two at once"),
        ({"demagnetisation": 1.0}, "0 ≤ N < 1"),
        ({"uncertainty": 0.0}, "not positive"),
    ],
)
def test_bad_options_are_refused(options, said):
    """Unknown corrections and impossible factors are named with what is possible."""
    with pytest.raises(ValueError, match=said):
        estimate_lower_critical_field(FIELD, virgin(), **options)


@pytest.mark.parametrize(("law", "power"), [("parabolic", 2), ("linear", 1)])
def test_extrapolation_of_exact_points(law, power):
    """Points on a law give back its value at zero temperature."""
    t = np.array([5.0, 10, 20, 30])
    fields = 57e3 * (1 - (t / 38.5) ** power)
    found = extrapolate_lower_critical_field(
        t, fields, uncertainty=fields / 50, critical_temperature=38.5, law=law
    )
    assert found.zero_temperature_field == pytest.approx(57e3)
    assert found.predict([0.0])[0] == pytest.approx(57e3)


def test_crossing_of_a_magnetoresistance():
    """R(H) of a known logistic crosses 10 % where its formula says."""
    h = np.linspace(0, 5e6, 101)
    share = 1 / (1 + np.exp(-(h - 3e6) / 2e5))
    found = estimate_upper_critical_field(h, 1e-3 * share, normal_resistance=1e-3, uncertainty=1e-7)
    assert found.field == pytest.approx(3e6 - 2e5 * np.log(9), rel=1e-3)


@pytest.mark.parametrize(("offset", "said"), [(0.5, "too warm"), (-1.0, "lies above it")])
def test_a_crossing_out_of_range_is_said(offset, said):
    """Too warm or too little field: the reason, and no number."""
    h = np.linspace(0, 1e6, 30)
    found = estimate_upper_critical_field(h, h / 1e6 + offset, normal_resistance=1.5)
    assert not found.found and said in found.reason and np.isnan(found.field)


TEMPERATURES = np.array([15.0, 18, 20, 22, 24, 26, 28, 30, 32, 34, 35, 36])


@pytest.mark.parametrize(
    ("law", "planted"),
    [
        ("power", {"zero_temperature_field": 7.79e6, "critical_temperature": 37.3, "exponent": 1.23}),
        ("orbital", {"zero_temperature_field": 7.79e6, "critical_temperature": 37.3}),
        (
            "two-band",
            {"zero_temperature_field": 7.79e6, "critical_temperature": 37.3, "diffusivity_ratio": 0.2},
        ),
    ],
)
def test_each_law_recovers_itself(law, planted):
    """Points made by a law give back its parameters, and its ξ."""
    model = {
        "power": power_law_field,
        "orbital": orbital_field,
        "two-band": two_band_field,
    }[law]
    fields = model(TEMPERATURES, **planted)
    found = fit_upper_critical_law(TEMPERATURES, fields, law=law, uncertainty=1e-4 * fields)
    for name, value in planted.items():
        assert getattr(found, name) == pytest.approx(value, rel=2e-3)
    assert found.coherence_length == pytest.approx(coherence_length(7.79e6), rel=1e-3)


def test_the_right_law_wins():
    """Among three laws the one that made the points has the lowest AICc."""
    fields = power_law_field(
        TEMPERATURES, zero_temperature_field=7.79e6, critical_temperature=37.3, exponent=1.23
    )
    noisy = fields + 2e4 * np.random.default_rng(0).normal(size=fields.size)
    ranked = compare_upper_critical_laws(TEMPERATURES, noisy, uncertainty=2e4)
    assert next(iter(ranked)) == "power" and ranked["orbital"].aicc > ranked["power"].aicc + 10


def test_too_few_points_for_a_law():
    """Three points cannot hold three free parameters; the sentence says how many are needed."""
    with pytest.raises(ValueError, match=r"3 finite points.*needs 4"):
        fit_upper_critical_law([20, 25, 30], [3e6, 2e6, 1e6])


PLANTED = {"zero_temperature_field": 7.79e6, "critical_temperature": 37.26, "exponent": 1.23}
TESLA = 1 / (4e-7 * np.pi)


def cooled_in_fields(seed, *, noise=1e-3, step=0.1, fields=(0.5, 1, 2, 3, 5, 7, 9)):
    """R(T)/R_n in fields (T): a logistic step whose tenth lies on the planted law."""
    rng = np.random.default_rng([seed, 71])
    t = np.arange(2.0, 45.0, step)
    for h in TESLA * np.array(fields):
        tenth = PLANTED["critical_temperature"] * (
            1 - (h / PLANTED["zero_temperature_field"]) ** (1 / PLANTED["exponent"])
        )
        share = 1 / (1 + np.exp(-(t - tenth - 0.3 * np.log(9)) / 0.3))
        yield h, t, share + noise * rng.normal(size=t.size)


@pytest.mark.seeds
def test_cooling_in_fields_gives_the_upper_field():
    """H_c2(0), T_c and the curvature from R(T) alone: covered as stated, at two noises and samplings."""
    for noise, step in ((1e-3, 0.1), (1e-2, 0.05)):

        def law(seed, noise=noise, step=step):
            study = estimate_upper_field(
                (), list(cooled_in_fields(seed, noise=noise, step=step)), normal=np.ones_like
            )
            return {name: getattr(study.laws["power"], name) for name in PLANTED}

        for name, pulls in pulls_over_seeds(law, PLANTED, seeds=20).items():
            assert not pulls.missing and pulls.p_value > 1e-3 and abs(pulls.bias) < 0.7, (name, noise, pulls)


def test_a_curve_that_does_not_cross_gives_no_point():
    """One that never falls, one that never rises, and five points."""
    t = np.linspace(2, 40, 200)
    for x, share in ((t, np.ones(200)), (t, np.zeros(200)), (t[:5], np.linspace(0, 1, 5))):
        assert np.isnan(find_crossing_temperature(x, share))
    rising = find_crossing_temperature(t[::-1], 1 / (1 + np.exp(-(t[::-1] - 20) / 0.5)), criterion=0.5)
    assert rising == pytest.approx(20, abs=1e-3)
