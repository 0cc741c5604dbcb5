"""Indexing of one and two crystals: planted zones, angles, spacings and misfits come back; chance is counted."""

import itertools

import numpy as np
import pytest
import stem_worlds as worlds
from scipy.stats import binomtest

from nbtools import stem
from nbtools.physics.crystal_lattice import low_index_zones, plane_angle, plane_spacing
from nbtools.stem.indexing import index_spots
from nbtools.stem.interface import line_directions, share_of_turnings
from nbtools.stem.model_image import image_amplitude, zone_spots
from nbtools.stem.study import crystals_named

OXIDE, BORIDE = worlds.CRYSTALS.values()
ONE, OTHER = ({name: crystal} for name, crystal in worlds.CRYSTALS.items())


def aligned(rng, *, apart=0.0, **options):
    """MgO [001] and MgB2 [001] with (200) and (10-10) `apart` degrees from each other."""
    # Both frames start from the same axis to the right, along which MgO has (200) and MgB2 (10-10) or (11-20).
    return worlds.two_phases(rng, ((0, 0, 1), (0, 0, 1)), (0.2, 0.2 + np.radians(apart)), **options)


@pytest.fixture(scope="module")
def parallel():
    return worlds.indexed(aligned(np.random.default_rng(1)))


def test_the_planted_zones_come_back(parallel):
    """Both crystals, both zones, in the order in which they were listed; nothing else explains them."""
    assert [s.crystal for s in parallel.solutions] == ["MgO", "MgB2"]
    for name, solution in zip(worlds.CRYSTALS, parallel.solutions, strict=True):
        assert worlds.same_family(name, solution.zone, (0, 0, 1))
        assert solution.structure.name == name
    assert parallel.determined


def test_planted_parallel_planes(parallel):
    """{200} ∥ {10-10} or {11-20}, exactly; 5:4 with −1.51 % and the spacings' own misfit."""
    pair = parallel.parallel_planes[0]
    assert abs(pair.angle) < 0.3
    if pair.families == "MgO {200} ∥ MgB2 {10-10}":
        assert pair.misfit == pytest.approx(-0.01510047, abs=1e-7)
        assert pair.coincidence == (5, 4)


def test_measured_spacings(parallel):
    """Every indexed spot's d is its plane's within 1 %."""
    for solution in parallel.solutions:
        for spot in solution.spots:
            expected = float(plane_spacing(solution.structure, spot.hkl))
            assert spot.spacing == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("apart", [-1.3, 0.7])
def test_a_planted_angle(apart):
    """What is planted between two sets of planes is found within 0.3°, with its sign."""
    found = worlds.indexed(aligned(np.random.default_rng(2), apart=apart))
    assert any(abs(pair.angle - apart) < 0.3 for pair in found.parallel_planes)


def test_a_sheared_and_mis_scaled_scan():
    """2 % of scale and 1° of shear are put right by MgO, and seen."""
    stretch = [[1.02, 0.0], [0.017, 1.02]]
    found = stem.index_grains(
        aligned(np.random.default_rng(3), stretch=stretch), worlds.PIXEL, worlds.CRYSTALS
    )
    assert found.standard == "MgO"
    assert found.scale == pytest.approx(1 / 1.02, abs=0.003)
    assert found.shear == pytest.approx(0.017, abs=0.004)
    assert abs(stem.index_interface(found).parallel_planes[0].angle) < 0.3


def test_angles_between_spots_are_those_of_their_planes():
    """Every pair of spots of one grain, within 0.3° of what the indices say, the sense apart."""
    places, weights = worlds.projected(BORIDE, (1, 0, 1), 0.4, 6e-9)
    found = stem.index_pattern(worlds.drawn(places, weights, 300) + 1.0, worlds.PIXEL, OTHER)
    spots = found.best.spots
    assert found.determined and len(spots) > 5
    for one, other in itertools.pairwise(spots):
        apart = abs((one.direction - other.direction + 180) % 360 - 180)
        expected = float(np.degrees(plane_angle(BORIDE, one.hkl, other.hkl)))
        assert min(abs(apart - expected), abs(180 - apart - expected)) < 0.3


def test_the_handedness_is_seen():
    """A zone without a mirror and its opposite: the same family, other signs of the spots."""
    places, weights = worlds.projected(BORIDE, (2, 1, -1), 0.0, 8e-9)
    for mirror in (1, -1):
        found = stem.index_pattern(worlds.drawn(places * [1, mirror], weights, 400) + 1, worlds.PIXEL, OTHER)
        assert worlds.same_family("MgB2", found.best.zone, (2, 1, -1))


