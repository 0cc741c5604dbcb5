"""The parts of indexing and of an interface against answers by hand: stretches, costs, turnings, chance, tables."""

from dataclasses import replace

import numpy as np
import pytest

from nbtools.files.crystal import own_crystal
from nbtools.physics.crystal_lattice import plane_spacing
from nbtools.results import NotPossible
from nbtools.stem import grains as g
from nbtools.stem import indexing as i
from nbtools.stem import interface as n
from nbtools.stem.image import LatticeImage
from nbtools.stem.model_image import image_amplitude, zone_spots
from nbtools.stem.spots import Spots

CRYSTALS = {name: own_crystal(name) for name in ("MgO", "MgB2")}
PIXEL = 0.02e-9


def turning(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def spots_of(name, zone, stretch, *, sigma=1e3, shortest=0.1e-9, noise=0.0):
    """Exact spots of a zone, one of each ±k, the strongest first, seen through a stretch."""
    hkl, places = zone_spots(CRYSTALS[name], zone, shortest)
    strength = image_amplitude(CRYSTALS[name], hkl) * np.exp(
        -2 * np.pi**2 * 0.05e-9**2 * np.sum(places**2, axis=1)
    )
    half = ((places[:, 1] > 1e6) | ((np.abs(places[:, 1]) <= 1e6) & (places[:, 0] > 0))) & (strength > 1e-3)
    order = np.argsort(-strength[half], kind="stable")
    k = (places[half] @ np.asarray(stretch).T)[order]
    k = k + noise * np.random.default_rng(0).normal(size=k.shape)
    a = strength[half][order]
    return Spots(k, np.full(len(k), sigma), a, np.zeros(len(k)), 1e6 * a**2, 1e-3, 6e-9)


# ---- one pattern


def test_the_stretch_of_exact_spots():
    """1 % of scale, 0.5 % of shear and a turn: each comes back to a part in a thousand of itself."""
    strain = np.array([[0.01 + 0.0025, 0.001], [0.001, 0.01 - 0.0025]])
    found = i.index_spots(spots_of("MgO", (0, 0, 1), (np.eye(2) + strain) @ turning(0.2)), CRYSTALS)
    best = found.best
    assert found.determined and best.crystal == "MgO" and sorted(map(abs, best.zone)) == [0, 0, 1]
    assert best.scale == pytest.approx(1.01, abs=1e-3)
    assert best.shear == pytest.approx(np.hypot(0.005, 0.002), rel=0.15)  # the priors hold a little back
    assert abs(float(best.rotation) - np.degrees(0.2)) < 0.02 and best.rotation.unit == "deg"
    assert best.residual < 5e-4 and best.cost == 0.0
    assert len(found.spots) == len(best.spots) and found.information_limit == pytest.approx(
        1 / np.hypot(*found.spots.wave_vectors.T).max()
    )
    spot = best.spots[0]
    k = np.hypot(*spot.wave_vector)
    assert spot.spacing == pytest.approx(1 / k) and spot.spacing.uncertainty == pytest.approx(1e3 / k**2)
    y, x = spot.wave_vector
    assert spot.direction == pytest.approx(np.degrees(np.arctan2(-y, x)))
    assert spot.direction.uncertainty == pytest.approx(np.degrees(1e3 / k))
    assert spot.spacing == pytest.approx(plane_spacing(CRYSTALS["MgO"], spot.hkl) / 1.01, rel=5e-3)


def test_the_error_of_a_turning_is_that_of_its_spots():
    """Spots that scatter by s: σ of the angle is s/√Σk², whatever error was stated for each."""
    for noise in (2e6, 8e6):
        spots = spots_of("MgB2", (0, 0, 1), np.eye(2), noise=noise)
        best = i.index_spots(spots, CRYSTALS).best
        expected = np.degrees(noise / np.sqrt(np.sum(spots.wave_vectors**2)))
        assert best.rotation.uncertainty == pytest.approx(expected, rel=0.3)


def test_spots_too_strong_to_be_left_out():
    """Two of a foreign lattice: 4 + 2 ln(signal/18), 12 at most, each; and they cost the pattern its certainty."""
    spots = spots_of("MgO", (0, 0, 1), np.eye(2))
    strange = replace(spots, signals=np.r_[18.0, 18 * np.e, 1e9, spots.signals[3:]])
    chosen = np.r_[-1, -1, -1, np.zeros(len(spots) - 3, int)]
    assert i._unexplained(strange, chosen) == pytest.approx(4 + 6 + 12)
    assert i._unexplained(spots, np.zeros(len(spots), int)) == 0


def test_absent_spots_cost_five_each():
    """Of a zone whose strong spots were seen but two; faint ones are not missed; eight at most."""
    zone = next(z for z in i.candidate_zones(CRYSTALS, 1, 0.1e-9) if z.name == "MgO" and z.uvw == (1, 0, 0))
    squares = np.sum(zone.places**2, axis=1)
    ideal = zone.amplitudes * np.exp(-2 * np.pi**2 * 0.05e-9**2 * squares)
    half = (zone.places[:, 0] > 0) | ((zone.places[:, 0] == 0) & (zone.places[:, 1] > 0))
    order = np.flatnonzero(half)[np.argsort(-ideal[half], kind="stable")]
    for lost in (0, 2, 12):
        chosen = np.delete(order, np.arange(1, 1 + lost)) if lost < len(order) else order[:2]
        seen = Spots(
            zone.places[chosen],
            np.ones(len(chosen)),
            ideal[chosen],
            chosen * 0.0,
            1e12 * ideal[chosen] ** 2,
            1.0,
            1.0,
        )
        expected = 5.0 * min(lost, 8)
        few = replace(seen, amplitudes=seen.amplitudes)
        cost = i._absent(few, zone, chosen)
        strong = np.sum(ideal[np.setdiff1d(order, chosen)] > 3 * max(ideal[chosen].min(), 0))
        assert cost == pytest.approx(5.0 * min(strong, 8)) and cost <= expected


def test_priors_of_the_scan():
    """1 % of scale and 0.6 % of shear cost a half each; a trusted scale counts for more."""
    assert i._prior_cost(0.01 * np.eye(2), 1.0) == pytest.approx(0.5)
    assert i._prior_cost(0.01 * np.eye(2), 0.5) == pytest.approx(2.0)
    assert i._prior_cost(np.diag([0.003, -0.003]), 1.0) == pytest.approx(0.5)
    assert i._shear(np.array([[0.001, 0.002], [0.001, -0.003]])) == pytest.approx(0.005)
    # Beyond 5 % of scale or 3.5 % of shear there is no fit.
    for strain, fits in ((1.04, True), (1.07, False)):
        assert (
            bool(i.index_spots(spots_of("MgO", (0, 0, 1), strain * np.eye(2)), {"MgO": CRYSTALS["MgO"]}))
            is fits
        )
    sheared = np.array([[1.03, 0.0], [0.0, 0.97]])
    assert not i.index_spots(spots_of("MgO", (0, 0, 1), sheared), {"MgO": CRYSTALS["MgO"]})


def test_a_stretch_by_least_squares():
    """Without errors to speak of the data decide, with large ones the priors."""
    places = np.array([(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]) * 5e9
    strain = np.array([[0.012, 0.003], [0.001, 0.006]])
    seen = places @ (np.eye(2) + strain).T
    fine, covariance = i._stretch(places, seen, np.full(3, 1e3), np.eye(2), 1.0)
    assert fine == pytest.approx(np.eye(2) + strain, abs=1e-6)
    assert covariance == pytest.approx(covariance.T) and np.sqrt(covariance[0, 0]) < 1e-6
    held, covariance = i._stretch(places, seen, np.full(3, 1e12), np.eye(2), 1.0)
    assert held[0, 0] + held[1, 1] == pytest.approx(2, abs=1e-3)
    assert np.sqrt(covariance[0, 0] + 2 * covariance[0, 3] + covariance[3, 3]) / 2 == pytest.approx(
        0.01, rel=1e-3
    )


def test_how_many_directions():
    """± is the same; 0.03 rad tell two apart."""
    assert i.directions(np.zeros((0, 2))) == 0 and i.directions(np.array([(1.0, 0)])) == 1
    assert i.directions(np.array([(1.0, 0), (-2.0, 0.05), (3.0, 0)])) == 1
    assert i.directions(np.array([(1.0, 0), (1.0, 0.04)])) == 2


def test_rivals_and_what_is_explained():
    """Along [001] alone MgO is sure; spots of half and of a fifth of the power are said; none is refused."""
    own = spots_of("MgO", (0, 0, 1), np.eye(2))
    strange = np.array([(3.1e9, 0.4e9), (0.7e9, 3.7e9), (2.1e9, 6.3e9)])

    def beside(power):
        amplitude = np.sqrt(power / (1 - power) * np.sum(own.amplitudes**2) / 3)
        return Spots(
            np.concatenate([own.wave_vectors, strange]),
            np.full(len(own) + 3, 1e3),
            np.r_[own.amplitudes, np.full(3, amplitude)],
            np.zeros(len(own) + 3),
            np.r_[own.signals, np.full(3, 1e6 * amplitude**2)],
            1e-3,
            6e-9,
        )

    only = {"MgO": CRYSTALS["MgO"]}
    assert i.index_spots(beside(0.4), only, largest_index=1).determined
    half = i.index_spots(beside(0.6), only, largest_index=1)
    assert half and "only 40% of the spots' power" in half.reason and not half.determined
    none = i.index_spots(beside(0.85), only, largest_index=1)
    assert (
        not none
        and "with 15% of their power; name the crystal" in none.reason
        and len(none.spots) == len(own) + 3
    )


# ---- two of them


@pytest.fixture(scope="module")
def indexed():
    """Exact patterns of both crystals, {200} and {10-10} 0.4° apart, as indexed grains."""
    first = i.index_spots(spots_of("MgO", (0, 0, 1), turning(0.1)), CRYSTALS)
    second = i.index_spots(spots_of("MgB2", (0, 0, 1), turning(0.1 + np.radians(0.4))), CRYSTALS)
    half = np.arange(64)[:, None] * np.ones(64) < 32
    return n.IndexedGrains(
        (first, second), (half, ~half), (first.spots, second.spots), "MgO", 1.0, 0.0, CRYSTALS
    )


def test_planes_that_run_along_each_other(indexed):
    """0.4° apart by both fits; wide ones first; the misfit of the best small multiples, and its error."""
    pair, *_ = found = n.index_interface(indexed).parallel_planes
    assert pair.angle == pytest.approx(0.4, abs=0.01) or pair.angle == pytest.approx(-0.4, abs=0.01)
    sigmas = [p.best.rotation.uncertainty for p in indexed.patterns]
    assert pair.angle.uncertainty == pytest.approx(np.hypot(*sigmas))
    assert pair.exactness == pytest.approx(max(0.3, 3 * pair.angle.uncertainty))
    products = [p.spacings[0] * p.spacings[1] for p in found]
    assert products == sorted(products, reverse=True)
    assert all(abs(p.angle) <= 2 for p in found) and len({p.families for p in found}) > 1
    assert pair.families.startswith("MgO {200} ∥ MgB2 {1") and pair.crystals == ("MgO", "MgB2")
    m, k = pair.coincidence
    assert float(pair.misfit) == pytest.approx(n.misfit(*pair.spacings, m, k))
    scales = [abs(p.best.scale - 1) for p in indexed.patterns]
    assert np.hypot(*scales) < pair.misfit.uncertainty < np.hypot(*scales) + 1e-3
    assert not n.parallel_planes(*(p.best for p in indexed.patterns), within=0.1)
    exact = n.parallel_planes(indexed.patterns[0].best, indexed.patterns[0].best)
    assert [float(p.angle) for p in exact] == pytest.approx([0] * len(exact), abs=1e-6)


def test_an_interface_and_what_is_none(indexed):
    """Its name; grains that are not there or not indexed are said."""
    found = n.index_interface(indexed)
    assert found.name == "MgO [1 0 0] | MgB2 [0 0 1]" and found.determined == indexed.determined
    assert len(indexed) == 2 and indexed.solved == (0, 1) and indexed.name(1) == "MgB2 [0 0 1]"
    assert 0 < found.chance_probability < 0.1
    assert found.limits == tuple(p.information_limit for p in indexed.patterns)
    with pytest.raises(NotPossible, match="2 grains in the image, no interface of grains 1 and 3"):
        n.index_interface(indexed, (0, 2))
    blank = i.index_spots(spots_of("MgO", (0, 0, 1), np.eye(2), shortest=0.3e-9), CRYSTALS)
    other = replace(indexed, patterns=(indexed.patterns[0], blank))
    assert other.name(1) == "grain 2, not indexed" and not other.determined and other.solved == (0,)
    with pytest.raises(NotPossible, match="both grains must be indexed; grain 2: 0 spot"):
        n.index_interface(other)
    one = replace(indexed, patterns=indexed.patterns[:1])
    with pytest.raises(NotPossible, match="one grain in the image"):
        n.index_interface(one)


def test_chance_is_of_a_pair_as_wide_and_as_parallel(indexed):
    """Within the exactness where the first is exact, else within the limit."""
    interface = n.index_interface(indexed)
    first = interface.parallel_planes[0]
    crystals = [p.best.structure for p in indexed.patterns]
    options = {"shortest": interface.limits, "spacing_product": first.spacings[0] * first.spacings[1]}
    wide = n.chance_of_alignment(crystals, 2.0, **options)
    assert interface.chance_probability == pytest.approx(wide)
    exact = replace(first, angle=first.angle * 0.5)
    narrow = n.chance_of_alignment(crystals, exact.exactness, **options)
    assert n._chance(list(indexed.patterns), (exact,), 2.0) == pytest.approx(narrow) and narrow < wide
    assert n._chance(list(indexed.patterns), (), 2.0) == 1.0
    assert n.chance_of_alignment(crystals, 2.0, shortest=1e-9) == 1.0


def test_lines_of_a_zone():
    """Directions from 0 to 180°, of equal ones the widest planes; pairs too narrow never count."""
    places = np.array([(0.0, 2e9), (0.0, -4e9), (-3e9, 3e9), (3e9, 0.0)])
    lines = n.line_directions(places)
    assert lines == pytest.approx(
        np.array([(0.0, 0.5e-9), (45.0, 1 / np.hypot(3e9, 3e9)), (90.0, 1 / 3e9)]), rel=1e-9
    )
    one, other = np.array([(10.0, 1.0), (70.0, 0.1)]), np.array([(30.0, 1.0)])
    assert n.share_of_turnings(one, other, 5.0, 0.5) == pytest.approx(10 / 180)
    assert n.share_of_turnings(one, other, 5.0, 0.05) == pytest.approx(20 / 180)
    assert n.share_of_turnings(one, other, [5.0, 100.0], 2.0) == pytest.approx([0, 0])


def test_tables_of_grains_and_planes(indexed):
    """Turned by, spacings, standard; of an interface the three closest pairs, the first in the ledger."""
    image = LatticeImage("mine haadf", np.random.default_rng(0).normal(size=(64, 64)), PIXEL, False, 0.0)
    study = n.GrainsStudy(image, indexed)
    rows = {row.label: row for row in study.rows()}
    assert rows["grains"].name == "mine_haadf_grains" and float(rows["grains"].quantity) == 2
    assert float(rows["MgO {200}, spacing"].quantity) == pytest.approx(2.106e-10, rel=1e-3)
    assert "scale of the picture by MgO" not in rows
    assert len(study.transforms) == 3
    bare = n.GrainsStudy(image, replace(indexed, standard=""))
    scale = {row.label: row for row in bare.rows()}["scale of the picture by MgO"]
    assert scale.name == "mine_haadf_scale" and float(scale.quantity) == indexed.patterns[0].best.scale
    assert any("not corrected; compared with MgO, MgB2" in note for note in bare.notes())
    blank = replace(
        i.index_spots(spots_of("MgO", (0, 0, 1), np.eye(2)), CRYSTALS), solutions=(), reason="strange"
    )
    odd = n.GrainsStudy(image, replace(indexed, patterns=(indexed.patterns[1], blank)))
    spacing = next(row for row in odd.rows() if row.label.startswith("grain 2, a spacing at "))
    k = blank.spots.wave_vectors[0]
    angle = float(spacing.label.split(" at ")[1].rstrip("°"))
    assert np.tan(np.radians(angle)) == pytest.approx(-k[0] / k[1], abs=0.01) or abs(k[1]) < 1e7
    assert float(spacing.quantity) == pytest.approx(1 / np.hypot(*k))
    assert spacing.quantity.uncertainty == pytest.approx(1e3 / (k @ k))
    assert "grain 2 is not indexed: strange" in odd.notes()
    planes = n.estimate_parallel_planes(study)
    named = [row for row in planes.rows() if row.name]
    assert [row.name for row in named] == ["mine_haadf_angle", "mine_haadf_misfit"]
    assert len(planes.rows()) == 2 * min(3, len(planes.interfaces[0].parallel_planes))
    assert "as wide and as parallel in" in planes.notes()[0]
    name, angles, shares, angle = planes.chances()[0]
    assert angles[0] == 0 and angles[-1] == 3 and len(angles) == 31 and angle == pytest.approx(0.4, abs=0.01)
    assert shares[20] == pytest.approx(planes.interfaces[0].chance_probability) and name.startswith(
        "as wide as MgO"
    )
    apart = replace(planes, interfaces=(replace(planes.interfaces[0], parallel_planes=()),))
    assert "no planes are parallel within 2°" in apart.notes()[0] and not apart.rows() and not apart.chances()
    with pytest.raises(NotPossible, match="one grain, no interface"):
        n.estimate_parallel_planes(n.GrainsStudy(image, replace(indexed, patterns=indexed.patterns[:1])))


# ---- grains


def test_local_amplitudes_of_a_wave():
    """Height and phase where the wave is, half way up where it ends, on every pixel and on every fourth."""
    y, x = PIXEL * np.mgrid[:120, :150]
    k = np.array([(4.0e9, 2.3e9)])
    wave = 3 * np.cos(2 * np.pi * (k[0, 0] * y + k[0, 1] * x) + 0.4)
    found = g.bragg_amplitudes(wave, PIXEL, k, 0.3e-9)[0]
    inner = found[60:61, 70:80]
    assert np.abs(inner) == pytest.approx(3, rel=0.04) and np.angle(inner) == pytest.approx(0.4, abs=0.02)
    ends = np.abs(g.bragg_amplitudes(wave * (x < 1.6e-9), PIXEL, k, 0.3e-9)[0])[60]
    assert ends[80] == pytest.approx(1.5, rel=0.06) and ends[80 + 15] == pytest.approx(3 * 0.1587, rel=0.15)
    coarse = g.bragg_amplitudes(wave, PIXEL, k, 0.3e-9, 4)[0]
    assert coarse.shape == (30, 38) and coarse[15, 18] == pytest.approx(found[60, 72], rel=0.03)


def test_waves_that_only_one_grain_shows():
    """Shared where another shows it at half the strength or more."""

    def spots(*entries):
        k = np.array([e[:2] for e in entries], float) * 1e9
        a = np.array([e[2] for e in entries])
        return Spots(k, a, a, a * 0, a, 1.0, 5e-9)

    one = spots((4, 0, 2.0), (0, 5, 1.0))
    assert g._own_share(one, [spots((-4.05, 0, 1.5))]) == pytest.approx(0.2)
    assert g._own_share(one, [spots((-4.05, 0, 0.9))]) == 1.0
    assert g._own_share(one, [spots((4.5, 0, 9.0))]) == g._own_share(one, []) == 1.0
    assert g._apart(np.array([1.0, 2.0]), np.array([-1.0, -2.5])) == pytest.approx(0.5)


def test_groups_and_pieces():
    """Two clouds apart; the largest piece with its hole filled; a mask enlarged keeps its place."""
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal([0.2, 1.0], 0.05, (30, 2)), rng.normal([1.0, 0.2], 0.05, (50, 2))])
    labels = g._grouped(points, 2)
    assert len(set(labels[:30])) == 1 == len(set(labels[30:])) and labels[0] != labels[-1]
    mask = np.zeros((30, 30), bool)
    mask[3:20, 3:20], mask[10, 10], mask[24:29, 24:29] = True, False, True
    piece = g._in_one_piece(mask)
    assert piece[3:20, 3:20].sum() > 280 and piece[10, 10] and not piece[26, 26]
    assert not g._in_one_piece(np.zeros((9, 9), bool)).any()
    large = g._enlarged(np.arange(8)[:, None] * np.ones(9) < 4, (31, 36), 4)
    assert large.shape == (31, 36) and large[:15].all() and not large[17:].any()
