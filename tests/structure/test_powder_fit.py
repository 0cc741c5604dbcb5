"""The refinement without noise: what was planted comes back exactly, and its σ is that of the algebra by hand."""

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from powder_worlds import PHASES
from scipy.stats import norm
from scipy.stats import t as student

from nbtools.results import NotPossible
from nbtools.structure import powder_refinement as refinement
from nbtools.structure.model_powder_pattern import (
    Instrument,
    PhaseState,
    line_width,
    phase_pattern,
    powder_lines,
    scattering_mass,
)
from nbtools.structure.powder_refinement import (
    PatternFit,
    caglioti,
    count_variance,
    fit_phase_fractions,
    lines_of_none,
    lines_text,
    read_arrays,
    weak_sigma,
)

ANGLES = np.arange(30.0, 66.001, 0.06)
MEDIUM = Instrument(zero=0.03, ratio=0.5, caglioti=(0.02, -0.01, 0.06), mixing=(0.4, 0.1))
WEIGHTS = {"MgO": 0.7, "MgB2": 0.3}
STATES = {"MgO": PhaseState((1e-3,)), "MgB2": PhaseState((-5e-4, 2e-3), size=0.02, texture=0.8)}


def planted(counts=2e5, **more):
    """Counts of MgO and of textured, finer MgB2 by the model itself, on a sloping ground."""
    total = np.zeros(ANGLES.size)
    for name, weight in WEIGHTS.items():
        lines = powder_lines(PHASES[name], 1.2e-10, axis=(0, 0, 1) if name == "MgB2" else None)
        curve = phase_pattern(ANGLES, lines, MEDIUM, replace(STATES[name], **more))
        total += weight / scattering_mass(PHASES[name]) * curve
    return counts * total / total.max() + counts / 50 * (1.5 - ANGLES / 100)


@pytest.fixture(scope="module")
def found():
    two = {name: PHASES[name] for name in WEIGHTS}
    clean = planted(displacement=0.5e-20)
    return fit_phase_fractions(ANGLES, clean, two, variance=clean, texture={"MgB2": (0, 0, 1)})


def test_the_model_of_its_own_pattern_comes_back(found):
    """Zero, cells, widths, profile, strength of Kα2, size, texture and displacement, each to the weak term's pull."""
    p = found.parameters.valuesdict()
    assert p["zero"] == pytest.approx(0.03, abs=5e-6)
    assert p["strain_0_a"] == pytest.approx(1e-3, abs=2e-7)
    assert [p["strain_1_a"], p["strain_1_c"]] == pytest.approx([-5e-4, 2e-3], abs=5e-7)
    assert found.texture("MgB2") == pytest.approx(0.8, abs=5e-5)
    instrument = found.model.instrument
    half = np.array([36.0, 50.0, 62.0])
    assert line_width(half, instrument.caglioti) == pytest.approx(line_width(half, MEDIUM.caglioti), rel=1e-4)
    assert instrument.ratio == pytest.approx(0.5, abs=5e-5)
    first, rising = instrument.mixing
    assert first + rising * half / 100 == pytest.approx(0.4 + half / 1000, abs=2e-4)
    assert p["size_1"] * p["width"] ** 2 == pytest.approx(0.02, rel=2e-3)
    assert p["breadth"] == pytest.approx(0.5, abs=5e-4)
    assert found.rwp < 2e-4 and found.reduced_chi_square < 0.01


def test_the_weights_come_back_with_the_refined_cells(found):
    """Scale × ZMV, ZMV with the cell as it is now."""
    masses = {name: (1 + 1e-3) ** 3 for name in ("MgO",)} | {"MgB2": (1 - 5e-4) ** 2 * (1 + 2e-3)}
    parts = {name: WEIGHTS[name] * masses[name] for name in WEIGHTS}
    for name, share in parts.items():
        assert found.weight_fractions[name] == pytest.approx(share / sum(parts.values()), rel=1e-4)
    assert found.background == pytest.approx(4e3 * (1.5 - ANGLES / 100), rel=5e-4)
    assert found.pattern == pytest.approx(found.background + sum(found.components.values()), rel=1e-9)


