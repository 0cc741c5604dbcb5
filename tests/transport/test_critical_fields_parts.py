"""Virgin curves, kinks and crossings of critical fields, each against the same done by other means."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq

from nbtools.results import NotPossible
from nbtools.statistics.noise import noise_of, relative_error_of_noise
from nbtools.transport import lower_field as low
from nbtools.transport import upper_field as up
from nbtools.transport.lower_field import LowerCriticalField, ZeroTemperatureField
from nbtools.units import Quantity

FIELD = np.linspace(0, 150e3, 61)


def kinked(entry=52e3, slope=-6e-9, square=-3e-4, cube=1e-4, offset=2e-6, noise=3e-7, seed=0):
    """b + s H + a u² + c u³, u = (H − H_p)₊ over its largest."""
    past = np.clip(FIELD - entry, 0, None) / (FIELD[-1] - entry)
    clean = offset + slope * FIELD + square * past**2 + cube * past**3
    return clean + noise * np.random.default_rng(seed).normal(size=FIELD.size)


def part_of(moment, sigma=3e-7):
    return low._Virgin(FIELD / FIELD[-1], np.asarray(moment), np.full(FIELD.size, sigma), FIELD[-1])


def rows_by_hand(part, entry, departure, series):
    """Design and values of one trial: points over σ, and one row for each term that is held small."""
    past = np.clip(part.h - entry, 0, None) / (part.h[-1] - entry)
    columns = np.column_stack([np.ones(past.size), part.h, *(past**n for n in (2, 3, 4, 5))])
    held = np.zeros((3, 6))
    held[range(3), range(3, 6)] = 1 / (np.array(series) * departure)
    return np.vstack([columns / part.sigma[:, None], held]), np.r_[part.m / part.sigma, 0, 0, 0]


# ---- the virgin curve


def test_a_virgin_curve_in_units_of_its_largest_field():
    """In order of field; σ from the scatter, a little larger for what that is uncertain; or as given."""
    moment = kinked()
    order = np.random.default_rng(1).permutation(FIELD.size)
    found = low._virgin(FIELD[order], moment[order], None)
    assert found.largest == FIELD[-1] and found.h == pytest.approx(FIELD / FIELD[-1])
    assert found.m.tolist() == moment.tolist()
    sigma = noise_of(FIELD, moment) * (1 + relative_error_of_noise(FIELD.size))
    assert found.sigma == pytest.approx(sigma)
    given = low._virgin(FIELD[order], moment[order], (FIELD + 1)[order])
    assert given.sigma == pytest.approx(FIELD + 1)
    cut = found.up_to(0.5)
    assert cut.h[-1] == 0.5 and len(cut.m) == len(cut.sigma) == 31 and cut.largest == FIELD[-1]
    many = low._virgin(np.linspace(0, 1e5, 1000), np.linspace(0, 1, 1000), 0.1)
    assert len(many.h) == 400 and many.sigma.min() == pytest.approx(0.1 / np.sqrt(3))


def test_a_virgin_curve_that_is_none():
    """Eight points, a largest field above zero, uncertainties above zero."""
    assert len(low._virgin(FIELD[:8], kinked()[:8], None).h) == 8
    with pytest.raises(ValueError, match=r"7 fields and 7 moments came; .* at least 8"):
        low._virgin(FIELD[:7], kinked()[:7], None)
    with pytest.raises(ValueError, match="largest field is 0 A/m"):
        low._virgin(FIELD - FIELD[-1], kinked(), None)
    with pytest.raises(ValueError, match="not positive"):
        low._virgin(FIELD, kinked(), FIELD)
    for level in (0.0, 3e-5):
        with pytest.raises(ValueError, match=f"all 61 moments are {level:g}"):
            low._virgin(FIELD, np.full(FIELD.size, level), None)


# ---- the kink


@pytest.mark.parametrize("entry", [0.11, 0.36, 0.8])
def test_chi_square_at_an_entry_field(entry):
    """Everything else at its best, as numpy's least squares finds it; slope and its variance likewise."""
    part, series = part_of(kinked()), (0.7, 0.3, 0.05)
    rows, values = rows_by_hand(part, entry, 2e-4, series)
    trials = np.r_[entry, np.linspace(0.2, 0.7, 9)]
    design, right = low._with_prior(part, trials, 2e-4, np.array(series))
    assert design[0] == pytest.approx(rows) and right == pytest.approx(values)
    best, *_ = np.linalg.lstsq(rows, values, rcond=None)
    chi_square = np.sum((values - rows @ best) ** 2)
    assert low._profile(part, trials, 2e-4, np.array(series))[0] == pytest.approx(chi_square)
    slopes, variance = low._slopes(part, trials, 2e-4, np.array(series))
    assert slopes[0] == pytest.approx(best[1]) and variance[0] == pytest.approx(
        np.linalg.inv(rows.T @ rows)[1, 1]
    )


