"""The steps of a refinement on phases of one line each, where every number can be had by hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from nbtools.structure import powder_refinement as refinement
from nbtools.structure.model_powder_pattern import (
    Instrument,
    PhaseState,
    PowderLines,
    RefinedPattern,
    phase_pattern,
)
from nbtools.structure.powder_refinement import PatternFit, caglioti

WAVELENGTH = 1.5e-10
SINGLE = Instrument(wavelengths=(WAVELENGTH,) * 2, ratio=0.0)
ANGLES = np.arange(35.0, 55.0, 0.05)


def line(place, strength=100.0, tilt=0.0):
    """A cubic phase with one line at `place` (degrees)."""
    spacing = WAVELENGTH / 2 / np.sin(np.radians(place / 2))
    return PowderLines(
        f"at {place}",
        forms=np.array([[1.0]]),
        cell=np.array([spacing**-2]),
        axes=("a",),
        strength=np.array([strength]),
        member=np.array([0]),
        share=np.array([1.0]),
        tilt=np.array([tilt]),
    )


def two(counts, variance=None, *, angle=ANGLES, lines=None, instrument=SINGLE, **more):
    """A fit of a phase with a line at 40° and of another with one at 50°."""
    lines = lines or {"one": line(40.0), "other": line(50.0)}
    spread = None if variance is None else np.broadcast_to(float(variance), angle.shape)
    return PatternFit(angle, np.asarray(counts, float), spread, lines, instrument, **more)


def peaks(heights, strains=(0.0, 0.0), width=refinement.COARSE_WIDTH, ground=60.0, zero=0.0):
    """Counts of the two lines with these heights, by the model of one width, on a flat ground."""
    instrument = replace(SINGLE, caglioti=caglioti(width, 0.0, 0.0), zero=zero)
    total = np.full(ANGLES.size, ground)
    for place, height, strain in zip((40.0, 50.0), heights, strains, strict=True):
        curve = phase_pattern(ANGLES, line(place), instrument, PhaseState((strain,)))
        total += height * curve / curve.max()
    return total


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("zero", -0.6, 0.6),
        ("ratio", -0.4, 1.4),
        ("mixing_0", -1.0, 2.0),
        ("mixing_1", -1.5, 1.5),
        ("breadth", -6.0, 6.0),
        ("slope_0", -6.0, 6.0),
        ("slope_1", -6.0, 6.0),
        ("size_1", -6.0, 6.0),
        ("texture_0", -3.0, 3.0),
        ("strain_0_a", -0.004, 0.004),
        ("width", 0.01, 2.4),  # a fifth of a step of 0.05°
    ],
)
def test_how_far_each_parameter_may_go(name, low, high):
    """Three σ to either side of what its weak term holds it at: e.g. ln r of a texture up to 3, so r to 20."""
    p = two(peaks((500, 300))).start()
    assert (p[name].min, p[name].max) == pytest.approx((low, high))
    assert p["width"].value == 0.5


def test_cells_are_found_from_afar():
    """Strains of tenths of each cell's reach are met exactly, and a width of the series from 0.03° to 1.2° in 15."""
    width = 0.03 * 40 ** (11 / 14)
    fit = two(peaks((9e3, 5e3), (0.0028, -0.003), width), reach={"other": 0.01})
    p = fit.start()
    fit.find(p)
    assert (p["strain_0_a"].value, p["strain_1_a"].value) == pytest.approx((0.7 * 0.004, -0.3 * 0.01))
    assert p["width"].value == pytest.approx(width)
    assert p["zero"].value == 0.0


