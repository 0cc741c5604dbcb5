"""The combined test, n(T), J_c and its law on curves with known answers."""

from types import SimpleNamespace

import ac_sets
import numpy as np
import pytest
from scipy.stats import binomtest
from seeds import pulls_over_seeds

from nbtools.ac_susceptibility import (
    bound_cluster_radius,
    check_critical_state,
    collect_curves,
    compare_current_laws,
    estimate_creep_exponents,
    estimate_half_screening,
    estimate_independent_range,
    estimate_loop_current,
    estimate_loss_peak,
    fit_collapse,
    fit_critical_current_law,
    grain_share,
    log_full_field,
    normalise_curve,
    power_law_through,
)
from nbtools.ac_susceptibility.current_law import find_crossover, needed_temperature_error
from nbtools.ac_susceptibility.curves import nearby
from nbtools.physics.bean_state import bean_loop
from nbtools.physics.critical_current import reduced_critical_current
from nbtools.units import Quantity

HALF_WIDTH = 0.5e-3
TEMPERATURES = np.linspace(34, 38, 60)
WORLDS = {"linear": ac_sets.linear, "creep": ac_sets.creep, "two-step": ac_sets.two_step}
POINTS = [37.1, 36.9, 36.6], [1.6e4, 16e4, 160e4]


def test_bean_passes_and_its_rivals_do_not():
    """Without noise: heights, shift with frequency and grains."""
    found = check_critical_state(ac_sets.amplitude_set(ac_sets.bean), ac_sets.frequency_set(ac_sets.bean))
    assert found.passes
    assert found.heights == pytest.approx([0.2122] * 3, abs=2e-3)
    for world in WORLDS.values():
        other = check_critical_state(ac_sets.amplitude_set(world), ac_sets.frequency_set(world))
        assert not other.passes
    assert "bias unknown" in str(found)  # one dc field only
    assert found.verdict == "critical state, not told from Kim, 100 Oe"


@pytest.mark.seeds
@pytest.mark.parametrize("name", [*WORLDS, "bean"])
def test_rates_over_seeds(name):
    """Bean's state passes in 95 % of seeds, the others are rejected in 95 %, as far as 24 seeds can tell."""
    response = WORLDS.get(name, ac_sets.bean)
    right = 0
    for seed in range(24):
        rng = np.random.default_rng([seed, 13])
        sets = ac_sets.amplitude_set(response, rng), ac_sets.frequency_set(response, rng)
        right += check_critical_state(*sets, with_rivals=False).passes == (name == "bean")
    assert binomtest(right, 24, 0.95, alternative="less").pvalue > 0.001, right


def test_the_creep_exponent_comes_back():
    """n = 5 at every level; Bean's state gives lower bounds only."""
    curves = ac_sets.amplitude_set(ac_sets.creep)
    current = log_full_field(curves, "square_bar", exponent=5, reference=80.0)
    found = estimate_creep_exponents(ac_sets.frequency_set(ac_sets.creep), current)
    middle = [one.exponent for one in found if 36.6 < one.temperature < 37.1]
    assert middle == pytest.approx([5.0] * len(middle), rel=0.12)
    still = estimate_creep_exponents(ac_sets.frequency_set(ac_sets.bean), current)
    assert all(np.isnan(one.exponent) and one.lower_bound > 20 for one in still)
    with pytest.raises(ValueError, match="one frequency"):
        estimate_creep_exponents(ac_sets.amplitude_set(ac_sets.bean), 4.0)


def test_half_screening_and_peak():
    """Temperatures at which J_c a is h/0.620 and h; currents with the bar's own factor."""
    curves = ac_sets.amplitude_set(ac_sets.bean)
    halves = estimate_half_screening(curves, half_width=HALF_WIDTH)
    peaks = estimate_loss_peak(curves, half_width=HALF_WIDTH)
    for points, x in ((halves, 0.620204103), (peaks, 1.0)):
        for point, h in zip(points, ac_sets.AMPLITUDES, strict=True):
            assert float(point.current) == pytest.approx(h / (x * HALF_WIDTH), rel=1e-6)
            assert float(point.temperature) == pytest.approx(ac_sets.temperature_of(h / x), abs=0.012)
    slab = estimate_half_screening(curves, half_width=HALF_WIDTH, geometry="slab")
    assert float(halves[0].current / slab[0].current) == pytest.approx(1.612372, rel=1e-6)


