"""Figures of cathodoluminescence by their data: maps, spectra, bands, tests against chance; units, labels, legends."""

from types import SimpleNamespace

import numpy as np
import pytest
from artists import figure_of, legend, lines, millimetres, texts, unnamed

from nbtools.cathodoluminescence import draw
from nbtools.display import style
from nbtools.units import HC, Quantity

LIGHT = np.add.outer(np.arange(20.0), 10 * np.arange(40.0))
SPOT = np.zeros((20, 40), bool)
SPOT[3, 5] = True
PIXEL = 1e-7  # m: a quarter of the width is 1 µm


@pytest.fixture
def axes():
    return style.new_figure()[1]


def check_bar(axes):
    """A bar of 1 µm, ten pixels long, low on the left."""
    [(x, y)] = [line for line in unnamed(axes) if len(line[0]) == 2]
    assert (*x, *y) == pytest.approx((2, 12, 18.6, 18.6))
    [text] = axes.texts
    assert text.get_text() == "1 µm" and text.get_position() == pytest.approx((7, 18.0))


def test_a_map_with_its_bar_its_box_and_its_marks(axes):
    """Every pixel, from the first to the last half percent in colour; half the width is boxed."""
    draw.draw_map(axes, LIGHT, pixel=PIXEL, label="counts", box=0.5, over=SPOT)
    [image] = axes.images
    assert np.asarray(image.get_array()) == pytest.approx(LIGHT)
    assert image.get_clim() == pytest.approx(np.quantile(LIGHT, [0.01, 0.995]))
    assert axes.figure.axes[1].get_ylabel() == "counts"
    for patch in axes.patches:
        assert (patch.get_x(), patch.get_y(), patch.get_width(), patch.get_height()) == (9.5, 4.5, 20, 10)
    [(x, y)] = [line for line in unnamed(axes) if len(line[0]) == 1]
    assert (x, y) == (5, 3)
    check_bar(axes)


def test_a_map_of_unknown_pixels_has_no_bar(axes):
    """Nor a colour bar without a label."""
    draw.draw_map(axes, LIGHT)
    assert not axes.lines and not axes.texts and len(axes.figure.axes) == 1


def test_spectra_as_recorded(axes):
    """Over wavelength, each by its name; spots have their colours."""
    nm = np.linspace(300, 900, 5)
    recorded = {"mean": (nm, nm), "B": (nm, 2 * nm), "D": (nm, 3 * nm)}
    draw.spectra(SimpleNamespace(recorded=recorded), axes=axes)
    assert {name: y[0] for name, (_, y) in lines(axes).items()} == {"B": 600, "D": 900}
    assert [line.get_color() for line in axes.lines] == [style.BLUE, style.ORANGE]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("wavelength (nm)", "counts")
    _, alone = style.new_figure()
    draw.spectra(SimpleNamespace(recorded={"mean": (nm, nm)}), axes=alone)
    assert legend(alone) == ["mean"]


def band_fit():
    """Two bands at 2.0 and 3.1 eV."""
    energy = np.linspace(1.5, 3.5, 201)
    bands = {
        "B_1": 100 * np.exp(-(((energy - 2) / 0.2) ** 2)),
        "B_2": 50 * np.exp(-(((energy - 3.1) / 0.2) ** 2)),
    }
    return SimpleNamespace(
        energy=energy,
        intensity=bands["B_1"] + bands["B_2"] + 1,
        model=bands["B_1"] + bands["B_2"],
        names=("B_1", "B_2"),
        centres=(Quantity(2.0, 0.01, "eV"), Quantity(3.1, 0.01, "eV")),
        predict=lambda energy, band: bands[band],
    )


def test_a_spectrum_with_its_bands(axes):
    """Points, sum and bands over energy; wavelengths above; room for the legend."""
    fit = band_fit()
    draw.bands(SimpleNamespace(fits={"A": None, "B": fit}), axes=axes)
    assert np.array(unnamed(axes)[0]) == pytest.approx(np.array([fit.energy, fit.intensity]))
    drawn = lines(axes)
    assert list(drawn) == legend(axes) == ["B", "2.000 eV, 620 nm", "3.100 eV, 400 nm"]
    assert drawn["B"][1] == pytest.approx(fit.model)
    assert drawn["3.100 eV, 400 nm"][1] == pytest.approx(fit.predict(fit.energy, "B_2"))
    [top] = axes.child_axes
    assert list(top.get_xticks()) == [400, 500, 600, 700] and top.get_xlabel() == "wavelength (nm)"
    assert draw._swap(HC / 2) == pytest.approx(2)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("photon energy (eV)", "intensity per energy (arb.)")
    _, plain = style.new_figure()
    plain.plot(fit.energy, fit.intensity)
    low, high = plain.get_ylim()
    assert axes.get_ylim()[1] == pytest.approx(high + 0.36 * (high - low), rel=0.03)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [((500, 520), [504, 506, 510, 514, 516]), ((500, 503), [500.5, 501, 501.5, 502, 502.5])],
)
def test_wavelengths_are_round(ends, expected):
    """Fewer than a quarter of the range apart."""
    assert draw._round_wavelengths(*ends) == expected