def test_fringes_in_one_direction_are_under_determined():
    """One set of planes fits many zones: the sentence says so, and nothing is claimed."""
    x = np.tile(worlds.PIXEL * np.arange(256), (256, 1))
    fringes = 10 + np.cos(2 * np.pi * x / 2.106e-10) + 0.05 * np.random.default_rng(0).normal(size=x.shape)
    found = stem.index_pattern(fringes, worlds.PIXEL, worlds.CRYSTALS)
    assert not found.determined and not found
    assert "two directions are needed" in found.reason
    with pytest.raises(ValueError, match="no solution"):
        _ = found.best


def test_noise_is_no_pattern():
    """White noise: nothing determined in 10 images."""
    for seed in range(10):
        noise = np.random.default_rng(seed).poisson(50, (128, 128))
        assert not stem.index_pattern(noise, worlds.PIXEL, worlds.CRYSTALS).determined


def test_a_crystal_that_is_not_there():
    """SrTiO₃'s square pattern of 3.905 Å is not explained by MgO."""
    y, x = np.mgrid[:256, :256] * worlds.PIXEL
    square = np.cos(2 * np.pi * x / 3.905e-10) + np.cos(2 * np.pi * y / 3.905e-10)
    assert not stem.index_pattern(square, worlds.PIXEL, ONE).solutions


# ---- chance


def test_chance_is_that_of_random_grains():
    """The share of random low-index zones and turnings, against drawing them: 37 % within 2° down to 1.1 Å."""
    rng = np.random.default_rng(0)
    sides = []
    for crystal in worlds.CRYSTALS.values():
        zones, counts = low_index_zones(crystal, 2)
        lines = [line_directions(zone_spots(crystal, zone, 1.1e-10)[1])[:, 0] for zone in zones]
        known = [n for n, one in enumerate(lines) if len(one) > 1]
        sides.append(([lines[n] for n in known], counts[known] / counts[known].sum()))
    hits = {1.0: 0, 2.0: 0}
    for _ in range(4000):
        (one, p), (other, q) = sides
        a, b = one[rng.choice(len(one), p=p)], other[rng.choice(len(other), p=q)]
        apart = (a[:, None] - b - rng.uniform(0, 180) + 90) % 180 - 90
        for within in hits:
            hits[within] += bool(np.any(np.abs(apart) <= within))
    for within, count in hits.items():
        chance = stem.chance_of_alignment(list(worlds.CRYSTALS.values()), within, shortest=1.1e-10)
        assert binomtest(count, 4000, chance).pvalue > 0.001
    assert 0.3 < chance < 0.4


def test_chance_grows_with_where_one_looks():
    """Wider angles and narrower planes make it likelier; only wide planes make it rarer."""
    pair = list(worlds.CRYSTALS.values())
    narrow, wide = (stem.chance_of_alignment(pair, a, shortest=1.1e-10) for a in (0.5, 2.0))
    few = stem.chance_of_alignment(pair, 2.0, shortest=1.1e-10, spacing_product=4e-20)
    assert 0 < narrow < wide < 1
    assert few < wide


def test_share_of_turnings():
    """Two single lines: within 3° for 6° of 180°; lines that overlap count once."""
    one = np.array([[0.0, 1.0]])
    assert share_of_turnings(one, one, 3.0, 0.0) == pytest.approx(6 / 180)
    twins = np.array([[0.0, 1.0], [1.0, 1.0]])
    assert share_of_turnings(one, twins, 3.0, 0.0) == pytest.approx(7 / 180)


# ---- coincidence


@pytest.mark.parametrize(
    ("spacings", "counts", "percent"),
    [
        ((2.672554, 2.106), (4, 5), 1.510047),
        ((3.524, 2.106), (3, 5), 0.398067),
        ((1.160818, 1.489167), (5, 4), -2.594720),
        ((1.160818, 1.489167), (9, 7), 0.222222),
        ((1.160818, 1.489167), (4, 3), 3.858508),
    ],
)
def test_misfits(spacings, counts, percent):
    """2(m d₁ − n d₂)/(m d₁ + n d₂) of the paper's planes."""
    assert 100 * stem.misfit(*spacings, *counts) == pytest.approx(percent, abs=2e-4)


def test_the_nearest_small_multiples():
    """4:5, 3:5 and 5:4 of numbers up to five."""
    assert stem.coincidence(2.672554, 2.106) == (4, 5)
    assert stem.coincidence(3.524, 2.106) == (3, 5)
    assert stem.coincidence(1.160818, 1.489167) == (5, 4)


# ---- bad input


@pytest.mark.parametrize(
    ("image", "scale", "says"),
    [
        (np.zeros((64, 64, 3)), 2e-11, "screenshot"),
        (np.zeros(500), 2e-11, "one image of shape"),
        (np.zeros((3, 64, 64)), 2e-11, "one image of shape"),
        (np.zeros((64, 64)), 2e-11, "nothing to see"),
        (np.full((64, 64), np.nan), 2e-11, "not a number"),
        (np.eye(64), None, "no scale"),
        (np.eye(64), float("nan"), "no scale"),
        (np.eye(64), -2e-11, "no scale"),
        (np.eye(64), 0.02, "is it in nm"),
        (np.eye(64), (2e-11, 3e-11), "not square"),
        (np.eye(8), 2e-11, "at least 32"),
        (np.eye(64) > 0, 2e-11, None),
        (np.eye(64) * 1j, 2e-11, "real numbers"),
    ],
)
def test_what_is_no_image_is_refused(image, scale, says):
    """Each with what came and what was expected."""
    if says:
        with pytest.raises(stem.ImageError, match=says):
            stem.check_image(image, scale)


