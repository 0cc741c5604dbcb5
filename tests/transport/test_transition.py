"""A transition is found where there is one, with the stated error, and not where there is none."""

import time

import numpy as np
import pytest
from scipy.stats import norm
from strangers_curves import Step

from nbtools.files.quantum_design import find_sweeps, read_dat
from nbtools.physics.normal_metal import bloch_gruneisen
from nbtools.transport import combine_branches, estimate_transition

TEMPERATURE = np.r_[2:30:1.0, 30:45:0.1, 45:301:2.0]
MIDPOINT, WIDTH, RESIDUAL = 37.84, 0.45, 0.17e-6


def metal(temperature, residual=RESIDUAL):
    return bloch_gruneisen(
        temperature, residual=residual, amplitude=2.9e-6, debye_temperature=880, exponent=3
    )


def superconductor(noise=0.0, seed=0):
    clean = metal(TEMPERATURE) * norm.cdf((TEMPERATURE - MIDPOINT) / WIDTH)
    return clean + noise * RESIDUAL * np.random.default_rng(seed).normal(size=TEMPERATURE.size)


def test_every_criterion_of_a_known_transition():
    """An error function of known midpoint and width gives the temperatures that its formula gives."""
    found = estimate_transition(TEMPERATURE, superconductor(noise=1e-4))
    assert found.found and found.kind == "resistive"
    assert found.midpoint == pytest.approx(MIDPOINT, abs=2e-3)
    assert found.ninety == pytest.approx(MIDPOINT + WIDTH * norm.ppf(0.9), abs=4e-3)
    assert found.ten == pytest.approx(MIDPOINT + WIDTH * norm.ppf(0.1), abs=4e-3)
    assert found.onset == pytest.approx(MIDPOINT + WIDTH * np.sqrt(np.pi / 2), abs=6e-3)


def test_zero_is_where_the_resistance_meets_three_sigma():
    """The zero-resistance temperature follows the noise, as its definition says."""
    found = estimate_transition(TEMPERATURE, superconductor(noise=1e-3))
    assert found.zero == pytest.approx(MIDPOINT + WIDTH * norm.ppf(3e-3), abs=3 * found.zero.uncertainty)


def test_the_order_of_the_points_does_not_matter():
    """A shuffled curve gives the same answer."""
    y, order = superconductor(noise=1e-3), np.random.default_rng(1).permutation(TEMPERATURE.size)
    assert estimate_transition(TEMPERATURE[order], y[order]) == estimate_transition(TEMPERATURE, y)


@pytest.mark.parametrize("residual", [2.9e-11, 2.9e-10, 2.9e-9, 1.7e-7])
def test_a_metal_has_no_transition(residual):
    """Bloch–Grüneisen falls by up to a factor 1000 on cooling, and is never called superconducting."""
    found = estimate_transition(TEMPERATURE, metal(TEMPERATURE, residual))
    assert not found.found and "metal" in found.reason
    assert np.isnan(found.onset)


def test_a_paramagnet_has_no_transition():
    """Curie's law in a small negative field falls on cooling and is negative, and is not a transition."""
    t = np.linspace(2, 60, 120)
    assert "paramagnet" in estimate_transition(t, -1e-4 / (t + 1)).reason


def test_a_transition_cut_off_by_the_cryostat_has_no_zero():
    """Where the resistance is still falling at the lowest temperature, there is an onset and no zero."""
    y = superconductor(noise=1e-4)
    found = estimate_transition(TEMPERATURE[TEMPERATURE > 37.6], y[TEMPERATURE > 37.6])
    assert found.found and np.isnan(found.zero)
    assert "still" in found.undetermined["zero"]


def test_too_few_points_are_refused_in_words():
    """Seven points are refused with what came and what is needed."""
    with pytest.raises(ValueError, match=r"7 finite points.*at least 8"):
        estimate_transition(np.arange(7), np.arange(7))


def test_an_unknown_kind_is_refused():
    """A kind that does not exist is named, with those that do."""
    with pytest.raises(ValueError, match='"resistive" or "diamagnetic"'):
        estimate_transition(TEMPERATURE, superconductor(), kind="magnetic")