def test_sigma_is_that_of_the_curvature(found):
    """Of every free parameter and scale: the inverse of JᵀWJ plus the weak terms, J by central differences."""
    p = found.parameters
    two = {name: PHASES[name] for name in WEIGHTS}
    lines = refinement._lines(two, ANGLES, MEDIUM, {"MgB2": (0, 0, 1)})
    counts = found.counts
    fit = PatternFit(
        ANGLES,
        counts,
        counts,
        lines,
        Instrument(),
        textured=("MgB2",),
        degree=found.model.coefficients.size - 1,
    )
    free = [name for name in p if p[name].vary]
    values = p.valuesdict()

    def curve(moved):
        return fit.columns(moved) @ np.array([*found.model.scales.values(), *found.model.coefficients])

    step = 1e-7  # small, so that no far tail of a line begins or ends within it
    columns = [
        (curve({**values, name: values[name] + step}) - curve({**values, name: values[name] - step}))
        / (2 * step)
        for name in free
    ]
    design = np.column_stack([*columns, fit.columns(values)]) / np.sqrt(counts)[:, None]
    weak = np.zeros(design.shape[1])
    weak[: len(free)] = [weak_sigma(name) ** -2.0 for name in free]
    scale = 1 / np.sqrt(np.sum(design**2, axis=0) + weak)
    normal = (design * scale).T @ (design * scale) + np.diag(weak * scale**2)
    covariance = np.linalg.inv(normal) * np.outer(scale, scale)
    sigma = np.sqrt(np.diag(covariance))
    stated = np.array([p[name].stderr for name in free])
    assert stated == pytest.approx(sigma[: len(free)], rel=2e-3)
    n = len(free)
    assert found.covariance == pytest.approx(covariance[n : n + 2, n : n + 2], rel=2e-3)
    scales = np.array(list(found.model.scales.values()))
    assert list(found.significance.values()) == pytest.approx(scales / sigma[n : n + 2], rel=2e-3)
    a = found.lattices["MgB2"]["c"]
    edge = PHASES["MgB2"].lengths[2]
    assert (a, a.uncertainty) == pytest.approx((edge * 1.002, edge * p["strain_1_c"].stderr), rel=1e-5, abs=0)
    texture = found.texture("MgB2")
    assert texture.uncertainty == pytest.approx(texture * p["texture_1"].stderr)
    assert found.texture("MgO") == 1 and found.texture("MgO").uncertainty == 0


def test_what_is_said_of_a_refinement(found):
    """Rows in their order, the ratio of formula units, cells in ångström; misfit and what the method cannot see."""
    labels = [(row.label, row.name, row.shown) for row in found.rows()]
    assert labels == [
        ("MgO by weight", "weight_fraction_MgO", "%"),
        ("MgB2 by weight", "weight_fraction_MgB2", "%"),
        ("MgO by volume", "volume_fraction_MgO", "%"),
        ("MgB2 by volume", "volume_fraction_MgB2", "%"),
        ("MgO : MgB2", "molar_ratio_MgO_MgB2", ""),
        ("MgO, a", "cell_a_MgO", "angstrom"),
        ("MgB2, a", "cell_a_MgB2", "angstrom"),
        ("MgB2, c", "cell_c_MgB2", "angstrom"),
        ("texture of MgB2", "texture_MgB2", ""),
    ]
    moles = {name: found.weight_fractions[name] / PHASES[name].molar_mass for name in WEIGHTS}
    assert found.molar_ratio("MgO", "MgB2") == pytest.approx(float(moles["MgO"] / moles["MgB2"]))
    assert found.notes()[0].startswith(
        f"R_wp = {found.rwp:.1%}, counting alone {found.expected_rwp:.1%}; χ²ᵣ = 0.00"
    )
    assert found.used == ("1.5406 Å, background of degree 1",) and found.doubts == {} and found.missed == []
    assert len([note for note in found.notes() if note.startswith("not visible to this: ")]) == 3
    weighted = np.sum(found.counts)  # of counts² over the variance, which is the counts
    freedom = ANGLES.size - 2 - found.model.coefficients.size - sum(q.vary for q in found.parameters.values())
    assert found.expected_rwp == pytest.approx(np.sqrt(freedom / weighted), rel=1e-6)


