"""Figures of magneto-optics by their data: maps, profiles, currents; units, labels and legends."""

from types import SimpleNamespace

import numpy as np
import pytest
from artists import legend, lines, points, unnamed, widths

from nbtools.display import style
from nbtools.magneto_optics import draw
from nbtools.results import NotPossible
from nbtools.units import Quantity

SIDE = 0.1e-3  # m, of a pixel
SHAPE = (30, 40)  # 3 mm high, 4 mm wide
HILL = np.add.outer(np.arange(30.0), np.arange(40.0)) * 1e-3  # T
OUTLINE = np.zeros(SHAPE, bool)
OUTLINE[5:25, 10:30] = True


def maps(*, applied=(0.0, 0.02, 0.04, 0.02, 0.0), ramp=True, label="35 K", unit="T", cooled=False):
    """A ramp of five frames whose field is the hill times that applied."""
    applied = np.array(applied)
    top = int(np.argmax(applied))
    return SimpleNamespace(
        applied=applied,
        field=applied[:, None, None] * HILL,
        top=top,
        pixel_size=SIDE,
        outline=OUTLINE,
        half_width=1e-3,
        label=label,
        unit=unit,
        is_ramp=ramp,
        is_cooled=cooled,
        shown=[top, applied.size - 1] if ramp else [top],
        state=lambda index: f"{1e4 * applied[index]:.0f} G" if ramp else "",
        across=lambda values, width: SimpleNamespace(
            distance=SIDE * (np.arange(40) - 19.5), field=values[15], width=width
        ),
    )


def current(**more):
    """A current along x that grows with y; no bias but where it is given."""
    jx = np.ones(SHAPE) * np.linspace(0, 1e8, 30)[:, None]
    given = {"jx": jx, "jy": np.zeros(SHAPE), "magnitude": jx, "pixel_size": SIDE, "thickness": 5e-4}
    given |= {"unit": "A/m^2", "uncertainty": np.full(SHAPE, 1e6), "bias": (3e6 * OUTLINE, 4e6 * OUTLINE)}
    return SimpleNamespace(**{**given, **more})


def bar_of(axes):
    """The colour bar beside a map."""
    [bar] = [one for one in axes.child_axes if one.get_ylabel()]
    return bar


@pytest.mark.parametrize(("units", "scale", "unit"), [("paper", 1e4, "G"), ("SI", 1e3, "$10^{-3}$ T")])
def test_a_map_is_what_was_measured(units, scale, unit):
    """Every pixel in its unit, y upward, the sample's centre at zero, in mm, with the outline and its bar."""
    _, axes = style.new_figure()
    length = draw.draw_map(axes, HILL, pixel_size=SIDE, outline=OUTLINE, units=units)
    [image] = axes.images
    assert length == 1e-3 and axes.get_xlabel() == "x (mm)" and axes.get_ylabel() == "y (mm)"
    factor = scale if bar_of(axes).get_ylabel() == f"$B_z$ ({unit})" else np.nan
    assert np.asarray(image.get_array()) == pytest.approx(factor * HILL)
    assert image.get_extent() == pytest.approx((-2.0, 2.0, -1.5, 1.5)) and image.origin == "lower"
    low, high = image.get_clim()
    assert (low, high) == pytest.approx(tuple(factor * np.percentile(HILL, [0.5, 99.5])))
    [edge] = [one for one in axes.collections if len(one.get_paths())]
    corners = np.concatenate([path.vertices for path in edge.get_paths()])
    assert np.ptp(corners, axis=0) == pytest.approx((2.0, 2.0), abs=0.25)


@pytest.mark.parametrize(
    ("pixel", "unit"), [(SIDE, "mm"), (SIDE / 100, "µm"), (SIDE / 1e6, "nm"), (SIDE / 1e9, "nm")]
)
def test_a_map_has_a_scale_without_long_numbers(pixel, unit):
    """Of 4 mm, 40 µm, 4 nm and less."""
    _, axes = style.new_figure()
    draw.draw_map(axes, HILL, pixel_size=pixel)
    assert axes.get_xlabel() == f"x ({unit})"


