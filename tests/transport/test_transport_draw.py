"""Figures of transport by their data: what lies on the axes, in which unit, under which name."""

from types import SimpleNamespace

import numpy as np
import pytest
from artists import figure_of, legend, lines, millimetres, points, texts, unnamed, widths

from nbtools.display import style
from nbtools.transport import draw
from nbtools.units import Quantity

OERSTED, EMU, MICROHM_CM = 1e3 / (4 * np.pi), 1e-3, 1e-8  # in A/m, A m² and Ω m
T = np.array([20.0, 30.0, 36.0, 38.0, 100.0, 300.0])
RHO = np.array([0.0, 0.0, 0.0, 0.2, 0.3, 3.0]) * MICROHM_CM


def resistance(**more):
    """One branch with a fit that is ρ = T µΩ cm, and a step at 37 K that is 0.5 K wide."""
    transition = SimpleNamespace(found=True, width=0.5, midpoint=37.0, onset=38.25, zero=np.nan)
    normal = SimpleNamespace(window=(40.0, 300.0), predict=lambda t: t * MICROHM_CM)
    given = {"temperature": T, "signal": RHO, "unit": "ohm m", "curves": {"cooling": (T, RHO)}}
    return SimpleNamespace(**{"transition": transition, "normal": normal, **given, **more})


def test_resistivity_is_drawn_as_measured_with_its_fit():
    """Points in µΩ cm, the fit over its window, both axes from zero."""
    _, axes = style.new_figure()
    draw.resistance(resistance(), axes=axes)
    [(t, rho)] = unnamed(axes)
    assert t == pytest.approx(T) and rho == pytest.approx([0, 0, 0, 0.2, 0.3, 3.0])
    grid, fit = lines(axes)["Bloch–Grüneisen"]
    assert (grid[0], grid[-1]) == (40.0, 300.0) and fit == pytest.approx(grid)
    assert legend(axes) == ["Bloch–Grüneisen"]
    assert axes.get_xlabel() == "temperature (K)" and axes.get_ylabel() == "ρ (µΩ cm)"
    assert axes.get_xlim()[0] == axes.get_ylim()[0] == 0


def test_the_transition_is_enlarged():
    """2 K below the midpoint to 4.5 K above; the onset is marked, a zero that was not reached is not."""
    _, axes = style.new_figure()
    draw.resistance(resistance(), axes=axes)
    [inset] = axes.child_axes
    assert inset.get_xlim() == pytest.approx((35.0, 41.5))
    [(t, rho)] = unnamed(inset)
    assert t == pytest.approx([36, 38]) and rho == pytest.approx([0.0, 0.2])
    assert legend(inset) == ["onset 38.25 K"]
    assert lines(inset)["onset 38.25 K"][0] == pytest.approx([38.25, 38.25])
    # Over the rising normal state, whose room the upper left is.
    inside, outside = inset.get_axes_locator()(inset, None), axes.get_position()
    corner, size = inside.p0 - outside.p0, inside.size
    assert corner / outside.size == pytest.approx([0.14, 0.52]) and size / outside.size == pytest.approx(
        [0.44, 0.43]
    )


def test_a_broad_transition_has_a_wide_inset():
    """Three widths on that scale."""
    _, axes = style.new_figure()
    broad = SimpleNamespace(found=True, width=2.0, midpoint=37.0, onset=39.0, zero=33.0)
    draw.resistance(resistance(transition=broad), axes=axes)
    [inset] = axes.child_axes
    assert inset.get_xlim() == pytest.approx((37 - 0.8 * 6, 37 + 1.8 * 6))
    assert legend(inset) == ["onset 39.00 K", "zero 33.00 K"]


def test_every_branch_is_drawn_under_its_name():
    """Two branches and neither fit nor step: names in the legend, no inset; a resistance is called R."""
    warming = (T, RHO + 1e-8)
    _, axes = style.new_figure()
    nothing = SimpleNamespace(found=False)
    curves = {"cooling": (T, RHO), "warming": warming}
    study = resistance(transition=nothing, normal=None, curves=curves, unit="ohm")
    draw.resistance(study, axes=axes)
    assert legend(axes) == ["warming", "cooling"]
    shown = lines(axes)
    ratio = shown["warming"][1][-1] / shown["cooling"][1][-1]
    assert ratio == pytest.approx((3.0 + 1.0) / 3.0)
    assert axes.get_ylabel().startswith("R (") and not axes.child_axes


def test_branches_near_the_transition_are_in_the_inset_too():
    """The other branch first, cut to the window."""
    _, axes = style.new_figure()
    study = resistance(curves={"cooling": (T, RHO), "warming": (T, RHO + 1e-8)})
    draw.resistance(study, axes=axes)
    [inset] = axes.child_axes
    other, own = unnamed(inset)
    assert other[0] == pytest.approx([36, 38]) and other[1] == pytest.approx([1.0, 1.2])
    assert own[1] == pytest.approx([0.0, 0.2])


