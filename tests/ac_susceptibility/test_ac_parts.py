"""Curves of ac susceptibility and laws of J_c(T), part by part: sums, parabolas and residuals by hand."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from scipy.interpolate import CubicSpline
from scipy.stats import chi2

from nbtools.ac_susceptibility import collapse, current
from nbtools.ac_susceptibility import critical_state as state
from nbtools.ac_susceptibility import current_law as law
from nbtools.ac_susceptibility import curves as cv
from nbtools.ac_susceptibility import rectangles as rect
from nbtools.ac_susceptibility.curves import AcCurve
from nbtools.physics.critical_current import log_current
from nbtools.results import NotPossible
from nbtools.units import Quantity

T = np.arange(30.0, 40.0, 0.25)
RNG = np.random.default_rng(0)


def curve(amplitude=80.0, *, shift=0.0, scale=1.0, loss=True, t=T, **more):
    real = -scale / (1 + np.exp((t - 36 - shift) / 0.4))
    return AcCurve(amplitude, t, real, -0.4 * real * (1 + real / scale) if loss else None, **more)


# ---- curves


def test_a_curve_in_order_without_gaps():
    """Points by temperature, those that are not finite left out; seven at least, of one length."""
    x = np.array([3.0, 1, 2, 5, 4, np.nan, 7, 6, 8])
    one = AcCurve(1.0, x, np.arange(9.0), np.arange(9.0) ** 2)
    assert one.temperature.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert one.in_phase.tolist() == [1, 2, 0, 4, 3, 7, 6, 8] and one.out_of_phase[3] == 16
    assert AcCurve(1.0, x[:8], np.arange(8.0)).out_of_phase is None
    with pytest.raises(ValueError, match="6 usable points; it needs at least 7"):
        AcCurve(1.0, x[:7], np.arange(7.0))
    with pytest.raises(ValueError, match="9, 8, 8 values"):
        AcCurve(1.0, x, np.arange(8.0))
    with pytest.raises(ValueError, match="must be positive"):
        AcCurve(0.0, x, np.arange(9.0))
    moved = one.shifted(0.5)
    assert moved.temperature[0] == 1.5 and moved.in_phase[3] == 4
    long = AcCurve(1.0, np.arange(12.0), np.arange(12.0), np.arange(12.0))
    assert long.where(long.temperature > 4).out_of_phase.tolist() == list(range(5, 12))


def test_local_parabolas():
    """Seven nearest points, tricube weights out to 1.15 of the farthest: numpy's weighted fit at every place."""
    t = np.sort(RNG.uniform(30, 40, 25))
    values = np.sin(t)
    grid = np.array([30.5, 33.3, 36.02, 39.9])
    columns, weights = cv._local_weights(t, grid)
    for place, chosen, weight in zip(grid, columns, weights, strict=True):
        start = np.clip(np.searchsorted(t, place) - 3, 0, 25 - 7)
        near = np.arange(start, start + 7)
        assert chosen.tolist() == near.tolist()
        away = np.abs(t[near] - place) / (1.15 * np.abs(t[near] - place).max())
        fit = np.polyfit(t[near] - place, values[near], 2, w=np.sqrt((1 - away**3) ** 3))
        assert values[near] @ weight == pytest.approx(fit[2], abs=1e-6)


def test_noise_of_values_and_of_temperatures():
    """Off the line through two neighbours: on the flat part that of the values, on the steep part what is more."""
    t = np.linspace(30, 40, 4001)
    slope = np.where(np.abs(t - 35) < 1, 0.5, 0.001)
    clean = np.cumsum(slope) * (t[1] - t[0])
    rng = np.random.default_rng(3)
    values = clean + 2e-4 * rng.normal(size=t.size) + slope * 0.003 * rng.normal(size=t.size)
    of_value, of_kelvin = cv._noise(t, values, slope)
    assert of_value == pytest.approx(2e-4, rel=0.1) and of_kelvin == pytest.approx(0.003, rel=0.1)
    assert cv._noise(t, clean + 2e-4 * rng.normal(size=t.size), slope)[1] < 6e-4
    uneven = np.sort(np.r_[t[::7], t[1::7]])
    line = 3 * uneven + 1e-3 * rng.normal(size=uneven.size)
    assert cv._noise(uneven, line, np.full(uneven.size, 3.0))[0] == pytest.approx(1e-3, rel=0.1)


def test_a_smoothed_curve_and_its_errors():
    """Values, slopes, where a level is passed, and σ: of the weights, the values' noise and the thermometer's."""
    one = curve().smooth
    assert one.grid[[0, -1]].tolist() == [T[0], T[-1]] and one.grid.size == 500
    assert one.real == pytest.approx(-1 / (1 + np.exp((one.grid - 36) / 0.4)), abs=0.02)
    assert one.parts[0][1] == pytest.approx(np.gradient(one.real, one.grid))
    assert one.temperature_at(-0.5) == pytest.approx(36, abs=0.01) and np.isnan(one.temperature_at(-1.1))
    assert one.grid[one.peak] == pytest.approx(36, abs=0.05)
    one.noise = [(3e-3, 0.02), (1e-3, 0.0)]
    expected = np.sqrt((one.weights**2).sum(axis=1)) * np.hypot(3e-3, 0.02 * one.parts[0][1])
    assert one.sigma[0] == pytest.approx(expected)
    found = one.crossing(-0.3, temperature_error=0.05)
    at = int(np.argmin(np.abs(one.grid - found)))
    assert found == pytest.approx(36 + 0.4 * np.log(1 / 0.3 - 1), abs=0.02)
    assert found.uncertainty == pytest.approx(np.hypot(expected[at] / one.parts[0][1][at], 0.05), rel=0.02)
    assert np.isnan(one.crossing(-1.1))
    other = one.replica(2 * one.real, 3 * one.loss)
    assert other.parts[0][1] == pytest.approx(2 * one.parts[0][1]) and other.grid is one.grid
    assert other.sigma[1] == pytest.approx(np.sqrt((one.weights**2).sum(axis=1)) * 1e-3)
    assert curve(loss=False).smooth.loss is None and curve(loss=False).smooth.peak == 0


