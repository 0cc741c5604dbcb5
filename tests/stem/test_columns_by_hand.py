"""The parts of placing and fitting columns against answers by hand: templates, levels, cells, kinds, heights."""

import numpy as np
import pytest

from nbtools import stem
from nbtools.files.crystal import own_crystal
from nbtools.physics.crystal_lattice import viewing_axes
from nbtools.results import NotPossible
from nbtools.stem import columns as c
from nbtools.stem.image import LatticeImage
from nbtools.stem.indexing import index_spots
from nbtools.stem.model_image import atomic_numbers, zone_spots
from nbtools.stem.spots import Spots

PIXEL = 0.02e-9
EVERY = np.argwhere(np.ones((40, 50), bool))


def test_templates_of_columns():
    """A Gaussian of height 1 on the pixels that are asked for, out to 3.2 widths; columns beyond them add nothing."""
    places = np.array([(12.3, 20.6), (39.5, 0.0), (20.0, 20.0)])
    pixels = EVERY[EVERY[:, 0] < 30]
    found = c.column_templates(pixels, (40, 50), places, 2.0).toarray()
    expected = np.exp(-np.sum((pixels[:, None] - places) ** 2, axis=-1) / 8)
    assert found == pytest.approx(expected, abs=np.exp(-(3.2**2) / 2))
    assert found[:, 0].max() == pytest.approx(np.exp(-(0.3**2 + 0.4**2) / 8))
    corner = np.flatnonzero(np.all(pixels == (12 + 7, 20), axis=1))
    assert found[corner, 0] == pytest.approx(np.exp(-(6.7**2 + 0.6**2) / 8))
    assert not found[:, 1].any()


def test_a_level_of_hats():
    """Hats add up to one everywhere and follow a plane exactly; nodes that no pixel feels are left out."""
    hats = c.level_hats(EVERY, 8.0).toarray()
    inner = np.all(EVERY < (32, 40), axis=1)  # nodes at the far rim that few pixels feel are left out, too
    assert hats[inner].sum(axis=1) == pytest.approx(1.0) and hats.min() >= 0
    plane = 3 + 0.2 * EVERY[:, 0] - 0.1 * EVERY[:, 1]
    left = (plane - hats @ np.linalg.lstsq(hats[inner], plane[inner], rcond=None)[0])[inner]
    assert np.abs(left).max() < 1e-9
    few = c.level_hats(EVERY[EVERY[:, 1] < 9], 8.0)
    assert few.shape[1] < hats.shape[1] and few.sum(axis=0).min() > 0.5


def test_fits_without_noise():
    """Height, place, width and level to a millionth; batches and neighbours that overlap change nothing."""
    rng = np.random.default_rng(0)
    places = np.array([(y, x) for y in range(12, 90, 9) for x in range(12, 90, 9)], float)
    places += rng.uniform(-0.4, 0.4, places.shape)
    heights = rng.uniform(2, 9, len(places))
    y, x = np.mgrid[:100, :100]
    image = 5 + sum(
        h * np.exp(-((y - a) ** 2 + (x - b) ** 2) / (2 * 1.5**2))
        for h, (a, b) in zip(heights, places, strict=True)
    )
    found = stem.refine_columns(image, places + rng.uniform(-0.5, 0.5, places.shape))
    assert found.converged.all() and len(found) == len(places)
    assert found.positions == pytest.approx(places, abs=2e-3)
    assert found.amplitudes == pytest.approx(heights, rel=5e-3)
    assert found.widths == pytest.approx(1.5, rel=0.015)
    dark = stem.refine_columns(-image, places)
    assert dark.amplitudes == pytest.approx(-heights, rel=5e-3)
    far = stem.refine_columns(image, [[12.0 + 5, 12.0 + 4]], radius=4.0)
    assert not far.converged[0] and np.isinf(far.uncertainties[0])
    assert far.positions[0] == pytest.approx([17, 16])