@pytest.mark.seeds
def test_half_screening_over_seeds():
    """The 68 % interval of the half-screening temperature covers it as often as that allows; error within the bar's 3 %
    or twice the thermometer's share."""
    inside, errors = 0, []
    truth = ac_sets.temperature_of(80.0 / 0.620204103)
    for seed in range(24):
        one = ac_sets.curve(ac_sets.bean, 80.0, rng=np.random.default_rng([seed, 14]), offset=0.003)
        place = estimate_half_screening([one], half_width=HALF_WIDTH)[0].temperature
        inside += abs(place - truth) < place.uncertainty
        errors.append(float(np.log(ac_sets.full_field(place) / ac_sets.full_field(truth))))
    assert binomtest(inside, 24, 0.6827).pvalue > 0.001, inside
    slope = 5.0 / (37.5 - truth)
    assert np.std(errors) < max(0.03, 2 * 0.003 * slope)
    assert abs(np.mean(errors)) < 4 * np.std(errors) / np.sqrt(24)


def test_collapse_gives_the_current():
    """J_c(T) within 1 %, whatever the thermometers may do; the wrong geometry does not; any amplitudes."""
    curves = [ac_sets.curve(ac_sets.bean, h) for h in (8.0, 50.0, 600.0)]
    found = fit_collapse(curves, "square_bar", temperature_uncertainty=0.01)
    inner = slice(1, -1)
    expected = ac_sets.full_field(found.temperature[inner])
    ours = [float(q) for q in found.full_field[inner]]
    assert ours == pytest.approx(expected, rel=0.01)
    assert found.reduced_chi_square < 3
    assert fit_collapse(curves, "slab").reduced_chi_square > 10 * found.reduced_chi_square
    assert fit_collapse(curves, "free").relative


@pytest.mark.seeds
def test_the_collapse_over_seeds():
    """J_c in the middle is covered by its σ as often as 68 % allows, thermometers off by 3 mK each."""
    inside = 0
    for seed in range(24):
        rng = np.random.default_rng([seed, 15])
        fit = fit_collapse(ac_sets.amplitude_set(ac_sets.bean, rng), temperature_uncertainty=0.003)
        middle = len(fit.temperature) // 2
        found = fit.full_field[middle]
        inside += abs(found - ac_sets.full_field(fit.temperature[middle])) < found.uncertainty
    assert binomtest(inside, 24, 0.6827).pvalue > 0.001, inside


@pytest.mark.seeds
def test_loops_over_seeds():
    """J_c of bars cut as their card knows them: the shared edges of area and volume are counted once."""
    inside = 0
    for seed in range(30):
        rng = np.random.default_rng([seed, 16])
        edges = [Quantity(side, 0.02 * side, "m") for side in (1e-3, 1.2e-3, 5e-3)]
        true = [rng.normal(float(edge), edge.uncertainty) for edge in edges]
        a, b = sorted(true[:2])
        h, m = np.linspace(-1e5, 1e5, 41), 1e9 * a * (1 - a / (3 * b)) / 4 * np.prod(true)
        branches = [(h, sign * m * (1 + 1e-3 * rng.normal(size=41))) for sign in (1, -1)]
        volume = edges[0] * edges[1] * edges[2]
        found = estimate_loop_current(*branches, temperature=5.0, sides=edges[:2], volume=volume).current
        inside += abs(found - 1e9) < found.uncertainty
    assert binomtest(inside, 30, 0.6827).pvalue > 0.001, inside


