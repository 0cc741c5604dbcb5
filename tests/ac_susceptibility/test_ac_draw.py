"""Figures of ac susceptibility by their data: what lies on the axes, in which unit, under which name."""

from types import SimpleNamespace

import numpy as np
import pytest
from artists import figure_of, legend, lines, millimetres, points, texts, unnamed, widths

from nbtools.ac_susceptibility import draw
from nbtools.display import style
from nbtools.physics.ac_response import eddy_susceptibility
from nbtools.physics.bean_state import bean_susceptibility
from nbtools.physics.creep import creep_susceptibility
from nbtools.units import Quantity

OERSTED, EMU = 1e3 / (4 * np.pi), 1e-3  # in A/m and A m²
T = np.linspace(34.0, 39.0, 11)


def curve(oersted=1.0, hertz=333.0, shift=0.0, **more):
    """χ′ that falls in a straight line from 0 at 38 K to −1 at 35 K, with a loss that is a tenth of it."""
    real = np.clip((T - 38 - shift) / 3, -1, 0)
    given = {"amplitude": oersted * OERSTED, "frequency": hertz, "temperature": T}
    return SimpleNamespace(**{**given, "in_phase": real, "out_of_phase": -0.1 * real, **more})


def study(*curves, unit="A/m"):
    shown = curves or (curve(0.1), curve(10.0))
    return SimpleNamespace(
        of_amplitudes=lambda: list(shown),
        by_amplitude=list(shown),
        unit=unit,
        drive=lambda c: f"{c.amplitude:.2g} A",
    )


def test_curves_over_temperature():
    """Both parts as they are, by amplitude in Oe; half a kelvin beyond where anything moves."""
    _, panels = style.new_figure(2)
    draw.curves(study(), axes=panels)
    assert legend(panels[0]) == ["0.1 Oe", "10 Oe"] and legend(panels[1]) == []
    for axes, values in zip(panels, (curve().in_phase, curve().out_of_phase), strict=True):
        t, drawn = lines(axes)["10 Oe"]
        assert t == pytest.approx(T) and drawn == pytest.approx(values)
        assert unnamed(axes)[0][1] == pytest.approx([0, 0])
        # From −0.97 to −0.02 lie the points of 35.5 to 37.5 K.
        assert axes.get_xlim() == pytest.approx((35.0, 38.0)) and axes.get_xlabel() == "temperature (K)"
    assert "χ′" in panels[0].get_ylabel() and "χ″" in panels[1].get_ylabel()


def test_amplitudes_in_si_and_drives_that_are_no_fields():
    """A/m; of a coil whose field is not known its current, and no loss where none was recorded."""
    _, panels = style.new_figure(2)
    draw.curves(study(curve(10.0)), axes=panels, units="SI")
    assert legend(panels[0]) == ["795.8 A/m"]
    _, panels = style.new_figure(2)
    draw.curves(study(curve(10.0, amplitude=5e-3, out_of_phase=None), unit="A"), axes=panels)
    assert legend(panels[0]) == ["0.005 A"] and not lines(panels[1])


def test_frequencies_are_named_in_hertz():
    """Of one amplitude."""
    _, panels = style.new_figure(2)
    draw.frequencies(SimpleNamespace(curves=[curve(hertz=10.0), curve(hertz=1000.0)]), axes=panels)
    assert legend(panels[0]) == ["10 Hz", "1000 Hz"]


def rectangle(part="χ'", closure=2e-3):
    """A at 37 K, B 0.2 K and D 0.202 K lower; from −0.5 to −0.2."""
    corners, levels = (37.0, 36.8, 36.798), (-0.5, -0.2)
    return SimpleNamespace(part=part, corners=corners, levels=levels, closure=Quantity(closure, 1e-3, "K"))