def test_widths_at_their_middle():
    """FWHM² of W there, its relative slope and curvature in tanθ at tanθ = ½."""
    u, v, w = caglioti(0.2, 0.3, 0.5)
    at = lambda t: u * t**2 + v * t + w  # noqa: E731
    assert at(0.5) == pytest.approx(0.04)
    assert (at(0.5 + 1e-6) - at(0.5 - 1e-6)) / 2e-6 == pytest.approx(0.3 * 0.04, rel=1e-6)
    assert u == pytest.approx(0.04 * 0.5)


def test_weak_terms_hold_a_parameter_by_its_name_or_its_kind():
    """The zero by 0.2°, any strain by a percent, U by its own; the width by nothing."""
    assert weak_sigma("zero") == 0.2 and weak_sigma("strain_1_c") == 0.01
    assert weak_sigma("slope_1") == weak_sigma("slope_0") == 2.0 and weak_sigma("width") == np.inf


def test_what_one_count_is_worth():
    """Whole numbers are counts; the scatter of rates gives their unit, on the flat part, whatever the peak does."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(np.where(np.abs(np.arange(4000) - 2000) < 50, 50_000.0, 400.0)).astype(float)
    assert count_variance(counts) == (1.0, ())
    gain, said = count_variance(counts / 40 + 1e-9)
    assert gain == pytest.approx(1 / 40, rel=0.08)
    assert said == (f"the numbers are no plain counts: one count is {gain:.3g} by their scatter",)
    assert count_variance(counts * 1.5 + 1e-3) == (1.0, ())  # within a factor of two
    assert count_variance(counts / 1.5 + 1e-3) == (1.0, ())
    for unit in (2.3, 1 / 2.3):
        assert count_variance(unit * counts + 1e-3)[0] == pytest.approx(unit, rel=0.08)
    assert count_variance(np.full(100, 7.5)) == (1.0, ())
    assert count_variance(np.array([0.5, 1, 2, 8])) == (1.0, ())
    gain, _ = count_variance(np.tile([3.5, 16.5], 21))  # on the flat half: bends of 26 at a mean of 23.5/3
    assert gain == pytest.approx(26**2 / 6 / (23.5 / 3))
    assert count_variance(np.tile([3.5, 16.5], 10)) == (1.0, ())  # nine such places are too few


def test_arrays_in_rising_order():
    """Angles, counts and variances stay together; fewer than 50 or more than two million points are refused."""
    angle, counts = np.linspace(60, 20, 50), np.arange(50.0)
    one, two, three = read_arrays(angle, counts, counts + 1)
    assert (
        np.all(np.diff(one) > 0) and two.tolist() == counts[::-1].tolist() and np.array_equal(three, two + 1)
    )
    assert read_arrays(angle, counts, None)[2] is None
    for bad, text in (
        ((angle[:49], counts[:49], None), "49 angles and 49 counts came; equally many, from 50 to 2,000,000"),
        ((angle, counts, np.ones(49)), "50 angles and 50 counts"),
        ((angle - 20, counts, None), "2θ from 0 to 40 came"),
        ((angle * 3, counts, None), "2θ from 60 to 180 came"),
        ((angle / 20, counts, None), "2θ ends at 3: these look like radians"),
        ((np.where(angle < 21, 20.0, angle), counts, None), "1 angles stand twice"),
        ((angle, np.where(counts < 2, -1, counts), None), "2 counts are below zero"),
        ((angle, np.where(counts < 2, np.nan, counts), None), "2 of 50 values of counts are not finite"),
        ((angle, np.full(50, 7.0), None), "all counts are 7"),
    ):
        with pytest.raises(NotPossible, match=text):
            read_arrays(*bad)
    assert read_arrays(angle / 19, counts, None)[0][-1] == pytest.approx(60 / 19)  # 3.158°, just over π


def test_lines_that_no_phase_explains():
    """Two Gaussians in the rest: their places, the stronger first, their area; not at a phase's line, nor small."""
    angle = np.arange(20.0, 60.0, 0.02)
    peak = lambda at, high: high * np.exp(-(((angle - at) / 0.1) ** 2))  # noqa: E731
    net, sigma, none = (
        peak(30, 500) + peak(45, 900) + peak(52, 30),
        np.full(angle.size, 20.0),
        np.zeros((0, 2)),
    )
    nothing = np.zeros(angle.size)
    places, area = lines_of_none(angle, net, sigma, nothing, none)
    assert places == pytest.approx([45, 30], abs=0.021)
    assert area == pytest.approx(1400 * 0.1 * np.sqrt(np.pi) / 0.02, rel=1e-3)
    own = np.array([[44.5, 45.5], [10, 11]])
    assert lines_of_none(angle, net, sigma, nothing, own)[0] == pytest.approx([30], abs=0.021)
    beside = peak(30.4, 2600)  # of an explained line a profile may miss a fifth
    assert lines_of_none(angle, net, sigma, beside, none)[0] == pytest.approx([45], abs=0.021)
    assert len(lines_of_none(angle, net, sigma, 0.85 * beside, none)[0]) == 2
    assert (
        len(lines_of_none(angle, peak(30, 52), sigma, nothing, none)[0]) == 1
    )  # 5 σ of a mean of five points
    assert lines_of_none(angle, peak(30, 42), sigma, nothing, none) == ([], 0)


