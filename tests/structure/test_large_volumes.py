"""One number, whatever holds the array and however it is cut: NumPy, Zarr, Dask, a cluster of two workers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from nbtools.structure import large_volumes, tiles
from nbtools.structure.box_counting import box_counts, occupied_boxes
from nbtools.structure.large_volumes import (
    count_clusters,
    phase_fraction,
    spanning_cluster,
    two_point_correlation,
)

SIDES = (50, 61, 43)
LAGS = [0, 1, 2, 5, 13, 45]


@pytest.fixture(scope="module")
def blobs() -> np.ndarray:
    """Blobs of a few voxels at a fraction where they nearly hang together."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=SIDES), 1.5)
    return smooth > np.quantile(smooth, 0.82)


def in_zarr(blobs: np.ndarray, folder: Path) -> Any:
    zarr = pytest.importorskip("zarr")
    kept = zarr.create_array(store=folder / "blobs.zarr", shape=SIDES, chunks=(16, 20, 24), dtype="uint8")
    kept[:] = blobs
    return kept


def in_dask(blobs: np.ndarray, folder: Path) -> Any:
    return pytest.importorskip("dask.array").from_array(blobs, chunks=((7, 20, 23), 30, 16))


def everything(array: Any) -> list[Any]:
    """All that this layer finds, as plain lists."""
    mass = box_counts(array, [2, 3, 5, 8, 16, 30, 64], origins=4)
    edges = box_counts(array, [2, 4, 8, 16], kind="interface", origins=3)
    sticks = two_point_correlation(array, LAGS)
    faces, corners = count_clusters(array), count_clusters(array, corners=True)
    return [
        [cover.tolist() for cover in (*mass.covers, *edges.covers)],
        [str(mass.occupancy), str(sticks.along), phase_fraction(array)],
        [c.sizes.tolist() for c in (faces, corners)],
        [c.spanning.sum(axis=1).tolist() for c in (faces, corners)],
    ]


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut even a small array into many pieces."""
    monkeypatch.setattr(tiles, "NEAR", 30_000)
    monkeypatch.setattr(tiles, "FAR", 30_000)
    monkeypatch.setattr(large_volumes, "LABELLED", 30_000)


@pytest.mark.parametrize("kept", [in_zarr, in_dask])
def test_numbers_do_not_hang_on_what_holds_the_array(
    kept: Callable, blobs: np.ndarray, tmp_path: Path, small_tiles: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut at chunks that fit no box and no cluster, they are those of the array in one piece."""
    array = kept(blobs, tmp_path)
    assert len(tiles.tiles_of(array)) > 6
    cut = everything(array)
    monkeypatch.undo()
    assert len(tiles.tiles_of(blobs)) == 1
    assert cut == everything(blobs)


def test_a_section_is_cut_as_well(
    blobs: np.ndarray, small_tiles: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two dimensions take the same way."""
    section = np.kron(blobs[20], np.ones((4, 4), bool))
    cut = everything(section)
    monkeypatch.undo()
    assert cut == everything(section)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two workers in processes of their own."""
    distributed = pytest.importorskip("distributed")
    import dask

    quiet = {"distributed.admin.system-monitor.interval": "10s", "distributed.dashboard.link": ""}
    with (
        dask.config.set(quiet),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as made,
    ):
        yield made


@pytest.mark.parametrize("kept", [in_zarr, in_dask])
def test_a_connected_client_does_the_work(
    kept: Callable, blobs: np.ndarray, tmp_path: Path, cluster: Any, small_tiles: None
) -> None:
    """Both workers compute, and the numbers are the same."""
    expected = count_clusters(blobs).sizes.tolist(), box_counts(blobs, [2, 3, 16]).counts.tolist()
    array = kept(blobs, tmp_path)
    with cluster.get_client() as client:
        before = client.run(_tasks_done)
        assert count_clusters(array).sizes.tolist() == expected[0]
        assert box_counts(array, [2, 3, 16]).counts.tolist() == expected[1]
        after = client.run(_tasks_done)
    assert len(after) == 2
    assert all(after[worker] > before[worker] for worker in after)


def _tasks_done(dask_worker: Any) -> int:
    return dask_worker.state.executed_count


def test_clusters_are_those_of_scipy(blobs: np.ndarray, small_tiles: None) -> None:
    """Sizes, and who reaches through, of one labelling of the whole."""
    for corners in (False, True):
        structure = ndimage.generate_binary_structure(3, 3 if corners else 1)
        labels, count = ndimage.label(blobs, structure)
        sizes = np.sort(np.bincount(labels.ravel())[1:])[::-1]
        found = count_clusters(blobs, corners=corners)
        assert found.sizes.tolist() == sizes.tolist() and len(sizes) == count
        through = [
            len(set(np.unique(np.take(labels, 0, a))) & set(np.unique(np.take(labels, -1, a))) - {0})
            for a in range(3)
        ]
        assert found.spanning.sum(axis=1).tolist() == through


def test_a_snake_is_one_piece_across_many_cuts(small_tiles: None) -> None:
    """A line that winds through all slabs: one cluster, of its own length, through along every axis it crosses."""
    snake = np.zeros((60, 40, 40), bool)
    snake[:, 20, 20] = snake[59, :, 20] = snake[0, 20, :] = True
    found = count_clusters(snake)
    assert found.sizes.tolist() == [snake.sum()]
    assert found.spans == (True, True, True)
    diagonal = np.zeros((40, 40, 40), bool)
    diagonal[np.arange(40), np.arange(40), np.arange(40)] = True
    assert (len(count_clusters(diagonal).sizes), len(count_clusters(diagonal, corners=True).sizes)) == (40, 1)
    assert spanning_cluster(diagonal, corners=True).sum() == 40
    assert not spanning_cluster(diagonal).any()


def test_an_empty_phase_has_no_clusters() -> None:
    """Nothing spans, nothing is divided by zero."""
    found = count_clusters(np.zeros((8, 8, 8), bool))
    assert (len(found.sizes), found.spans, found.largest_share) == (0, (False, False, False), 0.0)
    assert phase_fraction(np.zeros((8, 8), bool)) == 0


def test_two_point_correlation_of_known_sets() -> None:
    """Stripes of period 4: S2 along them is the fraction, across them 1/2, 1/4, 0, 1/4; noise gives f²."""
    stripes = np.broadcast_to(np.arange(64) % 4 < 2, (32, 64))
    found = two_point_correlation(stripes, [0, 1, 2, 3, 4])
    assert found.along[0].tolist() == [0.5] * 5
    assert found.along[1] == pytest.approx([0.5, 16 / 63, 0, 15 / 61, 0.5])
    noise = np.random.default_rng(5).random((128, 128, 128)) < 0.3
    far = two_point_correlation(noise, [3, 7])
    assert far.mean == pytest.approx(far.fraction**2, abs=4 * 0.3 / np.sqrt(noise.size))
    assert np.isnan(two_point_correlation(stripes, [40]).along[0, 0])


def test_the_cover_is_what_is_counted(blobs: np.ndarray) -> None:
    """It holds the phase, and has as many boxes as the count says."""
    cover = occupied_boxes(blobs, 8)
    assert cover.shape == blobs.shape
    assert np.all(cover[blobs])
    assert np.count_nonzero(cover[::8, ::8, ::8]) == box_counts(blobs, [8])[0]


def test_bad_lags_are_named() -> None:
    """What is expected instead."""
    for lags in ([], [-1], [1.5]):
        with pytest.raises(ValueError, match="whole numbers of voxels from 0 up"):
            two_point_correlation(np.ones((4, 4), bool), lags)
