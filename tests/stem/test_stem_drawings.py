"""The drawings and tables of planted images, by their data: places, units, labels, what is counted."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import stem_worlds as worlds
from matplotlib.colors import to_hex

from nbtools import stem
from nbtools.stem.boundary import estimate_layers
from nbtools.stem.columns import estimate_columns
from nbtools.stem.elements import estimate_islands
from nbtools.stem.image import check_lattice_image
from nbtools.stem.interface import estimate_grains, estimate_parallel_planes
from nbtools.stem.terraces import estimate_terraces

SIZE = 300
SIDE = SIZE * worlds.PIXEL * 1e9  # nm
ANGLE = (
    np.pi / 2
)  # of the planted boundary's normal, which points down: the line runs along x through the middle


def lattice_image(values, name="mine"):
    return check_lattice_image(values, worlds.PIXEL, name=name)


@pytest.fixture(scope="module")
def grains():
    """MgO over MgB2, both along their fourfold and sixfold axes, with {200} and {10-10} or {11-20} parallel."""
    rng = np.random.default_rng(1)
    zones, turns = ((0, 0, 1), (0, 0, 1)), (0.2, 0.2)
    image = worlds.two_phases(rng, zones, turns, size=SIZE, angle=ANGLE)
    return estimate_grains(lattice_image(image), worlds.CRYSTALS)


@pytest.fixture(scope="module")
def layers(grains):
    return estimate_layers(grains)


@pytest.fixture(scope="module")
def stepped():
    """Two steps of a boundary along planes of MgB2, with the planted planes and their spacing."""
    rng = np.random.default_rng([1, 9])
    image, planes, spacing = worlds.stepped_phases(rng, count=2, size=400)
    grains = estimate_grains(lattice_image(image), worlds.CRYSTALS)
    return estimate_terraces(grains), planes, spacing


@pytest.fixture
def axes():
    figure, panels = plt.subplots(1, 4)
    yield panels
    plt.close(figure)


def points(line):
    return np.column_stack(line.get_data())


def test_grains_are_drawn_over_their_image(grains, axes):
    """Outlines along the planted boundary; a bar as long as it says; spots where the planes' spacings put them."""
    stem.draw.grains(grains, axes=axes)
    image = axes[0]
    assert image.get_xlim() == pytest.approx((0, SIDE)) and image.get_ylim() == pytest.approx((SIDE, 0))
    bar = next(line for line in image.lines if to_hex(line.get_color()) == "#ffffff")
    (label,) = (text.get_text() for text in image.texts)
    assert np.ptp(bar.get_xdata()) == pytest.approx(float(label.removesuffix(" nm")))
    # The upper grain's outline is below the image's upper half, and near the middle where it is not the rim.
    outlines = [
        path.vertices for part in image.collections for path in part.get_paths() if len(path.vertices)
    ]
    inner = np.concatenate(outlines)
    inner = inner[np.all((inner > 0.2) & (inner < SIDE - 0.2), axis=1)]
    assert np.median(inner[:, 1]) == pytest.approx(SIDE / 2, abs=0.3)
    assert [panel.texts[-1].get_text() for panel in axes[1:]] == [
        "whole image",
        "MgO [1 0 0]",
        "MgB2 [0 0 1]",
    ]
    for panel, spacing in ((axes[2], 0.42119 / 2), (axes[3], 0.30861 * np.sqrt(3) / 2)):
        k = np.concatenate([np.hypot(*points(line).T) for line in panel.lines])
        assert k.min() == pytest.approx(1 / spacing, rel=0.01)
        assert len(panel.lines) % 2 == 0 and panel.get_ylim()[0] > panel.get_ylim()[1]


def test_the_table_of_grains(grains):
    """Two grains, their zones, and the widest planes' spacings by their own spots."""
    rows = {row.label: row for row in grains.rows()}
    assert float(rows["grains"].quantity) == 2
    assert float(rows["MgO {200}, spacing"].quantity) == pytest.approx(2.106e-10, rel=0.01)
    assert float(rows["MgB2 {10-10}, spacing"].quantity) == pytest.approx(2.6726e-10, rel=0.01)
    assert any("MgO as standard" in note and "compared with MgO, MgB2" in note for note in grains.notes())