def test_lines_by_angle_and_spacing():
    """λ/2 sinθ in ångström."""
    assert lines_text([60.0], Instrument()) == "the line at 60.00° (1.541 Å)"
    assert lines_text([60.0, 90.0], Instrument()) == "the lines at 60.00° (1.541 Å), 90.00° (1.089 Å)"


def test_each_line_left_out_by_hand():
    """Of two parameters that two lines carry alone, each moves by its own residual over its own weight."""
    design = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 2.0], [0.0, 1.0]])
    information = design.T @ design + np.diag([1.0, 1.0])  # with a weak term, so that one line can go
    scored = np.array([0.3, 0.1, 0.4, 0.2])
    moves = refinement._without_each_line(design, information, scored, np.array([0, 2]))
    assert moves == pytest.approx(np.array([[0.4, 0.0], [0.0, 1.0]]))


def test_lines_begin_half_way_between(found):
    """From the first point on; those nearer than two widths are one, those outside the pattern none."""
    fit = PatternFit(ANGLES, found.counts, None, {n: found.model.lines[n] for n in WEIGHTS}, Instrument())
    starts = refinement._line_starts(fit, found.model, 0.3)
    places = np.sort(np.concatenate([found.model.line_positions(n) for n in WEIGHTS]))
    places = places[(places > 30) & (places < ANGLES[-1])]
    ends = [(a + b) / 2 for a, b in pairwise(places) if b - a > 0.6]
    assert ANGLES[starts[1:]] == pytest.approx(ends, abs=0.061) and starts[0] == 0
    assert len(refinement._line_starts(fit, found.model, 50.0)) == 1


@pytest.fixture(scope="module")
def missing():
    """The same powder refined without its texture, and with magnesium, which is not in it."""
    clean = planted(counts=2e4)
    return fit_phase_fractions(ANGLES, clean, PHASES, variance=clean)


