"""Pictures of structure, read from their artists: every curve, band, image, label and unit of results made by hand."""

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest
from artists import figure_of, legend, lines, millimetres, unnamed, widths
from matplotlib_scalebar.scalebar import ScaleBar

from nbtools.display import style
from nbtools.structure import draw
from nbtools.structure.fractal import FractalVerdict, GlidingBoxes, VerdictPower
from nbtools.structure.isotropy import IsotropyStudy, TwoPointCorrelation
from nbtools.structure.phases import PhasesStudy
from nbtools.structure.registration import Registration, RegistrationStudy
from nbtools.structure.sections import SectionsStudy
from nbtools.structure.segmentation import Segmentation
from nbtools.units import Quantity

SIZES = np.array([2, 4, 8])
MICRONS = 0.05 * SIZES  # of voxels of 50 nm


def boxes(hit=(0.5, 0.7, 0.9), full=(0.2, 0.1, 0.0125), lacunarity=(3.4, 2.2, 1.15)):
    return GlidingBoxes(SIZES, 0.25, *(np.array(curve, float) for curve in (hit, full, lacunarity)))


NULL = boxes(hit=(0.4, 0.6, 0.8), full=(0.2, 0.05, 0.01))


def verdict(nulls=(NULL,)):
    return FractalVerdict(
        sections=boxes(),
        nulls=tuple(nulls),
        verdict="scale-free",
        reason="made by hand",
        dimension=Quantity(1.5, 0.1),
        interface_dimension=Quantity(1.2, 0.1),
        no_interface="",
        interface_moves=0.2,
        sizes=np.array([1, 4, 16]),
        counts=np.array([800.0, 100.0, 12.5]),
        spreads={"blocks": 0.03, "grid origins": 0.06},
        space=2,
        voxel_size=50e-9,
    )


def phases(phase, recorded=None, edge=50e-9, fraction=0.25):
    found = Segmentation(
        phase.astype(np.uint8), (120.0,), (150.0, 90.0), 3.0, fraction, 0.0, 0.01, "midpoint", "two"
    )
    grey = np.where(phase, 90.0, 150.0) if recorded is None else recorded
    of = "section" if phase.ndim == 2 else "volume"
    return PhasesStudy(of, grey, grey, grey, found, Quantity(fraction, 0.01), Quantity(0.5, 0.1), edge)


def bars(axes):
    return [bar.dx for bar in axes.artists if isinstance(bar, ScaleBar)]


def ticks(axes):
    """What stands on the horizontal axis, inside of it."""
    axes.figure.canvas.draw()
    low, high = axes.get_xlim()
    return [t.get_text() for t in axes.get_xticklabels() if low <= t.get_position()[0] <= high]


def test_a_section_has_its_greys_and_a_bar():
    """Black and white at 0.5 and 99.5 % of the greys; a bar of the size of a pixel."""
    _, axes = style.new_figure(3)
    ramp = np.arange(400.0).reshape(20, 20)
    half = np.indices((20, 20))[1] < 10
    draw.draw_section(axes[0], ramp, pixel_size=50e-9, name="as recorded")
    draw.draw_section(axes[1], half, pixel_size=None)
    draw.draw_section(axes[2], half, pixel_size=math.nan)
    assert [bars(one) for one in axes] == [[50e-9], [], []]
    assert axes[0].images[0].get_clim() == pytest.approx((399 * 0.005, 399 * 0.995))
    assert axes[1].images[0].get_clim() == (0, 1)
    assert np.array_equal(axes[0].images[0].get_array(), ramp)
    assert axes[0].get_xlabel() == "as recorded" and not len(axes[0].get_xticks())