def test_a_rectangle_lies_on_its_curves():
    """B, A, C, D at their temperatures and levels; T_B − T_D in mK with its σ, both parts apart."""
    first, second = rectangle(), rectangle("χ''", -4e-3)
    test = SimpleNamespace(rectangles=[first, second], central=first, reason="")
    _, panels = style.new_figure(2)
    draw.rectangles(test, study(), axes=panels)
    outline, closing, zero = unnamed(panels[0])
    assert outline[0] == pytest.approx([36.8, 37.0, 37.0, 36.798])
    assert outline[1] == pytest.approx([-0.5, -0.5, -0.2, -0.2])
    assert closing[0] == pytest.approx([36.8, 36.798]) and closing[1] == pytest.approx([-0.5, -0.2])
    assert zero[1] == pytest.approx([0, 0])
    corners = {text.get_text(): text.xy for text in panels[0].texts}
    assert corners == {"A": (37.0, -0.5), "B": (36.8, -0.5), "C": (37.0, -0.2), "D": (36.798, -0.2)}
    sets = {label: (t[0], y[0], sigma[0]) for label, t, y, sigma in points(panels[1])}
    assert sets["χ′"] == pytest.approx((37, 2, 1)) and sets["χ″"] == pytest.approx((37, -4, 1))
    assert panels[1].get_ylabel() == r"$T_B - T_D$ (mK)" and legend(panels[1]) == ["χ′", "χ″"]
    assert unnamed(panels[1])[0][1] == pytest.approx([0, 0])
    assert panels[0].get_xlim() == pytest.approx((35.0, 38.0))


def test_where_no_rectangle_is_the_reason_stands():
    """And the curves alone."""
    _, panels = style.new_figure(2)
    draw.rectangles(SimpleNamespace(rectangles=[], reason="one amplitude"), study(), axes=panels)
    assert texts(panels[1]) == ["no rectangle: one amplitude"] and not texts(panels[0])
    assert panels[1].texts[0].get_position() == (0.5, 0.5)
    assert len(unnamed(panels[0])) == 1


def test_power_against_the_error_of_the_thermometer():
    """In mK, with the level that is asked for."""
    found = SimpleNamespace(errors=np.array([1e-3, 1e-2]), powers={"creep": [0.9, 0.4], "linear": [1.0, 0.7]})
    _, axes = style.new_figure()
    draw.power(found, axes=axes)
    assert lines(axes)["creep"][0] == pytest.approx([1, 10]) and lines(axes)["creep"][1] == pytest.approx(
        [0.9, 0.4]
    )
    assert unnamed(axes)[0][1] == pytest.approx([0.8, 0.8])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "10"]
    assert axes.get_xscale() == "log" and legend(axes) == ["creep", "linear"]
    assert axes.get_ylim() == (-0.03, 1.03)