def test_the_error_of_a_coordinate():
    """Of a Gaussian of height h and width w on white noise σ: σ/h · √2/√π for each (Cramér and Rao)."""
    rng = np.random.default_rng(1)
    places = np.array([(y, x) for y in range(15, 286, 18) for x in range(15, 286, 18)], float)
    y, x = np.arange(300)[:, None] - places[:, 0], np.arange(300)[:, None] - places[:, 1]
    image = 5 * np.exp(-(y**2) / 18) @ np.exp(-(x**2) / 18).T + 0.1 * rng.normal(size=(300, 300))
    found = stem.refine_columns(image, places, radius=9.0)
    expected = 0.1 / 5 * np.sqrt(2 / np.pi)
    assert np.median(found.uncertainties) == pytest.approx(expected, rel=0.05)
    assert np.std(found.positions - places) == pytest.approx(expected, rel=0.1)


def test_the_radius_that_counts():
    """0.55 of the distance to the nearest, between 2 and 25 pixels; five of one column alone."""
    for apart, expected in ((10.0, 5.5), (1.0, 2.0), (100.0, 25.0)):
        grid = apart * np.argwhere(np.ones((3, 3)))
        assert c._usual_radius(grid) == pytest.approx(expected)
    assert c._usual_radius(np.zeros((1, 2))) == 5.0


def test_atoms_behind_each_other_are_one_column():
    """Nearer than the limit: one place, their mean, named together; three in a chain are two."""
    places = np.array([(0, 0), (0, 0.5), (5, 5), (9, 0), (9, 0.9), (9, 1.8)], float)
    elements = np.array(["O", "Mg", "B", "Mg", "Mg", "Mg"])
    found = c._once(places, elements, 1.0)
    assert found.positions == pytest.approx(np.array([(0, 0.25), (5, 5), (9, 0.45), (9, 1.8)]))
    assert found.elements.tolist() == ["Mg+O", "B", "Mg", "Mg"]
    assert found.of("B") == pytest.approx(np.array([[5, 5]]))
    assert not len(c._once(np.zeros((0, 2)), np.zeros(0, str), 1.0).positions)


def test_whole_cells_of_a_net():
    """The nearest lattice vector; of three projected vectors the two that span most."""
    net = np.array([(2.0, 0.0), (0.0, 3.0), (0.1, 0.1)])
    assert c._widest_pair(net, [(0, 1), (0, 2), (1, 2)]) == (0, 1)
    assert c._whole_cells(np.array([4.9, -3.2]), net) == pytest.approx([4.0, -3.0])


def test_columns_of_exact_waves():
    """Waves of rock salt whose corner is planted: all columns on its places, Mg where Mg is, dark or not."""
    crystal, turn, corner = own_crystal("MgO"), 0.3, np.array([0.13e-9, -0.06e-9])
    hkl, places = zone_spots(crystal, (0, 1, 1), 0.1e-9)
    weights = atomic_numbers(crystal) ** 1.7
    waves = np.exp(-2j * np.pi * hkl @ crystal.positions.T) @ weights
    turned = places @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]).T
    half = (turned[:, 1] > 0) & (np.abs(waves) > 1)
    k, f = turned[half], waves[half]
    order = np.argsort(-np.abs(f), kind="stable")
    k, f = k[order], f[order]
    mask = np.zeros((200, 240), bool)
    mask[:, 40:] = True
    for dark in (False, True):
        phases = np.angle(f) - 2 * np.pi * k @ corner + np.pi * dark
        spots = Spots(k, np.full(len(k), 1e6), np.abs(f), phases, 1e6 * np.abs(f) ** 2, 1e-3, 4e-9)
        best = index_spots(spots, {"MgO": crystal}).best
        found = c.place_columns(best, spots, mask, PIXEL, dark=dark)
        from_middle = PIXEL * (found.positions - (np.array(mask.shape) - 1) / 2)
        # A crest of every wave lies on every column of the stronger element.
        strong = from_middle[found.elements == "Mg"] if "Mg" in found.elements else from_middle
        image = np.cos(2 * np.pi * strong @ k.T + phases - np.pi * dark) @ np.abs(f)
        assert image.min() > 0.99 * np.abs(image).max()
        inside = np.rint(found.positions).astype(int)
        assert mask[tuple(inside.T)].all() and set(found.elements) == {"Mg", "O"}
        area = mask.sum() * PIXEL**2
        cell = crystal.lengths[0] ** 2 / np.sqrt(2) / 2
        assert np.sum(found.elements == "Mg") == pytest.approx(area / cell, rel=0.05)
    stretch = c.deformation(best, spots)
    assert stretch @ stretch.T == pytest.approx(np.eye(2), abs=1e-6)
    assert viewing_axes(crystal, best.zone).shape == (2, 3)