def test_susceptibility_with_full_screening_and_onset():
    """χ as it is, the level that full screening reads, the onset, zero; the budget beside it in percent."""
    _, panels = style.new_figure(2)
    shielding = SimpleNamespace(fully_screened=Quantity(-1.13, 0.01), budget={"volume": 0.02, "field": 0.01})
    study = SimpleNamespace(
        curves={"zfc": (T, -np.ones(6)), "fc 2": (T, -0.1 * np.ones(6))}, shielding=shielding, onset=38.4
    )
    draw.screening(study, axes=panels)
    shown = lines(panels[0])
    assert shown["ZFC"][1] == pytest.approx(-np.ones(6)) and shown["FC 2"][1] == pytest.approx(
        -0.1 * np.ones(6)
    )
    assert shown["full screening -1.13"][1] == pytest.approx([-1.13, -1.13])
    assert shown["onset 38.40 K"][0] == pytest.approx([38.4, 38.4])
    assert unnamed(panels[0])[0][1] == pytest.approx([0, 0])
    assert "chi" in panels[0].get_ylabel()
    assert widths(panels[1]) == pytest.approx({"volume": 2.0, "field": 1.0})
    assert list(widths(panels[1])) == ["volume", "field"] and set(texts(panels[1])) == {"2 %", "1 %"}
    assert panels[1].get_xlabel() == "relative standard deviation (%)"
    assert panels[1].get_xlim() == pytest.approx((0, 2.5))


def test_without_a_card_the_moment_is_drawn():
    """In emu, on one panel; an onset that was not found is not marked."""
    _, axes = style.new_figure()
    study = SimpleNamespace(curves={"zfc": (T, -2e-3 * np.ones(6))}, shielding=None, onset=np.nan)
    draw.screening(study, axes=axes)
    assert lines(axes)["ZFC"][1] == pytest.approx(-2 * np.ones(6))
    assert axes.get_ylabel() == "moment (emu)" and legend(axes) == ["ZFC"]


def test_virgin_curves_and_the_lower_critical_field():
    """m(H) in Oe and emu with a mark at the entry field, on the curve; H_c1 with its σ and law down to 0 K."""
    h = np.linspace(0, 2000, 21) * OERSTED
    curves = [(5.0, h, -h * EMU / OERSTED), (10.0, h, -2 * h * EMU / OERSTED)]
    found = [
        SimpleNamespace(
            entry_field=Quantity(950 * OERSTED), lower_critical_field=Quantity(1000 * OERSTED, 50 * OERSTED)
        )
    ]
    law = SimpleNamespace(critical_temperature=38.0, predict=lambda t: 1000 * OERSTED * (1 - (t / 38.0) ** 2))
    study = SimpleNamespace(temperature=[10.0], fields=found, curves=curves, laws={"parabola": law})
    _, panels = style.new_figure(2)
    draw.flux_entry(study, axes=panels)
    shown = lines(panels[0])
    assert list(shown) == legend(panels[0]) == ["5 K", "10 K"]
    assert shown["10 K"][0] == pytest.approx(np.linspace(0, 2000, 21)) and shown["10 K"][1][
        -1
    ] == pytest.approx(-4000)
    [(place, level)] = unnamed(panels[0])
    assert place == pytest.approx([950]) and level == pytest.approx([-1900])
    assert panels[0].get_xlabel() == "$H$ (Oe)" and panels[0].get_ylabel() == "moment (emu)"
    [(_, t, field, sigma)] = points(panels[1])
    assert (t[0], field[0], sigma[0]) == pytest.approx((10, 1000, 50))
    grid, drawn = lines(panels[1])["parabola"]
    assert (grid[0], grid[-1]) == (0, 38) and (drawn[0], drawn[-1]) == pytest.approx((1000, 0))
    assert panels[1].get_ylabel() == r"$H_{\rm c1}$ (Oe)"
    assert panels[1].get_xlim()[0] == panels[1].get_ylim()[0] == 0