def test_a_moment_becomes_a_susceptibility():
    """The level above is taken off, the cold end turned until it loses nothing, and divided by what it screens."""
    one = curve()
    response = (one.in_phase - 1j * one.out_of_phase) * 4e-6 * np.exp(0.3j) + (2e-7 - 5e-8j)
    found = cv.normalise_curve(T, response.real, -response.imag, amplitude=80.0, frequency=333.0, bias=7.0)
    cold = np.median(one.in_phase[:3])
    assert found.full_screening == pytest.approx(4e-6 * cold, rel=2e-3)
    assert found.phase == pytest.approx(0.3, abs=5e-3)
    assert found.in_phase == pytest.approx(-one.in_phase / cold, abs=3e-3)
    assert found.out_of_phase == pytest.approx(one.out_of_phase, abs=3e-3)
    assert (found.amplitude, found.frequency, found.bias) == (80.0, 333.0, 7.0)
    plain = cv.normalise_curve(T, 4e-6 * one.in_phase + 2e-7, None, amplitude=80.0)
    assert plain.out_of_phase is None and plain.in_phase[0] == pytest.approx(-1, abs=1e-3)


def test_warming_and_cooling_are_one_curve():
    """Each moved by half of the lag between their half-way points, which stays on the curve."""
    warm, cool = (
        curve(shift=0.15, frequency=333.0, bias=3.0, full_screening=-2.0, phase=0.1),
        curve(shift=-0.15),
    )
    both = cv.combine_curves([warm, cool])
    assert both.lag == pytest.approx(0.3, abs=0.01) and len(both.temperature) == 2 * len(T)
    assert both.smooth.temperature_at(-0.5) == pytest.approx(36, abs=0.01)
    assert (both.frequency, both.bias, both.full_screening, both.phase) == (333.0, 3.0, -2.0, 0.1)
    assert cv.combine_curves([warm]) is warm
    assert cv.combine_curves([warm, curve(loss=False)]).out_of_phase is None


@pytest.mark.parametrize(("share", "joined"), [(0.96, True), (0.94, False)])
def test_curves_that_screen_alike_share_their_full_screening(share, joined):
    """Within 5 % of the one that screens most for its amplitude."""
    one = curve(80.0, full_screening=-160.0)  # −2 for an A/m
    other = curve(40.0, full_screening=-80.0 * share)
    first, second = cv._share_full_screening([one, other])
    assert first.in_phase == pytest.approx(one.in_phase)
    assert second.in_phase == pytest.approx((share if joined else 1) * other.in_phase)
    assert second.out_of_phase == pytest.approx((share if joined else 1) * other.out_of_phase)
    assert second.full_screening == pytest.approx(-80.0 * (1 if joined else share))


def test_sets_of_amplitudes_and_of_frequencies():
    """The largest set at one frequency and field, by amplitude; and at one amplitude, by frequency; one is no set."""
    amplitudes = [curve(a, frequency=333.0) for a in (80.0, 20.0, 40.0)]
    hertz = [curve(40.3, frequency=f) for f in (1000.0, 10.0)]
    elsewhere = [curve(a, frequency=333.0, bias=5e4) for a in (80.0, 20.0)]
    by_amplitude, by_frequency = cv.group_curves([*amplitudes, *hertz, *elsewhere])
    assert [c.amplitude for c in by_amplitude] == [20.0, 40.0, 80.0] and {c.bias for c in by_amplitude} == {
        0.0
    }
    assert [c.frequency for c in by_frequency] == [10.0, 333.0, 1000.0]
    assert cv.group_curves([amplitudes[0]]) == ([], []) and cv.group_curves([]) == ([], [])
    assert cv.sort_curves([*amplitudes, *hertz])[0] is amplitudes[1]


def test_what_is_one_drive():
    """Within 1 %; a dc field within four of its scatter, 0.1 Oe or 0.2 % of itself."""
    assert cv.nearby([100.0, 100.9, 102.0, np.nan, np.nan], cv._drive_tolerance) == pytest.approx(
        [100.45, 100.45, 102.0, np.nan, np.nan], nan_ok=True
    )
    oersted = 1e3 / (4 * np.pi)
    alone = cv._field_tolerance([])
    assert alone(0.0) == pytest.approx(0.1 * oersted) and alone(-1e5) == pytest.approx(200.0)
    noisy = SimpleNamespace(data=xr.Dataset({"field": ("t", 30.0 * np.array([1.0, -1, 1, -1]))}))
    assert cv._field_tolerance([noisy])(0.0) == pytest.approx(120.0)
    assert cv.name_of_drive(oersted, 10.0, 10 * oersted) == "1 Oe, 10 Hz, 10 Oe dc"
    assert cv.name_of_drive(0.5 * oersted, np.nan, 0.0) == "0.5 Oe, 0 Oe dc"