def test_box_counts_local_slopes_and_breadth(monkeypatch):
    """All three panels: µm, exact slopes, the band of the nulls, shares of the phase, the range that is correlated."""
    found = verdict()
    figure = figure_of(monkeypatch, draw.box_counts, found)
    assert millimetres(figure) == pytest.approx(178)
    counted, local, breadth = figure.axes
    drawn = lines(counted)
    x, y = drawn["boxes that hold the phase"]
    assert x == pytest.approx([0.05, 0.2, 0.8]) and y == pytest.approx(found.counts)
    assert drawn[f"slope: D = {found.dimension}"][1] == pytest.approx(found.counts)
    assert counted.get_xscale() == counted.get_yscale() == "log"
    assert (counted.get_xlabel(), counted.get_ylabel()) == ("box size (µm)", "number of boxes")

    slopes = 2 - np.gradient(np.log([0.5, 0.7, 0.9]), np.log(SIZES))
    x, y = lines(local)["this pattern"]
    assert x == pytest.approx(MICRONS) and y == pytest.approx(slopes)
    null = 2 - np.gradient(np.log([0.4, 0.6, 0.8]), np.log(SIZES))
    band = local.collections[0].get_paths()[0].vertices
    assert {round(v, 9) for v in band[:, 1]} == {round(v, 9) for v in null}
    assert lines(local)["1.67"][1] == pytest.approx([1.67, 1.67])
    assert legend(local) == ["patterns of one length", "this pattern", "1.67"]
    assert local.get_ylim() == pytest.approx((min(1.67, *slopes, *null) - 0.45, 2.05))
    assert local.get_ylabel() == "local dimension (section)"

    drawn = lines(breadth)
    assert drawn["still solid"][1] == pytest.approx([0.8, 0.4, 0.05])
    assert drawn["still uneven"][1] == pytest.approx([0.8, 0.4, 0.05])
    assert drawn["still uneven"][0] == pytest.approx(MICRONS)
    faint = unnamed(breadth)
    assert faint[0][1] == pytest.approx([0.8, 0.4, 0.05]) and faint[1][1] == pytest.approx([0.8, 0.2, 0.04])
    assert faint[2][1] == pytest.approx([0.1, 0.1])
    low, high = (1e6 * end for end in found.interval)
    corners = breadth.patches[0].get_extents().transformed(breadth.transData.inverted())
    assert (corners.x0, corners.x1) == pytest.approx((low, high))
    assert legend(breadth)[-1] == f"{found.decades:.2f} decades"
    assert (breadth.get_xlabel(), breadth.get_ylabel()) == ("box size (µm)", "share left")
    assert breadth.get_ylim() == pytest.approx((0.003, 1.3))


def test_the_band_of_many_nulls_holds_95_percent_and_eight_of_them_are_drawn():
    """The quantiles 2.5 and 97.5 % of their local slopes; without nulls no band."""
    nulls = [boxes(hit=(h, h + 0.1, h + 0.3)) for h in np.linspace(0.2, 0.6, 41)]
    _, axes = style.new_figure(3)
    draw.draw_local_dimensions(axes[0], verdict(nulls))
    slopes = [null.local_dimensions for null in nulls]
    low, high = np.quantile(slopes, (0.025, 0.975), axis=0)
    band = axes[0].collections[0].get_paths()[0].vertices[:, 1]
    assert band.min() == pytest.approx(low.min()) and band.max() == pytest.approx(high.max())
    draw.draw_breadth(axes[1], verdict(nulls))
    assert len(unnamed(axes[1])) == 2 * 8 + 1
    draw.draw_local_dimensions(axes[2], verdict(()))
    assert not axes[2].collections and legend(axes[2]) == ["this pattern", "1.67"]


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((0.1, 3.0), ["0.1", "0.2", "0.5", "1", "2"]),
        ((0.1, 6.0), ["0.1", "0.2", "0.5", "1", "2", "5"]),
        ((0.1, 20.0), ["0.1", "0.3", "1", "3", "10"]),
        ((0.1, 50.0), ["0.1", "1", "10"]),
    ],
)
def test_few_decades_have_ticks_in_between(ends, said):
    """1, 2, 5 up to 1.8 decades, 1 and 3 up to 2.5, then whole decades; small ones bear no text."""
    _, axes = style.new_figure()
    draw.draw_correlations(axes, ends, {"z": [0.2, 0.1]}, fraction=0.3)
    axes.set_xlim(*ends)
    draw._few_decades(axes)
    assert ticks(axes) == said