@pytest.mark.parametrize("fields", [(0.24, 0.26), (9.79, 9.81), (0.0, 0.05)])
def test_fields_within_their_scatter_are_one(fields):
    """Warming and cooling at 9.79 and 9.81 Oe are one curve with its lag; at 9 and 10 Oe they are two."""

    def sweep(oersted, shift):
        chi = -0.5 * (1 - np.tanh((TEMPERATURES - 36.5 - shift) / 0.3))
        loss = 0.2 * np.exp(-(((TEMPERATURES - 36.5 - shift) / 0.3) ** 2))
        data = {"ac_in_phase": SimpleNamespace(values=chi), "ac_out_of_phase": SimpleNamespace(values=loss)}
        drive = {"amplitude": 79.6, "frequency": 10.0, "held": 79.577 * oersted}
        return SimpleNamespace(along=TEMPERATURES, data=data, **drive)

    one = collect_curves([sweep(fields[0], 0.0), sweep(fields[1], 0.02)])
    assert len(one) == 1 and one[0].lag == pytest.approx(0.02, abs=2e-3)
    assert len(collect_curves([sweep(9.0, 0.0), sweep(10.0, 0.0)])) == 2


@pytest.mark.parametrize(("values", "groups"), [((94.9, 95.1, 996, 1004), 2), ((10, 10, 12), 2), ((1,), 1)])
def test_what_counts_as_near(values, groups):
    """Frequencies within 1 % are one, wherever a rounding would have cut."""
    assert len(set(nearby(values, lambda value: 0.01 * value))) == groups


def test_a_short_branch_is_left_out_alone():
    """6 points make no curve; the other ten drives stand, and the reason is kept by the drive."""

    def sweep(amplitude, t):
        curve = ac_sets.bean(t, amplitude, 10.0)
        data = {
            "ac_in_phase": SimpleNamespace(values=curve[0]),
            "ac_out_of_phase": SimpleNamespace(values=curve[1]),
        }
        return SimpleNamespace(along=t, data=data, amplitude=amplitude, frequency=10.0, held=0.0)

    whole = [sweep(h, TEMPERATURES) for h in np.geomspace(8, 800, 10)]
    left_out: dict[str, str] = {}
    assert len(collect_curves([*whole, sweep(2000.0, TEMPERATURES[::10])], left_out=left_out)) == 10
    assert [*left_out] == ["25.1 Oe, 10 Hz, 0 Oe dc"] and "at least 7" in str(left_out)
    with pytest.raises(ValueError, match="at least 7"):
        collect_curves([sweep(80.0, TEMPERATURES[::10])])


@pytest.mark.parametrize(("geometry", "says"), [("sphere", "it can be 'slab'"), ("slab", "two amplitudes")])
def test_what_collapse_refuses(geometry, says):
    """Unknown shapes, single amplitudes."""
    with pytest.raises(ValueError, match=says):
        fit_collapse([ac_sets.curve(ac_sets.bean, 8.0)] * 2, geometry)


def test_three_printed_points():
    """T_c = 37.5 K and n = 5.678874 exactly, with the σ of the temperatures; 3/2 would need 85 mK."""
    warm = [Quantity(kelvin, 0.029, "K") for kelvin in POINTS[0]]
    law = power_law_through(warm, POINTS[1])
    assert (law.critical_temperature, law.exponent) == pytest.approx((37.5, 5.678874), rel=1e-6)
    assert law.predict(POINTS[0]) == pytest.approx(POINTS[1], rel=1e-9)
    # T_c − T₂ = ab/(b − a) of the distances a, b between the points: the derivatives by hand.
    a, b = 0.2, 0.3
    slopes = ((b / (b - a)) ** 2, 1 - (b / (b - a)) ** 2 - (a / (b - a)) ** 2, (a / (b - a)) ** 2)
    assert law.critical_temperature.uncertainty == pytest.approx(0.029 * np.linalg.norm(slopes), rel=1e-3)
    assert needed_temperature_error(*POINTS, law="three-halves") == pytest.approx(0.0852, abs=1e-3)
    table = compare_current_laws(*POINTS, temperature_uncertainty=0.029)
    assert table["three-halves"].chi_square > 6.6


