"""One number, whatever holds the array and however it is cut: NumPy, Zarr, Dask, a cluster of two workers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from nbtools.structure import tiles
from nbtools.structure.box_counting import box_counts, occupied_boxes
from nbtools.structure.isotropy import two_point_correlation
from nbtools.structure.percolation import count_clusters, spanning_cluster

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
    clusters = count_clusters(array)
    return [
        [cover.tolist() for cover in (*mass.covers, *edges.covers)],
        [str(sticks.along), sticks.fraction],
        [clusters.sizes.tolist(), clusters.spanning.sum(axis=1).tolist()],
    ]


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut even a small array into many pieces."""
    monkeypatch.setattr(tiles, "NEAR", 30_000)
    monkeypatch.setattr(tiles, "FAR", 30_000)


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


def test_a_connected_client_does_the_work(
    blobs: np.ndarray, tmp_path: Path, cluster: Any, small_tiles: None
) -> None:
    """Both workers compute, and the numbers are the same."""
    expected = two_point_correlation(blobs, LAGS), box_counts(blobs, [2, 3, 16]).counts.tolist()
    array = in_zarr(blobs, tmp_path)
    with cluster.get_client() as client:
        before = client.run(_tasks_done)
        np.testing.assert_array_equal(two_point_correlation(array, LAGS).along, expected[0].along)
        assert box_counts(array, [2, 3, 16]).counts.tolist() == expected[1]
        after = client.run(_tasks_done)
    assert len(after) == 2
    assert all(after[worker] > before[worker] for worker in after)


def _tasks_done(dask_worker: Any) -> int:
    return dask_worker.state.executed_count


def test_clusters_are_those_of_scipy(blobs: np.ndarray) -> None:
    """Sizes from the largest down, and who reaches through, piece by piece."""
    labels, count = ndimage.label(blobs)
    found = count_clusters(blobs)
    assert found.sizes.tolist() == sorted(np.bincount(labels.ravel())[1:], reverse=True)
    assert len(found.sizes) == count
    for axis in range(3):
        ends = (set(np.unique(np.take(labels, end, axis))) - {0} for end in (0, -1))
        assert found.spanning[axis].sum() == len(set.intersection(*ends))


def test_a_snake_is_one_piece_and_a_diagonal_is_many() -> None:
    """Through along every axis that it crosses; corners do not hang together."""
    snake = np.zeros((60, 40, 40), bool)
    snake[:, 20, 20] = snake[59, :, 20] = snake[0, 20, :] = True
    snake[30, 0, 0] = True
    found = count_clusters(snake)
    assert found.sizes.tolist() == [snake.sum() - 1, 1]
    assert found.spanning.tolist() == [[True, False]] * 3
    through = snake.copy()
    through[30, 0, 0] = False
    assert np.array_equal(spanning_cluster(snake), through)
    diagonal = np.zeros((40, 40, 40), bool)
    diagonal[np.arange(40), np.arange(40), np.arange(40)] = True
    assert len(count_clusters(diagonal).sizes) == 40
    assert not spanning_cluster(diagonal).any()


def test_nothing_has_no_pieces() -> None:
    """And spans nowhere."""
    found = count_clusters(np.zeros((8, 8, 8), bool))
    assert (len(found.sizes), found.spans, found.largest_share) == (0, (False, False, False), 0.0)


def test_two_point_correlation_of_known_sets() -> None:
    """Stripes of period 4: S2 along them is the fraction, across them 1/2, 1/4, 0, 1/4; noise gives f²."""
    stripes = np.broadcast_to(np.arange(64) % 4 < 2, (32, 64))
    found = two_point_correlation(stripes, [0, 1, 2, 3, 4])
    assert found.along[0].tolist() == [0.5] * 5
    assert found.along[1] == pytest.approx([0.5, 16 / 63, 0, 15 / 61, 0.5])
    noise = np.random.default_rng(5).random((128, 128, 128)) < 0.3
    far = two_point_correlation(noise, [3, 7])
    assert far.along == pytest.approx(far.fraction**2, abs=4 * 0.3 / np.sqrt(noise.size))
    assert np.isnan(two_point_correlation(stripes, [40]).along[0, 0])


def test_the_cover_is_what_is_counted(blobs: np.ndarray) -> None:
    """It holds the phase, and has as many boxes as the count says."""
    cover = occupied_boxes(blobs, 8)
    assert cover.shape == blobs.shape
    assert np.all(cover[blobs])
    assert np.count_nonzero(cover[::8, ::8, ::8]) == box_counts(blobs, [8]).counts[0]


def test_bad_lags_are_named() -> None:
    """What is expected instead."""
    for lags in ([], [-1], [1.5]):
        with pytest.raises(ValueError, match="whole numbers of voxels from 0 up"):
            two_point_correlation(np.ones((4, 4), bool), lags)