def test_the_section_and_its_phase(monkeypatch):
    """As recorded and as segmented, both with the bar of the file's pixels."""
    phase = np.indices((20, 30))[1] < 10
    figure = figure_of(monkeypatch, draw.section, phases(phase, recorded=np.arange(600.0).reshape(20, 30)))
    left, right = figure.axes
    assert millimetres(figure) == pytest.approx(178)
    assert np.array_equal(right.images[0].get_array(), phase) and left.images[0].get_array()[1, 0] == 30
    assert [one.get_xlabel() for one in figure.axes] == ["as recorded", "dark phase"]
    assert bars(left) == bars(right) == [50e-9]


def test_element_maps_with_their_overlap(monkeypatch):
    """One panel each; where a map was laid on the image its MCC stands under it."""
    maps = {"boron": np.eye(4), "oxygen": 1 - np.eye(4)}
    found = {"boron": Registration((1, 0), 0.8, 0.712, np.zeros(3), 0.01)}
    figure = figure_of(monkeypatch, draw.element_maps, RegistrationStudy(found, {}, maps, 2e-7))
    assert [one.get_xlabel() for one in figure.axes] == ["boron counts, MCC 0.71", "oxygen counts"]
    assert np.array_equal(figure.axes[1].images[0].get_array(), maps["oxygen"])
    assert bars(figure.axes[0]) == [2e-7] and millimetres(figure) == pytest.approx(178)
    one = figure_of(monkeypatch, draw.element_maps, RegistrationStudy({}, {}, {"boron": np.eye(4)}, 2e-7))
    assert len(one.axes) == 1


def test_every_seed_of_the_power_study_is_a_dot(monkeypatch):
    """World by world about its row, the threshold, the pattern at hand, and room at the right for the legend."""
    excess = {"cascade": np.array([0.2, 0.5, 0.3]), "one length": np.array([0.0])}
    words = {"cascade": ("scale-free",) * 3, "one length": ("not scale-free",)}
    figure = figure_of(monkeypatch, draw.verdict_power, VerdictPower(256, excess, words, 0.31))
    [axes] = figure.axes
    dots = unnamed(axes)
    assert dots[0][0] == pytest.approx([0.2, 0.5, 0.3]) and dots[0][1] == pytest.approx([-0.25, 0, 0.25])
    assert dots[1][0] == pytest.approx([0.0]) and dots[1][1] == pytest.approx([1.0])
    assert axes.lines[0].get_color() != axes.lines[1].get_color()  # above half are called scale-free, or not
    assert lines(axes)["threshold 0.12"][0] == pytest.approx([0.12] * 2)
    assert lines(axes)["this pattern 0.31"][0] == pytest.approx([0.31] * 2)
    assert [t.get_text() for t in axes.get_yticklabels()] == ["cascade (model)", "one length (model)"]
    assert axes.get_xlim()[1] == pytest.approx(0.9) and axes.get_xlabel() == "excess breadth (decades)"
    half = {"cascade": ("scale-free", "cannot tell")}
    _, other = style.new_figure()
    draw.verdict_power(VerdictPower(256, {"cascade": np.zeros(2)}, half), axes=other)
    assert other.lines[0].get_color() == axes.lines[1].get_color() and len(legend(other)) == 1
    assert other.get_xlim()[1] == pytest.approx(0.52)


@pytest.mark.parametrize(("called", "same_as"), [(4, 0), (5, 9)])
def test_a_world_that_is_mostly_called_scale_free_has_its_colour(called, same_as):
    """Five of nine seeds are more than half, four are not; none and all nine lie beside it."""
    words = {str(n): ("scale-free",) * n + ("cannot tell",) * (9 - n) for n in (0, called, 9)}
    _, axes = style.new_figure()
    draw.verdict_power(VerdictPower(256, {name: np.zeros(9) for name in words}, words), axes=axes)
    colours = {name: line.get_color() for name, line in zip(words, axes.lines, strict=False)}
    assert colours["0"] != colours["9"] and colours[str(called)] == colours[str(same_as)]


def test_a_slope_is_straight_where_the_counts_are_not():
    """Through 800, 100 and 25 at 1, 4 and 16 voxels: the geometric mean, and √(800/25) from one to the next."""
    found = dataclasses.replace(verdict(), counts=np.array([800.0, 100.0, 25.0]))
    _, axes = style.new_figure()
    draw.draw_box_counts(axes, found)
    middle, step = (800 * 100 * 25) ** (1 / 3), math.sqrt(800 / 25)
    drawn = lines(axes)[f"slope: D = {found.dimension}"][1]
    assert drawn == pytest.approx([middle * step, middle, middle / step])