def test_the_chance_of_parallel_planes(grains, axes):
    """Rises with the angle that is allowed, in percent; the found angle is marked."""
    study = estimate_parallel_planes(grains)
    stem.draw.chance(study, axes=axes[0])
    curve, mark = axes[0].lines
    angle, share = points(curve).T
    first = study.interfaces[0].parallel_planes[0]
    assert np.all(np.diff(share) >= 0) and share[0] == 0 and 0 < share[-1] <= 100
    (name, angles, shares, found), *_ = study.chances()
    assert np.allclose(share, 100 * shares) and np.allclose(angle, angles) and first.families in name
    assert mark.get_xdata()[0] == pytest.approx(abs(float(first.angle))) == pytest.approx(found)
    labels = {row.label: row.quantity for row in study.rows()}
    assert abs(float(labels[first.families])) < 0.3
    assert float(labels["misfit of 5:4"]) == pytest.approx(-0.0151, abs=1e-4)


def test_columns_lie_on_their_bright_places(grains, axes):
    """A close-up of 3 nm a side; the marks of magnesium on pixels brighter than the mean; each element has a colour."""
    study = estimate_columns(grains)
    stem.draw.columns(study, axes=axes[:2])
    plane = grains.image.plane
    for panel, columns, name in zip(axes, study.columns, study.names, strict=False):
        assert panel.get_title(loc="left") == name
        assert abs(np.ptp(panel.get_xlim())) == pytest.approx(3.0)
        assert abs(np.ptp(panel.get_ylim())) == pytest.approx(3.0)
        legend = [text.get_text() for text in panel.get_legend().get_texts()]
        assert set(legend) == set(map(str, columns.elements))
        marks = {line.get_label(): line for line in panel.lines if line.get_label() in legend}
        x, y = np.rint(
            marks[next(e for e in legend if "Mg" in e)].get_data() / np.array(worlds.PIXEL * 1e9)
        ).astype(int)
        assert plane[y, x].mean() > 1.5 * plane.mean()
        assert len({to_hex(line.get_color()) for line in marks.values()}) == len(legend)
    rows = {row.label: row for row in study.rows()}
    for name, fit in zip(study.names, study.fits, strict=True):
        assert float(rows[f"{name}, columns"].quantity) == fit.converged.sum()
        pixel = float(np.median(fit.uncertainties[fit.converged]))
        assert float(rows[f"{name}, σ of a coordinate"].quantity) == pytest.approx(pixel * worlds.PIXEL)


def test_a_layer_is_drawn_where_it_is(layers, axes):
    """Both contours along the planted line; shares fall from 1 to 0 and back, and cross at a half at the same place."""
    stem.draw.layer(layers, axes=axes[:2])
    contours = [points(line) for line in axes[0].lines if line.get_marker() == "."]
    assert len(contours) == 2
    for contour in contours:
        assert np.nanmedian(contour[:, 1]) == pytest.approx(SIDE / 2, abs=0.1)
        assert np.nanmax(contour[:, 0]) - np.nanmin(contour[:, 0]) > 0.7 * SIDE
    first, second, half = axes[1].lines
    assert half.get_ydata()[0] == 0.5
    for line, deep in ((first, 1), (second, -1)):
        across, share = points(line).T
        assert share[np.abs(across - 1.5 * deep) < 0.3].mean() == pytest.approx(1.0, abs=0.1)
        assert share[np.abs(across + 1.5 * deep) < 0.3].mean() == pytest.approx(0.0, abs=0.1)
        assert np.interp(0.0, across, share) == pytest.approx(0.5, abs=0.1)
    assert axes[1].get_legend().get_texts()[0].get_text() == "MgO [1 0 0] | MgB2 [0 0 1]"
    assert "(nm)" in axes[1].get_xlabel() and axes[1].get_xlim() == (-2, 2)


def test_the_table_of_a_layer(layers):
    """The width and its limit are those of the one boundary; none is found, and the allowance is said."""
    (found,) = layers.widths.values()
    rows = {row.label: row for row in layers.rows()}
    assert rows["layer"].quantity is found.width and rows["layer"].name == "mine_width"
    assert float(rows["layer below"].quantity) == found.upper_limit_95 < 0.4e-9
    assert rows["overlap in projection"].quantity is found.overlap
    assert layers.widest is found and not found.disordered
    assert any("no layer beyond the error" in note for note in layers.notes())
    assert any("0.05 nm" in note and "assumption" in note for note in layers.notes())


