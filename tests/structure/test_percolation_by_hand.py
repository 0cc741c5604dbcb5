"""Pieces, levels and sentences of bodies whose distances are whole voxels."""

import numpy as np
import pytest

from nbtools.structure import percolation
from nbtools.structure.percolation import Clusters, Percolation, count_clusters, estimate_percolation
from nbtools.units import Quantity

VOXEL = 10e-9


def cross():
    """Two plates along z that cross."""
    made = np.zeros((16, 16, 16), bool)
    made[:, 8] = made[:, :, 8] = True
    return made


def test_a_gap_bridged_from_both_sides():
    """Eight voxels of nothing: their middle lies 4 from either body, half a voxel of which is the surface's own."""
    body = np.ones((40, 20, 20), bool)
    body[16:24] = False
    found = estimate_percolation(body, voxel_size=VOXEL)
    assert found.level == pytest.approx(3.5, abs=0.02) and not found.spans
    assert found.dilation_to_span == pytest.approx((5 * VOXEL, 9 * VOXEL), abs=0.04 * VOXEL)
    assert found.resolved and found.robust and found.bottleneck == 0.0
    assert found.clusters.sizes.tolist() == [6400, 6400] and found.cluster_fraction == 0.5


@pytest.mark.parametrize(("gap", "level", "resolved"), [(2, 0.5, False), (3, 1.5, True), (4, 1.5, True)])
def test_gaps_near_the_resolution(gap, level, resolved):
    """Known to one voxel on either side: of three voxels at least one is there, of two none need be."""
    body = np.ones((20, 16, 16), bool)
    body[8 : 8 + gap] = False
    found = estimate_percolation(body, voxel_size=VOXEL)
    assert found.level == pytest.approx(level, abs=0.02) and found.resolved is resolved
    assert found.dilation_to_span[1] == pytest.approx(2 * VOXEL * (level + 1), abs=0.04 * VOXEL)
    assert found.robust is (level > 1)


def test_the_narrowest_place_bears_a_cut():
    """Three bars, nine voxels wide: after four from each side one line of voxels is left."""
    body = np.zeros((40, 40, 40), bool)
    body[15:24, 15:24] = body[15:24, :, 15:24] = body[:, 15:24, 15:24] = True
    found = estimate_percolation(body, voxel_size=VOXEL)
    assert found.level == pytest.approx(-4.5, abs=0.02) and found.robust
    assert found.bottleneck == pytest.approx(9 * VOXEL, abs=0.04 * VOXEL)
    assert found.dilation_to_span == (0.0, pytest.approx(2 * VOXEL)) and not found.resolved
    whole = estimate_percolation(np.ones((16, 20, 20), bool), voxel_size=VOXEL)
    assert whole.level == -8 and whole.bottleneck == pytest.approx(16 * VOXEL)


def test_sections_that_span_by_hand():
    """Of eight across each axis: all across z, one each across y and x; a section is judged by itself."""
    assert percolation._sections_spanning(cross()) == pytest.approx((8 + 1 + 1) / 24)
    assert percolation._sections_spanning(cross()[0]) == 1.0
    assert percolation._sections_spanning(cross()[:, 0]) == 0.0


def test_distances_by_hand(monkeypatch):
    """To the nearest outside along x, in one piece and in slabs, where they end at the reach."""
    inside = np.zeros((40, 3, 30), bool)
    inside[:, :, 5:26] = True
    away = np.minimum(np.arange(30) - 4, 26 - np.arange(30)).clip(0)
    assert np.array_equal(percolation._distances(inside), np.broadcast_to(away, inside.shape))
    monkeypatch.setattr(percolation, "WHOLE", 100)
    monkeypatch.setattr(percolation, "REACH", 8)
    assert np.array_equal(percolation._distances(inside), np.broadcast_to(np.minimum(away, 8), inside.shape))


def test_pieces_and_what_touches_both_ends():
    """By size, and axis by axis."""
    body = np.zeros((16, 16), bool)
    body[3] = body[8:10, 2:5] = body[:, 15] = True
    found = count_clusters(body)
    assert found.sizes.tolist() == [16 + 15, 6] and found.spanning.tolist() == [[True, False], [True, False]]
    assert found.largest_share == 31 / 37 and found.spans == (True, True)


def made(**changes):
    known = {
        "spans": False,
        "clusters": Clusters(np.array([30, 10]), np.array([[False, True], [True, False], [False, False]])),
        "cluster_fraction": 0.75049,
        "level": 2.0,
        "dilation_to_span": (20e-9, 60e-9),
        "resolved": True,
        "sections_spanning": 0.41666,
        "voxel_size": VOXEL,
        "reaches": {"clean": Quantity(16e-9, 0.0, "m")},
    }
    return Percolation(**known | changes)


@pytest.mark.parametrize(
    ("length", "changes", "word"),
    [
        (60e-9, {}, "shorter"),
        (59e-9, {}, "cannot resolve"),
        (20e-9, {}, "cannot resolve"),
        (19e-9, {}, "longer"),
        (19e-9, {"resolved": False}, "cannot resolve"),
    ],
)
def test_a_gap_beside_a_length(length, changes, word):
    """Longer only where the least of it is, shorter where the most is."""
    assert made(**changes).gap_against(length) == word


def test_what_is_said_of_a_gap():
    """Rows in nanometres; from where to where, whether it stands, and the reach of each metal."""
    found = made()
    assert [float(row.quantity) for row in found.rows()] == pytest.approx([0.75, 0, 0.417, 60e-9, 16e-9])
    assert found.rows()[4].label == "reach of a clean metal"
    assert found.notes() == [
        "of 2 pieces some reach through along z, y",
        "gap to be bridged: between 20 and 60 nm",
        "this stands a shift of every surface by one voxel",
        "reach of a clean metal against the gap: longer",
    ]
    through = Clusters(np.array([5]), np.ones((3, 1), bool))
    one = made(
        spans=True, level=-0.8, clusters=through, dilation_to_span=(0.0, 20e-9), resolved=False, reaches={}
    )
    assert [float(row.quantity) for row in one.rows()] == pytest.approx([0.75, 1, 0.417, 20e-9, 16e-9])
    assert one.rows()[4].label == "bottleneck"
    assert one.notes() == [
        "one of 1 pieces reaches through along z, y, x",
        "gap to be bridged: not resolved below 20 nm",
        "this does not stand a shift of every surface by one voxel",
    ]
    apart = Clusters(np.array([5, 5]), np.array([[True, False], [False, True]]))
    assert (
        made(clusters=apart).sentence
        == "along y, x some piece reaches through, but no single one of 2 along all"
    )
    none = Clusters(np.array([5, 5]), np.zeros((3, 2), bool))
    assert made(clusters=none).sentence == "of 2 pieces some reach through along no axis"
