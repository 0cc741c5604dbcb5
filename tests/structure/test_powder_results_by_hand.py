"""What a refinement reports, on phases of one line each and on results made by hand: numbers, rows and sentences."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from powder_worlds import PHASES
from scipy.ndimage import uniform_filter1d
from test_powder_steps_by_hand import ANGLES, SINGLE, line, peaks, two

from nbtools.results import NotPossible
from nbtools.structure import powder_refinement as refinement
from nbtools.structure.model_powder_pattern import (
    Instrument,
    RefinedPattern,
    phase_pattern,
    powder_lines,
    scattering_mass,
)
from nbtools.structure.phase_fractions import densities_of
from nbtools.structure.powder_refinement import PhaseFractions, caglioti, lines_of_none, read_arrays

CRYSTALS = {"one": PHASES["MgO"], "other": PHASES["Mg"]}


def foreign(place, height, width=0.12):
    return height * np.exp(-(((ANGLES - place) / width) ** 2))


def reported(height, *, gain=1.0, said=(), scatter=0.0, heights=(9e3, 5e3), **more):
    """The result of peaks of these heights with a line of no phase at 45°, which is left out of the fit."""
    fit = two(peaks(heights) + foreign(45.0, height), 64.0, degree=1, **more)
    fit.is_open = np.abs(ANGLES - 45.0) > 0.61
    fit.counts = fit.counts + scatter * np.where(np.arange(ANGLES.size) % 2, 1.0, -1.0)
    fit.visible = ("one", "other")
    p = fit.start()
    return refinement._result(fit, p, CRYSTALS, "x-ray", gain, said)


def test_a_result_by_hand():
    """Scales, ground, misfit and what no phase explains; counts and scales in the unit that came."""
    found = reported(900.0, gain=2.5, said=("as was said",), scatter=4.0)
    ground = 60.0 * np.ones(ANGLES.size)
    exact = peaks((9e3, 5e3))
    assert found.counts == pytest.approx(
        2.5 * (exact + foreign(45.0, 900.0) + 4.0 * np.where(np.arange(400) % 2, 1, -1))
    )
    assert found.pattern == pytest.approx(2.5 * exact, rel=1e-3)
    assert found.background == pytest.approx(2.5 * ground, rel=2e-2)
    assert sum(found.components.values()) + found.background == pytest.approx(found.pattern, rel=1e-9)
    n_open = np.sum(np.abs(ANGLES - 45) > 0.61)
    freedom = n_open - 4
    assert found.reduced_chi_square == pytest.approx(16 * n_open / 64 / freedom, rel=1e-3)
    seen = (np.abs(ANGLES - 45) > 0.61) * found.counts / 2.5
    assert found.rwp == pytest.approx(4 * np.sqrt(n_open / np.sum(seen**2)), rel=1e-3)
    assert found.expected_rwp == pytest.approx(8 * np.sqrt(freedom / np.sum(seen**2)))
    area = 900 * 0.12 * np.sqrt(np.pi) / 0.05
    assert found.unexplained == pytest.approx(area / np.sum(exact - ground), rel=1e-2)
    assert found.missed == pytest.approx([45.0], abs=0.026)
    assert found.used == ("1.5000 Å, background of degree 1", "as was said")
    assert found.densities == pytest.approx({"one": PHASES["MgO"].density, "other": PHASES["Mg"].density})
    assert not found.misses and found.doubts == {}
    assert found.detected == ("one", "other")
    assert found.model.domain == (ANGLES[0], ANGLES[-1])


def test_how_much_may_be_of_no_phase():
    """A third of the area of the phases that are there; more is no explanation."""
    whole = np.sum(peaks((9e3, 5e3)) - 60.0)
    one = 0.12 * np.sqrt(np.pi) / 0.05
    assert reported(0.32 * whole / one).unexplained == pytest.approx(0.32, rel=1e-2)
    with pytest.raises(NotPossible, match="carry more than 33 % of the area of one, other"):
        reported(0.345 * whole / one)


def test_what_is_refused_and_why():
    """Nothing that stands out; doubts, which come first; or too much beside: with the lines that are missed."""
    fit = two(peaks((9e3, 5e3)) + foreign(45.0, 3e3), 64.0)
    text = lambda *ask: str(refinement._not_explained(fit, CRYSTALS, *ask))  # noqa: E731
    assert (
        "these phases (one, other) do not explain this pattern: none of them stands out of the noise; "
        in text([], {})
    )
    assert "the strongest they miss: the lines at 40.0" in text([], {})
    assert ": one: too large; other: too faint; the" in text([], {"one": "too large", "other": "too faint"})
    assert ": one: too large; the" in text(["other"], {"one": "too large"})
    beside = text(["one", "other"], {})
    assert "lines of none of them carry more than 33 % of the area of one, other; the strongest" in beside
    assert "they miss: the line at 45.00° (1.960 Å). Give the crystals" in beside
    assert "check the wavelength, 1.5000 Å, and" in beside


def test_a_cell_as_far_off_as_it_may_be_is_said():
    """In per cent of its CIF, from the axis that is furthest; an end where a parameter stops, too."""
    fit = two(peaks((9e3, 5e3)), reach={"one": 0.012})
    fit.visible = ("one",)
    p = fit.start()
    p["strain_0_a"].set(value=-0.0061, vary=True)
    p["mixing_0"].set(value=1.98, vary=True)
    p["mixing_0"].stderr = 0.1
    p["texture_0"].set(value=3.0, vary=False)
    assert refinement._used(fit, p) == (
        "1.5000 Å, background of degree 4",
        "other: cell of its CIF, width of the strongest phase, being too weak to say",
        "one: its cell is -0.6 % off its CIF; it may be another crystal",
        "mixing_0 ends where it may go no further, at 1.98",
    )
    p["strain_0_a"].value = 0.0039
    assert not any("its cell is" in sentence for sentence in refinement._used(fit, p))
    p["strain_0_a"].value = 0.0041
    assert any("its cell is +0.4 % off" in sentence for sentence in refinement._used(fit, p))


def made(**changes):
    """Three phases: one certain, one in doubt, one under its limit."""
    names = ("MgO", "MgB2", "Mg")
    lines = {
        "MgO": line(40.0),
        "MgB2": replace(line(50.0), axes=("a", "c"), cell=np.ones(2)),
        "Mg": line(60.0),
    }
    fit = two(peaks((9e3, 5e3)), lines=lines)
    p = fit.start()
    p["strain_0_a"].set(value=0.002, vary=True)
    p["strain_0_a"].stderr = 3e-4
    p["texture_1"].set(value=-0.25, vary=True)
    p["texture_1"].stderr = 0.04
    p["strain_1_c"].set(value=-0.003)
    states = {name: fit.state_at(p.valuesdict(), name) for name in names}
    crystals = {name: PHASES[name] for name in names}
    model = RefinedPattern(
        crystals, lines, states, SINGLE, dict.fromkeys(names, 1.0), np.array([5.0]), (35.0, 55.0)
    )
    found = PhaseFractions(
        names=names,
        scales=np.array([7.0, 3.0, 0.4]),
        covariance=np.diag([0.09, 0.04, 0.16]),
        significance={"MgO": 23.4, "MgB2": 15.2, "Mg": 1.0},
        doubts={},
        missed=[28.44, 47.3],
        unexplained=0.034,
        misses=False,
        density_choice="x-ray",
        densities=densities_of(crystals, "x-ray", expansion=model.expansion),
        rwp=0.0723,
        expected_rwp=0.0611,
        reduced_chi_square=1.4,
        two_theta=ANGLES,
        counts=peaks((9e3, 5e3)),
        pattern=peaks((9e3, 5e3)),
        parameters=p,
        model=model,
        used=("a word",),
    )
    return replace(found, **changes)


def test_fractions_of_a_result_by_hand():
    """Weight is scale × ZMV of the refined cell; volume over density, moles over molar mass; the unlisted widens σ."""
    found = made()
    grown = {"MgO": 1.002**3, "MgB2": 0.997, "Mg": 1.0}
    masses = {
        n: s * scattering_mass(PHASES[n]) * grown[n] for n, s in zip(grown, (7.0, 3.0, 0.4), strict=True)
    }
    whole = sum(masses.values())
    assert found.weight_fractions == pytest.approx({n: m / whole for n, m in masses.items()})
    volumes = {n: m * grown[n] / PHASES[n].density for n, m in masses.items()}
    assert found.volume_fractions == pytest.approx({n: v / sum(volumes.values()) for n, v in volumes.items()})
    moles = {n: m / PHASES[n].molar_mass for n, m in masses.items()}
    assert found.mole_fractions == pytest.approx({n: v / sum(moles.values()) for n, v in moles.items()})
    assert found.molar_ratio("MgB2", "Mg") == pytest.approx(moles["MgB2"] / moles["Mg"])
    share = found.weight_fractions["Mg"]
    assert found.upper_limits["Mg"] == pytest.approx(share + 1.959964 * share.uncertainty)
    ours = made(covariance=np.zeros((3, 3))).weight_fractions["MgO"]
    assert ours.uncertainty == pytest.approx(0.034 * ours)
    none = made(scales=np.array([7.0, 3.0, -0.4]))
    assert none.weight_fractions["Mg"] == 0 and np.isnan(none.molar_ratio("MgO", "Mg"))
    assert none.molar_ratio("Mg", "MgO") == 0


def test_rows_of_a_result_by_hand():
    """Detected phases by weight and volume, limits of the others, formula units, cells that moved, texture."""
    found = made()
    weights, volumes = found.weight_fractions, found.volume_fractions
    rows = {row.name: row for row in found.rows()}
    assert list(rows) == [
        "weight_fraction_MgO",
        "weight_fraction_MgB2",
        "volume_fraction_MgO",
        "volume_fraction_MgB2",
        "upper_limit_Mg",
        "molar_ratio_MgO_MgB2",
        "cell_a_MgO",
        "texture_MgB2",
    ]
    assert rows["weight_fraction_MgB2"].quantity == weights["MgB2"]
    assert rows["weight_fraction_MgB2"].how == "whole pattern, lines at 15 σ"
    assert rows["volume_fraction_MgO"].quantity == volumes["MgO"]
    assert rows["volume_fraction_MgO"].how == f"x-ray density, {PHASES['MgO'].density / 1.002**3:.0f} kg/m³"
    assert rows["upper_limit_Mg"].quantity == found.upper_limits["Mg"]
    assert rows["upper_limit_Mg"].quantity.uncertainty == 0
    cell, a = rows["cell_a_MgO"].quantity, PHASES["MgO"].lengths[0]
    assert (cell, cell.uncertainty) == pytest.approx((1.002 * a, 3e-4 * a), abs=0)
    assert cell.unit == "m"
    texture = rows["texture_MgB2"].quantity
    assert (texture, texture.uncertainty) == pytest.approx((np.exp(-0.25), 0.04 * np.exp(-0.25)))
    given = found.with_densities({"MgO": 3000.0})
    assert [row.how for row in given.rows()][2] == "given density, 3000 kg/m³"
    one = made(significance={"MgO": 3.0, "MgB2": 2.9, "Mg": 1.0})
    assert not [row for row in one.rows() if row.name.startswith("molar_ratio")]


@pytest.mark.parametrize(
    ("significance", "doubts", "detected"),
    [
        ((3.0, 2.99, -5.0), {}, ("MgO",)),
        ((3.5, 9.0, 4.0), {"MgB2": "too large"}, ("MgO", "Mg")),
    ],
)
def test_what_counts_as_detected(significance, doubts, detected):
    """Three σ above zero and no doubt."""
    found = made(significance=dict(zip(("MgO", "MgB2", "Mg"), significance, strict=True)), doubts=doubts)
    assert found.detected == detected
    assert sum(row.name.startswith("upper_limit") for row in found.rows()) == 3 - len(detected)


def test_notes_of_a_result_by_hand():
    """Misfit, doubts, what is not explained, what was assumed, what cannot be seen."""
    assert made(doubts={"Mg": "too faint"}).notes()[:-3] == [
        "R_wp = 7.2%, counting alone 6.1%; χ²ᵣ = 1.40",
        "Mg is not counted as detected: too faint",
        "no phase explains the lines at 28.44° (3.053 Å), 47.30° (1.870 Å), with 3.4 % of the area of those that are: "
        "σ allows for as much weight that is not listed",
        "assumed: a word",
    ]
    plain = made(missed=[], misses=True).notes()
    assert plain[1:-3] == ["the model misses the pattern: σ is widened by that misfit", "assumed: a word"]
    assert [note.split(":")[0] for note in plain[-3:]] == ["not visible to this"] * 3


def net_of(*lines_there):
    """A rest of steps of 0.05° with peaks of (place, height, width)."""
    return sum((foreign(*one) for one in lines_there), np.zeros(ANGLES.size))


def test_the_area_of_a_line_at_the_edge_of_a_pattern():
    """Half a degree to either side, as far as there are points; what lies further off is not its."""
    none, sigma = np.zeros((0, 2)), np.full(ANGLES.size, 2.0)
    first = net_of((35.2, 300.0))
    first[20:] = 7.0  # from 36° on a level that is no line
    places, area = lines_of_none(ANGLES, first, sigma, np.zeros(ANGLES.size), none)
    assert places == pytest.approx([35.2])
    assert area == pytest.approx(np.sum(first[: 4 + 11]))
    mid = net_of((45.0, 300.0)) + 1.0
    mid[200] += 0.5
    _, area = lines_of_none(ANGLES, mid, sigma, np.zeros(ANGLES.size), none)
    assert area == pytest.approx(np.sum(mid[190:211]))


@pytest.mark.parametrize(("low", "fits"), [(0.5, True), (-0.5, False)])
def test_a_pattern_may_begin_at_any_angle_above_zero(low, fits):
    """Small angles are angles; none may be zero or below."""
    angle, counts = np.linspace(low, 40.0, 50), np.arange(50.0)
    if fits:
        assert read_arrays(angle, counts, None)[0][0] == low
        return
    with pytest.raises(NotPossible, match=r"2θ from -0\.5 to 40 came; degrees between 0 and 180"):
        read_arrays(angle, counts, None)


def test_a_scan_takes_any_gain_where_none_is_asked():
    """Also one of a hundredth of χ²."""
    fit = two(peaks((9e3, 5e3), zero=0.01), 1e6)
    p = fit.start()
    gain = fit.misfit(p.valuesdict()) - fit.misfit(p.valuesdict() | {"zero": 0.01})
    assert 0 < gain < 1
    fit.scan(p, ["zero"], np.array([-0.01, 0.01]))
    assert p["zero"].value == 0.01


def bound(value, stderr=None, low=-1.0, high=3.0):
    return SimpleNamespace(value=value, stderr=stderr, min=low, max=high)


@pytest.mark.parametrize(
    ("parameter", "word"),
    [
        (bound(2.85, 0.16), True),
        (bound(2.85, 0.14), False),
        (bound(-0.85, 0.16), True),
        (bound(2.79, 9.0), False),  # a twentieth of the range is 0.2
        (bound(2.81, 9.0), True),
        (bound(2.999), False),
        (bound(3.0), True),
    ],
)
def test_how_near_to_its_bound_a_parameter_ends(parameter, word):
    """Within its σ, but no further than a twentieth of its range."""
    assert refinement._at_its_bound(parameter) is word


def test_lines_of_a_phase_in_doubt_are_lines_of_no_phase():
    """A cell at the end of its reach: what stands at its line is named, with its share of the rest's area."""
    fit = two(peaks((9e3, 2e3), (0.0, 0.004)), 64.0, degree=1)
    fit.visible = ("one", "other")
    p = fit.start()
    p["strain_1_a"].set(value=0.004, vary=True)
    found = refinement._result(fit, p, CRYSTALS, "x-ray", 1.0, ())
    assert list(found.doubts) == ["other"]
    assert "its cell would be +0.4 % off its CIF" in found.doubts["other"]
    curves = found.components
    place = ANGLES[np.argmax(curves["other"])]
    assert found.missed == pytest.approx([place])
    near = np.abs(ANGLES - place) < 0.51
    assert found.unexplained == pytest.approx(np.sum(curves["other"][near]) / np.sum(curves["one"]), rel=1e-3)