def test_chi_square_of_a_straight_line():
    """numpy's, over σ."""
    part = part_of(kinked(), sigma=2e-6)
    line = np.polyval(np.polyfit(part.h, part.m, 1), part.h)
    assert low._line_chi_square(part) == pytest.approx(np.sum((part.m - line) ** 2) / 2e-6**2)


def test_how_far_a_moment_departs():
    """A parabola and a cube together at the largest field; what follows the cube is no more than twice it each time."""
    entry = 0.4
    for cube, later in ((2e-4, (1.0, 0.5, 0.25)), (1e-6, None)):
        past = np.clip(FIELD / FIELD[-1] - entry, 0, None) / (1 - entry)
        part = part_of(-9e-4 * FIELD / FIELD[-1] - 3e-4 * past**2 + cube * past**3, sigma=1e-9)
        departure, series = low._departure(part, np.array([0.2, entry, 0.6]))
        assert departure == pytest.approx(abs(-3e-4 + cube), rel=1e-6)
        rows, _ = rows_by_hand(part, entry, 1.0, (1, 1, 1))
        spread = np.linalg.norm(np.linalg.pinv(rows[: FIELD.size, :4])[3])
        ratio = 2 * (cube + spread) / departure
        assert series == pytest.approx(later or (1.0, ratio**2, ratio**3), rel=1e-4)
    flat = low._departure(part_of(-1e-12 * FIELD / FIELD[-1], sigma=5e-8), np.array([0.3, 0.5]))
    assert flat[0] == 5e-8  # no less than one point's noise


@pytest.mark.parametrize("entry", [52e3, 75e3])
def test_the_kink_by_brute_force(entry):
    """Least χ² over the entry field, the half width of Δχ² = 1 about it, what the kink gains over a line."""
    part = part_of(kinked(entry=entry, noise=2e-6), sigma=2e-6)
    found, least = low._fit_kink(part)
    departure, series = low._departure(part, np.linspace(part.h[1], part.h[-3], 160))

    def chi_square(trial):
        rows, values = rows_by_hand(part, trial, departure, series)
        best, *_ = np.linalg.lstsq(rows, values, rcond=None)
        return float(np.sum((values - rows @ best) ** 2))

    grid = np.linspace(part.h[1], part.h[-3], 3001)
    heights = np.array([chi_square(trial) for trial in grid])
    best = grid[heights.argmin()]
    scale = max(1.0, heights.min() / (FIELD.size - 5))
    assert found.entry == pytest.approx(best, abs=3e-3) and least == pytest.approx(heights.min(), rel=1e-4)
    left = brentq(lambda t: chi_square(t) - heights.min() - scale, best - 0.2, best)
    right = brentq(lambda t: chi_square(t) - heights.min() - scale, best, best + 0.2)
    assert found.error == pytest.approx((right - left) / 2, rel=0.03)
    line = low._line_chi_square(part)
    assert found.improvement == pytest.approx((line - heights.min()) / scale, rel=1e-4)
    assert found.window == 1.0
    slopes, variance = low._slopes(part, np.array([left, best, right]), departure, series)
    assert found.slope == pytest.approx(slopes[1], rel=1e-3)
    assert found.slope_error == pytest.approx(
        np.hypot(np.sqrt(variance[1] * scale), np.ptp(slopes) / 2), rel=0.05
    )


def test_scatter_beyond_what_is_stated_widens_a_kink():
    """σ four times too small: entry and slope are about as sure as with the right one, not four times surer."""
    moment = kinked(noise=2e-6)
    stated, small = (low._fit_kink(part_of(moment, sigma=s))[0] for s in (2e-6, 0.5e-6))
    assert small.error == pytest.approx(stated.error, rel=0.3)
    assert small.slope_error == pytest.approx(stated.slope_error, rel=0.3)


