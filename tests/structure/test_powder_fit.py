"""The refinement without noise: what was planted comes back exactly, and its σ is that of the algebra by hand."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from powder_worlds import PHASES

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
    assert (a, a.uncertainty) == pytest.approx((edge * 1.002, edge * p["strain_1_c"].stderr), rel=1e-5)
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