def test_a_phase_that_no_open_point_shows():
    """Its factor is none, and the others are solved for as if it were not there."""
    fit = two(
        peaks((9e3, 5e3)), 64.0, lines={"one": line(40.0), "far": line(150.0), "other": line(50.0)}, degree=1
    )
    columns = fit.columns(fit.start().valuesdict())
    assert not columns[:, 1].any()
    factors, covariance = fit.solve(columns)
    assert factors[1] == pytest.approx(0, abs=1e-9 * factors[0]) and np.all(np.isfinite(covariance))
    seen = columns[:, [0, 2, 3, 4]]
    assert factors[[0, 2, 3, 4]] == pytest.approx(np.linalg.lstsq(seen, fit.counts, rcond=None)[0])
    expected = 64.0 * np.linalg.inv(seen.T @ seen)
    assert covariance[np.ix_([0, 2, 3, 4], [0, 2, 3, 4])] == pytest.approx(expected, rel=1e-6)


def test_twelve_flat_places_tell_what_a_count_is_worth():
    """Ten are enough: bends of 26 about a mean of 23.5/3."""
    gain, said = refinement.count_variance(np.tile([3.5, 16.5], 13))
    assert gain == pytest.approx(26**2 / 6 / (23.5 / 3))
    assert len(said) == 1