@pytest.mark.parametrize(
    ("gain", "planted", "strain"),
    [(15.0, 0.0015, 0.0), (17.0, 0.0015, 0.0015), (17.0, 0.003, 0.003), (17.0, -0.003, -0.003)],
)
def test_a_weak_phase_leaves_its_cell_only_for_a_clear_gain(gain, planted, strain):
    """For 16 of χ², in steps of 0.05 % up to 0.3 %; its own width and texture are put back."""
    counts = peaks((9e3, 200), (0.0, planted))
    plain = two(counts, 1.0)
    values = plain.start().valuesdict()
    whole = plain.misfit(values) - plain.misfit(values | {"strain_1_a": planted})
    fit = two(counts, whole / gain)
    fit.visible = ("one",)
    p = fit.start()
    for name, value in (("strain_1_a", 0.001), ("size_1", 0.2), ("texture_1", 0.3), ("size_0", 0.0)):
        p[name].set(value=value, vary=True)
    fit.settle_weak(p)
    assert p["strain_1_a"].value == pytest.approx(strain)
    assert p["size_1"].value == p["texture_1"].value == 0.0
    assert {name for name in p if p[name].vary} == {"size_0"}


def linear(fit):
    """What enters linearly at the start, and the σ of each factor where every variance is one."""
    columns = fit.columns(fit.start().valuesdict())
    open_ones = columns[fit.is_open]
    return columns, np.sqrt(np.diag(np.linalg.inv(open_ones.T @ open_ones)))


@pytest.mark.parametrize(
    ("first", "second", "visible", "stands_out"),
    [
        (15.1, 14.9, ("one",), True),
        (14.9, 15.1, ("other",), True),
        (3.1, -20.0, (), True),
        (2.9, 2.9, (), False),
        (-16.0, 2.9, (), False),
    ],
)
@pytest.mark.parametrize("missed", [0.0, 0.9, 2.5])
def test_how_far_a_phase_stands_out(first, second, visible, stands_out, missed):
    """By its σ, or the misfit's where that is more: 15 for a cell of its own, 3 to be there at all."""
    fit = two(np.zeros(ANGLES.size), 1.0, degree=2)
    fit.is_open[ANGLES < 38] = False
    columns, sigma = linear(fit)
    noise = np.where(fit.is_open, np.cos(1.7 * np.arange(ANGLES.size) ** 1.5), 0.0)
    basis = np.linalg.qr(np.where(fit.is_open[:, None], columns, 0))[0]
    noise -= basis @ (basis.T @ noise)
    noise *= missed / np.sqrt(np.sum(noise**2) / np.sum(fit.is_open))
    factors = np.array([first, second, 0, 0, 0]) * sigma * max(missed, 1.0) + np.array([0, 0, 70, 9, 4])
    fit.counts = columns @ factors + noise
    fit.look(fit.start().valuesdict())
    assert fit.visible == visible and fit.stands_out is stands_out


def test_the_strongest_phase_has_the_largest_area():
    """Not the largest scale: a fifth of the scale with thirty times the strength is six times the area."""
    lines = {"one": line(50.0, 10.0), "other": line(40.0, 300.0)}
    fit = two(np.zeros(ANGLES.size), 1.0, lines=lines)
    columns, _ = linear(fit)
    fit.counts = columns @ np.array([50.0, 10.0, 40, 0, 0, 0, 0])
    fit.look(fit.start().valuesdict())
    assert fit.visible == ("other", "one")


@pytest.mark.parametrize(("gain", "degree"), [(3.8, 3), (4.2, 5)])
def test_two_more_terms_of_the_ground_must_gain_four(gain, degree):
    """AIC: χ² has to fall by two for each."""
    fit = two(np.zeros(ANGLES.size), 0.25)
    values = fit.start().valuesdict()
    columns = fit.columns(values, 15)
    basis = np.linalg.qr(columns)[0]
    base = columns[:, :6] @ np.array([30.0, 20.0, 900.0, 100.0, 40.0, 70.0])
    fit.counts = base + 0.5 * np.sqrt(gain) * basis[:, 7]
    fit.choose_background(values)
    assert fit.degree == degree