def test_the_widest_window_that_a_kink_describes():
    """One of fifteen from all of the fields to a tenth, in equal ratios; beyond it the moment does something else."""
    wild = kinked(noise=2e-6) + np.where(FIELD > 110e3, 4e-4 * np.sin(FIELD / 4e3), 0)
    curve = part_of(wild, sigma=2e-6)
    found = low._widest_kink(curve)
    shares = np.geomspace(1, 0.1, 15)
    ends = np.array([FIELD[share * FIELD[-1] * (1 + 1e-12) >= FIELD][-1] for share in shares])
    assert found.window == pytest.approx(ends[ends <= 110e3][0])
    part = curve.up_to(shares[ends <= 110e3][0])
    alone, chi_square = low._fit_kink(part)
    freedom = len(part.h) - 5
    assert chi_square < freedom + 3 * np.sqrt(2 * freedom)
    assert found.entry == pytest.approx(alone.entry * FIELD[-1]) and found.error == pytest.approx(
        alone.error * FIELD[-1]
    )
    assert found.slope == pytest.approx(alone.slope / FIELD[-1])
    assert found.slope_error == pytest.approx(alone.slope_error / FIELD[-1])
    assert found.improvement == pytest.approx(alone.improvement)
    # Where none describes it, the narrowest of sixteen points or more.
    none = low._widest_kink(part_of(1e-3 * np.random.default_rng(2).normal(size=FIELD.size), sigma=1e-8))
    narrow = [int(np.sum(share * FIELD[-1] * (1 + 1e-12) >= FIELD)) for share in shares]
    last = [n for n in narrow if n >= 16][-1]
    assert none.window == pytest.approx(FIELD[last - 1])


def test_the_first_two_points_off_a_line():
    """By a weighted line through all before, and its error there: as numpy fits and predicts."""
    moment = kinked(noise=1e-6, seed=4)
    curve = low._virgin(FIELD, moment, 1e-6 * (1 + FIELD / FIELD[-1]))
    found = low._first_deviation(curve)
    for count in range(5, FIELD.size - 1):
        weight = 1 / curve.sigma[:count]
        line, covariance = np.polyfit(curve.h[:count], curve.m[:count], 1, w=weight, cov="unscaled")
        off = []
        for i in (count, count + 1):
            powers = np.array([curve.h[i], 1.0])
            spread = np.sqrt(powers @ covariance @ powers + curve.sigma[i] ** 2)
            off.append(abs(curve.m[i] - line @ powers) > 3 * spread)
        if all(off):
            break
    assert found == pytest.approx((FIELD[count - 1] + FIELD[count]) / 2)
    assert found.uncertainty == pytest.approx((FIELD[count] - FIELD[count - 1]) / 2)
    assert np.isnan(low._first_deviation(low._virgin(FIELD, -6e-9 * FIELD, 1e-6)))


# ---- several temperatures


def entry(value, sigma, systematic=0.0):
    field = Quantity(value, sigma, "A/m")
    return LowerCriticalField(True, "", field, field, field, {}, systematic, Quantity(-1.0), 1e5, "none")


def test_both_laws_with_every_error():
    """Noise, the field's calibration and the temperature's through the slope."""
    t = np.array([5.0, 15.0, 22.0])
    fields = (entry(9e3, 50), entry(7.5e3, 80), entry(5.2e3, 60))
    values = np.array([9e3, 7.5e3, 5.2e3])
    found = low._both_laws(t, fields, 38.0, 120.0, 0.4)
    sigma = np.sqrt(np.array([50, 80, 60]) ** 2 + 120**2 + (0.4 * np.gradient(values, t)) ** 2)
    for law, power in (("parabolic", 2), ("linear", 1)):
        alone = low.extrapolate_lower_critical_field(
            t, values, uncertainty=sigma, critical_temperature=38.0, law=law
        )
        assert found[law] == alone and found[law].predict(0.0) == pytest.approx(
            float(alone.zero_temperature_field)
        )
        assert found[law].predict(19.0) / found[law].predict(0.0) == pytest.approx(1 - 0.5**power)
        assert found[law].predict(50.0) == 0