def test_own_lines_stay_open_beside_one_of_no_phase():
    """One and a half widths about each line of the phases, of either wavelength; half a degree about the other one."""
    width, longer = 0.12, 1.02
    instrument = replace(SINGLE, wavelengths=(1.5e-10, longer * 1.5e-10))
    counts = peaks((9e3, 9e3), width=width) + foreign(50.45, 6e3, 0.08) + foreign(45.0, 5e3, 0.08)
    fit = two(counts, 64.0, degree=0, instrument=instrument)
    p = fit.start()
    p["width"].value = width
    fit.visible = ("one", "other")
    fit.leave_out(p.valuesdict())
    shut = ANGLES[~fit.is_open]
    second = 2 * np.degrees(np.arcsin(longer * np.sin(np.radians(25.0))))  # 51.07°
    own = (np.abs(ANGLES - 50.0) < 0.18) | (np.abs(ANGLES - second) < 0.18)
    expected = (np.abs(ANGLES - 45.0) < 0.51) | ((np.abs(ANGLES - 50.45) < 0.51) & ~own)
    assert shut == pytest.approx(ANGLES[expected])


def test_sigma_is_at_least_that_of_the_misfit():
    """A misfit that moves nothing on either half of a pattern: then σ is √χ²ᵣ times that of counting."""
    fit = two(peaks((9e3, 5e3)), 30.0, degree=1)
    p = fit.start()
    p["zero"].vary = True
    values = p.valuesdict()
    states = {name: fit.state_at(values, name) for name in fit.lines}
    model = RefinedPattern({}, fit.lines, states, SINGLE, {}, np.zeros(1), (35.0, 55.0))
    _, slopes = fit.jacobian(values, ["zero"])
    rest = 20.0 * np.where(np.arange(ANGLES.size) % 2, 1.0, -1.0)
    [_, middle] = refinement._line_starts(fit, model, 0.5)
    assert ANGLES[middle] == pytest.approx(45.0, abs=0.051)
    for half in (slice(None, middle), slice(middle, None)):
        basis = np.linalg.qr(slopes[half])[0]
        rest[half] -= basis @ (basis.T @ rest[half])
    scales = refinement.trust(fit, p, rest, model)
    chi_square = np.sum(rest**2) / 30.0 / (400 - 5)
    assert scales.misses and scales.chi_square == pytest.approx(chi_square)
    sigma = np.sqrt(np.diag(np.linalg.inv(slopes.T @ slopes / 30 + np.diag([25.0, 0, 0, 0, 0]))))
    assert scales.counted == pytest.approx(sigma[1:3])
    assert np.sqrt(np.diag(scales.covariance)) == pytest.approx(np.sqrt(chi_square) * sigma[1:3])
    assert p["zero"].stderr == pytest.approx(np.sqrt(chi_square) * sigma[0])