def test_sigma_where_the_model_misses_the_pattern(missing):
    """Each line left out, all solved anew to first order; Student's t of as many lines; at least √χ²ᵣ of counting."""
    p, names = missing.parameters, list(missing.names)
    lines = refinement._lines(PHASES, ANGLES, missing.model.instrument, {})
    degree = missing.model.coefficients.size - 1
    fit = PatternFit(ANGLES, missing.counts, missing.counts, lines, Instrument(), degree=degree)
    free = [name for name in p if p[name].vary]
    _, slopes = fit.jacobian(p.valuesdict(), free)
    design, scored = slopes * fit.weight[:, None], (missing.counts - missing.pattern) * fit.weight
    freedom = ANGLES.size - design.shape[1]
    chi_square = np.sum(scored**2) / freedom
    assert missing.reduced_chi_square == pytest.approx(chi_square, rel=1e-6) and missing.misses
    assert missing.rwp == pytest.approx(
        np.sqrt(np.sum(scored**2) / np.sum((missing.counts * fit.weight) ** 2))
    )
    weak = np.diag([*(weak_sigma(name) ** -2.0 for name in free), *[0.0] * (design.shape[1] - len(free))])
    whole = np.linalg.inv(design.T @ design + weak)
    starts = refinement._line_starts(fit, missing.model, p["width"].value)
    blocks = np.split(np.arange(ANGLES.size), starts[1:])
    moves = np.array(
        [
            np.linalg.solve(np.linalg.inv(whole) - design[b].T @ design[b], design[b].T @ scored[b])
            for b in blocks
        ]
    )
    spread = np.sqrt(np.sum(moves**2, axis=0) * (len(blocks) - 1) / len(blocks))
    carried = np.array([np.sum((design[b] @ whole) ** 2, axis=0) for b in blocks])
    behind = carried.sum(axis=0) ** 2 / np.sum(carried**2, axis=0) - 1
    sigma = np.maximum(
        student.ppf(norm.cdf(1), np.maximum(behind, 1)) * spread, np.sqrt(chi_square * np.diag(whole))
    )
    of_scales = sigma[len(free) : len(free) + len(names)]
    assert np.sqrt(np.diag(missing.covariance)) == pytest.approx(of_scales, rel=1e-3)
    assert [p[name].stderr for name in free] == pytest.approx(sigma[: len(free)], rel=1e-3)
    assert "the model misses the pattern: σ is widened by that misfit" in missing.notes()


def test_a_phase_that_does_not_show(missing):
    """Its cell is its CIF's with no error; it is a limit among the rows, and said."""
    assert "Mg" not in missing.detected and missing.doubts == {}
    cell = missing.lattices["Mg"]
    assert [cell["a"], cell["c"]] == [PHASES["Mg"].lengths[0], PHASES["Mg"].lengths[2]]
    assert cell["a"].uncertainty == 0
    [row] = [row for row in missing.rows() if row.label == "Mg by weight, under"]
    assert row.quantity == missing.upper_limits["Mg"] and row.how == "95 %, unified interval; not detected"
    assert "Mg: cell of its CIF, width of the strongest phase, being too weak to say" in missing.used
    assert not [row for row in missing.rows() if row.label.startswith(("texture", "Mg, "))]
    with_mass = missing.with_densities({"Mg": 1.0, "MgO": 1e9})
    assert with_mass.volume_fractions["MgO"] < 1e-3 and with_mass.density_choice == {"Mg": 1.0, "MgO": 1e9}


def bare(counts, **more):
    names = list(WEIGHTS)
    lines = {name: powder_lines(PHASES[name], 1.2e-10) for name in names}
    return PatternFit(ANGLES, counts, None, lines, Instrument(), **more)


def test_weights_of_a_pattern():
    """Of plain counts the model's variance, with a floor; no weight where a line of no phase stands."""
    fit = bare(np.full(ANGLES.size, 100.0))
    assert fit.sigma == pytest.approx(np.sqrt(101.0))
    fit.weigh(np.where(ANGLES < 40, 0.0, 5000.0))
    mean = 5000.0 * np.mean(ANGLES >= 40)
    assert fit.sigma[0] ** 2 == pytest.approx(1e-4 * mean) and fit.sigma[-1] ** 2 == pytest.approx(5000)
    fit.weigh(np.zeros(ANGLES.size))
    assert fit.sigma**2 == pytest.approx(0.2)
    fit.is_open[:10] = False
    assert fit.weight[9] == 0 and fit.weight[10] == pytest.approx(1 / np.sqrt(0.2))