def test_the_cole_cole_plane_has_its_three_models():
    """Bean's bar peaks at 0.212, creep above it, a metal's cylinder at 0.377 (textbooks); curves are dots."""
    exponents = [
        SimpleNamespace(temperature=36.8, exponent=Quantity(5.0, 0.5), lower_bound=np.nan),
        SimpleNamespace(temperature=36.2, exponent=Quantity(np.nan), lower_bound=30.0),
    ]
    _, panels = style.new_figure(2)
    draw.creep(SimpleNamespace(exponents=exponents), study(), axes=panels)
    shown = lines(panels[0])
    assert shown["Bean, bar"][1].max() == pytest.approx(0.212, abs=0.002)
    assert shown["linear"][1].max() == pytest.approx(0.377, abs=0.003)
    assert shown["Bean, bar"][1].max() < shown["creep, n = 5"][1].max() < shown["linear"][1].max()
    x = np.geomspace(0.01, 100, 2001)
    for name, model in (
        ("Bean, bar", bean_susceptibility(x, "square_bar")),
        ("creep, n = 5", creep_susceptibility(x, 5, reduced_frequency=1 / x, geometry="cylinder")),
        ("linear", eddy_susceptibility(x, "cylinder")),
    ):
        (real, loss), (theirs, lost) = shown[name], model
        assert sorted(real[[0, -1]]) == pytest.approx(sorted(theirs[[0, -1]])), name
        order = np.argsort(theirs)
        assert loss == pytest.approx(np.interp(real, theirs[order], lost[order]), abs=1e-4), name
    assert shown["10 Oe"][0] == pytest.approx(curve().in_phase)
    assert shown["10 Oe"][1] == pytest.approx(curve().out_of_phase)
    assert panels[0].get_xlim() == (-1.03, 0.03) and panels[0].get_ylim()[0] == -0.01
    [(name, t, n, sigma)] = points(panels[1])
    assert (name, t[0], n[0], sigma[0]) == ("n", 36.8, 5.0, pytest.approx(0.5))
    assert [values[0] for values in lines(panels[1])["n above (95 %)"]] == [36.2, 30.0]
    assert panels[1].get_ylim()[0] == 0


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_collapsed_curves_lie_on_beans(share):
    """Each against h/J_c a, moved by what its thermometer is off; grains that screen by themselves lift the line."""

    def full(t):
        return 100.0 * (38.5 - t)

    true = np.linspace(35.0, 38.0, 13)
    real, loss = (np.array(part) for part in bean_susceptibility(80.0 / full(true), "square_bar"))
    one = SimpleNamespace(
        amplitude=80.0,
        temperature=true + 0.1,
        in_phase=-share + (1 - share) * real,
        out_of_phase=(1 - share) * loss,
    )
    best = SimpleNamespace(
        geometry="square_bar",
        grain_share=share,
        offsets=[Quantity(0.1, 0.01, "K")],
        temperature=np.array([35.1, 37.9]),
        predict=full,
    )
    _, panels = style.new_figure(2)
    draw.collapse(SimpleNamespace(best=best, curves=[one]), axes=panels)
    for axes in panels:
        line = lines(axes)["Bean, square bar"]
        x, y = lines(axes)["1.01 Oe"]
        inside = (true > 35.1) & (true < 37.9)
        assert x == pytest.approx(80.0 / full(true[inside]))
        assert y == pytest.approx(np.interp(x, *line), abs=2e-3)
        assert axes.get_xscale() == "log" and axes.get_xlabel() == "$h/J_{\\rm c}a$"
        assert axes.get_xlim() == pytest.approx((line[0][0], line[0][-1])) == (0.05, 40)
    assert lines(panels[0])["Bean, square bar"][1][-1] == pytest.approx(-share, abs=0.05)


def law(amount, end, name="power"):
    return SimpleNamespace(law=name, predict=lambda t: amount * np.clip(1 - np.asarray(t) / end, 0, None))


@pytest.mark.parametrize(("units", "scale", "unit"), [("paper", 1e4, "A cm⁻²"), ("SI", 1.0, "A m⁻²")])
def test_critical_currents_with_their_laws(units, scale, unit):
    """Points with the thermometer's error along T; laws where they are positive; near T_c, and from 0 K on."""
    points_of = {
        "half screening": (np.array([36.6, 37.1]), np.array([1e6, 1e4]), np.array([0.02, 0.02])),
        "loops": (np.array([5.0, 20.0]), np.array([1e10, 3e9]), np.array([0.1, 0.1])),
    }
    found = SimpleNamespace(
        points=points_of,
        near=law(1e8, 37.5),
        cold=law(1e10, 38.0),
        laws={"all": law(1e10, 38.0, "depairing")},
    )
    _, panels = style.new_figure(2)
    draw.current_law(found, axes=panels, units=units)
    for axes in panels:
        sets = {name: (t, j, error) for name, t, j, error in points(axes)}
        assert sets["loops"][0] == pytest.approx([5, 20]) and sets["loops"][1] == pytest.approx(
            np.array([1e10, 3e9]) / scale
        )
        assert sets["half screening"][2] == pytest.approx([0.02, 0.02])
        shown = lines(axes)
        assert {"power law, half screening", "Eq. (1), loops", "Eq. (1), all points"} <= set(shown)
        t, j = shown["power law, half screening"]
        assert np.isnan(j[t > 37.5]).all() and (t[0], t[-1]) == pytest.approx((2.0, 38.6))
        assert j[t < 37.4] == pytest.approx(1e8 / scale * (1 - t[t < 37.4] / 37.5))
        assert axes.get_yscale() == "log" and f"({unit})" in axes.get_ylabel()
        assert axes.get_ylim() == pytest.approx((0.3 * 1e4 / scale, 5 * 1e10 / scale))
    assert panels[0].get_xlim() == pytest.approx((35.6, 37.7)) and panels[1].get_xlim()[0] == 0