def test_a_spectrum_without_bands_says_so(axes):
    """In words."""
    draw.bands(SimpleNamespace(fits={"A": None}), axes=axes)
    assert texts(axes) == ["no spectrum has bands"] and not axes.axison
    assert axes.texts[0].get_position() == (0.5, 0.5)


@pytest.mark.parametrize(("pixel", "step", "unit"), [(2e-7, 0.2, "µm"), (np.nan, 1.0, "pixels")])
def test_light_along_a_line(axes, pixel, step, unit):
    """A curve a window, over the place."""
    light = np.arange(6.0)[None]
    study = SimpleNamespace(emitter=np.ones((1, 6), bool), windows={"a": light, "b": 2 * light}, pixel=pixel)
    draw.field(study, axes=axes)
    assert lines(axes)["b"][0] == pytest.approx(step * np.arange(6)) and lines(axes)["b"][1][3] == 6
    assert axes.get_xlabel() == f"position ({unit})" and axes.get_ylabel() == "light (counts)"


def field_study(**change):
    """Two windows with their image, and all three tests."""
    null = np.linspace(-0.1, 0.1, 49)
    extra = {
        "unit": "m",
        "distance": [1e-7, 3e-7],
        "low": [0.9, 0.8],
        "high": [1.1, 1.2],
        "profile": [1.5, 1.0],
    }
    given = {
        "emitter": LIGHT > 100,
        "phases": ("MgO", "MgB2 grains"),
        "image": LIGHT / 2,
        "windows": {"350 nm": LIGHT, "520 nm": 2 * LIGHT},
        "spans": {"350 nm": (340.0, 360.0), "520 nm": (510.0, 530.0)},
        "pixel": PIXEL,
        "overlap": SimpleNamespace(null=null, statistic=0.3, p_value=0.0123),
        "profile": SimpleNamespace(extra=extra),
        "channels": SimpleNamespace(
            null=1e-6 * null,
            statistic=2e-6,
            p_value=0.5,
            extra={"unit": "m", "skeleton": SPOT, "longest": SPOT[::-1]},
        ),
        "missing": {"overlap": "too few pixels", "channels": "too few pixels"},
    }
    return SimpleNamespace(**given | change)


def test_a_field_in_its_image_and_windows():
    """The image first, then each window by its ends."""
    _, axes = style.new_figure(3, columns=2)
    draw.field(field_study(), axes=axes)
    assert [one.get_xlabel() for one in axes] == ["SEM image", "340 to 360 nm", "510 to 530 nm"]
    for one, factor in zip(axes, (0.5, 1, 2), strict=True):
        assert np.asarray(one.images[0].get_array()) == pytest.approx(factor * LIGHT)
        check_bar(one)


def test_three_tests_beside_what_chance_gives():
    """Correlation, ratio over distance in µm with that of another world, length of lines in µm."""
    _, axes = style.new_figure(3, columns=2)
    draw.chance(field_study(), axes=axes, rivals={"rim": field_study(), "none": None})
    for panel, statistic, words in ((axes[0], 0.3, "map (p = 0.012)"), (axes[2], 2.0, "map (p = 0.500)")):
        assert sum(bar.get_height() for bar in panel.patches) == 49 and len(panel.patches) == 24
        assert list(lines(panel)[words][0]) == pytest.approx([statistic] * 2)
        assert set(legend(panel)) == {"chance", words} and panel.get_ylabel() == "draws"
    assert axes[2].patches[0].get_x() == pytest.approx(-0.1)
    assert axes[0].get_xlabel() == "correlation beyond the shape"
    assert axes[2].get_xlabel() == "mean length of bright lines (µm)"
    assert np.array(lines(axes[1])["map"]) == pytest.approx(np.array([[0.1, 0.3], [1.5, 1.0]]))
    assert legend(axes[1]) == ["chance (68 %)", "map", "rim"]
    band = axes[1].collections[0].get_paths()[0].vertices
    assert (band.min(axis=0), band.max(axis=0)) == (pytest.approx([0.1, 0.8]), pytest.approx([0.3, 1.2]))
    assert axes[1].get_xlabel() == "distance from MgB$_2$ grains (µm)"
    assert axes[1].get_ylabel() == "520 nm over 350 nm, relative"