# ---- laws of J_c(T)


def regression(law_name="power", held=(np.nan, np.nan, np.nan), moves=None):
    t = np.array([30.0, 33.0, 35.5, 36.8])
    log_j = np.log([3e9, 1.4e9, 4e8, 9e7])
    return law.CurrentRegression(
        t,
        log_j,
        np.array([0.02, 0.03, 0.02, 0.05]),
        np.array([0.05, 0.1, 0.04, 0.2]),
        law_name,
        np.array(held),
        moves,
    )


@pytest.mark.parametrize("law_name", ["power", "depairing"])
def test_residuals_and_their_slopes(law_name):
    """ln J, T and offsets over their σ, with the true ln(1 − T/T_c) of each point; slopes by differences."""
    moves = np.array([[0.1, 0.0], [0.1, 0.0], [0.0, 0.2], [0.0, 0.2]])
    shape = np.nan if law_name == "power" else 0.0
    one = regression(law_name, (np.nan, np.nan, shape), moves)
    z = np.log(1 - one.t / 37.6) + np.array([0.01, -0.02, 0.0, 0.03])
    n = 1.4 if law_name == "power" else 0.0
    p = np.concatenate([[23.0, 37.6], [n] if law_name == "power" else [], z, [0.7, -0.4]])
    true = 37.6 * (1 - np.exp(z))
    by_hand = np.concatenate(
        [
            (one.log_j - 23.0 - log_current(law_name, n)(z)) / one.sigma_j,
            (one.t - true - moves @ [0.7, -0.4]) / one.sigma_t,
            [0.7, -0.4],
        ]
    )
    assert one._residuals(p) == pytest.approx(by_hand)
    steps = 1e-5 * np.eye(p.size)
    slopes = np.array([(one._residuals(p + d) - one._residuals(p - d)) / 2e-5 for d in steps]).T
    assert one._jacobian(p) == pytest.approx(slopes, rel=1e-5, abs=1e-5)
    assert one.degrees_of_freedom == 4 - (3 if law_name == "power" else 2)
    found = one.solve()
    assert one.true_temperature(found) == pytest.approx(one.t, abs=0.5)
    offsets, errors = one.offsets(found)
    assert offsets.shape == errors.shape == (2,) and np.all(errors <= 1 + 1e-9)
    covariance = np.linalg.inv(found.jac.T @ found.jac)
    parameters, own = one.law_parameters(found)
    free = 3 if law_name == "power" else 2
    assert parameters[:free] == pytest.approx(found.x[:free])
    assert own[:free, :free] == pytest.approx(covariance[:free, :free], rel=1e-3)
    assert errors == pytest.approx(np.sqrt(np.diag(covariance)[-2:]), rel=1e-3)
    exact = one.with_exact_thermometers()
    assert exact.moves is None and exact.offsets(exact.solve())[0].size == 0


@pytest.mark.parametrize(
    ("name", "exponent"), [("linear", 1.0), ("three-halves", 1.5), ("square", 2.0), ("power", 2.6)]
)
def test_a_law_through_its_own_points(name, exponent):
    """T_c, J_c(0) and exponent come back; ln J and its σ elsewhere; how far a point lies off, in decades."""
    t = np.array([20.0, 28.0, 33.0, 36.0, 37.0])
    j = 8e9 * (1 - t / 38.2) ** exponent
    fit = law.fit_critical_current_law(t, j, law=name)
    assert fit.critical_temperature == pytest.approx(38.2, abs=1e-4)
    assert fit.zero_temperature_current == pytest.approx(8e9, rel=1e-4) and fit.exponent == pytest.approx(
        exponent
    )
    free = 3 if name == "power" else 2
    assert fit.chi_square == pytest.approx(0, abs=1e-6) and fit.degrees_of_freedom == 5 - free
    assert fit.akaike == pytest.approx(2 * free, abs=1e-6) and fit.worst_residual == pytest.approx(
        0, abs=1e-6
    )
    assert fit.predict([10.0, 38.3]) == pytest.approx([8e9 * (1 - 10 / 38.2) ** exponent, 0], rel=1e-4)
    gradient = np.array(
        [1.0, exponent * 25 / 38.2**2 / (1 - 25 / 38.2), np.log(1 - 25 / 38.2) * (name == "power")]
    )
    by_hand = np.sqrt(gradient @ fit.covariance @ gradient)
    assert fit.log_uncertainty(25.0)[0] == pytest.approx(by_hand, rel=1e-4)
    twice = Quantity(2 * fit.predict(25.0)[()], 0.1 * fit.predict(25.0)[()], "A/m^2")
    off = fit.decades_off(Quantity(25.0, 0.0, "K"), twice)
    assert off == pytest.approx(np.log10(2), abs=1e-3)
    assert off.uncertainty == pytest.approx(np.hypot(0.05, by_hand) / np.log(10), rel=0.02)