def test_a_solid_is_even_in_every_box():
    """Nothing is left of an unevenness that is none."""
    solid = GlidingBoxes(SIZES, 1.0, *(np.ones(3),) * 3)
    assert draw._unevenness(solid).tolist() == [0, 0, 0]


def test_sections_in_three_directions(monkeypatch):
    """The middle one across each axis; area fractions in per cent over the place, with the volume's."""
    phase = np.zeros((4, 6, 8), bool)
    phase[2] = phase[:, 3] = True
    phase[:, :, 4] = True
    fractions = {"z": np.array([0.1, 0.3]), "y": np.array([0.2, 0.4, 0.2]), "x": np.array([0.2])}
    cuts = SectionsStudy({name: Quantity(1.7, 0.01) for name in "zyx"}, 0.05, fractions)
    figure = figure_of(monkeypatch, draw.sections, cuts, phases(phase))
    *images, shares = figure.axes
    for axis, panel in enumerate(images):
        assert np.array_equal(panel.images[0].get_array(), phase.take(phase.shape[axis] // 2, axis=axis))
        assert panel.get_xlabel() == f"across {'zyx'[axis]}" and bars(panel) == [50e-9]
    drawn = lines(shares)
    assert drawn["across z"][0] == pytest.approx([0, 1]) and drawn["across z"][1] == pytest.approx([10, 30])
    assert drawn["across y"][0] == pytest.approx([0, 0.5, 1])
    assert drawn["volume 25.0 %"][1] == pytest.approx([25, 25])
    assert shares.get_xlim() == (0, 1) and shares.get_ylim() == pytest.approx((0, 60))
    assert (shares.get_xlabel(), shares.get_ylabel()) == ("place of the section", "area fraction (%)")


def test_correlations_end_at_the_square_of_the_fraction(monkeypatch):
    """One curve an axis over micrometres; beside it the breadth of the sections."""
    correlation = TwoPointCorrelation(np.array([1, 10]), np.array([[0.2, 0.1], [0.3, 0.1], [0.25, 0.1]]), 0.3)
    one = Quantity(1.0, 0.1)
    study = IsotropyStudy(one, {}, one, one, correlation, 50e-9)
    figure = figure_of(monkeypatch, draw.isotropy, study, verdict())
    first, second = figure.axes
    drawn = lines(first)
    assert list(drawn) == ["along z", "along y", "along x", "$f^2$"]
    assert drawn["along y"][0] == pytest.approx([0.05, 0.5]) and drawn["along y"][1] == pytest.approx(
        [0.3, 0.1]
    )
    assert drawn["$f^2$"][1] == pytest.approx([0.09, 0.09])
    assert (first.get_xlabel(), first.get_ylabel()) == ("$r$ (µm)", "$S_2(r)$")
    assert "still solid" in lines(second)


def test_the_budget_of_the_dimension():
    """Changes of D in per cent: σ by its parts, other choices, and what one length alone would give."""
    found = verdict()
    other = SimpleNamespace(dimension=Quantity(1.62, 0.1))
    _, axes = style.new_figure()
    choices = SimpleNamespace(found={"midpoint": other, "otsu": other})
    draw.dimension_budget(found, choices, axes=axes)
    slope = -np.polyfit(np.log(SIZES), np.log([0.4, 0.6, 0.8]), 1)[0]
    ours = -np.polyfit(np.log(SIZES), np.log([0.5, 0.7, 0.9]), 1)[0]
    assert widths(axes) == pytest.approx(
        {
            "blocks (σ)": 2.0,
            "grid origins (σ)": 4.0,
            "choice: otsu": 8.0,
            "one length instead of many": 100 * abs(slope - ours) / 1.5,
        }
    )
    assert axes.get_xlabel() == "change of D (%)"
    _, bare = style.new_figure()
    draw.dimension_budget(verdict(()), SimpleNamespace(found={}), axes=bare)
    assert widths(bare)["one length instead of many"] == 0