@pytest.mark.parametrize(
    ("kelvin", "currents", "says"),
    [
        ([37.1, 36.9], [1e4, 1e5], "2 points came"),
        ([37.1, 36.9, 36.6], [1e4, 1e5, 5e5], "in no one ratio|do not stand in one ratio"),
        ([37.1, 36.8, 36.6], [1e4, 1e5, 1e6], "no power law with an end"),
    ],
)
def test_points_through_which_no_power_law_goes(kelvin, currents, says):
    """Two points, currents in no one ratio, and points that bend the other way."""
    with pytest.raises(ValueError, match=says):
        power_law_through(kelvin, currents)


def test_a_planted_law_comes_back():
    """Eq. (1) from 30 to 38 K with 10 mK of noise: best by AIC, T_c within 3 σ."""
    rng = np.random.default_rng(3)
    t = np.linspace(30, 38, 15)
    j = 3e9 * reduced_critical_current(t / 38.5, "depairing")
    table = compare_current_laws(
        t + 0.01 * rng.normal(size=15), j, temperature_uncertainty=0.01, relative_uncertainty=0.005
    )
    best = next(iter(table.values()))
    assert best.law in ("depairing", "power")
    fit = table["depairing"]
    assert abs(fit.critical_temperature - 38.5) < 3 * fit.critical_temperature.uncertainty
    assert fit.chi_square < 35


@pytest.mark.seeds
def test_two_laws_and_where_they_cross():
    """Eq. (1) to 30 K, a steep power law near T_c: the crossing and the distance from Eq. (1), with coverage."""
    warm, cold = np.array([36.6, 36.9, 37.1]), np.linspace(2, 30, 7)
    deep = 3e9 * reduced_critical_current(cold / 38.5, "depairing")
    steep = 2.6e4 * ((37.5 - warm) / 0.4) ** 5.678874
    grid = np.linspace(34, 37.4, 100_001)
    both = 2.6e4 * ((37.5 - grid) / 0.4) ** 5.678874, 3e9 * reduced_critical_current(grid / 38.5, "depairing")
    off = np.log10(steep[0] / np.interp(36.6, grid, both[1]))
    truth = {"crossing": grid[np.argmin(abs(np.log(both[0] / both[1])))], "off": off}

    def estimate(seed):
        rng = np.random.default_rng([seed, 31])
        options = {"temperature_uncertainty": 0.005, "relative_uncertainty": 0.03}
        t, scatter = warm + 0.005 * rng.normal(size=3), np.exp(0.03 * rng.normal(size=10))
        near = power_law_through([Quantity(kelvin, 0.005, "K") for kelvin in t], steep)
        eq1 = fit_critical_current_law(cold, deep * scatter[3:], law="depairing", **options)
        current = Quantity(steep[0] * scatter[0], 0.03 * steep[0], "A/m^2")
        distance = eq1.decades_off(Quantity(t[0], 0.005, "K"), current)
        return {"crossing": find_crossover(near, eq1, 30, 37.4), "off": distance}

    for name, pulls in pulls_over_seeds(estimate, truth, seeds=40).items():
        assert pulls.missing == 0 and pulls.p_value > 0.001, f"{name}: {pulls}"
        assert abs(pulls.bias) < 0.7, f"{name}: {pulls}"


@pytest.mark.parametrize(
    ("points", "options", "says"),
    [
        (([37.0, 36.9, 36.0], [1e4, 1e5, 1e6]), {}, "needs 4 points or more"),
        (([37.0, 36.0], [1e4, -1.0]), {}, "positive and finite"),
        (([37.0, 36.0, 35.0], [1e4, 1e5, 1e6]), {"critical_temperature": 36.0}, "above the given T_c"),
        (([37.0, 36.0, 35.0], [1e4, 1e5, 1e6]), {"law": "sns"}, "it can be 'power'"),
    ],
)
def test_what_the_law_refuses(points, options, says):
    """Too few points, no current, points above T_c, an unknown law."""
    with pytest.raises(ValueError, match=says):
        fit_critical_current_law(*points, **options)