@pytest.mark.parametrize(("apart", "counts"), [(9.9, True), (10.1, False)])
def test_what_is_not_known_of_a_field_at_zero_temperature(apart, counts):
    """Half of the distance of laws that the points do not tell apart, and the criterion and shape at the coldest."""
    laws = {
        "parabolic": ZeroTemperatureField("parabolic", Quantity(10e3, 200, "A/m"), 38.0, 3.0, 4),
        "linear": ZeroTemperatureField("linear", Quantity(13e3, 300, "A/m"), 38.0, 3.0 + apart, 4),
    }
    study = low.FluxEntryStudy(
        np.array([5.0, 9.0]), (entry(9e3, 50, 450), entry(8e3, 50)), laws, "none", (), {}
    )
    assert study.best is laws["parabolic"]
    shape = 450 / 9e3 * 10e3
    assert study.systematic == pytest.approx(np.hypot(1500 * counts, shape))
    assert study.zero_temperature_field == 10e3
    assert study.zero_temperature_field.uncertainty == pytest.approx(np.hypot(200, study.systematic))
    assert [row.label for row in study.rows()] == [
        "entry field at 5 K",
        "entry field at 9 K",
        "H_c1(0), parabolic law",
        "H_c1(0), linear law",
        "H_c1(0)",
    ]
    oersted = study.systematic * 4e-3 * np.pi
    assert study.notes() == [f"criterion, shape and law together: ± {oersted:.0f} Oe, in σ"]
    none = replace(study, laws={}, missing={"5 K": "too few"})
    assert np.isnan(none.zero_temperature_field) and none.notes() == ["5 K: too few"]


def test_curves_of_several_temperatures():
    """Coldest first; what shows no entry is named, and so is a shape that is missing."""
    line = -6e-9 * FIELD + 3e-7 * np.random.default_rng(9).normal(size=FIELD.size)
    curves = [
        (15.0, FIELD, kinked(entry=40e3), None),
        (5.0, FIELD, kinked(), None),
        (30.0, FIELD, line, None),
    ]
    found = low.estimate_flux_entry([*curves, (9.0, FIELD[:5], line[:5], None)], critical_temperature=38.0)
    assert found.temperature.tolist() == [5.0, 15.0] and [t for t, *_ in found.curves] == [
        5.0,
        9.0,
        15.0,
        30.0,
    ]
    assert "straight line" in found.missing["30 K"] and "at least 8" in found.missing["9 K"]
    assert found.fields[0].lower_critical_field == pytest.approx(52e3, rel=0.05) and set(found.laws) == {
        "parabolic",
        "linear",
    }
    unknown = low.estimate_flux_entry(curves, critical_temperature=np.nan)
    assert unknown.laws == {} and "needs the critical temperature" in unknown.missing["H_c1(0)"]
    assert low.estimate_flux_entry(curves[:1], critical_temperature=38.0).laws == {}
    with pytest.raises(NotPossible, match="dimensions"):
        low.estimate_flux_entry(curves, critical_temperature=38.0, correction="brandt")
    with pytest.raises(NotPossible, match="30 K: m"):
        low.estimate_flux_entry(curves[2:], critical_temperature=38.0)


@pytest.mark.parametrize(("height", "shape"), [(3.1e-3, "cylinder"), (2.9e-3, "bar")])
def test_the_factors_of_a_shape(height, shape):
    """Brandt's edge of a bar or, where it is longer than wide, of a cylinder; N from what full screening shows."""
    wide, deep = 2e-3, 4.5e-3  # √(2 · 4.5) = 3 mm
    found = low._shape_factors((wide, deep, height))
    ratio = height / 3e-3
    assert found["edge_factor"] == pytest.approx(
        np.tanh(np.sqrt((0.67 if shape == "cylinder" else 0.36) * ratio))
    )
    screened = next(iter(low.full_screening_susceptibility(wide, deep, height).values()))
    assert 1 / (1 - found["demagnetisation"]) == pytest.approx(-screened)


# ---- the upper field


@pytest.mark.parametrize(
    ("last", "said"),
    [(0.1 + 0.0099, "stays under"), (0.1 + 0.0101, ""), (0.02, "stays under")],
)
def test_the_last_fields_lie_above_together(last, said):
    """By σ, or by three of its shares of so many points: nothing else is a crossing."""
    h = np.arange(40.0)
    share = np.where(h < 35, 0.0, last)
    assert said in up._why_missing(h, share, 0.1, 0.01) and bool(said) == bool(
        up._why_missing(h, share, 0.1, 0.01)
    )
    many = np.where(h < 4, 0.0, 0.1 + (0.0049 if said else 0.0051))  # 36 points: half of σ is enough
    assert bool(up._why_missing(h, many, 0.1, 0.01)) == bool(said)


def test_a_sample_that_is_too_warm():
    """Above the share at every field, or from the second field on with few below it."""
    h = np.arange(20.0)
    assert "too warm" in up._why_missing(h, np.full(20, 0.2), 0.1, 1e-3)
    assert "too warm" in up._why_missing(h, np.where(h < 1, 0.05, 0.4), 0.1, 1e-3)
    assert up._why_missing(h, np.where(h < 2, 0.05, 0.4), 0.1, 1e-3) == ""


