"""Any array, one tile at a time: NumPy in cache-sized pieces, Zarr chunk by chunk, Dask where its workers are."""

from collections.abc import Callable, Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np

from nbtools.statistics.arrays import refuse_masked

# Voxels of a tile: what a processor keeps close by, and what one read from disk may hold.
NEAR, FAR = 1 << 22, 1 << 24
AT_ONCE = 4  # tiles under way together: bounds the memory of a machine with many workers

Tile = tuple[slice, ...]


def over_tiles(function: Callable[..., Any], array: Any, *arguments: Any) -> Iterator[tuple[Tile, Any]]:
    """The slices of every tile, and ``function(voxels, slices, *arguments)``, in the order of the array.

    Parameters
    ----------
    array : NumPy, Zarr or Dask array; of what is not in memory Dask has the function run, where a client of
        `dask.distributed` is connected by its workers
    """
    tiles = tiles_of(array)
    if isinstance(array, np.ndarray):
        for tile in tiles:
            yield tile, function(array[tile], tile, *arguments)
        return
    import dask

    # Of a Dask array the tile's own graph; a Zarr array is read where the function runs, with no graph of its chunks.
    in_dask, task = isinstance(_lazy(array), type(array)), dask.delayed(_read_and_run)
    for start in range(0, len(tiles), AT_ONCE):
        group = tiles[start : start + AT_ONCE]
        tasks = [
            task(function, array[tile] if in_dask else array, () if in_dask else tile, tile, *arguments)
            for tile in group
        ]
        yield from zip(group, dask.compute(*tasks), strict=True)


def _read_and_run(function: Callable[..., Any], array: Any, part: Tile, tile: Tile, *arguments: Any) -> Any:
    return function(np.asarray(array[part]), tile, *arguments)


def checked_lazily(binary: Any) -> Any:
    """As `check_binary`, as booleans: NumPy in memory, Dask of what is not."""
    array = check_binary(binary)
    return (
        binary_tile(array)
        if isinstance(array, np.ndarray)
        else _lazy(array).map_blocks(binary_tile, dtype=bool)
    )


def _lazy(array: Any) -> Any:
    try:
        import dask.array
    except ImportError:
        raise ImportError(
            "an array on disk is read by Dask: pip install 'mgb2-notebooks[distributed]', or load it, as array[:]"
        ) from None
    return array if isinstance(array, dask.array.Array) else dask.array.from_zarr(array)


def tiles_of(array: Any) -> list[Tile]:
    """Slices that part the array, whole chunks where they fit; tiles grow from the last axis on."""
    near = isinstance(array, np.ndarray)
    chunks = [1] * array.ndim if near else [max(c) if isinstance(c, tuple) else c for c in array.chunks]
    sides = [min(c, n) for c, n in zip(chunks, array.shape, strict=True)]
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