def test_which_law_fits_best():
    """By χ² + 2 k; those with as many parameters as points are left out."""
    t = np.array([25.0, 30.0, 33.0, 36.0])
    j = 5e9 * (1 - t / 38.0) ** 1.5
    found = law.compare_current_laws(t, j)
    assert next(iter(found)) == "three-halves" and set(found) == set(law.LAWS)
    assert set(law.compare_current_laws(t[:3], j[:3])) == set(law.LAWS) - {"power"}
    with pytest.raises(NotPossible, match="3 points came; the law 'power' has 3 free parameters and needs 4"):
        law.fit_critical_current_law(t[:3], j[:3])
    held = law.fit_critical_current_law(t[:3], j[:3], critical_temperature=38.0)
    assert held.critical_temperature == 38.0 and held.exponent == pytest.approx(1.5, abs=1e-3)
    for above, refused in ((0.09, False), (0.11, True)):
        points = np.array([25.0, 30.0, 38.0 + above])
        ask = {"critical_temperature": 38.0, "temperature_uncertainty": 0.02}
        if refused:
            with pytest.raises(ValueError, match="above the given T_c of 38 K"):
                law.fit_critical_current_law(points, j[:3], **ask)
        else:
            law.fit_critical_current_law(points, j[:3], **ask)


def test_how_wrong_the_temperatures_must_be():
    """Points off a law by ± 0.05 K: that much for each degree of freedom."""
    t = np.array([28.0, 30.0, 32.0, 34.0, 35.5, 36.5])
    off = 0.05 * np.array([1, -1, 1, -1, 1, -1])
    found = law.needed_temperature_error(t + off, 6e9 * (1 - t / 38.0), law="linear")
    assert 0.03 < found < 0.09
    twice = law.needed_temperature_error(t + 2 * off, 6e9 * (1 - t / 38.0), law="linear")
    assert twice / found == pytest.approx(2, rel=0.05)


def test_a_power_law_through_three_points():
    """T_c = (T₂² − T₁T₃)/(2T₂ − T₁ − T₃) and n from one ratio of ten; σ by moving each temperature."""
    end, n = 38.4, 2.2
    t = [end - d for d in (0.5, 0.5 * 10 ** (1 / n), 0.5 * 100 ** (1 / n))]
    found = law.power_law_through(
        [Quantity(v, s, "K") for v, s in zip(t, (0.01, 0.02, 0.03), strict=True)], [1e7, 1e8, 1e9]
    )
    assert found.critical_temperature == pytest.approx(end) and found.exponent == pytest.approx(n)

    def ends(three):
        a, b, c = three
        return (b * b - a * c) / (2 * b - a - c)

    def exponent(three):
        return np.log(10) / np.log((ends(three) - three[1]) / (ends(three) - three[0]))

    for of, quantity in ((ends, found.critical_temperature), (exponent, found.exponent)):
        moved = [
            (of(np.array(t) + 1e-5 * d) - of(np.array(t) - 1e-5 * d)) / 2e-5 * s
            for d, s in zip(np.eye(3), (0.01, 0.02, 0.03), strict=True)
        ]
        assert quantity.uncertainty == pytest.approx(np.linalg.norm(moved), rel=0.02)
    assert found.predict([30.0, 39.0]) == pytest.approx([1e7 * ((end - 30) / 0.5) ** n, 0])
    assert found.log_current(30.0) == pytest.approx(np.log(1e7 * ((end - 30) / 0.5) ** n))
    cold_first = law.power_law_through(t[::-1], [1e9, 1e8, 1e7])
    assert (
        cold_first.critical_temperature == pytest.approx(end)
        and cold_first.critical_temperature.uncertainty == 0
    )
    law.power_law_through(t, [1e7, 1e8, 1.019e9])
    for currents in ([1e7, 1e8, 1.03e9], [1e7, 1e8, 0.97e9]):
        with pytest.raises(NotPossible, match="one ratio"):
            law.power_law_through(t, currents)
    with pytest.raises(NotPossible, match="further and further"):
        law.power_law_through([37.0, 36.0, 35.0], [1e7, 1e8, 1e9])
    with pytest.raises(NotPossible, match="2 points came"):
        law.power_law_through(t[:2], [1e7, 1e8])


def test_a_polynomial_through_medians_of_ln_current():
    """Of Bean's curves the planted ln J_c a; beyond the points straight on, never rising."""
    full = lambda t: 400.0 * (38.0 - t) ** 1.5  # noqa: E731
    table = cv.response_table("slab")
    t = np.linspace(30, 37.9, 160)

    def bean(amplitude):
        log_x = np.log(amplitude / full(t))
        return AcCurve(
            amplitude, t, np.interp(log_x, table[0], table[1]), np.interp(log_x, table[0], table[2])
        )

    of = cv.log_full_field([bean(a) for a in (800.0, 2000.0, 5000.0)], "slab")
    inside = np.linspace(34, 37, 7)
    assert of(inside) == pytest.approx(np.log(full(inside)), abs=0.05)
    far = of(np.array([10.0, 11.0, 12.0, 60.0, 61.0, 62.0]))
    assert (
        np.all(np.diff(far[:3]) < 0) and np.ptp(np.diff(far[:3])) < 1e-9 and np.ptp(np.diff(far[3:])) < 1e-9
    )
    with pytest.raises(ValueError, match="at least 8 are needed"):
        cv.log_full_field([replace(bean(800.0), in_phase=np.full(t.size, -0.99))], "slab")


# ---- grains, peaks and loops