def test_fields_and_temperatures_of_crossings_together():
    """Sweeps give a field and its σ; curves in a field give a temperature, whose σ is one of the field by the slope."""
    tc, zero, exponent = 38.0, 8e6, 1.3

    def law(t):
        return zero * (1 - t / tc) ** exponent

    h = np.linspace(0, 9e6, 400)
    t = np.linspace(2, 45, 500)
    sweeps = [(k, h, 1 / (1 + np.exp(-(h - law(k) - 2e5 * np.log(9)) / 2e5))) for k in (30.0, 24.0, 34.0)]
    tenth = tc * (1 - (2e6 / zero) ** (1 / exponent))
    noise = 2e-3 * np.random.default_rng(3).normal(size=t.size)
    cooled = [(2e6, t, 1 / (1 + np.exp(-(t - tenth - 0.4 * np.log(9)) / 0.4)) + noise)]
    kelvin, fields, sigma = up.collect_upper_critical_fields(sweeps, cooled)
    assert np.all(np.diff(kelvin) > 0) and len(kelvin) == 4
    for k, f in zip(kelvin, fields, strict=True):
        assert f == pytest.approx(law(k), rel=0.01)
    place = int(np.argmin(np.abs(fields - 2e6)))
    crossing = up.find_crossing_temperature(t, cooled[0][2])
    slope = zero * exponent / tc * (1 - tenth / tc) ** (exponent - 1)
    assert kelvin[place] == crossing and sigma[place] == pytest.approx(slope * crossing.uncertainty, rel=0.03)
    alone = up.collect_upper_critical_fields([], [])
    assert [column.shape for column in alone] == [(0,)] * 3
    assert up.find_crossing_temperature(t, cooled[0][2], criterion=0.5) == pytest.approx(
        tenth + 0.4 * np.log(9), abs=0.05
    )


def test_the_fewest_points_of_a_crossing():
    """Six, of a field or of a temperature."""
    x = np.arange(7.0)
    y = np.array([0, 0, 0.02, 0.5, 0.9, 1.0, 1.0])
    with pytest.raises(ValueError, match=r"5 points came; .* at least 6 points"):
        up.estimate_upper_critical_field(x[:5], y[:5], normal_resistance=1.0)
    assert up.estimate_upper_critical_field(x[:6], y[:6], normal_resistance=1.0).found
    assert np.isfinite(up.find_crossing_temperature(x[:6], y[:6])) and np.isnan(
        up.find_crossing_temperature(x[1:6], y[1:6])
    )
    for criterion, normal in ((0.0, 1.0), (1.0, 1.0), (0.1, 0.0)):
        with pytest.raises(ValueError, match="0 < criterion < 1"):
            up.estimate_upper_critical_field(x, y, criterion=criterion, normal_resistance=normal)


def test_errors_of_a_temperature_become_errors_of_a_field():
    """Through the local slope, in quadrature with what a field has of its own."""
    t = np.array([14.0, 20, 24, 29, 33, 36])
    fields = 7.8e6 * (1 - t / 38) ** 1.2
    own = np.full(6, 3e4)
    both = up.fit_upper_critical_law(t, fields, uncertainty=own, temperature_uncertainty=0.2)
    by_hand = up.fit_upper_critical_law(
        t, fields, uncertainty=np.hypot(own, 0.2 * np.abs(np.gradient(fields, t)))
    )
    assert both.zero_temperature_field.uncertainty == by_hand.zero_temperature_field.uncertainty
    only = up.fit_upper_critical_law(t, fields, temperature_uncertainty=0.2)
    assert only.zero_temperature_field.uncertainty < both.zero_temperature_field.uncertainty
    held = up.fit_upper_critical_law(t, fields, uncertainty=own, critical_temperature=38.0)
    assert held.critical_temperature == 38.0 and held.zero_temperature_field == pytest.approx(7.8e6, rel=1e-6)
    assert held.extrapolation == pytest.approx(14 / 38) and held.reduced_chi_square == pytest.approx(
        0, abs=1e-12
    )
    assert held.exponent == pytest.approx(1.2) and np.isnan(held.diffusivity_ratio)
    assert held.predict(20.0) == pytest.approx(fields[1], rel=1e-6)
    for law, free, count in (("power", True, 3), ("orbital", False, 1), ("two-band", False, 2)):
        with pytest.raises(ValueError, match=f"{count} finite points came; .* needs {count + 1}"):
            up.fit_upper_critical_law(
                t[:count], fields[:count], law=law, critical_temperature=None if free else 38.0
            )