def test_crystals_are_needed():
    """None: said before anything runs."""
    with pytest.raises(ValueError, match="at least one is needed"):
        crystals_named(())


def test_float16_missing_pixels_and_a_scale_bar():
    """Each is dealt with: the zone still comes back."""
    places, weights = worlds.projected(OXIDE, (0, 1, 1), 0.3, 6e-9)
    image = np.random.default_rng(4).poisson(0.5 * worlds.drawn(places, weights, 300) + 5).astype(float)
    spoiled = image.copy()
    spoiled[100, 50:60] = np.nan
    barred = image.copy()
    barred[270:280, 20:120] = image.max() + 50
    for version in (image.astype(np.float16), spoiled, barred, image.astype(np.uint16), image[::-1].copy()):
        found = stem.index_pattern(*stem.check_image(version, worlds.PIXEL), worlds.CRYSTALS)
        assert found.determined
        assert found.best.crystal == "MgO"
        assert worlds.same_family("MgO", found.best.zone, (0, 1, 1))


# ---- many


@pytest.mark.seeds
def test_random_two_phase_cases():
    """Of 8 random pairs of zones the claimed 95 % are right, or not refuted."""
    right = sum(one_case(seed)[0] for seed in range(8))
    assert binomtest(right, 8, 0.95, alternative="less").pvalue > 0.001, f"{right} of 8"


def one_case(seed, **options):
    """(right, determined) for one random pair of zones."""
    rng = np.random.default_rng([seed, 77])
    zones = worlds.random_zones(rng)
    image = worlds.two_phases(rng, zones, rng.uniform(0, 2 * np.pi, 2), **options)
    grains = stem.index_grains(image, worlds.PIXEL, worlds.CRYSTALS)
    if grains.solved != (0, 1):
        return False, False
    found = stem.index_interface(grains)
    seen = {s.crystal: s.zone for s in found.solutions}
    pairs = zip(worlds.CRYSTALS, zones, strict=True)
    right = set(seen) == set(worlds.CRYSTALS) and all(worlds.same_family(n, seen[n], z) for n, z in pairs)
    return right, found.determined


def turned_spots(crystal, zone, turn, rng):
    """All spots of a zone, one of each ±k at random, spots of one strength in random order, the last bits at random."""
    hkl, places = zone_spots(crystal, zone, 0.1e-9)
    strength = np.round(image_amplitude(crystal, hkl) * np.exp(-(np.sum(places**2, axis=1) / 5e19)), 9)
    places = places @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]).T
    half = (places[:, 1] > 1e6) | ((abs(places[:, 1]) <= 1e6) & (places[:, 0] > 0))
    places, strength = places[half] * rng.choice([-1.0, 1.0], (half.sum(), 1)), strength[half]
    order = np.lexsort((rng.random(len(strength)), -strength))
    places = places[order] * (1 + 4e-16 * rng.integers(-2, 3, places.shape))
    count = len(places)
    return stem.Spots(
        places, np.full(count, 2e6), strength[order], np.zeros(count), 1e6 * strength[order] ** 2, 1e-3, 6e-9
    )


@pytest.mark.parametrize(
    ("name", "zone", "fold"),
    [
        ("MgO", (1, 0, 0), 90),
        ("MgO", (0, -1, 1), 180),
        ("MgO", (1, -1, 1), 60),
        ("MgO", (1, -1, 2), 180),
        ("MgB2", (0, 0, -1), 60),
        ("MgB2", (0, 1, 0), 180),
        ("MgB2", (1, -1, 0), 180),
        ("MgB2", (1, 0, -1), 180),
    ],
)
@pytest.mark.parametrize("turn", [0.0, 0.1, np.pi / 4, 2.7])
def test_of_equal_orientations_one_is_named(name, zone, fold, turn):
    """Whatever the order, the signs and the last bits of the spots: one zone, one angle, the smallest."""
    crystals, rng = dict(worlds.CRYSTALS), np.random.default_rng(5)
    said = set()
    for _ in range(8):
        found = index_spots(turned_spots(crystals[name], zone, turn, rng), crystals).best
        assert found.crystal == name and next(i for i in found.zone if i) > 0
        said.add((found.zone, round(float(found.rotation), 6) + 0.0))
    assert len(said) == 1, said
    _, angle = said.pop()
    assert -fold / 2 < angle <= fold / 2