def test_one_method_alone_is_drawn_from_zero():
    """One panel, its laws only."""
    found = SimpleNamespace(
        points={"loops": (np.array([5.0]), np.array([1e10]), np.array([0.1]))},
        near=None,
        cold=law(1e10, 38.0),
        laws={},
    )
    _, axes = style.new_figure()
    draw.current_law(found, axes=axes)
    assert set(lines(axes)) == {"Eq. (1), loops"} and axes.get_xlim()[0] == 0


def test_loops_in_the_papers_units():
    """kOe and emu; both branches of a temperature under one name."""
    field = np.array([-1.0, 1.0]) * 1e4 * OERSTED
    up, down = (field, np.array([1.0, 2.0]) * EMU), (field[::-1], np.array([-2.0, -1.0]) * EMU)
    _, axes = style.new_figure()
    draw.loops(SimpleNamespace(loops=[(5.0, up, down), (20.0, up, down)]), axes=axes)
    assert legend(axes) == ["5 K", "20 K"]
    assert lines(axes)["5 K"][0] == pytest.approx([-10, 10]) and lines(axes)["5 K"][1] == pytest.approx(
        [1, 2]
    )
    assert unnamed(axes)[0][0] == pytest.approx([10, -10]) and unnamed(axes)[0][1] == pytest.approx([-2, -1])
    assert axes.get_xlabel() == "$H$ (kOe)" and axes.get_ylabel() == "moment (emu)"


def test_the_budget_of_a_current():
    """In percent."""
    _, axes = style.new_figure()
    draw.current(SimpleNamespace(budget={"thickness": 0.02}), axes=axes)
    assert widths(axes) == pytest.approx({"thickness": 2.0}) and "(%)" in axes.get_xlabel()


def test_what_a_notebook_shows(monkeypatch):
    """Two panels over both columns, one over one; each says that its data are synthetic."""
    one = rectangle()
    test = SimpleNamespace(rectangles=[one], central=one, reason="")
    pairs = [(draw.curves, study()), (draw.rectangles, test, study())]
    pairs += [(draw.frequencies, SimpleNamespace(curves=[curve()]))]
    exponent = SimpleNamespace(temperature=36.8, exponent=Quantity(5.0, 0.5), lower_bound=np.nan)
    pairs += [(draw.creep, SimpleNamespace(exponents=[exponent]), study())]
    both = {
        "a": (np.array([36.6]), np.array([1e6]), np.array([0.1])),
        "b": (np.array([5.0]), np.array([1e10]), np.array([0.1])),
    }
    for points_of in (both, {"a": both["a"]}):
        found = SimpleNamespace(points=points_of, near=None, cold=None, laws={})
        figure = figure_of(monkeypatch, draw.current_law, found)
        assert len(figure.axes) == len(points_of)
        assert millimetres(figure) == pytest.approx({2: 178.0, 1: 86.0}[len(points_of)])
    for drawing, *results in pairs:
        figure = figure_of(monkeypatch, drawing, *results)
        assert len(figure.axes) == 2 and millimetres(figure) == pytest.approx(178.0)
        assert all("synthetic" in axes.get_title("right") for axes in figure.axes)
        assert [axes.get_title("left") for axes in figure.axes] == ["(a)", "(b)"]
    figure = figure_of(monkeypatch, draw.current, SimpleNamespace(budget={"thickness": 0.02}))
    assert len(figure.axes) == 1 and millimetres(figure) == pytest.approx(86.0)