def test_where_nothing_could_be_asked_the_reason_stands(axes):
    """Once, in place of a figure."""
    draw.chance(field_study(overlap=None, profile=None, channels=None), axes=axes)
    assert texts(axes) == ["too few pixels"] and not axes.axison


def test_lines_on_the_map_and_the_longest_on_its_emitter():
    """Red where they run."""
    _, axes = style.new_figure(2, columns=2)
    draw.channels(field_study(), axes=axes)
    assert np.asarray(axes[0].images[0].get_array()) == pytest.approx(2 * LIGHT)
    assert np.asarray(axes[1].images[0].get_array()) == pytest.approx(1.0 * (LIGHT > 100))
    marks = [next(line for line in unnamed(one) if len(line[0]) == 1) for one in axes]
    assert [(x[0], y[0]) for x, y in marks] == [(5, 3), (5, 16)]
    assert [one.get_xlabel() for one in axes] == ["all bright lines", "the longest, on MgO"]


def test_the_area_of_each_band():
    """The last of them where the panels are fewer, by wavelength and energy."""
    centres = np.broadcast_to([1.8, 2.48, 3.2], (20, 40, 3))
    maps = SimpleNamespace(
        bands=("B_1", "B_2", "B_3"),
        success=np.ones((20, 40), bool),
        centres=centres,
        areas=LIGHT[..., None] * [1, 2, 3],
    )
    _, axes = style.new_figure(2, columns=2)
    draw.band_maps(SimpleNamespace(maps=maps, pixel=PIXEL), axes=axes)
    assert [one.get_xlabel() for one in axes] == ["500 nm, 2.480 eV", "387 nm, 3.200 eV"]
    assert np.asarray(axes[1].images[0].get_array()) == pytest.approx(3 * LIGHT)


@pytest.mark.parametrize("micrometres", [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50])
def test_a_bar_is_a_round_length_near_a_quarter_of_the_width(axes, micrometres):
    """Of the 1, 2, 5 series, by its ratio to that."""
    for share in (0.75, 1.35):
        axes.clear()
        draw.draw_map(axes, LIGHT, pixel=1e-6 * share * micrometres / 10)
        assert axes.texts[0].get_text() == f"{micrometres:g} µm"
        [(x, _)] = [line for line in unnamed(axes) if len(line[0]) == 2]
        assert x == pytest.approx([2, 2 + 10 / share])


@pytest.mark.parametrize("step", [0.5, 1, 2, 5, 10, 20, 50, 100])
def test_wavelengths_are_multiples_of_a_round_step(step):
    """The largest that goes more than four times into the range; five places evenly spread in energy."""
    found = draw._round_wavelengths(400, 400 + 4.1 * step)
    energies = np.linspace(HC / (400 + 4.1 * step), HC / 400, 7)[1:-1]
    assert found == sorted({round(HC / energy / step) * step for energy in energies})


def test_more_spectra_than_colours(axes):
    """The colours come again; A is black, B blue and C green."""
    nm = np.linspace(300, 900, 5)
    recorded = {name: (nm, nm) for name in ["A", "B", "C", *"defghijk"]}
    draw.draw_spectra(axes, recorded)
    colours = [line.get_color() for line in axes.lines]
    assert colours[:4] == [style.BLACK, style.BLUE, style.GREEN, style.ORANGE] and colours[9] == style.ORANGE


def test_tests_in_pixels_where_their_size_is_not_known():
    """Lengths and distances are then in pixels."""
    study = field_study()
    study.channels.extra["unit"] = study.profile.extra["unit"] = "px"
    _, axes = style.new_figure(3, columns=2)
    draw.chance(study, axes=axes)
    assert axes[2].get_xlabel() == "mean length of bright lines (pixels)"
    assert list(lines(axes[2])["map (p = 0.500)"][0]) == pytest.approx([2e-6] * 2)
    assert axes[1].get_xlabel() == "distance from MgB$_2$ grains (pixels)"
    assert lines(axes[1])["map"][0] == pytest.approx([1e-7, 3e-7])
    one = field_study(windows={"520 nm": LIGHT}, overlap=None)
    _, axes = style.new_figure(2, columns=2)
    draw.chance(one, axes=axes)
    assert axes[0].get_ylabel() == "520 nm, relative"