def test_what_grains_screen_and_what_is_left():
    """−χ' where the loss has ended; the rest is inverted between 93 and 7 % on the geometry's own curve."""
    t = np.linspace(30, 40, 400)
    log_field, real, loss = cv.response_table("square_bar")
    log_x = np.clip((t - 36) * 1.2, -6.9, 6.9)
    bean, lost = np.interp(log_x, log_field, real), np.interp(log_x, log_field, loss)
    for share in (0.0, 0.15):
        one = AcCurve(80.0, t, -share + (1 - share) * bean, (1 - share) * lost)
        assert cv.grain_share(one) == pytest.approx(share, abs=0.01)
        kelvin, log_full = cv.invert_curve(one, "square_bar")
        assert log_full == pytest.approx(np.log(80.0) - (kelvin - 36) * 1.2, abs=0.1 if share else 0.02)
        between = (one.in_phase + cv.grain_share(one)) / (1 - cv.grain_share(one))
        assert kelvin.tolist() == t[(between > -0.93) & (between < -0.07)].tolist()
    assert cv.grain_share(replace(one, out_of_phase=None)) == 0.0
    warm = one.where(one.temperature < 36.2)  # the loss has not ended
    assert cv.grain_share(warm) == 0.0


def test_the_top_of_a_loss_peak():
    """A parabola through all points above 92 % of it, with its scatter; of fewer than five the top as it is."""
    t = np.arange(30.0, 40.0, 0.05)
    loss = 0.24 * np.exp(-((t - 36.03) ** 2) / 2) + 1e-3 * np.random.default_rng(2).normal(size=t.size)
    one = AcCurve(80.0, t, np.tanh(t - 36) / 2 - 0.5, loss)
    place, height = current.peak_of(one)
    smooth = one.smooth
    top = int(np.argmax(smooth.loss))
    above = np.flatnonzero(smooth.loss <= 0.92 * smooth.loss[top])
    low, high = above[above < top][-1] + 1, above[above > top][0] - 1
    inside = (t >= smooth.grid[low]) & (t <= smooth.grid[high])
    x, y = t[inside] - smooth.grid[top], loss[inside]
    fit, covariance = np.polyfit(x, y, 2, cov="unscaled")
    scatter = np.sqrt(np.sum((y - np.polyval(fit, x)) ** 2) / (inside.sum() - 3))
    assert place == pytest.approx(smooth.grid[top] - fit[1] / (2 * fit[0]))
    assert height == pytest.approx(np.polyval(fit, -fit[1] / (2 * fit[0])))
    assert place.uncertainty == pytest.approx(scatter * np.sqrt(covariance[1, 1]) / abs(2 * fit[0]))
    own = scatter * np.sqrt(covariance[2, 2])
    assert height.uncertainty == pytest.approx(np.hypot(own, 0.002 * height))
    coarse = one.where(np.arange(t.size) % 10 == 0)
    place, height = current.peak_of(coarse)
    assert (
        place == coarse.smooth.grid[coarse.smooth.peak] and height == coarse.smooth.loss[coarse.smooth.peak]
    )
    assert height.uncertainty == coarse.smooth.sigma[1][coarse.smooth.peak] and place.uncertainty > 0.05


def test_the_opening_of_a_loop():
    """Parabolas through the seven points nearest to the field; J_c = 2ΔM/[a(1 − a/3b)] with every error."""
    h = np.linspace(-1.1e5, 0.9e5, 41)
    rng = np.random.default_rng(5)
    down = 3e-6 + 1e-11 * h - 4e-17 * h**2 + 1e-8 * rng.normal(size=41)
    up = -2e-6 + 1e-11 * h + 1e-8 * rng.normal(size=41)
    field = 1.7e4
    levels, sigmas = [], []
    for m in (down, up):
        near = np.argsort(np.abs(h - field), kind="stable")[:7]
        fit, covariance = np.polyfit(h[near] - field, m[near], 2, cov="unscaled")
        rest = m[near] - np.polyval(fit, h[near] - field)
        levels.append(fit[2])
        sigmas.append(np.sqrt(np.sum(rest**2) / 4 * covariance[2, 2]))
    sides, volume = (Quantity(3e-3, 5e-5, "m"), Quantity(1e-3, 2e-5, "m")), Quantity(9e-9, 3e-10, "m^3")
    found = current.estimate_loop_current(
        (h, down), (h[::-1], up[::-1]), temperature=5.0, sides=sides, volume=volume, field=field
    )
    a, b, v = 1e-3, 3e-3, 9e-9
    width = (levels[0] - levels[1]) / v

    def density(w, a, b):
        return 2 * w / (a * (1 - a / (3 * b)))

    assert found.width == pytest.approx(width) and found.current == pytest.approx(density(width, a, b))
    noise = np.hypot(*sigmas) / v
    assert found.width.uncertainty == pytest.approx(np.hypot(noise, width * 3e-10 / v))
    of_a = (density(width, a + 1e-7, b) - density(width, a - 1e-7, b)) / 2e-7 * 2e-5
    of_b = (density(width, a, b + 1e-7) - density(width, a, b - 1e-7)) / 2e-7 * 5e-5
    total = np.linalg.norm([found.width.uncertainty * density(1, a, b), of_a, of_b])
    assert found.current.uncertainty == pytest.approx(total, rel=0.02)
    with pytest.raises(NotPossible, match="it must pass"):
        current.estimate_loop_current(
            (h, down), (h, up), temperature=5.0, sides=sides, volume=volume, field=1e5
        )
    with pytest.raises(NotPossible, match="6 points"):
        current.estimate_loop_current(
            (h[20:26], down[20:26]), (h, up), temperature=5.0, sides=sides, volume=volume, field=0.0
        )