@pytest.mark.parametrize("sides", [(1e-3, 1e-3), (4.1e-3, 4.8e-3)])
def test_the_error_of_an_edge_is_that_of_the_formula(sides):
    """2ΔM/[a(1 − a/3b)] by its derivative: a/3b/(1 − a/3b) of b's relative σ; and the volume of the same edges."""
    h, m = np.linspace(-1e5, 1e5, 41), np.full(41, 1e-3)
    a, b = sides
    share = a / (3 * b) / (1 - a / (3 * b))
    for volume, slope in ((Quantity(1e-9, 0.0, "m^3"), -share), (None, -1 - share)):
        longer = Quantity(b, 0.05 * b, "m")
        size = longer * Quantity(1e-3 * a, 0.0, "m^2") if volume is None else volume
        found = estimate_loop_current((h, m), (h, -m), temperature=5.0, sides=(a, longer), volume=size)
        assert found.current.uncertainty / found.current == pytest.approx(0.05 * abs(slope), rel=1e-6)


def test_loops():
    """Bean's loop of a square bar: 300 ΔM for 1 mm edges; a plate's factor; a holder drops out."""
    current, half = 1e9, 0.5e-3
    field = np.linspace(-4e6, 4e6, 201)
    down, up = bean_loop(field / (current * half), 8.0, "square_bar")
    moments = [branch * current * half * 5e-9 + 1e-15 * field for branch in (down, up)]
    sides = {"sides": (1e-3, 1e-3), "volume": 5e-9}
    found = estimate_loop_current((field, moments[0]), (field, moments[1]), temperature=5.0, **sides)
    assert float(found.current) == pytest.approx(current, rel=1e-6)
    assert float(found.current) / float(found.width) == pytest.approx(300 * 1e4 / 1e3, rel=1e-9)
    wide = estimate_loop_current(
        (field, moments[0]), (field, moments[1]), temperature=5.0, sides=(4.1e-3, 4.8e-3), volume=5e-9
    )
    assert float(wide.current) / float(wide.width) == pytest.approx(68.197964 * 10, rel=1e-7)
    with pytest.raises(ValueError, match="must pass"):
        estimate_loop_current((field + 1e7, moments[0]), (field, moments[1]), temperature=5.0, **sides)


def test_normalising():
    """Holder, phase error and scale come out; a curve that screens nothing is refused."""
    true = ac_sets.curve(ac_sets.bean, 8.0)
    response = (true.in_phase - 1j * true.out_of_phase) * np.exp(0.01j) * 3e-7 - 1e-8
    found = normalise_curve(true.temperature, response.real, -response.imag, amplitude=8.0)
    assert found.phase == pytest.approx(0.01, abs=5e-4)
    np.testing.assert_allclose(found.in_phase, true.in_phase, atol=2e-3)
    with pytest.raises(ValueError, match="nothing is screened"):
        normalise_curve(true.temperature, np.ones(181), np.zeros(181), amplitude=80.0)


def test_grains():
    """A share screened without loss is found, amplitude matters only below it, and it bounds the grains."""
    curves = ac_sets.amplitude_set(ac_sets.two_step)
    assert grain_share(curves[2]) == pytest.approx(0.3, abs=0.01)
    alone = estimate_independent_range(curves)
    assert alone.step == pytest.approx(0.3, abs=0.01)
    options = {"fraction": 0.265, "penetration_depth": 80e-9, "critical_temperature": 38.5}
    small, large = (bound_cluster_radius(s, 37.0, **options) for s in (0.01, 0.1))
    assert 0 < small < large < 1e-5
    assert bound_cluster_radius(0.5, 37.0, **options) == np.inf


def test_a_law_without_a_degree_of_freedom_is_no_fit():
    """As many parameters as points: left out of the comparison, refused on its own."""
    assert {*compare_current_laws(*POINTS)} == {"linear", "three-halves", "square", "depairing"}
    with pytest.raises(ValueError, match="3 free parameters"):
        fit_critical_current_law(*POINTS)