def test_limits_are_in_the_unit_given_and_large_numbers_in_the_label():
    """A current of 10⁸ A/m² is 10⁴ A/cm²: its power of ten stands in the label."""
    _, axes = style.new_figure()
    draw.draw_map(axes, 1e4 * HILL, pixel_size=SIDE, unit="A/m^2", label="J", limits=(0.0, 2e8))
    assert axes.images[0].get_clim() == pytest.approx((0.0, 20.0))
    assert bar_of(axes).get_ylabel().startswith("J ($10^{3}$ A cm")
    _, axes = style.new_figure()
    draw.draw_map(axes, HILL, pixel_size=SIDE, unit="arbitrary units", label="signal", limits=(0.0, 0.05))
    assert bar_of(axes).get_ylabel() == "signal ($10^{-3}$ arbitrary units)"
    assert axes.images[0].get_clim() == pytest.approx((0, 50))
    _, axes = style.new_figure()
    draw.draw_map(axes, 0 * HILL, pixel_size=SIDE, unit="", label="signal", limits=(0.0, 0.0))
    assert bar_of(axes).get_ylabel() == "signal"


def test_currents_have_direction():
    """Arrows of one length along x where the current is strong, none where it is under 15 % of the top."""
    _, axes = style.new_figure()
    draw.draw_currents(axes, current(), outline=OUTLINE)
    [arrows] = [one for one in axes.collections if hasattr(one, "U")]
    along, across = np.asarray(arrows.U), np.asarray(arrows.V)
    assert along == pytest.approx(np.ones(along.size)) and across == pytest.approx(np.zeros(along.size))
    # The plate ends below the strongest current of the map.
    top = np.percentile(current().magnitude[OUTLINE], 99.5)
    assert axes.images[0].get_clim()[1] == pytest.approx(top / 1e4)
    heights = (np.unique(arrows.Y) + 1.5 - 0.05) / 0.1  # rows
    assert current().magnitude[np.round(heights).astype(int), 0].min() > 0.15 * top
    assert heights.max() > 25 and np.ptp(arrows.X) > 3.0
    assert bar_of(axes).get_ylabel().startswith("$|J|$ (A cm")
    _, axes = style.new_figure()
    draw.draw_currents(axes, current(thickness=0.0, unit="A/m"), limit=2e8)
    assert axes.images[0].get_clim()[1] == pytest.approx(200)
    assert bar_of(axes).get_ylabel().startswith("$|K|$ ($10^{6}$ A")


def test_profiles_rise_and_fall():
    """Of the warmest ramps first; each curve under its applied field; the edges of the sample marked."""
    flux = SimpleNamespace(ramps=[maps(label="30 K"), maps(label="35 K")])
    figure, panels = style.new_figure(2)
    axes = draw.profiles(flux, axes=panels)
    figure = axes[0].figure
    names = [one.get_title("left") for one in axes]
    assert names == [
        "(a) 35 K, field rising",
        "(b) 35 K, field falling",
        "(c) 30 K, field rising",
        "(d) 30 K, field falling",
    ]
    assert len(figure.axes) == 4
    assert figure.get_size_inches() * 25.4 == pytest.approx([178.0, 2 * 52.0]), "two rows over both columns"
    assert legend(axes[0]) == ["0 G", "200 G", "400 G"] and legend(axes[1]) == ["400 G", "200 G", "0 G"]
    x, b = lines(axes[0])["400 G"]
    assert x == pytest.approx(0.1 * (np.arange(40) - 19.5)) and b == pytest.approx(1e4 * 0.04 * HILL[15])
    assert sorted(edge[0][0] for edge in unnamed(axes[0])) == pytest.approx([-1.0, 1.0])
    assert axes[0].get_xlabel() == "x (mm)" and axes[0].get_ylabel() == "$B_z$ (G)"
    assert axes[0].get_xlim() == pytest.approx((-1.95, 1.95))
    [one, *_] = draw.profiles(flux, axes=style.new_figure(2)[1], ramps=1, units="SI")
    assert legend(one) == ["0 mT", "20 mT", "40 mT"] and one.get_ylabel() == "$B_z$ (T)"