def test_branches_of_one_loop():
    """Held within 0.03 K and 0.2 %: the longest each way, coldest first; one direction alone is none."""

    def sweep(held, direction, size):
        return SimpleNamespace(
            held=held, direction=direction, size=size, along=np.arange(size), signal=-np.arange(size)
        )

    sweeps = [sweep(20.0, "down", 9), sweep(20.06, "up", 8), sweep(5.0, "up", 7), sweep(5.039, "down", 6)]
    sweeps += [sweep(5.0, "up", 12), sweep(30.0, "up", 5), sweep(20.0, "still", 50)]
    found = current.pair_branches(sweeps)
    assert [kelvin for kelvin, *_ in found] == [5.039, 20.0]
    assert [len(branch[0]) for branch in found[0][1:]] == [6, 12] and found[0][2][1][3] == -3
    assert current._loop_tolerance(10.0) == pytest.approx(0.05)


def test_an_error_of_temperature_in_per_cent_of_a_current():
    """By the slope of ln J_c between neighbouring points."""
    points = [
        current.CurrentPoint("", h, Quantity(t, s, "K"), Quantity(j))
        for h, t, s, j in ((1, 37.0, 0.01, 1e8), (2, 36.6, 0.02, 2e8), (4, 35.9, 0.01, 4e8))
    ]
    found = current._with_percent(points)
    slope = np.gradient(np.log([1e8, 2e8, 4e8]), [37.0, 36.6, 35.9])
    assert [p.in_percent for p in found] == pytest.approx(list(100 * np.abs(slope) * [0.01, 0.02, 0.01]))
    assert np.isnan(current._with_percent(points[:1])[0].in_percent)


# ---- the critical state


def test_a_weighted_slope():
    """numpy's, over σ."""
    y, sigma, x = (
        np.array([1.0, 3.0, 2.5, 6.0]),
        np.array([0.1, 0.3, 0.2, 0.5]),
        np.array([1.0, 2.0, 2.3, 3.0]),
    )
    line, covariance = np.polyfit(x, y, 1, w=1 / sigma, cov="unscaled")
    found = state.weighted_slope([Quantity(a, s, "K") for a, s in zip(y, sigma, strict=True)], x)
    assert found == pytest.approx(line[0]) and found.uncertainty == pytest.approx(np.sqrt(covariance[0, 0]))
    assert found.unit == "K"


def test_p_of_what_is_seen():
    """χ² of all that is known; of nothing, nothing."""
    seen = [Quantity(1.2, 0.1), Quantity(0.7, 0.2), Quantity(np.nan, 0.1)]
    assert state._p_of(seen, np.array([1.0, 1.0, 1.0])) == pytest.approx(chi2.sf(4 + 1.5**2, 2))
    assert np.isnan(state._p_of([], np.zeros(0)))
    assert [state._p(p) for p in (np.nan, 9e-4, 0.0234)] == ["unknown", "< 0.001", "0.023"]


@pytest.mark.parametrize(
    ("p", "share", "excluded", "verdict"),
    [
        ({"heights": 0.0051, "shift": 0.5}, 0.0, {}, "critical state"),  # twice it is over 1 %
        ({"heights": 0.0049, "shift": 0.5}, 0.0, {}, "not a critical state"),
        ({"heights": 0.5}, 0.139, {}, "critical state"),  # 0.139 − 2 · 0.02 is under 0.1
        ({"heights": 0.5}, 0.141, {}, "not a critical state"),
        ({"heights": np.nan}, 0.0, {}, "not discriminating"),
        (
            {"heights": 0.5},
            0.0,
            {"creep": 0.049, "metal": 0.051, "Kim": np.nan},
            "critical state, not told from metal, Kim",
        ),
    ],
)
def test_the_verdict_of_a_critical_state(p, share, excluded, verdict):
    """The smallest p times their number against 1 %, grains by two σ over a tenth, and worlds that are not excluded."""
    none = Quantity(np.nan, np.nan)
    test = state.CriticalStateTest((), 0.24, none, none, none, none, Quantity(share, 0.02), p, excluded)
    assert test.verdict == verdict and test.notes()[-1] == verdict
    known = [v for v in p.values() if np.isfinite(v)]
    together = min(1.0, len(known) * min(known)) if known else np.nan
    assert test.p_value == pytest.approx(together, nan_ok=True)


def creeping(kelvin_per_decade, frequencies=(10.0, 100.0, 1000.0)):
    fine = np.arange(30.0, 40.0, 0.02)
    return [curve(shift=kelvin_per_decade * np.log10(f / 100), frequency=f, t=fine) for f in frequencies]


def test_exponents_of_creep():
    """n = 1/(ΔT |d log₁₀ J_c/dT|) per decade of frequency; where none is resolved, its 95 % bound."""
    found = state.estimate_creep_exponents(creeping(0.05), 0.8, levels=(0.6, 0.4))
    assert [one.exponent for one in found] == pytest.approx([1 / (0.05 * 0.8)] * 2, rel=0.02)
    for one in found:
        assert one.shift == pytest.approx(0.05, rel=0.02)
        assert one.exponent.uncertainty == pytest.approx(one.exponent * one.shift.uncertainty / one.shift)
        assert one.lower_bound == pytest.approx(1 / (0.8 * (one.shift + 1.645 * one.shift.uncertainty)))
    assert found[0].temperature < found[1].temperature
    by_law = state.estimate_creep_exponents(creeping(0.05), lambda t: -0.8 * np.log(10) * t, levels=(0.6,))
    assert by_law[0].exponent == pytest.approx(found[0].exponent, rel=0.02)
    still = state.estimate_creep_exponents(creeping(0.0), 0.8, levels=(0.5,))
    assert np.isnan(still[0].exponent) and np.isfinite(still[0].lower_bound)
    assert state.estimate_creep_exponents(creeping(0.05), 0.0) == []
    with pytest.raises(ValueError, match="one frequency"):
        state.estimate_creep_exponents(creeping(0.05, (10.0,)), 0.8)


