"""Curves of ac susceptibility and laws of J_c(T), part by part: sums, parabolas and residuals by hand."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from nbtools.ac_susceptibility import current_law as law
from nbtools.ac_susceptibility import curves as cv
from nbtools.ac_susceptibility.curves import AcCurve
from nbtools.physics.critical_current import log_current
from nbtools.results import NotPossible
from nbtools.units import Quantity

T = np.arange(30.0, 40.0, 0.25)
RNG = np.random.default_rng(0)


def curve(amplitude=80.0, *, shift=0.0, scale=1.0, loss=True, **more):
    real = -scale / (1 + np.exp((T - 36 - shift) / 0.4))
    return AcCurve(amplitude, T, real, -0.4 * real * (1 + real / scale) if loss else None, **more)


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
