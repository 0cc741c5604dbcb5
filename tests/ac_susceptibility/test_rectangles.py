"""Rectangles: what closes, what does not, what no thermometer could tell apart, and what is refused."""

import ac_sets
import numpy as np
import pytest
from scipy.stats import binomtest

from nbtools.ac_susceptibility import AcCurve, civale_test, estimate_current_ratio


@pytest.fixture(scope="module")
def clean():
    return civale_test(ac_sets.amplitude_set(ac_sets.bean), replicas=40)


def test_bean_closes(clean):
    """Without noise to a millikelvin, in χ' and χ'', with the tenfold current between the corners."""
    assert abs(clean.closure_error) < 1e-3
    assert clean.closes
    assert {one.part for one in clean.rectangles} == {"χ'", "χ''"}
    assert estimate_current_ratio(clean.rectangles) == pytest.approx(10, rel=0.02)
    low, high = clean.valid_range
    assert 36 < low < high < 37.5


def test_constant_creep_closes_as_exactly(clean):
    """n = 5: no mismatch, no power, and so no verdict."""
    found = civale_test(ac_sets.amplitude_set(ac_sets.creep), with_power=False)
    assert abs(found.closure_error) < 1e-3
    assert found.closes
    assert clean.power["creep, n = 5"] < 0.3
    assert "creep, n = 5" in clean.degenerate
    assert clean.verdict == "not discriminating"


def test_a_bias_hides_kim():
    """J_c0/(1 + H/20 Oe): tens of mK without a dc field, less than half of it with 10 Oe."""
    oersted = 79.577
    gaps = [
        civale_test(ac_sets.amplitude_set(ac_sets.kim_at(bias, 20 * oersted)), with_power=False, replicas=20)
        for bias in (0.0, 10 * oersted)
    ]
    parts = [[abs(r.closure) for r in gap.rectangles if r.part == "χ'"] for gap in gaps]
    assert 0.010 < np.median(parts[0]) < 0.05
    assert np.median(parts[1]) < np.median(parts[0]) / 2


def test_a_linear_conductor_has_no_rectangle():
    """Curves of all amplitudes coincide: that is no critical state."""
    found = civale_test(ac_sets.amplitude_set(ac_sets.linear))
    assert not found.found
    assert np.isnan(found.closure_error)
    assert np.isnan(found.p_value)  # nothing was tested
    assert "coincide" in str(found) and found.verdict == "not discriminating"


def test_a_worse_thermometer_sees_less():
    """At 50 mK Kim's state in a dc field is no longer excluded; the mismatch is uncertain accordingly."""
    rng = np.random.default_rng(4)
    curves = [ac_sets.curve(ac_sets.bean, h, bias=796.0, rng=rng) for h in ac_sets.AMPLITUDES]
    good, bad = (civale_test(curves, temperature_uncertainty=e, replicas=16) for e in (0.001, 0.05))
    assert bad.closure_error.uncertainty > 5 * good.closure_error.uncertainty
    assert bad.power["Kim, 100 Oe"] < 0.5
    assert good.power["linear"] == bad.power["linear"] == 1.0


def test_any_order_of_curves_and_points(clean):
    """Backwards is the same; without χ'' only χ' is tested."""
    curves = ac_sets.amplitude_set(ac_sets.bean)
    backwards = [AcCurve(c.amplitude, c.temperature[::-1], c.in_phase[::-1]) for c in curves[::-1]]
    found = civale_test(backwards, with_power=False)
    ours = [r.closure for r in clean.rectangles if r.part == "χ'"]
    assert [float(r.closure) for r in found.rectangles] == pytest.approx(ours, abs=2e-4)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda c: [(8.0, *c), (30.0, *c), (800.0, *c)], "three in one ratio"),
        (lambda c: [(8.0, *c), (80.0, *c)], "three in one ratio"),
        (lambda c: [(0.0, *c), (80.0, *c), (800.0, *c)], "must be positive"),
        (lambda c: [(8.0, c[0][:5], c[1][:5])] * 3, "at least 7"),
        (lambda c: [(8.0, c[0], c[1][:-1])] * 3, "as many"),
    ],
)
def test_what_is_refused(change, says):
    """Each with a sentence that says what came."""
    one = ac_sets.curve(ac_sets.bean, 80.0)
    with pytest.raises(ValueError, match=says):
        civale_test([AcCurve(*curve) for curve in change((one.temperature, one.in_phase, one.out_of_phase))])


@pytest.mark.seeds
def test_bean_passes():
    """Rejected at 5 % in no more of 20 seeds than 5 % allows."""
    rejected = 0
    for seed in range(20):
        curves = ac_sets.amplitude_set(ac_sets.bean, np.random.default_rng([seed, 11]))
        rejected += not civale_test(curves, with_power=False, replicas=40).closes
    assert binomtest(rejected, 20, 0.05, alternative="greater").pvalue > 0.001, rejected


@pytest.mark.seeds
def test_the_mean_mismatch_is_as_uncertain_as_it_says():
    """T_B − T_D of Bean's state is zero within its σ as often as 68 % allows."""
    inside = 0
    for seed in range(24):
        curves = ac_sets.amplitude_set(ac_sets.bean, np.random.default_rng([seed, 12]))
        closure = civale_test(curves, with_power=False, replicas=12).closure_error
        inside += abs(closure) < closure.uncertainty
    assert binomtest(inside, 24, 0.6827).pvalue > 0.001, inside