def test_a_ramp_of_one_frame_has_one_panel():
    """Named by its state; without any ramp the reason is said."""
    alone = maps(applied=(0.04,))
    axes = draw.profiles(SimpleNamespace(ramps=[alone]), axes=style.new_figure()[1])
    assert [one.get_title("left") for one in axes] == ["35 K, 400 G"]
    for figure in (draw.profiles, draw.flux_maps):
        with pytest.raises(NotPossible, match="no frames that were taken on a ramp"):
            figure(SimpleNamespace(ramps=[], maps=[]), axes=style.new_figure()[1])


def test_maps_of_each_ramp_and_of_a_scan():
    """At the largest field and after it; the warmest may be left out; a scan's unit is its own."""
    ramps = [maps(label="30 K"), maps(label="35 K")]
    scan = maps(applied=(0.03,), ramp=False, label="scan", unit="nT-like")
    flux = SimpleNamespace(ramps=ramps, maps=[*ramps, scan, maps(cooled=True, ramp=False)])
    axes = draw.flux_maps(flux, axes=style.new_figure(2)[1], skip=1)
    assert [one.get_title("left") for one in axes] == ["(a) 30 K, 400 G", "(b) 30 K, 0 G", "(c) scan"]
    assert np.asarray(axes[0].images[0].get_array()) == pytest.approx(1e4 * 0.04 * HILL)
    assert bar_of(axes[2]).get_ylabel().startswith("signal")
    everything = draw.flux_maps(flux, axes=style.new_figure(2)[1], skip=2)
    assert len(everything) == 5, "where all would be left out, all are shown"


def state(found, cooled=False, unit="T"):
    return SimpleNamespace(maps=maps(cooled=cooled, unit=unit), currents=found, label="35 K, 400 G")


def test_current_maps_are_of_all_that_was_not_cooled_in_a_field():
    """Named; where there is none, why."""
    study = SimpleNamespace(states=[state(current()), state(current(), cooled=True)])
    axes = draw.currents(study, axes=style.new_figure()[1])
    assert [one.get_title("left") for one in axes] == ["35 K, 400 G"]
    assert np.asarray(axes[0].images[0].get_array()) == pytest.approx(current().magnitude / 1e4)
    axes = draw.currents(SimpleNamespace(states=[state(current(), unit="a.u.")]), axes=style.new_figure()[1])
    assert "arbitrary units" in bar_of(axes[0]).get_ylabel()
    with pytest.raises(NotPossible, match="no ramp and no scanned map"):
        draw.currents(SimpleNamespace(states=[state(current(), cooled=True)]), axes=style.new_figure()[1])


def test_noise_and_bias_are_in_one_scale():
    """σ of 1, bias of 5 MA/m² (3 and 4 at right angles): both maps end at 5."""
    _, panels = style.new_figure(2)
    draw.errors(SimpleNamespace(states=[state(current())]), axes=panels)
    sigma, bias = (np.asarray(one.images[0].get_array()) for one in panels)
    assert sigma == pytest.approx(np.full(SHAPE, 100.0)) and bias == pytest.approx(500.0 * OUTLINE)
    assert all(one.images[0].get_clim() == pytest.approx((0, 500)) for one in panels)
    assert [one.get_title("left") for one in panels] == ["(a) noise", "(b) filter"]
    assert bar_of(panels[0]).get_ylabel().startswith(r"$\sigma$ of $J$ (A cm")
    assert bar_of(panels[1]).get_ylabel().startswith("bias of $J$ (A cm")
    _, panels = style.new_figure(2)
    noisy = current(uncertainty=np.full(SHAPE, 4e6), outline=None)
    draw.errors(SimpleNamespace(states=[state(noisy)]), axes=panels)
    assert panels[0].images[0].get_clim() == pytest.approx((0, 800)), (
        "twice the largest σ, where the bias is less"
    )


