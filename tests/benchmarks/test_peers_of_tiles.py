"""Whether dask.array.coarsen could take the place of our box counts: same numbers, time and voxels touched."""

import time

import numpy as np
import pytest
from scipy import ndimage

from nbtools.structure.box_counting import box_counts

SIZES = [2, 4, 8, 16, 32, 64]
SIDE = 256


@pytest.fixture(scope="module")
def volume():
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(SIDE,) * 3).astype(np.float32), 3)
    return smooth > np.quantile(smooth[::4, ::4, ::4], 1 - 0.265)


def by_dask(array):
    """One coarsening after the other; sizes that divide each other and the array, one origin."""
    import dask
    import dask.array as da

    counts, level, before = [], array, 1
    for size in SIZES:
        level = da.coarsen(np.any, level, dict.fromkeys(range(3), size // before))
        counts.append(level.sum())
        before = size
    return [int(n) for n in dask.compute(*counts)]


def test_coarsening_counts_the_same_and_how_long_it_takes(volume, capsys):
    """On chunks of 64: the time of each, printed; and what a size that divides nothing needs."""
    da = pytest.importorskip("dask.array")
    lazy = da.from_array(volume, chunks=64)
    clock = []
    for count in (lambda: box_counts(lazy, SIZES).counts.tolist(), lambda: by_dask(lazy)):
        start = time.process_time()
        found = count()
        clock.append((time.process_time() - start, found))
    (ours, counts), (theirs, coarse) = clock
    assert counts == coarse
    with capsys.disabled():
        print(f"\n{SIDE}³: box_counts {ours:.2f} s, dask.array.coarsen {theirs:.2f} s of processor time")
    # A box that sticks out at the edge counts here; coarsen refuses it, or trims what is left over.
    with pytest.raises(ValueError, match="do not align"):
        da.coarsen(np.any, lazy, {0: 3, 1: 3, 2: 3})
    assert box_counts(lazy, [3]).counts[0] > 0