def test_where_a_refinement_starts_and_how_far_it_may_go():
    """At rest, within three σ of the weak terms and the reach of each cell; widths up to twice the widest."""
    p = bare(planted(), reach={"MgB2": 0.012}).start()
    assert not any(parameter.vary for parameter in p.values())
    assert (p["zero"].value, p["zero"].min, p["zero"].max) == pytest.approx((0, -0.6, 0.6))
    assert (p["ratio"].value, p["ratio"].min, p["ratio"].max) == pytest.approx((0.5, -0.4, 1.4))
    assert (p["strain_0_a"].min, p["strain_0_a"].max) == (-0.004, 0.004)
    assert (p["strain_1_c"].min, p["strain_1_c"].max) == (-0.012, 0.012)
    assert (p["width"].min, p["width"].max) == pytest.approx((0.2 * 0.06, 2.4))
    assert p["slope_0"].value == p["mixing_1"].value == p["texture_1"].value == p["size_0"].value == 0.0
    assert [p[name].value for name in ("mixing_0", "breadth", "texture_0", "size_1")] == [0.5, 0, 0, 0]


def test_what_is_let_go_and_in_which_order():
    """Shared ones by name, one of each visible phase by kind; the strongest phase sets the width."""
    fit = bare(planted(), textured=("MgB2",))
    p = fit.start()
    fit.visible = ("MgO", "MgB2")
    fit.release(p, "zero", "size", "texture", "ratio", "strain")
    assert {name for name in p if p[name].vary} == {
        *("zero", "ratio", "size_1", "texture_1", "strain_0_a", "strain_1_a", "strain_1_c")
    }
    alone = replace(fit, instrument=Instrument(ratio=0.0))
    alone.visible = ("MgB2",)
    q = alone.start()
    alone.release(q, "ratio", "strain", "size")
    assert {name for name in q if q[name].vary} == {"strain_1_a", "strain_1_c"}


def test_a_scan_takes_the_best_if_it_is_worth_it():
    """The nearest of the values by χ², and none for less than was asked."""
    fit = bare(planted())
    p = fit.start()
    p["width"].value, p["strain_0_a"].value = 0.25, 1e-3
    before = fit.misfit(p.valuesdict())
    fit.scan(p, ["zero"], np.array([-0.1, 0.03, 0.1]), worth=10 * before)
    assert p["zero"].value == 0.0
    fit.scan(p, ["zero"], np.array([-0.1, 0.03, 0.1]))
    assert p["zero"].value == 0.03 and fit.misfit(p.valuesdict()) < before


def test_a_pattern_in_wider_steps():
    """Means of as many points as make some fifteen hundred of them; what is left over is left out."""
    counts = np.arange(3101.0)
    angle = np.linspace(20, 60, 3101)
    fit = PatternFit(angle, counts, counts + 1, {}, Instrument(), degree=3)
    thin = fit.thinned()
    assert thin.two_theta.size == 1550 and thin.counts[:2].tolist() == [0.5, 2.5] and thin.degree == 3
    assert thin.two_theta[0] == pytest.approx(angle[:2].mean()) and thin.variance is None


def test_which_phases_stand_out():
    """By their area, the strongest first; one of 15 σ or less has no cell of its own, one of 3 stands out."""
    fit = bare(planted())
    p = fit.start()
    p["width"].value = 0.25
    fit.look(p.valuesdict())
    assert fit.visible == ("MgO", "MgB2") and fit.stands_out
    flat = bare(np.full(ANGLES.size, 100.0) + np.arange(ANGLES.size) % 2)
    flat.look(p.valuesdict())
    assert flat.visible == () and not flat.stands_out


def test_lines_of_no_phase_are_left_out_of_the_fit():
    """Half a degree on either side of one, but not where a line of the phases stands."""
    extra = 3e4 * np.exp(-(((ANGLES - 48.0) / 0.1) ** 2))
    fit = bare(planted() + extra)
    p = fit.start()
    p["width"].value, p["zero"].value = 0.25, 0.03
    p["strain_0_a"].value = 1e-3
    fit.look(p.valuesdict())
    fit.leave_out(p.valuesdict())
    left = ANGLES[~fit.is_open]
    own = fit.own_lines(p.valuesdict(), fit.visible)
    assert not np.any((left[:, None] > own[:, 0]) & (left[:, None] < own[:, 1]))
    assert abs(left - 48.0).max() <= 0.53 and abs(left - 48.0).min() < 0.06 and left.size >= 14


