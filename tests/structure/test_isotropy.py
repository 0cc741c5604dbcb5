"""Intercepts, correlations, sections and registrations of patterns that can be counted by hand."""

import numpy as np
import pytest
from scipy import ndimage, stats

from nbtools.results import NotPossible
from nbtools.structure import isotropy, registration
from nbtools.structure.fractal import gliding_boxes
from nbtools.structure.isotropy import estimate_isotropy, phase_share, two_point_correlation
from nbtools.structure.registration import Registration, RegistrationStudy, estimate_registration
from nbtools.structure.sections import SectionsStudy, estimate_sections
from nbtools.units import Quantity

VOXEL = 10e-9


def blobs(shape, seed=0):
    """Random blocks of 4 voxels a side."""
    small = np.random.default_rng(seed).random([side // 4 for side in shape]) < 0.4
    return np.kron(small, np.ones((4,) * len(shape), bool))


def test_crossings_of_stripes_by_hand():
    """Period 16 along x: of pairs k apart 2k/16 are unlike; none along z and y; all per voxel of length."""
    stripes = np.broadcast_to(np.arange(160) % 16 < 8, (20, 24, 160))
    z, y, x, *diagonals = isotropy._crossings(stripes)
    assert (z, y) == (0, 0)
    below, above = (np.mean(stripes[0, 0, k:] != stripes[0, 0, :-k]) for k in (4, 5))
    length = 3 * np.sqrt(2)
    assert x == pytest.approx((below + (length - 4) * (above - below)) / length)
    met = np.mean(stripes[0, 0, 3:] != stripes[0, 0, :-3]) / length
    directions = isotropy._directions(3)
    assert directions[:3] == [(1, 0, 0), (0, 1, 0), (0, 0, 1)] and len(set(directions)) == 9
    assert all(sorted(map(abs, one)) == [0, 1, 1] for one in directions[3:])
    assert diagonals == pytest.approx([met if d[2] else 0.0 for d in directions[3:]])


def test_the_fabric_tensor_comes_back():
    """Planted with all six entries; its ratios by eigenvalues and by the diagonal."""
    planted = np.array([[4.0, 0.3, 0.1], [0.3, 2.0, -0.2], [0.1, -0.2, 1.0]])
    units = np.array(isotropy._directions(3), float)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    crossings = np.sqrt(np.einsum("na,ab,nb->n", units, planted, units))
    found = isotropy._fabric(crossings, 3)
    assert found == pytest.approx(planted)
    values = np.linalg.eigvalsh(planted)
    assert isotropy._ratio(found) == pytest.approx(np.sqrt(values[2] / values[0]))
    assert isotropy._in_plane(found) == pytest.approx(np.sqrt(1 / 2))
    assert isotropy._across_plane(found) == pytest.approx((1 / 2) / np.mean([1 / np.sqrt(2), 1]))
    assert np.isnan(isotropy._across_plane(planted[:2, :2]))


def student(parts):
    """By how much few parts widen the 68 % interval of their mean: 1.20 for four, 1.08 for eight."""
    return float(stats.t.isf(0.1586553, parts - 1))


def test_the_share_of_a_phase_has_the_error_of_its_quarters():
    """By hand: quarters of 0, 1, 1 and 2 eighths scatter by √(2/3) eighths; the mean of four by half of that."""
    phase = np.zeros((16, 16), bool)
    phase[0, 8:] = phase[8, :8] = True
    phase[8:10, 8:] = True
    found = phase_share(phase)
    assert float(found) == 1 / 8
    assert found.uncertainty == pytest.approx(1.19686 * np.sqrt(2 / 3) / 8 / 2, rel=1e-4)


@pytest.mark.parametrize("shape", [(40, 48, 56), (64, 80)])
def test_numbers_and_errors_are_those_of_the_parts(shape):
    """Lengths from the mean of the parts with the scatter between them; ratios by the jackknife, with its bias in σ."""
    phase = blobs(shape)
    found = estimate_isotropy(phase, voxel_size=VOXEL)
    space = len(shape)
    halves = [np.array_split(np.arange(side), 2) for side in shape]
    places = np.stack(np.meshgrid(*[[0, 1]] * space, indexing="ij"), -1).reshape(-1, space)
    parts = [phase[np.ix_(*(halves[a][n] for a, n in enumerate(place)))] for place in places]
    met = np.array([isotropy._crossings(part) for part in parts])
    for axis, name in enumerate("zyx"[-space:]):
        along, n = met[:, axis], len(parts)
        length = VOXEL / along.mean()
        sigma = length * student(n) * along.std(ddof=1) / np.sqrt(n) / along.mean()
        assert found.intercepts[name] == pytest.approx(length)
        assert found.intercepts[name].uncertainty == pytest.approx(sigma)
    whole = isotropy._in_plane(isotropy._fabric(isotropy._crossings(phase), space))
    left = [isotropy._in_plane(isotropy._fabric(np.delete(met, k, 0).mean(0), space)) for k in range(n)]
    bias = (n - 1) * (np.mean(left) - whole)
    jack = np.sqrt((n - 1) * np.var(left))
    assert found.in_plane == pytest.approx(whole - bias)
    assert found.in_plane.uncertainty == pytest.approx(np.hypot(jack, bias))
    names = ["longest over shortest axis", "y over x", *(["z over both"] if space == 3 else [])]
    assert [row.label for row in found.rows()][: len(names)] == names
    assert len(found.rows()) == len(names) + space and len(found.notes()) == (space == 3)
    share = phase_share(phase)
    shares = [part.mean() for part in parts]
    assert (share, share.uncertainty) == pytest.approx(
        (phase.mean(), student(n) * np.std(shares, ddof=1) / np.sqrt(n))
    )
    lags = found.correlation.lags
    assert lags[0] == 1 and lags[-1] == min(shape) // 3 and np.all(np.diff(lags) > 0)
    assert found.correlation.along[0, 0] == pytest.approx(np.mean(phase[1:] & phase[:-1]))


def test_correlation_of_one_lag_by_hand():
    """Pairs along each axis; nothing of a lag as long as the side; text only where it is told apart."""
    phase = blobs((16, 20), 3)
    found = two_point_correlation(phase, [0, 16, 19, 20])
    assert found.along[:, 0] == pytest.approx([phase.mean()] * 2) and found.fraction == phase.mean()
    assert np.isnan(found.along[0, 1]) and found.along[1, 1] == np.mean(phase[:, 16:] & phase[:, :-16])
    assert found.along[1, 2] == np.mean(phase[:, 0] & phase[:, 19]) and np.isnan(found.along[1, 3])


def test_every_second_section_by_hand():
    """Slope of each by itself, mean and scatter of those with 2 % of the phase or more; σ of four parts and a range."""
    volume = blobs((40, 40, 48))
    volume[:8] = False
    volume[6, 3:5, 3:5] = True  # 4 of 1920 pixels: left out
    found = estimate_sections(volume)
    assert (
        found.fractions["z"] == pytest.approx(volume[::2].mean(axis=(1, 2)))
        and len(found.fractions["x"]) == 24
    )
    used = [gliding_boxes([one[None]]) for one in volume[8::2]]
    slopes = np.array([2 - np.polyfit(np.log(one.sizes), np.log(one.hit), 1)[0] for one in used])
    assert found.dimensions["z"] == pytest.approx(slopes.mean())
    parts = [part.mean() for part in np.array_split(slopes, 4)]
    third = len(used[0].sizes) // 3
    ranges = [
        abs(
            np.polyfit(np.log(one.sizes[third:]), np.log(one.hit[third:]), 1)[0]
            - np.polyfit(np.log(one.sizes[:-third]), np.log(one.hit[:-third]), 1)[0]
        )
        / 2
        for one in used
    ]
    sigma = np.hypot(np.std(parts, ddof=1) / 2, np.mean(ranges))
    assert found.dimensions["z"].uncertainty == pytest.approx(sigma)
    with pytest.raises(NotPossible, match=r"shape \(40, 48\) came; sections are cut from a volume"):
        estimate_sections(volume[10])


def test_what_is_said_of_sections():
    """The axes' means, the scatter of single sections and of their shares, and how far the axes are apart."""
    dimensions = {"z": Quantity(1.7, 0.03), "y": Quantity(1.65, 0.04), "x": Quantity(1.8, 0.01)}
    fractions = {"z": np.array([0.1, 0.3]), "y": np.array([0.2]), "x": np.array([0.2])}
    found = SectionsStudy(dimensions, 0.0512, fractions)
    assert found.disagreement == pytest.approx(0.15)
    assert found.disagreement.uncertainty == pytest.approx(np.hypot(0.04, 0.01))
    assert [float(row.quantity) for row in found.rows()] == pytest.approx([1.7, 1.65, 1.8, 0.051, 0.071])
    assert found.rows()[1].name == "dimension_across_y"


def by_hand(mask, wanted, shift):
    """Dice and MCC over what both show when the map is moved."""
    rows, columns = (slice(max(0, d), n + min(0, d)) for d, n in zip(shift, mask.shape, strict=True))
    a, b = mask[rows, columns], np.roll(wanted, shift, (0, 1))[rows, columns]
    return 2 * np.sum(a & b) / (a.sum() + b.sum()), np.corrcoef(a.ravel(), b.ravel())[0, 1]


@pytest.mark.parametrize("shift", [(0, 0), (6, -3), (-5, 6)])
def test_a_map_at_its_shift_has_the_overlap_of_what_both_show(shift):
    """Dice and MCC counted pixel by pixel; the field is wide enough for a null, and chance keeps below."""
    mask = blobs((60, 72), 5)
    counts = np.roll(mask, (-shift[0], -shift[1]), (0, 1)) * 10.0
    counts[::7, ::5] += 20  # some pixels that are wrong
    found = estimate_registration(np.kron(mask, np.ones((2, 2), bool)), counts)
    assert found.shift == shift
    ranks = np.argsort(np.argsort(counts, axis=None, kind="stable"), kind="stable").reshape(counts.shape)
    dice, mcc = by_hand(mask, ranks >= mask.size - mask.sum(), shift)
    assert (found.dice, found.mcc) == pytest.approx((dice, mcc))
    assert len(found.chance) == 999 and found.p_value == pytest.approx(
        (1 + np.sum(found.chance >= found.mcc - 1e-12)) / 1000
    )
    assert found.chance.max() < found.mcc


def test_maps_that_do_not_fit_the_image():
    """Other fields, a phase everywhere, a field too small for another search."""
    mask = blobs((64, 64), 1)
    for phase, counts, text in (
        (mask, np.ones((30, 32)), "do not cover the same field in whole steps"),
        (mask, np.ones((65, 64)), "do not cover the same field in whole steps"),
        (np.ones((64, 64), bool), np.ones((32, 32)), "nowhere or everywhere"),
        (mask[:16, :16], np.random.default_rng(0).random((16, 16)), "."),
    ):
        with pytest.raises(NotPossible, match=text):
            estimate_registration(phase, counts)
    twice = np.pad(np.kron(mask, np.ones((2, 2), bool)), (0, 1))  # 129 pixels: the last is no whole step
    assert estimate_registration(twice, mask * 1.0).shift == (0, 0)


def test_what_is_said_of_a_map():
    """MCC and Dice to three digits, the best by chance, and why a map is missing."""
    one = Registration((2, -1), 0.8126, 0.7124, np.array([0.1, 0.25]), 0.001)
    study = RegistrationStudy({"boron": one}, {"oxygen map": "no"}, {}, 1e-7)
    assert [float(row.quantity) for row in study.rows()] == [0.712, 0.813, 0.001]
    assert study.rows()[0].how == "best shift (2, -1); 2 searches elsewhere"
    assert study.notes() == ["oxygen map: no", "by chance boron reaches MCC 0.25"]
    assert "MCC 0.71 at a shift of (2, -1)" in str(one) and "MCC 0.25, p = 0.001" in str(one)


@pytest.mark.parametrize("shift", [(0, 0), (2, -3), (-4, 1)])
def test_a_map_laid_on_an_image_by_hand(shift):
    """Dice and Matthews' correlation of what both show at the shift that undoes the planted one."""
    rng = np.random.default_rng(3)
    phase = ndimage.gaussian_filter(rng.normal(size=(72, 80)), 1.2) > 0.1
    moved = np.roll(phase, (-shift[0], -shift[1]), (0, 1))
    counts = rng.poisson(np.where(moved, 9.0, 2.0)).astype(float)
    found = estimate_registration(phase, counts)
    assert found.shift == shift
    cut = np.sort(counts, axis=None)[-int(phase.sum())]
    order = counts + 1e-6 * np.arange(counts.size).reshape(counts.shape)  # of equals the last count
    wanted = order >= np.sort(order, axis=None)[-int(phase.sum())]
    assert counts[wanted].min() == cut
    dy, dx = shift
    shown = slice(max(0, dy), 72 + min(0, dy)), slice(max(0, dx), 80 + min(0, dx))
    a, b = phase[shown], np.roll(wanted, shift, (0, 1))[shown]
    assert found.dice == pytest.approx(2 * np.sum(a & b) / (a.sum() + b.sum()))
    assert found.mcc == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1])
    assert len(found.chance) == 999 and found.p_value == 1 / 1000
    # Chance is searched as widely as the map: thirteen by thirteen shifts each time.
    mcc, shared = registration._shifted_mcc(phase, wanted)
    assert mcc[shift] == pytest.approx(found.mcc) and shared[shift] == a.size
    assert mcc[70, 3] == 0 or shared[70, 3] == 2 * 77
    best = ndimage.maximum_filter(mcc, 13, mode="wrap")
    assert np.isin(found.chance, best).all()


def test_fields_that_do_not_fit():
    """An image of 12 × 12 and a map of 5 × 5; a phase of more than half of its pixels counts as there."""
    with pytest.raises(NotPossible, match=r"image of \(12, 12\) and a map of \(5, 5\)"):
        registration._on_the_map(np.ones((12, 12), bool), np.ones((5, 5)))
    phase = np.zeros((6, 9), bool)
    phase[:3, :3] = np.array([[1, 1, 1], [1, 1, 0], [0, 0, 0]])  # five of nine
    phase[3:, 3:6] = np.array([[1, 1, 1], [1, 0, 0], [0, 0, 0]])  # four of nine
    mask, wanted = registration._on_the_map(phase, np.array([[3.0, 5, 1], [2, 4, 0]]))
    assert mask.tolist() == [[True, False, False], [False] * 3]
    assert wanted.tolist() == [[False, True, False], [False] * 3]
    with pytest.raises(NotPossible, match="nowhere or everywhere"):
        estimate_registration(np.zeros((6, 9), bool), np.ones((2, 3)))