@pytest.fixture(scope="module")
def two_kinds():
    """Strong and faint columns on a slope, with their places, as an image with noise of 0.02."""
    places = np.array([(y, x) for y in range(20, 130, 12) for x in range(20, 130, 12)], float)
    strong = np.add(*np.divmod(np.arange(100), 10)) % 2 == 0
    y, x = np.mgrid[:150, :150]
    heights = np.where(strong, 4.0, 1.0)
    image = 10 + 0.01 * y
    image = image + sum(
        h * np.exp(-((y - a) ** 2 + (x - b) ** 2) / 18) for h, (a, b) in zip(heights, places, strict=True)
    )
    image += 0.02 * np.random.default_rng(0).normal(size=image.shape)
    return image, c.LatticeColumns(places, np.where(strong, "Mg", "B"))


def test_heights_all_at_once(two_kinds):
    """Over a slope, with faint ones; what is left is the noise."""
    image, placed = two_kinds
    heights, left = c.column_heights(image, placed, 3.0, 40.0)
    assert np.median(heights[placed.elements == "Mg"]) == pytest.approx(4.0, rel=0.01)
    assert np.median(heights[placed.elements == "B"]) == pytest.approx(1.0, rel=0.02)
    assert left == pytest.approx(0.02, rel=0.1)


def test_contrast_of_kinds(two_kinds):
    """Faint over strong with what 2 % of the width does to it; too few, or columns that are no Gaussians: not given."""
    image, placed = two_kinds
    picture = LatticeImage("x", image, PIXEL, False, 0.0)
    fit = stem.refine_columns(image, placed.positions)
    ((name, ratio),) = c._contrasts(picture, placed, fit, 0.03).items()
    assert name == "B over Mg" and abs(ratio - 0.25) < 2.5 * ratio.uncertainty < 0.04
    one, other = (
        c.column_heights(image, placed, scale * float(np.median(fit.widths[placed.elements == "Mg"])), 40.0)[
            0
        ]
        for scale in (1.0, 1.02)
    )
    by_width = [
        np.median(h[placed.elements == "B"]) / np.median(h[placed.elements == "Mg"]) for h in (one, other)
    ]
    scatter = c._ratio(one[placed.elements == "B"], one[placed.elements == "Mg"]).uncertainty
    assert ratio.uncertainty == pytest.approx(np.hypot(scatter, np.diff(by_width)[0]), rel=1e-3)
    with pytest.raises(NotPossible, match=r"times the noise"):
        c._contrasts(picture, placed, fit, 0.02)
    few = c.LatticeColumns(placed.positions, np.where(np.arange(100) < 7, "B", "Mg"))
    assert c._contrasts(picture, few, fit, 0.02) == {}


def test_the_ratio_of_medians():
    """1.25 times the error of a mean for each; NaN counts for nothing."""
    weak, strong = np.r_[np.tile([0.9, 1.1], 50), np.nan], np.tile([3.8, 4.2, 4.0], 40)
    found = c._ratio(weak, strong)
    parts = 1.25 * 0.1 / 10 / 1.0, 1.25 * np.std(strong) / np.sqrt(120) / 4.0
    assert found == pytest.approx(0.25) and found.uncertainty == pytest.approx(0.25 * np.hypot(*parts))