def test_the_superconducting_cuprate(realdata):
    """NCCO, other people's MPMS file: half of the transition at 21.2 K, screening gone above 23.4 K."""
    file = realdata / "qd/NCCO_Analysis_Code_2026/20240223_NCCO_SC_Canada4_full_size.dc.dat"
    zfc = find_sweeps([read_dat(file)], axis="temperature", needs="moment")[0].data
    found = estimate_transition(zfc.temperature, zfc.moment)
    assert found.kind == "diamagnetic"
    assert found.midpoint == pytest.approx(21.25, abs=0.1)
    assert found.onset == pytest.approx(23.4, abs=0.3)


def test_the_as_grown_cuprate_has_none(realdata):
    """The as-grown, not superconducting crystal of the same series: no transition, and why."""
    data = read_dat(realdata / "qd/NCCO_Analysis_Code_2026/20240222_NCCO_AG.dc.dat")
    for sweep in find_sweeps([data], axis="temperature", needs="moment"):
        found = estimate_transition(sweep.data.temperature, sweep.data.moment, kind="diamagnetic")
        assert not found.found and "negative" in found.reason


def test_a_whole_record_gives_its_first_branch(realdata):
    """ZFC and FC in one call are no function of temperature: the first branch is used, and the reason says so."""
    data = read_dat(realdata / "qd/NCCO_Analysis_Code_2026/20240223_NCCO_SC_Canada4_full_size.dc.dat")
    found = estimate_transition(data.temperature, data.moment)
    assert found.midpoint == pytest.approx(21.25, abs=0.1)
    assert "only the first, 97 points" in found.reason


def test_cooling_and_warming_stay_together():
    """Two branches that differ by a thermometer's lag are one curve."""
    there_and_back = np.concatenate([TEMPERATURE[::-1] - 0.025, TEMPERATURE + 0.025])
    y = np.concatenate([superconductor(1e-3, seed=1)[::-1], superconductor(1e-3, seed=2)])
    found = estimate_transition(there_and_back, y)
    assert "branches" not in found.reason
    assert found.midpoint == pytest.approx(MIDPOINT, abs=0.03)


@pytest.mark.parametrize("kind", ["resistive", "diamagnetic"])
def test_a_step_between_two_points(kind):
    """A jump within one interval is found to within that interval, without noise, in either kind of curve."""
    t = np.linspace(2, 300, 300)
    found = estimate_transition(t, np.where(t > 39, 1.0, 0.0) - (kind == "diamagnetic"))
    edges = t[t < 39].max(), t[t > 39].min()
    assert found.kind == kind and edges[0] < found.midpoint < edges[1]
    assert found.midpoint.uncertainty == pytest.approx((edges[1] - edges[0]) / np.sqrt(12))
    assert found.onset == pytest.approx(edges[1], abs=1.0)


def test_no_normal_state_is_said():
    """A diamagnetic step at the very top of the range has nothing to be measured from."""
    t = np.linspace(2, 38, 80)
    found = estimate_transition(t, -np.ones_like(t) + (t > 37.8), kind="diamagnetic")
    assert not found.found and "normal state" in found.reason


def test_a_step_between_coarse_points_is_found():
    """1.5 K steps at 9 K: the step lies between two points, and its σ is that of the sampling."""
    t = np.arange(3.0, 40, 1.5)
    noise = 1e-4 * np.random.default_rng(0).normal(size=t.size)
    found = estimate_transition(t, np.where(t > 8.2, 1.0, 0.0) + noise)
    assert found.found and 7.5 < found.midpoint < 9.0
    assert found.midpoint.uncertainty == pytest.approx(1.5 / np.sqrt(12), rel=0.05)


def test_the_low_level_is_not_taken_over_the_step():
    """Two points below a diamagnetic step: the level is theirs, not the median of three with one of the step."""
    t = np.r_[7.0, 7.5, 8.0, 8.5, 9.0:30:0.5]
    moment = np.r_[-1.0, -1.0, -0.5, -0.1, np.zeros(t.size - 4)]
    assert estimate_transition(t, moment).low_level == pytest.approx(-1.0, abs=0.01)