def test_how_far_a_line_is_a_phases_own():
    """One and a half widths to either side, and as far as another cell would move it; of both wavelengths."""
    fit = bare(planted())
    p = fit.start().valuesdict() | {"width": 0.2, "zero": 0.1, "size_1": 0.5}
    for name, size in (("MgO", 0.0), ("MgB2", 0.5)):
        inverse = fit.lines[name].squared_inverse_spacing()
        for cell in (0.0, 0.01):
            found = fit.own_lines(p, [name], cell)
            ends = []
            for wavelength in Instrument().wavelengths:
                sine = wavelength * np.sqrt(inverse[inverse > 0]) / 2
                half = np.arcsin(sine[sine < 1])
                away = 1.5 * np.sqrt(0.04 + 0.04 * size / np.cos(half) ** 2) + np.degrees(
                    2 * np.tan(half) * cell
                )
                ends += [
                    *zip(np.degrees(2 * half) + 0.1 - away, np.degrees(2 * half) + 0.1 + away, strict=True)
                ]
            assert np.sort(found, axis=0) == pytest.approx(np.sort(np.array(ends), axis=0))
    assert fit.own_lines(p, []).shape == (0, 2)


@pytest.mark.parametrize(
    ("value", "stderr", "word"),
    [
        (0.096, 0.01, True),
        (0.004, 0.01, True),
        (0.094, 0.01, False),
        (0.098, 0.001, False),
        (0.1, None, True),
    ],
)
def test_a_parameter_at_its_bound(value, stderr, word):
    """Nearer than its own σ, or than a twentieth of its range where that is less."""
    assert refinement._at_its_bound(SimpleNamespace(value=value, stderr=stderr, min=0.0, max=0.1)) is word


def test_a_phase_in_doubt():
    """A cell at the end of its reach is another crystal; lines may be weaker than their structure says."""
    fit = bare(planted(), reach={"MgO": 0.01})
    p = fit.start()
    assert refinement._doubt(fit, p, "MgO", 5.0) == ""
    assert "not as strong as its structure says" in refinement._doubt(fit, p, "MgO", 2.9)
    p["strain_0_a"].set(value=-0.01, vary=True)
    assert refinement._doubt(fit, p, "MgO", 5.0).startswith("its cell would be -1.0 % off its CIF")


def test_the_strongest_lines_beside_the_phases():
    """By the places in the CIFs, over a ground of three degrees' medians."""
    extra = 3e4 * np.exp(-(((ANGLES - 48.0) / 0.1) ** 2)) + 2e4 * np.exp(-(((ANGLES - 58.0) / 0.1) ** 2))
    found = refinement.lines_beside(bare(planted() + extra), ["MgO", "MgB2"])
    assert found[:2] == pytest.approx([48.0, 58.0], abs=0.061)
    assert len(refinement.lines_beside(bare(planted() + extra), [])) == 5


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (36.90, 42.5, ""),  # MgO's 111 stands at 36.94° of Kα1
        (37.02, 42.5, ""),  # and at 37.03° of Kα2
        (37.06, 42.5, "no line between 37.06° and 42.5°"),
        (38.0, 42.95, ""),  # 200 at 42.92°
        (38.0, 42.88, "no line between 38° and 42.88° at 1.5406 Å"),
    ],
)
def test_a_range_without_a_line_of_a_phase(low, high, said):
    """Of either wavelength one line must lie between the ends."""
    angle = np.linspace(low, high, 60)
    ask = {"MgO": PHASES["MgO"]}, angle, refinement.Instrument(), {}
    if not said:
        assert list(refinement._lines(*ask)) == ["MgO"]
        return
    with pytest.raises(NotPossible, match=said):
        refinement._lines(*ask)
