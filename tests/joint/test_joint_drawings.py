"""Figures of several techniques together: what stands on the axes, for results that are known."""

from dataclasses import replace

import numpy as np
import pytest
from artists import figure_of, millimetres
from artists import points as points_of
from numpy.testing import assert_allclose

from nbtools.display import style
from nbtools.joint import draw
from nbtools.joint.critical_current import CurrentPoints, JointCurrentStudy, fit_joint_current
from nbtools.joint.gaps import estimate_gaps
from nbtools.joint.lengths import PenetrationDepths
from nbtools.joint.resistivity import ResistivityBound
from nbtools.units import Quantity


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_currents_as_read_and_with_the_thermometer_moved():
    """In A cm⁻²; the moved points lie on the law, the others off by what their thermometer reads too much."""
    t = np.array([20.0, 25, 30, 33, 36])
    law = 1e10 * (1 - t / 38.5) ** 1.5
    late = np.array([30.0, 33, 35])
    points = {
        "loops": CurrentPoints(t, law),
        "profiles": CurrentPoints(late + 0.3, 1e10 * (1 - late / 38.5) ** 1.5, offset_uncertainty=0.4),
    }
    study = JointCurrentStudy(fit_joint_current(points, law="three-halves"), points)
    _, axes = style.new_figure(2)
    draw.critical_current(study, axes=axes)
    found = float(study.joint.offsets["profiles"])
    assert found == pytest.approx(0.3, abs=0.05)  # drawn to zero by what such a thermometer may be off
    for panel, moved in zip(axes, (0.0, found), strict=True):
        loops, profiles, line = panel.lines[0], panel.lines[1], panel.lines[-1]
        assert_allclose(loops.get_ydata(), law / 1e4)
        assert_allclose(loops.get_xdata(), t)
        bars = {label: half for label, _, _, half in points_of(panel)}
        assert_allclose(bars["profiles"], 0.0 if moved else 0.4)
        assert not bars["loops"].any()
        assert_allclose(profiles.get_xdata(), late + 0.3 - moved)
        assert line.get_xdata()[[0, -1]] == pytest.approx([2, float(study.joint.critical_temperature)])
        known = np.isfinite(line.get_ydata())
        there = np.interp(30.0, line.get_xdata()[known], line.get_ydata()[known])
        assert there == pytest.approx(1e6 * (1 - 30 / 38.5) ** 1.5, rel=0.01)
        assert panel.get_yscale() == "log"
        assert panel.get_ylim()[0] == pytest.approx(0.3 * law.min() / 1e4, rel=1e-6)
        assert panel.get_xlabel() == "temperature (K)" and "A cm" in panel.get_ylabel()
    assert labels(axes[0])[0] == "three-halves law" and set(labels(axes[0])[1:]) == {"loops", "profiles"}


@pytest.fixture
def bound():
    kelvin = np.linspace(30, 45, 151)
    rho = np.where(kelvin > 37, 1e-7, 1e-12)
    warm = np.array([36.9, 37.2, 37.5])
    return ResistivityBound(
        kelvin,
        rho,
        3e-10,
        warm,
        np.array([1e-12, 2e-11, 5e-11]),
        Quantity(36.9, 0.05, "K"),
        Quantity(37.5, 0.01, "K"),
    )


def test_the_measured_resistivity_above_the_noise_and_the_one_allowed(bound):
    """In µΩ cm, within the shown range; what lies under the noise is not drawn."""
    _, axes = style.new_figure()
    draw.resistivity_bound(bound, axes=axes)
    measured, noise, allowed = axes.lines
    assert_allclose(measured.get_ydata(), 1e-7 * 1e8)
    assert measured.get_xdata().min() > 37 and measured.get_xdata().max() < 40
    assert_allclose(noise.get_ydata(), 3e-10 * 1e8)
    assert_allclose(allowed.get_ydata(), [1e-4, 2e-3, 5e-3])
    assert_allclose(allowed.get_xdata(), bound.warm)
    assert labels(axes) == ["from R(T)", "noise of R", "most that χ′ allows"]
    assert axes.get_yscale() == "log" and axes.get_ylabel() == "ρ (µΩ cm)"