def test_critical_currents_up_and_down():
    """J_c in A/cm² with σ, a curve for each temperature in which flux has entered, open symbols for the ramp down."""

    def found(value):
        return SimpleNamespace(
            critical_current=Quantity(value, 1e6, "A/m^2"),
            applied=np.array([0.02, 0.04]),
            each=np.array([value, 0.9 * value]),
            each_uncertainty=np.array([1e6, 2e6]),
        )

    study = SimpleNamespace(
        found={10.0: found(np.nan), 30.0: found(1e8), 35.0: found(4e7)}, reversed={30.0: found(9e7)}
    )
    _, axes = style.new_figure()
    draw.critical_current(study, axes=axes)
    assert legend(axes) == ["30 K", "35 K"] and axes.get_legend().get_title().get_text() == "open: ramp down"
    up, down, warm = points(axes)
    assert (
        up[1] == pytest.approx([200, 400])
        and up[2] == pytest.approx([1e4, 9e3])
        and up[3] == pytest.approx([100, 200])
    )
    assert down[0] == "" and down[2] == pytest.approx([9e3, 8.1e3]) and warm[0] == "35 K"
    fillings = [bars.lines[0].get_markerfacecolor() for bars in axes.containers]
    assert fillings[1] == "white" and fillings[0] != "white" != fillings[2]
    assert (
        axes.get_xlabel() == r"$\mu_0 H$ (G)" and "A cm" in axes.get_ylabel() and axes.get_yscale() == "log"
    )
    with pytest.raises(NotPossible, match="at no temperature"):
        draw.critical_current(SimpleNamespace(found={10.0: found(np.nan)}), axes=style.new_figure()[1])


def test_a_plate_cooled_in_a_field():
    """Its last frame as a map and as a landscape, its current, and the profile with the edges."""
    own = maps(cooled=True, ramp=False, label="5 K, cooled in 0.02 T")
    flux = SimpleNamespace(cooled=[own])
    study = SimpleNamespace(states=[SimpleNamespace(maps=own, currents=current(), label="")])
    axes = draw.cooled(flux, study, axes=style.new_figure(2)[1])
    figure = axes[0].figure
    assert axes[0].get_title("left") == "(a) 5 K, cooled in 0.02 T"
    assert np.asarray(axes[0].images[0].get_array()) == pytest.approx(1e4 * own.field[-1])
    assert np.asarray(axes[1].images[0].get_array()) == pytest.approx(current().magnitude / 1e4)
    [relief] = [one for one in figure.axes if one.name == "3d"]
    assert relief.get_title("left") == "(c)" and relief.get_zlabel() == "$B_z$ (G)"
    assert relief.get_xlim()[1] == pytest.approx(2.0, abs=0.3)
    assert relief.get_ylim()[1] == pytest.approx(1.5, abs=0.3)
    assert legend(axes[3]) == ["0 G"] and len(unnamed(axes[3])) == 2
    with pytest.raises(NotPossible, match="cooled in a field"):
        draw.cooled(SimpleNamespace(cooled=[]), study, axes=style.new_figure(2)[1])


def test_ours_against_theirs():
    """In mT on equal axes: points of equal fields lie on the line."""
    b = np.linspace(0, 0.04, 500)
    _, axes = style.new_figure()
    draw.reference(SimpleNamespace(theirs=b, ours=b), axes=axes)
    assert [values.tolist() for values in lines(axes)["equal"]] == [[0, 40], [0, 40]]
    places = axes.collections[0].get_offsets()[np.asarray(axes.collections[0].get_array()) > 0]
    assert np.abs(places[:, 0] - places[:, 1]).max() < 1.5 and places.max() > 39
    assert axes.get_xlim() == axes.get_ylim() == (0, 40) and axes.get_aspect() == 1
    assert "theirs" in axes.get_xlabel() and "ours" in axes.get_ylabel() and legend(axes) == ["equal"]


def test_the_budget_of_a_plates_current():
    """In percent."""
    _, axes = style.new_figure()
    draw.budget(SimpleNamespace(budget={"thickness": 0.02}), axes=axes)
    assert widths(axes) == pytest.approx({"thickness": 2.0}) and axes.get_xlabel() == "change of $J_c$ (%)"
