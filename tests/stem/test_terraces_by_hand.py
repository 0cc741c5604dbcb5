"""Last planes and steps against small boundaries worked out by hand: which cuts, which price, which columns."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse

from nbtools.files.crystal import own_crystal
from nbtools.physics.crystal_lattice import plane_spacing
from nbtools.results import NotPossible
from nbtools.stem import terraces as t
from nbtools.stem.image import LatticeImage
from nbtools.stem.terraces import Presence

NM = 1e-9
D = 0.2 * NM
COUNT = 60


def line(last, *, weight=9.0, others=None, spacing=D, levels=range(-6, 7), phase=0.0):
    """A boundary whose last plane at each of 60 bins is given; a column a bin and a plane says so with χ² `weight`."""
    levels = np.array(levels)
    planes = np.arange(levels[0], levels[-1]) + 0.5
    present = planes[None] < np.asarray(last)[:, None]
    # Ended at a level, a column under it should be there and one over it not.
    wrong = present[:, None, :] != (planes[None] < levels[:, None])[None]
    places = np.zeros((2, 0)) if others is None else others[0]
    costs = np.zeros((2, places.shape[1])) if others is None else others[1]
    return t.LastPlanes(
        along=np.arange(COUNT) * t.BIN,
        levels=(levels + phase) * spacing,
        costs=weight * wrong.sum(axis=2),
        spacing=spacing,
        stretch=1.01,
        hkl=(1, 0, 0),
        crystal="MgO",
        origin=np.array([3.0, 1.0]) * NM,
        tangent=np.array([0.0, 1.0]),
        columns=np.zeros((0, 2)),
        shares=np.zeros(0),
        sigmas=np.zeros(0),
        others=places,
        other_costs=costs,
    )


def stepped(*cuts):
    """Heights in planes with (bin, rise) steps."""
    last = np.zeros(COUNT)
    for place, rise in cuts:
        last[place:] += rise
    return last


@pytest.mark.parametrize("cuts", [(), ((20, 2),), ((15, -1), (41, 3)), ((10, 2), (25, -3), (44, 1))])
def test_planted_steps(cuts):
    """As many, where they are and how high, with the picometres of relaxation as error."""
    found = t.find_steps(line(stepped(*cuts)))
    assert found.count == len(cuts)
    assert [float(p) for p in found.positions] == pytest.approx([(c - 0.5) * t.BIN for c, _ in cuts])
    assert [float(h) for h in found.heights] == pytest.approx([rise * D for _, rise in cuts])
    assert all(h.uncertainty == pytest.approx(np.sqrt(2) * 5e-12, rel=0.01) for h in found.heights)
    assert all(p.uncertainty == pytest.approx(t.BIN) for p in found.positions)
    assert found.fitted == pytest.approx(stepped(*cuts) * D)
    if cuts:
        mean = found.mean_height
        assert mean == pytest.approx(np.mean([abs(rise) for _, rise in cuts]) * D)
        assert (
            mean.uncertainty == pytest.approx(np.sqrt(2 / len(cuts)) * 5e-12, rel=0.01) and mean.unit == "m"
        )
    else:
        assert np.isnan(found.mean_height)


def test_each_step_costs_three_logarithms_of_the_places():
    """The criterion of the right stairs is their price; a dear step is left out where its columns gain less."""
    steps = t.find_steps(line(stepped((20, 2)), weight=1.0))
    unit = np.log(COUNT)
    assert steps.penalties[1] == pytest.approx(3 * unit)
    # Without it a level line has two planes wrong in 20 bins, a sloping one 20 planes in all and its own price.
    assert steps.penalties[0] == pytest.approx(20 + 3 * unit)
    assert steps.priced(32 / unit).count == 1 and steps.priced(33 / unit).count == 0
    assert len(steps.penalties) == 12  # of 60 bins, terraces of five at least
    assert len(t.find_steps(line(stepped()), most=3).penalties) == 4


def test_terraces_have_five_bins_at_least():
    """A notch of three columns is no terrace."""
    found = t.find_steps(line(stepped((20, 4), (23, -4)), weight=30.0), penalty=0.1)
    assert min(np.diff([float(p) for p in found.positions]), default=1.0) > 4.5 * t.BIN


def test_an_uncertain_height():
    """Two levels that columns tell apart by χ² = 2 only: the odds of the other are in σ."""
    last = line(stepped((30, 2)), weight=9.0)
    costs = last.costs.copy()
    costs[30:] = 50.0
    costs[30:, 8] = 0.0  # two planes up
    costs[30:, 9] = 2.0 / 30  # three
    found = t.find_steps(replace(last, costs=costs))
    odds = np.exp(-1.0) / (1 + np.exp(-1.0))
    assert found.count == 1 and found.heights[0] == pytest.approx(2 * D)
    assert found.heights[0].uncertainty == pytest.approx(np.sqrt(odds * D**2 + 2 * 25e-24), rel=1e-6)


def test_a_slope_of_many_planes_is_no_step():
    """Five planes over the whole length, evenly: one line across the planes, at the price of one step."""
    rise = (np.arange(COUNT) - COUNT / 2) * 5 / COUNT
    found = t.find_steps(line(np.floor(rise + 0.51), weight=20.0))
    assert found.count == 0 and np.ptp(found.fitted) > 4 * D
    assert found.penalties[0] <= 3 * np.log(COUNT) + 20 * 4
    # From 1/4 of a plane per start and 0.005 of slope on, four times as finely, three times.
    assert np.diff(found.fitted) == pytest.approx(5 / COUNT * D, rel=0.25)


@pytest.mark.parametrize(("slope", "offset"), [(0.0813, 0.07), (-0.1662, 0.19), (0.2247, -0.31)])
def test_a_line_across_planes_is_found_exactly(slope, offset):
    """Places where it passes from plane to plane fix it to a thousandth of slope: every column lies on its side."""
    along = np.arange(COUNT) * t.BIN
    planted = slope * (along - along.mean()) + offset * D
    found = line(np.floor(planted / D + 0.5), weight=20.0)._straight(7.0)
    assert found.badness == pytest.approx(7.0)
    assert found.fitted == pytest.approx(planted, abs=0.07 * D)
    assert found.edges.size == found.heights.size == 0


@pytest.mark.parametrize("planted", ["step", "slope"])
def test_the_other_grain_tells_a_step_from_a_slope(planted):
    """One plane up in the middle parts this grain's columns as a slope of a plane does; the other's columns tell."""
    along = np.tile(np.arange(0, 6, 0.25), 17) * NM
    height = np.repeat(np.linspace(-0.3, 0.5, 17), 24) * NM
    course = np.where(along > 2.95 * NM, D, 0) if planted == "step" else D * (along / (6 * NM))
    over = height > course + 0.07 * NM
    costs = np.array([np.where(over, 25.0, 0.0), np.where(over, 0.0, 25.0)])
    found = t.find_steps(line(stepped((30, 1)), others=(np.array([along, height]), costs)))
    assert found.count == (planted == "step")


def test_where_the_other_grain_ends():
    """The cheapest cut of sorted columns: by hand, rows together, and none at all."""
    costs = np.array([[0.0, 0.0, 4.0, 9.0], [5.0, 5.0, 1.0, 0.0]])
    one = line(stepped(), others=(np.zeros((2, 4)), costs))
    assert one._other_ends(np.array([1.0, 2.0, 3.0, 4.0]) * NM) == pytest.approx(1.0)
    assert one._other_ends(np.array([4.0, 3.0, 2.0, 1.0]) * NM) == pytest.approx(11.0)
    # In one row they are all under the line or all over it: 13 or 11.
    assert one._other_ends(np.ones(4) * NM) == pytest.approx(11.0)
    both = one._other_ends(np.array([[1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]]) * NM)
    assert both == pytest.approx([1.0, 11.0])
    assert line(stepped())._other_ends(np.zeros(0)) == 0


def test_the_line_in_the_picture_by_hand():
    """Heights over the line are stretched as the picture is; the likeliest plane within half a nanometre."""
    one = line(stepped((30, 2)))
    assert one.height == pytest.approx(stepped((30, 2)) * D)
    places = one.places()
    assert places[:, 1] - NM == pytest.approx(one.along)
    assert places[:, 0] - 3 * NM == pytest.approx(1.01 * stepped((30, 2)) * D)
    assert one.places(np.zeros(COUNT))[:, 0] == pytest.approx(3 * NM)
    notch = line(stepped((20, 4), (23, -4)))
    assert notch.height == pytest.approx(0.0)
    assert line(stepped((20, 4), (27, -4))).height.max() == pytest.approx(4 * D)


def test_what_a_column_says():
    """χ² of being absent and present over the likelier, 25 at most."""
    absent, present = t._surprise(np.array([0.0, 1.0, 0.5, 0.4]), np.array([0.5, 0.1, 0.1, 0.2]))
    assert absent == pytest.approx([0, 25, 0, 0]) and present == pytest.approx([4, 0, 0, 9 - 4])


def test_cuts_of_a_small_table():
    """One, two and three terraces of 1 2 | 8 9 | 4: by hand."""
    values = np.array([1.0, 2.0, 8.0, 9.0, 4.0])
    cost = np.full((5, 5), np.inf)
    for s in range(5):
        for e in range(s, 5):
            part = values[s : e + 1]
            cost[s, e] = np.sum((part - part.mean()) ** 2)
    assert [cut.tolist() for cut in t.best_cuts(cost, 2, scale=1.0)] == [[], [2], [2, 4]]


# ---- planes that terraces may follow


def wave(degrees, length=5e9):
    """A wave vector so far from the normal of `flat_boundary`, (y, x)."""
    return length * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def grain(*waves):
    """A solution that explains these spots, and a further one not, with 1 0 0, 0 1 0, 1 1 0 …"""
    hkl = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1)])[: len(waves)]
    match = SimpleNamespace(chosen=np.array([*range(len(waves)), -1]), zone=SimpleNamespace(hkl=hkl))
    return SimpleNamespace(match=match), SimpleNamespace(wave_vectors=np.array([*waves, (1e9, 1e9)]))


@pytest.mark.parametrize(
    ("waves", "expected"),
    [
        ([wave(19.9), wave(-20.1)], [(0, (1, 0, 0), wave(19.9))]),  # within 20° of the boundary
        ([wave(180 - 19.9), wave(90)], [(0, (1, 0, 0), -wave(180 - 19.9))]),  # towards the first grain
        (
            [wave(0, 6e9), wave(5, 4e9)],
            [(0, (0, 1, 0), wave(5, 4e9)), (0, (1, 0, 0), wave(0, 6e9))],
        ),  # wide ones first
        ([wave(0, 9.9e9), wave(3, 10.1e9)], [(0, (1, 0, 0), wave(0, 9.9e9))]),  # 0.1 nm apart at least
    ],
)
def test_planes_along_a_boundary(waves, expected):
    """Of the spots that the crystal explains, where the picture has them."""
    solution, spots = grain(*waves)
    interface = SimpleNamespace(solutions=(solution,), waves=(spots,))
    found = list(t._candidates(interface, flat_boundary(), None))
    assert [(side, hkl) for side, hkl, _ in found] == [(side, hkl) for side, hkl, _ in expected]
    for (*_, vector), (*_, by_hand) in zip(found, expected, strict=True):
        assert vector == pytest.approx(by_hand)


def test_planes_that_were_asked_for():
    """Of either grain, and either sign of their indices."""
    one, other = grain(wave(2), wave(8)), grain(wave(-4), wave(60))
    interface = SimpleNamespace(solutions=(one[0], other[0]), waves=(one[1], other[1]))
    for wanted in ((1, 0, 0), (-1, 0, 0)):
        found = list(t._candidates(interface, flat_boundary(), wanted))
        assert [(side, hkl) for side, hkl, _ in found] == [(0, (1, 0, 0)), (1, (1, 0, 0))]
    assert [side for side, *_ in t._candidates(interface, flat_boundary(), (0, 1, 0))] == [0]
    assert not list(t._candidates(interface, flat_boundary(), (1, 1, 0)))


# ---- columns sorted into planes


def sorted_into_planes(own, *, cell=1.013, side=0):
    """`_lines` of a grain whose planes (200) of MgO the picture stretches, and of the other grain's columns.

    `own` : (place along, height in planes, share) of its columns
    """
    spacing = float(plane_spacing(own_crystal("MgO"), (2, 0, 0)))
    normal = np.array([0.6, -0.8])
    tangent = np.array([0.8, 0.6])
    origin = np.array([4.0, 3.0]) * NM
    along, planes, shares = np.reshape(np.array(own, float), (-1, 3)).T
    others = np.array([[0.3, 0.9], [0.5, -0.7]]) * NM
    places = np.outer(along, tangent) + cell * spacing * np.outer(planes, normal)
    over = others[0][:, None] * tangent + others[1][:, None] * normal
    found = Presence(
        origin + np.concatenate([places, over]),
        np.repeat([side, 1 - side], [len(along), 2]),
        np.r_[shares, 1.0, 0.2],
        np.r_[np.full(len(along), 0.25), 0.5, 0.1],
    )
    edge = np.arange(0.0, 2.05, 0.05) * NM
    boundary = SimpleNamespace(
        origin=origin,
        height=np.where(edge > 1.97 * NM, np.nan, 0.0),
        places=lambda: origin + edge[:, None] * tangent,
    )
    solution = SimpleNamespace(crystal="MgO", structure=own_crystal("MgO"))
    return (
        spacing,
        others,
        list(t._lines(found, side, (2, 0, 0), normal / (cell * spacing), solution, boundary)),
    )


@pytest.mark.parametrize("side", [0, 1])
def test_what_ending_at_a_plane_costs(side):
    """Each column lies in its bin; under the level the second grain is expected, over it the first."""
    own = [(0.31 * NM, 1.3, 0.8), (0.33 * NM, -0.6, 0.1), (1.44 * NM, 2.2, 1.0), (2.6 * NM, 1.0, 1.0)]
    spacing, others, lines = sorted_into_planes(own, side=side)
    assert len(lines) == 8
    for number, one in enumerate(lines):
        assert one.levels == pytest.approx((np.arange(-1, 4) + number / 8) * spacing)
        assert one.along == pytest.approx(np.arange(20) * 0.1 * NM, abs=1e-15)
        by_hand = np.zeros((20, 5))
        for place, plane, share in own[:3]:  # the fourth lies beyond the boundary's end
            absent, present = share**2 / 0.25**2, (share - 1) ** 2 / 0.25**2
            absent, present = (min(cost - min(absent, present), 25) for cost in (absent, present))
            under = plane < np.arange(-1, 4) + number / 8
            gone, there = (absent, present) if side == 0 else (present, absent)
            by_hand[round(place / (0.1 * NM))] += np.where(under, gone, there)
        assert one.costs == pytest.approx(by_hand)
        assert one.stretch == pytest.approx(1.013) and one.spacing == spacing
        assert (one.hkl, one.crystal) == ((2, 0, 0), "MgO") and len(one.columns) == 4
        # The other grain's are measured in the crystal's length, as the levels are.
        assert one.others == pytest.approx(np.array([others[0], others[1] / 1.013]))
        costs = np.array([[4.0, 0.0], [0.0, 25.0]])  # 1/0.5² absent; of 0.8/0.1 present only 25 counts
        assert one.other_costs == pytest.approx(costs if side == 1 else costs[::-1])


def test_a_long_boundary_has_four_hundred_bins():
    """Of equal width, from end to end of what was found."""
    long = np.arange(0, 50.1, 0.1) * NM
    spacing = float(plane_spacing(own_crystal("MgO"), (2, 0, 0)))
    boundary = SimpleNamespace(
        origin=np.zeros(2), height=np.zeros(501), places=lambda: np.column_stack([0 * long, long])
    )
    found = Presence(np.array([[0.3 * NM, 20.0 * NM]]), np.zeros(1, int), np.ones(1), np.ones(1))
    solution = SimpleNamespace(crystal="MgO", structure=own_crystal("MgO"))
    one = next(t._lines(found, 0, (2, 0, 0), np.array([-1 / spacing, 0.0]), solution, boundary))
    assert len(one.along) == 400 and np.diff(one.along) == pytest.approx(0.125 * NM)


def test_a_grain_without_columns_has_no_planes_to_follow():
    """None of its kinds is there to be seen: there is nothing to sort."""
    assert sorted_into_planes([])[2] == []
    assert sorted_into_planes([(5 * NM, 1.0, 1.0)])[2] == []


# ---- columns that may be there


def sites(kinds, depths):
    count = len(kinds)
    return t._Sites(np.zeros((count, 2)), np.zeros(count, int), np.array(kinds), np.array(depths, float))


def flat_boundary(height=0.0):
    """Along x at y = 3 nm, the first grain at larger y."""
    places = np.arange(0, 6.01, 0.1) * NM
    return SimpleNamespace(
        origin=np.array([3.0, 0.0]) * NM,
        tangent=np.array([0.0, 1.0]),
        normal=np.array([1.0, 0.0]),
        height=np.full(len(places), height),
        places=lambda: np.column_stack([np.full(len(places), 3.0 * NM + height), places]),
    )


@pytest.mark.parametrize("height", [0.0, 0.4 * NM, -0.3 * NM])
def test_pixels_near_a_contour(height):
    """Those within 1.1 nm of it, wherever over the straight line it runs."""
    size = 0.0471 * NM
    boundary = flat_boundary(height)
    pixels = np.argwhere(np.ones((120, 125), bool))
    contour = boundary.places()
    found = t._near(pixels, size, contour, boundary)
    far = np.linalg.norm(pixels[:, None] * size - contour, axis=-1).min(axis=1)
    assert found.tolist() == pixels[far < 1.1 * NM].tolist()


def test_how_deep_a_column_lies_in_its_grain(monkeypatch):
    """Its distance from the contour, negative beyond; named by its side and its element."""
    columns = [
        SimpleNamespace(positions=np.array([[80.0, 20.2], [53.4, 60.0]]), elements=np.array(["Mg", "O"])),
        SimpleNamespace(
            positions=np.array([[20.0, 20.0], [66.0, 30.0], [54.0, 2.0]]), elements=np.array(["B"] * 3)
        ),
    ]
    monkeypatch.setattr(t, "place_columns", lambda *_, **__: columns.pop(0))
    upper = np.arange(120)[:, None] * np.ones(125) >= 60
    interface = SimpleNamespace(solutions=(1, 2), waves=(3, 4), masks=(upper, ~upper))
    found = t._sites((120, 125), 0.05 * NM, interface, flat_boundary().places(), False)
    assert found.kinds.tolist() == ["0 Mg", "0 O", "1 B", "1 B", "1 B"] and found.sides.tolist() == [
        0,
        0,
        1,
        1,
        1,
    ]
    assert found.depths == pytest.approx(np.array([1.0, -0.33, 2.0, -0.3, 0.3]) * NM, abs=0.002 * NM)
    assert found.positions[3].tolist() == [66.0, 30.0]


def test_shares_of_planted_columns(monkeypatch):
    """Two lattices that meet at a line, some columns there in part: each is a share of what its kind is deep inside."""
    size, shape = 0.03 * NM, (200, 200)
    rng = np.random.default_rng(2)
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = 3.0 + 0.004 * x
    sides, kinds, places, depths, planted = [], [], [], [], []
    heights = {"0 Mg": 9.0, "1 B": 6.0, "1 H": 0.3}
    for side, offset in ((0, 12), (1, 0)):
        for i in np.arange(4 + offset, 197, 24):
            for number, j in enumerate(np.arange(5, 197, 12)):
                kind = "0 Mg" if side == 0 else ("1 B", "1 H")[number % 2]
                depth = (i * size - 3 * NM) * (1 - 2 * side)
                share = float(depth > 0) if abs(depth) > 0.4 * NM else rng.choice([0.0, 0.4, 1.0])
                image = image + heights[kind] * share * np.exp(-((y - i) ** 2 + (x - j) ** 2) / (2 * 2.5**2))
                for each, value in zip(
                    (sides, kinds, places, depths, planted), (side, kind, (i, j), depth, share), strict=True
                ):
                    each.append(value)
    image += 0.02 * rng.normal(size=shape)
    every = t._Sites(np.array(places), np.array(sides), np.array(kinds), np.array(depths))
    monkeypatch.setattr(t, "_sites", lambda *_: every)
    interface = SimpleNamespace(waves=(SimpleNamespace(noise=0.02),))
    found = t.column_presence(image, size, interface, flat_boundary())
    shown = (np.abs(every.depths) < 1.1 * NM) & (every.kinds != "1 H")
    assert found.positions == pytest.approx(every.positions[shown] * size)
    assert found.sides.tolist() == every.sides[shown].tolist()
    assert found.shares == pytest.approx(np.array(planted)[shown], abs=0.03)
    # Alone on a level a Gaussian of height h and width w is known to noise/(h w √π); lattices are no better.
    alone = 0.02 / (np.where(found.sides == 0, 9.0, 6.0) * 2.5 * np.sqrt(np.pi))
    assert np.all(found.sigmas > 0.95 * alone) and np.all(found.sigmas < 4 * alone)
    pulls = (found.shares - np.array(planted)[shown]) / found.sigmas
    assert np.mean(np.abs(pulls) < 3) > 0.9


def test_the_usual_share_of_a_kind():
    """Its median well inside the grain; σ grows where inside and outside scatter more than it says; of few, none."""
    depths = np.r_[np.full(9, 1.0), np.full(9, -1.0), 0.1] * NM
    shares = np.r_[np.full(9, 0.8), np.tile([0.0, 0.3, -0.3], 3), 0.4]
    found = t._usual_shares(sites(["0 Mg"] * 19, depths), shares, np.full(19, 0.1))
    assert found[0] == pytest.approx(0.8)
    assert found[1] == pytest.approx(max(1.0, 1.4826 * np.median(np.r_[np.zeros(9), np.tile([0, 3, 3], 3)])))
    wide = t._usual_shares(
        sites(["0 Mg"] * 19, depths), np.r_[0.8 + 0.3 * np.tile([1, -1, 0], 3), shares[9:]], np.full(19, 0.1)
    )
    assert wide[1] == pytest.approx(1.4826 * 3)
    few = t._usual_shares(sites(["0 Mg"] * 7, np.full(7, NM)), np.ones(7), np.ones(7))
    assert few[0] == pytest.approx(0.0) and few[1] == pytest.approx(1.0)


def test_the_usual_column():
    """Of two kinds the one that is fitted best; of none that can be fitted, a sentence."""
    y, x = np.mgrid[:160, :160]
    rng = np.random.default_rng(0)
    places = np.array([(i, j) for i in range(20, 150, 20) for j in range(20, 150, 20)], float)
    strong = np.arange(len(places)) % 2 == 0
    image = 10 + sum(
        (9 if s else 1.5) * np.exp(-((y - a) ** 2 + (x - c) ** 2) / 18)
        for (a, c), s in zip(places, strong, strict=True)
    )
    image += 0.1 * rng.normal(size=image.shape)
    kinds = np.where(strong, "0 Mg", "0 B")
    inside = t._Sites(places, np.zeros(len(places), int), kinds, np.full(len(places), NM))
    height, width = t._usual_column(image, inside)
    assert height == pytest.approx(9, rel=0.03) and width == pytest.approx(3, rel=0.03)
    with pytest.raises(NotPossible, match="no kind of column could be fitted"):
        t._usual_column(image, inside.among(np.arange(len(places)) < 7))


def test_shares_of_columns_on_a_level():
    """Planted shares over a level come back; σ is the scatter times the design's; what nothing tells stays a half."""
    pixels = np.argwhere(np.ones((40, 40), bool))
    centres = np.array([(10.0, 10.0), (10.0, 28.0), (28.0, 12.0)])
    templates = np.exp(-np.sum((pixels[:, None] - centres) ** 2, axis=-1) / 18)
    templates = np.column_stack([templates, np.zeros(len(pixels))])
    image = (templates @ [0.2, 1.0, 0.0, 0.0] + 5).reshape(40, 40)
    shares, sigmas = t._solved(image, pixels, sparse.csc_matrix(templates), 1e-4, 40.0)
    assert shares == pytest.approx([0.2, 1.0, 0.0, 0.5], abs=1e-6)
    noisy = image + 0.05 * np.random.default_rng(0).normal(size=image.shape)
    shares, sigmas = t._solved(noisy, pixels, sparse.csc_matrix(templates), 1e-3, 40.0)
    assert np.all(np.abs(shares - [0.2, 1.0, 0.0, 0.5]) < 4 * np.minimum(sigmas, 1))
    # Alone on a level a Gaussian of width w has Σ template² = π w².
    assert sigmas[0] == pytest.approx(0.05 / np.sqrt(np.pi * 9), rel=0.15)


# ---- the study


def test_the_table_and_the_notes_of_steps():
    """Each step with its whole planes; no mean without a step."""

    class Solution:
        crystal = "MgO"

    Solution.structure = own_crystal("MgO")

    class Interface:
        solutions = (Solution,)

    image = LatticeImage("mine haadf", np.zeros((64, 64)), 0.02 * NM, False, 0.0)
    one = replace(line(stepped((20, 2), (40, -1))), hkl=(2, 0, 0))
    rows = t.TerracesStudy(image, Interface, one, t.find_steps(one)).rows()
    assert [row.name for row in rows[:2]] == ["mine_haadf_steps", "mine_haadf_step_height"]
    assert [row.how for row in rows[2:]] == ["+2 planes", "-1 planes"]
    assert rows[2].label.startswith("step at 1.95 ") and float(rows[1].quantity) == pytest.approx(1.5 * D)
    flat = t.TerracesStudy(image, Interface, one, t.find_steps(line(stepped())))
    assert [row.label for row in flat.rows()] == ["steps"]
    assert flat.notes()[0].startswith("terraces follow {200} of MgO, 0.2000 nm apart")