@pytest.mark.parametrize(("units", "scale", "unit"), [("paper", 1e3 * OERSTED, "kOe"), ("SI", 1e3, "kA/m")])
def test_magnetoresistance_and_the_upper_critical_field(units, scale, unit):
    """Fields in thousands of the unit, the criterion as a level, each law under its H_c2(0) and χ²."""
    h = np.linspace(0, 90, 10) * scale
    law = SimpleNamespace(
        critical_temperature=Quantity(38.0, 0.1, "K"),
        zero_temperature_field=Quantity(100e3 * OERSTED, 1e3 * OERSTED, "A/m"),
        reduced_chi_square=1.23,
        predict=lambda t: 100 * scale * (1 - t / 38.0),
    )
    study = SimpleNamespace(
        curves=[(20.0, h, np.linspace(0, 1, 10))],
        criterion=0.1,
        temperature=[20.0],
        field=[40 * scale],
        uncertainty=[2 * scale],
        laws={"power": law},
    )
    _, panels = style.new_figure(2)
    draw.upper_field(study, axes=panels, units=units)
    field, share = lines(panels[0])["20 K"]
    assert field == pytest.approx(np.linspace(0, 90, 10)) and share == pytest.approx(np.linspace(0, 1, 10))
    assert unnamed(panels[0])[0][1] == pytest.approx([0.1, 0.1])
    assert panels[0].get_xlabel() == f"$H$ ({unit})"
    [(_, t, field, sigma)] = points(panels[1])
    assert (t[0], field[0], sigma[0]) == pytest.approx((20, 40, 2))
    [(name, (grid, drawn))] = lines(panels[1]).items()
    assert name == "power: 100.0 ± 1.0 kOe, χ²ᵣ = 1.2"
    assert (grid[0], grid[-1]) == (0, 38) and (drawn[0], drawn[-1]) == pytest.approx((100, 0))
    assert panels[1].get_ylabel().endswith(f"({unit})")


@pytest.mark.parametrize(("units", "name"), [("paper", "12.57 kOe"), ("SI", "1000 kA/m")])
def test_curves_in_fields_are_framed(units, name):
    """R/R_n against T, each field under its name; from where R is gone to where it is back, and a tenth beyond."""
    t = np.arange(20.0, 41.0)
    share = np.clip((t - 30) / 4, 0, 1)
    study = SimpleNamespace(curves=(), in_fields=[(1e6, t, share), (2e6, t, np.clip((t - 27) / 4, 0, 1))])
    given = {"criterion": 0.1, "temperature": [], "field": [], "uncertainty": [], "laws": {}}
    _, panels = style.new_figure(2)
    draw.upper_field(SimpleNamespace(**vars(study), **given), axes=panels, units=units)
    assert legend(panels[0])[0] == name and unnamed(panels[0])[0][1] == pytest.approx([0.1, 0.1])
    assert lines(panels[0])[name][0] == pytest.approx(t) and lines(panels[0])[name][1] == pytest.approx(share)
    # The first points over 2 % lie at 28 and 31 K, the last under 95 % at 30 and 33 K.
    assert panels[0].get_xlim() == pytest.approx((27.5, 33.5)) and panels[0].get_ylim() == (-0.05, 1.15)
    assert (panels[0].get_xlabel(), panels[0].get_ylabel()) == ("temperature (K)", r"$R/R_{\rm n}$")


def test_the_budget_of_the_penetration_depth():
    """In percent, the largest on top."""
    _, axes = style.new_figure()
    draw.lengths(SimpleNamespace(budget={"H_c1": 0.08, "T_c": 0.004}), axes=axes)
    assert widths(axes) == pytest.approx({"H_c1": 8.0, "T_c": 0.4})
    assert axes.get_xlabel() == "change of λ (%)"


def test_laws_are_told_apart_by_line_and_colour():
    """Three laws in one panel, for readers who see no colour."""
    h = np.array([1e5, 2e5])
    laws = {name: (np.array([0.0, 38.0]), h) for name in ("one", "two", "three")}
    _, axes = style.new_figure()
    draw.draw_critical_field(axes, [20.0, 30.0], h, laws=laws)
    drawn = [line for line in axes.lines if line.get_label() in laws]
    assert len({line.get_linestyle() for line in drawn}) == len({line.get_color() for line in drawn}) == 3
    assert legend(axes) == ["one", "two", "three"]


def test_what_a_notebook_shows(monkeypatch):
    """R(T) over one column, the rest over two; of χ the budget beside it only where there is one."""
    figure = figure_of(monkeypatch, draw.resistance, resistance())
    assert len(figure.axes) == 1 and millimetres(figure) == pytest.approx(86.0)
    assert "synthetic" in figure.axes[0].get_title("right")
    shielding = SimpleNamespace(fully_screened=Quantity(-1.13, 0.01), budget={"volume": 0.02})
    for shown, panels in ((shielding, 2), (None, 1)):
        study = SimpleNamespace(curves={"zfc": (T, -np.ones(6))}, shielding=shown, onset=38.4)
        figure = figure_of(monkeypatch, draw.screening, study)
        assert len(figure.axes) == panels and millimetres(figure) == pytest.approx(
            {2: 178.0, 1: 86.0}[panels]
        )
    nothing = {"temperature": [], "laws": {}, "curves": []}
    for drawing, more in (
        (draw.flux_entry, {"fields": []}),
        (draw.upper_field, {"criterion": 0.1, "field": [], "uncertainty": []}),
    ):
        curves = [(5.0, np.array([0.0, 1e3]), np.array([0.0, -1e-9]))]
        figure = figure_of(monkeypatch, drawing, SimpleNamespace(**{**nothing, **more, "curves": curves}))
        assert len(figure.axes) == 2 and millimetres(figure) == pytest.approx(178.0)
