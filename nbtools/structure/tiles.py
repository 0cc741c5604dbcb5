"""Any array, one tile at a time: NumPy in cache-sized pieces, Zarr chunk by chunk, Dask where its workers are."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from nbtools.statistics.arrays import refuse_masked

# Voxels of a tile: what a processor keeps close by, and what one read from disk may hold.
NEAR, FAR = 1 << 22, 1 << 25
AT_ONCE = 4  # Dask tiles under way together: bounds the memory of a machine with many workers

Tile = tuple[slice, ...]


def over_tiles(
    function: Callable[..., Any],
    array: Any,
    *arguments: Any,
    halo: Sequence[int] | None = None,
    planes: bool = False,
) -> Iterator[tuple[Tile, Any]]:
    """The slices of every tile, and ``function(voxels, slices, *arguments)``, in the order of the array.

    Parameters
    ----------
    array : NumPy, Zarr or Dask array; of what is not in memory Dask has the function run, where a client of
        `dask.distributed` is connected by its workers
    halo : voxels beyond a tile's far end that the function gets as well, one number an axis
    planes : whether a tile must hold whole planes of the first axis
    """
    reach = tuple(halo or (0,) * array.ndim)
    tiles = tiles_of(array, planes=planes)
    wider = [_widened(tile, reach, array.shape) for tile in tiles]
    if isinstance(array, np.ndarray):
        for tile, wide in zip(tiles, wider, strict=True):
            yield tile, function(array[wide], tile, *arguments)
        return
    import dask
    import dask.array

    lazy = array if isinstance(array, dask.array.Array) else dask.array.from_zarr(array)
    task = dask.delayed(function)
    for start in range(0, len(tiles), AT_ONCE):
        group = range(start, min(start + AT_ONCE, len(tiles)))
        done = dask.compute(*[task(lazy[wider[i]], tiles[i], *arguments) for i in group])
        yield from zip([tiles[i] for i in group], done, strict=True)


def tiles_of(array: Any, *, planes: bool = False) -> list[Tile]:
    """Slices that part the array, whole chunks where they fit; tiles grow from the last axis on."""
    near = isinstance(array, np.ndarray)
    chunks = [1] * array.ndim if near else [max(c) if isinstance(c, tuple) else c for c in array.chunks]
    sides = [min(c, n) for c, n in zip(chunks, array.shape, strict=True)]
    if planes:
        sides[1:] = array.shape[1:]
    most = NEAR if near else FAR
    for axis in reversed(range(array.ndim)):
        rest = prod(sides) // sides[axis]
        fitting = most // (rest * chunks[axis]) * chunks[axis]
        sides[axis] = min(array.shape[axis], max(sides[axis], fitting))
    starts = [range(0, n, side) for n, side in zip(array.shape, sides, strict=True)]
    return [
        tuple(slice(c, min(c + s, n)) for c, s, n in zip(corner, sides, array.shape, strict=True))
        for corner in product(*starts)
    ]


def binary_tile(block: np.ndarray) -> np.ndarray:
    """The phase as booleans, without a copy where the bytes are 0 and 1 already.

    Raises
    ------
    ValueError
        Numbers that are no mask: anything but 0 and 1, or 0 and 255.
    """
    if block.dtype == bool:
        return block
    low, high = (int(block.min()), int(block.max())) if block.size else (0, 0)
    if low >= 0 and high <= 1:
        return block.view(bool) if block.dtype.itemsize == 1 else block.astype(bool)
    phase = block != 0
    if low < 0 or high != 255 or np.any(phase & (block != 255)):
        raise ValueError(
            f"a binary array holds 0 and 1 (or 0 and 255), and this one has values from {low} to {high}: "
            "name the phase, as in labels == 2"
        )
    return phase


def check_binary(binary: Any) -> Any:
    """The array, if it is a section or a volume of whole numbers; a list becomes a NumPy array.

    Raises
    ------
    ValueError
        Another number of axes, no voxels, or a kind of number that is no mask.
    """
    refuse_masked(binary, "the mask")
    # Of an xarray.DataArray, what it wraps; a list becomes an array.
    array: Any = binary.data if hasattr(binary, "dims") else binary
    if not (hasattr(array, "dtype") and hasattr(array, "shape")):
        array = np.asarray(array)
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise ValueError(
            f"an array of shape {tuple(array.shape)} came; a section (y, x) or a volume (z, y, x) is expected"
        )
    if np.dtype(array.dtype).kind not in "bui":
        raise ValueError(
            f"an array of {array.dtype} came, and a binary one is expected: segment it first, as in grey > threshold"
        )
    return array


def _widened(tile: Tile, reach: Sequence[int], shape: Sequence[int]) -> Tile:
    return tuple(
        slice(part.start, min(part.stop + r, n)) for part, r, n in zip(tile, reach, shape, strict=True)
    )
