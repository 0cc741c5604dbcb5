"""Connection, gaps and isotropy on bodies that can be checked by hand."""

import numpy as np
import pytest

import nbtools.structure.model_random_media as random_media
from nbtools.structure import percolation
from nbtools.structure.isotropy import chord_lengths, estimate_isotropy, phase_share
from nbtools.structure.percolation import estimate_percolation

VOXEL = 10e-9


def slabs(gap):
    """Two solid halves of a cube with a gap of so many voxels between them, across z."""
    made = np.ones((64, 40, 40), bool)
    made[32 - gap // 2 : 32 + gap - gap // 2] = False
    return made


def grating(width, side=60):
    """Bars along all three axes, `width` wide, every 20 voxels: a scaffold, whose bars lie whole inside."""
    thick = (np.arange(side) + 14) % 20 < width
    z, y, x = np.meshgrid(thick, thick, thick, indexing="ij")
    return (z & y) | (y & x) | (z & x)


def test_a_gap_has_its_width():
    """Eight voxels, known to one voxel either way on both sides; wider than any metal's reach of 20 nm."""
    found = estimate_percolation(slabs(8), voxel_size=VOXEL)
    assert not found.spans
    assert found.level == pytest.approx(4.0, abs=0.6)
    least, most = found.dilation_to_span
    assert least <= 80e-9 <= most
    assert most - least == pytest.approx(4 * VOXEL)
    assert found.resolved
    assert found.gap_against(20e-9) == "longer"
    assert found.gap_against(1e-6) == "shorter"


def test_a_gap_of_one_voxel_is_not_resolved():
    """It may be there or not: so much can threshold and blur do."""
    found = estimate_percolation(slabs(1), voxel_size=VOXEL)
    assert not found.resolved
    assert found.dilation_to_span[0] == 0
    assert "not resolved below" in str(found)
    assert found.gap_against(16e-9) == "cannot resolve"


def test_a_scaffold_spans_with_its_bottleneck():
    """Bars eight voxels wide: they bear a cut of nearly four on each side."""
    found = estimate_percolation(grating(8), voxel_size=VOXEL)
    assert found.spans
    assert found.cluster_fraction == 1.0
    assert found.bottleneck == pytest.approx(8 * VOXEL, abs=2 * VOXEL)
    assert found.robust
    assert found.dilation_to_span == (0.0, pytest.approx(2 * VOXEL))


def test_sections_of_a_connected_medium_look_disconnected():
    """Smoothed noise at 26.5 % spans in three dimensions, and on hardly any section (Torquato)."""
    field = random_media.gaussian_field((96, 96, 96), np.random.default_rng(0), correlation_length=3.0)
    found = estimate_percolation(random_media.level_set(field, 0.265), voxel_size=VOXEL)
    assert found.spans
    assert found.cluster_fraction > 0.9
    assert found.sections_spanning < 0.1


def test_isolated_grains_do_not_span():
    """And the gap is found to be there."""
    phase = random_media.isolated_grains((80, 80, 80), np.random.default_rng(0), spacing=20.0)
    found = estimate_percolation(phase, voxel_size=VOXEL)
    assert not found.spans
    assert found.resolved
    assert found.cluster_fraction < 0.1


def test_what_fills_everything_spans():
    """No gap, no rest."""
    found = estimate_percolation(np.ones((32, 32, 32), bool), voxel_size=VOXEL)
    assert found.spans


@pytest.mark.parametrize(
    "array", [np.zeros((32, 32, 32), bool), np.ones((1, 32, 32), bool), np.ones((32, 32, 32))]
)
def test_bad_input_is_named(array):
    """No phase, one slice, no mask."""
    with pytest.raises(ValueError, match=r"nowhere|one slice|binary one is expected"):
        estimate_percolation(array, voxel_size=VOXEL)


def test_chords_by_hand():
    """Runs of 2 and 3 inside, one cut by the edge."""
    row = np.zeros((16, 20), bool)
    row[5, [2, 3, 8, 9, 10, 18, 19]] = True
    assert sorted(chord_lengths(row, axis=1)) == [2, 3]


def test_a_stretch_is_found_and_its_axis():
    """Noise drawn out by two along y: so is the fabric."""
    field = random_media.gaussian_field(
        (96, 96, 96), np.random.default_rng(0), correlation_length=3.0, stretch=(1, 2, 1)
    )
    found = estimate_isotropy(random_media.level_set(field, 0.265), voxel_size=VOXEL)
    assert abs(found.in_plane - 2.0) < 3 * found.in_plane.uncertainty + 0.1
    assert (found.axis_ratio - 1) / found.axis_ratio.uncertainty > 5


@pytest.mark.seeds
def test_an_isotropic_medium_is_not_called_stretched():
    """Over twenty seeds the ratio in the plane lies within three σ of one."""
    pulls = []
    for seed in range(20):
        field = random_media.gaussian_field((64, 64, 64), np.random.default_rng(seed), correlation_length=3.0)
        found = estimate_isotropy(random_media.level_set(field, 0.265), voxel_size=VOXEL)
        pulls.append((found.in_plane - 1) / found.in_plane.uncertainty)
    assert np.mean(np.abs(pulls) < 3) >= 0.9
    assert abs(np.mean(pulls)) < 0.8


def test_the_error_of_a_share_knows_how_few_grains_there_are():
    """Coarser structure, larger error, at the same number of pixels."""
    errors = [
        phase_share(
            random_media.level_set(
                random_media.gaussian_field((256, 256), np.random.default_rng(1), correlation_length=s), 0.265
            )
        ).uncertainty
        for s in (2.0, 16.0)
    ]
    assert errors[1] > 2 * errors[0]


def rods():
    """One along each axis, apart from each other."""
    made = np.zeros((48, 48, 48), bool)
    made[:, 8:12, 8:12] = made[24:28, :, 24:28] = made[40:44, 40:44, :] = True
    return made


def test_three_rods_are_no_piece_that_spans():
    """Along every axis some piece reaches through, and none along all: that does not span, and there is a gap."""
    found = estimate_percolation(rods(), voxel_size=VOXEL)
    assert found.clusters.spans == (True, True, True)
    assert not found.spans
    assert found.resolved
    assert "no single one of 3 along all" in found.sentence


def test_distances_in_slabs_are_those_of_the_whole(monkeypatch):
    """A volume beyond what is taken at once gives the same level."""
    for phase in (slabs(8), grating(8), rods()):
        whole = estimate_percolation(phase, voxel_size=VOXEL)
        with monkeypatch.context() as patch:
            patch.setattr(percolation, "WHOLE", 1 << 14)
            patch.setattr(percolation, "REACH", 12)
            parts = estimate_percolation(phase, voxel_size=VOXEL)
        assert parts.level == pytest.approx(whole.level, abs=0.05)


def test_a_gap_beyond_the_slabs_is_only_known_to_be_wider(monkeypatch):
    """Forty voxels, where distances are known to twelve: at least that, and no upper end."""
    monkeypatch.setattr(percolation, "WHOLE", 1 << 14)
    monkeypatch.setattr(percolation, "REACH", 12)
    found = estimate_percolation(slabs(40), voxel_size=VOXEL)
    assert found.dilation_to_span[0] <= 400e-9
    assert found.dilation_to_span[1] == np.inf
    assert found.gap_against(1e-6) == "cannot resolve"