@pytest.mark.parametrize(("term", "degree"), [(0, 1), (1, 1), (8, 8), (15, 15)])
def test_degrees_of_the_ground(term, degree):
    """From a straight line to the fifteenth."""
    fit = two(np.zeros(ANGLES.size), 1.0)
    values = fit.start().valuesdict()
    fit.counts = fit.columns(values, 15) @ np.eye(18)[2 + term] * 500
    fit.choose_background(values)
    assert fit.degree == degree
    fit.degree = 4
    assert fit.columns(values).shape == (ANGLES.size, 7)


def test_what_no_line_says_comes_to_rest_where_its_weak_term_holds_it():
    """On a flat ground: Kα2 at half of Kα1, the profile half Lorentzian at every angle, no further displacement."""
    fit = two(np.full(ANGLES.size, 90.0), 1.0, instrument=replace(SINGLE, ratio=0.3))
    p = fit.start()
    start = {"ratio": 0.9, "mixing_0": 0.8, "mixing_1": 0.4, "breadth": 1.5, "zero": 0.2, "slope_1": 0.7}
    for name, value in start.items():
        p[name].set(value=value, vary=True)
    fit.converge(p, 1e-10)
    assert [p[name].value for name in start] == pytest.approx([0.5, 0.5, 0, 0, 0, 0], abs=1e-6)
    assert fit.settled


def test_data_and_weak_term_share_a_parameter():
    """A zero that a faint line would put at 0.15°: least of χ² and (zero/0.2°)² together."""
    fit = two(peaks((6.0, 4.0), zero=0.15), 60.0)
    p = fit.start()
    p["zero"].vary = True
    values = p.valuesdict()
    least = minimize_scalar(
        lambda zero: fit.misfit(values | {"zero": zero}) + (zero / 0.2) ** 2,
        bounds=(-0.6, 0.6),
        method="bounded",
        options={"xatol": 1e-9},
    )
    fit.converge(p, 1e-12)
    assert p["zero"].value == pytest.approx(least.x, rel=2e-3)
    assert 0.02 < least.x < 0.13


def test_a_minimisation_that_is_cut_short(monkeypatch):
    """It says so; so does the result, with the number of steps."""
    fit = two(peaks((9e3, 5e3), zero=0.15))
    p = fit.start()
    p["zero"].vary = True
    fit.visible = ("one", "other")
    fit.converge(p, 1e-10)
    assert fit.settled and p["zero"].value == pytest.approx(0.15, abs=1e-4)
    assert refinement._used(fit, p) == ("1.5000 Å, background of degree 4",)
    p["zero"].value = 0.0
    with monkeypatch.context() as patch:
        patch.setattr(refinement, "MOST_STEPS", 1)
        fit.converge(p, 1e-10)
    assert not fit.settled
    assert refinement._used(fit, p)[-1] == "the refinement was ended after 60 steps"
    p["zero"].vary = False
    fit.settled = True
    fit.converge(p, 1e-10)
    assert fit.settled


def test_slopes_are_those_of_the_pattern():
    """Of every kind of parameter, scales and ground held: central differences of the whole."""
    lines = {"one": line(40.0), "other": line(50.0, 150.0, tilt=0.6)}
    fit = two(
        peaks((9e3, 5e3)),
        30.0,
        lines=lines,
        instrument=replace(SINGLE, ratio=0.5),
        degree=3,
        textured=("other",),
    )
    values = fit.start().valuesdict() | {"slope_0": 0.2, "size_1": 0.3, "texture_1": 0.1, "breadth": 0.7}
    free = ["zero", "width", "slope_0", "mixing_0", "mixing_1", "breadth", "ratio"]
    free += ["strain_0_a", "strain_1_a", "size_1", "texture_1"]
    names, slopes = fit.jacobian(values, free)
    assert names == [*free, "scale_0", "scale_1", *(f"background_{k}" for k in range(4))]
    columns = fit.columns(values)
    assert np.array_equal(slopes[:, len(free) :], columns)
    factors = np.linalg.lstsq(columns, fit.counts, rcond=None)[0]
    for name, slope in zip(free, slopes.T, strict=False):
        ahead, behind = (
            fit.columns(values | {name: values[name] + step}) @ factors for step in (1e-5, -1e-5)
        )
        expected = (ahead - behind) / 2e-5
        assert slope == pytest.approx(expected, rel=1e-2, abs=3e-3 * np.abs(expected).max()), name
        assert np.abs(expected).max() > 1