def test_where_creep_sets_in():
    """The kink of the shift per decade; the levels' common thermometers are in its error."""
    t = np.linspace(34, 38, 9)
    shifts = 0.02 * np.maximum(t - 36.2, 0)
    levels = [
        state.CreepExponent(k, Quantity(s, 0.002, "K"), Quantity(np.nan), 9.0)
        for k, s in zip(t, shifts, strict=True)
    ]
    found = state.estimate_creep_onset(levels)
    assert found == pytest.approx(36.2, abs=1e-3) and found.uncertainty > 0.002 / 0.02
    nowhere = [replace(one, shift=Quantity(0.001, 0.002, "K")) for one in levels]
    everywhere = [replace(one, shift=Quantity(0.03, 0.002, "K")) for one in levels]
    for none in (nowhere, everywhere, levels[5:]):
        assert np.isnan(state.estimate_creep_onset(none))


# ---- collapse


@pytest.mark.parametrize("geometry", ["square_bar", "free"])
def test_residuals_of_a_collapse(geometry):
    """Values over σ, offsets over the thermometer's error, bends of ln J_c over 3; slopes by differences."""
    fine = np.arange(33.0, 38.5, 0.06)
    curves = [curve(a, shift=-0.5 * np.log10(a / 80), t=fine) for a in (40.0, 80.0, 160.0)]
    fit = collapse._Fit(curves, geometry, 0.004)
    free = geometry == "free"
    assert fit.knots.size == np.clip(round(np.ptp(fit.t) / 0.1) + 1, 3, 40)
    assert set(fit.part) == ({0} if free else {0, 1}) and fit.log_h.tolist() == [
        np.log(curves[i].amplitude) for i in fit.index
    ]
    rng = np.random.default_rng(1)
    p = fit.start + 0.01 * rng.normal(size=fit.start.size)
    k = fit.knots.size
    residuals = fit.residuals(p)
    n = fit.t.size
    assert residuals[n : n + 3] == pytest.approx(p[k : k + 3] / 0.004)
    assert residuals[n + 3 : n + 3 + k - 2] == pytest.approx((p[2:k] - 2 * p[1 : k - 1] + p[: k - 2]) / 3)
    row = 17
    true = fit.t[row] - p[k + fit.index[row]]
    y = fit.log_h[row] - CubicSpline(fit.knots, p[:k])(true)
    if free:
        model = CubicSpline(collapse.SHAPE_KNOTS, p[k + 3 :])(y)
        assert residuals[-1] == pytest.approx((p[k // 2] - fit.start[k // 2]) / 1e-3)
    else:
        log_field, *both = cv.response_table("square_bar")
        model = CubicSpline(log_field, both[fit.part[row]])(y) * (1 - p[-1]) - p[-1] * (fit.part[row] == 0)
    assert residuals[row] == pytest.approx((model - fit.value[row]) / fit.sigma[row])
    steps = 1e-6 * np.eye(p.size)
    slopes = np.array([(fit.residuals(p + d) - fit.residuals(p - d)) / 2e-6 for d in steps]).T
    assert fit.jacobian(p) == pytest.approx(slopes, rel=1e-3, abs=1e-2)
    low, high = fit.bounds
    assert (low[-1], high[-1]) == ((-np.inf, np.inf) if free else (-0.05, 0.9)) and np.isinf(low[:-1]).all()


def test_what_of_a_curve_is_brought_onto_another():
    """Inside the transition, with noise, jitter at its slope and a thousandth of χ."""
    one = curve(t=np.arange(33.0, 38.5, 0.06))
    one.smooth.noise = [(2e-3, 0.01), (1e-3, 0.0)]
    (t, index, part, values, sigma), (*_, lost, error) = collapse._values(one, 4, 0.1, parts=2)
    inside = (one.in_phase > -0.96) & (one.in_phase < -0.14)
    assert t.tolist() == one.temperature[inside].tolist() and set(index) == {4} and set(part) == {0}
    assert (
        values.tolist() == one.in_phase[inside].tolist()
        and lost.tolist() == one.out_of_phase[inside].tolist()
    )
    slope = np.interp(t, one.smooth.grid, one.smooth.parts[0][1])
    assert sigma == pytest.approx(np.sqrt(2e-3**2 + (0.01 * slope) ** 2 + 1e-3**2))
    assert error == pytest.approx(np.full(t.size, np.hypot(1e-3, 1e-3)))
    assert len(collapse._values(one, 4, 0.1, parts=1)) == 1


@pytest.mark.parametrize(
    ("own", "free", "said"), [(2.9, 1.0, ""), (3.1, 2.9, "not with Bean's"), (3.1, 3.1, "do not lie on one")]
)
def test_what_is_said_of_a_collapse(own, free, said):
    """χ²ᵣ of three on the geometry's own F, and on any smooth one."""
    none = Quantity(0.0, 1.0, "K")

    def fit(geometry, chi):
        fields = tuple(Quantity(v) for v in (3e3, 2e3, 5e2))
        return collapse.Collapse(
            geometry, np.array([34.0, 35.0, 36.0]), fields, (none, Quantity(-0.01, 0.1, "K")), 0.0, chi, 9
        )

    study = collapse.CollapseStudy({"square_bar": fit("square_bar", own), "free": fit("free", free)}, ())
    assert said in "".join(study.notes()) and bool(said) == bool(study.notes())
    assert study.best.largest_offset == -0.01 and study.fits["free"].relative and not study.best.relative
    assert study.best.predict([35.0, 50.0]) == pytest.approx([2e3, 5e2])
    assert [row.label for row in study.rows()] == [
        "largest offset, F of a square bar",
        "largest offset, any smooth F",
    ]


# ---- rectangles


def test_amplitudes_in_one_ratio():
    """The middle one's square over the product of the others within 3 %, whichever three."""
    assert rect.equal_ratios([1.0, 10.0, 100.0]) == [(0, 1, 2)]
    assert rect.equal_ratios([1.0, 2.0, 4.0, 8.0]) == [(0, 1, 2), (1, 2, 3)]
    assert (
        rect.equal_ratios([1.0, 10.14, 100.0]) == [(0, 1, 2)] and rect.equal_ratios([1.0, 10.16, 100.0]) == []
    )
    assert rect.equal_ratios([1.0, 1.0, 1.0]) == []


def test_errors_that_corners_share():
    """Half of a thermometer's variance is one offset, half wanders over 0.1 K; summed corner by corner."""
    assert rect.wander(np.array([0.0, 0.1, 9.0])) == pytest.approx([1.0, 0.5 + 0.5 * np.exp(-0.5), 0.5])
    rng = np.random.default_rng(2)
    count = 3
    which, place, share = rng.integers(0, 2, 12), rng.uniform(30, 30.5, 12), rng.normal(size=12)
    by_hand = np.zeros((count, count))
    for i in range(12):
        for j in range(12):
            if which[i] == which[j]:
                by_hand[i % count, j % count] += share[i] * share[j] * rect.wander(place[i] - place[j])
    assert rect._shared_errors(which, place, share, count) == pytest.approx(by_hand)


def rectangle(closure=0.0, level=-0.5, part="χ'", corners=(36.0, 35.0, 35.0)):
    return rect.Rectangle(part, (1.0, 10.0, 100.0), corners, (level, -0.1), Quantity(closure, 0.01, "K"))


@pytest.mark.parametrize(
    ("p", "power", "degenerate", "verdict"),
    [
        (0.049, {"creep": 0.9}, (), "rejected"),
        (0.051, {"creep": 0.9}, (), "critical state"),
        (0.5, {"creep": 0.2}, ("creep",), "not discriminating"),
        (0.5, {}, (), "not discriminating"),
    ],
)
def test_the_verdict_on_rectangles(p, power, degenerate, verdict):
    """At 5 %; a world that closes as well is not excluded."""
    ones = (rectangle(level=-0.8), rectangle(level=-0.45), rectangle(level=-0.5, part="χ''"))
    test = rect.CivaleTest(
        Quantity(0.0, 1e-3, "K"), Quantity(0.01, 1e-3, "K"), p, (34.0, 36.0), power, degenerate, ones, 0.003
    )
    assert test.verdict == verdict and test.central is ones[1] and test.found
    assert len(test.rows()) == 2 + len(power) and len(test.notes()) == 1 + bool(degenerate)
    nothing = rect._no_rectangle(True, 0.003)
    assert not nothing.found and nothing.rows() == [] and "coincide" in nothing.notes()[0]
    assert "no level" in rect._no_rectangle(False, 0.003).notes()[0]


def test_the_ratio_of_amplitudes_by_beans_response():
    """x(A)/x(C) of the levels; two thermometers at the curves' slope are its error."""
    log_field, real, _ = cv.response_table("square_bar")
    level_a, level_c = -0.7, -0.2
    one = rect.Rectangle("χ'", (1.0, 10.0, 100.0), (36.0, 35.2, 35.2), (level_a, level_c), Quantity(0.0))
    found = rect.estimate_current_ratio([one, rectangle(part="χ''")], temperature_uncertainty=0.004)
    ratio = np.exp(np.interp(level_a, real, log_field) - np.interp(level_c, real, log_field))
    assert found == pytest.approx(ratio)
    assert found.uncertainty == pytest.approx(ratio * np.log(10) / 0.8 * 0.004 * np.sqrt(2))
    assert np.isnan(rect.estimate_current_ratio([rectangle(part="χ''")]))


def test_curves_are_cut_to_where_they_move():
    """Between 2 and 98 % of any of them, and 0.15 K more."""
    curves = [curve(a, shift=-s, t=np.arange(28.0, 44.0, 0.05)) for a, s in ((10.0, 0.0), (20.0, 1.0))]
    cut = rect._on_one_range(curves)
    ends = [36 - 1 - 0.4 * np.log(49), 36 + 0.4 * np.log(49)]
    for one in cut:
        assert one.temperature[[0, -1]] == pytest.approx([ends[0] - 0.15, ends[1] + 0.15], abs=0.06)
    still = [AcCurve(10.0, T, np.full(T.size, -0.99))]
    assert rect._on_one_range(still) is still