def test_terraces_are_drawn_at_the_planted_heights(stepped, axes):
    """Steps of whole planes up and down as planted; the line lies among the columns that are there and not."""
    study, planes, spacing = stepped
    assert worlds.as_planted(study.steps, planes, spacing) < 0.1
    stem.draw.terraces(study, axes=axes[:2])
    found, fitted = axes[1].lines
    height = points(fitted)[:, 1]
    jumps = np.diff(height)[np.abs(np.diff(height)) > 0.05]
    assert np.sort(np.abs(jumps)) == pytest.approx(np.sort(np.abs(planes)) * spacing * 1e9, rel=0.02)
    assert np.median(np.abs(points(found)[:, 1] - height)) < 0.5 * spacing * 1e9
    assert [text.get_text() for text in axes[1].get_legend().get_texts()] == ["last plane", "2 steps"]
    said = sorted(abs(float(text.get_text().removesuffix(" nm"))) for text in axes[1].texts)
    assert said == pytest.approx(np.sort(np.abs(jumps)), abs=0.006)
    there, gone = (line for line in axes[0].lines if line.get_label() in ("there", "not"))
    line = study.line
    assert len(points(there)) == (line.shares > 0.5).sum() and len(points(gone)) == (line.shares <= 0.5).sum()
    # The grain lies on one side: its columns that are there lie deeper than those that are not.
    normal = np.array([line.tangent[1], -line.tangent[0]])
    depths = [np.median((points(part)[:, ::-1] - 1e9 * line.origin) @ normal) for part in (there, gone)]
    side = next(n for n, s in enumerate(study.interface.solutions) if s.crystal == line.crystal)
    assert bool(depths[0] > depths[1]) == (side == 0)


def test_the_table_of_terraces(stepped):
    """Number, mean height and each step, with how many planes it is."""
    study, planes, spacing = stepped
    rows = study.rows()
    assert float(rows[0].quantity) == len(planes) and rows[0].name == "mine_steps"
    assert float(rows[1].quantity) == pytest.approx(np.mean(np.abs(planes)) * spacing, rel=0.02)
    counted = sorted(abs(int(row.how.split()[0])) for row in rows[2:])
    assert counted == sorted(map(abs, planes))
    assert any("0.5 %" not in note and f"{1e9 * spacing:.4f} nm" in note for note in study.notes())


def test_islands_are_drawn_where_boron_is(axes):
    """Discs of boron in oxygen: as many islands, their share of the area, outlines on their rims."""
    y, x = np.mgrid[:200, :200]
    discs = np.zeros((200, 200), bool)
    for cy, cx in ((50, 50), (50, 150), (150, 50), (150, 150)):
        discs |= (y - cy) ** 2 + (x - cx) ** 2 < 30**2
    rng = np.random.default_rng(0)
    maps = {"B": rng.poisson(20.0 * discs) + 0.0, "O": rng.poisson(20.0 * ~discs) + 0.0}
    study = estimate_islands(maps, 1e-9, {})
    share = 4 * np.pi * 30**2 / 200**2
    rows = {row.label: row for row in study.rows()}
    assert float(rows["islands"].quantity) == 4
    assert float(rows["area of boride"].quantity) == pytest.approx(share, rel=0.03)
    assert float(rows["mean curvature"].quantity) == pytest.approx(1 / 30e-9, rel=0.15)
    stem.draw.islands(study, axes=axes[:2])
    colours = axes[0].images[0].get_array()
    assert colours[25, 25, 0] > colours[25, 25, 1] and colours[50, 50, 1] > colours[50, 50, 0]
    labels = axes[1].images[0].get_array()
    assert labels[100, 100, :3].sum() == 0 and labels[50, 50, :3].sum() > 0
    convex, concave = axes[1].collections
    places = np.concatenate([np.asarray(part.get_offsets()) for part in (convex, concave)])
    centres = np.array([(50, 50), (50, 150), (150, 50), (150, 150)])
    radius = np.linalg.norm(places[:, None] - centres, axis=-1).min(axis=1)
    assert np.median(radius) == pytest.approx(30, abs=2)
    assert len(convex.get_offsets()) > 5 * len(concave.get_offsets())


def test_a_map_that_is_missing_is_named():
    """Boron without oxygen."""
    with pytest.raises(ValueError, match="maps of B and O are needed, and the files hold B"):
        estimate_islands({"B": np.ones((64, 64))}, 1e-9, {})