@pytest.mark.parametrize(
    ("span", "left"),
    [(2.4, 51), (2.0, 0)],  # 51 points in a degree of steps of 0.02°
)
def test_lines_of_no_phase_may_not_take_half_of_a_pattern(span, left):
    """Where they would leave less than half of it nothing is left out."""
    step = 0.02
    angle = 46.0 + step * np.arange(-round(span / 2 / step), round(span / 2 / step) + 1)
    counts = 100 + 4e3 * np.exp(-(((angle - 46.0) / 0.08) ** 2))
    fit = two(counts, 100.0, angle=angle, lines={"one": line(40.0)}, degree=0)
    fit.leave_out(fit.start().valuesdict())
    assert np.sum(~fit.is_open) == pytest.approx(left, abs=1)
    if left:
        assert np.abs(angle[~fit.is_open] - 46.0).max() == pytest.approx(0.5, abs=0.011)


def rested(fit, values):
    """What `trust` reads the places of lines from."""
    states = {name: fit.state_at(values, name) for name in fit.lines}
    return RefinedPattern({}, fit.lines, states, fit.instrument_at(values), {}, np.zeros(1), (35.0, 55.0))


@pytest.mark.parametrize("beside", [-1e-3, 1e-3])
def test_from_where_a_misfit_is_more_than_counting(beside):
    """χ²ᵣ more than five of its own σ, √(2/ν), over one; ν counts the open points less all that is free."""
    fit = two(peaks((9e3, 5e3)), 30.0)
    fit.is_open[:50] = False
    p = fit.start()
    p["zero"].vary = p["width"].vary = True
    freedom = 350 - (2 + 2 + 5)
    wanted = 1 + 5 * np.sqrt(2 / freedom) + beside
    rest = np.sqrt(30.0 * wanted * freedom / 350) * np.where(np.arange(ANGLES.size) % 2, 1.0, -1.0)
    rest[:50] = 1e6
    scales = refinement.trust(fit, p, rest, rested(fit, p.valuesdict()))
    assert scales.chi_square == pytest.approx(wanted)
    assert scales.misses is (beside > 0)
    _, slopes = fit.jacobian(p.valuesdict(), ["zero", "width"])
    design = slopes[50:] / np.sqrt(30.0)
    sigma = np.sqrt(np.diag(np.linalg.inv(design.T @ design + np.diag([0.2**-2, 0, *[0] * 7]))))
    assert scales.counted == pytest.approx(sigma[2:4], rel=1e-6)
    if not scales.misses:
        assert np.sqrt(np.diag(scales.covariance)) == pytest.approx(sigma[2:4], rel=1e-6)
        assert [p[name].stderr for name in ("zero", "width")] == pytest.approx(sigma[:2], rel=1e-6)
    assert scales.values == pytest.approx(
        np.linalg.lstsq(slopes[50:, 2:], fit.counts[50:], rcond=None)[0][:2]
    )


def test_as_many_parameters_as_points():
    """One degree of freedom is left, not none."""
    fit = two(peaks((9e3, 5e3)), 30.0)
    fit.is_open[:] = np.arange(ANGLES.size) % 60 == 0
    rest = np.sqrt(30.0 * np.where(fit.is_open, 0.25, 9.0))
    scales = refinement.trust(fit, fit.start(), rest, rested(fit, fit.start().valuesdict()))
    assert scales.chi_square == pytest.approx(7 * 0.25)