def test_masked_points_are_left_out_and_counted():
    """A masked spike is not seen; complex numbers are refused with what to do."""
    y = superconductor(noise=1e-3)
    y[100:110] = 1.0
    mask = np.zeros(y.size, bool)
    mask[100:110] = True
    found = estimate_transition(TEMPERATURE, np.ma.array(y, mask=mask))
    assert found.midpoint == pytest.approx(MIDPOINT, abs=5 * found.midpoint.uncertainty)
    assert found.left_out == "10 masked points were left out"
    with pytest.raises(ValueError, match="signal holds complex numbers"):
        estimate_transition(TEMPERATURE, y + 1j)


def test_a_thermometers_offset_is_in_every_temperature():
    """0.2 K of offset is part of each σ, not of the width's, and does not average out over branches."""
    y = superconductor(noise=1e-3)
    plain = estimate_transition(TEMPERATURE, y)
    offset = estimate_transition(TEMPERATURE, y, thermometer_offset=0.2)
    assert offset.onset.uncertainty == pytest.approx(np.hypot(plain.onset.uncertainty, 0.2))
    assert offset.width.uncertainty == pytest.approx(plain.width.uncertainty, rel=1e-3)
    assert combine_branches([offset, offset]).midpoint.uncertainty >= 0.2


def test_a_criterion_of_ones_own():
    """T_c at 30 % of the step, by arithmetic; a criterion outside the step is refused."""
    found = estimate_transition(TEMPERATURE, superconductor(noise=1e-4), criterion=0.3)
    assert found.critical_temperature == pytest.approx(MIDPOINT + WIDTH * norm.ppf(0.3), abs=4e-3)
    with pytest.raises(ValueError, match="between 0 and 1"):
        estimate_transition(TEMPERATURE, superconductor(), criterion=50)


def test_fifty_thousand_points_take_less_than_a_second():
    """The time is that of reading the points a few times, in the processor's seconds."""
    step = Step(3)
    t, y = step.curve(0.007, 50_000)
    start = time.process_time()
    estimate_transition(t, y)
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize("power", [2, 4])
def test_screening_that_fades_over_the_whole_range_is_a_transition(power):
    """1 − (T/T_c)⁴ of two fluids ends at T_c, steeper than it begins to fade: the onset is found."""
    t = np.arange(4.0, 61.0)
    moment = -1e-3 * np.clip(1 - (t / 38) ** power, 0, None) - 1e-6
    moment += 1e-6 * np.random.default_rng(1).normal(size=t.size)
    found = estimate_transition(t, moment)
    assert found.found and found.onset == pytest.approx(38, abs=0.6)


@pytest.mark.parametrize("offset", [0.0, 5.0])
def test_a_paramagnet_in_a_negative_field_is_no_transition(offset):
    """Curie and Curie–Weiss: negative and steepest where it is coldest."""
    t = np.arange(4.0, 61.0)
    noise = 1e-6 * np.random.default_rng(2).normal(size=t.size)
    found = estimate_transition(t, -1e-2 / (t + offset) + noise, kind="diamagnetic")
    assert not found.found and "paramagnet" in found.reason


@pytest.mark.parametrize("ratio", [1.2, 5, 25, 80])
@pytest.mark.parametrize("step", [0.05, 0.2, 1.0])
def test_a_clean_metal_has_its_transition_too(ratio, step):
    """Its resistance falls to half by itself near a third of its Debye temperature, which is no transition."""
    kelvin = np.concatenate([np.arange(5, 60, step), np.arange(60, 300, 2.0)])
    phonons = bloch_gruneisen(kelvin, residual=0.0, amplitude=1.0, debye_temperature=900.0, exponent=3.0)
    normal = 1 + (ratio - 1) * phonons / phonons[-1]
    noise = np.random.default_rng(0).normal(0, 1e-3, kelvin.size)
    found = estimate_transition(kelvin, normal / (1 + np.exp(-(kelvin - 38.5) / 0.1)) + noise)
    assert abs(found.midpoint - 38.5) < 0.01 + step / 4
    with_none = estimate_transition(kelvin, normal + noise)
    assert not np.isfinite(with_none.midpoint)