@pytest.mark.parametrize(
    ("warm", "shown"),
    [((37.2, 37.5), (36.1, 39.9)), ((34.0, 37.0), (33.1, 39.9)), ((37.2, 41.0), (36.1, 41.9))],
)
def test_the_shown_range_is_widened_to_the_points_of_screening(bound, warm, shown):
    """From 36 to 40 K, and a kelvin to either side of them."""
    measured = replace(bound, resistivity=np.full(151, 1e-7), warm=np.array(warm), allowed=np.ones(2))
    _, axes = style.new_figure()
    draw.resistivity_bound(measured, axes=axes)
    kelvin = axes.lines[0].get_xdata()
    assert (kelvin.min(), kelvin.max()) == pytest.approx(shown)
    assert axes.get_xlabel() == "temperature (K)"


def test_each_length_is_a_point_with_its_error_in_nanometres():
    """In the order of the routes, from above."""
    lengths = {"one": Quantity(77.7e-9, 0.5e-9, "m"), "two": Quantity(34.2e-9, 4e-9, "m")}
    _, axes = style.new_figure()
    draw.penetration_depths(PenetrationDepths(lengths), axes=axes)
    assert_allclose(np.array(axes.lines[0].get_xdata(), float), [77.7, 34.2])
    ends = np.array(axes.collections[0].get_segments())[:, :, 0]
    assert_allclose(ends, [[77.2, 78.2], [30.2, 38.2]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "two"]
    assert axes.get_xlabel() == "λ (nm)" and axes.get_ylim() == (1.5, -0.5) and axes.get_xlim()[0] == 0


def test_the_share_of_gaps_that_are_longer_and_how_far_a_metal_reaches():
    """Runs of 400 nm in plates; ξ_N from 37 to 5 K; what two voxels do not show is shaded."""
    phase = np.zeros((40, 16, 16), bool)
    phase[::10] = phase[1::10] = True
    study = estimate_gaps(phase, 50e-9, diffusivity=1e-4, fermi_velocity=5e5, span=(5.0, 37.0))
    _, axes = style.new_figure()
    draw.gaps(study, axes=axes)
    steps = axes.lines[0]
    assert_allclose(steps.get_xdata(), 400.0)
    share = steps.get_ydata()
    assert share[0] == 1 and share[-1] == pytest.approx(1 / share.size)
    spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches]
    # Two voxels of 50 nm; √(ħD/2πkT) and ħv/2πkT with D = 1 cm²/s, v = 5e5 m/s.
    assert_allclose(spans, [(0.1, 100.0), (1.813, 4.931), (16.43, 121.6)], rtol=1e-3)
    assert set(labels(axes)) == {
        "runs between MgB₂",
        "not seen: under two voxels",
        "dirty ξ_N, 37 to 5 K",
        "clean ξ_N, 37 to 5 K",
    }
    assert axes.get_xscale() == "log" and axes.get_xlabel() == "length (nm)"
    assert axes.get_ylabel() == "share that is longer" and axes.get_ylim() == (0, 1.02)
    assert axes.get_xlim()[0] == 0.5
    assert study.notes() == ["runs under 100 nm (2 voxels) are not seen"]
    found = {row.label: float(row.quantity) for row in study.rows()}
    assert found["half of the runs are longer than"] == 400e-9
    assert found["ξ_N at 37 K, dirty"] == pytest.approx(1.813e-9, rel=1e-3)
    assert found["ξ_N at 5 K, clean"] == pytest.approx(121.6e-9, rel=1e-3)


def test_figures_fill_a_column_or_two(monkeypatch, bound):
    """Width and height in mm; currents on two panels side by side."""
    kelvin = np.array([20.0, 25, 30, 33])
    points = {"loops": CurrentPoints(kelvin, 1e10 * (1 - kelvin / 38.5) ** 1.5)}
    phase = np.zeros((20, 16, 16), bool)
    phase[::10] = True
    results = {
        draw.critical_current: JointCurrentStudy(fit_joint_current(points, law="three-halves"), points),
        draw.resistivity_bound: bound,
        draw.penetration_depths: PenetrationDepths({"one": Quantity(77.7e-9, 0.5e-9, "m")}),
        draw.gaps: estimate_gaps(phase, 50e-9, diffusivity=1e-4, fermi_velocity=5e5, span=(5.0, 37.0)),
    }
    found = {}
    for drawing, result in results.items():
        figure = figure_of(monkeypatch, drawing, result)
        size = round(millimetres(figure)), round(float(figure.get_size_inches()[1] * 25.4))
        found[drawing.__name__] = (*size, len(figure.axes))
    assert found == {
        "critical_current": (178, 67, 2),
        "resistivity_bound": (86, 64, 1),
        "penetration_depths": (86, 55, 1),
        "gaps": (86, 62, 1),
    }