@pytest.mark.parametrize(("points", "named"), [(28, 1), (36, 0)])
def test_what_is_as_wide_as_half_of_three_degrees_is_ground(points, named):
    """A step of 0.05° gives medians of 60 points, of which a level of 28 is less than half, and one of 36 more."""
    counts = np.full(ANGLES.size, 100.0)
    counts[190 : 190 + points] += 500.0
    places = refinement.lines_beside(two(counts, 100.0), [])
    assert len(places) == named
    assert not named or abs(places[0] - ANGLES[190 + points // 2]) < 0.1


@pytest.mark.parametrize(("away", "left"), [(11, 1), (-11, 1), (10, 0), (-10, 0)])
def test_how_far_a_profile_may_miss_its_line(away, left):
    """Beside an explained peak five times as high, up to half a degree (ten points) away."""
    net = foreign(45.0, 300.0)
    explained = np.zeros(ANGLES.size)
    top = int(np.argmax(uniform_filter1d(net, 5)))
    explained[top + away] = 1e6
    places, _ = lines_of_none(ANGLES, net, np.full(ANGLES.size, 2.0), explained, np.zeros((0, 2)))
    assert len(places) == left


def test_a_phase_without_a_point_leaves_the_others_as_they_are():
    """Its own scale has no σ to speak of; that of the others is finite and the same."""
    lines = {"one": line(40.0), "far": line(150.0)}
    fit = two(peaks((9e3, 0.0)), 64.0, lines=lines, degree=1)
    alone = two(peaks((9e3, 0.0)), 64.0, lines={"one": line(40.0)}, degree=1)
    found = []
    for each in (fit, alone):
        p = each.start()
        states = {name: each.state_at(p.valuesdict(), name) for name in each.lines}
        model = RefinedPattern({}, each.lines, states, SINGLE, {}, np.zeros(1), (35.0, 55.0))
        found.append(refinement.trust(each, p, np.full(ANGLES.size, 8.0), model))
    assert np.all(np.isfinite(found[0].covariance))
    assert found[0].covariance[0, 0] == pytest.approx(found[1].covariance[0, 0])


def test_what_the_data_leave_open_is_as_uncertain_as_its_weak_term():
    """On a flat ground: 0.2° of the zero, 0.3 of Kα2, 0.5 of either mixing, 2 Å² of B, 1 of ln r."""
    fit = two(np.full(ANGLES.size, 90.0), 1.0, instrument=replace(SINGLE, ratio=0.3), degree=1)
    p = fit.start()
    free = {"zero": 0.2, "ratio": 0.3, "mixing_0": 0.5, "mixing_1": 0.5, "breadth": 2.0, "texture_1": 1.0}
    for name in free:
        p[name].vary = True
    states = {name: fit.state_at(p.valuesdict(), name) for name in fit.lines}
    model = RefinedPattern({}, fit.lines, states, SINGLE, {}, np.zeros(1), (35.0, 55.0))
    refinement.trust(fit, p, np.zeros(ANGLES.size), model)
    assert {name: p[name].stderr for name in free} == pytest.approx(free, rel=1e-6)


def test_lines_that_the_fit_explains_stay_in_it():
    """Those of a phase too weak for a cell of its own, too, as nothing is left there."""
    fit = two(peaks((9e3, 2e3)) + foreign(45.0, 3e3, 0.08), 64.0, degree=0)
    fit.visible = ("one",)
    fit.leave_out(fit.start().valuesdict())
    assert np.array_equal(fit.is_open, np.abs(ANGLES - 45.0) > 0.5 + 1e-6)


@pytest.mark.parametrize(
    ("points", "step", "kept"), [(400, 1, 400), (2999, 1, 2999), (3001, 2, 1500), (4700, 3, 1566)]
)
def test_how_many_points_a_coarse_pattern_has(points, step, kept):
    """No fewer than fifteen hundred, or all where there are not twice as many."""
    angle = np.linspace(20.0, 80.0, points)
    thin = two(np.arange(points), angle=angle).thinned()
    assert thin.two_theta.size == kept
    assert thin.counts[:2] == pytest.approx([(step - 1) / 2, step + (step - 1) / 2])
    assert thin.two_theta[-1] == pytest.approx(np.mean(angle[(kept - 1) * step : kept * step]))


@pytest.mark.parametrize(
    ("height", "noisy", "found"), [(11.4, 3, 1), (11.4, -3, 1), (11.0, 3, 0), (11.4, 2, 0), (11.4, -2, 0)]
)
def test_how_high_one_point_must_be(height, noisy, found):
    """Five σ of a mean of five: 5√5 = 11.18 σ; of no point further off does the noise matter."""
    net, sigma = np.zeros(ANGLES.size), np.ones(ANGLES.size)
    net[200], sigma[200 + noisy] = height, 100.0
    places, _ = lines_of_none(ANGLES, net, sigma, np.zeros(ANGLES.size), np.zeros((0, 2)))
    assert places == ([ANGLES[200]] if found else [])


@pytest.mark.parametrize(("height", "named"), [(13.0, 1), (9.0, 0)])
def test_a_line_is_at_least_one_count_of_noise(height, named):
    """However small a variance is given: 11.18 counts in one point stand out."""
    counts = np.full(ANGLES.size, 100.0)
    counts[200] += height
    assert len(refinement.lines_beside(two(counts, 0.01), [])) == named


def test_lines_in_steps_of_two_degrees():
    """One point to either side is a line's, where half a degree holds none."""
    angle = np.arange(10.0, 170.0, 2.0)
    net = np.zeros(angle.size)
    net[37:44] = [5.0, 7.0, 90.0, 120.0, 60.0, 3.0, 2.0]
    places, area = lines_of_none(angle, net, np.ones(angle.size), np.zeros(angle.size), np.zeros((0, 2)))
    [place] = places
    at = int(np.flatnonzero(angle == place)[0])
    assert area == np.sum(net[at - 1 : at + 2])


def test_one_ratio_of_formula_units():
    """Of the first two of the phases that are detected."""
    found = made(significance={"MgO": 9.0, "MgB2": 8.0, "Mg": 7.0})
    assert [row.label for row in found.rows() if row.name.startswith("molar_ratio")] == ["MgO : MgB2"]


def test_counts_below_zero_are_told_from_none():
    """Three of them among zeros."""
    counts = np.zeros(50)
    counts[:3], counts[40] = -2.0, 8.0
    with pytest.raises(NotPossible, match=r"^3 counts are below zero"):
        read_arrays(np.linspace(20, 40, 50), counts, None)


@pytest.mark.parametrize(
    "options",
    [{"ratio": 0.0}, {"wavelengths": (1.540593e-10, 1.540593e-10)}, {"wavelengths": (1.541e-10, 1.541e-10)}],
)
def test_one_wavelength_by_hand(options):
    """Either no second line, or one at the same place: both wavelengths are the first, and its ratio stays none."""
    angle = np.arange(38.0, 66.0, 0.1)
    first = options.get("wavelengths", (1.540593e-10,))[0]
    lines = powder_lines(PHASES["MgO"], 1.3e-10)
    instrument = Instrument((first, first), 0.0, caglioti=caglioti(0.3, 0.0, 0.0))
    clean = 20.0 * phase_pattern(angle, lines, instrument) / lines.strength.max() + 50.0
    found = refinement.fit_phase_fractions(angle, clean, {"MgO": PHASES["MgO"]}, variance=clean, **options)
    assert found.model.instrument.wavelengths == pytest.approx((first, first), rel=1e-6, abs=0)
    assert found.model.instrument.ratio == 0 and not found.parameters["ratio"].vary
    assert found.model.scales["MgO"] == pytest.approx(20.0 / lines.strength.max(), rel=1e-3)
    assert found.weight_fractions["MgO"] == 1


def test_the_last_line_of_a_pattern_that_ends_near_180():
    """Lines up to 179° are reckoned with, not mirrored at 180°."""
    edge = PHASES["MgO"].lengths[0]
    wavelength = 2 * edge / np.sqrt(12) * np.sin(np.radians(178.5 / 2))  # 222 at 178.5°
    angle = np.linspace(60.0, 179.9, 300)
    lines = refinement._lines({"MgO": PHASES["MgO"]}, angle, Instrument((wavelength,) * 2, 0.0), {})["MgO"]
    assert np.sqrt(lines.squared_inverse_spacing().max()) == pytest.approx(np.sqrt(12) / edge)


def test_how_far_a_computed_cell_may_be_from_its_own():
    """1.2 %: density functionals make cells of MgO and MgB2 up to one per cent too large."""
    p = two(peaks((9e3, 5e3)), reach={"other": refinement.COMPUTED_CELL}).start()
    assert (p["strain_1_a"].min, p["strain_1_a"].max) == (-0.012, 0.012)


@pytest.mark.parametrize(("beyond", "reckoned"), [(2.9, True), (3.1, False)])
def test_how_far_beyond_its_end_lines_reach_into_a_pattern(beyond, reckoned):
    """Three degrees."""
    edge, end = PHASES["MgO"].lengths[0], 100.0
    wavelength = 2 * edge / np.sqrt(8) * np.sin(np.radians((end + beyond) / 2))  # 220 just beyond the end
    found = refinement._lines(
        {"MgO": PHASES["MgO"]}, np.linspace(60.0, end, 300), Instrument((wavelength,) * 2, 0.0), {}
    )
    inverse = found["MgO"].squared_inverse_spacing() * edge**2
    assert np.any(np.abs(inverse - 8) < 1e-6) == reckoned
    assert np.any(np.abs(inverse - 4) < 1e-6)


def test_rates_below_one_are_told_from_counts_too():
    """Bends of 0.52 about means of 0.47/3 on the flat half."""
    gain, _ = refinement.count_variance(np.tile([0.07, 0.33], 21))
    assert gain == pytest.approx(0.52**2 / 6 / (0.47 / 3))


def test_the_unit_of_a_scale_says_nothing_about_a_line_of_no_phase():
    """Crystals of ten million times the strength have a scale far under one, and the same fit."""
    counts = peaks((3e3, 2e3), width=0.12) + foreign(40.45, 2e3, 0.08)
    shut = []
    for strength in (100.0, 1e9):
        fit = two(counts, 64.0, lines={"one": line(40.0, strength), "other": line(50.0, strength)}, degree=0)
        p = fit.start()
        p["width"].value = 0.12
        fit.visible = ("one", "other")
        fit.leave_out(p.valuesdict())
        shut.append(ANGLES[~fit.is_open])
    assert shut[0] == pytest.approx(shut[1])
    assert shut[0].max() == pytest.approx(40.95, abs=0.051)


def test_weights_to_start_from():
    """A mean of nine counts, and one more, so that an empty ground weighs, too."""
    counts = np.zeros(ANGLES.size)
    counts[200] = 90.0
    near = np.abs(np.arange(ANGLES.size) - 200) < 5
    assert two(counts).sigma ** 2 == pytest.approx(np.where(near, 11.0, 1.0))


def test_rates_come_back_in_their_own_unit():
    """Counts over 40 s: scale and pattern are rates, and misfit is that of the counts."""
    angle = np.arange(38.0, 66.0, 0.1)
    lines = powder_lines(PHASES["MgO"], 1.3e-10)
    clean = (
        30.0 * phase_pattern(angle, lines, Instrument(caglioti=(0.0, 0.0, 0.09))) / lines.strength.max()
        + 400.0
    )
    counts = np.random.default_rng(3).poisson(clean).astype(float)
    whole, rate = (
        refinement.fit_phase_fractions(angle, given, {"MgO": PHASES["MgO"]})
        for given in (counts, counts / 40)
    )
    assert rate.counts == pytest.approx(counts / 40)
    assert rate.pattern == pytest.approx(whole.pattern / 40, rel=0.02)
    assert rate.model.scales["MgO"] == pytest.approx(whole.model.scales["MgO"] / 40, rel=0.02)
    [said] = [sentence for sentence in rate.used if sentence.startswith("the numbers are no plain counts")]
    unit = float(said.split("one count is ")[1].split(" ")[0])
    assert rate.reduced_chi_square == pytest.approx(whole.reduced_chi_square / 40 / unit, rel=0.03)