def test_where_no_lines_were_looked_for_the_reason_stands():
    """In both panels, and nothing else."""
    _, axes = style.new_figure(2, columns=2)
    draw.channels(field_study(channels=None), axes=axes)
    assert [texts(one) for one in axes] == [["too few pixels"]] * 2 and not any(one.axison for one in axes)


def test_areas_along_a_line(axes):
    """A curve a band, by wavelength and energy."""
    maps = SimpleNamespace(
        bands=("B_1", "B_2"),
        success=np.ones((1, 6), bool),
        centres=np.broadcast_to([2.0, 3.1], (1, 6, 2)),
        areas=np.arange(6.0)[None, :, None] * [1, 2],
    )
    draw.band_maps(SimpleNamespace(maps=maps, pixel=2e-7), axes=axes)
    drawn = lines(axes)
    assert list(drawn) == ["620 nm, 2.000 eV", "400 nm, 3.100 eV"]
    assert drawn["400 nm, 3.100 eV"][1] == pytest.approx(2 * np.arange(6))
    assert drawn["620 nm, 2.000 eV"][0] == pytest.approx(0.2 * np.arange(6))


def test_figures_have_a_panel_for_each_part(monkeypatch):
    """Of spectra two at most, of bands four at most; a line is one."""
    fits = dict.fromkeys("ABC", band_fit())
    for names, count in (("A", 1), ("AB", 2), ("ABC", 2)):
        figure = figure_of(monkeypatch, draw.bands, SimpleNamespace(fits={n: fits[n] for n in names}))
        assert [legend(one)[0] for one in figure.axes[:count]] == list(names[-count:])
    assert len(figure_of(monkeypatch, draw.field, field_study()).axes) == 3
    assert len(figure_of(monkeypatch, draw.field, field_study(image=None)).axes) == 2
    assert len(figure_of(monkeypatch, draw.chance, field_study(overlap=None)).axes) == 2
    none = field_study(overlap=None, profile=None, channels=None)
    assert len(figure_of(monkeypatch, draw.chance, none).axes) == 1
    line = field_study(emitter=np.ones((1, 6), bool), windows={"a": np.ones((1, 6))})
    assert len(figure_of(monkeypatch, draw.field, line).axes) == 1
    maps = SimpleNamespace(
        bands=tuple("abcde"),
        success=np.ones((20, 40), bool),
        centres=np.broadcast_to([1.8, 2.0, 2.2, 2.4, 3.0], (20, 40, 5)),
        areas=LIGHT[..., None] * np.ones(5),
    )
    figure = figure_of(monkeypatch, draw.band_maps, SimpleNamespace(maps=maps, pixel=PIXEL))
    assert [one.get_xlabel().partition(",")[0] for one in figure.axes] == [
        "620 nm",
        "564 nm",
        "517 nm",
        "413 nm",
    ]


def test_figures_fill_a_column_or_two(monkeypatch):
    """Width and height in mm."""
    nm = np.linspace(300, 900, 5)
    maps = SimpleNamespace(
        bands=("a", "b"),
        success=np.ones((20, 40), bool),
        centres=np.broadcast_to([1.8, 2.0], (20, 40, 2)),
        areas=LIGHT[..., None] * np.ones(2),
    )
    fits = {"A": band_fit(), "B": band_fit()}
    results = {
        draw.spectra: SimpleNamespace(recorded={"B": (nm, nm)}),
        draw.bands: SimpleNamespace(fits=fits),
        draw.field: field_study(image=None),
        draw.band_maps: SimpleNamespace(maps=maps, pixel=PIXEL),
        draw.chance: field_study(overlap=None),
        draw.channels: field_study(),
    }
    found = {}
    for drawing, result in results.items():
        figure = figure_of(monkeypatch, drawing, result)
        found[drawing.__name__] = (
            round(millimetres(figure)),
            round(float(figure.get_size_inches()[1] * 25.4)),
        )
    assert found == {
        "spectra": (86, 64),
        "bands": (178, 67),
        "field": (178, 58),
        "band_maps": (178, 52),
        "chance": (178, 58),
        "channels": (178, 66),
    }
